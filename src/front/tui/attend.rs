//! A program that has the screen: its picture in place of steps and output, and the operator's keys.
//!
//! While it has the screen every key goes to it but one: `Ctrl-]`, which is always shown, makes the next key runsheet's. What must
//! stay true: a key from before the program was shown does not reach it; a key for the program never reaches the run, nor the
//! other way round; and what is typed is kept nowhere.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use zeroize::Zeroize as _;

use super::keymap::{self, Action, binding, shown_key};
use super::output::styled;
use super::state::Walk;
use super::text::{columns, fit};
use crate::engine::Target;
use crate::front::Say;
use crate::output::Picture;
use crate::playbook::plan::Step;
use crate::secret::Secret;

/// The least columns and rows of a screen on which a program is shown.
const LEAST: (u16, u16) = (24, 6);

/// Where the operator's keys go while a program at a terminal runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Keyboard {
    /// To the program.
    #[default]
    Program,
    /// The next one to runsheet; then to the program again.
    Next,
    /// To runsheet: the operator looks at the run, or does not act.
    Run,
}

/// Returns how large a program's terminal is on a screen of a size: all of it but the first and the last row.
fn room(columns: u16, rows: u16) -> Option<(u16, u16)> {
    (columns >= LEAST.0 && rows >= LEAST.1).then(|| (columns, rows - 2))
}

impl Walk {
    /// Returns the target whose program attends to a person now.
    pub(super) fn program(&self) -> Option<&Target> {
        let busy = self.run.busy.as_ref().filter(|busy| self.live && !busy.probing)?;
        self.action(&busy.target).filter(|action| action.act.has_terminal()).map(|_| &busy.target)
    }

    /// Returns the picture that has the screen.
    pub(super) fn attended(&self) -> Option<&Picture> {
        let target = self.program().filter(|_| self.keyboard != Keyboard::Run && self.panel.is_none())?;
        self.picture.as_ref().filter(|(of, _)| of == target).map(|(_, picture)| picture)
    }

    /// Learns the size of the screen, and tells how large programs' terminals are from now on.
    pub(super) fn sized(&mut self, columns: u16, rows: u16) {
        let room = room(columns, rows);
        self.shows_programs = room.is_some();
        let acts = self.has_programs && self.live && !self.watching();
        if let Some((columns, rows)) = room.filter(|_| acts)
            && self.told_size != room
        {
            self.told_size = room;
            self.says.push(Say::Size { columns, rows });
        }
    }

    /// Takes a key while a program has the screen. Says whether it was taken.
    pub(super) fn key_of_program(&mut self, key: KeyEvent) -> bool {
        if self.program().is_none() || self.panel.is_some() || self.watching() {
            return false;
        }
        let away = is_away(key);
        match self.keyboard {
            Keyboard::Run => return false,
            Keyboard::Program if away => self.keyboard = Keyboard::Next,
            Keyboard::Program => self.type_to_program(key),
            Keyboard::Next if away => {
                self.keyboard = Keyboard::Program;
                self.type_to_program(key);
            }
            Keyboard::Next => {
                self.keyboard = Keyboard::Program;
                let offers = [Action::Stop, Action::Detach, Action::Wizard];
                match offers.into_iter().find(|action| keymap::action(key, [*action], false).is_some()) {
                    Some(Action::Detach) if !self.hosted() => {
                        self.message = Some(("this run has no process of its own to leave it in".into(), false));
                    }
                    Some(action) => self.act(action),
                    None if key.code == KeyCode::Esc => self.message = None,
                    None => self.message = Some(("that key means nothing behind Ctrl-]".into(), false)),
                }
            }
        }
        true
    }

    /// Gives the screen to the program, or takes it back.
    pub(super) fn turn_to_program(&mut self, keyboard: Keyboard) {
        self.keyboard = keyboard;
        self.message = None;
    }

    fn type_to_program(&mut self, key: KeyEvent) {
        let Some(target) = self.program().cloned() else { return };
        if !self.gate.open || !self.shows_programs || self.attended().is_none() {
            let why = "that key was pressed before the program was shown, so it was not typed";
            self.message = Some((why.into(), false));
            return;
        }
        self.message = None;
        let picture = self.picture.as_ref().map(|(_, picture)| picture);
        if let Some(keys) = encoded(key, picture.is_some_and(|picture| picture.application_cursor)) {
            self.says.push(Say::Type { target, keys: Secret::new(keys) });
        }
    }

    /// Pastes into the program. Says whether there was one.
    pub(super) fn paste_to_program(&mut self, text: &str) -> bool {
        let Some((target, picture)) = self.program().cloned().zip(self.attended()) else { return false };
        if self.watching() {
            return false;
        }
        if !self.gate.open {
            self.message = Some(("that paste came before the program was shown: paste it again".into(), false));
            return true;
        }
        let (mut keys, repaired) = pasted(text, picture.bracketed_paste);
        self.message = repaired.map(|what| (what.to_owned(), false));
        self.says.push(Say::Type { target, keys: Secret::new(std::mem::take(&mut keys)) });
        keys.zeroize();
        true
    }
}

/// Says whether a step, or its undo, has a program at a terminal.
pub(super) fn has_terminal(step: &Step) -> bool {
    step.action.act.has_terminal() || step.rollback.iter().any(|action| action.act.has_terminal())
}

/// Says whether a key is the one that leads away. On most terminals it comes as what Ctrl-5 would be.
fn is_away(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char(']' | '5'))
}

/// Writes a key as a terminal sends it; none for keys that no terminal sends.
fn encoded(key: KeyEvent, application_cursor: bool) -> Option<String> {
    let (shift, alt, ctrl) = (
        key.modifiers.contains(KeyModifiers::SHIFT),
        key.modifiers.contains(KeyModifiers::ALT),
        key.modifiers.contains(KeyModifiers::CONTROL),
    );
    let number = 1 + u8::from(shift) + 2 * u8::from(alt) + 4 * u8::from(ctrl);
    // Cursor keys, and those that are numbered, say what is held down with them by a number.
    let cursor = |letter: char| match (number, application_cursor) {
        (1, true) => format!("\u{1b}O{letter}"),
        (1, false) => format!("\u{1b}[{letter}"),
        _ => format!("\u{1b}[1;{number}{letter}"),
    };
    let numbered = |key: u8| match number {
        1 => format!("\u{1b}[{key}~"),
        _ => format!("\u{1b}[{key};{number}~"),
    };
    let plain = |text: &str| if alt { format!("\u{1b}{text}") } else { text.to_owned() };
    Some(match key.code {
        KeyCode::Char(letter) if ctrl => plain(&controlled(letter)?.to_string()),
        KeyCode::Char(letter) => plain(letter.encode_utf8(&mut [0; 4])),
        KeyCode::Enter => plain("\r"),
        KeyCode::Tab => plain("\t"),
        KeyCode::BackTab => "\u{1b}[Z".into(),
        KeyCode::Backspace => plain(if ctrl { "\u{8}" } else { "\u{7f}" }),
        KeyCode::Esc => plain("\u{1b}"),
        KeyCode::Up => cursor('A'),
        KeyCode::Down => cursor('B'),
        KeyCode::Right => cursor('C'),
        KeyCode::Left => cursor('D'),
        KeyCode::End => cursor('F'),
        KeyCode::Home => cursor('H'),
        KeyCode::Insert => numbered(2),
        KeyCode::Delete => numbered(3),
        KeyCode::PageUp => numbered(5),
        KeyCode::PageDown => numbered(6),
        KeyCode::F(key @ 1..=4) => match number {
            1 => format!("\u{1b}O{}", char::from(b'O' + key)),
            _ => format!("\u{1b}[1;{number}{}", char::from(b'O' + key)),
        },
        KeyCode::F(key @ 5..=12) => numbered([15, 17, 18, 19, 20, 21, 23, 24][usize::from(key - 5)]),
        // Keys that only other protocols have.
        _ => return None,
    })
}

/// Returns the control character of a letter, or of what is read for one.
fn controlled(letter: char) -> Option<char> {
    match letter.to_ascii_lowercase() {
        letter @ 'a'..='z' => char::from_u32(u32::from(letter) - 0x60),
        ' ' | '@' | '2' => Some('\0'),
        '[' | '3' => Some('\u{1b}'),
        '\\' | '4' => Some('\u{1c}'),
        ']' | '5' => Some('\u{1d}'),
        '^' | '6' => Some('\u{1e}'),
        '_' | '/' | '7' => Some('\u{1f}'),
        '8' | '?' => Some('\u{7f}'),
        _ => None,
    }
}

/// Writes a paste as a terminal sends it, and says what was left out of it.
///
/// Controls would be keys that nobody pressed, and a line end at its end would hand it in before it was read.
fn pasted(text: &str, bracketed: bool) -> (String, Option<&'static str>) {
    let body = text.trim_end_matches(['\r', '\n']);
    let safe = |c: &char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let clean: String = body.chars().filter(safe).collect();
    let told = match (clean.len() < body.len(), body.len() < text.len()) {
        (true, _) => Some("control characters were left out of the paste"),
        (false, true) => Some("the line end was left out of the paste: press Enter to hand it in"),
        (false, false) => None,
    };
    let keys = clean.replace("\r\n", "\r").replace('\n', "\r");
    (if bracketed { format!("\u{1b}[200~{keys}\u{1b}[201~") } else { keys }, told)
}

/// Draws the program's picture over all rows between header and footer.
pub(super) fn draw(walk: &Walk, picture: &Picture, frame: &mut Frame<'_>, area: Rect) {
    let height = usize::from(area.height);
    let cursor = picture.cursor.map(|(row, column)| (usize::from(row), column));
    // On a screen that is lower than the terminal the rows around the cursor are seen.
    let above = cursor.map_or(0, |(row, _)| (row + 1).saturating_sub(height));
    let rows = picture.rows.iter().skip(above).take(height);
    let lines: Vec<Line<'_>> = rows.map(|row| styled(row, walk, usize::from(area.width))).collect();
    frame.render_widget(Paragraph::new(lines), area);
    if let Some((row, column)) = cursor.filter(|_| walk.keyboard == Keyboard::Program && !walk.watching()) {
        let row = u16::try_from(row - above).unwrap_or(area.height);
        if row < area.height && column < area.width {
            frame.set_cursor_position(Position::new(area.x + column, area.y + row));
        }
    }
}

/// Draws the row that always says how to come back.
pub(super) fn footer(walk: &Walk, picture: &Picture, frame: &mut Frame<'_>, area: Rect) {
    let theme = walk.theme;
    let mut spans = vec![Span::raw(" ")];
    let mut add = |key: String, label: &str| {
        spans.push(Span::styled(key, theme.key()));
        spans.push(Span::raw(format!(" {label}  ")));
    };
    let key = |action: Action| shown_key(binding(action), false).unwrap_or_default();
    match (walk.watching(), walk.keyboard) {
        (true, _) => add(key(Action::Leave), "stop watching"),
        (false, Keyboard::Next) => {
            add(key(Action::Stop), "stop it");
            if walk.hosted() {
                add(key(Action::Detach), "leave it running");
            }
            add(key(Action::Wizard), "look at the run");
            add(key(Action::Away), "type Ctrl-]");
            add("Esc".into(), "back");
        }
        (false, Keyboard::Program | Keyboard::Run) => {
            let busy = walk.run.busy.as_ref().is_some_and(|busy| busy.stopping);
            let label = match (busy, &walk.message) {
                (_, Some(_)) => "away",
                (true, None) => "then x: stop at once",
                (false, None) => "and a key: stop, leave, look",
            };
            add(key(Action::Away), label);
        }
    }
    let said = match &walk.message {
        // Keys do not go to the program yet, and that is what matters most.
        _ if !walk.gate.open && !walk.watching() => "one moment".to_owned(),
        Some((text, _)) => text.clone(),
        None if usize::from(picture.columns) > usize::from(area.width) => {
            format!("its terminal has {} columns", picture.columns)
        }
        None if walk.watching() => "this screen only watches".to_owned(),
        None if walk.keyboard == Keyboard::Next => String::new(),
        None => "all other keys go to the program".to_owned(),
    };
    let used: usize = spans.iter().map(|span| columns(&span.content)).sum();
    let style = if walk.message.is_some() { theme.care() } else { Style::new() };
    spans.push(Span::styled(fit(&said, usize::from(area.width).saturating_sub(used), theme), style));
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_a_terminal_sends_them() {
        let key = |code, modifiers| encoded(KeyEvent::new(code, modifiers), false);
        let (none, ctrl, alt) = (KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT);
        for (code, modifiers, sent) in [
            (KeyCode::Char('é'), none, "é"),
            (KeyCode::Char('A'), KeyModifiers::SHIFT, "A"),
            (KeyCode::Char('c'), ctrl, "\u{3}"),
            (KeyCode::Char(' '), ctrl, "\0"),
            (KeyCode::Char('4'), ctrl, "\u{1c}"),
            (KeyCode::Char('x'), alt, "\u{1b}x"),
            (KeyCode::Enter, none, "\r"),
            (KeyCode::Backspace, none, "\u{7f}"),
            (KeyCode::Up, none, "\u{1b}[A"),
            (KeyCode::Left, ctrl, "\u{1b}[1;5D"),
            (KeyCode::Delete, none, "\u{1b}[3~"),
            (KeyCode::PageUp, KeyModifiers::SHIFT, "\u{1b}[5;2~"),
            (KeyCode::F(1), none, "\u{1b}OP"),
            (KeyCode::F(5), none, "\u{1b}[15~"),
            (KeyCode::F(12), none, "\u{1b}[24~"),
        ] {
            assert_eq!(key(code, modifiers).as_deref(), Some(sent), "{code:?}");
        }
        assert_eq!(encoded(KeyEvent::new(KeyCode::Up, none), true).as_deref(), Some("\u{1b}OA"));
        assert_eq!(key(KeyCode::F(13), none), None);
    }

    #[test]
    fn a_paste_is_no_keys_and_hands_nothing_in() {
        assert_eq!(pasted("a word", false), ("a word".into(), None));
        assert_eq!(pasted("two\nlines\r\nhere", false), ("two\rlines\rhere".into(), None));
        let (keys, told) = pasted("a\u{1b}[201~\u{3}b\n", true);
        assert_eq!((keys.as_str(), told.is_some()), ("\u{1b}[200~a[201~b\u{1b}[201~", true));
        assert!(pasted("word\r\n", false).1.is_some_and(|told| told.contains("line end")));
    }
}
