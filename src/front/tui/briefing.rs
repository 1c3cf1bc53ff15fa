//! The briefing: what the run will be, and the inputs, before anything exists or happens.
//!
//! Answers come out only when every input fits and, for a protected run, the value was typed.

use std::collections::BTreeMap;

use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::field::Field;
use super::form::{Focus, Form};
use super::help;
use super::keymap::{self, Action, binding};
use super::layout::{framed, keys};
use super::page::Page;
use super::text::{cells, columns, fit, wrap};
use super::theme::Theme;
use crate::engine::Run;
use crate::front::{Answer, BriefingAnswers, BriefingFacts};
use crate::playbook::plan::{Name, Plan, Template};

/// The briefing as it stands.
#[derive(Debug)]
pub(super) struct Briefing<'p> {
    pub(super) plan: &'p Plan,
    pub(super) facts: BriefingFacts,
    pub(super) theme: Theme,
    form: Form,
    down: usize,
    message: Option<String>,
    leaving: bool,
    changed: bool,
    /// The keys are shown, scrolled down by some lines.
    help: Option<usize>,
}

/// The name of the field for the typed confirmation; no input can have it.
const TYPED: &str = "(typed)";

impl<'p> Briefing<'p> {
    /// Opens the briefing, the first input that is missing in focus.
    pub(super) fn new(plan: &'p Plan, prefilled: &BTreeMap<Name, Answer>, facts: BriefingFacts, theme: Theme) -> Self {
        let fields = plan.inputs.iter().map(|spec| {
            let prompt = spec.prompt.as_ref().map_or_else(|| spec.name.to_string(), |prompt| prompt.fill(|_| None));
            let literal = spec.default.as_ref().filter(|default| default.names().next().is_none());
            let mut field = Field::new(spec.clone(), prompt, literal.map(|default| default.fill(|_| None)));
            if let Some(answer) = prefilled.get(&spec.name) {
                field.fill(answer, facts.sources.get(&spec.name).cloned());
            } else if let Some(problem) = facts.problems.get(&spec.name) {
                field.refused = Some(format!("not found by itself, so type it ({problem})"));
            }
            field
        });
        let mut form = Form::new(fields.collect(), Vec::new());
        form.focus = Focus::Out;
        let mut briefing =
            Self { plan, facts, theme, form, down: 0, message: None, leaving: false, changed: false, help: None };
        briefing.refresh();
        briefing.find_open();
        briefing
    }

    /// Goes to the first field that is not right, or to the button.
    fn find_open(&mut self) {
        let open = self.form.fields.iter().position(|field| field.judge().is_err());
        self.form.focus = open.map_or(Focus::Out, Focus::Field);
    }

    fn value(&self, name: &Name) -> Option<&str> {
        self.form.fields.iter().find(|field| field.spec.name == *name).and_then(Field::value)
    }

    /// Makes what stands in for the run, with the values that stand for now.
    pub(super) fn run(&self) -> Run {
        let fields = self.form.fields.iter().filter(|field| field.spec.name.as_str() != TYPED);
        let values = fields.filter_map(|field| Some((field.spec.name.clone(), field.value()?.to_owned())));
        self.facts.run(values.collect())
    }

    /// Fills in the values that stand for now.
    pub(super) fn fill(&self, template: &Template) -> String {
        template.fill(|name| self.value(name))
    }

    /// Returns the word that must be typed, where the inputs make it a protected run.
    fn word(&self) -> Option<String> {
        crate::engine::protected_word(self.plan, |name| self.value(name)).map(str::to_owned)
    }

    /// Brings what depends on the values up to date: defaults, and the typed confirmation.
    fn refresh(&mut self) {
        for at in 0..self.form.fields.len() {
            let template = self.form.fields[at].spec.default.clone();
            if let Some(template) = template.filter(|template| template.names().next().is_some()) {
                let default = self.fill(&template);
                self.form.fields[at].default = Some(default).filter(|default| !default.contains("${"));
            }
        }
        let place = self.form.fields.iter().position(|field| field.spec.name.as_str() == TYPED);
        match (self.word(), place) {
            (Some(word), None) => {
                let mut field = Field::line(TYPED, &format!("Type \"{word}\" to confirm"));
                field.spec.pattern = regex::Regex::new(&format!("^{}$", regex::escape(&word))).ok();
                self.form.fields.push(field);
            }
            (Some(word), Some(at)) => self.form.fields[at].prompt = format!("Type \"{word}\" to confirm"),
            (None, Some(at)) => {
                self.form.fields.remove(at);
            }
            (None, None) => {}
        }
        if let Some(word) = self.word()
            && let Some(field) = self.form.fields.last_mut()
        {
            let right = field.shown() == Some(word.as_str());
            field.refused = (!right && field.length() > 0).then(|| format!("this is a protected run: type {word}"));
        }
        if let Focus::Field(at) = self.form.focus
            && at >= self.form.fields.len()
        {
            self.form.focus = Focus::Out;
        }
    }

    fn offers(&self) -> Vec<Action> {
        if self.leaving {
            return vec![Action::Agree, Action::Back];
        }
        if self.help.is_some() {
            return vec![Action::Back, Action::PageUp, Action::PageDown];
        }
        let mut offers = vec![Action::Begin];
        if self.form.typing() {
            offers.push(Action::Accept);
            offers.extend(self.form.can_have_paste_back().then_some(Action::KeepPaste));
            offers.extend([Action::NextField, Action::PreviousField, Action::ClearField]);
        } else {
            offers.extend([Action::NextField, Action::PreviousField, Action::Leave]);
        }
        offers.extend([Action::PageUp, Action::PageDown, Action::Help, Action::Back, Action::Interrupt]);
        offers
    }

    /// Goes on to the next field or the button, round.
    fn walk(&mut self, by: isize) {
        let all = self.form.fields.len();
        if let Some(field) = self.form.focused_mut() {
            field.visited = true;
        }
        self.form.focus = match (self.form.focus, by > 0) {
            (_, _) if all == 0 => Focus::Out,
            (Focus::Field(at), true) if at + 1 < all => Focus::Field(at + 1),
            (Focus::Field(at), false) if at > 0 => Focus::Field(at - 1),
            (Focus::Field(_), _) => Focus::Out,
            (Focus::Out | Focus::Tick(_), true) => Focus::Field(0),
            (Focus::Out | Focus::Tick(_), false) => Focus::Field(all - 1),
        };
    }

    fn begin(&mut self) -> Option<BriefingAnswers> {
        self.refresh();
        match self.form.answers() {
            Err(why) => {
                self.message = Some(why);
                None
            }
            Ok(answers) => {
                let (typed, answers): (Vec<_>, Vec<_>) =
                    answers.into_iter().partition(|(name, _)| name.as_str() == TYPED);
                let typed = typed.into_iter().find_map(|(_, answer)| match answer {
                    Answer::Text(text) => Some(text),
                    Answer::Secret(_) => None,
                });
                Some(BriefingAnswers { answers, typed })
            }
        }
    }

    fn draw_form(&self, frame: &mut Frame<'_>, area: Rect) {
        let open = self.form.fields.iter().filter(|field| field.judge().is_err()).count();
        let title = match open {
            0 => " inputs: all there ".to_owned(),
            open => format!(" inputs: {open} of {} to fill in ", self.form.fields.len()),
        };
        let inner = framed(self.theme, frame, area, &title, true);
        let button = if open == 0 { "[ Begin ]" } else { "[ Begin ] when all is filled in" };
        let style = match (self.form.focus, open) {
            (Focus::Out, _) => self.theme.selected(),
            (_, 0) => self.theme.good(),
            (_, _) => self.theme.quiet(),
        };
        let fields = Rect { height: inner.height.saturating_sub(1), ..inner };
        self.form.draw(frame, fields, self.theme);
        if inner.height > 0 {
            let line = Line::from(Span::styled(fit(button, usize::from(inner.width), self.theme), style));
            frame.render_widget(Paragraph::new(line), Rect { y: inner.bottom() - 1, height: 1, ..inner });
        }
    }
}

impl Page for Briefing<'_> {
    type Out = Option<BriefingAnswers>;

    fn key(&mut self, key: KeyEvent) -> Option<Self::Out> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let typing = self.form.typing() && !self.leaving && self.help.is_none();
        // Enter on a field goes on; only on the button, or by F10, does it begin.
        let offers = self.offers().into_iter();
        let offers: Vec<Action> = match (typing, key.code) {
            (true, crossterm::event::KeyCode::Enter) => offers.filter(|&action| action != Action::Begin).collect(),
            _ => offers.collect(),
        };
        let Some(action) = keymap::action(key, offers, typing) else {
            if typing && self.form.key(key) {
                self.changed = true;
                self.message = None;
                self.refresh();
            }
            return None;
        };
        match action {
            Action::Begin => return self.begin().map(Some),
            Action::Agree => return Some(None),
            Action::Back if self.help.is_some() => self.help = None,
            Action::Back if self.leaving => self.leaving = false,
            Action::Back | Action::Leave | Action::Interrupt if !self.changed => return Some(None),
            Action::Back | Action::Leave | Action::Interrupt => self.leaving = true,
            Action::Accept => {
                if let Some(field) = self.form.focused_mut() {
                    field.visited = true;
                }
                let here = self.form.focus;
                self.find_open();
                if self.form.focus == here {
                    self.message = self.form.focused().and_then(|field| field.judge().err());
                }
            }
            Action::NextField | Action::PreviousField => {
                self.message = None;
                self.walk(if action == Action::NextField { 1 } else { -1 });
            }
            Action::ClearField | Action::KeepPaste => {
                if let Some(field) = self.form.focused_mut() {
                    if action == Action::KeepPaste {
                        field.have_paste_back();
                    } else {
                        field.clear();
                    }
                }
                self.refresh();
            }
            Action::Help => self.help = Some(0),
            Action::PageDown => *self.help.as_mut().unwrap_or(&mut self.down) += 8,
            Action::PageUp => {
                let down = self.help.as_mut().unwrap_or(&mut self.down);
                *down = down.saturating_sub(8);
            }
            // Nothing else is offered here.
            _ => {}
        }
        None
    }

    fn paste(&mut self, text: &str) {
        if self.help.is_some() || self.leaving {
            return;
        }
        self.message = None;
        self.form.paste(text);
        self.changed = true;
        self.refresh();
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        if area.height < 4 || area.width < 20 {
            let lines = wrap("Please make the window larger: 80 by 24 at least.", usize::from(area.width));
            return frame.render_widget(Paragraph::new(lines.into_iter().map(Line::from).collect::<Vec<_>>()), area);
        }
        let theme = self.theme;
        let right = format!("{} ", fit(&self.facts.operator, 24, theme));
        let room = usize::from(area.width).saturating_sub(columns(&right) + 3);
        let mut spans = vec![Span::raw(" ")];
        let mut room = room;
        if let Some(word) = self.word() {
            let badge = format!(" {} ", word.to_uppercase());
            room = room.saturating_sub(columns(&badge) + 1);
            spans.extend([Span::styled(badge, theme.badge()), Span::raw(" ")]);
        }
        let version = self.plan.version.as_ref().map(|version| format!("  {version}")).unwrap_or_default();
        let title = fit(&format!("{}{version}", self.plan.title), room, theme);
        let gap = room.saturating_sub(columns(&title)) + 1;
        spans.extend([
            Span::styled(title, theme.heading()),
            Span::raw(" ".repeat(gap)),
            Span::styled(right, theme.quiet()),
        ]);
        frame.render_widget(Paragraph::new(Line::from(spans)), Rect { height: 1, ..area });
        let body = Rect { y: 1, height: area.height - 3, ..area };
        let wanted = cells(self.form.fields.len() + 4).max(4);
        let (told, asked) = if area.width >= 110 {
            let left = body.width / 2;
            (Rect { width: left, ..body }, Rect { x: body.x + left, width: body.width - left, ..body })
        } else {
            let asked = wanted.min(body.height * 3 / 5);
            (
                Rect { height: body.height - asked, ..body },
                Rect { y: body.y + body.height - asked, height: asked, ..body },
            )
        };
        let inner = framed(theme, frame, told, " briefing ", false);
        let lines = self.text(usize::from(inner.width));
        let most = lines.len().saturating_sub(usize::from(inner.height));
        let down = self.down.min(most);
        let mut seen: Vec<Line<'_>> = lines.into_iter().skip(down).take(usize::from(inner.height)).collect();
        if down < most
            && let Some(last) = seen.last_mut()
        {
            *last = Line::styled(format!("{} {} more lines: PgDn", theme.more(), most - down + 1), theme.quiet());
        }
        frame.render_widget(Paragraph::new(seen), inner);
        self.draw_form(frame, asked);
        let line = match (&self.message, self.leaving) {
            (_, true) => Line::styled(" Leave without beginning? What was typed is forgotten.", theme.care()),
            (Some(message), _) => {
                Line::styled(fit(&format!(" not yet: {message}"), usize::from(area.width), theme), theme.bad())
            }
            (None, _) => {
                Line::styled(" Nothing has happened yet, and nothing is written until the run begins.", theme.quiet())
            }
        };
        frame.render_widget(Paragraph::new(line), Rect { y: area.height - 2, height: 1, ..area });
        let typing = self.form.typing() && !self.leaving && self.help.is_none();
        if let Some(down) = self.help {
            frame.render_widget(Clear, body);
            let inner = framed(theme, frame, body, " keys ", true);
            help::draw(theme, frame, inner, down);
        }
        let label = |action| match action {
            Action::Accept => "next",
            Action::Back if self.help.is_some() => "back",
            Action::Agree | Action::Back if !self.leaving => "leave",
            Action::Agree => "leave",
            Action::Back => "stay",
            action => binding(action).label,
        };
        let footer = keys(&self.offers(), typing, label, usize::from(area.width), theme);
        frame.render_widget(Paragraph::new(footer), Rect { y: area.height - 1, height: 1, ..area });
    }
}
