//! Standard input in lines, read so that nothing is read ahead, and the terminal's echo.
//!
//! On a terminal one read gives one line, and what was typed before a question can be thrown away. From a pipe the lines
//! are taken one by one, only when something is asked: that is scripted use, and their order is kept. What must stay true: what was
//! read is wiped when it is dropped, and the echo is back when this is.

use std::io::{IsTerminal as _, PipeReader, stdin};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

/// Ctrl-C, where it is read as a character.
const CANCEL: u8 = 3;

/// The longest line that is taken.
const LONGEST: usize = 64 * 1024;

/// Standard input, as far as it is a terminal.
#[derive(Debug)]
pub(super) struct Keys {
    /// The terminal's settings as they were found; none where there is no terminal.
    before: Option<Termios>,
}

impl Keys {
    /// Looks at standard input.
    pub(super) fn of_stdin() -> Self {
        let before = if stdin().is_terminal() { tcgetattr(stdin()).ok() } else { None };
        Self { before }
    }

    /// Makes one that is no terminal.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self { before: None }
    }

    /// Says whether a person types.
    pub(super) fn terminal(&self) -> bool {
        self.before.is_some()
    }

    /// Throws away what was typed and not read yet.
    pub(super) fn fresh(&self) {
        if self.terminal() {
            // A terminal that has gone is noticed when it is read.
            let _ = tcflush(stdin(), QueueSelector::IFlush);
        }
    }

    /// Hides what is typed, or shows it again.
    pub(super) fn hide(&self, hidden: bool) {
        let Some(before) = &self.before else { return };
        let mut wanted = before.clone();
        if hidden {
            wanted.local_modes.remove(LocalModes::ECHO);
            wanted.local_modes.insert(LocalModes::ECHONL);
            // Ctrl-C ends the line and not the program, which would leave the terminal without its echo.
            wanted.local_modes.remove(LocalModes::ISIG);
            wanted.special_codes[SpecialCodeIndex::VEOL] = CANCEL;
        }
        // A terminal that has gone is noticed when it is read.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &wanted);
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.hide(false);
    }
}

/// A line that was read.
#[derive(Debug)]
pub(super) enum Line {
    /// Its text, without the line end.
    Text(Zeroizing<String>),
    /// It was no text in UTF-8, or too long.
    Unreadable,
    /// Nothing more comes.
    End,
}

/// Waits until standard input has something, or has ended; says no when `stop` was closed before.
fn readable(stop: &PipeReader) -> bool {
    let input = stdin();
    loop {
        let mut asked = [PollFd::new(stop, PollFlags::empty()), PollFd::new(&input, PollFlags::IN)];
        match poll(&mut asked, None) {
            Err(Errno::INTR) => {}
            // What cannot be asked for is read without.
            Err(_) => return true,
            Ok(_) => return asked[0].revents().is_empty(),
        }
    }
}

/// Waits for the next line of standard input, or until `stop` is closed: then it is as if nothing more came.
pub(super) fn next(terminal: bool, stop: Option<&PipeReader>) -> Line {
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    let mut room = Zeroizing::new(vec![0; if terminal { 4096 } else { 1 }]);
    loop {
        if stop.is_some_and(|stop| !readable(stop)) {
            return Line::End;
        }
        let read = match rustix::io::read(stdin(), room.as_mut_slice()) {
            Ok(0) | Err(_) if line.is_empty() => return Line::End,
            Ok(0) => break,
            Ok(read) => read,
            Err(Errno::INTR) => continue,
            Err(_) => break,
        };
        if terminal && room[..read].ends_with(&[CANCEL]) {
            return Line::End;
        }
        // What does not fit any more is read to its end, and not kept.
        if line.len() < LONGEST {
            line.extend_from_slice(&room[..read]);
        }
        if room[..read].ends_with(b"\n") {
            break;
        }
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    match std::str::from_utf8(&line) {
        Ok(text) if line.len() < LONGEST => Line::Text(Zeroizing::new(text.to_owned())),
        Ok(_) | Err(_) => Line::Unreadable,
    }
}
