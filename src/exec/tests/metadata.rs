//! What an edit and a rollback keep of a file beside its bytes, and the shapes that its bytes may have.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use regex::Regex;
use rustix::fs::{XattrFlags, getxattr, setxattr};

use crate::engine::{Effect, How, Input, Outcome, SavedFile};
use crate::exec::testing::{Stage, action, target};
use crate::playbook::plan::{Act, EditPlace, EditSpec, Given, Put, SnapshotSpec, Template};

fn spec(file: &str, place: EditPlace, text: &str) -> EditSpec {
    EditSpec { file: Template::literal(file), place, put: Put::Value(Given::Text(Template::literal(text))), count: 1 }
}

fn stage(file: &str, bytes: &[u8]) -> Stage {
    let place = EditPlace::Match(Regex::new("KEY=(old)").unwrap());
    let stage = Stage::of(action(Act::Edit(vec![spec(file, place, "new")])));
    fs::write(stage.path(file), bytes).unwrap();
    stage
}

async fn saved(stage: &Stage) -> Vec<SavedFile> {
    match stage.carry(Effect::Save { target: target(), attempt: 1 }).await.inputs.remove(0) {
        Input::Saved { files, .. } => files,
        other => panic!("{other:?}"),
    }
}

async fn edited(stage: &Stage) -> Outcome {
    stage.carry(Effect::Edit { target: target(), attempt: 1, saved: Vec::new() }).await.outcome().clone()
}

async fn restored(stage: &Stage, files: Vec<SavedFile>) -> Outcome {
    stage.carry(Effect::Restore { target: target(), attempt: 1, files }).await.outcome().clone()
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 256];
    let length = getxattr(path, name, value.as_mut_slice()).ok()?;
    value.truncate(length);
    Some(value)
}

/// An access list as the kernel keeps it: the owner reads and writes, user 1234 reads, the group reads, others nothing.
fn access_list() -> Vec<u8> {
    let entry = |tag: u16, rights: u16, id: u32| {
        [tag.to_le_bytes().as_slice(), &rights.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let nobody = u32::MAX;
    let entries = [(1, 6, nobody), (2, 4, 1234), (4, 4, nobody), (16, 4, nobody), (32, 0, nobody)];
    let entries = entries.map(|(tag, rights, id)| entry(tag, rights, id)).concat();
    [2_u32.to_le_bytes().as_slice(), &entries].concat()
}

#[tokio::test]
async fn everything_that_a_file_has_is_kept_both_ways() {
    const ACCESS: &str = "system.posix_acl_access";
    let stage = stage("f", b"KEY=old\n");
    let file = stage.path("f");
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&file, Some(1234), Some(4321)).unwrap();
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o6640)).unwrap();
    // A file system without attributes has none to lose.
    let has = setxattr(&file, "user.origin", b"CANARY-made-by-hand", XattrFlags::empty()).is_ok();
    let listed = has && setxattr(&file, ACCESS, &access_list(), XattrFlags::empty()).is_ok();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o6640)).unwrap();
    let about = || {
        let metadata = fs::metadata(&file).unwrap();
        let owner = (metadata.uid(), metadata.gid());
        (metadata.mode(), owner, attribute(&file, "user.origin"), attribute(&file, ACCESS))
    };
    let before = about();
    assert_eq!((before.2.is_some(), before.3.is_some()), (has, listed));
    let files = saved(&stage).await;
    assert_eq!(files[0].attributes.is_some(), has);

    let outcome = edited(&stage).await;
    assert_eq!(outcome.how, How::Ok, "{outcome:?}");
    assert_eq!((fs::read(&file).unwrap(), about()), (b"KEY=new\n".to_vec(), before.clone()));

    // Whatever becomes of it in between.
    fs::remove_file(&file).unwrap();
    fs::write(&file, "KEY=third").unwrap();
    for told in ["put back", "as it was already"] {
        let outcome = restored(&stage, files.clone()).await;
        assert!(outcome.how == How::Ok && outcome.saw.starts_with(told), "{outcome:?}");
        assert_eq!((fs::read(&file).unwrap(), about()), (b"KEY=old\n".to_vec(), before.clone()));
    }
    // What an attribute says is sealed, like the bytes.
    for copy in fs::read_dir(stage.path("snapshots")).unwrap() {
        let bytes = fs::read(copy.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"CANARY"));
    }
}

#[tokio::test]
async fn a_new_file_does_not_take_the_rules_of_its_folder() {
    let stage = stage("f", b"KEY=old");
    if setxattr(stage.folder.path(), "system.posix_acl_default", &access_list(), XattrFlags::empty()).is_err() {
        return; // no access lists here, so no rules
    }
    fs::write(stage.path("other"), "").unwrap();
    assert!(attribute(&stage.path("other"), "system.posix_acl_access").is_some());
    let mode = fs::metadata(stage.path("f")).unwrap().mode();
    assert_eq!(edited(&stage).await.how, How::Ok);
    assert_eq!(attribute(&stage.path("f"), "system.posix_acl_access"), None);
    assert_eq!(fs::metadata(stage.path("f")).unwrap().mode(), mode);
}

#[tokio::test]
async fn links_stay_and_come_back() {
    let stage = stage("f", b"unused");
    fs::create_dir_all(stage.path("real/deep")).unwrap();
    fs::rename(stage.path("f"), stage.path("real/deep/f")).unwrap();
    fs::write(stage.path("real/deep/f"), "KEY=old").unwrap();
    symlink("deep/f", stage.path("real/inner")).unwrap();
    symlink("real/inner", stage.path("f")).unwrap();
    let links = || ["f", "real/inner"].map(|name| fs::read_link(stage.path(name)).ok());
    let before = links();
    let files = saved(&stage).await;
    assert_eq!(edited(&stage).await.how, How::Ok);
    assert_eq!(fs::read(stage.path("real/deep/f")).unwrap(), b"KEY=new");
    assert_eq!(links(), before);

    // As `sed -i` does: a file takes the place of the link.
    fs::remove_file(stage.path("f")).unwrap();
    fs::write(stage.path("f"), "KEY=third").unwrap();
    fs::remove_file(stage.path("real/inner")).unwrap();
    let outcome = restored(&stage, files).await;
    assert_eq!(outcome.how, How::Ok, "{outcome:?}");
    assert_eq!(links(), before);
    assert_eq!(fs::read(stage.path("f")).unwrap(), b"KEY=old");
}

/// What a step made behind a link goes, and the link stays.
#[tokio::test]
async fn a_file_that_came_behind_a_link_goes_again() {
    let copy = SnapshotSpec { file: Template::literal("way"), missing: true };
    let stage = Stage::of(action(Act::Snapshot(vec![copy])));
    symlink("made", stage.path("way")).unwrap();
    let files = saved(&stage).await;
    fs::write(stage.path("way"), "came").unwrap();
    let outcome = restored(&stage, files).await;
    assert_eq!(outcome.how, How::Ok, "{outcome:?}");
    assert!(!stage.path("made").exists());
    assert_eq!(fs::read_link(stage.path("way")).unwrap(), Path::new("made"));
}

#[tokio::test]
async fn other_names_stay_when_a_file_is_put_back() {
    let copy = SnapshotSpec { file: Template::literal("f"), missing: false };
    let stage = Stage::of(action(Act::Snapshot(vec![copy])));
    fs::write(stage.path("f"), "old").unwrap();
    fs::hard_link(stage.path("f"), stage.path("same")).unwrap();
    let files = saved(&stage).await;
    fs::write(stage.path("same"), "changed in place").unwrap();
    assert_eq!(restored(&stage, files).await.how, How::Ok);
    assert_eq!(fs::read(stage.path("same")).unwrap(), b"old");
    assert_eq!(fs::metadata(stage.path("f")).unwrap().nlink(), 2);
}

/// A program that runs is never written over but replaced, so the system has nothing against it.
#[tokio::test]
async fn a_program_that_runs_is_put_back() {
    let copy = SnapshotSpec { file: Template::literal("program"), missing: false };
    let stage = Stage::of(action(Act::Snapshot(vec![copy])));
    let program = stage.path("program");
    fs::copy("/bin/cat", &program).unwrap();
    let files = saved(&stage).await;
    let bytes = fs::read(&program).unwrap();
    fs::write(&program, [bytes.as_slice(), b"more"].concat()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a program that is itself the file")]
    let mut child = Command::new(&program).stdin(Stdio::piped()).spawn().unwrap();
    let busy = fs::OpenOptions::new().write(true).open(&program).unwrap_err();
    assert_eq!(busy.kind(), std::io::ErrorKind::ExecutableFileBusy);
    let outcome = restored(&stage, files).await;
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(outcome.how, How::Ok, "{outcome:?}");
    assert_eq!(fs::read(&program).unwrap(), bytes);
}

#[tokio::test]
async fn text_of_any_shape_stays_as_it_is_around_the_change() {
    let long = format!("{}KEY=old{}", "# a line\r\n".repeat(600_000), "\r\n# more".repeat(600_000));
    for text in ["KEY=old", "\u{feff}KEY=old\r\nB=1\r\n", "a\r\nKEY=old\r\n\r\n", "a\0b\nKEY=old\n\u{202e}x\r", &long] {
        let stage = stage("f", text.as_bytes());
        let files = saved(&stage).await;
        let outcome = edited(&stage).await;
        assert_eq!(outcome.how, How::Ok, "{outcome:?}");
        assert!(fs::read(stage.path("f")).unwrap() == text.replace("KEY=old", "KEY=new").as_bytes());
        assert_eq!(restored(&stage, files).await.how, How::Ok);
        assert!(fs::read(stage.path("f")).unwrap() == text.as_bytes());
    }
    let stage = Stage::of(action(Act::Edit(vec![spec("f", EditPlace::Dotenv("KEY".to_owned()), "new")])));
    for (text, new) in
        [("\u{feff}KEY=old\r\nB=1\r\n", "\u{feff}KEY=new\r\nB=1\r\n"), ("export KEY='old'", "export KEY='new'")]
    {
        fs::write(stage.path("f"), text).unwrap();
        let outcome = edited(&stage).await;
        assert_eq!(outcome.how, How::Ok, "{outcome:?}");
        assert_eq!(fs::read_to_string(stage.path("f")).unwrap(), new);
    }
}

#[tokio::test]
async fn what_cannot_be_changed_safely_is_refused_in_words() {
    for (bytes, why) in [
        (&b"KEY=old\n\xff\xfe"[..], "f: line 2 is not UTF-8 text"),
        (b"", "f: expected 1 place that KEY=(old) matches, there is none"),
        (b"KEY=old KEY=old", "there are 2, in lines 1 and 1"),
    ] {
        let stage = stage("f", bytes);
        let outcome = edited(&stage).await;
        assert!(outcome.how == How::Failed && outcome.saw.contains(why), "{outcome:?}");
        assert_eq!(fs::read(stage.path("f")).unwrap(), bytes);
        assert_eq!(fs::read_dir(stage.folder.path()).unwrap().count(), 3);
    }
    let stage = stage("f", b"KEY=old");
    #[expect(clippy::disallowed_methods, reason = "a tool of the file system")]
    let chattr = |sign: &str, path: &Path| Command::new("chattr").arg(sign).arg(path).stderr(Stdio::null()).status();
    for marked in [stage.path("f"), stage.folder.path().to_owned()] {
        if chattr("+i", &marked).is_ok_and(|status| status.success()) {
            let outcome = edited(&stage).await;
            let cleared = chattr("-i", &marked).is_ok_and(|status| status.success());
            assert!(cleared && outcome.saw.contains("is marked as not to be changed"), "{outcome:?}");
            assert_eq!(fs::read(stage.path("f")).unwrap(), b"KEY=old");
        }
    }
}
