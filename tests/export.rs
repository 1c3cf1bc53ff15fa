//! `export`, `diff` and `runs`: a record that travels, two of them side by side, and the right ones found among many.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests a failure is said by failing")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::audit::Done;
use crate::support::desk::Desk;

#[test]
fn a_run_travels_to_another_machine_and_is_verified_there() {
    let done = Done::over();
    let id = done.desk.run_id();
    let told = done.call(&["export"]).ends_with(0);
    let file = done.desk.home().join(format!("runsheet-{id}.tar"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = fs::read(&file).unwrap();
    assert!(
        told.out.starts_with(&format!("runsheet-{id}.tar: 7 files, {} bytes\nsha256 ", bytes.len())),
        "{}",
        told.out
    );
    // The same bytes whoever exports it, and never in the place of something.
    done.call(&["export", "--output", "again.tar"]).ends_with(0);
    assert_eq!(fs::read(done.desk.home().join("again.tar")).unwrap(), bytes);
    let there = done.call(&["export", "--output", "again.tar"]).ends_with(1);
    assert!(there.err.contains("again.tar is there already"), "{}", there.err);
    assert!(
        fs::read_dir(done.desk.home())
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().starts_with(".runsheet-") })
    );

    let elsewhere = Desk::make(&done.folder.path().join("elsewhere"));
    let file = file.display().to_string();
    let call = |words: &[&str]| elsewhere.call(words);
    let told = call(&["audit", &file]).ends_with(0).out;
    assert!(told.contains("ok     export         6 files, each as its manifest says"), "{told}");
    assert!(told.contains("ok     transcripts    2, each") && told.contains("ok     sealed copies  2, all"), "{told}");
    let here = done.call(&["report"]).ends_with(0).out;
    assert_eq!(call(&["report", &file]).ends_with(0).out, here, "the same report here and there");
    let shown = call(&["show", &file]).ends_with(0).out;
    assert!(shown.contains(&id) && shown.ends_with(&format!("record: {file}\n")), "{shown}");
    let told = call(&["diff", &file, &file]).ends_with(0).out;
    assert!(told.contains("nothing differed"), "{told}");
    assert!(!elsewhere.home().join("state").exists(), "nothing is left there");
}

#[test]
fn an_export_that_was_changed_is_told_and_not_reported() {
    let done = Done::over();
    done.call(&["export", "--output", "run.tar"]).ends_with(0);
    let path = done.desk.home().join("run.tar");
    let sound = fs::read(&path).unwrap();
    let at = |text: &[u8]| sound.windows(text.len()).rposition(|part| part == text).unwrap();
    let change = |place: usize| {
        let mut bytes = sound.clone();
        bytes[place] ^= 1;
        fs::write(&path, bytes).unwrap();
    };
    change(at(b"looked"));
    let told = done.call(&["audit", "run.tar"]).ends_with(1).out;
    assert!(told.contains("! transcript/look.1.log is not as the manifest says"), "{told}");
    assert!(told.contains("! look.1.log was changed within its first 10 bytes"), "{told}");
    for word in ["report", "show"] {
        let told = done.call(&[word, "run.tar"]).ends_with(1);
        assert!(told.err.contains("was changed since it was written") && told.out.is_empty(), "{}", told.err);
    }
    fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    let told = done.call(&["audit", "run.tar"]).ends_with(1);
    assert!(told.err.contains("is no sound export") && told.err.contains("cut off"), "{}", told.err);
    let told = done.call(&["audit", "story.yaml"]).ends_with(1);
    assert!(told.err.contains("no sound export"), "{}", told.err);
    done.call(&["audit", "nowhere.tar"]).ends_with(2);
}

#[test]
fn what_is_open_or_holds_a_secret_is_not_exported() {
    let open = Done::run();
    let told = open.call(&["export"]).ends_with(1);
    assert!(told.err.contains("it is open (waits for the sign-off: operator)"), "{}", told.err);
    open.call(&["export", "01ZZ"]).ends_with(2);

    let done = Done::over();
    let transcript = done.desk.run_folder().join("transcript/look.1.log");
    fs::write(&transcript, "looked\npostgres://u:CANARY-password@db/x\n").unwrap();
    let told = done.call(&["export", "--output", "run.tar"]).ends_with(1);
    assert!(told.err.contains("transcript/look.1.log, line 2, holds a secret"), "{}", told.err);
    assert!(!told.err.contains("CANARY") && !done.desk.home().join("run.tar").exists());
}

#[test]
fn two_runs_of_a_playbook_are_told_apart() {
    let done = Done::over();
    let first = done.desk.run_id();
    fs::write(done.desk.home().join("notes.txt"), "no such text\n").unwrap();
    done.call(&[
        "run",
        "story.yaml",
        "--unattended",
        "--input",
        "size=large",
        "--ticket",
        "OPS-7",
        "--on-failure",
        "stop",
    ])
    .ends_with(1);
    let second = done.desk.run_id();
    let told = done.call(&["diff", &first, &second]).ends_with(0).out;
    for words in [
        "\nrun\n  state\n    A rolled back\n    B open\n",
        "  ticket\n    A -\n    B OPS-7\n",
        "\ninputs\n  size\n    A small\n    B large\n",
        "  change\n    A rolled back\n    B failed\n",
        "  tell\n    A done\n    B pending\n",
    ] {
        assert!(told.contains(words), "{words:?} is not in\n{told}");
    }
    assert!(!told.contains("operator") && !told.contains("SHA-256"), "what is the same is not told: {told}");
    let json: Value = serde_json::from_str(&done.call(&["diff", &first, &second, "--json"]).ends_with(0).out).unwrap();
    assert_eq!((&json["first"], &json["second"]), (&first.as_str().into(), &second.as_str().into()));
    let size = json["differences"].as_array().unwrap().iter().find(|one| one["what"] == "size").unwrap();
    assert_eq!((&size["part"], &size["first"], &size["second"]), (&"inputs".into(), &"small".into(), &"large".into()));
    // Of another playbook there is nothing to compare.
    let other = "runsheet: 1\ntitle: Other\nphases: [{ title: A, steps: [{ id: x, title: X, run: 'true', read_only: true }] }]\n";
    fs::write(done.desk.home().join("other.yaml"), other).unwrap();
    done.call(&["run", "other.yaml", "--unattended"]).ends_with(0);
    let told = done.call(&["diff", &first, &done.desk.run_id()]).ends_with(2);
    assert!(told.err.contains("no step in common"), "{}", told.err);
}

#[test]
fn runs_are_found_by_time_playbook_and_state() {
    let done = Done::over();
    let first = done.desk.run_id();
    fs::write(done.desk.home().join("notes.txt"), "the old text\n").unwrap();
    done.call(&["run", "story.yaml", "--unattended"]).ends_with(6);
    let second = done.desk.run_id();
    let listed = |words: &[&str]| -> Vec<String> {
        let told = done.call(&[&["runs", "--json"], words].concat()).ends_with(0).out;
        let runs: Value = serde_json::from_str(&told).unwrap();
        runs.as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap().to_owned()).collect()
    };
    let both = [second.clone(), first.clone()];
    assert_eq!(listed(&[]), both);
    for words in [
        ["--since", "1h"],
        ["--since", "2020-01-01"],
        ["--since", "2020-01-01T08:00"],
        ["--since", "2020-01-01T08:00:00Z"],
        ["--playbook", "story"],
        ["--playbook", "story.yaml"],
        ["--playbook", "small story"],
    ] {
        assert_eq!(listed(&words), both, "{words:?}");
    }
    let none: [String; 0] = [];
    assert_eq!(listed(&["--since", "2999-01-01"]), none);
    assert_eq!(listed(&["--playbook", "stor"]), none);
    assert_eq!(listed(&["--state", "open"]), both[..1]);
    assert_eq!(listed(&["--state", "rolled-back", "--since", "7d"]), [first]);
    assert_eq!(listed(&["--state", "running"]), none);
    assert_eq!(listed(&["--state", "completed"]), none);
    assert_eq!(done.call(&["runs", "--state", "abandoned"]).ends_with(0).out, "no such run\n");
    let told = done.call(&["runs", "--since", "yesterday"]).ends_with(2);
    assert!(told.err.contains("yesterday is no time"), "{}", told.err);
    done.call(&["runs", "--state", "lost"]).ends_with(2);
}
