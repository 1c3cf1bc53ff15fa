//! Executes the readers of hostile input with inputs that nobody wrote, and holds each answer against what must be true.
//!
//! `scripts/fuzz` builds and starts it. It needs no instrumented build: an input is worth keeping when something happens
//! that has not happened yet (another message, another shape of the answer), which each target tells by a number. Each
//! target runs in a process of its own, so that the end of the stack, of memory or of patience is a find like any other.

#![allow(clippy::disallowed_methods, reason = "it starts itself once for each target")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a target says that it failed")]
#![allow(clippy::print_stderr, reason = "a program of a developer, which tells of its failure there")]
#![allow(clippy::cast_precision_loss, reason = "it counts and prints")]
#![allow(clippy::format_push_string, clippy::format_collect, reason = "short texts, made where it can be seen how")]

mod attempt;
mod dice;
mod mutate;
mod targets;
mod worker;

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::SystemTime;

use attempt::{Note, TOO_LONG};
use targets::{TARGETS, Target};
use worker::{Order, Tally};

const HELP: &str = "\
usage: scripts/fuzz [TARGET…] [--seconds N] [--count N] [--seed N] [--jobs N] [--grow]
       scripts/fuzz [TARGET…] --round [--jobs N]
       scripts/fuzz TARGET --input FILE

Executes each target (all, when none is named) with its corpus (fuzz/corpus/TARGET) and then with new inputs, for 20
seconds or so many executions. An input that fails is made short and written to fuzz/artifacts/TARGET; the exit status is
then 1. --input executes one file and says what happened. --grow adds the last inputs that showed something new to the corpus.
--round executes a fixed number of inputs from a fixed seed, so that it says the same of the same source wherever it runs; to
find what nobody has found yet, leave it out.
";

/// The seed of `--round`. Any would do; another one makes it look elsewhere.
const ROUND: u64 = 1;

/// What the command line says.
struct Asked {
    targets: Vec<&'static Target>,
    order: Order,
    jobs: usize,
    /// As many executions as each target says, instead of those of the order.
    round: bool,
    input: Option<PathBuf>,
    /// This process is the one that executes; where its note is.
    note: Option<PathBuf>,
}

fn main() -> ExitCode {
    let asked = match ask(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            eprint!("{why}\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match (&asked.note, &asked.input, asked.targets.as_slice()) {
        (Some(note), None, [target]) => execute(target, &asked.order, note),
        (None, Some(input), [target]) => one(target, input),
        (None, None, _) => all(&asked),
        // what is left names a file without one target for it
        _ => {
            eprint!("--input needs one target\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn ask(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let seed = SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let order = Order { seconds: 20, count: u64::MAX, seed, grow: false, folder };
    let mut asked = Asked { targets: Vec::new(), order, jobs: 1, round: false, input: None, note: None };
    let mut limited = false;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text} is no number"));
        match word.as_str() {
            "--seconds" => (asked.order.seconds, limited) = (number(value()?)?, true),
            "--count" => asked.order.count = number(value()?)?,
            "--seed" => asked.order.seed = number(value()?)?,
            "--jobs" => asked.jobs = usize::try_from(number(value()?)?).unwrap_or(1).max(1),
            "--grow" => asked.order.grow = true,
            "--round" => asked.round = true,
            "--input" => asked.input = Some(value()?.into()),
            "--note" => asked.note = Some(value()?.into()),
            name => {
                let found = TARGETS.iter().find(|target| target.name == name);
                asked.targets.push(found.ok_or_else(|| {
                    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
                    format!("there is no target {name}; there are {}", names.join(", "))
                })?);
            }
        }
    }
    if asked.round {
        (asked.order.seed, asked.order.seconds) = (ROUND, u64::MAX);
    } else if asked.order.count < u64::MAX && !limited {
        asked.order.seconds = u64::MAX;
    }
    if asked.targets.is_empty() {
        asked.targets = TARGETS.iter().collect();
    }
    Ok(asked)
}

/// Runs all targets that were asked for, each in a process of its own.
fn all(asked: &Asked) -> ExitCode {
    let queue = std::sync::Mutex::new(asked.targets.iter());
    let next = || queue.lock().ok().and_then(|mut queue| queue.next().copied());
    let work = || {
        let mut held = true;
        while let Some(target) = next() {
            let count = if asked.round { target.round } else { asked.order.count };
            held &= start(target, &Order { count, ..asked.order.clone() }).unwrap_or_else(|why| {
                eprintln!("{}: {why}", target.name);
                false
            });
        }
        held
    };
    let held = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..asked.jobs).map(|_| scope.spawn(work)).collect();
        workers.into_iter().all(|worker| worker.join().unwrap_or(false))
    });
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Starts the process that executes a target, and says whether everything held.
fn start(target: &Target, order: &Order) -> std::io::Result<bool> {
    let folder = tempfile::tempdir()?;
    let note = folder.path().join("note");
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(target.name).args(["--note".as_ref(), note.as_os_str()]);
    for (flag, value) in [("--seconds", order.seconds), ("--count", order.count), ("--seed", order.seed)] {
        command.args([flag, &value.to_string()]);
    }
    command.args(order.grow.then_some("--grow")).env("TMPDIR", folder.path()).stdin(Stdio::null());
    let status = command.status()?;
    if status.code().is_some_and(|code| code != TOO_LONG) {
        return Ok(status.success());
    }
    let why = status.signal().map_or("took too long".to_owned(), |signal| format!("ended by signal {signal}"));
    let input = Note::read(&note).unwrap_or_default();
    let kept = worker::keep(&order.folder.join("artifacts").join(target.name), &input)?;
    eprintln!("{}: {why} (seed {}); the input is in {}", target.name, order.seed, kept.display());
    Ok(false)
}

/// Executes a target in this process.
fn execute(target: &Target, order: &Order, note: &Path) -> ExitCode {
    let done = worker::work(target, order, note).and_then(|tally| {
        let Tally { executions, corpus, kinds, took, ref failed } = tally;
        let rate = executions as f64 / took.as_secs_f64().max(1e-6);
        println!(
            "{:10} {executions:>11} executions in {:6.1} s, {rate:>9.0}/s, corpus {corpus}, {kinds} kinds, seed {}",
            target.name,
            took.as_secs_f64(),
            order.seed
        );
        if let Some((input, wrong)) = failed {
            let kept = worker::keep(&order.folder.join("artifacts").join(target.name), input)?;
            eprintln!("{}: failed at {}: {}\nthe input is in {}", target.name, wrong.place, wrong.said, kept.display());
        }
        Ok(failed.is_none())
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{}: {why}", target.name);
            ExitCode::FAILURE
        }
    }
}

/// Executes one input, with all that a panic says.
fn one(target: &Target, input: &Path) -> ExitCode {
    match std::fs::read(input) {
        Ok(input) => {
            println!("{}: kind {:016x}", target.name, (target.run)(&input));
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{}: {why}", input.display());
            ExitCode::from(2)
        }
    }
}
