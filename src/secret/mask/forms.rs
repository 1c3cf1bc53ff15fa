//! What is searched for, for one secret.
//!
//! | | as it stands | in any spelling |
//! | --- | --- | --- |
//! | the secret; without the blanks around it; each of its lines; the password within it, where it is an address; all in NFC and NFD | yes | yes |
//! | any eight characters of it in a row that look random | yes | |
//! | hexadecimal and decimal bytes, with what dumps put between them | yes | |
//! | base64 at its three offsets, both alphabets; also of the percent-encoded, JSON and base64 text | yes | yes |
//! | the same without its first digits, which stand before a line's end where it is wrapped | yes | yes |
//!
//! What must stay true: whatever is searched for in any spelling is also searched for as it stands.

use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::index::Form;
use crate::secret::Secret;

/// All that is searched for.
#[derive(Default)]
pub(super) struct Forms {
    /// As it stands.
    pub(super) plain: Vec<Form>,
    /// In any spelling.
    pub(super) texts: Vec<Zeroizing<Vec<u8>>>,
    /// Base64, in any spelling.
    pub(super) codes: Vec<Zeroizing<Vec<u8>>>,
}

/// The longest secret whose bytes are looked for as numbers.
const DUMPED: usize = 4096;
/// The characters of a part that is a secret by itself.
const PART: usize = 8;
/// The most digits that a line's end leaves on the line before without their telling that something goes on.
const WRAPPED: usize = 3;

/// RFC 3986's unreserved characters stay.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Forms {
    /// Adds all forms of a secret.
    pub(super) fn add(&mut self, secret: &str) {
        let secret = Zeroizing::new(secret.replace("\r\n", "\n"));
        let mut texts: Vec<Zeroizing<String>> = Vec::new();
        let mut keep = |text: &str| {
            let long = text.chars().count() >= Secret::SHORTEST;
            if long && texts.iter().all(|known| known.as_str() != text) {
                texts.push(Zeroizing::new(text.to_owned()));
            }
        };
        let trimmed = secret.trim();
        keep(trimmed);
        keep(&secret);
        if trimmed.contains('\n') {
            trimmed.lines().map(str::trim).filter(|line| !is_armor(line)).for_each(&mut keep);
        }
        if let Some(password) = password(trimmed) {
            keep(&password);
            keep(&Zeroizing::new(percent_decode_str(&password).decode_utf8_lossy().into_owned()));
        }
        if !secret.is_ascii() {
            for text in [trimmed.nfc().collect::<String>(), trimmed.nfd().collect()].map(Zeroizing::new) {
                keep(&text);
            }
        }
        for text in &texts {
            self.add_text(text);
        }
    }

    fn add_text(&mut self, text: &str) {
        self.plain.push(Form::text(text.as_bytes()));
        self.texts.push(Zeroizing::new(text.as_bytes().to_vec()));
        self.add_parts(text);
        if text.len() <= DUMPED {
            self.add_dumps(text.as_bytes());
        }
        self.add_base64(text, WRAPPED);
        let percent = Zeroizing::new(utf8_percent_encode(text, UNRESERVED).to_string());
        let json = Zeroizing::new(serde_json::to_string(text).unwrap_or_default());
        let json = json.trim_matches('"');
        let twice = Zeroizing::new(base64::Engine::encode(&STANDARD, text));
        for encoded in [percent.as_str(), json, twice.as_str()] {
            if encoded != text {
                self.add_base64(encoded, 0);
            }
        }
    }

    /// Adds each eight characters in a row that look random: a secret is printed in part by who wants to show that it is there.
    fn add_parts(&mut self, text: &str) {
        // an address, a sentence: what others may write too
        if text.contains("://") || text.contains(char::is_whitespace) {
            return;
        }
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        for ends in places.windows(PART + 1) {
            let part = &text[ends[0]..ends[PART]];
            if looks_random(part) {
                self.plain.push(Form::text(part.as_bytes()));
            }
        }
    }

    /// Adds the bytes as numbers, as `xxd`, `od`, `openssl` and debuggers write them.
    fn add_dumps(&mut self, text: &[u8]) {
        let mut keep = |form: String| self.plain.push(Form::text(Zeroizing::new(form).as_bytes()));
        for digits in [UPPER, LOWER] {
            for between in ["", ":", " ", "-", ", 0x", ",0x"] {
                keep(joined(text.iter().map(|byte| hex(*byte, digits)), between));
            }
            keep(joined(text.chunks(2).map(|pair| pair.iter().map(|byte| hex(*byte, digits)).collect()), " "));
        }
        for between in [" ", ",", ", "] {
            keep(joined(text.iter().map(u8::to_string), between));
        }
    }

    fn add_base64(&mut self, text: &str, wrapped: usize) {
        for skipped in 0..3 {
            for form in [base64(text, skipped, &STANDARD_NO_PAD), base64(text, skipped, &URL_SAFE_NO_PAD)] {
                for dropped in 0..=wrapped {
                    // a few digits would be found in any word
                    let Some(form) = form.get(dropped..).filter(|form| form.len() >= 4 + dropped) else { continue };
                    self.plain.push(Form::code(form.as_bytes()));
                    self.codes.push(Zeroizing::new(form.as_bytes().to_vec()));
                }
            }
        }
    }
}

/// Says whether a line is `-----BEGIN …-----` or `-----END …-----`, which is no secret.
fn is_armor(line: &str) -> bool {
    line.starts_with("-----") && line.ends_with("-----")
}

/// Returns the password of an address, as it stands there.
fn password(text: &str) -> Option<Zeroizing<String>> {
    let (_, rest) = text.split_once("://")?;
    let rest = rest.split(['/', '?', '#']).next()?;
    let (user, _) = rest.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    Some(Zeroizing::new(password.to_owned()))
}

/// Says whether characters are no word that others would write: letters with digits, or capital and small ones but for a
/// capital at the beginning.
fn looks_random(part: &str) -> bool {
    let has = |is: fn(char) -> bool| part.chars().any(is);
    let letters = has(char::is_alphabetic);
    let digits = has(|c| c.is_ascii_digit());
    let capital_within = part.chars().skip(1).any(char::is_uppercase);
    part.chars().all(|c| !c.is_control()) && letters && (digits || capital_within && has(char::is_lowercase))
}

/// Hexadecimal digits, capital or small.
type Digits = &'static [u8; 16];
const UPPER: Digits = b"0123456789ABCDEF";
const LOWER: Digits = b"0123456789abcdef";

fn hex(byte: u8, digits: Digits) -> String {
    [byte >> 4, byte & 15].map(|value| char::from(digits[usize::from(value)])).iter().collect()
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    let mut form = String::new();
    for (number, part) in parts.enumerate() {
        if number > 0 {
            form.push_str(between);
        }
        form.push_str(&part);
    }
    form
}

/// Base64 of a longer text in which the secret stands after `skipped` bytes, or three more each time: the digits that
/// depend on nothing but the secret.
fn base64(text: &str, skipped: usize, engine: &impl base64::Engine) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(vec![0; skipped]);
    bytes.extend_from_slice(text.as_bytes());
    let mut form = Zeroizing::new(engine.encode(&*bytes));
    form.truncate(bytes.len() * 8 / 6);
    form.drain(..(skipped * 8).div_ceil(6));
    form
}
