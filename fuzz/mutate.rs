//! Changes an input a little: bytes, words that mean something to the target, pieces of other inputs.

use crate::dice::Dice;

/// Bytes at the edges of what readers tell apart.
const EDGES: &[u8] = b"\0\t\n\r\x1b !\"#$%&'()*+,-./0189:;<=>?@AZ[\\]^_`az{|}~\x7f\x80\x9b\xbf\xc2\xe2\xed\xf0\xff";

/// Makes a new input out of one, or of two.
pub(crate) fn mutate(input: &[u8], other: &[u8], words: &[&str], longest: usize, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = input.to_vec();
    let most = if dice.once_in(4) { 12 } else { 3 };
    for _ in 0..=dice.below(most) {
        once(&mut bytes, other, words, dice);
    }
    bytes.truncate(longest);
    bytes
}

fn once(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let most = if dice.once_in(4) { 200 } else { 8 };
    let few = dice.below(most) + 1;
    let end = (at + few).min(bytes.len());
    match dice.below(12) {
        0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        1 if at < bytes.len() => bytes[at] = EDGES[dice.below(EDGES.len())],
        2 => bytes.insert(at, EDGES[dice.below(EDGES.len())]),
        3 => bytes.insert(at, dice.byte()),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let piece = bytes[at..end].to_vec();
            let to = dice.below(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        6 => {
            let from = dice.below(other.len() + 1);
            let piece = &other[from..(from + few).min(other.len())];
            bytes.splice(at..at, piece.iter().copied());
        }
        7 => {
            let from = dice.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        8 => swap_lines(bytes, dice),
        9 => number(bytes, at, dice),
        _ if !words.is_empty() => {
            let word = dice.one(words).bytes();
            let end = if dice.once_in(3) { end } else { at };
            bytes.splice(at..end, word);
        }
        // what did not fit above
        _ => bytes.insert(at, dice.byte()),
    }
}

/// Puts one line in the place of another, or doubles it.
fn swap_lines(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
    if lines.is_empty() {
        return;
    }
    if dice.once_in(2) {
        lines.swap(one, other);
    } else {
        let line = lines[one].clone();
        lines.insert(other, line);
    }
    *bytes = lines.concat();
}

/// Puts another number in the place of the next one.
fn number(bytes: &mut Vec<u8>, at: usize, dice: &mut Dice) {
    const NUMBERS: &[&str] =
        &["0", "-1", "1", "7", "8", "9", "255", "4294967296", "18446744073709551616", "1e999", "0.1"];
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) else { return };
    let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = dice.one(NUMBERS).bytes();
    bytes.splice(start..start + length, number);
}
