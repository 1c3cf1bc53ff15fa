//! `include` through the built program: the steps of other playbooks are walked as if they stood there, each with its own
//! names, variables and folder; the run keeps every text that it began with.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::desk::{Desk, brief};

const SECRET: &str = "CANARY-old-password";

/// Includes one playbook twice, and takes a secret from the first for the second.
const OUTER: &str = r#"runsheet: 1
title: Both halves
inputs:
  stage: { type: choice, choices: [staging, production] }
  old: { type: secret }
phases:
  - title: All
    steps:
      - { id: before, title: Before, run: "echo before >> ../log", rollback: [{ run: "echo un-before >> ../log" }] }
      - id: first
        title: First half
        include: { playbook: parts/half.yaml, inputs: { stage: "${stage}", word: one, key: { secret: old } } }
      - id: between
        title: Saw ${first/seen}
        run: [sh, -c, 'echo "$0" "$${WORD-no word}" >> ../log', "${first/seen}"]
        read_only: true
      - id: second
        title: Second half
        when: { stage: staging }
        include: { playbook: parts/half.yaml, inputs: { stage: "${stage}", key: { secret: first/made } } }
success: [{ title: It ends, file: ../log }]
"#;

/// Relative paths start from its own folder, and its scripts know its own names.
const HALF: &str = r#"runsheet: 1
title: A half
requires: [sh]
temporary: [left-over]
inputs:
  stage: { type: choice, choices: [staging, production] }
  word: { type: text, prompt: Which word? }
  key: { type: secret }
phases:
  - title: Look
    steps:
      - id: note
        title: Note ${word}
        run: 'echo "$WORD $STAGE $(basename "$PWD") ${#KEY} ${OLD-no old}" >> ../../log; touch left-over; echo "seen-$WORD"'
        env: { KEY: { secret: key } }
        capture: { seen: whole }
        rollback: [{ run: 'echo "un-$WORD" >> ../../log' }]
      - { id: make, title: Make, generate: { made: { length: 30 } } }
success: [{ title: Left out, file: nowhere }]
sign_off: { by: nobody }
cleanup: [{ id: tidy, title: Tidy, run: 'echo "tidy $WORD" >> ../../log' }]
"#;

struct Place {
    /// Gone with the place.
    _folder: TempDir,
    desk: Desk,
}

impl Place {
    fn make() -> Self {
        let folder = TempDir::with_prefix("include-").expect("make a folder");
        let desk = Desk::make(folder.path());
        let books = desk.home().join("books");
        fs::create_dir_all(books.join("parts")).expect("make the folders");
        fs::write(books.join("outer.yaml"), OUTER).expect("write the playbook");
        fs::write(books.join("parts/half.yaml"), HALF).expect("write the playbook");
        desk.keep_secret("old", SECRET);
        Self { _folder: folder, desk }
    }

    fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.desk.home().join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn answers(&self, stage: &str, more: &str) -> String {
        let text = format!("inputs: {{ stage: {stage}, old: 'file:old', second/word: two }}\n{more}");
        self.desk.answers("answers.yaml", &text)
    }

    fn run(&self, answers: &str, code: i32) -> String {
        let words = ["run", "books/outer.yaml", "--unattended", "--answers", answers];
        let called = self.desk.call(words).ends_with(code);
        called.out + &called.err
    }

    fn half(&self) -> std::path::PathBuf {
        self.desk.home().join("books/parts/half.yaml")
    }

    /// Nothing that is kept of the run has a secret in it.
    fn holds_no_secret(&self) {
        let run = self.desk.run_folder();
        for path in files(&run).into_iter().filter(|path| path.file_name().is_none_or(|name| name != "vault.age")) {
            let bytes = fs::read(&path).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "{}", path.display());
        }
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("list a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

const FORWARD: [&str; 6] = [
    "before",
    "one staging parts 19 no old",
    "seen-one no word",
    "two staging parts 30 no old",
    "tidy one",
    "tidy two",
];

#[test]
fn included_steps_are_walked_with_their_own_names_and_folder() {
    let place = Place::make();
    let out = place.run(&place.answers("staging", ""), 0);
    assert_eq!(place.log(), FORWARD, "{out}");
    assert!(!place.half().with_file_name("left-over").exists(), "a temporary file is still there\n{out}");
    let briefs: Vec<String> = place.desk.journal().iter().map(brief).collect();
    for wanted in ["performed first/note ok", "performed second/make ok", "performed second/tidy ok"] {
        assert!(briefs.iter().any(|brief| brief == wanted), "{wanted}: {briefs:#?}");
    }
    let run = place.desk.run_folder();
    assert!(run.join("transcript/first.note.1.log").exists(), "{:?}", files(&run));
    assert_eq!(fs::read_to_string(run.join("included/parts%2Fhalf.yaml")).expect("the text is kept"), HALF);
    place.holds_no_secret();
    let report = place.desk.call(["report"]).ends_with(0).out;
    assert!(report.contains("First half: Look") && report.contains("Second half: Look"), "{report}");
}

#[test]
fn when_leaves_out_all_steps_of_an_included_playbook() {
    let place = Place::make();
    let out = place.run(&place.answers("production", ""), 0);
    assert_eq!(place.log(), ["before", "one production parts 19 no old", "seen-one no word", "tidy one"], "{out}");
}

#[test]
fn a_run_goes_on_and_back_with_the_texts_that_it_began_with() {
    let place = Place::make();
    // The first step of the second half fails behind what it has done.
    let broken = HALF.replace("touch left-over;", "test \"$WORD\" = one;");
    fs::write(place.half(), broken).expect("write the playbook");
    place.run(&place.answers("staging", ""), 7);
    fs::write(place.half(), HALF.replace("Note ${word}", "Another title")).expect("change the playbook");
    let answers = place.answers("staging", "");
    let resumed = place.desk.call(["resume", "--unattended", "--answers", &answers]).ends_with(7);
    let text = resumed.out + &resumed.err;
    assert!(text.contains("parts/half.yaml has changed since") && text.contains("Another title"), "{text}");
    fs::remove_file(place.half()).expect("take the playbook away");
    let shown = place.desk.call(["show"]).ends_with(0).out;
    assert!(shown.contains("second/note"), "{shown}");
    place.desk.call(["rollback", &place.desk.run_id(), "--unattended"]).ends_with(4);
    let log = place.log();
    assert_eq!(log[log.len() - 3..], ["un-two", "un-one", "un-before"], "{log:?}");
}

#[test]
fn a_dry_run_and_a_plan_show_what_is_included() {
    let place = Place::make();
    let answers = place.answers("staging", "");
    let words = ["run", "books/outer.yaml", "--dry-run", "--unattended", "--answers", &answers];
    let shown = place.desk.call(words).ends_with(0).out;
    assert!(shown.contains("Note one") && shown.contains("Note two") && shown.contains("Saw ${first/seen}"), "{shown}");
    assert!(place.log().is_empty(), "{:?}", place.log());
    let plan = place.desk.call(["plan", "books/outer.yaml"]).ends_with(0).out;
    assert!(plan.contains("First half: Look") && plan.contains("second/note"), "{plan}");
    assert!(plan.contains("Second half: Which word?"), "{plan}");
    let checked = place.desk.call(["check", "books/outer.yaml"]).ends_with(0).out;
    assert_eq!(checked, "1 playbook: no faults\n");
    fs::write(place.half(), HALF.replace("title: Make,", "title: ,")).expect("spoil the playbook");
    let checked = place.desk.call(["check", "books/outer.yaml"]).ends_with(3).out;
    assert!(checked.starts_with("books/parts/half.yaml:18:21:"), "{checked}");
}

#[test]
fn what_is_not_given_is_asked_and_a_wrong_name_is_told() {
    let place = Place::make();
    let answers = place.desk.answers("short.yaml", "inputs: { stage: staging, old: 'file:old' }\n");
    let out = place.run(&answers, 7);
    assert!(out.contains("no answer for second/word"), "{out}");
    let answers = place.desk.answers("wrong.yaml", "inputs: { second/wrd: x }\n");
    let out = place.run(&answers, 2);
    assert!(out.contains("second/word"), "{out}");
}
