//! Facts: what was decided and what came of it, each written down before anything follows from it.
//!
//! A run is the fold of its records ([`Run::apply`](super::Run::apply)). A record holds no secret: captures and answers
//! that are secrets stand here by name only, their values are in the vault. Every text from outside was masked before it
//! came here. A change of a variant's fields is a change of the journal's format.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::aside::Part;
use super::evidence::Evidence;
use crate::playbook::plan::{Name, StepId};

/// A step, or one action of its rollback.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The step.
    pub step: StepId,
    /// The number of the action in the step's undo, from 1; none for the step itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<u32>,
}

impl Target {
    /// Names a step itself.
    #[must_use]
    pub fn step(step: &StepId) -> Self {
        Self { step: step.clone(), undo: None }
    }

    /// Names an action of a step's undo, from 1.
    #[must_use]
    pub fn undo(step: &StepId, action: u32) -> Self {
        Self { step: step.clone(), undo: Some(action) }
    }

    /// Names it in file names: `step`, or `step.undo-2`. A step of an included playbook has a `.` for its `/`.
    #[must_use]
    pub fn stem(&self) -> String {
        let step = self.step.as_str().replace('/', ".");
        match self.undo {
            Some(number) => format!("{step}.undo-{number}"),
            None => step,
        }
    }

    /// Names the transcript of an attempt.
    #[must_use]
    pub fn transcript(&self, attempt: u32) -> String {
        format!("{}.{attempt}.log", self.stem())
    }
}

/// A record with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// When it was decided; UTC.
    pub at: Timestamp,
    /// What.
    pub record: Record,
}

/// A fact of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The run began with these values.
    Begun(Box<Begun>),
    /// `when` leaves a step out.
    LeftOut {
        /// The step.
        step: StepId,
    },
    /// An effect is about to start. Nothing has happened yet.
    Started {
        /// What starts.
        target: Target,
        /// The attempt, from 1.
        attempt: u32,
        /// The playbook's `retry` starts it, not a person.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        retry: bool,
        /// Why it starts although later steps would be refused, where an operator said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        despite: Option<String>,
    },
    /// The later steps are about to be tried before an irreversible one starts, of which nothing has happened yet.
    LookAhead {
        /// The irreversible step.
        step: StepId,
    },
    /// The later steps were tried.
    LookedAhead {
        /// The irreversible step.
        step: StepId,
        /// Those that would be refused.
        refused: Vec<Foreseen>,
    },
    /// Sealed copies of files are on disk, and where the logs stand that its probes will read; what changes them may start.
    Saved {
        /// Whose copies.
        target: Target,
        /// The files.
        files: Vec<SavedFile>,
        /// Where the logs stand.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        logs: Vec<LogMark>,
    },
    /// A command, an edit or a wait came to an end.
    Performed {
        /// What ended.
        target: Target,
        /// The attempt, from 1.
        attempt: u32,
        /// What came of it.
        outcome: Outcome,
    },
    /// The same captures were fetched again for a step whose outcome was unknown.
    Recaptured {
        /// The step.
        step: StepId,
        /// What came of it.
        outcome: Outcome,
    },
    /// What a command had printed that was out when the program died was kept, and what it was to capture was taken from
    /// that. Its end was not seen all the same.
    Recovered {
        /// What was out.
        target: Target,
        /// The attempt, from 1.
        attempt: u32,
        /// What came of it.
        outcome: Outcome,
    },
    /// A person said that it is done, or answered.
    Answered {
        /// What was answered.
        target: Target,
        /// The values that are no secrets.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        values: BTreeMap<Name, String>,
        /// The names of the secrets, which are in the vault.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        secrets: Vec<Name>,
        /// The fingerprints of those secrets, which say which are the same and nothing else.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        fingerprints: BTreeMap<Name, String>,
    },
    /// The probes were asked, and answered.
    Probed {
        /// Whose probes.
        target: Target,
        /// An answer for each, in the order of the playbook.
        verdicts: Vec<Verdict>,
    },
    /// The operator asks the probes again.
    VerifyAgain {
        /// Whose probes.
        target: Target,
    },
    /// The operator had the captures fetched again.
    RecaptureStarted {
        /// The step.
        step: StepId,
    },
    /// The operator did it by hand.
    ByHand {
        /// What was done.
        target: Target,
        /// What the operator says of it.
        note: String,
    },
    /// A step, or an action of a rollback, is passed over.
    Skipped {
        /// What is passed over.
        target: Target,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The playbook said so (`on_failure: continue`), not a person.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_playbook: bool,
    },
    /// The running command is to be stopped.
    StopAsked {
        /// What is stopped.
        target: Target,
        /// At once, rather than politely.
        hard: bool,
    },
    /// The operator has seen enough of a command that does not end by itself. It is to be stopped, which is its success.
    EnoughSeen {
        /// What is stopped.
        target: Target,
    },
    /// The window was made longer.
    WindowExtended {
        /// By how much, in milliseconds.
        by_ms: u64,
        /// Why.
        reason: String,
    },
    /// The run goes on although the window is over.
    Overrun {
        /// Why.
        reason: String,
        /// Nobody was there to be asked.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_policy: bool,
    },
    /// A note.
    Note {
        /// The step it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepId>,
        /// What it says.
        text: String,
    },
    /// The operator asked for a secret in the clipboard: its value goes to the screen that asked, once this is written down.
    SecretCopied {
        /// Its name.
        name: Name,
    },
    /// A rollback begins.
    RollbackBegun {
        /// The last step to be undone; everything when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<StepId>,
        /// The playbook or the command line said so, not a person at the screen.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_policy: bool,
    },
    /// The last action of a rollback is over.
    RollbackEnded {
        /// How many actions failed or were skipped.
        failed: u32,
    },
    /// The run goes on in a new process.
    Resumed {
        /// Who goes on.
        operator: String,
        /// The account of the operating system.
        account: String,
        /// The machine.
        host: String,
        /// The version of the program.
        program: String,
    },
    /// The program stops and the run stays open.
    Paused {
        /// Why: the operator left, a signal, a failed step.
        why: String,
    },
    /// Somebody came to the screen that may act, or went from it. It changes nothing of the run.
    Presence(Presence),
    /// A role signed: by a typed name, which is recorded as typed and not as proven, or with a key.
    SignedOff {
        /// The step whose approval it is; none for the sign-off at the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepId>,
        /// The role.
        role: String,
        /// The name: as typed, or as it was signed.
        name: String,
        /// The account of the operating system that it was signed from, where that was not the screen that acts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<String>,
        /// The machine that it was signed on, likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
        /// The signature; none where only a name was typed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Box<Signature>>,
    },
    /// A role refused to sign.
    SignOffRefused {
        /// The step whose approval it is; none for the sign-off at the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepId>,
        /// The role.
        role: String,
        /// The name: as typed, or as it was signed.
        name: String,
        /// Why.
        reason: String,
        /// The account of the operating system that it was signed from, where that was not the screen that acts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<String>,
        /// The machine that it was signed on, likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
        /// The signature; none where only a name was typed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Box<Signature>>,
    },
    /// Nothing is left to be done but to clear up and close.
    Closing {
        /// How it will have ended.
        end: End,
        /// Why, where it was given up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The hint of a step was opened.
    HintShown {
        /// The step.
        step: StepId,
    },
    /// It was opened why a step is done.
    WhyShown {
        /// The step.
        step: StepId,
    },
    /// What a step printed, or what its probes answered, was looked at.
    Looked {
        /// The step.
        step: StepId,
        /// The part of it.
        at: Part,
    },
    /// The question of a drill about a step was answered.
    QuizAnswered {
        /// The step.
        step: StepId,
        /// The choice, as the playbook has it.
        choice: String,
        /// Whether it is the right one.
        right: bool,
    },
    /// One of the playbook's contacts was called, as the operator says.
    Called {
        /// The contact, as the playbook names it.
        contact: String,
    },
    /// Files with secrets were removed, or could not be.
    TemporaryRemoved {
        /// Those that are gone.
        removed: Vec<String>,
        /// Those that are still there, with the reason.
        left: Vec<(String, String)>,
    },
    /// The run is over and closed.
    Ended {
        /// How.
        end: End,
    },
    /// An item of a step's evidence was given.
    EvidenceGiven {
        /// The step.
        step: StepId,
        /// The item, from 1, in the order of the playbook.
        item: u32,
        /// What was given.
        evidence: Evidence,
    },
    /// An item of a step's evidence is passed over.
    EvidenceMissing {
        /// The step.
        step: StepId,
        /// The item, from 1.
        item: u32,
        /// Why; what is optional needs no reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A person ticked a line of some instructions, or unticked it.
    Ticked {
        /// Whose instructions.
        target: Target,
        /// The line among those to tick, from 1.
        item: u32,
        /// It is ticked from now on.
        ticked: bool,
    },
    /// What stayed to be done after a completed run was done. It may stand behind `Ended`.
    FollowedUp {
        /// The item of the playbook's `follow_up`, from 1.
        item: u32,
        /// Who says so.
        operator: String,
        /// What there is to say of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
}

/// What a key signed. The statement itself is made again from the record that this stands in and from what the run began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The key's fingerprint: `SHA256:…`.
    pub key: String,
    /// The name under which the key stood in `allowed_signers`; none where there was no such file, so that nobody knew
    /// whose key it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The hash of the last line of this journal that the signer had seen.
    pub head: String,
    /// The signature itself, as `ssh-keygen` writes it.
    pub armored: String,
}

/// Who may act, as screens come and go. Those who only watch are not recorded: they can change nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Somebody acts from now on; nobody did before.
    Attached {
        /// Who.
        operator: String,
        /// The account of the operating system.
        account: String,
        /// The machine.
        host: String,
    },
    /// Somebody acts from now on in place of somebody else, who only watches now.
    TakenOver {
        /// Who.
        operator: String,
        /// The account of the operating system.
        account: String,
        /// The machine.
        host: String,
        /// Who acted before.
        from: String,
    },
    /// Whoever acted is gone, and the run goes on without anybody.
    Detached {
        /// Who acted.
        operator: String,
        /// Why: left it running, a signal, the screen is gone.
        why: String,
    },
}

/// What a run began with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The version of the journal's format: 1.
    pub format: u32,
    /// The run's id, a ULID.
    pub run: String,
    /// The playbook's title.
    pub title: String,
    /// The playbook's path, absolute.
    pub playbook: String,
    /// The playbook's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of the playbook's text, in small hex.
    pub sha256: String,
    /// SHA-256 of the texts of the playbooks that it includes, by path from its folder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub included: BTreeMap<String, String>,
    /// Who runs it.
    pub operator: String,
    /// The account of the operating system.
    pub account: String,
    /// The machine.
    pub host: String,
    /// The change ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The version of the program.
    pub program: String,
    /// The inputs that are no secrets.
    pub values: BTreeMap<Name, String>,
    /// The names of the inputs that are secrets, which are in the vault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Name>,
    /// The fingerprints of those secrets, which say which are the same and nothing else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprints: BTreeMap<Name, String>,
    /// Whether the inputs make it a protected run.
    pub protected: bool,
    /// How long its steps took in earlier runs, so far as there were any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expected: BTreeMap<StepId, Expected>,
}

/// How long a step took in earlier runs of a playbook: the medians.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The program, the world and the probes, in milliseconds.
    pub work_ms: u64,
    /// The waiting for people, in milliseconds.
    pub people_ms: u64,
    /// How many runs that is known from.
    pub runs: u32,
}

/// A later step that would be refused as things stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreseen {
    /// The step.
    pub step: StepId,
    /// Why: a sentence, masked.
    pub why: String,
}

/// A sealed copy of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// The file's path, absolute, links followed.
    pub path: String,
    /// The copy's name in `snapshots/`; none where there was no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
    /// The file's mode bits.
    pub mode: u32,
    /// The owner's id.
    pub uid: u32,
    /// The group's id.
    pub gid: u32,
    /// Length in bytes.
    pub size: u64,
    /// The name in `snapshots/` of the copy of its extended attributes; none where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<String>,
    /// The symbolic links that led to it: where each stands, and what it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<(String, String)>,
    /// The SHA-256 of the sealed copy, in small hex; earlier versions did not write it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_sha256: Option<String>,
    /// The same of the sealed copy of its extended attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes_sha256: Option<String>,
}

/// What a file held that was written beside the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, in small hex.
    pub sha256: String,
}

/// Where a log stood when a step began: what stands in it behind that was written since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMark {
    /// The log's path, as the playbook has it, absolute.
    pub path: String,
    /// The device that the file was on; 0 where there was none.
    pub device: u64,
    /// The file's number on that device; 0 where there was none.
    pub inode: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// How a command, an edit or a wait came to an end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether it did what it should.
    pub how: How,
    /// One line for people: what was seen, or what went wrong. Masked.
    pub saw: String,
    /// The exit status, where a command ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// What ended a command that does not end by itself; none where it ended by itself or against what was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Seen>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What its transcript held when it ended; none where there is no transcript, or not a whole one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Written>,
    /// Captures that are no secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<Name, String>,
    /// The names of captured or generated secrets, which are in the vault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Name>,
    /// The fingerprints of those secrets, which say which are the same and nothing else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprints: BTreeMap<Name, String>,
}

/// What was seen when a command was stopped that does not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// A line of its output that the playbook waits for.
    Line,
    /// Enough, as the operator says.
    Enough,
}

/// Whether an effect did what it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It did.
    #[default]
    Ok,
    /// It did not.
    Failed,
    /// It took too long and was stopped.
    TimedOut,
    /// The operator stopped it.
    Stopped,
    /// It began elsewhere, and its end was not seen: the connection was lost.
    Lost,
}

/// What a probe found, in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What was asked, in words.
    pub title: String,
    /// What was found.
    pub finding: Finding,
    /// Whether that is as expected.
    pub pass: bool,
    /// A failure is only a warning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warn: bool,
    /// What was seen: versions, latency, the value that was wrong. Masked.
    pub saw: String,
    /// How often it was asked.
    pub attempts: u32,
    /// From the first question to the last answer, in milliseconds.
    pub took_ms: u64,
    /// Captures that are no secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<Name, String>,
    /// The names of captured secrets, which are in the vault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Name>,
    /// The fingerprints of those secrets, which say which are the same and nothing else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprints: BTreeMap<Name, String>,
}

/// What kind of answer a probe got. These are told apart everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It answered, and the answer is what was expected (a denial, where one was).
    Holds,
    /// It answered, and the answer is something else.
    Differs,
    /// It refused the credential.
    Denied,
    /// Nothing listens there.
    Refused,
    /// No way to it, or no answer in time.
    Unreachable,
    /// It answered something that is not understood: another protocol, a certificate that is not trusted.
    NotUnderstood,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The walk came to its end.
    Completed,
    /// Everything was undone.
    RolledBack,
    /// It was given up.
    Abandoned,
}
