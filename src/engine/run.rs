//! A run: the fold of its records, and what it is waiting for.
//!
//! Everything that shows, resumes or reports a run reads this; only [`Run::apply`] changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::aside::{self, Asides};
use super::deviation::Deviation;
use super::evidence::Proof;
use super::followed::Followed;
use super::record::{Begun, End, Foreseen, How, LogMark, Outcome, Presence, SavedFile, Target, Verdict};
use super::sign::{SignedBy, missing};
use super::window::{Exposure, Extension, Overrun};
use crate::playbook::plan::{Act, Name, Plan, Section, SignOff, Step, StepId};

/// One walk through a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// What it began with; none before it began.
    pub begun: Option<Begun>,
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// When the first step that changes something started.
    pub window_from: Option<Timestamp>,
    /// How the window was made longer, in order.
    pub extensions: Vec<Extension>,
    /// Why the run went on once the window was over, in order.
    pub overruns: Vec<Overrun>,
    /// How the service was exposed, in the order in which it began.
    pub exposures: Vec<Exposure>,
    /// The values that are no secrets.
    pub values: BTreeMap<Name, String>,
    /// The secrets that are in the vault.
    pub secrets: BTreeSet<Name>,
    /// The fingerprints of each secret's values, oldest first; one that came again at once is there once.
    pub fingerprints: BTreeMap<Name, Vec<String>>,
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
    /// Who came to act while it went on, and who went, in order.
    pub presence: Vec<(Timestamp, Presence)>,
    /// What was done beside the walk.
    pub asides: Asides,
    /// The secrets that were handed out to be copied, in order.
    pub copied: Vec<(Timestamp, Name)>,
    /// Who walked it: began it, resumed it, came to act.
    pub operators: BTreeSet<String>,
    /// Who signed.
    pub signed: Vec<SignedBy>,
    /// Who refused to sign: role, name, reason.
    pub refused: Vec<(String, String, String)>,
    /// Temporary files that could not be removed, with the reason.
    pub left_behind: Vec<(String, String)>,
    /// Whether the program stopped and the run has not been resumed since.
    pub paused: Option<String>,
    /// How it ended, and when.
    pub ended: Option<(End, Timestamp)>,
    /// What did not go as the playbook says, in order.
    pub deviations: Vec<Deviation>,
    /// Which items of the playbook's `follow_up` were done since, from 1.
    pub followed: BTreeMap<u32, Followed>,
    /// Where the logs stood when what reads them last started.
    pub(super) logs: Vec<(Target, Vec<LogMark>)>,
    /// The first step of the walk (of the one after a rollback too) that may not be finished, so that finding the
    /// current step does not look at all of them.
    pub(super) cursor: usize,
    /// The end of the steps that are walked when nothing is rolled back.
    pub(super) walk: usize,
    /// The steps that are walked after a whole rollback.
    pub(super) after: Range<usize>,
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
    /// Nothing is left but to clear up and close.
    Closing,
    /// It is closed.
    Over,
}

/// What became of a step.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, not a state")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepRun {
    /// Where it stands.
    pub state: StepState,
    /// How often it was started.
    pub attempts: u32,
    /// When it was first started.
    pub started: Option<Timestamp>,
    /// When its last attempt was started.
    pub attempt_at: Option<Timestamp>,
    /// When it last came to rest.
    pub ended: Option<Timestamp>,
    /// How the last attempt came out.
    pub outcome: Option<Outcome>,
    /// What its probes last answered.
    pub verdicts: Vec<Verdict>,
    /// The sealed copies of the files it changed; the oldest copies are kept over later attempts.
    pub saved: Vec<SavedFile>,
    /// Who approved it, or signed it once it was done.
    pub signed: Vec<SignedBy>,
    /// Why it went on without the signatures that it asks for.
    pub sign_off_passed: Option<String>,
    /// What a person said: of a step done by hand, or why it was skipped.
    pub note: Option<String>,
    /// Whether a person did it by hand in place of the program.
    pub by_hand: bool,
    /// Whether the act itself was carried out, whatever its probes say.
    pub acted: bool,
    /// Whether the last attempt failed.
    pub failed: bool,
    /// It failed, and the walk went on all the same because the playbook says so.
    pub passed_over: bool,
    /// The later steps that would be refused, as last tried before this one was to start; none once it has started.
    pub ahead: Vec<Foreseen>,
    /// Why it was started all the same.
    pub despite: Option<String>,
    /// How often it was tried since a person last started it.
    pub tries: u32,
    /// The lines of its instructions that are ticked, from 1.
    pub ticks: BTreeSet<u32>,
    /// Its evidence as far as it was given or passed over, in order.
    pub evidence: Vec<Proof>,
    /// Its undo actions, once a rollback has come to it.
    pub undo: Vec<UndoRun>,
    /// How often each undo action was started over all rollbacks, so that no attempt has the number of another.
    pub(super) undo_starts: Vec<u32>,
    /// The later steps were tried, and it may start.
    pub(super) cleared: bool,
    /// Where it comes to rest once its evidence is there, while it waits for that.
    pub(super) rests: Option<StepState>,
    /// It was started or done by hand, and not undone since; whatever else is said of it later, skipped for one.
    pub(super) touched: bool,
    /// It is done, and somebody who must sign it has not yet.
    pub(super) unsigned: bool,
    /// A person stopped it or asked it anew: what follows from a failure is for a person to say, not for the playbook.
    pub(super) held: bool,
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
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// The lines of its instructions that are ticked, from 1.
    pub ticks: BTreeSet<u32>,
}

/// A rollback that goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, not a state")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Whose effect.
    pub target: Target,
    /// Since when.
    pub since: Timestamp,
    /// The probes are asked, rather than the act carried out.
    pub probing: bool,
    /// Copies of files are being made, or logs looked at; the act itself has not begun.
    pub(super) saving: bool,
    /// Later steps are being tried; the step itself has not begun.
    pub looking: bool,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaiting {
    /// The briefing's inputs.
    Begin,
    /// `Go` for a step that has not been started (or is to be walked again after a partial rollback).
    Go(StepId),
    /// An answer to the question of a drill about a step that has not been started.
    Quiz(StepId),
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
    /// A way out of a whole rollback in which actions failed or were skipped: roll back again, or abandon.
    Incomplete,
    /// An item of a step's evidence, from 1, of a person: a text or a file.
    Evidence(StepId, u32),
    /// A signature for a role, once everything is done.
    SignOff(String),
    /// A signature for a role, for the approval that a step is.
    Approval(StepId, String),
    /// The program's own last work: removing temporary files, closing.
    Closing,
    /// Nothing; the run is over.
    Nothing,
}

impl Run {
    /// Makes the run of a plan that has not begun.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let after = plan.section(Section::AfterRollback);
        let walk = if after.is_empty() { plan.steps.len() } else { after.start };
        Self { steps: vec![StepRun::default(); plan.steps.len()], walk, after, ..Self::default() }
    }

    /// Returns what became of a step.
    #[must_use]
    pub fn step(&self, plan: &Plan, id: &StepId) -> Option<&StepRun> {
        plan.index.get(id).and_then(|&at| self.steps.get(at))
    }

    /// Returns the step whose turn it is in the walk; none while a rollback goes on and when all are finished.
    #[must_use]
    pub fn current<'p>(&self, plan: &'p Plan) -> Option<&'p Step> {
        self.current_at().and_then(|at| plan.steps.get(at))
    }

    /// Returns the place of the current step in the plan's steps.
    #[must_use]
    pub fn current_at(&self) -> Option<usize> {
        let range = match self.stage {
            Stage::Walking => self.cursor..self.walk,
            Stage::AfterRollback => self.cursor..self.after.end,
            Stage::Briefing | Stage::RollingBack | Stage::Closing | Stage::Over => return None,
        };
        range.into_iter().find(|&at| !self.steps[at].finished())
    }

    /// Returns the action of the rollback whose turn it is.
    #[must_use]
    pub fn undoing(&self) -> Option<&Target> {
        match self.stage {
            Stage::RollingBack => self.rollback.as_ref().and_then(|rollback| rollback.actions.get(rollback.at)),
            Stage::Briefing | Stage::Walking | Stage::AfterRollback | Stage::Closing | Stage::Over => None,
        }
    }

    /// Returns what became of an action of an undo.
    #[must_use]
    pub fn undo(&self, plan: &Plan, target: &Target) -> Option<&UndoRun> {
        let number = target.undo?;
        self.step(plan, &target.step)?.undo.get(number.checked_sub(1)? as usize)
    }

    /// Returns the role whose signature is missing, once everything else is done.
    #[must_use]
    pub fn role_to_sign<'p>(&self, plan: &'p Plan) -> Option<&'p str> {
        let of = plan.sign_off.as_ref()?;
        missing(of, &self.signed).next()
    }

    /// Says what the run is waiting for.
    #[must_use]
    pub fn awaiting(&self, plan: &Plan) -> Awaiting {
        if let Some(busy) = &self.busy {
            return Awaiting::World(busy.target.clone());
        }
        match self.stage {
            Stage::Briefing => Awaiting::Begin,
            Stage::Walking | Stage::AfterRollback => match self.current_at() {
                Some(at) => match awaiting_step(&plan.steps[at], &self.steps[at]) {
                    Awaiting::Go(step) if aside::asks(plan, self, &plan.steps[at]) => Awaiting::Quiz(step),
                    awaiting => awaiting,
                },
                None => match self.role_to_sign(plan) {
                    Some(role) if self.stage == Stage::Walking => Awaiting::SignOff(role.to_owned()),
                    Some(_) | None => Awaiting::Closing,
                },
            },
            Stage::RollingBack => self.awaiting_undo(plan),
            Stage::Closing => Awaiting::Closing,
            Stage::Over => Awaiting::Nothing,
        }
    }

    fn awaiting_undo(&self, plan: &Plan) -> Awaiting {
        let Some(target) = self.undoing() else { return Awaiting::Incomplete };
        match self.undo(plan, target).map(|undo| undo.state) {
            Some(StepState::Waiting) => Awaiting::Person(target.clone()),
            Some(StepState::Failed | StepState::Unknown) => Awaiting::UndoDecision(target.clone()),
            // The other states of a step are none that an action can rest in while it is its turn.
            Some(_) | None => Awaiting::Undo(target.clone()),
        }
    }

    /// Says whether a step takes part: every name of its `when` has one of its values.
    #[must_use]
    pub fn takes_part(&self, step: &Step) -> bool {
        step.when.iter().all(|(name, values)| self.values.get(name).is_some_and(|value| values.contains(value)))
    }
}

impl StepRun {
    /// Says whether its end was not seen, and what it was to capture is not known either.
    #[must_use]
    pub fn lost(&self) -> bool {
        self.state == StepState::Unknown && self.outcome.as_ref().is_none_or(|outcome| outcome.how != How::Ok)
    }

    /// Says whether the walk is done with this step.
    #[must_use]
    pub fn finished(&self) -> bool {
        match self.state {
            StepState::Done | StepState::Warned => !self.unsigned,
            StepState::Skipped | StepState::LeftOut => true,
            StepState::Failed => self.passed_over,
            StepState::Pending
            | StepState::Waiting
            | StepState::Running
            | StepState::Verifying
            | StepState::Unknown
            | StepState::RolledBack
            | StepState::RollbackFailed => false,
        }
    }

    /// Says whether the step may have changed something, so that a rollback must look at it.
    #[must_use]
    pub fn touched(&self) -> bool {
        self.touched
    }
}

/// Returns who approves, where the step is an approval.
pub(super) fn approval(step: &Step) -> Option<&SignOff> {
    match &step.action.act {
        Act::Person(person) => person.approval.as_ref(),
        Act::Run(_) | Act::Generate(_) | Act::Edit(_) | Act::Snapshot(_) | Act::Verify | Act::Wait(_) => None,
    }
}

/// Returns who signs a step: whose approval it is, or who signs it once it is done.
pub(super) fn signers(step: &Step) -> Option<&SignOff> {
    approval(step).or(step.sign_off.as_ref())
}

/// Returns the role whose approval is missing.
fn role_to_approve<'p>(step: &'p Step, state: &StepRun) -> Option<&'p str> {
    missing(signers(step)?, &state.signed).next()
}

fn awaiting_step(step: &Step, state: &StepRun) -> Awaiting {
    if let Some(item) = state.owes() {
        return Awaiting::Evidence(step.id.clone(), item);
    }
    match state.state {
        StepState::Pending | StepState::RolledBack => Awaiting::Go(step.id.clone()),
        StepState::Waiting => match role_to_approve(step, state).filter(|_| approval(step).is_some()) {
            Some(role) => Awaiting::Approval(step.id.clone(), role.to_owned()),
            None => Awaiting::Person(Target::step(&step.id)),
        },
        StepState::Done | StepState::Warned if state.unsigned => {
            let role = role_to_approve(step, state).unwrap_or_default();
            Awaiting::Approval(step.id.clone(), role.to_owned())
        }
        StepState::Running | StepState::Verifying => Awaiting::World(Target::step(&step.id)),
        StepState::Failed
        | StepState::Unknown
        | StepState::RollbackFailed
        | StepState::Done
        | StepState::Warned
        | StepState::Skipped
        | StepState::LeftOut => Awaiting::Decision(step.id.clone()),
    }
}
