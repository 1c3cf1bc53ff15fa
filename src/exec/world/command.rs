//! The probe `command`: a script or a program; its exit status and standard output are the answer.
//!
//! It runs as a step's command does, but its output is shown only as far as the verdict needs it.

use std::time::Instant;

use super::{Asking, Heard, Miss, took};
use crate::engine::How;
use crate::exec::child::{Command, run};
use crate::exec::expect::Answer;
use crate::exec::kept::Kept;
use crate::exec::transcript::Stream;
use crate::playbook::plan::RunSpec;

/// The most bytes of the end of standard error that are looked at.
const TAIL: usize = 4096;

/// Runs a command to its end. It is ended when it takes too long or somebody says stop.
pub(super) async fn ask(spec: &RunSpec, asking: Asking<'_>) -> Result<Heard, Miss> {
    let Asking { spec: probe, scene, mut stop, .. } = asking;
    let command = Command::new(spec, scene).map_err(Miss::not_asked)?;
    let begin = Instant::now();
    let (mut out, mut err) = (Kept::default(), Vec::new());
    let mut take = |stream: Stream, bytes: &[u8]| match stream {
        Stream::Out => out.take(bytes),
        Stream::Err => {
            err.extend_from_slice(bytes);
            let surplus = err.len().saturating_sub(TAIL);
            err.drain(..surplus);
        }
    };
    let ended = run(command, &scene.launcher, Some(probe.timeout), &mut stop, &mut take).await;
    let ended = ended.map_err(Miss::not_asked)?;
    match ended.how {
        How::Ok | How::Failed => {}
        How::TimedOut => {
            return Err(Miss::unreachable(format!("no end in {}: it was stopped", took(probe.timeout))));
        }
        How::Stopped => return Err(Miss::unreachable("it was stopped")),
    }
    let text = out.text().map_err(Miss::not_understood)?;
    // A signal is no status: nothing that is expected can make it right.
    let wrong = if ended.exit.is_none() { vec!["it did not end by itself".to_owned()] } else { Vec::new() };
    Ok(Heard {
        answer: Answer { text: text.as_str().to_owned(), exit: ended.exit, ..Answer::default() },
        saw: format!("{} in {}", ended.words, took(begin.elapsed())),
        shown: Some("output"),
        wrong,
        more: last_line(&err),
    })
}

/// Returns the last line of standard error that says something.
fn last_line(err: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(err);
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(|line| format!("standard error: {line}"))
}
