//! `runsheet doctor`: each thing that a machine may lack is told with its next move, and the exit status says whether a run is
//! possible.

#![expect(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::desk::{Called, PROGRAM, called};
use crate::support::knife::{Place, spool_of};

/// Asks the doctor; gives its lines as `state about: told > next`.
fn asked(place: &Place, words: &[&str]) -> (Called, Vec<String>) {
    let called = place.desk.call([&["doctor", "--json"], words].concat());
    let lines: Value = serde_json::from_str(&called.out).expect("JSON");
    let text = |line: &Value, field: &str| line[field].as_str().unwrap_or_default().to_owned();
    let lines = lines.as_array().expect("a list").iter().map(|line| {
        let [state, about, told, next] = ["state", "about", "told", "next"].map(|field| text(line, field));
        format!("{state} {about}: {told} > {next}")
    });
    let lines = lines.collect();
    (called, lines)
}

#[track_caller]
fn says(lines: &[String], begin: &str, has: &str) {
    let found = lines.iter().any(|line| line.starts_with(begin) && line.contains(has));
    assert!(found, "`{begin} … {has}` in\n{}", lines.join("\n"));
}

#[test]
fn a_machine_that_has_everything_is_told_so() {
    let place = Place::make();
    let (answer, lines) = asked(&place, &["first-steps"]);
    answer.ends_with(0);
    says(&lines, "ok state folder", "is made with the first run");
    says(&lines, "ok config folder", "is made with the first run");
    says(&lines, "ok key", "is made with the first run");
    says(&lines, "ok sync", "takes");
    says(&lines, "ok memory", "is in memory");
    says(&lines, "ok bash", "on PATH");
    says(&lines, "ok clock", "it says 20");
    says(&lines, "ok playbook", "first-steps is sound");
    assert!(!place.desk.home().join("state").exists(), "it makes nothing");

    let plain = place.desk.call(["doctor"]).ends_with(0);
    assert!(plain.out.lines().any(|line| line.starts_with("ok    bash            bash is on PATH")), "{}", plain.out);
}

#[test]
fn what_is_missing_or_open_to_others_is_bad() {
    let place = Place::make();
    place.desk.call(place.words(false)).ends_with(0);
    let key = place.desk.home().join("config/runsheet/identity");
    let state = place.desk.home().join("state/runsheet");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("open it");
    fs::set_permissions(&state, Permissions::from_mode(0o722)).expect("open it");
    let playbook = place.at("needs.yaml");
    let text = "runsheet: 1\ntitle: T\nrequires: [no-such-program]\nphases:\n  - title: P\n    steps:\n      \
                - { id: a, title: A, run: 'true', read_only: true }\n";
    fs::write(&playbook, text).expect("write a playbook");
    let playbook = playbook.display().to_string();
    let (answer, lines) = asked(&place, &[&playbook, "no-such-playbook"]);
    answer.ends_with(1);
    says(&lines, "bad key", "can be read by others (mode 644) > chmod 600");
    says(&lines, "bad state folder", "can be written by others (mode 722) > chmod 700");
    says(&lines, "bad playbook", "requires what is not on PATH: no-such-program > install them");
    says(&lines, "bad playbook", "no-such-playbook cannot be read");

    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("close it");
    fs::write(&key, "nothing\n").expect("write it");
    fs::set_permissions(&state, Permissions::from_mode(0o700)).expect("close it");
    let mut command = place.desk.program(["doctor"]);
    let called = called(command.env("PATH", "/nowhere").env("LC_ALL", "C")).ends_with(1);
    let out = called.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [
        "bad bash bash is not on PATH, and scripts run with it now: install it",
        "holds no age key now: move it away",
        "warn locale C: not UTF-8",
        "2 things must be mended first",
    ] {
        assert!(out.contains(told), "{told}\n{}", called.out);
    }
}

#[test]
fn limits_of_the_process_are_told() {
    let place = Place::make();
    let mut command = Command::new("bash");
    let script = format!("ulimit -c unlimited; ulimit -f 100; ulimit -n 32; exec {PROGRAM} doctor");
    command.args(["-c", &script]).envs(place.desk.env()).current_dir(place.desk.home());
    let called = called(&mut command).ends_with(1);
    let out = called.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in ["ok core dumps off", "warn file size a file may not grow beyond", "bad descriptors only 32 files"] {
        assert!(out.contains(told), "{told}\n{}", called.out);
    }
}

#[test]
fn who_is_at_work_and_what_was_left_behind() {
    let place = Place::make();
    let hold = place.at("hold");
    rustix::fs::mknodat(rustix::fs::CWD, &hold, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .expect("make a pipe");
    let mut command = place.desk.program(place.words(false));
    let mut first = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("start the program");
    let begin = Instant::now();
    while place.ran().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(30), "the run looks");
        std::thread::sleep(Duration::from_millis(5));
    }
    let (answer, lines) = asked(&place, &[]);
    answer.ends_with(0);
    says(&lines, "ok at work", &format!("process {}", first.id()));
    first.kill().expect("kill it");
    first.wait().expect("wait for it");
    drop(fs::OpenOptions::new().write(true).open(&hold).expect("let the command go on"));
    place.quiet();
    fs::remove_file(&hold).expect("remove the pipe");

    fs::write(place.at("die-reset"), "").expect("write the mark");
    assert_eq!(place.go_on("resume").code, None, "it was killed");
    place.quiet();
    let id = place.desk.run_id();
    let (answer, lines) = asked(&place, &[]);
    answer.ends_with(0);
    says(&lines, "ok open runs", "1 open run");
    says(&lines, "warn left behind", &format!("printed that was not captured (2 files) > `runsheet resume {id}`"));
    place.go_on("resume").ends_with(0);
    let (answer, lines) = asked(&place, &[]);
    answer.ends_with(0);
    assert!(!lines.iter().any(|line| line.contains("left behind") || line.contains("at work")), "{lines:?}");
    assert!(!spool_of(&id).exists());
}
