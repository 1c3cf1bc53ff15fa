//! The world of a drill: which faults are still to come, what has taken effect, and which credential is good by now.
//!
//! It is a fold of the run's records, with the practice secrets beside it. What must stay true: whatever took effect did so by a
//! record (an act that went well, a person's word, a fault that says so), so nothing is true here that the run does not know.

use std::collections::{HashMap, HashSet};

use crate::engine::{How, Record, Target};
use crate::playbook::plan::{Action, Drill, DrillFault, Expect, Name, NatsLogin, Probe, ProbeSpec, Shows, StepId};
use crate::secret::Secret;

/// The world of a drill.
#[derive(Default)]
pub(super) struct State {
    /// How often each fault was shown.
    shown: HashMap<u32, u32>,
    /// What has taken effect, and was not undone since.
    acted: HashSet<Target>,
    /// What a person is at, or what runs.
    pub(super) site: Option<Target>,
    /// What is known of each credential, the newest last.
    marks: Vec<Mark>,
    /// What each step brought about for credentials, to be turned round by its rollback.
    by_step: HashMap<StepId, Vec<Mark>>,
    /// What the system takes for the value of a name, where that may differ from what was pasted.
    truth: HashMap<Name, Secret>,
    /// How often each probe was asked.
    asked: HashMap<(Target, usize), usize>,
    /// How often each act was started.
    starts: HashMap<Target, u32>,
}

/// A credential, and whether the system takes it.
#[derive(Clone)]
struct Mark {
    name: Name,
    value: Secret,
    good: bool,
}

/// What the system says to a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    /// It takes it.
    Good,
    /// It refuses it.
    Bad,
    /// Nothing has happened to it.
    Unheard,
}

impl State {
    /// Takes a record in. `truth` gives what a name stands for by now: what was offered for it, or what is kept.
    pub(super) fn take(&mut self, record: &Record, world: &World<'_>) {
        match record {
            Record::Started { target, .. } => {
                self.site = Some(target.clone());
                *self.starts.entry(target.clone()).or_default() += 1;
            }
            Record::Performed { target, outcome, .. } if outcome.how == How::Ok => self.act(target, world),
            Record::ByHand { target, .. } => self.act(target, world),
            Record::Answered { target, secrets, .. } => {
                for name in secrets {
                    if let Some(value) = (world.offered)(target, name) {
                        self.truth.insert(name.clone(), value);
                    }
                }
                self.act(target, world);
            }
            Record::FaultShown { target, fault, .. } => {
                *self.shown.entry(*fault).or_default() += 1;
                let shows = world.fault(*fault).map(|fault| &fault.shows);
                if shows == Some(&Shows::DoneButLost) {
                    self.act(target, world);
                }
            }
            _ => {} // whatever else is on record, the world is as it was
        }
    }

    /// Has an act take effect.
    fn act(&mut self, target: &Target, world: &World<'_>) {
        if target.undo.is_some() && !world.forward(&target.step) {
            // Once: what a later action of the same rollback says stands.
            for mark in self.by_step.remove(&target.step).unwrap_or_default() {
                self.mark(Mark { good: !mark.good, ..mark });
            }
            self.acted.remove(&Target::step(&target.step));
        }
        self.acted.insert(target.clone());
        let Some(action) = (world.action)(target) else { return };
        for (name, denied) in action.verify.iter().filter_map(|probe| Some((credential(probe)?, probe.denied()))) {
            let Some(value) = self.truth.get(name).cloned().or_else(|| (world.kept)(name)) else { continue };
            let mark = Mark { name: name.clone(), value, good: !denied };
            if target.undo.is_none() {
                self.by_step.entry(target.step.clone()).or_default().push(mark.clone());
            }
            self.mark(mark);
        }
    }

    /// Writes down what a credential is by now. A new good one takes the place of the last one of its name.
    fn mark(&mut self, mark: Mark) {
        for known in self.marks.iter_mut().filter(|known| mark.good && known.name == mark.name) {
            known.good &= known.value.same(&mark.value);
        }
        self.marks.push(mark);
    }

    /// Says what the system says to a value of a name.
    pub(super) fn credential(&self, name: &Name, value: &Secret) -> Credential {
        // Pasted with a fault, or something else altogether.
        if self.truth.get(name).is_some_and(|truth| !truth.same(value)) {
            return Credential::Bad;
        }
        match self.marks.iter().rev().find(|mark| mark.value.same(value)) {
            Some(mark) if mark.good => Credential::Good,
            Some(_) => Credential::Bad,
            None => Credential::Unheard,
        }
    }

    /// Says whether an act has taken effect, and was not undone since.
    pub(super) fn acted(&self, target: &Target) -> bool {
        self.acted.contains(target)
    }

    /// Finds the fault that holds now: of an act, or of one of its probes, from 1.
    pub(super) fn active<'d>(
        &self,
        drill: Option<&'d Drill>,
        target: &Target,
        probe: Option<u32>,
        shows: impl Fn(&Shows) -> bool,
    ) -> Option<(u32, &'d DrillFault)> {
        let faults = (1..).zip(drill?.faults.iter());
        let here = |fault: &DrillFault| {
            (&fault.step, fault.undo, fault.probe) == (&target.step, target.undo, probe) && shows(&fault.shows)
        };
        let left = |number: u32, fault: &DrillFault| {
            fault.attempts.is_none_or(|attempts| self.shown.get(&number).copied().unwrap_or(0) < attempts)
        };
        faults.filter(|(_, fault)| here(fault)).find(|(number, fault)| left(*number, fault))
    }

    /// Says how often an act was started.
    pub(super) fn starts(&self, target: &Target) -> u32 {
        self.starts.get(target).copied().unwrap_or(0)
    }

    /// Counts that a probe is asked once more, and says how often it was before.
    pub(super) fn ask(&mut self, target: &Target, probe: usize) -> usize {
        let asked = self.asked.entry((target.clone(), probe)).or_default();
        *asked += 1;
        *asked - 1
    }
}

/// What the state must know of everything around it.
pub(super) struct World<'w> {
    /// Finds the action that a target stands for.
    pub(super) action: &'w dyn Fn(&Target) -> Option<Action>,
    /// Returns the value that was offered for a question.
    pub(super) offered: &'w dyn Fn(&Target, &Name) -> Option<Secret>,
    /// Returns what is kept under a name.
    pub(super) kept: &'w dyn Fn(&Name) -> Option<Secret>,
    /// Says whether a step is irreversible, so that its rollback is a way forward.
    pub(super) irreversible: &'w dyn Fn(&StepId) -> bool,
    /// The drill.
    pub(super) drill: Option<&'w Drill>,
}

impl World<'_> {
    fn forward(&self, step: &StepId) -> bool {
        (self.irreversible)(step)
    }

    /// Finds a fault by its number, from 1.
    pub(super) fn fault(&self, number: u32) -> Option<&DrillFault> {
        self.drill?.faults.get((number as usize).checked_sub(1)?)
    }
}

/// Finds the credential that a probe logs in with.
pub(super) fn credential(spec: &ProbeSpec) -> Option<&Name> {
    match &spec.probe {
        Probe::Http(http) => {
            let header = http.headers.iter().find_map(|(_, given)| secret(given));
            http.bearer.as_ref().or(http.basic.as_ref().map(|(_, name)| name)).or(header)
        }
        Probe::Postgres(database) | Probe::Mysql(database) | Probe::Redis(database) => database.password.as_ref(),
        Probe::Nats(nats) => nats.login.as_ref().map(NatsLogin::name),
        Probe::Command(_) | Probe::Tcp(_) | Probe::Tls(_) | Probe::File(_) | Probe::Log(_) | Probe::Value(_) => None,
    }
}

fn secret(given: &crate::playbook::plan::Given) -> Option<&Name> {
    match given {
        crate::playbook::plan::Given::Secret(name) => Some(name),
        crate::playbook::plan::Given::Text(_) => None,
    }
}

/// Says whether an answer must be a refusal.
pub(super) fn must_be_denied(spec: &ProbeSpec) -> bool {
    let status = |expect: &Expect| matches!(expect, Expect::Status(401 | 403));
    spec.denied() || spec.expect.iter().any(status)
}
