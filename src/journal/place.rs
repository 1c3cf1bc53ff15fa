//! The folders that the journal owns: where runs are, what is in one, and which there are.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::entry::{Entry, Hash};
use super::lock::{Holder, Lock, LockError};
use super::writer::Writer;
use crate::engine::{Begun, End, Record};

/// The state folder of the program.
#[derive(Clone, Debug)]
pub struct Place {
    root: PathBuf,
}

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

/// What a list of runs says of one.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The run's id.
    pub id: String,
    /// What it began with.
    pub begun: Begun,
    /// When it began.
    pub began_at: Timestamp,
    /// When its last record was written.
    pub last_at: Timestamp,
    /// How it ended; none while it is open.
    pub end: Option<End>,
}

impl Place {
    /// Names the state folder; nothing is made yet.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns the folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Makes the folder of the program's own log.
    ///
    /// # Errors
    /// Why it could not be made.
    pub fn log_folder(&self) -> io::Result<PathBuf> {
        let log = self.root.join("log");
        make_private(&log)?;
        Ok(log)
    }

    /// Makes the folder of a new run with the playbook's text in it, and its empty journal; all of it is on disk when
    /// it returns.
    ///
    /// # Errors
    /// The path that could not be made, and why.
    pub fn create(&self, id: &str, playbook: &str) -> io::Result<(RunFolder, Writer)> {
        let runs = self.root.join("runs");
        make_known(&runs)?;
        let folder = RunFolder { path: runs.join(id) };
        make_private(&folder.path)?;
        for inner in [folder.transcript(), folder.snapshots(), folder.evidence()] {
            make_private(&inner)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.playbook())?;
        file.write_all(playbook.as_bytes())?;
        file.sync_all()?;
        let writer = Writer::create(&folder.journal())?;
        sync_folder(&folder.path)?;
        sync_folder(&runs)?;
        Ok((folder, writer))
    }

    /// Takes the lock of a playbook: one run of it at a time.
    ///
    /// # Errors
    /// [`LockError`]: somebody holds it, or the file cannot be used.
    pub fn lock_playbook(&self, playbook: &Path, holder: &Holder) -> Result<Lock, LockError> {
        let locks = self.root.join("locks");
        make_known(&locks).map_err(|error| LockError::File(locks.clone(), error))?;
        let name = Hash::of(playbook.as_os_str().as_encoded_bytes());
        Lock::take(&locks.join(&name.as_str()[..32]), holder)
    }

    /// Lists the runs, newest first. A folder that holds no readable journal is left out.
    #[must_use]
    pub fn runs(&self) -> Vec<Summary> {
        let mut ids = self.ids();
        ids.reverse();
        ids.iter().filter_map(|id| self.folder(id).summary()).collect()
    }

    /// Finds the runs whose id begins with `prefix`, oldest first; all when it is empty.
    #[must_use]
    pub fn find(&self, prefix: &str) -> Vec<String> {
        let prefix = prefix.to_uppercase();
        self.ids().into_iter().filter(|id| id.starts_with(&prefix)).collect()
    }

    /// Names the folder of a run.
    #[must_use]
    pub fn folder(&self, id: &str) -> RunFolder {
        RunFolder { path: self.root.join("runs").join(id) }
    }

    fn ids(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join("runs")) else { return Vec::new() };
        let mut ids: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        ids.sort();
        ids
    }
}

impl RunFolder {
    /// Names a folder that is elsewhere than the runs are, such as an unpacked copy of one.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Returns the folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the playbook's text as it was.
    #[must_use]
    pub fn playbook(&self) -> PathBuf {
        self.path.join("playbook.yaml")
    }

    /// Keeps the texts of the playbooks that the playbook includes, by path from its folder; on disk when it returns.
    ///
    /// Each is a file in `included/`, named by its path with `/` and `%` percent-encoded.
    ///
    /// # Errors
    /// Why they could not be written.
    pub fn keep_included(&self, texts: &BTreeMap<String, String>) -> io::Result<()> {
        if texts.is_empty() {
            return Ok(());
        }
        let folder = self.included();
        make_private(&folder)?;
        for (path, text) in texts {
            let name = path.replace('%', "%25").replace('/', "%2F");
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        sync_folder(&folder)?;
        sync_folder(&self.path)
    }

    /// Reads the texts of the included playbooks as they were.
    ///
    /// # Errors
    /// Why one could not be read.
    pub fn read_included(&self) -> io::Result<BTreeMap<String, String>> {
        let entries = match fs::read_dir(self.included()) {
            Ok(entries) => entries,
            // Most playbooks include none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(error),
        };
        entries
            .map(|entry| {
                let entry = entry?;
                let path = entry.file_name().to_string_lossy().replace("%2F", "/").replace("%25", "%");
                Ok((path, fs::read_to_string(entry.path())?))
            })
            .collect()
    }

    fn included(&self) -> PathBuf {
        self.path.join("included")
    }

    /// Returns the path of the journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Lists the copies of last records that had not been written to their end and were cut off.
    #[must_use]
    pub fn torn(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let torn = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("journal.torn-")
        };
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(torn).collect();
        found.sort();
        found
    }

    /// Returns the folder of transcripts.
    #[must_use]
    pub fn transcript(&self) -> PathBuf {
        self.path.join("transcript")
    }

    /// Returns the folder of sealed copies.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.path.join("snapshots")
    }

    /// Returns the folder of attachments.
    #[must_use]
    pub fn evidence(&self) -> PathBuf {
        self.path.join("evidence")
    }

    /// Returns the path of the vault.
    #[must_use]
    pub fn vault(&self) -> PathBuf {
        self.path.join("vault.age")
    }

    /// Takes the lock of this run: one process at a time carries it on.
    ///
    /// # Errors
    /// [`LockError`]: somebody holds it, or the file cannot be used.
    pub fn lock(&self, holder: &Holder) -> Result<Lock, LockError> {
        Lock::take(&self.path.join("lock"), holder)
    }

    /// Says who carries this run on now, without being in anybody's way.
    #[must_use]
    pub fn held_by(&self) -> Option<Holder> {
        Lock::held_by(&self.path.join("lock"))
    }

    /// Reads the first and the last line of the journal.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let mut file = File::open(self.journal()).ok()?;
        let (first, last) = (first_line(&mut file)?, last_line(&mut file));
        let first: Entry = serde_json::from_slice(&first).ok()?;
        let last: Option<Entry> = last.and_then(|line| serde_json::from_slice(&line).ok());
        let Record::Begun(begun) = first.record else { return None };
        let end = match last.as_ref().map(|entry| &entry.record) {
            Some(Record::Ended { end }) => Some(*end),
            // Only of a completed run anything stays to be done.
            Some(Record::FollowedUp { .. }) => Some(End::Completed),
            Some(_) | None => None,
        };
        let last_at = last.map_or(first.at, |entry| entry.at);
        Some(Summary { id: begun.run.clone(), began_at: first.at, begun: *begun, last_at, end })
    }
}

fn first_line(file: &mut File) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let mut block = [0; 4096];
    loop {
        let count = file.read(&mut block).ok()?;
        match block[..count].iter().position(|&byte| byte == b'\n') {
            Some(end) => {
                line.extend_from_slice(&block[..end]);
                return Some(line);
            }
            None if count == 0 => return None,
            None => line.extend_from_slice(&block[..count]),
        }
    }
}

/// Reads the last whole line from the end, however long the journal is.
fn last_line(file: &mut File) -> Option<Vec<u8>> {
    let length = file.seek(SeekFrom::End(0)).ok()?;
    let mut size = 4096;
    loop {
        let from = length.saturating_sub(size);
        file.seek(SeekFrom::Start(from)).ok()?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail).ok()?;
        let whole = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end);
        match tail[..whole].iter().rposition(|&byte| byte == b'\n') {
            Some(start) => return Some(tail[start + 1..whole].to_vec()),
            None if from == 0 => return (whole > 0).then(|| tail[..whole].to_vec()),
            None => size *= 4,
        }
    }
}

/// Makes a folder and those above it as [`make_private`] does, and has the names of those that were not there on disk.
///
/// # Errors
/// Why it could not be made.
fn make_known(path: &Path) -> io::Result<()> {
    let fresh: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    make_private(path)?;
    fresh.into_iter().filter_map(Path::parent).try_for_each(sync_folder)
}

/// Makes a folder, and those above it, that only its owner can look into, whatever the umask.
///
/// # Errors
/// Why it could not be made.
fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o777 != 0o700 {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Makes the names in a folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
