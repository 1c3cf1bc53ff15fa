//! Inputs: what is asked in the briefing and by `ask`, and where else a value can be taken from.

use std::sync::LazyLock;

use super::fields::{COMMAND, VALUES};
use super::kinds::run::command;
use super::lower::{Lower, text_of, texts_of};
use super::names::Wants;
use super::plan::{InputKind, InputSpec, Source, UrlPart};
use super::shape::{Field, Key, Shape, Table};
use super::spelling;
use super::yaml::{Entry, Node, ScalarKind, Value};

/// A mapping of names and what is asked for.
pub(super) const INPUTS: Shape = Shape::Open(Key::Name, &Shape::Map(table));

const TYPES: &[&str] = &["text", "choice", "path", "integer", "boolean", "url", "duration", "secret"];
const PARTS: &[&str] = &["user", "password", "host", "port", "database"];

fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "an input",
            &[const {
                &[
                    Field::required("type", "What it may be.", Shape::Choice(TYPES)),
                    Field::new("prompt", "The question.", Shape::Text),
                    Field::new("choices", "The values to choose from.", VALUES),
                    Field::new("default", "What is taken when nothing is given.", Shape::Scalar),
                    Field::new("pattern", "A regular expression that it must match.", Shape::Pattern),
                    Field::new("min_length", "How many characters it must have at least.", Shape::Integer(0, 10_000)),
                    Field::new("differs_from", "The name of a value that it must differ from.", Shape::Name),
                    Field::new(
                        "env",
                        "The variable that scripts get it under; its name in capitals when left out.",
                        Shape::Variable,
                    ),
                    Field::new("from", "Where it can be taken from.", Shape::Map(source_table)),
                ]
            }],
        )
    });
    &TABLE
}

fn source_table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a source",
            &[const {
                &[
                    Field::new("env", "An environment variable of the one who starts the run.", Shape::Variable),
                    Field::new("file", "A file; a line end at its end is cut off.", Shape::Template),
                    Field::new("dotenv", "A dotenv file, with `key`.", Shape::Template),
                    Field::new("key", "The key in the dotenv file.", Shape::Text),
                    Field::new("part", "The part of the value, taken as a URL.", Shape::Choice(PARTS)),
                    Field::new("run", "A command; its trimmed output.", COMMAND),
                ]
            }],
        )
        .exactly_one(vec![&["env"], &["file"], &["dotenv"], &["run"]], None)
    });
    &TABLE
}

/// Lowers the inputs of the briefing. They may refer to one another in any order, but not in a circle.
///
/// Each comes with its name in this playbook.
pub(super) fn briefing<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Vec<(String, InputSpec)> {
    let entries: Vec<&Entry> = node.entries().iter().filter(|entry| spelling::is_name(&entry.key)).collect();
    for entry in &entries {
        define(lower, entry);
    }
    let mut specs: Vec<Option<InputSpec>> = entries.iter().map(|entry| spec(lower, entry)).collect();
    let order = super::order::of_inputs(lower, &entries);
    order.into_iter().filter_map(|at| Some((entries[at].key.clone(), specs[at].take()?))).collect()
}

/// Lowers what a step asks for. A later question may use the answer to an earlier one.
pub(super) fn ask<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Vec<InputSpec> {
    let mut specs = Vec::new();
    for entry in node.entries().iter().filter(|entry| spelling::is_name(&entry.key)) {
        specs.extend(spec(lower, entry));
        define(lower, entry);
    }
    specs
}

fn define<'a>(lower: &mut Lower<'a>, entry: &'a Entry) {
    let kind = kind(&entry.value);
    let secret = kind == Some(InputKind::Secret);
    if lower.at.undo && lower.names.is_defined(&entry.key) {
        lower.names.set_again(&entry.key, entry.place, secret);
        return;
    }
    let env = entry.value.get("env").and_then(|node| Some((node.scalar()?, node.place)));
    let fault = lower.names.define(&entry.key, entry.place, secret, kind, env, lower.at.clone());
    lower.faults.extend(fault);
}

fn kind(node: &Node) -> Option<InputKind> {
    Some(match node.get("type")?.scalar()? {
        "text" => InputKind::Text,
        "choice" => InputKind::Choice(texts_of(node, "choices")),
        "path" => InputKind::Path,
        "integer" => InputKind::Integer,
        "boolean" => InputKind::Boolean,
        "url" => InputKind::Url,
        "duration" => InputKind::Duration,
        "secret" => InputKind::Secret,
        // Another type has its fault by its shape.
        _ => return None,
    })
}

fn spec<'a>(lower: &mut Lower<'a>, entry: &'a Entry) -> Option<InputSpec> {
    let node = &entry.value;
    let kind = kind(node);
    if let Some(kind) = &kind {
        choices(lower, entry, kind);
    }
    let default = node.get("default").and_then(|default| lower.template(default));
    let pattern = node.get("pattern").and_then(|pattern| lower.pattern(pattern));
    let spec = InputSpec {
        name: lower.naming.name(&entry.key),
        kind: kind?,
        prompt: lower.template_of(node, "prompt"),
        default,
        pattern,
        min_length: node.get("min_length").and_then(Node::integer).and_then(|n| usize::try_from(n).ok()),
        differs_from: node.get("differs_from").and_then(|name| lower.name(name, Wants::Either)),
        env: text_of(node, "env").unwrap_or_else(|| entry.key.to_ascii_uppercase()),
        from: node.get("from").and_then(|from| source(lower, from)),
    };
    meaning(lower, entry, &spec);
    Some(spec)
}

fn choices(lower: &mut Lower<'_>, entry: &Entry, kind: &InputKind) {
    let choices = entry.value.entry("choices");
    match (kind, choices) {
        (InputKind::Choice(_), None) => {
            lower.fault(
                entry.place,
                format!("the choice `{}` has no `choices`", entry.key),
                "write: `choices: [a, b]`",
            );
        }
        (InputKind::Choice(_), Some(choices)) => {
            let mut seen = std::collections::HashSet::new();
            for node in choices.value.items() {
                if let Some(word) = node.scalar()
                    && !seen.insert(word)
                {
                    lower.fault(node.place, format!("`{word}` stands among the choices twice"), "keep one of the two");
                }
            }
        }
        (_, Some(choices)) => {
            lower.fault(choices.place, "`choices` has no meaning here", "it goes with `type: choice`");
        }
        (_, None) => {}
    }
}

fn meaning(lower: &mut Lower<'_>, entry: &Entry, spec: &InputSpec) {
    let (name, node) = (&entry.key, &entry.value);
    let secret = spec.kind == InputKind::Secret;
    if let (Some(default), Some(entry)) = (&spec.default, node.entry("default")) {
        if secret {
            lower.fault(entry.place, "a secret has no default", "take it `from` somewhere, or let it be asked for");
        } else if default.names().next().is_none() {
            let text = default.fill(|_| None);
            if let Err(wrong) = spec.accepts(&text) {
                lower.fault(
                    entry.value.place,
                    format!("the default of `{name}` {wrong}"),
                    "write: a default that the input itself takes",
                );
            }
        }
    }
    if spec.differs_from.as_ref() == Some(&spec.name)
        && let Some(place) = node.get("differs_from").map(|node| node.place)
    {
        lower.fault(place, format!("`{name}` cannot differ from itself"), "write: the name of another value");
    }
    let part = node.get("from").and_then(|from| from.get("part"));
    if let (false, Some(part)) = (secret, part)
        && part.scalar() == Some("password")
    {
        lower.fault(part.place, "a password is a secret", "write: `type: secret`");
    }
}

fn source<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Source> {
    for key in ["key", "part"] {
        if let (Some(entry), None) = (node.entry(key), node.get("dotenv")) {
            lower.fault(entry.place, format!("`{key}` has no meaning here"), "it goes with `dotenv`");
        }
    }
    if let Some(env) = node.get("env") {
        return env.scalar().map(|env| Source::Env(env.to_owned()));
    }
    if let Some(file) = node.get("file") {
        return lower.template(file).map(Source::File);
    }
    if let Some(file) = node.entry("dotenv") {
        let key = text_of(node, "key");
        if node.get("key").is_none() {
            lower.fault(file.place, "`dotenv` needs `key`", "write: `key: NAME_OF_THE_KEY`");
        }
        let part = text_of(node, "part").and_then(|part| url_part(&part));
        return Some(Source::Dotenv { file: lower.template(&file.value)?, key: key?, part });
    }
    node.get("run").and_then(|_| command(lower, node, "run")).map(Source::Run)
}

fn url_part(text: &str) -> Option<UrlPart> {
    Some(match text {
        "user" => UrlPart::User,
        "password" => UrlPart::Password,
        "host" => UrlPart::Host,
        "port" => UrlPart::Port,
        "database" => UrlPart::Database,
        // Another part has its fault by its shape.
        _ => return None,
    })
}

/// Lists the names that the default and the source of an input use.
pub(super) fn refers_to(node: &Node) -> Vec<&str> {
    let mut names = Vec::new();
    let mut open: Vec<&Node> = ["default", "from"].iter().filter_map(|key| node.get(key)).collect();
    while let Some(node) = open.pop() {
        match &node.value {
            Value::Scalar(scalar) if scalar.kind == ScalarKind::Text => {
                names.extend(super::plan::Template::parse(&scalar.text).names);
            }
            Value::Scalar(_) | Value::Broken => {}
            Value::List(items) => open.extend(items),
            // A script is no template: its `${name}` is told apart elsewhere.
            Value::Map(entries) => {
                open.extend(entries.iter().filter(|e| e.key != "run" || e.value.scalar().is_none()).map(|e| &e.value));
            }
        }
    }
    names
}
