//! Every screen and panel at every size that a terminal may have, from none at all.
//!
//! What a picture looks like is not held here, only that there is one: drawing never panics. The frames go to a terminal that
//! shows nothing, or most of the time would be spent on texts that nobody reads.

use std::collections::BTreeMap;
use std::convert::Infallible;

use crossterm::event::KeyCode;
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::screens::facts;
use super::story::{Story, plan};
use crate::front::tui::briefing::Briefing;
use crate::front::tui::layout;
use crate::front::tui::library::Library;
use crate::front::tui::page::{Page as _, paint};
use crate::front::tui::theme::Theme;

/// A terminal of a size, and nothing else.
struct Blank(Size);

impl Backend for Blank {
    type Error = Infallible;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> Result<(), Infallible> {
        for (x, y, _) in content {
            assert!(x < self.0.width && y < self.0.height, "{x}, {y} is not on a screen of {}", self.0);
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, _: P) -> Result<(), Infallible> {
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn clear_region(&mut self, _: ClearType) -> Result<(), Infallible> {
        Ok(())
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(self.0)
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize { columns_rows: self.0, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[test]
fn no_size_breaks_any_screen() {
    // Every turn of the layout, both sides of it, and the ends.
    let widths = [0, 1, 2, 3, 5, 9, 19, 20, 21, 40, 79, 80, 81, 109, 110, 160, 300];
    draws_all(&widths, &[0, 1, 2, 3, 4, 5, 6, 9, 15, 23, 24, 25, 40, 100]);
}

/// All 30 401 of them: `cargo test --release --lib every_size -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn every_size_from_none_to_300_by_100() {
    let (widths, heights): (Vec<u16>, Vec<u16>) = ((0..=300).collect(), (0..=100).collect());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let frames: usize = std::thread::scope(|scope| {
        // The wide ones cost more, so each takes some of all.
        let part = |first: usize| widths.iter().copied().skip(first).step_by(threads).collect::<Vec<u16>>();
        let draws = |first| {
            let (widths, heights) = (part(first), &heights);
            scope.spawn(move || draws_all(&widths, heights))
        };
        let drawing: Vec<_> = (0..threads).map(draws).collect();
        drawing.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    println!("{frames} frames at {} sizes", widths.len() * heights.len());
}

/// Draws every screen and panel at every size. Says how many frames that were.
fn draws_all(widths: &[u16], heights: &[u16]) -> usize {
    let stories = stories();
    let plan = plan();
    let briefing = Briefing::new(&plan, &BTreeMap::new(), facts(), Theme::plain());
    let library = Library::new(Vec::new(), Theme::plain());
    let mut frames = 0;
    for &width in widths {
        for &height in heights {
            let mut terminal = Terminal::new(Blank(Size { width, height })).unwrap();
            terminal.draw(|frame| paint(frame, |frame| briefing.draw(frame))).unwrap();
            terminal.draw(|frame| paint(frame, |frame| library.draw(frame))).unwrap();
            for story in &stories {
                terminal.draw(|frame| paint(frame, |frame| layout::draw(&story.walk, frame, story.now))).unwrap();
            }
            frames += 2 + stories.len();
        }
    }
    frames
}

/// A story for each panel that can be open.
fn stories() -> Vec<Story> {
    let mut stories = vec![Story::begin()];
    for (step, keys) in [
        ("reset-doadmin", vec![KeyCode::Enter]),
        ("write-files", vec![KeyCode::Char(':')]),
        ("reset-valkey", vec![KeyCode::Enter, KeyCode::Char('y')]),
        ("restart", vec![KeyCode::Char('b')]),
        ("restart", vec![KeyCode::Char('?')]),
        ("restart", vec![KeyCode::Char('s')]),
        ("restart", vec![KeyCode::Char('c')]),
        ("restart", vec![KeyCode::Char('c'), KeyCode::Down, KeyCode::Enter]),
        ("restart", vec![KeyCode::Char('q')]),
        ("restart", vec![KeyCode::Char('z')]),
        ("restart", vec![KeyCode::Char('n')]),
        ("restart", vec![KeyCode::Char('/')]),
        ("restart", vec![KeyCode::Char('A')]),
        ("quiet", vec![KeyCode::Char('y')]),
    ] {
        let mut story = Story::begin();
        story.up_to(step);
        for key in keys {
            story.press(key);
        }
        stories.push(story);
    }
    stories
}
