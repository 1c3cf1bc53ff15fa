//! The knife: kills the program at an exact system call of its journal; and a playbook with a bit of everything to use it on.
//!
//! strace counts the calls of the first thread, which is the one that writes the journal, and kills instead of letting the
//! wanted one happen. The program knows nothing of it, and no clock has a part in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runsheet::engine::{Engine, Record, Target};
use runsheet::journal;
use runsheet::playbook::check;
use runsheet::playbook::plan::Plan;
use serde_json::Value;
use tempfile::TempDir;

use super::desk::{Called, Desk, PROGRAM, brief, called};
use super::process::write_with_mode;

pub(crate) const PLAYBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/good/crash.yaml");
pub(crate) const SETTINGS: &str = "# settings\nKEY=CANARY-old-key\nOTHER='kept'\n";
/// What a person would say to everything that may be unknown: do it again.
pub(crate) const ANSWERS: &str = "
keep: { unknown: retry }
make-key: { unknown: retry }
count: { unknown: retry }
write: { unknown: retry }
who: { name: Ada, word: 'file:word' }
button: { manual: done, undo: done }
reset: { unknown: retry }
use: { unknown: retry }
pause: { unknown: retry }
settle: { unknown: retry }
tidy: { unknown: retry }
";

/// Where the knife falls. A number beyond the last such place kills nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Knife {
    /// At the sync of this number: what it would cover is written, and nothing that follows from it has begun.
    Sync(usize),
    /// At the append of this number to the journal of the latest run: that record is not written, and what it tells may
    /// have happened.
    Append(usize),
}

impl Knife {
    /// Calls the program under the knife, and waits for its end: no exit status where the knife fell.
    pub(crate) fn over(self, desk: &Desk, words: &[String]) -> Called {
        let mut command = Command::new("strace");
        command.args(["-qq", "-o", "/dev/null"]);
        match self {
            Self::Sync(number) => {
                command.args(["-e", "trace=fdatasync", "-e"]);
                command.arg(format!("inject=fdatasync:signal=SIGKILL:when={number}"));
            }
            Self::Append(number) => {
                command.args(["-e", "trace=write", "-e"]);
                command.arg(format!("inject=write:signal=SIGKILL:when={number}"));
                command.arg("-P").arg(desk.run_folder().join("journal.jsonl"));
            }
        }
        called(command.arg("--").arg(PROGRAM).args(words).envs(desk.env()).current_dir(desk.home()))
    }
}

/// Calls the program with system calls that fail: `inject` as strace takes it, for the files of the latest run that are named,
/// or for all. Says whether one failed.
pub(crate) fn faulty(desk: &Desk, inject: &str, files: &[&str], words: &[String]) -> (Called, bool) {
    let mut command = Command::new("strace");
    let trace = desk.home().join("trace");
    command.args(["-f", "-qq", "--seccomp-bpf", "-o"]).arg(&trace);
    let calls = inject.split(':').next().unwrap_or_default();
    command.arg("-e").arg(format!("trace={calls}")).arg("-e").arg(format!("inject={inject}"));
    for file in files {
        command.arg("-P").arg(desk.run_folder().join(file));
    }
    let called = called(command.arg("--").arg(PROGRAM).args(words).envs(desk.env()).current_dir(desk.home()));
    let trace = fs::read(&trace).expect("read the trace");
    (called, String::from_utf8_lossy(&trace).contains("(INJECTED)"))
}

/// A folder that the playbook works on, with a desk beside it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) desk: Desk,
    pub(crate) plan: Arc<Plan>,
}

impl Place {
    pub(crate) fn make() -> Self {
        let folder = TempDir::with_prefix("crash-").expect("make a folder");
        write_with_mode(&folder.path().join("settings.env"), 0o640, SETTINGS);
        let desk = Desk::make(folder.path());
        desk.keep_secret("word", "CANARY-word");
        let text = fs::read_to_string(PLAYBOOK).expect("read the playbook");
        let plan = Arc::new(check(&text).expect("the playbook holds").plan);
        Self { folder, desk, plan }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The words of a run that ends by itself, or (`short`) before the statement of its success.
    pub(crate) fn words(&self, short: bool) -> Vec<String> {
        let answers = self.answers(!short);
        let root = format!("root={}", self.folder.path().display());
        ["run", PLAYBOOK, "--input", &root, "--unattended", "--answers", &answers].map(str::to_owned).to_vec()
    }

    pub(crate) fn answers(&self, whole: bool) -> String {
        let fine = if whole { "fine: done\n" } else { "" };
        self.desk.answers("answers.yaml", &format!("{ANSWERS}{fine}"))
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.desk.runs().pop().map(|folder| folder.join("journal.jsonl")).unwrap_or_default()
    }

    /// The words that go on with the latest run: `resume` or `rollback`.
    pub(crate) fn words_on(&self, what: &str) -> Vec<String> {
        let answers = self.answers(true);
        [what, &self.desk.run_id(), "--unattended", "--answers", &answers].map(str::to_owned).to_vec()
    }

    pub(crate) fn go_on(&self, what: &str) -> Called {
        self.desk.call(self.words_on(what))
    }

    /// Calls the program under the knife. Says whether it was killed; else it must have ended with an exit status.
    pub(crate) fn killed(&self, knife: Knife, words: &[String], code: i32) -> bool {
        let called = knife.over(&self.desk, words);
        self.quiet();
        if called.code.is_none() {
            return true;
        }
        called.ends_with(code);
        false
    }

    /// Says how often each command ran.
    pub(crate) fn ran(&self) -> BTreeMap<String, usize> {
        let mut ran = BTreeMap::new();
        for word in fs::read_to_string(self.at("ran")).unwrap_or_default().lines() {
            *ran.entry(word.to_owned()).or_default() += 1;
        }
        ran
    }

    /// Folds the journal, which must be sound.
    pub(crate) fn engine(&self) -> Engine {
        let mut engine = Engine::new(Arc::clone(&self.plan));
        journal::read(&self.journal(), false, |stamped| engine.replay(&stamped)).expect("the journal is sound");
        engine
    }

    /// Waits until nothing that the program started is left; who keeps a command's output is known by the run's id.
    pub(crate) fn quiet(&self) {
        let needle = self.folder.path().as_os_str().as_encoded_bytes();
        let run = self.desk.runs().pop().and_then(|run| Some(run.file_name()?.as_encoded_bytes().to_vec()));
        let begin = Instant::now();
        while processes_with(needle) > 0 || run.as_ref().is_some_and(|run| processes_called_with(run) > 0) {
            assert!(begin.elapsed() < Duration::from_secs(20), "what a killed program leaves comes to its end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

pub(crate) fn processes_with(needle: &[u8]) -> usize {
    processes_holding(needle, "environ")
}

fn processes_called_with(needle: &[u8]) -> usize {
    processes_holding(needle, "cmdline")
}

fn processes_holding(needle: &[u8], file: &str) -> usize {
    let entries = fs::read_dir("/proc").expect("read /proc").filter_map(Result::ok);
    let holds =
        |path: PathBuf| fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle));
    entries.filter(|entry| holds(entry.path().join(file))).count()
}

/// The folder in memory where a run's commands keep what they print. The desk's own runtime folder is on a disk.
pub(crate) fn spool_of(run: &str) -> PathBuf {
    PathBuf::from(format!("/dev/shm/runsheet-{}", rustix::process::getuid().as_raw())).join(run)
}

/// What was out when a journal broke off: the last target that was started without an end.
pub(crate) fn in_flight(entries: &[Value]) -> Option<Target> {
    let mut out: Option<Target> = None;
    for entry in entries {
        match serde_json::from_value(entry["record"].clone()).expect("a record") {
            Record::Started { target, .. } => out = Some(target),
            Record::Performed { target, outcome, .. } => {
                out = out.filter(|out| *out != target || outcome.how == runsheet::engine::How::Ok);
                if out.as_ref() == Some(&target) {
                    out = None;
                }
            }
            // What only verifies ends with its answers.
            Record::Probed { target, .. } => out = out.filter(|out| *out != target),
            Record::Answered { .. } | Record::ByHand { .. } | Record::Skipped { .. } => out = None,
            _ => {}
        }
    }
    out
}

pub(crate) fn told(prefix: &[Value]) -> String {
    prefix.iter().map(brief).collect::<Vec<_>>().join("\n")
}
