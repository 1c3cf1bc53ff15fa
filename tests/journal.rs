//! The journal as it is on disk: its chain, its damage, its folder, its locks, and the format that must stay readable.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests a failure is said by failing")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;
use runsheet::engine::{
    Begun, End, Evidence, Expected, Foreseen, How, Outcome, Part, Presence, Record, SavedFile, Seen, Signature,
    Stamped, Target, Written,
};
use runsheet::journal::{Holder, Lock, LockError, Log, Place, ReadError, read};
use runsheet::playbook::plan::{Name, StepId};

use crate::story;

/// The names of all records, as they stand in a journal.
const RECORDS: &[&str] = &[
    "begun",
    "left_out",
    "started",
    "saved",
    "performed",
    "recaptured",
    "answered",
    "probed",
    "verify_again",
    "recapture_started",
    "by_hand",
    "skipped",
    "stop_asked",
    "note",
    "rollback_begun",
    "rollback_ended",
    "resumed",
    "paused",
    "signed_off",
    "sign_off_refused",
    "closing",
    "temporary_removed",
    "look_ahead",
    "looked_ahead",
    "ended",
    "recovered",
    "presence",
    "presence",
    "presence",
    "secret_copied",
    "enough_seen",
    "performed",
    "window_extended",
    "overrun",
    "hint_shown",
    "why_shown",
    "looked",
    "called",
    "quiz_answered",
    "saved",
    "performed",
    "signed_off",
    "sign_off_refused",
    "evidence_given",
    "evidence_given",
    "evidence_given",
    "evidence_given",
    "evidence_missing",
    "ticked",
    "followed_up",
];

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/journal-1.jsonl");
/// A journal of the time before lines had a sum.
const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/journal-0.jsonl");

/// One of every record, with every field that a record may have.
#[expect(clippy::too_many_lines, reason = "a flat list: one of each")]
fn every_record() -> Vec<Record> {
    let step = StepId::new("reset-doadmin");
    let (target, undo, look) = (Target::step(&step), Target::undo(&step, 1), step.clone());
    let proved = step.clone();
    let (hinted, quizzed) = (step.clone(), step.clone());
    let (followed, enough) = (target.clone(), Outcome { until: Some(Seen::Enough), ..Outcome::default() });
    let written = Written { size: 12, sha256: "ab".repeat(32) };
    let written = Outcome { transcript: Some(written), ..Outcome::default() };
    let values = BTreeMap::from([(Name::new("pg_host"), "db.example \"é\"\n".to_owned())]);
    let secrets = vec![Name::new("new_pg_password")];
    let mut outcome = story::outcome(How::TimedOut, &["rows=3", "*new_pg_password"]);
    outcome.exit = Some(143);
    let (recovered, recovered_outcome) = (target.clone(), story::outcome(How::Ok, &["*new_pg_password"]));
    vec![
        Record::Begun(Box::new(Begun {
            format: 1,
            run: "01JD0000000000000000000000".to_owned(),
            title: "Rotate".to_owned(),
            playbook: "/srv/rotate.yaml".to_owned(),
            version: Some("2.1.0".to_owned()),
            sha256: "ab".repeat(32),
            included: BTreeMap::new(),
            operator: "ada".to_owned(),
            account: "ada".to_owned(),
            host: "bastion".to_owned(),
            ticket: Some("OPS-7".to_owned()),
            program: "0.1.0".to_owned(),
            values: values.clone(),
            secrets: secrets.clone(),
            fingerprints: BTreeMap::new(),
            protected: true,
            expected: BTreeMap::from([(step.clone(), Expected { work_ms: 2100, people_ms: 900, runs: 3 })]),
        })),
        Record::LeftOut { step: step.clone() },
        Record::Started { target: target.clone(), attempt: 2, retry: true, despite: Some("by hand later".to_owned()) },
        Record::Saved { target: target.clone(), files: vec![story::file()], logs: Vec::new() },
        Record::Performed { target: target.clone(), attempt: 2, outcome: outcome.clone() },
        Record::Recaptured { step: step.clone(), outcome },
        Record::Answered { target: target.clone(), values, secrets, fingerprints: BTreeMap::new() },
        Record::Probed {
            target: target.clone(),
            verdicts: vec![story::verdict(true, false), story::verdict(false, true)],
        },
        Record::VerifyAgain { target: undo.clone() },
        Record::RecaptureStarted { step: step.clone() },
        Record::ByHand { target: undo.clone(), note: "in the console".to_owned() },
        Record::Skipped { target: undo, reason: Some("not today".to_owned()), by_playbook: true },
        Record::StopAsked { target, hard: true },
        Record::Note { step: Some(step.clone()), text: "hello".to_owned() },
        Record::RollbackBegun { to: Some(step), by_policy: true },
        Record::RollbackEnded { failed: 1 },
        Record::Resumed {
            operator: "grace".to_owned(),
            account: "grace".to_owned(),
            host: "bastion".to_owned(),
            program: "0.1.1".to_owned(),
        },
        Record::Paused { why: "left".to_owned() },
        Record::SignedOff {
            step: None,
            role: "operator".to_owned(),
            name: "Ada".to_owned(),
            account: None,
            host: None,
            signature: None,
        },
        Record::SignOffRefused {
            step: None,
            role: "reviewer".to_owned(),
            name: "Grace".to_owned(),
            reason: "red logs".to_owned(),
            account: None,
            host: None,
            signature: None,
        },
        Record::Closing { end: End::Abandoned, reason: Some("enough".to_owned()) },
        Record::TemporaryRemoved {
            removed: vec!["/srv/a".to_owned()],
            left: vec![("/srv/b".to_owned(), "permission denied".to_owned())],
        },
        Record::LookAhead { step: look.clone() },
        Record::LookedAhead {
            step: look.clone(),
            refused: vec![Foreseen { step: look, why: "no such text".to_owned() }],
        },
        Record::Ended { end: End::RolledBack },
        Record::Recovered { target: recovered, attempt: 2, outcome: recovered_outcome },
        Record::Presence(Presence::Attached {
            operator: "ada".to_owned(),
            account: "ada".to_owned(),
            host: "bastion".to_owned(),
        }),
        Record::Presence(Presence::TakenOver {
            operator: "grace".to_owned(),
            account: "grace".to_owned(),
            host: "bastion".to_owned(),
            from: "ada".to_owned(),
        }),
        Record::Presence(Presence::Detached { operator: "grace".to_owned(), why: "SIGHUP".to_owned() }),
        Record::SecretCopied { name: Name::new("new_key") },
        Record::EnoughSeen { target: followed.clone() },
        Record::Performed { target: followed.clone(), attempt: 1, outcome: enough },
        Record::WindowExtended { by_ms: 600_000, reason: "the reset hangs".to_owned() },
        Record::Overrun { reason: "nobody waits for it".to_owned(), by_policy: true },
        Record::HintShown { step: hinted.clone() },
        Record::WhyShown { step: hinted.clone() },
        Record::Looked { step: hinted, at: Part::Probes },
        Record::Called { contact: "Escalation".to_owned() },
        Record::QuizAnswered { step: quizzed, choice: "it dies".to_owned(), right: true },
        Record::Saved {
            target: followed.clone(),
            files: vec![SavedFile {
                attributes: Some("1.attributes.age".to_owned()),
                sealed_sha256: Some("cd".repeat(32)),
                attributes_sha256: Some("ef".repeat(32)),
                ..story::file()
            }],
            logs: Vec::new(),
        },
        Record::Performed { target: followed.clone(), attempt: 2, outcome: written },
        Record::SignedOff {
            step: Some(StepId::new("allow")),
            role: "dba".to_owned(),
            name: "Ada".to_owned(),
            account: Some("ada".to_owned()),
            host: Some("bastion".to_owned()),
            signature: Some(Box::new(signature())),
        },
        Record::SignOffRefused {
            step: Some(StepId::new("reset-doadmin")),
            role: "reviewer".to_owned(),
            name: "Grace".to_owned(),
            reason: "red logs".to_owned(),
            account: Some("grace".to_owned()),
            host: Some("bastion".to_owned()),
            signature: Some(Box::new(Signature { principal: None, ..signature() })),
        },
        Record::EvidenceGiven {
            step: proved.clone(),
            item: 1,
            evidence: Evidence::Text { text: "seen by two".to_owned() },
        },
        Record::EvidenceGiven {
            step: proved.clone(),
            item: 2,
            evidence: Evidence::File {
                name: "/home/ada/panel.png".to_owned(),
                kept: "reset-doadmin.1.panel.png".to_owned(),
                sha256: "cd".repeat(32),
                size: 4711,
            },
        },
        Record::EvidenceGiven {
            step: proved.clone(),
            item: 3,
            evidence: Evidence::Fingerprint { name: Name::new("new_pg_password"), fingerprint: "1a2b3c4d".to_owned() },
        },
        Record::EvidenceGiven {
            step: proved.clone(),
            item: 4,
            evidence: Evidence::Output {
                transcript: "reset-doadmin.2.log".to_owned(),
                sha256: "ef".repeat(32),
                size: 12,
            },
        },
        Record::EvidenceMissing { step: proved, item: 5, reason: Some("the camera is broken".to_owned()) },
        Record::Ticked { target: followed, item: 2, ticked: true },
        Record::FollowedUp { item: 1, operator: "grace".to_owned(), note: Some("revoked".to_owned()) },
    ]
}

fn signature() -> Signature {
    Signature {
        key: "SHA256:abc".to_owned(),
        principal: Some("Ada".to_owned()),
        head: "cd".repeat(32),
        armored: "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n".to_owned(),
    }
}

fn stamped(records: Vec<Record>) -> Vec<Stamped> {
    let at = |ms: usize| Timestamp::from_millisecond(1_790_000_000_123 + i64::try_from(ms).unwrap()).unwrap();
    records.into_iter().enumerate().map(|(ms, record)| Stamped { at: at(ms), record }).collect()
}

/// Writes a journal; gives its bytes.
fn written(folder: &Path, records: &[Stamped]) -> Vec<u8> {
    let (run, mut writer) =
        Place::new(folder.join("state")).create("01JD0000000000000000000000", "runsheet: 1\n").unwrap();
    for record in records {
        writer.append(record).unwrap();
    }
    writer.sync().unwrap();
    fs::read(run.journal()).unwrap()
}

/// Reads bytes as a journal, changing nothing.
fn read_bytes(
    folder: &Path,
    bytes: &[u8],
    go_on: bool,
) -> (Vec<Stamped>, Result<runsheet::journal::Journal, ReadError>) {
    let path = folder.join("read.jsonl");
    fs::write(&path, bytes).unwrap();
    let mut records = Vec::new();
    let journal = read(&path, go_on, |stamped| records.push(stamped));
    (records, journal)
}

fn line_of(bytes: &[u8], at: usize) -> u64 {
    bytes[..at].split(|&byte| byte == b'\n').count() as u64
}

#[test]
fn what_is_written_is_read_and_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let records = stamped(every_record());
    let whole = written(folder.path(), &records);
    let (half, _) = records.split_at(9);
    let cut: usize = whole.split_inclusive(|&byte| byte == b'\n').take(9).map(<[u8]>::len).sum();
    let (got, journal) = read_bytes(folder.path(), &whole[..cut], true);
    assert_eq!(got, half);
    let journal = journal.unwrap();
    assert_eq!((journal.records, journal.torn), (9, None));
    let mut writer = journal.writer.unwrap();
    assert_eq!(writer.head(), journal.head);
    records[9..].iter().for_each(|record| writer.append(record).unwrap());
    writer.sync().unwrap();
    assert_eq!(fs::read(folder.path().join("read.jsonl")).unwrap(), whole, "the same chain, byte for byte");
}

#[test]
fn cut_at_every_byte_it_reads_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let records = stamped(every_record());
    let whole = written(folder.path(), &records);
    for cut in 0..=whole.len() {
        let bytes = &whole[..cut];
        let lines = usize::try_from(line_of(&whole, cut)).unwrap() - 1;
        let (got, journal) = read_bytes(folder.path(), bytes, false);
        let start = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        assert_eq!(journal.unwrap().tail, cut - start, "cut at {cut}");
        assert_eq!(got, records[..lines], "cut at {cut}");
        // Putting aside is synced, and a disk is slow: each place around a line end, and some in between.
        if cut % 97 > 0 && !whole[cut.saturating_sub(2)..(cut + 2).min(whole.len())].contains(&b'\n') {
            continue;
        }
        let journal = read_bytes(folder.path(), bytes, true).1.unwrap();
        let torn = journal.torn.map(|path| fs::read(path).unwrap()).unwrap_or_default();
        assert_eq!(torn, &bytes[start..], "what is cut off is kept");
        assert_eq!(fs::read(folder.path().join("read.jsonl")).unwrap(), &bytes[..start], "cut at {cut}");
    }
}

#[test]
fn a_torn_line_with_a_line_end_is_torn_too() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path(), &stamped(every_record()));
    // Pages of one write reach the disk in any order: here the first half of the last line did not.
    let mut bytes = whole.clone();
    let last = whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    bytes[last..last + 40].fill(0);
    let (got, journal) = read_bytes(folder.path(), &bytes, false);
    assert_eq!((got.len(), journal.unwrap().torn), (RECORDS.len() - 1, None), "read only: nothing is put aside");
}

/// Any byte that was changed is found: in the last line it may look torn, which is told too; elsewhere it is damage, with its
/// place.
#[test]
fn a_change_of_any_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path(), &stamped(every_record()));
    let last = whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    let (mut damaged, mut torn) = (0, 0);
    for at in 0..whole.len() {
        for change in [1, 32] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            let start = whole[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1) as u64;
            match read_bytes(folder.path(), &bytes, false) {
                (_, Err(ReadError::Damaged { line, byte, .. })) => {
                    assert_eq!((line, byte), (line_of(&whole, at), start), "byte {at} ^ {change}");
                    damaged += 1;
                }
                (got, Ok(journal)) if at >= last => {
                    assert_eq!(
                        (got.len(), journal.tail),
                        (RECORDS.len() - 1, whole.len() - last),
                        "byte {at} ^ {change}"
                    );
                    torn += 1;
                }
                (_, other) => panic!("byte {at} ^ {change}: {other:?}"),
            }
        }
    }
    assert_eq!(damaged + torn, 2 * whole.len());
    assert!(torn < 2 * (whole.len() - last), "most changes of the last line are told as such: {torn}");
}

/// A line that was cut out of the middle of the last one, or put in twice, is no torn write.
#[test]
fn a_last_record_that_was_changed_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let whole = String::from_utf8(written(folder.path(), &stamped(every_record()))).unwrap();
    let last = whole.trim_end().rfind('\n').unwrap() + 1;
    let changed = format!("{}{}", &whole[..last], whole[last..].replace("\"2026-", "\"2027-"));
    assert_ne!(changed, whole);
    let error = read_bytes(folder.path(), changed.as_bytes(), true).1.unwrap_err().to_string();
    let (line, byte) = (RECORDS.len(), whole.trim_end().rfind('\n').unwrap() + 1);
    let expected =
        format!(".jsonl:{line}: was changed: it is not what its own sum says (the line begins at byte {byte})");
    assert!(error.ends_with(&expected), "{error}");
    // Nor is one whose sum was taken away.
    let at = whole.rfind(",\"sum\"").unwrap();
    let bare = format!("{}}}\n", &whole[..at]);
    let error = read_bytes(folder.path(), bare.as_bytes(), true).1.unwrap_err().to_string();
    assert!(error.contains("own sum"), "{error}");
}

/// Bytes that are no text in a field that no record has, with the right sum: a find of the fuzzer's.
#[test]
fn what_is_no_text_is_no_record_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let found = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/journal/3df493714729f701");
    let (got, read) = read_bytes(folder.path(), &fs::read(found).unwrap(), false);
    let error = read.unwrap_err().to_string();
    assert!(got.is_empty() && error.contains("bytes that are no text"), "{error}");
}

/// Room that is set aside is none of the journal's text, and is given back.
#[test]
fn room_ahead_is_not_read_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let (run, mut writer) = Place::new(folder.path().join("state")).create("01A", "runsheet: 1\n").unwrap();
    let records = stamped(every_record());
    writer.append(&records[0]).unwrap();
    writer.reserve().unwrap();
    let held = fs::metadata(run.journal()).unwrap();
    writer.append(&records[1]).unwrap();
    writer.sync().unwrap();
    let mut got = Vec::new();
    read(&run.journal(), false, |stamped| got.push(stamped)).unwrap();
    assert_eq!(got, records[..2]);
    let long = fs::metadata(run.journal()).unwrap().len();
    drop(writer);
    let about = fs::metadata(run.journal()).unwrap();
    assert_eq!(about.len(), long, "nothing of the text is cut off");
    assert!(about.blocks() * 512 < 1 << 20, "{} blocks are kept", about.blocks());
    // A file system that cannot set room aside has none to give back.
    assert!(held.blocks() >= about.blocks(), "{} then {}", held.blocks(), about.blocks());
}

/// Records of one sync may reach the disk in any order. What no later sync vouches for is torn; what one does is damaged.
#[test]
fn a_hole_is_torn_only_where_no_sync_came_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let (run, mut writer) = Place::new(folder.path().join("state")).create("01A", "runsheet: 1\n").unwrap();
    let records = stamped(every_record());
    for (at, record) in records[..6].iter().enumerate() {
        writer.append(record).unwrap();
        // Synced behind the second and the third; the last three are of one sync.
        if at == 1 || at == 2 {
            writer.sync().unwrap();
        }
    }
    let whole = fs::read(run.journal()).unwrap();
    let starts: Vec<usize> = whole
        .split_inclusive(|&byte| byte == b'\n')
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some(start)
        })
        .collect();
    for (line, &start) in starts.iter().enumerate() {
        let mut bytes = whole.clone();
        bytes[start..start + 70].fill(0);
        let (got, journal) = read_bytes(folder.path(), &bytes, true);
        if line < 3 {
            assert!(matches!(journal, Err(ReadError::Damaged { .. })), "line {line}");
        } else {
            assert_eq!(got, records[..line], "line {line}");
            assert_eq!(fs::read(journal.unwrap().torn.unwrap()).unwrap(), &bytes[start..], "line {line}");
        }
    }
}

#[test]
fn looking_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path(), &stamped(every_record()));
    let bytes = &whole[..whole.len() - 5];
    let (_, journal) = read_bytes(folder.path(), bytes, false);
    assert!(journal.unwrap().writer.is_none());
    assert_eq!(fs::read(folder.path().join("read.jsonl")).unwrap(), bytes);
}

#[test]
fn lines_that_are_missing_or_strange_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path(), &stamped(every_record()));
    let lines: Vec<&[u8]> = whole.split_inclusive(|&byte| byte == b'\n').collect();
    let told = |lines: &[&[u8]]| {
        let (_, journal) = read_bytes(folder.path(), &lines.concat(), true);
        let error = journal.expect_err("damage is told").to_string();
        let error = error.split(" (the line begins").next().unwrap().to_owned();
        error[error.rfind(".jsonl").unwrap() + 6..].to_owned()
    };
    assert_eq!(told(&[lines[0], lines[2], lines[3]]), ":2: record 3 stands where record 2 should");
    assert_eq!(told(&lines[1..]), ":1: record 2 stands where record 1 should");
    assert_eq!(told(&[lines[0], lines[0]]), ":2: record 1 stands where record 2 should");
    assert!(told(&[lines[0], b"{}\n", lines[1]]).starts_with(":2: not a record: "));
    // Another program's journal has no sums that we know of.
    let later = String::from_utf8(lines[0].to_vec()).unwrap().replace("\"format\":1", "\"format\":2");
    let later = format!("{}}}\n", &later[..later.find(",\"sum\"").unwrap()]);
    let expected = ":1: written in format 2 by a later runsheet; this one reads up to 1";
    assert_eq!(told(&[later.as_bytes(), lines[1]]), expected);
}

/// A journal of six records.
static SIX: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &stamped(every_record().into_iter().take(6).collect()))
});

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A byte that was changed anywhere but in the last line is found, and told with its line.
    #[test]
    fn a_changed_byte_is_found(at in any::<Index>(), to in 1u8..=255) {
        let folder = tempfile::tempdir().unwrap();
        let whole = &*SIX;
        let last = whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
        let at = at.index(last);
        let mut bytes = whole.clone();
        bytes[at] ^= to;
        let (_, journal) = read_bytes(folder.path(), &bytes, true);
        match journal {
            Err(ReadError::Damaged { line, .. }) => prop_assert_eq!(line, line_of(whole, at), "byte {}", at),
            other => prop_assert!(false, "byte {at} ^ {to}: {other:?}"),
        }
        prop_assert_eq!(fs::read(folder.path().join("read.jsonl")).unwrap(), bytes, "damage is left as it is");
    }
}

/// A journal that a release wrote is read by every later one. The file is never written anew: a new record adds a line.
#[test]
fn the_golden_journal_is_read() {
    let mut records = Vec::new();
    let journal = read(Path::new(GOLDEN), false, |stamped| records.push(stamped)).unwrap();
    assert_eq!(records, stamped(every_record()));
    let last = fs::read_to_string(GOLDEN).unwrap().lines().last().unwrap().to_owned();
    assert_eq!(journal.head, runsheet_sha256(&last));
    let text = fs::read_to_string(GOLDEN).unwrap();
    for (line, name) in text.lines().zip(RECORDS) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["record"].as_object().unwrap().keys().collect::<Vec<_>>(), [name]);
    }
}

/// And so is one of the time before lines had a sum, and it is gone on with.
#[test]
fn the_first_journal_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(FIRST).unwrap();
    let (records, journal) = read_bytes(folder.path(), &bytes, true);
    let journal = journal.unwrap();
    assert_eq!(journal.head, "afc309305292366f2ba7b17577eea40c0ea527ed2ac2d663e4870a8ea30559cb");
    assert_eq!(records.len() as u64, journal.records);
    // What it knew of is read as it was; what came later is not there.
    let known: Vec<Record> = every_record()
        .into_iter()
        .map(|record| match record {
            Record::Begun(begun) => Record::Begun(Box::new(Begun { expected: BTreeMap::new(), ..*begun })),
            Record::Started { target, attempt, retry, .. } => Record::Started { target, attempt, retry, despite: None },
            other => other,
        })
        .collect();
    assert!(records.iter().all(|record| known.contains(&record.record)));
    // What is added has sums from there on, and is read.
    let mut writer = journal.writer.unwrap();
    for record in &records {
        writer.append(record).unwrap();
    }
    drop(writer);
    let again = fs::read(folder.path().join("read.jsonl")).unwrap();
    let (got, journal) = read_bytes(folder.path(), &again, false);
    assert_eq!((got.len(), journal.unwrap().tail), (2 * records.len(), 0));
}

fn runsheet_sha256(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// And what is written today is byte for byte that format.
#[test]
fn what_is_written_is_the_golden_journal() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path(), &stamped(every_record()));
    if std::env::var_os("RUNSHEET_WRITE_GOLDEN").is_some() {
        fs::write(GOLDEN, &whole).unwrap();
    }
    assert_eq!(String::from_utf8(whole).unwrap(), fs::read_to_string(GOLDEN).unwrap());
}

/// A new record must come into the golden journal: this does not compile without a word here.
#[test]
fn no_record_is_forgotten() {
    let known = |record: &Record| match record {
        Record::Begun(_) => 0,
        Record::LeftOut { .. } => 1,
        Record::Started { .. } => 2,
        Record::Saved { files, .. } if files.iter().any(|file| file.sealed_sha256.is_some()) => 39,
        Record::Saved { .. } => 3,
        Record::Performed { outcome: Outcome { transcript: Some(_), .. }, .. } => 40,
        Record::Performed { outcome: Outcome { until: Some(_), .. }, .. } => 31,
        Record::Performed { .. } => 4,
        Record::Recaptured { .. } => 5,
        Record::Answered { .. } => 6,
        Record::Probed { .. } => 7,
        Record::VerifyAgain { .. } => 8,
        Record::RecaptureStarted { .. } => 9,
        Record::ByHand { .. } => 10,
        Record::Skipped { .. } => 11,
        Record::StopAsked { .. } => 12,
        Record::Note { .. } => 13,
        Record::RollbackBegun { .. } => 14,
        Record::RollbackEnded { .. } => 15,
        Record::Resumed { .. } => 16,
        Record::Paused { .. } => 17,
        Record::SignedOff { signature: Some(_), .. } => 34,
        Record::SignedOff { .. } => 18,
        Record::SignOffRefused { signature: Some(_), .. } => 35,
        Record::SignOffRefused { .. } => 19,
        Record::Closing { .. } => 20,
        Record::TemporaryRemoved { .. } => 21,
        Record::LookAhead { .. } => 22,
        Record::LookedAhead { .. } => 23,
        Record::Ended { .. } => 24,
        Record::Recovered { .. } => 25,
        Record::Presence(Presence::Attached { .. }) => 26,
        Record::Presence(Presence::TakenOver { .. }) => 27,
        Record::Presence(Presence::Detached { .. }) => 28,
        Record::SecretCopied { .. } => 29,
        Record::EnoughSeen { .. } => 30,
        Record::WindowExtended { .. } => 32,
        Record::Overrun { .. } => 33,
        Record::HintShown { .. } => 34,
        Record::WhyShown { .. } => 35,
        Record::Looked { .. } => 36,
        Record::Called { .. } => 37,
        Record::QuizAnswered { .. } => 38,
        Record::EvidenceGiven { evidence: Evidence::Text { .. }, .. } => 41,
        Record::EvidenceGiven { evidence: Evidence::File { .. }, .. } => 42,
        Record::EvidenceGiven { evidence: Evidence::Fingerprint { .. }, .. } => 43,
        Record::EvidenceGiven { evidence: Evidence::Output { .. }, .. } => 44,
        Record::EvidenceMissing { .. } => 45,
        Record::Ticked { .. } => 46,
        Record::FollowedUp { .. } => 47,
    };
    let places: Vec<usize> = every_record().iter().map(known).collect();
    assert_eq!(places, (0..RECORDS.len()).collect::<Vec<_>>());
}

#[test]
fn a_list_shows_how_each_run_began_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path().join("state"));
    assert!(place.runs().is_empty());
    let records = stamped(every_record());
    let write = |id: &str, records: &[&Stamped]| {
        let (run, mut writer) = place.create(id, "runsheet: 1\n").unwrap();
        for record in records {
            writer.append(record).unwrap();
        }
        writer.sync().unwrap();
        run
    };
    // A last line far longer than what is read of the end at once.
    let note = Stamped { at: records[3].at, record: Record::Note { step: None, text: "long ".repeat(20_000) } };
    let is_end = |stamped: &&Stamped| matches!(stamped.record, Record::Ended { .. });
    let (begun, ended) = (&records[0], records.iter().find(is_end).unwrap());
    write("01A", &[begun, &note]);
    write("01B", &[begun, &note, ended]);
    let torn = write("01C", &[begun, &note, ended]);
    let bytes = fs::read(torn.journal()).unwrap();
    fs::write(torn.journal(), &bytes[..bytes.len() - 3]).unwrap();
    write("01D", &[]);
    write("01E", &[begun]);
    let summaries = ["01A", "01B", "01C", "01D", "01E"].map(|id| {
        place.folder(id).summary().map(|summary| (summary.began_at == begun.at, summary.last_at, summary.end))
    });
    assert_eq!(
        summaries,
        [
            Some((true, note.at, None)),
            Some((true, ended.at, Some(End::RolledBack))),
            Some((true, note.at, None)),
            None,
            Some((true, begun.at, None)),
        ]
    );
    assert_eq!(place.runs().len(), 4, "the one without a record is left out");
    assert_eq!(place.find("01"), ["01A", "01B", "01C", "01D", "01E"]);
    assert_eq!(place.find("01b"), ["01B"]);
    assert!(place.create("01A", "again").is_err(), "a run is made once");
}

fn holder(run: &str) -> Holder {
    Holder {
        run: run.to_owned(),
        operator: "ada".to_owned(),
        host: "bastion".to_owned(),
        pid: 7,
        since: "now".to_owned(),
    }
}

#[test]
fn the_second_is_told_who_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path().join("state"));
    let playbook = Path::new("/srv/rotate.yaml");
    let first = place.lock_playbook(playbook, &holder("one")).unwrap();
    match place.lock_playbook(playbook, &holder("two")) {
        Err(LockError::Held(Some(held))) => assert_eq!(held, holder("one")),
        other => panic!("{other:?}"),
    }
    assert!(place.lock_playbook(Path::new("/srv/other.yaml"), &holder("two")).is_ok(), "another playbook is free");
    drop(first);
    assert!(place.lock_playbook(playbook, &holder("two")).is_ok(), "free once dropped");
}

#[test]
fn a_lock_is_free_once_its_holder_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    fs::write(&path, "{\"half a holder").unwrap();
    // `-o`: only flock itself holds the lock, not what it starts. `cat` ends with its input.
    let mut flock = Command::new("flock")
        .arg("-o")
        .arg(&path)
        .arg("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut echo = [0];
    std::io::Write::write_all(flock.stdin.as_mut().unwrap(), b"!").unwrap();
    std::io::Read::read_exact(flock.stdout.as_mut().unwrap(), &mut echo).unwrap();
    match Lock::take(&path, &holder("one")) {
        Err(LockError::Held(None)) => {}
        other => panic!("{other:?}"),
    }
    flock.kill().unwrap();
    flock.wait().unwrap();
    let killed = Instant::now();
    Lock::take(&path, &holder("one")).unwrap();
    assert!(killed.elapsed() < Duration::from_secs(1));
    let held: Holder = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(held, holder("one"), "the old holder's details are gone");
}

/// The umask is of the whole process, so each is tried in one of its own: this test, started again.
#[test]
fn folders_and_files_are_private_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let folder = tempfile::tempdir().unwrap();
        let mut test = Command::new("sh");
        test.args(["-c", "umask \"$0\" && exec \"$@\"", umask]).arg(std::env::current_exe().unwrap());
        test.args(["--exact", "--ignored", "journal::makes_a_run_in_a_process_of_its_own"]);
        let done = test.env("RUNSHEET_TEST_STATE", folder.path().join("deep/state")).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        let mut seen = 0;
        let mut open = vec![folder.path().join("deep")];
        while let Some(path) = open.pop() {
            let meta = fs::metadata(&path).unwrap();
            let mode = meta.permissions().mode() & 0o777;
            assert_eq!(mode, if meta.is_dir() { 0o700 } else { 0o600 }, "umask {umask}: {}", path.display());
            seen += 1;
            if meta.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        assert_eq!(seen, 13, "every folder and file was looked at");
    }
}

#[test]
#[ignore = "started by the test of the umask"]
fn makes_a_run_in_a_process_of_its_own() {
    let Some(state) = std::env::var_os("RUNSHEET_TEST_STATE") else { return };
    let place = Place::new(state.into());
    let _playbook = place.lock_playbook(Path::new("/srv/rotate.yaml"), &holder("one")).unwrap();
    let (run, mut writer) = place.create("01A", "runsheet: 1\n").unwrap();
    let _lock = run.lock(&holder("one")).unwrap();
    let record = &stamped(every_record())[0];
    writer.append(record).unwrap();
    writer.sync().unwrap();
    let journal = fs::read(run.journal()).unwrap();
    std::io::Write::write_all(&mut fs::OpenOptions::new().append(true).open(run.journal()).unwrap(), &journal[..9])
        .unwrap();
    assert!(read(&run.journal(), true, |_| ()).unwrap().torn.is_some());
}

/// A program that is just being started holds its host's descriptors, the lock among them, until it is itself.
#[test]
fn a_lock_that_only_the_dead_hold_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let mut child = Command::new("true").spawn().unwrap();
    let dead = Holder { pid: child.id(), ..holder("one") };
    child.wait().unwrap();
    drop(Lock::take(&path, &dead).unwrap());
    let held = fs::File::open(&path).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let (asks, asked) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        asked.recv().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        drop(held);
    });
    asks.send(()).unwrap();
    Lock::take(&path, &holder("two")).unwrap();
    other.join().unwrap();
    let alive = Holder { pid: std::process::id(), ..holder("three") };
    fs::write(&path, serde_json::to_vec(&alive).unwrap()).unwrap();
    let held = fs::File::open(&path).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert!(matches!(Lock::take(&path, &holder("four")), Err(LockError::Held(Some(there))) if there == alive));
}
