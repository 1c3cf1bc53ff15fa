//! Edits of every form by the built program: JSON, YAML and TOML values and appended lines, forward, dry, and back.

#![expect(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::desk::Desk;

const PLAYBOOK: &str = r#"
runsheet: 1
title: Rotate a key in files of every form
inputs: { who: { type: text, default: ana } }
phases:
  - title: Change
    steps:
      - { id: make, title: Make the key, generate: { key: { length: 24, alphabet: symbols } } }
      - id: write
        title: Write it
        edit:
          - { file: a.json, json: /auth/key, value: { secret: key } }
          - { file: a.json, json: /auth/url, url_password: key }
          - { file: a.yaml, yaml: /auth/0/key, value: { secret: key } }
          - { file: a.yaml, yaml: /limit, value: "12" }
          - { file: a.toml, toml: /auth/key, value: { secret: key } }
      - id: proof
        title: Put it on the checklist
        edit:
          - { file: list.md, append: "- [x] new key (${who})", missing: true }
          - { file: old.md, append: "${who} was here" }
"#;

const FILES: [(&str, &str); 4] = [
    (
        "a.json",
        "{ /* said */ \"auth\": { \"key\": \"CANARY-old\", \"url\": \"redis://:CANARY-pw@h\" }, \"k\": \"CANARY-other\" }",
    ),
    ("a.yaml", "# said\nauth:\n  - key: CANARY-old # the key\nlimit: 7\n"),
    ("a.toml", "[auth]\nkey = 'CANARY-old'\n"),
    ("old.md", "first"),
];

struct Place {
    folder: TempDir,
    desk: Desk,
}

impl Place {
    fn make() -> Self {
        let folder = TempDir::with_prefix("forms-").expect("make a folder");
        fs::create_dir(folder.path().join("app")).expect("make a folder");
        let desk = Desk::make(folder.path());
        let place = Self { folder, desk };
        fs::write(place.at("playbook.yaml"), PLAYBOOK).expect("write the playbook");
        for (name, text) in FILES {
            fs::write(place.at(name), text).expect("write a file");
        }
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join("app").join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).expect("read a file")
    }

    fn run(&self, more: &[&str]) -> Vec<String> {
        let playbook = self.at("playbook.yaml").display().to_string();
        ["run", &playbook, "--unattended"].iter().chain(more).map(|word| (*word).to_owned()).collect()
    }

    fn is_as_before(&self) {
        for (name, text) in FILES {
            assert_eq!(self.read(name), text);
        }
        assert!(!self.at("list.md").exists(), "list.md is there");
    }
}

/// Searches all files below a folder for a text.
fn holds(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("read a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(holds(&entry, text));
        } else if fs::read(&entry).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
        {
            found.push(entry);
        }
    }
    found
}

#[test]
fn a_key_goes_into_files_of_every_form_and_out_again() {
    let place = Place::make();
    let called = place.desk.call(place.run(&["--dry-run"])).ends_with(0);
    assert!(!called.out.contains("CANARY") && called.out.contains("becomes the secret key"), "{}", called.out);
    place.is_as_before();

    let called = place.desk.call(place.run(&[])).ends_with(0);
    assert!(!called.out.contains("CANARY"), "{}", called.out);
    let json: String = place.read("a.json").replace("/* said */", "");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let yaml: serde_yaml::Value = serde_yaml::from_str(&place.read("a.yaml")).expect("YAML");
    let toml: toml_edit::DocumentMut = place.read("a.toml").parse().expect("TOML");
    let key = json["auth"]["key"].as_str().expect("a text").to_owned();
    assert_eq!(key.chars().count(), 24);
    assert_eq!(yaml["auth"][0]["key"].as_str(), Some(key.as_str()));
    assert_eq!(toml["auth"]["key"].as_str(), Some(key.as_str()));
    assert_eq!(yaml["limit"].as_i64(), Some(12));
    let url = url::Url::parse(json["auth"]["url"].as_str().expect("a text")).expect("a URL");
    let decoded = percent_encoding::percent_decode_str(url.password().expect("a password")).decode_utf8();
    assert_eq!(decoded.expect("text"), key);
    assert!(place.read("a.json").starts_with("{ /* said */ \"auth\": { \"key\": "), "{}", place.read("a.json"));
    assert!(place.read("a.yaml").ends_with(" # the key\nlimit: 12\n"), "{}", place.read("a.yaml"));
    assert_eq!(place.read("list.md"), "- [x] new key (ana)\n");
    assert_eq!(place.read("old.md"), "first\nana was here\n");
    for secret in [key.as_str(), "CANARY-old", "CANARY-pw", "CANARY-other"] {
        assert_eq!(holds(place.desk.home(), secret), Vec::<PathBuf>::new(), "{secret}");
    }

    // What others wrote meanwhile stays when the line is taken out.
    fs::write(place.at("old.md"), "first\nana was here\ntheirs\n").expect("write");
    place.desk.call(["rollback", &place.desk.run_id(), "--unattended"]).ends_with(4);
    assert_eq!(place.read("old.md"), "first\ntheirs\n");
    fs::write(place.at("old.md"), "first").expect("write");
    place.is_as_before();
}
