//! Dotenv texts: a value that is put in is the value that is read, and nothing else in the text changes.
//!
//! An input is the text, a key and a new value. What is read is held against a second reader, for the plain cases in which all
//! readers of such files agree.

use runsheet::exec::fuzzing::{dotenv_assignments, dotenv_put, dotenv_value};

use super::{Target, as_is, join, kind_of, none, parts};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "dotenv",
    longest: 800,
    round: 2_800_000,
    words: &[
        "\u{1e}",
        "A",
        "A=",
        "A=1",
        "B=2\n",
        "export ",
        "export\t",
        "exportA=1",
        " = ",
        "=",
        "#",
        " #",
        "'",
        "\"",
        "`",
        "\\",
        "\\\"",
        "\\n",
        "$",
        "${B}",
        "\n",
        "\r\n",
        "\r",
        "\t",
        " ",
        "\u{feff}",
        "é",
        "\u{a0}",
        "'a'",
        "\"a\\\"b\"",
        "\"a\nb\"",
        "# A=1\n",
        "A_B",
        "a.b-c",
        "postgres://u:p@h/d",
        "%40",
    ],
    seeds: none,
    make,
    steady: false,
    mend: as_is,
    run,
};

fn run(input: &[u8]) -> u64 {
    let parts = parts(input);
    let [text, rest @ ..] = parts.as_slice() else { return 0 };
    let (key, new) = (rest.first().map_or("A", String::as_str), rest.get(1).map_or("", String::as_str));

    let all = dotenv_assignments(text);
    let mut last = 0;
    for (_, line, value) in &all {
        assert!(value.start >= last && value.end >= value.start && text.get(value.clone()).is_some(), "{value:?}");
        assert!(text[..value.start].matches('\n').count() + 1 == *line, "a value in another line than {line}");
        last = value.end;
    }
    let value = dotenv_value(text, key);
    let count = all.iter().filter(|(known, ..)| known == key).count();
    assert!(value.is_err() || count == 1, "{count} assignments, and yet {value:?}");
    if let Some(plain) = plain(text, key) {
        assert!(value.as_deref() == Ok(plain), "{plain:?} was read as {value:?}");
    }
    let changed = dotenv_put(text, key, new);
    if let Ok(changed) = &changed {
        let read = dotenv_value(changed, key);
        assert!(read.as_deref() == Ok(new), "{new:?} was put into {text:?} and read as {read:?}");
        let others = |text: &str| {
            let all = dotenv_assignments(text).into_iter().filter(|(known, ..)| known != key);
            all.map(|(known, _, value)| (known, text[value].to_owned())).collect::<Vec<_>>()
        };
        assert!(others(text) == others(changed), "another value changed with it");
    }
    let said = value.err().map(|why| kind_of(&why));
    hash((said, changed.err().map(|why| kind_of(&why)), count.min(3), all.len().min(4)))
}

/// Reads a value where there can be no doubt: one line begins with the key, and the value has neither quotes nor signs.
fn plain<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let simple = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:/.@%".contains(&byte));
    let is_plain = text.lines().all(|line| {
        line.split_once('=').is_some_and(|(key, value)| {
            !key.is_empty() && simple(key) && !key.contains([':', '/', '@', '%']) && simple(value)
        })
    });
    if !is_plain || text.contains('\r') {
        return None;
    }
    let mut values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    values.next().filter(|_| values.next().is_none())
}

fn make(dice: &mut Dice) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..dice.below(6) {
        let key = dice.one(&["A", "B", "C", "export A", "A_B", "#A"]);
        let value = match dice.below(5) {
            0 => format!("'{}'", dice.letters("ab #\"$\\=\n", 6)),
            1 => format!("\"{}\"", dice.letters("ab #'$\\\"=\n", 6)),
            2 => format!("`{}`", dice.letters("ab #'$\\\"", 6)),
            3 => dice.letters("abc/:@%.", 8),
            _ => dice.letters("ab #'\"$\\ \t", 6),
        };
        let ends = dice.one(&["\n", "\n", "\r\n", " # said\n", "\n\n", ""]);
        text.push_str(&format!("{key}={value}{ends}"));
    }
    let length = dice.below(10);
    join(&[text, "A".to_owned(), dice.letters("abc123 #'\"$\\`=%é", length)])
}
