//! The probe `value`: what the run itself holds under a name. A secret is compared and never shown.

use super::{Heard, Miss};
use crate::exec::expect::Answer;
use crate::exec::scene::Scene;
use crate::playbook::plan::Name;

/// Looks a value up.
pub(super) fn ask(name: &Name, scene: &Scene) -> Result<Heard, Miss> {
    let (text, shown) = match scene.values.get(name) {
        Some(value) => (value.clone(), true),
        None => (scene.secret(name).map_err(|_| no_value(name))?.expose().to_owned(), false),
    };
    let saw = if shown { name.to_string() } else { format!("{name} has a value, which is a secret") };
    let answer = Answer { text, ..Answer::default() };
    Ok(Heard { answer, saw, shown: shown.then_some(" is "), ..Heard::default() })
}

fn no_value(name: &Name) -> Miss {
    Miss::not_asked(format!("{name} has no value yet: the step that gives it was not done"))
}
