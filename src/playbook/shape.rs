//! Shapes: what may stand where in a playbook, as tables.
//!
//! The checker ([`super::structure`]) and the JSON Schema ([`super::schema`]) are made from these, so they cannot
//! disagree. A shape says nothing of meaning: whether a name is known is found later, when the tree is lowered.

use std::collections::HashMap;

/// What a value may be.
#[derive(Debug)]
pub(super) enum Shape {
    /// A text with at least one character.
    Text,
    /// A text in which `${name}` may stand.
    Template,
    /// A text, a number, `true` or `false`, taken as it is written.
    Scalar,
    /// A whole number from the first to the second, both included.
    Integer(i64, i64),
    /// Any number.
    Number,
    /// Any number, or one value of the run as `${name}`.
    Amount,
    /// `true` or `false`.
    Boolean,
    /// Only `true`.
    Yes,
    /// A duration longer than nothing.
    Duration,
    /// A duration that may be zero.
    DurationOrZero,
    /// A regular expression.
    Pattern,
    /// A JSON pointer.
    Pointer,
    /// The name of a value.
    Name,
    /// The id of a step.
    Id,
    /// The name of an environment variable.
    Variable,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A mapping with known keys.
    Map(fn() -> &'static Table),
    /// A mapping with keys of the author's.
    Open(Key, &'static Shape),
    /// A list with at least so many entries.
    List(&'static Shape, usize),
    /// The first that fits the sort of value: scalar, list or mapping. At most one of each sort.
    OneOf(&'static [Shape]),
    /// Anything.
    Any,
}

/// What the keys of an open mapping may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Any,
    Name,
    /// A name, or one of an included playbook behind the step that includes it.
    Reference,
    Variable,
    Pointer,
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    /// One line on what it is for; the schema's description.
    pub(super) doc: &'static str,
    pub(super) shape: Shape,
    /// It must be there.
    pub(super) required: bool,
}

impl Field {
    /// Makes a field that may be left out.
    pub(super) const fn new(name: &'static str, doc: &'static str, shape: Shape) -> Self {
        Self { name, doc, shape, required: false }
    }

    /// Makes a field that must be there.
    pub(super) const fn required(name: &'static str, doc: &'static str, shape: Shape) -> Self {
        Self { name, doc, shape, required: true }
    }
}

/// The keys of a mapping.
#[derive(Debug)]
pub(super) struct Table {
    /// What has these keys, with its article: "a step".
    pub(super) what: &'static str,
    /// The fields in the order in which they are documented.
    pub(super) fields: Vec<&'static Field>,
    /// What a field goes with: of these keys at least one must stand beside it.
    pub(super) owners: HashMap<&'static str, Vec<&'static str>>,
    /// Keys of which exactly one must be there; those of one entry may stand together.
    pub(super) kinds: Vec<&'static [&'static str]>,
    /// A key that takes the place of a kind when none is there.
    pub(super) instead: Option<&'static str>,
    by_name: HashMap<&'static str, &'static Field>,
}

impl Table {
    /// Makes a table. A field that stands in several groups counts once.
    pub(super) fn new(what: &'static str, groups: &[&'static [Field]]) -> Self {
        let mut fields = Vec::new();
        let mut by_name = HashMap::new();
        for field in groups.iter().copied().flatten() {
            if by_name.insert(field.name, field).is_none() {
                fields.push(field);
            }
        }
        Self { what, fields, owners: HashMap::new(), kinds: Vec::new(), instead: None, by_name }
    }

    /// Adds a kind: its key comes first in its fields, the others may stand only beside it.
    pub(super) fn with_kind(mut self, fields: &'static [Field]) -> Self {
        let Some((key, companions)) = fields.split_first() else { return self };
        self.add(key);
        for field in companions {
            self.add(field);
            self.owners.entry(field.name).or_default().push(key.name);
        }
        self
    }

    /// Says which keys exclude each other.
    pub(super) fn exactly_one(mut self, kinds: Vec<&'static [&'static str]>, instead: Option<&'static str>) -> Self {
        // What every mapping of this table may have goes with anything.
        self.owners.retain(|name, _| !kinds.iter().any(|kind| kind.contains(name)));
        self.kinds = kinds;
        self.instead = instead;
        self
    }

    /// Lets a field of the table stand only beside this key.
    pub(super) fn goes_with(mut self, name: &'static str, key: &'static str) -> Self {
        self.owners.entry(name).or_default().push(key);
        self
    }

    /// Lets a field stand beside any of these keys.
    pub(super) fn beside(mut self, field: &'static Field, keys: impl IntoIterator<Item = &'static str>) -> Self {
        self.add(field);
        self.owners.entry(field.name).or_default().extend(keys);
        self
    }

    fn add(&mut self, field: &'static Field) {
        if self.by_name.contains_key(field.name) {
            return;
        }
        self.by_name.insert(field.name, field);
        self.fields.push(field);
    }

    /// Finds a field by its name.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.by_name.get(name).copied()
    }
}
