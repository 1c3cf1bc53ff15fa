//! A file as later edits would leave it: tried in memory, before the values for it are all known.
//!
//! What must stay true: an edit is refused only where no value that is still to come could make it fit.

use std::path::Path;

use zeroize::Zeroizing;

use super::Change;
use crate::exec::scene::Scene;
use crate::exec::{files, replaceable};
use crate::playbook::plan::{EditPlace, EditSpec, Put};

/// A file as it would be after the edits so far.
pub(in crate::exec) struct Draft {
    change: Change,
    /// What is in the file now.
    disk: Zeroizing<String>,
    unknown: Unknown,
}

/// What of a draft is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unknown {
    Nothing,
    /// Passwords inside URLs: percent-encoded, so they match nothing but what matches passwords.
    Passwords,
    /// Values in which anything may stand.
    Anything,
}

impl Draft {
    /// Takes a file up.
    ///
    /// # Errors
    /// Why it could not be changed at all: a sentence with its name.
    pub(in crate::exec) fn of(named: &Path) -> Result<Self, String> {
        let found = files::read(named)?;
        replaceable::check(&found.path)?;
        let change = Change::none(&named.display().to_string(), found)?;
        Ok(Self { disk: change.old.clone(), change, unknown: Unknown::Nothing })
    }

    /// Says whether it is of this file.
    pub(in crate::exec) fn is_of(&self, path: &Path) -> bool {
        self.change.path == path
    }

    /// Tries an edit on top of those before it.
    ///
    /// # Errors
    /// What it would not find: a sentence with the file's name.
    pub(in crate::exec) fn try_edit(&mut self, spec: &EditSpec, scene: &Scene) -> Result<(), String> {
        let Err(wrong) = self.change.edit(spec, scene) else {
            if scene.has_gaps(&spec.put) {
                let unknown = match spec.put {
                    Put::UrlPassword(_) => Unknown::Passwords,
                    Put::Value(_) => Unknown::Anything,
                };
                self.unknown = self.unknown.max(unknown);
            }
            return Ok(());
        };
        let may_match = self.unknown == Unknown::Anything && matches!(spec.place, EditPlace::Match(_));
        if may_match || (self.unknown != Unknown::Nothing && self.fits_disk(spec, scene)) {
            return Ok(());
        }
        Err(format!("{}: {wrong}", self.change.named))
    }

    /// Says whether an edit would do on the file as it is now: a name in place of a value may be what is in its way.
    fn fits_disk(&self, spec: &EditSpec, scene: &Scene) -> bool {
        let disk = self.change.of_copy(self.disk.as_bytes());
        disk.is_ok_and(|mut disk| disk.edit(spec, scene).is_ok())
    }
}
