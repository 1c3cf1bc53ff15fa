//! The unattended front: says what the answers file says, and never says yes by itself.
//!
//! What it cannot say needs a person: it leaves with status 7 and names the step. It prints one short line an event; what
//! commands print is in the transcript, and only the end of it is shown when a step fails.

mod answers;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

pub use answers::Answers;
use answers::{Unknown, asked};

use super::{Front, Say, Update};
use crate::engine::undo::{self, UndoAction};
use crate::engine::{Awaiting, How, Input, Outcome, Record, Run, Stage, StepState, Target, Verdict};
use crate::playbook::plan::{Act, Name, OnFailure, Plan, StepId};
use crate::words;

/// How much of a command's output is kept, in bytes, to show the end of it when the step fails.
const TAIL: usize = 4096;
/// How many lines of it are shown.
const TAIL_LINES: usize = 10;

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
    tail: String,
    live: bool,
    only_rollback: bool,
    left: Option<Left>,
}

impl std::fmt::Debug for Headless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Headless").field("left", &self.left).finish_non_exhaustive()
    }
}

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
            live: false,
            only_rollback: false,
            left: None,
        }
    }

    /// Leaves once a rollback has come to its end, rather than walk on from where it leads.
    #[must_use]
    pub fn only_rollback(self) -> Self {
        Self { only_rollback: true, ..self }
    }

    /// Returns why it left, where it left by itself.
    #[must_use]
    pub fn left(&self) -> Option<&Left> {
        self.left.as_ref()
    }

    /// Leaves, with a reason.
    fn leave(&mut self, why: Why, what: String, next: &str) -> Say {
        self.left = Some(Left { why, what, next: next.to_owned() });
        Say::Quit
    }

    fn needs_person(&mut self, id: &StepId, what: &str, answer: &str) -> Say {
        let next = format!("put `{id}: {answer}` into the answers file, or resume with somebody at the terminal");
        self.leave(Why::PersonNeeded, format!("{id} needs a person: {what}"), &next)
    }

    fn go(&mut self, plan: &Plan, id: &StepId) -> Option<Say> {
        let step = plan.step(id)?;
        let answered = self.answers.step(id).is_some_and(|answer| answer.done);
        if !answered && step.confirm.is_some() {
            return Some(self.needs_person(id, "it must be confirmed", "done"));
        }
        if !answered && matches!(step.action.act, Act::Person(_)) {
            return Some(self.person_needed(plan, id));
        }
        Some(Say::Input(Input::Go { step: id.clone(), confirmed: answered }))
    }

    fn person_needed(&mut self, plan: &Plan, id: &StepId) -> Say {
        match plan.step(id).and_then(|step| asked(&step.action.act).first()) {
            Some(spec) => {
                let answer = format!("{{ {}: … }}", spec.name);
                self.needs_person(id, "it asks for something", &answer)
            }
            None => self.needs_person(id, "it is done or confirmed by hand", "done"),
        }
    }

    fn person(&mut self, plan: &Plan, target: Target) -> Say {
        let answer = self.answers.step(&target.step);
        match target.undo {
            Some(_) => self.undo_by_hand(plan, target),
            None => match answer {
                Some(answer) if answer.done => Say::Answer { target, answers: answer.values.clone() },
                Some(_) | None => self.person_needed(plan, &target.step),
            },
        }
    }

    /// Answers an action of an undo that a person does: with what it asks for, and nothing else that was answered.
    fn undo_by_hand(&mut self, plan: &Plan, target: Target) -> Say {
        let asked = match undo::action(plan, &target) {
            Some(UndoAction::Author(action)) => asked(&action.act),
            Some(UndoAction::Restore) | None => &[],
        };
        let said = self.answers.step(&target.step).and_then(|answer| answer.undo.as_ref());
        let answers = said.map(|said| {
            let fits = |name: &Name| asked.iter().any(|spec| spec.name == *name);
            said.iter().filter(|(name, _)| fits(name)).cloned().collect::<Vec<_>>()
        });
        match answers {
            Some(answers) if answers.len() == asked.len() => Say::Answer { target, answers },
            Some(_) | None => {
                let answer = match asked.first() {
                    Some(spec) => format!("{{ undo: {{ {}: … }} }}", spec.name),
                    None => "{ undo: done }".to_owned(),
                };
                self.needs_person(&target.step, "a part of its rollback is done by hand", &answer)
            }
        }
    }

    fn decide(&mut self, plan: &Plan, run: &Run, id: StepId) -> Option<Say> {
        let state = run.step(plan, &id)?.state;
        if state == StepState::Unknown {
            return Some(match self.answers.step(&id).and_then(|answer| answer.unknown) {
                Some(Unknown::Done) => by_hand(Target::step(&id)),
                Some(Unknown::Retry) => Say::Input(Input::Go { step: id, confirmed: true }),
                Some(Unknown::Undo) => Say::Input(Input::Rollback { to: Some(id), by_policy: true }),
                None => {
                    let what = "it was interrupted and its outcome is unknown";
                    self.needs_person(&id, what, "{ unknown: done }` (or retry, or undo) `")
                }
            });
        }
        if run.stage == Stage::AfterRollback {
            let what = format!("{id} failed after the rollback");
            return Some(self.leave(Why::RollbackIncomplete, what, "see to it by hand, then `runsheet resume`"));
        }
        Some(match self.on_failure {
            Some(OnFailure::Rollback) => Say::Input(Input::Rollback { to: None, by_policy: true }),
            Some(OnFailure::Stop) => {
                let what = format!("{id} failed, and --on-failure says stop");
                self.leave(Why::Failed, what, "the run is open: `runsheet resume`, or `runsheet rollback`")
            }
            Some(OnFailure::Ask | OnFailure::Continue) | None => {
                let what = format!("{id} failed, and somebody must decide");
                self.leave(Why::PersonNeeded, what, "`runsheet resume`, or say --on-failure stop or rollback")
            }
        })
    }

    fn decide_undo(&mut self, plan: &Plan, run: &Run, target: Target) -> Option<Say> {
        let unknown = run.undo(plan, &target)?.state == StepState::Unknown;
        if !unknown {
            let reason = Some("it failed, and nobody was there to decide".to_owned());
            return Some(Say::Input(Input::Skip { target, reason }));
        }
        // Putting files back twice gives the same files.
        if matches!(undo::action(plan, &target), Some(UndoAction::Restore)) {
            return Some(Say::Input(Input::Undo { target }));
        }
        Some(match self.answers.step(&target.step).and_then(|answer| answer.unknown) {
            Some(Unknown::Done) => by_hand(target),
            Some(Unknown::Retry | Unknown::Undo) => Say::Input(Input::Undo { target }),
            None => {
                let what = "an action of its rollback was interrupted and its outcome is unknown";
                self.needs_person(&target.step, what, "{ unknown: done }` (or retry) `")
            }
        })
    }

    /// Prints a line. Where it cannot be printed the run goes on: its record is the journal.
    fn print(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
    }

    fn started(&mut self, target: &Target, attempt: u32) {
        self.tail.clear();
        let title = self.plan.step(&target.step).map(|step| step.title.fill(|_| None)).unwrap_or_default();
        let what = if target.undo.is_some() { "undo " } else { "start" };
        let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
        self.print(&format!("{what}  {}  {title}{again}", target.step));
    }

    fn performed(&mut self, target: &Target, outcome: &Outcome, attempt: u32) {
        if outcome.how == How::Ok {
            self.print(&format!("  ok   {}", words::outcome(outcome)));
            return;
        }
        self.print(&format!("FAILED {}  {}", target.step, words::outcome(outcome)));
        let tail = std::mem::take(&mut self.tail);
        let lines: Vec<&str> = tail.lines().collect();
        for line in &lines[lines.len().saturating_sub(TAIL_LINES)..] {
            self.print(&format!("       | {line}"));
        }
        if let Some(folder) = self.transcripts.clone().filter(|_| !lines.is_empty()) {
            let step = target.step.as_str().replace('/', ".");
            let undo = target.undo.map(|number| format!(".undo-{number}")).unwrap_or_default();
            let path = folder.join(format!("{step}{undo}.{attempt}.log"));
            self.print(&format!("       all of it: {}", path.display()));
        }
    }

    fn probed(&mut self, target: &Target, verdicts: &[Verdict]) {
        for verdict in verdicts {
            let word = match (verdict.pass, verdict.warn) {
                (true, _) => "  ok  ",
                (false, true) => "WARN  ",
                (false, false) => "FAILED",
            };
            let step = if verdict.pass { String::new() } else { format!("{}  ", target.step) };
            let found = words::finding(verdict.finding);
            self.print(&format!(
                "{word} {step}{}: {found}: {} ({})",
                verdict.title,
                verdict.saw,
                words::took(verdict.took_ms)
            ));
        }
    }

    fn record(&mut self, record: &Record) {
        match record {
            Record::Begun(begun) => {
                let line = format!("run {}  {}  by {}", begun.run, begun.title, begun.operator);
                self.print(&line);
            }
            Record::Started { target, attempt, .. } => self.started(target, *attempt),
            Record::Performed { target, attempt, outcome } => self.performed(target, outcome, *attempt),
            Record::Recaptured { step, outcome } => self.performed(&Target::step(step), outcome, 1),
            Record::Probed { target, verdicts } => self.probed(target, verdicts),
            Record::Saved { files, .. } => {
                let count = words::count(files.len(), "sealed copy", "sealed copies");
                self.print(&format!("  ok   {count} kept"));
            }
            Record::Skipped { target, reason, .. } => {
                let why = reason.as_deref().unwrap_or("the playbook says go on");
                self.print(&format!("skip   {}  {why}", target.step));
            }
            Record::ByHand { target, note } => self.print(&format!("hand   {}  {note}", target.step)),
            Record::RollbackBegun { to, .. } => match to {
                Some(to) => self.print(&format!("ROLLBACK  back to {to}")),
                None => self.print("ROLLBACK  everything"),
            },
            Record::RollbackEnded { failed: 0 } => self.print("ROLLBACK  done"),
            Record::RollbackEnded { failed } => {
                let count = words::count(*failed as usize, "action", "actions");
                self.print(&format!("ROLLBACK  incomplete: {count} failed or skipped"));
            }
            Record::TemporaryRemoved { left, .. } => {
                for (path, why) in left {
                    self.print(&format!("WARN   {path} is still there and holds secrets: {why}"));
                }
            }
            Record::Ended { end } => self.print(&format!("end    {}", words::end(*end))),
            Record::LeftOut { .. }
            | Record::Answered { .. }
            | Record::VerifyAgain { .. }
            | Record::RecaptureStarted { .. }
            | Record::StopAsked { .. }
            | Record::Note { .. }
            | Record::Resumed { .. }
            | Record::Paused { .. }
            | Record::SignedOff { .. }
            | Record::SignOffRefused { .. }
            | Record::Closing { .. } => {}
        }
    }
}

fn by_hand(target: Target) -> Say {
    Say::Input(Input::ByHand { target, note: "the answers file says that it was done".to_owned() })
}

impl Front for Headless {
    fn take(&mut self, update: Update) {
        match update {
            Update::Record(record) if self.live => self.record(&record.record),
            Update::Live => self.live = true,
            Update::Output { text, .. } => {
                // Only the end is of interest, so a flood costs a copy of a few kilobytes.
                let mut from = text.len().saturating_sub(TAIL);
                while !text.is_char_boundary(from) {
                    from += 1;
                }
                if from > 0 || self.tail.len() > 16 * TAIL {
                    self.tail.clear();
                }
                self.tail.push_str(&text[from..]);
            }
            Update::Refused(refusal) => {
                let what = words::refusal(&refusal);
                self.left.get_or_insert(Left {
                    why: Why::PersonNeeded,
                    what,
                    next: "`runsheet resume` with somebody at the terminal".to_owned(),
                });
            }
            Update::Notice(text) => self.print(&text),
            Update::Record(_) | Update::Attempt { .. } | Update::Preview { .. } | Update::Over => {}
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
        match run.awaiting(plan) {
            Awaiting::Go(id) => self.go(plan, &id),
            Awaiting::Person(target) => Some(self.person(plan, target)),
            Awaiting::Decision(id) => self.decide(plan, run, id),
            Awaiting::Undo(target) => Some(Say::Input(Input::Undo { target })),
            Awaiting::UndoDecision(target) => self.decide_undo(plan, run, target),
            Awaiting::Incomplete => Some(self.leave(
                Why::RollbackIncomplete,
                "the rollback is incomplete".to_owned(),
                "see to what failed by hand, then `runsheet rollback` again",
            )),
            Awaiting::SignOff(role) => Some(self.leave(
                Why::SignOff,
                format!("everything is done, but the sign-off of {role} is missing"),
                "`runsheet resume` with them at the terminal",
            )),
            Awaiting::Begin | Awaiting::World(_) | Awaiting::Closing | Awaiting::Nothing => None,
        }
    }
}
