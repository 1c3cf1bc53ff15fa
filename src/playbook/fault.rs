//! What is wrong in a playbook, with its place, and how that is shown.
//!
//! A fault never stops the checker: all are collected and shown in the order of the file. Text of the playbook is made
//! harmless before it is shown: whatever a terminal could take for an order becomes a visible sign.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use super::yaml::Place;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The playbook cannot be used.
    Error,
    /// The playbook can be used, but not all of it has an effect.
    Warning,
}

/// Something wrong in a playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The included playbook that it is in, by its path from the folder of the one that is run; none for that one itself.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters it is about, at least 1.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub advice: Option<String>,
    /// How bad it is.
    pub severity: Severity,
}

/// The most characters of a source line that are shown.
const SHOWN: usize = 100;
/// The most marks on one letter.
const MARKS: usize = 6;
/// How many of them stand before the caret when a line is cut.
const BEFORE: usize = 40;

impl Fault {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            file: None,
            line: place.line,
            column: place.column,
            length: place.length.max(1),
            message: message.into(),
            advice: None,
            severity: Severity::Error,
        }
    }

    pub(super) fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::new(place, message) }
    }

    pub(super) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    pub(super) fn in_file(mut self, file: &str) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    /// Shows the fault: `FILE:LINE:COLUMN: message`, the source line, a caret below it, and the advice.
    #[must_use]
    pub fn render(&self, file: &str, source: &str) -> String {
        let kind = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        let mut text = format!("{}:{}:{}: {kind}{}\n", visible(file), self.line, self.column, visible(&self.message));
        let number = self.line.to_string();
        let blank = " ".repeat(number.len());
        if let Some(line) = lines(source).nth(self.line.saturating_sub(1)) {
            let (shown, caret) = excerpt(line, self.column, self.length);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", format!(" {number} | {shown}").trim_end());
            let _ = writeln!(text, " {blank} | {caret}");
        }
        if let Some(advice) = &self.advice {
            let _ = writeln!(text, " {blank} = {}", visible(advice));
        }
        text
    }
}

/// Splits a text into lines as YAML does: at LF, CR LF and CR.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text.strip_prefix('\u{feff}').unwrap_or(text));
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let after = &text[end..];
        let skip = if after.starts_with("\r\n") { 2 } else { 1 };
        rest = Some(&after[skip..]);
        Some(&text[..end])
    })
}

/// Returns the part of the line around the caret, and the line with the caret.
fn excerpt(line: &str, column: usize, length: usize) -> (String, String) {
    let chars: Vec<char> = signs(line).collect();
    let at = column.saturating_sub(1).min(chars.len());
    let start = if chars.len() > SHOWN { at.saturating_sub(BEFORE).min(chars.len() - SHOWN) } else { 0 };
    let end = (start + SHOWN).min(chars.len());
    let mut shown = String::new();
    let mut caret = String::new();
    if start > 0 {
        shown.push('…');
        caret.push(' ');
    }
    shown.extend(&chars[start..end]);
    if end < chars.len() {
        shown.push('…');
    }
    let wide = |chars: &[char]| chars.iter().map(|c| c.width().unwrap_or(1)).sum::<usize>();
    let last = (at + length).clamp(at, end.max(at));
    caret.push_str(&" ".repeat(wide(&chars[start..at.max(start)])));
    caret.push_str(&"^".repeat(wide(chars.get(at..last).unwrap_or_default()).max(1)));
    (shown.trim_end().to_owned(), caret)
}

/// Makes every character visible that a terminal could take for an order.
fn visible(text: &str) -> String {
    signs(text).collect()
}

/// Shows each character by one: itself, or the sign for it. Of the marks on one letter the first few are shown.
fn signs(text: &str) -> impl Iterator<Item = char> {
    let mut piled = 0;
    text.chars().map(sign).map(move |c| {
        piled = if c.width() == Some(0) { piled + 1 } else { 0 };
        if piled > MARKS { char::REPLACEMENT_CHARACTER } else { c }
    })
}

fn sign(c: char) -> char {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        // C1, soft hyphen, joiners, fillers, zero width, bidirectional, separators, selectors, byte order mark, what is
        // reserved for none
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{600}'..='\u{605}'
        | '\u{61c}'
        | '\u{6dd}'
        | '\u{70f}'
        | '\u{890}'
        | '\u{891}'
        | '\u{8e2}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}'
        | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => '\u{fffd}',
        _ if u32::from(c) & 0xfffe == 0xfffe => '\u{fffd}',
        other => other,
    }
}

/// Finds the name that was probably meant.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long words cost time that grows with their length, and nobody mistypes that much.
    if word.len() > 64 {
        return None;
    }
    let most = match word.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    names
        .into_iter()
        .filter(|name| name.len().abs_diff(word.len()) <= most)
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|&(distance, name)| distance <= most && distance < name.chars().count())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: usize, column: usize, length: usize) -> Fault {
        Fault::new(Place { line, column, length, end_line: line }, "wrong").advise("write: right")
    }

    #[test]
    fn shows_the_line_with_a_caret_and_the_advice() {
        assert_eq!(
            fault(2, 3, 4).render("a.yaml", "x: 1\ny: word\n"),
            "a.yaml:2:3: wrong\n 2 | y: word\n   |   ^^^^\n   = write: right\n"
        );
    }

    #[test]
    fn makes_control_characters_visible_and_keeps_the_caret_in_place() {
        let text = fault(1, 4, 1).render("a", "\t\u{1b}[x");
        assert_eq!(text, "a:1:4: wrong\n 1 | ␉␛[x\n   |    ^\n   = write: right\n");
    }

    #[test]
    fn marks_do_not_pile_up() {
        let text = fault(1, 1, 1).render("a", &format!("e{}", "\u{301}".repeat(90)));
        assert_eq!(text.matches('\u{301}').count(), MARKS);
        assert_eq!(text.matches('\u{fffd}').count(), 90 - MARKS);
    }

    #[test]
    fn cuts_a_long_line_around_the_caret() {
        let line = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let text = fault(1, 501, 4).render("a", &line);
        let shown: Vec<&str> = text.lines().collect();
        assert!(shown[1].chars().count() < 120);
        let caret = shown[2].chars().position(|c| c == '^').unwrap();
        let here: String = shown[1].chars().skip(caret).take(4).collect();
        assert_eq!(here, "HERE");
    }

    #[test]
    fn wide_characters_keep_the_caret_below_its_word() {
        let text = fault(1, 3, 1).render("a", "日本x");
        assert!(text.contains("   |     ^\n"), "{text}");
    }

    #[test]
    fn a_place_beyond_the_text_is_no_panic() {
        let _ = fault(9, 9, 9).render("a", "x");
        let _ = fault(1, 900, 9).render("a", "x");
    }

    #[test]
    fn finds_the_nearest_name() {
        assert_eq!(nearest("titel", ["id", "title", "why"]), Some("title"));
        assert_eq!(nearest("zebra", ["id", "title"]), None);
    }
}
