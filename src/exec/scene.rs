//! What an effect can draw on: the plan, the run's values and secrets, the folder that paths start from.
//!
//! The one place where a template, a `Given` or a path of the plan becomes text of this run, and where the environment of
//! a child is put together.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::engine::LogMark;
use crate::output::visible_plain;
use crate::playbook::plan::{Content, Escape, Given, InputKind, Name, Part, Plan, Put, Scope, Source, Template};
use crate::secret::{Secret, Secrets};

use super::expect::{fill, shorten};
use super::launch::Launcher;

/// What an effect can draw on.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The playbook's folder, absolute: relative paths start here, and so do children.
    pub base: PathBuf,
    /// The included playbook that it is for; none for the playbook that is run.
    pub scope: Option<Scope>,
    /// The run's secrets.
    pub secrets: Arc<Secrets>,
    /// The run's values that are no secrets.
    pub values: BTreeMap<Name, String>,
    /// How children are started.
    pub launcher: Launcher,
    /// What becomes of a value that is not there.
    pub gaps: Gaps,
    /// Where the logs stood when what is verified began.
    pub logs: Vec<LogMark>,
    /// The folder that every path is taken to be in, as if it were the root; none where paths are what they say.
    pub root: Option<PathBuf>,
}

/// What becomes of a value that is not there yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gaps {
    /// It is an error.
    #[default]
    Refused,
    /// It is shown as `${name}`: for a dry run, which carries nothing out with it.
    Shown,
}

/// The most characters of a line for people that came from outside.
const LINE: usize = 200;

impl Scene {
    /// Moves it into the included playbook that a step or a name belongs to, where it belongs to one.
    #[must_use]
    pub fn within(mut self, of: &str) -> Self {
        if let Some(scope) = self.plan.scope(of) {
            self.base = self.base.join(&scope.folder);
            self.scope = Some(scope.clone());
        }
        self
    }

    /// Lists the variables that scripts get, with the values that they stand for, none of them a secret.
    pub(super) fn variables(&self) -> Vec<(&str, &Name)> {
        if let Some(scope) = &self.scope {
            let shown = scope.variables.iter().filter(|(_, name)| !self.plan.is_secret(name));
            return shown.map(|(variable, name)| (variable.as_str(), name)).collect();
        }
        // Those of an included playbook are for its own scripts.
        let own = self.plan.names.iter().filter(|(name, spec)| !spec.secret && !name.as_str().contains('/'));
        own.map(|(name, spec)| (spec.env.as_str(), name)).collect()
    }

    /// Puts the values into a template.
    #[must_use]
    pub fn text(&self, template: &Template) -> String {
        fill(template, &self.values)
    }

    /// Puts the values into a path and makes it absolute. A value that is not there yet is an error here: a file called
    /// `${name}` is never meant.
    ///
    /// # Errors
    /// A sentence with the name that has no value.
    pub fn path(&self, template: &Template) -> Result<PathBuf, String> {
        let path = self.complete(template).map(|text| self.base.join(text))?;
        Ok(match &self.root {
            Some(root) => beneath(root, &path),
            None => path,
        })
    }

    /// Puts the values into a template whose names must all have one.
    ///
    /// # Errors
    /// A sentence with the name that has no value.
    pub fn complete(&self, template: &Template) -> Result<String, String> {
        match template.names().find(|name| !self.values.contains_key(*name)) {
            Some(_) if self.gaps == Gaps::Shown => Ok(self.text(template)),
            Some(name) => Err(format!("{name} has no value yet: the step that gives it was not done")),
            None => Ok(self.text(template)),
        }
    }

    /// Returns a text or a secret of the plan.
    ///
    /// # Errors
    /// A sentence with the name that has no value.
    pub fn given(&self, given: &Given) -> Result<Secret, String> {
        match given {
            Given::Text(template) => self.complete(template).map(Secret::new),
            Given::Secret(name) => self.secret(name),
        }
    }

    /// Puts the values and the secrets into a text that only a program gets.
    ///
    /// # Errors
    /// A sentence with the name that has no value.
    pub(super) fn content(&self, content: &Content) -> Result<Secret, String> {
        let mut parts = Vec::new();
        for part in content.text.parts() {
            parts.push(match part {
                Part::Text(text) => Zeroizing::new(text.clone()),
                Part::Value(name) => match self.values.get(name) {
                    Some(value) => escaped(value, content.escape),
                    None if self.plan.is_secret(name) => escaped(self.secret(name)?.expose(), content.escape),
                    None => Zeroizing::new(self.complete(&Template::new(vec![part.clone()]))?),
                },
            });
        }
        // With room for all of it: a text that grows leaves copies of itself behind.
        let mut text = String::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in &parts {
            text.push_str(part);
        }
        Ok(Secret::new(text))
    }

    /// Returns a secret by name.
    ///
    /// # Errors
    /// A sentence with the name when there is none.
    pub fn secret(&self, name: &Name) -> Result<Secret, String> {
        match self.secrets.get(name.as_str()) {
            Some(secret) => Ok(secret),
            None if self.gaps == Gaps::Shown => Ok(Secret::new(format!("${{{name}}}"))),
            None => Err(format!("the secret {name} has no value: the step that gives it was not done")),
        }
    }

    /// Says whether a secret is shown as `${name}` because it is not there.
    pub(super) fn is_gap(&self, name: &Name) -> bool {
        self.gaps == Gaps::Shown && self.secrets.get(name.as_str()).is_none()
    }

    /// Says whether an edit puts in something that is not there.
    pub(super) fn has_gaps(&self, put: &Put) -> bool {
        match put {
            Put::Value(Given::Text(template)) => template.names().any(|name| !self.values.contains_key(name)),
            Put::Value(Given::Secret(name)) | Put::UrlPassword(name) => self.is_gap(name),
        }
    }

    /// Returns the fingerprints of secrets that are kept.
    pub(super) fn fingerprints(&self, names: &[Name]) -> BTreeMap<Name, String> {
        fingerprints(&self.secrets, names)
    }

    /// Masks a text from outside and makes its controls visible.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        self.secrets.masker().mask(&visible_plain(text))
    }

    /// Makes a text from outside one line for people: masked, and short.
    #[must_use]
    pub fn line(&self, text: &str) -> String {
        let masked = self.mask(text);
        shorten(&masked.split_whitespace().collect::<Vec<_>>().join(" "), LINE)
    }

    /// Puts together the environment that every child gets: ours, and the run's values that are no secrets.
    ///
    /// Taken out of ours: what bears the name of any value of the playbook (a stale one must not stand in for it), what an
    /// input takes a secret from, and whatever equals a secret of the run. A step gets a secret by naming it, only so.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<OsString, OsString> {
        let mut without: HashSet<&str> = self.plan.names.values().map(|spec| spec.env.as_str()).collect();
        let scopes = self.plan.scopes.values().flat_map(|scope| &scope.variables);
        without.extend(scopes.map(|(variable, _)| variable.as_str()));
        without.extend(self.plan.inputs.iter().filter_map(|input| match (&input.kind, &input.from) {
            (InputKind::Secret, Some(Source::Env(variable))) => Some(variable.as_str()),
            _ => None, // whatever else there is, its value may be seen
        }));
        let secrets: Vec<Secret> = self.secrets.names().iter().filter_map(|name| self.secrets.get(name)).collect();
        let mut environment: BTreeMap<OsString, OsString> = std::env::vars_os()
            .filter(|(key, _)| key.to_str().is_none_or(|key| !without.contains(key)))
            .filter(|(_, value)| {
                let value = value.as_encoded_bytes();
                !secrets.iter().any(|secret| secret.expose().as_bytes() == value)
            })
            .collect();
        for (variable, name) in self.variables() {
            if let Some(value) = self.values.get(name) {
                environment.insert(variable.into(), value.into());
            }
        }
        environment
    }
}

/// Takes a path to be in a folder, as if that were the root. No `..` leads out of it.
fn beneath(root: &Path, path: &Path) -> PathBuf {
    let mut inner = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inner.push(name),
            Component::ParentDir => {
                inner.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    root.join(inner)
}

/// Returns the fingerprints of secrets that are kept.
pub(super) fn fingerprints(secrets: &Secrets, names: &[Name]) -> BTreeMap<Name, String> {
    names.iter().filter_map(|name| Some((name.clone(), secrets.fingerprint(name.as_str())?))).collect()
}

/// All but what RFC 3986, section 2.3, calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Writes a value as the text around it will be read.
fn escaped(value: &str, escape: Escape) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(3 * value.len()));
    let backslashed = |text: &mut String, sign: char| {
        text.push('\\');
        text.push(sign);
    };
    match escape {
        Escape::None => text.push_str(value),
        Escape::Percent => text.extend(utf8_percent_encode(value, RESERVED)),
        Escape::Pgpass => value.chars().for_each(|sign| match sign {
            ':' | '\\' => backslashed(&mut text, sign),
            _ => text.push(sign), // any other stands for itself
        }),
        Escape::Quoted => value.chars().for_each(|sign| match sign {
            '"' | '\\' => backslashed(&mut text, sign),
            '\n' => backslashed(&mut text, 'n'),
            '\r' => backslashed(&mut text, 'r'),
            '\t' => backslashed(&mut text, 't'),
            _ => text.push(sign), // any other stands for itself
        }),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_its_root() {
        for (path, inner) in [
            ("/etc/passwd", "/r/etc/passwd"),
            ("/../../etc/./passwd", "/r/etc/passwd"),
            ("a/../../b", "/r/b"),
            ("/", "/r"),
        ] {
            assert_eq!(beneath(Path::new("/r"), Path::new(path)), Path::new(inner), "{path}");
        }
    }

    #[test]
    fn values_are_written_as_they_will_be_read() {
        for (escape, value, text) in [
            (Escape::None, "a\"b\\c:d\n", "a\"b\\c:d\n"),
            (Escape::Quoted, "a\"b\\c:d\r\n\té#", "a\\\"b\\\\c:d\\r\\n\\té#"),
            (Escape::Pgpass, "a\"b\\c:d", "a\"b\\\\c\\:d"),
            (Escape::Percent, "a-b._~/+@:%é", "a-b._~%2F%2B%40%3A%25%C3%A9"),
        ] {
            assert_eq!(*escaped(value, escape), text, "{escape:?}");
        }
    }
}
