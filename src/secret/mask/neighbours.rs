//! Sets of neighbours: which bytes stand side by side in any of the texts.
//!
//! They are filters. What must stay true: what was put in is found; a set of fours may find others too.

/// Spreads keys over a table; an odd number near 2^32 divided by the golden ratio.
const SPREAD: u32 = 0x9E37_79B1;

/// A set of four bytes in a row, which may also have some that were not put in.
pub(super) struct Fours {
    /// Two bits for each, in the word of its place.
    bits: Vec<u64>,
    /// Which bits of a product give a place in `bits`.
    mask: usize,
}

impl Fours {
    pub(super) fn new(all: &mut Vec<u32>) -> Self {
        all.sort_unstable();
        all.dedup();
        let log = (all.len() * 16).next_power_of_two().ilog2().clamp(12, 20) - u64::BITS.ilog2();
        let mut fours = Self { bits: vec![0; 1 << log], mask: (1 << log) - 1 };
        for four in all.iter() {
            let (place, [one, other]) = fours.place(*four);
            fours.bits[place] |= 1 << one | 1 << other;
        }
        fours
    }

    fn place(&self, four: u32) -> (usize, [u32; 2]) {
        let product = (four ^ (four >> 15)).wrapping_mul(SPREAD);
        ((product >> 18) as usize & self.mask, [product >> 12 & 63, product >> 6 & 63])
    }

    pub(super) fn may_have(&self, four: u32) -> bool {
        let (place, [one, other]) = self.place(four);
        let bits = self.bits[place];
        bits >> one & 1 == 1 && bits >> other & 1 == 1
    }
}

/// A bit for each pair of bytes.
pub(super) struct Pairs(Box<[u64; 1024]>);

impl Default for Pairs {
    fn default() -> Self {
        Self(Box::new([0; 1024]))
    }
}

impl Pairs {
    pub(super) fn add(&mut self, one: u8, two: u8) {
        let pair = usize::from(one) << 8 | usize::from(two);
        self.0[pair / 64] |= 1 << (pair % 64);
    }

    pub(super) fn has(&self, one: u8, two: u8) -> bool {
        let pair = usize::from(one) << 8 | usize::from(two);
        self.0[pair / 64] >> (pair % 64) & 1 == 1
    }
}
