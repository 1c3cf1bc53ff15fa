//! The terminal's modes: taken once, given back exactly once, whatever happens.
//!
//! This is the only file that changes the terminal's modes. Raw mode, the other screen, the cursor and bracketed paste
//! are given back by [`Modes`] when it is dropped, by the panic hook, and by whoever handles signals through
//! [`restore`]; the first of them does it, the others find nothing to do. The mouse is left to the terminal, so that its own selecting
//! and pasting keep working.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// The terminal as the screen writes to it.
pub(super) type Drawn = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// Whether the modes are ours at this moment. Signals and panics come without an argument, so this is a static.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back as it was found. May be called at any time, from any thread, as often as one likes.
///
/// For the handlers of signals; panics and returns are taken care of.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // The terminal may be gone; then there is nothing to give back and nobody to tell.
        let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Stops the whole program, the terminal given back for as long as it stands still, and takes the terminal again.
///
/// For `SIGTSTP`, which only comes from outside: in raw mode Ctrl-Z is a key like any other.
pub(super) fn stand_still(terminal: &mut Drawn) -> io::Result<()> {
    restore();
    // Here it stands until `SIGCONT`. A program that cannot stop itself just goes on.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    enter()?;
    terminal.clear()
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)
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

/// Rings the bell once, where a person should look.
pub(super) fn ring(terminal: &mut Drawn) {
    // A bell that cannot be rung is found out by the next frame.
    let _ = terminal.backend_mut().write_all(b"\x07");
}
