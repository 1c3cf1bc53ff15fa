//! `notify:` of the configuration, through the built program: who is told what, and that nobody who is told matters to the run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests a failure is said by failing")]

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::{Called, Desk};

const PLAYBOOK: &str = r#"runsheet: 1
title: Small story
inputs: { token: { type: secret } }
phases:
  - title: Only
    steps:
      - { id: look, title: Look, run: echo looked, read_only: true }
      - { id: fail, title: Fail, run: 'echo "no $TOKEN" >&2; exit 3', env: { TOKEN: { secret: token } }, rollback: [{ run: 'true' }] }
"#;

struct Told {
    _folder: TempDir,
    desk: Desk,
}

impl Told {
    /// A desk whose configuration has these rules.
    fn by(rules: impl FnOnce(&Desk) -> Vec<String>) -> Self {
        let folder = TempDir::with_prefix("notify-").unwrap();
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("story.yaml"), PLAYBOOK).unwrap();
        desk.keep_secret("token", "CANARY-token-of-the-run");
        desk.answers("answers.yaml", "inputs: { token: 'file:token' }\n");
        let config = desk.home().join("config/runsheet");
        fs::create_dir_all(&config).unwrap();
        let rules: Vec<String> = rules(&desk).iter().map(|rule| format!("  - {rule}\n")).collect();
        fs::write(config.join("config.yaml"), format!("notify:\n{}", rules.concat())).unwrap();
        Self { _folder: folder, desk }
    }

    fn run(&self, more: &[&str]) -> Called {
        let words = ["run", "story.yaml", "--unattended", "--answers", "answers.yaml"];
        self.desk.call([&words, more].concat())
    }
}

fn file(desk: &Desk) -> PathBuf {
    desk.home().join("told")
}

/// A rule that writes each message on a line of a file.
fn kept(desk: &Desk) -> String {
    format!("{{ run: [sh, -c, 'cat >>\"$0\"; echo >>\"$0\"', {}] }}", file(desk).display())
}

fn events(text: &str) -> Vec<String> {
    let messages = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    messages
        .map(|message| format!("{}: {}", message["event"].as_str().unwrap(), message["text"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_run_is_told_of_from_begin_to_end_without_its_secret() {
    let told = Told::by(|desk| vec![kept(desk)]);
    told.run(&["--on-failure", "rollback", "--ticket", "OPS-7"]).ends_with(4);
    let text = fs::read_to_string(file(&told.desk)).unwrap();
    let wanted = [
        "start: began: Small story",
        "rollback: a rollback began: everything, as the playbook or the command line says",
        "rollback: the rollback is done",
        "end: is over: rolled back",
    ];
    assert_eq!(events(&text), wanted);
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["run"], &last["ticket"]), (&told.desk.run_id().into(), &"OPS-7".into()));
    assert_eq!((&last["state"], &last["runsheet"]), (&"rolled back".into(), &1.into()));

    told.run(&["--on-failure", "stop"]).ends_with(1);
    let text = fs::read_to_string(file(&told.desk)).unwrap();
    let stopped = &events(&text)[4..];
    assert_eq!(stopped[0], "start: began: Small story");
    assert!(stopped[1].starts_with("failure: fail failed: ") && stopped[1].contains("no [secret]"), "{stopped:?}");
    assert_eq!(stopped[2..], ["waiting: waits for a decision: fail"]);
    assert!(!text.contains("CANARY"), "{text}");
}

#[test]
fn a_dry_run_tells_nobody() {
    let told = Told::by(|desk| vec![kept(desk)]);
    told.run(&["--dry-run"]).ends_with(0);
    assert!(!file(&told.desk).exists());
}

/// A run that waited for any of them would not end.
#[test]
fn who_hangs_is_gone_or_fails_changes_nothing_and_is_said_once() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = Told::by(|desk| {
        vec![
            format!("{{ post: 'http://{}/CANARY' }}", silent.local_addr().unwrap()),
            format!("{{ post: 'http://{gone}/CANARY' }}"),
            "{ run: [sleep, '600'] }".to_owned(),
            "{ run: [sh, -c, 'exit 9'] }".to_owned(),
            kept(desk),
        ]
    });
    let ended = told.run(&["--on-failure", "rollback"]).ends_with(4);
    let text = fs::read_to_string(file(&told.desk)).unwrap();
    assert_eq!(events(&text).len(), 4, "the others are told all the same: {text}");
    let said = format!("{}{}", ended.out, ended.err);
    assert!(!said.contains("CANARY"), "{said}");
    assert!(said.matches("telling others by sh failed").count() <= 1, "{said}");
    let records = told.desk.journal();
    assert!(records.iter().all(|record| !record.to_string().contains("telling others")), "it is no fact of the run");
}

#[test]
fn a_rule_that_cannot_be_understood_stops_before_anything_begins() {
    for (rule, why) in [
        ("{ on: [never], run: [x] }", "never"),
        ("{ runs: [x] }", "runs"),
        ("{ on: [end] }", "notify: rule 1 needs `run"),
        ("{ post: 'ftp://CANARY/' }", "notify: rule 1 the address is none"),
    ] {
        let told = Told::by(|_| vec![rule.to_owned()]);
        let ended = told.run(&[]).ends_with(2);
        assert!(ended.err.contains("config.yaml cannot be used") && ended.err.contains(why), "{}", ended.err);
        assert!(!ended.err.contains("CANARY") && told.desk.runs().is_empty());
    }
}
