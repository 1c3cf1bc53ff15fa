//! What a shape wants, in words: the second half of "must be …" and the advice.

use super::fault::Fault;
use super::shape::Shape;
use super::structure::What;
use super::yaml::{Node, Scalar, ScalarKind, Value};

/// Says in words what a shape wants.
pub(super) fn wanted(shape: &Shape) -> String {
    let text = match shape {
        Shape::Text | Shape::Template | Shape::Scalar => "a text",
        Shape::Integer(least, most) if least == most => return format!("`{least}`"),
        Shape::Integer(..) => "a whole number",
        Shape::Number => "a number",
        Shape::Amount => "a number, or `${name}`",
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

/// Makes the fault of a value of the wrong sort.
pub(super) fn wrong(node: &Node, shape: &Shape, what: What<'_>) -> Fault {
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
        (Value::Scalar(_), Shape::List(item, _)) => fault.advise(format!("write: `[…]` with {} in it", example(item))),
        _ => fault.advise(format!("write: {}", example(shape))),
    }
}

/// Shows what could be written: for a mapping, the keys that it needs.
pub(super) fn example(shape: &Shape) -> String {
    let Shape::Map(table) = shape else { return wanted(shape) };
    let fields = &table().fields;
    let mut keys: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    if keys.is_empty() {
        keys.extend(fields.first().map(|field| field.name));
    }
    format!("`{{ {}: … }}`", keys.join(": …, "))
}

/// Advises on a text that is no duration.
pub(super) fn duration_advice(text: &str) -> String {
    let digits = text.trim_start_matches(['-', '+']);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && digits.bytes().any(|b| b != b'0') {
        format!("write: {digits}s, {digits}m or {digits}h")
    } else {
        "write: numbers with ms, s, m, h, d or w, the greatest first, such as `90s` or `1h30m`".to_owned()
    }
}
