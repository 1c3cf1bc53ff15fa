//! Holds a run's record against itself: the journal's chain, the order of its records, and every file that they name.
//!
//! It looks at the run's folder alone, with no key, no vault and no network, so whoever has the folder or an exported copy can
//! do it. It changes nothing. What must stay true: what it says is proved is proved by what it looked at, and what it cannot
//! know it says too: a chain shows what was changed after it was written, never who wrote it.

mod files;
mod named;
mod proof;
mod signed;
mod told;
mod trail;

use std::path::Path;
use std::sync::Arc;

use crate::engine::{Begun, End};
use crate::journal::RunFolder;
use crate::playbook::Texts;
use crate::playbook::check_with;
use crate::playbook::plan::Plan;
use crate::signature::Allowed;

pub use told::{json, text};

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Audit {
    /// What the run began with; none where that cannot be read.
    pub begun: Option<Begun>,
    /// How many records are sound.
    pub records: u64,
    /// The hash of the last of them.
    pub head: String,
    /// How the run ended; none while it is open.
    pub end: Option<End>,
    /// What was looked at, and what came of it.
    pub checks: Vec<Check>,
    /// What this proves.
    pub proved: Vec<String>,
    /// What it does not.
    pub open: Vec<String>,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub part: Part,
    /// What was found, in a line.
    pub said: String,
    /// What is not as it should be: the place, and why.
    pub wrong: Vec<String>,
    /// What is worth knowing and no damage.
    pub noted: Vec<String>,
}

/// A part of a run's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The exported file that it came in.
    Export,
    /// The journal's lines, and their chain.
    Journal,
    /// The head that somebody noted elsewhere.
    Head,
    /// The texts of the playbook.
    Playbook,
    /// The order of the records.
    Order,
    /// What commands printed.
    Transcripts,
    /// The sealed copies of files.
    Copies,
    /// Files that were given as evidence.
    Evidence,
    /// Who signed.
    SignOff,
    /// Whatever else is in the folder.
    Files,
}

impl Part {
    /// Names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Journal => "journal",
            Self::Head => "head",
            Self::Playbook => "playbook",
            Self::Order => "order",
            Self::Transcripts => "transcripts",
            Self::Copies => "sealed copies",
            Self::Evidence => "evidence",
            Self::SignOff => "sign-off",
            Self::Files => "other files",
        }
    }
}

impl Check {
    /// Makes one that found nothing.
    #[must_use]
    pub fn new(part: Part) -> Self {
        Self { part, said: String::new(), wrong: Vec::new(), noted: Vec::new() }
    }
}

impl Audit {
    /// Says whether nothing is wrong.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.checks.iter().all(|check| check.wrong.is_empty())
    }
}

/// What is asked of an audit beside the folder itself.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// The head that somebody noted elsewhere, in hex.
    pub head: Option<&'a str>,
    /// The run goes on at this moment.
    pub live: bool,
    /// It is an exported copy: the folder has no name of its own.
    pub copy: bool,
    /// Whose keys are believed.
    pub allowed: Allowed,
}

/// Audits the run in a folder.
#[must_use]
pub fn audit(folder: &RunFolder, asked: &Asked<'_>) -> Audit {
    let plan = plan(folder).map(Arc::new);
    let trail = trail::follow(folder, plan.as_ref().ok().cloned(), asked);
    let mut checks = vec![trail.journal.clone()];
    checks.extend(trail.head_asked.clone());
    let (playbook, same) = files::playbook(folder, trail.begun.as_ref(), plan.as_ref().err());
    checks.push(playbook);
    checks.push(trail.order(same));
    checks.push(files::transcripts(folder, &trail.named));
    checks.push(files::copies(folder, &trail.named));
    checks.push(files::evidence(folder, &trail.named));
    checks.push(trail.signed.clone());
    checks.push(files::others(folder, &trail));
    let mut audit = Audit {
        begun: trail.begun,
        records: trail.records,
        head: trail.head,
        end: trail.end,
        checks,
        proved: Vec::new(),
        open: Vec::new(),
    };
    proof::weigh(&mut audit, asked, &trail.proved);
    audit
}

/// Reads the playbook as it was.
fn plan(folder: &RunFolder) -> Result<Plan, String> {
    let text = std::fs::read_to_string(folder.playbook()).map_err(|error| error.to_string())?;
    let texts = folder.read_included().map_err(|error| format!("what it includes: {error}"))?;
    let texts = Texts { texts, ..Texts::default() };
    match check_with(&file_name(&folder.playbook()), &text, &texts) {
        Ok(checked) => Ok(checked.plan),
        Err(faults) => Err(format!("it is not sound ({} of it)", crate::words::count(faults.len(), "fault", "faults"))),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
