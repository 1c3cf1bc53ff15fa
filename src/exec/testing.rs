//! What the tests of this module stand on: a plan of one step in a folder of its own, and an executor that really acts.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::carry::{RunPaths, Setting, World};
use super::launch::Launcher;
use super::scene::{Gaps, Scene};
use super::{Executor, Report};
use crate::engine::{Effect, Input, Outcome, Target};
use crate::playbook::plan::{
    Act, Action, Manner, Name, NameSpec, OnFailure, Part, Plan, Program, Retry, RunSpec, Section, Step, StepId,
    Template,
};
use crate::secret::{Identity, Secret, Secrets};

/// A folder with a run in it.
pub(super) struct Stage {
    pub folder: TempDir,
    pub plan: Plan,
    pub secrets: Arc<Secrets>,
    pub values: BTreeMap<Name, String>,
}

/// What an effect gave.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub output: String,
    pub inputs: Vec<Input>,
}

impl Given {
    pub(super) fn outcome(&self) -> &Outcome {
        match self.inputs.as_slice() {
            [Input::Performed { outcome, .. } | Input::Recaptured { outcome, .. }] => outcome,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn target() -> Target {
    Target::step(&StepId::new("it"))
}

pub(super) fn perform() -> Effect {
    Effect::Perform { target: target(), attempt: 1, after: Duration::ZERO }
}

pub(super) fn script(text: &str) -> RunSpec {
    let shell = ["bash", "-euo", "pipefail", "-c"].map(str::to_owned).to_vec();
    RunSpec {
        program: Program::Script { text: text.to_owned(), shell },
        env: Vec::new(),
        stdin: None,
        cwd: None,
        manner: Manner::Alone,
        host: None,
    }
}

pub(super) fn run(text: &str) -> Action {
    action(Act::Run(script(text)))
}

pub(super) fn action(act: Act) -> Action {
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

pub(super) fn step(action: Action) -> Step {
    Step {
        id: StepId::new("it"),
        title: Template::literal("it"),
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

/// `${name}` between two texts.
pub(super) fn template(before: &str, name: &str, after: &str) -> Template {
    Template::new(vec![Part::Text(before.to_owned()), Part::Value(Name::new(name)), Part::Text(after.to_owned())])
}

impl Stage {
    pub(super) fn of(action: Action) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["transcript", "snapshots"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let index = HashMap::from([(StepId::new("it"), 0)]);
        let plan = Plan { steps: vec![step(action)], index, ..Plan::default() };
        let secrets = Arc::new(Secrets::open(Some(folder.path().join("vault.age")), &Identity::passing()).unwrap());
        Self { folder, plan, secrets, values: BTreeMap::new() }
    }

    pub(super) fn value(mut self, name: &str, value: &str) -> Self {
        self.name(name, false);
        self.values.insert(Name::new(name), value.to_owned());
        self
    }

    pub(super) fn secret(mut self, name: &str, value: &str) -> Self {
        self.name(name, true);
        self.secrets.keep(vec![(name.to_owned(), Secret::new(value.to_owned()))]).unwrap();
        self
    }

    pub(super) fn name(&mut self, name: &str, secret: bool) {
        self.plan.names.insert(Name::new(name), NameSpec { secret, env: name.to_uppercase() });
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn transcript(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("transcript").join(name)).unwrap()
    }

    pub(super) fn scene(&self) -> Scene {
        Scene {
            plan: Arc::new(self.plan.clone()),
            scope: None,
            base: self.folder.path().to_owned(),
            secrets: Arc::clone(&self.secrets),
            values: self.values.clone(),
            launcher: launcher(),
            gaps: Gaps::Refused,
            logs: Vec::new(),
        }
    }

    pub(super) fn setting(&self) -> (Setting, UnboundedReceiver<Report>) {
        let (reports, received) = unbounded_channel();
        let scene = self.scene();
        let folder = RunPaths {
            transcript: self.path("transcript"),
            snapshots: self.path("snapshots"),
            evidence: self.path("evidence"),
            memory: None,
        };
        let setting = Setting {
            plan: scene.plan,
            base: scene.base,
            folder: Some(folder),
            secrets: scene.secrets,
            reports,
            runtime: Handle::current(),
            launcher: scene.launcher,
        };
        (setting, received)
    }

    pub(super) fn world(&self) -> (World, UnboundedReceiver<Report>) {
        let (setting, received) = self.setting();
        (World::new(setting), received)
    }

    /// Carries an effect out and waits for its result.
    pub(super) async fn carry(&self, effect: Effect) -> Given {
        let (mut world, mut received) = self.world();
        world.start(effect, &self.values);
        until_input(&mut received).await
    }
}

/// Collects reports up to the first result for the engine.
pub(super) async fn until_input(received: &mut UnboundedReceiver<Report>) -> Given {
    let mut given = Given::default();
    while given.inputs.is_empty() {
        match received.recv().await.unwrap() {
            Report::Output { text, .. } => given.output.push_str(&text),
            Report::Input(input) => given.inputs.push(input),
            Report::Attempt { .. } | Report::Picture { .. } | Report::Preview { .. } | Report::Notice(_) => {}
        }
    }
    given
}

/// A program that changes the folder and becomes another, as ours does.
pub(super) fn launcher() -> Launcher {
    Launcher::at("/usr/bin/env", &["-C"])
}
