//! Which names take values, where they are used, and whether each use can hold.
//!
//! While the tree is lowered, definitions and uses are written down in the order of the walk; [`Names::resolve`] then
//! looks at all of them. So a name that is defined too late is told apart from one that nobody defines.

use std::collections::HashMap;
use std::rc::Rc;

use super::fault::{Fault, nearest};
use super::include::Known;
use super::lower::Source;
use super::naming::{Bound, Naming};
use super::plan::{InputKind, Name, NameSpec, Section};
use super::wanted::one_of;
use super::yaml::Place;

/// What a `when` asks for: every name has one of its values.
pub(super) type When<'a> = Rc<[(&'a str, Vec<&'a str>)]>;

/// Where in the walk something stands.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    /// The step, counted from 1; 0 is the briefing.
    pub(super) step: usize,
    pub(super) section: Section,
    /// Within the step's rollback.
    pub(super) undo: bool,
    pub(super) when: When<'a>,
}

/// What a field does with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Its value becomes part of a text, in which nothing secret may stand.
    Text,
    /// Its value becomes part of a line that is kept for people to read.
    Record,
    /// It must be a secret.
    Secret,
    /// It may be either.
    Either,
}

#[derive(Debug)]
struct Use<'a> {
    name: &'a str,
    place: Place,
    /// Which `${name}` of the text it is; none where the name stands alone.
    nth: Option<usize>,
    wants: Wants,
    at: At<'a>,
    seq: usize,
}

/// A name that takes a value.
#[derive(Debug)]
pub(super) struct Definition<'a> {
    pub(super) place: Place,
    pub(super) secret: bool,
    pub(super) kind: Option<InputKind>,
    pub(super) env: String,
    pub(super) env_place: Place,
    pub(super) at: At<'a>,
    seq: usize,
}

/// A script, with the variables that it is given beside those of every script.
#[derive(Debug)]
pub(super) struct Script<'a> {
    pub(super) text: &'a str,
    pub(super) place: Place,
    /// Each with the name of the secret that it holds, if it holds one.
    pub(super) given: Vec<(&'a str, Option<&'a str>)>,
    /// The secret that it reads on standard input.
    pub(super) stdin: Option<&'a str>,
    /// The program that reads it, as a file name.
    pub(super) shell: &'a str,
}

/// Everything known of names.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub(super) definitions: HashMap<&'a str, Definition<'a>>,
    order: Vec<&'a str>,
    uses: Vec<Use<'a>>,
    /// Names that a rollback or a recapture sets once more.
    again: Vec<(&'a str, Place, bool)>,
    /// Values that a name must be able to have.
    values: Vec<(&'a str, &'a str, Place)>,
    pub(super) scripts: Vec<Script<'a>>,
    /// Some command runs on another machine.
    pub(super) calls_ssh: bool,
    /// Steps whose included playbook could not be understood: what it gives a value is not known.
    unknown_within: Vec<&'a str>,
    seq: usize,
}

/// How many unknown names get a suggestion; more would make a hopeless file slow.
const SUGGESTIONS: usize = 50;

impl<'a> Names<'a> {
    /// Writes a definition down. Returns a fault when there is one already.
    pub(super) fn define(
        &mut self,
        name: &'a str,
        place: Place,
        secret: bool,
        kind: Option<InputKind>,
        env: Option<(&str, Place)>,
        at: At<'a>,
    ) -> Option<Fault> {
        self.seq += 1;
        if let Some(first) = self.definitions.get(name) {
            let line = first.place.line;
            return Some(
                Fault::new(place, format!("`{name}` gets a value twice"))
                    .advise(format!("line {line} gives it one already: choose another name")),
            );
        }
        let (env, env_place) = match env {
            Some((env, place)) => (env.to_owned(), place),
            None => (name.to_ascii_uppercase(), place),
        };
        let seq = self.seq;
        self.definitions.insert(name, Definition { place, secret, kind, env, env_place, at, seq });
        self.order.push(name);
        None
    }

    /// Writes down that a rollback or a recapture sets a name once more.
    pub(super) fn set_again(&mut self, name: &'a str, place: Place, secret: bool) {
        self.again.push((name, place, secret));
    }

    /// Writes down that nothing is known of the playbook that a step includes.
    pub(super) fn unknown_within(&mut self, step: &'a str) {
        self.unknown_within.push(step);
    }

    /// Says whether a name has a definition by now.
    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.definitions.contains_key(name)
    }

    pub(super) fn uses(&mut self, name: &'a str, place: Place, nth: Option<usize>, wants: Wants, at: At<'a>) {
        self.seq += 1;
        self.uses.push(Use { name, place, nth, wants, at, seq: self.seq });
    }

    /// Writes down that a name is expected to have this value at times.
    pub(super) fn expects_value(&mut self, name: &'a str, value: &'a str, place: Place) {
        self.values.push((name, value, place));
    }

    /// Writes down a script, in which `${name}` would not be filled in.
    pub(super) fn script(&mut self, script: Script<'a>) {
        self.scripts.push(script);
    }

    /// Finds everything wrong with names.
    pub(super) fn resolve(&self, source: &Source<'_>, faults: &mut Vec<Fault>) {
        let mut suggestions = SUGGESTIONS;
        for used in &self.uses {
            faults.extend(self.resolve_use(used, source, &mut suggestions));
        }
        self.resolve_again(faults);
        self.resolve_values(faults);
        self.resolve_variables(faults);
        self.resolve_scripts(source, faults);
    }

    fn resolve_use(&self, used: &Use<'a>, source: &Source<'_>, suggestions: &mut usize) -> Option<Fault> {
        let name = used.name;
        let place = || match used.nth {
            Some(nth) => source.locate(used.place, &format!("${{{name}}}"), nth),
            None => used.place,
        };
        let Some(definition) = self.definitions.get(name) else {
            // Whatever is wrong there has its fault already.
            if name.split_once('/').is_some_and(|(step, _)| self.unknown_within.contains(&step)) {
                return None;
            }
            let fault = Fault::new(place(), format!("nothing gives `{name}` a value"));
            let near = if *suggestions > 0 {
                *suggestions -= 1;
                nearest(name, self.order.iter().copied())
            } else {
                None
            };
            return Some(match near {
                Some(near) => fault.advise(format!("did you mean `{near}`?")),
                None if used.nth.is_some() => {
                    fault.advise(format!("add it to `inputs`, or write: `$${{{name}}}` for the text itself"))
                }
                None => fault.advise("add it to `inputs`, or to the `ask` or `capture` of an earlier step"),
            });
        };
        let (here, there) = (&used.at, &definition.at);
        let same = here.step == there.step;
        let line = definition.place.line;
        if definition.seq > used.seq {
            return Some(
                Fault::new(place(), format!("`{name}` is used before it has a value"))
                    .advise(format!("line {line} gives it one: move this behind it, or that before this")),
            );
        }
        if there.undo && !(same && here.undo) {
            return Some(
                Fault::new(place(), format!("`{name}` gets a value only in the rollback of line {line}"))
                    .advise("capture it in the step itself too"),
            );
        }
        let skipped = matches!(there.section, Section::Success | Section::Cleanup);
        if here.section == Section::AfterRollback && skipped {
            return Some(
                Fault::new(place(), format!("`{name}` has no value after a rollback"))
                    .advise("`success` and `cleanup` are not walked then: use a value of `inputs` or of a phase"),
            );
        }
        if !same && let Some((deciding, values)) = not_implied(&here.when, &there.when) {
            return Some(
                Fault::new(place(), format!("`{name}` has a value only when `{deciding}` is {}", one_of(values)))
                    .advise(format!("write: `when: {{ {deciding}: [{}] }}` here too", values.join(", "))),
            );
        }
        match (used.wants, definition.secret) {
            (Wants::Text, true) if used.nth.is_none() => Some(
                Fault::new(place(), format!("`{name}` is a secret, and what is compared here is shown"))
                    .advise("prove it where it is used: a login, or `dotenv` of a `file` probe"),
            ),
            (Wants::Text, true) => Some(
                Fault::new(place(), format!("`{name}` is a secret and may not stand in a text"))
                    .advise(format!("name it where a secret is taken: `{{ secret: {name} }}`, or `password: {name}`")),
            ),
            (Wants::Record, true) => Some(
                Fault::new(place(), format!("`{name}` is a secret, and what is appended is for people to read"))
                    .advise("take it out: the record of the run has a fingerprint of it"),
            ),
            (Wants::Secret, false) => Some(
                Fault::new(place(), format!("`{name}` is no secret, and a secret is wanted here"))
                    .advise(format!("line {line} gives it its value: write `type: secret` or `secret: true` there")),
            ),
            (Wants::Text | Wants::Record, false) | (Wants::Secret, true) | (Wants::Either, _) => None,
        }
    }

    fn resolve_again(&self, faults: &mut Vec<Fault>) {
        for &(name, place, secret) in &self.again {
            let Some(definition) = self.definitions.get(name) else { continue };
            if definition.secret != secret {
                let (message, advice) = if definition.secret {
                    (format!("`{name}` is a secret, and here it is captured as text"), "add `secret: true`")
                } else {
                    (format!("`{name}` is a text, and here it is captured as a secret"), "take `secret: true` out")
                };
                faults.push(Fault::new(place, message).advise(advice));
            }
        }
    }

    fn resolve_values(&self, faults: &mut Vec<Fault>) {
        for &(name, value, place) in &self.values {
            let Some(definition) = self.definitions.get(name) else { continue };
            if definition.secret {
                faults.push(
                    Fault::new(place, format!("`{name}` is a secret and decides nothing"))
                        .advise("use an input of another type"),
                );
                continue;
            }
            let words: Vec<&str> = match &definition.kind {
                Some(InputKind::Choice(words)) => words.iter().map(String::as_str).collect(),
                Some(InputKind::Boolean) => vec!["true", "false"],
                // These have no list of values to hold a value against.
                Some(
                    InputKind::Text
                    | InputKind::Path
                    | InputKind::Integer
                    | InputKind::Url
                    | InputKind::Duration
                    | InputKind::Secret,
                )
                | None => continue,
            };
            if !words.contains(&value) {
                let fault = Fault::new(place, format!("`{name}` is never `{value}`"));
                faults.push(match nearest(value, words.iter().copied()) {
                    Some(near) => fault.advise(format!("did you mean `{near}`?")),
                    None => fault.advise(format!("write: {}", one_of(&words))),
                });
            }
        }
    }

    fn resolve_variables(&self, faults: &mut Vec<Fault>) {
        let mut taken: HashMap<&str, &str> = HashMap::new();
        for (name, definition) in self.own() {
            let env = definition.env.as_str();
            let reserved = matches!(env, "PATH" | "HOME" | "IFS") || env.starts_with("LD_") || env.starts_with("BASH_");
            if reserved {
                faults.push(
                    Fault::new(definition.env_place, format!("`{name}` would change `{env}` for every script"))
                        .advise("choose another name, or give it another variable with `env`"),
                );
            }
            if let Some(other) = taken.insert(env, name) {
                faults.push(
                    Fault::new(
                        definition.env_place,
                        format!("scripts would get `{name}` and `{other}` under one variable, `{env}`"),
                    )
                    .advise("choose another name, or give one of them another variable with `env`"),
                );
            }
        }
    }

    /// Lists the names of this playbook itself, in the order in which they get a value.
    pub(super) fn own(&self) -> impl Iterator<Item = (&'a str, &Definition<'a>)> {
        let own = self.order.iter().filter(|name| !name.contains('/'));
        own.filter_map(|name| Some((*name, self.definitions.get(name)?)))
    }

    /// Returns every name of this playbook itself with what the plan says of it. What the including playbook gives is its.
    pub(super) fn specs(&self, naming: &Naming) -> HashMap<Name, NameSpec> {
        let own = self.own().filter(|(name, _)| !matches!(naming.bound(name), Some(Bound::Name(_))));
        own.map(|(name, definition)| {
            (naming.name(name), NameSpec { secret: definition.secret, env: definition.env.clone() })
        })
        .collect()
    }

    /// Lists the variables that scripts get, with the values that they stand for.
    pub(super) fn variables(&self, naming: &Naming) -> Vec<(String, Name)> {
        let shown = self.own().filter(|(_, definition)| !definition.secret);
        shown.map(|(name, definition)| (definition.env.clone(), naming.name(name))).collect()
    }

    /// Lists what steps outside can use of this playbook once its steps are walked.
    pub(super) fn known(&self) -> Vec<Known> {
        let kept = |definition: &Definition<'_>| definition.at.section == Section::Main && !definition.at.undo;
        let names = self.order.iter().filter_map(|name| Some((*name, self.definitions.get(name)?)));
        let known = names.filter(|(_, definition)| kept(definition)).map(|(name, definition)| Known {
            name: name.to_owned(),
            secret: definition.secret,
            when: definition.at.when.iter().map(owned).collect(),
        });
        known.collect()
    }
}

fn owned((name, values): &(&str, Vec<&str>)) -> (String, Vec<String>) {
    ((*name).to_owned(), values.iter().map(|&value| value.to_owned()).collect())
}

/// Finds a condition of `there` that `here` does not imply.
fn not_implied<'w, 'a>(here: &When<'a>, there: &'w When<'a>) -> Option<(&'a str, &'w [&'a str])> {
    there.iter().find_map(|(name, values)| {
        let implied =
            here.iter().any(|(other, narrower)| other == name && narrower.iter().all(|value| values.contains(value)));
        (!implied).then_some((*name, values.as_slice()))
    })
}
