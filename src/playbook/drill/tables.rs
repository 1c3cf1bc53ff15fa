//! The tables of drills: what may stand in `simulate`, `quiz` and `drills`.

use std::sync::LazyLock;

use super::super::shape::{Field, Key, Shape, Table};

/// What a drill shows in place of the real thing: once, or for the first, second … attempt.
pub(in super::super) const SIMULATE: Field = Field::new(
    "simulate",
    "What a drill shows in place of the real thing; a list is for the first, second … attempt, and its last entry for all that follow.",
    Shape::OneOf(&[Shape::Map(simulate), Shape::List(&Shape::Map(simulate), 1)]),
);

pub(in super::super) const QUIZ: Field = Field::new("quiz", "A question for a drill.", Shape::Map(quiz));

pub(in super::super) const DRILLS: Field = Field::new(
    "drills",
    "Exercises: what goes wrong on purpose, and what is right then.",
    Shape::List(&Shape::Map(drill), 1),
);

const STDOUT: Field =
    Field::new("stdout", "Standard output; `<PRACTICE>` in it is a fresh practice secret.", Shape::Scalar);
const STDERR: Field = Field::new("stderr", "Standard error.", Shape::Scalar);
const EXIT: Field = Field::new("exit", "The exit status.", Shape::Integer(0, 255));
const TAKES: Field = Field::new("takes", "How long it seems to take.", Shape::DurationOrZero);

/// What a probe shows when its answer is not as expected.
pub(super) const FINDINGS: &[&str] = &["denied", "refused", "unreachable", "differs"];

fn simulate() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a simulation",
            &[const {
                &[
                    STDOUT,
                    STDERR,
                    EXIT,
                    TAKES,
                    Field::new("pass", "Of a probe: whether its answer is as expected.", Shape::Boolean),
                    Field::new("finding", "Of a probe: what kind of answer it gets.", Shape::Choice(FINDINGS)),
                    Field::new("saw", "Of a probe: what was seen.", Shape::Scalar),
                ]
            }],
        )
    });
    &TABLE
}

fn output() -> &'static Table {
    static TABLE: LazyLock<Table> =
        LazyLock::new(|| Table::new("a wrong output", &[const { &[STDOUT, STDERR, EXIT, TAKES] }]));
    &TABLE
}

fn quiz() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a quiz",
            &[const {
                &[
                    Field::required("ask", "The question.", Shape::Text),
                    Field::required("choices", "The answers to choose from.", Shape::List(&Shape::Scalar, 2)),
                    Field::required("answer", "The right one.", Shape::Scalar),
                    Field::new("because", "Why it is right.", Shape::Text),
                ]
            }],
        )
    });
    &TABLE
}

fn drill() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a drill",
            &[const {
                &[
                    Field::required("id", "Its id.", Shape::Id),
                    Field::required("title", "What it is called.", Shape::Text),
                    Field::new("brief", "What the trainee is told before; Markdown.", Shape::Text),
                    Field::new(
                        "inputs",
                        "Values for inputs, in place of the plausible ones that a drill offers.",
                        Shape::Open(Key::Reference, &Shape::Scalar),
                    ),
                    Field::new("faults", "What goes wrong on purpose.", Shape::List(&Shape::Map(fault), 1)),
                    Field::new(
                        "respond",
                        "What is right at each fault, in their order; a word alone is the right move.",
                        Shape::OneOf(&[Shape::Choice(MOVES), Shape::Map(response), Shape::List(&A_RESPONSE, 1)]),
                    ),
                    Field::new("debrief", "What is said at the end; Markdown.", Shape::Text),
                ]
            }],
        )
    });
    &TABLE
}

/// What a fault may show, in one word.
pub(super) const SHOWS: &[&str] = &[
    "fails",
    "times_out",
    "hangs",
    "denied",
    "refused",
    "unreachable",
    "differs",
    "wrong_paste",
    "terminal_lost",
    "window_out",
    "sign_off_refused",
    "done_but_lost",
];

fn fault() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a fault of a drill",
            &[const {
                &[
                    Field::required("at", "The step; or `STEP/undo:N`, an action of its rollback.", Shape::Text),
                    Field::new(
                        "probe",
                        "The probe of its `verify`, from 1; the act itself when left out.",
                        Shape::Integer(1, 1000),
                    ),
                    Field::required(
                        "shows",
                        "What is shown: a word, or the output.",
                        Shape::OneOf(&[Shape::Choice(SHOWS), Shape::Map(output)]),
                    ),
                    Field::new(
                        "attempts",
                        "For how many attempts it holds, or `always`; 1 when left out.",
                        Shape::Scalar,
                    ),
                    Field::new("say", "What is said: by the system that fails, or by who refuses.", Shape::Text),
                ]
            }],
        )
    });
    &TABLE
}

/// The words of the moves.
pub(super) const MOVES: &[&str] = &[
    "go_on",
    "retry",
    "verify",
    "recapture",
    "by_hand",
    "skip",
    "rollback",
    "rollback_to",
    "stop",
    "wait",
    "call",
    "attach",
    "answer",
    "enough",
    "extend",
    "abandon",
    "note",
];

const A_RESPONSE: Shape = Shape::OneOf(&[Shape::Choice(MOVES), Shape::Map(response)]);

const SOME_MOVES: Shape = Shape::OneOf(&[Shape::Choice(MOVES), Shape::List(&Shape::Choice(MOVES), 1)]);

fn response() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "a response",
            &[const {
                &[
                    Field::new("at", "Which fault it is about, as there; the next one when left out.", Shape::Text),
                    Field::required("right", "The right moves.", SOME_MOVES),
                    Field::new("acceptable", "Moves that will do.", SOME_MOVES),
                    Field::new(
                        "wrong",
                        "Moves that are wrong, each with its reason; any other is wrong because of `because`.",
                        Shape::Map(wrong),
                    ),
                    Field::new("because", "Why the right move is right.", Shape::Text),
                ]
            }],
        )
    });
    &TABLE
}

fn wrong() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "what is wrong",
            &[const {
                &[
                    Field::new("go_on", "Why it is wrong to go on.", Shape::Text),
                    Field::new("retry", "Why it is wrong to start it again.", Shape::Text),
                    Field::new("verify", "Why it is wrong to ask the probes again.", Shape::Text),
                    Field::new("recapture", "Why it is wrong to fetch the captures again.", Shape::Text),
                    Field::new("by_hand", "Why it is wrong to do it by hand.", Shape::Text),
                    Field::new("skip", "Why it is wrong to pass over it.", Shape::Text),
                    Field::new("rollback", "Why it is wrong to roll everything back.", Shape::Text),
                    Field::new("rollback_to", "Why it is wrong to roll back to a step.", Shape::Text),
                    Field::new("stop", "Why it is wrong to stop it.", Shape::Text),
                    Field::new("wait", "Why it is wrong to wait.", Shape::Text),
                    Field::new("call", "Why it is wrong to call somebody.", Shape::Text),
                    Field::new("attach", "Why it is wrong to attach again.", Shape::Text),
                    Field::new("answer", "Why it is wrong to answer.", Shape::Text),
                    Field::new("enough", "Why it is wrong to say that enough was seen.", Shape::Text),
                    Field::new("extend", "Why it is wrong to extend the window.", Shape::Text),
                    Field::new("abandon", "Why it is wrong to give the run up.", Shape::Text),
                    Field::new("note", "Why it is wrong to leave it at a note.", Shape::Text),
                ]
            }],
        )
    });
    &TABLE
}

#[cfg(test)]
mod tests {
    use super::super::Move;
    use super::{MOVES, wrong};

    #[test]
    fn every_move_has_its_word_in_all_tables() {
        let words: Vec<&str> = Move::ALL.iter().map(|(_, word)| *word).collect();
        assert_eq!(words, MOVES);
        let reasons: Vec<&str> = wrong().fields.iter().map(|field| field.name).collect();
        assert_eq!(words, reasons);
        assert!(Move::ALL.iter().all(|&(which, word)| Move::of(word) == Some(which) && which.word() == word));
    }
}
