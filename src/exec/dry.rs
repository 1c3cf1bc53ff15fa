//! The dry run: only what changes nothing is carried out; everything else is shown and said not to have been.
//!
//! It reads, asks probes and runs the commands of `read_only` steps. It writes no file, no transcript, no copy, and keeps
//! captured secrets in memory alone (its [`Secrets`](crate::secret::Secrets) must have been opened without a path).

use std::collections::BTreeMap;

use super::Executor;
use super::carry::{Setting, World};
use super::scene::{Gaps, Scene};
use crate::engine::{Effect, Finding, Input, Outcome, Run, Target, Verdict};
use crate::playbook::plan::{Act, Given, Manner, Name, ProbeSpec, Program, RunSpec, Source, StepId, Template};
use crate::secret::Secret;

/// What everything that is not carried out says.
const NOT_DONE: &str = "dry run: not carried out";

/// Carries out only what changes nothing.
#[derive(Debug)]
pub struct DryRun {
    world: World,
    /// Whether a step was passed over, because it changes something or for want of a value: from then on the world is not what
    /// the playbook expects.
    passed_over: bool,
    /// The edits that were passed over: later ones may look for what they would have left.
    edited: Vec<StepId>,
}

impl DryRun {
    /// Makes one. The folders of the setting, if there are any, are not used.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        Self { world: World::new(Setting { folder: None, ..setting }), passed_over: false, edited: Vec::new() }
    }

    /// The command of a read-only step. Only a step's own act can be known to change nothing; an undo is there to change
    /// something.
    fn reads(&self, target: &Target) -> Option<&RunSpec> {
        match &self.world.step(&target.step)?.action.act {
            Act::Run(spec) if target.undo.is_none() && self.world.step(&target.step)?.read_only => Some(spec),
            _ => None, // every other act is carried out by nobody
        }
    }

    /// Says whether it only reads, and does not end by itself.
    fn waits(&self, target: &Target) -> bool {
        self.reads(target).is_some_and(|spec| !matches!(spec.manner, Manner::Alone))
    }

    fn edits(&self, target: &Target) -> bool {
        self.world.action(target).is_some_and(|action| matches!(action.act, Act::Edit(_)))
    }

    /// Says whether a target was carried out, or has nothing but probes.
    fn is_real(&self, target: &Target) -> bool {
        let step = self.world.step(&target.step);
        self.reads(target).is_some()
            || target.undo.is_none() && step.is_some_and(|step| matches!(step.action.act, Act::Verify))
    }

    /// Has the diff of an edit worked out. Nothing was written, so there are no copies to look at.
    fn show(&self, target: Target, values: &BTreeMap<Name, String>) {
        let scene = Scene { gaps: Gaps::Shown, ..self.scene(&target, values) };
        self.world.preview_in(target, Vec::new(), scene);
    }

    /// Returns what a step can draw on.
    fn scene(&self, target: &Target, values: &BTreeMap<Name, String>) -> Scene {
        self.world.scene(values).within(target.step.as_str())
    }

    fn pretend(&self, target: Target, attempt: u32) {
        self.world.answer(Input::Performed { target, attempt, outcome: not_done() });
    }
}

impl Executor for DryRun {
    fn start(&mut self, effect: Effect, values: &BTreeMap<Name, String>) {
        match effect {
            // What goes on until something is seen would wait for what no change has brought about; and nobody attends anything.
            Effect::Perform { ref target, attempt, .. } if self.waits(target) => self.pretend(target.clone(), attempt),
            Effect::Perform { ref target, attempt, .. } => {
                let missing = self.reads(target).map(|spec| missing(spec, &self.scene(target, values)));
                match missing {
                    Some(None) => return self.world.start(effect, values),
                    Some(Some(name)) => {
                        // Somebody would have brought it by now, and what comes later may depend on it.
                        self.passed_over = true;
                        let saw = format!("{NOT_DONE}: it needs {name}, which a dry run does not get");
                        let outcome = Outcome { saw, ..Outcome::default() };
                        return self.world.answer(Input::Performed { target: target.clone(), attempt, outcome });
                    }
                    None => self.passed_over = true,
                }
                if self.edits(target) {
                    self.show(target.clone(), values);
                }
                self.pretend(target.clone(), attempt);
            }
            Effect::LookAhead { step, later } => {
                self.world.look_ahead(self.edited.clone(), step, later, self.world.scene(values));
            }
            Effect::Edit { target, attempt, .. } => {
                self.passed_over = true;
                self.edited.push(target.step.clone());
                self.show(target.clone(), values);
                self.pretend(target, attempt);
            }
            // No copies are kept of what is not going to be changed.
            Effect::Save { target, attempt } => match self.world.action(&target) {
                Some(action) if !matches!(action.act, Act::Snapshot(_)) => {
                    let scene = self.scene(&target, values);
                    self.world.mark(target, &action, &scene);
                }
                Some(_) | None => self.pretend(target, attempt),
            },
            Effect::Restore { target, attempt, .. } => self.pretend(target, attempt),
            Effect::Recapture { step } => self.world.answer(Input::Recaptured { step, outcome: not_done() }),
            Effect::RemoveTemporary => {
                self.world.answer(Input::TemporaryRemoved { removed: Vec::new(), left: Vec::new() });
            }
            Effect::Probe { target, logs } => {
                let mut probes = self.world.action(&target).map(|action| action.verify).unwrap_or_default();
                if !self.is_real(&target) {
                    let scene = self.scene(&target, values);
                    let verdicts = probes.iter().map(|probe| not_asked(probe, &scene)).collect();
                    return self.world.answer(Input::Probed { target, verdicts });
                }
                if self.passed_over {
                    // What a change would have brought about cannot be there.
                    for probe in &mut probes {
                        probe.warn = true;
                    }
                }
                let scene = self.scene(&target, values);
                self.world.probe(target, probes, Scene { logs, ..scene });
            }
            Effect::KeepOutput { step, item, .. } => {
                self.world.answer(Input::EvidenceMissing { step, item, reason: Some(NOT_DONE.to_owned()) });
            }
            Effect::Stop { .. } | Effect::Enough { .. } => self.world.start(effect, values),
            Effect::Close | Effect::Leave => {}
        }
    }

    fn preview(&mut self, target: Target, run: &Run) {
        self.show(target, &run.values);
    }

    fn keep(&mut self, secrets: Vec<(Name, Secret)>) -> Result<(), String> {
        self.world.keep(secrets)
    }

    fn secret(&self, name: &Name) -> Option<Secret> {
        self.world.secret(name)
    }

    fn fingerprints(&self, names: &[Name]) -> BTreeMap<Name, String> {
        self.world.fingerprints(names)
    }

    fn source(&self, of: &Name, source: &Source, values: &BTreeMap<Name, String>) -> Result<Secret, String> {
        self.world.source(of, source, values)
    }

    fn same(&self, name: &Name, secret: &Secret) -> bool {
        self.world.same(name, secret)
    }

    fn mask(&self, text: &str) -> String {
        self.world.mask(text)
    }
}

/// Finds a name without a value that a command uses: in its words, by its variable, or as a secret.
fn missing(spec: &RunSpec, scene: &Scene) -> Option<Name> {
    let mut names: Vec<Name> = spec.env.iter().flat_map(|(_, variable)| variable.names()).cloned().collect();
    match &spec.stdin {
        Some(Given::Text(template)) => names.extend(template.names().cloned()),
        Some(Given::Secret(name)) => names.push(name.clone()),
        None => {}
    }
    names.extend(spec.cwd.iter().chain(&spec.host).flat_map(Template::names).cloned());
    match &spec.program {
        Program::Words(words) => names.extend(words.iter().flat_map(Template::names).cloned()),
        Program::Script { text, .. } => {
            // `$NAME` of a value that no step of a dry run gives would end the script.
            let used =
                |variable: &str| text.contains(&format!("${variable}")) || text.contains(&format!("${{{variable}"));
            let all = scene.variables().into_iter().filter(|(variable, _)| used(variable));
            names.extend(all.map(|(_, name)| name.clone()));
        }
    }
    names.into_iter().find(|name| !scene.values.contains_key(name) && scene.secrets.get(name.as_str()).is_none())
}

fn not_asked(probe: &ProbeSpec, scene: &Scene) -> Verdict {
    let title = probe.title.as_ref().map_or_else(|| "probe".to_owned(), |title| scene.text(title));
    Verdict {
        title,
        finding: Finding::Holds,
        pass: true,
        warn: probe.warn,
        saw: "dry run: not asked".to_owned(),
        attempts: 0,
        took_ms: 0,
        values: BTreeMap::new(),
        secrets: Vec::new(),
        fingerprints: BTreeMap::new(),
    }
}

fn not_done() -> Outcome {
    Outcome { saw: NOT_DONE.to_owned(), ..Outcome::default() }
}
