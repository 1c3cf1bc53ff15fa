//! What is shown to who signs: the run, its steps with what came of them, what departed from the playbook, who has signed.
//!
//! It shows what the journal holds up to the head that is signed, and nothing else. Every text is made visible.

use crate::app::resume::Seen;
use crate::engine::{Run, StepRun, StepState};
use crate::output::visible_plain;
use crate::playbook::plan::{Section, Step, StepId};
use crate::words::{self, describe};

/// Lists the lines that are shown before the question. `step` is the one that is signed; none for the whole run.
pub(super) fn page(seen: &Seen, step: Option<&StepId>) -> Vec<String> {
    let (plan, run) = (&*seen.plan, &seen.run);
    let mut lines = head(seen);
    let spec = step.and_then(|step| Some((plan.step(step)?, run.step(plan, step)?)));
    match spec {
        None => lines.push("To be signed: the whole run, as it stands below.".to_owned()),
        Some((spec, state)) => {
            lines.push(format!("To be signed: the step {}: {}", spec.id, words::fill(&spec.title, run)));
            lines.extend(one(spec, state, run));
        }
    }
    lines.push("\nWhat was done".to_owned());
    for (step, state) in plan.steps.iter().zip(&run.steps) {
        if state.state != StepState::Pending || step.section == Section::Main {
            lines.extend(walked(step, state, run));
        }
    }
    section(&mut lines, "Not as written", run.deviations.iter().map(words::deviation).collect());
    let notes = run.notes.iter().map(|note| {
        let step = note.step.as_ref().map(|step| format!(" ({step})")).unwrap_or_default();
        format!("{}{step}: {}", note.at.strftime("%H:%M:%SZ"), note.text)
    });
    section(&mut lines, "Notes", notes.collect());
    let at_end = run.signed.iter().map(|by| format!("{}: {}, {}", by.role, by.name, words::signed_by(by)));
    let refused = run.refused.iter().map(|(role, name, why)| format!("{role}: {name} refused: {why}"));
    section(&mut lines, "Signed so far", at_end.chain(refused).collect());
    let journal = &seen.journal;
    let records = words::count(usize::try_from(journal.records).unwrap_or(usize::MAX), "record", "records");
    lines.push(format!("\nThe journal up to here: {records}, the last line's SHA-256 is\n  {}", journal.head));
    // A text of several lines is several lines; what it is made of stays visible.
    lines.iter().flat_map(|line| line.split('\n').map(visible_plain).collect::<Vec<_>>()).collect()
}

fn head(seen: &Seen) -> Vec<String> {
    let Some(begun) = &seen.run.begun else { return Vec::new() };
    let mut lines = vec![format!("{}  {}", begun.run, begun.title)];
    let version = begun.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
    lines.push(format!("  playbook  {}{version}, SHA-256 {}", begun.playbook, begun.sha256));
    let since = seen.run.began_at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
    let operators: Vec<&str> = seen.run.operators.iter().map(String::as_str).collect();
    lines.push(format!(
        "  walked by {}, account {} on {}, since {since}",
        operators.join(", "),
        begun.account,
        begun.host
    ));
    lines.extend(begun.ticket.as_ref().map(|ticket| format!("  ticket    {ticket}")));
    let values: Vec<String> = begun.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !values.is_empty() {
        lines.push(format!("  inputs    {}", values.join(", ")));
    }
    lines
}

/// What there is to say of the step that is signed itself.
fn one(step: &Step, state: &StepRun, run: &Run) -> Vec<String> {
    let mut lines: Vec<String> =
        describe::step(step, run).into_iter().map(|fact| format!("  {:<9} {}", fact.label, fact.text)).collect();
    lines.extend(step.why.as_ref().map(|why| format!("  why       {}", words::fill(why, run))));
    lines.extend(
        state.signed.iter().map(|by| format!("  signed by {} as {}, {}", by.name, by.role, words::signed_by(by))),
    );
    lines
}

/// A step with what came of it and what its probes saw.
fn walked(step: &Step, state: &StepRun, run: &Run) -> Vec<String> {
    let took = match (state.started, state.ended) {
        (Some(from), Some(to)) => {
            let ms = u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0);
            format!(", {}", words::took(ms))
        }
        _ => String::new(),
    };
    let mut lines =
        vec![format!("  {:<15} {}: {}{took}", words::state(state.state), step.id, words::fill(&step.title, run))];
    let mut under = |text: String| lines.push(format!("                  {text}"));
    if let Some(outcome) = state.outcome.as_ref().filter(|outcome| !outcome.saw.is_empty()) {
        under(outcome.saw.clone());
    }
    for verdict in &state.verdicts {
        let word = match (verdict.pass, verdict.warn) {
            (true, _) => "verified",
            (false, true) => "warning",
            (false, false) => "NOT verified",
        };
        under(format!("{word}: {}: {}", verdict.title, verdict.saw));
    }
    for proof in words::proofs(step, state, run) {
        under(format!("evidence: {proof}"));
    }
    for by in &state.signed {
        under(format!("signed by {} as {}", by.name, by.role));
    }
    lines
}

fn section(lines: &mut Vec<String>, title: &str, items: Vec<String>) {
    if !items.is_empty() {
        lines.push(format!("\n{title}"));
        lines.extend(items.into_iter().map(|item| format!("  {item}")));
    }
}
