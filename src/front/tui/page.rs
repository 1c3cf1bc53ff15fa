//! The loops: one for a page that asks something before there is a run, one for the run itself.
//!
//! A key is painted at once, everything else at most every 16 ms, and nothing when nothing changed. What must stay
//! true: nothing here waits for the session, nothing wakes up by itself but for a clock that is on the screen, and when
//! the terminal is gone the loop ends and says that it leaves.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyEvent};
use ratatui::Frame;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;
use zeroize::Zeroize;

use super::inbox::{Inbox, Item};
use super::keys::Keys;
use super::layout;
use super::state::Walk;
use super::terminal::{self, Drawn};
use super::text::part_cells;
use crate::engine::Stage;
use crate::front::Say;
use crate::front::clock::now;
use crate::front::signals::{Heard, Signals};
use crate::output::Clipboard;

/// The time between two frames that show what the run does.
const FRAME: Duration = Duration::from_millis(16);

/// Why a page ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The screen cannot be used, or not any more: a sentence.
    Screen(String),
    /// A signal ended it: its name.
    Signal(&'static str),
}

impl Unanswered {
    fn gone() -> Self {
        Self::Screen("the terminal is gone".into())
    }
}

impl From<io::Error> for Unanswered {
    fn from(_: io::Error) -> Self {
        Self::gone()
    }
}

/// A page that asks something and ends with an answer.
pub(super) trait Page {
    /// What it ends with.
    type Out;

    /// Takes a key; an answer ends the page.
    fn key(&mut self, key: KeyEvent) -> Option<Self::Out>;

    /// Takes a paste.
    fn paste(&mut self, text: &str);

    /// Draws it.
    fn draw(&self, frame: &mut Frame<'_>);
}

/// Draws a frame to its last touch.
pub(super) fn paint(frame: &mut Frame<'_>, draw: impl FnOnce(&mut Frame<'_>)) {
    draw(frame);
    part_cells(frame.buffer_mut());
}

/// Makes what the loops run on.
pub(super) fn runtime() -> Result<Runtime, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("the screen cannot be started: {error}"))
}

/// Shows a page until it is answered. There is no session yet, so the signals that end the program are heard here.
pub(super) async fn show<P: Page>(terminal: &mut Drawn, keys: &mut Keys, page: &mut P) -> Result<P::Out, Unanswered> {
    let mut resized = signal(SignalKind::window_change())?;
    let mut signals = Signals::new();
    loop {
        terminal.draw(|frame| paint(frame, |frame| page.draw(frame)))?;
        let mut read = tokio::select! {
            read = keys.next() => Some(read.ok_or_else(Unanswered::gone)?),
            _ = resized.recv() => None,
            heard = signals.next() => {
                match heard {
                    Heard::End(name) => return Err(Unanswered::Signal(name)),
                    Heard::StandStill => terminal::stand_still(terminal, &mut signals).await?,
                    Heard::GoOn => terminal::come_back(terminal)?,
                }
                None
            }
        };
        while let Some(next) = read {
            match next.event {
                Event::Key(_) if next.stray => {}
                Event::Key(key) => {
                    if let Some(out) = page.key(key) {
                        return Ok(out);
                    }
                }
                Event::Paste(mut text) => {
                    page.paste(&text);
                    text.zeroize();
                }
                Event::Resize(_, _) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) => {}
            }
            read = keys.waiting();
        }
    }
}

/// Shows a run until the operator leaves or the session is over. Gives back what the operator should know of a secret that was
/// copied.
pub(super) async fn walk(
    terminal: &mut Drawn,
    keys: &mut Keys,
    mut walk: Walk,
    inbox: Arc<Inbox>,
    says: UnboundedSender<Say>,
) -> Option<String> {
    let theirs = Arc::clone(&inbox);
    let mut clipboard = Clipboard::new(move |told| theirs.copied(told));
    if follow(terminal, keys, &mut walk, &inbox, &says, &mut clipboard).await.is_none() {
        // The session may be over already; then nobody needs to hear it.
        let _ = says.send(Say::Detach("the terminal is gone".to_owned()));
    }
    clipboard.finish()
}

/// Comes back with something when all is said, with none when the terminal is gone.
async fn follow(
    terminal: &mut Drawn,
    keys: &mut Keys,
    walk: &mut Walk,
    inbox: &Inbox,
    says: &UnboundedSender<Say>,
    clipboard: &mut Clipboard,
) -> Option<()> {
    let mut resized = signal(SignalKind::window_change()).ok()?;
    let mut signals = Signals::new();
    let mut painted: Option<Instant> = None;
    let (mut waiting, mut dirty, mut urgent) = (true, true, true);
    let mut second = 0;
    loop {
        walk.now = now();
        let due = urgent || painted.is_none_or(|painted| Instant::now() >= painted + FRAME);
        if waiting && due {
            waiting = false;
            if take(walk, inbox) {
                return Some(());
            }
            dirty = true;
        }
        if walk.has_programs
            && let Ok(size) = terminal.size()
        {
            walk.sized(size.width, size.height);
        }
        for say in walk.says.drain(..) {
            // The session that does not listen any more is over, and tells it in the inbox.
            let _ = says.send(say);
        }
        let over = walk.run.stage == Stage::Over;
        // A run that is over stays to be read until the operator leaves.
        if (over && walk.leaving) || (walk.over && !over) {
            return Some(());
        }
        dirty |= walk.copy(terminal, clipboard);
        if let Some(text) = walk.ring.take() {
            terminal::call(terminal, &walk.voice.says(&text));
        }
        if dirty && due {
            let time = now();
            second = time.as_second();
            terminal.draw(|frame| paint(frame, |frame| layout::draw(walk, frame, time))).ok()?;
            painted = Some(Instant::now());
            if walk.live {
                walk.gate.painted(Instant::now());
            }
            (dirty, urgent) = (false, false);
        }
        let frame = painted.map(|painted| painted + FRAME).filter(|_| dirty || waiting);
        let clock = layout::ticks(walk).then(|| Instant::now() + to_next_second());
        let wake = [frame, clock, walk.gate.opens()].into_iter().flatten().min();
        tokio::select! {
            biased;
            read = keys.next() => {
                let mut read = Some(read?);
                while let Some(next) = read {
                    match next.event {
                        Event::Key(_) if next.stray => {
                            walk.message = Some(("keys that came with the paste were not taken".into(), false));
                        }
                        Event::Key(key) => {
                            walk.now = now();
                            walk.key(key, next.at);
                        }
                        Event::Paste(mut text) => {
                            walk.paste(&text, next.at);
                            text.zeroize();
                        }
                        Event::FocusGained => walk.focus = Some(true),
                        Event::FocusLost => walk.focus = Some(false),
                        Event::Resize(_, _) | Event::Mouse(_) => {}
                    }
                    read = keys.waiting();
                }
                (dirty, urgent) = (true, true);
            }
            // Once rung, the next frame takes all there is: a flood wakes this loop once a frame, not once a piece.
            () = inbox.rung(), if !waiting => waiting = true,
            _ = resized.recv() => (dirty, urgent) = (true, true),
            heard = signals.next() => {
                match heard {
                    // While there is a session, what it means is the session's affair; after it, the last page is left.
                    Heard::End(_) if walk.over => return Some(()),
                    Heard::End(_) => {}
                    Heard::StandStill => terminal::stand_still(terminal, &mut signals).await.ok()?,
                    Heard::GoOn => terminal::come_back(terminal).ok()?,
                }
                (dirty, urgent) = (true, true);
            }
            () = until(wake) => {
                dirty |= walk.gate.pass(Instant::now());
                dirty |= layout::ticks(walk) && now().as_second() != second;
            }
        }
    }
}

/// Takes in all that waits. Says whether the screen is to end at once.
fn take(walk: &mut Walk, inbox: &Inbox) -> bool {
    for item in inbox.drain() {
        match item {
            Item::Update(update) => walk.take(update),
            Item::Output { target, text, cut } => {
                walk.cut |= cut;
                walk.output(target, &text);
            }
            Item::Copied(told) => walk.copied(told),
            Item::Close => return true,
        }
    }
    walk.settle();
    false
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Returns how long it is to the next full second of the clock.
fn to_next_second() -> Duration {
    let gone = u64::try_from(now().subsec_millisecond()).unwrap_or(0);
    Duration::from_millis(1001 - gone.min(1000))
}
