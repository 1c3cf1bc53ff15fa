//! The signals that end a session: INT, TERM, HUP, QUIT; and the one that must not.

use std::future::poll_fn;
use std::task::Poll;

use nix::sys::signal::{SigSet, Signal as Number};
use tokio::signal::unix::{Signal, signal};

use crate::front::signals::{ENDING, pass_over};

/// Has a file that may not grow any more told as an error of the write, as a full disk is, not as a signal that ends us.
///
/// For this thread and all that it starts from now on; children get every signal as the system has it.
pub fn keep_size_limit_an_error() {
    // Where it cannot be, a limit that hardly anybody sets ends the program; what was synced is safe.
    let _ = SigSet::from_iter([Number::SIGXFSZ]).thread_block();
}

/// The signals that a session listens to.
pub(super) struct Signals(Vec<(Signal, &'static str)>);

impl Signals {
    /// Begins to listen. A signal that cannot be listened to keeps its usual effect.
    pub(super) fn new() -> Self {
        pass_over();
        Self(ENDING.into_iter().filter_map(|(kind, name)| Some((signal(kind).ok()?, name))).collect())
    }

    /// Waits for one, and names it.
    pub(super) async fn next(&mut self) -> Option<&'static str> {
        poll_fn(|context| {
            let came = |(signal, name): &mut (Signal, &'static str)| {
                matches!(signal.poll_recv(context), Poll::Ready(Some(()))).then_some(*name)
            };
            self.0.iter_mut().find_map(came).map_or(Poll::Pending, |name| Poll::Ready(Some(name)))
        })
        .await
    }
}
