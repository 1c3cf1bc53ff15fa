//! What an action does, in lines: the exact command, the files, the names of its secrets, and how it is judged.
//!
//! Used by the step, the rollback plan and the dialogs, so that all show the same. What must stay true: secrets appear
//! by name only, and a script is shown to the letter.

use ratatui::text::{Line, Span};

use super::state::Walk;
use super::text::{duration, tame, wrap};
use crate::playbook::plan::{
    Act, Action, EditPlace, Expect, Generate, Given, JsonValue, ProbeSpec, Program, Put, RunSpec,
};
use crate::words;

/// Sets a named part: the name in the margin, the text beside it.
pub(super) fn part(walk: &Walk, name: &str, text: &str, columns: usize) -> Vec<Line<'static>> {
    let indent = 9;
    let lines = wrap(text, columns.saturating_sub(indent));
    let lines = lines.into_iter().enumerate().map(|(at, line)| {
        let label = if at == 0 { format!("{name:<indent$}") } else { " ".repeat(indent) };
        Line::from(vec![Span::styled(label, walk.theme.label()), Span::raw(line)])
    });
    lines.collect()
}

/// Says what an action does.
pub(super) fn act(walk: &Walk, action: &Action, columns: usize) -> Vec<Line<'static>> {
    let mut lines = script(walk, action, columns);
    lines.extend(facts(walk, action, columns));
    lines
}

/// Sets the exact command; nothing where the action is none.
pub(super) fn script(walk: &Walk, action: &Action, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Act::Run(run) = &action.act {
        command(walk, run, columns, &mut lines);
    }
    lines
}

/// Says what there is to know of an action beside its command.
pub(super) fn facts(walk: &Walk, action: &Action, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    match &action.act {
        Act::Run(run) => {
            given(walk, run, columns, &mut lines);
            let place = run.cwd.as_ref().map_or_else(|| "the playbook's folder".into(), |cwd| walk.fill(cwd));
            let time =
                action.timeout.map_or_else(|| "without a timeout".into(), |time| format!("at most {}", duration(time)));
            lines.extend(part(walk, "runs in", &format!("{place}, {time}"), columns));
        }
        // The instructions are set by whoever shows the step, with their ticks.
        Act::Person(_) => {}
        Act::Generate(specs) => {
            for spec in specs {
                let how = match spec.how {
                    Generate::Bytes { bytes, .. } => format!("{} from {bytes} random bytes", spec.name),
                    Generate::Characters { length, .. } => format!("{} of {length} random characters", spec.name),
                };
                lines.extend(part(walk, "makes", &how, columns));
            }
        }
        Act::Edit(edits) => {
            for edit in edits {
                let place = match &edit.place {
                    EditPlace::Dotenv(key) => format!("key {key}"),
                    EditPlace::Match(regex) => {
                        format!("{} of /{}/", super::text::count(edit.count, "place"), regex.as_str())
                    }
                };
                let put = match &edit.put {
                    Put::Value(Given::Text(text)) => format!("becomes {}", walk.fill(text)),
                    Put::Value(Given::Secret(name)) => format!("becomes the secret {name}"),
                    Put::UrlPassword(name) => format!("the password in its URL becomes the secret {name}"),
                };
                lines.extend(part(walk, "edits", &format!("{}: {place} {put}", walk.fill(&edit.file)), columns));
            }
        }
        Act::Snapshot(files) => {
            for file in files {
                let missing = if file.missing { " (need not be there)" } else { "" };
                lines.extend(part(walk, "keeps", &format!("{}{missing}", walk.fill(&file.file)), columns));
            }
        }
        Act::Verify => lines.extend(part(walk, "does", "nothing but check", columns)),
        Act::Wait(time) => lines.extend(part(walk, "waits", &duration(*time), columns)),
    }
    for expect in &action.expect {
        lines.extend(part(walk, "expects", &expectation(walk, expect), columns));
    }
    for capture in &action.capture {
        let secret = if capture.secret { ", a secret: output is withheld until it is known" } else { "" };
        lines.extend(part(walk, "captures", &format!("{}{secret}", capture.name), columns));
    }
    lines
}

fn command(walk: &Walk, run: &RunSpec, columns: usize, lines: &mut Vec<Line<'static>>) {
    let (text, shell) = match &run.program {
        Program::Script { text, shell } => (text.clone(), Some(shell.join(" "))),
        Program::Words(words) => {
            let words: Vec<String> = words.iter().map(|word| walk.fill(word)).map(|word| quoted(&word)).collect();
            (words.join(" "), None)
        }
    };
    for (at, line) in text.trim_end().lines().enumerate() {
        let sign = if at == 0 { "$ " } else { "  " };
        for (piece, text) in wrap(&tame(line), columns.saturating_sub(2)).into_iter().enumerate() {
            let sign = if piece == 0 { sign } else { "  " };
            lines.push(Line::from(vec![Span::styled(sign, walk.theme.label()), Span::styled(text, walk.theme.code())]));
        }
    }
    if let Some(shell) = shell.filter(|shell| shell != "bash -euo pipefail -c") {
        lines.extend(part(walk, "shell", &shell, columns));
    }
}

/// Says what a command is given beside its words: variables and standard input.
fn given(walk: &Walk, run: &RunSpec, columns: usize, lines: &mut Vec<Line<'static>>) {
    for (name, given) in &run.env {
        let value = match given {
            Given::Text(text) => format!("{name}={}", walk.fill(text)),
            Given::Secret(secret) => format!("{name}=(the secret {secret})"),
        };
        lines.extend(part(walk, "env", &value, columns));
    }
    match &run.stdin {
        Some(Given::Text(text)) => lines.extend(part(walk, "stdin", &walk.fill(text), columns)),
        Some(Given::Secret(secret)) => lines.extend(part(walk, "stdin", &format!("the secret {secret}"), columns)),
        None => {}
    }
}

/// Writes a word of a command so that its ends are seen.
fn quoted(word: &str) -> String {
    let plain =
        !word.is_empty() && word.chars().all(|letter| letter.is_alphanumeric() || "-_./:=,@%+".contains(letter));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Names a probe: its title, or the question with what the answer must be.
pub(super) fn probe(walk: &Walk, spec: &ProbeSpec) -> String {
    let what = words::probe(spec, &walk.run);
    // A title says it all, and a denial is said already.
    let said = spec.title.is_some();
    let expects = spec.expect.iter().filter(|expect| !said && !matches!(expect, Expect::Denied));
    let expects: Vec<String> = expects.map(|expect| expectation(walk, expect)).collect();
    if expects.is_empty() { what } else { format!("{what}: {}", expects.join(", ")) }
}

/// Says what an answer must be.
pub(super) fn expectation(walk: &Walk, expect: &Expect) -> String {
    match expect {
        Expect::Exit(status) => format!("exit status {status}"),
        Expect::Contains(text) => format!("contains {}", walk.fill(text)),
        Expect::NotContains(text) => format!("does not contain {}", walk.fill(text)),
        Expect::Matches(regex) => format!("matches /{}/", regex.as_str()),
        Expect::Equals(text) => format!("is {}", walk.fill(text)),
        Expect::Json(pointer, JsonValue::Text(text)) => format!("{pointer} is {}", walk.fill(text)),
        Expect::Json(pointer, JsonValue::Literal(value)) => format!("{pointer} is {value}"),
        Expect::Status(status) => format!("status {status}"),
        Expect::Rows(rows) => format!("{rows} rows"),
        Expect::Between(low, high) => format!("from {low} to {high}"),
        Expect::CloseTo { number, tolerance } => format!("{number}, give or take {tolerance}"),
        Expect::Denied => "must be denied".into(),
    }
}
