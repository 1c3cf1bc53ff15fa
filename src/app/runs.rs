//! `runsheet runs`: which runs there are, narrowed down by time, playbook and state; and what carries one on now.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::look::{print, print_json};
use super::{attach, place};
use crate::cli::{RunState, RunsArgs};
use crate::ending::{Code, Ending};
use crate::engine::End;
use crate::journal::{Holder, Place, RunFolder, Summary};
use crate::output::visible_plain;
use crate::playbook::duration;
use crate::session::clock;
use crate::session::wire::Welcome;
use crate::words;

/// `runsheet runs`.
pub(super) fn runs(args: &RunsArgs) -> Result<Code, Ending> {
    let state = place::state()?;
    let since = args.since.as_deref().map(since).transpose()?;
    let all = found(&state, since);
    let none_at_all = all.is_empty() && since.is_none();
    let named = |run: &Summary| args.playbook.as_deref().is_none_or(|wanted| of_playbook(run, wanted));
    let runs = all.iter().filter(|run| named(run) && may_be(run, args.state));
    let runs = runs.map(|run| (run, live(&state.folder(&run.id), run.end)));
    let running = |live: &Live| args.state != Some(RunState::Running) || !matches!(live, Live::No);
    let runs: Vec<(&Summary, Live)> = runs.filter(|(_, live)| running(live)).collect();
    if args.json {
        return print_json(&runs.iter().map(|(run, live)| summary(run, live)).collect());
    }
    if none_at_all {
        return print("no run yet; `runsheet run PLAYBOOK` begins one\n");
    }
    if runs.is_empty() {
        return print("no such run\n");
    }
    let lines = runs.iter().map(|(run, live)| {
        let when = run.began_at.strftime("%Y-%m-%d %H:%M");
        let state = run.end.map_or(live.word(), words::end);
        let title = visible_plain(&run.begun.title);
        format!("{}  {when}  {state:<15}  {}  {title}\n", run.id, visible_plain(&run.begun.operator))
    });
    print(&lines.collect::<Vec<_>>().concat())
}

/// Reads the runs that began since then, newest first. An id says when its run began, so older ones are not even opened.
fn found(state: &Place, since: Option<Timestamp>) -> Vec<Summary> {
    let Some(since) = since else { return state.runs() };
    let recent = |id: &String| ulid::Ulid::from_string(id).map_or(true, |id| began(id.datetime()) >= since);
    let ids = state.find("").into_iter().rev().filter(recent);
    ids.filter_map(|id| state.folder(&id).summary()).filter(|run| run.began_at >= since).collect()
}

/// The time of an id, with a minute to spare: the run's first record is written a moment later, and the clock may be put back.
fn began(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default() + Duration::from_mins(1);
    let ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

/// Says whether a run may have the state that is wanted, as far as its journal tells.
fn may_be(run: &Summary, wanted: Option<RunState>) -> bool {
    match wanted {
        None => true,
        Some(RunState::Open | RunState::Running) => run.end.is_none(),
        Some(RunState::Completed) => run.end == Some(End::Completed),
        Some(RunState::RolledBack) => run.end == Some(End::RolledBack),
        Some(RunState::Abandoned) => run.end == Some(End::Abandoned),
    }
}

/// Says whether a run is of a playbook: by its path, by the file's name with or without its ending, or by its title.
fn of_playbook(run: &Summary, wanted: &str) -> bool {
    let path = Path::new(&run.begun.playbook);
    let name = |part: Option<&std::ffi::OsStr>| part.is_some_and(|part| part.to_string_lossy() == wanted);
    let same_file = || Path::new(wanted).canonicalize().is_ok_and(|wanted| wanted == path);
    run.begun.playbook == wanted
        // A playbook that came with the program has its name in brackets.
        || run.begun.playbook.trim_matches(['<', '>']) == wanted
        || name(path.file_name())
        || name(path.file_stem())
        || run.begun.title.to_lowercase() == wanted.to_lowercase()
        || same_file()
}

/// Reads a time: how long ago (`7d`), a day (its beginning here) or a moment.
fn since(typed: &str) -> Result<Timestamp, Ending> {
    let here = || TimeZone::system();
    if let Ok(ago) = duration::parse(typed)
        && let Ok(ago) = SignedDuration::try_from(ago)
    {
        return Ok(clock::now().checked_sub(ago).unwrap_or(Timestamp::MIN));
    }
    let at = typed.parse::<Timestamp>().ok();
    let at = at.or_else(|| typed.parse::<Date>().ok()?.to_zoned(here()).ok().map(|at| at.timestamp()));
    let at = at.or_else(|| typed.parse::<DateTime>().ok()?.to_zoned(here()).ok().map(|at| at.timestamp()));
    at.ok_or_else(|| Ending {
        code: Code::Usage,
        what: format!("{} is no time", visible_plain(typed)),
        because: None,
        next: Some("say how long ago (`7d`, `36h`), a day (`2026-03-01`) or a moment (`2026-03-01T08:00`)".to_owned()),
    })
}

/// What carries a run on at this moment.
pub(super) enum Live {
    /// Nothing does.
    No,
    /// A process that keeps it to itself.
    Foreground(Holder),
    /// A host, which screens can be attached to.
    Host(Holder, Welcome),
}

/// Finds out what carries a run on. A run that is over needs no asking.
pub(super) fn live(folder: &RunFolder, end: Option<End>) -> Live {
    let Some(holder) = folder.held_by().filter(|_| end.is_none()) else { return Live::No };
    match attach::look(folder) {
        Some(welcome) => Live::Host(holder, welcome),
        None => Live::Foreground(holder),
    }
}

impl Live {
    fn word(&self) -> &'static str {
        match self {
            Self::No => "open",
            Self::Foreground(_) => "running",
            Self::Host(..) => "running, attach",
        }
    }

    /// For machines: the process, whether one can attach, and who is there.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::No => Value::Null,
            Self::Foreground(holder) => json!({ "pid": holder.pid, "since": holder.since, "attach": false }),
            Self::Host(holder, welcome) => json!({
                "pid": holder.pid,
                "since": holder.since,
                "attach": true,
                "acts": welcome.actor,
                "watchers": welcome.watchers,
            }),
        }
    }

    /// For people: a line.
    pub(super) fn line(&self) -> Option<String> {
        match self {
            Self::No => None,
            Self::Foreground(holder) => Some(format!("running: process {}, in its own terminal", holder.pid)),
            Self::Host(holder, welcome) => {
                let acts = welcome.actor.as_deref().unwrap_or("nobody");
                let watch = words::count(welcome.watchers, "screen watches", "screens watch");
                Some(visible_plain(&format!(
                    "running: host process {}; {acts} acts, {watch}; `runsheet attach`",
                    holder.pid
                )))
            }
        }
    }
}

fn summary(run: &Summary, live: &Live) -> Value {
    json!({
        "run": run.id,
        "title": run.begun.title,
        "playbook": run.begun.playbook,
        "operator": run.begun.operator,
        "host": run.begun.host,
        "ticket": run.begun.ticket,
        "began_at": run.began_at.to_string(),
        "last_at": run.last_at.to_string(),
        "state": run.end.map_or("open", words::end),
        "live": live.json(),
    })
}
