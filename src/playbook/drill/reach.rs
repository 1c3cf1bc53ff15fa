//! Whether a fault of a drill can come where it stands: what its step is, and whether the walk gets there.
//!
//! It is about the plan alone. What must stay true: a fault that passes here is shown when the trainee comes to its place.

use std::collections::BTreeMap;

use super::super::plan::{Act, Action, InputKind, Name, Plan, ProbeSpec, Section, Step};
use super::{Drill, DrillFault, Move, Shows};

/// What is wrong, and what to write instead.
pub(super) type Wrong = (String, String);

/// Lists what undoes a step, in order; none for the files that are put back as they were.
pub(super) fn undo_actions(step: &Step) -> Vec<Option<&Action>> {
    let restores = matches!(step.action.act, Act::Edit(_) | Act::Snapshot(_)).then_some(None);
    restores.into_iter().chain(step.rollback.iter().map(Some)).collect()
}

/// Finds the action that a fault is about; none for files that are put back.
fn action<'p>(step: &'p Step, fault: &DrillFault) -> Option<&'p Action> {
    match fault.undo {
        None => Some(&step.action),
        Some(number) => undo_actions(step).get(number.checked_sub(1)? as usize).copied().flatten(),
    }
}

fn probes<'p>(step: &'p Step, fault: &DrillFault) -> &'p [ProbeSpec] {
    action(step, fault).map(|action| action.verify.as_slice()).unwrap_or_default()
}

/// Fills in which probe is meant where there is but one and nothing else could be.
pub(super) fn settle(step: &Step, fault: &mut DrillFault) {
    let only_checks = matches!(action(step, fault), Some(Action { act: Act::Verify, .. }));
    let of_a_probe = matches!(fault.shows, Shows::Probe(_) | Shows::Output(_) | Shows::Fails | Shows::TimesOut);
    if fault.probe.is_none() && of_a_probe && only_checks && probes(step, fault).len() == 1 {
        fault.probe = Some(1);
    }
}

/// Says why a fault cannot be shown where it stands.
pub(super) fn misplaced(plan: &Plan, step: &Step, fault: &DrillFault) -> Option<Wrong> {
    let wrong = |what: &str, advice: &str| Some((what.to_owned(), advice.to_owned()));
    let found = probes(step, fault);
    if let Some(number) = fault.probe.filter(|number| *number as usize > found.len()) {
        let has = match found.len() {
            0 => "it has none".to_owned(),
            1 => "it has one".to_owned(),
            count => format!("it has {count}"),
        };
        return Some((format!("there is no probe {number} at `{}`", fault.at()), has));
    }
    let act = action(step, fault).map(|action| &action.act);
    let runs = matches!(act, Some(Act::Run(_)));
    // Putting files back is an act as well.
    let acts = !matches!(act, Some(Act::Verify | Act::Person(_)));
    match (&fault.shows, fault.probe) {
        (Shows::Probe(_), None) if found.is_empty() => {
            wrong("there is no probe here that could show this", "write: `shows: fails`, or `verify` at the step")
        }
        (Shows::Probe(_), None) => {
            wrong("which probe shows this?", "write: `probe: 1` for the first one of its `verify`")
        }
        (Shows::Probe(_) | Shows::Fails | Shows::TimesOut | Shows::Output(_), Some(_)) => None,
        (_, Some(_)) => wrong("a probe cannot show this", "take `probe` out: it is shown by the step itself"),
        (Shows::Fails, None) if acts => None,
        (Shows::Fails | Shows::TimesOut | Shows::Output(_), None) if !acts => wrong(
            "nothing is carried out here that could show this",
            "write: `probe: 1`, or choose a step that runs something",
        ),
        (Shows::TimesOut | Shows::Hangs | Shows::Output(_) | Shows::DoneButLost, None) if runs => None,
        (Shows::TimesOut | Shows::Hangs | Shows::Output(_) | Shows::DoneButLost | Shows::Fails, None) => {
            wrong("only a command can show this", "choose a step with `run`, or write: `shows: fails`")
        }
        (Shows::WrongPaste, None) => {
            let pastes = match act {
                Some(Act::Person(person)) => person.ask.iter().any(|input| input.kind == InputKind::Secret),
                Some(_) | None => false,
            };
            if pastes { None } else { wrong("no secret is pasted here", "choose a step that asks for a secret") }
        }
        (Shows::SignOffRefused, None) => {
            let approval = matches!(act, Some(Act::Person(person)) if person.approval.is_some());
            if approval { None } else { wrong("nobody signs here", "choose a step with `approval`") }
        }
        (Shows::WindowOut, None) if plan.window.is_none() => {
            wrong("this playbook has no window that could run out", "write: `window: 5m` at the top, or another fault")
        }
        (Shows::WindowOut | Shows::TerminalLost, None) => None,
    }
}

/// Lists the faults that never come: the place of each, and why.
pub(super) fn unreached(plan: &Plan, drill: &Drill) -> Vec<(usize, Wrong)> {
    let mut wrong = Vec::new();
    let values = values(plan, drill);
    for (at, fault) in drill.faults.iter().enumerate() {
        let Some(step) = plan.step(&fault.step) else { continue };
        let left_out = step.when.iter().find(|(name, allowed)| {
            values.get(name).is_some_and(|value| !allowed.iter().any(|allowed| allowed == value))
        });
        let same = |other: &&DrillFault| {
            (&other.step, other.undo, other.probe) == (&fault.step, fault.undo, fault.probe) && other.attempts.is_none()
        };
        let backwards = fault.undo.is_some() || step.section == Section::AfterRollback;
        if let Some((name, allowed)) = left_out {
            let value = values.get(name).map(String::as_str).unwrap_or_default();
            wrong.push((
                at,
                (
                    format!("this fault never comes: `{}` is left out where `{name}` is `{value}`", fault.step),
                    format!(
                        "write in the drill: `inputs: {{ {name}: {} }}`",
                        allowed.first().map_or("…", String::as_str)
                    ),
                ),
            ));
        } else if drill.faults[..at].iter().any(|other| same(&other)) {
            wrong.push((
                at,
                (
                    "this fault never comes: one before it holds here always".to_owned(),
                    "write there for how many attempts it holds: `attempts: 1`".to_owned(),
                ),
            ));
        } else if backwards && !rolls_back(drill, at) {
            wrong.push((
                at,
                (
                    "this fault never comes: nothing before it leads to a rollback".to_owned(),
                    "write a fault before it, with `rollback` among its right or acceptable moves".to_owned(),
                ),
            ));
        }
    }
    wrong
}

/// Says whether a rollback is right or acceptable at a fault before this one.
fn rolls_back(drill: &Drill, before: usize) -> bool {
    // With no responses there is a fault that says so.
    drill.respond.is_empty()
        || drill.respond.iter().filter(|response| response.fault < before).any(|response| {
            let mut moves = response.right.iter().chain(&response.acceptable);
            moves.any(|which| matches!(which, Move::Rollback | Move::RollbackTo))
        })
}

/// Lists the values that are known before anybody answers: those of the drill, fixed ones and plain defaults, and the
/// first of each choice, which a drill offers.
pub(super) fn values(plan: &Plan, drill: &Drill) -> BTreeMap<Name, String> {
    let mut values: BTreeMap<Name, String> = plan.fixed.iter().cloned().collect();
    for spec in &plan.inputs {
        let default = spec.default.as_ref().filter(|text| text.names().next().is_none());
        let value = match (default, &spec.kind) {
            (Some(text), _) => Some(text.fill(|_| None)),
            (None, InputKind::Choice(choices)) => choices.first().cloned(),
            (None, _) => None,
        };
        values.extend(value.map(|value| (spec.name.clone(), value)));
    }
    values.extend(drill.inputs.iter().map(|(name, value)| (name.clone(), value.clone())));
    values
}
