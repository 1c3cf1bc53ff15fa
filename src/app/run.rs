//! `run`, `resume`, `rollback`, and the library: which front, which executor, which journal.

use std::io::{IsTerminal as _, Write as _, stderr, stdin, stdout};
use std::path::Path;
use std::sync::Arc;

use super::attach::{self, Shown};
use super::briefing::{self, About, Asked};
use super::drill::{self, Practice};
use super::host::Start;
use super::identity;
use super::inputs::{self, Given, Known};
use super::left;
use super::library::{self, Loaded};
use super::place::{self, Who};
use super::resume::{self, Old, Taken};
use super::tell::Tell;
use super::walk::{self, Ready};
use crate::cli::{FrontArgs, OnFailureArg, ResumeArgs, RollbackArgs, RunArgs};
use crate::ending::{Code, Ending};
use crate::engine::{Awaiting, End, Input, Run, Stage, StepState};
use crate::front::headless::{Answers, Headless, Why};
use crate::front::line::Line;
use crate::front::tui::{Choice, Screen};
use crate::front::{Front, HowFar};
use crate::journal::Place;
use crate::playbook::plan::{OnFailure, Plan, StepId};
use crate::secret::Identity;
use crate::session::{Because, Over};
use crate::words;

/// How a run is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The full screen.
    Full,
    /// Plain lines.
    Plain,
    /// Nobody is there.
    Unattended,
}

/// Chooses the front: the full screen needs a terminal at both ends.
pub(super) fn mode(args: &FrontArgs) -> Mode {
    if args.unattended {
        return Mode::Unattended;
    }
    let terminal = stdin().is_terminal() && stdout().is_terminal();
    let simple = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    if args.plain || !terminal || simple { Mode::Plain } else { Mode::Full }
}

/// `runsheet`: the library.
pub(super) fn library() -> Result<Code, Ending> {
    if mode(&FrontArgs::default()) != Mode::Full {
        return Err(Ending {
            code: Code::Usage,
            what: "the library needs a terminal".to_owned(),
            because: Some("standard input or output is none".to_owned()),
            next: Some("`runsheet list` prints it, `runsheet run NAME` walks a playbook".to_owned()),
        });
    }
    let front = FrontArgs::default();
    loop {
        match briefing::choose()? {
            None => return Ok(Code::Done),
            Some((Choice::Run(id), screen)) => return resume_on(&ResumeArgs { run: Some(id), front }, Some(screen)),
            Some((choice @ (Choice::Playbook(_) | Choice::Drill { .. }), screen)) => {
                let front = front.clone();
                let (playbook, drill) = match choice {
                    Choice::Drill { playbook, id } => (playbook, Some(id)),
                    Choice::Playbook(name) | Choice::Run(name) => (name, None),
                };
                let args =
                    RunArgs { playbook, inputs: Vec::new(), dry_run: false, drill, speed: None, ticket: None, front };
                match run_on(&args, Some(screen))? {
                    // Who leaves the briefing comes back to where it was chosen. Nothing has begun.
                    Code::Interrupted => {}
                    code => return Ok(code),
                }
            }
        }
    }
}

/// `runsheet run`.
pub(super) fn run(args: &RunArgs) -> Result<Code, Ending> {
    run_on(args, None)
}

fn run_on(args: &RunArgs, screen: Option<Screen>) -> Result<Code, Ending> {
    place::descriptors()?;
    let (loaded, practice) = loaded(args)?;
    let who = place::who(args.front.operator.clone());
    // A dry run needs nobody: it shows the whole walk at once.
    let mode = if args.dry_run { Mode::Unattended } else { mode(&args.front) };
    if mode != Mode::Full {
        // Where it cannot be printed there is nobody to tell.
        let _ = stderr().write_all(loaded.warnings.concat().as_bytes());
    }
    let answers = answers(&args.front, &loaded.plan)?;

    let mut known = Known::default();
    inputs::from_command_line(&loaded.plan, &args.inputs, &mut known)?;
    for (name, answer) in answers.inputs.clone() {
        known.values.entry(name).or_insert(Given { answer, from: None });
    }
    let (identity, screen) = if args.dry_run {
        (None, screen)
    } else if practice.is_some() {
        // What a drill seals is for itself alone.
        (Some(Identity::passing()), screen)
    } else {
        key(mode, &answers, screen).map(|(key, screen)| (Some(key), screen))?
    };
    inputs::from_sources(&loaded.plan, &loaded.base, &mut known);
    if let Some(practice) = &practice {
        drill::fill(practice, &loaded.plan, &mut known);
    }
    // No program is started in a drill.
    let missing = if practice.is_some() { Vec::new() } else { missing_programs(&loaded.plan) };
    let about = About { missing: &missing, who: &who, ticket: args.ticket.as_deref() };
    let mark = practice.as_ref().map(|_| drill::MARK);
    let screen = screen.map(|screen| screen.marked(mark));
    let asked = match mode {
        Mode::Unattended if args.dry_run => {
            briefing::tell(&loaded, &known, about)?;
            Asked { known, ..Asked::default() }
        }
        Mode::Unattended => unattended(&loaded.plan, known, &missing, answers.protected.clone())?,
        Mode::Plain | Mode::Full => match briefing::ask(mode, &loaded, known, about, screen, practice.as_ref())? {
            Some(asked) => asked,
            None => return Ok(Code::Interrupted),
        },
    };

    if let Some(identity) = identity.as_ref().filter(|_| hosted(mode, &args.front)) {
        let Asked { known, typed, screen } = asked;
        let shown = Shown { mode, plan: Arc::clone(&loaded.plan), rollback: None, screen, mark };
        let begun = practice.map(|practice| practice.begun);
        let start = Start::begin(&loaded, known, &who, args.ticket.clone(), typed, identity, begun);
        return attach::begin(start, shown, &who);
    }
    let ready = match &identity {
        Some(identity) => {
            walk::begin(&loaded, &asked.known, &who, args.ticket.clone(), asked.typed, identity, practice)?
        }
        None => walk::rehearse(&loaded, &asked.known, &who)?,
    };
    let way = Way { mode, answers, rollback: None, screen: asked.screen, mark };
    drive(way, ready, Old::default(), &args.front)
}

/// Reads the playbook, as it is to be walked or practised.
fn loaded(args: &RunArgs) -> Result<(Loaded, Option<Practice>), Ending> {
    let loaded = library::load(&args.playbook)?;
    match &args.drill {
        None => Ok((loaded, None)),
        Some(id) => {
            let (loaded, practice) = drill::choose(loaded, id.as_deref(), args.speed.as_deref())?;
            Ok((loaded, Some(practice)))
        }
    }
}

/// What an unattended run begins with.
fn unattended(plan: &Plan, known: Known, missing: &[String], typed: Option<String>) -> Result<Asked, Ending> {
    let needed = |what: String, next: &str| Ending {
        code: Code::PersonNeeded,
        what,
        because: None,
        next: Some(format!("{next}; nothing has been started")),
    };
    if !missing.is_empty() {
        let what = format!("not on PATH, and the playbook needs them: {}", missing.join(", "));
        return Err(needed(what, "install them"));
    }
    let open = known.open(plan);
    if !open.is_empty() {
        let names: Vec<String> = open
            .iter()
            .map(|spec| match known.missing.get(&spec.name) {
                Some(why) => format!("{} ({why})", spec.name),
                None => spec.name.to_string(),
            })
            .collect();
        let what = format!("no answer for {}", names.join(", "));
        return Err(needed(what, "put them under `inputs:` in the answers file, or give --input name=value"));
    }
    if let Some(word) = walk::protected(plan, &known)
        && typed.as_deref() != Some(word)
    {
        let next = format!("put `protected: {word}` into the answers file");
        return Err(needed("this is a protected run, and nobody confirmed it".to_owned(), &next));
    }
    Ok(Asked { known, typed, screen: None })
}

/// `runsheet resume`.
pub(super) fn resume(args: &ResumeArgs) -> Result<Code, Ending> {
    resume_on(args, None)
}

fn resume_on(args: &ResumeArgs, screen: Option<Screen>) -> Result<Code, Ending> {
    let who = place::who(args.front.operator.clone());
    let (mode, mut screen, mut said) = (mode(&args.front), screen, Answers::default());
    if hosted(mode, &args.front) {
        let state = place::state()?;
        let run = resume::find(&state, args.run.as_deref(), args.run.is_none())?;
        let shown = Shown { mode, plan: plan_of(&state, &run)?, rollback: None, screen, mark: None };
        return go_on(run, shown, &who, false);
    }
    let Taken { ready, old } = resume::take_up(args.run.as_deref(), &who, true, |plan| {
        said = answers(&args.front, plan)?;
        let (key, kept) = key(mode, &said, screen.take())?;
        screen = kept;
        Ok(key)
    })?;
    resume::still_open(&ready)?;
    let way = Way { mode, answers: said, rollback: None, screen, mark: None };
    drive(way, ready, old, &args.front)
}

/// Goes on with a run in its host, which is started where there is none.
fn go_on(run: String, mut shown: Shown, who: &Who, closed_too: bool) -> Result<Code, Ending> {
    // Whoever wants to go on with a run wants to see it go on: it makes no difference to them where it lives.
    if attach::look(&place::state()?.folder(&run)).is_some() {
        return attach::join(&run, shown, who);
    }
    let (identity, screen) = key(shown.mode, &Answers::default(), shown.screen.take())?;
    shown.screen = screen;
    attach::begin(Start::take_up(run, who, closed_too, &identity), shown, who)
}

/// Reads the plan of a run.
fn plan_of(state: &Place, run: &str) -> Result<Arc<Plan>, Ending> {
    resume::playbook(&state.folder(run)).map(|(plan, _)| Arc::new(plan))
}

/// Says whether a run gets a process of its own: where a person is at the screen, unless they want it otherwise.
fn hosted(mode: Mode, args: &FrontArgs) -> bool {
    mode != Mode::Unattended && !args.foreground
}

/// `runsheet rollback`.
pub(super) fn rollback(args: &RollbackArgs) -> Result<Code, Ending> {
    let who = place::who(args.front.operator.clone());
    let (mode, mut said) = (mode(&args.front), Answers::default());
    if hosted(mode, &args.front) {
        let state = place::state()?;
        let run = resume::find(&state, Some(&args.run), false)?;
        let plan = plan_of(&state, &run)?;
        let to = args.to.as_ref().map(|to| step(&plan, to)).transpose()?;
        let shown = Shown { mode, plan, rollback: Some(HowFar(to)), screen: None, mark: None };
        return go_on(run, shown, &who, true);
    }
    let Taken { mut ready, old } = resume::take_up(Some(&args.run), &who, false, |plan| {
        said = answers(&args.front, plan)?;
        key(mode, &said, None).map(|(key, _)| key)
    })?;
    let to = match &args.to {
        None => None,
        Some(to) => Some(step(ready.engine.plan(), to)?),
    };
    if mode == Mode::Unattended {
        let rollback = Input::Rollback { to: to.clone(), by_policy: true };
        // Where only the end is not on record yet, going on would close the run before anything is undone.
        let ending = ready.engine.run().stage == Stage::Walking
            && ready.engine.run().awaiting(ready.engine.plan()) == Awaiting::Closing;
        ready.first.insert(if ending { 0 } else { ready.first.len() }, rollback);
    }
    let way = Way { mode, answers: said, rollback: Some(HowFar(to)), screen: None, mark: None };
    drive(way, ready, old, &args.front)
}

/// Opens the operator's key. A screen that is up gives way to the question for a passphrase.
fn key(mode: Mode, answers: &Answers, screen: Option<Screen>) -> Result<(Identity, Option<Screen>), Ending> {
    let screen = screen.filter(|_| !identity::asks(mode));
    Ok((identity::open(mode, answers.identity.as_ref())?, screen))
}

fn step(plan: &Plan, id: &str) -> Result<StepId, Ending> {
    let known = StepId::new(id);
    if plan.step(&known).is_some() {
        return Ok(known);
    }
    let near = crate::playbook::nearest(id, plan.steps.iter().map(|step| step.id.as_str()));
    Err(Ending {
        code: Code::Usage,
        what: format!("the playbook has no step {id}"),
        because: None,
        next: Some(match near {
            Some(near) => format!("did you mean {near}?"),
            None => "`runsheet plan` lists the steps".to_owned(),
        }),
    })
}

/// Reads the answers file.
fn answers(args: &FrontArgs, plan: &Plan) -> Result<Answers, Ending> {
    let Some(path) = &args.answers else { return Ok(Answers::default()) };
    let usage = |because: String| Ending {
        code: Code::Usage,
        what: format!("the answers file {} cannot be used", path.display()),
        because: Some(because),
        next: Some("nothing has been started".to_owned()),
    };
    let text = std::fs::read_to_string(path).map_err(|error| usage(error.to_string()))?;
    Answers::read(&text, plan, path.parent().unwrap_or(Path::new("."))).map_err(usage)
}

/// Finds the programs of `requires` that are not on `PATH`.
pub(super) fn missing_programs(plan: &Plan) -> Vec<String> {
    plan.requires.iter().filter(|program| !on_path(program)).cloned().collect()
}

/// Says whether a program is on `PATH`.
pub(super) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| executable(&folder.join(program)))
}

fn executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// How a run is walked, once that is settled.
struct Way {
    mode: Mode,
    answers: Answers,
    /// The rollback that the operator came for: to a step, or whole.
    rollback: Option<HowFar>,
    /// The screen that the operator looks at already.
    screen: Option<Screen>,
    /// What stands on every part of it, where it is not the real thing.
    mark: Option<&'static str>,
}

/// Walks with the front that was chosen, and says how it ended.
fn drive(way: Way, ready: Ready, old: Old, args: &FrontArgs) -> Result<Code, Ending> {
    let Way { mode, answers, rollback, screen, mark } = way;
    // Dropped last: whoever is told is waited for a moment, once everything else is done.
    let mut tell = Tell::here(mode != Mode::Unattended);
    let plan = Arc::clone(ready.engine.plan());
    let record = match &ready.folder {
        Some(folder) => folder.path().display().to_string(),
        None => "nowhere: this was a dry run".to_owned(),
    };
    match mode {
        Mode::Unattended => {
            let on_failure = args.on_failure.map(|what| match what {
                OnFailureArg::Stop => OnFailure::Stop,
                OnFailureArg::Rollback => OnFailure::Rollback,
            });
            let transcripts = ready.folder.as_ref().map(crate::journal::RunFolder::transcript);
            let mut front = Headless::new(plan, answers, on_failure, transcripts, Box::new(stdout()));
            front = front.goes_on(ready.engine.run());
            if rollback.is_some() {
                front = front.only_rollback();
            }
            if ready.folder.is_none() {
                front = front.dry_run();
            }
            let over = walk::walk(ready, front, old, &mut tell)?;
            // It leaves by a pause that it says itself, so that the reason is on record.
            if matches!(over.because, Because::Left | Because::Run)
                && let Some(left) = over.front.left()
            {
                let code = match left.why {
                    Why::PersonNeeded => Code::PersonNeeded,
                    Why::Failed => Code::Failed,
                    Why::SignOff => Code::SignOff,
                    Why::RollbackIncomplete => Code::RollbackIncomplete,
                };
                return Err(Ending { code, what: left.what.clone(), because: None, next: Some(left.next.clone()) });
            }
            close(&over)
        }
        Mode::Plain => {
            let front = Line::start(plan, record, rollback, mark);
            let over = walk::walk(ready, front, old, &mut tell)?;
            close(&over)
        }
        Mode::Full => {
            let screen = screen.map_or_else(briefing::screen, Ok)?;
            let front = screen.marked(mark).start(plan, record, rollback).map_err(briefing::no_screen)?;
            let over = walk::walk(ready, front, old, &mut tell)?;
            if matches!(over.because, Because::Signal(_) | Because::Journal(_) | Because::Refused(_)) {
                over.front.close();
            }
            // What is said below is printed once the front is dropped, and with it the terminal given back.
            let left = match mark {
                // A drill has left nothing of anybody's.
                Some(_) => None,
                None => left::line(over.engine.plan(), over.engine.run()),
            };
            let ended = close(&over);
            drop(over);
            left::tell(left);
            ended
        }
    }
}

/// Says how a session ended: a status, or an ending with what to do now.
pub(super) fn close<F: Front>(over: &Over<F>) -> Result<Code, Ending> {
    let run = over.engine.run();
    let id = run.begun.as_ref().map(|begun| begun.run.clone()).unwrap_or_default();
    let ending = |code: Code, what: String, next: String| Err(Ending { code, what, because: None, next: Some(next) });
    let resume = match run.begun.as_ref().and_then(|begun| begun.drill.as_ref()) {
        None => format!("`runsheet resume {id}` goes on"),
        Some(_) => "a drill that was left is over; `runsheet run PLAYBOOK --drill` begins another".to_owned(),
    };
    match &over.because {
        Because::Journal(why) => ending(
            Code::Failed,
            why.clone(),
            format!("nothing more was started; make room, then `runsheet resume {id}`"),
        ),
        Because::Refused(refusal) => Err(super::refused(refusal)),
        Because::Signal(name) => ending(Code::Interrupted, format!("interrupted by {name}; the run is open"), resume),
        Because::Left if run.stage != Stage::Over => match partial(run) {
            Some(code) => Ok(code),
            None => match run.awaiting(over.engine.plan()) {
                Awaiting::SignOff(role) => ending(Code::SignOff, words::sign_off_missing(run, &role), sign(&id)),
                // Whatever else it waits for, it is not at its end.
                _ => ending(Code::Interrupted, "the run is open".to_owned(), resume),
            },
        },
        Because::Left | Because::Run => status(over.engine.plan(), run, &resume),
    }
}

/// Says what to do where only a signature is missing.
fn sign(run: &str) -> String {
    format!("`runsheet sign {run}` in the signer's own terminal, or `runsheet resume {run}` with them here")
}

/// Returns the status of a rollback to a step, which leaves the run open and is no interruption.
fn partial(run: &Run) -> Option<Code> {
    let rollback = run.rollback.as_ref()?;
    let stands = run.stage == Stage::Walking && rollback.over && rollback.to.is_some() && run.busy.is_none();
    (stands && rollback.by_policy).then_some(if rollback.failed == 0 { Code::Done } else { Code::RollbackIncomplete })
}

/// Returns the status of a run that came to rest (rulings A06, A08 to A10, A23).
pub(super) fn status(plan: &Plan, run: &Run, resume: &str) -> Result<Code, Ending> {
    let stopped = |what: String| Err(Ending { code: Code::Failed, what, because: None, next: Some(resume.to_owned()) });
    match (run.stage, run.ended) {
        (Stage::Over, Some((End::RolledBack, _))) => {
            let stuck = run.rollback.as_ref().is_some_and(|rollback| !rollback.stuck.is_empty());
            Ok(if stuck { Code::RollbackIncomplete } else { Code::RolledBack })
        }
        (Stage::Over, Some((End::Abandoned, _))) => Ok(Code::Failed),
        (Stage::Over, Some((End::Completed, _))) => {
            let short = plan.steps.iter().zip(&run.steps).any(|(step, state)| match state.state {
                StepState::Skipped => state.failed || !step.free_to_skip(),
                StepState::Failed => true,
                StepState::Pending
                | StepState::Waiting
                | StepState::Running
                | StepState::Verifying
                | StepState::Done
                | StepState::Warned
                | StepState::Unknown
                | StepState::LeftOut
                | StepState::RolledBack
                | StepState::RollbackFailed => false,
            });
            let unsigned = run.steps.iter().any(|state| state.sign_off_passed.is_some());
            Ok(match (short, unsigned) {
                (true, _) => Code::Failed,
                (false, true) => Code::SignOff,
                (false, false) => Code::Done,
            })
        }
        (_, _) => stopped(run.paused.clone().unwrap_or_else(|| "the run is open".to_owned())),
    }
}
