//! Drills walked by a trainee in a made-up world: what is right gives all points, what is wrong is named.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::card;
use super::{Deed, Grade, Rating, Scorecard, Trainee, Way};
use crate::engine::{
    Begun, BegunDrill, Effect, Engine, Finding, How, Input, Outcome, Presence, Record, Refusal, Stamped, Target,
    Verdict,
};
use crate::playbook::check;
use crate::playbook::plan::{Act, Drill, Move, Plan, ProbeShows, Shows, StepId};

const PLAYBOOK: &str = r#"
runsheet: 1
title: Rotate
contacts: { Escalation: "+1 555" }
phases:
  - title: All
    steps:
      - id: reset
        title: Reset
        run: reset it
        hint: Look at the output.
        quiz: { ask: What becomes of the old one?, choices: [it stays, it dies], answer: it dies }
        estimate: 10s
        verify: [ { tcp: "localhost:1" } ]
        rollback: [ { run: reset it back } ]
      - id: restart
        title: Restart
        run: restart it
        rollback: [ { run: restart it again } ]
      - id: look
        title: Look
        run: look
        read_only: true
drills:
  - id: denied
    title: The new one is denied
    faults:
      - { at: reset, probe: 1, shows: denied, attempts: 1 }
      - { at: restart, shows: fails, attempts: 1 }
    respond:
      - { right: [verify], acceptable: [retry], wrong: { by_hand: Nobody would know. }, because: It takes a moment. }
      - { right: [retry], wrong: { skip: It stays down. }, because: It starts at the second time. }
    debrief: Verify before you go on.
  - id: back
    title: Back
    faults: [ { at: restart, shows: fails, attempts: always } ]
    respond: [ { right: [rollback], wrong: { retry: It never starts. }, because: It never starts. } ]
  - id: unsaid
    title: Nobody says what is right
    faults: [ { at: restart, shows: fails } ]
    respond: [ { right: [retry], because: It is right. } ]
"#;

fn plan() -> Arc<Plan> {
    match check(PLAYBOOK) {
        Ok(checked) => Arc::new(checked.plan.for_drill()),
        Err(faults) => panic!("{:?}", faults.iter().map(|fault| fault.render("test", PLAYBOOK)).collect::<Vec<_>>()),
    }
}

fn drill<'p>(plan: &'p Plan, id: &str) -> &'p Drill {
    plan.drills.iter().find(|drill| drill.id == id).unwrap()
}

/// A world in which everything goes well but for the faults of a drill.
struct World<'a> {
    engine: Engine,
    drill: Option<&'a Drill>,
    records: Vec<Stamped>,
    refused: Vec<Refusal>,
    effects: Vec<Effect>,
    shown: Vec<u32>,
}

impl<'a> World<'a> {
    fn new(plan: &Arc<Plan>, drill: Option<&'a Drill>) -> Self {
        let shown = vec![0; drill.map_or(0, |drill| drill.faults.len())];
        let engine = Engine::new(Arc::clone(plan));
        Self { engine, drill, records: Vec::new(), refused: Vec::new(), effects: Vec::new(), shown }
    }

    fn say(&mut self, input: Input) {
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::try_from(self.records.len()).unwrap());
        match self.engine.handle(input, at) {
            Ok(turn) => {
                self.records.extend(turn.records);
                self.effects.extend(turn.effects);
            }
            Err(refusal) => self.refused.push(refusal),
        }
    }

    /// Finds the fault that shows now, and has it on record.
    fn fault(&mut self, target: &Target, probe: Option<u32>) -> Option<Shows> {
        let drill = self.drill?;
        let place = drill.faults.iter().enumerate().position(|(place, fault)| {
            let here = fault.step == target.step && fault.undo == target.undo && fault.probe == probe;
            here && fault.attempts.is_none_or(|most| self.shown[place] < most)
        })?;
        self.shown[place] += 1;
        let fault = u32::try_from(place + 1).unwrap();
        self.say(Input::FaultShown { target: target.clone(), probe, fault });
        Some(drill.faults[place].shows.clone())
    }

    fn carry_out(&mut self) {
        while !self.effects.is_empty() {
            match self.effects.remove(0) {
                Effect::Perform { target, attempt, .. }
                | Effect::Edit { target, attempt, .. }
                | Effect::Restore { target, attempt, .. } => {
                    let how = if self.fault(&target, None).is_some() { How::Failed } else { How::Ok };
                    let outcome = Outcome { how, ..Outcome::default() };
                    self.say(Input::Performed { target, attempt, outcome });
                }
                Effect::Probe { target, .. } => {
                    let pass = self.fault(&target, Some(1)).is_none();
                    let finding = if pass { Finding::Holds } else { Finding::Denied };
                    let verdict = Verdict {
                        title: "it answers".to_owned(),
                        finding,
                        pass,
                        warn: false,
                        saw: String::new(),
                        attempts: 1,
                        took_ms: 1,
                        values: std::collections::BTreeMap::new(),
                        secrets: Vec::new(),
                        fingerprints: std::collections::BTreeMap::new(),
                    };
                    self.say(Input::Probed { target, verdicts: vec![verdict] });
                }
                Effect::LookAhead { step, .. } => self.say(Input::LookedAhead { step, refused: Vec::new() }),
                other => assert!(matches!(other, Effect::Close | Effect::Leave), "{other:?}"),
            }
        }
    }
}

/// Walks a drill to its end.
fn walk(plan: &Arc<Plan>, drill: Option<&Drill>, way: Way) -> (Scorecard, Vec<Stamped>) {
    let mut trainee = Trainee::new(plan, drill, way);
    let mut world = World::new(plan, drill);
    let begun = Begun {
        run: "01TEST".to_owned(),
        operator: "ada".to_owned(),
        drill: Some(BegunDrill::default()),
        ..Begun::default()
    };
    world.say(Input::Begin { begun: Box::new(begun), typed: None });
    let mut seen = 0;
    for _ in 0..200 {
        world.carry_out();
        while let Some(record) = world.records.get(seen) {
            trainee.take(record);
            seen += 1;
        }
        let Some(deed) = trainee.say() else { break };
        world.say(match deed {
            Deed::Input(input) => *input,
            Deed::Answer(target) => Input::Answer {
                target,
                values: std::collections::BTreeMap::new(),
                secrets: Vec::new(),
                fingerprints: std::collections::BTreeMap::new(),
            },
            Deed::Attach => Input::Presence(Presence::Attached {
                operator: "ada".to_owned(),
                account: "ada".to_owned(),
                host: "desk".to_owned(),
            }),
        });
    }
    assert_eq!(world.refused, Vec::new(), "what a trainee says is taken");
    let card = trainee.fold().card();
    (card, world.records)
}

#[test]
fn who_does_what_is_right_has_all_points() {
    let plan = plan();
    for drill in plan.drills.iter().map(Some).chain([None]) {
        let (card, _) = walk(&plan, drill, Way::default());
        assert_eq!((card.points, card.rating), (100, Rating::Passed), "{drill:?}: {:?}", card.deductions);
        assert_eq!(card.decisions.len(), drill.map_or(0, |drill| drill.faults.len()), "{:?}", card.decisions);
    }
}

#[test]
fn a_wrong_move_is_named_with_its_reason_and_the_drill_is_not_passed() {
    let plan = plan();
    let cases = [
        ("denied", 1, Move::ByHand, "Nobody would know."),
        ("denied", 1, Move::Rollback, "It takes a moment."),
        ("denied", 2, Move::Skip, "It stays down."),
        ("back", 1, Move::Retry, "It never starts."),
        ("back", 1, Move::Abandon, "It never starts."),
    ];
    for (id, fault, wrong, because) in cases {
        let way = Way { wrong: Some((fault, wrong)), ..Way::default() };
        let (card, _) = walk(&plan, Some(drill(&plan, id)), way);
        let decision = &card.decisions[fault as usize - 1];
        assert_eq!((decision.grade, decision.decided.as_deref()), (Grade::Wrong, Some(wrong.word())), "{id} {wrong:?}");
        assert_eq!(decision.because.as_deref(), Some(because));
        assert_eq!(card.rating, Rating::NotPassed, "{id} {wrong:?}: {}", card.points);
    }
}

#[test]
fn what_will_do_costs_little() {
    let plan = plan();
    let way = Way { wrong: Some((1, Move::Retry)), ..Way::default() };
    let (card, _) = walk(&plan, Some(drill(&plan, "denied")), way);
    assert_eq!((card.decisions[0].grade, card.points, card.rating), (Grade::Acceptable, 95, Rating::Passed));
}

#[test]
fn where_nothing_is_said_to_be_right_nothing_is_judged() {
    let plan = plan();
    // As with a fault that somebody puts in live.
    let unsaid = Drill { respond: Vec::new(), ..drill(&plan, "unsaid").clone() };
    let (card, _) = walk(&plan, Some(&unsaid), Way::default());
    assert_eq!((card.decisions[0].grade, card.points), (Grade::Unjudged, 100));
}

#[test]
fn any_beginning_gives_a_card_and_no_result_before_the_end() {
    let plan = plan();
    let drill = drill(&plan, "denied");
    let (whole, records) = walk(&plan, Some(drill), Way::default());
    for end in 0..records.len() {
        let mut fold = super::scorecard::Fold::new(&plan, Some(drill));
        records[..end].iter().for_each(|record| fold.take(record));
        let card = fold.card();
        assert_eq!(card.rating, Rating::Unfinished, "{end}");
        let read: Scorecard = serde_json::from_str(&serde_json::to_string(&card).unwrap()).unwrap();
        assert_eq!(read, card);
        assert!(!card::page(&card, Some(drill)).contains("Debrief"), "nothing is given away before the end");
    }
    assert!(card::page(&whole, Some(drill)).contains("Verify before you go on."));
}

#[test]
fn rolling_back_after_each_step_undoes_it() {
    let plan = plan();
    for step in ["reset", "restart", "look"] {
        let (card, records) = walk(&plan, None, Way { back_after: Some(StepId::new(step)), ..Way::default() });
        assert_eq!(card.ended.as_deref(), Some("rolled back"), "{step}");
        assert!(card.rollback.is_some());
        assert!(records.iter().any(|stamped| matches!(stamped.record, Record::RollbackEnded { failed: 0 })), "{step}");
    }
}

#[test]
fn hints_wrong_answers_and_what_is_left_unverified_cost() {
    let plan = plan();
    let mut world = World::new(&plan, None);
    let begun = Begun { drill: Some(BegunDrill::default()), ..Begun::default() };
    world.say(Input::Begin { begun: Box::new(begun), typed: None });
    let reset = StepId::new("reset");
    world.say(Input::Aside(crate::engine::Aside::Hint(reset.clone())));
    world.say(Input::Quiz { step: reset.clone(), choice: "it stays".to_owned() });
    world.say(Input::ByHand { target: Target::step(&reset), note: "done".to_owned() });
    assert_eq!(world.refused, Vec::new());
    let mut fold = super::scorecard::Fold::new(&plan, None);
    world.records.iter().for_each(|record| fold.take(record));
    let card = fold.card();
    let off: Vec<_> = card.deductions.iter().map(|off| (off.points, off.why.as_str())).collect();
    assert_eq!(
        off,
        [
            (10, "reset: never verified"),
            (5, "reset: a wrong answer to its question"),
            (2, "reset: its hint was opened"),
        ]
    );
    assert_eq!(card.points, 83);
}

#[test]
fn a_move_that_no_playbook_names_is_none() {
    let plan = plan();
    let looks = plan.step(&StepId::new("look")).unwrap();
    assert!(matches!(looks.action.act, Act::Run(_)));
    let shown = super::moves::Shown { target: Target::step(&looks.id), shows: Some(Shows::Probe(ProbeShows::Denied)) };
    let record = Record::Paused { why: "left".to_owned() };
    assert_eq!(super::moves::of(&record, &shown), None);
}
