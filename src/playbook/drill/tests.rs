//! What becomes of a drill in which nothing is wrong.

use std::time::Duration;

use super::{Move, ProbeShows, Quiz, Response, Shows, Simulated};
use crate::playbook::plan::{Name, Plan};
use crate::playbook::{Texts, check, check_with};

const HEAD: &str = "runsheet: 1\ntitle: T\nwindow: 5m\ninputs:\n  where: { type: choice, choices: [here, there] }\n";

const STEPS: &str = "phases:
  - title: All
    steps:
      - id: reset
        title: Reset
        run: [reset]
        simulate:
          - { stdout: 'key: <PRACTICE>', takes: 2s }
          - { stderr: too often, exit: 3, takes: 0s }
        verify:
          - { tcp: 'localhost:80', simulate: { finding: refused, saw: nothing there } }
          - { file: /etc/passwd }
        rollback: { run: [back], simulate: { stdout: back } }
        quiz: { ask: Is it undone?, choices: [yes, no], answer: no, because: It is not. }
      - id: look
        title: Look
        tcp: localhost:80
        simulate: { pass: true, saw: 3 ms }
      - id: ask
        title: Ask
        ask: { new_key: { type: secret } }
      - id: far
        title: Far
        when: { where: there }
        edit: { file: /srv/a, match: a, replace: b }
      - id: sign
        title: Sign
        approval: { by: dba }
";

fn plan(drills: &str) -> Plan {
    check(&format!("{HEAD}{STEPS}{drills}")).unwrap_or_else(|faults| panic!("{faults:#?}")).plan
}

#[test]
fn what_is_simulated_stands_with_its_act_and_its_probe() {
    let plan = plan("");
    let reset = &plan.steps[0];
    let first =
        Simulated { stdout: "key: <PRACTICE>".to_owned(), takes: Some(Duration::from_secs(2)), ..Simulated::default() };
    let second = Simulated {
        stderr: "too often".to_owned(),
        exit: Some(3),
        takes: Some(Duration::ZERO),
        ..Simulated::default()
    };
    assert_eq!(reset.action.simulate, [first, second]);
    let refused = &reset.action.verify[0].simulate[0];
    assert_eq!((refused.pass, refused.finding), (Some(false), Some(ProbeShows::Refused)));
    assert_eq!(refused.saw.as_deref(), Some("nothing there"));
    assert!(reset.action.verify[1].simulate.is_empty());
    assert_eq!(reset.rollback[0].simulate[0].stdout, "back");
    let quiz = Quiz {
        ask: "Is it undone?".to_owned(),
        choices: vec!["yes".to_owned(), "no".to_owned()],
        answer: 1,
        because: Some("It is not.".to_owned()),
    };
    assert_eq!(reset.quiz, Some(quiz));
    // Of a step that is a probe it is the probe's.
    let look = &plan.steps[1];
    assert!(look.action.simulate.is_empty());
    assert_eq!(look.action.verify[0].simulate[0].pass, Some(true));
}

#[test]
fn a_drill_is_its_faults_each_with_what_is_right() {
    let plan = plan(
        "drills:
  - id: all
    title: All of them
    brief: Read this.
    debrief: Well done.
    inputs: { where: there }
    faults:
      - { at: reset, shows: { stdout: 'null', exit: 0 } }
      - { at: reset, probe: 1, shows: denied, attempts: 2, say: WRONGPASS }
      - { at: look, shows: unreachable, attempts: always }
      - { at: ask, shows: wrong_paste }
      - { at: far, shows: terminal_lost }
      - { at: far/undo:1, shows: fails }
      - { at: sign, shows: sign_off_refused, say: Not like this. }
      - { at: sign, shows: window_out }
    respond:
      - { at: look, right: verify, because: c }
      - { right: [recapture], acceptable: [retry, call], wrong: { go_on: no }, because: a }
      - { right: [retry], because: b }
      - { right: [answer], because: d }
      - { right: [attach], acceptable: rollback_to, because: e }
      - retry
      - { right: [call], because: g }
      - { right: [extend], because: h }
",
    );
    let [drill] = &plan.drills[..] else { panic!("one drill") };
    assert_eq!((drill.id.as_str(), drill.title.as_str()), ("all", "All of them"));
    assert_eq!((drill.brief.as_deref(), drill.debrief.as_deref()), (Some("Read this."), Some("Well done.")));
    assert_eq!(drill.inputs.get(&Name::new("where")).map(String::as_str), Some("there"));
    let places: Vec<(String, Option<u32>, Option<u32>)> =
        drill.faults.iter().map(|fault| (fault.at(), fault.probe, fault.attempts)).collect();
    let places: Vec<(&str, Option<u32>, Option<u32>)> =
        places.iter().map(|(at, probe, attempts)| (at.as_str(), *probe, *attempts)).collect();
    assert_eq!(
        places,
        [
            ("reset", None, Some(1)),
            ("reset", Some(1), Some(2)),
            // The one probe of a step that is nothing else need not be named.
            ("look", Some(1), None),
            ("ask", None, Some(1)),
            ("far", None, Some(1)),
            ("far/undo:1", None, Some(1)),
            ("sign", None, Some(1)),
            ("sign", None, Some(1)),
        ]
    );
    assert_eq!(drill.faults[1].shows, Shows::Probe(ProbeShows::Denied));
    assert_eq!(drill.faults[7].shows, Shows::WindowOut);
    let because: Vec<&str> = drill.respond.iter().filter_map(|response| response.because.as_deref()).collect();
    assert_eq!(because, ["a", "b", "c", "d", "e", "g", "h"]);
    assert_eq!(drill.respond[5], Response { fault: 5, right: vec![Move::Retry], ..Response::default() });
    let first = drill.response(0).unwrap();
    assert_eq!(first.right, [Move::Recapture]);
    assert_eq!(first.acceptable, [Move::Retry, Move::Call]);
    assert_eq!(first.wrong, [(Move::GoOn, "no".to_owned())]);
}

#[test]
fn a_step_that_is_left_out_has_no_faults() {
    let drill = "drills:\n  - id: a\n    title: A\n    faults: [{ at: far, shows: terminal_lost }]\n    respond: [{ right: attach, because: b }]\n";
    let faults = check(&format!("{HEAD}{STEPS}{drill}")).unwrap_err();
    assert_eq!(faults[0].message, "this fault never comes: `far` is left out where `where` is `here`");
    assert_eq!(faults[0].advice.as_deref(), Some("write in the drill: `inputs: { where: there }`"));
}

#[test]
fn drills_of_a_playbook_that_another_includes_are_left_out() {
    let inner = "runsheet: 1
title: Inner
inputs: { where: { type: text } }
phases:
  - title: All
    steps: [{ id: reset, title: Reset, run: ls, read_only: true, simulate: { stdout: done } }]
drills:
  - id: one
    title: One
    inputs: { where: here }
    faults: [{ at: reset, shows: fails }]
    respond: [{ right: retry, because: A hiccup. }]
";
    // The input of the drill is no input of the briefing here: it is given.
    let outer = "runsheet: 1
title: Outer
phases:
  - title: All
    steps: [{ id: inner, title: Inner, include: { playbook: inner.yaml, inputs: { where: there } } }]
drills:
  - id: two
    title: Two
    faults: [{ at: inner/reset, shows: fails }]
    respond: [{ right: retry, because: A hiccup. }]
";
    let texts = Texts::gather("outer.yaml", outer, |_| Ok(inner.to_owned()));
    let plan = check_with("outer.yaml", outer, &texts).unwrap_or_else(|faults| panic!("{faults:#?}")).plan;
    assert_eq!(plan.drills.iter().map(|drill| drill.id.as_str()).collect::<Vec<_>>(), ["two"]);
    assert_eq!(plan.steps[0].action.simulate[0].stdout, "done");
}
