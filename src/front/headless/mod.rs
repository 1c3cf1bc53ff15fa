//! The unattended front: says what the answers file says, and never says yes by itself.
//!
//! What it cannot say needs a person: it leaves with status 7 and names the step. It prints one short line an event; what
//! commands print is in the transcript, and only the end of it is shown when a step fails. What must stay true: what it
//! does for one step does not depend on how many there are.

mod answers;
mod decide;
mod show;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

pub use answers::Answers;

use super::{Front, Say, Update};
use crate::engine::{Awaiting, How, Input, Record, Refusal, Run, Stage, StepState};
use crate::playbook::plan::{Name, OnFailure, Plan, StepId};
use crate::words;

/// Why an unattended front left a run that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Why.
    pub why: Why,
    /// What happened.
    pub what: String,
    /// What to do now.
    pub next: String,
}

/// The reasons for which an unattended front leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A person is needed.
    PersonNeeded,
    /// A step failed, and the run is to stop.
    Failed,
    /// A signature is missing.
    SignOff,
    /// The rollback is incomplete.
    RollbackIncomplete,
}

/// The unattended front.
pub struct Headless {
    plan: Arc<Plan>,
    answers: Answers,
    on_failure: Option<OnFailure>,
    transcripts: Option<PathBuf>,
    out: Box<dyn Write + Send>,
    /// The end of what the command printed, no longer than twice [`show::TAIL`].
    tail: String,
    /// The values known so far, for the titles.
    values: BTreeMap<Name, String>,
    live: bool,
    only_rollback: bool,
    dry_run: bool,
    /// What the next step would do, in a dry run.
    would: Vec<String>,
    /// The step that failed in an earlier process, if that is where the run stood.
    failed_before: Option<StepId>,
    left: Option<Left>,
    /// The step before which the window was found to be over; nobody is there to be asked whether to go on.
    window_over: Option<StepId>,
}

impl std::fmt::Debug for Headless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Headless").field("left", &self.left).finish_non_exhaustive()
    }
}

/// What to do where a signature is missing.
const SIGN: &str = "`runsheet sign` in their own terminal, then `runsheet resume`; or `runsheet resume` with them here";

impl Headless {
    /// Makes the front. `on_failure` answers a failure that the playbook leaves open; `transcripts` is where outputs are.
    #[must_use]
    pub fn new(
        plan: Arc<Plan>,
        answers: Answers,
        on_failure: Option<OnFailure>,
        transcripts: Option<PathBuf>,
        out: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            plan,
            answers,
            on_failure,
            transcripts,
            out,
            tail: String::new(),
            values: BTreeMap::new(),
            live: false,
            only_rollback: false,
            dry_run: false,
            would: Vec::new(),
            failed_before: None,
            left: None,
            window_over: None,
        }
    }

    /// Goes on with a run of an earlier process, of which it is told nothing: the values that there are, and the step that had
    /// failed where it stood.
    #[must_use]
    pub fn goes_on(self, run: &Run) -> Self {
        let failed_before = match run.awaiting(&self.plan) {
            Awaiting::Decision(id) => {
                Some(id).filter(|id| run.step(&self.plan, id).is_some_and(|step| step.state == StepState::Failed))
            }
            _ => None, // whatever else it waits for, nothing failed
        };
        Self { values: run.values.clone(), failed_before, ..self }
    }

    /// Leaves once a rollback has come to its end, rather than walk on from where it leads.
    #[must_use]
    pub fn only_rollback(self) -> Self {
        Self { only_rollback: true, ..self }
    }

    /// Needs nobody: nothing is carried out, so what a person would do is passed over as if it had been done.
    #[must_use]
    pub fn dry_run(self) -> Self {
        Self { dry_run: true, ..self }
    }

    /// Returns why it left, where it left by itself.
    #[must_use]
    pub fn left(&self) -> Option<&Left> {
        self.left.as_ref()
    }

    /// Leaves, with a reason that goes on record.
    fn leave(&mut self, why: Why, what: String, next: &str) -> Say {
        self.left = Some(Left { why, what: what.clone(), next: next.to_owned() });
        Say::Input(Input::Pause { why: what })
    }

    /// Learns the values that a record brings.
    fn learn(&mut self, record: &Record) {
        let mut learn = |values: &BTreeMap<Name, String>| {
            self.values.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
        };
        match record {
            Record::Begun(begun) => learn(&begun.values),
            Record::Answered { values, .. } => learn(values),
            Record::Performed { outcome, .. }
            | Record::Recaptured { outcome, .. }
            | Record::Recovered { outcome, .. } => learn(&outcome.values),
            Record::Probed { verdicts, .. } => verdicts.iter().for_each(|verdict| learn(&verdict.values)),
            Record::LeftOut { .. }
            | Record::LookAhead { .. }
            | Record::LookedAhead { .. }
            | Record::Started { .. }
            | Record::Saved { .. }
            | Record::VerifyAgain { .. }
            | Record::RecaptureStarted { .. }
            | Record::ByHand { .. }
            | Record::Skipped { .. }
            | Record::StopAsked { .. }
            | Record::EnoughSeen { .. }
            | Record::WindowExtended { .. }
            | Record::Overrun { .. }
            | Record::Note { .. }
            | Record::HintShown { .. }
            | Record::WhyShown { .. }
            | Record::Looked { .. }
            | Record::QuizAnswered { .. }
            | Record::Called { .. }
            | Record::SecretCopied { .. }
            | Record::Presence(_)
            | Record::RollbackBegun { .. }
            | Record::RollbackEnded { .. }
            | Record::Resumed { .. }
            | Record::Paused { .. }
            | Record::SignedOff { .. }
            | Record::SignOffRefused { .. }
            | Record::Closing { .. }
            | Record::TemporaryRemoved { .. }
            | Record::EvidenceGiven { .. }
            | Record::EvidenceMissing { .. }
            | Record::Ticked { .. }
            | Record::FollowedUp { .. }
            | Record::Ended { .. } => {}
        }
    }

    /// Remembers whether the run stood at a failed step when an earlier process left it.
    fn remember(&mut self, record: &Record) {
        match record {
            Record::Started { .. } | Record::RollbackBegun { .. } => self.failed_before = None,
            Record::LookedAhead { step, refused } if !refused.is_empty() => self.failed_before = Some(step.clone()),
            Record::Performed { target, outcome, .. } if target.undo.is_none() && outcome.how != How::Ok => {
                self.failed_before = Some(target.step.clone());
            }
            Record::Probed { target, verdicts } if target.undo.is_none() => {
                let failed = verdicts.iter().any(|verdict| !verdict.pass && !verdict.warn);
                self.failed_before = failed.then(|| target.step.clone());
            }
            // Nothing else makes a step fail, and whether it is still its turn is asked of the run.
            _ => {}
        }
    }
}

impl Front for Headless {
    fn take(&mut self, update: Update) {
        match update {
            Update::Record(record) => {
                self.learn(&record.record);
                if self.live {
                    self.record(&record.record);
                } else {
                    self.remember(&record.record);
                }
            }
            Update::Live => self.live = true,
            Update::Output { text, .. } => self.output(&text),
            Update::Refused(Refusal::WindowOver { step, .. }) => self.window_over = Some(step),
            Update::Refused(refusal) => {
                let what = words::refusal(&refusal);
                let (why, next) = match refusal {
                    Refusal::NoRoom { .. } => (Why::Failed, "make room, then `runsheet resume`"),
                    Refusal::NoEvidence { .. } => {
                        (Why::PersonNeeded, "mend the answers file, or `runsheet resume` with somebody at the terminal")
                    }
                    _ => (Why::PersonNeeded, "`runsheet resume` with somebody at the terminal"),
                };
                self.left.get_or_insert(Left { why, what, next: next.to_owned() });
            }
            Update::Notice(text) => self.print(&text),
            Update::Page { text, .. } => text.lines().for_each(|line| self.print(line)),
            Update::Preview { target, diff } if self.dry_run => self.preview(&target, diff),
            Update::Attempt { .. }
            | Update::Picture { .. }
            | Update::Preview { .. }
            | Update::Secret { .. }
            | Update::Seat(_)
            | Update::Signed { .. }
            | Update::Over => {}
        }
    }

    fn answer(&mut self, plan: &Plan, run: &Run) -> Option<Say> {
        // What was refused once would be refused again.
        if self.left.is_some() {
            return Some(Say::Quit);
        }
        if self.only_rollback && run.stage == Stage::Walking && run.rollback.as_ref().is_some_and(|back| back.over) {
            return Some(Say::Quit);
        }
        if let Some(step) = self.window_over.take() {
            let reason = format!("unattended; {step} starts as the playbook says");
            return Some(Say::Input(Input::Overrun { reason, by_policy: true }));
        }
        match run.awaiting(plan) {
            Awaiting::Go(id) => {
                self.warn(plan, run, &id);
                if self.dry_run {
                    self.would(plan, run, &id);
                }
                self.go(plan, &id)
            }
            Awaiting::Person(target) => Some(self.person(plan, run, target)),
            Awaiting::Evidence(step, item) => Some(self.evidence(plan, run, step, item)),
            Awaiting::Quiz(step) => Some(self.quiz(step)),
            Awaiting::Decision(id) => self.decide(plan, run, id),
            Awaiting::Undo(target) => Some(self.undo(plan, run, target)),
            Awaiting::UndoDecision(target) => self.decide_undo(plan, run, target),
            Awaiting::Incomplete => Some(self.leave(
                Why::RollbackIncomplete,
                "the rollback is incomplete".to_owned(),
                "see to what failed by hand, then `runsheet rollback RUN`; `runsheet runs` lists them",
            )),
            Awaiting::SignOff(role) if self.dry_run => {
                let name = format!("dry run, as {role}");
                Some(Say::Input(Input::SignOff { step: None, role, name }))
            }
            Awaiting::Approval(step, role) if self.dry_run => {
                let name = format!("dry run, as {role}");
                Some(Say::Input(Input::SignOff { step: Some(step), role, name }))
            }
            // Nobody but a person approves, whatever an answers file says.
            Awaiting::Approval(step, role) => Some(self.leave(
                Why::PersonNeeded,
                format!("{step} needs a person: {role} {}", words::signs(plan, &step)),
                SIGN,
            )),
            Awaiting::SignOff(role) => Some(self.leave(Why::SignOff, words::sign_off_missing(run, &role), SIGN)),
            Awaiting::Begin | Awaiting::World(_) | Awaiting::Closing | Awaiting::Nothing => None,
        }
    }
}
