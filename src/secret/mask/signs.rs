//! One pass over a text for all searches that begin at a sign: it tells where each of them has to look.
//!
//! A text is read in pairs of bytes. A table says of each pair which searches want to see it, so text without signs costs one
//! look-up for two bytes, however many signs there are. It knows nothing of what begins at a sign.
//!
//! Taken instead of a pass of vector instructions for each few signs: there are more than thirty signs and beginnings, and ten
//! such passes cost more than this one.
//!
//! What must stay true: every byte that is a sign is told, in the order of the text; so is every pair that is wanted and begins
//! at an even place.

/// Who wants to see a place: bits, which are joined.
pub(super) type Wanted = u8;

/// A spelling of a character may begin here.
pub(super) const TEXT: Wanted = 1;
/// A spelling of a character of base64 may begin here.
pub(super) const CODE: Wanted = 2;
/// The pair is part of a known beginning.
pub(super) const KNOWN: Wanted = 4;

/// What is wanted.
pub(super) struct Signs {
    bytes: [Wanted; 256],
    /// By the first byte and 256 times the second.
    pairs: Box<[Wanted; 1 << 16]>,
}

impl Signs {
    /// Takes signs of one byte, and pairs, each with who wants it.
    pub(super) fn new(
        signs: impl IntoIterator<Item = (u8, Wanted)>,
        pairs: impl IntoIterator<Item = ([u8; 2], Wanted)>,
    ) -> Self {
        let mut bytes = [0; 256];
        for (sign, wanted) in signs {
            bytes[usize::from(sign)] |= wanted;
        }
        #[expect(
            clippy::large_stack_arrays,
            reason = "64 KiB for a moment; a box of a known length needs no check of it"
        )]
        let mut table = Box::new([0; 1 << 16]);
        for pair in 0..=u16::MAX {
            let [first, second] = pair.to_le_bytes();
            table[usize::from(pair)] = bytes[usize::from(first)] | bytes[usize::from(second)];
        }
        for (pair, wanted) in pairs {
            table[usize::from(u16::from_le_bytes(pair))] |= wanted;
        }
        Self { bytes, pairs: table }
    }

    /// Tells each place that is wanted, and by whom: of a sign its own, of a pair that of its first byte.
    pub(super) fn find(&self, text: &[u8], mut tell: impl FnMut(usize, Wanted)) {
        let (blocks, rest) = text.as_chunks::<8>();
        for (number, block) in blocks.iter().enumerate() {
            let (pairs, _) = block.as_chunks::<2>();
            if pairs.iter().fold(0, |wanted, pair| wanted | self.pairs[usize::from(u16::from_le_bytes(*pair))]) != 0 {
                self.tell(block, number * 8, &mut tell);
            }
        }
        self.tell(rest, text.len() - rest.len(), &mut tell);
    }

    fn tell(&self, block: &[u8], from: usize, tell: &mut impl FnMut(usize, Wanted)) {
        let (pairs, last) = block.as_chunks::<2>();
        for (number, pair) in pairs.iter().enumerate() {
            let wanted = self.pairs[usize::from(u16::from_le_bytes(*pair))];
            if wanted == 0 {
                continue;
            }
            let at = from + number * 2;
            if wanted & KNOWN != 0 {
                tell(at, KNOWN);
            }
            for (place, byte) in pair.iter().enumerate() {
                let wanted = self.bytes[usize::from(*byte)];
                if wanted != 0 {
                    tell(at + place, wanted);
                }
            }
        }
        if let [byte] = last {
            let wanted = self.bytes[usize::from(*byte)];
            if wanted != 0 {
                tell(from + block.len() - 1, wanted);
            }
        }
    }
}
