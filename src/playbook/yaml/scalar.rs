//! What the core schema of YAML 1.2 takes a plain scalar for.

use super::{Scalar, ScalarKind};

/// Decides what a plain scalar is.
pub(crate) fn resolve(text: &str) -> ScalarKind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => ScalarKind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => ScalarKind::Boolean,
        _ if is_integer(text) => ScalarKind::Integer,
        _ if is_float(text) => ScalarKind::Float,
        _ => ScalarKind::Text,
    }
}

fn is_integer(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let exponent_ok = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    mantissa_ok && exponent_ok
}

/// Reads a whole number; none when it is too large.
pub(super) fn integer(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).ok();
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok();
    }
    text.parse().ok()
}

/// Reads a finite number.
pub(super) fn number(scalar: &Scalar) -> Option<f64> {
    match scalar.kind {
        ScalarKind::Integer => {
            let plain = !scalar.text.starts_with("0o") && !scalar.text.starts_with("0x");
            #[expect(clippy::cast_precision_loss, reason = "numbers to compare with; no one counts beyond 2^53 here")]
            if plain { scalar.text.parse().ok() } else { integer(&scalar.text).map(|n| n as f64) }
        }
        ScalarKind::Float => scalar.text.parse().ok().filter(|n: &f64| n.is_finite()),
        ScalarKind::Null | ScalarKind::Boolean | ScalarKind::Text => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_scalars_as_the_core_schema_does() {
        for (text, kind) in [
            ("", ScalarKind::Null),
            ("~", ScalarKind::Null),
            ("null", ScalarKind::Null),
            ("true", ScalarKind::Boolean),
            ("yes", ScalarKind::Text),
            ("on", ScalarKind::Text),
            ("0640", ScalarKind::Integer),
            ("0o17", ScalarKind::Integer),
            ("0x1F", ScalarKind::Integer),
            ("-3", ScalarKind::Integer),
            ("1_000", ScalarKind::Text),
            ("1.5", ScalarKind::Float),
            ("1e3", ScalarKind::Float),
            (".5", ScalarKind::Float),
            ("1.", ScalarKind::Float),
            (".", ScalarKind::Text),
            ("e3", ScalarKind::Text),
            (".inf", ScalarKind::Float),
            ("2.1.0", ScalarKind::Text),
            ("1:30", ScalarKind::Text),
            ("2026-01-01", ScalarKind::Text),
        ] {
            assert_eq!(resolve(text), kind, "{text}");
        }
    }

    #[test]
    fn reads_whole_numbers() {
        assert_eq!(integer("0640"), Some(640));
        assert_eq!(integer("0o17"), Some(15));
        assert_eq!(integer("+3"), Some(3));
        assert_eq!(integer("99999999999999999999"), None);
    }
}
