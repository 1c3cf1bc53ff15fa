//! Plain lines: for screen readers, simple terminals, and scripts that answer on standard input.
//!
//! Everything that the full screen shows is printed, in the order in which it happens, and questions are answered by
//! lines. The lines are read on a thread of their own and written on another, so that neither a terminal that is held nor a person
//! who takes their time holds anything up; what they mean is decided at the `desk`, which the session reaches too. What must stay true: from a pipe a line is read only when something is asked; on a terminal what was typed
//! before a question is no answer to it; and the terminal's echo is back when this is dropped.

mod aside;
mod briefing;
mod copy;
mod desk;
mod hear;
mod keys;
mod passphrase;
mod printer;
mod question;
mod seat;
mod show;
mod thresholds;

#[cfg(test)]
mod tests;

use std::io::{Write, stdout};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use briefing::{briefing, told};
use desk::Desk;
use keys::Keys;
pub use passphrase::passphrase;
use printer::Printer;

use super::signals::Heard;
use super::watch::Watch;
use super::{Front, HowFar, Say, Update, Words};
use crate::engine::{Awaiting, Run};
use crate::playbook::plan::Plan;

/// The front of plain lines.
pub struct Line {
    shared: Arc<Shared>,
    printer: Printer,
    words: Option<UnboundedReceiver<Say>>,
    /// Listens as long as this is there; none where nobody sends signals: in tests.
    watch: Option<Watch>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

/// What the session and the reader of lines share.
struct Shared {
    desk: Mutex<Desk>,
    /// Rung when a question is asked and when the session is over.
    bell: Condvar,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        // The desk is told facts one by one; after a panic it is still what it was told.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Takes standard input and output. `record` says where the record of the run is; `rollback` is the one that the operator
    /// came for, back to a step or whole: its plan is shown first.
    #[must_use]
    pub fn start(plan: Arc<Plan>, record: String, rollback: Option<HowFar>) -> Self {
        let keys = Keys::of_stdin();
        let terminal = keys.terminal();
        let has_window = plan.window.is_some();
        let mut line = Self::on(plan, record, rollback, Box::new(stdout()), keys);
        let reader = Arc::clone(&line.shared);
        // Not waited for: it may be at a read that never comes back.
        thread::spawn(move || read(&reader, terminal));
        let (shared, printer) = (Arc::clone(&line.shared), line.printer.clone());
        let watch = Watch::start(move |heard| match heard {
            Heard::End(_) => {
                printer.hurry();
                shared.desk().let_go();
            }
            Heard::StandStill => shared.desk().let_go(),
            // A terminal that came back may have been somebody else's meanwhile.
            Heard::GoOn => shared.desk().come_back(),
        });
        if has_window {
            thresholds::watch(&line.shared);
        }
        // Without one, signals keep their usual effect.
        line.watch = watch.ok();
        line
    }

    /// Makes the front without anybody who reads lines.
    fn on(plan: Arc<Plan>, record: String, rollback: Option<HowFar>, out: Box<dyn Write + Send>, keys: Keys) -> Self {
        let (says, words) = unbounded_channel();
        let printer = Printer::on(out);
        let desk = Desk::new(plan, record, rollback, printer.clone(), keys, says);
        let shared = Arc::new(Shared { desk: Mutex::new(desk), bell: Condvar::new() });
        Self { shared, printer, words: Some(words), watch: None }
    }
}

/// Reads lines until nothing more comes or the session is over.
fn read(shared: &Shared, terminal: bool) {
    loop {
        if !terminal {
            drop(asked(shared));
        }
        let line = keys::next(terminal, None);
        let at = Instant::now();
        // The end is an answer as well: to the question, not to what runs.
        let end = matches!(line, keys::Line::End);
        let mut desk = shared.desk();
        if end && !desk.goes_at_once() {
            drop(desk);
            desk = asked(shared);
        }
        if desk.over() {
            return;
        }
        desk.hear(&line, at);
        if end {
            return;
        }
    }
}

/// Waits until a question stands or the session is over.
fn asked(shared: &Shared) -> MutexGuard<'_, Desk> {
    let waits = |desk: &mut Desk| !desk.asking() && !desk.over();
    shared.bell.wait_while(shared.desk(), waits).unwrap_or_else(PoisonError::into_inner)
}

impl Front for Line {
    fn take(&mut self, update: Update) {
        let mut desk = self.shared.desk();
        desk.take(update);
        if desk.asking() || desk.over() {
            self.shared.bell.notify_all();
        }
    }

    /// Says nothing, but learns what the turn comes to: a question is asked about its end, not about its middle.
    fn answer(&mut self, plan: &Plan, run: &Run) -> Option<Say> {
        self.shared.desk().expect(run.awaiting(plan));
        None
    }

    fn words(&mut self) -> Option<Words> {
        self.words.take().map(Words::Own)
    }

    fn expect(&mut self, awaiting: &Awaiting) {
        let mut desk = self.shared.desk();
        desk.expect(awaiting.clone());
        if desk.asking() {
            self.shared.bell.notify_all();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // The reader keeps the desk, so the echo is given back here.
        self.shared.desk().take(Update::Over);
        self.shared.bell.notify_all();
        let said = self.shared.desk().clipboard.finish();
        if let Some(said) = said {
            self.printer.say(format!("{said}\n"));
        }
        self.printer.finish();
        // Up to here it hurries the printer on.
        drop(self.watch.take());
    }
}
