//! The one table of keys: the footer, the help, the palette and the README come from it.
//!
//! An [`Action`] is something that a key may do; whether it may be done now is for the state to say, which offers
//! actions. A key works when the action that it stands for is offered, and not otherwise, so what the footer shows is
//! exactly what works. What must stay true: `Enter` alone never does what cannot be taken back.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::front::keys::{self, Deed};

/// Something that a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    Start,
    Agree,
    Accept,
    Begin,
    Sign,
    Tick,
    OpenLink,
    Copy,
    LeaveField,
    EnterField,
    NextField,
    PreviousField,
    ClearField,
    KeepPaste,
    Again,
    Verify,
    Anyway,
    ByHand,
    Skip,
    Fetch,
    Stop,
    Enough,
    Away,
    Wizard,
    Program,
    RollBack,
    Choose,
    Practise,
    Refuse,
    Notes,
    Why,
    Hint,
    Call,
    GoToCurrent,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    NextPane,
    Zoom,
    Help,
    Palette,
    Search,
    FindAbove,
    FindBelow,
    Extend,
    Abandon,
    Back,
    Leave,
    Detach,
    TakeOver,
    Interrupt,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binding {
    /// What it does.
    pub(super) action: Action,
    /// The keys, the first of them shown.
    pub(super) keys: &'static [Key],
    /// A word or two for the footer.
    pub(super) label: &'static str,
    /// A sentence for the help.
    pub(super) help: &'static str,
    /// Where it stands in the help.
    pub(super) group: &'static str,
}

/// A key with its modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A key that types nothing.
    Code(KeyCode),
    /// A letter or sign, as typed.
    Char(char),
    /// A letter with Ctrl.
    Ctrl(char),
}

impl Key {
    fn is(self, event: KeyEvent) -> bool {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        match self {
            Self::Code(code) => event.code == code && !alt,
            Self::Char(letter) => event.code == KeyCode::Char(letter) && !ctrl && !alt,
            Self::Ctrl(letter) => event.code == KeyCode::Char(letter) && ctrl && !alt,
        }
    }

    /// Names the key as a person reads it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Code(KeyCode::Enter) => "Enter".into(),
            Self::Code(KeyCode::Esc) => "Esc".into(),
            Self::Code(KeyCode::Tab) => "Tab".into(),
            Self::Code(KeyCode::BackTab) => "Shift-Tab".into(),
            Self::Code(KeyCode::Up) => "Up".into(),
            Self::Code(KeyCode::Down) => "Down".into(),
            Self::Code(KeyCode::PageUp) => "PgUp".into(),
            Self::Code(KeyCode::PageDown) => "PgDn".into(),
            Self::Code(KeyCode::Home) => "Home".into(),
            Self::Code(KeyCode::End) => "End".into(),
            Self::Code(KeyCode::F(number)) => format!("F{number}"),
            Self::Code(other) => format!("{other}"),
            Self::Char(' ') => "Space".into(),
            Self::Char(letter) => letter.to_string(),
            Self::Ctrl(letter) => format!("Ctrl-{}", letter.to_ascii_uppercase()),
        }
    }
}

const ENTER: Key = Key::Code(KeyCode::Enter);
const ESC: Key = Key::Code(KeyCode::Esc);
const TAB: Key = Key::Code(KeyCode::Tab);
const UP: Key = Key::Code(KeyCode::Up);
const DOWN: Key = Key::Code(KeyCode::Down);

/// Makes a row; only keeps the table readable.
const fn row(
    action: Action,
    keys: &'static [Key],
    label: &'static str,
    help: &'static str,
    group: &'static str,
) -> Binding {
    Binding { action, keys, label, help, group }
}

/// Makes a row of what every front can do.
const fn deed(action: Action, keys: &'static [Key], deed: Deed, group: &'static str) -> Binding {
    row(action, keys, deed.label, deed.help, group)
}

const GO: &str = "Going on";
const FORM: &str = "Answering";
const FAILED: &str = "When something failed or is unknown";
const LOOK: &str = "Looking around";
const RUN: &str = "The run";

/// Every key there is.
pub(super) static TABLE: &[Binding] = &[
    row(Action::Start, &[ENTER], "start", "Start the step that is shown. It never starts by itself.", GO),
    deed(Action::Agree, &[Key::Char(keys::AGREE.letter)], keys::AGREE, GO),
    row(Action::Accept, &[ENTER], "done", "Say that it is done, or hand in the answers.", GO),
    row(
        Action::Begin,
        &[Key::Code(KeyCode::F(10)), ENTER],
        "begin",
        "Begin the run with the inputs of the briefing.",
        GO,
    ),
    row(Action::Sign, &[ENTER], "sign", "Sign for the role that is asked for.", GO),
    row(Action::Choose, &[ENTER], "choose", "Take the row that is marked.", GO),
    row(
        Action::Practise,
        &[Key::Char('p')],
        "practise",
        "List the drills of the playbook that is marked; nothing real is touched in them.",
        GO,
    ),
    deed(Action::Stop, &[Key::Char(keys::STOP.letter)], keys::STOP, GO),
    deed(Action::Enough, &[Key::Char(keys::ENOUGH.letter)], keys::ENOUGH, GO),
    row(
        Action::Away,
        &[Key::Ctrl(']')],
        "away",
        "Where a program has the screen: the next key is runsheet's, `x`, `d` or `w`; pressed twice it is typed to the program.",
        GO,
    ),
    row(
        Action::Wizard,
        &[Key::Char('w')],
        "look at the run",
        "Behind Ctrl-]: look at the run while the program goes on.",
        GO,
    ),
    row(Action::Program, &[Key::Char('i')], "to the program", "Give the screen and the keys back to the program.", GO),
    row(Action::NextField, &[TAB, DOWN], "next field", "Go to the next field.", FORM),
    row(Action::PreviousField, &[Key::Code(KeyCode::BackTab), UP], "field before", "Go to the field before.", FORM),
    row(Action::ClearField, &[Key::Ctrl('u')], "clear", "Empty the field.", FORM),
    row(
        Action::KeepPaste,
        &[Key::Ctrl('o')],
        "keep as pasted",
        "Take the last paste as it came, with the blanks and invisible characters that were removed.",
        FORM,
    ),
    row(Action::Tick, &[Key::Char(' ')], "tick", "Tick the line, or choose the next value.", FORM),
    row(
        Action::OpenLink,
        &[Key::Code(KeyCode::F(2)), Key::Char('o')],
        "open link",
        "Open the step's link; it is copied where nothing can open it.",
        FORM,
    ),
    row(Action::LeaveField, &[ESC], "leave field", "Leave the field, so that letters are keys again.", FORM),
    row(Action::EnterField, &[TAB, Key::Char('i')], "type", "Go back to the field.", FORM),
    deed(Action::Again, &[Key::Char(keys::AGAIN.letter)], keys::AGAIN, FAILED),
    deed(Action::Verify, &[Key::Char(keys::VERIFY.letter)], keys::VERIFY, FAILED),
    deed(Action::Fetch, &[Key::Char(keys::FETCH.letter)], keys::FETCH, FAILED),
    deed(Action::Anyway, &[Key::Char(keys::ANYWAY.letter)], keys::ANYWAY, FAILED),
    deed(Action::ByHand, &[Key::Char(keys::BY_HAND.letter)], keys::BY_HAND, FAILED),
    deed(Action::Skip, &[Key::Char(keys::SKIP.letter)], keys::SKIP, FAILED),
    deed(Action::RollBack, &[Key::Char(keys::ROLL_BACK.letter)], keys::ROLL_BACK, RUN),
    deed(Action::Notes, &[Key::Char(keys::NOTES.letter)], keys::NOTES, RUN),
    deed(Action::Extend, &[Key::Char(keys::EXTEND.letter)], keys::EXTEND, RUN),
    deed(Action::Abandon, &[Key::Char(keys::ABANDON.letter)], keys::ABANDON, RUN),
    row(Action::Refuse, &[Key::Code(KeyCode::F(4))], "refuse to sign", "Refuse to sign, with a reason.", RUN),
    deed(Action::Leave, &[Key::Char(keys::LEAVE.letter)], keys::LEAVE, RUN),
    deed(Action::Detach, &[Key::Char(keys::DETACH.letter)], keys::DETACH, RUN),
    deed(Action::TakeOver, &[Key::Char(keys::TAKE_OVER.letter)], keys::TAKE_OVER, RUN),
    row(Action::Interrupt, &[Key::Ctrl('c')], "stop/leave", "Stop what runs, and ask whether to leave.", RUN),
    row(Action::Up, &[UP, Key::Char('k')], "up", "Look at the step before.", LOOK),
    row(Action::Down, &[DOWN, Key::Char('j')], "down", "Look at the next step.", LOOK),
    row(
        Action::PageUp,
        &[Key::Code(KeyCode::PageUp)],
        "back",
        "Scroll the output, or the part that has the focus.",
        LOOK,
    ),
    row(Action::PageDown, &[Key::Code(KeyCode::PageDown)], "on", "Scroll on.", LOOK),
    row(Action::First, &[Key::Code(KeyCode::Home)], "top", "Go to the beginning.", LOOK),
    row(Action::Last, &[Key::Code(KeyCode::End)], "end", "Go to the end; output is followed again.", LOOK),
    row(Action::NextPane, &[TAB], "next part", "Give the next part the focus: steps, step, output.", LOOK),
    row(Action::Zoom, &[Key::Char('z')], "zoom", "Give the part that has the focus the whole screen, or back.", LOOK),
    deed(Action::Why, &[Key::Char(keys::WHY.letter)], keys::WHY, LOOK),
    deed(Action::Hint, &[Key::Char(keys::HINT.letter)], keys::HINT, LOOK),
    deed(Action::Call, &[Key::Char(keys::CALL.letter)], keys::CALL, RUN),
    deed(Action::Copy, &[Key::Char(keys::COPY.letter), Key::Code(KeyCode::F(3))], keys::COPY, LOOK),
    row(Action::GoToCurrent, &[ESC], "to current", "Go back to the step whose turn it is.", LOOK),
    row(Action::Back, &[ESC], "back", "Close the panel; nothing is done.", LOOK),
    deed(Action::Help, &[Key::Char(keys::HELP.letter), Key::Code(KeyCode::F(1))], keys::HELP, LOOK),
    row(Action::Search, &[Key::Char('/')], "search", "Search the output; upwards from its end.", LOOK),
    row(Action::FindAbove, &[ENTER, UP], "find above", "Go to the line before that has the words.", LOOK),
    row(Action::FindBelow, &[DOWN], "find below", "Go to the next line that has the words.", LOOK),
    row(Action::Palette, &[Key::Char(':')], "all actions", "List what can be done now, and find by name.", LOOK),
];

/// Finds the row of an action.
pub(super) fn binding(action: Action) -> &'static Binding {
    // The test below holds the table complete; the first row only keeps this total.
    TABLE.iter().find(|binding| binding.action == action).unwrap_or(&TABLE[0])
}

/// Finds which of the offered actions a key stands for: the first that has it. While typing, a letter is a letter.
pub(super) fn action(event: KeyEvent, offered: impl IntoIterator<Item = Action>, typing: bool) -> Option<Action> {
    let types = |key: &Key| typing && matches!(key, Key::Char(_));
    offered.into_iter().find(|&action| binding(action).keys.iter().any(|key| !types(key) && key.is(event)))
}

/// Names the key to show for a row: the first that works, for a letter does not while typing.
pub(super) fn shown_key(binding: &Binding, typing: bool) -> Option<String> {
    binding.keys.iter().find(|key| !(typing && matches!(key, Key::Char(_)))).map(|key| key.name())
}

/// Writes the table of keys in Markdown, for the README.
#[must_use]
pub fn table() -> String {
    let mut text = String::from("| key | does |\n| --- | --- |\n");
    for binding in TABLE {
        let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{}`", key.name())).collect();
        text.extend(["| ", &keys.join(", "), " | ", binding.help, " |\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_stands_in_the_table_once() {
        for (at, binding) in TABLE.iter().enumerate() {
            assert!(TABLE[..at].iter().all(|other| other.action != binding.action), "{:?} twice", binding.action);
            assert!(!binding.keys.is_empty());
        }
        // the last variant's number is how many there are before it
        assert_eq!(TABLE.len(), Action::Interrupt as usize + 1);
    }

    #[test]
    fn enter_does_nothing_that_cannot_be_taken_back() {
        for action in [Action::Agree, Action::Skip, Action::RollBack, Action::Abandon, Action::Stop, Action::Again] {
            assert!(!binding(action).keys.contains(&ENTER), "{action:?}");
        }
    }

    #[test]
    fn a_key_means_the_first_offered_action_that_has_it() {
        let enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        assert_eq!(action(enter, [Action::Skip, Action::Start, Action::Accept], false), Some(Action::Start));
        assert_eq!(action(enter, [Action::Skip], false), None);
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(action(ctrl_c, [Action::Copy, Action::Interrupt], false), Some(Action::Interrupt));
    }
}
