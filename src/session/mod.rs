//! The session: one loop that takes a message, asks the engine, writes down and syncs, starts the effects, shows.
//!
//! It owns the engine, the journal's end, the executor and the front, and is the only place where they meet. Nothing
//! else decides anything: what may happen is the engine's, what is shown the front's, what is done the executor's.

mod answers;
mod clock;
mod signals;

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::engine::{Awaiting, Effect, Engine, Input, Refusal, Stamped, Target};
use crate::exec::{Executor, Report};
use crate::front::{Front, Say, Update};
use crate::journal::Log;
use crate::playbook::plan::{Act, StepId};

use signals::Signals;

/// The parts of a session, put together by `app`.
pub struct Session<F: Front> {
    /// The engine, with the records of an earlier process replayed.
    pub engine: Engine,
    /// Where records go.
    pub log: Box<dyn Log>,
    /// Who carries effects out.
    pub executor: Box<dyn Executor>,
    /// What comes back from the world.
    pub reports: UnboundedReceiver<Report>,
    /// Who is shown everything, and speaks for the operator.
    pub front: F,
}

impl<F: Front + std::fmt::Debug> std::fmt::Debug for Session<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("front", &self.front).finish_non_exhaustive()
    }
}

/// How a session came to its end.
#[derive(Debug)]
pub struct Over<F> {
    /// The engine as it stands.
    pub engine: Engine,
    /// The front, which may know more.
    pub front: F,
    /// Why.
    pub because: Because,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The run is closed, or the playbook stopped it.
    Run,
    /// The front left; the run stays open.
    Left,
    /// A signal ended it; the run stays open.
    Signal(&'static str),
    /// The journal cannot be written: a sentence.
    Journal(String),
    /// The first input was refused.
    Refused(Refusal),
}

/// A message of the loop.
enum Message {
    Say(Say),
    Report(Report),
    Signal(&'static str),
}

/// What a turn of the loop left to be done.
#[derive(Default)]
struct Pending {
    records: Vec<Arc<Stamped>>,
    effects: VecDeque<Effect>,
}

impl<F: Front> Session<F> {
    /// Walks the run from a first input (`Begin`, `Resume` or `Rollback`) until it is over or somebody leaves.
    pub async fn run(mut self, first: Vec<Input>) -> Over<F> {
        let because = match self.walk(first).await {
            Ok(because) | Err(because) => because,
        };
        self.front.take(Update::Over);
        Over { engine: self.engine, front: self.front, because }
    }

    async fn walk(&mut self, first: Vec<Input>) -> Result<Because, Because> {
        let mut signals = Signals::new();
        let mut words = self.front.words();
        let mut leaving: Option<Because> = None;
        let mut previewed: Option<(StepId, u32)> = None;

        self.front.take(Update::Live);
        let mut pending = Pending::default();
        let mut first = VecDeque::from(first);
        // What an earlier process left busy is nobody's now: the first input (`Resume`) settles it and waits for nothing.
        if let Some(input) = first.pop_front() {
            self.ask(input, &mut pending).map_err(Because::Refused)?;
        }
        loop {
            // Each of the others waits until what the one before it started is over.
            while self.engine.run().busy.is_none()
                && let Some(input) = first.pop_front()
            {
                self.ask(input, &mut pending).map_err(Because::Refused)?;
            }
            if leaving.is_none() && first.is_empty() {
                leaving = self.answers(&mut pending)?;
            }
            if self.settle(&mut pending)? {
                return Ok(leaving.unwrap_or(Because::Run));
            }
            if let Some(because) = leaving.clone().filter(|_| self.engine.run().busy.is_none()) {
                return self.leave(because, &mut pending);
            }
            self.preview(&mut previewed);

            let message = tokio::select! {
                // A person before the world: a flood of output waits in the child's pipe, never in front of a word.
                biased;
                Some(signal) = signals.next() => Message::Signal(signal),
                Some(say) = next(&mut words) => Message::Say(say),
                Some(report) = self.reports.recv() => Message::Report(report),
                else => return Ok(Because::Left),
            };
            match message {
                Message::Say(Say::Quit) => leaving = Some(self.stop_for(Because::Left, leaving.as_ref(), &mut pending)),
                Message::Signal(name) => {
                    leaving = Some(self.stop_for(Because::Signal(name), leaving.as_ref(), &mut pending));
                }
                Message::Say(say) => self.hear(say, &mut pending)?,
                Message::Report(report) => self.report(report, &mut pending)?,
            }
        }
    }

    /// Lets an unattended front say all that it has to say.
    fn answers(&mut self, pending: &mut Pending) -> Result<Option<Because>, Because> {
        while let Some(say) = self.front.answer(self.engine.plan(), self.engine.run()) {
            match say {
                Say::Quit => return Ok(Some(Because::Left)),
                say => self.hear(say, pending)?,
            }
            // What was decided is carried out before the next answer is asked for, or an answer could never see a result.
            if self.engine.run().busy.is_some() {
                break;
            }
        }
        Ok(None)
    }

    /// Takes what a front said.
    fn hear(&mut self, say: Say, pending: &mut Pending) -> Result<(), Because> {
        let said = match say {
            Say::Input(input) => {
                let input = answers::masked(input, |text| self.executor.mask(text));
                self.ask(input, pending)
            }
            Say::Answer { target, answers } => {
                match answers::sort(&self.engine, self.executor.as_mut(), target, answers) {
                    Ok(input) => self.ask(input, pending),
                    Err(refusal) => Err(refusal),
                }
            }
            Say::Preview(target) => {
                self.executor.preview(target, &self.engine.run().values);
                Ok(())
            }
            Say::Quit => Ok(()),
        };
        if let Err(refusal) = said {
            self.settle(pending)?;
            self.front.take(Update::Refused(refusal));
        }
        Ok(())
    }

    /// Takes what came back from the world.
    fn report(&mut self, report: Report, pending: &mut Pending) -> Result<(), Because> {
        match report {
            Report::Input(input) => {
                if let Err(refusal) = self.ask(input, pending) {
                    tracing::warn!(?refusal, "a result that nothing waits for");
                    self.settle(pending)?;
                }
            }
            Report::Output { target, text } => self.front.take(Update::Output { target, text: text.into() }),
            Report::Attempt { target, probe, attempt, finding, pass, saw } => {
                self.front.take(Update::Attempt { target, probe, attempt, finding, pass, saw });
            }
            Report::Preview { target, diff } => self.front.take(Update::Preview { target, diff }),
        }
        Ok(())
    }

    /// Asks the engine.
    fn ask(&mut self, input: Input, pending: &mut Pending) -> Result<(), Refusal> {
        let turn = self.engine.handle(input, clock::now())?;
        pending.records.extend(turn.records.into_iter().map(Arc::new));
        pending.effects.extend(turn.effects);
        Ok(())
    }

    /// Writes down and syncs, then starts the effects, then shows. Says whether that was the last turn.
    fn settle(&mut self, pending: &mut Pending) -> Result<bool, Because> {
        for record in &pending.records {
            self.log.append(record).map_err(Because::Journal)?;
        }
        self.log.sync().map_err(Because::Journal)?;
        let mut last = false;
        for effect in pending.effects.drain(..) {
            if effect == Effect::Leave {
                last = true;
            } else {
                self.executor.start(effect, &self.engine.run().values);
            }
        }
        for record in pending.records.drain(..) {
            self.front.take(Update::Record(record));
        }
        Ok(last)
    }

    /// Has what runs stopped, politely the first time, so that the session can end.
    fn stop_for(&mut self, because: Because, leaving: Option<&Because>, pending: &mut Pending) -> Because {
        if self.engine.run().busy.is_some() {
            // The first of two signals is polite; the second means it.
            let stopped = self.ask(Input::Stop { hard: leaving.is_some() }, pending);
            debug_assert!(stopped.is_ok(), "what is busy can be stopped");
        }
        leaving.cloned().unwrap_or(because)
    }

    /// Writes down that the program stops.
    fn leave(&mut self, because: Because, pending: &mut Pending) -> Result<Because, Because> {
        let why = match &because {
            Because::Signal(name) => format!("stopped by {name}"),
            Because::Left | Because::Run | Because::Journal(_) | Because::Refused(_) => "left".to_owned(),
        };
        if self.ask(Input::Pause { why }, pending).is_ok() {
            self.settle(pending)?;
        }
        Ok(because)
    }

    /// Has the diff of an edit worked out as soon as it is the edit's turn, so that it is seen before it is agreed to.
    fn preview(&mut self, previewed: &mut Option<(StepId, u32)>) {
        let run = self.engine.run();
        let plan = self.engine.plan();
        let (Awaiting::Go(id) | Awaiting::Decision(id)) = run.awaiting(plan) else { return };
        let Some(step) = plan.step(&id).filter(|step| matches!(step.action.act, Act::Edit(_))) else { return };
        let now = (step.id.clone(), run.step(plan, &id).map_or(0, |step| step.attempts));
        if previewed.as_ref() != Some(&now) {
            self.executor.preview(Target::step(&id), &run.values);
            *previewed = Some(now);
        }
    }
}

/// Waits for a person's word; for ever where nobody speaks.
async fn next(words: &mut Option<UnboundedReceiver<Say>>) -> Option<Say> {
    match words {
        Some(words) => Some(words.recv().await.unwrap_or(Say::Quit)),
        None => std::future::pending().await,
    }
}
