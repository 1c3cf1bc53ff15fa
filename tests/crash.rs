//! kill -9 again and again, forward and back, and the way to the end from there.
//!
//! The knife falls as soon as the journal, watched from outside, has so many records: at one more each time, as near as the
//! machine allows. Which prefixes it leaves is chance where records are written together, so what is held is that most of
//! the places are met on a quiet machine and some on any, and that each that is met leads to the end.
//!
//! What the knife leaves is what any crash leaves: a prefix of whole records, perhaps a torn one, and commands that nobody
//! waits for.

#![expect(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runsheet::engine::{Engine, StepState};
use runsheet::playbook::plan::{Act, StepId};
use serde_json::Value;

use crate::support::knife::{ANSWERS, Place, SETTINGS, for_every_record, goes, in_flight, kill_at, lines, told};

/// Holds what must be true after a crash and the way to the end.
fn holds_after(place: &Place, prefix: &[Value], told: &str) {
    let journal = place.desk.journal();
    assert_eq!(&journal[..prefix.len()], prefix, "what was written stays\n{told}");
    let out = in_flight(&place.plan, prefix);
    let resumed = journal.iter().position(|entry| entry["record"].get("resumed").is_some()).expect("it was resumed");
    if let Some(target) = &out {
        let mut engine = Engine::new(Arc::clone(&place.plan));
        for entry in &journal[..=resumed] {
            let at = serde_json::from_value(entry["at"].clone()).expect("a time");
            let record = serde_json::from_value(entry["record"].clone()).expect("a record");
            engine.replay(&runsheet::engine::Stamped { at, record });
        }
        let (plan, run) = (engine.plan(), engine.run());
        let state = run.step(plan, &target.step).map(|step| step.state);
        let step = plan.step(&target.step).expect("a step of the playbook");
        let wanted: &[StepState] = match &step.action.act {
            Act::Verify => &[StepState::Verifying],
            Act::Person(_) => &[StepState::Waiting],
            _ if step.read_only => &[StepState::Pending],
            Act::Run(_) | Act::Generate(_) | Act::Edit(_) | Act::Snapshot(_) | Act::Wait(_) => &[StepState::Unknown],
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
        assert!(times <= most, "{word} ran {times} times\n{told}");
    }
}

#[test]
fn forward_from_wherever_it_was_killed() {
    let mut wanted_goes = 0;
    let met = for_every_record(1, |wanted| {
        let place = Place::make();
        let mut command = place.desk.program(place.words(false));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("start the program");
        let Some(hit) = kill_at(&place, &mut child, wanted) else {
            wanted_goes = goes(&place.desk.journal(), 1);
            return None;
        };
        let prefix = place.desk.journal();
        let told = told(&prefix);
        let over = prefix.last().is_some_and(|entry| entry["record"].get("ended").is_some());
        place.go_on("resume").ends_with(if over { 2 } else { 0 });
        if !over {
            holds_after(&place, &prefix, &told);
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
    assert!(met.len() >= 5, "{} of at least {wanted_goes}: {met:?}", met.len());
}

#[test]
fn back_from_wherever_it_was_killed() {
    let start = |place: &Place| {
        place.desk.call(place.words(true)).ends_with(7);
        lines(&place.journal())
    };
    let from = start(&Place::make()) + 1;
    let mut wanted_goes = 0;
    let met = for_every_record(from, |wanted| {
        let place = Place::make();
        start(&place);
        let answers = place.answers(true);
        let words = ["rollback", &place.desk.run_id(), "--unattended", "--answers", &answers].map(str::to_owned);
        let mut command = place.desk.program(words);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("start the program");
        let Some(hit) = kill_at(&place, &mut child, wanted) else {
            wanted_goes = goes(&place.desk.journal(), from);
            return None;
        };
        let prefix = place.desk.journal();
        let told = told(&prefix);
        let begun = prefix.iter().any(|entry| entry["record"].get("rollback_begun").is_some());
        let over = prefix.last().is_some_and(|entry| entry["record"].get("ended").is_some());
        if !over {
            // Before the rollback is on record the run goes forward, so the word is said again.
            place.go_on(if begun { "resume" } else { "rollback" }).ends_with(4);
        }
        let journal = place.desk.journal();
        assert_eq!(&journal[..prefix.len()], &prefix[..], "what was written stays\n{told}");
        let ended = place.engine().run().ended.map(|(end, _)| end);
        assert_eq!(ended, Some(runsheet::engine::End::RolledBack), "{told}");
        let about = fs::metadata(place.at("settings.env")).expect("look at the settings");
        assert_eq!(fs::read_to_string(place.at("settings.env")).expect("read the settings"), SETTINGS, "{told}");
        assert_eq!(about.mode() & 0o7777, 0o640, "{told}");
        assert!(!place.at("counted").exists() && !place.at("scratch").exists(), "{told}");
        let out = in_flight(&place.plan, &prefix);
        for (word, times) in place.ran() {
            let step = word.strip_prefix("undo-").unwrap_or(&word);
            let most = if out.as_ref().is_some_and(|out| out.step.as_str() == step) { 2 } else { 1 };
            assert!(times <= most, "{word} ran {times} times\n{told}");
        }
        Some(hit)
    });
    assert!(met.len() >= 2, "{} of {wanted_goes}: {met:?}", met.len());
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
