//! The question of the moment: what the run wants of the operator now, in one place at the foot of the screen.
//!
//! A tired person looks here first, so it says where the run stands, what happened and which key does what, whatever
//! else is looked at above.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::keymap::{Action, binding};
use super::state::Walk;
use super::text::{cells, duration, fit, wrap};
use crate::engine::{Awaiting, StepRun, StepState, Target, undo};
use crate::playbook::plan::{Act, StepId, Want};
use crate::words::{self, describe};

/// Returns how many rows the question wants.
pub(super) fn rows(walk: &Walk, now: Timestamp, columns: u16) -> u16 {
    let form = walk.form.as_ref().map_or(0, super::form::Form::rows);
    cells(lines(walk, now, usize::from(columns)).len() + form)
}

/// Draws the question, and the form beneath it.
pub(super) fn draw(walk: &Walk, frame: &mut Frame<'_>, area: Rect, now: Timestamp) {
    let lines = lines(walk, now, usize::from(area.width));
    let form = walk.form.as_ref().map_or(0, |form| cells(form.rows())).min(area.height);
    let text = cells(lines.len()).min(area.height - form);
    frame.render_widget(Paragraph::new(lines), Rect { height: text, ..area });
    if let Some(form) = &walk.form {
        let rest = Rect { y: area.y + text, height: area.height - text, ..area };
        form.draw(frame, rest, walk.theme);
    }
}

fn lines(walk: &Walk, now: Timestamp, columns: usize) -> Vec<Line<'static>> {
    let mut lines = question(walk, now, columns);
    if let Some((text, refusal)) = &walk.message {
        let style = if *refusal { walk.theme.bad() } else { walk.theme.care() };
        let text = if *refusal { format!("not done: {text}") } else { text.clone() };
        lines.extend(wrap(&text, columns).into_iter().take(3).map(|line| Line::styled(line, style)));
    }
    lines
}

fn headline(text: &str, style: Style, columns: usize, walk: &Walk) -> Line<'static> {
    Line::styled(fit(text, columns, walk.theme), style)
}

fn question(walk: &Walk, now: Timestamp, columns: usize) -> Vec<Line<'static>> {
    let theme = walk.theme;
    let say = |text: String, style: Style| vec![headline(&text, style, columns, walk)];
    if !walk.live {
        return say("reading the record of the run".into(), theme.quiet());
    }
    let place = |target: &Target| {
        let at = walk.plan.index.get(&target.step).map_or(0, |at| at + 1);
        format!("{at}/{}  {}", walk.plan.steps.len(), walk.name(&target.step))
    };
    if walk.sent && walk.run.busy.is_none() {
        return say("one moment".into(), theme.quiet());
    }
    match &walk.awaiting {
        Awaiting::Begin => say("the run is about to begin".into(), theme.quiet()),
        Awaiting::Go(step) => {
            let target = Target::step(step);
            let spec = walk.plan.step(step);
            let careful = spec.is_some_and(|spec| walk.deliberate(spec));
            let verb = match spec.map(|spec| &spec.action.act) {
                Some(Act::Person(_)) => "begins this step",
                Some(Act::Verify) => "checks",
                Some(Act::Run(_) | Act::Generate(_) | Act::Edit(_) | Act::Snapshot(_) | Act::Wait(_)) | None => {
                    "starts it"
                }
            };
            let mut lines = say(format!("Next: {}", place(&target)), theme.heading());
            let more = if careful { ", after one more question" } else { "" };
            lines.push(keyed(walk, &[(Action::Start, &format!("{verb}{more}"))], columns));
            lines
        }
        Awaiting::Quiz(step) => {
            let mut lines = say(format!("A question first: {}", place(&Target::step(step))), theme.heading());
            lines.push(keyed(walk, &[(Action::Start, "shows the question")], columns));
            lines
        }
        Awaiting::Person(target) if walk.statement() => {
            let mut lines = say("Does this hold?".into(), theme.care());
            lines.extend(wrap(&walk.name(&target.step), columns).into_iter().map(Line::from));
            lines.push(keyed(walk, &[(Action::Agree, "yes, it holds"), (Action::Skip, "no, or not known")], columns));
            lines
        }
        Awaiting::Person(target) => {
            let mut lines = say(format!("Your turn: {}", place(target)), theme.care());
            let (fields, left) = walk.form.as_ref().map_or((0, 0), |form| (form.fields.len(), form.unticked()));
            let label = match (fields, left) {
                (0, 0) => "I have done it".to_owned(),
                (0, left) => format!("I have done it ({left} to tick)"),
                (_, _) => "hand it in".to_owned(),
            };
            lines.push(keyed(walk, &[(Action::Accept, &label)], columns));
            lines
        }
        Awaiting::World(target) => running(walk, target, &place(target), now, columns),
        Awaiting::Decision(step) => decision(walk, &Target::step(step), &place(&Target::step(step)), columns),
        Awaiting::UndoDecision(target) => decision(walk, target, &format!("undo of {}", place(target)), columns),
        Awaiting::Undo(target) => {
            let rollback = walk.run.rollback.as_ref();
            let (at, all) = rollback.map_or((0, 0), |rollback| (rollback.at + 1, rollback.actions.len()));
            let what = undo::action(&walk.plan, target).map(|action| describe::undo_action(action, &walk.run));
            let mut lines = say(format!("Rollback {at}/{all}: {}", what.unwrap_or_default()), theme.care());
            let step = walk.plan.step(&target.step);
            let forward = step.is_some_and(|step| undo::sort(step) == undo::UndoSort::Forward);
            let of = if forward { "The way forward for" } else { "Undo of" };
            lines.push(headline(&format!("{of} \"{}\"", walk.name(&target.step)), Style::new(), columns, walk));
            lines.push(keyed(walk, &[(Action::Agree, "carries it out")], columns));
            lines
        }
        Awaiting::Incomplete => {
            let failed = walk.run.rollback.as_ref().map_or(0, |rollback| rollback.failed);
            let text =
                format!("The rollback came to its end; {} not done", super::text::count(failed as usize, "action"));
            let mut lines = say(text, theme.bad());
            let keys = [(Action::RollBack, "roll back what is left"), (Action::Abandon, "give the run up")];
            lines.push(keyed(walk, &keys, columns));
            lines
        }
        Awaiting::Evidence(step, item) => evidence(walk, step, *item, &place(&Target::step(step)), columns),
        Awaiting::SignOff(role) => {
            let mut lines = say(format!("Sign-off: {role}."), theme.care());
            lines.extend(say(SIGN.to_owned(), theme.quiet()));
            lines.push(keyed(walk, &[(Action::Sign, "signs"), (Action::Refuse, "refuses to sign")], columns));
            lines
        }
        Awaiting::Approval(step, role) => {
            let does = words::signs(&walk.plan, step);
            let mut lines = say(format!("{}: {role} {does}.", place(&Target::step(step))), theme.care());
            lines.extend(say(SIGN.to_owned(), theme.quiet()));
            lines.push(keyed(walk, &[(Action::Sign, "signs"), (Action::Refuse, "refuses to sign")], columns));
            lines
        }
        Awaiting::Closing => say("clearing up".into(), theme.busy()),
        Awaiting::Nothing => {
            let mut lines = say("The run is over.".into(), theme.heading());
            lines.push(keyed(walk, &[(Action::Leave, "leave")], columns));
            lines
        }
    }
}

/// How one can sign.
const SIGN: &str = "A typed name is kept as typed; `runsheet sign` signs by key.";

/// Asks for an item of evidence.
fn evidence(walk: &Walk, step: &StepId, item: u32, place: &str, columns: usize) -> Vec<Line<'static>> {
    let all = walk.plan.step(step).map_or(0, |step| step.evidence.len());
    let mut lines = vec![headline(&format!("Evidence {item}/{all}: {place}"), walk.theme.care(), columns, walk)];
    let spec = walk.wanted_evidence(step, item);
    let label = match spec.map(|spec| (&spec.want, spec.optional)) {
        Some((Want::File, false)) => "keeps a copy of the file",
        Some((Want::File, true)) => "keeps a copy of the file; empty, it is passed over",
        Some((_, true)) => "hands it in; empty, it is passed over",
        Some((_, false)) | None => "hands it in",
    };
    lines.push(keyed(walk, &[(Action::Accept, label), (Action::Skip, "pass over it")], columns));
    lines
}

fn running(walk: &Walk, target: &Target, place: &str, now: Timestamp, columns: usize) -> Vec<Line<'static>> {
    let Some(busy) = &walk.run.busy else { return Vec::new() };
    let since = now.duration_since(busy.since);
    let time = duration(std::time::Duration::from_secs(u64::try_from(since.as_secs()).unwrap_or(0)));
    let time = if since.as_secs() < 1 { "0s".to_owned() } else { time };
    let word = match (busy.stopping, busy.probing) {
        (true, _) => "stopping",
        (false, true) => "verifying",
        (false, false) if target.undo.is_some() => "undoing",
        (false, false) => "running",
    };
    let waits = walk.action(target).and_then(|action| match action.act {
        Act::Wait(all) if !busy.probing => Some(all),
        _ => None,
    });
    let left = waits.map(|all| {
        let gone = u64::try_from(since.as_secs()).unwrap_or(0);
        format!(", {} left", duration(std::time::Duration::from_secs(all.as_secs().saturating_sub(gone))))
    });
    let text = format!("{word} for {time}{}: {place}", left.unwrap_or_default());
    let mut lines = vec![headline(&text, walk.theme.busy(), columns, walk)];
    let stop = if busy.stopping { "stop at once" } else { "stop it" };
    lines.push(keyed(
        walk,
        &[(Action::Program, "back to the program"), (Action::Enough, "you have seen enough"), (Action::Stop, stop)],
        columns,
    ));
    lines
}

fn decision(walk: &Walk, target: &Target, place: &str, columns: usize) -> Vec<Line<'static>> {
    let step = walk.run.step(&walk.plan, &target.step).filter(|_| target.undo.is_none());
    let undo = walk.run.undo(&walk.plan, target);
    let state = step.map(|step| step.state).or_else(|| undo.map(|undo| undo.state));
    let outcome = step.and_then(|step| step.outcome.as_ref()).or_else(|| undo.and_then(|undo| undo.outcome.as_ref()));
    let verdicts = step.map(|step| &step.verdicts).or_else(|| undo.map(|undo| &undo.verdicts));
    let unknown = state == Some(StepState::Unknown);
    let mark = walk.theme.state(if unknown { StepState::Unknown } else { StepState::Failed });
    let mut lines = vec![headline(&format!("{} {}: {place}", mark.glyph, mark.word), mark.style, columns, walk)];
    let wrong = verdicts.and_then(|verdicts| verdicts.iter().find(|verdict| !verdict.pass && !verdict.warn));
    let why = if unknown {
        let ahead = step.and_then(StepRun::refused_ahead);
        let unseen = || "It was started, and its end was not seen. The probes say what is true now.".to_owned();
        ahead.unwrap_or_else(unseen)
    } else if let Some(verdict) = wrong {
        format!("{}: {}", verdict.title, verdict.saw)
    } else {
        outcome.map(|outcome| outcome.saw.clone()).unwrap_or_default()
    };
    lines.extend(wrap(&why, columns).into_iter().take(3).map(Line::from));
    let all = [
        (Action::Hint, if walk.hint() { "hide the hint" } else { "show a hint" }),
        (Action::Again, "run again"),
        (Action::Verify, "verify again"),
        (Action::Fetch, "fetch the values again"),
        (Action::Anyway, "go on anyway"),
        (Action::ByHand, "done by hand"),
        (Action::Skip, "skip"),
        (Action::RollBack, "roll back"),
    ];
    lines.push(keyed(walk, &all, columns));
    lines
}

/// Sets those of the keys that work now, each with what it does here.
fn keyed(walk: &Walk, keys: &[(Action, &str)], columns: usize) -> Line<'static> {
    let offers = if walk.panel.is_some() { Vec::new() } else { walk.offers() };
    let typing = walk.typing();
    let mut spans = Vec::new();
    let mut used = 0;
    for (action, label) in keys.iter().filter(|(action, _)| offers.contains(action)) {
        let Some(key) = super::keymap::shown_key(binding(*action), typing) else { continue };
        let wide = key.len() + label.len() + 4;
        if used + wide > columns {
            break;
        }
        used += wide;
        spans.push(Span::styled(key, walk.theme.key()));
        spans.push(Span::raw(format!(" {label}   ")));
    }
    if spans.is_empty() && walk.watching() {
        return Line::styled(fit(&walk.seat_line(), columns, walk.theme), walk.theme.care());
    }
    if spans.is_empty() && walk.panel.is_none() {
        let text = if walk.here() { walk.theme.more() } else { "Esc goes to it" };
        return Line::styled(fit(text, columns, walk.theme), walk.theme.quiet());
    }
    Line::from(spans)
}
