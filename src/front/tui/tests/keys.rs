//! What keys may and may not do.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::story::{Story, plan};
use crate::engine::{Awaiting, How, Target};
use crate::front::tui::keymap::Action;
use crate::front::{Answer, Say, Update};
use crate::playbook::plan::{Act, Manner, Until};

fn enter() -> KeyEvent {
    KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)
}

#[test]
fn a_key_from_before_the_question_answers_nothing() {
    let mut story = Story::begin();
    story.walk.gate = crate::front::tui::state::Gate::default();
    story.walk.key(enter(), story.clock);
    assert!(story.walk.says.is_empty());
    // shown now, and still too early
    story.walk.gate.painted(story.clock);
    story.walk.key(enter(), story.clock + Duration::from_millis(299));
    assert!(story.walk.says.is_empty());
    assert!(story.walk.message.as_ref().is_some_and(|(text, _)| text.contains("before the question")));
    story.walk.key(enter(), story.clock + Duration::from_millis(301));
    assert!(matches!(story.walk.says[..], [Say::Input(_)]));
}

#[test]
fn a_second_enter_says_nothing_twice() {
    let mut story = Story::begin();
    story.walk.key(enter(), story.clock);
    story.walk.key(enter(), story.clock);
    assert_eq!(story.walk.says.len(), 1);
    story.walk.take(Update::Refused(crate::engine::Refusal::Stale));
    story.walk.key(enter(), story.clock);
    assert_eq!(story.walk.says.len(), 2);
}

#[test]
fn enter_alone_never_starts_what_cannot_be_undone() {
    let mut story = Story::begin();
    story.up_to("reset-doadmin");
    for _ in 0..5 {
        story.press(KeyCode::Enter);
    }
    assert_eq!(story.walk.awaiting, Awaiting::Go("reset-doadmin".into()));
    story.press(KeyCode::Char('y'));
    assert!(matches!(story.walk.awaiting, Awaiting::World(_)));
}

#[test]
fn enter_answers_no_failure() {
    let mut story = Story::begin();
    story.press(KeyCode::Enter);
    story.performed("signed-in", How::Failed, "exit status 1");
    story.press(KeyCode::Enter);
    assert_eq!(story.walk.awaiting, Awaiting::Decision("signed-in".into()));
    story.press(KeyCode::Char('r'));
    assert!(matches!(story.walk.awaiting, Awaiting::World(_)));
}

#[test]
fn a_paste_that_comes_as_keys_goes_into_the_field() {
    let mut story = Story::begin();
    story.up_to("reset-valkey");
    story.press(KeyCode::Enter);
    story.press(KeyCode::Char('y'));
    story.type_in("CANARY-qsbnx:?-word");
    assert!(story.walk.panel.is_none());
    assert!(!story.frame(100, 30).contains("CANARY"));
    story.press(KeyCode::Esc);
    story.type_in("  ");
    assert_eq!(story.walk.form.as_ref().map(crate::front::tui::form::Form::unticked), Some(0));
    story.walk.key(enter(), story.clock);
    let said = story.walk.says.pop();
    let Some(Say::Answer { target, answers }) = said else { panic!("{said:?}") };
    assert_eq!(target, Target::step(&"reset-valkey".into()));
    let [(name, Answer::Secret(secret))] = &answers[..] else { panic!() };
    assert_eq!((name.as_str(), secret.expose()), ("new_valkey_password", "CANARY-qsbnx:?-word"));
}

#[test]
fn looking_elsewhere_takes_no_answer() {
    let mut story = Story::begin();
    story.press(KeyCode::Down);
    assert!(!story.walk.here());
    assert!(!story.walk.offers().contains(&Action::Start));
    story.press(KeyCode::Enter);
    assert_eq!(story.walk.awaiting, Awaiting::Go("signed-in".into()));
    story.press(KeyCode::Esc);
    assert!(story.walk.offers().contains(&Action::Start));
}

#[test]
fn stopping_is_polite_first() {
    let mut story = Story::begin();
    story.press(KeyCode::Enter);
    story.press(KeyCode::Char('x'));
    assert!(story.walk.run.busy.as_ref().is_some_and(|busy| busy.stopping));
    story.walk.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL), story.clock);
    let hard = crate::engine::Input::Stop { hard: true };
    assert!(matches!(&story.walk.says[..], [Say::Input(input)] if *input == hard));
    assert!(story.frame(120, 40).contains("stopping it at once"));
    story.walk.says.clear();
    story.performed("signed-in", crate::engine::How::Stopped, "stopped");
    assert!(!story.frame(120, 40).contains("stopping it at once"), "it has ended");
}

#[test]
fn what_goes_on_for_ever_ends_with_the_operators_word_or_with_a_stop() {
    let mut plan = plan();
    if let Act::Run(run) = &mut plan.steps[0].action.act {
        run.manner = Manner::Until(Until { matches: None, enough: true });
    }
    let mut story = Story::of(plan);
    assert!(!story.walk.offers().contains(&Action::Enough));
    story.press(KeyCode::Enter);
    assert_eq!(story.walk.offers()[..2], [Action::Enough, Action::Stop]);
    story.press(KeyCode::Char('e'));
    assert!(!story.walk.offers().contains(&Action::Enough), "it was said");
    assert!(story.walk.run.busy.as_ref().is_some_and(|busy| busy.stopping));
}

#[test]
fn the_footer_shows_only_keys_that_work() {
    let mut story = Story::begin();
    for step in ["reset-doadmin", "write-files", "reset-valkey", "restart", "quiet"] {
        story.up_to(step);
        let offers = story.walk.offers();
        for (at, action) in offers.iter().enumerate() {
            assert!(!offers[..at].contains(action), "{action:?} twice at {step}");
        }
    }
}

#[test]
fn a_rollback_is_not_begun_by_a_key_from_while_something_ran() {
    let mut story = Story::begin();
    story.up_to("restart");
    story.press(KeyCode::Enter);
    story.press(KeyCode::Char('b'));
    story.press(KeyCode::Char('y'));
    assert!(matches!(story.walk.awaiting, Awaiting::World(_)));
    let before = story.clock;
    story.performed("restart", How::Failed, "exit status 1");
    story.walk.gate = crate::front::tui::state::Gate::default();
    story.walk.key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE), before);
    assert!(story.walk.says.is_empty());
    story.settle();
    story.walk.key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE), story.clock);
    assert_eq!(story.walk.says.len(), 1);
}

#[test]
fn the_output_is_searched_from_its_end_upwards() {
    let mut story = Story::begin();
    story.press(KeyCode::Enter);
    let word = |line| if line % 150 == 0 { " Error: disk" } else { "" };
    let lines = (1..=400).map(|line| format!("\u{1b}[32mline\u{1b}[0m {line}{}\n", word(line)));
    let text = lines.collect::<Vec<_>>().concat();
    story.update(Update::Output { target: Target::step(&"signed-in".into()), text: text.into() });
    story.press(KeyCode::Char('/'));
    story.type_in("error: d");
    story.press(KeyCode::Enter);
    let frame = story.frame(100, 30);
    assert!(frame.contains("line 300 Error: disk") && frame.contains("line 300 of 400 lines"), "{frame}");
    story.press(KeyCode::Up);
    assert!(story.frame(100, 30).contains("line 150 Error: disk"));
    story.press(KeyCode::Enter);
    assert!(story.frame(100, 30).contains("no more above"));
    story.press(KeyCode::Down);
    assert!(story.frame(100, 30).contains("line 300 of 400 lines"));
    story.type_in("x");
    story.press(KeyCode::Enter);
    assert!(story.frame(100, 30).contains("not in the output"));
    story.press(KeyCode::Esc);
    assert!(story.walk.panel.is_none());
    assert!(story.frame(100, 30).contains("line 300 Error: disk"), "what was found stays in sight");
}
