//! The checklist and the record, over a run of the real engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{checklist, record};
use crate::engine::{Begun, Engine, How, Input, Outcome, Target};
use crate::playbook::check;
use crate::playbook::plan::{Plan, StepId};

const PLAYBOOK: &str = "
runsheet: 1
title: Rotate `keys`
window: 5m
requires: [doctl]
inputs:
  app: { type: text, prompt: Which app?, default: milo }
  old_key: { type: secret }
phases:
  - title: Change
    steps:
      - { id: look, title: 'Look at ${app}', run: doctl list, read_only: true, optional: true }
      - { id: reset, title: Reset, run: doctl reset, timeout: 60s, estimate: 10s, rollback: [{ run: doctl undo }] }
      - { id: drop, title: Drop, run: doctl drop, irreversible: It is gone. }
success:
  - { id: healthy, title: No errors, confirm: true }
sign_off: { by: [operator, reviewer], distinct: true }
follow_up: [{ title: Revoke the old one, within: 24h }]
";

fn plan() -> Plan {
    match check(PLAYBOOK) {
        Ok(checked) => checked.plan,
        Err(faults) => panic!("{faults:?}"),
    }
}

#[test]
fn the_checklist_has_everything_that_one_must_know() {
    let text = checklist(&plan());
    for line in [
        "Rotate `keys`\n=============\n",
        "window              5m\n",
        "needs on PATH       doctl\n",
        "[ ] app: Which app? (a text, by default milo)\n",
        "[ ] old_key: (a secret)\n",
        "\n[ ] 1. Look at ${app} (look)\n      optional      may be skipped without a reason\n      runs          doctl list\n",
        "\n[ ] 2. Reset (reset)\n      runs          doctl reset\n      runs in       the playbook's folder, at most 1m\n      undo          doctl undo\n      takes         about 10s\n",
        "      careful       cannot be undone: It is gone.\n",
        "\nSuccess criteria\n----------------\n\n[ ] 4. No errors (healthy)\n",
        "[ ] operator: ____________________\n[ ] reviewer: ____________________\nEach by a different person.\n",
        "[ ] Revoke the old one, within 1d\n",
        "4 steps; 1 with an estimate, 10s in all.\n",
    ] {
        assert!(text.contains(line), "{line:?} is missing in\n{text}");
    }
}

fn walked() -> Engine {
    let mut engine = Engine::new(Arc::new(plan()));
    let mut at = Timestamp::UNIX_EPOCH;
    let mut say = |input| {
        at = at.checked_add(jiff::SignedDuration::from_secs(1)).unwrap();
        engine.handle(input, at).unwrap();
    };
    let begun = Begun {
        run: "01TEST".into(),
        playbook: "/p/rotate.yaml".into(),
        included: BTreeMap::new(),
        operator: "ann | <b>".into(),
        ticket: Some("OPS-1".into()),
        values: BTreeMap::from([("app".into(), "milo\n# not a heading".into())]),
        secrets: vec!["old_key".into()],
        fingerprints: BTreeMap::from([("old_key".into(), "9f8e7d6c".into())]),
        ..Begun::default()
    };
    say(Input::Begin { begun: Box::new(begun), typed: None });
    let target = |id: &str| Target::step(&StepId::new(id));
    let go = |id: &str| Input::Go { step: StepId::new(id), confirmed: false };
    let performed = |id: &str, attempt, how| Input::Performed {
        target: target(id),
        attempt,
        outcome: Outcome { how, saw: "exit status 3".into(), took_ms: 1500, ..Outcome::default() },
    };
    say(Input::Skip { target: target("look"), reason: Some("seen already".into()) });
    say(go("reset"));
    say(performed("reset", 1, How::Failed));
    say(go("reset"));
    let fingerprints = [("new_key", "1a2b3c4d"), ("old_key", "1a2b3c4d")].map(|(name, of)| (name.into(), of.into()));
    say(Input::Performed {
        target: target("reset"),
        attempt: 2,
        outcome: Outcome {
            how: How::Ok,
            saw: "exit status 3".into(),
            took_ms: 1500,
            fingerprints: fingerprints.into(),
            ..Outcome::default()
        },
    });
    say(Input::Note { step: Some(StepId::new("reset")), text: "slow".into() });
    say(Input::ByHand { target: target("drop"), note: "in the console".into() });
    say(Input::Answer {
        target: target("healthy"),
        values: BTreeMap::new(),
        secrets: Vec::new(),
        fingerprints: BTreeMap::new(),
    });
    say(Input::SignOff { step: None, role: "operator".into(), name: "ann".into() });
    say(Input::RefuseSignOff { step: None, role: "reviewer".into(), name: "bob".into(), reason: "not seen".into() });
    engine
}

#[test]
fn the_record_says_what_happened_and_nothing_else() {
    let engine = walked();
    let text = record(engine.plan(), engine.run(), "c0ffee");
    for line in [
        "# Rotate \\`keys\\`\n",
        "- Operator: ann \\| \\<b\\>\n",
        "- Ticket: OPS-1\n",
        "- Began: 1970-01-01 00:00:01 UTC\n",
        "- Ended: not yet: the run is open\n",
        "- `app`: milo \\# not a heading\n- `old_key`: a secret, not recorded\n",
        "(`look`): skipped\n",
        "  - the operator says: seen already\n",
        "- **Reset** (`reset`): done\n",
        ", 2 attempts\n  - done: exit status 3 (1.5 s)\n",
        "(`drop`): done, by hand\n",
        "\n## Deviations\n\n- look was skipped: seen already\n- reset was started again: it failed: exit status 3\n- drop was done by hand: in the console\n",
        "(reset): slow\n",
        "- `new_key`: fp 1a2b3c4d, the same as `old_key`\n- `old_key`: fp 1a2b3c4d, was 9f8e7d6c, the same as `new_key`\n",
        "- operator: signed by ann\n- reviewer: refused by bob: not seen\n- reviewer: has not signed\n",
        "- [ ] Revoke the old one, within 1d\n",
        "Journal's last line, SHA-256: `c0ffee`\n",
    ] {
        assert!(text.contains(line), "{line:?} is missing in\n{text}");
    }
}

#[test]
fn a_rollback_is_in_the_record_action_by_action() {
    let mut engine = walked();
    let at = Timestamp::UNIX_EPOCH;
    engine.handle(Input::Rollback { to: None, by_policy: false }, at).unwrap();
    let target = Target::undo(&StepId::new("reset"), 1);
    engine.handle(Input::Undo { target: target.clone() }, at).unwrap();
    let outcome = Outcome { how: How::Failed, saw: "exit status 1".into(), ..Outcome::default() };
    engine.handle(Input::Performed { target: target.clone(), attempt: 1, outcome }, at).unwrap();
    engine.handle(Input::Skip { target, reason: Some("gone".into()) }, at).unwrap();
    let text = record(engine.plan(), engine.run(), "c0ffee");
    for line in [
        "- How far: everything\n- Begun by: the operator\n- Came to: 1 action failed or skipped\n- Stays as it is: drop\n",
        "- `reset`: doctl undo: skipped\n  - failed: exit status 1 (0 ms)\n  - the operator says: gone\n",
        "(`reset`): rollback failed\n",
    ] {
        assert!(text.contains(line), "{line:?} is missing in\n{text}");
    }
}
