//! What somebody does at a run beside walking it: looks at why and at a hint, answers a question of a drill, calls somebody.
//!
//! It is on record because a drill is judged by it, and because a report may say who was called. What must stay true: none
//! of it starts, ends or undoes anything; each is written down once a step, however often it is looked at.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::Record;
use super::refusal::Refusal;
use super::run::Run;
use crate::playbook::plan::{Plan, Step, StepId};

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
            Record::Called { contact } => self.called.push((at, contact.clone())),
            // Every other record is about the walk.
            _ => {}
        }
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
