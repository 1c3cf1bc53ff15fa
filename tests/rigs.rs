//! The rigs tell the truth: what a test learns from them is so.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use runsheet::playbook::check;

use crate::bad_playbooks::checked;
use crate::support::rig::{Fault, Options, Rig, in_url};

fn restart(rig: &Rig) {
    let config = rig.app_root().join("ecosystem.config.js");
    rig.call("pm2", &["restart", config.to_str().expect("a plain path"), "--only", "milo-aggregator", "--update-env"]);
}

fn healthy_within(rig: &Rig, wanted: u16) -> String {
    let mut reply = None;
    for _ in 0..100 {
        // Between two processes nobody answers.
        reply = rig.aggregator().get("/health");
        if let Some(reply) = reply.as_ref().filter(|reply| reply.status == wanted) {
            return reply.body.clone();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("health did not become {wanted}: {reply:?}");
}

fn replace_in_files(rig: &Rig, old: &str, new: &str) {
    for file in rig.files() {
        let text = std::fs::read_to_string(&file).expect("read a file");
        std::fs::write(&file, text.replace(old, new)).expect("write a file");
    }
}

#[test]
fn a_rotation_by_hand_is_seen_everywhere() {
    let rig = Rig::start();
    let (old_pg, old_redis) = (rig.first_pg_password().to_owned(), rig.first_redis_password().to_owned());
    assert!(rig.pg_accepts(&old_pg) && rig.redis_accepts(&old_redis));
    assert!(!rig.pg_accepts(&old_redis) && !rig.redis_accepts(&old_pg));
    assert_eq!(rig.health().status, 200);

    let answer = rig
        .call("doctl", &["databases", "user", "reset", &pg_id(&rig), "doadmin", "-o", "json", "--http-retry-max", "0"]);
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("doctl prints JSON");
    let new_pg = answer.pointer("/0/password").and_then(|value| value.as_str()).expect("a new password").to_owned();
    assert_eq!(new_pg, rig.doctl().password());
    assert_eq!(new_pg.len(), 36);
    assert!(rig.pg_accepts(&new_pg) && !rig.pg_accepts(&old_pg));
    let down = rig.health();
    assert_eq!(down.status, 503);
    assert!(down.body.contains(r#""postgres":"28P01","valkey":"ok""#), "{}", down.body);

    let new_redis = rig.press_reset_in_panel(&old_redis);
    assert!(rig.redis_accepts(&new_redis) && !rig.redis_accepts(&old_redis));
    replace_in_files(&rig, &in_url(&old_pg), &in_url(&new_pg));
    replace_in_files(&rig, &in_url(&old_redis), &in_url(&new_redis));
    // With the name alone, PM2 keeps what the file said before.
    rig.call("pm2", &["restart", "milo-aggregator", "--update-env"]);
    let kept = healthy_within(&rig, 503);
    assert!(kept.contains("28P01") && kept.contains("WRONGPASS"), "{kept}");
    restart(&rig);
    healthy_within(&rig, 200);
    assert!(rig.read(".env").contains(&in_url(&new_redis)));
    assert!(rig.app_root().starts_with(rig.folder()));
    let metrics = rig.aggregator().get("/metrics").expect("metrics").body;
    assert!(metrics.contains("# TYPE process_start_time_seconds gauge"));
    assert_eq!(rig.aggregator().jlist()[0]["pm2_env"]["status"], "online");
}

#[test]
fn a_service_with_the_wrong_authority_works_until_certificates_are_checked() {
    let rig = Rig::start_with(Options { wrong_ca: true, ..Options::default() });
    assert_eq!(rig.health().status, 200);
    replace_in_files(&rig, r#"NODE_TLS_REJECT_UNAUTHORIZED: "0""#, r#"NODE_TLS_REJECT_UNAUTHORIZED: "1""#);
    restart(&rig);
    let body = healthy_within(&rig, 503);
    assert!(!body.contains("28P01") && !body.contains("WRONGPASS"), "{body}");
}

#[test]
fn the_stand_in_for_doctl_fails_as_it_is_told() {
    let rig = Rig::start_with(Options { tls_checked: true, ..Options::default() });
    let id = pg_id(&rig);
    let first = rig.doctl().password();
    let reset = || {
        let mut command = rig.command("doctl");
        command.args(["databases", "user", "reset", &id, "doadmin", "-o", "json"]).output().expect("start doctl")
    };
    assert!(rig.call("doctl", &["account", "get"]).contains("active"));
    assert_eq!(rig.call("doctl", &["databases", "get", &id, "--format", "Status", "--no-header"]), "online\n");
    let listed = rig.call("doctl", &["databases", "list", "--format", "ID,Engine,Name", "--no-header"]);
    assert_eq!(listed.lines().next(), Some(format!("{id}    pg    twzrd-prod-postgres").as_str()));

    rig.doctl().fault("databases user reset", Fault::Fail);
    let failed = reset();
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stdout).contains(r#"{"errors":[{"detail":"POST https://"#));
    assert_eq!(rig.doctl().password(), first);

    rig.doctl().mend();
    rig.doctl().fault("databases user reset", Fault::ActThenFail);
    assert!(!reset().status.success());
    let second = rig.doctl().password();
    assert_ne!(second, first);
    assert!(rig.pg_accepts(&second) && !rig.pg_accepts(&first));

    rig.doctl().mend();
    rig.doctl().fault("account get", Fault::Slow(1));
    let begin = Instant::now();
    rig.call("doctl", &["account", "get"]);
    assert!(begin.elapsed() >= Duration::from_secs(1));
    for (fault, acts) in [(Fault::Hang, false), (Fault::ActThenHang, true)] {
        rig.doctl().mend();
        rig.doctl().fault("databases user reset", fault);
        let before = rig.doctl().password();
        let mut command = rig.command("timeout");
        let status =
            command.args(["2", "doctl", "databases", "user", "reset", &id, "doadmin"]).status().expect("start doctl");
        assert_eq!(status.code(), Some(124));
        assert_eq!(rig.doctl().password() != before, acts);
    }

    rig.doctl().mend();
    let third = rig.doctl().password();
    rig.doctl().hide_credentials();
    assert!(!rig.call("doctl", &["databases", "user", "get", &id, "doadmin", "-o", "json"]).contains("password"));
    rig.doctl().mend();
    let shown = rig.call("doctl", &["databases", "user", "get", &id, "doadmin", "-o", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("doctl prints JSON");
    assert_eq!(shown.pointer("/0/password").and_then(|value| value.as_str()), Some(third.as_str()));
    rig.doctl().sign_out();
    assert!(!reset().status.success());
    let calls = rig.doctl().calls();
    assert_eq!(calls.iter().filter(|call| call.contains("user reset")).count(), 5);
    assert!(calls.iter().all(|call| !call.contains("CANARY")));
}

fn pg_id(rig: &Rig) -> String {
    let inputs = rig.inputs();
    inputs.iter().find_map(|input| input.strip_prefix("pg_id=")).expect("the id is an input").to_owned()
}

#[test]
fn every_playbook_holds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("read the folder of the playbooks") {
        let path = entry.expect("an entry").path();
        // The page for authors stands beside them.
        if path.extension().is_none_or(|end| end != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("read a playbook");
        let name = path.display().to_string();
        let (checked, included) = checked(&path, &text);
        match checked {
            Ok(checked) => assert!(checked.warnings.is_empty(), "{name}: {:?}", checked.warnings),
            Err(faults) => {
                let told: Vec<String> = faults.iter().map(|fault| included.render(fault, &name, &text)).collect();
                panic!("{}", told.join("\n"))
            }
        }
        seen += 1;
    }
    assert!(seen >= 2, "the playbooks are in {folder}");
}

#[test]
fn the_rig_answers_what_the_rotation_asks() {
    let rig = Rig::start();
    let text = include_str!("../playbooks/do-rotate-pg-valkey.yaml");
    let plan = check(text).expect("the playbook holds").plan;
    let asked: Vec<&str> = plan.inputs.iter().map(|input| input.name.as_str()).collect();
    for input in rig.inputs() {
        let name = input.split('=').next().expect("a name");
        assert!(asked.contains(&name), "the playbook has no input {name}: {asked:?}");
    }
    for program in plan.requires {
        rig.call("sh", &["-c", &format!("command -v {program}")]);
    }
}

#[test]
fn nothing_of_a_rig_is_left_after_a_panic() {
    let folder = Mutex::new(PathBuf::new());
    let outcome = catch_unwind(|| {
        let rig = Rig::start();
        *folder.lock().expect("nobody else has it") = rig.folder().to_owned();
        assert!(processes_of(rig.folder()) >= 3, "two servers and a service at least");
        panic!("on purpose");
    });
    assert!(outcome.is_err());
    let folder = folder.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(folder.is_absolute() && !folder.exists());
    assert_eq!(processes_of(&folder), 0);
}

/// Counts the processes that have a path below a folder in their arguments or variables.
fn processes_of(folder: &Path) -> usize {
    let needle = folder.as_os_str().as_encoded_bytes();
    let holds =
        |file: PathBuf| std::fs::read(file).is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle));
    std::fs::read_dir("/proc")
        .expect("read /proc")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|process| holds(process.join("cmdline")) || holds(process.join("environ")))
        .count()
}
