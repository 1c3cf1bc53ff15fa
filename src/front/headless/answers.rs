//! The answers file of an unattended run: what a person would have said, checked against the plan before anything runs.
//!
//! It never holds a secret itself: a secret is `env:NAME`, `file:PATH` or `fd:N`, and is read here, once.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use crate::front::{Answer, Offer};
use crate::playbook::plan::{Act, EvidenceSpec, InputKind, InputSpec, Name, PersonSpec, Plan, Step, StepId, Want};
use crate::playbook::{nearest, yaml};
use crate::secret::Secret;
use crate::words;

/// What was answered beforehand.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The inputs of the briefing.
    pub inputs: BTreeMap<Name, Answer>,
    /// The word that confirms a protected run.
    pub protected: Option<String>,
    /// The passphrase of the operator's key.
    pub identity: Option<Secret>,
    steps: BTreeMap<StepId, StepAnswer>,
}

/// What was answered about one step.
#[derive(Clone, Debug, Default)]
pub(super) struct StepAnswer {
    /// Its `confirm` is agreed to, it was done, or the statement holds.
    pub(super) done: bool,
    /// What it asks for.
    pub(super) values: Vec<(Name, Answer)>,
    /// What to do when its outcome is unknown.
    pub(super) unknown: Option<Unknown>,
    /// What is given as evidence, in the order of the items that a person gives.
    pub(super) evidence: Vec<Given>,
    /// It starts even where later steps would be refused.
    pub(super) go_on_anyway: bool,
    /// The answer to its question, in a drill.
    pub(super) quiz: Option<String>,
    /// The actions of its undo that a person does are done, with what they ask for.
    pub(super) undo: Option<Vec<(Name, Answer)>>,
}

/// What is said of one item of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// It is given.
    Offer(Offer),
    /// It is passed over, for this reason.
    Skip(String),
}

/// What to do about a step whose outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It was done.
    Done,
    /// It is to be done again.
    Retry,
    /// It is to be undone, and done again.
    Undo,
}

impl Answers {
    /// Reads the text of an answers file; relative paths in it are relative to `folder`.
    ///
    /// # Errors
    /// A sentence: an unknown id or name, a value that does not fit, a secret given plainly or that cannot be read.
    pub fn read(text: &str, plan: &Plan, folder: &Path) -> Result<Self, String> {
        // A file without an answer answers nothing; the reader would speak of an empty playbook.
        let empty = text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'));
        let file: BTreeMap<String, Value> = if empty { BTreeMap::new() } else { yaml::read(text)? };
        let mut answers = Self::default();
        for (key, value) in &file {
            match key.as_str() {
                "inputs" => answers.inputs = values(value, &plan.inputs, "inputs", folder)?.into_iter().collect(),
                "protected" => {
                    let word = scalar(value).ok_or("protected: give the word to type, a text")?;
                    answers.protected = Some(word);
                }
                "identity" => {
                    let place = scalar(value).ok_or("identity: write env:NAME, file:PATH or fd:N")?;
                    answers.identity = Some(secret(&place, folder).map_err(|why| format!("identity: it {why}"))?);
                }
                id => {
                    let Some(step) = plan.step(&StepId::new(id)) else {
                        let ids =
                            plan.steps.iter().map(|step| step.id.as_str()).chain(["identity", "inputs", "protected"]);
                        return Err(unknown("the playbook has no step", id, ids));
                    };
                    answers.steps.insert(step.id.clone(), step_answer(value, step, folder)?);
                }
            }
        }
        Ok(answers)
    }

    /// Returns what was answered about a step.
    pub(super) fn step(&self, id: &StepId) -> Option<&StepAnswer> {
        self.steps.get(id)
    }
}

fn step_answer(value: &Value, step: &Step, folder: &Path) -> Result<StepAnswer, String> {
    let id = &step.id;
    if let Act::Person(PersonSpec { approval: Some(_), .. }) = &step.action.act {
        return Err(format!("{id}: nobody but a person approves, at a terminal"));
    }
    if scalar(value).is_some_and(|text| text == "done") {
        return Ok(StepAnswer { done: true, ..StepAnswer::default() });
    }
    let Some(mapping) = value.as_object() else {
        return Err(format!("{id}: write `done`, or the values as `{{ name: value }}`"));
    };
    let mut answer = StepAnswer::default();
    let mut rest = mapping.clone();
    if let Some(word) = rest.remove("unknown") {
        answer.unknown = Some(match scalar(&word).as_deref() {
            Some("done") => Unknown::Done,
            Some("retry") => Unknown::Retry,
            Some("undo") => Unknown::Undo,
            Some(_) | None => return Err(format!("{id}: unknown is answered by done, retry or undo")),
        });
    }
    if let Some(word) = rest.remove("ahead") {
        if scalar(&word).as_deref() != Some("anyway") {
            return Err(format!("{id}: ahead is answered by anyway"));
        }
        answer.go_on_anyway = true;
    }
    if let Some(said) = rest.remove("evidence") {
        answer.evidence = evidence(&said, step, folder)?;
    }
    if let Some(choice) = step.quiz.as_ref().and_then(|_| rest.remove("quiz")) {
        answer.quiz = Some(scalar(&choice).ok_or_else(|| format!("{id}: quiz is answered by one of its choices"))?);
    }
    for key in ["confirm", "manual"] {
        if let Some(word) = rest.remove(key) {
            if scalar(&word).as_deref() != Some("done") {
                return Err(format!("{id}: {key} is answered by done"));
            }
            answer.done = true;
        }
    }
    if let Some(said) = rest.remove("undo") {
        answer.undo = Some(match scalar(&said).as_deref() {
            Some("done") => Vec::new(),
            Some(_) => return Err(format!("{id}: undo is answered by done, or by the values that it asks for")),
            None => {
                let acts = step.rollback.iter().map(|action| &action.act);
                let asked: Vec<InputSpec> = acts.flat_map(asked).cloned().collect();
                values(&said, &asked, &format!("{id}: undo"), folder)?
            }
        });
    }
    if !rest.is_empty() {
        answer.values = values(&Value::Object(rest), asked(&step.action.act), id.as_str(), folder)?;
        answer.done = true;
    }
    Ok(answer)
}

/// Reads what is given as evidence of a step: one entry an item that a person gives.
fn evidence(value: &Value, step: &Step, folder: &Path) -> Result<Vec<Given>, String> {
    let id = &step.id;
    let asked: Vec<&EvidenceSpec> = step.evidence.iter().filter(|spec| spec.asks()).collect();
    let one = std::slice::from_ref(value);
    let given = value.as_array().map_or(one, Vec::as_slice);
    if given.len() > asked.len() {
        let wanted = words::count(asked.len(), "item", "items");
        return Err(format!("{id}: evidence: {} given, but a person gives {wanted}", given.len()));
    }
    let read = |(value, spec): (&Value, &&EvidenceSpec)| {
        if let Some(reason) = value.get("skip").and_then(scalar) {
            return Ok(Given::Skip(reason));
        }
        let text = scalar(value).ok_or_else(|| {
            format!("{id}: evidence: write a text, the path of a file, or `{{ skip: the reason }}` for each item")
        })?;
        Ok(Given::Offer(match spec.want {
            Want::File => Offer::File(std::path::absolute(folder.join(&text)).unwrap_or_else(|_| folder.join(&text))),
            Want::Text | Want::Fingerprint(_) | Want::Output => Offer::Text(text),
        }))
    };
    given.iter().zip(&asked).map(read).collect()
}

/// Lists what an act asks a person for.
pub(super) fn asked(act: &Act) -> &[InputSpec] {
    match act {
        Act::Person(person) => &person.ask,
        Act::Run(_) | Act::Generate(_) | Act::Edit(_) | Act::Snapshot(_) | Act::Verify | Act::Wait(_) => &[],
    }
}

fn values(value: &Value, asked: &[InputSpec], of: &str, folder: &Path) -> Result<Vec<(Name, Answer)>, String> {
    let Some(mapping) = value.as_object() else {
        return Err(format!("{of}: write the values as `{{ name: value }}`"));
    };
    let mut answers = Vec::new();
    for (key, value) in mapping {
        let Some(spec) = asked.iter().find(|spec| spec.name.as_str() == key.as_str()) else {
            let names = asked.iter().map(|spec| spec.name.as_str());
            return Err(unknown(&format!("{of} has no value"), key, names));
        };
        let text = scalar(value).ok_or_else(|| format!("{of}: {key} must be a text, a number or true or false"))?;
        let answer = if spec.kind == InputKind::Secret {
            let secret = secret(&text, folder).map_err(|why| format!("{of}: {key} {why}"))?;
            spec.accepts(secret.expose()).map_err(|why| format!("{of}: {key} {why}"))?;
            Answer::Secret(secret)
        } else {
            Answer::Text(spec.accepts(&text).map_err(|why| format!("{of}: {key} {why}"))?)
        };
        answers.push((spec.name.clone(), answer));
    }
    Ok(answers)
}

/// Reads a secret from where the text says it is.
fn secret(text: &str, folder: &Path) -> Result<Secret, String> {
    let read = if let Some(name) = text.strip_prefix("env:") {
        std::env::var(name).map_err(|_| format!("is to come from ${name}, which is not set"))
    } else if let Some(path) = text.strip_prefix("file:") {
        let path = folder.join(path);
        fs::read_to_string(&path).map_err(|error| format!("is to come from {}: {error}", path.display()))
    } else if let Some(number) = text.strip_prefix("fd:") {
        let mut text = String::new();
        let number: u32 = number.parse().map_err(|_| "is to come from fd:N, where N is a number".to_owned())?;
        fs::File::open(format!("/proc/self/fd/{number}"))
            .and_then(|mut file| file.read_to_string(&mut text))
            .map(|_| text)
            .map_err(|error| format!("is to come from descriptor {number}: {error}"))
    } else {
        Err("is a secret and must not stand in the file; write env:NAME, file:PATH or fd:N".to_owned())
    };
    read.map(|mut text| {
        let line_end = if text.ends_with("\r\n") { 2 } else { usize::from(text.ends_with('\n')) };
        text.truncate(text.len() - line_end);
        Secret::new(text)
    })
}

/// Writes a scalar as text; none for anything else.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn unknown<'a>(what: &str, word: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(word, known) {
        Some(near) => format!("{what} `{word}`; did you mean `{near}`?"),
        None => format!("{what} `{word}`"),
    }
}
