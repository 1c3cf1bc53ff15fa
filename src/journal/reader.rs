//! Reads a journal back and checks its chain.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use memchr::memchr;

use super::entry::{Entry, NOTHING_BEFORE, hash};
use super::writer::Writer;
use crate::engine::Stamped;

/// A journal that was read to its end.
#[derive(Debug)]
pub struct Journal {
    /// How many records there are.
    pub records: u64,
    /// The hash of the last line.
    pub head: String,
    /// Where a last line that was not written to its end was put, if there was one.
    pub torn: Option<PathBuf>,
    /// The end of the journal, to go on from.
    pub writer: Option<Writer>,
}

/// Why a journal cannot be read.
#[derive(Debug)]
pub enum ReadError {
    /// The file cannot be read.
    File(PathBuf, std::io::Error),
    /// A line is not what was written.
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::Damaged { path, line, why } => write!(f, "{}:{line}: {why}", path.display()),
        }
    }
}

/// Reads a journal, giving each record to `take` in order.
///
/// With `go_on`, a torn last line is cut off (and kept beside the journal) and [`Journal::writer`] is there to append;
/// without it nothing is changed.
///
/// # Errors
/// [`ReadError`]: the file cannot be read, or a line other than a torn last one is damaged.
pub fn read(path: &Path, go_on: bool, mut take: impl FnMut(Stamped)) -> Result<Journal, ReadError> {
    let file_error = |error| ReadError::File(path.to_owned(), error);
    let mut file = OpenOptions::new().read(true).append(go_on).open(path).map_err(file_error)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(file_error)?;

    let mut prev = NOTHING_BEFORE.to_owned();
    let (mut seq, mut start) = (0, 0);
    while let Some(length) = memchr(b'\n', &bytes[start..]) {
        let line = &bytes[start..start + length];
        match check(line, seq + 1, &prev) {
            Ok(entry) => {
                prev = hash(line);
                seq += 1;
                take(Stamped { at: entry.at, record: entry.record });
                start += length + 1;
            }
            // A write that did not come to its end has nothing behind it, and is no JSON.
            Err(_) if start + length + 1 == bytes.len() && !is_whole(line) => break,
            Err(why) => return Err(ReadError::Damaged { path: path.to_owned(), line: seq + 1, why }),
        }
    }
    let mut journal = Journal { records: seq, head: prev.clone(), torn: None, writer: None };
    if go_on {
        if start < bytes.len() {
            journal.torn = Some(put_aside(path, &bytes[start..]).map_err(file_error)?);
            file.set_len(start as u64).map_err(file_error)?;
            file.sync_all().map_err(file_error)?;
        }
        file.seek(SeekFrom::End(0)).map_err(file_error)?;
        journal.writer = Some(Writer::at_end(file, seq, prev));
    }
    Ok(journal)
}

/// Says whether a line is complete JSON, so that it was written whole and changed later, not torn.
fn is_whole(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

fn check(line: &[u8], seq: u64, prev: &str) -> Result<Entry, String> {
    let entry: Entry = serde_json::from_slice(line).map_err(|error| format!("not a record: {error}"))?;
    if entry.prev != prev {
        return Err("the line before this one was changed: its hash is not the one that stands here".to_owned());
    }
    if entry.seq != seq {
        return Err(format!("record {} stands where record {seq} should", entry.seq));
    }
    Ok(entry)
}

/// Keeps a copy of what is cut off.
fn put_aside(path: &Path, bytes: &[u8]) -> std::io::Result<PathBuf> {
    let mut number = 1;
    loop {
        let aside = path.with_extension(format!("torn-{number}"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside) {
            Ok(mut file) => {
                file.write_all(bytes)?;
                file.sync_all()?;
                return Ok(aside);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}
