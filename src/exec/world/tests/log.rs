//! `log`: what came since, and only that.

use std::fs;
use std::io::Write;

use super::*;
use crate::engine::{Effect, Input};
use crate::exec::testing::{run, target, until_input};
use crate::exec::world::marks;
use crate::exec::{Executor, Scene, World};

use Finding::{Differs, Holds, Unreachable};

fn wanted(pattern: &str) -> ProbeSpec {
    expecting(Probe::Log(text("app.log")), Expect::Matches(regex::Regex::new(pattern).unwrap()))
}

/// A stage whose step has a probe on a log, and its scene with where the log stands now.
fn marked(probe: &ProbeSpec, before: Option<&str>) -> (Stage, Scene) {
    let mut step = action(Act::Verify);
    step.verify = vec![probe.clone()];
    let stage = Stage::of(step.clone()).secret("key", "CANARY-key-of-the-log");
    if let Some(before) = before {
        fs::write(stage.path("app.log"), before).unwrap();
    }
    let scene = stage.scene();
    let logs = marks(&step, &scene);
    (stage, Scene { logs, ..scene })
}

fn more(stage: &Stage, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(stage.path("app.log")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

async fn verdict(scene: &Scene, probe: &ProbeSpec) -> Verdict {
    let (_never, stop) = watch::channel(Stop::No);
    verify(std::slice::from_ref(probe), Ctx { scene, stop, told: &|_| {} }).await.remove(0)
}

#[tokio::test]
async fn only_what_came_since_counts() {
    let probe = wanted("^PASS$");
    let (stage, scene) = marked(&probe, Some("PASS\n"));
    let none = verdict(&scene, &probe).await;
    assert_eq!((none.finding, none.pass), (Differs, false));
    assert!(none.saw.starts_with("0 lines since the step began; "), "{}", none.saw);
    more(&stage, "starting\nPASS\nready\n");
    let found = verdict(&scene, &probe).await;
    assert_eq!((found.finding, found.saw.as_str()), (Holds, "3 lines since the step began: PASS"));
}

#[tokio::test]
async fn a_pattern_is_about_a_line_and_a_secret_in_it_is_masked() {
    let probe = wanted("^key .* was read$");
    let (stage, scene) = marked(&probe, None);
    let none = verdict(&scene, &probe).await;
    assert!(none.saw.contains("there is no file"), "{}", none.saw);
    more(&stage, "one\nkey CANARY-key-of-the-log was read\n");
    let found = verdict(&scene, &probe).await;
    assert!(found.pass, "{}", found.saw);
    assert!(!found.saw.contains("CANARY") && found.saw.contains("was read"), "{}", found.saw);
}

#[tokio::test]
async fn a_log_that_was_put_aside_is_read_from_its_beginning() {
    let probe = wanted("^PASS$");
    let (stage, scene) = marked(&probe, Some("old\nold\nold\n"));
    fs::rename(stage.path("app.log"), stage.path("app.log.1")).unwrap();
    more(&stage, "PASS\n");
    let found = verdict(&scene, &probe).await;
    assert!(found.pass && found.saw.contains("begun anew"), "{}", found.saw);
    // One that was cut off is as good as new.
    let (stage, scene) = marked(&probe, Some("old\nold\nold\n"));
    fs::write(stage.path("app.log"), "PASS\n").unwrap();
    let found = verdict(&scene, &probe).await;
    assert!(found.pass && found.saw.contains("begun anew"), "{}", found.saw);
}

#[tokio::test]
async fn without_the_place_where_it_stood_nothing_is_claimed() {
    let probe = wanted("^PASS$");
    let (stage, scene) = marked(&probe, Some("PASS\n"));
    let unmarked = Scene { logs: Vec::new(), ..scene };
    let found = verdict(&unmarked, &probe).await;
    assert_eq!((found.finding, found.pass), (Unreachable, false));
    assert!(found.saw.starts_with("not asked: where ") && found.saw.contains("is not known"), "{}", found.saw);
    drop(stage);
}

#[tokio::test]
async fn where_the_logs_stand_is_told_before_the_command_runs() {
    let mut step = run("true");
    step.verify = vec![wanted("ready")];
    let stage = Stage::of(step);
    fs::write(stage.path("app.log"), "before\n").unwrap();
    let (setting, mut received) = stage.setting();
    let mut world = World::new(setting);
    world.start(Effect::Save { target: target(), attempt: 1 }, &stage.values);
    let told = until_input(&mut received).await;
    let Input::Saved { files, logs, .. } = &told.inputs[0] else { panic!("{:?}", told.inputs) };
    assert!(files.is_empty());
    assert_eq!(logs.iter().map(|mark| mark.length).collect::<Vec<_>>(), [7]);
}
