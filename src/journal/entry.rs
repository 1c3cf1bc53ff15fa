//! One line of the journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::Record;

/// The newest format that this program reads, and the one that it writes.
pub(super) const FORMAT: u32 = 1;

/// A record as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// When it was decided; UTC.
    pub at: Timestamp,
    /// What.
    pub record: Record,
    /// The SHA-256 of the line before, without its line end, in small hex; zeros in the first.
    pub prev: String,
}

/// The same, borrowed, to write without copying.
#[derive(Serialize)]
pub(super) struct EntryRef<'a> {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) record: &'a Record,
    pub(super) prev: &'a str,
}

/// The same, read without copying what is only compared.
#[derive(Deserialize)]
pub(super) struct EntryIn<'a> {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) record: Record,
    pub(super) prev: &'a str,
}

/// A SHA-256 in small hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hash([u8; 64]);

impl Hash {
    /// Hashes a line without its line end.
    pub(super) fn of(line: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(Sha256::digest(line)) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(hex)
    }

    /// Returns what stands in the first line.
    pub(super) fn nothing() -> Self {
        Self([b'0'; 64])
    }

    pub(super) fn as_str(&self) -> &str {
        // It is made of ASCII digits and letters only.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}
