//! Signals heard on a thread of their own, so that a terminal which does not read can hold nobody up who was told to end.
//!
//! What a signal means for the run is not decided here: the session hears it too. Where job control is asked for, `SIGTSTP`
//! (Ctrl-Z) stops the program here, after the front was told so that it can give the terminal back.

use std::io;
use std::thread;

use tokio::sync::oneshot;

use super::signals::{Heard, Signals};

/// Listens until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    _stop: oneshot::Sender<()>,
}

impl Watch {
    /// Begins to listen for what ends the program, for when it is to stand still, and for when it goes on.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(super) fn start(heard: impl Fn(Heard) + Send + 'static) -> io::Result<Self> {
        Self::with(Signals::new, heard)
    }

    /// Begins to listen for what ends the program, and for nothing else.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(super) fn for_the_end(heard: impl Fn(&'static str) + Send + 'static) -> io::Result<Self> {
        Self::with(Signals::ending, move |told| match told {
            Heard::End(name) => heard(name),
            Heard::StandStill | Heard::GoOn => {}
        })
    }

    fn with(signals: impl Fn() -> Signals, heard: impl Fn(Heard) + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _inside = runtime.enter();
            signals()
        };
        let listen = move || runtime.block_on(listen(signals, stopped, &heard));
        thread::Builder::new().name("signals".into()).spawn(listen)?;
        Ok(Self { _stop: stop })
    }
}

async fn listen(mut signals: Signals, mut stopped: oneshot::Receiver<()>, told: &(impl Fn(Heard) + Send)) {
    loop {
        let heard = tokio::select! {
            heard = signals.next() => heard,
            _ = &mut stopped => return,
        };
        told(heard);
        if heard == Heard::StandStill {
            signals.stand_still().await;
            told(Heard::GoOn);
        }
    }
}
