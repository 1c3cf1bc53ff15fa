//! What searches tell of a text: what to mask, and what its end leaves open.

use zeroize::Zeroize as _;

/// The fewest characters of a secret that are hidden where the text ends within it.
pub(super) const TELLING: usize = 8;

/// What was found in one text.
#[derive(Default)]
pub(super) struct Found {
    /// What is to be masked, in any order.
    pub(super) spans: Vec<(usize, usize)>,
    /// Where the first of what may still become a secret begins.
    pub(super) open: Option<usize>,
    /// From where the end of the text is not shown, should it be the end.
    pub(super) telling: Option<usize>,
    /// Where a word begins that is masked as far as it goes, and that the text's end cuts.
    pub(super) words: [Option<usize>; Word::COUNT],
    /// From where to where a word of each kind was followed last: many secrets may stand in one.
    followed: [Option<(usize, usize)>; Word::COUNT],
}

/// A word that is masked as far as it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Base64 in which a secret was found.
    Code,
    /// A token of a kind that is known.
    Token,
    /// The inside of a private key in its frame.
    Key,
}

impl Word {
    /// How many there are.
    pub(super) const COUNT: usize = 3;
    /// All of them.
    pub(super) const ALL: [Self; Self::COUNT] = [Self::Code, Self::Token, Self::Key];

    /// Returns how far it goes from a place on. `before` is the byte before the text.
    pub(super) fn end(self, before: u8, text: &[u8], from: usize) -> usize {
        let is_part = |place: usize| {
            let byte = text[place];
            let last = if place == 0 { before } else { text[place - 1] };
            match self {
                Self::Code => byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte),
                Self::Token => byte.is_ascii_alphanumeric() || b"+/-_=.~".contains(&byte),
                // lines of base64, indented or not, their ends escaped or not; and `Proc-Type: 4,ENCRYPTED`
                Self::Key => match byte {
                    b'+' | b'/' | b'=' | b'\\' | b'\n' | b'\r' | b':' | b',' => true,
                    b' ' | b'\t' => matches!(last, b'\n' | b':' | b' ' | b'\t' | b'-'),
                    b'-' => last.is_ascii_alphabetic(),
                    _ => byte.is_ascii_alphanumeric(),
                },
            }
        };
        (from..text.len()).find(|&place| !is_part(place)).unwrap_or(text.len())
    }
}

impl Found {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.open = None;
        self.telling = None;
        self.words = [None; Word::COUNT];
        self.followed = [None; Word::COUNT];
    }

    /// Notes what is to be masked, joined with the last where they touch: a secret of one letter in a flood of it would give
    /// one a byte.
    pub(super) fn add(&mut self, start: usize, end: usize) {
        match self.spans.last_mut() {
            Some(last) if start <= last.1 && last.0 <= end => *last = (last.0.min(start), last.1.max(end)),
            Some(_) | None => self.spans.push((start, end)),
        }
    }

    /// Notes what is to be masked, with the rest of the word that it stands in, and returns where that ends.
    pub(super) fn add_word(&mut self, word: Word, before: u8, text: &[u8], start: usize, end: usize) -> usize {
        let followed = &mut self.followed[word as usize];
        let end = match *followed {
            Some((from, to)) if (from..=to).contains(&end) => to,
            Some(_) | None => {
                let to = word.end(before, text, end);
                *followed = Some((end, to));
                to
            }
        };
        self.add(start, end);
        if end == text.len() {
            earlier(&mut self.words[word as usize], start);
        }
        end
    }

    /// Notes that something of so many characters may go on after the text.
    pub(super) fn open(&mut self, start: usize, matched: usize) {
        earlier(&mut self.open, start);
        if matched >= TELLING {
            earlier(&mut self.telling, start);
        }
    }

    /// Notes that what begins at a place must be seen whole before it can be judged, and is not shown from another place on.
    pub(super) fn open_from(&mut self, start: usize, telling: Option<usize>) {
        earlier(&mut self.open, start);
        if let Some(telling) = telling {
            earlier(&mut self.telling, telling);
        }
    }
}

impl Drop for Found {
    fn drop(&mut self) {
        self.spans.zeroize();
    }
}

fn earlier(place: &mut Option<usize>, other: usize) {
    *place = Some(place.map_or(other, |place| place.min(other)));
}
