//! The clocks on the screen, the warning that there will be no way back, and the window that is over.

use crossterm::event::KeyCode;

use super::story::Story;
use crate::engine::{Awaiting, How, Record, StepState};

/// Up to the edit of the rotation; a rollback from there takes 10 s, and the window is 5 m.
fn at_the_edit(seconds: i64) -> Story {
    let mut story = Story::begin();
    story.up_to("write-files");
    story.wait(seconds);
    story
}

#[test]
fn what_is_left_and_until_when_a_rollback_fits() {
    let story = at_the_edit(200);
    insta::assert_snapshot!("clocks_80x24", story.frame(80, 24));
    insta::assert_snapshot!("clocks_120x40", story.frame(120, 40));
}

#[test]
fn exposed_until_it_is_verified() {
    let mut story = Story::begin();
    story.up_to("reset-doadmin");
    story.press(KeyCode::Enter);
    story.press(KeyCode::Char('y'));
    story.wait(75);
    let frame = story.frame(80, 24);
    assert!(frame.contains("! exposed 01:15  window 03:45 left"), "{frame}");
    story.performed("reset-doadmin", How::Failed, "exit status 1");
    assert!(story.frame(80, 24).contains("! exposed"), "nothing shows that all is well");
}

#[test]
fn a_step_without_a_way_back_is_asked_for_once_more() {
    let mut story = at_the_edit(290);
    story.press(KeyCode::Enter);
    assert!(matches!(story.walk.awaiting, Awaiting::World(_)), "ten seconds are enough for ten seconds");
    let mut story = at_the_edit(291);
    let warning = "after this step a rollback no longer fits";
    assert!(story.frame(120, 40).contains(warning));
    story.press(KeyCode::Enter);
    insta::assert_snapshot!("no_way_back_80x24", story.frame(80, 24));
    story.press(KeyCode::Char('y'));
    assert!(matches!(story.walk.awaiting, Awaiting::World(_)));
}

#[test]
fn the_window_that_is_over_is_told_and_asked_about_once() {
    let mut story = at_the_edit(330);
    story.press(KeyCode::Enter);
    insta::assert_snapshot!("window_over_80x24", story.frame(80, 24));
    story.type_in("it hangs at the provider");
    story.press(KeyCode::Enter);
    let frame = story.frame(80, 24);
    assert!(frame.contains("the run went on after the window was over: it hangs"), "{frame}");
    assert_eq!(story.walk.run.overruns.len(), 1);
    assert_eq!(story.walk.state(3), StepState::Pending, "nothing starts by itself");
    story.press(KeyCode::Enter);
    assert!(matches!(story.walk.awaiting, Awaiting::World(_)), "and it is not warned of again");
}

#[test]
fn the_window_is_extended() {
    let mut story = at_the_edit(330);
    story.press(KeyCode::Char('E'));
    story.type_in("soon");
    story.press(KeyCode::Enter);
    let frame = story.frame(80, 24);
    assert!(frame.contains("extend the window") && frame.contains("begin with a duration"), "{frame}");
    for _ in 0..4 {
        story.press(KeyCode::Backspace);
    }
    story.type_in("10m the reset took longer");
    story.press(KeyCode::Enter);
    let frame = story.frame(120, 40);
    assert!(frame.contains("window 09:30 left"), "{frame}");
    let record = Record::WindowExtended { by_ms: 600_000, reason: "the reset took longer".to_owned() };
    assert!(story.walk.run.extensions.iter().any(|one| one.reason == "the reset took longer"), "{record:?}");
    story.press(KeyCode::Enter);
    assert!(matches!(story.walk.awaiting, Awaiting::World(_)), "there is time");
}
