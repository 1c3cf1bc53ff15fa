//! Two runs of a playbook side by side: what differed between them.
//!
//! Made from two plans and two runs, nothing else. What is the same is not told. What must stay true: a secret's fingerprint is
//! under a key of its own run's, so two runs' fingerprints are never held against each other; only which names share a value is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::one_line;
use crate::engine::{Begun, Run, StepRun, Verdict};
use crate::playbook::plan::{Name, Plan, StepId};
use crate::words;

/// One of the two.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The playbook as it was.
    pub plan: &'a Plan,
    /// The run.
    pub run: &'a Run,
}

/// A thing that differed: what, and how it was in each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Which part: `run`, `playbook`, `inputs`, `steps`, `deviations`, `secrets`, `sign-off`.
    pub part: &'static str,
    /// What of it.
    pub what: String,
    /// How it was in the first; nothing where it was not.
    pub first: Option<String>,
    /// How it was in the second.
    pub second: Option<String>,
    /// How many times as long the second took, where that is the difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<f64>,
}

/// What two runs took is told apart from here on: below, it is chance.
const SLOWER: f64 = 1.5;
/// And only where it is so many milliseconds.
const APART: u64 = 1000;

/// Lists what differed. None at all where the playbooks have no step in common: then there is nothing to compare.
#[must_use]
pub fn differences(first: Side<'_>, second: Side<'_>) -> Option<Vec<Difference>> {
    let shared = first.plan.steps.iter().any(|step| second.plan.index.contains_key(&step.id));
    shared.then(|| {
        let mut all = Differences { first, second, list: Vec::new() };
        all.run();
        all.inputs();
        all.steps();
        all.deviations();
        all.secrets();
        all.signatures();
        all.list
    })
}

/// Takes a fact out of what a run began with.
type Fact = fn(&Begun) -> Option<String>;

struct Differences<'a> {
    first: Side<'a>,
    second: Side<'a>,
    list: Vec<Difference>,
}

impl Differences<'_> {
    /// Notes how something was in each, where it was not the same.
    fn put(&mut self, part: &'static str, what: impl Into<String>, first: Option<String>, second: Option<String>) {
        if first != second {
            self.list.push(Difference { part, what: what.into(), first, second, times: None });
        }
    }

    fn run(&mut self) {
        let state = |side: Side<'_>| Some(side.run.ended.map_or("open", |(end, _)| words::end(end)).to_owned());
        self.put("run", "state", state(self.first), state(self.second));
        let of = |side: Side<'_>, fact: Fact| side.run.begun.as_ref().and_then(fact);
        let facts: [(&'static str, &'static str, Fact); 9] = [
            ("run", "operator", |begun| Some(begun.operator.clone())),
            ("run", "account", |begun| Some(format!("{} on {}", begun.account, begun.host))),
            ("run", "ticket", |begun| begun.ticket.clone()),
            ("run", "protected", |begun| Some(if begun.protected { "yes" } else { "no" }.to_owned())),
            ("run", "runsheet", |begun| Some(begun.program.clone())),
            ("playbook", "title", |begun| Some(begun.title.clone())),
            ("playbook", "file", |begun| Some(begun.playbook.clone())),
            ("playbook", "version", |begun| begun.version.clone()),
            ("playbook", "text, by its SHA-256", |begun| Some(begun.sha256.clone())),
        ];
        for (part, what, fact) in facts {
            self.put(part, what, of(self.first, fact), of(self.second, fact));
        }
        let included = |side: Side<'_>| side.run.begun.as_ref().map(|begun| begun.included.clone()).unwrap_or_default();
        self.maps("playbook", "text of ", &included(self.first), &included(self.second));
        let took = |side: Side<'_>| {
            let (from, (_, to)) = (side.run.began_at?, side.run.ended?);
            u64::try_from(to.duration_since(from).as_millis()).ok()
        };
        self.took("run", "from begin to end", took(self.first), took(self.second));
    }

    fn inputs(&mut self) {
        let values = |side: Side<'_>| {
            let begun = side.run.begun.as_ref();
            begun.map(|begun| begun.values.clone()).unwrap_or_default()
        };
        self.maps("inputs", "", &values(self.first), &values(self.second));
    }

    fn maps<K: Ord + std::fmt::Display>(
        &mut self,
        part: &'static str,
        before: &str,
        first: &BTreeMap<K, String>,
        second: &BTreeMap<K, String>,
    ) {
        let names: BTreeSet<&K> = first.keys().chain(second.keys()).collect();
        for name in names {
            self.put(part, format!("{before}{name}"), first.get(name).cloned(), second.get(name).cloned());
        }
    }

    fn steps(&mut self) {
        let mut ids: Vec<&StepId> = self.first.plan.steps.iter().map(|step| &step.id).collect();
        let more = self.second.plan.steps.iter().map(|step| &step.id);
        ids.extend(more.filter(|id| !self.first.plan.index.contains_key(*id)));
        for id in ids {
            let one = self.first.run.step(self.first.plan, id).cloned();
            let two = self.second.run.step(self.second.plan, id).cloned();
            let state = |step: &StepRun| words::state(step.state).to_owned();
            let missing = "not in this playbook".to_owned();
            let or_missing = |step: &Option<StepRun>| Some(step.as_ref().map_or_else(|| missing.clone(), state));
            self.put("steps", id.as_str(), or_missing(&one), or_missing(&two));
            if let (Some(one), Some(two)) = (one, two) {
                self.step(id, &one, &two);
            }
        }
    }

    fn step(&mut self, id: &StepId, one: &StepRun, two: &StepRun) {
        let attempts = |step: &StepRun| Some(words::count(step.attempts as usize, "start", "starts"));
        self.put("steps", format!("{id}: started"), attempts(one), attempts(two));
        let how = |step: &StepRun| step.outcome.as_ref().map(|outcome| words::how(outcome.how).to_owned());
        let saw = |step: &StepRun| step.outcome.as_ref().map(words::outcome);
        if how(one) != how(two) {
            self.put("steps", format!("{id}: came to"), saw(one), saw(two));
        }
        let ms = |step: &StepRun| step.outcome.as_ref().map(|outcome| outcome.took_ms);
        self.took("steps", &format!("{id}: took"), ms(one), ms(two));
        // A probe that both playbooks ask, by its place: its title may have another value in it.
        for at in 0..one.verdicts.len().max(two.verdicts.len()) {
            let (one, two) = (one.verdicts.get(at), two.verdicts.get(at));
            let found = |verdict: &Verdict| (verdict.pass, verdict.finding);
            if one.map(found) != two.map(found) {
                let title = one.or(two).map(|verdict| verdict.title.clone()).unwrap_or_default();
                self.put("steps", format!("{id}: probe {}, {title}", at + 1), one.map(told), two.map(told));
            }
        }
    }

    fn took(&mut self, part: &'static str, what: &str, first: Option<u64>, second: Option<u64>) {
        let (Some(one), Some(two)) = (first, second) else { return };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are far below what a float tells apart")]
        let times = two.max(1) as f64 / one.max(1) as f64;
        let apart = one.abs_diff(two) >= APART && !(1.0 / SLOWER..SLOWER).contains(&times);
        if apart {
            let said = |ms: u64| Some(words::took(ms));
            let times = Some((times * 100.0).round() / 100.0);
            self.list.push(Difference { part, what: what.to_owned(), first: said(one), second: said(two), times });
        }
    }

    fn deviations(&mut self) {
        let of = |side: Side<'_>| side.run.deviations.iter().map(words::deviation).collect::<Vec<_>>();
        let (one, two) = (of(self.first), of(self.second));
        for deviation in one.iter().filter(|deviation| !two.contains(deviation)) {
            self.put("deviations", "only in the first", Some(deviation.clone()), None);
        }
        for deviation in two.iter().filter(|deviation| !one.contains(deviation)) {
            self.put("deviations", "only in the second", None, Some(deviation.clone()));
        }
    }

    fn secrets(&mut self) {
        let (one, two) = (alike(self.first.run), alike(self.second.run));
        for name in one.keys().chain(two.keys()).collect::<BTreeSet<_>>() {
            self.put("secrets", name.as_str(), one.get(name).cloned(), two.get(name).cloned());
        }
    }

    fn signatures(&mut self) {
        let of = |side: Side<'_>| {
            let signed = side.run.signed.iter().map(|by| (by.role.clone(), format!("signed by {}", by.name)));
            let refused = side.run.refused.iter();
            let refused = refused.map(|(role, name, why)| (role.clone(), format!("refused by {name}: {why}")));
            refused.chain(signed).collect::<BTreeMap<String, String>>()
        };
        self.maps("sign-off", "", &of(self.first), &of(self.second));
    }
}

/// Says what a probe found.
fn told(verdict: &Verdict) -> String {
    let word = if verdict.pass { "verified" } else { "NOT verified" };
    format!("{word} ({}): {}", words::finding(verdict.finding), verdict.saw)
}

/// Says of each secret how often its value changed, and which others have the value that it has now.
fn alike(run: &Run) -> BTreeMap<Name, String> {
    let said = |(name, known): (&Name, &Vec<String>)| {
        let now = known.last();
        let others: Vec<&str> = run
            .fingerprints
            .iter()
            .filter(|(other, known)| *other != name && known.last() == now)
            .map(|(other, _)| other.as_str())
            .collect();
        let same = if others.is_empty() { String::new() } else { format!(", the same as {}", others.join(", ")) };
        (name.clone(), format!("{}{same}", words::count(known.len(), "value", "values")))
    };
    run.fingerprints.iter().map(said).collect()
}

/// Tells differences in lines.
#[must_use]
pub fn told_apart(first: &str, second: &str, differences: &[Difference]) -> String {
    let mut text = format!("A  {}\nB  {}\n", one_line(first), one_line(second));
    // Writing to a `String` cannot fail.
    if differences.is_empty() {
        let _ = writeln!(text, "\nnothing differed that is told here: inputs, steps, findings, times, people");
    }
    let mut part = "";
    for difference in differences {
        if difference.part != part {
            part = difference.part;
            let _ = writeln!(text, "\n{part}");
        }
        let side = |side: &Option<String>| side.as_ref().map_or_else(|| "-".to_owned(), |text| one_line(text));
        let _ = writeln!(text, "  {}", one_line(&difference.what));
        let times = difference.times.map(|times| format!("  ({times:.1} times as long)")).unwrap_or_default();
        let _ = writeln!(text, "    A {}\n    B {}{times}", side(&difference.first), side(&difference.second));
    }
    text
}
