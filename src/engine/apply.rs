//! The only change of state: one record into the run.
//!
//! It never refuses and never fails: what was written down is what happened. A record that does not fit (a journal of
//! another playbook) leaves the run as it is; `decide` is where inputs are judged.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::followed::Followed;
use super::record::{How, Outcome, Presence, Record, SavedFile, Stamped, Target, Verdict};
use super::run::{Busy, Note, Run, Stage, StepRun, StepState};
use super::sign::SignedBy;
use super::{deviation, evidence, undo};
use crate::playbook::plan::{Act, Action, Name, Plan, Section, Step};

impl Run {
    /// Takes one record in.
    #[expect(clippy::too_many_lines, reason = "one flat table: an arm a record")]
    pub fn apply(&mut self, plan: &Plan, stamped: &Stamped) {
        let at = stamped.at;
        self.deviations.extend(deviation::of(plan, self, stamped));
        self.let_go_of_evidence(plan, &stamped.record);
        match &stamped.record {
            Record::Begun(begun) => {
                self.values = plan.fixed.iter().cloned().collect();
                self.values.extend(begun.values.clone());
                self.secrets.extend(begun.secrets.iter().cloned());
                self.fingerprints(&begun.fingerprints);
                self.operators.insert(begun.operator.clone());
                self.begun = Some((**begun).clone());
                self.began_at = Some(at);
                self.stage = Stage::Walking;
            }
            Record::LeftOut { step } => self.set(plan, &Target::step(step), |step| step.state = StepState::LeftOut),
            Record::LookAhead { step } => self.look_ahead(plan, step, at),
            Record::LookedAhead { step, refused } => self.looked_ahead(plan, step, refused, at),
            Record::Started { target, attempt, retry, despite } => {
                self.set(plan, target, |step| step.despite = despite.clone().or(step.despite.take()));
                self.started(plan, target, *attempt, *retry, at);
            }
            Record::Saved { target, files, logs } => {
                self.logs.retain(|(of, _)| of != target);
                self.logs.extend((!logs.is_empty()).then(|| (target.clone(), logs.clone())));
                self.saved(plan, target, files, at);
            }
            Record::Performed { target, outcome, .. } => self.performed(plan, target, outcome, at),
            Record::RecaptureStarted { step } => {
                let target = Target::step(step);
                self.set(plan, &target, |step| step.held = true);
                self.busy = Some(busy(&target, at, false));
            }
            Record::Recaptured { step, outcome } => self.recaptured(plan, &Target::step(step), outcome, at),
            Record::Recovered { target, outcome, .. } => {
                self.fingerprints(&outcome.fingerprints);
                // What it was to bring is known; what became of it is for its probes and a person to say.
                if outcome.how == How::Ok {
                    self.take_values(outcome);
                }
                self.set(plan, target, |step| step.outcome = Some(outcome.clone()));
                self.set_undo(plan, target, |undo| undo.outcome = Some(outcome.clone()));
            }
            Record::Answered { target, values, secrets, fingerprints } => {
                self.fingerprints(fingerprints);
                self.values.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
                self.secrets.extend(secrets.iter().cloned());
                self.acted(plan, target, at);
            }
            Record::Probed { target, verdicts } => self.probed(plan, target, verdicts, at),
            Record::VerifyAgain { target } => self.verify_again(plan, target, at),
            Record::ByHand { target, note } => {
                self.busy = None;
                self.set(plan, target, |step| {
                    step.state = StepState::Done;
                    step.touched = true;
                    step.by_hand = true;
                    step.ended = Some(at);
                    step.note = Some(note.clone());
                });
                self.set_undo(plan, target, |undo| {
                    undo.state = StepState::Done;
                    undo.note = Some(note.clone());
                });
                self.wants_signatures(plan, target);
            }
            Record::Skipped { target, reason, by_playbook } => {
                self.skipped(plan, target, reason.as_ref(), *by_playbook, at);
            }
            Record::StopAsked { target, .. } => {
                self.set(plan, target, |step| step.held = true);
                self.stopping();
            }
            Record::EnoughSeen { .. } => self.stopping(),
            // What they mean is the clocks' affair, below.
            Record::WindowExtended { .. } | Record::Overrun { .. } => {}
            Record::Note { step, text } => self.notes.push(Note { at, step: step.clone(), text: text.clone() }),
            Record::HintShown { .. }
            | Record::WhyShown { .. }
            | Record::Looked { .. }
            | Record::QuizAnswered { .. }
            | Record::Called { .. } => {
                self.asides.take(&stamped.record, at);
            }
            Record::SecretCopied { name } => self.copied.push((at, name.clone())),
            Record::Presence(presence) => {
                if let Presence::Attached { operator, .. } | Presence::TakenOver { operator, .. } = presence {
                    self.operators.insert(operator.clone());
                }
                self.presence.push((at, presence.clone()));
            }
            Record::RollbackBegun { to, by_policy } => self.rollback_begun(plan, to.as_ref(), *by_policy),
            Record::RollbackEnded { failed } => self.rollback_ended(plan, *failed),
            Record::Resumed { operator, .. } => {
                self.operators.insert(operator.clone());
                self.resumed(plan, at);
            }
            Record::Paused { why } => self.paused = Some(why.clone()),
            Record::SignedOff { step, role, name, account, host, signature } => {
                let (role, name, account, host) = (role.clone(), name.clone(), account.clone(), host.clone());
                let by = SignedBy { at, role, name, account, host, signature: signature.clone() };
                self.signed_off(plan, step.as_ref(), by);
            }
            Record::SignOffRefused { step: Some(step), role, name, reason, .. } => {
                self.sign_off_refused(plan, step, format!("{name} refused to sign as {role}: {reason}"), at);
            }
            Record::SignOffRefused { step: None, role, name, reason, .. } => {
                self.refused.push((role.clone(), name.clone(), reason.clone()));
            }
            Record::Closing { end, .. } => {
                self.stage = Stage::Closing;
                self.ended = Some((*end, at));
            }
            Record::TemporaryRemoved { left, .. } => self.left_behind.clone_from(left),
            Record::Ended { end } => {
                self.stage = Stage::Over;
                self.ended = Some((*end, at));
            }
            Record::EvidenceGiven { .. } | Record::EvidenceMissing { .. } => {
                if let Some((step, proof)) = evidence::proof(stamped) {
                    self.proved(plan, step, proof);
                }
            }
            Record::Ticked { target, item, ticked } => self.set_tick(plan, target, *item, *ticked),
            Record::FollowedUp { item, operator, note } => {
                self.followed.insert(*item, Followed { at, operator: operator.clone(), note: note.clone() });
            }
        }
        self.advance(plan, at);
        self.tick(plan, stamped);
    }

    /// What is out is to be stopped.
    fn stopping(&mut self) {
        if let Some(busy) = &mut self.busy {
            busy.stopping = true;
        }
    }

    /// Moves the cursor over what is finished; a step that has to have evidence is that once it has it.
    fn advance(&mut self, plan: &Plan, at: Timestamp) {
        loop {
            let before = self.cursor;
            self.ask_for_evidence(plan, before, at);
            self.advance_over();
            if self.cursor == before {
                break;
            }
        }
    }

    /// Moves the cursor over one step that is finished.
    pub(super) fn advance_over(&mut self) {
        let end = if self.stage == Stage::AfterRollback { self.after.end } else { self.walk };
        if self.cursor < end && self.steps[self.cursor].finished() {
            self.cursor += 1;
        }
    }

    /// Changes a step, where the target is a step and not an action of its undo.
    pub(super) fn set(&mut self, plan: &Plan, target: &Target, change: impl FnOnce(&mut StepRun)) {
        if target.undo.is_none()
            && let Some(step) = plan.index.get(&target.step).and_then(|&at| self.steps.get_mut(at))
        {
            change(step);
        }
    }

    fn started(&mut self, plan: &Plan, target: &Target, attempt: u32, retry: bool, at: Timestamp) {
        let Some(action) = action(plan, target) else { return };
        let state = match action {
            Some(Action { act: Act::Person(_), .. }) => StepState::Waiting,
            Some(Action { act: Act::Verify, .. }) => StepState::Verifying,
            // What was edited by hand, without a copy, only a hand can put back.
            None if self.step(plan, &target.step).is_some_and(StepRun::unsaved) => StepState::Waiting,
            Some(_) | None => StepState::Running,
        };
        let copies = matches!(action, Some(Action { act: Act::Edit(_) | Act::Snapshot(_), .. }));
        let logs = action.is_some_and(Action::reads_logs);
        let saving = copies && target.undo.is_none() || logs;
        let probing = state == StepState::Verifying && !saving;
        self.logs.retain(|(of, _)| of != target);
        self.busy = (state != StepState::Waiting || logs).then(|| Busy { saving, ..busy(target, at, probing) });
        self.set(plan, target, |step| {
            step.state = state;
            step.attempts = attempt;
            step.tries = if retry { step.tries.saturating_add(1) } else { 1 };
            step.started = step.started.or(Some(at));
            step.attempt_at = Some(at);
            step.ended = None;
            step.outcome = None;
            step.verdicts.clear();
            step.failed = false;
            step.passed_over = false;
            step.by_hand = false;
            step.touched = true;
            step.held = false;
            step.cleared = false;
            step.ahead.clear();
            step.note = None;
            step.signed.clear();
            step.unsigned = false;
            step.sign_off_passed = None;
            step.acted = state == StepState::Verifying;
            step.undo.clear();
            step.ask_anew();
        });
        if let Some(number) = target.undo
            && let Some(step) = plan.index.get(&target.step).and_then(|&at| self.steps.get_mut(at))
            && let Some(starts) = step.undo_starts.get_mut(number.saturating_sub(1) as usize)
        {
            *starts = attempt;
        }
        self.set_undo(plan, target, |undo| {
            undo.state = state;
            undo.attempts = attempt;
            undo.ticks.clear();
            undo.outcome = None;
            undo.verdicts.clear();
        });
        if target.undo.is_none() && plan.step(&target.step).is_some_and(Step::changes) {
            self.window_from = self.window_from.or(Some(at));
        }
    }

    fn saved(&mut self, plan: &Plan, target: &Target, files: &[SavedFile], at: Timestamp) {
        self.set(plan, target, |step| {
            for file in files {
                if !step.saved.iter().any(|known| known.path == file.path) {
                    step.saved.push(file.clone());
                }
            }
        });
        match action(plan, target) {
            Some(Some(Action { act: Act::Snapshot(_), .. })) if target.undo.is_none() => self.acted(plan, target, at),
            Some(Some(Action { act: Act::Person(_), .. })) => self.busy = None,
            Some(Some(Action { act: Act::Verify, .. })) => self.busy = Some(busy(target, at, true)),
            Some(_) | None => {
                if let Some(busy) = &mut self.busy {
                    busy.saving = false;
                }
            }
        }
    }

    /// Takes fingerprints in, also of secrets that no later step may use: the vault has them.
    fn fingerprints(&mut self, new: &BTreeMap<Name, String>) {
        for (name, fingerprint) in new {
            let known = self.fingerprints.entry(name.clone()).or_default();
            if known.last() != Some(fingerprint) {
                known.push(fingerprint.clone());
            }
        }
    }

    fn performed(&mut self, plan: &Plan, target: &Target, outcome: &Outcome, at: Timestamp) {
        self.fingerprints(&outcome.fingerprints);
        self.set(plan, target, |step| step.outcome = Some(outcome.clone()));
        self.set_undo(plan, target, |undo| undo.outcome = Some(outcome.clone()));
        if outcome.how == How::Ok {
            self.take_values(outcome);
            self.acted(plan, target, at);
        } else if outcome.how == How::Lost && !harmless(plan, target) {
            // As after a crash: what its probes say informs, and a person decides.
            let probes = matches!(action(plan, target), Some(Some(action)) if !action.verify.is_empty());
            self.busy = probes.then(|| busy(target, at, true));
            self.set(plan, target, |step| step.state = StepState::Unknown);
            self.set_undo(plan, target, |undo| undo.state = StepState::Unknown);
        } else {
            self.busy = None;
            self.set(plan, target, |step| step.fail(at));
            self.set_undo(plan, target, |undo| undo.state = StepState::Failed);
        }
    }

    fn recaptured(&mut self, plan: &Plan, target: &Target, outcome: &Outcome, at: Timestamp) {
        self.fingerprints(&outcome.fingerprints);
        self.busy = None;
        self.set(plan, target, |step| step.outcome = Some(outcome.clone()));
        if outcome.how == How::Ok {
            self.take_values(outcome);
            // Having the values proves nothing about the change itself: only probes can, or a person.
            if plan.step(&target.step).is_some_and(|step| !step.action.verify.is_empty()) {
                self.acted(plan, target, at);
            }
        }
    }

    fn take_values(&mut self, outcome: &Outcome) {
        self.values.extend(outcome.values.iter().map(|(name, value)| (name.clone(), value.clone())));
        self.secrets.extend(outcome.secrets.iter().cloned());
    }

    /// The act is carried out; its probes are next, if it has any.
    pub(super) fn acted(&mut self, plan: &Plan, target: &Target, at: Timestamp) {
        let probes = matches!(action(plan, target), Some(Some(action)) if !action.verify.is_empty());
        let state = if probes { StepState::Verifying } else { StepState::Done };
        self.busy = probes.then(|| busy(target, at, true));
        self.set(plan, target, |step| {
            step.acted = true;
            step.state = state;
            step.ended = (!probes).then_some(at);
        });
        self.set_undo(plan, target, |undo| undo.state = state);
        self.wants_signatures(plan, target);
    }

    fn probed(&mut self, plan: &Plan, target: &Target, verdicts: &[Verdict], at: Timestamp) {
        self.busy = None;
        let failed = verdicts.iter().any(|verdict| !verdict.pass && !verdict.warn);
        let warned = verdicts.iter().any(|verdict| !verdict.pass && verdict.warn);
        for verdict in verdicts {
            self.fingerprints(&verdict.fingerprints);
        }
        for verdict in verdicts.iter().filter(|verdict| verdict.pass) {
            self.values.extend(verdict.values.iter().map(|(name, value)| (name.clone(), value.clone())));
            self.secrets.extend(verdict.secrets.iter().cloned());
        }
        let state = match (failed, warned) {
            (true, _) => StepState::Failed,
            (false, true) => StepState::Warned,
            (false, false) => StepState::Done,
        };
        let mut judged = false;
        self.set(plan, target, |step| {
            step.verdicts = verdicts.to_vec();
            // Where the act failed or its end was not seen, the probes inform the operator and decide nothing.
            if step.state == StepState::Verifying {
                step.state = state;
                step.ended = Some(at);
                step.failed = failed;
                judged = true;
            }
        });
        if judged {
            self.wants_signatures(plan, target);
        }
        self.set_undo(plan, target, |undo| {
            undo.verdicts = verdicts.to_vec();
            if undo.state == StepState::Verifying {
                undo.state = state;
            }
        });
    }

    fn skipped(&mut self, plan: &Plan, target: &Target, reason: Option<&String>, by_playbook: bool, at: Timestamp) {
        self.busy = None;
        self.set(plan, target, |step| {
            if by_playbook {
                step.passed_over = true;
            } else if step.unsigned {
                // What was done stays done; nobody signed it.
                step.unsigned = false;
                step.sign_off_passed = Some(reason.cloned().unwrap_or_default());
                return;
            } else {
                step.state = StepState::Skipped;
                step.note = reason.cloned();
            }
            step.ended = Some(at);
        });
        self.set_undo(plan, target, |undo| {
            undo.state = StepState::Skipped;
            undo.note = reason.cloned();
        });
    }

    /// Where the act was carried out, its probes judge it anew; else they inform, and a person decides.
    fn verify_again(&mut self, plan: &Plan, target: &Target, at: Timestamp) {
        self.set(plan, target, |step| {
            step.held = true;
            if step.acted {
                step.state = StepState::Verifying;
            }
        });
        self.set_undo(plan, target, |undo| {
            let acted = undo.outcome.as_ref().is_none_or(|outcome| outcome.how == How::Ok);
            if undo.state == StepState::Failed && acted {
                undo.state = StepState::Verifying;
            }
        });
        self.busy = Some(busy(target, at, true));
    }

    fn resumed(&mut self, plan: &Plan, at: Timestamp) {
        self.paused = None;
        let Some(was) = self.busy.take() else { return };
        let harmless = harmless(plan, &was.target);
        let probes = matches!(action(plan, &was.target), Some(Some(action)) if !action.verify.is_empty());
        let mut ask = probes;
        let mut settle = |state: &mut StepState| match *state {
            StepState::Verifying => ask = true,
            StepState::Running if harmless => {
                *state = StepState::Pending;
                ask = false;
            }
            StepState::Running => *state = StepState::Unknown,
            // A step at rest was being verified again or recaptured: it stays what it was.
            StepState::Pending
            | StepState::Waiting
            | StepState::Done
            | StepState::Warned
            | StepState::Failed
            | StepState::Unknown
            | StepState::Skipped
            | StepState::LeftOut
            | StepState::RolledBack
            | StepState::RollbackFailed => ask = false,
        };
        self.set(plan, &was.target, |step| settle(&mut step.state));
        self.set_undo(plan, &was.target, |undo| settle(&mut undo.state));
        if ask {
            self.busy = Some(busy(&was.target, at, true));
        }
    }
}

impl StepRun {
    /// Says whether it was done by hand where the program has no copy to put back.
    pub(super) fn unsaved(&self) -> bool {
        self.by_hand && self.saved.is_empty()
    }

    pub(super) fn fail(&mut self, at: Timestamp) {
        self.state = StepState::Failed;
        self.failed = true;
        self.ended = Some(at);
    }
}

impl Step {
    /// Says whether carrying the step out may change something.
    #[must_use]
    pub fn changes(&self) -> bool {
        match self.action.act {
            Act::Run(_) | Act::Edit(_) | Act::Snapshot(_) => !self.read_only,
            Act::Person(ref person) => !self.read_only && person.text.is_some(),
            Act::Generate(_) | Act::Verify | Act::Wait(_) => false,
        }
    }

    /// Says whether starting the step wants one more yes: it says what must be agreed to, or it cannot be undone.
    #[must_use]
    pub fn deliberate(&self) -> bool {
        self.confirm.is_some() || self.irreversible.is_some()
    }

    /// Says whether the step may be skipped without a reason.
    #[must_use]
    pub fn free_to_skip(&self) -> bool {
        self.optional || self.section == Section::Cleanup
    }
}

/// Finds the action of a target: none within for a restore, none at all where the plan has no such target.
#[expect(clippy::option_option, reason = "a restore is no action of the playbook, and still something to carry out")]
pub(super) fn action<'p>(plan: &'p Plan, target: &Target) -> Option<Option<&'p Action>> {
    match target.undo {
        None => plan.step(&target.step).map(|step| Some(&step.action)),
        Some(_) => undo::action(plan, target).map(|action| match action {
            undo::UndoAction::Restore => None,
            undo::UndoAction::Author(action) => Some(action),
        }),
    }
}

/// Says whether what a target does changes nothing, so that nothing is lost with its end.
fn harmless(plan: &Plan, target: &Target) -> bool {
    target.undo.is_none() && plan.step(&target.step).is_some_and(|step| step.read_only)
}

fn busy(target: &Target, since: Timestamp, probing: bool) -> Busy {
    Busy { target: target.clone(), since, probing, saving: false, looking: false, stopping: false }
}
