//! The playbook: YAML in, a checked [`plan::Plan`] or all its faults out. Pure: no file, clock, process or terminal.
//!
//! A text becomes a tree that knows its places ([`yaml`]), is held against tables of what may stand where (`structure`
//! over `shape`), and is lowered to the plan (`check`, `steps`, `kinds`, `probes`), while every name is written down and
//! looked at in the end (`names`). The JSON Schema (`schema`) and the pages for
//! people ([`tables`]) are made from the same tables.

mod accepts;
mod arguments;
mod capture;
mod check;
pub mod describe;
mod drill;
pub mod duration;
mod evidence;
mod expect;
mod fault;
mod fields;
mod format;
mod include;
mod inputs;
mod kinds;
mod lower;
mod name;
mod names;
mod naming;
mod order;
pub mod plan;
mod probes;
mod remedies;
mod schema;
mod scripts;
mod shape;
mod shell;
mod spelling;
mod steps;
mod structure;
pub mod tables;
mod template;
#[cfg(test)]
mod testing;
mod texts;
mod ticks;
mod wanted;
pub mod yaml;

pub use check::{Checked, check, check_with};
pub use fault::{Fault, Severity, nearest};
pub use schema::{Row, kind_rows, probe_rows, schema};
pub use texts::Texts;
pub use ticks::tick_line;
