//! `drills` and `record`: who practised what and with what result, and what practice can take over from a real run.
//!
//! A scorecard is made anew of the drill's journal each time it is asked for. What must stay true: nothing is changed.

use serde_json::Value;

use super::look::{print, print_json};
use super::place;
use super::resume;
use crate::cli::{DrillsArgs, DrillsCommand, RecordArgs};
use crate::drill::recorded::Recorded;
use crate::drill::scorecard::Fold;
use crate::drill::{Scorecard, card};
use crate::ending::{Code, Ending};
use crate::engine::{Record, Target};
use crate::journal::{self, RunFolder};
use crate::output::visible_plain;
use crate::playbook::plan::{Drill, Plan, Step};

/// Finds the drill that a plan is walked as; none for a walk without faults.
fn drill_of<'p>(plan: &'p Plan, id: Option<&String>) -> Option<&'p Drill> {
    plan.drills.iter().find(|drill| Some(&drill.id) == id)
}

/// Makes the scorecard of a drill's folder, with the page that says it.
///
/// # Errors
/// Its journal or its playbook cannot be read.
pub(super) fn scorecard(folder: &RunFolder) -> Result<(Scorecard, String), Ending> {
    let plan = std::sync::Arc::new(super::drill::plan_of(folder)?);
    let begun = super::drill::of(folder);
    let drill = drill_of(&plan, begun.and_then(|begun| begun.id).as_ref());
    let mut fold = Fold::new(&plan, drill);
    journal::read(&folder.journal(), false, |stamped| fold.take(&stamped)).map_err(|error| resume::damaged(&error))?;
    let card = fold.card();
    let page = card::page(&card, drill);
    Ok((card, page))
}

/// Returns the page that a drill ends with, and its title; none where it is not over, or cannot be read.
pub(super) fn page(folder: &RunFolder) -> Option<(String, String)> {
    let (card, page) = scorecard(folder).ok()?;
    card.ended_at?;
    Some((format!(" drill: {} ", card::rating(card.rating)), page))
}

/// Says on a report what the drill of a folder was and what came of it; none where it is no drill.
pub(super) fn certificate(folder: &RunFolder) -> Option<String> {
    super::drill::of(folder)?;
    let (card, _) = scorecard(folder).ok()?;
    let result = card::rating(card.rating);
    Some(format!("{}: {result}, {} of 100 points, practised by {}", card.title, card.points, card.operator))
}

/// Finds the folder of a drill by the beginning of its id, where no run begins so.
pub(super) fn named(prefix: &str) -> Option<RunFolder> {
    let state = place::state().ok()?;
    let drills = state.drills();
    match (drills.find(prefix).as_slice(), state.find(prefix).is_empty()) {
        ([id], true) => Some(drills.folder(id)),
        _ => None, // a run goes first, and one of several is none
    }
}

/// `runsheet drills`.
pub(super) fn drills(args: &DrillsArgs) -> Result<Code, Ending> {
    match &args.command {
        Some(DrillsCommand::Show(show)) => self::show(&show.drill, show.json),
        None => list(args.json),
    }
}

fn list(as_json: bool) -> Result<Code, Ending> {
    let drills = place::state()?.drills();
    let runs = drills.runs();
    // One that cannot be read is no reason to say nothing of the others.
    let cards = runs.iter().filter_map(|run| scorecard(&drills.folder(&run.id)).ok().map(|(card, _)| card));
    if as_json {
        return print_json(&cards.map(|card| serde_json::to_value(card).unwrap_or(Value::Null)).collect());
    }
    let lines: Vec<String> = cards.map(|card| line(&card)).collect();
    if lines.is_empty() {
        return print("nobody has practised yet; `runsheet run PLAYBOOK --drill` begins a drill\n");
    }
    print(&lines.concat())
}

fn line(card: &Scorecard) -> String {
    let when = card.began_at.map(|at| at.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
    let points = format!("{}/100", card.points);
    let result = card::rating(card.rating);
    let what = format!("{}: {}", card.playbook, card.title);
    let text = format!("{}  {when}  {result:<12}  {points:>7}  {}  {what}", card.run, card.operator);
    format!("{}\n", visible_plain(&text))
}

fn show(prefix: &str, as_json: bool) -> Result<Code, Ending> {
    let state = place::state()?.drills();
    let found = state.find(prefix);
    let none = |what: String| Ending {
        code: Code::Usage,
        what,
        because: None,
        next: Some("`runsheet drills` lists who practised what".to_owned()),
    };
    let prefix = visible_plain(prefix);
    let id = match found.as_slice() {
        [id] => id,
        [] => return Err(none(format!("no drill begins with {prefix}"))),
        several => return Err(none(format!("{} drills begin with {prefix}", several.len()))),
    };
    let (card, page) = scorecard(&state.folder(id))?;
    if as_json {
        return print_json(&serde_json::to_value(card).unwrap_or(Value::Null));
    }
    let lines: Vec<String> = page.lines().map(|line| format!("{}\n", visible_plain(line))).collect();
    print(&lines.concat())
}

/// `runsheet record`.
pub(super) fn record(args: &RecordArgs) -> Result<Code, Ending> {
    let seen = resume::look(args.run.as_deref())?;
    let mut recorded = Recorded::default();
    journal::read(&seen.folder.journal(), false, |stamped| {
        if !matches!(stamped.record, Record::Begun(_)) {
            recorded.take(&stamped);
        }
    })
    .map_err(|error| resume::damaged(&error))?;
    let transcripts = seen.folder.transcript();
    let transcript = |target: &Target, attempt: u32| {
        let bytes = std::fs::read(transcripts.join(target.transcript(attempt))).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = std::fs::read_to_string(seen.folder.playbook()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    print(&recorded.yaml(&seen.plan, &seen.run, transcript, |step| indent(&lines, step)))
}

/// Says how far the keys of a step stand in: as far as its `id`.
fn indent(lines: &[&str], step: &Step) -> usize {
    let line = step.line.checked_sub(1).and_then(|at| lines.get(at));
    line.map_or(0, |line| line.len() - line.trim_start_matches([' ', '-']).len())
}
