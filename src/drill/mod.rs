//! What a trainee did in a drill, and how good it was.
//!
//! [`moves`] says which move a record is, [`judge`] which move a trainee made at each fault and whether it was right, and
//! [`scorecard`] folds the records of a drill into a [`Scorecard`], which [`card`] puts into words. [`trainee`] is somebody who
//! always does the right thing (or, where asked to, the wrong one), for tests of a playbook. Pure: no file, no clock, no
//! terminal, and nothing here changes what happens in a drill. What must stay true: any beginning of a drill's records gives
//! a scorecard; who does everything right gets all points; every point that is taken off says what for.

pub mod card;
pub mod judge;
pub mod moves;
pub mod recorded;
pub mod scorecard;
#[cfg(test)]
mod tests;
pub mod trainee;

pub use judge::{Decision, Grade};
pub use scorecard::{Deduction, Grading, PASSED_FROM, Rating, Scorecard};
pub use trainee::{Deed, Trainee, Way};
