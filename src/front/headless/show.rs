//! What the unattended front prints: a short line an event, and of a failed command the end of its output.

use std::io::Write as _;

use super::Headless;
use crate::engine::{How, Outcome, Record, Run, Target, Verdict};
use crate::front::plain::without_colours;
use crate::output::visible_plain;
use crate::playbook::plan::{Name, Plan, StepId};
use crate::words;
use crate::words::describe::{self, Fact};

/// How much of a command's output is kept, in bytes, to show the end of it when the step fails.
pub(super) const TAIL: usize = 4096;

/// How many lines of it are shown.
pub(super) const TAIL_LINES: usize = 10;

/// How a dry run's executor says that something was not carried out, or not asked.
const NOT_DONE: &str = "dry run: ";

impl Headless {
    /// Prints a line. Where it cannot be printed the run goes on: its record is the journal.
    pub(super) fn print(&mut self, line: &str) {
        let _ = writeln!(self.out, "{}", visible_plain(line));
    }

    /// Keeps the end of what a command prints: a flood costs a copy of a few kilobytes a piece.
    pub(super) fn output(&mut self, text: &str) {
        self.tail.push_str(end_of(text, TAIL));
        if self.tail.len() > 2 * TAIL {
            self.tail = end_of(&self.tail, TAIL).to_owned();
        }
    }

    /// Notes what a step would do, for a dry run: it is printed when the step's turn is on record.
    pub(super) fn would(&mut self, plan: &Plan, run: &Run, id: &StepId) {
        let Some(step) = plan.step(id) else { return };
        self.would = vec![format!("step   {id}  {}", words::fill(&step.title, run))];
        for Fact { label, text, .. } in describe::step(step, run) {
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
    pub(super) fn preview(&mut self, target: &Target, diff: Result<String, String>) {
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
            let path = folder.join(target.transcript(attempt));
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

    pub(super) fn record(&mut self, record: &Record) {
        match record {
            Record::Begun(begun) => {
                let line = format!("run {}  {}  by {}", begun.run, begun.title, begun.operator);
                self.print(&line);
            }
            Record::LookedAhead { step, refused } => {
                for foreseen in refused {
                    let line =
                        format!("FAILED {step}  not started: {} would be refused: {}", foreseen.step, foreseen.why);
                    self.print(&line);
                }
            }
            Record::Started { target, attempt, .. } => self.started(target, *attempt),
            Record::Performed { target, attempt, outcome } => self.performed(target, outcome, *attempt),
            Record::Recaptured { step, outcome } => self.performed(&Target::step(step), outcome, 1),
            Record::Recovered { target, outcome, .. } => {
                self.print(&format!("kept   {}  {}", target.step, outcome.saw));
            }
            Record::Probed { target, verdicts } => self.probed(target, verdicts),
            Record::ByHand { .. } if self.dry_run => self.print_would(),
            Record::Saved { .. } | Record::EvidenceMissing { .. } if self.dry_run => {}
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
            Record::EvidenceGiven { step, item, evidence } => {
                self.print(&format!("proof  {step}  {item}: {}", words::evidence(evidence)));
            }
            Record::EvidenceMissing { step, item, reason } => {
                let why = reason.as_deref().unwrap_or("it is optional");
                self.print(&format!("skip   {step}  evidence {item}: {why}"));
            }
            Record::WindowExtended { by_ms, reason } => {
                let by = std::time::Duration::from_millis(*by_ms);
                self.print(&format!("window {}", words::clocks::extended(by, reason)));
            }
            Record::Overrun { reason, by_policy } => {
                self.print(&format!("WINDOW {}", words::clocks::went_on(reason, *by_policy)));
            }
            Record::Ended { end } => self.print(&format!("end    {}", words::end(*end))),
            Record::LeftOut { .. }
            | Record::LookAhead { .. }
            | Record::Answered { .. }
            | Record::VerifyAgain { .. }
            | Record::RecaptureStarted { .. }
            | Record::StopAsked { .. }
            | Record::EnoughSeen { .. }
            | Record::Note { .. }
            | Record::HintShown { .. }
            | Record::WhyShown { .. }
            | Record::Looked { .. }
            | Record::QuizAnswered { .. }
            | Record::Called { .. }
            | Record::SecretCopied { .. }
            | Record::Presence(_)
            | Record::Resumed { .. }
            | Record::Paused { .. }
            | Record::SignedOff { .. }
            | Record::SignOffRefused { .. }
            | Record::Ticked { .. }
            | Record::FollowedUp { .. }
            | Record::Closing { .. } => {}
        }
    }
}

/// Returns the end of a text, of at most so many bytes.
fn end_of(text: &str, bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}
