//! Keeps sealed copies of files, and puts files back byte for byte, with mode and owner.
//!
//! A copy is on disk, its folder too, before the facts about it go to the journal; an older copy is never overwritten. Putting
//! back may be repeated: what is right already is left alone.

use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::files::{self, Standing};
use super::scene::Scene;
use crate::engine::SavedFile;

/// A file to keep a copy of.
pub(super) struct Wanted {
    /// The file.
    pub path: PathBuf,
    /// It need not be there.
    pub missing: bool,
}

/// Keeps copies in a folder, under names that begin with `stem`.
///
/// # Errors
/// What went wrong, with the file's name.
pub(super) fn save(wanted: &[Wanted], folder: &Path, stem: &str, scene: &Scene) -> Result<Vec<SavedFile>, String> {
    let mut saved: Vec<SavedFile> = Vec::new();
    for Wanted { path, missing } in wanted {
        if *missing && !path.try_exists().map_err(|error| files::sentence(path, &error))? {
            let path = path_text(&absent(path))?;
            if saved.iter().all(|file| file.path != path) {
                saved.push(SavedFile { path, copy: None, mode: 0, uid: 0, gid: 0, size: 0 });
            }
            continue;
        }
        let found = files::read(path)?;
        let real = path_text(&found.path)?;
        if saved.iter().any(|file| file.path == real) {
            continue;
        }
        let sealed = scene.secrets.seal(&found.bytes)?;
        let copy = keep(&sealed, folder, &format!("{stem}.{}", saved.len() + 1))?;
        let Standing { mode, uid, gid } = found.standing;
        saved.push(SavedFile { path: real, copy: Some(copy), mode, uid, gid, size: found.bytes.len() as u64 });
    }
    Ok(saved)
}

/// Puts files back as they were saved, and says what was done.
///
/// # Errors
/// What could not be put back, with the files' names; the others were.
pub(super) fn restore(saved: &[SavedFile], folder: &Path, scene: &Scene) -> Result<String, String> {
    let (mut back, mut gone, mut right, mut wrong) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for file in saved {
        match restore_one(file, folder, scene) {
            Ok(Restored::Back) => back.push(file.path.as_str()),
            Ok(Restored::Removed) => gone.push(file.path.as_str()),
            Ok(Restored::Right) => right.push(file.path.as_str()),
            Err(sentence) => wrong.push(sentence),
        }
    }
    let mut told: Vec<String> = Vec::new();
    for (what, files) in [("put back", back), ("removed", gone), ("as it was already:", right)] {
        if !files.is_empty() {
            told.push(format!("{what} {}", files.join(", ")));
        }
    }
    if wrong.is_empty() {
        return Ok(told.join("; "));
    }
    wrong.extend(told);
    Err(wrong.join("; "))
}

enum Restored {
    Back,
    Removed,
    Right,
}

fn restore_one(file: &SavedFile, folder: &Path, scene: &Scene) -> Result<Restored, String> {
    let path = Path::new(&file.path);
    files::sweep(path);
    let Some(copy) = &file.copy else {
        return files::remove(path).map(|was| if was { Restored::Removed } else { Restored::Right });
    };
    let bytes =
        unseal(file, copy, folder, scene).map_err(|error| format!("{} was not put back: {error}", file.path))?;
    let standing = Standing { mode: file.mode, uid: file.uid, gid: file.gid };
    if let Ok(now) = files::read(path)
        && now.path == path
        && now.standing == standing
        && *now.bytes == *bytes
    {
        return Ok(Restored::Right);
    }
    files::prepare(path, &bytes, standing)
        .and_then(files::Ready::put)
        .map(|()| Restored::Back)
        .map_err(|error| format!("not put back: {error}"))
}

/// Opens the copy of a file; none where there was no file.
///
/// # Errors
/// What is wrong with the copy: a sentence.
pub(super) fn open(file: &SavedFile, folder: &Path, scene: &Scene) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    file.copy.as_ref().map(|copy| unseal(file, copy, folder, scene)).transpose()
}

fn unseal(file: &SavedFile, copy: &str, folder: &Path, scene: &Scene) -> Result<Zeroizing<Vec<u8>>, String> {
    let copy = folder.join(copy);
    let sealed = std::fs::read(&copy).map_err(|error| format!("its copy: {}", files::sentence(&copy, &error)))?;
    let bytes = scene.secrets.open_sealed(&sealed).map_err(|error| format!("its copy {}: {error}", copy.display()))?;
    if bytes.len() as u64 != file.size {
        return Err(format!("its copy {} is damaged", copy.display()));
    }
    Ok(bytes)
}

/// Writes a copy under the first name that is free.
fn keep(sealed: &[u8], folder: &Path, stem: &str) -> Result<String, String> {
    for number in 1.. {
        let name = if number == 1 { format!("{stem}.age") } else { format!("{stem}-{number}.age") };
        let path = folder.join(&name);
        match files::create(&path, sealed) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("no copy was kept: {}", files::sentence(&path, &error))),
        }
    }
    Err(format!("no copy was kept: no free name in {}", folder.display()))
}

/// The path of a file that is not there, with the links of its folder followed.
fn absent(path: &Path) -> PathBuf {
    match (path.parent().map(std::fs::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path.to_owned(), // the folder is not there either
    }
}

/// The journal is text, so is every path in it.
fn path_text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{} has a name that is not UTF-8 text", path.display()))
}
