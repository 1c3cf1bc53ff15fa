//! The question of a drill about a step, which is answered before the step may start.
//!
//! What must stay true: the question is opened by the run, so a key pressed before it was on the screen answers nothing; and
//! what is right is not drawn before it was answered.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::panel::Panel;
use super::state::Walk;
use super::text::wrap;
use crate::engine::{Awaiting, Input};
use crate::front::Say;
use crate::playbook::plan::{Quiz, StepId};
use crate::words;

impl Walk {
    /// Opens the question that is awaited.
    pub(super) fn open_quiz(&mut self) {
        if matches!(self.awaiting, Awaiting::Quiz(_)) && !self.watching() {
            self.panel = Some(Panel::Quiz(0));
        }
    }

    /// Returns the question that is awaited.
    pub(super) fn quiz(&self) -> Option<(&StepId, &Quiz)> {
        let Awaiting::Quiz(step) = &self.awaiting else { return None };
        self.plan.quiz(step).map(|quiz| (step, quiz))
    }

    /// Answers it by the choice of a place.
    pub(super) fn answer_quiz(&mut self, at: usize) {
        let said = self.quiz().and_then(|(step, quiz)| Some((step.clone(), quiz.choices.get(at)?.clone())));
        if let Some((step, choice)) = said {
            self.say(Say::Input(Input::Quiz { step, choice }));
        }
    }

    /// Says whether the answer was right, and why.
    pub(super) fn quiz_answered(&mut self, step: &StepId, right: bool) {
        if let Some(quiz) = self.plan.quiz(step).filter(|_| self.live) {
            let title = if right { " right " } else { " not so " }.to_owned();
            self.panel = Some(Panel::Page { title, text: words::quiz_answered(quiz, right), down: 0 });
        }
    }
}

/// Sets the question and its choices, the marked one among them.
pub(super) fn lines(walk: &Walk, at: usize, columns: usize) -> Vec<Line<'static>> {
    let Some((_, quiz)) = walk.quiz() else { return Vec::new() };
    let theme = walk.theme;
    let mut lines: Vec<Line<'static>> =
        wrap(&quiz.ask, columns).into_iter().map(|line| Line::styled(line, theme.heading())).collect();
    lines.push(Line::default());
    for (place, choice) in quiz.choices.iter().enumerate() {
        for (row, piece) in wrap(choice, columns.saturating_sub(2)).into_iter().enumerate() {
            let sign = if place == at && row == 0 { theme.pointer() } else { " " };
            let line = Line::raw(format!("{sign} {piece}"));
            lines.push(if place == at { line.style(theme.selected()) } else { line });
        }
    }
    lines
}

/// Draws it.
pub(super) fn draw(walk: &Walk, at: usize, frame: &mut Frame<'_>, area: Rect) {
    frame.render_widget(Paragraph::new(lines(walk, at, usize::from(area.width))), area);
}
