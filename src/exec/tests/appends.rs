//! Lines appended to files: once, whatever happens in between, and taken away again without what others wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::engine::{Effect, How, Input, Outcome, SavedFile};
use crate::exec::testing::{Stage, action, target};
use crate::playbook::plan::{Act, EditPlace, EditSpec, Given, Name, Part, Put, Template};

fn line(file: &str, line: &str, missing: bool) -> EditSpec {
    let put = Put::Value(Given::Text(Template::literal(line)));
    EditSpec { file: Template::literal(file), place: EditPlace::Append { missing }, put, count: 1 }
}

fn stage(specs: Vec<EditSpec>) -> Stage {
    let stage = Stage::of(action(Act::Edit(specs))).secret("key", "CANARY-key");
    fs::write(stage.path("list.md"), "- [x] one\n- [ ] two").unwrap();
    stage
}

fn read(stage: &Stage) -> String {
    fs::read_to_string(stage.path("list.md")).unwrap()
}

async fn saved(stage: &Stage) -> Vec<SavedFile> {
    match stage.carry(Effect::Save { target: target(), attempt: 1 }).await.inputs.remove(0) {
        Input::Saved { files, .. } => files,
        other => panic!("{other:?}"),
    }
}

async fn edited(stage: &Stage, saved: &[SavedFile]) -> Outcome {
    let edit = Effect::Edit { target: target(), attempt: 1, saved: saved.to_vec() };
    stage.carry(edit).await.outcome().clone()
}

async fn restored(stage: &Stage, files: &[SavedFile]) -> Outcome {
    let restore = Effect::Restore { target: target(), attempt: 1, files: files.to_vec() };
    stage.carry(restore).await.outcome().clone()
}

fn proofs() -> Vec<EditSpec> {
    vec![line("list.md", "- [x] proof", false), line("list.md", "- [x] proof", false), line("list.md", "end", false)]
}

#[tokio::test]
async fn lines_are_put_at_the_end_once_and_taken_away_again() {
    let stage = stage(proofs());
    let files = saved(&stage).await;
    let after = "- [x] one\n- [ ] two\n- [x] proof\n- [x] proof\nend\n";
    for told in ["changed ", "was written by an earlier attempt", "was written by an earlier attempt"] {
        let outcome = edited(&stage, &files).await;
        assert!(outcome.how == How::Ok && outcome.saw.contains(told), "{outcome:?}");
        assert_eq!(read(&stage), after);
    }
    for _ in 0..2 {
        assert_eq!(restored(&stage, &files).await.how, How::Ok);
        assert_eq!(read(&stage), "- [x] one\n- [ ] two");
    }
}

#[tokio::test]
async fn what_others_write_meanwhile_stays() {
    // Each is what the file may be when the step is tried again, and what is left of it after the undo.
    for (found, left) in [
        ("- [x] one\n- [ ] two\n- [x] proof\n- [x] proof\nend\ntheirs\n", "- [x] one\n- [ ] two\ntheirs\n"),
        ("new\n- [x] proof\n- [x] proof\ntheirs\nend\n", "new\ntheirs\n"),
        ("- [x] one\n- [ ] two\ntheirs\n", "- [x] one\n- [ ] two\ntheirs\n"),
    ] {
        let stage = stage(proofs());
        let files = saved(&stage).await;
        fs::write(stage.path("list.md"), found).unwrap();
        let outcome = edited(&stage, &files).await;
        assert_eq!(outcome.how, How::Ok, "{outcome:?}");
        let now = read(&stage);
        assert_eq!((now.matches("- [x] proof\n").count(), now.matches("end\n").count()), (2, 1), "{now}");
        assert!(now.contains("theirs\n"), "{now}");
        let outcome = restored(&stage, &files).await;
        assert_eq!(outcome.how, How::Ok, "{outcome:?}");
        assert_eq!(read(&stage), left);
    }
}

#[tokio::test]
async fn a_line_that_somebody_else_took_out_is_told() {
    let stage = stage(proofs());
    let files = saved(&stage).await;
    edited(&stage, &files).await;
    fs::write(stage.path("list.md"), "all new\nend\n").unwrap();
    let outcome = restored(&stage, &files).await;
    assert_eq!(outcome.how, How::Failed);
    assert!(outcome.saw.contains("list.md was changed by somebody else"), "{outcome:?}");
    assert_eq!(read(&stage), "all new\nend\n");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_made_private_and_removed_again() {
    let stage = stage(vec![line("log", "one", true), line("log", "two", false)]);
    let files = saved(&stage).await;
    for _ in 0..2 {
        let outcome = edited(&stage, &files).await;
        assert_eq!(outcome.how, How::Ok, "{outcome:?}");
        assert_eq!(fs::read_to_string(stage.path("log")).unwrap(), "one\ntwo\n");
        assert_eq!(fs::metadata(stage.path("log")).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    assert_eq!(restored(&stage, &files).await.how, How::Ok);
    assert!(!stage.path("log").exists());

    // What others wrote to it by then stays.
    edited(&stage, &files).await;
    fs::write(stage.path("log"), "one\ntwo\ntheirs\n").unwrap();
    assert_eq!(restored(&stage, &files).await.how, How::Ok);
    assert_eq!(fs::read_to_string(stage.path("log")).unwrap(), "theirs\n");
}

#[tokio::test]
async fn what_cannot_be_appended_is_refused_in_words() {
    let mut secret = line("list.md", "", false);
    secret.put = Put::Value(Given::Text(Template::new(vec![Part::Value(Name::new("word"))])));
    for (spec, value, wrong) in [
        (line("log", "one", false), "", "log is not there"),
        (line("none/log", "one", true), "", "none/log is not there"),
        (secret.clone(), "is CANARY-key", "would have a secret in it"),
        (secret.clone(), "one\ntwo", "would have a line end"),
        (secret, "\u{1b}[2J", "would have a line end or another control character in it"),
    ] {
        let mut stage = stage(vec![spec]);
        stage.values.insert(Name::new("word"), value.to_owned());
        let outcome = edited(&stage, &[]).await;
        assert!(outcome.how == How::Failed && outcome.saw.contains(wrong), "{outcome:?}");
        assert!(!outcome.saw.contains("CANARY"), "{outcome:?}");
        assert_eq!(read(&stage), "- [x] one\n- [ ] two");
        assert!(!stage.path("log").exists());
    }
}

#[tokio::test]
async fn a_file_that_came_meanwhile_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let ready = crate::exec::files::prepare_new(&path, b"ours").unwrap();
    fs::write(&path, "theirs").unwrap();
    assert!(ready.put().unwrap_err().ends_with("log is there already"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
