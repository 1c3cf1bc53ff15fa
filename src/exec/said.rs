//! The state of a child in words: that it has stopped, and how it ended.

use rustix::process::{Pid, WaitIdStatus};

/// Says that a child has stopped, and what to do.
pub(super) fn stopped(child: Pid, by: i32) -> String {
    let signal = named(by);
    let id = child.as_raw_nonzero();
    format!(
        "it has stopped (signal {by}{signal}) and does nothing until `kill -CONT {id}`; it can be stopped for good here"
    )
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
