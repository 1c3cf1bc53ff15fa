//! What the doctor sees of runs: who is at one now, and what ended ones left behind.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Line, state_folder};
use crate::exec::memory_place;
use crate::journal::{Place, Summary};
use crate::words;

/// Looks at all of them.
pub(super) fn look() -> Vec<Line> {
    let Ok(state) = state_folder() else { return Vec::new() };
    let runs = state.runs();
    let mut lines = Vec::new();
    let mut held = Vec::new();
    for run in &runs {
        if let Some(holder) = state.folder(&run.id).held_by() {
            let told = format!(
                "{} is being run by {} on {}, process {}, since {}",
                run.id, holder.operator, holder.host, holder.pid, holder.since
            );
            lines.push(Line::ok("at work", told));
            held.push(run.id.clone());
        }
    }
    let open = runs.iter().filter(|run| run.end.is_none() && !held.contains(&run.id)).count();
    if open > 0 {
        let told = format!("{} wait to be resumed", words::count(open, "open run", "open runs"));
        lines.push(Line::ok("open runs", told));
    }
    for run in runs.iter().filter(|run| !held.contains(&run.id)) {
        lines.extend(left(&state, run));
    }
    if let Some(place) = memory_place() {
        lines.extend(in_memory(&place, &runs, &held));
    }
    lines
}

/// What a run left in its folder that should be gone.
fn left(state: &Place, run: &Summary) -> Vec<Line> {
    let folder = state.folder(&run.id);
    let mut lines = Vec::new();
    let socket = folder.path().join("host.sock");
    if socket.exists() {
        let told = format!("{} belongs to nobody any more", socket.display());
        lines.push(Line::warn("left behind", told, format!("`runsheet resume {}` takes the run up again", run.id)));
    }
    if run.end.is_some() && folder.vault().exists() {
        let told = format!("run {} is closed, but its vault is still there", run.id);
        lines.push(Line::warn("left behind", told, format!("rm {}", folder.vault().display())));
    }
    lines
}

/// What is left of commands whose host died.
fn in_memory(place: &Path, runs: &[Summary], held: &[String]) -> Vec<Line> {
    let folders = fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    folders.sort();
    let told = |folder: &PathBuf| {
        let id = folder.file_name()?.to_str()?.to_owned();
        let many = fs::read_dir(folder).map_or(0, Iterator::count);
        if held.contains(&id) || many == 0 {
            return None;
        }
        let files = words::count(many, "file", "files");
        // Runs of another state folder are not known here, and may be open.
        let run = runs.iter().find(|run| run.id == id)?;
        Some(match run.end {
            None => Line::warn(
                "left behind",
                format!("{} holds what a command of {id} printed that was not captured ({files})", folder.display()),
                format!("`runsheet resume {id}` takes it up, or says what it is"),
            ),
            Some(_) => Line::warn(
                "left behind",
                format!("{} holds {files} of {id}, which is closed; secrets may be in them", folder.display()),
                format!("rm -r {}", folder.display()),
            ),
        })
    };
    folders.iter().filter_map(told).collect()
}
