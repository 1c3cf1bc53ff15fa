//! What the operator was shown of an edit: it is carried out on those very files, or not at all.
//!
//! It knows files by fingerprints, not by what is in them. What must stay true: where a diff was worked out for somebody
//! to look at, nothing is written that differs from it.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::Change;

/// The files that a diff was worked out from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::exec) struct Seen {
    /// Each file with the SHA-256 of its bytes; none where no diff could be made.
    files: Option<Vec<(PathBuf, [u8; 32])>>,
}

impl Seen {
    /// Remembers what a diff was made from, or that there was none.
    pub(in crate::exec) fn of(changes: Option<&[Change]>) -> Self {
        Self { files: changes.map(|changes| changes.iter().map(mark).collect()) }
    }

    /// Checks that changes are those that were shown.
    ///
    /// # Errors
    /// Which file is another one by now: a sentence.
    pub(in crate::exec) fn agrees(&self, changes: &[Change]) -> Result<(), String> {
        let Some(files) = &self.files else {
            return Err("what this changes could not be shown before, and can be now; nothing was written: \
                        look at the diff, then start it again"
                .to_owned());
        };
        match changes.iter().find(|change| !files.contains(&mark(change))) {
            Some(change) => Err(format!(
                "{} was changed since its diff was shown; nothing was written: look at the new diff, then start it again",
                change.named
            )),
            None => Ok(()),
        }
    }
}

fn mark(change: &Change) -> (PathBuf, [u8; 32]) {
    (change.path.clone(), Sha256::digest(change.old.as_bytes()).into())
}
