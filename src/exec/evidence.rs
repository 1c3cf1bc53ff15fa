//! Keeps evidence in the run's folder: copies of the files that a person names, and the checksums of transcripts.
//!
//! A copy is a new file that only its owner can read; it and its name are on disk before anybody is told of it, and none takes
//! the place of another. What must stay true: nothing is kept that holds a secret of the run, or what looks like one; that
//! is for a search which shares nothing with the masker. What cannot be searched (a picture, an archive) is searched for the
//! secrets' bytes as they are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::files;
use crate::engine::Evidence;
use crate::output::visible_plain;
use crate::secret::Secrets;

/// The longest name of a copy, in characters, of which the end is kept.
const LONGEST: usize = 80;

/// Keeps a copy of a file; `stem` names the step. Small files are read whole, larger ones than 64 MiB are refused.
///
/// # Errors
/// Why it is not kept, and nothing of it is: a sentence, masked.
pub(super) fn keep(folder: &Path, stem: &str, path: &Path, secrets: &Secrets) -> Result<Evidence, String> {
    let found = files::read(path)?;
    if let Some(place) = secrets.search(&searchable(&found.bytes))? {
        return Err(format!(
            "{} holds a secret, or what looks like one, in {place}; nothing of it was kept: take that out, or give \
             another file",
            path.display()
        ));
    }
    let failed = |error: io::Error| format!("{} cannot be kept: {error}", path.display());
    let kept = free(folder, stem, path).map_err(failed)?;
    let part = folder.join(format!(".{kept}.part"));
    let written = write(&part, &found.bytes)
        .and_then(|()| fs::rename(&part, folder.join(&kept)))
        .and_then(|()| File::open(folder)?.sync_all());
    if let Err(error) = written {
        // What is there of it is of no use, and nobody was told of it.
        let _ = fs::remove_file(&part);
        return Err(failed(error));
    }
    let name = secrets.masker().mask(&visible_plain(&path.to_string_lossy()));
    let size = u64::try_from(found.bytes.len()).unwrap_or(u64::MAX);
    Ok(Evidence::File { name, kept, sha256: hex(&Sha256::digest(&found.bytes)), size })
}

/// Says which transcript is the evidence of a step, by its checksum; it is on disk when this returns.
///
/// # Errors
/// Why there is none: a sentence.
pub(super) fn transcript(folder: &Path, name: &str) -> Result<Evidence, String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no transcript of it".to_owned(),
        _ => format!("its transcript cannot be read: {error}"),
    };
    let mut file = File::open(folder.join(name)).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece).map_err(failed)? {
            0 => break,
            length => {
                hasher.update(&piece[..length]);
                size += length as u64;
            }
        }
    }
    Ok(Evidence::Output { transcript: name.to_owned(), sha256: hex(&hasher.finalize()), size })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Finds a name that no copy has: the step's, a number, and the file's own.
fn free(folder: &Path, stem: &str, path: &Path) -> io::Result<String> {
    let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_') { letter } else { '_' }
    };
    let letters: Vec<char> = own.chars().map(plain).collect();
    let own: String = letters[letters.len().saturating_sub(LONGEST)..].iter().collect();
    for number in 1_u32.. {
        let name = format!("{stem}.{number}.{own}");
        if !folder.join(&name).try_exists()? {
            return Ok(name);
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

/// Makes a text that can be searched: what stands in it as text, and of anything else the pieces that could be.
fn searchable(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let pieces = bytes.split(|byte| !(b' '..=b'~').contains(byte)).filter(|piece| piece.len() >= 4);
    pieces.fold(String::new(), |mut text, piece| {
        text.push_str(&String::from_utf8_lossy(piece));
        text.push('\n');
        text
    })
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::secret::{Identity, Secret};

    fn secrets() -> Secrets {
        let secrets = Secrets::open(None, &Identity::passing()).unwrap();
        secrets.keep(vec![("password".to_owned(), Secret::new("CANARY-of-the-file".to_owned()))]).unwrap();
        secrets
    }

    #[test]
    fn a_copy_is_private_and_takes_no_others_place() {
        let folder = tempfile::tempdir().unwrap();
        let (evidence, named) = (folder.path().join("evidence"), folder.path().join("a picture.png"));
        fs::create_dir(&evidence).unwrap();
        fs::write(&named, b"\x89PNG\r\n").unwrap();
        let kept: Vec<Evidence> = (0..2).map(|_| keep(&evidence, "restart", &named, &secrets()).unwrap()).collect();
        let Evidence::File { kept: name, sha256, size, .. } = &kept[0] else { panic!("a file") };
        assert_eq!((name.as_str(), *size), ("restart.1.a_picture.png", 6));
        assert_eq!(sha256.len(), 64);
        let copy = evidence.join(name);
        assert_eq!(fs::read(&copy).unwrap(), b"\x89PNG\r\n");
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(&kept[1], Evidence::File { kept, .. } if kept == "restart.2.a_picture.png"));
        assert_eq!(fs::read_dir(&evidence).unwrap().count(), 2);
    }

    #[test]
    fn a_file_with_a_secret_is_not_kept_in_whatever_form() {
        let folder = tempfile::tempdir().unwrap();
        let evidence = folder.path().join("evidence");
        fs::create_dir(&evidence).unwrap();
        let named = folder.path().join("log.txt");
        for (bytes, line) in [
            (&b"fine\nCANARY-of-the-file\n"[..], 2),
            (b"CANARY%2Dof%2Dthe%2Dfile", 1),
            (b"\xff\x00\x01CANARY-of-the-file\x00\x02", 1),
            (b"url: https://user:hunter2hunter2@host/\n", 1),
        ] {
            fs::write(&named, bytes).unwrap();
            let why = keep(&evidence, "restart", &named, &secrets()).unwrap_err();
            assert!(why.contains(&format!("line {line}")) && !why.contains("CANARY"), "{why}");
        }
        assert_eq!(fs::read_dir(&evidence).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large");
        File::create(&large).unwrap().set_len((64 << 20) + 1).unwrap();
        for (path, why) in [
            (folder.path().to_owned(), "not a plain file"),
            (folder.path().join("none"), "not there"),
            (large, "larger than 64 MiB"),
        ] {
            let said = keep(folder.path(), "s", &path, &secrets()).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn a_transcript_is_known_by_its_sum() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.1.log"), "abc").unwrap();
        let Evidence::Output { sha256, size, .. } = transcript(folder.path(), "a.1.log").unwrap() else {
            panic!("an output")
        };
        assert_eq!((sha256.as_str(), size), ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3));
        assert_eq!(transcript(folder.path(), "b.1.log"), Err("there is no transcript of it".to_owned()));
    }
}
