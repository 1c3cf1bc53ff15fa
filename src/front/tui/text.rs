//! Text for cells: made harmless, cut to a width, and times in words.
//!
//! Nothing here knows what is shown. What must stay true: no text that came from outside reaches a cell with a control
//! or direction character in it, a cell never gets more than it can hold (see [`one_line`]), and cutting is by columns,
//! not by bytes.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::theme::Theme;
use crate::output::{self, one_line};
use crate::words;
pub(super) use crate::words::duration;

/// The most of a text that is set, in bytes: a frame must not take longer because a playbook is long.
const TEXT_BYTES: usize = 256 * 1024;

/// Turns a length into cells; what does not fit is as much as there can be.
pub(super) fn cells(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// Makes a text safe to show on one line: what is not seen becomes a sign, and a cell gets no more than it can hold.
pub(super) fn tame(text: &str) -> Cow<'_, str> {
    one_line(text)
}

/// Cuts a text to a number of columns; where something is left out, the last column says so.
pub(super) fn fit(text: &str, columns: usize, theme: Theme) -> String {
    let text = tame(text);
    if self::columns(&text) <= columns {
        return text.into_owned();
    }
    let more = theme.more();
    let room = columns.saturating_sub(more.width());
    let mut cut = String::new();
    let mut used = 0;
    for cell in text.graphemes(true) {
        let wide = cell.width();
        if used + wide > room {
            break;
        }
        used += wide;
        cut.push_str(cell);
    }
    if columns >= more.width() {
        cut.push_str(more);
    }
    cut
}

/// Sets tamed pieces in one line of at most so many columns; where something is left out, the last column says so.
pub(super) fn fit_spans(pieces: Vec<(String, Style)>, columns: usize, theme: Theme) -> Line<'static> {
    let all: usize = pieces.iter().map(|(text, _)| output::columns(text)).sum();
    let mut left = if all > columns { columns.saturating_sub(theme.more().width()) } else { columns };
    let mut spans = Vec::new();
    for (text, style) in pieces {
        let fits = text.graphemes(true).take_while(|cell| {
            let fits = cell.width() <= left;
            left = if fits { left - cell.width() } else { 0 };
            fits
        });
        spans.push(Span::styled(fits.collect::<String>(), style));
        if left == 0 {
            break;
        }
    }
    if all > columns {
        spans.push(Span::styled(theme.more(), theme.quiet()));
    }
    Line::from(spans)
}

/// Returns how many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    output::columns(&tame(text))
}

/// Breaks a text of several lines into tamed lines, each no wider than `columns`, between words where that is possible.
/// Where the text is longer than anybody reads on a screen, the last line says how much is left out.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    if text.is_empty() {
        return vec![String::new()];
    }
    let shown = &text[..text.floor_char_boundary(TEXT_BYTES)];
    let mut lines = Vec::new();
    for line in shown.lines() {
        wrap_tamed(&tame(line), columns, &mut lines);
    }
    if shown.len() < text.len() {
        wrap_tamed(&format!("… {} more bytes", text.len() - shown.len()), columns, &mut lines);
    }
    lines
}

fn wrap_tamed(line: &str, columns: usize, lines: &mut Vec<String>) {
    let mut current = String::new();
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        let wide = output::columns(word.trim_end_matches(' '));
        if used > 0 && used + wide > columns {
            lines.push(std::mem::take(&mut current));
            used = 0;
        }
        for cell in word.graphemes(true) {
            let wide = cell.width();
            if used + wide > columns {
                if cell == " " {
                    continue;
                }
                lines.push(std::mem::take(&mut current));
                used = 0;
            }
            current.push_str(cell);
            used += wide;
        }
    }
    lines.push(current);
}

/// Sets Markdown in lines, with the theme's styles, wrapped to a width.
pub(super) fn markdown(source: &str, columns: usize, theme: Theme) -> Vec<Line<'static>> {
    let shown = &source[..source.floor_char_boundary(TEXT_BYTES)];
    let tamed = shown.lines().map(tame).collect::<Vec<_>>().join("\n");
    let Text { lines, .. } = tui_markdown::from_str_with_options(&tamed, &tui_markdown::Options::new(theme));
    let mut lines: Vec<Line<'static>> = lines.iter().flat_map(|line| wrap_line(line, columns, theme)).collect();
    if shown.len() < source.len() {
        lines.push(Line::styled(format!("… {} more bytes", source.len() - shown.len()), theme.quiet()));
    }
    lines
}

/// Wraps a styled line to a width and adapts its styles to the terminal.
fn wrap_line(line: &Line<'_>, columns: usize, theme: Theme) -> Vec<Line<'static>> {
    let columns = columns.max(1);
    let base = line.style;
    // Markdown has a spelling for every character (`&#x202e;`), so what comes out of it is tamed once more.
    let spans: Vec<(Cow<'_, str>, Style)> =
        line.spans.iter().map(|span| (tame(&span.content), theme.adapt(base.patch(span.style)))).collect();
    let cells: Vec<(&str, Style)> =
        spans.iter().flat_map(|(text, style)| text.graphemes(true).map(move |cell| (cell, *style))).collect();
    let mut lines = Vec::new();
    let mut start = 0;
    while start < cells.len() {
        let (mut end, mut used, mut space) = (start, 0, None);
        while end < cells.len() {
            let wide = cells[end].0.width();
            if used + wide > columns {
                break;
            }
            used += wide;
            end += 1;
            if cells[end - 1].0 == " " {
                space = Some(end);
            }
        }
        if end < cells.len() {
            end = space.filter(|_| cells[end].0 != " ").unwrap_or(end).max(start + 1);
        }
        lines.push(join(&cells[start..end]));
        start = end;
        while start < cells.len() && cells[start].0 == " " && !lines.is_empty() && end != cells.len() {
            start += 1;
        }
    }
    if lines.is_empty() {
        lines.push(Line::default());
    }
    lines
}

/// Joins cells of one style into spans.
fn join(cells: &[(&str, Style)]) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for chunk in cells.chunk_by(|one, next| one.1 == next.1) {
        spans.push(Span::styled(chunk.iter().map(|(cell, _)| *cell).collect::<String>(), chunk[0].1));
    }
    Line::from(spans)
}

/// Makes a frame agree with what a terminal will show: the last thing that is done to it.
///
/// Each part of joined letters gets the cell that it takes, for one that is overwritten later would leave what it had beyond
/// its first; and a wide letter that something lies over by half is left out, for it would go over that.
pub(super) fn part_cells(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width).max(1);
    for at in 0..buffer.content.len() {
        let symbol = buffer.content[at].symbol();
        if symbol.is_ascii() {
            continue;
        }
        let symbol = symbol.to_owned();
        let end = at + symbol.width().max(1);
        // What a wide letter takes is blank, or something came over it.
        let row = (at / width + 1) * width;
        let covered = |place: usize| buffer.content.get(place).is_none_or(|cell| cell.symbol() != " ");
        if end > row || (at + 1..end).any(covered) {
            buffer.content[at].set_symbol(" ");
            continue;
        }
        let style = buffer.content[at].style();
        let mut place = at;
        for part in output::parts(&symbol) {
            buffer.content[place].set_symbol(part).set_style(style);
            place = (place + part.width().max(1)).min(end - 1);
        }
    }
}

/// Writes seconds as a clock, with a minus when they are below zero.
pub(super) fn clock(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let all = seconds.unsigned_abs();
    if all >= 3600 {
        format!("{sign}{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60)
    } else {
        format!("{sign}{:02}:{:02}", all / 60, all % 60)
    }
}

/// Counts things whose plural is plain: `1 step`, `3 steps`.
pub(super) fn count(number: usize, one: &str) -> String {
    words::count(number, one, &format!("{one}s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_spells_nothing_that_is_not_seen() {
        let text =
            |source: &str| markdown(source, 80, Theme::plain()).iter().map(ToString::to_string).collect::<String>();
        assert_eq!(text("a&#x202e;b&#27;[2Jc&rlm;"), "a<U+202E>b\u{241b}[2Jc<U+200F>");
        let piled = format!("e{}", "&#x301;".repeat(500));
        assert!(markdown(&piled, 80, Theme::plain()).iter().all(|line| line.to_string().len() < 8 * 80));
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let lines = wrap(&"word\n".repeat(TEXT_BYTES), 20);
        assert_eq!(lines.last().map(String::as_str), Some("… 1048576 more bytes"));
        assert!(lines.len() < TEXT_BYTES / 4);
        let lines = markdown(&"word ".repeat(TEXT_BYTES), 20, Theme::plain());
        assert_eq!(lines.last().map(ToString::to_string).as_deref(), Some("… 1048576 more bytes"));
    }

    #[test]
    fn cutting_is_by_columns_and_says_so() {
        let theme = Theme::plain();
        assert_eq!(fit("short", 5, theme), "short");
        assert_eq!(fit("longer", 5, theme), "lon..");
        assert_eq!(fit("漢字漢字", 5, theme), "漢..");
        assert_eq!(fit("x", 0, theme), "");
    }

    #[test]
    fn pieces_are_cut_as_one_line() {
        let set = |columns| {
            let pieces = ["red ", "漢字", "e\u{301}", "end"].map(|text| (text.to_owned(), Style::new()));
            fit_spans(pieces.to_vec(), columns, Theme::plain()).to_string()
        };
        assert_eq!(set(12), "red 漢字e\u{301}end");
        assert_eq!(
            (set(11), set(9), set(2), set(0)),
            ("red 漢字e\u{301}..".into(), "red 漢..".into(), "..".into(), "..".into())
        );
    }

    #[test]
    fn joined_letters_get_their_cells_and_half_covered_ones_go() {
        let set = |text: &str, border: Option<u16>| {
            let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 6, 1));
            buffer.set_string(0, 0, text, Style::new());
            if let Some(x) = border {
                buffer[(x, 0)].set_symbol("|");
            }
            part_cells(&mut buffer);
            buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(set("\u{915}\u{94d}\u{915}x", None), ["\u{915}\u{94d}", "\u{915}", "x", " ", " ", " "]);
        assert_eq!(set("漢字x", None), ["漢", " ", "字", " ", "x", " "]);
        assert_eq!(set("漢字x", Some(1)), [" ", "|", "字", " ", "x", " "]);
        assert_eq!(set("漢字x", Some(2)), ["漢", " ", "|", " ", "x", " "]);
    }

    #[test]
    fn wrapping_never_exceeds_the_width() {
        for columns in 1..20 {
            for line in wrap("a few words and averyveryverylongwordindeed\n\nend", columns) {
                assert!(line.trim_end().width() <= columns, "{columns}: {line:?}");
            }
        }
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(clock(272), "04:32");
        assert_eq!(clock(-12), "-00:12");
        assert_eq!(clock(3723), "1:02:03");
    }
}
