//! The forms in which a secret appears in outputs.
//!
//! Each is a whole text that is searched for as it stands, so what must stay true is only that each writer we know of is
//! here. Characters escaped in a mixture that no writer makes are not found.

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// One form, wiped when dropped.
type Form = Zeroizing<Vec<u8>>;

/// Adds all forms of a secret, of each of its lines, and of the secret without the blanks around it.
pub(super) fn add(secret: &str, forms: &mut Vec<Form>) {
    let mut texts = vec![secret, secret.trim()];
    if secret.trim().contains('\n') {
        texts.extend(secret.lines().map(str::trim).filter(|line| !is_armor(line)));
    }
    texts.retain(|text| text.chars().count() >= Secret::SHORTEST);
    texts.dedup();
    for text in texts {
        add_text(text, forms);
    }
}

/// Says whether a line is `-----BEGIN …-----` or `-----END …-----`, which is no secret.
fn is_armor(line: &str) -> bool {
    line.starts_with("-----") && line.ends_with("-----")
}

fn add_text(text: &str, forms: &mut Vec<Form>) {
    let mut keep = |form: String| forms.push(Zeroizing::new(form.into_bytes()));
    keep(text.to_owned());
    if text.contains('\n') {
        let unix = text.replace("\r\n", "\n");
        keep(unix.replace('\n', "\r\n"));
        keep(unix);
    }
    for kept in PERCENT {
        for digits in [UPPER, LOWER] {
            keep(percent(text, *kept, digits, "%20"));
            keep(percent(text, *kept, digits, "+"));
        }
    }
    for escaped in JSON {
        for digits in [UPPER, LOWER] {
            keep(json(text, *escaped, digits, "/"));
            keep(json(text, *escaped, digits, "\\/"));
        }
    }
    for quoted in QUOTED {
        keep(quoted(text));
    }
    for digits in [UPPER, LOWER] {
        keep(text.bytes().flat_map(|byte| hex(byte, digits)).collect());
    }
    for skipped in 0..3 {
        keep(base64(text, skipped, &STANDARD_NO_PAD));
        keep(base64(text, skipped, &URL_SAFE_NO_PAD));
    }
}

/// Hexadecimal digits, capital or small.
type Digits = &'static [u8; 16];
const UPPER: Digits = b"0123456789ABCDEF";
const LOWER: Digits = b"0123456789abcdef";

fn hex(byte: u8, digits: Digits) -> [char; 2] {
    [byte >> 4, byte & 15].map(|value| char::from(digits[usize::from(value)]))
}

/// Which characters are left as they are, or are escaped.
type Chosen = fn(char) -> bool;

/// What percent-encoders leave as it is; the blank is written both ways with each.
const PERCENT: &[Chosen] = &[
    // nothing
    |_| false,
    // RFC 3986's unreserved, as runsheet itself and most libraries do
    |c| unreserved(c),
    // forms: no tilde, but the star
    |c| c.is_ascii_alphanumeric() || "-._*".contains(c),
    // Python's `quote`
    |c| unreserved(c) || c == '/',
    // JavaScript's `encodeURIComponent`
    |c| unreserved(c) || "!'()*".contains(c),
    // JavaScript's `encodeURI`
    |c| unreserved(c) || "!'()*;/?:@&=+$,#".contains(c),
    // Go's path segments
    |c| unreserved(c) || "$&+=:@".contains(c),
    // Go's user information
    |c| unreserved(c) || "$&+,;=".contains(c),
    // RFC 3986's user information, and path segments
    |c| unreserved(c) || "!$&'()*+,;=".contains(c),
    |c| unreserved(c) || "!$&'()*+,;=:@".contains(c),
    // the URL standard's user information, path and query
    |c| c.is_ascii_graphic() && !"\"#<>?`{}/:;=@[\\]^|".contains(c),
    |c| c.is_ascii_graphic() && !"\"#<>?`{}".contains(c),
    |c| c.is_ascii_graphic() && !"\"#<>'".contains(c),
    // whoever encodes only what would break his own URL
    |c| c.is_ascii_graphic() && !"%#?/@:".contains(c),
];

fn unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(c)
}

fn percent(text: &str, kept: Chosen, digits: Digits, blank: &str) -> String {
    let mut form = String::with_capacity(3 * text.len());
    let mut bytes = [0; 4];
    for c in text.chars() {
        if c == ' ' {
            form.push_str(blank);
        } else if kept(c) {
            form.push(c);
        } else {
            for byte in c.encode_utf8(&mut bytes).bytes() {
                form.push('%');
                form.extend(hex(byte, digits));
            }
        }
    }
    form
}

/// What JSON writers write as `\uXXXX` although they need not.
const JSON: &[Chosen] = &[
    |_| false,
    |_| true,
    |c| !c.is_ascii(),
    // Go
    |c| "<>&\u{2028}\u{2029}".contains(c),
    |c| "<>&".contains(c) || !c.is_ascii(),
    // Ruby on Rails, PHP with all its flags
    |c| "<>&'".contains(c),
    |c| "<>&'\"".contains(c) || !c.is_ascii(),
    // .NET
    |c| "<>&'\"+`".contains(c) || !c.is_ascii(),
    // Gson
    |c| "<>&='".contains(c),
];

fn json(text: &str, escaped: Chosen, digits: Digits, slash: &str) -> String {
    let mut form = String::with_capacity(6 * text.len());
    for c in text.chars() {
        let short = match c {
            _ if escaped(c) => None,
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '\n' => Some("\\n"),
            '\r' => Some("\\r"),
            '\t' => Some("\\t"),
            '\u{8}' => Some("\\b"),
            '\u{c}' => Some("\\f"),
            '/' => Some(slash),
            // all the other characters there are
            _ => None,
        };
        if let Some(short) = short {
            form.push_str(short);
        } else if escaped(c) || c < ' ' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                form.push_str("\\u");
                form.extend(unit.to_be_bytes().iter().flat_map(|byte| hex(*byte, digits)));
            }
        } else {
            form.push(c);
        }
    }
    form
}

/// How shells, SQL and markup write it.
const QUOTED: &[fn(&str) -> String] = &[
    // within the shell's single quotes
    |text| text.replace('\'', r"'\''"),
    |text| text.replace('\'', r#"'"'"'"#),
    // within the shell's double quotes
    |text| before(text, "\"\\$`", '\\'),
    // the shell's `printf %q`
    |text| before(text, " !\"#$&'()*,;<>?[\\]^`{|}~\t", '\\'),
    |text| before(text, " !\"$&'()*,;<>?[\\]^`{|}", '\\'),
    // $'…', and string literals of most languages
    |text| before(text, "'\\", '\\').replace('\n', "\\n").replace('\t', "\\t"),
    |text| before(text, "'\"\\", '\\').replace('\n', "\\n").replace('\t', "\\t"),
    // SQL, YAML, CSV
    |text| text.replace('\'', "''"),
    |text| text.replace('"', "\"\""),
    |text| text.replace('\'', "''").replace('\\', "\\\\"),
    // XML and HTML
    |text| markup(text, "&quot;", "&apos;"),
    |text| markup(text, "&quot;", "&#39;"),
    |text| markup(text, "&quot;", "&#x27;"),
    |text| markup(text, "&#34;", "&#39;"),
    |text| markup(text, "\"", "'"),
    |text| markup(text, "&quot;", "'"),
];

/// Puts a sign before each of some characters.
fn before(text: &str, some: &str, sign: char) -> String {
    let mut form = String::with_capacity(2 * text.len());
    for c in text.chars() {
        if some.contains(c) {
            form.push(sign);
        }
        form.push(c);
    }
    form
}

fn markup(text: &str, double: &str, single: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', double).replace('\'', single)
}

/// Base64 of a longer text in which the secret stands after `skipped` bytes, or three more each time: the digits that
/// depend on nothing but the secret.
fn base64(text: &str, skipped: usize, engine: &impl base64::Engine) -> String {
    let mut bytes = Zeroizing::new(vec![0; skipped]);
    bytes.extend_from_slice(text.as_bytes());
    let mut form = engine.encode(&*bytes);
    form.truncate(bytes.len() * 8 / 6);
    form.drain(..(skipped * 8).div_ceil(6));
    form
}
