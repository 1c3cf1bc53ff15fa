//! Keeps sealed copies of files, and puts files back byte for byte, with mode, owner, extended attributes and links.
//!
//! A copy is on disk, its folder too, before the facts about it go to the journal; an older copy is never overwritten. Putting
//! back may be repeated: what is right already is left alone.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::attributes::Attributes;
use super::files::{self, Standing};
use super::links::{self, Link, resolve};
use super::scene::Scene;
use super::transcript::hex;
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
        let file =
            if *missing && !resolve(path)?.exists { absent(path)? } else { copied(path, folder, stem, &saved, scene)? };
        match saved.iter_mut().find(|known| known.path == file.path) {
            // The same file by another way: that way is put back too.
            Some(known) => {
                let new: Vec<_> = file.links.into_iter().filter(|link| !known.links.contains(link)).collect();
                known.links.extend(new);
            }
            None => saved.push(file),
        }
    }
    Ok(saved)
}

/// Notes a file that is not there.
fn absent(path: &Path) -> Result<SavedFile, String> {
    let found = resolve(path)?;
    let links = links_text(&found.links)?;
    Ok(SavedFile {
        path: path_text(&found.path)?,
        copy: None,
        mode: 0,
        uid: 0,
        gid: 0,
        size: 0,
        attributes: None,
        links,
        sealed_sha256: None,
        attributes_sha256: None,
    })
}

/// Keeps a copy of a file that is there, unless one was kept just now.
fn copied(path: &Path, folder: &Path, stem: &str, saved: &[SavedFile], scene: &Scene) -> Result<SavedFile, String> {
    let found = files::read(path)?;
    let (real, links) = (path_text(&found.path)?, links_text(&found.links)?);
    if let Some(known) = saved.iter().find(|file| file.path == real) {
        return Ok(SavedFile { links, ..known.clone() });
    }
    let stem = format!("{stem}.{}", saved.len() + 1);
    let (copy, sealed_sha256) = keep(&scene.secrets.seal(&found.bytes)?, folder, &stem)?;
    let (attributes, attributes_sha256) = if found.attributes.is_empty() {
        (None, None)
    } else {
        // What stands in them is the file's own business, so it is sealed as well.
        let text = serde_json::to_vec(&found.attributes).map_err(|error| error.to_string())?;
        let (name, sha256) = keep(&scene.secrets.seal(&text)?, folder, &format!("{stem}.attributes"))?;
        (Some(name), Some(sha256))
    };
    let Standing { mode, uid, gid } = found.standing;
    let size = found.bytes.len() as u64;
    Ok(SavedFile {
        path: real,
        copy: Some(copy),
        mode,
        uid,
        gid,
        size,
        attributes,
        links,
        sealed_sha256: Some(sealed_sha256),
        attributes_sha256,
    })
}

/// Puts files back as they were saved, and says what was done.
///
/// # Errors
/// What could not be put back, with the files' names; the others were.
pub(super) fn restore(saved: &[SavedFile], folder: &Path, scene: &Scene) -> Result<String, String> {
    let (mut back, mut gone, mut right, mut wrong) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for file in saved {
        match restore_one(file, folder, scene).and_then(|restored| relinked(file, restored)) {
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
    let attributes: Attributes = match &file.attributes {
        Some(name) => unsealed(&folder.join(name), scene)
            .and_then(|text| serde_json::from_slice(&text).map_err(|_| format!("its copy {name} is damaged")))
            .map_err(|error| format!("{} was not put back: {error}", file.path))?,
        None => Attributes::default(),
    };
    let standing = Standing { mode: file.mode, uid: file.uid, gid: file.gid };
    let now = files::read(path).ok().filter(|now| now.path == path);
    if let Some(now) = &now
        && now.standing == standing
        && now.attributes == attributes
        && *now.bytes == *bytes
    {
        return Ok(Restored::Right);
    }
    let put = if now.is_some_and(|now| now.names > 1) {
        files::overwrite(path, &bytes, standing, &attributes)
    } else {
        files::prepare(path, &bytes, standing, &attributes).and_then(files::Ready::put)
    };
    put.map(|()| Restored::Back).map_err(|error| format!("not put back: {error}"))
}

/// Puts the links back that led to a file.
fn relinked(file: &SavedFile, restored: Restored) -> Result<Restored, String> {
    let mut restored = restored;
    for (path, target) in &file.links {
        let link = Link { path: path.into(), target: target.into() };
        if links::put_back(&link).map_err(|error| format!("the link was not put back: {error}"))? {
            restored = match restored {
                Restored::Right | Restored::Back => Restored::Back,
                Restored::Removed => Restored::Removed,
            };
        }
    }
    Ok(restored)
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
    let bytes = unsealed(&copy, scene)?;
    if bytes.len() as u64 != file.size {
        return Err(format!("its copy {} is damaged", copy.display()));
    }
    Ok(bytes)
}

fn unsealed(copy: &Path, scene: &Scene) -> Result<Zeroizing<Vec<u8>>, String> {
    let sealed = std::fs::read(copy).map_err(|error| format!("its copy: {}", files::sentence(copy, &error)))?;
    scene.secrets.open_sealed(&sealed).map_err(|error| format!("its copy {}: {error}", copy.display()))
}

/// Writes a copy under the first name that is free. Gives the name, and the SHA-256 of what was written.
fn keep(sealed: &[u8], folder: &Path, stem: &str) -> Result<(String, String), String> {
    for number in 1.. {
        let name = if number == 1 { format!("{stem}.age") } else { format!("{stem}-{number}.age") };
        let path = folder.join(&name);
        match files::create(&path, sealed) {
            Ok(()) => return Ok((name, hex(&Sha256::digest(sealed)))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("no copy was kept: {}", files::sentence(&path, &error))),
        }
    }
    Err(format!("no copy was kept: no free name in {}", folder.display()))
}

fn links_text(links: &[Link]) -> Result<Vec<(String, String)>, String> {
    links.iter().map(|link| Ok((path_text(&link.path)?, path_text(&link.target)?))).collect()
}

/// The journal is text, so is every path in it.
fn path_text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{} has a name that is not UTF-8 text", path.display()))
}
