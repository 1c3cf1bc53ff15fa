//! Copying: what there is to choose from, the question before a secret, and what is done with the terminal.
//!
//! What must stay true: nothing is copied without a key pressed for it; a secret only after one more, and only the one that
//! was asked for; nothing of it is ever drawn.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use zeroize::Zeroizing;

use super::keymap::Action;
use super::link;
use super::notes::choices;
use super::panel::Panel;
use super::state::Walk;
use super::terminal::{self, Drawn};
use super::text::{fit, wrap};
use crate::engine::Input;
use crate::front::Say;
use crate::front::copying::{Copyable, copyable, warning};
use crate::output::{Clipboard, Copied, Told};
use crate::playbook::plan::Name;
use crate::secret::Secret;

impl Walk {
    /// Lists what can be copied of what is shown. Who only watches gets no secret.
    pub(super) fn copyables(&self) -> Vec<Copyable> {
        let mut found = copyable(&self.plan, &self.run, self.shown_target().as_ref());
        found.retain(|what| !self.watching() || !matches!(what, Copyable::Secret(_)));
        found
    }

    /// Offers copying, where there is something to copy and it is not offered yet.
    pub(super) fn offer_copying(&self, offers: &mut Vec<Action>) {
        if self.live && !offers.contains(&Action::Copy) && !self.copyables().is_empty() {
            offers.push(Action::Copy);
        }
    }

    /// Copies what there is, or asks which of it.
    pub(super) fn open_copying(&mut self) {
        let mut found = self.copyables();
        match &found[..] {
            [Copyable::Link(_) | Copyable::Command(_)] => self.copy_one(found.pop()),
            [] => {}
            [..] => self.panel = Some(Panel::Copy { found, at: 0 }),
        }
    }

    /// Copies one, or asks once more where it is a secret.
    pub(super) fn copy_one(&mut self, chosen: Option<Copyable>) {
        match chosen {
            Some(Copyable::Link(text) | Copyable::Command(text)) => self.copies.push(Copied::Text(text)),
            Some(Copyable::Secret(name)) => self.panel = Some(Panel::CopySecret(name)),
            None => {}
        }
    }

    /// Asks the session for a secret. It answers nothing of the run.
    pub(super) fn ask_for_secret(&mut self, name: Name) {
        self.copying = Some(name.clone());
        self.says.push(Say::Input(Input::CopySecret { name }));
    }

    /// Takes a secret that was asked for.
    pub(super) fn take_secret(&mut self, name: &Name, secret: &Secret) {
        if self.copying.take_if(|wanted| wanted == name).is_some() {
            let text = Zeroizing::new(secret.expose().to_owned());
            self.copies.push(Copied::Secret { name: name.to_string(), text });
        }
    }

    /// Takes what came of copying.
    pub(super) fn copied(&mut self, told: Told) {
        match told {
            Told::Said(said) => {
                let before = self.unopened.take().map(|why| format!("{why}; ")).unwrap_or_default();
                self.message = Some((format!("{before}{said}"), false));
            }
            Told::Ask(bytes) => self.asks.push(bytes),
        }
    }

    /// Opens and copies what waits for it, and asks the terminal. Says whether there is something new to be seen.
    pub(super) fn copy(&mut self, terminal: &mut Drawn, clipboard: &mut Clipboard) -> bool {
        let mut seen = false;
        if let Some(link) = self.link.take() {
            seen = true;
            match link::open(&link) {
                Ok(()) => self.message = Some(("asked the desktop to open it".into(), false)),
                Err(why) => {
                    self.unopened = Some(why);
                    self.copies.push(Copied::Text(link));
                }
            }
        }
        for copied in std::mem::take(&mut self.copies) {
            if let Err(why) = clipboard.copy(copied) {
                self.message = Some((why, true));
                seen = true;
            }
        }
        for bytes in std::mem::take(&mut self.asks) {
            if let Err(error) = terminal::ask(terminal, &bytes) {
                self.message = Some((format!("not copied: {error}"), true));
                seen = true;
            }
        }
        seen
    }
}

/// Draws what there is to choose from.
pub(super) fn draw(walk: &Walk, found: &[Copyable], at: usize, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width).saturating_sub(11);
    let top = (at + 1).saturating_sub(usize::from(area.height));
    let rows = found.iter().enumerate().skip(top).take(usize::from(area.height)).map(|(row, what)| {
        let sign = if row == at { walk.theme.pointer() } else { " " };
        let line = Line::from(vec![
            Span::styled(format!("{sign} {:<8} ", what.label()), walk.theme.label()),
            Span::raw(fit(&what.shown(), width, walk.theme)),
        ]);
        if row == at { line.style(walk.theme.selected()) } else { line }
    });
    frame.render_widget(Paragraph::new(rows.collect::<Vec<_>>()), area);
}

/// Sets what it means to copy a secret.
pub(super) fn secret(walk: &Walk, name: &Name, columns: usize) -> Vec<Line<'static>> {
    let lines = wrap(&warning(name), columns);
    let mut lines: Vec<Line<'static>> = lines.into_iter().map(|line| Line::styled(line, walk.theme.care())).collect();
    lines.push(Line::default());
    lines.push(choices(walk, [("y", "copy it"), ("Esc", "copies nothing")].into_iter()));
    lines
}
