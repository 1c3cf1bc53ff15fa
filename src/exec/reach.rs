//! How a child that is to end is reached: its process group by signals, a command on another machine by orders.
//!
//! It decides nothing about when. What must stay true: whoever is asked to end goes on if it has stopped, or would never hear
//! of it; where nothing more can be done, that is said.

use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

use super::child::{Take, Told};
use super::holders;
use super::remote;

/// How a child is reached that is to end: by signals, or on another machine by orders.
pub(super) struct Reach {
    pub(super) group: Group,
    order: Option<UnboundedSender<u8>>,
    /// It was ordered to be made to end.
    made: bool,
}

/// The time that another machine has to carry out the last order.
const LAST: Duration = Duration::from_secs(3);

impl Reach {
    /// Makes the way to a child, and where its orders come out if it is one on another machine.
    pub(super) fn of(child: Pid, elsewhere: bool) -> (Self, UnboundedReceiver<u8>) {
        let (order, orders) = unbounded_channel();
        (Self { group: Group(child), order: elsewhere.then_some(order), made: false }, orders)
    }

    /// Asks it to end.
    pub(super) fn ask(&self) {
        match &self.order {
            // Nobody is there to be told when it has ended.
            Some(order) => drop(order.send(remote::ASK)),
            None => self.group.ask(),
        }
    }

    /// Makes it end. Says when to make sure of that, where more can be done.
    pub(super) fn make(&mut self, take: &mut Take<'_>) -> Option<Instant> {
        match &self.order {
            Some(order) if !std::mem::replace(&mut self.made, true) => {
                let _ = order.send(remote::MAKE);
                Some(Instant::now() + LAST)
            }
            Some(_) | None => {
                self.group.make(take);
                None
            }
        }
    }
}

/// The process group of a child, which it leads.
#[derive(Clone, Copy)]
pub(super) struct Group(pub(super) Pid);

impl Group {
    /// Asks all of it to end. Who has stopped goes on for that, or would never hear of it.
    fn ask(self) {
        for signal in [Signal::TERM, Signal::CONT] {
            // It leads its group from its first instruction. Nobody is there when all have ended.
            let _ = kill_process_group(self.0, signal);
        }
    }

    /// Tells it, and who is in the foreground of its terminal, that the terminal is gone: a shell at one does not hear anything
    /// else.
    pub(super) fn hang_up(self, foreground: Option<Pid>) {
        for group in foreground.into_iter().chain([self.0]) {
            for signal in [Signal::HUP, Signal::CONT] {
                // Nobody is there when all have ended.
                let _ = kill_process_group(group, signal);
            }
        }
    }

    /// Makes all of it end. Where that is not allowed there is nothing more that we can do, and that is said.
    fn make(self, take: &mut Take<'_>) {
        if kill_process_group(self.0, Signal::KILL) == Err(Errno::PERM) {
            let id = self.0.as_raw_nonzero();
            take(Told::Note(format!(
                "it runs as another user and cannot be stopped from here: end process {id} there"
            )));
        }
    }

    /// Names who still runs but for these, a moment after the child's end: what is about to end is not left behind.
    pub(super) async fn left(self, but: &[String]) -> Vec<String> {
        // One call where all have ended, as nearly always.
        for _ in 0..10 {
            if test_kill_process_group(self.0).is_err() {
                return Vec::new();
            }
            sleep(Duration::from_millis(10)).await;
        }
        let left = holders::group(self.0).await;
        left.into_iter().filter(|name| !but.contains(name)).collect()
    }

    /// Waits until nobody of the group is left, and ends who is.
    pub(super) async fn end(self, kill_at: Instant) {
        while holders::group_lives(self.0) {
            if Instant::now() >= kill_at {
                let _ = kill_process_group(self.0, Signal::KILL);
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}
