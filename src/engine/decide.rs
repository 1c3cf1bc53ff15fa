//! What may happen: an input becomes one record, or is refused.

use super::ahead;
use super::apply::action;
use super::aside;
use super::input::Input;
use super::record::{End, How, Record, Target};
use super::refusal::Refusal;
use super::run::{Awaiting, Run, Stage, StepRun, StepState, approval};
use super::sign;
use super::undo;
use super::{evidence, followed, ticked, window};
use crate::playbook::plan::{Act, InputKind, InputSpec, Name, Plan, Section, Step, StepId};

/// Judges an input against the run as it stands.
#[expect(clippy::too_many_lines, reason = "one flat table: an arm an input")]
pub(super) fn decide(plan: &Plan, run: &Run, input: Input) -> Result<Record, Refusal> {
    alive(run, &input)?;
    match input {
        Input::Begin { begun, typed } => {
            for spec in &plan.inputs {
                answered(spec, begun.values.get(&spec.name), begun.secrets.contains(&spec.name))?;
            }
            match protected_word(plan, |name| begun.values.get(name).map(String::as_str)) {
                Some(word) if typed.as_deref() != Some(word) => Err(Refusal::NeedsTyping { word: word.to_owned() }),
                Some(_) | None => Ok(Record::Begun(begun)),
            }
        }
        Input::Go { step, confirmed } => go(plan, run, step, confirmed),
        Input::GoAnyway { step, reason } => {
            let target = Target::step(&step);
            resting(plan, run, &target, "go on anyway")?;
            if run.step(plan, &step).is_none_or(|step| step.ahead.is_empty()) {
                return Err(Refusal::NotNow { what: "go on anyway".into() });
            }
            if reason.trim().is_empty() {
                return Err(Refusal::NeedsReason);
            }
            Ok(Record::Started {
                attempt: next_attempt(plan, run, &target),
                target,
                retry: false,
                despite: Some(reason),
            })
        }
        Input::LookedAhead { step, refused } => {
            out(run, &Target::step(&step), false)?;
            if !run.busy.as_ref().is_some_and(|busy| busy.looking) {
                return Err(Refusal::Stale);
            }
            Ok(Record::LookedAhead { step, refused })
        }
        Input::Answer { target, values, secrets, fingerprints } => {
            if run.awaiting(plan) != Awaiting::Person(target.clone()) {
                return Err(not_now(plan, run, &target, "answer"));
            }
            ticked::all(plan, run, &target)?;
            if let Some(Some(action)) = action(plan, &target)
                && let Act::Person(person) = &action.act
            {
                for spec in &person.ask {
                    answered(spec, values.get(&spec.name), secrets.contains(&spec.name))?;
                }
                let asked = |name: &&Name| person.ask.iter().any(|spec| spec.name == **name);
                if let Some(name) = values.keys().chain(&secrets).find(|name| !asked(name)) {
                    return Err(Refusal::Unfit { name: name.clone(), why: "is not asked for here".to_owned() });
                }
            }
            Ok(Record::Answered { target, values, secrets, fingerprints })
        }
        Input::Saved { target, files, logs } => {
            out(run, &target, false)?;
            if !run.busy.as_ref().is_some_and(|busy| busy.saving) {
                return Err(Refusal::Stale);
            }
            Ok(Record::Saved { target, files, logs })
        }
        Input::Performed { target, attempt, outcome } => {
            out(run, &target, false)?;
            // Copies that are not told of are not there: what changes the files may not start, still less be done.
            let own = matches!(action(plan, &target), Some(Some(action)) if matches!(action.act, Act::Snapshot(_)));
            let uncopied = !own && outcome.how == How::Ok && run.busy.as_ref().is_some_and(|busy| busy.saving);
            if attempt != attempts(plan, run, &target) || !running(plan, run, &target) || uncopied {
                return Err(Refusal::Stale);
            }
            Ok(Record::Performed { target, attempt, outcome })
        }
        Input::Probed { target, verdicts } => {
            out(run, &target, true)?;
            Ok(Record::Probed { target, verdicts })
        }
        Input::Recaptured { step, outcome } => {
            let target = Target::step(&step);
            out(run, &target, false)?;
            let other = run.busy.as_ref().is_some_and(|busy| busy.looking || busy.saving) || run.owed(plan).is_some();
            if running(plan, run, &target) || other {
                return Err(Refusal::Stale);
            }
            Ok(Record::Recaptured { step, outcome })
        }
        Input::Recovered { target, attempt, outcome } => {
            let out = out(run, &target, false).is_ok() && running(plan, run, &target);
            let unknown = run.busy.is_none() && state(plan, run, &target) == Some(StepState::Unknown);
            if attempt != attempts(plan, run, &target) || !(out || unknown) {
                return Err(Refusal::Stale);
            }
            Ok(Record::Recovered { target, attempt, outcome })
        }
        Input::VerifyAgain { target } => {
            resting(plan, run, &target, "verify again")?;
            match action(plan, &target) {
                Some(Some(action)) if !action.verify.is_empty() => Ok(Record::VerifyAgain { target }),
                Some(_) | None => Err(Refusal::NoProbes { step: target.step }),
            }
        }
        Input::Recapture { step } => {
            let target = Target::step(&step);
            resting(plan, run, &target, "fetch the values again")?;
            match plan.step(&step).and_then(|step| step.recapture.as_ref()) {
                Some(_) => Ok(Record::RecaptureStarted { step }),
                None => Err(Refusal::NoRecapture { step }),
            }
        }
        Input::ByHand { target, note } => {
            settleable(plan, run, &target, "mark as done by hand")?;
            if target.undo.is_none() && plan.step(&target.step).and_then(approval).is_some() {
                return Err(not_now(plan, run, &target, "approve by hand"));
            }
            if note.trim().is_empty() {
                return Err(Refusal::NeedsReason);
            }
            Ok(Record::ByHand { target, note })
        }
        Input::Skip { target, reason } => {
            settleable(plan, run, &target, SKIP)?;
            let reason = reason.filter(|reason| !reason.trim().is_empty());
            let unsigned = run.step(plan, &target.step).is_some_and(StepRun::unsigned);
            let free = target.undo.is_none() && plan.step(&target.step).is_some_and(Step::free_to_skip) && !unsigned;
            if reason.is_none() && !free {
                return Err(Refusal::NeedsReason);
            }
            Ok(Record::Skipped { target, reason, by_playbook: false })
        }
        Input::Stop { hard } => match &run.busy {
            Some(busy) => Ok(Record::StopAsked { target: busy.target.clone(), hard }),
            None => Err(Refusal::NothingRuns),
        },
        Input::Enough { target } => {
            let until = action(plan, &target).flatten().and_then(|action| action.act.until());
            let at_it = run.busy.as_ref().is_some_and(|busy| busy.target == target && !busy.probing && !busy.stopping);
            if !at_it || !until.is_some_and(|until| until.enough) || !running(plan, run, &target) {
                return Err(Refusal::NotNow { what: "say that enough was seen".into() });
            }
            Ok(Record::EnoughSeen { target })
        }
        Input::ExtendWindow { by, reason } => window::extend(plan, by, reason),
        // Whether there is anything to be said is judged by the time.
        Input::Overrun { reason, .. } if reason.trim().is_empty() => Err(Refusal::NeedsReason),
        Input::Overrun { reason, by_policy } => Ok(Record::Overrun { reason, by_policy }),
        Input::Note { step, text } => {
            if text.trim().is_empty() {
                return Err(Refusal::NeedsReason);
            }
            match &step {
                Some(step) if plan.step(step).is_none() => Err(Refusal::NoSuchStep { step: step.to_string() }),
                Some(_) | None => Ok(Record::Note { step, text }),
            }
        }
        Input::Quiz { step, choice } => aside::quiz(plan, run, step, choice),
        Input::Aside(aside) => aside::decide(plan, run, aside),
        Input::CopySecret { name } if run.secrets.contains(&name) => Ok(Record::SecretCopied { name }),
        Input::CopySecret { name } => Err(Refusal::Missing { name }),
        Input::Rollback { to, by_policy } => rollback(plan, run, to, by_policy),
        Input::Undo { target } => match run.awaiting(plan) {
            Awaiting::Undo(next) | Awaiting::UndoDecision(next) if next == target => {
                Ok(Record::Started { attempt: next_attempt(plan, run, &target), target, retry: false, despite: None })
            }
            // Whatever else is awaited, it is not this.
            _ => Err(not_now(plan, run, &target, "undo")),
        },
        Input::SignOff { step, role, name } => sign::judge(plan, run, step, role, name, None, None),
        Input::Evidence { step, item, evidence } => evidence::given(plan, run, step, item, evidence),
        Input::EvidenceMissing { step, item, reason } => evidence::missing(plan, run, step, item, reason),
        Input::Tick { target, item, ticked } => ticked::decide(plan, run, target, item, ticked),
        Input::FollowUp { item, operator, note } => followed::decide(plan, run, item, operator, note),
        Input::RefuseSignOff { step, role, name, reason } => {
            sign::judge(plan, run, step, role, name, Some(reason), None)
        }
        Input::Sign(signing) => sign::decide(plan, run, *signing),
        Input::TemporaryRemoved { removed, left } => match run.stage {
            Stage::Closing => Ok(Record::TemporaryRemoved { removed, left }),
            Stage::Briefing | Stage::Walking | Stage::RollingBack | Stage::AfterRollback | Stage::Over => {
                Err(Refusal::Stale)
            }
        },
        Input::Resume { operator, account, host, program } => Ok(Record::Resumed { operator, account, host, program }),
        Input::Presence(presence) => Ok(Record::Presence(presence)),
        Input::Pause { why } => Ok(Record::Paused { why }),
        Input::Abandon { reason } => {
            idle(run)?;
            if reason.trim().is_empty() {
                return Err(Refusal::NeedsReason);
            }
            Ok(Record::Closing { end: End::Abandoned, reason: Some(reason) })
        }
    }
}

/// Refuses what makes no sense before the run begins or after it is over.
fn alive(run: &Run, input: &Input) -> Result<(), Refusal> {
    match (run.stage, input) {
        (Stage::Briefing, Input::Begin { .. }) | (Stage::Over, Input::Rollback { .. } | Input::FollowUp { .. }) => {
            Ok(())
        }
        (Stage::Briefing, _) => Err(Refusal::NotBegun),
        (Stage::Over, _) => Err(Refusal::Over),
        (_, Input::Begin { .. }) => Err(Refusal::BegunAlready),
        (
            Stage::Closing,
            Input::TemporaryRemoved { .. }
            | Input::Resume { .. }
            | Input::Presence(_)
            | Input::Pause { .. }
            | Input::Note { .. },
        )
        | (Stage::Walking | Stage::RollingBack | Stage::AfterRollback, _) => Ok(()),
        (Stage::Closing, _) => Err(Refusal::Over),
    }
}

fn go(plan: &Plan, run: &Run, step: StepId, confirmed: bool) -> Result<Record, Refusal> {
    let Some(spec) = plan.step(&step) else { return Err(Refusal::NoSuchStep { step: step.to_string() }) };
    match run.awaiting(plan) {
        Awaiting::Go(current) | Awaiting::Decision(current) if current == step => {}
        _ => return Err(not_now(plan, run, &Target::step(&step), "start")),
    }
    if spec.confirm.is_some() && !confirmed {
        return Err(Refusal::NeedsConfirm { step });
    }
    if !ahead::later(plan, run, spec).is_empty() {
        return Ok(Record::LookAhead { step });
    }
    let target = Target::step(&step);
    Ok(Record::Started { attempt: next_attempt(plan, run, &target), target, retry: false, despite: None })
}

fn rollback(plan: &Plan, run: &Run, to: Option<StepId>, by_policy: bool) -> Result<Record, Refusal> {
    idle(run)?;
    if let Some(to) = &to {
        let Some(state) = run.step(plan, to) else { return Err(Refusal::NoSuchStep { step: to.to_string() }) };
        // Back to a step after a rollback there is a way only while those are walked: elsewhere it would end the run.
        let after = plan.step(to).is_some_and(|step| step.section == Section::AfterRollback);
        if !state.touched() || (after && run.stage != Stage::AfterRollback) {
            return Err(Refusal::NotStarted { step: to.clone() });
        }
    }
    if !undo::anything(&undo::plan(plan, run, to.as_ref())) && to.is_none() {
        return Err(Refusal::NothingToUndo);
    }
    Ok(Record::RollbackBegun { to, by_policy })
}

/// Checks that an answer is there and fits.
///
/// A secret comes by name, never as text: what stands in a record is read by everyone.
fn answered(spec: &InputSpec, value: Option<&String>, in_vault: bool) -> Result<(), Refusal> {
    let unfit = |why: String| Refusal::Unfit { name: spec.name.clone(), why };
    match (value, in_vault, spec.kind == InputKind::Secret) {
        (Some(_), _, true) => Err(unfit("is a secret and must be given as one, not as text".to_owned())),
        (None, true, true) => Ok(()),
        (_, true, false) => Err(unfit("is no secret and must be given as text".to_owned())),
        (None, false, _) => Err(Refusal::Missing { name: spec.name.clone() }),
        (Some(value), false, false) => spec.accepts(value).map(|_| ()).map_err(unfit),
    }
}

/// Returns the word that must be typed to begin a run with these values; none where it is not protected.
pub(super) fn protected_word<'a>(plan: &'a Plan, value: impl Fn(&Name) -> Option<&'a str>) -> Option<&'a str> {
    let fixed = |name: &Name| plan.fixed.iter().find(|(fixed, _)| fixed == name).map(|(_, value)| value.as_str());
    let value = |name: &Name| value(name).or_else(|| fixed(name));
    plan.protected.iter().find_map(|(name, values)| value(name).filter(|value| values.iter().any(|v| v == value)))
}

/// Counts the starts of a step or an action so far.
pub(super) fn attempts(plan: &Plan, run: &Run, target: &Target) -> u32 {
    match target.undo {
        None => run.step(plan, &target.step).map_or(0, |step| step.attempts),
        Some(_) => run.undo(plan, target).map_or(0, |undo| undo.attempts),
    }
}

/// Returns the number of the next attempt.
pub(super) fn next_attempt(plan: &Plan, run: &Run, target: &Target) -> u32 {
    attempts(plan, run, target).saturating_add(1)
}

fn idle(run: &Run) -> Result<(), Refusal> {
    match &run.busy {
        Some(busy) => Err(Refusal::Busy { step: busy.target.step.clone() }),
        None => Ok(()),
    }
}

/// Checks that this effect is out.
fn out(run: &Run, target: &Target, probing: bool) -> Result<(), Refusal> {
    match &run.busy {
        Some(busy) if busy.target == *target && busy.probing == probing => Ok(()),
        Some(_) | None => Err(Refusal::Stale),
    }
}

/// Says whether the act of a target is what is out, and not a fetching of its captures.
fn running(plan: &Plan, run: &Run, target: &Target) -> bool {
    state(plan, run, target) == Some(StepState::Running)
}

fn state(plan: &Plan, run: &Run, target: &Target) -> Option<StepState> {
    match target.undo {
        None => run.step(plan, &target.step).map(|step| step.state),
        Some(_) => run.undo(plan, target).map(|undo| undo.state),
    }
}

/// Checks that the target awaits a decision.
fn resting(plan: &Plan, run: &Run, target: &Target, what: &'static str) -> Result<(), Refusal> {
    match run.awaiting(plan) {
        Awaiting::Decision(step) if *target == Target::step(&step) => Ok(()),
        Awaiting::UndoDecision(next) if next == *target => Ok(()),
        _ => Err(not_now(plan, run, target, what)),
    }
}

/// Checks that the target may be settled by a person's word: it is its turn and nothing runs.
fn settleable(plan: &Plan, run: &Run, target: &Target, what: &'static str) -> Result<(), Refusal> {
    match run.awaiting(plan) {
        Awaiting::Go(step) | Awaiting::Decision(step) if *target == Target::step(&step) => Ok(()),
        // By hand, nobody has approved.
        Awaiting::Approval(step, _) if *target == Target::step(&step) && what == SKIP => Ok(()),
        Awaiting::Person(next) | Awaiting::Undo(next) | Awaiting::UndoDecision(next) if next == *target => Ok(()),
        _ => Err(not_now(plan, run, target, what)),
    }
}

/// What a step that is passed over is asked for.
const SKIP: &str = "skip";

/// Says why it is not the turn of a target.
fn not_now(plan: &Plan, run: &Run, target: &Target, what: &'static str) -> Refusal {
    if plan.step(&target.step).is_none() {
        return Refusal::NoSuchStep { step: target.step.to_string() };
    }
    if let Some(busy) = &run.busy {
        return Refusal::Busy { step: busy.target.step.clone() };
    }
    let current = run.undoing().map(|target| target.step.clone());
    let current = current.or_else(|| run.current(plan).map(|step| step.id.clone()));
    if current.as_ref() == Some(&target.step) {
        return Refusal::NotNow { what: what.into() };
    }
    Refusal::NotCurrent { step: target.step.clone(), current }
}

/// Says whether a state is one in which a person has not begun and nothing runs.
pub(super) fn before_start(state: StepState) -> bool {
    matches!(state, StepState::Pending | StepState::RolledBack)
}
