//! Copying for the operator.
//!
//! Where there is a display, its clipboard is used; elsewhere the terminal is asked to copy (OSC 52), which works over SSH but
//! cannot be seen to have worked. What must stay true: nothing is copied unless the operator asked for it just now, and the
//! words that come back claim no more than is known. Clearing a copied secret again is not done here.

use std::fmt;
use std::io::{self, Write};

use crossterm::clipboard::CopyToClipboard;

/// The most bytes that terminals take at once, before base64.
const MOST: usize = 74_994;

/// Where copies go. Kept for as long as what was copied should stay: a display asks for it when it is pasted.
#[derive(Default)]
pub struct Clipboard {
    display: Option<arboard::Clipboard>,
}

impl Clipboard {
    /// Starts without having copied anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies a text and says in words what was done. `terminal` is where the fronts draw.
    pub fn copy(&mut self, text: &str, terminal: &mut impl Write) -> String {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if has_display(set) && self.give_display(text).is_ok() {
            return "copied".to_owned();
        }
        match ask_terminal(text, set("TMUX"), terminal) {
            Ok(()) => "sent to your terminal to copy; some terminals do not allow it".to_owned(),
            Err(error) => format!("not copied: {error}"),
        }
    }

    fn give_display(&mut self, text: &str) -> Result<(), arboard::Error> {
        let mut display = match self.display.take() {
            Some(display) => display,
            None => arboard::Clipboard::new()?,
        };
        display.set_text(text)?;
        self.display = Some(display);
        Ok(())
    }
}

impl fmt::Debug for Clipboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clipboard").field("display", &self.display.is_some()).finish()
    }
}

/// Says whether there is a display, as the environment tells.
fn has_display(is_set: impl Fn(&str) -> bool) -> bool {
    if cfg!(target_os = "macos") { !is_set("SSH_CONNECTION") } else { is_set("WAYLAND_DISPLAY") || is_set("DISPLAY") }
}

fn ask_terminal(text: &str, in_tmux: bool, terminal: &mut impl Write) -> io::Result<()> {
    if text.len() > MOST {
        return Err(io::Error::other(format!("{} bytes are more than terminals take ({MOST})", text.len())));
    }
    let mut asked = Vec::new();
    crossterm::execute!(asked, CopyToClipboard::to_clipboard_from(text))?;
    if in_tmux {
        // It takes the plain one where its own clipboard is on, and hands the wrapped one through where that is allowed.
        let wrapped = asked.clone();
        asked.extend_from_slice(b"\x1bPtmux;");
        for byte in wrapped {
            asked.extend_from_slice(if byte == b'\x1b' { b"\x1b\x1b" } else { std::slice::from_ref(&byte) });
        }
        asked.extend_from_slice(b"\x1b\\");
    }
    terminal.write_all(&asked)?;
    terminal.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_the_terminal_with_osc_52() {
        let mut written = Vec::new();
        ask_terminal("some text", false, &mut written).unwrap();
        assert_eq!(written, b"\x1b]52;c;c29tZSB0ZXh0\x1b\\");
        assert!(ask_terminal(&"x".repeat(MOST + 1), false, &mut written).is_err());
    }

    #[test]
    fn tmux_is_asked_both_ways() {
        let mut written = Vec::new();
        ask_terminal("some text", true, &mut written).unwrap();
        let plain = "\x1b]52;c;c29tZSB0ZXh0\x1b\\";
        let wrapped = format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b"));
        assert_eq!(String::from_utf8(written).unwrap(), format!("{plain}{wrapped}"));
    }

    #[test]
    fn looks_for_a_display() {
        assert!(!has_display(|_| false) || cfg!(target_os = "macos"));
        assert!(has_display(|name| name == "WAYLAND_DISPLAY") || cfg!(target_os = "macos"));
    }
}
