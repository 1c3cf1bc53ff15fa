//! `generate`: makes secrets.

use std::sync::LazyLock;

use super::super::capture::sets;
use super::super::lower::Lower;
use super::super::plan::{Act, Alphabet, Encoding, Generate, GenerateSpec};
use super::super::shape::{Field, Key, Shape, Table};
use super::super::spelling;
use super::super::yaml::{Entry, Node};
use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "generate",
    doc: "makes secrets: `{ bytes: 32, encoding: base64 | hex | base64url }` or `{ length: 32, alphabet: alphanumeric | symbols }`",
    example: "generate: { new_key: { bytes: 32, encoding: hex } }",
    fields: &[Field::new(
        "generate",
        "Names of secrets with how they are made.",
        Shape::Open(Key::Name, &Shape::Map(table)),
    )],
    changes: false,
    lower,
};

fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a generated secret",
            &[const {
                &[
                    Field::new("bytes", "How many random bytes.", Shape::Integer(4, 4096)),
                    Field::new(
                        "encoding",
                        "How bytes are written; base64 when left out.",
                        Shape::Choice(&["base64", "hex", "base64url"]),
                    ),
                    Field::new("length", "How many random characters.", Shape::Integer(4, 4096)),
                    Field::new(
                        "alphabet",
                        "Which characters; alphanumeric when left out.",
                        Shape::Choice(&["alphanumeric", "symbols"]),
                    ),
                ]
            }],
        )
        .exactly_one(vec![&["bytes"], &["length"]], None)
        .goes_with("encoding", "bytes")
        .goes_with("alphabet", "length")
    });
    &TABLE
}

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Act> {
    let entry = node.entry("generate")?;
    if entry.value.entries().is_empty() {
        lower.fault(entry.place, "`generate` makes nothing", "write: `generate: { name: { bytes: 32 } }`");
    }
    let mut specs = Vec::new();
    for entry in entry.value.entries().iter().filter(|entry| spelling::is_name(&entry.key)) {
        sets(lower, &entry.key, entry.place, true);
        specs.extend(spec(lower, entry));
    }
    Some(Act::Generate(specs))
}

fn spec(lower: &Lower<'_>, entry: &Entry) -> Option<GenerateSpec> {
    let node = &entry.value;
    let count = |key| node.get(key).and_then(Node::integer).and_then(|n| usize::try_from(n).ok());
    let how = match (count("bytes"), count("length")) {
        (Some(bytes), _) => {
            let encoding = match node.get("encoding").and_then(Node::scalar) {
                Some("hex") => Encoding::Hex,
                Some("base64url") => Encoding::Base64Url,
                Some(_) | None => Encoding::Base64,
            };
            Generate::Bytes { bytes, encoding }
        }
        (None, Some(length)) => {
            let symbols = node.get("alphabet").and_then(Node::scalar) == Some("symbols");
            let alphabet = if symbols { Alphabet::Symbols } else { Alphabet::Alphanumeric };
            Generate::Characters { length, alphabet }
        }
        (None, None) => return None,
    };
    Some(GenerateSpec { name: lower.naming.name(&entry.key), how })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::testing::{faults, plan};

    #[test]
    fn makes_secrets_of_bytes_or_of_characters() {
        let plan = plan(
            "generate: { a: { bytes: 32 }, b: { length: 20, alphabet: symbols }, c: { bytes: 8, encoding: base64url } }",
        );
        let Act::Generate(specs) = &plan.steps[0].action.act else { panic!("secrets") };
        let how: Vec<Generate> = specs.iter().map(|spec| spec.how).collect();
        assert_eq!(
            how,
            [
                Generate::Bytes { bytes: 32, encoding: Encoding::Base64 },
                Generate::Characters { length: 20, alphabet: Alphabet::Symbols },
                Generate::Bytes { bytes: 8, encoding: Encoding::Base64Url },
            ]
        );
        assert!(specs.iter().all(|spec| plan.is_secret(&spec.name)));
    }

    #[test]
    fn refuses_what_is_not_said_clearly() {
        assert_eq!(faults("generate: { a: {} }"), ["a generated secret needs `bytes` or `length`"]);
        assert_eq!(faults("generate: { a: { bytes: 3 } }"), ["`bytes` must be from 4 to 4096"]);
    }
}
