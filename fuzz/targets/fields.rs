//! Values that people type: durations, and what each type of input takes.
//!
//! An input is the value. Whatever is taken is taken again as it is kept, and means the same.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use runsheet::playbook::plan::InputSpec;
use runsheet::playbook::{self, duration};

use super::{Target, as_is, none};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "fields",
    longest: 200,
    round: 4_000_000,
    words: &[
        "1",
        "0",
        "w",
        "d",
        "h",
        "m",
        "s",
        "ms",
        "1h30m",
        "1w1d1h1m1s1ms",
        "-",
        "+",
        ".",
        " ",
        "\t",
        "\n",
        "\0",
        "18446744073709551615",
        "true",
        "FALSE",
        "a",
        "b",
        "http://",
        "https://h/",
        "postgres://u:p@h:1/d?x=1#y",
        "[::1]",
        "%",
        "é",
        "\u{202e}",
        "\u{feff}",
        "\u{a0}",
        "\u{3000}",
        "/",
        "~",
        "--",
    ],
    seeds: none,
    make,
    steady: false,
    mend: as_is,
    run,
};

/// One input of each type.
static SPECS: LazyLock<Vec<InputSpec>> = LazyLock::new(|| {
    let text = "runsheet: 1\ntitle: T\ninputs:\n  a: { type: text }\n  b: { type: choice, choices: [a, b] }\n  c: { type: path }\n  \
                d: { type: integer }\n  e: { type: boolean }\n  f: { type: url }\n  g: { type: duration }\n  h: { type: secret }\n  \
                i: { type: text, pattern: '^[a-c]+$', min_length: 3 }\n\
                phases: [{ title: P, steps: [{ id: s, title: S, wait: 1s }] }]\n";
    playbook::check(text).expect("a good playbook").plan.inputs
});

static DURATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$")
        .expect("a pattern")
});

fn run(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let parsed = duration::parse(&text);
    let wanted = milliseconds(&text);
    match &parsed {
        Ok(found) => {
            assert!(wanted == Some(found.as_millis()), "{text:?} is {wanted:?} ms, and read as {found:?}");
            assert!(
                duration::parse(&duration::show(*found)) == Ok(*found),
                "{found:?} is shown as {}",
                duration::show(*found)
            );
        }
        Err(why) => {
            let longest = Duration::from_hours(10_000 * 366 * 24).as_millis();
            assert!(wanted.is_none_or(|wanted| wanted == 0 || wanted > longest), "{text:?} is refused: {why}");
        }
    }
    let mut taken = Vec::new();
    for spec in SPECS.iter() {
        let kept = spec.accepts(&text);
        if let Ok(kept) = &kept {
            assert!(!kept.contains('\0'), "a NUL is taken");
            assert!(spec.accepts(kept).as_ref() == Ok(kept), "{kept:?} is not taken a second time");
        }
        taken.push(kept.is_ok());
    }
    hash((taken, parsed.map_err(|why| super::kind_of(&why)).map(|found| found.as_millis().ilog10())))
}

/// Reads a duration once more; none when it is none, or beyond all numbers.
fn milliseconds(text: &str) -> Option<u128> {
    let found = DURATION.captures(text).filter(|_| !text.is_empty())?;
    let sizes = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1];
    let parts = found.iter().skip(1).zip(sizes);
    parts
        .map(|(part, size)| {
            part.map_or(Some(0), |part| part.as_str().parse::<u64>().ok().map(|n| u128::from(n) * size))
        })
        .sum()
}

fn make(dice: &mut Dice) -> Vec<u8> {
    (0..dice.below(8)).map(|_| dice.one(TARGET.words)).collect::<String>().into_bytes()
}
