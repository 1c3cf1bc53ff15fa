//! What is opened or done beside the walk in plain lines: why, a hint, a call to one of the contacts.
//!
//! What must stay true: it leaves the question that stands as it is.

use super::desk::Desk;
use super::hear::{Next, step_of};
use super::question::Question;
use super::show;
use crate::engine::{Aside, Input, Stage};
use crate::front::Say;
use crate::output::visible_plain;
use crate::playbook::plan::StepId;

impl Desk {
    /// Shows something to be read at leisure.
    pub(super) fn page(&mut self, title: &str, text: &str) {
        self.print("");
        self.print(&visible_plain(title.trim()));
        for line in text.lines() {
            self.print(&visible_plain(line));
        }
    }

    /// Shows why a step is done, or its hint, and has it put on record that it was shown.
    pub(super) fn explain(&mut self, question: Question, hint: bool) -> Next {
        if let Some(id) = step_of(&question) {
            let show = if hint { show::hint } else { show::why };
            let lines = show(&self.plan, &self.run, &id);
            self.lines(&lines);
            self.put_down(if hint { Aside::Hint(id) } else { Aside::Why(id) });
        }
        Next::Ask(question)
    }

    /// Lists whom to call.
    pub(super) fn open_calling(&mut self, question: Question) -> Next {
        let contacts = self.plan.contacts.iter().enumerate();
        let lines: Vec<String> =
            contacts.map(|(at, (role, how))| visible_plain(&format!("  {} {role}: {how}", at + 1))).collect();
        self.lines(&lines);
        self.aside = Some(question);
        Next::Ask(Question::Call)
    }

    /// Takes the number of who is called.
    pub(super) fn call(&mut self, text: &str) -> Next {
        let at = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        if let Some((role, _)) = at.and_then(|at| self.plan.contacts.get(at)) {
            return Next::Said(Say::Input(Input::Aside(Aside::Call(role.clone()))));
        }
        self.print("That is none of these numbers.");
        Next::Ask(Question::Call)
    }

    /// Takes the number of an answer to the question of a drill.
    pub(super) fn quiz(&mut self, step: StepId, text: &str) -> Next {
        let at = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        if let Some(choice) = at.and_then(|at| self.plan.quiz(&step)?.choices.get(at)) {
            return Next::Said(Say::Input(Input::Quiz { step, choice: choice.clone() }));
        }
        self.print("That is none of these numbers.");
        Next::Ask(Question::Quiz(step))
    }

    /// Says whether a call can be put on record now.
    pub(super) fn may_call(&self) -> bool {
        !self.plan.contacts.is_empty() && self.written_down()
    }

    /// Says whether what is done beside the walk goes on record at this time of the run.
    fn written_down(&self) -> bool {
        match self.run.stage {
            Stage::Walking | Stage::RollingBack | Stage::AfterRollback => true,
            Stage::Briefing | Stage::Closing | Stage::Over => false,
        }
    }

    fn put_down(&mut self, aside: Aside) {
        if self.written_down() && !self.run.asides.has(&aside) {
            self.say(Say::Input(Input::Aside(aside)));
        }
    }
}
