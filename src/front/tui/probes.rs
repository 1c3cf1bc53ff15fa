//! The probes of the step that is looked at, with each attempt while they are asked and their verdicts after.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::state::Walk;
use super::text::{cells, count, fit};
use crate::engine::{Finding, Target, Verdict};
use crate::words;

/// Returns how many rows the probes want: none before anything was asked.
pub(super) fn rows(walk: &Walk) -> u16 {
    let Some(target) = walk.shown_target() else { return 0 };
    let asked = walk.attempts.contains_key(&target) || !verdicts(walk, &target).is_empty() || asking(walk, &target);
    let probes = walk.action(&target).map_or(0, |action| action.verify.len());
    if asked { cells(probes * 2) } else { 0 }
}

fn asking(walk: &Walk, target: &Target) -> bool {
    walk.run.busy.as_ref().is_some_and(|busy| busy.probing && busy.target == *target)
}

fn verdicts<'w>(walk: &'w Walk, target: &Target) -> &'w [Verdict] {
    let verdicts = match target.undo {
        None => walk.run.step(&walk.plan, &target.step).map(|step| step.verdicts.as_slice()),
        Some(_) => walk.run.undo(&walk.plan, target).map(|undo| undo.verdicts.as_slice()),
    };
    verdicts.unwrap_or_default()
}

/// Draws a line for each probe, and one for what it saw last.
pub(super) fn draw(walk: &Walk, frame: &mut Frame<'_>, area: Rect) {
    let Some(target) = walk.shown_target() else { return };
    let Some(action) = walk.action(&target) else { return };
    let live = asking(walk, &target);
    let width = usize::from(area.width);
    let mut lines = Vec::new();
    for (at, spec) in action.verify.iter().enumerate() {
        let attempts = walk.attempts.get(&target).and_then(|probes| probes.get(at)).and_then(|probe| probe.last());
        let verdict = verdicts(walk, &target).get(at).filter(|_| !live);
        let (mark, tries, saw, title) = match (verdict, attempts) {
            (Some(verdict), _) => {
                let took = words::took(verdict.took_ms);
                let tries = format!("{} in {took}", count(verdict.attempts as usize, "attempt"));
                let mark = walk.theme.finding(verdict.finding, verdict.pass, verdict.warn);
                (Some(mark), tries, verdict.saw.clone(), verdict.title.clone())
            }
            (None, Some(last)) => {
                let mark = walk.theme.finding(last.finding, last.pass, spec.warn);
                (Some(mark), format!("attempt {}", last.number), last.saw.clone(), words::probe(spec, &walk.run))
            }
            (None, None) => (None, String::new(), String::new(), words::probe(spec, &walk.run)),
        };
        let (glyph, word, style) = match mark {
            Some(mark) => (mark.glyph, mark.word, mark.style),
            None if live => (walk.theme.dot(), "asking", walk.theme.busy()),
            None => (walk.theme.dot(), "not asked", walk.theme.quiet()),
        };
        let right = if tries.is_empty() { word.to_owned() } else { format!("{word}, {tries}") };
        let room = width.saturating_sub(right.len() + 4).max(width / 3);
        lines.push(Line::from(vec![
            Span::styled(format!("{glyph} "), style),
            Span::raw(fit(&title, room, walk.theme)),
            Span::raw("  "),
            Span::styled(fit(&right, width.saturating_sub(4), walk.theme), style),
        ]));
        let passed =
            mark.is_some() && attempts.map_or(verdict.is_some_and(|v| v.pass), |last| last.finding == Finding::Holds);
        let style = if passed { walk.theme.quiet() } else { ratatui::style::Style::new() };
        lines.push(Line::styled(fit(&format!("  {saw}"), width, walk.theme), style));
    }
    // Where there is no room for all, what failed is what counts: the last lines would hide it, so empty ones go first.
    if lines.len() > usize::from(area.height) {
        lines.retain(|line| line.width() > 2);
    }
    frame.render_widget(Paragraph::new(lines), area);
}
