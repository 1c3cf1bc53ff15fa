//! The masker: puts a mark in the place of every secret, in whatever form it appears in a text.
//!
//! It works on text in which everything invisible was made visible before; nothing may remove characters after it. Colours are
//! taken out for the search and put back ([`styles`]). Three searches then look at the same text, and tell what they found and
//! what the end of the text leaves open; the last two only where [`signs`] tells them to:
//!
//! - [`index`]: [`forms`] that stand in the text as they are, by blocks of four bytes at a distance;
//! - [`spelled`]: the secret, and base64 of it, with every character in any spelling ([`tokens`]), mixed freely, from the first
//!   sign that a spelling begins with;
//! - [`known`]: what is a secret by its looks.
//!
//! The union of what they found is masked. The text is let out up to where the first thing begins that may still become a
//! secret; what is held is searched again with what comes next, so each search sees whole what it judges.
//!
//! Taken instead of one automaton over bytes: with every spelling of every character alive it has so many states that it is
//! neither small nor fast, and plain text, which is nearly all there is, would pay for it. Taken instead of decoding the text
//! and searching that: a percent sign before a secret that begins with `41` would hide it.
//!
//! What must stay true: the result does not depend on how the text was cut, stalls aside; of matches that overlap, everything that any of
//! them covers is masked; what may still become a secret is not let out; one mark tells neither length nor number.
//!
//! What stands in the same base64 before a secret stays readable, what stands after it does not. A part of fewer than eight
//! characters is not found, nor one whose characters are spelled otherwise, nor one that is a word.

mod entities;
mod forms;
mod found;
mod index;
mod known;
mod neighbours;
mod signs;
mod spelled;
mod styles;
mod tokens;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use zeroize::Zeroizing;

use self::forms::Forms;
use self::found::{Found, Word};
use self::index::Index;
use self::signs::{Signs, Wanted};
use self::spelled::{Scratch, Spelled};
use self::styles::Styles;
use self::tokens::Kind;
use super::Secret;

/// What stands in the place of a secret.
pub const MASK: &str = "[secret]";

/// All forms of a set of secrets, ready to be found.
pub struct Masker {
    index: Index,
    texts: Spelled,
    codes: Spelled,
    signs: Signs,
}

impl Masker {
    /// Prepares a set of secrets. Those of fewer than [`Secret::SHORTEST`] characters are left out: they would be everywhere.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms = Forms::default();
        for secret in secrets {
            forms.add(secret.expose());
        }
        let texts = Spelled::new(Kind::Text, forms.texts);
        let codes = Spelled::new(Kind::Code, forms.codes);
        let of_texts = texts.signs().into_iter().map(|sign| (sign, signs::TEXT));
        let of_codes = codes.signs().into_iter().map(|sign| (sign, signs::CODE));
        let pairs = known::pairs().map(|pair| (pair, signs::KNOWN));
        let signs = Signs::new(of_texts.chain(of_codes), pairs);
        Self { index: Index::new(forms.plain), texts, codes, signs }
    }

    /// Adds what begins at a sign, or has one in it, and what the text's end leaves open there.
    fn find_signs(&self, before: u8, text: &[u8], ends: bool, scratch: &mut Scratch, found: &mut Found) {
        let mut run = 0;
        self.signs.find(text, |at, wanted| {
            if wanted & signs::KNOWN != 0 {
                known::find_at(before, text, at, ends, found);
                return;
            }
            let wanted = match text[at] {
                b'\\' => {
                    if at >= run {
                        run = at + text[at..].iter().take_while(|byte| **byte == b'\\').count();
                    }
                    let within = at > 0 && text[at - 1] == b'\\';
                    self.without(wanted, |spelled| within && spelled.is_within_run(run - at))
                }
                b'\n' => self.without(wanted, |spelled| spelled.is_only_line_end(text, at)),
                _ => wanted,
            };
            if wanted == 0 {
                return;
            }
            let wanted = match tokens::read_simple(text, at) {
                Some(readings) => self.without(wanted, |spelled| spelled.is_idle(text, at, readings)),
                None => wanted,
            };
            self.look(before, text, at, wanted, scratch, found);
            if let Some(letter) = spelled::struck_out(text, at) {
                self.look(before, text, letter, wanted, scratch, found);
            }
        });
        if let Some(letter) = spelled::may_be_struck_out(text) {
            self.look(before, text, letter, signs::TEXT | signs::CODE, scratch, found);
        }
    }

    /// Takes out of what is wanted the searches that have nothing to find.
    fn without(&self, wanted: Wanted, idle: impl Fn(&Spelled) -> bool) -> Wanted {
        let mut left = wanted;
        for (search, spelled) in [(signs::TEXT, &self.texts), (signs::CODE, &self.codes)] {
            if wanted & search != 0 && idle(spelled) {
                left &= !search;
            }
        }
        left
    }

    /// Looks at a sign for each search that wants it.
    fn look(&self, before: u8, text: &[u8], at: usize, wanted: Wanted, scratch: &mut Scratch, found: &mut Found) {
        let mut open = None;
        let mut read = false;
        for (search, kind, spelled) in [(signs::TEXT, Kind::Text, &self.texts), (signs::CODE, Kind::Code, &self.codes)]
        {
            if wanted & search == 0 {
                continue;
            }
            if !read || tokens::depends_on_kind(text[at]) {
                scratch.read.clear();
                open = tokens::read(text, at, kind, &mut scratch.read);
                read = true;
            }
            spelled.look(before, text, at, open, scratch, found);
        }
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

    /// Tells which ranges of a whole text [`Masker::mask`] puts its mark in the place of, in order; of colours there must be none.
    #[must_use]
    pub fn covered(self: &Arc<Self>, text: &str) -> Vec<Range<usize>> {
        let mut stream = self.stream();
        stream.find(text.as_bytes(), true);
        let mut spans = std::mem::take(&mut stream.found.spans);
        spans.extend(stream.found.telling.map(|telling| (telling, text.len())));
        spans.sort_unstable();
        let mut ranges: Vec<Range<usize>> = Vec::with_capacity(spans.len());
        for (start, end) in spans {
            match ranges.last_mut() {
                Some(last) if start <= last.end => last.end = last.end.max(end),
                Some(_) | None => ranges.push(start..end),
            }
        }
        ranges
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
            before: 0,
            words: [false; Word::COUNT],
            styles: Styles::default(),
            found: Found::default(),
            scratch: Scratch::default(),
        }
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").field("forms", &self.index.len()).finish_non_exhaustive()
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
    /// The byte before it.
    before: u8,
    /// Which words it begins within, and which are masked as far as they go.
    words: [bool; Word::COUNT],
    /// The colours in it.
    styles: Styles,
    /// Emptied and used again for each piece: what was found in it.
    found: Found,
    scratch: Scratch,
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
        self.find(&text, false);
        let known = self.found.spans.iter().any(|(_, end)| *end > self.hidden);
        let from = self.hidden.max(self.shown);
        let to = self.found.telling.unwrap_or(text.len());
        // colours at the end come out too, so also where no character does
        if !known && from <= to && self.hidden < text.len() {
            self.styles.put_back(&text, from, to, out);
            self.shown = to;
            self.in_mask = false;
        }
        self.held = text;
    }

    /// Lets out the rest. Where 8 or more characters of a secret's beginning stand at the end, they are masked.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let mut text = std::mem::take(&mut self.held);
        self.styles.end(&mut text);
        self.find(&text, true);
        if let Some(telling) = self.found.telling {
            self.found.spans.push((telling, text.len()));
        }
        self.let_out(&text, text.len(), out);
        self.in_mask = false;
        self.hidden = 0;
        self.shown = 0;
        self.before = 0;
        self.words = [false; Word::COUNT];
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
        self.find(text, false);
        let decided = self.found.open.unwrap_or(text.len());
        self.let_out(text, decided, out);
        decided
    }

    /// Fills `found`. `ends` says that nothing comes after the text.
    fn find(&mut self, text: &[u8], ends: bool) {
        let Self { masker, found, scratch, before, .. } = self;
        found.clear();
        // all that was held is part of a word that goes on, also a sign that none may have: some spelling put it there
        let held = self.hidden;
        for word in Word::ALL {
            if self.words[word as usize] {
                // sure, so it stays known though nothing of it may be decided yet
                self.hidden = self.hidden.max(found.add_word(word, *before, text, 0, held));
            }
        }
        if self.hidden > 0 {
            found.add(0, self.hidden);
        }
        masker.index.find(*before, text, found);
        masker.find_signs(*before, text, ends, scratch, found);
        known::find_open(*before, text, found);
        masker.index.find_open(text, found);
    }

    /// Lets out the decided part of a text, masked, and notes how far a match reaches beyond it.
    fn let_out(&mut self, text: &[u8], decided: usize, out: &mut Vec<u8>) {
        let mut found = std::mem::take(&mut self.found);
        found.spans.sort_unstable();
        let mut at = self.shown.min(decided);
        let mut reach = self.hidden;
        for &(start, end) in &found.spans {
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
        for word in Word::ALL {
            let begun = found.words[word as usize];
            // a word that the text began within goes on even where nothing of it is decided yet
            let goes_on = begun == Some(0) && self.words[word as usize];
            self.words[word as usize] = goes_on || begun.is_some_and(|start| start < decided);
        }
        if let Some(last) = decided.checked_sub(1) {
            self.before = text[last];
        }
        self.found = found;
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
mod finds;
#[cfg(test)]
mod tests;
