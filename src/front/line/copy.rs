//! Copying in plain lines: what there is to choose from, and the question before a secret.
//!
//! What must stay true: only where a person sits at a terminal, for a pipe has no clipboard and would keep what a terminal
//! is asked; a secret only after one more question, and only the one that was asked for; its value is never printed.

use std::io::{IsTerminal as _, stdout};

use zeroize::Zeroizing;

use super::desk::Desk;
use super::hear::Next;
use super::printer::Printer;
use super::question::Question;
use crate::engine::{Input, Target};
use crate::front::Say;
use crate::front::copying::{Copyable, copyable, warning};
use crate::output::{Clipboard, Copied, Told};
use crate::playbook::plan::Name;
use crate::secret::Secret;

/// Makes the clipboard, whose words are printed where they come.
pub(super) fn clipboard(printer: &Printer) -> Clipboard {
    let printer = printer.clone();
    Clipboard::new(move |told| match told {
        // A prompt may stand on the line.
        Told::Said(said) => printer.say(format!("\n{said}\n")),
        Told::Ask(bytes) => printer.ask(bytes),
    })
}

impl Desk {
    /// Says whether there is something to copy, and a terminal to do it with.
    pub(super) fn may_copy(&self, target: Option<&Target>) -> bool {
        self.keys.terminal() && stdout().is_terminal() && !copyable(&self.plan, &self.run, target).is_empty()
    }

    /// Copies what there is, or asks which of it.
    pub(super) fn open_copying(&mut self, question: Question, target: Option<&Target>) -> Next {
        let mut found = copyable(&self.plan, &self.run, target);
        if let [Copyable::Link(_) | Copyable::Command(_)] = &found[..]
            && let Some(Copyable::Link(text) | Copyable::Command(text)) = found.pop()
        {
            self.copy(Copied::Text(text));
            return Next::Ask(question);
        }
        for (at, what) in found.iter().enumerate() {
            self.print(&format!("  {} {}: {}", at + 1, what.label(), what.shown()));
        }
        self.aside = Some(question);
        Next::Ask(Question::Copy(found))
    }

    /// Copies the one of that number, or asks once more where it is a secret.
    pub(super) fn copy_one(&mut self, found: Vec<Copyable>, text: &str) -> Next {
        let at = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match at.and_then(|at| found.get(at)).cloned() {
            Some(Copyable::Link(text) | Copyable::Command(text)) => {
                self.copy(Copied::Text(text));
                Next::Ask(self.aside.take().unwrap_or(Question::Copy(found)))
            }
            Some(Copyable::Secret(name)) => {
                self.print(&warning(&name));
                Next::Ask(Question::CopySecret(name))
            }
            None => {
                self.print("That is no number of the list.");
                Next::Ask(Question::Copy(found))
            }
        }
    }

    /// Asks the session for a secret; the question that was put aside comes back by itself.
    pub(super) fn ask_for_secret(&mut self, name: Name) -> Next {
        self.copying = Some(name.clone());
        Next::Said(Say::Input(Input::CopySecret { name }))
    }

    /// Takes a secret that was asked for.
    pub(super) fn take_secret(&mut self, name: &Name, secret: &Secret) {
        if self.copying.take_if(|wanted| wanted == name).is_some() {
            let text = Zeroizing::new(secret.expose().to_owned());
            self.copy(Copied::Secret { name: name.to_string(), text });
        }
    }

    fn copy(&mut self, copied: Copied) {
        if let Err(why) = self.clipboard.copy(copied) {
            self.print(&why);
        }
    }
}
