//! Carries out a command that a person attends at a terminal: keeps its transcript, tells its pictures, judges its end.
//!
//! Nothing is captured from a terminal, so nothing is withheld: what is typed is not recorded, and what is drawn is masked where it
//! stands. Only its exit status is judged.

use std::path::PathBuf;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::Report;
use super::child::{Command, Then, Told};
use super::command::{Task, failed, spell};
use super::expect::{Answer, judge};
use super::scene::Scene;
use super::shown::Outlet;
use super::stop::Stop;
use super::terminal::{self, Easel, Seat};
use super::transcript::{Sink, Stream};
use crate::engine::{How, Outcome, Target};
use crate::output::Grid;
use crate::secret::MASK;

/// Who sits at a terminal, and who looks at it.
pub(super) struct Attended {
    /// Whose keys it gets.
    pub(super) seat: Seat,
    /// Where its pictures are told.
    pub(super) reports: UnboundedSender<Report>,
    /// Whose pictures they are.
    pub(super) target: Target,
}

/// Carries out a command of a step at a terminal. Never fails: what went wrong is the outcome.
pub(super) async fn perform(
    task: Task<'_>,
    scene: &Scene,
    transcript: Option<PathBuf>,
    outlet: Option<Outlet>,
    attended: Attended,
    stop: &mut watch::Receiver<Stop>,
) -> Outcome {
    let command = Command::new(task.spec, scene);
    let sink = Sink::open(transcript, outlet, &scene.secrets.masker());
    let (command, mut sink) = match (command, sink) {
        (Ok(command), Ok(sink)) => (command, sink),
        (Err(wrong), _) | (Ok(_), Err(wrong)) => return failed(scene.line(&wrong)),
    };
    let Attended { seat, reports, target } = attended;
    let masked = |grid: &Grid| {
        let masker = scene.secrets.masker();
        grid.picture(|text| masker.covered(text), MASK)
    };
    let report = |report: Report| {
        // Nobody listens any more when the program ends.
        let _ = reports.send(report);
    };
    let easel = Easel { masked: &masked, report: &report, target };
    let mut take = |told: Told<'_>| {
        match told {
            Told::Output(_, lines) => sink.take(Stream::Out, lines),
            Told::Note(note) => sink.say(&format!("\n{note}\n")),
        }
        Then::GoOn
    };
    let ended = terminal::run(command, &scene.launcher, task.timeout, stop, seat, &easel, &mut take);
    let ended = match ended.await {
        Ok(ended) => ended,
        Err(wrong) => return failed(scene.line(&wrong)),
    };
    if !ended.left.is_empty() {
        sink.say(&format!("\nstill running: process {}\n", ended.left.join(", ")));
    }
    sink.finish();
    let mut outcome = Outcome { exit: ended.exit, how: ended.how, ..Outcome::default() };
    let mut told = match ended.how {
        How::Stopped => format!("stopped by the operator, {}", ended.words),
        How::TimedOut => {
            let limit = task.timeout.map_or_else(String::new, |limit| format!(" than {}", spell(limit)));
            format!("took longer{limit} and was stopped, {}", ended.words)
        }
        // It runs here, so its end is seen.
        How::Ok | How::Failed | How::Lost => {
            let answer = Answer { exit: ended.exit, ..Answer::default() };
            let judged = match ended.exit {
                Some(_) => judge(&answer, task.expect, &scene.values, &|text| scene.mask(text)),
                None => Err(ended.words.clone()),
            };
            match judged {
                Ok(()) => format!("ended at its terminal, {}", ended.words),
                Err(wrong) => {
                    outcome.how = How::Failed;
                    format!("{wrong}, at its terminal")
                }
            }
        }
    };
    if !ended.left.is_empty() {
        told = format!("{told}; still running: process {}", ended.left.join(", "));
    }
    if let Some(trouble) = sink.trouble() {
        told = format!("{told}; {trouble}");
    }
    outcome.transcript = sink.written();
    outcome.saw = scene.line(&told);
    outcome
}
