//! A run for tests: a plan made by hand, the real engine, and a clock that stands still.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::engine::{Begun, Effect, Engine, Finding, Foreseen, How, Input, Outcome, Refusal, Target, Verdict};
use crate::front::bench::taken;
use crate::front::tui::layout;
use crate::front::tui::state::Walk;
use crate::front::tui::theme::Theme;
use crate::front::{Answer, Say, Update};
use crate::playbook::plan::*;

/// The moment that all happens at.
pub(super) const AT: &str = "2026-03-01T03:00:00Z";

fn text(text: &str) -> Template {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let end = rest[at..].find('}').unwrap() + at;
        parts.push(Part::Text(rest[..at].to_owned()));
        parts.push(Part::Value(rest[at + 2..end].into()));
        rest = &rest[end + 1..];
    }
    parts.push(Part::Text(rest.to_owned()));
    Template::new(parts)
}

pub(super) fn input(name: &str, kind: InputKind, prompt: &str) -> InputSpec {
    InputSpec {
        name: name.into(),
        kind,
        prompt: Some(text(prompt)),
        default: None,
        pattern: None,
        min_length: None,
        differs_from: None,
        env: name.to_uppercase(),
        from: None,
    }
}

fn action(act: Act) -> Action {
    Action {
        title: None,
        act,
        expect: Vec::new(),
        capture: Vec::new(),
        verify: Vec::new(),
        timeout: None,
        simulate: Vec::new(),
    }
}

pub(super) fn run(script: &str) -> Action {
    action(Act::Run(RunSpec {
        program: Program::Script {
            text: script.into(),
            shell: ["bash", "-euo", "pipefail", "-c"].map(str::to_owned).to_vec(),
        },
        env: Vec::new(),
        stdin: None,
        cwd: None,
        manner: Manner::Alone,
        host: None,
    }))
}

fn probe(probe: Probe, title: &str) -> ProbeSpec {
    ProbeSpec {
        title: Some(text(title)),
        probe,
        expect: Vec::new(),
        within: Some(Duration::from_secs(30)),
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(10),
        capture: Vec::new(),
        warn: false,
        simulate: Vec::new(),
    }
}

fn step(id: &str, title: &str, action: Action) -> Step {
    Step {
        id: id.into(),
        title: text(title),
        section: Section::Main,
        line: 1,
        action,
        why: None,
        hint: None,
        when: Vec::new(),
        rollback: Vec::new(),
        irreversible: None,
        read_only: false,
        optional: false,
        confirm: None,
        estimate: None,
        retry: Retry::default(),
        on_failure: OnFailure::Ask,
        recapture: None,
        sign_off: None,
        evidence: Vec::new(),
        quiz: None,
    }
}

/// A small rotation: a check, copies, a reset that cannot be undone, an edit, a manual step, a restart, a statement.
pub(super) fn plan() -> Plan {
    let database = || {
        Probe::Postgres(DatabaseSpec {
            url: text("postgres://doadmin@${pg_host}/defaultdb"),
            password: Some("new_pg_password".into()),
            ca: None,
            query: None,
        })
    };
    let signed_in = Step { read_only: true, ..step("signed-in", "doctl is signed in", run("doctl account get")) };
    let copies = step(
        "keep-copies",
        "Keep copies of the files that will change",
        action(Act::Snapshot(vec![SnapshotSpec { file: text("${app_root}/.env"), missing: false }])),
    );
    let mut reset = step(
        "reset-doadmin",
        "Reset the doadmin password",
        run("doctl databases user reset \"$PG_ID\" doadmin \\\n  --http-retry-max 0 -o json"),
    );
    reset.action.timeout = Some(Duration::from_mins(1));
    reset.action.capture =
        vec![Capture { name: "new_pg_password".into(), how: CaptureHow::Json("/0/password".into()), secret: true }];
    reset.action.verify = vec![
        probe(database(), "the new password is accepted"),
        ProbeSpec { expect: vec![Expect::Denied], ..probe(database(), "the old password is refused") },
    ];
    reset.why = Some(text("The old password is in a **public** log.\n\n- it must die\n- at once"));
    reset.confirm = Some(text("The old password stops working now."));
    reset.irreversible = Some(text("DigitalOcean does not bring an old password back."));
    reset.rollback = vec![run("doctl databases user reset \"$PG_ID\" doadmin -o json")];
    reset.estimate = Some(Duration::from_secs(10));
    reset.recapture = Some(run("doctl databases user get \"$PG_ID\" doadmin -o json"));
    let edit = step(
        "write-files",
        "Put the new password into the files",
        action(Act::Edit(vec![EditSpec {
            file: text("${app_root}/.env"),
            place: EditPlace::Dotenv("DATABASE_URL".into()),
            put: Put::UrlPassword("new_pg_password".into()),
            count: 1,
        }])),
    );
    let secret = InputSpec {
        min_length: Some(16),
        differs_from: Some("old_valkey_password".into()),
        ..input("new_valkey_password", InputKind::Secret, "Paste the new password")
    };
    let mut valkey = step(
        "reset-valkey",
        "Reset the Valkey password in the control panel",
        action(Act::Person(PersonSpec {
            text: Some(text(
                "1. Choose **Reset password** beside `default`.\n2. Copy the new password.\n\n- [ ] the page says ${pg_host}\n- [ ] **nobody else** is on it\n",
            )),
            open: Some(text("https://cloud.example.com/databases/valkey/users")),
            approval: None,
            ask: vec![secret],
        })),
    );
    valkey.irreversible = Some(text("The old password is gone the moment the button is pressed."));
    let mut restart = step("restart", "Restart the aggregator", run("pm2 restart milo-aggregator --update-env"));
    restart.rollback = vec![run("pm2 restart milo-aggregator --update-env")];
    restart.estimate = Some(Duration::from_secs(20));
    restart.action.verify = vec![probe(Probe::Tcp(text("localhost:8080")), "the health page says ok")];
    let mut quiet = step("quiet", "No authentication errors in the logs", action(Act::Person(PersonSpec::default())));
    quiet.section = Section::Success;
    let steps = vec![signed_in, copies, reset, edit, valkey, restart, quiet];
    let names = ["new_pg_password", "new_valkey_password", "old_valkey_password"];
    Plan {
        title: "Rotate managed Postgres and Valkey passwords".into(),
        summary: Some("Rotates doadmin and the Valkey password, then restarts the aggregator.".into()),
        description: Some("## Before you begin\n\nTell `#ops`. Have the *control panel* open.".into()),
        version: Some("2.1.0".into()),
        contacts: vec![("Primary".into(), "pager 7".into())],
        window: Some(Duration::from_mins(5)),
        protected: vec![("environment".into(), vec!["production".into()])],
        inputs: vec![
            input("environment", InputKind::Choice(vec!["staging".into(), "production".into()]), "Which environment?"),
            input("pg_host", InputKind::Text, "Postgres host"),
            InputSpec {
                default: Some(text("/srv/milo")),
                ..input("app_root", InputKind::Path, "Where the application is")
            },
            input("old_valkey_password", InputKind::Secret, "Old Valkey password"),
        ],
        phases: vec![
            Phase { title: text("Pre-checks"), steps: 0..2 },
            Phase { title: text("Rotate Postgres"), steps: 2..4 },
            Phase { title: text("Rotate Valkey"), steps: 4..6 },
        ],
        index: steps.iter().enumerate().map(|(at, step)| (step.id.clone(), at)).collect(),
        steps,
        sign_off: Some(SignOff { by: vec!["operator".into()], distinct: false }),
        follow_up: vec![FollowUp { title: text("Revoke the old token"), within: Some(Duration::from_hours(24)) }],
        names: names.map(|name| (name.into(), NameSpec { secret: true, env: name.to_uppercase() })).into(),
        ..Plan::default()
    }
}

/// A run on a screen of a size.
pub(super) struct Story {
    engine: Engine,
    pub(super) walk: Walk,
    pub(super) now: Timestamp,
    pub(super) clock: Instant,
    /// What the next look ahead finds.
    pub(super) foreseen: Vec<Foreseen>,
}

impl Story {
    /// Begins a run, and lets the first question stand for long enough.
    pub(super) fn begin() -> Self {
        Self::of(plan())
    }

    pub(super) fn of(plan: Plan) -> Self {
        let plan = Arc::new(plan);
        let walk =
            Walk::new(Arc::clone(&plan), "/var/lib/runsheet/01JCANARY/journal.jsonl".into(), None, Theme::rich());
        let mut story = Self {
            engine: Engine::new(plan),
            walk,
            now: AT.parse().unwrap(),
            clock: Instant::now(),
            foreseen: Vec::new(),
        };
        let values = [("environment", "production"), ("pg_host", "pg.example.com"), ("app_root", "/srv/milo")];
        let begun = Begun {
            run: "01JCANARY0000000000000RUN1".into(),
            included: BTreeMap::new(),
            operator: "ada".into(),
            values: values.map(|(name, value)| (name.into(), value.to_owned())).into(),
            secrets: vec!["old_valkey_password".into()],
            protected: true,
            drill: None,
            ..Begun::default()
        };
        story.input(Input::Begin { begun: Box::new(begun), typed: Some("production".into()) });
        story.walk.take(Update::Live);
        story.settle();
        story
    }

    /// Tells the engine, and the screen what came of it.
    pub(super) fn input(&mut self, input: Input) {
        let turn = self.engine.handle(input, self.now).unwrap();
        for record in turn.records {
            self.walk.take(Update::Record(Arc::new(record)));
        }
        self.settle();
        for effect in turn.effects {
            if let Effect::LookAhead { step, .. } = effect {
                let refused = std::mem::take(&mut self.foreseen);
                self.input(Input::LookedAhead { step, refused });
            }
        }
    }

    /// Tells the engine what was said at the screen, which may be refused because the window is over.
    fn said(&mut self, input: Input) {
        match self.engine.clone().handle(input.clone(), self.now) {
            Err(over @ Refusal::WindowOver { .. }) => self.update(Update::Refused(over)),
            Ok(_) | Err(_) => self.input(input),
        }
    }

    /// Tells the screen.
    pub(super) fn update(&mut self, update: Update) {
        self.walk.take(update);
        self.settle();
    }

    /// Lets the question be seen for long enough.
    pub(super) fn settle(&mut self) {
        self.walk.settle();
        self.walk.gate.painted(self.clock);
        self.clock += Duration::from_secs(1);
        self.walk.gate.pass(self.clock);
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, seconds: i64) {
        self.now += jiff::SignedDuration::from_secs(seconds);
        self.walk.now = self.now;
    }

    /// Presses a key, and hands on what the screen says to the engine.
    pub(super) fn press(&mut self, code: KeyCode) {
        self.walk.key(KeyEvent::new(code, KeyModifiers::NONE), self.clock);
        for say in std::mem::take(&mut self.walk.says) {
            match say {
                Say::Input(input) => self.said(input),
                Say::Answer { target, answers } => {
                    let (mut values, mut secrets) = (BTreeMap::new(), Vec::new());
                    for (name, answer) in answers {
                        match answer {
                            Answer::Text(text) => drop(values.insert(name, text)),
                            Answer::Secret(_) => secrets.push(name),
                        }
                    }
                    self.input(Input::Answer { target, values, secrets, fingerprints: BTreeMap::new() });
                }
                Say::Evidence { step, item, offer } => {
                    self.input(Input::Evidence { step, item, evidence: taken(offer) });
                }
                Say::Sign { .. }
                | Say::Preview(_)
                | Say::Quit
                | Say::Detach(_)
                | Say::TakeOver
                | Say::Presence(_)
                | Say::Type { .. }
                | Say::Size { .. } => {}
            }
        }
    }

    /// Types a text.
    pub(super) fn type_in(&mut self, text: &str) {
        text.chars().for_each(|letter| self.press(KeyCode::Char(letter)));
    }

    /// Starts the step and lets its command end well or not, then its probes.
    pub(super) fn performed(&mut self, step: &str, how: How, saw: &str) {
        let target = Target::step(&step.into());
        let attempt = self.engine.run().step(self.engine.plan(), &target.step).unwrap().attempts;
        let outcome = Outcome {
            how,
            saw: saw.into(),
            exit: Some(i32::from(how != How::Ok)),
            took_ms: 1200,
            ..Outcome::default()
        };
        self.input(Input::Performed { target, attempt, outcome });
    }

    /// Lets the probes of a step answer.
    pub(super) fn probed(&mut self, step: &str, passes: &[(&str, Finding, &str)]) {
        let verdicts = passes.iter().map(|(title, finding, saw)| Verdict {
            title: (*title).into(),
            finding: *finding,
            pass: *finding == Finding::Holds,
            warn: false,
            saw: (*saw).into(),
            attempts: 2,
            took_ms: 1300,
            values: BTreeMap::new(),
            secrets: Vec::new(),
            fingerprints: BTreeMap::new(),
        });
        self.input(Input::Probed { target: Target::step(&step.into()), verdicts: verdicts.collect() });
    }

    /// Goes on to a step, everything before it done well.
    pub(super) fn up_to(&mut self, step: &str) {
        let id: StepId = step.into();
        while self.walk.at() < self.walk.plan.index.get(&id).copied() {
            self.well();
        }
    }

    /// Does the current step well.
    pub(super) fn well(&mut self) {
        let (_, step) = self.walk.shown().unwrap();
        let (id, target) = (step.id.to_string(), Target::step(&step.id));
        let probes = step.action.verify.len();
        let (person, saves) =
            (matches!(step.action.act, Act::Person(_)), matches!(step.action.act, Act::Edit(_) | Act::Snapshot(_)));
        let only_saves = matches!(step.action.act, Act::Snapshot(_));
        if !person || step.irreversible.is_some() {
            self.input(Input::Go { step: id.as_str().into(), confirmed: true });
        }
        if person {
            for item in self.walk.run.unticked(&self.walk.plan, &target) {
                self.input(Input::Tick { target: target.clone(), item, ticked: true });
            }
            let secrets = vec!["new_valkey_password".into()];
            self.input(Input::Answer { target, values: BTreeMap::new(), secrets, fingerprints: BTreeMap::new() });
        } else if saves {
            let file = crate::engine::SavedFile {
                path: "/srv/milo/.env".into(),
                copy: Some("1".into()),
                mode: 0o600,
                uid: 0,
                gid: 0,
                size: 10,
                attributes: None,
                links: Vec::new(),
                sealed_sha256: None,
                attributes_sha256: None,
            };
            self.input(Input::Saved { target, files: vec![file], logs: Vec::new() });
            if !only_saves {
                self.performed(&id, How::Ok, "1 place changed");
            }
        } else {
            self.performed(&id, How::Ok, "exit status 0");
        }
        if probes > 0 {
            self.probed(&id, &vec![("it holds", Finding::Holds, "PostgreSQL 16.2, TLS 1.3, 41ms"); probes]);
        }
    }

    /// Draws into a frame.
    pub(super) fn draw(&self, frame: &mut ratatui::Frame<'_>) {
        layout::draw(&self.walk, frame, self.now);
    }

    /// Draws the screen.
    pub(super) fn frame(&self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| layout::draw(&self.walk, frame, self.now)).unwrap();
        shown(&terminal)
    }
}

/// Writes a screen as text, trailing blanks left out.
pub(super) fn shown(terminal: &Terminal<TestBackend>) -> String {
    if terminal.backend().buffer().area.width == 0 {
        return String::new();
    }
    let text = terminal.backend().to_string();
    let lines = text.lines().map(|line| line.trim_matches('"').trim_end().to_owned() + "\n");
    lines.collect()
}
