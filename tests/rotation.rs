//! The real playbook against real servers, unattended: what is true on the servers and in the files afterwards.

use crate::support::desk::{Desk, brief};
use crate::support::rig::{Fault, Rig};
use crate::support::rotation::{InForce, begin, go_on, keep, with};

/// Says that what was `"0"` is `"1"`.
const OFF: &str = r#"NODE_TLS_REJECT_UNAUTHORIZED: "0""#;
const ON: &str = r#"NODE_TLS_REJECT_UNAUTHORIZED: "1""#;
const CONFIRMED: &str = "reset-doadmin: done\n";

#[test]
fn forward_postgres_alone() {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    let (before, first) = (keep(&rig), InForce::first(&rig));
    begin(&desk, &rig, "postgres", CONFIRMED, &[]).ends_with(0);

    let now = InForce { pg: rig.doctl().password(), ..first.clone() };
    assert_ne!(now.pg, first.pg);
    assert!(!rig.pg_accepts(&first.pg));
    now.holds(&rig);
    assert_eq!(keep(&rig), with(&with(&before, OFF, ON), &first.pg, &now.pg));
}

#[test]
fn forward_valkey_alone_with_certificates_checked_before() {
    let rig = Rig::start_with(crate::support::rig::Options { tls_checked: true, ..Default::default() });
    let desk = Desk::beside(&rig);
    let (before, first) = (keep(&rig), InForce::first(&rig));
    begin(&desk, &rig, "valkey", "", &[]).ends_with(7);
    assert_eq!(keep(&rig), before, "nothing is in the files before the new password is known");
    let now = InForce { valkey: rig.press_reset_in_panel(&first.valkey), ..first.clone() };
    desk.keep_secret("valkey", &now.valkey);
    go_on(&desk, "resume", "reset-valkey: { new_valkey_password: 'file:valkey' }").ends_with(0);

    assert!(!rig.redis_accepts(&first.valkey));
    now.holds(&rig);
    assert_eq!(keep(&rig), with(&before, &first.valkey, &now.valkey));
    assert!(rig.doctl().calls().iter().all(|call| !call.contains("reset")), "Postgres is left alone");
}

#[test]
fn forward_both_and_nothing_left_behind() {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    let (before, first) = (keep(&rig), InForce::first(&rig));
    begin(&desk, &rig, "both", CONFIRMED, &[]).ends_with(7);
    let now = InForce { pg: rig.doctl().password(), valkey: rig.press_reset_in_panel(&first.valkey) };
    desk.keep_secret("valkey", &now.valkey);
    go_on(&desk, "resume", "reset-valkey: { new_valkey_password: 'file:valkey' }").ends_with(0);

    assert!(!rig.pg_accepts(&first.pg) && !rig.redis_accepts(&first.valkey));
    now.holds(&rig);
    let after = with(&with(&with(&before, OFF, ON), &first.pg, &now.pg), &first.valkey, &now.valkey);
    assert_eq!(keep(&rig), after);
    let folder = desk.run_folder();
    assert!(!folder.join("vault.age").exists(), "the vault is gone with the end of the run");
    // A wrong password pasted, an unknown input, a second answer: nothing of that starts anything.
    desk.call(["resume", &desk.run_id(), "--unattended"]).ends_with(2);
}

/// What doctl did, when its answer did not come, is asked of Postgres; the password in force is read, not made again.
#[test]
fn a_reset_that_goes_wrong_is_told_as_it_is() {
    let rig = Rig::start();
    for (fault, acted) in [(Fault::Fail, false), (Fault::ActThenFail, true)] {
        let desk = Desk::make(&rig.folder().join(format!("{fault:?}")));
        let desk = desk.with_env(rig.env());
        let before = rig.doctl().password();
        rig.doctl().fault("databases user reset", fault);
        let called = begin(&desk, &rig, "postgres", CONFIRMED, &["--on-failure", "stop"]).ends_with(1);
        assert!(called.out.contains("FAILED reset-doadmin"), "{}", called.out);
        assert_eq!(rig.doctl().password() != before, acted);
        rig.doctl().mend();

        go_on(&desk, "rollback", "").ends_with(4);
        let now = InForce { pg: rig.doctl().password(), valkey: rig.first_redis_password().to_owned() };
        now.holds(&rig);
        let journal: Vec<String> = desk.journal().iter().map(brief).collect();
        assert!(journal.contains(&"performed reset-doadmin failed".to_owned()), "{journal:#?}");
    }
}
