//! Whether a record is one that the run allowed where it stands: for an audit of a journal that somebody else wrote.
//!
//! A record either follows from the one before it by itself, or it is what an input comes to that the run does not refuse at
//! that point. Both are asked of the same `follow` and `decide` that the run was walked by; nothing is judged here that is not
//! judged there. What must stay true: what a run of this version wrote is never called wrong, however it was interrupted.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Engine;
use super::aside::Aside;
use super::decide;
use super::follow::follow;
use super::input::{Input, Signing};
use super::record::{End, Record, Stamped};
use super::refusal::Refusal;
use super::run::Run;
use super::window;
use crate::playbook::plan::Plan;

/// Somebody who hears a run's records one after the other, and says of each whether it could stand there.
#[derive(Clone, Debug)]
pub struct Witness {
    engine: Engine,
    /// What follows from the last record by itself.
    due: Option<Record>,
}

/// Why a record cannot stand where it does.
#[derive(Clone, Debug, PartialEq)]
pub enum Misfit {
    /// The run would have refused it.
    Refused(Refusal),
    /// What was said there comes to another record.
    Another(Box<Record>),
    /// It follows from others by itself, and did not follow here.
    Unprompted,
    /// Another record follows from the one before by itself, and is not there.
    Skipped(Box<Record>),
}

/// Where a record comes from.
enum Origin {
    /// Somebody or something said this.
    Said(Input),
    /// It follows from other records, never from a word.
    Itself,
}

impl Witness {
    /// Makes one that has heard nothing.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        Self { engine: Engine::new(plan), due: None }
    }

    /// Makes one that goes on from a run as it stands; of its last record nothing is said any more.
    #[must_use]
    pub fn of(engine: Engine) -> Self {
        Self { engine, due: None }
    }

    /// Returns the run as it stands after what was heard.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.engine.run
    }

    /// Says whether nothing follows from the last record by itself.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.due.is_none()
    }

    /// Hears a record. It is taken in whatever is said of it, as on resuming.
    ///
    /// # Errors
    /// Why it cannot stand there.
    pub fn hear(&mut self, stamped: &Stamped) -> Result<(), Misfit> {
        let judged = self.judge(&stamped.record, stamped.at);
        self.engine.replay(stamped);
        self.due = follow(&self.engine.plan, &self.engine.run, &stamped.record);
        judged
    }

    fn judge(&self, record: &Record, at: Timestamp) -> Result<(), Misfit> {
        match &self.due {
            Some(due) if due == record => return Ok(()),
            // The program died between two records of one turn.
            Some(_) if matches!(record, Record::Resumed { .. }) => {}
            Some(due) => return Err(Misfit::Skipped(Box::new(due.clone()))),
            None => {}
        }
        let (plan, run) = (&self.engine.plan, &self.engine.run);
        let Origin::Said(input) = origin(plan, record) else { return Err(Misfit::Unprompted) };
        let decided = decide::decide(plan, run, input);
        match decided.and_then(|decided| window::judge(plan, run, &decided, at).map(|()| decided)) {
            Ok(decided) if decided == *record => Ok(()),
            Ok(decided) => Err(Misfit::Another(Box::new(decided))),
            Err(refusal) => Err(Misfit::Refused(refusal)),
        }
    }
}

/// Says what must have been said for a record to be written.
fn origin(plan: &Plan, record: &Record) -> Origin {
    let said = match record.clone() {
        Record::Begun(begun) => {
            let typed = decide::protected_word(plan, |name| begun.values.get(name).map(String::as_str));
            let typed = typed.map(str::to_owned);
            Input::Begin { begun, typed }
        }
        Record::LookAhead { step } => Input::Go { step, confirmed: true },
        Record::LookedAhead { step, refused } => Input::LookedAhead { step, refused },
        Record::Started { target, despite, retry, attempt: _ } => match (despite, target.undo) {
            _ if retry => return Origin::Itself,
            (Some(reason), _) => Input::GoAnyway { step: target.step, reason },
            (None, Some(_)) => Input::Undo { target },
            (None, None) => Input::Go { step: target.step, confirmed: true },
        },
        Record::Saved { target, files, logs } => Input::Saved { target, files, logs },
        Record::Performed { target, attempt, outcome } => Input::Performed { target, attempt, outcome },
        Record::Recaptured { step, outcome } => Input::Recaptured { step, outcome },
        Record::Recovered { target, attempt, outcome } => Input::Recovered { target, attempt, outcome },
        Record::Answered { target, values, secrets, fingerprints } => {
            Input::Answer { target, values, secrets, fingerprints }
        }
        Record::Probed { target, verdicts } => Input::Probed { target, verdicts },
        Record::VerifyAgain { target } => Input::VerifyAgain { target },
        Record::RecaptureStarted { step } => Input::Recapture { step },
        Record::ByHand { target, note } => Input::ByHand { target, note },
        Record::Skipped { target, reason, by_playbook: false } => Input::Skip { target, reason },
        Record::StopAsked { hard, target: _ } => Input::Stop { hard },
        Record::EnoughSeen { target } => Input::Enough { target },
        Record::Note { step, text } => Input::Note { step, text },
        Record::SecretCopied { name } => Input::CopySecret { name },
        Record::RollbackBegun { to, by_policy } => Input::Rollback { to, by_policy },
        Record::Resumed { operator, account, host, program } => Input::Resume { operator, account, host, program },
        Record::Paused { why } => Input::Pause { why },
        Record::Presence(presence) => Input::Presence(presence),
        Record::SignedOff { step, role, name, account, host, signature } => match account.zip(host) {
            None => Input::SignOff { step, role, name },
            Some((account, host)) => {
                Input::Sign(Box::new(Signing { step, role, name, refused: None, account, host, signature }))
            }
        },
        Record::SignOffRefused { step, role, name, reason, account, host, signature } => match account.zip(host) {
            None => Input::RefuseSignOff { step, role, name, reason },
            Some((account, host)) => {
                Input::Sign(Box::new(Signing { step, role, name, refused: Some(reason), account, host, signature }))
            }
        },
        Record::Closing { end: End::Abandoned, reason: Some(reason) } => Input::Abandon { reason },
        Record::WindowExtended { by_ms, reason } => Input::ExtendWindow { by: Duration::from_millis(by_ms), reason },
        Record::HintShown { step } => Input::Aside(Aside::Hint(step)),
        Record::WhyShown { step } => Input::Aside(Aside::Why(step)),
        Record::Looked { step, at } => Input::Aside(Aside::Look(step, at)),
        Record::Called { contact } => Input::Aside(Aside::Call(contact)),
        Record::QuizAnswered { step, choice, right: _ } => Input::Quiz { step, choice },
        Record::Overrun { reason, by_policy } => Input::Overrun { reason, by_policy },
        Record::EvidenceGiven { step, item, evidence } => Input::Evidence { step, item, evidence },
        Record::EvidenceMissing { step, item, reason } => Input::EvidenceMissing { step, item, reason },
        Record::Ticked { target, item, ticked } => Input::Tick { target, item, ticked },
        Record::FollowedUp { item, operator, note } => Input::FollowUp { item, operator, note },
        Record::TemporaryRemoved { removed, left } => Input::TemporaryRemoved { removed, left },
        Record::LeftOut { .. }
        | Record::Skipped { by_playbook: true, .. }
        | Record::RollbackEnded { .. }
        | Record::Closing { .. }
        | Record::Ended { .. } => return Origin::Itself,
    };
    Origin::Said(said)
}
