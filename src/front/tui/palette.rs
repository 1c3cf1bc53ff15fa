//! The list of everything that can be done now, found by a word.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::keymap::binding;
use super::panel::Palette;
use super::state::Walk;
use super::text::fit;

/// Draws the field to find by and what was found.
pub(super) fn draw(walk: &Walk, palette: &Palette, frame: &mut Frame<'_>, area: Rect) {
    palette.find.draw(frame, Rect { height: area.height.min(1), ..area }, walk.theme);
    let rest = Rect { y: area.y + area.height.min(2), height: area.height.saturating_sub(2), ..area };
    let found = palette.found();
    let height = usize::from(rest.height);
    let top = (palette.at + 1).saturating_sub(height);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (at, action) in found.iter().enumerate().skip(top).take(height) {
        let row = binding(*action);
        let key = row.keys.first().map(|key| key.name()).unwrap_or_default();
        let room = usize::from(area.width).saturating_sub(13);
        let line = Line::from(vec![
            Span::styled(format!("{key:<11} "), walk.theme.key()),
            Span::raw(fit(&format!("{}: {}", row.label, row.help), room, walk.theme)),
        ]);
        lines.push(if at == palette.at { line.style(walk.theme.selected()) } else { line });
    }
    if lines.is_empty() {
        lines.push(Line::styled("nothing of that name can be done now", walk.theme.quiet()));
    }
    frame.render_widget(Paragraph::new(lines), rest);
}
