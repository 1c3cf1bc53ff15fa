//! The story of a run: what its records say beyond where it stands in the end, kept as they go by.
//!
//! A [`Run`] knows how things stand; when they came to stand so is known only to who sees every record. A story takes each
//! record once, behind the run that has taken it in, and keeps a bounded part: of very many stretches of time or attempts
//! the first and the last. What must stay true: every moment between two records belongs to one stretch (a step, its
//! verification, somebody who is waited for, a stop of the program); exposure and rollback lie over those.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::Timestamp;

use super::data::{Attempt, Checked, Event, EventKind, Moment, Outcome, SignOff, SignatureFacts, Tool, Totals};
use crate::engine::{self, Awaiting, How, Record, Run, Signature, Stamped, StepState, Target, UndoRun, Verdict};
use crate::playbook::plan::{Name, Plan, StepId};
use crate::words;

/// How many stretches of time are kept from the beginning, and how many from the end.
const EVENTS: usize = 2000;
/// How many attempts of a step are kept from the beginning, and how many from the end.
const ATTEMPTS: usize = 10;

/// What a report needs of the records beside the run.
#[derive(Debug, Default)]
pub struct Story {
    pub(super) first_at: Option<Timestamp>,
    pub(super) last_at: Option<Timestamp>,
    pub(super) events: Ends<Event, EVENTS>,
    pub(super) totals: Totals,
    pub(super) attempts: HashMap<Target, Ends<Attempt, ATTEMPTS>>,
    pub(super) values: BTreeMap<StepId, BTreeMap<Name, Option<String>>>,
    pub(super) rollbacks: Vec<RollbackStory>,
    pub(super) signed: Vec<SignOff>,
    pub(super) went_on: Vec<Moment>,
    pub(super) tools: Vec<Tool>,
    /// When the last of the work was over; none while there is some.
    pub(super) work_ended: Option<Timestamp>,
    /// The stretch that goes on.
    base: Option<Event>,
}

/// A rollback, as it went.
#[derive(Debug)]
pub(super) struct RollbackStory {
    pub(super) began_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) to: Option<StepId>,
    pub(super) by_policy: bool,
    pub(super) failed: Option<u32>,
    pub(super) actions: Vec<UndoStory>,
}

/// An action of a rollback, as it went.
#[derive(Debug)]
pub(super) struct UndoStory {
    pub(super) target: Target,
    pub(super) started_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) stands: UndoRun,
}

impl Story {
    /// Takes one record, which the run has taken in already.
    pub fn take(&mut self, plan: &Plan, run: &Run, stamped: &Stamped) {
        let at = stamped.at;
        let before = self.last_at.replace(at);
        self.first_at = self.first_at.or(Some(at));
        self.facts(run, at, &stamped.record);
        self.undo(plan, run, at, &stamped.record);
        if let (Record::Resumed { .. }, Some(before)) = (&stamped.record, before) {
            self.gap(before, at);
        }
        self.stretch(plan, run, at);
        let over = matches!(run.awaiting(plan), Awaiting::SignOff(_) | Awaiting::Closing | Awaiting::Nothing);
        self.work_ended = if over { self.work_ended.or(Some(at)) } else { None };
    }

    /// Closes what goes on, for a report that is made now; nothing may be taken any more.
    pub(super) fn finish(&mut self) {
        let rollback = self.rollbacks.last().filter(|rollback| rollback.ended_at.is_none());
        let rollback = rollback.map(|rollback| event(rollback.began_at, EventKind::Rollback, None, "rollback"));
        for event in self.base.take().into_iter().chain(rollback) {
            let until = self.last_at.unwrap_or(event.from);
            self.totals.add(event.kind, event.from, until);
            self.events.push(event);
        }
        if let (Some(from), Some(to)) = (self.first_at, self.last_at) {
            self.totals.whole_ms = between(from, to);
        }
    }

    /// Takes what stands in a record and nowhere in the run.
    fn facts(&mut self, run: &Run, at: Timestamp, record: &Record) {
        match record {
            Record::Begun(begun) => self.program(&begun.program, "began the run"),
            Record::Resumed { operator, account, host, program, .. } => {
                let text = format!("{operator} went on with the run, as {account} on {host}");
                self.went_on.push(Moment { at, text });
                self.program(program, "went on with the run");
            }
            Record::Started { target, attempt, retry, .. } => {
                let attempts = self.attempts.entry(target.clone()).or_default();
                attempts.push(Attempt {
                    number: *attempt,
                    retry: *retry,
                    started_at: at,
                    ended_at: None,
                    outcome: None,
                });
            }
            Record::Performed { target, outcome, .. } => {
                self.came_out(target, at, outcome);
                self.brought(target, &outcome.values, &outcome.secrets);
            }
            Record::Recovered { target, outcome, .. } => self.brought(target, &outcome.values, &outcome.secrets),
            Record::Recaptured { step, outcome } => {
                self.brought(&Target::step(step), &outcome.values, &outcome.secrets);
            }
            Record::Answered { target, values, secrets, .. } => {
                if let Some(attempt) = self.attempts.get_mut(target).and_then(Ends::last_mut) {
                    attempt.ended_at = Some(at);
                }
                self.brought(target, values, secrets);
            }
            Record::Probed { target, verdicts } => {
                for Verdict { values, secrets, .. } in verdicts {
                    self.brought(target, values, secrets);
                }
            }
            Record::SignedOff { step, role, name, account, host, signature } => {
                let of = (step.as_ref(), role, name);
                self.signed.push(signed(of, None, at, (account, host), signature.as_deref()));
            }
            Record::SignOffRefused { step, role, name, reason, account, host, signature } => {
                let of = (step.as_ref(), role, name);
                self.signed.push(signed(of, Some(reason), at, (account, host), signature.as_deref()));
            }
            Record::RollbackBegun { to, by_policy, .. } => {
                self.end_rollback(at);
                self.rollbacks.push(RollbackStory {
                    began_at: at,
                    ended_at: None,
                    to: to.clone(),
                    by_policy: *by_policy,
                    failed: None,
                    actions: Vec::new(),
                });
            }
            Record::RollbackEnded { failed, .. } => {
                if let Some(rollback) = self.rollbacks.last_mut() {
                    rollback.failed = Some(*failed);
                }
                self.end_rollback(at);
            }
            // What the others say stands in the run, or is no matter of a report.
            _ => {}
        }
        debug_assert!(run.begun.is_some() || !matches!(record, Record::Begun(_)), "the run takes a record first");
    }

    fn program(&mut self, version: &str, seen: &str) {
        let what = format!("runsheet {version}");
        if !version.is_empty() && !self.tools.iter().any(|tool| tool.what == what) {
            self.tools.push(Tool { what, seen: seen.to_owned() });
        }
    }

    fn came_out(&mut self, target: &Target, at: Timestamp, outcome: &engine::Outcome) {
        if let Some(attempt) = self.attempts.get_mut(target).and_then(Ends::last_mut) {
            attempt.ended_at = Some(at);
            attempt.outcome = Some(told(outcome));
        }
    }

    fn brought(&mut self, target: &Target, values: &BTreeMap<Name, String>, secrets: &[Name]) {
        if values.is_empty() && secrets.is_empty() {
            return;
        }
        let brought = self.values.entry(target.step.clone()).or_default();
        brought.extend(values.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
        brought.extend(secrets.iter().map(|name| (name.clone(), None)));
    }

    /// Keeps how the action of a rollback stands that a record is about.
    fn undo(&mut self, plan: &Plan, run: &Run, at: Timestamp, record: &Record) {
        let Some(target) = about(record).filter(|target| target.undo.is_some()) else { return };
        let (Some(rollback), Some(stands)) = (self.rollbacks.last_mut(), run.undo(plan, target)) else { return };
        let known = rollback.actions.iter().position(|action| action.target == *target);
        let action = match known.and_then(|known| rollback.actions.get_mut(known)) {
            Some(action) => action,
            None => rollback.actions.push_mut(UndoStory {
                target: target.clone(),
                started_at: None,
                ended_at: None,
                stands: UndoRun::default(),
            }),
        };
        if matches!(record, Record::Started { .. }) {
            action.started_at = Some(at);
        }
        let rests = !matches!(stands.state, StepState::Running | StepState::Verifying | StepState::Waiting);
        action.ended_at = rests.then_some(at);
        action.stands = stands.clone();
    }

    fn end_rollback(&mut self, at: Timestamp) {
        if let Some(rollback) = self.rollbacks.last_mut().filter(|rollback| rollback.ended_at.is_none()) {
            rollback.ended_at = Some(at);
            let event = Event { to: Some(at), ..event(rollback.began_at, EventKind::Rollback, None, "rollback") };
            self.totals.add(event.kind, event.from, at);
            self.events.push(event);
        }
    }

    /// The program was gone, and did not say when it went: the time since the last record is nobody's.
    fn gap(&mut self, before: Timestamp, at: Timestamp) {
        if self.base.as_ref().is_some_and(|base| base.kind == EventKind::Paused) {
            return;
        }
        self.end_base(before);
        let what = "nothing on record: the program was gone, since when is not known";
        self.base = Some(event(before, EventKind::Paused, None, what));
        self.end_base(at);
    }

    /// Goes over to another stretch of time, where the run waits for something else now.
    fn stretch(&mut self, plan: &Plan, run: &Run, at: Timestamp) {
        let now = stretch(plan, run);
        let same = match (&self.base, &now) {
            (Some(base), Some((kind, target, what))) => {
                base.kind == *kind
                    && base.what == *what
                    && base.step.as_deref() == target.as_ref().map(|target| target.step.as_str())
                    && base.undo == target.as_ref().and_then(|target| target.undo)
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if same {
            return;
        }
        self.end_base(at);
        self.base = now.map(|(kind, target, what)| event(at, kind, target.as_ref(), &what));
    }

    fn end_base(&mut self, at: Timestamp) {
        let Some(base) = self.base.take() else { return };
        self.totals.add(base.kind, base.from, at);
        // Who answers at once was not waited for.
        if base.kind != EventKind::Waiting || base.from < at {
            self.events.push(Event { to: Some(at), ..base });
        }
    }
}

/// Tells of a sign-off: the step, the role and the name, why it was refused, when, from where, and by what it is proved.
fn signed(
    (step, role, name): (Option<&StepId>, &String, &String),
    refused: Option<&String>,
    at: Timestamp,
    (account, host): (&Option<String>, &Option<String>),
    signature: Option<&Signature>,
) -> SignOff {
    SignOff {
        step: step.map(StepId::to_string),
        role: role.clone(),
        decision: if refused.is_some() { "refused" } else { "signed" },
        name: Some(name.clone()),
        at: Some(at),
        reason: refused.cloned(),
        account: account.clone(),
        host: host.clone(),
        proof: Some(words::proved(signature, account.as_ref(), host.as_ref())),
        signature: signature.map(|signature| SignatureFacts {
            key: signature.key.clone(),
            principal: signature.principal.clone(),
            head: signature.head.clone(),
            armored: signature.armored.clone(),
            checked: Checked::NotChecked,
            why: None,
        }),
    }
}

/// Says how an act came out.
pub(super) fn told(outcome: &engine::Outcome) -> Outcome {
    Outcome {
        how: words::how(outcome.how),
        ok: outcome.how == How::Ok,
        saw: outcome.saw.clone(),
        exit: outcome.exit,
        took_ms: outcome.took_ms,
    }
}

/// Returns whose act or probes a record is about.
fn about(record: &Record) -> Option<&Target> {
    match record {
        Record::Started { target, .. }
        | Record::Saved { target, .. }
        | Record::Performed { target, .. }
        | Record::Recovered { target, .. }
        | Record::Answered { target, .. }
        | Record::Probed { target, .. }
        | Record::VerifyAgain { target }
        | Record::ByHand { target, .. }
        | Record::Skipped { target, .. }
        | Record::StopAsked { target, .. }
        | Record::EnoughSeen { target } => Some(target),
        // The others are about a step as a whole, or about the run.
        _ => None,
    }
}

/// Says what a run does with its time as it stands.
fn stretch(plan: &Plan, run: &Run) -> Option<(EventKind, Option<Target>, String)> {
    if let Some(why) = &run.paused {
        return Some((EventKind::Paused, None, format!("the program had stopped: {why}")));
    }
    let awaiting = run.awaiting(plan);
    let waiting = |target: Target, what: &str| Some((EventKind::Waiting, Some(target), what.to_owned()));
    match awaiting {
        Awaiting::World(target) => {
            let busy = run.busy.as_ref();
            let attempt = match target.undo {
                None => run.step(plan, &target.step).map(|step| step.attempts),
                Some(_) => run.undo(plan, &target).map(|undo| undo.attempts),
            };
            let (kind, what) = match busy {
                Some(busy) if busy.looking => {
                    (EventKind::Verification, "tries whether later steps would be refused".to_owned())
                }
                Some(busy) if busy.probing => (EventKind::Verification, "asks its probes".to_owned()),
                Some(_) if target.undo.is_none() && owes(plan, run, &target.step) => {
                    (EventKind::Verification, "keeps its evidence".to_owned())
                }
                Some(_) | None => match attempt {
                    Some(attempt) if attempt > 1 => (EventKind::Step, format!("runs, attempt {attempt}")),
                    Some(_) | None => (EventKind::Step, "runs".to_owned()),
                },
            };
            Some((kind, Some(target), what))
        }
        Awaiting::Go(step) => waiting(Target::step(&step), "waits for the word to start it"),
        Awaiting::Person(target) => waiting(target, "waits for a person to do or answer it"),
        Awaiting::Decision(step) => waiting(Target::step(&step), "waits for a decision"),
        Awaiting::Evidence(step, item) => waiting(Target::step(&step), &format!("waits for evidence {item}")),
        Awaiting::Quiz(step) => waiting(Target::step(&step), "waits for an answer to the drill's question"),
        Awaiting::Undo(target) => waiting(target, "waits for the word to undo it"),
        Awaiting::UndoDecision(target) => waiting(target, "waits for a decision on its undo"),
        Awaiting::Approval(step, role) => waiting(Target::step(&step), &format!("waits for the approval of {role}")),
        Awaiting::Begin | Awaiting::Closing | Awaiting::Nothing => None,
        // Whatever else there is, it is a person who is waited for.
        other => Some((EventKind::Waiting, None, words::awaiting(&other))),
    }
}

/// Says whether a step has done its work and only its evidence is missing.
fn owes(plan: &Plan, run: &Run, step: &StepId) -> bool {
    run.step(plan, step).is_some_and(|step| step.owes().is_some())
}

fn event(from: Timestamp, kind: EventKind, target: Option<&Target>, what: &str) -> Event {
    Event {
        from,
        to: None,
        kind,
        step: target.map(|target| target.step.to_string()),
        undo: target.and_then(|target| target.undo),
        what: what.to_owned(),
    }
}

/// Says how long it is from one time to another, in milliseconds; 0 where a clock went back.
pub(super) fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

impl Totals {
    fn add(&mut self, kind: EventKind, from: Timestamp, to: Timestamp) {
        let sum = match kind {
            EventKind::Step => &mut self.step_ms,
            EventKind::Verification => &mut self.verification_ms,
            EventKind::Waiting => &mut self.waiting_ms,
            EventKind::Paused => &mut self.paused_ms,
            EventKind::Rollback => &mut self.rollback_ms,
            // The run knows of it.
            EventKind::Exposure => return,
        };
        *sum = sum.saturating_add(between(from, to));
    }
}

/// The first and the last of many.
#[derive(Debug)]
pub(super) struct Ends<T, const MOST: usize> {
    first: Vec<T>,
    last: VecDeque<T>,
    left_out: u64,
}

impl<T, const MOST: usize> Default for Ends<T, MOST> {
    fn default() -> Self {
        Self { first: Vec::new(), last: VecDeque::new(), left_out: 0 }
    }
}

impl<T, const MOST: usize> Ends<T, MOST> {
    fn push(&mut self, one: T) {
        if self.first.len() < MOST {
            self.first.push(one);
            return;
        }
        if self.last.len() == MOST {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(one);
    }

    fn last_mut(&mut self) -> Option<&mut T> {
        self.last.back_mut().or(self.first.last_mut())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.last)
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_the_first_and_the_last_are_kept() {
        let mut ends: Ends<u32, 2> = Ends::default();
        for number in 1..=3 {
            ends.push(number);
        }
        assert_eq!((ends.iter().copied().collect::<Vec<_>>(), ends.left_out()), (vec![1, 2, 3], 0));
        for number in 4..=9 {
            ends.push(number);
        }
        assert_eq!((ends.iter().copied().collect::<Vec<_>>(), ends.left_out()), (vec![1, 2, 8, 9], 5));
        assert_eq!(ends.last_mut(), Some(&mut 9));
    }
}
