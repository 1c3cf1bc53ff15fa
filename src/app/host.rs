//! The host of a run: how one is started, and what it does.
//!
//! `run`, `resume` and `rollback` with a person at the screen start this program once more, in a session of its own, and
//! connect to it. All that it needs goes through a pipe, secrets too: nothing is in its words or its environment. It takes
//! the locks itself, says that it is ready (or why not), and lets go of the terminal. What must stay true: nothing has
//! happened to the run when it says that it is not ready.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::getppid;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::inputs::{Given, Known};
use super::library::{self, Loaded};
use super::place::Who;
use super::resume::{self, Old, Taken};
use super::run;
use super::tell::Tell;
use super::walk::{self, Ready};
use crate::ending::{Code, Ending};
use crate::exec::HostProcess;
use crate::playbook::Texts;
use crate::playbook::plan::Name;
use crate::secret::Identity;
use crate::session::host::Hub;
use crate::session::wire::{self, Farewell};

/// The hidden first word of a host.
pub(super) const WORD: &str = "__host";

/// How long a host may take until it is ready. A journal of a million records takes a second or two.
const READY: Duration = Duration::from_mins(2);

/// What a host is told.
#[derive(Serialize, Deserialize)]
pub(super) struct Start {
    who: Who,
    /// The operator's key, opened: who was asked for its passphrase was asked once.
    identity: wire::Given,
    what: What,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// A new run, of this playbook's text.
    Begin {
        path: PathBuf,
        base: PathBuf,
        text: String,
        #[serde(default)]
        included: Texts,
        values: Vec<(Name, wire::Given)>,
        ticket: Option<String>,
        typed: Option<String>,
    },
    /// A run that is there.
    TakeUp { run: String, closed_too: bool },
}

/// What a host answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// It listens. The run's id.
    Ready(String),
    /// It could not begin.
    Ended(Farewell),
}

impl Start {
    /// Makes the start of a new run.
    pub(super) fn begin(
        loaded: &Loaded,
        known: Known,
        who: &Who,
        ticket: Option<String>,
        typed: Option<String>,
        identity: &Identity,
    ) -> Self {
        let values = known.values.into_iter().map(|(name, given)| (name, given.answer.into())).collect();
        let (path, base, text) = (loaded.path.clone(), loaded.base.clone(), loaded.text.clone());
        let included = loaded.included.clone();
        let what = What::Begin { path, base, text, included, values, ticket, typed };
        Self { who: who.clone(), identity: wire::Given::Secret(identity.hand_over()), what }
    }

    /// Makes the start of a run that goes on. `closed_too` is for a rollback, which a closed run may have.
    pub(super) fn take_up(run: String, who: &Who, closed_too: bool, identity: &Identity) -> Self {
        let what = What::TakeUp { run, closed_too };
        Self { who: who.clone(), identity: wire::Given::Secret(identity.hand_over()), what }
    }

    /// Starts a host with this, and returns the run's id once it listens.
    ///
    /// # Errors
    /// The host cannot be had, or says why it cannot begin.
    pub(super) fn start(self, runtime: &tokio::runtime::Runtime) -> Result<String, Ending> {
        let none = |because: String| Ending {
            code: Code::Failed,
            what: "the run cannot be given a process of its own".to_owned(),
            because: Some(because),
            next: Some("`runsheet runs` says whether it began; `--foreground` keeps a run in this process".to_owned()),
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 16));
        serde_json::to_writer(&mut *bytes, &self).map_err(|error| none(error.to_string()))?;
        drop(self);
        let told = async {
            let host = HostProcess::start(WORD)?;
            tokio::time::timeout(READY, host.tell(&bytes)).await.map_err(std::io::Error::other)?
        };
        let answer = runtime.block_on(told).map_err(|error| none(error.to_string()))?;
        match serde_json::from_slice(&answer) {
            Ok(Answer::Ready(run)) => Ok(run),
            Ok(Answer::Ended(farewell)) => Err(ending(farewell).err().unwrap_or_else(|| none(String::new()))),
            Err(_) => Err(none("it ended without a word".to_owned())),
        }
    }
}

/// Is the host: reads what to do, does it, and tells those who are connected how it ended.
pub(super) fn main() -> ExitCode {
    let begun = read().and_then(|start| {
        let (ready, old) = prepare(start)?;
        let folder = ready.folder.as_ref().map(|folder| folder.path().to_owned()).unwrap_or_default();
        let run = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let hub = Hub::listen(&folder, &run, getppid()).map_err(|error| Ending {
            code: Code::Failed,
            what: "no screen could reach the run".to_owned(),
            because: Some(format!("its socket cannot be had: {error}")),
            next: Some(format!("nothing was started; `runsheet resume {run} --foreground` goes on in one process")),
        })?;
        Ok((ready, old, run, hub))
    });
    let (ready, old, run, hub) = match begun {
        Ok(begun) => begun,
        Err(ending) => {
            let code = ending.code;
            answer(&Answer::Ended(farewell(Err(ending))));
            return code.into();
        }
    };
    answer(&Answer::Ready(run));
    let_go();
    std::panic::set_hook(Box::new(|panic| {
        // Where, not what: a panic's text may have anything in it.
        tracing::error!(at = panic.location().map(ToString::to_string), "the host broke down");
    }));
    // Dropped last, so that nobody at a screen waits for those who are told.
    let mut tell = Tell::host();
    match walk::walk(ready, hub, old, &mut tell) {
        Ok(over) => {
            let ended = run::close(&over);
            let code = ended.as_ref().map_or_else(|ending| ending.code, |code| *code);
            over.front.part(&farewell(ended));
            code.into()
        }
        Err(ending) => ending.code.into(),
    }
}

fn read() -> Result<Start, Ending> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 16));
    let read = stdin().lock().read_to_end(&mut bytes).map_err(|error| error.to_string());
    let start = read.and_then(|_| serde_json::from_slice(&bytes).map_err(|_| "standard input is no start".to_owned()));
    start.map_err(not_by_hand)
}

fn not_by_hand(why: String) -> Ending {
    Ending {
        code: Code::Usage,
        what: "this is started by `runsheet run`, not by hand".to_owned(),
        because: Some(why),
        next: Some("`runsheet run PLAYBOOK`".to_owned()),
    }
}

/// Makes the run ready, its locks taken.
fn prepare(start: Start) -> Result<(Ready, Old), Ending> {
    let who = start.who;
    let identity = match &start.identity {
        wire::Given::Secret(key) => Identity::of(key),
        wire::Given::Text(_) => Err("a key is a secret".to_owned()),
    };
    let identity = identity.map_err(not_by_hand)?;
    match start.what {
        What::Begin { path, base, text, included, values, ticket, typed } => {
            let (plan, warnings) = library::sound(&path.display().to_string(), &path, &text, &included)?;
            let loaded = Loaded { plan: Arc::new(plan), text, included, path, base, warnings };
            let given = |(name, given): (Name, wire::Given)| (name, Given { answer: given.into(), from: None });
            let known = Known { values: values.into_iter().map(given).collect(), ..Known::default() };
            Ok((walk::begin(&loaded, &known, &who, ticket, typed, &identity)?, Old::default()))
        }
        What::TakeUp { run, closed_too } => {
            let Taken { ready, old } = resume::take_up(Some(&run), &who, false, |_| Ok(identity))?;
            if !closed_too {
                resume::still_open(&ready)?;
            }
            Ok((ready, old))
        }
    }
}

fn answer(answer: &Answer) {
    let mut out = stdout().lock();
    // Whoever started us may have gone; the run goes on, and `attach` finds it.
    let _ = serde_json::to_writer(&mut out, answer).map_err(std::io::Error::from).and_then(|()| out.flush());
}

/// Lets go of the descriptors of whoever started us.
fn let_go() {
    let nothing = OpenOptions::new().read(true).write(true).open("/dev/null");
    if let Ok(nothing) = nothing {
        // A descriptor that stays is a pipe that nobody reads.
        let _ = dup2_stdin(&nothing).and_then(|()| dup2_stdout(&nothing)).and_then(|()| dup2_stderr(&nothing));
    }
}

/// Puts an end into a frame's words.
fn farewell(ended: Result<Code, Ending>) -> Farewell {
    match ended {
        Ok(code) => Farewell { code: code as u8, ..Farewell::default() },
        Err(Ending { code, what, because, next }) => Farewell { code: code as u8, what: Some(what), because, next },
    }
}

/// Takes an end out of a frame's words.
pub(super) fn ending(farewell: Farewell) -> Result<Code, Ending> {
    let known = Code::ALL.iter().map(|(code, _)| *code).find(|code| *code as u8 == farewell.code);
    let code = known.unwrap_or(Code::Failed);
    match farewell.what {
        None => Ok(code),
        Some(what) => Err(Ending { code, what, because: farewell.because, next: farewell.next }),
    }
}
