//! How a command comes to its end: by itself, by signal, by time, by the operator, or hardly at all.

use std::time::{Duration, Instant};

use regex::Regex;

use crate::engine::{Effect, How, Seen};
use crate::exec::Executor;
use crate::exec::testing::{Stage, action, perform, run, target, until_input};
use crate::playbook::plan::{Act, Action, Manner, RunSpec, Until};

/// A script, what is said of its end, and whether it ended well. What one leaves behind lives on, so its end is told before.
#[tokio::test]
async fn whatever_it_does_its_end_is_told() {
    let cases: &[(&str, How, &str)] = &[
        // It daemonises: twice forked, a session of its own, nothing of ours kept.
        (
            "echo fine; (setsid bash -c 'echo $$ > pid; exec sleep 300' < /dev/null > /dev/null 2>&1 &) ; while [ ! -s pid ]; do :; done",
            How::Ok,
            "fine",
        ),
        // The same, but it keeps our pipes.
        (
            "echo fine; (setsid bash -c 'echo $$ > pid; exec sleep 300' &); while [ ! -s pid ]; do :; done",
            How::Ok,
            "fine; output still held open by process PID (sleep); what it prints from now on is not kept",
        ),
        // In the background, without our pipes.
        ("sleep 300 > /dev/null 2>&1 & echo $! > pid; echo fine", How::Ok, "fine; still running: process PID (sleep)"),
        // It asks on the terminal: there is none for it, so it cannot wait for an answer that nobody sees.
        ("read -r answer < /dev/tty", How::Failed, "/dev/tty: No such device or address"),
        // It reads standard input: there is nothing.
        ("read -r answer || echo nothing", How::Ok, "nothing"),
        // It closes its outputs early and goes on.
        ("echo fine; exec > /dev/null 2>&1 < /dev/null; sleep 0.3; exit 4", How::Failed, "exit status 4"),
        // Something that gets other rights, or none.
        ("mount --bind /nowhere/at/all /nowhere", How::Failed, "exit status"),
        // Many, all at once.
        ("for turn in $(seq 60); do (echo $turn > /dev/null) & done; wait; echo all", How::Ok, "all"),
        // Its last words come with its end.
        ("echo first; printf 'without an end'", How::Ok, "without an end"),
    ];
    for (script, how, said) in cases {
        let stage = Stage::of(run(script));
        let outcome = stage.carry(perform()).await.outcome().clone();
        let pid = std::fs::read_to_string(stage.path("pid")).unwrap_or_default();
        if let Some(pid) = pid.trim().parse().ok().and_then(rustix::process::Pid::from_raw) {
            let there = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            assert!(there.is_ok(), "{script}: it was waited for");
        }
        assert_eq!(outcome.how, *how, "{script}: {outcome:?}");
        let said = said.replace("PID", pid.trim());
        assert!(outcome.saw.contains(&said), "{script}: {} has not {said}", outcome.saw);
    }
}

#[tokio::test]
async fn what_stops_itself_is_told_and_can_be_ended() {
    let stage = Stage::of(run("trap 'echo bye; exit 7' TERM; echo on; kill -STOP $$; echo on again"));
    let (mut world, mut received) = stage.world();
    world.start(perform(), &stage.values);
    let mut output = String::new();
    while !output.contains("it has stopped (signal 19 (STOP)) and does nothing until `kill -CONT ") {
        match tokio::time::timeout(Duration::from_secs(10), received.recv()).await {
            Ok(Some(crate::exec::Report::Output { text, .. })) => output.push_str(&text),
            other => panic!("{other:?} after {output}"),
        }
    }
    world.start(Effect::Stop { target: target(), hard: false }, &stage.values);
    let outcome = until_input(&mut received).await.outcome().clone();
    assert_eq!((outcome.how, outcome.exit), (How::Stopped, Some(7)), "{outcome:?}");
}

async fn ends(script: &str, timeout: Option<Duration>) -> (How, Option<i32>, String) {
    let mut stage = Stage::of(run(script));
    stage.plan.steps[0].action.timeout = timeout;
    let outcome = stage.carry(perform()).await.outcome().clone();
    (outcome.how, outcome.exit, outcome.saw)
}

#[tokio::test]
async fn by_itself_or_by_a_signal() {
    let ended = |how, exit, saw: &str| (how, exit, saw.to_owned());
    assert_eq!(ends("echo fine", None).await, ended(How::Ok, Some(0), "fine"));
    assert_eq!(ends("true", None).await, ended(How::Ok, Some(0), "exit status 0"));
    assert_eq!(
        ends("echo one; printf 'it \\e[1mbroke\\e[0m\\n\\n' >&2; exit 3", None).await,
        ended(How::Failed, Some(3), "exit status 3: it broke")
    );
    assert_eq!(ends("kill -SEGV $$", None).await, ended(How::Failed, None, "ended by signal 11 (SEGV)"));
    assert_eq!(ends("false | true", None).await.0, How::Failed);
}

#[tokio::test]
async fn too_long_is_stopped_politely() {
    let (how, exit, saw) =
        ends("trap 'echo bye; exit 9' TERM; echo on; sleep 60 & wait", Some(Duration::from_millis(300))).await;
    assert_eq!(
        (how, exit, saw.as_str()),
        (How::TimedOut, Some(9), "took longer than 300ms and was stopped, exit status 9: bye")
    );
}

#[tokio::test]
async fn a_prompt_without_a_line_end_is_seen_whole_though_it_ends_like_a_secret() {
    let stage = Stage::of(run("printf 'Password for CAN'; sleep 60")).secret("old", "CANARY-secret-1");
    let (mut world, mut received) = stage.world();
    world.start(perform(), &stage.values);
    let mut seen = String::new();
    while seen != "Password for CAN" {
        match received.recv().await {
            Some(crate::exec::Report::Output { text, .. }) => seen.push_str(&text),
            other => panic!("{seen:?} {other:?}"),
        }
    }
    world.start(Effect::Stop { target: target(), hard: true }, &stage.values);
    assert_eq!(until_input(&mut received).await.outcome().how, How::Stopped);
}

async fn stopped(script: &str, hard: bool) -> (crate::engine::Outcome, Duration) {
    let stage = Stage::of(run(script));
    let (mut world, mut received) = stage.world();
    world.start(perform(), &stage.values);
    // Not before it says that it runs.
    while !matches!(received.recv().await, Some(crate::exec::Report::Output { .. })) {}
    let asked = Instant::now();
    world.start(Effect::Stop { target: target(), hard }, &stage.values);
    (until_input(&mut received).await.outcome().clone(), asked.elapsed())
}

#[tokio::test]
async fn the_operator_stops_it_with_all_its_children() {
    let (outcome, _) = stopped("sleep 61 & echo $!; sleep 62", false).await;
    assert_eq!(
        (outcome.how, outcome.saw.as_str()),
        (How::Stopped, "stopped by the operator, ended by signal 15 (TERM)")
    );
}

#[tokio::test]
async fn what_ignores_a_polite_stop_is_stopped_hard() {
    let (outcome, _) = stopped("trap '' TERM; echo on; while :; do sleep 1; done", true).await;
    assert_eq!(
        (outcome.how, outcome.saw.as_str()),
        (How::Stopped, "stopped by the operator, ended by signal 9 (KILL)")
    );
    let (outcome, took) = stopped("trap '' TERM; echo on; while :; do sleep 1; done", false).await;
    assert_eq!(outcome.saw, "stopped by the operator, ended by signal 9 (KILL)");
    // It was given time to end by itself.
    assert!(took >= Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn what_holds_the_output_open_is_named_and_lives_on() {
    let stage = Stage::of(run(
        "(for turn in $(seq 3000); do if [ -e go ]; then break; fi; sleep 0.02; done; echo late; touch lived) & echo $! > pid; echo started",
    ));
    let given = stage.carry(perform()).await;
    let outcome = given.outcome();
    assert_eq!(outcome.how, How::Ok);
    let pid = std::fs::read_to_string(stage.path("pid")).unwrap();
    let told = format!("started; output still held open by process {} (", pid.trim());
    assert!(outcome.saw.starts_with(&told), "{outcome:?}");
    assert!(stage.transcript("it.1.log").contains("output still held open by process"));
    // It goes on, and its next line does not end it.
    std::fs::write(stage.path("go"), "").unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(1) && !stage.path("lived").exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(stage.path("lived").exists());
}

#[tokio::test]
async fn a_wait_can_be_cut_short_and_a_retry_stopped_before_it_begins() {
    let stage = Stage::of(action(Act::Wait(Duration::from_mins(10))));
    let (mut world, mut received) = stage.world();
    world.start(perform(), &stage.values);
    world.start(Effect::Stop { target: target(), hard: false }, &stage.values);
    let outcome = until_input(&mut received).await.outcome().clone();
    assert_eq!(outcome.how, How::Ok);
    assert!(outcome.saw.starts_with("cut short after"), "{outcome:?}");

    let stage = Stage::of(run("touch ran"));
    let (mut world, mut received) = stage.world();
    world.start(Effect::Perform { target: target(), attempt: 2, after: Duration::from_mins(10) }, &stage.values);
    world.start(Effect::Stop { target: target(), hard: false }, &stage.values);
    assert_eq!(until_input(&mut received).await.outcome().how, How::Stopped);
    assert!(!stage.path("ran").exists());
}

fn followed(script: &str, matches: Option<&str>, enough: bool) -> Action {
    let matches = matches.map(|matches| Regex::new(matches).unwrap());
    match run(script).act {
        Act::Run(spec) => action(Act::Run(RunSpec { manner: Manner::Until(Until { matches, enough }), ..spec })),
        other => panic!("{other:?}"),
    }
}

/// What follows something is stopped at the line, and that is its success; without the line it is none.
#[tokio::test]
async fn a_line_ends_what_goes_on_for_ever() {
    let forever = "echo one; echo ready 42 >&2; echo more; exec sleep 600";
    let cases: &[(&str, How, Option<Seen>, &str)] = &[
        (forever, How::Ok, Some(Seen::Line), "the line came, ended by signal 15 (TERM): ready 42"),
        // What it says of its own being stopped counts for nothing.
        (
            "trap 'exit 3' TERM; echo ready 7; while :; do sleep 0.05; done",
            How::Ok,
            Some(Seen::Line),
            "the line came, exit status 3: ready 7",
        ),
        // A line without an end, then silence.
        (
            "printf 'ready 9'; exec sleep 600",
            How::Ok,
            Some(Seen::Line),
            "the line came, ended by signal 15 (TERM): ready 9",
        ),
        // The line is its last.
        ("printf 'ready 1'; exit 4", How::Ok, Some(Seen::Line), "the line came, exit status 4: ready 1"),
        ("echo ready", How::Failed, None, "exit status 0, and no line matched /ready [0-9]+/: ready"),
        (
            "echo CANARY-it-is >&2; exit 5",
            How::Failed,
            None,
            "exit status 5, and no line matched /ready [0-9]+/: [secret]",
        ),
        (
            "echo ready 5 CANARY-it-is; exec sleep 600",
            How::Ok,
            Some(Seen::Line),
            "the line came, ended by signal 15 (TERM): ready 5 [secret]",
        ),
    ];
    for (script, how, until, saw) in cases {
        let stage = Stage::of(followed(script, Some("ready [0-9]+"), false)).secret("it", "CANARY-it-is");
        let outcome = stage.carry(perform()).await.outcome().clone();
        assert_eq!((outcome.how, outcome.until, outcome.saw.as_str()), (*how, *until, *saw), "{script}");
    }
}

#[tokio::test]
async fn a_line_that_does_not_come_in_time_is_a_failure() {
    let mut action = followed("echo on; exec sleep 600", Some("ready"), true);
    action.timeout = Some(Duration::from_millis(300));
    let outcome = Stage::of(action).carry(perform()).await.outcome().clone();
    assert_eq!((outcome.how, outcome.until), (How::TimedOut, None));
    assert_eq!(
        outcome.saw,
        "took longer than 300ms and was stopped, ended by signal 15 (TERM), and no line matched /ready/: on"
    );
}

#[tokio::test]
async fn the_operators_word_ends_it_well_and_a_stop_does_not() {
    for (effect, how, until, saw) in [
        (
            Effect::Enough { target: target() },
            How::Ok,
            Some(Seen::Enough),
            "the operator had seen enough, ended by signal 15 (TERM)",
        ),
        (
            Effect::Stop { target: target(), hard: false },
            How::Stopped,
            None,
            "stopped by the operator, ended by signal 15 (TERM)",
        ),
    ] {
        let stage = Stage::of(followed("exec sleep 600", Some("ready"), true));
        let (mut world, mut received) = stage.world();
        world.start(perform(), &stage.values);
        world.start(effect, &stage.values);
        let outcome = until_input(&mut received).await.outcome().clone();
        assert_eq!((outcome.how, outcome.until, outcome.saw.as_str()), (how, until, saw));
    }
}
