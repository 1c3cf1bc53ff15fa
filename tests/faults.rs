//! Disks that are full or broken, and limits: the program ends in words and with a status, never in a panic or a wrong state;
//! once there is room again the run comes to its end, with nothing lost and nothing run twice.
//!
//! The faults are put in by strace at exact system calls, or are limits of the process. Each sweep goes on until a call ends
//! well by itself.

use std::fs;
use std::process::Command;

use runsheet::engine::End;

use crate::support::desk::{Called, PROGRAM, called};
use crate::support::knife::{Knife, Place, faulty, in_flight, spool_of, told};

/// The files of a run that are written in the course of it.
const FILES: &[&str] = &[
    "journal.jsonl",
    "vault.age",
    "vault.age.new",
    "snapshots/keep.1.1.age",
    "snapshots/write.1.1.age",
    "transcript/count.1.log",
    "transcript/look.2.log",
    "transcript/reset.1.log",
    "transcript/tidy.1.log",
    "transcript/use.1.log",
];

/// Holds what must be true of a call that met a fault.
#[track_caller]
fn ended_in_words(called: &Called, what: &str) {
    assert!(called.code.is_some_and(|code| code != 0), "{what}: ended with {:?}\n{}", called.code, called.err);
    assert!(!called.err.contains("panicked") && !called.out.contains("panicked"), "{what}\n{}", called.err);
    assert!(called.err.starts_with("runsheet: ") && called.err.contains("now: "), "{what}\n{}", called.err);
    assert!(!called.err.contains("CANARY") && !called.out.contains("CANARY"), "{what}\n{}", called.err);
}

/// Goes on once all is well again, and holds what must be true at the end.
#[track_caller]
fn comes_through(place: &Place, what: &str) {
    let prefix = if place.desk.runs().is_empty() { Vec::new() } else { place.desk.journal() };
    let told = format!("{what}\n{}", told(&prefix));
    if prefix.is_empty() {
        // It never began, and nothing ran.
        assert!(place.ran().is_empty(), "{told}");
        place.desk.call(place.words(false)).ends_with(0);
        return;
    }
    place.engine();
    let over = prefix.last().is_some_and(|entry| entry["record"].get("ended").is_some());
    let out = in_flight(&prefix);
    // A step that failed is asked for again by its answer; one that needs another word is told so at most once.
    let called = place.go_on("resume");
    assert_eq!(called.code, Some(if over { 2 } else { 0 }), "{told}\n{}\n{}", called.out, called.err);
    assert_eq!(&place.desk.journal()[..prefix.len()], prefix, "what was written stays\n{told}");
    let failed = prefix.iter().filter_map(|entry| {
        let performed = entry["record"].get("performed")?;
        (performed["outcome"]["how"] != "ok").then(|| performed["target"]["step"].as_str().map(str::to_owned))?
    });
    let failed: Vec<String> = failed.collect();
    for (word, times) in place.ran() {
        let again = out.as_ref().is_some_and(|out| out.step.as_str() == word) || failed.contains(&word);
        assert!(times <= if again { 2 } else { 1 }, "{word} ran {times} times\n{told}");
    }
    assert_eq!(place.engine().run().ended.map(|(end, _)| end), Some(End::Completed), "{told}");
    assert!(!place.desk.run_folder().join("vault.age").exists(), "{told}");
    assert!(!spool_of(&place.desk.run_id()).exists(), "nothing is left in memory\n{told}");
}

/// A run whose folder is there and of which nothing has happened yet.
fn begun() -> Place {
    let place = Place::make();
    assert!(place.killed(Knife::Sync(1), &place.words(false), 0));
    place
}

/// From each write on, and each setting aside of room, the disk is full.
#[test]
fn the_disk_is_full_from_each_change_on() {
    let mut met = 0;
    loop {
        let place = begun();
        let inject = format!("write,fallocate,ftruncate:error=ENOSPC:when={}+", met + 1);
        let (called, failed) = faulty(&place.desk, &inject, FILES, &place.words_on("resume"));
        place.quiet();
        if !failed {
            called.ends_with(0);
            break;
        }
        met += 1;
        let what = format!("full from change {met} on");
        ended_in_words(&called, &what);
        comes_through(&place, &what);
    }
    assert!((20..200).contains(&met), "met {met} times");
}

/// Fails each call of a kind once, one call a run; `unnoticed` are those whose failure is no reason to stop. Says how many.
fn each_fails(call: &str, unnoticed: impl Fn(&Called) -> bool) -> usize {
    for number in 1..200 {
        let place = Place::make();
        let inject = format!("{call}:error=EIO:when={number}");
        let (called, failed) = faulty(&place.desk, &inject, &[], &place.words(false));
        place.quiet();
        if !failed {
            called.ends_with(0);
            return number - 1;
        }
        let what = format!("{call} {number} fails");
        if called.code != Some(0) || !unnoticed(&called) {
            ended_in_words(&called, &what);
        }
        comes_through(&place, &what);
    }
    panic!("it never ends");
}

/// Each sync of the journal fails once. What the kernel has of it is not known then, so the run stops.
#[test]
fn each_sync_of_the_journal_fails() {
    let met = each_fails("fdatasync", |_| false);
    assert!(met >= 12, "met {met} times");
}

/// Each sync of anything else fails once.
#[test]
fn each_other_sync_fails() {
    let met = each_fails("fsync", |called| {
        // At the very end, what could not be made sure is told.
        called.out.contains("is still there and holds secrets") || called.out.contains("the run is closed, but")
    });
    assert!(met >= 12, "met {met} times");
}

/// A file may not grow beyond a limit: an error of the write, not a signal that ends the program.
#[test]
fn a_file_size_limit_is_an_error() {
    let mut met = 0;
    for kib in [0, 1, 2, 3, 5, 7, 9, 11, 13, 15] {
        let place = Place::make();
        let mut command = Command::new("bash");
        command.args(["-c", &format!("ulimit -f {kib}; exec \"$@\""), "bash", PROGRAM]).args(place.words(false));
        let called = called(command.envs(place.desk.env()).current_dir(place.desk.home()));
        place.quiet();
        if called.code == Some(0) {
            continue;
        }
        let what = format!("at most {kib} KiB");
        ended_in_words(&called, &what);
        comes_through(&place, &what);
        met += 1;
    }
    assert!(met >= 5, "met {met} times");
}

/// Few descriptors: what cannot be opened is told.
#[test]
fn few_descriptors_are_told() {
    let mut met = 0;
    for files in 5..60 {
        let place = Place::make();
        let mut command = Command::new("bash");
        command.args(["-c", &format!("ulimit -n {files}; exec \"$@\""), "bash", PROGRAM]).args(place.words(false));
        let called = called(command.envs(place.desk.env()).current_dir(place.desk.home()));
        place.quiet();
        if called.code == Some(0) {
            break;
        }
        let what = format!("{files} descriptors");
        assert!(!called.err.contains("panicked"), "{what}\n{}", called.err);
        ended_in_words(&called, &what);
        comes_through(&place, &what);
        met += 1;
    }
    assert!((10..54).contains(&met), "met {met} times");
}

/// No inode, or no name, for a file that a run needs.
#[test]
fn a_file_that_cannot_be_made_is_told() {
    for file in FILES.iter().filter(|file| **file != "vault.age") {
        for error in ["ENOSPC", "EROFS"] {
            let place = begun();
            let inject = format!("openat:error={error}");
            let (called, failed) = faulty(&place.desk, &inject, &[file], &place.words_on("resume"));
            assert!(failed, "{file} is made");
            place.quiet();
            let what = format!("{file}: {error}");
            ended_in_words(&called, &what);
            comes_through(&place, &what);
        }
    }
}

#[test]
fn a_state_folder_that_cannot_be_written_is_told() {
    let place = Place::make();
    let mut command = place.desk.program(place.words(false));
    let called = called(command.env("XDG_STATE_HOME", "/proc/nowhere"));
    ended_in_words(&called, "no folder can be made");
    assert!(place.ran().is_empty());
}

/// The program's own log is no reason to stop.
#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let place = begun();
    let log = fs::read_dir(place.desk.home().join("state/runsheet/log")).expect("a log").next().expect("a file");
    let log = log.expect("a file").path();
    let log = format!("../../log/{}", log.file_name().expect("a name").to_string_lossy());
    let (called, _) = faulty(&place.desk, "write,openat:error=ENOSPC", &[&log], &place.words_on("resume"));
    called.ends_with(0);
}

/// A vault that is still there when the run is closed is told to the operator.
#[test]
fn a_vault_that_cannot_be_deleted_is_told() {
    let place = begun();
    let (called, _) = faulty(&place.desk, "unlink,unlinkat:error=EIO", &["vault.age"], &place.words_on("resume"));
    let called = called.ends_with(0);
    let told = "the run is closed, but the vault";
    assert!(called.out.contains(told) && called.out.contains("delete it by hand"), "{}", called.out);
    assert!(place.desk.run_folder().join("vault.age").exists());
}

/// A step that cannot be undone does not begin without room for what comes of it.
#[test]
fn without_room_what_cannot_be_undone_does_not_begin() {
    for file in ["journal.jsonl", "vault.age.new"] {
        let place = begun();
        let (called, _) = faulty(&place.desk, "fallocate:error=ENOSPC", &[file], &place.words_on("resume"));
        ended_in_words(&called, file);
        assert!(called.err.contains("reset cannot be undone, and there is no room"), "{}", called.err);
        assert!(!place.ran().contains_key("reset") && place.ran().contains_key("count"), "{:?}", place.ran());
        comes_through(&place, file);
    }
}

/// A credential that the vault did not take is not lost: what the command printed stays, in memory.
#[test]
fn what_the_vault_does_not_take_is_kept_in_memory() {
    let place = begun();
    fs::write(place.at("full"), "").expect("write the mark");
    // The writes of the vault: the key that is made, the word that is given, the token that is captured.
    let (called, _) = faulty(&place.desk, "write:error=EIO:when=3", &["vault.age.new"], &place.words_on("resume"));
    ended_in_words(&called, "the vault takes no token");
    let token = fs::read_to_string(place.at("scratch")).expect("it was reset");
    let kept = spool_of(&place.desk.run_id());
    let mut found = fs::read_dir(&kept).expect("a folder in memory").map(|entry| entry.expect("a file").path());
    let found = found.any(|path| fs::read_to_string(&path).is_ok_and(|text| text == token));
    assert!(found, "it is in {}", kept.display());
    comes_through(&place, "the vault takes no token");
}
