//! Searching the output: a field over the screen, and the lines that have its words, from the end upwards.
//!
//! It looks through what is kept for scrolling; what is in the transcript only is not found, and that is said. What must
//! stay true: it changes what is looked at and nothing else.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::field::Field;
use super::form::Form;
use super::panel::Panel;
use super::state::{Pane, Walk};
use super::text::{count, fit};
use crate::front::plain::without_colours;
use crate::output::Tail;

/// How many lines are shown below the one that was found, where there are any.
const BELOW: usize = 2;

/// A search in the output that is shown.
#[derive(Debug)]
pub(super) struct Search {
    /// The words to find.
    pub(super) find: Form,
    /// The line that was found last, counted from the first that there ever was.
    pub(super) found: Option<u64>,
    /// What is to be said of it.
    said: String,
}

impl Search {
    fn new() -> Self {
        Self { find: Form::new(vec![Field::line("find", "Find")], Vec::new()), found: None, said: String::new() }
    }

    /// Forgets what was found, for other words are wanted now.
    pub(super) fn changed(&mut self) {
        self.found = None;
        self.said.clear();
    }

    fn words(&self) -> String {
        self.find.fields.first().and_then(Field::shown).unwrap_or_default().to_lowercase()
    }
}

impl Walk {
    /// Opens the search.
    pub(super) fn open_search(&mut self) {
        self.pane = Pane::Output;
        self.panel = Some(Panel::Search(Box::new(Search::new())));
    }

    /// Goes to the next line that has the words, upwards or downwards from the one found last.
    pub(super) fn find(&mut self, upwards: bool) {
        let Some(tail) = self.shown_target().and_then(|target| self.outputs.get(&target)) else { return };
        let Some(Panel::Search(search)) = &mut self.panel else { return };
        let words = search.words();
        if words.is_empty() {
            search.said = "type what to find".into();
            return;
        }
        let has = |at: &usize| tail.line(*at).is_some_and(|line| without_colours(line).to_lowercase().contains(&words));
        let from = search.found.map(|found| usize::try_from(found.saturating_sub(tail.dropped())).unwrap_or(0));
        let found = match (from, upwards) {
            (None, _) => (0..tail.len()).rev().find(has),
            (Some(from), true) => (0..from.min(tail.len())).rev().find(has),
            (Some(from), false) => (from + 1..tail.len()).find(has),
        };
        let Some(at) = found else {
            search.said = match (from, upwards) {
                (None, _) if tail.dropped() > 0 => "not in what is kept here; the transcript has all".into(),
                (None, _) => "not in the output".into(),
                (Some(_), true) => "no more above".into(),
                (Some(_), false) => "no more below".into(),
            };
            return;
        };
        search.found = Some(tail.dropped() + at as u64);
        search.said = format!("line {} of {}", at + 1, count(tail.len(), "line"));
        self.back = (tail.len() - 1 - at).saturating_sub(BELOW);
    }

    /// Says whether a line is the one that was found.
    pub(super) fn is_found(&self, tail: &Tail, at: usize) -> bool {
        matches!(&self.panel, Some(Panel::Search(search)) if search.found == Some(tail.dropped() + at as u64))
    }
}

/// Draws the field, and what was found.
pub(super) fn draw(walk: &Walk, search: &Search, frame: &mut Frame<'_>, area: Rect) {
    search.find.draw(frame, Rect { height: area.height.min(1), ..area }, walk.theme);
    if area.height > 1 {
        let line = Line::styled(fit(&search.said, usize::from(area.width), walk.theme), walk.theme.quiet());
        frame.render_widget(Paragraph::new(line), Rect { y: area.y + 1, height: 1, ..area });
    }
}
