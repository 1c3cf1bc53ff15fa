//! The time line of a run as a picture: SVG, made here, for the middle of an HTML page.
//!
//! Rows are steps, or phases where there are many steps. Long stretches in which only somebody was waited for, or the
//! program had stopped, are drawn short, and say how long they were. Colours come from the page's style; what a bar is shows
//! by its pattern too, and by what it says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;

use super::data::{Event, EventKind, Report};
use super::html::{escape, glyph};
use super::story::between;
use crate::words::{lasts, took};

/// The picture's width; a page scales it.
const WIDTH: f64 = 1000.0;
/// Where the plot begins, right of the rows' names.
const LEFT: f64 = 232.0;
/// Where it ends.
const RIGHT: f64 = 988.0;
/// The height of a row, and of its bar.
const ROW: f64 = 20.0;
const BAR: f64 = 12.0;
/// The room above the rows, for the times.
const TOP: f64 = 26.0;
/// With more steps than these, rows are phases.
const ROWS: usize = 40;
/// The width of a stretch that is drawn short, and the most of the plot that such may take together.
const SHORT: f64 = 34.0;
const SHORTS: f64 = 0.45;
/// A wait that is no longer than this, in milliseconds, is drawn in full.
const WAIT: u64 = 10_000;
/// The most letters of a row's name.
const NAME: usize = 32;

/// Draws the time line of a run; nothing where no time has passed.
pub(super) fn picture(report: &Report) -> String {
    let (Some(from), Some(to)) = (report.timeline.from, report.timeline.to) else { return String::new() };
    if report.timeline.events.is_empty() || from >= to {
        return String::new();
    }
    let scale = Scale::new(&report.timeline.events, from, to);
    let rows = Rows::new(report);
    let mut lanes: Vec<&str> = Vec::new();
    let has = |kind| report.timeline.events.iter().any(|event| event.kind == kind);
    if report.window.as_ref().is_some_and(|window| window.from.is_some()) {
        lanes.push("window");
    }
    if has(EventKind::Exposure) {
        lanes.push("exposed");
    }
    if has(EventKind::Rollback) {
        lanes.push("rollback");
    }
    #[expect(clippy::cast_precision_loss, reason = "a few hundred rows at most")]
    let height = TOP + ROW * (lanes.len() + rows.names.len()) as f64 + 8.0;
    let mut art = Art { report, scale, rows, lanes, height, text: String::new() };
    art.open();
    art.times();
    art.pauses();
    art.names();
    art.window();
    report.timeline.events.iter().for_each(|event| art.event(event));
    art.window_end();
    art.text.push_str("</svg>");
    art.text
}

/// A piece of time with its place in the plot.
struct Piece {
    from: u64,
    to: u64,
    left: f64,
    right: f64,
    short: bool,
}

/// Where a time is in the plot.
struct Scale {
    start: Timestamp,
    pieces: Vec<Piece>,
}

impl Scale {
    /// Draws long waits short: those that are longer than twice all that was done.
    #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
    fn new(events: &[Event], from: Timestamp, to: Timestamp) -> Self {
        let whole = between(from, to);
        let idle = |event: &&Event| matches!(event.kind, EventKind::Waiting | EventKind::Paused);
        let idle = events.iter().filter(idle);
        let mut waits: Vec<(u64, u64)> = idle
            .map(|event| (between(from, event.from), between(from, event.to.unwrap_or(to))))
            .filter(|(from, to)| from < to)
            .collect();
        waits.sort_unstable();
        let waited: u64 = waits.iter().map(|(from, to)| to - from).sum();
        let limit = whole.saturating_sub(waited).saturating_mul(2).max(WAIT);
        waits.retain(|(from, to)| to - from > limit);
        // What is drawn short must not lie over another.
        let mut last = 0;
        waits.retain(|&(from, to)| {
            let apart = from >= last;
            last = last.max(to);
            apart
        });
        let short: u64 = waits.iter().map(|(from, to)| to - from).sum();
        let room = RIGHT - LEFT;
        let each = if waits.is_empty() { 0.0 } else { SHORT.min(room * SHORTS / waits.len() as f64) };
        let rest = room - each * waits.len() as f64;
        let long = whole.saturating_sub(short).max(1) as f64;
        let (mut at, mut x) = (0, LEFT);
        let mut pieces = Vec::new();
        let mut put = |from: u64, to: u64, width: f64, short: bool, x: &mut f64| {
            pieces.push(Piece { from, to, left: *x, right: *x + width, short });
            *x += width;
        };
        for (begin, end) in waits {
            if begin > at {
                put(at, begin, rest * ((begin - at) as f64 / long), false, &mut x);
            }
            put(begin, end, each, true, &mut x);
            at = end;
        }
        if whole > at {
            put(at, whole, rest * ((whole - at) as f64 / long), false, &mut x);
        }
        Self { start: from, pieces }
    }

    #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
    fn x(&self, at: Timestamp) -> f64 {
        let at = between(self.start, at);
        let Some(piece) = self.pieces.iter().find(|piece| at <= piece.to) else { return RIGHT };
        let part = at.saturating_sub(piece.from) as f64 / (piece.to - piece.from).max(1) as f64;
        piece.left + (piece.right - piece.left) * part
    }

    /// Returns the times to write above the plot: round ones, not too near to each other.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a place in a picture")]
    fn ticks(&self) -> Vec<(f64, Timestamp)> {
        let apart = 84.0;
        let widest = self.pieces.iter().filter(|piece| !piece.short);
        let Some(piece) = widest.max_by(|a, b| (a.right - a.left).total_cmp(&(b.right - b.left))) else {
            return Vec::new();
        };
        let wanted = (piece.to - piece.from) as f64 / (piece.right - piece.left).max(1.0) * apart;
        let round = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
        let step = round.into_iter().map(|seconds: i64| seconds * 1000).find(|step| *step as f64 >= wanted);
        let step = step.unwrap_or((wanted / 86_400_000.0).ceil() as i64 * 86_400_000).max(1000);
        let start = self.start.as_millisecond();
        let (mut ticks, mut last): (Vec<(f64, Timestamp)>, f64) = (Vec::new(), f64::MIN);
        for piece in self.pieces.iter().filter(|piece| !piece.short) {
            let begin = start.saturating_add_unsigned(piece.from);
            let end = start.saturating_add_unsigned(piece.to);
            let mut at = begin.div_euclid(step).saturating_mul(step);
            while at <= end {
                if at >= begin
                    && let Ok(time) = Timestamp::from_millisecond(at)
                {
                    let x = self.x(time);
                    if x - last >= apart * 0.8 && x <= RIGHT - 20.0 {
                        ticks.push((x, time));
                        last = x;
                    }
                }
                at = at.saturating_add(step);
            }
        }
        ticks
    }
}

/// The rows: their names, and the row of each step.
struct Rows {
    names: Vec<(String, String)>,
    of: BTreeMap<String, usize>,
    /// The starts that failed, by step.
    failed: BTreeSet<(String, Timestamp)>,
}

impl Rows {
    fn new(report: &Report) -> Self {
        let seen: BTreeSet<&str> = report.timeline.events.iter().filter_map(|event| event.step.as_deref()).collect();
        let steps = || report.sections.iter().flat_map(|section| &section.steps);
        let many = steps().filter(|step| seen.contains(step.id.as_str())).count() > ROWS;
        let mut rows = Self { names: Vec::new(), of: BTreeMap::new(), failed: BTreeSet::new() };
        for section in &report.sections {
            let shown: Vec<_> = section.steps.iter().filter(|step| seen.contains(step.id.as_str())).collect();
            if many && !shown.is_empty() {
                rows.names.push((String::new(), section.title.clone()));
            }
            for step in shown {
                if !many {
                    rows.names.push((glyph(step.state).to_owned(), format!("{} {}", step.number, step.title)));
                }
                rows.of.insert(step.id.clone(), rows.names.len() - 1);
                let failed = step.attempts.iter().filter(|attempt| attempt.outcome.as_ref().is_some_and(|how| !how.ok));
                rows.failed.extend(failed.map(|attempt| (step.id.clone(), attempt.started_at)));
            }
        }
        rows
    }
}

/// A picture as far as it is drawn.
struct Art<'a> {
    report: &'a Report,
    scale: Scale,
    rows: Rows,
    lanes: Vec<&'static str>,
    height: f64,
    text: String,
}

impl Art<'_> {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn open(&mut self) {
        let height = self.height;
        let totals = &self.report.totals;
        let told = format!(
            "{} in all: steps {}, verification {}, waiting for people {}, paused {}, exposed {}, rollback {}. The same as a \
             table: Timeline.",
            took(totals.whole_ms),
            took(totals.step_ms),
            took(totals.verification_ms),
            took(totals.waiting_ms),
            took(totals.paused_ms),
            took(totals.exposure_ms),
            took(totals.rollback_ms),
        );
        self.put(&format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"picture-title picture-told\">\
             <title id=\"picture-title\">The run on a time line</title><desc id=\"picture-told\">{}</desc>",
            escape(&told)
        ));
        self.put(
            "<defs>\
             <pattern id=\"p-verification\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
             <rect width=\"6\" height=\"6\" class=\"k-verification-back\"/><rect width=\"3\" height=\"6\" class=\"k-verification\"/></pattern>\
             <pattern id=\"p-paused\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">\
             <rect width=\"1.5\" height=\"8\" class=\"k-paused\"/></pattern>\
             <pattern id=\"p-rollback\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"5\" height=\"5\" class=\"k-rollback-back\"/><rect width=\"2.5\" height=\"5\" class=\"k-rollback\"/></pattern>\
             <pattern id=\"p-exposure\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"5\" height=\"5\" class=\"k-exposure-back\"/><rect width=\"5\" height=\"2.5\" class=\"k-exposure\"/></pattern>\
             </defs>",
        );
    }

    fn times(&mut self) {
        let bottom = self.height - 4.0;
        for (x, at) in self.scale.ticks() {
            let time = at.strftime("%H:%M:%S");
            self.put(&format!(
                "<line class=\"tick\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
                 <text class=\"time\" x=\"{x:.1}\" y=\"16\" text-anchor=\"middle\">{time}</text>"
            ));
        }
    }

    /// The stretches that are drawn short say how long they were.
    fn pauses(&mut self) {
        let height = self.height - TOP - 4.0;
        let shorts: Vec<(f64, f64, u64)> = self
            .scale
            .pieces
            .iter()
            .filter(|piece| piece.short)
            .map(|piece| (piece.left, piece.right - piece.left, piece.to - piece.from))
            .collect();
        for (x, width, ms) in shorts {
            let long = took(ms);
            let first = long.split(' ').next().unwrap_or_default().to_owned();
            let middle = x + width / 2.0;
            self.put(&format!(
                "<g><title>{long} in which nothing ran, drawn short</title>\
                 <rect class=\"short\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height:.1}\"/>\
                 <text class=\"time\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">≈{first}</text></g>",
                TOP + 11.0
            ));
        }
    }

    fn y(row: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred rows at most")]
        let row = row as f64;
        TOP + ROW * row
    }

    fn names(&mut self) {
        let lanes: Vec<(String, String)> = self.lanes.iter().map(|name| (String::new(), (*name).to_owned())).collect();
        let names: Vec<(String, String)> = lanes.into_iter().chain(self.rows.names.iter().cloned()).collect();
        for (row, (glyph, name)) in names.iter().enumerate() {
            let y = Self::y(row) + ROW * 0.7;
            let class = if row < self.lanes.len() { "lane" } else { "name" };
            let mut short: String = name.chars().take(NAME).collect();
            if short.len() < name.len() {
                short.push('…');
            }
            self.put(&format!(
                "<g><title>{}</title><text class=\"glyph\" x=\"4\" y=\"{y:.1}\">{glyph}</text>\
                 <text class=\"{class}\" x=\"20\" y=\"{y:.1}\">{}</text></g>",
                escape(name),
                escape(&short)
            ));
        }
    }

    fn bar(&mut self, row: usize, from: Timestamp, to: Timestamp, class: &str, says: &str) {
        let (left, right) = (self.scale.x(from), self.scale.x(to));
        let width = (right - left).max(2.5);
        let left = left.min(RIGHT - width);
        let y = Self::y(row) + (ROW - BAR) / 2.0;
        self.put(&format!(
            "<rect class=\"bar {class}\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"1.5\">\
             <title>{}</title></rect>",
            escape(says)
        ));
    }

    fn lane(&self, name: &str) -> Option<usize> {
        self.lanes.iter().position(|lane| *lane == name)
    }

    fn window(&mut self) {
        let Some(window) = self.report.window.clone() else { return };
        let (Some(from), Some(until), Some(row)) = (window.from, window.until, self.lane("window")) else { return };
        let long = lasts(window.planned_ms.saturating_add(window.extended_ms));
        let says = format!("window of {long}, until {}", until.strftime("%H:%M:%S"));
        self.bar(row, from, until, "window", &says);
    }

    /// A line through everything where the window ends.
    fn window_end(&mut self) {
        let Some(until) = self.report.window.as_ref().and_then(|window| window.until) else { return };
        if self.report.timeline.to.is_none_or(|to| until > to) {
            return;
        }
        let x = self.scale.x(until);
        let (bottom, y) = (self.height - 4.0, TOP + ROW * 0.7);
        let (anchor, text) = if x > f64::midpoint(LEFT, RIGHT) { ("end", x - 4.0) } else { ("start", x + 4.0) };
        self.put(&format!(
            "<line class=\"end\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
             <text class=\"end\" x=\"{text:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">window ends {}</text>",
            until.strftime("%H:%M:%S")
        ));
    }

    fn event(&mut self, event: &Event) {
        let to = event.to.or(self.report.timeline.to).unwrap_or(event.from);
        let long = took(between(event.from, to));
        let at = event.from.strftime("%H:%M:%S");
        let step = event.step.as_deref().unwrap_or_default();
        let says = format!("{at}, {long}: {step} {}", event.what);
        let row = event.step.as_deref().and_then(|step| self.rows.of.get(step)).map(|row| row + self.lanes.len());
        match (event.kind, row) {
            (EventKind::Exposure, _) => {
                if let Some(row) = self.lane("exposed") {
                    self.bar(row, event.from, to, "exposure", &says);
                }
            }
            (EventKind::Rollback, _) => {
                if let Some(row) = self.lane("rollback") {
                    self.bar(row, event.from, to, "rollback", &says);
                }
            }
            (EventKind::Paused, _) => {
                let (left, right) = (self.scale.x(event.from), self.scale.x(to));
                let (width, height) = ((right - left).max(1.0), self.height - TOP - 4.0);
                let mut rect = String::new();
                // Writing to a `String` cannot fail.
                let _ = write!(
                    rect,
                    "<rect class=\"paused\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height:.1}\">\
                     <title>{}</title></rect>",
                    escape(&says)
                );
                self.put(&rect);
            }
            (EventKind::Step | EventKind::Verification | EventKind::Waiting, Some(row)) => {
                let failed = self.rows.failed.contains(&(step.to_owned(), event.from)) && event.undo.is_none();
                let class = match event.kind {
                    EventKind::Verification => "verification",
                    EventKind::Waiting => "waiting",
                    _ if event.undo.is_some() => "undo", // a step: the others are seen to above
                    _ if failed => "failed",
                    _ => "step",
                };
                self.bar(row, event.from, to, class, &says);
            }
            // Somebody is waited for about nothing in particular: there is no row for that.
            (EventKind::Step | EventKind::Verification | EventKind::Waiting, None) => {}
        }
    }
}
