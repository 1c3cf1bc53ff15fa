//! Text for one line of a screen that is drawn cell by cell, and for JSON that somebody may look at in a terminal.
//!
//! A screen cuts text into what readers take for one character, and some scripts join such characters without end: a
//! thousand Hangul leads, or a letter with a thousand vowel signs, would be handed to one cell, or left out because they
//! are wider than the screen. What must stay true: a character with all that is joined to it has at most [`CELL`] bytes,
//! and takes as many columns as its parts do, so that no terminal draws over what stands beside it.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::signs::{self, Manner};
use super::visible::visible_plain;

/// The most bytes of one cell.
const CELL: usize = 32;

/// The most bytes of a line that are shown.
const LINE: usize = 16 * 1024;

/// What a tab becomes: on a line that is cut and moved about there are no stops.
const TAB: &str = "    ";

/// Makes a text fit for cells on one line: everything invisible becomes a sign, a line end too, and a line of more than
/// 16 KiB ends with how much is left out.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    let shown = &text[..text.floor_char_boundary(LINE)];
    if shown.len() == text.len() && text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(shown.len());
    for (at, part) in shown.split('\n').enumerate() {
        if at > 0 {
            signs::write('\n', &mut line);
        }
        for cell in visible_plain(part).graphemes(true) {
            match cell {
                "\t" => line.push_str(TAB),
                // a carriage return was made visible, with a line end behind it
                "\n" => {}
                cell => put(cell, &mut line),
            }
        }
    }
    if shown.len() < text.len() {
        // writing to a String does not fail
        let _ = write!(line, " … {} more bytes", text.len() - shown.len());
    }
    Cow::Owned(line)
}

/// Adds what a screen takes for one character.
fn put(cell: &str, line: &mut String) {
    let alone = |c: char| c.width().unwrap_or(0);
    // Where joined letters take another room than each by itself, terminals do not agree on how much.
    let uneven = cell.width() != cell.chars().map(alone).sum::<usize>();
    // A code begins with `<`, which some signs take to themselves: there is room for it.
    let mut size = 0;
    for (at, c) in cell.chars().enumerate() {
        let full = size + c.len_utf8() >= CELL && cell.len() > CELL;
        // A mark with nothing to go onto would go onto the cell before; half-width marks do so on some terminals.
        let stray = size == 0 && alone(c) == 0 || matches!(c, '\u{ff9e}' | '\u{ff9f}');
        if full || stray || at > 0 && uneven {
            signs::write(c, line);
            size = if full { CELL } else { size };
        } else {
            line.push(c);
            size += c.len_utf8();
        }
    }
}

/// Splits what a screen takes for one character into parts, each with at most one that takes a place of its own.
pub fn parts(cell: &str) -> impl Iterator<Item = &str> {
    let mut rest = cell;
    std::iter::from_fn(move || {
        let mut chars = rest.char_indices();
        chars.next()?;
        let end = chars.find(|(_, c)| c.width().unwrap_or(0) > 0).map_or(rest.len(), |(at, _)| at);
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}

/// Counts the columns that a text of [`one_line`] takes, as a screen does: character by character, with what is joined to
/// each.
#[must_use]
pub fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).map(str::width).sum() }
}

/// Writes what would not be seen, or would be an order to a terminal, as `\uXXXX`: the same JSON, safe to look at.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let tells = |c: char| !c.is_ascii() && signs::manner(c) == Manner::Hides || c == '\u{7f}';
    if text.is_ascii() && !text.contains('\u{7f}') || !text.chars().any(tells) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if tells(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_left_alone() {
        assert!(matches!(one_line("plain {text} of a line"), Cow::Borrowed(_)));
        let words = "Grüße, 日本, שלום, नमस्ते, का, ⚠ ok, 🇩🇪";
        assert_eq!(one_line(words), words);
        assert_eq!(one_line("⚠\u{fe0f}"), "⚠<U+FE0F>");
    }

    #[test]
    fn what_is_not_seen_is_shown() {
        assert_eq!(one_line("a\x1b[2Jb\u{202e}c\u{9b}d\0"), "a␛[2Jb<U+202E>c<U+009B>d␀");
        assert_eq!(one_line("\x1b[31mred\x1b[0m"), "␛[31mred␛[0m");
        assert_eq!(one_line("one\ntwo\r\nthree\rfour\tfive"), "one␊two␍␊three␍four    five");
    }

    #[test]
    fn nothing_is_joined_without_end_or_goes_beyond_its_place() {
        let chains = [
            "e\u{301}",
            "\u{1100}",
            "\u{915}\u{94d}",
            "\u{915}\u{93e}",
            "\u{e33}",
            "\u{11a3a}",
            "\u{d4e}",
            "👍\u{1f3fd}",
            "\u{1f3fd}",
            "\u{1f1e6}",
            "\u{ff76}\u{ff9e}",
            "\u{ff9e}",
            "\u{200d}",
            "⌚\u{fe0e}",
            "☺\u{fe0f}",
            "\u{644}\u{627}",
            "\u{17d2}\u{1780}",
        ];
        for chain in chains {
            for count in [1, 2, 20, 2000] {
                let text = chain.repeat(count);
                let line = one_line(&text);
                for cell in line.graphemes(true) {
                    assert!(cell.len() <= CELL, "{chain:?} x{count}: {} bytes in a cell", cell.len());
                    let parts: usize = cell.chars().map(|c| c.width().unwrap_or(0)).sum();
                    assert_eq!(cell.width(), parts, "{chain:?} x{count}: {cell:?} is not as wide as its parts");
                    assert!(super::parts(cell).all(|part| part.width() > 0), "{chain:?} x{count}: {cell:?}");
                }
            }
        }
        assert_eq!(one_line("👍\u{1f3fd}"), "👍<U+1F3FD>");
    }

    #[test]
    fn parts_stand_for_themselves() {
        let split = |cell: &'static str| parts(cell).collect::<Vec<_>>();
        assert_eq!(split("e\u{301}"), ["e\u{301}"]);
        assert_eq!(split("\u{915}\u{94d}\u{915}\u{93e}"), ["\u{915}\u{94d}", "\u{915}", "\u{93e}"]);
        assert_eq!(split("").len(), 0);
    }

    #[test]
    fn a_line_is_cut_where_nobody_reads_on() {
        let line = one_line(&"日".repeat(LINE)).into_owned();
        assert!(line.ends_with(&format!("日 … {} more bytes", 2 * LINE + 1)), "{}", &line[line.len() - 40..]);
    }

    #[test]
    fn json_says_the_same_and_is_safe_to_look_at() {
        let text = "a\x1b\u{9b}\u{202e}\u{e0041}\u{7f}é日";
        let json = json(&serde_json::to_string(text).unwrap()).into_owned();
        assert_eq!(json, r#""a\u001b\u009b\u202e\udb40\udc41\u007fé日""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
