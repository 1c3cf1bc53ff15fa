//! Output without end: what is kept of it and what a frame is made from are bounded, whatever comes.
//!
//! The floods are made, not stored. That nothing grows is held here; how long a frame takes is measured, not tested:
//! `cargo test --release --lib floods::frames -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::story::Story;
use crate::engine::{How, Target};
use crate::front::Update;
use crate::front::tui::page::paint;
use crate::output::Visible;

/// How a flood is made: a piece, and whether each piece ends its line.
type Flood = (&'static str, fn(usize) -> Vec<u8>);

/// The size of the pieces that a flood comes in.
const PIECE: usize = 64 * 1024;

const FLOODS: &[Flood] = &[
    ("g01 one line of letters", |_| vec![b'w'; PIECE]),
    ("g02 marks on one letter", |_| "\u{301}".repeat(PIECE / 2).into_bytes()),
    ("g03 short lines", |at| {
        (0..PIECE / 8).fold(String::new(), |text, line| format!("{text}{:07}\n", at + line)).into_bytes()
    }),
    ("g04 lines of a megabyte", |at| {
        if at % 16 == 15 { [&vec![b'm'; PIECE - 1][..], b"\n"].concat() } else { vec![b'm'; PIECE] }
    }),
    ("g05 bytes that are no text", |at| (0x80..=0xff).cycle().step_by(7).skip(at).take(PIECE).collect()),
    ("g06 colours within colours", |at| {
        let one = |n: usize| format!("\u{1b}[1;4;38;5;{};48;5;{}mx", (n + at) % 256, n % 256);
        (0..PIECE / 24).map(one).collect::<Vec<_>>().concat().into_bytes()
    }),
    ("g07 returns", |at| (0..PIECE / 8).fold(String::new(), |text, n| format!("{text}\r{:06}%", n + at)).into_bytes()),
    ("g08 wide letters", |_| "漢字".repeat(PIECE / 6).into_bytes()),
    ("g09 joined pictures", |_| "👨\u{200d}👩\u{200d}👧\u{200d}👦👍\u{1f3fd}\u{1f1e6}".repeat(PIECE / 37).into_bytes()),
    ("g10 tabs and empty lines", |at| if at % 2 == 0 { vec![b'\t'; PIECE] } else { vec![b'\n'; PIECE] }),
];

/// A run with a command whose output comes in pieces.
struct Flooded {
    story: Story,
    target: Target,
    visible: Visible,
    terminal: Terminal<TestBackend>,
}

impl Flooded {
    fn begin() -> Self {
        let mut story = Story::begin();
        story.press(KeyCode::Enter);
        let terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        Self { story, target: Target::step(&"signed-in".into()), visible: Visible::new(), terminal }
    }

    fn takes(&mut self, bytes: &[u8]) {
        let mut text = String::new();
        self.visible.push(bytes, &mut text);
        self.story.update(Update::Output { target: self.target.clone(), text: text.into() });
    }

    fn draws(&mut self) -> Duration {
        let began = Instant::now();
        self.terminal.draw(|frame| paint(frame, |frame| self.story.draw(frame))).unwrap();
        began.elapsed()
    }
}

#[test]
fn what_is_kept_of_a_flood_does_not_grow() {
    for (name, piece) in FLOODS {
        let mut flooded = Flooded::begin();
        for at in 0..40 {
            flooded.takes(&piece(at));
        }
        flooded.draws();
        let tail = &flooded.story.walk.outputs[&flooded.target];
        assert!(tail.memory() <= 24 << 20, "{name}: {} bytes are kept", tail.memory());
        assert!((0..tail.len()).all(|at| tail.line(at).is_some_and(|line| line.len() <= 16 << 10)), "{name}");
        let cells = &flooded.terminal.backend().buffer().content;
        assert!(cells.iter().all(|cell| cell.symbol().len() <= 32), "{name}");
    }
}

#[test]
fn the_outputs_of_many_commands_are_bounded_together() {
    let mut story = Story::begin();
    let line = format!("{}\n", "x".repeat(99));
    for number in 0..40 {
        let target = Target { step: format!("step-{number}").as_str().into(), undo: None };
        story.update(Update::Output { target, text: line.repeat(30_000).into() });
    }
    let kept: usize = story.walk.outputs.values().map(crate::output::Tail::memory).sum();
    assert!(kept < 32 << 20, "{kept} bytes are kept");
    let last = &story.walk.outputs[&Target::step(&"step-39".into())];
    assert!(last.len() > 10_000, "the latest is whole");
    assert!(story.walk.outputs.values().all(|tail| tail.last(1).next() == Some(line.trim_end())), "each has its end");
}

#[test]
#[ignore = "a measurement, for a release build"]
fn frames_of_floods() {
    for (name, piece) in FLOODS {
        let mut flooded = Flooded::begin();
        let mut frames: Vec<Duration> = Vec::new();
        // 10 MB, a frame every other piece, then scrolled back by pages, then the next question.
        for at in 0..160 {
            flooded.takes(&piece(at));
            if at % 2 == 1 {
                frames.push(flooded.draws());
            }
        }
        for _ in 0..20 {
            flooded.story.press(KeyCode::PageUp);
            frames.push(flooded.draws());
        }
        flooded.story.performed("signed-in", How::Ok, "exit status 0");
        frames.push(flooded.draws());
        frames.sort();
        let of = |part: usize| frames[(frames.len() - 1) * part / 100].as_secs_f64() * 1e3;
        let kept = flooded.story.walk.outputs[&flooded.target].memory() >> 10;
        println!(
            "{name:28} frame p50 {:7.2} ms  p99 {:7.2} ms  most {:7.2} ms  kept {kept} KiB",
            of(50),
            of(99),
            of(100)
        );
    }
}
