//! Foreign bytes made visible: whatever comes in, what goes out can move nothing, hide nothing, and is not much longer.

use std::collections::BTreeSet;

use runsheet::output::Visible;
use unicode_width::UnicodeWidthChar as _;

use super::{Target, as_is, none};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "visible",
    longest: 400,
    round: 1_200_000,
    words: &[
        "\u{1b}[31m",
        "\u{1b}[",
        "\u{1b}[8m",
        "\u{1b}[38;5;8m",
        "\u{1b}[38;2;8;8;8m",
        "\u{1b}[4:3m",
        "\u{1b}[0;08m",
        "\u{1b}[38:5:8m",
        "\u{1b}]0;title\u{7}",
        "\u{1b}[2J",
        "\u{1b}[6n",
        "\u{1b}P",
        "\u{1b}\\",
        "\u{9b}31m",
        "\r",
        "\r\n",
        "\n",
        "\t",
        "\u{8}",
        "\u{7f}",
        "\0",
        "\u{301}",
        "\u{200d}",
        "\u{202e}",
        "\u{2066}",
        "\u{feff}",
        "\u{fe0f}",
        "\u{fe0e}",
        "⚠",
        "é",
        "日",
        "\u{1f1e9}",
        "\u{1f600}",
        "\u{1f3fb}",
        "\u{e0041}",
        "\u{e0100}",
        "\u{115f}",
        "\u{3164}",
        "\u{ad}",
        "\u{34f}",
        "\u{2028}",
        "\u{10ffff}",
        "a",
        ";",
        "m",
        "\u{0e33}",
        "\u{1160}",
        "\u{1100}",
        "\u{17b4}",
        "\u{fffe}",
        "\u{d7b0}",
    ],
    seeds: none,
    make,
    steady: false,
    mend: as_is,
    run,
};

/// The most bytes of a character with its marks.
const CELL: usize = 32;

fn run(input: &[u8]) -> u64 {
    let (kept, plain) = (shown(Visible::new(), input), shown(Visible::plain(), input));
    let kinds = looked_at(&kept, true);
    looked_at(&plain, false);
    assert!(kept.len() <= 4 * input.len() + 4, "{} bytes became {}", input.len(), kept.len());
    assert!(plain.len() <= 4 * input.len() + 4, "{} bytes became {}, without colours", input.len(), plain.len());

    // however it was cut
    let mut dice = Dice::of(input);
    for longest in [1, 24] {
        for (whole, mut stream) in [(&kept, Visible::new()), (&plain, Visible::plain())] {
            let mut out = String::new();
            let mut rest = input;
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(dice.below(rest.len().min(longest)) + 1);
                stream.push(piece, &mut out);
                rest = after;
            }
            stream.finish(&mut out);
            assert!(out == **whole, "cut, it comes out as {out:?}");
        }
    }
    // what is visible is left alone
    assert!(shown(Visible::new(), kept.as_bytes()) == kept, "a second time, {kept:?} is changed");
    assert!(shown(Visible::plain(), plain.as_bytes()) == plain, "a second time, {plain:?} is changed");
    hash((kinds, input.len().min(64) / 16, kept.len().cmp(&input.len())))
}

fn shown(mut stream: Visible, bytes: &[u8]) -> String {
    let mut out = String::new();
    stream.push(bytes, &mut out);
    stream.finish(&mut out);
    out
}

/// Looks at each character that comes out, and returns which kinds there were.
fn looked_at(out: &str, colours: bool) -> BTreeSet<u8> {
    let mut kinds = BTreeSet::new();
    let mut cell = 0;
    let mut rest = out;
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}' {
            assert!(colours, "a colour where there may be none, in {out:?}");
            let end = rest.find('m').expect("a sequence has its end");
            let parameters = &rest[2..end];
            assert!(rest[1..].starts_with('[') && end < 64, "{:?} is no sequence for colours", &rest[..=end]);
            assert!(parameters.bytes().all(|byte| b"0123456789;:".contains(&byte)), "{parameters:?} are no parameters");
            assert!(!conceals(parameters), "{parameters:?} hides what follows");
            rest = &rest[end + 1..];
            kinds.insert(1);
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let kind = match c {
            '\n' | '\t' => 2,
            ' '..='~' => 3,
            _ if may_not_stand(c) => panic!("U+{:04X} comes out", u32::from(c)),
            '\u{2400}'..='\u{2421}' => 4,
            _ => 5 + u8::try_from(c.width().expect("a control character comes out")).unwrap_or(9),
        };
        kinds.insert(kind);
        // a mark goes onto what stands before it
        cell = if kind == 5 { cell + c.len_utf8() } else { c.len_utf8() };
        assert!(kind != 5 || cell > c.len_utf8(), "a mark at the beginning of a line");
        assert!(cell <= CELL, "a cell of {cell} bytes");
        if kind == 2 {
            cell = 0;
        }
    }
    kinds
}

/// Says whether parameters hide what follows, read once more from the standard: 8 alone, not as the number of a colour.
fn conceals(parameters: &str) -> bool {
    let mut numbers = parameters.split(';').map(|part| part.split(':').next().unwrap_or_default());
    let value = |text: &str| text.trim_start_matches('0').to_owned();
    while let Some(number) = numbers.next().map(value) {
        if number == "8" {
            return true;
        }
        if ["38", "48", "58"].contains(&number.as_str()) {
            let mut ahead = numbers.clone();
            let more = match ahead.next().map(value).as_deref() {
                Some("5") => 2,
                Some("2") => 4,
                _ => 0, // no colour by number
            };
            for _ in 0..more {
                numbers.next();
            }
        }
    }
    false
}

/// Characters that a terminal or a reader may take for an order, by Unicode's lists of bidirectional, invisible and format
/// characters.
fn may_not_stand(c: char) -> bool {
    let code = u32::from(c);
    c.is_control()
        || matches!(
            code,
            0xad | 0x34f
                | 0x61c
                | 0x6dd
                | 0x70f
                | 0x115f
                | 0x1160
                | 0x17b4
                | 0x17b5
                | 0x180e
                | 0x3164
                | 0xfeff
                | 0xffa0
        )
        || (0x200b..=0x200f).contains(&code)
        || (0x2028..=0x202e).contains(&code)
        || (0x2060..=0x206f).contains(&code)
        || (0xfe00..=0xfe0d).contains(&code)
        || (0xfff0..=0xfffb).contains(&code)
        || (0xe0000..=0xe0fff).contains(&code)
        || code & 0xfffe == 0xfffe
}

fn make(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..dice.below(10) {
        match dice.below(4) {
            0 => bytes.extend_from_slice(dice.one(TARGET.words).as_bytes()),
            1 => bytes.push(dice.byte()),
            2 => {
                let c = char::from_u32(u32::try_from(dice.below(0x11_0000)).unwrap_or_default()).unwrap_or('x');
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => {
                let times = dice.below(20);
                let word = dice.one(TARGET.words);
                bytes.extend_from_slice(word.repeat(times).as_bytes());
            }
        }
    }
    bytes
}
