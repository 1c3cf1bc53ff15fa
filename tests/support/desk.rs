//! An operator's desk: the built program with a home of its own, beside a rig or without one.
//!
//! It calls the program as a person or a timer would, and reads what the program left on disk. It knows no internals but
//! the journal's lines, which are a public format.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use super::process::{is_gone, run, write_private};
use super::rig::Rig;

/// The built program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_runsheet");

/// What a call of the program came to.
#[derive(Debug)]
pub(crate) struct Called {
    /// The exit status; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Called {
    /// Demands an exit status.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }
}

/// A home for the program, and the variables that it is called with.
#[derive(Debug)]
pub(crate) struct Desk {
    home: PathBuf,
    env: Vec<(String, String)>,
}

impl Desk {
    /// Makes a desk in a folder that is there.
    pub(crate) fn make(folder: &Path) -> Self {
        let home = folder.join("desk");
        fs::create_dir_all(home.join("runtime")).expect("make the desk's folder");
        Self { home, env: Vec::new() }
    }

    /// Makes a desk from which a rig can be worked on.
    pub(crate) fn beside(rig: &Rig) -> Self {
        Self::make(rig.folder()).with_env(rig.env())
    }

    /// Adds variables that the program is called with.
    pub(crate) fn with_env(mut self, env: Vec<(String, String)>) -> Self {
        self.env = env;
        self
    }

    /// Returns the desk's own folder.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Lists the variables that the program gets in place of the test's own.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let at = |name: &str| self.home.join(name).display().to_string();
        let own = [
            ("HOME", at("home")),
            ("XDG_STATE_HOME", at("state")),
            ("XDG_CONFIG_HOME", at("config")),
            ("XDG_RUNTIME_DIR", at("runtime")),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        own.into_iter().chain(self.env.iter().cloned()).collect()
    }

    /// Lists the processes of this desk's hosts.
    pub(crate) fn hosts(&self) -> Vec<u32> {
        let ours = format!("XDG_STATE_HOME={}", self.home.join("state").display());
        let processes = fs::read_dir("/proc").expect("list the processes");
        let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        let has = |id: &u32, file: &str, word: &str| {
            let bytes = fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
            bytes.split(|byte| *byte == 0).any(|part| part == word.as_bytes())
        };
        let locks: Vec<String> =
            self.runs().iter().filter_map(|run| fs::read_to_string(run.join("lock")).ok()).collect();
        // What shuts itself off shows its environment to nobody but root; then the locks must do.
        let locked = |id: &u32| locks.iter().any(|lock| lock.contains(&format!("\"pid\":{id},")));
        ids.filter(|id| has(id, "cmdline", "__host") && (has(id, "environ", &ours) || locked(id))).collect()
    }

    /// Makes a command that calls the program.
    pub(crate) fn program<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(words).envs(self.env()).current_dir(&self.home);
        command
    }

    /// Calls the program and waits for its end.
    pub(crate) fn call<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Called {
        called(&mut self.program(words))
    }

    /// Writes an answers file, and returns its path.
    pub(crate) fn answers(&self, name: &str, text: &str) -> String {
        let path = self.home.join(name);
        write_private(&path, text);
        path.display().to_string()
    }

    /// Keeps a secret where an answers file can name it: `file:NAME`.
    pub(crate) fn keep_secret(&self, name: &str, secret: &str) {
        write_private(&self.home.join(name), &format!("{secret}\n"));
    }

    /// Lists the folders of the runs, oldest first.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.home.join("state/runsheet/runs")) else { return Vec::new() };
        let mut runs: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        runs.sort();
        runs
    }

    /// Returns the folder of the latest run.
    pub(crate) fn run_folder(&self) -> PathBuf {
        self.runs().pop().expect("a run was begun")
    }

    /// Returns the id of the latest run.
    pub(crate) fn run_id(&self) -> String {
        self.run_folder().file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// Reads the journal of the latest run, each line a record; a torn last line is left out.
    pub(crate) fn journal(&self) -> Vec<Value> {
        records(&self.run_folder().join("journal.jsonl"))
    }
}

impl Drop for Desk {
    /// No test leaves a host behind, however it ends.
    fn drop(&mut self) {
        for host in self.hosts() {
            super::process::end(host, Signal::KILL, || is_gone(host));
        }
    }
}

/// Runs a command to its end.
pub(crate) fn called(command: &mut Command) -> Called {
    let output = run(command, "");
    Called {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Reads the whole lines of a journal.
pub(crate) fn records(path: &Path) -> Vec<Value> {
    let bytes = fs::read(path).unwrap_or_default();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let lines = bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("a line of the journal is JSON")).collect()
}

/// Describes a record in a few words: its kind, its step, and what came of it.
pub(crate) fn brief(entry: &Value) -> String {
    let record = entry["record"].as_object().expect("a record is a mapping");
    let (kind, body) = record.iter().next().expect("a record has a kind");
    let step = body.pointer("/target/step").or_else(|| body.get("step")).and_then(Value::as_str).unwrap_or_default();
    let undo = body.pointer("/target/undo").map(|number| format!(".undo-{number}")).unwrap_or_default();
    let how = body.pointer("/outcome/how").and_then(Value::as_str).unwrap_or_default();
    format!("{kind} {step}{undo} {how}").trim_end().to_owned()
}
