//! What a run has come to, whether that is fine, and what its record proves: in words, for who was not there.

use super::data::{Assessment, Checked, Counts, Level, Outcome, Proof, Report, SignOff, StepFacts};
use crate::engine::{End, Run, Stage, StepState};
use crate::playbook::plan::{Plan, StepId};
use crate::words::{self, count};

/// Says in a sentence what the run has come to.
pub(super) fn outcome(plan: &Plan, run: &Run) -> String {
    let left =
        plan.steps.iter().zip(&run.steps).filter(|(_, state)| {
            matches!(state.state, StepState::Failed | StepState::Unknown | StepState::RollbackFailed)
        });
    let left: Vec<&str> = left.map(|(step, _)| step.id.as_str()).collect();
    let failed = if left.is_empty() { String::new() } else { format!("; failed or unknown: {}", left.join(", ")) };
    let stands = words::awaiting(&run.awaiting(plan));
    match (run.stage, run.ended, &run.rollback) {
        (Stage::Over, Some((End::RolledBack, _)), Some(rollback)) if !rollback.stuck.is_empty() => {
            let stuck: Vec<&str> = rollback.stuck.iter().map(StepId::as_str).collect();
            format!("rolled back, but what cannot be undone: {}{failed}", stuck.join(", "))
        }
        (Stage::Over, Some((end, _)), _) => format!("{}{failed}", words::end(end)),
        _ => match &run.paused {
            Some(why) => format!("open ({stands}); stopped: {why}{failed}"),
            None => format!("open ({stands}){failed}"),
        },
    }
}

/// What stands until a report is assessed.
pub(super) fn open() -> Assessment {
    Assessment { level: Level::Open, sentence: String::new(), reasons: Vec::new() }
}

/// What stands until it is said what a report proves.
pub(super) fn nothing_proved() -> Proof {
    Proof { proves: Vec::new(), does_not: Vec::new() }
}

/// Says whether a run is fine.
pub(super) fn assess(report: &Report) -> Assessment {
    let (wrong, look) = (wrong(report), look(report));
    let last = report.rollbacks.last();
    let level = match report.run.state {
        "open" => Level::Open,
        _ if !wrong.is_empty() || report.run.state == "abandoned" => Level::Wrong,
        "completed" if look.is_empty() => Level::Fine,
        _ => Level::Look,
    };
    let Counts { steps, .. } = report.counts;
    let steps = count(steps as usize, "step", "steps");
    let sentence = match (report.run.state, level) {
        ("open", _) => {
            let stands = report.run.awaiting.as_deref().unwrap_or("nothing more is known");
            format!("The run is not over: {stands}.")
        }
        ("completed", Level::Fine) => {
            format!("Completed: all went as the playbook says, and what it verifies holds ({steps}).")
        }
        ("completed", Level::Look) => format!("Completed ({steps}), with something to look at."),
        ("completed", _) => format!("Completed ({steps}), and not all is as it should be."),
        ("rolled back", Level::Wrong) => "Rolled back, and not all could be undone.".to_owned(),
        ("rolled back", _) => "Rolled back: every action of the rollback succeeded.".to_owned(),
        ("abandoned", _) if last.is_some() => {
            "Abandoned in or after a rollback: what it had changed may still be so.".to_owned()
        }
        _ => "Abandoned: what it had changed is still so.".to_owned(),
    };
    Assessment { level, sentence, reasons: wrong.into_iter().chain(look).collect() }
}

/// What is not as it should be.
fn wrong(report: &Report) -> Vec<String> {
    let mut reasons = Vec::new();
    let steps = report.sections.iter().flat_map(|section| &section.steps);
    for step in steps {
        let say = match step.state {
            "failed" => "failed",
            "unknown" => "was started, and its end was not seen",
            "rollback failed" => "could not be undone",
            _ => continue, // the other states are none that a run should not end in
        };
        reasons.push(format!("{} {say}", step.id));
    }
    if report.run.state != "open" {
        let unverified = report.exposures.iter().filter(|one| !one.verified);
        reasons.extend(unverified.map(|one| format!("{} cannot be undone, and was not verified", one.step)));
    }
    if let Some(last) = report.rollbacks.last() {
        reasons.extend(last.stuck.iter().map(|step| format!("{step} cannot be undone, and stays as it is")));
    }
    for sign_off in &report.sign_offs {
        let (role, name) = (&sign_off.role, sign_off.name.as_deref().unwrap_or("nobody"));
        let at_end = sign_off.step.is_none();
        let signed_later = report
            .sign_offs
            .iter()
            .any(|other| other.decision == "signed" && other.role == sign_off.role && other.step == sign_off.step);
        match sign_off.decision {
            "refused" if !signed_later => reasons.push(format!("{name} refused to sign as {role}")),
            "missing" if at_end && report.run.state == "completed" => {
                reasons.push(format!("the sign-off of {role} is missing"));
            }
            _ => {} // signed, or of no matter in a run that was undone
        }
    }
    reasons.extend(signatures(report, Checked::Bad, "is not good"));
    reasons.extend(report.left_behind.iter().map(|left| format!("{} may hold a secret and is still there", left.file)));
    reasons
}

/// Returns how the last attempt of a step failed, also of one that was rolled back for it.
pub(super) fn failed(step: &StepFacts) -> Option<&Outcome> {
    step.attempts.last().and_then(|attempt| attempt.outcome.as_ref()).filter(|outcome| !outcome.ok)
}

/// What there is to say of signatures with which this came of checking them.
fn signatures<'a>(report: &'a Report, checked: Checked, says: &'a str) -> impl Iterator<Item = String> + 'a {
    report.sign_offs.iter().filter_map(move |one| {
        let signature = one.signature.as_ref().filter(|signature| signature.checked == checked)?;
        let why = signature.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        Some(format!("the signature of {} as {} {says}{why}", one.name.as_deref().unwrap_or_default(), one.role))
    })
}

/// Says how many deviations there were.
pub(super) fn deviations(report: &Report) -> usize {
    report.deviations.len().saturating_add(usize::try_from(report.deviations_left_out).unwrap_or(usize::MAX))
}

/// What needs a look.
fn look(report: &Report) -> Vec<String> {
    let mut reasons = Vec::new();
    let undone = report.sections.iter().flat_map(|section| &section.steps).filter(|step| step.state == "rolled back");
    for (step, outcome) in undone.filter_map(|step| Some((step, failed(step)?))) {
        let saw = if outcome.saw.is_empty() { String::new() } else { format!(" ({})", outcome.saw) };
        reasons.push(format!("{} had {}{saw}", step.id, outcome.how));
    }
    if !report.deviations.is_empty() {
        reasons.push(format!("{} from the playbook", count(deviations(report), "deviation", "deviations")));
    }
    if report.counts.warned > 0 {
        reasons.push(format!("{} with a warning", count(report.counts.warned as usize, "step", "steps")));
    }
    if let Some(over) = report.window.as_ref().and_then(|window| window.over_ms).filter(|over| *over > 0) {
        reasons.push(format!("the work went over its window by {}", words::took(over)));
    }
    if let Some(window) = report.window.as_ref().filter(|window| window.extended_ms > 0) {
        reasons.push(format!("the window was extended by {}", words::lasts(window.extended_ms)));
    }
    if !report.rollbacks.is_empty() && report.run.state != "rolled back" {
        reasons.push(format!("it was rolled back on the way: {}", count(report.rollbacks.len(), "time", "times")));
    }
    reasons.extend(signatures(report, Checked::NotBelieved, "is of a key that is not believed here"));
    reasons.extend(signatures(report, Checked::NotChecked, "could not be checked here"));
    let late = |due: &Option<jiff::Timestamp>| due.is_some_and(|due| due < report.made.at);
    let overdue = report.follow_ups.iter().filter(|follow| follow.done.is_none() && late(&follow.due)).count();
    if overdue > 0 {
        reasons.push(format!("{} overdue", count(overdue, "follow-up is", "follow-ups are")));
    }
    if !report.copied.is_empty() {
        reasons.push(format!("a secret went to a clipboard, {}", count(report.copied.len(), "time", "times")));
    }
    reasons
}

/// Says what a record proves, and what it does not.
pub(super) fn proof(report: &Report) -> Proof {
    let records = usize::try_from(report.journal.records).unwrap_or(usize::MAX);
    let mut proves = vec![
        format!(
            "This was made from a journal of {} in which each line has the hash of the one before: no line in it was changed, \
             taken out or put in without changing the last line's hash, which stands here.",
            count(records, "record", "records")
        ),
        "What ran, what it answered and what was verified was written down by the program at that time, before anything \
         followed from it."
            .to_owned(),
    ];
    if report.secrets.is_empty() {
        proves.push("No secret's value is in it.".to_owned());
    } else {
        proves.push(
            "No secret's value is in it: the same fingerprint is the same value, within this run and nowhere else."
                .to_owned(),
        );
    }
    let good = |one: &&SignOff| one.signature.as_ref().is_some_and(|signature| signature.checked == Checked::Good);
    for one in report.sign_offs.iter().filter(good) {
        let name = one.name.as_deref().unwrap_or_default();
        proves.push(format!(
            "Who holds the key by which {name} {} as {} had seen this journal up to then; it was checked when this was made.",
            one.decision, one.role
        ));
    }
    let mut does_not = vec![
        "That the journal as a whole was not replaced: for that, compare its last line's hash with one that was kept \
         elsewhere, or that somebody signed."
            .to_owned(),
        "That the machine's clock was right.".to_owned(),
        "What was done beside the program.".to_owned(),
    ];
    if report.sign_offs.iter().any(|one| one.name.is_some() && one.signature.is_none()) {
        does_not.push("Who sat at the keyboard: a name that was typed is a name that was typed.".to_owned());
    } else {
        does_not.push("Who sat at the keyboard.".to_owned());
    }
    let steps = || report.sections.iter().flat_map(|section| &section.steps);
    if steps().any(|step| step.by_hand || step.kind == "person" && step.starts > 0) {
        does_not
            .push("What a person said to have done: it is what they said, but where a probe verified it.".to_owned());
    }
    Proof { proves, does_not }
}
