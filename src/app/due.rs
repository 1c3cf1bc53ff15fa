//! `runsheet due`: which playbooks should be run again, and what stays to be done after runs.
//!
//! A playbook with `every:` is due that long after its last completed run, by its path; an item of `follow_up` by its `within`
//! from the end of its run, until somebody says that it was done. Nothing here runs or reminds anybody: it is asked, by a person
//! or by monitoring. What must stay true: a run that cannot be read is named, never passed over in silence.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::look::{print, print_json};
use super::place::{self, Who};
use super::{library, refused, resume, walk};
use crate::cli::DueArgs;
use crate::ending::{Code, Ending};
use crate::engine::{End, Engine, Input};
use crate::journal::{self, Log as _, Place, Summary};
use crate::output::visible_plain;
use crate::secret::{Identity, Secrets};
use crate::session::clock;
use crate::words;

/// Something that is due, or will be.
struct Due {
    what: What,
    /// What it is called.
    title: String,
    /// The playbook's path.
    playbook: String,
    /// By when; none where nobody said.
    at: Option<Timestamp>,
    overdue: bool,
}

enum What {
    /// A playbook is to be run again.
    Playbook {
        every: Duration,
        /// The last run of it that was completed, and when; none where it never was.
        last: Option<(String, Timestamp)>,
    },
    /// An item, from 1, stays to be done after a run.
    FollowUp { run: String, item: u32 },
    /// A run cannot be read: why.
    Unreadable { run: String, why: String },
}

/// `runsheet due`.
pub(super) fn due(args: &DueArgs) -> Result<Code, Ending> {
    if let Some(which) = &args.done {
        return done(which, args.note.clone(), &place::who(args.operator.clone()));
    }
    let (state, now) = (place::state()?, clock::now());
    let runs = state.runs();
    let mut all = playbooks(&state, &runs, now, args.strict);
    all.extend(follow_ups(&runs, now));
    // The most pressing first; what has no date stands last.
    all.sort_by_key(|due| (!due.overdue, due.at.is_none(), due.at));
    let overdue = all.iter().filter(|due| due.overdue).count();
    let code = if overdue > 0 { Code::Failed } else { Code::Done };
    if args.json {
        let items: Vec<Value> = all.iter().map(Due::json).collect();
        print_json(&json!({ "at": now.to_string(), "overdue": overdue, "items": items }))?;
    } else if all.is_empty() {
        print("nothing is due: no playbook says `every`, and nothing stays to be done after a run\n")?;
    } else {
        print(&all.iter().map(Due::line).collect::<String>())?;
    }
    Ok(code)
}

/// Lists the playbooks that say how often they should be run: those of the library, and those that were run.
fn playbooks(state: &Place, runs: &[Summary], now: Timestamp, strict: bool) -> Vec<Due> {
    let mut known: BTreeMap<PathBuf, (String, Duration)> = BTreeMap::new();
    for entry in library::entries() {
        if let Ok(plan) = &entry.plan
            && let Some(every) = plan.every
        {
            let path = Path::new(&entry.name).canonicalize().unwrap_or_else(|_| format!("<{}>", entry.name).into());
            known.insert(path, (plan.title.clone(), every));
        }
    }
    for run in runs {
        let path = PathBuf::from(&run.begun.playbook);
        // One that is gone cannot be run again.
        if known.contains_key(&path) || !path.is_file() {
            continue;
        }
        let today = library::load(&run.begun.playbook).map(|loaded| (loaded.plan.title.clone(), loaded.plan.every));
        let then = || resume::playbook(&state.folder(&run.id)).map(|(plan, _)| (plan.title, plan.every));
        if let Ok((title, Some(every))) = today.or_else(|_| then()) {
            known.insert(path, (title, every));
        }
    }
    known.into_iter().map(|(path, (title, every))| playbook(runs, &path, title, every, now, strict)).collect()
}

fn playbook(runs: &[Summary], path: &Path, title: String, every: Duration, now: Timestamp, strict: bool) -> Due {
    let of = |run: &&Summary| Path::new(&run.begun.playbook) == path && run.end == Some(End::Completed);
    let last = runs.iter().filter(of).map(|run| (run.id.clone(), completed(run))).max_by_key(|(_, at)| *at);
    let at = last.as_ref().and_then(|(_, at)| words::after(*at, every));
    let overdue = if last.is_none() { strict } else { at.is_some_and(|at| at < now) };
    Due { title, playbook: path.display().to_string(), at, overdue, what: What::Playbook { every, last } }
}

/// Returns when a run was completed; a record behind that tells of what was done after it.
fn completed(run: &Summary) -> Timestamp {
    let seen = resume::look(Some(&run.id)).ok();
    seen.and_then(|seen| seen.run.ended).map_or(run.last_at, |(_, at)| at)
}

/// Lists what stays to be done after the runs that were completed.
fn follow_ups(runs: &[Summary], now: Timestamp) -> Vec<Due> {
    let mut all = Vec::new();
    for run in runs.iter().filter(|run| run.end == Some(End::Completed)) {
        let seen = match resume::look(Some(&run.id)) {
            Ok(seen) => seen,
            Err(ending) => {
                let why = ending.because.unwrap_or(ending.what);
                let what = What::Unreadable { run: run.id.clone(), why };
                let (title, playbook) = (run.begun.title.clone(), run.begun.playbook.clone());
                all.push(Due { what, title, playbook, at: None, overdue: true });
                continue;
            }
        };
        let ended = seen.run.ended.filter(|_| seen.run.leaves_follow_ups());
        for (item, follow) in (1..).zip(&seen.plan.follow_up) {
            let Some((_, ended)) = ended.filter(|_| !seen.run.followed.contains_key(&item)) else { continue };
            let at = follow.within.and_then(|within| words::after(ended, within));
            all.push(Due {
                what: What::FollowUp { run: run.id.clone(), item },
                title: words::fill(&follow.title, &seen.run),
                playbook: run.begun.playbook.clone(),
                at,
                overdue: at.is_some_and(|at| at < now),
            });
        }
    }
    all
}

impl Due {
    /// For people: a line.
    fn line(&self) -> String {
        let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
        let word = if self.overdue { "OVERDUE" } else { "open" };
        let by = self.at.map_or_else(|| "-".to_owned(), day);
        let about = match &self.what {
            What::Playbook { every, last: Some((_, at)) } => {
                format!(
                    "{} ({}): every {}, last completed {}",
                    self.title,
                    self.playbook,
                    words::duration(*every),
                    day(*at)
                )
            }
            What::Playbook { every, last: None } => {
                format!("{} ({}): every {}, never completed", self.title, self.playbook, words::duration(*every))
            }
            What::FollowUp { run, item } => format!("{} (`runsheet due --done {run}:{item}`)", self.title),
            What::Unreadable { run, why } => format!("run {run} cannot be read: {why}"),
        };
        visible_plain(&format!("{word:<8} {by:<17} {about}")) + "\n"
    }

    /// For machines. Fields are added, never changed.
    fn json(&self) -> Value {
        let (kind, more) = match &self.what {
            What::Playbook { every, last } => (
                "playbook",
                json!({
                    "every_s": every.as_secs(),
                    "last_run": last.as_ref().map(|(run, _)| run),
                    "last_completed_at": last.as_ref().map(|(_, at)| at.to_string()),
                }),
            ),
            What::FollowUp { run, item } => ("follow_up", json!({ "run": run, "item": item })),
            What::Unreadable { run, why } => ("unreadable", json!({ "run": run, "why": why })),
        };
        let mut value = json!({
            "kind": kind,
            "title": self.title,
            "playbook": self.playbook,
            "due_at": self.at.map(|at| at.to_string()),
            "overdue": self.overdue,
        });
        if let (Value::Object(all), Value::Object(more)) = (&mut value, more) {
            all.extend(more);
        }
        value
    }
}

/// `runsheet due --done RUN:N`: writes behind the end of the run that an item was done.
fn done(which: &str, note: Option<String>, who: &Who) -> Result<Code, Ending> {
    let wrong = || Ending {
        code: Code::Usage,
        what: format!("{} is no item", visible_plain(which)),
        because: Some(
            "an item is named RUN:N, the run by the beginning of its id and the item by its number".to_owned(),
        ),
        next: Some("`runsheet due` lists what is open".to_owned()),
    };
    let (run, item) = which.rsplit_once(':').ok_or_else(wrong)?;
    let item: u32 = item.parse().map_err(|_| wrong())?;
    let state = place::state()?;
    let id = resume::find(&state, Some(run), false)?;
    let folder = state.folder(&id);
    let _lock = folder.lock(&walk::holder(&id, who)).map_err(|error| walk::held(error, &format!("run {id}")))?;
    let (plan, _) = resume::playbook(&folder)?;
    let mut engine = Engine::new(plan.into());
    let journal = journal::read(&folder.journal(), true, |stamped| engine.replay(&stamped))
        .map_err(|error| resume::damaged(&error))?;
    let unwritten = |why: String| Ending {
        code: Code::Failed,
        what: format!("item {item} of run {id} is not marked as done"),
        because: Some(why),
        next: Some("nothing of it is on record; try it again".to_owned()),
    };
    // The vault of a closed run is gone: what looks like a secret by itself is masked all the same.
    let secrets = Secrets::open(None, &Identity::passing()).map_err(unwritten)?;
    let note = note.map(|note| secrets.masker().mask(&visible_plain(&note))).filter(|note| !note.trim().is_empty());
    let input = Input::FollowUp { item, operator: who.operator.clone(), note };
    let turn = engine.handle(input, clock::now()).map_err(|refusal| refused(&refusal))?;
    let mut writer = journal.writer.ok_or_else(|| unwritten("the journal cannot be appended to".to_owned()))?;
    for record in &turn.records {
        writer.append(record).map_err(unwritten)?;
    }
    writer.sync().map_err(unwritten)?;
    let title = item.checked_sub(1).and_then(|at| engine.plan().follow_up.get(at as usize));
    let title = title.map(|follow| words::fill(&follow.title, engine.run())).unwrap_or_default();
    print(&visible_plain(&format!("done, on record: {title}\n")))
}
