//! `notify:` of the configuration: others are told of a run, once what they are told is on disk.
//!
//! It sits between the session and the journal: whatever was synced is read by a [`Watcher`] and handed on. What must stay true:
//! nothing here can refuse, delay or change a record; a drill and a dry run tell nobody.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::config;
use crate::engine::{Engine, Stamped};
use crate::exec::Report;
use crate::journal::Log;
use crate::notify::{Guard, Message, Rule, Teller, Watcher};
use crate::secret::Secrets;

/// How long the end of the program waits for what is under way, where somebody waits for the program; and in a host, for
/// which nobody waits.
const SHORT: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(20);

/// Who is told, and how it is walked.
#[derive(Default)]
pub(super) struct Tell {
    rules: Vec<Rule>,
    attended: bool,
    patience: Duration,
    /// Waits, when it is dropped: after everything else.
    guard: Option<Guard>,
}

impl Tell {
    /// Reads whom to tell, for a run that lives in this process. `attended` says whether a person is at it.
    ///
    /// A configuration that cannot be read has stopped the program before.
    pub(super) fn here(attended: bool) -> Self {
        Self::with(attended, SHORT)
    }

    /// The same for a run that lives in its host.
    pub(super) fn host() -> Self {
        Self::with(true, LONG)
    }

    fn with(attended: bool, patience: Duration) -> Self {
        let rules = config::read().map(|config| config.notify).unwrap_or_default();
        Self { rules, attended, patience, guard: None }
    }

    /// Puts itself between a run and its journal, where there is anybody to tell.
    pub(super) fn over(
        &mut self,
        log: Box<dyn Log>,
        engine: &Engine,
        secrets: &Arc<Secrets>,
        reports: &UnboundedSender<Report>,
    ) -> Box<dyn Log> {
        let secrets = Arc::clone(secrets);
        let censor = move |text: &str| {
            let masked = secrets.masker().mask(text);
            match secrets.search(&masked)? {
                None => Ok(masked),
                Some(_) => Err("the message holds a secret, or what looks like one".to_owned()),
            }
        };
        let reports = reports.clone();
        let say = move |text: String| {
            // Nobody listens any more when the program ends.
            let _ = reports.send(Report::Notice(text));
        };
        let started = Teller::start(std::mem::take(&mut self.rules), self.patience, Arc::new(censor), Arc::new(say));
        let Some((teller, guard)) = started else { return log };
        self.guard = Some(guard);
        Box::new(Telling { log, watcher: Watcher::of(engine, self.attended), teller, next: Vec::new() })
    }
}

/// A journal whose records others hear of.
struct Telling {
    log: Box<dyn Log>,
    watcher: Watcher,
    teller: Teller,
    /// What is told once it is on disk.
    next: Vec<Message>,
}

impl Log for Telling {
    fn append(&mut self, stamped: &Stamped) -> Result<(), String> {
        self.log.append(stamped)?;
        self.next.extend(self.watcher.hear(stamped));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), String> {
        self.log.sync()?;
        for message in self.next.drain(..) {
            self.teller.tell(message);
        }
        Ok(())
    }

    fn reserve(&mut self) -> Result<(), String> {
        self.log.reserve()
    }
}
