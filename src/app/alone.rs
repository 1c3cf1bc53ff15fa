//! One walk of a drill without anybody: a trainee who knows what is right, in a world that is made up.
//!
//! Nothing of it is kept: its folder is a passing one. What must stay true: it comes to an end, whatever the playbook says; and
//! what it finds of files is what stands in the drill's own copies.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::library::Loaded;
use super::place::Who;
use crate::drill::Scorecard;
use crate::drill::trainee::{Deed, Trainee, Way};
use crate::engine::{Begun, BegunDrill, Engine, Input, Presence, Record, Refusal, Run, Stage, Target};
use crate::exec::rehearsal::{Rehearsal, practised, secrets};
use crate::exec::{Launcher, RunPaths, Setting};
use crate::front::{Front, Say, Update, Words};
use crate::journal::Nowhere;
use crate::playbook::plan::{Drill, InputKind, Name, Plan};
use crate::secret::{Identity, Secrets};
use crate::session::{NoKeys, Session};
use crate::words;

/// How often somebody may say something before it is taken that the walk will never end.
const PATIENCE: u32 = 3000;

/// What came of a walk.
#[derive(Debug)]
pub(super) struct Walked {
    /// What was done, and how good it was.
    pub(super) card: Scorecard,
    /// Where it stands, in words.
    pub(super) stands: String,
    /// It is over.
    pub(super) over: bool,
    /// The faults that were shown, from 1.
    pub(super) shown: Vec<u32>,
    /// What was refused, in words.
    pub(super) refused: Vec<String>,
    /// Something was begun that cannot be undone.
    pub(super) forward: bool,
    /// The files that are not as they were before anything was done, each with what is wrong.
    pub(super) changed: Vec<String>,
}

/// Walks a drill, or a playbook without one.
///
/// # Errors
/// A sentence: nothing could be begun.
pub(super) fn walk(loaded: &Loaded, drill: Option<&Drill>, way: Way, who: &Who) -> Result<Walked, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("there is no passing folder to be had: {error}"))?;
    let paths = ["transcript", "snapshots", "evidence", "files"].map(|name| folder.path().join(name));
    for path in &paths {
        fs::create_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let [transcript, snapshots, evidence, root] = paths;
    let practice = BegunDrill {
        id: drill.map(|drill| drill.id.clone()),
        title: drill.map(|drill| drill.title.clone()).unwrap_or_default(),
        speed: "instant".to_owned(),
        seed: 1,
    };
    let plan = Arc::new(practised(&loaded.plan, &practice));
    let kept = Secrets::open(None, &Identity::passing())?;
    let given = secrets(&plan, practice.seed);
    let names: Vec<Name> = given.iter().map(|(name, _)| name.clone()).collect();
    if !given.is_empty() {
        kept.keep(given.into_iter().map(|(name, secret)| (name.to_string(), secret)).collect())?;
    }
    let begun = begun(&plan, names, practice.clone(), who);
    let typed = crate::engine::protected_word(&plan, |name| begun.values.get(name).map(String::as_str));
    let typed = typed.map(str::to_owned);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no threads can be had: {error}"))?;
    let (reports, inbox) = mpsc::unbounded_channel();
    let setting = Setting {
        plan: Arc::clone(&plan),
        base: loaded.base.clone(),
        folder: Some(RunPaths { transcript, snapshots, evidence, memory: None }),
        secrets: Arc::new(kept),
        reports,
        runtime: runtime.handle().clone(),
        launcher: Launcher::ourselves(),
        root: Some(root.clone()),
    };
    let alone = Alone::new(&plan, drill, way, root, who);
    let told = Arc::clone(&alone.told);
    let session = Session {
        engine: Engine::new(Arc::clone(&plan)),
        log: Box::new(Nowhere),
        executor: Box::new(Rehearsal::new(setting, Arc::clone(&loaded.plan), practice)),
        reports: inbox,
        front: alone,
        notary: Box::new(NoKeys),
    };
    let over = runtime.block_on(session.run(vec![Input::Begin { begun: Box::new(begun), typed }]));
    runtime.shutdown_background();
    let run = over.engine.run();
    let told = told.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Walked {
        card: over.front.trainee.fold().card(),
        stands: words::awaiting(&run.awaiting(&plan)),
        over: run.stage == Stage::Over,
        shown: told.shown.clone(),
        refused: told.refused.clone(),
        forward: told.forward,
        changed: over.front.files.changed(),
    })
}

/// What a walk begins with: the values that the playbook or the drill offers.
fn begun(plan: &Plan, secrets: Vec<Name>, drill: BegunDrill, who: &Who) -> Begun {
    let mut values: BTreeMap<Name, String> = BTreeMap::new();
    for spec in plan.inputs.iter().filter(|spec| spec.kind != InputKind::Secret) {
        let default = spec.default.as_ref().map(|text| text.fill(|name| values.get(name).map(String::as_str)));
        values.extend(default.map(|value| (spec.name.clone(), value)));
    }
    Begun {
        format: 1,
        run: "TEST".to_owned(),
        title: plan.title.clone(),
        operator: who.operator.clone(),
        account: who.account.clone(),
        host: who.host.clone(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        values,
        secrets,
        drill: Some(drill),
        ..Begun::default()
    }
}

/// The files of a drill as they were before a step changed them.
#[derive(Debug)]
struct Files {
    root: PathBuf,
    before: BTreeMap<PathBuf, Option<Vec<u8>>>,
}

impl Files {
    /// Remembers files whose copies were just made: nothing has changed them yet.
    fn remember<'f>(&mut self, saved: impl Iterator<Item = &'f str>) {
        for path in saved {
            let path = self.own(Path::new(path));
            let now = fs::read(&path).ok();
            self.before.entry(path).or_insert(now);
        }
    }

    /// Names a file in the drill's folder.
    fn own(&self, path: &Path) -> PathBuf {
        if path.starts_with(&self.root) {
            path.to_owned()
        } else {
            self.root.join(path.strip_prefix("/").unwrap_or(path))
        }
    }

    /// Lists the files that are not as they were.
    fn changed(&self) -> Vec<String> {
        let name = |path: &Path| format!("/{}", path.strip_prefix(&self.root).unwrap_or(path).display());
        let differs = self.before.iter().filter_map(|(path, before)| match (before, fs::read(path).ok()) {
            (Some(before), Some(now)) if *before == now => None,
            (None, None) => None,
            (Some(_), Some(_)) => Some(format!("{} is another than before", name(path))),
            (Some(_), None) => Some(format!("{} is gone", name(path))),
            (None, Some(_)) => Some(format!("{} was not there before", name(path))),
        });
        differs.collect()
    }
}

/// What was seen on the way.
#[derive(Debug, Default)]
struct Told {
    shown: Vec<u32>,
    refused: Vec<String>,
    /// A step that cannot be undone was started. It may be rolled back by now, its way forward gone.
    forward: bool,
}

/// The front of a trainee who is alone.
struct Alone<'a> {
    plan: Arc<Plan>,
    trainee: Trainee<'a>,
    files: Files,
    told: Arc<Mutex<Told>>,
    /// The run as it stands once all records of the turn have come.
    goal: Option<Run>,
    said: u32,
    says: UnboundedSender<Say>,
    words: Option<UnboundedReceiver<Say>>,
    who: Who,
}

impl std::fmt::Debug for Alone<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alone").field("said", &self.said).finish_non_exhaustive()
    }
}

impl<'a> Alone<'a> {
    fn new(plan: &'a Arc<Plan>, drill: Option<&'a Drill>, way: Way, root: PathBuf, who: &Who) -> Self {
        let (says, words) = mpsc::unbounded_channel();
        Self {
            plan: Arc::clone(plan),
            trainee: Trainee::new(plan, drill, way),
            files: Files { root, before: BTreeMap::new() },
            told: Arc::default(),
            goal: None,
            said: 0,
            says,
            words: Some(words),
            who: who.clone(),
        }
    }

    fn speak(&mut self) {
        self.said += 1;
        let deed = self.trainee.say().filter(|_| self.said < PATIENCE);
        let say = match deed {
            Some(Deed::Input(input)) => Say::Input(*input),
            // Whatever is asked, the drill offers a value for it.
            Some(Deed::Answer(target)) => Say::Answer { target, answers: Vec::new() },
            Some(Deed::Attach) => Say::Presence(Presence::Attached {
                operator: self.who.operator.clone(),
                account: self.who.account.clone(),
                host: self.who.host.clone(),
            }),
            None if self.trainee.waits() && self.said < PATIENCE => return,
            None => Say::Quit,
        };
        // A session that does not listen any more is over.
        let _ = self.says.send(say);
    }

    fn cannot_be_undone(&self, target: &Target) -> bool {
        self.plan.step(&target.step).is_some_and(|step| step.irreversible.is_some())
    }

    fn told(&self, note: impl FnOnce(&mut Told)) {
        note(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Front for Alone<'_> {
    fn take(&mut self, update: Update) {
        match update {
            Update::Record(stamped) => {
                match &stamped.record {
                    Record::Saved { files, .. } => self.files.remember(files.iter().map(|file| file.path.as_str())),
                    Record::FaultShown { fault, .. } => self.told(|told| told.shown.push(*fault)),
                    Record::Started { target, .. } if self.cannot_be_undone(target) => {
                        self.told(|told| told.forward = true);
                    }
                    // The trainee takes them all.
                    _ => {}
                }
                self.trainee.take(&stamped);
                if self.goal.as_ref() == Some(self.trainee.fold().run()) {
                    self.goal = None;
                    self.speak();
                }
            }
            Update::Refused(Refusal::WindowOver { .. }) => {
                self.trainee.window_over();
                self.speak();
            }
            Update::Refused(refusal) => {
                self.told(|told| told.refused.push(words::refusal(&refusal)));
                self.speak();
            }
            // What is printed and shown meanwhile decides nothing.
            _ => {}
        }
    }

    fn answer(&mut self, _plan: &Plan, run: &Run) -> Option<Say> {
        if self.goal.as_ref() != Some(run) && self.trainee.fold().run() != run {
            self.goal = Some(run.clone());
        }
        None
    }

    fn words(&mut self) -> Option<Words> {
        self.words.take().map(Words::Own)
    }
}
