//! Holds the files in a run's folder against what the journal says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::named::Named;
use super::trail::Trail;
use super::{Check, Part};
use crate::engine::{Begun, Written};
use crate::journal::RunFolder;
use crate::secret::sealed;
use crate::words;

/// Holds the playbook's texts against their hashes, and says whether they are those of the run.
pub(super) fn playbook(folder: &RunFolder, begun: Option<&Begun>, unread: Option<&String>) -> (Check, bool) {
    let mut check = Check::new(Part::Playbook);
    let Some(begun) = begun else {
        "not judged: the journal does not say which it was".clone_into(&mut check.said);
        return (check, false);
    };
    match fs::read(folder.playbook()) {
        Ok(text) if hash(&text) == begun.sha256 => {}
        Ok(_) => check.wrong.push("playbook.yaml is not the text that the run began with".to_owned()),
        Err(error) => check.wrong.push(format!("playbook.yaml cannot be read: {error}")),
    }
    match folder.read_included() {
        Ok(texts) => included(begun, &texts, &mut check),
        Err(error) => check.wrong.push(format!("the texts of what it includes cannot be read: {error}")),
    }
    let same = check.wrong.is_empty();
    let more = begun.included.len();
    let with = if more == 0 { String::new() } else { format!(", with {more} that it includes") };
    check.said = if same {
        format!("the text that the run began with, by its SHA-256{with}")
    } else {
        "not the text that the run began with".to_owned()
    };
    if same && let Some(why) = unread {
        check.noted.push(format!("this runsheet cannot read it any more: {why}"));
    }
    (check, same)
}

fn included(begun: &Begun, texts: &BTreeMap<String, String>, check: &mut Check) {
    for (path, sha256) in &begun.included {
        match texts.get(path) {
            Some(text) if hash(text.as_bytes()) == *sha256 => {}
            Some(_) => check.wrong.push(format!("{path}, which it includes, is not the text that the run began with")),
            None => check.wrong.push(format!("the text of {path}, which it includes, is missing")),
        }
    }
    for path in texts.keys().filter(|path| !begun.included.contains_key(*path)) {
        check.wrong.push(format!("there is a text of {path}, which the run did not include"));
    }
}

/// Holds the transcripts against what is on record of them.
pub(super) fn transcripts(folder: &RunFolder, named: &Named) -> Check {
    let mut check = Check::new(Part::Transcripts);
    let there = listed(&folder.transcript());
    let (mut held, mut unvouched) = (0, 0);
    for (name, transcript) in &named.transcripts {
        match (there.contains(name), transcript.by) {
            (false, Some(by)) => check.wrong.push(format!("{name} is missing, which record {by} speaks of")),
            (true, _) if transcript.held.is_empty() => unvouched += 1,
            (true, _) => match holds(&folder.transcript().join(name), &transcript.held) {
                Ok(()) => held += 1,
                Err(why) => check.wrong.push(format!("{name} {why}")),
            },
            (false, None) => {}
        }
    }
    for name in there.iter().filter(|name| !named.transcripts.contains_key(*name)) {
        check.wrong.push(format!("{name} is of no attempt that the record knows"));
    }
    check.said = match (held, unvouched) {
        (0, 0) => "none".to_owned(),
        (0, _) => "their text is not on record".to_owned(),
        (held, _) => format!("{held}, each as it was when its command ended"),
    };
    if unvouched > 0 {
        let files = words::count(unvouched, "transcript", "transcripts");
        check.noted.push(format!(
            "{files} that the record says nothing of: the end of the command was not seen, or an early version wrote it"
        ));
    }
    check
}

/// Holds a file against each state of it that is on record: it only grew.
fn holds(path: &Path, held: &[Written]) -> Result<(), String> {
    let mut marks: Vec<&Written> = held.iter().collect();
    marks.sort_by_key(|mark| mark.size);
    let unread = |error: io::Error| format!("cannot be read: {error}");
    let mut file = File::open(path).map_err(unread)?;
    let (mut hasher, mut at) = (Sha256::new(), 0);
    for mark in marks {
        let got = feed(&mut file, &mut hasher, mark.size - at).map_err(unread)?;
        at += got;
        if at < mark.size {
            return Err(format!("has {at} bytes, and had {}: it was cut off, or a power loss took its end", mark.size));
        }
        if hex(&hasher.clone().finalize()) != mark.sha256 {
            return Err(format!("was changed within its first {} bytes", mark.size));
        }
    }
    match feed(&mut file, &mut hasher, 1).map_err(unread)? {
        0 => Ok(()),
        _ => Err(format!("goes on behind the {at} bytes that it had")),
    }
}

/// Feeds up to so many bytes of a file, and says how many there were.
fn feed(file: &mut File, hasher: &mut Sha256, bytes: u64) -> io::Result<u64> {
    let mut block = [0; 16 << 10];
    let mut left = bytes;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        match file.read(&mut block[..most])? {
            0 => break,
            count => {
                hasher.update(&block[..count]);
                left -= count as u64;
            }
        }
    }
    Ok(bytes - left)
}

/// Holds the sealed copies against what is on record of them.
pub(super) fn copies(folder: &RunFolder, named: &Named) -> Check {
    let mut check = Check::new(Part::Copies);
    let there = listed(&folder.snapshots());
    let (mut whole, mut unvouched) = (0, 0);
    for (name, copy) in &named.copies {
        let bytes = match fs::read(folder.snapshots().join(name)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                check.wrong.push(format!("{name} is missing, the copy of {} of record {}", copy.of, copy.by));
                continue;
            }
            Err(error) => {
                check.wrong.push(format!("{name} cannot be read: {error}"));
                continue;
            }
        };
        match (&copy.sha256, sealed::whole(&bytes, copy.size)) {
            (Some(sha256), _) if hash(&bytes) != *sha256 => {
                check.wrong.push(format!("{name} was changed, the copy of {} of record {}", copy.of, copy.by));
            }
            (_, Err(why)) => check.wrong.push(format!("{name} {why}")),
            (Some(_), Ok(())) => whole += 1,
            (None, Ok(())) => {
                whole += 1;
                unvouched += 1;
            }
        }
    }
    check.said = match whole {
        0 => "none".to_owned(),
        whole => format!("{whole}, all there and whole; what is in them only the operator's key shows"),
    };
    if unvouched > 0 {
        let copies = words::count(unvouched, "copy", "copies");
        check.noted.push(format!(
            "{copies} whose bytes are not on record, as an early version wrote it: their length is right"
        ));
    }
    for name in there.iter().filter(|name| !named.copies.contains_key(*name)) {
        if named.stems.iter().any(|stem| name.starts_with(stem.as_str())) {
            check.noted.push(format!("{name} is spoken of by no record: the program died before it was written down"));
        } else {
            check.wrong.push(format!("{name} is of no attempt that the record knows"));
        }
    }
    check
}

/// Holds the attachments against what is on record of them.
pub(super) fn evidence(folder: &RunFolder, named: &Named) -> Check {
    let mut check = Check::new(Part::Evidence);
    let there = listed(&folder.evidence());
    for (name, attachment) in &named.evidence {
        if !there.contains(name) {
            check.wrong.push(format!("{name} is missing, which record {} speaks of", attachment.by));
        } else if let Err(why) = holds(&folder.evidence().join(name), std::slice::from_ref(&attachment.held)) {
            check.wrong.push(format!("{name} {why}"));
        }
    }
    check.said = match named.evidence.len() {
        0 => "no file was given".to_owned(),
        many => format!("{}, by the SHA-256 on record", words::count(many, "file", "files")),
    };
    for name in there.iter().filter(|name| !named.evidence.contains_key(*name)) {
        check.wrong.push(format!("{name} is spoken of by no record: nothing says who put it there"));
    }
    check
}

/// What may stand in a run's folder, beside its journal and its playbook.
const KNOWN: [&str; 7] = ["playbook.yaml", "journal.jsonl", "transcript", "snapshots", "evidence", "included", "lock"];

/// Names whatever is in the folder that no record speaks of.
pub(super) fn others(folder: &RunFolder, trail: &Trail) -> Check {
    let mut check = Check::new(Part::Files);
    let names = all_names(folder.path());
    for (name, plain) in &names {
        let torn = name.starts_with("journal.torn-");
        match name.as_str() {
            "vault.age" | "vault.age.new" if trail.end.is_some() => {
                check
                    .noted
                    .push(format!("{name} is still there, although the run is over: `runsheet doctor` says more"));
            }
            "vault.age" | "vault.age.new" | "host.sock" => {}
            _ if torn || KNOWN.contains(&name.as_str()) => {
                if !plain {
                    check.wrong.push(format!("{name} is a link, or something else that no file or folder is"));
                }
            }
            _ => check.wrong.push(format!("{name} is of no run: nothing says who put it there")),
        }
    }
    for (inner, folder) in inner_folders(folder) {
        for (name, plain) in all_names(&folder) {
            if !plain || folder.join(&name).is_dir() {
                check.wrong.push(format!("{inner}/{name} is no file"));
            }
        }
    }
    let some = if check.wrong.is_empty() { "none" } else { "some" };
    check.said = format!("{some} that {} not belong here", if check.wrong.is_empty() { "does" } else { "do" });
    check
}

/// The folders within a run's that hold files and nothing else.
fn inner_folders(folder: &RunFolder) -> [(&'static str, PathBuf); 3] {
    [("transcript", folder.transcript()), ("snapshots", folder.snapshots()), ("evidence", folder.evidence())]
}

/// Lists what is in a folder, with whether each is a file or a folder and no link.
fn all_names(folder: &Path) -> Vec<(String, bool)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<(String, bool)> = entries
        .map(|entry| {
            let plain = entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_dir());
            (entry.file_name().to_string_lossy().into_owned(), plain)
        })
        .collect();
    names.sort();
    names
}

/// Lists the files in a folder.
fn listed(folder: &Path) -> BTreeSet<String> {
    all_names(folder).into_iter().map(|(name, _)| name).collect()
}

fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
