//! Takes an exported file apart into a private folder, trusting nothing in it.
//!
//! Only regular files whose paths are those of a run's folder are written, each once, none outside. As the format knows no
//! compression, what comes out is never larger than what went in. What the manifest says otherwise is told and decides nothing: whoever
//! audits wants to see it all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::block::{BLOCK, Header, Kind, long_path, parse};
use super::{Listed, MANIFEST, Manifest, VERSION};
use crate::journal::RunFolder;

/// The most entries that are taken.
const ENTRIES: u64 = 100_000;
/// The most bytes of a path, and of a manifest.
const PATH: u64 = 4096;
const ABOUT: u64 = 64 << 20;

/// What was in an exported file.
#[derive(Debug)]
pub struct Unpacked {
    /// The run's folder.
    pub folder: RunFolder,
    /// What the file says of itself.
    pub manifest: Manifest,
    /// What is not as its manifest says.
    pub wrong: Vec<String>,
}

/// Why a file cannot be taken apart.
#[derive(Debug)]
pub enum UnpackError {
    /// It cannot be read, or the folder not be written.
    File(io::Error),
    /// It is no export, or a damaged or a made-up one: a few words that stand behind its name.
    NoExport(String),
}

impl fmt::Display for UnpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::NoExport(why) => write!(f, "it {why}"),
        }
    }
}

impl From<io::Error> for UnpackError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::NoExport("was cut off".to_owned()),
            _ => Self::File(error),
        }
    }
}

fn no(why: impl Into<String>) -> UnpackError {
    UnpackError::NoExport(why.into())
}

/// Takes an exported file apart into a folder that is there and empty.
///
/// # Errors
/// [`UnpackError`]: it cannot be read, or it is not what `export` writes.
pub fn unpack(file: &Path, into: &Path) -> Result<Unpacked, UnpackError> {
    let mut input = io::BufReader::with_capacity(1 << 16, File::open(file)?);
    let mut found: BTreeMap<String, Listed> = BTreeMap::new();
    let mut manifest: Option<Manifest> = None;
    let mut top: Option<String> = None;
    let mut entries = 0;
    while let Some((path, size)) = next(&mut input)? {
        entries += 1;
        if entries > ENTRIES {
            return Err(no(format!("has more than {ENTRIES} entries")));
        }
        let (first, inner) = path.split_once('/').ok_or_else(|| no("holds a file outside the run's folder"))?;
        if *top.get_or_insert_with(|| first.to_owned()) != first {
            return Err(no("holds more than one folder"));
        }
        if manifest.is_none() {
            if inner != MANIFEST || size > ABOUT {
                return Err(no("does not begin with its manifest"));
            }
            manifest = Some(read_manifest(&mut input, size, first)?);
            continue;
        }
        let to = place(into, inner).ok_or_else(|| no(format!("holds a path that no run has: {inner}")))?;
        if found.contains_key(inner) {
            return Err(no(format!("holds {inner} twice")));
        }
        let sha256 = copy(&mut input, size, &to)?;
        found.insert(inner.to_owned(), Listed { path: inner.to_owned(), size, sha256 });
    }
    let manifest = manifest.ok_or_else(|| no("is empty"))?;
    let wrong = compare(&manifest, &found);
    Ok(Unpacked { folder: RunFolder::at(into.to_owned()), manifest, wrong })
}

/// Reads up to the next file's text; none at the end.
fn next(input: &mut impl Read) -> Result<Option<(String, u64)>, UnpackError> {
    let Some(header) = read_header(input)? else { return Ok(None) };
    if header.kind == Kind::File {
        return Ok(Some((header.path, header.size)));
    }
    if header.size > PATH {
        return Err(no("has a path that is too long"));
    }
    let records = read_whole(input, header.size)?;
    let path = long_path(&records).map_err(no)?;
    match read_header(input)? {
        Some(Header { kind: Kind::File, size, .. }) => Ok(Some((path, size))),
        Some(_) | None => Err(no("has a long path with no file behind it")),
    }
}

/// Reads a header; none at the two empty blocks behind which there is nothing.
fn read_header(input: &mut impl Read) -> Result<Option<Header>, UnpackError> {
    let mut block = [0; BLOCK];
    input.read_exact(&mut block)?;
    if block.iter().any(|&byte| byte != 0) {
        return parse(&block).map(Some).map_err(no);
    }
    input.read_exact(&mut block)?;
    let more = input.read(&mut [0])?;
    if more > 0 || block.iter().any(|&byte| byte != 0) {
        return Err(no("goes on behind its end"));
    }
    Ok(None)
}

/// Reads the text of a small entry, and what fills its last block.
fn read_whole(input: &mut impl Read, size: u64) -> Result<Vec<u8>, UnpackError> {
    let mut bytes = Vec::new();
    let count = input.take(size).read_to_end(&mut bytes)?;
    if count as u64 != size {
        return Err(no("was cut off"));
    }
    padding(input, size)?;
    Ok(bytes)
}

/// Reads over what fills the last block of an entry: zeros.
fn padding(input: &mut impl Read, size: u64) -> Result<(), UnpackError> {
    let rest = (BLOCK - usize::try_from(size % BLOCK as u64).unwrap_or_default()) % BLOCK;
    let mut fill = [0; BLOCK];
    input.read_exact(&mut fill[..rest])?;
    if fill.iter().any(|&byte| byte != 0) {
        return Err(no("has something between its files"));
    }
    Ok(())
}

fn read_manifest(input: &mut impl Read, size: u64, top: &str) -> Result<Manifest, UnpackError> {
    let bytes = read_whole(input, size)?;
    let version = serde_json::from_slice::<serde_json::Value>(&bytes).ok();
    let version = version.as_ref().and_then(|value| value.get("runsheet_export")).and_then(serde_json::Value::as_u64);
    if let Some(version) = version.filter(|version| *version > u64::from(VERSION)) {
        return Err(no(format!("was written in format {version} by a later runsheet; this one reads up to {VERSION}")));
    }
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| no(format!("has a manifest that cannot be read: {error}")))?;
    if top != format!("runsheet-{}", manifest.run) {
        return Err(no("has a folder that is not named after its run"));
    }
    Ok(manifest)
}

/// The folders that a run has.
const FOLDERS: [&str; 4] = ["transcript", "evidence", "included", "snapshots"];

/// Finds where a path of an export goes; nowhere where no run has such a file.
fn place(into: &Path, inner: &str) -> Option<PathBuf> {
    let plain = |name: &str| {
        !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']) && name.len() <= 255
    };
    match inner.split_once('/') {
        None => {
            let known = inner == "journal.jsonl" || inner == "playbook.yaml" || inner.starts_with("journal.torn-");
            (known && plain(inner)).then(|| into.join(inner))
        }
        Some((folder, name)) => (FOLDERS.contains(&folder) && plain(name)).then(|| into.join(folder).join(name)),
    }
}

/// Copies the text of an entry into a new file, and returns its hash.
fn copy(input: &mut impl Read, size: u64, to: &Path) -> Result<String, UnpackError> {
    if let Some(folder) = to.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let (mut hasher, mut left, mut block) = (Sha256::new(), size, vec![0; 64 << 10]);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        let count = input.read(&mut block[..most])?;
        if count == 0 {
            return Err(no("was cut off"));
        }
        hasher.update(&block[..count]);
        file.write_all(&block[..count])?;
        left -= count as u64;
    }
    padding(input, size)?;
    Ok(super::super::entry::hex(&hasher.finalize()))
}

/// Says where the manifest and what was found differ.
fn compare(manifest: &Manifest, found: &BTreeMap<String, Listed>) -> Vec<String> {
    let mut wrong = Vec::new();
    for listed in &manifest.files {
        match found.get(&listed.path) {
            Some(there) if there == listed => {}
            Some(_) => wrong.push(format!("{} is not as the manifest says", listed.path)),
            None => wrong.push(format!("{} is in the manifest and not in the file", listed.path)),
        }
    }
    let listed: BTreeSet<&str> = manifest.files.iter().map(|listed| listed.path.as_str()).collect();
    let more = found.keys().filter(|path| !listed.contains(path.as_str()));
    wrong.extend(more.map(|path| format!("{path} is not in the manifest")));
    wrong
}
