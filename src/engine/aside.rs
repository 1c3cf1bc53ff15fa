//! What somebody does at a run beside walking it: looks at why and at a hint, answers a question of a drill, calls somebody.
//!
//! It is on record because a drill is judged by it, and because a report may say who was called. What must stay true: none
//! of it starts, ends or undoes anything; each is written down once a step, however often it is looked at.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::Record;
use super::refusal::Refusal;
use super::run::{Awaiting, Run};
use crate::playbook::plan::{Plan, Step, StepId};

/// What was answered to the question of a drill about a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuizAnswer {
    /// The choice, as the playbook has it.
    pub choice: String,
    /// Whether it is the right one.
    pub right: bool,
}

/// Something done beside the walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aside {
    /// A step's hint was opened.
    Hint(StepId),
    /// Why a step is done was opened.
    Why(StepId),
    /// What a step printed, or what its probes answered, was opened.
    Look(StepId, Part),
    /// One of the playbook's contacts is called.
    Call(String),
}

/// A part of a step that somebody looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What its command printed.
    Output,
    /// What its probes answered.
    Probes,
}

/// All that was done beside the walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asides {
    /// The steps whose hint was opened.
    pub hints: BTreeSet<StepId>,
    /// The steps of which it was opened why they are done.
    pub whys: BTreeSet<StepId>,
    /// The parts of steps that were looked at.
    pub looked: BTreeMap<StepId, BTreeSet<Part>>,
    /// Who was called, and when.
    pub called: Vec<(Timestamp, String)>,
    /// The answers to the questions of a drill.
    pub quizzed: BTreeMap<StepId, QuizAnswer>,
}

impl Asides {
    /// Says whether writing it down once more would say nothing new.
    #[must_use]
    pub fn has(&self, aside: &Aside) -> bool {
        match aside {
            Aside::Hint(step) => self.hints.contains(step),
            Aside::Why(step) => self.whys.contains(step),
            Aside::Look(step, part) => self.looked.get(step).is_some_and(|parts| parts.contains(part)),
            // Who is called twice was called twice.
            Aside::Call(_) => false,
        }
    }

    /// Takes in a record of this kind; of another one it takes nothing.
    pub(super) fn take(&mut self, record: &Record, at: Timestamp) {
        match record {
            Record::HintShown { step } => _ = self.hints.insert(step.clone()),
            Record::WhyShown { step } => _ = self.whys.insert(step.clone()),
            Record::Looked { step, at } => _ = self.looked.entry(step.clone()).or_default().insert(*at),
            Record::QuizAnswered { step, choice, right } => {
                let answer = QuizAnswer { choice: choice.clone(), right: *right };
                _ = self.quizzed.insert(step.clone(), answer);
            }
            Record::Called { contact } => self.called.push((at, contact.clone())),
            // Every other record is about the walk.
            _ => {}
        }
    }
}

/// Says whether a question is to be answered before a step may start for the first time.
pub(super) fn asks(plan: &Plan, run: &Run, step: &Step) -> bool {
    plan.quiz(&step.id).is_some() && !run.asides.quizzed.contains_key(&step.id)
}

/// Judges an answer to the question of a drill.
pub(super) fn quiz(plan: &Plan, run: &Run, step: StepId, choice: String) -> Result<Record, Refusal> {
    if run.awaiting(plan) != Awaiting::Quiz(step.clone()) {
        return Err(Refusal::NotNow { what: "answer a question".into() });
    }
    let quiz = plan.quiz(&step);
    let at = quiz.and_then(|quiz| quiz.choices.iter().position(|known| *known == choice));
    match (quiz, at) {
        (Some(quiz), Some(at)) => Ok(Record::QuizAnswered { step, choice, right: at == quiz.answer }),
        (_, _) => Err(Refusal::NotNow { what: "answer with what is none of the choices".into() }),
    }
}

/// Judges something done beside the walk.
pub(super) fn decide(plan: &Plan, run: &Run, aside: Aside) -> Result<Record, Refusal> {
    if run.asides.has(&aside) {
        return Err(Refusal::NotNow { what: "put on record what is there already".into() });
    }
    let step = |id: StepId, has: fn(&Step) -> bool| match plan.step(&id) {
        None => Err(Refusal::NoSuchStep { step: id.to_string() }),
        Some(step) if has(step) => Ok(id),
        Some(_) => Err(Refusal::NotNow { what: format!("show what {id} does not have").into() }),
    };
    Ok(match aside {
        Aside::Hint(id) => Record::HintShown { step: step(id, |step| step.hint.is_some())? },
        Aside::Why(id) => Record::WhyShown { step: step(id, |step| step.why.is_some())? },
        Aside::Look(id, part) => Record::Looked { step: step(id, |_| true)?, at: part },
        Aside::Call(contact) if plan.contacts.iter().any(|(role, _)| *role == contact) => Record::Called { contact },
        Aside::Call(contact) => {
            return Err(Refusal::NotNow { what: format!("call {contact}: the playbook names nobody so").into() });
        }
    })
}
