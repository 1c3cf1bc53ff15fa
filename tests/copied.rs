//! Copying through the built program: what the terminal is asked, who is asked first, and what is on record.
//!
//! There is no display in these tests, so the terminal is asked (OSC 52); clearing a display's clipboard is tested beside it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::desk::{Desk, brief};
use crate::support::terminal::Terminal;

const PLAYBOOK: &str = "
runsheet: 1
title: Make a key
phases:
  - title: Only
    steps:
      - { id: make, title: Make a key, run: cat key, capture: { new_key: { secret: true } }, read_only: true }
      - { id: hand, title: Hand it over, manual: Put it there., open: 'https://example.com/keys', read_only: true }
";
/// What the terminal is asked to copy the key: base64 of `CANARY-copied-key`.
const KEY: &str = "\x1b]52;c;Q0FOQVJZLWNvcGllZC1rZXk=\x1b\\";
/// Likewise the link.
const LINK: &str = "\x1b]52;c;aHR0cHM6Ly9leGFtcGxlLmNvbS9rZXlz\x1b\\";
const DOWN: &str = "\x1b[B";

struct Story {
    folder: TempDir,
    desk: Desk,
}

impl Story {
    fn make() -> Self {
        let folder = TempDir::with_prefix("copied-").unwrap();
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("story.yaml"), PLAYBOOK).unwrap();
        // From a file: the command itself is shown.
        fs::write(desk.home().join("key"), "CANARY-copied-key\n").unwrap();
        Self { folder, desk }
    }

    fn terminal(&self, words: &[&str]) -> Terminal {
        Terminal::start(&self.desk, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), 100, 30)
    }

    /// Asserts that the key is on record by its name alone.
    fn on_record(&self, times: usize) {
        let journal = self.desk.journal();
        let copied = journal.iter().filter(|entry| !entry["record"]["secret_copied"].is_null()).collect::<Vec<_>>();
        assert_eq!(copied.len(), times, "{:#?}", journal.iter().map(brief).collect::<Vec<_>>());
        assert!(copied.iter().all(|entry| entry["record"] == json!({ "secret_copied": { "name": "new_key" } })));
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_type().unwrap().is_file() && entry.file_name() != "key" {
                    let bytes = fs::read(entry.path()).unwrap();
                    let kept = bytes.windows(17).any(|part| part == b"CANARY-copied-key");
                    assert!(!kept, "{} has the key", entry.path().display());
                }
            }
        }
    }
}

/// Somebody at the socket who only watches and asks for the key all the same; gives back all that is heard until the refusal.
fn asks_without_a_seat(story: &Story) -> String {
    let mut socket = UnixStream::connect(story.desk.run_folder().join("host.sock")).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut say = |value: Value| {
        let text = value.to_string();
        socket.write_all(&u32::try_from(text.len()).unwrap().to_be_bytes()).unwrap();
        socket.write_all(text.as_bytes()).unwrap();
    };
    say(json!({ "protocol": 1, "program": "0", "role": "act", "operator": "Eve", "account": "eve", "host": "there" }));
    // Whoever comes second only watches, though it came to act.
    say(json!({ "say": { "copy_secret": { "name": "new_key" } } }));
    let mut heard = String::new();
    while !heard.contains("only watches, so nothing was done") {
        let mut length = [0; 4];
        socket.read_exact(&mut length).unwrap();
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        socket.read_exact(&mut body).unwrap();
        heard += &String::from_utf8_lossy(&body);
    }
    heard
}

#[test]
fn a_secret_is_copied_when_asked_for_twice_by_who_acts_and_nobody_else() {
    let story = Story::make();
    let first = story.terminal(&["run", "story.yaml", "--operator", "Ada"]);
    first.see("Nothing has happened yet");
    first.press("\x1b[21~");
    first.until("the first step", |picture| picture.contains("Next: 1/2") && picture.contains("Enter start"));
    first.press("\r");
    first.see("Your turn: 2/2");
    let second = story.terminal(&["attach", "--operator", "Grace"]);
    second
        .until("what the run waits for", |picture| picture.contains("WATCHING") && picture.contains("Your turn: 2/2"));

    first.press("c");
    first.see("secret   new_key");
    first.press(DOWN);
    first.press("\r");
    first.see("Copy the secret new_key?");
    assert!(!first.raw().contains(KEY));
    story.on_record(0);
    first.press("y");
    first.see("new_key sent to your terminal to copy; clear it yourself");
    assert_eq!(first.raw().matches(KEY).count(), 1);
    story.on_record(1);
    assert!(!first.raw().contains("CANARY"));

    // Who watches copies what is to be seen, and has no way to more.
    second.press("c");
    second.see("sent to your terminal to copy; some terminals do not allow it");
    assert!(second.raw().contains(LINK) && !second.raw().contains(KEY));
    let heard = asks_without_a_seat(&story);
    assert!(!heard.contains("CANARY"), "{heard}");
    story.on_record(1);

    // It is said once more to who leaves while it may still be there.
    first.press("q");
    first.see("leave?");
    first.press("y");
    first.see("new_key may still be in your terminal's clipboard: clear it yourself");
    first.ends();
    second.ends();
    let report = story.desk.call(["report"]).ends_with(0).out;
    assert!(report.contains("## Copied secrets") && report.contains("new_key"), "{report}");
}

#[test]
fn a_secret_is_copied_from_plain_lines() {
    let story = Story::make();
    let lines = story.terminal(&["run", "story.yaml", "--plain", "--operator", "Ada"]);
    lines.see("Begin the run?");
    says(&lines, "", "step 1 of 2");
    lines.see("[Enter] start");
    says(&lines, "", "hand: Hand it over");
    lines.until("what can be done", |picture| picture.contains("[Enter] done") && picture.contains("c copy"));
    says(&lines, "c", "Which? Type its number.");
    assert!(lines.raw().contains("2 secret: new_key"), "{}", lines.picture());
    says(&lines, "2", "Copy it?");
    says(&lines, "y", "new_key sent to your terminal to copy; clear it yourself");
    assert_eq!(lines.raw().matches(KEY).count(), 1);
    assert!(!lines.raw().contains("CANARY"));
    story.on_record(1);
    says(&lines, "q", "new_key may still be in your terminal's clipboard: clear it yourself");
    lines.ends();
}

/// Types a line, and again where it was not taken, until it has its effect.
fn says(lines: &Terminal, line: &str, effect: &str) {
    let mut from = lines.raw().len();
    lines.press(&format!("{line}\r"));
    loop {
        let raw = lines.raw();
        let new = raw.get(from..).unwrap_or_default();
        if new.contains(effect) {
            return;
        }
        if new.contains("it was not taken") || new.contains("that was not taken") {
            from = raw.len();
            lines.press(&format!("{line}\r"));
        } else {
            lines.written(raw.len());
        }
    }
}
