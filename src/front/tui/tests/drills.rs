//! What a drill has on the screen: the question before a step, and the page that says what it came to. And what is opened
//! beside the walk, in a real run too.

use crossterm::event::KeyCode;

use super::story::{Story, plan};
use crate::engine::{Awaiting, StepState};
use crate::front::Update;
use crate::front::tui::panel::Panel;
use crate::playbook::plan::{Quiz, Template};

fn quizzed() -> Story {
    let mut plan = plan();
    plan.steps[0].quiz = Some(Quiz {
        ask: "What becomes of the old password?".to_owned(),
        choices: vec!["It stays good for an hour.".to_owned(), "It dies at once.".to_owned()],
        answer: 1,
        because: Some("Nothing that holds a connection notices until it opens **another**.".to_owned()),
    });
    Story::of(plan.for_drill())
}

#[test]
fn a_question_is_asked_before_the_step_and_its_answer_explained() {
    let mut story = quizzed();
    let shown = story.frame(80, 24);
    assert!(shown.contains("a question first") && shown.contains("It dies at once."), "{shown}");
    assert!(!shown.contains("Nothing that holds"), "{shown}");
    insta::assert_snapshot!("quiz_80x24", shown);
    story.press(KeyCode::Down);
    story.press(KeyCode::Enter);
    let shown = story.frame(80, 24);
    assert!(shown.contains("Right: It dies at once.") && shown.contains("Nothing that holds"), "{shown}");
    assert!(matches!(story.walk.awaiting, Awaiting::Go(_)));
    story.press(KeyCode::Esc);
    story.press(KeyCode::Enter);
    assert_eq!(story.walk.state(0), StepState::Running);
}

#[test]
fn a_question_that_was_closed_is_opened_again_and_nothing_starts_before_it() {
    let mut story = quizzed();
    story.press(KeyCode::Esc);
    assert!(story.walk.panel.is_none());
    story.press(KeyCode::Enter);
    assert!(matches!(story.walk.panel, Some(Panel::Quiz(0))), "{:?}", story.walk.panel);
    story.press(KeyCode::Enter);
    let shown = story.frame(80, 24);
    assert!(shown.contains("Not so. It is: It dies at once."), "{shown}");
    assert_eq!(story.walk.state(0), StepState::Pending);
}

#[test]
fn a_key_from_before_the_question_was_seen_is_no_answer() {
    let mut story = quizzed();
    story.walk.gate = crate::front::tui::state::Gate::default();
    story.press(KeyCode::Enter);
    assert!(matches!(story.walk.awaiting, Awaiting::Quiz(_)));
}

#[test]
fn a_real_run_asks_no_question() {
    let mut plan = plan();
    plan.steps[0].quiz =
        Some(Quiz { ask: "?".to_owned(), choices: vec!["a".to_owned(), "b".to_owned()], answer: 0, because: None });
    let story = Story::of(plan);
    assert!(matches!(story.walk.awaiting, Awaiting::Go(_)));
}

#[test]
fn a_hint_is_shown_for_its_own_step_alone_and_put_on_record_once() {
    let mut plan = plan();
    for step in &mut plan.steps {
        step.hint = Some(Template::literal("Look at the console."));
    }
    let mut story = Story::of(plan);
    story.press(KeyCode::Char('t'));
    assert!(story.frame(120, 40).contains("Look at the console."));
    story.press(KeyCode::Char('t'));
    story.press(KeyCode::Char('t'));
    let first = story.walk.plan.steps[0].id.clone();
    assert_eq!(story.walk.run.asides.hints.iter().collect::<Vec<_>>(), [&first]);
    story.press(KeyCode::Down);
    assert!(!story.frame(120, 40).contains("Look at the console."), "the next step's is its own");
}

#[test]
fn who_is_called_is_on_record() {
    let mut plan = plan();
    plan.contacts =
        vec![("Primary".to_owned(), "+1 555 1".to_owned()), ("Escalation".to_owned(), "+1 555 2".to_owned())];
    let mut story = Story::of(plan);
    story.press(KeyCode::Char('m'));
    let shown = story.frame(80, 24);
    assert!(shown.contains("Escalation: +1 555 2"), "{shown}");
    story.press(KeyCode::Down);
    story.press(KeyCode::Enter);
    let called: Vec<_> = story.walk.run.asides.called.iter().map(|(_, who)| who.as_str()).collect();
    assert_eq!(called, ["Escalation"]);
    assert!(matches!(story.walk.awaiting, Awaiting::Go(_)), "the question stands as it did");
}

#[test]
fn a_page_is_read_to_its_end_and_closed() {
    let mut story = Story::begin();
    let text = (1..=60).map(|line| format!("- line {line}")).collect::<Vec<_>>().join("\n");
    story.update(Update::Page { title: " drill: passed ".to_owned(), text: format!("**Passed**\n\n{text}") });
    let shown = story.frame(80, 24);
    assert!(shown.contains("drill: passed") && shown.contains("more lines: PgDn"), "{shown}");
    for _ in 0..9 {
        story.press(KeyCode::PageDown);
    }
    assert!(story.frame(80, 24).contains("line 60"));
    story.press(KeyCode::Esc);
    assert!(story.walk.panel.is_none());
}
