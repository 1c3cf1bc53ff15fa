//! The targets: who reads input that nobody can vouch for, and what must be true whatever the input is.
//!
//! A target fails by a panic, its own or that of what it calls. It must not depend on anything but its input: whatever else it
//! chooses, it chooses by [`Dice::of`](crate::dice::Dice::of) the input.

mod answers;
mod capture;
mod check;
mod dotenv;
mod edits;
mod fields;
mod frames;
mod journal;
mod mask;
mod reply;
mod spell;
mod visible;

use std::path::{Path, PathBuf};

use crate::dice::Dice;

/// A target.
#[derive(Debug)]
pub(crate) struct Target {
    /// Its name, and that of its folder in the corpus.
    pub(crate) name: &'static str,
    /// The most bytes of an input.
    pub(crate) longest: usize,
    /// How many executions `--round` makes of it: about twenty seconds of a machine that does nothing else.
    pub(crate) round: u64,
    /// Words that mean something to it.
    pub(crate) words: &'static [&'static str],
    /// Inputs that are in the repository anyway.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Makes an input from nothing.
    pub(crate) make: fn(&mut Dice) -> Vec<u8>,
    /// The parts before the last are mostly left as they are: it takes long to get them ready.
    pub(crate) steady: bool,
    /// Makes a changed input more likely to be understood.
    pub(crate) mend: fn(&mut Vec<u8>, &mut Dice),
    /// Executes it, and tells by a number what kind of thing happened.
    pub(crate) run: fn(&[u8]) -> u64,
}

/// All of them.
pub(crate) const TARGETS: &[Target] = &[
    mask::TARGET,
    visible::TARGET,
    check::TARGET,
    journal::TARGET,
    edits::TARGET,
    dotenv::TARGET,
    reply::TARGET,
    answers::TARGET,
    fields::TARGET,
    frames::TARGET,
    capture::TARGET,
];

/// What stands between the parts of an input that has several.
pub(crate) const PART: u8 = 0x1e;

/// Splits an input into its parts, as text.
fn parts(input: &[u8]) -> Vec<String> {
    input.split(|byte| *byte == PART).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// Joins parts to an input.
fn join<T: AsRef<str>>(parts: &[T]) -> Vec<u8> {
    parts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("\u{1e}").into_bytes()
}

/// Has no inputs of the repository.
fn none() -> Vec<Vec<u8>> {
    Vec::new()
}

/// Leaves a changed input as it is.
fn as_is(_: &mut Vec<u8>, _: &mut Dice) {}

/// Returns a path of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Reads the YAML files of a folder of the repository that are not too long.
fn yaml_files(folder: &str, longest: usize) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(repository(folder))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    let texts = paths.iter().filter_map(|path| std::fs::read(path).ok());
    texts.filter(|text| text.len() <= longest).collect()
}

/// Takes what varies out of a message, so that one kind of message is one kind: quoted words, and numbers.
fn kind_of(message: &str) -> String {
    let mut kind = String::new();
    let mut quoted = false;
    for c in message.chars() {
        quoted ^= c == '`';
        if !quoted && !c.is_ascii_digit() {
            kind.push(c);
        }
    }
    kind.truncate(kind.char_indices().nth(60).map_or(kind.len(), |(at, _)| at));
    kind
}
