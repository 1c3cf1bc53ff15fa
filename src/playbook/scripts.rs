//! What can be found in the text of a script: `${name}` that would not be filled in, secrets that it is not given, and
//! secrets that it gives away (`arguments`).

use std::collections::HashMap;

use super::arguments;
use super::fault::Fault;
use super::lower::Source;
use super::names::{Names, Script};

impl Names<'_> {
    /// Finds everything wrong in scripts.
    pub(super) fn resolve_scripts(&self, source: &Source<'_>, faults: &mut Vec<Fault>) {
        let secrets: HashMap<&str, &str> = self
            .own()
            .filter(|(_, definition)| definition.secret)
            .map(|(name, definition)| (definition.env.as_str(), name))
            .collect();
        for script in &self.scripts {
            self.names_in_braces(script, source, faults);
            withheld(script, &secrets, source, faults);
            arguments::find(script, source, faults);
        }
    }

    /// Finds `${name}` of a known name: a script has values only as variables.
    fn names_in_braces(&self, script: &Script<'_>, source: &Source<'_>, faults: &mut Vec<Fault>) {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (at, _) in script.text.match_indices("${") {
            let after = &script.text[at + 2..];
            let length = after.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
            let name = &after[..length];
            if !after[length..].starts_with('}') {
                continue;
            }
            let Some(definition) = self.definitions.get(name) else { continue };
            let nth = seen.entry(name).or_default();
            let needle = format!("${{{name}}}");
            let fault = Fault::new(
                source.locate(script.place, &needle, *nth),
                format!("`{needle}` is not filled in here: a script gets values as variables"),
            );
            *nth += 1;
            let env = &definition.env;
            faults.push(if definition.secret {
                fault.advise(format!("write: `\"${env}\"`, and `env: {{ {env}: {{ secret: {name} }} }}` beside it"))
            } else {
                fault.advise(format!("write: `\"${env}\"`"))
            });
        }
    }
}

/// Finds the variable of a secret in a script that is not given it, and does not set it itself either. Only a warning:
/// no one can tell from a text what a script does.
fn withheld(script: &Script<'_>, secrets: &HashMap<&str, &str>, source: &Source<'_>, faults: &mut Vec<Fault>) {
    let mut told: Vec<&str> = Vec::new();
    for (at, _) in script.text.match_indices('$') {
        let after = &script.text[at + 1..];
        let after = after.strip_prefix('{').unwrap_or(after);
        let length = after.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let variable = &after[..length];
        let Some(name) = secrets.get(variable) else { continue };
        if script.given.iter().any(|(given, _)| *given == variable) || told.contains(&variable) {
            continue;
        }
        told.push(variable);
        if script.text.contains(&format!("{variable}=")) || script.text.contains(&format!("read -r {variable}")) {
            continue;
        }
        let braces = script.text[at + 1..].starts_with('{');
        let needle = if braces { format!("${{{variable}") } else { format!("${variable}") };
        faults.push(
            Fault::warning(
                source.locate(script.place, &needle, 0),
                format!("this script is not given the secret `{name}`: `{variable}` is not set in it"),
            )
            .advise(format!("write: `env: {{ {variable}: {{ secret: {name} }} }}` beside it")),
        );
    }
}
