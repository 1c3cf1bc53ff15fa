//! `evidence:` of a step: what is to be kept as proof of it, one entry an item.
//!
//! The table, the types of the plan and the lowering. What a person gives is a text or a file; a fingerprint and the output
//! are taken by the program. What must stay true: no item asks for the value of a secret.

use std::sync::LazyLock;

use super::lower::{Lower, flag};
use super::names::Wants;
use super::plan::{Act, Action, Name, Part, Template};
use super::shape::{Field, Shape, Table};
use super::yaml::Node;

/// Something that is to be kept as proof of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceSpec {
    /// What it is: the question, where a person is asked.
    pub title: Template,
    /// What is wanted.
    pub want: Want,
    /// It may be passed over without a reason.
    pub optional: bool,
}

/// What is wanted as evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// A text, from a person.
    Text,
    /// A file, which is copied into the run.
    File,
    /// The fingerprint of a secret, under the run's own key.
    Fingerprint(Name),
    /// The transcript of the step's command.
    Output,
}

impl EvidenceSpec {
    /// Says whether a person gives it.
    #[must_use]
    pub fn asks(&self) -> bool {
        match self.want {
            Want::Text | Want::File => true,
            Want::Fingerprint(_) | Want::Output => false,
        }
    }
}

/// What may stand under `evidence`.
pub(super) const EVIDENCE: Shape =
    Shape::OneOf(&[Shape::Text, Shape::Map(table), Shape::List(&Shape::OneOf(&[Shape::Text, Shape::Map(table)]), 1)]);

fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "an item of evidence",
            &[const {
                &[
                    Field::new("text", "A text is asked for, with this question; a plain entry is the same.", Shape::Text),
                    Field::new("file", "A file is asked for, with this question; a copy is kept in the run.", Shape::Text),
                    Field::new(
                        "fingerprint",
                        "The fingerprint of this secret is recorded, which says which values are the same and nothing else.",
                        Shape::Name,
                    ),
                    Field::new(
                        "output",
                        "What the step's command printed is recorded by its checksum, under this title.",
                        Shape::Text,
                    ),
                    Field::new("optional", "It may be passed over without a reason.", Shape::Boolean),
                ]
            }],
        )
        .exactly_one(vec![&["text"], &["file"], &["fingerprint"], &["output"]], None)
    });
    &TABLE
}

/// Lowers the items of a step, in order. The step's own captures have a value by then.
pub(super) fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node, action: Option<&Action>) -> Vec<EvidenceSpec> {
    let items = node.get("evidence").map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| one(lower, item, action)).collect()
}

fn one<'a>(lower: &mut Lower<'a>, node: &'a Node, action: Option<&Action>) -> Option<EvidenceSpec> {
    let optional = flag(node, "optional");
    if node.scalar().is_some() {
        return Some(EvidenceSpec { title: lower.template(node)?, want: Want::Text, optional });
    }
    if let Some(title) = lower.template_of(node, "text") {
        return Some(EvidenceSpec { title, want: Want::Text, optional });
    }
    if let Some(title) = lower.template_of(node, "file") {
        return Some(EvidenceSpec { title, want: Want::File, optional });
    }
    if let Some(name) = node.get("fingerprint") {
        let name = lower.name(name, Wants::Secret)?;
        let title = Template::new(vec![Part::Text(format!("Fingerprint of {name}"))]);
        return Some(EvidenceSpec { title, want: Want::Fingerprint(name), optional });
    }
    let output = node.entry("output")?;
    if action.is_some_and(|action| !matches!(action.act, Act::Run(_))) {
        lower.fault(
            output.place,
            "this step has no output",
            "only what a `run` prints is kept: write `text: …` or `file: …` for what a person brings",
        );
    }
    Some(EvidenceSpec { title: lower.template(&output.value)?, want: Want::Output, optional })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::testing::{faults, step};

    #[test]
    fn every_sort_of_item_is_lowered_in_order() {
        let step = step(
            "run: date\nread_only: true\nevidence: [Who was told, { text: 'About ${app_root}', optional: true }, { file: A picture }, \
             { fingerprint: new_password }, { output: What date says }]",
        );
        let wants: Vec<(&Want, bool, bool)> =
            step.evidence.iter().map(|item| (&item.want, item.optional, item.asks())).collect();
        let name = Want::Fingerprint("new_password".into());
        assert_eq!(
            wants,
            [
                (&Want::Text, false, true),
                (&Want::Text, true, true),
                (&Want::File, false, true),
                (&name, false, false),
                (&Want::Output, false, false),
            ]
        );
        assert_eq!(step.evidence[3].title.fill(|_| None), "Fingerprint of new_password");
    }

    #[test]
    fn one_item_may_stand_alone() {
        assert_eq!(step("wait: 1s\nevidence: Who was told").evidence.len(), 1);
        assert_eq!(step("wait: 1s\nevidence: { file: A picture }").evidence.len(), 1);
        assert!(step("wait: 1s").evidence.is_empty());
    }

    #[test]
    fn a_secret_is_no_part_of_a_question_and_a_fingerprint_is_of_a_secret() {
        assert_eq!(faults("wait: 1s\nevidence: '${new_password}'").len(), 1);
        assert_eq!(faults("wait: 1s\nevidence: { fingerprint: app_root }").len(), 1);
        assert_eq!(faults("wait: 1s\nevidence: { output: x }"), ["this step has no output"]);
        assert_eq!(faults("wait: 1s\nevidence: { text: x, file: y }").len(), 1);
    }

    #[test]
    fn what_the_step_captures_can_be_spoken_of() {
        assert_eq!(
            faults("run: date\nread_only: true\ncapture: { now: whole }\nevidence: { text: 'At ${now}' }"),
            [""; 0]
        );
    }
}
