//! A terminal that does not read, and a signal that ends the program: nobody waits for the one after the other came.
//!
//! The thread that draws may be at a write that does not come back for as long as the connection stalls. Who sent a signal
//! wants an end now. So signals are heard on a thread of their own, the one that draws gets a moment to give the terminal back, and
//! then the terminal's modes are given back without it.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::terminal::restore;
use crate::front::watch::Watch;

/// How long the thread that draws may take to give the terminal back once a signal came.
const MOMENT: Duration = Duration::from_secs(1);

/// The status of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// What one waits for at the end.
#[derive(Debug)]
enum End {
    /// The terminal was given back.
    GivenBack,
    /// A signal came.
    Told,
}

/// The end of a screen, waited for.
#[derive(Debug)]
pub(super) struct Held {
    ends: Receiver<End>,
    _watch: Watch,
}

/// What the thread that draws has until it has given the terminal back.
#[derive(Debug)]
pub(super) struct Drawing(Sender<End>);

impl Drop for Drawing {
    fn drop(&mut self) {
        // Nobody waits when the program has ended without us.
        let _ = self.0.send(End::GivenBack);
    }
}

impl Held {
    /// Begins to hear signals. The second is for the thread that draws, to be dropped when it has given the terminal back.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(super) fn watch() -> io::Result<(Self, Drawing)> {
        let (told, ends) = channel();
        let drawing = Drawing(told.clone());
        let watch = Watch::for_the_end(move |_| {
            // Nobody waits any more when the screen has ended.
            let _ = told.send(End::Told);
        })?;
        Ok((Self { ends, _watch: watch }, drawing))
    }

    /// Waits until the terminal was given back, however long the operator reads; after a signal asks the screen to `close`,
    /// and waits for a moment. Says whether the thread that draws has ended.
    pub(super) fn given_back(&self, close: impl Fn()) -> bool {
        if !matches!(self.ends.recv(), Ok(End::Told)) {
            return true;
        }
        close();
        loop {
            match self.ends.recv_timeout(MOMENT) {
                Ok(End::Told) => {}
                Ok(End::GivenBack) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => {
                    restore();
                    return false;
                }
            }
        }
    }
}

/// Ends the program when a signal came and a page that asks something has not ended a moment later. For before there is a
/// run: nothing has begun that would have to be brought to an end.
///
/// # Errors
/// When no thread can be had.
pub(super) fn leave() -> io::Result<Page> {
    let (shown, over) = channel::<()>();
    let watch = Watch::for_the_end(move |_| {
        if over.recv_timeout(MOMENT) == Err(RecvTimeoutError::Timeout) {
            restore();
            std::process::exit(INTERRUPTED);
        }
    })?;
    Ok(Page { _shown: shown, _watch: watch })
}

/// A page that is being shown.
#[derive(Debug)]
pub(super) struct Page {
    _shown: Sender<()>,
    _watch: Watch,
}
