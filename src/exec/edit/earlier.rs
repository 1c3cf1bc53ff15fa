//! The copies that were sealed before an edit was first tried: by them a second attempt knows what the first one wrote.
//!
//! It opens the copy of one file at a time and changes nothing. What must stay true: a copy that cannot be opened is
//! told, never taken for a file that was not copied.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::engine::SavedFile;
use crate::exec::files::Found;
use crate::exec::scene::Scene;
use crate::exec::snapshot;

/// What is known of the files from before the first attempt.
#[derive(Clone, Debug, Default)]
pub(in crate::exec) struct Earlier {
    /// The copies, the oldest of each file.
    files: Vec<SavedFile>,
    /// Where they are; nowhere in a dry run.
    folder: Option<PathBuf>,
}

impl Earlier {
    /// Names the copies of a step.
    pub(in crate::exec) fn of(files: Vec<SavedFile>, folder: Option<PathBuf>) -> Self {
        Self { files, folder }
    }

    /// Opens the copy of a file; none where there is none. What was no file then had nothing in it.
    ///
    /// # Errors
    /// Why the copy cannot be opened: a sentence.
    pub(super) fn copy_of(&self, found: &Found, scene: &Scene) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        let known = self.files.iter().find(|file| found.path.to_str() == Some(file.path.as_str()));
        match (known, &self.folder) {
            (Some(file), Some(folder)) => {
                snapshot::open(file, folder, scene).map(|copy| copy.or_else(|| Some(Zeroizing::default())))
            }
            (Some(_) | None, _) => Ok(None),
        }
    }
}
