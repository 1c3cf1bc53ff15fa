//! The probe `log`: the lines that came into a log file since the step began.
//!
//! Where a log stood then is looked at before the step starts, and is on record: it outlives a crash. What must stay true: a
//! line that stood there before is never taken for a new one; a log that was cut off or put aside meanwhile is read from its
//! beginning, and that is said; where it is not known how the log stood, the question is not asked.

use std::fs::Metadata;
use std::io::{ErrorKind, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use zeroize::Zeroizing;

use super::{Asking, Heard, Miss};
use crate::engine::LogMark;
use crate::exec::expect::{Answer, fill};
use crate::exec::scene::Scene;
use crate::playbook::plan::{Action, Expect, Probe, Template};

/// The most that is read of what came since: the newest, as a flood is usually of no interest.
const LARGEST: u64 = 16 << 20;

/// Looks where the logs stand that an action's probes will read. One that cannot be looked at counts as not there: its probe
/// will say why.
pub(in crate::exec) fn marks(action: &Action, scene: &Scene) -> Vec<LogMark> {
    let logs = action.verify.iter().filter_map(|probe| match &probe.probe {
        Probe::Log(path) => scene.path(path).ok(),
        _ => None, // only these are marked
    });
    logs.map(|path| {
        let found = std::fs::metadata(&path).ok();
        let number = |of: fn(&Metadata) -> u64| found.as_ref().map_or(0, of);
        LogMark {
            path: path.display().to_string(),
            device: number(Metadata::dev),
            inode: number(Metadata::ino),
            length: number(Metadata::len),
        }
    })
    .collect()
}

/// Reads what came since.
pub(super) async fn ask(path: &Template, asking: &Asking<'_>) -> Result<Heard, Miss> {
    let scene = asking.scene;
    let path = scene.path(path).map_err(Miss::not_asked)?;
    let show = path.display().to_string();
    let Some(mark) = scene.logs.iter().find(|mark| mark.path == show) else {
        return Err(Miss::not_asked(format!("where {show} stood when the step began is not known")));
    };
    let (bytes, how) = match since(&path, mark).await {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let wrong = vec!["expected a log there".to_owned()];
            return Ok(Heard { saw: format!("there is no file {show}"), wrong, ..Heard::default() });
        }
        Err(error) => return Err(Miss::unreachable(format!("{show} cannot be read: {error}"))),
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut saw = match text.lines().count() {
        1 => format!("1 line since the step began{how}"),
        lines => format!("{lines} lines since the step began{how}"),
    };
    let withheld = asking.spec.capture.iter().any(|capture| capture.secret);
    let told = found(&text, &asking.spec.expect, scene).or_else(|| text.lines().next_back());
    if let Some(line) = told.filter(|_| !withheld) {
        saw = format!("{saw}: {}", line.trim());
    }
    Ok(Heard { answer: Answer { text, by_line: true, ..Answer::default() }, saw, ..Heard::default() })
}

/// Finds the line that what is expected is about.
fn found<'t>(text: &'t str, expects: &[Expect], scene: &Scene) -> Option<&'t str> {
    expects.iter().find_map(|expect| match expect {
        Expect::Matches(pattern) => text.lines().find(|line| pattern.is_match(line)),
        Expect::Contains(wanted) | Expect::NotContains(wanted) => {
            let wanted = fill(wanted, &scene.values);
            text.lines().find(|line| line.contains(&wanted))
        }
        _ => None, // `check` lets no other stand beside `log`
    })
}

/// Reads a log from where it stood, and says what else is to be known of that.
async fn since(path: &Path, mark: &LogMark) -> std::io::Result<(Zeroizing<Vec<u8>>, &'static str)> {
    let mut file = File::open(path).await?;
    let now = file.metadata().await?;
    if !now.is_file() {
        return Err(std::io::Error::other("it is no plain file"));
    }
    let same = (now.dev(), now.ino()) == (mark.device, mark.inode) && now.len() >= mark.length;
    let (from, mut how) = match (same, mark.inode) {
        (true, _) => (mark.length, ""),
        (false, 0) => (0, ""),
        (false, _) => (0, " (the log was begun anew since)"),
    };
    let newest = now.len().saturating_sub(LARGEST);
    if newest > from {
        how = " (more came than is looked into: the newest 16 MiB of it)";
    }
    file.seek(SeekFrom::Start(from.max(newest))).await?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LARGEST).read_to_end(&mut bytes).await?;
    Ok((bytes, how))
}
