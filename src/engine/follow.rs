//! What follows by itself: the next record after a record, and the effects of each.

use std::time::Duration;

use super::ahead;
use super::apply::action;
use super::aside;
use super::decide::{attempts, before_start, next_attempt};
use super::effect::Effect;
use super::evidence;
use super::record::{End, How, Record, Target};
use super::run::{Run, Stage, StepState};
use crate::playbook::plan::{Act, OnFailure, Plan, Step};

/// Finds the record that follows from the last one without anybody's word.
pub(super) fn follow(plan: &Plan, run: &Run, last: &Record) -> Option<Record> {
    if run.busy.is_some() || matches!(last, Record::Paused { .. } | Record::SignOffRefused { .. }) {
        return None;
    }
    match run.stage {
        Stage::Briefing | Stage::Over => None,
        Stage::Walking | Stage::AfterRollback => match run.current_at() {
            Some(at) => follow_step(plan, run, at, last),
            None if run.stage == Stage::AfterRollback => Some(Record::Closing { end: End::RolledBack, reason: None }),
            None if run.role_to_sign(plan).is_some() => None,
            None => Some(Record::Closing { end: End::Completed, reason: None }),
        },
        Stage::RollingBack => {
            let rollback = run.rollback.as_ref()?;
            let over = !rollback.over && rollback.at >= rollback.actions.len();
            over.then_some(Record::RollbackEnded { failed: rollback.failed })
        }
        Stage::Closing => {
            let cleared = plan.temporary.is_empty() || matches!(last, Record::TemporaryRemoved { .. });
            run.ended.filter(|_| cleared).map(|(end, _)| Record::Ended { end })
        }
    }
}

fn follow_step(plan: &Plan, run: &Run, at: usize, last: &Record) -> Option<Record> {
    let step = plan.steps.get(at)?;
    let state = run.steps.get(at)?;
    let target = Target::step(&step.id);
    if state.owes().is_some() {
        return evidence::follow(plan, run);
    }
    let looked = matches!(last, Record::LookedAhead { step: of, .. } if *of == step.id);
    if looked && state.cleared {
        let attempt = next_attempt(plan, run, &target);
        return Some(Record::Started { attempt, target, retry: false, despite: None });
    }
    if before_start(state.state) {
        if !run.takes_part(step) {
            return Some(Record::LeftOut { step: step.id.clone() });
        }
        if aside::asks(plan, run, step) {
            return None;
        }
        // A record about something else (a note, a pause) starts nothing.
        let reached = !matches!(
            last,
            Record::Note { .. }
                | Record::HintShown { .. }
                | Record::WhyShown { .. }
                | Record::Looked { .. }
                | Record::Called { .. }
                | Record::SecretCopied { .. }
                | Record::Presence(_)
                | Record::WindowExtended { .. }
                | Record::Overrun { .. }
                | Record::StopAsked { .. }
                | Record::EnoughSeen { .. }
                | Record::Ticked { .. }
        );
        return (reached && begins_by_itself(step)).then(|| Record::Started {
            attempt: next_attempt(plan, run, &target),
            target,
            retry: false,
            despite: None,
        });
    }
    // Where a person has a hand in it, nothing follows by itself, whatever came of it.
    if state.state != StepState::Failed || state.held {
        return None;
    }
    let how = match last {
        Record::Performed { target: of, outcome, .. } if *of == target => outcome.how,
        Record::Probed { target: of, .. } if *of == target => How::Ok,
        // Trying again what was only looked at would give the same: it is for the playbook or a person to say.
        Record::LookedAhead { .. } if looked => How::Ok,
        _ => return None,
    };
    let again = match how {
        How::Failed | How::TimedOut | How::Lost => state.tries < step.retry.attempts,
        How::Ok | How::Stopped => false,
    };
    if again {
        let attempt = next_attempt(plan, run, &target);
        return Some(Record::Started { attempt, target, retry: true, despite: None });
    }
    if how == How::Stopped {
        return None;
    }
    match step.on_failure {
        OnFailure::Stop => Some(Record::Paused { why: format!("{} failed, and the playbook says stop", step.id) }),
        OnFailure::Continue => Some(Record::Skipped { target, reason: None, by_playbook: true }),
        OnFailure::Rollback if run.stage == Stage::Walking => Some(Record::RollbackBegun { to: None, by_policy: true }),
        // Where a rollback is what failed, a person decides.
        OnFailure::Ask | OnFailure::Rollback => None,
    }
}

/// Says whether a step may begin without a word: it only asks a person, and changes nothing.
fn begins_by_itself(step: &Step) -> bool {
    matches!(step.action.act, Act::Person(_)) && !step.changes() && step.confirm.is_none()
}

/// Reads the effects off a record, after it was applied.
pub(super) fn effects(plan: &Plan, run: &Run, record: &Record) -> Vec<Effect> {
    if let Some(effect) = evidence::effect(plan, run, record) {
        return vec![effect];
    }
    match record {
        Record::LookAhead { step } => {
            let later = plan.step(step).map(|step| ahead::later(plan, run, step)).unwrap_or_default();
            vec![Effect::LookAhead { step: step.clone(), later }]
        }
        Record::Started { target, attempt, retry, .. } => started(plan, run, target, *attempt, *retry),
        Record::Saved { target, .. } => match action(plan, target) {
            Some(Some(action)) if matches!(action.act, Act::Edit(_)) && target.undo.is_none() => {
                vec![Effect::Edit {
                    attempt: attempts(plan, run, target),
                    target: target.clone(),
                    saved: run.step(plan, &target.step).map(|step| step.saved.clone()).unwrap_or_default(),
                }]
            }
            Some(Some(action)) if matches!(action.act, Act::Person(_) | Act::Verify) => probe(run, target),
            Some(Some(action)) if matches!(action.act, Act::Snapshot(_)) && target.undo.is_none() => probe(run, target),
            Some(Some(_)) => {
                let retry = run.step(plan, &target.step).is_some_and(|step| target.undo.is_none() && step.tries > 1);
                vec![perform(plan, target, attempts(plan, run, target), retry)]
            }
            Some(None) | None => Vec::new(),
        },
        Record::Performed { target, .. }
        | Record::Answered { target, .. }
        | Record::VerifyAgain { target }
        | Record::Probed { target, .. } => probe(run, target),
        Record::Recaptured { step, .. } | Record::SignedOff { step: Some(step), .. } => probe(run, &Target::step(step)),
        Record::RecaptureStarted { step } => vec![Effect::Recapture { step: step.clone() }],
        Record::StopAsked { target, hard } => vec![Effect::Stop { target: target.clone(), hard: *hard }],
        Record::EnoughSeen { target } => vec![Effect::Enough { target: target.clone() }],
        Record::Resumed { .. } => match (&run.busy, run.stage) {
            (Some(busy), _) => vec![asked(run, &busy.target)],
            (None, Stage::Closing) if !plan.temporary.is_empty() => vec![Effect::RemoveTemporary],
            (None, _) => Vec::new(),
        },
        Record::Closing { .. } if !plan.temporary.is_empty() => vec![Effect::RemoveTemporary],
        Record::Ended { .. } => vec![Effect::Close, Effect::Leave],
        Record::Paused { .. } => vec![Effect::Leave],
        Record::Begun(_)
        | Record::LeftOut { .. }
        | Record::LookedAhead { .. }
        | Record::Recovered { .. }
        | Record::ByHand { .. }
        | Record::Skipped { .. }
        | Record::WindowExtended { .. }
        | Record::Overrun { .. }
        | Record::Note { .. }
        | Record::HintShown { .. }
        | Record::WhyShown { .. }
        | Record::Looked { .. }
        | Record::QuizAnswered { .. }
        | Record::Called { .. }
        | Record::SecretCopied { .. }
        | Record::Presence(_)
        | Record::RollbackBegun { .. }
        | Record::RollbackEnded { .. }
        | Record::SignedOff { step: None, .. }
        | Record::SignOffRefused { .. }
        | Record::Closing { .. }
        | Record::TemporaryRemoved { .. }
        | Record::EvidenceGiven { .. }
        | Record::EvidenceMissing { .. }
        | Record::Ticked { .. }
        | Record::FollowedUp { .. } => Vec::new(),
    }
}

fn started(plan: &Plan, run: &Run, target: &Target, attempt: u32, retry: bool) -> Vec<Effect> {
    let target = target.clone();
    let effect = match action(plan, &target) {
        None => return Vec::new(),
        // A person is asked to put it back.
        Some(None) if run.busy.is_none() => return Vec::new(),
        Some(None) => {
            let files = run.step(plan, &target.step).map(|step| step.saved.clone()).unwrap_or_default();
            Effect::Restore { target, attempt, files }
        }
        Some(Some(action)) if action.reads_logs() => Effect::Save { target, attempt },
        Some(Some(action)) => match action.act {
            Act::Person(_) => return Vec::new(),
            Act::Verify => asked(run, &target),
            Act::Edit(_) | Act::Snapshot(_) if target.undo.is_none() => Effect::Save { target, attempt },
            Act::Run(_) | Act::Generate(_) | Act::Wait(_) | Act::Edit(_) | Act::Snapshot(_) => {
                perform(plan, &target, attempt, retry)
            }
        },
    };
    vec![effect]
}

/// The act of a target is carried out, after a while where it is tried again.
fn perform(plan: &Plan, target: &Target, attempt: u32, retry: bool) -> Effect {
    let after = plan.step(&target.step).filter(|_| retry).map_or(Duration::ZERO, |step| step.retry.every);
    Effect::Perform { target: target.clone(), attempt, after }
}

/// The probes of a target are asked, with where the logs stood when it began.
fn asked(run: &Run, target: &Target) -> Effect {
    let logs = run.logs.iter().find(|(of, _)| of == target).map(|(_, logs)| logs.clone()).unwrap_or_default();
    Effect::Probe { target: target.clone(), logs }
}

/// The probes of a target are next, if the record made it so.
fn probe(run: &Run, target: &Target) -> Vec<Effect> {
    match &run.busy {
        Some(busy) if busy.probing && busy.target == *target => vec![asked(run, target)],
        Some(_) | None => Vec::new(),
    }
}
