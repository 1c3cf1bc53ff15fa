//! What a step is, in words: what it does, with what, for how long, how it is verified and how it is undone.
//!
//! Used wherever something is shown before it runs, so that all show the same facts. What must stay true: secrets appear
//! by name only, and a script is shown to the letter.

use super::{command, count, duration, fill, probe, undo as undo_sort};
use crate::engine::Run;
use crate::engine::undo::{self, UndoAction, UndoSort};
use crate::playbook::plan::{
    Act, Action, EditPlace, EditSpec, Expect, Generate, Given, JsonValue, PersonSpec, ProbeSpec, Program, Put, RunSpec,
    Step,
};

/// A fact about a step: a short label, and what there is to say. The text may have several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// A word or two.
    pub label: &'static str,
    /// What there is to say.
    pub text: String,
}

impl Fact {
    fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, text: text.into() }
    }
}

/// Lists all that must be known before a step starts.
#[must_use]
pub fn step(step: &Step, run: &Run) -> Vec<Fact> {
    let mut facts = action(&step.action, run);
    if step.retry.attempts > 1 {
        let every = duration(step.retry.every);
        facts.push(Fact::new("retry", format!("up to {} attempts in all, {every} apart", step.retry.attempts)));
    }
    if let Some(estimate) = step.estimate {
        facts.push(Fact::new("takes", format!("about {}", duration(estimate))));
    }
    if step.changes() || step.irreversible.is_some() || !step.rollback.is_empty() {
        facts.push(Fact::new("undo", undone(step, run)));
    } else {
        facts.push(Fact::new("undo", "nothing to undo: it changes nothing"));
    }
    if let Some(reason) = &step.irreversible {
        facts.push(Fact::new("careful", format!("cannot be undone: {}", fill(reason, run))));
    }
    facts
}

/// Lists what an action does, takes, expects and asks.
#[must_use]
pub fn action(action: &Action, run: &Run) -> Vec<Fact> {
    let mut facts = act(&action.act, run);
    if let Some(timeout) = action.timeout {
        facts.push(Fact::new("timeout", duration(timeout)));
    }
    for expect in &action.expect {
        facts.push(Fact::new("expects", expectation(expect, run)));
    }
    for capture in &action.capture {
        let secret = if capture.secret { ", a secret: the output is withheld until it is known" } else { "" };
        facts.push(Fact::new("takes from it", format!("{}{secret}", capture.name)));
    }
    for spec in &action.verify {
        let within = spec.within.map(|time| format!(", within {}", duration(time))).unwrap_or_default();
        let warn = if spec.warn { ", only warns" } else { "" };
        facts.push(Fact::new("checks", format!("{}{within}{warn}", question(spec, run))));
    }
    facts
}

fn act(act: &Act, run: &Run) -> Vec<Fact> {
    match act {
        Act::Run(spec) => program(spec, run),
        Act::Person(person) => by_person(person, run),
        Act::Generate(specs) => specs
            .iter()
            .map(|spec| {
                let from = match spec.how {
                    Generate::Bytes { bytes, .. } => format!("from {bytes} random bytes"),
                    Generate::Characters { length, .. } => format!("of {length} random characters"),
                };
                Fact::new("makes", format!("the secret {} {from}", spec.name))
            })
            .collect(),
        Act::Edit(edits) => edits.iter().map(|spec| Fact::new("edits", edit(spec, run))).collect(),
        Act::Snapshot(files) => files
            .iter()
            .map(|spec| {
                let missing = if spec.missing { " (need not be there)" } else { "" };
                Fact::new("keeps", format!("a sealed copy of {}{missing}", fill(&spec.file, run)))
            })
            .collect(),
        Act::Verify => vec![Fact::new("does", "nothing but check")],
        Act::Wait(time) => vec![Fact::new("waits", duration(*time))],
    }
}

fn by_person(person: &PersonSpec, run: &Run) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(text) = &person.text {
        facts.push(Fact::new("to do", fill(text, run).trim_end()));
    }
    if let Some(open) = &person.open {
        facts.push(Fact::new("open", fill(open, run)));
    }
    facts.extend(person.ask.iter().map(|ask| {
        let prompt = ask.prompt.as_ref().map_or_else(|| ask.name.to_string(), |prompt| fill(prompt, run));
        Fact::new("asks", prompt)
    }));
    if facts.is_empty() {
        facts.push(Fact::new("asks", "whether this holds"));
    }
    facts
}

fn program(spec: &RunSpec, run: &Run) -> Vec<Fact> {
    let text = match &spec.program {
        Program::Script { text, .. } => text.trim_end().to_owned(),
        Program::Words(words) => words.iter().map(|word| quoted(&fill(word, run))).collect::<Vec<_>>().join(" "),
    };
    let mut facts = vec![Fact::new("runs", text)];
    match &spec.program {
        Program::Script { shell, .. } if shell.join(" ") != "bash -euo pipefail -c" => {
            facts.push(Fact::new("shell", shell.join(" ")));
        }
        Program::Script { .. } | Program::Words(_) => {}
    }
    let cwd = spec.cwd.as_ref().map_or_else(|| "the playbook's folder".to_owned(), |cwd| fill(cwd, run));
    facts.push(Fact::new("in", cwd));
    facts.extend(spec.env.iter().map(|(name, put)| Fact::new("with", format!("{name}={}", given(put, run)))));
    facts.extend(spec.stdin.iter().map(|stdin| Fact::new("reads", given(stdin, run))));
    facts
}

/// Writes a word of a command so that its ends are seen.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:=,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn given(given: &Given, run: &Run) -> String {
    match given {
        Given::Text(text) => fill(text, run),
        Given::Secret(name) => format!("(the secret {name})"),
    }
}

fn edit(spec: &EditSpec, run: &Run) -> String {
    let place = match &spec.place {
        EditPlace::Dotenv(key) => format!("the key {key}"),
        EditPlace::Match(regex) => format!("{} of /{regex}/", count(spec.count, "match", "matches")),
    };
    let put = match &spec.put {
        Put::Value(put) => format!("becomes {}", given(put, run)),
        Put::UrlPassword(name) => format!("gets the secret {name} as the password of its URL"),
    };
    format!("{}: {place} {put}", fill(&spec.file, run))
}

/// Says what a probe asks and what the answer must be.
#[must_use]
pub fn question(spec: &ProbeSpec, run: &Run) -> String {
    let what = probe(spec, run);
    let told = |expect: &&Expect| !matches!(expect, Expect::Denied);
    let expects: Vec<String> = spec.expect.iter().filter(told).map(|expect| expectation(expect, run)).collect();
    if expects.is_empty() { what } else { format!("{what}: {}", expects.join(", ")) }
}

fn expectation(expect: &Expect, run: &Run) -> String {
    match expect {
        Expect::Exit(status) => format!("exit status {status}"),
        Expect::Contains(text) => format!("contains {}", fill(text, run)),
        Expect::NotContains(text) => format!("does not contain {}", fill(text, run)),
        Expect::Matches(regex) => format!("matches /{regex}/"),
        Expect::Equals(text) => format!("is {}", fill(text, run)),
        Expect::Json(pointer, JsonValue::Text(text)) => format!("{pointer} is {}", fill(text, run)),
        Expect::Json(pointer, JsonValue::Literal(literal)) => format!("{pointer} is {literal}"),
        Expect::Status(status) => format!("status {status}"),
        Expect::Rows(rows) => format!("rows: {rows}"),
        Expect::Between(low, high) => format!("from {low} to {high}"),
        Expect::CloseTo { number, tolerance } => format!("{number}, give or take {tolerance}"),
        Expect::Denied => "is refused".to_owned(),
    }
}

/// Says in a line how a step is undone.
#[must_use]
pub fn undone(step: &Step, run: &Run) -> String {
    let sort = undo::sort(step);
    let actions: Vec<String> = undo::actions(step).iter().map(|action| undo_action(*action, run)).collect();
    match sort {
        UndoSort::Automatic => actions.join("; then "),
        UndoSort::ByHand | UndoSort::Forward => format!("{}: {}", undo_sort(sort), actions.join("; then ")),
        UndoSort::Stuck | UndoSort::Nothing => undo_sort(sort).to_owned(),
    }
}

/// Says in a line what an action of an undo does.
#[must_use]
pub fn undo_action(action: UndoAction<'_>, run: &Run) -> String {
    match action {
        UndoAction::Restore => "the files are put back as they were".to_owned(),
        UndoAction::Author(Action { title: Some(title), .. }) => fill(title, run),
        UndoAction::Author(Action { act: Act::Run(spec), .. }) => {
            command(spec, run).lines().collect::<Vec<_>>().join("; ")
        }
        UndoAction::Author(action) => {
            let facts = act(&action.act, run);
            facts.first().map(|fact| fact.text.lines().next().unwrap_or_default().to_owned()).unwrap_or_default()
        }
    }
}
