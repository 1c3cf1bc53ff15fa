//! The clipboard of a display: X11, Wayland, a desktop's own.
//!
//! What must stay true: whatever is wrong with it comes back as words, with nothing of a text in them; what is compared is
//! wiped. Not promised: that the display's own library wipes what it serves to others.

use arboard::Error;
#[cfg(target_os = "macos")]
use arboard::SetExtApple as _;
#[cfg(target_os = "linux")]
use arboard::SetExtLinux as _;
use zeroize::Zeroizing;

use super::Place;

/// The display's clipboard, reached when it is first needed.
#[derive(Default)]
pub(super) struct Display(Option<arboard::Clipboard>);

impl Display {
    fn reached(&mut self) -> Result<&mut arboard::Clipboard, String> {
        let reached = match self.0.take() {
            Some(reached) => reached,
            None => arboard::Clipboard::new().map_err(words)?,
        };
        Ok(self.0.insert(reached))
    }
}

impl Place for Display {
    fn put(&mut self, text: &str, secret: bool) -> Result<(), String> {
        let set = self.reached()?.set();
        // Managers that keep what was copied are asked not to.
        let set = if secret { set.exclude_from_history() } else { set };
        set.text(text).map_err(words)
    }

    fn holds(&mut self, text: &str) -> Result<bool, String> {
        match self.reached()?.get_text() {
            Ok(found) => Ok(*Zeroizing::new(found) == *text),
            // It is empty, or holds a picture.
            Err(Error::ContentNotAvailable) => Ok(false),
            Err(error) => Err(words(error)),
        }
    }

    fn clear(&mut self) -> Result<(), String> {
        self.reached()?.clear().map_err(words)
    }
}

/// Says what is wrong.
fn words(error: Error) -> String {
    match error {
        Error::ContentNotAvailable => "it holds no text".to_owned(),
        Error::ClipboardNotSupported => "this display has no clipboard".to_owned(),
        Error::ClipboardOccupied => "another program holds it".to_owned(),
        Error::ConversionFailure => "it holds something that is no text".to_owned(),
        // The kinds of a later version, and the system's own words; none has the text in it.
        error => error.to_string(),
    }
}
