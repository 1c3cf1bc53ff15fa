//! Earlier runs of a playbook: how long its steps took in them.
//!
//! Read once, when a run begins or is about to; what was read goes into the record of the run, so that its clocks say the same
//! whenever they are looked at again. What must stay true: what is read is bounded, in runs and in bytes, and a journal that
//! cannot be read is passed over; no run fails to begin for want of it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::engine::{End, Expected, Pace, expected};
use crate::journal::{self, Place, Summary};
use crate::playbook::plan::StepId;

/// How many completed runs are read: the newest.
const RUNS: usize = 20;

/// Among how many of the newest runs they are looked for.
const AMONG: usize = 500;

/// The longest journal that is read, in bytes; an ordinary one has tens of kilobytes.
const LONGEST: u64 = 4 << 20;

/// The most that is read in all, in bytes.
const BYTES: u64 = 16 << 20;

/// Reads how long the steps of a playbook took in its earlier runs: by its path, or its title where it has been moved.
pub(super) fn medians(state: &Place, playbook: &Path, title: &str) -> BTreeMap<StepId, Expected> {
    let path = playbook.display().to_string();
    let same =
        |run: &Summary| run.end == Some(End::Completed) && (run.begun.playbook == path || run.begun.title == title);
    let ids = state.find("");
    let newest = ids.iter().rev().take(AMONG).filter_map(|id| state.folder(id).summary());
    let (mut runs, mut read) = (Vec::new(), 0);
    for run in newest.filter(same).take(RUNS) {
        let path = state.folder(&run.id).journal();
        let long = std::fs::metadata(&path).map_or(u64::MAX, |about| about.len());
        if long > LONGEST || read + long > BYTES {
            continue;
        }
        read += long;
        let mut pace = Pace::default();
        match journal::read(&path, false, |stamped| pace.take(&stamped)) {
            Ok(_) => runs.push(pace),
            Err(error) => tracing::warn!(%error, run = run.id, "an earlier run is not counted"),
        }
    }
    expected(&runs)
}
