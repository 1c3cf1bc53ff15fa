//! `tcp`: whether a port takes connections.

use super::super::lower::Lower;
use super::super::plan::Probe;
use super::super::shape::{Field, Shape};
use super::super::yaml::Node;
use super::{ProbeKind, host_and_port};

pub(super) static PROBE: ProbeKind = ProbeKind {
    name: "tcp",
    doc: "a TCP connection to HOST:PORT",
    example: "{ tcp: \"localhost:5432\", within: 30s }",
    fields: &[Field::new("tcp", "HOST:PORT.", Shape::Text)],
    expects: &[],
    captures: false,
    lower,
};

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Probe> {
    host_and_port(lower, node.get("tcp")?).map(Probe::Tcp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::testing::{faults, probe};

    #[test]
    fn either_connects_or_does_not() {
        assert!(matches!(probe("tcp: localhost:80"), Probe::Tcp(_)));
        assert_eq!(faults("tcp: localhost:80\nexpect: denied"), ["`denied` has no meaning for `tcp`"]);
    }
}
