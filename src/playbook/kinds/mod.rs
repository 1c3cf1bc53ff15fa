//! The kinds of step: one file each, one line each in [`KINDS`].
//!
//! Checker, schema, help and the README's table come from this table.

mod approval;
mod edit;
mod generate;
pub(super) mod include;
pub(super) mod manner;
mod person;
pub(super) mod run;
mod snapshot;
mod verify;
mod wait;

use super::lower::Lower;
use super::plan::Act;
use super::shape::Field;
use super::yaml::Node;

/// A way to write a step.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// One line on what it does.
    pub(super) doc: &'static str,
    /// A piece of a step.
    pub(super) example: &'static str,
    /// Its key, and the keys that have a meaning only beside it.
    pub(super) fields: &'static [Field],
    /// It changes something, and does not know by itself how to undo that.
    pub(super) changes: bool,
    /// Makes an act of the mapping that has the key.
    pub(super) lower: for<'a> fn(&mut Lower<'a>, &'a Node) -> Option<Act>,
}

/// The kinds, in the order in which they are documented.
pub(super) static KINDS: [&Kind; 10] = [
    &run::KIND,
    &person::MANUAL,
    &person::ASK,
    &generate::KIND,
    &edit::KIND,
    &snapshot::KIND,
    &verify::KIND,
    &wait::KIND,
    &approval::KIND,
    &include::KIND,
];

#[cfg(test)]
mod tests {
    use super::KINDS;
    use crate::playbook::testing::faults;

    #[test]
    fn every_example_is_a_step_in_which_nothing_is_wrong() {
        for kind in KINDS {
            let undo = if kind.changes { "\nirreversible: it is only an example" } else { "" };
            assert_eq!(faults(&format!("{}{undo}", kind.example)), [""; 0], "{}", kind.name);
        }
    }

    #[test]
    fn the_key_of_a_kind_is_its_first_field() {
        for kind in KINDS {
            assert_eq!(kind.fields.first().map(|field| field.name), Some(kind.name));
        }
    }
}
