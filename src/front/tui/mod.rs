//! The full screen.
//!
//! [`Screen`] has the terminal and hands it from page to page: the library, the briefing, then the run. The run's screen
//! ([`Tui`]) draws on a thread of its own, so that drawing and the session never wait for each other: the session puts
//! updates into an inbox and goes on, the screen folds them into a run of its own and says what the operator says.
//!
//! Not here: what may happen next (the engine), what anything means (the plan), or any effect on the world. What must
//! stay true: nothing of a secret is ever drawn; a key does what the footer shows and nothing else; the terminal is left
//! as it was found.

mod act;
mod aside;
mod attend;
mod attention;
mod briefing;
mod clocks;
mod command;
mod copy;
mod evidence;
mod field;
mod finish;
mod form;
mod handover;
mod held;
mod help;
mod inbox;
mod keymap;
mod keys;
mod layout;
mod library;
mod link;
mod notes;
mod offers;
mod outline;
mod output;
mod page;
mod palette;
mod panel;
mod probes;
mod question;
mod quiz;
mod rollback;
mod search;
mod seat;
mod state;
mod step;
mod steps;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod theme;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use attention::Attention;
pub use keymap::table;
pub use library::{Choice, LibraryEntry};
pub use page::Unanswered;
pub use terminal::restore;

use self::attention::Voice;
use self::briefing::Briefing;
use self::held::Held;
use self::inbox::Inbox;
use self::keys::Keys;
use self::library::Library;
use self::page::Page;
use self::state::Walk;
use self::terminal::{Drawn, Modes};
use self::theme::Theme;
use super::{Answer, BriefingAnswers, BriefingFacts, Front, HowFar, Say, Update, Words};
use crate::playbook::plan::{Name, Plan};

/// The terminal as a full screen, from the first page to the last. Dropping it gives the terminal back.
pub struct Screen {
    // Dropped in this order: the keys stop before the modes are given back.
    keys: Keys,
    terminal: Drawn,
    theme: Theme,
    voice: Voice,
    _modes: Modes,
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("theme", &self.theme).finish_non_exhaustive()
    }
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be used for a full screen: a sentence for the operator.
    pub fn open() -> Result<Self, String> {
        let modes = Modes::take()?;
        let terminal = terminal::drawn()?;
        let keys = Keys::start()?;
        let env = |name: &str| std::env::var(name).ok();
        let voice = Voice::of(Attention::default(), env);
        Ok(Self { keys, terminal, theme: Theme::of(env), voice, _modes: modes })
    }

    /// Says how a person is called who does not look at it.
    #[must_use]
    pub fn calling(mut self, attention: Attention) -> Self {
        self.voice = Voice::of(attention, |name| std::env::var(name).ok());
        self
    }

    /// Has a word stand in the title of every part, where this is not the real thing.
    #[must_use]
    pub fn marked(self, mark: Option<&'static str>) -> Self {
        Self { theme: self.theme.marked(mark), ..self }
    }

    /// Lets the operator choose a playbook or an open run. None when the operator leaves.
    ///
    /// # Errors
    /// When the terminal is gone, or a signal came.
    pub fn library(&mut self, entries: Vec<LibraryEntry>) -> Result<Option<Choice>, Unanswered> {
        let mut library = Library::new(entries, self.theme);
        self.show(&mut library)
    }

    /// Shows the briefing and takes the inputs. None when the operator leaves.
    ///
    /// # Errors
    /// When the terminal is gone, or a signal came.
    pub fn briefing(
        &mut self,
        plan: &Plan,
        prefilled: &BTreeMap<Name, Answer>,
        facts: BriefingFacts,
    ) -> Result<Option<BriefingAnswers>, Unanswered> {
        let mut briefing = Briefing::new(plan, prefilled, facts, self.theme);
        self.show(&mut briefing)
    }

    /// Shows a page on a thread of its own, so that this may also be called where a runtime is at work already.
    fn show<P: Page + Send>(&mut self, page: &mut P) -> Result<P::Out, Unanswered>
    where
        P::Out: Send,
    {
        let (terminal, keys) = (&mut self.terminal, &mut self.keys);
        let runtime = page::runtime().map_err(Unanswered::Screen)?;
        let _watch = held::leave().map_err(|error| Unanswered::Screen(no_thread(&error)))?;
        let shown =
            thread::scope(|scope| scope.spawn(move || runtime.block_on(page::show(terminal, keys, page))).join());
        shown.unwrap_or_else(|_| Err(Unanswered::Screen("the screen broke down".into())))
    }

    /// Goes on with the run. `record` says where its record is, for the last page; `rollback` opens that plan first.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start(self, plan: Arc<Plan>, record: String, rollback: Option<HowFar>) -> Result<Tui, String> {
        let inbox = Arc::new(Inbox::default());
        let (send, words) = unbounded_channel();
        let mut walk = Walk::new(plan, record, rollback, self.theme);
        walk.voice = self.voice;
        let runtime = page::runtime()?;
        let theirs = Arc::clone(&inbox);
        let (held, drawing) = Held::watch().map_err(|error| no_thread(&error))?;
        let thread = thread::Builder::new().name("screen".into()).spawn(move || {
            // Dropped last: it says that the terminal was given back.
            let _drawing = drawing;
            let mut screen = self;
            let said = runtime.block_on(page::walk(&mut screen.terminal, &mut screen.keys, walk, theirs, send));
            // Once the terminal is given back, so that it stays to be read.
            drop(screen);
            if let Some(said) = said {
                // A terminal that is gone is nobody to tell.
                let _ = writeln!(io::stderr(), "{said}");
            }
        });
        let thread = thread.map_err(|error| no_thread(&error))?;
        Ok(Tui { inbox, words: Some(words), thread: Some(thread), held })
    }
}

fn no_thread(error: &io::Error) -> String {
    format!("the screen cannot be started: {error}")
}

/// The full screen of a run.
///
/// Dropping it waits until the screen has ended and the terminal is given back: at once after a pause or when the
/// operator left; after a run that is over, when the operator has read the last page. [`Tui::close`] does not wait
/// for the operator; and neither waits for a terminal that does not read once a signal came.
#[derive(Debug)]
pub struct Tui {
    inbox: Arc<Inbox>,
    words: Option<UnboundedReceiver<Say>>,
    thread: Option<JoinHandle<()>>,
    held: Held,
}

impl Tui {
    /// Ends the screen now: for signals, and when the session broke down.
    pub fn close(&self) {
        self.inbox.close();
    }
}

impl Front for Tui {
    fn take(&mut self, update: Update) {
        self.inbox.put(update);
    }

    fn words(&mut self) -> Option<Words> {
        self.words.take().map(Words::Own)
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        self.inbox.put(Update::Over);
        let inbox = Arc::clone(&self.inbox);
        if self.held.given_back(move || inbox.close())
            && let Some(thread) = self.thread.take()
        {
            // A screen that panicked has given the terminal back already, and said why.
            let _ = thread.join();
        }
    }
}
