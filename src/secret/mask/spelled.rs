//! Finds texts each of whose characters may be spelled in any way, mixed freely.
//!
//! A text that is found so has a first character that is not written as itself; before it, the text stands as it is. So only
//! the few signs that a spelling begins with are looked at. What is read there, with the two bytes before it, is looked up
//! among all threes of neighbours in all texts; at a text's first two characters, what is read next is looked up instead.
//! Where that is known, the bytes before are compared, and the texts that fit are walked on with, all readings at once.
//! Texts are sorted, so those that begin alike are a range of them, which each byte makes narrower: no tree is needed.
//!
//! What must stay true: every occurrence with at least one spelled character is reported; one without is
//! [`Index`](super::index)'s to find.

use zeroize::Zeroizing;

use super::found::{Found, Word};
use super::neighbours::{Fours, Pairs};
use super::tokens::{self, DOUBLED, Kind, Open, SIGNS, Token};

/// Stands in [`Fours`] before three that may be anywhere.
const WITHIN: u8 = 0xff;
/// The most bytes of what says nothing between two characters.
const GAP: usize = 256;

/// Texts, ready to be found in any spelling.
pub(super) struct Spelled {
    kind: Kind,
    /// Sorted, each once.
    texts: Vec<Zeroizing<Vec<u8>>>,
    longest: usize,
    /// Each four neighbours in a text; with a zero before them the three that it begins with, with [`WITHIN`] any three.
    fours: Fours,
    /// Sorted by key.
    threes: Vec<Three>,
    /// Each pair of bytes that a text begins with.
    beginnings: Pairs,
    /// Where in `texts` those are that begin with a byte.
    firsts: [(usize, usize); 256],
    /// Each pair of neighbours in a text.
    pairs: Pairs,
    /// The signs of [`DOUBLED`], and the plus, that say something here.
    signs: Vec<u8>,
    /// Each byte that a spelling may begin with.
    is_sign: [bool; 256],
    /// Some text has a line's end in it.
    has_line_ends: bool,
    /// Some text has a backslash in it.
    has_backslashes: bool,
}

/// Three neighbours in a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Three {
    key: u32,
    /// The first of the texts that are the same up to here.
    text: u32,
    /// The place of the third.
    at: u32,
}

/// Memory for walks, used again and again.
#[derive(Default)]
pub(super) struct Scratch {
    /// What was read at the sign that is looked at.
    pub(super) read: Vec<Token>,
    /// What was read after what says nothing.
    spare: Vec<Token>,
    tokens: Vec<Token>,
    todo: Vec<Walker>,
}

/// A range of texts that agree with what was read up to a place.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Walker {
    low: usize,
    high: usize,
    depth: usize,
    at: usize,
    gap: usize,
}

impl Spelled {
    /// Takes texts over, each of at least four bytes.
    pub(super) fn new(kind: Kind, mut texts: Vec<Zeroizing<Vec<u8>>>) -> Self {
        if kind == Kind::Code {
            for byte in texts.iter_mut().flat_map(|text| text.iter_mut()) {
                *byte = standard(*byte);
            }
        }
        texts.sort_unstable_by(|one, other| one.as_slice().cmp(other));
        texts.dedup_by(|one, other| one.as_slice() == other.as_slice());
        let (mut beginnings, mut pairs) = (Pairs::default(), Pairs::default());
        let mut firsts = [(0, 0); 256];
        let mut threes = Vec::new();
        let mut fours = Zeroizing::new(Vec::new());
        for (number, text) in texts.iter().enumerate() {
            beginnings.add(text[0], text[1]);
            let (first, end) = &mut firsts[usize::from(text[0])];
            *first = if *end == 0 { number } else { *first };
            *end = number + 1;
            text.array_windows().for_each(|[one, two]| pairs.add(*one, *two));
            let before = number.checked_sub(1).map_or(&[][..], |before| &texts[before]);
            let common = before.iter().zip(text.iter()).take_while(|(one, other)| one == other).count();
            threes.extend((common.max(2)..text.len()).map(|at| Three {
                key: key(text[at - 2], text[at - 1], text[at]),
                text: narrow(number),
                at: narrow(at),
            }));
            fours.extend((common.max(2)..text.len()).map(|at| four(&text[..at], text[at])));
            fours
                .extend(text.array_windows().map(|[one, two, three]| u32::from_be_bytes([WITHIN, *one, *two, *three])));
        }
        threes.sort_unstable();
        let has = |sign: u8| texts.iter().any(|text| text.contains(&sign));
        let mut signs: Vec<u8> = DOUBLED.iter().copied().filter(|sign| has(*sign)).collect();
        if has(b' ') && kind == Kind::Text {
            signs.push(b'+');
        }
        // a grave accent may stand before any of them
        if !signs.contains(&b'`') && has(b'$') {
            signs.push(b'`');
        }
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let mut is_sign = [false; 256];
        for sign in SIGNS.iter().chain(&signs).chain(b"_") {
            is_sign[usize::from(*sign)] = true;
        }
        let (has_line_ends, has_backslashes) = (has(b'\n'), has(b'\\'));
        let fours = Fours::new(&mut fours);
        Self {
            kind,
            texts,
            longest,
            fours,
            threes,
            beginnings,
            firsts,
            pairs,
            signs,
            is_sign,
            has_line_ends,
            has_backslashes,
        }
    }

    /// Returns the signs at which [`Spelled::look`] has to look, besides [`struck_out`] and [`may_be_struck_out`].
    pub(super) fn signs(&self) -> Vec<u8> {
        if self.texts.is_empty() {
            return Vec::new();
        }
        // every line has an end, so most texts are spared the look
        let says = |sign: &u8| self.kind == Kind::Code || *sign != b'\n' || self.has_line_ends;
        SIGNS.into_iter().filter(says).chain(self.signs.iter().copied()).collect()
    }

    /// Says whether nothing can be found at a place within a run of backslashes, so many of which are left from there on:
    /// what is read there is also read from the one before, or is a backslash and no more.
    pub(super) fn is_within_run(&self, left: usize) -> bool {
        left != tokens::NESTED && !self.has_backslashes
    }

    /// Says whether nothing can be found at a line's end: no base64 of a secret stands before it, and the text's end is far.
    pub(super) fn is_only_line_end(&self, text: &[u8], at: usize) -> bool {
        self.kind == Kind::Code && text.len() - at > tokens::LINE_END && !self.may_stand_before(text, at)
    }

    /// Adds the texts that have their first spelled character at a place, and what the text's end leaves open there. What was
    /// [read](tokens::read) there is in `scratch`.
    pub(super) fn look(
        &self,
        before: u8,
        text: &[u8],
        at: usize,
        open: Option<Open>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) {
        if self.texts.is_empty() {
            return;
        }
        let mut hits = Hits::new(self, text, at);
        hits.spare = std::mem::take(&mut scratch.spare);
        for token in &scratch.read {
            self.judge(text, at, token, 0, &mut hits);
        }
        scratch.spare = std::mem::take(&mut hits.spare);
        if let Some(open) = open.or(hits.open) {
            self.leave_open(text, at, open, found);
        }
        if hits.first {
            self.walk(
                before,
                text,
                at,
                Walker { low: 0, high: self.texts.len(), depth: 0, at, gap: 0 },
                scratch,
                found,
            );
        }
        if hits.second
            && at > 0
            && let Some(walker) = self.range(&text[at - 1..at])
        {
            self.walk(before, text, at - 1, Walker { at, ..walker }, scratch, found);
        }
        for key in &hits.keys[..hits.count] {
            let first = self.threes.partition_point(|three| three.key < *key);
            for three in self.threes[first..].iter().take_while(|three| three.key == *key) {
                let (number, depth) = (three.text as usize, three.at as usize);
                let Some(start) = at.checked_sub(depth) else { continue };
                if !self.agrees(&text[start..at], &self.texts[number][..depth]) {
                    continue;
                }
                let high = self.end_of_range(number, depth, self.texts[number][depth]);
                let walker = Walker { low: number, high, depth, at, gap: 0 };
                self.walk(before, text, start, walker, scratch, found);
            }
        }
    }

    /// Looks a reading up.
    fn judge(&self, text: &[u8], at: usize, token: &Token, gap: usize, hits: &mut Hits) {
        let after = at + gap + token.length;
        let Some(&first) = self.says(token).first() else {
            // what says nothing goes with what comes next
            let gap = gap + token.length;
            if gap > GAP || !self.may_stand_before(text, at) {
                return;
            }
            let Some(&byte) = text.get(after) else {
                hits.open = Some(Open::After(1));
                return;
            };
            hits.add(self, text, self.canonical(byte), None, after + 1);
            if self.is_sign[usize::from(byte)] {
                let mut tokens = std::mem::take(&mut hits.spare);
                tokens.clear();
                if tokens::read(text, after, self.kind, &mut tokens).is_some() {
                    hits.open = Some(Open::After(1));
                }
                for token in &tokens {
                    self.judge(text, at, token, gap, hits);
                }
                hits.spare = tokens;
            }
            return;
        };
        let first = self.canonical(first);
        let more = self.says(token).get(1).copied();
        hits.add(self, text, first, more, after);
        if gap > 0 || hits.first || !self.may_begin(first) {
            return;
        }
        hits.first = match more {
            Some(second) => self.beginnings.has(first, second),
            None => self.may_begin_with(first, text, after),
        };
    }

    /// Says whether a text may begin with a byte and what stands at a place.
    fn may_begin_with(&self, one: u8, text: &[u8], at: usize) -> bool {
        self.may_be_any(text, at, |byte, after| {
            self.beginnings.has(one, byte) && self.may_go_on(one, byte, text, after)
        })
    }

    /// Says whether a text may begin with two bytes and what stands at a place.
    fn may_go_on(&self, one: u8, two: u8, text: &[u8], at: usize) -> bool {
        self.may_be_any(text, at, |byte, _| self.fours.may_have(u32::from_be_bytes([0, one, two, byte])))
    }

    /// Says whether what stands at a place may be one of the wanted characters, each told with the place after it.
    fn may_be_any(&self, text: &[u8], at: usize, is_wanted: impl Fn(u8, usize) -> bool) -> bool {
        let Some(&byte) = text.get(at) else { return true };
        if is_wanted(self.canonical(byte), at + 1) {
            return true;
        }
        self.is_sign[usize::from(byte)]
            && tokens::read_simple(text, at).is_none_or(|readings| {
                readings.into_iter().any(|(byte, length)| is_wanted(self.canonical(byte), at + length))
            })
    }

    /// Says whether nothing can be found at a sign that is read as one of these.
    pub(super) fn is_idle(&self, text: &[u8], at: usize, readings: [(u8, usize); 2]) -> bool {
        let byte = |before: usize| at.checked_sub(before).map_or(0, |at| self.canonical(text[at]));
        let [three, two, one] = [byte(3), byte(2), byte(1)];
        let after_two = at >= 2 && self.beginnings.has(two, one);
        let is_wanted = |(byte, length): (u8, usize)| {
            let (byte, after) = (self.canonical(byte), at + length);
            (self.may_begin(byte) && self.may_begin_with(byte, text, after))
                || (self.beginnings.has(one, byte) && self.may_go_on(one, byte, text, after))
                || (after_two && self.fours.may_have(u32::from_be_bytes([0, two, one, byte])))
                || (at >= 3 && self.fours.may_have(u32::from_be_bytes([three, two, one, byte])))
        };
        let [first, second] = readings;
        !is_wanted(first) && (first == second || !is_wanted(second))
    }

    /// Walks on with a range of texts, all readings at once.
    fn walk(&self, before: u8, text: &[u8], start: usize, from: Walker, scratch: &mut Scratch, found: &mut Found) {
        let Scratch { tokens, todo, .. } = scratch;
        todo.clear();
        todo.push(from);
        // always the one that is least far on, so two that come to stand alike meet in `todo`
        while let Some(first) = (0..todo.len()).min_by_key(|number| todo[*number].at) {
            let mut walker = todo.swap_remove(first);
            if todo.contains(&walker) {
                continue;
            }
            if self.texts[walker.low].len() == walker.depth {
                match self.kind {
                    Kind::Text => found.add(start, walker.at),
                    Kind::Code => {
                        found.add_word(Word::Code, before, text, start, walker.at);
                    }
                }
                walker.low += 1;
                if walker.low >= walker.high {
                    continue;
                }
            }
            let Some(&byte) = text.get(walker.at) else {
                found.open(start, walker.depth);
                continue;
            };
            todo.extend(self.step(walker, &[byte], 1));
            if !self.is_sign[usize::from(byte)] {
                continue;
            }
            tokens.clear();
            let open = tokens::read(text, walker.at, self.kind, tokens);
            let goes_on = match open {
                None => false,
                Some(Open::Any) => true,
                Some(Open::Only(next)) => self.step(walker, &[next], 1).is_some(),
                Some(Open::After(least)) => walker.depth >= least,
            };
            if goes_on {
                found.open(start, walker.depth);
            }
            for token in tokens.iter() {
                let says = self.says(token);
                if !says.is_empty() {
                    todo.extend(self.step(walker, says, token.length));
                } else if walker.gap + token.length <= GAP && tokens::may_wrap(self.kind, byte, walker.depth) {
                    let (at, gap) = (walker.at + token.length, walker.gap + token.length);
                    todo.extend((walker.depth > 0).then_some(Walker { at, gap, ..walker }));
                }
            }
        }
    }

    /// Adds what stands at a place, without a filter.
    #[cfg(test)]
    pub(super) fn find_at(&self, text: &[u8], start: usize, scratch: &mut Scratch, found: &mut Found) {
        if !self.texts.is_empty() {
            let from = Walker { low: 0, high: self.texts.len(), depth: 0, at: start, gap: 0 };
            self.walk(0, text, start, from, scratch, found);
        }
    }

    /// Makes the range narrower by some bytes.
    fn step(&self, mut walker: Walker, says: &[u8], length: usize) -> Option<Walker> {
        for byte in says {
            let byte = self.canonical(*byte);
            if !self.may_follow(&self.texts[walker.low][..walker.depth], byte) {
                return None;
            }
            if walker.depth == 0 && (walker.low, walker.high) == (0, self.texts.len()) {
                (walker.low, walker.high) = self.firsts[usize::from(byte)];
                walker.depth = 1;
                continue;
            }
            let (low, high) = (walker.low, walker.high);
            let next = |text: &Zeroizing<Vec<u8>>| text.get(walker.depth).copied();
            if low + 1 == high {
                if next(&self.texts[low]) != Some(byte) {
                    return None;
                }
                walker.depth += 1;
                continue;
            }
            walker.low = low + self.texts[low..high].partition_point(|text| next(text) < Some(byte));
            walker.high = walker.low + self.texts[walker.low..high].partition_point(|text| next(text) == Some(byte));
            if walker.low == walker.high {
                return None;
            }
            walker.depth += 1;
        }
        Some(Walker { at: walker.at + length, gap: 0, ..walker })
    }

    /// Says whether a byte may come next, of which a text begins with what came so far. It may say so though none does.
    fn may_follow(&self, so_far: &[u8], byte: u8) -> bool {
        match *so_far {
            [] => self.may_begin(byte),
            [one] => self.beginnings.has(one, byte),
            [..] => self.fours.may_have(four(so_far, byte)),
        }
    }

    /// Says whether a text begins with a byte.
    fn may_begin(&self, byte: u8) -> bool {
        self.firsts[usize::from(byte)].1 > 0
    }

    /// Notes what may begin before a sign whose reading the text's end leaves open.
    fn leave_open(&self, text: &[u8], at: usize, open: Open, found: &mut Found) {
        let least = match open {
            Open::Any | Open::Only(_) => 0,
            Open::After(least) => least,
        };
        for start in at.saturating_sub(self.longest)..=at - least.min(at) {
            if at - start < least {
                break;
            }
            if let [one, two, ..] = text[start..at]
                && !self.beginnings.has(self.canonical(one), self.canonical(two))
            {
                continue;
            }
            let Some(walker) = self.range(&text[start..at]) else { continue };
            let fits = match open {
                Open::Any | Open::After(_) => self.texts[walker.high - 1].len() > walker.depth,
                Open::Only(byte) => self.step(walker, &[byte], 0).is_some(),
            };
            if fits {
                found.open(start, at - start);
            }
        }
    }

    /// Returns the texts that begin with some bytes.
    fn range(&self, beginning: &[u8]) -> Option<Walker> {
        self.step(Walker { low: 0, high: self.texts.len(), depth: 0, at: 0, gap: 0 }, beginning, 0)
    }

    /// Returns where the texts end that agree with one up to a place.
    fn end_of_range(&self, number: usize, depth: usize, byte: u8) -> usize {
        let same =
            |text: &Zeroizing<Vec<u8>>| text.get(depth) == Some(&byte) && text[..depth] == self.texts[number][..depth];
        number + self.texts[number..].partition_point(same)
    }

    fn agrees(&self, text: &[u8], with: &[u8]) -> bool {
        match self.kind {
            Kind::Text => text == with,
            Kind::Code => text.iter().zip(with).all(|(one, other)| standard(*one) == *other),
        }
    }

    fn canonical(&self, byte: u8) -> u8 {
        match self.kind {
            Kind::Text => byte,
            Kind::Code => standard(byte),
        }
    }

    /// Returns what a reading says here: line ends say nothing within base64.
    fn says<'a>(&self, token: &'a Token) -> &'a [u8] {
        match (self.kind, token.says()) {
            (Kind::Code, b"\n") => &[],
            (Kind::Code | Kind::Text, says) => says,
        }
    }

    /// Says whether the bytes before a place may be part of a text that goes on there.
    fn may_stand_before(&self, text: &[u8], at: usize) -> bool {
        let byte = |before: usize| at.checked_sub(before).map(|at| self.canonical(text[at]));
        // every line has an end, so it is asked more closely there: base64 goes on only after some digits
        if self.kind == Kind::Code && text[at] == b'\n' {
            let (Some(four), Some(three), Some(two), Some(one)) = (byte(4), byte(3), byte(2), byte(1)) else {
                return false;
            };
            return self.fours.may_have(u32::from_be_bytes([four, three, two, one]));
        }
        let Some(one) = byte(1) else { return false };
        self.may_begin(one) || byte(2).is_some_and(|two| self.pairs.has(two, one))
    }
}

/// Returns four bytes in a row, the last of which is given, or three and a zero before them at a text's beginning.
fn four(so_far: &[u8], last: u8) -> u32 {
    match *so_far {
        [.., three, two, one] => u32::from_be_bytes([three, two, one, last]),
        [two, one] => u32::from_be_bytes([0, two, one, last]),
        [one] => u32::from_be_bytes([0, 0, one, last]),
        [] => u32::from(last),
    }
}

/// The most keys that one sign may give.
const KEYS: usize = 48;

/// What is worth walking on with.
struct Hits {
    /// The three bytes before the sign; a zero where there is none.
    before: [u8; 3],
    /// Whether the two before it may be the beginning of a text, and whether the three before it may stand within one.
    goes_on: [bool; 2],
    /// A text may begin here.
    first: bool,
    /// A text may begin one byte before.
    second: bool,
    keys: [u32; KEYS],
    count: usize,
    /// Memory for what is read after what says nothing.
    spare: Vec<Token>,
    /// What comes next decides.
    open: Option<Open>,
}

impl Hits {
    fn new(spelled: &Spelled, text: &[u8], at: usize) -> Self {
        let byte = |before: usize| at.checked_sub(before).map_or(0, |at| spelled.canonical(text[at]));
        let [three, two, one] = [byte(3), byte(2), byte(1)];
        Self {
            before: [three, two, one],
            goes_on: [
                at >= 2 && spelled.beginnings.has(two, one),
                at >= 3 && spelled.fours.may_have(u32::from_be_bytes([WITHIN, three, two, one])),
            ],
            first: false,
            second: false,
            keys: [0; KEYS],
            count: 0,
            spare: Vec::new(),
            open: None,
        }
    }

    /// Notes that a byte is read at the sign, and what it is followed by: a byte of the same reading, or what stands at a place.
    fn add(&mut self, spelled: &Spelled, text: &[u8], byte: u8, more: Option<u8>, after: usize) {
        let [three, two, one] = self.before;
        if !self.second && spelled.beginnings.has(one, byte) {
            self.second = more.is_some() || spelled.may_go_on(one, byte, text, after);
        }
        let may_have = |before: u8| spelled.fours.may_have(u32::from_be_bytes([before, two, one, byte]));
        let [after_two, after_three] = self.goes_on;
        if (after_two && may_have(0)) || (after_three && may_have(three)) {
            self.add_key(key(two, one, byte));
        }
    }

    fn add_key(&mut self, key: u32) {
        if !self.keys[..self.count].contains(&key) && self.count < KEYS {
            self.keys[self.count] = key;
            self.count += 1;
        }
    }
}

/// Returns a letter that is struck out by what stands at a place.
pub(super) fn struck_out(text: &[u8], at: usize) -> Option<usize> {
    let begins = text[at] == 0xe2 && text[at..].starts_with("\u{2408}".as_bytes());
    at.checked_sub(1).filter(|before| begins && text[*before] == b'_')
}

/// Returns a letter near the text's end that may be struck out by what comes next.
pub(super) fn may_be_struck_out(text: &[u8]) -> Option<usize> {
    (1..=3).filter_map(|length| text.len().checked_sub(length)).find(|at| text[*at] == b'_')
}

/// Writes the web's alphabet of base64 as the standard one.
fn standard(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        _ => byte,
    }
}

fn key(two: u8, one: u8, byte: u8) -> u32 {
    u32::from(two) << 16 | u32::from(one) << 8 | u32::from(byte)
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
