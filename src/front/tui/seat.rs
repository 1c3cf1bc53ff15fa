//! What the screen may do with a run that lives in a process of its own: act, or only watch.
//!
//! What must stay true: a screen that watches says so at any size of its picture, offers nothing that changes the run but to
//! take over, and says nothing to the session but that.

use ratatui::text::Span;

use super::keymap::Action;
use super::panel::Panel;
use super::state::Walk;
use crate::front::{Say, Seat};

impl Walk {
    /// Says whether the run lives in a process of its own, so that it can be left running.
    pub(super) fn hosted(&self) -> bool {
        self.seat.is_some()
    }

    /// Says whether this screen only watches.
    pub(super) fn watching(&self) -> bool {
        matches!(self.seat, Some(Seat::Watches { .. }))
    }

    /// Takes the seat that the host gives.
    pub(super) fn take_seat(&mut self, seat: Seat) {
        let before = self.seat.replace(seat);
        if before.is_some() && before == self.seat {
            return;
        }
        self.sent = false;
        self.told_size = None;
        if !self.watching() {
            if before.is_some() {
                self.panel = self.panel.take().filter(|panel| !matches!(panel, Panel::TakeOver { .. }));
                self.message = Some(("you act now".into(), false));
            }
            return;
        }
        // What is said aloud in a panel, only who acts may say.
        let stays = |panel: &Panel| {
            matches!(panel, Panel::Help(_) | Panel::Search(_) | Panel::Page { .. } | Panel::Notice { .. })
        };
        self.copying = None;
        self.panel = self.panel.take().filter(stays);
        if before == Some(Seat::Acts) {
            let now = self.actor().map_or_else(|| "nobody acts".to_owned(), |actor| format!("{actor} took over"));
            self.message = Some((format!("{now}; this screen watches from here on"), false));
        }
    }

    /// Returns who acts, where somebody else does.
    pub(super) fn actor(&self) -> Option<&str> {
        match &self.seat {
            Some(Seat::Watches { actor, .. }) => actor.as_deref(),
            Some(Seat::Acts) | None => None,
        }
    }

    /// Lists what can be done by who only watches, what matters most first.
    pub(super) fn watchers_offers(&self) -> Vec<Action> {
        let mut offers = Vec::new();
        if let Some(Seat::Watches { may_take_over: true, .. }) = self.seat {
            offers.push(Action::TakeOver);
        }
        offers.push(Action::Leave);
        if !self.here() {
            offers.push(Action::GoToCurrent);
        }
        offers.extend([Action::Help, Action::Palette]);
        self.offer_copying(&mut offers);
        if self.shown().is_some_and(|(_, step)| step.why.is_some()) {
            offers.push(Action::Why);
        }
        if self.shown().is_some_and(|(_, step)| step.hint.is_some()) {
            offers.push(Action::Hint);
        }
        offers.extend([Action::Up, Action::Down, Action::PageUp, Action::PageDown, Action::First, Action::Last]);
        offers.extend([Action::NextPane, Action::Zoom, Action::Interrupt]);
        offers
    }

    /// Goes; the run goes on without this screen.
    pub(super) fn detach(&mut self) {
        self.leaving = true;
        self.panel = None;
        self.says.push(Say::Detach("left it running".to_owned()));
    }

    /// Says who acts and what this screen does, in place of the keys that answer.
    pub(super) fn seat_line(&self) -> String {
        match self.actor() {
            Some(actor) => format!("{actor} acts; this screen only watches"),
            None => "nobody acts at the moment; this screen only watches".to_owned(),
        }
    }

    /// Makes what stands in the header of a screen that only watches.
    pub(super) fn seat_badge(&self) -> Option<Span<'static>> {
        self.watching().then(|| Span::styled(" WATCHING ", self.theme.badge()))
    }
}
