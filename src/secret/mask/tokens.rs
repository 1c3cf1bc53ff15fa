//! One character of a secret as a writer may have spelled it: what stands at a place of a text, read in every way it can be.
//!
//! | the writer | a character may be |
//! | --- | --- |
//! | URLs, and printf | `%41`, `%2541`, `%u0041`, `+` for a blank, `%%` |
//! | JSON and most languages | `\"`, `\n`, `\x41`, `\101`, `\u0041`, pairs of surrogates, `\u{41}`, `\U00000041`; after any number of backslashes |
//! | the shell, libpq, pgpass, my.cnf | `\` before anything, `'\''`, `'"'"'`, `"'"'"`, `\s` for a blank, `\` before a line's end |
//! | SQL, YAML, CSV, ODBC, compose, PowerShell | the sign twice; a grave accent before it |
//! | XML and HTML | `&lt;`, `&#60;`, `&#x3c;`, and these with `&amp;` for their `&` |
//! | [`Visible`](crate::output) | nothing, where a sign stands for what is not seen; the control character that it stands for |
//!
//! It knows nothing of secrets. What must stay true: a reading depends only on the bytes that it covers; where the text ends
//! before a reading is sure, that is said, and what more there is to come is bounded.

use super::entities::entity;

/// What kind of text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A secret as it is: a line end in it may be followed by blanks.
    Text,
    /// Base64, which has no line ends, so those that stand in it are not part of it.
    Code,
}

/// One reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    bytes: [u8; 4],
    count: usize,
    /// How many bytes of the text it covers.
    pub(super) length: usize,
}

impl Token {
    fn byte(byte: u8, length: usize) -> Self {
        Self { bytes: [byte, 0, 0, 0], count: 1, length }
    }

    /// What is there for the eye alone.
    pub(super) fn nothing(length: usize) -> Self {
        Self { bytes: [0; 4], count: 0, length }
    }

    pub(super) fn char(code: u32, length: usize) -> Option<Self> {
        let mut bytes = [0; 4];
        let count = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Self { bytes, count, length })
    }

    /// Returns what it says; nothing where it only separates.
    pub(super) fn says(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

/// What a reading that the text's end leaves open may still be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// Any character.
    Any,
    /// This one.
    Only(u8),
    /// Nothing: what goes on after it is the same secret, of which so many bytes stand before it.
    After(usize),
}

/// The most signs of escaping before one character: five times JSON in JSON.
pub(super) const NESTED: usize = 32;
/// The most bytes of a sequence that moves a cursor.
const SEQUENCE: usize = 128;
/// The most bytes of a line's end, with the blanks after it.
pub(super) const LINE_END: usize = 1 + SEQUENCE;
/// How many digits of base64 stand before a line's end for the next line to go on with them.
const WRAPPED: usize = 4;

/// The first bytes of all readings, apart from those of [`doubled`].
pub(super) const SIGNS: [u8; 8] = [b'%', b'\\', b'&', b'\n', b'<', 0xe2, 0xcc, 0xcd];

/// The signs that are written twice by some writer, or have a spelling of their own.
pub(super) const DOUBLED: &[u8] = b"'\"$`}]";

/// Adds all readings of what stands at a place, but the byte as it is. Says what may still come where the text ends too soon.
pub(super) fn read(text: &[u8], at: usize, kind: Kind, out: &mut Vec<Token>) -> Option<Open> {
    let rest = &text[at..];
    match rest[0] {
        b'%' => percent(rest, out),
        b'\\' => backslash(rest, out),
        b'&' => entity(rest, out),
        b'+' if kind == Kind::Text => {
            out.push(Token::byte(b' ', 1));
            None
        }
        sign if DOUBLED.contains(&sign) => doubled(rest, out),
        b'\n' => line_end(rest, kind, out),
        b'<' => code(rest, out),
        0xe2 => picture(text, at, out),
        0xcc | 0xcd => mark(rest, out),
        b'_' if rest[1..].starts_with(BACKSPACE) => {
            out.push(Token::nothing(1 + BACKSPACE.len()));
            None
        }
        b'_' if BACKSPACE.starts_with(&rest[1..]) => Some(Open::After(1)),
        // any other byte is only itself
        _ => None,
    }
}

/// Says whether what begins with a byte is read otherwise in another kind of text.
pub(super) fn depends_on_kind(byte: u8) -> bool {
    matches!(byte, b'+' | b'\n')
}

/// Reads what stands at a place, where that takes no list: the one or two characters that `%41`, `\t`, `\u0041` or `&#65;` say,
/// each with how many bytes of the text it covers. One is told twice. Returns none where there is nothing, more, or a reading
/// that says nothing or is open.
pub(super) fn read_simple(text: &[u8], at: usize) -> Option<[(u8, usize); 2]> {
    let byte = |value: u32| u8::try_from(value).ok().filter(|value| value.is_ascii() && !b"\n\r%".contains(value));
    match text[at..] {
        [b'%', ref digits @ ..] => {
            let value = u8::try_from(hex(digits, 2)?).ok().filter(|value| !b"\n\r%".contains(value))?;
            Some([(value, 3); 2])
        }
        [b'\\', b'u', ref digits @ ..] => Some([(b'u', 2), (byte(hex(digits, 4)?)?, 6)]),
        [b'&', b'#', ref number @ ..] => {
            let (digits, radix) = match *number {
                [b'x' | b'X', ref digits @ ..] => (digits, 16),
                _ => (number, 10),
            };
            let count = digits.iter().take(4).take_while(|digit| value_of(**digit) < radix).count();
            if count == 0 || digits.get(count) != Some(&b';') {
                return None;
            }
            let value = digits[..count].iter().fold(0, |value, digit| value * radix + value_of(*digit));
            let value = byte(value).filter(|value| *value != b'&')?;
            Some([(value, 3 + count + usize::from(radix == 16)); 2])
        }
        [b'\\', sign, ..] => {
            let says = match sign {
                b't' => b'\t',
                b's' => b' ',
                b'b' => 8,
                b'f' => 12,
                b'v' => 11,
                b'a' => 7,
                b'e' | b'E' => 0x1b,
                b'x' | b'U' | b'n' | b'r' | b'\n' | b'\\' | b'0'..=b'7' => return None,
                _ => sign,
            };
            Some([(sign, 2), (says, 2)])
        }
        _ => None,
    }
}

pub(super) fn hex(text: &[u8], digits: usize) -> Option<u32> {
    let text = text.get(..digits)?;
    let mut all = 0;
    for digit in text {
        let value = value_of(*digit);
        if value == NO_DIGIT {
            return None;
        }
        all = all << 4 | value;
    }
    Some(all)
}

const NO_DIGIT: u32 = u32::MAX;

/// What each byte is worth as a hexadecimal digit.
const DIGITS: [u32; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value as usize];
        digits[digit as usize] = value;
        digits[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    digits
};

fn value_of(digit: u8) -> u32 {
    DIGITS[usize::from(digit)]
}

/// Says whether more could make hexadecimal digits whole.
fn hex_open(text: &[u8], digits: usize) -> bool {
    text.len() < digits && text.iter().all(u8::is_ascii_hexdigit)
}

fn percent(text: &[u8], out: &mut Vec<Token>) -> Option<Open> {
    let mut open = None;
    let mut at = 1;
    if text.get(1) == Some(&b'%') {
        out.push(Token::byte(b'%', 2));
    }
    if text.get(1) == Some(&b'u') {
        match hex(&text[2..], 4) {
            Some(unit) => out.extend(Token::char(unit, 6)),
            None if hex_open(&text[2..], 4) => open = Some(Open::Any),
            None => {}
        }
    }
    // `%25` stands for `%`, so `%2541` may be `%41`
    for _ in 0..NESTED {
        match hex(&text[at..], 2) {
            Some(0x0d) => out.push(Token::nothing(at + 2)),
            Some(value) => out.push(Token::byte(narrow(value), at + 2)),
            None => {
                if hex_open(&text[at..], 2) {
                    open = Some(Open::Any);
                }
                break;
            }
        }
        if &text[at..at + 2] != b"25" {
            break;
        }
        at += 2;
    }
    open
}

fn narrow(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn backslash(text: &[u8], out: &mut Vec<Token>) -> Option<Open> {
    let run = text.iter().take(NESTED).take_while(|byte| **byte == b'\\').count();
    out.extend((2..=run).map(|length| Token::byte(b'\\', length)));
    let rest = &text[run..];
    let Some(&sign) = rest.first() else { return Some(Open::Any) };
    let short = |byte: u8| Token::byte(byte, run + 1);
    match sign {
        b'\\' => return None,
        b'\n' => {
            out.push(Token::nothing(run + 1));
            return None;
        }
        b'r' => out.push(Token::nothing(run + 1)),
        b'n' => out.push(short(b'\n')),
        b't' => out.push(short(b'\t')),
        b's' => out.push(short(b' ')),
        b'b' => out.push(short(8)),
        b'f' => out.push(short(12)),
        b'v' => out.push(short(11)),
        b'a' => out.push(short(7)),
        b'e' | b'E' => out.push(short(0x1b)),
        // the rest is below, or stands for itself
        _ => {}
    }
    out.push(short(sign));
    match sign {
        b'x' => {
            if let Some(value) = hex(&rest[1..], 2) {
                out.push(Token::byte(narrow(value), run + 3));
            }
            hex_open(&rest[1..], 2).then_some(Open::Any)
        }
        b'0'..=b'7' => {
            let digits = rest.iter().take(4).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            for length in 1..=digits {
                let value = rest[..length].iter().fold(0, |value, digit| value * 8 + u32::from(digit - b'0'));
                if value < 256 {
                    out.push(Token::byte(narrow(value), run + length));
                }
            }
            (digits == rest.len() && digits < 4).then_some(Open::Any)
        }
        b'u' => unicode(rest, run, out),
        b'U' => {
            if let Some(value) = hex(&rest[1..], 8) {
                out.extend(Token::char(value, run + 9));
            }
            hex_open(&rest[1..], 8).then_some(Open::Any)
        }
        _ => None,
    }
}

/// Reads what follows the `u` of `\u0041`, `\ud83c\udf89` or `\u{41}`.
fn unicode(text: &[u8], run: usize, out: &mut Vec<Token>) -> Option<Open> {
    let rest = &text[1..];
    if let Some(b'{') = rest.first() {
        let digits = rest[1..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        return match (rest.get(1 + digits), hex(&rest[1..], digits)) {
            (Some(b'}'), Some(value)) => {
                out.extend(Token::char(value, run + 3 + digits));
                None
            }
            (None, _) => Some(Open::Any),
            (Some(_), _) => None,
        };
    }
    let Some(first) = hex(rest, 4) else { return hex_open(rest, 4).then_some(Open::Any) };
    if !(0xd800..0xdc00).contains(&first) {
        out.extend(Token::char(first, run + 5));
        return None;
    }
    let rest = &rest[4..];
    let signs = rest.iter().take(NESTED).take_while(|byte| **byte == b'\\').count();
    match rest.get(signs) {
        None => Some(Open::Any),
        Some(b'u') if signs > 0 => {
            let second = &rest[signs + 1..];
            let low = hex(second, 4).filter(|low| (0xdc00..0xe000).contains(low));
            let whole = low.map(|low| 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00));
            out.extend(whole.and_then(|code| Token::char(code, run + 5 + signs + 5)));
            hex_open(second, 4).then_some(Open::Any)
        }
        Some(_) => None,
    }
}

fn doubled(text: &[u8], out: &mut Vec<Token>) -> Option<Open> {
    let sign = text[0];
    let spellings: &[(&[u8], u8)] = match sign {
        b'\'' => &[(b"''", b'\''), (b"'\\''", b'\''), (b"'\"'\"'", b'\'')],
        b'"' => &[(b"\"\"", b'"'), (b"\"'\"'\"", b'"')],
        b'`' => {
            let after = text.get(1).filter(|byte| byte.is_ascii_punctuation());
            out.extend(after.map(|byte| Token::byte(*byte, 2)));
            &[(b"``", b'`')]
        }
        b'$' => &[(b"$$", b'$')],
        b'}' => &[(b"}}", b'}')],
        b']' => &[(b"]]", b']')],
        // no other is one of them
        _ => &[],
    };
    let mut open = None;
    for (spelling, byte) in spellings {
        if text.starts_with(spelling) {
            out.push(Token::byte(*byte, spelling.len()));
        } else if spelling.starts_with(text) {
            open = Some(if sign == b'`' { Open::Any } else { Open::Only(*byte) });
        }
    }
    open
}

fn line_end(text: &[u8], kind: Kind, out: &mut Vec<Token>) -> Option<Open> {
    let blanks = text[1..].iter().take(SEQUENCE).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let ends = blanks + 1 == text.len();
    match kind {
        Kind::Text => {
            out.push(Token::byte(b'\n', 1));
            if blanks > 0 {
                out.push(Token::byte(b'\n', 1 + blanks));
            }
            ends.then_some(Open::Only(b'\n'))
        }
        Kind::Code => {
            out.push(Token::nothing(1 + blanks));
            ends.then_some(Open::After(WRAPPED))
        }
    }
}

/// Says whether a line's end stands so far from the beginning that what follows may belong to it.
pub(super) fn may_wrap(kind: Kind, byte: u8, depth: usize) -> bool {
    kind == Kind::Text || byte != b'\n' || depth >= WRAPPED
}

/// Reads `<U+200B>`.
fn code(text: &[u8], out: &mut Vec<Token>) -> Option<Open> {
    const HEAD: &[u8] = b"<U+";
    if text.len() < HEAD.len() {
        return HEAD.starts_with(text).then_some(Open::After(1));
    }
    let digits = text.strip_prefix(HEAD)?;
    let count = digits.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
    match digits.get(count) {
        None => return Some(Open::After(1)),
        Some(b'>') if count >= 4 => {}
        Some(_) => return None,
    }
    let length = HEAD.len() + count + 1;
    out.push(Token::nothing(length));
    let value = hex(digits, count)?;
    out.extend(Token::char(value, length));
    if value == 0x9b {
        return control_sequence(text, length, out);
    }
    None
}

/// The picture of a backspace.
const BACKSPACE: &[u8] = "\u{2408}".as_bytes();

/// Reads the picture of a control character, with the sequence that `␛` begins.
fn picture(text: &[u8], at: usize, out: &mut Vec<Token>) -> Option<Open> {
    let rest = &text[at..];
    match rest.get(1) {
        None => return Some(Open::After(1)),
        Some(0x90) => {}
        Some(_) => return None,
    }
    let control = match rest.get(2) {
        None => return Some(Open::After(1)),
        Some(last @ 0x80..=0x9f) => last - 0x80,
        Some(0xa1) => 0x7f,
        Some(_) => return None,
    };
    out.push(Token::nothing(3));
    out.push(Token::byte(control, 3));
    match control {
        // what was printed again over itself
        8 => {
            let before = text[..at].last()?;
            match rest.get(3) {
                None => Some(Open::After(1)),
                Some(again) if again == before => {
                    out.push(Token::nothing(4));
                    None
                }
                Some(_) => None,
            }
        }
        b'\r' => match rest.get(3) {
            None => Some(Open::After(1)),
            Some(b'\n') => {
                out.push(Token::nothing(4));
                None
            }
            Some(_) => None,
        },
        0x1b => match rest.get(3) {
            None => Some(Open::After(1)),
            Some(b'[') => control_sequence(rest, 4, out),
            Some(b']' | b'P' | b'X' | b'^' | b'_') => text_sequence(rest, out),
            Some(b' '..=b'/') => {
                if rest.len() > 4 {
                    out.push(Token::nothing(5));
                    None
                } else {
                    Some(Open::After(1))
                }
            }
            Some(0x30..=0x7e) => {
                out.push(Token::nothing(4));
                None
            }
            Some(_) => None,
        },
        // any other moves nothing by what follows
        _ => None,
    }
}

/// Reads parameters and the last byte of a control sequence, which begin at a place.
fn control_sequence(text: &[u8], from: usize, out: &mut Vec<Token>) -> Option<Open> {
    let rest = &text[from..];
    let length = rest.iter().take(SEQUENCE).take_while(|byte| (0x20..0x40).contains(*byte)).count();
    match rest.get(length) {
        None => Some(Open::After(1)),
        Some(0x40..=0x7e) => {
            out.push(Token::nothing(from + length + 1));
            None
        }
        Some(_) => None,
    }
}

/// Reads a text for the terminal, such as a title: up to the picture of BEL, or `␛\`.
fn text_sequence(text: &[u8], out: &mut Vec<Token>) -> Option<Open> {
    for end in 4..SEQUENCE {
        let Some(rest) = text.get(end..).filter(|rest| !rest.is_empty()) else { return Some(Open::After(1)) };
        for closing in ["\u{2407}".as_bytes(), "\u{241b}\\".as_bytes()] {
            if rest.starts_with(closing) {
                out.push(Token::nothing(end + closing.len()));
                return None;
            }
        }
        if rest[0] == b'\n' {
            return None;
        }
    }
    None
}

/// Reads a combining mark, U+0300 to U+036F, which only decorates.
fn mark(text: &[u8], out: &mut Vec<Token>) -> Option<Open> {
    match (text[0], text.get(1)) {
        (_, None) => return Some(Open::After(1)),
        (0xcc, Some(0x80..=0xbf)) | (0xcd, Some(0x80..=0xaf)) => out.push(Token::nothing(2)),
        (_, Some(_)) => {}
    }
    None
}
