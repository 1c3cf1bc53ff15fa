//! kill -9 at every sync and at every record of the journal, forward and back, and the way to the end from there.
//!
//! Proved by a sweep each, killed at the first such place, the second, … until a call ends by itself: the journal is sound
//! and keeps what it had; a command begins after its record is safe; what was out and changes something is unknown; what was
//! done is not done again; the end is the one without a kill. Further: commands that are killed in their middle, a torn
//! line, and the lock.

#![expect(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runsheet::engine::{End, Engine, Stamped, StepState, Target, undo};
use runsheet::playbook::plan::Act;
use serde_json::Value;

use crate::support::knife::{ANSWERS, Knife, Place, SETTINGS, in_flight, spool_of, told};

/// Holds that nothing ran twice but what was out when the program was killed.
fn nothing_ran_again(place: &Place, out: Option<&Target>, told: &str) {
    for (word, times) in place.ran() {
        let most = if out.is_some_and(|out| word_of(out) == word) { 2 } else { 1 };
        assert!(times <= most, "{word} ran {times} times\n{told}");
    }
}

/// Says what the command of a target writes into the file `ran`.
fn word_of(target: &Target) -> String {
    format!("{}{}", if target.undo.is_some() { "undo-" } else { "" }, target.step)
}

/// Holds that what was out has the right state once the run is resumed: unknown where it changes something.
fn out_is_unknown(place: &Place, prefix: &[Value], journal: &[Value], told: &str) {
    let Some(target) = in_flight(prefix) else { return };
    let is_resumed = |entry: &Value| entry["record"].get("resumed").is_some();
    let resumed = prefix.len() + journal[prefix.len()..].iter().position(is_resumed).expect("it was resumed");
    let mut engine = Engine::new(Arc::clone(&place.plan));
    for entry in &journal[..=resumed] {
        let at = serde_json::from_value(entry["at"].clone()).expect("a time");
        let record = serde_json::from_value(entry["record"].clone()).expect("a record");
        engine.replay(&Stamped { at, record });
    }
    let (plan, run) = (engine.plan(), engine.run());
    let step = plan.step(&target.step).expect("a step of the playbook");
    let state = match target.undo {
        None => run.step(plan, &target.step).map(|step| step.state),
        Some(_) => run.undo(plan, &target).map(|undo| undo.state),
    };
    let act = match undo::action(plan, &target).filter(|_| target.undo.is_some()) {
        Some(undo::UndoAction::Author(action)) => Some(&action.act),
        Some(undo::UndoAction::Restore) => None,
        None => Some(&step.action.act),
    };
    let wanted = match act {
        Some(Act::Verify) => StepState::Verifying,
        Some(Act::Person(_)) => StepState::Waiting,
        Some(_) if step.read_only && target.undo.is_none() => StepState::Pending,
        // Once its copies are on record there is nothing left to do.
        Some(Act::Snapshot(_)) if prefix.last().is_some_and(|last| last["record"].get("saved").is_some()) => {
            StepState::Done
        }
        Some(Act::Run(_) | Act::Generate(_) | Act::Edit(_) | Act::Snapshot(_) | Act::Wait(_)) | None => {
            StepState::Unknown
        }
    };
    assert_eq!(state, Some(wanted), "{target:?}\n{told}");
}

/// Holds that a command that is only about to start has not run: its record must be safe first.
fn not_before_its_record(place: &Place, prefix: &[Value]) {
    let last = prefix.last().expect("a record");
    if last["record"].get("started").is_some() {
        let target = in_flight(prefix).expect("it is out");
        assert!(!place.ran().contains_key(&word_of(&target)), "{target:?} has run\n{}", told(prefix));
    }
}

fn is_over(prefix: &[Value]) -> bool {
    prefix.last().is_some_and(|entry| entry["record"].get("ended").is_some())
}

/// Goes on with a run that was killed, and holds what must be true at its end.
fn comes_through(place: &Place) {
    place.engine();
    let prefix = place.desk.journal();
    let told = told(&prefix);
    place.go_on("resume").ends_with(if is_over(&prefix) { 2 } else { 0 });
    let journal = place.desk.journal();
    assert_eq!(&journal[..prefix.len()], prefix, "what was written stays\n{told}");
    if !is_over(&prefix) {
        out_is_unknown(place, &prefix, &journal, &told);
    }
    nothing_ran_again(place, in_flight(&prefix).as_ref(), &told);

    assert_eq!(place.engine().run().ended.map(|(end, _)| end), Some(End::Completed), "{told}");
    let settings = fs::read_to_string(place.at("settings.env")).expect("read the settings");
    let key = settings.lines().nth(1).and_then(|line| line.strip_prefix("KEY=")).expect("a key");
    assert_eq!(key.len(), 24, "{told}");
    assert_eq!(settings.replace(key, "CANARY-old-key"), SETTINGS);
    assert_eq!(fs::read_to_string(place.at("counted")).expect("read the number"), "7\n");
    assert!(!place.at("scratch").exists() && !place.desk.run_folder().join("vault.age").exists(), "{told}");
    for word in ["look", "count", "reset", "use", "tidy"] {
        assert!(place.ran().contains_key(word), "{word} ran\n{told}");
    }
}

/// Goes on with a rollback that was killed, and holds what must be true at its end.
fn comes_back(place: &Place) {
    place.engine();
    let prefix = place.desk.journal();
    let told = told(&prefix);
    let begun = prefix.iter().any(|entry| entry["record"].get("rollback_begun").is_some());
    if !is_over(&prefix) {
        // Before the rollback is on record the run goes forward, so the word is said again.
        place.go_on(if begun { "resume" } else { "rollback" }).ends_with(4);
        out_is_unknown(place, &prefix, &place.desk.journal(), &told);
    }
    assert_eq!(&place.desk.journal()[..prefix.len()], prefix, "what was written stays\n{told}");
    nothing_ran_again(place, in_flight(&prefix).as_ref(), &told);

    assert_eq!(place.engine().run().ended.map(|(end, _)| end), Some(End::RolledBack), "{told}");
    let about = fs::metadata(place.at("settings.env")).expect("look at the settings");
    assert_eq!(fs::read_to_string(place.at("settings.env")).expect("read the settings"), SETTINGS, "{told}");
    assert_eq!(about.mode() & 0o7777, 0o640, "{told}");
    assert!(!place.at("counted").exists() && !place.at("scratch").exists(), "{told}");
    for word in ["undo-use", "undo-reset", "undo-count", "settle"] {
        assert!(place.ran().contains_key(word), "{word} ran\n{told}");
    }
}

/// Tries 1, 2, 3, … until nothing is killed any more. Says how often something was.
fn sweep(trial: impl Fn(usize) -> bool) -> usize {
    (1..200).take_while(|number| trial(*number)).count()
}

#[test]
fn forward_killed_at_every_sync() {
    let kills = sweep(|number| {
        let place = Place::make();
        let killed = place.killed(Knife::Sync(number), &place.words(false), 0);
        if killed {
            not_before_its_record(&place, &place.desk.journal());
        }
        comes_through(&place);
        killed
    });
    assert!((12..199).contains(&kills), "killed {kills} times");
}

#[test]
fn forward_killed_before_every_record() {
    let kills = sweep(|number| {
        let place = Place::make();
        // The journal must be there to be watched; it is from the first sync on.
        assert!(place.killed(Knife::Sync(1), &place.words(false), 0));
        let before = place.desk.journal().len();
        let killed = place.killed(Knife::Append(number), &place.words_on("resume"), 0);
        if killed {
            assert_eq!(place.desk.journal().len(), before + number - 1, "exactly there");
        }
        comes_through(&place);
        killed
    });
    assert!((25..199).contains(&kills), "killed {kills} times");
}

#[test]
fn back_killed_at_every_sync() {
    let kills = sweep(|number| {
        let place = Place::make();
        place.desk.call(place.words(true)).ends_with(7);
        let killed = place.killed(Knife::Sync(number), &place.words_on("rollback"), 4);
        if killed {
            not_before_its_record(&place, &place.desk.journal());
        }
        comes_back(&place);
        killed
    });
    assert!((6..199).contains(&kills), "killed {kills} times");
}

#[test]
fn back_killed_before_every_record() {
    let kills = sweep(|number| {
        let place = Place::make();
        place.desk.call(place.words(true)).ends_with(7);
        let before = place.desk.journal().len();
        let killed = place.killed(Knife::Append(number), &place.words_on("rollback"), 4);
        if killed {
            assert_eq!(place.desk.journal().len(), before + number - 1, "exactly there");
        }
        comes_back(&place);
        killed
    });
    assert!((12..199).contains(&kills), "killed {kills} times");
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

/// What a command prints after the program was killed is not lost: it can go on writing, and its captures are taken from what
/// was kept.
#[test]
fn what_a_command_prints_outlives_the_program() {
    let place = Place::make();
    fs::write(place.at("die-reset"), "").expect("write the mark");
    assert_eq!(place.desk.call(place.words(false)).code, None, "it was killed");
    place.quiet();
    let token = fs::read_to_string(place.at("scratch")).expect("it went on to its end");
    let kept = spool_of(&place.desk.run_id());
    assert_eq!(fs::read_to_string(kept.join("reset.1.out")).expect("what it printed was kept"), token);
    for file in ["reset.1.out", "reset.1.err"] {
        assert_eq!(fs::metadata(kept.join(file)).expect("it was kept").mode() & 0o777, 0o600, "{file}");
    }
    assert_eq!(fs::metadata(&kept).expect("the folder").mode() & 0o777, 0o700);

    let silent = ANSWERS.replace("reset: { unknown: retry }\n", "");
    let answers = place.desk.answers("answers.yaml", &format!("{silent}fine: done\n"));
    let asked = place.desk.call(["resume", "--unattended", "--answers", &answers]).ends_with(7);
    assert!(asked.out.contains("what it had printed was kept: captured token"), "{}", asked.out);
    assert!(!asked.out.contains("CANARY"), "{}", asked.out);
    assert!(!kept.exists(), "nothing of it is left in the clear");
    let transcript = fs::read_to_string(place.desk.run_folder().join("transcript/reset.1.log")).expect("a transcript");
    assert_eq!(transcript, "[secret]\n", "the transcript is whole, and masked");

    // The operator looked: it was done. What it gave is used by the next step, and it did not run again.
    let said = place.desk.answers("answers.yaml", &format!("{silent}fine: done\nreset: {{ unknown: done }}\n"));
    place.desk.call(["resume", "--unattended", "--answers", &said]).ends_with(0);
    assert_eq!((place.ran()["reset"], place.ran()["use"]), (1, 1));
    assert!(!kept.parent().expect("a place").join(place.desk.run_id()).exists());
}

/// What nothing can be captured from is kept as well: sealed, beside the copies of files.
#[test]
fn what_nothing_can_be_captured_from_is_kept_sealed() {
    let place = Place::make();
    fs::write(place.at("die-reset"), "").expect("write the mark");
    assert_eq!(place.desk.call(place.words(false)).code, None, "it was killed");
    place.quiet();
    let kept = spool_of(&place.desk.run_id());
    // As if who wrote it had been killed too: it may not be whole.
    fs::rename(kept.join("reset.1.out"), kept.join("reset.1.out.part")).expect("rename it");
    let silent = ANSWERS.replace("reset: { unknown: retry }\n", "");
    let answers = place.desk.answers("answers.yaml", &format!("{silent}fine: done\n"));
    let asked = place.desk.call(["resume", "--unattended", "--answers", &answers]).ends_with(7);
    assert!(asked.out.contains("kept sealed as snapshots/reset.1.output.age: it may not be whole"), "{}", asked.out);
    let sealed = fs::read(place.desk.run_folder().join("snapshots/reset.1.output.age")).expect("it is there");
    assert!(sealed.starts_with(b"age-encryption.org/v1"));
    assert!(!kept.exists(), "nothing of it is left in the clear");
    place.go_on("resume").ends_with(0);
}

/// As long as the command may still print, that is said, and nothing is taken from half of it.
#[test]
fn a_command_that_still_runs_is_told() {
    let place = Place::make();
    let hold = place.at("hold-reset");
    rustix::fs::mknodat(rustix::fs::CWD, &hold, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .expect("make a pipe");
    fs::write(place.at("die-reset"), "").expect("write the mark");
    assert_eq!(place.desk.call(place.words(false)).code, None, "it was killed");
    let silent = ANSWERS.replace("reset: { unknown: retry }\n", "");
    let answers = place.desk.answers("answers.yaml", &format!("{silent}fine: done\n"));
    let resume = ["resume", "--unattended", "--answers", &answers];
    let asked = place.desk.call(resume).ends_with(7);
    assert!(asked.out.contains("what reset started still runs"), "{}", asked.out);
    drop(fs::OpenOptions::new().write(true).open(&hold).expect("let the command go on"));
    place.quiet();
    let asked = place.desk.call(resume).ends_with(7);
    assert!(asked.out.contains("what it had printed was kept: captured token"), "{}", asked.out);
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
