//! Reads dotenv text: where each assignment stands, in which quotes, and what its value is.
//!
//! Readers of such files differ. What they read differently is not guessed at but refused: a key that stands twice, an
//! unquoted `#` inside a word, a value that a quote style cannot hold in every reader. Nothing here shows a value.

use std::borrow::Cow;
use std::ops::Range;

/// How a value is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    /// Not at all.
    None,
    /// By `'`.
    Single,
    /// By `"`.
    Double,
    /// By a backtick.
    Backtick,
}

/// One `KEY=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The key.
    pub key: String,
    /// Its line, from 1.
    pub line: usize,
    /// Where the value stands, inside its quotes.
    pub value: Range<usize>,
    /// How it is quoted.
    pub quote: Quote,
}

impl Quote {
    fn of(byte: u8) -> Option<Self> {
        match byte {
            b'\'' => Some(Self::Single),
            b'"' => Some(Self::Double),
            b'`' => Some(Self::Backtick),
            _ => None,
        }
    }

    /// Says whether every reader takes this value, written in this style, for what it is.
    ///
    /// # Errors
    /// What is in the way, without the value.
    pub(crate) fn holds(self, value: &str) -> Result<(), &'static str> {
        if value.contains(['\n', '\r']) {
            return Err("a line end");
        }
        let (bad, why): (&[char], _) = match self {
            Self::None => (&['#', '\'', '"', '`', '$', '\\'], "one of # ' \" ` $ \\, unquoted"),
            Self::Single => (&['\'', '\\'], "' or \\ in single quotes"),
            Self::Double => (&['"', '\\', '$', '`'], "one of \" \\ $ ` in double quotes"),
            Self::Backtick => (&['`', '\\', '$'], "one of ` \\ $ in backticks"),
        };
        if value.contains(bad) {
            return Err(why);
        }
        if self == Self::None && value.contains(char::is_whitespace) {
            return Err("a blank, unquoted");
        }
        Ok(())
    }
}

/// Finds the one assignment of a key.
///
/// # Errors
/// When the key is not there, stands twice, or its value can be read in two ways: a sentence without the file's name.
pub(crate) fn find(text: &str, key: &str) -> Result<Assignment, String> {
    let mut found: Option<Assignment> = None;
    for assignment in assignments(text) {
        if assignment.key != key {
            continue;
        }
        if let Some(first) = &found {
            return Err(format!("{key} stands twice, in lines {} and {}", first.line, assignment.line));
        }
        found = Some(assignment);
    }
    let found = found.ok_or_else(|| format!("there is no {key}="))?;
    // Behind nothing but blanks, too: some take what follows for the value.
    let (value, after) = (&text[found.value.clone()], &text[found.value.end..]);
    if found.quote == Quote::None && (value.contains('#') || after.starts_with('#')) {
        let line = found.line;
        return Err(format!(
            "line {line}: the value of {key} has a # outside quotes, where some readers see a comment; put it in quotes"
        ));
    }
    Ok(found)
}

/// Returns the value of a key as a program gets it.
///
/// # Errors
/// As [`find`].
pub(crate) fn value(text: &str, key: &str) -> Result<String, String> {
    let found = find(text, key)?;
    let raw = &text[found.value];
    Ok(match found.quote {
        Quote::Double => unescape(raw).into_owned(),
        Quote::None | Quote::Single | Quote::Backtick => raw.to_owned(),
    })
}

/// Says whether a text in which one value was replaced is still read as before but for that value: a quote that was never
/// closed, or a comment behind an empty value, can make more of it.
pub(crate) fn reads_alike(old: &str, new: &str, key: &str) -> bool {
    let (was, is) = (assignments(old), assignments(new));
    find(new, key).is_ok()
        && was.len() == is.len()
        && was.iter().zip(&is).all(|(was, is)| {
            let same = || old[was.value.clone()] == new[is.value.clone()];
            was.key == is.key
                && was.quote == is.quote
                && if was.key == key { was.value.start == is.value.start } else { same() }
        })
}

/// Lists the assignments, in order. Lines that are none are passed over.
pub(crate) fn assignments(text: &str) -> Vec<Assignment> {
    let mut list = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        let next = match assignment(text, at, end, line) {
            Some((assignment, closed)) => {
                list.push(assignment);
                // A quoted value may go on over lines.
                text[closed..].find('\n').map_or(text.len(), |length| closed + length)
            }
            None => end,
        };
        line += text[at..next].matches('\n').count() + 1;
        at = next + 1;
    }
    list
}

/// Reads the assignment of one line, and where its value is over.
fn assignment(text: &str, start: usize, end: usize, line: usize) -> Option<(Assignment, usize)> {
    let blank = |c: char| c == ' ' || c == '\t';
    let written = text[start..end].trim_start_matches('\u{feff}').trim_start_matches(blank);
    let written = match written.strip_prefix("export") {
        Some(rest) if rest.starts_with(blank) => rest.trim_start_matches(blank),
        Some(_) | None => written,
    };
    let (key, rest) = written.split_once('=')?;
    let key = key.trim_end_matches(blank);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if key.is_empty() || !key.chars().all(fits) {
        return None;
    }
    let rest = rest.trim_start_matches(blank);
    let from = end - rest.len();
    let made = |value: Range<usize>, quote| Assignment { key: key.to_owned(), line, value, quote };
    if let Some(&mark) = text.as_bytes().get(from)
        && from < end
        && let Some(quote) = Quote::of(mark)
        && let Some(length) = closing(&text[from + 1..], quote, mark)
    {
        let close = from + 1 + length;
        return Some((made(from + 1..close, quote), close));
    }
    let rest = rest.trim_end_matches('\r');
    let comment = rest.char_indices().zip(std::iter::once(' ').chain(rest.chars())).find_map(|((at, c), before)| {
        let starts = c == '#' && before.is_whitespace();
        starts.then_some(at)
    });
    let value = rest[..comment.unwrap_or(rest.len())].trim_end();
    Some((made(from..from + value.len(), Quote::None), end))
}

/// Finds the closing quote.
fn closing(text: &str, quote: Quote, mark: u8) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == mark && !escaped;
        escaped = quote == Quote::Double && byte == b'\\' && !escaped;
        closes
    })
}

fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some(c @ ('"' | '\\' | '$')) => text.push(c),
            Some(c) => text.extend(['\\', c]),
            None => text.push('\\'),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_every_style() {
        let text = "\u{feff}FIRST=1\r\n# B=no\nexport  A = plain  # said\nS='a # b' # c\nD=\"x\\ny\\\"z\"\nT=`t`\nE=\nM=\"one\n\
                    INNER=2\ntwo\"\nL=last#not\nZ= z";
        for (key, wanted) in [
            ("FIRST", "1"),
            ("A", "plain"),
            ("S", "a # b"),
            ("D", "x\ny\"z"),
            ("T", "t"),
            ("E", ""),
            ("M", "one\nINNER=2\ntwo"),
            ("Z", "z"),
        ] {
            assert_eq!(value(text, key).as_deref(), Ok(wanted), "{key}");
        }
        assert_eq!(value(text, "B").unwrap_err(), "there is no B=");
        assert_eq!(value(text, "INNER").unwrap_err(), "there is no INNER=");
        let wrong = value(text, "L").unwrap_err();
        assert!(wrong.starts_with("line 11: the value of L has a # outside quotes"), "{wrong}");
        assert_eq!(find(text, "Z").unwrap().line, 12);
        for text in ["A=#said", "A= # said", "A =\t#"] {
            assert!(find(text, "A").unwrap_err().starts_with("line 1: the value of A has a #"), "{text}");
        }
    }

    #[test]
    fn a_key_twice_is_refused_with_both_lines() {
        assert_eq!(find("A=1\nB=2\nexport A=3\n", "A").unwrap_err(), "A stands twice, in lines 1 and 3");
    }

    #[test]
    fn a_value_that_would_change_how_the_rest_is_read_shows() {
        assert!(reads_alike("A='x' # said\nB=2\n", "A='new' # said\nB=2\n", "A"));
        // the quote in the new value would close the one of B
        assert!(!reads_alike("B=\"\nA=''\n", "B=\"\nA='\"'\n", "A"));
        // some readers would take the comment for the value
        assert!(!reads_alike("A=a # said\n", "A= # said\n", "A"));
    }

    #[test]
    fn styles_hold_what_every_reader_reads_alike() {
        for (quote, value, fits) in [
            (Quote::None, "postgres://u:a%24@h/d?x=1&y=2", true),
            (Quote::None, "a b", false),
            (Quote::None, "a#b", false),
            (Quote::None, "$HOME", false),
            (Quote::Single, "a b #$\"", true),
            (Quote::Single, "it's", false),
            (Quote::Double, "it's # b", true),
            (Quote::Double, "$x", false),
            (Quote::Double, "a\nb", false),
            // Both quotes and a blank are for backticks alone; a $ with them is for no style.
            (Quote::None, "a' \"b", false),
            (Quote::Single, "a' \"b", false),
            (Quote::Double, "a' \"b", false),
            (Quote::Backtick, "a' \"b", true),
            (Quote::Backtick, "a' \"$b", false),
            // As in a URL, where all of it is encoded, every style has it.
            (Quote::None, "postgres://u:a%27%20%22%24b@h/d", true),
            (Quote::Double, "postgres://u:a%27%20%22%24b@h/d", true),
        ] {
            assert_eq!(quote.holds(value).is_ok(), fits, "{quote:?} {value}");
        }
    }
}
