//! How a child is started: by ourselves, called again with a hidden first word.
//!
//! A child must have a session of its own and no controlling terminal, and only descriptors 0 to 2. Both can only be done
//! between fork and exec, and a closure there makes the standard library fork, which takes the longer the more memory we
//! have. So a small process is spawned without forking (`posix_spawn`): this program again, which does both and then
//! becomes the child. It must not touch anything else: no runtime, no file, no log.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// The hidden first word.
const CHILD: &str = "__child";

/// The program that makes a session of its own and then becomes the one in its remaining words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launcher {
    /// Its path, absolute.
    pub(super) program: PathBuf,
    /// The words before those of the child.
    pub(super) words: Vec<OsString>,
}

impl Launcher {
    /// Takes this program, which must call [`child_main`] before anything else.
    #[must_use]
    pub fn ourselves() -> Self {
        // Good too when the program's file was replaced since we started.
        Self::at("/proc/self/exe", &[CHILD])
    }

    /// Takes another program, for tests: this one built as a binary, or `setsid`.
    #[must_use]
    pub fn at(program: impl Into<PathBuf>, words: &[&str]) -> Self {
        Self { program: program.into(), words: words.iter().map(OsString::from).collect() }
    }
}

/// Becomes the child when we were called as a [`Launcher`]; to be called at the very top of `main`.
///
/// Returns nothing when we were not. Otherwise it returns only when the program could not be started: with 127 when there is
/// none, with 126 when it cannot be executed, as a shell does.
#[must_use]
pub fn child_main() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    if words.next()? != CHILD {
        return None;
    }
    let program = words.next()?;
    // Fails only when we lead a process group already, that is when a shell started us by hand.
    let _ = rustix::process::setsid();
    close_others();
    let error = Command::new(&program).args(words).exec();
    let _ = writeln!(io::stderr(), "runsheet: cannot start {}: {error}", program.to_string_lossy());
    Some(ExitCode::from(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }))
}

/// Closes every descriptor above 2: whoever started us may have handed down some, a file with a secret among them.
fn close_others() {
    let Ok(folder) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> = folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|&descriptor| descriptor > 2) {
        // The folder's own one is closed by now.
        let _ = nix::unistd::close(descriptor);
    }
}
