//! Drills: what practice shows in place of the real thing, what goes wrong on purpose, and which move is right then.
//!
//! Here are the types that stand in a plan, and the words of the format for them. Its tables are in `tables`, and `lower`
//! makes the types of a tree, with every mistake that can be found without walking. What a drill shows is played by the rehearsal;
//! what a trainee does is judged elsewhere. Nothing here is of any weight in a real run.

mod lower;
mod reach;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use super::plan::{Name, StepId};

pub(super) use lower::{For, drills, quiz, simulations};
pub(super) use tables::{DRILLS, QUIZ, SIMULATE};

/// What practice shows for one attempt in place of the real thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulated {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit status; 0 when left out.
    pub exit: Option<i32>,
    /// How long it seems to take.
    pub takes: Option<Duration>,
    /// Of a probe: whether its answer is as expected; as things stand in the drill when left out.
    pub pass: Option<bool>,
    /// Of a probe: what kind of answer it gets, where it is not as expected.
    pub finding: Option<ProbeShows>,
    /// Of a probe: what was seen.
    pub saw: Option<String>,
}

/// What a probe shows when its answer is not as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeShows {
    /// The credential is refused.
    Denied,
    /// Nothing listens there.
    Refused,
    /// There is no way to it, or no answer in time.
    Unreachable,
    /// It answers something else.
    Differs,
}

/// A question about a step, asked in a drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiz {
    /// The question.
    pub ask: String,
    /// The answers to choose from.
    pub choices: Vec<String>,
    /// The place of the right one among them, from 0.
    pub answer: usize,
    /// Why it is right.
    pub because: Option<String>,
}

/// An exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// Its id, unique in the playbook.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What the trainee is told before it begins; Markdown.
    pub brief: Option<String>,
    /// Values that take the place of the plausible ones that a drill offers for inputs.
    pub inputs: BTreeMap<Name, String>,
    /// What goes wrong, in the order in which it is written.
    pub faults: Vec<DrillFault>,
    /// What is right at each fault, in the order of the faults.
    pub respond: Vec<Response>,
    /// What is said at the end; Markdown.
    pub debrief: Option<String>,
}

/// Something that goes wrong on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillFault {
    /// The step.
    pub step: StepId,
    /// The action of the step's undo, from 1; none for the step itself.
    pub undo: Option<u32>,
    /// The probe, from 1; none for the act.
    pub probe: Option<u32>,
    /// What is shown.
    pub shows: Shows,
    /// For how many attempts it holds; for all of them when none.
    pub attempts: Option<u32>,
    /// What is said: by the system that fails, or by the colleague who refuses.
    pub say: Option<String>,
}

/// What a fault shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The act fails.
    Fails,
    /// The act takes longer than it may.
    TimesOut,
    /// The act goes on until it is stopped, or until its time is over.
    Hangs,
    /// A probe's answer is not as expected.
    Probe(ProbeShows),
    /// The act or the probe gives this output.
    Output(Simulated),
    /// The practice value that is offered to paste lacks a character.
    WrongPaste,
    /// The terminal of the trainee is gone; the run is not.
    TerminalLost,
    /// The window is over.
    WindowOut,
    /// The colleague refuses to sign.
    SignOffRefused,
    /// The act takes effect, and its answer is lost.
    DoneButLost,
}

/// What is right at a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The place of its fault in the drill's faults, from 0.
    pub fault: usize,
    /// The right moves.
    pub right: Vec<Move>,
    /// Moves that will do.
    pub acceptable: Vec<Move>,
    /// Moves that are wrong, each with its reason. Any other is wrong because of [`Self::because`].
    pub wrong: Vec<(Move, String)>,
    /// Why the right move is right.
    pub because: Option<String>,
}

/// What a trainee can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// Goes on with the next step.
    GoOn,
    /// Starts the step or the action again.
    Retry,
    /// Has the probes asked again.
    Verify,
    /// Has the captures fetched again.
    Recapture,
    /// Does it by hand.
    ByHand,
    /// Passes over it.
    Skip,
    /// Rolls everything back.
    Rollback,
    /// Rolls back to a step.
    RollbackTo,
    /// Stops what runs.
    Stop,
    /// Lets what runs come to its end.
    Wait,
    /// Calls somebody.
    Call,
    /// Comes back to the run with another terminal.
    Attach,
    /// Answers what is asked.
    Answer,
    /// Says that enough was seen.
    Enough,
    /// Extends the window.
    Extend,
    /// Gives the run up.
    Abandon,
    /// Leaves a note.
    Note,
}

impl Move {
    /// Every move with its word in a playbook.
    pub const ALL: [(Self, &'static str); 17] = [
        (Self::GoOn, "go_on"),
        (Self::Retry, "retry"),
        (Self::Verify, "verify"),
        (Self::Recapture, "recapture"),
        (Self::ByHand, "by_hand"),
        (Self::Skip, "skip"),
        (Self::Rollback, "rollback"),
        (Self::RollbackTo, "rollback_to"),
        (Self::Stop, "stop"),
        (Self::Wait, "wait"),
        (Self::Call, "call"),
        (Self::Attach, "attach"),
        (Self::Answer, "answer"),
        (Self::Enough, "enough"),
        (Self::Extend, "extend"),
        (Self::Abandon, "abandon"),
        (Self::Note, "note"),
    ];

    /// Returns its word in a playbook.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(which, _)| *which == self).map_or("", |(_, word)| word)
    }

    /// Finds the move of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, own)| *own == word).map(|(which, _)| *which)
    }
}

impl DrillFault {
    /// Writes its place as a playbook does: `step`, or `step/undo:2`.
    #[must_use]
    pub fn at(&self) -> String {
        match self.undo {
            None => self.step.to_string(),
            Some(number) => format!("{}/undo:{number}", self.step),
        }
    }
}

impl Drill {
    /// Finds what is right at a fault.
    #[must_use]
    pub fn response(&self, fault: usize) -> Option<&Response> {
        self.respond.iter().find(|response| response.fault == fault)
    }
}
