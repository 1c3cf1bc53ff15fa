//! The raw standard output of a command, kept in memory for captures and expectations, wiped when dropped.
//!
//! Only so much is kept; what was cut off is said, and nothing is judged by half of it.

use zeroize::Zeroizing;

use crate::secret::wiped::append;

/// The most bytes of an output that are kept.
pub(super) const CAP: usize = 16 << 20;

/// Raw output.
#[derive(Default)]
pub(super) struct Kept {
    bytes: Zeroizing<Vec<u8>>,
    cut: bool,
}

impl Kept {
    /// Adds bytes, as far as there is room.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let room = CAP - self.bytes.len();
        self.cut |= bytes.len() > room;
        let bytes = &bytes[..bytes.len().min(room)];
        append(&mut self.bytes, bytes);
    }

    /// Returns the output as text.
    ///
    /// # Errors
    /// A sentence when it is longer than what is kept.
    pub(super) fn text(&self) -> Result<Zeroizing<String>, String> {
        if self.cut {
            return Err(format!("the output is longer than {} MiB, too long to be judged", CAP >> 20));
        }
        Ok(Zeroizing::new(String::from_utf8_lossy(&self.bytes).into_owned()))
    }
}
