//! What a command could have printed: made so that it is what the playbook expects, and holds what it captures.
//!
//! It is used where the author wrote no `simulate`, and whatever is made up is labelled by who shows it. What must stay true:
//! a secret that is captured is a practice value, and a new one each time.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::sample::Letters;
use crate::exec::scene::Scene;
use crate::playbook::plan::{Amount, Capture, CaptureHow, Expect, JsonValue, Manner, Name};
use crate::secret::Secret;

/// What stands in a simulated output for a fresh practice secret.
pub(super) const PRACTICE: &str = "<PRACTICE>";

/// What is captured where nothing tells what it could be.
const ANYTHING: &str = "42";

/// An output that was made up, and what is captured from it.
pub(super) struct Made {
    /// Standard output.
    pub(super) stdout: String,
    /// Captures that are no secrets.
    pub(super) values: BTreeMap<Name, String>,
    /// Captures that are.
    pub(super) secrets: Vec<(String, Secret)>,
}

/// Makes an output up. `letters` are those of this attempt.
pub(super) fn up(
    captures: &[Capture],
    expects: &[Expect],
    manner: &Manner,
    scene: &Scene,
    letters: &mut Letters,
) -> Made {
    let mut made = Made { stdout: String::new(), values: BTreeMap::new(), secrets: Vec::new() };
    let mut json: Option<Value> = None;
    let mut lines: Vec<String> = Vec::new();
    let mut whole: Option<String> = None;
    for capture in captures {
        let (shown, value) = captured(capture, letters);
        match &capture.how {
            CaptureHow::Json(pointer) => put(json.get_or_insert(Value::Null), pointer, Value::String(value.clone())),
            CaptureHow::Regex(_) => lines.push(shown),
            CaptureHow::Whole => whole = Some(value.clone()),
        }
        if capture.secret {
            made.secrets.push((capture.name.as_str().to_owned(), Secret::new(value)));
        } else {
            made.values.insert(capture.name.clone(), value);
        }
    }
    for expect in expects {
        match expect {
            Expect::Json(pointer, wanted) => {
                let value = match wanted {
                    JsonValue::Text(text) => Value::String(scene.text(text)),
                    JsonValue::Literal(literal) => literal.clone(),
                };
                put(json.get_or_insert(Value::Null), pointer, value);
            }
            Expect::Contains(text) => lines.push(scene.text(text)),
            Expect::Equals(text) => whole = Some(scene.text(text)),
            Expect::Matches(pattern) => lines.extend(letters.matching(pattern)),
            Expect::Between(amount, _) | Expect::CloseTo { number: amount, .. } => {
                whole = Some(number(amount, scene));
            }
            Expect::Exit(_) | Expect::NotContains(_) | Expect::Status(_) | Expect::Rows(_) | Expect::Denied => {}
        }
    }
    if let Manner::Until(until) = manner {
        lines.extend(until.matches.as_ref().and_then(|pattern| letters.matching(pattern)));
    }
    made.stdout = match (json, whole) {
        (Some(json), _) => json.to_string(),
        (None, Some(whole)) => whole,
        (None, None) => lines.join("\n"),
    };
    if !made.stdout.is_empty() {
        made.stdout.push('\n');
    }
    made
}

/// Makes what a capture finds: the text around it, and the value.
fn captured(capture: &Capture, letters: &mut Letters) -> (String, String) {
    let value = |letters: &mut Letters| {
        if capture.secret { format!("practice-{}", letters.plain(16)) } else { ANYTHING.to_owned() }
    };
    match &capture.how {
        CaptureHow::Json(_) | CaptureHow::Whole => {
            let value = value(letters);
            (value.clone(), value)
        }
        CaptureHow::Regex(pattern) => {
            let Some(text) = letters.matching(pattern) else {
                let value = value(letters);
                return (value.clone(), value);
            };
            let found =
                pattern.captures(&text).and_then(|found| Some(found.get(1).or(found.get(0))?.as_str().to_owned()));
            let found = found.unwrap_or_else(|| text.clone());
            (text, found)
        }
    }
}

/// Makes what a probe captures.
pub(super) fn taken(captures: &[Capture], letters: &mut Letters) -> (BTreeMap<Name, String>, Vec<(String, Secret)>) {
    let (mut values, mut secrets) = (BTreeMap::new(), Vec::new());
    for capture in captures {
        let (_, value) = captured(capture, letters);
        if capture.secret {
            secrets.push((capture.name.as_str().to_owned(), Secret::new(value)));
        } else {
            values.insert(capture.name.clone(), value);
        }
    }
    (values, secrets)
}

fn number(amount: &Amount, scene: &Scene) -> String {
    match amount {
        Amount::Number(number) => number.to_string(),
        Amount::Value(name) => scene.values.get(name).cloned().unwrap_or_else(|| ANYTHING.to_owned()),
    }
}

/// Puts a value where a pointer leads to, and makes what is not there on the way.
pub(super) fn put(root: &mut Value, pointer: &str, value: Value) {
    let mut at = root;
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        match key.parse::<usize>() {
            Ok(place) if place < 1000 && !at.is_object() => {
                if !at.is_array() {
                    *at = Value::Array(Vec::new());
                }
                let Value::Array(list) = at else { return };
                if list.len() <= place {
                    list.resize(place + 1, Value::Null);
                }
                let Some(next) = list.get_mut(place) else { return };
                at = next;
            }
            Ok(_) | Err(_) => {
                if !at.is_object() {
                    *at = Value::Object(Map::new());
                }
                let Value::Object(map) = at else { return };
                at = map.entry(key).or_insert(Value::Null);
            }
        }
    }
    *at = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_has_its_value() {
        let mut json = Value::Null;
        put(&mut json, "/0/password", "a".into());
        put(&mut json, "/0/n~1m", 1.into());
        put(&mut json, "/2", true.into());
        assert_eq!(json.to_string(), r#"[{"n/m":1,"password":"a"},null,true]"#);
        let mut whole = Value::Null;
        put(&mut whole, "", "x".into());
        assert_eq!(whole, Value::String("x".to_owned()));
    }
}
