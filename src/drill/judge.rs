//! What was decided at each fault, and how good that was.
//!
//! Judged is the first move after a fault was shown that the playbook names, or that changes something. What must stay true:
//! a fault is judged once, however often it is shown; where the author says nothing of what is right, nothing is judged.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::moves::{self, Shown};
use crate::engine::{Record, Stamped, Target};
use crate::playbook::plan::{Drill, Move, Response};

/// How good a decision was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// It was the right move.
    Right,
    /// It will do.
    Acceptable,
    /// It was wrong.
    Wrong,
    /// The playbook does not say what is right.
    Unjudged,
    /// Nothing was decided.
    Open,
}

/// What was decided at a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The fault of the drill, from 1; beyond its last where somebody put it in live.
    pub fault: u32,
    /// What it was shown at.
    pub target: Target,
    /// When it was first shown.
    pub shown_at: Timestamp,
    /// The move, and when it was made.
    pub made: Option<(Move, Timestamp)>,
    /// How good it was.
    pub grade: Grade,
    /// Why, as the playbook says.
    pub because: Option<String>,
}

/// All decisions so far, record by record.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    made: Vec<Decision>,
    /// The fault that is to be decided: its place in `made`.
    open: Option<(usize, Shown)>,
}

impl Decisions {
    /// Takes a record in.
    pub fn take(&mut self, drill: Option<&Drill>, stamped: &Stamped) {
        if let Record::FaultShown { target, fault, .. } = &stamped.record {
            return self.shown(drill, target, *fault, stamped.at);
        }
        let Some((at, shown)) = &self.open else { return };
        let Some(r#move) = moves::of(&stamped.record, shown) else { return };
        let Some(decision) = self.made.get_mut(*at) else { return };
        let response = response(drill, decision.fault);
        if let Some((grade, because)) = graded(response, r#move) {
            decision.made = Some((r#move, stamped.at));
            decision.grade = grade;
            decision.because = because;
            self.open = None;
        }
    }

    fn shown(&mut self, drill: Option<&Drill>, target: &Target, fault: u32, at: Timestamp) {
        let known = self.made.iter().position(|decision| decision.fault == fault);
        if known.is_some_and(|known| self.made[known].made.is_some()) {
            return;
        }
        let shows = place(fault).and_then(|at| drill?.faults.get(at)).map(|fault| fault.shows.clone());
        let known = known.unwrap_or_else(|| {
            self.made.push(Decision {
                fault,
                target: target.clone(),
                shown_at: at,
                made: None,
                grade: Grade::Open,
                because: None,
            });
            self.made.len() - 1
        });
        self.open = Some((known, Shown { target: target.clone(), shows }));
    }

    /// Returns the decisions, in the order in which their faults were first shown.
    #[must_use]
    pub fn all(&self) -> &[Decision] {
        &self.made
    }

    /// Returns the fault that is to be decided.
    #[must_use]
    pub fn open(&self) -> Option<&Decision> {
        self.open.as_ref().and_then(|(at, _)| self.made.get(*at))
    }
}

/// Finds what is right at a fault, from 1.
#[must_use]
pub fn response(drill: Option<&Drill>, fault: u32) -> Option<&Response> {
    drill?.response(place(fault)?)
}

/// Returns the place of a fault in a drill's list, from 0.
fn place(fault: u32) -> Option<usize> {
    usize::try_from(fault.checked_sub(1)?).ok()
}

/// Says how good a move is, with the reason; none where it decides nothing.
#[must_use]
pub fn graded(response: Option<&Response>, r#move: Move) -> Option<(Grade, Option<String>)> {
    let Some(response) = response else {
        return (!moves::harmless(r#move)).then_some((Grade::Unjudged, None));
    };
    let because = || response.because.clone();
    if response.right.contains(&r#move) {
        return Some((Grade::Right, because()));
    }
    if response.acceptable.contains(&r#move) {
        return Some((Grade::Acceptable, because()));
    }
    let reason = response.wrong.iter().find(|(wrong, _)| *wrong == r#move).map(|(_, reason)| reason.clone());
    if reason.is_none() && moves::harmless(r#move) {
        return None;
    }
    Some((Grade::Wrong, reason.or_else(because)))
}
