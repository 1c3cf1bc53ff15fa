//! The rotation of an application's two-slot key: forward with docker and on a desktop, refused a second time, and back from
//! everywhere.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::leaks::{files, forms, holds};
use crate::reports;
use crate::support::desk::{Desk, PROGRAM, brief, called};
use crate::support::operator::{Asked, Operator};
use crate::support::robodj::{FIELDS, PLAYBOOK, Robodj, plan};
use crate::support::terminal::Terminal;

/// Every program that is started is written down meanwhile, and searched, as is everything that was written.
#[test]
fn a_key_is_rotated_and_never_twice() {
    let robodj = Robodj::start();
    let [first, second] = robodj.keys();
    let before = robodj.truth();
    let desk = robodj.desk("forward");
    let started = robodj.folder().join("started");
    let answers = robodj.answers(&desk, &[("all_saved: 'yes'", "all_saved: later")]);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "--seccomp-bpf", "-e", "trace=execve", "-e", "signal=none", "-s", "65536", "-o"]);
    traced.arg(&started).arg("--").arg(PROGRAM).args(["run", PLAYBOOK, "--unattended", "--answers", &answers]);
    traced.envs(desk.env()).current_dir(desk.home());
    // What docker started is traced too, and goes on after the run: it is stopped so that strace comes to its end.
    let done = thread::scope(|scope| {
        let walk = scope.spawn(|| called(&mut traced));
        while !walk.is_finished() && !is_over(&desk) {
            thread::sleep(Duration::from_millis(100));
        }
        robodj.compose("down");
        walk.join().expect("the run was watched").ends_with(0)
    });
    robodj.compose("up");

    let keys = robodj.keys();
    assert_eq!(keys[1], first, "the old primary key is in the secondary slot");
    assert!(keys[0] != first && keys[0] != second && keys[0].len() >= 43, "32 bytes in base64url");
    let env = |keys: &[String; 2]| {
        let text = fs::read_to_string(robodj.root(".env")).expect("read .env");
        text.replace(&keys[0], "V1").replace(&keys[1], "V2")
    };
    let old = "# RoboDJ\nROBODJ_ENV=production\nROBODJ_SECRET_KEY=V1  # V1\n\nexport ROBODJ_SECRET_V2_KEY='V2'\nROBODJ_HTTP_PORT=8080\n";
    assert_eq!(env(&keys), old, "nothing else in .env changed");
    assert!(robodj.opens_all() && !robodj.knows_the_session());
    assert_eq!(robodj.ask("save"), "saved");
    assert!(robodj.opens_all());
    assert_ne!(robodj.truth(), before);

    let mut secrets = Vec::new();
    for secret in [&first, &second, &keys[0]] {
        secrets.extend(forms(secret));
    }
    let started = fs::read(&started).expect("what was started");
    assert!(started.windows(7).any(|part| part == b"/docker"), "what was started is written down");
    assert!(!holds(&started, &secrets), "a secret is in the arguments of a program");
    assert!(!holds(done.out.as_bytes(), &secrets) && !holds(done.err.as_bytes(), &secrets), "{}", done.out);
    let mut found = vec![robodj.state("calls")];
    for place in [desk.home().join("state"), desk.home().join("runtime"), robodj.root("config")] {
        files(&place, &mut found);
    }
    for file in found {
        assert!(!holds(&fs::read(&file).expect("read a file"), &secrets), "a secret is in {}", file.display());
    }
    for (what, text) in reports::printed(&desk) {
        assert!(!holds(text.as_bytes(), &secrets), "a secret is in {what}");
    }

    // The keys do not move again before everything was saved, whatever is claimed.
    let moved = robodj.truth();
    let record = fs::read_to_string(robodj.root("config/logs/key_rotations.jsonl")).expect("read the record");
    let at = record.split("\"at\": \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a time").to_owned();
    for (name, changes, step) in [
        ("claimed", &[][..], "never-twice"),
        ("not-saved", &[("resaved: 'yes'", "resaved: 'no'")][..], "resaved-before"),
        ("another", &[("resaved: 'yes'", "resaved: 'yes', resaved_since: 2026-01-01T00:00:00Z")][..], "never-twice"),
    ] {
        let desk = robodj.desk(name);
        let said = robodj.walk(&desk, PLAYBOOK, changes).ends_with(1);
        assert!(said.out.contains(&format!("FAILED {step}")), "{}", said.out);
        let named = format!("--input resaved_since={at}");
        assert_eq!(step == "never-twice", said.out.contains(&named), "{}\n{}", said.out, said.err);
        assert_eq!(robodj.truth(), moved, "{name}");
    }
    // Once it is said which rotation is meant, they do; and a noted save needs no such word.
    let since = format!("resaved: 'yes', resaved_since: '{at}'");
    robodj.walk(&robodj.desk("again"), PLAYBOOK, &[("resaved: 'yes'", &since)]).ends_with(0);
    assert_eq!(robodj.ask("save"), "saved");
    robodj.walk(&robodj.desk("noted"), PLAYBOOK, &[]).ends_with(0);
    assert!(robodj.opens_all());
}

fn is_over(desk: &Desk) -> bool {
    !desk.runs().is_empty() && desk.journal().last().is_some_and(|entry| entry["record"].get("ended").is_some())
}

/// By a person at the full screen, who closes and starts the application by hand, as on a desktop.
#[test]
fn a_key_is_rotated_on_a_desktop_by_hand() {
    let robodj = Robodj::start();
    let [first, _] = robodj.keys();
    let desk = robodj.desk("by-hand");
    let plan = plan();
    let root = format!("app_root={}", robodj.root("").display());
    let inputs = ["environment=staging", "runtime=desktop", "resaved=yes", &root];
    let words = inputs.into_iter().flat_map(|input| ["--input".to_owned(), input.to_owned()]);
    let words: Vec<String> = ["run", PLAYBOOK].map(str::to_owned).into_iter().chain(words).collect();
    let known = robodj.calls().len();
    let terminal = Terminal::start(&desk, &words, 120, 40);
    let operator = Operator::at(&terminal, &plan);
    terminal.see("inputs: all there");
    terminal.press("\x1b[21~");
    let mut turns = Vec::new();
    loop {
        let asked = operator.walks("");
        let Asked::Turn(number) = asked else { break assert_eq!(asked, Asked::Statement) };
        let step = operator.step(number).id.to_string();
        match step.as_str() {
            "stop-desktop" => robodj.compose("down"),
            "start-desktop" => {
                assert!(may_start(&desk), "it is not asked for before that is known");
                robodj.compose("up");
            }
            "old-fields" => assert!(robodj.opens_all() && !robodj.knows_the_session()),
            "first-save" => assert_eq!(robodj.ask("save"), "saved"),
            _ => {}
        }
        let lines = match step.as_str() {
            "announce" => 4,
            "stop-desktop" | "start-desktop" | "first-save" => 2,
            "old-fields" => 3,
            _ => 0,
        };
        for count in 1..=lines {
            terminal.press(" ");
            terminal.until(&format!("{count} lines ticked"), |picture| picture.matches("[x]").count() == count);
        }
        if step == "save-all" {
            terminal.press("\x1b[C");
            terminal.see("[yes]");
        }
        terminal.press("\r");
        operator.asked(Some(&Asked::Turn(number)));
        turns.push(step);
    }
    terminal.press("y");
    assert_eq!(operator.asked(Some(&Asked::Statement)), Asked::Over);
    assert_eq!(turns, ["announce", "stop-desktop", "start-desktop", "old-fields", "first-save", "save-all"]);
    assert_eq!(robodj.keys()[1], first);
    assert!(robodj.opens_all());
    let raw = terminal.raw();
    terminal.press("q");
    assert_eq!(terminal.ends().code, Some(0));
    let docker = robodj.calls().into_iter().skip(known).filter(|call| call.starts_with("docker")).count();
    assert_eq!(docker, 0, "docker is not called on a desktop");
    for secret in [&first, &robodj.keys()[0]] {
        assert!(!holds(raw.as_bytes(), &forms(secret)), "the terminal received a secret");
    }
}

/// Back on a desktop: files and words by the program, the application by hand, which here is somebody who watches the run.
#[test]
fn it_is_taken_back_on_a_desktop() {
    let robodj = Robodj::start();
    let before = robodj.truth();
    let by_hand = "{ confirm: done, manual: done, undo: done }";
    let more = format!(
        "works: done\nstop-desktop: {by_hand}\nstart-desktop: {{ manual: done, undo: done }}\nclose-for-restore: done\nrun-again-desktop: done\n"
    );
    let changes = [
        ("runtime: docker", "runtime: desktop"),
        ("stop-docker: { confirm: done }\n", ""),
        ("restore_config: 'no'", "restore_config: 'yes'"),
        ("works: done\n", more.as_str()),
    ];
    for (step, saved) in [("start-desktop", false), ("old-fields", false), ("save-all", true)] {
        let desk = robodj.desk(step);
        let playbook = stopping(&robodj, step, Some(step));
        let said = thread::scope(|scope| {
            let walk = scope.spawn(|| robodj.walk(&desk, &playbook, &changes));
            let mut started = false;
            while !walk.is_finished() {
                if !started && may_start(&desk) {
                    robodj.compose("up");
                    started = true;
                }
                thread::sleep(Duration::from_millis(50));
            }
            walk.join().expect("the run was watched").ends_with(1)
        });
        assert!(said.out.contains("FAILED stop-here"), "{step}: {}", said.out);
        let fresh = robodj.keys()[0].clone();
        robodj.rolls_back(&desk, &changes).ends_with(4);
        robodj.compose("up");
        assert!(robodj.opens_all() && robodj.knows_the_session(), "after {step}");
        assert_eq!(robodj.truth() != before, saved, "after {step}");
        assert_eq!(robodj.keys()[1] == fresh, saved, "what may be sealed with the new key can be opened");
    }
}

/// Says whether it is on record where the startup log stood when the start on the desktop began: only then may it start.
fn may_start(desk: &Desk) -> bool {
    !desk.runs().is_empty() && desk.journal().iter().any(|record| brief(record) == "saved start-desktop")
}

/// The steps that docker's variant walks, in order, from the last one that only looks.
const STEPS: [&str; 11] = [
    "running-before",
    "app-backup",
    "keep-env",
    "stop-docker",
    "new-key",
    "note-shift",
    "shift-keys",
    "start-docker",
    "old-fields",
    "first-save",
    "note-save",
];

/// Writes a playbook that stops before a step, or at the end.
fn stopping(robodj: &Robodj, name: &str, before: Option<&str>) -> String {
    let text = fs::read_to_string(PLAYBOOK).expect("read the playbook");
    let added = "      - id: stop-here\n        title: Stop here\n        run: exit 1\n        read_only: true\n";
    let at = match before {
        Some(step) => text.find(&format!("      - id: {step}\n")),
        None => text.find("success:\n"),
    };
    let (head, rest) = text.split_at(at.expect("the step"));
    let path = robodj.folder().join(format!("{name}.yaml"));
    fs::write(&path, format!("{head}{added}\n{rest}")).expect("write the playbook");
    path.display().to_string()
}

#[test]
fn it_is_taken_back_from_every_step() {
    let robodj = Robodj::start();
    let before = robodj.truth();
    let [first, second] = robodj.keys();
    for (number, step) in STEPS.iter().enumerate() {
        let desk = robodj.desk(step);
        let playbook = stopping(&robodj, step, STEPS.get(number + 1).copied());
        let said = robodj.walk(&desk, &playbook, &[]).ends_with(1);
        assert!(said.out.contains("FAILED stop-here"), "{step}: {}", said.out);
        let saved = number >= 9;
        let fresh = robodj.keys()[0].clone();
        if saved {
            assert_eq!(robodj.ask("save"), "saved", "{step}");
        }
        let back = robodj.rolls_back(&desk, &[]);
        let nothing = number == 0;
        assert!(back.code == Some(4) || nothing, "{:?} after {step}\n{}\n{}", back.code, back.out, back.err);
        assert!(robodj.opens_all(), "after {step}");
        if saved {
            // What was saved since is sealed with the new key, which therefore stays at hand.
            assert_eq!(robodj.keys(), [first.clone(), fresh], "after {step}");
            let note = fs::read_to_string(robodj.root("postmortem-key-rotation.md")).expect("read the note");
            assert!(
                note.contains("What happened: a drill; it's $(odd)\n- Saved with the new key before: yes\n"),
                "{note}"
            );
            assert_eq!(robodj.ask("save"), "saved");
            let text = fs::read_to_string(robodj.root(".env")).expect("read .env").replace(&robodj.keys()[1], &second);
            fs::write(robodj.root(".env"), text).expect("write .env");
            robodj.compose("up");
            assert!(robodj.opens_all());
            fs::write(robodj.root("config/schedules.json"), before.fields()).expect("write the fields");
        }
        assert_eq!(robodj.truth(), before, "after {step}");
        assert!(robodj.knows_the_session(), "the old key is in force after {step}");
    }
}

#[test]
fn each_call_that_goes_wrong_is_taken_back() {
    let robodj = Robodj::start();
    let before = robodj.truth();
    let calls = {
        let playbook = stopping(&robodj, "whole", Some("first-save"));
        let desk = robodj.desk("whole");
        robodj.walk(&desk, &playbook, &[]).ends_with(1);
        let calls = robodj.calls();
        robodj.rolls_back(&desk, &[]).ends_with(4);
        calls
    };
    for (number, planned) in calls.iter().enumerate() {
        for fault in ["fail", "act-then-fail"] {
            if fault != "fail" && !changes(planned) {
                continue;
            }
            let desk = robodj.desk(&format!("{number}-{fault}"));
            let known = robodj.calls().len();
            robodj.fault(&format!("{} {fault}\n", known + number + 1));
            let playbook = stopping(&robodj, "again", Some("first-save"));
            let said = robodj.walk(&desk, &playbook, &[]);
            robodj.fault("");
            let call = robodj.calls().get(known + number).cloned().unwrap_or_default();
            let told = format!("{fault} at {call}\n{}\n{}", said.out, said.err);
            assert_eq!(said.code, Some(1), "{told}");
            assert!(said.err.contains("now: "), "what to do next is said: {told}");
            let back = robodj.rolls_back(&desk, &[]);
            let nothing = back.err.contains("there is nothing to roll back");
            assert!(back.code == Some(4) || nothing, "{:?} after {told}\n{}\n{}", back.code, back.out, back.err);
            assert!(robodj.opens_all() && robodj.knows_the_session(), "{told}");
            assert_eq!(robodj.truth(), before, "{told}");
        }
    }
    assert!(calls.len() >= 8, "{calls:?}");
}

fn changes(call: &str) -> bool {
    [" up -d", " down", "--create-backup"].iter().any(|word| call.ends_with(word))
}

/// A start that never ends is ended by the step's own time; the old key works again afterwards.
#[test]
fn a_start_that_hangs_is_ended_in_time() {
    let robodj = Robodj::start();
    let before = robodj.truth();
    let text = fs::read_to_string(stopping(&robodj, "hangs", Some("first-save"))).expect("read it");
    let at = text.find("- id: start-docker").expect("the step");
    let quick = robodj.folder().join("quick.yaml");
    fs::write(&quick, format!("{}{}", &text[..at], text[at..].replacen("timeout: 5m", "timeout: 3s", 1)))
        .expect("write it");
    for fault in ["hang", "act-then-hang"] {
        let desk = robodj.desk(fault);
        robodj.fault(&format!("up {fault}\n"));
        robodj.walk(&desk, &quick.display().to_string(), &[]).ends_with(1);
        robodj.fault("");
        let journal: Vec<String> = desk.journal().iter().map(brief).collect();
        assert!(journal.contains(&"performed start-docker timed_out".to_owned()), "{journal:#?}");
        robodj.rolls_back(&desk, &[]).ends_with(4);
        assert_eq!(robodj.truth(), before);
        assert!(robodj.opens_all() && robodj.knows_the_session());
    }
}

/// A start makes a copy of its own, which is newer; the one from before the rotation is put back all the same.
#[test]
fn a_damaged_configuration_is_put_back_from_before() {
    let robodj = Robodj::start();
    let before = robodj.truth();
    let desk = robodj.desk("damaged");
    let playbook = stopping(&robodj, "damaged", Some("old-fields"));
    robodj.walk(&desk, &playbook, &[]).ends_with(1);
    fs::write(robodj.root("config/schedules.json"), FIELDS.replace("CANARY-dj", "wrong")).expect("damage it");
    let tool = robodj.root("config/scripts/startup_safety.py");
    let mut copy = Command::new(&tool);
    assert!(copy.arg("--create-backup").status().expect("start it").success());
    for option in ["--snapshot", "--guided-restore"] {
        let status = Command::new(&tool).arg(option).output().expect("start it").status;
        assert_eq!(status.code(), Some(2), "{option} does not exist, as in the real one");
    }
    robodj.rolls_back(&desk, &[("restore_config: 'no'", "restore_config: 'yes'")]).ends_with(4);
    assert_eq!(robodj.truth(), before);
    assert!(robodj.opens_all() && robodj.knows_the_session());
}

#[test]
fn a_wrong_key_is_found_and_a_dry_run_changes_nothing() {
    let robodj = Robodj::start();
    let before = robodj.truth();
    let desk = robodj.desk("wrong");
    desk.keep_secret("wrong", "CANARY-another-key");
    let wrong = "resaved: 'yes', old_primary: 'file:wrong'";
    let said = robodj.walk(&desk, PLAYBOOK, &[("resaved: 'yes'", wrong)]).ends_with(1);
    assert!(said.out.contains("FAILED keys-in-force"), "{}", said.out);
    assert!(!said.out.contains("CANARY") && !said.err.contains("CANARY"), "{}", said.out);
    assert_eq!(robodj.truth(), before);

    let desk = robodj.desk("dry");
    let known = robodj.calls().len();
    let answers = robodj.answers(&desk, &[]);
    let said = desk.call(["run", PLAYBOOK, "--dry-run", "--unattended", "--answers", &answers]).ends_with(0);
    assert!(!said.out.contains("CANARY"), "{}", said.out);
    assert_eq!(robodj.truth(), before);
    assert!(robodj.opens_all() && robodj.knows_the_session());
    for call in robodj.calls().iter().skip(known) {
        let looks = [" config --", " ps --services", "--help"].iter().any(|word| call.contains(word));
        assert!(looks, "a dry run only looks: {call}");
    }
}
