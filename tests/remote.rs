//! `host`: steps on another machine through a real OpenSSH server, which is this machine under another name.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::{Called, Desk};
use crate::support::process::is_gone;
use crate::support::ssh::Ssh;

const SECRET: &str = "CANARY-remote 'quoted' \"twice\" $HOME `x` \\ é\tend";

struct Place {
    ssh: Ssh,
    desk: Desk,
    /// Gone with the place, the last of all.
    folder: TempDir,
}

impl Place {
    fn make() -> Self {
        let folder = TempDir::with_prefix("remote-").expect("make a folder");
        let ssh = Ssh::start(folder.path());
        let there = folder.path().join("there");
        fs::create_dir(&there).expect("make the folder there");
        let desk = Desk::make(folder.path())
            .with_env(vec![("PATH".to_owned(), ssh.path()), ("THERE_DIR".to_owned(), there.display().to_string())]);
        desk.keep_secret("key", SECRET);
        Self { ssh, desk, folder }
    }

    fn there(&self, name: &str) -> PathBuf {
        self.folder.path().join("there").join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.there(name)).unwrap_or_default()
    }

    /// Writes a playbook of these steps, and the answers that it needs.
    fn playbook(&self, steps: &str) -> String {
        let text = format!(
            "runsheet: 1\ntitle: Elsewhere\ninputs:\n  machine: {{ type: text, default: other }}\n  \
             there: {{ type: path, default: {} }}\n  key: {{ type: secret }}\n  odd: {{ type: text, default: \"it's; $HOME\" }}\n\
             phases:\n  - title: All\n    steps:\n{steps}",
            self.folder.path().join("there").display()
        );
        fs::write(self.desk.home().join("elsewhere.yaml"), text).expect("write the playbook");
        self.desk.answers("answers.yaml", "inputs: { key: 'file:key' }\n")
    }

    fn run(&self, steps: &str, more: &[&str]) -> Called {
        let answers = self.playbook(steps);
        let mut words = vec!["run", "elsewhere.yaml", "--unattended", "--answers", &answers];
        words.extend(more);
        self.desk.call(words)
    }

    /// Starts a run, and leaves it to itself.
    fn begin(&self, steps: &str) -> Child {
        let answers = self.playbook(steps);
        let mut program = self.desk.program(["run", "elsewhere.yaml", "--unattended", "--answers", &answers]);
        program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        program.spawn().expect("start the program")
    }

    /// Returns the outcome of the latest attempt of a step.
    fn outcome(&self, step: &str) -> Value {
        let performed = |entry: &Value| {
            let body = &entry["record"]["performed"];
            (body["target"]["step"] == step).then(|| body["outcome"].clone())
        };
        self.desk.journal().iter().rev().find_map(performed).expect("the step came to an end")
    }
}

/// Waits for something named.
#[track_caller]
fn until<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "{what} did not come");
        thread::sleep(Duration::from_millis(20));
    }
}

fn finish(child: Child) -> Called {
    let output = child.wait_with_output().expect("wait for the program");
    Called {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Lists the arguments of all processes that hold a word.
fn arguments_with(word: &str) -> BTreeSet<String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let words = entries.map(|entry| fs::read(entry.path().join("cmdline")).unwrap_or_default());
    words.map(|words| String::from_utf8_lossy(&words).replace('\0', " ")).filter(|words| words.contains(word)).collect()
}

const FORWARD: &str = r#"
      - id: write
        title: Write it there
        host: "${machine}"
        cwd: "${there}"
        run: |
          printf '%s' "$KEY" > key
          cat > stdin
          printf '%s' "$ODD" > odd
          pwd > pwd
          echo "$PPID" > at-work
          while [ ! -e go-on ]; do sleep 0.1; done
          echo "said there"; echo "told there" >&2
        env: { KEY: { secret: key } }
        stdin: { secret: key }
        expect: { equals: said there }
        verify:
          - { command: 'test -s "$THERE/key"', host: "${machine}" }
        rollback:
          - { run: 'rm "$THERE/key"', host: "${machine}" }
      - { id: flood, title: Much output, host: other, read_only: true, run: "head -c 3000000 /dev/zero | tr '\\0' x | fold -w 100; echo end", capture: { last: { regex: '\w+\n\z' } } }
      - { id: words, title: A list of words, host: other, run: [printf, "<%s>", "${odd}", "a  b"], read_only: true, expect: { equals: "<${odd}><a  b>" } }
      - { id: hidden, title: A secret comes back, host: other, run: 'cat "$THERE/key"', read_only: true, capture: { back: { secret: true } } }
"#;

#[test]
fn a_command_gets_its_values_and_secrets_and_no_argument_has_one() {
    let place = Place::make();
    let child = place.begin(FORWARD);
    until("the command", || (!place.text("at-work").is_empty()).then_some(()));
    // It is at work on both sides, and nobody's words have the secret.
    assert!(!arguments_with("bash -s").is_empty());
    let words = arguments_with("CANARY-remote");
    assert!(words.is_empty(), "{words:?}");
    fs::write(place.there("go-on"), "").expect("let it go on");
    let called = finish(child).ends_with(0);
    assert_eq!(place.text("key"), SECRET);
    assert_eq!(place.text("stdin"), SECRET);
    assert_eq!(place.text("odd"), "it's; $HOME");
    assert_eq!(
        place.text("pwd").trim_end(),
        place.folder.path().join("there").canonicalize().expect("it is there").display().to_string()
    );
    assert!(place.ssh.calls().iter().all(|call| call.ends_with(" -- other bash -s")), "{:?}", place.ssh.calls());
    let kept = fs::read_to_string(place.desk.run_folder().join("transcript/write.1.log")).expect("the transcript");
    assert!(kept.contains("said there") && kept.contains("told there"), "{kept}");
    let flood = fs::metadata(place.desk.run_folder().join("transcript/flood.1.log")).expect("the transcript");
    assert!(flood.len() > 3_000_000, "{} bytes", flood.len());
    assert_eq!(flood.permissions().mode() & 0o777, 0o600);
    let journal = fs::read_to_string(place.desk.run_folder().join("journal.jsonl")).expect("the journal");
    for text in [&called.out, &called.err, &kept, &journal] {
        assert!(!text.contains("CANARY-remote"), "{text}");
    }
    // And back again, there.
    place.desk.call(["rollback", &place.desk.run_id(), "--unattended"]).ends_with(4);
    assert!(!place.there("key").exists());
}

#[test]
fn a_dry_run_shows_it_and_changes_nothing_there() {
    let place = Place::make();
    let steps = "      - { id: touch, title: Touch, host: other, run: 'touch \"$THERE/x\"', irreversible: It is only a file }\n";
    let shown = place.run(steps, &["--dry-run"]).ends_with(0).out;
    assert!(shown.contains("other, through ssh") && shown.contains("touch \"$THERE/x\""), "{shown}");
    assert!(!place.there("x").exists() && place.ssh.calls().is_empty(), "{:?}", place.ssh.calls());
    let plan = place.desk.call(["plan", "elsewhere.yaml"]).ends_with(0).out;
    assert!(plan.contains("other, through ssh") && plan.contains("ssh"), "{plan}");
}

#[test]
fn what_was_not_reached_has_failed_and_is_told_apart_from_what_failed_there() {
    let place = Place::make();
    for (host, said) in [
        ("keyless", "keyless was not reached:"),
        ("stranger", "stranger was not reached: Host key verification failed."),
        ("nobody", "nobody was not reached: ssh: connect to host 127.0.0.1 port"),
    ] {
        let steps = format!(
            "      - {{ id: touch, title: Touch, host: {host}, run: 'touch \"$THERE/x\"', irreversible: It is }}\n"
        );
        let called = place.run(&steps, &[]).ends_with(7);
        let outcome = place.outcome("touch");
        assert!(outcome["saw"].as_str().is_some_and(|saw| saw.contains(said)), "{outcome}\n{}", called.out);
        assert_eq!(outcome["how"], "failed", "{outcome}");
    }
    for (script, exit, said) in [
        ("echo no >&2; exit 3", Some(3), "exit status 3: no"),
        ("exit 255", Some(255), "exit status 255"),
        ("kill -9 $PPID", None, "ended by a signal on other"),
        ("cd", Some(1), "exit status 1"),
    ] {
        let cwd = if script == "cd" { "cwd: /nowhere, " } else { "" };
        let steps = format!(
            "      - {{ id: touch, title: Touch, host: other, {cwd}run: 'touch \"$THERE/y\"; {script}', irreversible: It is }}\n"
        );
        let called = place.run(&steps, &[]);
        assert_eq!(called.code, Some(7), "{script}: {}{}", called.out, called.err);
        let outcome = place.outcome("touch");
        assert_eq!((outcome["how"].as_str(), outcome["exit"].as_i64()), (Some("failed"), exit), "{script}: {outcome}");
        assert!(outcome["saw"].as_str().is_some_and(|saw| saw.contains(said)), "{script}: {outcome}");
    }
    assert!(!place.there("x").exists());
}

/// Says that it is at work, and stays there until it is told to end.
const WAITS: &str = "
      - id: wait
        title: Wait there
        host: other
        run: |
          trap 'echo asked > \"$THERE/asked\"; exit 9' TERM
          echo $$ > \"$THERE/at-work\"
          while [ ! -e \"$THERE/go-on\" ]; do sleep 0.1; done
          echo done > \"$THERE/done\"
        irreversible: It waits
        retry: { attempts: 3 }
        verify: { command: 'test -e \"$THERE/done\"', host: other }
";

fn at_work(place: &Place) -> u32 {
    until("the command", || place.text("at-work").trim().parse().ok())
}

#[test]
fn a_stop_reaches_the_command_there() {
    let place = Place::make();
    let child = place.begin(WAITS);
    let there = at_work(&place);
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id")).expect("a process id");
    kill_process(pid, Signal::INT).expect("interrupt the program");
    let called = finish(child).ends_with(130);
    until("its end there", || is_gone(there).then_some(()));
    assert_eq!(place.text("asked"), "asked\n", "{}", called.out);
    assert!(!place.there("done").exists());
}

#[test]
fn a_connection_that_is_cut_leaves_the_outcome_unknown() {
    let place = Place::make();
    let child = place.begin(WAITS);
    let there = at_work(&place);
    // Nothing of the server's but what holds this connection.
    for session in place.ssh.sessions() {
        let pid = Pid::from_raw(i32::try_from(session).expect("a process id")).expect("a process id");
        let _ = kill_process(pid, Signal::KILL);
    }
    let called = finish(child).ends_with(7);
    let outcome = place.outcome("wait");
    assert_eq!(outcome["how"], "lost", "{outcome}\n{}", called.out);
    let saw = outcome["saw"].as_str().unwrap_or_default();
    assert!(saw.starts_with("the connection to other was lost, and what became of the command there"), "{saw}");
    let started =
        place.desk.journal().iter().filter(|entry| entry["record"]["started"]["target"]["step"] == "wait").count();
    assert_eq!(started, 1, "it is not tried again by itself");
    let shown = place.desk.call(["show"]).ends_with(0).out;
    assert!(shown.contains("unknown"), "{shown}");
    // It goes on there; the operator finds that out by the probe, and says so.
    assert!(!is_gone(there));
    fs::write(place.there("go-on"), "").expect("let it go on");
    until("its end there", || place.there("done").exists().then_some(()));
    let answers = place.desk.answers("answers.yaml", "wait: { unknown: done }\n");
    place.desk.call(["resume", "--unattended", "--answers", &answers]).ends_with(0);
}
