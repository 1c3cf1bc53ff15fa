//! Evidence of a step: what was given, what is still owed, and what follows from that.
//!
//! A step whose act is done and whose probes hold does not count as done before each item of its `evidence` was given or
//! passed over; until then it waits. What a person gives comes in as an input; a fingerprint is recorded by itself, and of an
//! output the executor says which transcript it is. Pure. What must stay true: items are given in the order of the playbook,
//! each once for a start of the step; and a journal of before there was evidence is none that owes any.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::record::{Record, Stamped, Target};
use super::refusal::Refusal;
use super::run::{Busy, Run, Stage, StepRun, StepState};
use crate::playbook::plan::{EvidenceSpec, Name, Plan, Step, StepId, Want};

/// What was kept as proof. It holds no secret: a text was masked, a file was searched before it was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// What a person wrote.
    Text {
        /// The text, masked.
        text: String,
    },
    /// A file that a person named, copied into the run.
    File {
        /// The path that was named, absolute.
        name: String,
        /// The copy's name in the run's `evidence/`.
        kept: String,
        /// SHA-256 of the copy, in small hex.
        sha256: String,
        /// Its length in bytes.
        size: u64,
    },
    /// Which value a secret had, under the run's own key.
    Fingerprint {
        /// The secret's name.
        name: Name,
        /// Its fingerprint.
        fingerprint: String,
    },
    /// What the step's command printed, masked.
    Output {
        /// The transcript's name in the run's `transcript/`.
        transcript: String,
        /// SHA-256 of the transcript as it was when the step was done, in small hex.
        sha256: String,
        /// Its length in bytes.
        size: u64,
    },
}

/// What became of one item of a step's evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// When it was given, or passed over.
    pub at: Timestamp,
    /// The item, from 1, in the order of the playbook.
    pub item: u32,
    /// What was given; none where it was passed over.
    pub evidence: Option<Evidence>,
    /// Why it was passed over, where that was said.
    pub reason: Option<String>,
}

impl StepRun {
    /// Returns the item of evidence that is asked for next, from 1; none where nothing is owed now.
    #[must_use]
    pub fn owes(&self) -> Option<u32> {
        self.rests.map(|_| self.next_item())
    }

    fn next_item(&self) -> u32 {
        u32::try_from(self.evidence.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Forgets what was given and ticked: the step starts anew.
    pub(super) fn ask_anew(&mut self) {
        self.rests = None;
        self.evidence.clear();
        self.ticks.clear();
    }
}

impl Run {
    /// Returns the step that waits for evidence, the item from 1, and what is wanted.
    #[must_use]
    pub fn owed<'p>(&self, plan: &'p Plan) -> Option<(&'p Step, u32, &'p EvidenceSpec)> {
        let at = self.current_at()?;
        let (step, item) = (plan.steps.get(at)?, self.steps.get(at)?.owes()?);
        let spec = step.evidence.get(usize::try_from(item).ok()?.checked_sub(1)?)?;
        Some((step, item, spec))
    }

    /// Has a step that came to rest wait for its evidence, and has what the program itself gives fetched.
    pub(super) fn ask_for_evidence(&mut self, plan: &Plan, at: usize, since: Timestamp) {
        if !matches!(self.stage, Stage::Walking | Stage::AfterRollback) {
            return;
        }
        let (Some(step), Some(state)) = (plan.steps.get(at), self.steps.get_mut(at)) else { return };
        if matches!(state.state, StepState::Done | StepState::Warned) && state.evidence.len() < step.evidence.len() {
            state.rests = Some(state.state);
            state.state = StepState::Waiting;
        }
        let output = state.owes().and_then(|_| step.evidence.get(state.evidence.len()));
        if output.is_some_and(|spec| spec.want == Want::Output) && self.busy.is_none() {
            let target = Target::step(&step.id);
            self.busy = Some(Busy { target, since, probing: false, saving: false, looking: false, stopping: false });
        }
    }

    /// Lets a step go that waits for evidence where the record shows that nobody asked for any: what is written went on.
    pub(super) fn let_go_of_evidence(&mut self, plan: &Plan, record: &Record) {
        let Some(at) = self.current_at() else { return };
        let id = plan.steps.get(at).map(|step| &step.id);
        let goes_on = match record {
            Record::Started { target, .. } => target.undo.is_none() && Some(&target.step) != id,
            Record::LeftOut { step } | Record::LookAhead { step } => Some(step) != id,
            Record::ByHand { target, .. } | Record::Skipped { target, .. } => Some(&target.step) != id,
            Record::RollbackBegun { .. } | Record::SignedOff { .. } => true,
            Record::Closing { end, .. } => *end == super::record::End::Completed,
            // Whatever else is on record, the walk stands where it stood.
            _ => false,
        };
        let Some(state) = self.steps.get_mut(at).filter(|_| goes_on) else { return };
        if let Some(rests) = state.rests.take() {
            state.state = rests;
            self.busy = None;
            self.advance_over();
        }
    }

    /// Takes in what was given, or that it was passed over.
    pub(super) fn proved(&mut self, plan: &Plan, step: &StepId, proof: Proof) {
        let Some(&at) = plan.index.get(step) else { return };
        let (Some(spec), Some(state)) = (plan.steps.get(at), self.steps.get_mut(at)) else { return };
        state.evidence.push(proof);
        if state.evidence.len() >= spec.evidence.len()
            && let Some(rests) = state.rests.take()
        {
            state.state = rests;
        }
        if self.busy.as_ref().is_some_and(|busy| busy.target == Target::step(step) && !busy.probing) {
            self.busy = None;
        }
    }
}

/// Judges an item of evidence that is offered.
pub(super) fn given(plan: &Plan, run: &Run, step: StepId, item: u32, evidence: Evidence) -> Result<Record, Refusal> {
    let spec = asked(plan, run, &step, item)?;
    let not = |why: &str| Err(Refusal::NoEvidence { step: step.clone(), item, why: why.to_owned() });
    match (&spec.want, &evidence) {
        (Want::Text, Evidence::Text { text }) if text.trim().is_empty() => not("there is no text"),
        (Want::Text, Evidence::Text { .. })
        | (Want::File, Evidence::File { .. })
        | (Want::Output, Evidence::Output { .. })
        | (Want::Fingerprint(_), Evidence::Fingerprint { .. }) => Ok(Record::EvidenceGiven { step, item, evidence }),
        (Want::Text, _) => not("a text is wanted"),
        (Want::File, _) => not("a file is wanted"),
        (Want::Output | Want::Fingerprint(_), _) => not("the program itself gives it"),
    }
}

/// Judges that an item is passed over.
pub(super) fn missing(
    plan: &Plan,
    run: &Run,
    step: StepId,
    item: u32,
    reason: Option<String>,
) -> Result<Record, Refusal> {
    let spec = asked(plan, run, &step, item)?;
    let reason = reason.filter(|reason| !reason.trim().is_empty());
    if reason.is_none() && !spec.optional {
        return Err(Refusal::NeedsReason);
    }
    Ok(Record::EvidenceMissing { step, item, reason })
}

fn asked<'p>(plan: &'p Plan, run: &Run, step: &StepId, item: u32) -> Result<&'p EvidenceSpec, Refusal> {
    match run.owed(plan) {
        Some((of, next, spec)) if of.id == *step && next == item => Ok(spec),
        Some((of, ..)) if of.id != *step => {
            Err(Refusal::NotCurrent { step: step.clone(), current: Some(of.id.clone()) })
        }
        Some(_) | None => Err(Refusal::NotNow { what: "give evidence".into() }),
    }
}

/// Finds the record of evidence that needs nobody's word: a fingerprint that is known, or that there is none.
pub(super) fn follow(plan: &Plan, run: &Run) -> Option<Record> {
    let (step, item, spec) = run.owed(plan)?;
    let Want::Fingerprint(name) = &spec.want else { return None };
    let (step, known) = (step.id.clone(), run.fingerprints.get(name).and_then(|known| known.last()));
    Some(match known {
        Some(fingerprint) => {
            let evidence = Evidence::Fingerprint { name: name.clone(), fingerprint: fingerprint.clone() };
            Record::EvidenceGiven { step, item, evidence }
        }
        None => {
            Record::EvidenceMissing { step, item, reason: Some(format!("there is no value of {name} in this run")) }
        }
    })
}

/// Returns the effect that fetches what the program itself gives, where a record made that the next thing.
pub(super) fn effect(plan: &Plan, run: &Run, record: &Record) -> Option<Effect> {
    let leads = matches!(
        record,
        Record::Performed { .. }
            | Record::Probed { .. }
            | Record::Answered { .. }
            | Record::ByHand { .. }
            | Record::Saved { .. }
            | Record::Recaptured { .. }
            | Record::SignedOff { .. }
            | Record::EvidenceGiven { .. }
            | Record::EvidenceMissing { .. }
            | Record::Resumed { .. }
    );
    let (step, item, spec) = run.owed(plan).filter(|_| leads)?;
    let state = run.step(plan, &step.id)?;
    // Done by hand, the step has no output of its own; an earlier attempt's proves nothing.
    let attempt = Some(state.attempts).filter(|_| !state.by_hand);
    (spec.want == Want::Output).then(|| Effect::KeepOutput { step: step.id.clone(), attempt, item })
}

/// Makes the proof that a record tells of.
pub(super) fn proof(stamped: &Stamped) -> Option<(&StepId, Proof)> {
    let at = stamped.at;
    match &stamped.record {
        Record::EvidenceGiven { step, item, evidence } => {
            Some((step, Proof { at, item: *item, evidence: Some(evidence.clone()), reason: None }))
        }
        Record::EvidenceMissing { step, item, reason } => {
            Some((step, Proof { at, item: *item, evidence: None, reason: reason.clone() }))
        }
        // No other record tells of evidence.
        _ => None,
    }
}
