//! Words that every front, the report and the endings say, in one place: states, findings, refusals, durations, counts.

pub mod briefing;
pub mod clocks;
pub mod describe;
pub mod handover;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::engine::undo::UndoSort;
use crate::engine::{
    Awaiting, Deviation, DeviationKind, End, Evidence, Finding, How, Outcome, Presence, Proof, Refusal, Run, Signature,
    SignedBy, StepRun, StepState,
};
use crate::playbook;
use crate::playbook::plan::{
    Act, FollowUp, Name, PersonSpec, Plan, ProbeSpec, Quiz, Section, Source, Step, StepId, Template,
};

/// Says where a step stands.
#[must_use]
pub fn state(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "pending",
        StepState::Waiting => "waiting",
        StepState::Running => "running",
        StepState::Verifying => "verifying",
        StepState::Done => "done",
        StepState::Warned => "warned",
        StepState::Failed => "failed",
        StepState::Unknown => "unknown",
        StepState::Skipped => "skipped",
        StepState::LeftOut => "not in this run",
        StepState::RolledBack => "rolled back",
        StepState::RollbackFailed => "rollback failed",
    }
}

/// Says what a probe found.
#[must_use]
pub fn finding(finding: Finding) -> &'static str {
    match finding {
        Finding::Holds => "holds",
        Finding::Differs => "differs",
        Finding::Denied => "denied",
        Finding::Refused => "refused",
        Finding::Unreachable => "unreachable",
        Finding::NotUnderstood => "not understood",
    }
}

/// Says how an effect came out.
#[must_use]
pub fn how(how: How) -> &'static str {
    match how {
        How::Ok => "done",
        How::Failed => "failed",
        How::TimedOut => "took too long and was stopped",
        How::Stopped => "stopped by the operator",
        How::Lost => "began, and its end was not seen",
    }
}

/// Says in one line how an effect came out, with what was seen and how long it took.
#[must_use]
pub fn outcome(outcome: &Outcome) -> String {
    let mut text = how(outcome.how).to_owned();
    if !outcome.saw.is_empty() {
        text.push_str(": ");
        text.push_str(&outcome.saw);
    }
    format!("{text} ({})", took(outcome.took_ms))
}

/// Says how a step is undone.
#[must_use]
pub fn undo(sort: UndoSort) -> &'static str {
    match sort {
        UndoSort::Automatic => "automatic",
        UndoSort::ByHand => "by hand",
        UndoSort::Forward => "cannot be undone; the way forward",
        UndoSort::Stuck => "cannot be undone: it stays as it is",
        UndoSort::Nothing => "nothing to undo",
    }
}

/// Says how a run ended.
#[must_use]
pub fn end(end: End) -> &'static str {
    match end {
        End::Completed => "completed",
        End::RolledBack => "rolled back",
        End::Abandoned => "abandoned",
    }
}

/// Names the part of the playbook that a step stands in: its phase, or its section.
#[must_use]
pub fn part(plan: &Plan, run: &Run, id: &StepId) -> String {
    let Some((at, step)) = plan.index.get(id).and_then(|&at| Some((at, plan.steps.get(at)?))) else {
        return String::new();
    };
    let phase = || plan.phases.iter().find(|phase| phase.steps.contains(&at));
    match step.section {
        Section::Main => phase().map_or_else(String::new, |phase| fill(&phase.title, run)),
        Section::Success | Section::Cleanup | Section::AfterRollback => section(step.section).to_owned(),
    }
}

/// Names a section.
#[must_use]
pub fn section(section: Section) -> &'static str {
    match section {
        Section::Main => "Steps",
        Section::Success => "Success criteria",
        Section::Cleanup => "Cleanup",
        Section::AfterRollback => "After a rollback",
    }
}

/// Says what stays to be done after the run, and by when.
#[must_use]
pub fn follow_up(follow: &FollowUp, run: &Run) -> String {
    let by = follow.within.zip(run.ended).and_then(|(within, (_, ended))| after(ended, within));
    let within = match (follow.within, by) {
        (Some(_), Some(by)) => format!(", by {} UTC", by.strftime("%Y-%m-%d %H:%M")),
        (Some(time), None) => format!(", within {}", duration(time)),
        (None, _) => String::new(),
    };
    format!("{}{within}", fill(&follow.title, run))
}

/// Returns the time so long after another; none where that is beyond what can be told.
#[must_use]
pub fn after(at: Timestamp, time: Duration) -> Option<Timestamp> {
    at.checked_add(SignedDuration::try_from(time).ok()?).ok()
}

/// Says how long something took, from milliseconds.
#[must_use]
pub fn took(ms: u64) -> String {
    if ms < 1000 {
        return format!("{ms} ms");
    }
    if ms < 60_000 {
        return format!("{}.{} s", ms / 1000, ms % 1000 / 100);
    }
    duration(Duration::from_millis(ms))
}

/// Says how long something is meant to last, from milliseconds: `5m`, where [`took`] says what was measured.
#[must_use]
pub fn lasts(ms: u64) -> String {
    duration(Duration::from_millis(ms))
}

/// Says a duration in whole seconds: `1h 2m 3s`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 86_400, 'd'), (seconds / 3600 % 24, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    let said: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    match (said.is_empty(), duration.subsec_millis()) {
        (true, 0) => "0s".to_owned(),
        (true, ms) => format!("{ms}ms"),
        (false, _) => said.join(" "),
    }
}

/// Says how many of something there are.
#[must_use]
pub fn count(many: usize, one: &str, more: &str) -> String {
    if many == 1 { format!("1 {one}") } else { format!("{many} {more}") }
}

/// Says why the engine will not, and what to do.
#[must_use]
pub fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotBegun => "the run has not begun".to_owned(),
        Refusal::BegunAlready => "the run has begun already".to_owned(),
        Refusal::Over => "the run is over; only a rollback is possible now".to_owned(),
        Refusal::NotNow { what } => format!("cannot {what} now"),
        Refusal::NotCurrent { step, current: Some(current) } => format!("it is the turn of {current}, not of {step}"),
        Refusal::NotCurrent { step, current: None } => format!("it is not the turn of {step}"),
        Refusal::Busy { step } => format!("{step} is still at work; wait for it, or stop it first"),
        Refusal::NothingRuns => "nothing is running".to_owned(),
        Refusal::NoSuchStep { step } => format!("there is no step {step}"),
        Refusal::NeedsConfirm { step } => format!("{step} must be confirmed before it starts"),
        Refusal::NeedsTyping { word } => format!("this is a protected run: type {word} to begin"),
        Refusal::NeedsReason => "say why: it goes on record".to_owned(),
        Refusal::Missing { name } => format!("{name} is missing"),
        Refusal::Unfit { name, why } => format!("{name}: {why}"),
        Refusal::NothingToUndo => "there is nothing to roll back".to_owned(),
        Refusal::NotStarted { step } => format!("{step} has not started, so there is no way back to it"),
        Refusal::NoProbes { step } => format!("{step} has nothing to verify"),
        Refusal::NoRecapture { step } => format!("{step} does not say how to fetch its values again"),
        Refusal::NoSuchRole { role } => format!("it is not {role} who signs now: not asked for, or signed already"),
        Refusal::MustDiffer { name } => {
            format!("{name} walks this run or has signed already; somebody else must sign")
        }
        Refusal::SameKey { name } => format!("{name} has signed already with the same key; somebody else must sign"),
        Refusal::Unproven { why } => format!("this signature is not taken: {why}"),
        Refusal::NeedsKey { role } => {
            format!(
                "a typed name is not enough here: {role} signs with a key, by `runsheet sign` in a terminal of their own"
            )
        }
        Refusal::NoRoom { step, why } => {
            format!("{step} cannot be undone, and there is no room to record what comes of it: {why}; make room first")
        }
        Refusal::NoEvidence { step, item, why } => format!("evidence {item} of {step}: {why}"),
        Refusal::Unticked { step, lines } => {
            format!("{step} has {} to tick yet", count(*lines as usize, "line", "lines"))
        }
        Refusal::NoFollowUp { item, why } => format!("item {item}: {why}"),
        Refusal::WindowOver { step, by_ms } => clocks::over(step, Duration::from_millis(*by_ms)),
        Refusal::NoWindow => "the playbook plans no window".to_owned(),
        Refusal::Stale => "that came too late".to_owned(),
    }
}

/// Says how somebody signed: with which key, or by a typed name, and from where.
#[must_use]
pub fn signed_by(by: &SignedBy) -> String {
    proved(by.signature.as_deref(), by.account.as_ref(), by.host.as_ref())
}

/// Says what proves a signature, and from where it was given.
#[must_use]
pub fn proved(signature: Option<&Signature>, account: Option<&String>, host: Option<&String>) -> String {
    let from = match (account, host) {
        (Some(account), Some(host)) => format!(", from the account {account} on {host}"),
        _ => String::new(),
    };
    format!("{}{from}", proof(signature))
}

/// Says what a role does that signs a step: approves, or signs what was done.
#[must_use]
pub fn signs(plan: &Plan, step: &StepId) -> &'static str {
    match plan.step(step).map(|step| &step.action.act) {
        Some(Act::Person(PersonSpec { approval: Some(_), .. })) => "approves",
        Some(_) | None => "signs what was done",
    }
}

/// Says that a signature is missing at the end, or was refused.
#[must_use]
pub fn sign_off_missing(run: &Run, role: &str) -> String {
    let refused = run.refused.iter().rev().find(|(of, ..)| of == role);
    match refused {
        Some((_, name, why)) => format!("everything is done, and {name} refused to sign as {role}: {why}"),
        None => format!("everything is done, but the sign-off of {role} is missing"),
    }
}

/// Says what proves a signature.
#[must_use]
pub fn proof(signature: Option<&Signature>) -> String {
    match signature {
        None => "the name as typed, not proved".to_owned(),
        Some(Signature { key, principal: Some(principal), .. }) => {
            format!("signed with the key {key} of {principal}")
        }
        Some(Signature { key, principal: None, .. }) => {
            format!("signed with the key {key}; whose that is was not checked")
        }
    }
}

/// Says who came to act, or went.
#[must_use]
pub fn presence(presence: &Presence) -> String {
    match presence {
        Presence::Attached { operator, host, .. } => format!("{operator} acts from here on, from a screen on {host}"),
        Presence::TakenOver { operator, host, from, .. } => {
            format!("{operator} took over from {from}, from a screen on {host}")
        }
        Presence::Detached { operator, why } => format!("{operator} is gone from the screen ({why}); the run goes on"),
    }
}

/// Says whether an answer to the question of a drill was right, what is, and why; Markdown.
#[must_use]
pub fn quiz_answered(quiz: &Quiz, right: bool) -> String {
    let answer = quiz.choices.get(quiz.answer).map_or("", String::as_str);
    let said = if right { format!("Right: {answer}") } else { format!("Not so. It is: {answer}") };
    match &quiz.because {
        Some(because) => format!("{said}\n\n{because}"),
        None => said,
    }
}

/// Says that a secret was handed out to be copied.
#[must_use]
pub fn copied(name: &Name) -> String {
    format!("The secret {name} was asked for, to be copied; that is on record.")
}

/// Fills a template with the values of a run.
#[must_use]
pub fn fill(text: &Template, run: &Run) -> String {
    text.fill(|name| run.values.get(name).map(String::as_str))
}

/// Says what a run does next, in a few words for lists.
#[must_use]
pub fn awaiting(awaiting: &Awaiting) -> String {
    match awaiting {
        Awaiting::Begin => "has not begun".to_owned(),
        Awaiting::Go(step) => format!("next: {step}"),
        Awaiting::Quiz(step) => format!("asks a question about {step}"),
        Awaiting::Person(target) => format!("waits for a person: {}", target.step),
        Awaiting::World(target) => format!("at work: {}", target.step),
        Awaiting::Decision(step) => format!("waits for a decision: {step}"),
        Awaiting::Undo(target) => format!("rolling back, next: {}", target.step),
        Awaiting::UndoDecision(target) => format!("rolling back, waits for a decision: {}", target.step),
        Awaiting::Incomplete => "the rollback is incomplete".to_owned(),
        Awaiting::Evidence(step, item) => format!("waits for evidence {item} of {step}"),
        Awaiting::SignOff(role) => format!("waits for the sign-off: {role}"),
        Awaiting::Approval(step, role) => format!("waits for the approval of {role}: {step}"),
        Awaiting::Closing => "closing".to_owned(),
        Awaiting::Nothing => "over".to_owned(),
    }
}

/// Names a probe: its title, or the question in words.
#[must_use]
pub fn probe(spec: &ProbeSpec, run: &Run) -> String {
    playbook::describe::probe(spec, &|text| fill(text, run))
}

/// Says where an input is taken from when nobody gives it.
#[must_use]
pub fn source(source: &Source) -> String {
    match source {
        Source::Env(name) => format!("${name}"),
        Source::File(_) => "the text of a file".to_owned(),
        Source::Dotenv { key, .. } => format!("{key} from a file"),
        Source::Run(_) => "what a command says".to_owned(),
    }
}

/// Says that a terminal would be lost here, where there is none that could be.
pub const TERMINAL_LOST: &str = "here your terminal would be lost, and `runsheet attach` would come back to the run";

/// Lists the evidence of a step as far as it was given or passed over, a line each.
#[must_use]
pub fn proofs(step: &Step, state: &StepRun, run: &Run) -> Vec<String> {
    let line = |proof: &Proof| {
        let spec = proof.item.checked_sub(1).and_then(|at| step.evidence.get(at as usize));
        let title = spec.map(|spec| fill(&spec.title, run)).unwrap_or_default();
        match (&proof.evidence, &proof.reason) {
            (Some(given), _) => format!("{title}: {}", evidence(given)),
            (None, Some(reason)) => format!("{title}: not given: {reason}"),
            (None, None) => format!("{title}: not given; it is optional"),
        }
    };
    state.evidence.iter().map(line).collect()
}

/// Says an item of evidence in a line.
#[must_use]
pub fn evidence(evidence: &Evidence) -> String {
    let bytes = |size: u64| count(usize::try_from(size).unwrap_or(usize::MAX), "byte", "bytes");
    match evidence {
        Evidence::Text { text } => text.clone(),
        Evidence::File { name, kept, sha256, size } => {
            format!("{name}, kept as {kept} ({}, SHA-256 {sha256})", bytes(*size))
        }
        Evidence::Fingerprint { name, fingerprint } => format!("{name} has the fingerprint {fingerprint}"),
        Evidence::Output { transcript, sha256, size } => {
            format!("the transcript {transcript} ({}, SHA-256 {sha256})", bytes(*size))
        }
    }
}

/// Says a deviation in a line.
#[must_use]
pub fn deviation(deviation: &Deviation) -> String {
    let what = match deviation.kind {
        DeviationKind::Skipped => "was skipped",
        DeviationKind::PassedOver => "failed, and the run went on",
        DeviationKind::ByHand => "was done by hand",
        DeviationKind::Repeated => "was started again",
        DeviationKind::EditedInput => "was answered again",
        DeviationKind::OutOfWindow => "went on after the window was over",
        DeviationKind::WindowExtended => "had its window extended",
        DeviationKind::Despite => "was started although later steps would be refused",
        DeviationKind::EvidenceMissing => "lacks evidence",
        DeviationKind::Unsigned => "was not signed, and the run went on",
        DeviationKind::Refused => "was refused a signature",
    };
    let of = match (&deviation.step, deviation.undo) {
        (Some(step), Some(action)) => format!("undo action {action} of {step}"),
        (Some(step), None) => step.to_string(),
        (None, _) => "the run".to_owned(),
    };
    format!("{of} {what}: {}", deviation.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_durations() {
        let said = [0, 1, 60, 61, 3600, 90_061].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(said, ["0s", "1s", "1m", "1m 1s", "1h", "1d 1h 1m 1s"]);
        assert_eq!(duration(Duration::from_millis(250)), "250ms");
        assert_eq!([12, 1234, 61_000].map(took), ["12 ms", "1.2 s", "1m 1s"]);
    }

    #[test]
    fn counts() {
        assert_eq!(count(1, "step", "steps"), "1 step");
        assert_eq!(count(0, "step", "steps"), "0 steps");
    }
}
