//! The real executor: every effect becomes a task of its own, and what comes of it a [`Report`].
//!
//! It decides nothing: one effect, one answer to the engine, whatever happens. What runs is found again by its target, so that it
//! can be stopped.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::Instant;

use super::act::Keeps;
use super::attended::Attended;
use super::command::failed;
use super::edit::{Earlier, Seen};
use super::launch::Launcher;
use super::scene::{self, Gaps, Scene};
use super::shown::Outlet;
use super::source::resolve;
use super::spool::{Found, Shelf, Spools};
use super::stop::Stop;
use super::terminal::{Seat, Size};
use super::world::{Attempt, Ctx, marks, verify};
use super::{Executor, Report, act, evidence, short};
use crate::engine::undo::{UndoAction, action};
use crate::engine::{Effect, Evidence, Input, Outcome, Record, Run, SavedFile, Target};
use crate::output::visible_plain;
use crate::playbook::plan::{Act, Action, Capture, Name, Plan, ProbeSpec, Source, Step, StepId};
use crate::secret::{Secret, Secrets};

/// What the real executor needs.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The playbook's folder: relative paths start here, and so do children.
    pub base: PathBuf,
    /// The folders of the run; none when nothing of it is to be kept.
    pub folder: Option<RunPaths>,
    /// The run's secrets.
    pub secrets: Arc<Secrets>,
    /// Where results go.
    pub reports: UnboundedSender<Report>,
    /// Where tasks run.
    pub runtime: Handle,
    /// How children are started.
    pub launcher: Launcher,
}

/// The folders of a run that an executor writes to. The first three exist.
#[derive(Clone, Debug)]
pub struct RunPaths {
    /// For transcripts.
    pub transcript: PathBuf,
    /// For sealed copies of files.
    pub snapshots: PathBuf,
    /// For copies of the files that a person brings as evidence.
    pub evidence: PathBuf,
    /// In memory, for what commands print that capture something; made when it is needed. None where there is no such place.
    pub memory: Option<PathBuf>,
}

/// Carries effects out for real.
#[derive(Debug)]
pub struct World {
    setting: Setting,
    /// What runs, and how it is stopped.
    running: HashMap<Target, watch::Sender<Stop>>,
    /// The keyboards of programs that have a terminal.
    keyboards: HashMap<Target, UnboundedSender<Secret>>,
    /// How large such terminals are.
    size: watch::Sender<Size>,
    /// The bytes of output on their way to the front.
    under_way: Arc<AtomicUsize>,
    /// What was last shown of each edit.
    shown: Arc<Mutex<HashMap<Target, Seen>>>,
}

impl World {
    /// Makes one for a run.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        Self {
            setting,
            running: HashMap::new(),
            keyboards: HashMap::new(),
            size: watch::Sender::default(),
            under_way: Arc::default(),
            shown: Arc::default(),
        }
    }

    /// Returns what an effect can draw on.
    pub(super) fn scene(&self, values: &BTreeMap<Name, String>) -> Scene {
        Scene {
            plan: Arc::clone(&self.setting.plan),
            base: self.setting.base.clone(),
            scope: None,
            secrets: Arc::clone(&self.setting.secrets),
            values: values.clone(),
            launcher: self.setting.launcher.clone(),
            gaps: Gaps::Refused,
            logs: Vec::new(),
        }
    }

    /// Sends a result of an effect that was not carried out.
    pub(super) fn answer(&self, input: Input) {
        // Nobody listens any more when the program ends.
        let _ = self.setting.reports.send(Report::Input(input));
    }

    /// The action that a target stands for: the step's own, or one that the author wrote to undo it.
    pub(super) fn action(&self, target: &Target) -> Option<Action> {
        find(&self.setting.plan, target).cloned()
    }

    /// A step of the plan.
    pub(super) fn step(&self, id: &StepId) -> Option<&Step> {
        self.setting.plan.step(id)
    }

    /// Where the outputs of capturing commands are kept.
    fn spools(&self) -> Option<Spools> {
        self.setting.folder.as_ref().and_then(|folder| folder.memory.clone()).map(Spools::of)
    }

    /// Says whether what an action prints must outlive us: it captures something that cannot be asked for again.
    fn spools_for(&self, target: &Target, action: &Action) -> bool {
        let reads = target.undo.is_none() && self.step(&target.step).is_some_and(|step| step.read_only);
        matches!(action.act, Act::Run(_)) && !action.capture.is_empty() && !reads
    }

    fn outlet(&self, target: &Target) -> Outlet {
        Outlet::new(self.setting.reports.clone(), target.clone(), Arc::clone(&self.under_way))
    }

    /// Starts a task whose result is for the engine.
    fn spawn(&self, task: impl Future<Output = Input> + Send + 'static) {
        let reports = self.setting.reports.clone();
        self.setting.runtime.spawn(async move {
            let input = task.await;
            let _ = reports.send(Report::Input(input));
        });
    }

    /// Notes that a target runs from now on, and returns what tells it to stop.
    fn stoppable(&mut self, target: &Target) -> watch::Receiver<Stop> {
        self.running.retain(|_, stop| !stop.is_closed());
        let (stop, stopped) = watch::channel(Stop::No);
        self.running.insert(target.clone(), stop);
        stopped
    }

    /// Gives a program a terminal, with a keyboard that only we have the other end of.
    fn attended(&mut self, target: &Target) -> Attended {
        self.keyboards.retain(|_, keys| !keys.is_closed());
        let (keyboard, keys) = unbounded_channel();
        self.keyboards.insert(target.clone(), keyboard);
        let seat = Seat { keys, size: self.size.subscribe() };
        Attended { seat, reports: self.setting.reports.clone(), target: target.clone() }
    }

    /// What is known of an edit's files from before its first attempt.
    fn earlier(&self, saved: Vec<SavedFile>) -> Earlier {
        Earlier::of(saved, self.setting.folder.as_ref().map(|folder| folder.snapshots.clone()))
    }

    fn edit(&mut self, target: Target, attempt: u32, saved: Vec<SavedFile>, scene: Scene) {
        let Some(Action { act: Act::Edit(specs), .. }) = self.action(&target) else {
            return self.answer(Input::Performed { outcome: nothing(&target), target, attempt });
        };
        let earlier = self.earlier(saved);
        let seen = self.shown.lock().unwrap_or_else(PoisonError::into_inner).get(&target).cloned();
        self.spawn(async move {
            let begun = Instant::now();
            let outcome = act::edit(specs, earlier, seen, scene).await;
            Input::Performed { target, attempt, outcome: timed(outcome, begun) }
        });
    }

    fn perform(&mut self, target: Target, attempt: u32, after: std::time::Duration, scene: Scene) {
        let Some(action) = self.action(&target) else {
            return self.answer(Input::Performed { outcome: nothing(&target), target, attempt });
        };
        let mut stopped = self.stoppable(&target);
        let outlet = self.outlet(&target);
        let transcript = self.setting.folder.as_ref().map(|folder| folder.transcript.join(target.transcript(attempt)));
        let spool = if self.spools_for(&target, &action) {
            self.spools().and_then(|spools| spools.open(&target, attempt))
        } else {
            None
        };
        let attended = action.act.has_terminal().then(|| self.attended(&target));
        let keeps = Keeps { transcript, spool, attended };
        self.spawn(async move {
            let mut begun = Instant::now();
            let outcome = if after.is_zero() || act::pause(after, &mut stopped).await {
                begun = Instant::now();
                act::perform(&action, &action.capture, &scene, keeps, Some(outlet), &mut stopped).await
            } else {
                act::stopped_before()
            };
            Input::Performed { target, attempt, outcome: timed(outcome, begun) }
        });
    }

    /// Asks probes, all at the same time.
    pub(super) fn probe(&mut self, target: Target, probes: Vec<ProbeSpec>, scene: Scene) {
        let stopped = self.stoppable(&target);
        let reports = self.setting.reports.clone();
        self.spawn(async move {
            let told = |of: Attempt| {
                let Attempt { probe, attempt, finding, pass, saw } = of;
                let target = target.clone();
                // Nobody listens any more when the program ends.
                let _ = reports.send(Report::Attempt { target, probe, attempt, finding, pass, saw });
            };
            let verdicts = verify(&probes, Ctx { scene: &scene, stop: stopped, told: &told }).await;
            Input::Probed { target, verdicts }
        });
    }

    /// Works out what an edit would change.
    pub(super) fn preview_in(&self, target: Target, saved: Vec<SavedFile>, scene: Scene) {
        let action = self.action(&target);
        let earlier = self.earlier(saved);
        let (reports, shown) = (self.setting.reports.clone(), Arc::clone(&self.shown));
        self.setting.runtime.spawn(async move {
            let diff = match action {
                Some(action) => {
                    let (diff, seen) = act::preview(action, earlier, scene).await;
                    shown.lock().unwrap_or_else(PoisonError::into_inner).insert(target.clone(), seen);
                    diff
                }
                None => Err("there is no such step".to_owned()),
            };
            let _ = reports.send(Report::Preview { target, diff });
        });
    }

    /// Tries later steps, after those that only a dry run has passed over.
    pub(super) fn look_ahead(&self, before: Vec<StepId>, step: StepId, later: Vec<StepId>, scene: Scene) {
        let scene = Scene { gaps: Gaps::Shown, ..scene };
        self.spawn(async move {
            let refused = act::look_ahead(before, step.clone(), later, scene).await;
            Input::LookedAhead { step, refused }
        });
    }

    fn recapture(&mut self, step: StepId, scene: Scene) {
        let target = Target::step(&step);
        let found = self.setting.plan.step(&step).and_then(|found| {
            let recapture = found.recapture.clone()?;
            let capture =
                if recapture.capture.is_empty() { found.action.capture.clone() } else { recapture.capture.clone() };
            Some((recapture, capture))
        });
        let Some((action, capture)) = found else {
            return self.answer(Input::Recaptured { outcome: nothing(&target), step });
        };
        let mut stopped = self.stoppable(&target);
        let outlet = self.outlet(&target);
        let transcript = self
            .setting
            .folder
            .as_ref()
            .map(|folder| folder.transcript.join(format!("{}.recapture.log", target.stem())));
        self.spawn(async move {
            let begun = Instant::now();
            // What only reads is asked again, should we die.
            let keeps = Keeps { transcript, spool: None, attended: None };
            let outcome = act::perform(&action, &capture, &scene, keeps, Some(outlet), &mut stopped).await;
            Input::Recaptured { step, outcome: timed(outcome, begun) }
        });
    }

    /// Says which transcript is a step's evidence.
    fn keep_output(&self, step: StepId, attempt: Option<u32>, item: u32) {
        let folder = self.setting.folder.as_ref().map(|folder| folder.transcript.clone());
        self.spawn(async move {
            let found = match (folder, attempt) {
                (Some(folder), Some(attempt)) => {
                    evidence::transcript(&folder, &Target::step(&step).transcript(attempt))
                }
                (Some(_), None) => Err("it was done by hand, so there is no output of it".to_owned()),
                (None, _) => Err("this run keeps no transcripts".to_owned()),
            };
            match found {
                Ok(evidence) => Input::Evidence { step, item, evidence },
                Err(why) => Input::EvidenceMissing { step, item, reason: Some(why) },
            }
        });
    }

    /// Keeps copies of files, and looks where the logs stand.
    fn save(&mut self, target: Target, attempt: u32, scene: Scene) {
        let (Some(action), Some(folder)) = (self.action(&target), &self.setting.folder) else {
            return self.answer(Input::Performed { outcome: nothing(&target), target, attempt });
        };
        if target.undo.is_some() || !matches!(action.act, Act::Edit(_) | Act::Snapshot(_)) {
            return self.mark(target, &action, &scene);
        }
        let (folder, stem) = (folder.snapshots.clone(), format!("{}.{attempt}", target.stem()));
        self.spawn(async move {
            let begun = Instant::now();
            let marking = scene.clone();
            match act::save(&action, folder, stem, scene).await {
                Ok(files) => Input::Saved { logs: marks(&action, &marking), target, files },
                Err(wrong) => Input::Performed { target, attempt, outcome: timed(failed(wrong), begun) },
            }
        });
    }
}

impl World {
    /// Looks where the logs stand.
    pub(super) fn mark(&self, target: Target, action: &Action, scene: &Scene) {
        self.answer(Input::Saved { target, files: Vec::new(), logs: marks(action, scene) });
    }
}

impl Executor for World {
    fn start(&mut self, effect: Effect, values: &BTreeMap<Name, String>) {
        let of = effect.step().map_or("", StepId::as_str);
        let scene = self.scene(values).within(of);
        match effect {
            Effect::Perform { target, attempt, after } => self.perform(target, attempt, after, scene),
            Effect::LookAhead { step, later } => self.look_ahead(Vec::new(), step, later, scene),
            Effect::Edit { target, attempt, saved } => self.edit(target, attempt, saved, scene),
            Effect::Save { target, attempt } => self.save(target, attempt, scene),
            Effect::Restore { target, attempt, files } => {
                let Some(folder) = self.setting.folder.clone() else {
                    return self.answer(Input::Performed { outcome: nothing(&target), target, attempt });
                };
                let act = self.step(&target.step).map(|step| step.action.act.clone());
                self.spawn(async move {
                    let begun = Instant::now();
                    let outcome = act::restore(act, files, folder.snapshots, scene).await;
                    Input::Performed { target, attempt, outcome: timed(outcome, begun) }
                });
            }
            Effect::Probe { target, logs } => {
                let probes = self.action(&target).map(|action| action.verify).unwrap_or_default();
                self.probe(target, probes, Scene { logs, ..scene });
            }
            Effect::Recapture { step } => self.recapture(step, scene),
            Effect::KeepOutput { step, attempt, item } => self.keep_output(step, attempt, item),
            Effect::Stop { target, hard } => {
                if let Some(stop) = self.running.get(&target) {
                    stop.send_replace(if hard { Stop::Hard } else { Stop::Polite });
                }
            }
            Effect::Enough { target } => {
                if let Some(stop) = self.running.get(&target) {
                    stop.send_replace(Stop::Enough);
                }
            }
            Effect::RemoveTemporary => self.spawn(async move {
                let (removed, left) = act::remove_temporary(scene).await;
                Input::TemporaryRemoved { removed, left }
            }),
            Effect::Close => {
                sweep(&self.setting.plan.steps, &scene);
                if let Err(wrong) = self.setting.secrets.delete_vault() {
                    tracing::error!(wrong, "the vault of a closed run is still there");
                    // Nobody listens any more when the program ends.
                    let _ = self.setting.reports.send(Report::Notice(format!("the run is closed, but {wrong}")));
                }
            }
            Effect::Leave => {}
        }
    }

    fn preview(&mut self, target: Target, run: &Run) {
        let saved = saved(&self.setting.plan, run, &target);
        let scene = self.scene(&run.values).within(target.step.as_str());
        self.preview_in(target, saved, scene);
    }

    fn keep(&mut self, secrets: Vec<(Name, Secret)>) -> Result<(), String> {
        self.setting
            .secrets
            .keep(secrets.into_iter().map(|(name, secret)| (name.as_str().to_owned(), secret)).collect())
    }

    fn keep_file(&mut self, step: &StepId, path: &Path) -> Result<Evidence, String> {
        let Some(folder) = &self.setting.folder else { return Err("this run keeps no files".to_owned()) };
        // What a path names may be what was pasted by mistake.
        let kept = evidence::keep(&folder.evidence, &Target::step(step).stem(), path, &self.setting.secrets);
        kept.map_err(|why| self.mask(&why))
    }

    fn secret(&self, name: &Name) -> Option<Secret> {
        self.setting.secrets.get(name.as_str())
    }

    fn fingerprints(&self, names: &[Name]) -> BTreeMap<Name, String> {
        scene::fingerprints(&self.setting.secrets, names)
    }

    fn type_in(&mut self, target: &Target, keys: Secret) {
        if let Some(keyboard) = self.keyboards.get(target) {
            // What was typed after its end is typed to nobody.
            let _ = keyboard.send(keys);
        }
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.size.send_replace(Size::bounded(columns, rows));
    }

    fn recorded(&mut self, record: &Record) {
        for name in short::told_of(record) {
            let told = self.setting.secrets.get(name.as_str()).and_then(|secret| short::words(name, &secret));
            // Nobody listens any more when the program ends.
            if let Some(told) = told {
                let _ = self.setting.reports.send(Report::Notice(told));
            }
        }
        let Some(spools) = self.spools() else { return };
        match record {
            Record::Performed { target, attempt, outcome } | Record::Recovered { target, attempt, outcome } => {
                let Some(action) = self.action(target).filter(|action| self.spools_for(target, action)) else { return };
                let known = |capture: &Capture| !capture.secret || outcome.secrets.contains(&capture.name);
                // What was taken up is sealed where nothing could be captured from it.
                let sealed = matches!(record, Record::Recovered { .. });
                if sealed || action.capture.iter().all(known) {
                    spools.remove(target, *attempt);
                }
            }
            Record::Ended { .. } => spools.remove_all(),
            _ => {} // whatever else is on record, nothing that was kept is done with
        }
    }

    fn recover(&mut self, target: &Target, attempt: u32, values: &BTreeMap<Name, String>) -> Option<Found> {
        // What was out may be an edit that died between its new file and its place.
        sweep(self.step(&target.step), &self.scene(values));
        let (folder, spools, action) = (self.setting.folder.as_ref()?, self.spools()?, self.action(target)?);
        let onto =
            Shelf { transcript: folder.transcript.join(target.transcript(attempt)), sealed: folder.snapshots.clone() };
        spools.find(target, attempt, &action.capture, &self.scene(values), &onto)
    }

    fn reserve(&self) -> Result<(), String> {
        self.setting.secrets.reserve()
    }

    fn source(&self, of: &Name, source: &Source, values: &BTreeMap<Name, String>) -> Result<Secret, String> {
        let scene = self.scene(values).within(of.as_str());
        // Asked for while a person's answer is taken, which must have it before it goes on: on a thread of its own, as the
        // one that the runtime is on cannot wait for itself.
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.map_err(|error| error.to_string())?.block_on(resolve(source, &scene))
            });
            asked.join().unwrap_or_else(|_| Err("the value could not be fetched".to_owned()))
        })
    }

    fn same(&self, name: &Name, secret: &Secret) -> bool {
        self.setting.secrets.same(name.as_str(), secret)
    }

    fn mask(&self, text: &str) -> String {
        self.setting.secrets.masker().mask(&visible_plain(text))
    }
}

/// Removes what a killed program left waiting beside the files that these steps, and what undoes them, write.
fn sweep<'s>(steps: impl IntoIterator<Item = &'s Step>, scene: &Scene) {
    for step in steps {
        for action in std::iter::once(&step.action).chain(&step.rollback) {
            act::sweep(&action.act, scene);
        }
    }
}

/// Finds the action that a target stands for.
fn find<'p>(plan: &'p Plan, target: &Target) -> Option<&'p Action> {
    match (target.undo, action(plan, target)) {
        (None, _) => plan.step(&target.step).map(|step| &step.action),
        (Some(_), Some(UndoAction::Author(action))) => Some(action),
        (Some(_), Some(UndoAction::Restore) | None) => None,
    }
}

/// Lists the sealed copies of a target's files.
fn saved(plan: &Plan, run: &Run, target: &Target) -> Vec<SavedFile> {
    let step = run.step(plan, &target.step).filter(|_| target.undo.is_none());
    step.map(|step| step.saved.clone()).unwrap_or_default()
}

fn nothing(target: &Target) -> Outcome {
    failed(format!("the playbook has nothing to do for {}", target.step))
}

fn timed(outcome: Outcome, begun: Instant) -> Outcome {
    Outcome { took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX), ..outcome }
}
