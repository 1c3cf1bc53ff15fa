//! Fields that several kinds and probes share.

use std::sync::LazyLock;

use super::expect;
use super::shape::{Field, Key, Shape, Table};

/// A text, or a secret by name.
pub(super) const GIVEN: Shape = Shape::OneOf(&[Shape::Scalar, Shape::Map(given)]);

fn given() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a secret by name",
            &[const { &[Field::required("secret", "The name of the secret.", Shape::Name)] }],
        )
    });
    &TABLE
}

/// A script, or a program with its arguments.
pub(super) const COMMAND: Shape = Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Scalar, 1)]);

pub(super) const SHELL: Field = Field::new(
    "shell",
    "The shell of a script: a program that takes `-c`, or all words before the script. `bash -euo pipefail -c` when left out.",
    Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text, 1)]),
);

pub(super) const ENV: Field = Field::new(
    "env",
    "Environment variables: texts, secrets by name, or the paths of files (`file`) and descriptors (`fd`) with secrets in them.",
    Shape::Open(Key::Variable, &Shape::OneOf(&[Shape::Scalar, Shape::Map(variable)])),
);

fn variable() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a variable",
            &[const {
                &[
                    Field::new("secret", "The name of the secret that it holds.", Shape::Name),
                    Field::new(
                        "file",
                        "What is in the file whose path it holds: a text in which secrets may stand, or one secret. In memory, mode 0600, gone with the step.",
                        CONTENT,
                    ),
                    Field::new(
                        "fd",
                        "What can be read from the descriptor that it names (`/dev/fd/N`): a text in which secrets may stand, or one secret.",
                        CONTENT,
                    ),
                ]
            }],
        )
        .exactly_one(vec![&["secret"], &["file"], &["fd"]], None)
    });
    &TABLE
}

const CONTENT: Shape = Shape::OneOf(&[Shape::Scalar, Shape::Map(content)]);

fn content() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "what a program reads",
            &[const {
                &[
                    Field::new("secret", "The name of the secret, which is the whole of it.", Shape::Name),
                    Field::new("text", "A text in which `${name}` may be a secret.", Shape::Scalar),
                    Field::new(
                        "escape",
                        "How values are written in the text: `quoted` for between double quotes (MySQL option files, curl, JSON), `pgpass`, `percent` for URLs.",
                        Shape::Choice(&["quoted", "pgpass", "percent"]),
                    ),
                ]
            }],
        )
        .exactly_one(vec![&["secret"], &["text"]], None)
        .goes_with("escape", "text")
    });
    &TABLE
}

pub(super) const STDIN: Field =
    Field::new("stdin", "What it reads on standard input: a text, or a secret by name.", GIVEN);

pub(super) const CWD: Field =
    Field::new("cwd", "The folder it runs in; the playbook's own when left out.", Shape::Template);

pub(super) const HOST: Field =
    Field::new("host", "The machine that it runs on, as the operator's OpenSSH knows it.", Shape::Template);

pub(super) const TTY: Field = Field::new(
    "tty",
    "An interactive program: it gets a terminal inside the screen, and the operator's keys.",
    Shape::Boolean,
);

pub(super) const UNTIL: Field = Field::new(
    "until",
    "What ends a program that goes on for ever, such as one that follows a log: it is stopped then, and that is its success.",
    Shape::OneOf(&[Shape::Choice(&["enough"]), Shape::Map(until)]),
);

fn until() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "an `until`",
            &[const {
                &[
                    Field::new("matches", "A regular expression that a line of its output must match.", Shape::Pattern),
                    Field::new("enough", "The operator may end it, having seen enough.", Shape::Yes),
                ]
            }],
        )
    });
    &TABLE
}

pub(super) const EXPECT: Field = Field::new(
    "expect",
    "What the answer must be; in a list, all must hold.",
    Shape::OneOf(&[Shape::Choice(&["denied"]), Shape::Map(expect::table), Shape::List(&EXPECT_ENTRY, 1)]),
);

const EXPECT_ENTRY: Shape = Shape::OneOf(&[Shape::Choice(&["denied"]), Shape::Map(expect::table)]);

pub(super) const CAPTURE: Field = Field::new(
    "capture",
    "Names for parts of the output: `whole`, or `json`, `regex` and `secret`.",
    Shape::Open(Key::Name, &Shape::OneOf(&[Shape::Choice(&["whole"]), Shape::Map(capture)])),
);

fn capture() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a capture",
            &[const {
                &[
                    Field::new("json", "A JSON pointer to the value.", Shape::Pointer),
                    Field::new("regex", "A regular expression: its one group, or the whole match.", Shape::Pattern),
                    Field::new(
                        "secret",
                        "The value is a secret; the output is withheld until it is known.",
                        Shape::Boolean,
                    ),
                ]
            }],
        )
    });
    &TABLE
}

pub(super) const TIMEOUT: Field =
    Field::new("timeout", "The longest that the command, or one attempt of a probe, may take.", Shape::Duration);

pub(super) const CA: Field =
    Field::new("ca", "A file with the certificates to trust, in place of the system's.", Shape::Template);

pub(super) const TITLE: Field = Field::new("title", "What it is called.", Shape::Text);

/// Roles that sign by a typed name.
pub(super) const SIGN_OFF: Shape = Shape::Map(sign_off);

fn sign_off() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a sign-off",
            &[const {
                &[
                    Field::required("by", "The roles that sign.", TEXTS),
                    Field::new("distinct", "They must be different people.", Shape::Boolean),
                ]
            }],
        )
    });
    &TABLE
}

/// `when`: every name has one of its values.
pub(super) const WHEN: Field =
    Field::new("when", "Takes part only when every name has one of its values.", Shape::Open(Key::Reference, &VALUES));

/// One value or several.
pub(super) const VALUES: Shape = Shape::OneOf(&[Shape::Scalar, Shape::List(&Shape::Scalar, 1)]);

/// One text or several.
pub(super) const TEXTS: Shape = Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text, 1)]);
