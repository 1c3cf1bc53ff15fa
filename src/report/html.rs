//! The report as one HTML page: no script, nothing from outside, its style within; for reading and for printing.
//!
//! What must stay true: every text is escaped where it is put in, by [`escape`] alone; the page's own policy forbids
//! everything but its one style, whose hash it names; and nothing is told by colour alone.

use std::fmt::Write as _;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::assess::{deviations, failed};
use super::data::{Attempt, Check, Event, EvidenceFacts, Level, Moment, Outcome, Report, Rollback, Section, StepFacts};
use super::markdown::{approval, came_out, follow_up, level, sign_off, since, time, window_facts};
use super::one_line;
use super::picture::picture;
use crate::output::visible_plain;
use crate::words::{count, lasts, took};

/// The page's style.
pub const STYLE: &str = include_str!("../../assets/report.css");

/// With no more steps than these, all are unfolded.
const UNFOLDED: u32 = 4;

/// With more, phases are folded unless something in them is to be looked at, and what is folded is not printed.
const MANY: u32 = 40;

/// A wait that is shorter, in milliseconds, is the program's own.
const WORTH_TELLING: u64 = 1000;

/// Writes a report as a page.
#[must_use]
pub fn html(report: &Report) -> String {
    let mut page = Page { report, text: String::new(), contents: Vec::new() };
    page.body();
    let body = std::mem::take(&mut page.text);
    page.head();
    page.text.push_str(&body);
    page.text.push_str("</main></body></html>\n");
    page.text
}

/// Makes a text fit for any place in a page: between tags, and between the double quotes of an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in visible_plain(text).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

/// Returns the sign of a step's state, which stands beside its word.
pub(super) fn glyph(state: &str) -> &'static str {
    match state {
        "done" => "✓",
        "warned" => "!",
        "failed" | "rollback failed" => "✕",
        "unknown" => "?",
        "skipped" => "↷",
        "rolled back" => "↶",
        "not in this run" => "–",
        _ => "○", // pending, or at work
    }
}

/// A page as far as it is written.
struct Page<'a> {
    report: &'a Report,
    text: String,
    /// The headings, for the table of contents: anchor, title, and how many there are of what is below.
    contents: Vec<(&'static str, &'static str, String)>,
}

impl Page<'_> {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn head(&mut self) {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
        let run = &self.report.run;
        let drill = if self.report.drill.is_some() { "DRILL: " } else { "" };
        let title = escape(&one_line(&format!("{drill}{} · {} · {}", run.title, run.state, run.id)));
        self.put(&format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; \
             base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\"><meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<style>{STYLE}</style></head>\n<body>"
        ));
        if let Some(drill) = &self.report.drill {
            let drill = escape(&one_line(drill));
            self.put(&format!("<p class=\"drill\"><strong>DRILL</strong> {drill}. Nothing in it is real.</p>"));
        }
        let (class, word) = verdict(self.report.assessment.level);
        let state = escape(run.state);
        let began = run.began_at.map(|at| escape(&time(at))).unwrap_or_default();
        let long = if self.many() { " class=\"long\"" } else { "" };
        self.put(&format!(
            "<div class=\"bar\"><span class=\"what\">{}</span><span class=\"pill {class}\">{word} {state}</span>\
             <span class=\"when\">{began}</span><code>{}</code></div>\n<main{long}>",
            escape(&one_line(&run.title)),
            escape(&run.id)
        ));
        let run = &self.report.run;
        let summary = run.summary.as_ref().map(|summary| format!("<p class=\"summary\">{}</p>", escape(summary)));
        self.put(&format!("<h1>{}</h1>{}", escape(&one_line(&run.title)), summary.unwrap_or_default()));
        self.assessment();
        self.cards();
        let drawn = picture(self.report);
        if !drawn.is_empty() {
            self.figure(&drawn);
        }
        let entries: String = self.contents.iter().fold(String::new(), |mut list, (anchor, title, many)| {
            // Writing to a `String` cannot fail.
            let _ = write!(list, "<li><a href=\"#{anchor}\">{title}</a>{many}</li>");
            list
        });
        self.put(&format!("<nav aria-label=\"Contents\"><ul>{entries}</ul></nav>"));
    }

    fn assessment(&mut self) {
        let assessment = &self.report.assessment;
        let (class, sign) = verdict(assessment.level);
        let reasons = each("li", "", assessment.reasons.iter().map(|reason| escape(reason)));
        let reasons = if reasons.is_empty() { reasons } else { format!("<ul>{reasons}</ul>") };
        self.put(&format!(
            "<section class=\"verdict {class}\" aria-label=\"Outcome\"><p><span class=\"sign\" aria-hidden=\"true\">{sign}</span>\
             <strong>{}</strong> {}</p>{reasons}</section>",
            level(assessment.level),
            escape(&assessment.sentence)
        ));
    }

    /// What is looked for first.
    fn cards(&mut self) {
        let report = self.report;
        let run = &report.run;
        let mut cards: Vec<(&str, String, String)> = Vec::new();
        let account = format!("{} on {}", run.account, run.host);
        cards.push(("Operator", run.operator.clone(), account));
        if let Some(ticket) = &run.ticket {
            cards.push(("Ticket", ticket.clone(), String::new()));
        }
        let ended = run.ended_at.map_or_else(|| "not over".to_owned(), |at| format!("until {}", time(at)));
        let began = run.began_at.map(|at| at.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
        cards.push(("Began", began, ended));
        if let Some(window) = &report.window {
            let used = window.used_ms.map_or_else(|| "not begun".to_owned(), took);
            let over = match window.over_ms {
                Some(0) | None => String::new(),
                Some(over) => format!(", over by {}", took(over)),
            };
            let whole = lasts(window.planned_ms.saturating_add(window.extended_ms));
            cards.push(("Window", format!("{used} of {whole}"), format!("planned {}{over}", lasts(window.planned_ms))));
        }
        if report.totals.exposure_ms > 0 {
            cards.push(("Exposed", took(report.totals.exposure_ms), "until verification passed".to_owned()));
        }
        let counts = &report.counts;
        let done = counts.done + counts.warned;
        cards.push(("Steps", format!("{done} of {} done", counts.steps), others(report)));
        cards.push(("Deviations", deviations(report).to_string(), String::new()));
        let at_end = || report.sign_offs.iter().filter(|one| one.step.is_none());
        if at_end().next().is_some() {
            let names: Vec<&str> =
                at_end().filter(|one| one.decision == "signed").filter_map(|one| one.name.as_deref()).collect();
            let missing = at_end().filter(|one| one.decision == "missing").count();
            let missing = if missing == 0 { String::new() } else { format!("{missing} missing") };
            let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            cards.push(("Signed off by", names, missing));
        }
        let cards: String = cards.iter().fold(String::new(), |mut all, (label, text, more)| {
            let more = if more.is_empty() { String::new() } else { format!("<small>{}</small>", escape(more)) };
            let _ = write!(all, "<div><dt>{label}</dt><dd>{}{more}</dd></div>", escape(text));
            all
        });
        self.put(&format!("<dl class=\"cards\">{cards}</dl>"));
    }

    fn figure(&mut self, drawn: &str) {
        let totals = &self.report.totals;
        let date = self.report.timeline.from.map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
        let key = |class: &str, label: &str| format!("<span class=\"key\"><i class=\"{class}\"></i>{label}</span>");
        let steps = || self.report.sections.iter().flat_map(|section| &section.steps);
        let fell = |attempt: &Attempt| attempt.outcome.as_ref().is_some_and(|outcome| !outcome.ok);
        let mut keys = vec![key("step", &format!("step {}", took(totals.step_ms)))];
        if steps().any(|step| step.attempts.iter().any(fell)) {
            keys.push(key("failed", "of it failed"));
        }
        if totals.verification_ms > 0 {
            keys.push(key("verification", &format!("verification {}", took(totals.verification_ms))));
        }
        if totals.waiting_ms >= WORTH_TELLING {
            keys.push(key("waiting", &format!("waiting for people {}", took(totals.waiting_ms))));
        }
        if totals.exposure_ms > 0 {
            keys.push(key("exposure", &format!("exposed {}", took(totals.exposure_ms))));
        }
        if !self.report.rollbacks.is_empty() {
            keys.push(key("rollback", &format!("rollback {}", took(totals.rollback_ms))));
        }
        if totals.paused_ms > 0 {
            keys.push(key("paused", &format!("paused {}", took(totals.paused_ms))));
        }
        self.put(&format!(
            "<figure><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Time line\">{drawn}</div>\
             <figcaption>{date}, UTC. {}</figcaption></figure>",
            keys.concat()
        ));
    }

    /// Opens a section that the table of contents names.
    fn section(&mut self, anchor: &'static str, title: &'static str, many: usize) {
        let many = if many == 0 { String::new() } else { format!(" <span class=\"many\">{many}</span>") };
        self.put(&format!("<section id=\"{anchor}\"><h2>{title}</h2>"));
        self.contents.push((anchor, title, many));
    }

    fn body(&mut self) {
        let report = self.report;
        self.section("deviations", "Deviations", deviations(report));
        if report.deviations.is_empty() {
            self.put("<p>None.</p>");
        } else {
            let items = report.deviations.iter().map(|one| {
                let to = one.step.as_ref().map(|step| format!("<a href=\"#step-{0}\">{0}</a>: ", escape(step)));
                format!("{}{} <small>{}</small>", to.unwrap_or_default(), escape(&one.text), escape(&time(one.at)))
            });
            let items = each("li", "", items);
            self.put(&format!("<ul>{items}</ul>"));
            if report.deviations_left_out > 0 {
                self.put(&format!("<p>{} more in the middle are left out.</p>", report.deviations_left_out));
            }
        }
        self.put("</section>");
        self.section("steps", "Steps", report.counts.steps as usize);
        report.sections.iter().for_each(|section| self.steps(section));
        self.put("</section>");
        if !report.rollbacks.is_empty() {
            self.section("rollback", "Rollback", report.rollbacks.len());
            report.rollbacks.iter().for_each(|rollback| self.rollback(rollback));
            self.put("</section>");
        }
        self.window();
        self.baselines();
        self.timeline();
        self.people();
        self.secrets();
        self.after();
        self.facts();
        self.proof();
    }

    fn many(&self) -> bool {
        self.report.counts.steps > MANY
    }

    fn steps(&mut self, section: &Section) {
        let title = escape(&one_line(&section.title));
        if !self.many() {
            self.put(&format!("<h3>{title}</h3>"));
            section.steps.iter().for_each(|step| self.step(step));
            return;
        }
        let done = section.steps.iter().filter(|step| step.state == "done").count();
        let open = if section.steps.iter().any(odd) { " open" } else { "" };
        let long: u64 = section.steps.iter().filter_map(|step| step.took_ms).sum();
        self.put(&format!(
            "<details class=\"phase\"{open}><summary><h3>{title}</h3> <span class=\"many\">{done} of {} done, {}</span></summary>",
            section.steps.len(),
            took(long)
        ));
        section.steps.iter().for_each(|step| self.step(step));
        self.put("</details>");
    }

    fn step(&mut self, step: &StepFacts) {
        let few = self.report.counts.steps <= UNFOLDED && step.state != "not in this run";
        let open = if odd(step) || few { " open" } else { "" };
        let class = step.state.replace(' ', "-");
        let by_hand = if step.by_hand { ", by hand" } else { "" };
        let long = step.took_ms.map(took).unwrap_or_default();
        let point = if step.irreversible.is_some() { "<span class=\"tag\">cannot be undone</span>" } else { "" };
        self.put(&format!(
            "<details class=\"step {class}\" id=\"step-{id}\"{open}><summary><span class=\"number\">{}</span>\
             <span class=\"title\">{} <code>{id}</code>{point}</span><span class=\"pill {class}\">{} {}{by_hand}</span>\
             <span class=\"took\">{long}</span></summary><div>",
            step.number,
            escape(&one_line(&step.title)),
            glyph(step.state),
            step.state,
            id = escape(&step.id),
        ));
        self.step_facts(step);
        self.checks(&step.checks);
        if step.starts > 1 {
            self.attempts(&step.attempts, step.starts);
        }
        self.evidence(&step.evidence);
        if let Some(output) = &step.output {
            let more = if output.left_out_bytes > 0 {
                format!(
                    ", after {} that are left out",
                    count(usize::try_from(output.left_out_bytes).unwrap_or(usize::MAX), "byte", "bytes")
                )
            } else {
                String::new()
            };
            self.put(&format!(
                "<h4>Output <small>{}{more}</small></h4><pre tabindex=\"0\">{}</pre>",
                escape(&output.transcript),
                escape(&output.text)
            ));
        }
        if let Some(why) = &step.why {
            self.put(&format!("<h4>Why</h4><p class=\"prose\">{}</p>", escape(why.trim())));
        }
        self.put("</div></details>");
    }

    fn step_facts(&mut self, step: &StepFacts) {
        let mut facts: Vec<(String, String)> = Vec::new();
        if let Some(outcome) = step.attempts.last().and_then(|attempt| attempt.outcome.as_ref()) {
            facts.push(("came out".to_owned(), escape(&came_out(outcome))));
        }
        if let Some(note) = &step.note {
            facts.push(("the operator says".to_owned(), escape(note)));
        }
        if let Some(despite) = &step.despite {
            facts.push(("started all the same".to_owned(), escape(despite)));
        }
        for signed in self.report.sign_offs.iter().filter(|signed| signed.step.as_deref() == Some(&step.id)) {
            facts.push(("approval".to_owned(), escape(&approval(signed))));
        }
        if let Some(started) = step.started_at {
            let ended = step.ended_at.map_or_else(|| "no end seen".to_owned(), |at| format!("until {}", time(at)));
            let estimate = step.estimate_ms.map(|ms| format!(", estimated {}", lasts(ms))).unwrap_or_default();
            facts.push(("ran".to_owned(), escape(&format!("{} {ended}{estimate}", time(started)))));
        }
        for value in &step.values {
            let text = value.value.clone().unwrap_or_else(|| "a secret, not recorded".to_owned());
            facts.push((format!("brought {}", escape(&value.name)), escape(&text)));
        }
        for file in &step.files {
            facts.push(("kept a copy of".to_owned(), escape(file)));
        }
        for shown in &step.shown {
            let text = escape(shown.text.trim_end());
            let text = if shown.code { format!("<pre tabindex=\"0\">{text}</pre>") } else { text };
            facts.push((escape(shown.label), text));
        }
        self.list(&facts);
    }

    /// Lists facts whose texts are escaped already.
    fn list(&mut self, facts: &[(String, String)]) {
        let rows: String = facts.iter().fold(String::new(), |mut rows, (label, text)| {
            let _ = write!(rows, "<div><dt>{label}</dt><dd>{text}</dd></div>");
            rows
        });
        self.put(&format!("<dl class=\"facts\">{rows}</dl>"));
    }

    fn checks(&mut self, checks: &[Check]) {
        let rows = checks.iter().map(|check| {
            let (class, sign) = match check.result {
                "verified" => ("done", "✓"),
                "warning" => ("warned", "!"),
                _ => ("failed", "✕"), // not verified
            };
            let found = if check.result == "verified" { String::new() } else { format!("{}: ", check.finding) };
            let tried = format!("{} in {}", count(check.attempts as usize, "attempt", "attempts"), took(check.took_ms));
            vec![
                format!("<span class=\"pill {class}\">{sign} {}</span>", check.result),
                escape(&check.title),
                escape(&format!("{found}{}", check.saw)),
                escape(&tried),
            ]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        self.table("Verification", &["result", "what was asked", "what was seen", "tried"], &rows);
    }

    fn evidence(&mut self, items: &[EvidenceFacts]) {
        let rows = items.iter().map(|item| {
            let (class, sign) = match item.state {
                "given" => ("done", "✓"),
                "passed over" => ("skipped", "↷"),
                _ => ("open", "○"), // asked for, or still to come
            };
            let given = item.text.as_ref().or(item.reason.as_ref()).map(|text| escape(text)).unwrap_or_default();
            let at = item.at.map(|at| escape(&time(at))).unwrap_or_default();
            vec![format!("<span class=\"pill {class}\">{sign} {}</span>", item.state), escape(&item.what), given, at]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        self.table("Evidence", &["state", "what was wanted", "what was given, or why not", "when"], &rows);
    }

    fn attempts(&mut self, attempts: &[Attempt], starts: u32) {
        let rows = attempts.iter().map(|attempt| {
            let came = attempt.outcome.as_ref().map_or_else(|| "no end seen".to_owned(), came_out);
            let by = if attempt.retry { "the playbook" } else { "the operator" };
            vec![attempt.number.to_string(), escape(&time(attempt.started_at)), by.to_owned(), escape(&came)]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        let left_out = usize::try_from(starts).unwrap_or(usize::MAX).saturating_sub(rows.len());
        let title = if left_out == 0 {
            "Attempts".to_owned()
        } else {
            format!("Attempts ({left_out} in the middle are left out)")
        };
        self.table(&title, &["attempt", "started", "by", "came out"], &rows);
    }

    /// Sets a table whose cells are escaped already; nothing where it has no rows.
    fn table(&mut self, title: &str, heads: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        let heads = each("th", " scope=\"col\"", heads);
        let caption = if title.is_empty() { String::new() } else { format!("<caption>{title}</caption>") };
        self.put(&format!("<div class=\"scroll\"><table>{caption}<thead><tr>{heads}</tr></thead><tbody>"));
        for row in rows {
            let cells = each("td", "", row);
            self.put(&format!("<tr>{cells}</tr>"));
        }
        self.put("</tbody></table></div>");
    }

    fn rollback(&mut self, rollback: &Rollback) {
        let to = rollback.to.as_ref().map_or_else(|| "everything".to_owned(), |to| format!("back to {to}"));
        let by = if rollback.by_policy { "the playbook or the command line" } else { "the operator" };
        let stands = match rollback.failed {
            None => "not finished".to_owned(),
            Some(0) => "every action succeeded".to_owned(),
            Some(failed) => format!("{} failed or skipped", count(failed as usize, "action", "actions")),
        };
        let ended = rollback.ended_at.map(|at| format!(" until {}", time(at))).unwrap_or_default();
        let mut facts = vec![
            ("how far".to_owned(), escape(&to)),
            ("begun by".to_owned(), by.to_owned()),
            ("when".to_owned(), escape(&format!("{}{ended}", time(rollback.began_at)))),
            ("came to".to_owned(), escape(&stands)),
        ];
        facts.extend(rollback.stuck.iter().map(|step| ("stays as it is".to_owned(), escape(step))));
        self.list(&facts);
        let rows = rollback.actions.iter().map(|action| {
            let class = action.state.replace(' ', "-");
            let came = action.outcome.as_ref().map(|outcome: &Outcome| came_out(outcome)).unwrap_or_default();
            let note = action.note.as_ref().map(|note| format!(" The operator says: {note}")).unwrap_or_default();
            let checks: Vec<String> =
                action.checks.iter().map(|check| format!("{}: {}: {}", check.result, check.title, check.saw)).collect();
            vec![
                format!("<code>{}</code>", escape(&action.step)),
                escape(&action.what),
                format!("<span class=\"pill {class}\">{} {}</span>", glyph(action.state), action.state),
                escape(&format!("{came}{note}")),
                escape(&checks.join("; ")),
            ]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        self.table("", &["step", "action", "state", "came out", "verification"], &rows);
    }

    fn window(&mut self) {
        let Some(window) = &self.report.window else { return };
        self.section("window", "Window", 0);
        let mut facts: Vec<(String, String)> =
            window_facts(window).into_iter().map(|(label, text)| (label.to_lowercase(), escape(&text))).collect();
        if self.report.totals.exposure_ms > 0 {
            facts.push(("exposed".to_owned(), took(self.report.totals.exposure_ms)));
        }
        self.list(&facts);
        self.put("</section>");
    }

    fn baselines(&mut self) {
        if self.report.baselines.is_empty() {
            return;
        }
        self.section("baselines", "Before and after", self.report.baselines.len());
        let rows = self.report.baselines.iter().map(|one| {
            [&one.what, &one.before, &one.after]
                .map(|text| escape(text))
                .into_iter()
                .chain([one.result.to_owned()])
                .collect()
        });
        let rows: Vec<Vec<String>> = rows.collect();
        self.table("", &["what", "had to be", "was seen", "result"], &rows);
        self.put("</section>");
    }

    fn timeline(&mut self) {
        let timeline = &self.report.timeline;
        if timeline.events.is_empty() {
            return;
        }
        self.section("timeline", "Timeline", timeline.events.len());
        let left_out = match timeline.left_out {
            0 => String::new(),
            many => format!("; {many} in the middle are left out"),
        };
        let many = count(timeline.events.len(), "stretch of time", "stretches of time");
        self.put(&format!("<details class=\"fold\"><summary>{many}{left_out}</summary>"));
        let rows: Vec<Vec<String>> = timeline.events.iter().map(stretch).collect();
        self.table("", &["from (UTC)", "took", "what", "step"], &rows);
        self.put("</details></section>");
    }

    fn people(&mut self) {
        let at_end: Vec<_> = self.report.sign_offs.iter().filter(|one| one.step.is_none()).collect();
        if !at_end.is_empty() {
            let facts = at_end.iter().map(|one| (escape(&one.role), escape(&sign_off(one)))).collect::<Vec<_>>();
            self.section("sign-off", "Sign-off", facts.len());
            self.list(&facts);
            self.put("</section>");
        }
        if !self.report.notes.is_empty() {
            self.section("notes", "Notes", self.report.notes.len());
            let rows = self.report.notes.iter().map(|note| {
                let step = note.step.as_ref().map(|step| format!("<code>{}</code>", escape(step))).unwrap_or_default();
                vec![escape(&time(note.at)), step, escape(&note.text)]
            });
            let rows: Vec<Vec<String>> = rows.collect();
            self.table("", &["when", "about", "note"], &rows);
            self.put("</section>");
        }
        if !self.report.presence.is_empty() {
            self.section("presence", "At the screen", 0);
            self.moments(&self.report.presence);
            self.put("</section>");
        }
    }

    fn moments(&mut self, moments: &[Moment]) {
        let rows: Vec<Vec<String>> =
            moments.iter().map(|moment| vec![escape(&time(moment.at)), escape(&moment.text)]).collect();
        self.table("", &["when", "what"], &rows);
    }

    fn secrets(&mut self) {
        if self.report.secrets.is_empty() && self.report.copied.is_empty() {
            return;
        }
        self.section("secrets", "Secrets", self.report.secrets.len());
        self.put(
            "<p>By fingerprint, under a key of this run's own: the same value has the same one, in this run alone.</p>",
        );
        let rows = self.report.secrets.iter().map(|secret| {
            let was = if secret.was.is_empty() { "as it was".to_owned() } else { escape(&secret.was.join(", ")) };
            vec![
                format!("<code>{}</code>", escape(&secret.name)),
                was,
                format!("<code>{}</code>", escape(&secret.fingerprint)),
                escape(&secret.same_as.join(", ")),
            ]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        self.table("", &["secret", "earlier", "at the end", "the same as"], &rows);
        if !self.report.copied.is_empty() {
            self.put("<h3>Copied</h3><p>Handed to the operator's screen for its clipboard, which other programs can read.</p>");
            self.moments(&self.report.copied);
        }
        self.put("</section>");
    }

    fn after(&mut self) {
        if !self.report.follow_ups.is_empty() {
            self.section("follow-up", "Follow-up", self.report.follow_ups.len());
            let items: String = self.report.follow_ups.iter().fold(String::new(), |mut items, follow| {
                let (sign, word) = if follow.done.is_some() { ("☑", "done") } else { ("☐", "open") };
                let _ = write!(items, "<li>{sign} <small>{word}</small> {}</li>", escape(&follow_up(follow)));
                items
            });
            self.put(&format!("<ul class=\"ticks\">{items}</ul></section>"));
        }
        if !self.report.left_behind.is_empty() {
            self.section("left", "Files with secrets that are still there", self.report.left_behind.len());
            let facts: Vec<_> =
                self.report.left_behind.iter().map(|left| (escape(&left.file), escape(&left.why))).collect();
            self.list(&facts);
            self.put("</section>");
        }
    }

    /// What ran, to the letter.
    fn facts(&mut self) {
        let report = self.report;
        let run = &report.run;
        self.section("run", "The run", 0);
        let version = run.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
        let mut facts: Vec<(&str, String)> = vec![
            ("run", run.id.clone()),
            ("playbook", format!("{}{version}", run.playbook)),
            ("its SHA-256", run.sha256.clone()),
        ];
        facts.extend(run.included.iter().map(|(path, sha256)| ("includes", format!("{path}, SHA-256 {sha256}"))));
        if run.protected {
            facts.push(("protected", "yes, and confirmed by typing".to_owned()));
        }
        facts.extend(run.began_at.map(|at| ("began", time(at))));
        facts.extend(run.first_change_at.map(|at| ("first change", time(at))));
        facts.push(("ended", run.ended_at.map_or_else(|| "not yet: the run is open".to_owned(), time)));
        facts.push(("outcome", run.outcome.clone()));
        let mut facts: Vec<(String, String)> =
            facts.into_iter().map(|(label, text)| (label.to_owned(), escape(&text))).collect();
        facts.extend(report.tools.iter().map(|tool| (escape(&tool.what), escape(&tool.seen))));
        self.list(&facts);
        let rows = report.inputs.iter().map(|input| {
            let value = input.value.as_ref().map_or_else(|| "a secret, not recorded".to_owned(), |text| escape(text));
            vec![format!("<code>{}</code>", escape(&input.name)), value]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        self.table("Inputs", &["input", "value"], &rows);
        self.put("</section>");
    }

    fn proof(&mut self) {
        let report = self.report;
        self.section("proof", "What this record proves, and what not", 0);
        let list = |texts: &[String]| each("li", "", texts.iter().map(|text| escape(text)));
        self.put(&format!(
            "<h3>It proves</h3><ul>{}</ul><h3>It does not prove</h3><ul>{}</ul>",
            list(&report.proof.proves),
            list(&report.proof.does_not)
        ));
        self.put(&format!(
            "<p>Journal: {} records; its last line's SHA-256 is <code class=\"hash\">{}</code></p>\
             <p class=\"made\">Made by runsheet {} at {}.</p></section>",
            report.journal.records,
            escape(&report.journal.head),
            escape(&report.made.program),
            escape(&time(report.made.at))
        ));
    }
}

/// Says whether a step is to be looked at.
fn odd(step: &StepFacts) -> bool {
    let calm = matches!(step.state, "done" | "pending" | "not in this run" | "rolled back");
    !calm || step.by_hand || step.starts > 1 || step.despite.is_some() || failed(step).is_some()
}

/// Puts each text, escaped already, between tags of one name.
fn each(tag: &str, attributes: &str, texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    texts.into_iter().fold(String::new(), |mut all, text| {
        let _ = write!(all, "<{tag}{attributes}>{}</{tag}>", text.as_ref());
        all
    })
}

/// The class and the sign of an assessment.
fn verdict(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::Fine => ("fine", "✓"),
        Level::Look => ("look", "!"),
        Level::Wrong => ("wrong", "✕"),
        Level::Open => ("open", "…"),
    }
}

/// Says what the steps that are not done came to.
fn others(report: &Report) -> String {
    let counts = &report.counts;
    let all = [
        (counts.warned, "with a warning"),
        (counts.failed, "failed"),
        (counts.unknown, "unknown"),
        (counts.skipped, "skipped"),
        (counts.rolled_back, "rolled back"),
        (counts.rollback_failed, "rollback failed"),
        (counts.pending, "to come"),
    ];
    let said = all.iter().filter(|(many, _)| *many > 0).map(|(many, what)| format!("{many} {what}"));
    said.collect::<Vec<_>>().join(", ")
}

/// A row of the timeline.
fn stretch(event: &Event) -> Vec<String> {
    let long = event.to.map_or_else(|| "goes on".to_owned(), |to| took(since(event.from, to)));
    let undo = event.undo.map(|number| format!(", undo {number}")).unwrap_or_default();
    let step = event.step.as_ref().map(|step| format!("<a href=\"#step-{0}\">{0}</a>{undo}", escape(step)));
    let from = event.from.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string();
    vec![from, long, escape(&event.what), step.unwrap_or_default()]
}
