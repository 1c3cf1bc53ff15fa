//! `include`: the steps of another playbook among those of this one.
//!
//! An included playbook is checked by itself, with places of its own, and its steps are put in the place of the step that
//! includes it. Its names and ids stand behind that step's id (`naming`), so nothing of it collides with anything. What must
//! stay true: a fault is told once and where it stands; playbooks that include one another in a circle end in a fault.

use std::collections::HashMap;

use super::check::{One, list, one};
use super::fault::{Fault, nearest};
use super::kinds::KINDS;
use super::kinds::include::inputs;
use super::lower::Lower;
use super::naming::{Bound, Naming};
use super::plan::{Name, Part, Phase, Plan, Scope, Section, Step, Template};
use super::steps;
use super::texts::{self, Texts};
use super::yaml::{Entry, Node};

/// How many playbooks may include one another, one within the other.
const DEPTH: usize = 16;

/// The playbooks around the one that is checked, and the texts of all.
#[derive(Debug)]
pub(super) struct Chain<'t> {
    texts: &'t Texts,
    /// The paths from the outside to the one that is checked.
    open: Vec<String>,
    /// How many more are checked: playbooks that include each other twice, time and again, would never end.
    left: usize,
}

impl<'t> Chain<'t> {
    pub(super) fn new(own: &str, texts: &'t Texts) -> Self {
        Self { texts, open: vec![own.to_owned()], left: 200 }
    }

    /// Returns the folder of the playbook that is checked, as seen from that of the one that is run.
    pub(super) fn folder(&self) -> &str {
        texts::folder(self.open.last().map_or("", String::as_str))
    }

    /// Finds the text of an included playbook.
    fn text(&mut self, path: &str) -> Result<&'t str, (String, &'static str)> {
        if let Some(at) = self.open.iter().position(|open| open == path) {
            let circle: Vec<&str> = self.open[at..].iter().map(String::as_str).chain([path]).collect();
            return Err((format!("`{path}` includes itself: {}", circle.join(" → ")), "take one of them out"));
        }
        if self.open.len() >= DEPTH {
            let wrong = format!("more than {DEPTH} playbooks stand one within the other here");
            return Err((wrong, "write the steps themselves"));
        }
        if let Some(why) = self.texts.unread.get(path) {
            let wrong = format!("`{path}` cannot be read: {why}");
            return Err((wrong, "write: its path, as seen from the folder of this playbook"));
        }
        let text = self.texts.texts.get(path).filter(|_| self.left > 0);
        self.left = self.left.saturating_sub(1);
        text.map(String::as_str).ok_or_else(|| {
            (format!("`{path}` is not read: too many playbooks are included"), "write the steps themselves")
        })
    }
}

/// The playbooks that one includes, by the place of what names them.
#[derive(Debug, Default)]
pub(super) struct Included {
    inner: HashMap<(usize, usize), Inner>,
}

/// An included playbook.
#[derive(Debug)]
pub(super) struct Inner {
    /// Its path.
    pub(super) path: String,
    /// What became of it; none where it has faults, or is not there.
    pub(super) made: Option<One>,
    scope: String,
    names: Vec<Known>,
}

/// A name that an included playbook gives a value.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) secret: bool,
    pub(super) when: Vec<(String, Vec<String>)>,
}

/// What is wrong with what a playbook includes.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    /// In the playbook itself.
    pub(super) here: Vec<Fault>,
    /// In those that it includes.
    pub(super) there: Vec<Fault>,
}

/// Returns the path that a step includes, as it is written.
pub(super) fn path_of(step: &Node) -> Option<&str> {
    let include = step.get("include")?;
    include.get("playbook").unwrap_or(include).scalar()
}

/// Checks every playbook that one includes.
pub(super) fn all(root: &Node, naming: &Naming, chain: &mut Chain<'_>) -> (Included, Wrong) {
    let (mut included, mut wrong) = (Included::default(), Wrong::default());
    for step in list(root, "phases").iter().flat_map(|phase| list(phase, "steps")) {
        let (Some(entry), Some(written)) = (step.entry("include"), path_of(step)) else { continue };
        let id = step.get("id").and_then(Node::scalar).unwrap_or_default();
        let path = texts::resolve(chain.open.last().map_or("", String::as_str), written);
        let given = given(entry, naming);
        let bound: HashMap<String, &str> =
            given.iter().map(|(name, (_, written))| (name.clone(), written.as_str())).collect();
        let naming = naming.within(id, given.iter().map(|(name, (bound, _))| (name.clone(), bound.clone())).collect());
        let scope = naming.scope().to_owned();
        let made = match chain.text(&path) {
            Ok(text) => {
                chain.open.push(path.clone());
                let made = one(text, naming, chain);
                chain.open.pop();
                Some(made)
            }
            Err((what, advice)) => {
                let place = entry.value.get("playbook").unwrap_or(&entry.value).place;
                wrong.here.push(Fault::new(place, what).advise(advice));
                None
            }
        };
        let made = made.and_then(|mut made| {
            let own = std::mem::take(&mut made.faults).into_iter().map(|fault| fault.in_file(&path));
            for fault in own.chain(std::mem::take(&mut made.there)) {
                // What is included twice has the same faults twice.
                if !wrong.there.contains(&fault) {
                    wrong.there.push(fault);
                }
            }
            made.sound.then_some(made)
        });
        let names =
            made.iter().flat_map(|made| &made.known).map(|known| seen_from_outside(known, id, &bound)).collect();
        included.inner.insert((step.place.line, step.place.column), Inner { path, made, scope, names });
    }
    (included, wrong)
}

/// Reads what is given for the inputs: with the name in this playbook, where it is a value of its own. What cannot be given
/// is left out; it has its fault when the step is lowered.
fn given(include: &Entry, naming: &Naming) -> HashMap<String, (Bound, String)> {
    let entries = include.value.get("inputs").map(Node::entries).unwrap_or_default();
    let one = |entry: &Entry| {
        if let Some(secret) = entry.value.get("secret") {
            let name = secret.scalar()?;
            return Some((Bound::Name(naming.name(name)), name.to_owned()));
        }
        let parsed = Template::parse(entry.value.scalar()?);
        match (parsed.template.parts(), parsed.names.first()) {
            ([Part::Value(_)], Some(name)) => match naming.bound(name) {
                Some(Bound::Text(text)) => Some((Bound::Text(text.clone()), String::new())),
                Some(Bound::Name(_)) | None => Some((Bound::Name(naming.name(name)), (*name).to_owned())),
            },
            (_, None) if parsed.bad.is_empty() => Some((Bound::Text(parsed.template.fill(|_| None)), String::new())),
            (_, Some(_) | None) => None,
        }
    };
    entries.iter().filter_map(|entry| Some((entry.key.clone(), one(entry)?))).collect()
}

/// Calls a name, and those that decide about it, as the including playbook does.
fn seen_from_outside(known: &Known, id: &str, bound: &HashMap<String, &str>) -> Known {
    let outside = |name: &str| match bound.get(name) {
        Some(written) if !written.is_empty() => (*written).to_owned(),
        Some(_) | None => format!("{id}/{name}"),
    };
    let when = known.when.iter().map(|(name, values)| (outside(name), values.clone())).collect();
    Known { name: format!("{id}/{}", known.name), secret: known.secret, when }
}

/// What may stand beside `include`.
const BESIDE: &[&str] = &["id", "title", "when", "include"];

/// Puts the steps of an included playbook in the place of the step that includes it. Those for the end go to `late`.
pub(super) fn splice<'a>(lower: &mut Lower<'a>, node: &'a Node, plan: &mut Plan, late: &mut Vec<Step>) {
    lower.at.step += 1;
    lower.at.when = [].into();
    let when = steps::when(lower, node);
    // Its own id is in front of all others; whether it may be one is told like that of any step.
    let id = steps::id(lower, node);
    let title = lower.template_of(node, "title").unwrap_or_default();
    // Another kind has its fault by being one.
    let kind = |key: &str| KINDS.iter().any(|kind| kind.name == key && key != "verify");
    let strange = |key: &str| !BESIDE.contains(&key) && !kind(key);
    for entry in node.entries().iter().filter(|entry| strange(&entry.key)) {
        let fault = Fault::new(entry.place, format!("`{}` has no meaning beside `include`", entry.key));
        lower.faults.push(fault.advise("write it in the steps of the included playbook"));
    }
    let included = lower.included;
    let Some(inner) = included.inner.get(&(node.place.line, node.place.column)) else { return };
    let Some(made) = &inner.made else {
        lower.names.unknown_within(node.get("id").and_then(Node::scalar).unwrap_or_default());
        return;
    };
    inputs(lower, node, inner, made);
    define(lower, node, inner);
    if id.is_none() {
        return;
    }
    merge(plan, &made.plan, &title);
    let scope = Scope { folder: texts::folder(&inner.path).to_owned(), variables: made.variables.clone() };
    plan.scopes.insert(inner.scope.clone(), scope);
    protect(lower, node, plan, &made.plan);
    let under = |step: &Step| {
        let mut step = step.clone();
        step.when.splice(0..0, when.iter().cloned());
        step
    };
    for phase in &made.plan.phases {
        let start = plan.steps.len();
        plan.steps.extend(made.plan.steps[phase.steps.clone()].iter().map(under));
        let title = joined(&title, &phase.title);
        plan.phases.push(Phase { title, steps: start..plan.steps.len() });
    }
    let at_the_end = |step: &&Step| matches!(step.section, Section::Cleanup | Section::AfterRollback);
    late.extend(made.plan.steps.iter().filter(at_the_end).map(under));
}

/// Gives the names of an included playbook a value from here on.
fn define<'a>(lower: &mut Lower<'a>, node: &'a Node, inner: &'a Inner) {
    let at = lower.at.clone();
    for known in &inner.names {
        let more = known.when.iter().map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect()));
        let mut own = at.clone();
        own.when = at.when.iter().cloned().chain(more).collect();
        // What stands behind the id of a step has no other definition: the ids are told apart.
        let _ = lower.names.define(&known.name, node.place, known.secret, None, None, own);
    }
}

/// Adds what is not a step.
fn merge(plan: &mut Plan, inner: &Plan, title: &Template) {
    for program in &inner.requires {
        if !plan.requires.contains(program) {
            plan.requires.push(program.clone());
        }
    }
    plan.inputs.extend(inner.inputs.iter().cloned().map(|mut spec| {
        let own = spec.name.as_str().rsplit('/').next().unwrap_or_default();
        let prompt = spec.prompt.take().unwrap_or_else(|| Template::literal(own));
        spec.prompt = Some(joined(title, &prompt));
        spec
    }));
    plan.temporary.extend(inner.temporary.iter().cloned());
    plan.follow_up.extend(inner.follow_up.iter().cloned());
    plan.fixed.extend(inner.fixed.iter().cloned());
    plan.names.extend(inner.names.iter().map(|(name, spec)| (name.clone(), spec.clone())));
    plan.scopes.extend(inner.scopes.iter().map(|(id, scope)| (id.clone(), scope.clone())));
}

/// What makes a run of the included playbook a protected one does so here too.
fn protect(lower: &mut Lower<'_>, node: &Node, plan: &mut Plan, inner: &Plan) {
    for (name, values) in &inner.protected {
        let known = |name: &Name| {
            plan.inputs.iter().any(|input| input.name == *name) || plan.fixed.iter().any(|(fixed, _)| fixed == name)
        };
        if known(name) || lower.naming.is_outer(name) {
            plan.protected.push((name.clone(), values.clone()));
        } else if let Some(include) = node.get("include") {
            lower.fault(
                include.place,
                format!("`{name}` makes the included playbook a protected one, and is not known when the run begins"),
                "give it an input of this playbook",
            );
        }
    }
}

fn joined(title: &Template, inner: &Template) -> Template {
    let between = Part::Text(": ".to_owned());
    Template::new(title.parts().iter().cloned().chain([between]).chain(inner.parts().iter().cloned()).collect())
}

/// Makes the fault of an input that the included playbook does not have.
pub(super) fn no_input(entry: &Entry, inner: &Inner, made: &One) -> Fault {
    let fault = Fault::new(entry.place, format!("`{}` has no input `{}`", inner.path, entry.key));
    let names = || made.inputs.iter().map(|(name, _)| name.as_str());
    match nearest(&entry.key, names()) {
        Some(near) => fault.advise(format!("did you mean `{near}`?")),
        None if made.inputs.is_empty() => fault.advise("take it out: that playbook has no inputs"),
        None => fault.advise(format!("its inputs are {}", names().take(20).collect::<Vec<_>>().join(", "))),
    }
}
