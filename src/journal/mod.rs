//! The journal: the records of a run on disk, and the folder that they live in.
//!
//! One record is one line of JSON in `journal.jsonl`, with a number, and the SHA-256 of the line before it, so that any
//! change of an earlier line shows. A line that was not written to its end (the machine died) is cut off when the run is
//! read again and kept beside it; damage anywhere else stops the reading and is told with its place.

pub mod archive;
mod entry;
mod lock;
mod place;
mod reader;
mod writer;

pub use entry::Entry;
pub use lock::{Holder, Lock, LockError};
pub use place::{Place, RunFolder, Summary};
pub use reader::{Journal, ReadError, read, read_first, read_heads};
pub use writer::Writer;

use crate::engine::Stamped;

/// Where records go.
pub trait Log: Send {
    /// Writes a record down; it is safe only after [`Log::sync`].
    ///
    /// # Errors
    /// A sentence that says what could not be written.
    fn append(&mut self, stamped: &Stamped) -> Result<(), String>;

    /// Returns once everything appended is on disk.
    ///
    /// # Errors
    /// A sentence that says what could not be written. Nothing may be appended after that.
    fn sync(&mut self) -> Result<(), String>;

    /// Sets room on the disk aside for all that a step may come to, before one begins that cannot be undone.
    ///
    /// # Errors
    /// A sentence that says why there is no room. The log is as sound as it was.
    fn reserve(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// A log that keeps nothing: for a dry run.
#[derive(Debug)]
pub struct Nowhere;

impl Log for Nowhere {
    fn append(&mut self, _stamped: &Stamped) -> Result<(), String> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), String> {
        Ok(())
    }
}
