//! Deviations: what did not go as the playbook says, each as it happened and with its reason.
//!
//! They are read off the records as these are taken in, so that what was told stays told: a step that failed, was started
//! again and is done has still been repeated. What a `retry` of the playbook starts, an optional probe that warns and an input
//! that is given at the beginning are none. What must stay true: none is without a reason but what the playbook lets be
//! passed over freely.

use jiff::Timestamp;
use serde::Serialize;

use super::record::{Outcome, Record, Stamped, Target, Verdict};
use super::run::{Run, StepState};
use crate::playbook::plan::{Plan, Section, StepId};

/// Something that did not go as the playbook says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// When.
    pub at: Timestamp,
    /// The step; none where it is about the whole run.
    pub step: Option<StepId>,
    /// The action of its rollback, from 1; none for the step itself.
    pub undo: Option<u32>,
    /// What it was.
    pub kind: DeviationKind,
    /// Why, in words of the operator's or, where nobody is asked, of what went before.
    pub reason: String,
}

/// The sorts of deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviationKind {
    /// It was passed over by a person.
    Skipped,
    /// It failed, and the walk went on because the playbook says so.
    PassedOver,
    /// A person did it in place of the program.
    ByHand,
    /// A person started it again.
    Repeated,
    /// A question was answered again, with another value.
    EditedInput,
    /// The run went on behind the end of the window.
    OutOfWindow,
    /// The window was made longer.
    WindowExtended,
    /// It was started although later steps would be refused.
    Despite,
    /// Evidence was not given.
    EvidenceMissing,
    /// The walk went on without the signatures that a step asks for.
    Unsigned,
    /// A role refused to sign.
    Refused,
}

/// Reads the deviations off a record that is about to be taken in.
#[expect(clippy::too_many_lines, reason = "one flat table: an arm a record")]
pub(super) fn of(plan: &Plan, run: &Run, stamped: &Stamped) -> Vec<Deviation> {
    let at = stamped.at;
    let deviation = |target: &Target, kind, reason: String| Deviation {
        at,
        step: Some(target.step.clone()),
        undo: target.undo,
        kind,
        reason,
    };
    let of_step = |step: &StepId, kind, reason: String| deviation(&Target::step(step), kind, reason);
    match &stamped.record {
        Record::Skipped { target, by_playbook: true, .. } => {
            let failed = what_failed(plan, run, target);
            vec![deviation(target, DeviationKind::PassedOver, format!("the playbook says to go on; {failed}"))]
        }
        Record::Skipped { target, reason, by_playbook: false } if unsigned(plan, run, target) => {
            let reason = reason.clone().unwrap_or_else(|| "no reason was given".to_owned());
            vec![deviation(target, DeviationKind::Unsigned, reason)]
        }
        Record::Skipped { target, reason: Some(reason), .. } => {
            // Of a step that is done, only the signature is passed over.
            let unsigned = target.undo.is_none() && run.step(plan, &target.step).is_some_and(|state| state.unsigned);
            let kind = if unsigned { DeviationKind::Refused } else { DeviationKind::Skipped };
            vec![deviation(target, kind, reason.clone())]
        }
        Record::Skipped { target, reason: None, .. } => {
            let cleanup = plan.step(&target.step).is_some_and(|step| step.section == Section::Cleanup);
            let why = "it is optional, and no reason was given".to_owned();
            if cleanup { Vec::new() } else { vec![deviation(target, DeviationKind::Skipped, why)] }
        }
        Record::ByHand { target, note } => vec![deviation(target, DeviationKind::ByHand, note.clone())],
        Record::Started { target, attempt, retry, despite } => {
            let again = (*attempt > 1 && !retry)
                .then(|| deviation(target, DeviationKind::Repeated, what_failed(plan, run, target)));
            let despite = despite.as_ref().map(|reason| deviation(target, DeviationKind::Despite, reason.clone()));
            again.into_iter().chain(despite).collect()
        }
        Record::Answered { target, values, fingerprints, .. } if target.undo.is_none() => {
            let changed = values.iter().filter_map(|(name, value)| {
                let before = run.values.get(name).filter(|before| *before != value)?;
                Some(format!("{name} was {before}, and is {value}"))
            });
            let replaced = fingerprints.iter().filter_map(|(name, new)| {
                let before = run.fingerprints.get(name)?.last().filter(|before| *before != new)?;
                Some(format!("another value for the secret {name}: fp {before} before, fp {new} now"))
            });
            let told = changed.chain(replaced);
            told.map(|reason| deviation(target, DeviationKind::EditedInput, reason)).collect()
        }
        Record::EvidenceMissing { step, item, reason } => {
            let spec = item.checked_sub(1).and_then(|at| plan.step(step)?.evidence.get(at as usize));
            let title = spec.map(|spec| spec.title.fill(|name| run.values.get(name).map(String::as_str)));
            match reason {
                Some(reason) if !spec.is_some_and(|spec| spec.optional) => {
                    let title = title.unwrap_or_default();
                    vec![of_step(step, DeviationKind::EvidenceMissing, format!("{title}: {reason}"))]
                }
                Some(_) | None => Vec::new(),
            }
        }
        Record::Overrun { reason, by_policy } => {
            let who = if *by_policy { "nobody was there to ask; " } else { "" };
            let step = run.current(plan).map(|step| step.id.clone());
            vec![Deviation { at, step, undo: None, kind: DeviationKind::OutOfWindow, reason: format!("{who}{reason}") }]
        }
        Record::WindowExtended { by_ms, reason } => {
            let (step, by) = (None, by_ms / 1000);
            let reason = format!("by {by} s: {reason}");
            vec![Deviation { at, step, undo: None, kind: DeviationKind::WindowExtended, reason }]
        }
        Record::SignOffRefused { step, role, name, reason, .. } => {
            let (step, kind) = (step.clone(), DeviationKind::Refused);
            vec![Deviation { at, step, undo: None, kind, reason: format!("{name}, as {role}: {reason}") }]
        }
        Record::Answered { .. }
        | Record::Begun(_)
        | Record::LeftOut { .. }
        | Record::LookAhead { .. }
        | Record::LookedAhead { .. }
        | Record::Saved { .. }
        | Record::Performed { .. }
        | Record::Recaptured { .. }
        | Record::Recovered { .. }
        | Record::Probed { .. }
        | Record::VerifyAgain { .. }
        | Record::RecaptureStarted { .. }
        | Record::StopAsked { .. }
        | Record::EnoughSeen { .. }
        | Record::Note { .. }
        | Record::FaultShown { .. }
        | Record::TimePassed { .. }
        | Record::SecretCopied { .. }
        | Record::RollbackBegun { .. }
        | Record::RollbackEnded { .. }
        | Record::Resumed { .. }
        | Record::Paused { .. }
        | Record::Presence(_)
        | Record::SignedOff { .. }
        | Record::Closing { .. }
        | Record::TemporaryRemoved { .. }
        | Record::Ticked { .. }
        | Record::EvidenceGiven { .. }
        | Record::HintShown { .. }
        | Record::WhyShown { .. }
        | Record::Looked { .. }
        | Record::QuizAnswered { .. }
        | Record::Called { .. }
        | Record::Ended { .. }
        | Record::FollowedUp { .. } => Vec::new(),
    }
}

/// Says whether a step is done, and only its signatures are missing.
fn unsigned(plan: &Plan, run: &Run, target: &Target) -> bool {
    target.undo.is_none() && run.step(plan, &target.step).is_some_and(|step| step.unsigned)
}

/// Says in a line why something is started again, or was passed over: what became of it before.
fn what_failed(plan: &Plan, run: &Run, target: &Target) -> String {
    let (state, outcome, verdicts) = match (target.undo, run.undo(plan, target), run.step(plan, &target.step)) {
        (Some(_), Some(undo), _) => (undo.state, undo.outcome.as_ref(), undo.verdicts.as_slice()),
        (None, _, Some(step)) => (step.state, step.outcome.as_ref(), step.verdicts.as_slice()),
        (_, _, _) => return "it was started before".to_owned(),
    };
    match state {
        StepState::RolledBack | StepState::RollbackFailed => "it was rolled back".to_owned(),
        StepState::Unknown => "its end was not seen".to_owned(),
        StepState::Failed => failure(outcome, verdicts),
        StepState::Pending
        | StepState::Waiting
        | StepState::Running
        | StepState::Verifying
        | StepState::Done
        | StepState::Warned
        | StepState::Skipped
        | StepState::LeftOut => "it was started before".to_owned(),
    }
}

fn failure(outcome: Option<&Outcome>, verdicts: &[Verdict]) -> String {
    let wrong = verdicts.iter().find(|verdict| !verdict.pass && !verdict.warn);
    match (wrong, outcome) {
        (Some(verdict), _) => format!("it failed: {}: {}", verdict.title, verdict.saw),
        (None, Some(outcome)) if !outcome.saw.is_empty() => format!("it failed: {}", outcome.saw),
        (None, Some(_) | None) => "it failed".to_owned(),
    }
}
