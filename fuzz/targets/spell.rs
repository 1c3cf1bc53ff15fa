//! How programs write a secret: made here once more, apart from the masker, so that it does not judge itself.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A way to write a text.
pub(super) type Writer = fn(&str) -> String;

/// The ways, each that of a program that is in use.
pub(super) const WRITERS: &[Writer] = &[
    str::to_owned,
    |text| percent(text, |_| true, false),
    |text| percent(text, |_| true, true),
    |text| percent(text, |byte| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte), false),
    |text| percent(text, |byte| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte), true),
    |text| percent(text, |byte| !byte.is_ascii_alphanumeric() && !b"-._* ".contains(&byte), false).replace(' ', "+"),
    // JSON
    |text| {
        let written = serde_json::to_string(text).unwrap();
        written[1..written.len() - 1].replace("\\u007f", "\u{7f}")
    },
    |text| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
    |text| text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect(),
    // shells, SQL, markup
    |text| text.replace('\'', "'\\''"),
    |text| text.replace('\'', "''"),
    |text| text.replace('"', "\"\""),
    |text| text.chars().flat_map(|c| if "\"\\$`".contains(c) { vec!['\\', c] } else { vec![c] }).collect(),
    |text| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    |text| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        text.replace('"', "&quot;").replace('\'', "&#39;")
    },
    // digits
    |text| text.bytes().map(|byte| format!("{byte:02x}")).collect(),
    |text| text.bytes().map(|byte| format!("{byte:02X}")).collect(),
    |text| base64(text, 0, false),
    |text| base64(text, 1, false),
    |text| base64(text, 2, false),
    |text| base64(text, 0, true),
    |text| base64(text, 1, true),
    |text| base64(text, 2, true),
];

fn percent(text: &str, is_written: fn(u8) -> bool, small: bool) -> String {
    let mut written = String::new();
    for c in text.chars() {
        if c.is_ascii() && !is_written(c as u8) {
            written.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            written.push_str(&if small { format!("%{byte:02x}") } else { format!("%{byte:02X}") });
        }
    }
    written
}

/// The digits of base64 that are the same whatever stands around the text, with this many bytes before it.
fn base64(text: &str, before: usize, url: bool) -> String {
    let engine = if url { &URL_SAFE } else { &STANDARD };
    let code = |around: u8| {
        let mut bytes = vec![around; before];
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(&[around; 3]);
        engine.encode(bytes)
    };
    let (one, other) = (code(0x00), code(0xff));
    let alike: Vec<bool> = one.bytes().zip(other.bytes()).map(|(a, b)| a == b).collect();
    let first = alike.iter().position(|alike| *alike).unwrap_or(alike.len());
    let last = alike.iter().rposition(|alike| *alike).map_or(first, |last| last + 1);
    one[first..last].to_owned()
}

/// The texts of a secret that must not be seen: itself, without the blanks around it, and its lines.
pub(super) fn texts(secret: &str) -> Vec<String> {
    let mut texts = vec![secret.to_owned(), secret.trim().to_owned()];
    if secret.trim().contains('\n') {
        let lines =
            secret.lines().map(str::trim).filter(|line| !(line.starts_with("-----") && line.ends_with("-----")));
        texts.extend(lines.map(str::to_owned));
    }
    texts.retain(|text| text.chars().count() >= 4);
    texts.sort();
    texts.dedup();
    texts
}
