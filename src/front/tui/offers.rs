//! What the operator can do now, what matters most first.
//!
//! The footer, the palette and the keys all ask here, so what is shown is what works. What must stay true: nothing that
//! answers the run is offered unless the question is on the screen, has been for a moment, and was not answered yet.

use super::aside;
use super::form::Form;
use super::keymap::Action;
use super::panel::Panel;
use super::state::Walk;
use crate::engine::{Awaiting, Stage, StepRun, Target};
use crate::front::Seat;

impl Walk {
    /// Says whether letters are typed into a field.
    pub(super) fn typing(&self) -> bool {
        match &self.panel {
            Some(panel) => panel.typing(),
            None => self.here() && !self.watching() && self.form.as_ref().is_some_and(Form::typing) && !self.sent,
        }
    }

    /// Lists what the operator can do now, what matters most first.
    pub(super) fn offers(&self) -> Vec<Action> {
        self.offers_if(self.gate.open)
    }

    /// Lists what could be done if the question had been on the screen for long enough, or not.
    pub(super) fn offers_if(&self, open: bool) -> Vec<Action> {
        let idle = self.run.busy.is_none();
        if let Some(panel) = &self.panel {
            let mut offers = panel.offers(idle);
            // A rollback that goes on is shown by the same panel; it is not begun once more.
            let goes_on = self.run.stage == Stage::RollingBack && self.run.undoing().is_some();
            if matches!(panel, Panel::Rollback { .. }) && (!self.may_roll_back() || goes_on || self.sent || !open) {
                offers.retain(|&action| action != Action::Agree);
            }
            // The run opened it, so what was pressed before it was seen is no answer.
            if matches!(panel, Panel::Quiz(_)) && (self.sent || !open) {
                offers.retain(|&action| action != Action::Choose);
            }
            if matches!(panel, Panel::Leave) && self.seat == Some(Seat::Acts) {
                let behind = offers.iter().position(|&action| action == Action::Back).unwrap_or(offers.len());
                offers.insert(behind, Action::Detach);
            }
            return offers;
        }
        if self.watching() {
            return self.watchers_offers();
        }
        let mut offers = Vec::new();
        let answering = self.live && open && !self.sent && self.here();
        if self.live && !idle {
            offers.extend(self.program().map(|_| Action::Program));
            offers.extend(self.ends_with_enough().map(|_| Action::Enough));
            offers.push(Action::Stop);
            if self.has_output() {
                offers.extend([Action::PageUp, Action::PageDown]);
            }
        }
        if answering {
            self.answers(&mut offers);
        }
        if !self.here() {
            offers.push(Action::GoToCurrent);
        }
        if self.typing() {
            offers.extend([Action::Help, Action::Interrupt]);
            if !offers.contains(&Action::PageUp) {
                offers.extend([Action::PageUp, Action::PageDown]);
            }
            self.offer_copying(&mut offers);
            return offers;
        }
        if self.live && self.may_roll_back() && !offers.contains(&Action::RollBack) {
            offers.push(Action::RollBack);
        }
        offers.extend([Action::Notes, Action::Help, Action::Palette]);
        if self.shown().is_some_and(|(_, step)| step.why.is_some()) {
            offers.push(Action::Why);
        }
        if self.shown().is_some_and(|(_, step)| step.hint.is_some()) {
            offers.push(Action::Hint);
        }
        offers.push(Action::Leave);
        if self.hosted() && self.run.stage != Stage::Over {
            offers.push(Action::Detach);
        }
        self.offer_copying(&mut offers);
        offers.extend([Action::Up, Action::Down]);
        if !offers.contains(&Action::PageUp) {
            offers.extend([Action::PageUp, Action::PageDown]);
        }
        aside::offer(self, &mut offers);
        offers.extend([Action::First, Action::Last, Action::NextPane, Action::Zoom]);
        if self.has_output() {
            offers.push(Action::Search);
        }
        let ends = matches!(self.awaiting, Awaiting::Nothing | Awaiting::Closing);
        if self.live && self.plan.window.is_some() && !ends {
            offers.push(Action::Extend);
        }
        if self.live && idle && !ends {
            offers.push(Action::Abandon);
        }
        offers.push(Action::Interrupt);
        offers
    }

    /// Says whether a rollback can be looked at: something was touched, and the run is not over.
    fn may_roll_back(&self) -> bool {
        let closed = match self.awaiting {
            Awaiting::Begin | Awaiting::Closing => true,
            // A run that was closed earlier can still be rolled back; one that is closed now has nobody to listen.
            Awaiting::Nothing => self.over,
            Awaiting::Go(_)
            | Awaiting::Quiz(_)
            | Awaiting::Person(_)
            | Awaiting::World(_)
            | Awaiting::Decision(_)
            | Awaiting::Undo(_)
            | Awaiting::UndoDecision(_)
            | Awaiting::Incomplete
            | Awaiting::Evidence(..)
            | Awaiting::SignOff(_)
            | Awaiting::Approval(..) => false,
        };
        self.touched() && !closed
    }

    /// Lists what answers the question of the moment.
    fn answers(&self, offers: &mut Vec<Action>) {
        let probes = |target: &Target| self.action(target).is_some_and(|action| !action.verify.is_empty());
        match &self.awaiting {
            Awaiting::Go(_) => offers.extend([Action::Start, Action::Skip, Action::ByHand]),
            Awaiting::Quiz(_) => offers.push(Action::Start),
            Awaiting::Person(target) => {
                let form = self.form.as_ref();
                let link = self.person(target).is_some_and(|person| person.open.is_some());
                let links = if link { &[Action::OpenLink, Action::Copy][..] } else { &[] };
                if form.is_some_and(Form::typing) {
                    offers.push(Action::Accept);
                    offers.extend(form.filter(|form| form.can_have_paste_back()).map(|_| Action::KeepPaste));
                    offers.extend(links);
                    if form.is_some_and(|form| form.fields.len() + form.ticks.len() > 1) {
                        offers.extend([Action::NextField, Action::PreviousField]);
                    }
                    offers.extend([Action::ClearField, Action::LeaveField]);
                    return;
                }
                if self.statement() {
                    offers.push(Action::Agree);
                } else {
                    offers.push(Action::Accept);
                }
                if form.is_some_and(|form| !form.ticks.is_empty()) {
                    offers.push(Action::Tick);
                }
                offers.extend(links);
                if form.is_some_and(|form| !form.fields.is_empty()) {
                    offers.push(Action::EnterField);
                }
                offers.extend([Action::Skip, Action::ByHand]);
            }
            Awaiting::Decision(step) => {
                // What a command was to capture when its end was not seen is fetched before anything is run again.
                let lost = self.run.step(&self.plan, step).is_some_and(StepRun::lost);
                let fetch = self.plan.step(step).is_some_and(|step| step.recapture.is_some()).then_some(Action::Fetch);
                offers.extend(fetch.filter(|_| lost));
                offers.push(Action::Again);
                if probes(&Target::step(step)) {
                    offers.push(Action::Verify);
                }
                offers.extend(fetch.filter(|_| !lost));
                if self.run.step(&self.plan, step).is_some_and(|step| !step.ahead.is_empty()) {
                    offers.push(Action::Anyway);
                }
                offers.extend([Action::ByHand, Action::Skip, Action::RollBack]);
            }
            Awaiting::Undo(_) => offers.extend([Action::Agree, Action::ByHand, Action::Skip]),
            Awaiting::UndoDecision(target) => {
                offers.push(Action::Again);
                if probes(target) {
                    offers.push(Action::Verify);
                }
                offers.extend([Action::ByHand, Action::Skip]);
            }
            Awaiting::Incomplete => offers.extend([Action::RollBack, Action::Abandon]),
            Awaiting::Evidence(..) if self.form.as_ref().is_some_and(Form::typing) => {
                offers.extend([Action::Accept, Action::ClearField, Action::LeaveField]);
            }
            Awaiting::Evidence(..) => offers.extend([Action::Accept, Action::EnterField, Action::Skip]),
            Awaiting::SignOff(_) | Awaiting::Approval(..) if self.form.as_ref().is_some_and(Form::typing) => {
                offers.extend([Action::Sign, Action::Refuse, Action::ClearField, Action::LeaveField]);
            }
            Awaiting::SignOff(_) => offers.extend([Action::EnterField, Action::Refuse]),
            Awaiting::Approval(..) => offers.extend([Action::EnterField, Action::Refuse, Action::Skip]),
            Awaiting::Begin | Awaiting::World(_) | Awaiting::Closing | Awaiting::Nothing => {}
        }
    }

    /// Says whether the question is a statement to confirm: no instructions, nothing asked.
    pub(super) fn statement(&self) -> bool {
        let Awaiting::Person(target) = &self.awaiting else { return false };
        self.person(target).is_some_and(|person| person.text.is_none() && person.ask.is_empty())
    }
}
