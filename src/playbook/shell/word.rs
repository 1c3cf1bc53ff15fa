//! Words of a script: quotes, variables, substitutions.
//!
//! What must stay true: every function moves on by at least a byte or has come to what ends it, and stops only where a
//! character begins.

use std::ops::Range;

use super::{DEEPEST, Reader, Variable, Word};

/// Whether something stands between double quotes, or where it is read as if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoted {
    Yes,
    No,
}

impl Reader<'_> {
    /// Reads a word up to what ends it.
    pub(super) fn word(&mut self) -> Word {
        let mut word = Word { plain: true, ..Word::default() };
        while let Some(byte) = self.peek() {
            match byte {
                b'<' | b'>' if self.ahead(1) == Some(b'(') => {
                    self.at += 2;
                    self.substitution(&mut word);
                }
                b'(' if word.sets.is_some() && word.text.ends_with('=') => self.array(&mut word),
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => break,
                b'=' if word.sets.is_none() && word.plain && word.variables.is_empty() => {
                    word.sets = variable(&word.text);
                    word.text.push('=');
                    self.at += 1;
                }
                b'\'' => {
                    word.plain = false;
                    self.at += 1;
                    self.literal(b'\'', &mut word);
                }
                b'"' => {
                    word.plain = false;
                    self.at += 1;
                    self.double(&mut word);
                }
                _ => self.piece(&mut word, Quoted::No),
            }
        }
        word
    }

    /// Reads what may stand quoted or not: an escape, a variable, a substitution, or characters.
    pub(super) fn piece(&mut self, word: &mut Word, quoted: Quoted) {
        match (self.peek(), self.ahead(1)) {
            (Some(b'\\'), Some(b'\n')) => self.at += 2,
            (Some(b'\\'), _) => {
                word.plain = false;
                self.at += 1;
                self.character(word);
            }
            (Some(b'$'), Some(b'\'')) if quoted == Quoted::No => {
                word.plain = false;
                self.at += 2;
                self.escaped(word);
            }
            (Some(b'$'), Some(b'"')) if quoted == Quoted::No => self.at += 1,
            (Some(b'$'), Some(b'(')) => {
                self.at += 2;
                let output = self.substitution(word);
                word.outputs.push(output);
            }
            (Some(b'$'), Some(b'{')) => self.braces(word),
            (Some(b'$'), _) => self.variable(word),
            (Some(b'`'), _) => self.backquoted(word),
            (Some(_), _) => self.character(word),
            (None, _) => {}
        }
    }

    fn character(&mut self, word: &mut Word) {
        if let Some(sign) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            word.text.push(sign);
            self.at += sign.len_utf8();
        }
    }

    fn literal(&mut self, end: u8, word: &mut Word) {
        while let Some(byte) = self.peek() {
            if byte == end {
                self.at += 1;
                return;
            }
            self.character(word);
        }
    }

    /// Reads on between double quotes.
    fn double(&mut self, word: &mut Word) {
        while let Some(byte) = self.peek() {
            if byte == b'"' {
                self.at += 1;
                return;
            }
            self.piece(word, Quoted::Yes);
        }
    }

    /// Reads on between `$'` and `'`.
    fn escaped(&mut self, word: &mut Word) {
        while let Some(byte) = self.peek() {
            self.at += usize::from(matches!(byte, b'\\' | b'\''));
            if byte == b'\'' {
                return;
            }
            self.character(word);
        }
    }

    /// Reads the values of an array.
    fn array(&mut self, word: &mut Word) {
        self.at += 1;
        self.depth += 1;
        while self.depth < DEEPEST {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(b'#') => self.comment(),
                Some(b')') => {
                    self.at += 1;
                    break;
                }
                Some(_) => {
                    let before = self.at;
                    let value = self.word();
                    word.variables.extend(value.variables);
                    word.outputs.extend(value.outputs);
                    self.at += usize::from(self.at == before); // a sign that has no business there
                }
                None => break,
            }
        }
        self.depth -= 1;
        word.text.push('\0');
    }

    /// Reads commands from behind an opening parenthesis up to the closing one, and tells their places.
    fn substitution(&mut self, word: &mut Word) -> Range<usize> {
        word.text.push('\0');
        let from = self.commands.len();
        if self.depth >= DEEPEST {
            return from..from;
        }
        self.depth += 1;
        self.list();
        self.depth -= 1;
        self.at += usize::from(self.peek() == Some(b')'));
        from..self.commands.len()
    }

    fn backquoted(&mut self, word: &mut Word) {
        self.at += 1;
        let bytes = self.text.as_bytes();
        let mut end = self.at;
        while end < bytes.len() && bytes[end] != b'`' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let end = end.min(bytes.len());
        word.text.push('\0');
        let Some(inner) = self.text.get(self.at..end).filter(|_| self.depth < DEEPEST) else {
            self.at = end.max(self.at);
            while !self.text.is_char_boundary(self.at) {
                self.at += 1;
            }
            return;
        };
        let from = self.commands.len();
        let start = self.at;
        let mut within = super::commands(inner);
        let range = |at: &mut usize| *at += start;
        for command in &mut within {
            for word in command.words.iter_mut().chain(&mut command.reads) {
                word.variables.iter_mut().for_each(|variable| range(&mut variable.at));
                for output in &mut word.outputs {
                    *output = output.start + from..output.end + from;
                }
            }
        }
        self.commands.extend(within);
        word.outputs.push(from..self.commands.len());
        self.at = (end + 1).min(bytes.len());
    }

    /// Reads `$name`.
    fn variable(&mut self, word: &mut Word) {
        let at = self.at;
        self.at += 1;
        let rest = &self.text.as_bytes()[self.at..];
        let length = match rest.first() {
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-') => 1,
            _ => rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count(),
        };
        if length == 0 {
            word.text.push('$');
            return;
        }
        let name = self.text[self.at..self.at + length].to_owned();
        self.at += length;
        word.text.push('\0');
        word.variables.push(Variable { name, at });
    }

    /// Reads `${name}` with whatever is done to it. Its length, and whether it is set, are not its value.
    fn braces(&mut self, word: &mut Word) {
        let at = self.at;
        self.at += 2;
        let length_only = self.peek() == Some(b'#') && self.ahead(1) != Some(b'}');
        self.at += usize::from(length_only || self.peek() == Some(b'!'));
        let rest = &self.text.as_bytes()[self.at..];
        let length = match rest.first() {
            Some(b'@' | b'*' | b'#' | b'?' | b'$' | b'-') => 1,
            _ => rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count(),
        };
        let name = self.text[self.at..self.at + length].to_owned();
        self.at += length;
        let instead = self.peek() == Some(b'+') || self.starts(":+");
        word.text.push('\0');
        if !length_only && !instead && !name.is_empty() {
            word.variables.push(Variable { name, at });
        }
        self.depth += 1;
        while let Some(byte) = self.peek() {
            match byte {
                b'}' => {
                    self.at += 1;
                    break;
                }
                b'\'' | b'"' => self.at += 1,
                _ if self.depth >= DEEPEST => self.character(&mut Word::default()),
                _ => {
                    // Variables and substitutions in it have their values in it; its letters are no text of the word.
                    let mut inside = Word::default();
                    self.piece(&mut inside, Quoted::Yes);
                    word.variables.append(&mut inside.variables);
                    word.outputs.append(&mut inside.outputs);
                }
            }
        }
        self.depth -= 1;
    }
}

/// Takes the name of a variable from what stands before an assignment's `=`: `A`, `A+`, `A[0]`.
fn variable(text: &str) -> Option<String> {
    let text = text.strip_suffix('+').unwrap_or(text);
    let name = text.split('[').next().unwrap_or_default();
    let sound = name
        .bytes()
        .enumerate()
        .all(|(at, byte)| byte == b'_' || byte.is_ascii_alphabetic() || at > 0 && byte.is_ascii_digit());
    (sound && !name.is_empty() && (name.len() == text.len() || text.ends_with(']'))).then(|| name.to_owned())
}
