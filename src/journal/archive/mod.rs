//! A run as one file: a plain `tar`, the same bytes for the same folder, whoever writes it and whenever.
//!
//! Its first entry is `manifest.json`, with the size and the SHA-256 of every other. It holds regular files only, in one folder
//! named after the run; so any `tar` can take it apart. Reading one back is the work of [`unpack`], which trusts nothing in it. What
//! must stay true: never the vault, never the lock or the socket; nothing is written outside the folder that was given.

mod block;
mod read;
#[cfg(test)]
mod tests;
mod write;

use serde::{Deserialize, Serialize};

pub use read::{UnpackError, Unpacked, unpack};
pub use write::{Member, members, pack};

/// The newest version of the format that this program reads, and the one that it writes.
const VERSION: u32 = 1;

/// The name of the manifest in the file.
const MANIFEST: &str = "manifest.json";

/// What an exported file says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the format: 1.
    pub runsheet_export: u32,
    /// The run's id.
    pub run: String,
    /// The playbook's title.
    pub title: String,
    /// How the run ended.
    pub state: String,
    /// How many records its journal has.
    pub records: u64,
    /// The hash of the last of them.
    pub head: String,
    /// The version of the program that exported it.
    pub program: String,
    /// Every file, by path.
    pub files: Vec<Listed>,
}

/// A file in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its path in the run's folder, with `/`.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, in small hex.
    pub sha256: String,
}
