//! What the doctor sees of disks: the folders, their room, how long a sync takes, the key, and the place in memory.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::Access;

use super::super::{config, place};
use super::{Line, state_folder};
use crate::exec::memory_place;
use crate::words;

/// Less room than this is soon none: a vault, its copy, a journal and transcripts.
const LITTLE: u64 = 256 << 20;
/// Less than this does not do for a run.
const NONE: u64 = 8 << 20;
/// Fewer free inodes than this are soon none: a run makes some dozens of files.
const FEW: u64 = 1000;
/// A run syncs once a step; more than this is felt.
const SLOW: Duration = Duration::from_millis(50);
/// File systems of `linux/magic.h`: what is in memory, and what is on the network.
const TMPFS: u64 = 0x0102_1994;
const NETWORK: [u64; 4] = [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x517b];

/// Looks at all of it.
pub(super) fn look() -> Vec<Line> {
    let mut lines = Vec::new();
    match state_folder() {
        Ok(state) => lines.extend(folder("state folder", state.path(), "XDG_STATE_HOME")),
        Err(line) => lines.push(line),
    }
    match place::config() {
        Some(config) => {
            // What little it holds needs no room, and nothing of it is written in a run.
            lines.extend(folder("config folder", &config, "XDG_CONFIG_HOME").into_iter().take(1));
            lines.push(key(&config.join("identity")));
            lines.push(match config::read() {
                Ok(config) => match config::signatures(&config.sign_off) {
                    Ok(told) => Line::ok("signatures", told),
                    Err((told, next)) => Line::warn("signatures", told, next),
                },
                Err(ending) => {
                    let told = ending.because.unwrap_or(ending.what);
                    Line::bad("configuration", told, "mend config.yaml: no run begins with it")
                }
            });
        }
        None => lines.push(Line::bad("config folder", "there is no home folder", "set HOME, or XDG_CONFIG_HOME")),
    }
    lines.push(match memory_place() {
        Some(place) => Line::ok("memory", format!("{} is in memory", place.display())),
        None => Line::warn(
            "memory",
            "there is no folder in memory that is ours alone: what a command prints is lost if the program is killed",
            "set XDG_RUNTIME_DIR to a tmpfs folder of yours with mode 0700, or mount /dev/shm",
        ),
    });
    lines
}

/// The folder itself first, then the room in it.
fn folder(about: &'static str, path: &Path, variable: &str) -> Vec<Line> {
    let shown = path.display();
    let elsewhere = format!("mend it, or set {variable} to a folder that can be written");
    let there = there(path);
    let Some(there) = there else {
        return vec![Line::bad(about, format!("{shown} cannot be reached"), elsewhere)];
    };
    if rustix::fs::access(&there, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let told = if there == path {
            format!("{shown} cannot be written")
        } else {
            format!("{shown} is not there, and {} cannot be written", there.display())
        };
        return vec![Line::bad(about, told, elsewhere)];
    }
    let mut lines = vec![standing(about, path, &there)];
    lines.extend(room(&there));
    lines.push(sync(&there));
    lines
}

/// The folder, or the nearest one above it that is there.
fn there(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned)
}

fn standing(about: &'static str, path: &Path, there: &Path) -> Line {
    let shown = path.display();
    if there != path {
        return Line::ok(about, format!("{shown} is made with the first run"));
    }
    let Ok(found) = fs::metadata(path) else { return Line::bad(about, format!("{shown} cannot be read"), "mend it") };
    let mode = found.mode() & 0o777;
    if found.uid() != rustix::process::getuid().as_raw() {
        let next = "use a folder of your own";
        return Line::warn(about, format!("{shown} belongs to somebody else (user {})", found.uid()), next);
    }
    if mode & 0o022 != 0 {
        let told = format!("{shown} can be written by others (mode {mode:o})");
        return Line::bad(about, told, format!("chmod 700 {shown}"));
    }
    Line::ok(about, format!("{shown} can be written (mode {mode:o})"))
}

fn room(there: &Path) -> Vec<Line> {
    let shown = there.display();
    let mut lines = Vec::new();
    match rustix::fs::statvfs(there) {
        Ok(free) => {
            let bytes = free.f_bavail.saturating_mul(free.f_frsize);
            let told = format!("{} MiB are free in {shown}", bytes >> 20);
            lines.push(match bytes {
                ..NONE => Line::bad("space", told, "make room before a run begins"),
                NONE..LITTLE => Line::warn("space", told, "make room"),
                LITTLE.. => Line::ok("space", told),
            });
            // Some file systems have no such limit.
            if free.f_files > 0 && free.f_favail < FEW {
                let told = format!("{} free inodes in {shown}", free.f_favail);
                lines.push(Line::warn("inodes", told, "remove files; each step makes some"));
            }
        }
        Err(error) => lines.push(Line::warn("space", format!("{shown}: {error}"), "look at the file system")),
    }
    let kind = rustix::fs::statfs(there).map_or(0, |about| {
        #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "signed on some machines only")]
        let kind = about.f_type as u64 & 0xffff_ffff;
        kind
    });
    if kind == TMPFS {
        let told = format!("{shown} is in memory: runs are gone when the machine stops");
        lines.push(Line::warn("file system", told, "set XDG_STATE_HOME to a folder on a disk"));
    } else if NETWORK.contains(&kind) {
        let told = format!("{shown} is on the network: locks may not hold between machines");
        lines.push(Line::warn("file system", told, "set XDG_STATE_HOME to a folder on a local disk"));
    }
    lines
}

/// Measures what every step waits for.
fn sync(there: &Path) -> Line {
    let tried = tempfile::Builder::new().prefix(".doctor-").tempfile_in(there).and_then(|mut file| {
        let mut took = Vec::new();
        for _ in 0..5 {
            file.write_all(&[b'x'; 512])?;
            let begun = Instant::now();
            file.as_file().sync_data()?;
            took.push(begun.elapsed());
        }
        took.sort();
        Ok(took[took.len() / 2])
    });
    match tried {
        Ok(took) => {
            let told = format!("a sync in {} takes {}", there.display(), words::duration(round(took)));
            if took > SLOW {
                Line::warn("sync", told, "each step waits for one; a local disk is faster")
            } else {
                Line::ok("sync", told)
            }
        }
        Err(error) => Line::bad("sync", format!("{}: {error}", there.display()), "mend the disk before a run begins"),
    }
}

/// At least a millisecond, so that it can be said.
fn round(took: Duration) -> Duration {
    Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1))
}

fn key(path: &Path) -> Line {
    let shown = path.display();
    let text = match fs::read(path) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Line::ok("key", format!("{shown} is made with the first run"));
        }
        Err(error) => {
            return Line::bad("key", format!("{shown} cannot be read: {error}"), "mend it: vaults open with it");
        }
    };
    let mode = fs::metadata(path).map_or(0, |found| found.mode() & 0o777);
    if mode & 0o077 != 0 {
        let told = format!("{shown} can be read by others (mode {mode:o})");
        return Line::bad("key", told, format!("chmod 600 {shown}"));
    }
    let begins = |with: &str| text.starts_with(with.as_bytes());
    if begins("age-encryption.org/") || begins("-----BEGIN AGE ENCRYPTED FILE") {
        return Line::ok("key", format!("{shown} is protected by a passphrase"));
    }
    if String::from_utf8_lossy(&text).lines().any(|line| line.trim().starts_with("AGE-SECRET-KEY-1")) {
        return Line::ok("key", format!("{shown} is yours alone, and not protected by a passphrase"));
    }
    Line::bad(
        "key",
        format!("{shown} holds no age key"),
        "move it away, and a new one is made; old vaults need the old one",
    )
}
