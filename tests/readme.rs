//! The README holds: every command of it that can be run is run, its playbook walks, its tables are those of the program.
//!
//! `RUNSHEET_REWRITE=1` writes the generated parts anew, and the schema; without it, what differs fails.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use runsheet::ending::Code;
use runsheet::front::tui;
use runsheet::playbook::{self, Row, kind_rows, probe_rows};

/// The commands of the README that no test can run, each with the reason.
const NOT_RUN: [(&str, &str); 3] = [
    ("cargo run --release", "it opens the full screen; the terminal tests walk First steps there"),
    ("scripts/test", "it is what runs this test"),
    ("runsheet run first-steps --drill tutorial", "it opens the full screen"),
];

fn top(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn readme() -> String {
    fs::read_to_string(top("README.md")).unwrap()
}

/// Returns the fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Makes a text code, also one that has a backtick in it.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn rows(head: &str, rows: impl Iterator<Item = Row>) -> String {
    let mut text = format!("| {head} | does | for example |\n| --- | --- | --- |\n");
    for row in rows {
        let example = row.example.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        let cell = |text: &str| text.replace('|', "\\|");
        let example: Vec<String> = example.iter().map(|line| code(&cell(line))).collect();
        writeln!(text, "| `{}` | {} | {} |", row.name, cell(row.doc), example.join("<br>")).unwrap();
    }
    text
}

fn codes() -> String {
    let rows = Code::ALL.iter().map(|(code, what)| format!("| {} | {what} |\n", *code as u8));
    format!("| status | means |\n| --- | --- |\n{}", rows.collect::<String>())
}

/// Puts a generated part between its marks.
fn with(text: &str, mark: &str, part: &str) -> String {
    let begin = format!("<!-- {mark} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("the README has no mark {mark}"));
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    format!("{before}{begin}{part}<!-- end -->{after}")
}

/// Holds a file against what it should be, or writes it.
fn hold(path: &Path, should: &str) {
    if std::env::var_os("RUNSHEET_REWRITE").is_some() {
        fs::write(path, should).unwrap();
    }
    let is = fs::read_to_string(path).unwrap_or_default();
    let name = path.file_name().unwrap().to_string_lossy();
    assert!(is == should, "{name} is out of date: RUNSHEET_REWRITE=1 cargo test --test all readme");
}

#[test]
fn the_generated_parts_are_up_to_date() {
    let text = readme();
    let text = with(&text, "kinds", &rows("kind", kind_rows()));
    let text = with(&text, "probes", &rows("probe", probe_rows()));
    let text = with(&text, "keys", &tui::table());
    let text = with(&text, "codes", &codes());
    hold(&top("README.md"), &text);
}

#[test]
fn the_schema_in_assets_is_the_programs() {
    let mut schema = serde_json::to_string_pretty(&playbook::schema()).unwrap();
    schema.push('\n');
    hold(&top("assets/playbook.schema.json"), &schema);
    let output = Command::new(env!("CARGO_BIN_EXE_runsheet")).arg("schema").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), schema);
}

#[test]
fn the_playbook_has_fifteen_lines_and_no_faults() {
    let text = readme();
    let playbook = &blocks(&text, "yaml")[0];
    assert_eq!(playbook.lines().count(), 15);
    let checked = playbook::check(playbook).unwrap();
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
}

/// A home of its own with the README's playbook in it.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rotate-key.yaml"), &blocks(&readme(), "yaml")[0]).unwrap();
        Self { folder }
    }

    fn sh(&self, line: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_runsheet")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        Command::new("sh")
            .args(["-c", line])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .output()
            .unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let text = readme();
    let home = Home::new();
    let mut run = 0;
    for line in blocks(&text, "sh").iter().flat_map(|block| block.lines()) {
        let (command, said) = line.split_once('#').unwrap_or((line, ""));
        let command = command.trim();
        if NOT_RUN.iter().any(|(not, _)| *not == command) {
            continue;
        }
        let output = home.sh(command);
        // The comment says which status a command ends with, where it is not 0.
        let status: i32 =
            said.split_once("exit status ").map_or(0, |(_, rest)| rest.split(':').next().unwrap().parse().unwrap());
        assert_eq!(output.status.code(), Some(status), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        run += 1;
        let key = home.read("greeter.env");
        match command {
            _ if command.contains("--dry-run") => assert_eq!(key, "GREETER_KEY=old\n", "a dry run changes nothing"),
            "runsheet run rotate-key.yaml --unattended" => {
                let new = key.trim().strip_prefix("GREETER_KEY=").unwrap();
                assert!(new.len() == 32 && new.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{key}");
            }
            _ if command.starts_with("runsheet rollback") => assert_eq!(key, "GREETER_KEY=old\n"),
            _ => {} // commands that only print
        }
    }
    assert_eq!(run, 12, "a command was added or taken away: see what it should do");
}

#[test]
fn every_file_that_the_readme_names_is_there() {
    for text in [readme(), fs::read_to_string(top("CONTRIBUTING.md")).unwrap()] {
        for link in text.split("](").skip(1) {
            let path = link.split(')').next().unwrap();
            assert!(path.contains("://") || top(path).exists(), "{path} is linked and not there");
        }
    }
}
