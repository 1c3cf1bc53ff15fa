//! Changes files as a playbook's `edit` says.
//!
//! Everything is worked out before anything is written: [`compute`] reads the files and applies all edits in order, several of
//! one file on top of each other; [`apply`] then puts the new files in place one by one. Nothing is written when one edit
//! does not find what it expects, or when a file changed in between.

mod diff;
mod place;

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use zeroize::{Zeroize, Zeroizing};

use super::files::{self, Found, Standing};
use super::scene::Scene;
use crate::playbook::plan::{EditSpec, Given, Put};
use crate::secret::Secret;

/// What becomes of one file.
pub(super) struct Change {
    /// The file as the playbook names it.
    named: String,
    /// Its path, links followed.
    path: PathBuf,
    standing: Standing,
    old: Zeroizing<String>,
    new: Zeroizing<String>,
    /// Texts that a secret takes the place of.
    hidden: Vec<Zeroizing<String>>,
}

/// Works out what the edits change, without changing anything.
///
/// # Errors
/// What is not as expected, with the file's name: masked.
pub(super) fn compute(specs: &[EditSpec], scene: &Scene) -> Result<Vec<Change>, String> {
    let mut changes: Vec<Change> = Vec::new();
    for spec in specs {
        let named = scene.path(&spec.file)?;
        let found = files::read(&named)?;
        let at = changes.iter().position(|change| change.path == found.path);
        let at = at.unwrap_or(changes.len());
        if at == changes.len() {
            changes.push(Change::none(named.display().to_string(), found)?);
        }
        let change = &mut changes[at];
        change.edit(spec, scene).map_err(|wrong| scene.mask(&format!("{}: {wrong}", change.named)))?;
    }
    Ok(changes)
}

/// Shows what would change: a unified diff, masked.
pub(super) fn preview(changes: &[Change], scene: &Scene) -> String {
    changes.iter().map(|change| diff::show(change, scene)).collect()
}

/// Puts the new files in place and says what was changed.
///
/// # Errors
/// What went wrong, and which files had been changed by then.
pub(super) fn apply(changes: &[Change]) -> Result<String, String> {
    let mut ready = Vec::new();
    for change in changes {
        if files::read(&change.path)?.bytes.as_slice() != change.old.as_bytes() {
            return Err(format!("{} was changed by somebody else meanwhile; nothing was written", change.named));
        }
        if change.old != change.new {
            ready.push((&change.named, files::prepare(&change.path, change.new.as_bytes(), change.standing)?));
        }
    }
    let mut done: Vec<&str> = Vec::new();
    for (named, file) in ready {
        if let Err(wrong) = file.put() {
            return Err(if done.is_empty() {
                format!("{wrong}; nothing was written")
            } else {
                format!("{wrong}; already changed: {}", done.join(", "))
            });
        }
        done.push(named);
    }
    let same: Vec<&str> =
        changes.iter().filter(|change| change.old == change.new).map(|change| change.named.as_str()).collect();
    Ok(match (done.as_slice(), same.as_slice()) {
        (done, []) => format!("changed {}", done.join(", ")),
        ([], same) => format!("{} had what is wanted already", same.join(", ")),
        (done, same) => format!("changed {}; {} had what is wanted already", done.join(", "), same.join(", ")),
    })
}

impl Change {
    fn none(named: String, found: Found) -> Result<Self, String> {
        let text = match std::str::from_utf8(&found.bytes) {
            Ok(text) => Zeroizing::new(text.to_owned()),
            Err(error) => {
                let line = String::from_utf8_lossy(&found.bytes[..error.valid_up_to()]).matches('\n').count() + 1;
                return Err(format!("{named}: line {line} is not UTF-8 text"));
            }
        };
        let (path, standing) = (found.path, found.standing);
        Ok(Self { named, path, standing, old: text.clone(), new: text, hidden: Vec::new() })
    }

    fn edit(&mut self, spec: &EditSpec, scene: &Scene) -> Result<(), String> {
        let mut places = place::find(&self.new, &spec.place, spec.count)?;
        let (put, secret) = match &spec.put {
            Put::Value(given) => {
                let value = scene.given(given)?;
                (Zeroizing::new(value.expose().to_owned()), matches!(given, Given::Secret(_)))
            }
            Put::UrlPassword(name) => {
                for place in &mut places {
                    *place = place::password(&self.new, place)?;
                }
                for place in &places {
                    // The old one too must not be seen from now on, wherever it turns up.
                    let old = &self.new[place.range.clone()];
                    scene.secrets.register(Secret::new(old.to_owned()));
                    if let Ok(decoded) = percent_decode_str(old).decode_utf8() {
                        scene.secrets.register(Secret::new(decoded.into_owned()));
                    }
                }
                let new = scene.secret(name)?;
                let gap = scene.is_gap(name);
                (Zeroizing::new(if gap { new.expose().to_owned() } else { place::encode(new.expose()) }), true)
            }
        };
        let length = self.new.len() + places.len() * put.len();
        let mut text = Zeroizing::new(String::with_capacity(length));
        let mut at = 0;
        for place in &places {
            if let Some(quote) = place.quote.filter(|_| !scene.has_gaps(&spec.put)) {
                quote.holds(&put).map_err(|why| {
                    let line = place::line_of(&self.new, place.range.start);
                    format!(
                        "line {line}: the new value has {why}, which not every reader of such a file takes as it is"
                    )
                })?;
            }
            if secret {
                self.hidden.push(Zeroizing::new(self.new[place.range.clone()].to_owned()));
            }
            text.push_str(&self.new[at..place.range.start]);
            text.push_str(&put);
            at = place.range.end;
        }
        text.push_str(&self.new[at..]);
        if !scene.has_gaps(&spec.put) {
            place::check(&spec.place, &self.new, &text)?;
        }
        self.new.zeroize();
        self.new = text;
        Ok(())
    }
}
