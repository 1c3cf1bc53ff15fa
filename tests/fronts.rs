//! The same story through the three fronts gives the same journal, line for line.
//!
//! Normalised are only the run's id, its folder, times, durations, syncs, and what is reckoned from them or under the run's own
//! key; and in the story that is rolled back `by_policy`: nobody but the command line can say yes for an unattended run,
//! and the journal must tell that.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::Desk;
use crate::support::terminal::Terminal;

const PLAYBOOK: &str = include_str!("data/good/fronts.yaml");
const TOKEN: &str = "CANARY-token";
const ANSWERS: &str = "
inputs: { word: hello }
who: { name: Ada, token: 'file:token' }
button: done
reset: done
fine: done
";
/// What a person types in plain lines, up to the step that cannot be undone.
const TYPED: &str = "\n\n\n\n\n\n\nAda\nCANARY-token\n\n\n\n\ny\n";

/// What happens in the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plot {
    /// All is well, but for what need not be there.
    Completed,
    /// The step that cannot be undone fails, and everything is rolled back.
    RolledBack,
}

impl Plot {
    fn code(self) -> i32 {
        match self {
            // An optional step has failed (ruling A23).
            Self::Completed => 1,
            Self::RolledBack => 4,
        }
    }
}

/// A folder in which the story is walked once.
struct Place {
    folder: TempDir,
    desk: Desk,
    plot: Plot,
}

impl Place {
    fn make(plot: Plot) -> Self {
        let folder = TempDir::with_prefix("fronts-").expect("make a folder");
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("story.yaml"), PLAYBOOK).expect("write the playbook");
        let settings = desk.home().join("settings.env");
        fs::write(&settings, "KEY=CANARY-old\n").expect("write the settings");
        fs::set_permissions(&settings, Permissions::from_mode(0o600)).expect("set the mode");
        if plot == Plot::RolledBack {
            fs::write(desk.home().join("broken"), "").expect("break it");
        }
        desk.keep_secret("token", TOKEN);
        Self { folder, desk, plot }
    }

    /// Returns the journal, what varies from run to run taken out.
    fn journal(&self) -> Vec<String> {
        let (id, folder) = (self.desk.run_id(), self.folder.path().display().to_string());
        let lines = self.desk.journal().into_iter().map(|mut entry| {
            level(&mut entry);
            let text = entry.to_string();
            assert!(!text.contains("CANARY"), "{text}");
            text.replace(&id, "RUN").replace(&folder, "FOLDER")
        });
        lines.collect()
    }

    /// Unattended, by an answers file.
    fn by_answers(&self) -> Vec<String> {
        let answers = self.desk.answers("answers.yaml", ANSWERS);
        let words = ["run", "story.yaml", "--unattended", "--answers", &answers, "--on-failure", "rollback"];
        self.desk.call(words).ends_with(self.plot.code());
        self.journal()
    }

    /// Plain lines, typed beforehand.
    fn by_lines(&self) -> Vec<String> {
        let rest = match self.plot {
            Plot::Completed => "\ny\n",
            Plot::RolledBack => "b\n\ny\ny\ny\ny\ny\n",
        };
        let mut program = self.desk.program(["run", "story.yaml", "--plain", "--input", "word=hello"]);
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().expect("start the program");
        let mut keys = child.stdin.take().expect("its standard input");
        keys.write_all(format!("{TYPED}{rest}").as_bytes()).expect("type");
        drop(keys);
        let output = child.wait_with_output().expect("wait for it");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(self.plot.code()), "{text}");
        assert!(!text.contains(TOKEN));
        self.journal()
    }

    /// The full screen, by keys.
    fn by_keys(&self) -> Vec<String> {
        let words = ["run", "story.yaml", "--input", "word=hello"].map(str::to_owned);
        let terminal = Terminal::start(&self.desk, &words, 100, 30);
        terminal.see("Nothing has happened yet");
        terminal.press("\x1b[21~");
        for number in [1, 3, 4, 5] {
            starts(&terminal, number);
        }
        terminal.see("Enter hand in");
        terminal.press("Ada\t");
        terminal.paste(TOKEN);
        terminal.see("12 characters");
        terminal.press("\r");
        starts(&terminal, 7);
        terminal.until("its turn", |picture| picture.contains("Your turn: 7/") && picture.contains("I have done it"));
        terminal.press("\r");
        starts(&terminal, 8);
        starts(&terminal, 9);
        terminal.see("y starts it");
        terminal.press("y");
        match self.plot {
            Plot::Completed => {
                starts(&terminal, 10);
                terminal.see("y yes, it holds");
                terminal.press("y");
                terminal.see("Completed.");
            }
            Plot::RolledBack => {
                terminal.see("r run again");
                terminal.press("b");
                terminal.see("y begin this rollback");
                terminal.press("y");
                for number in 1..=4 {
                    let headline = format!("Rollback {number}/4");
                    terminal.until(&headline, |now| now.contains(&headline) && now.contains("y carries it out"));
                    terminal.press("y");
                }
                terminal.see("Rolled back");
            }
        }
        terminal.press("q");
        let left = terminal.ends();
        assert_eq!(left.code, Some(self.plot.code()), "{}", left.text);
        assert!(!String::from_utf8_lossy(&left.raw).contains(TOKEN));
        self.journal()
    }
}

/// Waits until the step of a number can be started, and starts it.
#[track_caller]
fn starts(terminal: &Terminal, number: usize) {
    let headline = format!("Next: {number}/");
    terminal.until(&headline, |picture| picture.contains(&headline) && picture.contains("Enter start"));
    terminal.press("\r");
}

/// Takes out what varies: times, durations, and the hash that depends on them.
fn level(value: &mut Value) {
    match value {
        Value::Object(mapping) => {
            mapping.retain(|key, _| {
                !matches!(
                    key.as_str(),
                    "at" | "prev" | "sum" | "sure" | "took_ms" | "by_policy" | "fingerprints" | "sealed_sha256"
                )
            });
            mapping.values_mut().for_each(level);
        }
        Value::Array(list) => list.iter_mut().for_each(level),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[track_caller]
fn all_the_same(plot: Plot) {
    let answers = Place::make(plot).by_answers();
    assert!(answers.len() > 25, "{answers:#?}");
    assert_eq!(Place::make(plot).by_lines().join("\n"), answers.join("\n"), "plain lines and unattended");
    assert_eq!(Place::make(plot).by_keys().join("\n"), answers.join("\n"), "full screen and unattended");
}

#[test]
fn a_run_that_is_completed() {
    all_the_same(Plot::Completed);
}

#[test]
fn a_run_that_fails_and_is_rolled_back() {
    all_the_same(Plot::RolledBack);
}
