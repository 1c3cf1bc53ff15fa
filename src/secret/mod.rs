//! Secrets: the type, the vault that keeps them, the masker that keeps them out of sight, and how they are made.
//!
//! A secret is never text: it has no `Debug`, no `Serialize`, and is wiped when dropped. [`Secret::expose`] is the one
//! way to its text; whoever calls it hands the text to a child, a server, a file that was meant for it, or the vault.

mod fingerprint;
mod generate;
mod identity;
mod keyfile;
mod mask;
pub mod sealed;
mod search;
mod store;
mod vault;
pub mod wiped;

pub use fingerprint::fingerprint;
pub use generate::{Recipe, generate};
pub use identity::Identity;
pub use keyfile::KeyFile;
pub use mask::{MASK, MaskStream, Masker};
pub use search::{Place, search};
pub use store::Secrets;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A text that is never shown.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// Hands the text to what it is meant for.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns how many characters it has.
    #[must_use]
    pub fn chars(&self) -> usize {
        self.expose().chars().count()
    }
}

impl Secret {
    /// The fewest characters that can be kept out of sight.
    pub const SHORTEST: usize = 4;

    /// Says whether two secrets are equal, in a time that depends on their lengths alone.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let (one, two) = (self.expose().as_bytes(), other.expose().as_bytes());
        let differing = one.iter().zip(two).fold(0, |bits, (a, b)| bits | (a ^ b));
        one.len() == two.len() && std::hint::black_box(differing) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
