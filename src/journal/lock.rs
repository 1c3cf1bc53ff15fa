//! One at a time: a lock on an open file, with its holder's details in it.
//!
//! The kernel frees it when the holder's process ends, however it ends; there is no file of process ids to go stale.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// How often a lock that is held is tried again, and after how long: longer than a look at its holder takes.
const GLANCES: u32 = 4;
const GLANCE: Duration = Duration::from_millis(15);

/// Who holds a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run.
    pub run: String,
    /// The operator.
    pub operator: String,
    /// The machine.
    pub host: String,
    /// The process id there.
    pub pid: u32,
    /// Since when; UTC.
    pub since: String,
}

/// A lock that is held; dropping it frees it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a lock was not had.
#[derive(Debug)]
pub enum LockError {
    /// Somebody holds it; who, where that can be read.
    Held(Option<Holder>),
    /// The file cannot be used.
    File(PathBuf, std::io::Error),
}

impl Lock {
    /// Says who holds a lock; none when nobody does. Held back for a moment only, which [`Lock::take`] outwaits.
    #[must_use]
    pub fn holder(path: &Path) -> Option<Holder> {
        let mut file = File::open(path).ok()?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                file.read_to_string(&mut text).ok()?;
                serde_json::from_str(&text).ok()
            }
            Ok(()) | Err(_) => None,
        }
    }

    /// Takes a lock, or says who holds it.
    ///
    /// # Errors
    /// [`LockError`]: somebody holds it, or the file cannot be used.
    pub fn take(path: &Path, holder: &Holder) -> Result<Self, LockError> {
        let told = |error| LockError::File(path.to_owned(), error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(told)?;
        let mut tried = flock(&file, FlockOperation::NonBlockingLockExclusive);
        for _ in 0..GLANCES {
            // Somebody may only have looked who holds it.
            if tried != Err(rustix::io::Errno::WOULDBLOCK) {
                break;
            }
            std::thread::sleep(GLANCE);
            tried = flock(&file, FlockOperation::NonBlockingLockExclusive);
        }
        match tried {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let holder = file.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok());
                return Err(LockError::Held(holder));
            }
            Err(error) => return Err(told(error.into())),
        }
        let text = serde_json::to_vec(holder).map_err(|error| told(error.into()))?;
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(&text)).map_err(told)?;
        Ok(Self { _file: file })
    }
}
