//! The terminal, whatever happens: given back as it was found, and no key taken for an answer that it was not.
//!
//! Through the built program on a pty. A panic is tested where the hook is (`front::tui::terminal`).

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::{Desk, brief};
use crate::support::terminal::{Left, Terminal};

const PLAYBOOK: &str = "
runsheet: 1
title: A story for the terminal
phases:
  - title: Only
    steps:
      - id: first
        title: The first step
        run: echo first
        read_only: true
      - id: long
        title: The long step
        run: |
          echo begun
          for turn in $(seq 3000); do if [ -e go ]; then break; fi; sleep 0.02; done
        read_only: true
        timeout: 10m
      - id: after
        title: The step after
        run: touch after-ran
        read_only: true
      - id: token
        title: The token
        ask: { token: { type: secret, prompt: Paste the token, min_length: 8 } }
      - id: fails
        title: The step that fails
        run: test -e mended
        read_only: true
        hint: Make the file mended.
        verify: [{ file: mended, exists: true }]
";

/// How far a story goes before something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Briefing,
    Waiting,
    Running,
    Asking,
}

struct Story {
    _folder: TempDir,
    desk: Desk,
}

impl Story {
    fn make() -> Self {
        let folder = TempDir::with_prefix("terminal-").expect("make a folder");
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("story.yaml"), PLAYBOOK).expect("write the playbook");
        Self { _folder: folder, desk }
    }

    fn opens(&self, columns: u16, rows: u16) -> Terminal {
        let terminal = Terminal::start(&self.desk, &["run".into(), "story.yaml".into()], columns, rows);
        terminal.see("Nothing has happened yet");
        terminal
    }

    /// Opens the playbook and goes on to a moment.
    fn at(&self, moment: Moment) -> Terminal {
        let terminal = self.opens(80, 24);
        if moment == Moment::Briefing {
            return terminal;
        }
        terminal.press(F10);
        next(&terminal, 1);
        if moment == Moment::Waiting {
            return terminal;
        }
        terminal.press(ENTER);
        next(&terminal, 2);
        terminal.press(ENTER);
        terminal.see("output: 1 line");
        if moment == Moment::Running {
            return terminal;
        }
        self.goes_on();
        next(&terminal, 3);
        terminal.press(ENTER);
        terminal.see("Paste the token");
        terminal.see("Enter hand in");
        terminal
    }

    /// Lets the long step end.
    fn goes_on(&self) {
        fs::write(self.desk.home().join("go"), "").expect("let it go on");
    }

    fn has(&self, name: &str) -> bool {
        self.desk.home().join(name).exists()
    }

    /// Holds that the run is open, its journal whole, and can be taken up again.
    #[track_caller]
    fn can_be_resumed(&self) {
        let runs = self.desk.call(["runs", "--json"]).ends_with(0);
        let runs: Value = serde_json::from_str(&runs.out).expect("JSON");
        assert_eq!(runs.as_array().map(Vec::len), Some(1), "{runs}");
        self.goes_on();
        let terminal = Terminal::start(&self.desk, &["resume".into()], 80, 24);
        terminal.see_one_of(&["Enter start", "r run again", "Enter hand in"]);
        terminal.press(CTRL_C);
        terminal.see("leave?");
        terminal.press("y");
        assert_eq!(terminal.ends().code, Some(130));
    }
}

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const CTRL_C: &str = "\x03";
const F10: &str = "\x1b[21~";

/// Waits until the step of a number can be started.
#[track_caller]
fn next(terminal: &Terminal, number: usize) {
    let headline = format!("Next: {number}/");
    terminal.until(&headline, |picture| picture.contains(&headline) && picture.contains("Enter start"));
}

/// Returns the last line of the screen.
fn foot(picture: &str) -> &str {
    picture.lines().last().unwrap_or_default()
}

#[test]
fn it_is_left_as_found_when_the_operator_leaves() {
    let story = Story::make();
    let terminal = story.at(Moment::Waiting);
    terminal.press("q");
    terminal.see("leave?");
    terminal.press("y");
    let left = terminal.ends();
    assert_eq!(left.code, Some(130), "{}", left.text);
    assert!(left.text.contains("runsheet resume"), "{}", left.text);
    story.can_be_resumed();
}

#[test]
fn it_is_left_as_found_when_all_is_done() {
    let story = Story::make();
    let terminal = story.at(Moment::Asking);
    terminal.paste("CANARY-token");
    terminal.see("12 characters");
    terminal.press(ENTER);
    next(&terminal, 5);
    fs::write(story.desk.home().join("mended"), "").expect("mend");
    terminal.press(ENTER);
    terminal.see("Completed.");
    terminal.press("q");
    assert_eq!(terminal.ends().code, Some(0));
}

#[test]
fn it_is_left_as_found_after_every_signal_at_every_moment() {
    for moment in [Moment::Briefing, Moment::Waiting, Moment::Running, Moment::Asking] {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let story = Story::make();
            let terminal = story.at(moment);
            terminal.signal(signal);
            let begin = Instant::now();
            let Left { code, text, .. } = terminal.ends();
            assert_eq!(code, Some(130), "{moment:?}, {signal:?}\n{text}");
            assert!(text.contains("interrupted by SIG"), "{moment:?}, {signal:?}\n{text}");
            assert!(begin.elapsed() < Duration::from_secs(30), "{moment:?}, {signal:?}");
            if moment == Moment::Briefing {
                assert!(story.desk.runs().is_empty(), "nothing was begun");
            } else {
                story.can_be_resumed();
            }
        }
    }
}

#[test]
fn the_library_is_left_after_a_signal() {
    let story = Story::make();
    let terminal = Terminal::start(&story.desk, &[], 80, 24);
    terminal.see("choose a run or a playbook");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.ends().code, Some(130));
}

#[test]
fn who_leaves_the_briefing_is_back_in_the_library() {
    let story = Story::make();
    let terminal = Terminal::start(&story.desk, &[], 80, 24);
    terminal.see("First steps");
    terminal.press(ENTER);
    terminal.see("Nothing has happened yet");
    terminal.press(ESC);
    terminal.see("choose a run or a playbook");
    terminal.press("q");
    assert_eq!(terminal.ends().code, Some(0));
    assert!(story.desk.runs().is_empty());
}

#[test]
fn a_terminal_that_is_gone_ends_the_program_and_leaves_the_run_open() {
    for moment in [Moment::Briefing, Moment::Waiting, Moment::Running, Moment::Asking] {
        let story = Story::make();
        let (status, took) = story.at(moment).vanishes();
        assert!(took < Duration::from_secs(2), "{moment:?}: it took {took:?}");
        assert!(status.signal().is_none() && !status.core_dumped(), "{moment:?}: {status}");
        if moment != Moment::Briefing {
            assert!(story.desk.journal().iter().any(|entry| brief(entry).starts_with("paused")), "{moment:?}");
            story.can_be_resumed();
        }
    }
}

#[test]
fn it_stands_still_and_comes_back() {
    let story = Story::make();
    for moment in [Moment::Briefing, Moment::Waiting] {
        let terminal = story.at(moment);
        terminal.signal(Signal::TSTP);
        let begin = Instant::now();
        let stat = format!("/proc/{}/stat", terminal.pid());
        let stopped = || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "));
        while !(stopped() && terminal.as_found()) {
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "{moment:?}: stopped: {}, as found: {}",
                stopped(),
                terminal.as_found()
            );
            std::thread::yield_now();
        }
        terminal.signal(Signal::CONT);
        terminal.until("the screen again", |picture| picture.contains("A story for the terminal"));
        terminal.press(CTRL_C);
        if moment == Moment::Waiting {
            terminal.see("leave?");
            terminal.press("y");
        }
        assert_eq!(terminal.ends().code, Some(130));
    }
}

#[test]
fn ctrl_c_asks() {
    let story = Story::make();
    let terminal = story.at(Moment::Waiting);
    terminal.press(CTRL_C);
    terminal.see("leave?");
    terminal.press(ESC);
    next(&terminal, 1);
    terminal.press(CTRL_C);
    terminal.see("leave?");
    terminal.press(ESC);
    next(&terminal, 1);
    terminal.press(ENTER);
    next(&terminal, 2);
    terminal.press(ENTER);
    terminal.see("output: 1 line");
    // It stops what runs, and asks before it leaves.
    terminal.press(CTRL_C);
    terminal.see("leave?");
    terminal.press(ESC);
    terminal.see("r run again");
    terminal.press("q");
    terminal.see("leave?");
    terminal.press("y");
    assert_eq!(terminal.ends().code, Some(130));
}

#[test]
fn keys_pressed_while_something_runs_start_nothing() {
    let story = Story::make();
    let terminal = story.at(Moment::Running);
    terminal.press(&ENTER.repeat(20));
    terminal.press("yyyy");
    story.goes_on();
    // Some of them come when the next question stands already, but nobody can have read it.
    terminal.press(&ENTER.repeat(20));
    next(&terminal, 3);
    assert!(!story.has("after-ran"), "{}", terminal.picture());
    let begun = story.desk.journal().iter().filter(|entry| brief(entry).starts_with("started")).count();
    assert_eq!(begun, 2);
    terminal.press(ENTER);
    terminal.see("Paste the token");
    assert!(story.has("after-ran"));
}

#[test]
fn what_a_paste_brings_along_is_taken_off_and_that_is_seen() {
    for (paste, length, said) in [
        ("CANARY-token\n", 12, "removed 1 line end at the end"),
        ("CANARY-token \r\n", 12, "removed 1 line end at the end, 1 blank at the end"),
        ("  CANARY-tokens", 13, "removed 2 blanks at the beginning"),
        ("CANARY-token", 12, ""),
    ] {
        let story = Story::make();
        let terminal = story.at(Moment::Asking);
        terminal.paste(paste);
        let picture = terminal.see(&format!("{length} characters"));
        assert!(picture.contains(said), "{paste:?}\n{picture}");
        assert_eq!(picture.contains("removed"), !said.is_empty(), "{paste:?}\n{picture}");
        // A line end in a paste hands nothing in.
        assert!(picture.contains("4/5 token"), "{picture}");
        assert!(!picture.contains("CANARY"));
        terminal.press(ENTER);
        next(&terminal, 5);
    }
}

#[test]
fn no_size_ends_a_run() {
    let story = Story::make();
    let terminal = story.at(Moment::Running);
    let mut written = terminal.written(0);
    for (columns, rows) in [(1, 1), (300, 100), (2, 50), (300, 1), (80, 2), (79, 23), (20, 5), (120, 40), (3, 3)] {
        terminal.resize(columns, rows);
        written = terminal.written(written);
    }
    terminal.resize(80, 24);
    story.goes_on();
    next(&terminal, 3);
    terminal.resize(1, 1);
    terminal.written(written);
    terminal.resize(100, 30);
    next(&terminal, 3);
    terminal.press("q");
    terminal.see("leave?");
    terminal.press("y");
    assert_eq!(terminal.ends().code, Some(130));
}

#[test]
fn all_keys_that_are_needed_stand_on_80_by_24() {
    let story = Story::make();
    let shows = |picture: &str, keys: &[&str]| {
        for key in keys {
            assert!(foot(picture).contains(key), "{key}\n{picture}");
        }
    };
    let terminal = story.at(Moment::Briefing);
    shows(&terminal.picture(), &["F10 begin", "q leave"]);
    terminal.press(F10);
    next(&terminal, 1);
    shows(&terminal.picture(), &["Enter start", "s skip", "n notes", "? help", ": all actions"]);
    terminal.press(ENTER);
    next(&terminal, 2);
    terminal.press(ENTER);
    terminal.see("output: 1 line");
    shows(&terminal.see("x stop"), &["x stop", "? help", ": all actions"]);
    story.goes_on();
    next(&terminal, 3);
    terminal.press(ENTER);
    terminal.see("Enter hand in");
    shows(&terminal.picture(), &["Enter hand in", "Esc leave field", "F1 help", "Ctrl-C stop/leave"]);
    // The rest of this clipboard comes as keys: they hand nothing in.
    terminal.paste("CANARY-token\x1b[201~\r\r");
    terminal.see("keys that came with the paste were not taken");
    assert!(terminal.picture().contains("4/5 token"), "{}", terminal.picture());
    terminal.press(ENTER);
    next(&terminal, 5);
    terminal.press(ENTER);
    let failed = terminal.see("r run again");
    shows(&failed, &["r run again", "v verify again", "h by hand", "s skip", "? help"]);
    assert!(failed.contains("t show a hint"), "{failed}");
    terminal.press(":");
    terminal.see("all actions");
}
