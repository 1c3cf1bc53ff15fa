//! Starts the host of a run: this program once more, in a session of its own, so that no terminal can take it along.
//!
//! It gets all that it needs on standard input and says on standard output when it is ready; nothing is in its words or its
//! environment that was not in ours. After that both ends are closed, and it lives by itself.

use std::env;
use std::io;
use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::launch::Launcher;
use super::spawn::{Process, Request};

/// The longest answer that a host gives when it is started, in bytes.
const ANSWER: u64 = 1 << 20;

/// A host that was started and has not answered yet.
pub struct HostProcess {
    process: Process,
}

impl std::fmt::Debug for HostProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostProcess").field("id", &self.process.id).finish_non_exhaustive()
    }
}

impl HostProcess {
    /// Starts this program with a word. Must be called within a runtime.
    ///
    /// # Errors
    /// As the system says.
    pub fn start(word: &str) -> io::Result<Self> {
        let environment: Vec<_> = env::vars_os().collect();
        let request = Request {
            program: Path::new("/proc/self/exe"),
            words: &["runsheet".to_owned(), word.to_owned()],
            environment: &environment,
            cwd: Path::new("."),
            stdin: true,
            handed: &[],
            spool: None,
            terminal: None,
        };
        Process::start(&request, &Launcher::ourselves()).map(|process| Self { process })
    }

    /// Tells it what to do, and waits for its answer: all that it says until it says no more.
    ///
    /// # Errors
    /// As the system says; a host that died says nothing.
    pub async fn tell(mut self, start: &[u8]) -> io::Result<Vec<u8>> {
        if let Some(mut stdin) = self.process.stdin.take() {
            stdin.write_all(start).await?;
        }
        let mut answer = Vec::new();
        if let Some(out) = self.process.out.take() {
            out.take(ANSWER).read_to_end(&mut answer).await?;
        }
        Ok(answer)
    }
}
