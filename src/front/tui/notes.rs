//! The small dialogs: notes, reasons, the yes before a step that wants one, and leaving.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::command::act;
use super::panel::{Ask, Panel, Purpose};
use super::state::Walk;
use super::text::{cells, markdown, wrap};
use super::theme::Theme;
use crate::engine::undo;
use crate::front::extending;
use crate::words;

/// Names a dialog that wants a line of text.
pub(super) fn title(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Anyway(_) => " go on anyway ",
        Purpose::ByHand(_) => " done by hand ",
        Purpose::Skip(_) => " skip ",
        Purpose::NoEvidence { .. } => " no evidence ",
        Purpose::Overrun(_) => " the window is over ",
        Purpose::Extend => " extend the window ",
        Purpose::Note(_) => " notes ",
        Purpose::Abandon => " abandon the run ",
        Purpose::Refuse { .. } => " refuse to sign ",
    }
}

/// Counts the rows of a dialog that wants a line of text.
pub(super) fn rows(walk: &Walk, ask: &Ask, columns: usize) -> usize {
    told(walk, ask, columns).len() + 2
}

/// Draws a dialog that wants a line of text.
pub(super) fn draw(walk: &Walk, ask: &Ask, frame: &mut Frame<'_>, area: Rect) {
    let lines = told(walk, ask, usize::from(area.width));
    let room = usize::from(area.height).saturating_sub(2);
    // Where there are more notes than room, the latest ones are seen.
    let lines: Vec<Line<'_>> = lines.iter().skip(lines.len().saturating_sub(room)).cloned().collect();
    let text = cells(lines.len());
    frame.render_widget(Paragraph::new(lines), Rect { height: text.min(area.height), ..area });
    let rest = Rect { y: area.y + text.min(area.height), height: area.height.saturating_sub(text), ..area };
    ask.form.draw(frame, Rect { height: rest.height.min(1), ..rest }, walk.theme);
    if let Some(wrong) = &ask.wrong
        && rest.height > 1
    {
        let line = Line::styled(wrong.clone(), walk.theme.bad());
        frame.render_widget(Paragraph::new(line), Rect { y: rest.y + 1, height: 1, ..rest });
    }
}

fn told(walk: &Walk, ask: &Ask, columns: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut say = |text: &str| lines.extend(wrap(text, columns).into_iter().map(Line::from));
    match &ask.purpose {
        Purpose::Anyway(step) => {
            let name = walk.name(step);
            say(&format!("\"{name}\" starts and cannot be undone, though these would be refused later:"));
            for foreseen in walk.run.step(&walk.plan, step).iter().flat_map(|step| &step.ahead) {
                say(&format!("  {} {}: {}", walk.theme.dot(), foreseen.step, foreseen.why));
            }
            say("The record will say so. What they would have done is yours to do by hand.");
        }
        Purpose::ByHand(target) => {
            let name = walk.name(&target.step);
            say(&format!("You did \"{name}\" yourself. The record will say so, and its checks are not asked."));
            say("Use this only where the program cannot do it.");
        }
        Purpose::Skip(target) => {
            say(&format!("\"{}\" will not be done. The record will say so.", walk.name(&target.step)));
            if ask.free {
                say("It is optional: the reason may stay empty.");
            }
        }
        Purpose::NoEvidence { step, item } => {
            let spec = walk.wanted_evidence(step, *item);
            let title = spec.map(|spec| walk.fill(&spec.title)).unwrap_or_default();
            say(&format!("\"{title}\" will not be given. The record will say so."));
            if ask.free {
                say("It is optional: the reason may stay empty.");
            }
        }
        Purpose::Overrun(step) => {
            let clocks = walk.run.clocks(&walk.plan, walk.now);
            if let Some(window) = &clocks.window {
                say(&format!("The window: {}.", words::clocks::window(window)));
            }
            say(&format!(
                "Before \"{}\" starts, say why the run goes on all the same. It goes on record.",
                walk.name(step)
            ));
            say("To make the window longer instead: Esc, then E. To go back: Esc, then b.");
        }
        Purpose::Extend => {
            let clocks = walk.run.clocks(&walk.plan, walk.now);
            for (label, text) in words::clocks::facts(&clocks, walk.now) {
                say(&format!("{label}: {text}"));
            }
            say(&format!("{} It goes on record.", extending::WORDING));
        }
        Purpose::Note(step) => {
            for note in &walk.run.notes {
                let time = note.at.strftime("%H:%M:%SZ").to_string();
                let about = note.step.as_ref().map(|step| format!(" ({step})")).unwrap_or_default();
                say(&format!("{time}{about}  {}", note.text));
            }
            match step {
                Some(step) => say(&format!("A note on {step}, for the record:")),
                None => say("A note for the record:"),
            }
        }
        Purpose::Abandon => {
            say("The run will be closed for good and its secrets deleted. Nothing is undone. What stays changed:");
            let stays = undo::plan(&walk.plan, &walk.run, None);
            let stays: Vec<String> = stays
                .iter()
                .filter(|step| step.sort != undo::UndoSort::Nothing)
                .map(|step| format!("  {} {}", walk.theme.dot(), walk.name(&step.step)))
                .collect();
            if stays.is_empty() {
                say("  nothing");
            }
            stays.iter().take(10).for_each(|line| say(line));
            if stays.len() > 10 {
                say(&format!("  and {} more", stays.len() - 10));
            }
        }
        Purpose::Refuse { step: None, role, name } => {
            say(&format!("{name} refuses to sign as {role}. The run stays open."));
        }
        Purpose::Refuse { step: Some(_), role, name } => {
            say(&format!("{name} refuses to sign as {role}. What follows is to be decided then."));
        }
    }
    lines.push(Line::default());
    lines
}

/// Sets what must be agreed to before a step starts.
pub(super) fn confirm(walk: &Walk, panel: &Panel, columns: usize) -> Vec<Line<'static>> {
    let Panel::Confirm(id) = panel else { return Vec::new() };
    let Some(step) = walk.plan.step(id) else { return Vec::new() };
    let mut lines: Vec<Line<'static>> = Vec::new();
    lines.extend(
        wrap(&walk.fill(&step.title), columns).into_iter().map(|line| Line::styled(line, walk.theme.heading())),
    );
    lines.extend(beginning(act(walk, &step.action, columns), walk));
    lines.push(Line::default());
    let mut careful = |text: String| {
        lines.extend(wrap(&text, columns).into_iter().map(|line| Line::styled(line, walk.theme.care())));
    };
    if let Some(text) = &step.confirm {
        careful(walk.fill(text));
    }
    if let Some(text) = &step.irreversible {
        careful(format!("This cannot be undone. {}", walk.fill(text)));
    }
    if let Some(text) = walk.no_way_back(step) {
        careful(format!("Careful: {text}."));
    }
    lines.push(Line::default());
    lines.push(Line::from(vec![
        Span::styled("y", walk.theme.key()),
        Span::raw(" starts it   "),
        Span::styled("Esc", walk.theme.key()),
        Span::raw(" does nothing"),
    ]));
    lines
}

/// Keeps as much of a command as leaves room for what must be agreed to, and says what it keeps back.
fn beginning(mut lines: Vec<Line<'static>>, walk: &Walk) -> Vec<Line<'static>> {
    const MOST: usize = 8;
    let more = lines.len().saturating_sub(MOST - 1);
    if more > 1 {
        lines.truncate(MOST - 1);
        let text = format!("{} {more} more lines: Esc, then Tab and PgDn show them", walk.theme.more());
        lines.push(Line::styled(text, walk.theme.quiet()));
    }
    lines
}

/// Draws something longer that the operator should know, scrolled down by some lines.
pub(super) fn notice(walk: &Walk, text: &str, down: usize, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for line in text.lines() {
        let style = diff_style(walk.theme, line);
        lines.extend(wrap(line, width).into_iter().map(|piece| Line::styled(piece, style)));
    }
    scrolled(walk, lines, down, frame, area);
}

/// Draws something to be read at leisure, scrolled down by some lines.
pub(super) fn page(walk: &Walk, text: &str, down: usize, frame: &mut Frame<'_>, area: Rect) {
    scrolled(walk, markdown(text, usize::from(area.width), walk.theme), down, frame, area);
}

/// Draws as many lines as there is room for, and says how many are left.
pub(super) fn scrolled(walk: &Walk, lines: Vec<Line<'_>>, down: usize, frame: &mut Frame<'_>, area: Rect) {
    let rows = usize::from(area.height);
    let most = lines.len().saturating_sub(rows);
    let top = down.min(most);
    let mut seen: Vec<Line<'_>> = lines.into_iter().skip(top).take(rows).collect();
    if top < most
        && let Some(last) = seen.last_mut()
    {
        *last = Line::styled(format!("{} {} more lines: PgDn", walk.theme.more(), most - top + 1), walk.theme.quiet());
    }
    frame.render_widget(Paragraph::new(seen), area);
}

/// Returns the style of a line of a diff: by its sign, which is there without colour too.
pub(super) fn diff_style(theme: Theme, line: &str) -> Style {
    match line.as_bytes().first() {
        Some(b'+') => theme.added(),
        Some(b'-') => theme.removed(),
        Some(b'@') => theme.quiet(),
        Some(_) | None => Style::new(),
    }
}

/// Sets what leaving means.
pub(super) fn leave(walk: &Walk, columns: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    let run = walk.run.begun.as_ref().map_or("", |begun| begun.run.as_str());
    let mut say = |text: &str, style: Style| {
        lines.extend(wrap(text, columns).into_iter().map(|line| Line::styled(line, style)));
    };
    if walk.run.stage == crate::engine::Stage::Over {
        say("The run is closed. Leave?", Style::new());
    } else {
        if let Some(busy) = &walk.run.busy {
            let name = walk.name(&busy.target.step);
            say(&format!("\"{name}\" still runs. Leaving stops it."), walk.theme.care());
        }
        say("The run stays open. Nothing is undone and nothing is lost. To go on later:", Style::new());
        say(&format!("  runsheet resume {run}"), walk.theme.code());
        if walk.hosted() {
            say("Or leave it running without this screen, and come back with:", Style::new());
            say(&format!("  runsheet attach {run}"), walk.theme.code());
        }
    }
    lines.push(Line::default());
    let detach = walk.hosted() && walk.run.stage != crate::engine::Stage::Over;
    let keys = [("y", "leave"), ("d", "leave it running"), ("Esc", "stay")];
    lines.push(choices(walk, keys.into_iter().filter(|(key, _)| *key != "d" || detach)));
    lines
}

/// Sets what taking over means.
pub(super) fn take_over(walk: &Walk, columns: usize) -> Vec<Line<'static>> {
    let text = match walk.actor() {
        Some(actor) => format!("{actor} acts. If you take over, {actor} is told and only watches from then on."),
        None => "Nobody acts at the moment. From now on you would.".to_owned(),
    };
    let mut lines: Vec<Line<'static>> = wrap(&text, columns).into_iter().map(Line::from).collect();
    lines.extend(wrap("It goes on record.", columns).into_iter().map(Line::from));
    lines.push(Line::default());
    lines.push(choices(walk, [("y", "take over"), ("Esc", "go on watching")].into_iter()));
    lines
}

pub(super) fn choices(walk: &Walk, keys: impl Iterator<Item = (&'static str, &'static str)>) -> Line<'static> {
    let key = |(key, label)| [Span::styled(key, walk.theme.key()), Span::raw(format!(" {label}   "))];
    Line::from(keys.flat_map(key).collect::<Vec<_>>())
}
