//! Writes a run's folder as one file.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::block::{BLOCK, header};
use super::{Listed, MANIFEST, Manifest, VERSION};
use crate::journal::RunFolder;

/// A file that goes into an export.
#[derive(Clone, Debug)]
pub struct Member {
    /// Where it is now.
    pub from: PathBuf,
    /// Its path in the export, without the folder.
    pub path: String,
    /// Whether it is sealed, so that no text of it can be looked at.
    pub sealed: bool,
}

/// Lists the files of a run that an export has: the journal and what was cut off it, the playbook's texts, transcripts,
/// evidence, sealed copies. By path; the vault is none of them.
///
/// # Errors
/// A folder cannot be read.
pub fn members(folder: &RunFolder) -> io::Result<Vec<Member>> {
    let mut members = Vec::new();
    for from in [folder.journal(), folder.playbook()].into_iter().chain(folder.torn()) {
        members.push(Member { path: name(&from), from, sealed: false });
    }
    let inner = [folder.transcript(), folder.evidence(), folder.path().join("included"), folder.snapshots()];
    for inside in inner {
        let entries = match fs::read_dir(&inside) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let sealed = inside == folder.snapshots();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                let path = format!("{}/{}", name(&inside), entry.file_name().to_string_lossy());
                members.push(Member { from: entry.path(), path, sealed });
            }
        }
    }
    members.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(members)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Writes an export. `about` is the manifest without its files; `modified` is the time that every entry has, in seconds since
/// 1970.
///
/// # Errors
/// A file cannot be read, changes while it is, or the output cannot be written.
pub fn pack(about: Manifest, members: &[Member], modified: u64, out: &mut impl Write) -> io::Result<Manifest> {
    let mut manifest = Manifest { runsheet_export: VERSION, files: Vec::new(), ..about };
    let top = format!("runsheet-{}", manifest.run);
    for member in members {
        let (size, sha256) = sum(&member.from)?;
        manifest.files.push(Listed { path: member.path.clone(), size, sha256 });
    }
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    out.write_all(&header(&format!("{top}/{MANIFEST}"), text.len() as u64, modified))?;
    out.write_all(&text)?;
    fill(out, text.len() as u64)?;
    for (member, listed) in members.iter().zip(&manifest.files) {
        out.write_all(&header(&format!("{top}/{}", member.path), listed.size, modified))?;
        let mut file = File::open(&member.from)?.take(listed.size);
        let copied = io::copy(&mut file, out)?;
        if copied != listed.size {
            return Err(io::Error::other(format!("{} became shorter while it was read", member.from.display())));
        }
        fill(out, copied)?;
    }
    out.write_all(&[0; 2 * BLOCK])?;
    Ok(manifest)
}

/// Fills the last block of an entry up.
fn fill(out: &mut impl Write, size: u64) -> io::Result<()> {
    let block = BLOCK as u64;
    let rest = usize::try_from((block - size % block) % block).unwrap_or_default();
    out.write_all(&[0; BLOCK][..rest])
}

/// Returns the length and the hash of a file.
fn sum(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut block = vec![0; 64 << 10];
    loop {
        match file.read(&mut block)? {
            0 => break,
            count => {
                hasher.update(&block[..count]);
                size += count as u64;
            }
        }
    }
    Ok((size, super::super::entry::hex(&hasher.finalize())))
}
