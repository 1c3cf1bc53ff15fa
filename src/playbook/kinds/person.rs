//! `manual` and `ask`: what a person does, and what they bring back. Both may stand in one step.

use super::super::inputs::{self, INPUTS};
use super::super::lower::Lower;
use super::super::plan::{Act, PersonSpec};
use super::super::shape::{Field, Shape};
use super::super::yaml::Node;
use super::Kind;

const OPEN: Field = Field::new("open", "A link to open or copy.", Shape::Text);

pub(super) static MANUAL: Kind = Kind {
    name: "manual",
    doc: "instructions that the operator carries out; lines `- [ ] …` are ticked one by one; `open:` a link",
    example: "manual: Choose **Reset password** beside `default`.",
    fields: &[Field::new("manual", "Instructions; Markdown.", Shape::Text), OPEN],
    changes: true,
    lower,
};

pub(super) static ASK: Kind = Kind {
    name: "ask",
    doc: "takes inputs now, of the same types as at the top; may stand beside `manual`",
    example: "ask: { pasted_password: { type: secret, prompt: Paste the new password } }",
    fields: &[Field::new("ask", "What is asked for.", INPUTS), OPEN],
    changes: false,
    lower,
};

#[expect(clippy::unnecessary_wraps, reason = "the signature of every kind in the table")]
fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Act> {
    let open = lower.template_of(node, "open");
    let text = lower.template_of(node, "manual");
    if let Some(entry) = node.entry("ask").filter(|entry| entry.value.entries().is_empty()) {
        lower.fault(entry.place, "`ask` asks for nothing", "write: `ask: { name: { type: text } }`");
    }
    let ask = node.get("ask").map(|ask| inputs::ask(lower, ask)).unwrap_or_default();
    Some(Act::Person(PersonSpec { text, open, ask, approval: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::InputKind;
    use crate::playbook::testing::{act, faults};

    #[test]
    fn manual_and_ask_are_one_act() {
        let lines = "manual: Reset it.\nask: { pasted: { type: secret, min_length: 8 } }\nopen: https://a.example\nirreversible: x";
        let Act::Person(person) = act(lines) else { panic!("a person") };
        assert!(person.text.is_some() && person.open.is_some());
        assert_eq!(person.ask[0].kind, InputKind::Secret);
        assert_eq!(person.ask[0].env, "PASTED");
    }

    #[test]
    fn only_what_a_person_does_may_change_something() {
        assert_eq!(faults("ask: { x: { type: text } }"), [""; 0]);
        assert_eq!(faults("manual: Do it.").len(), 1);
        assert_eq!(faults("manual: Look.\nread_only: true"), [""; 0]);
    }

    #[test]
    fn a_later_question_may_use_an_earlier_answer() {
        assert_eq!(faults("ask: { a: { type: text }, b: { type: text, default: '${a}' } }"), [""; 0]);
        assert_eq!(
            faults("ask: { b: { type: text, default: '${a}' }, a: { type: text } }"),
            ["`a` is used before it has a value"]
        );
    }
}
