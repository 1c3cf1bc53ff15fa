//! `value`: compares a value that the run has.

use super::super::lower::Lower;
use super::super::names::Wants;
use super::super::plan::Probe;
use super::super::shape::{Field, Shape};
use super::super::yaml::Node;
use super::{ProbeKind, TEXT_EXPECTS};

pub(super) static PROBE: ProbeKind = ProbeKind {
    name: "value",
    doc: "compares an input or a capture that is no secret",
    example: "{ value: row_count, expect: { between: [1, 500] } }",
    fields: &[Field::new("value", "The name of the value.", Shape::Name)],
    expects: TEXT_EXPECTS,
    captures: true,
    lower,
};

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Probe> {
    let entry = node.entry("value")?;
    if node.get("expect").is_none() {
        lower.fault(entry.place, "`value` is compared with nothing", "write: `expect: { equals: … }` beside it");
    }
    lower.name(&entry.value, Wants::Text).map(Probe::Value)
}

#[cfg(test)]
mod tests {
    use crate::playbook::plan::{Amount, Expect};
    use crate::playbook::testing::{faults, step};

    #[test]
    fn is_compared_and_is_no_secret() {
        let step = step("value: row_count\nexpect: { close_to: 10, tolerance: 0.5 }");
        assert!(matches!(step.action.verify[0].expect[..], [Expect::CloseTo { .. }]));
        let step =
            crate::playbook::testing::step("value: row_count\nexpect: { close_to: '${row_count}', tolerance: 5 }");
        let [Expect::CloseTo { number, .. }] = &step.action.verify[0].expect[..] else { panic!("close to a value") };
        assert_eq!(*number, Amount::Value("row_count".into()));
        assert_eq!(faults("value: row_count\nexpect: { between: [0, '${row_count}'] }"), [""; 0]);
        assert_eq!(faults("value: row_count\nexpect: { close_to: '${new_password}', tolerance: 5 }").len(), 1);
        assert_eq!(faults("value: row_count"), ["`value` is compared with nothing"]);
        assert_eq!(faults("value: new_password\nexpect: { equals: a }").len(), 1);
    }
}
