//! Who may sign, and what becomes of it: approvals, the sign-off of a single step, and that at the end.
//!
//! A part of `decide` and of [`Run::apply`]. It checks no signature: what comes here was checked by whoever holds the keys'
//! list. What must stay true: with `distinct` no person signs twice, by name or by key, and nobody signs for another role
//! what they walked themselves; and a step that somebody must sign is not finished before they have.

use jiff::Timestamp;

use super::input::Signing;
use super::record::{Record, Signature, Target};
use super::refusal::Refusal;
use super::run::{Awaiting, Run, StepRun, StepState, approval, signers};
use crate::playbook::plan::{Plan, SignOff, Step, StepId};

/// The role of those who walk the run: only they may sign in it what they did.
const OPERATOR: &str = "operator";

/// A signature that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBy {
    /// When.
    pub at: Timestamp,
    /// The role.
    pub role: String,
    /// The name: as typed, or as it was signed.
    pub name: String,
    /// The account of the operating system, where it was signed from a terminal of its own.
    pub account: Option<String>,
    /// The machine, likewise.
    pub host: Option<String>,
    /// The signature; none where only a name was typed.
    pub signature: Option<Box<Signature>>,
}

/// Judges what somebody says who signs or refuses to.
pub(super) fn decide(plan: &Plan, run: &Run, signing: Signing) -> Result<Record, Refusal> {
    let Signing { step, role, name, refused, account, host, signature } = signing;
    let (account, host) = (Some(account), Some(host));
    let record = judge(plan, run, step, role, name, refused, signature)?;
    Ok(match record {
        Record::SignedOff { step, role, name, signature, .. } => {
            Record::SignedOff { step, role, name, account, host, signature }
        }
        Record::SignOffRefused { step, role, name, reason, signature, .. } => {
            Record::SignOffRefused { step, role, name, reason, account, host, signature }
        }
        other => other, // judge gives no other
    })
}

/// Judges a name that is given for a role, with a signature or without.
pub(super) fn judge(
    plan: &Plan,
    run: &Run,
    step: Option<StepId>,
    role: String,
    name: String,
    refused: Option<String>,
    signature: Option<Box<Signature>>,
) -> Result<Record, Refusal> {
    signs_now(plan, run, step.as_ref(), &role)?;
    if name.trim().is_empty() || refused.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(Refusal::NeedsReason);
    }
    let (account, host) = (None, None);
    if let Some(reason) = refused {
        return Ok(Record::SignOffRefused { step, role, name, reason, account, host, signature });
    }
    must_differ(plan, run, step.as_ref(), &role, &name, signature.as_deref())?;
    Ok(Record::SignedOff { step, role, name, account, host, signature })
}

/// Holds that this role's signature is missing now. Roles sign in any order.
fn signs_now(plan: &Plan, run: &Run, step: Option<&StepId>, role: &str) -> Result<(), Refusal> {
    match (run.awaiting(plan), step) {
        (Awaiting::SignOff(_), None) => {}
        (Awaiting::Approval(of, _), Some(step)) if of == *step => {}
        _ => return Err(Refusal::NotNow { what: "sign".into() }),
    }
    let missing = run.roles_to_sign(plan, step).contains(&role);
    if missing { Ok(()) } else { Err(Refusal::NoSuchRole { role: role.to_owned() }) }
}

/// Lists the roles that have not signed yet.
pub(super) fn missing<'p>(of: &'p SignOff, signed: &[SignedBy]) -> impl Iterator<Item = &'p str> {
    of.by.iter().map(String::as_str).filter(|role| !signed.iter().any(|by| by.role == *role))
}

/// Holds, where different people must sign, that this is another one: than those who signed here, and than those who
/// walked the run where that is asked, in the middle always and at the end where `operator` signs too.
fn must_differ(
    plan: &Plan,
    run: &Run,
    step: Option<&StepId>,
    role: &str,
    name: &str,
    signature: Option<&Signature>,
) -> Result<(), Refusal> {
    let (of, signed) = match step {
        None => (plan.sign_off.as_ref(), run.signed.as_slice()),
        Some(step) => {
            let signed = run.step(plan, step).map(|state| state.signed.as_slice());
            (plan.step(step).and_then(signers), signed.unwrap_or_default())
        }
    };
    let Some(of) = of.filter(|of| of.distinct) else { return Ok(()) };
    let apart = step.is_some() || of.by.iter().any(|role| role == OPERATOR);
    let operators = run.operators.iter().filter(|_| apart && role != OPERATOR).map(String::as_str);
    if operators.chain(signed.iter().map(|by| by.name.as_str())).any(|other| same_person(other, name)) {
        return Err(Refusal::MustDiffer { name: name.to_owned() });
    }
    let key = |by: &SignedBy| by.signature.as_ref().is_some_and(|has| signature.is_some_and(|new| new.key == has.key));
    match signed.iter().find(|by| key(by)) {
        Some(by) => Err(Refusal::SameKey { name: by.name.clone() }),
        None => Ok(()),
    }
}

/// Says whether two names are those of one person: `Ann`, `ann ` and, where only one has a domain, `ann@example.org`.
#[must_use]
pub fn same_person(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim().to_lowercase(), other.trim().to_lowercase());
    match (one.split_once('@'), other.split_once('@')) {
        (Some((local, _)), None) => local == other,
        (None, Some((local, _))) => local == one,
        (Some(_), Some(_)) | (None, None) => one == other,
    }
}

impl Run {
    /// Lists the roles that have not signed yet: a step, or everything at the end.
    #[must_use]
    pub fn roles_to_sign<'p>(&self, plan: &'p Plan, step: Option<&StepId>) -> Vec<&'p str> {
        let (of, signed) = match step {
            None => (plan.sign_off.as_ref(), self.signed.as_slice()),
            Some(step) => {
                let signed = self.step(plan, step).map(|state| state.signed.as_slice());
                (plan.step(step).and_then(signers), signed.unwrap_or_default())
            }
        };
        of.map(|of| missing(of, signed).collect()).unwrap_or_default()
    }

    /// Takes a signature in.
    pub(super) fn signed_off(&mut self, plan: &Plan, step: Option<&StepId>, by: SignedBy) {
        let Some(step) = step else { return self.signed.push(by) };
        let (at, target) = (by.at, Target::step(step));
        self.set(plan, &target, |state| state.signed.push(by));
        let Some((spec, state)) = plan.step(step).zip(self.step(plan, step)) else { return };
        if signers(spec).is_none_or(|of| missing(of, &state.signed).next().is_some()) {
            return;
        }
        if approval(spec).is_none() {
            self.set(plan, &target, |state| state.unsigned = false);
        } else if state.state == StepState::Waiting {
            self.acted(plan, &target, at);
        }
    }

    /// A step that somebody signs once it is done waits for them.
    pub(super) fn wants_signatures(&mut self, plan: &Plan, target: &Target) {
        let wants =
            |step: &Step| approval(step).is_none() && step.sign_off.as_ref().is_some_and(|of| !of.by.is_empty());
        if target.undo.is_none() && plan.step(&target.step).is_some_and(wants) {
            self.set(plan, target, |state| {
                if matches!(state.state, StepState::Done | StepState::Warned) {
                    state.signed.clear();
                    state.unsigned = true;
                }
            });
        }
    }

    /// A role refused: the step has failed, and a person decides.
    pub(super) fn sign_off_refused(&mut self, plan: &Plan, step: &StepId, told: String, at: Timestamp) {
        self.set(plan, &Target::step(step), |state| {
            state.note = Some(told);
            state.signed.clear();
            state.unsigned = false;
            state.fail(at);
        });
    }
}

impl StepRun {
    /// Says whether it is done, and somebody who must sign it has not yet.
    #[must_use]
    pub fn unsigned(&self) -> bool {
        self.unsigned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_domain_is_the_same_name() {
        for (one, other) in [("Ann", "ann "), ("ann@example.org", "Ann"), ("ann", "ann@example.org")] {
            assert!(same_person(one, other), "{one} {other}");
        }
        for (one, other) in [("ann", "anna"), ("ann@example.org", "ann@example.com"), ("ann@example.org", "bo")] {
            assert!(!same_person(one, other), "{one} {other}");
        }
    }
}
