//! YAML as a tree that knows its places.
//!
//! One parser decides what a text says: the checker reads this tree, and typed data (answers, configuration) is made
//! from the same tree by [`read`]. YAML 1.2, core schema: `yes` is a text. What the format does not allow (anchors,
//! aliases, tags, merge keys, duplicate keys, a second document) is found while the tree is built.

mod build;
mod scalar;
mod typed;

pub(super) use build::parse;
pub(crate) use scalar::resolve as plain_kind;
pub use typed::read;
pub(super) use typed::to_json;

/// Where something stands in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters, on its first line.
    pub length: usize,
    /// The last line that it may reach to.
    pub end_line: usize,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Something that was found wrong already; nothing more is said of it.
    Broken,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A scalar: its text and what the core schema takes it for.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) kind: ScalarKind,
}

/// What the core schema takes a scalar for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarKind {
    Null,
    Boolean,
    Integer,
    Float,
    Text,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: Node,
}

impl Node {
    /// Returns the entries of a mapping; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Broken | Value::Scalar(_) | Value::List(_) => &[],
        }
    }

    /// Returns the entry of a key, where there is a value.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Returns the value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns the entries of a list; a single value counts as a list of itself.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Broken => &[],
            Value::Scalar(_) | Value::Map(_) => std::slice::from_ref(self),
        }
    }

    /// Returns the text of a scalar as written, whatever it is taken for; none of an empty one.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind != ScalarKind::Null => Some(&scalar.text),
            Value::Scalar(_) | Value::Broken | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns a whole number.
    pub(super) fn integer(&self) -> Option<i64> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind == ScalarKind::Integer => scalar::integer(&scalar.text),
            Value::Scalar(_) | Value::Broken | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns a number.
    pub(super) fn number(&self) -> Option<f64> {
        match &self.value {
            Value::Scalar(scalar) => scalar::number(scalar),
            Value::Broken | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns `true` or `false`.
    pub(super) fn boolean(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind == ScalarKind::Boolean => {
                Some(scalar.text.eq_ignore_ascii_case("true"))
            }
            Value::Scalar(_) | Value::Broken | Value::List(_) | Value::Map(_) => None,
        }
    }
}
