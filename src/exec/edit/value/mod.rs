//! One value of a JSON, YAML or TOML text: where its bytes stand, and what is written in their place.
//!
//! Comments, order, blanks and every other byte stay: nothing is printed anew but the value itself. It keeps its sort (a
//! text stays a text, a number a number) and its quotes where these can hold the new value; a text always finds quotes that
//! can. What must stay true: where two readers of the format could disagree on what stands there, or on what it becomes,
//! nothing is changed. Nothing here shows a value.

mod json;
mod quotes;
mod toml;
mod yaml;

use std::ops::Range;

use zeroize::Zeroizing;

use self::yaml::Style;
use super::place::line_of;
use crate::playbook::plan::Format;

/// A value that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// Where its bytes stand, quotes included.
    pub range: Range<usize>,
    /// What it is.
    pub sort: Sort,
    /// How it is written.
    pub written: Written,
    /// What it says: a text without its quotes and escapes, anything else as it is written.
    pub says: Zeroizing<String>,
}

/// What sort of value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A number without a fraction, where the format tells the two apart.
    Whole,
    /// A number with a fraction, where the format tells the two apart.
    Fraction,
    /// `true` or `false`.
    Truth,
    /// A date, a time of day, or both.
    Date,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// As JSON.
    Json,
    /// As YAML: in this style, inside brackets or not.
    Yaml {
        /// Its quotes.
        style: Style,
        /// It stands between brackets, where fewer characters need no quotes.
        flow: bool,
    },
    /// As TOML: between single quotes or not.
    Toml {
        /// It stands between single quotes.
        literal: bool,
    },
}

/// The steps of a JSON pointer (RFC 6901, section 4).
fn steps(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

/// Finds the value that a pointer leads to.
///
/// # Errors
/// When it is not there, stands twice, or is nothing that one value can take the place of: a sentence without the file's
/// name.
pub(super) fn find(text: &str, format: Format, pointer: &str) -> Result<Value, String> {
    let (text, skipped) = body(text);
    let search = Search { text, pointer, steps: steps(pointer) };
    let mut found = match format {
        Format::Json => json::find(&search),
        Format::Yaml => yaml::find(&search),
        Format::Toml => toml::find(&search),
    }?;
    found.range = found.range.start + skipped..found.range.end + skipped;
    Ok(found)
}

/// Lists where all single values of a text stand, in their order; none where it cannot be read.
pub(super) fn all(text: &str, format: Format) -> Vec<Range<usize>> {
    let (text, skipped) = body(text);
    let mut found = match format {
        Format::Json => json::all(text),
        Format::Yaml => yaml::all(text),
        Format::Toml => toml::all(text),
    };
    for range in &mut found {
        *range = range.start + skipped..range.end + skipped;
    }
    found.sort_by_key(|range| range.start);
    found
}

/// What is looked for, and where.
struct Search<'t> {
    text: &'t str,
    pointer: &'t str,
    steps: Vec<String>,
}

impl Search<'_> {
    /// Says that the way ends: `at` is the number of the step that leads nowhere, `names` are those that would.
    fn nowhere<'n>(&self, at: usize, names: impl IntoIterator<Item = &'n str>) -> String {
        let pointer = if self.pointer.is_empty() { "the whole" } else { self.pointer };
        let near = self.steps.get(at).and_then(|step| crate::playbook::nearest(step, names));
        let meant = near.map(|name| format!("; {} is there", self.pointer_to(at, name))).unwrap_or_default();
        format!("there is no {pointer}{meant}")
    }

    /// Writes the pointer whose step `at` is this one.
    fn pointer_to(&self, at: usize, last: &str) -> String {
        let steps = self.steps[..at].iter().map(String::as_str).chain([last]);
        let steps: Vec<String> = steps.map(|step| step.replace('~', "~0").replace('/', "~1")).collect();
        format!("/{}", steps.join("/"))
    }

    /// Says that a key stands twice.
    fn twice(&self, at: usize, first: usize, second: usize) -> String {
        let pointer = self.pointer_to(at, &self.steps[at]);
        format!("{pointer} stands twice, in lines {} and {}", line_of(self.text, first), line_of(self.text, second))
    }

    /// Says what is in the way of the value at a place.
    fn at(&self, place: usize, wrong: &str) -> String {
        format!("line {}: {wrong}", line_of(self.text, place))
    }
}

/// Takes a step for the number of an entry. A sign, or a zero before it, makes it another word (RFC 6901, section 4).
fn number(step: &str) -> Option<usize> {
    let digits = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (step == "0" || !step.starts_with('0'))).then(|| step.parse().ok()).flatten()
}

/// What is said of something that one value cannot take the place of.
const LIST: &str = "a list stands there, no single value; lead the pointer to an entry of it";
const MAPPING: &str = "a group of keys stands there, no single value; lead the pointer to one of them";
const NOTHING: &str =
    "nothing (null) stands there, so what sort of value it should be is not known; change it by `match`";

impl Value {
    /// Writes a new value as this one is written.
    ///
    /// # Errors
    /// Why it cannot stand there: the end of a sentence, without the value.
    pub(super) fn write(&self, new: &str) -> Result<Zeroizing<String>, &'static str> {
        let as_it_is = |fits: bool, why| if fits { Ok(Zeroizing::new(new.to_owned())) } else { Err(why) };
        match self.sort {
            Sort::Text => Ok(self.quoted(new)),
            Sort::Number => {
                let fits = match self.written {
                    Written::Json | Written::Toml { .. } => is_number(new),
                    Written::Yaml { .. } => yaml::is_number(new),
                };
                as_it_is(fits, "a number stands there, and the new value is none")
            }
            Sort::Whole => as_it_is(
                is_number(new) && new.parse::<i64>().is_ok(),
                "a whole number stands there, and the new value is none",
            ),
            Sort::Fraction => as_it_is(
                is_number(new) && new.contains(['.', 'e', 'E']),
                "a number with a fraction stands there, and the new value is none (write 2.0 for 2)",
            ),
            Sort::Truth => {
                as_it_is(matches!(new, "true" | "false"), "true or false stands there, and the new value is neither")
            }
            Sort::Date => as_it_is(toml::is_date(new), "a date or time stands there, and the new value is none"),
        }
    }

    /// Writes a name in braces that stands for a value which is still to come.
    pub(super) fn write_gap(&self, name: &str) -> Zeroizing<String> {
        match self.sort {
            Sort::Text => self.quoted(name),
            // Nothing else would let the rest be read.
            Sort::Number | Sort::Whole | Sort::Fraction | Sort::Truth | Sort::Date => quotes::json(name),
        }
    }

    fn quoted(&self, new: &str) -> Zeroizing<String> {
        match self.written {
            Written::Json => quotes::json(new),
            Written::Yaml { style, flow } => quotes::yaml(new, style, flow),
            Written::Toml { literal } => quotes::toml(new, literal),
        }
    }

    /// Makes sure that a text in which this value was replaced says what is wanted there, and elsewhere what it said.
    ///
    /// # Errors
    /// A sentence without the file's name.
    pub(super) fn check(&self, texts: (&str, &str), wanted: &str, format: Format, pointer: &str) -> Result<(), String> {
        let (old, new) = texts;
        let there = find(new, format, pointer).is_ok_and(|found| {
            found.sort == self.sort && *found.says == wanted && found.range.start == self.range.start
        });
        let elsewhere = match format {
            // A value of these ends by itself, whatever is in it.
            Format::Json | Format::Toml => true,
            Format::Yaml => {
                let (old, skipped) = body(old);
                yaml::same_but_for_one(old, body(new).0, self.range.start - skipped)
            }
        };
        if there && elsewhere {
            return Ok(());
        }
        Err(format!(
            "with the new value of {pointer} more than that value would be read differently; change it by hand"
        ))
    }
}

/// Passes over the mark that may stand at the beginning: it says nothing, and not every parser passes over it. Also tells its
/// length.
fn body(text: &str) -> (&str, usize) {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    (body, text.len() - body.len())
}

/// Says whether a text is a number as JSON writes it, which every format reads alike.
fn is_number(text: &str) -> bool {
    !text.contains(char::is_whitespace) && serde_json::from_str::<serde_json::Number>(text).is_ok()
}

#[cfg(test)]
mod tests;
