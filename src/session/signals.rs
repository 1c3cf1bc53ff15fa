//! The signals that end a session: INT, TERM, and HUP where the session has a terminal.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a session listens to.
pub(super) struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
}

impl Signals {
    /// Begins to listen. A signal that cannot be listened to keeps its usual effect.
    ///
    /// Where no terminal can hang up on the session, HUP is caught and nothing follows from it.
    pub(super) fn new(hangs_up: bool) -> Self {
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
            // Once caught it stays caught, heard or not.
            hangup: signal(SignalKind::hangup()).ok().filter(|_| hangs_up),
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
