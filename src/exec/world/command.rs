//! The probe `command`: a script or a program; its exit status and standard output are the answer.
//!
//! It runs as a step's command does, but its output is shown only as far as the verdict needs it.

use std::time::Instant;

use super::{Asking, Heard, Miss, took};
use crate::exec::command;
use crate::playbook::plan::RunSpec;

/// Runs a command to its end. It is ended when it takes too long or somebody says stop.
pub(super) async fn ask(spec: &RunSpec, asking: Asking<'_>) -> Result<Heard, Miss> {
    let Asking { spec: probe, scene, mut stop, .. } = asking;
    let begin = Instant::now();
    let answer = command::ask(spec, scene, Some(probe.timeout), &mut stop).await.map_err(Miss::unreachable)?;
    let status = answer.exit.map_or_else(|| "no exit status".to_owned(), |exit| format!("exit status {exit}"));
    let more = Some(&answer.said).filter(|said| !said.is_empty()).map(|said| format!("standard error: {said}"));
    Ok(Heard {
        saw: format!("{status} in {}", took(begin.elapsed())),
        shown: Some(", output "),
        more,
        answer,
        ..Heard::default()
    })
}
