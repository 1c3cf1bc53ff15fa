//! How a text can be read back: each reader undoes one way of writing, leniently, wherever it can.
//!
//! They judge whether there was a reason to mask something, so what no program writes may be read too.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Everything that a text can be read as. With each, how many bytes at both ends of a secret may be lost in it.
pub(super) fn readings(text: &str) -> Vec<(String, usize)> {
    let mut readings: Vec<String> = vec![text.to_owned()];
    for quotes in [("''", "'"), ("\"\"", "\""), ("'\\''", "'"), ("'\"'\"'", "'")] {
        readings.push(text.replace(quotes.0, quotes.1));
    }
    readings.push(entities(text));
    let backslashes: Vec<String> = readings.iter().map(|reading| escapes(reading)).collect();
    readings.extend(backslashes);
    readings.push(percent(text));
    readings.push(percent(&text.replace('+', " ")));
    let mut readings: Vec<(String, usize)> = readings.into_iter().map(|reading| (reading, 0)).collect();
    readings.extend([hex(text, 0), hex(text, 1)].map(|reading| (reading, 0)));
    readings.extend((0..4).map(|skipped| (base64(text, skipped), 2)));
    readings
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn percent(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut read = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| digits(bytes.get(at + 1..at + 3)?)).flatten();
        read.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    lossy(&read)
}

fn hex(text: &str, skipped: usize) -> String {
    let bytes = text.as_bytes().get(skipped..).unwrap_or_default();
    lossy(&bytes.chunks(2).map(|pair| digits(Some(pair)).unwrap_or(b'?')).collect::<Vec<u8>>())
}

fn digits<'a>(pair: impl Into<Option<&'a [u8]>>) -> Option<u8> {
    let pair = std::str::from_utf8(pair.into()?).ok()?;
    if pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        u8::from_str_radix(pair, 16).ok()
    } else {
        None
    }
}

fn base64(text: &str, skipped: usize) -> String {
    let engine = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let mut code: String = text
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other, // what is no digit is left out below
        })
        .filter(|c| c.is_ascii_alphanumeric() || "+/".contains(*c))
        .skip(skipped)
        .collect();
    if code.len() % 4 == 1 {
        code.pop();
    }
    lossy(&engine.decode(code).unwrap_or_default())
}

fn entities(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#34;", "\""),
    ];
    let read = named.iter().fold(text.to_owned(), |text, (name, c)| text.replace(name, c));
    read.replace("&amp;", "&")
}

fn escapes(text: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let Some(next) = rest.chars().next().filter(|_| c == '\\') else {
            put(c, &mut units);
            continue;
        };
        rest = &rest[next.len_utf8()..];
        let code = (next == 'u').then(|| u16::from_str_radix(rest.get(..4)?, 16).ok()).flatten();
        match (next, code) {
            (_, Some(code)) => {
                units.push(code);
                rest = &rest[4..];
            }
            ('n', _) => put('\n', &mut units),
            ('r', _) => put('\r', &mut units),
            ('t', _) => put('\t', &mut units),
            ('b', _) => put('\u{8}', &mut units),
            ('f', _) => put('\u{c}', &mut units),
            (other, _) => put(other, &mut units),
        }
    }
    String::from_utf16_lossy(&units)
}

fn put(c: char, units: &mut Vec<u16>) {
    units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
}
