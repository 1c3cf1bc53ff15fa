//! How the names of a playbook are called in the plan: as they are, or, where it is included, behind the id of the step that
//! includes it.
//!
//! What the including playbook gives for an input takes the place of the input: a value of its own under that value's name,
//! a text as it stands. What must stay true: two playbooks of one plan never mean one value by accident.

use std::collections::HashMap;

use super::plan::{Name, Part, StepId, Template};

/// What stands for an input of an included playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// A value of the including playbook, by its name in the plan.
    Name(Name),
    /// A text.
    Text(String),
}

/// How names become those of the plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Naming {
    /// `step/`, for each playbook around this one; nothing for the one that is run.
    prefix: String,
    given: HashMap<String, Bound>,
}

impl Naming {
    /// Names a playbook that is included by a step of this one.
    pub(super) fn within(&self, step: &str, given: HashMap<String, Bound>) -> Self {
        Self { prefix: format!("{}{step}/", self.prefix), given }
    }

    /// Returns the ids of the steps that include it, from the outside; nothing for the one that is run.
    pub(super) fn scope(&self) -> &str {
        self.prefix.trim_end_matches('/')
    }

    /// Returns what a name is bound to by the including playbook.
    pub(super) fn bound(&self, name: &str) -> Option<&Bound> {
        self.given.get(name)
    }

    /// Says whether a name of the plan is one that the including playbook gives.
    pub(super) fn is_outer(&self, name: &Name) -> bool {
        self.given.values().any(|bound| matches!(bound, Bound::Name(outer) if outer == name))
    }

    /// Lists the names that are bound to a text, as they are called in the plan.
    pub(super) fn fixed(&self) -> impl Iterator<Item = (Name, String)> {
        self.given.iter().filter_map(|(name, bound)| match bound {
            Bound::Text(text) => Some((self.name(name), text.clone())),
            Bound::Name(_) => None,
        })
    }

    /// Returns what a name is called in the plan.
    pub(super) fn name(&self, name: &str) -> Name {
        match self.given.get(name) {
            Some(Bound::Name(outer)) => outer.clone(),
            Some(Bound::Text(_)) | None if self.prefix.is_empty() => Name::new(name),
            Some(Bound::Text(_)) | None => Name::new(&format!("{}{name}", self.prefix)),
        }
    }

    /// Returns what a step is called in the plan.
    pub(super) fn step(&self, id: &str) -> StepId {
        if self.prefix.is_empty() { StepId::new(id) } else { StepId::new(&format!("{}{id}", self.prefix)) }
    }

    /// Puts the names of the plan into a template.
    pub(super) fn template(&self, template: Template) -> Template {
        if self.prefix.is_empty() {
            return template;
        }
        let parts = template.parts().iter().map(|part| match part {
            Part::Text(_) => part.clone(),
            Part::Value(name) => match self.given.get(name.as_str()) {
                Some(Bound::Text(text)) => Part::Text(text.clone()),
                Some(Bound::Name(_)) | None => Part::Value(self.name(name.as_str())),
            },
        });
        Template::new(parts.collect())
    }
}
