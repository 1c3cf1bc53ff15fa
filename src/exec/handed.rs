//! Files and descriptors with secrets in them, for the one program that is given them.
//!
//! A file stands in a folder of its own on storage that is memory, and is gone with its program, the folder too. A folder
//! is locked for as long as the process that made it lives, whatever becomes of that: so a later process can tell what a
//! dead one left, and removes it. What must stay true: nobody but their owner can read them at any moment, whatever the
//! umask; nothing goes to a disk, and where there is no memory to put it in, that is an error. Wiping is not promised.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, MemfdFlags, SealFlags};

use super::memory::{self, memory_place};
use crate::secret::Secret;

/// What the names of folders begin with. Nothing else may have names that begin so: it would be removed as a leftover.
const PREFIX: &str = "runsheet-env-";

/// The lowest number of a descriptor that is handed down: those below are what scripts use for their own.
const LOWEST: i32 = 10;

/// The files of one program; gone when it is dropped.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    /// Held locked: it tells others that we live.
    _lock: File,
}

impl Files {
    /// Makes a folder for the files of a program.
    ///
    /// # Errors
    /// When there is no memory to put it in: a sentence.
    pub(super) fn new() -> Result<Self, String> {
        Self::under(memory_place())
    }

    fn under(place: Option<PathBuf>) -> Result<Self, String> {
        let Some(place) = place else {
            return Err(
                "there is no place in memory for a file with a secret: neither XDG_RUNTIME_DIR nor /dev/shm is \
                        one; say `fd` in place of `file`, or mount a tmpfs at /dev/shm"
                    .to_owned(),
            );
        };
        // Between making and locking, somebody else may take it for a leftover and remove it.
        let made = (0..10).find_map(|_| Self::make(&place).transpose());
        let failed = |why: &str| format!("a file with a secret cannot be made in {}: {why}", place.display());
        match made {
            Some(made) => made.map_err(|error| failed(&error.to_string())),
            None => Err(failed("its folder is removed again and again")),
        }
    }

    /// Makes a folder and locks it; none when it was removed before it was locked.
    fn make(place: &Path) -> io::Result<Option<Self>> {
        memory::make_place(place)?;
        let mode = Permissions::from_mode(0o700);
        let folder = match tempfile::Builder::new().prefix(PREFIX).permissions(mode).tempdir_in(place) {
            Ok(folder) => folder.keep(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // Whatever the umask took away.
        let ours = fs::set_permissions(&folder, Permissions::from_mode(0o700)).and_then(|()| File::open(&folder));
        let locked = ours.and_then(|lock| {
            rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
            let (held, there) = (lock.metadata()?, fs::symlink_metadata(&folder)?);
            Ok(((held.dev(), held.ino()) == (there.dev(), there.ino())).then_some(lock))
        });
        match locked {
            Ok(Some(lock)) => Ok(Some(Self { folder, _lock: lock })),
            Ok(None) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let _ = fs::remove_dir(&folder);
                Err(error)
            }
        }
    }

    /// Makes a file, and returns its path.
    ///
    /// # Errors
    /// When it cannot be written: a sentence.
    pub(super) fn add(&self, name: &str, content: &Secret) -> Result<PathBuf, String> {
        let path = self.folder.join(name);
        let written = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(content.expose().as_bytes())
        };
        written().map_err(|error| format!("the file for {name} cannot be made in memory: {error}"))?;
        Ok(path)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::error!(folder = %self.folder.display(), %error, "a file with a secret is still there");
        }
        memory::clear(&self.folder);
    }
}

/// Makes a descriptor from which a text can be read, any number of times. It is closed on exec.
///
/// # Errors
/// When the system has none: a sentence.
pub(super) fn descriptor(content: &Secret) -> Result<OwnedFd, String> {
    let made = || -> io::Result<OwnedFd> {
        let file = rustix::fs::memfd_create("runsheet", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let file = rustix::io::fcntl_dupfd_cloexec(&file, LOWEST)?;
        let mut file = File::from(file);
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(content.expose().as_bytes())?;
        // One who reads it by its number and not by its name begins where we are.
        io::Seek::rewind(&mut file)?;
        let sealed = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, sealed)?;
        Ok(file.into())
    };
    made().map_err(|error| format!("a descriptor with a secret cannot be made: {error}"))
}

/// Names a descriptor for a program that gets it.
pub(super) fn name_of(descriptor: &OwnedFd) -> String {
    format!("/dev/fd/{}", descriptor.as_raw_fd())
}

/// Removes what processes of this user left that are no more. Says how many folders.
#[must_use]
pub fn remove_leftovers() -> usize {
    memory_place().map_or(0, |place| remove_leftovers_in(&place))
}

fn remove_leftovers_in(place: &Path) -> usize {
    let ours = rustix::process::getuid().as_raw();
    let mut removed = 0;
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let folder = entry.path();
        let named = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let is_ours = || fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir() && found.uid() == ours);
        if !named || !is_ours() {
            continue;
        }
        let dead = File::open(&folder)
            .is_ok_and(|lock| rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok());
        if dead && fs::remove_dir_all(&folder).is_ok() {
            removed += 1;
            memory::clear(&folder);
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_file_is_its_owners_alone_and_goes_with_its_folder() {
        let place = tempfile::tempdir().unwrap();
        let runsheet = place.path().join("runsheet");
        let files = Files::under(Some(runsheet.clone())).unwrap();
        let path = files.add("PGPASSFILE", &secret("CANARY-line\n")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "CANARY-line\n");
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!((mode(&path), mode(&files.folder), mode(&runsheet)), (0o600, 0o700, 0o700));
        assert!(files.add("PGPASSFILE", &secret("CANARY-again")).is_err(), "nothing is written over");
        drop(files);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_what_the_dead_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("runsheet");
        memory::make_place(&place).unwrap();
        let dead = place.join("runsheet-env-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("PGPASSFILE"), "CANARY-left").unwrap();
        fs::create_dir(place.join("somebody-elses")).unwrap();
        std::os::unix::fs::symlink("somebody-elses", place.join("runsheet-env-link")).unwrap();
        let files = Files::under(Some(place.clone())).unwrap();
        let path = files.add("A", &secret("CANARY-alive")).unwrap();
        assert_eq!(remove_leftovers_in(&place), 1);
        assert!(!dead.exists() && path.exists());
        assert!(place.join("somebody-elses").is_dir());
        assert!(place.join("runsheet-env-link").is_symlink());
        assert_eq!(remove_leftovers_in(&place), 0);
    }

    #[test]
    fn without_memory_nothing_is_made() {
        let told = Files::under(None).map(|_| ()).unwrap_err();
        assert!(told.contains("say `fd` in place of `file`"), "{told}");
    }

    #[test]
    fn a_descriptor_is_read_again_and_again_and_never_written() {
        let descriptor = descriptor(&secret("CANARY-text")).unwrap();
        assert!(descriptor.as_raw_fd() >= LOWEST);
        for _ in 0..2 {
            assert_eq!(fs::read_to_string(name_of(&descriptor)).unwrap(), "CANARY-text");
        }
        let mut file = File::from(descriptor);
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "CANARY-text");
        assert!(file.write_all(b"x").is_err());
    }
}
