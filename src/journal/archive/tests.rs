//! Exported files as they come: our own, and those of somebody who means harm.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::block::{BLOCK, header};
use super::*;
use crate::journal::RunFolder;

/// A run's folder with one file of each kind.
fn folder() -> (TempDir, RunFolder) {
    let top = TempDir::new().unwrap();
    let run = RunFolder::at(top.path().join("run"));
    for inner in ["transcript", "evidence", "included", "snapshots"] {
        fs::create_dir_all(run.path().join(inner)).unwrap();
    }
    let long = format!("transcript/{}.1.log", "long-step-".repeat(20));
    let files = [
        ("journal.jsonl", "{}\n"),
        ("playbook.yaml", "runsheet: 1\n"),
        ("journal.torn-1", "{\"se"),
        ("transcript/a.1.log", ""),
        (long.as_str(), "x"),
        ("evidence/photo é.png", "y"),
        ("included/b%2Fc.yaml", "z"),
        ("snapshots/a.1.1.age", "age"),
        ("vault.age", "CANARY-vault"),
        ("lock", "{}"),
        ("host.sock", ""),
    ];
    for (name, text) in files {
        fs::write(run.path().join(name), text).unwrap();
    }
    (top, run)
}

fn about() -> Manifest {
    Manifest {
        runsheet_export: 0,
        run: "01JD0000000000000000000000".to_owned(),
        title: "Rotate".to_owned(),
        state: "completed".to_owned(),
        records: 1,
        head: "ab".repeat(32),
        program: "0.1.0".to_owned(),
        files: Vec::new(),
    }
}

fn packed() -> Vec<u8> {
    let (_top, run) = folder();
    let mut bytes = Vec::new();
    pack(about(), &members(&run).unwrap(), 1_790_000_000, &mut bytes).unwrap();
    bytes
}

/// Takes bytes apart, and lists what came of it.
fn taken(bytes: &[u8]) -> Result<(Unpacked, Vec<PathBuf>), String> {
    let top = TempDir::new().unwrap();
    let (file, into) = (top.path().join("run.tar"), top.path().join("into"));
    fs::write(&file, bytes).unwrap();
    fs::create_dir(&into).unwrap();
    let unpacked = unpack(&file, &into);
    let mut beside: Vec<_> = fs::read_dir(top.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    beside.sort();
    assert_eq!(beside, ["into", "run.tar"], "nothing is written outside");
    let mut files = Vec::new();
    listed(&into, &into, &mut files);
    files.sort();
    unpacked.map(|unpacked| (unpacked, files)).map_err(|error| error.to_string())
}

fn listed(top: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            listed(top, &path, found);
        } else {
            found.push(path.strip_prefix(top).unwrap().to_owned());
        }
    }
}

#[test]
fn a_run_comes_back_without_its_vault_and_the_same_bytes_every_time() {
    let bytes = packed();
    assert_eq!(bytes, packed());
    let (unpacked, files) = taken(&bytes).unwrap();
    assert!(unpacked.wrong.is_empty(), "{:?}", unpacked.wrong);
    assert_eq!(unpacked.manifest.files.len(), files.len());
    let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    let long = format!("transcript/{}.1.log", "long-step-".repeat(20));
    let wanted = [
        "evidence/photo é.png",
        "included/b%2Fc.yaml",
        "journal.jsonl",
        "journal.torn-1",
        "playbook.yaml",
        "snapshots/a.1.1.age",
        "transcript/a.1.log",
        &long,
    ];
    assert_eq!(names, wanted);
    assert!(!bytes.windows(6).any(|part| part == b"CANARY"));
}

#[test]
fn any_tar_program_reads_it() {
    let top = TempDir::new().unwrap();
    let file = top.path().join("run.tar");
    fs::write(&file, packed()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the program that others have")]
    let told = std::process::Command::new("tar").arg("-xvf").arg(&file).arg("-C").arg(top.path()).output().unwrap();
    let err = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && err.is_empty(), "{err}");
    let run = top.path().join("runsheet-01JD0000000000000000000000");
    assert_eq!(fs::read_to_string(run.join("included/b%2Fc.yaml")).unwrap(), "z");
    assert_eq!(fs::read_to_string(run.join(format!("transcript/{}.1.log", "long-step-".repeat(20)))).unwrap(), "x");
    assert!(fs::read_to_string(run.join("manifest.json")).unwrap().contains("\"runsheet_export\": 1"));
}

#[test]
fn cut_off_at_any_block_it_is_no_export() {
    let bytes = packed();
    for cut in (0..bytes.len()).step_by(BLOCK / 2) {
        taken(&bytes[..cut]).unwrap_err();
    }
    let told = taken(&[bytes.as_slice(), &[0; BLOCK]].concat()).unwrap_err();
    assert!(told.contains("goes on behind its end"), "{told}");
}

#[test]
fn a_change_of_any_byte_is_found() {
    let bytes = packed();
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok((unpacked, _)) = taken(&changed) {
            // What the manifest says of the run itself, nothing in the file contradicts: its journal does.
            let told = unpacked.manifest != taken(&bytes).unwrap().0.manifest;
            assert!(told || !unpacked.wrong.is_empty(), "byte {at}");
        }
    }
}

/// One entry, with its text.
fn entry(path: &str, text: &[u8]) -> Vec<u8> {
    let mut bytes = header(path, text.len() as u64, 0);
    bytes.extend_from_slice(text);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

const TOP: &str = "runsheet-01JD0000000000000000000000";

/// A file with a manifest that lists nothing, and these entries behind it.
fn made(entries: &[Vec<u8>]) -> Vec<u8> {
    let manifest = serde_json::to_vec(&Manifest { runsheet_export: 1, ..about() }).unwrap();
    let first = entry(&format!("{TOP}/manifest.json"), &manifest);
    [vec![first], entries.to_vec(), vec![vec![0; 2 * BLOCK]]].concat().concat()
}

#[test]
fn nothing_is_written_but_files_of_a_run() {
    let within = |inner: &str| made(&[entry(&format!("{TOP}/{inner}"), b"x")]);
    assert_eq!(taken(&within("journal.jsonl")).unwrap().0.wrong, ["journal.jsonl is not in the manifest"]);
    let long = format!("{}/x", "deep/".repeat(200));
    for inner in [
        "../outside",
        "transcript/../../outside",
        "transcript/..",
        "transcript/.",
        "/etc/passwd",
        "vault.age",
        "lock",
        "host.sock",
        "manifest.json",
        "transcript/a/b",
        "snapshots/",
        "other/a",
        "journal.torn-/../x",
        "",
        long.as_str(),
    ] {
        let told = taken(&within(inner)).unwrap_err();
        assert!(told.contains("a path that no run has"), "{inner:?}: {told}");
    }
    let outside = |path: &str| taken(&made(&[entry(path, b"x")])).unwrap_err();
    assert!(outside("journal.jsonl").contains("outside the run's folder"));
    assert!(outside("/journal.jsonl").contains("more than one folder"));
    assert!(outside("../journal.jsonl").contains("more than one folder"));
}

#[test]
fn what_is_no_file_comes_twice_or_is_larger_than_it_says_is_refused() {
    let path = format!("{TOP}/journal.jsonl");
    for kind in *b"123456Lg\0" {
        let mut link = entry(&path, b"");
        link[156] = kind;
        link[148..156].fill(b' ');
        let sum: u32 = link.iter().map(|&byte| u32::from(byte)).sum();
        link[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let told = taken(&made(&[link])).unwrap_err();
        assert!(told.contains("no file"), "{kind}: {told}");
    }
    let told = taken(&made(&[entry(&path, b"x"), entry(&path, b"y")])).unwrap_err();
    assert!(told.contains("journal.jsonl twice"), "{told}");
    // A length that nothing stands behind takes no room.
    let told = taken(&made(&[header(&path, 1 << 32, 0)])).unwrap_err();
    assert!(told.contains("cut off"), "{told}");
    let told = taken(&entry(&path, b"x")).unwrap_err();
    assert!(told.contains("outside") || told.contains("manifest"), "{told}");
    assert!(taken(b"").unwrap_err().contains("cut off"));
    assert!(taken(&vec![0; 2 * BLOCK]).unwrap_err().contains("empty"));
    assert!(taken(&vec![b'x'; 4 * BLOCK]).unwrap_err().contains("not a tar file"));
}
