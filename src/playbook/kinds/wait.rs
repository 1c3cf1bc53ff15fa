//! `wait`: time passes, with a countdown that can be cut short.

use super::super::lower::{Lower, duration_of};
use super::super::plan::Act;
use super::super::shape::{Field, Shape};
use super::super::yaml::Node;
use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "wait",
    doc: "a duration, with a countdown that can be cut short",
    example: "wait: 30s",
    fields: &[Field::new("wait", "How long.", Shape::Duration)],
    changes: false,
    lower,
};

fn lower<'a>(_: &mut Lower<'a>, node: &'a Node) -> Option<Act> {
    duration_of(node, "wait").map(Act::Wait)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::playbook::testing::act;

    #[test]
    fn takes_a_duration() {
        assert!(matches!(act("wait: 1m30s"), Act::Wait(time) if time == Duration::from_secs(90)));
    }
}
