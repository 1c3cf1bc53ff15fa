//! Extended attributes of a file, access lists among them: read, given to another file, and written down to be sealed.
//!
//! All of a file's attributes are kept or it is an error; left out are only the kernel's own fingerprints of what is in
//! the file (`security.ima`, `security.evm`), which another content makes wrong. A file system without attributes has none.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fs::File;
use std::path::Path;

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// The most bytes of all names, and of one value: the kernel's own limit.
const LARGEST: usize = 64 << 10;

/// The extended attributes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attributes(BTreeMap<String, Vec<u8>>);

impl Attributes {
    /// Reads those of an open file.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(crate) fn of(file: &File, path: &Path) -> Result<Self, String> {
        let wrong = |what: &str, error: Errno| format!("{}: {what} could not be read: {error}", path.display());
        let mut names = vec![0; LARGEST];
        let length = match flistxattr(file, names.as_mut_slice()) {
            Ok(length) => length,
            Err(Errno::NOTSUP | Errno::NOSYS) => 0,
            Err(error) => return Err(wrong("its extended attributes", error)),
        };
        let mut known = BTreeMap::new();
        for name in names[..length].split_inclusive(|byte| *byte == 0) {
            let Some(text) = CStr::from_bytes_with_nul(name).ok().and_then(|name| name.to_str().ok()) else {
                return Err(format!("{} has an extended attribute whose name is not UTF-8 text", path.display()));
            };
            if matches!(text, "security.ima" | "security.evm") {
                continue;
            }
            let mut value = vec![0; LARGEST];
            match fgetxattr(file, text, value.as_mut_slice()) {
                Ok(length) => value.truncate(length),
                // Removed in between.
                Err(Errno::NODATA) => continue,
                Err(error) => return Err(wrong(&format!("its extended attribute {text}"), error)),
            }
            known.insert(text.to_owned(), value);
        }
        Ok(Self(known))
    }

    /// Says whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives a file these attributes and no others. `path` is for the sentence.
    ///
    /// # Errors
    /// Which one could not be kept: a sentence.
    pub(crate) fn give(&self, file: &File, path: &Path) -> Result<(), String> {
        let lost = |name: &str, error: Errno| {
            format!("{} has the extended attribute {name}, and that could not be kept: {error}", path.display())
        };
        let now = Self::of(file, path)?;
        for name in now.0.keys().filter(|name| !self.0.contains_key(*name)) {
            // A folder's own rules give every new file some; what the system insists on (a label) cannot be taken away.
            match fremovexattr(file, name.as_str()) {
                Ok(()) | Err(Errno::NODATA) => {}
                Err(_) if name.starts_with("security.") => {}
                Err(error) => return Err(lost(name, error)),
            }
        }
        for (name, value) in self.0.iter().filter(|(name, value)| now.0.get(*name) != Some(value)) {
            fsetxattr(file, name.as_str(), value, XattrFlags::empty()).map_err(|error| lost(name, error))?;
        }
        Ok(())
    }
}
