//! The record of a run in Markdown, for `runsheet report`: who, when, what, what came of it, and how it ended.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::one_line;
use crate::engine::undo;
use crate::engine::{End, Run, Stage, StepRun, StepState, UndoRun, Verdict};
use crate::playbook::plan::{Plan, Section, Step};
use crate::words::{self, describe};

/// Writes the record of a run. `head` is the hash of the journal's last line: whoever has it can tell whether the journal is
/// still the one that this was made from.
#[must_use]
pub fn record(plan: &Plan, run: &Run, head: &str) -> String {
    let mut page = Page { plan, run, text: String::new() };
    page.head();
    page.inputs();
    for phase in &plan.phases {
        let title = words::fill(&phase.title, run);
        page.section(&title, &plan.steps[phase.steps.clone()]);
    }
    for section in [Section::Success, Section::Cleanup, Section::AfterRollback] {
        page.section(words::section(section), &plan.steps[plan.section(section)]);
    }
    page.rollback();
    page.deviations();
    page.notes();
    page.presence();
    page.secrets();
    page.copied();
    page.end(head);
    page.text
}

/// A record as far as it is written.
struct Page<'a> {
    plan: &'a Plan,
    run: &'a Run,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn heading(&mut self, title: &str) {
        let title = plain(title);
        self.line(&format!("\n## {title}\n"));
    }

    fn fact(&mut self, label: &str, text: &str) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.text, "- {label}: {}", plain(text));
    }

    fn head(&mut self) {
        let title = plain(&self.plan.title);
        self.line(&format!("# {title}\n"));
        let Some(begun) = self.run.begun.clone() else {
            self.line("The run has not begun.");
            return;
        };
        self.fact("Run", &begun.run);
        let version = begun.version.map(|version| format!(", version {version}")).unwrap_or_default();
        self.fact("Playbook", &format!("{}{version}", begun.playbook));
        self.fact("Playbook's SHA-256", &begun.sha256);
        self.fact("Operator", &begun.operator);
        self.fact("Account", &format!("{} on {}", begun.account, begun.host));
        if let Some(ticket) = &begun.ticket {
            self.fact("Ticket", ticket);
        }
        self.fact("Program", &format!("runsheet {}", begun.program));
        if begun.protected {
            self.fact("Protected", "yes, and confirmed by typing");
        }
        if let Some(at) = self.run.began_at {
            self.fact("Began", &time(at));
        }
        if let Some(at) = self.run.window_from {
            self.fact("First change", &time(at));
        }
        let ended = match (self.run.stage, self.run.ended) {
            (Stage::Over, Some((_, at))) => time(at),
            _ => "not yet: the run is open".to_owned(),
        };
        self.fact("Ended", &ended);
        let outcome = self.outcome();
        self.fact("Outcome", &outcome);
    }

    /// Says in a sentence what the run has come to.
    fn outcome(&self) -> String {
        let left = self.plan.steps.iter().zip(&self.run.steps).filter(|(_, state)| {
            matches!(state.state, StepState::Failed | StepState::Unknown | StepState::RollbackFailed)
        });
        let left: Vec<&str> = left.map(|(step, _)| step.id.as_str()).collect();
        let failed = if left.is_empty() { String::new() } else { format!("; failed or unknown: {}", left.join(", ")) };
        let stands = words::awaiting(&self.run.awaiting(self.plan));
        match (self.run.stage, self.run.ended, &self.run.rollback) {
            (Stage::Over, Some((End::RolledBack, _)), Some(rollback)) if !rollback.stuck.is_empty() => {
                let stuck: Vec<&str> = rollback.stuck.iter().map(crate::playbook::plan::StepId::as_str).collect();
                format!("rolled back, but what cannot be undone: {}{failed}", stuck.join(", "))
            }
            (Stage::Over, Some((end, _)), _) => format!("{}{failed}", words::end(end)),
            _ => match &self.run.paused {
                Some(why) => format!("open ({stands}); stopped: {why}{failed}"),
                None => format!("open ({stands}){failed}"),
            },
        }
    }

    fn inputs(&mut self) {
        let Some(begun) = self.run.begun.clone() else { return };
        if begun.values.is_empty() && begun.secrets.is_empty() {
            return;
        }
        self.heading("Inputs");
        for (name, value) in &begun.values {
            let line = format!("- `{name}`: {}", plain(value));
            self.line(&line);
        }
        for name in &begun.secrets {
            self.line(&format!("- `{name}`: a secret, not recorded"));
        }
    }

    fn section(&mut self, title: &str, steps: &[Step]) {
        if steps.is_empty() {
            return;
        }
        self.heading(title);
        for step in steps {
            if let Some(state) = self.run.step(self.plan, &step.id) {
                let state = state.clone();
                self.step(step, &state);
            }
        }
    }

    fn step(&mut self, step: &Step, state: &StepRun) {
        let title = plain(&words::fill(&step.title, self.run));
        let by_hand = if state.by_hand { ", by hand" } else { "" };
        self.line(&format!("- **{title}** (`{}`): {}{by_hand}", step.id, words::state(state.state)));
        if let (Some(started), ended) = (state.started, state.ended) {
            let attempts = if state.attempts > 1 { format!(", {} attempts", state.attempts) } else { String::new() };
            let ended = ended.map_or_else(
                || "no end seen".to_owned(),
                |ended| {
                    let took = ended.duration_since(started).unsigned_abs();
                    format!("ended {}, after {}", time(ended), span(took))
                },
            );
            self.under(&format!("started {}, {ended}{attempts}", time(started)));
        }
        if let Some(outcome) = &state.outcome {
            self.under(&words::outcome(outcome));
        }
        if let Some(irreversible) = step.irreversible.as_ref().filter(|_| state.attempts > 0) {
            let reason = words::fill(irreversible, self.run);
            self.under(&format!("cannot be undone: {reason}"));
        }
        self.verdicts(&state.verdicts);
        for (role, name) in &state.signed {
            self.under(&format!("approved by {name} as {role}: the name as typed, not proved"));
        }
        if let Some(note) = &state.note {
            self.under(&format!("the operator says: {note}"));
        }
    }

    /// Adds a line below a step.
    fn under(&mut self, text: &str) {
        let text = plain(text);
        self.line(&format!("  - {text}"));
    }

    fn verdicts(&mut self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            let word = match (verdict.pass, verdict.warn) {
                (true, _) => "verified",
                (false, true) => "warning",
                (false, false) => "NOT verified",
            };
            let saw = if verdict.saw.is_empty() { String::new() } else { format!(": {}", verdict.saw) };
            let found = if verdict.pass { "" } else { words::finding(verdict.finding) };
            let found = if found.is_empty() { String::new() } else { format!(" ({found})") };
            let attempts = words::count(verdict.attempts as usize, "attempt", "attempts");
            let took = words::took(verdict.took_ms);
            self.under(&format!("{word}: {}{found}{saw}, {attempts} in {took}", verdict.title));
        }
    }

    fn rollback(&mut self) {
        let Some(rollback) = self.run.rollback.clone() else { return };
        self.heading("Rollback");
        let to = rollback.to.as_ref().map_or_else(|| "everything".to_owned(), |to| format!("back to {to}"));
        let by = if rollback.by_policy { "the playbook or the command line" } else { "the operator" };
        let stands = match (rollback.over, rollback.failed) {
            (false, _) => "not finished".to_owned(),
            (true, 0) => "every action succeeded".to_owned(),
            (true, failed) => format!("{} failed or skipped", words::count(failed as usize, "action", "actions")),
        };
        self.fact("How far", &to);
        self.fact("Begun by", by);
        self.fact("Came to", &stands);
        for step in &rollback.stuck {
            self.fact("Stays as it is", step.as_str());
        }
        for target in &rollback.actions {
            let what = undo::action(self.plan, target)
                .map_or_else(String::new, |action| describe::undo_action(action, self.run));
            let state = self.run.undo(self.plan, target).cloned().unwrap_or_default();
            self.undo(target.step.as_str(), &what, &state);
        }
    }

    fn undo(&mut self, step: &str, what: &str, state: &UndoRun) {
        let what = plain(what);
        self.line(&format!("- `{step}`: {what}: {}", words::state(state.state)));
        if let Some(outcome) = &state.outcome {
            self.under(&words::outcome(outcome));
        }
        self.verdicts(&state.verdicts);
        if let Some(note) = &state.note {
            self.under(&format!("the operator says: {note}"));
        }
    }

    fn deviations(&mut self) {
        self.heading("Deviations");
        let deviations = words::deviations(self.plan, self.run);
        if deviations.is_empty() {
            self.line("None.");
        }
        for deviation in deviations {
            let deviation = plain(&words::deviation(&deviation));
            self.line(&format!("- {deviation}"));
        }
    }

    fn notes(&mut self) {
        if self.run.notes.is_empty() {
            return;
        }
        self.heading("Notes");
        for note in self.run.notes.clone() {
            let about = note.step.map(|step| format!(" ({step})")).unwrap_or_default();
            self.fact(&format!("{}{about}", time(note.at)), &note.text);
        }
    }

    /// Who came to act while the run went on, and who went.
    fn presence(&mut self) {
        if self.run.presence.is_empty() {
            return;
        }
        self.heading("At the screen");
        for (at, presence) in self.run.presence.clone() {
            self.fact(&time(at), &words::presence(&presence));
        }
    }

    /// Says which secrets had which values, as far as that can be said of secrets.
    fn secrets(&mut self) {
        if self.run.fingerprints.is_empty() {
            return;
        }
        self.heading("Secrets");
        self.line(
            "By fingerprint, under a key of this run's own: the same value has the same one, in this run alone.\n",
        );
        for (name, known) in &self.run.fingerprints {
            let Some((now, before)) = known.split_last() else { continue };
            let mut line = format!("- `{name}`: fp {now}");
            for earlier in before.iter().rev() {
                let _ = write!(line, ", was {earlier}");
            }
            let same =
                self.run.fingerprints.iter().filter(|(other, known)| *other != name && known.last() == Some(now));
            for (other, _) in same {
                let _ = write!(line, ", the same as `{other}`");
            }
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }

    /// Which secrets left the program for a clipboard.
    fn copied(&mut self) {
        if self.run.copied.is_empty() {
            return;
        }
        self.heading("Copied secrets");
        self.line("Handed to the operator's screen for its clipboard, which other programs can read.\n");
        for (at, name) in self.run.copied.clone() {
            self.fact(&time(at), name.as_str());
        }
    }

    fn end(&mut self, head: &str) {
        if self.plan.sign_off.is_some() {
            self.heading("Sign-off");
            self.line("Names as typed; nobody's identity was proved.\n");
            for (role, name) in self.run.signed.clone() {
                self.fact(&plain(&role), &format!("signed by {name}"));
            }
            for (role, name, reason) in self.run.refused.clone() {
                self.fact(&plain(&role), &format!("refused by {name}: {reason}"));
            }
            if let Some(role) = self.run.role_to_sign(self.plan) {
                self.fact(&plain(role), "has not signed");
            }
        }
        if !self.run.left_behind.is_empty() {
            self.heading("Files with secrets that are still there");
            for (file, why) in self.run.left_behind.clone() {
                self.fact(&plain(&file), &why);
            }
        }
        if !self.plan.follow_up.is_empty() {
            self.heading("Follow-up");
            for follow in &self.plan.follow_up {
                let line = plain(&words::follow_up(follow, self.run));
                self.line(&format!("- [ ] {line}"));
            }
        }
        self.line(&format!("\n---\n\nJournal's last line, SHA-256: `{head}`"));
    }
}

/// Makes a text fit for a line of Markdown: what could be markup is escaped, in the dialects too that know strikes and formulas.
fn plain(text: &str) -> String {
    let mut safe = String::new();
    for letter in one_line(text).chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '~' | '$') {
            safe.push('\\');
        }
        safe.push(letter);
    }
    safe
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn span(time: Duration) -> String {
    words::took(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
