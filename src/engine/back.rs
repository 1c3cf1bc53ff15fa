//! What records of a rollback do to a run: it begins, its actions settle, it ends.
//!
//! A part of [`Run::apply`]; which actions there are is in [`undo`](super::undo), what may be said meanwhile in `decide`.

use std::ops::Range;

use super::record::Target;
use super::run::{Rollback, Run, Stage, StepState, UndoRun};
use super::undo::{self, UndoSort};
use crate::playbook::plan::{Plan, StepId};

impl Run {
    /// Changes an action of an undo, where the target is one, and moves on once it is settled.
    pub(super) fn set_undo(&mut self, plan: &Plan, target: &Target, change: impl FnOnce(&mut UndoRun)) {
        let Some(number) = target.undo else { return };
        let Some(&at) = plan.index.get(&target.step) else { return };
        let Some(undo) = self.steps[at].undo.get_mut(number.saturating_sub(1) as usize) else { return };
        change(undo);
        let settled = matches!(undo.state, StepState::Done | StepState::Warned | StepState::Skipped);
        let skipped = undo.state == StepState::Skipped;
        let Some(rollback) = &mut self.rollback else { return };
        if !settled || rollback.actions.get(rollback.at) != Some(target) {
            return;
        }
        rollback.at += 1;
        rollback.failed += u32::from(skipped);
        if rollback.actions.get(rollback.at).is_none_or(|next| next.step != target.step) {
            let state = undo::verdict(self, at);
            let step = &mut self.steps[at];
            step.state = state;
            if state == StepState::RolledBack {
                step.saved.clear();
                step.touched = false;
                step.by_hand = false;
                step.acted = false;
            }
        }
    }

    pub(super) fn rollback_begun(&mut self, plan: &Plan, to: Option<&StepId>, by_policy: bool) {
        let steps = undo::plan(plan, self, to);
        for undo in &steps {
            self.set(plan, &Target::step(&undo.step), |step| {
                step.undo_starts.resize(undo.actions.len(), 0);
                let fresh = |&attempts: &u32| UndoRun { attempts, ..UndoRun::default() };
                step.undo = step.undo_starts.iter().map(fresh).collect();
            });
        }
        // A signature stands for the work as it was signed.
        self.signed.clear();
        self.rollback = Some(Rollback {
            to: to.cloned(),
            stuck: steps.iter().filter(|undo| undo.sort == UndoSort::Stuck).map(|undo| undo.step.clone()).collect(),
            actions: steps.into_iter().flat_map(|undo| undo.actions).collect(),
            by_policy,
            ..Rollback::default()
        });
        self.stage = Stage::RollingBack;
        self.ended = None;
    }

    pub(super) fn rollback_ended(&mut self, plan: &Plan, failed: u32) {
        let Some(rollback) = &mut self.rollback else { return };
        rollback.over = true;
        rollback.failed = failed;
        match rollback.to.as_ref().and_then(|to| plan.index.get(to)) {
            // Back within the steps after a rollback: those are walked on.
            Some(&to) if self.after.contains(&to) => self.walk_again(to..self.after.end, Stage::AfterRollback),
            Some(&to) => self.walk_again(to..self.walk.max(to), Stage::Walking),
            None if failed == 0 => self.walk_again(self.after.clone(), Stage::AfterRollback),
            None => {}
        }
    }

    /// Makes steps ready to be walked again. What was rolled back stays told as that until it starts again.
    fn walk_again(&mut self, steps: Range<usize>, stage: Stage) {
        for step in &mut self.steps[steps] {
            if !matches!(step.state, StepState::RolledBack | StepState::RollbackFailed) {
                step.state = StepState::Pending;
                step.passed_over = false;
                step.unsigned = false;
            }
        }
        self.stage = stage;
        self.cursor = if stage == Stage::AfterRollback { self.after.start } else { 0 };
    }
}
