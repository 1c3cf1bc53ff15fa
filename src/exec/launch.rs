//! Ourselves, called again with a hidden first word: changes the folder and becomes another program, or keeps what one
//! prints.
//!
//! A child is spawned without forking, and that way has no portable means to give it a folder that is not ours. This small
//! detour has. It must not touch anything else: no runtime, no file, no log.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use super::spooler;

/// The hidden first word.
const CHILD: &str = "__child";

/// A program that takes a folder and the words of another program, goes to the folder and becomes that program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launcher {
    /// Its path, absolute.
    pub(super) program: PathBuf,
    /// The words before the folder.
    pub(super) words: Vec<OsString>,
    /// Whether it can keep what a program prints as well.
    pub(super) spools: bool,
}

impl Launcher {
    /// Takes this program, which must call [`child_main`] before anything else.
    #[must_use]
    pub fn ourselves() -> Self {
        // Good too when the program's file was replaced since we started.
        Self::built("/proc/self/exe")
    }

    /// Takes this program as it was built elsewhere, for tests.
    #[must_use]
    pub fn built(program: impl Into<PathBuf>) -> Self {
        Self { spools: true, ..Self::at(program, &[CHILD]) }
    }

    /// Takes another program, for tests, such as `env -C`. It keeps nothing that is printed.
    #[must_use]
    pub fn at(program: impl Into<PathBuf>, words: &[&str]) -> Self {
        Self { program: program.into(), words: words.iter().map(OsString::from).collect(), spools: false }
    }
}

/// Becomes the child when we were called as a [`Launcher`]; to be called at the very top of `main`.
///
/// Returns nothing when we were not. Otherwise it returns only when the program could not be started: with 127 when there is
/// none, with 126 when it cannot be executed, as a shell does.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the owner: here we become the child")]
pub fn child_main() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    let first = words.next()?;
    if first == spooler::SPOOL {
        return Some(spooler::main(words));
    }
    if first != CHILD {
        return None;
    }
    let (folder, program) = (words.next()?, words.next()?);
    let error = match std::env::set_current_dir(&folder) {
        Ok(()) => Command::new(&program).args(words).exec(),
        Err(error) => error,
    };
    let _ = writeln!(io::stderr(), "runsheet: cannot start {}: {error}", program.to_string_lossy());
    Some(ExitCode::from(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }))
}
