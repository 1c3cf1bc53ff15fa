//! The real rotation rolled back from the steps that `back` leaves out: unattended, killed right after the step, or ended.
//!
//! Where a step is done and the next one is not announced yet, the knife falls; then the run is rolled back. So each stop is
//! exact without a person at the screen. Servers and files are asked what is true, never the program.

#![expect(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::collections::BTreeMap;

use crate::support::desk::{Called, Desk, brief};
use crate::support::knife::Knife;
use crate::support::operator::{Asked, Operator};
use crate::support::rig::{Fault, Options, Rig};
use crate::support::rotation::{ANSWERS, InForce, Kept, VALKEY, begin, go_on, keep, plan, run_words, with};
use crate::support::terminal::Terminal;

const OFF: &str = r#"NODE_TLS_REJECT_UNAUTHORIZED: "0""#;
const ON: &str = r#"NODE_TLS_REJECT_UNAUTHORIZED: "1""#;

/// A rig that is rotated and rolled back again and again.
struct Bench {
    rig: Rig,
    rotate: &'static str,
    now: InForce,
    trials: usize,
}

/// A run that stands somewhere, with what was true before it.
struct Standing {
    desk: Desk,
    before: Vec<Kept>,
    first: InForce,
}

impl Bench {
    fn start(rotate: &'static str, options: Options) -> Self {
        let rig = Rig::start_with(options);
        Self { now: InForce::first(&rig), rig, rotate, trials: 0 }
    }

    fn standing(&mut self) -> Standing {
        self.trials += 1;
        let place = self.rig.folder().join(format!("trial-{}", self.trials));
        let desk = Desk::make(&place).with_env(self.rig.quick_env());
        Standing { desk, before: keep(&self.rig), first: self.now.clone() }
    }

    fn answers(&self, desk: &Desk) -> String {
        desk.keep_secret("valkey", &self.now.valkey);
        format!("{ANSWERS}{VALKEY}")
    }

    fn words(&self, desk: &Desk, what: &str) -> Vec<String> {
        let answers = desk.answers("answers.yaml", &self.answers(desk));
        [what, &desk.run_id(), "--unattended", "--answers", &answers].map(str::to_owned).to_vec()
    }

    /// Walks up to the operator's own part, which is done in the panel, or to what else cannot be answered.
    fn begins(&mut self, standing: &Standing) {
        if self.rotate == "postgres" {
            // Killed once its first step is on record: from there every record can be told.
            let answers = standing.desk.answers("answers.yaml", ANSWERS);
            let mut words = run_words(&self.rig, self.rotate);
            words.extend(["--unattended", "--answers", &answers].map(str::to_owned));
            assert_eq!(Knife::Sync(2).over(&standing.desk, &words).code, None, "killed after its first step");
        } else {
            begin(&standing.desk, &self.rig, self.rotate, ANSWERS, &[]).ends_with(7);
            self.now.valkey = self.rig.press_reset_in_panel(&self.now.valkey);
        }
    }

    /// Goes on until a step is done, and is killed before anything is announced after it.
    fn stands_after(&mut self, standing: &Standing, step: &str, number: usize) {
        let words = self.words(&standing.desk, "resume");
        let called = Knife::Append(number).over(&standing.desk, &words);
        assert_eq!(called.code, None, "killed after {step}\n{}\n{}", called.out, called.err);
        let last = standing.desk.journal().last().map(brief).expect("a journal");
        assert!(last.split(' ').nth(1) == Some(step), "killed after {step}: {last}");
        self.now.pg = self.rig.doctl().password();
    }

    /// Walks a whole run, gone on with after its first step, and lists what it writes. It is rolled back as well: a run that
    /// is completed.
    fn reference(&mut self) -> Vec<String> {
        let standing = self.standing();
        self.begins(&standing);
        let known = standing.desk.journal().len();
        self.goes_on(&standing, "resume").ends_with(0);
        let records = standing.desk.journal().iter().skip(known).map(brief).collect();
        self.comes_back(&standing, "the end");
        records
    }

    fn goes_on(&mut self, standing: &Standing, what: &str) -> Called {
        let answers = self.answers(&standing.desk);
        let called = go_on(&standing.desk, what, &answers);
        self.now.pg = self.rig.doctl().password();
        called
    }

    /// Rolls back, and holds what must be true then.
    fn comes_back(&mut self, standing: &Standing, step: &str) {
        let called = self.goes_on(standing, "rollback");
        assert_eq!(called.code, Some(4), "back from {step}\n{}\n{}", called.out, called.err);
        self.is_back(standing, step);
    }

    fn is_back(&self, standing: &Standing, step: &str) {
        self.now.holds(&self.rig);
        let (before, first) = (&standing.before, &standing.first);
        let wanted = with(&with(before, &first.pg, &self.now.pg), &first.valkey, &self.now.valkey);
        assert_eq!(keep(&self.rig), wanted, "after {step}");
    }

    /// Rolls back from behind the last change, under the knife, and holds what must be true once it has come through. Says
    /// whether the knife fell.
    fn is_killed_and_comes_back(&mut self, records: &[String], knife: Knife) -> bool {
        let standing = self.standing();
        self.begins(&standing);
        self.stands_after(&standing, "restart-after-postgres", end_of(records, "restart-after-postgres") + 2);
        let (known, words) = (standing.desk.journal().len(), self.words(&standing.desk, "rollback"));
        let called = knife.over(&standing.desk, &words);
        let has = |what: &str| standing.desk.journal().iter().any(|entry| entry["record"].get(what).is_some());
        let killed = called.code.is_none();
        if !killed {
            called.ends_with(4);
        } else if !has("ended") {
            let what = if has("rollback_begun") { "resume" } else { "rollback" };
            self.goes_on(&standing, what).ends_with(4);
        }
        self.now.pg = self.rig.doctl().password();
        self.is_back(&standing, &format!("{knife:?}"));
        let journal: Vec<String> = standing.desk.journal().iter().skip(known).map(brief).collect();
        for done in journal.iter().filter(|record| record.contains(".undo-") && record.ends_with(" ok")) {
            assert_eq!(journal.iter().filter(|record| *record == done).count(), 1, "{knife:?}: {done} twice");
        }
        killed
    }

    fn comes_back_from_each(&mut self, steps: &[&str]) {
        let records = self.reference();
        for step in steps {
            let standing = self.standing();
            self.begins(&standing);
            self.stands_after(&standing, step, end_of(&records, step) + 2);
            self.comes_back(&standing, step);
        }
    }
}

/// Returns the place of the last record of a step.
fn end_of(records: &[String], step: &str) -> usize {
    let of_step = |record: &String| record.split(' ').nth(1) == Some(step);
    records.iter().rposition(of_step).unwrap_or_else(|| panic!("{step} is in {records:#?}"))
}

/// After a look, nothing has changed: there is nothing to roll back, and the run goes on.
#[test]
fn from_each_look_at_the_beginning() {
    let mut bench = Bench::start("postgres", Options::default());
    let records = bench.reference();
    let standing = bench.standing();
    bench.begins(&standing);
    let mut at = 0;
    // The first of them is done by now, and on record.
    for step in ["files-ready", "authority", "pg-answers", "pg-readable", "process-stable", "healthy-before"] {
        let end = end_of(&records, step);
        // That it goes on is a record of its own each time.
        bench.stands_after(&standing, step, end - at + 2);
        // The call to roll back goes on first, and so passes over what is left out.
        at = end + records[end + 1..].iter().take_while(|record| record.starts_with("left_out")).count();
        let called = bench.goes_on(&standing, "rollback");
        let said = called.err.contains("there is nothing to roll back");
        assert!(said && called.code != Some(4), "{step}: {:?}\n{}\n{}", called.code, called.out, called.err);
        assert_eq!(keep(&bench.rig), standing.before, "after {step}");
    }
    bench.goes_on(&standing, "resume").ends_with(0);
    bench.now.holds(&bench.rig);
}

#[test]
fn from_each_step_at_the_end_of_postgres_and_from_the_end() {
    let mut bench = Bench::start("postgres", Options::default());
    bench.comes_back_from_each(&["new-pg-accepted", "old-pg-refused", "health-ok", "metrics-ok"]);
}

#[test]
fn from_each_step_of_valkey_alone_with_three_files() {
    let options = Options { redis_in_app_env: true, tls_checked: true, ..Options::default() };
    let mut bench = Bench::start("valkey", options);
    bench.comes_back_from_each(&[
        "write-valkey-password",
        "write-valkey-password-app-env",
        "new-valkey-accepted",
        "old-valkey-refused",
        "old-leftovers",
    ]);
}

/// Where the way forward fails, everything else is undone and it is said; once that is mended, the rest is rolled back.
#[test]
fn a_rollback_that_is_incomplete_is_mended() {
    let mut bench = Bench::start("postgres", Options::default());
    let records = bench.reference();
    let standing = bench.standing();
    bench.begins(&standing);
    bench.stands_after(&standing, "restart-after-postgres", end_of(&records, "restart-after-postgres") + 2);
    for command in ["databases user get", "databases user reset"] {
        bench.rig.doctl().fault(command, Fault::Fail);
    }
    let called = bench.goes_on(&standing, "rollback").ends_with(5);
    assert!(called.out.contains("ROLLBACK  incomplete: "), "{}", called.out);
    assert_eq!(keep(&bench.rig), standing.before, "everything else was undone");
    bench.rig.doctl().mend();
    bench.comes_back(&standing, "an incomplete rollback");
}

/// Killed again and again, each time a little later: no undo is carried out twice unless it was out when the knife fell.
#[test]
fn a_rollback_that_is_killed_again_and_again_comes_through() {
    let mut bench = Bench::start("postgres", Options::default());
    let records = bench.reference();
    let standing = bench.standing();
    bench.begins(&standing);
    bench.stands_after(&standing, "restart-after-postgres", end_of(&records, "restart-after-postgres") + 2);
    let known = standing.desk.journal().len();
    let (mut what, mut kills) = ("rollback", 0);
    for number in (2..=5).cycle() {
        let words = bench.words(&standing.desk, what);
        let called = Knife::Sync(number).over(&standing.desk, &words);
        if called.code.is_some() {
            called.ends_with(4);
            break;
        }
        kills += 1;
        assert!(kills < 60, "it does not get on");
        let begun = standing.desk.journal().iter().any(|entry| entry["record"].get("rollback_begun").is_some());
        what = if begun { "resume" } else { "rollback" };
        if standing.desk.journal().last().is_some_and(|entry| entry["record"].get("ended").is_some()) {
            break;
        }
    }
    assert!(kills >= 6, "killed {kills} times only");
    let journal: Vec<String> = standing.desk.journal().iter().skip(known).map(brief).collect();
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    for record in journal.iter().filter(|record| record.contains(".undo-") && record.ends_with(" ok")) {
        *done.entry(record).or_default() += 1;
    }
    assert!(done.len() >= 6 && done.values().all(|times| *times == 1), "{done:#?}");
    bench.is_back(&standing, "the kills");
}

/// Killed everywhere, each time anew. By hand: `cargo test --test all back_quick -- --ignored --nocapture`.
#[test]
#[ignore = "takes about a quarter of an hour; the suite kills one rollback again and again"]
fn a_rollback_that_is_killed_at_every_sync_and_every_record() {
    let mut bench = Bench::start("postgres", Options::default());
    let records = bench.reference();
    let mut sweep = |knife: fn(usize) -> Knife| {
        (1..300).take_while(|number| bench.is_killed_and_comes_back(&records, knife(*number))).count()
    };
    let (syncs, records) = (sweep(Knife::Sync), sweep(Knife::Append));
    println!("killed {syncs} times at a sync of a rollback, {records} times before a record of it");
    assert!(syncs >= 8 && records >= 15, "killed {syncs}, {records} times");
}

/// By keys all the way: the plan is shown first, and each action asks for its own yes.
#[test]
fn by_keys_all_the_way() {
    let mut bench = Bench::start("postgres", Options::default());
    let plan = plan();
    let standing = bench.standing();
    let terminal = Terminal::start(&standing.desk, &run_words(&bench.rig, "postgres"), 120, 40);
    let operator = Operator::at(&terminal, &plan);
    terminal.see("inputs: all there");
    terminal.press("\x1b[21~");
    let mut asked = operator.walks("write-pg-password");
    assert!(matches!(asked, Asked::Next(_, _)), "{asked:?}");
    bench.now.pg = bench.rig.doctl().password();

    terminal.press("b");
    terminal.see("How far? Up and Down choose.");
    terminal.see("What will be done, newest first:");
    terminal.see("Each action is shown and asks for its own y");
    assert_eq!(keep(&bench.rig), with(&with(&standing.before, OFF, ON), &standing.first.pg, &bench.now.pg), "not yet");
    terminal.press("y");
    let mut undone = 0;
    loop {
        asked = operator.asked(Some(&asked));
        match asked {
            Asked::Undo(_) => {
                terminal.press("y");
                undone += 1;
            }
            Asked::Next(_, one_more) => operator.start(one_more),
            Asked::Over => break,
            Asked::Turn(_) | Asked::Decision(_) => panic!("{asked:?}\n{}", terminal.picture()),
        }
    }
    assert!(undone >= 5, "{undone} actions");
    terminal.press("q");
    assert_eq!(terminal.ends().code, Some(4));
    bench.now.pg = bench.rig.doctl().password();
    bench.is_back(&standing, "a rollback by keys");
}
