//! What earlier runs took is told in the briefing and goes into the record of the next; and what `show` says of the clocks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests a failure is said by failing")]

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::{Called, Desk};

const PLAYBOOK: &str = "
runsheet: 1
title: Story
window: 1h
inputs: { word: { type: text, default: good } }
phases:
  - title: Only
    steps:
      - { id: look, title: Look, run: 'true', read_only: true }
      - id: change
        title: Change
        run: 'test \"$WORD\" = good'
        estimate: 40m
        irreversible: Nothing brings it back.
        rollback: [{ run: 'true' }]
        verify: [{ command: 'true' }]
      - { id: again, title: 'Change ${word}', run: 'true', estimate: 30m, rollback: [{ run: 'true' }] }
";

struct Place {
    _folder: TempDir,
    desk: Desk,
}

impl Place {
    fn make() -> Self {
        let folder = TempDir::with_prefix("earlier-").unwrap();
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("story.yaml"), PLAYBOOK).unwrap();
        Self { _folder: folder, desk }
    }

    fn run(&self, word: &str, more: &[&str]) -> Called {
        let word = format!("word={word}");
        self.desk.call([&["run", "story.yaml", "--unattended", "--input", &word], more].concat())
    }

    /// What the latest run began with.
    fn begun(&self) -> Value {
        self.desk.journal()[0]["record"]["begun"].clone()
    }

    fn briefing(&self) -> String {
        self.desk.call(["run", "story.yaml", "--dry-run", "--ticket", "OPS-7"]).ends_with(0).out
    }

    fn clocks(&self) -> Value {
        let shown = self.desk.call(["show", "--json"]).ends_with(0).out;
        serde_json::from_str::<Value>(&shown).unwrap()["clocks"].clone()
    }
}

#[test]
fn the_next_run_knows_how_long_the_earlier_ones_took() {
    let place = Place::make();
    let told = place.briefing();
    for line in [
        "ticket        OPS-7",
        "mode          dry run: nothing is changed",
        "steps         3 steps in 1 phase; a person is needed at 0; 1 point of no return.",
        "takes         About 1h 10m of work, by the playbook's estimates; 1 step without an estimate.",
        "CAREFUL       Window 1h; from the first change on about 1h 10m: LONGER THAN THE WINDOW by 10m.",
        "2. Change (NO WAY BACK, about 40m)",
        "3. Change good (about 30m)",
        "no way back   Change: Nothing brings it back. There is a way forward.",
        "undone        At any time, newest first, each action asked for: 1 step by the program; 1 step not undone, but with a way forward.",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    place.run("good", &[]).ends_with(0);
    assert_eq!(place.begun().get("expected"), None, "there was none before it");
    let clocks = place.clocks();
    assert_eq!(
        (&clocks["exposures"][0]["step"], &clocks["exposures"][0]["verified"]),
        (&"change".into(), &true.into())
    );
    assert_eq!((&clocks["work_left_ms"], &clocks["window"]["planned_ms"]), (&0.into(), &3_600_000.into()));
    // One that was rolled back tells nothing, nor does one of another playbook.
    place.run("bad", &["--on-failure", "rollback"]).ends_with(4);
    let other = PLAYBOOK.replace("title: Story", "title: Other");
    fs::write(place.desk.home().join("other.yaml"), other).unwrap();
    place.desk.call(["run", "other.yaml", "--unattended"]).ends_with(0);
    assert_eq!(place.begun().get("expected"), None, "that is another playbook");
    place.run("good", &[]).ends_with(0);
    let expected = place.begun()["expected"].clone();
    assert_eq!(expected.as_object().unwrap().keys().collect::<Vec<_>>(), ["again", "change", "look"]);
    assert_eq!(expected["change"]["runs"], 1);
    let told = place.briefing();
    assert!(told.contains("for 3 steps the median of 2 earlier runs"), "{told}");
    assert!(!told.contains("LONGER THAN THE WINDOW"), "{told}");
}

/// An open run says how its clocks stand; a journal that cannot be read costs nobody a run.
#[test]
fn an_open_run_shows_its_clocks() {
    let place = Place::make();
    place.run("good", &[]).ends_with(0);
    fs::write(place.desk.run_folder().join("journal.jsonl"), "{ no journal }\n").unwrap();
    place.run("bad", &["--on-failure", "stop"]).ends_with(1);
    let clocks = place.clocks();
    assert_eq!(clocks["exposed"]["step"], "change");
    assert_eq!(clocks["window"]["over"], false);
    assert_eq!(clocks["rollback_needs_ms"], 40 * 60_000);
    assert!(clocks["last_safe_rollback"].is_string(), "{clocks}");
    let shown = place.desk.call(["show"]).ends_with(0).out;
    for line in
        ["the clocks", "  window     ", " left of 1h", "  exposed    ", "since change started, not verified yet"]
    {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}
