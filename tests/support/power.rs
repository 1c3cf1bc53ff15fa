//! Power loss: the changes of a folder as strace recorded them, and the states of it that a loss of power may leave.
//!
//! Two models. *Strict*: what a sync of the file, or for names of the folder, did not cover may be there or not, each for itself;
//! of an unsynced write also a part, or its length without its bytes. *Ordered*, as ext4 does it: changes of names come to the
//! disk in their order, and a sync of anything brings all that are before it; the bytes of unsynced writes are there or not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// One change of the folder, or a word about it.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A folder was made.
    Folder(PathBuf),
    /// A name for a new, empty file.
    Create(PathBuf, usize),
    /// Bytes at a place of a file.
    Write(usize, u64, Vec<u8>),
    /// A file got another length.
    Length(usize, u64),
    /// A file, of this number, got another name.
    Rename(PathBuf, PathBuf, usize),
    /// A name is gone.
    Remove(PathBuf),
    /// A file's bytes are on disk.
    SyncFile(usize),
    /// The names in a folder are on disk.
    SyncFolder(PathBuf),
    /// Something that others can see: an output, a child, a change of the world.
    Seen,
}

/// A tree of files: each path with its bytes; a folder has none.
pub(crate) type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Reads what strace wrote with `-ff -ttt -y -xx`, a file a process, in the order of time.
///
/// `folder` is what is followed; `world` is where a change counts as seen by others.
pub(crate) fn recorded(traces: &Path, folder: &Path, world: &Path) -> Vec<Change> {
    let mut lines: Vec<(String, String, String)> = Vec::new();
    for entry in fs::read_dir(traces).expect("read the traces").map(|entry| entry.expect("an entry").path()) {
        let process = entry.extension().expect("the process").to_string_lossy().into_owned();
        for line in fs::read_to_string(&entry).expect("read a trace").lines() {
            if let Some((time, call)) = line.split_once(' ') {
                lines.push((time.to_owned(), process.clone(), call.to_owned()));
            }
        }
    }
    lines.sort_by(|one, other| one.0.cmp(&other.0));
    let mut reader = Reader {
        folder,
        world,
        names: HashMap::new(),
        offsets: HashMap::new(),
        lengths: HashMap::new(),
        files: 0,
        changes: vec![],
    };
    for (_, process, call) in lines {
        reader.call(&process, call.trim());
    }
    reader.changes
}

struct Reader<'t> {
    folder: &'t Path,
    world: &'t Path,
    /// The files by name.
    names: HashMap<PathBuf, usize>,
    /// Where the next write of a file goes, by process and descriptor; none where that is always the file's end.
    offsets: HashMap<(String, String), Option<u64>>,
    lengths: HashMap<usize, u64>,
    files: usize,
    changes: Vec<Change>,
}

impl Reader<'_> {
    fn call(&mut self, process: &str, call: &str) {
        let Some((name, rest)) = call.split_once('(') else { return };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { return };
        if result.trim_start().starts_with('-') {
            return;
        }
        let texts = texts(arguments);
        let path = |at: usize| texts.get(at).map(|text| PathBuf::from(String::from_utf8_lossy(text).into_owned()));
        // The path behind a descriptor, and the descriptor.
        let descriptor = arguments.split('<').next().unwrap_or_default().to_owned();
        let file = described(arguments);
        match name {
            "execve" => self.changes.push(Change::Seen),
            "mkdir" | "mkdirat" => {
                if let Some(path) = path(0).filter(|path| path.starts_with(self.folder)) {
                    self.changes.push(Change::Folder(path));
                }
            }
            "openat" => {
                let Some(path) = path(0) else { return };
                let opened = result.split('<').next().unwrap_or_default().trim().to_owned();
                let at = (!arguments.contains("O_APPEND")).then_some(0);
                self.offsets.insert((process.to_owned(), opened), at);
                if path.starts_with(self.folder) && arguments.contains("O_CREAT") {
                    self.create(path, arguments.contains("O_TRUNC"));
                }
            }
            "write" => {
                let Some(bytes) = texts.into_iter().next() else { return };
                let Some(file) = file else { return };
                if descriptor == "1" || (file.starts_with(self.world) && !file.starts_with(self.folder)) {
                    self.changes.push(Change::Seen);
                } else if let Some(&number) = self.names.get(&file) {
                    let length = self.lengths.entry(number).or_default();
                    let offset = self.offsets.entry((process.to_owned(), descriptor)).or_insert(Some(0));
                    let at = offset.unwrap_or(*length);
                    let end = at + bytes.len() as u64;
                    *offset = offset.map(|_| end);
                    *length = end.max(*length);
                    self.changes.push(Change::Write(number, at, bytes));
                }
            }
            "ftruncate" => {
                let length =
                    arguments.rsplit(',').next().and_then(|text| text.trim().trim_end_matches(')').parse().ok());
                if let (Some(&number), Some(length)) = (file.and_then(|file| self.names.get(&file)), length) {
                    self.lengths.insert(number, length);
                    self.changes.push(Change::Length(number, length));
                }
            }
            "rename" | "renameat" | "renameat2" => {
                let (Some(from), Some(to)) = (path(0), path(1)) else { return };
                if let Some(number) = self.names.remove(&from) {
                    self.names.insert(to.clone(), number);
                    self.changes.push(Change::Rename(from, to, number));
                }
            }
            "unlink" | "unlinkat" => {
                let Some(path) = path(0) else { return };
                if self.names.remove(&path).is_some() {
                    self.changes.push(Change::Remove(path));
                }
            }
            "fsync" | "fdatasync" => {
                let Some(file) = file else { return };
                match self.names.get(&file) {
                    Some(&number) => self.changes.push(Change::SyncFile(number)),
                    None => self.changes.push(Change::SyncFolder(file)),
                }
            }
            _ => {} // it changes nothing
        }
    }

    fn create(&mut self, path: PathBuf, empties: bool) {
        match self.names.get(&path) {
            Some(&number) if empties => {
                self.lengths.insert(number, 0);
                self.changes.push(Change::Length(number, 0));
            }
            Some(_) => {}
            None => {
                self.files += 1;
                self.names.insert(path.clone(), self.files);
                self.changes.push(Change::Create(path, self.files));
            }
        }
    }
}

/// The texts of a call, which are all in `\x` form.
fn texts(arguments: &str) -> Vec<Vec<u8>> {
    arguments.split('"').skip(1).step_by(2).map(unescaped).collect()
}

/// The path behind the first descriptor of a call: `5<\x2f…>`.
fn described(arguments: &str) -> Option<PathBuf> {
    let first = arguments.split(',').next()?;
    let inside = first.split_once('<')?.1.rsplit_once('>')?.0;
    Some(PathBuf::from(String::from_utf8_lossy(&unescaped(inside)).into_owned()))
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let hex = rest.strip_prefix("\\x").and_then(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok());
        if let Some(byte) = hex {
            bytes.push(byte);
            rest = &rest[4..];
        } else {
            bytes.extend(character.to_string().bytes());
            rest = &rest[character.len_utf8()..];
        }
    }
    bytes
}

/// The states that a loss of power right behind a change may leave; `changes` are those up to it.
pub(crate) fn states(changes: &[Change]) -> Vec<Tree> {
    let mut states = Vec::new();
    for ordered in [false, true] {
        let open = unsynced(changes, ordered);
        let all: BTreeSet<usize> = BTreeSet::new();
        // Nothing of it is lost, or everything.
        let mut lost: Vec<BTreeSet<usize>> = vec![all, open.iter().copied().collect()];
        let names = |at: &usize| !matches!(changes[*at], Change::Write(..) | Change::Length(..));
        if ordered {
            // Of the names, the first so many are there; of the bytes, all or none.
            let of_names: Vec<usize> = open.iter().copied().filter(names).collect();
            let of_bytes: BTreeSet<usize> = open.iter().copied().filter(|at| !names(at)).collect();
            for from in 0..=of_names.len() {
                let late: BTreeSet<usize> = of_names[from..].iter().copied().collect();
                lost.push(late.union(&of_bytes).copied().collect());
                lost.push(late);
            }
        } else {
            for at in &open {
                lost.push(BTreeSet::from([*at]));
                lost.push(open.iter().copied().filter(|other| other != at).collect());
            }
        }
        states.extend(lost.iter().map(|lost| tree(changes, lost, None)));
        // The last write in parts: its first half; or its length, with nothing in it.
        if let Some(&last) = open.iter().rev().find(|at| matches!(changes[**at], Change::Write(..))) {
            for part in [Part::Half, Part::Hollow] {
                states.push(tree(changes, &BTreeSet::new(), Some((last, part))));
            }
        }
    }
    states
}

#[derive(Clone, Copy)]
enum Part {
    Half,
    Hollow,
}

/// The changes that no sync covers.
fn unsynced(changes: &[Change], ordered: bool) -> Vec<usize> {
    let mut open: Vec<usize> = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let within = |path: &Path, folder: &Path| path.parent() == Some(folder);
        match change {
            Change::Seen => {}
            Change::SyncFile(number) => open.retain(|&at| match &changes[at] {
                Change::Write(of, ..) | Change::Length(of, _) => of != number,
                _ => !ordered,
            }),
            Change::SyncFolder(folder) => open.retain(|&at| match &changes[at] {
                Change::Folder(path) | Change::Create(path, _) | Change::Remove(path) => {
                    !(ordered || within(path, folder))
                }
                Change::Rename(from, to, _) => !(ordered || within(from, folder) || within(to, folder)),
                _ => true,
            }),
            Change::Folder(_)
            | Change::Create(..)
            | Change::Write(..)
            | Change::Length(..)
            | Change::Rename(..)
            | Change::Remove(_) => open.push(at),
        }
    }
    open
}

/// Puts a tree together from the changes that are not lost.
fn tree(changes: &[Change], lost: &BTreeSet<usize>, part: Option<(usize, Part)>) -> Tree {
    let mut names: BTreeMap<PathBuf, Option<usize>> = BTreeMap::new();
    let mut bytes: HashMap<usize, Vec<u8>> = HashMap::new();
    for (at, change) in changes.iter().enumerate().filter(|(at, _)| !lost.contains(at)) {
        match change {
            Change::Folder(path) => {
                names.insert(path.clone(), None);
            }
            Change::Create(path, number) => {
                names.insert(path.clone(), Some(*number));
            }
            Change::Write(number, from, what) => {
                let file = bytes.entry(*number).or_default();
                let from = usize::try_from(*from).expect("a length");
                let what = match part {
                    Some((of, Part::Half)) if of == at => what[..what.len() / 2].to_vec(),
                    Some((of, Part::Hollow)) if of == at => vec![0; what.len()],
                    _ => what.clone(),
                };
                if file.len() < from + what.len() {
                    file.resize(from + what.len(), 0);
                }
                file[from..from + what.len()].copy_from_slice(&what);
            }
            Change::Length(number, length) => {
                bytes.entry(*number).or_default().resize(usize::try_from(*length).expect("a length"), 0);
            }
            Change::Rename(from, to, number) => {
                names.remove(from);
                names.insert(to.clone(), Some(*number));
            }
            Change::Remove(path) => {
                names.remove(path);
            }
            Change::SyncFile(_) | Change::SyncFolder(_) | Change::Seen => {}
        }
    }
    let folders: BTreeSet<PathBuf> =
        names.iter().filter(|(_, file)| file.is_none()).map(|(path, _)| path.clone()).collect();
    let known: BTreeSet<&PathBuf> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Folder(path) => Some(path),
            _ => None, // a folder that nobody made here was there before
        })
        .collect();
    // What is in a folder that is lost is lost with it.
    let reached = |path: &Path| {
        path.ancestors().skip(1).all(|above| !known.contains(&above.to_owned()) || folders.contains(above))
    };
    names
        .into_iter()
        .filter(|(path, _)| reached(path))
        .map(|(path, file)| (path, file.map(|number| bytes.get(&number).cloned().unwrap_or_default())))
        .collect()
}
