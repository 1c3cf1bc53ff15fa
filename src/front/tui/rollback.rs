//! What a rollback would do, before it begins: how far, which steps, how each is undone, and how long it should take.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::state::Walk;
use super::text::{count, duration, fit, wrap};
use crate::engine::{Stage, StepState, undo};
use crate::words::describe;

/// Draws the choice of how far, and the plan for the marked one.
pub(super) fn draw(walk: &Walk, choice: usize, down: usize, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let lines = if walk.run.stage == Stage::RollingBack && walk.run.undoing().is_some() {
        going_on(walk, width)
    } else {
        planned(walk, choice, width)
    };
    let most = lines.len().saturating_sub(usize::from(area.height));
    let seen: Vec<Line<'_>> = lines.into_iter().skip(down.min(most)).collect();
    frame.render_widget(Paragraph::new(seen), area);
}

fn planned(walk: &Walk, choice: usize, width: usize) -> Vec<Line<'static>> {
    let theme = walk.theme;
    let choices = walk.rollback_choices();
    let mut lines = vec![Line::styled("How far? Up and Down choose.", theme.heading())];
    let top = choice.saturating_sub(3).min(choices.len().saturating_sub(6));
    for (at, to) in choices.iter().enumerate().skip(top).take(6) {
        let name = match to {
            None => "everything".to_owned(),
            Some(step) => format!("back to before: {}", walk.name(step)),
        };
        let sign = if at == choice { theme.pointer() } else { " " };
        let line = Line::raw(fit(&format!("{sign} {name}"), width, theme));
        lines.push(if at == choice { line.style(theme.selected()) } else { line });
    }
    lines.push(Line::default());
    let to = choices.into_iter().nth(choice).flatten();
    let plan = undo::plan(&walk.plan, &walk.run, to.as_ref());
    let sum: Duration = plan.iter().filter_map(|step| step.estimate).sum();
    let known = plan.iter().filter(|step| step.estimate.is_some()).count();
    let doing = plan.iter().filter(|step| !step.actions.is_empty()).count();
    let time = match (known, doing) {
        (0, _) => "no estimate".to_owned(),
        (known, doing) if known < doing => {
            format!("about {}, {} without an estimate", duration(sum), count(doing - known, "step"))
        }
        (_, _) => format!("about {}", duration(sum)),
    };
    let text = format!("What will be done, newest first: {}, {time}.", count(doing, "step"));
    lines.push(Line::styled(fit(&text, width, theme), theme.heading()));
    for step in &plan {
        let (word, style) = match step.sort {
            undo::UndoSort::Automatic => ("automatic", theme.good()),
            undo::UndoSort::ByHand => ("by hand", theme.care()),
            undo::UndoSort::Forward => ("irreversible", theme.care()),
            undo::UndoSort::Stuck => ("irreversible", theme.bad()),
            undo::UndoSort::Nothing => ("no change", theme.quiet()),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{word:<14}"), style),
            Span::raw(fit(&walk.name(&step.step), width.saturating_sub(14), theme)),
        ]));
        let Some(spec) = walk.plan.step(&step.step).filter(|_| step.sort != undo::UndoSort::Nothing) else { continue };
        let mut how = describe::undone(spec, &walk.run);
        if step.sort == undo::UndoSort::Stuck
            && let Some(reason) = &spec.irreversible
        {
            how = format!("it stays as it is: {}", walk.fill(reason));
        }
        let pieces = wrap(&how, width.saturating_sub(16));
        lines.extend(
            pieces.into_iter().take(4).map(|piece| Line::styled(format!("{}{piece}", " ".repeat(16)), theme.quiet())),
        );
    }
    lines.push(Line::default());
    let rule = if walk.run.busy.is_some() {
        "Something runs; it must end or be stopped first."
    } else {
        "Each action is shown and asks for its own y before it is carried out."
    };
    lines.push(Line::styled(fit(rule, width, theme), theme.care()));
    lines
}

/// Shows how far the rollback has come.
fn going_on(walk: &Walk, width: usize) -> Vec<Line<'static>> {
    let Some(rollback) = &walk.run.rollback else { return Vec::new() };
    let mut lines = vec![Line::styled("The rollback goes on:", walk.theme.heading())];
    for (at, target) in rollback.actions.iter().enumerate() {
        let state = walk.run.undo(&walk.plan, target).map_or(StepState::Pending, |undo| undo.state);
        let mark = if at == rollback.at && state == StepState::Pending {
            walk.theme.active()
        } else {
            walk.theme.state(state)
        };
        let number = target.undo.unwrap_or(1);
        lines.push(Line::from(vec![
            Span::styled(format!("{} {:<16}", mark.glyph, mark.word), mark.style),
            Span::raw(fit(
                &format!("{}, action {number}", walk.name(&target.step)),
                width.saturating_sub(18),
                walk.theme,
            )),
        ]));
    }
    for step in &rollback.stuck {
        lines.push(Line::styled(
            fit(&format!("stays as it is: {}", walk.name(step)), width, walk.theme),
            walk.theme.bad(),
        ));
    }
    lines
}
