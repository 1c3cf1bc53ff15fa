//! `expect`: what an answer must be, in its short form, as a mapping and as a list.

use std::sync::LazyLock;

use super::fault::Fault;
use super::fields::VALUES;
use super::lower::Lower;
use super::plan::{Amount, Expect, JsonValue, Part};
use super::shape::{Field, Key, Shape, Table};
use super::wanted::one_of;
use super::yaml::{Entry, Node, Place, Scalar, ScalarKind, Value, to_json};

/// The keys of an `expect`.
pub(super) fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::new("an `expect`", &[FIELDS]));
    &TABLE
}

const FIELDS: &[Field] = &[
    Field::new("exit", "The exit status; 0 when left out.", Shape::Integer(0, 255)),
    Field::new("contains", "Texts that stand in it.", VALUES),
    Field::new("not_contains", "Texts that do not stand in it.", VALUES),
    Field::new("matches", "A regular expression that matches.", Shape::Pattern),
    Field::new("equals", "What it is, trimmed.", Shape::Scalar),
    Field::new("json", "JSON pointers with the values there.", Shape::Open(Key::Pointer, &Shape::Any)),
    Field::new("status", "The HTTP status.", Shape::Integer(100, 599)),
    Field::new("rows", "How many rows the query gives.", Shape::Integer(0, i64::MAX)),
    Field::new(
        "between",
        "The least and the greatest number that it may be; `${name}` for one measured before.",
        Shape::List(&Shape::Amount, 1),
    ),
    Field::new(
        "close_to",
        "A number that it is near, by `tolerance`; `${name}` for one measured before.",
        Shape::Amount,
    ),
    Field::new("tolerance", "How far it may be from `close_to`.", Shape::Number),
    Field::new("denied", "The system refuses the credential.", Shape::Yes),
];

/// Lowers an `expect`. `allowed` are the keys that have a meaning for `what`.
pub(super) fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node, allowed: &[&str], what: &str) -> Vec<Expect> {
    let mut expects = Vec::new();
    for item in node.items() {
        if let Some(word) = item.scalar() {
            if word == "denied" && is_allowed(lower, item.place, "denied", allowed, what) {
                expects.push(Expect::Denied);
            }
            continue;
        }
        for entry in item.entries() {
            if table().field(&entry.key).is_none() || !is_allowed(lower, entry.place, &entry.key, allowed, what) {
                continue;
            }
            entry_of(lower, item, entry, &mut expects);
        }
    }
    if expects.len() > 1 && expects.iter().any(|expect| matches!(expect, Expect::Denied)) {
        lower.fault(
            node.place,
            "`denied` cannot hold together with anything else",
            "a refused credential gives no answer to judge: keep `expect: denied` alone",
        );
    }
    expects
}

fn is_allowed(lower: &mut Lower<'_>, place: Place, key: &str, allowed: &[&str], what: &str) -> bool {
    let is_allowed = allowed.contains(&key) || (key == "tolerance" && allowed.contains(&"close_to"));
    if !is_allowed {
        let fault = Fault::new(place, format!("`{key}` has no meaning for `{what}`"));
        lower.faults.push(match allowed {
            [] => fault.advise("take `expect` out: it either succeeds or fails"),
            _ => fault.advise(format!("write: {}", one_of(allowed))),
        });
    }
    is_allowed
}

fn entry_of<'a>(lower: &mut Lower<'a>, map: &'a Node, entry: &'a Entry, expects: &mut Vec<Expect>) {
    let value = &entry.value;
    match entry.key.as_str() {
        "exit" => expects.extend(value.integer().and_then(|n| i32::try_from(n).ok()).map(Expect::Exit)),
        "contains" => {
            for node in value.items() {
                expects.extend(lower.template(node).map(Expect::Contains));
            }
        }
        "not_contains" => {
            for node in value.items() {
                expects.extend(lower.template(node).map(Expect::NotContains));
            }
        }
        "matches" => expects.extend(lower.pattern(value).map(Expect::Matches)),
        "equals" => expects.extend(lower.template(value).map(Expect::Equals)),
        "json" => {
            for entry in value.entries() {
                let wanted = match &entry.value.value {
                    Value::Scalar(Scalar { kind: ScalarKind::Text, .. }) => {
                        lower.template(&entry.value).map(JsonValue::Text)
                    }
                    Value::Broken => None,
                    Value::Scalar(_) | Value::List(_) | Value::Map(_) => {
                        Some(JsonValue::Literal(to_json(&entry.value)))
                    }
                };
                expects.extend(wanted.map(|wanted| Expect::Json(entry.key.clone(), wanted)));
            }
        }
        "status" => expects.extend(value.integer().and_then(|n| u16::try_from(n).ok()).map(Expect::Status)),
        "rows" => expects.extend(value.integer().and_then(|n| u64::try_from(n).ok()).map(Expect::Rows)),
        "between" => {
            let amounts: Vec<Amount> = value.items().iter().filter_map(|item| amount(lower, item)).collect();
            match &amounts[..] {
                [least, most] if in_order(least, most) => {
                    expects.push(Expect::Between(least.clone(), most.clone()));
                }
                _ => lower.fault(
                    value.place,
                    "`between` takes two numbers, the smaller one first",
                    "write: `between: [1, 10]`",
                ),
            }
        }
        "close_to" => match (amount(lower, value), map.get("tolerance")) {
            (Some(number), Some(tolerance)) => match tolerance.number() {
                Some(tolerance) if tolerance >= 0.0 => expects.push(Expect::CloseTo { number, tolerance }),
                Some(_) => lower.fault(tolerance.place, "`tolerance` is less than 0", "write: how far away it may be"),
                None => {}
            },
            (Some(_), None) => {
                lower.fault(entry.place, "`close_to` needs `tolerance`", "write: `tolerance: …` beside it");
            }
            (None, _) => {}
        },
        "tolerance" if map.get("close_to").is_none() => {
            lower.fault(entry.place, "`tolerance` needs `close_to`", "write: `close_to: …` beside it");
        }
        "denied" => expects.push(Expect::Denied),
        // `tolerance` is read with `close_to`; there are no other keys in the table.
        _ => {}
    }
}

/// Lowers a number, or `${name}` alone.
fn amount<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Amount> {
    if let Some(number) = node.number() {
        return Some(Amount::Number(number));
    }
    let template = lower.template(node)?;
    match template.parts() {
        [Part::Value(name)] => Some(Amount::Value(name.clone())),
        // The structure has said that it is neither.
        _ => None,
    }
}

/// Says whether two numbers may be in their order: of values that the run brings, nothing is known yet.
fn in_order(least: &Amount, most: &Amount) -> bool {
    match (least, most) {
        (Amount::Number(least), Amount::Number(most)) => least <= most,
        (Amount::Value(_), Amount::Number(_) | Amount::Value(_)) | (Amount::Number(_), Amount::Value(_)) => true,
    }
}
