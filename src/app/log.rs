//! The program's own log: what it did itself, for somebody who must find out why it did not.
//!
//! What happened in a run is in the run's journal, not here. Nothing that comes from a child, a server or a person is
//! logged, so there is nothing in it to mask. A path or an error may hold anything all the same: what must stay true is that an
//! event is one line, and that the log can be looked at in a terminal.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};

use crate::journal::Place;
use crate::output::one_line;

/// How many days are kept.
const DAYS: usize = 14;

/// Takes the files from everybody else, whatever the umask.
///
/// A file that a later day brings has the umask's mode until the program starts again; the folder keeps it private all
/// the same.
fn private(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files {
        // The log is no reason to stop.
        let _ = fs::set_permissions(file.path(), Permissions::from_mode(0o600));
    }
}

/// Writes events, each on one line and visible. An event comes in one piece.
struct Shown<W>(W);

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = one_line(text.trim_end_matches('\n')).into_owned();
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Begins to log, for as long as the guard lives. Where no log can be had the program does without.
pub(super) fn start(place: &Place) -> Option<WorkerGuard> {
    let folder = place.log_folder().ok()?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("runsheet")
        .filename_suffix("log")
        .max_log_files(DAYS)
        .build(&folder)
        .ok()?;
    private(&folder);
    let (writer, guard) = tracing_appender::non_blocking(file);
    let shown = move || Shown(writer.clone());
    let log = tracing_subscriber::fmt().with_writer(shown).with_ansi(false).with_target(false).finish();
    tracing::subscriber::set_global_default(log).ok()?;
    Some(guard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_visible_line() {
        let mut log = Shown(Vec::new());
        log.write_all("INFO path=/tmp/\u{1b}[2J\nERROR forged\u{9b}\u{202e}\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(log.0).unwrap(), "INFO path=/tmp/␛[2J␊ERROR forged<U+009B><U+202E>\n");
    }
}
