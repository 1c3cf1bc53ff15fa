//! The step that is looked at: what it does, why, how it is verified, how it is undone, and the diff of an edit.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::command::{act, doing, facts, part};
use super::form::Focus;
use super::notes::diff_style;
use super::state::Walk;
use super::text::{cells, fit, markdown, wrap};
use crate::engine::Target;
use crate::playbook::plan::{Act, Action, Step};
use crate::playbook::tick_line;
use crate::words;
use crate::words::describe::{self, Fact};

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
        if let Some(text) = walk.no_way_back(step) {
            lines.extend(careful(walk, &text, columns));
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
        let (code, rest): (Vec<Fact>, Vec<Fact>) = doing(walk, &step.action).into_iter().partition(|fact| fact.code);
        let script = facts(walk, &code, columns);
        if script.len() > SHORT {
            long.push(Line::styled("the command", theme.label()));
            long.extend(script);
        } else {
            lines.extend(script);
        }
        lines.extend(facts(walk, &rest, columns));
    }
    if matches!(action, Some(Action { act: Act::Edit(_), .. })) {
        diff(walk, &target, columns, &mut long);
    }
    if let Some(action) = action {
        lines.extend(facts(walk, &describe::checks(action, &walk.run), columns));
    }
    if target.undo.is_none() {
        lines.extend(facts(walk, &describe::around(step, &walk.run), columns));
    }
    lines.extend(became(walk, step, &target, columns));
    if walk.hint()
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
        lines.extend(part(walk, "file", &describe::restored(file), columns));
    }
    lines
}

/// Sets instructions as Markdown, the lines to tick each for itself. Returns the row of the one that has the focus.
fn instructions(
    walk: &Walk,
    target: &Target,
    text: &str,
    columns: usize,
    lines: &mut Vec<Line<'static>>,
) -> Option<usize> {
    let form = walk.form.as_ref().filter(|_| walk.target().as_ref() == Some(target));
    let on_record = walk.run.ticked(&walk.plan, target);
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
        let on_record = u32::try_from(number + 1).is_ok_and(|item| on_record.contains(&item));
        let ticked = form.and_then(|form| form.ticks.get(number)).map_or(on_record, |(_, ticked)| *ticked);
        let focused = form.is_some_and(|form| form.focus == Focus::Tick(number));
        if focused {
            focus = Some(lines.len());
        }
        for (at, piece) in markdown(task, columns.saturating_sub(6), walk.theme).into_iter().enumerate() {
            let lead = match (at, focused) {
                (0, true) => format!("{} {} ", walk.theme.pointer(), walk.theme.tick(ticked)),
                (0, false) => format!("  {} ", walk.theme.tick(ticked)),
                (_, _) => " ".repeat(6),
            };
            let style = if focused { walk.theme.heading() } else { ratatui::style::Style::new() };
            let task = piece.spans.into_iter().map(|span| Span { style: style.patch(span.style), ..span });
            lines.push(std::iter::once(Span::styled(lead, walk.theme.key())).chain(task).collect());
        }
        number += 1;
    }
    if !plain.trim().is_empty() {
        lines.extend(markdown(&plain, columns, walk.theme));
    }
    focus
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
    let (outcome, attempts) = match target.undo {
        None => (state.outcome.as_ref(), state.attempts),
        Some(_) => (walk.run.undo(&walk.plan, target).and_then(|undo| undo.outcome.as_ref()), 1),
    };
    if let Some(outcome) = outcome {
        let attempt = if attempts > 1 { format!("attempt {attempts}, ") } else { String::new() };
        lines.extend(part(walk, "result", &format!("{attempt}{}", words::outcome(outcome)), columns));
    }
    if let Some(note) = state.note.as_ref().filter(|_| target.undo.is_none()) {
        let what = if state.by_hand { "by hand" } else { "skipped" };
        lines.extend(part(walk, what, note, columns));
    }
    lines
}
