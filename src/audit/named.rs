//! The files that records name: which there must be, what they held, and which there may be.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::undo::{self, UndoAction};
use crate::engine::{Evidence, How, Outcome, Record, SavedFile, Target, Written};
use crate::playbook::plan::{Act, Plan};

/// What a journal says of the files beside it.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    /// The transcripts, by name.
    pub(super) transcripts: BTreeMap<String, Transcript>,
    /// The sealed copies, by name.
    pub(super) copies: BTreeMap<String, Copy>,
    /// The attachments, by name.
    pub(super) evidence: BTreeMap<String, Attachment>,
    /// What the names of copies begin with that a program that died may have made.
    pub(super) stems: BTreeSet<String>,
}

/// A transcript that a record speaks of.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript {
    /// What it held, each time that this is on record; the last is all of it.
    pub(super) held: Vec<Written>,
    /// The number of the record by which it must be there, whatever it holds.
    pub(super) by: Option<u64>,
}

/// A file that was given as evidence.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    /// The number of the record that speaks of it.
    pub(super) by: u64,
    /// What it held when it was kept.
    pub(super) held: Written,
}

/// A sealed copy that a record speaks of.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    /// The number of that record.
    pub(super) by: u64,
    /// The file that it is a copy of.
    pub(super) of: String,
    /// How long that file was, in bytes; none for a copy of something else.
    pub(super) size: Option<u64>,
    /// The SHA-256 of the sealed bytes; none in journals of earlier versions.
    pub(super) sha256: Option<String>,
}

impl Named {
    /// Takes in what a record says of files.
    pub(super) fn hear(&mut self, seq: u64, record: &Record, plan: Option<&Plan>) {
        match record {
            Record::Started { target, attempt, .. } => {
                self.transcripts.entry(target.transcript(*attempt)).or_default();
                self.stems.insert(format!("{}.{attempt}.", target.stem()));
            }
            Record::Performed { target, attempt, outcome } => {
                let entry = self.transcripts.entry(target.transcript(*attempt)).or_default();
                entry.held.extend(outcome.transcript.clone());
                let must = outcome.transcript.is_some() || outcome.how == How::Ok && runs(plan, target);
                entry.by = must.then_some(seq);
            }
            Record::Recovered { target, attempt, outcome } => {
                // It was written anew.
                let entry = self.transcripts.entry(target.transcript(*attempt)).or_default();
                if outcome.transcript.is_some() {
                    entry.held = outcome.transcript.clone().into_iter().collect();
                    entry.by = Some(seq);
                }
            }
            Record::Recaptured { step, outcome } => self.recaptured(seq, &Target::step(step), outcome),
            Record::RecaptureStarted { step } => {
                self.transcripts.entry(recapture(&Target::step(step))).or_default();
            }
            Record::EvidenceGiven { evidence, .. } => self.given(seq, evidence),
            Record::Saved { files, .. } => files.iter().for_each(|file| self.saved(seq, file)),
            _ => {} // whatever else is on record, it speaks of no file
        }
    }

    fn recaptured(&mut self, seq: u64, target: &Target, outcome: &Outcome) {
        let entry = self.transcripts.entry(recapture(target)).or_default();
        entry.held.extend(outcome.transcript.clone());
        entry.by = entry.by.or(outcome.transcript.as_ref().map(|_| seq));
    }

    fn given(&mut self, seq: u64, evidence: &Evidence) {
        match evidence {
            Evidence::File { kept, sha256, size, name: _ } => {
                let held = Written { size: *size, sha256: sha256.clone() };
                self.evidence.insert(kept.clone(), Attachment { by: seq, held });
            }
            Evidence::Output { transcript, sha256, size } => {
                let entry = self.transcripts.entry(transcript.clone()).or_default();
                entry.held.push(Written { size: *size, sha256: sha256.clone() });
                entry.by = entry.by.or(Some(seq));
            }
            Evidence::Text { .. } | Evidence::Fingerprint { .. } => {}
        }
    }

    fn saved(&mut self, seq: u64, file: &SavedFile) {
        let copies =
            [(&file.copy, Some(file.size), &file.sealed_sha256), (&file.attributes, None, &file.attributes_sha256)];
        for (name, size, sha256) in copies {
            if let Some(name) = name {
                let copy = Copy { by: seq, of: file.path.clone(), size, sha256: sha256.clone() };
                self.copies.insert(name.clone(), copy);
            }
        }
    }
}

/// The name of the transcript of fetching a step's captures again.
fn recapture(target: &Target) -> String {
    format!("{}.recapture.log", target.stem())
}

/// Says whether a target runs a command, so that it has a transcript.
fn runs(plan: Option<&Plan>, target: &Target) -> bool {
    let Some(plan) = plan else { return false };
    let act = match target.undo {
        None => plan.step(&target.step).map(|step| &step.action.act),
        Some(_) => match undo::action(plan, target) {
            Some(UndoAction::Author(action)) => Some(&action.act),
            Some(UndoAction::Restore) | None => None,
        },
    };
    matches!(act, Some(Act::Run(_)))
}
