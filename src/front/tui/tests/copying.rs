//! What is copied, by whom, and what is asked first.

use crossterm::event::KeyCode;

use super::story::Story;
use crate::engine::Input;
use crate::front::tui::keymap::Action;
use crate::front::tui::panel::Panel;
use crate::front::{Say, Seat, Update};
use crate::output::{Copied, Told};
use crate::secret::Secret;

fn told(story: &Story) -> Vec<String> {
    story.walk.copies.iter().map(|copied| format!("{copied:?}")).collect()
}

fn handed_out(name: &str) -> Update {
    Update::Secret { name: name.into(), secret: Secret::new("CANARY-old-valkey".to_owned()) }
}

#[test]
fn a_command_is_copied_as_it_is_shown_and_without_its_line_end() {
    let mut story = Story::begin();
    story.press(KeyCode::Char('c'));
    insta::assert_snapshot!("copy_80x24", story.frame(80, 24));
    story.press(KeyCode::Enter);
    assert!(
        matches!(&story.walk.copies[..], [Copied::Text(text)] if text == "doctl account get"),
        "{:?}",
        told(&story)
    );
    assert!(story.walk.panel.is_none() && story.walk.says.is_empty());
}

#[test]
fn a_secret_is_asked_for_only_after_a_yes() {
    let mut story = Story::begin();
    for key in [KeyCode::Char('c'), KeyCode::Down, KeyCode::Down, KeyCode::Enter, KeyCode::Enter] {
        story.press(key);
    }
    assert!(matches!(&story.walk.panel, Some(Panel::CopySecret(name)) if name.as_str() == "old_valkey_password"));
    assert!(story.frame(80, 24).contains("Copy the secret old_valkey_password?"));
    story.press(KeyCode::Esc);
    assert!(story.walk.run.copied.is_empty() && story.walk.copying.is_none());

    for key in [KeyCode::Char('c'), KeyCode::Down, KeyCode::Enter, KeyCode::Char('y')] {
        story.press(key);
    }
    assert_eq!(story.walk.run.copied.len(), 1, "that it was is on record first");
    assert!(told(&story).is_empty());
    story.update(handed_out("old_valkey_password"));
    assert_eq!(told(&story), ["Secret { name: \"old_valkey_password\", .. }"]);
    assert!(story.walk.offers().contains(&Action::Start), "the question of the moment still stands");
    story.walk.copied(Told::Said("old_valkey_password copied; cleared in 30 s if it is still there".to_owned()));
    let frame = story.frame(80, 24);
    assert!(frame.contains("old_valkey_password copied") && !frame.contains("CANARY"), "{frame}");
}

#[test]
fn a_secret_that_was_not_asked_for_is_not_copied() {
    let mut story = Story::begin();
    story.update(handed_out("old_valkey_password"));
    story.walk.ask_for_secret("new_pg_password".into());
    story.update(handed_out("old_valkey_password"));
    assert!(told(&story).is_empty());
    // Who is refused, or loses the seat, has not asked any more.
    story.update(Update::Refused(crate::engine::Refusal::Stale));
    story.update(handed_out("new_pg_password"));
    story.walk.ask_for_secret("new_pg_password".into());
    story.update(Update::Seat(Seat::Watches { actor: Some("grace".into()), may_take_over: true }));
    story.update(handed_out("new_pg_password"));
    assert!(told(&story).is_empty());
}

#[test]
fn who_watches_copies_no_secret() {
    let mut story = Story::begin();
    story.update(Update::Seat(Seat::Watches { actor: Some("grace".into()), may_take_over: true }));
    story.press(KeyCode::Char('c'));
    assert!(story.walk.panel.is_none(), "there is one thing to copy, so nothing is asked");
    assert_eq!(told(&story), ["Text(\"doctl account get\")"]);
    let asked = |say: &Say| matches!(say, Say::Input(Input::CopySecret { .. }));
    assert!(!story.walk.says.iter().any(asked));
}

#[test]
fn a_link_is_copied_while_a_field_is_typed_into() {
    let mut story = Story::begin();
    story.up_to("reset-valkey");
    story.press(KeyCode::Enter);
    story.press(KeyCode::Char('y'));
    story.press(KeyCode::Char('c'));
    assert!(story.walk.panel.is_none(), "a letter is a letter there");
    story.press(KeyCode::F(3));
    story.press(KeyCode::Enter);
    assert!(
        matches!(&story.walk.copies[..], [Copied::Text(text)] if text.starts_with("https://")),
        "{:?}",
        told(&story)
    );
}
