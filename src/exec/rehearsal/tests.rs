//! What the drill's executor shows, and that it does so on nothing but its own things.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Rehearsal, practised};
use crate::engine::{BegunDrill, Effect, Finding, How, Input, Outcome, Record, Target, Verdict};
use crate::exec::{Executor, Launcher, Report, RunPaths, Setting};
use crate::playbook::check;
use crate::playbook::plan::{Name, Plan, StepId};
use crate::secret::{Identity, Secret, Secrets};

/// A drill in a folder of its own.
struct Stage {
    folder: tempfile::TempDir,
    rehearsal: Rehearsal,
    reports: UnboundedReceiver<Report>,
    values: BTreeMap<Name, String>,
    attempts: BTreeMap<String, u32>,
}

fn plan(text: &str) -> Plan {
    check(text).unwrap_or_else(|faults| panic!("{faults:#?}")).plan
}

impl Stage {
    fn of(text: &str, drill: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["transcript", "snapshots", "files"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let original = Arc::new(plan(text));
        let begun =
            BegunDrill { id: drill.map(str::to_owned), speed: "instant".to_owned(), seed: 5, ..BegunDrill::default() };
        let practised = Arc::new(practised(&original, &begun));
        let secrets = Arc::new(Secrets::open(None, &Identity::passing()).unwrap());
        let given = super::secrets(&practised, begun.seed);
        let given: Vec<(String, Secret)> = given.into_iter().map(|(name, secret)| (name.to_string(), secret)).collect();
        if !given.is_empty() {
            secrets.keep(given).unwrap();
        }
        let values =
            practised.inputs.iter().filter_map(|spec| Some((spec.name.clone(), spec.default.as_ref()?.fill(|_| None))));
        let values = values.collect();
        let (sender, reports) = unbounded_channel();
        let setting = Setting {
            plan: practised,
            base: "/srv/playbooks".into(),
            folder: Some(RunPaths {
                transcript: folder.path().join("transcript"),
                snapshots: folder.path().join("snapshots"),
                evidence: folder.path().join("evidence"),
                memory: None,
            }),
            secrets,
            reports: sender,
            runtime: Handle::current(),
            launcher: Launcher::ourselves(),
            root: Some(folder.path().join("files")),
        };
        let rehearsal = Rehearsal::new(setting, original, begun);
        Self { folder, rehearsal, reports, values, attempts: BTreeMap::new() }
    }

    fn record(&mut self, record: &Record) {
        self.rehearsal.recorded(record);
    }

    /// Waits for what comes for the engine; faults that were shown are written down on the way.
    async fn input(&mut self) -> Input {
        loop {
            match self.reports.recv().await.unwrap() {
                Report::Input(Input::FaultShown { target, probe, fault }) => {
                    self.record(&Record::FaultShown { target, probe, fault });
                }
                Report::Input(input) => return input,
                _ => {} // output and the like
            }
        }
    }

    fn started(&mut self, target: &Target) -> u32 {
        let attempt = self.attempts.entry(target.stem()).or_default();
        *attempt += 1;
        let attempt = *attempt;
        self.record(&Record::Started { target: target.clone(), attempt, retry: false, despite: None });
        attempt
    }

    /// Carries an act out as the session does.
    async fn perform(&mut self, target: &Target) -> Outcome {
        let attempt = self.started(target);
        let values = self.values.clone();
        self.rehearsal
            .start(Effect::Perform { target: target.clone(), attempt, after: std::time::Duration::ZERO }, &values);
        let Input::Performed { outcome, .. } = self.input().await else { panic!("an outcome") };
        self.values.extend(outcome.values.clone());
        self.record(&Record::Performed { target: target.clone(), attempt, outcome: outcome.clone() });
        outcome
    }

    async fn probe(&mut self, target: &Target) -> Vec<Verdict> {
        let values = self.values.clone();
        self.rehearsal.start(Effect::Probe { target: target.clone(), logs: Vec::new() }, &values);
        let Input::Probed { verdicts, .. } = self.input().await else { panic!("verdicts") };
        verdicts
    }

    /// Answers a question with the value that is offered, as somebody does who leaves the field empty.
    fn paste(&mut self, target: &Target, name: &str) {
        self.started(target);
        let name = Name::new(name);
        let source = crate::playbook::plan::Source::Env(String::new());
        let value = self.rehearsal.source(&name, &source, &self.values).unwrap();
        self.rehearsal.keep(vec![(name.clone(), value)]).unwrap();
        let mut shown = Vec::new();
        while let Ok(Report::Input(Input::FaultShown { target, probe, fault })) = self.reports.try_recv() {
            shown.push(Record::FaultShown { target, probe, fault });
        }
        self.record(&Record::Answered {
            target: target.clone(),
            values: BTreeMap::new(),
            secrets: vec![name],
            fingerprints: BTreeMap::new(),
        });
        for record in &shown {
            self.record(record);
        }
    }
}

fn step(id: &str) -> Target {
    Target::step(&StepId::new(id))
}

fn findings(verdicts: &[Verdict]) -> Vec<(bool, Finding)> {
    verdicts.iter().map(|verdict| (verdict.pass, verdict.finding)).collect()
}

const ROTATION: &str = "runsheet: 1
title: Rotate
inputs:
  root: { type: path, default: /srv/app }
  old_pw: { type: secret, from: { dotenv: '${root}/.env', key: DATABASE_URL, part: password } }
phases:
  - title: All
    steps:
      - id: keep
        title: Keep
        snapshot: ['${root}/.env', '${root}/app.js']
      - id: reset
        title: Reset
        run: reset it
        capture: { new_pw: { json: /0/password, secret: true } }
        verify:
          - { postgres: 'postgres://doadmin@db.example/x', password: new_pw }
          - { postgres: 'postgres://doadmin@db.example/x', password: old_pw, expect: denied }
        recapture: { run: get it }
        irreversible: Gone.
        rollback:
          - { run: reset it, capture: { new_pw: { json: /0/password, secret: true } } }
      - id: write
        title: Write
        edit:
          - { file: '${root}/.env', dotenv: DATABASE_URL, url_password: new_pw }
          - { file: '${root}/app.js', match: 'postgres://doadmin:([^@]+)@', url_password: new_pw, count: 1 }
          - { file: '${root}/app.js', match: 'TLS: \"0\"', replace: 'TLS: \"1\"', count: 1 }
        verify: { file: '${root}/.env', contains: practice }
      - id: paste
        title: Paste
        ask: { token: { type: secret, min_length: 20 } }
        verify: { redis: 'rediss://default@valkey.example', password: token }
      - id: count
        title: Count
        run: count rows
        capture: { rows: { regex: '([0-9]+) rows' } }
        expect: { contains: counted }
        read_only: true
      - id: say
        title: Say
        run: say
        read_only: true
        simulate:
          - { stdout: \"first\\n\", exit: 3 }
          - { stdout: \"second\\n\" }
        verify:
          - { http: 'http://localhost/health', within: 5s, every: 1s, simulate: [{ pass: false, saw: starting }, { pass: true, saw: up }] }
drills:
  - id: trouble
    title: Trouble
    faults:
      - { at: reset, shows: done_but_lost }
      - { at: paste, shows: wrong_paste }
      - { at: count, shows: fails, attempts: 2, say: too many connections }
      - { at: say, probe: 1, shows: unreachable }
    respond: [recapture, retry, retry, verify]
";

#[tokio::test]
async fn a_rotated_password_is_refused_and_the_new_one_is_taken() {
    let mut stage = Stage::of(ROTATION, None);
    let reset = step("reset");
    // Before anything has happened it is as it was.
    assert_eq!(findings(&stage.probe(&reset).await)[1], (false, Finding::Differs));
    let outcome = stage.perform(&reset).await;
    assert_eq!(outcome.how, How::Ok, "{outcome:?}");
    assert_eq!(outcome.secrets, [Name::new("new_pw")]);
    let first = stage.rehearsal.secret(&Name::new("new_pw")).unwrap();
    assert_eq!(findings(&stage.probe(&reset).await), [(true, Finding::Holds), (true, Finding::Holds)]);
    // The way forward gives another one, and the first is good no more.
    stage.perform(&Target::undo(&StepId::new("reset"), 1)).await;
    let second = stage.rehearsal.secret(&Name::new("new_pw")).unwrap();
    assert!(!first.same(&second));
    let transcript = std::fs::read_to_string(stage.folder.path().join("transcript/reset.1.log")).unwrap();
    assert!(!transcript.contains(first.expose()) && transcript.contains("password"), "{transcript}");
}

#[tokio::test]
async fn what_is_done_and_lost_is_unknown_and_can_be_fetched_again() {
    let mut stage = Stage::of(ROTATION, Some("trouble"));
    let reset = step("reset");
    let outcome = stage.perform(&reset).await;
    assert_eq!((outcome.how, outcome.secrets.len()), (How::Lost, 0));
    let verdicts = stage.probe(&reset).await;
    assert!(verdicts[0].saw.starts_with("not asked"), "{verdicts:?}");
    let values = stage.values.clone();
    stage.rehearsal.start(Effect::Recapture { step: StepId::new("reset") }, &values);
    let Input::Recaptured { outcome, .. } = stage.input().await else { panic!("captures") };
    assert_eq!(outcome.secrets, [Name::new("new_pw")]);
}

#[tokio::test]
async fn a_paste_that_lacks_a_character_is_refused_until_it_is_whole() {
    let mut stage = Stage::of(ROTATION, Some("trouble"));
    let paste = step("paste");
    stage.paste(&paste, "token");
    assert_eq!(findings(&stage.probe(&paste).await), [(false, Finding::Denied)]);
    stage.paste(&paste, "token");
    assert_eq!(findings(&stage.probe(&paste).await), [(true, Finding::Holds)]);
}

#[tokio::test]
async fn files_are_made_so_that_edits_fit_and_the_real_ones_are_not_touched() {
    let mut stage = Stage::of(ROTATION, None);
    stage.perform(&step("reset")).await;
    let write = step("write");
    let attempt = stage.started(&write);
    let values = stage.values.clone();
    stage.rehearsal.start(Effect::Save { target: write.clone(), attempt }, &values);
    let Input::Saved { files, .. } = stage.input().await else { panic!("copies") };
    let root = stage.folder.path().join("files");
    assert!(files.len() == 2 && files.iter().all(|file| Path::new(&file.path).starts_with(&root)), "{files:?}");
    let env = root.join("srv/app/.env");
    let before = std::fs::read_to_string(&env).unwrap();
    let old = super::secrets(&plan(ROTATION), 5).remove(0).1;
    assert!(before.contains(&old.expose().replace('-', "%2D")), "{before}");
    stage.rehearsal.start(Effect::Edit { target: write.clone(), attempt, saved: files.clone() }, &values);
    let Input::Performed { outcome, .. } = stage.input().await else { panic!("an outcome") };
    assert_eq!(outcome.how, How::Ok, "{outcome:?}");
    assert!(outcome.saw.contains("changed /srv/app/.env"), "{outcome:?}");
    stage.record(&Record::Performed { target: write.clone(), attempt, outcome });
    let new = stage.rehearsal.secret(&Name::new("new_pw")).unwrap();
    let after = std::fs::read_to_string(&env).unwrap();
    assert!(after.contains(new.expose()) && after != before);
    assert_eq!(findings(&stage.probe(&write).await), [(true, Finding::Holds)]);
    let undo = Target::undo(&StepId::new("write"), 1);
    let attempt = stage.started(&undo);
    stage.rehearsal.start(Effect::Restore { target: undo, attempt, files }, &values);
    let Input::Performed { outcome, .. } = stage.input().await else { panic!("an outcome") };
    assert_eq!(outcome.how, How::Ok);
    assert_eq!(std::fs::read_to_string(&env).unwrap(), before);
    assert!(!Path::new("/srv/app/.env").exists());
}

#[tokio::test]
async fn a_fault_holds_for_its_attempts_and_says_what_it_says() {
    let mut stage = Stage::of(ROTATION, Some("trouble"));
    let count = step("count");
    for _ in 0..2 {
        let outcome = stage.perform(&count).await;
        assert_eq!((outcome.how, outcome.exit), (How::Failed, Some(1)));
        assert!(outcome.saw.contains("too many connections"), "{outcome:?}");
    }
    let outcome = stage.perform(&count).await;
    assert_eq!(outcome.how, How::Ok, "{outcome:?}");
    assert!(outcome.saw.ends_with("(made up)") && outcome.values.contains_key(&Name::new("rows")), "{outcome:?}");
}

#[tokio::test]
async fn what_is_simulated_goes_by_attempts() {
    let mut stage = Stage::of(ROTATION, Some("trouble"));
    let say = step("say");
    let first = stage.perform(&say).await;
    assert_eq!((first.how, first.exit), (How::Failed, Some(3)));
    let second = stage.perform(&say).await;
    assert_eq!((second.how, second.saw.as_str()), (How::Ok, "second"));
    let third = stage.perform(&say).await;
    assert_eq!(third.saw, "second");
    // The fault first, for one round; then as the author says, once more until it is up.
    assert_eq!(findings(&stage.probe(&say).await), [(false, Finding::Unreachable)]);
    let verdicts = stage.probe(&say).await;
    assert_eq!((verdicts[0].pass, verdicts[0].attempts, verdicts[0].saw.as_str()), (true, 2, "up"));
}

#[tokio::test]
async fn a_wrong_output_is_found_by_the_values_that_it_gives() {
    let text = "runsheet: 1
title: T
phases:
  - title: A
    steps:
      - id: count
        title: Count
        run: count
        read_only: true
        simulate: { stdout: '{\"rows\": 300}' }
        capture: { rows: { json: /rows } }
        verify: { value: rows, expect: { equals: \"300\" } }
drills:
  - id: few
    title: Few
    faults: [{ at: count, shows: { stdout: '{\"rows\": 188}' } }]
    respond: [{ right: retry, because: c }]
";
    let mut stage = Stage::of(text, Some("few"));
    assert_eq!(stage.perform(&step("count")).await.how, How::Ok);
    assert_eq!(findings(&stage.probe(&step("count")).await), [(false, Finding::Differs)]);
    stage.perform(&step("count")).await;
    assert_eq!(findings(&stage.probe(&step("count")).await), [(true, Finding::Holds)]);
}

#[tokio::test]
async fn what_a_probe_captures_is_there_for_the_next_one() {
    let text = "runsheet: 1
title: T
phases:
  - title: A
    steps:
      - id: look
        title: Look
        verify:
          - { http: 'https://a.example/login', expect: { status: 200 }, capture: { token: { json: /t, secret: true } } }
          - { http: 'https://a.example/page', bearer: token, expect: { status: 200 } }
          - { command: [count], capture: { there: whole }, simulate: { stdout: '7' } }
          - { command: [count], expect: { equals: '${there}' }, simulate: { stdout: '7' } }
          - { command: [count], expect: { equals: '${there}' }, simulate: { stdout: '8' } }
";
    let mut stage = Stage::of(text, None);
    let found = findings(&stage.probe(&step("look")).await);
    let held = (true, Finding::Holds);
    assert_eq!(found, [held, held, held, held, (false, Finding::Differs)]);
}

#[tokio::test]
async fn a_file_has_what_is_looked_for_once_and_one_that_may_be_missing_has_a_folder() {
    let text = "runsheet: 1
title: T
phases:
  - title: A
    steps:
      - { id: keep, title: Keep, snapshot: [{ file: /srv/a/log/record, missing: true }] }
      - { id: look, title: Look, file: /srv/a/issuer, contains: 'kid: abc' }
      - { id: write, title: Write, edit: { file: /srv/a/issuer, match: 'kid: *([a-z]+)', replace: new } }
";
    let mut stage = Stage::of(text, None);
    assert_eq!(findings(&stage.probe(&step("look")).await), [(true, Finding::Holds)]);
    let files = stage.folder.path().join("files/srv/a");
    assert_eq!(std::fs::read_to_string(files.join("issuer")).unwrap().matches("kid:").count(), 1);
    assert!(files.join("log").is_dir() && !files.join("log/record").exists());
}
