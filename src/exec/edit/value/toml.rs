//! TOML 1.0. Tables, dotted keys, lists of tables and tables in a line are all ways along which a pointer leads.

use std::ops::Range;

use toml_edit::{Datetime, Document, Item, TableLike, Value as Tree};
use zeroize::Zeroizing;

use super::{LIST, MAPPING, Search, Sort, Value, Written, number};

/// Where the way has led to.
enum At<'t> {
    Item(&'t Item),
    Value(&'t Tree),
    Keys(&'t dyn TableLike),
}

/// Finds a value.
///
/// # Errors
/// As [`super::find`].
pub(super) fn find(search: &Search<'_>) -> Result<Value, String> {
    let document = Document::parse(search.text).map_err(|wrong| {
        // Its own words would show the line, which may hold a secret.
        let place = wrong.span().map_or(0, |span| span.start.min(search.text.len()));
        let place = (0..=place).rev().find(|at| search.text.is_char_boundary(*at)).unwrap_or(0);
        search.at(place, &format!("this is not TOML: {}", wrong.message()))
    })?;
    let mut at = At::Keys(document.as_table());
    for (depth, step) in search.steps.iter().enumerate() {
        at = next(&at, step).ok_or_else(|| search.nowhere(depth, names(&at)))?;
    }
    let value = match at {
        At::Value(value) | At::Item(Item::Value(value)) => value,
        At::Item(Item::ArrayOfTables(_)) => return Err(format!("{}: {LIST}", search.pointer)),
        At::Keys(_) | At::Item(Item::Table(_) | Item::None) => {
            return Err(format!("{}: {MAPPING}", whole(search.pointer)));
        }
    };
    let range = value.span().ok_or_else(|| search.nowhere(search.steps.len(), []))?;
    let raw = search.text.get(range.clone()).unwrap_or_default();
    let (sort, says) = match value {
        Tree::String(text) => (Sort::Text, text.value().clone()),
        Tree::Integer(_) => (Sort::Whole, raw.to_owned()),
        Tree::Float(_) => (Sort::Fraction, raw.to_owned()),
        Tree::Boolean(_) => (Sort::Truth, raw.to_owned()),
        Tree::Datetime(_) => (Sort::Date, raw.to_owned()),
        Tree::Array(_) => return Err(search.at(range.start, LIST)),
        Tree::InlineTable(_) => return Err(search.at(range.start, MAPPING)),
    };
    let written = Written::Toml { literal: raw.starts_with('\'') };
    Ok(Value { range, sort, written, says: Zeroizing::new(says) })
}

fn whole(pointer: &str) -> &str {
    if pointer.is_empty() { "the whole" } else { pointer }
}

/// Takes one step.
fn next<'t>(at: &At<'t>, step: &str) -> Option<At<'t>> {
    let value = |value: &'t Tree| match value {
        Tree::InlineTable(table) => table.get(step).map(At::Value),
        Tree::Array(array) => number(step).and_then(|number| array.get(number)).map(At::Value),
        Tree::String(_) | Tree::Integer(_) | Tree::Float(_) | Tree::Boolean(_) | Tree::Datetime(_) => None,
    };
    match *at {
        At::Keys(keys) => keys.get(step).map(At::Item),
        At::Item(Item::Table(table)) => table.get(step).map(At::Item),
        At::Item(Item::ArrayOfTables(tables)) => {
            number(step).and_then(|number| tables.get(number)).map(|table| At::Keys(table))
        }
        At::Item(Item::None) => None,
        At::Item(Item::Value(inner)) | At::Value(inner) => value(inner),
    }
}

/// Lists the keys at a place.
fn names<'t>(at: &At<'t>) -> Vec<&'t str> {
    let keys = match *at {
        At::Keys(keys) => Some(keys),
        At::Item(item) => item.as_table_like(),
        At::Value(value) => value.as_inline_table().map(|table| table as &dyn TableLike),
    };
    keys.map(|keys| keys.iter().map(|(key, _)| key).collect()).unwrap_or_default()
}

/// Lists where all single values stand; none of what is not TOML.
pub(super) fn all(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Ok(document) = Document::parse(text) else { return found };
    let mut left = vec![At::Keys(document.as_table())];
    while let Some(at) = left.pop() {
        match at {
            At::Keys(keys) => left.extend(keys.iter().map(|(_, item)| At::Item(item))),
            At::Item(Item::None) => {}
            At::Item(Item::Table(table)) => left.push(At::Keys(table)),
            At::Item(Item::ArrayOfTables(tables)) => left.extend(tables.iter().map(|table| At::Keys(table))),
            At::Item(Item::Value(value)) | At::Value(value) => match value {
                Tree::Array(array) => left.extend(array.iter().map(At::Value)),
                Tree::InlineTable(table) => left.extend(table.iter().map(|(_, value)| At::Value(value))),
                Tree::String(_) | Tree::Integer(_) | Tree::Float(_) | Tree::Boolean(_) | Tree::Datetime(_) => {
                    found.extend(value.span());
                }
            },
        }
    }
    found
}

/// Says whether a text is a date, a time, or both.
pub(super) fn is_date(text: &str) -> bool {
    text.parse::<Datetime>().is_ok()
}
