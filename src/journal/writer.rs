//! Appends records: one write each, and a sync that covers all since the last one; and room on the disk ahead of them.
//!
//! After a failed write or sync nothing more is written: what the kernel kept of the failed part is not known, and a
//! second sync that succeeds would prove nothing (the lesson of `PostgreSQL`'s fsync of 2018).

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::Log;
use super::entry::{self, EntryRef, Hash};
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
    /// How far the disk has room set aside behind the end, in bytes from the beginning; the file's length says nothing of it.
    reserved: u64,
}

/// The records of one step at their worst: its end with what it said and captured, what its probes answered, and the
/// records of stopping there.
const WORST: u64 = 1 << 20;

impl Writer {
    /// Makes a new journal. The caller syncs the folder.
    pub(super) fn create(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self::at_end(file, 0, Hash::nothing()))
    }

    /// Goes on behind the last record that was read. Who wrote that may have died before it was on disk, so it counts as
    /// not synced yet.
    pub(super) fn at_end(file: File, seq: u64, prev: Hash) -> Self {
        Self { file, seq, prev, line: Vec::new(), dirty: seq > 0, failed: None, reserved: 0 }
    }

    /// Returns the hash of the last line: the head, which stands for everything before it.
    #[must_use]
    pub fn head(&self) -> &str {
        self.prev.as_str()
    }

    fn try_append(&mut self, stamped: &Stamped) -> Result<(), String> {
        let entry = EntryRef {
            seq: self.seq + 1,
            at: stamped.at,
            record: &stamped.record,
            prev: self.prev.as_str(),
            // What is behind this may be torn all the same; what is before it may not.
            sure: (!self.dirty && self.seq > 0).then_some(self.seq),
        };
        self.line.clear();
        let line = serde_json::to_string(&entry).map_err(|error| error.to_string())?;
        self.line.extend_from_slice(output::json(&line).as_bytes());
        let head = entry::seal(&mut self.line);
        self.line.push(b'\n');
        self.file.write_all(&self.line).map_err(|error| error.to_string())?;
        self.seq += 1;
        self.prev = head;
        self.dirty = true;
        Ok(())
    }

    /// Sets room aside behind the end, without changing the file's length: a reader sees records only.
    fn try_reserve(&mut self) -> Result<(), String> {
        let length = self.file.metadata().map_err(|error| error.to_string())?.len();
        let wanted = length.saturating_add(WORST);
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, length, WORST) {
            Ok(()) => {
                self.reserved = wanted;
                Ok(())
            }
            // Some file systems cannot set room aside; what is free now must do there.
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                let free = rustix::fs::fstatvfs(&self.file).map_err(|error| error.to_string())?;
                let room = free.f_bavail.saturating_mul(free.f_frsize);
                if room >= WORST {
                    Ok(())
                } else {
                    Err(format!("no space left: {room} bytes are free, {WORST} needed"))
                }
            }
            Err(error) => Err(error.to_string()),
        }
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
    fn reserve(&mut self) -> Result<(), String> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        // Nothing was written, so a refusal here leaves the journal as sound as it was.
        self.try_reserve().map_err(|why| format!("the journal has no room: {why}"))
    }
}

impl Drop for Writer {
    /// Gives back the room that was set aside and not used.
    fn drop(&mut self) {
        if self.reserved > 0
            && self.failed.is_none()
            && let Ok(metadata) = self.file.metadata()
        {
            // To the length that it has: that frees what lies behind. Where it does not, some room is wasted, no more.
            let _ = self.file.set_len(metadata.len());
        }
    }
}
