//! Edits that would be refused are refused before the point of no return, by the built program: mounts, rights, links, texts;
//! and what the operator was shown is what is written.

#![expect(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use runsheet::playbook::check;
use tempfile::TempDir;

use crate::support::desk::{Called, Desk, PROGRAM, brief, called};
use crate::support::operator::Operator;
use crate::support::terminal::Terminal;

/// A reset that cannot be taken back, by the program or by hand; then an edit of what the reset gave.
const PLAYBOOK: &str = "
runsheet: 1
title: Rotate a key
phases:
  - title: Change
    steps:
      - id: keep
        title: Keep a copy
        snapshot: [keys.env]
      - id: reset
        title: Reset the key
        RESET
        irreversible: The old key is gone.
        rollback: [{ run: echo forward }]
      - id: write
        title: Write the key
        edit: [{ file: keys.env, dotenv: KEY, value: { secret: key } }]
      - id: switch
        title: Switch it on
        edit: [{ file: keys.env, match: 'ON=(0)', replace: '1' }]
";
const BY_PROGRAM: &str = "run: 'echo reset >> done; echo CANARY-new'\n        capture: { key: { secret: true } }";
const BY_HAND: &str = "manual: Press the button.\n        ask: { key: { type: secret, min_length: 6 } }";
/// Nobody: somebody who is not root.
const WHO: u32 = 65_534;
const TEXT: &str = "KEY=CANARY-old\nON=0\n";

/// What is done to a file, or around it, so that it cannot be changed.
type BreakFile = fn(&Path);
type BreakPlace = fn(&Place);

/// A folder with a playbook and the file that it changes.
struct Place {
    folder: TempDir,
    desk: Desk,
}

impl Place {
    fn make(reset: &str) -> Self {
        let folder = TempDir::with_prefix("edits-").expect("make a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("open the folder");
        fs::create_dir(folder.path().join("app")).expect("make a folder");
        let desk = Desk::make(folder.path());
        let place = Self { folder, desk };
        fs::write(place.at("playbook.yaml"), PLAYBOOK.replace("RESET", reset)).expect("write the playbook");
        fs::write(place.at("keys.env"), TEXT).expect("write the file");
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join("app").join(name)
    }

    fn words(&self, answers: &str) -> Vec<String> {
        let answers = self.desk.answers("answers.yaml", answers);
        let playbook = self.at("playbook.yaml").display().to_string();
        ["run", &playbook, "--unattended", "--answers", &answers].map(str::to_owned).to_vec()
    }

    fn runs(&self, answers: &str) -> Called {
        self.desk.call(self.words(answers))
    }

    fn journal(&self) -> Vec<String> {
        self.desk.journal().iter().map(brief).collect()
    }

    /// Holds that a run was stopped before its point of no return, with this reason, and that nothing was changed.
    #[track_caller]
    fn is_stopped_before(&self, called: Called, wanted: &str) {
        let called = called.ends_with(7);
        assert!(called.out.contains("FAILED reset  not started: "), "{}", called.out);
        assert!(called.out.contains(wanted), "{wanted}\n{}", called.out);
        assert!(!self.at("done").exists(), "nothing was started");
        assert_eq!(fs::read_to_string(self.at("keys.env")).expect("read the file"), TEXT);
        let journal = self.journal();
        assert!(journal.iter().all(|record| record != "started reset"), "{journal:#?}");
        assert!(journal.contains(&"looked_ahead reset".to_owned()), "{journal:#?}");
    }
}

/// Each is mended then, and the same run goes on to its end.
#[test]
fn what_would_be_refused_is_told_before_the_point_of_no_return() {
    let cases: [(BreakFile, &str); 3] = [
        (|file| fs::write(file, "KEY=CANARY-old\nON=2\n").expect("write"), "switch would be refused: "),
        (|file| fs::write(file, "ON=0\n").expect("write"), "keys.env: there is no KEY="),
        (
            |file| fs::hard_link(file, file.with_file_name("same")).expect("link"),
            "keys.env has 2 names (hard links), and a safe change would part them",
        ),
    ];
    for (breaks, wanted) in cases {
        let place = Place::make(BY_PROGRAM);
        let file = place.at("keys.env");
        breaks(&file);
        let called = place.runs("").ends_with(7);
        assert!(called.out.contains(wanted) && !place.at("done").exists(), "{wanted}\n{}", called.out);

        let _ = fs::remove_file(place.at("same"));
        fs::write(&file, TEXT).expect("mend the file");
        // Who goes on says that it is to be looked at again: nothing was started.
        let called = place.desk.call(["resume", "--unattended"]).ends_with(0);
        assert!(called.out.contains("again  reset"), "{}", called.out);
        assert_eq!(fs::read_to_string(&file).expect("read"), "KEY=CANARY-new\nON=1\n");
        assert_eq!(fs::read_to_string(place.at("done")).expect("read"), "reset\n", "once");
    }
}

/// Where a person presses the button, it is told before they are asked to.
#[test]
fn it_is_told_before_a_person_is_asked() {
    let place = Place::make(BY_HAND);
    place.desk.keep_secret("key", "CANARY-pasted");
    fs::remove_file(place.at("keys.env")).expect("remove the file");
    symlink("round.env", place.at("keys.env")).expect("link");
    symlink("keys.env", place.at("round.env")).expect("link");
    let called = place.runs("reset: { key: 'file:key' }\nkeep: { unknown: retry }").ends_with(7);
    // The copy cannot be kept either.
    assert!(called.out.contains("its links lead in a circle"), "{}", called.out);

    let place = Place::make(BY_HAND);
    place.desk.keep_secret("key", "CANARY-pasted");
    fs::write(place.at("keys.env"), TEXT.replace("ON=0", "ON=0 ON=0")).expect("write");
    let called = place.runs("reset: { key: 'file:key' }").ends_with(7);
    assert!(called.out.contains("switch would be refused: "), "{}", called.out);
    assert!(place.journal().iter().all(|record| record != "started reset"));
    // Said in so many words, it goes on; and the record says so.
    let answers = place.desk.answers("anyway.yaml", "reset: { key: 'file:key', ahead: anyway }");
    let id = place.desk.run_id();
    place.desk.call(["resume", &id, "--unattended", "--answers", &answers, "--on-failure", "stop"]).ends_with(1);
    assert!(fs::read_to_string(place.at("keys.env")).expect("read").starts_with("KEY=CANARY-pasted\n"));
    let report = place.desk.call(["report", &id]).ends_with(0).out;
    assert!(report.contains("reset was started although later steps would be refused: "), "{report}");
}

/// A dry run tells it as well, and counts in what it passes over.
#[test]
fn a_dry_run_tells_it() {
    let place = Place::make(BY_PROGRAM);
    let mut words = place.words("");
    words.push("--dry-run".to_owned());
    let called = place.desk.call(&words).ends_with(0);
    assert!(!called.out.contains("would be refused"), "{}", called.out);
    fs::write(place.at("keys.env"), "ON=0\n").expect("write");
    let called = place.desk.call(&words);
    assert!(
        called.out.contains("write would be refused: ") && called.code != Some(0),
        "{:?} {}",
        called.code,
        called.out
    );
    assert!(place.desk.runs().is_empty());
}

/// A file that is mounted by itself cannot be replaced: that is known before.
#[test]
fn a_bind_mount_is_known_before() {
    let place = Place::make(BY_PROGRAM);
    let behind = place.folder.path().join("behind.env");
    fs::write(&behind, TEXT).expect("write");
    let script = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-Urm", "sh", "-c", script, "sh"]).arg(&behind).arg(place.at("keys.env"));
    command.arg(PROGRAM).args(place.words("")).envs(place.desk.env()).current_dir(place.desk.home());
    let called = called(&mut command);
    place.is_stopped_before(called, "is mounted by itself (a bind mount), so it cannot be replaced");
    assert_eq!(fs::read_to_string(&behind).expect("read"), TEXT);
}

/// A folder that is read-only, by its file system.
#[test]
fn a_read_only_file_system_is_known_before() {
    let place = Place::make(BY_PROGRAM);
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" && shift && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-Urm", "sh", "-c", script, "sh"]).arg(place.at(""));
    command.arg(PROGRAM).args(place.words("")).envs(place.desk.env()).current_dir(place.desk.home());
    let called = called(&mut command);
    place.is_stopped_before(called, "is on a read-only file system");
}

/// Somebody who may not write, or could not keep the owner, is told so before.
#[test]
fn missing_rights_are_known_before() {
    // Root passes over modes, so it becomes somebody else; and only root can give a file away, for the last case.
    let root = rustix::process::geteuid().is_root();
    let cases: [(BreakPlace, &str); 3] = [
        (|place| mode(&place.at("keys.env"), 0o444), "keys.env may not be written by you"),
        (|place| mode(&place.at(""), 0o555), "cannot be replaced: you may not write into "),
        (
            |place| {
                chown(place.at("keys.env"), Some(1234), None).expect("give the file away");
                mode(&place.at("keys.env"), 0o666);
            },
            "keys.env belongs to somebody else, and that could not be kept",
        ),
    ];
    for (breaks, wanted) in cases.into_iter().take(if root { 3 } else { 2 }) {
        let place = Place::make(BY_PROGRAM);
        let words = place.words("");
        let own = |path: &Path| {
            if root {
                chown(path, Some(WHO), Some(WHO)).expect("give it away");
            }
        };
        let home = place.desk.home();
        for path in
            [place.at(""), place.at("keys.env"), home.to_owned(), home.join("runtime"), home.join("answers.yaml")]
        {
            own(&path);
        }
        breaks(&place);
        let mut command = Command::new(PROGRAM);
        command.args(&words).envs(place.desk.env()).current_dir(home);
        if root {
            command.uid(WHO).gid(WHO);
        }
        let called = called(&mut command);
        place.is_stopped_before(called, wanted);
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set a mode");
}

/// What is agreed to at the screen is the diff that was seen: a file that changed since is refused, and shown anew.
#[test]
fn only_the_diff_that_was_seen_is_written() {
    let place = Place::make(BY_PROGRAM);
    let playbook = "runsheet: 1\ntitle: One edit\nphases:\n  - title: Change\n    steps:\n      - { id: switch, title: Switch it on, \
                    edit: [{ file: keys.env, match: 'ON=(0)', replace: '1' }] }\n";
    fs::write(place.at("playbook.yaml"), playbook).expect("write the playbook");
    let playbook = place.at("playbook.yaml").display().to_string();
    let terminal = Terminal::start(&place.desk, &["run".to_owned(), playbook], 100, 30);
    terminal.see("F10");
    terminal.press("\x1b[21~");
    terminal.see("+ON=1");
    let checked = check(&fs::read_to_string(place.at("playbook.yaml")).expect("read")).expect("the playbook holds");
    let operator = Operator::at(&terminal, &checked.plan);
    let asked = operator.asked(None);
    let theirs = "KEY=CANARY-theirs\nMORE=1\nON=0\n";
    fs::write(place.at("keys.env"), theirs).expect("write");
    terminal.press("\r");
    terminal.see("was changed since its diff was shown");
    terminal.see("@@ -3,1 +3,1 @@");
    operator.asked(Some(&asked));
    assert_eq!(fs::read_to_string(place.at("keys.env")).expect("read"), theirs);
    terminal.press("r");
    terminal.see("The run is over.");
    assert_eq!(fs::read_to_string(place.at("keys.env")).expect("read"), theirs.replace("ON=0", "ON=1"));
    terminal.press("q");
    assert_eq!(terminal.ends().code, Some(0));
}
