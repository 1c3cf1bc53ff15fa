//! Plays what a command would have printed, in the time that it would have taken. No process is started.
//!
//! A stop is heard at any moment. What must stay true: it ends as a child does, so that everything that judges a child judges
//! this.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::speed::Speed;
use crate::engine::How;
use crate::exec::child::{Ended, Take, Then, Told};
use crate::exec::command::Runs;
use crate::exec::stop::Stop;
use crate::exec::transcript::Stream;

/// What is played.
pub(super) struct Playing {
    /// Standard output.
    pub(super) stdout: String,
    /// Standard error.
    pub(super) stderr: String,
    /// The exit status.
    pub(super) exit: i32,
    /// How long it takes, as the playbook says it.
    pub(super) takes: Duration,
    /// How it comes to its end.
    pub(super) ends: Ends,
    /// How fast it is played.
    pub(super) speed: Speed,
}

/// How what is played comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// By itself.
    Itself,
    /// Only from outside: it is stopped, or its time is over.
    Never,
    /// It takes longer than it may.
    TooLate,
    /// It has taken effect, and its answer is lost.
    Lost,
}

/// How long a command takes that is to take too long and has no limit of its own.
const LATE: Duration = Duration::from_secs(10);

impl Playing {
    fn ended(how: How, exit: Option<i32>, words: &str, enough: bool) -> Ended {
        Ended { exit, words: words.to_owned(), how, enough, holders: Vec::new(), left: Vec::new() }
    }

    /// Lists the lines with the moments at which they come, as parts of the whole time.
    fn pieces(&self) -> Vec<(Stream, String)> {
        let lines = |stream: Stream, text: &str| -> Vec<(Stream, String)> {
            text.split_inclusive('\n').map(|line| (stream, line.to_owned())).collect()
        };
        lines(Stream::Out, &self.stdout).into_iter().chain(lines(Stream::Err, &self.stderr)).collect()
    }
}

/// The words of an end by a signal.
const TERMINATED: &str = "ended by signal 15 (TERM)";

impl Runs for Playing {
    async fn run(
        self,
        timeout: Option<Duration>,
        stop: &mut watch::Receiver<Stop>,
        take: &mut Take<'_>,
    ) -> Result<Ended, String> {
        let begun = Instant::now();
        let late = begun + self.speed.of(timeout.unwrap_or(LATE));
        let pieces = self.pieces();
        let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX).max(1);
        let whole = self.speed.of(self.takes);
        for (number, (stream, line)) in (1..).zip(pieces) {
            if let Some(stopped) = until(begun + whole * number / count, stop).await {
                return Ok(stopped);
            }
            if take(Told::Output(stream, line.as_bytes())) == Then::Enough {
                return Ok(Self::ended(How::Ok, None, TERMINATED, true));
            }
        }
        let over = match (self.ends, timeout) {
            (Ends::Itself | Ends::Lost, _) => Some(begun + whole),
            (Ends::TooLate, _) | (Ends::Never, Some(_)) => Some(late),
            // Where nobody waits for anything, nobody would stop it.
            (Ends::Never, None) if self.speed == Speed::Instant => Some(late),
            (Ends::Never, None) => None,
        };
        let stopped = match over {
            Some(over) => until(over, stop).await,
            None => Some(stopped(stop).await),
        };
        if let Some(stopped) = stopped {
            return Ok(stopped);
        }
        Ok(match self.ends {
            Ends::Itself => Self::ended(How::Ok, Some(self.exit), &format!("exit status {}", self.exit), false),
            Ends::Never | Ends::TooLate => Self::ended(How::TimedOut, None, TERMINATED, false),
            Ends::Lost => Self::ended(How::Lost, None, "the connection was lost, and its end was not seen", false),
        })
    }
}

/// Waits until a moment; says how it ended where somebody stopped it before.
async fn until(moment: Instant, stop: &mut watch::Receiver<Stop>) -> Option<Ended> {
    tokio::select! {
        biased;
        ended = stopped(stop) => Some(ended),
        () = sleep_until(moment) => None,
    }
}

/// Waits until somebody stops it.
async fn stopped(stop: &mut watch::Receiver<Stop>) -> Ended {
    let asked = stop.wait_for(|stop| *stop != Stop::No).await.map(|stop| *stop);
    match asked {
        Ok(Stop::Enough) => Playing::ended(How::Ok, None, TERMINATED, true),
        Ok(Stop::No | Stop::Polite | Stop::Hard) => Playing::ended(How::Stopped, None, TERMINATED, false),
        // Nobody is left who could.
        Err(_) => std::future::pending().await,
    }
}
