//! The real rotation, killed at exact places: kill -9 before a record is written or before it is synced, on with `resume`, and
//! what is true on the servers and in the files when it is through.
//!
//! Everything that may be unknown is answered with `retry`, the edits and the reset too. In the suite the knife falls where
//! something was done that is not on record: after an edit, a reset, a restart. The whole sweep, every record and every
//! sync, takes minutes and is run by hand.

#![expect(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::fs;
use std::path::Path;

use crate::support::desk::{Desk, brief};
use crate::support::knife::Knife;
use crate::support::process::write_with_mode;
use crate::support::rig::Rig;
use crate::support::rotation::{InForce, keep, run_words, with};

const ANSWERS: &str = "
keep-copies: { unknown: retry }
check-certificates: { unknown: retry }
restart-with-checks: { unknown: retry }
reset-doadmin: { confirm: done, unknown: retry }
write-pg-password: { unknown: retry }
restart-after-postgres: { unknown: retry }
";
const OFF: &str = r#"NODE_TLS_REJECT_UNAUTHORIZED: "0""#;
const ON: &str = r#"NODE_TLS_REJECT_UNAUTHORIZED: "1""#;

/// What is under the knife.
#[derive(Clone, Copy, Debug)]
enum Under {
    /// The run from its beginning. It can only be killed at a sync: where its journal will be is not known before.
    Run,
    /// The run gone on with from its first step, at which it was killed.
    Resume,
}

/// A rig that is rotated again and again, each time as if for the first time.
struct Bench {
    rig: Rig,
    trials: usize,
}

/// What became of a trial.
struct Outcome {
    killed: bool,
    /// What was written under the knife or, if nothing was killed, to the end.
    records: Vec<String>,
}

impl Bench {
    fn start() -> Self {
        Self { rig: Rig::start(), trials: 0 }
    }

    fn desk(&mut self) -> Desk {
        self.trials += 1;
        let place = self.rig.folder().join(format!("trial-{}", self.trials));
        Desk::make(&place).with_env(self.rig.quick_env())
    }

    /// Rotates once, killed or not, and holds what must be true once it has come through.
    fn rotates(&mut self, under: Under, knife: Option<Knife>) -> Outcome {
        let desk = self.desk();
        let rig = &self.rig;
        let config = rig.app_root().join("ecosystem.config.js");
        turned_off(&config);
        let (before, first) =
            (keep(rig), InForce { pg: rig.doctl().password(), valkey: rig.first_redis_password().to_owned() });
        let answers = desk.answers("answers.yaml", ANSWERS);
        let unattended = ["--unattended", "--answers", &answers].map(str::to_owned);
        let run: Vec<String> = run_words(rig, "postgres").into_iter().chain(unattended.clone()).collect();
        let resume = |desk: &Desk| ["resume".to_owned(), desk.run_id()].into_iter().chain(unattended.clone()).collect();
        let words: Vec<String> = match under {
            Under::Run => run,
            Under::Resume => {
                let begun = Knife::Sync(2).over(&desk, &run);
                assert_eq!(begun.code, None, "killed at its first step\n{}{}", begun.out, begun.err);
                resume(&desk)
            }
        };
        let known = if desk.runs().is_empty() { 0 } else { desk.journal().len() };
        let called = match knife {
            Some(knife) => knife.over(&desk, &words),
            None => desk.call(&words),
        };
        let killed = called.code.is_none();
        if !killed {
            called.ends_with(0);
        }
        // Nothing is left of a run whose first record was not written.
        let journal = if desk.runs().is_empty() { Vec::new() } else { desk.journal() };
        let records: Vec<String> = journal.iter().skip(known).map(brief).collect();
        if journal.is_empty() {
            return Outcome { killed, records };
        }
        if records.last().is_none_or(|last| last != "ended") {
            desk.call(resume(&desk)).ends_with(0);
        }
        assert_eq!(&desk.journal()[..journal.len()], &journal[..], "what was written stays");
        let now = InForce { pg: rig.doctl().password(), ..first.clone() };
        assert_ne!(now.pg, first.pg);
        now.holds(rig);
        assert_eq!(
            keep(rig),
            with(&with(&before, OFF, ON), &first.pg, &now.pg),
            "{knife:?} after\n{}",
            records.join("\n")
        );
        Outcome { killed, records }
    }

    /// Kills at the first such place, the second, … until nothing is killed any more. Says how often something was.
    fn sweep(&mut self, under: Under, knife: impl Fn(usize) -> Knife) -> usize {
        (1..300).take_while(|number| self.rotates(under, Some(knife(*number))).killed).count()
    }
}

/// Puts a file of the last trial back to where certificates are not checked.
fn turned_off(config: &Path) {
    let text = fs::read_to_string(config).expect("read the file");
    write_with_mode(config, 0o640, &text.replace(ON, OFF));
}

/// After an edit, a reset, a restart, before any of it is on record.
#[test]
fn killed_after_what_was_done() {
    let mut bench = Bench::start();
    let records = bench.rotates(Under::Resume, None).records;
    for wanted in [
        "performed check-certificates ok",
        "performed reset-doadmin ok",
        "performed write-pg-password ok",
        "performed restart-after-postgres ok",
    ] {
        let number = records.iter().position(|record| record == wanted).expect("it is in the journal") + 1;
        let outcome = bench.rotates(Under::Resume, Some(Knife::Append(number)));
        assert!(outcome.killed, "killed before {wanted}");
        assert_eq!(outcome.records, records[..number - 1]);
    }
}

/// Everywhere. By hand: `cargo test --test all crash_rotation -- --ignored --nocapture`.
#[test]
#[ignore = "takes about twenty-five minutes; the suite has the places that matter most"]
fn killed_at_every_record_and_every_sync() {
    let mut bench = Bench::start();
    let run = bench.sweep(Under::Run, Knife::Sync);
    let syncs = bench.sweep(Under::Resume, Knife::Sync);
    let records = bench.sweep(Under::Resume, Knife::Append);
    println!("killed {run} times at a sync of the run, {syncs} at one of its going on, {records} before a record");
    assert!(run.min(syncs) >= 25 && records >= 40, "killed {run}, {syncs}, {records} times");
}
