//! Drills through the built program: playbooks tested by them, what is kept of them, and what a run gives back to them.

use std::ffi::OsString;
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::bad_playbooks::playbooks;
use crate::support::desk::Desk;
use crate::support::process::run_well;

const PLAYBOOK: &str = "
runsheet: 1
title: A small change
phases:
  - title: Only
    steps:
      - id: ask
        title: Ask it
        run: |
          echo '{\"version\": \"16.2\"}'
        read_only: true
        capture: { version: { json: /version } }
      - id: change
        title: Change it
        run: echo changed; echo twice >&2
        hint: Look at what it prints.
        rollback: [{ run: echo back }]
        verify: [{ value: version, expect: { equals: '16.2' } }]
drills:
  - id: late
    title: It fails at first
    faults: [{ at: change, shows: fails }]
    respond: [{ right: [retry], wrong: { skip: It was not done. }, because: It goes well at the second time. }]
    debrief: Try again before you give up.
";

struct Room {
    _folder: TempDir,
    desk: Desk,
}

impl Room {
    fn with(playbook: &str) -> Self {
        let folder = TempDir::with_prefix("drills-").expect("make a folder");
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("small.yaml"), playbook).expect("write the playbook");
        Self { _folder: folder, desk }
    }

    fn json(&self, words: &[&str]) -> Value {
        let said = self.desk.call(words.iter().copied()).ends_with(0);
        serde_json::from_str(&said.out).expect("JSON")
    }
}

#[test]
fn a_drill_that_cannot_be_completed_is_told_with_its_place() {
    let never = PLAYBOOK.replace("right: [retry]", "right: [go_on]").replace("wrong: { skip: It was not done. }, ", "");
    let room = Room::with(&never);
    let said = room.desk.call(["test", "small.yaml", "--junit", "report.xml", "--json"]).ends_with(1);
    let told: Value = serde_json::from_str(&said.out).expect("JSON");
    let walks = told[0]["walks"].as_array().expect("walks");
    let wrong: Vec<&Value> = walks.iter().filter(|walk| walk["state"] == "failed").collect();
    assert_eq!(wrong.len(), 1, "{told:#}");
    assert_eq!(wrong[0]["walk"], "late, done right");
    assert!(wrong[0]["why"][0].as_str().is_some_and(|why| why.contains("70 points")), "{told:#}");
    let xml = fs::read_to_string(room.desk.home().join("report.xml")).expect("the report");
    assert!(xml.contains("failures=\"1\"") && xml.contains("<failure message="), "{xml}");
}

#[test]
fn what_was_practised_is_listed_and_never_among_the_runs() {
    let room = Room::with(PLAYBOOK);
    let nobody = room.desk.call(["drills"]).ends_with(0);
    assert!(nobody.out.contains("nobody has practised yet"), "{}", nobody.out);
    // Plain lines: start, start, again.
    let words = ["run", "small.yaml", "--drill", "late", "--speed", "instant", "--plain", "--operator", "ada"];
    let out = run_well(&mut room.desk.program(words.iter().copied().chain(["--foreground"])), "\n\n\nt\nr\n");
    assert!(out.contains("passed, 98 of 100 points"), "{out}");
    assert!(out.contains("Try again before you give up."), "{out}");
    let listed = room.json(&["drills", "--json"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed:#}");
    let card = &listed[0];
    assert_eq!((&card["operator"], &card["rating"], &card["points"]), (&"ada".into(), &"passed".into(), &98.into()));
    assert_eq!(card["decisions"][0]["decided"], "retry");
    assert_eq!(card["deductions"][0]["why"], "change: its hint was opened");
    assert_eq!(room.json(&["runs", "--json"]).as_array().map(Vec::len), Some(0));
    let id = card["run"].as_str().expect("an id");
    let shown = room.desk.call(["drills", "show", id]).ends_with(0);
    assert!(shown.out.contains("you tried it again") && shown.out.contains("Debrief"), "{}", shown.out);
    let report = room.desk.call(["report", id]).ends_with(0);
    assert!(
        report.out.contains("DRILL: It fails at first: passed, 98 of 100 points, practised by ada"),
        "{}",
        report.out
    );
}

#[test]
fn what_a_run_has_seen_can_be_pasted_under_its_steps() {
    let room = Room::with(PLAYBOOK);
    fs::write(room.desk.home().join("answers.yaml"), "").expect("write the answers");
    room.desk.call(["run", "small.yaml", "--unattended", "--answers", "answers.yaml"]).ends_with(0);
    let said = room.desk.call(["record"]).ends_with(0);
    let of = |title: &str| {
        let (_, rest) = said.out.split_once(title).unwrap_or_else(|| panic!("no {title} in {}", said.out));
        rest.lines().next().expect("a line").to_owned()
    };
    let (ask, change) = (of("# under the step ask\n"), of("# under the step change\n"));
    let probe = of("# under the step change, in its probe 1\n");
    assert!(ask.starts_with("        simulate: { stdout: \"{\\\"version\\\": \\\"16.2\\\"}\\n\", takes: "), "{ask}");
    assert!(change.contains("changed\\n") && probe.contains("pass: true"), "{change} {probe}");
    let pasted = PLAYBOOK
        .replace("        read_only: true\n", &format!("        read_only: true\n{ask}\n"))
        .replace("        hint: Look at what it prints.\n", &format!("        hint: Look.\n{change}\n"))
        .replace("expect: { equals: '16.2' } }", &format!("expect: {{ equals: '16.2' }}, {} }}", probe.trim()));
    fs::write(room.desk.home().join("pasted.yaml"), &pasted).expect("write the playbook");
    room.desk.call(["check", "pasted.yaml"]).ends_with(0);
    room.desk.call(["test", "pasted.yaml"]).ends_with(0);
}

#[test]
fn every_playbook_that_comes_along_can_be_practised() {
    let folder = TempDir::with_prefix("drills-").expect("make a folder");
    let desk = Desk::make(folder.path());
    let all = playbooks("../../playbooks");
    let words = ["test", "--json"].into_iter().map(OsString::from);
    let said = desk.call(words.chain(all.iter().map(|path| path.clone().into_os_string())));
    let told: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(told.as_array().map(Vec::len), Some(all.len()), "{told:#}");
    for playbook in told.as_array().expect("playbooks") {
        let name = &playbook["playbook"];
        let walks = playbook["walks"].as_array().expect("walks");
        let failed: Vec<&Value> = walks.iter().filter(|walk| walk["state"] == "failed").collect();
        assert!(failed.is_empty(), "{name}: {failed:#?}");
        let right = |walk: &&Value| walk["walk"].as_str().is_some_and(|walk| walk.ends_with("done right"));
        assert!(walks.iter().filter(right).count() >= 2, "{name} has two drills at least");
        let sound = walks.iter().filter(|walk| walk["state"] == "passed").count();
        assert!(sound > walks.len() / 3, "{name}: hardly anything was walked");
    }
    assert_eq!(said.code, Some(0), "{}", said.err);
}
