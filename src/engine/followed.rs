//! What stays to be done after a run: an item is marked as done on the run that is over.
//!
//! It is the only record that may stand behind `Ended` but for those of a rollback; it changes nothing else of the run.

use jiff::Timestamp;
use serde::Serialize;

use super::record::{End, Record};
use super::refusal::Refusal;
use super::run::{Run, Stage};
use crate::playbook::plan::Plan;

/// An item that was done after the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Followed {
    /// When that was said.
    pub at: Timestamp,
    /// Who said so.
    pub operator: String,
    /// What there is to say of it.
    pub note: Option<String>,
}

impl Run {
    /// Says whether its follow-ups are to be done: the run came to its end as the playbook means it.
    #[must_use]
    pub fn leaves_follow_ups(&self) -> bool {
        self.stage == Stage::Over && matches!(self.ended, Some((End::Completed, _)))
    }
}

/// Judges that an item, from 1, is done.
pub(super) fn decide(
    plan: &Plan,
    run: &Run,
    item: u32,
    operator: String,
    note: Option<String>,
) -> Result<Record, Refusal> {
    let no = |why: &str| Err(Refusal::NoFollowUp { item, why: why.to_owned() });
    let there = item.checked_sub(1).is_some_and(|at| plan.follow_up.get(at as usize).is_some());
    match (run.leaves_follow_ups(), there, run.followed.get(&item)) {
        (false, ..) => no("the run is not completed, so nothing is to be followed up"),
        (true, false, _) => no("the playbook has no such item"),
        (true, true, Some(_)) => no("it is done already"),
        (true, true, None) => Ok(Record::FollowedUp { item, operator, note }),
    }
}
