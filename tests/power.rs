//! Loss of power at any moment of a run: every state of the state folder that it may leave is rebuilt from the recorded system
//! calls, and in each the run can be resumed, and nothing is lost that somebody saw or that something followed from.
//!
//! A kill does not test this: what was written but not synced outlives it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use runsheet::engine::{Engine, How, Record};
use runsheet::journal;
use runsheet::secret::{Identity, Secrets};
use sha2::{Digest as _, Sha256};

use crate::support::desk::{PROGRAM, called};
use crate::support::knife::Place;
use crate::support::power::{Change, Tree, recorded, states};

/// The calls that are recorded.
const CALLS: &str =
    "trace=openat,write,ftruncate,rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync,mkdir,mkdirat,execve";

/// Records a run, or what goes on with it behind what was recorded under that name before. `code` is the exit status that it
/// must have; none for a run that is killed.
fn record(place: &Place, name: &str, words: &[String], code: Option<i32>) -> Vec<Change> {
    let traces = place.at(name);
    fs::create_dir_all(&traces).expect("make a folder");
    let mut command = Command::new("strace");
    command.args(["-ff", "-ttt", "-y", "-xx", "-qq", "--seccomp-bpf", "-f", "-s", "1000000", "-e", CALLS, "-o"]);
    command.arg(traces.join("trace")).arg("--").arg(PROGRAM).args(words);
    let called = called(command.envs(place.desk.env()).current_dir(place.desk.home()));
    assert_eq!(called.code, code, "{}{}", called.out, called.err);
    place.quiet();
    let folder = place.desk.home().join("state");
    recorded(&traces, &folder, place.folder.path())
}

/// What must be known of a run at some moment, whatever else is lost.
#[derive(Default)]
struct Known {
    /// How many records there are that somebody saw something of.
    records: usize,
    /// Whether that much was ever told that the run must be there.
    begun: bool,
}

/// Follows what is known while changes are made.
struct Watch {
    journal: Option<usize>,
    written: usize,
    known: Known,
}

impl Watch {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Create(path, number) if path.ends_with("journal.jsonl") => self.journal = Some(*number),
            Change::Write(number, _, bytes) if Some(*number) == self.journal => {
                self.written += bytes.split(|&byte| byte == b'\n').count() - 1;
            }
            // What is shown or done follows from all that is written.
            Change::Seen => {
                self.known.records = self.written;
                self.known.begun |= self.written > 0;
            }
            _ => {}
        }
    }
}

/// What each vault that was seen holds, by its bytes: opening one takes its time.
type Vaults = HashMap<Vec<u8>, Result<Vec<String>, String>>;

/// Holds that a state is one that a run can be resumed from, with all that is known. Says what is wrong.
fn wrong(
    place: &Place,
    tree: &Tree,
    known: &Known,
    scratch: &Path,
    copies: &BTreeMap<String, Vec<u8>>,
    vaults: &mut Vaults,
) -> Option<String> {
    let find = |name: &str| tree.iter().find(|(path, _)| path.ends_with(name)).and_then(|(_, bytes)| bytes.clone());
    let Some(text) = find("journal.jsonl") else {
        return known.begun.then(|| "the journal is gone".to_owned());
    };
    let path = scratch.join("journal.jsonl");
    fs::write(&path, &text).expect("write the journal");
    let mut engine = Engine::new(Arc::clone(&place.plan));
    let mut records = Vec::new();
    let read = journal::read(&path, false, |stamped| {
        engine.replay(&stamped);
        records.push(stamped.record);
    });
    if let Err(error) = read {
        return Some(format!("the journal cannot be read: {error}"));
    }
    if records.len() < known.records {
        return Some(format!("{} records of {} that were known", records.len(), known.records));
    }
    let Some(Record::Begun(begun)) = records.first() else { return None };
    let playbook = find("playbook.yaml").unwrap_or_default();
    let sha256 = Sha256::digest(&playbook).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    if sha256 != begun.sha256 {
        return Some("the playbook is not as it was".to_owned());
    }
    if records.iter().any(|record| matches!(record, Record::Closing { .. })) {
        return None; // the vault may go
    }
    let names = vaults.entry(find("vault.age").unwrap_or_default()).or_insert_with_key(|bytes| {
        let vault = scratch.join("vault.age");
        if bytes.is_empty() {
            fs::remove_file(&vault).unwrap_or_default();
        } else {
            fs::write(&vault, bytes).expect("write the vault");
        }
        let key = place.desk.home().join("config/runsheet/identity");
        let (identity, _) = Identity::load_or_create(&key).expect("the key is there");
        Secrets::open(Some(vault), &identity).map(|secrets| secrets.names())
    });
    let kept = match names {
        Ok(names) => names.clone(),
        Err(error) => return Some(error.clone()),
    };
    for record in &records {
        let (names, files) = match record {
            Record::Performed { outcome, .. } if outcome.how == How::Ok => (&outcome.secrets[..], &[][..]),
            Record::Answered { secrets, .. } => (&secrets[..], &[][..]),
            Record::Saved { files, .. } => (&[][..], &files[..]),
            _ => continue, // it names no secret and no copy
        };
        if let Some(name) = names.iter().find(|name| !kept.iter().any(|kept| kept == name.as_str())) {
            return Some(format!("{name} is on record and not in the vault"));
        }
        let missing = |copy: &&String| find(copy).as_ref() != copies.get(*copy);
        if let Some(copy) = files.iter().filter_map(|file| file.copy.as_ref()).find(missing) {
            return Some(format!("the copy {copy} is on record and not whole"));
        }
    }
    None
}

/// Tries every moment of some changes but the first so many. Gives what is wrong, and how many states there were.
fn tried(place: &Place, changes: &[Change], from: usize, enough: usize) -> (Vec<String>, usize) {
    let scratch = tempfile::tempdir().expect("make a folder");
    // What is on disk of each copy in the end.
    let last = states(changes).into_iter().next().expect("a state");
    let copies = last.iter().filter(|(path, _)| path.parent().is_some_and(|folder| folder.ends_with("snapshots")));
    let copies: BTreeMap<String, Vec<u8>> = copies
        .filter_map(|(path, bytes)| Some((path.file_name()?.to_string_lossy().into_owned(), bytes.clone()?)))
        .collect();
    let mut vaults = Vaults::new();
    let mut watch = Watch { journal: None, written: 0, known: Known::default() };
    let (mut faults, mut count, mut seen) = (Vec::new(), 0, HashSet::new());
    for at in 0..changes.len() {
        watch.change(&changes[at]);
        if at < from {
            continue;
        }
        for tree in states(&changes[..=at]) {
            let mut hasher = DefaultHasher::new();
            (&tree, watch.known.records, watch.known.begun).hash(&mut hasher);
            if !seen.insert(hasher.finish()) {
                continue;
            }
            count += 1;
            if let Some(wrong) = wrong(place, &tree, &watch.known, scratch.path(), &copies, &mut vaults) {
                faults.push(format!("after change {at}, {:.80}: {wrong}", format!("{:?}", changes[at])));
                if faults.len() >= enough {
                    return (faults, count);
                }
            }
        }
    }
    (faults, count)
}

/// The numbers that a file of a name has had.
fn file_of(changes: &[Change], name: &str) -> Vec<usize> {
    let found = changes.iter().filter_map(|change| match change {
        Change::Create(path, number) if path.ends_with(name) => Some(*number),
        _ => None,
    });
    found.collect()
}

/// Holds that every state is a good one, that there are at least so many, and that without the journal's syncs there are others.
#[track_caller]
fn holds_everywhere(place: &Place, changes: &[Change], from: usize, least: usize) {
    let (faults, count) = tried(place, changes, from, usize::MAX);
    assert!(faults.is_empty(), "{} of {count} states:\n{}", faults.len(), faults.join("\n"));
    assert!(count > least, "{count} states");
    println!("{count} states");
    let journal = file_of(changes, "journal.jsonl");
    let synced = |(at, change): &(usize, &Change)| {
        *at < from || !matches!(change, Change::SyncFile(number) if journal.contains(number))
    };
    let without: Vec<Change> = changes.iter().enumerate().filter(synced).map(|(_, change)| change.clone()).collect();
    assert_eq!(tried(place, &without, from, 1).0.len(), 1, "a sync that is missing is found");
}

/// A run is killed in the middle of a command and gone on with, and then the power fails: what either wrote may be lost.
#[test]
fn nothing_known_is_lost_with_the_power_after_a_resume() {
    let place = Place::make();
    fs::write(place.at("die-count"), "").expect("write the mark");
    let first = record(&place, "trace", &place.words(false), None).len();
    assert!(first > 0);
    let changes = record(&place, "trace", &place.words_on("resume"), Some(0));
    let records = place.desk.journal();
    assert!(records.iter().any(|entry| entry["record"].get("resumed").is_some()), "it was gone on with");
    holds_everywhere(&place, &changes, first, 200);
}

#[test]
fn nothing_known_is_lost_with_the_power_in_a_rollback() {
    let place = Place::make();
    let first = record(&place, "trace", &place.words(true), Some(7)).len();
    let changes = record(&place, "trace", &place.words_on("rollback"), Some(4));
    holds_everywhere(&place, &changes, first, 100);

    // Killed in its middle, and gone on with.
    let place = Place::make();
    record(&place, "trace", &place.words(true), Some(7));
    fs::write(place.at("die-undo"), "").expect("write the mark");
    let first = record(&place, "trace", &place.words_on("rollback"), None).len();
    let changes = record(&place, "trace", &place.words_on("resume"), Some(4));
    holds_everywhere(&place, &changes, first, 50);
}

#[test]
fn nothing_known_is_lost_with_the_power() {
    let place = Place::make();
    let changes = record(&place, "trace", &place.words(false), Some(0));
    holds_everywhere(&place, &changes, 0, 300);

    // The order of R11, from the same record: the vault is synced with its name before the record that tells of it is written.
    let vaults = changes.iter().enumerate().filter_map(|(at, change)| match change {
        Change::Rename(_, to, _) if to.ends_with("vault.age") => Some(at),
        _ => None,
    });
    let vaults: Vec<usize> = vaults.collect();
    assert!(vaults.len() >= 3, "a key made, a word given, a token captured: {vaults:?}");
    for at in vaults {
        assert!(matches!(changes[at - 1], Change::SyncFile(_)), "synced before it has its name: {:?}", changes[at - 1]);
        assert!(matches!(changes[at + 1], Change::SyncFolder(_)), "its name is synced: {:?}", changes[at + 1]);
    }
}

/// The harness finds what it should: each sync taken out of the record, one kind at a time, is a fault.
#[test]
fn a_sync_that_is_missing_is_found() {
    let place = Place::make();
    let changes = record(&place, "trace", &place.words(true), Some(7));
    let file_of = |name: &str| file_of(&changes, name);
    let without = |keep: &dyn Fn(&Change) -> bool| {
        let changes: Vec<Change> = changes.iter().filter(|change| keep(change)).cloned().collect();
        tried(&place, &changes, 0, 1).0.len()
    };
    for name in ["journal.jsonl", "vault.age.new", "playbook.yaml", "keep.1.1.age"] {
        let files = file_of(name);
        let faults = without(&|change| !matches!(change, Change::SyncFile(number) if files.contains(number)));
        assert!(faults > 0, "{name} without its sync");
    }
    for end in ["snapshots", "runs"] {
        let faults = without(&|change| !matches!(change, Change::SyncFolder(folder) if folder.ends_with(end)));
        assert!(faults > 0, "the names in {end} without a sync");
    }
    let run = place.desk.run_folder();
    assert!(
        without(&|change| !matches!(change, Change::SyncFolder(folder) if *folder == run)) > 0,
        "the run's own names"
    );
}
