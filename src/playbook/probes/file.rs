//! `file`: whether a file is there, and what it is.

use super::super::fields::GIVEN;
use super::super::lower::Lower;
use super::super::plan::{FileSpec, Probe};
use super::super::shape::{Field, Key, Shape};
use super::super::yaml::Node;
use super::ProbeKind;

pub(super) static PROBE: ProbeKind = ProbeKind {
    name: "file",
    doc: "a file: `exists`, `mode`, `contains`, `dotenv` keys with their values, `sha256`",
    example: "{ file: .env, mode: \"0600\", dotenv: { MODE: live } }",
    fields: &[
        Field::new("file", "The path.", Shape::Text),
        Field::new("exists", "Whether it is there; `true` when left out.", Shape::Boolean),
        Field::new("mode", "Its mode, in octal.", Shape::Scalar),
        Field::new("contains", "A text, or a secret by name, that stands in it.", GIVEN),
        Field::new("dotenv", "Keys with their values: texts, or secrets by name.", Shape::Open(Key::Variable, &GIVEN)),
        Field::new("sha256", "The SHA-256 of its bytes, in hex.", Shape::Text),
    ],
    expects: &[],
    captures: false,
    lower,
};

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Probe> {
    let path = lower.template_of(node, "file");
    let exists = node.get("exists").and_then(Node::boolean).unwrap_or(true);
    let mode = node.get("mode").and_then(|mode| mode_of(lower, mode));
    let contains = node.get("contains").and_then(|text| lower.given(text));
    let dotenv = lower.givens(node, "dotenv");
    let sha256 = node.get("sha256").and_then(|sum| {
        let text = sum.scalar()?;
        let digest = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !digest && !text.contains("${") {
            lower.fault(sum.place, "this is no SHA-256", "write: 64 digits in hex, as `sha256sum` prints them");
        }
        lower.template(sum)
    });
    if !exists {
        for key in ["mode", "contains", "dotenv", "sha256"] {
            if let Some(entry) = node.entry(key) {
                lower.fault(
                    entry.place,
                    format!("`{key}` of a file that is not there"),
                    "take it or `exists: false` out",
                );
            }
        }
    }
    Some(Probe::File(FileSpec { path: path?, exists, mode, contains, dotenv, sha256 }))
}

fn mode_of(lower: &mut Lower<'_>, node: &Node) -> Option<u32> {
    let text = node.scalar()?;
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| (3..=5).contains(&digits.len()) && *mode <= 0o7777);
    if mode.is_none() {
        lower.fault(node.place, "this is no mode", "write: `\"0640\"`");
    }
    mode
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::testing::{faults, probe};

    #[test]
    fn reads_modes_in_octal_however_they_are_written() {
        for written in ["'0640'", "0640", "640", "0o640"] {
            let Probe::File(file) = probe(&format!("file: f\nmode: {written}")) else { panic!("a file") };
            assert_eq!((file.mode, file.exists), (Some(0o640), true), "{written}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_has_nothing_else() {
        assert_eq!(faults("file: f\nexists: false"), [""; 0]);
        assert_eq!(faults("file: f\nexists: false\ncontains: a"), ["`contains` of a file that is not there"]);
    }

    #[test]
    fn values_of_keys_may_be_secrets() {
        let Probe::File(file) = probe("file: f\ndotenv: { A: { secret: new_password }, B: c }") else {
            panic!("a file")
        };
        assert_eq!(file.dotenv.len(), 2);
    }
}
