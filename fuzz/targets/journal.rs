//! The journal's reader: what is whole is read, a torn end is cut off and kept, anything else is found and told.
//!
//! A second reader, which knows only lines, numbers and hashes, says which of the three it must be. What was read is
//! folded into a run: no journal, however odd, makes that fall over. Changes are mostly given a right chain again, so that
//! they reach further than the first hash.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use runsheet::engine::{Engine, Stamped};
use runsheet::journal::{Entry, Log as _, ReadError, read};
use runsheet::playbook::{self, plan::Plan};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{Target, kind_of, repository};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "journal",
    longest: 16_000,
    round: 100_000,
    words: &[
        "\n",
        "}\n",
        "{",
        "}",
        "\"",
        "\\",
        "\\u0000",
        "null",
        "true",
        "[]",
        "{}",
        "1e999",
        "-1",
        "\"seq\":",
        "\"at\":",
        "\"record\":",
        "\"prev\":",
        ",\"sum\":\"",
        "2026-09-21T14:13:20Z",
        "-009999-01-01T00:00:00Z",
        "begun",
        "left_out",
        "started",
        "performed",
        "answered",
        "probed",
        "by_hand",
        "skipped",
        "stop_asked",
        "note",
        "rollback_begun",
        "rollback_ended",
        "resumed",
        "paused",
        "signed_off",
        "closing",
        "ended",
        "recaptured",
        "saved",
        "unknown",
        "done",
        "failed",
        "timed_out",
        "stopped",
        "\"undo\":1",
        "\"undo\":4294967295",
        "\"attempt\":0",
        "\"attempt\":4294967295",
        "reset-doadmin",
        "write-files",
        "restart",
        "\0",
        "\u{feff}",
    ],
    seeds,
    make,
    steady: false,
    mend,
    run,
};

const SAMPLE: &str = "tests/data/journal-1.jsonl";

static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| {
    let text = std::fs::read_to_string(repository("tests/data/good/design.yaml")).expect("the playbook is there");
    Arc::new(playbook::check(&text).expect("it is a good one").plan)
});

thread_local! {
    static FOLDER: RefCell<TempDir> = RefCell::new(memory());
}

/// Makes a folder, in memory where the system has one for that.
pub(super) fn memory() -> TempDir {
    let builder = tempfile::Builder::new();
    builder.tempdir_in("/dev/shm").or_else(|_| builder.tempdir()).expect("a folder for files")
}

fn seeds() -> Vec<Vec<u8>> {
    [SAMPLE, "tests/data/journal-0.jsonl"].iter().filter_map(|path| std::fs::read(repository(path)).ok()).collect()
}

/// What a journal is.
#[derive(Debug, PartialEq, Eq)]
enum Is {
    /// Whole: so many records.
    Whole(usize),
    /// So many records, and the beginning of another.
    Torn(usize),
    /// Something else, which shows in this line or in the next, from 1.
    Damaged(usize),
}

/// The second reader.
fn judged(bytes: &[u8]) -> Is {
    let mut prev = "0".repeat(64);
    let mut summed = false;
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let ended = line.strip_suffix(b"\n");
        let entry = ended.and_then(|line| serde_json::from_slice::<Entry>(line).ok());
        let has_sum = entry.as_ref().is_some_and(|entry| entry.sum.is_some());
        let fits = entry.is_some_and(|entry| entry.seq == at as u64 + 1 && entry.prev == prev)
            && ended.is_some_and(|line| {
                only_known(line) && sum(line).map_or(!has_sum && !summed, |right| has_sum && right)
            });
        if !fits {
            let last = at + 1 == lines.len();
            let json = serde_json::from_slice::<serde::de::IgnoredAny>(line);
            // a whole line at the end that is another record's is damage; one that is no JSON was torn
            let torn =
                last && json.as_ref().map_or_else(|_| !begins_with_json(line), |_| ended.is_none() || is_end(line));
            return if torn { Is::Torn(at) } else { Is::Damaged(at + 1) };
        }
        summed |= has_sum;
        prev = hex(ended.unwrap_or_default());
    }
    Is::Whole(lines.len())
}

/// Says whether a line has no fields but those of a record.
fn only_known(line: &[u8]) -> bool {
    let fields: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(line).ok();
    fields.is_some_and(|fields| fields.keys().all(|key| ["seq", "at", "record", "prev", "sum"].contains(&key.as_str())))
}

/// Says whether the sum at a line's end is right; none where there is none.
fn sum(line: &[u8]) -> Option<bool> {
    let (text, end) = line.split_at(line.len().checked_sub(SUM)?);
    let sum = end.strip_prefix(b",\"sum\":\"")?.strip_suffix(b"\"}")?;
    Some(hex(text).as_bytes()[..8] == *sum)
}

/// How many bytes a sum has, with its name and the end of the line.
const SUM: usize = 18;

/// Says whether nothing but the JSON is there, so that only a line end is lacking.
fn is_end(line: &[u8]) -> bool {
    line.last().is_some_and(|byte| *byte != b'\n')
}

/// Says whether a whole value is followed by something else.
fn begins_with_json(line: &[u8]) -> bool {
    serde_json::Deserializer::from_slice(line)
        .into_iter::<serde::de::IgnoredAny>()
        .next()
        .is_some_and(|value| value.is_ok())
}

fn hex(line: &[u8]) -> String {
    Sha256::digest(line).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn run(input: &[u8]) -> u64 {
    let path = FOLDER.with_borrow(|folder| folder.path().join("journal.jsonl"));
    std::fs::write(&path, input).expect("the journal is written");
    let is = judged(input);
    let mut records: Vec<Stamped> = Vec::new();
    let (records_read, said) = match (read(&path, false, |stamped| records.push(stamped)), &is) {
        (Ok(journal), Is::Whole(count) | Is::Torn(count)) => {
            assert!(
                journal.records == *count as u64 && records.len() == *count,
                "{count} records, {}",
                journal.records
            );
            assert!(std::fs::read(&path).is_ok_and(|bytes| bytes == input), "reading changed it");
            go_on(&path, input, *count, matches!(is, Is::Torn(_)));
            (*count, String::new())
        }
        // a format that is to come is refused, whatever else is right
        (Err(ReadError::Damaged { why, .. }), _) if why.contains("by a later runsheet") => {
            (records.len(), kind_of(&why))
        }
        (Err(ReadError::Damaged { line, byte, why, .. }), Is::Damaged(at)) => {
            let line = usize::try_from(line).expect("a line of a short file");
            let before: usize = input.split_inclusive(|byte| *byte == b'\n').take(line - 1).map(<[u8]>::len).sum();
            assert!(byte == before as u64, "line {line} begins at byte {before}, told as byte {byte}");
            assert!(line == *at || line + 1 == *at, "the damage is in line {at}, told as line {line}: {why}");
            (records.len(), kind_of(&why))
        }
        (Ok(_), Is::Damaged(at)) => panic!("line {at} is damaged, and nobody says so"),
        (Err(error), _) => panic!("it is {is:?}, and refused: {error}"),
    };
    let mut engine = Engine::new(Arc::clone(&PLAN));
    let mut seen = Vec::new();
    for stamped in &records {
        engine.replay(stamped);
        let told = format!("{:?}{:?}", std::mem::discriminant(&stamped.record), engine.run().awaiting(&PLAN));
        seen.push(hash(kind_of(&told)));
    }
    seen.dedup();
    seen.truncate(4);
    hash((std::mem::discriminant(&is), said, records_read.min(30) / 8, seen))
}

/// Goes on writing where the journal ends, and reads it all again.
fn go_on(path: &std::path::Path, input: &[u8], count: usize, torn: bool) {
    let mut last = None;
    let journal = read(path, true, |stamped| last = Some(stamped)).expect("what was read once is read again");
    let whole = std::fs::read(path).expect("it is there");
    assert!(input.starts_with(&whole), "what was whole is not what it was");
    match journal.torn {
        Some(aside) => {
            let kept = std::fs::read(&aside).expect("the torn end is kept");
            assert!(torn && [whole, kept].concat() == input, "the torn end is not kept as it was");
            std::fs::remove_file::<PathBuf>(aside).expect("a file of ours");
        }
        None => assert!(!torn && whole == input, "the torn end is lost"),
    }
    let mut writer = journal.writer.expect("there is an end to go on from");
    if let Some(last) = last {
        writer.append(&last).expect("there is room");
        let again = read(path, false, |_| ()).expect("what was written is read");
        assert!(again.records == count as u64 + 1 && again.torn.is_none(), "the record behind it is lost");
    }
}

fn make(dice: &mut Dice) -> Vec<u8> {
    static LINES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let text = std::fs::read(repository(SAMPLE)).unwrap_or_default();
        text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    });
    let mut bytes = LINES[0].clone();
    for _ in 0..dice.below(20) {
        bytes.extend_from_slice(&LINES[dice.below(LINES.len())]);
    }
    chain(&mut bytes);
    if dice.once_in(2) {
        bytes.truncate(dice.below(bytes.len() + 1));
    }
    bytes
}

fn mend(bytes: &mut Vec<u8>, dice: &mut Dice) {
    if !dice.once_in(4) {
        chain(bytes);
    }
}

/// Gives every line the right number and the right hash, where it has one of its own.
fn chain(bytes: &mut Vec<u8>) {
    let mut out: Vec<u8> = Vec::new();
    let mut prev = "0".repeat(64);
    for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let mut text = line.to_vec();
        if let Some(digits) = text.strip_prefix(b"{\"seq\":") {
            let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            text.splice(7..7 + length, (at + 1).to_string().into_bytes());
        }
        let name = b"\"prev\":\"";
        let place = text.windows(name.len()).rposition(|piece| piece == name).map(|place| place + name.len());
        if let Some(place) = place.filter(|place| text.get(place + 64) == Some(&b'"')) {
            text.splice(place..place + 64, prev.bytes());
        }
        let end = text.len() - usize::from(text.ends_with(b"\n"));
        if sum(&text[..end]).is_some() {
            let right = hex(&text[..end - SUM]);
            text.splice(end - 10..end - 2, right.bytes().take(8));
        }
        prev = hex(text.strip_suffix(b"\n").unwrap_or(&text));
        out.extend(text);
    }
    *bytes = out;
}
