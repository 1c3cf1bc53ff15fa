//! The fronts: full screen, plain lines, unattended. All three drive the same session through the same messages.
//!
//! A front folds the records it is sent into a [`Run`] of its own, asks
//! [`Run::awaiting`] what is wanted, and says something. It never touches the journal, a process or the world.

#[cfg(test)]
mod bench;
mod clock;
mod copying;
mod extending;
mod handed;
pub mod headless;
mod keys;
pub mod line;
mod paste;
mod plain;
pub(crate) mod signals;
mod spoken;
pub mod tui;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::{Awaiting, Begun, Expected, Finding, Input, Presence, Refusal, Run, Stamped, Target};
use crate::output::Picture;
use crate::playbook::plan::{EvidenceSpec, Name, Plan, StepId, Want};
use crate::secret::Secret;

pub use handed::{Handed, Proof};
pub use spoken::{Spoken, Words};

/// What a front is told.
#[derive(Clone, Debug)]
pub enum Update {
    /// A record was written down. On resume the old ones come first.
    Record(Arc<Stamped>),
    /// All records that there were have come; what is next happens now.
    Live,
    /// Text from a running command: masked, every control but SGR and line ends made visible. A piece, not a line.
    Output {
        /// Whose output.
        target: Target,
        /// The text.
        text: Arc<str>,
    },
    /// What a program's terminal shows now. Masked.
    Picture {
        /// Whose terminal.
        target: Target,
        /// What it shows.
        picture: Picture,
    },
    /// A probe was asked once more.
    Attempt {
        /// Whose probe.
        target: Target,
        /// Its place in `verify`, from 0.
        probe: usize,
        /// The attempt, from 1.
        attempt: u32,
        /// What was found.
        finding: Finding,
        /// Whether that is as expected.
        pass: bool,
        /// What was seen. Masked.
        saw: String,
    },
    /// What an `edit` would change: a unified diff, masked. Or why it cannot be done.
    Preview {
        /// The step.
        target: Target,
        /// The diff, or the reason.
        diff: Result<String, String>,
    },
    /// The last thing said was refused.
    Refused(Refusal),
    /// Something that the operator should know: a sentence.
    Notice(String),
    /// Something to be read at leisure: what a drill came to.
    Page {
        /// What it is called.
        title: String,
        /// Its text; Markdown.
        text: String,
    },
    /// A secret that this front asked for, to be copied and not to be shown. It is on record that it was.
    Secret {
        /// Its name.
        name: Name,
        /// Its value.
        secret: Secret,
    },
    /// The run lives in a process of its own; what this screen may do there.
    Seat(Seat),
    /// What came of a signature that was handed in.
    Signed {
        /// Who handed it in, as the front that passed it on calls them.
        guest: u64,
        /// Taken and on disk, or why not.
        taken: Result<(), Refusal>,
    },
    /// The terminal of who acts is to be gone: a drill has it lost. A front that is one itself only says so.
    TerminalLost,
    /// The session is over; the front should end.
    Over,
}

/// What a screen may do with a run that lives in a process of its own. One that is not told may act, and is the only one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seat {
    /// It acts: what its operator says is done.
    Acts,
    /// It only watches.
    Watches {
        /// Who acts; none when nobody does.
        actor: Option<String>,
        /// It may take over when its operator wants that; one that came only to watch may not.
        may_take_over: bool,
    },
}

/// What a front says.
#[derive(Clone, Debug)]
pub enum Say {
    /// Something for the engine.
    Input(Input),
    /// Answers of a person, secrets among them; the session puts those into the vault first.
    Answer {
        /// What is answered.
        target: Target,
        /// The answers by name.
        answers: Vec<(Name, Answer)>,
    },
    /// An item of a step's evidence; of a file the session keeps a copy first.
    Evidence {
        /// The step.
        step: StepId,
        /// The item, from 1.
        item: u32,
        /// What is given.
        offer: Offer,
    },
    /// Show what an `edit` would change.
    Preview(Target),
    /// Type this at the terminal of a program that has one. It may be a password, and is kept nowhere.
    Type {
        /// Whose terminal.
        target: Target,
        /// What is typed, as a terminal sends it.
        keys: Secret,
    },
    /// Terminals of programs have so much room on the screen from now on.
    Size {
        /// The columns.
        columns: u16,
        /// The rows.
        rows: u16,
    },
    /// Leave; the run stays open.
    Quit,
    /// The screen goes, for this reason. A run that lives in a process of its own goes on without it; another one cannot,
    /// and stays open.
    Detach(String),
    /// Act in place of whoever does. Only a watcher says it.
    TakeOver,
    /// A signature, from a terminal that is none of this front's own.
    Sign {
        /// Who handed it in, as this front calls them.
        guest: u64,
        /// What they handed in, unchecked.
        handed: Box<Handed>,
    },
    /// Somebody came to act, or went: said by who knows it, never by a person.
    Presence(Presence),
}

/// What a person gives as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// A text.
    Text(String),
    /// The path of a file, absolute.
    File(PathBuf),
}

impl Offer {
    /// Takes what was typed as what is wanted. A path may begin with `~/`, and with nothing before it where this program is.
    #[must_use]
    pub fn of(spec: &EvidenceSpec, typed: &str) -> Self {
        let typed = typed.trim();
        match spec.want {
            Want::File => {
                let home =
                    typed.strip_prefix("~/").and_then(|rest| Some(Path::new(&std::env::var_os("HOME")?).join(rest)));
                let path = home.unwrap_or_else(|| PathBuf::from(typed));
                Self::File(std::path::absolute(&path).unwrap_or(path))
            }
            Want::Text | Want::Fingerprint(_) | Want::Output => Self::Text(typed.to_owned()),
        }
    }
}

/// An answer of a person.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A value that may be shown.
    Text(String),
    /// A secret.
    Secret(Secret),
}

/// How far a rollback that an operator came for is to go: the last step to be undone, or everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HowFar(pub Option<StepId>);

/// A front, as the session sees it.
pub trait Front: Send {
    /// Takes what happened. Must not wait for a person.
    fn take(&mut self, update: Update);

    /// Says what it has to say at once, without waiting for anyone.
    ///
    /// An unattended front answers here. It is asked before the records of the turn are synced (and so before it takes
    /// them), so that the end of one step and the start of the next go to disk together; `run` stands after them.
    fn answer(&mut self, plan: &Plan, run: &Run) -> Option<Say> {
        let _ = (plan, run);
        None
    }

    /// Hands over the channel on which a person's words come. Asked for once.
    fn words(&mut self) -> Option<Words> {
        None
    }

    /// Learns what the turn comes to whose records come next, where the front is not asked by [`Front::answer`].
    fn expect(&mut self, awaiting: &Awaiting) {
        let _ = awaiting;
    }

    /// Says whether the session ends when its terminal hangs up.
    fn hangs_up(&self) -> bool {
        true
    }
}

/// What the briefing tells that is not in the playbook.
#[derive(Clone, Debug, Default)]
pub struct BriefingFacts {
    /// The playbook's path.
    pub playbook: String,
    /// Who runs it.
    pub operator: String,
    /// The change ticket.
    pub ticket: Option<String>,
    /// How long its steps took in earlier runs.
    pub expected: BTreeMap<StepId, Expected>,
    /// The programs that the playbook requires, each with whether it was found.
    pub requires: Vec<(String, bool)>,
    /// Where prefilled values came from, in a few words: `$PG_ID`, `.env, key DATABASE_URL`.
    pub sources: BTreeMap<Name, String>,
    /// Why an input could not be taken from its source.
    pub problems: BTreeMap<Name, String>,
    /// What `check` had to say all the same, rendered: lines with the place and the source line.
    pub warnings: Vec<String>,
    /// What stands before every question, where this is not the real thing.
    pub mark: Option<&'static str>,
    /// What kind of run it is, where it is not an ordinary one: `dry run: nothing is changed`.
    pub mode: Option<String>,
    /// What is to be read before all that the playbook says; Markdown.
    pub first: Option<String>,
}

impl BriefingFacts {
    /// Makes what stands in for the run in a briefing: the values so far, and what is known of earlier runs.
    fn run(&self, values: BTreeMap<Name, String>) -> Run {
        let begun = Begun { expected: self.expected.clone(), ..Begun::default() };
        let mut run = Run::default();
        (run.begun, run.values) = (Some(begun), values);
        run
    }
}

/// What came of the briefing.
#[derive(Clone, Debug)]
pub struct BriefingAnswers {
    /// An answer for each input.
    pub answers: Vec<(Name, Answer)>,
    /// What was typed to confirm a protected run.
    pub typed: Option<String>,
}
