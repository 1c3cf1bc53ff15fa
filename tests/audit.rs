//! `audit`: whatever is changed in a run's folder is found, and it never says more than it proved.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests a failure is said by failing")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use runsheet::audit::{Asked, Audit, Part, audit};
use runsheet::engine::{Record, Stamped};
use runsheet::journal::{Log as _, Place, RunFolder};
use tempfile::TempDir;

use crate::support::desk::{Called, Desk};
use crate::support::keys::Keys;

const PLAYBOOK: &str = r"runsheet: 1
title: Small story
inputs: { size: { type: text, default: small } }
phases:
  - title: Only
    steps:
      - { id: look, title: Look, run: echo looked; echo oh >&2, read_only: true }
      - { id: copy, title: Keep a copy, snapshot: [notes.txt] }
      - id: change
        title: Change it
        edit: [{ file: notes.txt, match: 'old', replace: 'new', count: 1 }]
      - { id: tell, title: Tell, run: 'cat notes.txt', read_only: true, verify: [{ file: notes.txt, contains: new }] }
sign_off: { by: [operator] }
";

/// A desk with a run that came to its end.
pub(crate) struct Done {
    pub(crate) folder: TempDir,
    pub(crate) desk: Desk,
}

impl Done {
    pub(crate) fn run() -> Self {
        let folder = TempDir::with_prefix("audit-").unwrap();
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("notes.txt"), "the old text\n").unwrap();
        fs::write(desk.home().join("story.yaml"), PLAYBOOK).unwrap();
        let done = Self { folder, desk };
        // Nobody signs in an unattended run: it stays open, and is given its end by a rollback.
        done.call(&["run", "story.yaml", "--unattended"]).ends_with(6);
        done
    }

    pub(crate) fn over() -> Self {
        let done = Self::run();
        let id = done.desk.run_id();
        done.call(&["rollback", &id, "--unattended"]).ends_with(4);
        done
    }

    pub(crate) fn call(&self, words: &[&str]) -> Called {
        self.desk.call(words)
    }

    /// Writes a journal anew, every hash right.
    fn forged(&self, path: &Path, records: &[Stamped]) {
        let fresh = TempDir::new_in(self.folder.path()).unwrap();
        let (forged, mut writer) = Place::new(fresh.path().to_owned()).create(&self.desk.run_id(), PLAYBOOK).unwrap();
        for record in records {
            writer.append(record).unwrap();
        }
        writer.sync().unwrap();
        fs::copy(forged.journal(), path).unwrap();
    }

    /// A copy of the run's folder, of the same name.
    fn copy(&self, to: &str) -> PathBuf {
        let to = self.folder.path().join(to).join(self.desk.run_id());
        copied(&self.desk.run_folder(), &to);
        to
    }
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() { copied(&path, &to) } else { fs::copy(&path, &to).map(|_| ()).unwrap() }
    }
}

fn looked(folder: &Path) -> Audit {
    audit(&RunFolder::at(folder.to_owned()), &Asked::default())
}

/// Returns what is wrong, each with its part.
fn wrong(audit: &Audit) -> Vec<(Part, String)> {
    audit.checks.iter().flat_map(|check| check.wrong.iter().map(|line| (check.part, line.clone()))).collect()
}

/// Holds that one thing is wrong, in this part, and said with these words.
#[track_caller]
fn one_wrong(folder: &Path, part: Part, words: &[&str]) {
    let found = wrong(&looked(folder));
    let [(of, told)] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(*of, part, "{told}");
    for word in words {
        assert!(told.contains(word), "{word:?} is not in {told:?}");
    }
}

#[test]
fn a_run_as_it_was_left_is_sound_and_what_that_proves_is_said() {
    let done = Done::over();
    let told = done.call(&["audit"]).ends_with(0);
    for words in [
        "ok     journal        ",
        "ok     order          every record is one that the run allowed there",
        "ok     playbook       the text that the run began with",
        "ok     transcripts    2, each as it was when its command ended",
        "ok     sealed copies  2, all there and whole",
        "ok     other files    none",
        "This proves\n- no record of the journal was changed",
        "It does not prove\n- that the journal is the first one: the account ",
        "such as a later rollback that was cut off",
        "\nhead of record ",
    ] {
        assert!(told.out.contains(words), "{words:?} is not in\n{}", told.out);
    }
    let json: serde_json::Value = serde_json::from_str(&done.call(&["audit", "--json"]).ends_with(0).out).unwrap();
    assert_eq!((&json["sound"], &json["state"]), (&true.into(), &"rolled back".into()));
    assert_eq!(json["run"], done.desk.run_id());
    // The head that was noted makes it the journal that it was taken from.
    let head = json["head"].as_str().unwrap();
    let told = done.call(&["audit", "--head", head]).ends_with(0);
    assert!(told.out.contains("it is that of the last record") && !told.out.contains("the first one"), "{}", told.out);
    done.call(&["audit", "--head", "abc"]).ends_with(2);
    done.call(&["audit", "01ZZZZ"]).ends_with(2);
}

#[test]
fn an_open_run_is_sound_and_that_it_may_have_been_cut_is_said() {
    let done = Done::run();
    let told = done.call(&["audit"]).ends_with(0).out;
    assert!(told.contains("  open\n") && told.contains("the run is open, so more may have come"), "{told}");
}

/// Bytes of the journal, as it is read by the audit, with the playbook and the files beside it.
#[test]
fn a_journal_changed_at_any_byte_is_found() {
    let done = Done::run();
    let folder = done.copy("bytes");
    let path = folder.join("journal.jsonl");
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap();
    // That the reader finds each is held in `journal.rs`; here, one of three, and all of the last line, which may look torn.
    for at in (0..whole.len()).filter(|at| at % 3 == 0 || *at >= last) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let found = looked(&folder);
        assert!(!found.sound(), "byte {at} was changed");
        let journal = &found.checks[0];
        let line = whole[..at].split(|&byte| byte == b'\n').count();
        // A changed line end or `prev` may show in the line before or behind.
        assert!(journal.wrong[0].starts_with(&format!("line {line}:")), "byte {at}: {:?}", journal.wrong);
    }
}

/// A whole record less is a journal that could be: what is behind it is missed by its files, by a head, or by nobody, which is said.
#[test]
fn a_journal_cut_at_any_record_is_told() {
    let done = Done::over();
    let folder = done.copy("cut");
    let path = folder.join("journal.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let head = looked(&folder).head;
    for records in 1..lines.len() {
        fs::write(&path, lines[..records].concat()).unwrap();
        let found = looked(&folder);
        assert_eq!((found.records, found.end), (records as u64, None));
        assert!(
            found.open.iter().any(|line| line.contains("the run is open, so more may have come")),
            "{:?}",
            found.open
        );
        let asked = Asked { head: Some(&head), ..Asked::default() };
        let found = audit(&RunFolder::at(folder.clone()), &asked);
        let told = wrong(&found).into_iter().find(|(part, _)| *part == Part::Head).unwrap().1;
        assert!(told.contains("is the hash of no record here"), "{told}");
    }
    // A head of a record in the middle is that of a shorter journal of the same run.
    fs::write(&path, lines[..3].concat()).unwrap();
    let early = looked(&folder).head;
    fs::write(&path, &whole).unwrap();
    let asked = Asked { head: Some(&early), ..Asked::default() };
    let found = audit(&RunFolder::at(folder), &asked);
    assert!(found.sound());
    assert!(found.checks[1].said.starts_with("it is that of record 3; "), "{}", found.checks[1].said);
}

#[test]
fn what_is_changed_beside_the_journal_is_found() {
    let done = Done::over();
    let at = |name: &str| done.copy(name);
    let append = |path: PathBuf, text: &str| {
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(text.as_bytes());
        fs::write(path, bytes).unwrap();
    };
    let change = |path: PathBuf| {
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(path, bytes).unwrap();
    };

    let folder = at("playbook");
    append(folder.join("playbook.yaml"), "# as if it were nothing\n");
    one_wrong(&folder, Part::Playbook, &["playbook.yaml is not the text that the run began with"]);
    assert!(
        looked(&folder).checks.iter().any(|check| check.part == Part::Order && check.said.starts_with("not judged"))
    );

    let folder = at("gone");
    fs::remove_file(folder.join("transcript/look.1.log")).unwrap();
    one_wrong(&folder, Part::Transcripts, &["look.1.log is missing, which record "]);
    let folder = at("changed");
    change(folder.join("transcript/look.1.log"));
    one_wrong(&folder, Part::Transcripts, &["look.1.log was changed within its first 10 bytes"]);
    let folder = at("longer");
    append(folder.join("transcript/look.1.log"), "all is well\n");
    one_wrong(&folder, Part::Transcripts, &["look.1.log goes on behind the 10 bytes that it had"]);
    let folder = at("shorter");
    fs::write(folder.join("transcript/tell.1.log"), "").unwrap();
    one_wrong(&folder, Part::Transcripts, &["tell.1.log has 0 bytes, and had 13"]);
    let folder = at("strange-transcript");
    fs::write(folder.join("transcript/look.2.log"), "looked\n").unwrap();
    one_wrong(&folder, Part::Transcripts, &["look.2.log is of no attempt"]);

    let folder = at("copy");
    change(folder.join("snapshots/copy.1.1.age"));
    one_wrong(&folder, Part::Copies, &["copy.1.1.age was changed, the copy of ", "notes.txt"]);
    let folder = at("no-copy");
    fs::remove_file(folder.join("snapshots/change.1.1.age")).unwrap();
    one_wrong(&folder, Part::Copies, &["change.1.1.age is missing"]);
    let folder = at("strange-copy");
    fs::write(folder.join("snapshots/other.age"), "x").unwrap();
    one_wrong(&folder, Part::Copies, &["other.age is of no attempt"]);
    // A program that died before it wrote its record leaves such a one.
    let folder = at("left-copy");
    fs::write(folder.join("snapshots/copy.1.7.age"), "x").unwrap();
    assert!(looked(&folder).sound());

    let folder = at("more");
    fs::write(folder.join("approval.pdf"), "x").unwrap();
    one_wrong(&folder, Part::Files, &["approval.pdf is of no run"]);
    let folder = at("evidence");
    fs::write(folder.join("evidence/approval.pdf"), "x").unwrap();
    one_wrong(&folder, Part::Evidence, &["approval.pdf is spoken of by no record"]);
    let folder = at("link");
    fs::rename(folder.join("journal.jsonl"), folder.join("../elsewhere")).unwrap();
    symlink("../elsewhere", folder.join("journal.jsonl")).unwrap();
    one_wrong(&folder, Part::Files, &["journal.jsonl is a link"]);

    let folder = at("name");
    let other = folder.with_file_name("01JD0000000000000000000000");
    fs::rename(&folder, &other).unwrap();
    one_wrong(&other, Part::Journal, &["it is that of run ", "in the folder of another"]);
}

/// Somebody who owns the account can write a journal whose every hash is right. What it says must still have been possible.
#[test]
fn a_journal_written_anew_must_tell_a_run_that_could_have_been() {
    let done = Done::over();
    let folder = done.copy("anew");
    let path = folder.join("journal.jsonl");
    let mut records = Vec::new();
    runsheet::journal::read(&path, false, |stamped| records.push(stamped)).unwrap();
    // That the check failed is taken out: the walk goes on as if it had not been asked.
    let probed = records.iter().position(|stamped| matches!(stamped.record, Record::Probed { .. })).unwrap();
    records.remove(probed);
    done.forged(&path, &records);
    let found = looked(&folder);
    assert!(found.checks[0].wrong.is_empty(), "the chain is sound: {:?}", found.checks[0]);
    one_wrong(&folder, Part::Order, &["the run would have refused it: tell is still at work", "do not fit either"]);
}

#[test]
fn signatures_are_held_against_their_statement_their_key_and_their_head() {
    let done = Done::run();
    let keys = Keys::make(&done.desk, &["ada", "eve"]);
    keys.believed(&["eve"], "");
    fs::rename(keys.path("allowed_signers"), keys.path("others")).unwrap();
    keys.believed(&["ada"], "");
    let words = ["sign", "--statement", "--role", "operator", "--name", "ada@example.org"];
    let statement = done.call(&words).ends_with(0).out;
    done.call(&["sign", "--signature", &keys.sign("ada", &statement)]).ends_with(0);
    done.call(&["resume", "--unattended"]).ends_with(0);
    let told = done.call(&["audit"]).ends_with(0).out;
    for words in [
        "ok     sign-off       1 good signature\n",
        ": operator: signed by ada@example.org with the key SHA256:",
        " stood so when they were signed, by ada@example.org with the key SHA256:",
        "that the journal behind record ",
    ] {
        assert!(told.contains(words), "{words:?} is not in\n{told}");
    }
    // Her key is not believed by everybody.
    let told = done.call(&["audit", "--allowed-signers", &keys.word("others")]).ends_with(1).out;
    assert!(told.contains("is not among the allowed signers") && !told.contains("stood so"), "{told}");
    // Nobody need believe a key to know that it made the signature.
    keys.configure("");
    let told = done.call(&["audit"]).ends_with(0).out;
    assert!(told.contains("(whose that is nobody here says: no allowed signers)"), "{told}");

    // A journal that was written anew has no line that was signed; and if the record is made to say so, the signature does not.
    let folder = done.copy("signed");
    let path = folder.join("journal.jsonl");
    let mut records: Vec<Stamped> = Vec::new();
    let mut heads = Vec::new();
    runsheet::journal::read(&path, false, |stamped| records.push(stamped)).unwrap();
    let Record::Begun(begun) = &mut records[0].record else { panic!("it begins") };
    "grace".clone_into(&mut begun.operator);
    done.forged(&path, &records);
    one_wrong(&folder, Part::SignOff, &["made over a head that no record before it has"]);
    runsheet::journal::read_heads(&path, |_, head| heads.push(head.to_owned())).unwrap();
    let at = records.iter().position(|stamped| matches!(stamped.record, Record::SignedOff { .. })).unwrap();
    let Record::SignedOff { signature: Some(signature), .. } = &mut records[at].record else { panic!("it is signed") };
    signature.head.clone_from(&heads[at - 1]);
    done.forged(&path, &records);
    one_wrong(&folder, Part::SignOff, &["the signature was not made for what is to be signed here"]);
}
