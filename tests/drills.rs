//! Drills by the built program: apart from every real run, and touching nothing of the world.
//!
//! The proof that nothing is touched is by strace: every drill of every playbook is walked in lines, wrong moves and rollbacks
//! among them, and what the program asked of the system is looked through.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::bad_playbooks::{checked, playbooks};
use crate::support::desk::{Called, Desk, PROGRAM};

const STORY: &str = "runsheet: 1
title: Rotate the key
window: 5m
inputs:
  old_key: { type: secret, from: { file: /etc/hostname } }
phases:
  - title: All
    steps:
      - id: reset
        title: Reset it
        run: touch TOUCHED; echo key
        capture: { new_key: { regex: 'key: (.+)', secret: true } }
        simulate: { stdout: \"key: <PRACTICE>\\n\" }
        irreversible: It is gone.
      - id: write
        title: Write it
        edit: { file: /etc/app/key.env, dotenv: KEY, value: { secret: new_key } }
        verify: { file: /etc/app/key.env, dotenv: { KEY: { secret: new_key } } }
      - id: say
        title: Say it
        run: touch TOUCHED
        rollback: { run: touch TOUCHED }
drills:
  - id: says-no
    title: It says no
    brief: The last step fails once.
    faults: [{ at: say, shows: fails, say: no room }]
    respond: retry
";

struct Shop {
    _folder: TempDir,
    desk: Desk,
}

impl Shop {
    fn open() -> Self {
        let folder = TempDir::with_prefix("drills-").expect("make a folder");
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("story.yaml"), STORY).expect("write the playbook");
        Self { _folder: folder, desk }
    }

    fn drill(&self, more: &[&str]) -> Called {
        let words = ["run", "story.yaml", "--unattended", "--speed", "instant", "--drill"];
        self.desk.call([&words, more].concat())
    }

    fn drills(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.desk.home().join("state/runsheet/drills"));
        entries.map(|entries| entries.map(|entry| entry.expect("an entry").path()).collect()).unwrap_or_default()
    }
}

#[test]
fn a_walk_through_touches_nothing_and_is_no_run() {
    let shop = Shop::open();
    let walked = shop.drill(&[]);
    assert_eq!(walked.code, Some(0), "{walked:?}");
    assert!(walked.out.contains("(made up)") && walked.out.contains("changed /etc/app/key.env"), "{}", walked.out);
    assert!(!shop.desk.home().join("TOUCHED").exists());
    let [folder] = &shop.drills()[..] else { panic!("one drill") };
    let id = folder.file_name().expect("a name").to_string_lossy().into_owned();
    let journal = fs::read_to_string(folder.join("journal.jsonl")).expect("a journal");
    let begun: Value = serde_json::from_str(journal.lines().next().expect("a line")).expect("JSON");
    assert_eq!(begun["record"]["begun"]["drill"]["title"], "Walk-through");
    let key = fs::read_to_string(folder.join("files/etc/app/key.env")).expect("the drill's own copy");
    assert!(key.contains("KEY=practice-"), "{key}");
    // It never happened, as far as runs go.
    assert_eq!(shop.desk.call(["runs"]).out, "no run yet; `runsheet run PLAYBOOK` begins one\n");
    for words in [["show", &id], ["resume", &id], ["rollback", &id]] {
        let refused = shop.desk.call(words);
        assert_eq!(refused.code, Some(2), "{words:?}: {refused:?}");
        assert!(refused.err.contains(&format!("{id} is a drill, not a run")), "{words:?}: {}", refused.err);
    }
    // Its report is a certificate, and says so before anything else.
    let report = shop.desk.call(["report", &id]).ends_with(0).out;
    assert!(report.starts_with("**DRILL: "), "{report}");
    // No key was made for it, no lock taken, no log written.
    assert!(!shop.desk.home().join("config/runsheet/identity").exists());
    assert!(!shop.desk.home().join("state/runsheet/log").exists());
    assert!(!shop.desk.home().join("state/runsheet/locks").exists());
}

#[test]
fn a_drill_goes_wrong_as_it_says() {
    let shop = Shop::open();
    let walked = shop.drill(&["says-no"]);
    assert_eq!(walked.code, Some(7), "{walked:?}");
    assert!(walked.out.contains("no room"), "{}", walked.out);
    let [folder] = &shop.drills()[..] else { panic!("one drill") };
    let journal = fs::read_to_string(folder.join("journal.jsonl")).expect("a journal");
    let shown = journal.lines().position(|line| line.contains("fault_shown")).expect("the fault is on record");
    let failed = journal.lines().position(|line| line.contains("no room")).expect("its outcome is on record");
    assert!(shown < failed, "{journal}");
}

#[test]
fn what_makes_no_drill_is_told_before_anything_begins() {
    let shop = Shop::open();
    for (words, said) in [
        (&["says-now"][..], "did you mean says-no?"),
        (&["--dry-run"][..], "cannot be used with"),
        (&["--speed", "fast"][..], "must be from 0.01x to 1000x"),
    ] {
        let words = [&["run", "story.yaml", "--unattended", "--drill"][..], words].concat();
        let refused = shop.desk.call(&words);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.err.contains(said), "{}", refused.err);
    }
    assert!(shop.drills().is_empty());
}

/// What is typed: inputs and what is asked for are left to what is offered, steps are started, questions have their first answer, failures are met with one move
/// after the other, and in the end everything is rolled back. `words` confirm a protected run.
fn typed(words: &[&str]) -> String {
    let begin = std::iter::repeat_n("", 30).chain(words.iter().copied());
    let forward = ["", "", "y", "", "1", "r", "", "practised by hand", "v", "e", "me", "s", "not needed"];
    let back = ["b", "y", "", "r", "s", "not needed", "", "y"];
    let walk = std::iter::repeat_n(forward, 20).flatten().chain(std::iter::repeat_n(back, 30).flatten());
    begin.chain(walk).map(|line| line.to_string() + "\n").collect::<Vec<_>>().concat()
}

/// Walks a drill under strace; gives what it asked of the system.
fn traced(desk: &Desk, folder: &Path, playbook: &Path, drill: Option<&str>, confirm: &[&str]) -> String {
    let trace = folder.join("trace");
    let mut words = vec!["-f", "-qq", "-e", "trace=%process,%network,%file", "-o"];
    let (trace_word, playbook) = (trace.display().to_string(), playbook.display().to_string());
    words.extend([
        trace_word.as_str(),
        PROGRAM,
        "run",
        playbook.as_str(),
        "--plain",
        "--foreground",
        "--speed",
        "instant",
        "--drill",
    ]);
    words.extend(drill);
    let mut program = Command::new("strace");
    program
        .args(words)
        .envs(desk.env())
        .current_dir(desk.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = program.spawn().expect("start strace");
    let mut stdin = child.stdin.take().expect("its standard input");
    // Who has ended reads no more.
    let _ = stdin.write_all(typed(confirm).as_bytes());
    drop(stdin);
    child.wait().expect("its end");
    fs::read_to_string(trace).expect("the trace")
}

/// Says what is wrong with a call; nothing where it touches nothing but the drill's own folder.
fn wrong(call: &str, own: &str) -> Option<String> {
    let call = call.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ' ');
    let name = call.split('(').next().unwrap_or_default();
    let failed = call.contains(" = -1 ");
    let named = || call.split('"').skip(1).step_by(2).collect::<Vec<_>>();
    let outside =
        || !named().iter().all(|path| path.starts_with(own) || own.starts_with(*path) || *path == "/dev/null");
    match name {
        "execve" | "execveat" | "fork" | "vfork" | "socket" | "connect" | "bind" | "sendto" | "sendmsg" | "listen" => {
            Some(call.to_owned())
        }
        "open" | "openat" | "openat2" | "creat" => {
            let writes =
                ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"].iter().any(|flag| call.contains(flag));
            (writes && outside()).then(|| call.to_owned())
        }
        "rename" | "renameat" | "renameat2" | "unlink" | "unlinkat" | "mkdir" | "mkdirat" | "rmdir" | "link"
        | "linkat" | "symlink" | "symlinkat" | "truncate" | "chmod" | "fchmodat" | "chown" | "lchown" | "fchownat"
        | "utimensat" | "mknod" | "mknodat" | "setxattr" | "lsetxattr" | "removexattr" => {
            (!failed && outside()).then(|| call.to_owned())
        }
        _ => None, // it changes nothing
    }
}

#[test]
fn a_drill_of_any_playbook_touches_nothing_but_its_own_folder() {
    let mut calls = 0;
    for path in playbooks("../../playbooks") {
        let text = fs::read_to_string(&path).expect("a playbook");
        let plan = checked(&path, &text).0.expect("a sound playbook").plan;
        let confirm: Vec<&str> = plan.protected.iter().flat_map(|(_, words)| words).map(String::as_str).collect();
        let drills = plan.drills.iter().map(|drill| Some(drill.id.as_str()));
        for drill in std::iter::once(None).chain(drills) {
            let folder = TempDir::with_prefix("apart-").expect("make a folder");
            let desk = Desk::make(folder.path());
            let trace = traced(&desk, folder.path(), &path, drill, &confirm);
            let own = desk.home().join("state/runsheet/drills").display().to_string();
            // Its own start is the first.
            let mut lines = trace.lines().filter(|line| !line.contains("+++") && !line.contains("---"));
            let first = lines.next().unwrap_or_default();
            assert!(first.contains("execve("), "{first}");
            let touched: Vec<String> = lines.filter_map(|line| wrong(line, &own)).collect();
            assert!(touched.is_empty(), "{} {drill:?}:\n{}", path.display(), touched.join("\n"));
            calls += trace.lines().count();
            assert!(Path::new(&own).exists(), "{} {drill:?} did not begin", path.display());
            let [drill] = &fs::read_dir(&own).expect("its folder").collect::<Vec<_>>()[..] else { panic!("one drill") };
            let journal = drill.as_ref().expect("an entry").path().join("journal.jsonl");
            let journal = fs::read_to_string(journal).expect("a journal");
            assert!(journal.lines().count() > 5, "{}: hardly anything was walked:\n{journal}", path.display());
        }
    }
    assert!(calls > 1000, "nothing was traced");
}

#[test]
fn a_drill_in_a_host_starts_nothing_but_that_and_opens_only_its_own_socket() {
    let shop = Shop::open();
    let trace = shop.desk.home().join("trace");
    let mut program = Command::new("strace");
    program.args(["-f", "-qq", "-e", "trace=execve,execveat,socket,connect,bind", "-o"]).arg(&trace);
    program.args([PROGRAM, "run", "story.yaml", "--plain", "--speed", "instant", "--drill", "says-no"]);
    program.envs(shop.desk.env()).current_dir(shop.desk.home());
    let mut child =
        program.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start strace");
    let mut stdin = child.stdin.take().expect("its standard input");
    // Who has ended reads no more.
    let _ = stdin.write_all(typed(&[]).as_bytes());
    drop(stdin);
    child.wait().expect("its end");
    let trace = fs::read_to_string(trace).expect("the trace");
    let calls: Vec<&str> = trace.lines().filter(|line| !line.contains("resumed>")).collect();
    let of = |name: &str| calls.iter().filter(|call| call.contains(&format!("{name}("))).collect::<Vec<_>>();
    let started = of("execve");
    assert_eq!(started.len(), 2, "{trace}");
    assert!(started[1].contains("\"/proc/self/exe\", [\"runsheet\", \"__host\"]"), "{trace}");
    assert!(of("execveat").is_empty(), "{trace}");
    assert!(!of("bind").is_empty() && !of("connect").is_empty(), "{trace}");
    assert!(of("socket").iter().all(|call| call.contains("AF_UNIX")), "{trace}");
    assert!(of("bind").iter().chain(&of("connect")).all(|call| call.contains("/host.sock\"")), "{trace}");
    assert!(!shop.desk.home().join("TOUCHED").exists());
}
