//! JSON. Comments and commas behind the last entry are passed over, as the files that have them are read by programs that
//! allow them; what else is not JSON is refused.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value as Tree};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use zeroize::Zeroizing;

use super::{LIST, MAPPING, NOTHING, Search, Sort, Value, Written, number};

const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Finds a value.
///
/// # Errors
/// As [`super::find`].
pub(super) fn find(search: &Search<'_>) -> Result<Value, String> {
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let tree = parse_to_ast(search.text, &collect, &OPTIONS).map_err(|wrong| format!("this is not JSON: {wrong}"))?;
    let mut at = tree.value.as_ref().ok_or("this is not JSON: there is no value in it")?;
    for (depth, step) in search.steps.iter().enumerate() {
        at = match at {
            Tree::Object(object) => &entry(search, object, depth)?.value,
            Tree::Array(array) => {
                number(step).and_then(|number| array.elements.get(number)).ok_or_else(|| search.nowhere(depth, []))?
            }
            Tree::StringLit(_) | Tree::NumberLit(_) | Tree::BooleanLit(_) | Tree::NullKeyword(_) => {
                return Err(search.nowhere(depth, []));
            }
        };
    }
    let range = at.start()..at.end();
    let (sort, says) = match at {
        Tree::StringLit(text) => (Sort::Text, text.value.clone().into_owned()),
        Tree::NumberLit(number) => (Sort::Number, number.value.to_owned()),
        Tree::BooleanLit(truth) => (Sort::Truth, truth.value.to_string()),
        Tree::Object(_) => return Err(search.at(range.start, MAPPING)),
        Tree::Array(_) => return Err(search.at(range.start, LIST)),
        Tree::NullKeyword(_) => return Err(search.at(range.start, NOTHING)),
    };
    Ok(Value { range, sort, written: Written::Json, says: Zeroizing::new(says) })
}

/// Lists where all single values stand; none of what is not JSON.
pub(super) fn all(text: &str) -> Vec<Range<usize>> {
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let mut found = Vec::new();
    // Not recursive: only what is still to be looked at is kept.
    if let Ok(tree) = parse_to_ast(text, &collect, &OPTIONS) {
        let mut left: Vec<&Tree<'_>> = tree.value.iter().collect();
        while let Some(tree) = left.pop() {
            match tree {
                Tree::Object(object) => left.extend(object.properties.iter().map(|entry| &entry.value)),
                Tree::Array(array) => left.extend(&array.elements),
                Tree::StringLit(_) | Tree::NumberLit(_) | Tree::BooleanLit(_) | Tree::NullKeyword(_) => {
                    found.push(tree.start()..tree.end());
                }
            }
        }
    }
    found
}

/// Finds the one entry of an object that a step names.
fn entry<'t, 'a>(search: &Search<'_>, object: &'t Object<'a>, depth: usize) -> Result<&'t ObjectProp<'a>, String> {
    let step = &search.steps[depth];
    let mut named = object.properties.iter().filter(|entry| entry.name.as_str() == step);
    match (named.next(), named.next()) {
        (Some(one), None) => Ok(one),
        (Some(one), Some(other)) => Err(search.twice(depth, one.start(), other.start())),
        (None, _) => Err(search.nowhere(depth, object.properties.iter().map(|entry| entry.name.as_str()))),
    }
}
