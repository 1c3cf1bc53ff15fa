//! The unattended front: says what the answers file says, and never says yes by itself.
//!
//! What it cannot say needs a person: it leaves with status 7 and names the step. It prints one short line an event; what
//! commands print is in the transcript, and only the end of it is shown when a step fails. What must stay true: what it
//! does for one step does not depend on how many there are.

mod answers;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

pub use answers::Answers;
use answers::{Unknown, asked};

use super::plain::without_colours;
use super::{Front, Say, Update};
use crate::engine::undo::{self, UndoAction};
use crate::engine::{Awaiting, How, Input, Outcome, Record, Run, Stage, StepState, Target, Verdict};
use crate::output::visible_plain;
use crate::playbook::plan::{Act, Name, OnFailure, Plan, StepId};
use crate::words;
use crate::words::describe::{self, Fact};

/// How much of a command's output is kept, in bytes, to show the end of it when the step fails.
const TAIL: usize = 4096;
/// How a dry run's executor says that something was not carried out, or not asked.
const NOT_DONE: &str = "dry run: ";
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
    /// The end of what the command printed, no longer than twice [`TAIL`].
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
            values: BTreeMap::new(),
            live: false,
            only_rollback: false,
            dry_run: false,
            would: Vec::new(),
            failed_before: None,
            left: None,
        }
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

    fn needs_person(&mut self, id: &StepId, what: &str, answer: &str) -> Say {
        let next = format!("put `{id}: {answer}` into the answers file, or resume with somebody at the terminal");
        self.leave(Why::PersonNeeded, format!("{id} needs a person: {what}"), &next)
    }

    fn go(&mut self, plan: &Plan, id: &StepId) -> Option<Say> {
        let step = plan.step(id)?;
        let person = matches!(step.action.act, Act::Person(_));
        if self.dry_run && person {
            return Some(rehearsed(Target::step(id)));
        }
        let answered = self.dry_run || self.answers.step(id).is_some_and(|answer| answer.done);
        if !answered && step.confirm.is_some() {
            return Some(self.needs_person(id, "it must be confirmed", "done"));
        }
        if !answered && person {
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
        if self.dry_run {
            return rehearsed(target);
        }
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
                    let what = "it was interrupted and its outcome is unknown (done, retry or undo)";
                    self.needs_person(&id, what, "{ unknown: done }")
                }
            });
        }
        if self.dry_run {
            let reason = Some("a dry run goes on".to_owned());
            return Some(Say::Input(Input::Skip { target: Target::step(&id), reason }));
        }
        // Whoever resumes a run that stands at a failed step says that it is to be tried again, where that is harmless; a
        // step that changes something may have done so before it failed, and needs a word of its own.
        let harmless = plan.step(&id).is_some_and(|step| !step.changes());
        let told = self.answers.step(&id).is_some_and(|answer| answer.unknown == Some(Unknown::Retry));
        if self.failed_before.take_if(|failed| *failed == id).is_some() && (harmless || told) {
            self.print(&format!("again  {id}  it failed before this process"));
            return self.go(plan, &id);
        }
        if run.stage == Stage::AfterRollback {
            let what = format!("{id} failed after the rollback");
            return Some(self.leave(Why::RollbackIncomplete, what, "see to it by hand, then `runsheet resume`"));
        }
        Some(match self.on_failure {
            Some(OnFailure::Rollback) => Say::Input(Input::Rollback { to: None, by_policy: true }),
            Some(OnFailure::Stop) => {
                let what = format!("{id} failed, and --on-failure says stop");
                self.leave(Why::Failed, what, "the run is open: `runsheet resume`, or `runsheet rollback RUN`")
            }
            Some(OnFailure::Ask | OnFailure::Continue) | None => {
                let what = format!("{id} failed, and somebody must decide");
                self.leave(Why::PersonNeeded, what, "`runsheet resume`, or say --on-failure stop or rollback")
            }
        })
    }

    /// Carries out the next action of a rollback, if somebody or something confirmed all of them.
    fn undo(&mut self, plan: &Plan, run: &Run, target: Target) -> Say {
        let by_policy = run.rollback.as_ref().is_some_and(|rollback| rollback.by_policy);
        if !(by_policy || self.only_rollback || self.dry_run || self.on_failure == Some(OnFailure::Rollback)) {
            let what = format!("the rollback stands at {}, and each of its actions is confirmed", target.step);
            return self.leave(Why::PersonNeeded, what, "`runsheet rollback RUN --unattended` confirms all of them");
        }
        let by_hand = match undo::action(plan, &target) {
            Some(UndoAction::Author(action)) => matches!(action.act, Act::Person(_)),
            Some(UndoAction::Restore) | None => false,
        };
        if by_hand && !self.dry_run && self.answers.step(&target.step).is_none_or(|answer| answer.undo.is_none()) {
            return self.needs_person(&target.step, "a part of its rollback is done by hand", "{ undo: done }");
        }
        Say::Input(Input::Undo { target })
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
                let what = "an action of its rollback was interrupted and its outcome is unknown (done or retry)";
                self.needs_person(&target.step, what, "{ unknown: done }")
            }
        })
    }

    /// Prints a line. Where it cannot be printed the run goes on: its record is the journal.
    fn print(&mut self, line: &str) {
        let _ = writeln!(self.out, "{}", visible_plain(line));
    }

    /// Keeps the end of what a command prints: a flood costs a copy of a few kilobytes a piece.
    fn output(&mut self, text: &str) {
        self.tail.push_str(end_of(text, TAIL));
        if self.tail.len() > 2 * TAIL {
            self.tail = end_of(&self.tail, TAIL).to_owned();
        }
    }

    /// Learns the values that a record brings.
    fn learn(&mut self, record: &Record) {
        let mut learn = |values: &BTreeMap<Name, String>| {
            self.values.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
        };
        match record {
            Record::Begun(begun) => learn(&begun.values),
            Record::Answered { values, .. } => learn(values),
            Record::Performed { outcome, .. } | Record::Recaptured { outcome, .. } => learn(&outcome.values),
            Record::Probed { verdicts, .. } => verdicts.iter().for_each(|verdict| learn(&verdict.values)),
            Record::LeftOut { .. }
            | Record::Started { .. }
            | Record::Saved { .. }
            | Record::VerifyAgain { .. }
            | Record::RecaptureStarted { .. }
            | Record::ByHand { .. }
            | Record::Skipped { .. }
            | Record::StopAsked { .. }
            | Record::Note { .. }
            | Record::RollbackBegun { .. }
            | Record::RollbackEnded { .. }
            | Record::Resumed { .. }
            | Record::Paused { .. }
            | Record::SignedOff { .. }
            | Record::SignOffRefused { .. }
            | Record::Closing { .. }
            | Record::TemporaryRemoved { .. }
            | Record::Ended { .. } => {}
        }
    }

    /// Remembers whether the run stood at a failed step when an earlier process left it.
    fn remember(&mut self, record: &Record) {
        match record {
            Record::Started { .. } | Record::RollbackBegun { .. } => self.failed_before = None,
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

    /// Notes what a step would do, for a dry run: it is printed when the step's turn is on record.
    fn would(&mut self, plan: &Plan, run: &Run, id: &StepId) {
        let Some(step) = plan.step(id) else { return };
        self.would = vec![format!("step   {id}  {}", words::fill(&step.title, run))];
        for Fact { label, text } in describe::step(step, run) {
            let lines = text.lines().enumerate();
            self.would.extend(lines.map(|(at, line)| {
                let line = format!("       {:<13} {line}", if at == 0 { label } else { "" });
                line.trim_end().to_owned()
            }));
        }
    }

    fn print_would(&mut self) {
        for line in std::mem::take(&mut self.would) {
            self.print(&line);
        }
    }

    /// Shows what an edit would change, for a dry run.
    fn preview(&mut self, target: &Target, diff: Result<String, String>) {
        match diff {
            Ok(diff) => {
                self.print(&format!("diff   {}", target.step));
                diff.lines().for_each(|line| self.print(&format!("       | {line}")));
            }
            Err(why) => self.print(&format!("WARN   {}  {why}", target.step)),
        }
    }

    fn started(&mut self, target: &Target, attempt: u32) {
        self.tail.clear();
        if self.dry_run {
            return self.print_would();
        }
        let value = |name: &Name| self.values.get(name).map(String::as_str);
        let title = self.plan.step(&target.step).map(|step| step.title.fill(value)).unwrap_or_default();
        let what = if target.undo.is_some() { "undo " } else { "start" };
        let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
        self.print(&format!("{what}  {}  {title}{again}", target.step));
    }

    fn performed(&mut self, target: &Target, outcome: &Outcome, attempt: u32) {
        if outcome.how == How::Ok {
            if !(self.dry_run && outcome.saw.starts_with(NOT_DONE)) {
                self.print(&format!("  ok   {}", words::outcome(outcome)));
            }
            return;
        }
        self.print(&format!("FAILED {}  {}", target.step, words::outcome(outcome)));
        let tail = std::mem::take(&mut self.tail);
        let lines: Vec<&str> = tail.lines().collect();
        for line in &lines[lines.len().saturating_sub(TAIL_LINES)..] {
            self.print(&format!("       | {}", without_colours(line)));
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
            if self.dry_run && verdict.saw.starts_with(NOT_DONE) {
                continue;
            }
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
            Record::ByHand { .. } if self.dry_run => self.print_would(),
            Record::Saved { .. } if self.dry_run => {}
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

fn rehearsed(target: Target) -> Say {
    Say::Input(Input::ByHand { target, note: "dry run: nobody was asked".to_owned() })
}

/// Returns the end of a text, of at most so many bytes.
fn end_of(text: &str, bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
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
            Update::Refused(refusal) => {
                let what = words::refusal(&refusal);
                self.left.get_or_insert(Left {
                    why: Why::PersonNeeded,
                    what,
                    next: "`runsheet resume` with somebody at the terminal".to_owned(),
                });
            }
            Update::Notice(text) => self.print(&text),
            Update::Preview { target, diff } if self.dry_run => self.preview(&target, diff),
            Update::Attempt { .. } | Update::Preview { .. } | Update::Over => {}
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
            Awaiting::Go(id) => {
                if self.dry_run {
                    self.would(plan, run, &id);
                }
                self.go(plan, &id)
            }
            Awaiting::Person(target) => Some(self.person(plan, target)),
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
                Some(Say::Input(Input::SignOff { role, name }))
            }
            Awaiting::SignOff(role) => Some(self.leave(
                Why::SignOff,
                format!("everything is done, but the sign-off of {role} is missing"),
                "`runsheet resume` with them at the terminal",
            )),
            Awaiting::Begin | Awaiting::World(_) | Awaiting::Closing | Awaiting::Nothing => None,
        }
    }
}
