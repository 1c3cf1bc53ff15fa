//! Puts a session together and lets it walk: the one place where front, executor and journal are chosen.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::attach;
use super::inputs::Known;
use super::left;
use super::library::Loaded;
use super::log;
use super::notary::Keys;
use super::place::{self, Who};
use super::resume::{self, Old};
use super::tell::Tell;
use super::{config, earlier};
use crate::ending::{Code, Ending};
use crate::engine::{Begun, Engine, Input, Record, Stamped};
use crate::exec::{self, DryRun, Executor, Launcher, RunPaths, Setting, World, memory_place};
use crate::front::{Answer, Front, Update};
use crate::journal::{Holder, Lock, LockError, Log, Nowhere, Place, RunFolder};
use crate::playbook::plan::{Name, Plan};
use crate::secret::{Identity, Secret, Secrets};
use crate::session::{NoKeys, Notary, Over, Session, clock};
use crate::words;

/// A run that is ready to be walked: on disk, locked, its secrets kept.
pub(super) struct Ready {
    pub(super) engine: Engine,
    pub(super) log: Box<dyn Log>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) base: PathBuf,
    /// The run's folder; none for a dry run.
    pub(super) folder: Option<RunFolder>,
    /// The first things to say to the engine, one after the other as it comes to rest.
    pub(super) first: Vec<Input>,
    /// Held as long as the session.
    pub(super) locks: Vec<Lock>,
}

impl Ready {
    fn name(&self) -> String {
        self.folder.as_ref().map(|folder| folder.path().display().to_string()).unwrap_or_default()
    }
}

/// Makes a new run of a playbook: nothing of it has happened, but it is on disk.
///
/// # Errors
/// Somebody else runs the playbook; the run does not fit its inputs; the disk will not.
pub(super) fn begin(
    loaded: &Loaded,
    known: &Known,
    who: &Who,
    ticket: Option<String>,
    typed: Option<String>,
    identity: &Identity,
) -> Result<Ready, Ending> {
    config::read()?;
    let id = ulid::Ulid::new().to_string();
    let mut begun = begun(loaded, known, who, ticket, &id);
    // Asked once beforehand, so that a run that cannot begin leaves no folder.
    Engine::new(Arc::clone(&loaded.plan))
        .handle(Input::Begin { begun: Box::new(begun.clone()), typed: typed.clone() }, clock::now())
        .map_err(|refusal| super::refused(&refusal))?;

    let state = place::state()?;
    begun.expected = earlier::medians(&state, &loaded.path, &loaded.plan.title);
    let lock = lock_playbook(&state, &loaded.path, &id, who)?;
    let created = state.create(&id, &loaded.text);
    let created = created.and_then(|made| made.0.keep_included(&loaded.included.texts).map(|()| made));
    let (folder, writer) = created.map_err(|error| Ending {
        code: Code::Failed,
        what: "the run cannot be put on disk".to_owned(),
        because: Some(error.to_string()),
        next: Some(
            "nothing has been started; make room, or set XDG_STATE_HOME to a folder that can be written".to_owned(),
        ),
    })?;
    let run_lock = folder.lock(&holder(&id, who)).map_err(|error| held(error, &loaded.path.display().to_string()))?;
    let secrets = keep(Secrets::open(Some(folder.vault()), identity), known)?;
    let fingerprint = |name: &Name| Some((name.clone(), secrets.fingerprint(name.as_str())?));
    begun.fingerprints = begun.secrets.iter().filter_map(fingerprint).collect();
    Ok(Ready {
        engine: Engine::new(Arc::clone(&loaded.plan)),
        log: Box::new(writer),
        secrets,
        base: loaded.base.clone(),
        folder: Some(folder),
        first: vec![Input::Begin { begun: Box::new(begun), typed }],
        locks: vec![lock, run_lock],
    })
}

/// Makes a run that leaves nothing behind.
///
/// # Errors
/// A secret cannot be kept out of sight.
pub(super) fn rehearse(loaded: &Loaded, known: &Known, who: &Who) -> Result<Ready, Ending> {
    let begun = Box::new(begun(loaded, known, who, None, "DRYRUN"));
    let mut engine = Engine::new(Arc::clone(&loaded.plan));
    // Not asked but told: a dry run may begin without what a real one must have, and shows `${name}` for it.
    engine.replay(&Stamped { at: clock::now(), record: Record::Begun(begun) });
    let secrets = keep(Secrets::open(None, &Identity::passing()), known)?;
    Ok(Ready {
        engine,
        log: Box::new(Nowhere),
        secrets,
        base: loaded.base.clone(),
        folder: None,
        first: Vec::new(),
        locks: Vec::new(),
    })
}

fn keep(secrets: Result<Secrets, String>, known: &Known) -> Result<Arc<Secrets>, Ending> {
    let given: Vec<(String, Secret)> = known
        .values
        .iter()
        .filter_map(|(name, given)| match &given.answer {
            Answer::Secret(secret) => Some((name.to_string(), secret.clone())),
            Answer::Text(_) => None,
        })
        .collect();
    let kept = secrets.and_then(|secrets| {
        if !given.is_empty() {
            secrets.keep(given)?;
        }
        Ok(Arc::new(secrets))
    });
    kept.map_err(|why| Ending {
        code: Code::Failed,
        what: why,
        because: None,
        next: Some("nothing has been started".to_owned()),
    })
}

/// What a run begins with, for its record.
fn begun(loaded: &Loaded, known: &Known, who: &Who, ticket: Option<String>, id: &str) -> Begun {
    let (mut values, mut secrets) = (BTreeMap::new(), Vec::new());
    for (name, given) in &known.values {
        match &given.answer {
            Answer::Text(text) => {
                values.insert(name.clone(), text.clone());
            }
            Answer::Secret(_) => secrets.push(name.clone()),
        }
    }
    Begun {
        format: 1,
        run: id.to_owned(),
        title: loaded.plan.title.clone(),
        playbook: loaded.path.display().to_string(),
        version: loaded.plan.version.clone(),
        sha256: sha256(&loaded.text),
        included: loaded.included.texts.iter().map(|(path, text)| (path.clone(), sha256(text))).collect(),
        operator: who.operator.clone(),
        account: who.account.clone(),
        host: who.host.clone(),
        ticket,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        protected: protected(&loaded.plan, known).is_some(),
        values,
        secrets,
        fingerprints: BTreeMap::new(),
        expected: BTreeMap::new(),
    }
}

/// Returns the word that confirms a protected run.
pub(super) fn protected<'k>(plan: &'k Plan, known: &'k Known) -> Option<&'k str> {
    crate::engine::protected_word(plan, |name: &Name| known.text(name))
}

/// Hashes a playbook's text.
pub(super) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Writes bytes as small hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        use std::fmt::Write as _;
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Says who we are, for those who find a lock.
pub(super) fn holder(id: &str, who: &Who) -> Holder {
    Holder {
        run: id.to_owned(),
        operator: who.operator.clone(),
        host: who.host.clone(),
        pid: std::process::id(),
        since: clock::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }
}

/// Takes the lock of a playbook.
///
/// # Errors
/// Who holds it, and how to see what they do.
pub(super) fn lock_playbook(state: &Place, path: &std::path::Path, id: &str, who: &Who) -> Result<Lock, Ending> {
    state.lock_playbook(path, &holder(id, who)).map_err(|error| held(error, &path.display().to_string()))
}

/// Puts a lock that was not had into words.
pub(super) fn held(error: LockError, what: &str) -> Ending {
    match error {
        LockError::Held(Some(holder)) => Ending {
            code: Code::Failed,
            what: format!("{what} is being run by {} on {}, since {}", holder.operator, holder.host, holder.since),
            because: Some(format!(
                "one run of a playbook at a time; theirs is {}, process {}{}",
                holder.run,
                holder.pid,
                stands(&holder.run)
            )),
            next: Some(look_on(&holder.run)),
        },
        LockError::Held(None) => Ending {
            code: Code::Failed,
            what: format!("{what} is being run by somebody"),
            because: Some("one run of a playbook at a time".to_owned()),
            next: Some("`runsheet runs` lists the runs".to_owned()),
        },
        LockError::File(path, error) => Ending {
            code: Code::Failed,
            what: format!("the lock {} cannot be used", path.display()),
            because: Some(error.to_string()),
            next: Some("nothing has been started".to_owned()),
        },
    }
}

/// Says where a run of somebody's stands, behind what else is said of it.
fn stands(run: &str) -> String {
    match resume::look(Some(run)) {
        Ok(seen) => format!("; {}", words::awaiting(&seen.run.awaiting(&seen.plan))),
        // It may be on another machine, or only beginning.
        Err(_) => String::new(),
    }
}

/// Says how to see what a run of somebody's does.
fn look_on(run: &str) -> String {
    match place::state().ok().and_then(|state| attach::look(&state.folder(run))) {
        Some(_) => format!("`runsheet watch {run}` looks on, `runsheet attach {run}` takes part"),
        None => format!("`runsheet show {run}` says where it stands"),
    }
}

/// Walks a run with a front until it is over or somebody leaves.
///
/// # Errors
/// The runtime cannot be had.
pub(super) fn walk<F: Front>(ready: Ready, mut front: F, old: Old, tell: &mut Tell) -> Result<Over<F>, Ending> {
    let kept = ready.folder.is_some();
    // A dry run writes nothing, not even a log.
    let _log = ready.folder.as_ref().and_then(|_| log::start(&place::state().ok()?));
    if ready.folder.is_some() {
        let removed = exec::remove_leftovers();
        if removed > 0 {
            tracing::warn!(removed, "files with secrets that a dead run had left in memory");
        }
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), run = ready.name(), "session begins");
    // Children that run in the playbook's folder, most of them, need nothing but a spawn then; every path that is still
    // relative (answers, playbooks) was read before.
    #[expect(clippy::disallowed_methods, reason = "the one place where the program's own folder is chosen")]
    let entered = std::env::set_current_dir(&ready.base);
    if let Err(error) = entered {
        tracing::warn!(%error, "the playbook's folder cannot be entered");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Ending {
        code: Code::Failed,
        what: "no threads can be had".to_owned(),
        because: Some(error.to_string()),
        next: None,
    })?;
    let (reports, inbox) = mpsc::unbounded_channel();
    let plan = Arc::clone(ready.engine.plan());
    // A dry run is nobody's business.
    let log = match &ready.folder {
        Some(_) => tell.over(ready.log, &ready.engine, &ready.secrets, &reports),
        None => ready.log,
    };
    let setting = Setting {
        plan,
        base: ready.base,
        folder: ready.folder.as_ref().map(|folder| RunPaths {
            transcript: folder.transcript(),
            snapshots: folder.snapshots(),
            evidence: folder.evidence(),
            memory: memory_place().zip(folder.path().file_name()).map(|(place, run)| place.join(run)),
        }),
        secrets: ready.secrets,
        reports,
        runtime: runtime.handle().clone(),
        launcher: Launcher::ourselves(),
    };
    let executor: Box<dyn Executor> = match &ready.folder {
        Some(_) => Box::new(World::new(setting)),
        None => Box::new(DryRun::new(setting)),
    };
    let notary: Box<dyn Notary> = match ready.folder {
        Some(folder) => Box::new(Keys { folder, sign_off: config::read()?.sign_off }),
        None => Box::new(NoKeys),
    };
    old.tell(&mut front)?;
    let session = Session { engine: ready.engine, log, executor, reports: inbox, front, notary };
    let mut over = runtime.block_on(session.run(ready.first));
    // What a child left behind must not hold us up: its output is on disk.
    runtime.shutdown_background();
    drop(ready.locks);
    if kept && let Some(line) = left::line(over.engine.plan(), over.engine.run()) {
        over.front.take(Update::Notice(line));
    }
    tracing::info!(because = ?over.because, "session over");
    Ok(over)
}
