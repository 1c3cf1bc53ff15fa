//! Reads and replaces files so that nothing of them is lost on the way.
//!
//! [`prepare`] writes a new file in the same folder, gives it owner, extended attributes and mode, and syncs it; put in
//! place, it is renamed over the old one and the folder synced: at any moment there is the old file or the new one,
//! whole. It cannot keep other names (hard links) of the file; [`overwrite`] can, and is not whole at every moment.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Gid, Mode, OFlags, Uid, fchmod, fchown, flock};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};
use zeroize::Zeroizing;

use super::attributes::Attributes;
use super::links::{self, Link, resolve};

/// Whose a file is, and who may do what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The mode bits.
    pub mode: u32,
    /// The owner's id.
    pub uid: u32,
    /// The group's id.
    pub gid: u32,
}

impl Standing {
    /// Reads them off.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { mode: metadata.mode() & 0o7777, uid: metadata.uid(), gid: metadata.gid() }
    }
}

/// A file that was read.
pub(crate) struct Found {
    /// Its path, absolute, links followed.
    pub path: PathBuf,
    /// The links that led to it.
    pub links: Vec<Link>,
    /// Its bytes; they may hold secrets.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Owner and mode.
    pub standing: Standing,
    /// Its extended attributes.
    pub attributes: Attributes,
    /// How many names it has.
    pub names: u64,
    /// It is there; what is not has no bytes.
    pub exists: bool,
}

/// The most bytes of a file that is changed or kept.
const LARGEST: u64 = 64 << 20;

/// Reads a file.
///
/// # Errors
/// When it is not there, no plain file, or cannot be read: a sentence with its name.
pub(crate) fn read(path: &Path) -> Result<Found, String> {
    let named = |error: io::Error| sentence(path, &error);
    let found = resolve(path)?;
    let (real, links) = (found.path, found.links);
    if !found.exists {
        return Err(if links.is_empty() {
            format!("{} is not there", path.display())
        } else {
            format!("{} is a link to {}, which is not there", path.display(), real.display())
        });
    }
    let metadata = fs::metadata(&real).map_err(named)?;
    if !metadata.is_file() {
        return Err(format!("{} is not a plain file", path.display()));
    }
    if metadata.len() > LARGEST {
        return Err(too_large(path));
    }
    let mut file = File::open(&real).map_err(named)?;
    let metadata = file.metadata().map_err(named)?;
    let room = usize::try_from(metadata.len()).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 1));
    // It may grow while it is read.
    (&mut file).take(LARGEST + 1).read_to_end(&mut bytes).map_err(named)?;
    if bytes.len() as u64 > LARGEST {
        return Err(too_large(path));
    }
    let attributes = Attributes::of(&file, path)?;
    Ok(Found {
        path: real,
        links,
        bytes,
        standing: Standing::of(&metadata),
        attributes,
        names: metadata.nlink(),
        exists: true,
    })
}

/// Reads a file, or takes note of one that may be made: it need not be there.
///
/// # Errors
/// As [`read`], and when there is no folder for it.
pub(crate) fn read_or_new(path: &Path) -> Result<Found, String> {
    let found = resolve(path)?;
    if found.exists {
        return read(path);
    }
    let standing = Standing { mode: 0o600, uid: geteuid().as_raw(), gid: getegid().as_raw() };
    let (bytes, attributes) = (Zeroizing::default(), Attributes::default());
    Ok(Found { path: found.path, links: found.links, bytes, standing, attributes, names: 0, exists: false })
}

fn too_large(path: &Path) -> String {
    format!("{} is larger than {} MiB", path.display(), LARGEST >> 20)
}

/// A new file that waits, complete and synced, beside the one that it will replace.
pub(crate) struct Ready {
    path: PathBuf,
    file: tempfile::NamedTempFile,
    /// There must be no old one.
    new: bool,
}

/// How the name of a new file begins while it waits.
const BESIDE: &str = ".runsheet-";

/// Removes new files that a program of this user left waiting beside a file when it was killed: they may hold secrets. One that somebody
/// is at work on is locked. What cannot be removed stays: the change itself does not depend on it.
pub(crate) fn sweep(path: &Path) {
    let entries = fs::read_dir(folder(path)).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(BESIDE.as_bytes())) {
        let path = entry.path();
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits() | OFlags::NONBLOCK.bits()).unwrap_or_default();
        if let Ok(file) = fs::OpenOptions::new().read(true).custom_flags(no_link).open(&path)
            && file.metadata().is_ok_and(|found| found.is_file() && found.uid() == rustix::process::geteuid().as_raw())
            && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Prepares new bytes for a file, with this owner, mode and attributes. Nothing is changed yet.
///
/// # Errors
/// When the folder does not take a new file, or what the file has cannot be given to it: a sentence with the file's name.
pub(crate) fn prepare(path: &Path, bytes: &[u8], standing: Standing, attributes: &Attributes) -> Result<Ready, String> {
    let named = |error: io::Error| sentence(path, &error);
    sweep(path);
    // Nobody but us may read it until it has its owner and mode.
    let mut file = tempfile::Builder::new().prefix(BESIDE).tempfile_in(folder(path)).map_err(named)?;
    // says that somebody is at work on it; where the file system has no locks, nothing is swept either
    let _ = flock(file.as_file(), FlockOperation::NonBlockingLockExclusive);
    file.write_all(bytes).map_err(named)?;
    let now = Standing::of(&file.as_file().metadata().map_err(named)?);
    if (now.uid, now.gid) != (standing.uid, standing.gid) {
        fchown(file.as_fd(), Some(Uid::from_raw(standing.uid)), Some(Gid::from_raw(standing.gid))).map_err(
            |error| format!("{} belongs to somebody else, and that could not be kept: {error}", path.display()),
        )?;
    }
    attributes.give(file.as_file(), path)?;
    // Last: a change of the owner takes some of the mode away, and so does an access list.
    fchmod(file.as_fd(), Mode::from_raw_mode(standing.mode)).map_err(|error| named(error.into()))?;
    file.as_file().sync_all().map_err(named)?;
    Ok(Ready { path: path.to_owned(), file, new: false })
}

/// Prepares a file that is not there yet, 0600. Nothing is changed yet.
///
/// # Errors
/// When the folder does not take a new file: a sentence with the file's name.
pub(crate) fn prepare_new(path: &Path, bytes: &[u8]) -> Result<Ready, String> {
    let named = |error: io::Error| sentence(path, &error);
    sweep(path);
    let mut file = tempfile::Builder::new().prefix(BESIDE).tempfile_in(folder(path)).map_err(named)?;
    let _ = flock(file.as_file(), FlockOperation::NonBlockingLockExclusive);
    file.write_all(bytes).map_err(named)?;
    // Whatever the umask, and whatever rules the folder has for new files.
    fchmod(file.as_fd(), Mode::from_raw_mode(0o600)).map_err(|error| named(error.into()))?;
    file.as_file().sync_all().map_err(named)?;
    Ok(Ready { path: path.to_owned(), file, new: true })
}

/// Writes over a file that is there and has other names, which all stay. Torn if it is interrupted: only for what can be
/// done again.
///
/// # Errors
/// A sentence with the file's name.
pub(crate) fn overwrite(path: &Path, bytes: &[u8], standing: Standing, attributes: &Attributes) -> Result<(), String> {
    let named = |error: io::Error| sentence(path, &error);
    let mut file = fs::OpenOptions::new().write(true).open(path).map_err(named)?;
    file.write_all(bytes).and_then(|()| file.set_len(bytes.len() as u64)).map_err(named)?;
    if Standing::of(&file.metadata().map_err(named)?) != standing {
        fchown(file.as_fd(), Some(Uid::from_raw(standing.uid)), Some(Gid::from_raw(standing.gid)))
            .map_err(|error| named(error.into()))?;
    }
    let shown = File::open(path).map_err(named)?;
    attributes.give(&shown, path)?;
    fchmod(file.as_fd(), Mode::from_raw_mode(standing.mode)).map_err(|error| named(error.into()))?;
    file.sync_all().map_err(named)
}

impl Ready {
    /// Puts the new file in the place of the old one.
    ///
    /// # Errors
    /// A sentence with the file's name; the old file is still there. Also where there should be none, and there is.
    pub(crate) fn put(self) -> Result<(), String> {
        let put = if self.new { self.file.persist_noclobber(&self.path) } else { self.file.persist(&self.path) };
        put.map_err(|error| sentence(&self.path, &error.error))?;
        sync_folder(folder(&self.path)).map_err(|error| sentence(&self.path, &error))
    }
}

/// Writes a new file of our own, 0600 whatever the umask, and syncs it and its folder. An older one is never replaced.
///
/// # Errors
/// As the system says, also when there is one already.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_private(path, fs::OpenOptions::new().write(true).create_new(true))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_folder(folder(path))
}

/// Opens a file of our own, 0600 whatever the umask.
///
/// # Errors
/// As the system says.
pub(crate) fn create_private(path: &Path, options: &mut fs::OpenOptions) -> io::Result<File> {
    let file = options.mode(0o600).open(path)?;
    fchmod(file.as_fd(), Mode::from_raw_mode(0o600))?;
    Ok(file)
}

/// Removes a file for good. Says whether there was one.
///
/// # Errors
/// A sentence with the file's name.
pub(crate) fn remove(path: &Path) -> Result<bool, String> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(folder(path)).map(|()| true).map_err(|error| sentence(path, &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(sentence(path, &error)),
    }
}

/// Says what is wrong with a file.
pub(crate) fn sentence(path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
        return links::circle(path);
    }
    if error.raw_os_error() == Some(Errno::BUSY.raw_os_error()) {
        return format!("{shown} is in use by the system (a mount, most likely), so it cannot be replaced");
    }
    let path = shown;
    match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{path} is there already"),
        io::ErrorKind::NotFound => format!("{path} is not there"),
        io::ErrorKind::PermissionDenied => format!("{path}: permission denied"),
        io::ErrorKind::ReadOnlyFilesystem => format!("{path} is on a read-only file system"),
        io::ErrorKind::StorageFull => format!("{path}: no space left"),
        // Anything rarer is best said in the system's own words.
        _ => format!("{path}: {error}"),
    }
}

/// Returns the folder of a path.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Syncs a folder: what was renamed or removed in it is so after a loss of power.
///
/// # Errors
/// As the system says.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, b"old\0\xff").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o2664)).unwrap();
        let found = read(&path).unwrap();
        assert_eq!(&**found.bytes, b"old\0\xff");
        prepare(&found.path, b"new", found.standing, &found.attributes).unwrap().put().unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), 0o2664));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_program_left_beside_it_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let [path, left, held, foreign] =
            ["f", ".runsheet-left", ".runsheet-held", ".other"].map(|name| folder.path().join(name));
        for path in [&path, &left, &held, &foreign] {
            fs::write(path, "CANARY-half").unwrap();
        }
        let at_work = File::open(&held).unwrap();
        flock(&at_work, FlockOperation::LockExclusive).unwrap();
        let found = read(&path).unwrap();
        let first = prepare(&found.path, b"one", found.standing, &found.attributes).unwrap();
        // the first one waits, and is not in the way of the second
        prepare(&found.path, b"two", found.standing, &found.attributes).unwrap().put().unwrap();
        first.put().unwrap();
        assert_eq!((left.exists(), held.exists(), foreign.exists()), (false, true, true));
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn owner_and_group_are_kept() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o4750)).unwrap();
        let found = read(&path).unwrap();
        prepare(&found.path, b"new", found.standing, &found.attributes).unwrap().put().unwrap();
        assert_eq!(read(&path).unwrap().standing, Standing { mode: 0o4750, uid: 1234, gid: 4321 });
    }

    #[test]
    fn a_file_is_written_over_with_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&a, "longer").unwrap();
        fs::hard_link(&a, &b).unwrap();
        let found = read(&a).unwrap();
        fs::write(&b, "other and longer").unwrap();
        fs::set_permissions(&b, fs::Permissions::from_mode(0o600)).unwrap();
        overwrite(&a, &found.bytes, found.standing, &found.attributes).unwrap();
        assert_eq!((fs::read(&b).unwrap(), mode(&b)), (b"longer".to_vec(), found.standing.mode));
        assert_eq!(fs::metadata(&a).unwrap().nlink(), 2);
    }

    #[test]
    fn our_own_files_are_private_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy");
        create(&path, b"1").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(create(&path, b"2").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((remove(&path), remove(&path)), (Ok(true), Ok(false)));
    }

    #[test]
    fn what_is_no_plain_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).err().unwrap().ends_with("is not a plain file"));
        assert!(read(&folder.path().join("x")).err().unwrap().ends_with("/x is not there"));
    }
}
