//! What can be copied of what is looked at: its link, its command, and the secrets of the run by name.
//!
//! Both fronts of a person ask here, so both offer the same. What must stay true: a secret is here by name only; its value
//! comes from the session, when it was asked for and that is on record.

use crate::engine::undo::{self, UndoAction};
use crate::engine::{Run, Stage, Target};
use crate::output::{Reach, one_line, visible_plain};
use crate::playbook::plan::{Act, Action, Name, Plan};
use crate::words::describe::{self, Fact};
use crate::words::fill;

/// Something that can be copied. Texts are as they are shown: what is invisible there is no part of what is pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Copyable {
    /// A link, filled in.
    Link(String),
    /// A command, as it is shown.
    Command(String),
    /// A secret of the run.
    Secret(Name),
}

impl Copyable {
    /// Says what it is.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Link(_) => "link",
            Self::Command(_) => "command",
            Self::Secret(_) => "secret",
        }
    }

    /// Returns what stands for it in a list: the text, or the name of what is never shown.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Link(text) | Self::Command(text) => one_line(text).into_owned(),
            Self::Secret(name) => name.to_string(),
        }
    }
}

/// Lists what can be copied where a step, or an action of its undo, is looked at. Secrets that it names stand before others.
pub(super) fn copyable(plan: &Plan, run: &Run, target: Option<&Target>) -> Vec<Copyable> {
    let action = target.and_then(|target| action(plan, target));
    let facts = action.map(|action| describe::action(action, run)).unwrap_or_default();
    let mut found = Vec::new();
    if let Some(Action { act: Act::Person(person), .. }) = action {
        found.extend(person.open.iter().map(|link| Copyable::Link(visible_plain(&fill(link, run)))));
    }
    // Without the line end: a shell would start it as it is pasted.
    let commands = facts.iter().filter(|fact| fact.code).map(|fact| visible_plain(fact.text.trim_end()));
    found.extend(commands.map(Copyable::Command));
    if matches!(run.stage, Stage::Briefing | Stage::Closing | Stage::Over) {
        return found;
    }
    let (here, others): (Vec<&Name>, Vec<&Name>) = run.secrets.iter().partition(|name| named(&facts, name.as_str()));
    found.extend(here.into_iter().chain(others).cloned().map(Copyable::Secret));
    found
}

/// Says what it means to copy a secret, before it is done.
pub(super) fn warning(name: &Name) -> String {
    format!(
        "Copy the secret {name}? It is not shown, and that it was copied goes on record. {}",
        Reach::here().warning()
    )
}

/// Finds the action of a target; none for files put back.
fn action<'p>(plan: &'p Plan, target: &Target) -> Option<&'p Action> {
    match (target.undo, undo::action(plan, target)) {
        (None, _) => plan.step(&target.step).map(|step| &step.action),
        (Some(_), Some(UndoAction::Author(action))) => Some(action),
        (Some(_), Some(UndoAction::Restore) | None) => None,
    }
}

/// Says whether a name stands among facts as a word of its own.
fn named(facts: &[Fact], name: &str) -> bool {
    let inside = |letter: char| letter.is_alphanumeric() || letter == '_';
    facts.iter().any(|fact| fact.text.split(|letter| !inside(letter)).any(|word| word == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::bench::plan;

    #[test]
    fn what_a_step_names_stands_first() {
        let plan = plan(
            "{runsheet: 1, title: T, inputs: {a_key: {type: secret}, z_key: {type: secret}}, phases: [{title: P, steps: [\
             {id: one, title: One, run: 'curl \"$Z\"', env: {Z: {secret: z_key}}, read_only: true},\
             {id: two, title: Two, manual: Do it., open: 'https://example.com', read_only: true}]}]}",
        );
        let mut run = Run::new(&plan);
        run.secrets.extend(["a_key", "z_key"].map(Name::new));
        assert_eq!(copyable(&plan, &run, None), [], "there is no vault before a run has begun");
        run.stage = Stage::Walking;
        let seen = |step: &str| {
            let found = copyable(&plan, &run, Some(&Target::step(&step.into())));
            found.iter().map(|what| format!("{} {}", what.label(), what.shown())).collect::<Vec<_>>()
        };
        assert_eq!(seen("one"), ["command curl \"$Z\"", "secret z_key", "secret a_key"]);
        assert_eq!(seen("two"), ["link https://example.com", "secret a_key", "secret z_key"]);
        assert_eq!(copyable(&plan, &run, None).len(), 2);
    }
}
