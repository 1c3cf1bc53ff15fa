//! What is left on paper: a playbook as a checklist, and the record of a run.
//!
//! Both are text made from a plan and a run, nothing else: no file, no clock. What must stay true: a secret appears by
//! name only, text from outside cannot break out of its place, and what failed is never called done.

mod checklist;
mod compare;
mod record;

#[cfg(test)]
mod tests;

pub use checklist::checklist;
pub use compare::{Difference, Side, differences, told_apart};
pub use record::record;

use crate::output::visible_plain;

/// Makes a text fit for one line: line ends and blanks become one blank, and what would not be seen becomes a sign.
fn one_line(text: &str) -> String {
    visible_plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
