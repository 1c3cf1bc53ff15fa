//! Text of a running command on its way to a front: never more of it under way than a front can catch up with.
//!
//! A front that is slow must neither slow the child nor let memory grow. So each [`Piece`] counts while it exists, and
//! when too much is under way the [`Outlet`] leaves lines out and says how many; the transcript has them all. The end of an
//! output is always shown.

use std::fmt::Write;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use super::Report;
use crate::engine::Target;

/// The most bytes under way to a front.
const UNDER_WAY: usize = 1 << 20;

/// The most bytes of lines left out that are kept, to be shown in the end.
const TAIL: usize = 16 << 10;

/// A piece of text that counts as under way until it is dropped.
#[derive(Debug)]
pub struct Piece {
    text: String,
    under_way: Option<Arc<AtomicUsize>>,
}

impl Piece {
    fn counted(text: String, under_way: &Arc<AtomicUsize>) -> Self {
        under_way.fetch_add(text.len(), Ordering::Relaxed);
        Self { text, under_way: Some(Arc::clone(under_way)) }
    }
}

impl Deref for Piece {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Clone for Piece {
    /// The copy does not count.
    fn clone(&self) -> Self {
        Self::from(self.text.clone())
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(under_way) = &self.under_way {
            under_way.fetch_sub(self.text.len(), Ordering::Relaxed);
        }
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self { text, under_way: None }
    }
}

impl From<Piece> for Arc<str> {
    fn from(piece: Piece) -> Self {
        Self::from(&*piece)
    }
}

/// The way of one command's text to a front.
pub(super) struct Outlet {
    reports: UnboundedSender<Report>,
    target: Target,
    under_way: Arc<AtomicUsize>,
    /// Lines left out since the last piece.
    left_out: u64,
    /// The end of what was left out.
    tail: String,
    /// Whether the last text ended within a line.
    within: bool,
}

impl Outlet {
    pub(super) fn new(reports: UnboundedSender<Report>, target: Target, under_way: Arc<AtomicUsize>) -> Self {
        Self { reports, target, under_way, left_out: 0, tail: String::new(), within: false }
    }

    /// Shows a text, or leaves it out when too much is under way.
    pub(super) fn show(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let under_way = self.under_way.load(Ordering::Relaxed);
        // Once lines are left out, many are at a time, or there would be more gaps than text.
        let room = if self.tail.is_empty() { UNDER_WAY } else { UNDER_WAY / 2 };
        if under_way > 0 && under_way + text.len() > room {
            self.leave_out(text);
        } else {
            self.catch_up();
            self.send(text.to_owned());
        }
    }

    /// Shows what was left out last.
    pub(super) fn finish(&mut self) {
        self.catch_up();
    }

    fn leave_out(&mut self, text: &str) {
        self.tail.push_str(text);
        if self.tail.len() > TAIL {
            let from = self.tail.ceil_char_boundary(self.tail.len() - TAIL);
            // From the beginning of a line, or of a very long one its end.
            let from = self.tail[from..].find('\n').map_or(from, |end| from + end + 1);
            self.left_out += self.tail[..from].bytes().filter(|&byte| byte == b'\n').count() as u64;
            self.tail.drain(..from);
        }
    }

    fn catch_up(&mut self) {
        if self.left_out > 0 {
            let mut text = String::new();
            if self.within {
                text.push('\n');
            }
            let lines = if self.left_out == 1 { "line" } else { "lines" };
            let _ = writeln!(text, "… {} {lines} not shown, all in the transcript", self.left_out);
            self.left_out = 0;
            self.send(text);
        }
        if !self.tail.is_empty() {
            let tail = std::mem::take(&mut self.tail);
            self.send(tail);
        }
    }

    fn send(&mut self, text: String) {
        self.within = !text.ends_with('\n');
        let text = Piece::counted(text, &self.under_way);
        // Nobody listens any more when the program ends.
        let _ = self.reports.send(Report::Output { target: self.target.clone(), text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::StepId;
    use tokio::sync::mpsc::unbounded_channel;

    #[test]
    fn a_slow_front_gets_the_beginning_a_count_and_the_end() {
        let (reports, mut received) = unbounded_channel();
        let under_way = Arc::new(AtomicUsize::new(0));
        let mut outlet = Outlet::new(reports, Target::step(&StepId::new("a")), Arc::clone(&under_way));
        let line = format!("{}\n", "x".repeat(99));
        for _ in 0..100_000 {
            outlet.show(&line);
        }
        assert!(under_way.load(Ordering::Relaxed) <= UNDER_WAY);
        outlet.show("the end\n");
        outlet.finish();
        let mut text = String::new();
        while let Ok(Report::Output { text: piece, .. }) = received.try_recv() {
            text.push_str(&piece);
        }
        assert_eq!(under_way.load(Ordering::Relaxed), 0);
        assert!(text.ends_with("x\nthe end\n"));
        let told = text.lines().find(|line| line.starts_with('…')).unwrap();
        let left_out: usize = told.split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!(left_out + text.lines().filter(|line| line.starts_with('x')).count(), 100_000);
    }

    #[test]
    fn a_front_that_keeps_up_gets_everything() {
        let (reports, mut received) = unbounded_channel();
        let mut outlet = Outlet::new(reports, Target::step(&StepId::new("a")), Arc::default());
        for number in 0..50_000 {
            let line = format!("{number}: {}\n", "y".repeat(90));
            outlet.show(&line);
            match received.try_recv() {
                Ok(Report::Output { text, .. }) => assert_eq!(*Arc::<str>::from(text), *line),
                other => panic!("{other:?}"),
            }
        }
    }
}
