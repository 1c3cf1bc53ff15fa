//! The engine: what may happen next in a run, and what follows from what did.
//!
//! Pure: no file, clock, process, randomness, thread or terminal. Time comes in with the input.
//! [`Engine::handle`] takes an [`Input`]; `decide` gives one [`Record`] or a [`Refusal`], `follow` the records that come
//! of it by themselves, [`Run::apply`] is the only change of state, and effects are read off the records.

mod ahead;
mod apply;
mod aside;
mod back;
mod decide;
mod deviation;
mod effect;
mod evidence;
mod follow;
mod followed;
mod input;
mod pace;
mod record;
mod refusal;
mod run;
mod sign;
mod ticked;
pub mod undo;
pub mod window;
mod witness;

use std::sync::Arc;

use jiff::Timestamp;

pub use aside::{Aside, Asides, Part, QuizAnswer};
pub use deviation::{Deviation, DeviationKind};
pub use effect::Effect;
pub use evidence::{Evidence, Proof};
pub use followed::Followed;
pub use input::{Input, Signing};
pub use pace::{Pace, expected};
pub use record::{
    Begun, End, Expected, Finding, Foreseen, How, LogMark, Outcome, Presence, Record, SavedFile, Seen, Signature,
    Stamped, Target, Verdict, Written,
};
pub use refusal::Refusal;
pub use run::{Awaiting, Busy, Note, Rollback, Run, Stage, StepRun, StepState, UndoRun};
pub use sign::{SignedBy, same_person};
pub use witness::{Misfit, Witness};

use crate::playbook::plan::{Name, Plan};

/// A plan and the run of it.
#[derive(Clone, Debug)]
pub struct Engine {
    plan: Arc<Plan>,
    run: Run,
}

/// What came of an input: facts to write down first, effects to start then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// The records, in order.
    pub records: Vec<Stamped>,
    /// The effects, in order.
    pub effects: Vec<Effect>,
}

impl Engine {
    /// Makes an engine for a run that has not begun.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        let run = Run::new(&plan);
        Self { plan, run }
    }

    /// Returns the plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Returns the run as it stands.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Takes in a record that was written down earlier. Nothing follows from it.
    pub fn replay(&mut self, stamped: &Stamped) {
        self.run.apply(&self.plan, stamped);
    }

    /// Says whether an input would be taken now. Nothing changes.
    ///
    /// # Errors
    /// A [`Refusal`] when it would not.
    pub fn would_take(&self, input: Input) -> Result<(), Refusal> {
        decide::decide(&self.plan, &self.run, input).map(drop)
    }

    /// Takes an input at a time.
    ///
    /// # Errors
    /// A [`Refusal`] when the run does not allow it now; nothing has changed then.
    pub fn handle(&mut self, input: Input, at: Timestamp) -> Result<Turn, Refusal> {
        let first = decide::decide(&self.plan, &self.run, input)?;
        window::judge(&self.plan, &self.run, &first, at)?;
        let mut next = Some(first);
        let mut turn = Turn::default();
        while let Some(record) = next {
            let stamped = Stamped { at, record };
            self.run.apply(&self.plan, &stamped);
            turn.effects.extend(follow::effects(&self.plan, &self.run, &stamped.record));
            next = follow::follow(&self.plan, &self.run, &stamped.record);
            turn.records.push(stamped);
        }
        Ok(turn)
    }
}

/// Returns the word that must be typed to begin a run with these values; none where it is not protected.
#[must_use]
pub fn protected_word<'a>(plan: &'a Plan, value: impl Fn(&Name) -> Option<&'a str>) -> Option<&'a str> {
    decide::protected_word(plan, value)
}
