//! What somebody signs with a key, and whether a signature is good.
//!
//! A [`Statement`] is a text that a person can read: which run, which step, in which role, by which name, signed or refused,
//! and the hash of the journal's last line, which stands for everything before it. It is signed and checked as `git` does
//! it: SSHSIG (`PROTOCOL.sshsig` of OpenSSH) by the system's `ssh-keygen`, so that an agent, a hardware key or a key with a
//! passphrase works, and so that anybody can check a signature without this program.
//!
//! It knows no journal and no run: whether the head is one of this journal is for the caller. What must stay true: a
//! statement has exactly one text; a signature is good only for that text in the namespace [`NAMESPACE`]; and no key is
//! ever read here, only named to `ssh-keygen`.

mod keygen;
mod statement;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;

pub use keygen::{KeyFile, listed, sign, verify};
pub use statement::{Decision, Statement};

/// The namespace of these signatures: one made for a commit or a file is none.
pub const NAMESPACE: &str = "runsheet";

/// Whose keys are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// An `allowed_signers` file (see `ssh-keygen(1)`). Without one, a signature proves which key made it, and not whose
    /// that is.
    pub signers: Option<PathBuf>,
    /// Keys that are no longer believed: a list of public keys, or a key revocation list.
    pub revoked: Option<PathBuf>,
    /// When the key must have been good: a key that was limited in time is judged for that moment. Now where left out.
    pub at: Option<Timestamp>,
}

/// Who made a good signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The key's fingerprint: `SHA256:…`.
    pub key: String,
    /// The name under which the key stands in `allowed_signers`; none where there is no such file.
    pub principal: Option<String>,
}

/// Why a signature is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// It was not made for this text, or is no signature.
    Forged(String),
    /// The key is good, and not among those that are believed.
    UnknownKey {
        /// Its fingerprint.
        key: String,
    },
    /// The key is somebody else's.
    OtherName {
        /// Its fingerprint.
        key: String,
        /// Whose it is.
        principals: Vec<String>,
        /// Who is said to have signed.
        name: String,
    },
    /// The key was taken back.
    Revoked {
        /// Its fingerprint.
        key: String,
    },
    /// It is that person's key, and may not be used for this, or not at that time.
    NotNow {
        /// Its fingerprint.
        key: String,
        /// What `ssh-keygen` says.
        why: String,
    },
    /// It cannot be checked here: a sentence.
    Unchecked(String),
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forged(why) => {
                write!(f, "the signature was not made for what is to be signed here, or was changed since ({why})")
            }
            Self::UnknownKey { key } => write!(f, "the key {key} is not among the allowed signers"),
            Self::OtherName { key, principals, name } => {
                write!(f, "the key {key} is that of {}, not of {name}", principals.join(", "))
            }
            Self::Revoked { key } => write!(f, "the key {key} was revoked"),
            Self::NotNow { key, why } => write!(f, "the key {key} may not be used for this now: {why}"),
            Self::Unchecked(why) => write!(f, "the signature cannot be checked: {why}"),
        }
    }
}
