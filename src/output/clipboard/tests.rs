//! What is done with a clipboard that is a toy, and what the terminal is asked.

use std::sync::{Arc, Mutex};

use super::terminal::{MOST, ask};
use super::*;

/// A clipboard, as another program sees it; none where it cannot be read.
#[derive(Clone, Default)]
struct Toy(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    text: String,
    hidden: bool,
    broken: bool,
    stuck: bool,
}

impl Place for Toy {
    fn put(&mut self, text: &str, secret: bool) -> Result<(), String> {
        let mut state = self.0.lock().unwrap();
        if state.broken {
            return Err("no display".to_owned());
        }
        (state.text, state.hidden) = (text.to_owned(), secret);
        Ok(())
    }

    fn holds(&mut self, text: &str) -> Result<bool, String> {
        let state = self.0.lock().unwrap();
        if state.broken { Err("no answer".to_owned()) } else { Ok(state.text == text) }
    }

    fn clear(&mut self) -> Result<(), String> {
        let mut state = self.0.lock().unwrap();
        if state.stuck {
            return Err("no answer".to_owned());
        }
        state.text.clear();
        Ok(())
    }
}

impl Toy {
    fn text(&self) -> String {
        self.0.lock().unwrap().text.clone()
    }
}

/// A thread's work on a toy, told what to do and ended here. Gives back what was said, and the last word.
struct Bench {
    toy: Toy,
    told: Receiver<Told>,
    orders: Sender<Copied>,
    end: thread::JoinHandle<Option<String>>,
}

impl Bench {
    fn with(reach: Reach, kept: Duration) -> Self {
        let toy = Toy::default();
        let ((tell, told), (orders, heard)) = (channel(), channel());
        let place = Box::new(toy.clone());
        let end = thread::spawn(move || {
            let told = Box::new(move |of| drop(tell.send(of)));
            Work { place, reach, told, kept }.until_the_end(&heard)
        });
        Self { toy, told, orders, end }
    }

    fn copy(&self, text: &str) {
        self.orders.send(Copied::Text(text.to_owned())).unwrap();
    }

    fn copy_secret(&self) {
        let text = Zeroizing::new("CANARY-copied".to_owned());
        self.orders.send(Copied::Secret { name: "key".to_owned(), text }).unwrap();
    }

    fn said(&self) -> String {
        match self.told.recv_timeout(Duration::from_mins(1)).unwrap() {
            Told::Said(said) => said,
            Told::Ask(bytes) => format!("{} bytes", bytes.len()),
        }
    }

    fn end(self) -> Option<String> {
        drop(self.orders);
        self.end.join().unwrap()
    }
}

const NEVER: Duration = Duration::from_hours(1);

#[test]
fn a_secret_is_cleared_after_a_time_if_it_is_still_there() {
    let bench = Bench::with(Reach::Display, Duration::ZERO);
    bench.copy_secret();
    assert_eq!(bench.said(), "key copied; cleared in 0 s if it is still there");
    assert_eq!(bench.said(), "key cleared from the clipboard");
    assert_eq!(bench.toy.text(), "");
    assert!(bench.toy.0.lock().unwrap().hidden, "managers are asked not to keep it");
    assert_eq!(bench.end(), None, "it was said already");
}

#[test]
fn a_secret_is_cleared_when_the_program_is_left() {
    let bench = Bench::with(Reach::Display, NEVER);
    bench.copy_secret();
    bench.said();
    let toy = bench.toy.clone();
    assert_eq!(toy.text(), "CANARY-copied");
    assert_eq!(bench.end().as_deref(), Some("key cleared from the clipboard"));
    assert_eq!(toy.text(), "");
}

#[test]
fn what_somebody_else_copied_since_is_left_alone() {
    let bench = Bench::with(Reach::Display, NEVER);
    bench.copy_secret();
    bench.said();
    let toy = bench.toy.clone();
    "something else".clone_into(&mut toy.0.lock().unwrap().text);
    assert_eq!(bench.end().as_deref(), Some("the clipboard holds key no more; nothing was cleared"));
    assert_eq!(toy.text(), "something else");
}

#[test]
fn what_we_copied_since_is_left_alone() {
    let bench = Bench::with(Reach::Display, NEVER);
    bench.copy_secret();
    bench.copy("https://example.com");
    assert_eq!([bench.said(), bench.said()][1], "copied");
    let toy = bench.toy.clone();
    assert!(!toy.0.lock().unwrap().hidden);
    assert_eq!(bench.end(), None, "there is no secret to speak of any more");
    assert_eq!(toy.text(), "https://example.com");
}

#[test]
fn what_cannot_be_known_or_done_is_said() {
    let bench = Bench::with(Reach::Display, NEVER);
    bench.copy_secret();
    bench.said();
    bench.toy.0.lock().unwrap().broken = true;
    let said = bench.end().unwrap();
    assert_eq!(said, "whether the clipboard still holds key cannot be seen: no answer; clear it yourself");

    let bench = Bench::with(Reach::Display, NEVER);
    bench.copy_secret();
    bench.said();
    bench.toy.0.lock().unwrap().stuck = true;
    let said = bench.end().unwrap();
    assert_eq!(said, "key could not be cleared from the clipboard: no answer; clear it yourself");
}

#[test]
fn a_terminal_is_asked_and_nothing_is_claimed() {
    let bench = Bench::with(Reach::Terminal { tmux: false }, Duration::ZERO);
    bench.copy_secret();
    assert_eq!(bench.said(), "29 bytes");
    assert_eq!(bench.said(), "key sent to your terminal to copy; clear it yourself when it is used");
    assert_eq!(bench.said(), "key may still be in your terminal's clipboard: clear it yourself");
    assert_eq!(bench.toy.text(), "");
    assert_eq!(bench.end(), None);
}

#[test]
fn a_display_that_does_not_take_it_leaves_it_to_the_terminal() {
    let bench = Bench::with(Reach::Display, NEVER);
    bench.toy.0.lock().unwrap().broken = true;
    bench.copy("https://example.com");
    assert!(bench.said().ends_with(" bytes"));
    assert!(bench.said().starts_with("sent to your terminal to copy"));
    bench.copy(&"x".repeat(MOST + 1));
    assert_eq!(bench.said(), format!("not copied: {} bytes are more than terminals take ({MOST})", MOST + 1));
    assert_eq!(bench.end(), None);
}

#[test]
fn nothing_copied_is_nothing_to_say() {
    assert_eq!(Clipboard::new(|_| ()).finish(), None);
}

#[test]
fn asks_the_terminal_with_osc_52() {
    assert_eq!(**ask("some text", false).unwrap(), *b"\x1b]52;c;c29tZSB0ZXh0\x1b\\");
    assert!(ask(&"x".repeat(MOST + 1), false).is_err());
}

#[test]
fn tmux_is_asked_both_ways() {
    let written = ask("some text", true).unwrap();
    let plain = "\x1b]52;c;c29tZSB0ZXh0\x1b\\";
    let wrapped = format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b"));
    assert_eq!(String::from_utf8(written.to_vec()).unwrap(), format!("{plain}{wrapped}"));
}

#[test]
fn looks_for_a_display() {
    assert!(!has_display(|_| false) || cfg!(target_os = "macos"));
    assert!(has_display(|name| name == "WAYLAND_DISPLAY") || cfg!(target_os = "macos"));
}
