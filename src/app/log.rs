//! The program's own log: what it did itself, for somebody who must find out why it did not.
//!
//! What happened in a run is in the run's journal, not here. Nothing that comes from a child, a server or a person is
//! logged, so there is nothing in it to mask.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};

use crate::journal::Place;

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
    let log = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_target(false).finish();
    tracing::subscriber::set_global_default(log).ok()?;
    Some(guard)
}
