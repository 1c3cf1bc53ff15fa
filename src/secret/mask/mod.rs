//! The masker: puts a mark in the place of every secret, in whatever form it appears in a text.
//!
//! It works on text in which everything invisible was made visible before; nothing may remove characters after it.
//! What must stay true: the result does not depend on how the text was cut, stalls aside; of matches that overlap, everything that any of
//! them covers is masked; what may still become a secret is not let out; one mark tells neither length nor number.
//!
//! A secret that is broken by colours is seen. One that is broken by combining marks or line breaks is not, nor one whose
//! characters are escaped in two ways at once.

mod forms;
mod index;
mod styles;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use self::index::Index;
use self::styles::Styles;
use super::Secret;

/// What stands in the place of a secret.
pub const MASK: &str = "[secret]";

/// The fewest characters of a secret that are hidden where the text ends within it.
const TELLING: usize = 8;

/// All forms of a set of secrets, ready to be found.
pub struct Masker {
    index: Index,
}

impl Masker {
    /// Prepares a set of secrets. Those of fewer than [`Secret::SHORTEST`] characters are left out: they would be everywhere.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets {
            forms::add(secret.expose(), &mut forms);
        }
        Self { index: Index::new(forms) }
    }

    /// Masks a whole text.
    #[must_use]
    pub fn mask(self: &Arc<Self>, text: &str) -> String {
        let mut stream = self.stream();
        let mut masked = String::with_capacity(text.len());
        stream.push_str(text, &mut masked);
        stream.finish_str(&mut masked);
        masked
    }

    /// Starts to mask a text that comes in pieces.
    #[must_use]
    pub fn stream(self: &Arc<Self>) -> MaskStream {
        MaskStream {
            masker: Arc::clone(self),
            held: Zeroizing::new(Vec::new()),
            hidden: 0,
            shown: 0,
            in_mask: false,
            styles: Styles::default(),
            spans: Vec::new(),
        }
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").field("forms", &self.index.len()).finish()
    }
}

/// Masks one text that comes in pieces of any length.
pub struct MaskStream {
    masker: Arc<Masker>,
    /// What may still become a secret. It begins where the first unfinished match begins.
    held: Zeroizing<Vec<u8>>,
    /// How many bytes of it are covered by a match that began before it.
    hidden: usize,
    /// How many bytes of it a stall has let out already.
    shown: usize,
    /// Whether the last byte that was let out was masked, so that the mark for it stands already.
    in_mask: bool,
    /// The colours in it.
    styles: Styles,
    /// Emptied and used again for each piece: what is to be masked in it.
    spans: Vec<(usize, usize)>,
}

impl MaskStream {
    /// Takes a piece, and lets out what cannot become a secret any more.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let passes = self.styles.can_pass(input);
        if passes && self.held.is_empty() {
            self.styles.passed(input);
            let decided = self.scan(input, out);
            self.held.extend_from_slice(&input[decided..]);
        } else {
            let mut text = std::mem::take(&mut self.held);
            if passes {
                self.styles.passed(input);
                text.extend_from_slice(input);
            } else {
                self.styles.take_out(input, &mut text);
            }
            let decided = self.scan(&text, out);
            text.drain(..decided);
            self.held = text;
        }
    }

    /// Lets out what is held back after all, because nothing more has come for a while: a prompt should not lack its last
    /// letter. At most 7 characters of a secret can become visible so; 8 or more are held until it is known what they are.
    pub fn stall(&mut self, out: &mut Vec<u8>) {
        let text = std::mem::take(&mut self.held);
        self.find(&text);
        let known = self.spans.iter().any(|(_, end)| *end > self.hidden);
        let from = self.hidden.max(self.shown);
        if text.len() < TELLING && !known && self.hidden < text.len() {
            self.styles.put_back(&text, from, text.len(), out);
            self.shown = text.len();
            self.in_mask = false;
        }
        self.held = text;
    }

    /// Lets out the rest. Where 8 or more characters of a secret's beginning stand at the end, they are masked.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let mut text = std::mem::take(&mut self.held);
        self.styles.end(&mut text);
        self.find(&text);
        for start in 0..text.len().saturating_sub(TELLING - 1) {
            if self.masker.index.is_beginning(&text[start..]) {
                self.spans.push((start, text.len()));
                break;
            }
        }
        self.let_out(&text, text.len(), out);
        self.in_mask = false;
        self.hidden = 0;
        self.shown = 0;
    }

    /// [`MaskStream::push`] for text. A character is never cut in two.
    pub fn push_str(&mut self, input: &str, out: &mut String) {
        with_bytes(out, |out| self.push(input.as_bytes(), out));
    }

    /// [`MaskStream::stall`] for text.
    pub fn stall_str(&mut self, out: &mut String) {
        with_bytes(out, |out| self.stall(out));
    }

    /// [`MaskStream::finish`] for text.
    pub fn finish_str(&mut self, out: &mut String) {
        with_bytes(out, |out| self.finish(out));
    }

    /// Masks what is decided of a text and returns how much that is.
    fn scan(&mut self, text: &[u8], out: &mut Vec<u8>) -> usize {
        let index = &self.masker.index;
        let first = text.len().saturating_sub(index.longest().saturating_sub(1));
        let decided = (first..text.len()).find(|&start| index.is_beginning(&text[start..])).unwrap_or(text.len());
        self.find(text);
        self.let_out(text, decided, out);
        decided
    }

    /// Fills `spans` with what is to be masked in a text.
    fn find(&mut self, text: &[u8]) {
        self.spans.clear();
        if self.hidden > 0 {
            self.spans.push((0, self.hidden));
        }
        self.masker.index.find(text, &mut self.spans);
    }

    /// Lets out the decided part of a text, masked, and notes how far a match reaches beyond it.
    fn let_out(&mut self, text: &[u8], decided: usize, out: &mut Vec<u8>) {
        self.spans.sort_unstable();
        let mut at = self.shown.min(decided);
        let mut reach = self.hidden;
        for &(start, end) in &self.spans {
            if start >= decided {
                break;
            }
            reach = reach.max(end);
            if end <= at {
                continue;
            }
            self.styles.put_back(text, at, start.max(at), out);
            if start > at {
                self.in_mask = false;
            }
            if !self.in_mask {
                out.extend_from_slice(MASK.as_bytes());
                self.in_mask = true;
            }
            at = end.min(decided);
        }
        self.styles.put_back(text, at, decided, out);
        self.styles.shift(decided);
        if at < decided {
            self.in_mask = false;
        }
        self.hidden = reach.saturating_sub(decided);
        self.shown = self.shown.saturating_sub(decided);
    }
}

impl fmt::Debug for MaskStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskStream").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

/// Adds bytes to a text. All forms are text and a text is cut at characters, so they are text; were they not, signs would
/// stand for what is not.
fn with_bytes(text: &mut String, write: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = Vec::new();
    write(&mut bytes);
    text.push_str(&String::from_utf8_lossy(&bytes));
}

#[cfg(test)]
mod tests;
