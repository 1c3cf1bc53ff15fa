//! A form: fields and lines to tick, one of which has the focus.
//!
//! Used by the briefing, by steps that ask a person, and by the panels that want a line of text. What must stay true:
//! while a field has the focus every letter belongs to it, so a paste that arrives as single keys never becomes commands.

use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::field::Field;
use super::text::{cells, columns, count, fit};
use super::theme::Theme;
use crate::front::Answer;
use crate::playbook::plan::Name;

/// A form.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// The fields.
    pub(super) fields: Vec<Field>,
    /// The lines to tick, with whether they are.
    pub(super) ticks: Vec<(String, bool)>,
    /// Where the keys go.
    pub(super) focus: Focus,
}

/// Where the keys of a form go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Focus {
    /// To no field: letters are actions.
    #[default]
    Out,
    /// To a line to tick.
    Tick(usize),
    /// To a field.
    Field(usize),
}

impl Form {
    /// Makes a form; the first field has the focus, else the first line to tick.
    pub(super) fn new(fields: Vec<Field>, ticks: Vec<String>) -> Self {
        let focus = match (fields.is_empty(), ticks.is_empty()) {
            (false, _) => Focus::Field(0),
            (true, false) => Focus::Tick(0),
            (true, true) => Focus::Out,
        };
        Self { fields, ticks: ticks.into_iter().map(|line| (line, false)).collect(), focus }
    }

    /// Says whether letters are typed into a field.
    pub(super) fn typing(&self) -> bool {
        matches!(self.focus, Focus::Field(_))
    }

    /// Returns the field that has the focus.
    pub(super) fn focused(&self) -> Option<&Field> {
        match self.focus {
            Focus::Field(at) => self.fields.get(at),
            Focus::Out | Focus::Tick(_) => None,
        }
    }

    /// Returns the field that has the focus, to change it.
    pub(super) fn focused_mut(&mut self) -> Option<&mut Field> {
        match self.focus {
            Focus::Field(at) => self.fields.get_mut(at),
            Focus::Out | Focus::Tick(_) => None,
        }
    }

    /// Gives the focus to the first line that is not ticked, where lines have it.
    pub(super) fn focus_first_unticked(&mut self) {
        if let (Focus::Tick(_), Some(at)) = (self.focus, self.ticks.iter().position(|(_, ticked)| !ticked)) {
            self.focus = Focus::Tick(at);
        }
    }

    /// Gives the focus to the next place, ticks first, then fields, and round.
    pub(super) fn step(&mut self, by: isize) {
        if let Some(field) = self.focused_mut() {
            field.visited = true;
        }
        let ticks = self.ticks.len();
        let all = ticks + self.fields.len();
        if all == 0 {
            return;
        }
        let at = match self.focus {
            Focus::Out => {
                if by > 0 {
                    all - 1
                } else {
                    0
                }
            }
            Focus::Tick(at) => at,
            Focus::Field(at) => ticks + at,
        };
        let next = if by > 0 { (at + 1) % all } else { (at + all - 1) % all };
        self.focus = if next < ticks { Focus::Tick(next) } else { Focus::Field(next - ticks) };
    }

    /// Goes into the first field that is not filled yet, or the first of all.
    pub(super) fn enter(&mut self) {
        let open =
            self.fields.iter().position(|field| field.judge().is_err()).or((!self.fields.is_empty()).then_some(0));
        if let Some(at) = open {
            self.focus = Focus::Field(at);
        } else if !self.ticks.is_empty() {
            self.focus = Focus::Tick(0);
        }
    }

    /// Ticks the line that has the focus, or the first that is not ticked, and goes on to the next. Returns the line, from 0,
    /// and whether it is ticked now.
    pub(super) fn tick(&mut self) -> Option<(usize, bool)> {
        let at = match self.focus {
            Focus::Tick(at) => at,
            Focus::Out | Focus::Field(_) => self.ticks.iter().position(|(_, ticked)| !ticked)?,
        };
        let more = at + 1 < self.ticks.len();
        let (_, ticked) = self.ticks.get_mut(at)?;
        *ticked = !*ticked;
        let now = *ticked;
        if now && more {
            self.focus = Focus::Tick(at + 1);
        }
        Some((at, now))
    }

    /// Takes a key for the focused field. Says whether it was one.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        self.focused_mut().is_some_and(|field| field.key(key))
    }

    /// Takes a paste: into the focused field, else into the first secret, else into the first field.
    pub(super) fn paste(&mut self, text: &str) {
        if !self.typing() {
            let secret = self.fields.iter().position(|field| field.hidden() && field.length() == 0);
            let Some(at) = secret.or((!self.fields.is_empty()).then_some(0)) else { return };
            self.focus = Focus::Field(at);
        }
        if let Some(field) = self.focused_mut() {
            field.paste(text);
        }
    }

    /// Says whether the focused field's last paste was changed and can be had as it came.
    pub(super) fn can_have_paste_back(&self) -> bool {
        self.focused().is_some_and(Field::can_have_paste_back)
    }

    /// Counts what is not ticked.
    pub(super) fn unticked(&self) -> usize {
        self.ticks.iter().filter(|(_, ticked)| !ticked).count()
    }

    /// Hands in the answers, or goes to the first field that is not right and says why.
    pub(super) fn answers(&mut self) -> Result<Vec<(Name, Answer)>, String> {
        let mut answers = Vec::new();
        for at in 0..self.fields.len() {
            let field = &mut self.fields[at];
            field.visited = true;
            if field.left_to_source() {
                continue;
            }
            match field.answer() {
                Ok(answer) => answers.push((field.spec.name.clone(), answer)),
                Err(why) => {
                    self.focus = Focus::Field(at);
                    return Err(format!("{}: {why}", self.fields[at].prompt));
                }
            }
        }
        let Some(at) = self.ticks.iter().position(|(_, ticked)| !ticked) else { return Ok(answers) };
        self.focus = Focus::Tick(at);
        match self.unticked() {
            1 => Err("1 line is not ticked yet; Space ticks".into()),
            many => Err(format!("{many} lines are not ticked yet; Space ticks")),
        }
    }

    /// Returns how many rows it wants: one a field, and one that explains.
    pub(super) fn rows(&self) -> usize {
        if self.fields.is_empty() { 0 } else { self.fields.len() + 1 }
    }

    /// Draws the fields, the focused one always among them, and what is to be said of it.
    pub(super) fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
        if area.height == 0 || area.width == 0 || self.fields.is_empty() {
            return;
        }
        let at = match self.focus {
            Focus::Field(at) => at,
            Focus::Out | Focus::Tick(_) => 0,
        };
        let rows = usize::from(area.height).saturating_sub(1).max(1);
        let top = (at + 1).saturating_sub(rows);
        let width = usize::from(area.width);
        let widest = self.fields.iter().map(|field| columns(&field.prompt)).max().unwrap_or(0);
        let label = widest.min(width / 2).max(4.min(width));
        for (row, field) in self.fields.iter().enumerate().skip(top).take(rows) {
            let y = area.y + cells(row - top);
            let focused = self.focus == Focus::Field(row);
            draw_field(frame, Rect { y, height: 1, ..area }, field, focused, label, theme);
        }
        if usize::from(area.height) > 1 {
            let mut explain = self.fields.get(at).map_or_else(String::new, Self::explain);
            let bad = self.fields.get(at).is_some_and(|field| field.visited && field.judge().is_err());
            // A question that has no room beside its answer stands here whole.
            if let Some(field) = self.fields.get(at).filter(|field| !bad && columns(&field.prompt) > label) {
                explain = format!("{}: {explain}", field.prompt);
            }
            let style = if bad { theme.bad() } else { theme.quiet() };
            let line = Line::styled(fit(&format!("  {explain}"), width, theme), style);
            frame.render_widget(Paragraph::new(line), Rect { y: area.y + area.height - 1, height: 1, ..area });
        }
    }

    fn explain(field: &Field) -> String {
        if let Some(repaired) = &field.repaired {
            return match field.judge() {
                Ok(()) => repaired.clone(),
                Err(why) => format!("{repaired}; {why}"),
            };
        }
        match field.judge() {
            Err(why) if field.length() > 0 || field.visited || field.refused.is_some() => why,
            Ok(()) | Err(_) => match &field.source {
                Some(source) => format!("from {source}"),
                None => field.hint(),
            },
        }
    }
}

fn draw_field(frame: &mut Frame<'_>, area: Rect, field: &Field, focused: bool, label: usize, theme: Theme) {
    let width = usize::from(area.width);
    let pointer = if focused { theme.pointer() } else { " " };
    let room = width.saturating_sub(label + 4);
    let judged = field.judge();
    let (glyph, style) = match &judged {
        Ok(()) => (theme.state(crate::engine::StepState::Done).glyph, theme.good()),
        Err(_) if field.visited || field.length() > 0 => {
            (theme.state(crate::engine::StepState::Failed).glyph, theme.bad())
        }
        Err(_) => (theme.dot(), theme.quiet()),
    };
    let shown = value_text(field, room, theme);
    let used = columns(&shown);
    let mut spans = vec![
        Span::styled(format!("{pointer} "), theme.key()),
        Span::styled(
            format!("{:<label$} ", fit(&field.prompt, label, theme)),
            if focused { theme.heading() } else { theme.label() },
        ),
    ];
    // `format!` pads by characters; columns may be more.
    let padded = label.saturating_sub(columns(&fit(&field.prompt, label, theme)));
    spans[1].content = format!("{}{} ", fit(&field.prompt, label, theme), " ".repeat(padded)).into();
    let typed = if field.shown().is_some_and(str::is_empty) && !field.chosen() {
        theme.quiet()
    } else {
        ratatui::style::Style::new()
    };
    spans.push(Span::styled(shown, if focused { typed.patch(theme.field()) } else { typed }));
    if focused && used < room.saturating_sub(2) {
        let line = (room - 2 - used).min(24usize.saturating_sub(used));
        spans.push(Span::styled(" ".repeat(line), theme.field()));
    }
    spans.push(Span::styled(format!(" {glyph}"), style));
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
    if focused && !field.chosen() {
        let cursor = if field.hidden() { used } else { field.cursor().min(room.saturating_sub(2)) };
        let x = area.x.saturating_add(cells(label + 3 + cursor));
        if x < area.right() {
            frame.set_cursor_position(Position { x, y: area.y });
        }
    }
}

/// Writes what may be seen of a field's value.
fn value_text(field: &Field, room: usize, theme: Theme) -> String {
    let room = room.saturating_sub(2);
    if field.hidden() {
        return match field.length() {
            0 => String::new(),
            length => fit(&format!("{} {}", theme.hidden().repeat(8), count(length, "character")), room, theme),
        };
    }
    if let Some((options, at)) = field.options() {
        let all: Vec<String> = options
            .iter()
            .enumerate()
            .map(|(place, option)| if at == Some(place) { format!("[{option}]") } else { format!(" {option} ") })
            .collect();
        let all = all.join(" ");
        if columns(&all) <= room {
            return fit(&all, room, theme);
        }
        return fit(&at.map_or_else(|| "choose: Left, Right".into(), |at| format!("[{}]", options[at])), room, theme);
    }
    let text = field.shown().unwrap_or_default();
    if text.is_empty() {
        return field.default.as_ref().map(|default| fit(default, room, theme)).unwrap_or_default();
    }
    // The end of a long value is what is being typed.
    let letters: Vec<char> = text.chars().collect();
    if columns(text) > room && field.cursor() >= room {
        let tail: String = letters[letters.len().saturating_sub(room.saturating_sub(1))..].iter().collect();
        return fit(&format!("{}{tail}", theme.dot()), room, theme);
    }
    fit(text, room, theme)
}
