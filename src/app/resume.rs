//! Takes a run up again: reads its journal, its playbook as it was, and its vault.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config;
use super::library;
use super::place::{self, Who};
use super::walk::{self, Ready};
use crate::ending::{Code, Ending};
use crate::engine::{Engine, Input, Run, Stage, Stamped};
use crate::front::{Front, Update};
use crate::journal::{self, Journal, Place, ReadError, RunFolder};
use crate::output;
use crate::playbook::Texts;
use crate::playbook::plan::Plan;
use crate::secret::{Identity, Secrets};
use crate::words;

/// A run that was read back.
pub(super) struct Taken {
    /// Ready to walk on.
    pub(super) ready: Ready,
    /// What the front must be told first: the old records, and what the operator should know.
    pub(super) old: Old,
}

/// What was before.
#[derive(Default)]
pub(super) struct Old {
    /// The journal whose records a front shows. They are not kept in memory: there may be a million.
    pub(super) journal: Option<PathBuf>,
    /// What the operator should know.
    pub(super) notices: Vec<Update>,
}

impl Old {
    /// Tells a front.
    ///
    /// # Errors
    /// The journal, which was sound a moment ago, cannot be read any more.
    pub(super) fn tell(self, front: &mut impl Front) -> Result<(), Ending> {
        if let Some(journal) = &self.journal {
            journal::read(journal, false, |stamped| front.take(Update::Record(Arc::new(stamped))))
                .map_err(|error| damaged(&error))?;
        }
        self.notices.into_iter().for_each(|notice| front.take(notice));
        Ok(())
    }
}

/// A run that was read and is only looked at.
pub(super) struct Seen {
    /// Its folder.
    pub(super) folder: RunFolder,
    /// The playbook as it was.
    pub(super) plan: Arc<Plan>,
    /// The run.
    pub(super) run: Run,
    /// The records and the head.
    pub(super) journal: Journal,
}

/// Finds the run that a word names: a prefix of its id, or nothing for the latest.
///
/// # Errors
/// Code 2: there is none, or there are several.
pub(super) fn find(state: &Place, prefix: Option<&str>, open_only: bool) -> Result<String, Ending> {
    let none = |what: String| Ending {
        code: Code::Usage,
        what,
        because: None,
        next: Some("`runsheet runs` lists the runs".to_owned()),
    };
    if let Some(prefix) = prefix {
        let mut found = state.find(prefix);
        return match (found.pop(), found.len()) {
            (Some(id), 0) => Ok(id),
            (Some(_), more) => Err(none(format!("{} runs begin with {}", more + 1, output::visible_plain(prefix)))),
            (None, _) => Err(none(format!("no run begins with {}", output::visible_plain(prefix)))),
        };
    }
    let runs = state.runs();
    let latest = runs.iter().find(|run| !open_only || run.end.is_none());
    let missing = if open_only { "there is no open run" } else { "there is no run yet" };
    latest.map(|run| run.id.clone()).ok_or_else(|| none(missing.to_owned()))
}

/// Reads a run without changing anything.
///
/// # Errors
/// The run is not there, or its journal or playbook is damaged.
pub(super) fn look(prefix: Option<&str>) -> Result<Seen, Ending> {
    let state = place::state()?;
    look_in(state.folder(&find(&state, prefix, false)?), |_, _, _| {})
}

/// Reads the run in a folder without changing anything, and gives each record, with the run that has just taken it in, to `on`.
///
/// # Errors
/// Its journal or playbook is damaged.
pub(super) fn look_in(folder: RunFolder, mut on: impl FnMut(&Plan, &Run, &Stamped)) -> Result<Seen, Ending> {
    let (plan, _) = playbook(&folder)?;
    let plan = Arc::new(plan);
    let mut run = Run::new(&plan);
    let journal = journal::read(&folder.journal(), false, |stamped| {
        run.apply(&plan, &stamped);
        on(&plan, &run, &stamped);
    })
    .map_err(|error| damaged(&error))?;
    Ok(Seen { folder, plan, run, journal })
}

/// Takes a run up again. `identity` opens the operator's key, once all else is found to be in order.
///
/// # Errors
/// The run is not there or cannot be read, or somebody else is at it.
pub(super) fn take_up(
    prefix: Option<&str>,
    who: &Who,
    open_only: bool,
    identity: impl FnOnce(&Plan) -> Result<Identity, Ending>,
) -> Result<Taken, Ending> {
    place::descriptors()?;
    config::read()?;
    let state = place::state()?;
    let id = find(&state, prefix, open_only && prefix.is_none())?;
    let folder = state.folder(&id);
    let run_lock = folder.lock(&walk::holder(&id, who)).map_err(|error| walk::held(error, &format!("run {id}")))?;
    let (plan, text) = playbook(&folder)?;
    let included = folder.read_included().unwrap_or_default();

    let mut engine = Engine::new(Arc::new(plan));
    let journal =
        journal::read(&folder.journal(), true, |stamped| engine.replay(&stamped)).map_err(|error| damaged(&error))?;
    let mut old = Old { journal: Some(folder.journal()), notices: Vec::new() };
    let Some(begun) = engine.run().begun.clone() else {
        return Err(Ending {
            code: Code::Failed,
            what: format!("run {id} never began"),
            because: Some("its journal holds no record: the program was stopped before the first".to_owned()),
            next: Some("nothing was started; run the playbook again".to_owned()),
        });
    };
    let path = PathBuf::from(&begun.playbook);
    let lock = walk::lock_playbook(&state, &path, &id, who)?;
    if let Some(torn) = &journal.torn {
        old.notices.push(Update::Notice(format!(
            "the last record had not been written to its end; it was cut off and kept as {}",
            torn.display()
        )));
    }
    let folder_then = path.parent().unwrap_or(&path);
    let texts = included.iter().map(|(inner, text)| (folder_then.join(inner), text));
    for (path, text) in [(path.clone(), &text)].into_iter().chain(texts) {
        old.notices.extend(changed(&path, text).map(Update::Notice));
    }

    let trouble = |why: String| Ending {
        code: Code::Failed,
        what: why,
        because: Some("the run's secrets are in its vault, which opens with the operator's key alone".to_owned()),
        next: Some("resume as the user who began the run, with the same configuration folder".to_owned()),
    };
    let identity = identity(engine.plan())?;
    let secrets = Secrets::open(Some(folder.vault()), &identity).map_err(trouble)?;
    if engine.run().stage == Stage::Over {
        // The program may have been stopped between the last record and this.
        secrets.delete_vault().map_err(trouble)?;
    }
    let Some(writer) = journal.writer else { return Err(trouble("the journal cannot be appended to".to_owned())) };
    let first = match engine.run().stage {
        Stage::Over => Vec::new(),
        Stage::Briefing | Stage::Walking | Stage::RollingBack | Stage::AfterRollback | Stage::Closing => {
            vec![Input::Resume {
                operator: who.operator.clone(),
                account: who.account.clone(),
                host: who.host.clone(),
                program: env!("CARGO_PKG_VERSION").to_owned(),
            }]
        }
    };
    let ready = Ready {
        engine,
        log: Box::new(writer),
        secrets: Arc::new(secrets),
        base: base(&path),
        folder: Some(folder),
        first,
        locks: vec![run_lock, lock],
    };
    Ok(Taken { ready, old })
}

/// Returns the folder that a playbook's relative paths start from.
pub(super) fn base(playbook: &Path) -> PathBuf {
    let folder = playbook.parent().filter(|_| playbook.is_absolute()).map(PathBuf::from);
    folder.unwrap_or_else(|| std::env::current_dir().unwrap_or_default())
}

/// Holds that a run is not over.
///
/// # Errors
/// It is, and what can still be done with it.
pub(super) fn still_open(ready: &Ready) -> Result<(), Ending> {
    let run = ready.engine.run();
    if run.stage != Stage::Over {
        return Ok(());
    }
    Err(Ending {
        code: Code::Usage,
        what: "that run is over".to_owned(),
        because: run.ended.map(|(end, at)| format!("it was {} at {at}", words::end(end))),
        next: Some("`runsheet rollback RUN` undoes it, `runsheet report RUN` prints its record".to_owned()),
    })
}

/// Reads the playbook as it was when the run began.
pub(super) fn playbook(folder: &RunFolder) -> Result<(Plan, String), Ending> {
    let path = folder.playbook();
    let text = fs::read_to_string(&path).map_err(|error| unread(&path, &error))?;
    let texts = folder.read_included().map_err(|error| unread(&folder.path().join("included"), &error))?;
    let included = Texts { texts, ..Texts::default() };
    // Called by no name: that it does not include itself was found when the run began.
    let (plan, _) = library::sound(&path.display().to_string(), Path::new(""), &text, &included)?;
    Ok((plan, text))
}

fn unread(path: &Path, error: &std::io::Error) -> Ending {
    Ending {
        code: Code::Failed,
        what: format!("{} cannot be read", path.display()),
        because: Some(error.to_string()),
        next: Some("the run cannot be understood without the playbook that it began with".to_owned()),
    }
}

pub(super) fn damaged(error: &ReadError) -> Ending {
    Ending {
        code: Code::Failed,
        what: "the journal is damaged".to_owned(),
        because: Some(error.to_string()),
        next: Some("nothing was changed; keep the run's folder as it is, and compare it with a copy".to_owned()),
    }
}

/// Says how the playbook's file differs from what the run began with.
fn changed(path: &Path, text: &str) -> Option<String> {
    let now = fs::read_to_string(path).ok()?;
    if now == text {
        return None;
    }
    let diff = similar::TextDiff::from_lines(text, &now);
    let diff = diff.unified_diff().context_radius(1).header("as it began", "as it is now").to_string();
    Some(format!(
        "{} has changed since; the run goes on with the text that it began with:\n{}",
        path.display(),
        output::visible(&diff)
    ))
}
