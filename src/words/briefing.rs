//! What a briefing tells of a run before it begins: its course, its people, its time against the window, where there is no way
//! back, how it is undone, what comes after.
//!
//! The full screen, plain lines and the dry run say it with the same words. What is not known yet stays as `${name}`.

use std::time::Duration;

use super::{count, duration, fill, follow_up, section};
use crate::engine::Run;
use crate::engine::undo::{self, UndoSort};
use crate::playbook::plan::{Act, Plan, Section, Step};

/// Something that is told, and whether it wants care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub text: String,
    /// It is a warning.
    pub care: bool,
}

impl Told {
    fn plain(text: String) -> Self {
        Self { text, care: false }
    }
}

/// Says how large the run is.
#[must_use]
pub fn size(plan: &Plan, run: &Run) -> String {
    let steps: Vec<&Step> = walked(plan, run).collect();
    let main = steps.iter().filter(|step| step.section == Section::Main).count();
    let people = steps.iter().filter(|step| by_person(step)).count();
    let stuck = steps.iter().filter(|step| step.irreversible.is_some()).count();
    let stuck = match stuck {
        0 => "everything can be undone".to_owned(),
        many => count(many, "point of no return", "points of no return"),
    };
    format!(
        "{} in {}; a person is needed at {people}; {stuck}.",
        count(main, "step", "steps"),
        count(plan.phases.len(), "phase", "phases")
    )
}

/// Says how long the run should take, by what that is known, and whether that fits into the window.
#[must_use]
pub fn times(plan: &Plan, run: &Run) -> Vec<Told> {
    let steps: Vec<&Step> = walked(plan, run).collect();
    let all = sum(run, steps.iter().copied());
    let mut told = Vec::new();
    if all.total() > Duration::ZERO || all.unknown > 0 {
        let people = if all.people.is_zero() { String::new() } else { format!(", people for {}", whole(all.people)) };
        let unknown = match all.unknown {
            0 => String::new(),
            many => format!("; {} without an estimate", count(many, "step", "steps")),
        };
        let by = by_what(run, &steps);
        told.push(Told::plain(format!("About {} of work{people}{by}{unknown}.", whole(all.work))));
    }
    let Some(window) = plan.window else { return told };
    // The window begins with the first change; what is only looked at before it takes nothing of it.
    let change = sum(run, steps.iter().copied().skip_while(|step| !step.changes())).total();
    let text = format!("Window {}; from the first change on about {}", duration(window), whole(change));
    told.push(if change > window {
        Told { text: format!("{text}: LONGER THAN THE WINDOW by {}.", whole(change.abs_diff(window))), care: true }
    } else {
        Told::plain(format!("{text}, which leaves {}.", whole(change.abs_diff(window))))
    });
    told
}

/// Says where the times are from.
fn by_what(run: &Run, steps: &[&Step]) -> String {
    let earlier = run.begun.as_ref().map(|begun| &begun.expected);
    let known = steps.iter().filter_map(|step| earlier?.get(&step.id)).filter(|known| known.runs > 0);
    let (measured, runs) = known.fold((0, 0), |(steps, runs), known| (steps + 1, known.runs.max(runs)));
    match measured {
        0 => ", by the playbook's estimates".to_owned(),
        _ => format!(
            ", for {} the median of {}",
            count(measured, "step", "steps"),
            count(runs as usize, "earlier run", "earlier runs")
        ),
    }
}

/// Lists what will happen, in order: each phase, and its steps with what is to be known of each.
#[must_use]
pub fn course(plan: &Plan, run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    let step_line = |lines: &mut Vec<String>, at: usize| {
        let Some(step) = plan.steps.get(at) else { return };
        let mut about: Vec<String> = Vec::new();
        if may_take_part(run, step) {
            about.extend(by_person(step).then(|| "a person".to_owned()));
            about.extend(step.irreversible.is_some().then(|| "NO WAY BACK".to_owned()));
            about.extend(step.optional.then(|| "optional".to_owned()));
            let takes = run.takes(step).all();
            about.extend((!takes.is_zero()).then(|| format!("about {}", whole(takes))));
        } else {
            about.push("not in this run".to_owned());
        }
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        lines.push(format!("  {}. {}{about}", at + 1, fill(&step.title, run)));
    };
    for phase in &plan.phases {
        lines.push(fill(&phase.title, run));
        phase.steps.clone().for_each(|at| step_line(&mut lines, at));
    }
    for part in [Section::Success, Section::Cleanup] {
        let steps = plan.section(part);
        lines.extend((!steps.is_empty()).then(|| section(part).to_owned()));
        steps.for_each(|at| step_line(&mut lines, at));
    }
    lines
}

/// Lists the points of no return, each with its reason and the way forward, if there is one.
#[must_use]
pub fn no_return(plan: &Plan, run: &Run) -> Vec<String> {
    let steps = walked(plan, run).filter_map(|step| Some((step, step.irreversible.as_ref()?)));
    let line = |(step, reason): (&Step, _)| {
        let forward = match undo::sort(step) {
            UndoSort::Forward => " There is a way forward.",
            UndoSort::Automatic | UndoSort::ByHand | UndoSort::Stuck | UndoSort::Nothing => "",
        };
        format!("{}: {}{forward}", fill(&step.title, run), fill(reason, run).trim_end())
    };
    steps.map(line).collect()
}

/// Says how the run is undone, and how long that should take once everything was done.
#[must_use]
pub fn way_back(plan: &Plan, run: &Run) -> Vec<String> {
    let steps: Vec<&Step> = walked(plan, run).collect();
    let of = |wanted: UndoSort| steps.iter().filter(|step| undo::sort(step) == wanted).count();
    let sorts = [
        (of(UndoSort::Automatic), "by the program"),
        (of(UndoSort::ByHand), "with a person's part in it"),
        (of(UndoSort::Forward), "not undone, but with a way forward"),
        (of(UndoSort::Stuck), "not at all: it stays as it is"),
    ];
    let said: Vec<String> = sorts
        .iter()
        .filter(|(many, _)| *many > 0)
        .map(|(many, how)| format!("{} {how}", count(*many, "step", "steps")))
        .collect();
    if said.is_empty() {
        return vec!["There is nothing to undo: it changes nothing.".to_owned()];
    }
    let after = plan.section(Section::AfterRollback);
    let then = plan.steps[after.clone()].iter().map(|step| run.takes(step).all());
    let time = steps.iter().filter_map(|step| run.takes_back(step)).chain(then);
    let time = time.fold(Duration::ZERO, Duration::saturating_add);
    let mut lines = vec![format!("At any time, newest first, each action asked for: {}.", said.join("; "))];
    if !time.is_zero() {
        lines.push(format!("From the end about {}.", whole(time)));
    }
    if !after.is_empty() {
        let titles: Vec<String> = plan.steps[after].iter().map(|step| fill(&step.title, run)).collect();
        lines.push(format!("Then: {}.", titles.join("; ")));
    }
    lines
}

/// Lists what is still to come when all is done: who signs, and what stays to do.
#[must_use]
pub fn afterwards(plan: &Plan, run: &Run) -> Vec<String> {
    let signs = plan.sign_off.iter().map(|sign_off| {
        let distinct = if sign_off.distinct { ", each somebody else" } else { "" };
        format!("Signed by: {}{distinct}.", sign_off.by.join(", "))
    });
    let follow = plan.follow_up.iter().map(|follow| format!("Still to do then: {}.", follow_up(follow, run)));
    signs.chain(follow).collect()
}

/// Lists the steps that are walked when all goes well, as far as it is known whether they take part.
fn walked<'p>(plan: &'p Plan, run: &Run) -> impl Iterator<Item = &'p Step> {
    plan.steps.iter().filter(move |step| step.section != Section::AfterRollback && may_take_part(run, step))
}

fn may_take_part(run: &Run, step: &Step) -> bool {
    step.when.iter().all(|(name, values)| run.values.get(name).is_none_or(|value| values.contains(value)))
}

fn by_person(step: &Step) -> bool {
    matches!(step.action.act, Act::Person(_)) || step.action.act.has_terminal()
}

/// Times of several steps.
#[derive(Default)]
struct Sum {
    work: Duration,
    people: Duration,
    unknown: usize,
}

impl Sum {
    fn total(&self) -> Duration {
        self.work.saturating_add(self.people)
    }
}

fn sum<'p>(run: &Run, steps: impl Iterator<Item = &'p Step>) -> Sum {
    steps.fold(Sum::default(), |sum, step| {
        let takes = run.takes(step);
        Sum {
            work: sum.work.saturating_add(takes.work),
            people: sum.people.saturating_add(takes.people),
            unknown: sum.unknown + usize::from(!takes.known),
        }
    })
}

/// Says a duration in whole seconds, rounded up: less than a second is not nothing.
fn whole(time: Duration) -> String {
    duration(Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0)))
}
