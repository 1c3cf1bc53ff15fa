//! Takes values out of an answer: by JSON pointer, by regular expression, or the trimmed whole.
//!
//! It reads the raw text, before anything is masked. What it says when there is nothing to take shows no text.

use serde_json::Value;

use crate::playbook::plan::{Capture, CaptureHow};
use crate::secret::Secret;

/// Takes one value.
///
/// # Errors
/// A sentence when there is none.
pub(crate) fn take(capture: &Capture, text: &str) -> Result<Secret, String> {
    let name = &capture.name;
    let value = match &capture.how {
        CaptureHow::Whole => text.trim().to_owned(),
        CaptureHow::Regex(pattern) => {
            let found = pattern
                .captures(text)
                .ok_or_else(|| format!("{name} was not captured: nothing in the output matches {pattern}"))?;
            let group = if found.len() > 1 { found.get(1) } else { found.get(0) };
            let group = group.ok_or_else(|| {
                format!("{name} was not captured: {pattern} matches, but its group does not take part")
            })?;
            group.as_str().to_owned()
        }
        CaptureHow::Json(pointer) => {
            let place = if pointer.is_empty() { "the whole" } else { pointer };
            let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
                .map_err(|error| format!("{name} was not captured: the output is not JSON (line {})", error.line()))?;
            match json.pointer(pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(found @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
                    found.to_string()
                }
                Some(Value::Null) => return Err(format!("{name} was not captured: {place} in the output is null")),
                None => return Err(format!("{name} was not captured: there is nothing at {place} in the output")),
            }
        }
    };
    let value = Secret::new(value);
    if value.expose().is_empty() {
        return Err(format!("{name} was not captured: it would be empty"));
    }
    if value.expose().contains('\0') {
        return Err(format!("{name} was not captured: it has a NUL character in it"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::Name;
    use regex::Regex;

    fn taken(how: CaptureHow, text: &str) -> Result<String, String> {
        let capture = Capture { name: Name::new("it"), how, secret: true };
        take(&capture, text).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn by_pointer() {
        let json = |pointer: &str| {
            taken(CaptureHow::Json(pointer.to_owned()), r#"[{"p":"CANARY-\"1","n":1.50,"z":null,"l":[1, 2]}]"#)
        };
        assert_eq!(json("/0/p").as_deref(), Ok("CANARY-\"1"));
        assert_eq!(json("/0/n").as_deref(), Ok("1.5"));
        assert_eq!(json("/0/l").as_deref(), Ok("[1,2]"));
        assert_eq!(json("/0/z").unwrap_err(), "it was not captured: /0/z in the output is null");
        assert_eq!(json("/1").unwrap_err(), "it was not captured: there is nothing at /1 in the output");
        let wrong = taken(CaptureHow::Json("/a".to_owned()), "CANARY-text").unwrap_err();
        assert_eq!(wrong, "it was not captured: the output is not JSON (line 1)");
    }

    #[test]
    fn by_pattern_and_whole() {
        let regex = |pattern: &str| taken(CaptureHow::Regex(Regex::new(pattern).unwrap()), "a=1\nb=22\n");
        assert_eq!(regex("b=([0-9]+)").as_deref(), Ok("22"));
        assert_eq!(regex("[0-9]+").as_deref(), Ok("1"));
        assert_eq!(regex("c").unwrap_err(), "it was not captured: nothing in the output matches c");
        assert_eq!(taken(CaptureHow::Whole, "\n x y \n").as_deref(), Ok("x y"));
        assert!(taken(CaptureHow::Whole, " \n").is_err());
    }
}
