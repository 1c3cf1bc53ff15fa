//! The tables of the playbook itself, its phases, steps, undo actions and success criteria.

use std::sync::LazyLock;

use super::drill::{DRILLS, QUIZ, SIMULATE};
use super::evidence::EVIDENCE;
use super::fields::{SIGN_OFF, TEXTS, TITLE, VALUES, WHEN};
use super::inputs::INPUTS;
use super::kinds::{self, KINDS};
use super::probes;
use super::shape::{Field, Key, Shape, Table};

const STEPS: Shape = Shape::List(&Shape::Map(step), 1);

/// The keys of a playbook.
pub(super) fn playbook() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::new("a playbook", &[PLAYBOOK]));
    &TABLE
}

const PLAYBOOK: &[Field] = &[
    Field::required("runsheet", "The version of the format: 1.", Shape::Integer(1, 1)),
    Field::required("title", "What the playbook is called.", Shape::Text),
    Field::new("summary", "One or two sentences for lists.", Shape::Text),
    Field::new("description", "Markdown, shown in the briefing.", Shape::Text),
    Field::new("version", "The version of this playbook; recorded in each run.", Shape::Scalar),
    Field::new("owners", "Who keeps it.", TEXTS),
    Field::new("contacts", "Whom to call: a role, and how to reach it.", Shape::Open(Key::Any, &Shape::Scalar)),
    Field::new("tags", "Words to find it by.", TEXTS),
    Field::new("window", "The planned length of the change.", Shape::Duration),
    Field::new("every", "How often it should be carried out.", Shape::Duration),
    Field::new("protected", "Inputs with the values that make a run protected.", Shape::Open(Key::Name, &VALUES)),
    Field::new("requires", "Programs that must be on PATH.", TEXTS),
    Field::new("inputs", "What is asked in the briefing, before anything runs.", INPUTS),
    Field::required("phases", "The phases, with their steps.", Shape::List(&Shape::Map(phase), 1)),
    Field::new(
        "success",
        "The success criteria: probes, or statements that the operator confirms.",
        Shape::List(&Shape::Map(success), 1),
    ),
    Field::new("cleanup", "Steps that are offered at the end.", STEPS),
    Field::new("after_rollback", "Steps for when a rollback has undone its last step.", STEPS),
    Field::new("temporary", "Files with secrets that steps create: removed at the end or on rollback.", TEXTS),
    Field::new("sign_off", "Who signs at the end.", SIGN_OFF),
    Field::new(
        "follow_up",
        "What stays to be done after the run.",
        Shape::List(&Shape::OneOf(&[Shape::Text, Shape::Map(follow_up)]), 1),
    ),
    DRILLS,
];

fn phase() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new("a phase", &[const { &[TITLE_NEEDED, Field::required("steps", "The steps.", STEPS)] }])
    });
    &TABLE
}

const TITLE_NEEDED: Field = Field::required("title", "What it is called.", Shape::Text);

/// The keys of a step.
pub(super) fn step() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| with_kinds(Table::new("a step", &[STEP]), true));
    &TABLE
}

const STEP: &[Field] = &[
    Field::required("id", "Its id, unique in the playbook.", Shape::Id),
    TITLE_NEEDED,
    Field::new("why", "Why it is done; Markdown.", Shape::Text),
    Field::new("hint", "A hint for somebody who is stuck.", Shape::Text),
    WHEN,
    Field::new("rollback", "What undoes it; for an irreversible step, the way forward.", ACTIONS),
    Field::new("irreversible", "Why it cannot be undone.", Shape::Text),
    Field::new("read_only", "It changes nothing.", Shape::Boolean),
    Field::new("optional", "It may be skipped without a reason.", Shape::Boolean),
    Field::new("confirm", "What must be read and agreed to before it starts.", Shape::Text),
    Field::new("estimate", "How long it should take.", Shape::Duration),
    Field::new("on_failure", "What follows when it fails.", Shape::Choice(&["ask", "stop", "continue", "rollback"])),
    Field::new("sign_off", "Who signs this step, once it is done.", SIGN_OFF),
    Field::new("evidence", "What is kept as proof; it is given before the step counts as done.", EVIDENCE),
    SIMULATE,
    QUIZ,
];

/// What an action of a rollback may have beside its kind: a step that needs neither id nor title.
const UNDO: &[Field] = &[TITLE, Field::new("id", "An id, for the reader.", Shape::Id), SIMULATE];

const ACTIONS: Shape = Shape::OneOf(&[Shape::Map(action), Shape::List(&Shape::Map(action), 1)]);

/// The keys of one action of a rollback.
pub(super) fn action() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| with_kinds(Table::new("an undo action", &[UNDO]), false));
    &TABLE
}

fn recapture() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let table = Table::new("a `recapture`", &[UNDO]).with_kind(kinds::run::KIND.fields);
        table.exactly_one(vec![&["run"]], None)
    });
    &TABLE
}

const MANUAL_OR_ASK: &[&str] = &["manual", "ask"];

static RETRY: Field = Field::new("retry", "How often the command may be tried.", Shape::Map(retry));
static RECAPTURE: Field = Field::new(
    "recapture",
    "Fetches the same captures again, without changing anything, when the outcome is unknown.",
    Shape::Map(recapture),
);

/// Adds every kind and every probe: exactly one of them, or `verify` alone.
fn with_kinds(table: Table, in_a_step: bool) -> Table {
    let mut table = KINDS.iter().fold(table, |table, kind| table.with_kind(kind.fields));
    table = probes::with_probes(table);
    for field in probes::COMMON {
        table = table.beside(field, probes::keys().flatten().copied());
    }
    if in_a_step {
        table = table.beside(&RETRY, ["run"]).beside(&RECAPTURE, ["run"]);
    }
    let mut exclusive: Vec<&'static [&'static str]> = Vec::new();
    for kind in KINDS {
        match kind.name {
            "verify" | "ask" => {}
            "manual" => exclusive.push(MANUAL_OR_ASK),
            _ => exclusive.push(std::slice::from_ref(&kind.name)),
        }
    }
    exclusive.extend(probes::keys());
    table.exactly_one(exclusive, Some("verify"))
}

fn success() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let table = Table::new("a success criterion", &[SUCCESS]);
        let mut table = probes::with_probes(table);
        for field in probes::COMMON {
            table = table.beside(field, probes::keys().flatten().copied());
        }
        let mut exclusive: Vec<&'static [&'static str]> = vec![&["confirm"]];
        exclusive.extend(probes::keys());
        table.exactly_one(exclusive, None)
    });
    &TABLE
}

const SUCCESS: &[Field] = &[
    TITLE_NEEDED,
    Field::new("id", "An id for answers and the command line; `success-1` and so on when left out.", Shape::Id),
    WHEN,
    Field::new("confirm", "A statement that the operator confirms.", Shape::Yes),
    SIMULATE,
];

fn follow_up() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a follow-up",
            &[const { &[TITLE_NEEDED, Field::new("within", "By when, from the end of the run.", Shape::Duration)] }],
        )
    });
    &TABLE
}

fn retry() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a `retry`",
            &[const {
                &[
                    Field::required("attempts", "How often in all.", Shape::Integer(1, 1000)),
                    Field::new("every", "The time between two attempts; 1s when left out.", Shape::Duration),
                ]
            }],
        )
    });
    &TABLE
}
