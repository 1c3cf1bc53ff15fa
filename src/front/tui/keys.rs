//! Keys as they are read: a thread that waits for the terminal, and a channel on which they come with their time.
//!
//! Reading has a thread of its own because a sequence that has come by half makes a reader wait, and drawing must not
//! wait with it. The thread asks the system first whether there is something and whether the terminal is still there:
//! crossterm's own reader goes round without end once it is gone. Of that reader's two ways the one by `poll`
//! (`use-dev-tty`) is taken: the one by edges loses a key that comes together with a new size. What must stay true: when the terminal is gone the channel closes.

use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long the reader may look for more. With no time at all it would not look; a key that is there does not wait for it.
const AT_ONCE: Duration = Duration::from_millis(1);

/// A key, a paste or a new size, with the time it was read.
#[derive(Debug)]
pub(super) struct Read {
    /// What came.
    pub(super) event: Event,
    /// When.
    pub(super) at: Instant,
}

/// The keys of the terminal.
#[derive(Debug)]
pub(super) struct Keys {
    reads: UnboundedReceiver<Read>,
    /// Dropped to end the thread.
    _stop: PipeWriter,
}

impl Keys {
    /// Begins to read.
    pub(super) fn start() -> Result<Self, String> {
        let failed = |error: io::Error| format!("the keyboard cannot be read: {error}");
        let (stopped, stop) = io::pipe().map_err(failed)?;
        let terminal = if io::stdin().is_terminal() { None } else { Some(File::open("/dev/tty").map_err(failed)?) };
        let (send, reads) = unbounded_channel();
        thread::Builder::new()
            .name("keys".into())
            .spawn(move || match terminal {
                Some(file) => pass_on(file.as_fd(), &stopped, &send),
                None => pass_on(io::stdin().as_fd(), &stopped, &send),
            })
            .map_err(failed)?;
        Ok(Self { reads, _stop: stop })
    }

    /// Waits for the next one; none when the terminal is gone.
    pub(super) async fn next(&mut self) -> Option<Read> {
        self.reads.recv().await
    }

    /// Takes one that waits already.
    pub(super) fn waiting(&mut self) -> Option<Read> {
        self.reads.try_recv().ok()
    }
}

fn pass_on(terminal: BorrowedFd<'_>, stopped: &PipeReader, send: &UnboundedSender<Read>) {
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    loop {
        let mut asked = [PollFd::new(&terminal, PollFlags::IN), PollFd::new(stopped, PollFlags::empty())];
        match poll(&mut asked, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
        }
        if asked[0].revents().intersects(gone) || !asked[1].revents().is_empty() {
            return;
        }
        while let Ok(true) = event::poll(AT_ONCE) {
            let Ok(event) = event::read() else { return };
            if send.send(Read { event, at: Instant::now() }).is_err() {
                return;
            }
        }
    }
}
