//! Typed data from the same tree: answers files, configuration.
//!
//! The only place that names `serde_yaml`, so that it can be replaced.

use serde::de::DeserializeOwned;

use super::{Node, Scalar, ScalarKind, Value, parse, scalar};

/// Reads typed data from YAML, under the same rules as a playbook.
///
/// # Errors
/// A sentence: the line, and what is wrong there.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let (root, faults) = parse(text);
    if let Some(fault) = faults.first() {
        let advice = fault.advice.as_deref().map(|advice| format!(" ({advice})")).unwrap_or_default();
        return Err(format!("line {}: {}{advice}", fault.line, fault.message));
    }
    let value = root.as_ref().map_or(serde_yaml::Value::Null, to_value);
    serde_yaml::from_value(value).map_err(|error| error.to_string())
}

/// Turns a tree into a value without places.
pub(in super::super) fn to_value(node: &Node) -> serde_yaml::Value {
    match &node.value {
        Value::Broken => serde_yaml::Value::Null,
        Value::Scalar(scalar) => scalar_value(scalar),
        Value::List(items) => serde_yaml::Value::Sequence(items.iter().map(to_value).collect()),
        Value::Map(entries) => serde_yaml::Value::Mapping(
            entries.iter().map(|entry| (entry.key.as_str().into(), to_value(&entry.value))).collect(),
        ),
    }
}

fn scalar_value(scalar: &Scalar) -> serde_yaml::Value {
    let text = || serde_yaml::Value::String(scalar.text.clone());
    match scalar.kind {
        ScalarKind::Null => serde_yaml::Value::Null,
        ScalarKind::Boolean => scalar.text.eq_ignore_ascii_case("true").into(),
        ScalarKind::Integer => scalar::integer(&scalar.text).map_or_else(text, Into::into),
        ScalarKind::Float => scalar::number(scalar).map_or_else(text, Into::into),
        ScalarKind::Text => text(),
    }
}

/// Turns a tree into JSON.
pub(in super::super) fn to_json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Broken => serde_json::Value::Null,
        Value::Scalar(scalar) => match scalar.kind {
            ScalarKind::Null => serde_json::Value::Null,
            ScalarKind::Boolean => scalar.text.eq_ignore_ascii_case("true").into(),
            ScalarKind::Integer => scalar::integer(&scalar.text).map_or_else(|| scalar.text.clone().into(), Into::into),
            ScalarKind::Float => scalar::number(scalar).map_or_else(|| scalar.text.clone().into(), Into::into),
            ScalarKind::Text => scalar.text.clone().into(),
        },
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => {
            serde_json::Value::Object(entries.iter().map(|e| (e.key.clone(), to_json(&e.value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn reads_typed_data_by_the_core_schema() {
        let data: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
            read("inputs: { a: yes, b: 1, c: true }\nstep-1: {}\n").unwrap();
        assert_eq!(data["inputs"]["a"], "yes");
        assert_eq!(data["inputs"]["b"], 1);
        assert_eq!(data["inputs"]["c"], true);
    }

    #[test]
    fn says_the_line_of_what_is_wrong() {
        let error = read::<serde_json::Value>("a: 1\na: 2\n").unwrap_err();
        assert!(error.starts_with("line 2: `a` stands here twice"), "{error}");
    }
}
