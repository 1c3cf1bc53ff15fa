//! `include`: the steps of another playbook, with inputs.
//!
//! The steps take the place of this one while the playbook is lowered (`playbook::include`), so there is no act. What stands
//! here is its table, and what may be given for the inputs.

use std::sync::LazyLock;

use super::super::check::One;
use super::super::fault::Fault;
use super::super::fields::GIVEN;
use super::super::include::{Inner, no_input};
use super::super::lower::Lower;
use super::super::names::Wants;
use super::super::plan::{Act, InputKind, InputSpec, Part, Section, Template};
use super::super::shape::{Field, Key, Shape, Table};
use super::super::wanted::one_of;
use super::super::yaml::{Entry, Node};
use super::Kind;

pub(in super::super) static KIND: Kind = Kind {
    name: "include",
    doc: "the steps of another playbook, with inputs; their ids become `step/inner`",
    example: "include: { playbook: other.yaml, inputs: { root: \"${app_root}\", key: { secret: new_password } } }",
    fields: &[Field::new(
        "include",
        "The path of a playbook, from the folder of this one; or `playbook` and `inputs`.",
        Shape::OneOf(&[Shape::Text, Shape::Map(table)]),
    )],
    changes: false,
    lower,
};

fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "an `include`",
            &[const {
                &[
                    Field::required("playbook", "The path of a playbook, from the folder of this one.", Shape::Text),
                    Field::new(
                        "inputs",
                        "What its inputs are: a text, `${name}`, or a secret by name. Those left out are asked in the briefing.",
                        Shape::Open(Key::Name, &GIVEN),
                    ),
                ]
            }],
        )
    });
    &TABLE
}

/// Is only called where no step of a phase stands: those are put in before.
fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Act> {
    // A success criterion does not know the key at all, and says so.
    if let Some(entry) = node.entry("include").filter(|_| lower.at.section != Section::Success) {
        lower.fault(entry.place, "`include` stands only among the steps of a phase", "move it into a phase");
    }
    None
}

/// Checks what is given for the inputs of an included playbook.
pub(in super::super) fn inputs<'a>(lower: &mut Lower<'a>, node: &'a Node, inner: &Inner, made: &One) {
    let given = node.get("include").and_then(|include| include.get("inputs"));
    for entry in given.map(Node::entries).unwrap_or_default() {
        match made.inputs.iter().find(|(name, _)| *name == entry.key) {
            Some((_, spec)) => input(lower, entry, spec),
            None => lower.faults.push(no_input(entry, inner, made)),
        }
    }
}

fn input<'a>(lower: &mut Lower<'a>, entry: &'a Entry, spec: &InputSpec) {
    let (key, place, secret) = (&entry.key, entry.value.place, spec.kind == InputKind::Secret);
    if let Some(name) = entry.value.get("secret") {
        lower.name(name, Wants::Secret);
        if !secret {
            lower.fault(place, format!("`{key}` is no secret there"), "write: a text, or `${name}`");
        }
        return;
    }
    if secret {
        lower.fault(place, format!("`{key}` is a secret and is given by name"), "write: `{ secret: name }`");
        return;
    }
    let Some(template) = lower.template(&entry.value) else { return };
    match template.parts() {
        [Part::Value(_)] => {
            let name = entry.value.scalar().map(|text| Template::parse(text).names).unwrap_or_default();
            let outer = name.first().and_then(|name| lower.names.definitions.get(name)).map(|known| &known.kind);
            if let Some(wrong) = outer.and_then(|outer| unlike(&spec.kind, outer.as_ref())) {
                lower.fault(place, format!("`{key}` {wrong}"), "give both the same `type`");
            }
        }
        parts if parts.iter().all(|part| matches!(part, Part::Text(_))) => {
            if let Err(wrong) = spec.accepts(&template.fill(|_| None)) {
                lower.faults.push(Fault::new(place, format!("`{key}` {wrong}")).advise("write: a value that it takes"));
            }
        }
        _ => lower.fault(
            place,
            "a value is a text, or one `${name}` and nothing else",
            "make the whole an input of this playbook, with a `default`, and name that",
        ),
    }
}

/// Says why a value of one kind cannot stand for one of another. A capture has no kind and is taken at its word, but for
/// what decides which steps are walked.
fn unlike(inner: &InputKind, outer: Option<&InputKind>) -> Option<String> {
    let same = match (inner, outer) {
        (InputKind::Choice(words), Some(InputKind::Choice(others))) => others.iter().all(|word| words.contains(word)),
        (InputKind::Choice(_), _) | (InputKind::Boolean, None) => false,
        (InputKind::Text | InputKind::Path | InputKind::Secret, _) | (_, None) => true,
        (inner, Some(outer)) => inner == outer,
    };
    (!same).then(|| match inner {
        InputKind::Choice(words) => {
            format!("is {} there", one_of(&words.iter().map(String::as_str).collect::<Vec<_>>()))
        }
        InputKind::Boolean => "is `true` or `false` there".to_owned(),
        InputKind::Integer => "is a whole number there".to_owned(),
        InputKind::Url => "is a URL there".to_owned(),
        InputKind::Duration => "is a duration there".to_owned(),
        InputKind::Text | InputKind::Path | InputKind::Secret => "is something else there".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use crate::playbook::testing::faults;

    #[test]
    fn only_a_phase_may_include() {
        assert_eq!(
            faults("run: ls\nrollback: [{ include: other.yaml }]"),
            ["`include` stands only among the steps of a phase"]
        );
    }
}
