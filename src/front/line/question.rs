//! What is asked, and the one table of what can be typed in answer.

use crate::engine::Target;
use crate::front::Answer;
use crate::playbook::plan::{InputSpec, Name, StepId};

/// What the operator is asked.
#[derive(Clone, Debug)]
pub(super) enum Question {
    /// Whether to start a step.
    Go(StepId),
    /// Whether its warning is agreed to.
    Confirm(StepId),
    /// To do or to answer something.
    Work(Work),
    /// What to do about a step that failed or is unknown.
    Decision(StepId),
    /// Whether to carry out an action of a rollback.
    Undo(Target),
    /// What to do about one that failed or is unknown.
    UndoDecision(Target),
    /// What to do about a rollback that could not be completed.
    Incomplete,
    /// A name, to sign for a role.
    Sign(String),
    /// How far to roll back.
    HowFar,
    /// Whether to begin the rollback that was shown.
    Rollback(Option<StepId>),
    /// A line of words.
    Words(Purpose),
}

/// What a line of words is for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// Why something is skipped; whether nothing need be said.
    Skip(Target, Free),
    /// What there is to say of something done by hand.
    ByHand(Target),
    /// A note.
    Note(Option<StepId>),
    /// Why the run is given up.
    Abandon,
    /// Who refuses to sign for a role.
    Refuser(String),
    /// Why: role and name.
    Refuse(String, String),
}

/// Whether words may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Free {
    Yes,
    No,
}

/// What a person is to do, tick and answer.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) target: Target,
    /// What is still to be ticked, last first.
    pub(super) ticks: Vec<String>,
    /// What is still asked, last first.
    pub(super) asks: Vec<InputSpec>,
    /// What was answered.
    pub(super) given: Vec<(Name, Answer)>,
    /// What it comes down to, once all is ticked and answered.
    pub(super) last: Last,
}

/// The last word on what a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// Enter: it was done.
    Done,
    /// `y`: the statement holds.
    Holds,
    /// None: the last tick or answer was it.
    Said,
}

/// Something that can be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Start,
    Done,
    Tick,
    Yes,
    Again,
    Verify,
    Fetch,
    ByHand,
    Skip,
    RollBack,
    Note,
    Why,
    Steps,
    Refuse,
    Abandon,
    Back,
    Quit,
    Help,
}

/// Everything that can be typed: the key, the letter, the word in the prompt, and the sentence of the help.
const TABLE: [(Key, &str, &str, &str); 18] = [
    (Key::Start, "", "start", "start the step as shown"),
    (Key::Done, "", "done", "you have done it"),
    (Key::Tick, "", "ticked", "you have done this line"),
    (Key::Yes, "y", "yes", "yes, as shown"),
    (Key::Again, "r", "retry", "do it again"),
    (Key::Verify, "v", "verify again", "ask its checks again; nothing is changed"),
    (Key::Fetch, "f", "fetch again", "fetch its values again; nothing is changed"),
    (Key::ByHand, "d", "done by hand", "you have done it yourself; it goes on record with your words"),
    (Key::Skip, "s", "skip", "pass over it; it goes on record with your reason"),
    (Key::RollBack, "b", "roll back", "see what a rollback would do, then decide"),
    (Key::Note, "n", "note", "leave a note in the record"),
    (Key::Why, "w", "why", "why this is done, and a hint"),
    (Key::Steps, "l", "list", "all steps and where they stand"),
    (Key::Refuse, "x", "refuse", "refuse to sign"),
    (Key::Abandon, "a", "abandon", "give the run up for good; what it changed stays"),
    (Key::Back, "c", "cancel", "go back to the question before"),
    (Key::Quit, "q", "quit", "leave; the run stays open and can be resumed"),
    (Key::Help, "?", "help", "this list"),
];

impl Key {
    fn row(self) -> &'static (Self, &'static str, &'static str, &'static str) {
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[TABLE.len() - 1])
    }

    /// Finds what was typed among what can be.
    pub(super) fn typed(text: &str, among: &[Self], free: bool) -> Option<Self> {
        let text = text.trim();
        let letter = if free { text.strip_prefix(':')? } else { text };
        let same = |key: &&Self| {
            let (_, typed, word, _) = key.row();
            letter.eq_ignore_ascii_case(typed) || (letter.len() > 1 && letter.eq_ignore_ascii_case(word))
        };
        among.iter().find(same).copied()
    }

    /// Sets what can be typed in one line.
    pub(super) fn prompt(among: &[Self], free: bool) -> String {
        let said = among.iter().map(|key| {
            let (_, typed, word, _) = key.row();
            let typed = if typed.is_empty() { "[Enter]" } else { typed };
            if free { format!(":{typed} {word}") } else { format!("{typed} {word}") }
        });
        said.collect::<Vec<_>>().join(" · ")
    }

    /// Sets what can be typed in lines, with what it does.
    pub(super) fn help(among: &[Self], free: bool) -> Vec<String> {
        let lines = among.iter().map(|key| {
            let (_, typed, word, sentence) = key.row();
            let typed =
                if typed.is_empty() { "Enter".to_owned() } else { format!("{}{typed}", if free { ":" } else { "" }) };
            format!("  {typed:<6} {word}: {sentence}")
        });
        lines.collect()
    }
}

impl Question {
    /// Says whether the answer is text of one's own, so that keys need a colon before them.
    pub(super) fn free(&self) -> bool {
        match self {
            Self::Work(work) => work.ticks.is_empty() && !work.asks.is_empty(),
            Self::Sign(_) | Self::Words(_) | Self::HowFar => true,
            Self::Go(_)
            | Self::Confirm(_)
            | Self::Decision(_)
            | Self::Undo(_)
            | Self::UndoDecision(_)
            | Self::Incomplete
            | Self::Rollback(_) => false,
        }
    }
}
