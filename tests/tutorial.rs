//! The drills of First steps in a real terminal, walked by a reader who knows nothing but what stands on the screen.
//!
//! What must stay true: the reader looks at the picture alone, never at the journal or the playbook, and a key is pressed for
//! what is to be seen at that moment.

use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::desk::Desk;
use crate::support::terminal::Terminal;

/// How long a whole walk may take, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(4);

/// What the reader does about a picture.
enum Move {
    /// Press this.
    Press(&'static str),
    /// Paste this.
    Paste(String),
    /// Nothing is asked; look again.
    Wait,
    /// It is over.
    Done,
}

/// Reads a picture. `failed` says what is right where something failed, by what the screen says of it.
fn read(picture: &str, failed: fn(&str) -> &'static str) -> Move {
    let has = |text: &str| picture.contains(text);
    if has("of 100 points") {
        return Move::Done;
    }
    if has("How far? Up and Down choose.") {
        let there = has("▶ back to before: Get the new key");
        return Move::Press(if there { "y" } else { "\x1b[B" });
    }
    if has("Enter answer") {
        return Move::Press("\r");
    }
    if has("Esc back  Up/Down move  PgUp/PgDn scroll") {
        return Move::Press("\x1b");
    }
    if has("✗ failed:") || has("not verified:") {
        return Move::Press(failed(picture));
    }
    if let Some(value) = practice_value(picture) {
        return if has("characters   ✓") { Move::Press("\r") } else { Move::Paste(value) };
    }
    let foot = picture.trim_end().lines().last().unwrap_or_default();
    if foot.trim_start().starts_with("y ") {
        return Move::Press("y");
    }
    if foot.trim_start().starts_with("Enter ") {
        return Move::Press("\r");
    }
    Move::Wait
}

/// Finds the value that the screen offers to practise with.
fn practice_value(picture: &str) -> Option<String> {
    let offers = picture.match_indices("(to practise with: ");
    offers
        .filter_map(|(at, label)| picture[at + label.len()..].lines().next()?.split_once(')'))
        .map(|(value, _)| value.to_owned())
        .next()
}

/// Walks a drill until the scorecard, or until `until` is to be seen.
fn walk(terminal: &Terminal, until: &str, failed: fn(&str) -> &'static str) -> String {
    let begin = Instant::now();
    loop {
        let picture = terminal.picture();
        if picture.contains(until) {
            return picture;
        }
        match read(&picture, failed) {
            Move::Done => return picture,
            Move::Press(key) => terminal.press(key),
            Move::Paste(value) => terminal.paste(&value),
            Move::Wait => {}
        }
        // A key that came too early was not taken, and is pressed again for what stands there then.
        thread::sleep(Duration::from_millis(400));
        assert!(begin.elapsed() < PATIENCE, "the walk has no end\n{}", terminal.picture());
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn the_tutorial_is_done_by_who_reads_the_screen() {
    let folder = TempDir::with_prefix("tutorial-").expect("make a folder");
    let desk = Desk::make(folder.path());
    let drill = words(&["run", "first-steps", "--drill", "tutorial", "--speed", "100x", "--operator", "ada"]);
    let terminal = Terminal::start(&desk, &drill, 80, 24);
    let briefing = terminal.see("Begin");
    assert!(briefing.contains("DRILL: briefing"), "{briefing}");
    // F10
    terminal.press_until("\x1b[21~", "DRILL: now");
    let card = walk(&terminal, "of 100 points", |picture| {
        // Ask once more where the service may only need a moment; go back where the new key is no good.
        if picture.contains("expired") || picture.contains("503") { "b" } else { "v" }
    });
    assert!(card.contains("passed, "), "{card}");
    let listed = desk.call(["drills"]).ends_with(0).out;
    assert!(listed.contains("ada") && listed.contains("passed"), "{listed}");
    assert!(desk.runs().is_empty(), "a drill is no run");
}

#[test]
fn who_loses_the_terminal_in_a_drill_attaches() {
    let folder = TempDir::with_prefix("tutorial-").expect("make a folder");
    let desk = Desk::make(folder.path());
    let drill = words(&["run", "first-steps", "--drill", "alone-at-night", "--speed", "100x"]);
    let terminal = Terminal::start(&desk, &drill, 80, 24);
    terminal.see("Begin");
    terminal.press_until("\x1b[21~", "DRILL: now");
    walk(&terminal, "comes back to it", |_| "r");
    assert_eq!(terminal.ends().code, Some(130));
    let terminal = Terminal::start(&desk, &words(&["attach"]), 80, 24);
    // The step that was under way has come to its end meanwhile, or does so now.
    terminal.see("DRILL: steps: 6 of 12");
    let card = walk(&terminal, "of 100 points", |_| "r");
    assert!(card.contains("passed, "), "{card}");
}
