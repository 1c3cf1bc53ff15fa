//! The second search: whether a finished text holds a secret after all.
//!
//! It is there for what the masker may have missed, so it shares nothing with it, not even how it thinks: the masker looks for
//! what writers make of a secret, this undoes what writers do to any text, one layer after the other, and looks whether the
//! secret stands there plainly. It is slow and simple, and meant for reports, not for streams. What must stay true: it
//! says where, never what.
//!
//! A run that is closed has no vault any more, and nothing else knows its secrets: a search for them is then impossible, and
//! what remains is what looks like a secret by itself. That is why a run's report is masked when each record is written, not
//! when it is read.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::{Captures, Regex};
use unicode_normalization::UnicodeNormalization as _;

use super::Secret;

/// Where a text holds a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)
    }
}

/// How often what was decoded is decoded again.
const LAYERS: usize = 3;
/// How many lines are read as one: the most that a wrapped secret is expected to take.
const TOGETHER: usize = 4;
/// The fewest characters of a secret that is looked for across lines.
const WRAPPED: usize = 8;

/// Looks for secrets in a finished text, and for what looks like one though nobody knows it.
///
/// # Errors
/// When the rules of this search are no regular expressions, which its tests exclude: a sentence.
pub fn search(text: &str, secrets: &[Secret]) -> Result<Option<Place>, String> {
    let rules = Rules::new().map_err(|error| format!("the search for secrets cannot be made: {error}"))?;
    let mut wanted: Vec<String> = Vec::new();
    for secret in secrets {
        let whole = secret.expose().trim();
        let lines = whole.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
        for text in std::iter::once(whole).chain(lines) {
            let plain = plain(text);
            if text.chars().count() >= Secret::SHORTEST && plain.chars().count() >= Secret::SHORTEST {
                wanted.push(plain);
            }
        }
    }
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        if rules.looks_secret(line) {
            return Ok(Some(Place { line: number + 1 }));
        }
        if wanted.is_empty() {
            continue;
        }
        if rules.holds(line, &wanted) {
            return Ok(Some(Place { line: number + 1 }));
        }
    }
    // Short ones would be found where one line ends and another begins.
    wanted.retain(|text| text.chars().count() >= WRAPPED);
    for (number, together) in lines.windows(TOGETHER.min(lines.len().max(1))).enumerate() {
        let joined: String = together.iter().map(|line| line.trim()).collect();
        if !wanted.is_empty() && rules.holds(&joined, &wanted) {
            let first = (0..together.len()).rev().find(|first| {
                let joined: String = together[*first..].iter().map(|line| line.trim()).collect();
                rules.holds(&joined, &wanted)
            });
            return Ok(Some(Place { line: number + first.unwrap_or_default() + 1 }));
        }
    }
    Ok(None)
}

/// Leaves what cannot be written in two ways: no marks, no signs of quoting, nothing that is not seen.
fn plain(text: &str) -> String {
    let is_mark = |c: char| {
        matches!(u32::from(c), 0x300..=0x36f | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x2064)
            || matches!(u32::from(c), 0xad | 0xfeff | 0xfe00..=0xfe0f | 0xe0000..=0xe007f | 0x2400..=0x2421)
    };
    let drops = |c: char| c.is_control() || "\\'\"`".contains(c) || is_mark(c);
    text.nfd().filter(|c| !drops(*c)).map(|c| if c == '+' { ' ' } else { c }).collect()
}

/// How texts are decoded, and what looks like a secret.
struct Rules {
    percent: Regex,
    hex: Regex,
    unit: Regex,
    octal: Regex,
    entity: Regex,
    signs: Regex,
    base64: Regex,
    bytes: Regex,
    looks: Vec<Regex>,
}

impl Rules {
    fn new() -> Result<Self, regex::Error> {
        let looks = [
            r"\b(gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{22}|glpat-[0-9A-Za-z_-]{20})",
            r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
            r"\b(xox[abeprs]-[0-9A-Za-z-]{20}|sk_live_[0-9A-Za-z]{16}|do[opr]_v1_[0-9a-f]{32}|npm_[0-9A-Za-z]{36})",
            r"\b(AVNS_[0-9A-Za-z_-]{12}|hvs\.[0-9A-Za-z_-]{20}|AGE-SECRET-KEY-1[0-9A-Z]{40})",
            r"\beyJ[0-9A-Za-z_-]{14,}\.eyJ[0-9A-Za-z_-]+",
            r#"://[^\s/?#@:"<>]*:[^\s/?#@"<>$\{\[(*][^\s/?#@"<>]*@"#,
        ];
        Ok(Self {
            percent: Regex::new("%([0-9A-Fa-f]{2})")?,
            hex: Regex::new(r"\\+x([0-9A-Fa-f]{2})")?,
            unit: Regex::new(r"\\+u\{?([0-9A-Fa-f]{4,6})\}?(?:\\+u([dD][c-fC-F][0-9A-Fa-f]{2}))?")?,
            octal: Regex::new(r"\\+([0-7]{3})")?,
            entity: Regex::new("&(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);")?,
            signs: Regex::new(r"<U\+[0-9A-F]{4,6}>|(?:\x1b|␛)\[[0-?]*[ -/]*[@-~]")?,
            base64: Regex::new("[0-9A-Za-z+/_-]{6,}")?,
            bytes: Regex::new("[0-9A-Fa-f]{2}(?:[ :-]?[0-9A-Fa-f]{2}){3,}")?,
            looks: looks.iter().map(|rule| Regex::new(rule)).collect::<Result<_, _>>()?,
        })
    }

    fn looks_secret(&self, line: &str) -> bool {
        self.looks.iter().any(|rule| rule.is_match(line))
    }

    /// Undoes layer after layer, and says whether a secret stands in any.
    fn holds(&self, text: &str, wanted: &[String]) -> bool {
        let mut known = BTreeSet::from([text.to_owned()]);
        let mut layer = vec![text.to_owned()];
        for _ in 0..=LAYERS {
            let mut next = Vec::new();
            for text in &layer {
                let plain = plain(text);
                if wanted.iter().any(|wanted| plain.contains(wanted.as_str())) {
                    return true;
                }
                for text in self.decoded(text) {
                    if known.insert(text.clone()) {
                        next.push(text);
                    }
                }
            }
            layer = next;
        }
        false
    }

    /// Decodes a text in every way that changes it.
    fn decoded(&self, text: &str) -> Vec<String> {
        let number = |digits: &str, radix| u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
        let byte = |digits: &str, radix| u8::try_from(number(digits, radix)).unwrap_or(b'?');
        let mut all = vec![self.signs.replace_all(text, "").into_owned()];
        for (rule, radix) in [(&self.percent, 16), (&self.hex, 16), (&self.octal, 8)] {
            all.push(replaced(rule, text, |found| vec![byte(&found[1], radix)]));
        }
        all.push(replaced(&self.unit, text, |found| {
            let first = number(&found[1], 16);
            let second = found.get(2).map(|low| number(low.as_str(), 16));
            let code = match second {
                Some(low) if (0xd800..0xdc00).contains(&first) => 0x10000 + ((first & 0x3ff) << 10) + (low & 0x3ff),
                Some(_) | None => first,
            };
            char::from_u32(code).unwrap_or('?').to_string().into_bytes()
        }));
        all.push(replaced(&self.entity, text, |found| {
            let c = match &found[1] {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                numeric => {
                    let digits = numeric.trim_start_matches('#');
                    let hex = digits.trim_start_matches(['x', 'X']);
                    let code = if hex == digits { number(digits, 10) } else { number(hex, 16) };
                    char::from_u32(code).unwrap_or('?')
                }
            };
            c.to_string().into_bytes()
        }));
        // doubled signs, single
        for sign in ['%', '$', '}', ']'] {
            all.push(text.replace(&format!("{sign}{sign}"), &sign.to_string()));
        }
        for found in self.base64.find_iter(text) {
            all.extend(from_base64(found.as_str()));
        }
        for found in self.bytes.find_iter(text) {
            let digits: String = found.as_str().chars().filter(char::is_ascii_hexdigit).collect();
            let bytes: Vec<u8> =
                digits.as_bytes().chunks(2).map(|pair| byte(&String::from_utf8_lossy(pair), 16)).collect();
            all.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        all.retain(|other| other != text);
        all
    }
}

/// Decodes a word from each of its first four digits on: what stands before a secret need not be base64.
fn from_base64(word: &str) -> Vec<String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let mut all = Vec::new();
    for alphabet in [&STANDARD, &URL_SAFE] {
        let engine = GeneralPurpose::new(alphabet, config);
        for skipped in 0..4 {
            let digits = word.get(skipped..).unwrap_or_default();
            let whole = digits.len() - usize::from(digits.len() % 4 == 1);
            if let Ok(bytes) = engine.decode(&digits[..whole]) {
                all.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    all
}

/// Replaces what a rule finds by bytes, and reads the whole as text.
fn replaced(rule: &Regex, text: &str, with: impl Fn(&Captures<'_>) -> Vec<u8>) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    for found in rule.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        bytes.extend_from_slice(&text.as_bytes()[at..whole.start()]);
        bytes.extend(with(&found));
        at = whole.end();
    }
    bytes.extend_from_slice(&text.as_bytes()[at..]);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, secret: &str) -> Option<usize> {
        search(text, &[Secret::new(secret.to_owned())]).unwrap().map(|place| place.line)
    }

    #[test]
    fn finds_a_secret_under_its_layers_and_says_where() {
        let secret = "CANARY/p@ss 'w0rd\"";
        let hex: String = secret
            .bytes()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect();
        for line in [
            "CANARY/p@ss 'w0rd\"",
            "CANARY%2Fp%40ss%20%27w0rd%22",
            "CANARY%252Fp%2540ss%2520%2527w0rd%2522",
            "CANARY\\/p@ss 'w0rd\\\"",
            "\\u0043\\u0041NARY/p@ss 'w0rd\\\"",
            "CANARY/p@ss &#39;w0rd&quot;",
            "CANARY/p@ss '\\''w0rd\"",
            "x Q0FOQVJZL3BAc3MgJ3cwcmQi x",
            "dXNlcjpDQU5BUlkvcEBzcyAndzByZCI=",
            hex.as_str(),
            "CAN\u{1b}[31mARY/p@\u{1b}[0mss 'w0rd\"",
            "CAN<U+200B>ARY/p@ss 'w0rd\"",
            "CAN\u{200b}ARY/p@ss 'w0rd\"",
        ] {
            let text = format!("# Record\n\nfine\n{line}\nfine\n");
            assert_eq!(found(&text, secret), Some(4), "{line}");
        }
        assert_eq!(found("# Record\n\nfine\nQ0FOQVJZL3BAc3Mg\n  J3cwcmQi\n", secret), Some(4));
        assert_eq!(found("# Record\n\nfine\nCANARY\nfine\n", secret), None);
    }

    #[test]
    fn finds_what_nobody_registered_and_leaves_the_rest() {
        for line in [
            "see postgres://doadmin:CANARY-x@localhost/db",
            "token ghp_CANARYCANARYCANARYCANARYCANARY012345",
            "AKIACANARYCANARY0123",
        ] {
            assert_eq!(search(&format!("a\n{line}\n"), &[]).unwrap(), Some(Place { line: 2 }), "{line}");
        }
        let text =
            "postgres://doadmin@localhost:25060/db postgres://u:[secret]@h ${PASSWORD} 3f2a9c\npassword: asked\n";
        assert_eq!(search(text, &[Secret::new("CANARY-secret".to_owned())]).unwrap(), None);
    }
}
