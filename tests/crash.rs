//! kill -9 at every record of the journal, forward and back, and the way to the end from there.
//!
//! The test watches the journal and kills the program as soon as it holds so many lines. What it meets is what any crash
//! leaves: a prefix of whole records, perhaps a torn one, and commands that nobody waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runsheet::engine::{Engine, Record, StepState, Target};
use runsheet::journal;
use runsheet::playbook::check;
use runsheet::playbook::plan::{Plan, StepId};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::{Desk, brief};
use crate::support::process::write_with_mode;

const PLAYBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/good/crash.yaml");
const SETTINGS: &str = "# settings\nKEY=CANARY-old-key\nOTHER='kept'\n";
/// What a person would say to everything that may be unknown: do it again.
const ANSWERS: &str = "
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
struct Place {
    folder: TempDir,
    desk: Desk,
    plan: Arc<Plan>,
}

impl Place {
    fn make() -> Self {
        let folder = TempDir::with_prefix("crash-").expect("make a folder");
        write_with_mode(&folder.path().join("settings.env"), 0o640, SETTINGS);
        let desk = Desk::make(folder.path());
        desk.keep_secret("word", "CANARY-word");
        let text = fs::read_to_string(PLAYBOOK).expect("read the playbook");
        let plan = Arc::new(check(&text).expect("the playbook holds").plan);
        Self { folder, desk, plan }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The words of a run that ends by itself, or (`short`) before the statement of its success.
    fn words(&self, short: bool) -> Vec<String> {
        let answers = self.answers(!short);
        let root = format!("root={}", self.folder.path().display());
        ["run", PLAYBOOK, "--input", &root, "--unattended", "--answers", &answers].map(str::to_owned).to_vec()
    }

    fn answers(&self, whole: bool) -> String {
        let fine = if whole { "fine: done\n" } else { "" };
        self.desk.answers("answers.yaml", &format!("{ANSWERS}{fine}"))
    }

    fn journal(&self) -> PathBuf {
        self.desk.runs().pop().map(|folder| folder.join("journal.jsonl")).unwrap_or_default()
    }

    fn go_on(&self, what: &str) -> crate::support::desk::Called {
        let answers = self.answers(true);
        self.desk.call([what, &self.desk.run_id(), "--unattended", "--answers", &answers])
    }

    /// Says how often each command ran.
    fn ran(&self) -> BTreeMap<String, usize> {
        let mut ran = BTreeMap::new();
        for word in fs::read_to_string(self.at("ran")).unwrap_or_default().lines() {
            *ran.entry(word.to_owned()).or_default() += 1;
        }
        ran
    }

    /// Folds the journal, which must be sound.
    fn engine(&self) -> Engine {
        let mut engine = Engine::new(Arc::clone(&self.plan));
        journal::read(&self.journal(), false, |stamped| engine.replay(&stamped)).expect("the journal is sound");
        engine
    }

    /// Waits until nothing that the program started is left.
    fn quiet(&self) {
        let needle = self.folder.path().as_os_str().as_encoded_bytes();
        let begin = Instant::now();
        while processes_with(needle) > 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "what a killed program leaves comes to its end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn processes_with(needle: &[u8]) -> usize {
    let entries = fs::read_dir("/proc").expect("read /proc").filter_map(Result::ok);
    let holds =
        |path: PathBuf| fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle));
    entries.filter(|entry| holds(entry.path().join("environ"))).count()
}

fn lines(path: &Path) -> usize {
    fs::read(path).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
}

/// Kills the program once the journal has so many lines. Says how many it then has; none when the program was faster.
fn kill_at(place: &Place, child: &mut Child, wanted: usize) -> Option<usize> {
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
fn in_flight(entries: &[Value]) -> Option<Target> {
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
            Record::Answered { .. } | Record::ByHand { .. } | Record::Skipped { .. } => out = None,
            _ => {}
        }
    }
    out
}

/// Holds what must be true after a crash and the way to the end.
fn holds_after(place: &Place, prefix: &[Value], before: &BTreeMap<String, usize>, told: &str) {
    let journal = place.desk.journal();
    assert_eq!(&journal[..prefix.len()], prefix, "what was written stays\n{told}");
    let out = in_flight(prefix);
    let resumed = journal.iter().position(|entry| entry["record"].get("resumed").is_some()).expect("it was resumed");
    if let Some(target) = &out {
        let mut engine = Engine::new(Arc::clone(&place.plan));
        for entry in &journal[..=resumed] {
            let at = serde_json::from_value(entry["at"].clone()).expect("a time");
            let record = serde_json::from_value(entry["record"].clone()).expect("a record");
            engine.replay(&runsheet::engine::Stamped { at, record });
        }
        let (plan, run) = (engine.plan(), engine.run());
        let state = match target.undo {
            Some(_) => run.undo(plan, target).map(|undo| undo.state),
            None => run.step(plan, &target.step).map(|step| step.state),
        };
        let step = plan.step(&target.step).expect("a step of the playbook");
        let wanted: &[StepState] = match &step.action.act {
            _ if step.read_only => &[StepState::Pending],
            runsheet::playbook::plan::Act::Person(_) if target.undo.is_none() => &[StepState::Waiting],
            runsheet::playbook::plan::Act::Verify => &[StepState::Verifying],
            _ => &[StepState::Unknown, StepState::Waiting, StepState::Verifying],
        };
        assert!(state.is_some_and(|state| wanted.contains(&state)), "{target:?} is {state:?}\n{told}");
    }
    // What had come to its end is not done again; only what was out may be.
    for (word, times) in place.ran() {
        let step = word.strip_prefix("undo-").unwrap_or(&word);
        let flying = out
            .as_ref()
            .is_some_and(|out| out.step == StepId::new(step) && out.undo.is_some() == word.starts_with("undo-"));
        let most = if flying { 2 } else { 1 };
        assert!(times <= most, "{word} ran {times} times (before: {before:?})\n{told}");
    }
}

fn told(prefix: &[Value]) -> String {
    prefix.iter().map(brief).collect::<Vec<_>>().join("\n")
}

/// Does something for each number of records until the program is faster than the knife; several times where a record
/// was missed because two were written in one go. Returns the numbers that were met.
fn for_every_record(from: usize, mut trial: impl FnMut(usize) -> Option<usize>) -> (BTreeSet<usize>, usize) {
    let (mut met, mut wanted) = (BTreeSet::new(), from);
    let mut last = from;
    loop {
        let mut hit = None;
        for _ in 0..3 {
            hit = trial(wanted);
            let Some(hit) = hit else { break };
            met.insert(hit);
            last = last.max(hit);
            if hit == wanted {
                break;
            }
        }
        if hit.is_none() {
            return (met, last);
        }
        wanted += 1;
        while met.contains(&wanted) {
            wanted += 1;
        }
    }
}

#[test]
fn forward_from_every_record() {
    let (met, last) = for_every_record(1, |wanted| {
        let place = Place::make();
        let mut command = place.desk.program(place.words(false));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("start the program");
        let hit = kill_at(&place, &mut child, wanted)?;
        let (prefix, before) = (place.desk.journal(), place.ran());
        let told = told(&prefix);
        let over = prefix.last().is_some_and(|entry| entry["record"].get("ended").is_some());
        place.go_on("resume").ends_with(if over { 2 } else { 0 });
        if !over {
            holds_after(&place, &prefix, &before, &told);
        }

        let ended = place.engine().run().ended.map(|(end, _)| end);
        assert_eq!(ended, Some(runsheet::engine::End::Completed), "{told}");
        let settings = fs::read_to_string(place.at("settings.env")).expect("read the settings");
        let key = settings.lines().nth(1).and_then(|line| line.strip_prefix("KEY=")).expect("a key");
        assert_eq!(key.len(), 24, "{told}");
        assert_eq!(settings.replace(key, "CANARY-old-key"), SETTINGS);
        assert_eq!(fs::read_to_string(place.at("counted")).expect("read the number"), "7\n");
        assert!(!place.at("scratch").exists() && !place.desk.run_folder().join("vault.age").exists(), "{told}");
        for word in ["look", "count", "reset", "use", "tidy"] {
            assert!(place.ran().contains_key(word), "{word} ran\n{told}");
        }
        Some(hit)
    });
    assert!(last >= 40 && met.len() * 4 >= last * 3, "{} of {last} records: {met:?}", met.len());
}

#[test]
fn back_from_every_record() {
    let start = |place: &Place| {
        place.desk.call(place.words(true)).ends_with(7);
        lines(&place.journal())
    };
    let from = start(&Place::make()) + 1;
    let (met, last) = for_every_record(from, |wanted| {
        let place = Place::make();
        start(&place);
        let answers = place.answers(true);
        let words = ["rollback", &place.desk.run_id(), "--unattended", "--answers", &answers].map(str::to_owned);
        let mut command = place.desk.program(words);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("start the program");
        let hit = kill_at(&place, &mut child, wanted)?;
        let (prefix, before) = (place.desk.journal(), place.ran());
        let told = told(&prefix);
        let begun = prefix.iter().any(|entry| entry["record"].get("rollback_begun").is_some());
        let over = prefix.last().is_some_and(|entry| entry["record"].get("ended").is_some());
        if !over {
            // Before the rollback is on record the run goes forward, so the word is said again.
            place.go_on(if begun { "resume" } else { "rollback" }).ends_with(4);
        }
        let _ = before;
        let journal = place.desk.journal();
        assert_eq!(&journal[..prefix.len()], &prefix[..], "what was written stays\n{told}");
        let ended = place.engine().run().ended.map(|(end, _)| end);
        assert_eq!(ended, Some(runsheet::engine::End::RolledBack), "{told}");
        let about = fs::metadata(place.at("settings.env")).expect("look at the settings");
        assert_eq!(fs::read_to_string(place.at("settings.env")).expect("read the settings"), SETTINGS, "{told}");
        assert_eq!(about.mode() & 0o7777, 0o640, "{told}");
        assert!(!place.at("counted").exists() && !place.at("scratch").exists(), "{told}");
        let out = in_flight(&prefix);
        for (word, times) in place.ran() {
            let step = word.strip_prefix("undo-").unwrap_or(&word);
            let most = if out.as_ref().is_some_and(|out| out.step.as_str() == step) { 2 } else { 1 };
            assert!(times <= most, "{word} ran {times} times\n{told}");
        }
        Some(hit)
    });
    let all = last - from + 1;
    assert!(all >= 15 && met.len() * 4 >= all * 3, "{} of {all} records from {from}: {met:?}", met.len());
}

/// A command that ends the program in its middle: its outcome is unknown, and nothing starts it again silently.
#[test]
fn in_the_middle_of_a_command() {
    for (step, unknown, again) in
        [("count", "retry", 2), ("count", "done", 1), ("count", "undo", 2), ("reset", "retry", 2)]
    {
        let place = Place::make();
        fs::write(place.at(&format!("die-{step}")), "").expect("write the mark");
        let called = place.desk.call(place.words(false));
        assert_eq!(called.code, None, "it was killed\n{}", called.out);
        place.quiet();

        let answers = ANSWERS.replace(&format!("{step}: {{ unknown: retry }}\n"), "");
        let silent = place.desk.answers("answers.yaml", &format!("{answers}fine: done\n"));
        let asked = place.desk.call(["resume", "--unattended", "--answers", &silent]).ends_with(7);
        assert!(asked.err.contains(step) && asked.err.contains("unknown"), "{}", asked.err);
        assert_eq!(place.ran()[step], 1, "nothing is run again silently");

        if unknown == "done" {
            fs::write(place.at("counted"), "7\n").expect("do it by hand");
        }
        let said = format!("{answers}fine: done\n{step}: {{ unknown: {unknown} }}\n");
        let said = place.desk.answers("answers.yaml", &said);
        place.desk.call(["resume", "--unattended", "--answers", &said]).ends_with(0);
        assert_eq!(place.ran()[step], again, "{step}: {unknown}");
        assert_eq!(place.ran().get("undo-count").copied().unwrap_or(0), usize::from(unknown == "undo"));
    }
}

#[test]
fn in_the_middle_of_an_undo() {
    let place = Place::make();
    place.desk.call(place.words(true)).ends_with(7);
    fs::write(place.at("die-undo"), "").expect("write the mark");
    assert_eq!(place.go_on("rollback").code, None, "it was killed");
    place.quiet();
    place.go_on("resume").ends_with(4);
    assert_eq!(place.ran()["undo-count"], 2);
    assert_eq!(place.ran()["undo-use"], 1);
    assert_eq!(place.ran()["undo-reset"], 1);
    assert_eq!(place.ran()["settle"], 1);
    assert_eq!(fs::read_to_string(place.at("settings.env")).expect("read the settings"), SETTINGS);
}

#[test]
fn a_torn_last_line_is_cut_off_and_kept() {
    let place = Place::make();
    place.desk.call(place.words(true)).ends_with(7);
    let whole = place.desk.journal();
    let torn = br#"{"seq":99,"at":"2026-01-01T00:00:00Z","rec"#;
    let mut file = fs::OpenOptions::new().append(true).open(place.journal()).expect("open the journal");
    file.write_all(torn).expect("tear it");
    drop(file);
    let called = place.go_on("resume").ends_with(0);
    assert!(called.out.contains("cut off and kept"), "{}", called.out);
    assert_eq!(&place.desk.journal()[..whole.len()], &whole[..]);
    place.engine();
    let kept = fs::read_dir(place.desk.run_folder()).expect("read the folder").filter_map(Result::ok);
    let kept: Vec<PathBuf> =
        kept.map(|entry| entry.path()).filter(|path| fs::read(path).is_ok_and(|text| text == torn)).collect();
    assert_eq!(kept.len(), 1, "the torn line is kept");

    // A whole line that was changed is damage, and not mended.
    let text = fs::read_to_string(place.journal()).expect("read the journal");
    fs::write(place.journal(), text.replacen("look", "l00k", 1)).expect("change it");
    let called = place.desk.call(["rollback", &place.desk.run_id(), "--unattended"]).ends_with(1);
    assert!(called.err.contains("damaged"), "{}", called.err);
}

#[test]
fn one_run_at_a_time_and_the_lock_goes_with_its_holder() {
    let place = Place::make();
    let hold = place.at("hold");
    rustix::fs::mknodat(rustix::fs::CWD, &hold, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .expect("make a pipe");
    let mut words = place.words(false);
    words.extend(["--operator", "Ada Lovelace"].map(str::to_owned));
    let mut command = place.desk.program(&words);
    let mut first = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("start the program");
    let begin = Instant::now();
    while place.ran().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(30), "the first run looks");
        std::thread::sleep(Duration::from_millis(5));
    }
    for second in [place.desk.call(place.words(false)), place.go_on("resume"), place.go_on("rollback")] {
        let second = second.ends_with(1);
        assert!(second.err.contains("is being run by Ada Lovelace"), "{}", second.err);
        assert!(second.err.contains(&format!("process {}", first.id())), "{}", second.err);
    }
    assert_eq!(place.desk.runs().len(), 1, "the second left nothing behind");

    first.kill().expect("kill it");
    first.wait().expect("wait for it");
    drop(fs::OpenOptions::new().write(true).open(&hold).expect("let the command go on"));
    place.quiet();
    fs::remove_file(&hold).expect("remove the pipe");
    place.go_on("resume").ends_with(0);
    assert_eq!(place.ran()["look"], 2, "what only reads is run again by itself");
}
