//! Takes colours and styles (`ESC [ … m`) out of a text for as long as it is searched, and puts them back.
//!
//! A program that colours a part of a secret would otherwise break it in two, and on the screen it would be whole again.
//! What must stay true: every sequence comes back between the same two characters; what is held back is bounded, so of a
//! flood of sequences between two characters only the first 256 bytes stay.

use std::collections::VecDeque;

const ESCAPE: u8 = 0x1b;
/// The longest sequence that is taken for one.
const SEQUENCE: usize = 64;
/// The most bytes of sequences between two characters.
const CROWD: usize = 256;

/// The sequences that were taken out of a text and not put back yet.
#[derive(Default)]
pub(super) struct Styles {
    /// Before which byte of the text each stands.
    taken: VecDeque<(usize, Vec<u8>)>,
    /// The beginning of a sequence, at the end of what came.
    unfinished: Vec<u8>,
    /// How many bytes of sequences came since the last byte of text.
    crowd: usize,
}

/// What an `ESC` begins.
enum Sequence {
    Whole(usize),
    Unfinished,
    None,
}

impl Styles {
    /// Says whether a text could be added without looking for sequences.
    pub(super) fn can_pass(&self, input: &[u8]) -> bool {
        self.taken.is_empty() && self.unfinished.is_empty() && plain_length(input) == input.len()
    }

    /// Notes that text was added without [`Styles::take_out`].
    pub(super) fn passed(&mut self, input: &[u8]) {
        if !input.is_empty() {
            self.crowd = 0;
        }
    }

    /// Adds what is no sequence to a text.
    pub(super) fn take_out(&mut self, input: &[u8], text: &mut Vec<u8>) {
        let joined;
        let mut rest = input;
        if !self.unfinished.is_empty() {
            joined = [std::mem::take(&mut self.unfinished).as_slice(), input].concat();
            rest = &joined;
        }
        loop {
            let plain = plain_length(rest);
            let (before, sequence) = rest.split_at(plain);
            text.extend_from_slice(before);
            self.passed(before);
            if sequence.is_empty() {
                break;
            }
            match read(sequence) {
                Sequence::Whole(length) => {
                    if self.crowd + length <= CROWD {
                        self.taken.push_back((text.len(), sequence[..length].to_vec()));
                    }
                    self.crowd += length;
                    rest = &sequence[length..];
                }
                Sequence::Unfinished => {
                    self.unfinished.extend_from_slice(sequence);
                    break;
                }
                Sequence::None => {
                    text.push(ESCAPE);
                    self.crowd = 0;
                    rest = &sequence[1..];
                }
            }
        }
    }

    /// Ends the text: what was not finished is text.
    pub(super) fn end(&mut self, text: &mut Vec<u8>) {
        text.append(&mut self.unfinished);
        self.crowd = 0;
    }

    /// Copies a part of the text with the sequences up to its end, its end included.
    pub(super) fn put_back(&mut self, text: &[u8], mut from: usize, to: usize, out: &mut Vec<u8>) {
        while let Some((place, sequence)) = self.taken.pop_front_if(|(place, _)| *place <= to) {
            if place > from {
                out.extend_from_slice(&text[from..place]);
                from = place;
            }
            out.extend_from_slice(&sequence);
        }
        out.extend_from_slice(&text[from..to]);
    }

    /// Follows when the beginning of the text goes.
    pub(super) fn shift(&mut self, gone: usize) {
        for (place, _) in &mut self.taken {
            *place -= gone;
        }
    }
}

/// Returns how many bytes come before the first `ESC`.
fn plain_length(bytes: &[u8]) -> usize {
    memchr::memchr(ESCAPE, bytes).unwrap_or(bytes.len())
}

fn read(bytes: &[u8]) -> Sequence {
    match bytes.get(1) {
        None => return Sequence::Unfinished,
        Some(b'[') => {}
        Some(_) => return Sequence::None,
    }
    let parameters = bytes[2..].iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')).count();
    if parameters + 3 > SEQUENCE {
        return Sequence::None;
    }
    match bytes.get(2 + parameters) {
        None => Sequence::Unfinished,
        Some(b'm') => Sequence::Whole(parameters + 3),
        Some(_) => Sequence::None,
    }
}
