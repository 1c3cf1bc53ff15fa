//! `snapshot`: keeps copies of files, and puts them back.

use std::sync::LazyLock;

use super::super::lower::{Lower, flag};
use super::super::plan::{Act, SnapshotSpec};
use super::super::shape::{Field, Shape, Table};
use super::super::yaml::Node;
use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "snapshot",
    doc: "keeps copies of files in the run, encrypted; undone by itself, byte for byte",
    example: "snapshot: [\"${app_root}/.env\"]",
    fields: &[Field::new(
        "snapshot",
        "The files to keep copies of.",
        Shape::OneOf(&[
            Shape::Template,
            Shape::Map(table),
            Shape::List(&Shape::OneOf(&[Shape::Template, Shape::Map(table)]), 1),
        ]),
    )],
    changes: false,
    lower,
};

fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a file to keep",
            &[const {
                &[
                    Field::required("file", "The file.", Shape::Template),
                    Field::new("missing", "It need not be there; then a rollback removes what came.", Shape::Boolean),
                ]
            }],
        )
    });
    &TABLE
}

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Act> {
    let files = node.get("snapshot")?.items();
    Some(Act::Snapshot(files.iter().filter_map(|file| snapshot(lower, file)).collect()))
}

fn snapshot<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<SnapshotSpec> {
    let file = lower.template(node.get("file").unwrap_or(node))?;
    Some(SnapshotSpec { file, missing: flag(node, "missing") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::testing::act;

    #[test]
    fn a_file_or_a_list_of_files() {
        for (lines, missing) in [
            ("snapshot: a", vec![false]),
            ("snapshot: { file: a, missing: true }", vec![true]),
            ("snapshot: [a, { file: b, missing: true }, { file: c }]", vec![false, true, false]),
        ] {
            let Act::Snapshot(files) = act(lines) else { panic!("a snapshot") };
            assert_eq!(files.iter().map(|file| file.missing).collect::<Vec<_>>(), missing, "{lines}");
        }
    }
}
