//! Made secrets, sources of inputs, temporary files, closing, and the dry run.

use std::fs;

use crate::engine::{Effect, How, Input};
use crate::exec::testing::{Stage, action, perform, run, script, target, template, until_input};
use crate::exec::{DryRun, Executor, Report, resolve};
use crate::playbook::plan::{
    Act, EditPlace, EditSpec, Encoding, Generate, GenerateSpec, Name, Put, Source, Template, UrlPart,
};

#[tokio::test]
async fn a_made_secret_is_in_the_vault_when_it_is_told() {
    let how = Generate::Bytes { bytes: 16, encoding: Encoding::Hex };
    let stage = Stage::of(action(Act::Generate(vec![GenerateSpec { name: Name::new("key"), how }])));
    let given = stage.carry(perform()).await;
    assert_eq!((given.outcome().saw.as_str(), &given.outcome().secrets), ("made key", &vec![Name::new("key")]));
    assert_eq!(stage.secrets.get("key").unwrap().expose().len(), 32);
    assert!(stage.path("vault.age").exists());
}

#[tokio::test]
async fn captures_are_fetched_again() {
    let mut stage = Stage::of(run("exit 1"));
    let how = crate::playbook::plan::CaptureHow::Whole;
    stage.plan.steps[0].action.capture =
        vec![crate::playbook::plan::Capture { name: Name::new("new"), how, secret: true }];
    stage.plan.steps[0].recapture = Some(run("echo CANARY-again"));
    let given = stage.carry(Effect::Recapture { step: target().step }).await;
    assert_eq!(given.outcome().secrets, [Name::new("new")]);
    assert_eq!(stage.secrets.get("new").unwrap().expose(), "CANARY-again");
    assert_eq!(stage.transcript("it.recapture.log"), "[secret]\n");
}

#[tokio::test]
async fn inputs_are_taken_from_where_they_are() {
    let stage = Stage::of(run("true")).value("root", "app");
    fs::create_dir(stage.path("app")).unwrap();
    fs::write(stage.path("app/.env"), "URL=\"rediss://u:p%40%2Fs@h.example/7\"\nE=\n").unwrap();
    fs::write(stage.path("app/key"), "CANARY-key \r\n").unwrap();
    let scene = stage.scene();
    let taken = async |source: Source| resolve(&source, &scene).await.map(|secret| secret.expose().to_owned());
    let dotenv = |key: &str, part| Source::Dotenv { file: template("", "root", "/.env"), key: key.to_owned(), part };
    for (part, wanted) in [
        (Some(UrlPart::Password), Ok("p@/s".to_owned())),
        (Some(UrlPart::User), Ok("u".to_owned())),
        (Some(UrlPart::Host), Ok("h.example".to_owned())),
        (Some(UrlPart::Database), Ok("7".to_owned())),
        (None, Ok("rediss://u:p%40%2Fs@h.example/7".to_owned())),
    ] {
        assert_eq!(taken(dotenv("URL", part)).await, wanted);
    }
    assert!(taken(dotenv("URL", Some(UrlPart::Port))).await.unwrap_err().ends_with("URL: the URL there has no port"));
    assert_eq!(taken(dotenv("E", None)).await.unwrap_err(), "it is empty there");
    assert_eq!(taken(Source::File(Template::literal("app/key"))).await.as_deref(), Ok("CANARY-key "));
    assert_eq!(taken(Source::Run(script("echo ' x '"))).await.as_deref(), Ok("x"));
    assert_eq!(
        taken(Source::Run(script("echo hidden; echo no such thing >&2; exit 4"))).await.unwrap_err(),
        "exit status 4: no such thing"
    );
    assert_eq!(
        taken(Source::Env("RUNSHEET_TEST_UNSET".to_owned())).await.unwrap_err(),
        "the variable RUNSHEET_TEST_UNSET is not set"
    );
}

#[tokio::test]
async fn temporary_files_go_and_what_stays_is_told() {
    let mut stage = Stage::of(run("true"));
    fs::write(stage.path("one"), "x").unwrap();
    fs::create_dir(stage.path("two")).unwrap();
    stage.plan.temporary =
        vec![Template::literal("one"), Template::literal("two"), Template::literal("none"), template("", "unset", "")];
    match stage.carry(Effect::RemoveTemporary).await.inputs.remove(0) {
        Input::TemporaryRemoved { removed, left } => {
            assert_eq!(removed, [stage.path("one").display().to_string()]);
            assert_eq!(left.len(), 1);
            assert!(left[0].0.ends_with("/two"), "{left:?}");
        }
        other => panic!("{other:?}"),
    }
    assert!(!stage.path("one").exists());
}

#[tokio::test]
async fn closing_deletes_the_vault() {
    let stage = Stage::of(run("true")).secret("s", "CANARY-s");
    assert!(stage.path("vault.age").exists());
    let (mut world, _received) = stage.world();
    world.start(Effect::Close, &stage.values);
    assert!(!stage.path("vault.age").exists());
}

#[tokio::test]
async fn a_dry_run_reads_and_changes_nothing() {
    let carry = async |stage: &Stage| {
        let (setting, mut received) = stage.setting();
        let mut dry = DryRun::new(setting);
        dry.start(perform(), &stage.values);
        until_input(&mut received).await.outcome().clone()
    };
    let mut stage = Stage::of(run("touch ran; echo said"));
    assert_eq!(carry(&stage).await.saw, "dry run: not carried out");
    assert!(!stage.path("ran").exists());
    stage.plan.steps[0].read_only = true;
    assert_eq!(carry(&stage).await.saw, "said");
    assert_eq!(fs::read_dir(stage.path("transcript")).unwrap().count(), 0);
    let mut stage = Stage::of(run("echo \"$LATER\""));
    stage.name("later", false);
    stage.plan.steps[0].read_only = true;
    assert_eq!(carry(&stage).await.saw, "dry run: not carried out: it needs later, which a dry run does not get");
}

#[tokio::test]
async fn a_dry_run_shows_the_diff_with_names_for_what_is_not_there() {
    let place = EditPlace::Dotenv("URL".to_owned());
    let put = Put::UrlPassword(Name::new("new"));
    let stage = Stage::of(action(Act::Edit(vec![EditSpec { file: Template::literal(".env"), place, put, count: 1 }])));
    let text = "URL=postgres://u:CANARY-old@h/d\n";
    fs::write(stage.path(".env"), text).unwrap();
    let (setting, mut received) = stage.setting();
    let mut dry = DryRun::new(setting);
    dry.start(Effect::Save { target: target(), attempt: 1 }, &stage.values);
    assert!(matches!(until_input(&mut received).await.inputs[0], Input::Saved { .. }));
    dry.start(Effect::Edit { target: target(), attempt: 1, saved: Vec::new() }, &stage.values);
    let (mut diff, mut how) = (None, None);
    while diff.is_none() || how.is_none() {
        match received.recv().await.unwrap() {
            Report::Preview { diff: shown, .. } => diff = Some(shown.unwrap()),
            Report::Input(Input::Performed { outcome, .. }) => how = Some(outcome.how),
            other => panic!("{other:?}"),
        }
    }
    let diff = diff.unwrap();
    assert_eq!(how, Some(How::Ok));
    assert!(diff.contains("-URL=postgres://u:[secret]@h/d") && !diff.contains("CANARY"), "{diff}");
    assert_eq!(fs::read_to_string(stage.path(".env")).unwrap(), text);
    assert_eq!(fs::read_dir(stage.path("snapshots")).unwrap().count(), 0);
}
