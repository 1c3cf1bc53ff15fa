//! A terminal that is nobody's: what a program at a terminal of its own has drawn, and what it may be answered.
//!
//! The program's orders are carried out here and nowhere else: what comes out is text and colours in rows, so titles, the
//! clipboard, links and whatever else a terminal can be told end here. Of what it may ask only this is answered: which kind of
//! terminal it is, that it is well, and where its cursor stands; nothing that the program has set comes back as keys.
//!
//! What has gone from the screen is told in lines, for the transcript: rows that have scrolled away, and the picture before it is
//! cleared, or the program leaves its own screen. What must stay true: no row has a character that [`Visible`](super::Visible)
//! would not let through; a size below two rows or columns, at which the parser breaks down, is never set; and memory is bounded,
//! whatever comes.

use std::num::NonZeroU16;

use vt100::capture::BasicFormattedCaptureState;

use super::picture::Grid;
use super::signs::{self, Manner};

/// The longest sequence that is looked at; what is longer is for the parser to pass over.
const SEQUENCE: usize = 64;

/// The most bytes of answers that wait to be taken.
const ANSWERS: usize = 4 << 10;

/// The most that one sequence may repeat, scroll or put in.
const MOST: u32 = 300;

/// Ends a sequence without having it carried out.
const CANCEL: &[u8] = b"\x18";

const ESCAPE: char = '\u{1b}';

/// What stands for bytes that are no text.
const NO_TEXT: &str = "\u{2426}";

/// A terminal's screen.
pub struct Screen {
    parser: vt100::Parser<Kept>,
    /// The beginning of a character.
    held: Vec<u8>,
    /// The beginning of a sequence, as far as it was read.
    sequence: String,
    /// The last character, for what goes onto it.
    last: Option<char>,
}

/// What is kept on the way.
#[derive(Default)]
struct Kept {
    lines: Lines,
    answers: Vec<u8>,
}

/// Lines that have gone from the screen.
#[derive(Default)]
struct Lines {
    text: String,
    state: BasicFormattedCaptureState,
    /// A line has begun.
    within: bool,
}

impl Screen {
    /// Makes a blank one.
    #[must_use]
    pub fn new(columns: u16, rows: u16) -> Self {
        let parser = vt100::Parser::new_with_callbacks(at_least(rows), at_least(columns), 0, Kept::default());
        Self { parser, held: Vec::new(), sequence: String::new(), last: None }
    }

    /// Takes what the program has written.
    pub fn push(&mut self, input: &[u8]) {
        let joined;
        let mut bytes = input;
        if !self.held.is_empty() {
            joined = [std::mem::take(&mut self.held).as_slice(), input].concat();
            bytes = &joined;
        }
        while !bytes.is_empty() {
            let error = match std::str::from_utf8(bytes) {
                Ok(text) => return self.text(text),
                Err(error) => error,
            };
            let (text, rest) = bytes.split_at(error.valid_up_to());
            // valid up to there, so this is a check and no copy
            self.text(&String::from_utf8_lossy(text));
            let Some(length) = error.error_len() else {
                self.held = rest.to_vec();
                return;
            };
            self.text(NO_TEXT);
            bytes = &rest[length..];
        }
    }

    /// Gives it another size; below two rows or columns it keeps two.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.parser.set_size(at_least(rows), at_least(columns));
    }

    /// Takes the lines that have gone from the screen since this was last asked. Colours stand in them, and line ends.
    pub fn take_lines(&mut self) -> String {
        std::mem::take(&mut self.parser.callbacks_mut().lines.text)
    }

    /// Takes what the program is to be answered, as if it were typed.
    pub fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.parser.callbacks_mut().answers)
    }

    /// Ends it: what is on the screen goes to the lines.
    pub fn finish(&mut self) {
        if !std::mem::take(&mut self.held).is_empty() {
            self.text(NO_TEXT);
        }
        self.leave_picture();
        if self.parser.screen().alternate_screen() {
            // What was there before the program took a screen of its own.
            self.parser.process(b"\x1b[?1049l");
            self.leave_picture();
        }
    }

    /// Returns what it shows.
    #[must_use]
    pub fn grid(&self) -> Grid {
        Grid::of(self.parser.screen())
    }

    fn text(&mut self, text: &str) {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            if let Some(sequence) = self.ended(c) {
                self.parser.process(out.as_bytes());
                out.clear();
                if excessive(&sequence, c) {
                    self.parser.process(CANCEL);
                    continue;
                }
                if self.clears(&sequence, c) {
                    self.leave_picture();
                }
            }
            if c.is_ascii() {
                // Nothing is drawn for it, and the parser would.
                if c != '\u{7f}' {
                    out.push(c);
                }
                self.last = Some(c);
                continue;
            }
            match signs::manner(c) {
                Manner::Selects if self.last.is_some_and(signs::takes_selector) => out.push(c),
                Manner::Stands | Manner::Combines => out.push(c),
                Manner::Selects | Manner::Hides => signs::write(c, &mut out),
            }
            self.last = Some(c);
        }
        self.parser.process(out.as_bytes());
    }

    /// Follows sequences; returns what stood before this character, where that may be the last of one that clears the screen or
    /// makes much of itself.
    fn ended(&mut self, c: char) -> Option<String> {
        if c == ESCAPE {
            self.sequence.clear();
            self.sequence.push(c);
            return None;
        }
        let goes_on = match self.sequence.len() {
            0 => return None,
            1 => c == '[',
            SEQUENCE => false,
            _ => matches!(c, ' '..='?'),
        };
        if goes_on {
            self.sequence.push(c);
            return None;
        }
        let sequence = std::mem::take(&mut self.sequence);
        matches!(c, 'c' | 'J' | 'l' | 'b' | 'S' | 'T' | 'L' | 'M').then_some(sequence)
    }

    /// Says whether what is on the screen is gone after a sequence with this last character.
    fn clears(&self, sequence: &str, last: char) -> bool {
        let screen = self.parser.screen();
        match (sequence.strip_prefix("\u{1b}["), last) {
            (None, 'c') | (Some("2"), 'J') => true,
            (Some("" | "0"), 'J') => screen.cursor_position() == (0, 0),
            (Some(modes), 'l') => {
                let leaves = |mode: &str| matches!(mode, "1049" | "1047" | "47");
                screen.alternate_screen() && modes.trim_start_matches('?').split(';').any(leaves)
            }
            (Some(_) | None, _) => false,
        }
    }

    /// Tells the picture in lines, without what is blank below it.
    fn leave_picture(&mut self) {
        let screen = self.parser.screen();
        let blank = screen.contents().trim().is_empty();
        let picture = if blank { String::new() } else { screen.contents_formatted_basic() };
        let lines = &mut self.parser.callbacks_mut().lines;
        lines.end();
        for line in picture.trim_end().lines() {
            lines.text.push_str(line.trim_end());
            lines.text.push('\n');
        }
        if !blank {
            lines.text.push_str("\u{1b}[0m");
        }
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What it shows may be a secret.
        f.debug_struct("Screen").field("size", &self.parser.screen().size()).finish_non_exhaustive()
    }
}

impl Lines {
    /// Ends the line that has begun.
    fn end(&mut self) {
        self.state = BasicFormattedCaptureState::new();
        if std::mem::take(&mut self.within) {
            self.text.push_str("\u{1b}[0m\n");
        }
    }
}

impl vt100::Callbacks for Kept {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        second: Option<u8>,
        parameters: &[&[u16]],
        last: char,
    ) {
        if self.answers.len() >= ANSWERS || second.is_some() {
            return;
        }
        let asked = parameters.first().and_then(|numbers| numbers.first()).copied().unwrap_or(0);
        match (first, last, asked) {
            // A VT100 with colours, of no version that anything could be made of.
            (None, 'c', 0) => self.answers.extend_from_slice(b"\x1b[?62;22c"),
            (Some(b'>'), 'c', 0) => self.answers.extend_from_slice(b"\x1b[>1;10;0c"),
            (None, 'n', 5) => self.answers.extend_from_slice(b"\x1b[0n"),
            (None, 'n', 6) => {
                let (row, column) = screen.cursor_position();
                self.answers.extend_from_slice(format!("\x1b[{};{}R", row + 1, column + 1).as_bytes());
            }
            _ => {} // whatever else it asks or wants, it does not get
        }
    }

    fn on_scroll(&mut self, row: vt100::capture::RowContents<'_>, of_its_own: bool) {
        // What goes from a screen of a program's own is scrolled by its reader, to and fro.
        if of_its_own {
            return;
        }
        let lines = &mut self.lines;
        // writing to a String does not fail
        let _ = row.write_formatted_basic(&mut lines.text, &mut lines.state);
        lines.within = true;
    }
}

/// Says whether a sequence would make far more of itself than any screen can show: letters repeated, lines scrolled or put in.
fn excessive(sequence: &str, last: char) -> bool {
    let count = sequence.strip_prefix("\u{1b}[").and_then(|count| count.split(';').next());
    matches!(last, 'b' | 'S' | 'T' | 'L' | 'M')
        && count.is_some_and(|count| count.parse().map_or(count.len() > 3, |count: u32| count > MOST))
}

fn at_least(length: u16) -> NonZeroU16 {
    NonZeroU16::new(length.max(2)).unwrap_or(NonZeroU16::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(columns: u16, rows: u16, text: &str) -> (String, String, String) {
        let mut screen = Screen::new(columns, rows);
        screen.push(text.as_bytes());
        let lines = screen.take_lines();
        let picture = screen.grid().picture(|_| Vec::new(), "").rows.join("\n");
        (lines, picture.trim_end().to_owned(), String::from_utf8(screen.take_answers()).unwrap())
    }

    #[test]
    fn what_is_cut_anywhere_comes_out_the_same() {
        let text = "one\r\n\x1b[31mré漢\x1b[0m\x1b[2J\x1b[Htwo \u{202e}x\r\n\x1b[?1049hown\x1b[6n\x1b[?1049l\u{feff}"
            .as_bytes();
        let whole = |cut: usize| {
            let mut screen = Screen::new(20, 3);
            screen.push(&text[..cut]);
            screen.push(&text[cut..]);
            screen.finish();
            (screen.take_lines(), screen.take_answers())
        };
        let (lines, answers) = whole(0);
        assert!(
            lines.starts_with("one\n\x1b[31mré漢") && lines.contains("two <U+202E>x") && lines.contains("own"),
            "{lines:?}"
        );
        assert_eq!(answers, b"\x1b[1;4R");
        for cut in 0..=text.len() {
            assert_eq!(whole(cut), (lines.clone(), answers.clone()), "{cut}");
        }
    }

    #[test]
    fn what_goes_is_told_once_and_in_order() {
        let (lines, picture, _) = after(10, 2, "one\r\ntwo\r\nthree\r\nfour");
        assert_eq!((lines.as_str(), picture.as_str()), ("one\ntwo", "three\nfour"));
        let mut screen = Screen::new(4, 2);
        screen.push(b"abcdefghij\r\nx\r\n");
        screen.finish();
        assert_eq!(screen.take_lines().replace("\u{1b}[0m", ""), "abcdefghij\nx\n", "what was broken is joined");
    }

    #[test]
    fn nothing_that_was_set_comes_back() {
        let asked = "\x1b]2;echo bad\x07\x1b[21t\x1b]10;?\x07\x1b]52;c;?\x07\x05\x1bP$q\"p\x1b\\\x1b[?1$p\x1b[>q\x1b[5n\x1b[c\x1b[>c";
        assert_eq!(after(20, 5, asked).2, "\x1b[0n\x1b[?62;22c\x1b[>1;10;0c");
        let many = "\x1b[6n".repeat(100_000);
        assert!(after(20, 5, &many).2.len() <= ANSWERS + 16);
    }

    #[test]
    fn a_few_bytes_do_not_make_many() {
        for sequence in ["x\u{1b}[65535b", "\u{1b}[9999S", "\u{1b}[9999;1T", "\u{1b}[301L", "\u{1b}[99999999999M"] {
            let (lines, picture, _) = after(20, 5, &format!("one{}\r\ntwo", sequence.repeat(100)));
            assert!(lines.len() + picture.len() < 300, "{sequence:?}: {} {}", lines.len(), picture.len());
            assert!(picture.contains("two"), "{sequence:?}: {picture}");
        }
        let (_, picture, _) = after(20, 5, "x\u{1b}[9b");
        assert_eq!(picture, "x".repeat(10));
    }

    #[test]
    fn every_size_is_survived() {
        for columns in [0, 1, 2, 3, 80, 300] {
            for rows in [0, 1, 2, 3, 24, 100] {
                let mut screen = Screen::new(columns, rows);
                screen.push("漢字 and more\r\n".repeat(9).as_bytes());
                screen.resize(rows, columns);
                screen.push(b"\x1b[5;9Hx\x1b[2;1r\x1b[9999L\x1b[9999P\x1b[99999999999X\x1b[3g");
                screen.push("e\u{301}".repeat(300).as_bytes());
                assert!(screen.grid().picture(|_| Vec::new(), "").rows.len() >= 2);
                screen.finish();
            }
        }
    }

    /// Whatever comes, in whatever order and at whatever size, is survived: the parser is another's.
    #[test]
    fn any_mixture_is_survived() {
        const PIECES: [&str; 24] = [
            "text",
            "\r\n",
            "漢字",
            "e\u{301}\u{301}",
            "\t",
            "\u{8}",
            "\u{1b}[A",
            "\u{1b}[9999B",
            "\u{1b}[5;7H",
            "\u{1b}[2;3r",
            "\u{1b}[r",
            "\u{1b}[L",
            "\u{1b}[9M",
            "\u{1b}[3P",
            "\u{1b}[70@",
            "\u{1b}[X",
            "\u{1b}[2J",
            "\u{1b}[1K",
            "\u{1b}[?1049h",
            "\u{1b}[?1049l",
            "\u{1b}7",
            "\u{1b}8",
            "\u{1b}M",
            "\u{1b}[65535b",
        ];
        let mut seed: u32 = 1;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % below
        };
        for _ in 0..40 {
            let mut size = || u16::try_from(random(40)).unwrap_or(0);
            let mut screen = Screen::new(size(), size());
            let mut resizes: Vec<(u16, u16)> = (0..10).map(|_| (size(), size())).collect();
            for turn in 0..200 {
                if turn % 20 == 19
                    && let Some((columns, rows)) = resizes.pop()
                {
                    screen.resize(columns, rows);
                }
                screen.push(PIECES[random(24) as usize].as_bytes());
                screen.push(&[u8::try_from(random(256)).unwrap_or(0)]);
            }
            drop(screen.grid().picture(|text| text.find('t').map(|at| at..at + 1).into_iter().collect(), "[secret]"));
            screen.finish();
            drop((screen.take_lines(), screen.take_answers()));
        }
    }
}
