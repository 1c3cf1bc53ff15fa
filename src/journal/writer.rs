//! Appends records: one write each, and a sync that covers all since the last one.
//!
//! After a failed write or sync nothing more is written: what the kernel kept of the failed part is not known, and a
//! second sync that succeeds would prove nothing (the lesson of `PostgreSQL`'s fsync of 2018).

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Log;
use super::entry::{EntryRef, Hash};
use crate::engine::Stamped;
use crate::output;

/// The open end of a journal.
#[derive(Debug)]
pub struct Writer {
    file: File,
    seq: u64,
    prev: Hash,
    line: Vec<u8>,
    dirty: bool,
    failed: Option<String>,
}

impl Writer {
    /// Makes a new journal. The caller syncs the folder.
    pub(super) fn create(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self::at_end(file, 0, Hash::nothing()))
    }

    /// Goes on behind the last record that was read.
    pub(super) fn at_end(file: File, seq: u64, prev: Hash) -> Self {
        Self { file, seq, prev, line: Vec::new(), dirty: false, failed: None }
    }

    /// Returns the hash of the last line: the head, which stands for everything before it.
    #[must_use]
    pub fn head(&self) -> &str {
        self.prev.as_str()
    }

    fn try_append(&mut self, stamped: &Stamped) -> Result<(), String> {
        let entry = EntryRef { seq: self.seq + 1, at: stamped.at, record: &stamped.record, prev: self.prev.as_str() };
        self.line.clear();
        let line = serde_json::to_string(&entry).map_err(|error| error.to_string())?;
        self.line.extend_from_slice(output::json(&line).as_bytes());
        let head = Hash::of(&self.line);
        self.line.push(b'\n');
        self.file.write_all(&self.line).map_err(|error| error.to_string())?;
        self.seq += 1;
        self.prev = head;
        self.dirty = true;
        Ok(())
    }

    fn guard(&mut self, result: Result<(), String>) -> Result<(), String> {
        result.map_err(|why| {
            let told = format!("the journal cannot be written: {why}");
            self.failed = Some(told.clone());
            told
        })
    }
}

impl Log for Writer {
    fn append(&mut self, stamped: &Stamped) -> Result<(), String> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let result = self.try_append(stamped);
        self.guard(result)
    }

    fn sync(&mut self) -> Result<(), String> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        if !self.dirty {
            return Ok(());
        }
        self.dirty = false;
        let result = self.file.sync_data().map_err(|error| error.to_string());
        self.guard(result)
    }
}
