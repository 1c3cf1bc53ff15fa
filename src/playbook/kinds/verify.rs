//! `verify`: beside another kind it proves that one; alone it makes a step that only checks.

use super::super::lower::Lower;
use super::super::plan::Act;
use super::super::probes;
use super::super::shape::{Field, Shape};
use super::super::yaml::Node;
use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "verify",
    doc: "alone: a step that only checks; beside another kind: how the world is asked whether it worked",
    example: "verify: { tcp: \"localhost:5432\", within: 30s }",
    fields: &[Field::new(
        "verify",
        "Probes that must pass.",
        Shape::OneOf(&[Shape::Map(probes::table), Shape::List(&Shape::Map(probes::table), 1)]),
    )],
    changes: false,
    lower,
};

fn lower<'a>(_: &mut Lower<'a>, _: &'a Node) -> Option<Act> {
    Some(Act::Verify)
}
