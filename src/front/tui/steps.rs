//! The list of phases and steps, with a glyph and a word for each state.
//!
//! Only the rows that can be seen are looked at, so a playbook of thousands of steps costs what a short one does.

use std::collections::HashSet;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::state::Walk;
use super::text::{columns, fit};
use super::theme::Mark;
use crate::engine::{Awaiting, StepState};
use crate::playbook::plan::Plan;
use crate::words;

/// A row of the list of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A phase, by its place; or a section by the place of its first step.
    Heading(usize),
    /// A step, by its place.
    Step(usize),
}

/// Lists the rows: a heading for each phase and section, then its steps.
pub(super) fn rows(plan: &Plan) -> Vec<Row> {
    let mut rows = Vec::with_capacity(plan.steps.len() + plan.phases.len() + 3);
    let starts: HashSet<usize> =
        plan.phases.iter().filter(|phase| !phase.steps.is_empty()).map(|phase| phase.steps.start).collect();
    for at in 0..plan.steps.len() {
        let phase = starts.contains(&at);
        let section = at > 0 && plan.steps[at - 1].section != plan.steps[at].section;
        if phase || section {
            rows.push(Row::Heading(at));
        }
        rows.push(Row::Step(at));
    }
    rows
}

/// Draws the list, the step that is shown always among it.
pub(super) fn draw(walk: &Walk, frame: &mut Frame<'_>, area: Rect) {
    let height = usize::from(area.height);
    let shown = walk.shown().map_or(walk.plan.steps.len().saturating_sub(1), |(at, _)| at);
    // A row a step, and headings before: the row of a step is at or behind its place.
    let row = walk.rows.partition_point(|row| match *row {
        Row::Heading(at) => at <= shown,
        Row::Step(at) => at < shown,
    });
    let most = walk.rows.len().saturating_sub(height);
    let top = row.saturating_sub(height / 2).min(most);
    let width = usize::from(area.width);
    let lines: Vec<Line<'_>> =
        walk.rows.iter().skip(top).take(height).map(|row| line(walk, *row, shown, width)).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn line(walk: &Walk, row: Row, shown: usize, width: usize) -> Line<'static> {
    match row {
        Row::Heading(at) => Line::styled(fit(&heading(walk, at), width, walk.theme), walk.theme.heading()),
        Row::Step(at) => step(walk, at, at == shown, width),
    }
}

/// Names the phase or section that begins with a step.
fn heading(walk: &Walk, at: usize) -> String {
    walk.plan.steps.get(at).map_or_else(String::new, |step| words::part(&walk.plan, &walk.run, &step.id))
}

/// Returns how the state of a step is shown: the one whose turn it is and that has not started is `active`.
pub(super) fn mark(walk: &Walk, at: usize) -> Mark {
    // While a step is undone, how that goes is its state.
    if let Some(target) = walk.target().filter(|target| target.undo.is_some())
        && walk.at() == Some(at)
    {
        return match walk.run.undo(&walk.plan, &target).map_or(StepState::Pending, |undo| undo.state) {
            StepState::Pending => walk.theme.active(),
            state => walk.theme.state(state),
        };
    }
    let state = walk.state(at);
    let turn = walk.at() == Some(at) && matches!(walk.awaiting, Awaiting::Go(_));
    match state {
        StepState::Pending | StepState::RolledBack if turn => walk.theme.active(),
        state => walk.theme.state(state),
    }
}

fn step(walk: &Walk, at: usize, shown: bool, width: usize) -> Line<'static> {
    let Some(step) = walk.plan.steps.get(at) else { return Line::default() };
    let mark = mark(walk, at);
    let turn = walk.at() == Some(at);
    let room = width.saturating_sub(3 + mark.word.len());
    let title = fit(&walk.fill(&step.title), room, walk.theme);
    let gap = room.saturating_sub(columns(&title));
    let quiet = !turn && matches!(walk.state(at), StepState::Pending | StepState::Skipped | StepState::LeftOut);
    let base = match (shown, turn, quiet) {
        (_, true, _) => walk.theme.heading(),
        (false, false, true) => walk.theme.quiet(),
        (_, false, _) => Style::new(),
    };
    let line = Line::from(vec![
        Span::styled(format!("{} ", mark.glyph), mark.style),
        Span::styled(title, base),
        Span::raw(" ".repeat(gap + 1)),
        Span::styled(mark.word, mark.style),
    ]);
    if shown { line.style(walk.theme.selected()) } else { line }
}
