//! Files with secrets that a playbook's steps make: gone at the end of a run, and named for as long as they are not.
//!
//! The built program is asked; what is on disk is looked at. A run may end in any way, or be killed.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::desk::{Called, Desk, PROGRAM, brief, called};
use crate::support::process::run;
use crate::support::terminal::Terminal;

/// Makes both files, and can be undone.
const MAKE: &str = "{ id: make, title: Make, run: 'echo CANARY-reset >out/reset.json; echo CANARY-dump >out/users.dump', \
                    rollback: [{ run: echo undone }] }";
const FAILS: &str = "{ id: fails, title: Fails, run: exit 3, read_only: true }";
const PERSON: &str = "{ id: press, title: Press, manual: Press it., read_only: true }";
const STUCK: &str = "{ id: stuck, title: Stuck, run: echo done, rollback: [{ run: exit 4 }] }";
const FOLDER: &str = "{ id: folder, title: Folder, run: 'mkdir out/reset.json', read_only: true }";
const HANGS: &str = "{ id: hangs, title: Hangs, run: 'test -e go || { echo $$ >begun.new; mv begun.new begun; exec sleep 600; }', \
                     read_only: true }";

/// A folder with a playbook `story.yaml` that names two temporary files, one of them by an input and one by nothing known.
struct Place {
    _folder: TempDir,
    desk: Desk,
}

impl Place {
    fn with(steps: &[&str]) -> Self {
        let folder = TempDir::with_prefix("temporary-").expect("make a folder");
        let desk = Desk::make(folder.path());
        let steps = steps.iter().map(|step| format!("      - {step}\n")).collect::<Vec<_>>().concat();
        let text = format!(
            "runsheet: 1\ntitle: Story\ninputs: {{ table: {{ type: text, default: users }} }}\n\
             temporary: [out/reset.json, 'out/${{table}}.dump', out/never.made]\n\
             phases:\n  - title: Only\n    steps:\n{steps}"
        );
        fs::create_dir(desk.home().join("out")).expect("make the folder of the files");
        fs::write(desk.home().join("story.yaml"), text).expect("write the playbook");
        Self { _folder: folder, desk }
    }

    fn unattended(&self, more: &[&str]) -> Called {
        self.desk.call([&["run", "story.yaml", "--unattended"], more].concat())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.desk.home().canonicalize().expect("find the desk").join("out").join(name)
    }

    /// Lists what is in the folder of the files.
    fn there(&self) -> Vec<String> {
        let entries = fs::read_dir(self.file(".")).expect("list the folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Returns what `show --json` says is left.
    fn left(&self) -> Value {
        let shown = self.desk.call(["show", "--json"]).ends_with(0);
        let shown: Value = serde_json::from_str(&shown.out).expect("JSON");
        shown["temporary_left"].clone()
    }

    /// Says what a front says in one line of an open run that has made both files.
    fn line(&self) -> String {
        let (reset, dump) = (self.file("reset.json"), self.file("users.dump"));
        format!(
            "files with secrets that are still there: {}, {}; removed when the run ends",
            reset.display(),
            dump.display()
        )
    }

    /// Holds that both files are there and that everything names them.
    #[track_caller]
    fn named(&self) {
        assert_eq!(self.there(), ["reset.json", "users.dump"]);
        let (reset, dump) = (self.file("reset.json"), self.file("users.dump"));
        assert_eq!(self.left(), json!([{ "file": reset, "why": null }, { "file": dump, "why": null }]));
        let shown = self.desk.call(["show"]).ends_with(0).out;
        let wanted = format!(
            "\nfiles with secrets that are still there\n  {}; removed when the run ends\n  {}; removed when the run ends\n",
            reset.display(),
            dump.display()
        );
        assert!(shown.contains(&wanted), "{shown}");
    }

    /// Holds that no file is there, that nothing says so, and that the journal has what became of them, once.
    #[track_caller]
    fn gone(&self, called: &Called) {
        assert_eq!(self.there(), Vec::<String>::new());
        assert!(!format!("{}{}", called.out, called.err).contains("still there"), "{}", called.out);
        assert_eq!(self.left(), json!([]));
        let shown = self.desk.call(["show"]).ends_with(0).out;
        assert!(!shown.contains("still there"), "{shown}");
        let removed: Vec<Value> =
            self.desk.journal().into_iter().filter(|entry| brief(entry) == "temporary_removed").collect();
        let [entry] = removed.as_slice() else { panic!("{removed:#?}") };
        let wanted = json!({ "removed": [self.file("reset.json"), self.file("users.dump")], "left": [] });
        assert_eq!(entry["record"]["temporary_removed"], wanted);
    }

    /// Types plain lines at a run.
    fn typed(&self, lines: &str) -> Called {
        let output = run(&mut self.desk.program(["run", "story.yaml", "--plain"]), lines);
        Called {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

#[test]
fn they_go_when_the_run_is_completed() {
    let place = Place::with(&[MAKE]);
    place.gone(&place.unattended(&[]).ends_with(0));
}

#[test]
fn they_go_after_a_whole_rollback() {
    let place = Place::with(&[MAKE, FAILS]);
    place.gone(&place.unattended(&["--on-failure", "rollback"]).ends_with(4));
}

/// As long as a run is open they may be needed; they are named whenever it is left, and go with its end.
#[test]
fn they_are_named_while_the_run_is_open() {
    for (steps, more, code) in [
        (&[MAKE, FAILS][..], &["--on-failure", "stop"][..], 1),
        (&[MAKE, FAILS], &[], 7),
        (&[MAKE, PERSON], &[], 7),
        (&[MAKE, STUCK, FAILS], &["--on-failure", "rollback"], 5),
    ] {
        let place = Place::with(steps);
        let left = place.unattended(more).ends_with(code);
        assert_eq!(left.out.lines().last(), Some(place.line().as_str()), "{code}");
        place.named();
        if code == 5 {
            continue;
        }
        let ended = place.desk.call(["rollback", &place.desk.run_id(), "--unattended"]).ends_with(4);
        place.gone(&ended);
    }
}

#[test]
fn they_go_when_the_run_is_given_up() {
    let place = Place::with(&[MAKE, PERSON]);
    let left = place.typed("\n\n\nq\n").ends_with(130);
    assert!(left.out.lines().any(|line| line == place.line()), "{}", left.out);
    place.named();

    let place = Place::with(&[MAKE, PERSON]);
    let ended = place.typed("\n\n\nA\nenough\n").ends_with(1);
    for name in ["reset.json", "users.dump"] {
        assert!(ended.out.contains(&format!("Removed {}.", place.file(name).display())), "{}", ended.out);
    }
    place.gone(&ended);
}

/// Once the terminal is given back, below what the screen was.
#[test]
fn who_leaves_the_full_screen_is_told() {
    let place = Place::with(&[MAKE, PERSON]);
    let terminal = Terminal::start(&place.desk, &["run", "story.yaml"].map(str::to_owned), 120, 40);
    terminal.see("Nothing has happened yet");
    terminal.press("\x1b[21~");
    terminal.until("the first step", |picture| picture.contains("Next: 1/") && picture.contains("Enter start"));
    terminal.press("\r");
    terminal.until("the second", |picture| picture.contains("Your turn: 2/") && picture.contains("I have done it"));
    terminal.press("q");
    terminal.see("y leave");
    terminal.press("y");
    let left = terminal.ends();
    assert_eq!(left.code, Some(130), "{}", left.text);
    let raw = String::from_utf8_lossy(&left.raw);
    let after = raw.rsplit("\x1b[?1049l").next().expect("what was printed after the screen was left");
    assert!(after.contains(&place.line()), "{after}");
    place.named();
}

/// A folder of that name is not ours to clear away.
#[test]
fn what_cannot_be_removed_is_named_until_somebody_has_seen_to_it() {
    let place = Place::with(&[FOLDER]);
    let ended = place.unattended(&[]).ends_with(0);
    let file = place.file("reset.json");
    let named = file.display().to_string();
    assert!(ended.out.contains(&format!("WARN   {named} is still there and holds secrets: ")), "{}", ended.out);
    let left = place.left();
    assert_eq!((left[0]["file"].as_str(), left.as_array().map(Vec::len)), (Some(named.as_str()), Some(1)));
    assert!(left[0]["why"].as_str().expect("a reason").contains("irectory"), "{left}");
    let shown = place.desk.call(["show"]).ends_with(0).out;
    assert!(shown.contains(&format!("\nfiles with secrets that are still there\n  {named}: ")), "{shown}");
    assert!(!shown.contains("removed when"), "{shown}");
    let report = place.desk.call(["report"]).ends_with(0).out;
    assert!(report.contains("## Files with secrets that are still there\n\n- "), "{report}");

    fs::remove_dir(&file).expect("see to it");
    assert_eq!(place.left(), json!([]));
    let report = place.desk.call(["report"]).ends_with(0).out;
    assert!(report.contains("## Files with secrets that are still there"), "the record is as it was: {report}");
}

/// In a place of its own, where the folder of the files cannot be written.
#[test]
fn what_is_on_a_read_only_file_system_is_named() {
    let place = Place::with(&["{ id: one, title: One, run: echo one, read_only: true }"]);
    let file = place.file("reset.json");
    fs::write(&file, "CANARY-reset").expect("write the file");
    let script = "mount --bind out out && mount -o remount,ro,bind out && exec \"$0\" run story.yaml --unattended";
    let mut alone = Command::new("unshare");
    let alone = alone.args(["--user", "--map-root-user", "--mount", "bash", "-c", script, PROGRAM]);
    let ended = called(alone.envs(place.desk.env()).current_dir(place.desk.home())).ends_with(0);
    let why = format!("{} is on a read-only file system", file.display());
    assert!(ended.out.contains(&format!("is still there and holds secrets: {why}")), "{}", ended.out);
    assert_eq!(place.left(), json!([{ "file": file, "why": why }]));
    assert!(place.desk.call(["show"]).ends_with(0).out.contains(&format!("still there\n  {why}\n")));
}

/// A run at a step that hangs, and what runs the step.
struct Hanging {
    child: Child,
    step: Pid,
}

impl Hanging {
    fn start(place: &Place) -> Self {
        let mut program = place.desk.program(["run", "story.yaml", "--unattended"]);
        let program = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = program.spawn().expect("start the program");
        let begun = place.desk.home().join("begun");
        let since = Instant::now();
        while !begun.exists() {
            assert!(since.elapsed() < Duration::from_mins(1), "the step does not begin");
            thread::sleep(Duration::from_millis(5));
        }
        let step = fs::read_to_string(&begun).expect("read the number of the step's process");
        let step = Pid::from_raw(step.trim().parse().expect("a number")).expect("a process");
        Self { child, step }
    }
}

#[test]
fn an_interrupted_run_names_them() {
    let place = Place::with(&[MAKE, HANGS]);
    let Hanging { child, .. } = Hanging::start(&place);
    let program = Pid::from_raw(i32::try_from(child.id()).expect("a number")).expect("a process");
    kill_process(program, Signal::INT).expect("interrupt it");
    let output = child.wait_with_output().expect("wait for it");
    assert_eq!(output.status.code(), Some(130));
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(out.lines().last(), Some(place.line().as_str()), "{out}");
    place.named();
}

#[test]
fn a_killed_run_names_them_and_its_end_removes_them() {
    let place = Place::with(&[MAKE, HANGS]);
    let Hanging { mut child, step } = Hanging::start(&place);
    child.kill().expect("kill the program");
    child.wait().expect("wait for it");
    kill_process(step, Signal::KILL).expect("end what the step left");
    place.named();

    fs::write(place.desk.home().join("go"), "").expect("let it through");
    place.gone(&place.desk.call(["resume", "--unattended"]).ends_with(0));
}
