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

#[expect(clippy::unnecessary_wraps, reason = "the signature of every kind in the table")]
fn lower<'a>(_: &mut Lower<'a>, _: &'a Node) -> Option<Act> {
    Some(Act::Verify)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::testing::step;

    #[test]
    fn alone_it_is_a_step_beside_another_kind_it_proves_that() {
        let alone = step("verify: [{ tcp: 'localhost:1' }, { tcp: 'localhost:2', title: Second }]");
        assert!(matches!(alone.action.act, Act::Verify));
        assert_eq!(alone.action.verify.len(), 2);
        let beside = step("wait: 1s\nverify: { tcp: 'localhost:1' }");
        assert!(matches!(beside.action.act, Act::Wait(_)));
        assert_eq!(beside.action.verify.len(), 1);
    }
}
