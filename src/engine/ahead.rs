//! Looking ahead: before an irreversible step starts, the later steps that work on files are tried, changing nothing.
//!
//! A part of [`Run::apply`] and of what may be said: which steps are tried, and what becomes of a step whose later ones
//! would be refused. What must stay true: of a step that waits for this nothing has happened yet.

use jiff::Timestamp;

use super::record::{Foreseen, How, Outcome, Target};
use super::run::{Busy, Run, Stage, StepRun, StepState};
use crate::playbook::plan::{Act, Plan, Step, StepId};

/// Lists the later steps that can be tried before a step starts: none where it can be taken back.
///
/// Left out is what `when` leaves out, or may leave out for all that is known yet.
pub(super) fn later(plan: &Plan, run: &Run, step: &Step) -> Vec<StepId> {
    let Some(&at) = plan.index.get(&step.id).filter(|_| step.irreversible.is_some()) else { return Vec::new() };
    let end = if run.stage == Stage::AfterRollback { run.after.end } else { run.walk };
    let steps = plan.steps.iter().zip(&run.steps).take(end).skip(at + 1);
    steps
        .filter(|(step, _)| matches!(step.action.act, Act::Edit(_) | Act::Snapshot(_)))
        .filter(|(step, state)| !state.finished() && run.takes_part(step))
        .map(|(step, _)| step.id.clone())
        .collect()
}

impl Run {
    pub(super) fn look_ahead(&mut self, plan: &Plan, step: &StepId, at: Timestamp) {
        let target = Target::step(step);
        self.set(plan, &target, |step| {
            step.ahead.clear();
            step.cleared = false;
        });
        self.busy = Some(Busy { target, since: at, probing: false, saving: false, looking: true, stopping: false });
    }

    pub(super) fn looked_ahead(&mut self, plan: &Plan, step: &StepId, refused: &[Foreseen], at: Timestamp) {
        let stopped = self.busy.take().is_some_and(|busy| busy.stopping);
        self.set(plan, &Target::step(step), |step| {
            step.ahead = refused.to_vec();
            step.cleared = refused.is_empty() && !stopped;
            if refused.is_empty() {
                return;
            }
            // What was started earlier and whose end was not seen is no better known now.
            if step.state != StepState::Unknown {
                step.outcome = Some(Outcome { how: How::Failed, saw: told(refused), ..Outcome::default() });
                step.state = StepState::Failed;
                step.failed = true;
                step.held = false;
                step.ended = Some(at);
                step.verdicts.clear();
            }
        });
    }
}

impl StepRun {
    /// Says which later steps would be refused, where it was not started for that; none where nothing stands in its way.
    #[must_use]
    pub fn refused_ahead(&self) -> Option<String> {
        (!self.ahead.is_empty()).then(|| told(&self.ahead))
    }
}

fn told(refused: &[Foreseen]) -> String {
    let each: Vec<String> =
        refused.iter().map(|foreseen| format!("{} would be refused: {}", foreseen.step, foreseen.why)).collect();
    format!("nothing was started: {}", each.join("; "))
}
