//! The library: playbooks to begin with or to practise, and runs that are open.

use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::keymap::{self, Action, binding};
use super::layout::{framed, keys};
use super::page::Page;
use super::text::{columns, fit, wrap};
use super::theme::Theme;

/// Something to choose in the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryEntry {
    /// What it is called.
    pub title: String,
    /// One or two sentences.
    pub summary: String,
    /// What is chosen with it.
    pub choice: Choice,
    /// Where it stands, in a few words: `open since 10:42, at reset-doadmin`; a playbook's path.
    pub state: String,
    /// A playbook's drills, to be listed when somebody wants to practise it.
    pub drills: Vec<LibraryEntry>,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A playbook, by its path.
    Playbook(String),
    /// A drill of a playbook.
    Drill {
        /// The playbook, by its path.
        playbook: String,
        /// The drill; none for a walk through it in which nothing goes wrong.
        id: Option<String>,
    },
    /// A run that is open, by its id.
    Run(String),
}

/// The library as it stands.
#[derive(Debug)]
pub(super) struct Library {
    entries: Vec<LibraryEntry>,
    theme: Theme,
    at: usize,
    /// The playbook whose drills are listed, by its place in the library.
    practises: Option<usize>,
}

impl Library {
    /// Opens it; open runs come first, for they want somebody.
    pub(super) fn new(mut entries: Vec<LibraryEntry>, theme: Theme) -> Self {
        entries.sort_by_key(|entry| !matches!(entry.choice, Choice::Run(_)));
        Self { entries, theme, at: 0, practises: None }
    }

    /// What is listed: the library, or the drills of a playbook.
    fn listed(&self) -> &[LibraryEntry] {
        match self.practises.and_then(|at| self.entries.get(at)) {
            Some(playbook) => &playbook.drills,
            None => &self.entries,
        }
    }

    fn offers(&self) -> Vec<Action> {
        let all = [
            Action::Choose,
            Action::Practise,
            Action::Up,
            Action::Down,
            Action::First,
            Action::Last,
            Action::Leave,
            Action::Back,
            Action::Interrupt,
        ];
        let mut all = all.to_vec();
        let marked = self.listed().get(self.at);
        all.retain(|&action| match action {
            Action::Choose => marked.is_some(),
            Action::Practise => marked.is_some_and(|entry| !entry.drills.is_empty()),
            _ => true, // the others are always there
        });
        all
    }
}

impl Page for Library {
    type Out = Option<Choice>;

    fn key(&mut self, key: KeyEvent) -> Option<Self::Out> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let last = self.listed().len().saturating_sub(1);
        match keymap::action(key, self.offers(), false)? {
            Action::Choose => return self.listed().get(self.at).map(|entry| Some(entry.choice.clone())),
            Action::Practise => {
                self.practises = Some(self.at);
                self.at = 0;
            }
            Action::Back if self.practises.is_some() => self.at = self.practises.take().unwrap_or_default(),
            Action::Leave | Action::Back | Action::Interrupt => return Some(None),
            Action::Up => self.at = self.at.saturating_sub(1),
            Action::Down => self.at = (self.at + 1).min(last),
            Action::First => self.at = 0,
            Action::Last => self.at = last,
            // Nothing else is offered here.
            _ => {}
        }
        None
    }

    fn paste(&mut self, _text: &str) {}

    fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        if area.height < 6 || area.width < 20 {
            let lines = wrap("Please make the window larger: 80 by 24 at least.", usize::from(area.width));
            return frame.render_widget(Paragraph::new(lines.into_iter().map(Line::from).collect::<Vec<_>>()), area);
        }
        let theme = self.theme;
        let told = 5.min(area.height / 3);
        let list = Rect { height: area.height - told - 1, ..area };
        let title = match self.practises.and_then(|at| self.entries.get(at)) {
            Some(playbook) => {
                fit(&format!(" practise: {} ", playbook.title), usize::from(area.width).saturating_sub(4), theme)
            }
            None => " runsheet: choose a run or a playbook ".to_owned(),
        };
        let inner = framed(theme, frame, list, &title, true);
        let height = usize::from(inner.height);
        let top = (self.at + 1).saturating_sub(height);
        let width = usize::from(inner.width);
        let mut lines: Vec<Line<'_>> = Vec::new();
        for (at, entry) in self.listed().iter().enumerate().skip(top).take(height) {
            let (word, style) = match entry.choice {
                Choice::Run(_) => ("open run", theme.care()),
                Choice::Playbook(_) => ("playbook", theme.label()),
                Choice::Drill { .. } => ("drill", theme.label()),
            };
            let state = fit(&entry.state, width / 2, theme);
            let room = width.saturating_sub(columns(&state) + 11);
            let title = fit(&entry.title, room, theme);
            let gap = room.saturating_sub(columns(&title)) + 1;
            let line = Line::from(vec![
                Span::styled(format!("{word:<9} "), style),
                Span::raw(title),
                Span::raw(" ".repeat(gap)),
                Span::styled(state, theme.quiet()),
            ]);
            lines.push(if at == self.at { line.style(theme.selected()) } else { line });
        }
        if lines.is_empty() {
            lines.push(Line::styled("No playbooks here, and no open runs. Try: runsheet run PLAYBOOK", theme.quiet()));
        }
        frame.render_widget(Paragraph::new(lines), inner);
        let below = Rect { y: list.bottom(), height: told, ..area };
        let inner = framed(theme, frame, below, " about ", false);
        if let Some(entry) = self.listed().get(self.at) {
            let lines = wrap(&entry.summary, usize::from(inner.width)).into_iter().map(Line::from);
            frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
        }
        let label = |action| match action {
            Action::Back if self.practises.is_some() => "the library",
            Action::Back => "leave",
            action => binding(action).label,
        };
        let footer = keys(&self.offers(), false, label, usize::from(area.width), theme);
        frame.render_widget(Paragraph::new(footer), Rect { y: area.height - 1, height: 1, ..area });
    }
}
