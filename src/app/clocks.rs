//! The clocks of a run for `runsheet show`: in words, and for machines.

use serde_json::{Value, json};

use super::resume::Seen;
use crate::engine::window::Clocks;
use crate::session::clock::now;
use crate::words;

/// Sets the clocks of a run that is open; of one that is over there is its report.
pub(super) fn lines(seen: &Seen) -> Vec<String> {
    if seen.run.ended.is_some() {
        return Vec::new();
    }
    let now = now();
    let facts = words::clocks::facts(&seen.run.clocks(&seen.plan, now), now);
    let mut lines: Vec<String> = facts.iter().map(|(label, text)| format!("  {label:<10} {text}")).collect();
    if !lines.is_empty() {
        lines.insert(0, "\nthe clocks".to_owned());
    }
    lines
}

/// Tells the clocks to machines: durations in milliseconds, times in UTC; as they stand now, or stood when the run ended.
pub(super) fn json(seen: &Seen) -> Value {
    let clocks = seen.run.clocks(&seen.plan, now());
    let window = clocks.window.map(|window| {
        json!({
            "planned_ms": millis(window.planned),
            "extended_ms": millis(window.extended),
            "left_ms": i64::try_from(window.left.as_millis()).ok(),
            "ends_at": window.ends.map(|at| at.to_string()),
            "over": words::clocks::is_over(&window),
        })
    });
    let Clocks { work_left, people_left, unknown, rollback_needs, last_safe_rollback, exposed_since, .. } = &clocks;
    json!({
        "window": window,
        "work_left_ms": millis(*work_left),
        "people_left_ms": millis(*people_left),
        "steps_without_estimate": unknown,
        "rollback_needs_ms": millis(*rollback_needs),
        "last_safe_rollback": last_safe_rollback.map(|at| at.to_string()),
        "exposed": exposed_since.as_ref().map(|(step, since)| json!({ "step": step, "since": since.to_string() })),
        "exposures": clocks.exposures.iter().map(|exposure| json!({
            "step": exposure.step,
            "from": exposure.from.to_string(),
            "until": exposure.until.map(|at| at.to_string()),
            "verified": exposure.verified,
        })).collect::<Vec<_>>(),
    })
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
