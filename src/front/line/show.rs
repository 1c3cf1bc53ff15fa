//! Lines about the plan and the run: what a step is, what happened, what a rollback would do.
//!
//! Nothing here asks or remembers. What must stay true: every text that came from outside goes through
//! [`visible_plain`], so that no line can move a cursor or hide something.

use std::time::Duration;

use jiff::Timestamp;

use crate::engine::undo::{self, UndoAction, UndoStep};
use crate::engine::{Foreseen, How, Outcome, Record, Run, StepState, Target, Verdict};
use crate::output::visible_plain;
use crate::playbook::plan::{Act, Action, Plan, Section, Step, StepId};
use crate::playbook::tick_line;
use crate::words::describe::{self, Fact};
use crate::words::{self, count, duration, fill, took};

/// Sets all that must be known before a step starts.
pub(super) fn step(plan: &Plan, run: &Run, id: &StepId) -> Vec<String> {
    let Some(step) = plan.step(id) else { return Vec::new() };
    let mut lines = vec![String::new(), heading(plan, run, step)];
    let facts = describe::step(step, run);
    lines.extend(facts.iter().flat_map(fact));
    if let Some(confirm) = &step.confirm {
        lines.extend(said("confirm", &fill(confirm, run)));
    }
    lines
}

fn heading(plan: &Plan, run: &Run, step: &Step) -> String {
    let number = plan.index.get(&step.id).map_or(0, |at| at + 1);
    let part = words::part(plan, run, &step.id);
    visible_plain(&format!("{part}, step {number} of {}: {} ({})", plan.steps.len(), fill(&step.title, run), step.id))
}

fn fact(fact: &Fact) -> Vec<String> {
    said(fact.label, &fact.text)
}

/// Sets a label with what there is to say beside it.
pub(super) fn said(label: &str, text: &str) -> Vec<String> {
    let text = visible_plain(text);
    let lines = text.lines().enumerate().map(|(at, line)| format!("  {:<13} {line}", if at == 0 { label } else { "" }));
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// Sets why a step is done.
pub(super) fn why(plan: &Plan, run: &Run, id: &StepId) -> Vec<String> {
    let Some(step) = plan.step(id) else { return Vec::new() };
    step.why.iter().flat_map(|why| said("why", &fill(why, run))).collect()
}

/// Sets the question of a drill about a step, with its choices.
pub(super) fn quiz(plan: &Plan, id: &StepId) -> Vec<String> {
    let Some(quiz) = plan.quiz(id) else { return Vec::new() };
    let choices = quiz.choices.iter().enumerate().map(|(at, choice)| format!("  {} {choice}", at + 1));
    let question = ["A question first:".to_owned()].into_iter().chain(quiz.ask.lines().map(str::to_owned));
    question.chain(choices).map(|line| visible_plain(&line)).collect()
}

/// Sets the hint of a step.
pub(super) fn hint(plan: &Plan, run: &Run, id: &StepId) -> Vec<String> {
    let Some(step) = plan.step(id) else { return Vec::new() };
    step.hint.iter().flat_map(|hint| said("hint", &fill(hint, run))).collect()
}

/// Sets an action of a rollback.
pub(super) fn undo_action(plan: &Plan, run: &Run, target: &Target) -> Vec<String> {
    let title = plan.step(&target.step).map(|step| fill(&step.title, run)).unwrap_or_default();
    let number = target.undo.unwrap_or_default();
    let mut lines = vec![String::new(), visible_plain(&format!("Undo {}, action {number}: {title}", target.step))];
    match undo::action(plan, target) {
        Some(UndoAction::Restore) => {
            for file in run.step(plan, &target.step).map(|step| step.saved.as_slice()).unwrap_or_default() {
                lines.extend(said("file", &describe::restored(file)));
            }
        }
        Some(UndoAction::Author(action)) => {
            lines.extend(action.title.iter().flat_map(|title| said("what", &fill(title, run))));
            lines.extend(describe::action(action, run).iter().flat_map(fact));
        }
        None => {}
    }
    lines
}

/// Sets what a rollback would do.
pub(super) fn rollback(plan: &Plan, run: &Run, to: Option<&StepId>) -> Vec<String> {
    let steps = undo::plan(plan, run, to);
    let mut lines = vec![String::new()];
    lines.push(match to {
        None => "A rollback of everything would do this, in this order:".to_owned(),
        Some(to) => format!("A rollback to before {to} would do this, in this order:"),
    });
    lines.extend(steps.iter().flat_map(|step| undo_step(plan, run, step)));
    let known: Vec<Duration> = steps.iter().filter_map(|step| step.estimate).collect();
    if !known.is_empty() {
        lines.push(format!("  It should take about {}.", duration(known.iter().sum())));
    }
    let after = plan.section(Section::AfterRollback);
    if to.is_none() && !after.is_empty() {
        lines.push(format!("  Then: {} after the rollback.", count(after.len(), "step", "steps")));
    }
    lines
}

fn undo_step(plan: &Plan, run: &Run, undo_step: &UndoStep) -> Vec<String> {
    let estimate = undo_step.estimate.map(|time| format!(", about {}", duration(time))).unwrap_or_default();
    let mut lines = vec![visible_plain(&format!("  {}: {}{estimate}", undo_step.step, words::undo(undo_step.sort)))];
    for target in &undo_step.actions {
        if let Some(action) = undo::action(plan, target) {
            lines.push(visible_plain(&format!("    - {}", describe::undo_action(action, run))));
        }
    }
    lines
}

/// Sets all steps with where they stand.
pub(super) fn steps(plan: &Plan, run: &Run) -> Vec<String> {
    let lines = plan.steps.iter().zip(&run.steps).map(|(step, state)| {
        visible_plain(&format!("  {:<15} {}: {}", words::state(state.state), step.id, fill(&step.title, run)))
    });
    lines.collect()
}

/// Sets where a step stands that somebody must decide about.
pub(super) fn undecided(plan: &Plan, run: &Run, id: &StepId) -> String {
    match run.step(plan, id).map(|step| step.state) {
        Some(_) if run.step(plan, id).is_some_and(|step| !step.ahead.is_empty()) => {
            format!("{id} was not started. Mend what later steps need and run it again, or go on anyway.")
        }
        Some(StepState::Unknown) => {
            format!("{id} was started and its end was not seen. What its checks say stands above.")
        }
        Some(StepState::RollbackFailed) => format!("{id} could not be undone."),
        // The other states are none that wait for a decision, but for a failure.
        Some(_) | None => format!("{id} failed."),
    }
}

/// Returns the lines of some instructions that are to be ticked.
pub(super) fn ticks(text: &str) -> Vec<String> {
    text.lines().filter_map(tick_line).map(visible_plain).collect()
}

/// Returns what a person is asked by a target.
pub(super) fn action<'p>(plan: &'p Plan, target: &Target) -> Option<&'p Action> {
    match target.undo {
        None => plan.step(&target.step).map(|step| &step.action),
        Some(_) => match undo::action(plan, target) {
            Some(UndoAction::Author(action)) => Some(action),
            Some(UndoAction::Restore) | None => None,
        },
    }
}

/// Says what a record means for the operator; nothing where it is plain from what follows.
pub(super) fn record(plan: &Plan, run: &Run, record: &Record) -> Vec<String> {
    let line = match record {
        Record::Begun(begun) => format!("Run {} has begun: {}, by {}.", begun.run, begun.title, begun.operator),
        Record::Resumed { operator, .. } => format!("The run goes on, by {operator}."),
        Record::LeftOut { step } => format!("{step} is not in this run."),
        Record::LookedAhead { step, refused } => {
            let line = |foreseen: &Foreseen| format!("{step}: {} would be refused: {}", foreseen.step, foreseen.why);
            return refused.iter().map(|foreseen| visible_plain(&line(foreseen))).collect();
        }
        Record::Started { target, attempt, .. } => return started(plan, target, *attempt),
        Record::Saved { files, .. } => format!("Kept {}.", count(files.len(), "sealed copy", "sealed copies")),
        Record::Performed { target, outcome, .. } => performed(target, outcome),
        Record::Recaptured { step, outcome } => format!("Values of {step} fetched again: {}.", words::outcome(outcome)),
        Record::Recovered { target, outcome, .. } => {
            format!("{}: its end was not seen; {}.", name(target), outcome.saw)
        }
        Record::Probed { target, verdicts } => return probed(plan, run, target, verdicts),
        Record::VerifyAgain { target } => format!("Checking {} again.", target.step),
        Record::RecaptureStarted { step } => format!("Fetching the values of {step} again."),
        Record::Answered { target, .. } => format!("{}: answered.", name(target)),
        Record::ByHand { target, .. } => format!("{}: done by hand, on record.", name(target)),
        Record::Skipped { target, by_playbook: false, .. } => format!("{}: skipped, on record.", name(target)),
        Record::Skipped { target, .. } => format!("{} failed; the playbook says to go on.", target.step),
        Record::StopAsked { target, hard: false } => format!("Asked {} to stop.", name(target)),
        Record::StopAsked { target, hard: true } => format!("Stopping {} at once.", name(target)),
        Record::EnoughSeen { target } => format!("Enough was seen of {}; it is being stopped.", name(target)),
        Record::WindowExtended { by_ms, reason } => {
            sentence(&words::clocks::extended(Duration::from_millis(*by_ms), reason))
        }
        Record::Overrun { reason, by_policy } => sentence(&words::clocks::went_on(reason, *by_policy)),
        Record::Note { .. } => "Noted.".to_owned(),
        Record::QuizAnswered { step, right, .. } => {
            let said = plan.quiz(step).map(|quiz| words::quiz_answered(quiz, *right)).unwrap_or_default();
            return said.lines().filter(|line| !line.is_empty()).map(visible_plain).collect();
        }
        Record::Called { contact } => format!("Called {contact}, on record."),
        Record::SecretCopied { name } => words::copied(name),
        Record::Presence(presence) => format!("{}.", words::presence(presence)),
        Record::RollbackBegun { to: Some(to), .. } => format!("Rolling back to before {to}."),
        Record::RollbackBegun { to: None, .. } => "Rolling everything back.".to_owned(),
        Record::RollbackEnded { failed: 0 } => "The rollback is done.".to_owned(),
        Record::RollbackEnded { failed } => {
            let actions = count(*failed as usize, "action", "actions");
            format!("The rollback is incomplete: {actions} failed or skipped.")
        }
        Record::Paused { why } => format!("The run is paused: {why}."),
        Record::SignedOff { role, name, .. } => format!("{name} signed as {role}."),
        Record::SignOffRefused { role, name, reason, .. } => format!("{name} refused to sign as {role}: {reason}"),
        Record::EvidenceGiven { step, item, evidence } => {
            format!("Evidence {item} of {step}: {}.", words::evidence(evidence))
        }
        Record::EvidenceMissing { step, item, .. } => format!("Evidence {item} of {step}: not given, on record."),
        Record::FollowedUp { item, operator, .. } => {
            format!("Item {item} of what stayed to do was done, says {operator}.")
        }
        // Who opens something sees it; the rest is plain from what follows.
        Record::HintShown { .. }
        | Record::WhyShown { .. }
        | Record::Looked { .. }
        // What was ticked stands above, and the next line is asked for already.
        | Record::Ticked { .. }
        | Record::LookAhead { .. }
        | Record::Closing { .. } => return Vec::new(),
        Record::TemporaryRemoved { removed, left } => {
            let gone = removed.iter().map(|path| visible_plain(&format!("Removed {path}.")));
            let still =
                left.iter().map(|(path, why)| format!("CAREFUL: {path} holds secrets and is still there: {why}"));
            return gone.chain(still.map(|line| visible_plain(&line))).collect();
        }
        Record::Ended { end } => format!("The run is {}.", words::end(*end)),
    };
    vec![visible_plain(&line)]
}

/// Sets the clocks that have something to say.
pub(super) fn clocks(plan: &Plan, run: &Run, now: Timestamp) -> Vec<String> {
    let clocks = run.clocks(plan, now);
    // Where there is no window nobody watches the clock, but for an exposure.
    let facts = words::clocks::facts(&clocks, now).into_iter();
    let told = facts.filter(|(label, _)| clocks.window.is_some() || *label == words::clocks::EXPOSED);
    told.flat_map(|(label, text)| said(label, &text)).collect()
}

/// Sets the warning that a rollback would no longer fit after a step.
pub(super) fn no_way_back(plan: &Plan, run: &Run, id: &StepId, now: Timestamp) -> Vec<String> {
    let warning = plan.step(id).and_then(|step| run.no_way_back(plan, step, now));
    warning.iter().flat_map(|warning| said("CAREFUL", &words::clocks::no_way_back(warning))).collect()
}

/// Makes a sentence of its words.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

fn started(plan: &Plan, target: &Target, attempt: u32) -> Vec<String> {
    let again = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
    match action(plan, target).map(|action| &action.act) {
        // What a person is to do is told by the question.
        Some(Act::Person(_)) => Vec::new(),
        Some(Act::Verify) => vec![format!("{}: checking{again}.", name(target))],
        Some(Act::Run(_) | Act::Generate(_) | Act::Edit(_) | Act::Snapshot(_) | Act::Wait(_)) | None => {
            vec![format!("{}: started{again}.", name(target))]
        }
    }
}

fn performed(target: &Target, outcome: &Outcome) -> String {
    let saw = if outcome.saw.is_empty() { String::new() } else { format!(": {}", outcome.saw) };
    match outcome.how {
        How::Ok => format!("{}: done in {}{saw}.", name(target), took(outcome.took_ms)),
        How::Failed => format!("{}: FAILED after {}{saw}.", name(target), took(outcome.took_ms)),
        How::TimedOut | How::Stopped | How::Lost => format!("{}: {}.", name(target), words::outcome(outcome)),
    }
}

fn probed(plan: &Plan, run: &Run, target: &Target, verdicts: &[Verdict]) -> Vec<String> {
    let mut lines: Vec<String> = verdicts
        .iter()
        .map(|verdict| {
            let word = match (verdict.pass, verdict.warn) {
                (true, _) => "holds",
                (false, true) => "WARNING",
                (false, false) => "FAILS",
            };
            let found = if verdict.pass { String::new() } else { format!(" ({})", words::finding(verdict.finding)) };
            let saw = if verdict.saw.is_empty() { String::new() } else { format!(": {}", verdict.saw) };
            visible_plain(&format!("  {word}: {}{found}{saw}, in {}", verdict.title, took(verdict.took_ms)))
        })
        .collect();
    let state = match target.undo {
        None => run.step(plan, &target.step).map(|step| step.state),
        Some(_) => run.undo(plan, target).map(|undo| undo.state),
    };
    lines.extend(state.map(|state| format!("{}: {}.", name(target), words::state(state))));
    lines
}

/// Names a step, or an action of its undo.
pub(super) fn name(target: &Target) -> String {
    match target.undo {
        None => target.step.to_string(),
        Some(number) => format!("{}, undo action {number}", target.step),
    }
}
