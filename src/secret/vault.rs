//! The vault's file: what is in it, and how it is replaced.
//!
//! Inside the age envelope stands one JSON object, so that an operator who opens it with `age -d` can read it:
//! `{"vault":1,"fingerprint_key":…,"secrets":[{"name":…,"value":…},…]}`, the key in base64, oldest secret first; of two entries with one name the later one counts.
//! What must stay true: after a crash at any moment the file is the old one or the new one, whole; its text is on disk
//! before [`write`] returns; nobody but the owner can read it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Identity, Secret};

/// The version of the format.
const VERSION: u32 = 1;

/// The most bytes that room is set aside for beyond what the vault has now. A capture may be larger; then what is free
/// when it comes must do.
const WORST: u64 = 1 << 20;

#[derive(Serialize)]
struct Written<'a> {
    vault: u32,
    fingerprint_key: &'a str,
    secrets: Vec<WrittenEntry<'a>>,
}

#[derive(Serialize)]
struct WrittenEntry<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Deserialize)]
struct Read {
    vault: u32,
    /// Earlier versions had none.
    #[serde(default)]
    fingerprint_key: Option<String>,
    secrets: Vec<ReadEntry>,
}

#[derive(Deserialize)]
struct ReadEntry {
    name: String,
    value: String,
}

/// What is in a vault.
#[derive(Default)]
pub(super) struct Content {
    /// The secrets, oldest first.
    pub(super) entries: Vec<(String, Secret)>,
    /// The key of the run's fingerprints, in base64; none in one that an earlier version made.
    pub(super) key: Option<Secret>,
}

/// Reads a vault; one that is not there yet is empty.
pub(super) fn read(path: &Path, identity: &Identity) -> Result<Content, String> {
    let shown = path.display();
    let sealed = match fs::read(path) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::default()),
        Err(error) => return Err(format!("the vault {shown} cannot be read: {error}")),
    };
    let plain = identity.open(&sealed).map_err(|error| {
        format!(
            "the vault {shown} does not open with the key {}: {error}; use the key it was made with",
            identity.public()
        )
    })?;
    // the error's own text could quote a value
    let read: Read = serde_json::from_slice(&plain)
        .map_err(|error| format!("the vault {shown} is damaged inside, at byte {} of its text", error.column()))?;
    if read.vault != VERSION {
        return Err(format!("the vault {shown} has format {}; this runsheet reads format {VERSION}", read.vault));
    }
    let entries = read.secrets.into_iter().map(|entry| (entry.name, Secret::new(entry.value))).collect();
    Ok(Content { entries, key: read.fingerprint_key.map(Secret::new) })
}

/// Replaces a vault.
pub(super) fn write(
    path: &Path,
    identity: &Identity,
    key: &Secret,
    entries: &[(String, Secret)],
) -> Result<(), String> {
    let sealed = identity.seal(&text_of(key, entries)?)?;
    replace(path, &sealed).map_err(|error| format!("the vault {} cannot be written: {error}", path.display()))
}

/// Deletes a vault, and what a crash may have left of writing it.
pub(super) fn delete(path: &Path) -> Result<(), String> {
    for file in [beside(path), path.to_owned()] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(format!("the vault {} cannot be deleted: {error}; delete it by hand", file.display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    sync_folder(path).map_err(|error| format!("the vault {} may come back after a power loss: {error}", path.display()))
}

fn text_of(key: &Secret, entries: &[(String, Secret)]) -> Result<Zeroizing<Vec<u8>>, String> {
    let secrets = entries.iter().map(|(name, secret)| WrittenEntry { name, value: secret.expose() });
    let written = Written { vault: VERSION, fingerprint_key: key.expose(), secrets: secrets.collect() };
    // room for every character as \uXXXX: a buffer that grows leaves copies of secrets behind
    let room = entries.iter().map(|(name, secret)| 6 * (name.len() + secret.expose().len()) + 32).sum::<usize>() + 128;
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *text, &written).map_err(|_| "the vault's text cannot be made".to_owned())?;
    Ok(text)
}

/// Sets room on the disk aside for the next write of a vault: as much as it has now, and what a step may add at its worst.
///
/// # Errors
/// Why there is no room: a sentence for the operator. The vault is as it was.
pub(super) fn reserve(path: &Path) -> Result<(), String> {
    let now = fs::metadata(path).map_or(0, |about| about.len());
    let wanted = now.saturating_add(WORST);
    let told = |why: String| format!("the vault {} has no room: {why}", path.display());
    let file = open_new(path).map_err(|error| told(error.to_string()))?;
    match fallocate(&file, FallocateFlags::KEEP_SIZE, 0, wanted) {
        Ok(()) => Ok(()),
        // Some file systems cannot set room aside; what is free now must do there.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
            let free = fstatvfs(&file).map_err(|error| told(error.to_string()))?;
            let room = free.f_bavail.saturating_mul(free.f_frsize);
            if room >= wanted { Ok(()) } else { Err(told(format!("{room} bytes are free, {wanted} needed"))) }
        }
        Err(error) => Err(told(error.to_string())),
    }
}

/// Opens the file that will become the vault. It is not emptied: room may have been set aside for it.
fn open_new(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(beside(path))?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path);
    let mut file = open_new(path)?;
    file.write_all(bytes)?;
    // What a crash left may have been longer; and this gives back the room that is not needed.
    file.set_len(bytes.len() as u64)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path)
}

/// The name that the new file has until it is whole. Fixed: the next write takes the place of what a crash left.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn key() -> Secret {
        secret("CANARY-key")
    }

    #[test]
    fn one_of_an_earlier_version_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.age");
        let identity = Identity::passing();
        let text = r#"{"vault":1,"secrets":[{"name":"a","value":"CANARY-old"}]}"#;
        fs::write(&path, identity.seal(text.as_bytes()).unwrap()).unwrap();
        let content = read(&path, &identity).unwrap();
        assert_eq!(content.entries[0].1.expose(), "CANARY-old");
        assert!(content.key.is_none());
    }

    #[test]
    fn gives_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.age");
        let identity = Identity::passing();
        assert!(read(&path, &identity).unwrap().entries.is_empty());
        let entries = vec![
            ("first".to_owned(), secret("CANARY-one\"\\\n\u{1}é")),
            ("second".to_owned(), secret("CANARY-two")),
            ("first".to_owned(), secret("CANARY-three")),
        ];
        write(&path, &identity, &key(), &entries).unwrap();
        let back = read(&path, &identity).unwrap();
        assert_eq!(back.key.unwrap().expose(), key().expose());
        let back = back.entries;
        let texts = |entries: &[(String, Secret)]| {
            entries.iter().map(|(name, secret)| (name.clone(), secret.expose().to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(texts(&back), texts(&entries));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        delete(&path).unwrap();
        delete(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_crash_left_is_not_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.age");
        let identity = Identity::passing();
        write(&path, &identity, &key(), &[("name".to_owned(), secret("CANARY-old"))]).unwrap();
        fs::write(beside(&path), "half a vau").unwrap();
        assert_eq!(read(&path, &identity).unwrap().entries[0].1.expose(), "CANARY-old");
        write(&path, &identity, &key(), &[("name".to_owned(), secret("CANARY-new"))]).unwrap();
        assert_eq!(read(&path, &identity).unwrap().entries[0].1.expose(), "CANARY-new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn messages_name_the_file_and_never_a_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.age");
        let identity = Identity::passing();
        write(&path, &identity, &key(), &[("name".to_owned(), secret("CANARY-text"))]).unwrap();
        let told = read(&path, &Identity::passing()).err().unwrap();
        assert!(told.contains("vault.age does not open with the key age1"), "{told}");
        for inside in [r#"{"vault":1,"secrets":["CANARY-text"]}"#, r#"{"vault":2,"secrets":[]}"#, "CANARY-text"] {
            fs::write(&path, identity.seal(inside.as_bytes()).unwrap()).unwrap();
            let told = read(&path, &identity).err().unwrap();
            assert!(told.contains("vault.age") && !told.contains("CANARY"), "{told}");
        }
        fs::write(&path, "no age file").unwrap();
        assert!(read(&path, &identity).is_err());
        assert!(write(&folder.path().join("missing/vault.age"), &identity, &key(), &[]).is_err());
    }
}
