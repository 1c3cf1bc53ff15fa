//! The last lines of a command's output, as much as one can scroll back to.
//!
//! The text is masked and made visible before it comes here; the whole of it is in the transcript. What must stay
//! true: memory is bounded whatever comes, and what was let go is counted.

use std::collections::VecDeque;

/// The most lines that are kept.
const LINES: usize = 10_000;
/// The most of one line that is kept, in bytes.
const LINE_BYTES: usize = 16 * 1024;
/// The most that is kept in all, in bytes.
const BYTES: usize = 4 * 1024 * 1024;

/// The end of an output.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
    /// The last line has no end yet.
    open: bool,
    /// Lines that were let go.
    gone: u64,
}

impl Tail {
    /// Takes a piece of text, of any length, cut anywhere between characters.
    pub(super) fn push(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            let (piece, ends) = piece.strip_suffix('\n').map_or((piece, false), |piece| (piece, true));
            if self.open && let Some(last) = self.lines.back_mut() {
                let mut room = LINE_BYTES.saturating_sub(last.len()).min(piece.len());
                while !piece.is_char_boundary(room) {
                    room -= 1;
                }
                last.push_str(&piece[..room]);
                self.bytes += room;
            } else {
                let mut room = LINE_BYTES.min(piece.len());
                while !piece.is_char_boundary(room) {
                    room -= 1;
                }
                self.lines.push_back(piece[..room].to_owned());
                self.bytes += room;
            }
            self.open = !ends;
        }
        while self.lines.len() > LINES || (self.bytes > BYTES && self.lines.len() > 1) {
            if let Some(line) = self.lines.pop_front() {
                self.bytes -= line.len();
                self.gone += 1;
            }
        }
    }

    /// Counts what is kept.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Counts what was let go.
    pub(super) fn gone(&self) -> u64 {
        self.gone
    }

    /// Lists some lines, from one on.
    pub(super) fn lines(&self, from: usize, count: usize) -> impl Iterator<Item = &str> {
        self.lines.iter().skip(from).take(count).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_what_went_is_counted() {
        let mut tail = Tail::default();
        tail.push("one\ntw");
        tail.push("o\n");
        assert_eq!(tail.lines(0, 9).collect::<Vec<_>>(), ["one", "two"]);
        tail.push(&"x".repeat(100_000));
        tail.push(&"y".repeat(100_000));
        tail.push("\n");
        assert_eq!(tail.lines(2, 1).map(str::len).sum::<usize>(), LINE_BYTES);
        for number in 0..20_000 {
            tail.push(&format!("{number}\n"));
        }
        assert_eq!(tail.len(), LINES);
        assert_eq!(tail.gone(), 10_003);
    }
}
