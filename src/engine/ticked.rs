//! Lines of instructions that are ticked one by one: which there are, which are ticked, and whether all are.
//!
//! Ticks are records, so whoever comes to the run later sees them. What must stay true: a line stays ticked until it is
//! unticked or the step starts anew, and what a person does is not done while a line of it is not ticked.

use std::collections::BTreeSet;

use super::apply::action;
use super::record::{Record, Target};
use super::refusal::Refusal;
use super::run::{Awaiting, Run};
use crate::playbook::plan::{Act, Plan};
use crate::playbook::tick_line;

impl Run {
    /// Counts the lines to tick of what a target asks a person to do.
    #[must_use]
    pub fn lines_to_tick(&self, plan: &Plan, target: &Target) -> u32 {
        let Some(Some(action)) = action(plan, target) else { return 0 };
        let Act::Person(person) = &action.act else { return 0 };
        let Some(text) = &person.text else { return 0 };
        let text = text.fill(|name| self.values.get(name).map(String::as_str));
        u32::try_from(text.lines().filter_map(tick_line).count()).unwrap_or(u32::MAX)
    }

    /// Returns the lines that are ticked, from 1.
    #[must_use]
    pub fn ticked(&self, plan: &Plan, target: &Target) -> BTreeSet<u32> {
        let ticks = match target.undo {
            None => self.step(plan, &target.step).map(|step| &step.ticks),
            Some(_) => self.undo(plan, target).map(|undo| &undo.ticks),
        };
        ticks.cloned().unwrap_or_default()
    }

    /// Lists the lines that are still to be ticked, from 1.
    #[must_use]
    pub fn unticked(&self, plan: &Plan, target: &Target) -> Vec<u32> {
        let ticked = self.ticked(plan, target);
        (1..=self.lines_to_tick(plan, target)).filter(|line| !ticked.contains(line)).collect()
    }

    /// Ticks a line, or unticks it.
    pub(super) fn set_tick(&mut self, plan: &Plan, target: &Target, item: u32, ticked: bool) {
        let change = |ticks: &mut BTreeSet<u32>| if ticked { ticks.insert(item) } else { ticks.remove(&item) };
        self.set(plan, target, |step| {
            change(&mut step.ticks);
        });
        self.set_undo(plan, target, |undo| {
            change(&mut undo.ticks);
        });
    }
}

/// Judges that a line is ticked or unticked.
pub(super) fn decide(plan: &Plan, run: &Run, target: Target, item: u32, ticked: bool) -> Result<Record, Refusal> {
    let there = (1..=run.lines_to_tick(plan, &target)).contains(&item);
    if run.awaiting(plan) != Awaiting::Person(target.clone()) || !there {
        return Err(Refusal::NotNow { what: "tick that line".into() });
    }
    Ok(Record::Ticked { target, item, ticked })
}

/// Holds that every line of what a target asks for is ticked.
pub(super) fn all(plan: &Plan, run: &Run, target: &Target) -> Result<(), Refusal> {
    match run.unticked(plan, target).len() {
        0 => Ok(()),
        lines => Err(Refusal::Unticked { step: target.step.clone(), lines: u32::try_from(lines).unwrap_or(u32::MAX) }),
    }
}
