//! The one table of keys: the footer, the help, the palette and the README come from it.
//!
//! An [`Action`] is something that a key may do; whether it may be done now is for the state to say, which offers
//! actions. A key works when the action that it stands for is offered, and not otherwise, so what the footer shows is
//! exactly what works. What must stay true: `Enter` alone never does what cannot be taken back.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

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
    CopyLink,
    LeaveField,
    EnterField,
    NextField,
    PreviousField,
    ClearField,
    Again,
    Verify,
    ByHand,
    Skip,
    Fetch,
    Stop,
    RollBack,
    Choose,
    Refuse,
    Notes,
    Why,
    Hint,
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
    Abandon,
    Back,
    Leave,
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

const GO: &str = "Going on";
const FORM: &str = "Answering";
const FAILED: &str = "When something failed or is unknown";
const LOOK: &str = "Looking around";
const RUN: &str = "The run";

/// Every key there is.
pub(super) static TABLE: &[Binding] = &[
    row(Action::Start, &[ENTER], "start", "Start the step that is shown. It never starts by itself.", GO),
    row(
        Action::Agree,
        &[Key::Char('y')],
        "yes",
        "Agree to what is asked: an irreversible step, a statement, a rollback.",
        GO,
    ),
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
        Action::Stop,
        &[Key::Char('x')],
        "stop",
        "Stop what runs: the first time politely, the second time at once.",
        GO,
    ),
    row(Action::NextField, &[TAB, DOWN], "next field", "Go to the next field.", FORM),
    row(Action::PreviousField, &[Key::Code(KeyCode::BackTab), UP], "field before", "Go to the field before.", FORM),
    row(Action::ClearField, &[Key::Ctrl('u')], "clear", "Empty the field.", FORM),
    row(Action::Tick, &[Key::Char(' ')], "tick", "Tick the line, or choose the next value.", FORM),
    row(
        Action::OpenLink,
        &[Key::Code(KeyCode::F(2)), Key::Char('o')],
        "open link",
        "Open the step's link; it is copied where nothing can open it.",
        FORM,
    ),
    row(Action::CopyLink, &[Key::Code(KeyCode::F(3)), Key::Char('c')], "copy link", "Copy the step's link.", FORM),
    row(Action::LeaveField, &[ESC], "leave field", "Leave the field, so that letters are keys again.", FORM),
    row(Action::EnterField, &[TAB, Key::Char('i')], "type", "Go back to the field.", FORM),
    row(Action::Again, &[Key::Char('r')], "run again", "Run the failed step or action again.", FAILED),
    row(Action::Verify, &[Key::Char('v')], "verify again", "Ask the probes again, without running anything.", FAILED),
    row(Action::Fetch, &[Key::Char('f')], "fetch again", "Fetch the captured values again, changing nothing.", FAILED),
    row(Action::ByHand, &[Key::Char('h')], "by hand", "Say that it was done by hand, with a note.", FAILED),
    row(Action::Skip, &[Key::Char('s')], "skip", "Pass over it, with a reason unless it is optional.", FAILED),
    row(
        Action::RollBack,
        &[Key::Char('b')],
        "roll back",
        "Show what a rollback would do; nothing is undone before you agree.",
        RUN,
    ),
    row(Action::Notes, &[Key::Char('n')], "notes", "Read the notes and leave one.", RUN),
    row(Action::Abandon, &[Key::Char('A')], "abandon", "Give the run up for good; what stays is listed first.", RUN),
    row(Action::Refuse, &[Key::Code(KeyCode::F(4))], "refuse to sign", "Refuse to sign, with a reason.", RUN),
    row(Action::Leave, &[Key::Char('q')], "leave", "Leave the program; the run stays open and can be resumed.", RUN),
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
    row(Action::Why, &[Key::Char('w')], "why", "Show or hide why the step is done.", LOOK),
    row(Action::Hint, &[Key::Char('t')], "hint", "Show or hide the hint.", LOOK),
    row(Action::GoToCurrent, &[ESC], "to current", "Go back to the step whose turn it is.", LOOK),
    row(Action::Back, &[ESC], "back", "Close the panel; nothing is done.", LOOK),
    row(Action::Help, &[Key::Char('?'), Key::Code(KeyCode::F(1))], "help", "Show all keys.", LOOK),
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
        assert_eq!(action(ctrl_c, [Action::CopyLink, Action::Interrupt], false), Some(Action::Interrupt));
    }
}
