//! Programs that want a terminal, through the built program: keys, size, a way out, screens that come and go, fronts that have none.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::host::next;
use crate::support::desk::Desk;
use crate::support::terminal::{Left, Terminal};

/// Asks for a password, then does what it is told: `size`, `show`, `quit`.
const SHELL: &str = r#"read -rsp 'Password: ' word; echo
[ ${#word} = 12 ] && printf '\e[1;31mwelcome\e[0m\n'
while read -rp 'cmd: ' cmd; do
  case $cmd in size) stty size;; show) echo "key $KEY";; quit) exit 0;; esac
done"#;

struct Bench {
    _folder: TempDir,
    desk: Desk,
    playbook: String,
}

impl Bench {
    /// Makes a playbook with a step whose program has a terminal, and one behind it.
    fn of(script: &str) -> Self {
        let folder = TempDir::new().expect("make a folder");
        let desk = Desk::make(folder.path());
        desk.keep_secret("key", "CANARY-of-the-run");
        let script = script.replace('\n', "\n          ");
        let text = format!(
            "runsheet: 1\ntitle: Attended\ninputs:\n  key: {{ type: secret, from: {{ file: key }} }}\nphases:\n  - title: All\n    \
             steps:\n      - id: attended\n        title: Somebody attends it\n        tty: true\n        read_only: true\n        \
             env: {{ KEY: {{ secret: key }} }}\n        run: |\n          {script}\n      - id: behind\n        title: Behind it\n        \
             run: echo behind\n        read_only: true\n"
        );
        let path = desk.home().join("attended.yaml");
        fs::write(&path, text).expect("write the playbook");
        let playbook = path.display().to_string();
        Self { _folder: folder, desk, playbook }
    }

    fn terminal(&self, words: &[&str], columns: u16, rows: u16) -> Terminal {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        Terminal::start(&self.desk, &words, columns, rows)
    }

    /// Starts a run and its first step, and waits until keys go to the program.
    fn started(&self, columns: u16, rows: u16, shown: &str) -> Terminal {
        let terminal = self.terminal(&["run", &self.playbook], columns, rows);
        terminal.see("begin");
        terminal.press("\x1b[21~");
        next(&terminal, 1);
        terminal.press("\r");
        ready(&terminal, shown);
        terminal
    }

    fn transcript(&self) -> String {
        fs::read_to_string(self.desk.run_folder().join("transcript/attended.1.log")).expect("the transcript")
    }

    /// Holds that what was typed and what is secret stands nowhere.
    fn holds_nothing(&self, left: &Left) {
        let raw = String::from_utf8_lossy(&left.raw).into_owned();
        for text in [raw, everything(&self.desk.run_folder())] {
            for secret in ["CANARY-typed", "CANARY-of-the-run"] {
                assert!(!text.contains(secret), "{secret} is in {text}");
            }
        }
    }
}

/// Reads all that is in a folder.
fn everything(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            text.push_str(&everything(&entry.path()));
        } else {
            text.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap_or_default()));
        }
    }
    text
}

/// Says whether keys go to the program by now.
fn goes(picture: &str) -> bool {
    picture.lines().last().is_some_and(|foot| foot.contains("Ctrl-]") && !foot.contains("one moment"))
}

/// Waits until something is to be seen at a program's terminal, and keys go there.
pub(crate) fn ready(terminal: &Terminal, shown: &str) {
    terminal.until(shown, |picture| picture.contains(shown) && goes(picture));
}

/// Goes behind `Ctrl-]` with a key.
pub(crate) fn away(terminal: &Terminal, key: &str) {
    terminal.press("\x1d");
    terminal.see("type Ctrl-]");
    terminal.press(key);
}

#[test]
fn a_program_gets_keys_and_size_and_gives_the_screen_back() {
    let bench = Bench::of(SHELL);
    let terminal = bench.started(80, 24, "Password:");
    terminal.press("CANARY-typed\r");
    terminal.see("welcome");
    assert!(terminal.raw().contains("welcome"));
    terminal.press("size\r");
    terminal.see("22 80");
    terminal.press("show\r");
    terminal.see("key [secret]");
    // The run can be looked at while the program goes on.
    away(&terminal, "w");
    terminal.see("i back to the program");
    terminal.see("Behind it");
    terminal.press("i");
    ready(&terminal, "key [secret]");
    terminal.resize(120, 40);
    terminal.until("the larger screen", |picture| picture.lines().count() > 24 && goes(picture));
    terminal.press("size\r");
    terminal.see("38 120");
    // What leads away can be typed too.
    away(&terminal, "\x1d");
    terminal.see("^]");
    terminal.press("\x15quit\r");
    next(&terminal, 2);
    terminal.press("\r");
    terminal.see("Completed.");
    terminal.press("q");
    let left = terminal.ends();
    assert_eq!(left.code, Some(0), "{}", left.text);
    bench.holds_nothing(&left);
    let transcript = bench.transcript();
    assert!(transcript.contains("welcome") && transcript.contains("key [secret]"), "{transcript}");
}

#[test]
fn a_paste_comes_whole_and_is_not_handed_in() {
    let bench =
        Bench::of("read -rp 'Word: ' word; echo \"<$word>\"; read -rp 'More: ' more; echo \"<$more>\"; read -r");
    let terminal = bench.started(80, 24, "Word:");
    terminal.paste("a b\n");
    terminal.see("press Enter to hand it in");
    terminal.see("Word: a b");
    terminal.press("\r");
    terminal.see("<a b>");
    terminal.paste("c\x1bd");
    terminal.see("control characters were left out of the paste");
    terminal.press("\r");
    terminal.see("<cd>");
    terminal.press("\r");
    next(&terminal, 2);
    terminal.press("q");
    terminal.see("y leave");
    terminal.press("y");
    assert_eq!(terminal.ends().code, Some(130));
}

#[test]
fn it_is_stopped_from_behind_the_key() {
    // An interactive shell, which hears nothing but that its terminal is gone; a pager in it.
    let bench = Bench::of("PS1='shell: ' exec bash --norc -i");
    let terminal = bench.started(100, 30, "shell:");
    terminal.press("seq 1000 | less\r");
    ready(&terminal, "27");
    terminal.press(" ");
    ready(&terminal, "50");
    away(&terminal, "x");
    let picture = terminal.see("r run again");
    assert!(picture.contains("stopped by the operator"), "{picture}");
    terminal.press("q");
    terminal.see("y leave");
    terminal.press("y");
    assert_eq!(terminal.ends().code, Some(130));
}

#[test]
fn it_outlives_its_screen_and_comes_back_as_it_stood() {
    let bench = Bench::of(SHELL);
    let terminal = bench.started(80, 24, "Password:");
    terminal.press("CANARY-typed\r");
    terminal.see("cmd:");
    terminal.signal(Signal::KILL);
    drop(terminal);
    // Nobody acts once the host has noticed.
    let begin = Instant::now();
    while !bench.desk.journal().iter().any(|entry| entry["record"]["presence"]["detached"].is_object()) {
        assert!(begin.elapsed() < Duration::from_mins(1), "the host does not notice");
        std::thread::sleep(Duration::from_millis(5));
    }

    let second = bench.terminal(&["attach"], 100, 30);
    ready(&second, "welcome");
    second.press("size\r");
    second.see("28 100");
    // Somebody looks on: the same picture, and no key of theirs gets there.
    let watcher = bench.terminal(&["watch"], 80, 24);
    watcher.see("28 100");
    watcher.see("WATCHING");
    watcher.press("show\r");
    second.press("\x1d");
    second.see("leave it running");
    second.press("d");
    assert_eq!(second.ends().code, Some(130));
    watcher.press("q");
    let left = watcher.ends();
    assert!(!left.text.contains("key [secret]"), "{}", left.text);

    let third = bench.terminal(&["attach"], 80, 24);
    ready(&third, "28 100");
    third.press("quit\r");
    next(&third, 2);
    third.press("\r");
    third.see("Completed.");
    third.press("q");
    let left = third.ends();
    assert_eq!(left.code, Some(0), "{}", left.text);
    bench.holds_nothing(&left);
}

#[test]
fn fronts_without_a_screen_say_what_it_needs() {
    let bench = Bench::of(SHELL);
    let answers = bench.desk.answers("answers.yaml", "attended: done\n");
    let called = bench.desk.call(["run", &bench.playbook, "--unattended", "--answers", &answers]).ends_with(7);
    assert!(called.err.contains("attended needs a person: its program is attended at a terminal"), "{}", called.err);
    let called = bench.desk.call(["run", &bench.playbook, "--unattended", "--dry-run"]).ends_with(0);
    assert!(
        called.out.contains("attend it: it gets the screen") && called.out.contains("end    completed"),
        "{}",
        called.out
    );

    let plain = bench.terminal(&["run", &bench.playbook, "--plain", "--foreground"], 100, 30);
    plain.see("Enter takes the one of");
    plain.press("\r");
    plain.see("Begin the run?");
    plain.press("\r");
    plain.see("[Enter] start");
    plain.press("\r");
    plain.see("needs the full screen");
    plain.press("q\r");
    assert_eq!(plain.ends().code, Some(130));
}
