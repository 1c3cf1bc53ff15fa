//! Keys become actions, actions become words to the session or a change of what is looked at.
//!
//! What must stay true: a key does only what [`Walk::offers`] lists, which is what the footer shows; and an answer to
//! the run is given only through [`Walk::say`].

use std::time::Instant;

use crossterm::event::{KeyEvent, KeyEventKind};

use super::attend::Keyboard;
use super::form::{Focus, Form};
use super::keymap::{self, Action};
use super::panel::{Ask, Palette, Panel, Purpose};
use super::state::{Pane, Walk};
use crate::engine::{Awaiting, Input, Stage, Target, undo};
use crate::front::{Say, extending};
use crate::playbook::plan::{Step, StepId};

/// What is said of the command that runs, and is no longer true when it has ended.
pub(super) const OF_WHAT_RUNS: [&str; 3] = [ASKED_TO_STOP, STOPPING, ENOUGH];
const ASKED_TO_STOP: &str = "asked it to stop; x again stops it at once";
const STOPPING: &str = "stopping it at once";
const ENOUGH: &str = "enough was seen; it is being stopped";

impl Walk {
    /// Takes a key that was read at a time. A key from before the question was shown answers nothing.
    pub(super) fn key(&mut self, key: KeyEvent, at: Instant) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        self.gate.pass(at);
        if self.key_of_program(key) {
            return;
        }
        let typing = self.typing();
        let Some(action) = keymap::action(key, self.offers(), typing) else {
            let taken = (self.gate.open || self.panel.is_some()) && self.type_key(key);
            let late = keymap::action(key, self.offers_if(true), typing).is_some() || (typing && !taken);
            if !taken && late && !self.gate.open && self.live {
                self.message =
                    Some(("that key was pressed before the question was shown, so it was not taken".into(), false));
            }
            return;
        };
        self.message = None;
        self.act(action);
    }

    fn type_key(&mut self, key: KeyEvent) -> bool {
        let typing = self.typing();
        match &mut self.panel {
            Some(Panel::Ask(ask)) => {
                ask.wrong = None;
                ask.form.key(key)
            }
            Some(Panel::Search(search)) => {
                search.changed();
                search.find.key(key)
            }
            Some(Panel::Palette(palette)) => {
                palette.at = 0;
                palette.find.key(key)
            }
            None if typing => self.form.as_mut().is_some_and(|form| form.key(key)),
            Some(
                Panel::Help(_)
                | Panel::Confirm(_)
                | Panel::Rollback { .. }
                | Panel::Copy { .. }
                | Panel::Call(_)
                | Panel::Quiz(_)
                | Panel::CopySecret(_)
                | Panel::Leave
                | Panel::TakeOver { .. }
                | Panel::Page { .. }
                | Panel::Notice { .. },
            )
            | None => false,
        }
    }

    /// Takes a paste.
    pub(super) fn paste(&mut self, text: &str, at: Instant) {
        self.gate.pass(at);
        if self.paste_to_program(text) {
            return;
        }
        let watching = self.watching();
        match &mut self.panel {
            Some(Panel::Ask(ask)) => ask.form.paste(text),
            Some(Panel::Search(search)) => {
                search.changed();
                search.find.paste(text);
            }
            Some(Panel::Palette(palette)) => palette.find.paste(text),
            Some(
                Panel::Help(_)
                | Panel::Confirm(_)
                | Panel::Rollback { .. }
                | Panel::Copy { .. }
                | Panel::Call(_)
                | Panel::Quiz(_)
                | Panel::CopySecret(_)
                | Panel::Leave
                | Panel::TakeOver { .. }
                | Panel::Page { .. }
                | Panel::Notice { .. },
            ) => {}
            None if watching => {
                self.message = Some(("this screen only watches, so the paste was not taken".into(), false));
            }
            None if self.form.as_ref().is_none_or(|form| form.fields.is_empty()) => {
                self.message = Some(("nothing is asked for here, so the paste was not taken".into(), false));
            }
            None if !self.gate.open || self.sent => {
                self.message = Some(("that paste came before the question was shown: paste it again".into(), false));
            }
            None => {
                self.selected = None;
                if let Some(form) = &mut self.form {
                    form.paste(text);
                }
            }
        }
    }

    /// Does what an action stands for.
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Start => self.start(),
            Action::Agree => self.agree(),
            Action::Accept | Action::Sign | Action::Choose | Action::Begin => self.accept(),
            Action::Again => self.again(),
            Action::Verify => {
                if let Some(target) = self.target() {
                    self.say(Say::Input(Input::VerifyAgain { target }));
                }
            }
            Action::Fetch => {
                if let Some(target) = self.target() {
                    self.say(Say::Input(Input::Recapture { step: target.step }));
                }
            }
            Action::Anyway => {
                if let Some(target) = self.target() {
                    self.ask(Purpose::Anyway(target.step), false);
                }
            }
            Action::ByHand => {
                if let Some(target) = self.target() {
                    self.ask(Purpose::ByHand(target), false);
                }
            }
            Action::Skip => {
                if let Some((purpose, free)) = self.evidence_to_pass() {
                    self.ask(purpose, free);
                } else if let Some(target) = self.target() {
                    let free = target.undo.is_none() && self.plan.step(&target.step).is_some_and(Step::free_to_skip);
                    self.ask(Purpose::Skip(target), free);
                }
            }
            Action::Stop => self.stop(),
            Action::Enough => self.enough(),
            // Only the library offers the one; the other only turns the keys.
            Action::Practise | Action::Away => {}
            Action::Wizard => self.turn_to_program(Keyboard::Run),
            Action::Program => self.turn_to_program(Keyboard::Program),
            // Who watches has nothing to stop and nothing to lose.
            Action::Interrupt | Action::Leave if self.watching() => self.detach(),
            Action::Detach => self.detach(),
            Action::TakeOver => self.panel = Some(Panel::TakeOver { down: 0 }),
            Action::Interrupt => {
                self.stop();
                self.panel = Some(Panel::Leave);
            }
            Action::RollBack => self.panel = Some(Panel::Rollback { choice: 0, down: 0 }),
            Action::Extend => self.ask(Purpose::Extend, false),
            Action::Abandon => self.ask(Purpose::Abandon, false),
            Action::Refuse => self.refuse(),
            Action::Notes => {
                let step = self.shown().map(|(_, step)| step.id.clone());
                self.ask(Purpose::Note(step), false);
            }
            Action::Search => self.open_search(),
            Action::FindAbove | Action::FindBelow => self.find(action == Action::FindAbove),
            Action::Help => self.panel = Some(Panel::Help(0)),
            Action::Palette => {
                let skip = [Action::Palette, Action::Up, Action::Down, Action::PageUp, Action::PageDown];
                let offered = self.offers().into_iter().filter(|action| !skip.contains(action)).collect();
                let find = Form::new(vec![super::field::Field::line("find", "Find")], Vec::new());
                self.panel = Some(Panel::Palette(Palette { offered, find, at: 0 }));
            }
            // A run that is over has nothing to lose: no second question.
            Action::Leave if self.run.stage == Stage::Over => {
                self.leaving = true;
                self.says.push(Say::Quit);
            }
            Action::Leave => self.panel = Some(Panel::Leave),
            Action::Back => {
                self.panel = None;
                // What waited behind it comes now.
                self.settle();
            }
            Action::OpenLink => self.link(),
            Action::Copy => self.open_copying(),
            Action::Tick
            | Action::EnterField
            | Action::LeaveField
            | Action::NextField
            | Action::PreviousField
            | Action::KeepPaste
            | Action::ClearField => self.in_form(action),
            Action::Why => self.toggle_why(),
            Action::Hint => self.toggle_hint(),
            Action::Call => self.open_calling(),
            Action::Zoom => self.zoom = !self.zoom,
            Action::GoToCurrent => self.selected = None,
            Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::First
            | Action::Last
            | Action::NextPane => self.look(action),
        }
    }

    fn start(&mut self) {
        match self.awaiting.clone() {
            Awaiting::Go(step) => self.go_or_confirm(step),
            Awaiting::Quiz(_) => self.open_quiz(),
            // It is offered for these two only.
            _ => {}
        }
    }

    /// Starts a step, or asks once more where it wants that.
    fn go_or_confirm(&mut self, step: StepId) {
        if self.plan.step(&step).is_some_and(|step| self.deliberate(step)) {
            self.panel = Some(Panel::Confirm(step));
        } else {
            self.go(step, false);
        }
    }

    fn go(&mut self, step: StepId, confirmed: bool) {
        self.say(Say::Input(Input::Go { step, confirmed }));
    }

    fn again(&mut self) {
        match self.awaiting.clone() {
            Awaiting::Decision(step) => self.go_or_confirm(step),
            Awaiting::UndoDecision(target) => self.say(Say::Input(Input::Undo { target })),
            Awaiting::Begin
            | Awaiting::Go(_)
            | Awaiting::Quiz(_)
            | Awaiting::Person(_)
            | Awaiting::World(_)
            | Awaiting::Undo(_)
            | Awaiting::Incomplete
            | Awaiting::Evidence(..)
            | Awaiting::SignOff(_)
            | Awaiting::Approval(..)
            | Awaiting::Closing
            | Awaiting::Nothing => {}
        }
    }

    fn agree(&mut self) {
        match self.panel.take() {
            Some(Panel::Confirm(step)) => self.go(step, true),
            Some(Panel::Rollback { choice, .. }) => {
                let to = self.rollback_choices().into_iter().nth(choice).flatten();
                self.say(Say::Input(Input::Rollback { to, by_policy: false }));
            }
            Some(Panel::Leave) => {
                self.leaving = true;
                self.say(Say::Quit);
            }
            Some(Panel::TakeOver { .. }) => self.say(Say::TakeOver),
            Some(Panel::CopySecret(name)) => self.ask_for_secret(name),
            Some(
                panel @ (Panel::Help(_)
                | Panel::Palette(_)
                | Panel::Search(_)
                | Panel::Ask(_)
                | Panel::Call(_)
                | Panel::Quiz(_)
                | Panel::Copy { .. }
                | Panel::Page { .. }
                | Panel::Notice { .. }),
            ) => {
                self.panel = Some(panel);
            }
            None => match self.awaiting.clone() {
                Awaiting::Undo(target) => self.say(Say::Input(Input::Undo { target })),
                Awaiting::Person(target) if self.statement() => self.say(Say::Answer { target, answers: Vec::new() }),
                // `y` is offered for these two only.
                _ => {}
            },
        }
    }

    /// Lists how far one can roll back: everything, then each step that started, newest first.
    pub(super) fn rollback_choices(&self) -> Vec<Option<StepId>> {
        let steps = undo::plan(&self.plan, &self.run, None);
        std::iter::once(None).chain(steps.into_iter().map(|step| Some(step.step))).collect()
    }

    fn accept(&mut self) {
        match self.panel.take() {
            Some(Panel::Ask(ask)) => return self.asked(ask),
            Some(Panel::Copy { found, at }) => return self.copy_one(found.into_iter().nth(at)),
            Some(Panel::Call(at)) => return self.call(at),
            Some(Panel::Quiz(at)) => return self.answer_quiz(at),
            Some(Panel::Palette(palette)) => {
                let Some(&action) = palette.found().get(palette.at) else { return };
                // What was offered when the list was opened may not be any more.
                if self.offers().contains(&action) {
                    self.act(action);
                }
                return;
            }
            panel => self.panel = panel,
        }
        let Some(form) = &mut self.form else { return };
        match self.awaiting.clone() {
            Awaiting::Person(target) => match form.answers() {
                Ok(answers) => self.say(Say::Answer { target, answers }),
                Err(why) => self.message = Some((why, true)),
            },
            Awaiting::Evidence(..) => self.hand_in_evidence(),
            Awaiting::SignOff(_) | Awaiting::Approval(..) => {
                let name = form.focused().and_then(|field| field.shown()).unwrap_or_default().trim().to_owned();
                if name.is_empty() {
                    self.message = Some(("type your name to sign".into(), true));
                } else if let Some((step, role)) = self.signing() {
                    self.say(Say::Input(Input::SignOff { step, role, name }));
                }
            }
            Awaiting::Begin
            | Awaiting::Go(_)
            | Awaiting::Quiz(_)
            | Awaiting::World(_)
            | Awaiting::Decision(_)
            | Awaiting::Undo(_)
            | Awaiting::UndoDecision(_)
            | Awaiting::Incomplete
            | Awaiting::Closing
            | Awaiting::Nothing => {}
        }
    }

    fn ask(&mut self, purpose: Purpose, free: bool) {
        self.panel = Some(Panel::Ask(Box::new(Ask::new(purpose, free))));
    }

    fn asked(&mut self, mut ask: Box<Ask>) {
        let text = ask.text().to_owned();
        if text.is_empty() && !ask.free {
            ask.wrong = Some("a few words are needed, for whoever reads the record".into());
            self.panel = Some(Panel::Ask(ask));
            return;
        }
        let input = match ask.purpose.clone() {
            Purpose::Anyway(step) => Input::GoAnyway { step, reason: text },
            Purpose::ByHand(target) => Input::ByHand { target, note: text },
            Purpose::Skip(target) => Input::Skip { target, reason: (!text.is_empty()).then_some(text) },
            Purpose::NoEvidence { step, item } => {
                Input::EvidenceMissing { step, item, reason: (!text.is_empty()).then_some(text) }
            }
            Purpose::Overrun(_) => Input::Overrun { reason: text, by_policy: false },
            Purpose::Extend => match extending::extension(&text) {
                Ok((by, reason)) => Input::ExtendWindow { by, reason },
                Err(why) => {
                    ask.wrong = Some(why);
                    self.panel = Some(Panel::Ask(ask));
                    return;
                }
            },
            Purpose::Note(step) => Input::Note { step, text },
            Purpose::Abandon => Input::Abandon { reason: text },
            Purpose::Refuse { step, role, name } => Input::RefuseSignOff { step, role, name, reason: text },
        };
        self.say(Say::Input(input));
    }

    /// Returns whose signature is asked for: the step that is an approval, where it is one, and the role.
    fn signing(&self) -> Option<(Option<StepId>, String)> {
        match &self.awaiting {
            Awaiting::SignOff(role) => Some((None, role.clone())),
            Awaiting::Approval(step, role) => Some((Some(step.clone()), role.clone())),
            Awaiting::Begin
            | Awaiting::Go(_)
            | Awaiting::Quiz(_)
            | Awaiting::Person(_)
            | Awaiting::World(_)
            | Awaiting::Decision(_)
            | Awaiting::Undo(_)
            | Awaiting::UndoDecision(_)
            | Awaiting::Incomplete
            | Awaiting::Evidence(..)
            | Awaiting::Closing
            | Awaiting::Nothing => None,
        }
    }

    fn refuse(&mut self) {
        let Some((step, role)) = self.signing() else { return };
        let name = self.form.as_ref().and_then(|form| form.fields.first()).and_then(|field| field.shown());
        let name = name.unwrap_or_default().trim().to_owned();
        if name.is_empty() {
            self.message = Some(("type your name first, then refuse".into(), true));
        } else {
            self.ask(Purpose::Refuse { step, role, name }, false);
        }
    }

    fn stop(&mut self) {
        if let Some(busy) = &self.run.busy {
            let hard = busy.stopping;
            self.says.push(Say::Input(Input::Stop { hard }));
            let text = if hard { STOPPING } else { ASKED_TO_STOP };
            self.message = Some((text.into(), false));
        }
    }

    /// Says that enough was seen of what runs.
    fn enough(&mut self) {
        if let Some(target) = self.ends_with_enough() {
            self.says.push(Say::Input(Input::Enough { target }));
            self.message = Some((ENOUGH.into(), false));
        }
    }

    /// Returns what runs, where the operator's word is its success.
    pub(super) fn ends_with_enough(&self) -> Option<Target> {
        let busy = self.run.busy.as_ref().filter(|busy| !busy.probing && !busy.stopping)?;
        let until = self.action(&busy.target)?.act.until()?;
        until.enough.then(|| busy.target.clone())
    }

    fn link(&mut self) {
        let person = self.target().and_then(|target| self.person(&target).cloned());
        self.link = person.and_then(|person| person.open).map(|link| self.fill(&link));
    }

    fn in_form(&mut self, action: Action) {
        if action == Action::Tick && !matches!(self.panel, Some(Panel::Ask(_))) {
            return self.tick();
        }
        let form = match &mut self.panel {
            Some(Panel::Ask(ask)) => Some(&mut ask.form),
            _ => self.form.as_mut(),
        };
        let Some(form) = form else { return };
        match action {
            Action::EnterField => form.enter(),
            Action::LeaveField => form.focus = Focus::Out,
            Action::NextField => form.step(1),
            Action::PreviousField => form.step(-1),
            Action::KeepPaste => {
                if let Some(field) = form.focused_mut() {
                    field.have_paste_back();
                }
            }
            // The others are no actions of a form.
            _ => {
                if let Some(field) = form.focused_mut() {
                    field.clear();
                }
            }
        }
    }

    /// Moves what is looked at.
    fn look(&mut self, action: Action) {
        let by: isize = match action {
            Action::Up => -1,
            Action::Down => 1,
            Action::PageUp => -10,
            Action::PageDown => 10,
            Action::First => isize::MIN / 2,
            // `Last`; `NextPane` moves nothing.
            _ => isize::MAX / 2,
        };
        let choices = self.rollback_choices().len();
        let questions = self.quiz().map_or(0, |(_, quiz)| quiz.choices.len());
        match &mut self.panel {
            Some(
                Panel::Help(down) | Panel::Page { down, .. } | Panel::Notice { down, .. } | Panel::TakeOver { down },
            ) => {
                *down = down.saturating_add_signed(by);
            }
            Some(Panel::Palette(palette)) => {
                palette.at = palette.at.saturating_add_signed(by).min(palette.found().len().saturating_sub(1));
            }
            Some(Panel::Rollback { choice, down }) => {
                if matches!(action, Action::Up | Action::Down) {
                    *choice = choice.saturating_add_signed(by).min(choices.saturating_sub(1));
                    *down = 0;
                } else {
                    *down = down.saturating_add_signed(by);
                }
            }
            Some(Panel::Quiz(at)) => *at = at.saturating_add_signed(by).min(questions.saturating_sub(1)),
            Some(Panel::Call(at)) => {
                *at = at.saturating_add_signed(by).min(self.plan.contacts.len().saturating_sub(1));
            }
            Some(Panel::Copy { found, at }) => {
                *at = at.saturating_add_signed(by).min(found.len().saturating_sub(1));
            }
            Some(Panel::Ask(_) | Panel::Search(_) | Panel::Confirm(_) | Panel::CopySecret(_) | Panel::Leave) => {}
            None if action == Action::NextPane => {
                self.pane = match self.pane {
                    Pane::Steps => Pane::Step,
                    Pane::Step if self.has_output() => Pane::Output,
                    Pane::Step | Pane::Output => Pane::Steps,
                };
                self.note_look();
            }
            None => self.scroll(action, by),
        }
    }

    /// Says whether there is output to look at.
    pub(super) fn has_output(&self) -> bool {
        self.shown_target().is_some_and(|target| self.outputs.contains_key(&target))
    }

    fn scroll(&mut self, action: Action, by: isize) {
        let page = matches!(action, Action::PageUp | Action::PageDown);
        let scrolled = match self.pane {
            Pane::Steps if page && self.has_output() => Pane::Output,
            Pane::Steps if page => Pane::Step,
            Pane::Output if !self.has_output() => Pane::Step,
            Pane::Steps | Pane::Step | Pane::Output => self.pane,
        };
        match scrolled {
            Pane::Steps => {
                let at = self.selected.or_else(|| self.at()).unwrap_or(0);
                let last = self.plan.steps.len().saturating_sub(1);
                let at = at.saturating_add_signed(by).min(last);
                self.selected = (Some(at) != self.at()).then_some(at);
                self.down = 0;
                self.back = 0;
            }
            Pane::Step => self.down = self.down.saturating_add_signed(by),
            Pane::Output => {
                let most = self
                    .shown_target()
                    .and_then(|target| self.outputs.get(&target))
                    .map_or(0, crate::output::Tail::len);
                self.back = self.back.saturating_add_signed(by.saturating_neg()).min(most);
            }
        }
    }
}
