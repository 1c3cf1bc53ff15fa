//! The clocks on the screen: the window and the exposure in the header, what is left to do and the way back on the edge of the
//! question, and the warning before a step after which there would be none.
//!
//! Drawn anew each second by the screen's own clock. What must stay true: an overrun is seen by a word and a sign, not by its
//! colour alone; and nothing here does anything.

use jiff::{SignedDuration, Timestamp};
use ratatui::text::{Line, Span};

use super::state::Walk;
use super::text::clock;
use crate::engine::Stage;
use crate::engine::window::{Clocks, WindowClock};
use crate::playbook::plan::Step;
use crate::words;
use crate::words::clocks::is_over;

/// The two clocks of the header, each behind the other.
pub(super) fn header(walk: &Walk, now: Timestamp) -> Vec<Span<'static>> {
    let clocks = walk.run.clocks(&walk.plan, now);
    let mut spans = Vec::new();
    if let Some((_, since)) = clocks.exposed_since {
        let gone = now.duration_since(since).as_secs().max(0);
        spans.extend([Span::styled(format!("! exposed {}", clock(gone)), walk.theme.care()), Span::raw("  ")]);
    }
    if let Some(window) = &clocks.window {
        spans.extend([left(walk, window), Span::raw("  ")]);
    }
    spans
}

/// Sets the window: how long it is planned, then what is left of it, then by how much it is over.
fn left(walk: &Walk, window: &WindowClock) -> Span<'static> {
    let long = window.planned.saturating_add(window.extended);
    if window.ends.is_none() {
        return Span::styled(format!("window {}", words::duration(long)), walk.theme.quiet());
    }
    let seconds = window.left.as_secs();
    if is_over(window) {
        return Span::styled(format!("! window over by {}", clock(-seconds)), walk.theme.bad());
    }
    let scarce = window.left.unsigned_abs() < long / 5;
    let style = if scarce { walk.theme.care() } else { walk.theme.good() };
    Span::styled(format!("window {} left", clock(seconds)), style)
}

/// The clocks on the edge of the question: what is left to do, and how long a rollback still fits. None where nothing counts.
pub(super) fn edge(walk: &Walk, now: Timestamp) -> Option<Line<'static>> {
    let clocks = walk.run.clocks(&walk.plan, now);
    clocks.window.filter(|_| walk.run.ended.is_none())?;
    let mut spans = Vec::new();
    if let Some(text) = to_do(walk, &clocks) {
        spans.extend([Span::raw(" "), Span::styled(text, walk.theme.quiet()), Span::raw(" ")]);
    }
    if let Some(until) = clocks.last_safe_rollback.filter(|_| !clocks.rollback_needs.is_zero()) {
        let fits = until.duration_since(now);
        let span = if fits < SignedDuration::ZERO {
            Span::styled("! a rollback no longer fits", walk.theme.bad())
        } else {
            Span::styled(format!("rollback fits {}", clock(fits.as_secs())), walk.theme.good())
        };
        spans.extend([Span::raw(" "), span, Span::raw(" ")]);
    }
    (!spans.is_empty()).then(|| Line::from(spans).right_aligned())
}

fn to_do(walk: &Walk, clocks: &Clocks) -> Option<String> {
    if clocks.work_left.is_zero() && clocks.people_left.is_zero() {
        return None;
    }
    let seconds = |time: std::time::Duration| clock(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    let people = match clocks.people_left.as_secs() {
        0 => String::new(),
        _ => format!(", people {}", seconds(clocks.people_left)),
    };
    let more = if clocks.unknown > 0 { "+" } else { "" };
    let what = if walk.run.stage == Stage::RollingBack { "to undo" } else { "to do" };
    Some(format!("{what} {}{people}{more}", seconds(clocks.work_left)))
}

/// Says whether a clock is on the screen that goes on by itself.
pub(super) fn tick(walk: &Walk) -> bool {
    let window = walk.plan.window.is_some() && walk.run.window_from.is_some();
    let exposed = walk.run.exposures.iter().any(|exposure| exposure.until.is_none());
    walk.run.ended.is_none() && (window || exposed)
}

impl Walk {
    /// Says whether starting a step wants one more yes, by what the playbook says or by the clock.
    pub(super) fn deliberate(&self, step: &Step) -> bool {
        step.deliberate() || self.no_way_back(step).is_some()
    }

    /// Warns that a rollback would no longer fit into the window after a step, where it is its turn.
    pub(super) fn no_way_back(&self, step: &Step) -> Option<String> {
        let turn = self.target().is_some_and(|target| target.undo.is_none() && target.step == step.id);
        let warning = self.run.no_way_back(&self.plan, step, self.now).filter(|_| turn && self.run.busy.is_none())?;
        Some(words::clocks::no_way_back(&warning))
    }
}
