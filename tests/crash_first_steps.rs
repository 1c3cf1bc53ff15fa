//! The tutorial, killed with -9 before every record: its run, the way on from where a person was needed, and its rollback.
//!
//! It has what `crash.yaml` has not: a service that outlives the step that starts it, and a key that a person brings. After each
//! kill the run comes to its end: nothing that is on record as done is done once more, and nothing is left behind.

#![expect(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runsheet::engine::{End, Engine, StepState};
use runsheet::journal;
use runsheet::playbook::check;
use runsheet::playbook::plan::Plan;
use tempfile::TempDir;

use crate::support::desk::{Called, Desk, brief};
use crate::support::knife::{Knife, told};
use crate::support::process::free_port;

const PLAYBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/first-steps.yaml");
/// A service that may have been started is stopped first: it is not started twice.
const ANSWERS: &str = "
make-first-key: { unknown: retry }
set-up: { unknown: retry }
start-service: { unknown: undo }
keep-copy: { unknown: retry }
write-key: { unknown: retry }
restart-service: { unknown: retry }
clear-away: { unknown: retry }
";
const FETCHED: &str = "fetch-key: { new_key: 'file:key' }\n";
const THE_REST: &str = "retire-first-key: { confirm: done, unknown: retry }\nseen: done\n";

/// A folder for the service, and a desk beside it.
struct Place {
    folder: TempDir,
    desk: Desk,
    port: u16,
    plan: Arc<Plan>,
}

impl Place {
    fn make() -> Self {
        let folder = TempDir::with_prefix("first-").expect("make a folder");
        let desk = Desk::make(folder.path());
        let text = fs::read_to_string(PLAYBOOK).expect("read the playbook");
        Self { desk, port: free_port(), plan: Arc::new(check(&text).expect("the playbook holds").plan), folder }
    }

    fn play(&self) -> PathBuf {
        self.folder.path().join("play")
    }

    fn unattended(&self, words: &[&str], answers: &[&str]) -> Vec<String> {
        let answers = self.desk.answers("answers.yaml", &answers.concat());
        words.iter().copied().chain(["--unattended", "--answers", &answers]).map(str::to_owned).collect()
    }

    fn run_words(&self) -> Vec<String> {
        let (folder, port) = (format!("folder={}", self.play().display()), format!("port={}", self.port));
        let inputs = ["--input", &folder, "--input", &port, "--input", "mishap=no"];
        self.unattended(&[&["run", PLAYBOOK], &inputs[..]].concat(), &[ANSWERS])
    }

    /// The words that go on with the run: `resume` or `rollback`.
    fn words_on(&self, what: &str, answers: &[&str]) -> Vec<String> {
        self.unattended(&[what, &self.desk.run_id()], answers)
    }

    /// Walks to where a person fetches the key, and fetches it.
    fn stands_at_the_key(&self) {
        self.desk.call(self.run_words()).ends_with(7);
        self.fetches();
    }

    fn fetches(&self) {
        let console = fs::read_to_string(self.play().join("console.txt")).expect("read the console");
        let key = console.split_whitespace().find(|word| word.starts_with("key-")).expect("a key");
        self.desk.keep_secret("key", key);
    }

    /// Calls the program under the knife, which falls before the record of a number. Says whether it fell.
    fn killed(&self, number: usize, words: &[String], code: i32) -> bool {
        let before = self.desk.journal().len();
        let called = Knife::Append(number).over(&self.desk, words);
        self.quiet();
        if called.code.is_some() {
            called.ends_with(code);
            return false;
        }
        assert_eq!(self.desk.journal().len(), before + number - 1, "exactly there");
        true
    }

    /// Waits until no command of the playbook is at work any more; the service itself goes on.
    fn quiet(&self) {
        let begin = Instant::now();
        let ours = self.folder.path().as_os_str().as_encoded_bytes();
        let run = self.desk.run_id();
        let has = |path: PathBuf, needle: &[u8]| {
            fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle))
        };
        let works = || {
            let processes = fs::read_dir("/proc").expect("read /proc").filter_map(Result::ok);
            processes.map(|entry| entry.path()).any(|process| {
                let shell = fs::read(process.join("comm")).is_ok_and(|name| name == b"bash\n");
                // Who keeps a command's output is known by the run's id.
                (shell && has(process.join("environ"), ours)) || has(process.join("cmdline"), run.as_bytes())
            })
        };
        while works() {
            assert!(begin.elapsed() < Duration::from_mins(1), "what a killed program leaves comes to its end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Holds that the journal is sound, ends so, and that nothing was done again that was on record as done.
    #[track_caller]
    fn is_over(&self, end: End, called: &Called) {
        let entries = self.desk.journal();
        let told = format!("{}\n{}\n{}", told(&entries), called.out, called.err);
        let mut engine = Engine::new(Arc::clone(&self.plan));
        let path = self.desk.run_folder().join("journal.jsonl");
        journal::read(&path, false, |stamped| engine.replay(&stamped)).expect("the journal is sound");
        assert_eq!(engine.run().ended.map(|(end, _)| end), Some(end), "{told}");
        let unknown = engine.run().steps.iter().any(|step| step.state == StepState::Unknown);
        assert!(!unknown, "{told}");
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for record in entries.iter().map(brief) {
            *times.entry(record).or_default() += 1;
        }
        let done = times
            .iter()
            .filter_map(|(record, times)| Some((record.strip_prefix("performed ")?.strip_suffix(" ok")?, times)));
        for (target, &done) in done {
            // What was out when the knife fell may have been undone, and begun anew.
            let most = target.split_once(".undo-").map_or(1, |(step, _)| times[&format!("started {step}")]);
            assert!(done <= most, "{target} was done {done} times\n{told}");
        }
        assert!(!self.play().exists(), "{told}");
        assert!(!self.desk.run_folder().join("vault.age").exists(), "{told}");
    }

    fn began(&self, what: &str) -> bool {
        self.desk.journal().iter().any(|entry| entry["record"].get(what).is_some())
    }
}

impl Drop for Place {
    /// No test leaves the service behind, however it ends.
    fn drop(&mut self) {
        let service = self.play().join("service.pl");
        if service.exists() {
            let mut stop = std::process::Command::new("perl");
            let _ = stop.arg(service).arg("stop").arg(self.port.to_string()).output();
        }
    }
}

/// Tries 1, 2, 3, … until nothing is killed any more. Says how often something was.
fn sweep(trial: impl Fn(usize) -> bool) -> usize {
    (1..100).take_while(|number| trial(*number)).count()
}

/// From the first step to where a person is needed, and all of it undone.
#[test]
fn its_beginning_killed_before_every_record() {
    let kills = sweep(|number| {
        let place = Place::make();
        // The journal must be there to be watched; it is from the first sync on.
        assert_eq!(Knife::Sync(1).over(&place.desk, &place.run_words()).code, None, "killed at its first sync");
        place.quiet();
        let killed = place.killed(number, &place.words_on("resume", &[ANSWERS]), 7);
        if killed {
            place.desk.call(place.words_on("resume", &[ANSWERS])).ends_with(7);
        }
        let undone = place.desk.call(place.words_on("rollback", &[ANSWERS])).ends_with(4);
        place.is_over(End::RolledBack, &undone);
        killed
    });
    assert!((10..99).contains(&kills), "killed {kills} times");
}

/// From the key that a person brought to the end.
#[test]
fn its_way_on_killed_before_every_record() {
    let kills = sweep(|number| {
        let place = Place::make();
        place.stands_at_the_key();
        let words = place.words_on("resume", &[ANSWERS, FETCHED, THE_REST]);
        let killed = place.killed(number, &words, 0);
        let mut called = Called { code: Some(0), out: String::new(), err: String::new() };
        if killed && !place.began("ended") {
            called = place.desk.call(&words).ends_with(0);
        }
        place.is_over(End::Completed, &called);
        killed
    });
    assert!((20..99).contains(&kills), "killed {kills} times");
}

/// Back from where the service runs on its new key.
#[test]
fn its_rollback_killed_before_every_record() {
    let answers = ANSWERS.replace("unknown: undo", "unknown: retry");
    let kills = sweep(|number| {
        let place = Place::make();
        place.stands_at_the_key();
        place.desk.call(place.words_on("resume", &[ANSWERS, FETCHED])).ends_with(7);
        let killed = place.killed(number, &place.words_on("rollback", &[&answers, FETCHED]), 4);
        let mut called = Called { code: Some(4), out: String::new(), err: String::new() };
        if killed && !place.began("ended") {
            // Before the rollback is on record the run goes forward, so the word is said again.
            let what = if place.began("rollback_begun") { "resume" } else { "rollback" };
            called = place.desk.call(place.words_on(what, &[&answers, FETCHED])).ends_with(4);
        }
        place.is_over(End::RolledBack, &called);
        killed
    });
    assert!((12..99).contains(&kills), "killed {kills} times");
}
