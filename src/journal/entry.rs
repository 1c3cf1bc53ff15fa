//! One line of the journal.
//!
//! A line ends with a sum of itself, so that a change of the last one shows too; the others are also covered by the hash
//! in the line behind. Lines of the first journals have no sum; from the first one that has, all have.

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
    /// The number up to which records were known to be on disk when this one was written; in the first behind each sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sure: Option<u64>,
    /// The first 8 digits of the SHA-256 of the line up to this field; none in the first journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<String>,
}

/// The same, borrowed, to write without copying.
#[derive(Serialize)]
pub(super) struct EntryRef<'a> {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) record: &'a Record,
    pub(super) prev: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sure: Option<u64>,
}

/// The same, read without copying what is only compared.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)] // a changed letter in a field's name must show
pub(super) struct EntryIn<'a> {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) record: Record,
    pub(super) prev: &'a str,
    #[serde(default)]
    pub(super) sure: Option<u64>,
    #[serde(default)]
    pub(super) sum: Option<&'a str>,
}

/// What stands between the rest of a line and its sum.
const BEFORE: &[u8] = b",\"sum\":\"";

/// How many digits a sum has.
const DIGITS: usize = 8;

/// Ends a line: takes the text of an [`EntryRef`], puts the sum into it, and returns the hash of the whole.
pub(super) fn seal(line: &mut Vec<u8>) -> Hash {
    line.pop(); // the brace
    let hasher = Sha256::new_with_prefix(&line);
    let sum = Hash::from_digest(&hasher.clone().finalize());
    let from = line.len();
    line.extend_from_slice(BEFORE);
    line.extend_from_slice(&sum.0[..DIGITS]);
    line.extend_from_slice(b"\"}");
    Hash::from_digest(&hasher.chain_update(&line[from..]).finalize())
}

/// Returns the hash of a line, and whether its sum is right; none where it has no sum at its end.
pub(super) fn proved(line: &[u8]) -> (Hash, Option<bool>) {
    let at = line.len().saturating_sub(BEFORE.len() + DIGITS + 2);
    let (text, end) = line.split_at(at);
    let Some(sum) = end.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(b"\"}")) else {
        return (Hash::of(line), None);
    };
    let hasher = Sha256::new_with_prefix(text);
    let right = Hash::from_digest(&hasher.clone().finalize()).0[..DIGITS] == *sum;
    (Hash::from_digest(&hasher.chain_update(end).finalize()), Some(right))
}

/// Writes bytes as small hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A SHA-256 in small hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hash([u8; 64]);

impl Hash {
    /// Hashes a line without its line end.
    pub(super) fn of(line: &[u8]) -> Self {
        Self::from_digest(&Sha256::digest(line))
    }

    fn from_digest(digest: &[u8]) -> Self {
        let mut hex = [b'0'; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(digest) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
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
