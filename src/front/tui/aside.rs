//! What is opened or done beside the walk: why and the hint of a step, its output, and a call to one of the contacts.
//!
//! Each is said to the session once, which writes it down. What must stay true: none of it answers the question of the
//! moment or is in its way; who only watches opens all of it and says nothing.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::keymap::Action;
use super::panel::Panel;
use super::state::{Pane, Walk};
use super::text::fit;
use crate::engine::{Aside, Input, Part, Stage};
use crate::front::Say;
use crate::playbook::plan::{Step, StepId};

impl Walk {
    /// Shows or hides why steps are done.
    pub(super) fn toggle_why(&mut self) {
        self.why = !self.why;
        if let Some(step) = self.opened(|step| step.why.is_some()).filter(|_| self.why) {
            self.put_down(Aside::Why(step));
        }
    }

    /// Shows or hides the hint of the step that is shown, and of no other: the next step's may be what one wants to find
    /// out alone.
    pub(super) fn toggle_hint(&mut self) {
        let Some(step) = self.opened(|step| step.hint.is_some()) else { return };
        if self.hints.remove(&step) {
            return;
        }
        self.hints.insert(step.clone());
        self.put_down(Aside::Hint(step));
    }

    /// Says whether the hint of the step that is shown is open.
    pub(super) fn hint(&self) -> bool {
        self.shown().is_some_and(|(_, step)| self.hints.contains(&step.id))
    }

    /// Notes that what a step printed is looked at.
    pub(super) fn note_look(&mut self) {
        if self.pane == Pane::Output
            && let Some(step) = self.opened(|_| true)
        {
            let part = match self.shown().map(|(_, step)| step.action.verify.is_empty()) {
                Some(false) => Part::Probes,
                Some(true) | None => Part::Output,
            };
            self.put_down(Aside::Look(step, part));
        }
    }

    /// Opens the list of whom to call.
    pub(super) fn open_calling(&mut self) {
        self.panel = Some(Panel::Call(0));
    }

    /// Puts a call on record.
    pub(super) fn call(&mut self, at: usize) {
        if let Some((contact, how)) = self.plan.contacts.get(at).cloned() {
            self.message = Some((format!("call {contact}: {how}; that you do is on record"), false));
            self.put_down(Aside::Call(contact));
        }
    }

    /// Says whether a call can be put on record now.
    pub(super) fn may_call(&self) -> bool {
        self.live && !self.plan.contacts.is_empty() && !self.watching() && self.written_down()
    }

    fn opened(&self, has: impl Fn(&Step) -> bool) -> Option<StepId> {
        self.shown().filter(|(_, step)| has(step)).map(|(_, step)| step.id.clone())
    }

    /// Says whether what is done beside the walk goes on record at this time of the run.
    fn written_down(&self) -> bool {
        match self.run.stage {
            Stage::Walking | Stage::RollingBack | Stage::AfterRollback => true,
            Stage::Briefing | Stage::Closing | Stage::Over => false,
        }
    }

    fn put_down(&mut self, aside: Aside) {
        if self.live && !self.watching() && self.written_down() && !self.run.asides.has(&aside) {
            self.says.push(Say::Input(Input::Aside(aside)));
        }
    }
}

/// Adds the list of contacts to what is offered, where there is somebody to call.
pub(super) fn offer(walk: &Walk, offers: &mut Vec<Action>) {
    offers.extend(walk.may_call().then_some(Action::Call));
}

/// Draws whom to call.
pub(super) fn draw(walk: &Walk, at: usize, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width).saturating_sub(2);
    let top = (at + 1).saturating_sub(usize::from(area.height));
    let rows =
        walk.plan.contacts.iter().enumerate().skip(top).take(usize::from(area.height)).map(|(row, (role, how))| {
            let sign = if row == at { walk.theme.pointer() } else { " " };
            let line = Line::from(Span::raw(fit(&format!("{sign} {role}: {how}"), width, walk.theme)));
            if row == at { line.style(walk.theme.selected()) } else { line }
        });
    frame.render_widget(Paragraph::new(rows.collect::<Vec<_>>()), area);
}
