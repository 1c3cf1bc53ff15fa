//! What a signer's own terminal hands in: what they say, and what they signed it with. Nothing of it has been checked.

use serde::{Deserialize, Serialize};

use crate::engine::Signing;
use crate::playbook::plan::StepId;

/// A signature that is handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// The step whose approval it is; none for the sign-off at the end.
    #[serde(default)]
    pub step: Option<StepId>,
    /// The role.
    pub role: String,
    /// Their name.
    pub name: String,
    /// Why they refuse; none where they sign.
    #[serde(default)]
    pub refused: Option<String>,
    /// The account of the operating system.
    pub account: String,
    /// The machine.
    pub host: String,
    /// The signature; none where only a name was typed.
    #[serde(default)]
    pub proof: Option<Proof>,
}

/// A signature, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The hash of the last line of the journal that the signer had seen.
    pub head: String,
    /// The signature, as `ssh-keygen` writes it.
    pub armored: String,
}

impl Handed {
    /// Makes what the engine is told, as far as it can be told unchecked: without the signature.
    #[must_use]
    pub fn signing(&self) -> Signing {
        Signing {
            step: self.step.clone(),
            role: self.role.clone(),
            name: self.name.clone(),
            refused: self.refused.clone(),
            account: self.account.clone(),
            host: self.host.clone(),
            signature: None,
        }
    }
}
