//! Holds a tree against its shapes and finds every mistake of structure: unknown and missing keys, wrong types, bad
//! durations, ids, names and pointers, kinds that exclude each other.

use super::duration;
use super::fault::{Fault, nearest};
use super::shape::{Key, Shape, Table};
use super::yaml::{Entry, Node, Place, Scalar, ScalarKind, Value};

/// Holds a value against a shape. `what` names the value in messages: "`timeout`".
pub(super) fn check(node: &Node, shape: &Shape, what: &str, faults: &mut Vec<Fault>) {
    let place = node.place;
    match (&node.value, shape) {
        (Value::Broken, _) | (_, Shape::Any) => {}
        (_, Shape::Later(advice)) => {
            faults.push(Fault::new(place, format!("{what} is not built yet in this version")).advise(*advice));
        }
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
                let message = format!("{what} is empty");
                faults.push(Fault::new(place, message).advise(format!("write: {} in it", wanted(item))));
            }
            for node in items {
                check(node, item, &format!("an entry of {what}"), faults);
            }
        }
        (Value::Map(entries), Shape::Map(table)) => map(node, entries, table(), faults),
        (Value::Map(entries), Shape::Open(key, value)) => {
            for entry in entries {
                check_key(entry, *key, faults);
                check(&entry.value, value, &format!("`{}`", entry.key), faults);
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

/// Says in words what a shape wants.
fn wanted(shape: &Shape) -> String {
    let text = match shape {
        Shape::Text | Shape::Template => "a text",
        Shape::Scalar => "a text, a number, `true` or `false`",
        Shape::Integer(..) => "a whole number",
        Shape::Number => "a number",
        Shape::Boolean => "`true` or `false`",
        Shape::Yes => "`true`",
        Shape::Duration | Shape::DurationOrZero => "a duration such as `30s`",
        Shape::Pattern => "a regular expression in quotes",
        Shape::Pointer => "a JSON pointer such as `/0/name`",
        Shape::Name => "the name of a value",
        Shape::Id => "an id such as `restart-app`",
        Shape::Variable => "the name of an environment variable",
        Shape::Choice(words) => return one_of(words),
        Shape::Map(_) | Shape::Open(..) => "a mapping (`key: value`)",
        Shape::List(..) => "a list",
        Shape::OneOf(shapes) => return join(shapes.iter().map(wanted).collect()),
        Shape::Any => "anything",
        Shape::Later(_) => "nothing yet",
    };
    text.to_owned()
}

fn join(mut words: Vec<String>) -> String {
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} or {last}", words.join(", ")),
        Some(last) => last,
        None => String::new(),
    }
}

/// Lists words as "`a`, `b` or `c`".
pub(super) fn one_of(words: &[&str]) -> String {
    join(words.iter().map(|word| format!("`{word}`")).collect())
}

fn wrong(node: &Node, shape: &Shape, what: &str) -> Fault {
    let found = match &node.value {
        Value::Broken => "something else",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
        Value::Scalar(scalar) => match scalar.kind {
            ScalarKind::Null => "nothing",
            ScalarKind::Boolean => "`true` or `false`",
            ScalarKind::Integer | ScalarKind::Float => "a number",
            ScalarKind::Text => "a text",
        },
    };
    let fault = Fault::new(node.place, format!("{what} must be {}, not {found}", wanted(shape)));
    match (&node.value, shape) {
        (Value::Scalar(Scalar { text, .. }), Shape::Text | Shape::Template | Shape::Pattern) => {
            fault.advise(format!("write: \"{text}\""))
        }
        (Value::Scalar(Scalar { text, kind: ScalarKind::Text }), Shape::Boolean | Shape::Yes) => {
            match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" => fault.advise("write: true"),
                "no" | "off" | "n" => fault.advise("write: false"),
                _ => fault.advise("write: true or false, without quotes"),
            }
        }
        (Value::Map(_), Shape::Text | Shape::Template | Shape::Scalar) => {
            fault.advise("put the text in quotes when it begins with `{` or `${`, or has `: ` in it")
        }
        (Value::List(_), Shape::Text | Shape::Template | Shape::Scalar) => {
            fault.advise("put the text in quotes when it begins with `[`")
        }
        (Value::Scalar(_), Shape::List(item, _)) => fault.advise(format!("write: `[…]` with {} in it", wanted(item))),
        (Value::Scalar(_), Shape::Map(table)) => fault.advise(format!("write: `{{ {}: … }}`", example_key(table()))),
        _ => fault.advise(format!("write: {}", wanted(shape))),
    }
}

/// The key that is shown where a mapping is wanted.
fn example_key(table: &Table) -> &'static str {
    let first = table.fields.iter().find(|field| field.required).or(table.fields.first());
    first.map_or("key", |field| field.name)
}

fn scalar(node: &Node, found: &Scalar, shape: &Shape, what: &str, faults: &mut Vec<Fault>) {
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
        Shape::Scalar | Shape::Any => None,
        Shape::Integer(least, most) if *kind == ScalarKind::Integer => match node.integer() {
            Some(number) if (*least..=*most).contains(&number) => None,
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
        Shape::Name => name(text).map(|advice| bad_name(node.place, text, advice)),
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

fn duration_advice(text: &str) -> String {
    let digits = text.trim_start_matches(['-', '+']);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && digits.bytes().any(|b| b != b'0') {
        format!("write: {digits}s, {digits}m or {digits}h")
    } else {
        "write: numbers with ms, s, m, h, d or w, the greatest first, such as `90s` or `1h30m`".to_owned()
    }
}

/// Says what is wrong with a JSON pointer (RFC 6901).
pub(super) fn pointer(text: &str) -> Option<(&'static str, String)> {
    if !text.is_empty() && !text.starts_with('/') {
        let path = text.trim_start_matches(['$', '.']).replace(['.', '['], "/").replace(']', "");
        return Some(("is no JSON pointer: it must begin with `/`", format!("write: `/{}`", path.trim_matches('/'))));
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('~') {
        if !after.starts_with(['0', '1']) {
            return Some((
                "is no JSON pointer: a `~` stands alone",
                "write: `~0` for `~` and `~1` for `/` inside a key".to_owned(),
            ));
        }
        rest = after;
    }
    None
}

/// Gives advice when a text is no name of a value.
pub(super) fn name(text: &str) -> Option<String> {
    let good = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (!good).then(|| suggest(text, '_'))
}

fn bad_name(place: Place, text: &str, advice: String) -> Fault {
    let message = format!("`{text}` is no name: small letters, digits and `_`, a letter first");
    Fault::new(place, message).advise(advice)
}

fn id(text: &str) -> Option<String> {
    let good = text
        .split('-')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    (!good).then(|| suggest(text, '-'))
}

/// Makes a name or an id of a text, as advice.
fn suggest(text: &str, joint: char) -> String {
    let mut made = String::new();
    for c in text.chars().take(60) {
        if c.is_ascii_alphanumeric() {
            made.push(c.to_ascii_lowercase());
        } else if !made.is_empty() && !made.ends_with(joint) {
            made.push(joint);
        }
    }
    let made = made.trim_matches(joint);
    if made.starts_with(|c: char| c.is_ascii_lowercase()) || (joint == '-' && !made.is_empty()) {
        format!("write: `{made}`")
    } else {
        format!("write: a word such as `new{joint}password`")
    }
}

pub(super) fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn bad_variable(place: Place, text: &str) -> Fault {
    Fault::new(place, format!("`{text}` is no name of an environment variable"))
        .advise("write: letters, digits and `_`, such as `PG_HOST`")
}

fn check_key(entry: &Entry, key: Key, faults: &mut Vec<Fault>) {
    let fault = match key {
        Key::Any => None,
        Key::Name => name(&entry.key).map(|advice| bad_name(entry.place, &entry.key, advice)),
        Key::Variable => (!is_variable(&entry.key)).then(|| bad_variable(entry.place, &entry.key)),
        Key::Pointer => pointer(&entry.key)
            .map(|(wrong, advice)| Fault::new(entry.place, format!("`{}` {wrong}", entry.key)).advise(advice)),
    };
    faults.extend(fault);
}

fn map(node: &Node, entries: &[Entry], table: &Table, faults: &mut Vec<Fault>) {
    for entry in entries {
        match table.field(&entry.key) {
            Some(field) => {
                if let Shape::Later(_) = field.shape {
                    // The key is what the message is about, whatever its value.
                    let key = Node { place: entry.place, value: Value::List(Vec::new()) };
                    check(&key, &field.shape, &format!("`{}`", entry.key), faults);
                } else {
                    check(&entry.value, &field.shape, &format!("`{}`", entry.key), faults);
                }
            }
            None => faults.push(unknown(entry, table)),
        }
    }
    for field in table.fields.iter().filter(|field| field.required) {
        if !entries.iter().any(|entry| entry.key == field.name) {
            faults.push(
                Fault::new(node.place, format!("{} needs `{}`", table.what, field.name))
                    .advise(format!("write: `{}: …` ({})", field.name, field.doc)),
            );
        }
    }
    if !table.kinds.is_empty() {
        kinds(node, entries, table, faults);
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

fn unknown(entry: &Entry, table: &Table) -> Fault {
    let fault = Fault::new(entry.place, format!("unknown key `{}` in {}", entry.key, table.what));
    let names = table.fields.iter().map(|field| field.name);
    if let Some(name) = nearest(&entry.key, names.clone()) {
        fault.advise(format!("did you mean `{name}`?"))
    } else if table.fields.len() <= 12 {
        fault.advise(format!("known here: {}", one_of(&names.collect::<Vec<_>>())))
    } else {
        fault.advise("take it out; the README has a table of what may stand here")
    }
}

fn kinds(node: &Node, entries: &[Entry], table: &Table, faults: &mut Vec<Fault>) {
    let kind_of = |entry: &Entry| table.kinds.iter().position(|kind| kind.contains(&entry.key.as_str()));
    let mut first: Option<(&Entry, usize)> = None;
    for entry in entries {
        let Some(kind) = kind_of(entry) else { continue };
        match first {
            None => first = Some((entry, kind)),
            Some((_, of)) if of == kind => {}
            Some((other, _)) => faults.push(
                Fault::new(entry.place, format!("{} cannot be both `{}` and `{}`", table.what, other.key, entry.key))
                    .advise("keep one; make two of it when both are needed"),
            ),
        }
    }
    let instead = table.instead.is_some_and(|name| entries.iter().any(|entry| entry.key == name));
    // A key that is not built yet was told already.
    let told =
        entries.iter().any(|entry| table.field(&entry.key).is_none_or(|field| matches!(field.shape, Shape::Later(_))));
    if first.is_none() && !instead && !told {
        let known: Vec<&str> = table.kinds.iter().copied().flatten().copied().collect();
        faults.push(
            Fault::new(node.place, format!("{} says nothing of what it does", table.what))
                .advise(format!("write: {}", one_of(&known))),
        );
    }
}
