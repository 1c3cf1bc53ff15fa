//! How a password is proven to a MySQL or MariaDB server without being sent.
//!
//! Two ways, which are those of accounts with a password: `mysql_native_password`, and `caching_sha2_password`, which may
//! ask for the password itself; it gets it only where nobody else can listen. Written from the descriptions of the protocol
//! in the manuals of MySQL ("Authentication Phase") and MariaDB ("Connecting").

use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Native,
    CachingSha2,
}

impl Way {
    /// Finds a way by the name that the protocol has for it.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "mysql_native_password" => Some(Self::Native),
            "caching_sha2_password" => Some(Self::CachingSha2),
            _ => None, // any name may stand there
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
        }
    }

    /// Answers the server's challenge. Without a password the answer is empty.
    pub(super) fn answer(self, password: Option<&str>, challenge: &[u8]) -> Zeroizing<Vec<u8>> {
        let Some(password) = password.filter(|password| !password.is_empty()) else { return Zeroizing::default() };
        match self {
            Self::Native => {
                let once = Zeroizing::new(Sha1::digest(password).to_vec());
                let twice = Sha1::digest(&*once);
                crossed(&once, &Sha1::new().chain_update(challenge).chain_update(twice).finalize())
            }
            Self::CachingSha2 => {
                let once = Zeroizing::new(Sha256::digest(password).to_vec());
                let twice = Sha256::digest(&*once);
                crossed(&once, &Sha256::new().chain_update(twice).chain_update(challenge).finalize())
            }
        }
    }
}

fn crossed(left: &[u8], right: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(left.iter().zip(right).map(|(left, right)| left ^ right).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server keeps a hash of a hash, and finds the first one in the answer.
    #[test]
    fn what_a_server_makes_of_an_answer() {
        let challenge: Vec<u8> = (1..=20).collect();
        let stored = Sha1::digest(Sha1::digest("CANARY-p"));
        let answer = Way::Native.answer(Some("CANARY-p"), &challenge);
        let mask = Sha1::new().chain_update(&challenge).chain_update(stored).finalize();
        assert_eq!(Sha1::digest(&*crossed(&answer, &mask)), stored);

        let stored = Sha256::digest(Sha256::digest("CANARY-p"));
        let answer = Way::CachingSha2.answer(Some("CANARY-p"), &challenge);
        let mask = Sha256::new().chain_update(stored);
        let mask = mask.chain_update(&challenge).finalize();
        assert_eq!(Sha256::digest(&*crossed(&answer, &mask)), stored);
        for way in [Way::Native, Way::CachingSha2] {
            assert!(way.answer(None, &challenge).is_empty() && way.answer(Some(""), &challenge).is_empty());
            assert_eq!(Way::of(way.name()), Some(way));
        }
        assert_eq!(Way::of("client_ed25519"), None);
    }
}
