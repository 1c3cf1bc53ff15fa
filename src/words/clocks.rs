//! What the clocks of a run say, in words: the window, what is left to do, when a rollback still fits, the exposure.
//!
//! Every front and `show` say the same. What must stay true: an overrun is told by a word, never by a sign or a colour alone.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{count, duration};
use crate::engine::window::{Clocks, NoWayBack, WindowClock};
use crate::playbook::plan::StepId;

/// The label of an exposure.
pub const EXPOSED: &str = "exposed";

/// Says what is left of the window, or for how long it has been over.
#[must_use]
pub fn window(window: &WindowClock) -> String {
    let longer = match window.extended {
        Duration::ZERO => String::new(),
        by => format!(", {} of it added", whole(by)),
    };
    let all = whole(window.planned.saturating_add(window.extended));
    match window.ends {
        None => format!("{all}{longer}; it begins with the first step that changes something"),
        Some(_) if is_over(window) => format!("OVER by {} ({all}{longer})", whole(window.left.unsigned_abs())),
        Some(_) => format!("{} left of {all}{longer}", whole(window.left.unsigned_abs())),
    }
}

/// Says whether a window is over.
#[must_use]
pub fn is_over(window: &WindowClock) -> bool {
    window.ends.is_some() && window.left <= SignedDuration::ZERO
}

/// Says how much is left to do; none where nothing is.
#[must_use]
pub fn to_do(clocks: &Clocks) -> Option<String> {
    let people = match clocks.people_left {
        Duration::ZERO => String::new(),
        time => format!(", and people for {}", whole(time)),
    };
    let unknown = match clocks.unknown {
        0 => String::new(),
        many => format!("; {} without an estimate", count(many, "step", "steps")),
    };
    match (clocks.work_left, people.is_empty() && unknown.is_empty()) {
        (Duration::ZERO, true) => None,
        (work, _) => Some(format!("about {} of work{people}{unknown}", whole(work))),
    }
}

/// Says how long a rollback takes and until when it fits; none where there is nothing to undo.
#[must_use]
pub fn rollback(clocks: &Clocks, now: Timestamp) -> Option<String> {
    let needs = match clocks.rollback_needs {
        Duration::ZERO => return None,
        needs => format!("a rollback takes about {}", whole(needs)),
    };
    Some(match clocks.last_safe_rollback {
        None => needs,
        Some(until) if now > until => format!("{needs} and NO LONGER FITS into the window"),
        Some(until) => {
            format!("{needs} and fits until {} ({} from now)", time_of_day(until), whole(gone(now, until)))
        }
    })
}

/// Says for how long the service has been exposed; none where it is not.
#[must_use]
pub fn exposed(clocks: &Clocks, now: Timestamp) -> Option<String> {
    let (step, since) = clocks.exposed_since.as_ref()?;
    Some(format!("{} since {step} started, not verified yet", whole(gone(*since, now))))
}

/// Lists all clocks that have something to say, each with a label.
#[must_use]
pub fn facts(clocks: &Clocks, now: Timestamp) -> Vec<(&'static str, String)> {
    let facts = [
        ("window", clocks.window.as_ref().map(window)),
        ("to do", to_do(clocks)),
        ("way back", rollback(clocks, now)),
        (EXPOSED, exposed(clocks, now)),
    ];
    facts.into_iter().filter_map(|(label, text)| Some((label, text?))).collect()
}

/// Warns that a rollback would no longer fit into the window after a step.
#[must_use]
pub fn no_way_back(warning: &NoWayBack) -> String {
    let left = match warning.left {
        left if left <= SignedDuration::ZERO => "the window will be over".to_owned(),
        left => format!("{} left", whole(left.unsigned_abs())),
    };
    format!(
        "after this step a rollback no longer fits into the window: it needs about {}, {left}",
        whole(warning.needs)
    )
}

/// Says that the window is over, and what to do.
#[must_use]
pub fn over(step: &StepId, by: Duration) -> String {
    format!("the window has been over for {}; say why {step} starts all the same, or extend the window", whole(by))
}

/// Says by how much the window was made longer, and why.
#[must_use]
pub fn extended(by: Duration, reason: &str) -> String {
    format!("the window was extended by {}: {reason}", whole(by))
}

/// Says that the run went on beyond the window, and why.
#[must_use]
pub fn went_on(reason: &str, by_policy: bool) -> String {
    let who = if by_policy { ", with nobody there to ask" } else { "" };
    format!("the run went on after the window was over{who}: {reason}")
}

/// Says a time of the day, in UTC.
#[must_use]
pub fn time_of_day(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

/// Says a duration in whole seconds.
fn whole(time: Duration) -> String {
    duration(Duration::from_secs(time.as_secs()))
}

fn gone(from: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(from)).unwrap_or_default()
}
