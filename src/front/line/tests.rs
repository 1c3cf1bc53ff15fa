//! The plain lines against the real engine: what is shown, what is asked, what a typed line means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use zeroize::Zeroizing;

use super::keys::{self, Keys};
use super::{Line, briefing};
use crate::engine::{Awaiting, End, Foreseen, How, Input, Outcome, Record, StepState, Target};
use crate::front::bench::{Bench, Paper, plan};
use crate::front::{Answer, BriefingFacts, Front as _, HowFar, Say, Update, Words};
use crate::playbook::plan::{Plan, StepId};

const ROTATION: &str = "
runsheet: 1
title: Rotate
inputs:
  app: { type: text }
  old_key: { type: secret }
phases:
  - title: Checks
    steps:
      - { id: signed-in, title: Signed in, run: doctl account get, read_only: true }
  - title: Change
    steps:
      - id: reset
        title: Reset ${app}
        run: doctl reset
        env: { OLD: { secret: old_key } }
        cwd: /srv
        timeout: 60s
        estimate: 10s
        confirm: The old password stops working now.
        why: It leaked.
        verify: [{ tcp: 'localhost:1' }]
        rollback: [{ run: doctl undo }]
      - id: paste
        title: Paste it
        manual: |
          - [ ] Open the page
          - [ ] Copy the key
        rollback: [{ manual: Put the old one back }]
        ask:
          new_key: { type: secret, prompt: The new key, min_length: 8 }
          port: { type: integer, default: '80' }
      - id: write
        title: Write it
        edit: [{ file: .env, dotenv: KEY, value: { secret: new_key } }]
success:
  - { id: healthy, title: No errors in the log, confirm: true }
";

/// What was printed, once all of it is.
struct Printed(Paper, super::printer::Printer);

impl Printed {
    fn take(&self) -> String {
        self.1.settle();
        self.0.take()
    }
}

struct Talk {
    bench: Bench<Line>,
    paper: Printed,
    words: UnboundedReceiver<Say>,
}

impl Talk {
    fn new(plan: &Arc<Plan>, rollback: Option<HowFar>) -> Self {
        let paper = Paper::default();
        let record = "/state/runs/01TEST".to_owned();
        let mut front = Line::on(Arc::clone(plan), record, rollback, Box::new(paper.clone()), Keys::none());
        let Some(Words::Own(words)) = front.words() else { panic!("one person's words") };
        let paper = Printed(paper, front.printer.clone());
        Self { bench: Bench::new(plan, front), paper, words }
    }

    fn begun(playbook: &str) -> Self {
        Self::begun_with(playbook, &[("app", "milo"), ("old_key", "unused")])
    }

    fn begun_with(playbook: &str, values: &[(&str, &str)]) -> Self {
        let mut talk = Self::new(&plan(playbook), None);
        talk.bench.begin(values);
        talk
    }

    /// Types lines, and returns what was printed since.
    fn types(&mut self, lines: &[&str]) -> String {
        for line in lines {
            self.hears(&keys::Line::Text(Zeroizing::new((*line).to_owned())), Instant::now());
        }
        self.paper.take()
    }

    fn hears(&mut self, line: &keys::Line, at: Instant) {
        self.bench.front.shared.desk().hear(line, at);
        while let Ok(say) = self.words.try_recv() {
            self.bench.say(say);
        }
    }

    fn state(&self, id: &str) -> StepState {
        self.bench.engine.run().step(self.bench.engine.plan(), &StepId::new(id)).unwrap().state
    }

    fn last(&self) -> &Record {
        self.bench.records.last().unwrap()
    }
}

#[test]
fn the_whole_story_shows_everything_before_it_runs() {
    let mut talk = Talk::begun(ROTATION);
    let shown = talk.paper.take();
    assert!(shown.contains("Checks, step 1 of 5: Signed in (signed-in)"), "{shown}");
    assert!(shown.contains("runs          doctl account get"), "{shown}");
    assert!(
        shown.ends_with("[Enter] start · s skip · h by hand · n note · l list · A abandon · q leave · ? help\n"),
        "{shown}"
    );

    let shown = talk.types(&[""]);
    for fact in [
        "signed-in: done in 1.2 s",
        "  | output of signed-in",
        "Change, step 2 of 5: Reset milo (reset)",
        "runs          doctl reset",
        "runs in       /srv, at most 1m",
        "with          OLD=(the secret old_key)",
        "takes         about 10s",
        "checks        tcp localhost:1",
        "undo          doctl undo",
        "confirm       The old password stops working now.",
    ] {
        assert!(shown.contains(fact), "{fact:?} is missing in\n{shown}");
    }

    let shown = talk.types(&[""]);
    assert!(shown.contains("CAREFUL       The old password stops working now."), "{shown}");
    assert_eq!(talk.state("reset"), StepState::Pending, "a warning is agreed to first");
    let shown = talk.types(&["y"]);
    assert!(shown.contains("holds: health: status 200"), "{shown}");

    let shown = talk.types(&[""]);
    assert!(shown.contains("[ ] Open the page\n[Enter] ticked"), "{shown}");
    let shown = talk.types(&["", ""]);
    assert!(shown.contains("The new key (a secret: it is not shown while you type or paste it)"), "{shown}");
    let shown = talk.types(&["short"]);
    assert!(shown.contains("new_key must have at least 8 characters."), "{shown}");
    let shown = talk.types(&["CANARY-9f8e7d"]);
    assert!(shown.contains("Taken: 13 characters.") && !shown.contains("CANARY"), "{shown}");
    let shown = talk.types(&[""]);
    let diff = shown.find("What write will change:").unwrap();
    assert!(diff < shown.find("[Enter] start").unwrap(), "a diff is seen before it is agreed to\n{shown}");

    let shown = talk.types(&[""]);
    assert!(shown.contains("Does this hold?"), "{shown}");
    let shown = talk.types(&["y"]);
    assert!(shown.contains("The run is completed.\n"), "{shown}");
    assert!(shown.contains("Its record: /state/runs/01TEST"), "{shown}");
    assert_eq!(*talk.last(), Record::Ended { end: End::Completed });
    assert!(talk.bench.over);
}

#[test]
fn nothing_but_what_is_offered_is_taken() {
    let mut talk = Talk::begun(ROTATION);
    let shown = talk.types(&["yes please"]);
    assert!(shown.contains("That is none of these:\n[Enter] start"), "{shown}");
    let shown = talk.types(&["", "", ""]);
    assert!(shown.contains("Enter says nothing here."), "{shown}");
    assert_eq!(talk.state("reset"), StepState::Pending);
    talk.types(&["p"]);
    let shown = talk.types(&["w"]);
    assert!(shown.contains("why           It leaked."), "{shown}");
    let shown = talk.types(&["?"]);
    assert!(shown.contains("  Enter   start: Start the step as shown."), "{shown}");
    let shown = talk.types(&["l"]);
    assert!(shown.contains("  done            signed-in: Signed in"), "{shown}");
}

#[test]
fn a_note_leaves_the_question_as_it_was() {
    let mut talk = Talk::begun(ROTATION);
    talk.types(&["", "", "y", "", ""]);
    let shown = talk.types(&["n", "the page is slow"]);
    assert!(shown.contains("Noted.\n[ ] Copy the key"), "the first line stays ticked\n{shown}");
    let run = talk.bench.engine.run();
    assert_eq!(run.notes[0].text, "the page is slow");
    assert_eq!(run.notes[0].step, Some(StepId::new("paste")));
}

#[test]
fn skipping_and_by_hand_need_words() {
    let mut talk = Talk::begun(ROTATION);
    let shown = talk.types(&["s", ""]);
    assert!(shown.contains("A few words are needed"), "{shown}");
    talk.types(&["not on this host"]);
    assert_eq!(talk.state("signed-in"), StepState::Skipped);
    talk.types(&["h", ":p", "h", "in the console"]);
    assert_eq!(talk.state("reset"), StepState::Done);
    let shown = talk.types(&["s", "later", "s", "no need", "y"]);
    assert!(shown.contains("Where it went another way than the playbook:"), "{shown}");
    assert!(shown.contains("  reset was done by hand: in the console"), "{shown}");
}

#[test]
fn a_failure_is_decided_by_the_operator() {
    let mut talk = Talk::begun(ROTATION);
    talk.bench.world.insert("reset", vec![How::Failed, How::TimedOut, How::Ok, How::Failed]);
    let shown = talk.types(&["", "", "y"]);
    assert!(shown.contains("reset: FAILED after 1.2 s: exit status 0."), "{shown}");
    assert!(
        shown.contains("reset failed.\nr run again · v verify again · h by hand · s skip · b roll back"),
        "{shown}"
    );
    let shown = talk.types(&["r"]);
    assert!(shown.contains("CAREFUL"), "a retry is warned of as well\n{shown}");
    talk.types(&["p"]);
    assert_eq!(talk.bench.engine.run().step(talk.bench.engine.plan(), &StepId::new("reset")).unwrap().attempts, 1);
    let shown = talk.types(&["r", "y"]);
    assert!(shown.contains("took too long and was stopped"), "{shown}");
    let shown = talk.types(&["r", "y"]);
    assert!(shown.contains("FAILS: health (refused)") && shown.contains("reset: failed."), "{shown}");
    talk.types(&["v"]);
    assert_eq!(talk.state("reset"), StepState::Done);
}

#[test]
fn a_rollback_is_shown_then_begun_then_asked_for_action_by_action() {
    let mut talk = Talk::begun(ROTATION);
    talk.types(&["", "", "y", "", "", "", "CANARY-9f8e7d", ""]);
    let shown = talk.types(&["b"]);
    assert!(shown.contains("paste: by hand"), "{shown}");
    assert!(shown.contains("reset: automatic, about 10s\n    - doctl undo"), "{shown}");
    let shown = talk.types(&["nowhere"]);
    assert!(shown.contains("nowhere is no step that has started."), "{shown}");
    let shown = talk.types(&["reset"]);
    assert!(shown.contains("A rollback to before reset"), "{shown}");
    assert!(shown.contains("Roll back as shown?"), "{shown}");
    talk.types(&["p"]);
    assert!(matches!(talk.bench.engine.run().awaiting(talk.bench.engine.plan()), Awaiting::Go(_)));
    let shown = talk.types(&["b", "", "y"]);
    assert!(shown.contains("Undo paste, action 1"), "{shown}");
    let shown = talk.types(&["y", ""]);
    assert!(shown.contains("Undo reset, action 1"), "{shown}");
    talk.bench.world.insert("reset.undo-1", vec![How::Failed]);
    let shown = talk.types(&["y"]);
    assert!(shown.contains("reset, undo action 1 did not come to a good end."), "{shown}");
    let shown = talk.types(&["r"]);
    assert!(shown.contains("The rollback is done.") && shown.contains("The run is rolled back."), "{shown}");
}

#[test]
fn a_line_from_before_the_question_is_no_answer() {
    let mut talk = Talk::begun(ROTATION);
    let early = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
    talk.hears(&keys::Line::Text(Zeroizing::new(String::new())), early);
    assert_eq!(talk.state("signed-in"), StepState::Pending);
    assert!(talk.paper.take().contains("was not taken"));
}

#[test]
fn while_something_runs_a_line_can_only_stop_it() {
    let mut talk = Talk::begun(ROTATION);
    // The engine hears of the start, the world says nothing yet.
    let mut engine = talk.bench.engine.clone();
    let go = Input::Go { step: StepId::new("signed-in"), confirmed: false };
    for stamped in engine.handle(go, jiff::Timestamp::UNIX_EPOCH).unwrap().records {
        talk.bench.front.take(Update::Record(Arc::new(stamped)));
    }
    talk.paper.take();
    let say = |talk: &mut Talk, line: &str| {
        let line = keys::Line::Text(Zeroizing::new(line.to_owned()));
        talk.bench.front.shared.desk().hear(&line, Instant::now());
        talk.words.try_recv().ok()
    };
    assert!(say(&mut talk, "").is_none());
    assert!(talk.paper.take().contains("signed-in is at work, so that was not taken."));
    assert!(matches!(say(&mut talk, "x"), Some(Say::Input(Input::Stop { hard: false }))));
    assert!(matches!(say(&mut talk, "q"), Some(Say::Quit)));
}

#[test]
fn the_end_of_the_input_leaves_the_run_open() {
    let mut talk = Talk::begun(ROTATION);
    talk.hears(&keys::Line::End, Instant::now());
    assert!(talk.bench.over);
    assert!(talk.bench.engine.run().ended.is_none());
}

#[test]
fn what_is_refused_is_asked_again() {
    let mut talk = Talk::begun(ROTATION);
    talk.paper.take();
    talk.bench.front.take(Update::Refused(crate::engine::Refusal::NothingToUndo));
    let shown = talk.paper.take();
    assert!(shown.contains("Refused: there is nothing to roll back."), "{shown}");
    assert!(shown.contains("[Enter] start"), "{shown}");
}

#[test]
fn who_comes_for_a_rollback_sees_its_plan_first() {
    let mut walked = Talk::begun(ROTATION);
    walked.types(&["", "", "y"]);
    let records = walked.bench.records.clone();
    let resume = Input::Resume { operator: "ann".into(), account: "a".into(), host: "h".into(), program: "0".into() };

    let mut talk = Talk::new(&plan(ROTATION), Some(HowFar(Some(StepId::new("reset")))));
    talk.bench.resume(&records, vec![resume.clone()]);
    let shown = talk.paper.take();
    assert!(shown.contains("A rollback to before reset"), "{shown}");
    assert!(!shown.contains("Paste it"), "{shown}");
    let shown = talk.types(&["p"]);
    assert!(shown.contains("Paste it"), "declined, the walk is where it was\n{shown}");

    let mut talk = Talk::new(&plan(ROTATION), Some(HowFar(None)));
    talk.bench.resume(&records, vec![resume]);
    talk.types(&["y", "y"]);
    assert_eq!(*talk.last(), Record::Ended { end: End::RolledBack });
}

#[test]
fn a_run_that_is_over_can_still_be_rolled_back() {
    let mut walked = Talk::begun(ROTATION);
    walked.types(&["", "", "y", "s", "x", "s", "x", "y"]);
    assert_eq!(*walked.last(), Record::Ended { end: End::Completed });
    let mut talk = Talk::new(&plan(ROTATION), Some(HowFar(None)));
    talk.bench.resume(&walked.bench.records, Vec::new());
    assert!(talk.paper.take().contains("A rollback of everything"));
    talk.types(&["y", "y"]);
    assert_eq!(*talk.last(), Record::Ended { end: End::RolledBack });
}

#[test]
fn an_unknown_step_is_told_with_what_its_checks_say() {
    let mut walked = Talk::begun(ROTATION);
    walked.types(&["", "", "y"]);
    let reset = Target::step(&StepId::new("reset"));
    let killed = walked
        .bench
        .records
        .iter()
        .position(|record| matches!(record, Record::Started { target, .. } if *target == reset));
    let records = &walked.bench.records[..=killed.unwrap()];
    let mut talk = Talk::new(&plan(ROTATION), None);
    let resume = Input::Resume { operator: "ann".into(), account: "a".into(), host: "h".into(), program: "0".into() };
    talk.bench.resume(records, vec![resume]);
    let shown = talk.paper.take();
    let checks = shown.find("holds: health").unwrap();
    assert!(checks < shown.find("reset was started and its end was not seen").unwrap(), "{shown}");
}

#[test]
fn output_comes_line_by_line_without_colours() {
    let mut talk = Talk::begun(ROTATION);
    talk.paper.take();
    let target = Target::step(&StepId::new("signed-in"));
    for text in ["one\ntw", "o \u{1b}[32mgreen\u{1b}[0m\nthr"] {
        talk.bench.front.take(Update::Output { target: target.clone(), text: text.into() });
    }
    assert_eq!(talk.paper.take(), "  | one\n  | two green\n");
    let outcome = Outcome::default();
    let end = Record::Performed { target, attempt: 1, outcome };
    let stamped = crate::engine::Stamped { at: jiff::Timestamp::UNIX_EPOCH, record: end };
    talk.bench.front.take(Update::Record(Arc::new(stamped)));
    assert!(talk.paper.take().starts_with("  | thr\n"));
}

/// Lines that come when they are asked for, the last first.
struct Lines(Vec<Zeroizing<String>>);

impl briefing::Ear for Lines {
    fn person(&self) -> bool {
        true
    }

    fn ready(&mut self, _asked: &str, _hidden: bool) {}

    fn line(&mut self) -> keys::Line {
        self.0.pop().map_or(keys::Line::End, keys::Line::Text)
    }
}

fn brief(lines: &[&str], protected: bool) -> (Option<crate::front::BriefingAnswers>, String) {
    let mut text = ROTATION.to_owned();
    if protected {
        text = text.replace("inputs:\n", "protected: { environment: [production] }\ninputs:\n  environment: { type: choice, choices: [staging, production] }\n");
    }
    let plan = plan(&text);
    let lines = lines.iter().rev().map(|line| Zeroizing::new((*line).to_owned())).collect::<Vec<_>>();
    let mut out = Vec::new();
    let mut talk = briefing::Talk {
        plan: &plan,
        out: &mut out,
        ear: Lines(lines),
        prompt_end: "\n",
        run: crate::engine::Run::default(),
    };
    let known = std::iter::once(("app".into(), Answer::Text("milo".into()))).collect();
    let answered =
        talk.walk(&known, &BriefingFacts { requires: vec![("doctl".into(), false)], ..BriefingFacts::default() });
    (answered.unwrap(), String::from_utf8(out).unwrap())
}

#[test]
fn the_briefing_asks_for_each_input_and_for_the_word() {
    let (answered, shown) = brief(&["", "CANARY-1", ""], false);
    let answered = answered.unwrap();
    assert!(matches!(&answered.answers[0].1, Answer::Text(text) if text == "milo"));
    assert!(matches!(&answered.answers[1].1, Answer::Secret(_)));
    assert!(shown.contains("doctl: NOT FOUND on PATH"), "{shown}");
    assert!(shown.contains("app Enter takes milo."), "{shown}");
    assert!(!shown.contains("CANARY"), "{shown}");

    let (answered, shown) = brief(&["prod", "production", "", "CANARY-1", "", "production"], true);
    assert_eq!(answered.unwrap().typed.as_deref(), Some("production"));
    assert!(shown.contains("environment must be one of staging, production."), "{shown}");
    assert!(shown.contains("That was not production."), "{shown}");

    assert!(brief(&["", ":q"], false).0.is_none());
    assert!(brief(&[""], false).0.is_none(), "the end of the input leaves");
}

/// A later step that would be refused is told before what cannot be undone; going on all the same wants a reason.
#[test]
fn what_is_refused_later_is_told_before() {
    let mut talk = Talk::new(
        &plan(
            "
runsheet: 1
title: Rotate
phases:
  - title: Change
    steps:
      - { id: reset, title: Reset, manual: Press it., irreversible: The old one is gone. }
      - { id: write, title: Write, edit: [{ file: .env, dotenv: KEY, value: new }] }
",
        ),
        None,
    );
    talk.bench.foreseen = vec![Foreseen { step: "write".into(), why: "there is no KEY=".into() }];
    talk.bench.begin(&[]);
    talk.paper.take();
    let shown = talk.types(&["", "y"]);
    assert!(shown.contains("reset: write would be refused: there is no KEY="), "{shown}");
    assert!(shown.contains("reset was not started.") && shown.contains("g go on anyway"), "{shown}");
    assert_eq!(talk.state("reset"), StepState::Failed);
    talk.types(&["g", "", "by hand"]);
    assert_eq!(talk.state("reset"), StepState::Waiting);
    assert!(matches!(talk.last(), Record::Started { despite: Some(reason), .. } if reason == "by hand"));
}

const QUIZZED: &str = "
runsheet: 1
title: T
contacts: { Primary: '+1 555 1', Escalation: '+1 555 2' }
phases:
  - title: A
    steps:
      - id: look
        title: Look
        run: look
        read_only: true
        why: One has to.
        hint: Look up.
        quiz: { ask: What is it?, choices: [a bird, a plane], answer: a plane, because: It has engines. }
";

#[test]
fn a_drill_asks_the_question_of_a_step_before_it() {
    let checked = Arc::unwrap_or_clone(plan(QUIZZED)).for_drill();
    let mut talk = Talk::new(&Arc::new(checked), None);
    talk.bench.begin(&[]);
    let shown = talk.paper.take();
    assert!(
        shown.contains("A question first:\nWhat is it?\n  1 a bird\n  2 a plane\nWhich? Type its number."),
        "{shown}"
    );
    let shown = talk.types(&["3"]);
    assert!(shown.contains("That is none of these numbers."), "{shown}");
    let shown = talk.types(&["1"]);
    assert!(shown.contains("Not so. It is: a plane\nIt has engines."), "{shown}");
    assert!(shown.contains("[Enter] start"), "{shown}");
    talk.types(&[""]);
    assert_eq!(talk.state("look"), StepState::Done);
}

#[test]
fn what_is_opened_beside_the_walk_is_on_record() {
    let mut talk = Talk::begun_with(QUIZZED, &[]);
    talk.paper.take();
    let shown = talk.types(&["w"]);
    assert!(shown.contains("why           One has to.") && !shown.contains("Look up."), "{shown}");
    let shown = talk.types(&["t"]);
    assert!(shown.contains("hint          Look up.") && shown.contains("[Enter] start"), "{shown}");
    let shown = talk.types(&["m"]);
    assert!(shown.contains("  1 Primary: +1 555 1\n  2 Escalation: +1 555 2\n"), "{shown}");
    let shown = talk.types(&["2"]);
    assert!(shown.contains("Called Escalation, on record.") && shown.contains("[Enter] start"), "{shown}");
    let asides: Vec<_> = talk.bench.records.iter().skip(1).cloned().collect();
    let look = StepId::new("look");
    assert_eq!(
        asides,
        [
            Record::WhyShown { step: look.clone() },
            Record::HintShown { step: look },
            Record::Called { contact: "Escalation".to_owned() },
        ]
    );
}
