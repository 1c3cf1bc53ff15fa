//! `approval` through the built program: a name is typed in the middle of a run, in every front, and never unattended.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::{Called, Desk, brief};
use crate::support::terminal::Terminal;

const PLAYBOOK: &str = "runsheet: 1
title: Approved in the middle
phases:
  - title: All
    steps:
      - { id: before, title: Before, run: echo before >> log, irreversible: A line is a line }
      - { id: allow, title: Two people allow it, approval: { by: [dba, owner], distinct: true } }
      - { id: after, title: After, run: echo after >> log, irreversible: A line is a line }
";

struct Place {
    /// Gone with the place.
    _folder: TempDir,
    desk: Desk,
}

impl Place {
    fn make() -> Self {
        let folder = TempDir::with_prefix("approval-").expect("make a folder");
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("approved.yaml"), PLAYBOOK).expect("write the playbook");
        Self { _folder: folder, desk }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.desk.home().join("log")).unwrap_or_default()
    }

    /// Walks in plain lines that were typed beforehand.
    fn typed(&self, text: &str) -> Called {
        let mut program = self.desk.program(["run", "approved.yaml", "--plain", "--operator", "ann"]);
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().expect("start the program");
        child.stdin.take().expect("its standard input").write_all(text.as_bytes()).expect("type");
        let output = child.wait_with_output().expect("wait for it");
        Called {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn signed(&self) -> Vec<String> {
        let records = self.desk.journal().into_iter().map(|entry| entry["record"].clone());
        let of = |record: &Value| {
            let (word, body) = record.as_object()?.iter().next()?;
            let signed = word.starts_with("sign").then_some(body)?;
            Some(format!("{word} {} {} {}", signed["step"], signed["role"], signed["name"]).replace('"', ""))
        };
        records.filter_map(|record| of(&record)).collect()
    }
}

#[test]
fn plain_lines_ask_each_role_and_want_different_people() {
    let place = Place::make();
    // The one who began the run may not approve, and nobody twice.
    let called = place.typed("\n\ny\nAnn\nbo\nBo\ncy\n\ny\n").ends_with(0);
    assert_eq!(place.log(), "before\nafter\n");
    assert_eq!(place.signed(), ["signed_off allow dba bo", "signed_off allow owner cy"], "{}", called.out);
    assert!(called.out.contains("Type your name to sign as owner."), "{}", called.out);
    let report = place.desk.call(["report"]).ends_with(0).out;
    assert!(report.contains("approved by bo as dba: the name as typed, not proved"), "{report}");
}

#[test]
fn a_refusal_has_a_reason_and_is_decided_upon() {
    let place = Place::make();
    let called = place.typed("\n\ny\n:refuse\nbo\nthe table is locked\nr\nbo\ncy\n\ny\n").ends_with(0);
    let text = &called.out;
    assert_eq!(
        place.signed(),
        ["sign_off_refused allow dba bo", "signed_off allow dba bo", "signed_off allow owner cy"],
        "{text}"
    );
    assert!(text.contains("bo refused to sign as dba: the table is locked"), "{text}");
    assert_eq!(place.log(), "before\nafter\n");
}

#[test]
fn unattended_nobody_approves() {
    let place = Place::make();
    let answers = place.desk.answers("answers.yaml", "before: done\nafter: done\n");
    let called = place.desk.call(["run", "approved.yaml", "--unattended", "--answers", &answers]).ends_with(7);
    assert!(called.err.contains("allow needs a person: dba approves"), "{}", called.err);
    assert_eq!(place.log(), "before\n");
    let shown = place.desk.call(["show"]).ends_with(0).out;
    assert!(shown.contains("waits for the approval of dba: allow"), "{shown}");
    let answers = place.desk.answers("answers.yaml", "allow: done\n");
    let called = place.desk.call(["resume", "--unattended", "--answers", &answers]).ends_with(2);
    assert!(called.err.contains("nobody but a person approves"), "{}", called.err);
    assert!(place.signed().is_empty());
    let dry = place.desk.call(["run", "approved.yaml", "--dry-run", "--unattended"]).ends_with(0);
    assert_eq!(place.log(), "before\n", "{}", dry.out);
}

/// Types a name, once the screen takes keys for the role.
fn signs(terminal: &Terminal, role: &str, name: &str) {
    let asked = format!("Your name, as {role}");
    // The footer names a key once it is taken.
    terminal.until(&asked, |now| now.contains(&asked) && now.contains("F4 refuse to sign"));
    terminal.press(name);
    terminal.until(name, |now| now.lines().any(|line| line.contains(&asked) && line.contains(name)));
}

#[test]
fn the_screen_takes_names_and_comes_back_to_the_approval() {
    let place = Place::make();
    let words = ["run", "approved.yaml", "--operator", "ann"].map(str::to_owned);
    let terminal = Terminal::start(&place.desk, &words, 100, 30);
    terminal.see("Nothing has happened yet");
    terminal.press("\x1b[21~");
    terminal.until("the first step", |now| now.contains("Next: 1/") && now.contains("Enter start"));
    terminal.press("\r");
    terminal.see("y starts it");
    terminal.press("y");
    terminal.see("approves");
    signs(&terminal, "dba", "ann");
    terminal.press("\r");
    terminal.see("somebody else");
    drop(terminal);
    // Whoever comes back is asked the same; who walks the run does not approve.
    let words = ["resume", "--operator", "cy"].map(str::to_owned);
    let terminal = Terminal::start(&place.desk, &words, 80, 24);
    signs(&terminal, "dba", "bo");
    terminal.press("\r");
    signs(&terminal, "owner", "dee");
    terminal.press("\x1b[14~");
    terminal.see("refuses to sign as owner");
    terminal.press("not on a Friday\r");
    terminal.see("r run again");
    assert_eq!(place.signed(), ["signed_off allow dba bo", "sign_off_refused allow owner dee"]);
    let briefs: Vec<String> = place.desk.journal().iter().map(brief).collect();
    assert!(briefs.iter().all(|brief| !brief.contains("after")), "{briefs:#?}");
}
