//! One field to fill: what was typed, what is wrong with it, and what was repaired in a paste.
//!
//! Says nothing about where it stands or when it is handed in. What must stay true: the text of a secret leaves only
//! as a [`Secret`], is never drawn, and is wiped; what is changed in a paste is said.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::backend::crossterm::EventHandler;
use zeroize::Zeroizing;

use crate::front::Answer;
use crate::front::paste::{Into, repair};
use crate::playbook::plan::{InputKind, InputSpec};
use crate::secret::Secret;
use crate::words;

/// A field.
pub(super) struct Field {
    /// What is asked for.
    pub(super) spec: InputSpec,
    /// The question, with values filled in.
    pub(super) prompt: String,
    /// Where its value came from, when it was not typed here.
    pub(super) source: Option<String>,
    /// What is taken when it stays empty.
    pub(super) default: Option<String>,
    /// What was changed in the last paste.
    pub(super) repaired: Option<String>,
    /// Why the last answer was refused by whoever judged it.
    pub(super) refused: Option<String>,
    /// Whether the operator has been here, so that what is missing may be said.
    pub(super) visited: bool,
    /// The last paste as it came, where it was changed, with what was there before it.
    came: Option<(Zeroizing<String>, Before)>,
    entry: Entry,
}

/// What was typed before a paste.
enum Before {
    Line(tui_input::Input),
    Hidden(Hidden),
}

#[derive(Debug)]
enum Entry {
    Line(tui_input::Input),
    Hidden(Hidden),
    Choice { options: Vec<String>, at: Option<usize> },
}

/// The text of a secret while it is typed. Grows by copying and wiping, so that no piece stays behind.
struct Hidden(Zeroizing<String>);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Field").field("name", &self.spec.name).field("entry", &self.entry).finish_non_exhaustive()
    }
}

impl Hidden {
    fn new() -> Self {
        Self(Zeroizing::new(String::with_capacity(4096)))
    }

    fn push(&mut self, letter: char) {
        if self.0.len() + letter.len_utf8() > self.0.capacity() {
            let mut larger = Zeroizing::new(String::with_capacity(self.0.capacity() * 2));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        self.0.push(letter);
    }
}

impl Field {
    /// Makes an empty field.
    pub(super) fn new(spec: InputSpec, prompt: String, default: Option<String>) -> Self {
        let entry = match &spec.kind {
            InputKind::Secret => Entry::Hidden(Hidden::new()),
            InputKind::Choice(options) => Entry::Choice { options: options.clone(), at: None },
            InputKind::Boolean => Entry::Choice { options: vec!["true".into(), "false".into()], at: None },
            InputKind::Text | InputKind::Path | InputKind::Integer | InputKind::Url | InputKind::Duration => {
                Entry::Line(tui_input::Input::default())
            }
        };
        let mut field = Self {
            spec,
            prompt,
            source: None,
            default,
            repaired: None,
            refused: None,
            visited: false,
            came: None,
            entry,
        };
        if let (Entry::Choice { options, at }, Some(default)) = (&mut field.entry, &field.default) {
            *at = options.iter().position(|option| option == default);
        }
        field
    }

    /// Makes a field for a plain line of text, such as a note.
    pub(super) fn line(name: &str, prompt: &str) -> Self {
        let spec = InputSpec {
            name: name.into(),
            kind: InputKind::Text,
            prompt: None,
            default: None,
            pattern: None,
            min_length: None,
            differs_from: None,
            env: String::new(),
            from: None,
        };
        Self::new(spec, prompt.to_owned(), None)
    }

    /// Puts a value in that came from somewhere else.
    pub(super) fn fill(&mut self, answer: &Answer, source: Option<String>) {
        match (&mut self.entry, answer) {
            (Entry::Line(input), Answer::Text(text)) => *input = tui_input::Input::new(text.clone()),
            (Entry::Choice { options, at }, Answer::Text(text)) => {
                *at = options.iter().position(|option| option == text);
            }
            (Entry::Hidden(hidden), Answer::Secret(secret)) => {
                *hidden = Hidden::new();
                secret.expose().chars().for_each(|letter| hidden.push(letter));
            }
            // A secret does not go where it would be shown, nor a plain text where it would be taken for one.
            (Entry::Line(_) | Entry::Choice { .. }, Answer::Secret(_)) | (Entry::Hidden(_), Answer::Text(_)) => {}
        }
        self.source = source;
    }

    /// Says whether what is typed here is hidden.
    pub(super) fn hidden(&self) -> bool {
        matches!(self.entry, Entry::Hidden(_))
    }

    /// Says whether a value is chosen here, rather than typed.
    pub(super) fn chosen(&self) -> bool {
        matches!(self.entry, Entry::Choice { .. })
    }

    /// Returns how many characters there are.
    pub(super) fn length(&self) -> usize {
        match &self.entry {
            Entry::Line(input) => input.value().chars().count(),
            Entry::Hidden(hidden) => hidden.0.chars().count(),
            Entry::Choice { at, .. } => usize::from(at.is_some()),
        }
    }

    /// Returns what may be shown of the value; none for a secret.
    pub(super) fn shown(&self) -> Option<&str> {
        match &self.entry {
            Entry::Line(input) => Some(input.value()),
            Entry::Hidden(_) => None,
            Entry::Choice { options, at } => Some(at.map_or("", |at| options[at].as_str())),
        }
    }

    /// Lists the values to choose from, with the place of the chosen one.
    pub(super) fn options(&self) -> Option<(&[String], Option<usize>)> {
        match &self.entry {
            Entry::Choice { options, at } => Some((options, *at)),
            Entry::Line(_) | Entry::Hidden(_) => None,
        }
    }

    /// Returns the column of the cursor in what is shown.
    pub(super) fn cursor(&self) -> usize {
        match &self.entry {
            Entry::Line(input) => input.visual_cursor(),
            Entry::Hidden(_) | Entry::Choice { .. } => 0,
        }
    }

    /// Returns the value that stands for now: what was typed, or the default.
    pub(super) fn value(&self) -> Option<&str> {
        self.shown().filter(|text| !text.is_empty()).or(self.default.as_deref().filter(|_| !self.hidden()))
    }

    /// Empties the field.
    pub(super) fn clear(&mut self) {
        self.entry = match &mut self.entry {
            Entry::Line(_) => Entry::Line(tui_input::Input::default()),
            Entry::Hidden(_) => Entry::Hidden(Hidden::new()),
            Entry::Choice { options, .. } => Entry::Choice { options: std::mem::take(options), at: None },
        };
        self.touched();
    }

    fn touched(&mut self) {
        self.source = None;
        self.came = None;
        self.repaired = None;
        self.refused = None;
    }

    /// Takes a key that types or moves within the field. Says whether it was one.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        let taken = match (&mut self.entry, key.code) {
            (Entry::Line(input), _) => {
                let event = crossterm::event::Event::Key(key);
                match input.handle_event(&event) {
                    Some(change) if !change.value => return true,
                    change => change.is_some(),
                }
            }
            (Entry::Hidden(hidden), KeyCode::Char(letter)) if plain => {
                hidden.push(letter);
                true
            }
            (Entry::Hidden(hidden), KeyCode::Backspace) => hidden.0.pop().is_some(),
            (Entry::Choice { options, at }, KeyCode::Right | KeyCode::Char(' ')) if plain && !options.is_empty() => {
                *at = Some(at.map_or(0, |at| (at + 1) % options.len()));
                true
            }
            (Entry::Choice { options, at }, KeyCode::Left) if !options.is_empty() => {
                *at = Some(at.map_or(0, |at| (at + options.len() - 1) % options.len()));
                true
            }
            (Entry::Choice { options, at }, KeyCode::Char(letter)) if plain => {
                let found = options.iter().position(|option| option.starts_with(letter));
                *at = found.or(*at);
                found.is_some()
            }
            (Entry::Hidden(_) | Entry::Choice { .. }, _) => false,
        };
        if taken {
            self.touched();
        }
        taken
    }

    /// Takes a paste. What is no part of a value is left out, and that is said.
    pub(super) fn paste(&mut self, text: &str) {
        self.touched();
        let into = if self.hidden() { Into::Secret } else { Into::Line };
        match repair(text, into) {
            Ok(repaired) => {
                let before = self.insert(&repaired.text);
                self.repaired = repaired.said;
                self.came = repaired.came.zip(before);
            }
            Err(why) => self.repaired = Some(why),
        }
    }

    /// Says whether the last paste was changed and can be had as it came.
    pub(super) fn can_have_paste_back(&self) -> bool {
        self.came.is_some()
    }

    /// Takes the last paste as it came, in place of what was made of it.
    pub(super) fn have_paste_back(&mut self) {
        let Some((came, before)) = self.came.take() else { return };
        self.touched();
        self.entry = match before {
            Before::Line(input) => Entry::Line(input),
            Before::Hidden(hidden) => Entry::Hidden(hidden),
        };
        self.insert(&came);
        self.repaired = Some("kept as it came".to_owned());
    }

    /// Puts a text in where the cursor is, and returns what was there before; none where a value is chosen.
    fn insert(&mut self, text: &str) -> Option<Before> {
        match &mut self.entry {
            Entry::Line(input) => {
                let before = input.clone();
                let cursor = input.cursor();
                // At once: letter by letter each would move all those behind it.
                let at = before.value().char_indices().nth(cursor).map_or(before.value().len(), |(at, _)| at);
                let (head, tail) = before.value().split_at(at);
                let value = [head, text, tail].concat();
                *input = tui_input::Input::new(value).with_cursor(cursor + text.chars().count());
                Some(Before::Line(before))
            }
            Entry::Hidden(hidden) => {
                let mut before = Hidden::new();
                hidden.0.chars().for_each(|letter| before.push(letter));
                text.chars().for_each(|letter| hidden.push(letter));
                Some(Before::Hidden(before))
            }
            Entry::Choice { options, at } => {
                *at = options.iter().position(|option| option == text).or(*at);
                None
            }
        }
    }

    /// Judges the value as it stands: what is wrong, in words.
    pub(super) fn judge(&self) -> Result<(), String> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        match &self.entry {
            Entry::Hidden(hidden) if hidden.0.is_empty() => Err("missing".into()),
            Entry::Hidden(hidden) => self.spec.accepts(&hidden.0).map(|_| ()),
            Entry::Line(_) | Entry::Choice { .. } => match self.value() {
                None if matches!(self.spec.kind, InputKind::Text) && self.spec.pattern.is_none() => {
                    if self.spec.default.is_some() { Ok(()) } else { Err("missing".into()) }
                }
                None => Err("missing".into()),
                Some(value) => self.spec.accepts(value).map(|_| ()),
            },
        }
    }

    /// Hands the value over.
    pub(super) fn answer(&self) -> Result<Answer, String> {
        self.judge()?;
        match &self.entry {
            Entry::Hidden(hidden) => Ok(Answer::Secret(Secret::new(hidden.0.to_string()))),
            Entry::Line(_) | Entry::Choice { .. } => self.spec.accepts(self.value().unwrap_or("")).map(Answer::Text),
        }
    }

    /// Says whether the field is left to the place that the playbook names for its value: empty, and there is one.
    pub(super) fn left_to_source(&self) -> bool {
        self.length() == 0 && self.default.is_none() && self.spec.from.is_some()
    }

    /// Says in a word or two what the field takes.
    pub(super) fn hint(&self) -> String {
        let kind = match &self.spec.kind {
            // A field that is no input of the playbook says all in its question.
            InputKind::Text if self.spec.env.is_empty() => String::new(),
            InputKind::Text => "text".into(),
            InputKind::Choice(options) => format!("Left and Right choose: {}", options.join(", ")),
            InputKind::Path => "a path".into(),
            InputKind::Integer => "a whole number".into(),
            InputKind::Boolean => "Left and Right choose: true, false".into(),
            InputKind::Url => "a URL".into(),
            InputKind::Duration => "a duration such as 1h30m".into(),
            InputKind::Secret => "a secret: paste it, it is not shown".into(),
        };
        let least = self.spec.min_length.map(|least| format!(", at least {least} characters")).unwrap_or_default();
        let differs = self.spec.differs_from.as_ref().map(|name| format!(", not {name}")).unwrap_or_default();
        let from = match &self.spec.from {
            Some(source) if self.default.is_none() => format!("; empty takes {}", words::source(source)),
            Some(_) | None => String::new(),
        };
        format!("{kind}{least}{differs}{from}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_can_be_had_as_it_came() {
        let mut field = Field::line("password", "Password");
        field.paste("before ");
        field.paste("  after\n");
        assert_eq!(field.shown(), Some("beforeafter"));
        assert_eq!(field.repaired.as_deref(), Some("removed 2 blanks at the beginning, 1 line end at the end"));
        assert!(field.can_have_paste_back());
        field.have_paste_back();
        assert_eq!(field.shown(), Some("before  after "));
        assert_eq!(field.repaired.as_deref(), Some("kept as it came"));
        assert!(!field.can_have_paste_back());
        // The next key makes it a value of the operator's own.
        field.paste(" x");
        field.key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE));
        assert!(!field.can_have_paste_back());

        let mut field = Field::line("password", "Password");
        field.entry = Entry::Hidden(Hidden::new());
        field.paste("CANARY ");
        assert_eq!(field.length(), 6);
        field.have_paste_back();
        assert_eq!(field.length(), 7);
        assert!(!format!("{field:?}").contains("CANARY"));
        field.paste(&"x".repeat(10 << 20));
        assert_eq!(field.length(), 7);
        assert!(field.repaired.as_ref().is_some_and(|said| said.ends_with("nothing was taken")));
    }

    #[test]
    fn a_paste_goes_where_the_cursor_is() {
        let mut field = Field::line("text", "Text");
        field.paste("onethree");
        for _ in 0..5 {
            field.key(KeyEvent::new(KeyCode::Left, KeyModifiers::NONE));
        }
        field.paste("-twö-");
        assert_eq!((field.shown(), field.cursor()), (Some("one-twö-three"), 8));
    }

    #[test]
    fn a_secret_is_neither_shown_nor_printed() {
        let mut field = Field::line("password", "Password");
        field.entry = Entry::Hidden(Hidden::new());
        field.paste(&format!("CANARY-{}", "x".repeat(9000)));
        assert_eq!(field.shown(), None);
        assert_eq!(field.length(), 9007);
        assert!(!format!("{field:?}").contains("CANARY"));
    }
}
