//! What a Redis server says: read as a second reader reads it, bounded, and never a hang.

use runsheet::exec::fuzzing::{Heard, reply};

use super::{Target, as_is, none};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "reply",
    longest: 4096,
    round: 4_000_000,
    words: &[
        "\r\n",
        "\n",
        "\r",
        "+PONG\r\n",
        "-ERR\r\n",
        "-WRONGPASS no\r\n",
        "-NOAUTH\r\n",
        ":1\r\n",
        ":-9223372036854775808\r\n",
        ":9223372036854775808\r\n",
        "$5\r\nhello\r\n",
        "$-1\r\n",
        "$0\r\n\r\n",
        "$1048576\r\n",
        "$1048577\r\n",
        "$18446744073709551615\r\n",
        "*1\r\n",
        "*2\r\n",
        "*-1\r\n",
        "*0\r\n",
        "*1048576\r\n",
        "+",
        "-",
        ":",
        "$",
        "*",
        "$+1\r\n",
        "*+1\r\n",
        ":+1\r\n",
        "_\r\n",
        "%1\r\n",
        "é",
    ],
    seeds: none,
    make,
    steady: false,
    mend: as_is,
    run,
};

fn run(input: &[u8]) -> u64 {
    let heard = reply(input);
    match (&heard, read(input, 8)) {
        (Heard::Refusal(words), Some((Said::Refusal(others), _))) => {
            assert!(*words == others, "{words:?}, not {others:?}");
        }
        (Heard::Answer(text, rows), Some((said @ (Said::Text(_) | Said::Nil | Said::List(_)), _))) => {
            assert!(*text == said.text(), "{text:?}, not {:?}", said.text());
            let known = match said {
                Said::Nil => 0,
                Said::List(list) => list.len() as u64,
                Said::Text(_) | Said::Refusal(_) => 1,
            };
            assert!(*rows == known, "{rows} rows, not {known}");
        }
        (Heard::Ended | Heard::Nonsense, None) => {}
        (heard, said) => panic!("{heard:?}, where another reader has {said:?}"),
    }
    match heard {
        Heard::Answer(text, rows) => hash((0, rows.min(5), text.len().min(8), text.contains('\n'))),
        Heard::Refusal(words) => hash((1, words.len().min(3))),
        Heard::Ended => hash((2, input.first(), input.len().min(12))),
        Heard::Nonsense => hash((3, input.first(), input.len().min(12))),
    }
}

#[derive(Debug)]
enum Said {
    Text(String),
    Nil,
    List(Vec<Said>),
    Refusal(String),
}

impl Said {
    fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Refusal(text) => text.clone(),
            Self::Nil => String::new(),
            Self::List(list) => list.iter().map(Self::text).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// The second reader: takes an answer from the front of what was said; none when it is none, or not all there.
fn read(said: &[u8], depth: u32) -> Option<(Said, &[u8])> {
    let end = said.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(said[..end].strip_suffix(b"\r")?).ok()?;
    let after = &said[end + 1..];
    let (kind, rest) = line.split_at_checked(1)?;
    let length = || rest.parse::<usize>().ok().filter(|length| *length <= 1 << 20);
    Some(match kind {
        "+" => (Said::Text(rest.to_owned()), after),
        "-" => (Said::Refusal(rest.to_owned()), after),
        ":" => (Said::Text(rest.parse::<i64>().ok()?.to_string()), after),
        "$" | "*" if rest == "-1" && (kind == "$" || depth > 0) => (Said::Nil, after),
        "$" => {
            let text = after.get(..length()?)?;
            let after = after[text.len()..].strip_prefix(b"\r\n")?;
            (Said::Text(String::from_utf8_lossy(text).into_owned()), after)
        }
        "*" if depth > 0 => {
            let (mut list, mut after) = (Vec::new(), after);
            for _ in 0..length()? {
                let (entry, rest) = read(after, depth - 1)?;
                list.push(entry);
                after = rest;
            }
            (Said::List(list), after)
        }
        _ => return None,
    })
}

fn make(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=dice.below(6) {
        if dice.once_in(3) {
            let length = dice.below(40);
            bytes.extend_from_slice(format!("${length}\r\n{}\r\n", dice.letters("ab\r\n*", length)).as_bytes());
        } else {
            bytes.extend_from_slice(dice.one(TARGET.words).as_bytes());
        }
    }
    bytes
}
