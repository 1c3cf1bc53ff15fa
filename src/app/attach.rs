//! A screen for a run that lives in a process of its own: `attach`, `watch`, and what `run` and `resume` show.

use std::sync::Arc;

use tokio::runtime::Runtime;

use super::briefing;
use super::drill;
use super::host::{self, Start};
use super::left;
use super::place::{self, Who};
use super::resume;
use super::run::{self, Mode};
use crate::cli::{AttachArgs, FrontArgs};
use crate::ending::{Code, Ending};
use crate::engine::{Record, Refusal, Stage};
use crate::front::line::Line;
use crate::front::tui::Screen;
use crate::front::{Front, Handed, HowFar, Update};
use crate::journal::{self, Place, ReadError, RunFolder};
use crate::playbook::plan::Plan;
use crate::session::client::{Link, Parted, Unreached};
use crate::session::wire::{Hello, PROTOCOL, Role, Welcome};

/// What is shown, and how.
pub(super) struct Shown {
    /// The front: the full screen or plain lines.
    pub(super) mode: Mode,
    /// The playbook as the run began with it.
    pub(super) plan: Arc<Plan>,
    /// The rollback that the operator came for.
    pub(super) rollback: Option<HowFar>,
    /// The screen that the operator looks at already.
    pub(super) screen: Option<Screen>,
    /// What stands on every part of it, where it is not the real thing.
    pub(super) mark: Option<&'static str>,
}

/// Starts a host and shows what it does.
///
/// # Errors
/// The host cannot be had; or how the run ended, where that is to be told.
pub(super) fn begin(start: Start, shown: Shown, who: &Who) -> Result<Code, Ending> {
    let runtime = runtime()?;
    let run = start.start(&runtime)?;
    let folder = resume::anything(&place::state()?, &run)?;
    match runtime.block_on(Link::connect(folder.path(), &hello(Role::Act, who))) {
        Ok(link) => show(&runtime, link, shown, &folder, Role::Act),
        // The run was over before this screen came, and no host waits for ever.
        Err(Unreached::Nobody) => tell(shown, &folder, &run),
        Err(why) => Err(unreached(why, &run)),
    }
}

/// Joins a run whose host is alive, to act. None when there is no host.
///
/// # Errors
/// The host cannot be reached; or how the run ended, where that is to be told.
pub(super) fn join(run: &str, shown: Shown, who: &Who) -> Result<Code, Ending> {
    let runtime = runtime()?;
    let folder = place::state()?.folder(run);
    let link = connect(&runtime, &folder, run, Role::Act, who)?;
    show(&runtime, link, shown, &folder, Role::Act)
}

/// `runsheet attach` and `runsheet watch`.
///
/// # Errors
/// There is no such run, or nobody hosts it; or how the run ended, where that is to be told.
pub(super) fn attach(args: &AttachArgs, role: Role) -> Result<Code, Ending> {
    let who = place::who(args.operator.clone());
    let state = place::state()?;
    let folder = match &args.run {
        Some(prefix) => resume::anything(&state, prefix)?,
        None => latest(&state)?,
    };
    let run = folder.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plan = drill::plan_of(&folder)?;
    let mark = drill::of(&folder).map(|_| drill::MARK);
    let front = FrontArgs { plain: args.plain, ..FrontArgs::default() };
    let shown = Shown { mode: super::run::mode(&front), plan: Arc::new(plan), rollback: None, screen: None, mark };
    let runtime = runtime()?;
    let link = connect(&runtime, &folder, &run, role, &who)?;
    show(&runtime, link, shown, &folder, role)
}

/// Asks a run's host who is there; none when no host listens.
pub(super) fn look(folder: &RunFolder) -> Option<Welcome> {
    // Most runs have none, and a runtime is not made for those.
    if !folder.path().join("host.sock").exists() {
        return None;
    }
    let who = Who { operator: String::new(), account: String::new(), host: String::new() };
    let runtime = runtime().ok()?;
    let linked = runtime.block_on(Link::connect(folder.path(), &hello(Role::Look, &who)));
    linked.ok().map(|link| link.welcome)
}

/// Hands a signature to the host of a run.
///
/// # Errors
/// No host lives there, or it went without an answer.
pub(super) fn sign(folder: &RunFolder, run: &str, who: &Who, handed: Handed) -> Result<Result<(), Refusal>, Unreached> {
    let failed = |error: Ending| Unreached::Failed(error.what);
    let runtime = runtime().map_err(failed)?;
    runtime.block_on(async {
        let link = Link::connect(folder.path(), &hello(Role::Sign, who)).await?;
        if link.welcome.run != run {
            return Err(Unreached::Failed(format!("what listens there walks the run {}", link.welcome.run)));
        }
        link.sign(handed).await.map_err(Unreached::Failed)
    })
}

/// Finds the latest run or drill that a screen can be attached to.
fn latest(state: &Place) -> Result<RunFolder, Ending> {
    let of = |place: &Place| -> Vec<(String, RunFolder)> {
        let open = place.runs().into_iter().filter(|run| run.end.is_none());
        open.map(|run| (run.id.clone(), place.folder(&run.id))).collect()
    };
    let mut open = of(state);
    open.extend(of(&state.drills()));
    open.sort_by(|(one, _), (other, _)| other.cmp(one));
    let found = open.into_iter().map(|(_, folder)| folder).find(|folder| look(folder).is_some());
    found.ok_or_else(|| Ending {
        code: Code::Usage,
        what: "no run has a host to attach to".to_owned(),
        because: None,
        next: Some("`runsheet runs` lists the runs, `runsheet resume RUN` goes on with an open one".to_owned()),
    })
}

fn connect(runtime: &Runtime, folder: &RunFolder, run: &str, role: Role, who: &Who) -> Result<Link, Ending> {
    runtime.block_on(Link::connect(folder.path(), &hello(role, who))).map_err(|why| unreached(why, run))
}

fn unreached(why: Unreached, run: &str) -> Ending {
    let next = format!("`runsheet show {run}` says where it stands, `runsheet resume {run}` goes on with it");
    let (what, because) = match why {
        Unreached::Nobody => (format!("run {run} has no host"), None),
        Unreached::Sorry(why) | Unreached::Failed(why) => (format!("run {run} cannot be reached"), Some(why)),
    };
    Ending { code: Code::Usage, what, because, next: Some(next) }
}

fn hello(role: Role, who: &Who) -> Hello {
    let Who { operator, account, host } = who.clone();
    let program = env!("CARGO_PKG_VERSION").to_owned();
    Hello { protocol: PROTOCOL, program, role, operator, account, host }
}

/// Shows the run until it is over or the screen goes.
fn show(runtime: &Runtime, link: Link, shown: Shown, folder: &RunFolder, role: Role) -> Result<Code, Ending> {
    let Shown { mode, plan, rollback, screen, mark } = shown;
    let record = folder.path().display().to_string();
    let run = link.welcome.run.clone();
    let parted = match mode {
        Mode::Plain | Mode::Unattended => {
            let mut front = Line::start(plan, record, rollback, mark);
            follow(runtime, link, folder, &mut front)?
        }
        Mode::Full => {
            let screen = screen.map_or_else(briefing::screen, Ok)?;
            let mut front = screen.marked(mark).start(plan, record, rollback).map_err(briefing::no_screen)?;
            let parted = follow(runtime, link, folder, &mut front);
            if !matches!(parted, Ok(Parted::Over(_))) {
                front.close();
            }
            // What is said below is printed once the front is dropped, and with it the terminal given back.
            parted?
        }
    };
    // Plain lines were told by the host, if it is over; nobody else was.
    let told = mode != Mode::Full && matches!(parted, Parted::Over(_));
    if role == Role::Act && !told {
        left::tell(resume::look(Some(&run)).ok().and_then(|seen| left::line(&seen.plan, &seen.run)));
    }
    part(parted, &run, folder, role)
}

/// Shows what a host did that is gone by now, from its record.
fn tell(shown: Shown, folder: &RunFolder, run: &str) -> Result<Code, Ending> {
    let seen = resume::look_in(folder.clone(), |_, _, _| {})?;
    let ended = match (seen.run.stage, &seen.run.paused) {
        (Stage::Over, _) | (_, Some(_)) => {
            run::status(&seen.plan, &seen.run, &format!("`runsheet resume {run}` goes on"))
        }
        (_, None) => Err(gone(run)),
    };
    let Shown { mode, plan, rollback, screen, mark } = shown;
    let record = folder.path().display().to_string();
    match mode {
        Mode::Plain | Mode::Unattended => replay(folder, &mut Line::start(plan, record, rollback, mark))?,
        Mode::Full => {
            let screen = screen.map_or_else(briefing::screen, Ok)?;
            let mut front = screen.marked(mark).start(plan, record, rollback).map_err(briefing::no_screen)?;
            replay(folder, &mut front)?;
            if seen.run.stage != Stage::Over {
                front.close();
            }
        }
    }
    // A drill has left nothing of anybody's.
    if mark.is_none() {
        left::tell(left::line(&seen.plan, &seen.run));
    }
    ended
}

/// Tells a front the records of a run: those since it was begun or taken up last as if they came now.
fn replay(folder: &RunFolder, front: &mut impl Front) -> Result<(), Ending> {
    let (mut count, mut old) = (0, 0);
    let read = journal::read(&folder.journal(), false, |stamped| {
        if matches!(stamped.record, Record::Begun(_) | Record::Resumed { .. }) {
            old = count;
        }
        count += 1;
    });
    read.map_err(|error| resume::damaged(&error))?;
    let mut at = 0;
    let read = journal::read(&folder.journal(), false, |stamped| {
        if at == old {
            front.take(Update::Live);
        }
        at += 1;
        front.take(Update::Record(stamped.into()));
    });
    read.map_err(|error| resume::damaged(&error))?;
    front.take(Update::Over);
    Ok(())
}

/// Says that a host is gone without a word.
fn gone(run: &str) -> Ending {
    Ending {
        code: Code::Interrupted,
        what: "the host of this run is gone; the run is open".to_owned(),
        because: Some("it was killed, or broke down; what it had started may still be running".to_owned()),
        next: Some(format!("`runsheet resume {run}` says what is known, and goes on")),
    }
}

fn follow<F: Front>(runtime: &Runtime, link: Link, folder: &RunFolder, front: &mut F) -> Result<Parted, Ending> {
    runtime.block_on(link.follow(&folder.journal(), front)).map_err(|error: ReadError| resume::damaged(&error))
}

/// Says how a screen ended: a status, or an ending with what to do now.
fn part(parted: Parted, run: &str, folder: &RunFolder, role: Role) -> Result<Code, Ending> {
    let goes_on = |what: String| {
        Err(Ending {
            code: Code::Interrupted,
            what,
            because: None,
            next: Some(format!("`runsheet attach {run}` comes back to it")),
        })
    };
    match parted {
        Parted::Over(farewell) => host::ending(farewell),
        Parted::Detached(_) if role == Role::Watch => Ok(Code::Done),
        Parted::Detached(why) => goes_on(format!("the run goes on without this screen ({why})")),
        Parted::Signal(name) => goes_on(format!("interrupted by {name}; the run goes on without this screen")),
        Parted::Cut if drill::of(folder).is_some() && look(folder).is_some() => {
            goes_on("the terminal was lost; the drill goes on without it, as a run would".to_owned())
        }
        Parted::Cut if look(folder).is_some() => goes_on(
            "this screen was let go: it did not keep up with the run, or said more than a run can hear".to_owned(),
        ),
        Parted::Cut => Err(gone(run)),
    }
}

fn runtime() -> Result<Runtime, Ending> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Ending {
        code: Code::Failed,
        what: "no socket can be had".to_owned(),
        because: Some(error.to_string()),
        next: Some("`--foreground` keeps a run in this process".to_owned()),
    })
}
