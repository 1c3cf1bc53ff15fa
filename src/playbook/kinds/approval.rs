//! `approval`: a sign-off in the middle, before the walk goes on. By a typed name, which the record calls typed, or with a key.

use super::super::check::sign_off;
use super::super::fields::SIGN_OFF;
use super::super::lower::Lower;
use super::super::plan::{Act, PersonSpec, Section};
use super::super::shape::Field;
use super::super::yaml::Node;
use super::Kind;

pub(in super::super) static KIND: Kind = Kind {
    name: "approval",
    doc: "a sign-off in the middle, by a typed name or with a key (`runsheet sign`); `distinct`: by somebody else than who walks the run, and each by another person",
    example: "approval: { by: dba, distinct: true }",
    fields: &[Field::new("approval", "Who approves before the walk goes on.", SIGN_OFF)],
    changes: false,
    lower,
};

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Act> {
    let entry = node.entry("approval")?;
    if lower.at.undo || lower.at.section == Section::Success {
        lower.fault(entry.place, "`approval` is a step of its own, not a part of one", "move it in front of the step");
        return None;
    }
    let approval = sign_off(lower, &entry.value);
    Some(Act::Person(PersonSpec { approval: Some(approval), ..PersonSpec::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::testing::{act, faults};

    #[test]
    fn names_roles_and_changes_nothing() {
        let Act::Person(person) = act("approval: { by: [dba, owner], distinct: true }") else { panic!("a person") };
        let approval = person.approval.unwrap();
        assert_eq!((approval.by, approval.distinct), (vec!["dba".to_owned(), "owner".to_owned()], true));
        assert_eq!(faults("approval: { by: [dba, dba] }"), ["`dba` signs twice"]);
        assert_eq!(faults("approval: { distinct: true }"), ["a sign-off needs `by`"]);
        assert_eq!(
            faults("run: ls\nrollback: [{ approval: { by: dba } }]"),
            ["`approval` is a step of its own, not a part of one"]
        );
    }
}
