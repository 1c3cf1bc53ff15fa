//! How much a client may say: a share of memory for words that the run has not heard yet, and a count of words that are out
//! of turn.
//!
//! What must stay true: taking never waits, so that no client holds up the run or the other clients; and no screen of ours
//! comes near the limits, whoever sits there.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is said of a client that goes beyond its measure.
pub(super) const TOO_MUCH: &str = "the screen said more than a run can hear";

/// The most bytes of words that wait for the run, of one client. Enough for three frames of the greatest length.
const WAITING: usize = 4 << 20;

/// What the shortest word counts for, in bytes: what it costs to keep, and enough that 256 of them are too many.
const WORD: usize = 16 << 10;

/// How many words a client that only watches may say before it is let go: each is answered, and not heard.
const OUT_OF_TURN: u32 = 256;

/// The measure of one client.
#[derive(Debug)]
pub(super) struct Measure {
    waiting: Arc<Semaphore>,
    out_of_turn: u32,
}

impl Default for Measure {
    fn default() -> Self {
        Self { waiting: Arc::new(Semaphore::new(WAITING)), out_of_turn: 0 }
    }
}

impl Measure {
    /// Takes room for a word that came in so many bytes; none when that is too much. It is given back when what is returned
    /// is dropped.
    pub(super) fn take(&mut self, bytes: usize, in_turn: bool) -> Option<OwnedSemaphorePermit> {
        self.out_of_turn = if in_turn { 0 } else { self.out_of_turn + 1 };
        if self.out_of_turn > OUT_OF_TURN {
            return None;
        }
        let size = u32::try_from(bytes.max(WORD)).ok()?;
        Arc::clone(&self.waiting).try_acquire_many_owned(size).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::wire::TO_HOST;
    use super::*;

    #[test]
    fn words_that_are_not_heard_fill_the_measure() {
        let mut measure = Measure::default();
        let held: Vec<_> = (0..WAITING / WORD).map(|_| measure.take(10, true).unwrap()).collect();
        assert!(measure.take(10, true).is_none());
        drop(held);
        assert!(measure.take(10, true).is_some(), "heard, they take no room");
    }

    #[test]
    fn the_longest_words_have_room_and_are_weighed() {
        let mut measure = Measure::default();
        let held: Vec<_> = (0..3).map(|_| measure.take(TO_HOST, true).unwrap()).collect();
        assert!(measure.take(TO_HOST, true).is_some() && measure.take(2 * TO_HOST, true).is_none());
        drop(held);
    }

    #[test]
    fn who_watches_is_answered_so_many_times_only() {
        let mut measure = Measure::default();
        assert!((0..OUT_OF_TURN).all(|_| measure.take(10, false).is_some()));
        assert!(measure.take(10, false).is_none());
        // In the seat its words are weighed only.
        assert!(measure.take(10, true).is_some());
    }
}
