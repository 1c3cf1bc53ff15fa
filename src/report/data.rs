//! What a report says, as data: the one thing that all its formats are written from, and itself the JSON.
//!
//! Its fields are a format that others read: one is added, never renamed or given another meaning, and
//! `assets/report.schema.json` says the same. Times are RFC 3339 in UTC, lengths are whole milliseconds. Texts are as they
//! were recorded, masked then; making them fit for a page is for the format. What must stay true: a secret is here by name
//! and fingerprint only.

use jiff::Timestamp;
use serde::Serialize;

use crate::engine::DeviationKind;

/// The version of this format.
pub const FORMAT: u32 = 1;

/// The report of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this format: 1.
    pub format: u32,
    /// What the drill was called, where the run was one: nothing in it is real.
    pub drill: Option<String>,
    /// The making of the report itself.
    pub made: Made,
    /// What ran, for whom, where and when.
    pub run: RunFacts,
    /// Whether it is fine, in a word, a sentence and the reasons.
    pub assessment: Assessment,
    /// How many steps came to what.
    pub counts: Counts,
    /// The change window, where one was planned.
    pub window: Option<Window>,
    /// How the service was exposed, in the order in which it began.
    pub exposures: Vec<Exposed>,
    /// How the time was spent.
    pub totals: Totals,
    /// The values that it began with.
    pub inputs: Vec<Value>,
    /// The steps, phase by phase.
    pub sections: Vec<Section>,
    /// The rollbacks, in order.
    pub rollbacks: Vec<Rollback>,
    /// What happened when.
    pub timeline: Timeline,
    /// What was measured before and compared after.
    pub baselines: Vec<Baseline>,
    /// The secrets, by fingerprint.
    pub secrets: Vec<SecretFacts>,
    /// The secrets that were handed to a clipboard.
    pub copied: Vec<Moment>,
    /// What did not go as the playbook says; of very many the first and the last.
    pub deviations: Vec<Deviation>,
    /// How many of those are left out in between.
    pub deviations_left_out: u64,
    /// Notes.
    pub notes: Vec<Note>,
    /// Who came to the screen that acts, who went, who went on with the run.
    pub presence: Vec<Moment>,
    /// Who signed, who refused, who is missing.
    pub sign_offs: Vec<SignOff>,
    /// What stays to be done after the run.
    pub follow_ups: Vec<FollowUp>,
    /// Files with secrets that are still there.
    pub left_behind: Vec<Left>,
    /// The programs and servers, with their versions as they were seen.
    pub tools: Vec<Tool>,
    /// The journal that it was made from.
    pub journal: Journal,
    /// What this record proves and what not.
    pub proof: Proof,
}

/// The making of a report.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// When.
    pub at: Timestamp,
    /// By which version of the program.
    pub program: String,
}

/// What ran, for whom, where and when.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunFacts {
    /// The run's id, a ULID; empty where the run has not begun.
    pub id: String,
    /// The playbook's title.
    pub title: String,
    /// The playbook's summary.
    pub summary: Option<String>,
    /// The playbook's path.
    pub playbook: String,
    /// The playbook's version.
    pub version: Option<String>,
    /// SHA-256 of the playbook's text, in small hex.
    pub sha256: String,
    /// The same of each playbook that it includes, by path.
    pub included: std::collections::BTreeMap<String, String>,
    /// Who began it.
    pub operator: String,
    /// The account of the operating system.
    pub account: String,
    /// The machine.
    pub host: String,
    /// The change ticket.
    pub ticket: Option<String>,
    /// The version of the program that began it.
    pub program: String,
    /// Whether it was a protected run, confirmed by typing.
    pub protected: bool,
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// When the first step that changes something started.
    pub first_change_at: Option<Timestamp>,
    /// When it was closed; none while it is open.
    pub ended_at: Option<Timestamp>,
    /// `open`, `completed`, `rolled back` or `abandoned`.
    pub state: &'static str,
    /// What it waits for, while it is open.
    pub awaiting: Option<String>,
    /// Why the program stopped, where it did and the run is open.
    pub stopped: Option<String>,
    /// What it has come to, in a sentence.
    pub outcome: String,
}

/// Whether a run is fine.
#[derive(Clone, Debug, Serialize)]
pub struct Assessment {
    /// In a word.
    pub level: Level,
    /// In a sentence.
    pub sentence: String,
    /// Why it is not simply fine.
    pub reasons: Vec<String>,
}

/// Whether a run is fine, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It was completed, and nothing needs a look.
    Fine,
    /// It came to an end that was planned for, and something needs a look.
    Look,
    /// Something is not as it should be.
    Wrong,
    /// It is not over.
    Open,
}

/// How many steps came to what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All that take part in the run.
    pub steps: u32,
    /// Done, and what they verify holds.
    pub done: u32,
    /// Done, with a warning.
    pub warned: u32,
    /// Failed.
    pub failed: u32,
    /// Started, and their end was not seen.
    pub unknown: u32,
    /// Passed over.
    pub skipped: u32,
    /// Undone.
    pub rolled_back: u32,
    /// Could not be undone.
    pub rollback_failed: u32,
    /// Not come to rest: not begun, or at work.
    pub pending: u32,
    /// Left out by `when`; not among `steps`.
    pub left_out: u32,
}

/// The change window.
#[derive(Clone, Debug, Serialize)]
pub struct Window {
    /// Its planned length.
    pub planned_ms: u64,
    /// By how much it was extended in all.
    pub extended_ms: u64,
    /// From when it counts: the first step that changes something.
    pub from: Option<Timestamp>,
    /// Until when it went, extensions included.
    pub until: Option<Timestamp>,
    /// When the last of the work was done.
    pub work_ended: Option<Timestamp>,
    /// How much of it the work took; until the last record while the run is open.
    pub used_ms: Option<u64>,
    /// By how much the work went over it; 0 when it fitted.
    pub over_ms: Option<u64>,
    /// What was said of it: extensions, and why work went on after its end.
    pub said: Vec<Moment>,
}

/// The service was exposed: from the start of a step that cannot be undone until its verification passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exposed {
    /// The step.
    pub step: String,
    /// From when.
    pub from: Timestamp,
    /// Until when; none while it goes on.
    pub until: Option<Timestamp>,
    /// It ended because what the step verifies held, and not only because the run was closed.
    pub verified: bool,
}

/// How the time was spent, in milliseconds. Exposure and rollback lie over the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// From the first record to the last.
    pub whole_ms: u64,
    /// Commands, edits and waits ran.
    pub step_ms: u64,
    /// Probes were asked.
    pub verification_ms: u64,
    /// Somebody was waited for.
    pub waiting_ms: u64,
    /// The program had stopped.
    pub paused_ms: u64,
    /// A rollback went on.
    pub rollback_ms: u64,
    /// The service was exposed: from an irreversible step until its verification passed.
    pub exposure_ms: u64,
}

/// A value that is no secret, or a secret by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// The value; none of a secret.
    pub value: Option<String>,
}

/// A phase, or another part of the playbook.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// What it is called.
    pub title: String,
    /// Its steps.
    pub steps: Vec<StepFacts>,
}

/// What became of a step.
#[derive(Clone, Debug, Serialize)]
pub struct StepFacts {
    /// Its place in the walk, from 1.
    pub number: u32,
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it does: `run`, `person`, `approval`, `generate`, `edit`, `snapshot`, `verify` or `wait`.
    pub kind: &'static str,
    /// Whether it changes something.
    pub changes: bool,
    /// Why it cannot be undone.
    pub irreversible: Option<String>,
    /// Why it is done; Markdown.
    pub why: Option<String>,
    /// Where it stands, in the words of `runsheet show`.
    pub state: &'static str,
    /// Whether a person did it by hand in place of the program.
    pub by_hand: bool,
    /// What was shown of it: the command, what it got, how it is verified and undone.
    pub shown: Vec<Shown>,
    /// How long it should take.
    pub estimate_ms: Option<u64>,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it last came to rest.
    pub ended_at: Option<Timestamp>,
    /// From the one to the other.
    pub took_ms: Option<u64>,
    /// How often it was started.
    pub starts: u32,
    /// Its attempts; of many the first and the last.
    pub attempts: Vec<Attempt>,
    /// What its probes last answered.
    pub checks: Vec<Check>,
    /// The values that it brought, and the names of the secrets.
    pub values: Vec<Value>,
    /// The files that it changed or kept a copy of.
    pub files: Vec<String>,
    /// What the operator said: of a step done by hand, or why it was skipped.
    pub note: Option<String>,
    /// Why it was started although later steps would be refused.
    pub despite: Option<String>,
    /// What was to be kept as proof of it, and was, or was not.
    pub evidence: Vec<EvidenceFacts>,
    /// The end of its output.
    pub output: Option<Output>,
}

/// An item of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvidenceFacts {
    /// Its number, from 1.
    pub item: u32,
    /// What is wanted, or the question.
    pub what: String,
    /// It may be passed over without a reason.
    pub optional: bool,
    /// `given`, `passed over` or `open`.
    pub state: &'static str,
    /// When it was given or passed over.
    pub at: Option<Timestamp>,
    /// What was given, in a line.
    pub text: Option<String>,
    /// The name of the kept file in the run's `evidence/`, or of the transcript.
    pub file: Option<String>,
    /// The SHA-256 of that file, in small hex.
    pub sha256: Option<String>,
    /// Why it was passed over.
    pub reason: Option<String>,
}

/// Something that was shown of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// A word or two.
    pub label: &'static str,
    /// What there is to say; may have several lines.
    pub text: String,
    /// It is a command, to the letter.
    pub code: bool,
}

/// One start of a step, or of an action of a rollback.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// The playbook's `retry` started it, not a person.
    pub retry: bool,
    /// When it started.
    pub started_at: Timestamp,
    /// When its act came to its end; none where that was not seen.
    pub ended_at: Option<Timestamp>,
    /// How its act came out.
    pub outcome: Option<Outcome>,
}

/// How an act came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// In words: `done`, `failed`, `took too long and was stopped` and so on.
    pub how: &'static str,
    /// Whether it did what it should.
    pub ok: bool,
    /// What was seen.
    pub saw: String,
    /// The exit status, where a command ended by itself.
    pub exit: Option<i32>,
    /// How long it took.
    pub took_ms: u64,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was asked.
    pub title: String,
    /// `verified`, `warning` or `not verified`.
    pub result: &'static str,
    /// What kind of answer it was: `holds`, `differs`, `denied` and so on.
    pub finding: &'static str,
    /// What was seen.
    pub saw: String,
    /// How often it was asked.
    pub attempts: u32,
    /// From the first question to the last answer.
    pub took_ms: u64,
}

/// A piece of a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The transcript's name in the run's folder.
    pub transcript: String,
    /// Its last lines.
    pub text: String,
    /// How many bytes of it stand before those.
    pub left_out_bytes: u64,
}

/// A rollback.
#[derive(Clone, Debug, Serialize)]
pub struct Rollback {
    /// When it began.
    pub began_at: Timestamp,
    /// When its last action was over.
    pub ended_at: Option<Timestamp>,
    /// The last step to be undone; everything when none.
    pub to: Option<String>,
    /// The playbook or the command line began it, not a person at the screen.
    pub by_policy: bool,
    /// How many actions failed or were skipped; none while it goes on.
    pub failed: Option<u32>,
    /// The steps that can neither be undone nor have a way forward.
    pub stuck: Vec<String>,
    /// Its actions, in order.
    pub actions: Vec<UndoFacts>,
}

/// What became of an action of a rollback.
#[derive(Clone, Debug, Serialize)]
pub struct UndoFacts {
    /// The step that it undoes.
    pub step: String,
    /// Its number in the undo of that step, from 1.
    pub number: u32,
    /// What it does.
    pub what: String,
    /// Where it stands, in the words of a step.
    pub state: &'static str,
    /// When it was last started.
    pub started_at: Option<Timestamp>,
    /// When it last came to rest.
    pub ended_at: Option<Timestamp>,
    /// How often it was started.
    pub starts: u32,
    /// How its act last came out.
    pub outcome: Option<Outcome>,
    /// What its probes last answered.
    pub checks: Vec<Check>,
    /// What the operator said.
    pub note: Option<String>,
}

/// What happened when.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Timeline {
    /// The first record's time.
    pub from: Option<Timestamp>,
    /// The last record's time.
    pub to: Option<Timestamp>,
    /// Stretches of time, in the order of their beginning; of very many the first and the last.
    pub events: Vec<Event>,
    /// How many are left out in between.
    pub left_out: u64,
}

/// A stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// From when.
    pub from: Timestamp,
    /// Until when; none where it goes on.
    pub to: Option<Timestamp>,
    /// What sort it is.
    pub kind: EventKind,
    /// The step.
    pub step: Option<String>,
    /// The number of the action of the step's undo, from 1.
    pub undo: Option<u32>,
    /// What it was, in words.
    pub what: String,
}

/// The sort of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A command, an edit or a wait ran.
    Step,
    /// Probes were asked.
    Verification,
    /// Somebody was waited for.
    Waiting,
    /// The program had stopped, and the run stood.
    Paused,
    /// A rollback went on.
    Rollback,
    /// The service was exposed.
    Exposure,
}

/// Something that was compared with what was measured before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Baseline {
    /// The step that compared.
    pub step: String,
    /// What was compared.
    pub what: String,
    /// What it had to be, with the value of before.
    pub before: String,
    /// What was seen.
    pub after: String,
    /// `verified`, `warning` or `not verified`.
    pub result: &'static str,
}

/// A secret, as far as it can be told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretFacts {
    /// Its name.
    pub name: String,
    /// The fingerprint of its value at the end.
    pub fingerprint: String,
    /// Those of its earlier values, the latest first.
    pub was: Vec<String>,
    /// The other names of the same value.
    pub same_as: Vec<String>,
}

/// Something that was so at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// Something that did not go as the playbook says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// When.
    pub at: Timestamp,
    /// The step; none where it is about the whole run.
    pub step: Option<String>,
    /// The action of its rollback, from 1; none for the step itself.
    pub undo: Option<u32>,
    /// What sort it is.
    pub kind: DeviationKind,
    /// Why, as somebody said, or as it had come to.
    pub reason: String,
    /// All of it in a line.
    pub text: String,
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// The step it is about.
    pub step: Option<String>,
    /// What it says.
    pub text: String,
}

/// A sign-off, or one that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignOff {
    /// The step whose approval it is; none for the sign-off at the end.
    pub step: Option<String>,
    /// The role.
    pub role: String,
    /// `signed`, `refused` or `missing`.
    pub decision: &'static str,
    /// The name; none where nobody signed.
    pub name: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// The account of the operating system that it was given from, where that was not the screen that acts.
    pub account: Option<String>,
    /// The machine, likewise.
    pub host: Option<String>,
    /// How far it proves who signed, in words.
    pub proof: Option<String>,
    /// The signature; none where only a name was typed.
    pub signature: Option<SignatureFacts>,
}

/// A signature with a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignatureFacts {
    /// The key's fingerprint.
    pub key: String,
    /// The name under which the key stood among the allowed signers when it was taken.
    pub principal: Option<String>,
    /// The hash of the last line of the journal that the signer had seen.
    pub head: String,
    /// The signature itself, as `ssh-keygen` writes it.
    pub armored: String,
    /// What came of checking it when the report was made.
    pub checked: Checked,
    /// Why it is not good.
    pub why: Option<String>,
}

/// What came of checking a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// It was made for this, by a key that is believed, or that nobody says anything about.
    Good,
    /// It was made for this, by a key that is not believed here.
    NotBelieved,
    /// It was not made for this.
    Bad,
    /// It could not be checked.
    NotChecked,
}

/// Something that stays to be done after the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FollowUp {
    /// Its number, from 1.
    pub number: u32,
    /// What.
    pub title: String,
    /// By how long after the end.
    pub within_ms: Option<u64>,
    /// By when, once the run is over.
    pub due: Option<Timestamp>,
    /// Whether it was done, as somebody said.
    pub done: Option<Moment>,
}

/// A file with secrets that is still there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The file.
    pub file: String,
    /// Why it could not be removed.
    pub why: String,
}

/// A program or a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tool {
    /// What it is, with its version as it was seen.
    pub what: String,
    /// By what it was seen: the step, or the run itself.
    pub seen: String,
}

/// The journal that a report was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Journal {
    /// How many records it has.
    pub records: u64,
    /// The SHA-256 of its last line, in small hex.
    pub head: String,
}

/// What a record proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// What it does.
    pub proves: Vec<String>,
    /// What it does not.
    pub does_not: Vec<String>,
}
