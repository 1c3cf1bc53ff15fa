//! The end of a run: what was done, what departed from the playbook, what is left to do, and where the record is.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::state::Walk;
use super::text::{count, duration, wrap};
use crate::engine::{End, StepState};
use crate::words;

/// Draws the summary.
pub(super) fn draw(walk: &Walk, frame: &mut Frame<'_>, area: Rect) {
    let lines = text(walk, usize::from(area.width));
    let most = lines.len().saturating_sub(usize::from(area.height));
    let seen: Vec<Line<'_>> = lines.into_iter().skip(walk.down.min(most)).collect();
    frame.render_widget(Paragraph::new(seen), area);
}

fn text(walk: &Walk, width: usize) -> Vec<Line<'static>> {
    let theme = walk.theme;
    let mut lines: Vec<Line<'static>> = Vec::new();
    let (title, style) = match walk.run.ended {
        None => ("Everything is walked.", theme.heading()),
        Some((End::Completed, _)) => ("Completed.", theme.good()),
        Some((End::RolledBack, _)) => ("Rolled back: everything was undone.", theme.label()),
        Some((End::Abandoned, _)) => ("Abandoned: nothing more is done, and what was changed stays.", theme.bad()),
    };
    lines.push(Line::styled(title, style));
    lines.push(Line::raw(counts(walk)));
    if let (Some(from), Some((_, to))) = (walk.run.began_at, walk.run.ended) {
        let took = u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0);
        lines.push(Line::raw(format!("It took {}.", duration(std::time::Duration::from_secs(took)))));
    }
    let section = |lines: &mut Vec<Line<'static>>, name: &'static str, items: Vec<String>| {
        if items.is_empty() {
            return;
        }
        lines.push(Line::default());
        lines.push(Line::styled(name, theme.heading()));
        for item in items {
            let pieces = wrap(&item, width.saturating_sub(4)).into_iter().enumerate();
            lines.extend(pieces.map(|(at, piece)| {
                Line::raw(if at == 0 { format!("  {} {piece}", theme.dot()) } else { format!("    {piece}") })
            }));
        }
    };
    section(&mut lines, "Not as written", walk.run.deviations.iter().map(words::deviation).collect());
    let left = walk.run.left_behind.iter().map(|(file, why)| format!("{file}: {why}")).collect();
    section(&mut lines, "Files with secrets that could not be removed", left);
    let signed = walk.run.signed.iter().map(|by| {
        let how = if by.signature.is_some() { "with a key" } else { "as typed" };
        format!("{}: {}, {how}", by.role, by.name)
    });
    let refused = walk.run.refused.iter().map(|(role, name, why)| format!("{role}: {name} refused: {why}"));
    section(&mut lines, "Signed", signed.chain(refused).collect());
    let follow = walk.plan.follow_up.iter().map(|item| words::follow_up(item, &walk.run));
    section(&mut lines, "Still to do", follow.collect());
    lines.push(Line::default());
    lines.push(Line::styled("The record", theme.heading()));
    lines.extend(
        wrap(&walk.record, width.saturating_sub(2))
            .into_iter()
            .map(|line| Line::styled(format!("  {line}"), theme.code())),
    );
    if let Some(begun) = &walk.run.begun {
        lines.push(Line::styled(format!("  runsheet report {} prints it", begun.run), theme.quiet()));
    }
    lines
}

fn counts(walk: &Walk) -> String {
    let states = [
        StepState::Done,
        StepState::Warned,
        StepState::Failed,
        StepState::Skipped,
        StepState::RolledBack,
        StepState::RollbackFailed,
        StepState::Unknown,
        StepState::Pending,
        StepState::LeftOut,
    ];
    let counted = states.into_iter().filter_map(|state| {
        let number = walk.run.steps.iter().filter(|step| step.state == state).count();
        (number > 0).then(|| format!("{number} {}", walk.theme.state(state).word))
    });
    format!("{}: {}.", count(walk.run.steps.len(), "step"), counted.collect::<Vec<_>>().join(", "))
}
