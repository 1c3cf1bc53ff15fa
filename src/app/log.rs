//! The program's own log: what it did itself, for somebody who must find out why it did not.
//!
//! What happened in a run is in the run's journal, not here. Nothing that comes from a child, a server or a person is
//! logged, so there is nothing in it to mask. A path or an error may hold anything all the same: what must stay true is that an
//! event is one line, and that the log can be looked at in a terminal.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tracing_appender::non_blocking::WorkerGuard;

use crate::journal::Place;
use crate::output::one_line;
use crate::session::clock;

/// How many days are kept.
const DAYS: usize = 14;

/// A file a day, by UTC. Nobody but its owner can look into one, from its first byte on and whatever the umask: the files
/// of `tracing_appender::rolling` follow the umask, which is not ours to change, since children inherit it.
struct Daily<D> {
    folder: PathBuf,
    /// Says which day it is, as it stands in a file's name.
    today: D,
    day: String,
    file: File,
}

impl<D: FnMut() -> String> Daily<D> {
    /// Begins with the file of today.
    fn open(folder: PathBuf, mut today: D) -> io::Result<Self> {
        let day = today();
        let file = append(&folder, &day)?;
        private(&folder);
        prune(&folder);
        Ok(Self { folder, today, day, file })
    }
}

impl<D: FnMut() -> String> Write for Daily<D> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let day = (self.today)();
        if day != self.day {
            self.file = append(&self.folder, &day)?;
            self.day = day;
            prune(&self.folder);
        }
        self.file.write(event)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens the file of a day, and makes it where it is not there.
fn append(folder: &Path, day: &str) -> io::Result<File> {
    let path = folder.join(format!("runsheet.{day}.log"));
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    // Whatever the umask took away.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Takes files that an earlier version made from everybody else.
fn private(folder: &Path) {
    for file in files(folder) {
        // The log is no reason to stop.
        let _ = fs::set_permissions(file, Permissions::from_mode(0o600));
    }
}

/// Removes the files of the oldest days.
fn prune(folder: &Path) {
    let mut files = files(folder);
    // A day's name sorts as the day does.
    files.sort();
    for old in &files[..files.len().saturating_sub(DAYS)] {
        let _ = fs::remove_file(old);
    }
}

/// Lists the files of the log.
fn files(folder: &Path) -> Vec<PathBuf> {
    let named = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| name.starts_with("runsheet.") && name.ends_with(".log"))
    };
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).filter(named).collect()
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
    let file = Daily::open(folder, || clock::now().strftime("%Y-%m-%d").to_string()).ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let shown = move || Shown(writer.clone());
    let log = tracing_subscriber::fmt().with_writer(shown).with_ansi(false).with_target(false).finish();
    tracing::subscriber::set_global_default(log).ok()?;
    Some(guard)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what is in a folder: names, and what others may do with the files.
    fn listed(folder: &Path) -> Vec<(String, u32)> {
        let mut list: Vec<(String, u32)> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
                (entry.file_name().into_string().unwrap(), mode)
            })
            .collect();
        list.sort();
        list
    }

    #[test]
    fn the_oldest_days_go_and_what_is_not_of_the_log_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for day in 1..=20 {
            fs::write(path.join(format!("runsheet.2026-01-{day:02}.log")), "old").unwrap();
        }
        fs::write(path.join("notes.log"), "of somebody else").unwrap();
        let mut days = ["2026-01-20", "2026-01-20", "2026-01-21", "2026-01-21"].into_iter();
        let mut log = Daily::open(path.to_owned(), || days.next().unwrap().to_owned()).unwrap();
        for event in ["one\n", "two\n", "three\n"] {
            log.write_all(event.as_bytes()).unwrap();
        }
        drop(log);
        let names: Vec<String> = listed(path).into_iter().map(|(name, _)| name).collect();
        let kept = (8..=21).map(|day| format!("runsheet.2026-01-{day:02}.log"));
        assert_eq!(names, std::iter::once("notes.log".to_owned()).chain(kept).collect::<Vec<_>>());
        assert_eq!(fs::read_to_string(path.join("runsheet.2026-01-20.log")).unwrap(), "oldone\n");
        assert_eq!(fs::read_to_string(path.join("runsheet.2026-01-21.log")).unwrap(), "two\nthree\n");
    }

    /// Where the test below makes its log.
    const FOLDER: &str = "RUNSHEET_TEST_LOG";

    /// The umask is of the whole process, so each is tried in one of its own.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test starts itself again")]
    fn a_file_of_every_day_is_private_whatever_the_umask() {
        for umask in ["000", "022", "077", "777"] {
            let folder = tempfile::tempdir().unwrap();
            let mut test = std::process::Command::new("sh");
            test.args(["-c", "umask \"$0\" && exec \"$@\"", umask]).arg(std::env::current_exe().unwrap());
            test.args(["--exact", "--ignored", "app::log::tests::rolls_over_in_a_process_of_its_own"]);
            let done = test.env(FOLDER, folder.path()).output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
            let wanted = ["2026-01-01", "2026-01-02", "2026-01-03"].map(|day| (format!("runsheet.{day}.log"), 0o600));
            assert_eq!(listed(folder.path()), wanted, "umask {umask}");
        }
    }

    #[test]
    #[ignore = "started by the test of the umask"]
    fn rolls_over_in_a_process_of_its_own() {
        let Some(folder) = std::env::var_os(FOLDER) else { return };
        let folder = PathBuf::from(folder);
        fs::write(folder.join("runsheet.2026-01-01.log"), "of an earlier version").unwrap();
        let mut days = ["2026-01-02", "2026-01-03"].into_iter();
        let mut log = Daily::open(folder, || days.next().unwrap().to_owned()).unwrap();
        log.write_all(b"an event\n").unwrap();
    }

    #[test]
    fn an_event_is_one_visible_line() {
        let mut log = Shown(Vec::new());
        log.write_all("INFO path=/tmp/\u{1b}[2J\nERROR forged\u{9b}\u{202e}\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(log.0).unwrap(), "INFO path=/tmp/␛[2J␊ERROR forged<U+009B><U+202E>\n");
    }
}
