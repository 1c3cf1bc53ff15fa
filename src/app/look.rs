//! The commands that only look: `show`, `list`, `check`, `plan`, `schema`.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::resume::{self, Seen};
use super::runs::live;
use super::{clocks, left, library, record};
use crate::ending::{Code, Ending};
use crate::output::{json as safe_json, visible_plain};
use crate::playbook;
use crate::report;
use crate::words::{self, handover};

/// Prints text on standard output. A reader that has gone has read enough.
pub(super) fn print(text: &str) -> Result<Code, Ending> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Code::Done),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Code::Done),
        Err(error) => Err(Ending {
            code: Code::Failed,
            what: "standard output cannot be written".to_owned(),
            because: Some(error.to_string()),
            next: None,
        }),
    }
}

pub(super) fn print_json(value: &Value) -> Result<Code, Ending> {
    print(&safe_json(&format!("{value:#}\n")))
}

/// `runsheet show`.
pub(super) fn show(prefix: Option<&str>, as_json: bool) -> Result<Code, Ending> {
    let opened = record::open(prefix)?;
    let seen = opened.look()?;
    let (plan, run) = (&seen.plan, &seen.run);
    let stands = words::awaiting(&run.awaiting(plan));
    let live = live(&seen.folder, run.ended.map(|(end, _)| end));
    let current = run.undoing().map(|target| &target.step).or_else(|| run.current(plan).map(|step| &step.id));
    if as_json {
        let steps: Vec<Value> = plan
            .steps
            .iter()
            .zip(&run.steps)
            .map(|(step, state)| {
                json!({
                    "step": step.id,
                    "title": words::fill(&step.title, run),
                    "state": words::state(state.state),
                    "attempts": state.attempts,
                })
            })
            .collect();
        let begun = run.begun.as_ref();
        return print_json(&json!({
            "run": begun.map(|begun| &begun.run),
            "title": plan.title,
            "playbook": begun.map(|begun| &begun.playbook),
            "operator": begun.map(|begun| &begun.operator),
            "stands": stands,
            "step": current,
            "live": live.json(),
            "state": run.ended.map_or("open", |(end, _)| words::end(end)),
            "records": seen.journal.records,
            "head": seen.journal.head,
            "cut_off": cut_off(&seen),
            "handover": handover::summary(plan, run)
                .into_iter()
                .map(|part| (part.title.to_lowercase().replace(' ', "_"), Value::from(part.lines)))
                .collect::<serde_json::Map<_, _>>(),
            "temporary_left": left::still_there(plan, run)
                .into_iter()
                .map(|left| json!({ "file": left.file, "why": left.why }))
                .collect::<Vec<_>>(),
            "clocks": clocks::json(&seen),
            "steps": steps,
        }));
    }
    let mut lines = Vec::new();
    if let Some(begun) = &run.begun {
        lines.push(format!("{}  {}", begun.run, visible_plain(&begun.title)));
        lines.push(format!("by {} on {}  {stands}", visible_plain(&begun.operator), visible_plain(&begun.host)));
        lines.extend(live.line());
        lines.push(String::new());
    }
    for (step, state) in plan.steps.iter().zip(&run.steps) {
        let word = words::state(state.state);
        lines.push(format!("{word:<16} {:<24} {}", step.id, visible_plain(&words::fill(&step.title, run))));
    }
    lines.extend(clocks::lines(&seen));
    // The steps stand above already, and where it stands in the second line.
    for part in handover::summary(plan, run).into_iter().filter(|part| !part.is_in_lists()) {
        lines.push(format!("\n{}", part.title.to_lowercase()));
        lines.extend(part.lines.iter().map(|line| format!("  {}", visible_plain(line))));
    }
    lines.extend(still_there(&seen));
    let cut = cut_off(&seen);
    if !cut.is_empty() {
        lines.push("\nthe journal".to_owned());
        lines.extend(cut.iter().map(|line| format!("  {line}")));
    }
    lines.push(format!("\nrecord: {}\n", visible_plain(&opened.shown())));
    print(&lines.join("\n"))
}

/// Names the files with secrets that are still there, below a heading.
fn still_there(seen: &Seen) -> Vec<String> {
    let left = left::still_there(&seen.plan, &seen.run);
    let mut lines: Vec<String> = left
        .iter()
        .map(|left| match &left.why {
            // Most reasons begin with the name.
            Some(why) if why.starts_with(&left.file) => visible_plain(&format!("  {why}")),
            Some(why) => visible_plain(&format!("  {}: {why}", left.file)),
            None => visible_plain(&format!("  {}; removed when the run ends", left.file)),
        })
        .collect();
    if !lines.is_empty() {
        lines.insert(0, format!("\n{}", left::STILL_THERE));
    }
    lines
}

/// Says what of the journal was cut off, or will be: a record that was not written to its end.
fn cut_off(seen: &resume::Seen) -> Vec<String> {
    let mut lines: Vec<String> = seen
        .folder
        .torn()
        .iter()
        .map(|path| {
            format!("a last record that had not been written to its end was cut off and kept as {}", path.display())
        })
        .collect();
    if seen.journal.tail > 0 {
        lines.push(format!(
            "the last record was not written to its end ({}); `runsheet resume` cuts it off and keeps a copy",
            words::count(seen.journal.tail, "byte", "bytes")
        ));
    }
    lines
}

/// `runsheet list`.
pub(super) fn list(as_json: bool) -> Result<Code, Ending> {
    let entries = library::entries();
    if as_json {
        let entries: Vec<Value> = entries
            .iter()
            .map(|entry| match &entry.plan {
                Ok(plan) => {
                    json!({ "playbook": entry.name, "title": plan.title, "summary": plan.summary, "tags": plan.tags })
                }
                Err(why) => json!({ "playbook": entry.name, "fault": why }),
            })
            .collect();
        return print_json(&entries.into());
    }
    let lines = entries.iter().map(|entry| match &entry.plan {
        Ok(plan) => format!("{:<40} {}\n", visible_plain(&entry.name), visible_plain(&plan.title)),
        Err(why) => format!("{:<40} {}\n", visible_plain(&entry.name), visible_plain(why)),
    });
    print(&lines.collect::<Vec<_>>().concat())
}

/// `runsheet check`.
pub(super) fn check(files: &[String]) -> Result<Code, Ending> {
    let mut code = Code::Done;
    let mut text = String::new();
    for file in files {
        match std::fs::read_to_string(file) {
            Ok(source) => {
                let included = library::included(Path::new(file), &source);
                let (faults, sound) = match library::check(Path::new(file), &source, &included) {
                    Ok(checked) => (checked.warnings, true),
                    Err(faults) => (faults, false),
                };
                text.push_str(&library::rendered(file, &source, &included, &faults));
                if !sound && code == Code::Done {
                    code = Code::Invalid;
                }
            }
            Err(error) => {
                text.push_str(&[visible_plain(file).as_str(), ": cannot be read: ", &error.to_string(), "\n"].concat());
                code = Code::Usage;
            }
        }
    }
    if code == Code::Done && text.is_empty() {
        text = format!("{}: no faults\n", words::count(files.len(), "playbook", "playbooks"));
    }
    print(&text)?;
    Ok(code)
}

/// `runsheet plan`.
pub(super) fn plan(name: &str) -> Result<Code, Ending> {
    let loaded = library::load(name)?;
    print(&report::checklist(&loaded.plan))
}

/// `runsheet schema`.
pub(super) fn schema() -> Result<Code, Ending> {
    print_json(&playbook::schema())
}
