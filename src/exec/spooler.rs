//! Ourselves, called again with a hidden first word: copies a command's output into memory-backed files on its way to the
//! host.
//!
//! It stands between a command that captures something and the host. When the host is killed it goes on: the command can
//! still write, nobody gets SIGPIPE, and nothing is lost in a pipe that nobody reads. The command itself sees two pipes, as
//! ever (a file would be emptied by a script's `> /dev/stderr`). It must not touch anything else: no runtime, no log. What must stay
//! true: a file of the final name holds everything that the command wrote; one that would not be whole is removed.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::fs::{FlockOperation, flock};

use super::kept::CAP;

/// The hidden first word.
pub(super) const SPOOL: &str = "__spool";

/// The descriptor that the command's standard error comes on; its standard output comes on ours.
pub(super) const ERRORS: i32 = 3;

/// The file of an output while it is written; locked as long as somebody writes.
pub(super) fn part(stem: &Path, output: &str) -> PathBuf {
    with(stem, &format!("{output}.part"))
}

/// The file of an output once it is whole.
pub(super) fn whole(stem: &Path, output: &str) -> PathBuf {
    with(stem, output)
}

fn with(stem: &Path, end: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    PathBuf::from(name)
}

/// Copies both outputs to their ends. The words are the stem of the files.
pub(super) fn main(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(stem) = words.next().map(PathBuf::from) else { return ExitCode::FAILURE };
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let (out, errors) = std::thread::scope(|scope| {
        let errors = scope.spawn(|| copy(ERRORS, &part(&stem, "err"), stderr.as_fd()));
        (copy(0, &part(&stem, "out"), stdout.as_fd()), errors.join().ok().flatten())
    });
    // The output that captures come from is the last to get its name: what bears it is over.
    for (file, output) in [(&errors, "err"), (&out, "out")] {
        if file.is_some() {
            // The step may have ended meanwhile, and nobody needs it any more.
            let _ = fs::rename(part(&stem, output), whole(&stem, output));
        }
    }
    ExitCode::SUCCESS
}

/// Copies one output into its file and on to the host, until nobody can write to it any more. Gives the file, with its lock,
/// where everything is in it.
fn copy(from: i32, to: &Path, host: BorrowedFd<'_>) -> Option<File> {
    let mut from = File::open(format!("/proc/self/fd/{from}")).ok()?;
    let mut file = open(to).ok();
    let mut host = Some(host);
    let (mut written, mut bytes) = (0, vec![0; 64 << 10]);
    loop {
        let count = match from.read(&mut bytes) {
            Ok(0) => return file,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => {
                discard(to, &mut file);
                return None;
            }
        };
        written += count;
        // Into the file first: what the host has seen is never more than what is kept.
        if written > CAP || file.as_mut().is_some_and(|file| file.write_all(&bytes[..count]).is_err()) {
            discard(to, &mut file);
        }
        host = host.filter(|host| send(*host, &bytes[..count]).is_ok());
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// Half an output proves nothing, and a capture from it may be half a secret.
fn discard(path: &Path, file: &mut Option<File>) {
    if file.take().is_some() {
        let _ = fs::remove_file(path);
    }
}

fn send(to: BorrowedFd<'_>, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
