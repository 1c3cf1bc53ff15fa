//! The help: every key, by what one wants, from the one table.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::keymap::TABLE;
use super::text::wrap;
use super::theme::Theme;

/// Draws the table, scrolled down by some lines.
pub(super) fn draw(theme: Theme, frame: &mut Frame<'_>, area: Rect, down: usize) {
    let names: Vec<String> =
        TABLE.iter().map(|row| row.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(", ")).collect();
    let widest = names.iter().map(String::len).max().unwrap_or(0);
    let mut groups: Vec<&str> = Vec::new();
    for row in TABLE {
        if !groups.contains(&row.group) {
            groups.push(row.group);
        }
    }
    let mut lines = Vec::new();
    for group in groups {
        lines.push(Line::styled(group, theme.heading()));
        for (row, name) in TABLE.iter().zip(&names).filter(|(row, _)| row.group == group) {
            let room = usize::from(area.width).saturating_sub(widest + 4);
            for (at, piece) in wrap(row.help, room).into_iter().enumerate() {
                let name = if at == 0 { name.as_str() } else { "" };
                lines.push(Line::from(vec![
                    Span::styled(format!("  {name:<widest$}  "), theme.key()),
                    Span::raw(piece),
                ]));
            }
        }
    }
    let top = down.min(lines.len().saturating_sub(usize::from(area.height)));
    let seen: Vec<Line<'_>> = lines.into_iter().skip(top).collect();
    frame.render_widget(Paragraph::new(seen), area);
}
