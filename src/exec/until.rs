//! Watches a command's output for the line that ends it.
//!
//! It looks at what was printed, line by line, without colours, before masking: what it finds goes no further than its caller,
//! who masks it. What must stay true: a line is matched whole, however its bytes came; memory is bounded, however long a line is.

use regex::Regex;
use zeroize::Zeroizing;

use super::transcript::{Stream, without_colours};
use crate::output::visible;

/// The longest line that is matched, in bytes; of a longer one its beginning is.
const LINE: usize = 64 << 10;

/// The lines of a command, looked at as they come.
pub(super) struct Watch<'a> {
    wanted: Option<&'a Regex>,
    /// The line that each stream is within.
    lines: [Zeroizing<Vec<u8>>; 2],
    /// The line that matched. It may hold a secret.
    pub(super) found: Option<Zeroizing<String>>,
}

impl<'a> Watch<'a> {
    /// Begins to look for a line; for none where there is no expression.
    pub(super) fn new(wanted: Option<&'a Regex>) -> Self {
        Self { wanted, lines: [Zeroizing::default(), Zeroizing::default()], found: None }
    }

    /// Takes bytes as they came; none at all say that none have come for a while, so that a line without an end counts too.
    /// Says whether the line is among them.
    pub(super) fn take(&mut self, stream: Stream, bytes: &[u8]) -> bool {
        if self.wanted.is_none() || self.found.is_some() {
            return false;
        }
        if bytes.is_empty() {
            self.look(stream);
        }
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let line = &mut self.lines[stream as usize];
            let ends = piece.ends_with(b"\n") || piece.ends_with(b"\r");
            let room = LINE.saturating_sub(line.len());
            let text = &piece[..piece.len() - usize::from(ends)];
            crate::secret::wiped::append(line, &text[..text.len().min(room)]);
            if ends {
                self.look(stream);
                self.lines[stream as usize].clear();
            }
            if self.found.is_some() {
                break;
            }
        }
        self.found.is_some()
    }

    /// Looks at the lines that have no end, once no more can come.
    pub(super) fn finish(&mut self) {
        for stream in [Stream::Out, Stream::Err] {
            self.take(stream, &[]);
        }
    }

    fn look(&mut self, stream: Stream) {
        let line = &self.lines[stream as usize];
        if line.is_empty() {
            return;
        }
        let text = Zeroizing::new(without_colours(&visible(&String::from_utf8_lossy(line))));
        if self.wanted.is_some_and(|wanted| wanted.is_match(&text)) {
            self.found = Some(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_whole_however_it_is_cut_and_only_where_it_stands() {
        let wanted = Regex::new("^ready: [0-9]+$").unwrap();
        let text = "not ready: 1\n\x1b[32mready:\x1b[0m 42\r\nready: 7\n".as_bytes();
        for cut in 0..=text.len() {
            let mut watch = Watch::new(Some(&wanted));
            watch.take(Stream::Err, b"ready: ");
            let found = watch.take(Stream::Out, &text[..cut]) | watch.take(Stream::Out, &text[cut..]);
            assert!(found, "{cut}");
            assert_eq!(watch.found.as_ref().map(|line| line.as_str()), Some("ready: 42"), "{cut}");
        }
    }

    #[test]
    fn a_line_without_an_end_counts_when_nothing_more_comes() {
        let wanted = Regex::new("login:").unwrap();
        let mut watch = Watch::new(Some(&wanted));
        assert!(!watch.take(Stream::Out, b"login: "));
        assert!(watch.take(Stream::Out, b""));
        let mut watch = Watch::new(Some(&wanted));
        watch.take(Stream::Err, b"login: ");
        watch.finish();
        assert!(watch.found.is_some());
    }

    #[test]
    fn a_line_without_end_takes_a_bounded_place() {
        let wanted = Regex::new("end").unwrap();
        let mut watch = Watch::new(Some(&wanted));
        for _ in 0..100 {
            assert!(!watch.take(Stream::Out, &[b'x'; 10_000]));
        }
        assert_eq!(watch.lines[0].len(), LINE);
    }
}
