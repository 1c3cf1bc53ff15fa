//! The report in Markdown.
//!
//! What must stay true: text from outside cannot break out of its place, in whichever dialect it is read.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::data::{
    Check, Checked, EvidenceFacts, FollowUp, Level, Moment, Outcome, Report, Rollback, SignOff, StepFacts, Timeline,
    UndoFacts, Window,
};
use super::one_line;
use crate::words::{self, count};

/// The most stretches of time that are listed.
const EVENTS: usize = 400;

/// Writes a report in Markdown.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut page = Page { report, text: String::new() };
    page.head();
    page.inputs();
    for section in &report.sections {
        page.heading(&section.title);
        for step in &section.steps {
            page.step(step);
        }
    }
    report.rollbacks.iter().for_each(|rollback| page.rollback(rollback));
    page.deviations();
    page.window();
    page.timeline(&report.timeline);
    page.baselines();
    page.notes();
    page.moments("At the screen", "", &report.presence);
    page.secrets();
    let which = "Handed to the operator's screen for its clipboard, which other programs can read.\n";
    page.moments("Copied secrets", which, &report.copied);
    page.sign_offs();
    page.left();
    page.follow_ups();
    page.tools();
    page.proof();
    page.text
}

/// A report as far as it is written.
struct Page<'a> {
    report: &'a Report,
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
        let run = &self.report.run;
        if let Some(drill) = &self.report.drill {
            self.line(&format!("**DRILL: {}. Nothing in it is real.**\n", plain(drill)));
        }
        self.line(&format!("# {}\n", plain(&run.title)));
        if run.began_at.is_none() {
            self.line("The run has not begun.");
            return;
        }
        let assessment = &self.report.assessment;
        self.line(&format!("**{}** {}\n", level(assessment.level), plain(&assessment.sentence)));
        for reason in &assessment.reasons {
            self.line(&format!("- {}", plain(reason)));
        }
        if !assessment.reasons.is_empty() {
            self.line("");
        }
        self.fact("Run", &run.id);
        let version = run.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
        self.fact("Playbook", &format!("{}{version}", run.playbook));
        self.fact("Playbook's SHA-256", &run.sha256);
        for (path, sha256) in &run.included {
            self.fact("Includes", &format!("{path}, SHA-256 {sha256}"));
        }
        self.fact("Operator", &run.operator);
        self.fact("Account", &format!("{} on {}", run.account, run.host));
        if let Some(ticket) = &run.ticket {
            self.fact("Ticket", ticket);
        }
        self.fact("Program", &format!("runsheet {}", run.program));
        if run.protected {
            self.fact("Protected", "yes, and confirmed by typing");
        }
        if let Some(at) = run.began_at {
            self.fact("Began", &time(at));
        }
        if let Some(at) = run.first_change_at {
            self.fact("First change", &time(at));
        }
        let ended = run.ended_at.map_or_else(|| "not yet: the run is open".to_owned(), time);
        self.fact("Ended", &ended);
        self.fact("Outcome", &run.outcome);
        let counts = &self.report.counts;
        self.fact("Steps", &format!("{}, {} done", counts.steps, counts.done + counts.warned));
    }

    fn inputs(&mut self) {
        if self.report.inputs.is_empty() {
            return;
        }
        self.heading("Inputs");
        for input in &self.report.inputs {
            let value = input.value.as_ref().map_or_else(|| "a secret, not recorded".to_owned(), |value| plain(value));
            self.line(&format!("- `{}`: {value}", input.name));
        }
    }

    fn step(&mut self, step: &StepFacts) {
        let by_hand = if step.by_hand { ", by hand" } else { "" };
        self.line(&format!("- **{}** (`{}`): {}{by_hand}", plain(&step.title), step.id, step.state));
        if let Some(started) = step.started_at {
            let attempts = if step.starts > 1 { format!(", {} attempts", step.starts) } else { String::new() };
            let ended = step.ended_at.map_or_else(
                || "no end seen".to_owned(),
                |ended| format!("ended {}, after {}", time(ended), words::took(step.took_ms.unwrap_or_default())),
            );
            self.under(&format!("started {}, {ended}{attempts}", time(started)));
        }
        for shown in step.shown.iter().filter(|shown| shown.code) {
            self.under(&format!("{}: {}", shown.label, shown.text));
        }
        let outcome = step.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
        if let Some(outcome) = outcome {
            self.under(&came_out(outcome));
        }
        if let Some(reason) = step.irreversible.as_ref().filter(|_| step.starts > 0) {
            self.under(&format!("cannot be undone: {reason}"));
        }
        self.checks(&step.checks);
        for value in &step.values {
            match &value.value {
                Some(text) => self.under(&format!("brought {}: {text}", value.name)),
                None => self.under(&format!("brought {}, a secret", value.name)),
            }
        }
        for item in &step.evidence {
            self.under(&evidence(item));
        }
        let id = Some(step.id.as_str());
        for signed in self.report.sign_offs.iter().filter(|signed| signed.step.as_deref() == id) {
            self.under(&approval(signed));
        }
        if let Some(note) = &step.note {
            self.under(&format!("the operator says: {note}"));
        }
    }

    /// Adds a line below a step.
    fn under(&mut self, text: &str) {
        let text = plain(text);
        self.line(&format!("  - {text}"));
    }

    fn checks(&mut self, checks: &[Check]) {
        for check in checks {
            let word = match check.result {
                "not verified" => "NOT verified",
                word => word,
            };
            let saw = if check.saw.is_empty() { String::new() } else { format!(": {}", check.saw) };
            let found = if check.result == "verified" { String::new() } else { format!(" ({})", check.finding) };
            let attempts = count(check.attempts as usize, "attempt", "attempts");
            let took = words::took(check.took_ms);
            self.under(&format!("{word}: {}{found}{saw}, {attempts} in {took}", check.title));
        }
    }

    fn rollback(&mut self, rollback: &Rollback) {
        self.heading("Rollback");
        let to = rollback.to.as_ref().map_or_else(|| "everything".to_owned(), |to| format!("back to {to}"));
        let by = if rollback.by_policy { "the playbook or the command line" } else { "the operator" };
        let stands = match rollback.failed {
            None => "not finished".to_owned(),
            Some(0) => "every action succeeded".to_owned(),
            Some(failed) => format!("{} failed or skipped", count(failed as usize, "action", "actions")),
        };
        self.fact("How far", &to);
        self.fact("Begun by", by);
        self.fact("Came to", &stands);
        for step in &rollback.stuck {
            self.fact("Stays as it is", step);
        }
        self.fact("Began", &time(rollback.began_at));
        rollback.actions.iter().for_each(|action| self.undo(action));
    }

    fn undo(&mut self, action: &UndoFacts) {
        self.line(&format!("- `{}`: {}: {}", action.step, plain(&action.what), action.state));
        if let Some(outcome) = &action.outcome {
            self.under(&came_out(outcome));
        }
        self.checks(&action.checks);
        if let Some(note) = &action.note {
            self.under(&format!("the operator says: {note}"));
        }
    }

    fn deviations(&mut self) {
        self.heading("Deviations");
        if self.report.deviations.is_empty() {
            self.line("None.");
        }
        for deviation in &self.report.deviations {
            self.line(&format!("- {}", plain(&deviation.text)));
        }
        if self.report.deviations_left_out > 0 {
            self.line(&format!("- {} more in the middle are left out", self.report.deviations_left_out));
        }
    }

    fn window(&mut self) {
        let Some(window) = &self.report.window else { return };
        self.heading("Window");
        for (label, text) in window_facts(window) {
            self.fact(label, &text);
        }
        let exposed = self.report.totals.exposure_ms;
        if exposed > 0 {
            self.fact("Exposed", &words::took(exposed));
        }
    }

    fn timeline(&mut self, timeline: &Timeline) {
        if timeline.events.is_empty() {
            return;
        }
        self.heading("Timeline");
        self.line("| from | took | what | step |\n| --- | --- | --- | --- |");
        let half = EVENTS / 2;
        let many = timeline.events.len() > EVENTS;
        let most = timeline.events.len().saturating_sub(half);
        for (at, event) in timeline.events.iter().enumerate() {
            if many && at == half {
                let left_out = u64::try_from(most - half).unwrap_or_default() + timeline.left_out;
                self.line(&format!("| … | | {left_out} are left out here | |"));
            }
            if many && at >= half && at < most {
                continue;
            }
            let took = event.to.map_or_else(|| "goes on".to_owned(), |to| words::took(since(event.from, to)));
            let undo = event.undo.map(|number| format!(", undo {number}")).unwrap_or_default();
            let step = event.step.as_deref().unwrap_or_default();
            let line = format!(
                "| {} | {took} | {} | {} |",
                time(event.from),
                plain(&event.what),
                plain(&format!("{step}{undo}"))
            );
            self.line(&line);
        }
    }

    fn baselines(&mut self) {
        if self.report.baselines.is_empty() {
            return;
        }
        self.heading("Before and after");
        for one in &self.report.baselines {
            self.fact(
                &format!("`{}`", one.step),
                &format!("{}: {}; had to be {}; {}", one.what, one.after, one.before, one.result),
            );
        }
    }

    fn notes(&mut self) {
        if self.report.notes.is_empty() {
            return;
        }
        self.heading("Notes");
        for note in &self.report.notes {
            let about = note.step.as_ref().map(|step| format!(" ({step})")).unwrap_or_default();
            self.fact(&format!("{}{about}", time(note.at)), &note.text);
        }
    }

    fn moments(&mut self, title: &str, which: &str, moments: &[Moment]) {
        if moments.is_empty() {
            return;
        }
        self.heading(title);
        if !which.is_empty() {
            self.line(which);
        }
        for moment in moments {
            self.fact(&time(moment.at), &moment.text);
        }
    }

    /// Says which secrets had which values, as far as that can be said of secrets.
    fn secrets(&mut self) {
        if self.report.secrets.is_empty() {
            return;
        }
        self.heading("Secrets");
        self.line(
            "By fingerprint, under a key of this run's own: the same value has the same one, in this run alone.\n",
        );
        for secret in &self.report.secrets {
            let mut line = format!("- `{}`: fp {}", secret.name, secret.fingerprint);
            for earlier in &secret.was {
                let _ = write!(line, ", was {earlier}");
            }
            for other in &secret.same_as {
                let _ = write!(line, ", the same as `{other}`");
            }
            self.line(&line);
        }
    }

    fn sign_offs(&mut self) {
        let mut at_end = self.report.sign_offs.iter().filter(|sign_off| sign_off.step.is_none()).peekable();
        if at_end.peek().is_none() {
            return;
        }
        let lines: Vec<(String, String)> = at_end.map(|one| (plain(&one.role), sign_off(one))).collect();
        self.heading("Sign-off");
        for (role, text) in lines {
            self.fact(&role, &text);
        }
    }

    fn left(&mut self) {
        if self.report.left_behind.is_empty() {
            return;
        }
        self.heading("Files with secrets that are still there");
        for left in &self.report.left_behind {
            self.fact(&plain(&left.file), &left.why);
        }
    }

    fn follow_ups(&mut self) {
        if self.report.follow_ups.is_empty() {
            return;
        }
        self.heading("Follow-up");
        for follow in &self.report.follow_ups {
            let tick = if follow.done.is_some() { 'x' } else { ' ' };
            self.line(&format!("- [{tick}] {}", plain(&follow_up(follow))));
        }
    }

    fn tools(&mut self) {
        if self.report.tools.is_empty() {
            return;
        }
        self.heading("Tools and versions");
        for tool in &self.report.tools {
            self.line(&format!("- {}: {}", plain(&tool.what), plain(&tool.seen)));
        }
    }

    fn proof(&mut self) {
        self.heading("What this record proves");
        for proves in &self.report.proof.proves {
            self.line(&format!("- {}", plain(proves)));
        }
        self.heading("What it does not prove");
        for does_not in &self.report.proof.does_not {
            self.line(&format!("- {}", plain(does_not)));
        }
        let made = &self.report.made;
        self.line(&format!("\n---\n\nMade by runsheet {} at {}.", plain(&made.program), time(made.at)));
        self.line(&format!("Journal's last line, SHA-256: `{}`", self.report.journal.head));
    }
}

/// Says what became of an item of evidence.
pub(super) fn evidence(item: &EvidenceFacts) -> String {
    let text = item.text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    let at = item.at.map(|at| format!(", {}", time(at))).unwrap_or_default();
    let reason = item.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("evidence {}, {}: {}{text}{reason}{at}", item.item, item.what, item.state)
}

/// Says in a word whether a run is fine.
pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Fine => "Fine.",
        Level::Look => "Needs a look.",
        Level::Wrong => "Not as it should be.",
        Level::Open => "Open.",
    }
}

/// Says in one line how an act came out.
pub(super) fn came_out(outcome: &Outcome) -> String {
    let saw = if outcome.saw.is_empty() { String::new() } else { format!(": {}", outcome.saw) };
    format!("{}{saw} ({})", outcome.how, words::took(outcome.took_ms))
}

/// Says what came of checking a signature; nothing of a typed name.
fn checked(one: &SignOff) -> &'static str {
    match one.signature.as_ref().map(|signature| signature.checked) {
        Some(Checked::Good) => "; checked, and good",
        Some(Checked::NotBelieved) => "; the key is NOT BELIEVED here",
        Some(Checked::Bad) => "; the signature is NOT GOOD",
        Some(Checked::NotChecked) => "; not checked here",
        None => "",
    }
}

/// Says how a sign-off at the end stands.
pub(super) fn sign_off(sign_off: &SignOff) -> String {
    let name = sign_off.name.as_deref().unwrap_or_default();
    let at = sign_off.at.map(|at| format!(", {}", time(at))).unwrap_or_default();
    let proof = sign_off.proof.as_ref().map(|proof| format!("; {proof}{}", checked(sign_off))).unwrap_or_default();
    match &sign_off.reason {
        Some(reason) => format!("refused by {name}: {reason}{at}{proof}"),
        None if sign_off.name.is_some() => format!("signed by {name}{at}{proof}"),
        None => "has not signed".to_owned(),
    }
}

/// Says how a sign-off of a step stands.
pub(super) fn approval(one: &SignOff) -> String {
    let name = one.name.as_deref().unwrap_or_default();
    let proof = one.proof.as_ref().map(|proof| format!(": {proof}{}", checked(one))).unwrap_or_default();
    match &one.reason {
        Some(reason) => format!("refused by {name} as {}: {reason}", one.role),
        None => format!("approved by {name} as {}{proof}", one.role),
    }
}

/// Says what stays to be done, and by when.
pub(super) fn follow_up(follow: &FollowUp) -> String {
    let within = follow.within_ms.map(|ms| format!(", within {}", words::lasts(ms))).unwrap_or_default();
    let due = follow.due.map(|due| format!(", by {}", time(due))).unwrap_or_default();
    let done = follow.done.as_ref().map(|done| format!("; {} at {}", done.text, time(done.at))).unwrap_or_default();
    format!("{}{within}{due}{done}", follow.title)
}

/// Says what became of the window.
pub(super) fn window_facts(window: &Window) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Planned", words::lasts(window.planned_ms))];
    if window.extended_ms > 0 {
        facts.push(("Extended by", words::lasts(window.extended_ms)));
    }
    match (window.from, window.until) {
        (Some(from), Some(until)) => facts.push(("Open", format!("from {} until {}", time(from), time(until)))),
        _ => facts.push(("Open", "not yet: nothing was changed".to_owned())),
    }
    if let Some(used) = window.used_ms {
        let goes_on = if window.work_ended.is_none() { ", and work is left" } else { "" };
        facts.push(("Used", format!("{}{goes_on}", words::took(used))));
    }
    match window.over_ms {
        Some(0) => facts.push(("Kept", "yes".to_owned())),
        Some(over) => facts.push(("Kept", format!("no: over by {}", words::took(over)))),
        None => {}
    }
    facts.extend(window.said.iter().map(|said| ("Said", format!("{}: {}", time(said.at), said.text))));
    facts
}

/// Says how long it is from one time to another, in milliseconds.
pub(super) fn since(from: Timestamp, to: Timestamp) -> u64 {
    super::story::between(from, to)
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

pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
