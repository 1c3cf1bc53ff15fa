//! The Fly.io playbooks when something goes wrong: each call of flyctl fails once, and the way back is taken from there.

use std::fs;

use crate::support::desk::{Called, Desk, brief};
use crate::support::fly::{BACKUP, Case, DEPLOY, Fly, INCIDENT, PASSPHRASE, PERFORMANCE, REPLACE, SECRET_KEY};

/// Walks a playbook again and again, and lets each of its calls of flyctl go wrong in turn: one that changes nothing fails, the
/// others have these faults. Every time it ends in words, and once flyctl is well again the run is rolled back: everything
/// is as it was.
fn each_call_goes_wrong(fly: &Fly, case: &Case, faults: &[&str]) {
    let known = fly.calls().len();
    fly.run(&fly.desk(&format!("whole-{}", case.playbook)), case, &[]).ends_with(0);
    let calls: Vec<String> = fly.calls().into_iter().skip(known).collect();
    let mut back = 0;
    for (number, call) in calls.iter().enumerate() {
        let faults = if changes(call) { faults } else { &["fail"] };
        for fault in faults {
            fly.begin_anew();
            let before = fly.truth();
            let desk = fly.desk(&format!("{}-{number}-{fault}", case.playbook));
            fly.fault(&format!("call-{} {fault}", fly.calls().len() + number + 1));
            let called = fly.run(&desk, case, &["--on-failure", "stop"]);
            fly.mend();
            let told = format!("{fault} at {call}\n{}\n{}", called.out, called.err);
            if called.code == Some(7) && desk.runs().is_empty() {
                // It was to bring an answer.
                assert!(called.err.contains("nothing has been started"), "{told}");
                continue;
            }
            assert!(matches!(called.code, Some(0 | 1)), "{:?}: {told}", called.code);
            if is_over(&desk) {
                // It was asked again in time, or need not have worked.
                continue;
            }
            assert!(called.out.contains("FAILED "), "{told}");
            assert!(called.err.contains("now: "), "what to do next is said: {told}");
            comes_back(fly, &desk, case, &told);
            assert_eq!(fly.truth(), before, "{told}");
            back += 1;
        }
    }
    assert!(back >= 3, "rolled back {back} times of {} calls", calls.len());
}

fn changes(call: &str) -> bool {
    ["secrets set", "deploy", "machine st", "scale count", "scale memory"].iter().any(|word| call.starts_with(word))
        || ["createdb", "pg_restore", "upgrade", "-d postgres"].iter().any(|word| call.contains(word))
}

fn is_over(desk: &Desk) -> bool {
    desk.journal().last().is_some_and(|entry| entry["record"].get("ended").is_some())
}

fn comes_back(fly: &Fly, desk: &Desk, case: &Case, told: &str) -> Called {
    let called = fly.rolls_back(desk, case);
    let nothing = called.err.contains("there is nothing to roll back");
    assert!(called.code == Some(4) || nothing, "{:?} after {told}\n---\n{}\n{}", called.code, called.out, called.err);
    called
}

#[test]
fn a_secret_key_is_put_back_from_each_call() {
    let fly = Fly::start();
    fs::write(fly.work("rotation.log"), "an older line\n").expect("write the log");
    each_call_goes_wrong(&fly, &SECRET_KEY, &["fail", "act-then-fail"]);

    // Half-way: one machine has the new key, the other one the old.
    let before = fly.truth();
    let desk = fly.desk("partial");
    fly.fault("secrets-set partial");
    fly.run(&desk, &SECRET_KEY, &["--on-failure", "stop"]).ends_with(1);
    fly.mend();
    assert_ne!(fly.app()["machines"][0]["env"], fly.app()["machines"][1]["env"]);
    comes_back(&fly, &desk, &SECRET_KEY, "half-way");
    assert_eq!(fly.truth(), before);
}

#[test]
fn a_wrong_secret_is_found_before_anything_changes() {
    let fly = Fly::start();
    fs::write(fly.work("backup.dump.gpg"), sealed(&fly)).expect("write a backup");
    let before = fly.truth();
    for (case, input, step) in [
        (&SECRET_KEY, "old_key: 'file:wrong', ", "old-key-proved"),
        (&SECRET_KEY, "login_password: 'file:wrong', ", "login-before"),
        (&DEPLOY, "login_password: 'file:wrong', ", "sign-in-before"),
        (&REPLACE, "passphrase: 'file:wrong', ", "open-backup"),
    ] {
        let desk = fly.desk(&format!("wrong-{step}"));
        desk.keep_secret("wrong", "CANARY-this-is-another-one");
        let answers = fly.answers(&desk, case, "");
        let name = input.split(':').next().expect("a name");
        let text = fs::read_to_string(&answers).expect("read the answers");
        let text =
            text.replace(&format!("{name}: 'file:login'"), "").replace(&format!("{name}: 'file:passphrase'"), "");
        let text = text.replace("inputs: { ", &format!("inputs: {{ {input}")).replace(", ,", ",").replace(",  }", " }");
        let answers = desk.answers("answers.yaml", &text);
        let called = desk.call(["run", &case.path(), "--unattended", "--answers", &answers, "--on-failure", "stop"]);
        let called = called.ends_with(1);
        assert!(called.out.contains(&format!("FAILED {step}")), "{}", called.out);
        assert!(!called.out.contains("CANARY") && !called.err.contains("CANARY"));
        comes_back(&fly, &desk, case, step);
        assert_eq!(fly.truth(), before, "{step}");
    }
}

/// Makes a backup as the playbook does, by hand.
fn sealed(fly: &Fly) -> Vec<u8> {
    let desk = fly.desk("sealed");
    fly.run(&desk, &BACKUP, &[]).ends_with(0);
    let backups = fly.work("backups");
    let names = fs::read_dir(&backups).expect("list the backups");
    let file = names
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|end| end == "gpg"));
    let bytes = fs::read(file.expect("a backup")).expect("read the backup");
    fs::remove_dir_all(backups).expect("remove the folder");
    assert!(!PASSPHRASE.is_empty() && bytes.len() > 100);
    bytes
}

#[test]
fn a_backup_that_goes_wrong_leaves_nothing() {
    let fly = Fly::start();
    each_call_goes_wrong(&fly, &BACKUP, &["act-then-fail"]);

    let before = fly.truth();
    // What was cut off ends well and lists well; it is found all the same.
    for (fault, step) in [("ssh-console-pg_dump cut", "count"), ("ssh-console-pg_dump fail", "dump")] {
        let desk = fly.desk(step);
        fly.fault(fault);
        let called = fly.run(&desk, &BACKUP, &["--on-failure", "stop"]).ends_with(1);
        fly.mend();
        assert!(called.out.contains(&format!("FAILED {step}")), "{}", called.out);
        comes_back(&fly, &desk, &BACKUP, fault);
        assert_eq!(fly.truth(), before, "{fault}");
    }
    // Sealed and counted, and the last question not answered: all of it is taken back.
    let desk = fly.desk("unanswered");
    let answers = fly.answers(&desk, &BACKUP, "");
    let text = fs::read_to_string(&answers).expect("read the answers").replace("carry-away: done\n", "");
    let answers = desk.answers("answers.yaml", &text);
    desk.call(["run", &BACKUP.path(), "--unattended", "--answers", &answers]).ends_with(7);
    assert_ne!(fly.truth(), before);
    comes_back(&fly, &desk, &BACKUP, "carry-away");
    assert_eq!(fly.truth(), before);
}

#[test]
fn a_restore_is_taken_back_from_each_call() {
    let fly = Fly::start();
    // The backup is older than the last migration, so all steps are walked.
    fly.sql("update alembic_version set version_num = '0a11ce0000aa'");
    fs::write(fly.work("backup.dump.gpg"), sealed(&fly)).expect("write a backup");
    fly.sql("update alembic_version set version_num = '5f2c8a90b7d1'; delete from invoices where id > 250");
    each_call_goes_wrong(&fly, &REPLACE, &["act-then-fail"]);
}

#[test]
fn whatever_is_done_at_once_in_an_incident_is_taken_back() {
    let fly = Fly::start();
    let before = fly.truth();
    for (choice, call) in [
        ("release-before", "deploy -a duespark-backend --image registry.fly.io/duespark-backend:deployment-0006 "),
        ("restart", "apps restart duespark-backend"),
        ("by-hand", ""),
    ] {
        let desk = fly.desk(choice);
        let more = format!("{choice}: {{ confirm: done, manual: done, undo: done }}\n");
        let more = if choice == "by-hand" { "by-hand: { manual: done, undo: done }\n" } else { &more };
        let more = more.replace(", manual: done, undo: done", "");
        let answers = fly.answers(&desk, &INCIDENT, &more);
        let text = fs::read_to_string(&answers)
            .expect("read the answers")
            .replace("n: more-machines }", &format!("n: {choice} }}"));
        // It ends before the report, so that it is still open.
        let answers = desk.answers("answers.yaml", &text.replace("tell-end: done\n", ""));
        desk.call(["run", &INCIDENT.path(), "--unattended", "--answers", &answers]).ends_with(7);
        assert!(fly.calls().iter().any(|found| found.starts_with(call)), "{choice}: {:#?}", fly.calls());
        desk.call(["rollback", &desk.run_id(), "--unattended", "--answers", &answers]).ends_with(4);
        assert_eq!(fly.truth(), before, "{choice}");
    }
}

#[test]
fn a_deployment_is_taken_back_from_each_call() {
    let fly = Fly::start();
    each_call_goes_wrong(&fly, &DEPLOY, &["fail", "act-then-fail", "partial"]);
}

#[test]
fn an_incident_and_an_investigation_are_taken_back_from_each_call() {
    let fly = Fly::start();
    each_call_goes_wrong(&fly, &INCIDENT, &["act-then-fail"]);
    each_call_goes_wrong(&fly, &PERFORMANCE, &["act-then-fail"]);
}

/// A call that never ends is ended by the step's own time; what it had done shows, and is taken back.
#[test]
fn a_call_that_hangs_is_ended_in_time() {
    let fly = Fly::start();
    let text = fs::read_to_string(SECRET_KEY.path()).expect("read the playbook");
    let (before, quick) = (fly.truth(), fly.folder().join("quick.yaml"));
    let step = text.find("- id: set-key").expect("the step");
    fs::write(&quick, format!("{}{}", &text[..step], text[step..].replacen("timeout: 8m", "timeout: 3s", 1)))
        .expect("write it");
    for fault in ["hang", "act-then-hang"] {
        let desk = fly.desk(fault);
        let answers = fly.answers(&desk, &SECRET_KEY, "");
        fly.fault(&format!("secrets-set {fault}"));
        let quick = quick.display().to_string();
        let called =
            desk.call(["run", &quick, "--unattended", "--answers", &answers, "--on-failure", "stop"]).ends_with(1);
        fly.mend();
        let journal: Vec<String> = desk.journal().iter().map(brief).collect();
        assert!(journal.contains(&"performed set-key timed_out".to_owned()), "{journal:#?}\n{}", called.out);
        assert_eq!(fly.truth() != before, fault == "act-then-hang");
        comes_back(&fly, &desk, &SECRET_KEY, fault);
        assert_eq!(fly.truth(), before);
    }
}
