//! What holds for every plan and every run: plans and runs are made up, and each is looked at from every record of it.
//!
//! `PROPTEST_CASES` says how many; what fails is told as the text of the plan and the inputs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests a failure is said by failing")]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use runsheet::engine::{
    Awaiting, Effect, Engine, Record, Refusal, Stage, Stamped, StepState, Target, Turn, Witness, undo,
};
use runsheet::playbook::plan::{Act, Plan, StepId, Want};

use crate::reports;
use crate::story::{self, Story, input, name};

/// A step in words, without its id.
fn step() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec![
        "run",
        "run",
        "run verify",
        "run log",
        "manual log",
        "check log",
        "edit log",
        "snapshot log",
        "manual",
        "manual verify",
        "question",
        "approval=dba+owner distinct",
        "ask=who",
        "ask=*token",
        "edit",
        "edit verify",
        "snapshot",
        "check",
        "wait",
        "generate",
        "run recapture",
        "run verify recapture",
        "run signs=dba+owner distinct",
        "run verify signs=dba",
        "manual signs=owner",
        "ticks",
        "run evidence=output evidence=text",
        "run verify evidence=made evidence=file?",
        "manual evidence=text",
        "ask=*token evidence=token evidence=text?",
        "run signs=dba+owner distinct",
        "run verify signs=dba",
        "manual signs=owner",
    ]);
    let more = prop::sample::subsequence(
        vec![
            "undo",
            "undo-verified",
            "undo-log",
            "undo-hand",
            "irreversible",
            "read-only",
            "optional",
            "confirm",
            "retry=2",
            "when=env:x",
            "takes=7",
        ],
        0..=3,
    );
    let failure = prop::sample::select(vec!["", "", "", "stop", "continue", "rollback"]);
    (kind, more, failure).prop_map(|(kind, more, failure)| format!("{kind} {} {failure}", more.join(" ")))
}

/// A plan in words.
fn plan() -> impl Strategy<Value = String> {
    let section = prop::sample::select(vec!["", "", "", "", "success", "cleanup", "after"]);
    let steps = prop::collection::vec((step(), section), 0..6);
    let more =
        prop::sample::subsequence(vec!["@sign operator reviewer", "@distinct", "@temporary", "@window 20"], 0..=4);
    (step(), steps, more).prop_map(|(first, steps, more)| {
        let mut text = format!("@input env; s0: {first}");
        for (at, (step, section)) in steps.iter().enumerate() {
            let _ = write!(text, "; s{}: {step} {section}", at + 1);
        }
        if more.contains(&"@sign operator reviewer") {
            text += "; @sign operator reviewer";
            text += if more.contains(&"@distinct") { "; @distinct" } else { "" };
        }
        text += if more.contains(&"@window 20") { "; @window 20" } else { "" };
        text + if more.contains(&"@temporary") { "; @temporary" } else { "" }
    })
}

/// What is said next: something that is to the point, something that is not, or a crash.
#[derive(Clone, Debug)]
pub(crate) enum Next {
    Fitting(Index),
    Anything(Index),
    Crash,
}

fn next() -> impl Strategy<Value = Next> {
    prop_oneof![
        12 => any::<Index>().prop_map(Next::Fitting),
        3 => any::<Index>().prop_map(Next::Anything),
        1 => Just(Next::Crash),
    ]
}

pub(crate) fn run() -> impl Strategy<Value = (String, Vec<Next>)> {
    (plan(), prop::collection::vec(next(), 1..60))
}

/// Whatever can be said about any target of a plan.
fn anything(plan: &Plan) -> Vec<String> {
    let mut words: Vec<String> = [
        "begin env=x",
        "stop",
        "stop!",
        "extend 9 it hangs",
        "overrun late",
        "note hello",
        "call nobody",
        "attached Ada",
        "rollback",
        "removed",
        "pause",
        "abandon enough",
        "sign operator Ada",
        "sign reviewer Grace",
        "refuse operator Ada no",
        "go nothing",
        "undo nothing.1",
    ]
    .map(str::to_owned)
    .into();
    for step in &plan.steps {
        words.extend([format!("rollback {}", step.id), format!("look {}", step.id)]);
        let undo = (1..=undo::actions(step).len() + 1).map(|number| format!("{}.{number}", step.id));
        for target in undo.chain([step.id.to_string()]) {
            let verbs = [
                "go",
                "go!",
                "saved",
                "ok",
                "fail",
                "late",
                "stopped",
                "old",
                "pass",
                "bad",
                "warn",
                "fetched",
                "unfetched",
                "kept",
                "unkept",
                "verify",
                "recapture",
                "undo",
                "skip",
                "answer",
                "clear",
                "refused",
                "proof",
                "file",
                "output",
                "lacks",
            ];
            words.extend(verbs.iter().map(|verb| format!("{verb} {target}")));
            words.extend([
                format!("hand {target} done"),
                format!("skip {target} no"),
                format!("proof {target} so"),
                format!("lacks {target} no"),
                format!("tick {target} 1"),
                format!("untick {target} 2"),
                format!("anyway {target} so be it"),
                format!("answer {target} who=me *token"),
            ]);
        }
    }
    words
}

/// What fits what is awaited.
fn fitting(engine: &Engine) -> Vec<String> {
    let (plan, run) = (engine.plan(), engine.run());
    let rest = |target: &str| {
        vec![
            format!("skip {target} no"),
            format!("hand {target} done"),
            "rollback".to_owned(),
            format!("verify {target}"),
        ]
    };
    match run.awaiting(plan) {
        Awaiting::Begin => vec!["begin env=x".to_owned(), "begin env=y".to_owned()],
        Awaiting::Go(step) => {
            let late = "overrun late".to_owned();
            [vec![format!("go! {step}"); 6], rest(step.as_str()), vec![late]].concat()
        }
        Awaiting::Quiz(step) => vec![format!("quiz {step} right"), format!("quiz {step} wrong"), "rollback".to_owned()],
        Awaiting::Person(target) => {
            let (ticks, target) = (ticks(engine), name(&target));
            [vec![answer(plan, &target); 4], ticks, rest(&target)].concat()
        }
        Awaiting::World(target) => {
            let target = name(&target);
            ["saved", "ok", "ok", "fail", "pass", "pass", "bad", "warn", "fetched", "unfetched", "late", "output"]
                .iter()
                .map(|verb| format!("{verb} {target}"))
                .chain(["stop".to_owned()])
                .collect()
        }
        Awaiting::Decision(step) => {
            let back = plan.steps.iter().map(|step| format!("rollback {}", step.id));
            [vec![format!("go! {step}"), format!("recapture {step}")], rest(step.as_str()), back.collect()].concat()
        }
        Awaiting::Undo(target) => [vec![format!("undo {}", name(&target)); 6], rest(&name(&target))].concat(),
        Awaiting::UndoDecision(target) => [vec![format!("undo {}", name(&target))], rest(&name(&target))].concat(),
        Awaiting::Incomplete => vec!["rollback".to_owned(), "rollback s0".to_owned(), "abandon enough".to_owned()],
        Awaiting::Evidence(step, _) => vec![
            format!("proof {step} so"),
            format!("file {step}"),
            format!("lacks {step} no"),
            format!("lacks {step}"),
            "rollback".to_owned(),
            "abandon enough".to_owned(),
        ],
        Awaiting::SignOff(role) => {
            vec![format!("sign {role} {role}"), format!("refuse {role} Ada no"), "rollback s0".to_owned()]
        }
        Awaiting::Approval(step, role) => vec![
            format!("approve {step} {role} {role}"),
            format!("decline {step} {role} Ada no"),
            format!("skip {step} no"),
            "rollback s0".to_owned(),
        ],
        Awaiting::Closing => vec!["removed".to_owned(), "pause".to_owned()],
        Awaiting::Nothing => vec!["rollback".to_owned(), "rollback s0".to_owned()],
    }
}

/// Ticks the lines that are not ticked yet.
fn ticks(engine: &Engine) -> Vec<String> {
    let Awaiting::Person(target) = engine.run().awaiting(engine.plan()) else { return Vec::new() };
    let lines = engine.run().unticked(engine.plan(), &target);
    lines.iter().map(|line| format!("tick {} {line}", name(&target))).collect()
}

/// Answers exactly what a target asks for.
fn answer(plan: &Plan, target: &str) -> String {
    let target = story::target(target);
    let asks = match (target.undo, plan.step(&target.step).map(|step| &step.action.act)) {
        (None, Some(Act::Person(person))) => person.ask.iter(),
        _ => [].iter(),
    };
    let given = asks.map(|spec| if spec.name.as_str() == "token" { " *token" } else { " who=me" });
    format!("answer {}{}", name(&target), given.collect::<String>())
}

/// Walks a made-up run, with a look at every turn. A crash loses what is out; the engine is made anew of the records.
pub(crate) fn walk(
    text: &str,
    says: &[Next],
    mut look: impl FnMut(&Engine, &Engine, Option<&Turn>),
) -> (Arc<Plan>, Vec<Stamped>) {
    let plan = Arc::new(story::plan::plan(text));
    let pool = anything(&plan);
    let mut story = Story::with(Arc::clone(&plan));
    let mut records: Vec<Stamped> = Vec::new();
    for say in says {
        let before = story.engine.clone();
        let word = match say {
            Next::Fitting(index) => index.get(&fitting(&story.engine)).clone(),
            Next::Anything(index) => index.get(&pool).clone(),
            Next::Crash => {
                story.engine = replayed(&plan, &records);
                look(&before, &story.engine, None);
                "resume".to_owned()
            }
        };
        let Ok(turn) = story.say(&word) else {
            assert_eq!(before.run(), story.engine.run(), "a refused `{word}` changed the run");
            continue;
        };
        records.extend(turn.records.iter().cloned());
        look(&before, &story.engine, Some(&turn));
    }
    (plan, records)
}

fn replayed(plan: &Arc<Plan>, records: &[Stamped]) -> Engine {
    let mut engine = Engine::new(Arc::clone(plan));
    for record in records {
        engine.replay(record);
    }
    engine
}

/// Who brings a run to its end: somebody for whom all goes well, or somebody for whom nothing does.
#[derive(Clone, Copy, Debug)]
enum Luck {
    Good,
    Bad,
}

/// What a simple operator, or the world, says next.
fn simple(engine: &Engine, luck: Luck) -> Option<String> {
    let (plan, run) = (engine.plan(), engine.run());
    Some(match (run.awaiting(plan), luck) {
        (Awaiting::Begin, _) => "begin env=x".to_owned(),
        (Awaiting::Go(step), _) => format!("go! {step}"),
        (Awaiting::Person(target), Luck::Good) => {
            ticks(engine).into_iter().next().unwrap_or_else(|| answer(plan, &name(&target)))
        }
        (Awaiting::Evidence(step, _), Luck::Good) => match run.owed(plan) {
            Some((_, _, spec)) if spec.want == Want::File => format!("file {step}"),
            _ => format!("proof {step} so"),
        },
        (Awaiting::Evidence(step, _), Luck::Bad) => format!("lacks {step} no"),
        (Awaiting::Quiz(step), Luck::Good) => format!("quiz {step} right"),
        (Awaiting::Quiz(step), Luck::Bad) => format!("quiz {step} wrong"),
        (Awaiting::World(target), _) => return Some(world(engine, &target, luck)),
        // Nobody can approve by hand: they are asked again.
        (Awaiting::Decision(step), Luck::Good) if approves(plan, &step) => format!("go! {step}"),
        (Awaiting::Decision(step), Luck::Good) => format!("hand {step} done"),
        (Awaiting::Decision(step) | Awaiting::Approval(step, _), Luck::Bad) => format!("skip {step} no"),
        (Awaiting::Undo(target), _) => format!("undo {}", name(&target)),
        (Awaiting::UndoDecision(target), Luck::Good) => format!("hand {} done", name(&target)),
        (Awaiting::UndoDecision(target) | Awaiting::Person(target), Luck::Bad) => format!("skip {} no", name(&target)),
        (Awaiting::Incomplete, _) => "abandon enough".to_owned(),
        (Awaiting::Approval(step, role), Luck::Good) => format!("approve {step} {role} the-{role}"),
        (Awaiting::SignOff(role), _) => format!("sign {role} the-{role}"),
        (Awaiting::Closing, _) => "removed".to_owned(),
        (Awaiting::Nothing, _) => return None,
    })
}

fn approves(plan: &Plan, step: &StepId) -> bool {
    let act = plan.step(step).map(|step| &step.action.act);
    matches!(act, Some(Act::Person(person)) if person.approval.is_some())
}

/// What the world answers to what is out, without looking at the effect: only one of them is not stale.
fn world(engine: &Engine, target: &Target, luck: Luck) -> String {
    let verbs = match luck {
        Luck::Good => ["saved", "ok", "pass", "fetched", "clear", "output"],
        Luck::Bad => ["fail", "bad", "unfetched", "saved", "refused", "lacks"],
    };
    let fits = |verb: &&str| {
        let mut story = Story::with(Arc::clone(engine.plan()));
        story.engine = engine.clone();
        story.say(&format!("{verb} {} no", name(target))).is_ok()
    };
    let verb = verbs.iter().find(|verb| fits(verb)).unwrap_or_else(|| panic!("nothing ends {target:?}"));
    format!("{verb} {} no", name(target))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Replaying any prefix gives the state that there was. (It starts nothing: `replay` gives no effects.)
    #[test]
    fn any_prefix_replays((text, says) in run()) {
        let plan = Arc::new(story::plan::plan(&text));
        let mut folded = Engine::new(plan);
        walk(&text, &says, |_, after, turn| {
            let Some(turn) = turn else {
                assert_eq!(folded.run(), after.run());
                return;
            };
            turn.records.iter().for_each(|record| folded.replay(record));
            assert_eq!(folded.run(), after.run());
        });
    }

    /// A witness finds nothing in what a run wrote, nor in what it goes on with after it died between any two records.
    #[test]
    fn what_a_run_wrote_is_never_called_wrong((text, says) in run()) {
        let (plan, records) = walk(&text, &says, |_, _, _| ());
        let mut witness = Witness::new(Arc::clone(&plan));
        for (at, record) in records.iter().enumerate() {
            assert_eq!(witness.hear(record), Ok(()), "record {at}: {record:?}");
            let mut resumed = witness.clone();
            let mut story = Story::with(Arc::clone(&plan));
            story.engine = replayed(&plan, &records[..=at]);
            if let Ok(turn) = story.say("resume") {
                for record in &turn.records {
                    assert_eq!(resumed.hear(record), Ok(()), "after record {at}: {record:?}");
                }
            }
        }
    }

    /// Any run can be reported in every format, open or over, and its time is told once.
    #[test]
    fn any_run_can_be_reported((text, says) in run()) {
        let (plan, records) = walk(&text, &says, |_, _, _| ());
        reports::told(&plan, &records);
    }

    /// From any prefix, a run that is taken up again can be brought to its end.
    #[test]
    fn any_prefix_has_an_end((text, says) in run(), luck in prop::sample::select(vec![Luck::Good, Luck::Bad])) {
        let (plan, records) = walk(&text, &says, |_, _, _| ());
        let mut folded = Engine::new(Arc::clone(&plan));
        let ends = |engine: &Engine| {
            let mut story = Story::with(Arc::clone(&plan));
            story.engine = engine.clone();
            if !matches!(engine.run().stage, Stage::Briefing | Stage::Over) {
                story = story.told("resume");
            }
            let enough = 40 * (plan.steps.len() + 2);
            for _ in 0..enough {
                let Some(word) = simple(&story.engine, luck) else { return };
                match story.say(&word) {
                    Err(Refusal::WindowOver { .. }) => story = story.told("overrun late"),
                    Err(refusal) => panic!("`{word}` was refused: {refusal:?}; {}", story.marks()),
                    Ok(_) => {}
                }
            }
            panic!("no end after {enough} inputs: {}", story.marks());
        };
        ends(&folded);
        for record in &records {
            folded.replay(record);
            ends(&folded);
        }
    }

    /// A finished step is not started again but for a rollback of it, and no attempt has the number of another.
    #[test]
    fn nothing_finished_starts_again((text, says) in run()) {
        let (plan, records) = walk(&text, &says, |_, _, _| ());
        let mut folded = Engine::new(Arc::clone(&plan));
        let mut finished: HashSet<StepId> = HashSet::new();
        let mut attempts = HashSet::new();
        let mut back = None;
        for stamped in &records {
            match &stamped.record {
                Record::Started { target, attempt, .. } => {
                    prop_assert!(target.undo.is_some() || !finished.contains(&target.step), "{} again: {text}: {}", target.step, tale(&records));
                    prop_assert!(attempts.insert((target.clone(), *attempt)), "{target:?} has attempt {attempt} twice: {text}: {}", tale(&records));
                }
                Record::RollbackBegun { to, .. } => back = Some(to.clone()),
                _ => {}
            }
            folded.replay(stamped);
            if let (Record::RollbackEnded { failed }, Some(to)) = (&stamped.record, &back) {
                let from = to.as_ref().map_or(0, |to| plan.index[to]);
                if to.is_some() || *failed == 0 {
                    finished.retain(|step| plan.index[step] < from);
                }
            }
            // Undone, even where a second rollback took the place of the first before it came to its end.
            finished.retain(|step| folded.run().steps[plan.index[step]].state != StepState::RolledBack);
            let over = |at: &usize| folded.run().steps[*at].finished();
            finished.extend((0..plan.steps.len()).filter(over).map(|at| plan.steps[at].id.clone()));
        }
    }

    /// An effect is announced by a record before it, and one thing at a time is out that may change something.
    #[test]
    fn intent_comes_before_effect((text, says) in run()) {
        let mut announced: Vec<Record> = Vec::new();
        let mut started: HashSet<String> = HashSet::new();
        let mut out: Option<Target> = None;
        walk(&text, &says, |_, engine, turn| {
            let Some(turn) = turn else {
                out = None;
                return;
            };
            announced.extend(turn.records.iter().map(|stamped| stamped.record.clone()));
            if turn.records.iter().any(|stamped| is_result(&stamped.record)) {
                out = None;
            }
            for effect in &turn.effects {
                let said = |wanted: &dyn Fn(&Record) -> bool| assert!(announced.iter().any(wanted), "{effect:?} unsaid");
                match effect {
                    Effect::Perform { target, attempt, .. } | Effect::Edit { target, attempt, .. } | Effect::Save { target, attempt } | Effect::Restore { target, attempt, .. } => {
                        said(&|record| matches!(record, Record::Started { target: of, attempt: number, .. } if of == target && number == attempt));
                        assert!(started.insert(format!("{effect:?}")), "{effect:?} a second time");
                        assert_eq!(out.replace(target.clone()), None, "{effect:?} beside another");
                    }
                    Effect::Probe { target, .. } => {
                        // A step that was done by hand never started; its probes are asked when the operator says so.
                        said(&|record| {
                            matches!(record, Record::Started { target: of, .. } | Record::VerifyAgain { target: of } if of == target)
                        });
                        assert_eq!(out.replace(target.clone()), None, "{effect:?} beside another");
                    }
                    Effect::LookAhead { step, .. } => {
                        said(&|record| matches!(record, Record::LookAhead { step: of } if of == step));
                        assert_eq!(out.replace(Target::step(step)), None, "{effect:?} beside another");
                    }
                    Effect::Recapture { step } => {
                        said(&|record| matches!(record, Record::RecaptureStarted { step: of } if of == step));
                        assert_eq!(out.replace(Target::step(step)), None, "{effect:?} beside another");
                    }
                    Effect::KeepOutput { step, .. } => {
                        said(&|record| {
                            matches!(record, Record::Started { target: of, .. } | Record::ByHand { target: of, .. } if *of == Target::step(step))
                        });
                        assert_eq!(out.replace(Target::step(step)), None, "{effect:?} beside another");
                    }
                    Effect::Stop { target, .. } | Effect::Enough { target } => assert_eq!(out.as_ref(), Some(target), "stops what is not out"),
                    Effect::RemoveTemporary => said(&|record| matches!(record, Record::Closing { .. })),
                    Effect::Close => said(&|record| matches!(record, Record::Ended { .. })),
                    Effect::Leave => said(&|record| matches!(record, Record::Ended { .. } | Record::Paused { .. })),
                }
            }
            assert_eq!(engine.run().busy.as_ref().map(|busy| &busy.target), out.as_ref(), "the run knows what is out");
        });
    }

    /// What started and may have changed something is in the plan of a rollback until it was undone; then not any more.
    #[test]
    fn what_started_is_undone((text, says) in run()) {
        let (plan, records) = walk(&text, &says, |_, _, _| ());
        let mut folded = Engine::new(Arc::clone(&plan));
        let mut changed: HashSet<StepId> = HashSet::new();
        for stamped in &records {
            let before = folded.run().clone();
            folded.replay(stamped);
            match &stamped.record {
                Record::Started { target: Target { step, undo: None }, .. } | Record::ByHand { target: Target { step, undo: None }, .. } => {
                    changed.insert(step.clone());
                }
                _ => {}
            }
            for (at, step) in plan.steps.iter().enumerate() {
                let now = folded.run().steps[at].state;
                if now == StepState::RolledBack && before.steps[at].state != now {
                    changed.remove(&step.id);
                }
            }
            let undone: Vec<StepId> = undo::plan(&plan, folded.run(), None).into_iter().map(|undo| undo.step).collect();
            let places: Vec<usize> = undone.iter().map(|step| plan.index[step]).collect();
            prop_assert!(places.is_sorted_by(|one, other| one > other), "newest first");
            prop_assert_eq!(undone.into_iter().collect::<HashSet<_>>(), changed.clone(), "{}: {}: {}", story::marks(&plan, folded.run()), text, tale(&records));
        }
    }

    /// A journal that does not belong to the plan, or not in this order, breaks nothing.
    #[test]
    fn foreign_records_break_nothing(
        (text, says) in run(), other in plan(), picks in prop::collection::vec(any::<Index>(), 0..40), says_more in prop::collection::vec(any::<Index>(), 0..20),
    ) {
        let (_, records) = walk(&text, &says, |_, _, _| ());
        let plan = Arc::new(story::plan::plan(&other));
        let pool = anything(&plan);
        let mut story = Story::with(plan);
        for (at, pick) in picks.iter().enumerate().filter(|_| !records.is_empty()) {
            story.engine.replay(pick.get(&records));
            let _ = (story.marks(), undo::plan(story.engine.plan(), story.engine.run(), None));
            if let Some(say) = says_more.get(at) {
                let _ = story.say(say.get::<String>(&pool));
                let _ = story.say("resume");
            }
        }
    }

    /// Every record is the same after a journey through JSON.
    #[test]
    fn records_survive_json((text, says) in run()) {
        let (_, records) = walk(&text, &says, |_, _, _| ());
        for record in records {
            let json = serde_json::to_string(&record).unwrap();
            prop_assert!(!json.contains('\n'), "a record is one line");
            prop_assert_eq!(serde_json::from_str::<Stamped>(&json).unwrap(), record);
        }
    }
}

/// Says what happened, for when it should not have.
pub(crate) fn tale(records: &[Stamped]) -> String {
    records.iter().map(|stamped| story::record(&stamped.record)).collect::<Vec<_>>().join(", ")
}

/// Says whether a record tells that what was out is over.
fn is_result(record: &Record) -> bool {
    match record {
        Record::Performed { .. }
        | Record::Probed { .. }
        | Record::Recaptured { .. }
        | Record::Saved { .. }
        | Record::EvidenceGiven { .. }
        | Record::EvidenceMissing { .. }
        | Record::LookedAhead { .. } => true,
        Record::Begun(_)
        | Record::LeftOut { .. }
        | Record::LookAhead { .. }
        | Record::Started { .. }
        | Record::Answered { .. }
        // What was out stays so: its end was not seen.
        | Record::Recovered { .. }
        | Record::VerifyAgain { .. }
        | Record::RecaptureStarted { .. }
        | Record::ByHand { .. }
        | Record::Skipped { .. }
        | Record::StopAsked { .. }
        | Record::EnoughSeen { .. }
        | Record::WindowExtended { .. }
        | Record::Overrun { .. }
        | Record::Note { .. }
        | Record::HintShown { .. }
        | Record::WhyShown { .. }
        | Record::Looked { .. }
        | Record::QuizAnswered { .. }
        | Record::Called { .. }
        | Record::FaultShown { .. }
        | Record::TimePassed { .. }
        | Record::SecretCopied { .. }
        | Record::Presence(_)
        | Record::RollbackBegun { .. }
        | Record::RollbackEnded { .. }
        | Record::Resumed { .. }
        | Record::Paused { .. }
        | Record::SignedOff { .. }
        | Record::SignOffRefused { .. }
        | Record::Closing { .. }
        | Record::TemporaryRemoved { .. }
        | Record::Ticked { .. }
        | Record::FollowedUp { .. }
        | Record::Ended { .. } => false,
    }
}

/// What is said by name is understood; the pool of what can be said has no word that the story lacks.
#[test]
fn the_pool_is_understood() {
    let story = Story::of("a: edit undo; b: run verify; z: run after");
    for word in anything(story.engine.plan()) {
        let _ = input(&word, story.engine.plan(), story.engine.run());
    }
}
