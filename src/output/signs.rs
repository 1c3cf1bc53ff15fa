//! What is shown in place of a character that would not be seen, or would not stay in its place.
//!
//! Tables only; which character stands where is for [`Visible`](super::Visible) to know.

use unicode_width::UnicodeWidthChar as _;

/// What a character does on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// It takes a place of its own.
    Stands,
    /// It goes onto the character before it.
    Combines,
    /// It chooses how the character before it looks; only pictures and signs have such a choice.
    Selects,
    /// It is not seen, or moves others about.
    Hides,
}

/// Says what a character above ASCII does on a screen.
pub(super) fn manner(c: char) -> Manner {
    match c {
        '\u{fe0e}' | '\u{fe0f}' => Manner::Selects,
        _ if hides(c) => Manner::Hides,
        _ => match c.width() {
            None => Manner::Hides,
            Some(0) => Manner::Combines,
            Some(_) => Manner::Stands,
        },
    }
}

/// Says whether a variation selector after this character has a meaning.
pub(super) fn takes_selector(c: char) -> bool {
    matches!(c, '\u{2000}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Characters without a sign of their own: format characters, fillers, separators, what is reserved for none.
fn hides(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
        || (0xfdd0..=0xfdef).contains(&u32::from(c))
}

/// Writes the sign for a control character of ASCII, or the code of any other.
pub(super) fn write(c: char, out: &mut String) {
    use std::fmt::Write as _;

    match c {
        '\u{0}'..='\u{1f}' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)),
        '\u{7f}' => out.push('\u{2421}'),
        _ => {
            // writing to a String does not fail
            let _ = write!(out, "<U+{:04X}>", u32::from(c));
        }
    }
}
