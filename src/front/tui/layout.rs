//! The whole screen of a run: header, steps, step, output, probes, question, footer, and a panel over them.
//!
//! Every size has an answer: wide shows steps and step side by side, narrow gives the steps less room, and where
//! nothing fits any more it says what is needed and still shows the state. Drawing changes nothing.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph};

use super::keymap::{Action, binding, shown_key};
use super::panel::Panel;
use super::state::{Pane, Walk};
use super::text::{cells, columns, fit};
use super::theme::Theme;
use super::{
    aside, attend, clocks, copy, finish, handover, help, notes, output, palette, probes, question, quiz, rollback,
    search, step, steps,
};
use crate::engine::Awaiting;

/// The least columns and rows that the whole screen needs.
const LEAST: (u16, u16) = (80, 24);

/// Draws everything.
pub(super) fn draw(walk: &Walk, frame: &mut Frame<'_>, now: Timestamp) {
    let area = frame.area();
    if let Some(picture) = walk.attended().filter(|_| walk.shows_programs) {
        header(walk, frame, row(area, 0), now);
        attend::draw(walk, picture, frame, Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area });
        return attend::footer(walk, picture, frame, row(area, area.height.saturating_sub(1)));
    }
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return too_small(walk, frame, now);
    }
    header(walk, frame, row(area, 0), now);
    footer(walk, frame, row(area, area.height - 1));
    let wanted = question::rows(walk, now, area.width - 2).clamp(1, area.height / 2);
    let asked = Rect { y: area.height - 2 - wanted, height: wanted + 1, ..area };
    let body = Rect { y: 1, height: area.height - 3 - wanted, ..area };
    let title = match (walk.watching(), walk.here()) {
        (true, _) => " now, watching ",
        (false, true) => " now ",
        (false, false) => " now, at another step ",
    };
    let block = Block::new().borders(Borders::TOP).border_set(walk.theme.border_set());
    let block = block.border_style(walk.theme.border(true)).title(walk.theme.titled(title));
    let block = clocks::edge(walk, now).into_iter().fold(block, Block::title_top);
    let inner = block.inner(asked);
    frame.render_widget(block, asked);
    question::draw(walk, frame, Rect { x: inner.x + 1, width: inner.width - 2, ..inner }, now);
    if walk.finishing() {
        let inner = boxed(walk, frame, body, " the run ", false);
        finish::draw(walk, frame, inner);
    } else {
        parts(walk, frame, body);
    }
    if let Some(panel) = &walk.panel {
        over(walk, panel, frame, Rect { y: 1, height: area.height - 2, ..area });
    }
}

fn row(area: Rect, y: u16) -> Rect {
    Rect { y: area.y + y, height: 1, ..area }
}

/// Draws a border and returns what is inside.
pub(super) fn boxed(walk: &Walk, frame: &mut Frame<'_>, area: Rect, title: &str, focused: bool) -> Rect {
    framed(walk.theme, frame, area, title, focused)
}

/// Draws a border and returns what is inside.
pub(super) fn framed(theme: Theme, frame: &mut Frame<'_>, area: Rect, title: &str, focused: bool) -> Rect {
    let block = Block::bordered().border_set(theme.border_set()).border_style(theme.border(focused));
    let title = theme.titled(title);
    let block = block.title(fit(&title, usize::from(area.width.saturating_sub(2)), theme));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    Rect { x: inner.x.saturating_add(1).min(area.right()), width: inner.width.saturating_sub(2), ..inner }
}

fn parts(walk: &Walk, frame: &mut Frame<'_>, body: Rect) {
    let left = if walk.zoom { 0 } else { (body.width * 2 / 5).clamp(32, 60) };
    let left = if walk.zoom && walk.pane == Pane::Steps { body.width } else { left };
    if left > 0 {
        let done = walk.run.steps.iter().filter(|step| step.finished()).count();
        let title = format!(" steps: {done} of {} ", walk.plan.steps.len());
        let inner = boxed(walk, frame, Rect { width: left, ..body }, &title, walk.pane == Pane::Steps);
        steps::draw(walk, frame, inner);
    }
    let right = Rect { x: body.x + left, width: body.width - left, ..body };
    if right.width == 0 {
        return;
    }
    let has_output = output::any(walk);
    if walk.zoom && walk.pane == Pane::Output && has_output {
        let inner = boxed(walk, frame, right, &output::title(walk), true);
        return output::draw(walk, frame, inner);
    }
    let asked = probes::rows(walk);
    let asked = if asked == 0 { 0 } else { (asked + 2).min(right.height / 3).max(4) };
    let rest = right.height - asked.min(right.height);
    // What the step is comes first, but output that comes is what the eye wants: it gets a half at least.
    let told = step::rows(walk, right.width.saturating_sub(4)).saturating_add(2);
    let told = if has_output { told.min(rest / 2).max(4.min(rest)) } else { rest };
    let title = walk
        .shown()
        .map_or_else(String::new, |(at, step)| format!(" {}/{} {} ", at + 1, walk.plan.steps.len(), step.id));
    let inner = boxed(walk, frame, Rect { height: told, ..right }, &title, walk.pane == Pane::Step);
    step::draw(walk, frame, inner);
    let below = Rect { y: right.y + told, height: rest - told, ..right };
    if has_output && below.height > 0 {
        let inner = boxed(walk, frame, below, &output::title(walk), walk.pane == Pane::Output);
        output::draw(walk, frame, inner);
    }
    if asked > 0 {
        let area = Rect { y: right.y + rest, height: asked.min(right.height), ..right };
        let inner = boxed(walk, frame, area, " checks ", false);
        probes::draw(walk, frame, inner);
    }
}

fn header(walk: &Walk, frame: &mut Frame<'_>, area: Rect, now: Timestamp) {
    let theme = walk.theme;
    let mut right: Vec<Span<'_>> = clocks::header(walk, now);
    if let Some(begun) = &walk.run.begun {
        let tail = begun.run.len().saturating_sub(6);
        let id = begun.run.get(tail..).unwrap_or(&begun.run);
        right.push(Span::styled(format!("{}  {id} ", fit(&begun.operator, 16, theme)), theme.quiet()));
    }
    let mut left = vec![Span::raw(" ")];
    if let Some(mark) = theme.mark() {
        left.extend([Span::styled(format!(" {mark} "), theme.badge()), Span::raw(" ")]);
    }
    if let Some(badge) = walk.seat_badge() {
        left.extend([badge, Span::raw(" ")]);
    }
    if let Some(begun) = walk.run.begun.as_ref().filter(|begun| begun.protected) {
        let word = crate::engine::protected_word(&walk.plan, |name| begun.values.get(name).map(String::as_str));
        left.push(Span::styled(format!(" {} ", word.unwrap_or("protected").to_uppercase()), theme.badge()));
        left.push(Span::raw(" "));
    }
    let used: usize = left.iter().chain(&right).map(|span| columns(&span.content)).sum();
    let room = usize::from(area.width).saturating_sub(used + 1);
    let title = fit(&walk.plan.title, room, theme);
    let gap = room.saturating_sub(columns(&title)) + 1;
    left.push(Span::styled(title, theme.heading()));
    left.push(Span::raw(" ".repeat(gap)));
    left.extend(right);
    frame.render_widget(Paragraph::new(Line::from(left)), area);
}

/// Says whether a clock is on the screen that goes on by itself.
pub(super) fn ticks(walk: &Walk) -> bool {
    walk.run.busy.is_some() || clocks::tick(walk)
}

fn footer(walk: &Walk, frame: &mut Frame<'_>, area: Rect) {
    let line = keys(&walk.offers(), walk.typing(), |action| label(walk, action), usize::from(area.width), walk.theme);
    frame.render_widget(Paragraph::new(line), area);
}

/// Says what a key does here, where the table's word is too general.
fn label(walk: &Walk, action: Action) -> &'static str {
    match (action, &walk.panel, &walk.awaiting) {
        (Action::Agree, Some(Panel::Leave), _) => "leave",
        (Action::Agree, Some(Panel::TakeOver { .. }), _) => "take over",
        (Action::Agree, Some(Panel::CopySecret(_)), _) => "copy it",
        (Action::Choose, Some(Panel::Copy { .. }), _) => "copy",
        (Action::Choose, Some(Panel::Quiz(_)), _) => "answer",
        (Action::Start, None, Awaiting::Quiz(_)) => "show the question",
        (Action::Choose, Some(Panel::Call(_)), _) => "call",
        (Action::Leave, None, _) if walk.watching() => "stop watching",
        (Action::Agree, Some(Panel::Rollback { .. }), _) => "begin this rollback",
        (Action::Agree, Some(Panel::Confirm(_)), _) => "yes, start it",
        (Action::Accept, Some(Panel::Ask(_)), _) => "write it down",
        (Action::Agree, None, Awaiting::Undo(_)) => "carry it out",
        (Action::Agree, None, Awaiting::Person(_)) => "it holds",
        (Action::Accept, None, Awaiting::Person(_)) if walk.form.as_ref().is_some_and(|f| !f.fields.is_empty()) => {
            "hand in"
        }
        (Action::Accept, None, Awaiting::Evidence(..)) => "hand in",
        (action, _, _) => binding(action).label,
    }
}

/// Sets the keys of a footer, as many as there is room for.
pub(super) fn keys(
    offers: &[Action],
    typing: bool,
    label: impl Fn(Action) -> &'static str,
    width: usize,
    theme: Theme,
) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for &action in offers {
        let Some(key) = shown_key(binding(action), typing) else { continue };
        // Keys that go to and fro stand together.
        let (key, label) = match action {
            Action::Up => ("Up/Down".to_owned(), "move"),
            Action::PageUp => ("PgUp/PgDn".to_owned(), "scroll"),
            Action::First => ("Home/End".to_owned(), "ends"),
            Action::Down | Action::PageDown | Action::Last => continue,
            action => (key, label(action)),
        };
        let wide = columns(&key) + columns(label) + 3;
        if used + wide > width {
            break;
        }
        used += wide;
        spans.push(Span::styled(key, theme.key()));
        spans.push(Span::raw(format!(" {label}  ")));
    }
    Line::from(spans)
}

fn over(walk: &Walk, panel: &Panel, frame: &mut Frame<'_>, area: Rect) {
    let width = area.width.saturating_sub(4).min(96);
    let centred = |height: u16| {
        let height = height.min(area.height);
        Rect { x: (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
    };
    let inside = usize::from(width.saturating_sub(4));
    let (place, title) = match panel {
        Panel::Help(_) => (centred(area.height), " keys "),
        Panel::Search(_) => (Rect { y: area.y, ..centred(4) }, " search the output "),
        Panel::Palette(_) => (centred(area.height.min(20)), " all actions "),
        Panel::Ask(ask) => (centred(cells(notes::rows(walk, ask, inside)) + 2), notes::title(&ask.purpose)),
        Panel::Confirm(_) => (centred(cells(notes::confirm(walk, panel, inside).len()) + 2), " before it starts "),
        Panel::Rollback { .. } => (centred(area.height), " rollback "),
        Panel::Copy { found, .. } => (centred(cells(found.len()).saturating_add(2).min(area.height)), " copy "),
        Panel::Quiz(at) => (centred(cells(quiz::lines(walk, *at, inside).len()) + 2), " a question first "),
        Panel::Call(_) => {
            (centred(cells(walk.plan.contacts.len()).saturating_add(2).min(area.height)), " call somebody ")
        }
        Panel::CopySecret(name) => (centred(cells(copy::secret(walk, name, inside).len()) + 2), " copy a secret? "),
        Panel::Leave => (centred(cells(notes::leave(walk, inside).len()) + 2), " leave? "),
        Panel::TakeOver { .. } => (centred(area.height), " take over? "),
        Panel::Page { title, .. } => (centred(area.height), title.as_str()),
        Panel::Notice { .. } => (centred(area.height), " please read "),
    };
    frame.render_widget(Clear, place);
    let inner = boxed(walk, frame, place, title, true);
    match panel {
        Panel::Help(down) => help::draw(walk.theme, frame, inner, *down),
        Panel::Search(search) => search::draw(walk, search, frame, inner),
        Panel::Palette(list) => palette::draw(walk, list, frame, inner),
        Panel::Ask(ask) => notes::draw(walk, ask, frame, inner),
        Panel::Confirm(_) => frame.render_widget(Paragraph::new(notes::confirm(walk, panel, inside)), inner),
        Panel::Rollback { choice, down } => rollback::draw(walk, *choice, *down, frame, inner),
        Panel::Copy { found, at } => copy::draw(walk, found, *at, frame, inner),
        Panel::Quiz(at) => quiz::draw(walk, *at, frame, inner),
        Panel::Call(at) => aside::draw(walk, *at, frame, inner),
        Panel::CopySecret(name) => frame.render_widget(Paragraph::new(copy::secret(walk, name, inside)), inner),
        Panel::TakeOver { down } => handover::draw(walk, *down, frame, inner),
        Panel::Leave => frame.render_widget(Paragraph::new(notes::leave(walk, inside)), inner),
        Panel::Page { text, down, .. } => notes::page(walk, text, *down, frame, inner),
        Panel::Notice { text, down } => notes::notice(walk, text, *down, frame, inner),
    }
}

/// Says what is needed, and where the run stands, in however little room there is.
fn too_small(walk: &Walk, frame: &mut Frame<'_>, now: Timestamp) {
    let area = frame.area();
    let width = usize::from(area.width);
    let mark = walk.theme.mark().map(|mark| (mark.to_owned(), walk.theme.badge()));
    let mut lines: Vec<(String, Style)> = mark.into_iter().collect();
    lines.extend([
        (format!("Please make the window larger: {} by {} at least.", LEAST.0, LEAST.1), walk.theme.care()),
        (format!("It is {} by {} now. The run goes on; nothing is lost.", area.width, area.height), Style::new()),
    ]);
    if walk.watching() {
        lines.push((walk.seat_line(), walk.theme.care()));
    }
    if let Some((at, step)) = walk.shown() {
        let mark = steps::mark(walk, at);
        let text =
            format!("{} {}: {}/{} {}", mark.glyph, mark.word, at + 1, walk.plan.steps.len(), walk.fill(&step.title));
        lines.push((text, mark.style));
    }
    if let Some(busy) = &walk.run.busy {
        lines.push((format!("for {}s", now.duration_since(busy.since).as_secs()), walk.theme.busy()));
    }
    let lines: Vec<Line<'_>> = lines
        .into_iter()
        .flat_map(|(text, style)| {
            super::text::wrap(&text, width).into_iter().map(move |line| Line::styled(line, style))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}
