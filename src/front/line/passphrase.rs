//! A passphrase, asked for on the terminal without showing it, before there is a run or a screen.

use std::io::{self, Write as _, stderr};
use std::sync::{Arc, Mutex, PoisonError};

use super::keys::{self, Keys, Line};
use crate::front::signals::Heard;
use crate::front::watch::Watch;
use crate::secret::Secret;

/// Asks for a passphrase. None when the operator leaves: by an empty line, Ctrl-C or Ctrl-D, or a signal that ends us.
#[must_use]
pub fn passphrase(question: &str) -> Option<Secret> {
    let keys = Arc::new(Keys::of_stdin());
    let (stop, stops) = io::pipe().ok()?;
    // The terminal is given back before the program stands still or ends. The listener must not own the keys: it ends some
    // time after it is let go, and would show what is typed at the next question.
    let _watch = {
        let (keys, stops, asked) = (Arc::downgrade(&keys), Mutex::new(Some(stops)), question.to_owned());
        let hide = move |hidden| keys.upgrade().into_iter().for_each(|keys| keys.hide(hidden));
        Watch::start(move |heard| match heard {
            Heard::End(_) => {
                hide(false);
                drop(stops.lock().unwrap_or_else(PoisonError::into_inner).take());
            }
            Heard::StandStill => hide(false),
            Heard::GoOn => {
                hide(true);
                let _ = write!(stderr(), "\n{asked} ");
            }
        })
        .ok()?
    };
    loop {
        // Before the question: who types at once must not be shown.
        keys.hide(true);
        // Standard output may be read by another program. Where nothing can be printed there is nobody to tell.
        let _ = write!(stderr(), "{question} ");
        let _ = stderr().flush();
        let line = keys::next(keys.terminal(), Some(&stop));
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
