//! The signals that the program hears: which of them end it, which let it stand still, and which mean nothing to it.
//!
//! A session hears those that end it, a front those of job control, and a page that asks before there is a session hears all.
//! What must stay true: no signal that a person or a program sends by habit ends the program without the terminal given
//! back and the run left in order; what means nothing here (`ALRM`, `USR1`, `USR2`, `XFSZ`, `PIPE`) stops no run. Not heard
//! are `TTIN` and `TTOU`, whose usual effect is the right one for a program in the background, and what no program survives.

use rustix::process::{Signal as Number, getpid, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the program, with their names. `QUIT` is one of them: left to itself it would leave a core.
pub(crate) const ENDING: [(SignalKind, &str); 4] = [
    (SignalKind::interrupt(), "SIGINT"),
    (SignalKind::terminate(), "SIGTERM"),
    (SignalKind::hangup(), "SIGHUP"),
    (SignalKind::quit(), "SIGQUIT"),
];

/// Those that would end the program by themselves and mean nothing to it. `PIPE` is ignored from the start; a file that may
/// not grow is told by the write that failed.
const MEANINGLESS: [SignalKind; 4] = [
    SignalKind::alarm(),
    SignalKind::user_defined1(),
    SignalKind::user_defined2(),
    SignalKind::from_raw(Number::XFSZ.as_raw()),
];

/// What a signal means to a front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// End: its name.
    End(&'static str),
    /// Stand still.
    StandStill,
    /// It stood still, and goes on; somebody else may have had the terminal meanwhile.
    GoOn,
}

/// Takes their effect from the signals that mean nothing here, for as long as the program lives. Children get it back.
pub(crate) fn pass_over() {
    for kind in MEANINGLESS {
        // What cannot be heard keeps its usual effect. A handler stays where it is when its listener is dropped.
        drop(signal(kind));
    }
}

/// The signals of a front. Listens from when it is made.
#[derive(Debug)]
pub(super) struct Signals {
    ending: Vec<(Signal, &'static str)>,
    stop: Option<Signal>,
    goes_on: Option<Signal>,
}

impl Signals {
    /// Begins to listen. Needs a runtime around it.
    pub(super) fn new() -> Self {
        let hear = |number: Number| signal(SignalKind::from_raw(number.as_raw())).ok();
        Self { stop: hear(Number::TSTP), goes_on: hear(Number::CONT), ..Self::ending() }
    }

    /// Begins to listen for those that end the program. Needs a runtime around it.
    pub(super) fn ending() -> Self {
        pass_over();
        let ending = ENDING.into_iter().filter_map(|(kind, name)| Some((signal(kind).ok()?, name))).collect();
        Self { ending, stop: None, goes_on: None }
    }

    /// Waits for one.
    pub(super) async fn next(&mut self) -> Heard {
        std::future::poll_fn(|context| {
            for (signal, name) in &mut self.ending {
                if let std::task::Poll::Ready(Some(())) = signal.poll_recv(context) {
                    return std::task::Poll::Ready(Heard::End(name));
                }
            }
            for (signal, heard) in [(&mut self.stop, Heard::StandStill), (&mut self.goes_on, Heard::GoOn)] {
                if let Some(signal) = signal
                    && let std::task::Poll::Ready(Some(())) = signal.poll_recv(context)
                {
                    return std::task::Poll::Ready(heard);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }

    /// Stops the whole program until it is told to go on.
    pub(super) async fn stand_still(&mut self) {
        // An old one would let this thread run ahead of the stop.
        while let Some(goes_on) = &mut self.goes_on
            && futures_util::FutureExt::now_or_never(goes_on.recv()).is_some()
        {}
        if kill_process(getpid(), Number::STOP).is_err() {
            return;
        }
        // Another thread may be the first to stop.
        if let Some(goes_on) = &mut self.goes_on {
            goes_on.recv().await;
        }
    }
}
