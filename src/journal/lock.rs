//! One at a time: a lock on an open file, with its holder's details in it.
//!
//! The kernel frees it when the holder's process ends, however it ends; there is no file of process ids to go stale.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

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

/// How long a lock is waited for whose holder is no more, or not written down yet. A program that was being started when
/// its host was killed holds its host's descriptors until it is itself.
const PATIENCE: Duration = Duration::from_millis(500);

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
        let patience = Instant::now() + PATIENCE;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(told(error.into())),
            }
            let mut text = String::new();
            let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
            let there: Option<Holder> = read.ok().and_then(|_| serde_json::from_str(&text).ok());
            let passes = there.as_ref().is_none_or(|there| there.host == holder.host && !lives(there.pid));
            if !passes || Instant::now() >= patience {
                return Err(LockError::Held(there));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let text = serde_json::to_vec(holder).map_err(|error| told(error.into()))?;
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(&text)).map_err(told)?;
        Ok(Self { _file: file })
    }

    /// Says who holds a lock, without taking it even for a moment: whoever wants it just then must not be refused.
    ///
    /// Read from `/proc/locks`; where there is none, nobody is found.
    #[must_use]
    pub fn held_by(path: &Path) -> Option<Holder> {
        let holder: Holder = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let inode = fs::metadata(path).ok()?.ino().to_string();
        let locks = fs::read_to_string("/proc/locks").ok()?;
        let holds = |line: &str| {
            // `1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF`: the process, and device and inode of the file
            let mut words = line.split_whitespace().skip(1);
            let flock = words.next() == Some("FLOCK");
            let process = words.nth(2);
            let file = words.next().and_then(|file| file.rsplit(':').next());
            flock && process == Some(holder.pid.to_string().as_str()) && file == Some(inode.as_str())
        };
        locks.lines().any(holds).then_some(holder)
    }
}

/// Says whether there is a process of that id on this machine.
fn lives(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // One that is somebody else's may not be asked, but is there.
    pid.is_some_and(|pid| !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH)))
}
