//! A bench for the full screen: the program in a real terminal (a pty), and a person who reads before pressing a key.
//!
//! It never sleeps: it waits for what is to be seen, and fails with the picture when that does not come. Every byte that
//! the terminal received is kept.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::num::NonZeroU16;
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pts, Pty, open};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, Termios, tcgetattr};

use super::desk::{Desk, PROGRAM};

/// How long something may take to be seen.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the terminal has received and shows.
struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    closed: bool,
}

/// A terminal with the program in it.
pub(crate) struct Terminal {
    child: Child,
    /// The modes as the program found them.
    before: Termios,
    pty: Arc<Pty>,
    pts: Option<Pts>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    reader: Option<JoinHandle<()>>,
    /// Dropped to end the reader before the program has ended.
    stop: Option<PipeWriter>,
    /// The last that was sent was a paste.
    pasted: Cell<bool>,
}

/// What is left when the program has ended.
#[derive(Debug)]
pub(crate) struct Left {
    /// The exit status; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Every byte that the terminal received.
    pub(crate) raw: Vec<u8>,
    /// What it shows.
    pub(crate) text: String,
}

impl Terminal {
    /// Starts the program in a terminal of a size.
    pub(crate) fn start(desk: &Desk, words: &[String], columns: u16, rows: u16) -> Self {
        Self::start_other(PROGRAM, desk, words, columns, rows)
    }

    /// Starts another program at the same desk.
    pub(crate) fn start_other(program: &str, desk: &Desk, words: &[String], columns: u16, rows: u16) -> Self {
        let (pty, pts) = open().expect("open a pty");
        pty.resize(Size::new(rows, columns)).expect("set the size");
        let before = tcgetattr(pty.as_fd()).expect("ask for the modes");
        let child = Command::new(program)
            .args(words)
            .envs(desk.env())
            .env("TERM", "xterm-256color")
            .current_dir(desk.home())
            .env_remove("NO_COLOR")
            // a display's clipboard is not for tests to write to
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("TMUX")
            .spawn_borrowed(&pts)
            .expect("start the program");
        let parser = vt100::Parser::new(size(rows), size(columns), 0);
        let seen = Arc::new((Mutex::new(Seen { parser, raw: Vec::new(), closed: false }), Condvar::new()));
        let pty = Arc::new(pty);
        let (stopped, stop) = pipe().expect("make a pipe");
        let reader = thread::spawn({
            let (pty, seen) = (Arc::clone(&pty), Arc::clone(&seen));
            move || read(&pty, &stopped, &seen)
        });
        Self {
            child,
            before,
            pty,
            pts: Some(pts),
            seen,
            reader: Some(reader),
            stop: Some(stop),
            pasted: Cell::new(false),
        }
    }

    /// Returns the id of the program's process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns what the terminal shows, a line a row.
    pub(crate) fn picture(&self) -> String {
        lock(&self.seen.0).parser.screen().contents()
    }

    /// Waits until a text is to be seen.
    #[track_caller]
    pub(crate) fn see(&self, text: &str) -> String {
        self.until(&format!("{text:?}"), |picture| picture.contains(text))
    }

    /// Waits until one of several texts is to be seen, and returns the first of them that is.
    #[track_caller]
    pub(crate) fn see_one_of<'t>(&self, texts: &[&'t str]) -> &'t str {
        let picture =
            self.until(&format!("one of {texts:?}"), |picture| texts.iter().any(|text| picture.contains(text)));
        texts.iter().find(|text| picture.contains(**text)).expect("that is what was waited for")
    }

    /// Waits until the picture is as it should be, and returns it.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut(&str) -> bool) -> String {
        let begin = Instant::now();
        let (seen, bell) = &*self.seen;
        let mut seen = lock(seen);
        loop {
            let picture = seen.parser.screen().contents();
            if holds(&picture) {
                return picture;
            }
            let left = PATIENCE.saturating_sub(begin.elapsed());
            assert!(!left.is_zero() && !seen.closed, "not seen: {what}\n{}", framed(&picture));
            seen = bell.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the program has written something since it had written so many bytes; says how many there are now.
    #[track_caller]
    pub(crate) fn written(&self, since: usize) -> usize {
        let begin = Instant::now();
        let (seen, bell) = &*self.seen;
        let mut seen = lock(seen);
        while seen.raw.len() <= since {
            let left = PATIENCE.saturating_sub(begin.elapsed());
            assert!(!left.is_zero() && !seen.closed, "nothing more was written");
            seen = bell.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        seen.raw.len()
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("an id")).expect("an id");
        kill_process(pid, signal).expect("send a signal");
    }

    /// Says whether the terminal is as the program found it: modes, screen, cursor, paste.
    pub(crate) fn as_found(&self) -> bool {
        let seen = lock(&self.seen.0);
        let screen = seen.parser.screen();
        same(&self.before, &tcgetattr(self.pty.as_fd()).expect("ask for the modes"))
            && !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }

    /// Clears the screen behind the program's back, as somebody does who has the terminal meanwhile.
    pub(crate) fn clears(&self) {
        lock(&self.seen.0).parser.process(b"\x1b[2J\x1b[H");
    }

    /// Waits until what is typed is not shown.
    #[track_caller]
    pub(crate) fn until_hidden(&self) {
        let begin = Instant::now();
        while tcgetattr(self.pty.as_fd()).expect("ask for the modes").local_modes.contains(LocalModes::ECHO) {
            assert!(begin.elapsed() < PATIENCE, "what is typed is shown");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until Ctrl-S has its effect.
    #[track_caller]
    pub(crate) fn until_held(&self) {
        let begin = Instant::now();
        let pts = self.pts.as_ref().expect("the terminal is there");
        let now = rustix::event::Timespec::default();
        while poll(&mut [PollFd::new(pts, PollFlags::OUT)], Some(&now)).expect("ask the terminal") > 0 {
            assert!(begin.elapsed() < PATIENCE, "it is not held");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Answers a question of the plain lines, and again if the program found that too early, until something is to be seen.
    #[track_caller]
    pub(crate) fn answers(&self, line: &str, then: &str) {
        let (seen, bell) = &*self.seen;
        let early = |seen: &Seen| {
            let told = b"That came before the question was asked";
            seen.raw.windows(told.len()).filter(|part| part == told).count()
        };
        let (begin, mut before) = (Instant::now(), early(&lock(seen)));
        self.press(line);
        let mut seen = lock(seen);
        loop {
            let picture = seen.parser.screen().contents();
            if picture.contains(then) {
                return;
            }
            let left = PATIENCE.saturating_sub(begin.elapsed());
            assert!(!left.is_zero() && !seen.closed, "not seen: {then:?}\n{}", framed(&picture));
            if early(&seen) > before {
                before = early(&seen);
                self.press(line);
            }
            seen = bell.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Presses a key of the full screen until something is to be seen: again where the program says that it came too early.
    #[track_caller]
    pub(crate) fn press_until(&self, key: &str, then: &str) {
        let begin = Instant::now();
        self.press(key);
        let mut pressed = Instant::now();
        loop {
            let picture = self.picture();
            if picture.contains(then) {
                return;
            }
            // What is said stays until the next key is taken, so it is looked at again only after a while.
            if picture.contains("so it was not taken") && pressed.elapsed() > Duration::from_secs(3) {
                self.press(key);
                pressed = Instant::now();
            }
            assert!(begin.elapsed() < PATIENCE, "not seen: {then:?}\n{}", framed(&picture));
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the program has read what was typed.
    #[track_caller]
    pub(crate) fn until_read(&self) {
        let begin = Instant::now();
        let pts = self.pts.as_ref().expect("the terminal is there");
        while rustix::io::ioctl_fionread(pts).expect("ask the terminal") > 0 {
            assert!(begin.elapsed() < PATIENCE, "what was typed is not read");
            thread::sleep(Duration::from_millis(2));
        }
        // The line was taken; now its reader looks at the time.
        thread::sleep(Duration::from_millis(20));
    }

    /// Returns every byte that the terminal has received, as text.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&lock(&self.seen.0).raw).into_owned()
    }

    /// Stops reading what the program writes, as a connection does that stalls, or a terminal that somebody has held.
    pub(crate) fn holds(&mut self) {
        self.stop = None;
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends");
        }
    }

    /// Waits until the terminal takes nothing more. Has the program draw all anew meanwhile.
    #[track_caller]
    pub(crate) fn until_full(&self) {
        let begin = Instant::now();
        let pts = self.pts.as_ref().expect("the terminal is there");
        for turn in 0_u16.. {
            self.pty.resize(Size::new(40 + turn % 2, 120)).expect("set the size");
            let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
            // Once it is full, it stays so: nobody reads.
            if poll(&mut [PollFd::new(pts, PollFlags::OUT)], Some(&now)).expect("ask the terminal") == 0 {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "it takes more and more");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Reads again.
    pub(crate) fn lets_go(&mut self) {
        let (stopped, stop) = pipe().expect("make a pipe");
        let (pty, seen) = (Arc::clone(&self.pty), Arc::clone(&self.seen));
        self.reader = Some(thread::spawn(move || read(&pty, &stopped, &seen)));
        self.stop = Some(stop);
    }

    /// Waits for the program's end while nothing that it writes is read, and says how long that took.
    #[track_caller]
    pub(crate) fn ends_unread(&mut self) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("ask for the status") {
                let now = tcgetattr(self.pty.as_fd()).expect("ask for the modes");
                assert!(same(&self.before, &now), "the modes are those from before: {:?}, {now:?}", self.before);
                return (status, begin.elapsed());
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the program stands still with the terminal as it was found.
    #[track_caller]
    pub(crate) fn stands_still(&self) {
        let stat = format!("/proc/{}/stat", self.pid());
        let begin = Instant::now();
        loop {
            let stopped = std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "));
            if stopped && self.as_found() {
                return;
            }
            let (text, found) = (self.picture(), self.as_found());
            assert!(begin.elapsed() < PATIENCE, "stopped: {stopped}, as found: {found}\n{}", framed(&text));
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Takes the terminal away, as a lost connection does, and waits for the program's end.
    #[track_caller]
    pub(crate) fn vanishes(mut self) -> (ExitStatus, Duration) {
        self.stop = None;
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends");
        }
        self.pts = None;
        // Nobody else has it now.
        let (pty, other) = open().expect("open a pty");
        drop(other);
        drop(std::mem::replace(&mut self.pty, Arc::new(pty)));
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("ask for the status") {
                return (status, begin.elapsed());
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Presses keys, as the bytes that a terminal sends for them. Not sooner after a paste was seen than a hand could: what
    /// comes with a paste is no key to the program.
    pub(crate) fn press(&self, keys: &str) {
        if self.pasted.take() {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.send(keys);
    }

    fn send(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("write to the terminal");
    }

    /// Pastes a text, as a terminal with bracketed paste does.
    pub(crate) fn paste(&self, text: &str) {
        assert!(lock(&self.seen.0).parser.screen().bracketed_paste(), "the program asked for bracketed paste");
        self.send(&format!("\x1b[200~{text}\x1b[201~"));
        self.pasted.set(true);
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        lock(&self.seen.0).parser.set_size(size(rows), size(columns));
        self.pty.resize(Size::new(rows, columns)).expect("set the size");
    }

    /// Waits for the program's end, and holds that the terminal is as it was found.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Left {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("ask for the status") {
                break status;
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end\n{}", framed(&self.picture()));
            thread::sleep(Duration::from_millis(5));
        };
        let now = tcgetattr(self.pty.as_fd()).expect("ask for the modes");
        assert!(same(&self.before, &now), "the modes are those from before: {:?}, {now:?}", self.before);
        // With the last writer gone the reader comes to its end.
        self.pts = None;
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends");
        }
        let seen = lock(&self.seen.0);
        let screen = seen.parser.screen();
        assert!(!screen.alternate_screen(), "the other screen was left\n{}", framed(&screen.contents()));
        assert!(!screen.hide_cursor() && !screen.bracketed_paste(), "cursor and paste are as before");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is as before");
        assert!(!status.core_dumped(), "a core was left");
        Left { code: status.code(), raw: seen.raw.clone(), text: screen.contents() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Nothing to do after a good end; after a failed test nothing may be left.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(pty: &Pty, stopped: &PipeReader, seen: &(Mutex<Seen>, Condvar)) {
    let mut bytes = [0; 16 * 1024];
    loop {
        let mut asked = [PollFd::new(pty, PollFlags::IN), PollFd::new(stopped, PollFlags::empty())];
        poll(&mut asked, None).expect("wait for the terminal");
        if !asked[1].revents().is_empty() {
            return;
        }
        let got = { pty }.read(&mut bytes);
        let mut now = lock(&seen.0);
        match got {
            Ok(length) if length > 0 => {
                now.parser.process(&bytes[..length]);
                now.raw.extend_from_slice(&bytes[..length]);
            }
            // The other side is closed.
            Ok(_) | Err(_) => now.closed = true,
        }
        let closed = now.closed;
        drop(now);
        seen.1.notify_all();
        if closed {
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn size(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has rows and columns")
}

/// Says whether two settings are the same in every mode.
fn same(one: &Termios, other: &Termios) -> bool {
    one.input_modes == other.input_modes
        && one.output_modes == other.output_modes
        && one.control_modes == other.control_modes
        && one.local_modes == other.local_modes
}

/// Frames a picture, so that its empty rows are seen.
fn framed(picture: &str) -> String {
    picture.lines().fold(String::new(), |mut text, line| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "| {line}");
        text
    })
}
