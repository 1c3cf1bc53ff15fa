//! Which record a command is about: a run here, by the beginning of its id, or an exported file of one from anywhere.
//!
//! An exported file is taken apart into a private folder that is gone with the value that holds it. What must stay true: a word
//! of letters and digits alone is a run, as ids are; whatever else is a file's path.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::place;
use super::resume::{self, Seen};
use crate::ending::{Code, Ending};
use crate::engine::{Run, Stamped};
use crate::journal::RunFolder;
use crate::journal::archive::{UnpackError, Unpacked, unpack};
use crate::output::visible_plain;
use crate::playbook::plan::Plan;

/// The record of a run, here or brought along.
pub(super) struct Opened {
    /// The run's folder.
    pub(super) folder: RunFolder,
    /// The exported file that it came in.
    pub(super) export: Option<Export>,
}

/// An exported file.
pub(super) struct Export {
    /// Its path.
    pub(super) file: PathBuf,
    /// What is not as its manifest says.
    pub(super) wrong: Vec<String>,
    /// How many files the manifest lists.
    pub(super) files: usize,
    _folder: TempDir,
}

/// Finds the record that a word names; the latest run's without one.
///
/// # Errors
/// There is none, or the file is no export.
pub(super) fn open(word: Option<&str>) -> Result<Opened, Ending> {
    if let Some(file) = word.filter(|word| !word.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return exported(Path::new(file));
    }
    let state = place::state()?;
    let folder = state.folder(&resume::find(&state, word, false)?);
    Ok(Opened { folder, export: None })
}

fn exported(file: &Path) -> Result<Opened, Ending> {
    let shown = visible_plain(&file.display().to_string());
    let unusable = |because: String| Ending {
        code: Code::Usage,
        what: format!("{shown} cannot be taken apart"),
        because: Some(because),
        next: Some("name a run by the beginning of its id, or a file that `runsheet export` wrote".to_owned()),
    };
    let private = Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("runsheet-").permissions(private).tempdir();
    let folder = folder.map_err(|error| unusable(format!("there is no place to take it apart in: {error}")))?;
    match unpack(file, folder.path()) {
        Ok(Unpacked { folder: run, manifest, wrong }) => {
            let files = manifest.files.len();
            let export = Export { file: file.to_owned(), wrong, files, _folder: folder };
            Ok(Opened { folder: run, export: Some(export) })
        }
        Err(UnpackError::File(error)) => Err(unusable(error.to_string())),
        // Whoever was given it wants to know that it is damaged, not that they called it wrongly.
        Err(UnpackError::NoExport(why)) => Err(Ending {
            code: Code::Failed,
            what: format!("{shown} is no sound export"),
            because: Some(visible_plain(&format!("it {why}"))),
            next: Some("ask for it once more, and compare the SHA-256 that `runsheet export` printed".to_owned()),
        }),
    }
}

impl Opened {
    /// Reads the run.
    ///
    /// # Errors
    /// It is damaged, or its exported file is not as its manifest says.
    pub(super) fn look(&self) -> Result<Seen, Ending> {
        self.look_on(|_, _, _| {})
    }

    /// Reads the run, and gives each record, with the run that has just taken it in, to `on`.
    ///
    /// # Errors
    /// As [`Opened::look`].
    pub(super) fn look_on(&self, on: impl FnMut(&Plan, &Run, &Stamped)) -> Result<Seen, Ending> {
        if let Some(export) = self.export.as_ref().filter(|export| !export.wrong.is_empty()) {
            return Err(Ending {
                code: Code::Failed,
                what: format!("{} was changed since it was written", visible_plain(&export.file.display().to_string())),
                because: Some(visible_plain(&export.wrong.join("\n"))),
                next: Some("`runsheet audit FILE` says what of it is still proved".to_owned()),
            });
        }
        resume::look_in(self.folder.clone(), on)
    }

    /// Names where the record is.
    pub(super) fn shown(&self) -> String {
        let path = self.export.as_ref().map_or(self.folder.path(), |export| &export.file);
        path.display().to_string()
    }
}
