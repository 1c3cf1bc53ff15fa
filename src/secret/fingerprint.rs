//! Fingerprints: enough of a secret to say that two are the same one, and no more.
//!
//! They go into the journal and into reports, so they are keyed: without the run's key a fingerprint cannot be tried
//! against guesses. What must stay true: the same key and secret always give the same fingerprint.

use sha2::{Digest, Sha256};

use super::Secret;

/// The block of SHA-256 in bytes.
const BLOCK: usize = 64;
/// How many bytes of the whole are kept.
const KEPT: usize = 4;

/// Returns the first 8 hexadecimal digits of HMAC-SHA-256.
#[must_use]
pub fn fingerprint(key: &[u8], secret: &Secret) -> String {
    use std::fmt::Write as _;

    let mut text = String::with_capacity(2 * KEPT);
    for byte in &hmac(key, secret.expose().as_bytes())[..KEPT] {
        // writing to a String does not fail
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// HMAC as RFC 2104 has it.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_hmac_sha_256() {
        // RFC 4231, test cases 2 and 6
        let secret = Secret::new("what do ya want for nothing?".to_owned());
        assert_eq!(fingerprint(b"Jefe", &secret), "5bdcc146");
        let secret = Secret::new("Test Using Larger Than Block-Size Key - Hash Key First".to_owned());
        assert_eq!(fingerprint(&[0xaa; 131], &secret), "60e43159");
    }
}
