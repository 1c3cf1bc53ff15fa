//! Probes of this machine: `command`, `file`, `value`.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::exec::testing::script;
use crate::playbook::plan::{Amount, FileSpec, Given};

use Finding::{Differs, Holds, Unreachable};

fn file(path: &str) -> FileSpec {
    FileSpec { path: text(path), exists: true, mode: None, contains: None, dotenv: Vec::new(), sha256: None }
}

#[tokio::test]
async fn commands() {
    let stage = stage().secret("password", "CANARY-password");
    for (run, expect, finding, saw) in [
        ("echo online", Expect::Contains(text("online")), Holds, "exit status 0 in ~, output online"),
        (
            "echo down",
            Expect::Contains(text("online")),
            Differs,
            r#"exit status 0 in ~; the answer "down" does not contain "online""#,
        ),
        ("exit 3", Expect::Exit(3), Holds, "exit status 3 in ~"),
        ("echo no >&2; exit 3", Expect::Exit(0), Differs, "exit status 3 in ~; expected 0; standard error: no"),
        ("echo CANARY-password", Expect::Exit(0), Holds, "exit status 0 in ~, output [secret]"),
        ("kill -9 $$", Expect::Exit(0), Unreachable, "ended by signal 9 (KILL)"),
    ] {
        let verdict = one(&stage, expecting(Probe::Command(script(run)), expect)).await;
        holds(&verdict, finding, finding == Holds, saw);
        assert_eq!(verdict.title, run.replace("CANARY-password", "[secret]"));
    }
}

#[tokio::test]
async fn a_command_that_does_not_end_is_ended() {
    let stage = stage();
    let verdict = one(&stage, hasty(Probe::Command(script("sleep 100")))).await;
    assert_eq!((verdict.finding, verdict.pass), (Unreachable, false), "{}", verdict.saw);
    assert!(verdict.saw.starts_with("no end after"), "{}", verdict.saw);
}

#[tokio::test]
async fn files() {
    let stage = stage().secret("password", "CANARY-password");
    let path = stage.path(".env");
    std::fs::write(&path, "A=CANARY-password\nB=two\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let secret = || Given::Secret(Name::new("password"));
    let other = || Given::Text(text("CANARY-other"));
    let sha = "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1e0fb85d299a192a447";
    let here = "24 bytes, mode 0640";
    let cases = [
        (file(".env"), Holds, here.to_owned()),
        (FileSpec { mode: Some(0o640), ..file(".env") }, Holds, here.to_owned()),
        (FileSpec { mode: Some(0o600), ..file(".env") }, Differs, format!("{here}; mode 0640, expected 0600")),
        (FileSpec { contains: Some(secret()), ..file(".env") }, Holds, format!("{here}, has the text")),
        (
            FileSpec { contains: Some(other()), ..file(".env") },
            Differs,
            format!("{here}; the text that it must have does not stand in it"),
        ),
        (FileSpec { dotenv: vec![("A".to_owned(), secret())], ..file(".env") }, Holds, format!("{here}, A is right")),
        (
            FileSpec { dotenv: vec![("B".to_owned(), secret()), ("C".to_owned(), secret())], ..file(".env") },
            Differs,
            format!("{here}; B has another value than expected; there is no C="),
        ),
        (
            FileSpec { exists: false, ..file("nothing") },
            Holds,
            format!("there is no file {}", stage.path("nothing").display()),
        ),
        (
            file("nothing"),
            Differs,
            format!("there is no file {}; expected it to be there", stage.path("nothing").display()),
        ),
        (
            FileSpec { exists: false, ..file(".env") },
            Differs,
            format!("{} is there: {here}; expected that it is not there", path.display()),
        ),
    ];
    for (probe, finding, saw) in cases {
        holds(&one(&stage, spec(Probe::File(probe))).await, finding, finding == Holds, &saw);
    }
    let wrong = one(&stage, spec(Probe::File(FileSpec { sha256: Some(text(sha)), ..file(".env") }))).await;
    assert!(!wrong.pass && wrong.saw.contains("SHA-256 is "), "{}", wrong.saw);
    std::fs::write(stage.path("hello"), "hello\n").unwrap();
    let hello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    let right = one(&stage, spec(Probe::File(FileSpec { sha256: Some(text(hello)), ..file("hello") }))).await;
    assert!(right.pass, "{}", right.saw);
    // What is expected of a file's text never shows the text.
    let quoted = one(&stage, expecting(Probe::File(file(".env")), Expect::Contains(text("three")))).await;
    assert!(!quoted.pass && !quoted.saw.contains("two"), "{}", quoted.saw);
}

#[tokio::test]
async fn values() {
    let stage = stage().value("rows", "12").secret("password", "CANARY-password");
    let value = |name: &str| Probe::Value(Name::new(name));
    let close = |number| Expect::CloseTo { number: Amount::Number(number), tolerance: 1.0 };
    holds(&one(&stage, expecting(value("rows"), close(12.5))).await, Holds, true, "rows is 12");
    assert!(
        one(&stage, expecting(value("rows"), Expect::Between(Amount::Number(1.0), Amount::Number(12.0)))).await.pass
    );
    let wrong = one(&stage, expecting(value("rows"), close(20.0))).await;
    holds(&wrong, Differs, false, "rows; 12 is not within 1 of 20");
    // What was measured before stands beside what is measured now.
    let as_before = Expect::CloseTo { number: Amount::Value(Name::new("rows")), tolerance: 0.0 };
    let now = script("echo 12");
    holds(
        &one(&stage, expecting(Probe::Command(now), as_before)).await,
        Holds,
        true,
        "exit status 0 in ~, output 12; compared with rows: 12",
    );
    let same = Expect::Equals(Template::new(vec![crate::playbook::plan::Part::Value(Name::new("rows"))]));
    holds(&one(&stage, expecting(value("rows"), same)).await, Holds, true, "rows is 12; compared with rows: 12");
    let secret = one(&stage, expecting(value("password"), Expect::Equals(text("x")))).await;
    assert!(!secret.pass && !secret.saw.contains("CANARY"), "{}", secret.saw);
    let none = one(&stage, spec(value("other"))).await;
    assert!(none.saw.contains("other has no value yet"), "{}", none.saw);
}
