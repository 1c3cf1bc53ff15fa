//! Why the engine will not, now. The run goes on; `words` puts it into a sentence.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::playbook::plan::{Name, StepId};

/// Why the engine refuses an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The run has not begun.
    NotBegun,
    /// The run has begun already.
    BegunAlready,
    /// The run is over.
    Over,
    /// It is the turn of something else.
    NotNow {
        /// What was asked for, in a few words: "start", "skip".
        what: Cow<'static, str>,
    },
    /// That step is not the current one.
    NotCurrent {
        /// The step that was meant.
        step: StepId,
        /// The one whose turn it is.
        current: Option<StepId>,
    },
    /// Something runs; it must end or be stopped first.
    Busy {
        /// The step whose effect is out.
        step: StepId,
    },
    /// Nothing runs.
    NothingRuns,
    /// There is no step of that id.
    NoSuchStep {
        /// The id.
        step: String,
    },
    /// The step's `confirm` must be agreed to.
    NeedsConfirm {
        /// The step.
        step: StepId,
    },
    /// A protected run must be confirmed by typing.
    NeedsTyping {
        /// The word to type.
        word: String,
    },
    /// A reason must be given.
    NeedsReason,
    /// A value is missing.
    Missing {
        /// Its name.
        name: Name,
    },
    /// A value is not what it should be.
    Unfit {
        /// Its name.
        name: Name,
        /// What is wrong.
        why: String,
    },
    /// There is nothing that could be undone.
    NothingToUndo,
    /// That step did not start, so there is no way back to it.
    NotStarted {
        /// The step.
        step: StepId,
    },
    /// The step has no probes.
    NoProbes {
        /// The step.
        step: StepId,
    },
    /// The step has no `recapture`.
    NoRecapture {
        /// The step.
        step: StepId,
    },
    /// The role need not sign, or has signed.
    NoSuchRole {
        /// The role.
        role: String,
    },
    /// Somebody else must sign.
    MustDiffer {
        /// The name.
        name: String,
    },
    /// Somebody else signed with the same key already.
    SameKey {
        /// Who.
        name: String,
    },
    /// The signature is not good: a sentence.
    Unproven {
        /// Why.
        why: String,
    },
    /// A typed name is not enough here.
    NeedsKey {
        /// The role.
        role: String,
    },
    /// The disk has no room for what a step that cannot be undone may come to.
    NoRoom {
        /// The step.
        step: StepId,
        /// What has no room: a sentence.
        why: String,
    },
    /// What is offered as evidence is not taken.
    NoEvidence {
        /// The step.
        step: StepId,
        /// The item, from 1.
        item: u32,
        /// Why: a sentence.
        why: String,
    },
    /// Lines of the instructions are not ticked yet.
    Unticked {
        /// The step.
        step: StepId,
        /// How many.
        lines: u32,
    },
    /// An item of the follow-up cannot be marked as done.
    NoFollowUp {
        /// The item, from 1.
        item: u32,
        /// Why: a sentence.
        why: String,
    },
    /// The window is over, and nobody has said yet why the run goes on.
    WindowOver {
        /// The step that was to start.
        step: StepId,
        /// For how long, in milliseconds.
        by_ms: u64,
    },
    /// The playbook plans no window.
    NoWindow,
    /// A result came for something that is not out.
    Stale,
}
