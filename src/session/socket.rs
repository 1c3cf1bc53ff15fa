//! The socket in a run's folder: where a host listens, and a screen connects.
//!
//! A socket's path has 107 bytes at most, a folder's may have more. So both sides open the folder first and name the
//! socket through that descriptor. What must stay true: the socket is its owner's alone (0600, in a folder of 0700), and
//! a socket that another host has put in its place is never removed.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The socket's name in the run's folder.
const NAME: &str = "host.sock";

/// A socket that a host listens on; dropping it removes its name.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// Listens in a run's folder. Whoever calls this holds the run's lock, so a socket that is there is nobody's.
    ///
    /// # Errors
    /// As the system says.
    pub fn listen(folder: &Path) -> io::Result<Self> {
        let path = folder.join(NAME);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let (_held, short) = through(folder)?;
        let listener = UnixListener::bind(&short)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let inode = fs::symlink_metadata(&path)?.ino();
        Ok(Self { listener, path, inode })
    }

    /// Returns another handle of what it listens on.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            // One that stays is removed by the next host; whoever connects to it is told that nobody listens.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Connects to the host in a run's folder.
///
/// # Errors
/// As the system says: `NotFound` and `ConnectionRefused` where no host listens.
pub(super) fn connect(folder: &Path) -> io::Result<UnixStream> {
    let (_held, short) = through(folder)?;
    UnixStream::connect(short)
}

/// Names the socket through a descriptor of its folder, which must stay open for as long.
fn through(folder: &Path) -> io::Result<(File, PathBuf)> {
    let flags = (OFlags::PATH | OFlags::DIRECTORY).bits().cast_signed();
    let held = OpenOptions::new().read(true).custom_flags(flags).open(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd())).join(NAME);
    Ok((held, short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_any_length_will_do() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("a".repeat(120)).join("b".repeat(120));
        fs::create_dir_all(&folder).unwrap();
        assert!(connect(&folder).is_err());
        let socket = Socket::listen(&folder).unwrap();
        assert_eq!(fs::metadata(folder.join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
        connect(&folder).unwrap();
        // What a host that died left behind is no hindrance, and the one that died does not remove what came after.
        let next = Socket::listen(&folder).unwrap();
        drop(socket);
        connect(&folder).unwrap();
        drop(next);
        assert!(!folder.join(NAME).exists());
    }
}
