//! Foreign bytes made visible.
//!
//! | comes in | goes out |
//! | --- | --- |
//! | bytes that are no UTF-8 | U+FFFD |
//! | line feed, tab | themselves |
//! | carriage returns before a line feed | nothing |
//! | other carriage returns | `␍` and a line feed: progress is read line by line, and nothing is written over |
//! | colours and styles (`ESC [ … m`) | themselves, but one that conceals: its `ESC` as `␛` |
//! | any other control of ASCII | its picture, such as `␀` or `␛` |
//! | C1, format, bidirectional, invisible characters | their code: `<U+202E>` |
//! | marks that combine | themselves, up to 32 bytes a character; then, and where there is none, their code |
//!
//! What must stay true: the result does not depend on how the bytes were cut; it is linear in time and size, and what is held
//! back between two pieces is a few bytes.

use super::signs::{self, Manner};

/// The most bytes of one character with its marks.
const CELL: usize = 32;
/// The longest sequence for colours that is taken for one.
const SEQUENCE: usize = 64;
const ESCAPE: u8 = 0x1b;

/// Makes one stream of foreign bytes visible.
#[derive(Debug)]
pub struct Visible {
    colours: Colours,
    /// The beginning of a character or of a sequence.
    held: Vec<u8>,
    /// A carriage return came last.
    returned: bool,
    cell: Cell,
}

/// What becomes of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colours {
    Kept,
    Shown,
}

/// What a mark would combine with.
#[derive(Clone, Copy, Debug)]
enum Cell {
    /// Nothing: the line's beginning, or a sign of ours.
    None,
    /// A character, with the bytes that it has with its marks.
    Some(char, usize),
}

/// What stands at the beginning of some bytes.
enum Token {
    /// More must come to know.
    Unfinished,
    /// A sequence for colours of so many bytes.
    Colour(usize),
    /// A character of so many bytes.
    Char(char, usize),
}

impl Visible {
    /// Starts a stream whose colours are kept.
    #[must_use]
    pub fn new() -> Self {
        Self { colours: Colours::Kept, held: Vec::new(), returned: false, cell: Cell::None }
    }

    /// Starts a stream for where colours cannot be shown: they become visible text too.
    #[must_use]
    pub fn plain() -> Self {
        Self { colours: Colours::Shown, ..Self::new() }
    }

    /// Takes a piece.
    pub fn push(&mut self, input: &[u8], out: &mut String) {
        if self.held.is_empty() {
            let done = self.walk(input, out);
            self.held.extend_from_slice(&input[done..]);
        } else {
            let mut bytes = std::mem::take(&mut self.held);
            bytes.extend_from_slice(input);
            let done = self.walk(&bytes, out);
            bytes.drain(..done);
            // the memory of a large piece is not kept for a few bytes
            bytes.shrink_to(SEQUENCE);
            self.held = bytes;
        }
    }

    /// Ends the stream: what was not finished is shown as what it is.
    pub fn finish(&mut self, out: &mut String) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        while let Some((&byte, after)) = rest.split_first() {
            if byte.is_ascii() {
                self.put(char::from(byte), out);
                rest = after;
            } else {
                self.put(char::REPLACEMENT_CHARACTER, out);
                break;
            }
        }
        self.end_return(out);
        self.cell = Cell::None;
    }

    /// Works through bytes as far as they can be understood, and returns how far that is.
    fn walk(&mut self, bytes: &[u8], out: &mut String) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let plain = plain_length(&bytes[at..]);
            if plain > 0 {
                self.put_plain(&bytes[at..at + plain], out);
                at += plain;
                continue;
            }
            match self.token(&bytes[at..]) {
                Token::Unfinished => break,
                Token::Colour(length) => {
                    self.end_return(out);
                    out.extend(bytes[at..at + length].iter().map(|byte| char::from(*byte)));
                    at += length;
                }
                Token::Char(c, length) => {
                    self.put(c, out);
                    at += length;
                }
            }
        }
        at
    }

    fn token(&self, bytes: &[u8]) -> Token {
        match bytes.first() {
            None => Token::Unfinished,
            Some(&ESCAPE) if self.colours == Colours::Kept => colour(bytes),
            Some(&byte) if byte.is_ascii() => Token::Char(char::from(byte), 1),
            Some(_) => character(bytes),
        }
    }

    /// Copies bytes that are all plain.
    fn put_plain(&mut self, bytes: &[u8], out: &mut String) {
        if self.returned && bytes[0] == b'\n' {
            self.returned = false;
        }
        self.end_return(out);
        // plain bytes are ASCII, so this is a check and a copy
        out.push_str(&String::from_utf8_lossy(bytes));
        self.cell = match bytes.last() {
            Some(b'\n' | b'\t') | None => Cell::None,
            Some(&byte) => Cell::Some(char::from(byte), 1),
        };
    }

    fn put(&mut self, c: char, out: &mut String) {
        if c == '\r' {
            self.returned = true;
            return;
        }
        self.end_return(out);
        if c.is_ascii() && !c.is_ascii_control() {
            out.push(c);
            self.cell = Cell::Some(c, 1);
            return;
        }
        let manner = if c.is_ascii() { Manner::Hides } else { signs::manner(c) };
        self.cell = match (manner, self.cell) {
            (Manner::Stands, _) => {
                out.push(c);
                Cell::Some(c, c.len_utf8())
            }
            (Manner::Combines, Cell::Some(base, size)) if size + c.len_utf8() <= CELL => {
                out.push(c);
                Cell::Some(base, size + c.len_utf8())
            }
            (Manner::Combines, full @ Cell::Some(..)) => {
                signs::write(c, out);
                // what comes next would go onto our sign; a full cell takes no more
                full.filled()
            }
            (Manner::Selects, Cell::Some(base, size)) if size == base.len_utf8() && signs::takes_selector(base) => {
                out.push(c);
                Cell::Some(base, size + c.len_utf8())
            }
            (Manner::Combines, Cell::None) | (Manner::Selects | Manner::Hides, _) => {
                signs::write(c, out);
                Cell::None
            }
        };
    }

    /// Shows a carriage return that no line feed followed.
    fn end_return(&mut self, out: &mut String) {
        if std::mem::take(&mut self.returned) {
            signs::write('\r', out);
            out.push('\n');
            self.cell = Cell::None;
        }
    }
}

impl Default for Visible {
    fn default() -> Self {
        Self::new()
    }
}

impl Cell {
    /// The same, without room for another mark.
    fn filled(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Some(base, _) => Self::Some(base, CELL),
        }
    }
}

/// Makes a whole text visible; colours are kept.
#[must_use]
pub fn visible(text: &str) -> String {
    whole(Visible::new(), text)
}

/// Makes a whole text visible; colours become visible text.
#[must_use]
pub fn visible_plain(text: &str) -> String {
    whole(Visible::plain(), text)
}

fn whole(mut stream: Visible, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    stream.push(text.as_bytes(), &mut out);
    stream.finish(&mut out);
    out
}

/// Returns how many bytes at the beginning are printable ASCII, line feeds or tabs.
fn plain_length(bytes: &[u8]) -> usize {
    let is_plain = |byte: u8| (0x20..0x7f).contains(&byte) || byte == b'\n' || byte == b'\t';
    // in blocks without a branch for each byte, which the compiler turns into vector instructions
    let (blocks, _) = bytes.as_chunks::<32>();
    let whole =
        blocks.iter().take_while(|block| block.iter().fold(true, |all, byte| all & is_plain(*byte))).count() * 32;
    whole + bytes[whole..].iter().take_while(|byte| is_plain(**byte)).count()
}

/// Reads a sequence for colours; an `ESC` that begins none is a character.
fn colour(bytes: &[u8]) -> Token {
    let escape = Token::Char(char::from(ESCAPE), 1);
    match bytes.get(1) {
        None => return Token::Unfinished,
        Some(b'[') => {}
        Some(_) => return escape,
    }
    let rest = &bytes[2..];
    let parameters = rest.iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')).count();
    if parameters + 3 > SEQUENCE {
        return escape;
    }
    match rest.get(parameters) {
        None => Token::Unfinished,
        Some(b'm') if !conceals(&rest[..parameters]) => Token::Colour(parameters + 3),
        Some(_) => escape,
    }
}

/// Says whether the parameters hide what follows (8), which is not the 8 of a colour's number.
fn conceals(parameters: &[u8]) -> bool {
    let mut parts = parameters.split(|byte| *byte == b';').map(number).peekable();
    while let Some(part) = parts.next() {
        match part {
            b"8" => return true,
            b"38" | b"48" | b"58" => {
                // a colour by number has one more parameter, one by its parts has three
                let colour = match parts.peek() {
                    Some(&b"5") => 2,
                    Some(&b"2") => 4,
                    Some(_) | None => 0,
                };
                parts.by_ref().take(colour).for_each(drop);
            }
            // any other style
            _ => {}
        }
    }
    false
}

/// Returns a parameter without what follows a colon, and without zeros before it.
fn number(part: &[u8]) -> &[u8] {
    let end = part.iter().position(|byte| *byte == b':').unwrap_or(part.len());
    let start = part[..end].iter().take_while(|byte| **byte == b'0').count();
    &part[start..end]
}

/// Reads a character above ASCII.
fn character(bytes: &[u8]) -> Token {
    let window = &bytes[..bytes.len().min(4)];
    let (valid, broken) = match std::str::from_utf8(window) {
        Ok(text) => (text, None),
        Err(error) => {
            let valid = std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default();
            (valid, Some(error.error_len()))
        }
    };
    match (valid.chars().next(), broken) {
        (Some(c), _) => Token::Char(c, c.len_utf8()),
        (None, Some(Some(length))) => Token::Char(char::REPLACEMENT_CHARACTER, length),
        (None, Some(None) | None) => Token::Unfinished,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_has_its_sign() {
        for (foreign, shown) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("a\r\nb\r\r\nc", "a\nb\nc"),
            ("10%\r20%\r\r30%\n", "10%␍\n20%␍\n30%\n"),
            ("end\r", "end␍\n"),
            ("\u{1b}[1;31mred\u{1b}[0m\u{1b}[m", "\u{1b}[1;31mred\u{1b}[0m\u{1b}[m"),
            ("\u{1b}[38;5;8mgrey \u{1b}[38;2;8;8;8mdark", "\u{1b}[38;5;8mgrey \u{1b}[38;2;8;8;8mdark"),
            ("\u{1b}[8mx \u{1b}[1;08mx \u{1b}[38;8mx", "␛[8mx ␛[1;08mx ␛[38;8mx"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}c", "␛[2J␛]0;title␇␛c"),
            ("\0\u{7f}\u{8}", "␀␡␈"),
            ("\u{9b}31m", "<U+009B>31m"),
            ("a\u{202e}b\u{200b}c\u{feff}\u{2028}", "a<U+202E>b<U+200B>c<U+FEFF><U+2028>"),
            ("e\u{301} \u{301}", "e\u{301} \u{301}"),
            ("\u{301}x\n\u{301}", "<U+0301>x\n<U+0301>"),
            ("⚠\u{fe0f} a\u{fe0f}", "⚠\u{fe0f} a<U+FE0F>"),
            ("déjà 日本 🎉", "déjà 日本 🎉"),
        ] {
            assert_eq!(visible(foreign), shown, "{foreign:?}");
        }
        assert_eq!(visible_plain("\u{1b}[31mred"), "␛[31mred");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_as_the_library_does() {
        for bytes in
            [&b"a\xffb\xc3"[..], b"\xe2\x82", b"\xe2\x82x", b"\xf0\x9f\x8e\x89\xf0\x9f", b"\xc0\x80\xed\xa0\x80"]
        {
            let mut out = String::new();
            let mut stream = Visible::new();
            stream.push(bytes, &mut out);
            stream.finish(&mut out);
            assert_eq!(out, String::from_utf8_lossy(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn a_cell_is_bounded() {
        let shown = visible(&format!("e{}x", "\u{301}".repeat(1000)));
        assert!(shown.starts_with(&format!("e{}<U+0301><U+0301>", "\u{301}".repeat(15))), "{shown}");
        assert!(shown.ends_with("<U+0301>x"));
    }

    #[test]
    fn a_sequence_without_an_end_is_not_held() {
        let mut out = String::new();
        let mut stream = Visible::new();
        stream.push(b"\x1b[", &mut out);
        stream.push(&[b'1'; 100], &mut out);
        assert_eq!(out, format!("␛[{}", "1".repeat(100)));
    }

    /// Bytes in which all that matters is frequent.
    fn foreign() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => "[a-z \\n\\t]{0,40}".prop_map(String::into_bytes),
            2 => Just(b"\r".to_vec()),
            1 => Just(b"\r\n".to_vec()),
            2 => Just(b"\x1b[1;31m".to_vec()),
            1 => Just(b"\x1b[8".to_vec()),
            1 => Just(b"\x1b".to_vec()),
            2 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
            1 => Just("\u{301}".repeat(20).into_bytes()),
            1 => Just("⚠\u{fe0f}".to_owned().into_bytes()),
            2 => prop::collection::vec(any::<u8>(), 0..6),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference_and_nothing_moves(bytes in foreign(), cuts in prop::collection::vec(1_usize..9, 0..40)) {
            let mut whole = String::new();
            let mut stream = Visible::new();
            stream.push(&bytes, &mut whole);
            stream.finish(&mut whole);

            let mut cut = String::new();
            let mut stream = Visible::new();
            let mut rest = bytes.as_slice();
            for length in cuts {
                let (piece, after) = rest.split_at(length.min(rest.len()));
                stream.push(piece, &mut cut);
                rest = after;
            }
            stream.push(rest, &mut cut);
            stream.finish(&mut cut);
            prop_assert_eq!(&cut, &whole);

            let mut escapes = whole.split('\u{1b}');
            let first = escapes.next().unwrap_or_default();
            for text in std::iter::once(first).chain(escapes.clone()) {
                prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
            }
            for sequence in escapes {
                let end = sequence.find('m').unwrap_or(0);
                prop_assert!(sequence.starts_with('[') && sequence[1..end].bytes().all(|b| b";:0123456789".contains(&b)));
            }
            // what is visible stays as it is, but for marks on our own signs
            prop_assert_eq!(visible(&whole), whole);
        }
    }
}
