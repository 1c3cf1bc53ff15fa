//! The JSON Schema (2020-12) of the format, and the rows of its tables for help and README.
//!
//! Made from the tables that the checker uses. It says what can be said of structure; meaning (names, secrets, order)
//! is the checker's alone.

use serde_json::{Map, Value, json};

use super::format;
use super::kinds::KINDS;
use super::probes::PROBES;
use super::shape::{Key, Shape, Table};

/// A row of a table: a kind or a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its key.
    pub name: &'static str,
    /// One line on what it does.
    pub doc: &'static str,
    /// A piece of YAML.
    pub example: &'static str,
}

/// Lists the kinds of step.
pub fn kind_rows() -> impl Iterator<Item = Row> {
    KINDS.iter().map(|kind| Row { name: kind.name, doc: kind.doc, example: kind.example })
}

/// Lists the probes.
pub fn probe_rows() -> impl Iterator<Item = Row> {
    PROBES.iter().map(|probe| Row { name: probe.name, doc: probe.doc, example: probe.example })
}

/// Makes the JSON Schema of a playbook.
#[must_use]
pub fn schema() -> Value {
    let mut defs = Map::new();
    let root = table_name(format::playbook());
    define(format::playbook(), &mut defs);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "runsheet playbook, format 1",
        "$ref": format!("#/$defs/{root}"),
        "$defs": defs,
    })
}

fn table_name(table: &Table) -> String {
    let name = table.what.trim_start_matches("an ").trim_start_matches("a ");
    name.replace('`', "").replace(' ', "_")
}

fn define(table: &Table, defs: &mut Map<String, Value>) {
    let name = table_name(table);
    if defs.contains_key(&name) {
        return;
    }
    // Taken before the fields are followed: steps refer to tables that refer to steps.
    defs.insert(name.clone(), Value::Null);
    let mut properties = Map::new();
    for field in &table.fields {
        let mut value = of(&field.shape, defs);
        if let Value::Object(object) = &mut value {
            object.insert("description".to_owned(), field.doc.into());
        }
        properties.insert(field.name.to_owned(), value);
    }
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let required: Vec<&str> = table.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let beside: Map<String, Value> = table
        .owners
        .iter()
        .filter(|(name, _)| table.field(name).is_some())
        .map(|(name, owners)| ((*name).to_owned(), any_of(owners)))
        .collect();
    if !beside.is_empty() {
        schema["dependentSchemas"] = Value::Object(sorted(beside));
    }
    if !table.kinds.is_empty() {
        let mut kinds: Vec<Value> = table.kinds.iter().map(|keys| any_of(keys)).collect();
        if let Some(instead) = table.instead {
            let none = json!({ "anyOf": kinds });
            kinds.push(json!({ "required": [instead], "not": none }));
        }
        schema["oneOf"] = Value::Array(kinds);
    }
    defs.insert(name, schema);
}

fn sorted(map: Map<String, Value>) -> Map<String, Value> {
    let mut entries: Vec<(String, Value)> = map.into_iter().collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.into_iter().collect()
}

/// At least one of these keys is there.
fn any_of(keys: &[&str]) -> Value {
    match keys {
        [key] => json!({ "required": [key] }),
        _ => json!({ "anyOf": keys.iter().map(|key| json!({ "required": [key] })).collect::<Vec<_>>() }),
    }
}

const NAME: &str = "^[a-z][a-z0-9_]*$";
const REFERENCE: &str = "^([a-z0-9]+(-[a-z0-9]+)*/)*[a-z][a-z0-9_]*$";
const ID: &str = "^[a-z0-9]+(-[a-z0-9]+)*$";
const VARIABLE: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
const POINTER: &str = "^(/([^~]|~[01])*)?$";
const DURATION: &str = "^(?=.*[1-9])([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
const DURATION_OR_ZERO: &str = "^(?=.)([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";

fn of(shape: &Shape, defs: &mut Map<String, Value>) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string", "pattern": "\\S" }),
        Shape::Template => json!({ "type": "string" }),
        Shape::Pattern => json!({ "type": "string", "format": "regex" }),
        Shape::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Integer(least, most) if least == most => json!({ "const": least }),
        Shape::Integer(least, i64::MAX) => json!({ "type": "integer", "minimum": least }),
        Shape::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Amount => {
            json!({ "anyOf": [{ "type": "number" }, { "type": "string", "pattern": r"^\$\{[a-z][a-z0-9_]*\}$" }] })
        }
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Yes => json!({ "const": true }),
        Shape::Duration => json!({ "type": "string", "pattern": DURATION }),
        Shape::DurationOrZero => json!({ "type": "string", "pattern": DURATION_OR_ZERO }),
        Shape::Pointer => json!({ "type": "string", "pattern": POINTER }),
        Shape::Name => json!({ "type": "string", "pattern": REFERENCE }),
        Shape::Id => json!({ "type": "string", "pattern": ID }),
        Shape::Variable => json!({ "type": "string", "pattern": VARIABLE }),
        Shape::Choice(words) => json!({ "enum": words }),
        Shape::Map(table) => {
            let table = table();
            define(table, defs);
            json!({ "$ref": format!("#/$defs/{}", table_name(table)) })
        }
        Shape::Open(key, value) => {
            let value = of(value, defs);
            let pattern = match key {
                Key::Any => return json!({ "type": "object", "additionalProperties": value }),
                Key::Name => NAME,
                Key::Reference => REFERENCE,
                Key::Variable => VARIABLE,
                Key::Pointer => POINTER,
            };
            json!({ "type": "object", "propertyNames": { "pattern": pattern }, "additionalProperties": value })
        }
        Shape::List(item, least) => json!({ "type": "array", "items": of(item, defs), "minItems": least }),
        Shape::OneOf(shapes) => json!({ "anyOf": shapes.iter().map(|shape| of(shape, defs)).collect::<Vec<_>>() }),
        Shape::Any => json!({}),
    }
}
