//! The knife: kills the program as soon as its journal holds so many lines, over a playbook with a bit of everything.
//!
//! It watches the journal from outside; the program knows nothing of it. Records that are written in one go cannot be told
//! apart that way, so what is counted is the goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runsheet::engine::{Engine, Record, Target};
use runsheet::journal;
use runsheet::playbook::check;
use runsheet::playbook::plan::{Act, Plan};
use serde_json::Value;
use tempfile::TempDir;

use super::desk::{Called, Desk, brief};
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

    pub(crate) fn go_on(&self, what: &str) -> Called {
        let answers = self.answers(true);
        self.desk.call([what, &self.desk.run_id(), "--unattended", "--answers", &answers])
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

    /// Waits until nothing that the program started is left.
    pub(crate) fn quiet(&self) {
        let needle = self.folder.path().as_os_str().as_encoded_bytes();
        let begin = Instant::now();
        while processes_with(needle) > 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "what a killed program leaves comes to its end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

pub(crate) fn processes_with(needle: &[u8]) -> usize {
    let entries = fs::read_dir("/proc").expect("read /proc").filter_map(Result::ok);
    let holds =
        |path: PathBuf| fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle));
    entries.filter(|entry| holds(entry.path().join("environ"))).count()
}

pub(crate) fn lines(path: &Path) -> usize {
    fs::read(path).map_or(0, |bytes| memchr::memchr_iter(b'\n', &bytes).count())
}

/// Kills the program once the journal has so many lines. Says how many it then has; none when the program was faster.
pub(crate) fn kill_at(place: &Place, child: &mut Child, wanted: usize) -> Option<usize> {
    let mut path = place.journal();
    let killed = loop {
        if !path.is_file() {
            path = place.journal();
        }
        if lines(&path) >= wanted {
            child.kill().expect("kill it");
            break true;
        }
        if child.try_wait().expect("ask for its status").is_some() {
            break false;
        }
    };
    let status = child.wait().expect("wait for it");
    place.quiet();
    (killed && status.code().is_none()).then(|| lines(&path))
}

/// What was out when a journal broke off: the last target that was started without an end.
pub(crate) fn in_flight(plan: &Plan, entries: &[Value]) -> Option<Target> {
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
            // Sealed copies are all that a snapshot is; an edit begins with them.
            Record::Saved { target, .. }
                if plan.step(&target.step).is_some_and(|step| matches!(step.action.act, Act::Snapshot(_))) =>
            {
                out = None;
            }
            // The last answer is the end of a step that only checks; of any other it comes after its end.
            Record::Probed { .. } | Record::Answered { .. } | Record::ByHand { .. } | Record::Skipped { .. } => {
                out = None;
            }
            _ => {}
        }
    }
    out
}

pub(crate) fn told(prefix: &[Value]) -> String {
    prefix.iter().map(brief).collect::<Vec<_>>().join("\n")
}

/// Counts the goes in which records from a number on were written: what follows at once is written in one go.
pub(crate) fn goes(entries: &[Value], from: usize) -> usize {
    let at = |entry: &Value| {
        let at: jiff::Timestamp = serde_json::from_value(entry["at"].clone()).expect("a time");
        at.as_millisecond()
    };
    entries[from - 1..].windows(2).filter(|two| at(&two[1]) - at(&two[0]) >= 4).count()
}

/// Does something for each number of records until the program is faster than the knife; several times where a record
/// was missed because two were written in one go. Returns the numbers that were met.
pub(crate) fn for_every_record(from: usize, mut trial: impl FnMut(usize) -> Option<usize>) -> BTreeSet<usize> {
    let (mut met, mut wanted) = (BTreeSet::new(), from);
    loop {
        let mut hit = None;
        for _ in 0..2 {
            hit = trial(wanted);
            let Some(hit) = hit else { break };
            met.insert(hit);
            if hit == wanted {
                break;
            }
        }
        if hit.is_none() {
            return met;
        }
        wanted += 1;
        while met.contains(&wanted) {
            wanted += 1;
        }
    }
}
