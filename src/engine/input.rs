//! What the engine is told: by the operator, by the world, by the session.

use std::collections::BTreeMap;
use std::time::Duration;

use super::aside::Aside;
use super::evidence::Evidence;
use super::record::{Begun, Foreseen, LogMark, Outcome, Presence, SavedFile, Signature, Target, Verdict};
use crate::playbook::plan::{Name, StepId};

/// Something said to the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Begin the run. `typed` is what was typed to confirm a protected run.
    Begin {
        /// What it begins with.
        begun: Box<Begun>,
        /// What was typed to confirm a protected run.
        typed: Option<String>,
    },
    /// Start the current step, or start it again after it failed or is unknown.
    Go {
        /// The step, as seen by whoever says it; another one is refused.
        step: StepId,
        /// The step's `confirm` was read and agreed to.
        confirmed: bool,
    },
    /// The later steps were tried.
    LookedAhead {
        /// The irreversible step that waits for it.
        step: StepId,
        /// Those that would be refused.
        refused: Vec<Foreseen>,
    },
    /// Start an irreversible step although later steps would be refused.
    GoAnyway {
        /// The step.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// A person did the step or the action, and brought this back.
    Answer {
        /// What is answered.
        target: Target,
        /// Values that are no secrets, checked against the type.
        values: BTreeMap<Name, String>,
        /// Secrets that are in the vault by now.
        secrets: Vec<Name>,
        /// Their fingerprints.
        fingerprints: BTreeMap<Name, String>,
    },
    /// Sealed copies are on disk, and it is known where the logs stand.
    Saved {
        /// Whose.
        target: Target,
        /// The files.
        files: Vec<SavedFile>,
        /// Where the logs stand.
        logs: Vec<LogMark>,
    },
    /// An effect came to its end.
    Performed {
        /// Which.
        target: Target,
        /// Its attempt.
        attempt: u32,
        /// What came of it.
        outcome: Outcome,
    },
    /// The probes have answered.
    Probed {
        /// Whose.
        target: Target,
        /// An answer for each.
        verdicts: Vec<Verdict>,
    },
    /// Captures were fetched again.
    Recaptured {
        /// The step.
        step: StepId,
        /// What came of it.
        outcome: Outcome,
    },
    /// What a command had printed that was out when the program died was found and taken up.
    Recovered {
        /// What was out.
        target: Target,
        /// The attempt, from 1.
        attempt: u32,
        /// What came of it.
        outcome: Outcome,
    },
    /// Ask the probes again.
    VerifyAgain {
        /// Whose.
        target: Target,
    },
    /// Fetch the captures of an unknown step again.
    Recapture {
        /// The step.
        step: StepId,
    },
    /// It was done by hand.
    ByHand {
        /// What.
        target: Target,
        /// What the operator says of it.
        note: String,
    },
    /// Pass over a step or an action of a rollback.
    Skip {
        /// What.
        target: Target,
        /// Why.
        reason: Option<String>,
    },
    /// Stop what runs.
    Stop {
        /// At once, rather than politely.
        hard: bool,
    },
    /// Enough was seen of what runs; it may be stopped now, and that is its success.
    Enough {
        /// What runs, as seen by whoever says it.
        target: Target,
    },
    /// Make the window longer.
    ExtendWindow {
        /// By how much.
        by: Duration,
        /// Why.
        reason: String,
    },
    /// Go on although the window is over.
    Overrun {
        /// Why.
        reason: String,
        /// Nobody is there to be asked.
        by_policy: bool,
    },
    /// Leave a note.
    Note {
        /// The step it is about.
        step: Option<StepId>,
        /// What it says.
        text: String,
    },
    /// The question of a drill about a step is answered.
    Quiz {
        /// The step.
        step: StepId,
        /// The choice, as the playbook has it.
        choice: String,
    },
    /// Something is done beside the walk.
    Aside(Aside),
    /// Hand a secret out, to be copied.
    CopySecret {
        /// Its name.
        name: Name,
    },
    /// Begin a rollback.
    Rollback {
        /// The last step to be undone; everything when left out.
        to: Option<StepId>,
        /// Not a person at the screen but `--on-failure rollback` or `rollback --unattended` says so.
        by_policy: bool,
    },
    /// Carry out the next action of the rollback, or carry it out again.
    Undo {
        /// The action, as seen by whoever says it; another one is refused.
        target: Target,
    },
    /// An item of a step's evidence is given.
    Evidence {
        /// The step, as seen by whoever says it; another one is refused.
        step: StepId,
        /// The item, from 1.
        item: u32,
        /// What is given; a file is kept by now.
        evidence: Evidence,
    },
    /// An item of a step's evidence is passed over.
    EvidenceMissing {
        /// The step.
        step: StepId,
        /// The item, from 1.
        item: u32,
        /// Why.
        reason: Option<String>,
    },
    /// A line of some instructions is ticked, or unticked.
    Tick {
        /// Whose instructions.
        target: Target,
        /// The line among those to tick, from 1.
        item: u32,
        /// It is ticked from now on.
        ticked: bool,
    },
    /// What stayed to be done after the run was done.
    FollowUp {
        /// The item of the playbook's `follow_up`, from 1.
        item: u32,
        /// Who says so.
        operator: String,
        /// What there is to say of it.
        note: Option<String>,
    },
    /// A role signs.
    SignOff {
        /// The step whose approval it is; none for the sign-off at the end.
        step: Option<StepId>,
        /// The role.
        role: String,
        /// The name as typed.
        name: String,
    },
    /// A role refuses to sign.
    RefuseSignOff {
        /// The step whose approval it is; none for the sign-off at the end.
        step: Option<StepId>,
        /// The role.
        role: String,
        /// The name as typed.
        name: String,
        /// Why.
        reason: String,
    },
    /// Somebody signed or refused to from a terminal of their own; what they signed with was checked.
    Sign(Box<Signing>),
    /// Files with secrets were removed, or could not be.
    TemporaryRemoved {
        /// Those that are gone.
        removed: Vec<String>,
        /// Those that are still there, with the reason.
        left: Vec<(String, String)>,
    },
    /// Go on in this process.
    Resume {
        /// Who goes on.
        operator: String,
        /// The account of the operating system.
        account: String,
        /// The machine.
        host: String,
        /// The version of the program.
        program: String,
    },
    /// Somebody came to act, or went.
    Presence(Presence),
    /// Stop the program; the run stays open.
    Pause {
        /// Why.
        why: String,
    },
    /// Give the run up for good.
    Abandon {
        /// Why.
        reason: String,
    },
}

/// What somebody says who signs, or refuses to, from a terminal of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// The step whose approval it is; none for the sign-off at the end.
    pub step: Option<StepId>,
    /// The role.
    pub role: String,
    /// Their name.
    pub name: String,
    /// Why they refuse; none where they sign.
    pub refused: Option<String>,
    /// The account of the operating system.
    pub account: String,
    /// The machine.
    pub host: String,
    /// The signature, checked; none where a name was typed.
    pub signature: Option<Box<Signature>>,
}
