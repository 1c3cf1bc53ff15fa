//! The values that a run begins with: from the command line, the answers file, the inputs' own sources and defaults, in
//! that order, before a person is asked for the rest.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::ending::{Code, Ending};
use crate::exec::{self, Gaps, Launcher, Scene};
use crate::front::Answer;
use crate::playbook::nearest;
use crate::playbook::plan::{InputKind, InputSpec, Name, Plan, Source, Template};
use crate::secret::{Identity, Secret, Secrets};

/// What is known of the inputs, and where it came from.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The values by name.
    pub(super) values: BTreeMap<Name, Given>,
    /// Why a source gave nothing.
    pub(super) missing: BTreeMap<Name, String>,
}

/// A value with where it came from.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// The value.
    pub(super) answer: Answer,
    /// Where it came from, in words; none where somebody gave it.
    pub(super) from: Option<String>,
}

impl Known {
    /// Returns the value of a name, where it is no secret.
    pub(super) fn text(&self, name: &Name) -> Option<&str> {
        match &self.values.get(name)?.answer {
            Answer::Text(text) => Some(text),
            Answer::Secret(_) => None,
        }
    }

    /// Lists the inputs that nothing is known of.
    pub(super) fn open<'p>(&self, plan: &'p Plan) -> Vec<&'p InputSpec> {
        plan.inputs.iter().filter(|spec| !self.values.contains_key(&spec.name)).collect()
    }
}

/// Reads `--input k=v`.
///
/// # Errors
/// Code 2: no `=`, an unknown name, a secret, or a value that does not fit.
pub(super) fn from_command_line(plan: &Plan, given: &[String], known: &mut Known) -> Result<(), Ending> {
    for pair in given {
        let usage =
            |what: String, next: &str| Ending { code: Code::Usage, what, because: None, next: Some(next.to_owned()) };
        let Some((name, value)) = pair.split_once('=') else {
            return Err(usage(format!("--input {pair} has no `=`"), "write --input name=value"));
        };
        let Some(spec) = plan.inputs.iter().find(|spec| spec.name.as_str() == name) else {
            let names: Vec<&str> = plan.inputs.iter().map(|spec| spec.name.as_str()).collect();
            let next = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => "leave --input out: it takes none".to_owned(),
                None => format!("its inputs are {}", names.join(", ")),
            };
            return Err(usage(format!("the playbook has no input `{name}`"), &next));
        };
        if spec.kind == InputKind::Secret {
            return Err(usage(
                format!("{name} is a secret, and an argument can be seen by every user of the machine"),
                "give it in the answers file as `env:NAME`, `file:PATH` or `fd:N`",
            ));
        }
        let value = spec.accepts(value).map_err(|why| usage(format!("--input {name}: {why}"), "give another value"))?;
        known.values.insert(spec.name.clone(), Given { answer: Answer::Text(value), from: None });
    }
    Ok(())
}

/// Fills in what the inputs' own sources and defaults give. What is known already stays.
pub(super) fn from_sources(plan: &Plan, base: &Path, known: &mut Known) {
    known.missing.clear();
    // One input may be taken from a place that another one names; the checker has seen to it that there is no circle.
    for _ in 0..plan.inputs.len() {
        let before = known.values.len();
        for spec in &plan.inputs {
            // A source that gave nothing is not asked twice: it may be a command that takes its time to fail.
            if !known.values.contains_key(&spec.name)
                && !known.missing.contains_key(&spec.name)
                && let Some(given) = one(plan, spec, base, known)
            {
                known.values.insert(spec.name.clone(), given);
            }
        }
        if known.values.len() == before {
            break;
        }
    }
}

fn one(plan: &Plan, spec: &InputSpec, base: &Path, known: &mut Known) -> Option<Given> {
    if let Some(source) = &spec.from
        && names(source).all(|name| known.values.contains_key(name))
    {
        let values: BTreeMap<Name, String> = plan
            .inputs
            .iter()
            .filter_map(|spec| Some((spec.name.clone(), known.text(&spec.name)?.to_owned())))
            .chain(plan.fixed.iter().cloned())
            .collect();
        match resolve(&spec.name, source, plan, values.clone(), base).and_then(|secret| fit(spec, secret)) {
            Ok(answer) => return Some(Given { answer, from: Some(words(source, &values)) }),
            Err(why) => {
                known.missing.insert(spec.name.clone(), why);
            }
        }
    }
    let default =
        spec.default.as_ref().filter(|default| default.names().all(|name| known.values.contains_key(name)))?;
    let text = default.fill(|name| known.text(name));
    let text = spec.accepts(&text).ok()?;
    Some(Given { answer: Answer::Text(text), from: Some("default".to_owned()) })
}

/// Takes a value from its source. There is no run yet, and so neither a runtime nor secrets.
fn resolve(
    of: &Name,
    source: &Source,
    plan: &Plan,
    values: BTreeMap<Name, String>,
    base: &Path,
) -> Result<Secret, String> {
    let secrets = Secrets::open(None, &Identity::passing())?;
    let scene = Scene {
        plan: Arc::new(plan.clone()),
        base: base.to_owned(),
        scope: None,
        secrets: Arc::new(secrets),
        values,
        launcher: Launcher::ourselves(),
        gaps: Gaps::Refused,
        logs: Vec::new(),
        root: None,
    }
    .within(of.as_str());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(exec::resolve(source, &scene))
}

fn fit(spec: &InputSpec, secret: Secret) -> Result<Answer, String> {
    let text = spec.accepts(secret.expose())?;
    Ok(match spec.kind {
        InputKind::Secret => Answer::Secret(secret),
        InputKind::Text
        | InputKind::Choice(_)
        | InputKind::Path
        | InputKind::Integer
        | InputKind::Boolean
        | InputKind::Url
        | InputKind::Duration => Answer::Text(text),
    })
}

/// Lists the names that a source needs.
fn names(source: &Source) -> Box<dyn Iterator<Item = &Name> + '_> {
    match source {
        Source::Env(_) => Box::new(std::iter::empty()),
        Source::File(file) | Source::Dotenv { file, .. } => Box::new(file.names()),
        // There is no secret yet; a source that needs one says so itself.
        Source::Run(run) => Box::new(run.env.iter().flat_map(|(_, variable)| variable.names())),
    }
}

/// Says where a value comes from.
fn words(source: &Source, values: &BTreeMap<Name, String>) -> String {
    let fill = |text: &Template| text.fill(|name| values.get(name).map(String::as_str));
    match source {
        Source::Env(name) => format!("from ${name}"),
        Source::File(path) => format!("from {}", fill(path)),
        Source::Dotenv { file: path, key, .. } => format!("from {key} in {}", fill(path)),
        Source::Run(_) => "from a command".to_owned(),
    }
}
