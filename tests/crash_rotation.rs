//! The real rotation of Postgres's password, killed again and again at exact places, on with `resume`, until it is through.
//!
//! Each call is killed at its first place; while no further step gets done, the next call is killed at one place later. So
//! the knife falls at every place between one step's outcome and the next.

use std::collections::BTreeSet;

use crate::support::desk::{Desk, brief};
use crate::support::knife::{Knife, in_flight};
use crate::support::rig::Rig;
use crate::support::rotation::{InForce, keep, run_words, with};

/// Everything that may be unknown is done again; the resets too, each of which makes a new password.
const ANSWERS: &str = "
keep-copies: { unknown: retry }
check-certificates: { unknown: retry }
restart-with-checks: { unknown: retry }
reset-doadmin: { confirm: done, unknown: retry }
write-pg-password: { unknown: retry }
restart-after-postgres: { unknown: retry }
";

/// Takes one rotation to its end, killed at one place after the other, and holds what must be true then.
fn comes_through(place: fn(usize) -> Knife) {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    let (before, first) = (keep(&rig), InForce::first(&rig));
    let answers = desk.answers("answers.yaml", ANSWERS);
    let unattended = ["--unattended", "--answers", &answers].map(str::to_owned);
    let mut words: Vec<String> = run_words(&rig, "postgres").into_iter().chain(unattended.clone()).collect();
    // The first call makes the journal; records can be counted from the second on.
    let (mut knife, mut at) = (Knife::Sync(1), 0);
    let (mut done, mut kills, mut resets_out) = (0, 0, 0);
    loop {
        let called = knife.over(&desk, &words);
        let journal = desk.journal();
        let told = journal.iter().map(brief).collect::<Vec<_>>().join("\n");
        if called.code.is_some() {
            called.ends_with(0);
            break;
        }
        kills += 1;
        assert!(kills < 200, "it does not get on\n{told}");
        if told.ends_with("\nended") {
            break;
        }
        resets_out += usize::from(in_flight(&journal).is_some_and(|out| out.step.as_str() == "reset-doadmin"));
        let now = told.lines().filter(|line| line.starts_with("performed ") && line.ends_with(" ok"));
        let now = now.collect::<BTreeSet<_>>().len();
        at = if now > done { 1 } else { at + 1 };
        (done, knife) = (now, place(at));
        words = ["resume".to_owned(), desk.run_id()].into_iter().chain(unattended.clone()).collect();
    }
    assert!(kills >= 15, "killed {kills} times only");
    eprintln!("killed {kills} times");

    let resets = rig.doctl().calls().iter().filter(|call| call.contains("user reset")).count();
    assert!((1..=1 + resets_out).contains(&resets), "{resets} resets, out at {resets_out} of the kills");
    let now = InForce { pg: rig.doctl().password(), ..first.clone() };
    assert_ne!(now.pg, first.pg);
    now.holds(&rig);
    let off = r#"NODE_TLS_REJECT_UNAUTHORIZED: "0""#;
    let on = r#"NODE_TLS_REJECT_UNAUTHORIZED: "1""#;
    assert_eq!(keep(&rig), with(&with(&before, off, on), &first.pg, &now.pg));
}

#[test]
fn a_rotation_killed_at_one_sync_after_the_other() {
    comes_through(Knife::Sync);
}

#[test]
fn a_rotation_killed_before_one_record_after_the_other() {
    comes_through(Knife::Append);
}
