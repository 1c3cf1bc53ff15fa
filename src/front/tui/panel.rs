//! The panels that lie over the run: what each holds, and which actions it offers.
//!
//! A panel is opened by the operator's own key and closed by `Esc`, which does nothing else. How each is drawn stands
//! in a file of its own.

use super::field::Field;
use super::form::Form;
use super::keymap::Action;
use super::search::Search;
use crate::engine::Target;
use crate::front::copying::Copyable;
use crate::playbook::plan::{Name, StepId};

/// A panel.
#[derive(Debug)]
pub(super) enum Panel {
    /// All keys, scrolled down by some lines.
    Help(usize),
    /// What can be done now.
    Palette(Palette),
    /// Something is looked for in the output.
    Search(Box<Search>),
    /// A line of text is wanted.
    Ask(Box<Ask>),
    /// The step wants a deliberate yes before it starts.
    Confirm(StepId),
    /// What a rollback would do; the marked choice, from 0: everything, then the steps that started, newest first.
    Rollback {
        /// The choice.
        choice: usize,
        /// Lines scrolled down.
        down: usize,
    },
    /// What can be copied; the marked row, from 0.
    Copy {
        /// What could be when it was opened.
        found: Vec<Copyable>,
        /// The row.
        at: usize,
    },
    /// The question of a drill; the marked choice, from 0.
    Quiz(usize),
    /// Whom to call; the marked row, from 0.
    Call(usize),
    /// Whether to copy a secret.
    CopySecret(Name),
    /// Whether to leave.
    Leave,
    /// Whether to act in place of somebody else.
    TakeOver {
        /// How far it is scrolled down.
        down: usize,
    },
    /// Something to be read at leisure.
    Page {
        /// What it is called.
        title: String,
        /// Its text; Markdown.
        text: String,
        /// Lines scrolled down.
        down: usize,
    },
    /// Something longer that the operator should know.
    Notice {
        /// Its text, of several lines.
        text: String,
        /// Lines scrolled down.
        down: usize,
    },
}

/// A line of text that is wanted, and what for.
#[derive(Debug)]
pub(super) struct Ask {
    /// What it is for.
    pub(super) purpose: Purpose,
    /// The one field.
    pub(super) form: Form,
    /// It may stay empty.
    pub(super) free: bool,
    /// What is wrong.
    pub(super) wrong: Option<String>,
}

/// What a line of text is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A step starts although later ones would be refused.
    Anyway(StepId),
    /// Something was done by hand.
    ByHand(Target),
    /// Something is passed over.
    Skip(Target),
    /// An item of evidence is passed over.
    NoEvidence {
        /// The step.
        step: StepId,
        /// The item, from 1.
        item: u32,
    },
    /// The run goes on although the window is over, so that a step may start.
    Overrun(StepId),
    /// The window is made longer.
    Extend,
    /// A note, on a step.
    Note(Option<StepId>),
    /// The run is given up.
    Abandon,
    /// A role refuses to sign.
    Refuse {
        /// The step that is an approval; none at the end.
        step: Option<StepId>,
        /// The role.
        role: String,
        /// Who refuses.
        name: String,
    },
}

/// The list of what can be done now.
#[derive(Debug)]
pub(super) struct Palette {
    /// What was offered when it was opened.
    pub(super) offered: Vec<Action>,
    /// The words to find by.
    pub(super) find: Form,
    /// The marked row.
    pub(super) at: usize,
}

impl Ask {
    /// Asks for a line.
    pub(super) fn new(purpose: Purpose, free: bool) -> Self {
        let prompt = match &purpose {
            Purpose::ByHand(_) => "What was done",
            Purpose::Anyway(_)
            | Purpose::Skip(_)
            | Purpose::NoEvidence { .. }
            | Purpose::Overrun(_)
            | Purpose::Abandon
            | Purpose::Refuse { .. } => "Reason",
            Purpose::Extend => "How long, and why",
            Purpose::Note(_) => "Note",
        };
        Self { purpose, form: Form::new(vec![Field::line("text", prompt)], Vec::new()), free, wrong: None }
    }

    /// Returns what was typed.
    pub(super) fn text(&self) -> &str {
        self.form.fields.first().and_then(Field::shown).unwrap_or_default().trim()
    }
}

impl Palette {
    /// Lists what was offered and matches the words.
    pub(super) fn found(&self) -> Vec<Action> {
        let words = self.find.fields.first().and_then(Field::shown).unwrap_or_default().to_lowercase();
        let has = |action: &&Action| {
            let row = super::keymap::binding(**action);
            words
                .split_whitespace()
                .all(|word| row.label.to_lowercase().contains(word) || row.help.to_lowercase().contains(word))
        };
        self.offered.iter().filter(has).copied().collect()
    }
}

impl Panel {
    /// Says whether the panel answers the question of the moment, so that it makes no sense once that has changed.
    pub(super) fn answers(&self) -> bool {
        match self {
            Self::Confirm(_) | Self::Palette(_) | Self::Quiz(_) => true,
            Self::Ask(ask) => match ask.purpose {
                Purpose::Anyway(_)
                | Purpose::ByHand(_)
                | Purpose::Skip(_)
                | Purpose::NoEvidence { .. }
                | Purpose::Overrun(_)
                | Purpose::Refuse { .. } => true,
                Purpose::Note(_) | Purpose::Extend | Purpose::Abandon => false,
            },
            Self::Help(_)
            | Self::Search(_)
            | Self::Rollback { .. }
            | Self::Copy { .. }
            | Self::Call(_)
            | Self::CopySecret(_)
            | Self::Leave
            | Self::TakeOver { .. }
            | Self::Page { .. }
            | Self::Notice { .. } => false,
        }
    }

    /// Lists what can be done in it, what matters most first.
    pub(super) fn offers(&self, idle: bool) -> Vec<Action> {
        match self {
            Self::Help(_) | Self::Page { .. } | Self::Notice { .. } => {
                vec![Action::Back, Action::Up, Action::Down, Action::PageUp, Action::PageDown]
            }
            Self::Search(_) => vec![Action::FindAbove, Action::FindBelow, Action::Back, Action::Interrupt],
            Self::Palette(_) => vec![Action::Choose, Action::Up, Action::Down, Action::Back],
            Self::Ask(_) => vec![Action::Accept, Action::ClearField, Action::Back, Action::Interrupt],
            Self::Copy { .. } | Self::Call(_) | Self::Quiz(_) => {
                vec![Action::Choose, Action::Up, Action::Down, Action::Back, Action::Interrupt]
            }
            Self::Confirm(_) | Self::CopySecret(_) => vec![Action::Agree, Action::Back, Action::Interrupt],
            Self::Rollback { .. } => {
                let mut offers = vec![Action::Up, Action::Down, Action::PageUp, Action::PageDown, Action::Back];
                if idle {
                    offers.insert(0, Action::Agree);
                }
                offers.push(Action::Interrupt);
                offers
            }
            Self::TakeOver { .. } => {
                vec![Action::Agree, Action::Back, Action::PageDown, Action::PageUp, Action::Down, Action::Up]
            }
            Self::Leave if idle => vec![Action::Agree, Action::Back, Action::Interrupt],
            Self::Leave => vec![Action::Stop, Action::Agree, Action::Back, Action::Interrupt],
        }
    }

    /// Says whether letters are typed into it.
    pub(super) fn typing(&self) -> bool {
        matches!(self, Self::Ask(_) | Self::Palette(_) | Self::Search(_))
    }
}
