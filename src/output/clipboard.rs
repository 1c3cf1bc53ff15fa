//! Copying for the operator, and clearing a copied secret again.
//!
//! Where there is a display, its clipboard is used; elsewhere the terminal is asked to copy (OSC 52), which works over SSH but
//! cannot be seen to have worked, nor be read back. A display is reached on a thread of its own: one that does not answer
//! holds nobody up. What must stay true: nothing is copied unless the operator asked for it just now; a secret is cleared
//! after [`KEPT`] or when the program is left, and only if the clipboard still holds it; where that cannot be known nothing
//! is done and the operator is told; the words that come back claim no more than is known.

mod display;
mod terminal;

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use display::Display;
pub(crate) use terminal::past_the_buffer;

/// How long a copied secret stays in the clipboard.
const KEPT: Duration = Duration::from_secs(30);

/// How long the end waits for a display that does not answer.
const LAST: Duration = Duration::from_secs(5);

/// What is to be copied.
pub enum Copied {
    /// A text that may be shown.
    Text(String),
    /// A secret.
    Secret {
        /// Its name.
        name: String,
        /// Its value.
        text: Zeroizing<String>,
    },
}

/// What comes back from copying.
pub enum Told {
    /// Words for the operator.
    Said(String),
    /// The terminal is to be asked, by whoever has it: these bytes are to be written. May hold a secret.
    Ask(Zeroizing<Vec<u8>>),
}

impl fmt::Debug for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(text).finish(),
            Self::Secret { name, .. } => f.debug_struct("Secret").field("name", name).finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(said) => f.debug_tuple("Said").field(said).finish(),
            Self::Ask(bytes) => f.debug_tuple("Ask").field(&bytes.len()).finish(),
        }
    }
}

/// Where a copy will go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To a display's clipboard.
    Display,
    /// To the terminal.
    Terminal {
        /// Through tmux, which keeps a copy of its own.
        tmux: bool,
    },
}

impl Reach {
    /// Looks where a copy would go, by the environment. A display that does not answer is found out by copying only.
    #[must_use]
    pub fn here() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if has_display(set) { Self::Display } else { Self::Terminal { tmux: set("TMUX") } }
    }

    /// Says what becomes of a secret that is copied, before it is.
    #[must_use]
    pub fn warning(self) -> String {
        let after = KEPT.as_secs();
        match self {
            Self::Display => format!(
                "Every program on this display can read it then, and some keep all that was copied. After {after} s, or when \
                 you leave, it is cleared, if the clipboard still holds it."
            ),
            Self::Terminal { tmux } => {
                let tmux = if tmux { ", tmux keeps it in a buffer of its own (tmux delete-buffer)" } else { "" };
                format!(
                    "It goes through your terminal, where a recording of the session would have it{tmux}. Whether it is \
                     still there cannot be seen from here, so nobody clears it but you."
                )
            }
        }
    }
}

/// Where copies go. Kept for as long as what was copied should stay: a display asks for it when it is pasted.
pub struct Clipboard {
    told: Option<Box<dyn Fn(Told) + Send>>,
    orders: Option<Sender<Copied>>,
    last: Option<Receiver<Option<String>>>,
}

impl Clipboard {
    /// Makes one that tells what comes back, from a thread of its own. Nothing is started before something is copied.
    pub fn new(told: impl Fn(Told) + Send + 'static) -> Self {
        Self { told: Some(Box::new(told)), orders: None, last: None }
    }

    /// Copies.
    ///
    /// # Errors
    /// When there is no thread to copy on: a sentence.
    pub fn copy(&mut self, copied: Copied) -> Result<(), String> {
        if let Some(told) = self.told.take() {
            let ((orders, heard), (say, last)) = (channel(), channel());
            let work = move || {
                let mut work = Work { place: Box::new(Display::default()), reach: Reach::here(), told, kept: KEPT };
                let last = work.until_the_end(&heard);
                drop(work);
                // Who waits for it no longer has left.
                let _ = say.send(last);
            };
            let thread = thread::Builder::new().name("clipboard".into()).spawn(work);
            thread.map_err(|error| format!("not copied: {error}"))?;
            (self.orders, self.last) = (Some(orders), Some(last));
        }
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(copied).is_ok());
        if sent { Ok(()) } else { Err("not copied: the clipboard is gone".to_owned()) }
    }

    /// Ends it: clears a secret that the clipboard still holds. Gives back what the operator should know of it.
    #[must_use]
    pub fn finish(&mut self) -> Option<String> {
        drop(self.orders.take());
        match self.last.take()?.recv_timeout(LAST) {
            Ok(said) => said,
            Err(_) => Some("the clipboard does not answer; if you copied a secret, clear it yourself".to_owned()),
        }
    }
}

impl fmt::Debug for Clipboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clipboard").field("used", &self.orders.is_some()).finish_non_exhaustive()
    }
}

/// A clipboard that can be written and read back.
trait Place {
    /// Puts a text in; a secret with the wish that nobody keeps it.
    ///
    /// # Errors
    /// Why not, in a few words.
    fn put(&mut self, text: &str, secret: bool) -> Result<(), String>;

    /// Says whether it holds this text.
    ///
    /// # Errors
    /// Why that cannot be known, in a few words.
    fn holds(&mut self, text: &str) -> Result<bool, String>;

    /// Empties it.
    ///
    /// # Errors
    /// Why not, in a few words.
    fn clear(&mut self) -> Result<(), String>;
}

/// A secret that was copied.
struct Held {
    name: String,
    /// Its value, where it can be compared; none where it went to the terminal.
    text: Option<Zeroizing<String>>,
    until: Instant,
}

/// The thread's side.
struct Work {
    place: Box<dyn Place>,
    reach: Reach,
    told: Box<dyn Fn(Told) + Send>,
    kept: Duration,
}

impl Work {
    /// Copies what is ordered until nobody orders any more. Gives back the last word on a secret.
    fn until_the_end(&mut self, orders: &Receiver<Copied>) -> Option<String> {
        let mut held: Option<Held> = None;
        loop {
            let order = match &held {
                Some(held) => orders.recv_timeout(held.until.saturating_duration_since(Instant::now())),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(copied) => self.copy(copied, &mut held),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(held) = held.take() {
                        let said = self.release(&held);
                        (self.told)(Told::Said(said));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return held.map(|held| self.release(&held)),
            }
        }
    }

    /// Copies, and notes what is held from then on; what is not copied changes nothing.
    fn copy(&mut self, copied: Copied, held: &mut Option<Held>) {
        let (name, text) = match copied {
            Copied::Text(text) => (None, Zeroizing::new(text)),
            Copied::Secret { name, text } => (Some(name), text),
        };
        let until = Instant::now() + self.kept;
        if self.reach == Reach::Display && self.place.put(&text, name.is_some()).is_ok() {
            (self.told)(Told::Said(match &name {
                Some(name) => format!("{name} copied; cleared in {} s if it is still there", self.kept.as_secs()),
                None => "copied".to_owned(),
            }));
            *held = name.map(|name| Held { name, text: Some(text), until });
            return;
        }
        let tmux = match self.reach {
            Reach::Terminal { tmux } => tmux,
            Reach::Display => std::env::var_os("TMUX").is_some_and(|value| !value.is_empty()),
        };
        match terminal::ask(&text, tmux) {
            Ok(bytes) => {
                (self.told)(Told::Ask(bytes));
                (self.told)(Told::Said(match &name {
                    Some(name) => format!("{name} sent to your terminal to copy; clear it yourself when it is used"),
                    None => "sent to your terminal to copy; some terminals do not allow it".to_owned(),
                }));
                *held = name.map(|name| Held { name, text: None, until });
            }
            Err(why) => (self.told)(Told::Said(format!("not copied: {why}"))),
        }
    }

    /// Clears a secret if the clipboard still holds it, and says what came of it.
    fn release(&mut self, held: &Held) -> String {
        let name = &held.name;
        let Some(text) = &held.text else {
            return format!("{name} may still be in your terminal's clipboard: clear it yourself");
        };
        match self.place.holds(text) {
            Ok(false) => format!("the clipboard holds {name} no more; nothing was cleared"),
            Ok(true) => match self.place.clear() {
                Ok(()) => format!("{name} cleared from the clipboard"),
                Err(why) => format!("{name} could not be cleared from the clipboard: {why}; clear it yourself"),
            },
            Err(why) => {
                format!("whether the clipboard still holds {name} cannot be seen: {why}; clear it yourself")
            }
        }
    }
}

/// Says whether there is a display, as the environment tells.
fn has_display(is_set: impl Fn(&str) -> bool) -> bool {
    if cfg!(target_os = "macos") { !is_set("SSH_CONNECTION") } else { is_set("WAYLAND_DISPLAY") || is_set("DISPLAY") }
}

#[cfg(test)]
mod tests;
