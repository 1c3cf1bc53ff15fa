//! Edits, sealed copies and putting back, on real files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use regex::Regex;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::engine::{Effect, How, Input, Outcome, Run, SavedFile};
use crate::exec::testing::{Stage, action, target, until_input};
use crate::exec::{Executor, Report, World};
use crate::playbook::plan::{Act, EditPlace, EditSpec, Given, Name, Put, SnapshotSpec, Template};

const ENV: &str =
    "# keep\nexport DATABASE_URL='postgres://doadmin:CANARY-o%40d@db:25060/d' # main\nOTHER=CANARY-other\n";
const CONFIG: &str = "a: 'postgres://doadmin:CANARY-o%40d@db/d',\nNODE_TLS_REJECT_UNAUTHORIZED: \"0\"\n";

fn url(file: &str, place: EditPlace) -> EditSpec {
    EditSpec { file: Template::literal(file), place, put: Put::UrlPassword(Name::new("new")), count: 1 }
}

fn text(file: &str, pattern: &str, text: &str, count: usize) -> EditSpec {
    let put = Put::Value(Given::Text(Template::literal(text)));
    EditSpec { file: Template::literal(file), place: EditPlace::Match(Regex::new(pattern).unwrap()), put, count }
}

fn rotation() -> Vec<EditSpec> {
    vec![
        url(".env", EditPlace::Dotenv("DATABASE_URL".to_owned())),
        url("config.js", EditPlace::Match(Regex::new("postgres://doadmin:([^@]+)@").unwrap())),
        text("config.js", "UNAUTHORIZED: \"(0)\"", "1", 1),
    ]
}

fn stage(specs: Vec<EditSpec>) -> Stage {
    let stage = Stage::of(action(Act::Edit(specs))).secret("new", "CANARY-$n'w");
    fs::create_dir(stage.path("real")).unwrap();
    fs::write(stage.path("real/.env"), ENV).unwrap();
    fs::set_permissions(stage.path("real/.env"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real/.env", stage.path(".env")).unwrap();
    fs::write(stage.path("config.js"), CONFIG).unwrap();
    stage
}

async fn previewed(stage: &Stage) -> Result<String, String> {
    let (mut world, mut received) = stage.world();
    shown(stage, &mut world, &mut received, &[]).await
}

/// Has a diff worked out in a run that has these sealed copies.
async fn shown(
    stage: &Stage,
    world: &mut World,
    received: &mut UnboundedReceiver<Report>,
    saved: &[SavedFile],
) -> Result<String, String> {
    let mut run = Run::new(&stage.plan);
    run.values = stage.values.clone();
    run.steps[0].saved = saved.to_vec();
    world.preview(target(), &run);
    match received.recv().await {
        Some(Report::Preview { diff, .. }) => diff,
        other => panic!("{other:?}"),
    }
}

/// Carries the edit out, as an attempt for which there are these sealed copies.
async fn edited(stage: &Stage, saved: &[SavedFile]) -> Outcome {
    stage.carry(edit(saved)).await.outcome().clone()
}

fn edit(saved: &[SavedFile]) -> Effect {
    Effect::Edit { target: target(), attempt: 1, saved: saved.to_vec() }
}

async fn saved(stage: &Stage, attempt: u32) -> Vec<SavedFile> {
    match stage.carry(Effect::Save { target: target(), attempt }).await.inputs.remove(0) {
        Input::Saved { files, .. } => files,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_rotation_of_two_files_is_shown_done_and_undone() {
    let stage = stage(rotation());
    let diff = previewed(&stage).await.unwrap();
    assert!(!diff.contains("CANARY") && !diff.contains("OTHER"), "{diff}");
    assert!(diff.contains("-export DATABASE_URL='postgres://doadmin:[secret]@db:25060/d' # main\n"), "{diff}");
    assert!(diff.contains("+NODE_TLS_REJECT_UNAUTHORIZED: \"1\"\n"), "{diff}");

    let files = saved(&stage, 1).await;
    assert_eq!(files.len(), 2);
    let outcome = edited(&stage, &files).await;
    assert_eq!(outcome.how, How::Ok, "{outcome:?}");
    let new = |old: &str| old.replace("CANARY-o%40d", "CANARY-%24n%27w").replace("\"0\"", "\"1\"");
    assert_eq!(fs::read_to_string(stage.path("real/.env")).unwrap(), new(ENV));
    assert_eq!(fs::read_to_string(stage.path("config.js")).unwrap(), new(CONFIG));
    assert!(fs::symlink_metadata(stage.path(".env")).unwrap().is_symlink());
    let mode = || fs::metadata(stage.path(".env")).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(), 0o640);
    // The old password is out of sight from now on, in both spellings.
    assert_eq!(stage.scene().mask("CANARY-o@d CANARY-o%40d"), "[secret] [secret]");

    let restore = || Effect::Restore { target: target(), attempt: 1, files: files.clone() };
    fs::set_permissions(stage.path(".env"), fs::Permissions::from_mode(0o600)).unwrap();
    for _ in 0..2 {
        let given = stage.carry(restore()).await;
        assert_eq!(given.outcome().how, How::Ok, "{given:?}");
        assert_eq!(fs::read_to_string(stage.path("real/.env")).unwrap(), ENV);
        assert_eq!(fs::read_to_string(stage.path("config.js")).unwrap(), CONFIG);
        assert_eq!(mode(), 0o640);
    }
}

#[tokio::test]
async fn nothing_is_written_when_one_edit_does_not_find_what_it_expects() {
    for (spec, wrong) in [
        (text("config.js", "nothing", "x", 1), "config.js: expected 1 place that nothing matches, there is none"),
        (text("config.js", "a", "x", 9), "config.js: expected 9 places that a matches, there are 2, in lines 1 and 1"),
        (text("nowhere", "a", "x", 1), "nowhere is not there"),
        (
            url("config.js", EditPlace::Match(Regex::new("UNAUTHORIZED").unwrap())),
            "line 2: expected a URL with a password",
        ),
        (
            url(".env", EditPlace::Dotenv("OTHER".to_owned())),
            ".env: line 3: expected a URL with a password, there is none",
        ),
        (url(".env", EditPlace::Dotenv("MISSING".to_owned())), ".env: there is no MISSING="),
    ] {
        let stage = stage(rotation().into_iter().chain([spec]).collect());
        let outcome = edited(&stage, &[]).await;
        assert_eq!(outcome.how, How::Failed);
        assert!(outcome.saw.contains(wrong), "{}", outcome.saw);
        assert_eq!(fs::read_to_string(stage.path(".env")).unwrap(), ENV);
        assert_eq!(fs::read_to_string(stage.path("config.js")).unwrap(), CONFIG);
    }
}

#[tokio::test]
async fn a_value_that_its_quotes_cannot_hold_is_refused() {
    let put = Put::Value(Given::Secret(Name::new("new")));
    let place = EditPlace::Dotenv("DATABASE_URL".to_owned());
    let stage = stage(vec![EditSpec { file: Template::literal(".env"), place, put, count: 1 }]);
    let saw = edited(&stage, &[]).await.saw;
    assert!(saw.contains("line 2: the new value has ' or \\ in single quotes") && !saw.contains("CANARY"), "{saw}");
}

#[tokio::test]
async fn a_file_that_is_not_text_or_has_two_names_is_refused() {
    let stage = stage(vec![text("config.js", "a", "x", 1)]);
    fs::write(stage.path("config.js"), b"ok\n\xff\n").unwrap();
    let saw = edited(&stage, &[]).await.saw;
    assert!(saw.ends_with("config.js: line 2 is not UTF-8 text"), "{saw}");
    fs::write(stage.path("config.js"), b"a").unwrap();
    fs::hard_link(stage.path("config.js"), stage.path("same.js")).unwrap();
    let saw = edited(&stage, &[]).await.saw;
    assert!(saw.contains("has 2 names"), "{saw}");
}

#[tokio::test]
async fn a_snapshot_keeps_bytes_sealed_and_older_copies_stay() {
    let file = |name: &str, missing| SnapshotSpec { file: Template::literal(name), missing };
    let stage = Stage::of(action(Act::Snapshot(vec![file("bin", false), file("later", true), file("bin", false)])));
    let bytes: Vec<u8> = b"CANARY-".iter().copied().chain(0..=255).collect();
    fs::write(stage.path("bin"), &bytes).unwrap();
    let files = saved(&stage, 1).await;
    assert_eq!(files.iter().map(|file| file.copy.as_deref()).collect::<Vec<_>>(), [Some("it.1.1.age"), None]);
    let copy = stage.path("snapshots/it.1.1.age");
    let sealed = fs::read(&copy).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1") && !sealed.windows(6).any(|part| part == b"CANARY"));
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);

    fs::write(stage.path("bin"), "changed").unwrap();
    fs::write(stage.path("later"), "came").unwrap();
    saved(&stage, 1).await;
    saved(&stage, 2).await;
    assert_eq!(fs::read(&copy).unwrap(), sealed);
    assert_eq!(fs::read_dir(stage.path("snapshots")).unwrap().count(), 5);

    fs::remove_file(stage.path("bin")).unwrap();
    for _ in 0..2 {
        let given = stage.carry(Effect::Restore { target: target(), attempt: 1, files: files.clone() }).await;
        assert_eq!(given.outcome().how, How::Ok, "{given:?}");
        assert_eq!(fs::read(stage.path("bin")).unwrap(), bytes);
        assert!(!stage.path("later").exists());
    }
}

#[tokio::test]
async fn a_snapshot_of_nothing_and_a_damaged_copy_are_told() {
    let file = SnapshotSpec { file: Template::literal("bin"), missing: false };
    let stage = Stage::of(action(Act::Snapshot(vec![file])));
    let given = stage.carry(Effect::Save { target: target(), attempt: 1 }).await;
    assert!(given.outcome().saw.ends_with("/bin is not there"), "{given:?}");
    fs::write(stage.path("bin"), "was").unwrap();
    let files = saved(&stage, 1).await;
    fs::write(stage.path("bin"), "is").unwrap();
    fs::write(stage.path("snapshots/it.1.1.age"), "junk").unwrap();
    let given = stage.carry(Effect::Restore { target: target(), attempt: 1, files }).await;
    assert_eq!(given.outcome().how, How::Failed);
    assert!(given.outcome().saw.contains("bin was not put back: its copy"), "{given:?}");
    assert_eq!(fs::read_to_string(stage.path("bin")).unwrap(), "is");
}

/// What is written by an attempt that was killed then counts as done when it is tried again; each file on its own.
#[tokio::test]
async fn an_edit_that_was_written_before_the_interruption_is_known() {
    let new = |old: &str| old.replace("CANARY-o%40d", "CANARY-%24n%27w").replace("\"0\"", "\"1\"");
    for written in [&[".env"][..], &["config.js"], &[".env", "config.js"], &[]] {
        let stage = stage(rotation());
        let files = saved(&stage, 1).await;
        for (name, old) in [("real/.env", ENV), ("config.js", CONFIG)] {
            if written.iter().any(|written| name.ends_with(written)) {
                fs::write(stage.path(name), new(old)).unwrap();
            }
        }
        let (mut world, mut received) = stage.world();
        let diff = shown(&stage, &mut world, &mut received, &files).await.unwrap();
        let told = "(as it should be already: written by an earlier attempt)";
        assert_eq!(diff.matches(told).count(), written.len(), "{diff}");
        world.start(edit(&files), &stage.values);
        let outcome = until_input(&mut received).await.outcome().clone();
        assert_eq!(outcome.how, How::Ok, "{outcome:?}");
        assert_eq!(outcome.saw.contains("was written by an earlier attempt"), !written.is_empty(), "{outcome:?}");
        assert_eq!(outcome.saw.contains("changed "), written.len() < 2, "{outcome:?}");
        assert_eq!(fs::read_to_string(stage.path(".env")).unwrap(), new(ENV));
        assert_eq!(fs::read_to_string(stage.path("config.js")).unwrap(), new(CONFIG));

        // The first copies are of the state before the first attempt, whatever was saved later.
        saved(&stage, 2).await;
        let given = stage.carry(Effect::Restore { target: target(), attempt: 1, files }).await;
        assert_eq!(given.outcome().how, How::Ok, "{given:?}");
        assert_eq!(fs::read_to_string(stage.path(".env")).unwrap(), ENV);
        assert_eq!(fs::read_to_string(stage.path("config.js")).unwrap(), CONFIG);
    }
}

#[tokio::test]
async fn a_file_that_neither_was_so_nor_became_so_is_refused() {
    let stage = stage(rotation());
    let files = saved(&stage, 1).await;
    let other = CONFIG.replace("\"0\"", "\"1\"") + "// somebody else\n";
    fs::write(stage.path("config.js"), &other).unwrap();
    let outcome = edited(&stage, &files).await;
    assert_eq!(outcome.how, How::Failed);
    assert!(outcome.saw.contains("config.js: expected 1 place that"), "{}", outcome.saw);
    assert!(outcome.saw.contains("neither as it was before the first attempt nor"), "{}", outcome.saw);
    assert_eq!(fs::read_to_string(stage.path("config.js")).unwrap(), other);
    assert_eq!(fs::read_to_string(stage.path(".env")).unwrap(), ENV);

    // Put right by hand, it is changed as it is now.
    fs::write(stage.path("config.js"), format!("{CONFIG}// somebody else\n")).unwrap();
    assert_eq!(edited(&stage, &files).await.how, How::Ok);
    assert_eq!(fs::read_to_string(stage.path("config.js")).unwrap(), other.replace("CANARY-o%40d", "CANARY-%24n%27w"));

    // A copy that cannot be opened is told.
    fs::write(stage.path("snapshots/it.1.2.age"), "junk").unwrap();
    let outcome = edited(&stage, &files).await;
    assert!(outcome.saw.contains("whether an earlier attempt wrote it is not known: its copy"), "{}", outcome.saw);
}

#[tokio::test]
async fn only_what_was_shown_is_written() {
    let stage = stage(rotation());
    let (mut world, mut received) = stage.world();
    shown(&stage, &mut world, &mut received, &[]).await.unwrap();
    let theirs = format!("{CONFIG}// somebody else\n");
    fs::write(stage.path("config.js"), &theirs).unwrap();
    for _ in 0..2 {
        world.start(edit(&[]), &stage.values);
        let outcome = until_input(&mut received).await.outcome().clone();
        assert_eq!(outcome.how, How::Failed);
        assert!(outcome.saw.contains("config.js was changed since its diff was shown"), "{}", outcome.saw);
        assert_eq!(fs::read_to_string(stage.path("config.js")).unwrap(), theirs);
        assert_eq!(fs::read_to_string(stage.path(".env")).unwrap(), ENV);
    }
    // One that could not be shown is not carried out unseen when it can be.
    fs::write(stage.path("config.js"), "nothing").unwrap();
    shown(&stage, &mut world, &mut received, &[]).await.unwrap_err();
    fs::write(stage.path("config.js"), &theirs).unwrap();
    world.start(edit(&[]), &stage.values);
    let outcome = until_input(&mut received).await.outcome().clone();
    assert!(outcome.saw.contains("could not be shown before"), "{}", outcome.saw);

    shown(&stage, &mut world, &mut received, &[]).await.unwrap();
    world.start(edit(&[]), &stage.values);
    assert_eq!(until_input(&mut received).await.outcome().how, How::Ok);
    assert!(fs::read_to_string(stage.path("config.js")).unwrap().ends_with("\"1\"\n// somebody else\n"));
}

#[tokio::test]
async fn what_a_killed_edit_left_is_swept_by_resume_and_by_the_end() {
    let stage = stage(rotation());
    let left = ["real/.runsheet-left", ".runsheet-left"].map(|name| stage.path(name));
    let (mut world, _received) = stage.world();
    let leave = || left.iter().for_each(|path| fs::write(path, "CANARY-half").unwrap());
    leave();
    assert!(world.recover(&target(), 1, &stage.values).is_none());
    assert!(left.iter().all(|path| !path.exists()), "where the run goes on");
    leave();
    world.start(Effect::Close, &stage.values);
    assert!(left.iter().all(|path| !path.exists()), "where the run is closed");
    assert_eq!(fs::read_to_string(stage.path("real/.env")).unwrap(), ENV);
}
