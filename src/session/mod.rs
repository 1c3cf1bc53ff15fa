//! The session: one loop that takes a message, asks the engine, writes down and syncs, starts the effects, shows.
//!
//! It owns the engine, the journal's end, the executor and the front, and is the only place where they meet. Nothing
//! else decides anything: what may happen is the engine's, what is shown the front's, what is done the executor's.

mod answers;
pub mod client;
pub mod clock;
pub mod host;
mod notary;
mod signals;
pub mod socket;
pub mod wire;

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::engine::{Awaiting, Effect, Engine, Input, Refusal, Signing, Stamped, Target};
use crate::exec::{Executor, Found, Report};
use crate::front::{Front, Handed, Say, Update, Words};
use crate::journal::Log;
use crate::playbook::plan::{Act, Name, StepId};

use signals::Signals;

pub use notary::{NoKeys, Notary};
pub use signals::keep_size_limit_an_error;

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
    /// Who checks signatures that are handed in.
    pub notary: Box<dyn Notary>,
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
    /// A first input was refused, or twice in a row what a front said for which nobody sits there.
    Refused(Refusal),
}

/// A message of the loop.
enum Message {
    Say(Say),
    Report(Report),
    Signal(&'static str),
}

/// How many words are heard in a row while something waits that came back from the world.
const AT_A_TIME: u32 = 16;

/// What a turn of the loop left to be done.
#[derive(Default)]
struct Pending {
    /// What is to be asked before anybody is: `Begin`, or `Resume`, perhaps with `Rollback` behind it.
    first: VecDeque<Input>,
    records: Vec<Arc<Stamped>>,
    effects: VecDeque<Effect>,
    /// What is told once the records are on disk.
    told: Vec<Update>,
    /// The run has said that this was its last turn.
    last: bool,
    /// How many previews are being worked out; a front for which nobody sits there may wait to have seen one.
    previews: usize,
}

impl<F: Front> Session<F> {
    /// Walks the run from its first inputs (`Begin`, or `Resume` and perhaps `Rollback`) until it is over or somebody
    /// leaves. Each of them waits until nothing runs: a run that died while it verified is rolled back once that is told.
    pub async fn run(mut self, first: Vec<Input>) -> Over<F> {
        let because = match self.walk(first).await {
            Ok(because) | Err(because) => because,
        };
        self.front.take(Update::Over);
        Over { engine: self.engine, front: self.front, because }
    }

    async fn walk(&mut self, first: Vec<Input>) -> Result<Because, Because> {
        let mut signals = Signals::new(self.front.hangs_up());
        let mut words = self.front.words();
        let mut leaving: Option<Because> = None;
        let mut previewed: Option<(StepId, u32)> = None;

        self.front.take(Update::Live);
        let mut pending = Pending { first: first.into(), ..Pending::default() };
        let mut heard = 0;
        loop {
            if leaving.is_none() {
                leaving = match self.open(&mut pending) {
                    Ok(()) => self.answers(&mut pending)?,
                    Err(because) => Some(because),
                };
            }
            self.stop_what_follows(leaving.as_ref(), &mut pending);
            self.settle(&mut pending)?;
            if pending.last {
                self.last_notices();
                return Ok(leaving.unwrap_or(Because::Run));
            }
            if leaving.is_none() {
                self.preview(&mut previewed, &mut pending);
            }
            let nobody = words.is_none() && pending.previews == 0 && !self.world_is_awaited();
            // Where nobody will ever speak again, waiting would be for ever.
            let because = leaving.clone().or_else(|| nobody.then_some(Because::Left));
            if let Some(because) = because.filter(|_| self.engine.run().busy.is_none()) {
                return self.leave(because, &mut pending);
            }
            // Whoever speaks without end is no person: the world has a turn in between.
            let listens = heard < AT_A_TIME || self.reports.is_empty();
            let message = tokio::select! {
                // A person before the world: a flood of output waits in the child's pipe, never in front of a word.
                biased;
                Some(signal) = signals.next() => Message::Signal(signal),
                Some(say) = next(&mut words), if listens => Message::Say(say),
                Some(report) = self.reports.recv() => Message::Report(report),
                else => return Ok(Because::Left),
            };
            heard = if matches!(message, Message::Say(_)) { heard.saturating_add(1) } else { 0 };
            match message {
                Message::Say(Say::Quit | Say::Detach(_)) => {
                    leaving = Some(self.stop_for(Because::Left, leaving.as_ref(), &mut pending));
                }
                Message::Signal(name) => {
                    leaving = Some(self.stop_for(Because::Signal(name), leaving.as_ref(), &mut pending));
                }
                Message::Say(say) => {
                    self.hear(say, &mut pending)?;
                }
                Message::Report(report) => self.report(report, &mut pending)?,
            }
        }
    }

    /// Asks the next of the first inputs, once nothing runs. `Resume` waits for nothing: what an earlier process had out
    /// will never end by itself, and it is `Resume` that says so.
    fn open(&mut self, pending: &mut Pending) -> Result<(), Because> {
        while !pending.leaves() {
            let idle = self.engine.run().busy.is_none();
            let Some(input) = pending.first.pop_front_if(|input| idle || matches!(input, Input::Resume { .. })) else {
                break;
            };
            if matches!(input, Input::Resume { .. }) {
                self.recover(pending);
            }
            self.ask(input, pending).map_err(Because::Refused)?;
        }
        Ok(())
    }

    /// Takes up what was kept of a command that was out when an earlier process died, before anything is asked of the world:
    /// its probes may need what it was to capture.
    fn recover(&mut self, pending: &mut Pending) {
        let (plan, run) = (self.engine.plan(), self.engine.run());
        let target = match (&run.busy, run.awaiting(plan)) {
            (Some(busy), _) => busy.target.clone(),
            (None, Awaiting::Decision(step)) => Target::step(&step),
            (None, Awaiting::UndoDecision(target)) => target,
            (None, _) => return, // nothing is unknown
        };
        let attempt = match target.undo {
            None => run.step(plan, &target.step).map(|step| step.attempts),
            Some(_) => run.undo(plan, &target).map(|undo| undo.attempts),
        };
        let Some(attempt) = attempt else { return };
        match self.executor.recover(&target, attempt, &run.values) {
            None => {}
            Some(Found::Running(told)) => self.front.take(Update::Notice(told)),
            Some(Found::Over(outcome)) => {
                if let Err(refusal) = self.ask(Input::Recovered { target, attempt, outcome }, pending) {
                    tracing::warn!(?refusal, "what was kept of a command is of no use any more");
                }
            }
        }
    }

    /// Lets an unattended front say all that it has to say.
    fn answers(&mut self, pending: &mut Pending) -> Result<Option<Because>, Because> {
        let mut refused = false;
        // Once the run has stopped itself, an answer to what it stopped at would start something that nobody waits for.
        while pending.first.is_empty() && !pending.leaves() {
            let Some(say) = self.front.answer(self.engine.plan(), self.engine.run()) else { break };
            let preview = matches!(say, Say::Preview(_));
            match say {
                Say::Quit | Say::Detach(_) => return Ok(Some(Because::Left)),
                say => match self.hear(say, pending)? {
                    // It was told why, and may have something better to say. Who has not would be asked for ever.
                    Some(refusal) if refused => return Ok(Some(Because::Refused(refusal))),
                    refusal => refused = refusal.is_some(),
                },
            }
            // What was decided is carried out before the next answer is asked for, or an answer could never see a result.
            if self.engine.run().busy.is_some() || preview {
                break;
            }
        }
        Ok(None)
    }

    /// Takes what a front said; says why, where it was refused.
    fn hear(&mut self, say: Say, pending: &mut Pending) -> Result<Option<Refusal>, Because> {
        let said = match say {
            Say::Input(Input::CopySecret { name }) => self.hand_out(name, pending)?,
            Say::Input(Input::SignOff { role, .. }) if !self.notary.takes_typed() => Err(Refusal::NeedsKey { role }),
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
            Say::Evidence { step, item, offer } => {
                match answers::evidence(&self.engine, self.executor.as_mut(), step, item, offer) {
                    Ok(input) => self.ask(input, pending),
                    Err(refusal) => Err(refusal),
                }
            }
            Say::Preview(target) => {
                self.executor.preview(target, self.engine.run());
                pending.previews += 1;
                Ok(())
            }
            Say::Presence(presence) => {
                // Before a run has begun and once it is over there is nothing to act on, and nothing to write down.
                let written = self.ask(Input::Presence(presence), pending);
                tracing::debug!(?written, "somebody came or went");
                Ok(())
            }
            Say::Sign { guest, handed } => {
                let taken = self.sign(&handed, pending);
                pending.told.push(Update::Signed { guest, taken });
                Ok(())
            }
            Say::Type { target, keys } => {
                self.executor.type_in(&target, keys);
                Ok(())
            }
            Say::Size { columns, rows } => {
                self.executor.resize(columns, rows);
                Ok(())
            }
            Say::Quit | Say::Detach(_) | Say::TakeOver => Ok(()),
        };
        if let Err(refusal) = said {
            self.settle(pending)?;
            self.front.take(Update::Refused(refusal.clone()));
            return Ok(Some(refusal));
        }
        Ok(None)
    }

    /// Has a signature that was handed in checked, and tells the engine.
    fn sign(&mut self, handed: &Handed, pending: &mut Pending) -> Result<(), Refusal> {
        // Whose turn it is not need not be proved to be anybody.
        self.engine.would_take(Input::Sign(Box::new(handed.signing())))?;
        if handed.proof.is_none() && handed.refused.is_none() && !self.notary.takes_typed() {
            return Err(Refusal::NeedsKey { role: handed.role.clone() });
        }
        // What was signed is written down as it was signed, or not at all.
        let mut words = handed.refused.iter().chain([&handed.name]);
        if words.any(|text| self.executor.mask(text) != *text) {
            let why = "the name or the reason cannot be written down as it stands: a secret is in it, what reads like \
                       one, or a sign that cannot be seen; say it otherwise"
                .to_owned();
            return Err(Refusal::Unproven { why });
        }
        let signature = self.notary.check(self.engine.plan(), self.engine.run(), handed)?;
        self.ask(Input::Sign(Box::new(Signing { signature, ..handed.signing() })), pending)
    }

    /// Hands a secret to the front, which asked for it to copy it; that it was is on the disk before.
    fn hand_out(&mut self, name: Name, pending: &mut Pending) -> Result<Result<(), Refusal>, Because> {
        let Some(secret) = self.executor.secret(&name) else { return Ok(Err(Refusal::Missing { name })) };
        if let Err(refusal) = self.ask(Input::CopySecret { name: name.clone() }, pending) {
            return Ok(Err(refusal));
        }
        self.settle(pending)?;
        self.front.take(Update::Secret { name, secret });
        Ok(Ok(()))
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
            Report::Picture { target, picture } => {
                if let Some(picture) = picture.take() {
                    self.front.take(Update::Picture { target, picture });
                }
            }
            Report::Attempt { target, probe, attempt, finding, pass, saw } => {
                self.front.take(Update::Attempt { target, probe, attempt, finding, pass, saw });
            }
            Report::Notice(text) => self.front.take(Update::Notice(text)),
            Report::Preview { target, diff } => {
                pending.previews = pending.previews.saturating_sub(1);
                self.front.take(Update::Preview { target, diff });
            }
        }
        Ok(())
    }

    /// Asks the engine.
    fn ask(&mut self, input: Input, pending: &mut Pending) -> Result<(), Refusal> {
        self.room_for(&input)?;
        let turn = self.engine.handle(input, clock::now())?;
        pending.records.extend(turn.records.into_iter().map(Arc::new));
        pending.effects.extend(turn.effects);
        Ok(())
    }

    /// Has room set aside before something begins that cannot be undone: what comes of it must find its way to the disk.
    fn room_for(&mut self, input: &Input) -> Result<(), Refusal> {
        let step = match input {
            Input::Go { step, .. } => step,
            Input::Undo { target } => &target.step,
            // Whatever else there is, it starts nothing by itself.
            _ => return Ok(()),
        };
        if self.engine.plan().step(step).is_none_or(|step| step.irreversible.is_none()) {
            return Ok(());
        }
        let room = self.log.reserve().and_then(|()| self.executor.reserve());
        room.map_err(|why| Refusal::NoRoom { step: step.clone(), why })
    }

    /// Shows what the executor had to say at the very end.
    fn last_notices(&mut self) {
        while let Ok(report) = self.reports.try_recv() {
            if let Report::Notice(text) = report {
                self.front.take(Update::Notice(text));
            }
        }
    }

    /// Writes down and syncs, then starts the effects, then shows.
    fn settle(&mut self, pending: &mut Pending) -> Result<(), Because> {
        for record in &pending.records {
            self.log.append(record).map_err(Because::Journal)?;
        }
        self.log.sync().map_err(Because::Journal)?;
        for record in &pending.records {
            self.executor.recorded(&record.record);
        }
        for effect in pending.effects.drain(..) {
            if effect == Effect::Leave {
                pending.last = true;
            } else {
                self.executor.start(effect, &self.engine.run().values);
            }
        }
        for record in pending.records.drain(..) {
            self.front.take(Update::Record(record));
        }
        for update in pending.told.drain(..) {
            self.front.take(update);
        }
        Ok(())
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

    /// Has what follows of what was stopped stopped too: a command that ended in time is verified, which may take long.
    fn stop_what_follows(&mut self, leaving: Option<&Because>, pending: &mut Pending) {
        if leaving.is_some() && self.engine.run().busy.as_ref().is_some_and(|busy| !busy.stopping) {
            let stopped = self.ask(Input::Stop { hard: false }, pending);
            debug_assert!(stopped.is_ok(), "what is busy can be stopped");
        }
    }

    /// Says whether something may still come without anybody's word.
    fn world_is_awaited(&self) -> bool {
        matches!(self.engine.run().awaiting(self.engine.plan()), Awaiting::World(_) | Awaiting::Closing)
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
    fn preview(&mut self, previewed: &mut Option<(StepId, u32)>, pending: &mut Pending) {
        let run = self.engine.run();
        let plan = self.engine.plan();
        let (Awaiting::Go(id) | Awaiting::Decision(id)) = run.awaiting(plan) else { return };
        let Some(step) = plan.step(&id).filter(|step| matches!(step.action.act, Act::Edit(_))) else { return };
        let now = (step.id.clone(), run.step(plan, &id).map_or(0, |step| step.attempts));
        if previewed.as_ref() != Some(&now) {
            self.executor.preview(Target::step(&id), run);
            pending.previews += 1;
            *previewed = Some(now);
        }
    }
}

impl Pending {
    /// Says whether the run has stopped itself.
    fn leaves(&self) -> bool {
        self.last || self.effects.contains(&Effect::Leave)
    }
}

/// Waits for a person's word; for ever where nobody speaks. Who hangs up has left, and is not listened to again.
async fn next(words: &mut Option<Words>) -> Option<Say> {
    let Some(open) = words else { return std::future::pending().await };
    let said = open.next().await;
    if said.is_none() {
        *words = None;
    }
    Some(said.unwrap_or(Say::Quit))
}
