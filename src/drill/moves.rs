//! Which move a record is, seen from a fault that was shown.
//!
//! A record that no person decided (a result, what the playbook does by itself) is no move. What must stay true: the moves
//! are those that a playbook can name, and each can be made in every front.

use crate::engine::{End, Presence, Record, Target};
use crate::playbook::plan::{Move, Shows};

/// A fault as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it was shown at.
    pub target: Target,
    /// What it shows; none where somebody put it in who is not the playbook's author.
    pub shows: Option<Shows>,
}

/// Returns the move that a record is, made while a fault is to be decided.
#[must_use]
pub fn of(record: &Record, fault: &Shown) -> Option<Move> {
    let begun = |target: &Target| {
        if *target == fault.target && fault.shows != Some(Shows::WindowOut) { Move::Retry } else { Move::GoOn }
    };
    match record {
        Record::Started { retry: false, target, .. } => {
            // An action of the rollback that somebody began: to begin it was the move.
            let within = target.undo.is_some() && fault.target.undo.is_none();
            (!within).then(|| begun(target))
        }
        Record::LookAhead { step } => Some(begun(&Target::step(step))),
        Record::VerifyAgain { .. } => Some(Move::Verify),
        Record::RecaptureStarted { .. } => Some(Move::Recapture),
        Record::ByHand { .. } => Some(Move::ByHand),
        Record::Skipped { by_playbook: false, .. } => Some(Move::Skip),
        Record::RollbackBegun { to, by_policy: false } => {
            Some(if to.is_none() { Move::Rollback } else { Move::RollbackTo })
        }
        Record::StopAsked { .. } => Some(Move::Stop),
        Record::EnoughSeen { .. } => Some(Move::Enough),
        Record::Answered { .. } => Some(Move::Answer),
        Record::Called { .. } => Some(Move::Call),
        Record::Note { .. } => Some(Move::Note),
        Record::Presence(Presence::Attached { .. } | Presence::TakenOver { .. }) => Some(Move::Attach),
        // Who was refused a signature and gets it in the end has asked for it again.
        Record::SignedOff { .. } if fault.shows == Some(Shows::SignOffRefused) => Some(Move::Retry),
        Record::SignedOff { .. }
        | Record::Closing { end: End::Completed, .. }
        | Record::Overrun { by_policy: false, .. } => Some(Move::GoOn),
        // It came to its end by itself, or by the limit of its time, and nobody had it stopped.
        Record::Performed { target, .. } if fault.shows == Some(Shows::Hangs) && *target == fault.target => {
            Some(Move::Wait)
        }
        Record::Closing { end: End::Abandoned, .. } => Some(Move::Abandon),
        Record::WindowExtended { .. } => Some(Move::Extend),
        // What the world answers, what the playbook does by itself, and what is done beside the walk.
        _ => None,
    }
}

/// Says whether a move changes nothing, so that it decides nothing where the playbook does not name it.
#[must_use]
pub fn harmless(r#move: Move) -> bool {
    match r#move {
        Move::Verify | Move::Recapture | Move::Wait | Move::Call | Move::Attach | Move::Answer | Move::Note => true,
        Move::GoOn
        | Move::Retry
        | Move::ByHand
        | Move::Skip
        | Move::Rollback
        | Move::RollbackTo
        | Move::Stop
        | Move::Enough
        | Move::Extend
        | Move::Abandon => false,
    }
}

/// Says what a trainee did, behind "you".
#[must_use]
pub fn said(r#move: Move) -> &'static str {
    match r#move {
        Move::GoOn => "went on",
        Move::Retry => "tried it again",
        Move::Verify => "had it verified again",
        Move::Recapture => "had the values fetched again",
        Move::ByHand => "said that it was done by hand",
        Move::Skip => "passed over it",
        Move::Rollback => "rolled everything back",
        Move::RollbackTo => "rolled back to a step",
        Move::Stop => "stopped it",
        Move::Wait => "waited",
        Move::Call => "called somebody",
        Move::Attach => "came back to the run",
        Move::Answer => "answered what was asked",
        Move::Enough => "said that enough was seen",
        Move::Extend => "extended the window",
        Move::Abandon => "gave the run up",
        Move::Note => "left a note",
    }
}
