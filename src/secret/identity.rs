//! The operator's key: an age identity (X25519) in a file that `age` itself can use.
//!
//! It is made on first use. What must stay true: nobody but its owner can read the file at any moment of its life, whatever
//! the umask; a key that is there is never replaced.

use std::fmt;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use age::x25519;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::{KeyFile, Secret};

/// The key that vaults and snapshots are encrypted to.
#[derive(Clone)]
pub struct Identity(x25519::Identity);

impl Identity {
    /// Makes a key that is in no file: for a dry run, which keeps nothing.
    #[must_use]
    pub fn passing() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Reads the key, or makes it where there is none; says whether it was made.
    ///
    /// # Errors
    /// When the file cannot be read or made, is no key, is protected, or can be read by others: a sentence for the operator.
    pub fn load_or_create(path: &Path) -> Result<(Self, bool), String> {
        match KeyFile::read(path)? {
            Some(file) => Ok((Self::plain(&file)?, false)),
            None => Self::create(path),
        }
    }

    /// Opens a protected key; none when this is not its passphrase.
    ///
    /// # Errors
    /// When the file is damaged or holds no key: a sentence for the operator.
    pub fn unlock(file: &KeyFile, passphrase: &Secret) -> Result<Option<Self>, String> {
        let text = file.text(Some(passphrase))?;
        text.map(|text| Self::load(file.path(), &text)).transpose()
    }

    fn plain(file: &KeyFile) -> Result<Self, String> {
        match file.text(None)? {
            Some(text) => Self::load(file.path(), &text),
            None => Err(format!("the key {} is protected by a passphrase, and none was given", file.path().display())),
        }
    }

    /// Returns the public half, as `age -r` takes it.
    #[must_use]
    pub fn public(&self) -> String {
        self.0.to_public().to_string()
    }

    /// Encrypts in the age format.
    pub(super) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, String> {
        age::encrypt(&self.0.to_public(), plain).map_err(|error| format!("encrypting failed: {error}"))
    }

    /// Decrypts what [`Identity::seal`] gave.
    pub(super) fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
        age::decrypt(&self.0, sealed).map(Zeroizing::new).map_err(|error| error.to_string())
    }

    fn load(path: &Path, text: &str) -> Result<Self, String> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let key = line.and_then(|line| line.parse().ok()).ok_or_else(|| {
            let shown = path.display();
            format!("{shown} holds no age key (a line `AGE-SECRET-KEY-1…`); move it away so that a new one is made")
        })?;
        Ok(Self(key))
    }

    /// Writes a new key beside the place and links it there, so that two programs started at once end with one key.
    fn create(path: &Path) -> Result<(Self, bool), String> {
        let failed = |error: io::Error| format!("the key {} cannot be made: {error}", path.display());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;

        let key = Self::passing();
        let mut file = tempfile::Builder::new()
            .prefix(".identity")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(folder)
            .map_err(failed)?;
        file.as_file().set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
        let text = Zeroizing::new(format!("# public key: {}\n{}\n", key.public(), key.0.to_string().expose_secret()));
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        match file.persist_noclobber(path) {
            Ok(_) => {}
            Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => {
                let file = KeyFile::read(path)?.ok_or_else(|| failed(lost.error))?;
                return Ok((Self::plain(&file)?, false));
            }
            Err(lost) => return Err(failed(lost.error)),
        }
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok((key, true))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/identity");
        let (made, created) = Identity::load_or_create(&path).unwrap();
        assert!(created);
        let (read, created) = Identity::load_or_create(&path).unwrap();
        assert!(!created);
        assert_eq!(made.public(), read.public());
        assert_eq!(*read.open(&made.seal(b"CANARY-sealed").unwrap()).unwrap(), b"CANARY-sealed");

        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().next().unwrap(), format!("# public key: {}", made.public()));
        assert!(!format!("{made:?}").contains("AGE-SECRET"));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn refuses_a_key_that_others_can_read_and_a_file_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        Identity::load_or_create(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let told = Identity::load_or_create(&path).unwrap_err();
        assert!(told.contains("mode 640") && told.contains("chmod 600"), "{told}");

        fs::write(&path, "# nothing\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let told = Identity::load_or_create(&path).unwrap_err();
        assert!(told.contains("holds no age key"), "{told}");
    }

    #[test]
    fn another_key_does_not_open_it() {
        let sealed = Identity::passing().seal(b"CANARY-sealed").unwrap();
        assert!(Identity::passing().open(&sealed).is_err());
    }
}
