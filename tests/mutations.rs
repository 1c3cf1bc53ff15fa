//! Playbooks that were damaged at random: the checker says what is wrong with them, and never falls over.

#![expect(clippy::expect_used, reason = "in tests a failure is said by failing")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use runsheet::playbook;

use crate::bad_playbooks::playbooks;

/// Pieces that mean something to YAML, to a template or to the format.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\n        ",
    "\t",
    "\r",
    "'",
    "\"",
    "|",
    ">",
    "&a ",
    "*a",
    "!!str ",
    "<<: ",
    "? ",
    "---\n",
    "...\n",
    "#",
    "${",
    "${pg_host}",
    "$${",
    "}",
    "~",
    "null",
    "yes",
    "true",
    "1",
    "-1",
    "1e999",
    "0x",
    "99999999999999999999",
    "5m",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "\u{1f600}",
    "日本",
    "\\",
    "(",
    "(?",
    "[a-",
    "/0/",
    "run: ",
    "verify: ",
    "secret: ",
    "when: ",
    "expect: ",
    "capture: ",
    "rollback: ",
    "inputs: ",
    "title: ",
    "id: ",
];

#[derive(Clone, Debug)]
enum Damage {
    Insert(prop::sample::Index, &'static str),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Swap(prop::sample::Index, prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<prop::sample::Index>(), prop::sample::select(PIECES)).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        (any::<prop::sample::Index>(), 1_usize..40).prop_map(|(at, count)| Damage::Remove(at, count)),
        (any::<prop::sample::Index>(), 1_usize..200).prop_map(|(at, count)| Damage::Repeat(at, count)),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(a, b)| Damage::Swap(a, b)),
    ]
}

fn apply(text: &mut Vec<char>, damage: &Damage) {
    if text.is_empty() {
        return;
    }
    match damage {
        Damage::Insert(at, piece) => {
            let at = at.index(text.len());
            text.splice(at..at, piece.chars());
        }
        Damage::Remove(at, count) => {
            let at = at.index(text.len());
            text.drain(at..(at + count).min(text.len()));
        }
        Damage::Repeat(at, count) => {
            let at = at.index(text.len());
            let piece: Vec<char> = text[at..(at + count).min(text.len())].to_vec();
            text.splice(at..at, piece);
        }
        Damage::Swap(a, b) => {
            let (a, b) = (a.index(text.len()), b.index(text.len()));
            text.swap(a, b);
        }
    }
}

/// The good playbooks, and every bad one that is small.
fn texts() -> Vec<String> {
    let read = |path: &Path| fs::read_to_string(path).expect("the playbook can be read");
    let bad = playbooks("bad").into_iter().map(|path| read(&path)).filter(|text| text.len() < 2_000);
    playbooks("good").iter().map(|path| read(path)).chain(bad).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_makes_the_checker_fall_over(
        which in any::<prop::sample::Index>(),
        from_good in any::<bool>(),
        damages in prop::collection::vec(damage(), 1..12),
    ) {
        let texts = texts();
        let text = if from_good { &texts[0] } else { which.get(&texts) };
        let mut chars: Vec<char> = text.chars().collect();
        for damage in &damages {
            apply(&mut chars, damage);
        }
        let text: String = chars.into_iter().collect();
        if let Err(faults) = playbook::check(&text) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(fault.line >= 1 && fault.column >= 1 && fault.length >= 1);
                let shown = fault.render("damaged.yaml", &text);
                prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
            }
        }
    }
}
