//! Reads the text of a shell script far enough to say which words are arguments of which command.
//!
//! Not a shell, and not a judge: it goes through any text in a time proportional to its length, finds simple commands
//! (also in pipes, substitutions, functions, blocks and here-documents), their words, their redirections, and the variables
//! in them. Where a text is not sound it does its best and says nothing. It must never panic and never recurse without end.

mod word;

use std::ops::Range;

use word::Quoted;

/// How deep substitutions may stand in each other; what is deeper is passed over.
const DEEPEST: usize = 40;

/// A simple command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    /// Its words, assignments before it among them; reserved words left out.
    pub(super) words: Vec<Word>,
    /// What it reads: here-strings, and files by `<`.
    pub(super) reads: Vec<Word>,
    /// The function that it stands in.
    pub(super) function: Option<String>,
}

/// A word of a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Its literal text without quotes; a NUL for each variable or substitution.
    pub(super) text: String,
    /// Nothing in it was quoted.
    pub(super) plain: bool,
    /// The variable that it sets, where it is an assignment.
    pub(super) sets: Option<String>,
    /// The variables whose values are in it.
    pub(super) variables: Vec<Variable>,
    /// The commands whose output is in it: places in the list of commands.
    pub(super) outputs: Vec<Range<usize>>,
}

/// A variable in a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// Its name, or the number or sign of a parameter.
    pub(super) name: String,
    /// Where in the script its `$` stands, in bytes.
    pub(super) at: usize,
}

/// Reads a script. Commands within substitutions come before the command that they are part of.
pub(super) fn commands(text: &str) -> Vec<Command> {
    let mut reader =
        Reader { text, at: 0, depth: 0, commands: Vec::new(), documents: Vec::new(), blocks: Vec::new(), named: None };
    while reader.at < text.len() {
        reader.list();
        // A `)` that nothing opened: go on behind it.
        reader.at += 1;
    }
    reader.commands
}

/// Where the reading of a script has come to.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    commands: Vec<Command>,
    /// Here-documents whose text begins on the next line.
    documents: Vec<Document>,
    /// The blocks in braces around this place, each with the function whose body it is.
    blocks: Vec<Option<String>>,
    /// The function whose body comes next.
    named: Option<String>,
}

/// A here-document that was announced.
struct Document {
    end: String,
    /// Tabs before its lines are taken off.
    tabs: bool,
    /// Variables and substitutions in it count.
    open: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.ahead(0)
    }

    fn ahead(&self, by: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + by).copied()
    }

    fn starts(&self, with: &str) -> bool {
        self.text.as_bytes()[self.at.min(self.text.len())..].starts_with(with.as_bytes())
    }

    /// Reads commands up to a closing parenthesis that is not theirs, or to the end. Stays at the parenthesis.
    fn list(&mut self) {
        let mut open = 0_usize;
        let mut command = Command::default();
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.ahead(1) == Some(b'\n') => self.at += 2,
                b'#' => self.comment(),
                b'\n' => {
                    self.at += 1;
                    self.end(&mut command);
                    self.bodies();
                }
                b'&' if self.ahead(1) == Some(b'>') => self.redirection(&mut command),
                b';' | b'&' | b'|' => {
                    self.at += 1;
                    self.end(&mut command);
                }
                b'(' => {
                    self.at += 1;
                    match command.words.as_slice() {
                        [name] | [Word { plain: true, .. }, name] if self.defines(&command.words, name) => {
                            self.named = Some(name.text.clone());
                            command = Command::default();
                            self.at += 1;
                        }
                        _ => {
                            open += 1;
                            self.end(&mut command);
                        }
                    }
                }
                b')' => {
                    self.end(&mut command);
                    if open == 0 {
                        return;
                    }
                    open -= 1;
                    self.at += 1;
                }
                b'<' | b'>' if self.ahead(1) != Some(b'(') => self.redirection(&mut command),
                b'0'..=b'9' if self.numbers_a_redirection() => self.redirection(&mut command),
                _ => self.take(&mut command),
            }
        }
        self.end(&mut command);
    }

    /// Says whether an opening parenthesis, just passed, makes words the head of a function.
    fn defines(&self, words: &[Word], name: &Word) -> bool {
        let alone = words.len() == 1 || words.first().is_some_and(|word| word.text == "function");
        alone && name.plain && self.peek() == Some(b')')
    }

    /// Takes a word into a command, unless it is a reserved one.
    fn take(&mut self, command: &mut Command) {
        let before = self.at;
        let word = self.word();
        if self.at == before {
            self.at += 1; // cannot be: but never stand still
        }
        let first = command.words.is_empty();
        if first && word.plain {
            match word.text.as_str() {
                "{" => return self.blocks.push(self.named.take()),
                "}" => return drop(self.blocks.pop()),
                "!" | "if" | "then" | "else" | "elif" | "fi" | "while" | "until" | "do" | "done" | "esac" | "time"
                | "coproc" => return,
                _ => {}
            }
        }
        command.words.push(word);
        if let [function, name, brace] = command.words.as_slice()
            && (function.text.as_str(), brace.text.as_str()) == ("function", "{")
        {
            self.blocks.push(Some(name.text.clone()));
            *command = Command::default();
        }
    }

    fn end(&mut self, command: &mut Command) {
        let mut command = std::mem::take(command);
        if let [function, name] = command.words.as_slice()
            && function.text == "function"
        {
            self.named = Some(name.text.clone());
        }
        if !command.words.is_empty() || !command.reads.is_empty() {
            command.function = self.blocks.iter().rev().flatten().next().cloned();
            self.commands.push(command);
        }
    }

    fn comment(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }

    /// Says whether digits stand here that belong to a redirection.
    fn numbers_a_redirection(&self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        // No descriptor has more; looking further would cost the square of a long number.
        let digits = rest.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
        matches!(rest.get(digits), Some(b'<' | b'>')) && rest.get(digits + 1) != Some(&b'(')
    }

    /// Reads a redirection. Its word is no argument, but what is read from it may be a secret.
    fn redirection(&mut self, command: &mut Command) {
        while matches!(self.peek(), Some(b'0'..=b'9' | b'&')) {
            self.at += 1;
        }
        let operator =
            ["<<<", "<<-", "<<", "<>", "<&", "<", ">>", ">&", ">|", ">"].into_iter().find(|sign| self.starts(sign));
        let Some(operator) = operator else { return };
        self.at += operator.len();
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let word = self.word();
        match operator {
            "<<" | "<<-" => {
                self.documents.push(Document { open: word.plain, tabs: operator == "<<-", end: word.text });
            }
            "<<<" | "<" => command.reads.push(word),
            _ => {} // what is written to, or another descriptor
        }
    }

    /// Passes over the texts of here-documents. The commands in them count, their variables are no arguments.
    fn bodies(&mut self) {
        for document in std::mem::take(&mut self.documents) {
            while self.at < self.text.len() {
                let rest = &self.text[self.at..];
                let line = rest.split('\n').next().unwrap_or_default();
                let next = (self.at + line.len() + 1).min(self.text.len());
                let shown = if document.tabs { line.trim_start_matches('\t') } else { line };
                if shown.trim_end_matches('\r') == document.end {
                    self.at = next;
                    break;
                }
                let mut word = Word::default();
                while document.open && self.at + 1 < next {
                    self.piece(&mut word, Quoted::Yes);
                }
                self.at = self.at.max(next);
            }
        }
    }
}

#[cfg(test)]
mod tests;
