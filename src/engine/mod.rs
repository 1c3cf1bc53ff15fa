//! The engine: what may happen next in a run, and what follows from what did.
//!
//! Pure: no file, clock, process, randomness, thread or terminal. Time comes in with the input.
//! [`Engine::handle`] takes an [`Input`]; `decide` gives one [`Record`] or a [`Refusal`], `follow` the records that come
//! of it by themselves, `Run::apply` is the only change of state, and effects are read off the records.

mod effect;
mod input;
mod record;
mod refusal;
mod run;

pub use effect::Effect;
pub use input::Input;
pub use record::{Begun, End, Finding, How, Outcome, Record, SavedFile, Stamped, Target, Verdict};
pub use refusal::Refusal;
pub use run::{Awaiting, Busy, Note, Rollback, Run, Stage, StepRun, StepState, UndoRun};
