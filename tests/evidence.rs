//! `evidence:` and ticked lines through the built program: what is kept, what is refused, and who is asked, in every front.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::reports;
use crate::support::desk::{Called, Desk};
use crate::support::terminal::Terminal;

const PLAYBOOK: &str = "runsheet: 1
title: Proved
inputs:
  token: { type: secret, prompt: The token }
phases:
  - title: All
    steps:
      - id: change
        title: Change it
        run: echo changed the thing | tee -a log
        irreversible: A line is a line
        evidence:
          - { output: What was changed }
          - Who was told
          - { file: A picture of the panel }
          - { fingerprint: token }
          - { text: What else there is to say, optional: true }
      - id: look
        title: Look at it
        manual: |
          - [ ] Look at the panel
          - [ ] Look at the log
        read_only: true
      - { id: last, title: The last one, run: echo last >> log, irreversible: A line is a line }
follow_up: [{ title: Revoke the old one, within: 1d }]
";

const SECRET: &str = "CANARY-token-of-the-evidence";

struct Place {
    /// Gone with the place.
    _folder: TempDir,
    desk: Desk,
}

impl Place {
    fn make() -> Self {
        let folder = TempDir::with_prefix("evidence-").unwrap();
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("proved.yaml"), PLAYBOOK).unwrap();
        fs::write(desk.home().join("panel.png"), b"\x89PNG\r\n\x1a\n\x00picture").unwrap();
        desk.keep_secret("token", SECRET);
        Self { _folder: folder, desk }
    }

    fn unattended(&self, evidence: &str) -> Called {
        let text = format!("inputs: {{ token: 'file:token' }}\nchange: {{ {evidence} }}\nlook: done\n");
        let answers = self.desk.answers("answers.yaml", &text);
        self.desk.call(["run", "proved.yaml", "--unattended", "--answers", &answers])
    }

    fn resumed(&self, evidence: &str) -> Called {
        let answers = self.desk.answers("answers.yaml", &format!("change: {{ {evidence} }}\nlook: done\n"));
        self.desk.call(["resume", "--unattended", "--answers", &answers])
    }

    fn log(&self) -> String {
        fs::read_to_string(self.desk.home().join("log")).unwrap_or_default()
    }

    /// Lists the records of a sort, in order.
    fn records(&self, word: &str) -> Vec<Value> {
        self.desk.journal().iter().filter_map(|entry| entry["record"].get(word).cloned()).collect()
    }

    /// Lists what is in the run's folder of attachments.
    fn kept(&self) -> Vec<String> {
        let entries = fs::read_dir(self.desk.run_folder().join("evidence")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[test]
fn unattended_the_answers_file_gives_it() {
    let place = Place::make();
    let called = place.unattended("evidence: [the whole team, panel.png]").ends_with(0);
    assert!(called.out.contains("proof  change  2: the whole team"), "{}", called.out);
    let given = place.records("evidence_given");
    let items: Vec<u64> = given.iter().map(|record| record["item"].as_u64().unwrap()).collect();
    assert_eq!(items, [1, 2, 3, 4]);
    let output = &given[0]["evidence"]["output"];
    let folder = place.desk.run_folder();
    let transcript = fs::read(folder.join("transcript").join(output["transcript"].as_str().unwrap())).unwrap();
    assert_eq!(output["sha256"], hex(&transcript));
    assert_eq!(output["size"], transcript.len() as u64);
    assert!(String::from_utf8(transcript).unwrap().contains("changed the thing"));
    assert_eq!(given[1]["evidence"]["text"]["text"], "the whole team");
    let file = &given[2]["evidence"]["file"];
    let copy = folder.join("evidence").join(file["kept"].as_str().unwrap());
    let picture = fs::read(place.desk.home().join("panel.png")).unwrap();
    assert_eq!((fs::read(&copy).unwrap(), &file["sha256"]), (picture.clone(), &Value::from(hex(&picture))));
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let fingerprint = &given[3]["evidence"]["fingerprint"];
    assert_eq!(fingerprint["name"], "token");
    assert!(!fingerprint["fingerprint"].as_str().unwrap().is_empty());
    // What is optional is passed over without a word, and is no deviation.
    let missing = place.records("evidence_missing");
    assert_eq!((missing.len(), &missing[0]["item"]), (1, &Value::from(5)));
    let shown = place.desk.call(["show"]).ends_with(0).out;
    assert!(!shown.contains("deviations"), "{shown}");
    // `done` is the word for every line of it.
    let ticked: Vec<u64> = place.records("ticked").iter().map(|tick| tick["item"].as_u64().unwrap()).collect();
    assert_eq!(ticked, [1, 2]);
    let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    assert!(!journal.contains(SECRET));
    // The report has each item, and where it is.
    let texts = reports::printed(&place.desk);
    assert!(texts.iter().all(|(_, text)| !text.contains(SECRET)));
    let report: Value = serde_json::from_str(&texts[1].1).unwrap();
    let mut steps =
        report["sections"].as_array().unwrap().iter().flat_map(|section| section["steps"].as_array().unwrap());
    let change = steps.find(|step| step["id"] == "change").unwrap();
    let states: Vec<&str> =
        change["evidence"].as_array().unwrap().iter().map(|item| item["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["given", "given", "given", "given", "passed over"]);
    assert_eq!(change["evidence"][2]["sha256"], file["sha256"]);
    assert!(texts[0].1.contains("the whole team"), "{}", texts[0].1);
}

#[test]
fn what_is_missing_needs_a_person_and_a_reason_makes_it_a_deviation() {
    let place = Place::make();
    let called = place.unattended("evidence: [the whole team]").ends_with(7);
    assert!(
        called.err.contains("change needs a person: evidence is asked for: A picture of the panel"),
        "{}",
        called.err
    );
    assert_eq!(place.log(), "changed the thing\n");
    let shown = place.desk.call(["show"]).ends_with(0).out;
    assert!(shown.contains("waits for evidence 3 of change"), "{shown}");
    // The step is not done again, nor what was given asked again.
    place.resumed("evidence: [not this one, { skip: the camera is broken }, and more]").ends_with(0);
    assert_eq!(place.log(), "changed the thing\nlast\n");
    let missing = place.records("evidence_missing");
    assert_eq!((&missing[0]["item"], &missing[0]["reason"]), (&Value::from(3), &Value::from("the camera is broken")));
    assert_eq!(place.records("evidence_given").last().unwrap()["evidence"]["text"]["text"], "and more");
    let shown = place.desk.call(["show"]).ends_with(0).out;
    assert!(shown.contains("change lacks evidence: A picture of the panel: the camera is broken"), "{shown}");
}

#[test]
fn a_file_with_a_secret_is_not_kept() {
    let place = Place::make();
    fs::write(place.desk.home().join("panel.png"), format!("fine\nand then {SECRET}\n")).unwrap();
    let called = place.unattended("evidence: [the whole team, panel.png]").ends_with(7);
    assert!(called.err.contains("holds a secret, or what looks like one, in line 2"), "{}", called.err);
    assert!(!called.err.contains(SECRET) && !called.out.contains(SECRET));
    assert!(place.kept().is_empty(), "{:?}", place.kept());
    fs::write(place.desk.home().join("panel.png"), "fine\n").unwrap();
    place.resumed("evidence: [the whole team, panel.png]").ends_with(0);
    assert_eq!(place.kept(), ["change.1.panel.png"]);
}

#[test]
fn answers_that_nobody_asks_for_are_told_before_anything_runs() {
    let place = Place::make();
    for (evidence, why) in [
        ("evidence: [a, b, c, d]", "4 given, but a person gives 3 items"),
        ("evidence: [[a]]", "write a text, the path of a file"),
    ] {
        let called = place.unattended(evidence).ends_with(2);
        assert!(called.err.contains(why), "{}", called.err);
    }
    assert!(place.desk.runs().is_empty());
}

#[test]
fn a_dry_run_asks_for_none_and_keeps_none() {
    let place = Place::make();
    let answers = place.desk.answers("answers.yaml", "inputs: { token: 'file:token' }\n");
    place.desk.call(["run", "proved.yaml", "--dry-run", "--unattended", "--answers", &answers]).ends_with(0);
    assert!(place.desk.runs().is_empty() && place.log().is_empty());
}

#[test]
fn plain_lines_ask_for_each_item() {
    let place = Place::make();
    fs::create_dir_all(place.desk.home().join("home")).unwrap();
    let mut program = place.desk.program(["run", "proved.yaml", "--plain", "--foreground"]);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    // The token; begin; start and agree; evidence: a text, a file that is not there, the file, nothing; the lines; the last.
    let typed = format!("{SECRET}\n\n\ny\nthe whole team\n/not/there\n~/../panel.png\n\n\n\n\ny\n");
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Evidence 3 of change: A picture of the panel"), "{text}");
    assert!(text.contains("/not/there is not there"), "{text}");
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(place.kept(), ["change.1.panel.png"]);
    assert_eq!(place.records("ticked").len(), 2);
    assert_eq!(place.log(), "changed the thing\nlast\n");
    assert!(text.contains("Still to do: Revoke the old one, by 20"), "{text}");
}

#[test]
fn the_screen_keeps_ticks_and_asks_for_evidence() {
    let place = Place::make();
    place.unattended("evidence: [the whole team]").ends_with(7);
    let words = ["resume", "--foreground"].map(str::to_owned);
    let terminal = Terminal::start(&place.desk, &words, 80, 24);
    terminal.until("the question", |now| now.contains("Evidence 3/5") && now.contains("Enter hand in"));
    terminal.press("panel.png");
    terminal.see("panel.png");
    terminal.press("\r");
    terminal.until("the next question", |now| now.contains("Evidence 5/5") && now.contains("Enter hand in"));
    terminal.press("\r");
    // A step that only a person looks at begins by itself.
    terminal.until("the lines", |now| now.contains("2 to tick") && now.contains("Space tick"));
    terminal.press(" ");
    terminal.until("one ticked", |now| now.contains("1 to tick") && now.contains("[x] Look at the panel"));
    terminal.press("\r");
    terminal.see("not ticked yet");
    terminal.press("q");
    terminal.see("y leave");
    terminal.press("y");
    terminal.ends();
    assert_eq!(place.kept(), ["change.1.panel.png"]);
    // Whoever comes back finds the line ticked.
    let terminal = Terminal::start(&place.desk, &words, 80, 24);
    terminal
        .until("the lines again", |now| now.contains("[x] Look at the panel") && now.contains("[ ] Look at the log"));
    terminal.until("the keys", |now| now.contains("1 to tick") && now.contains("Space tick"));
    terminal.press(" ");
    terminal.until("all ticked", |now| now.contains("[x] Look at the log"));
    terminal.press("\r");
    terminal.until("the last step", |now| now.contains("Next: 3/3") && now.contains("Enter start"));
    let ticks: Vec<String> =
        place.records("ticked").iter().map(|tick| format!("{} {}", tick["item"], tick["ticked"])).collect();
    assert_eq!(ticks, ["1 true", "2 true"]);
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[test]
fn an_audit_holds_what_was_kept_against_the_record() {
    let place = Place::make();
    place.unattended("evidence: [the whole team, panel.png]").ends_with(0);
    let told = place.desk.call(["audit"]).ends_with(0).out;
    assert!(told.contains("ok     evidence       1 file, by the SHA-256 on record"), "{told}");
    let [kept] = &place.kept()[..] else { panic!("{:?}", place.kept()) };
    let path = place.desk.run_folder().join("evidence").join(kept);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
    let told = place.desk.call(["audit"]).ends_with(1).out;
    assert!(told.contains(&format!("! {kept} goes on behind the {} bytes that it had", whole.len())), "{told}");
    fs::remove_file(&path).unwrap();
    let told = place.desk.call(["audit"]).ends_with(1).out;
    assert!(told.contains(&format!("! {kept} is missing, which record ")), "{told}");
}
