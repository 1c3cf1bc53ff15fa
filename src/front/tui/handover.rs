//! What is read before one takes a run over: who acts, and all that stands in the summary of a hand-over.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::notes;
use super::state::Walk;
use super::text::wrap;
use crate::words::handover;

/// Draws it, scrolled down by some lines.
pub(super) fn draw(walk: &Walk, down: usize, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let mut lines: Vec<Line<'static>> = notes::take_over(walk, width);
    for part in handover::summary(&walk.plan, &walk.run) {
        lines.push(Line::default());
        lines.push(Line::styled(part.title, walk.theme.heading()));
        for text in part.lines {
            let pieces = wrap(&text, width.saturating_sub(4)).into_iter().enumerate();
            lines.extend(pieces.map(|(at, piece)| {
                Line::raw(if at == 0 { format!("  {} {piece}", walk.theme.dot()) } else { format!("    {piece}") })
            }));
        }
    }
    notes::scrolled(walk, lines, down, frame, area);
}
