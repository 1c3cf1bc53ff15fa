//! Tries later edits and snapshots in memory before an irreversible step: what would be refused is known while it still helps.
//!
//! Earlier edits of the same file are counted in. A value that is not known yet stands for any value, and what looks for it
//! is not judged; a file that is not there may be made by a command in between. Nothing is written. What must stay true: a
//! step is said to be refused only for what can be seen now.

use std::path::PathBuf;

use super::edit::Draft;
use super::files;
use super::links::resolve;
use super::scene::Scene;
use crate::engine::Foreseen;
use crate::playbook::plan::{Act, EditPlace, EditSpec, SnapshotSpec, Step, StepId, Template};

/// Tries steps one after the other, and lists those that would be refused.
///
/// `before` are the steps whose edits count as made though they are not: a dry run has passed over them. `from` is the
/// irreversible step.
pub(super) fn look(before: &[StepId], from: &StepId, later: &[StepId], scene: &Scene) -> Vec<Foreseen> {
    let mut drafts = Drafts { files: Vec::new(), scene };
    for step in before.iter().filter_map(|id| scene.plan.step(id)) {
        // What would be wrong with these was said when it was their turn.
        let _ = drafts.try_step(step, true);
    }
    let place = |id: &StepId| scene.plan.index.get(id).copied().unwrap_or(0);
    let mut refused = Vec::new();
    for id in later {
        let Some(step) = scene.plan.step(id) else { continue };
        let between = scene.plan.steps.get(place(from) + 1..place(id)).unwrap_or_default();
        let made = between.iter().any(|step| step.changes() && matches!(step.action.act, Act::Run(_) | Act::Person(_)));
        if let Err(why) = drafts.try_step(step, made) {
            refused.push(Foreseen { step: id.clone(), why: scene.line(&why) });
        }
    }
    refused
}

/// The files as they would be by then.
struct Drafts<'s> {
    files: Vec<Draft>,
    scene: &'s Scene,
}

impl Drafts<'_> {
    /// Tries one step. `made`: something before it may make files that are not there.
    fn try_step(&mut self, step: &Step, made: bool) -> Result<(), String> {
        let scene = self.scene.clone().within(step.id.as_str());
        match &step.action.act {
            Act::Edit(specs) => specs.iter().try_for_each(|spec| self.try_edit(spec, made, &scene)),
            Act::Snapshot(specs) => specs.iter().try_for_each(|spec| try_snapshot(spec, made, &self.files, &scene)),
            Act::Run(_) | Act::Person(_) | Act::Generate(_) | Act::Verify | Act::Wait(_) => Ok(()),
        }
    }

    fn try_edit(&mut self, spec: &EditSpec, made: bool, scene: &Scene) -> Result<(), String> {
        let Some(named) = known(&spec.file, scene)? else { return Ok(()) };
        let found = resolve(&named)?;
        let known = self.files.iter().position(|draft| draft.is_of(&found.path));
        let at = known.unwrap_or(self.files.len());
        match (known, &spec.place) {
            (Some(_), _) => {}
            (None, EditPlace::Append { missing: true }) if !found.exists => self.files.push(Draft::of_new(&named)?),
            (None, _) if made && !found.exists => return Ok(()),
            (None, _) => self.files.push(Draft::of(&named)?),
        }
        self.files[at].try_edit(spec, scene)
    }
}

fn try_snapshot(spec: &SnapshotSpec, made: bool, drafts: &[Draft], scene: &Scene) -> Result<(), String> {
    let Some(named) = known(&spec.file, scene)? else { return Ok(()) };
    let found = resolve(&named)?;
    let exists = found.exists;
    let made = made || drafts.iter().any(|draft| draft.is_of(&found.path));
    if exists || !(made || spec.missing) { files::read(&named).map(|_| ()) } else { Ok(()) }
}

/// The path of a file; none where a part of it is not known yet.
fn known(file: &Template, scene: &Scene) -> Result<Option<PathBuf>, String> {
    if file.names().any(|name| !scene.values.contains_key(name)) {
        return Ok(None);
    }
    scene.path(file).map(Some)
}
