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

use crate::support::desk::Desk;
use crate::support::operator::{Asked, Operator};
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
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let encoded = in_url(secret);
    assert_ne!(encoded, secret, "the rig's passwords have signs that percent-encoding changes");
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

fn holds(bytes: &[u8], forms: &[Vec<u8>]) -> bool {
    forms.iter().any(|form| bytes.windows(form.len()).any(|part| part == form))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
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
    look(&["report", &run]);
    look(&["runs"]);
    let kept = found_in(&rig, &desk, &secrets);

    desk.keep_secret("valkey", &valkey);
    let called =
        go_on(&desk, "rollback", "reset-valkey: { undo: { new_valkey_password: 'file:valkey' } }\n").ends_with(4);
    fs::remove_file(desk.home().join("valkey")).expect("remove the answer");
    secrets.push(rig.doctl().password());
    look(&["report", &run]);
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
struct Started {
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

/// Not sampled but told by the system: no start of any program is missed, however short its life.
#[test]
fn no_program_is_ever_started_with_a_password_among_its_words() {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    let first = InForce::first(&rig);
    let trace = rig.folder().join("trace");
    let answers = desk.answers("answers.yaml", "reset-doadmin: done\n");
    let words = run_words(&rig, "postgres");
    let mut strace = std::process::Command::new("strace");
    strace.args(["-f", "-qq", "-v", "-s", "1000000", "-e", "trace=execve", "-e", "signal=none", "-o"]).arg(&trace);
    strace.arg("--").arg(crate::support::desk::PROGRAM).args(words);
    strace.args(["--unattended", "--answers", &answers]).envs(desk.env()).current_dir(desk.home());
    crate::support::desk::called(&mut strace).ends_with(0);

    let secrets = [first.pg, first.valkey, rig.doctl().password()];
    let forms: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let started = started(&String::from_utf8_lossy(&fs::read(&trace).expect("what strace saw")));
    let doctl = |of: &Started| {
        of.words.iter().any(|word| word.ends_with("bin/doctl")) && of.words.contains(&"reset".to_owned())
    };
    let reset = started.iter().find(|of| doctl(of)).expect("the reset is among the programs");
    assert!(reset.environment.iter().any(|variable| variable.starts_with("PATH=")), "the environment is told");
    for program in &started {
        for word in &program.words {
            assert!(!holds(word.as_bytes(), &forms), "among the words of {:?}", program.words.first());
        }
        // No step of this playbook gives a secret to a program by its environment.
        for variable in &program.environment {
            assert!(!holds(variable.as_bytes(), &forms), "in the environment of {:?}", program.words);
        }
    }
}
