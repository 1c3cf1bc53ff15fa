//! What a command printed that captures something, when the host died before it ended: kept, and taken up again.
//!
//! While such a command runs its output is also written to files in memory (see [`super::spooler`], [`super::memory`]). They are
//! removed as soon as the command's end is on record. Where the host died first, the next one finds them: once the command is
//! over, captures are taken from them as they would have been. What nothing can be captured from is kept sealed, so that no
//! output of a change that cannot be had back is lost.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use zeroize::Zeroizing;

use super::command::Taken;
use super::kept::Kept;
use super::scene::Scene;
use super::transcript::{Sink, Stream};
use super::{files, memory, spooler};
use crate::engine::{How, Outcome, Target, Written};
use crate::playbook::plan::Capture;

/// What was found of a command that was out when the host died.
#[derive(Debug)]
pub enum Found {
    /// It is over; what it printed was kept, and this came of it.
    Over(Outcome),
    /// It, or something that it left behind, can still print: a sentence.
    Running(String),
}

/// Where the outputs of a run's commands are kept.
#[derive(Clone, Debug)]
pub(super) struct Spools {
    folder: PathBuf,
}

/// Where something that was found is put.
pub(super) struct Shelf {
    /// The transcript of the attempt.
    pub transcript: PathBuf,
    /// The folder of sealed copies.
    pub sealed: PathBuf,
}

impl Spools {
    /// Names the folder of a run. Nothing is made.
    pub(super) fn of(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes room for a command's output; none where that cannot be, and the output goes the ordinary way.
    pub(super) fn open(&self, target: &Target, attempt: u32) -> Option<PathBuf> {
        let stem = self.stem(target, attempt);
        if let Err(error) = memory::make(&self.folder) {
            tracing::warn!(%error, "no place in memory: what a command prints is lost if this process is killed");
            return None;
        }
        Some(stem)
    }

    /// Removes what was kept of a command.
    pub(super) fn remove(&self, target: &Target, attempt: u32) {
        let stem = self.stem(target, attempt);
        for output in ["out", "err"] {
            for path in [spooler::part(&stem, output), spooler::whole(&stem, output)] {
                // Most were never made.
                let _ = fs::remove_file(path);
            }
        }
        memory::clear(&self.folder);
    }

    /// Removes all that was kept of the run.
    pub(super) fn remove_all(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let _ = fs::remove_file(entry.path());
        }
        memory::clear(&self.folder);
    }

    /// Takes up what was kept of a command that was out when the host died.
    pub(super) fn find(
        &self,
        target: &Target,
        attempt: u32,
        capture: &[Capture],
        scene: &Scene,
        onto: &Shelf,
    ) -> Option<Found> {
        let stem = self.stem(target, attempt);
        let part = spooler::part(&stem, "out");
        let whole = spooler::whole(&stem, "out");
        if let Ok(file) = File::open(&part) {
            // Who writes it holds the lock, for as long as anybody can print.
            if flock(&file, FlockOperation::NonBlockingLockShared).is_err() {
                return Some(Found::Running(format!(
                    "what {} started still runs, or something that it left behind does; what it prints is kept: \
                     leave and resume again once it has ended",
                    target.step
                )));
            }
        }
        let (out, broken) = match (read(&whole), read(&part)) {
            (Some(out), _) => (out, false),
            // Who wrote it was killed too.
            (None, Some(out)) => (out, true),
            (None, None) => return None,
        };
        let errors = read(&spooler::whole(&stem, "err")).or_else(|| read(&spooler::part(&stem, "err")));
        let errors = errors.unwrap_or_default();
        let mut taken = Taken::default();
        if broken {
            taken.wrong.push("it may not be whole".to_owned());
        } else {
            let mut kept = Kept::default();
            kept.take(&out);
            match kept.text() {
                Ok(text) => taken.take(capture, &text, scene),
                Err(wrong) => taken.wrong.push(wrong),
            }
        }
        let mut transcript = None;
        let told = if taken.wrong.is_empty() {
            transcript = shown(&onto.transcript, &out, &errors, scene);
            let names: Vec<&str> = capture.iter().map(|capture| capture.name.as_str()).collect();
            format!("what it had printed was kept: captured {}", names.join(", "))
        } else {
            let why = taken.wrong.join("; ");
            match sealed(&onto.sealed, &stem, &out, &errors, scene) {
                Ok(name) => format!("what it had printed is kept sealed as snapshots/{name}: {why}"),
                Err(wrong) => format!("what it had printed cannot be kept ({wrong}): {why}"),
            }
        };
        let how = if taken.wrong.is_empty() { How::Ok } else { How::Failed };
        let saw = scene.line(&told);
        let fingerprints = scene.fingerprints(&taken.secrets);
        Some(Found::Over(Outcome {
            how,
            saw,
            transcript,
            values: taken.values,
            secrets: taken.secrets,
            fingerprints,
            ..Outcome::default()
        }))
    }

    fn stem(&self, target: &Target, attempt: u32) -> PathBuf {
        self.folder.join(format!("{}.{attempt}", target.stem()))
    }
}

/// Names the file with the standard output of a command, where it is kept.
pub(super) fn kept(stem: &Path) -> Option<PathBuf> {
    [spooler::whole(stem, "out"), spooler::part(stem, "out")].into_iter().find(|path| path.exists())
}

fn read(path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    fs::read(path).ok().map(Zeroizing::new)
}

/// Writes the transcript as it would have been, in place of what there is of it, and says what is in it.
fn shown(path: &Path, out: &[u8], errors: &[u8], scene: &Scene) -> Option<Written> {
    let written = fs::remove_file(path).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error), // then what there is stays
    });
    written.ok()?;
    // It is for reading; nothing follows from it.
    let mut sink = Sink::open(Some(path.to_owned()), None, &scene.secrets.masker()).ok()?;
    sink.take(Stream::Out, out);
    sink.take(Stream::Err, errors);
    sink.finish();
    sink.written()
}

/// Keeps an output sealed, with standard error behind it. Gives the file's name.
fn sealed(folder: &Path, stem: &Path, out: &[u8], errors: &[u8], scene: &Scene) -> Result<String, String> {
    let mut both = Zeroizing::new(Vec::with_capacity(out.len() + errors.len()));
    both.extend_from_slice(out);
    both.extend_from_slice(errors);
    let sealed = scene.secrets.seal(&both)?;
    let name = format!("{}.output.age", stem.file_name().unwrap_or_default().to_string_lossy());
    let path = folder.join(&name);
    match files::create(&path, &sealed) {
        Ok(()) => Ok(name),
        // An earlier resume did it already, and died before that was on record.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(name),
        Err(error) => Err(files::sentence(&path, &error)),
    }
}
