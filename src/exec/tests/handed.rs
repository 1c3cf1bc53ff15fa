//! Files and descriptors with secrets in them, as the program that is given them sees them.

use std::path::PathBuf;

use crate::engine::{Effect, How};
use crate::exec::testing::{Given, Stage, action, perform, script, target};
use crate::exec::{Executor, Report};
use crate::playbook::plan::{
    Act, Capture, CaptureHow, Content, Escape, Name, Part, Program, RunSpec, Template, Variable,
};

/// A text with a value, `:`, and a secret in it.
fn content(escape: Escape) -> Content {
    let value = |name: &str| Part::Value(Name::new(name));
    Content { text: Template::new(vec![value("host"), Part::Text(":".to_owned()), value("password")]), escape }
}

const PASSWORD: &str = "CANARY-a:b\\c\"d e";

fn stage(script_text: &str) -> Stage {
    let spec = RunSpec {
        env: vec![
            ("A_FILE".to_owned(), Variable::File(content(Escape::Pgpass))),
            ("OTHER".to_owned(), Variable::File(content(Escape::None))),
            ("A_DESCRIPTOR".to_owned(), Variable::Descriptor(content(Escape::Quoted))),
        ],
        ..script(script_text)
    };
    let mut action = action(Act::Run(spec));
    action.capture = vec![Capture { name: Name::new("all"), how: CaptureHow::Whole, secret: true }];
    Stage::of(action).value("host", "db.example").secret("password", PASSWORD)
}

async fn all(stage: &Stage) -> (Given, Vec<String>) {
    let given = stage.carry(perform()).await;
    let all = stage.secrets.get("all").map(|all| all.expose().lines().map(str::to_owned).collect());
    (given, all.unwrap_or_default())
}

#[tokio::test]
async fn a_program_reads_them_and_finds_them_gone_when_it_ends() {
    let stage = stage(
        "echo \"$A_FILE\"; stat -c %a \"$A_FILE\"; stat -c %a \"${A_FILE%/*}\"; cat \"$A_FILE\"; echo; cat \"$OTHER\"; echo
         cat \"$A_DESCRIPTOR\"; echo; cat \"$A_DESCRIPTOR\"; echo; echo \"$A_DESCRIPTOR\"; stat -f -c %T \"$A_FILE\"",
    );
    let (given, all) = all(&stage).await;
    assert_eq!(given.outcome().how, How::Ok, "{given:?}");
    let path = PathBuf::from(&all[0]);
    assert!(path.is_absolute() && !path.exists() && !path.parent().unwrap().exists(), "{}", path.display());
    let quoted = "db.example:CANARY-a:b\\\\c\\\"d e";
    assert_eq!(
        all[1..7],
        ["600", "700", "db.example:CANARY-a\\:b\\\\c\"d e", &format!("db.example:{PASSWORD}"), quoted, quoted]
    );
    assert!(all[7].starts_with("/dev/fd/"), "{}", all[7]);
    assert_eq!(all[8], "tmpfs");
    assert!(!given.output.contains("CANARY"), "{given:?}");
}

#[tokio::test]
async fn a_program_has_the_descriptors_that_it_was_given_and_no_other() {
    // No pipeline, whose pipes the shell would have open; and not last, or the shell would become the program.
    let stage = stage("echo \"${A_DESCRIPTOR##*/}\"; ls -v /proc/$$/fd; true");
    let (_, all) = all(&stage).await;
    assert_eq!(all[1..], ["0", "1", "2", &all[0]], "{all:?}");
}

/// Also by the program that changes the folder first.
#[tokio::test]
async fn a_program_in_another_folder_has_them_too() {
    let mut stage = stage("pwd; cat \"$A_DESCRIPTOR\"");
    let Act::Run(spec) = &mut stage.plan.steps[0].action.act else { panic!("a command") };
    spec.cwd = Some(Template::literal("/"));
    let (_, all) = all(&stage).await;
    assert_eq!(all, ["/", "db.example:CANARY-a:b\\\\c\\\"d e"]);
}

#[tokio::test]
async fn what_is_stopped_leaves_no_file() {
    let mut stage = stage("echo \"$A_FILE\"; exec sleep 600");
    stage.plan.steps[0].action.capture.clear();
    let (mut world, mut received) = stage.world();
    world.start(perform(), &stage.values);
    let mut path = String::new();
    while !path.ends_with('\n') {
        if let Report::Output { text, .. } = received.recv().await.unwrap() {
            path.push_str(&text);
        }
    }
    let path = PathBuf::from(path.trim());
    assert!(path.exists());
    world.start(Effect::Stop { target: target(), hard: true }, &stage.values);
    crate::exec::testing::until_input(&mut received).await;
    assert!(!path.parent().unwrap().exists());
}

#[tokio::test]
async fn what_has_no_value_starts_nothing() {
    let mut stage = stage("touch started");
    stage.values.clear();
    let Act::Run(spec) = &mut stage.plan.steps[0].action.act else { panic!("a command") };
    assert!(matches!(spec.program, Program::Script { .. }));
    let given = stage.carry(perform()).await;
    assert_eq!(given.outcome().how, How::Failed);
    assert!(given.outcome().saw.contains("host has no value"), "{given:?}");
    assert!(!stage.path("started").exists());
}
