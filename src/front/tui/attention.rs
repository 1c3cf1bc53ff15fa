//! Calls a person back to a screen that nobody looks at: by a notification of the desktop, where the terminal makes one, else by
//! the bell.
//!
//! A terminal that knows tells when it gains and loses the focus; of one that does not, nothing is known, and the bell is enough.
//! What must stay true: what is sent is safe for any terminal, and holds nothing that is not on the screen.

use serde::Deserialize;

use super::state::Walk;
use crate::engine::Awaiting;
use crate::output::one_line;
use crate::words;

/// How a person is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// As well as the terminal can.
    #[default]
    Desktop,
    /// By the bell.
    Bell,
    /// Not at all.
    Off,
}

/// What a terminal understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// `BEL`.
    Bell,
    /// `OSC 9`: a text (iTerm2 and others).
    Osc9,
    /// `OSC 777;notify`: a title and a text (rxvt, foot).
    Osc777,
    /// Nothing.
    Silence,
}

/// The most characters of a notification.
const LONGEST: usize = 200;

impl Voice {
    /// Finds out what the terminal understands. One that is not known, or sits within another, has a bell.
    pub(super) fn of(attention: Attention, env: impl Fn(&str) -> Option<String>) -> Self {
        match attention {
            Attention::Off => return Self::Silence,
            Attention::Bell => return Self::Bell,
            Attention::Desktop => {}
        }
        if ["TMUX", "STY"].iter().any(|name| env(name).is_some_and(|value| !value.is_empty())) {
            return Self::Bell;
        }
        let (program, term) = (env("TERM_PROGRAM").unwrap_or_default(), env("TERM").unwrap_or_default());
        match (program.as_str(), term.as_str()) {
            ("iTerm.app" | "WezTerm" | "ghostty", _) | (_, "xterm-ghostty" | "xterm-kitty") => Self::Osc9,
            (_, term) if term.starts_with("foot") || term.starts_with("rxvt") => Self::Osc777,
            (_, _) => Self::Bell,
        }
    }

    /// Makes what is sent to the terminal.
    pub(super) fn says(self, text: &str) -> String {
        // What ends a sequence, or a field of it, is not in it.
        let text: String = one_line(text).chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        let text = text.replace(';', ",");
        match self {
            Self::Silence => String::new(),
            Self::Bell => "\x07".to_owned(),
            Self::Osc9 => format!("\x1b]9;runsheet: {text}\x07"),
            Self::Osc777 => format!("\x1b]777;notify;runsheet;{text}\x07"),
        }
    }
}

impl Walk {
    /// Notes that the run came to something after it was at work, long or not.
    pub(super) fn call_back(&mut self, long: bool) {
        // Who looks at it sees it.
        if self.focus == Some(true) {
            return;
        }
        let person = matches!(
            self.awaiting,
            Awaiting::Person(_)
                | Awaiting::Decision(_)
                | Awaiting::UndoDecision(_)
                | Awaiting::Approval(..)
                | Awaiting::SignOff(_)
                | Awaiting::Incomplete
        );
        if long || (person && self.focus == Some(false)) {
            self.ring = Some(words::awaiting(&self.awaiting));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(attention: Attention, env: &[(&str, &str)]) -> Voice {
        Voice::of(attention, |name| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_terminal_gets_what_it_understands() {
        for (env, wanted) in [
            (&[("TERM", "xterm-256color")][..], Voice::Bell),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], Voice::Osc9),
            (&[("TERM", "xterm-kitty")], Voice::Osc9),
            (&[("TERM", "foot-extra")], Voice::Osc777),
            (&[("TERM", "rxvt-unicode-256color")], Voice::Osc777),
            (&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x"), ("TERM_PROGRAM", "iTerm.app")], Voice::Bell),
            (&[], Voice::Bell),
        ] {
            assert_eq!(voice(Attention::Desktop, env), wanted, "{env:?}");
            assert_eq!(voice(Attention::Bell, env), Voice::Bell);
            assert_eq!(voice(Attention::Off, env), Voice::Silence);
        }
    }

    #[test]
    fn nothing_in_a_text_ends_the_sequence() {
        let hostile = "a\x07b\x1b]52;c;x\x1b\\c\u{9c}d\u{9d}e\nf";
        for voice in [Voice::Bell, Voice::Osc9, Voice::Osc777, Voice::Silence] {
            let said = voice.says(hostile);
            let inner = said.strip_suffix('\x07').unwrap_or_default();
            let inner = inner.strip_prefix("\x1b]").unwrap_or(inner);
            assert!(!inner.chars().any(char::is_control), "{said:?}");
        }
        assert_eq!(Voice::Osc9.says("waits; for ada"), "\x1b]9;runsheet: waits, for ada\x07");
        assert_eq!(Voice::Osc777.says("x;y"), "\x1b]777;notify;runsheet;x,y\x07");
        assert!(Voice::Osc9.says(&"x".repeat(10_000)).len() < 300);
    }
}
