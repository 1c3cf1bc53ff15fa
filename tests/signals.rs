//! Every signal at every moment: the terminal given back as it was found, the record right, the status right.
//!
//! Through the built program on a pty, in one process (`--foreground`). At each moment the signals that end nothing come
//! first, all of them, and then one that ends the program; so a story stands for a row of the table of signals and moments.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::{Desk, brief};
use crate::support::terminal::Terminal;

const PLAYBOOK: &str = "
runsheet: 1
title: A story for signals
inputs:
  key: { type: secret, prompt: The key }
phases:
  - title: Only
    steps:
      - id: first
        title: The first step
        run: |
          echo begun
          for turn in $(seq 6000); do if [ -e go ]; then break; fi; sleep 0.02; done
        read_only: true
        timeout: 10m
        verify: [{ file: checked, exists: true, within: 10m, every: 50ms }]
      - id: careful
        title: The careful step
        run: echo careful
        confirm: Look twice.
        rollback:
          - run: |
              echo undoing
              for turn in $(seq 6000); do if [ -e undo ]; then break; fi; sleep 0.02; done
      - id: token
        title: The token
        ask: { token: { type: secret, prompt: Paste the token, min_length: 8 } }
";

/// The signals that end the program.
const ENDING: [(Signal, &str); 4] =
    [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP"), (Signal::QUIT, "SIGQUIT")];

/// Those that mean nothing to it, or only that the screen is drawn again.
const PASSED_OVER: [Signal; 8] =
    [Signal::PIPE, Signal::ALARM, Signal::USR1, Signal::USR2, Signal::XFSZ, Signal::CHILD, Signal::WINCH, Signal::CONT];

const ENTER: &str = "\r";
const F10: &str = "\x1b[21~";

/// How far a story goes before something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Library,
    Briefing,
    Waiting,
    Running,
    Verifying,
    Confirming,
    Pasting,
    RollingBack,
    LastPage,
}

use Moment::{Briefing, Confirming, LastPage, Library, Pasting, RollingBack, Running, Verifying, Waiting};

/// A folder in which the story is told once.
struct Story {
    _folder: TempDir,
    desk: Desk,
}

impl Story {
    fn make() -> Self {
        let folder = TempDir::with_prefix("signals-").expect("make a folder");
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("story.yaml"), PLAYBOOK).expect("write the playbook");
        Self { _folder: folder, desk }
    }

    fn opens(&self, plain: bool) -> Terminal {
        let mut words = vec!["run".to_owned(), "--foreground".to_owned(), "story.yaml".to_owned()];
        words.extend(plain.then(|| "--plain".to_owned()));
        Terminal::start(&self.desk, &words, 80, 24)
    }

    fn touch(&self, name: &str) {
        fs::write(self.desk.home().join(name), "").expect("write a file");
    }

    /// Goes on in the full screen to a moment.
    fn on_screen(&self, moment: Moment) -> Terminal {
        if moment == Library {
            let terminal = Terminal::start(&self.desk, &[], 80, 24);
            terminal.see("choose a run or a playbook");
            return terminal;
        }
        let terminal = self.opens(false);
        terminal.see("Nothing has happened yet");
        terminal.paste("CANARY-key");
        terminal.see("10 characters");
        if moment == Briefing {
            return terminal;
        }
        terminal.press(F10);
        next(&terminal, 1);
        if moment == Waiting {
            return terminal;
        }
        terminal.press(ENTER);
        terminal.see("output: 1 line");
        if moment == Running {
            return terminal;
        }
        self.touch("go");
        terminal.see("there is no file");
        if moment == Verifying {
            return terminal;
        }
        self.touch("checked");
        next(&terminal, 2);
        terminal.press(ENTER);
        terminal.see("y starts it");
        if moment == Confirming {
            return terminal;
        }
        terminal.press("y");
        terminal.see("Enter hand in");
        if moment == RollingBack {
            terminal.press("\x1b");
            terminal.until("letters are keys", |picture| foot(picture).contains("b roll back"));
            terminal.press("b");
            terminal.until("the plan", |picture| foot(picture).trim_start().starts_with("y "));
            terminal.press("y");
            terminal.until("its first action", |picture| {
                foot(picture).trim_start().starts_with("y ") && !foot(picture).contains("Esc back")
            });
            terminal.press("y");
            terminal.see("output: 1 line");
            return terminal;
        }
        terminal.paste("CANARY-token");
        terminal.see("12 characters");
        if moment == LastPage {
            terminal.press(ENTER);
            let over =
                |picture: &str| picture.contains("Completed.") && foot(picture).trim_end().ends_with("PgDn scroll");
            terminal.until("the last page", over);
        }
        terminal
    }

    /// Goes on in plain lines to a moment.
    fn in_lines(&self, moment: Moment) -> Terminal {
        let terminal = self.opens(true);
        terminal.see("The key (a secret");
        terminal.see(":q quit > ");
        if moment == Briefing {
            return terminal;
        }
        terminal.answers("CANARY-key\n", "Begin the run?");
        terminal.answers("\n", "has begun");
        terminal.until("the first question", |picture| picture.trim_end().ends_with("? help >"));
        if moment == Waiting {
            return terminal;
        }
        terminal.answers("\n", "| begun");
        if moment == Running {
            return terminal;
        }
        self.touch("go");
        terminal.see("there is no file");
        if moment == Verifying {
            return terminal;
        }
        self.touch("checked");
        terminal.see("(careful)");
        terminal.until("a question", |picture| picture.trim_end().ends_with("? help >"));
        terminal.answers("\n", "Start it?");
        terminal.until("a question", |picture| picture.trim_end().ends_with("? help >"));
        if moment == Confirming {
            return terminal;
        }
        terminal.answers("y\n", "Paste the token");
        terminal.until("a question", |picture| picture.trim_end().ends_with('>'));
        terminal
    }

    /// Sends a signal that ends the program, and holds what is left.
    #[track_caller]
    fn ends_by(&self, terminal: Terminal, moment: Moment, signal: Signal, name: &str) {
        terminal.signal(signal);
        let left = terminal.ends();
        assert!(!left.text.contains("CANARY") && !left.text.contains("panicked"), "{}", left.text);
        if moment == LastPage {
            assert_eq!(left.code, Some(0), "{}", left.text);
            return;
        }
        assert_eq!(left.code, Some(130), "{}", left.text);
        assert!(left.text.contains(&format!("interrupted by {name}")), "{}", left.text);
        if matches!(moment, Library | Briefing) {
            assert!(self.desk.runs().is_empty(), "nothing was begun");
            return;
        }
        let journal = self.desk.journal();
        let last = journal.last().expect("a record");
        assert_eq!(last["record"]["paused"]["why"], Value::from(format!("stopped by {name}")), "{last}");
        let told: Vec<String> = journal.iter().map(brief).collect();
        if matches!(moment, Running | RollingBack) {
            assert!(told[told.len() - 2].ends_with("stopped"), "{told:?}");
        }
        let runs = self.desk.call(["runs", "--json"]).ends_with(0);
        let runs: Value = serde_json::from_str(&runs.out).expect("JSON");
        assert_eq!(runs.as_array().map(Vec::len), Some(1), "{runs}");
    }
}

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

/// Tells many stories, some at a time, and fails with all that failed.
fn all<C: Copy + std::fmt::Debug + Sync>(cases: &[C], tell: impl Fn(C) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(&case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if thread::scope(|scope| scope.spawn(|| tell(case)).join()).is_err() {
                        failed.lock().expect("nobody panics with it").push(format!("{case:?}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nobody panics with it");
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn in_the_full_screen() {
    let moments = [Library, Briefing, Waiting, Running, Verifying, Confirming, Pasting, RollingBack, LastPage];
    let cases: Vec<_> = moments.iter().flat_map(|&moment| ENDING.map(|ending| (moment, ending))).collect();
    all(&cases, |(moment, (ending, name))| {
        let story = Story::make();
        let terminal = story.on_screen(moment);
        let before = settled(&terminal);
        for signal in PASSED_OVER {
            terminal.signal(signal);
        }
        for stop in [Signal::TSTP, Signal::TTOU] {
            terminal.signal(stop);
            if stop == Signal::TSTP {
                terminal.stands_still();
                // Somebody else has the terminal, and another size.
                terminal.resize(100, 30);
                terminal.clears();
            }
            terminal.signal(Signal::CONT);
            terminal.until("the screen again", |picture| {
                picture.lines().count() == 30 && picture.lines().next().is_some_and(|line| !line.trim().is_empty())
            });
        }
        terminal.resize(80, 24);
        terminal.until(&before, |picture| same_but_for_time(&before, picture));
        story.ends_by(terminal, moment, ending, name);
    });
}

/// Returns the picture once nothing more is painted into it: what is waited for may be seen before the rest of its frame.
fn settled(terminal: &Terminal) -> String {
    let (mut picture, mut alike) = (terminal.picture(), 0);
    while alike < 5 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let next = terminal.picture();
        alike = if same_but_for_time(&picture, &next) { alike + 1 } else { 0 };
        picture = next;
    }
    picture
}

/// Says whether two pictures are the same but for the digits in them, which may tell the time, and the turning signs.
fn same_but_for_time(one: &str, other: &str) -> bool {
    let level = |picture: &str| -> Vec<String> {
        let still = |letter: &char| letter.is_alphabetic() || *letter == ' ';
        picture.lines().map(|line| line.chars().filter(still).collect::<String>().trim_end().to_owned()).collect()
    };
    level(one) == level(other)
}

#[test]
fn in_plain_lines() {
    let moments = [Briefing, Waiting, Running, Verifying, Confirming, Pasting];
    let cases: Vec<_> = moments.iter().flat_map(|&moment| ENDING.map(|ending| (moment, ending))).collect();
    all(&cases, |(moment, (ending, name))| {
        let story = Story::make();
        let terminal = story.in_lines(moment);
        for signal in PASSED_OVER {
            terminal.signal(signal);
        }
        terminal.signal(Signal::TSTP);
        terminal.stands_still();
        terminal.signal(Signal::CONT);
        let hidden = matches!(moment, Briefing | Pasting);
        if hidden {
            terminal.until_hidden();
        }
        story.ends_by(terminal, moment, ending, name);
    });
}
