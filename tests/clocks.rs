//! The clocks of a run: the window, what is left to do, the way back, the exposure; told as stories, and as what holds for every
//! run.
//!
//! Time goes on by a second with each input.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests a failure is said by failing")]

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use runsheet::engine::window::Clocks;
use runsheet::engine::{
    Engine, Expected, Input, Pace, Record, Refusal, Run, Stage, Stamped, StepState, Target, expected, undo,
};
use runsheet::playbook::plan::{Plan, StepId};
use runsheet::words::{self, clocks as said};

use crate::properties::{run, tale, walk};
use crate::story::{Story, record};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn clocks(story: &Story, now: i64) -> Clocks {
    story.engine.run().clocks(story.engine.plan(), at(now))
}

fn secs(time: Duration) -> u64 {
    time.as_secs()
}

/// The first step that changes something starts the window; it is told down, and up once it is over.
#[test]
fn the_window_counts_from_the_first_change() {
    let mut story =
        Story::of("@window 100; look: run read-only; change: run undo; last: run undo").told("begin; go look; ok look");
    let window = clocks(&story, 60).window.unwrap();
    assert_eq!((window.ends, window.left), (None, SignedDuration::from_secs(100)), "looking is no change");
    assert_eq!(said::window(&window), "1m 40s; it begins with the first step that changes something");
    story = story.told("go change"); // at second 4
    let window = clocks(&story, 64).window.unwrap();
    assert_eq!((window.ends, window.left), (Some(at(104)), SignedDuration::from_secs(40)));
    assert_eq!(said::window(&window), "40s left of 1m 40s");
    story = story.told("extend 60 the reset hangs");
    assert_eq!(said::window(&clocks(&story, 64).window.unwrap()), "1m 40s left of 2m 40s, 1m of it added");
    let over = clocks(&story, 170).window.unwrap();
    assert_eq!(said::window(&over), "OVER by 6s (2m 40s, 1m of it added)");
    assert!(said::is_over(&over) && !said::is_over(&window));
}

/// Once the window is over, the next start needs a word: a reason, or a longer window. Only once, and not in a rollback.
#[test]
fn the_first_start_after_the_window_needs_a_reason() {
    let plan = "@window 3; a: run undo; b: run undo; c: run undo; d: run undo";
    let mut story = Story::of(plan).told("begin; go a; ok a"); // the window ends at second 5
    assert_eq!(
        story.say("overrun early"),
        Err(Refusal::NotNow { what: "go on beyond a window that is not over".into() })
    );
    let by_ms = 0;
    assert_eq!(story.say("go b"), Err(Refusal::WindowOver { step: StepId::new("b"), by_ms }));
    assert_eq!(story.say("go b"), Err(Refusal::WindowOver { step: StepId::new("b"), by_ms: 1000 }));
    assert_eq!(story.say("go c").unwrap_err(), story_refusal(&story, "c"), "what is not its turn is refused for that");
    let told = story.say("overrun").unwrap_err();
    assert_eq!(told, Refusal::NeedsReason);
    story = story.told("overrun it-hangs; go b; ok b; go c; ok c");
    assert_eq!(story.engine.run().overruns.len(), 1, "asked once");
    story = story.told("extend 30 more time; go d; fail d");
    assert_eq!(clocks(&story, 20).window.unwrap().left, SignedDuration::from_secs(15));
    let deviations = &story.engine.run().deviations;
    assert_eq!(
        deviations.iter().map(words::deviation).collect::<Vec<_>>(),
        ["b went on after the window was over: it-hangs", "the run had its window extended: by 30 s: more time"]
    );
    // A longer window that is over again is another one.
    for _ in 0..30 {
        let _ = story.say("note tick");
    }
    assert!(matches!(story.say("go d"), Err(Refusal::WindowOver { .. })));
    let story = story.told("rollback; undo d.1; ok d.1; undo c.1; ok c.1");
    assert_eq!(story.marks(), "a:done b:done c:undone d:undone | undo b.1", "a rollback is never held up");
}

fn story_refusal(story: &Story, step: &str) -> Refusal {
    let current = story.engine.run().current(story.engine.plan()).map(|step| step.id.clone());
    Refusal::NotCurrent { step: StepId::new(step), current }
}

/// What waits for a person to begin by itself, the steps after a rollback and a playbook without a window are not asked.
#[test]
fn a_window_holds_up_nothing_else() {
    let story =
        Story::of("@window 1; a: run undo; q: question; z: run after").told("begin; go a; note x; ok a; answer q");
    assert_eq!(story.marks(), "a:done q:done z:pending | over");
    let story = Story::of("@window 1; a: run undo; b: run; z: run after")
        .told("begin; go a; ok a; note x; rollback; undo a.1; ok a.1; go z; ok z");
    assert_eq!(story.marks(), "a:undone b:pending z:done | over");
    let mut story = Story::of("a: run undo").told("begin");
    assert_eq!(story.say("extend 5 why"), Err(Refusal::NoWindow));
    let mut story = Story::of("@window 1; a: run undo").told("begin");
    assert_eq!(story.say("extend 5"), Err(Refusal::NeedsReason));
    assert_eq!(story.say("extend 0 why"), Err(Refusal::NeedsReason));
}

/// Estimates, then the medians of earlier runs; people apart; a step that goes on counts down.
#[test]
fn what_is_left_to_do() {
    let plan = "@window 300; a: run undo takes=60; b: manual takes=40; c: run; d: wait; e: run takes=20 when=env:y";
    let mut story = Story::of(&format!("@input env; {plan}"));
    let input = crate::story::input("begin env=x", story.engine.plan(), story.engine.run());
    let Input::Begin { mut begun, typed } = input else { panic!() };
    begun.expected = BTreeMap::from([(StepId::new("c"), Expected { work_ms: 8_000, people_ms: 2_000, runs: 4 })]);
    story.put(Input::Begin { begun, typed }).unwrap();
    let now = clocks(&story, 1);
    assert_eq!((secs(now.work_left), secs(now.people_left), now.unknown), (60 + 8 + 30, 42, 0), "e is not in this run");
    assert_eq!(said::to_do(&now).unwrap(), "about 1m 38s of work, and people for 42s");
    story = story.told("go a"); // at second 2
    assert_eq!(secs(clocks(&story, 12).work_left), 50 + 38);
    assert_eq!(secs(clocks(&story, 300).work_left), 38, "a step that takes longer has nothing left, not less");
    story = story.told("ok a; go b");
    assert_eq!(secs(clocks(&story, 14).people_left), 32);
    story = story.told("answer b; go c; ok c; go d; ok d");
    assert_eq!(said::to_do(&clocks(&story, 20)), None);
    let unknown = Story::of("a: run; b: manual; c: check").told("begin");
    assert_eq!(said::to_do(&clocks(&unknown, 1)).unwrap(), "about 0s of work; 2 steps without an estimate");
}

/// A step takes as long back as forth, and what is done after a rollback counts.
#[test]
fn the_last_moment_for_a_rollback() {
    let plan =
        "@window 100; a: run undo takes=20; b: run undo takes=30; c: run read-only takes=9; z: run after takes=5";
    let mut story = Story::of(plan).told("begin");
    let none = clocks(&story, 1);
    assert_eq!((none.rollback_needs, none.last_safe_rollback), (Duration::ZERO, None), "nothing to undo");
    story = story.told("go a; ok a"); // the window ends at second 102
    let now = clocks(&story, 3);
    assert_eq!((secs(now.rollback_needs), now.last_safe_rollback), (25, Some(at(77))));
    assert_eq!(
        said::rollback(&now, at(10)).unwrap(),
        "a rollback takes about 25s and fits until 00:01:17Z (1m 7s from now)"
    );
    assert_eq!(said::rollback(&now, at(78)).unwrap(), "a rollback takes about 25s and NO LONGER FITS into the window");
    // With b it takes 55 s, and b itself 30.
    let warns = |story: &Story, step: &str, now: i64| {
        let (plan, run) = (story.engine.plan(), story.engine.run());
        run.no_way_back(plan, plan.step(&StepId::new(step)).unwrap(), at(now))
            .map(|warning| said::no_way_back(&warning))
    };
    assert_eq!(warns(&story, "b", 17), None, "85 s are left: it fits to the second");
    assert_eq!(
        warns(&story, "b", 18).unwrap(),
        "after this step a rollback no longer fits into the window: it needs about 55s, 54s left"
    );
    assert!(warns(&story, "b", 90).unwrap().ends_with("it needs about 55s, the window will be over"));
    assert_eq!(warns(&story, "b", 102), None, "it is over already, which is asked about");
    assert_eq!(warns(&story, "c", 90), None, "it changes nothing");
    story = story.told("go b; ok b; rollback; undo b.1");
    assert_eq!(secs(clocks(&story, 9).rollback_needs), 55, "until its last action is settled");
    story = story.told("ok b.1");
    assert_eq!((secs(clocks(&story, 9).rollback_needs), secs(clocks(&story, 9).work_left)), (25, 25));
    story = story.told("undo a.1; ok a.1");
    assert_eq!(secs(clocks(&story, 9).rollback_needs), 5, "what comes after it");
    let story = story.told("go z; ok z");
    assert_eq!(clocks(&story, 9).last_safe_rollback, None, "it is over");
}

/// Exposed is who has begun what cannot be undone, until what it verifies holds: over failures, and over the way forward.
#[test]
fn the_exposure_ends_with_the_verification() {
    let exposed =
        |story: &Story| clocks(story, 99).exposed_since.map(|(step, since)| (step.to_string(), since.as_second()));
    let mut story = Story::of("a: run verify undo-verified irreversible; b: run").told("begin");
    assert_eq!(exposed(&story), None);
    story = story.told("go a; fail a; go a; ok a; bad a");
    assert_eq!(exposed(&story), Some(("a".to_owned(), 2)), "since it first started");
    assert_eq!(said::exposed(&clocks(&story, 99), at(99)).unwrap(), "1m 37s since a started, not verified yet");
    story = story.told("verify a; pass a");
    assert_eq!(exposed(&story), None);
    let over = |story: &Story| {
        let over = clocks(story, 99).exposures;
        let told = |one: &runsheet::engine::window::Exposure| {
            (one.from.as_second(), one.until.map(Timestamp::as_second), one.verified)
        };
        over.iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(over(&story), [(2, Some(8), true)]);
    story = story.told("go b; fail b; rollback; undo a.1; ok a.1");
    assert_eq!(exposed(&story), Some(("a".to_owned(), 12)), "the way forward exposes it again");
    story = story.told("pass a.1");
    assert_eq!(over(&story), [(2, Some(8), true), (12, Some(14), true)]);
    // What a person says proves nothing where a probe could.
    let story =
        Story::of("a: run verify irreversible; b: question").told("begin; go! a; ok a; bad a; hand a in-the-console");
    assert_eq!(exposed(&story), Some(("a".to_owned(), 2)));
    let story = story.told("answer b");
    assert_eq!((exposed(&story), over(&story)), (None, vec![(2, Some(6), false)]), "closed with the run, unverified");
    let story = Story::of("a: manual irreversible; b: question").told("begin; go! a; hand a in-the-console");
    assert_eq!(over(&story), [(2, Some(3), true)], "there is nothing to ask");
}

fn stamped(told: &[(i64, Record)]) -> Vec<Stamped> {
    told.iter().map(|(second, record)| Stamped { at: at(*second), record: record.clone() }).collect()
}

/// The times of earlier runs are read off their records: the program's and people's apart, nobody's when nobody was there.
#[test]
fn how_long_steps_took() {
    let pace = |shift: i64| {
        let target = |id: &str| Target::step(&StepId::new(id));
        let started = |id: &str| Record::Started { target: target(id), attempt: 1, retry: false, despite: None };
        let ended = |id: &str| Record::Performed {
            target: target(id),
            attempt: 1,
            outcome: crate::story::outcome(runsheet::engine::How::Ok, &[]),
        };
        let answered = Record::Answered {
            target: target("b"),
            values: BTreeMap::new(),
            secrets: Vec::new(),
            fingerprints: BTreeMap::new(),
        };
        let probed = Record::Probed { target: target("a"), verdicts: Vec::new() };
        let resumed = Record::Resumed {
            operator: String::new(),
            account: String::new(),
            host: String::new(),
            program: String::new(),
        };
        let note = Record::Note { step: None, text: "x".to_owned() };
        let records = stamped(&[
            (0, Record::Begun(Box::default())),
            (5, started("a")),
            (6, note),
            (15 + shift, ended("a")),
            (18 + shift, probed),
            (20 + shift, Record::Paused { why: "left".to_owned() }),
            (900, resumed),
            (904, started("b")),
            (934, answered),
            (935, Record::Skipped { target: target("c"), reason: None, by_playbook: false }),
        ]);
        let mut pace = Pace::default();
        for record in &records {
            pace.take(record);
        }
        pace
    };
    let expects = |work, people, runs| Expected { work_ms: work, people_ms: people, runs };
    let of = |runs: &[Pace]| {
        expected(runs).into_iter().map(|(step, expected)| (step.to_string(), expected)).collect::<Vec<_>>()
    };
    assert_eq!(of(&[pace(0)]), [("a".to_owned(), expects(13_000, 5_000, 1)), ("b".to_owned(), expects(0, 34_000, 1))]);
    assert_eq!(of(&[pace(0), pace(7), pace(50)])[0].1, expects(20_000, 5_000, 3), "the one in the middle");
    assert_eq!(of(&[pace(0), pace(10)])[0].1, expects(18_000, 5_000, 2));
    let mut back = pace(0);
    back.take(&Stamped { at: at(990), record: Record::RollbackBegun { to: None, by_policy: false } });
    assert_eq!(of(&[back]), [], "a run that was rolled back tells nothing");
}

/// What the clocks of a run say just when a record was written.
fn after(engine: &Engine, stamped: &Stamped) -> Clocks {
    engine.run().clocks(engine.plan(), stamped.at)
}

fn done(run: &Run) -> Vec<bool> {
    run.steps.iter().map(runsheet::engine::StepRun::finished).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What is left and what is gone is what was planned and what was added; and what is over is asked about once.
    #[test]
    fn left_and_gone_are_planned_and_added((text, says) in run()) {
        walk(&text, &says, |_, engine, turn| {
            let Some(last) = turn.and_then(|turn| turn.records.last()) else { return };
            let (run, clocks) = (engine.run(), after(engine, last));
            assert_eq!(clocks.window.is_some(), engine.plan().window.is_some());
            let (Some(window), None) = (clocks.window, run.ended) else { return };
            let all = SignedDuration::try_from(window.planned + window.extended).unwrap();
            let gone = run.window_from.map_or(SignedDuration::ZERO, |from| last.at.duration_since(from));
            assert_eq!(window.left + gone, all, "{text}");
            assert_eq!(window.ends.is_some(), run.window_from.is_some());
        });
    }

    /// Once somebody said why, the start that was refused is not refused for the window again.
    #[test]
    fn a_reason_is_enough((text, says) in run()) {
        walk(&text, &says, |_, engine, turn| {
            let Some(last) = turn.and_then(|turn| turn.records.last()) else { return };
            let Some(step) = engine.run().current(engine.plan()).map(|step| step.id.clone()) else { return };
            let go = Input::Go { step, confirmed: true };
            let mut engine = engine.clone();
            if let Err(Refusal::WindowOver { .. }) = engine.handle(go.clone(), last.at) {
                assert_eq!(engine.run().stage, Stage::Walking);
                engine.handle(Input::Overrun { reason: "late".to_owned(), by_policy: false }, last.at).unwrap();
                assert!(!matches!(engine.handle(go, last.at), Err(Refusal::WindowOver { .. })));
            }
        });
    }

    /// What is left to do does not grow by a step that comes to its end.
    #[test]
    fn less_is_left_with_every_step((text, says) in run()) {
        walk(&text, &says, |before, engine, turn| {
            let Some(last) = turn.and_then(|turn| turn.records.last()) else { return };
            let (was, is) = (before.run(), engine.run());
            let started = turn.unwrap().records.iter().any(|stamped| !matches!(stamped.record, Record::Performed { .. } | Record::Probed { .. } | Record::Answered { .. } | Record::Skipped { .. } | Record::ByHand { .. } | Record::Saved { .. }));
            let finished = done(is).iter().zip(done(was)).any(|(is, was)| *is && !was);
            if was.stage != Stage::Walking || is.stage != Stage::Walking || started || !finished {
                return;
            }
            let (then, now) = (was.clocks(before.plan(), last.at), after(engine, last));
            assert!(now.work_left + now.people_left <= then.work_left + then.people_left, "{text}");
            assert!(now.unknown <= then.unknown);
        });
    }

    /// Going on makes the last moment for a rollback no later.
    #[test]
    fn the_way_back_gets_no_longer_by_going_on((text, says) in run()) {
        walk(&text, &says, |before, engine, turn| {
            let Some(turn) = turn else { return };
            let Some(last) = turn.records.last() else { return };
            let other = |stamped: &Stamped| matches!(stamped.record, Record::WindowExtended { .. } | Record::RollbackBegun { .. } | Record::RollbackEnded { .. });
            if before.run().stage != Stage::Walking || engine.run().stage != Stage::Walking || turn.records.iter().any(other) {
                return;
            }
            let (then, now) = (before.run().clocks(before.plan(), last.at), after(engine, last));
            if let (Some(then), Some(now)) = (then.last_safe_rollback, now.last_safe_rollback) {
                assert!(now <= then, "{text}");
            }
            assert!(now.rollback_needs >= then.rollback_needs, "{text}");
        });
    }

    /// The service is exposed from the start of a step that cannot be undone until it was verified, and no longer: told by records
    /// alone.
    #[test]
    fn exposed_until_verified((text, says) in run()) {
        let mut engine = None;
        let mut open: BTreeMap<StepId, bool> = BTreeMap::new();
        let (plan, records) = walk(&text, &says, |_, _, _| ());
        for stamped in &records {
            let engine = engine.get_or_insert_with(|| Engine::new(std::sync::Arc::clone(&plan)));
            engine.replay(stamped);
            follow(&plan, engine.run(), &stamped.record, &mut open);
            let run = engine.run();
            for (step, open) in &open {
                let is = run.exposures.iter().any(|exposure| exposure.step == *step && exposure.until.is_none());
                prop_assert_eq!(is, *open && run.stage != Stage::Over, "{} after {}: {}: {}", step, record(&stamped.record), text, tale(&records));
            }
            for exposure in &run.exposures {
                prop_assert!(exposure.until.is_none_or(|until| until >= exposure.from && (exposure.verified || run.stage == Stage::Over || run.began_at.is_some())));
                prop_assert!(open.contains_key(&exposure.step));
            }
        }
    }
}

/// Follows whether a step is exposed: it is from any start of it or of its undo until the state that verification gives, unless a
/// person's word stands for a probe.
fn follow(plan: &Plan, run: &Run, record: &Record, open: &mut BTreeMap<StepId, bool>) {
    let target = match record {
        Record::Started { target, .. }
        | Record::Saved { target, .. }
        | Record::Performed { target, .. }
        | Record::Probed { target, .. }
        | Record::Answered { target, .. }
        | Record::ByHand { target, .. }
        | Record::Skipped { target, .. } => target,
        Record::SignedOff { step: Some(step), .. } => &Target::step(step),
        Record::Ended { .. } => return open.values_mut().for_each(|open| *open = false),
        _ => return,
    };
    let step = plan.step(&target.step).unwrap();
    if step.irreversible.is_none() {
        return;
    }
    let state = &run.steps[plan.index[&step.id]];
    if matches!(record, Record::Started { .. }) {
        open.insert(step.id.clone(), true);
    }
    let by_word = |action: Option<&runsheet::playbook::plan::Action>, said: bool| {
        said && action.is_some_and(|action| !action.verify.is_empty())
    };
    let over = match (target.undo, state.state) {
        (None, StepState::Done | StepState::Warned) => !by_word(Some(&step.action), state.by_hand),
        (Some(_), StepState::RolledBack) => {
            undo::actions(step).iter().zip(&state.undo).all(|(action, run)| match action {
                undo::UndoAction::Restore => true,
                undo::UndoAction::Author(action) => !by_word(Some(action), run.note.is_some()),
            })
        }
        _ => false,
    };
    if over && let Some(open) = open.get_mut(&step.id) {
        *open = false;
    }
}
