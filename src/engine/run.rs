//! A run: the fold of its records, and what it is waiting for.
//!
//! Everything that shows, resumes or reports a run reads this; only [`Run::apply`](super::apply) changes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::record::{Begun, End, Outcome, SavedFile, Target, Verdict};
use crate::playbook::plan::{Name, StepId};

/// One walk through a plan.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What it began with; none before it began.
    pub begun: Option<Begun>,
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// When the first step that changes something started.
    pub window_from: Option<Timestamp>,
    /// The values that are no secrets.
    pub values: BTreeMap<Name, String>,
    /// The secrets that are in the vault.
    pub secrets: BTreeSet<Name>,
    /// What became of each step, in the order of the plan's steps.
    pub steps: Vec<StepRun>,
    /// The part of its life that it is in.
    pub stage: Stage,
    /// The rollback that goes on, or the last one.
    pub rollback: Option<Rollback>,
    /// What is out in the world at this moment.
    pub busy: Option<Busy>,
    /// Notes, in order.
    pub notes: Vec<Note>,
    /// Who signed, as typed.
    pub signed: Vec<(String, String)>,
    /// Who refused to sign: role, name, reason.
    pub refused: Vec<(String, String, String)>,
    /// Temporary files that could not be removed, with the reason.
    pub left_behind: Vec<(String, String)>,
    /// Whether the program stopped and the run has not been resumed since.
    pub paused: Option<String>,
    /// How it ended, and when.
    pub ended: Option<(End, Timestamp)>,
    /// The first step of the walk that may not be finished; an optimisation of [`Run::current`].
    pub(super) cursor: usize,
}

/// The part of its life that a run is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It has not begun.
    #[default]
    Briefing,
    /// The phases, success criteria and cleanup are walked.
    Walking,
    /// A rollback goes on.
    RollingBack,
    /// A whole rollback went well; `after_rollback` is walked.
    AfterRollback,
    /// Everything is done but the sign-off.
    SigningOff,
    /// It is closed.
    Over,
}

/// What became of a step.
#[derive(Clone, Debug, Default)]
pub struct StepRun {
    /// Where it stands.
    pub state: StepState,
    /// How often it was started.
    pub attempts: u32,
    /// When it was first started.
    pub started: Option<Timestamp>,
    /// When it last came to rest.
    pub ended: Option<Timestamp>,
    /// How the last attempt came out.
    pub outcome: Option<Outcome>,
    /// What its probes last answered.
    pub verdicts: Vec<Verdict>,
    /// The sealed copies of the files it changed; the oldest copies are kept over later attempts.
    pub saved: Vec<SavedFile>,
    /// What a person said: of a step done by hand, or why it was skipped.
    pub note: Option<String>,
    /// Whether a person did it by hand in place of the program.
    pub by_hand: bool,
    /// Whether an attempt failed, whatever came after.
    pub failed: bool,
    /// Its undo actions, once a rollback has come to it.
    pub undo: Vec<UndoRun>,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepState {
    /// It has not been started.
    #[default]
    Pending,
    /// A person is at work on it, or is asked.
    Waiting,
    /// Its command runs.
    Running,
    /// Its probes are being asked.
    Verifying,
    /// It is done, and what it verifies holds.
    Done,
    /// It is done; a probe that only warns did not hold.
    Warned,
    /// It failed.
    Failed,
    /// It was started and its end was not seen.
    Unknown,
    /// It was passed over.
    Skipped,
    /// `when` leaves it out.
    LeftOut,
    /// It was undone.
    RolledBack,
    /// Undoing it failed.
    RollbackFailed,
}

/// What became of one action of an undo.
#[derive(Clone, Debug, Default)]
pub struct UndoRun {
    /// Where it stands, in the words of a step.
    pub state: StepState,
    /// How often it was started.
    pub attempts: u32,
    /// How the last attempt came out.
    pub outcome: Option<Outcome>,
    /// What its probes last answered.
    pub verdicts: Vec<Verdict>,
    /// What a person said of it.
    pub note: Option<String>,
}

/// A rollback that goes on.
#[derive(Clone, Debug, Default)]
pub struct Rollback {
    /// The last step to be undone; everything when none.
    pub to: Option<StepId>,
    /// The actions to carry out, in order.
    pub actions: Vec<Target>,
    /// The place in `actions` of the one that is next or goes on.
    pub at: usize,
    /// How many failed for good or were skipped.
    pub failed: u32,
    /// The steps that had started and can neither be undone nor have a way forward.
    pub stuck: Vec<StepId>,
    /// It was begun by policy, which confirms every automatic action.
    pub by_policy: bool,
    /// It came to its end.
    pub over: bool,
}

/// What is out in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Whose effect.
    pub target: Target,
    /// Since when.
    pub since: Timestamp,
    /// The probes are asked, rather than the act carried out.
    pub probing: bool,
    /// The operator asked for it to stop.
    pub stopping: bool,
}

/// A note that somebody left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// The step it is about.
    pub step: Option<StepId>,
    /// What it says.
    pub text: String,
}

/// What a run is waiting for: the one question that every front answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaiting {
    /// The briefing's inputs.
    Begin,
    /// `Go` for a step that has not been started (or is to be walked again after a partial rollback).
    Go(StepId),
    /// A person, to do or answer the step or the action of an undo.
    Person(Target),
    /// The world. Nobody need do anything; the operator may stop it.
    World(Target),
    /// A decision on a step that failed or is unknown: go again, verify again, by hand, skip, roll back.
    Decision(StepId),
    /// `Undo` for the next action of a rollback.
    Undo(Target),
    /// A decision on an action of a rollback that failed or is unknown: again, by hand, skip.
    UndoDecision(Target),
    /// A signature for a role.
    SignOff(String),
    /// The program's own last work: removing temporary files, closing.
    Closing,
    /// Nothing; the run is over.
    Nothing,
}
