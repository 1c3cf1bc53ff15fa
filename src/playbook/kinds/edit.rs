//! `edit`: changes files, and undoes itself.

use std::sync::LazyLock;

use super::super::fields::GIVEN;
use super::super::lower::{Lower, flag, text_of};
use super::super::names::Wants;
use super::super::plan::{Act, EditPlace, EditSpec, Format, Given, Put};
use super::super::shape::{Field, Shape, Table};
use super::super::yaml::Node;
use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "edit",
    doc: "changes files: the value of a `dotenv` key, the one at a `json`, `yaml` or `toml` pointer, or what `match` finds, with `value`, `replace` or `url_password`; or a line to `append`; undone by itself",
    example: "edit: { file: .env, dotenv: DATABASE_URL, url_password: new_password }",
    fields: &[Field::new(
        "edit",
        "Changes to files.",
        Shape::OneOf(&[Shape::Map(table), Shape::List(&Shape::Map(table), 1)]),
    )],
    changes: false,
    lower,
};

fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "an edit",
            &[const {
                &[
                    Field::required("file", "The file.", Shape::Template),
                    Field::new("dotenv", "The key of a dotenv file whose value is changed.", Shape::Variable),
                    Field::new(
                        "match",
                        "A regular expression; where it has a group, only the group is replaced.",
                        Shape::Pattern,
                    ),
                    Field::new("value", "The new value of the key: a text, or a secret by name.", GIVEN),
                    Field::new(
                        "replace",
                        "What is put in for the match, literally: a text, or a secret by name.",
                        GIVEN,
                    ),
                    Field::new(
                        "url_password",
                        "The secret to put in as the password of the URL that stands there.",
                        Shape::Name,
                    ),
                    Field::new(
                        "count",
                        "How many places there must be, exactly; 1 when left out.",
                        Shape::Integer(1, 100_000),
                    ),
                    Field::new(
                        "json",
                        "A JSON pointer to the value in a JSON file; comments may stand in it.",
                        Shape::Pointer,
                    ),
                    Field::new("yaml", "A JSON pointer to the value in a YAML file of one document.", Shape::Pointer),
                    Field::new("toml", "A JSON pointer to the value in a TOML file.", Shape::Pointer),
                    Field::new(
                        "append",
                        "A line to put at the end of the file: for logs and checklists. No secret can stand in it.",
                        Shape::Text,
                    ),
                    Field::new(
                        "missing",
                        "The file need not be there: it is made, readable by its owner alone, and a rollback removes it.",
                        Shape::Boolean,
                    ),
                ]
            }],
        )
        .exactly_one(vec![&["dotenv"], &["json"], &["yaml"], &["toml"], &["match"], &["append"]], None)
        .goes_with("value", "dotenv")
        .goes_with("value", "json")
        .goes_with("value", "yaml")
        .goes_with("value", "toml")
        .goes_with("replace", "match")
        .goes_with("missing", "append")
        .goes_with("count", "match")
    });
    &TABLE
}

/// The formats, by the keys that name them.
const FORMATS: [(&str, Format); 3] = [("json", Format::Json), ("yaml", Format::Yaml), ("toml", Format::Toml)];

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Act> {
    let edits = node.get("edit")?;
    Some(Act::Edit(edits.items().iter().filter_map(|item| edit(lower, item)).collect()))
}

fn edit<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<EditSpec> {
    let file = lower.template_of(node, "file");
    if let Some(line) = node.get("append") {
        let put = append(lower, line);
        let place = EditPlace::Append { missing: flag(node, "missing") };
        return Some(EditSpec { file: file?, place, put: put?, count: 1 });
    }
    let pattern = node.get("match").and_then(|pattern| lower.pattern_with_one_group(pattern));
    let formats = FORMATS.iter().find_map(|(key, format)| Some((*format, text_of(node, key)?)));
    let place = text_of(node, "dotenv")
        .map(EditPlace::Dotenv)
        .or(formats.map(|(format, pointer)| EditPlace::Value(format, pointer)))
        .or(pattern.map(EditPlace::Match));
    let put = put(lower, node);
    let count = node.get("count").and_then(Node::integer).and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
    Some(EditSpec { file: file?, place: place?, put: put?, count })
}

/// Lowers a line to append.
fn append<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Put> {
    let line = lower.template_with(node, Wants::Record)?;
    if node.scalar().is_some_and(|text| text.contains(['\n', '\r'])) {
        lower.fault(
            node.place,
            "what is appended is one line, and this has a line end in it",
            "write: an `append` for each line",
        );
        return None;
    }
    Some(Put::Value(Given::Text(line)))
}

fn put<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Put> {
    let mut found: Vec<_> = ["value", "replace", "url_password"].iter().filter_map(|key| node.entry(key)).collect();
    found.sort_by_key(|entry| (entry.place.line, entry.place.column));
    if let [first, second, ..] = found[..] {
        lower.fault(
            second.place,
            format!("an edit cannot have both `{}` and `{}`", first.key, second.key),
            "keep one of them",
        );
    }
    let Some(entry) = found.first() else {
        let has = |key: &str| node.get(key).is_some();
        let valued = has("dotenv") || FORMATS.iter().any(|(key, _)| has(key));
        if valued || has("match") {
            let key = if valued { "value" } else { "replace" };
            lower.fault(
                node.place,
                "an edit does not say what to put there",
                format!("write: `{key}: …` or `url_password: NAME`"),
            );
        }
        return None;
    };
    if entry.key == "url_password" {
        lower.name(&entry.value, Wants::Secret).map(Put::UrlPassword)
    } else {
        lower.given(&entry.value).map(|given: Given| Put::Value(given))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::Template;
    use crate::playbook::testing::{act, faults};

    #[test]
    fn one_edit_or_a_list_of_them() {
        let lines = "edit:\n  - { file: f, dotenv: KEY, value: { secret: new_password } }\n  - { file: f, match: 'a(b)', replace: $1, count: 3 }\n  - { file: f, dotenv: URL, url_password: new_password }";
        let Act::Edit(edits) = act(lines) else { panic!("edits") };
        assert_eq!(edits[0].put, Put::Value(Given::Secret("new_password".into())));
        assert_eq!(edits[1].put, Put::Value(Given::Text(Template::literal("$1"))));
        assert_eq!((edits[0].count, edits[1].count), (1, 3));
        assert_eq!(edits[2].put, Put::UrlPassword("new_password".into()));
        assert!(matches!(act("edit: { file: f, dotenv: KEY, value: 1 }"), Act::Edit(edits) if edits.len() == 1));
    }

    #[test]
    fn a_pointer_leads_to_a_value_of_a_format() {
        for (key, format) in FORMATS {
            let Act::Edit(edits) = act(&format!("edit: {{ file: f, {key}: /a/0, value: 1 }}")) else { panic!("edits") };
            assert!(matches!(&edits[0].place, EditPlace::Value(of, to) if *of == format && to == "/a/0"), "{key}");
            assert_eq!(faults(&format!("edit: {{ file: f, {key}: /a/0 }}")).len(), 1);
        }
    }

    #[test]
    fn a_line_may_be_appended() {
        let Act::Edit(edits) = act("edit: { file: f, append: 'done: ${app_root}', missing: true }") else {
            panic!("edits")
        };
        assert!(matches!(&edits[0].place, EditPlace::Append { missing: true }));
        assert_eq!(faults("edit: { file: f, append: |\n    one\n  }").len(), 1);
        assert_eq!(faults("edit: { file: f, append: \"a\\nb\" }").len(), 1);
        assert_eq!(faults("edit: { file: f, append: '${new_password}' }").len(), 1);
    }

    #[test]
    fn more_than_one_group_is_a_fault_also_the_second_time() {
        let lines = "edit:\n  - { file: f, match: '(a)(b)', replace: c }\n  - { file: f, match: '(a)(b)', replace: c }";
        assert_eq!(faults(lines).len(), 2);
    }
}
