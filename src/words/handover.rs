//! What somebody must know who takes a run over in the middle: what is done, what is in force, what a rollback would do now,
//! which secrets must be given again, what was noted and what departed from the playbook.
//!
//! Every front and `runsheet show` say it in these words. It decides nothing, and shows names of secrets, never values.

use super::{awaiting, count, deviation, duration, fill, state, undo};
use crate::engine::undo::{self as back, UndoSort};
use crate::engine::{Run, Stage, StepState};
use crate::playbook::plan::{Act, InputKind, Name, Plan, StepId};

/// A part of the summary: its heading, and what there is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// A few words.
    pub title: &'static str,
    /// A line each; never empty.
    pub lines: Vec<String>,
}

impl Part {
    /// Says whether a list of the steps and of where the run stands says it already.
    #[must_use]
    pub fn is_in_lists(&self) -> bool {
        matches!(self.title, STANDS | DONE)
    }
}

const STANDS: &str = "Where it stands";
const DONE: &str = "Done";

/// Puts together what is to be known of a run as it stands.
#[must_use]
pub fn summary(plan: &Plan, run: &Run) -> Vec<Part> {
    let parts = [
        (STANDS, stands(plan, run)),
        (DONE, done(plan, run)),
        ("In force now", in_force(plan, run)),
        ("A rollback now", rollback(plan, run)),
        ("Secrets", secrets(plan, run)),
        ("Not as written", run.deviations.iter().map(deviation).collect()),
        ("Notes", notes(run)),
    ];
    let parts = parts.into_iter().filter(|(_, lines)| !lines.is_empty());
    parts.map(|(title, lines)| Part { title, lines }).collect()
}

fn stands(plan: &Plan, run: &Run) -> Vec<String> {
    let mut lines = vec![awaiting(&run.awaiting(plan))];
    lines.extend(run.paused.as_ref().map(|why| format!("paused: {why}")));
    lines
}

fn done(plan: &Plan, run: &Run) -> Vec<String> {
    let steps = plan.steps.iter().zip(&run.steps);
    steps
        .filter(|(_, state)| {
            state.attempts > 0 || state.by_hand || !matches!(state.state, StepState::Pending | StepState::LeftOut)
        })
        .map(|(step, at)| format!("{}: {} ({})", state(at.state), fill(&step.title, run), step.id))
        .collect()
}

/// What was changed and has not been undone.
fn in_force(plan: &Plan, run: &Run) -> Vec<String> {
    let steps = plan.steps.iter().zip(&run.steps);
    // Copies change nothing that anybody else sees.
    let steps =
        steps.filter(|(step, state)| state.touched() && step.changes() && !matches!(step.action.act, Act::Snapshot(_)));
    steps
        .map(|(step, _)| {
            let stays = step.irreversible.as_ref().map(|why| format!("; cannot be undone: {}", fill(why, run)));
            format!("{}{}", fill(&step.title, run), stays.unwrap_or_default())
        })
        .collect()
}

fn rollback(plan: &Plan, run: &Run) -> Vec<String> {
    let steps = back::plan(plan, run, None);
    if !back::anything(&steps) {
        return vec!["there is nothing to roll back".to_owned()];
    }
    let title = |id: &StepId| plan.step(id).map(|step| fill(&step.title, run)).unwrap_or_default();
    let doing = steps.iter().filter(|step| step.sort != UndoSort::Nothing);
    let mut lines: Vec<String> = doing.map(|step| format!("{}: {}", undo(step.sort), title(&step.step))).collect();
    let known: std::time::Duration = steps.iter().filter_map(|step| step.estimate).sum();
    if !known.is_zero() {
        let without = steps.iter().filter(|step| !step.actions.is_empty() && step.estimate.is_none()).count();
        let more = (without > 0).then(|| format!(", and {} without an estimate", count(without, "step", "steps")));
        lines.push(format!("about {}{}", duration(known), more.unwrap_or_default()));
    }
    lines
}

/// Which secrets are there, and which a person will be asked for.
fn secrets(plan: &Plan, run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    let kept: Vec<&str> = run.secrets.iter().map(Name::as_str).collect();
    if !kept.is_empty() && run.stage == Stage::Over {
        lines.push(format!("gone with the vault when the run ended, to be given again: {}", kept.join(", ")));
    } else if !kept.is_empty() {
        lines.push(format!("in the vault, nothing to be given again: {}", kept.join(", ")));
    }
    for (step, state) in plan.steps.iter().zip(&run.steps) {
        let Act::Person(person) = &step.action.act else { continue };
        if state.finished() || !run.takes_part(step) {
            continue;
        }
        let asked = person.ask.iter().filter(|spec| spec.kind == InputKind::Secret);
        lines.extend(asked.map(|spec| format!("still to be given: {} ({})", spec.name, step.id)));
    }
    lines
}

fn notes(run: &Run) -> Vec<String> {
    let of = |step: &Option<StepId>| step.as_ref().map(|step| format!(" ({step})")).unwrap_or_default();
    run.notes.iter().map(|note| format!("{}{}: {}", note.at.strftime("%H:%M:%SZ"), of(&note.step), note.text)).collect()
}
