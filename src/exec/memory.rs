//! The place for files that must never reach a disk: memory-backed, ours alone.
//!
//! `$XDG_RUNTIME_DIR/runsheet` where that folder is ours and in memory, else `/dev/shm/runsheet-UID`. What is in there is in
//! plain text and gone with the machine. What must stay true: nothing is put into a folder that is not in memory, that
//! others own or that others can look into.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::getuid;

/// What `statfs` says of a file system in memory (`tmpfs`, `ramfs`; from `linux/magic.h`).
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// Names the place; none where this machine has none for us. Nothing is made.
#[must_use]
pub fn memory_place() -> Option<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime = runtime.filter(|folder| folder.is_absolute() && is_ours(folder) && in_memory(folder));
    let shared = || {
        let folder = Path::new("/dev/shm");
        (folder.is_dir() && in_memory(folder)).then(|| folder.join(format!("runsheet-{}", getuid().as_raw())))
    };
    runtime.map(|folder| folder.join("runsheet")).or_else(shared)
}

/// Makes a folder in the place, and the place, each 0700 and ours.
///
/// # Errors
/// As the system says; or that a folder of that name is not ours.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match make_each(folder) {
            // Another run removed the place, empty as it was, between our two steps.
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 10 => tries += 1,
            done => return done,
        }
    }
}

/// Removes a folder of the place, and the place, where they are empty.
pub(super) fn clear(folder: &Path) {
    let place = folder.parent();
    for folder in [Some(folder), place].into_iter().flatten() {
        // Something else is in it, or it is gone.
        let _ = fs::remove_dir(folder);
    }
}

fn make_each(folder: &Path) -> io::Result<()> {
    folder.parent().map_or(Ok(()), make_place)?;
    make_place(folder)
}

/// Makes the place itself, 0700 and ours whatever the umask.
///
/// # Errors
/// As the system says; or that a folder of that name is not ours.
pub(super) fn make_place(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        // Whatever the umask took away.
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o700))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    if is_ours(folder) {
        return Ok(());
    }
    // Where everybody may make folders, somebody may have made this one.
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "the folder is not ours alone"))
}

/// Says whether this is a folder, no link, that we own and nobody else can look into.
fn is_ours(folder: &Path) -> bool {
    fs::symlink_metadata(folder)
        .is_ok_and(|about| about.is_dir() && about.uid() == getuid().as_raw() && about.mode() & 0o777 == 0o700)
}

fn in_memory(folder: &Path) -> bool {
    #[expect(clippy::cast_sign_loss, reason = "a number of the file system's kind, signed on some machines only")]
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "its width differs between machines")]
    let kind = rustix::fs::statfs(folder).map(|about| about.f_type as u64 & 0xffff_ffff);
    kind.is_ok_and(|kind| IN_MEMORY.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_and_gone_again() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("runsheet/01A");
        make(&folder).unwrap();
        make(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        fs::write(folder.join("file"), "x").unwrap();
        clear(&folder);
        assert!(folder.exists(), "it is not empty");
        fs::remove_file(folder.join("file")).unwrap();
        clear(&folder);
        assert!(!place.path().join("runsheet").exists());
    }

    #[test]
    fn what_others_can_look_into_is_not_used() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("runsheet");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(make(&folder.join("01A")).is_err());
        fs::remove_dir(&folder).unwrap();
        std::os::unix::fs::symlink("/dev", &folder).unwrap();
        assert!(make(&folder.join("01A")).is_err(), "a link leads elsewhere");
    }

    #[test]
    fn a_disk_is_no_memory() {
        assert!(!in_memory(Path::new("/")) || in_memory(Path::new("/dev/shm")));
        assert!(in_memory(Path::new("/dev/shm")));
    }
}
