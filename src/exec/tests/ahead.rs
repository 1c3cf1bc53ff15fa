//! Looking ahead on real files: what is refused, what is not, and that nothing is written.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::symlink;

use regex::Regex;

use crate::engine::{Effect, Input};
use crate::exec::testing::{Stage, action, run, step, until_input};
use crate::exec::{DryRun, Executor};
use crate::playbook::plan::{Act, Action, EditPlace, EditSpec, Given, Name, Part, Put, SnapshotSpec, StepId, Template};

const FILE: &str = "URL=postgres://u:CANARY-old@h/d\nA='1'\nB=2\n";

fn put(file: &str, place: EditPlace, put: Put) -> EditSpec {
    EditSpec { file: Template::literal(file), place, put, count: 1 }
}

fn matched(pattern: &str) -> EditPlace {
    EditPlace::Match(Regex::new(pattern).unwrap())
}

fn key(key: &str) -> EditPlace {
    EditPlace::Dotenv(key.to_owned())
}

fn text(text: &str) -> Put {
    Put::Value(Given::Text(Template::literal(text)))
}

/// A value that a later step gives.
fn later(name: &str) -> Put {
    Put::Value(Given::Text(Template::new(vec![Part::Value(Name::new(name))])))
}

fn password(name: &str) -> Put {
    Put::UrlPassword(Name::new(name))
}

fn edits(specs: Vec<EditSpec>) -> Action {
    action(Act::Edit(specs))
}

/// A run of these steps, named `s0`, `s1`, …; the file `f` is there.
fn stage(actions: Vec<Action>) -> Stage {
    let mut stage = Stage::of(run("true"));
    stage.plan.steps = (0..)
        .zip(actions)
        .map(|(at, action)| {
            let mut step = step(action);
            step.id = StepId::new(&format!("s{at}"));
            step
        })
        .collect();
    stage.plan.index =
        stage.plan.steps.iter().enumerate().map(|(at, step)| (step.id.clone(), at)).collect::<HashMap<_, _>>();
    stage.name("pw", true);
    stage.name("word", false);
    fs::write(stage.path("f"), FILE).unwrap();
    stage
}

fn look(stage: &Stage) -> Effect {
    let later =
        stage.plan.steps.iter().skip(1).filter(|step| matches!(step.action.act, Act::Edit(_) | Act::Snapshot(_)));
    Effect::LookAhead { step: StepId::new("s0"), later: later.map(|step| step.id.clone()).collect() }
}

fn told(inputs: &[Input]) -> Vec<String> {
    match inputs {
        [Input::LookedAhead { refused, .. }] => {
            refused.iter().map(|foreseen| format!("{}: {}", foreseen.step, foreseen.why)).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// What the later ones of these steps would be refused for; nothing may have changed.
async fn refused(actions: Vec<Action>) -> Vec<String> {
    let stage = stage(actions);
    let told = told(&stage.carry(look(&stage)).await.inputs);
    assert_eq!(fs::read_to_string(stage.path("f")).unwrap(), FILE);
    assert_eq!(fs::read_dir(stage.folder.path()).unwrap().count(), 3, "the file and two folders");
    told.into_iter().map(|line| line.replace(&format!("{}/", stage.folder.path().display()), "")).collect()
}

async fn one(spec: EditSpec) -> Vec<String> {
    refused(vec![run("true"), edits(vec![spec])]).await
}

#[tokio::test]
async fn what_can_be_known_is_told_with_the_step() {
    for (spec, why) in [
        (put("f", matched("nothing"), text("x")), "s1: f: expected 1 place that nothing matches, there is none"),
        (
            put("f", matched("[0-9]"), text("x")),
            "s1: f: expected 1 place that [0-9] matches, there are 2, in lines 2 and 3",
        ),
        (put("f", key("MISSING"), text("x")), "s1: f: there is no MISSING="),
        (put("f", key("A"), password("pw")), "s1: f: line 2: expected a URL with a password, there is none"),
        (put("nowhere", key("A"), text("x")), "s1: nowhere is not there"),
        (put("snapshots", key("A"), text("x")), "s1: snapshots is not a plain file"),
        (
            put("f", key("A"), text("it's")),
            "s1: f: line 2: the new value has ' or \\ in single quotes, which not every reader of such a file takes as it is",
        ),
    ] {
        assert_eq!(one(spec).await, [why]);
    }
    let snapshot =
        |file: &str, missing| action(Act::Snapshot(vec![SnapshotSpec { file: Template::literal(file), missing }]));
    let told = refused(vec![run("true"), snapshot("f", false), snapshot("g", false), snapshot("g", true)]).await;
    assert_eq!(told, ["s2: g is not there"]);
}

#[tokio::test]
async fn values_that_are_still_to_come_are_any_values() {
    let fine = [
        put("f", key("URL"), password("pw")),
        put("f", matched("u:([^@]+)@"), password("pw")),
        put("f", key("A"), later("word")),
    ];
    for spec in fine {
        assert_eq!(one(spec).await, Vec::<String>::new());
    }
    // What a value to come may bring is not judged; what it cannot bring is.
    let first = || edits(vec![put("f", key("B"), later("word"))]);
    let second = |pattern: &str| edits(vec![put("f", matched(pattern), text("x"))]);
    assert!(refused(vec![run("true"), first(), second("B=abc")]).await.is_empty());
    assert_eq!(refused(vec![run("true"), first(), edits(vec![put("f", key("C"), text("x"))])]).await.len(), 1);
    assert_eq!(refused(vec![run("true"), first(), second("A='2'")]).await.len(), 1, "of another line");
    let url = || edits(vec![put("f", key("URL"), password("pw"))]);
    assert!(refused(vec![run("true"), url(), second("B=2")]).await.is_empty());
    assert_eq!(refused(vec![run("true"), url(), second("B=3")]).await.len(), 1);
    let mut spec = put("f", key("A"), text("x"));
    spec.file = Template::new(vec![Part::Value(Name::new("word"))]);
    assert!(one(spec).await.is_empty(), "the file is not known yet");
}

#[tokio::test]
async fn earlier_edits_are_counted_in() {
    let turn = |from: &str, to: &str| edits(vec![put("f", matched(from), text(to))]);
    assert!(refused(vec![run("true"), turn("B=2", "B=3"), turn("B=3", "B=4"), turn("B=4", "B=5")]).await.is_empty());
    let told = refused(vec![run("true"), turn("B=2", "B=3"), turn("B=2", "B=4"), turn("B=3", "B=5")]).await;
    assert_eq!(told, ["s2: f: expected 1 place that B=2 matches, there is none"]);
    // A command in between may make what is not there; but not before an edit that follows at once.
    let missing = || edits(vec![put("made", key("A"), text("x"))]);
    assert!(refused(vec![run("true"), run("cp f made"), missing()]).await.is_empty());
    assert_eq!(refused(vec![run("true"), missing(), run("cp f made")]).await, ["s1: made is not there"]);
}

#[tokio::test]
async fn a_circle_of_links_and_other_names_are_told() {
    let spec = |file| edits(vec![put(file, key("A"), text("x"))]);
    let stage = stage(vec![run("true"), spec("a"), spec("away"), spec("f")]);
    symlink("b", stage.path("a")).unwrap();
    symlink("a", stage.path("b")).unwrap();
    symlink("gone", stage.path("away")).unwrap();
    fs::hard_link(stage.path("f"), stage.path("same")).unwrap();
    let told = told(&stage.carry(look(&stage)).await.inputs);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].ends_with("/a: its links lead in a circle"), "{told:?}");
    assert!(told[1].contains("/away is a link to ") && told[1].ends_with("/gone, which is not there"), "{told:?}");
    assert!(told[2].contains("has 2 names (hard links)"), "{told:?}");
}

#[tokio::test]
async fn a_dry_run_counts_in_what_it_passed_over() {
    let turn = |from: &str, to: &str| edits(vec![put("f", matched(from), text(to))]);
    let mut stage = stage(vec![run("true"), turn("B=3", "B=4"), turn("B=2", "B=3")]);
    // The last one comes first, and was passed over.
    stage.plan.steps.rotate_right(1);
    stage.plan.index = stage.plan.steps.iter().enumerate().map(|(at, step)| (step.id.clone(), at)).collect();
    let look = || Effect::LookAhead { step: StepId::new("s0"), later: vec![StepId::new("s1")] };
    let (setting, mut received) = stage.setting();
    let mut dry = DryRun::new(setting);
    dry.start(look(), &stage.values);
    assert_eq!(told(&until_input(&mut received).await.inputs).len(), 1);
    let target = crate::engine::Target::step(&StepId::new("s2"));
    dry.start(Effect::Edit { target, attempt: 1, saved: Vec::new() }, &stage.values);
    until_input(&mut received).await;
    dry.start(look(), &stage.values);
    assert_eq!(told(&until_input(&mut received).await.inputs), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_an_edit_will_make_counts_as_there() {
    let append = |missing| edits(vec![put("new", EditPlace::Append { missing }, text("line"))]);
    let snapshot = action(Act::Snapshot(vec![SnapshotSpec { file: Template::literal("new"), missing: false }]));
    assert!(refused(vec![run("true"), append(true), append(false), snapshot]).await.is_empty());
    assert_eq!(refused(vec![run("true"), append(false)]).await, ["s1: new is not there"]);
    let away = edits(vec![put("away/new", EditPlace::Append { missing: true }, text("line"))]);
    assert_eq!(refused(vec![run("true"), away]).await, ["s1: away/new is not there"]);
}
