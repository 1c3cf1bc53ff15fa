//! The file of the operator's key, as it is on disk: plain, or protected by a passphrase as `age -p` protects one.
//!
//! Its text is kept whole whatever is done to it: comments and further keys stay. What must stay true: after a crash at any
//! moment the file is the old one or the new one, and both hold the same keys; nobody but its owner can read it; a new file
//! takes the old one's place only once it was opened again.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Secret;

/// How much work a guess at the passphrase takes: 2 to this power, as `age` has it (about a second and 256 MiB).
const WORK: u8 = 18;
/// The most work that is done to open a file, as `age` has it: what asks for more was made to stop us.
const MOST_WORK: u8 = 22;
/// No file with a key is longer.
const LONGEST: u64 = 1 << 20;

/// What stands in the file of a key.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
}

impl KeyFile {
    /// The fewest characters of a passphrase.
    pub const SHORTEST: usize = 8;

    /// Reads the file; none where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or others could: a sentence for the operator.
    pub fn read(path: &Path) -> Result<Option<Self>, String> {
        let failed = |error: io::Error| format!("the key {} cannot be read: {error}", path.display());
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            let shown = path.display();
            return Err(format!(
                "the key {shown} can be read by others (mode {:o}); run `chmod 600 {shown}`, \
                 and if others use this machine move it away so that a new one is made",
                mode & 0o777
            ));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(8192));
        file.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Some(Self { path: path.to_owned(), bytes }))
    }

    /// Returns the place of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says whether a passphrase is needed to read the key.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.bytes.starts_with(b"age-encryption.org/") || self.bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
    }

    /// Returns the text with the key in it; none when this is not the passphrase.
    ///
    /// # Errors
    /// When the file is damaged, or is none of these: a sentence for the operator.
    pub(super) fn text(&self, passphrase: Option<&Secret>) -> Result<Option<Zeroizing<String>>, String> {
        let damaged = |why: &str| {
            format!(
                "the key {} cannot be used: {why}; put a copy of it there, or move it away so that a new one is made",
                self.path.display()
            )
        };
        let utf8 = |bytes: &[u8]| std::str::from_utf8(bytes).map(|text| Zeroizing::new(text.to_owned()));
        if !self.is_protected() {
            return utf8(&self.bytes).map(Some).map_err(|_| damaged("it is no text"));
        }
        let Some(passphrase) = passphrase else { return Ok(None) };
        let decryptor = Decryptor::new_buffered(ArmoredReader::new(self.bytes.as_slice()));
        let decryptor = decryptor.map_err(|error| damaged(&error.to_string()))?;
        if !decryptor.is_scrypt() {
            return Err(damaged("it is encrypted, but not by a passphrase"));
        }
        let mut identity = scrypt::Identity::new(SecretString::from(passphrase.expose().to_owned()));
        identity.set_max_work_factor(MOST_WORK);
        let mut reader = match decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)) {
            Ok(reader) => reader,
            Err(DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys) => {
                return Ok(None);
            }
            Err(error) => return Err(damaged(&error.to_string())),
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(self.bytes.len()));
        reader.read_to_end(&mut plain).map_err(|error| damaged(&error.to_string()))?;
        utf8(&plain).map(Some).map_err(|_| damaged("there is no text in it"))
    }

    /// Puts the key under a passphrase, or (without a new one) takes it from under the old.
    ///
    /// # Errors
    /// When the old one is wrong, or the file cannot be written; the old file is there then. A sentence for the operator.
    pub fn protect(&self, old: Option<&Secret>, new: Option<&Secret>) -> Result<(), String> {
        let text = self.text(old)?.ok_or("that is not its passphrase")?;
        let sealed = match new {
            Some(new) => seal(&text, new).map_err(|error| self.unwritten(&error))?,
            None => text.as_bytes().to_vec(),
        };
        let again = Self { path: self.path.clone(), bytes: Zeroizing::new(sealed) };
        if again.text(new)?.is_none_or(|back| *back != *text) {
            return Err(self.unwritten(&io::Error::other("it does not open again")));
        }
        self.replace(&again.bytes).map_err(|error| self.unwritten(&error))
    }

    fn unwritten(&self, error: &io::Error) -> String {
        format!("the key {} cannot be written anew: {error}; it is as it was", self.path.display())
    }

    /// Writes beside the file and puts that in its place; a link stays a link.
    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let path = fs::canonicalize(&self.path)?;
        let folder = path.parent().ok_or_else(|| io::Error::other("it has no folder"))?;
        let mode = Permissions::from_mode(0o600);
        let mut file = tempfile::Builder::new().prefix(".identity").permissions(mode.clone()).tempfile_in(folder)?;
        file.as_file().set_permissions(mode)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|lost| lost.error)?;
        File::open(folder)?.sync_all()
    }
}

/// Encrypts a text as `age --passphrase --armor` does.
fn seal(text: &str, passphrase: &Secret) -> io::Result<Vec<u8>> {
    let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase.expose().to_owned()));
    recipient.set_work_factor(WORK);
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient));
    let encryptor = encryptor.map_err(io::Error::other)?;
    let mut sealed = Vec::new();
    let armor = ArmoredWriter::wrap_output(&mut sealed, Format::AsciiArmor)?;
    let mut writer = encryptor.wrap_output(armor)?;
    writer.write_all(text.as_bytes())?;
    writer.finish()?.finish()?;
    Ok(sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Identity;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_key_goes_under_a_passphrase_and_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        let (key, _) = Identity::load_or_create(&path).unwrap();
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("# another key of mine\n");
        fs::write(&path, &text).unwrap();
        let file = || KeyFile::read(&path).unwrap().unwrap();

        assert!(!file().is_protected());
        file().protect(None, Some(&secret("CANARY-first phrase"))).unwrap();
        assert!(file().is_protected());
        let on_disk = fs::read_to_string(&path).unwrap();
        assert!(on_disk.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n") && !on_disk.contains("AGE-SECRET"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(Identity::load_or_create(&path).unwrap_err().contains("protected by a passphrase"));
        assert!(Identity::unlock(&file(), &secret("CANARY-other phrase")).unwrap().is_none());
        assert!(file().protect(Some(&secret("CANARY-other phrase")), None).is_err());

        file().protect(Some(&secret("CANARY-first phrase")), Some(&secret("CANARY-second"))).unwrap();
        let opened = Identity::unlock(&file(), &secret("CANARY-second")).unwrap().unwrap();
        assert_eq!(opened.public(), key.public());
        file().protect(Some(&secret("CANARY-second")), None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_key_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        assert!(KeyFile::read(&path).unwrap().is_none());
        let to_a_key = Identity::passing().seal(b"CANARY-inside").unwrap();
        for (bytes, told) in [
            (to_a_key.as_slice(), "not by a passphrase"),
            (b"age-encryption.org/v1\nnonsense", "cannot be used"),
            (b"\xff\xfe", "it is no text"),
        ] {
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            let file = KeyFile::read(&path).unwrap().unwrap();
            let said = file.text(Some(&secret("CANARY-phrase"))).unwrap_err();
            assert!(said.contains(told), "{said}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(KeyFile::read(&path).unwrap_err().contains("chmod 600"));
    }
}
