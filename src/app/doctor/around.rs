//! What the doctor sees around the program: the terminal, bash, limits, the clock.

use std::env;

use rustix::process::{Resource, getrlimit};

use super::super::{place, run};
use super::Line;
use crate::session::clock;

/// The fewest descriptors that do: a command takes six, a probe three.
const DESCRIPTORS: u64 = 64;

/// Looks at all of it.
pub(super) fn look(terminal: bool) -> Vec<Line> {
    let mut lines = self::terminal(terminal);
    lines.push(if run::on_path("bash") {
        Line::ok("bash", "bash is on PATH")
    } else {
        Line::bad("bash", "bash is not on PATH, and scripts run with it", "install it, or give `shell:` in each step")
    });
    lines.extend(limits());
    lines.push(time());
    lines
}

fn terminal(terminal: bool) -> Vec<Line> {
    let given = |name: &str| env::var(name).unwrap_or_default();
    let mut lines = Vec::new();
    let term = given("TERM");
    if !terminal {
        lines.push(Line::ok("terminal", "standard output is none here; plain lines would be used"));
    } else if term.is_empty() || term == "dumb" {
        let told = "TERM says that it can show nothing but lines; plain lines are used";
        lines.push(Line::warn("terminal", told, "set TERM, such as xterm-256color, for the full screen"));
    } else {
        lines.push(match rustix::termios::tcgetwinsize(std::io::stdout()) {
            Ok(size) if size.ws_col < 80 || size.ws_row < 24 => {
                let told = format!("{}x{} is less than the full screen needs", size.ws_col, size.ws_row);
                Line::warn("terminal", told, "make it 80x24 or more, or use --plain")
            }
            Ok(size) => Line::ok("terminal", format!("{term}, {}x{}, {}", size.ws_col, size.ws_row, colours(&term))),
            Err(error) => {
                Line::warn("terminal", format!("its size cannot be had: {error}"), "if the screen is odd, use --plain")
            }
        });
        lines.push(clipboard(&term, &given("TERM_PROGRAM"), !given("TMUX").is_empty()));
    }
    let locale = [given("LC_ALL"), given("LC_CTYPE"), given("LANG")].into_iter().find(|text| !text.is_empty());
    let locale = locale.unwrap_or_default();
    let utf8 = locale.to_lowercase().replace('-', "").contains("utf8");
    lines.push(if utf8 {
        Line::ok("locale", format!("{locale}: UTF-8"))
    } else {
        let told = format!("{}: not UTF-8, so plain signs are used", if locale.is_empty() { "none" } else { &locale });
        Line::warn("locale", told, "set LANG, such as C.UTF-8, if the terminal can show it")
    });
    lines
}

fn colours(term: &str) -> &'static str {
    let true_colour = env::var("COLORTERM").is_ok_and(|value| value == "truecolor" || value == "24bit");
    match () {
        () if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => "no colour (NO_COLOR)",
        () if true_colour => "true colour",
        () if term.contains("256color") => "256 colours",
        () => "16 colours",
    }
}

/// Guesses whether the terminal takes a copied text (OSC 52). It cannot be asked.
fn clipboard(term: &str, program: &str, tmux: bool) -> Line {
    const TAKE: [&str; 8] = ["xterm", "kitty", "alacritty", "wezterm", "foot", "ghostty", "iterm", "contour"];
    if tmux {
        let told = "tmux takes a copied text only if its `set-clipboard` is on";
        return Line::ok("clipboard", told);
    }
    let both = format!("{term} {program}").to_lowercase();
    if TAKE.iter().any(|name| both.contains(name)) {
        Line::ok("clipboard", "over SSH the terminal probably takes a copied text (OSC 52)")
    } else {
        Line::ok("clipboard", "over SSH the terminal may not take a copied text (OSC 52)")
    }
}

fn limits() -> Vec<Line> {
    let mut lines = Vec::new();
    lines.push(match getrlimit(Resource::Core).current {
        Some(0) => Line::ok("core dumps", "off"),
        limit => {
            let limit = limit.map_or("unlimited".to_owned(), |limit| format!("{limit} bytes"));
            let told = format!("on ({limit}): a command that crashes may leave its secrets in a file");
            Line::warn("core dumps", told, "`ulimit -c 0` in the shell that starts runsheet")
        }
    });
    let files = getrlimit(Resource::Nofile).current;
    if files.is_some_and(|files| files < DESCRIPTORS) {
        let told = format!("only {} files may be open at a time", files.unwrap_or_default());
        lines.push(Line::bad("descriptors", told, format!("`ulimit -n {}` or more", DESCRIPTORS * 4)));
    }
    if let Some(size) = getrlimit(Resource::Fsize).current {
        let told = format!("a file may not grow beyond {size} bytes");
        lines.push(Line::warn("file size", told, "`ulimit -f unlimited`, or a long run stops for want of a journal"));
    }
    lines
}

/// A clock that went back makes a record that nobody believes.
fn time() -> Line {
    let now = clock::now();
    let last = place::state().ok().and_then(|state| state.runs().into_iter().map(|run| run.last_at).max());
    // The year in which this program was first written: no clock that is right says less.
    if now.as_second() < 1_767_225_600 {
        return Line::bad("clock", format!("it says {now}"), "set the clock: every record bears its time");
    }
    match last {
        Some(last) if last > now => {
            let told = format!("it says {now}, but the latest record was written at {last}");
            Line::warn("clock", told, "set the clock: every record bears its time")
        }
        Some(_) | None => Line::ok("clock", format!("it says {now}")),
    }
}
