//! What the fuzz targets reach of this module. Not part of the library: it is there with the feature `fuzzing` only.
//!
//! Each function hands on to the one that the program itself calls, and decides nothing.

use std::ops::Range;
use std::path::PathBuf;

use tokio::sync::watch;

pub use super::world::fuzzing::{Heard, reply};

use super::stop::Stop;
use super::{Scene, act, capture, dotenv, edit};
use crate::engine::{Outcome, SavedFile};
use crate::playbook::plan::{Act, Action, Capture, EditSpec, Format};
use crate::secret::Secret;

/// Reads the value of a key of a dotenv text.
///
/// # Errors
/// A sentence when it is not there, or can be read in two ways.
pub fn dotenv_value(text: &str, key: &str) -> Result<String, String> {
    dotenv::value(text, key)
}

/// Lists the assignments of a dotenv text: key, line, and where the value stands.
#[must_use]
pub fn dotenv_assignments(text: &str) -> Vec<(String, usize, Range<usize>)> {
    let all = dotenv::assignments(text).into_iter();
    all.map(|assignment| (assignment.key, assignment.line, assignment.value)).collect()
}

/// Puts a new value of a key into a dotenv text, as an edit does.
///
/// # Errors
/// A sentence when the key is not there, can be read in two ways, or is quoted in a way that does not hold the value.
pub fn dotenv_put(text: &str, key: &str, value: &str) -> Result<String, String> {
    let found = dotenv::find(text, key)?;
    found.quote.holds(value)?;
    let changed = [&text[..found.value.start], value, &text[found.value.end..]].concat();
    if dotenv::reads_alike(text, &changed, key) { Ok(changed) } else { Err("more would change".to_owned()) }
}

/// Finds the value that a pointer leads to: where its bytes stand, and what it says.
///
/// # Errors
/// A sentence when it is not there, or cannot be changed.
pub fn value_at(text: &str, format: Format, pointer: &str) -> Result<(Range<usize>, String), String> {
    edit::value_at(text, format, pointer)
}

/// Takes a value out of an output.
///
/// # Errors
/// A sentence when there is none.
pub fn captured(capture: &Capture, output: &str) -> Result<Secret, String> {
    capture::take(capture, output)
}

/// Changes files.
pub async fn edit(specs: Vec<EditSpec>, scene: &Scene) -> Outcome {
    let (_stop, mut stopped) = watch::channel(Stop::No);
    act::perform(&editing(specs), &[], scene, act::Keeps::default(), None, &mut stopped).await
}

/// Keeps copies of the files that would be changed.
///
/// # Errors
/// A sentence when one cannot be kept.
pub async fn save(specs: Vec<EditSpec>, folder: PathBuf, scene: &Scene) -> Result<Vec<SavedFile>, String> {
    act::save(&editing(specs), folder, "it".to_owned(), scene.clone()).await
}

/// Puts the files back.
pub async fn restore(saved: Vec<SavedFile>, folder: PathBuf, scene: &Scene) -> Outcome {
    act::restore(None, saved, folder, scene.clone()).await
}

fn editing(specs: Vec<EditSpec>) -> Action {
    Action {
        title: None,
        act: Act::Edit(specs),
        expect: Vec::new(),
        capture: Vec::new(),
        verify: Vec::new(),
        timeout: None,
        simulate: Vec::new(),
    }
}
