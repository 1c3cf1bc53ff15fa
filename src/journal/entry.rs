//! One line of the journal.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::Record;

/// The `prev` of the first line.
pub(super) const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

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

/// Hashes a line without its line end.
pub(super) fn hash(line: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(line) {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
