//! Guests that a run's host did not hope for: another user, a client that says too much, and a screen that comes when all is over.
//!
//! Through the built program; strangers come by the socket itself, another user's too.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process};
use serde_json::{Value, json};

use crate::host::{Story, next};
use crate::support::desk::{PROGRAM, called};
use crate::support::terminal::{Left, Terminal};

/// A user that owns nothing here.
const NOBODY: u32 = 65534;

/// Connects to a socket, says who it is, and prints what it hears until it is shown the door.
const GUEST: &str = "
import json, socket, struct, sys
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(60)
sock.connect(sys.argv[1])
print('connected', flush=True)
hello = json.dumps({'protocol': 1, 'program': '0', 'role': 'act', 'operator': 'Eve', 'account': 'eve', 'host': 'here'}).encode()
try:
    sock.sendall(struct.pack('>I', len(hello)) + hello)
    said = b''
    while piece := sock.recv(4096):
        said += piece
    print('heard', len(said), flush=True)
except ConnectionError:
    print('heard 0', flush=True)
";

/// Opens a path to everybody: each folder on the way, and what it leads to.
fn opened(path: &Path, above: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("open the socket");
    for folder in path.ancestors().skip(1).take_while(|folder| *folder != above) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("open a folder");
    }
}

/// The modes keep other users out. Where somebody has opened those, the host still asks whose process it is that comes.
#[test]
fn another_user_is_let_in_by_nobody() {
    if !getuid().is_root() {
        println!("only root can be another user, so this was not tried: another user is let in by nobody");
        return;
    }
    let story = Story::make();
    let _terminal = story.begins();
    let socket = story.desk.run_folder().join("host.sock");
    let comes = |user: u32| {
        let mut command = Command::new("python3");
        called(command.args(["-c", GUEST]).arg(&socket).uid(user).gid(user).current_dir("/"))
    };
    let kept_out = comes(NOBODY);
    assert!(kept_out.err.contains("PermissionError"), "{}{}", kept_out.out, kept_out.err);
    assert_eq!(kept_out.out, "");

    opened(&socket, &std::env::temp_dir());
    let before = story.journal();
    let told = comes(NOBODY).ends_with(0);
    assert_eq!(told.out, "connected\nheard 0\n", "{}", told.err);
    assert_eq!(story.journal(), before);
    assert!(story.presence().is_empty(), "nobody came");
    // The same guest under our own name is let in: it was the name that kept it out.
    let mut ours = story.stranger();
    ours.hello("watch");
    assert!(ours.hears().is_some_and(|welcome| welcome.get("welcome").is_some()));
}

/// Hears until something is told, and returns all of it.
fn until(guest: &mut crate::host::Stranger, what: &str) -> String {
    let mut told = String::new();
    while !told.contains(what) {
        let Some(value) = guest.hears() else { panic!("shown out, and not told {what:?}: {told:.2000}") };
        told.push_str(&value.to_string());
    }
    told
}

const TOO_MUCH: &str = "said more than a run can hear";

/// Who acts and says more than anybody could is told, loses the seat and is let go; the run goes on meanwhile.
#[test]
fn who_says_too_much_is_let_go() {
    let story = Story::make();
    let terminal = story.runs();
    terminal.signal(Signal::HUP);
    terminal.ends();
    let mut eve = story.stranger();
    eve.hello("act");
    let heard = eve.listens();
    let note = json!({ "say": { "note": { "step": null, "text": "x".repeat(4_000) } } });
    let begin = Instant::now();
    // Each is written down and synced before the next is heard, so they cannot all be heard in time.
    while eve.says(&note) {
        assert!(begin.elapsed() < Duration::from_mins(1), "it is never too much");
    }
    let heard = heard.join().expect("it listens to the end");
    assert!(heard.contains("\"acts\"") && heard.contains(TOO_MUCH), "{heard:.2000}");
    let detached = || story.presence().iter().any(|presence| presence["detached"].to_string().contains(TOO_MUCH));
    while !detached() {
        assert!(begin.elapsed() < Duration::from_mins(2), "{:?}", story.presence());
        std::thread::sleep(Duration::from_millis(5));
    }
    // The seat is free, and nothing has happened to the run.
    let terminal = story.terminal(&["attach", "--operator", "Ada"]);
    terminal.see("x stop");
    story.goes_on();
    next(&terminal, 2);
    assert_eq!(story.journal().iter().filter(|record| record.starts_with("started")).count(), 1);
}

/// Who only watches is told that it may not, but not for ever.
#[test]
fn who_watches_and_never_stops_talking_is_let_go() {
    let story = Story::make();
    let terminal = story.begins();
    let before = story.journal();
    let mut eve = story.stranger();
    eve.hello("watch");
    assert!(eve.hears().is_some_and(|welcome| welcome.get("welcome").is_some()));
    let go = json!({ "say": { "go": { "step": "long", "confirmed": true } } });
    assert!(eve.says(&go));
    until(&mut eve, "Ada acts here");
    for _ in 0..1000 {
        if !eve.says(&go) {
            break;
        }
    }
    until(&mut eve, TOO_MUCH);
    assert!(eve.hears().is_none(), "and that is the last that it hears");
    assert_eq!(story.journal(), before);
    drop(terminal);
}

/// Connections that say nothing take no more descriptors than the run can spare, and are thrown out in the end.
#[test]
fn who_comes_in_crowds_and_says_nothing_takes_little_room() {
    let story = Story::make();
    let terminal = story.runs();
    let crowd: Vec<crate::host::Stranger> = (0..120).map(|_| story.stranger()).collect();
    // Let in once there is room again; and until then not too many were.
    let listed = story.desk.call(["runs"]).ends_with(0).out;
    assert!(listed.contains("running, attach"), "{listed}");
    if let Ok(descriptors) = fs::read_dir(format!("/proc/{}/fd", story.host())) {
        let open = descriptors.count();
        assert!(open < 110, "{open} descriptors are open");
    }
    // The run has gone on all the while.
    story.goes_on();
    next(&terminal, 2);
    drop(crowd);
}

/// A run of which only the end is to be written down is over long before its screen is there: the screen is stopped where it
/// is about to connect, or has only just done so, until the host has given it up.
#[test]
fn a_screen_that_comes_when_all_is_over_tells_the_end() {
    for call in ["socket", "connect"] {
        let left = comes_late(call, true, |terminal| terminal.ends());
        assert_eq!(left.code, Some(0), "{call}: {}", left.text);
        assert!(left.text.contains("The run is completed."), "{call}: {}", left.text);
    }
    let left = comes_late("connect", false, |terminal| {
        terminal.see("The run is over.");
        terminal.see("Completed.");
        terminal.press("q");
        terminal.ends()
    });
    assert_eq!(left.code, Some(0), "{}", left.text);
}

/// Has a screen stopped at a call until it is too late, and let go on.
fn comes_late(call: &str, plain: bool, ends: impl Fn(Terminal) -> Left) -> Left {
    let story = Story::make();
    story.goes_on();
    story.desk.call(["run", "story.yaml", "--unattended"]).ends_with(0);
    forget_the_end(&story);
    let traced = ["-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e"].map(str::to_owned);
    let stopped = [format!("inject={call}:signal=SIGSTOP:when=1"), PROGRAM.to_owned()];
    let resume = ["resume", &story.desk.run_id()].map(str::to_owned);
    let words = traced.into_iter().chain(stopped).chain(resume).chain(plain.then(|| "--plain".to_owned()));
    let words: Vec<String> = words.collect();
    let terminal = Terminal::start_other("strace", &story.desk, &words, 100, 30);
    let above = terminal.pid();
    let screen = || {
        let children = fs::read_to_string(format!("/proc/{above}/task/{above}/children")).ok()?;
        Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
    };
    let stands_still = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", screen()?.as_raw_nonzero())).ok()?;
        matches!(stat.rsplit_once(") ")?.1.chars().next()?, 'T' | 't').then_some(())
    };
    let begin = Instant::now();
    // Where it stands still at its socket, the run has been over for a while and the host has waited for it in vain.
    while !(story.journal().last().is_some_and(|last| last == "ended") && story.desk.hosts().is_empty()) {
        assert!(begin.elapsed() < Duration::from_mins(1), "the host ends: {:#?}", story.journal());
        std::thread::sleep(Duration::from_millis(5));
    }
    while stands_still().is_none() {
        assert!(begin.elapsed() < Duration::from_mins(2), "the screen stands still at its socket");
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(screen().expect("it is there"), Signal::CONT).expect("let it go on");
    ends(terminal)
}

/// Takes the records of its end off the journal of a run, as if the power had gone just before.
fn forget_the_end(story: &Story) {
    let path = story.desk.run_folder().join("journal.jsonl");
    let text = fs::read_to_string(&path).expect("read the journal");
    let ends = |line: &&str| {
        let record: Value = serde_json::from_str(line).expect("JSON");
        record["record"].get("ended").is_some() || record["record"].get("closing").is_some()
    };
    let kept: Vec<&str> = text.lines().filter(|line| !ends(line)).collect();
    let kept = kept.join("\n") + "\n";
    assert_ne!(kept, text);
    fs::write(&path, kept).expect("write the journal");
}
