//! A run outlives its screen: the host goes on whatever becomes of who looks at it, and lets only one act.
//!
//! Through the built program, in real terminals; strangers come by the socket itself.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::desk::{Desk, brief};
use crate::support::process::is_gone;
use crate::support::terminal::Terminal;

const PLAYBOOK: &str = "
runsheet: 1
title: A run of its own
phases:
  - title: Only
    steps:
      - id: long
        title: The long step
        run: |
          for n in $(seq 1 40); do echo \"line $n\"; done
          for turn in $(seq 3000); do if [ -e go ]; then break; fi; sleep 0.02; done
          echo the last line
        read_only: true
        timeout: 10m
      - id: after
        title: The step after
        run: touch after-ran
        read_only: true
      - id: flood
        title: The flood
        run: (yes a line of a flood, one of very many || true) | head -n 150000; echo flooded
        read_only: true
        timeout: 10m
      - { id: last, title: The last step, run: echo last, read_only: true }
";

pub(crate) const ENTER: &str = "\r";
const F10: &str = "\x1b[21~";

pub(crate) struct Story {
    _folder: TempDir,
    pub(crate) desk: Desk,
}

impl Story {
    pub(crate) fn make() -> Self {
        let folder = TempDir::with_prefix("host-").expect("make a folder");
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("story.yaml"), PLAYBOOK).expect("write the playbook");
        Self { _folder: folder, desk }
    }

    pub(crate) fn terminal(&self, words: &[&str]) -> Terminal {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Terminal::start(&self.desk, &words, 100, 30)
    }

    /// Begins the run; Ada acts.
    pub(crate) fn begins(&self) -> Terminal {
        let terminal = self.terminal(&["run", "story.yaml", "--operator", "Ada"]);
        terminal.see("Nothing has happened yet");
        terminal.press(F10);
        next(&terminal, 1);
        terminal
    }

    /// Begins the run and goes on until the long step is under way.
    pub(crate) fn runs(&self) -> Terminal {
        let terminal = self.begins();
        terminal.press(ENTER);
        terminal.see("line 40");
        terminal
    }

    /// Lets the long step end.
    pub(crate) fn goes_on(&self) {
        fs::write(self.desk.home().join("go"), "").expect("let it go on");
    }

    pub(crate) fn journal(&self) -> Vec<String> {
        self.desk.journal().iter().map(brief).collect()
    }

    /// Waits until a record is in the journal.
    #[track_caller]
    pub(crate) fn recorded(&self, what: &str) {
        let begin = Instant::now();
        while !self.journal().iter().any(|record| record == what) {
            assert!(begin.elapsed() < Duration::from_mins(1), "not recorded: {what}\n{:#?}", self.journal());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns the process of the one host.
    #[track_caller]
    pub(crate) fn host(&self) -> u32 {
        let hosts = self.desk.hosts();
        assert_eq!(hosts.len(), 1, "{hosts:?}");
        hosts[0]
    }

    /// Waits until no host is left.
    #[track_caller]
    pub(crate) fn host_ends(&self) {
        let begin = Instant::now();
        while !self.desk.hosts().is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(30), "the host does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns who came and went, as recorded.
    pub(crate) fn presence(&self) -> Vec<Value> {
        let records = self.desk.journal().into_iter().map(|entry| entry["record"]["presence"].clone());
        records.filter(|presence| !presence.is_null()).collect()
    }

    pub(crate) fn stranger(&self) -> Stranger {
        let socket = UnixStream::connect(self.desk.run_folder().join("host.sock")).expect("connect");
        socket.set_read_timeout(Some(Duration::from_mins(1))).expect("set a limit");
        Stranger(socket)
    }
}

/// Waits until the step of a number can be started.
#[track_caller]
pub(crate) fn next(terminal: &Terminal, number: usize) {
    let headline = format!("Next: {number}/");
    terminal.until(&headline, |picture| picture.contains(&headline) && picture.contains("Enter start"));
}

/// Somebody at the socket who is no screen of ours.
pub(crate) struct Stranger(UnixStream);

impl Stranger {
    pub(crate) fn frame(&mut self, value: &Value) {
        // It may have been shown the door by now.
        self.says(value);
    }

    /// Says something; false when it has been shown the door.
    pub(crate) fn says(&mut self, value: &Value) -> bool {
        let text = value.to_string();
        let length = u32::try_from(text.len()).expect("a length");
        self.0.write_all(&length.to_be_bytes()).and_then(|()| self.0.write_all(text.as_bytes())).is_ok()
    }

    /// Has everything that it hears from now on gathered, until it is shown the door.
    pub(crate) fn listens(&self) -> JoinHandle<String> {
        let mut ear = Self(self.0.try_clone().expect("share the connection"));
        thread::spawn(move || std::iter::from_fn(|| ear.hears()).map(|value| value.to_string()).collect())
    }

    pub(crate) fn hello(&mut self, role: &str) {
        self.frame(&json!({
            "protocol": 1, "program": "0", "role": role, "operator": "Eve", "account": "eve", "host": "elsewhere"
        }));
    }

    pub(crate) fn hears(&mut self) -> Option<Value> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).ok()?;
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut body).ok()?;
        serde_json::from_slice(&body).ok()
    }

    /// Reads until the connection is closed.
    pub(crate) fn is_shown_out(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }
}

#[test]
fn a_screen_that_is_killed_takes_nothing_along() {
    let story = Story::make();
    let terminal = story.runs();
    terminal.signal(Signal::KILL);
    drop(terminal);
    story.recorded("presence");
    let shown = story.desk.call(["show", "--json"]).ends_with(0).out;
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((&shown["step"], &shown["live"]["pid"]), (&json!("long"), &json!(story.host())), "{shown}");

    // The same step, with what it printed before; and then what it prints later.
    let terminal = story.terminal(&["attach", "--operator", "Ada"]);
    terminal.see("line 40");
    terminal.see("The long step");
    story.goes_on();
    next(&terminal, 2);
    terminal.press("k");
    terminal.see("the last line");
    terminal.press("\x1b");
    next(&terminal, 2);
    let started = story.journal().iter().filter(|record| record.starts_with("started long")).count();
    assert_eq!(started, 1, "nothing was run again");
    assert_eq!(
        story.presence().iter().filter_map(|presence| presence.as_object()?.keys().next().cloned()).collect::<Vec<_>>(),
        ["detached", "attached"]
    );
    let transcript = fs::read_to_string(story.desk.run_folder().join("transcript/long.1.log")).expect("a transcript");
    assert!(transcript.lines().count() == 41 && transcript.ends_with("the last line\n"), "{transcript}");
    terminal.press("q");
    terminal.see("leave?");
    terminal.press("y");
    assert_eq!(terminal.ends().code, Some(130));
    story.host_ends();
}

#[test]
fn losing_the_terminal_only_detaches() {
    let story = Story::make();
    let terminal = story.runs();
    terminal.signal(Signal::HUP);
    let left = terminal.ends();
    assert_eq!(left.code, Some(130));
    assert!(left.text.contains("interrupted by SIGHUP") && left.text.contains("runsheet attach"), "{}", left.text);

    // `resume` of a run that goes on comes back to it as well.
    let terminal = story.terminal(&["resume", "--operator", "Ada"]);
    terminal.see("line 40");
    let (_, took) = terminal.vanishes();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let host = story.host();
    story.goes_on();
    story.recorded("performed long ok");

    let terminal = story.terminal(&["attach", "--plain"]);
    let picture = terminal.see("Only, step 2 of 4");
    assert!(picture.find("the last line") < picture.find("Only, step 2 of 4"), "what is asked stands last\n{picture}");
    assert_eq!(story.host(), host);
    // Leaving it running is a word of its own.
    terminal.press("d\r");
    let left = terminal.ends();
    assert_eq!(left.code, Some(130), "{}", left.text);
    assert!(left.text.contains("goes on without this screen"), "{}", left.text);
    assert_eq!(story.host(), host);
    assert!(!story.journal().iter().any(|record| record.starts_with("paused")));
}

#[test]
fn who_watches_sees_it_live_and_can_do_nothing() {
    let story = Story::make();
    let terminal = story.begins();
    let before = story.journal();
    let watching = story.terminal(&["watch"]);
    watching.see("WATCHING");
    watching.see("Ada acts; this screen only watches");
    watching.press(ENTER);
    watching.press("yxsbnAhrT");
    let plain = story.terminal(&["watch", "--plain"]);
    plain.see("WATCHING: Ada acts");
    plain.press("\rT\ry\r");
    plain.see("This only watches");
    assert_eq!(story.journal(), before, "nothing of that was taken");
    terminal.press(ENTER);
    for screen in [&terminal, &watching, &plain] {
        screen.see("line 40");
    }
    assert!(watching.picture().contains("WATCHING"));
    plain.press("q\r");
    assert_eq!(plain.ends().code, Some(0));
    watching.press("q");
    assert_eq!(watching.ends().code, Some(0));
    story.goes_on();
    next(&terminal, 2);
    assert!(story.presence().is_empty(), "who only watches is not recorded");
}

#[test]
fn taking_over_is_asked_and_recorded() {
    let story = Story::make();
    let first = story.begins();
    let second = story.terminal(&["attach", "--operator", "Grace"]);
    second.see("Ada acts; this screen only watches");
    second.press("T");
    second.see("take over?");
    assert!(story.presence().is_empty(), "asked first");
    second.press("y");
    next(&second, 1);
    first.see("WATCHING");
    first.see("Grace took over");
    let presence = story.presence();
    assert_eq!(presence.len(), 1, "{presence:?}");
    assert_eq!(presence[0]["taken_over"]["operator"], "Grace");
    assert_eq!(presence[0]["taken_over"]["from"], "Ada");
    // Keys of who acted before do nothing now.
    first.press(ENTER);
    second.press(ENTER);
    second.see("line 40");
    first.see("line 40");
    let started = story.journal().iter().filter(|record| record.starts_with("started")).count();
    assert_eq!(started, 1);
    first.press("q");
    first.ends();
    // Once nobody acts, whoever comes just does.
    drop(second);
    let third = story.terminal(&["attach", "--operator", "Joan"]);
    third.see("x stop");
    assert!(!third.picture().contains("WATCHING"));
    let report = story.desk.call(["report"]).ends_with(0).out;
    assert!(report.contains("Grace took over from Ada") && report.contains("Joan acts from here on"), "{report}");
}

#[test]
fn a_client_that_never_reads_holds_up_nothing() {
    let story = Story::make();
    let terminal = story.runs();
    let mut deaf: Vec<Stranger> = (0..3).map(|_| story.stranger()).collect();
    for stranger in &mut deaf {
        stranger.hello("watch");
    }
    story.goes_on();
    for number in [2, 3, 4] {
        next(&terminal, number);
        terminal.press(ENTER);
    }
    terminal.see("Completed.");
    // And who read nothing finds the end of it, with what was left out said.
    let mut heard = String::new();
    while let Some(value) = deaf[0].hears() {
        heard.push_str(&value.to_string());
    }
    assert!(heard.contains("output left out here; the transcript has it") && heard.contains("flooded"));
    assert!(heard.len() < 8 << 20, "{}", heard.len());
}

#[test]
fn strangers_end_only_themselves() {
    let story = Story::make();
    let terminal = story.begins();
    let before = story.journal();
    let lines: [&[u8]; 5] =
        [b"GET / HTTP/1.1\r\n\r\n", &[0xff; 64], &[0, 0, 0, 3, b'{', b'{', b'{'], b"\0\0\0\x10{\"protocol\":", &[]];
    for line in lines {
        let mut stranger = story.stranger();
        let _ = stranger.0.write_all(line);
        let _ = stranger.0.shutdown(std::net::Shutdown::Write);
        stranger.is_shown_out();
    }
    let mut old = story.stranger();
    old.frame(&json!({ "protocol": 77, "something": "else" }));
    assert!(old.is_shown_out().contains("not 77"));
    // What comes from the world, nobody can say; and who watches can say nothing.
    for said in [
        json!({ "say": { "performed": { "target": { "step": "long" }, "attempt": 1, "outcome": {} } } }),
        json!({ "say": { "pause": { "why": "x" } } }),
        json!({ "shout": 1 }),
    ] {
        let mut stranger = story.stranger();
        stranger.hello("watch");
        assert!(stranger.hears().is_some_and(|welcome| welcome.get("welcome").is_some()));
        stranger.frame(&said);
        stranger.is_shown_out();
    }
    let mut eve = story.stranger();
    eve.hello("watch");
    eve.frame(&json!({ "say": { "go": { "step": "long", "confirmed": true } } }));
    eve.frame(&json!("take_over"));
    let mut told = String::new();
    while !told.contains("came to watch only") {
        told.push_str(&eve.hears().expect("more").to_string());
    }
    assert!(told.contains("Ada acts here"), "{told}");
    drop(eve);
    assert_eq!(story.journal(), before);
    terminal.press(ENTER);
    terminal.see("line 40");
}

#[test]
fn the_second_run_is_told_who_where_and_how() {
    let story = Story::make();
    let _terminal = story.runs();
    let (id, host) = (story.desk.run_id(), story.host());
    let second = story.desk.call(["run", "story.yaml", "--unattended"]).ends_with(1);
    for text in ["Ada", "at work: long", &id, &host.to_string(), "runsheet watch", "runsheet attach"] {
        assert!(second.err.contains(text), "{text:?} is not in\n{}", second.err);
    }
    let listed = story.desk.call(["runs"]).ends_with(0).out;
    assert!(listed.contains("running, attach"), "{listed}");
    // Free at once when the host is killed; its screen says so and ends.
    kill_process(Pid::from_raw(i32::try_from(host).expect("an id")).expect("an id"), Signal::KILL).expect("kill it");
    while !is_gone(host) {
        std::thread::yield_now();
    }
    story.goes_on();
    story.desk.call(["resume", "--unattended"]).ends_with(0);
}

#[test]
fn a_host_that_is_killed_is_told_and_the_run_is_resumed() {
    let story = Story::make();
    let terminal = story.runs();
    let host = story.host();
    kill_process(Pid::from_raw(i32::try_from(host).expect("an id")).expect("an id"), Signal::KILL).expect("kill it");
    let left = terminal.ends();
    assert_eq!(left.code, Some(130), "{}", left.text);
    for text in ["the host of this run is gone", "may still be running", "runsheet resume"] {
        assert!(left.text.contains(text), "{}", left.text);
    }
    let terminal = story.terminal(&["resume"]);
    // It only reads, so nobody need decide whether it did something.
    next(&terminal, 1);
}

#[test]
fn a_signal_to_the_host_ends_it_as_it_ends_a_run_in_one_process() {
    let story = Story::make();
    let terminal = story.runs();
    let host = Pid::from_raw(i32::try_from(story.host()).expect("an id")).expect("an id");
    // Hanging up is nothing to a host.
    kill_process(host, Signal::HUP).expect("send a signal");
    kill_process(host, Signal::TERM).expect("send a signal");
    let left = terminal.ends();
    assert_eq!(left.code, Some(130), "{}", left.text);
    assert!(left.text.contains("interrupted by SIGTERM") && left.text.contains("runsheet resume"), "{}", left.text);
    story.host_ends();
    let journal = story.journal();
    assert!(journal.contains(&"performed long stopped".to_owned()), "{journal:#?}");
    assert!(journal.last().is_some_and(|last| last.starts_with("paused")), "{journal:#?}");
}

#[test]
fn in_the_foreground_there_is_no_host() {
    let story = Story::make();
    let terminal = story.terminal(&["run", "story.yaml", "--foreground"]);
    terminal.see("Nothing has happened yet");
    terminal.press(F10);
    next(&terminal, 1);
    assert!(story.desk.hosts().is_empty());
    let refused = story.desk.call(["attach"]).ends_with(2);
    assert!(refused.err.contains("no run has a host"), "{}", refused.err);
    let listed = story.desk.call(["runs"]).ends_with(0).out;
    assert!(listed.contains("running") && !listed.contains("attach"), "{listed}");
    let (status, _) = terminal.vanishes();
    assert!(!status.success());
    assert!(story.journal().iter().any(|record| record.starts_with("paused")));
}
