//! Whether a file may be changed, as far as that can be known without touching anything.
//!
//! It looks at what would stop a replacement, or what a replacement would quietly lose: rights, owners, mounts, marks of
//! the file system, other names. What it lets pass may still fail (no space left); it writes nothing to find out.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, StatxAttributes, StatxFlags, accessat, statx};
use rustix::process::{getegid, geteuid, getgroups};

use super::files::{Standing, folder, sentence};

/// Checks that a file can be replaced and keep what it has.
///
/// # Errors
/// What is in the way, and what to do: a sentence with the file's name.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let metadata = fs::symlink_metadata(path).map_err(|error| sentence(path, &error))?;
    if metadata.nlink() > 1 {
        let names = metadata.nlink();
        return Err(format!(
            "{shown} has {names} names (hard links), and a safe change would part them; change it by hand"
        ));
    }
    let file = marks(path)?;
    if file.contains(StatxAttributes::MOUNT_ROOT) {
        return Err(format!(
            "{shown} is mounted by itself (a bind mount), so it cannot be replaced; change the file that is behind it"
        ));
    }
    let fixed = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    if file.intersects(fixed) {
        return Err(format!("{shown} is marked as not to be changed; lsattr shows it, chattr takes it away"));
    }
    let home = folder(path);
    if marks(home)?.intersects(fixed) {
        return Err(format!("{} is marked as not to be changed, so {shown} cannot be replaced", home.display()));
    }
    allowed(path, Access::WRITE_OK, || format!("{shown} may not be written by you"))?;
    allowed(home, Access::WRITE_OK | Access::EXEC_OK, || {
        format!("{shown} cannot be replaced: you may not write into {}", home.display())
    })?;
    kept(path, Standing::of(&metadata))
}

/// Checks that a file that is not there can be made.
///
/// # Errors
/// What is in the way: a sentence with the file's name.
pub(crate) fn creatable(path: &Path) -> Result<(), String> {
    let (shown, home) = (path.display(), folder(path));
    if marks(home)?.intersects(StatxAttributes::IMMUTABLE) {
        return Err(format!("{} is marked as not to be changed, so {shown} cannot be made", home.display()));
    }
    allowed(home, Access::WRITE_OK | Access::EXEC_OK, || {
        format!("{shown} cannot be made: you may not write into {}", home.display())
    })
}

/// Checks that owner and group can be kept, and that the folder lets its files be replaced.
fn kept(path: &Path, standing: Standing) -> Result<(), String> {
    let me = geteuid();
    if me.is_root() {
        return Ok(());
    }
    let shown = path.display();
    if standing.uid != me.as_raw() {
        return Err(format!("{shown} belongs to somebody else, and that could not be kept; change it as its owner"));
    }
    let groups = getgroups().unwrap_or_default();
    if standing.gid != getegid().as_raw() && groups.iter().all(|group| group.as_raw() != standing.gid) {
        return Err(format!("{shown} belongs to a group that you are not in, and that could not be kept"));
    }
    Ok(())
}

fn allowed(path: &Path, access: Access, refused: impl Fn() -> String) -> Result<(), String> {
    accessat(CWD, path, access, AtFlags::EACCESS).map_err(|error| {
        let error = io::Error::from(error);
        match error.kind() {
            io::ErrorKind::PermissionDenied => refused(),
            // A read-only file system says so itself.
            _ => sentence(path, &error),
        }
    })
}

/// Reads the marks of the file system. A kernel that has none to tell sets none.
fn marks(path: &Path) -> Result<StatxAttributes, String> {
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    found.map(|found| found.stx_attributes).map_err(|error| sentence(path, &error.into()))
}
