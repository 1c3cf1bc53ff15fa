//! Letters that look like chance and come again: practice values, and texts that an expression matches.
//!
//! Whoever knows the seed of a drill and what a value is for gets the same value, in whichever process. Nothing here is fit to keep
//! anything secret, and nothing that is real is made of it.

use regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind};
use sha2::{Digest, Sha256};

/// Letters that come again.
#[derive(Clone)]
pub(super) struct Letters {
    label: String,
    block: Vec<u8>,
    blocks: u64,
}

/// What a practice value is made of.
const PLAIN: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// How often a part of an expression is written that may stand any number of times.
const MANY: u32 = 12;

/// The most characters that are made for an expression.
const LONGEST: usize = 4096;

impl Letters {
    /// Begins those of a seed for a purpose.
    pub(super) fn of(seed: u64, purpose: &str) -> Self {
        Self { label: format!("{seed}\n{purpose}"), block: Vec::new(), blocks: 0 }
    }

    fn byte(&mut self) -> u8 {
        loop {
            if let Some(byte) = self.block.pop() {
                return byte;
            }
            self.blocks += 1;
            self.block = Sha256::digest(format!("{}\n{}", self.label, self.blocks)).to_vec();
        }
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let at = usize::from(self.byte()).checked_rem(of.len())?;
        of.get(at).copied()
    }

    /// Writes so many letters and digits.
    pub(super) fn plain(&mut self, length: usize) -> String {
        (0..length).filter_map(|_| self.one_of(PLAIN)).map(char::from).collect()
    }

    /// Writes a text that an expression matches; none where that cannot be had so simply.
    pub(super) fn matching(&mut self, pattern: &Regex) -> Option<String> {
        let hir = regex_syntax::parse(pattern.as_str()).ok()?;
        let mut text = String::new();
        self.write(&hir, &mut text);
        pattern.is_match(&text).then_some(text)
    }

    fn write(&mut self, hir: &Hir, text: &mut String) {
        if text.len() > LONGEST {
            return;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
            HirKind::Class(class) => text.extend(self.letter(class)),
            HirKind::Capture(capture) => self.write(&capture.sub, text),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.write(part, text)),
            HirKind::Alternation(ways) => ways.first().into_iter().for_each(|way| self.write(way, text)),
            HirKind::Repetition(again) => {
                let (anything, few) = match again.sub.kind() {
                    HirKind::Class(class) => (holds(class, ' ') && holds(class, '"'), !holds(class, 'a')),
                    _ => (false, true), // a word or a group stands as often as it must
                };
                let wanted = match (again.max, anything, few) {
                    (Some(most), _, _) if most == again.min || most <= 1 => again.min,
                    (_, true, _) => again.min,
                    (Some(most), false, _) => again.min.max(MANY.min(most)),
                    (None, false, true) => again.min.max(2),
                    (None, false, false) => again.min.max(MANY),
                };
                (0..wanted.max(again.min)).for_each(|_| self.write(&again.sub, text));
            }
        }
    }

    /// Chooses a character of a class: a letter or digit where there is one.
    fn letter(&mut self, class: &Class) -> Option<char> {
        let plain: Vec<char> = PLAIN.iter().map(|byte| char::from(*byte)).filter(|sign| holds(class, *sign)).collect();
        self.one_of(&plain).or_else(|| match class {
            Class::Unicode(class) => {
                class.ranges().iter().map(regex_syntax::hir::ClassUnicodeRange::start).find(|sign| !sign.is_control())
            }
            Class::Bytes(class) => class.ranges().first().map(|range| char::from(range.start())),
        })
    }
}

fn holds(class: &Class, sign: char) -> bool {
    match class {
        Class::Unicode(class) => class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&sign)),
        Class::Bytes(class) => u8::try_from(sign)
            .is_ok_and(|sign| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&sign))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_purpose_has_the_same_letters_and_another_has_others() {
        let made = |seed, purpose| Letters::of(seed, purpose).plain(40);
        assert_eq!(made(7, "a"), made(7, "a"));
        assert_ne!(made(7, "a"), made(7, "b"));
        assert_ne!(made(7, "a"), made(8, "a"));
        assert_eq!(made(7, "a").len(), 40);
    }

    #[test]
    fn an_expression_matches_what_is_made_for_it() {
        for pattern in [
            "^[0-9a-f-]{36}$",
            "^AVNS_[A-Za-z0-9_-]{19}$",
            "postgres://doadmin:([^@]+)@",
            r"([0-9]+) rows?",
            "(?i)ready|done",
            r"^\s*version:\s+(\S+)$",
            "a.*b",
            "^v[0-9]+(?:\\.[0-9]+){2}$",
            "NODE_TLS_REJECT_UNAUTHORIZED: \"0\"",
            "^$",
        ] {
            let pattern = Regex::new(pattern).unwrap();
            let made = Letters::of(3, "it").matching(&pattern);
            assert!(made.is_some(), "{pattern}");
        }
    }
}
