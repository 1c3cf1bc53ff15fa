//! The drill's executor: everything looks as in the real thing, and nothing of the world is touched.
//!
//! Commands, waits and probes are played; edits, copies and rollbacks of files are done for real, on copies of the drill's own.
//! What must stay true: no process is started, no socket opened, and no file outside the drill's folder opened for writing, or
//! read for what stands in it.

mod files;
mod made;
mod player;
mod practice;
mod probes;
mod sample;
mod speed;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::Instant;

use super::act::pause;
use super::carry::{Setting, World};
use super::command::{self, Task, failed};
use super::evidence;
use super::scene::Scene;
use super::shown::Outlet;
use super::stop::Stop;
use super::terminal::Latest;
use super::{Executor, Report};
use crate::engine::{BegunDrill, Effect, Evidence, How, Input, Outcome, Record, Run, Target};
use crate::output::Screen;
use crate::playbook::plan::{
    Act, Action, Drill, DrillFault, InputKind, InputSpec, Manner, Name, Plan, Probe, ProbeSpec, RunSpec, Shows,
    Simulated, Source, StepId,
};
use crate::secret::Secret;

use made::PRACTICE;
use player::{Ends, Playing};
use probes::{MADE_UP, Question};
use sample::Letters;
use state::State;

pub use practice::{drill, practised, secrets};
pub use speed::Speed;

/// What is printed where the author does not say what is.
const UNSAID: &str = "(made up: the playbook does not say what this prints)";

/// How long a command takes where nothing is said of it.
const USUAL: Duration = Duration::from_millis(800);

/// The longest that one is played whose playbook gives an estimate and no simulation.
const LONG: Duration = Duration::from_secs(5);

/// Practises.
pub struct Rehearsal {
    /// Everything about the drill's own files and secrets is done for real.
    world: World,
    setting: Setting,
    /// The playbook as it is written, with the sources of its inputs.
    original: Arc<Plan>,
    begun: BegunDrill,
    drill: Option<Drill>,
    speed: Speed,
    state: State,
    running: HashMap<Target, watch::Sender<Stop>>,
    /// The keyboards of programs at a terminal: Enter ends such a one.
    keyboards: HashMap<Target, UnboundedSender<Secret>>,
    under_way: Arc<AtomicUsize>,
    /// The values that were made up.
    made_up: Arc<Mutex<HashSet<Name>>>,
}

impl std::fmt::Debug for Rehearsal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rehearsal").field("begun", &self.begun).finish_non_exhaustive()
    }
}

impl Rehearsal {
    /// Makes one. The setting's plan is [`practised`], and its `root` is in the drill's folder; `original` is the playbook as it is
    /// written.
    #[must_use]
    pub fn new(setting: Setting, original: Arc<Plan>, begun: BegunDrill) -> Self {
        let (inner, results) = unbounded_channel();
        forward(results, &setting);
        let drill = practice::drill(&original, &begun).cloned();
        let speed = begun.speed.parse().unwrap_or_default();
        Self {
            world: World::new(Setting { reports: inner, ..setting.clone() }),
            setting,
            original,
            drill,
            speed,
            begun,
            state: State::default(),
            running: HashMap::new(),
            keyboards: HashMap::new(),
            under_way: Arc::default(),
            made_up: Arc::default(),
        }
    }

    fn scene(&self, target: &Target, values: &BTreeMap<Name, String>) -> Scene {
        self.world.scene(values).within(target.step.as_str())
    }

    /// Makes the copies of files that an effect may look for.
    fn make_files(&self, values: &BTreeMap<Name, String>) -> Result<(), String> {
        files::make(&self.original, &self.world.scene(values), self.begun.seed)
    }

    fn report(&self, report: Report) {
        // Nobody listens any more when the program ends.
        let _ = self.setting.reports.send(report);
    }

    fn fail(&self, target: Target, attempt: u32, why: String) {
        self.report(Report::Input(Input::Performed { target, attempt, outcome: failed(why) }));
    }

    fn show(&self, target: &Target, probe: Option<u32>, fault: u32) {
        self.report(Report::Input(Input::FaultShown { target: target.clone(), probe, fault }));
    }

    fn active(&self, target: &Target, shows: impl Fn(&Shows) -> bool) -> Option<(u32, DrillFault)> {
        let found = self.state.active(self.drill.as_ref(), target, None, shows);
        found.map(|(number, fault)| (number, fault.clone()))
    }

    fn stoppable(&mut self, target: &Target) -> watch::Receiver<Stop> {
        self.running.retain(|_, stop| !stop.is_closed());
        let (stop, stopped) = watch::channel(Stop::No);
        self.running.insert(target.clone(), stop);
        stopped
    }

    /// Carries an act out that is no command: for real where it is about the drill's own things.
    fn perform(&mut self, target: Target, attempt: u32, after: Duration, values: &BTreeMap<Name, String>) {
        let Some(action) = self.world.action(&target) else {
            let effect = Effect::Perform { target, attempt, after };
            return self.world.start(effect, values);
        };
        match &action.act {
            Act::Run(spec) => {
                let spec = spec.clone();
                self.play(target, attempt, after, action, &spec, values);
            }
            Act::Wait(time) => {
                let (time, real) = (self.speed.of(*time), command::spell(*time));
                let mut stop = self.stoppable(&target);
                let reports = self.setting.reports.clone();
                self.setting.runtime.spawn(async move {
                    let begun = Instant::now();
                    let whole = pause(time, &mut stop).await;
                    let saw = if whole { format!("waited {real}") } else { "cut short".to_owned() };
                    let outcome = timed(Outcome { saw, ..Outcome::default() }, begun);
                    let _ = reports.send(Report::Input(Input::Performed { target, attempt, outcome }));
                });
            }
            Act::Person(_) | Act::Generate(_) | Act::Edit(_) | Act::Snapshot(_) | Act::Verify => {
                if let Some((number, fault)) = self.active(&target, |shows| *shows == Shows::Fails) {
                    self.show(&target, None, number);
                    return self.fail(target, attempt, said(&fault));
                }
                if let Err(why) = self.make_files(values) {
                    return self.fail(target, attempt, why);
                }
                self.world.start(Effect::Perform { target, attempt, after: Duration::ZERO }, values);
            }
        }
    }

    /// Plays a command.
    fn play(
        &mut self,
        target: Target,
        attempt: u32,
        after: Duration,
        action: Action,
        spec: &RunSpec,
        values: &BTreeMap<Name, String>,
    ) {
        let scene = self.scene(&target, values);
        let fault = self.active(&target, |shows| {
            matches!(shows, Shows::Fails | Shows::TimesOut | Shows::Hangs | Shows::Output(_) | Shows::DoneButLost)
        });
        if let Some((number, _)) = &fault {
            self.show(&target, None, *number);
        }
        let starts = self.state.starts(&target).max(1);
        let purpose = format!("{} prints {starts}", target.stem());
        let letters = Letters::of(self.begun.seed, &purpose);
        let estimate = self.world.step(&target.step).and_then(|step| step.estimate);
        let part = Part { action, spec: spec.clone(), estimate, attempt: starts, letters };
        let script = part.script(fault.as_ref().map(|(_, fault)| fault), self.speed, &scene);
        let transcript = self.setting.folder.as_ref().map(|folder| folder.transcript.join(target.transcript(attempt)));
        let outlet = Outlet::new(self.setting.reports.clone(), target.clone(), Arc::clone(&self.under_way));
        let mut stop = self.stoppable(&target);
        let keys = matches!(spec.manner, Manner::Terminal).then(|| self.terminal(&target, spec, &scene));
        let (reports, speed, made_up) = (self.setting.reports.clone(), self.speed, Arc::clone(&self.made_up));
        self.setting.runtime.spawn(async move {
            let begun = Instant::now();
            let outcome = if pause(speed.of(after), &mut stop).await {
                match keys {
                    Some(keys) => attended(keys, speed, &mut stop).await,
                    None => part.carry(script, &scene, transcript, outlet, &mut stop, &made_up).await,
                }
            } else {
                super::act::stopped_before()
            };
            let outcome = timed(outcome, begun);
            // Nobody listens any more when the program ends.
            let _ = reports.send(Report::Input(Input::Performed { target, attempt, outcome }));
        });
    }

    /// Shows a picture in place of a program's terminal, and returns what is typed there.
    fn terminal(
        &mut self,
        target: &Target,
        spec: &RunSpec,
        scene: &Scene,
    ) -> tokio::sync::mpsc::UnboundedReceiver<Secret> {
        let (keyboard, keys) = unbounded_channel();
        self.keyboards.retain(|_, keys| !keys.is_closed());
        self.keyboards.insert(target.clone(), keyboard);
        let command = crate::playbook::describe::command(spec, &|text| scene.text(text));
        let mut screen = Screen::new(80, 22);
        let lines = command.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\r\n");
        let shown = format!(
            "\r\n  In the real thing this terminal would be that of\r\n\r\n{lines}\r\n\r\n  Enter ends it here.{MADE_UP}\r\n"
        );
        screen.push(shown.as_bytes());
        let latest = Latest::default();
        latest.put(screen.grid().picture(|_| Vec::new(), ""));
        self.report(Report::Picture { target: target.clone(), picture: latest });
        keys
    }

    fn recapture(&mut self, step: StepId, values: &BTreeMap<Name, String>) {
        let target = Target::step(&step);
        let found = self.world.step(&step).and_then(|found| {
            let recapture = found.recapture.clone()?;
            let capture =
                if recapture.capture.is_empty() { found.action.capture.clone() } else { recapture.capture.clone() };
            Some(Action { capture, ..recapture })
        });
        let Some((action, spec)) = found.and_then(|action| match &action.act {
            Act::Run(spec) => Some((action.clone(), spec.clone())),
            Act::Person(_) | Act::Generate(_) | Act::Edit(_) | Act::Snapshot(_) | Act::Verify | Act::Wait(_) => None,
        }) else {
            let outcome = failed(format!("{step} has nothing to fetch again"));
            return self.report(Report::Input(Input::Recaptured { step, outcome }));
        };
        let scene = self.scene(&target, values);
        // What the last start of the step has brought about is what is there.
        let starts = self.state.starts(&target).max(1);
        let letters = Letters::of(self.begun.seed, &format!("{} prints {starts}", target.stem()));
        let part = Part { action, spec, estimate: None, attempt: starts, letters };
        let script = part.script(None, self.speed, &scene);
        let folder = self.setting.folder.as_ref();
        let transcript = folder.map(|folder| folder.transcript.join(format!("{}.recapture.log", target.stem())));
        let outlet = Outlet::new(self.setting.reports.clone(), target.clone(), Arc::clone(&self.under_way));
        let mut stopped = self.stoppable(&target);
        let (reports, made_up) = (self.setting.reports.clone(), Arc::clone(&self.made_up));
        self.setting.runtime.spawn(async move {
            let begun = Instant::now();
            let outcome = part.carry(script, &scene, transcript, outlet, &mut stopped, &made_up).await;
            let _ = reports.send(Report::Input(Input::Recaptured { step, outcome: timed(outcome, begun) }));
        });
    }

    /// Asks the probes of a target.
    fn probe(&mut self, target: Target, scene: Scene) {
        let Some(action) = self.world.action(&target) else {
            return self.report(Report::Input(Input::Probed { target, verdicts: Vec::new() }));
        };
        let mut shown = Vec::new();
        let mut questions = Vec::new();
        for (at, spec) in action.verify.iter().enumerate() {
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            let fault = self.state.active(self.drill.as_ref(), &target, Some(number), |_| true);
            let fault = fault.map(|(number, fault)| (number, fault.clone()));
            if let Some((fault, _)) = &fault {
                shown.push((number, *fault));
            }
            questions.push(self.question(&target, &action, at, spec, fault.as_ref().map(|(_, fault)| fault), &scene));
        }
        let stop = self.stoppable(&target);
        let (reports, speed, root) = (self.setting.reports.clone(), self.speed, self.setting.root.clone());
        self.setting.runtime.spawn(async move {
            let told = |of: super::world::Attempt| {
                let super::world::Attempt { probe, attempt, finding, pass, saw } = of;
                let saw = without(root.as_ref(), &saw);
                let target = target.clone();
                let _ = reports.send(Report::Attempt { target, probe, attempt, finding, pass, saw });
            };
            let mut verdicts = probes::ask(questions, scene, speed, stop, told).await;
            for verdict in &mut verdicts {
                verdict.saw = without(root.as_ref(), &verdict.saw);
                verdict.title = without(root.as_ref(), &verdict.title);
            }
            for (probe, fault) in shown {
                let probe = Some(probe);
                let _ = reports.send(Report::Input(Input::FaultShown { target: target.clone(), probe, fault }));
            }
            let _ = reports.send(Report::Input(Input::Probed { target, verdicts }));
        });
    }

    /// Puts together what a probe answers.
    fn question(
        &mut self,
        target: &Target,
        action: &Action,
        at: usize,
        spec: &ProbeSpec,
        fault: Option<&DrillFault>,
        scene: &Scene,
    ) -> Question {
        let purpose = format!("{} probe {at}", target.stem());
        let mut question = Question {
            spec: spec.clone(),
            answers: Vec::new(),
            real: false,
            lenient: false,
            purpose,
            seed: self.begun.seed,
        };
        let rounds = probes::rounds(spec, fault.is_some());
        if let Some(fault) = fault {
            question.answers = vec![probes::by_fault(spec, fault, scene); rounds];
            return question;
        }
        if spec.simulate.is_empty() && self.asked_for_real(spec, scene) {
            question.real = true;
            // A value that fits nothing is a finding: it is the author's, or a fault's. What stands in a file may be neither.
            let of_a_file = matches!(spec.probe, Probe::File(_));
            let simulated = matches!(action.act, Act::Run(_) | Act::Person(_));
            question.lenient = of_a_file && simulated && self.state.acted(target);
            return question;
        }
        let acted = matches!(action.act, Act::Verify) || self.state.acted(target);
        for _ in 0..rounds {
            let says = |name: &Name, value: &Secret| self.state.credential(name, value);
            // What the probes before it capture is there when it is asked, and not yet.
            let captured = |name: &Name| {
                let mut before = action.verify[..at].iter().flat_map(|before| &before.capture);
                before.any(|capture| capture.name == *name)
            };
            let state = probes::by_state(spec, acted, says, captured, scene);
            let asked = self.state.ask(target, at);
            let given = match nth(&spec.simulate, asked) {
                Some(simulated) => probes::by_author(spec, simulated, state, scene),
                None => probes::Given { saw: format!("{}{MADE_UP}", state.saw), ..state },
            };
            let pass = given.pass;
            question.answers.push(given);
            if pass {
                break;
            }
        }
        question
    }

    /// Says whether a probe looks at what the drill really has: an edited file, or a value that was not made up.
    fn asked_for_real(&self, spec: &ProbeSpec, scene: &Scene) -> bool {
        match &spec.probe {
            Probe::File(file) => {
                scene.path(&file.path).is_ok_and(|path| files::is_edited(&self.original, &path, scene))
            }
            Probe::Value(name) => {
                !self.made_up.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
                    && !spec.expect.iter().any(|expect| self.compares_made_up(expect))
            }
            Probe::Command(_)
            | Probe::Http(_)
            | Probe::Tcp(_)
            | Probe::Tls(_)
            | Probe::Postgres(_)
            | Probe::Mysql(_)
            | Probe::Redis(_)
            | Probe::Nats(_)
            | Probe::Log(_) => false,
        }
    }

    fn compares_made_up(&self, expect: &crate::playbook::plan::Expect) -> bool {
        use crate::playbook::plan::{Amount, Expect};
        let made_up = self.made_up.lock().unwrap_or_else(PoisonError::into_inner);
        let amount = |amount: &Amount| matches!(amount, Amount::Value(name) if made_up.contains(name));
        match expect {
            Expect::Equals(text) | Expect::Contains(text) | Expect::NotContains(text) => {
                text.names().any(|name| made_up.contains(name))
            }
            Expect::Between(least, most) => amount(least) || amount(most),
            Expect::CloseTo { number, .. } => amount(number),
            Expect::Exit(_)
            | Expect::Matches(_)
            | Expect::Json(..)
            | Expect::Status(_)
            | Expect::Rows(_)
            | Expect::Denied => false,
        }
    }

    /// Shows the faults that come with the start of a step: they are no outcome of anything that runs.
    fn begin(&self, target: &Target) {
        let at_the_start =
            |shows: &Shows| matches!(shows, Shows::TerminalLost | Shows::WindowOut | Shows::SignOffRefused);
        let Some((number, fault)) = self.active(target, at_the_start) else { return };
        self.show(target, None, number);
        match fault.shows {
            Shows::TerminalLost => self.report(Report::TerminalLost),
            Shows::WindowOut => {
                let window = self.setting.plan.window.unwrap_or_default();
                let ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
                self.report(Report::Input(Input::TimePassed { ms }));
            }
            Shows::SignOffRefused => {
                let step = self.world.step(&target.step);
                let role = step.and_then(|step| match &step.action.act {
                    Act::Person(person) => person.approval.as_ref()?.by.first().cloned(),
                    _ => None, // nobody signs anything else
                });
                let reason = fault.say.clone().unwrap_or_else(|| "not like this".to_owned());
                let (step, name) = (Some(target.step.clone()), "a colleague".to_owned());
                if let Some(role) = role {
                    self.report(Report::Input(Input::RefuseSignOff { step, role, name, reason }));
                }
            }
            Shows::Fails
            | Shows::TimesOut
            | Shows::Hangs
            | Shows::Probe(_)
            | Shows::Output(_)
            | Shows::WrongPaste
            | Shows::DoneButLost => {}
        }
    }

    /// Finds a question by who asks it.
    fn asked(&self, target: &Target, name: &Name) -> Option<InputSpec> {
        let action = self.world.action(target)?;
        let Act::Person(person) = action.act else { return None };
        person.ask.into_iter().find(|spec| spec.name == *name)
    }

    fn offered(&self, target: &Target, name: &Name) -> Option<Secret> {
        let spec = self.asked(target, name).filter(|spec| spec.kind == InputKind::Secret)?;
        Some(Secret::new(practice::offered(self.begun.seed, &target.stem(), &spec)))
    }

    /// Takes a record into the state of the drill.
    fn learn(&mut self, record: &Record) {
        let mut state = std::mem::take(&mut self.state);
        let world = state::World {
            action: &|target| self.world.action(target),
            offered: &|target, name| self.offered(target, name),
            kept: &|name| self.world.secret(name),
            irreversible: &|step| self.world.step(step).is_some_and(|step| step.irreversible.is_some()),
            drill: self.drill.as_ref(),
        };
        state.take(record, &world);
        self.state = state;
    }
}

impl Executor for Rehearsal {
    fn start(&mut self, effect: Effect, values: &BTreeMap<Name, String>) {
        match effect {
            Effect::Perform { target, attempt, after } => self.perform(target, attempt, after, values),
            Effect::Probe { target, logs } => {
                let made = self.make_files(values);
                let scene = Scene { logs, ..self.scene(&target, values) };
                if let Err(why) = made {
                    self.report(Report::Notice(why));
                }
                self.probe(target, scene);
            }
            Effect::Recapture { step } => self.recapture(step, values),
            Effect::Edit { ref target, attempt, .. }
            | Effect::Restore { ref target, attempt, .. }
            | Effect::Save { ref target, attempt } => {
                let act = self.world.action(target).map(|action| action.act);
                // Copies are kept before what fails may begin.
                let first = matches!(effect, Effect::Save { .. }) && !matches!(act, Some(Act::Snapshot(_)));
                if let Some((number, fault)) = self.active(target, |shows| *shows == Shows::Fails).filter(|_| !first) {
                    self.show(target, None, number);
                    return self.fail(target.clone(), attempt, said(&fault));
                }
                if let Err(why) = self.make_files(values) {
                    return self.fail(target.clone(), attempt, why);
                }
                self.world.start(effect, values);
            }
            Effect::LookAhead { .. } => {
                if let Err(why) = self.make_files(values) {
                    self.report(Report::Notice(why));
                }
                self.world.start(effect, values);
            }
            Effect::Stop { ref target, hard } => {
                if let Some(stop) = self.running.get(target) {
                    stop.send_replace(if hard { Stop::Hard } else { Stop::Polite });
                }
                self.world.start(effect, values);
            }
            Effect::Enough { ref target } => {
                if let Some(stop) = self.running.get(target) {
                    stop.send_replace(Stop::Enough);
                }
                self.world.start(effect, values);
            }
            Effect::KeepOutput { .. } | Effect::RemoveTemporary | Effect::Close | Effect::Leave => {
                self.world.start(effect, values);
            }
        }
    }

    fn preview(&mut self, target: Target, run: &Run) {
        if let Err(why) = self.make_files(&run.values) {
            self.report(Report::Notice(why));
        }
        self.world.preview(target, run);
    }

    fn keep(&mut self, secrets: Vec<(Name, Secret)>) -> Result<(), String> {
        let Some(site) = self.state.site.clone() else { return self.world.keep(secrets) };
        let Some((number, _)) = self.active(&site, |shows| *shows == Shows::WrongPaste) else {
            return self.world.keep(secrets);
        };
        self.show(&site, None, number);
        let cut = |secret: &Secret| {
            let mut text: Vec<char> = secret.expose().chars().collect();
            text.pop();
            Secret::new(text.into_iter().collect())
        };
        self.world.keep(secrets.into_iter().map(|(name, secret)| (name, cut(&secret))).collect())
    }

    fn keep_file(&mut self, step: &StepId, path: &Path) -> Result<Evidence, String> {
        let (Some(folder), Some(root)) = (&self.setting.folder, &self.setting.root) else {
            return Err("this run keeps no files".to_owned());
        };
        // What somebody names is not opened: a file of the drill's own is kept in its place.
        let named = path.display().to_string();
        let made = root.join("evidence");
        std::fs::write(&made, format!("evidence to practise with, in place of {named}\n"))
            .map_err(|error| format!("the evidence could not be made: {error}"))?;
        let kept = evidence::keep(&folder.evidence, &Target::step(step).stem(), &made, &self.setting.secrets)?;
        Ok(match kept {
            Evidence::File { kept, sha256, size, name: _ } => Evidence::File { name: named, kept, sha256, size },
            other @ (Evidence::Text { .. } | Evidence::Fingerprint { .. } | Evidence::Output { .. }) => other,
        })
    }

    fn secret(&self, name: &Name) -> Option<Secret> {
        self.world.secret(name)
    }

    fn fingerprints(&self, names: &[Name]) -> BTreeMap<Name, String> {
        self.world.fingerprints(names)
    }

    fn type_in(&mut self, target: &Target, keys: Secret) {
        if let Some(keyboard) = self.keyboards.get(target) {
            // What was typed after its end is typed to nobody.
            let _ = keyboard.send(keys);
        }
    }

    fn recorded(&mut self, record: &Record) {
        self.world.recorded(record);
        self.learn(record);
        if let Record::Started { target, .. } = record {
            self.begin(target);
        }
    }

    fn source(&self, of: &Name, _: &Source, _: &BTreeMap<Name, String>) -> Result<Secret, String> {
        let site = self.state.site.clone().unwrap_or_else(|| Target::step(&StepId::new("")));
        let spec = self.asked(&site, of).ok_or_else(|| format!("{of} is not asked for here"))?;
        Ok(Secret::new(practice::offered(self.begun.seed, &site.stem(), &spec)))
    }

    fn same(&self, name: &Name, secret: &Secret) -> bool {
        self.world.same(name, secret)
    }

    fn mask(&self, text: &str) -> String {
        self.world.mask(text)
    }
}

/// A command to play.
struct Part {
    action: Action,
    spec: RunSpec,
    estimate: Option<Duration>,
    /// How often it was started, this time included.
    attempt: u32,
    letters: Letters,
}

/// What is played, and what was made up for it.
struct Script {
    playing: Playing,
    made: Option<made::Made>,
}

impl Part {
    /// Works out what is played.
    fn script(&self, fault: Option<&DrillFault>, speed: Speed, scene: &Scene) -> Script {
        let mut letters = self.letters.clone();
        let attempt = usize::try_from(self.attempt).unwrap_or(usize::MAX).saturating_sub(1);
        let simulated = nth(&self.action.simulate, attempt).cloned().unwrap_or_default();
        let takes = simulated.takes.unwrap_or_else(|| self.estimate.map_or(USUAL, |estimate| estimate.min(LONG)));
        let silent = |ends: Ends, stderr: String, exit: i32| {
            let playing = Playing { stdout: String::new(), stderr, exit, takes, ends, speed };
            Script { playing, made: None }
        };
        let line = |fault: &DrillFault| format!("{}\n", said(fault));
        match fault.map(|fault| (fault, &fault.shows)) {
            Some((fault, Shows::Fails)) => return silent(Ends::Itself, line(fault), 1),
            Some((fault, Shows::TimesOut)) => return silent(Ends::TooLate, told(fault), 0),
            Some((fault, Shows::Hangs)) => return silent(Ends::Never, told(fault), 0),
            Some((fault, Shows::DoneButLost)) => return silent(Ends::Lost, told(fault), 0),
            Some((_, Shows::Output(output))) => {
                let takes = output.takes.unwrap_or(takes);
                return Script { playing: written(output, takes, speed, &mut letters), made: None };
            }
            Some(_) | None => {}
        }
        let says = !simulated.stdout.is_empty() || !simulated.stderr.is_empty() || simulated.exit.is_some();
        if says {
            return Script { playing: written(&simulated, takes, speed, &mut letters), made: None };
        }
        let made = made::up(&self.action.capture, &self.action.expect, &self.spec.manner, scene, &mut letters);
        let stderr = format!("{UNSAID}\n");
        let exit = self.action.expect.iter().find_map(|expect| match expect {
            crate::playbook::plan::Expect::Exit(exit) => Some(*exit),
            _ => None, // nothing else says how it ends
        });
        let stdout = made.stdout.clone();
        let ends = match &self.spec.manner {
            // Nothing that was made up would end it.
            Manner::Until(until) if until.matches.is_none() => Ends::Never,
            Manner::Until(_) | Manner::Alone | Manner::Terminal => Ends::Itself,
        };
        let playing = Playing { stdout, stderr, exit: exit.unwrap_or(0), takes, ends, speed };
        Script { playing, made: Some(made) }
    }

    /// Plays it, and judges it as a real one is.
    async fn carry(
        &self,
        script: Script,
        scene: &Scene,
        transcript: Option<PathBuf>,
        outlet: Outlet,
        stop: &mut watch::Receiver<Stop>,
        made_up: &Mutex<HashSet<Name>>,
    ) -> Outcome {
        let Action { expect, capture, timeout, .. } = &self.action;
        let task = Task { spec: &self.spec, expect, capture, timeout: *timeout, spool: None };
        let outcome = command::perform_by(script.playing, task, scene, transcript, Some(outlet), stop).await;
        let Some(made) = script.made else { return outcome };
        match outcome.how {
            How::Ok => {
                note(made_up, outcome.values.keys());
                let said = outcome.saw.starts_with(UNSAID);
                let saw = if said { format!("done{MADE_UP}") } else { format!("{}{MADE_UP}", outcome.saw) };
                Outcome { saw, ..outcome }
            }
            // What is made up succeeds, whatever its parts say to one another.
            How::Failed => {
                let names: Vec<Name> = made.secrets.iter().map(|(name, _)| Name::new(name)).collect();
                if !made.secrets.is_empty()
                    && let Err(why) = scene.secrets.keep(made.secrets)
                {
                    return failed(why);
                }
                note(made_up, made.values.keys());
                Outcome {
                    how: How::Ok,
                    saw: format!("done{MADE_UP}"),
                    values: made.values,
                    fingerprints: scene.fingerprints(&names),
                    secrets: names,
                    ..outcome
                }
            }
            How::TimedOut | How::Stopped | How::Lost => outcome,
        }
    }
}

fn note<'n>(made_up: &Mutex<HashSet<Name>>, names: impl Iterator<Item = &'n Name>) {
    made_up.lock().unwrap_or_else(PoisonError::into_inner).extend(names.cloned());
}

/// Puts an author's words into what is played.
fn written(simulated: &Simulated, takes: Duration, speed: Speed, letters: &mut Letters) -> Playing {
    let mut stdout = simulated.stdout.clone();
    if stdout.contains(PRACTICE) {
        stdout = stdout.replace(PRACTICE, &format!("practice-{}", letters.plain(16)));
    }
    let (stderr, exit) = (simulated.stderr.clone(), simulated.exit.unwrap_or(0));
    Playing { stdout, stderr, exit, takes, ends: Ends::Itself, speed }
}

/// Says what a fault says.
fn said(fault: &DrillFault) -> String {
    fault.say.clone().unwrap_or_else(|| format!("it failed{MADE_UP}"))
}

/// Says what a fault says, where it says anything.
fn told(fault: &DrillFault) -> String {
    fault.say.as_ref().map(|say| format!("{say}\n")).unwrap_or_default()
}

/// Finds what is for this time, from 0: the last one holds for all that follow.
fn nth(simulated: &[Simulated], time: usize) -> Option<&Simulated> {
    simulated.get(time).or(simulated.last())
}

/// Waits at a terminal until Enter is pressed.
async fn attended(
    mut keys: tokio::sync::mpsc::UnboundedReceiver<Secret>,
    speed: Speed,
    stop: &mut watch::Receiver<Stop>,
) -> Outcome {
    let enter = async {
        if speed == Speed::Instant {
            // Where nobody waits for anything, nobody would press it.
            return;
        }
        loop {
            let Some(typed) = keys.recv().await else { return std::future::pending().await };
            if typed.expose().contains(['\r', '\n']) {
                return;
            }
        }
    };
    tokio::select! {
        () = enter => Outcome { exit: Some(0), saw: format!("ended at its terminal, exit status 0{MADE_UP}"), ..Outcome::default() },
        _ = stop.wait_for(|stop| *stop != Stop::No) => {
            Outcome { how: How::Stopped, saw: "stopped by the operator".to_owned(), ..Outcome::default() }
        }
    }
}

/// Passes on what comes of the drill's own files, by the names that they have in the playbook.
fn forward(mut results: tokio::sync::mpsc::UnboundedReceiver<Report>, setting: &Setting) {
    let (reports, root) = (setting.reports.clone(), setting.root.clone());
    setting.runtime.spawn(async move {
        while let Some(report) = results.recv().await {
            let shown = |text: &str| without(root.as_ref(), text);
            let report = match report {
                Report::Input(Input::Performed { target, attempt, outcome }) => {
                    let outcome = Outcome { saw: shown(&outcome.saw), ..outcome };
                    Report::Input(Input::Performed { target, attempt, outcome })
                }
                Report::Input(Input::LookedAhead { step, mut refused }) => {
                    for foreseen in &mut refused {
                        foreseen.why = shown(&foreseen.why);
                    }
                    Report::Input(Input::LookedAhead { step, refused })
                }
                Report::Input(Input::TemporaryRemoved { removed, left }) => {
                    let removed = removed.iter().map(|path| shown(path)).collect();
                    let left = left.into_iter().map(|(path, why)| (shown(&path), shown(&why))).collect();
                    Report::Input(Input::TemporaryRemoved { removed, left })
                }
                Report::Preview { target, diff } => {
                    Report::Preview { target, diff: diff.map(|diff| shown(&diff)).map_err(|why| shown(&why)) }
                }
                Report::Notice(text) => Report::Notice(shown(&text)),
                other => other, // nothing else names a file
            };
            if reports.send(report).is_err() {
                return;
            }
        }
    });
}

/// Takes the drill's folder out of the names of files.
fn without(root: Option<&PathBuf>, text: &str) -> String {
    match root.and_then(|root| root.to_str()) {
        Some(root) => text.replace(root, ""),
        None => text.to_owned(),
    }
}

fn timed(outcome: Outcome, begun: Instant) -> Outcome {
    Outcome { took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX), ..outcome }
}
