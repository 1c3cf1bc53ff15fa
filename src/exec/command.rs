//! Carries out a command of the playbook: runs it, keeps its transcript, takes its captures, judges it.
//!
//! Order matters. Secrets are in the vault before anything is told, also those of a command that failed: the other side may
//! have changed them. Output that may hold one is let out only after that.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::capture;
use super::child::{self, Command, Ended, Then, Told};
use super::expect::{Answer, judge};
use super::kept::Kept;
use super::scene::Scene;
use super::shown::Outlet;
use super::spool;
use super::stop::Stop;
use super::transcript::{Sink, Stream, without_colours};
use super::until::Watch;
use crate::engine::{How, Outcome, Seen};
use crate::playbook::plan::{Capture, Expect, Manner, Name, RunSpec, Until};
use crate::secret::Secret;

/// A command and how it is judged.
pub(super) struct Task<'a> {
    pub spec: &'a RunSpec,
    pub expect: &'a [Expect],
    pub capture: &'a [Capture],
    pub timeout: Option<Duration>,
    /// Where what it prints is kept should we die, as the stem of files' names.
    pub spool: Option<PathBuf>,
}

impl Task<'_> {
    fn until(&self) -> Option<&Until> {
        match &self.spec.manner {
            Manner::Until(until) => Some(until),
            Manner::Alone | Manner::Terminal => None,
        }
    }

    /// Says whether only a line of its output is its success.
    fn waits_for_a_line(&self) -> bool {
        self.until().is_some_and(|until| until.matches.is_some() && !until.enough)
    }

    /// Says what was waited for and did not come, behind how it ended.
    fn unseen(&self, scene: &Scene) -> String {
        let matches = self.until().and_then(|until| until.matches.as_ref());
        matches.map_or_else(String::new, |matches| format!(", and no line matched /{}/", scene.mask(matches.as_str())))
    }

    /// Says what ended a command that was to go on until something was seen.
    fn seen(&self, ended: &Ended, line: bool) -> Option<Seen> {
        match (self.until(), ended.how) {
            (Some(_), How::Ok | How::Failed) if line => Some(Seen::Line),
            (Some(_), How::Ok | How::Failed) if ended.enough => Some(Seen::Enough),
            (Some(_) | None, How::Ok | How::Failed | How::TimedOut | How::Stopped | How::Lost) => None,
        }
    }
}

/// Carries out a command of a step. Never fails: what went wrong is the outcome.
pub(super) async fn perform(
    task: Task<'_>,
    scene: &Scene,
    transcript: Option<PathBuf>,
    outlet: Option<Outlet>,
    stop: &mut watch::Receiver<Stop>,
) -> Outcome {
    let sink = Sink::open(transcript, outlet, &scene.secrets.masker());
    let command = Command::new(task.spec, scene).map(|command| command.spooled(task.spool.clone()));
    let (command, mut sink) = match (command, sink) {
        (Ok(command), Ok(sink)) => (command, sink),
        (Err(wrong), _) | (Ok(_), Err(wrong)) => return failed(scene.line(&wrong)),
    };
    let hides = task.capture.iter().any(|capture| capture.secret);
    if hides {
        sink.withhold();
    }
    let wants = !task.capture.is_empty() || task.expect.iter().any(|expect| !matches!(expect, Expect::Exit(_)));
    let mut kept = Kept::default();
    let mut watch = Watch::new(task.until().and_then(|until| until.matches.as_ref()));
    let ended = child::run(command, &scene.launcher, task.timeout, stop, &mut |told| match told {
        Told::Output(stream, bytes) => {
            if wants && stream == Stream::Out {
                kept.take(bytes);
            }
            sink.take(stream, bytes);
            if watch.take(stream, bytes) { Then::Enough } else { Then::GoOn }
        }
        Told::Note(note) => {
            sink.say(&format!("\n{note}\n"));
            Then::GoOn
        }
    })
    .await;
    watch.finish();
    let ended = match ended {
        Ok(ended) => ended,
        Err(wrong) => return failed(scene.line(&wrong)),
    };

    let mut taken = Taken { unknown: hides, ..Taken::default() };
    let text = kept.text();
    match &text {
        Ok(text) => taken.take(task.capture, text, scene),
        Err(wrong) if wants => taken.wrong.push(wrong.clone()),
        Err(_) => {}
    }
    // The other side may have changed what could not be captured or kept, so nothing that could tell it is thrown away.
    if hides
        && taken.unknown
        && let Some(kept) = task.spool.as_deref().and_then(spool::kept)
    {
        taken.wrong.push(format!("what it printed is kept in memory until the run ends: {}", kept.display()));
    }
    if hides && !taken.unknown {
        sink.release(&scene.secrets.masker());
    }
    for word in behind(&ended) {
        sink.say(&format!("\n{word}\n"));
    }
    sink.finish();
    conclude(&task, &ended, watch.found, taken, text.ok(), &sink, scene)
}

fn conclude(
    task: &Task<'_>,
    ended: &Ended,
    line: Option<Zeroizing<String>>,
    taken: Taken,
    text: Option<Zeroizing<String>>,
    sink: &Sink,
    scene: &Scene,
) -> Outcome {
    let fingerprints = scene.fingerprints(&taken.secrets);
    let until = task.seen(ended, line.is_some());
    let mut outcome =
        Outcome { exit: ended.exit, how: ended.how, until, secrets: taken.secrets, fingerprints, ..Outcome::default() };
    let last = |stream: Stream| sink.last_line(stream).map(without_colours).filter(|line| !line.is_empty());
    // What went wrong is said on standard error, what was done on standard output.
    let with_last = |told: String| match last(Stream::Err) {
        Some(last) => format!("{told}: {last}"),
        None => told,
    };
    let mut told = match ended.how {
        How::Stopped => format!("stopped by the operator, {}", ended.words),
        How::Lost => ended.words.clone(),
        How::TimedOut => {
            let limit = task.timeout.map_or_else(String::new, |limit| format!(" than {}", spell(limit)));
            with_last(format!("took longer{limit} and was stopped, {}{}", ended.words, task.unseen(scene)))
        }
        How::Ok | How::Failed => {
            // A command that was stopped because something was seen has no exit status that would tell anything.
            let exit = ended.exit.filter(|_| until.is_none());
            let judged = match ended.exit {
                _ if until.is_none() && task.waits_for_a_line() => {
                    Err(format!("{}{}", ended.words, task.unseen(scene)))
                }
                None if until.is_none() => Err(ended.words.clone()),
                Some(_) | None => {
                    let text = text.map_or_else(String::new, |text| text.to_string());
                    let answer = Answer { text, exit, ..Answer::default() };
                    judge(&answer, task.expect, &scene.values, &|text| {
                        // What may hold a secret that nobody knows is not quoted.
                        if taken.unknown { "(withheld)".to_owned() } else { scene.mask(text) }
                    })
                }
            };
            // A wrong status explains a missing capture, not the other way round.
            match judged {
                Err(wrong) => {
                    outcome.how = How::Failed;
                    if wrong.starts_with(&ended.words) { with_last(wrong) } else { wrong }
                }
                Ok(()) if !taken.wrong.is_empty() => {
                    outcome.how = How::Failed;
                    taken.wrong.join("; ")
                }
                Ok(()) => {
                    outcome.values = taken.values;
                    match (until, line) {
                        (Some(_), Some(_)) if taken.unknown => format!("the line came (withheld), {}", ended.words),
                        (Some(_), Some(line)) => format!("the line came, {}: {}", ended.words, line.as_str()),
                        (Some(_), None) => format!("the operator had seen enough, {}", ended.words),
                        (None, _) => last(Stream::Out).unwrap_or_else(|| ended.words.clone()),
                    }
                }
            }
        }
    };
    for word in behind(ended) {
        told = format!("{told}; {word}");
    }
    if let Some(trouble) = sink.trouble() {
        told = format!("{told}; {trouble}");
    }
    outcome.transcript = sink.written();
    outcome.saw = scene.line(&told);
    outcome
}

/// What was captured.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) values: BTreeMap<Name, String>,
    /// The names of those that are in the vault.
    pub(super) secrets: Vec<Name>,
    /// Whether the output may hold a secret that the masker does not know.
    unknown: bool,
    /// Why what was not captured was not.
    pub(super) wrong: Vec<String>,
}

impl Taken {
    /// Takes all captures; secrets are in the vault, on disk, when it returns.
    pub(super) fn take(&mut self, captures: &[Capture], text: &str, scene: &Scene) {
        self.unknown = false;
        let mut secrets: Vec<(String, Secret)> = Vec::new();
        for capture in captures {
            match capture::take(capture, text) {
                Ok(value) if capture.secret => secrets.push((capture.name.as_str().to_owned(), value)),
                Ok(value) => {
                    self.values.insert(capture.name.clone(), value.expose().to_owned());
                }
                Err(wrong) => {
                    self.unknown |= capture.secret;
                    self.wrong.push(wrong);
                }
            }
        }
        let names: Vec<Name> = secrets.iter().map(|(name, _)| Name::new(name)).collect();
        if !secrets.is_empty() {
            match scene.secrets.keep(secrets) {
                Ok(()) => self.secrets = names,
                Err(wrong) => {
                    self.unknown = true;
                    self.wrong.push(wrong);
                }
            }
        }
        self.refuse_secrets(scene);
    }

    /// A value goes into the journal and to every later script, so none may have a secret in it.
    fn refuse_secrets(&mut self, scene: &Scene) {
        let masker = scene.secrets.masker();
        let holds = |value: &String| masker.mask(value) != *value;
        let names: Vec<Name> =
            self.values.iter().filter(|(_, value)| holds(value)).map(|(name, _)| name.clone()).collect();
        for name in names {
            self.values.remove(&name);
            self.wrong.push(format!("{name} was not captured: it has a secret in it; say `secret: true` there"));
        }
    }
}

/// Runs a command for its answer alone: a probe, or the source of an input. Nothing of it is shown or written.
///
/// # Errors
/// When it could not be started, took too long or was stopped, or said too much: a sentence, masked.
pub(crate) async fn ask(
    spec: &RunSpec,
    scene: &Scene,
    timeout: Option<Duration>,
    stop: &mut watch::Receiver<Stop>,
) -> Result<Answer, String> {
    let command = Command::new(spec, scene).map_err(|wrong| scene.line(&wrong))?;
    let (mut kept, mut errors) = (Kept::default(), Kept::default());
    let started = Instant::now();
    let ended = child::run(command, &scene.launcher, timeout, stop, &mut |told| match told {
        Told::Output(stream, bytes) => {
            if stream == Stream::Out {
                kept.take(bytes);
            } else {
                errors.take(bytes);
            }
            Then::GoOn
        }
        // A probe's time is short, and nothing of it is shown but its answer.
        Told::Note(_) => Then::GoOn,
    })
    .await
    .map_err(|wrong| scene.line(&wrong))?;
    match (ended.how, ended.exit) {
        (How::Stopped, _) => Err("stopped by the operator".to_owned()),
        (How::TimedOut, _) => Err(format!("no end after {}", spell(started.elapsed()))),
        (How::Lost, _) | (How::Ok | How::Failed, None) => Err(ended.words),
        (How::Ok | How::Failed, exit) => {
            let errors = errors.text().ok();
            let errors = errors.as_deref().map_or("", |text| text.trim().lines().last().unwrap_or(""));
            Ok(Answer { text: kept.text()?.to_string(), exit, said: scene.line(errors), ..Answer::default() })
        }
    }
}

/// Makes the outcome of something that failed.
pub(super) fn failed(saw: String) -> Outcome {
    Outcome { how: How::Failed, saw, ..Outcome::default() }
}

/// Spells a duration as the playbook does.
pub(super) fn spell(duration: Duration) -> String {
    let (whole, millis) = (duration.as_secs(), duration.subsec_millis());
    if whole == 0 {
        return format!("{millis}ms");
    }
    let mut spelled = String::new();
    for (count, unit) in [(whole / 3600, 'h'), (whole / 60 % 60, 'm'), (whole % 60, 's')] {
        if count > 0 {
            let _ = write!(spelled, "{count}{unit}");
        }
    }
    spelled
}

/// Says what a command left behind.
fn behind(ended: &Ended) -> Vec<String> {
    let mut words = Vec::new();
    if !ended.holders.is_empty() {
        let holders = ended.holders.join(", ");
        words.push(format!("output still held open by process {holders}; what it prints from now on is not kept"));
    }
    if !ended.left.is_empty() {
        words.push(format!("still running: process {}", ended.left.join(", ")));
    }
    words
}
