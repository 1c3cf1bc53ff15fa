//! The files with secrets that a run has not removed: which of the playbook's `temporary` files are still there.
//!
//! It only looks, and removes nothing: that is an effect of the run's end. An open run may have any of them; a closed run
//! has those that could not be removed, unless somebody has seen to them since. What must stay true: a file that is there
//! is named, whichever way the run was left.

use std::fs;
use std::io::{ErrorKind, Write as _, stderr};
use std::path::{Path, PathBuf};

use super::resume;
use crate::engine::{Run, Stage};
use crate::output::visible_plain;
use crate::playbook::plan::Plan;
use crate::words;

/// What is said of them, before their names.
pub(super) const STILL_THERE: &str = "files with secrets that are still there";

/// A file that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Its path.
    pub(super) file: String,
    /// Why the run could not remove it; nothing while it has not tried.
    pub(super) why: Option<String>,
}

/// Lists the temporary files of a run that are still there.
pub(super) fn still_there(plan: &Plan, run: &Run) -> Vec<Left> {
    let Some(begun) = &run.begun else { return Vec::new() };
    let base = resume::base(Path::new(&begun.playbook));
    let mut list = Vec::new();
    for file in &plan.temporary {
        // Without its values the name of a file is not known, and no step can have made it.
        if file.names().any(|name| !run.values.contains_key(name)) {
            continue;
        }
        let path: PathBuf = base.join(words::fill(file, run));
        let file = path.display().to_string();
        let why = run.left_behind.iter().find(|(left, _)| *left == file).map(|(_, why)| why.clone());
        // What came to a closed run's place later is not of that run.
        if (run.stage != Stage::Over || why.is_some()) && is_there(&path) {
            list.push(Left { file, why });
        }
    }
    list
}

/// Says in a line what an open run leaves for its end to remove. A closed run's front has said what was left.
pub(super) fn line(plan: &Plan, run: &Run) -> Option<String> {
    let left = if run.stage == Stage::Over { Vec::new() } else { still_there(plan, run) };
    let files: Vec<String> = left.into_iter().map(|left| left.file).collect();
    (!files.is_empty()).then(|| format!("{STILL_THERE}: {}; removed when the run ends", files.join(", ")))
}

/// Prints the line on standard error, for whoever has had a full screen until now.
pub(super) fn tell(line: Option<String>) {
    if let Some(line) = line {
        // Where it cannot be printed there is nobody to tell.
        let _ = writeln!(stderr(), "{}", visible_plain(&line));
    }
}

/// Says whether there is something, or may be: a place that cannot be looked at is no proof that it is empty.
fn is_there(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}
