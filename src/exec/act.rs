//! Carries out what a step comes down to, whichever act that is, and says what came of it.
//!
//! The work on files is done on a thread that may block. What must stay true: an act that is not here reports nothing as done.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::ahead;
use super::attended::{self, Attended};
use super::command::{self, Task, failed, spell};
use super::edit::{self, Earlier, Seen};
use super::scene::Scene;
use super::shown::Outlet;
use super::snapshot::{self, Wanted};
use super::stop::Stop;
use super::{files, links};
use crate::engine::{Foreseen, How, Outcome, SavedFile};
use crate::playbook::plan::{
    Act, Action, Alphabet, Capture, EditPlace, EditSpec, Encoding, Generate, GenerateSpec, Name, StepId, Template,
};
use crate::secret::{Recipe, generate};

/// Where what a command prints is kept, and who attends it.
#[derive(Default)]
pub(super) struct Keeps {
    /// Its transcript.
    pub(super) transcript: Option<PathBuf>,
    /// The stem of the files that outlive us; see [`super::spool`].
    pub(super) spool: Option<PathBuf>,
    /// Who attends it, where it has a terminal.
    pub(super) attended: Option<Attended>,
}

/// Carries out the act of an action. Never fails: what went wrong is the outcome.
pub(super) async fn perform(
    action: &Action,
    capture: &[Capture],
    scene: &Scene,
    keeps: Keeps,
    outlet: Option<Outlet>,
    stop: &mut watch::Receiver<Stop>,
) -> Outcome {
    match &action.act {
        Act::Run(spec) => {
            let Keeps { transcript, spool, attended } = keeps;
            let task = Task { spec, expect: &action.expect, capture, timeout: action.timeout, spool };
            match attended {
                Some(attended) => attended::perform(task, scene, transcript, outlet, attended, stop).await,
                None => command::perform(task, scene, transcript, outlet, stop).await,
            }
        }
        Act::Generate(specs) => made(specs, scene),
        // Its copies are for the step's own edit to know; an author's undo has none.
        Act::Edit(specs) => edit(specs.clone(), Earlier::default(), None, scene.clone()).await,
        Act::Wait(duration) => waited(*duration, stop).await,
        // The copies were kept when the files were saved; probes are asked by an effect of their own.
        Act::Snapshot(_) | Act::Verify => Outcome::default(),
        Act::Person(_) => failed("a person does this, not the program".to_owned()),
    }
}

/// Changes files: those that were shown, where somebody was shown some.
pub(super) async fn edit(specs: Vec<EditSpec>, earlier: Earlier, seen: Option<Seen>, scene: Scene) -> Outcome {
    let masking = scene.clone();
    let done = blocking(move || {
        let changes = edit::compute(&specs, &scene, &earlier)?;
        seen.map_or(Ok(()), |seen| seen.agrees(&changes))?;
        edit::apply(&changes)
    });
    judged(done.await, &masking)
}

/// Keeps sealed copies of the files that an act changes or names.
///
/// # Errors
/// What went wrong: a sentence, masked.
pub(super) async fn save(
    action: &Action,
    folder: PathBuf,
    stem: String,
    scene: Scene,
) -> Result<Vec<SavedFile>, String> {
    let wanted: Vec<Wanted> = match &action.act {
        Act::Edit(specs) => specs.iter().map(|spec| wanted(&spec.file, made_by(specs, spec), &scene)).collect(),
        Act::Snapshot(specs) => specs.iter().map(|spec| wanted(&spec.file, spec.missing, &scene)).collect(),
        Act::Run(_) | Act::Person(_) | Act::Generate(_) | Act::Verify | Act::Wait(_) => Ok(Vec::new()),
    }?;
    let masking = scene.clone();
    blocking(move || snapshot::save(&wanted, &folder, &stem, &scene)).await.map_err(|wrong| masking.line(&wrong))
}

/// Says whether an edit may find no file: where one of its step makes it.
fn made_by(specs: &[EditSpec], spec: &EditSpec) -> bool {
    specs.iter().any(|other| other.file == spec.file && matches!(other.place, EditPlace::Append { missing: true }))
}

/// Puts files back as they were saved; where a step only appended lines, and others wrote to the file since, takes these
/// lines away.
pub(super) async fn restore(act: Option<Act>, saved: Vec<SavedFile>, folder: PathBuf, scene: Scene) -> Outcome {
    if saved.is_empty() {
        return Outcome { saw: "nothing was changed yet".to_owned(), ..Outcome::default() };
    }
    let masking = scene.clone();
    let done = blocking(move || match act {
        Some(Act::Edit(specs)) if edit::only_lines(&specs) => {
            let (mut whole, mut told) = (Vec::new(), Vec::new());
            for file in saved {
                let copy = snapshot::open(&file, &folder, &scene);
                let copy = copy.map_err(|why| format!("{} was not put back: {why}", file.path))?;
                match edit::take_back(&specs, &file, copy.as_ref().map(|copy| copy.as_slice()), &scene)? {
                    Some(taken) => told.push(taken),
                    None => whole.push(file),
                }
            }
            if !whole.is_empty() {
                told.push(snapshot::restore(&whole, &folder, &scene)?);
            }
            Ok(told.join("; "))
        }
        // What these change is theirs alone.
        _ => snapshot::restore(&saved, &folder, &scene),
    });
    judged(done.await, &masking)
}

/// Removes the plan's temporary files: those that are gone, and those that are still there with the reason.
pub(super) async fn remove_temporary(scene: Scene) -> (Vec<String>, Vec<(String, String)>) {
    let removed = blocking(move || {
        let (mut removed, mut left) = (Vec::new(), Vec::new());
        // Without its values the name of a file is not known, and no step can have made it.
        for path in scene.plan.temporary.iter().filter_map(|file| scene.path(file).ok()) {
            let named = path.display().to_string();
            match files::remove(&path) {
                Ok(true) => removed.push(named),
                Ok(false) => {}
                Err(wrong) => left.push((named, scene.line(&wrong))),
            }
        }
        Ok((removed, left))
    });
    removed.await.unwrap_or_default()
}

/// Removes the new files, with secrets perhaps, that a program which was killed left waiting beside those that an act writes.
pub(super) fn sweep(act: &Act, scene: &Scene) {
    let named: Vec<&Template> = match act {
        Act::Edit(specs) => specs.iter().map(|spec| &spec.file).collect(),
        Act::Snapshot(specs) => specs.iter().map(|spec| &spec.file).collect(),
        Act::Run(_) | Act::Person(_) | Act::Generate(_) | Act::Verify | Act::Wait(_) => Vec::new(),
    };
    // Without its values the name of a file is not known, and nothing can have been left beside it.
    for path in named.into_iter().filter_map(|file| scene.path(file).ok()) {
        let real = links::resolve(&path).map_or(path, |found| found.path);
        files::sweep(&real);
    }
}

/// Works out what an edit would change: the diff and what it was made from.
///
/// The diff is an error where it cannot be done: a sentence, masked.
pub(super) async fn preview(action: Action, earlier: Earlier, scene: Scene) -> (Result<String, String>, Seen) {
    let Act::Edit(specs) = action.act else {
        return (Err("this step edits no files".to_owned()), Seen::of(None));
    };
    let masking = scene.clone();
    let worked_out = blocking(move || {
        let changes = edit::compute(&specs, &scene, &earlier)?;
        Ok((edit::preview(&changes, &scene), Seen::of(Some(&changes))))
    });
    match worked_out.await {
        Ok((diff, seen)) => (Ok(diff), seen),
        Err(wrong) => (Err(masking.line(&wrong)), Seen::of(None)),
    }
}

/// Tries later steps before an irreversible one, and lists those that would be refused.
pub(super) async fn look_ahead(before: Vec<StepId>, step: StepId, later: Vec<StepId>, scene: Scene) -> Vec<Foreseen> {
    let from = step.clone();
    match blocking(move || Ok(ahead::look(&before, &from, &later, &scene))).await {
        Ok(refused) => refused,
        Err(why) => vec![Foreseen { step, why }],
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err("the program failed in the middle of this; look at the files before going on".to_owned()),
    }
}

fn judged(done: Result<String, String>, scene: &Scene) -> Outcome {
    match done {
        Ok(saw) => Outcome { saw: scene.line(&saw), ..Outcome::default() },
        Err(wrong) => failed(scene.line(&wrong)),
    }
}

fn wanted(file: &Template, missing: bool, scene: &Scene) -> Result<Wanted, String> {
    Ok(Wanted { path: scene.path(file)?, missing })
}

fn made(specs: &[GenerateSpec], scene: &Scene) -> Outcome {
    let secrets: Result<Vec<_>, String> =
        specs.iter().map(|spec| Ok((spec.name.as_str().to_owned(), generate(recipe(spec.how))?))).collect();
    match secrets.and_then(|secrets| scene.secrets.keep(secrets)) {
        Ok(()) => {
            let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
            let saw = format!("made {}", names.join(", "));
            let secrets: Vec<Name> = specs.iter().map(|spec| spec.name.clone()).collect();
            Outcome { saw, fingerprints: scene.fingerprints(&secrets), secrets, ..Outcome::default() }
        }
        Err(wrong) => failed(scene.line(&wrong)),
    }
}

fn recipe(how: Generate) -> Recipe {
    match how {
        Generate::Bytes { bytes, encoding: Encoding::Base64 } => Recipe::Base64(bytes),
        Generate::Bytes { bytes, encoding: Encoding::Base64Url } => Recipe::Base64Url(bytes),
        Generate::Bytes { bytes, encoding: Encoding::Hex } => Recipe::Hex(bytes),
        Generate::Characters { length, alphabet: Alphabet::Alphanumeric } => Recipe::Alphanumeric(length),
        Generate::Characters { length, alphabet: Alphabet::Symbols } => Recipe::Symbols(length),
    }
}

async fn waited(duration: Duration, stop: &mut watch::Receiver<Stop>) -> Outcome {
    let begun = Instant::now();
    let saw = if pause(duration, stop).await {
        format!("waited {}", spell(duration))
    } else {
        format!("cut short after {}", spell(begun.elapsed()))
    };
    Outcome { saw, ..Outcome::default() }
}

/// Lets time pass. Says whether nobody cut it short.
pub(super) async fn pause(duration: Duration, stop: &mut watch::Receiver<Stop>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(duration) => true,
        // A sender that is gone can stop nothing any more; the pause is over then too, since nobody waits for it.
        _ = stop.wait_for(|stop| *stop != Stop::No) => false,
    }
}

/// Makes the outcome of what was stopped before it began.
pub(super) fn stopped_before() -> Outcome {
    Outcome { how: How::Stopped, saw: "stopped before it began".to_owned(), ..Outcome::default() }
}
