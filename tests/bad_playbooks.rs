//! Every bad playbook in `tests/data/bad` against the whole text that `check` shows for it.
//!
//! `RUNSHEET_WRITE_EXPECTED=1` writes the expected texts anew; read the difference before committing it.

#![expect(clippy::expect_used, reason = "in tests a failure is said by failing")]

use std::fs;
use std::path::{Path, PathBuf};

use runsheet::playbook::{self, Checked, Fault, Texts};

/// Returns the faults of a playbook as `check` shows them.
fn shown(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("the playbook can be read");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8");
    let (faults, texts) = checked(path, &text);
    let faults = match faults {
        Ok(checked) => checked.warnings,
        Err(faults) => faults,
    };
    faults.iter().map(|fault| texts.render(fault, name, &text)).collect()
}

/// Checks a playbook with those that it includes.
pub(crate) fn checked(path: &Path, text: &str) -> (Result<Checked, Vec<Fault>>, Texts) {
    let (folder, name) = (path.parent().expect("a folder"), path.file_name().and_then(|name| name.to_str()));
    let own = name.expect("a name in UTF-8");
    let read = |inner: &str| fs::read_to_string(folder.join(inner)).map_err(|error| error.to_string());
    let texts = Texts::gather(own, text, read);
    (playbook::check_with(own, text, &texts), texts)
}

/// Lists the good playbooks: those of the test data, and the real ones.
pub(crate) fn good() -> Vec<PathBuf> {
    let mut files = playbooks("good");
    files.extend(playbooks("../../playbooks"));
    files
}

/// Lists the YAML files of a folder of test data.
pub(crate) fn playbooks(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of test data is there")
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_bad_playbook_is_told_in_full() {
    let write = std::env::var_os("RUNSHEET_WRITE_EXPECTED").is_some();
    let files = playbooks("bad");
    let mut wrong = Vec::new();
    for path in &files {
        let expected = path.with_extension("txt");
        let shown = shown(path);
        if write {
            fs::write(&expected, &shown).expect("the expected text can be written");
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        if shown.is_empty() || shown != wanted {
            wrong.push(format!("{}:\nwanted:\n{wanted}\nshown:\n{shown}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.len() >= 150, "{} bad playbooks are too few", files.len());
}

#[test]
fn every_expected_text_has_its_playbook() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bad");
    for entry in fs::read_dir(folder).expect("the folder of test data is there") {
        let path = entry.expect("an entry can be read").path();
        assert!(path.with_extension("yaml").exists(), "{} has no playbook", path.display());
    }
}

#[test]
fn good_playbooks_have_no_fault() {
    for path in good() {
        assert_eq!(shown(&path), "", "{}", path.display());
    }
}
