//! What must now be done outside: plain data, read off a record.

use std::time::Duration;

use super::record::{LogMark, SavedFile, Target};
use crate::playbook::plan::StepId;

/// Something to do outside. Its result comes back as an [`Input`](super::Input).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Carry out the act of a step or of an author's undo action: a command, secrets to make, a wait; the edit of an undo.
    /// Comes back as `Performed`.
    Perform {
        /// What.
        target: Target,
        /// The attempt, from 1.
        attempt: u32,
        /// How long to wait first.
        after: Duration,
    },
    /// Change the files of an `edit`, whose copies are on record. Comes back as `Performed`.
    Edit {
        /// The step.
        target: Target,
        /// The attempt, from 1.
        attempt: u32,
        /// The files as they were before the first attempt, which may have written some of them already.
        saved: Vec<SavedFile>,
    },
    /// Try later steps, changing nothing, before an irreversible one starts. Comes back as `LookedAhead`.
    LookAhead {
        /// The irreversible step.
        step: StepId,
        /// The later steps, in order.
        later: Vec<StepId>,
    },
    /// Put sealed copies of the files on disk that an `edit` will change or a `snapshot` names, and look where the logs stand
    /// that the probes will read. Comes back as `Saved`, or as `Performed` when it failed.
    Save {
        /// Whose files.
        target: Target,
        /// The attempt, from 1.
        attempt: u32,
    },
    /// Put files back as they were saved. Comes back as `Performed`.
    Restore {
        /// The action of the rollback.
        target: Target,
        /// The attempt, from 1.
        attempt: u32,
        /// The files, as saved.
        files: Vec<SavedFile>,
    },
    /// Ask the probes of a step or of an author's undo action. Comes back as `Probed`.
    Probe {
        /// Whose.
        target: Target,
        /// Where the logs stood when it began.
        logs: Vec<LogMark>,
    },
    /// Fetch a step's captures again. Comes back as `Recaptured`.
    Recapture {
        /// The step.
        step: StepId,
    },
    /// Say which transcript is the evidence of a step. Comes back as `Evidence`, or as `EvidenceMissing`.
    KeepOutput {
        /// The step.
        step: StepId,
        /// The attempt whose transcript it is, from 1; none where the step was done by hand.
        attempt: Option<u32>,
        /// The item of its evidence, from 1.
        item: u32,
    },
    /// Stop what runs.
    Stop {
        /// What.
        target: Target,
        /// At once, rather than politely.
        hard: bool,
    },
    /// Enough was seen of what runs: stop it politely, as its success.
    Enough {
        /// What.
        target: Target,
    },
    /// Remove the playbook's `temporary` files. Comes back as `TemporaryRemoved`.
    RemoveTemporary,
    /// The run is closed: delete the vault.
    Close,
    /// Nothing more happens in this process.
    Leave,
}

impl Effect {
    /// Returns the step whose files, variables and folder it works with; none where it is about several, or about none.
    #[must_use]
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Self::Perform { target, .. }
            | Self::Edit { target, .. }
            | Self::Save { target, .. }
            | Self::Restore { target, .. }
            | Self::Probe { target, .. }
            | Self::Enough { target }
            | Self::Stop { target, .. } => Some(&target.step),
            Self::Recapture { step } | Self::KeepOutput { step, .. } => Some(step),
            Self::LookAhead { .. } | Self::RemoveTemporary | Self::Close | Self::Leave => None,
        }
    }
}
