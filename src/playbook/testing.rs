//! What the unit tests of kinds and probes share: a step around a piece of YAML, and what comes of it.

use super::plan::{Act, Plan, Probe, Step};
use super::{Checked, Fault, Texts, check_with};

/// A playbook with some names, and one step made of the lines given.
fn playbook(lines: &str) -> String {
    let indented = lines.replace('\n', "\n        ");
    format!(
        "runsheet: 1\ntitle: Test\ninputs:\n  app_root: {{ type: path }}\n  new_password: {{ type: secret }}\n  \
         row_count: {{ type: integer }}\nphases:\n  - title: All\n    steps:\n      - id: one\n        title: One\n        {indented}\n"
    )
}

/// The playbook that a step can include as `other.yaml`.
const OTHER: &str = "runsheet: 1\ntitle: Other\ninputs:\n  root: { type: path }\n  key: { type: secret }\nphases:\n  \
     - { title: In, steps: [{ id: look, title: Look, run: 'ls \"$ROOT\"', read_only: true }] }\n";

fn check(text: &str) -> Result<Checked, Vec<Fault>> {
    check_with("test.yaml", text, &Texts::gather("test.yaml", text, |_| Ok(OTHER.to_owned())))
}

/// Checks a step in which nothing is wrong.
pub(super) fn step(lines: &str) -> Step {
    plan(lines).steps.remove(0)
}

/// Checks a step in which nothing is wrong, and returns the whole plan.
pub(super) fn plan(lines: &str) -> Plan {
    match check(&playbook(lines)) {
        Ok(checked) => checked.plan,
        Err(faults) => panic!("{lines}\n{faults:#?}"),
    }
}

/// Returns what is wrong with a step, one line each.
pub(super) fn faults(lines: &str) -> Vec<String> {
    match check(&playbook(lines)) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| fault.message).collect(),
    }
}

/// Returns the act of a step.
pub(super) fn act(lines: &str) -> Act {
    step(lines).action.act
}

/// Returns the probe of a step that is a probe.
pub(super) fn probe(lines: &str) -> Probe {
    step(lines).action.verify.remove(0).probe
}
