//! What a step is, in words: what it does, with what, for how long, how it is verified and how it is undone.
//!
//! Used wherever something is shown before it runs, so that all show the same facts. What must stay true: secrets appear
//! by name only, and a script is shown to the letter.

use std::time::Duration;

use super::{count, duration, fill, probe, undo as undo_sort};
use crate::engine::undo::{self, UndoAction, UndoSort};
use crate::engine::{Run, SavedFile};
use crate::playbook::describe::{command, expectation};
use crate::playbook::plan::{
    Act, Action, Content, EditPlace, EditSpec, Expect, Generate, Given, Manner, Part, PersonSpec, ProbeSpec, Program,
    Put, RunSpec, Step, Until, Variable,
};

/// A fact about a step: a short label, and what there is to say. The text may have several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// A word or two.
    pub label: &'static str,
    /// What there is to say.
    pub text: String,
    /// It is a command, shown to the letter.
    pub code: bool,
}

impl Fact {
    fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, text: text.into(), code: false }
    }
}

/// Lists all that must be known before a step starts.
#[must_use]
pub fn step(step: &Step, run: &Run) -> Vec<Fact> {
    let mut facts = action(&step.action, run);
    facts.extend(around(step, run));
    if let Some(reason) = &step.irreversible {
        facts.push(Fact::new("careful", format!("cannot be undone: {}", fill(reason, run))));
    }
    facts
}

/// Lists what an action does, takes, expects and asks.
#[must_use]
pub fn action(action: &Action, run: &Run) -> Vec<Fact> {
    let mut facts = doing(action, run);
    facts.extend(checks(action, run));
    facts
}

/// Lists what an action does, takes and expects of it.
#[must_use]
pub fn doing(action: &Action, run: &Run) -> Vec<Fact> {
    let mut facts = act(&action.act, run);
    match (&action.act, action.timeout) {
        (Act::Run(spec), timeout) => facts.extend(surroundings(spec, timeout, run)),
        (_, Some(timeout)) => facts.push(Fact::new("timeout", duration(timeout))),
        (_, None) => {}
    }
    for expect in &action.expect {
        facts.push(Fact::new("expects", expectation(expect, &|text| fill(text, run))));
    }
    for capture in &action.capture {
        let secret = if capture.secret { ", a secret: output is withheld until it is known" } else { "" };
        facts.push(Fact::new("captures", format!("{}{secret}", capture.name)));
    }
    facts
}

/// Lists how an action is verified.
#[must_use]
pub fn checks(action: &Action, run: &Run) -> Vec<Fact> {
    let check = |spec: &ProbeSpec| {
        let within = spec.within.map(|time| format!(", within {}", duration(time))).unwrap_or_default();
        let warn = if spec.warn { ", only warns" } else { "" };
        Fact::new("checks", format!("{}{within}{warn}", question(spec, run)))
    };
    action.verify.iter().map(check).collect()
}

/// Lists how often a step is tried, how long it takes and how it is undone.
#[must_use]
pub fn around(step: &Step, run: &Run) -> Vec<Fact> {
    let mut facts = Vec::new();
    if step.retry.attempts > 1 {
        let every = duration(step.retry.every);
        facts.push(Fact::new("retry", format!("up to {} attempts in all, {every} apart", step.retry.attempts)));
    }
    facts.push(Fact::new("undo", undone(step, run)));
    if let Some(estimate) = step.estimate {
        facts.push(Fact::new("takes", format!("about {}", duration(estimate))));
    }
    facts
}

fn act(act: &Act, run: &Run) -> Vec<Fact> {
    match act {
        Act::Run(spec) => {
            let text = command(spec, &|text| fill(text, run));
            vec![Fact { label: "runs", text, code: true }]
        }
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
    if let Some(approval) = &person.approval {
        let distinct = if approval.distinct { ", and not who walks the run" } else { "" };
        facts.push(Fact::new("approves", format!("{}{distinct}", approval.by.join(", "))));
    }
    if facts.is_empty() {
        facts.push(Fact::new("asks", "whether this holds"));
    }
    facts
}

/// Lists what a program runs by, where, for how long, and with what.
fn surroundings(spec: &RunSpec, timeout: Option<Duration>, run: &Run) -> Vec<Fact> {
    let mut facts = Vec::new();
    match &spec.program {
        Program::Script { shell, .. } if shell.join(" ") != "bash -euo pipefail -c" => {
            facts.push(Fact::new("shell", shell.join(" ")));
        }
        Program::Script { .. } | Program::Words(_) => {}
    }
    if let Some(host) = &spec.host {
        facts.push(Fact::new("on", format!("{}, through ssh", fill(host, run))));
    }
    let usual = if spec.host.is_some() { "the home folder there" } else { "the playbook's folder" };
    let cwd = spec.cwd.as_ref().map_or_else(|| usual.to_owned(), |cwd| fill(cwd, run));
    let time = timeout.map_or_else(|| "without a timeout".to_owned(), |time| format!("at most {}", duration(time)));
    facts.push(Fact::new("runs in", format!("{cwd}, {time}")));
    match &spec.manner {
        Manner::Alone => {}
        Manner::Terminal => {
            facts.push(Fact::new("you", "attend it: it gets the screen and your keys, Ctrl-] comes back"));
        }
        Manner::Until(until) => facts.push(Fact::new("ends", ends(until))),
    }
    facts.extend(spec.env.iter().map(|(name, value)| variable(name, value, run)));
    facts.extend(spec.stdin.iter().map(|stdin| Fact::new("reads", given(stdin, run))));
    facts
}

/// Says what ends a program that does not end by itself.
fn ends(until: &Until) -> String {
    match (&until.matches, until.enough) {
        (Some(line), true) => format!("with a line that matches /{line}/, or when you have seen enough"),
        (Some(line), false) => format!("with a line that matches /{line}/"),
        (None, _) => "when you have seen enough".to_owned(),
    }
}

fn given(given: &Given, run: &Run) -> String {
    match given {
        Given::Text(text) => fill(text, run),
        Given::Secret(name) => format!("the secret {name}"),
    }
}

/// Says what a variable of a program is. A secret is set apart from a text that only looks like one.
fn variable(name: &str, value: &Variable, run: &Run) -> Fact {
    let told = match value {
        Variable::Given(value @ Given::Text(_)) => given(value, run),
        Variable::Given(value @ Given::Secret(_)) => format!("({})", given(value, run)),
        Variable::File(content) => format!("(a file in memory: {})", inside(content, run)),
        Variable::Descriptor(content) => format!("(a descriptor: {})", inside(content, run)),
    };
    Fact::new("with", format!("{name}={told}"))
}

/// Says what is in a file or a descriptor that a program gets: secrets by name, as the run has no value of theirs.
fn inside(content: &Content, run: &Run) -> String {
    match content.text.parts() {
        [Part::Value(name)] if !run.values.contains_key(name) => format!("the secret {name}"),
        _ => fill(&content.text, run).trim_end().to_owned(), // a text, with `${name}` for each secret
    }
}

fn edit(spec: &EditSpec, run: &Run) -> String {
    let place = match &spec.place {
        EditPlace::Append { .. } => "one more line".to_owned(),
        EditPlace::Dotenv(key) => format!("the key {key}"),
        EditPlace::Value(_, pointer) => format!("the value at {pointer}"),
        EditPlace::Match(regex) => format!("{} of /{regex}/", count(spec.count, "match", "matches")),
    };
    let put = match &spec.put {
        Put::Value(put) if matches!(spec.place, EditPlace::Append { .. }) => format!("at its end: {}", given(put, run)),
        Put::Value(put) => format!("becomes {}", given(put, run)),
        Put::UrlPassword(name) => format!("gets the secret {name} as the password of its URL"),
    };
    format!("{}: {place} {put}", fill(&spec.file, run))
}

/// Says what a probe asks and what the answer must be.
#[must_use]
pub fn question(spec: &ProbeSpec, run: &Run) -> String {
    let what = probe(spec, run);
    // Without a title, a denial is said already.
    let told = |expect: &&Expect| spec.title.is_some() || !matches!(expect, Expect::Denied);
    let said = |expect| expectation(expect, &|text| fill(text, run));
    let expects: Vec<String> = spec.expect.iter().filter(told).map(said).collect();
    if expects.is_empty() { what } else { format!("{what}: {}", expects.join(", ")) }
}

/// Says in a line how a step is undone.
#[must_use]
pub fn undone(step: &Step, run: &Run) -> String {
    let sort = undo::sort(step);
    let actions: Vec<String> = undo::actions(step).iter().map(|action| undo_action(*action, run)).collect();
    match sort {
        UndoSort::Automatic => actions.join("; then "),
        UndoSort::ByHand | UndoSort::Forward => format!("{}: {}", undo_sort(sort), actions.join("; then ")),
        UndoSort::Nothing if !step.changes() => "nothing to undo: it changes nothing".to_owned(),
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
            command(spec, &|text| fill(text, run)).lines().collect::<Vec<_>>().join("; ")
        }
        UndoAction::Author(action) => {
            let facts = act(&action.act, run);
            facts.first().map(|fact| fact.text.lines().next().unwrap_or_default().to_owned()).unwrap_or_default()
        }
    }
}

/// Says what becomes of a file that is put back.
#[must_use]
pub fn restored(file: &SavedFile) -> String {
    let how = if file.copy.is_some() { "put back as it was" } else { "removed: it was not there before" };
    format!("{}: {how}", file.path)
}
