//! Checks the signatures of a run against the keys that its user believes, and against its journal.
//!
//! What must stay true: a signature is taken only for this run, step, role, name and decision, and only when its signer had
//! seen the journal as it stood when the signature was awaited, or later: one that was given before is none.

use crate::engine::{Awaiting, Refusal, Run, Signature};
use crate::front::Handed;
use crate::journal::{self, RunFolder};
use crate::playbook::plan::{Plan, StepId};
use crate::session::Notary;
use crate::signature::{self, Decision, Statement};

use super::config::{SignOff, Typed};

/// Checks signatures of one run.
pub(super) struct Keys {
    /// The run's folder.
    pub(super) folder: RunFolder,
    /// Whose keys are believed.
    pub(super) sign_off: SignOff,
}

impl Notary for Keys {
    fn takes_typed(&self) -> bool {
        self.sign_off.typed == Typed::Allowed
    }

    fn check(&self, plan: &Plan, run: &Run, handed: &Handed) -> Result<Option<Box<Signature>>, Refusal> {
        let Some(proof) = &handed.proof else { return Ok(None) };
        let refused = |why: String| Refusal::Unproven { why };
        let statement = statement(run, handed, &proof.head);
        let signer = signature::verify(&statement, &proof.armored, &self.sign_off.allowed())
            .map_err(|unproven| refused(unproven.to_string()))?;
        let heads = heads(&self.folder, plan, handed.step.as_ref())
            .map_err(|why| refused(format!("the journal cannot be read: {why}")))?;
        if !heads.contains(&proof.head) {
            let why = "it was given before this was to be signed, or is of another journal; sign anew";
            return Err(refused(why.to_owned()));
        }
        let (key, principal) = (signer.key, signer.principal);
        Ok(Some(Box::new(Signature { key, principal, head: proof.head.clone(), armored: proof.armored.clone() })))
    }
}

/// Makes the statement that was signed.
pub(super) fn statement(run: &Run, handed: &Handed, head: &str) -> Statement {
    let begun = run.begun.as_ref();
    Statement {
        run: begun.map(|begun| begun.run.clone()).unwrap_or_default(),
        step: handed.step.as_ref().map(ToString::to_string),
        role: handed.role.clone(),
        name: handed.name.clone(),
        decision: if handed.refused.is_some() { Decision::Refused } else { Decision::Signed },
        reason: handed.refused.clone(),
        head: head.to_owned(),
        playbook_sha256: begun.map(|begun| begun.sha256.clone()).unwrap_or_default(),
    }
}

/// Lists the heads of the journal since a signature has been awaited without a break: none where it is not awaited now.
fn heads(folder: &RunFolder, plan: &Plan, step: Option<&StepId>) -> Result<Vec<String>, String> {
    let (mut run, mut heads) = (Run::new(plan), Vec::new());
    let read = journal::read_heads(&folder.journal(), |stamped, head| {
        run.apply(plan, &stamped);
        let awaited = match (run.awaiting(plan), step) {
            (Awaiting::SignOff(_), None) => true,
            (Awaiting::Approval(of, _), Some(step)) => of == *step,
            // Anything else that is awaited is no signature, or another one.
            _ => false,
        };
        if awaited {
            heads.push(head.to_owned());
        } else {
            heads.clear();
        }
    });
    read.map(|_| heads).map_err(|error| error.to_string())
}
