//! What of the clocks is said in plain lines by itself: when a half and when a fifth of the window is left, when a rollback fits no
//! longer, and when the window is over. Each once, not every second.
//!
//! What must stay true: this only tells; nothing follows from it.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::Shared;
use super::desk::Desk;
use super::show;
use crate::engine::Stage;
use crate::engine::window::Clocks;
use crate::output::visible_plain;
use crate::words::clocks;

/// How often the clocks are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// What was told of the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// How long the window was when it was told; a longer one is told anew.
    long: Duration,
    /// The least of it that was told: a half, a fifth, nothing.
    left: Left,
    /// That a rollback does not fit any more.
    no_way_back: bool,
}

/// What is left of a window, roughly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    #[default]
    Much,
    Half,
    Fifth,
    Nothing,
}

impl Told {
    /// Says what is to be told now that was not.
    fn news(&mut self, clocks: &Clocks, now: Timestamp) -> Vec<String> {
        let Some(window) = clocks.window.filter(|window| window.ends.is_some()) else { return Vec::new() };
        let long = window.planned.saturating_add(window.extended);
        if long != self.long {
            *self = Self { long, ..Self::default() };
        }
        let gone = |part: u32| window.left.unsigned_abs() <= long / part;
        let left = match () {
            () if clocks::is_over(&window) => Left::Nothing,
            () if gone(5) => Left::Fifth,
            () if gone(2) => Left::Half,
            () => Left::Much,
        };
        let mut news = Vec::new();
        if left > self.left {
            news.push(format!("The window: {}.", clocks::window(&window)));
            self.left = left;
        }
        let too_late = clocks.last_safe_rollback.is_some_and(|until| now > until) && !clocks.rollback_needs.is_zero();
        if too_late && !self.no_way_back {
            news.extend(clocks::rollback(clocks, now).map(|text| format!("CAREFUL: {text}.")));
        }
        self.no_way_back = too_late;
        news
    }
}

impl Desk {
    /// Sets the clocks for the question that comes; what they say now need not be told by itself.
    pub(super) fn clocks(&mut self) -> Vec<String> {
        let now = (self.clock)();
        let clocks = self.run.clocks(&self.plan, now);
        drop(self.told.news(&clocks, now));
        show::clocks(&self.plan, &self.run, now)
    }

    /// Tells what is new of the clocks, and asks again what stands.
    pub(super) fn tick(&mut self) {
        let counts = matches!(self.run.stage, Stage::Walking | Stage::RollingBack | Stage::AfterRollback);
        if !self.live() || self.over() || !counts {
            return;
        }
        let now = (self.clock)();
        let news = self.told.news(&self.run.clocks(&self.plan, now), now);
        if news.is_empty() {
            return;
        }
        for line in news {
            self.print(&visible_plain(&line));
        }
        self.ask_on();
    }
}

/// Looks at the clocks until the front is gone.
pub(super) fn watch(shared: &Arc<Shared>) {
    let shared: Weak<Shared> = Arc::downgrade(shared);
    // Not waited for: it sleeps, and finds out afterwards that nobody is there any more.
    thread::spawn(move || {
        loop {
            thread::sleep(EVERY);
            let Some(shared) = shared.upgrade() else { return };
            let mut desk = shared.desk();
            if desk.over() {
                return;
            }
            desk.tick();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::window::WindowClock;
    use jiff::SignedDuration;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn clocks(now: i64, extended: u64, needs: u64) -> Clocks {
        let long = i64::try_from(100 + extended).unwrap();
        Clocks {
            window: Some(WindowClock {
                planned: Duration::from_secs(100),
                extended: Duration::from_secs(extended),
                ends: Some(at(long)),
                left: SignedDuration::from_secs(long - now),
            }),
            work_left: Duration::ZERO,
            people_left: Duration::ZERO,
            unknown: 0,
            rollback_needs: Duration::from_secs(needs),
            last_safe_rollback: Some(at(long - i64::try_from(needs).unwrap())),
            exposed_since: None,
            exposures: Vec::new(),
        }
    }

    #[test]
    fn each_threshold_is_told_once_and_again_for_a_longer_window() {
        let mut told = Told::default();
        let mut say = |now, extended| told.news(&clocks(now, extended, 30), at(now)).join(" ");
        let said: Vec<String> = (0..=130).map(|now| say(now, 0)).collect();
        let told_at: Vec<usize> = (0..said.len()).filter(|&at| !said[at].is_empty()).collect();
        assert_eq!(told_at, [50, 71, 80, 100]);
        assert_eq!(said[50], "The window: 50s left of 1m 40s.");
        assert_eq!(said[71], "CAREFUL: a rollback takes about 30s and NO LONGER FITS into the window.");
        assert_eq!(said[100], "The window: OVER by 0s (1m 40s).");
        assert_eq!(say(131, 100), "The window: 1m 9s left of 3m 20s, 1m 40s of it added.");
        assert_eq!(say(132, 100), "");
        assert!(say(171, 100).contains("CAREFUL"), "it fitted again meanwhile");
    }
}
