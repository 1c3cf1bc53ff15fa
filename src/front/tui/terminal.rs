//! The terminal's modes: taken once, given back exactly once, whatever happens.
//!
//! This is the only file that changes the terminal's modes. Raw mode, the other screen, the cursor, bracketed paste and the telling of focus
//! are given back by [`Modes`] when it is dropped, by the panic hook, and by whoever handles signals through
//! [`restore`]; the first of them does it, the others find nothing to do. The mouse is left to the terminal, so that its own selecting
//! and pasting keep working.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::front::signals::Signals;
use crate::output::past_the_buffer;

/// The terminal as the screen writes to it.
pub(super) type Drawn = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// Whether the modes are ours at this moment. Signals and panics come without an argument, so this is a static.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back as it was found. May be called at any time, from any thread, as often as one likes.
///
/// For the handlers of signals; panics and returns are taken care of.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut left = Vec::new();
        // Writing to a vector cannot fail.
        let _ = execute!(left, DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen, Show);
        // Not through `stdout`, whose lock a thread may have that draws on a terminal which does not read; and such a one
        // is not waited for. The terminal may be gone; then there is nothing to give back and nobody to tell.
        if takes_text() {
            let _ = rustix::io::write(io::stdout(), &left);
        }
        let _ = disable_raw_mode();
    }
}

/// Says whether the terminal takes text now or within a moment.
fn takes_text() -> bool {
    let within = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
    let out = io::stdout();
    loop {
        return match poll(&mut [PollFd::new(&out, PollFlags::OUT)], Some(&within)) {
            Err(Errno::INTR) => continue,
            Ok(ready) => ready > 0,
            Err(_) => false,
        };
    }
}

/// Stops the whole program, the terminal given back for as long as it stands still, and takes the terminal again.
///
/// For `SIGTSTP`, which only comes from outside: in raw mode Ctrl-Z is a key like any other.
pub(super) async fn stand_still(terminal: &mut Drawn, signals: &mut Signals) -> io::Result<()> {
    restore();
    signals.stand_still().await;
    come_back(terminal)
}

/// Takes the terminal again and has everything drawn anew: the program stood still, and somebody else may have had it.
pub(super) fn come_back(terminal: &mut Drawn) -> io::Result<()> {
    // Raw mode would be kept as the settings to give back if it were taken twice.
    disable_raw_mode()?;
    enter()?;
    // `clear` would ask the terminal where its cursor is, and the answer would come among the keys.
    let size = terminal.size()?;
    terminal.resize(Rect::from((Position::ORIGIN, size)))
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, Hide)
}

/// The taken modes; dropping gives them back.
#[derive(Debug)]
pub(super) struct Modes(());

impl Modes {
    /// Takes the terminal.
    pub(super) fn take() -> Result<Self, String> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore();
                before(panic);
            }));
        });
        let modes = Self(());
        enter().map_err(|error| format!("the terminal cannot be used for the full screen ({error}); try --plain"))?;
        Ok(modes)
    }
}

impl Drop for Modes {
    fn drop(&mut self) {
        restore();
    }
}

/// Makes what the screen is drawn with. A frame goes out in one write.
pub(super) fn drawn() -> Result<Drawn, String> {
    let out = BufWriter::with_capacity(64 * 1024, io::stdout());
    Terminal::new(CrosstermBackend::new(out)).map_err(|error| format!("the terminal does not say its size: {error}"))
}

/// Calls a person to the terminal: rings its bell, or has the desktop say something.
pub(super) fn call(terminal: &mut Drawn, voice: &str) {
    // A terminal that does not take it is found out by the next frame.
    let _ = terminal.backend_mut().write_all(voice.as_bytes());
}

/// Asks the terminal for something that is not drawn. It may hold a secret: it goes past the buffer, which is not wiped.
pub(super) fn ask(terminal: &mut Drawn, bytes: &[u8]) -> io::Result<()> {
    terminal.backend_mut().flush()?;
    past_the_buffer(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::AsFd as _;

    use rustix::termios::{LocalModes, tcgetattr};

    use super::*;

    /// Set for the process that takes a terminal and panics.
    const PANICS: &str = "RUNSHEET_TEST_PANICS";

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_speaks() {
        if std::env::var_os(PANICS).is_some() {
            let modes = Modes::take().unwrap();
            // Nothing is dropped on the way: only the hook gives the terminal back.
            std::mem::forget(modes);
            panic!("CANARY-panic");
        }
        let (mut pty, pts) = pty_process::blocking::open().unwrap();
        let before = tcgetattr(pty.as_fd()).unwrap();
        let name = "front::tui::terminal::tests::a_panic_gives_the_terminal_back_before_it_speaks";
        let command = pty_process::blocking::Command::new(std::env::current_exe().unwrap());
        let mut command = command.args(["--exact", name, "--nocapture"]).env(PANICS, "1").env("RUST_BACKTRACE", "0");
        let mut child = command.spawn_borrowed(&pts).unwrap();
        let status = child.wait().unwrap();
        let after = tcgetattr(pty.as_fd()).unwrap();
        // The command holds copies of the other end; while any is open, reading never ends.
        drop((pts, command));
        let (mut raw, mut bytes) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = pty.read(&mut bytes) {
            raw.extend_from_slice(&bytes[..length]);
        }
        let text = String::from_utf8_lossy(&raw);
        assert!(!status.success(), "{text}");
        assert_eq!(before.local_modes, after.local_modes);
        assert!(after.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO));
        assert_eq!((before.input_modes, before.output_modes), (after.input_modes, after.output_modes));
        let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what:?} is not in {text:?}"));
        let (entered, left) = (place("\x1b[?1049h"), place("\x1b[?1049l"));
        assert!(entered < left && left < place("CANARY-panic"), "{text:?}");
        assert!(place("\x1b[?2004h") < place("\x1b[?2004l") && place("\x1b[?25l") < place("\x1b[?25h"));
    }
}
