//! The unattended front against the real engine: what it answers, where it stops, and what it says then.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Answers, Headless, Why};
use crate::engine::{End, Foreseen, How, Input, Record, Target};
use crate::front::bench::{Bench, Paper, plan};
use crate::front::{Answer, Front as _, Update};
use crate::playbook::plan::{OnFailure, Plan, StepId};

const PLAYBOOK: &str = "
runsheet: 1
title: Rotate
inputs:
  app: { type: text }
phases:
  - title: Change
    steps:
      - { id: check, title: 'Check ${app}', run: 'true', read_only: true }
      - { id: reset, title: Reset, run: doctl reset, confirm: Sure?, rollback: [{ run: doctl undo }] }
      - id: paste
        title: Paste
        manual: Copy the key.
        ask: { new_key: { type: secret, min_length: 8 }, port: { type: integer } }
        rollback: [{ manual: Put it back. }]
      - { id: restart, title: Restart, run: pm2 restart, rollback: [{ run: pm2 restart }] }
success:
  - { id: healthy, title: No errors, confirm: true }
";

const ALL: &str = "
inputs: { app: milo }
reset: done
paste: { new_key: 'file:key', port: 80 }
healthy: done
";

struct Story {
    bench: Bench<Headless>,
    paper: Paper,
}

impl Story {
    fn on(plan: &Arc<Plan>, answers: &str, on_failure: Option<OnFailure>) -> Self {
        let paper = Paper::default();
        let answers = read(plan, answers).unwrap();
        let transcripts = Some("/runs/01TEST/transcript".into());
        let front = Headless::new(Arc::clone(plan), answers, on_failure, transcripts, Box::new(paper.clone()));
        Self { bench: Bench::new(plan, front), paper }
    }

    fn new(answers: &str, on_failure: Option<OnFailure>) -> Self {
        Self::on(&plan(PLAYBOOK), answers, on_failure)
    }

    fn walk(mut self) -> Self {
        self.bench.begin(&[("app", "milo")]);
        self
    }

    fn fails(mut self, step: &'static str, times: usize) -> Self {
        self.bench.world.insert(step, vec![How::Failed; times]);
        self
    }

    fn why(&self) -> Option<Why> {
        self.bench.front.left().map(|left| left.why)
    }

    fn next(&self) -> &str {
        &self.bench.front.left().unwrap().next
    }

    fn ended(&self) -> Option<End> {
        self.bench.engine.run().ended.map(|(end, _)| end)
    }
}

fn read(plan: &Plan, text: &str) -> Result<Answers, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "CANARY-0123456\n").unwrap();
    Answers::read(text, plan, folder.path())
}

fn resume() -> Input {
    Input::Resume { operator: "ann".into(), account: "a".into(), host: "h".into(), program: "0".into() }
}

#[test]
fn with_all_answers_the_run_is_completed() {
    let story = Story::new(ALL, None).walk();
    assert_eq!((story.ended(), story.why()), (Some(End::Completed), None));
    assert_eq!(
        story.paper.take(),
        "run 01TEST  T  by ann\n\
         start  check  Check milo\n  ok   done: exit status 0 (1.2 s)\n\
         start  reset  Reset\n  ok   done: exit status 0 (1.2 s)\n\
         start  paste  Paste\n\
         start  restart  Restart\n  ok   done: exit status 0 (1.2 s)\n\
         start  healthy  No errors\n\
         end    completed\n"
    );
    assert!(!format!("{:?}", story.bench.records).contains("CANARY"));
}

#[test]
fn it_stops_at_the_first_thing_that_needs_a_person_and_says_what_to_answer() {
    for (answers, step, next) in [
        ("{}", "reset", "put `reset: done` into"),
        ("reset: done", "paste", "put `paste: { new_key: … }` into"),
        ("{ reset: done, paste: { new_key: 'file:key', port: 1 } }", "healthy", "put `healthy: done` into"),
    ] {
        let story = Story::new(answers, None).walk();
        assert_eq!(story.why(), Some(Why::PersonNeeded), "{answers}");
        assert!(story.next().starts_with(next), "{}", story.next());
        let paused = story.bench.records.iter().rev().find_map(|record| match record {
            Record::Paused { why } => Some(why.clone()),
            _ => None,
        });
        assert!(paused.unwrap().starts_with(step), "the reason is on record");
    }
}

#[test]
fn nothing_that_changes_something_starts_before_its_answer_is_there() {
    let story = Story::new("reset: done", None).walk();
    let paste = Target::step(&StepId::new("paste"));
    let started = |record: &Record| matches!(record, Record::Started { target, .. } if *target == paste);
    assert!(!story.bench.records.iter().any(started));
}

#[test]
fn a_failure_is_answered_by_the_command_line_only() {
    let story = Story::new(ALL, None).fails("restart", 1).walk();
    assert_eq!(story.why(), Some(Why::PersonNeeded));
    let shown = story.paper.take();
    assert!(
        shown.ends_with(
            "FAILED restart  failed: exit status 0 (1.2 s)\n       | output of restart\n       \
             all of it: /runs/01TEST/transcript/restart.1.log\n"
        ),
        "{shown}"
    );
    let story = Story::new(ALL, Some(OnFailure::Stop)).fails("restart", 1).walk();
    assert_eq!(story.why(), Some(Why::Failed));
}

#[test]
fn a_rollback_by_policy_runs_to_its_end_and_skips_what_fails() {
    let with_undo = ALL.replace("port: 80 }", "port: 80, undo: done }");
    let story = Story::new(&with_undo, Some(OnFailure::Rollback)).fails("restart", 1).walk();
    assert_eq!((story.ended(), story.why()), (Some(End::RolledBack), None));

    let mut story = Story::new(&with_undo, Some(OnFailure::Rollback)).fails("restart", 1);
    story.bench.world.insert("restart.undo-1", vec![How::Failed]);
    let story = story.walk();
    assert_eq!(story.why(), Some(Why::RollbackIncomplete));
    let reset = Target::undo(&StepId::new("reset"), 1);
    let undone = |record: &Record| matches!(record, Record::Performed { target, .. } if *target == reset);
    assert!(story.bench.records.iter().any(undone), "the older ones are still undone");

    let story = Story::new(ALL, Some(OnFailure::Rollback)).fails("restart", 1).walk();
    assert_eq!(story.why(), Some(Why::PersonNeeded), "by hand needs its answer");
    assert!(story.next().contains("`paste: { undo: done }`"), "{}", story.next());
}

#[test]
fn a_failed_step_is_tried_once_more_by_resuming_where_that_is_harmless_or_said() {
    let resumed = |step: &'static str, answers: &str, again: usize| {
        let stopped = Story::new(ALL, Some(OnFailure::Stop)).fails(step, 1).walk();
        let mut story = Story::new(answers, None).fails(step, again);
        story.bench.resume(&stopped.bench.records, vec![resume()]);
        (story.ended(), story.why())
    };
    let told = format!("{ALL}restart: {{ unknown: retry }}\n");
    assert_eq!(resumed("check", ALL, 0), (Some(End::Completed), None), "it changes nothing");
    assert_eq!(resumed("restart", ALL, 0), (None, Some(Why::PersonNeeded)), "it may have changed something");
    assert_eq!(resumed("restart", &told, 0), (Some(End::Completed), None));
    assert_eq!(resumed("restart", &told, 1), (None, Some(Why::PersonNeeded)), "once, not for ever");
}

#[test]
fn an_unknown_step_is_answered_by_the_file_or_not_at_all() {
    let whole = Story::new(ALL, None).walk();
    let restart = Target::step(&StepId::new("restart"));
    let started = |record: &Record| matches!(record, Record::Started { target, .. } if *target == restart);
    let killed = whole.bench.records.iter().position(started).unwrap();
    for (answer, ended) in
        [("", None), ("done", Some(End::Completed)), ("retry", Some(End::Completed)), ("undo", Some(End::Completed))]
    {
        let unknown = if answer.is_empty() { String::new() } else { format!("restart: {{ unknown: {answer} }}\n") };
        let mut story = Story::new(&format!("{ALL}{unknown}"), None);
        story.bench.resume(&whole.bench.records[..=killed], vec![resume()]);
        assert_eq!(story.ended(), ended, "{answer}");
        let starts = story.bench.records.iter().filter(|record| started(record)).count();
        assert_eq!(starts, usize::from(matches!(answer, "retry" | "undo")), "{answer}");
    }
}

#[test]
fn a_rollback_that_a_person_began_is_not_confirmed_by_resuming() {
    let stopped = Story::new(ALL, Some(OnFailure::Stop)).fails("restart", 1).walk();
    let mut begun = stopped.bench.records.clone();
    begun.extend([Record::RollbackBegun { to: None, by_policy: false }, Record::Paused { why: "left".into() }]);
    let mut story = Story::new(ALL, None);
    story.bench.resume(&begun, vec![resume()]);
    assert_eq!(story.why(), Some(Why::PersonNeeded));
    assert!(story.next().contains("rollback RUN --unattended"));
}

#[test]
fn a_dry_run_needs_nobody() {
    let story = Story::new("{}", None);
    let front = story.bench.front.dry_run();
    let story = Story { bench: Bench::new(&plan(PLAYBOOK), front), paper: story.paper }.walk();
    assert_eq!((story.ended(), story.why()), (Some(End::Completed), None));
}

#[test]
fn answers_are_checked_before_anything_runs() {
    let plan = plan(PLAYBOOK);
    for (text, wrong) in [
        ("restrat: done", "the playbook has no step `restrat`; did you mean `restart`?"),
        ("inputs: { ap: x }", "inputs has no value `ap`; did you mean `app`?"),
        ("paste: { new_key: CANARY-plain-text }", "is a secret and must not stand in the file"),
        ("paste: { new_key: 'env:RUNSHEET_TEST_UNSET' }", "is to come from $RUNSHEET_TEST_UNSET, which is not set"),
        ("paste: { port: high }", "paste: port must be a whole number"),
        ("reset: maybe", "reset: write `done`"),
        ("reset: { unknown: perhaps }", "unknown is answered by done, retry or undo"),
        ("reset: done\nreset: done", "line 2"),
    ] {
        let why = read(&plan, text).unwrap_err();
        assert!(why.contains(wrong), "{text}: {why}");
        assert!(!why.contains("CANARY"), "{why}");
    }
    let answers = read(&plan, ALL).unwrap();
    match &answers.step(&StepId::new("paste")).unwrap().values[..] {
        [(_, Answer::Secret(secret)), (_, Answer::Text(port))] => {
            assert_eq!((secret.expose(), port.as_str()), ("CANARY-0123456", "80"), "one line end is cut off");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_the_end_of_an_output_is_kept() {
    let mut front = Headless::new(plan(PLAYBOOK), Answers::default(), None, None, Box::new(Paper::default()));
    let target = Target::step(&StepId::new("check"));
    for number in 0..20_000 {
        front.take(Update::Output { target: target.clone(), text: format!("line {number} ö\n").into() });
        assert!(front.tail.len() <= 2 * super::show::TAIL);
    }
    assert!(front.tail.ends_with("line 19999 ö\n") && front.tail.lines().count() > super::show::TAIL_LINES);
}

#[test]
fn five_thousand_steps_cost_as_much_each_as_a_hundred() {
    let walk = |count: usize| {
        let mut text = "runsheet: 1\ntitle: Long\nphases:\n  - title: All\n    steps:\n".to_owned();
        for number in 0..count {
            writeln!(text, "      - {{ id: s{number}, title: S, run: 'true', read_only: true }}").unwrap();
        }
        let plan = plan(&text);
        let began = std::time::Instant::now();
        let story = Story::on(&plan, "{}", None).walk();
        assert_eq!(story.ended(), Some(End::Completed));
        began.elapsed().as_secs_f64() / f64::from(u32::try_from(count).unwrap())
    };
    let few = (0..5).map(|_| walk(500)).fold(f64::INFINITY, f64::min);
    let many = walk(5000);
    // Quadratic would be ten times; the machine may be busy.
    assert!(many < few * 5.0, "{many} s a step with 5000, {few} s with 500");
}

#[test]
fn a_signature_is_nothing_that_a_file_can_give() {
    let plan = plan(&format!("{PLAYBOOK}sign_off: {{ by: [reviewer] }}\n"));
    let mut story = Story::on(&plan, ALL, None);
    story.bench.begin(&[("app", "milo")]);
    assert_eq!(story.why(), Some(Why::SignOff));
    assert!(!matches!(story.bench.records.last(), Some(Record::Ended { .. })));
}

const AHEAD: &str = "
runsheet: 1
title: Rotate
phases:
  - title: Change
    steps:
      - { id: reset, title: Reset, run: doctl reset, irreversible: The old one is gone. }
      - { id: write, title: Write, edit: [{ file: .env, dotenv: KEY, value: new }] }
";

/// A later step that would be refused stops the run before what cannot be undone, unless the answers say otherwise.
#[test]
fn what_is_refused_later_stops_it_before() {
    let walked = |answers: &str| {
        let mut story = Story::on(&plan(AHEAD), answers, None);
        story.bench.foreseen = vec![Foreseen { step: "write".into(), why: "there is no KEY=".into() }];
        story.bench.begin(&[]);
        story
    };
    let story = walked("{}");
    assert_eq!((story.why(), story.ended()), (Some(Why::PersonNeeded), None));
    let said = story.paper.take();
    assert!(said.contains("FAILED reset  not started: write would be refused: there is no KEY="), "{said}");
    let started = |record: &Record| matches!(record, Record::Started { .. });
    assert!(!story.bench.records.iter().any(started));

    let story = walked("reset: { ahead: anyway }");
    assert_eq!((story.why(), story.ended()), (None, Some(End::Completed)));
    let despite = |record: &Record| matches!(record, Record::Started { despite: Some(_), .. });
    assert!(story.bench.records.iter().any(despite));
    let wrong = read(&plan(AHEAD), "reset: { ahead: go }").unwrap_err();
    assert_eq!(wrong, "reset: ahead is answered by anyway");
}

/// Nobody is there to be asked whether the run goes on after its window: it does, and the record says so, once.
#[test]
fn a_window_that_is_over_is_recorded_and_gone_beyond() {
    let playbook = PLAYBOOK.replace("title: Rotate", "title: Rotate\nwindow: 10s");
    let mut story = Story::on(&plan(&playbook), ALL, None);
    story.bench.tick = jiff::SignedDuration::from_secs(4);
    let story = story.walk();
    assert_eq!((story.ended(), story.why()), (Some(End::Completed), None));
    let overruns = &story.bench.engine.run().overruns;
    assert!(matches!(&overruns[..], [one] if one.by_policy), "{overruns:?}");
    let told = "WINDOW the run went on after the window was over, with nobody there to ask: unattended; restart starts";
    let paper = story.paper.take();
    assert!(paper.contains(told), "{paper}");
    assert!(story.bench.refused.len() == 1, "{:?}", story.bench.refused);
}
