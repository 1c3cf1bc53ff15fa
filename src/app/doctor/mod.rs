//! `runsheet doctor`: what this machine lacks for a run, in words, with the next move.
//!
//! It looks and changes nothing (a file that is written to measure the disk is gone again). What must stay true: it never
//! ends early, whatever is broken; each line stands for itself.

mod around;
mod disk;
mod runs;

use std::io::{IsTerminal as _, Write as _};

use serde_json::json;

use super::{library, look, place, run};
use crate::cli::DoctorArgs;
use crate::ending::{Code, Ending};
use crate::output::visible_plain;
use crate::words;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As it should be.
    Ok,
    /// A run is possible; something will be worse than it could be.
    Warn,
    /// A run will fail, or what it keeps is not safe.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
struct Line {
    state: State,
    /// What was looked at, in a word or two.
    about: &'static str,
    /// What was seen.
    told: String,
    /// What to do about it.
    next: Option<String>,
}

impl Line {
    fn ok(about: &'static str, told: impl Into<String>) -> Self {
        Self { state: State::Ok, about, told: told.into(), next: None }
    }

    fn warn(about: &'static str, told: impl Into<String>, next: impl Into<String>) -> Self {
        Self { state: State::Warn, about, told: told.into(), next: Some(next.into()) }
    }

    fn bad(about: &'static str, told: impl Into<String>, next: impl Into<String>) -> Self {
        Self { state: State::Bad, about, told: told.into(), next: Some(next.into()) }
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// `runsheet doctor`.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn doctor(args: &DoctorArgs) -> Result<Code, Ending> {
    let mut lines = disk::look();
    lines.extend(around::look(std::io::stdout().is_terminal()));
    lines.extend(args.playbooks.iter().flat_map(|name| playbook(name)));
    lines.extend(runs::look());
    let bad = lines.iter().any(|line| line.state == State::Bad);
    if args.json {
        let lines = lines.iter().map(
            |line| json!({ "about": line.about, "state": line.state.word(), "told": line.told, "next": line.next }),
        );
        look::print_json(&lines.collect())?;
    } else {
        look::print(&text(&lines))?;
    }
    Ok(if bad { Code::Failed } else { Code::Done })
}

fn text(lines: &[Line]) -> String {
    let mut text = Vec::new();
    for line in lines {
        // Writing to memory cannot fail.
        let _ = writeln!(text, "{:<5} {:<15} {}", line.state.word(), line.about, visible_plain(&line.told));
        if let Some(next) = &line.next {
            let _ = writeln!(text, "{:<21} now: {}", "", visible_plain(next));
        }
    }
    let many = |state: State| lines.iter().filter(|line| line.state == state).count();
    let _ = match (many(State::Bad), many(State::Warn)) {
        (0, 0) => writeln!(text, "\nnothing is lacking"),
        (0, warn) => writeln!(text, "\na run is possible; {}", words::count(warn, "warning", "warnings")),
        (bad, _) => writeln!(text, "\n{} must be mended first", words::count(bad, "thing", "things")),
    };
    String::from_utf8_lossy(&text).into_owned()
}

/// Says whether what a playbook needs is there.
fn playbook(name: &str) -> Vec<Line> {
    match library::load(name) {
        Ok(loaded) => {
            let missing = run::missing_programs(&loaded.plan);
            if missing.is_empty() {
                let needs = words::count(loaded.plan.requires.len(), "program", "programs");
                return vec![Line::ok(
                    "playbook",
                    format!("{name} is sound, and the {needs} that it requires are there"),
                )];
            }
            let told = format!("{name} requires what is not on PATH: {}", missing.join(", "));
            vec![Line::bad("playbook", told, "install them, or put their folders on PATH")]
        }
        Err(ending) => vec![Line::bad("playbook", ending.what, format!("`runsheet check {name}` says more"))],
    }
}

/// Names a folder of ours, or says why there is none.
fn state_folder() -> Result<crate::journal::Place, Line> {
    place::state().map_err(|ending| Line::bad("state folder", ending.what, "set HOME, or XDG_STATE_HOME"))
}
