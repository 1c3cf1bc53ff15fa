//! Live output: the command's colours, and nothing else of what it does to a terminal.
//!
//! Only the lines that can be seen are parsed. The text was made visible and masked before it came here.

use ansi_to_tui::IntoText;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::state::Walk;
use super::text::{count, fit, fit_spans, tame};
use crate::output::{self, Tail};

/// How much of a line is parsed, in bytes for each column: a letter with a colour of its own has about twenty.
const PARSED: usize = 24;

/// Draws the lines that can be seen.
pub(super) fn draw(walk: &Walk, frame: &mut Frame<'_>, area: Rect) {
    let Some(tail) = walk.shown_target().and_then(|target| walk.outputs.get(&target)) else { return };
    let height = usize::from(area.height);
    let back = walk.back.min(tail.len().saturating_sub(height));
    let end = tail.len() - back;
    let start = end.saturating_sub(height);
    let lines: Vec<Line<'_>> = (start..end)
        .filter_map(|at| tail.line(at).map(|line| (at, line)))
        .map(|(at, line)| {
            let line = styled(line, walk, usize::from(area.width));
            if walk.is_found(tail, at) { line.patch_style(walk.theme.selected()) } else { line }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// Says what of the output is seen, for the border.
pub(super) fn title(walk: &Walk) -> String {
    let Some(tail) = walk.shown_target().and_then(|target| walk.outputs.get(&target)) else { return " output ".into() };
    match walk.back {
        0 if walk.cut || tail.dropped() > 0 => " output: the end of it, the transcript has all ".into(),
        0 => format!(" output: {} ", count(tail.len(), "line")),
        back => format!(" output: {} back, End follows ", count(back, "line")),
    }
}

/// Says whether there is any output to show.
pub(super) fn any(walk: &Walk) -> bool {
    walk.shown_target().and_then(|target| walk.outputs.get(&target)).is_some_and(|tail: &Tail| !tail.is_empty())
}

pub(super) fn styled(line: &str, walk: &Walk, width: usize) -> Line<'static> {
    let (all, line) = (line.len(), output::head(line, PARSED * width.max(20)));
    // A carriage return was made visible or ended the line before; what is left of escapes is colour.
    let Ok(text) = line.as_bytes().into_text() else { return Line::raw(fit(line, width, walk.theme)) };
    let spans = text.lines.into_iter().flat_map(|line| {
        let base = line.style;
        line.spans.into_iter().map(move |span| (base.patch(span.style), span.content))
    });
    let spans = spans.map(|(style, content)| (tame(&content).into_owned(), walk.theme.adapt(style)));
    let mut spans: Vec<(String, Style)> = spans.collect();
    if line.len() < all {
        // What was not parsed is told of in the last column, as what does not fit is.
        spans.push((" ".repeat(width), Style::new()));
    }
    fit_spans(spans, width, walk.theme)
}
