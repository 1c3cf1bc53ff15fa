//! Stopping a child: who wants it, how far it has come, and by when it must have ended.
//!
//! Polite first, hard after a while; a child at a terminal is told in between that its terminal is gone, for shells that do
//! not hear the first. What must stay true: whatever is asked, and however often, it only ever goes from polite to hard; and
//! a child of which enough was seen did what it should, however it is made to end.

use std::time::Duration;

use tokio::time::Instant;

use super::child::Take;
use super::reach::Reach;
use crate::engine::How;

/// The time between a polite stop and a hard one.
const POLITE: Duration = Duration::from_secs(5);

/// The time that others may go on holding the outputs of a child that has exited.
const HELD: Duration = Duration::from_millis(500);

/// Whether what runs is to be stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// It is not.
    #[default]
    No,
    /// It is asked to end, and made to after a while: enough was seen of it, and that is its success.
    Enough,
    /// It is asked to end, and made to after a while.
    Polite,
    /// It is made to end at once.
    Hard,
}

/// How far a child is with being stopped.
pub(super) struct Stopping {
    reach: Reach,
    /// Whether it ended by itself, or because enough was seen of it.
    pub how: How,
    /// It was stopped because enough was seen of it.
    pub enough: bool,
    asked: Stop,
    kill_at: Option<Instant>,
    /// When something must be done, if it has not ended by then.
    pub deadline: Option<Instant>,
}

impl Stopping {
    /// Begins with a child that nobody wants stopped.
    pub(super) fn new(reach: Reach, timeout: Option<Duration>) -> Self {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        Self { reach, how: How::Ok, enough: false, asked: Stop::No, kill_at: None, deadline }
    }

    /// Takes a wish. `over` says that the child itself has ended, and only its outputs are waited for.
    pub(super) fn ask(&mut self, asked: Stop, over: bool, take: &mut Take<'_>) {
        if asked <= self.asked {
            return;
        }
        let before = std::mem::replace(&mut self.asked, asked);
        if self.how == How::Ok && !self.enough {
            if asked == Stop::Enough {
                self.enough = true;
            } else {
                self.how = How::Stopped;
            }
        }
        let now = Instant::now();
        let mut again = None;
        if asked == Stop::Hard {
            self.kill_at = Some(now);
            again = self.reach.make(take);
        } else if before == Stop::No {
            self.kill_at = Some(now + POLITE);
            self.reach.ask();
        }
        if !over {
            self.deadline = if asked == Stop::Hard { again } else { self.kill_at };
        }
    }

    /// Goes on once the deadline has passed and the child has not ended.
    pub(super) fn late(&mut self, take: &mut Take<'_>) {
        self.deadline = if self.asked == Stop::No {
            self.how = How::TimedOut;
            self.asked = Stop::Polite;
            self.kill_at = Some(Instant::now() + POLITE);
            self.reach.ask();
            self.kill_at
        } else {
            self.reach.make(take)
        };
    }

    /// Notes that the child has ended: its outputs may be held for a moment more.
    pub(super) fn exited(&mut self) {
        self.deadline = Some(Instant::now() + HELD);
    }

    /// Says whether it was asked to end.
    pub(super) fn is_asked(&self) -> bool {
        self.asked != Stop::No
    }

    /// Has what is left of a child that was stopped ended too.
    pub(super) async fn end(&self) {
        if let Some(kill_at) = self.kill_at {
            self.reach.group.end(kill_at).await;
        }
    }
}
