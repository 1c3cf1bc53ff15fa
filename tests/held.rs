//! A terminal that does not read: a stalled connection, or one that somebody has held (Ctrl-S).
//!
//! What runs goes on and is recorded whole, and who ends the program by a signal does not wait for the terminal.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::desk::{Desk, brief};
use crate::support::terminal::Terminal;

const PLAYBOOK: &str = "
runsheet: 1
title: A story of a flood
phases:
  - title: Only
    steps:
      - id: flood
        title: The flood
        run: |
          echo begun
          while [ ! -e pour ]; do sleep 0.02; done
          seq 100000
          touch poured
        read_only: true
        timeout: 10m
      - id: after
        title: The step after
        run: touch after-ran
        read_only: true
";

/// How long a program may take to end that was told to.
const SOON: Duration = Duration::from_secs(5);

const CTRL_S: &str = "\x13";
const CTRL_Q: &str = "\x11";

struct Story {
    _folder: TempDir,
    desk: Desk,
}

impl Story {
    fn make() -> Self {
        let folder = TempDir::with_prefix("held-").expect("make a folder");
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("story.yaml"), PLAYBOOK).expect("write the playbook");
        Self { _folder: folder, desk }
    }

    fn opens(&self, more: &[&str]) -> Terminal {
        let words = ["run", "--foreground", "story.yaml"].iter().chain(more).map(|word| (*word).to_owned());
        Terminal::start(&self.desk, &words.collect::<Vec<_>>(), 80, 24)
    }

    /// The full screen while the flood runs, before it pours.
    fn on_screen(&self) -> Terminal {
        let terminal = self.opens(&[]);
        terminal.see("Nothing has happened yet");
        terminal.press("\x1b[21~");
        terminal.see("Enter start");
        terminal.see("Next: 1/");
        // Pressed at the same moment it would be no answer.
        terminal.see("Enter starts it");
        terminal.press("\r");
        terminal.see("output: 1 line");
        terminal
    }

    /// The plain lines at the same moment.
    fn in_lines(&self) -> Terminal {
        let terminal = self.opens(&["--plain"]);
        terminal.see("Begin the run?");
        terminal.press("\n");
        terminal.see("? help >");
        terminal.press("\n");
        terminal.see("| begun");
        terminal
    }

    /// Lets the flood pour, and waits until all that follows is on record.
    #[track_caller]
    fn pours(&self) {
        fs::write(self.desk.home().join("pour"), "").expect("let it pour");
        let begin = Instant::now();
        while !self.desk.journal().iter().any(|entry| brief(entry) == "performed flood ok") {
            assert!(begin.elapsed() < Duration::from_mins(1), "it is held up: {:?}", self.desk.journal());
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(self.desk.home().join("poured").exists());
        let transcript =
            fs::read_to_string(self.desk.run_folder().join("transcript/flood.1.log")).expect("a transcript");
        assert_eq!(transcript.lines().filter(|line| line.parse::<u32>().is_ok()).count(), 100_000, "nothing is lost");
    }

    #[track_caller]
    fn was_paused(&self, by: &str) {
        let journal = self.desk.journal();
        let last = journal.last().expect("a record");
        assert_eq!(last["record"]["paused"]["why"], format!("stopped by {by}"), "{last}");
    }
}

#[test]
fn the_full_screen_holds_nothing_up() {
    let story = Story::make();
    let mut terminal = story.on_screen();
    terminal.holds();
    terminal.until_full();
    story.pours();
    terminal.resize(80, 24);
    terminal.lets_go();
    terminal.until("the next step", |picture| picture.contains("Next: 2/") && picture.contains("Enter start"));
    terminal.press("q");
    terminal.see("leave?");
    terminal.press("y");
    assert_eq!(terminal.ends().code, Some(130));
}

#[test]
fn a_signal_ends_the_full_screen_all_the_same() {
    for signal in [Signal::TERM, Signal::HUP] {
        let story = Story::make();
        let mut terminal = story.on_screen();
        terminal.holds();
        terminal.until_full();
        terminal.signal(signal);
        let (status, took) = terminal.ends_unread();
        assert_eq!(status.code(), Some(130), "{status}");
        assert!(took < SOON, "{took:?}");
        story.was_paused(if signal == Signal::TERM { "SIGTERM" } else { "SIGHUP" });
    }
}

#[test]
fn a_signal_ends_a_briefing_all_the_same() {
    let story = Story::make();
    let mut terminal = story.opens(&[]);
    terminal.see("Nothing has happened yet");
    terminal.holds();
    terminal.until_full();
    terminal.signal(Signal::TERM);
    let (status, took) = terminal.ends_unread();
    assert_eq!(status.code(), Some(130), "{status}");
    assert!(took < SOON, "{took:?}");
    assert!(story.desk.runs().is_empty());
}

#[test]
fn a_terminal_that_vanishes_while_it_is_full_ends_it() {
    let story = Story::make();
    let mut terminal = story.on_screen();
    terminal.holds();
    terminal.until_full();
    let (status, took) = terminal.vanishes();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(status.signal().is_none() && !status.core_dumped(), "{status}");
    assert!(story.desk.journal().iter().any(|entry| brief(entry).starts_with("paused")));
}

#[test]
fn plain_lines_hold_nothing_up() {
    let story = Story::make();
    let terminal = story.in_lines();
    terminal.press(CTRL_S);
    terminal.until_held();
    story.pours();
    // Nobody has seen the question yet: this is no answer to it.
    terminal.press("\n");
    terminal.until_read();
    terminal.press(CTRL_Q);
    terminal.see("That came before the question was asked");
    let picture = terminal.picture();
    assert!(picture.contains("| 100000"), "{picture}");
    assert!(!story.desk.home().join("after-ran").exists());
    let raw = terminal.raw();
    assert!(raw.contains("lines not shown: it came faster than it could be printed"), "what was left out is said");
    terminal.press("\n");
    terminal.see("after: done");
    assert_eq!(terminal.ends().code, Some(0));
}

#[test]
fn a_signal_ends_plain_lines_all_the_same() {
    let story = Story::make();
    let mut terminal = story.in_lines();
    terminal.press(CTRL_S);
    terminal.until_held();
    story.pours();
    terminal.signal(Signal::TERM);
    let (status, took) = terminal.ends_unread();
    assert_eq!(status.code(), Some(130), "{status}");
    assert!(took < SOON, "{took:?}");
    story.was_paused("SIGTERM");
}
