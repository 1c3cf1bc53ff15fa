//! The step that is looked at: what it does, why, how it is verified, how it is undone, and the diff of an edit.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::command::{act, facts, part, probe, script};
use super::form::Focus;
use super::notes::diff_style;
use super::state::{Walk, tick_line};
use super::text::{cells, duration, fit, markdown, tame, wrap};
use crate::engine::{How, Target, undo};
use crate::playbook::plan::{Act, Action, Step};

/// Draws the step, scrolled as the operator left it, or to the line that is to be ticked.
pub(super) fn draw(walk: &Walk, frame: &mut Frame<'_>, area: Rect) {
    let Some((_, step)) = walk.shown() else { return };
    let (lines, focus) = text(walk, step, usize::from(area.width));
    let height = usize::from(area.height);
    let most = lines.len().saturating_sub(height);
    let follow = focus.map_or(0, |row| (row + 2).saturating_sub(height));
    let top = walk.down.max(follow).min(most);
    let more = lines.len().saturating_sub(top + height);
    let mut seen: Vec<Line<'_>> = lines.into_iter().skip(top).take(height).collect();
    if more > 0 && height > 1 {
        let hint = format!("{} {} more lines: Tab, then PgDn", walk.theme.more(), more + 1);
        if let Some(last) = seen.last_mut() {
            *last = Line::styled(fit(&hint, usize::from(area.width), walk.theme), walk.theme.quiet());
        }
    }
    frame.render_widget(Paragraph::new(seen), area);
}

/// Returns how many rows the step would take.
pub(super) fn rows(walk: &Walk, columns: u16) -> u16 {
    walk.shown().map_or(0, |(_, step)| cells(text(walk, step, usize::from(columns)).0.len()))
}

/// The most lines of a command that stand before what else there is to know of the step.
const SHORT: usize = 8;

/// Sets the whole step in lines; with the row of the line to tick that has the focus.
fn text(walk: &Walk, step: &Step, columns: usize) -> (Vec<Line<'static>>, Option<usize>) {
    let theme = walk.theme;
    let mut lines: Vec<Line<'static>> = Vec::new();
    for line in wrap(&walk.fill(&step.title), columns) {
        lines.push(Line::styled(line, theme.heading()));
    }
    let target = walk.shown_target().unwrap_or_else(|| Target::step(&step.id));
    if let Some(number) = target.undo {
        lines.extend(undoing(walk, &target, number, columns));
    } else {
        if let Some(confirm) = &step.confirm {
            lines.extend(careful(walk, &walk.fill(confirm), columns));
        }
        if let Some(reason) = &step.irreversible {
            lines.extend(careful(walk, &format!("Cannot be undone. {}", walk.fill(reason)), columns));
        }
    }
    let mut focus = None;
    let action = walk.action(&target);
    if let Some(Action { act: Act::Person(person), .. }) = action {
        if let Some(link) = &person.open {
            lines.extend(part(walk, "link", &walk.fill(link), columns));
        }
        let text = person.text.as_ref().map(|text| walk.fill(text)).unwrap_or_default();
        focus = instructions(walk, &target, &text, columns, &mut lines);
    }
    // A long command or diff stands last: what it gets, how it is verified and how it is undone must not be missed.
    let mut long = Vec::new();
    if target.undo.is_none() {
        let script = script(walk, &step.action, columns);
        if script.len() > SHORT {
            long.push(Line::styled("the command", theme.label()));
            long.extend(script);
        } else {
            lines.extend(script);
        }
        lines.extend(facts(walk, &step.action, columns));
    }
    if matches!(action, Some(Action { act: Act::Edit(_), .. })) {
        diff(walk, &target, columns, &mut long);
    }
    if let Some(action) = action {
        for spec in &action.verify {
            let within = spec.within.map(|time| format!(", within {}", duration(time))).unwrap_or_default();
            let warn = if spec.warn { ", only warns" } else { "" };
            lines.extend(part(walk, "checks", &format!("{}{within}{warn}", probe(walk, spec)), columns));
        }
    }
    if target.undo.is_none() {
        lines.extend(part(walk, "undo", &undone(walk, step), columns));
        if let Some(estimate) = step.estimate {
            lines.extend(part(walk, "takes", &format!("about {}", duration(estimate)), columns));
        }
    }
    lines.extend(became(walk, step, &target, columns));
    if walk.hint
        && let Some(hint) = &step.hint
    {
        lines.extend(part(walk, "hint", &walk.fill(hint), columns));
    }
    if walk.why
        && let Some(why) = &step.why
    {
        lines.push(Line::styled("why", theme.label()));
        lines.extend(markdown(&walk.fill(why), columns, theme));
    } else if step.why.is_some() {
        lines.push(Line::styled("w shows why", theme.quiet()));
    }
    lines.extend(long);
    (lines, focus)
}

fn careful(walk: &Walk, text: &str, columns: usize) -> Vec<Line<'static>> {
    let lines = wrap(text, columns.saturating_sub(2)).into_iter().enumerate();
    lines
        .map(|(at, line)| Line::styled(format!("{}{line}", if at == 0 { "! " } else { "  " }), walk.theme.care()))
        .collect()
}

/// Sets an action of the rollback.
fn undoing(walk: &Walk, target: &Target, number: u32, columns: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(format!("Undo, action {number}"), walk.theme.care())];
    if let Some(action) = walk.action(target) {
        lines.extend(act(walk, action, columns));
        return lines;
    }
    let saved = walk.run.step(&walk.plan, &target.step).map(|step| step.saved.as_slice()).unwrap_or_default();
    for file in saved {
        let how = if file.copy.is_some() { "put back as it was" } else { "removed: it was not there before" };
        lines.extend(part(walk, "file", &format!("{}: {how}", file.path), columns));
    }
    lines
}

/// Sets instructions as Markdown, but for the lines to tick. Returns the row of the one that has the focus.
fn instructions(
    walk: &Walk,
    target: &Target,
    text: &str,
    columns: usize,
    lines: &mut Vec<Line<'static>>,
) -> Option<usize> {
    let form = walk.form.as_ref().filter(|_| walk.target().as_ref() == Some(target));
    let (mut focus, mut number, mut plain) = (None, 0, String::new());
    for line in text.lines() {
        let Some(task) = tick_line(line) else {
            plain.push_str(line);
            plain.push('\n');
            continue;
        };
        lines.extend(
            markdown(&std::mem::take(&mut plain), columns, walk.theme).into_iter().filter(|line| line.width() > 0),
        );
        let ticked = form.and_then(|form| form.ticks.get(number)).is_some_and(|(_, ticked)| *ticked);
        let focused = form.is_some_and(|form| form.focus == Focus::Tick(number));
        if focused {
            focus = Some(lines.len());
        }
        for (at, piece) in wrap(task, columns.saturating_sub(6)).into_iter().enumerate() {
            let lead = match (at, focused) {
                (0, true) => format!("{} {} ", walk.theme.pointer(), walk.theme.tick(ticked)),
                (0, false) => format!("  {} ", walk.theme.tick(ticked)),
                (_, _) => " ".repeat(6),
            };
            let style = if focused { walk.theme.heading() } else { ratatui::style::Style::new() };
            lines.push(Line::from(vec![Span::styled(lead, walk.theme.key()), Span::styled(piece, style)]));
        }
        number += 1;
    }
    if !plain.trim().is_empty() {
        lines.extend(markdown(&plain, columns, walk.theme));
    }
    focus
}

/// Says in a line how a step is undone.
pub(super) fn undone(walk: &Walk, step: &Step) -> String {
    let actions = undo::actions(step);
    let said: Vec<String> = actions
        .iter()
        .map(|action| match action {
            undo::UndoAction::Restore => "the files are put back as they were".into(),
            undo::UndoAction::Author(action) => in_short(walk, action),
        })
        .collect();
    match undo::sort(step) {
        undo::UndoSort::Automatic => said.join("; then "),
        undo::UndoSort::ByHand => format!("by hand: {}", said.join("; then ")),
        undo::UndoSort::Forward => format!("not possible; the way forward: {}", said.join("; then ")),
        undo::UndoSort::Stuck => "not possible".into(),
        undo::UndoSort::Nothing if step.changes() => "nothing to undo".into(),
        undo::UndoSort::Nothing => "not needed: it changes nothing".into(),
    }
}

/// Says in a line what an action does.
pub(super) fn in_short(walk: &Walk, action: &Action) -> String {
    if let Some(title) = &action.title {
        return walk.fill(title);
    }
    if let Act::Person(person) = &action.act {
        let text = person.text.as_ref().map(|text| walk.fill(text)).unwrap_or_default();
        return tame(text.trim().lines().next().unwrap_or("a person does it")).into_owned();
    }
    let text: Vec<String> = act(walk, action, 400).into_iter().map(|line| line.to_string().trim().to_owned()).collect();
    text.into_iter().next().unwrap_or_else(|| "checks".into())
}

/// Sets the masked diff: signs and colour, never colour alone.
fn diff(walk: &Walk, target: &Target, columns: usize, lines: &mut Vec<Line<'static>>) {
    match walk.previews.get(target) {
        None => {}
        Some(Err(why)) => {
            lines.push(Line::styled("this edit cannot be made:", walk.theme.bad()));
            lines.extend(wrap(why, columns).into_iter().map(Line::from));
        }
        Some(Ok(text)) => {
            lines.push(Line::styled("what will change", walk.theme.label()));
            for line in text.lines().take(2000) {
                let style = diff_style(walk.theme, line);
                let pieces = wrap(line, columns.saturating_sub(2)).into_iter().enumerate();
                lines.extend(
                    pieces.map(|(at, piece)| Line::styled(if at == 0 { piece } else { format!("  {piece}") }, style)),
                );
            }
        }
    }
}

/// Says what became of the step so far; of the action of its rollback, where that is what is shown.
fn became(walk: &Walk, step: &Step, target: &Target, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let Some(state) = walk.run.step(&walk.plan, &step.id) else { return lines };
    let outcome = match target.undo {
        None => state.outcome.as_ref(),
        Some(_) => walk.run.undo(&walk.plan, target).and_then(|undo| undo.outcome.as_ref()),
    };
    if let Some(outcome) = outcome {
        let how = match outcome.how {
            How::Ok => "ended well",
            How::Failed => "failed",
            How::TimedOut => "took too long and was stopped",
            How::Stopped => "was stopped",
        };
        let took = duration(std::time::Duration::from_millis(outcome.took_ms));
        let saw = if outcome.saw.is_empty() { String::new() } else { format!(": {}", outcome.saw) };
        let attempt = if state.attempts > 1 && target.undo.is_none() {
            format!("attempt {}, ", state.attempts)
        } else {
            String::new()
        };
        lines.extend(part(walk, "result", &format!("{attempt}{how} after {took}{saw}"), columns));
    }
    if let Some(note) = state.note.as_ref().filter(|_| target.undo.is_none()) {
        let what = if state.by_hand { "by hand" } else { "skipped" };
        lines.extend(part(walk, what, note, columns));
    }
    lines
}
