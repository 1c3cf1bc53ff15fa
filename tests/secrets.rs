//! Secrets on disk, as others see them: the `age` program, and whoever else has an account.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use runsheet::secret::{Identity, Secret, Secrets};

use crate::support::desk::Desk;

/// The folder that [`makes_key_and_vault`] is to use.
const FOLDER: &str = "RUNSHEET_TEST_FOLDER";

#[test]
fn the_age_program_opens_a_vault_and_what_was_sealed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (key, vault) = (folder.path().join("config/identity"), folder.path().join("vault.age"));
    let (identity, _) = Identity::load_or_create(&key).expect("a key");
    let secrets = Secrets::open(Some(vault.clone()), &identity).expect("a vault");
    for text in ["CANARY-first", "CANARY-\"second\"\n"] {
        secrets.keep(vec![("password".to_owned(), Secret::new(text.to_owned()))]).expect("kept");
    }
    let sealed = folder.path().join("copy.age");
    std::fs::write(&sealed, secrets.seal(b"CANARY-file\n").expect("sealed")).expect("written");

    for (file, text) in [
        (
            &vault,
            r#""secrets":[{"name":"password","value":"CANARY-first"},{"name":"password","value":"CANARY-\"second\"\n"}]}"#,
        ),
        (&sealed, "CANARY-file\n"),
    ] {
        let opened = Command::new("age").args(["--decrypt", "--identity"]).args([&key, file]).output();
        let opened = opened.expect("the program `age` (package age) is there");
        assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
        assert!(String::from_utf8_lossy(&opened.stdout).ends_with(text));
    }
    let public = Command::new("age-keygen")
        .arg("-y")
        .arg(&key)
        .output()
        .expect("the program `age-keygen` (package age) is there");
    assert_eq!(String::from_utf8_lossy(&public.stdout).trim(), identity.public());
}

#[test]
fn a_key_of_age_keygen_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("identity");
    let made = Command::new("age-keygen")
        .arg("-o")
        .arg(&key)
        .output()
        .expect("the program `age-keygen` (package age) is there");
    assert!(made.status.success());
    let (identity, created) = Identity::load_or_create(&key).expect("the key");
    assert!(!created);
    assert!(String::from_utf8_lossy(&made.stderr).contains(&identity.public()));
}

#[test]
fn nobody_else_can_read_them_under_any_umask() {
    for umask in ["000", "022", "077"] {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Command::new("sh")
            .arg("-c")
            .arg(format!("umask {umask} && exec \"$0\" --exact secrets::makes_key_and_vault --ignored"))
            .arg(std::env::current_exe().expect("this program"))
            .env(FOLDER, folder.path())
            .output()
            .expect("a shell");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        for (path, mode) in [("config/runsheet", 0o700), ("config/runsheet/identity", 0o600), ("vault.age", 0o600)] {
            let found = std::fs::metadata(folder.path().join(path)).expect("made").permissions().mode() & 0o7777;
            assert_eq!(found, mode, "{path} under umask {umask}: {found:o}");
        }
    }
}

/// The umask belongs to a whole process, so this runs in one of its own.
#[test]
#[ignore = "a part of nobody_else_can_read_them_under_any_umask"]
fn makes_key_and_vault() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("a folder"));
    let (identity, _) = Identity::load_or_create(&folder.join("config/runsheet/identity")).expect("a key");
    let secrets = Secrets::open(Some(folder.join("vault.age")), &identity).expect("a vault");
    secrets.keep(vec![("password".to_owned(), Secret::new("CANARY-password".to_owned()))]).expect("kept");
}

const FILE: &str = r#"
runsheet: 1
title: A secret in a file
phases:
  - title: All
    steps:
      - id: make
        title: Make a secret
        generate: { made: { bytes: 16 } }
      - id: hang
        title: Use it for long
        irreversible: It is only a test.
        env: { SECRET_FILE: { file: { secret: made } } }
        run: |
          echo "$SECRET_FILE" >place.new; mv place.new place
          exec sleep 600
      - id: look
        title: Look for it
        read_only: true
        run: test ! -e "$(cat place)" && test ! -e "$(dirname "$(cat place)")"
"#;

/// What was in memory for a program when the host was killed is gone once another run, or the same, is begun or gone on with.
#[test]
fn a_killed_host_leaves_no_file_with_a_secret_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::make(folder.path());
    std::fs::write(desk.home().join("file.yaml"), FILE).unwrap();
    let answers = desk.answers("answers.yaml", "hang: { confirm: done, unknown: done }\n");
    let mut program = desk.program(["run", "file.yaml", "--unattended", "--answers", &answers]);
    let mut host = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = std::time::Instant::now();
    let place = loop {
        if let Ok(place) = std::fs::read_to_string(desk.home().join("place")) {
            break PathBuf::from(place.trim());
        }
        assert!(begin.elapsed().as_secs() < 60, "the step does not begin");
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let child = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", host.id())).unwrap();
    host.kill().unwrap();
    host.wait().unwrap();
    assert!(place.exists(), "nobody was there to remove it");
    desk.call(["resume", "--unattended", "--answers", &answers]).ends_with(0);
    assert!(!place.exists() && !place.parent().unwrap().exists());
    for child in child.split_whitespace().filter_map(|child| rustix::process::Pid::from_raw(child.parse().ok()?)) {
        let _ = rustix::process::kill_process(child, rustix::process::Signal::KILL);
    }
}
