//! Holds a tree against its shapes and finds every mistake of structure: unknown and missing keys, wrong types, bad
//! durations, ids, names and pointers, kinds that exclude each other.

use std::fmt;

use super::duration;
use super::expect;
use super::fault::{Fault, nearest};
use super::shape::{Key, Shape, Table};
use super::spelling::{bad_name, bad_variable, id, is_one_value, is_variable, name, pointer, reference};
use super::wanted::{duration_advice, example, one_of, wanted, wrong};
use super::yaml::{Entry, Node, Scalar, ScalarKind, Value};

/// How a value is named in messages; written out only when there is one.
#[derive(Clone, Copy, Debug)]
pub(super) enum What<'a> {
    /// The whole file.
    Playbook,
    /// The value of a key.
    Key(&'a str),
    /// An entry of the list under a key.
    Entry(&'a What<'a>),
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Playbook => f.write_str("the playbook"),
            Self::Key(key) => write!(f, "`{key}`"),
            Self::Entry(list) => write!(f, "an entry of {list}"),
        }
    }
}

/// Holds a value against a shape.
pub(super) fn check(node: &Node, shape: &Shape, what: What<'_>, faults: &mut Vec<Fault>) {
    let place = node.place;
    match (&node.value, shape) {
        (Value::Broken, _) | (_, Shape::Any) => {}
        (Value::Scalar(Scalar { kind: ScalarKind::Null, .. }), _) => {
            faults.push(Fault::new(place, format!("{what} has no value")).advise(format!("write: {}", wanted(shape))));
        }
        (_, Shape::OneOf(shapes)) => match shapes.iter().find(|shape| fits(node, shape)) {
            Some(shape) => check(node, shape, what, faults),
            None => faults.push(wrong(node, shape, what)),
        },
        (Value::Scalar(found), shape) => scalar(node, found, shape, what, faults),
        (Value::List(items), Shape::List(item, least)) => {
            if items.len() < *least {
                let message = match items.len() {
                    0 => format!("{what} is empty"),
                    _ => format!("{what} needs at least {least} entries"),
                };
                faults.push(Fault::new(place, message).advise(format!("write: {} in it", example(item))));
            }
            for node in items {
                check(node, item, What::Entry(&what), faults);
            }
        }
        (Value::Map(entries), Shape::Map(table)) => map(node, entries, table(), faults),
        (Value::Map(entries), Shape::Open(key, value)) => {
            for entry in entries {
                check_key(entry, *key, faults);
                check(&entry.value, value, What::Key(&entry.key), faults);
            }
        }
        (Value::List(_) | Value::Map(_), _) => faults.push(wrong(node, shape, what)),
    }
}

/// Says whether a value is of the sort that a shape is about.
fn fits(node: &Node, shape: &Shape) -> bool {
    match (&node.value, shape) {
        (_, Shape::OneOf(shapes)) => shapes.iter().any(|shape| fits(node, shape)),
        (Value::Map(_), Shape::Map(_) | Shape::Open(..)) | (Value::List(_), Shape::List(..)) => true,
        (Value::Scalar(_), shape) => !matches!(shape, Shape::Map(_) | Shape::Open(..) | Shape::List(..)),
        (Value::Broken | Value::List(_) | Value::Map(_), _) => matches!(shape, Shape::Any),
    }
}

fn scalar(node: &Node, found: &Scalar, shape: &Shape, what: What<'_>, faults: &mut Vec<Fault>) {
    let Scalar { text, kind } = found;
    let is_text = *kind == ScalarKind::Text;
    let fault = match shape {
        Shape::Text if is_text && text.trim().is_empty() => {
            Some(Fault::new(node.place, format!("{what} is empty")).advise("write: a text"))
        }
        Shape::Text | Shape::Template | Shape::Pattern if is_text => None,
        Shape::Boolean if *kind == ScalarKind::Boolean => None,
        Shape::Yes if node.boolean() == Some(true) => None,
        Shape::Number if node.number().is_some() => None,
        Shape::Amount if node.number().is_some() || node.scalar().is_some_and(is_one_value) => None,
        Shape::Scalar | Shape::Any => None,
        Shape::Integer(least, most) if *kind == ScalarKind::Integer => match node.integer() {
            Some(number) if (*least..=*most).contains(&number) => None,
            _ if least == most => Some(
                Fault::new(node.place, format!("{what} must be {least}: no other is known to this version"))
                    .advise(format!("write: {least}")),
            ),
            _ => Some(
                Fault::new(node.place, format!("{what} must be from {least} to {most}"))
                    .advise(format!("write: a whole number from {least} to {most}")),
            ),
        },
        Shape::Duration | Shape::DurationOrZero => {
            let read = if matches!(shape, Shape::Duration) { duration::parse } else { duration::parse_or_zero };
            let wrong = read(text).err();
            wrong.map(|wrong| Fault::new(node.place, format!("{what} {wrong}")).advise(duration_advice(text)))
        }
        Shape::Pointer => {
            pointer(text).map(|(wrong, advice)| Fault::new(node.place, format!("{what} {wrong}")).advise(advice))
        }
        Shape::Name => reference(text).map(|advice| bad_name(node.place, text, advice)),
        Shape::Id => id(text).map(|advice| {
            Fault::new(node.place, format!("`{text}` is no id: small letters, digits and single hyphens"))
                .advise(advice)
        }),
        Shape::Variable => (!is_variable(text)).then(|| bad_variable(node.place, text)),
        Shape::Choice(words) => (!words.contains(&text.as_str())).then(|| {
            let fault = Fault::new(node.place, format!("{what} cannot be `{text}`"));
            match nearest(text, words.iter().copied()) {
                Some(word) => fault.advise(format!("did you mean `{word}`?")),
                None => fault.advise(format!("write: {}", one_of(words))),
            }
        }),
        _ => Some(wrong(node, shape, what)),
    };
    faults.extend(fault);
}

fn check_key(entry: &Entry, key: Key, faults: &mut Vec<Fault>) {
    let fault = match key {
        Key::Any => None,
        Key::Name => name(&entry.key).map(|advice| bad_name(entry.place, &entry.key, advice)),
        Key::Reference => reference(&entry.key).map(|advice| bad_name(entry.place, &entry.key, advice)),
        Key::Variable => (!is_variable(&entry.key)).then(|| bad_variable(entry.place, &entry.key)),
        Key::Pointer => pointer(&entry.key)
            .map(|(wrong, advice)| Fault::new(entry.place, format!("`{}` {wrong}", entry.key)).advise(advice)),
    };
    faults.extend(fault);
}

fn map(node: &Node, entries: &[Entry], table: &Table, faults: &mut Vec<Fault>) {
    // Keys that stand under a mistyped name: not told a second time as missing.
    let mut meant = Vec::new();
    for entry in entries {
        let Some(field) = table.field(&entry.key) else {
            let (fault, near) = unknown(entry, table);
            faults.push(fault);
            meant.extend(near);
            continue;
        };
        let what = What::Key(&entry.key);
        if points_at_key(&entry.value) {
            let key = Node { place: entry.place, value: entry.value.value.clone() };
            check(&key, &field.shape, what, faults);
        } else {
            check(&entry.value, &field.shape, what, faults);
        }
    }
    for field in table.fields.iter().filter(|field| field.required && !meant.contains(&field.name)) {
        if !entries.iter().any(|entry| entry.key == field.name) {
            faults.push(Fault::new(node.place, format!("{} needs `{}`", table.what, field.name)).advise(format!(
                "write: `{}: …` ({})",
                field.name,
                field.doc.trim_end_matches('.')
            )));
        }
    }
    if !table.kinds.is_empty() && !kinds(node, entries, table, faults) {
        return;
    }
    for entry in entries {
        let Some(owners) = table.owners.get(entry.key.as_str()) else { continue };
        if !owners.iter().any(|owner| entries.iter().any(|entry| entry.key == *owner)) {
            faults.push(
                Fault::new(entry.place, format!("`{}` has no meaning here", entry.key))
                    .advise(format!("it goes with {}", one_of(owners))),
            );
        }
    }
}

/// Says whether a fault is about the key, because there is no value or none would do.
fn points_at_key(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.kind == ScalarKind::Null && node.place.length == 0)
}

fn unknown(entry: &Entry, table: &Table) -> (Fault, Option<&'static str>) {
    let fault = Fault::new(entry.place, format!("unknown key `{}` in {}", entry.key, table.what));
    let names = table.fields.iter().map(|field| field.name);
    if table.field("expect").is_some() && expect::table().field(&entry.key).is_some() {
        return (fault.advise(format!("write: `expect: {{ {}: … }}`", entry.key)), None);
    }
    let near = nearest(&entry.key, names.clone());
    let fault = if let Some(name) = near {
        fault.advise(format!("did you mean `{name}`?"))
    } else if table.fields.len() <= 12 {
        fault.advise(format!("known here: {}", one_of(&names.collect::<Vec<_>>())))
    } else {
        fault.advise("take it out; the README has a table of what may stand here")
    };
    (fault, near)
}

/// Finds kinds that exclude each other, and says whether there is one.
fn kinds(node: &Node, entries: &[Entry], table: &Table, faults: &mut Vec<Fault>) -> bool {
    let kind_of = |entry: &Entry| table.kinds.iter().position(|kind| kind.contains(&entry.key.as_str()));
    let mut first: Option<(&Entry, usize)> = None;
    for entry in entries {
        let Some(kind) = kind_of(entry) else { continue };
        match first {
            None => first = Some((entry, kind)),
            Some((_, of)) if of == kind => {}
            Some((other, _)) => faults.push(
                Fault::new(entry.place, format!("{} cannot have both `{}` and `{}`", table.what, other.key, entry.key))
                    .advise("keep one; make two of it when both are needed"),
            ),
        }
    }
    let instead = table.instead.is_some_and(|name| entries.iter().any(|entry| entry.key == name));
    // An unknown key was told already.
    let told = entries.iter().any(|entry| table.field(&entry.key).is_none());
    let known: Vec<&str> = table.kinds.iter().copied().flatten().copied().collect();
    if first.is_none() && !instead && !told {
        let fault = if known.len() <= 4 {
            Fault::new(node.place, format!("{} needs {}", table.what, one_of(&known)))
                .advise(format!("write: `{}: …`", known.first().copied().unwrap_or_default()))
        } else {
            Fault::new(node.place, format!("{} does not say what it does", table.what))
                .advise(format!("write: {}", one_of(&known)))
        };
        faults.push(fault);
    }
    first.is_some() || instead
}
