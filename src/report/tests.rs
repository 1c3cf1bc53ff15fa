//! The checklist and the report, over runs of the real engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::data::{Checked, EventKind, Level};
use super::{Given, Report, STYLE, Story, checklist, html, json, markdown, report};
use crate::engine::{Begun, Engine, Finding, How, Input, Outcome, Target, Verdict};
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

/// A run with its story.
struct Walk {
    engine: Engine,
    story: Story,
    at: Timestamp,
}

impl Walk {
    fn of(playbook: &str) -> Self {
        let plan = match check(playbook) {
            Ok(checked) => checked.plan,
            Err(faults) => panic!("{faults:?}"),
        };
        Self { engine: Engine::new(Arc::new(plan)), story: Story::default(), at: Timestamp::UNIX_EPOCH }
    }

    /// Says something a second later.
    fn say(&mut self, input: Input) {
        self.wait(1);
        let turn = self.engine.clone().handle(input, self.at).unwrap();
        for record in turn.records {
            self.engine.replay(&record);
            self.story.take(self.engine.plan(), self.engine.run(), &record);
        }
    }

    fn wait(&mut self, seconds: i64) {
        self.at = self.at.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
    }

    fn begin(&mut self, begun: Begun) {
        self.say(Input::Begin { begun: Box::new(begun), typed: None });
    }

    fn go(&mut self, step: &str) {
        self.say(Input::Go { step: StepId::new(step), confirmed: true });
    }

    fn performed(&mut self, target: Target, attempt: u32, how: How, fingerprints: &[(&str, &str)]) {
        let fingerprints = fingerprints.iter().map(|(name, of)| ((*name).into(), (*of).into())).collect();
        let outcome = Outcome { how, saw: "exit status 3".into(), took_ms: 1500, fingerprints, ..Outcome::default() };
        self.say(Input::Performed { target, attempt, outcome });
    }

    fn report(self) -> Report {
        let given = Given {
            now: self.at,
            program: "9.9.9",
            records: 7,
            head: "c0ffee",
            output: &|_, _| None,
            check: &|_, _| (Checked::NotChecked, None),
        };
        report(self.engine.plan(), self.engine.run(), self.story, &given)
    }
}

fn of(id: &str) -> Target {
    Target::step(&StepId::new(id))
}

fn walked() -> Walk {
    let mut walk = Walk::of(PLAYBOOK);
    walk.begin(Begun {
        run: "01TEST".into(),
        playbook: "/p/rotate.yaml".into(),
        included: BTreeMap::new(),
        operator: "ann | <b>".into(),
        ticket: Some("OPS-1".into()),
        values: BTreeMap::from([("app".into(), "milo\n# not a heading".into())]),
        secrets: vec!["old_key".into()],
        fingerprints: BTreeMap::from([("old_key".into(), "9f8e7d6c".into())]),
        ..Begun::default()
    });
    walk.say(Input::Skip { target: of("look"), reason: Some("seen already".into()) });
    walk.go("reset");
    walk.performed(of("reset"), 1, How::Failed, &[]);
    walk.go("reset");
    walk.performed(of("reset"), 2, How::Ok, &[("new_key", "1a2b3c4d"), ("old_key", "1a2b3c4d")]);
    walk.say(Input::Note { step: Some(StepId::new("reset")), text: "slow".into() });
    walk.say(Input::ByHand { target: of("drop"), note: "in the console".into() });
    walk.say(Input::Answer {
        target: of("healthy"),
        values: BTreeMap::new(),
        secrets: Vec::new(),
        fingerprints: BTreeMap::new(),
    });
    walk.say(Input::SignOff { step: None, role: "operator".into(), name: "ann".into() });
    walk.say(Input::RefuseSignOff {
        step: None,
        role: "reviewer".into(),
        name: "bob".into(),
        reason: "not seen".into(),
    });
    walk
}

#[test]
fn the_record_says_what_happened_and_nothing_else() {
    let text = markdown(&walked().report());
    for line in [
        "# Rotate \\`keys\\`\n",
        "**Open.** The run is not over: waits for the sign-off: reviewer.\n",
        "- Operator: ann \\| \\<b\\>\n",
        "- Ticket: OPS-1\n",
        "- Began: 1970-01-01 00:00:01 UTC\n",
        "- Ended: not yet: the run is open\n",
        "- `app`: milo \\# not a heading\n- `old_key`: a secret, not recorded\n",
        "(`look`): skipped\n",
        "  - the operator says: seen already\n",
        "- **Reset** (`reset`): done\n",
        ", 2 attempts\n  - runs: doctl reset\n  - done: exit status 3 (1.5 s)\n",
        "(`drop`): done, by hand\n",
        "\n## Deviations\n\n- look was skipped: seen already\n- reset was started again: it failed: exit status 3\n- drop was done by hand: in the console\n",
        "- Planned: 5m\n- Open: from 1970-01-01 00:00:03 UTC until 1970-01-01 00:05:03 UTC\n- Used: 6.0 s\n- Kept: yes\n",
        "| 1970-01-01 00:00:03 UTC | 1.0 s | runs | reset |\n| 1970-01-01 00:00:04 UTC | 1.0 s | waits for a decision | reset |\n",
        "(reset): slow\n",
        "- `new_key`: fp 1a2b3c4d, the same as `old_key`\n- `old_key`: fp 1a2b3c4d, was 9f8e7d6c, the same as `new_key`\n",
        "- operator: signed by ann, 1970-01-01 00:00:10 UTC; the name as typed, not proved\n",
        "- reviewer: refused by bob: not seen, 1970-01-01 00:00:11 UTC; the name as typed, not proved\n- reviewer: has not signed\n",
        "- [ ] Revoke the old one, within 1d\n",
        "Journal's last line, SHA-256: `c0ffee`\n",
    ] {
        assert!(text.contains(line), "{line:?} is missing in\n{text}");
    }
}

#[test]
fn a_rollback_is_in_the_record_action_by_action() {
    let mut walk = walked();
    walk.say(Input::Rollback { to: None, by_policy: false });
    let target = Target::undo(&StepId::new("reset"), 1);
    walk.say(Input::Undo { target: target.clone() });
    walk.performed(target.clone(), 1, How::Failed, &[]);
    walk.say(Input::Skip { target, reason: Some("gone".into()) });
    let report = walk.report();
    assert_eq!(report.totals.rollback_ms, 3000);
    let text = markdown(&report);
    for line in [
        "- How far: everything\n- Begun by: the operator\n- Came to: 1 action failed or skipped\n- Stays as it is: drop\n",
        "- `reset`: doctl undo: skipped\n  - failed: exit status 3 (1.5 s)\n  - the operator says: gone\n",
        "(`reset`): rollback failed\n",
    ] {
        assert!(text.contains(line), "{line:?} is missing in\n{text}");
    }
}

const EXPOSED: &str = "
runsheet: 1
title: Rotate
window: 4s
phases:
  - title: Change
    steps:
      - { id: count, title: Count, run: count, read_only: true, capture: { rows: whole } }
      - id: reset
        title: Reset
        run: reset
        irreversible: It is gone.
        verify: [{ value: rows, expect: { close_to: '${rows}', tolerance: 1 }, title: Rows }]
";

#[test]
fn exposure_lasts_until_the_verification_has_passed_and_the_window_is_measured() {
    let mut walk = Walk::of(EXPOSED);
    walk.begin(Begun::default());
    walk.go("count");
    walk.performed(of("count"), 1, How::Ok, &[]);
    walk.go("reset");
    walk.performed(of("reset"), 1, How::Ok, &[]);
    let probed = |pass| Verdict {
        title: "Rows".into(),
        finding: if pass { Finding::Holds } else { Finding::Differs },
        pass,
        warn: false,
        saw: "rows is 12".into(),
        attempts: 1,
        took_ms: 3,
        values: BTreeMap::new(),
        secrets: Vec::new(),
        fingerprints: BTreeMap::new(),
    };
    walk.say(Input::Probed { target: of("reset"), verdicts: vec![probed(false)] });
    walk.wait(10);
    walk.say(Input::VerifyAgain { target: of("reset") });
    walk.say(Input::Probed { target: of("reset"), verdicts: vec![probed(true)] });
    let report = walk.report();
    let exposed: Vec<_> = report.timeline.events.iter().filter(|event| event.kind == EventKind::Exposure).collect();
    assert_eq!((exposed.len(), report.totals.exposure_ms), (1, 14_000), "{exposed:?}");
    let window = report.window.as_ref().unwrap();
    assert_eq!((window.used_ms, window.over_ms), (Some(14_000), Some(10_000)));
    assert_eq!(report.baselines.len(), 1);
    assert_eq!((report.baselines[0].after.as_str(), report.baselines[0].result), ("rows is 12", "verified"));
    let drawn = html(&report);
    assert!(drawn.contains("bar exposure") && drawn.contains("window ends 00:00:08"), "{drawn}");
}

#[test]
fn a_run_is_fine_only_when_all_of_it_is() {
    let mut walk = Walk::of(
        "{ runsheet: 1, title: A, phases: [{ title: A, steps: [{ id: a, title: A, run: a, read_only: true }] }] }",
    );
    walk.begin(Begun::default());
    walk.go("a");
    walk.performed(of("a"), 1, How::Failed, &[]);
    walk.go("a");
    walk.performed(of("a"), 2, How::Ok, &[]);
    let report = walk.report();
    assert_eq!(
        (report.assessment.level, report.assessment.reasons.as_slice()),
        (Level::Look, ["1 deviation from the playbook".to_owned()].as_slice())
    );
    let mut walk = Walk::of(
        "{ runsheet: 1, title: A, phases: [{ title: A, steps: [{ id: a, title: A, run: a, read_only: true }] }] }",
    );
    walk.begin(Begun::default());
    walk.go("a");
    walk.performed(of("a"), 1, How::Ok, &[]);
    assert_eq!(walk.report().assessment.level, Level::Fine);
}

#[test]
fn a_crash_leaves_time_that_is_nobodys() {
    let mut walk = Walk::of(PLAYBOOK);
    let values = BTreeMap::from([("app".into(), "x".into())]);
    walk.begin(Begun { values, secrets: vec!["old_key".into()], ..Begun::default() });
    walk.wait(99);
    walk.say(Input::Resume {
        operator: "eve".into(),
        account: "eve".into(),
        host: "h".into(),
        program: "2.0.0".into(),
    });
    let report = walk.report();
    assert_eq!((report.totals.paused_ms, report.totals.waiting_ms), (100_000, 0));
    assert!(report.presence[0].text.starts_with("eve went on with the run"));
    assert_eq!(report.tools.last().map(|tool| tool.what.as_str()), Some("runsheet 2.0.0"));
}

#[test]
fn the_json_is_what_its_schema_says() {
    let schema = serde_json::from_str(super::SCHEMA).unwrap();
    let validator = jsonschema::options().build(&schema).unwrap();
    for walk in [walked(), Walk::of(PLAYBOOK), Walk::of(EXPOSED)] {
        let value = serde_json::from_str(&json(&walk.report()).unwrap()).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn a_page_needs_nothing_and_lets_nothing_in() {
    let text = html(&walked().report());
    assert!(text.contains("ann | &lt;b&gt;") && !text.contains("<b>"), "{text}");
    assert!(text.contains(&format!("<style>{STYLE}</style>")));
    assert!(text.contains("default-src 'none'; style-src 'sha256-"));
    for word in ["<script", " style=", " on", "src=", "http:", "https:", "@import"] {
        let body = text.replacen(STYLE, "", 1);
        let found = body.match_indices(word).find(|(at, _)| {
            word != " on"
                || body[at + 3..].starts_with(char::is_alphabetic)
                    && body[at + 3..].split(' ').next().is_some_and(|rest| rest.contains('='))
        });
        assert!(found.is_none(), "{word:?} is in the page");
    }
}
