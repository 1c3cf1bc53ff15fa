//! Runs a child: in a session of its own, its output read as it comes, stopped politely and then hard.
//!
//! The end of a child is the exit of its process plus a short wait for its pipes: something it left behind may hold them open
//! for ever. What must stay true: every byte that was written before the exit is read; a stop reaches the whole group;
//! nothing here blocks a thread.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::WaitIdStatus;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Sender;
use tokio::signal::unix::{Signal as Children, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use zeroize::Zeroizing;

use super::handed::{self, Files};
use super::holders;
use super::launch::Launcher;
use super::reach::Reach;
use super::remote::{self, End, Remote};
use super::said::{stopped, told};
use super::scene::Scene;
use super::spawn::{Process, Request, find_program};
use super::stop::{Stop, Stopping};
use super::transcript::Stream;
use crate::engine::How;
use crate::playbook::plan::{Given, Program, RunSpec, Template, Variable};

/// The time without output after which what was held back to be masked is shown, as far as it may be.
const QUIET: Duration = Duration::from_millis(250);

/// The time that the last of an output may take through who reads it for us, on a very busy machine.
const PASSING_ON: Duration = Duration::from_secs(20);

/// The most bytes of one read.
const READ: usize = 128 << 10;

/// A child to start.
pub(crate) struct Command {
    /// The program's file.
    program: PathBuf,
    /// The program as written, and its arguments.
    words: Vec<String>,
    environment: Vec<(OsString, OsString)>,
    cwd: PathBuf,
    stdin: Option<Zeroizing<Vec<u8>>>,
    /// Descriptors that it gets beside the first three, under their own numbers.
    handed: Vec<OwnedFd>,
    /// Its files in memory, there for as long as it runs.
    _files: Option<Files>,
    spool: Option<PathBuf>,
    /// The machine that it calls; none when it runs here.
    remote: Option<Remote>,
}

/// How a child ended.
pub(crate) struct Ended {
    /// Its exit status; none when a signal ended it.
    pub exit: Option<i32>,
    /// The same in words.
    pub words: String,
    /// Whether it ended by itself, or because enough was seen of it.
    pub how: How,
    /// It was stopped because enough was seen of it.
    pub enough: bool,
    /// Who still holds its output open.
    pub holders: Vec<String>,
    /// Who else of its group still runs.
    pub left: Vec<String>,
}

/// Who is told of a child while it runs.
pub(super) type Take<'t> = dyn FnMut(Told<'_>) -> Then + Send + 't;

/// What is to become of a child after something was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It goes on.
    GoOn,
    /// Enough was seen of it.
    Enough,
}

/// What is told of a child while it runs.
pub(crate) enum Told<'a> {
    /// Its output.
    Output(Stream, &'a [u8]),
    /// Something that nobody else would tell: a sentence.
    Note(String),
}

impl Command {
    /// Puts a command of the plan together.
    ///
    /// # Errors
    /// When a value is missing or there is no such program: a sentence.
    pub(crate) fn new(spec: &RunSpec, scene: &Scene) -> Result<Self, String> {
        if let Some(host) = &spec.host {
            return Self::elsewhere(spec, host, scene);
        }
        let words = match &spec.program {
            Program::Script { text, shell } => shell.iter().cloned().chain([text.clone()]).collect(),
            Program::Words(words) => words.iter().map(|word| scene.complete(word)).collect::<Result<Vec<_>, _>>()?,
        };
        let Some(program) = words.first() else {
            return Err("there is no program to start".to_owned());
        };
        let mut environment = scene.environment();
        let (mut files, mut handed) = (None, Vec::new());
        for (variable, what) in &spec.env {
            let value: OsString = match what {
                Variable::Given(given) => scene.given(given)?.expose().into(),
                Variable::File(content) => {
                    let content = scene.content(content)?;
                    let made = match files.take() {
                        Some(made) => made,
                        None => Files::new()?,
                    };
                    files.insert(made).add(variable, &content)?.into()
                }
                Variable::Descriptor(content) => {
                    handed.push(handed::descriptor(&scene.content(content)?)?);
                    handed.last().map(handed::name_of).unwrap_or_default().into()
                }
            };
            environment.insert(variable.into(), value);
        }
        let stdin = spec.stdin.as_ref().map(|given: &Given| scene.given(given)).transpose()?;
        let cwd = spec.cwd.as_ref().map_or_else(|| Ok(scene.base.clone()), |cwd| scene.path(cwd))?;
        if !cwd.is_dir() {
            return Err(format!("{} is not a folder, so nothing can run there", cwd.display()));
        }
        let path = environment.get(OsStr::new("PATH")).map(OsString::as_os_str);
        let Some(program) = find_program(program, &cwd, path) else {
            return Err(format!("there is no program {program}; install it, or put its folder on PATH"));
        };
        // A program that asks for the folder's name gets the one that the playbook calls it by.
        environment.insert("PWD".into(), cwd.clone().into());
        let stdin = stdin.map(|secret| Zeroizing::new(secret.expose().as_bytes().to_vec()));
        let environment = environment.into_iter().collect();
        Ok(Self { program, words, environment, cwd, stdin, handed, _files: files, spool: None, remote: None })
    }

    /// Puts the call of another machine together. All that the step brings goes over standard input.
    fn elsewhere(spec: &RunSpec, host: &Template, scene: &Scene) -> Result<Self, String> {
        let stdin = remote::script(spec, scene)?;
        let mut environment = scene.environment();
        let path = environment.get(OsStr::new("PATH")).map(OsString::as_os_str);
        let Some(program) = find_program("ssh", &scene.base, path) else {
            return Err("there is no program ssh; install OpenSSH's client, or put its folder on PATH".to_owned());
        };
        let remote = Remote::new(host, scene)?;
        let cwd = scene.base.clone();
        environment.insert("PWD".into(), cwd.clone().into());
        let (words, environment) = (remote.words(), environment.into_iter().collect());
        let (stdin, remote) = (Some(stdin), Some(remote));
        Ok(Self { program, words, environment, cwd, stdin, handed: Vec::new(), _files: None, spool: None, remote })
    }

    /// Has what it prints kept in files whose names begin so, should we die before it ends.
    pub(crate) fn spooled(self, spool: Option<PathBuf>) -> Self {
        Self { spool, ..self }
    }

    /// Makes it one for a terminal: what it is told of ours is not true of its own.
    pub(super) fn at_terminal(self) -> Self {
        let Self { mut environment, .. } = self;
        let stale = |name: &OsString| ["COLUMNS", "LINES", "TERM", "TERMCAP", "COLORTERM"].iter().any(|of| name == of);
        environment.retain(|(name, _)| !stale(name));
        environment.push(("TERM".into(), "xterm-256color".into()));
        Self { environment, ..self }
    }

    /// Starts it: at this terminal, or with pipes.
    pub(super) fn start(&self, terminal: Option<&Path>, launcher: &Launcher) -> std::io::Result<Process> {
        let request = Request {
            program: &self.program,
            words: &self.words,
            environment: &self.environment,
            cwd: &self.cwd,
            stdin: self.stdin.is_some(),
            handed: &self.handed,
            spool: self.spool.as_deref(),
            terminal,
        };
        Process::start(&request, launcher)
    }

    pub(super) fn named(&self) -> &str {
        self.words.first().map_or("it", String::as_str)
    }
}

/// Runs a child to its end. `take` is told what comes of it on the way, and of no output when none has come for a while.
///
/// # Errors
/// When it could not be started: a sentence.
pub(crate) async fn run(
    command: Command,
    launcher: &Launcher,
    timeout: Option<Duration>,
    stop: &mut watch::Receiver<Stop>,
    take: &mut Take<'_>,
) -> Result<Ended, String> {
    let mut child =
        command.start(None, launcher).map_err(|error| format!("{} could not be started: {error}", command.named()))?;
    let named = command.named().to_owned();
    let remote = command.remote;
    let (reach, orders) = Reach::of(child.id, remote.is_some());
    let group = reach.group;
    let bytes = command.stdin;
    let writer = child.stdin.take().map(|stdin| tokio::spawn(feed(stdin, bytes, orders)));
    let mut out = Pipe::new(child.out.take());
    let mut err = Pipe::new(child.err.take());
    // Who reads for us passes everything on, so it is waited for as long as nobody else holds the pipes.
    let mut passing_on = child.spooler.is_some();

    let mut exit: Option<WaitIdStatus> = None;
    let mut stopping = Stopping::new(reach, timeout);
    let mut listening = true;
    // A child that stops itself ends nothing and says nothing: only its parent is told, by this.
    let mut children = signal(SignalKind::child()).ok();
    while exit.is_none() || out.inner.is_some() || err.inner.is_some() {
        let (out_quiet, err_quiet) = (out.quiet_at, err.quiet_at);
        let deadline = stopping.deadline;
        let then = tokio::select! {
            () = out.read() => out.hand(Stream::Out, take),
            () = err.read() => err.hand(Stream::Err, take),
            () = at(out_quiet), if out_quiet.is_some() => out.fall_quiet(Stream::Out, take),
            () = at(err_quiet), if err_quiet.is_some() => err.fall_quiet(Stream::Err, take),
            status = child.wait(), if exit.is_none() => {
                exit = Some(status.map_err(|error| format!("the end of {named} was not seen: {error}"))?);
                stopping.exited();
                Then::GoOn
            }
            () = rung(&mut children), if exit.is_none() => match child.stopped() {
                Some(by) => take(Told::Note(stopped(group.0, by))),
                None => Then::GoOn,
            },
            () = at(deadline), if deadline.is_some() => {
                if exit.is_some() {
                    if std::mem::take(&mut passing_on)
                        && holders::find(child.inodes.clone(), child.spooler).await.is_empty()
                    {
                        stopping.deadline = Some(Instant::now() + PASSING_ON);
                        continue;
                    }
                    break;
                }
                stopping.late(take);
                Then::GoOn
            }
            changed = stop.changed(), if listening => {
                listening = changed.is_ok();
                let asked = *stop.borrow_and_update();
                stopping.ask(asked, exit.is_some(), take);
                Then::GoOn
            }
        };
        if then == Then::Enough {
            stopping.ask(Stop::Enough, exit.is_some(), take);
        }
    }
    stopping.end().await;
    if let Some(writer) = writer {
        writer.abort();
    }
    let holders = if out.inner.is_some() || err.inner.is_some() {
        holders::find(child.inodes.clone(), child.spooler).await
    } else {
        Vec::new()
    };
    out.drain();
    err.drain();
    let left = group.left(&holders).await;
    let (exit, words) = exit.map_or((None, "its end was not seen".to_owned()), told);
    let ended = Ended { exit, words, how: stopping.how, enough: stopping.enough, holders, left };
    Ok(match remote {
        Some(remote) => ended.over(&remote),
        None => ended,
    })
}

/// Writes what a child reads, and then the orders that it is given.
async fn feed(mut stdin: Sender, bytes: Option<Zeroizing<Vec<u8>>>, mut orders: UnboundedReceiver<u8>) {
    // A child need not read what it is given.
    let mut written = stdin.write_all(bytes.as_deref().map_or(&[], Vec::as_slice)).await;
    // Where nobody can give orders, this is its end.
    while let (Ok(()), Some(order)) = (&written, orders.recv().await) {
        written = stdin.write_all(&[order]).await;
    }
}

impl Ended {
    /// Says what the end of a call of another machine tells of the command there.
    fn over(self, remote: &Remote) -> Self {
        let Self { exit, words, how, enough, holders, left } = self;
        let host = &remote.host;
        let (exit, words, how) = match (remote.end(exit), how) {
            (End::Own, _) if exit.is_some() => (exit, words, how),
            (End::Signal, _) => (None, format!("ended by a signal on {host}"), how),
            (End::Unreached(why), _) => (None, format!("{host} was not reached: {why}"), how),
            (End::Lost(why), How::Ok) => {
                let words = format!(
                    "the connection to {host} was lost, and what became of the command there is not known: {why}"
                );
                (None, words, How::Lost)
            }
            (End::Own | End::Lost(_), _) => {
                (None, format!("{words}; whether it still runs on {host} is not known"), how)
            }
        };
        Self { exit, words, how, enough, holders, left }
    }
}

/// One output of a child.
struct Pipe<R> {
    inner: Option<R>,
    buffer: Vec<u8>,
    /// When it counts as quiet, if nothing more comes.
    quiet_at: Option<Instant>,
}

impl<R: AsyncRead + Unpin + Send + 'static> Pipe<R> {
    fn new(inner: Option<R>) -> Self {
        Self { inner, buffer: Vec::new(), quiet_at: None }
    }

    /// Waits for bytes, or for the end. Waits for ever when the end has come.
    async fn read(&mut self) {
        match &mut self.inner {
            Some(inner) => {
                // Not filled with zeros first: most children say little.
                self.buffer.reserve_exact(READ - self.buffer.len());
                if matches!(inner.read_buf(&mut self.buffer).await, Ok(0) | Err(_)) {
                    self.inner = None;
                }
            }
            None => std::future::pending().await,
        }
    }

    fn hand(&mut self, stream: Stream, take: &mut Take<'_>) -> Then {
        let then = take(Told::Output(stream, &self.buffer));
        self.buffer.clear();
        self.quiet_at = self.inner.is_some().then(|| Instant::now() + QUIET);
        then
    }

    fn fall_quiet(&mut self, stream: Stream, take: &mut Take<'_>) -> Then {
        self.quiet_at = None;
        take(Told::Output(stream, &[]))
    }

    /// Goes on reading what others write, to nowhere: without a reader, their next line would end them.
    fn drain(self) {
        if let Some(mut inner) = self.inner {
            tokio::spawn(async move { tokio::io::copy(&mut inner, &mut tokio::io::sink()).await });
        }
    }
}

/// Waits until some child of ours has changed its state.
async fn rung(children: &mut Option<Children>) {
    let rung = match children {
        Some(children) => children.recv().await,
        None => None,
    };
    if rung.is_none() {
        std::future::pending::<()>().await;
    }
}

pub(super) async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
