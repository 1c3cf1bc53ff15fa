//! The shape of the code: who may use whom, and the habits that a reader relies on.
//!
//! The table is that of the design's section 8. A new arrow is added here, in the commit that needs it, which says why.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What a module may use, beside itself.
const TABLE: [(&str, &[&str]); 20] = [
    ("secret", &[]),
    // Checked by the record's readers too, so it knows none of them.
    ("signature", &[]),
    ("output", &[]),
    // What it prints may name a file or hold a server's words.
    ("ending", &["output"]),
    // Its help lists the exit statuses; what it says of a wrong word holds that word.
    ("cli", &["ending", "output"]),
    ("playbook", &[]),
    ("engine", &["playbook"]),
    ("words", &["engine", "playbook"]),
    // It reads what a trainee did off the records of a drill.
    ("drill", &["engine", "playbook", "words"]),
    // Somebody looks at a journal in a terminal sooner or later.
    ("journal", &["engine", "output"]),
    ("exec", &["engine", "playbook", "output", "secret"]),
    ("front", &["engine", "playbook", "output", "secret", "words"]),
    // A report is foreign text for the most part.
    // It says which signatures hold.
    ("report", &["engine", "playbook", "journal", "words", "output", "signature"]),
    // What it holds the record against is the engine that it was made by; what is wrong with a file it says in plain words.
    ("audit", &["engine", "playbook", "journal", "words", "output", "secret", "signature"]),
    // It posts with what the probes trust.
    ("notify", &["engine", "playbook", "words", "exec"]),
    ("session", &["engine", "playbook", "journal", "exec", "front", "output", "secret"]),
    ("app", ALL),
    ("main", ALL),
    ("lib", ALL),
    ("tests", ALL),
];

const ALL: &[&str] = &[
    "app",
    "audit",
    "cli",
    "drill",
    "ending",
    "engine",
    "exec",
    "front",
    "journal",
    "notify",
    "output",
    "playbook",
    "report",
    "secret",
    "session",
    "signature",
    "words",
];

/// From here on a file is named as one that may hold two things.
const LONG: usize = 400;

/// A file of the program, without its tests.
struct File {
    path: PathBuf,
    /// Its path below `src`.
    name: String,
    /// Its text up to its tests.
    code: String,
    /// It is compiled for tests only.
    test: bool,
}

impl File {
    /// Returns the module of the top level that it is part of.
    fn module(&self) -> &str {
        let first = self.name.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Returns how many modules it is below the crate.
    fn depth(&self) -> usize {
        let parts = self.name.split('/').count();
        if self.name.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// Lists its lines that are no comment, with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<File> {
    let src = root().join("src");
    let mut paths = Vec::new();
    rust_files(&src, &mut paths);
    paths.sort();
    let only_tests: Vec<PathBuf> = paths.iter().flat_map(|path| test_modules(path)).collect();
    let files = paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split_once("#[cfg(test)]\nmod tests {").map_or(text.as_str(), |(code, _)| code).to_owned();
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        let for_tests = only_tests.iter().any(|module| path.with_extension("") == *module || path.starts_with(module));
        File { path, name, code, test: for_tests }
    });
    files.collect()
}

/// Lists the modules that a file declares for tests only, as paths without an extension.
fn test_modules(path: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let folder = if matches!(stem, "mod" | "lib" | "main") {
        path.parent().unwrap().to_owned()
    } else {
        path.with_extension("")
    };
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
    let names = declared.filter_map(|pair| pair[1].split("mod ").nth(1)?.strip_suffix(';'));
    names.map(|name| folder.join(name)).collect()
}

/// Lists the modules that a line names after `crate::`.
fn named(line: &str, next: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            // A group may go over several lines.
            let group = format!("{group} {next}");
            let mut depth = 0;
            let mut word = String::new();
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => names.push(std::mem::take(&mut word)),
                    letter if depth == 0 => word.push(letter),
                    _ => {}
                }
            }
            names.push(word);
        } else {
            names.push(rest.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect());
        }
    }
    let first = |name: String| name.trim().split("::").next().unwrap_or_default().trim().to_owned();
    names.into_iter().map(first).filter(|name| !name.is_empty()).collect()
}

#[test]
fn an_import_is_found_however_it_is_written() {
    assert_eq!(named("use crate::engine::{Run, undo};", ""), ["engine"]);
    assert_eq!(named("use crate::{engine::{Run, Turn}, exec, words};", ""), ["engine", "exec", "words"]);
    assert_eq!(named("use crate::{", "engine, exec::World};"), ["engine", "exec"]);
    assert_eq!(named("    let run: crate::engine::Run = crate::words::fill();", ""), ["engine", "words"]);
}

#[test]
fn imports_point_one_way() {
    let mut wrong = String::new();
    for file in sources() {
        let module = file.module();
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == module) else {
            writeln!(wrong, "src/{}: the module {module} is not in the table", file.name).unwrap();
            continue;
        };
        let lines: Vec<(usize, &str)> = file.lines().collect();
        for (at, (number, line)) in lines.iter().enumerate() {
            let next: String = lines[at + 1..].iter().take(40).map(|(_, line)| *line).collect();
            for used in named(line, &next) {
                if used != module && ALL.contains(&used.as_str()) && !allowed.contains(&used.as_str()) {
                    writeln!(wrong, "src/{}:{number}: {module} may not use {used}", file.name).unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn nobody_goes_round_the_table_by_super() {
    let mut wrong = String::new();
    for file in sources() {
        for (number, line) in file.lines() {
            let Some(at) = line.find("super::super::") else { continue };
            let ups = line[at..].matches("super::").count();
            // A module within the file, for tests, is one further down.
            let depth = file.depth() + usize::from(line.starts_with(' '));
            if ups >= depth && file.module() != "app" {
                writeln!(wrong, "src/{}:{number}: say crate::… instead", file.name).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_map_names_every_module_and_the_table_has_no_other() {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: Vec<&str> = map
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod "))?.strip_suffix(';'))
        .collect();
    for module in &declared {
        assert!(map.contains(&format!("//! | [`{module}`]")), "the map in lib.rs does not name {module}");
        assert!(TABLE.iter().any(|(name, _)| name == module), "{module} is not in the table");
    }
    for module in ALL {
        assert!(declared.contains(module), "the table has {module}, which is no module");
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz"] {
        let folder = root().join(folder);
        if folder.is_dir() {
            rust_files(&folder, &mut paths);
        }
    }
    let silent = paths.iter().filter(|path| !fs::read_to_string(path).unwrap().starts_with("//! "));
    let silent: Vec<_> = silent.map(|path| path.strip_prefix(root()).unwrap()).collect();
    assert!(silent.is_empty(), "these do not open with `//!`: {silent:?}");
}

#[test]
fn nothing_gives_up_by_unwrap() {
    let mut wrong = String::new();
    for file in sources().iter().filter(|file| !file.test) {
        for (number, line) in file.lines() {
            if [".unwrap()", "todo!(", "unimplemented!(", "dbg!("].iter().any(|word| line.contains(word)) {
                writeln!(wrong, "{}:{number}: {}", file.path.display(), line.trim()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn no_test_file_is_forgotten() {
    let tests = root().join("tests");
    let all = fs::read_to_string(tests.join("all.rs")).unwrap();
    let forgotten = fs::read_dir(&tests).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_stem()?.to_str()?.to_owned();
        let module = path.extension().is_some_and(|extension| extension == "rs") || path.join("mod.rs").exists();
        (module && name != "all" && !all.contains(&format!("mod {name};"))).then_some(name)
    });
    let forgotten: Vec<String> = forgotten.collect();
    assert!(forgotten.is_empty(), "tests/all.rs does not have {forgotten:?}");
}

/// Does not fail: a long flat table is fine, and whoever reads the list knows which one it is.
#[test]
fn long_files_are_named() {
    for file in sources().iter().filter(|file| !file.test) {
        let lines = file.code.lines().count();
        if lines > LONG {
            println!("src/{}: {lines} lines: does it hold two things?", file.name);
        }
    }
}
