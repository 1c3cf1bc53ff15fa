//! The checker: no text makes it fall over, every fault has its place in the text, and what it takes the schema takes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use runsheet::playbook::{self, Severity, yaml};

use super::{Target, as_is, kind_of, yaml_files};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "check",
    longest: 12_000,
    round: 120_000,
    words: &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "\n        ",
        "\t",
        "\r",
        "'",
        "\"",
        "|\n",
        ">-\n",
        "&a ",
        "*a",
        "!!str ",
        "<<: ",
        "? ",
        "---\n",
        "...\n",
        "# ",
        "${",
        "${pg_host}",
        "${a}",
        "$${",
        "~",
        "null",
        "yes",
        "true",
        "1",
        "-1",
        "1e999",
        "0x1F",
        "0o17",
        ".inf",
        "99999999999999999999",
        "5m",
        "1h30m",
        "0s",
        "\u{0}",
        "\u{feff}",
        "\u{202e}",
        "\u{2028}",
        "\u{85}",
        "\u{1f600}",
        "日本",
        "\\",
        "(",
        "(?",
        "(a)(b)",
        "[a-",
        "(a{1000}){1000}",
        "/0/",
        "/a~2",
        "runsheet: 1\n",
        "title: A\n",
        "phases:\n",
        "steps: ",
        "id: a",
        "run: ",
        "run: [a, b]",
        "verify: ",
        "secret: ",
        "when: ",
        "expect: ",
        "capture: ",
        "recapture: ",
        "rollback: ",
        "irreversible: ",
        "read_only: true",
        "optional: true",
        "inputs: ",
        "type: secret",
        "type: choice",
        "choices: [a, b]",
        "default: ",
        "pattern: ",
        "from: { dotenv: a, key: B, part: password }",
        "from: { run: date }",
        "wait: 1s",
        "manual: ",
        "ask: ",
        "generate: { a: { bytes: 32, encoding: hex } }",
        "snapshot: [a]",
        "edit: [{ file: a, dotenv: B, value: c }]",
        "url_password: a",
        "match: 'a(b)'",
        "count: 2",
        "success: ",
        "cleanup: ",
        "after_rollback: ",
        "temporary: [a]",
        "sign_off: { by: [operator, reviewer], distinct: true }",
        "follow_up: ",
        "drills: ",
        "on_failure: stop",
        "retry: { attempts: 3, every: 1s }",
        "timeout: 5s",
        "env: { A: b }",
        "stdin: { secret: a }",
        "http: ",
        "postgres: ",
        "redis: ",
        "tcp: 'h:1'",
        "tls: ",
        "file: ",
        "value: a",
        "command: ",
        "status: 200",
        "denied",
        "within: 5s",
        "every: 1s",
        "between: [1, 2]",
        "close_to: 1",
        "tolerance: 1",
        "protected: { a: [b] }",
        "include: a",
        "quiz: ",
    ],
    seeds,
    make,
    steady: false,
    mend: as_is,
    run,
};

static SCHEMA: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::options().build(&playbook::schema()).expect("the schema is a schema"));

fn seeds() -> Vec<Vec<u8>> {
    ["playbooks", "tests/data/good", "tests/data/bad"]
        .iter()
        .flat_map(|folder| yaml_files(folder, TARGET.longest))
        .collect()
}

fn run(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let lines: Vec<&str> = lines(&text);
    let (first, second) = (playbook::check(&text), playbook::check(&text));
    let (faults, taken) = match (&first, &second) {
        (Ok(one), Ok(other)) => {
            assert!(one.warnings == other.warnings, "the second look warns of something else");
            let steps = [one, other].map(|checked| format!("{:?}", (&checked.plan.steps, &checked.plan.inputs)));
            assert!(steps[0] == steps[1], "the second look sees other steps");
            let value: serde_json::Value = yaml::read(&text).expect("what is taken is YAML");
            if let Some(wrong) = SCHEMA.iter_errors(&value).next() {
                panic!("the checker takes what the schema refuses: {}: {wrong}", wrong.instance_path());
            }
            (&one.warnings, true)
        }
        (Err(one), Err(other)) => {
            assert!(one == other, "the second look finds other faults");
            assert!(one.iter().any(|fault| fault.severity == Severity::Error), "refused without a reason");
            (one, false)
        }
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => panic!("the second look judges differently"),
    };
    let mut kinds = BTreeSet::new();
    let mut last = (0, 0);
    for fault in faults {
        let line = fault.line.checked_sub(1).and_then(|at| lines.get(at));
        let line = line.unwrap_or_else(|| panic!("{} of {} lines: {}", fault.line, lines.len(), fault.message));
        let columns = line.chars().count() + 1;
        assert!((1..=columns).contains(&fault.column), "column {} of {columns}: {}", fault.column, fault.message);
        assert!(fault.length >= 1 && !fault.message.is_empty(), "{fault:?}");
        assert!((fault.line, fault.column) >= last, "not in the order of the file: {}", fault.message);
        last = (fault.line, fault.column);
        if kinds.len() < 8 {
            let shown = fault.render("it.yaml", &text);
            assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
            kinds.insert(kind_of(&fault.message));
        }
    }
    hash((kinds, taken))
}

/// Splits a text where YAML does.
fn lines(text: &str) -> Vec<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        lines.push(&rest[..end]);
        rest = &rest[end + if rest[end..].starts_with("\r\n") { 2 } else { 1 }..];
    }
    lines.push(rest);
    lines
}

fn make(dice: &mut Dice) -> Vec<u8> {
    let mut text = String::from("runsheet: 1\ntitle: Made\n");
    if dice.once_in(2) {
        text.push_str("inputs:\n");
        for at in 0..=dice.below(3) {
            let kind = dice.one(&[
                "text",
                "choice, choices: [a, b]",
                "secret",
                "path",
                "integer",
                "boolean",
                "url",
                "duration",
            ]);
            text.push_str(&format!("  {}: {{ type: {kind} }}\n", ["a", "b", "pg_host", "c"][at]));
        }
    }
    text.push_str("phases:\n");
    for phase in 0..=dice.below(2) {
        text.push_str(&format!("  - title: P{phase}\n    steps:\n"));
        for step in 0..=dice.below(3) {
            text.push_str(&format!(
                "      - id: s{phase}{step}\n        title: {}\n",
                dice.one(&["A", "'${a}'", "\"x\\ty\"", "|\n          a\n"])
            ));
            for _ in 0..=dice.below(5) {
                text.push_str(&format!("        {}\n", field(dice)));
            }
        }
    }
    for _ in 0..dice.below(3) {
        text.push_str(&format!("{}\n", dice.one(TARGET.words)));
    }
    text.into_bytes()
}

fn field(dice: &mut Dice) -> String {
    const FIELDS: &[&str] = &[
        "run: date",
        "run: [a, '${a}']",
        "run: echo \"$A\"",
        "wait: 5m",
        "read_only: true",
        "optional: true",
        "timeout: 5s",
        "estimate: 1m",
        "verify: [{ tcp: 'h:1' }]",
        "verify: [{ http: 'http://h/', expect: { status: 200, json: { /ok: true } }, within: 5s }]",
        "verify: [{ file: a, exists: true, mode: \"0640\" }]",
        "verify: [{ postgres: 'postgres://u@h/d', password: b, expect: denied }]",
        "capture: { x: whole }",
        "capture: { x: { json: /0/a, secret: true } }",
        "capture: { x: { regex: 'a(b)' } }",
        "expect: { contains: a }",
        "rollback: [{ run: date }]",
        "irreversible: it is",
        "manual: do it",
        "ask: { y: { type: secret, prompt: P } }",
        "when: { b: [a] }",
        "generate: { z: { length: 32, alphabet: symbols } }",
        "snapshot: ['${a}/x', { file: b, missing: true }]",
        "edit: [{ file: '${a}/.env', dotenv: K, url_password: c }]",
        "edit: [{ file: f, match: 'a(b)', replace: c, count: 2 }]",
        "retry: { attempts: 3, every: 1s }",
        "on_failure: rollback",
        "env: { X: '${a}', Y: { secret: c } }",
        "confirm: sure?",
        "hint: h",
        "recapture: { run: date }",
    ];
    dice.one(FIELDS).to_owned()
}
