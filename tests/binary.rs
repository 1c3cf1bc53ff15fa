//! The built program as a shell sees it: each exit status with its message, and what the small commands print.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::{Called, Desk, PROGRAM, called};

const ONE: &str = "{ id: one, title: One, run: echo one, read_only: true }";
const TWO_FAILS: &str = "{ id: two, title: Two, run: exit 3, read_only: true }";

/// A desk with a playbook `story.yaml` of one phase.
struct Shop {
    folder: TempDir,
    desk: Desk,
}

impl Shop {
    fn with(top: &str, steps: &[&str]) -> Self {
        let folder = TempDir::with_prefix("binary-").expect("make a folder");
        let desk = Desk::make(folder.path());
        let steps = steps.iter().map(|step| format!("      - {step}\n")).collect::<Vec<_>>().concat();
        let text = format!("runsheet: 1\ntitle: Story\n{top}phases:\n  - title: Only\n    steps:\n{steps}");
        fs::write(desk.home().join("story.yaml"), text).expect("write the playbook");
        Self { folder, desk }
    }

    fn unattended(&self, more: &[&str]) -> Called {
        self.desk.call([&["run", "story.yaml", "--unattended"], more].concat())
    }

    /// Begins a step that does not end, and returns what runs it.
    fn begins(&self) -> std::process::Child {
        let mut program = self.desk.program(["run", "story.yaml", "--unattended"]);
        let child =
            program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("start it");
        let begin = Instant::now();
        while !self.desk.home().join("begun").exists() {
            assert!(begin.elapsed() < Duration::from_mins(1), "the step does not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }
}

/// Holds that an ending says what, and what to do now.
#[track_caller]
fn says(called: &Called, what: &[&str]) {
    assert!(called.err.starts_with("runsheet: ") && called.err.contains("\n  now: "), "{}", called.err);
    for text in what {
        assert!(called.err.contains(text), "{text:?} is not in\n{}", called.err);
    }
}

#[test]
fn status_0_completed() {
    let ended = Shop::with("", &[ONE]).unattended(&[]).ends_with(0);
    assert_eq!(ended.err, "");
}

#[test]
fn status_1_stopped_at_a_failure() {
    let ended = Shop::with("", &[ONE, TWO_FAILS]).unattended(&["--on-failure", "stop"]).ends_with(1);
    says(&ended, &["two", "runsheet resume"]);
}

#[test]
fn status_2_called_wrongly() {
    let shop = Shop::with("inputs: { token: { type: secret }, size: { type: text, default: small } }\n", &[ONE]);
    let call = |words: &[&str]| shop.desk.call(words).ends_with(2);
    let story = |words: &[&str]| shop.unattended(words).ends_with(2);
    says(&call(&["run", "nowhere.yaml"]), &["nowhere.yaml cannot be read", "runsheet list"]);
    let secret = story(&["--input", "token=CANARY-token"]);
    says(&secret, &["token is a secret", "env:NAME"]);
    assert!(!secret.err.contains("CANARY"));
    says(&story(&["--input", "sise=large"]), &["no input `sise`", "did you mean `size`?"]);
    says(&story(&["--input", "size"]), &["has no `=`"]);
    let answers = shop.desk.answers("a.yaml", "on: done\n");
    says(&story(&["--answers", &answers]), &["no step `on`", "did you mean `one`?", "nothing has been started"]);
    let answers = shop.desk.answers("b.yaml", "inputs: { token: CANARY-token }\n");
    let plain = story(&["--answers", &answers]);
    assert!(!plain.err.contains("CANARY"), "{}", plain.err);
    says(&call(&["resume"]), &["runsheet runs"]);
    says(&call(&["show", "01ZZZ"]), &["01ZZZ"]);
    assert!(call(&["resum"]).err.contains("'resume'"));
    assert!(call(&["run"]).err.contains("<PLAYBOOK>"));
    assert!(shop.desk.runs().is_empty());
}

#[test]
fn status_3_a_playbook_that_is_not_sound() {
    let shop = Shop::with("titel: x\n", &["{ id: One, title: One, run: echo one }"]);
    let ended = shop.unattended(&[]).ends_with(3);
    says(&ended, &["story.yaml is not sound: ", "faults", "runsheet check story.yaml"]);
    let checked = shop.desk.call(["check", "story.yaml"]).ends_with(3);
    assert!(checked.out.starts_with("story.yaml:"), "{}", checked.out);
}

#[test]
fn several_files_are_checked_though_one_cannot_be_read() {
    let shop = Shop::with("", &[ONE]);
    fs::write(shop.desk.home().join("bad.yaml"), "runsheet: 1\n").expect("write");
    let checked = shop.desk.call(["check", "story.yaml", "nowhere.yaml", "bad.yaml"]).ends_with(2);
    let all = format!("{}{}", checked.out, checked.err);
    assert!(all.contains("nowhere.yaml: cannot be read"), "{all}");
    assert!(checked.out.contains("bad.yaml:1:1: a playbook needs `title`"), "{all}");
    shop.desk.call(["check", "story.yaml", "bad.yaml"]).ends_with(3);
    shop.desk.call(["check", "story.yaml"]).ends_with(0);
}

#[test]
fn status_4_rolled_back() {
    let steps = ["{ id: one, title: One, run: echo one, rollback: [{ run: echo undone }] }", TWO_FAILS];
    let shop = Shop::with("", &steps);
    shop.unattended(&["--on-failure", "rollback"]).ends_with(4);
}

#[test]
fn status_5_the_rollback_is_incomplete() {
    let steps = ["{ id: one, title: One, run: echo one, rollback: [{ run: exit 4 }] }", TWO_FAILS];
    let shop = Shop::with("", &steps);
    let ended = shop.unattended(&["--on-failure", "rollback"]).ends_with(5);
    says(&ended, &["the rollback is incomplete", "runsheet rollback"]);
}

#[test]
fn status_6_the_sign_off_is_missing() {
    let ended = Shop::with("sign_off: { by: [operator] }\n", &[ONE]).unattended(&[]).ends_with(6);
    says(&ended, &["the sign-off of operator is missing", "runsheet resume"]);
}

#[test]
fn status_7_a_person_is_needed() {
    let shop = Shop::with("", &[ONE, "{ id: press, title: Press, manual: Press it., read_only: true }"]);
    says(&shop.unattended(&[]).ends_with(7), &["press needs a person", "press: done"]);
    let shop = Shop::with("inputs: { size: { type: text } }\n", &[ONE]);
    says(&shop.unattended(&[]).ends_with(7), &["no answer for size", "nothing has been started"]);
    assert!(shop.desk.runs().is_empty());
    let shop = Shop::with("requires: [no-such-program-x]\n", &[ONE]);
    says(&shop.unattended(&[]).ends_with(7), &["no-such-program-x", "install"]);
    says(&Shop::with("", &[ONE, TWO_FAILS]).unattended(&[]).ends_with(7), &["two failed", "--on-failure"]);
}

#[test]
fn status_130_interrupted_and_one_run_of_a_playbook_at_a_time() {
    let shop = Shop::with("", &["{ id: long, title: Long, run: 'touch begun; sleep 600', read_only: true }"]);
    let child = shop.begins();
    let second = shop.unattended(&[]).ends_with(1);
    says(&second, &["story.yaml is being run by", &shop.desk.run_id(), &child.id().to_string()]);
    let resumed = shop.desk.call(["resume", "--unattended"]).ends_with(1);
    says(&resumed, &["by ", &child.id().to_string()]);

    let pid = Pid::from_raw(i32::try_from(child.id()).expect("an id")).expect("an id");
    kill_process(pid, Signal::INT).expect("send a signal");
    let output = child.wait_with_output().expect("wait for it");
    let ended = Called {
        code: output.status.code(),
        out: String::new(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    says(&ended.ends_with(130), &["interrupted by SIGINT", &format!("runsheet resume {}", shop.desk.run_id())]);
}

#[test]
fn listings_are_json_where_that_is_wanted() {
    let shop = Shop::with("", &[ONE]);
    let json = |words: &[&str]| -> Value {
        serde_json::from_str(&shop.desk.call(words).ends_with(0).out)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    };
    assert_eq!(json(&["runs", "--json"]).as_array().map(Vec::len), Some(0));
    shop.unattended(&[]).ends_with(0);
    assert_eq!(json(&["runs", "--json"]).as_array().map(Vec::len), Some(1));
    assert!(json(&["show", "--json"]).to_string().contains(&shop.desk.run_id()));
    assert!(json(&["list", "--json"]).to_string().contains("first-steps"));
    let schema = json(&["schema"]);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for words in [&["runs"][..], &["show"], &["list"], &["report"], &["plan", "story.yaml"]] {
        assert!(!shop.desk.call(words).ends_with(0).out.trim().is_empty(), "{words:?}");
    }
}

#[test]
fn help_is_short_and_shells_are_helped() {
    let shop = Shop::with("", &[ONE]);
    let help = shop.desk.call(["--help"]).ends_with(0).out;
    assert!(help.lines().count() <= 45, "{help}");
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    assert!(
        commands.into_iter().all(|line| line.starts_with("  ") && !line.starts_with("   ")),
        "a line a command: {help}"
    );
    for word in ["run", "resume", "rollback", "check", "Exit status"] {
        assert!(help.contains(word), "{help}");
    }
    assert!(shop.desk.call(["--version"]).ends_with(0).out.starts_with("runsheet "));
    for shell in ["bash", "zsh", "fish"] {
        let text = shop.desk.call(["completions", shell]).ends_with(0).out;
        assert!(text.contains("runsheet") && text.contains("rollback"), "{shell}");
    }
    assert!(shop.desk.call(["man"]).ends_with(0).out.contains(".TH runsheet 1"));
    assert!(shop.desk.runs().is_empty());
}

/// Lists all modes beneath a folder that are not what they should be.
fn wrong_modes(folder: &Path, wrong: &mut Vec<String>) {
    let mode = |path: &Path| fs::symlink_metadata(path).expect("look at it").permissions().mode() & 0o7777;
    if mode(folder) != 0o700 {
        wrong.push(format!("{} {:04o}", folder.display(), mode(folder)));
    }
    for entry in fs::read_dir(folder).expect("list the folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            wrong_modes(&path, wrong);
        } else if mode(&path) != 0o600 {
            wrong.push(format!("{} {:04o}", path.display(), mode(&path)));
        }
    }
}

#[test]
fn what_is_on_disk_is_private_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let steps = [ONE, "{ id: key, title: Key, generate: { key: { length: 24, alphabet: alphanumeric } } }"];
        let more = ["{ id: keep, title: Keep, snapshot: [story.yaml] }", TWO_FAILS];
        let shop = Shop::with("", &[&steps[..], &more].concat());
        let script = format!("umask {umask}; exec \"$0\" run story.yaml --unattended --on-failure stop");
        let mut command = Command::new("bash");
        command.args(["-c", &script, PROGRAM]).envs(shop.desk.env()).current_dir(shop.desk.home());
        called(&mut command).ends_with(1);
        let mut wrong = Vec::new();
        for place in ["state/runsheet", "config/runsheet"] {
            wrong_modes(&shop.folder.path().join("desk").join(place), &mut wrong);
        }
        assert!(wrong.is_empty(), "umask {umask}: {wrong:#?}");
        assert!(shop.desk.run_folder().join("vault.age").exists());
    }
}
