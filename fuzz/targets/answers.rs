//! The answers file: any text is taken or refused in words, and a secret that was written into it is not repeated.

use std::path::Path;
use std::sync::LazyLock;

use runsheet::front::headless::Answers;
use runsheet::playbook::{self, plan::Plan};

use super::{Target, as_is, kind_of, none};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "answers",
    longest: 1500,
    round: 900_000,
    words: &[
        "inputs:\n",
        "protected: ",
        "  environment: ",
        "production",
        "staging",
        "  pg_id: ",
        "  pg_host: h\n",
        "  old_pg_password: ",
        "env:PATH",
        "env:NO_SUCH_VARIABLE",
        "file:no-such-file",
        "fd:x",
        "fd:",
        "fd:99",
        "CANARY-written",
        "reset-valkey: ",
        "restart: ",
        "reset-doadmin: ",
        "write-files: ",
        "done",
        "{ confirm: done }",
        "{ manual: done }",
        "{ unknown: retry }",
        "{ undo: done }",
        "new_valkey_password: ",
        "success-1: done",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "\n",
        "\n  ",
        "- ",
        "~",
        "1",
        "true",
        "'",
        "\"",
        "|\n",
        "#",
        "---\n",
        "\u{feff}",
        "&a ",
        "*a",
        "\0",
    ],
    seeds: none,
    make,
    steady: false,
    mend: as_is,
    run,
};

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let text =
        std::fs::read_to_string(super::repository("tests/data/good/design.yaml")).expect("the playbook is there");
    playbook::check(&text).expect("it is a good one").plan
});

fn run(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    // other files and descriptors of this process are not the target's to read
    if text.contains("file:/")
        || text.contains("file:.")
        || text.split("fd:").skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_digit()))
    {
        return 0;
    }
    let read = || Answers::read(&text, &PLAN, Path::new("/nowhere"));
    let (first, second) = (read(), read());
    match (&first, &second) {
        (Ok(one), Ok(other)) => {
            assert!(format!("{one:?}") == format!("{other:?}"), "the second look reads something else");
        }
        (Err(one), Err(other)) => {
            assert!(one == other && !one.is_empty(), "{one:?}, and then {other:?}");
        }
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => panic!("the second look judges differently"),
    }
    hash((first.is_ok(), first.err().map(|why| kind_of(&why))))
}

fn make(dice: &mut Dice) -> Vec<u8> {
    let mut text = String::from("inputs:\n");
    for _ in 0..dice.below(4) {
        let value = dice.one(&["production", "env:PATH", "CANARY-written", "1", "[a]", "'x'", "~"]);
        text.push_str(&format!(
            "  {}: {value}\n",
            dice.one(&["environment", "pg_id", "pg_host", "app_root", "old_pg_password", "no_such"])
        ));
    }
    for _ in 0..dice.below(4) {
        let value = dice.one(&[
            "done",
            "{ confirm: done }",
            "{ unknown: undo }",
            "{ new_valkey_password: env:PATH }",
            "[]",
            "{ undo: { a: b } }",
        ]);
        text.push_str(&format!(
            "{}: {value}\n",
            dice.one(&["reset-valkey", "restart", "reset-doadmin", "protected", "no-such"])
        ));
    }
    text.into_bytes()
}
