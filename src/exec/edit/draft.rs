//! A file as later edits would leave it: tried in memory, before the values for it are all known.
//!
//! What must stay true: an edit that may look for a value that is still to come is not refused.

use std::path::Path;

use zeroize::Zeroizing;

use super::{Change, place};
use crate::exec::scene::Scene;
use crate::exec::{files, replaceable};
use crate::playbook::plan::{EditPlace, EditSpec};

/// A file as it would be after the edits so far.
pub(in crate::exec) struct Draft {
    change: Change,
    /// What is in the file now.
    disk: Zeroizing<String>,
    /// For each value that is not known yet, the last word before its place: what looks for the value names that word.
    unknown: Vec<String>,
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
        Ok(Self { disk: change.old.clone(), change, unknown: Vec::new() })
    }

    /// Takes up a file that an edit would make.
    ///
    /// # Errors
    /// Why it could not be made: a sentence with its name.
    pub(in crate::exec) fn of_new(named: &Path) -> Result<Self, String> {
        let found = files::read_or_new(named)?;
        replaceable::creatable(&found.path)?;
        let change = Change::none(&named.display().to_string(), found)?;
        Ok(Self { disk: change.old.clone(), change, unknown: Vec::new() })
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
        let words = if scene.has_gaps(&spec.put) { self.words_before(spec) } else { Vec::new() };
        let Err(wrong) = self.change.edit(spec, scene) else {
            self.unknown.extend(words);
            return Ok(());
        };
        if self.may_match(spec) || (!self.unknown.is_empty() && self.fits_disk(spec, scene)) {
            return Ok(());
        }
        Err(format!("{}: {wrong}", self.change.named))
    }

    /// Says whether an edit may look for a value that is still to come.
    fn may_match(&self, spec: &EditSpec) -> bool {
        match &spec.place {
            EditPlace::Match(pattern) => self.unknown.iter().any(|word| pattern.as_str().contains(word)),
            EditPlace::Dotenv(_) | EditPlace::Value(..) | EditPlace::Append { .. } => false,
        }
    }

    /// Lists the last word before each place of an edit, on its line.
    fn words_before(&self, spec: &EditSpec) -> Vec<String> {
        let text = &self.change.new;
        let places = place::find(text, &spec.place, spec.count).unwrap_or_default();
        let before = places.iter().map(|place| {
            let line = text[..place.range.start].rsplit('\n').next().unwrap_or_default();
            let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            words.rfind(|word| !word.is_empty()).unwrap_or_default().to_owned()
        });
        before.collect()
    }

    /// Says whether an edit would do on the file as it is now: a name in place of a value may be what is in its way.
    fn fits_disk(&self, spec: &EditSpec, scene: &Scene) -> bool {
        let disk = self.change.of_copy(self.disk.as_bytes());
        disk.is_ok_and(|mut disk| disk.edit(spec, scene).is_ok())
    }
}
