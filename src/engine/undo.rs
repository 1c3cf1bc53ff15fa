//! What a rollback would do: which steps, in which order, by which actions.

use std::time::Duration;

use super::record::Target;
use super::run::{Run, StepState};
use crate::playbook::plan::{Act, Action, Plan, Step, StepId};

/// What a rollback would do about one step.
#[derive(Clone, Debug)]
pub struct UndoStep {
    /// The step.
    pub step: StepId,
    /// How it is undone, as a whole.
    pub sort: UndoSort,
    /// The actions, in order.
    pub actions: Vec<Target>,
    /// How long that should take ([`Run::takes_back`]).
    pub estimate: Option<Duration>,
}

/// How a step is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoSort {
    /// By the program.
    Automatic,
    /// A person has a part in it.
    ByHand,
    /// It cannot be undone, but there is a way forward.
    Forward,
    /// It cannot be undone and there is no way forward.
    Stuck,
    /// It changed nothing.
    Nothing,
}

/// One action of an undo.
#[derive(Clone, Copy, Debug)]
pub enum UndoAction<'p> {
    /// Files are put back as they were saved.
    Restore,
    /// An action that the author wrote.
    Author(&'p Action),
}

/// Lists the actions that undo a step, in order. Action 1 is the first.
#[must_use]
pub fn actions(step: &Step) -> Vec<UndoAction<'_>> {
    let restore = restores(step).then_some(UndoAction::Restore);
    restore.into_iter().chain(step.rollback.iter().map(UndoAction::Author)).collect()
}

/// Says whether undoing the step begins with putting files back.
fn restores(step: &Step) -> bool {
    matches!(step.action.act, Act::Edit(_) | Act::Snapshot(_))
}

/// Finds the action that a target names.
#[must_use]
pub fn action<'p>(plan: &'p Plan, target: &Target) -> Option<UndoAction<'p>> {
    let number = target.undo?.checked_sub(1)? as usize;
    actions(plan.step(&target.step)?).get(number).copied()
}

/// Says how a step is undone.
#[must_use]
pub fn sort(step: &Step) -> UndoSort {
    let actions = actions(step);
    let by_hand = |action: &UndoAction<'_>| match action {
        UndoAction::Restore => false,
        UndoAction::Author(action) => matches!(action.act, Act::Person(_)),
    };
    match (step.irreversible.is_some(), actions.is_empty()) {
        (true, true) => UndoSort::Stuck,
        (true, false) => UndoSort::Forward,
        (false, true) => UndoSort::Nothing,
        (false, false) if actions.iter().any(by_hand) => UndoSort::ByHand,
        (false, false) => UndoSort::Automatic,
    }
}

/// Works out a rollback: the steps that started, newest first, down to `to`, which is the last one.
///
/// Steps that have been undone already are left out. Steps that changed nothing stand in it, without actions.
#[must_use]
pub fn plan(plan: &Plan, run: &Run, to: Option<&StepId>) -> Vec<UndoStep> {
    let last = to.and_then(|to| plan.index.get(to).copied()).unwrap_or(0);
    let started = (last..plan.steps.len()).rev().filter(|&at| run.steps[at].touched());
    started
        .map(|at| {
            let step = &plan.steps[at];
            let count = actions(step).len();
            let actions = (1..).take(count).map(|number| Target::undo(&step.id, number)).collect::<Vec<_>>();
            let estimate = run.takes_back(step);
            let sort = match sort(step) {
                UndoSort::Automatic if run.steps[at].unsaved() && restores(step) => UndoSort::ByHand,
                sort => sort,
            };
            UndoStep { step: step.id.clone(), sort, actions, estimate }
        })
        .collect()
}

/// Says whether there is anything in a rollback that is to be done or said.
#[must_use]
pub fn anything(steps: &[UndoStep]) -> bool {
    steps.iter().any(|step| step.sort != UndoSort::Nothing)
}

/// Says whether a step was rolled back, from what became of its actions.
pub(super) fn verdict(run: &Run, at: usize) -> StepState {
    let whole = run.steps[at].undo.iter().all(|undo| matches!(undo.state, StepState::Done | StepState::Warned));
    if whole { StepState::RolledBack } else { StepState::RollbackFailed }
}
