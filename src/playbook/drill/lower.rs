//! From the trees of `simulate`, `quiz` and `drills` to their types, with what is wrong in each by itself.
//!
//! Whether a fault of a drill can come at all is looked at in `reach`.

use super::super::check::list;
use super::super::fault::{Fault, nearest};
use super::super::lower::{Lower, duration_of, text_of};
use super::super::plan::{InputKind, Plan};
use super::super::yaml::{Node, Place};
use super::{Drill, DrillFault, Move, ProbeShows, Quiz, Response, Shows, Simulated, reach};

/// What a simulation is for, which says what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum For {
    /// A command.
    Command,
    /// A probe.
    Probe,
    /// Anything else, which can only take its time.
    Other,
}

/// Lowers `simulate`: one, or a list for the first, second … attempt.
pub(in super::super) fn simulations(lower: &mut Lower<'_>, node: &Node, of: For) -> Vec<Simulated> {
    let items = node.get("simulate").map(Node::items).unwrap_or_default();
    for item in items {
        for entry in item.entries() {
            let fits = match entry.key.as_str() {
                "stdout" | "stderr" | "exit" => of != For::Other,
                "pass" | "finding" | "saw" => of == For::Probe,
                _ => true, // `takes`; another key has its fault by being unknown
            };
            if fits {
                continue;
            }
            let (what, advice) = match of {
                For::Command => ("a command", "it goes with a probe; a command has `stdout`, `stderr` and `exit`"),
                For::Probe | For::Other => ("a step without a command", "take it out, and keep `takes` alone"),
            };
            lower.fault(entry.place, format!("`{}` has no meaning for {what}", entry.key), advice);
        }
        if let (Some(true), Some(finding)) = (item.get("pass").and_then(Node::boolean), item.entry("finding")) {
            lower.fault(
                finding.place,
                "an answer that is as expected is no failure",
                "take `finding` out, or write: `pass: false`",
            );
        }
    }
    items.iter().map(simulated).collect()
}

fn simulated(node: &Node) -> Simulated {
    let finding = node.get("finding").and_then(Node::scalar).and_then(probe_shows);
    Simulated {
        stdout: text_of(node, "stdout").unwrap_or_default(),
        stderr: text_of(node, "stderr").unwrap_or_default(),
        exit: node.get("exit").and_then(Node::integer).and_then(|exit| i32::try_from(exit).ok()),
        takes: duration_of(node, "takes").or_else(|| zero(node)),
        // What kind of failure it is says that it is one.
        pass: node.get("pass").and_then(Node::boolean).or_else(|| finding.map(|_| false)),
        finding,
        saw: text_of(node, "saw"),
    }
}

/// `takes: 0s`, which no other duration may be.
fn zero(node: &Node) -> Option<std::time::Duration> {
    super::super::duration::parse_or_zero(node.get("takes")?.scalar()?).ok()
}

fn probe_shows(word: &str) -> Option<ProbeShows> {
    Some(match word {
        "denied" => ProbeShows::Denied,
        "refused" => ProbeShows::Refused,
        "unreachable" => ProbeShows::Unreachable,
        "differs" => ProbeShows::Differs,
        _ => return None, // it has its fault by its shape, or is no word of a probe
    })
}

/// Lowers `quiz`.
pub(in super::super) fn quiz(lower: &mut Lower<'_>, node: &Node) -> Option<Quiz> {
    let quiz = node.get("quiz")?;
    let mut choices: Vec<String> = Vec::new();
    for choice in quiz.get("choices").map(Node::items).unwrap_or_default() {
        let Some(text) = choice.scalar() else { continue };
        if choices.iter().any(|other| other == text) {
            lower.fault(choice.place, format!("`{text}` stands among the choices twice"), "keep one of the two");
        }
        choices.push(text.to_owned());
    }
    let answer = quiz.get("answer")?;
    let right = answer.scalar()?;
    let Some(at) = choices.iter().position(|choice| choice == right) else {
        if !choices.is_empty() {
            let fault = Fault::new(answer.place, "the answer is none of the choices");
            lower.faults.push(match nearest(right, choices.iter().map(String::as_str)) {
                Some(near) => fault.advise(format!("did you mean `{near}`?")),
                None => fault.advise("write: one of the choices, to the letter"),
            });
        }
        return None;
    };
    Some(Quiz { ask: text_of(quiz, "ask")?, choices, answer: at, because: text_of(quiz, "because") })
}

/// Lowers `drills`. The plan has its steps, inputs and window by now.
pub(in super::super) fn drills(lower: &mut Lower<'_>, root: &Node, plan: &Plan) -> Vec<Drill> {
    let mut drills: Vec<Drill> = Vec::new();
    for node in list(root, "drills") {
        let Some(drill) = drill(lower, root, node, plan) else { continue };
        if let (Some(id), true) = (node.get("id"), drills.iter().any(|other| other.id == drill.id)) {
            lower.fault(id.place, format!("two drills have the id `{}`", drill.id), "choose another");
        }
        drills.push(drill);
    }
    drills
}

fn drill(lower: &mut Lower<'_>, root: &Node, node: &Node, plan: &Plan) -> Option<Drill> {
    let inputs = inputs(lower, node, plan);
    let nodes = list(node, "faults");
    let lowered: Vec<Option<DrillFault>> = nodes.iter().map(|node| fault(lower, root, node, plan)).collect();
    let whole = lowered.iter().all(Option::is_some);
    let faults: Vec<DrillFault> = lowered.into_iter().flatten().collect();
    let drill = Drill {
        id: text_of(node, "id")?,
        title: text_of(node, "title")?,
        brief: text_of(node, "brief"),
        inputs,
        respond: Vec::new(),
        faults,
        debrief: text_of(node, "debrief"),
    };
    // With a fault missing, its response would be taken for that of another.
    if !whole {
        return Some(drill);
    }
    let respond = responses(lower, node, &drill);
    let drill = Drill { respond, ..drill };
    for (at, wrong) in reach::unreached(plan, &drill) {
        if let Some(node) = nodes.get(at) {
            let place = node.get("at").map_or(node.place, |at| at.place);
            lower.fault(place, wrong.0, wrong.1);
        }
    }
    Some(drill)
}

fn inputs(lower: &mut Lower<'_>, node: &Node, plan: &Plan) -> std::collections::BTreeMap<super::Name, String> {
    let mut inputs = std::collections::BTreeMap::new();
    for entry in node.get("inputs").map(Node::entries).unwrap_or_default() {
        let name = lower.naming.name(&entry.key);
        let Some(spec) = plan.inputs.iter().find(|spec| spec.name == name) else {
            let fault = Fault::new(entry.place, format!("`{}` is no input of the briefing", entry.key));
            lower.faults.push(match nearest(&entry.key, plan.inputs.iter().map(|spec| spec.name.as_str())) {
                Some(near) => fault.advise(format!("did you mean `{near}`?")),
                None => fault.advise("a drill gives values only for what is asked before it begins"),
            });
            continue;
        };
        let Some(value) = entry.value.scalar() else { continue };
        // Which names are secrets is known of the whole plan only later.
        if spec.kind == InputKind::Secret {
            lower.fault(entry.place, "a drill makes its secrets itself", "take it out: a practice value is offered");
            continue;
        }
        match spec.accepts(value) {
            Ok(value) => {
                inputs.insert(name, value);
            }
            Err(wrong) => {
                let advice = "write: a value that the input itself takes";
                lower.fault(entry.value.place, format!("`{}` {wrong}", entry.key), advice);
            }
        }
    }
    inputs
}

/// A place in the walk, as it is written: `STEP`, or `STEP/undo:N`.
fn place_of(text: &str) -> (&str, Option<&str>) {
    text.split_once("/undo:").map_or((text, None), |(step, number)| (step, Some(number)))
}

fn fault(lower: &mut Lower<'_>, root: &Node, node: &Node, plan: &Plan) -> Option<DrillFault> {
    let at = node.get("at")?;
    let (written, number) = place_of(at.scalar()?);
    let id = lower.naming.step(written);
    let Some(step) = plan.step(&id) else {
        unknown_step(lower, root, at.place, written, plan);
        return None;
    };
    let undo = number.and_then(|number| number.parse::<u32>().ok()).filter(|number| *number > 0);
    if let (Some(number), None) = (number, undo) {
        let advice = format!("write: `{written}/undo:1`");
        lower.fault(at.place, format!("`{number}` is no number of an action"), advice);
        return None;
    }
    let actions = reach::undo_actions(step);
    if let Some(number) = undo.filter(|number| *number as usize > actions.len()) {
        let has = match actions.len() {
            0 => "nothing undoes it".to_owned(),
            1 => "it has one".to_owned(),
            count => format!("it has {count}"),
        };
        lower.fault(at.place, format!("the rollback of `{written}` has no action {number}"), has);
        return None;
    }
    let mut fault = DrillFault {
        step: id,
        undo,
        probe: node.get("probe").and_then(Node::integer).and_then(|probe| u32::try_from(probe).ok()),
        shows: shows(node.get("shows")?)?,
        attempts: attempts(lower, node).ok()?,
        say: text_of(node, "say"),
    };
    reach::settle(step, &mut fault);
    if let Some((wrong, advice)) = reach::misplaced(plan, step, &fault) {
        let key = if node.get("probe").is_some() && wrong.starts_with("there is no probe") { "probe" } else { "shows" };
        let place = node.get(key).map_or(node.place, |node| node.place);
        lower.fault(place, wrong, advice);
        return None;
    }
    Some(fault)
}

fn unknown_step(lower: &mut Lower<'_>, root: &Node, place: Place, written: &str, plan: &Plan) {
    let of_the_file = |id: &str| {
        let phases = list(root, "phases").iter().flat_map(|phase| list(phase, "steps"));
        let others = ["success", "cleanup", "after_rollback"].into_iter().flat_map(|key| list(root, key));
        phases.chain(others).any(|node| node.get("id").and_then(Node::scalar) == Some(id))
    };
    // A step with faults is not in the plan, nor is what a playbook with faults would have brought.
    let outer = written.split('/').next().unwrap_or_default();
    let brought = plan.scopes.keys().any(|scope| scope == outer || scope.starts_with(&format!("{outer}/")));
    if of_the_file(written) && !brought || (written.contains('/') && of_the_file(outer) && !brought) {
        return;
    }
    let fault = Fault::new(place, format!("there is no step `{written}`"));
    let near = nearest(written, plan.steps.iter().map(|step| step.id.as_str()));
    lower.faults.push(match near {
        Some(near) => fault.advise(format!("did you mean `{near}`?")),
        None => fault.advise("write: the id of a step, or `STEP/undo:1` for the first action of its rollback"),
    });
}

fn shows(node: &Node) -> Option<Shows> {
    if !node.entries().is_empty() {
        return Some(Shows::Output(simulated(node)));
    }
    let word = node.scalar()?;
    Some(match word {
        "fails" => Shows::Fails,
        "times_out" => Shows::TimesOut,
        "hangs" => Shows::Hangs,
        "wrong_paste" => Shows::WrongPaste,
        "terminal_lost" => Shows::TerminalLost,
        "window_out" => Shows::WindowOut,
        "sign_off_refused" => Shows::SignOffRefused,
        "done_but_lost" => Shows::DoneButLost,
        other => Shows::Probe(probe_shows(other)?),
    })
}

/// A fault of the playbook was told.
struct Told;

/// Reads for how many attempts a fault holds; none for all of them.
fn attempts(lower: &mut Lower<'_>, node: &Node) -> Result<Option<u32>, Told> {
    let Some(attempts) = node.get("attempts") else { return Ok(Some(1)) };
    match (attempts.scalar(), attempts.integer()) {
        (Some("always"), _) => Ok(None),
        (_, Some(number @ 1..=1000)) => Ok(u32::try_from(number).ok()),
        (other, _) => {
            let message = format!("`attempts` cannot be `{}`", other.unwrap_or_default());
            lower.fault(attempts.place, message, "write: a whole number from 1 to 1000, or `always`");
            Err(Told)
        }
    }
}

fn responses(lower: &mut Lower<'_>, node: &Node, drill: &Drill) -> Vec<Response> {
    let mut responses: Vec<Response> = Vec::new();
    let mut told = false;
    let nodes = node.get("respond").map(Node::items).unwrap_or_default();
    for node in nodes {
        let free = |at: &usize| !responses.iter().any(|response| response.fault == *at);
        let at = node.get("at").map(|at| (at.place, at.scalar().unwrap_or_default()));
        let fault = if let Some((place, written)) = at {
            let id = lower.naming.step(written);
            let found = (0..drill.faults.len()).find(|at| drill.faults[*at].at() == id.as_str() && free(at));
            if found.is_none() {
                let places: Vec<String> = drill.faults.iter().map(DrillFault::at).collect();
                let advice = match places.as_slice() {
                    [] => "write `faults` first".to_owned(),
                    _ => format!("they are at {}", places.join(", ")),
                };
                lower.fault(place, format!("no fault of this drill is at `{written}`"), advice);
                told = true;
            }
            found
        } else {
            let next = (0..drill.faults.len()).find(free);
            if next.is_none() {
                let advice = "take it out, or write the fault";
                lower.fault(node.place, "there is no fault for this response", advice);
            }
            next
        };
        let Some(fault) = fault else { continue };
        responses.push(response(lower, node, fault));
    }
    responses.sort_by_key(|response| response.fault);
    let count = nodes.len();
    for (at, fault) in drill.faults.iter().enumerate() {
        if told || count >= drill.faults.len() || responses.iter().any(|response| response.fault == at) {
            continue;
        }
        let nodes = list(node, "faults");
        let place = nodes.get(at).map_or(node.place, |node| node.place);
        lower.fault(
            place,
            format!("nothing says what is right at this fault of `{}`", fault.at()),
            "write: `respond: [{ right: [retry], because: the reason }]`",
        );
    }
    responses
}

fn response(lower: &mut Lower<'_>, node: &Node, fault: usize) -> Response {
    let mut seen: Vec<Move> = Vec::new();
    let mut moves = |lower: &mut Lower<'_>, found: Vec<(Place, Move)>| {
        let mut kept = Vec::new();
        for (place, which) in found {
            if seen.contains(&which) {
                let message = format!("`{}` stands in this response twice", which.word());
                lower.fault(place, message, "a move is right, acceptable or wrong: keep one");
            }
            seen.push(which);
            kept.push(which);
        }
        kept
    };
    let words = |key: &str| -> Vec<(Place, Move)> {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(|item| Some((item.place, Move::of(item.scalar()?)?))).collect()
    };
    let short = node.scalar().and_then(Move::of).map(|which| (node.place, which));
    let right = moves(lower, words("right").into_iter().chain(short).collect());
    let acceptable = moves(lower, words("acceptable"));
    let entries = node.get("wrong").map(Node::entries).unwrap_or_default();
    let reasons: Vec<(Place, Move, String)> = entries
        .iter()
        .filter_map(|entry| Some((entry.place, Move::of(&entry.key)?, entry.value.scalar()?.to_owned())))
        .collect();
    moves(lower, reasons.iter().map(|(place, which, _)| (*place, *which)).collect());
    let wrong = reasons.into_iter().map(|(_, which, why)| (which, why)).collect();
    Response { fault, right, acceptable, wrong, because: text_of(node, "because") }
}
