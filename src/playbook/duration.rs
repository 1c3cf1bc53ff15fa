//! Durations as a playbook writes them: `90s`, `1h30m`, `500ms`.
//!
//! One or more numbers with their units, the greatest unit first, each unit once.

use std::time::Duration;

const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration.
///
/// # Errors
/// A part of a sentence: what is wrong with the text.
pub fn parse(text: &str) -> Result<Duration, String> {
    let duration = parse_or_zero(text)?;
    if duration.is_zero() { Err("must be longer than nothing".to_owned()) } else { Ok(duration) }
}

/// Reads a duration that may be zero.
pub(super) fn parse_or_zero(text: &str) -> Result<Duration, String> {
    const FORM: &str = "must be a duration such as 30s, 5m or 1h30m";
    if text.is_empty() {
        return Err(FORM.to_owned());
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("needs a unit: {text}s, {text}m or {text}h"));
    }
    let mut millis: u64 = 0;
    let mut least = UNITS.len();
    let mut rest = text;
    let mut units = &UNITS[..];
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        if digits == 0 || letters == 0 {
            return Err(FORM.to_owned());
        }
        let Some(at) = UNITS.iter().position(|&(name, _)| name == unit) else {
            return Err(format!("has an unknown unit `{unit}`; the units are w, d, h, m, s, ms"));
        };
        let first = UNITS.len() - units.len();
        if at < first || least == at {
            return Err("must have the greatest unit first, and each once".to_owned());
        }
        least = at;
        units = &UNITS[at..];
        millis = number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(UNITS[at].1))
            .and_then(|n| n.checked_add(millis))
            // ten thousand years: beyond that, clocks overflow
            .filter(|&n| n <= 10_000 * 366 * 86_400_000)
            .ok_or_else(|| "is too long".to_owned())?;
        rest = after;
    }
    Ok(Duration::from_millis(millis))
}

/// Writes a duration as [`parse`] reads it.
#[must_use]
pub fn show(duration: Duration) -> String {
    let mut millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, size) in UNITS {
        let count = millis / u128::from(size);
        millis %= u128::from(size);
        if count > 0 {
            text.push_str(&count.to_string());
            text.push_str(unit);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_format_allows() {
        for (text, millis) in
            [("30s", 30_000), ("5m", 300_000), ("1h30m", 5_400_000), ("250ms", 250), ("1w1d", 691_200_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "5",
            "-5s",
            "+5s",
            "1.5h",
            "5 s",
            "s",
            "30m1h",
            "5s5s",
            "5x",
            "0s",
            "99999999999999999999s",
            "9999999999w",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shows_what_it_reads() {
        for text in ["30s", "5m", "1h30m", "250ms", "1w1d2h3m4s5ms"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }
}
