//! What is left on paper: a playbook as a checklist, and the report of a run as Markdown, HTML or JSON.
//!
//! A [`Story`] takes the records of a run as they are read; [`report`] puts a [`Report`] together from it, the plan and the
//! run; and each format writes that and nothing else. No file, no clock. What must stay true: a secret appears by name and
//! fingerprint only, text from outside cannot break out of its place, and what failed is never called done.

mod assess;
mod checklist;
mod compare;
pub mod data;
mod gather;
mod html;
mod markdown;
mod picture;
mod story;

#[cfg(test)]
mod tests;

pub use checklist::checklist;
pub use compare::{Difference, Side, differences, told_apart};
pub use data::Report;
pub use gather::{Given, report};
pub use html::{STYLE, html};
pub use markdown::markdown;
pub use story::Story;

use crate::output::visible_plain;

/// Makes a text fit for one line: line ends and blanks become one blank, and what would not be seen becomes a sign.
fn one_line(text: &str) -> String {
    visible_plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes a report as JSON, to the schema in `assets/report.schema.json`.
///
/// # Errors
/// When it cannot be written as JSON, which a report can always be: a sentence.
pub fn json(report: &Report) -> Result<String, String> {
    let text =
        serde_json::to_string_pretty(report).map_err(|error| format!("it cannot be written as JSON: {error}"))?;
    Ok(crate::output::json(&format!("{text}\n")).into_owned())
}

/// The JSON Schema of a report.
pub const SCHEMA: &str = include_str!("../../assets/report.schema.json");
