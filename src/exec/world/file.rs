//! The probe `file`: whether a file is there, and what it is. What stands in it is compared and never shown.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};
use tokio::fs;
use zeroize::Zeroizing;

use super::{Asking, Heard, Miss};
use crate::exec::dotenv;
use crate::exec::expect::Answer;
use crate::exec::scene::Scene;
use crate::playbook::plan::FileSpec;
use crate::secret::Secret;

/// The most bytes of a file that is looked into.
const LARGEST: u64 = 64 << 20;

/// Looks at a file.
pub(super) async fn ask(spec: &FileSpec, asking: &Asking<'_>) -> Result<Heard, Miss> {
    let scene = asking.scene;
    let path = scene.path(&spec.path).map_err(Miss::not_asked)?;
    let show = path.display().to_string();
    let metadata = match fs::metadata(&path).await {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            let wrong = if spec.exists { vec!["expected it to be there".to_owned()] } else { Vec::new() };
            return Ok(Heard { saw: format!("there is no file {show}"), wrong, ..Heard::default() });
        }
        Err(error) => return Err(Miss::unreachable(format!("{show} cannot be looked at: {error}"))),
    };
    let mut saw = facts(&metadata);
    if !spec.exists {
        let wrong = vec!["expected that it is not there".to_owned()];
        return Ok(Heard { saw: format!("{show} is there: {saw}"), wrong, ..Heard::default() });
    }
    let mut wrong = Vec::new();
    let mode = metadata.permissions().mode() & 0o7777;
    if let Some(wanted) = spec.mode.filter(|&wanted| wanted != mode) {
        wrong.push(format!("mode {mode:04o}, expected {wanted:04o}"));
    }
    let text = if needs_text(spec, asking) {
        let bytes = read(&path, &metadata).await?;
        saw.push_str(&inside(spec, scene, &bytes, &mut wrong)?);
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        String::new()
    };
    Ok(Heard { answer: Answer { text, ..Answer::default() }, saw, wrong, ..Heard::default() })
}

fn needs_text(spec: &FileSpec, asking: &Asking<'_>) -> bool {
    let within = spec.contains.is_some() || !spec.dotenv.is_empty() || spec.sha256.is_some();
    within || !asking.spec.expect.is_empty() || !asking.spec.capture.is_empty()
}

fn facts(metadata: &Metadata) -> String {
    let mode = metadata.permissions().mode() & 0o7777;
    if metadata.is_dir() {
        format!("a folder, mode {mode:04o}")
    } else {
        let bytes = if metadata.len() == 1 { "byte" } else { "bytes" };
        format!("{} {bytes}, mode {mode:04o}", metadata.len())
    }
}

async fn read(path: &Path, metadata: &Metadata) -> Result<Zeroizing<Vec<u8>>, Miss> {
    let show = path.display();
    // Reading from a pipe or a terminal might never end.
    if !metadata.is_file() {
        return Err(Miss::not_understood(format!("{show} is no plain file, so there is nothing to look into")));
    }
    if metadata.len() > LARGEST {
        return Err(Miss::not_understood(format!("{show} is larger than {} MiB", LARGEST >> 20)));
    }
    let bytes = fs::read(path).await.map_err(|error| Miss::unreachable(format!("{show} cannot be read: {error}")))?;
    Ok(Zeroizing::new(bytes))
}

/// Compares what stands in the file. Returns what was compared, in words.
fn inside(spec: &FileSpec, scene: &Scene, bytes: &[u8], wrong: &mut Vec<String>) -> Result<String, Miss> {
    let mut compared = String::new();
    let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
    if let Some(wanted) = &spec.contains {
        let wanted = scene.given(wanted).map_err(Miss::not_asked)?;
        if text.contains(wanted.expose()) {
            compared.push_str(", has the text");
        } else {
            wrong.push("the text that it must have does not stand in it".to_owned());
        }
    }
    for (key, wanted) in &spec.dotenv {
        let wanted = scene.given(wanted).map_err(Miss::not_asked)?;
        match dotenv::value(&text, key).map(Secret::new) {
            Ok(found) if found.same(&wanted) => {
                compared.push_str(&format!(", {key} is right"));
            }
            Ok(_) => wrong.push(format!("{key} has another value than expected")),
            Err(why) => wrong.push(why),
        }
    }
    if let Some(wanted) = &spec.sha256 {
        let wanted = scene.complete(wanted).map_err(Miss::not_asked)?;
        let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if found.eq_ignore_ascii_case(wanted.trim()) {
            compared.push_str(", SHA-256 is right");
        } else {
            wrong.push(format!("SHA-256 is {found}, expected {}", wanted.trim()));
        }
    }
    Ok(compared)
}
