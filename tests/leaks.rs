//! Where passwords are after a whole rotation and a rollback: in the files meant for them, and nowhere else.
//!
//! Every old and new password is looked for, raw and in base64 at each of its three offsets, in all that the program
//! printed and the terminal received, in every file below the rig's folder, and in the arguments of every process while it ran.

#![expect(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::support::desk::{Called, Desk, PROGRAM, called};
use crate::support::operator::{Asked, Operator};
use crate::support::process::free_port;
use crate::support::rig::{Rig, in_url};
use crate::support::rotation::{InForce, go_on, plan, run_words};
use crate::support::terminal::Terminal;

/// Reads the arguments of all processes, again and again, and keeps those with a made-up password.
struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(usize, BTreeSet<String>)>,
}

impl Sampler {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                let (mut rounds, mut found) = (0, BTreeSet::new());
                while !stop.load(Ordering::Relaxed) {
                    rounds += 1;
                    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
                        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                        let words = String::from_utf8_lossy(&words).replace('\0', " ");
                        if words.contains("CANARY") {
                            found.insert(words);
                        }
                    }
                }
                (rounds, found)
            }
        });
        Self { stop, thread }
    }

    fn ends(self) -> (usize, BTreeSet<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the sampler ends")
    }
}

/// Lists the forms in which a secret may turn up.
pub(crate) fn forms(secret: &str) -> Vec<Vec<u8>> {
    let encoded = in_url(secret);
    // What stands before the signs is no secret of its own, but it tells nearly all of one.
    let plain = secret.trim_end_matches(|sign: char| !sign.is_ascii_alphanumeric());
    let mut forms = vec![plain.as_bytes().to_vec(), encoded.to_lowercase().into_bytes(), encoded.into_bytes()];
    forms.push(secret.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    for offset in 0..3 {
        let shifted = [&b"\0\0"[..offset], secret.as_bytes()].concat();
        for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            // The first and the last letters hold bits of what stands beside it.
            let (from, to) = ([0, 2, 3][offset], text.len() - 2);
            forms.push(text.as_bytes()[from..to].to_vec());
        }
    }
    forms
}

/// Says whether one of the forms stands somewhere in there.
pub(crate) fn holds(bytes: &[u8], forms: &[Vec<u8>]) -> bool {
    forms.iter().any(|form| bytes.windows(form.len()).any(|part| part == form))
}

/// Lists all files below a folder.
pub(crate) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&path, found),
            Ok(kind) if kind.is_file() => found.push(path),
            Ok(_) | Err(_) => {}
        }
    }
}

#[test]
fn passwords_are_where_they_belong_and_nowhere_else() {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    let plan = plan();
    let first = InForce::first(&rig);
    let mut secrets = vec![first.pg.clone(), first.valkey.clone()];
    assert!(secrets.iter().all(|secret| in_url(secret) != *secret), "they have signs that are encoded in a URL");
    let sampler = Sampler::start();

    // Forward at the full screen as far as the restart on the new Valkey password, with a look at the diff and the help.
    let terminal = Terminal::start(&desk, &run_words(&rig, "both"), 120, 40);
    let operator = Operator::at(&terminal, &plan);
    terminal.see("inputs: all there");
    terminal.press("\x1b[21~");
    let Asked::Turn(number) = operator.walks("") else { panic!("{}", terminal.picture()) };
    let valkey = rig.press_reset_in_panel(&first.valkey);
    terminal.paste(&valkey);
    terminal.see(&format!("{} characters", valkey.len()));
    terminal.press("\r");
    operator.asked(Some(&Asked::Turn(number)));
    operator.walks("restart-after-valkey");
    operator.leaves();
    let left = terminal.ends();
    secrets.extend([rig.doctl().password(), valkey.clone()]);

    // While the run is open, what it keeps is encrypted.
    let mut printed = vec![("terminal".to_owned(), left.raw)];
    let mut look = |words: &[&str]| {
        let called = desk.call(words);
        printed.push((words.join(" "), format!("{}{}", called.out, called.err).into_bytes()));
    };
    let run = desk.run_id();
    look(&["show", &run]);
    look(&["show", &run, "--json"]);
    for format in ["md", "html", "json"] {
        look(&["report", &run, "--format", format]);
    }
    look(&["runs"]);
    let kept = found_in(&rig, &desk, &secrets);

    desk.keep_secret("valkey", &valkey);
    let called =
        go_on(&desk, "rollback", "reset-valkey: { undo: { new_valkey_password: 'file:valkey' } }\n").ends_with(4);
    fs::remove_file(desk.home().join("valkey")).expect("remove the answer");
    secrets.push(rig.doctl().password());
    for format in ["md", "html", "json"] {
        look(&["report", &run, "--format", format]);
    }
    printed.push(("rollback".to_owned(), format!("{}{}", called.out, called.err).into_bytes()));
    let after = found_in(&rig, &desk, &secrets);

    let (rounds, arguments) = sampler.ends();
    assert!(rounds > 100, "the arguments were looked at {rounds} times");
    let forms: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    for words in arguments {
        assert!(!holds(words.as_bytes(), &forms), "in the arguments of a process: {words}");
    }
    assert!(rig.doctl().calls().iter().all(|call| !holds(call.as_bytes(), &forms)));
    for (what, bytes) in &printed {
        assert!(!holds(bytes, &forms), "printed by {what}:\n{}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(kept, Vec::<PathBuf>::new(), "while the run is open");
    assert_eq!(after, Vec::<PathBuf>::new(), "after the rollback");
}

/// Lists the files with a password that are not meant for one.
fn found_in(rig: &Rig, desk: &Desk, secrets: &[String]) -> Vec<PathBuf> {
    let forms: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let folder = rig.folder().canonicalize().expect("find the rig's folder");
    let mut all = Vec::new();
    files(&folder, &mut all);
    assert!(all.iter().any(|path| path.starts_with(desk.home().canonicalize().expect("find the desk"))));
    let meant: Vec<PathBuf> = rig.files().into_iter().collect();
    // The servers and the stand-in for doctl keep what is theirs.
    let theirs = ["pg", "redis", "doctl/password"].map(|name| folder.join(name));
    let ours = |path: &PathBuf| !meant.contains(path) && !theirs.iter().any(|folder| path.starts_with(folder));
    let has = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| holds(&bytes, &forms));
    all.into_iter().filter(|path| ours(path) && has(path)).collect()
}

/// A program that was started, as strace saw it.
pub(crate) struct Started {
    words: Vec<String>,
    environment: Vec<String>,
}

/// Reads the starts of programs out of what strace wrote. It writes strings as C does.
fn started(text: &str) -> Vec<Started> {
    let calls = text.lines().filter_map(|line| Some(line.split_once("execve(")?.1));
    calls
        .map(|call| {
            let mut lists = vec![Vec::new()];
            let mut signs = call.chars();
            let mut string: Option<String> = None;
            while let Some(sign) = signs.next() {
                match (&mut string, sign) {
                    (Some(text), '\\') => text.extend(signs.next()),
                    (Some(text), '"') => {
                        let text = std::mem::take(text);
                        lists.last_mut().expect("a list").push(text);
                        string = None;
                    }
                    (Some(text), sign) => text.push(sign),
                    (None, '"') => string = Some(String::new()),
                    (None, '[') => lists.push(Vec::new()),
                    (None, _) => {}
                }
            }
            let mut lists = lists.into_iter().skip(1);
            let (words, environment) = (lists.next().unwrap_or_default(), lists.next().unwrap_or_default());
            Started { words, environment }
        })
        .collect()
}

/// Calls the program unattended, with the text of an answers file, and returns every program that was started meanwhile,
/// its own processes among them. It must end with a status.
#[track_caller]
pub(crate) fn traced(desk: &Desk, words: &[&str], answers: &str, code: i32) -> Vec<Started> {
    let (trace, status) = (desk.home().join("trace"), desk.home().join("status"));
    let answers = desk.answers("answers.yaml", answers);
    let mut strace = std::process::Command::new("strace");
    strace
        .args(["-I2", "-f", "-qq", "-v", "-s", "1000000", "-e", "trace=execve", "-e", "signal=none", "-o"])
        .arg(&trace);
    // A service that a step has started outlives the program: what traces is told to let go of it.
    strace.args(["--", "bash", "-c", r#""$@"; echo $? >status; kill $PPID"#, "bash", PROGRAM]);
    strace.args(words).args(["--unattended", "--answers", &answers]);
    let called = called(strace.envs(desk.env()).current_dir(desk.home()));
    let ended = fs::read_to_string(&status).ok().and_then(|status| status.trim().parse().ok());
    Called { code: ended, ..called }.ends_with(code);
    fs::remove_file(&status).expect("remove the status");
    let text = fs::read(&trace).expect("what strace saw");
    fs::remove_file(&trace).expect("remove what strace saw");
    started(&String::from_utf8_lossy(&text))
}

/// Holds that no program was told a secret by its words, and by its environment only those that are given as a variable of
/// this name.
#[track_caller]
pub(crate) fn none_told(started: &[Started], secrets: &[String], variable: Option<&str>) {
    let forms: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    for program in started {
        for word in &program.words {
            assert!(!holds(word.as_bytes(), &forms), "among the words of {:?}", program.words.first());
        }
        for text in &program.environment {
            let given = text.split_once('=').map(|(name, _)| name) == variable;
            assert!(given || !holds(text.as_bytes(), &forms), "in the environment of {:?}", program.words);
        }
    }
}

/// Not sampled but told by the system: no start of any program is missed, however short its life.
#[test]
fn no_program_is_ever_started_with_a_password_among_its_words() {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    let first = InForce::first(&rig);
    let mut secrets = vec![first.pg, first.valkey.clone()];
    let words = run_words(&rig, "both");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();

    // As far as the control panel, and all of it back; then as far again, and to the end.
    let mut started = traced(&desk, &words, "reset-doadmin: done\n", 7);
    secrets.push(rig.doctl().password());
    started.extend(traced(&desk, &["rollback", &desk.run_id()], "", 4));
    secrets.push(rig.doctl().password());
    started.extend(traced(&desk, &words, "reset-doadmin: done\n", 7));
    secrets.push(rig.doctl().password());
    let valkey = rig.press_reset_in_panel(&first.valkey);
    desk.keep_secret("valkey", &valkey);
    let answers = "reset-valkey: { new_valkey_password: 'file:valkey' }\n";
    started.extend(traced(&desk, &["resume", &desk.run_id()], answers, 0));
    InForce { pg: rig.doctl().password(), valkey: valkey.clone() }.holds(&rig);
    secrets.push(valkey);

    let resets = started
        .iter()
        .filter(|of| of.words.iter().any(|word| word.ends_with("bin/doctl")) && of.words.contains(&"reset".to_owned()));
    let resets: Vec<&Started> = resets.collect();
    assert!(resets.len() >= 3, "each reset is among the programs, that of the rollback too");
    for reset in resets {
        assert!(reset.environment.iter().any(|variable| variable.starts_with("PATH=")), "the environment is told");
    }
    // No step of this playbook gives a secret to a program by its environment.
    none_told(&started, &secrets, None);
}

/// Here two steps are given a key by their environment, as the playbook says: no other program is.
#[test]
fn a_key_is_in_the_environment_of_the_steps_that_name_it_and_of_no_other() {
    let folder = tempfile::TempDir::with_prefix("leaks-").expect("make a folder");
    let desk = Desk::make(folder.path());
    let play = folder.path().join("play");
    let (at, port) = (format!("folder={}", play.display()), format!("port={}", free_port()));
    let words = ["run", "first-steps", "--input", &at, "--input", &port, "--input", "mishap=no"];
    let (mut started, mut secrets) = (Vec::new(), Vec::new());
    let keys = || {
        let text = fs::read_to_string(play.join("keys")).expect("read the keys");
        let keys: Vec<String> = text.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect();
        assert_eq!(keys.len(), 2, "{text}");
        keys
    };

    started.extend(traced(&desk, &words, "", 7));
    secrets.extend(keys());
    started.extend(traced(&desk, &["rollback", &desk.run_id()], "", 4));
    assert!(!play.exists());
    started.extend(traced(&desk, &words, "", 7));
    secrets.extend(keys());
    desk.keep_secret("key", &keys()[1]);
    let answers = "fetch-key: { new_key: 'file:key' }\nretire-first-key: done\nseen: done\n";
    started.extend(traced(&desk, &["resume", &desk.run_id()], answers, 0));
    assert!(!play.exists());

    none_told(&started, &secrets, Some("FIRST_KEY"));
    let given = |of: &&Started| of.environment.iter().any(|text| text.starts_with("FIRST_KEY="));
    let service = |of: &&Started| of.words.iter().any(|word| word.ends_with("service.pl"));
    assert!(started.iter().filter(given).count() >= 3, "the steps that name it were given it");
    assert!(started.iter().filter(service).count() >= 4, "the service was started and stopped");
    assert_eq!(started.iter().filter(given).filter(service).count(), 0, "by other steps, which have no key");
}
