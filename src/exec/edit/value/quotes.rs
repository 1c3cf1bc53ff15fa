//! Writes a text so that a format reads it as that text: in the quotes that stood there, or in others that can hold it.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use zeroize::Zeroizing;

use super::yaml::{Style, is_text};

/// Writes a JSON string.
pub(super) fn json(text: &str) -> Zeroizing<String> {
    escaped(text, |_| false)
}

/// Writes a TOML string: between single quotes where they are wanted and can hold it.
pub(super) fn toml(text: &str, literal: bool) -> Zeroizing<String> {
    let control = |c: char| c.is_control() && c != '\t';
    if literal && !text.contains('\'') && !text.contains(control) {
        return Zeroizing::new(format!("'{text}'"));
    }
    escaped(text, |c| c == '\u{7f}')
}

/// Writes a YAML scalar: in this style where it can hold the text, else in single quotes, else in double ones.
pub(super) fn yaml(text: &str, style: Style, flow: bool) -> Zeroizing<String> {
    let odd = |c: char| !is_printable(c);
    let plain = style == Style::Plain && holds_plain(text, flow);
    if plain {
        return Zeroizing::new(text.to_owned());
    }
    if style != Style::Double && !text.contains(odd) {
        return Zeroizing::new(format!("'{}'", Zeroizing::new(text.replace('\'', "''")).as_str()));
    }
    escaped(text, odd)
}

/// Writes a text between double quotes with JSON's escapes, and `\uXXXX` for what else must not stand there as it is.
fn escaped(text: &str, also: impl Fn(char) -> bool) -> Zeroizing<String> {
    let mut written = Zeroizing::new(String::with_capacity(6 * text.len() + 2));
    written.push('"');
    for c in text.chars() {
        match c {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            // Beyond the first plane nothing is odd, so four digits do.
            c if u32::from(c) < 0x20 || (also(c) && u32::from(c) <= 0xffff) => {
                // Nothing can fail that writes into memory.
                let _ = write!(written, "\\u{:04x}", u32::from(c));
            }
            c => written.push(c),
        }
    }
    written.push('"');
    written
}

/// Says whether a character stands for itself in YAML and ends no line (YAML 1.2.2, 5.1 and 5.4; 1.1 has more line ends).
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Says whether every reader of YAML takes a text without quotes for that text (YAML 1.2.2, 7.3.3; 1.1 has more words).
fn holds_plain(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let begins = !"-?:,[]{}#&*!|>'\"%@`=<~".contains(first);
    let brackets = flow && text.contains([',', '[', ']', '{', '}']);
    let ends = text.ends_with(':') || text.trim() != text;
    let inside = text.contains(": ") || text.contains(" #") || text.contains(|c| !is_printable(c));
    begins && !brackets && !ends && !inside && is_text(text) && !is_doubtful(text)
}

/// Says whether some readers take a plain scalar, which the core schema calls a text, for something else: YAML 1.1 has
/// `yes`, numbers like `1:30` and `1_000`, and dates.
pub(super) fn is_doubtful(text: &str) -> bool {
    #[expect(clippy::expect_used, reason = "the pattern is fixed and a test compiles it")]
    static DOUBTFUL: LazyLock<Regex> = LazyLock::new(|| {
        let words = "(?i:y|yes|n|no|on|off|true|false|null)|=|<<";
        let numbers = r"[-+]?[0-9.][0-9_.:]*(?:[eE][-+]?[0-9_]*)?|[-+]?0[xXoObB][0-9a-fA-F_]*";
        let dates = r"[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?.*";
        Regex::new(&format!("^(?:{words}|{numbers}|{dates})$")).expect("the pattern is fixed")
    });
    #[expect(clippy::expect_used, reason = "the pattern is fixed and a test compiles it")]
    static VERSION: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[0-9]+(?:\.[0-9]+){2,}$").expect("the pattern is fixed"));
    DOUBTFUL.is_match(text) && !VERSION.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_as_they_will_be_read() {
        for (text, style, flow, written) in [
            ("word", Style::Plain, false, "word"),
            ("postgres://u:p%24@h:1/d?a=1&b=2", Style::Plain, true, "postgres://u:p%24@h:1/d?a=1&b=2"),
            ("a, b", Style::Plain, false, "a, b"),
            ("a, b", Style::Plain, true, "'a, b'"),
            ("it's", Style::Plain, false, "it's"),
            ("it's", Style::Single, false, "'it''s'"),
            ("a: b", Style::Plain, false, "'a: b'"),
            ("a #b", Style::Plain, false, "'a #b'"),
            ("a:", Style::Plain, false, "'a:'"),
            (" a", Style::Plain, false, "' a'"),
            ("", Style::Plain, false, "''"),
            ("12", Style::Plain, false, "'12'"),
            ("0e5", Style::Plain, false, "'0e5'"),
            ("1_000", Style::Plain, false, "'1_000'"),
            ("1:30", Style::Plain, false, "'1:30'"),
            ("2026-01-01", Style::Plain, false, "'2026-01-01'"),
            ("10.0.0.1", Style::Plain, false, "10.0.0.1"),
            ("No", Style::Plain, false, "'No'"),
            ("null", Style::Plain, false, "'null'"),
            ("-a", Style::Plain, false, "'-a'"),
            ("a\nb", Style::Single, false, "\"a\\nb\""),
            ("\u{85}\u{7f}", Style::Plain, false, "\"\\u0085\\u007f\""),
            ("a\"\\", Style::Double, false, "\"a\\\"\\\\\""),
            ("plain", Style::Double, false, "\"plain\""),
        ] {
            assert_eq!(*yaml(text, style, flow), written, "{text:?}");
        }
        for (text, literal, written) in
            [("a\\b", true, "'a\\b'"), ("it's", true, "\"it's\""), ("a\u{7f}\n", false, "\"a\\u007f\\n\"")]
        {
            assert_eq!(*toml(text, literal), written);
        }
        assert_eq!(*json("a/\"\u{1}é"), "\"a/\\\"\\u0001é\"");
    }
}
