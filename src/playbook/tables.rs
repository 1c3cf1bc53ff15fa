//! The tables of the format as rows of words, for pages that people read: made from those that the checker uses.
//!
//! It says nothing of shapes; that is the schema's. What is known and not built is left out.

use super::expect;
use super::format;
use super::kinds::KINDS;
use super::probes::{COMMON, PROBES};
use super::shape::{Field, Shape, Table};

/// A key, and one line on what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The key.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// It must be there.
    pub required: bool,
}

/// A kind or a probe with its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its own key.
    pub name: &'static str,
    /// One line on what it does.
    pub doc: &'static str,
    /// A piece of YAML.
    pub example: &'static str,
    /// The keys that have a meaning only beside it.
    pub keys: Vec<KeyRow>,
    /// The keys of what is written under it.
    pub inside: Vec<KeyRow>,
}

/// Lists the kinds of step with their keys.
#[must_use]
pub fn kinds() -> Vec<Section> {
    let section = |kind: &&super::kinds::Kind| Section {
        name: kind.name,
        doc: kind.doc,
        example: kind.example,
        keys: rows(beside(kind.name)),
        inside: kind.fields.first().map(|field| inside(&field.shape)).unwrap_or_default(),
    };
    KINDS.iter().map(section).collect()
}

/// Lists the probes with their keys.
#[must_use]
pub fn probes() -> Vec<Section> {
    let section = |probe: &&super::probes::ProbeKind| Section {
        name: probe.name,
        doc: probe.doc,
        example: probe.example,
        keys: rows(probe.fields.iter().skip(1)),
        inside: Vec::new(),
    };
    PROBES.iter().map(section).collect()
}

/// Lists the fields of a step that have a meaning beside a kind.
fn beside(kind: &'static str) -> impl Iterator<Item = &'static Field> {
    let table = format::step();
    let is = move |field: &&Field| table.owners.get(field.name).is_some_and(|owners| owners.contains(&kind));
    table.fields.iter().copied().filter(is)
}

/// Lists the keys of the one mapping that a shape leads to; those of a probe have a chapter of their own.
fn inside(shape: &Shape) -> Vec<KeyRow> {
    fn table(shape: &Shape) -> Option<&'static Table> {
        match shape {
            Shape::Map(table) => Some(table()),
            Shape::Open(_, inner) | Shape::List(inner, _) => table(inner),
            Shape::OneOf(shapes) => shapes.iter().find_map(table),
            _ => None, // whatever else there is has no keys
        }
    }
    let table = table(shape).filter(|table| table.kinds.len() < PROBES.len());
    table.map(|table| rows(table.fields.iter().copied())).unwrap_or_default()
}

/// Lists what any step may have, whatever its kind.
#[must_use]
pub fn step_keys() -> Vec<KeyRow> {
    let table = format::step();
    let kinds = table.kinds.iter().copied().flatten().copied().chain(table.instead);
    let kinds: Vec<&str> = kinds.collect();
    rows(
        table.fields.iter().copied().filter(|field| {
            !table.owners.contains_key(field.name) && !kinds.contains(&field.name) && field.name != "ask"
        }),
    )
}

/// Lists what any probe may have.
#[must_use]
pub fn probe_keys() -> Vec<KeyRow> {
    rows(COMMON.iter())
}

/// Lists what `expect` may ask for.
#[must_use]
pub fn expect_keys() -> Vec<KeyRow> {
    rows(expect::table().fields.iter().copied())
}

fn rows<'f>(fields: impl Iterator<Item = &'f Field>) -> Vec<KeyRow> {
    fields.map(|field| KeyRow { name: field.name, doc: field.doc, required: field.required }).collect()
}
