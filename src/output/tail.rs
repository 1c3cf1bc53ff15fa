//! The end of an output, for scrolling back: so many bytes of it, in lines.
//!
//! It holds what is shown already, so visible and masked text. It is no record: the transcript has everything. What must stay
//! true: memory is bounded whatever comes, and no line is longer than a screen can be asked to wrap.

use std::collections::VecDeque;

/// The longest line; a longer one goes on in the next.
const LINE: usize = 16 * 1024;

/// The longest sequence for colours that [`Visible`](super::Visible) lets through.
const SEQUENCE: usize = 64;

/// Returns the beginning of a visible text, at most so many bytes of it: no character and no colour is cut in two.
#[must_use]
pub fn head(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let text = &text[..text.floor_char_boundary(bytes)];
    let last = text.floor_char_boundary(text.len().saturating_sub(SEQUENCE));
    match text[last..].rfind('\u{1b}') {
        Some(at) if !text[last + at..].contains('m') => &text[..last + at],
        Some(_) | None => text,
    }
}

/// The last lines of an output.
#[derive(Clone, Debug)]
pub struct Tail {
    text: String,
    /// Where the lines in `text` begin. There is always one: the one being written.
    starts: VecDeque<usize>,
    room: usize,
    dropped: u64,
}

impl Tail {
    /// Makes one for so many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { text: String::new(), starts: VecDeque::from([0]), room: bytes.max(LINE), dropped: 0 }
    }

    /// Adds a piece, which need not end with a line.
    pub fn push(&mut self, piece: &str) {
        for part in piece.split_inclusive('\n') {
            self.push_part(part);
        }
    }

    /// Returns how many lines there are: the one being written counts once it has a character.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len() - usize::from(self.last_is_empty())
    }

    /// Says whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many lines there were before those that are kept.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns a line by its place among those that are kept, without its line end.
    #[must_use]
    pub fn line(&self, place: usize) -> Option<&str> {
        if place >= self.len() {
            return None;
        }
        let start = *self.starts.get(place)?;
        let end = self.starts.get(place + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end)?;
        Some(line.strip_suffix('\n').unwrap_or(line))
    }

    /// Returns the last lines, oldest first.
    #[must_use]
    pub fn last(&self, count: usize) -> impl DoubleEndedIterator<Item = &str> {
        (self.len().saturating_sub(count)..self.len()).filter_map(|place| self.line(place))
    }

    /// Returns how many bytes of memory it takes, about.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.text.capacity() + self.starts.capacity() * size_of::<usize>()
    }

    /// Keeps no more than the last 16 KiB from now on, for when nobody is likely to look.
    pub fn put_aside(&mut self) {
        self.room = LINE;
        self.shrink();
        let useless = self.starts[0];
        self.text.drain(..useless);
        self.starts.iter_mut().for_each(|start| *start -= useless);
        self.text.shrink_to_fit();
        self.starts.shrink_to_fit();
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new(self.room);
    }

    /// Adds a part that has a line end at most at its end.
    fn push_part(&mut self, mut part: &str) {
        loop {
            let left = LINE - (self.text.len() - self.starts.back().copied().unwrap_or_default());
            let body = part.strip_suffix('\n').unwrap_or(part);
            if body.len() <= left {
                self.text.push_str(part);
                if part.len() > body.len() {
                    self.begin_line();
                }
                break;
            }
            let (fits, rest) = body.split_at(head(body, left).len());
            self.text.push_str(fits);
            self.begin_line();
            self.shrink();
            part = &part[part.len() - rest.len() - (part.len() - body.len())..];
        }
        self.shrink();
    }

    fn begin_line(&mut self) {
        self.starts.push_back(self.text.len());
    }

    fn last_is_empty(&self) -> bool {
        self.starts.back() == Some(&self.text.len())
    }

    /// Drops whole lines from the front. The text is moved only when half of it is of no use, so each byte moves once.
    fn shrink(&mut self) {
        while self.starts.len() > 1 && self.text.len() - self.starts[0] > self.room {
            self.starts.pop_front();
            self.dropped += 1;
        }
        let useless = self.starts[0];
        if useless > self.room {
            self.text.drain(..useless);
            self.starts.iter_mut().for_each(|start| *start -= useless);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_lines_however_they_come() {
        let mut tail = Tail::new(1 << 20);
        assert!(tail.is_empty());
        for piece in ["one\ntw", "o\n", "", "\nfour"] {
            tail.push(piece);
        }
        assert_eq!(tail.last(9).collect::<Vec<_>>(), ["one", "two", "", "four"]);
        assert_eq!(tail.last(2).collect::<Vec<_>>(), ["", "four"]);
        tail.push("\n");
        assert_eq!((tail.len(), tail.line(3), tail.line(4)), (4, Some("four"), None));
        tail.clear();
        assert!(tail.is_empty() && tail.dropped() == 0);
    }

    #[test]
    fn drops_the_oldest_lines_and_counts_them() {
        let mut tail = Tail::new(LINE);
        for number in 0..100_000 {
            tail.push(&format!("line {number:010}\n"));
            assert!(tail.text.len() <= 2 * LINE + 16);
        }
        assert_eq!(tail.last(1).next(), Some("line 0000099999"));
        assert_eq!(tail.len(), LINE / 16);
        assert_eq!(tail.dropped() + tail.len() as u64, 100_000);
    }

    #[test]
    fn what_is_put_aside_keeps_its_end() {
        let mut tail = Tail::new(1 << 20);
        tail.push(&"0123456789abcde\n".repeat(60_000));
        assert!(tail.memory() > 900_000);
        tail.put_aside();
        assert!(tail.memory() < 2 * LINE, "{}", tail.memory());
        assert_eq!((tail.len() as u64 + tail.dropped(), tail.last(1).next()), (60_000, Some("0123456789abcde")));
        tail.push("more");
        assert_eq!(tail.last(1).next(), Some("more"));
    }

    #[test]
    fn a_long_line_is_not_broken_within_a_colour() {
        for before in LINE - 12..LINE + 2 {
            let mut tail = Tail::new(4 * LINE);
            tail.push(&format!("{}\u{1b}[1;31mred\u{1b}[0m\n", "x".repeat(before)));
            let lines: Vec<&str> = tail.last(9).collect();
            assert!(lines.iter().all(|line| line.len() <= LINE), "{before}");
            let whole = |line: &&&str| line.matches('\u{1b}').count() == line.matches('m').count();
            assert_eq!(lines.iter().filter(whole).count(), lines.len(), "{before}");
            assert_eq!(lines.concat().len(), before + 14);
        }
    }

    #[test]
    fn a_line_without_end_is_broken() {
        let mut tail = Tail::new(LINE);
        let text = "é".repeat(LINE);
        tail.push("x");
        for piece in [&text[..10], &text[10..]] {
            tail.push(piece);
        }
        tail.push("\nlast");
        assert_eq!(tail.last(1).next(), Some("last"));
        assert!((0..tail.len()).all(|place| tail.line(place).is_some_and(|line| line.len() <= LINE)));
        let mut tail = Tail::new(10 * LINE);
        tail.push(&text);
        assert_eq!(tail.last(9).collect::<String>(), text);
    }
}
