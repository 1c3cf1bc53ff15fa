//! Text for cells: made harmless, cut to a width, and times in words.
//!
//! Nothing here knows what is shown. What must stay true: no text that came from outside reaches a cell with a control
//! or direction character in it, a cell never gets more than [`CELL_BYTES`], and cutting is by columns, not by bytes.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::theme::Theme;
use crate::words;
pub(super) use crate::words::duration;

/// The most that one cell is given: a letter with its marks.
const CELL_BYTES: usize = 32;

/// The most of one line that is looked at, in bytes.
const LINE_BYTES: usize = 16 * 1024;

/// Turns a length into cells; what does not fit is as much as there can be.
pub(super) fn cells(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// Makes a text safe to show on one line: controls and direction marks become `·`, marks on one letter are limited.
pub(super) fn tame(text: &str) -> Cow<'_, str> {
    let text = head(text, LINE_BYTES);
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len());
    let mut cell = 0;
    for letter in text.chars() {
        if letter == '\t' {
            tamed.push_str("    ");
            cell = 0;
        } else if letter.is_control() || steers(letter) {
            tamed.push('·');
            cell = 0;
        } else if letter.width() == Some(0) {
            if cell + letter.len_utf8() <= CELL_BYTES {
                cell += letter.len_utf8();
                tamed.push(letter);
            }
        } else {
            cell = letter.len_utf8();
            tamed.push(letter);
        }
    }
    Cow::Owned(tamed)
}

/// Says whether a character changes the order or the look of those beside it without being seen.
fn steers(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns as much of the beginning as fits into a number of bytes, cut between characters.
fn head(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Cuts a text to a number of columns; where something is left out, the last column says so.
pub(super) fn fit(text: &str, columns: usize, theme: Theme) -> String {
    let text = tame(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    let more = theme.more();
    let room = columns.saturating_sub(more.width());
    let mut cut = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let wide = letter.width().unwrap_or(0);
        if used + wide > room {
            break;
        }
        used += wide;
        cut.push(letter);
    }
    if columns >= more.width() {
        cut.push_str(more);
    }
    cut
}

/// Returns how many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    tame(text).width()
}

/// Breaks a text of several lines into tamed lines, each no wider than `columns`, between words where that is possible.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    if text.is_empty() {
        return vec![String::new()];
    }
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = tame(line);
        let mut current = String::new();
        let mut used = 0;
        for word in line.split_inclusive(' ') {
            let wide = word.trim_end_matches(' ').width();
            if used > 0 && used + wide > columns {
                lines.push(std::mem::take(&mut current));
                used = 0;
            }
            for letter in word.chars() {
                let letter_wide = letter.width().unwrap_or(0);
                if used + letter_wide > columns {
                    if letter == ' ' {
                        continue;
                    }
                    lines.push(std::mem::take(&mut current));
                    used = 0;
                }
                current.push(letter);
                used += letter_wide;
            }
        }
        lines.push(current);
    }
    lines
}

/// Sets Markdown in lines, with the theme's styles, wrapped to a width.
pub(super) fn markdown(source: &str, columns: usize, theme: Theme) -> Vec<Line<'static>> {
    let tamed = source.lines().map(tame).collect::<Vec<_>>().join("\n");
    let Text { lines, .. } = tui_markdown::from_str_with_options(&tamed, &tui_markdown::Options::new(theme));
    lines.iter().flat_map(|line| wrap_line(line, columns, theme)).collect()
}

/// Wraps a styled line to a width and adapts its styles to the terminal.
fn wrap_line(line: &Line<'_>, columns: usize, theme: Theme) -> Vec<Line<'static>> {
    let columns = columns.max(1);
    let base = line.style;
    let letters: Vec<(char, Style)> = line
        .spans
        .iter()
        .flat_map(|span| span.content.chars().map(move |letter| (letter, theme.adapt(base.patch(span.style)))))
        .collect();
    let mut lines = Vec::new();
    let mut start = 0;
    while start < letters.len() {
        let (mut end, mut used, mut space) = (start, 0, None);
        while end < letters.len() {
            let wide = letters[end].0.width().unwrap_or(0);
            if used + wide > columns {
                break;
            }
            used += wide;
            end += 1;
            if letters[end - 1].0 == ' ' {
                space = Some(end);
            }
        }
        if end < letters.len() {
            end = space.filter(|_| letters[end].0 != ' ').unwrap_or(end).max(start + 1);
        }
        lines.push(join(&letters[start..end]));
        start = end;
        while start < letters.len() && letters[start].0 == ' ' && !lines.is_empty() && end != letters.len() {
            start += 1;
        }
    }
    if lines.is_empty() {
        lines.push(Line::default());
    }
    lines
}

/// Joins letters of one style into spans.
fn join(letters: &[(char, Style)]) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for chunk in letters.chunk_by(|one, next| one.1 == next.1) {
        spans.push(Span::styled(chunk.iter().map(|(letter, _)| *letter).collect::<String>(), chunk[0].1));
    }
    Line::from(spans)
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
    fn controls_directions_and_piles_of_marks_do_not_reach_a_cell() {
        assert_eq!(tame("a\x1b[2Jb\u{202e}c"), "a·[2Jb·c");
        let piled = format!("e{}", "\u{301}".repeat(5000));
        assert!(tame(&piled).len() <= CELL_BYTES);
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
