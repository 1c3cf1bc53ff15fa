//! What may be said in plain lines to a run that lives in a process of its own: everything, or only that one takes over.
//!
//! What must stay true: who only watches is told so in words, is asked nothing, and says nothing to the session but that it
//! takes over or goes.

use super::desk::Desk;
use crate::engine::Awaiting;
use crate::front::keys::{self, Deed};
use crate::front::{Say, Seat};
use crate::output::visible_plain;
use crate::words::{self, handover};

/// Says that the operator goes and the run goes on.
pub(super) fn left() -> Say {
    Say::Detach("left it running".to_owned())
}

impl Desk {
    /// Says whether the run lives in a process of its own, so that it can be left running.
    pub(super) fn hosted(&self) -> bool {
        self.seat.is_some()
    }

    /// Says whether these lines only tell what somebody else does.
    pub(super) fn watching(&self) -> bool {
        matches!(self.seat, Some(Seat::Watches { .. }))
    }

    /// Says whether the end of what is typed ends this front at once: nobody types any more, and nothing waits for it.
    pub(super) fn goes_at_once(&self) -> bool {
        self.watching() || (self.hosted() && self.keys.terminal())
    }

    /// Takes the seat that the host gives.
    pub(super) fn take_seat(&mut self, seat: Seat) {
        let before = self.seat.replace(seat);
        if before == self.seat {
            return;
        }
        self.taking_over = false;
        // What was asked is asked anew of whoever acts now, and of nobody else.
        self.question = None;
        self.handed_in = false;
        self.aside = None;
        self.asked = None;
        self.keys.hide(false);
        match &self.seat {
            Some(Seat::Watches { actor, may_take_over }) => {
                let who = actor.as_ref().map_or_else(|| "nobody acts".to_owned(), |actor| format!("{actor} acts"));
                let keys = if *may_take_over { "T takes over, q stops watching" } else { "q stops watching" };
                let line = visible_plain(&format!("WATCHING: {who}; what is typed here does nothing. {keys}."));
                self.print(&line);
            }
            Some(Seat::Acts) if before.is_some() => self.print("You act from here on."),
            Some(Seat::Acts) | None => {}
        }
    }

    /// Tells who watches what is awaited now.
    pub(super) fn tell_watcher(&mut self, awaiting: Awaiting) {
        if self.asked.as_ref() != Some(&awaiting) {
            let line = visible_plain(&format!("WATCHING: {}", words::awaiting(&awaiting)));
            self.print(&line);
            self.asked = Some(awaiting);
        }
    }

    /// Takes what was typed by who only watches.
    pub(super) fn watcher_says(&mut self, text: &str) {
        let is = |deed: Deed| {
            text.eq_ignore_ascii_case(deed.letter.encode_utf8(&mut [0; 4])) || text.eq_ignore_ascii_case(deed.label)
        };
        let may = matches!(self.seat, Some(Seat::Watches { may_take_over: true, .. }));
        if std::mem::take(&mut self.taking_over) {
            if is(keys::AGREE) {
                return self.say(Say::TakeOver);
            }
            return self.print("Not taken over.");
        }
        if may && is(keys::TAKE_OVER) {
            self.taking_over = true;
            for part in handover::summary(&self.plan, &self.run) {
                self.print(&visible_plain(&format!("{}:", part.title)));
                let lines: Vec<String> = part.lines.iter().map(|line| visible_plain(&format!("  {line}"))).collect();
                self.lines(&lines);
            }
            let actor = match &self.seat {
                Some(Seat::Watches { actor: Some(actor), .. }) => format!("{actor} only watches from then on, and "),
                Some(Seat::Watches { actor: None, .. } | Seat::Acts) | None => String::new(),
            };
            let line = visible_plain(&format!("Take over? {actor}it goes on record. Type y to do it."));
            self.print(&line);
        } else if is(keys::LEAVE) || is(keys::DETACH) {
            self.detach();
        } else {
            self.print("This only watches, so that was not taken.");
        }
    }

    /// Goes; the run goes on.
    pub(super) fn detach(&mut self) {
        self.say(left());
    }

    /// Takes the end of what is typed.
    pub(super) fn ended(&mut self) {
        if self.goes_at_once() {
            self.say(Say::Detach("the terminal is gone".to_owned()));
        } else {
            self.say(Say::Quit);
        }
    }
}
