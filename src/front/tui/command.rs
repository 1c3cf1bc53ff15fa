//! Facts in lines: the label in the margin, the text beside it, a command to the letter.
//!
//! What the facts are is said in [`describe`], for every front alike; here is only how they look on a screen.

use ratatui::text::{Line, Span};

use super::state::Walk;
use super::text::{tame, wrap};
use crate::playbook::plan::{Act, Action};
use crate::words::describe::{self, Fact};

/// Sets a named part: the name in the margin, the text beside it.
pub(super) fn part(walk: &Walk, name: &str, text: &str, columns: usize) -> Vec<Line<'static>> {
    let indent = 9;
    let lines = wrap(text, columns.saturating_sub(indent));
    let lines = lines.into_iter().enumerate().map(|(at, line)| {
        let label = if at == 0 { format!("{name:<indent$}") } else { " ".repeat(indent) };
        Line::from(vec![Span::styled(label, walk.theme.label()), Span::raw(line)])
    });
    lines.collect()
}

/// Sets facts, one below the other.
pub(super) fn facts(walk: &Walk, facts: &[Fact], columns: usize) -> Vec<Line<'static>> {
    let set = |fact: &Fact| {
        if fact.code { code(walk, &fact.text, columns) } else { part(walk, fact.label, &fact.text, columns) }
    };
    facts.iter().flat_map(set).collect()
}

/// Lists what an action does. The instructions of a person are set by whoever shows the step, with their ticks.
pub(super) fn doing(walk: &Walk, action: &Action) -> Vec<Fact> {
    match &action.act {
        Act::Person(person) if person.approval.is_none() => Vec::new(),
        Act::Person(_)
        | Act::Run(_)
        | Act::Generate(_)
        | Act::Edit(_)
        | Act::Snapshot(_)
        | Act::Verify
        | Act::Wait(_) => describe::doing(action, &walk.run),
    }
}

/// Sets what an action does.
pub(super) fn act(walk: &Walk, action: &Action, columns: usize) -> Vec<Line<'static>> {
    facts(walk, &doing(walk, action), columns)
}

/// Sets a command.
fn code(walk: &Walk, text: &str, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for (piece, text) in wrap(&tame(line), columns.saturating_sub(2)).into_iter().enumerate() {
            let sign = if at == 0 && piece == 0 { "$ " } else { "  " };
            lines.push(Line::from(vec![Span::styled(sign, walk.theme.label()), Span::styled(text, walk.theme.code())]));
        }
    }
    lines
}
