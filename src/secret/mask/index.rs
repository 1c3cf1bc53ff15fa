//! Finds all forms of all secrets in a text, most of which it never looks at.
//!
//! A form of at least `n` bytes covers, wherever it stands, a whole block of four bytes that begins at a multiple of
//! `n - 3`. So only those blocks are looked up: in a small table of bits first, and where two are set among the blocks of
//! the forms, which are then compared whole. Forms are put into three groups by length, so that a few short ones do not make
//! the steps small for all.
//!
//! Taken instead of one automaton for all patterns: that has to look at every byte, falls out of its vector filter with more
//! than 64 patterns, and reports only one of several overlapping matches.
//!
//! What must stay true: every occurrence of every form is reported, also inside others.

use zeroize::Zeroizing;

use super::found::{Found, TELLING, Word};

/// A text that is searched for as it stands.
pub(super) struct Form {
    text: Zeroizing<Vec<u8>>,
    /// It is base64, and the rest of what it stands in is masked too.
    code: bool,
}

impl Form {
    /// Makes one of a text.
    pub(super) fn text(text: &[u8]) -> Self {
        Self { text: Zeroizing::new(text.to_vec()), code: false }
    }

    /// Makes one of base64.
    pub(super) fn code(text: &[u8]) -> Self {
        Self { text: Zeroizing::new(text.to_vec()), code: true }
    }
}

#[cfg(test)]
impl Form {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn is_code(&self) -> bool {
        self.code
    }
}

/// The bytes of a block.
const BLOCK: usize = 4;
/// Where a group begins, by the length of its forms.
const GROUPS: [usize; 3] = [16, 8, BLOCK];
/// Spreads blocks over a table; an odd number near 2^32 divided by the golden ratio.
const SPREAD: u32 = 0x9E37_79B1;

/// Forms, ready to be found.
pub(super) struct Index {
    /// Sorted, each once.
    forms: Forms,
    groups: Vec<Group>,
    /// The length of the longest form.
    longest: usize,
    /// A bit for each block that a form begins with, by its place.
    beginnings: Box<[u64; 1024]>,
}

/// Texts in one piece of memory.
struct Forms {
    text: Zeroizing<Vec<u8>>,
    ends: Vec<usize>,
    codes: Vec<bool>,
}

/// Forms of about the same length.
struct Group {
    /// The distance of the blocks that are looked up.
    stride: usize,
    /// Two bits for each block, in the word of its place.
    bits: Vec<u64>,
    /// Which bits of a product give a place in `bits`.
    mask: usize,
    /// The blocks, sorted by place.
    blocks: Zeroizing<Vec<u32>>,
    /// What each block may belong to.
    owners: Vec<Owner>,
    /// Where in `blocks` those of a place begin.
    starts: Vec<u32>,
}

/// A place in a form.
#[derive(Clone, Copy)]
struct Owner {
    form: usize,
    offset: usize,
}

impl Index {
    /// Takes forms over. Those of fewer than four bytes are left out.
    pub(super) fn new(mut forms: Vec<Form>) -> Self {
        forms.retain(|form| form.text.len() >= BLOCK);
        // of two alike the first one is base64, and stays
        forms.sort_unstable_by(|one, other| one.text.as_slice().cmp(&other.text).then(other.code.cmp(&one.code)));
        forms.dedup_by(|one, other| one.text.as_slice() == other.text.as_slice());
        let mut beginnings = Box::new([0; 1024]);
        for form in &forms {
            if let Some(block) = block_at(&form.text, 0) {
                let (word, bit) = beginning_place(block);
                beginnings[word] |= 1 << bit;
            }
        }
        let longest = forms.iter().map(|form| form.text.len()).max().unwrap_or(0);
        let forms = Forms::new(&forms);
        let mut above = usize::MAX;
        let mut groups = Vec::new();
        for least in GROUPS {
            let members: Vec<usize> =
                (0..forms.len()).filter(|&form| (least..above).contains(&forms.get(form).len())).collect();
            groups.extend(Group::new(&forms, &members));
            above = least;
        }
        Self { forms, groups, longest, beginnings }
    }

    /// Returns how many forms there are.
    pub(super) fn len(&self) -> usize {
        self.forms.len()
    }

    /// Notes where a form may begin that the text's end cuts.
    pub(super) fn find_open(&self, text: &[u8], found: &mut Found) {
        let first = text.len().saturating_sub(self.longest.saturating_sub(1));
        let mut from = first;
        if let Some(start) = (first..text.len()).find(|&start| self.is_beginning(&text[start..])) {
            found.open(start, text.len() - start);
            from = start + 1;
        }
        let telling = text.len().saturating_sub(TELLING - 1);
        if found.telling.is_none_or(|telling| telling > from)
            && let Some(start) = (from..telling).find(|&start| self.is_beginning(&text[start..]))
        {
            found.open(start, text.len() - start);
        }
    }

    /// Says whether a text is the beginning of a form, and not the whole.
    fn is_beginning(&self, text: &[u8]) -> bool {
        if let Some(block) = block_at(text, 0) {
            let (word, bit) = beginning_place(block);
            if self.beginnings[word] >> bit & 1 == 0 {
                return false;
            }
        }
        // the forms that begin with the text stand together, the text itself, if it is one, first
        let at = self.forms.place_of(text);
        (at..self.forms.len()).take(2).any(|form| {
            let form = self.forms.get(form);
            form.len() > text.len() && form.starts_with(text)
        })
    }

    /// Adds where forms stand in a text. Neighbours may be joined already; the order is not defined.
    pub(super) fn find(&self, before: u8, text: &[u8], found: &mut Found) {
        for group in &self.groups {
            group.find(&self.forms, before, text, found);
        }
    }
}

impl Forms {
    fn new(forms: &[Form]) -> Self {
        let mut text = Zeroizing::new(Vec::with_capacity(forms.iter().map(|form| form.text.len()).sum()));
        let mut ends = Vec::with_capacity(forms.len());
        for form in forms {
            text.extend_from_slice(&form.text);
            ends.push(text.len());
        }
        Self { text, ends, codes: forms.iter().map(|form| form.code).collect() }
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, form: usize) -> &[u8] {
        let start = form.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[form]]
    }

    /// Returns the first form that is not less than a text.
    fn place_of(&self, text: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.get(middle) < text { low = middle + 1 } else { high = middle }
        }
        low
    }
}

impl Group {
    fn new(forms: &Forms, members: &[usize]) -> Option<Self> {
        let shortest = members.iter().map(|&form| forms.get(form).len()).min()?;
        let stride = shortest - (BLOCK - 1);
        let count = members.len() * stride;
        // 16 bits a block: 2 in 100 foreign blocks find both bits set; up to 128 KiB, to stay in the nearer caches
        let log = (count * 16).next_power_of_two().ilog2().clamp(12, 20) - u64::BITS.ilog2();
        let mut group = Self {
            stride,
            bits: vec![0; 1 << log],
            mask: (1 << log) - 1,
            blocks: Zeroizing::new(Vec::with_capacity(count)),
            owners: Vec::with_capacity(count),
            starts: Vec::new(),
        };
        let mut found = Zeroizing::new(Vec::with_capacity(count));
        for &form in members {
            let text = forms.get(form);
            // the last blocks: beginnings such as `AVNS_` or `postgres://` are common to many
            let last = text.len() - BLOCK;
            for offset in last + 1 - stride..=last {
                if let Some(block) = block_at(text, offset) {
                    found.push((group.place(block).0, block, form, offset));
                }
            }
        }
        found.sort_unstable();
        for &(place, block, form, offset) in found.iter() {
            while group.starts.len() <= place {
                group.starts.push(narrow(group.blocks.len()));
            }
            let (_, [one, other]) = group.place(block);
            group.bits[place] |= 1 << one | 1 << other;
            group.blocks.push(block);
            group.owners.push(Owner { form, offset });
        }
        group.starts.resize(group.bits.len() + 1, narrow(group.blocks.len()));
        Some(group)
    }

    /// Returns the place of a block, and which two bits it has there.
    fn place(&self, block: u32) -> (usize, [u32; 2]) {
        let product = (block ^ block >> 15).wrapping_mul(SPREAD);
        ((product >> 18) as usize & self.mask, [product >> 12 & 63, product >> 6 & 63])
    }

    fn find(&self, forms: &Forms, before: u8, text: &[u8], found: &mut Found) {
        let mut at = 0;
        // four at once, with one branch: they do not wait for each other
        let four = self.stride * 3 + BLOCK;
        while let Some(part) = text.get(at..at + four) {
            let may_have =
                |number: usize| block_at(part, number * self.stride).is_some_and(|block| self.may_have(block));
            if may_have(0) | may_have(1) | may_have(2) | may_have(3) {
                self.compare_all(forms, before, text, (at, at + four), found);
            }
            at += self.stride * 4;
        }
        self.compare_all(forms, before, text, (at, text.len()), found);
    }

    fn may_have(&self, block: u32) -> bool {
        let (place, [one, other]) = self.place(block);
        let bits = self.bits[place];
        bits >> one & 1 == 1 && bits >> other & 1 == 1
    }

    /// Looks the blocks of a part of the text up one by one.
    #[cold]
    fn compare_all(&self, forms: &Forms, before: u8, text: &[u8], (from, to): (usize, usize), found: &mut Found) {
        let mut at = from;
        while let Some(block) = block_at(&text[..to], at) {
            if self.may_have(block) {
                self.compare(forms, before, text, (at, block), found);
            }
            at += self.stride;
        }
    }

    /// Compares all forms that have a block with what stands around it.
    fn compare(&self, forms: &Forms, before: u8, text: &[u8], (at, block): (usize, u32), found: &mut Found) {
        let (place, _) = self.place(block);
        for entry in self.starts[place] as usize..self.starts[place + 1] as usize {
            if self.blocks[entry] != block {
                continue;
            }
            let Owner { form, offset } = self.owners[entry];
            let code = forms.codes[form];
            let form = forms.get(form);
            let Some(start) = at.checked_sub(offset) else { continue };
            if !text[start..].starts_with(form) {
                continue;
            }
            let end = start + form.len();
            if code {
                found.add_word(Word::Code, before, text, start, end);
            } else {
                found.add(start, end);
            }
        }
    }
}

fn block_at(text: &[u8], at: usize) -> Option<u32> {
    text.get(at..)?.first_chunk::<BLOCK>().map(|block| u32::from_le_bytes(*block))
}

/// Returns the word and the bit of a block in [`Index::beginnings`], which has 2^16 bits.
fn beginning_place(block: u32) -> (usize, u32) {
    let place = block.wrapping_mul(SPREAD) >> 16;
    ((place / 64) as usize, place % 64)
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
