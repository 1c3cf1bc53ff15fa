//! The signals that end a session: INT, TERM, HUP; and the one that must not.

use nix::sys::signal::{SigSet, Signal as Number};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Has a file that may not grow any more told as an error of the write, as a full disk is, not as a signal that ends us.
///
/// For this thread and all that it starts from now on; children get every signal as the system has it.
pub fn keep_size_limit_an_error() {
    // Where it cannot be, a limit that hardly anybody sets ends the program; what was synced is safe.
    let _ = SigSet::from_iter([Number::SIGXFSZ]).thread_block();
}

/// The signals that a session listens to.
pub(super) struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
}

impl Signals {
    /// Begins to listen. A signal that cannot be listened to keeps its usual effect.
    pub(super) fn new() -> Self {
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
            hangup: signal(SignalKind::hangup()).ok(),
        }
    }

    /// Waits for one, and names it.
    pub(super) async fn next(&mut self) -> Option<&'static str> {
        tokio::select! {
            () = heard(self.interrupt.as_mut()) => Some("SIGINT"),
            () = heard(self.terminate.as_mut()) => Some("SIGTERM"),
            () = heard(self.hangup.as_mut()) => Some("SIGHUP"),
        }
    }
}

async fn heard(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            if signal.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}
