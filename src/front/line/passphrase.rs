//! A passphrase, asked for on the terminal without showing it, before there is a run or a screen.

use std::io::{Write as _, stderr};

use super::keys::{self, Keys, Line};
use crate::secret::Secret;

/// Asks for a passphrase. None when the operator leaves: by an empty line, Ctrl-C or Ctrl-D.
#[must_use]
pub fn passphrase(question: &str) -> Option<Secret> {
    let keys = Keys::of_stdin();
    loop {
        // Before the question: who types at once must not be shown.
        keys.hide(true);
        // Standard output may be read by another program. Where nothing can be printed there is nobody to tell.
        let _ = write!(stderr(), "{question} ");
        let _ = stderr().flush();
        let line = keys::next(keys.terminal(), None);
        keys.hide(false);
        match line {
            Line::Text(text) if text.is_empty() => return None,
            Line::Text(text) => return Some(Secret::new(text.as_str().to_owned())),
            Line::Unreadable => {
                let _ = writeln!(stderr(), "That was no text in UTF-8, or too long.");
            }
            Line::End => {
                let _ = writeln!(stderr());
                return None;
            }
        }
    }
}
