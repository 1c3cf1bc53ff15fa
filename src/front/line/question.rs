//! What is asked, and the one table of what can be typed in answer.

use crate::engine::Target;
use crate::front::Answer;
use crate::front::copying::Copyable;
use crate::front::keys::{self, Deed};
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
    /// An item of a step's evidence, from 1.
    Evidence(StepId, u32),
    /// A name, to sign for a role.
    Sign(Option<StepId>, String),
    /// How far to roll back.
    HowFar,
    /// Whether to begin the rollback that was shown.
    Rollback(Option<StepId>),
    /// What to copy.
    Copy(Vec<Copyable>),
    /// The question of a drill about a step.
    Quiz(StepId),
    /// Whom to call.
    Call,
    /// Whether to copy a secret.
    CopySecret(Name),
    /// A line of words.
    Words(Purpose),
}

/// What a line of words is for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// Why something is skipped; whether nothing need be said.
    Skip(Target, Free),
    /// Why a step starts although later ones would be refused.
    Anyway(StepId),
    /// What there is to say of something done by hand.
    ByHand(Target),
    /// Why an item of evidence, from 1, is passed over; whether nothing need be said.
    NoEvidence(StepId, u32, Free),
    /// Why the run goes on although the window is over.
    Overrun,
    /// By how much the window is made longer, and why.
    Extend,
    /// A note.
    Note(Option<StepId>),
    /// Why the run is given up.
    Abandon,
    /// Who refuses to sign for a role.
    Refuser(Option<StepId>, String),
    /// Why: role and name.
    Refuse(Option<StepId>, String, String),
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
    /// What is still to be ticked, last first, each with its number among all lines to tick.
    pub(super) ticks: Vec<(u32, String)>,
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
    Anyway,
    ByHand,
    Skip,
    RollBack,
    Note,
    Copy,
    Why,
    Hint,
    Call,
    Steps,
    Refuse,
    Extend,
    Abandon,
    Back,
    Quit,
    Detach,
    Help,
}

/// What is typed for a key.
#[derive(Clone, Copy, Debug)]
enum Typed {
    /// Nothing but Enter.
    Enter,
    /// A letter.
    Letter(char),
    /// The whole word.
    Word,
}

/// A row of the table: the key, what is typed, the word in the prompt, and the sentence of the help.
type Row = (Key, Typed, &'static str, &'static str);

const fn deed(key: Key, deed: Deed) -> Row {
    (key, Typed::Letter(deed.letter), deed.label, deed.help)
}

/// Everything that can be typed in answer to a question. What the screen can do as well is said for both in [`keys`].
const TABLE: [Row; 24] = [
    (Key::Start, Typed::Enter, "start", "Start the step as shown."),
    (Key::Done, Typed::Enter, "done", "You have done it."),
    (Key::Tick, Typed::Enter, "ticked", "You have done this line."),
    deed(Key::Yes, keys::AGREE),
    deed(Key::Again, keys::AGAIN),
    deed(Key::Verify, keys::VERIFY),
    deed(Key::Fetch, keys::FETCH),
    deed(Key::Anyway, keys::ANYWAY),
    deed(Key::ByHand, keys::BY_HAND),
    deed(Key::Skip, keys::SKIP),
    deed(Key::RollBack, keys::ROLL_BACK),
    (Key::Note, Typed::Letter(keys::NOTES.letter), "note", "Leave a note in the record."),
    deed(Key::Copy, keys::COPY),
    (Key::Why, Typed::Letter(keys::WHY.letter), keys::WHY.label, "Show why this is done."),
    (Key::Hint, Typed::Letter(keys::HINT.letter), keys::HINT.label, "Show the hint; that it was shown goes on record."),
    deed(Key::Call, keys::CALL),
    (Key::Steps, Typed::Letter('l'), "list", "Show all steps and where they stand."),
    (Key::Refuse, Typed::Word, "refuse", "Refuse to sign, with a reason."),
    // A word, for `e` says something else while a command runs.
    (Key::Extend, Typed::Word, "extend", keys::EXTEND.help),
    deed(Key::Abandon, keys::ABANDON),
    // The previous one. Not `c`, which copies, nor `b`, which rolls back.
    (Key::Back, Typed::Letter('p'), "go back", "Go back to the question before."),
    deed(Key::Quit, keys::LEAVE),
    deed(Key::Detach, keys::DETACH),
    (Key::Help, Typed::Letter(keys::HELP.letter), keys::HELP.label, "Show this list."),
];

impl Key {
    fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[TABLE.len() - 1])
    }

    /// Finds what was typed among what can be.
    pub(super) fn typed(text: &str, among: &[Self], free: bool) -> Option<Self> {
        let text = text.trim();
        let said = if free { text.strip_prefix(':')? } else { text };
        let same = |key: &&Self| {
            let (_, typed, word, _) = *key.row();
            let short = match typed {
                Typed::Enter => said.is_empty(),
                Typed::Letter(letter) => said.eq_ignore_ascii_case(letter.encode_utf8(&mut [0; 4])),
                Typed::Word => false,
            };
            short || (said.len() > 1 && said.eq_ignore_ascii_case(word))
        };
        among.iter().find(same).copied()
    }

    /// Sets what can be typed in one line.
    pub(super) fn prompt(among: &[Self], free: bool) -> String {
        let colon = if free { ":" } else { "" };
        let said = among.iter().map(|key| {
            let (_, typed, word, _) = *key.row();
            match typed {
                Typed::Enter => format!("{colon}[Enter] {word}"),
                Typed::Letter(letter) => format!("{colon}{letter} {word}"),
                Typed::Word => format!("{colon}{word}"),
            }
        });
        said.collect::<Vec<_>>().join(" · ")
    }

    /// Sets what can be typed in lines, with what it does.
    pub(super) fn help(among: &[Self], free: bool) -> Vec<String> {
        let colon = if free { ":" } else { "" };
        let lines = among.iter().map(|key| {
            let (_, typed, word, sentence) = *key.row();
            let typed = match typed {
                Typed::Enter => "Enter".to_owned(),
                Typed::Letter(letter) => format!("{colon}{letter}"),
                Typed::Word => format!("{colon}{word}"),
            };
            format!("  {typed:<7} {word}: {sentence}")
        });
        lines.collect()
    }
}

impl Question {
    /// Says whether the answer is text of one's own, so that keys need a colon before them.
    pub(super) fn free(&self) -> bool {
        match self {
            Self::Work(work) => work.ticks.is_empty() && !work.asks.is_empty(),
            Self::Evidence(..)
            | Self::Sign(..)
            | Self::Words(_)
            | Self::HowFar
            | Self::Copy(_)
            | Self::Call
            | Self::Quiz(_) => true,
            Self::Go(_)
            | Self::Confirm(_)
            | Self::Decision(_)
            | Self::Undo(_)
            | Self::UndoDecision(_)
            | Self::Incomplete
            | Self::CopySecret(_)
            | Self::Rollback(_) => false,
        }
    }
}
