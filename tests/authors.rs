//! The page for authors holds: its tables are those of the program, every example on it passes the checker, its commands and
//! answers are understood.
//!
//! `RUNSHEET_REWRITE=1` writes the generated parts anew; without it, what differs fails.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use runsheet::playbook::tables::{self, KeyRow, Section};
use runsheet::playbook::{self, Fault};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/README.md")
}

fn page() -> String {
    fs::read_to_string(path()).unwrap()
}

fn table(keys: &[KeyRow]) -> String {
    let mut text = "| key | what it is for |\n| --- | --- |\n".to_owned();
    for key in keys {
        let must = if key.required { " Must be there." } else { "" };
        writeln!(text, "| `{}` | {}{must} |", key.name, key.doc.replace('|', "\\|")).unwrap();
    }
    text
}

fn sections(all: &[Section]) -> String {
    let mut text = String::new();
    for section in all {
        let mut doc = section.doc.to_owned();
        doc[..1].make_ascii_uppercase();
        let example = section.example.trim_matches('\n');
        write!(text, "### `{}`\n\n{doc}.\n\n```yaml\n{example}\n```\n\n", section.name).unwrap();
        for (lead, keys) in [("Inside it:", &section.inside), ("Beside it:", &section.keys)] {
            if !keys.is_empty() {
                writeln!(text, "{lead}\n\n{}", table(keys)).unwrap();
            }
        }
    }
    text
}

/// Puts a generated part between its marks.
fn with(text: &str, mark: &str, part: &str) -> String {
    let begin = format!("<!-- {mark} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("the page has no mark {mark}"));
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    format!("{before}{begin}{part}<!-- end -->{after}")
}

#[test]
fn its_tables_are_those_of_the_program() {
    let is = page();
    let mut should = is.clone();
    for (mark, part) in [
        ("step", table(&tables::step_keys())),
        ("kinds", sections(&tables::kinds())),
        ("probe", table(&tables::probe_keys())),
        ("probes", sections(&tables::probes())),
        ("expect", table(&tables::expect_keys())),
    ] {
        should = with(&should, mark, &part);
    }
    if std::env::var_os("RUNSHEET_REWRITE").is_some() {
        fs::write(path(), &should).unwrap();
        return;
    }
    assert!(is == should, "playbooks/README.md is out of date: RUNSHEET_REWRITE=1 cargo test --test all authors");
}

/// The page without its generated parts, which the tables' own tests hold.
fn written() -> String {
    let mut text = page();
    for mark in ["step", "kinds", "probe", "probes", "expect"] {
        text = with(&text, mark, "");
    }
    text
}

/// Returns the fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Makes a playbook of steps, with the inputs that they name.
fn around(steps: &str) -> String {
    let secret = |name: &str| ["password", "token"].iter().any(|word| name.contains(word));
    let mut inputs = String::new();
    for name in ["host", "db_password"].iter().filter(|name| steps.contains(&format!("${{{name}}}"))) {
        writeln!(inputs, "  {name}: {{ type: {} }}", if secret(name) { "secret" } else { "text" }).unwrap();
    }
    let inputs = if inputs.is_empty() { inputs } else { format!("inputs:\n{inputs}") };
    let steps: Vec<String> = steps.lines().map(|line| format!("      {line}\n")).collect();
    format!("runsheet: 1\ntitle: An example\n{inputs}phases:\n  - title: All\n    steps:\n{}", steps.concat())
}

#[test]
fn every_example_passes_the_checker() {
    let text = written();
    let examples = blocks(&text, "yaml");
    assert!(examples.len() >= 5, "{} examples", examples.len());
    for example in examples {
        let example = if example.starts_with("runsheet:") { example } else { around(&example) };
        let told = |faults: &[Fault]| faults.iter().map(|fault| fault.render("example", &example)).collect::<String>();
        match playbook::check(&example) {
            Ok(checked) => assert_eq!(told(&checked.warnings), "", "{example}"),
            Err(faults) => panic!("{example}\n{}", told(&faults)),
        }
    }
}

/// A folder with the page's playbook and answers, and the program that the playbook asks for.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let text = written();
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        put("playbook.yaml", &blocks(&text, "yaml")[0]);
        put("answers.yaml", &blocks(&text, "answers")[0]);
        put("systemctl", "#!/bin/sh\nexit 1\n");
        fs::set_permissions(folder.path().join("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    fn run(&self, words: &[&str]) -> Output {
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        Command::new(env!("CARGO_BIN_EXE_runsheet"))
            .args(words)
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .env("OLD_TOKEN", "CANARY-old-token")
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .output()
            .unwrap()
    }
}

#[test]
fn its_commands_and_answers_are_understood() {
    let home = Home::new();
    let commands = blocks(&written(), "sh").concat();
    for line in commands.lines() {
        let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().collect();
        assert_eq!(words.first(), Some(&"runsheet"), "{line}");
        let output = match words[1] {
            "check" | "plan" => home.run(&words[1..]),
            // What the others do depends on the machine; that their words are known does not.
            "doctor" | "run" | "rollback" => home.run(&[&words[1..], &["--help"]].concat()),
            _ => panic!("{line}: no test knows this command"),
        };
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // Nothing listens where it looks, so the dry run stops at the first step: by then every answer was taken.
    let output = home.run(&["run", "playbook.yaml", "--unattended", "--dry-run", "--answers", "answers.yaml"]);
    let told = [output.stdout.as_slice(), b"\n", &output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(!matches!(output.status.code(), Some(2 | 3) | None) && told.contains("healthy-before"), "{told}");
    let wrong = fs::read_to_string(home.folder.path().join("answers.yaml")).unwrap().replace("success-2", "success-9");
    fs::write(home.folder.path().join("answers.yaml"), wrong).unwrap();
    let output = home.run(&["run", "playbook.yaml", "--unattended", "--dry-run", "--answers", "answers.yaml"]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}
