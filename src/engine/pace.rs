//! How long the steps of a run took, read off its records alone, without its plan; and the medians of several runs.
//!
//! The time between two records belongs to what the later one tells: a result to the program's work, a word to a person. A run
//! that was left and taken up again had nobody in between, so that time belongs to nothing. What must stay true: the same
//! records give the same times, whatever the playbook has become since.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::record::{Expected, How, Record, Stamped, Target};
use crate::playbook::plan::StepId;

/// The times of a run, as far as its records were taken in.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    since: Option<Timestamp>,
    steps: BTreeMap<StepId, Spent>,
    /// The steps that did not go the usual way: skipped, done by hand, stopped.
    odd: BTreeSet<StepId>,
    back: bool,
}

/// How long a step took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spent {
    work: u64,
    people: u64,
}

/// Whose time it was.
enum Whose<'r> {
    /// The program's, at a step.
    Work(&'r StepId),
    /// A person's, at a step.
    People(&'r StepId),
    /// Nobody's, or that of a rollback.
    Nobody,
    /// The record says nothing of time; what goes on goes on.
    Through,
}

impl Pace {
    /// Takes in the next record of a run.
    pub fn take(&mut self, stamped: &Stamped) {
        self.notice(&stamped.record);
        let whose = whose(&stamped.record);
        if matches!(whose, Whose::Through) {
            return;
        }
        let gone = self.since.replace(stamped.at).map_or(0, |since| stamped.at.duration_since(since).as_millis());
        let gone = u64::try_from(gone).unwrap_or(0);
        let part = match whose {
            Whose::Work(step) => &mut self.steps.entry(step.clone()).or_default().work,
            Whose::People(step) => &mut self.steps.entry(step.clone()).or_default().people,
            Whose::Nobody | Whose::Through => return,
        };
        *part = part.saturating_add(gone);
    }

    /// Notes what did not go the usual way: such a time is not how long it takes.
    fn notice(&mut self, record: &Record) {
        let odd = match record {
            Record::Performed { target, outcome, .. } if matches!(outcome.how, How::Stopped | How::Lost) => target,
            Record::ByHand { target, .. } | Record::Skipped { target, .. } => target,
            Record::RollbackBegun { .. } => {
                self.back = true;
                return;
            }
            // Everything else is usual.
            _ => return,
        };
        self.odd.insert(odd.step.clone());
    }
}

fn whose(record: &Record) -> Whose<'_> {
    let of_step = |target: &'_ Target| target.undo.is_none();
    match record {
        Record::Performed { target, .. } | Record::Probed { target, .. } | Record::Saved { target, .. }
            if of_step(target) =>
        {
            Whose::Work(&target.step)
        }
        // The playbook's own retry waits before it starts again.
        Record::Started { target, retry: true, .. } if of_step(target) => Whose::Work(&target.step),
        Record::LookedAhead { step, .. } | Record::Recaptured { step, .. } => Whose::Work(step),
        Record::Started { target, .. }
        | Record::Answered { target, .. }
        | Record::VerifyAgain { target }
        | Record::ByHand { target, .. }
        | Record::Skipped { target, .. }
            if of_step(target) =>
        {
            Whose::People(&target.step)
        }
        Record::LookAhead { step }
        | Record::RecaptureStarted { step }
        | Record::EvidenceGiven { step, .. }
        | Record::EvidenceMissing { step, .. }
        | Record::SignedOff { step: Some(step), .. }
        | Record::SignOffRefused { step: Some(step), .. } => Whose::People(step),
        Record::Begun(_)
        | Record::Resumed { .. }
        | Record::Performed { .. }
        | Record::Probed { .. }
        | Record::Saved { .. }
        | Record::Started { .. }
        | Record::Answered { .. }
        | Record::VerifyAgain { .. }
        | Record::ByHand { .. }
        | Record::Skipped { .. }
        | Record::RollbackBegun { .. }
        | Record::RollbackEnded { .. }
        | Record::SignedOff { .. }
        | Record::SignOffRefused { .. }
        | Record::Closing { .. }
        | Record::TemporaryRemoved { .. }
        | Record::FollowedUp { .. }
        | Record::Ended { .. } => Whose::Nobody,
        // What was looked at, noted or asked meanwhile makes no difference to whose time it is.
        Record::LeftOut { .. }
        | Record::Recovered { .. }
        | Record::StopAsked { .. }
        | Record::EnoughSeen { .. }
        | Record::WindowExtended { .. }
        | Record::Overrun { .. }
        | Record::Note { .. }
        | Record::HintShown { .. }
        | Record::WhyShown { .. }
        | Record::Looked { .. }
        | Record::QuizAnswered { .. }
        | Record::Called { .. }
        | Record::Ticked { .. }
        | Record::SecretCopied { .. }
        | Record::Paused { .. }
        | Record::Presence(_) => Whose::Through,
    }
}

/// Works out how long the steps of a playbook take, from runs of it: the medians of those steps that went as they should.
///
/// A run in which something was rolled back tells nothing.
#[must_use]
pub fn expected(runs: &[Pace]) -> BTreeMap<StepId, Expected> {
    let mut all: BTreeMap<&StepId, Vec<Spent>> = BTreeMap::new();
    for run in runs.iter().filter(|run| !run.back) {
        for (step, spent) in run.steps.iter().filter(|(step, _)| !run.odd.contains(*step)) {
            all.entry(step).or_default().push(*spent);
        }
    }
    let known = |(step, spent): (&StepId, Vec<Spent>)| {
        let expected = Expected {
            work_ms: median(spent.iter().map(|spent| spent.work).collect()),
            people_ms: median(spent.iter().map(|spent| spent.people).collect()),
            runs: u32::try_from(spent.len()).unwrap_or(u32::MAX),
        };
        (step.clone(), expected)
    };
    all.into_iter().map(known).collect()
}

/// Returns the middle one; of an even number the mean of the two in the middle, rounded down.
fn median(mut of: Vec<u64>) -> u64 {
    of.sort_unstable();
    let middle = of.len() / 2;
    match (of.get(middle), middle.checked_sub(1).and_then(|before| of.get(before))) {
        (Some(&high), Some(&low)) if of.len().is_multiple_of(2) => low.midpoint(high),
        (Some(&high), _) => high,
        (None, _) => 0,
    }
}
