//! Reads a journal back and checks its chain.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use super::entry::{self, EntryIn, FORMAT, Hash};
use super::writer::Writer;
use crate::engine::{Record, Stamped};

/// A journal that was read to its end.
#[derive(Debug)]
pub struct Journal {
    /// How many records there are.
    pub records: u64,
    /// The hash of the last line.
    pub head: String,
    /// Where a last line that was not written to its end was put, if there was one.
    pub torn: Option<PathBuf>,
    /// How many bytes of such a line are still there: it was only looked at.
    pub tail: usize,
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
        /// Where that line begins, in bytes from 0.
        byte: u64,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::Damaged { path, line, byte, why } => {
                write!(f, "{}:{line}: {why} (the line begins at byte {byte})", path.display())
            }
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
    read_some(path, go_on, u64::MAX, |stamped, _| take(stamped))
}

/// Reads a journal, giving each record to `take` in order with the hash of its line: the head, as it was then. Changes nothing.
///
/// # Errors
/// As [`read`].
pub fn read_heads(path: &Path, mut take: impl FnMut(Stamped, &str)) -> Result<Journal, ReadError> {
    read_some(path, false, u64::MAX, |stamped, hash| take(stamped, hash.as_str()))
}

/// Reads the first records of a journal that somebody else writes to, at most so many; changes nothing.
///
/// # Errors
/// As [`read`], as far as it reads.
pub fn read_first(path: &Path, records: u64, mut take: impl FnMut(Stamped)) -> Result<Journal, ReadError> {
    read_some(path, false, records, |stamped, _| take(stamped))
}

fn read_some(path: &Path, go_on: bool, most: u64, mut take: impl FnMut(Stamped, Hash)) -> Result<Journal, ReadError> {
    let file_error = |error| ReadError::File(path.to_owned(), error);
    let file = OpenOptions::new().read(true).append(go_on).open(path).map_err(file_error)?;
    // Line by line: a long journal is as many bytes in memory as its longest line.
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let (mut prev, mut seq, mut whole, mut last) = (Hash::nothing(), 0, 0, 0);
    let mut bytes = Vec::new();
    // Whether a line had a sum: from then on all have.
    let mut summed = false;
    loop {
        bytes.clear();
        if seq == most || reader.read_until(b'\n', &mut bytes).map_err(file_error)? == 0 {
            break;
        }
        let line = bytes.strip_suffix(b"\n");
        match line.map_or(Err(Wrong::Unended), |line| check(line, seq + 1, prev, summed)) {
            Ok((entry, hash)) => {
                prev = hash;
                summed |= entry.sum.is_some();
                seq += 1;
                last = bytes.len() as u64;
                whole += last;
                take(Stamped { at: entry.at, record: entry.record }, hash);
            }
            Err(wrong) => {
                let mut next = Vec::new();
                reader.read_until(b'\n', &mut next).map_err(file_error)?;
                if next.is_empty() && is_torn(&bytes) {
                    break;
                }
                // Records of one sync reach the disk in any order: the first of them may be a hole, and the next be there.
                if bytes.windows(HOLE.len()).any(|part| part == HOLE) {
                    let mut rest = next.clone();
                    reader.read_to_end(&mut rest).map_err(file_error)?;
                    if !proves(&rest, seq + 1) {
                        bytes.extend_from_slice(&rest);
                        break;
                    }
                }
                let (line, why) = wrong.told(seq + 1, &bytes, &next);
                let byte = if line > seq { whole } else { whole - last };
                return Err(ReadError::Damaged { path: path.to_owned(), line, byte, why });
            }
        }
    }
    let head = prev.as_str().to_owned();
    let mut journal = Journal { records: seq, head, torn: None, tail: bytes.len(), writer: None };
    if go_on {
        let mut file = reader.into_inner();
        if !bytes.is_empty() {
            journal.torn = Some(put_aside(path, &bytes).map_err(file_error)?);
            journal.tail = 0;
            file.set_len(whole).map_err(file_error)?;
            file.sync_all().map_err(file_error)?;
        }
        file.seek(SeekFrom::End(0)).map_err(file_error)?;
        journal.writer = Some(Writer::at_end(file, seq, prev));
    }
    Ok(journal)
}

/// Says whether the last line was not written to its end: what is there is no complete JSON, or lacks only its line end.
///
/// A complete record with something behind it is none: there a line end was changed.
fn is_torn(bytes: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => values.byte_offset() == bytes.len(),
        Some(Err(_)) | None => true,
    }
}

/// What a sector that never reached the disk looks like; far more than any change of a byte makes.
const HOLE: [u8; 64] = [0; 64];

/// Says whether a line among these was written when a record of this number was known to be on disk.
fn proves(lines: &[u8], seq: u64) -> bool {
    let lines = lines.split(|&byte| byte == b'\n');
    let mut entries = lines.filter_map(|line| serde_json::from_slice::<EntryIn<'_>>(line).ok());
    entries.any(|entry| entry.sure.is_some_and(|sure| sure >= seq))
}

/// What is wrong with a line.
enum Wrong {
    /// It has no line end.
    Unended,
    /// It is no UTF-8.
    NoText,
    /// It is no record.
    NoRecord(serde_json::Error),
    /// It has the number of another.
    Number(u64),
    /// The line before it is not the one that it was written behind.
    Chain,
    /// It is not what its own sum says.
    Sum,
    /// It is of a later format.
    Format(u32),
}

impl Wrong {
    /// Tells the line to look at, and why. `line` is the one at which it showed, `next` the one behind.
    fn told(self, at: u64, line: &[u8], next: &[u8]) -> (u64, String) {
        let why = match self {
            Self::Unended => "ends in the middle of a line, but not as a write that was cut off would".to_owned(),
            Self::NoText => "not a record: it holds bytes that are no text".to_owned(),
            Self::NoRecord(error) => format!("not a record: {error}"),
            Self::Sum => "was changed: it is not what its own sum says".to_owned(),
            Self::Number(seq) => format!("record {seq} stands where record {at} should"),
            Self::Format(format) => {
                format!("written in format {format} by a later runsheet; this one reads up to {FORMAT}")
            }
            Self::Chain => {
                // The line behind knows whether this one is as it was written; if not, it is this one's `prev` that
                // was changed, else the line before.
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let behind = serde_json::from_slice::<EntryIn<'_>>(next).ok();
                let intact = behind.is_none_or(|behind| behind.prev == Hash::of(line).as_str());
                if intact && at > 1 {
                    return (at - 1, format!("was changed: its hash is not the one that line {at} was written behind"));
                }
                "its hash of the line before is not the hash of the line before".to_owned()
            }
        };
        (at, why)
    }
}

fn check(line: &[u8], seq: u64, prev: Hash, summed: bool) -> Result<(EntryIn<'_>, Hash), Wrong> {
    // As a whole: what the record has no field for would be passed over unread.
    let text = std::str::from_utf8(line).map_err(|_| Wrong::NoText)?;
    let entry: EntryIn<'_> = serde_json::from_str(text).map_err(Wrong::NoRecord)?;
    let (hash, right) = entry::proved(line);
    // A sum elsewhere than at the end is none, and one that is missing behind others was taken away.
    if right == Some(false) || right.is_some() != entry.sum.is_some() || (summed && right.is_none()) {
        return Err(Wrong::Sum);
    }
    if entry.seq != seq {
        return Err(Wrong::Number(entry.seq));
    }
    if entry.prev != prev.as_str() {
        return Err(Wrong::Chain);
    }
    match &entry.record {
        Record::Begun(begun) if begun.format > FORMAT => Err(Wrong::Format(begun.format)),
        // Only the first record tells the format.
        _ => Ok((entry, hash)),
    }
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
                // The copy has its name on disk before the journal loses what it is a copy of.
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
                return Ok(aside);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}
