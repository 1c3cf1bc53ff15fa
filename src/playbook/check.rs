//! From a text to a plan, or to all that is wrong with it.

use std::collections::{HashMap, HashSet};

use super::drill;
use super::fault::{Fault, Severity, nearest};
use super::include::{self, Chain, Known};
use super::lower::{Lower, duration_of, flag, text_of, texts_of};
use super::naming::Naming;
use super::plan::{FollowUp, InputSpec, Name, Part, Phase, Plan, Section, SignOff, Step, StepId, Template};
use super::texts::Texts;
use super::yaml::{self, Node, Place};
use super::{format, inputs, shape, spelling, steps, structure};

/// A playbook in which nothing is wrong.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The plan.
    pub plan: Plan,
    /// What has no effect yet, in the order of the file.
    pub warnings: Vec<Fault>,
}

/// Checks the text of a playbook that includes none. Pure: no file is looked at.
///
/// # Errors
/// All faults at once, in the order of the file; warnings among them.
pub fn check(text: &str) -> Result<Checked, Vec<Fault>> {
    check_with("", text, &Texts::default())
}

/// Checks the text of a playbook with those of the ones that it includes. `own` is its file name. Pure: no file is looked
/// at.
///
/// # Errors
/// All faults at once, in the order of the file, those of the included playbooks behind; warnings among them.
pub fn check_with(own: &str, text: &str, texts: &Texts) -> Result<Checked, Vec<Fault>> {
    let One { plan, mut faults, there, sound, .. } = one(text, Naming::default(), &mut Chain::new(own, texts));
    faults.extend(there);
    if sound { Ok(Checked { plan, warnings: faults }) } else { Err(faults) }
}

/// What became of one text.
#[derive(Debug, Default)]
pub(super) struct One {
    /// What was understood of it.
    pub(super) plan: Plan,
    /// Whether there is nothing but warnings, in those that it includes neither.
    pub(super) sound: bool,
    /// What is wrong in it, in the order of the text.
    pub(super) faults: Vec<Fault>,
    /// What is wrong in those that it includes.
    pub(super) there: Vec<Fault>,
    /// Its inputs with their names in it, also those that are given.
    pub(super) inputs: Vec<(String, InputSpec)>,
    /// The variables of its scripts.
    pub(super) variables: Vec<(String, Name)>,
    /// What the including playbook can use.
    pub(super) known: Vec<Known>,
}

/// Checks one text.
pub(super) fn one(text: &str, naming: Naming, chain: &mut Chain<'_>) -> One {
    let (root, mut faults) = yaml::parse(text);
    let mut made = One::default();
    if let Some(root) = &root {
        structure::check(root, &shape::Shape::Map(format::playbook), structure::What::Playbook, &mut faults);
        let (included, wrong) = include::all(root, &naming, chain);
        faults.extend(wrong.here);
        made.there = wrong.there;
        let mut lower = Lower::new(text, naming, &included);
        lower.faults = faults;
        (made.plan, made.inputs) = playbook(&mut lower, root, chain.folder());
        lower.names.resolve(&lower.source, &mut lower.faults);
        made.plan.names.extend(lower.names.specs(&lower.naming));
        made.plan.fixed.extend(lower.naming.fixed());
        made.variables = lower.names.variables(&lower.naming);
        made.known = lower.names.known();
        faults = lower.faults;
    }
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults.dedup();
    shorten(&mut faults);
    let harmless = |fault: &Fault| fault.severity == Severity::Warning;
    made.sound = root.is_some() && faults.iter().chain(&made.there).all(harmless);
    made.faults = faults;
    made
}

/// The most faults that are told: beyond that, one mistake is behind most of them.
const MOST: usize = 1000;

fn shorten(faults: &mut Vec<Fault>) {
    let more = faults.len().saturating_sub(MOST);
    if let (true, Some(first)) = (more > 0, faults.get(MOST)) {
        let place = Place { line: first.line, column: first.column, length: first.length, end_line: first.line };
        faults.truncate(MOST);
        faults.push(Fault::new(place, format!("{more} more faults follow from here")).advise("mend those above first"));
    }
}

/// Lowers a playbook; with its inputs, also those that are given. `folder` is where its relative paths start.
fn playbook<'a>(lower: &mut Lower<'a>, root: &'a Node, folder: &str) -> (Plan, Vec<(String, InputSpec)>) {
    let contacts = root.get("contacts").map(Node::entries).unwrap_or_default();
    let mut plan = Plan {
        title: text_of(root, "title").unwrap_or_default(),
        summary: text_of(root, "summary"),
        description: text_of(root, "description"),
        version: text_of(root, "version"),
        owners: texts_of(root, "owners"),
        contacts: contacts.iter().filter_map(|e| Some((e.key.clone(), e.value.scalar()?.to_owned()))).collect(),
        tags: texts_of(root, "tags"),
        window: duration_of(root, "window"),
        every: duration_of(root, "every"),
        requires: texts_of(root, "requires"),
        ..Plan::default()
    };
    let inputs = root.get("inputs").map(|node| inputs::briefing(lower, node)).unwrap_or_default();
    let asked = inputs.iter().filter(|(name, _)| lower.naming.bound(name).is_none());
    plan.inputs = asked.map(|(_, spec)| spec.clone()).collect();
    plan.protected = protected(lower, root, &plan);
    let mut late = Vec::new();
    plan.steps.reserve(step_nodes(root).count());
    for node in list(root, "phases") {
        let title = lower.template_of(node, "title").unwrap_or_default();
        phase(lower, node, &title, &mut plan, &mut late);
    }
    lower.at.section = Section::Success;
    plan.steps.extend(success(lower, root));
    for (section, key) in [(Section::Cleanup, "cleanup"), (Section::AfterRollback, "after_rollback")] {
        lower.at.section = section;
        plan.steps.extend(late.extract_if(.., |step| step.section == section));
        plan.steps.extend(list(root, key).iter().filter_map(|node| steps::step(lower, node)));
    }
    lower.at.step += 1;
    lower.at.section = Section::Cleanup;
    lower.at.when = [].into();
    plan.temporary.extend(temporary(lower, root, folder));
    plan.follow_up.extend(follow_up(lower, root));
    plan.sign_off = root.get("sign_off").map(|node| sign_off(lower, node));
    if lower.names.calls_ssh && !plan.requires.iter().any(|program| program == "ssh") {
        plan.requires.push("ssh".to_owned());
    }
    plan.index = index(lower, root, &plan.steps);
    // As with `success` and `sign_off`: those of a playbook that another one includes are walked where it is run alone.
    if lower.naming.scope().is_empty() {
        plan.drills = drill::drills(lower, root, &plan);
    }
    (plan, inputs)
}

/// Lowers the steps of a phase. Those of included playbooks have phases of their own among them.
fn phase<'a>(lower: &mut Lower<'a>, node: &'a Node, title: &Template, plan: &mut Plan, late: &mut Vec<Step>) {
    let nodes = list(node, "steps");
    let mut start = plan.steps.len();
    let close = |plan: &mut Plan, start: usize| {
        let steps = start..plan.steps.len();
        plan.phases.push(Phase { title: title.clone(), steps });
    };
    for node in nodes {
        if node.get("include").is_none() {
            plan.steps.extend(steps::step(lower, node));
            continue;
        }
        if start < plan.steps.len() {
            close(plan, start);
        }
        include::splice(lower, node, plan, late);
        start = plan.steps.len();
    }
    if start < plan.steps.len() || nodes.iter().all(|node| node.get("include").is_none()) {
        close(plan, start);
    }
}

/// Returns the entries of a list under a key.
pub(super) fn list<'a>(map: &'a Node, key: &str) -> &'a [Node] {
    match map.get(key).map(|node| &node.value) {
        Some(yaml::Value::List(items)) => items,
        // Anything else has its fault by its shape.
        Some(yaml::Value::Broken | yaml::Value::Scalar(_) | yaml::Value::Map(_)) | None => &[],
    }
}

fn protected<'a>(lower: &mut Lower<'a>, root: &'a Node, plan: &Plan) -> Vec<(Name, Vec<String>)> {
    let mut protected = Vec::new();
    for entry in root.get("protected").map(Node::entries).unwrap_or_default() {
        if !spelling::is_name(&entry.key) {
            continue;
        }
        // So far only the inputs of the briefing have been defined.
        if !lower.names.is_defined(&entry.key) {
            let fault = Fault::new(entry.place, format!("`{}` is no input of the briefing", entry.key));
            lower.faults.push(match nearest(&entry.key, plan.inputs.iter().map(|input| input.name.as_str())) {
                Some(near) => fault.advise(format!("did you mean `{near}`?")),
                None => fault.advise("only what is asked in `inputs` is known when a run begins"),
            });
            continue;
        }
        let mut values = Vec::new();
        for item in entry.value.items() {
            if let Some(value) = item.scalar() {
                lower.names.expects_value(&entry.key, value, item.place);
                values.push(value.to_owned());
            }
        }
        protected.push((lower.naming.name(&entry.key), values));
    }
    protected
}

fn success<'a>(lower: &mut Lower<'a>, root: &'a Node) -> Vec<Step> {
    let nodes = list(root, "success");
    let own: HashSet<&str> = step_nodes(root).filter_map(|node| node.get("id")?.scalar()).collect();
    let mut number = 0;
    let mut made = || loop {
        number += 1;
        let id = format!("success-{number}");
        if !own.contains(id.as_str()) {
            return id;
        }
    };
    nodes
        .iter()
        .filter_map(|node| {
            let id = lower.naming.step(&made());
            steps::criterion(lower, node, id)
        })
        .collect()
}

/// Lists all that has the id of a step, in the order of the plan.
fn step_nodes(root: &Node) -> impl Iterator<Item = &Node> {
    let phases = list(root, "phases").iter().flat_map(|phase| list(phase, "steps"));
    phases.chain(["success", "cleanup", "after_rollback"].into_iter().flat_map(|key| list(root, key)))
}

fn index(lower: &mut Lower<'_>, root: &Node, steps: &[Step]) -> HashMap<StepId, usize> {
    let mut seen: HashMap<&str, Place> = HashMap::new();
    for id in step_nodes(root).filter_map(|node| node.get("id")) {
        let Some(text) = id.scalar() else { continue };
        match seen.get(text) {
            Some(first) => {
                let line = first.line;
                lower.fault(
                    id.place,
                    format!("two steps have the id `{text}`"),
                    format!("line {line} has it: choose another"),
                );
            }
            None => {
                seen.insert(text, id.place);
            }
        }
    }
    steps.iter().enumerate().map(|(at, step)| (step.id.clone(), at)).collect()
}

fn temporary<'a>(lower: &mut Lower<'a>, root: &'a Node, folder: &str) -> Vec<Template> {
    let files = root.get("temporary").map(Node::items).unwrap_or_default();
    let files = files.iter().filter_map(|file| lower.template(file));
    // The list is that of the whole run, whose paths start elsewhere than those of an included playbook.
    let relative = |file: &Template| {
        matches!(file.parts().first(), Some(Part::Text(text)) if !text.starts_with('/')) && !folder.is_empty()
    };
    files
        .map(|file| {
            if !relative(&file) {
                return file;
            }
            let before = Part::Text(format!("{folder}/"));
            Template::new([before].into_iter().chain(file.parts().iter().cloned()).collect())
        })
        .collect()
}

fn follow_up<'a>(lower: &mut Lower<'a>, root: &'a Node) -> Vec<FollowUp> {
    list(root, "follow_up")
        .iter()
        .filter_map(|node| {
            let title = lower.template(node.get("title").unwrap_or(node))?;
            Some(FollowUp { title, within: duration_of(node, "within") })
        })
        .collect()
}

/// Lowers who signs.
pub(super) fn sign_off(lower: &mut Lower<'_>, node: &Node) -> SignOff {
    let mut by: Vec<String> = Vec::new();
    for role in node.get("by").map(Node::items).unwrap_or_default() {
        let Some(text) = role.scalar() else { continue };
        if by.iter().any(|other| other == text) {
            lower.fault(role.place, format!("`{text}` signs twice"), "keep one of the two, or name another role");
        }
        by.push(text.to_owned());
    }
    SignOff { by, distinct: flag(node, "distinct") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "runsheet: 1\ntitle: Test\n";
    const PHASES: &str = "phases:\n  - { title: A, steps: [{ id: one, title: One, wait: 1s }] }\n  - { title: B, steps: [{ id: two, title: Two, wait: 1s }] }\n";

    fn plan(rest: &str) -> Plan {
        check(&format!("{HEAD}{rest}{PHASES}")).map(|checked| checked.plan).unwrap()
    }

    #[test]
    fn steps_stand_in_the_order_of_the_walk() {
        let plan = plan(
            "after_rollback: [{ id: back, title: Back, run: date }]\ncleanup: [{ id: clean, title: Clean, run: date }]\n\
             success: [{ title: Ok, confirm: true }, { title: Up, tcp: 'h:1', id: success-1 }, { title: In, confirm: true }]\n",
        );
        let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
        assert_eq!(ids, ["one", "two", "success-2", "success-1", "success-4", "clean", "back"]);
        assert_eq!(plan.section(Section::Main), 0..2);
        assert_eq!(plan.section(Section::Success), 2..5);
        assert_eq!(plan.section(Section::Cleanup), 5..6);
        assert_eq!(plan.section(Section::AfterRollback), 6..7);
        assert_eq!(plan.phases[1].steps, 1..2);
        assert!(plan.steps.iter().enumerate().all(|(at, step)| plan.index[&step.id] == at));
    }

    #[test]
    fn inputs_stand_behind_those_that_they_are_made_from() {
        let plan = plan(
            "inputs: { a: { type: text, default: '${c}/${b}' }, b: { type: text }, c: { type: text, default: '${b}' }, d: { type: secret } }\n",
        );
        let names: Vec<&str> = plan.inputs.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["b", "c", "a", "d"]);
        assert!(plan.is_secret(&"d".into()) && !plan.is_secret(&"a".into()));
        assert_eq!(plan.names["a"].env, "A");
    }

    #[test]
    fn values_may_be_written_short() {
        let plan = plan(
            "owners: ops\ntags: [a, b]\nversion: 2.1\nsign_off: { by: operator }\nfollow_up: [Tell, { title: Ask, within: 1h }]\n",
        );
        assert_eq!(plan.owners, ["ops"]);
        assert_eq!(plan.version.as_deref(), Some("2.1"));
        assert_eq!(plan.sign_off, Some(SignOff { by: vec!["operator".to_owned()], distinct: false }));
        assert_eq!(plan.follow_up.len(), 2);
    }

    #[test]
    fn all_faults_come_at_once_in_the_order_of_the_file() {
        let faults =
            check(&format!("{HEAD}window: 5\nsumary: x\n{PHASES}success: [{{ title: '${{no}}', confirm: true }}]\n"))
                .map(|_| ())
                .unwrap_err();
        let lines: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [3, 4, 8]);
    }

    #[test]
    fn a_hopeless_file_costs_no_more_time_than_its_size() {
        let names = (0..20_000).fold(String::new(), |names, n| names + "${n" + &n.to_string() + "} ${ ");
        let start = std::time::Instant::now();
        let faults = check(&format!("{HEAD}follow_up: ['{names}']\n{PHASES}")).map(|_| ()).unwrap_err();
        assert_eq!(faults.len(), MOST + 1);
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
    }

    #[test]
    fn warnings_alone_do_not_refuse_a_playbook() {
        let text = format!(
            "{HEAD}inputs: {{ key: {{ type: secret }} }}\nphases:\n  - title: A\n    steps:\n      - id: a\n        title: A\n        \
             read_only: true\n        env: {{ KEY: {{ secret: key }} }}\n        run: mysql -p\"$KEY\"\n"
        );
        assert_eq!(check(&text).unwrap().warnings.len(), 1);
    }
}
