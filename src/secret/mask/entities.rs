//! Entities of XML and HTML: `&lt;`, `&#60;`, `&#x3c;`, and these with `&amp;` for their `&`.

use super::tokens::{NESTED, Open, Token, hex};

/// The names of HTML for the signs of ASCII, and of XML.
const NAMES: [(&[u8], u8); 39] = [
    (b"amp", b'&'),
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"AMP", b'&'),
    (b"LT", b'<'),
    (b"GT", b'>'),
    (b"QUOT", b'"'),
    (b"Tab", b'\t'),
    (b"NewLine", b'\n'),
    (b"excl", b'!'),
    (b"num", b'#'),
    (b"dollar", b'$'),
    (b"percnt", b'%'),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"ast", b'*'),
    (b"midast", b'*'),
    (b"plus", b'+'),
    (b"comma", b','),
    (b"period", b'.'),
    (b"sol", b'/'),
    (b"colon", b':'),
    (b"semi", b';'),
    (b"equals", b'='),
    (b"quest", b'?'),
    (b"commat", b'@'),
    (b"lsqb", b'['),
    (b"lbrack", b'['),
    (b"bsol", b'\\'),
    (b"rsqb", b']'),
    (b"rbrack", b']'),
    (b"Hat", b'^'),
    (b"lowbar", b'_'),
    (b"grave", b'`'),
    (b"lbrace", b'{'),
    (b"verbar", b'|'),
    (b"rbrace", b'}'),
];

/// Adds the readings of an entity, and of those whose `&` is one itself. Says what may still come.
pub(super) fn entity(text: &[u8], out: &mut Vec<Token>) -> Option<Open> {
    let mut at = 1;
    for _ in 0..NESTED {
        let rest = &text[at..];
        // the longest are `NewLine` and seven digits after `#x`
        let length = rest.iter().take(10).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
        let name = &rest[..length];
        match rest.get(length) {
            None => return Some(Open::Any),
            Some(b';') => {}
            Some(_) => return None,
        }
        let value = match name {
            [b'#', b'x' | b'X', digits @ ..] => hex(digits, digits.len()).filter(|_| !digits.is_empty()),
            [b'#', digits @ ..] => std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
            _ => NAMES.iter().find(|(known, _)| *known == name).map(|(_, byte)| u32::from(*byte)),
        };
        let end = at + length + 1;
        match value {
            Some(0x0d) => out.push(Token::nothing(end)),
            Some(value) => out.extend(Token::char(value, end)),
            None => {}
        }
        if value != Some(u32::from(b'&')) {
            return None;
        }
        at = end;
    }
    None
}
