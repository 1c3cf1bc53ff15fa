//! The secrets of one run: looked up by name, kept in the vault, masked everywhere.
//!
//! One [`Secrets`] is shared by all threads of a run. What must stay true: a secret is masked before it is kept; it is
//! kept on disk before [`Secrets::keep`] returns; a value that a newer one has replaced stays masked and stays in the vault.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use zeroize::Zeroizing;

use super::{Identity, Masker, Place, Recipe, Secret, fingerprint, generate, search, vault};

/// The bytes of a key of fingerprints: as many as HMAC-SHA-256 gives.
const KEY: usize = 32;

/// The secrets of one run.
pub struct Secrets {
    path: Option<PathBuf>,
    identity: Identity,
    /// The key of the run's fingerprints.
    key: Secret,
    kept: Mutex<Kept>,
    /// Apart from the rest, so that output never waits for a disk.
    masker: RwLock<Arc<Masker>>,
}

struct Kept {
    /// Oldest first; of two with one name the later one counts.
    entries: Vec<(String, Secret)>,
    /// Only masked.
    registered: Vec<Secret>,
}

impl Secrets {
    /// Opens a run's vault; one that is not there yet is made with the first secret. Without a path nothing goes to disk.
    ///
    /// # Errors
    /// When there is a vault that cannot be read, or not with this key: a sentence for the operator.
    pub fn open(path: Option<PathBuf>, identity: &Identity) -> Result<Self, String> {
        let content =
            path.as_deref().map_or_else(|| Ok(vault::Content::default()), |path| vault::read(path, identity))?;
        let (entries, key) = (content.entries, content.key);
        // A vault without one is of an earlier version, or is still to be made: what has no key has no fingerprints yet.
        let key = key.map_or_else(|| generate(Recipe::Base64(KEY)), Ok)?;
        let masker = Masker::new(entries.iter().map(|(_, secret)| secret));
        Ok(Self {
            path,
            identity: identity.clone(),
            key,
            kept: Mutex::new(Kept { entries, registered: Vec::new() }),
            masker: RwLock::new(Arc::new(masker)),
        })
    }

    /// Returns the newest value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        self.kept().newest(name).cloned()
    }

    /// Keeps secrets: masked at once, on disk when it returns.
    ///
    /// # Errors
    /// When one is too short to be masked, or the vault cannot be written: a sentence for the operator. They stay masked, and
    /// none of them is kept.
    pub fn keep(&self, secrets: Vec<(String, Secret)>) -> Result<(), String> {
        if let Some((name, _)) =
            secrets.iter().find(|(_, secret)| secret.expose().trim().chars().count() < Secret::SHORTEST)
        {
            return Err(format!(
                "the secret {name} has fewer than {} characters: too short to be kept out of sight",
                Secret::SHORTEST
            ));
        }
        let mut kept = self.kept();
        let before = kept.entries.len();
        kept.entries.extend(secrets);
        self.rebuild(&kept);
        if let Some(path) = &self.path
            && let Err(told) = vault::write(path, &self.identity, &self.key, &kept.entries)
        {
            let failed = kept.entries.split_off(before);
            kept.registered.extend(failed.into_iter().map(|(_, secret)| secret));
            return Err(told);
        }
        Ok(())
    }

    /// Sets room on the disk aside for the vault's next write, before a step begins that cannot be undone.
    ///
    /// # Errors
    /// Why there is no room: a sentence for the operator. The vault is as it was.
    pub fn reserve(&self) -> Result<(), String> {
        let _kept = self.kept();
        self.path.as_deref().map_or(Ok(()), vault::reserve)
    }

    /// Masks a secret that is not of the run, such as an old password found in a file. It is not kept.
    pub fn register(&self, secret: Secret) {
        let mut kept = self.kept();
        if kept.all().any(|known| known.same(&secret)) {
            return;
        }
        kept.registered.push(secret);
        self.rebuild(&kept);
    }

    /// Returns the names that have a value, in the order in which they came.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in &self.kept().entries {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Returns the fingerprint of the newest value of a name. The same value has the same one all over the run, and another
    /// one in any other run; without the vault, which goes with the run's end, it says nothing of the value.
    #[must_use]
    pub fn fingerprint(&self, name: &str) -> Option<String> {
        self.kept().newest(name).map(|secret| fingerprint(self.key.expose().as_bytes(), secret))
    }

    /// Says whether a secret equals the newest value of a name.
    #[must_use]
    pub fn same(&self, name: &str, secret: &Secret) -> bool {
        self.kept().newest(name).is_some_and(|known| known.same(secret))
    }

    /// Returns the masker of all secrets there are now.
    #[must_use]
    pub fn masker(&self) -> Arc<Masker> {
        Arc::clone(&self.masker.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for the secrets in a finished text, apart from all masking. Without a vault, as of a closed run, only what looks
    /// like a secret by itself can be found.
    ///
    /// # Errors
    /// When the search cannot be made: a sentence for the operator.
    pub fn search(&self, text: &str) -> Result<Option<Place>, String> {
        let all: Vec<Secret> = self.kept().all().cloned().collect();
        search(text, &all)
    }

    /// Encrypts something that belongs to the run, such as a snapshot, in the age format.
    ///
    /// # Errors
    /// When that fails: a sentence for the operator.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, String> {
        self.identity.seal(plain)
    }

    /// Decrypts what [`Secrets::seal`] gave.
    ///
    /// # Errors
    /// When it is damaged or made for another key: a sentence for the operator.
    pub fn open_sealed(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
        self.identity
            .open(sealed)
            .map_err(|error| format!("it does not open with the key {}: {error}", self.identity.public()))
    }

    /// Deletes the vault and forgets its secrets. They stay masked.
    ///
    /// # Errors
    /// When the file cannot be deleted: a sentence for the operator.
    pub fn delete_vault(&self) -> Result<(), String> {
        let mut kept = self.kept();
        if let Some(path) = &self.path {
            vault::delete(path)?;
        }
        let entries = std::mem::take(&mut kept.entries);
        kept.registered.extend(entries.into_iter().map(|(_, secret)| secret));
        Ok(())
    }

    /// A thread that panicked leaves whole entries behind, so what it held can be used.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rebuild(&self, kept: &Kept) {
        let masker = Arc::new(Masker::new(kept.all()));
        *self.masker.write().unwrap_or_else(PoisonError::into_inner) = masker;
    }
}

impl Kept {
    fn newest(&self, name: &str) -> Option<&Secret> {
        self.entries.iter().rev().find(|(known, _)| known == name).map(|(_, secret)| secret)
    }

    fn all(&self) -> impl Iterator<Item = &Secret> {
        self.entries.iter().map(|(_, secret)| secret).chain(&self.registered)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn one(name: &str, text: &str) -> Vec<(String, Secret)> {
        vec![(name.to_owned(), secret(text))]
    }

    #[test]
    fn is_there_after_opening_again_and_masks_old_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.age");
        let identity = Identity::passing();
        let secrets = Secrets::open(Some(path.clone()), &identity).unwrap();
        assert!(!path.exists());
        secrets.keep(one("password", "CANARY-first")).unwrap();
        secrets.keep(one("password", "CANARY-second")).unwrap();
        secrets.keep(one("token", "CANARY-third")).unwrap();
        drop(secrets);

        let secrets = Secrets::open(Some(path.clone()), &identity).unwrap();
        assert_eq!(secrets.get("password").unwrap().expose(), "CANARY-second");
        assert!(secrets.get("other").is_none());
        assert_eq!(secrets.names(), ["password", "token"]);
        assert!(secrets.same("token", &secret("CANARY-third")));
        assert!(!secrets.same("token", &secret("CANARY-thirD")));
        assert!(!secrets.same("other", &secret("CANARY-third")));
        assert_eq!(secrets.masker().mask("a CANARY-first b CANARY-second c"), "a [secret] b [secret] c");

        secrets.delete_vault().unwrap();
        assert!(!path.exists() && secrets.get("token").is_none());
        assert_eq!(secrets.masker().mask("CANARY-third"), MASKED);
    }

    #[test]
    fn what_could_not_be_written_is_masked_but_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(Some(folder.path().join("missing/vault.age")), &Identity::passing()).unwrap();
        assert!(secrets.keep(one("password", "CANARY-lost")).is_err());
        assert!(secrets.get("password").is_none());
        assert_eq!(secrets.masker().mask("CANARY-lost"), MASKED);
    }

    #[test]
    fn fingerprints_tell_what_is_the_same_within_a_run_and_nothing_beyond_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.age");
        let identity = Identity::passing();
        let secrets = Secrets::open(Some(path.clone()), &identity).unwrap();
        assert!(secrets.fingerprint("a").is_none());
        secrets.keep(one("a", "CANARY-first")).unwrap();
        secrets.keep(one("b", "CANARY-first")).unwrap();
        let first = secrets.fingerprint("a").unwrap();
        assert!(first.len() == 8 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
        assert_eq!(secrets.fingerprint("b").as_ref(), Some(&first));
        secrets.keep(one("a", "CANARY-second")).unwrap();
        assert_ne!(secrets.fingerprint("a").as_ref(), Some(&first));
        drop(secrets);
        let again = Secrets::open(Some(path), &identity).unwrap();
        assert_eq!(again.fingerprint("b").as_ref(), Some(&first));

        let other = Secrets::open(None, &identity).unwrap();
        other.keep(one("a", "CANARY-first")).unwrap();
        assert_ne!(other.fingerprint("a").as_ref(), Some(&first));
    }

    #[test]
    fn without_a_path_it_works_in_memory() {
        let secrets = Secrets::open(None, &Identity::passing()).unwrap();
        secrets.keep(one("password", "CANARY-first")).unwrap();
        secrets.register(secret("CANARY-old"));
        assert_eq!(secrets.masker().mask("CANARY-old CANARY-first"), "[secret] [secret]");
        assert_eq!(secrets.names(), ["password"]);
        let sealed = secrets.seal(b"CANARY-file").unwrap();
        assert_eq!(*secrets.open_sealed(&sealed).unwrap(), b"CANARY-file");
        assert!(secrets.open_sealed(b"something else").is_err());
        secrets.delete_vault().unwrap();
    }

    #[test]
    fn refuses_what_cannot_be_masked() {
        let secrets = Secrets::open(None, &Identity::passing()).unwrap();
        let told = secrets.keep(one("pin", "123")).unwrap_err();
        assert!(told.contains("pin") && !told.contains("123"), "{told}");
        assert!(secrets.keep(one("pin", "    12 ")).is_err());
        assert!(secrets.keep(one("pin", "1234")).is_ok());
    }

    const MASKED: &str = crate::secret::MASK;
}
