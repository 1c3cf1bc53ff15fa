//! Steps, undo actions and success criteria: from their mappings to the plan's types.

use std::rc::Rc;
use std::time::Duration;

use super::capture;
use super::check::sign_off;
use super::drill::{self, For};
use super::evidence;
use super::expect;
use super::kinds::{KINDS, Kind, manner, run};
use super::lower::{Lower, duration_of, flag};
use super::names::{Wants, When};
use super::plan::{
    Act, Action, Capture, Name, OnFailure, PersonSpec, Retry, RunSpec, Section, SignOff, Step, StepId, Template,
};
use super::probes;
use super::spelling;
use super::yaml::{Node, Place};

/// Finds the kind that a mapping has; `verify` counts only where there is no other.
fn kind_of(node: &Node) -> Option<&'static Kind> {
    let kind = |name: &str| KINDS.iter().find(|kind| kind.name == name).copied();
    node.entries()
        .iter()
        .filter(|entry| entry.key != "verify")
        .find_map(|entry| kind(&entry.key))
        .or_else(|| node.get("verify").and_then(|_| kind("verify")))
}

/// Lowers a step.
pub(super) fn step<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Step> {
    lower.at.step += 1;
    lower.at.when = Rc::from([]);
    let when = when(lower, node);
    let id = id(lower, node);
    let title = lower.template_of(node, "title");
    let why = lower.template_of(node, "why");
    let hint = lower.template_of(node, "hint");
    let irreversible = lower.template_of(node, "irreversible");
    let confirm = lower.template_of(node, "confirm");
    let again = node.get("recapture").map(|again| (again, run::command(lower, again, "run")));
    let action = action(lower, node);
    let evidence = evidence::lower(lower, node, action.as_ref());
    let recapture = again.and_then(|(again, run)| recapture(lower, again, run, action.as_ref()));
    lower.at.undo = true;
    let undo = node.get("rollback").map(Node::items).unwrap_or_default();
    let rollback = undo.iter().filter_map(|node| undo_action(lower, node)).collect();
    lower.at.undo = false;
    must_be_undoable(lower, node);
    Some(Step {
        id: id?,
        title: title?,
        section: lower.at.section,
        line: node.place.line,
        action: action?,
        why,
        hint,
        when,
        rollback,
        irreversible,
        read_only: flag(node, "read_only"),
        optional: flag(node, "optional"),
        confirm,
        estimate: duration_of(node, "estimate"),
        retry: node.get("retry").map(retry).unwrap_or_default(),
        on_failure: on_failure(node),
        recapture,
        sign_off: signs(lower, node),
        evidence,
        quiz: drill::quiz(lower, node),
    })
}

pub(super) fn id(lower: &mut Lower<'_>, node: &Node) -> Option<StepId> {
    let id = node.get("id")?;
    let text = id.scalar()?;
    if matches!(text, "identity" | "inputs" | "protected") {
        lower.fault(id.place, format!("`{text}` is no id of a step: answers files use the word"), "choose another id");
    }
    Some(lower.naming.step(text))
}

/// Lowers `when`, and notes that everything that follows stands under it.
pub(super) fn when<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Vec<(Name, Vec<String>)> {
    let mut conditions: Vec<(&'a str, Vec<&'a str>)> = Vec::new();
    for entry in node.get("when").map(Node::entries).unwrap_or_default() {
        if !spelling::is_reference(&entry.key) {
            continue;
        }
        lower.names.uses(&entry.key, entry.place, None, Wants::Either, lower.at.clone());
        let mut values = Vec::new();
        for item in entry.value.items() {
            if let Some(value) = item.scalar() {
                lower.names.expects_value(&entry.key, value, item.place);
                values.push(value);
            }
        }
        conditions.push((&entry.key, values));
    }
    let when: When<'a> = Rc::from(conditions);
    lower.at.when = Rc::clone(&when);
    when.iter()
        .map(|(name, values)| (lower.naming.name(name), values.iter().map(|&value| value.to_owned()).collect()))
        .collect()
}

/// Lowers what a step or an undo action does, and how that is judged.
fn action<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Action> {
    if let Some(probe) = probes::of(node) {
        let own = probes::spec(lower, probe, node, None);
        let mut verify: Vec<_> = own.into_iter().collect();
        if let Some(more) = node.get("verify") {
            verify.extend(probes::verify(lower, more));
        }
        return Some(Action {
            title: None,
            act: Act::Verify,
            expect: Vec::new(),
            capture: Vec::new(),
            verify,
            timeout: None,
            simulate: Vec::new(),
        });
    }
    let kind = kind_of(node)?;
    let act = (kind.lower)(lower, node);
    let expect = match node.get("expect").filter(|_| kind.name == "run") {
        Some(expect) => expect::lower(lower, expect, run::EXPECTS, "run"),
        None => Vec::new(),
    };
    let capture = match node.get("capture").filter(|_| kind.name == "run") {
        Some(capture) => capture::lower(lower, capture),
        None => Vec::new(),
    };
    let verify = node.get("verify").map(|verify| probes::verify(lower, verify)).unwrap_or_default();
    let simulate = drill::simulations(lower, node, if kind.name == "run" { For::Command } else { For::Other });
    Some(Action { title: None, act: act?, expect, capture, verify, timeout: duration_of(node, "timeout"), simulate })
}

fn undo_action<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Action> {
    let title = lower.template_of(node, "title");
    Some(Action { title, ..action(lower, node)? })
}

/// Lowers `recapture`. Its command was lowered before the step's own captures had a value, so it cannot use them.
fn recapture<'a>(
    lower: &mut Lower<'a>,
    node: &'a Node,
    run: Option<RunSpec>,
    action: Option<&Action>,
) -> Option<Action> {
    manner::refuse(lower, node, "a `recapture`");
    lower.at.undo = true;
    let expect = match node.get("expect") {
        Some(expect) => expect::lower(lower, expect, run::EXPECTS, "run"),
        None => Vec::new(),
    };
    let captures = node.entry("capture");
    let own: &[Capture] = action.map(|action| action.capture.as_slice()).unwrap_or_default();
    for entry in captures.map(|entry| entry.value.entries()).unwrap_or_default() {
        if action.is_some() && !own.iter().any(|capture| capture.name.as_str() == entry.key) {
            lower.fault(
                entry.place,
                format!("the step itself does not capture `{}`", entry.key),
                "a `recapture` fetches the same captures again: write the same names",
            );
        }
    }
    if let (true, Some(_)) = (own.is_empty(), action) {
        lower.fault(node.place, "this step captures nothing that could be fetched again", "take `recapture` out");
    }
    // Left out, they are found as the step itself finds them.
    let capture = match captures {
        Some(entry) => capture::lower(lower, &entry.value),
        None => own.to_vec(),
    };
    let title = lower.template_of(node, "title");
    lower.at.undo = false;
    Some(Action {
        title,
        act: Act::Run(run?),
        expect,
        capture,
        verify: Vec::new(),
        timeout: duration_of(node, "timeout"),
        simulate: drill::simulations(lower, node, For::Command),
    })
}

/// Lowers who signs a step once it is done.
fn signs(lower: &mut Lower<'_>, node: &Node) -> Option<SignOff> {
    let entry = node.entry("sign_off")?;
    if node.get("approval").is_some() {
        lower.fault(entry.place, "an approval is a sign-off itself", "name all who sign in `approval`");
    }
    Some(sign_off(lower, &entry.value))
}

/// A step that changes something says how it is undone, or why it cannot be.
fn must_be_undoable(lower: &mut Lower<'_>, node: &Node) {
    let changes = node.entries().iter().find(|entry| KINDS.iter().any(|kind| kind.name == entry.key && kind.changes));
    // What is neither true nor false has its fault already.
    let read_only = node.get("read_only").is_some_and(|read_only| read_only.boolean() != Some(false));
    let said = read_only || ["rollback", "irreversible"].iter().any(|key| node.get(key).is_some());
    if let (Some(entry), false, Section::Main) = (changes, said, lower.at.section) {
        lower.fault(
            entry.place,
            "this step may change something, and does not say how that is undone",
            "write: `rollback: [{ run: … }]`, `irreversible: the reason`, or `read_only: true`",
        );
    }
}

fn retry(node: &Node) -> Retry {
    let usual = Retry::default();
    Retry {
        attempts: node
            .get("attempts")
            .and_then(Node::integer)
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(usual.attempts),
        every: duration_of(node, "every").unwrap_or(usual.every),
    }
}

fn on_failure(node: &Node) -> OnFailure {
    match node.get("on_failure").and_then(Node::scalar) {
        Some("stop") => OnFailure::Stop,
        Some("continue") => OnFailure::Continue,
        Some("rollback") => OnFailure::Rollback,
        // `ask`; anything else has its fault by its shape.
        Some(_) | None => OnFailure::Ask,
    }
}

/// Lowers a success criterion to a step that only checks or asks. `id` is for one that has none of its own.
pub(super) fn criterion<'a>(lower: &mut Lower<'a>, node: &'a Node, made: StepId) -> Option<Step> {
    lower.at.step += 1;
    lower.at.when = Rc::from([]);
    let when = when(lower, node);
    let id = if node.get("id").is_some() { id(lower, node) } else { Some(made) };
    let title = lower.template_of(node, "title");
    let action = if node.get("confirm").is_some() {
        let act = Act::Person(PersonSpec::default());
        let simulate = drill::simulations(lower, node, For::Other);
        let (expect, capture, verify) = (Vec::new(), Vec::new(), Vec::new());
        Some(Action { title: None, act, expect, capture, verify, timeout: None, simulate })
    } else {
        if let Some(entry) = node.entry("log") {
            let advice = "put it into `verify` of the step that makes the program write the line";
            lower.fault(entry.place, "`log` has no meaning here: it looks at what came since its step began", advice);
        }
        action(lower, node)
    };
    Some(checking(id?, title?, node.place, action?, when))
}

fn checking(id: StepId, title: Template, place: Place, action: Action, when: Vec<(Name, Vec<String>)>) -> Step {
    Step {
        id,
        title,
        section: Section::Success,
        line: place.line,
        action,
        why: None,
        hint: None,
        when,
        rollback: Vec::new(),
        irreversible: None,
        read_only: true,
        optional: false,
        confirm: None,
        estimate: None,
        retry: Retry { attempts: 1, every: Duration::from_secs(1) },
        on_failure: OnFailure::Ask,
        recapture: None,
        sign_off: None,
        evidence: Vec::new(),
        quiz: None,
    }
}
