//! Where playbooks are found, and how one is read.
//!
//! A playbook is named by its path or, where there is no such file, by its name in the library: the `playbooks` folder
//! here, the one in the configuration folder, and those that came with the program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ending::{Code, Ending};
use crate::output;
use crate::playbook::plan::Plan;
use crate::playbook::{self, Checked, Fault, Texts};

/// The playbooks that came with the program: name and text.
const BUILT_IN: [(&str, &str); 1] = [("first-steps", include_str!("../../playbooks/first-steps.yaml"))];

/// A playbook that was read and checked.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    /// The checked playbook.
    pub(super) plan: Arc<Plan>,
    /// Its text, as it was.
    pub(super) text: String,
    /// The texts of the playbooks that it includes.
    pub(super) included: Texts,
    /// Its absolute path, or its name in angle brackets when it came with the program.
    pub(super) path: PathBuf,
    /// What relative paths in it are relative to.
    pub(super) base: PathBuf,
    /// What `check` had to say all the same, rendered.
    pub(super) warnings: Vec<String>,
}

/// Reads and checks a playbook.
///
/// # Errors
/// An ending: 2 where it is not there, 3 with all faults where it is not sound.
pub(super) fn load(name: &str) -> Result<Loaded, Ending> {
    let (path, text) = read(name)?;
    let base = match path.parent() {
        Some(folder) if path.is_absolute() => folder.to_owned(),
        Some(_) | None => std::env::current_dir().unwrap_or_default(),
    };
    let included = included(&path, &text);
    let (plan, warnings) = sound(name, &path, &text, &included)?;
    Ok(Loaded { plan: Arc::new(plan), text, included, path, base, warnings })
}

/// Reads the playbooks that one includes.
pub(super) fn included(path: &Path, text: &str) -> Texts {
    let folder = path.parent().unwrap_or(path);
    Texts::gather(&file_name(path), text, |wanted| read_file(&folder.join(wanted)).map_err(|error| error.to_string()))
}

/// Reads a playbook's file. What is no file would perhaps never end.
fn read_file(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.is_file() { fs::read_to_string(path) } else { Err(io::Error::other("it is no file")) }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Checks the text of a playbook, whose path tells when one that it includes includes it.
///
/// # Errors
/// All faults.
pub(super) fn check(path: &Path, text: &str, included: &Texts) -> Result<Checked, Vec<Fault>> {
    playbook::check_with(&file_name(path), text, included)
}

/// Checks a text, and those that it includes; with the rendered warnings. `name` is how it was called, `path` where it is.
///
/// # Errors
/// An ending with code 3 and all faults.
pub(super) fn sound(name: &str, path: &Path, text: &str, included: &Texts) -> Result<(Plan, Vec<String>), Ending> {
    match check(path, text, included) {
        Ok(checked) => {
            let warnings = checked.warnings.iter().map(|fault| included.render(fault, name, text)).collect();
            Ok((checked.plan, warnings))
        }
        Err(faults) => Err(Ending {
            code: Code::Invalid,
            what: format!("{name} is not sound: {}", count(&faults)),
            because: Some(rendered(name, text, included, &faults)),
            next: Some(format!("mend it, then `runsheet check {name}`")),
        }),
    }
}

fn count(faults: &[Fault]) -> String {
    match faults.len() {
        1 => "1 fault".to_owned(),
        many => format!("{many} faults"),
    }
}

/// Renders faults one after the other.
pub(super) fn rendered(name: &str, text: &str, included: &Texts, faults: &[Fault]) -> String {
    faults.iter().map(|fault| included.render(fault, name, text)).collect::<Vec<_>>().join("\n")
}

/// Finds a playbook and reads its text.
fn read(name: &str) -> Result<(PathBuf, String), Ending> {
    let missing = |because: String, next: &str| Ending {
        code: Code::Usage,
        what: format!("{} cannot be read", output::visible_plain(name)),
        because: Some(because),
        next: Some(next.to_owned()),
    };
    let direct = Path::new(name);
    let found = if direct.exists() { Some(direct.to_owned()) } else { in_library(name) };
    if let Some(path) = found {
        let text = fs::read_to_string(&path)
            .map_err(|error| missing(error.to_string(), "name a playbook, a YAML file in UTF-8"))?;
        let path = path.canonicalize().unwrap_or(path);
        return Ok((path, text));
    }
    match BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
        Some((built_in, text)) => Ok((PathBuf::from(format!("<{built_in}>")), (*text).to_owned())),
        None => Err(missing(
            "there is no such file, and no playbook of that name in the library".to_owned(),
            "`runsheet list` shows the library",
        )),
    }
}

fn in_library(name: &str) -> Option<PathBuf> {
    let file = format!("{name}.yaml");
    folders().into_iter().map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// The folders of the library.
fn folders() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("playbooks")];
    folders.extend(super::place::config().map(|folder| folder.join("playbooks")));
    folders
}

/// An entry of the library.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// What `run` takes.
    pub(super) name: String,
    /// The plan, or that it is not sound.
    pub(super) plan: Result<Plan, String>,
}

/// Lists the library: what came with the program first, so that a newcomer finds the first steps on top.
pub(super) fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for folder in folders() {
        let Ok(files) = fs::read_dir(&folder) else { continue };
        let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml")) {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            if names.contains(&stem) {
                continue;
            }
            let text = fs::read_to_string(path).map_err(|error| error.to_string());
            entries.push(Entry { name: path.display().to_string(), plan: text.and_then(|text| summary(path, &text)) });
            names.push(stem);
        }
    }
    for (name, text) in BUILT_IN {
        if !names.iter().any(|known| known == name) {
            entries.push(Entry { name: name.to_owned(), plan: summary(Path::new(name), text) });
        }
    }
    // The first steps stand on top, wherever they were found.
    entries.sort_by_key(|entry| !entry.name.contains("first-steps"));
    entries
}

fn summary(path: &Path, text: &str) -> Result<Plan, String> {
    let checked = check(path, text, &included(path, text));
    checked.map(|checked| checked.plan).map_err(|faults| format!("not sound: {}", count(&faults)))
}
