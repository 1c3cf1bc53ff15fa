//! What a paste brings along that is no part of a value: taken off, and said.
//!
//! What must stay true: nothing is changed without a word of it; the words tell numbers and kinds, never a character of the
//! value, which may be a secret; and what is taken off at the edges or is invisible can be had back as it came. Controls are
//! never had back where they could do something: in a line that is shown.

use zeroize::Zeroizing;

use crate::words::count;

/// The longest paste that is taken, in bytes.
pub(super) const LONGEST: usize = 64 << 10;

/// What a paste goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Into {
    /// One line that is shown: line ends within become blanks.
    Line,
    /// A secret: it may be a key of several lines.
    Secret,
}

/// A paste, repaired.
#[derive(Debug)]
pub(super) struct Repaired {
    /// What is taken.
    pub(super) text: Zeroizing<String>,
    /// What was done to it, in words; none where nothing was.
    pub(super) said: Option<String>,
    /// The paste with what was taken off, as far as it may be had back; none where that is the same.
    pub(super) came: Option<Zeroizing<String>>,
}

/// Takes off a paste what is no part of a value.
///
/// # Errors
/// When it is too long: a sentence. Nothing of it is taken then.
pub(super) fn repair(text: &str, into: Into) -> Result<Repaired, String> {
    if text.len() > LONGEST {
        let length = text.len();
        return Err(format!("the paste has {length} bytes, a field takes {LONGEST}; nothing was taken"));
    }
    let unified = unify(text);
    let trimmed = unified.trim_matches(edge);
    let start = &unified[..unified.len() - unified.trim_start_matches(edge).len()];
    let end = &unified[unified.trim_end_matches(edge).len().max(start.len())..];
    let mut repaired = Zeroizing::new(String::with_capacity(unified.len()));
    let mut came = Zeroizing::new(String::with_capacity(unified.len()));
    let (mut controls, mut invisible, mut hard) = (0, 0, 0);
    for letter in trimmed.chars() {
        match letter {
            '\n' if into == Into::Secret => repaired.push('\n'),
            '\n' => repaired.push(' '),
            _ if letter.is_control() => controls += 1,
            _ if is_invisible(letter) => invisible += 1,
            _ => {
                hard += usize::from(is_hard_blank(letter));
                repaired.push(letter);
            }
        }
    }
    let keeps = |letter: &char| into == Into::Secret || !letter.is_control();
    came.extend(
        unified.chars().map(|letter| if letter == '\n' && into == Into::Line { ' ' } else { letter }).filter(keeps),
    );

    let mut removed: Vec<String> = [(start, "beginning"), (end, "end")].into_iter().flat_map(edge_words).collect();
    removed.extend(some(controls, "control character", "control characters"));
    removed.extend(some(invisible, "invisible character", "invisible characters"));
    let mut said = Vec::new();
    if !removed.is_empty() {
        said.push(format!("removed {}", removed.join(", ")));
    }
    let lines = trimmed.matches('\n').count() + 1;
    match (lines, into) {
        (1, _) => {}
        (_, Into::Line) => said.push(format!("{lines} lines made one")),
        (_, Into::Secret) => said.push(format!("{lines} lines kept")),
    }
    said.extend(some(hard, "blank that is no space kept", "blanks that are no spaces kept"));
    if quoted(&repaired) {
        said.push("quotes around it kept".to_owned());
    }
    let said = (!said.is_empty()).then(|| said.join("; "));
    let came = (*came != *repaired).then_some(came);
    Ok(Repaired { text: repaired, said, came })
}

/// Makes every line end one of ours.
fn unify(text: &str) -> Zeroizing<String> {
    let mut unified = Zeroizing::new(String::with_capacity(text.len()));
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\r' {
            letters.next_if_eq(&'\n');
        }
        unified.push(if letter == '\r' { '\n' } else { letter });
    }
    unified
}

/// Says whether a character at an edge is no part of a value.
fn edge(letter: char) -> bool {
    letter.is_whitespace() || is_invisible(letter)
}

/// Says whether a character shows nothing and takes no place: joiners, marks of direction, byte order mark, soft hyphen.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Says whether a character looks like a space and is none.
fn is_hard_blank(letter: char) -> bool {
    letter.is_whitespace() && !matches!(letter, ' ' | '\t' | '\n')
}

fn quoted(text: &str) -> bool {
    let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];
    text.chars().count() > 2 && pairs.iter().any(|&(open, close)| text.starts_with(open) && text.ends_with(close))
}

fn edge_words((edge, place): (&str, &str)) -> Vec<String> {
    let lines = edge.matches('\n').count();
    let invisible = edge.chars().filter(|&letter| is_invisible(letter)).count();
    let blanks = edge.chars().count() - lines - invisible;
    let words = [(lines, "line end"), (blanks, "blank"), (invisible, "invisible character")];
    let words = words.into_iter().filter(|(many, _)| *many > 0);
    words.map(|(many, what)| format!("{} at the {place}", count(many, what, &format!("{what}s")))).collect()
}

fn some(many: usize, one: &str, more: &str) -> Option<String> {
    (many > 0).then(|| count(many, one, more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_part_of_a_value_is_taken_off_and_said() {
        let cases = [
            ("CANARY-one", "CANARY-one", None),
            ("CANARY-one\r\n", "CANARY-one", Some("removed 1 line end at the end")),
            ("  CANARY-one", "CANARY-one", Some("removed 2 blanks at the beginning")),
            ("CANARY-one\u{a0}", "CANARY-one", Some("removed 1 blank at the end")),
            ("CANARY\u{a0}one", "CANARY\u{a0}one", Some("1 blank that is no space kept")),
            ("\u{feff}CANARY-one", "CANARY-one", Some("removed 1 invisible character at the beginning")),
            ("CANARY\u{200b}-\u{200d}one", "CANARY-one", Some("removed 2 invisible characters")),
            ("CANARY\u{202e}-one", "CANARY-one", Some("removed 1 invisible character")),
            ("CANARY\u{1b}-one\n\n", "CANARY-one", Some("removed 2 line ends at the end, 1 control character")),
            ("CANARY\u{1b}[201~-one", "CANARY[201~-one", Some("removed 1 control character")),
            ("CANARY\0-\u{7f}\u{9b}one", "CANARY-one", Some("removed 3 control characters")),
            ("BEGIN\rCANARY\rEND", "BEGIN\nCANARY\nEND", Some("3 lines kept")),
            ("\"CANARY\"", "\"CANARY\"", Some("quotes around it kept")),
            (
                "\u{201c}CANARY\u{201d} ",
                "\u{201c}CANARY\u{201d}",
                Some("removed 1 blank at the end; quotes around it kept"),
            ),
            (" \n ", "", Some("removed 1 line end at the beginning, 2 blanks at the beginning")),
            ("", "", None),
        ];
        for (pasted, taken, said) in cases {
            let repaired = repair(pasted, Into::Secret).unwrap();
            assert_eq!((repaired.text.as_str(), repaired.said.as_deref()), (taken, said), "{pasted:?}");
            assert!(!repaired.said.unwrap_or_default().contains("CANARY"));
        }
    }

    #[test]
    fn it_can_be_had_as_it_came_but_for_what_would_act() {
        let came = |pasted: &str, into| repair(pasted, into).unwrap().came.map(|came| came.to_string());
        assert_eq!(came("CANARY", Into::Secret), None);
        assert_eq!(came(" CANARY\u{200b}\n", Into::Secret).as_deref(), Some(" CANARY\u{200b}\n"));
        assert_eq!(came(" CANARY\u{1b}\n", Into::Line).as_deref(), Some(" CANARY "));
        let lines = repair("two\nlines", Into::Line).unwrap();
        assert_eq!((lines.text.as_str(), lines.said.as_deref()), ("two lines", Some("2 lines made one")));
        assert!(lines.came.is_none());
    }

    #[test]
    fn ten_megabytes_are_not_taken_and_take_no_time() {
        let long = "x".repeat(10 << 20);
        let begun = std::time::Instant::now();
        let why = repair(&long, Into::Line).unwrap_err();
        assert_eq!(why, "the paste has 10485760 bytes, a field takes 65536; nothing was taken");
        assert!(begun.elapsed() < std::time::Duration::from_secs(1));
        assert_eq!(repair(&"x".repeat(LONGEST), Into::Line).unwrap().text.len(), LONGEST);
    }
}
