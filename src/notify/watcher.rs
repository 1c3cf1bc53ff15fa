//! Reads off a run's records what others should hear of.
//!
//! Pure. It folds the records as every front does, and looks once a turn is over: what only passes (a step that fails and is tried
//! again by the playbook) is nobody's business.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::Event;
use crate::engine::{Awaiting, Begun, Engine, Record, Stamped, StepState, Witness};
use crate::playbook::plan::{Plan, StepId};
use crate::words;

/// What others are told: an object of JSON. Fields are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The version of this object: 1.
    pub runsheet: u32,
    /// What it is about.
    pub event: Event,
    /// A sentence for people.
    pub text: String,
    /// The run's id.
    pub run: String,
    /// The playbook's title.
    pub title: String,
    /// Who runs it.
    pub operator: String,
    /// The machine.
    pub host: String,
    /// The change ticket.
    pub ticket: Option<String>,
    /// Whether it is a protected run.
    pub protected: bool,
    /// When; UTC.
    pub at: Timestamp,
    /// The step that it is about.
    pub step: Option<String>,
    /// The step's title.
    pub step_title: Option<String>,
    /// Where the run stands: `open`, `completed`, `rolled back`, `abandoned`.
    pub state: String,
}

/// Hears a run's records.
#[derive(Clone, Debug)]
pub struct Watcher {
    plan: Arc<Plan>,
    witness: Witness,
    /// A person is there, whom the run waits for; without one it waits for nobody and stops.
    attended: bool,
    /// What it was last said to wait for.
    told: Option<Awaiting>,
}

/// The most characters of a text that others are told.
const LONGEST: usize = 500;

impl Watcher {
    /// Makes one for a run as it stands: of what was before nobody is told again.
    #[must_use]
    pub fn of(engine: &Engine, attended: bool) -> Self {
        let told = Some(engine.run().awaiting(engine.plan()));
        Self { plan: Arc::clone(engine.plan()), witness: Witness::of(engine.clone()), attended, told }
    }

    /// Hears a record, and says what others should hear of.
    pub fn hear(&mut self, stamped: &Stamped) -> Vec<Message> {
        // Whether it fits is nobody's question here: it is on record.
        let _ = self.witness.hear(stamped);
        let mut events: Vec<(Event, String, Option<StepId>)> = Vec::new();
        match &stamped.record {
            Record::Begun(begun) => events.push((Event::Start, format!("began: {}", begun.title), None)),
            Record::RollbackBegun { to, by_policy } => {
                let far = to.as_ref().map_or_else(|| "everything".to_owned(), |to| format!("back to {to}"));
                let by = if *by_policy { ", as the playbook or the command line says" } else { "" };
                events.push((Event::Rollback, format!("a rollback began: {far}{by}"), to.clone()));
            }
            Record::RollbackEnded { failed: 0 } => {
                events.push((Event::Rollback, "the rollback is done".to_owned(), None));
            }
            Record::RollbackEnded { failed } => {
                let many = words::count(*failed as usize, "action", "actions");
                events.push((Event::Rollback, format!("the rollback is incomplete: {many} failed"), None));
            }
            Record::Ended { end } => events.push((Event::End, format!("is over: {}", words::end(*end)), None)),
            _ => {} // whatever else is on record, it is told by what the run waits for
        }
        let stops = matches!(stamped.record, Record::Paused { .. });
        if self.witness.settled() && (self.attended || stops) {
            self.turned(&stamped.record, &mut events);
        }
        events.into_iter().filter_map(|(event, text, step)| self.message(event, &text, step, stamped.at)).collect()
    }

    /// Says what the run waits for, where it turned to a person.
    fn turned(&mut self, last: &Record, events: &mut Vec<(Event, String, Option<StepId>)>) {
        let awaiting = self.witness.run().awaiting(&self.plan);
        if self.told.as_ref() == Some(&awaiting) {
            return;
        }
        self.told = Some(awaiting.clone());
        let says = words::awaiting(&awaiting);
        match awaiting {
            Awaiting::Decision(step) => {
                let why = self.why(&step);
                events.push((Event::Failure, format!("{step} {why}"), Some(step.clone())));
                events.push((Event::Waiting, says, Some(step)));
            }
            Awaiting::UndoDecision(target) => {
                events.push((Event::Failure, format!("undoing {} failed", target.step), Some(target.step.clone())));
                events.push((Event::Waiting, says, Some(target.step)));
            }
            Awaiting::Person(target) => events.push((Event::Waiting, says, Some(target.step))),
            Awaiting::Approval(step, _) | Awaiting::Evidence(step, _) => {
                events.push((Event::Waiting, says, Some(step)));
            }
            Awaiting::SignOff(_) | Awaiting::Incomplete => events.push((Event::Waiting, says, None)),
            // Whoever sits there goes on by themselves; where nobody does, the run stopped at it.
            Awaiting::Go(step) if !self.attended => {
                if let Record::Paused { why } = last {
                    events.push((Event::Waiting, format!("stopped: {why}"), Some(step)));
                }
            }
            Awaiting::Go(_)
            | Awaiting::Quiz(_)
            | Awaiting::Undo(_)
            | Awaiting::Begin
            | Awaiting::World(_)
            | Awaiting::Closing
            | Awaiting::Nothing => {}
        }
    }

    /// Says why a step waits for a decision.
    fn why(&self, step: &StepId) -> String {
        let Some(state) = self.witness.run().step(&self.plan, step) else { return "failed".to_owned() };
        let saw = state.outcome.as_ref().map(|outcome| outcome.saw.as_str()).filter(|saw| !saw.is_empty());
        let probe = state.verdicts.iter().find(|verdict| !verdict.pass && !verdict.warn);
        let saw = probe.map(|verdict| verdict.saw.as_str()).or(saw);
        let what = if state.state == StepState::Unknown { "was started and its end was not seen" } else { "failed" };
        saw.map_or_else(|| what.to_owned(), |saw| format!("{what}: {saw}"))
    }

    fn message(&self, event: Event, text: &str, step: Option<StepId>, at: Timestamp) -> Option<Message> {
        let run = self.witness.run();
        let Begun { run: id, title, operator, host, ticket, protected, .. } = run.begun.clone()?;
        let step_title = step.as_ref().and_then(|step| self.plan.step(step)).map(|step| words::fill(&step.title, run));
        Some(Message {
            runsheet: 1,
            event,
            text: shortened(text),
            run: id,
            title: shortened(&title),
            operator,
            host,
            ticket,
            protected,
            at,
            step: step.map(|step| step.to_string()),
            step_title: step_title.as_deref().map(shortened),
            state: run.ended.map_or("open", |(end, _)| words::end(end)).to_owned(),
        })
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
