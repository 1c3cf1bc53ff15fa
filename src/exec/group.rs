//! The process group of a child: asked to end, made to end, and who of it is still there; and its end in words.

use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitIdStatus, kill_process_group, test_kill_process_group};
use tokio::time::{Instant, sleep};

use super::child::Told;
use super::holders;

/// Says that a child has stopped, and what to do.
pub(super) fn stopped(child: Pid, by: i32) -> String {
    let signal = named(by);
    let id = child.as_raw_nonzero();
    format!(
        "it has stopped (signal {by}{signal}) and does nothing until `kill -CONT {id}`; it can be stopped for good here"
    )
}

/// The process group of a child, which it leads.
#[derive(Clone, Copy)]
pub(super) struct Group(pub(super) Pid);

impl Group {
    /// Asks all of it to end. Who has stopped goes on for that, or would never hear of it.
    pub(super) fn ask(self) {
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
    pub(super) fn make(self, take: &mut super::child::Take<'_>) {
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

/// Tells a status as a number, where it has one, and in words.
pub(super) fn told(status: WaitIdStatus) -> (Option<i32>, String) {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => (Some(code), format!("exit status {code}")),
        (None, Some(signal)) => (None, format!("ended by signal {signal}{}", named(signal))),
        (None, None) => (None, "ended".to_owned()),
    }
}

/// The usual name of a signal, where it has one that people know; the number says the others.
fn named(signal: i32) -> &'static str {
    match signal {
        1 => " (HUP)",
        2 => " (INT)",
        3 => " (QUIT)",
        6 => " (ABRT)",
        9 => " (KILL)",
        11 => " (SEGV)",
        13 => " (PIPE)",
        15 => " (TERM)",
        19 => " (STOP)",
        20 => " (TSTP)",
        _ => "",
    }
}
