//! The masker: no form of a secret comes out, cutting makes no difference, and what is not masked is what was there.
//!
//! An input is the secrets and, behind the last separator, the text. Pieces of text between two marks are searched for all
//! forms.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use runsheet::secret::{MASK, Masker, Secret};

use super::spell::{WRITERS, texts};
use super::{Target, as_is, join, none, parts};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "mask",
    longest: 1024,
    round: 12_000,
    words: &[
        "\u{1e}",
        "[secret]",
        "CANARY-",
        "aaaa",
        "abab",
        "abababab",
        "secret",
        "%20",
        "%2",
        "%",
        "\\u00",
        "\\",
        "\\n",
        "\n",
        "\r\n",
        "'",
        "''",
        "'\\''",
        "\"",
        "&amp;",
        "&",
        "=",
        "+",
        "/",
        "-",
        "_",
        "\u{1b}[31m",
        "\u{1b}[",
        "\u{1b}",
        "\u{1b}[0m",
        " ",
        "é",
        "\u{1f600}",
        "Q0FOQVJZ",
        "-----BEGIN X-----",
        "-----END X-----",
    ],
    seeds: none,
    make,
    steady: true,
    mend: as_is,
    run,
};

/// Secrets made ready, and all that must not be seen of them.
struct Ready {
    masker: Arc<Masker>,
    texts: Vec<String>,
    forms: Vec<String>,
    /// Finds the forms, by somebody else's code.
    search: AhoCorasick,
}

thread_local! {
    /// Making a masker ready takes longer than using it on a short text.
    static READY: RefCell<HashMap<Vec<String>, Rc<Ready>>> = RefCell::default();
}

fn ready(secrets: &[String]) -> Rc<Ready> {
    if let Some(ready) = READY.with_borrow(|all| all.get(secrets).cloned()) {
        return ready;
    }
    let given: Vec<Secret> = secrets.iter().map(|secret| Secret::new(secret.clone())).collect();
    let texts: Vec<String> = secrets.iter().flat_map(|secret| texts(secret)).collect();
    let mut forms: Vec<String> = texts.iter().flat_map(|text| WRITERS.iter().map(|write| write(text))).collect();
    // the few digits of base64 that are left of a very short secret stand in many texts
    forms.retain(|form| form.len() >= 4);
    forms.sort();
    forms.dedup();
    let search = AhoCorasick::new(&forms).expect("few and short forms");
    let ready = Rc::new(Ready { masker: Arc::new(Masker::new(&given)), texts, forms, search });
    READY.with_borrow_mut(|all| {
        if all.len() >= 1000 {
            all.clear();
        }
        all.insert(secrets.to_vec(), Rc::clone(&ready));
    });
    ready
}

fn run(input: &[u8]) -> u64 {
    let mut secrets = parts(input);
    let text = secrets.pop().unwrap_or_default();
    secrets.truncate(4);
    let ready = ready(&secrets);
    let mut dice = Dice::of(input);
    let masked = ready.masker.mask(&text);

    // however it was cut
    for pieces in 0..2 {
        let mut stream = ready.masker.stream();
        let mut out = Vec::new();
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let longest = if pieces == 0 { 1 } else { rest.len().min(40) };
            let (piece, after) = rest.split_at(dice.below(longest) + 1);
            stream.push(piece, &mut out);
            rest = after;
        }
        stream.finish(&mut out);
        assert!(out == masked.as_bytes(), "cut, it comes out as {:?}", String::from_utf8_lossy(&out));
    }
    // with stalls nothing whole is seen either
    let mut stream = ready.masker.stream();
    let mut stalled = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let end = rest.ceil_char_boundary(dice.below(rest.len().min(12)) + 1);
        stream.push_str(&rest[..end], &mut stalled);
        stream.stall_str(&mut stalled);
        rest = &rest[end..];
    }
    stream.finish_str(&mut stalled);

    let mut hits = 0_u64;
    for out in [&masked, &stalled] {
        for piece in without_colours(out).split(MASK) {
            if let Some(seen) = ready.search.find(piece) {
                panic!("{:?} is seen in {piece:?}", ready.forms[seen.pattern().as_usize()]);
            }
        }
    }
    let plain = without_colours(&text);
    for seen in ready.search.find_overlapping_iter(&plain) {
        hits |= 1 << (seen.pattern().as_usize() % 64);
    }
    assert!(hits == 0 || masked.contains(MASK), "a form was in the text and nothing is masked");
    beside(&plain, &without_colours(&masked));
    hash((hits, masked.matches(MASK).count().min(5), ready.texts.len().min(6), masked.ends_with(MASK)))
}

/// Holds what is not masked against what was there. Whether something is masked for a reason is not asked here: parts of a
/// secret are, and what only looks like one; what must stay readable is a table in `tests/masking.rs`.
fn beside(text: &str, masked: &str) {
    if text.contains(MASK) || masked.contains('\u{1b}') {
        return;
    }
    let pieces: Vec<&str> = masked.split(MASK).collect();
    let [before, after] = pieces[..] else {
        if pieces.len() == 1 {
            assert!(text == masked, "no mark, and yet it is not the same text");
        }
        return;
    };
    assert!(text.starts_with(before) && text.ends_with(after), "what is not masked is not what was there");
}

/// Takes colours out of a text.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let parameters = rest[at + 2..].bytes().take_while(|byte| b"0123456789;:".contains(byte)).count();
        let whole = rest[at + 2 + parameters..].starts_with('m') && parameters + 3 <= 64;
        let end = if whole { at + parameters + 3 } else { at + 1 };
        plain.push_str(&rest[..if whole { at } else { end }]);
        rest = &rest[end..];
    }
    plain + rest
}

fn make(dice: &mut Dice) -> Vec<u8> {
    // few sets, so that most are ready already
    let mut few = Dice::new(dice.below(200) as u64);
    let secrets: Vec<String> = (0..=few.below(3)).map(|_| secret(&mut few)).collect();
    let mut text = String::new();
    for _ in 0..=dice.below(6) {
        let written = {
            let all = texts(&secrets[dice.below(secrets.len())]);
            let Some(one) = (!all.is_empty()).then(|| &all[dice.below(all.len())]) else { continue };
            WRITERS[dice.below(WRITERS.len())](one)
        };
        let chars: Vec<char> = written.chars().collect();
        match dice.below(5) {
            0 => text.extend(&chars[..dice.below(chars.len() + 1)]),
            1 => text.extend(&chars[dice.below(chars.len() + 1)..]),
            2 => {
                for c in &chars {
                    if dice.once_in(8) {
                        text.push_str(dice.one(&["\u{1b}[31m", "\u{1b}[0m", "\u{1b}[1;38;5;8m"]));
                    }
                    text.push(*c);
                }
            }
            // mostly whole
            _ => text.push_str(&written),
        }
        text.push_str(dice.one(&["", "", "", " ", "\n", "=", "%", "\\", "[secret]", " and more text "]));
    }
    join(&[secrets, vec![text]].concat())
}

fn secret(dice: &mut Dice) -> String {
    const SIGNS: &str = "abcXYZ019 '\"\\$`!&<>%+/=-_.~é\u{1f600}";
    match dice.below(8) {
        0 => {
            let length = dice.below(16) + 4;
            dice.letters("ab", length)
        }
        1 => "ab".repeat(dice.below(6) + 2),
        2 => format!("CANARY-{}", dice.letters(SIGNS, 8)),
        3 => (0..3).map(|_| dice.letters(SIGNS, 9) + "\n").collect(),
        4 => format!(
            "-----BEGIN X-----\n{}\n{}\n-----END X-----\n",
            dice.letters("ABab01+/", 24),
            dice.letters("ABab01+/", 10)
        ),
        5 => format!(" {} ", dice.letters(SIGNS, 6)),
        _ => {
            let length = dice.below(40) + 4;
            dice.letters("ABCDEFabcdef0123456789+/-_", length)
        }
    }
}
