//! The frames of a run's socket: cutting makes no difference, a length alone is enough to refuse, and whatever a client says is
//! a person's word.
//!
//! An input is what comes over the connection.

use runsheet::engine::Input;
use runsheet::front::Say;
use runsheet::session::wire::{Answered, Down, Hello, TO_HOST, Up, frame, split, understand};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Target, none};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "frames",
    longest: 2000,
    round: 1_400_000,
    words: &[
        "{\"say\":",
        "\"take_over\"",
        "\"leave\"",
        "{\"detach\":\"SIGHUP\"}",
        "{\"go\":{\"step\":\"a\",\"confirmed\":true}}",
        "{\"answer\":{\"target\":{\"step\":\"a\"},\"answers\":[[\"n\",{\"secret\":\"CANARY-word\"}]]}}",
        "{\"stop\":{\"hard\":true}}",
        "{\"rollback\":{\"to\":null}}",
        "\"by_policy\":true",
        "{\"performed\":{}}",
        "{\"presence\":{}}",
        "{\"pause\":{\"why\":\"x\"}}",
        "\"undo\":1",
        "\"protocol\":1",
        "\"role\":\"act\"",
        "null",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\u0000",
        "\\ud800",
        "\0\0\0\0",
        "\0\0\0\u{1}",
        "\0\u{10}\0\0",
        "\0\u{10}\0\u{1}",
        "\u{7f}",
        "1e999",
        "\n",
    ],
    seeds: none,
    make,
    steady: false,
    mend,
    run,
};

/// The limit that a target of short inputs can reach.
const LIMIT: usize = 1000;

fn run(input: &[u8]) -> u64 {
    let whole = taken(&[input]);
    let mut dice = Dice::of(input);
    let mut pieces = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(dice.below(rest.len().min(9)) + 1);
        pieces.push(piece);
        rest = after;
    }
    assert!(taken(&pieces) == whole, "cut, other frames come out");
    assert!(read(input) == whole, "another reader has other frames");
    let mut kinds = Vec::new();
    for bytes in &whole.0 {
        let up: Option<Up> = again(bytes);
        kinds.push((
            up.is_some(),
            again::<Hello>(bytes).is_some(),
            again::<Down>(bytes).is_some(),
            again::<Answered>(bytes).is_some(),
        ));
        if let Some(Up::Say(word)) = up {
            kinds.push((true, true, true, false));
            if let Say::Input(input) = word.say() {
                let persons = matches!(
                    input,
                    Input::Go { .. }
                        | Input::GoAnyway { .. }
                        | Input::VerifyAgain { .. }
                        | Input::Recapture { .. }
                        | Input::ByHand { .. }
                        | Input::Skip { .. }
                        | Input::Stop { .. }
                        | Input::Note { .. }
                        | Input::Quiz { .. }
                        | Input::Aside(_)
                        | Input::Rollback { by_policy: false, .. }
                        | Input::Undo { .. }
                        | Input::SignOff { .. }
                        | Input::RefuseSignOff { .. }
                        | Input::Abandon { .. }
                );
                assert!(persons, "a client brings {input:?}");
            }
        }
    }
    kinds.truncate(6);
    hash((kinds, whole.1))
}

/// Reads a value, writes it, and reads it once more.
fn again<T: Serialize + DeserializeOwned + std::fmt::Debug>(bytes: &[u8]) -> Option<T> {
    match understand::<T>(bytes) {
        Ok(value) => {
            let framed = frame(&value).expect("a short frame");
            let second: T = understand(&framed[4..]).expect("what we write we understand");
            assert!(format!("{value:?}") == format!("{second:?}"), "{value:?} became {second:?}");
            Some(value)
        }
        Err(broken) => {
            let told = broken.to_string();
            assert!(!told.contains("CANARY") && told.len() < 200, "the frame is repeated: {told}");
            None
        }
    }
}

/// Takes the frames off pieces as they come; and whether one was refused.
fn taken(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let mut held = Zeroizing::new(Vec::new());
    let mut frames = Vec::new();
    for piece in pieces {
        held.extend_from_slice(piece);
        loop {
            match split(&mut held, LIMIT.min(TO_HOST)) {
                Ok(Some(frame)) => frames.push(frame.to_vec()),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

/// The second reader.
fn read(mut bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut frames = Vec::new();
    while bytes.len() >= 4 {
        let length = bytes[..4].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        if length > LIMIT {
            return (frames, true);
        }
        if bytes.len() < 4 + length {
            break;
        }
        frames.push(bytes[4..4 + length].to_vec());
        bytes = &bytes[4 + length..];
    }
    (frames, false)
}

fn make(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=dice.below(4) {
        let body: String = match dice.below(4) {
            0 => (0..=dice.below(5)).map(|_| dice.one(TARGET.words)).collect(),
            1 => format!("{{\"say\":{}}}", dice.one(TARGET.words)),
            2 => "{\"protocol\":1,\"program\":\"1\",\"role\":\"watch\",\"operator\":\"a\",\"account\":\"a\",\"host\":\"b\"}".to_owned(),
            _ => dice.one(TARGET.words).to_owned(),
        };
        bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or_default().to_be_bytes());
        bytes.extend_from_slice(body.as_bytes());
    }
    bytes
}

/// Gives the first frame the length that it has, mostly.
#[expect(clippy::ptr_arg, reason = "other targets make theirs longer")]
fn mend(bytes: &mut Vec<u8>, dice: &mut Dice) {
    if bytes.len() > 4 && !dice.once_in(3) {
        let length = u32::try_from(bytes.len() - 4).unwrap_or_default();
        bytes[..4].copy_from_slice(&length.to_be_bytes());
    }
}
