//! Who checks signatures that are handed in: a part of a session that is put in by `app`, where keys and their list are known.
//!
//! The session asks it before the engine hears of a signature. What must stay true: what is not proved does not reach the
//! engine as a signature, and nothing is written down of what was refused.

use crate::engine::{Refusal, Run, Signature};
use crate::front::Handed;
use crate::playbook::plan::Plan;

/// Checks signatures.
pub trait Notary: Send {
    /// Says whether a typed name is enough to sign.
    fn takes_typed(&self) -> bool;

    /// Checks what was handed in against the run as it stands.
    ///
    /// # Errors
    /// A [`Refusal`]: why it proves nothing.
    fn check(&self, plan: &Plan, run: &Run, handed: &Handed) -> Result<Option<Box<Signature>>, Refusal>;
}

/// Knows no keys: a typed name is taken, a signature is not.
#[derive(Clone, Copy, Debug)]
pub struct NoKeys;

impl Notary for NoKeys {
    fn takes_typed(&self) -> bool {
        true
    }

    fn check(&self, _: &Plan, _: &Run, handed: &Handed) -> Result<Option<Box<Signature>>, Refusal> {
        match handed.proof {
            None => Ok(None),
            Some(_) => Err(Refusal::Unproven { why: "signatures are not checked here".to_owned() }),
        }
    }
}
