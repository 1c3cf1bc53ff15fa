//! The Fly.io playbooks, forward, unattended: what is true of the app, its database and the files afterwards.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::leaks::{files, forms, holds};
use crate::reports;
use crate::support::desk::{Called, Desk, PROGRAM, brief, called};
use crate::support::fly::{
    BACKUP, Case, DEPLOY, Fly, INCIDENT, LOGIN, PASSPHRASE, PERFORMANCE, REPLACE, RESTORE, SECRET_KEY, TOKEN,
};
use crate::support::operator::{Asked, Operator};
use crate::support::terminal::Terminal;

/// Walks a playbook while every program that is started is written down, and holds that it comes to its end, and that no
/// secret is in any argument, nor in anything that was printed or written but where it belongs.
fn forward(fly: &Fly, case: &Case) -> (Desk, Called) {
    let first = fly.key();
    let desk = fly.desk(&format!("forward-{}", case.playbook));
    let started = fly.folder().join("started");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "--seccomp-bpf", "-e", "trace=execve", "-e", "signal=none", "-s", "65536", "-o"]);
    traced.arg(&started).arg("--").arg(PROGRAM).args(fly.words(&desk, case));
    let called = called(traced.envs(desk.env()).current_dir(desk.home())).ends_with(0);

    let mut secrets: Vec<Vec<u8>> = vec![TOKEN.as_bytes().to_vec()];
    for secret in [&first, &fly.key(), LOGIN, PASSPHRASE] {
        secrets.extend(forms(secret));
    }
    let started = fs::read(&started).expect("what was started");
    assert!(started.windows(8).any(|part| part == b"/flyctl\""), "what was started is written down");
    assert!(!holds(&started, &secrets), "a secret is in the arguments of a program");
    assert!(!holds(called.out.as_bytes(), &secrets) && !holds(called.err.as_bytes(), &secrets), "{}", called.out);
    let mut found = Vec::new();
    files(&desk.home().join("state"), &mut found);
    files(&desk.home().join("runtime"), &mut found);
    files(&fly.folder().join("work"), &mut found);
    found.push(fly.state("calls"));
    for file in found {
        assert!(!holds(&fs::read(&file).expect("read a file"), &secrets), "a secret is in {}", file.display());
    }
    for (what, text) in reports::printed(&desk) {
        assert!(!holds(text.as_bytes(), &secrets), "a secret is in {what}");
    }
    (desk, called)
}

/// Returns the values that a run has captured, by name.
fn captured(desk: &Desk, name: &str) -> Option<String> {
    fn find(value: &Value, name: &str) -> Option<String> {
        match value {
            Value::Object(map) => {
                let own = map.get("values").and_then(|values| values.get(name)).and_then(Value::as_str);
                own.map(str::to_owned).or_else(|| map.values().find_map(|value| find(value, name)))
            }
            Value::Array(list) => list.iter().find_map(|value| find(value, name)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }
    desk.journal().iter().rev().find_map(|entry| find(entry, name))
}

#[test]
fn a_secret_key_is_rotated() {
    let fly = Fly::start();
    let first = fly.key();
    fs::write(fly.work("rotation.log"), "an older line\n").expect("write the log");
    let (desk, _) = forward(&fly, &SECRET_KEY);
    let (app, key) = (fly.app(), fly.key());
    assert!(key != first && key.len() == 44, "32 bytes in base64");
    for machine in app["machines"].as_array().expect("machines") {
        assert_eq!(machine["env"]["SECRET_KEY"].as_str(), Some(key.as_str()));
    }
    let set_at = captured(&desk, "set_at").expect("the time");
    let log = fs::read_to_string(fly.work("rotation.log")).expect("read the log");
    assert_eq!(log, format!("an older line\nSECRET_KEY of duespark-backend rotated at {set_at}\n"));
    assert!(!desk.run_folder().join("vault.age").exists(), "the vault is gone with the end of the run");
}

/// By a person at the full screen, who ticks what was told to the team, line by line.
#[test]
fn a_secret_key_is_rotated_by_hand() {
    let fly = Fly::start();
    let first = fly.key();
    let login = ("FLY_LOGIN_PASSWORD".to_owned(), LOGIN.to_owned());
    let desk = fly.desk("by-hand");
    let env = desk.env().into_iter().chain([login]).collect();
    let desk = desk.with_env(env);
    let plan = SECRET_KEY.plan();
    let words = fly.words_for_a_person(&SECRET_KEY, &["environment=staging", "rotation_log=WORK/rotation.log"]);
    let terminal = Terminal::start(&desk, &words, 120, 40);
    let operator = Operator::at(&terminal, &plan);
    terminal.see("inputs: all there");
    terminal.press("\x1b[21~");
    let Asked::Turn(number) = operator.walks("") else { panic!("{}", terminal.picture()) };
    assert_eq!(operator.step(number).id.as_str(), "tell-team");
    let ticked = |picture: &str| picture.matches("[x]").count();
    for count in 1..=2 {
        terminal.press(" ");
        terminal.until(&format!("{count} lines ticked"), |picture| ticked(picture) == count);
    }
    terminal.press("\r");
    let asked = operator.asked(Some(&Asked::Turn(number)));
    assert!(matches!(asked, Asked::Next(_, _)), "{asked:?}");
    assert_eq!(operator.walks(""), Asked::Over);
    let raw = terminal.raw();
    terminal.press("q");
    assert_eq!(terminal.ends().code, Some(0));
    assert!(fly.key() != first && fly.work("rotation.log").exists());
    for secret in [first, fly.key(), LOGIN.to_owned(), TOKEN.to_owned()] {
        assert!(!holds(raw.as_bytes(), &forms(&secret)), "the terminal received a secret");
    }
}

#[test]
fn a_backup_is_made_restored_beside_and_put_in_place() {
    let fly = Fly::start();
    let backups = fly.work("backups");
    fs::create_dir(&backups).expect("make the folder");
    let old = ["duespark-auto-backup-20260101-000000.dump.gpg", "duespark-auto-backup-20260101-000000.dump.gpg.sha256"];
    let kept = [
        "duespark-auto-backup-notes.txt",
        "other-20260101-000000.dump",
        "duespark-auto-backup-20260102-000000.dump.gpg",
    ];
    for name in old.iter().chain(&kept) {
        fs::write(backups.join(name), name).expect("write a file");
        // The last of them is not old.
        if *name != kept[2] {
            age(&backups.join(name));
        }
    }
    let (desk, _) = forward(&fly, &BACKUP);
    let stamp = captured(&desk, "stamp").expect("the name");
    let mut names: Vec<String> = fs::read_dir(&backups)
        .expect("list the backups")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let new = format!("duespark-auto-backup-{stamp}.dump.gpg");
    let mut wanted = vec![new.clone(), format!("{new}.sha256")];
    wanted.extend(kept.map(str::to_owned));
    wanted.sort();
    assert_eq!(names, wanted, "what is old and ours is gone, and nothing else; nothing clear is left");
    for name in [&new, &format!("{new}.sha256")] {
        fs::rename(backups.join(name), fly.work(&name.replace(&new, "backup.dump.gpg"))).expect("move the backup");
    }
    let sums = fly.work("backup.dump.gpg.sha256");
    let text = fs::read_to_string(&sums).expect("read the checksum");
    fs::write(&sums, text.replace(&new, "backup.dump.gpg")).expect("write the checksum");

    // Rows are lost and come; the restored copy has those of the backup, and is dropped again.
    fly.sql("delete from invoices where id > 250; insert into reminders (invoice) values (1)");
    let before = fly.truth();
    let (desk, called) = forward(&fly, &RESTORE);
    assert!(called.out.contains("restored_invoices is 300; compared with backup_invoices: 300"), "{}", called.out);
    let mut after = fly.truth();
    let copy = format!("restore/pre-restore-backup-{}.dump.gpg", captured(&desk, "stamp").expect("the name"));
    assert!(after.files.remove(&fly.work(&copy)).is_some(), "the data of before are kept");
    assert!(after.files.remove(&fly.work("restore")).is_some());
    assert_eq!(after, before, "the live database and the app are as they were");

    // And in the place of the live one, at a migration that is older than the app's.
    fly.sql("update alembic_version set version_num = '0a11ce0000aa'");
    let (desk, called) = forward(&fly, &REPLACE);
    let stamp = captured(&desk, "stamp").expect("the name");
    assert_eq!(
        fly.truth().databases,
        ["duespark: 17 40 300 120".to_owned(), format!("duespark_before_{stamp}: 17 40 250 121")],
    );
    assert_eq!(fly.truth().platform, before.platform, "all machines run again");
    assert!(called.out.contains("state: up-to-date"), "the backup was made at the newest migration: {}", called.out);
}

/// Makes a file look as if it were written nine days ago.
fn age(file: &Path) {
    let status = Command::new("touch").args(["-d", "9 days ago"]).arg(file).status().expect("start touch");
    assert!(status.success());
}

#[test]
fn a_version_is_deployed_and_a_broken_one_taken_back() {
    let fly = Fly::start();
    let image = |fly: &Fly| {
        let app = fly.app();
        let images: Vec<&str> = app["machines"]
            .as_array()
            .expect("machines")
            .iter()
            .filter_map(|machine| machine["image"].as_str())
            .collect();
        images.join(" ")
    };
    let seven = "registry.fly.io/duespark-backend:deployment-0007";
    assert_eq!(image(&fly), format!("{seven} {seven}"));
    forward(&fly, &DEPLOY);
    let eight = seven.replace('7', "8");
    assert_eq!(image(&fly), format!("{eight} {eight}"));

    // A version that is not healthy stops at its first machine; the machines differ until it is rolled back.
    fs::write(fly.work("source/BROKEN"), "").expect("break the source");
    let before = fly.truth();
    let desk = fly.desk("broken");
    let called = fly.run(&desk, &DEPLOY, &["--on-failure", "stop"]).ends_with(1);
    assert!(called.out.contains("FAILED deploy"), "{}", called.out);
    assert_eq!(image(&fly), format!("{} {eight}", seven.replace('7', "9")));
    fly.rolls_back(&desk, &DEPLOY).ends_with(4);
    assert_eq!(fly.truth(), before);
    let last = fly.calls().into_iter().rev().find(|call| call.starts_with("deploy ")).expect("a deployment");
    assert!(last.contains(&format!("--image {eight} ")), "{last}");
}

#[test]
fn an_incident_ends_with_its_report() {
    let fly = Fly::start();
    let (desk, _) = forward(&fly, &INCIDENT);
    assert_eq!(fly.app()["machines"].as_array().map(Vec::len), Some(4));
    let (from, to) = (captured(&desk, "detected").expect("a time"), captured(&desk, "ended").expect("a time"));
    let at = |text: &str| {
        let (day, time) = text.split_once('-').expect("a day and a time");
        format!("{}-{}-{} {}:{}:{} UTC", &day[..4], &day[4..6], &day[6..], &time[..2], &time[2..4], &time[4..])
    };
    let report = fs::read_to_string(fly.work(&format!("incidents/incident-report-{from}.md"))).expect("a report");
    for line in [
        "**Service:** duespark-backend",
        &format!("**Detected:** {}", at(&from)),
        &format!("**Resolved:** {}", at(&to)),
        "**Severity:** P1",
        "**Symptom:** sign-ins fail; it's $(odd)",
        "**Mitigation:** more-machines",
        "**Root cause:** a lock (database)",
        "**Resolution:** the session was ended",
        "- [ ] find who locks",
        "- [ ] an alert",
    ] {
        assert!(report.lines().any(|found| found == line), "{line}\n{report}");
    }
    let times: Vec<&str> = report.lines().filter_map(|line| line.strip_prefix("- 2")).collect();
    assert_eq!(times.len(), 3, "detected, mitigated, resolved: {report}");

    // The severity decides what is walked.
    fly.begin_anew();
    for (severity, told, kept) in [("P2", false, true), ("P3", false, false)] {
        let desk = fly.desk(severity);
        let words = ["--input".to_owned(), format!("severity={severity}")];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let answers = fly.answers(&desk, &INCIDENT, "");
        let quiet = fs::read_to_string(&answers).expect("read the answers").replace("more-machines }", "nothing }");
        let answers = desk.answers("answers.yaml", &quiet);
        let call = ["run", &INCIDENT.path(), "--unattended", "--answers", &answers].map(str::to_owned);
        desk.call(call.iter().map(String::as_str).chain(words)).ends_with(0);
        let journal: Vec<String> = desk.journal().iter().map(brief).collect();
        let done = |step: &str| journal.iter().any(|record| record == &format!("performed {step} ok"));
        let by_hand = |step: &str| {
            journal.iter().any(|record| record.split(' ').nth(1) == Some(step) && !record.starts_with("left_out"))
        };
        assert_eq!((by_hand("tell"), done("gather")), (told, kept), "{severity}: {journal:#?}");
        assert!(!done("more-machines") && done("report"), "{severity}: {journal:#?}");
    }
}

#[test]
fn performance_is_looked_at_and_only_what_is_chosen_is_done() {
    let fly = Fly::start();
    let before = fly.truth();
    let (desk, _) = forward(&fly, &PERFORMANCE);
    for name in ["median_before", "p95_before", "active_connections", "slow_queries", "median_after"] {
        assert!(captured(&desk, name).is_some(), "{name} is in the record");
    }
    assert_eq!(fly.app()["machines"][0]["memory"], 1024);
    fly.begin_anew();
    let known = fly.calls().len();
    for (choice, calls) in [("nothing", 0), ("vacuum", 0), ("machines", 1)] {
        let desk = fly.desk(choice);
        let answers = fly.answers(&desk, &PERFORMANCE, "");
        let other = fs::read_to_string(&answers)
            .expect("read the answers")
            .replace("optimise: memory", &format!("optimise: {choice}"));
        let answers = desk.answers("answers.yaml", &other);
        desk.call(["run", &PERFORMANCE.path(), "--unattended", "--answers", &answers]).ends_with(0);
        let scaled = fly
            .calls()
            .iter()
            .skip(known)
            .filter(|call| call.starts_with("scale count") || call.starts_with("scale memory"))
            .count();
        assert_eq!(scaled, calls, "{choice}");
    }
    assert_eq!(fly.app()["machines"].as_array().map(Vec::len), Some(3));
    fly.begin_anew();
    assert_eq!(fly.truth(), before);
    assert_ne!(fly.sql("select count(*) from pg_stat_user_tables where last_vacuum is not null").trim(), "0");
}

/// A dry run asks and looks, and changes nothing: not the platform, not a database, not a file.
#[test]
fn a_dry_run_changes_nothing() {
    let fly = Fly::start();
    fs::write(fly.work("backup.dump.gpg"), "no backup").expect("write a file");
    let before = fly.truth();
    for (number, case) in
        [&SECRET_KEY, &BACKUP, &RESTORE, &REPLACE, &DEPLOY, &INCIDENT, &PERFORMANCE].into_iter().enumerate()
    {
        let desk = fly.desk(&format!("dry-{number}"));
        let called = fly.run(&desk, case, &["--dry-run"]);
        assert!(
            matches!(called.code, Some(0 | 1)),
            "{}: {:?}\n{}\n{}",
            case.playbook,
            called.code,
            called.out,
            called.err
        );
        assert_eq!(fly.truth(), before, "{}", case.playbook);
    }
    let changing = ["secrets set", "deploy", "apps restart", "scale count", "scale memory", "machine st"];
    let tools = ["pg_dump", "pg_restore", "createdb", "dropdb", "upgrade"];
    for call in fly.calls() {
        let changes =
            changing.iter().any(|word| call.starts_with(word)) || tools.iter().any(|word| call.contains(word));
        assert!(!changes, "{call}");
    }
}
