//! How things look, by meaning: styles, and a glyph with a word for every state.
//!
//! No other file names a colour. What must stay true: whatever a style says is also said by a glyph or a word, so the
//! screen reads the same without colour; and with [`Theme::plain`] everything of ours is ASCII.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

use crate::engine::{Finding, StepState};
use crate::words;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// No colour.
    None,
    /// The sixteen named colours.
    Sixteen,
    /// The palette of 256.
    Indexed,
    /// Any colour.
    Any,
}

/// The look that was chosen for this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Theme {
    depth: Depth,
    ascii: bool,
    /// What stands in the title of every part, where this is not the real thing.
    mark: Option<&'static str>,
}

/// A state as it is shown: never by colour alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// One column.
    pub(super) glyph: &'static str,
    /// The word.
    pub(super) word: &'static str,
    /// The colour, where there is one.
    pub(super) style: Style,
}

#[expect(clippy::unused_self, reason = "every look is asked of the theme, whether or not it differs today")]
impl Theme {
    /// Chooses by the environment's `NO_COLOR`, `TERM`, `COLORTERM` and locale.
    pub(super) fn of(env: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name: &str| env(name).filter(|value| !value.is_empty());
        let term = given("TERM").unwrap_or_default();
        let locale = given("LC_ALL").or_else(|| given("LC_CTYPE")).or_else(|| given("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        let any = given("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit");
        let depth = if given("NO_COLOR").is_some() || term == "dumb" || term.contains("mono") {
            Depth::None
        } else if any {
            Depth::Any
        } else if term.contains("256color") {
            Depth::Indexed
        } else {
            Depth::Sixteen
        };
        Self { depth, ascii: !utf8 || term == "linux" || term == "dumb", mark: None }
    }

    /// Has a word stand in the title of every part.
    pub(super) fn marked(self, mark: Option<&'static str>) -> Self {
        Self { mark, ..self }
    }

    /// Returns the word that stands in the title of every part.
    pub(super) fn mark(self) -> Option<&'static str> {
        self.mark
    }

    /// Puts the word that stands everywhere before a title.
    pub(super) fn titled(self, title: &str) -> String {
        match self.mark {
            Some(mark) => format!(" {mark}:{title}"),
            None => title.to_owned(),
        }
    }

    /// Is the look without colours and in ASCII.
    #[cfg(test)]
    pub(super) const fn plain() -> Self {
        Self { depth: Depth::None, ascii: true, mark: None }
    }

    /// Is the look with any colour and all glyphs.
    #[cfg(test)]
    pub(super) const fn rich() -> Self {
        Self { depth: Depth::Any, ascii: false, mark: None }
    }

    fn ink(self, sixteen: Color, indexed: u8, (red, green, blue): (u8, u8, u8)) -> Style {
        match self.depth {
            Depth::None => Style::new(),
            Depth::Sixteen => Style::new().fg(sixteen),
            Depth::Indexed => Style::new().fg(Color::Indexed(indexed)),
            Depth::Any => Style::new().fg(Color::Rgb(red, green, blue)),
        }
    }

    /// What is said without weight.
    pub(super) fn quiet(self) -> Style {
        match self.depth {
            Depth::None => Style::new(),
            Depth::Sixteen | Depth::Indexed | Depth::Any => self.ink(Color::DarkGray, 245, (138, 138, 138)),
        }
    }

    /// A heading.
    pub(super) fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The name of a part: "what", "undo".
    pub(super) fn label(self) -> Style {
        self.ink(Color::Cyan, 73, (86, 170, 180))
    }

    /// A key that works now.
    pub(super) fn key(self) -> Style {
        self.ink(Color::Cyan, 73, (86, 170, 180)).add_modifier(Modifier::BOLD)
    }

    /// It holds, it is done.
    pub(super) fn good(self) -> Style {
        self.ink(Color::Green, 71, (95, 175, 95))
    }

    /// It failed.
    pub(super) fn bad(self) -> Style {
        self.ink(Color::Red, 167, (215, 95, 95)).add_modifier(Modifier::BOLD)
    }

    /// It wants care: irreversible, a warning, a confirm text.
    pub(super) fn care(self) -> Style {
        self.ink(Color::Yellow, 179, (215, 165, 75)).add_modifier(Modifier::BOLD)
    }

    /// It goes on now.
    pub(super) fn busy(self) -> Style {
        self.ink(Color::Blue, 75, (95, 160, 235))
    }

    /// A command or a path.
    pub(super) fn code(self) -> Style {
        self.ink(Color::Magenta, 140, (175, 135, 215))
    }

    /// A line that comes, in a diff.
    pub(super) fn added(self) -> Style {
        self.good()
    }

    /// A line that goes, in a diff.
    pub(super) fn removed(self) -> Style {
        self.ink(Color::Red, 167, (215, 95, 95))
    }

    /// The row or field that the keys work on.
    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A place to type into.
    pub(super) fn field(self) -> Style {
        Style::new().add_modifier(Modifier::UNDERLINED)
    }

    /// The badge of a protected run.
    pub(super) fn badge(self) -> Style {
        self.bad().add_modifier(Modifier::REVERSED)
    }

    /// The border of a part; of the one that the keys scroll, stronger.
    pub(super) fn border(self, focused: bool) -> Style {
        if focused { self.key() } else { self.quiet() }
    }

    /// The lines that borders are made of.
    pub(super) fn border_set(self) -> border::Set<'static> {
        if self.ascii {
            border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            }
        } else {
            border::PLAIN
        }
    }

    /// Says that something is left out.
    pub(super) fn more(self) -> &'static str {
        self.pick("…", "..")
    }

    /// Stands before the row that is next.
    pub(super) fn pointer(self) -> &'static str {
        self.pick("▶", ">")
    }

    /// Stands between two things on a line.
    pub(super) fn dot(self) -> &'static str {
        self.pick("·", "-")
    }

    /// Stands in place of each character of a secret, where any is shown.
    pub(super) fn hidden(self) -> &'static str {
        self.pick("•", "*")
    }

    /// A ticked or unticked box.
    pub(super) fn tick(self, ticked: bool) -> &'static str {
        if ticked { "[x]" } else { "[ ]" }
    }

    fn pick(self, glyph: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { glyph }
    }

    /// Shows the state of a step.
    pub(super) fn state(self, state: StepState) -> Mark {
        let (glyph, ascii, style) = match state {
            StepState::Pending => ("·", ".", self.quiet()),
            StepState::Waiting => ("◆", "=", self.care()),
            StepState::Running => ("●", "*", self.busy()),
            StepState::Verifying => ("◎", "o", self.busy()),
            StepState::Done => ("✓", "+", self.good()),
            StepState::Warned => ("!", "!", self.care()),
            StepState::Failed | StepState::RollbackFailed => ("✗", "x", self.bad()),
            StepState::Unknown => ("?", "?", self.care()),
            StepState::Skipped => ("»", "-", self.quiet()),
            StepState::LeftOut => (" ", " ", self.quiet()),
            StepState::RolledBack => ("↶", "<", self.label()),
        };
        Mark { glyph: self.pick(glyph, ascii), word: words::state(state), style }
    }

    /// Shows the step whose turn it is and that has not been started.
    pub(super) fn active(self) -> Mark {
        Mark { glyph: self.pointer(), word: "active", style: self.key() }
    }

    /// Shows what a probe found.
    pub(super) fn finding(self, finding: Finding, pass: bool, warn: bool) -> Mark {
        let word = words::finding(finding);
        match (pass, warn) {
            (true, _) => Mark { glyph: self.pick("✓", "+"), word, style: self.good() },
            (false, true) => Mark { glyph: "!", word, style: self.care() },
            (false, false) => Mark { glyph: self.pick("✗", "x"), word, style: self.bad() },
        }
    }

    /// Brings a style from outside (a command's colours, Markdown) down to what the terminal shows.
    pub(super) fn adapt(self, style: Style) -> Style {
        let bring = |color: Color| match (self.depth, color) {
            (Depth::None, _) | (Depth::Sixteen, Color::Indexed(16..)) => None,
            (Depth::Indexed, Color::Rgb(red, green, blue)) => Some(Color::Indexed(cube(red, green, blue))),
            (Depth::Sixteen, Color::Rgb(red, green, blue)) => Some(nearest(red, green, blue)),
            (Depth::Any | Depth::Indexed | Depth::Sixteen, color) => Some(color),
        };
        let (fg, bg) = (style.fg.and_then(bring), style.bg.and_then(bring));
        // Text in the colour of what is behind it would not be seen.
        let (fg, bg) = if fg == bg { (None, None) } else { (fg, bg) };
        let hidden = style.add_modifier - Modifier::HIDDEN;
        Style { fg, bg, underline_color: None, add_modifier: hidden, ..style }
    }
}

/// How Markdown looks.
impl tui_markdown::StyleSheet for Theme {
    fn heading(&self, _level: u8) -> Style {
        Theme::heading(*self)
    }

    fn heading_marker(&self, _level: u8) -> &'static str {
        ""
    }

    fn code(&self) -> Style {
        Theme::code(*self)
    }

    fn link(&self) -> Style {
        self.label().add_modifier(Modifier::UNDERLINED)
    }

    fn blockquote(&self) -> Style {
        self.quiet()
    }

    fn list_marker(&self) -> Style {
        self.label()
    }
}

/// Finds the nearest colour of the palette's cube.
fn cube(red: u8, green: u8, blue: u8) -> u8 {
    let level = |part: u8| {
        if part < 48 {
            0
        } else if part < 115 {
            1
        } else {
            (part - 35) / 40
        }
    };
    16 + 36 * level(red) + 6 * level(green) + level(blue)
}

/// Finds the named colour that has the same strong parts.
fn nearest(red: u8, green: u8, blue: u8) -> Color {
    let most = red.max(green).max(blue);
    let strong = |part: u8| part > most / 2 && most > 40;
    match (strong(red), strong(green), strong(blue)) {
        (false, false, false) => Color::DarkGray,
        (true, false, false) => Color::Red,
        (false, true, false) => Color::Green,
        (false, false, true) => Color::Blue,
        (true, true, false) => Color::Yellow,
        (true, false, true) => Color::Magenta,
        (false, true, true) => Color::Cyan,
        (true, true, true) => Color::Gray,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Theme {
        Theme::of(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_decides() {
        let utf8 = ("LANG", "en_GB.UTF-8");
        assert_eq!(of(&[utf8, ("TERM", "xterm")]).depth, Depth::Sixteen);
        assert_eq!(of(&[utf8, ("TERM", "xterm-256color")]).depth, Depth::Indexed);
        assert_eq!(of(&[utf8, ("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]).depth, Depth::Any);
        assert_eq!(of(&[utf8, ("TERM", "xterm-256color"), ("NO_COLOR", "1")]).depth, Depth::None);
        assert_eq!(of(&[utf8, ("TERM", "xterm-256color"), ("NO_COLOR", "")]).depth, Depth::Indexed);
        assert!(!of(&[utf8, ("TERM", "xterm")]).ascii);
        assert!(of(&[utf8, ("TERM", "linux")]).ascii);
        assert!(of(&[("LANG", "C"), ("TERM", "xterm")]).ascii);
        assert!(of(&[utf8, ("LC_ALL", "POSIX"), ("TERM", "xterm")]).ascii);
    }

    #[test]
    fn no_colours_hide_a_text() {
        let theme = Theme::rich();
        let black = Color::Indexed(0);
        assert_eq!(theme.adapt(Style::new().fg(black).bg(black).hidden().bold()), Style::new().bold());
        assert_eq!(theme.adapt(Style::new().fg(Color::Red).bg(black)), Style::new().fg(Color::Red).bg(black));
    }

    #[test]
    fn without_colour_no_colour_comes_through() {
        let theme = Theme::plain();
        assert_eq!(theme.adapt(Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Red)), Style::new());
        for style in [theme.good(), theme.bad(), theme.care(), theme.badge(), theme.quiet()] {
            assert!(style.fg.is_none() && style.bg.is_none());
        }
    }
}
