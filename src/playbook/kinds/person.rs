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
    example: "ask: { new_password: { type: secret, prompt: Paste the new password } }",
    fields: &[Field::new("ask", "What is asked for.", INPUTS), OPEN],
    changes: false,
    lower,
};

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Act> {
    let open = lower.template_of(node, "open");
    let text = lower.template_of(node, "manual");
    if let Some(entry) = node.entry("ask").filter(|entry| entry.value.entries().is_empty()) {
        lower.fault(entry.place, "`ask` asks for nothing", "write: `ask: { name: { type: text } }`");
    }
    let ask = node.get("ask").map(|ask| inputs::ask(lower, ask)).unwrap_or_default();
    Some(Act::Person(PersonSpec { text, open, ask }))
}
