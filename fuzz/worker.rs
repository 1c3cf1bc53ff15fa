//! The process that executes one target: first everything in its corpus, then new inputs until time or count is over.
//!
//! An input that makes something happen that has not been seen yet is kept in memory, to be changed further.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::attempt::{Note, Wrong, attempt, minimise, prepare};
use crate::dice::{Dice, hash};
use crate::mutate::mutate;
use crate::targets::{PART, Target};

/// The most memory that a target may take, in bytes.
const MEMORY: u64 = 4 << 30;
/// The most inputs that one call adds to a corpus.
const GROWTH: usize = 60;
/// The most inputs that are kept to be changed further.
const POOL: usize = 4096;
/// The most kinds of what happened that are told apart.
const KINDS: usize = 100_000;

/// How a target is to be run.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) seconds: u64,
    /// How many executions at most.
    pub(crate) count: u64,
    pub(crate) seed: u64,
    /// The last inputs that show something new are added to the corpus.
    pub(crate) grow: bool,
    /// The folder with a folder of inputs for each target.
    pub(crate) folder: PathBuf,
}

/// What came of it.
pub(crate) struct Tally {
    pub(crate) executions: u64,
    pub(crate) corpus: usize,
    pub(crate) kinds: usize,
    pub(crate) took: Duration,
    /// The input that failed, made short, and how.
    pub(crate) failed: Option<(Vec<u8>, Wrong)>,
}

/// Runs a target.
pub(crate) fn work(target: &Target, order: &Order, note: &Path) -> std::io::Result<Tally> {
    prepare();
    setrlimit(Resource::As, Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) })?;
    let mut note = Note::create(note)?;
    let corpus = corpus(&order.folder.join("corpus").join(target.name))?;
    let mut dice = Dice::new(order.seed ^ hash(target.name));
    let begun = Instant::now();
    let mut tally = Tally { executions: 0, corpus: corpus.len(), kinds: 0, took: Duration::ZERO, failed: None };
    let mut kinds = HashSet::new();
    let mut pool: Vec<Vec<u8>> = Vec::new();
    // what was new last was the hardest to find
    let mut rare: VecDeque<Vec<u8>> = VecDeque::new();
    let mut queue: Vec<Vec<u8>> = (target.seeds)();
    queue.extend(corpus.iter().cloned());
    let time = Duration::from_secs(order.seconds);
    loop {
        let old = queue.pop();
        let known = old.is_some();
        if !known && (tally.executions >= order.count || begun.elapsed() >= time) {
            break;
        }
        let input = old.unwrap_or_else(|| new(target, &pool, &mut dice));
        tally.executions += 1;
        match attempt(target, &input, &mut note) {
            Ok(kind) => {
                let is_new = kinds.len() < KINDS && kinds.insert(kind);
                if is_new && order.grow && !known {
                    if rare.len() == GROWTH {
                        rare.pop_front();
                    }
                    rare.push_back(input.clone());
                }
                if (is_new || known) && pool.len() < POOL {
                    pool.push(input);
                }
            }
            Err(wrong) => {
                let short = minimise(target, &input, &wrong, &mut note);
                // in the words of the short one, which are what is read
                let wrong = attempt(target, &short, &mut note).err().unwrap_or(wrong);
                tally.failed = Some((short, wrong));
                break;
            }
        }
    }
    for input in &rare {
        keep(&order.folder.join("corpus").join(target.name), input)?;
    }
    tally.kinds = kinds.len();
    tally.took = begun.elapsed();
    Ok(tally)
}

/// Makes an input: from nothing, or by changing one that was worth keeping.
fn new(target: &Target, pool: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let made = (pool.is_empty() || dice.once_in(3)).then(|| (target.make)(dice));
    let input = made.as_ref().unwrap_or_else(|| &pool[dice.below(pool.len())]);
    if made.is_some() && dice.once_in(2) {
        return input[..input.len().min(target.longest)].to_vec();
    }
    let other = pool.get(dice.below(pool.len())).unwrap_or(input);
    let steady = target.steady && !dice.once_in(16);
    let start = input.iter().rposition(|byte| steady && *byte == PART).map_or(0, |at| at + 1);
    let longest = target.longest.saturating_sub(start);
    let mut changed = [&input[..start], &mutate(&input[start..], other, target.words, longest, dice)].concat();
    (target.mend)(&mut changed, dice);
    changed
}

/// Reads the inputs of a folder, in the order of their names; there need not be one.
fn corpus(folder: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    paths.iter().map(fs::read).collect()
}

/// Writes an input into a folder, under a name made of what it is.
pub(crate) fn keep(folder: &Path, input: &[u8]) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{:016x}", hash(input)));
    fs::write(&path, input)?;
    Ok(path)
}
