//! Keys as they are read: a thread that waits for the terminal, and a channel on which they come with their time.
//!
//! Reading has a thread of its own because a sequence that has come by half makes a reader wait, and drawing must not
//! wait with it. The thread asks the system first whether there is something and whether the terminal is still there:
//! crossterm's own reader goes round without end once it is gone. Of that reader's two ways the one by `poll`
//! (`use-dev-tty`) is taken: the one by edges loses a key that comes together with a new size. What must stay true: when the terminal is gone the channel closes; and what came with a paste is never a key.

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

/// Within this time of a paste a key came with it: nobody can have seen the paste yet, nor pressed a key so soon.
const WITH_A_PASTE: Duration = Duration::from_millis(2);

/// A key, a paste or a new size, with the time it was read.
#[derive(Debug)]
pub(super) struct Read {
    /// What came.
    pub(super) event: Event,
    /// When.
    pub(super) at: Instant,
    /// A key that came out of a paste, and is none.
    pub(super) stray: bool,
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

/// Tells keys that came out of a paste: what a clipboard holds may end the paste before its end and go on with keys.
#[derive(Debug, Default)]
struct Stray {
    /// When the last of a paste came, what belongs to it included.
    until: Option<Instant>,
}

impl Stray {
    /// Says whether it is one: no hand presses a key so soon after a paste.
    fn of(&mut self, read: &Read) -> bool {
        let soon = self.until.is_some_and(|last| read.at.saturating_duration_since(last) < WITH_A_PASTE);
        let stray = matches!(read.event, Event::Key(_)) && soon;
        if stray || matches!(read.event, Event::Paste(_)) {
            self.until = Some(read.at);
        }
        stray
    }
}

fn pass_on(terminal: BorrowedFd<'_>, stopped: &PipeReader, send: &UnboundedSender<Read>) {
    let mut stray = Stray::default();
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
            let mut read = Read { event, at: Instant::now(), stray: false };
            read.stray = stray.of(&read);
            if send.send(read).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    #[test]
    fn keys_that_come_out_of_a_paste_are_none() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let key = |ms| Read {
            event: Event::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)),
            at: at(ms),
            stray: false,
        };
        let mut stray = Stray::default();
        assert!(!stray.of(&key(0)));
        assert!(!stray.of(&Read { event: Event::Paste("CANARY".into()), at: at(1), stray: false }));
        // A long rest comes in pieces, each soon after the one before.
        for ms in [2, 3, 4, 5] {
            assert!(stray.of(&key(ms)), "{ms}");
        }
        assert!(!stray.of(&Read { event: Event::Resize(80, 24), at: at(6), stray: false }));
        assert!(!stray.of(&key(7)));
        assert!(!stray.of(&key(8)));
    }
}
