//! The screen's side of a run that lives in a process of its own: couples a front to the host's socket.
//!
//! It decides nothing: what the host tells goes to the front, what the front says goes to the host. What must stay true:
//! losing the terminal only detaches; when the host is gone that is told at once, and nothing waits for it.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::signals::Signals;
use super::wire::{Answered, Broken, Down, Farewell, Frames, Hello, TO_SCREEN, Up, Welcome, Word, frame, understand};
use super::{next, socket};
use crate::engine::Refusal;
use crate::front::{Front, Handed, Seat, Update, Words};
use crate::journal::{ReadError, read_first};

/// How long a host has to answer a greeting. It does at once, unless it reads a very long journal.
const GREETING: Duration = Duration::from_mins(1);

/// A connection to a host that has let us in.
#[derive(Debug)]
pub struct Link {
    frames: Frames<OwnedReadHalf>,
    write: OwnedWriteHalf,
    /// What the host said first.
    pub welcome: Welcome,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Unreached {
    /// No host listens there.
    Nobody,
    /// The host says no: a sentence.
    Sorry(String),
    /// Something went wrong on the way: a sentence.
    Failed(String),
}

/// Why a screen ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parted {
    /// The session is over; how.
    Over(Farewell),
    /// The operator left the run to itself, for this reason.
    Detached(String),
    /// A signal ended the screen; the run goes on.
    Signal(&'static str),
    /// The connection ended without a word: the host is gone, or has let this screen go.
    Cut,
}

impl Link {
    /// Connects to the host of a run, by the run's folder. Must be called within a runtime.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn connect(folder: &Path, hello: &Hello) -> Result<Self, Unreached> {
        let failed = |error: io::Error| match error.kind() {
            // Broken off: it ended between the knock at its door and the first word.
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset => Unreached::Nobody,
            _ => Unreached::Failed(format!("the run's host cannot be reached: {error}")),
        };
        let stream = socket::connect(folder).map_err(failed)?;
        stream.set_nonblocking(true).map_err(failed)?;
        let (read, mut write) = UnixStream::from_std(stream).map_err(failed)?.into_split();
        let mut frames = Frames::new(read, TO_SCREEN);
        let greeting = frame(hello).map_err(Unreached::Failed)?;
        write.write_all(&greeting).await.map_err(failed)?;
        let answer = tokio::time::timeout(GREETING, frames.next()).await;
        let answer = answer.map_err(|_| Unreached::Failed("the run's host does not answer".to_owned()))?;
        let answer = answer.map_err(|broken| match broken {
            Broken::Connection(error) => failed(error),
            Broken::Frame(why) => Unreached::Failed(why),
        });
        match answer? {
            None => Err(Unreached::Nobody),
            Some(bytes) => match understand(&bytes) {
                Ok(Answered::Welcome(welcome)) => Ok(Self { frames, write, welcome }),
                Ok(Answered::Sorry(why)) => Err(Unreached::Sorry(why)),
                Err(broken) => {
                    Err(Unreached::Failed(format!("the run's host is another version of runsheet: {broken}")))
                }
            },
        }
    }

    /// Hands in a signature, and waits for what comes of it.
    ///
    /// # Errors
    /// The host went without an answer: a sentence.
    pub async fn sign(mut self, handed: Handed) -> Result<Result<(), Refusal>, String> {
        let gone = || "the run's host went without an answer".to_owned();
        if !self.send(&Up::Sign(Box::new(handed))).await {
            return Err(gone());
        }
        loop {
            let Ok(Some(frame)) = self.frames.next().await else { return Err(gone()) };
            match understand(&frame) {
                Ok(Down::Signed) => return Ok(Ok(())),
                Ok(Down::Refused(refusal)) => return Ok(Err(refusal)),
                Ok(Down::Over(_)) => return Err(gone()),
                // Whatever else all are told.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Shows the run in a front until either is over. `journal` has the records that were before.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn follow<F: Front>(mut self, journal: &Path, front: &mut F) -> Result<Parted, ReadError> {
        let mut signals = Signals::new(true);
        let mut words = front.words();
        if self.welcome.records > 0 {
            read_first(journal, self.welcome.records, |stamped| front.take(Update::Record(stamped.into())))?;
        }
        let parted = self.couple(&mut signals, &mut words, front).await;
        front.take(Update::Over);
        Ok(parted)
    }

    async fn couple(&mut self, signals: &mut Signals, words: &mut Option<Words>, front: &mut impl Front) -> Parted {
        let mut leaving = None;
        let mut watches = false;
        loop {
            let up = tokio::select! {
                biased;
                Some(signal) = signals.next() => match signal {
                    // Ctrl-C at plain lines: what runs is to stop, as if there were no host.
                    "SIGINT" if !watches => {
                        let up = if leaving.is_some() { Word::Stop { hard: true } } else { Word::Leave };
                        leaving = Some(signal);
                        Up::Say(up)
                    }
                    signal => {
                        self.send(&Up::Detach(signal.to_owned())).await;
                        return Parted::Signal(signal);
                    }
                },
                Some(say) = next(words) => match Up::of(say) {
                    Some(Up::Detach(why)) => {
                        self.send(&Up::Detach(why.clone())).await;
                        return Parted::Detached(why);
                    }
                    // What would end the run for who acts only ends the screen of who watches.
                    Some(Up::Say(Word::Leave)) if watches => {
                        self.send(&Up::Detach("left".to_owned())).await;
                        return Parted::Detached("left".to_owned());
                    }
                    Some(up) => up,
                    None => continue,
                },
                frame = self.frames.next() => {
                    let Ok(Some(frame)) = frame else { return Parted::Cut };
                    match understand(&frame) {
                        Ok(Down::Over(farewell)) => return over(farewell, leaving),
                        Ok(down) => {
                            if let Down::Seat(seat) = &down {
                                watches = matches!(seat, Seat::Watches { .. });
                            }
                            show(front, down);
                        }
                        // A later host may tell more than this screen knows.
                        Err(broken) => front.take(Update::Notice(broken.to_string())),
                    }
                    continue;
                }
            };
            if !self.send(&up).await {
                return self.last_frames(leaving, front).await;
            }
        }
    }

    /// Takes what the host said before it went, where a word does not reach it any more: most likely how the run ended.
    async fn last_frames(&mut self, leaving: Option<&'static str>, front: &mut impl Front) -> Parted {
        while let Ok(Some(frame)) = self.frames.next().await {
            match understand(&frame) {
                Ok(Down::Over(farewell)) => return over(farewell, leaving),
                Ok(down) => show(front, down),
                Err(broken) => front.take(Update::Notice(broken.to_string())),
            }
        }
        Parted::Cut
    }

    /// Sends a word. Says whether it went.
    async fn send(&mut self, up: &Up) -> bool {
        let Ok(frame) = frame(up) else { return true };
        self.write.write_all(&frame).await.is_ok()
    }
}

/// Ends as the host says that the run did, and by the signal that the operator gave.
fn over(mut farewell: Farewell, leaving: Option<&'static str>) -> Parted {
    if let (Some(signal), Some(what)) = (leaving, &mut farewell.what) {
        *what = format!("interrupted by {signal}; {what}");
    }
    Parted::Over(farewell)
}

/// Tells a front.
fn show(front: &mut impl Front, down: Down) {
    front.take(match down {
        Down::Expect(awaiting) => return front.expect(&awaiting),
        Down::Record(stamped) => Update::Record(stamped.into()),
        Down::Live => Update::Live,
        Down::Output { target, text } => Update::Output { target, text: text.into() },
        Down::Attempt { target, probe, attempt, finding, pass, saw } => {
            Update::Attempt { target, probe, attempt, finding, pass, saw }
        }
        Down::Picture { target, picture } => Update::Picture { target, picture },
        Down::Preview { target, diff } => Update::Preview { target, diff },
        Down::Refused(refusal) => Update::Refused(refusal),
        Down::Notice(text) => Update::Notice(text),
        Down::Page { title, text } => Update::Page { title, text },
        Down::Secret { name, secret } => Update::Secret { name, secret },
        Down::Seat(seat) => Update::Seat(seat),
        // The caller has taken that; and who signs is no screen.
        Down::Over(_) | Down::Signed => return,
    });
}
