//! Runs a child at a terminal of its own: its keys come from a front, what it draws goes to one as pictures.
//!
//! The terminal lives here, in the process that the run lives in, so a screen may come and go. What the child writes is drawn by
//! [`Screen`] and goes nowhere else raw. What must stay true: reading never waits for anybody who is to type or to look; what is
//! typed goes to the child and is kept nowhere; and a picture is sent only when the last one was taken.

use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pty_process::{OwnedWritePty, Size as Cells, open};
use rustix::process::{Pid, WaitIdStatus};
use rustix::pty::ptsname;
use rustix::termios::tcgetpgrp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::child::{Command, Ended, Take, Then, Told, at};
use super::launch::Launcher;
use super::reach::{Group, Reach};
use super::said::told;
use super::stop::{Stop, Stopping};
use super::transcript::Stream;
use super::{Report, holders};
use crate::output::{Grid, Picture, Screen};
use crate::secret::Secret;
use crate::secret::wiped::append;

/// The most bytes that wait for a child that does not read.
const TYPED: usize = 64 << 10;

/// The most bytes of one read.
const READ: usize = 64 << 10;

/// The least time between two pictures.
const BETWEEN: Duration = Duration::from_millis(30);

/// The time after which a child that was asked to end is told that its terminal is gone.
const HANG_UP: Duration = Duration::from_secs(1);

/// How large a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: u16,
    pub(super) rows: u16,
}

impl Size {
    /// The smallest that programs can use, and the largest that pictures are made of.
    pub(super) fn bounded(columns: u16, rows: u16) -> Self {
        Self { columns: columns.clamp(20, 300), rows: rows.clamp(4, 120) }
    }
}

impl Default for Size {
    fn default() -> Self {
        Self { columns: 80, rows: 22 }
    }
}

/// Who sits at a child's terminal.
pub(super) struct Seat {
    /// What is typed.
    pub(super) keys: UnboundedReceiver<Secret>,
    /// How large the terminal is.
    pub(super) size: watch::Receiver<Size>,
}

/// The newest picture of a terminal, until somebody takes it.
#[derive(Clone, Debug, Default)]
pub struct Latest(Arc<Mutex<Option<Picture>>>);

impl Latest {
    /// Takes it; none when it was taken already.
    #[must_use]
    pub fn take(&self) -> Option<Picture> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Puts in a newer one. Says whether the last one was taken.
    pub(super) fn put(&self, picture: Picture) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(picture).is_none()
    }
}

/// Where pictures go: through a masker.
pub(super) struct Easel<'e> {
    /// Makes a picture in which nothing secret is seen.
    pub(super) masked: &'e (dyn Fn(&Grid) -> Picture + Send + Sync),
    /// Tells that there is a newer one.
    pub(super) report: &'e (dyn Fn(Report) + Send + Sync),
    /// Whose pictures they are.
    pub(super) target: crate::engine::Target,
}

/// Runs a child to its end. `take` is told the lines that leave its screen.
///
/// # Errors
/// When it could not be started: a sentence.
pub(super) async fn run(
    command: Command,
    launcher: &Launcher,
    timeout: Option<Duration>,
    stop: &mut watch::Receiver<Stop>,
    mut seat: Seat,
    easel: &Easel<'_>,
    take: &mut Take<'_>,
) -> Result<Ended, String> {
    let command = command.at_terminal();
    let named = command.named().to_owned();
    let failed = |error: &dyn std::fmt::Display| format!("{named} could not be started: {error}");
    let (pty, theirs) = open().map_err(|error| failed(&error))?;
    let size = *seat.size.borrow_and_update();
    pty.resize(Cells::new(size.rows, size.columns)).map_err(|error| failed(&error))?;
    let name = ptsname(&pty, Vec::new()).map_err(|error| failed(&error))?;
    let name = OsString::from_vec(name.into_bytes());
    let mut child = command.start(Some(Path::new(&name)), launcher).map_err(|error| failed(&error))?;
    // The child has opened it by now; were it open here too, the end of its output would never come.
    drop(theirs);
    let end = pty.as_fd().try_clone_to_owned().map_err(|error| failed(&error))?;
    let (mut read, write) = pty.into_split();
    let mut line = Line { write, end, waiting: Zeroizing::default() };
    let mut easing =
        Easing { screen: Screen::new(size.columns, size.rows), latest: Latest::default(), due: None, drawn: None };
    // It runs here, so there are no orders.
    let (reach, _) = Reach::of(child.id, false);
    let group = reach.group;
    let mut stopping = Stopping::new(reach, timeout);
    let mut hang_up = None;
    let mut exit: Option<WaitIdStatus> = None;
    let (mut reading, mut listening, mut typing, mut sized) = (true, true, true, true);
    let mut buffer = Zeroizing::new(Vec::with_capacity(READ));
    while exit.is_none() || reading {
        let (deadline, due) = (stopping.deadline, easing.due);
        tokio::select! {
            length = read.read_buf(&mut *buffer), if reading => {
                // Once nobody has it open any more, reading it is an error.
                reading = !matches!(length, Ok(0) | Err(_));
                easing.screen.push(&buffer);
                buffer.clear();
                line.add(&easing.screen.take_answers());
                easing.tell(take);
                easing.changed();
            }
            written = line.write.write(&line.waiting), if !line.waiting.is_empty() => line.written(&written),
            keys = seat.keys.recv(), if typing => match keys {
                Some(keys) => line.add(keys.expose().as_bytes()),
                None => typing = false,
            },
            changed = seat.size.changed(), if sized => {
                sized = changed.is_ok();
                let Size { columns, rows } = *seat.size.borrow_and_update();
                // A terminal that has gone has no size, and its end is told.
                let _ = line.write.resize(Cells::new(rows, columns));
                easing.screen.resize(columns, rows);
                easing.changed();
            }
            status = child.wait(), if exit.is_none() => {
                exit = Some(status.map_err(|error| format!("the end of {named} was not seen: {error}"))?);
                stopping.exited();
            }
            () = at(due), if due.is_some() => easing.draw(easel),
            () = at(hang_up), if hang_up.is_some() && exit.is_none() => {
                group.hang_up(line.foreground());
                hang_up = None;
            }
            () = at(deadline), if deadline.is_some() => {
                if exit.is_some() {
                    break;
                }
                stopping.late(take);
            }
            changed = stop.changed(), if listening => {
                listening = changed.is_ok();
                let asked = *stop.borrow_and_update();
                let before = stopping.is_asked();
                stopping.ask(asked, exit.is_some(), take);
                if !before && stopping.is_asked() {
                    hang_up = Some(Instant::now() + HANG_UP);
                }
            }
        }
    }
    easing.draw(easel);
    easing.screen.finish();
    easing.tell(take);
    // With its last end gone the terminal hangs up: who still has it hears of that.
    drop((read, line));
    stopping.end().await;
    let left = left(group).await;
    let (exit, words) = exit.map_or((None, "its end was not seen".to_owned()), told);
    Ok(Ended { exit, words, how: stopping.how, enough: false, holders: Vec::new(), left })
}

/// Names who of its session still runs, a moment after the end of its terminal.
async fn left(group: Group) -> Vec<String> {
    let mut left = Vec::new();
    for _ in 0..20 {
        left = holders::session(group.0).await;
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    left
}

/// The way of keys to a child.
struct Line {
    write: OwnedWritePty,
    /// Our end of it, to be asked things.
    end: OwnedFd,
    waiting: Zeroizing<Vec<u8>>,
}

impl Line {
    /// Adds what was typed, as far as there is room: a child that reads nothing hears nothing.
    fn add(&mut self, keys: &[u8]) {
        if self.waiting.len() + keys.len() <= TYPED {
            append(&mut self.waiting, keys);
        }
    }

    fn written(&mut self, written: &std::io::Result<usize>) {
        match written {
            Ok(length) => {
                self.waiting.drain(..*length);
            }
            // The terminal is gone; its end is told elsewhere.
            Err(_) => self.waiting.clear(),
        }
    }

    /// Returns the group in the foreground.
    fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.end).ok()
    }
}

/// A screen, and the pictures of it.
struct Easing {
    screen: Screen,
    latest: Latest,
    /// When the next picture is due; none when nothing has changed.
    due: Option<Instant>,
    /// When the last one was drawn.
    drawn: Option<Instant>,
}

impl Easing {
    /// Tells the lines that have left the screen.
    fn tell(&mut self, take: &mut Take<'_>) {
        let lines = self.screen.take_lines();
        if !lines.is_empty() {
            // What is at a terminal is ended from its keys, not by a line.
            let _: Then = take(Told::Output(Stream::Out, lines.as_bytes()));
        }
    }

    /// Notes that there is something to be drawn: at once, or a moment after the last picture.
    fn changed(&mut self) {
        let now = Instant::now();
        self.due.get_or_insert(self.drawn.map_or(now, |drawn| now.max(drawn + BETWEEN)));
    }

    /// Draws a picture.
    fn draw(&mut self, easel: &Easel<'_>) {
        self.due = None;
        self.drawn = Some(Instant::now());
        let picture = (easel.masked)(&self.screen.grid());
        if self.latest.put(picture) {
            (easel.report)(Report::Picture { target: easel.target.clone(), picture: self.latest.clone() });
        }
    }
}
