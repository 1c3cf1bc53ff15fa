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
    let mut parts = parameters.split(|byte| *byte == b';').peekable();
    while let Some(part) = parts.next() {
        match number(part) {
            b"8" => return true,
            // one with colons has all its parts in itself
            b"38" | b"48" | b"58" if !part.contains(&b':') => {
                // a colour by number has one more parameter, one by its parts has three
                let colour = match parts.peek().map(|part| number(part)) {
                    Some(b"5") => 2,
                    Some(b"2") => 4,
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
mod tests;
