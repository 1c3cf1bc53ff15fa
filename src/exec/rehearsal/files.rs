//! The drill's own copies of the files that a playbook changes or keeps: made up, so that its edits find what they look for.
//!
//! The real files are not even looked at. What must stay true: everything is written beneath the drill's folder, and a file that is
//! there is left as it is, since edits and rollbacks work on it.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::made::put;
use super::practice::offered;
use super::sample::Letters;
use crate::exec::edit;
use crate::exec::scene::Scene;
use crate::playbook::plan::{
    Act, Action, EditPlace, EditSpec, FileSpec, Format, InputSpec, Plan, Probe, Put, Source, StepId, UrlPart,
};

/// What is known of a file from the playbook alone.
#[derive(Default)]
struct Wanted<'p> {
    edits: Vec<&'p EditSpec>,
    probes: Vec<&'p FileSpec>,
    /// It is kept, or changed.
    kept: bool,
    /// And it must be there.
    needed: bool,
}

/// Makes the files that are not there yet and whose names are known by now. `original` is the playbook with the sources of
/// its inputs.
///
/// # Errors
/// Which file could not be made: a sentence.
pub(super) fn make(original: &Plan, scene: &Scene, seed: u64) -> Result<(), String> {
    let mut files: BTreeMap<PathBuf, Wanted<'_>> = BTreeMap::new();
    for step in &original.steps {
        for action in std::iter::once(&step.action).chain(&step.rollback) {
            gather(&step.id, action, scene, &mut files);
        }
    }
    for (path, wanted) in files.iter().filter(|(path, wanted)| wanted.kept && !path.exists()) {
        if !wanted.needed {
            // It need not be there; the folder that it would be in is.
            if let Some(folder) = path.parent() {
                folder_of(folder).map_err(|error| format!("{} could not be made: {error}", folder.display()))?;
            }
            continue;
        }
        let text = content(path, wanted, original, scene, seed);
        let mode = wanted.probes.iter().find_map(|probe| probe.mode).unwrap_or(0o600);
        write(path, &text, mode)
            .map_err(|error| format!("the copy of {} could not be made: {error}", path.display()))?;
    }
    Ok(())
}

/// Says whether a file is one of those that edits work on, so that what stands in it is known.
pub(super) fn is_edited(plan: &Plan, path: &Path, scene: &Scene) -> bool {
    let mut files = BTreeMap::new();
    for step in &plan.steps {
        for action in std::iter::once(&step.action).chain(&step.rollback) {
            gather(&step.id, action, scene, &mut files);
        }
    }
    files.get(path).is_some_and(|wanted| !wanted.edits.is_empty())
}

fn gather<'p>(step: &StepId, action: &'p Action, scene: &Scene, files: &mut BTreeMap<PathBuf, Wanted<'p>>) {
    let scene = scene.clone().within(step.as_str());
    match &action.act {
        Act::Edit(specs) => {
            for spec in specs {
                // Without its values the name of a file is not known.
                let Ok(path) = scene.path(&spec.file) else { continue };
                let wanted = files.entry(path).or_default();
                wanted.kept = true;
                wanted.needed |= !matches!(spec.place, EditPlace::Append { missing: true });
                wanted.edits.push(spec);
            }
        }
        Act::Snapshot(specs) => {
            for spec in specs {
                let Ok(path) = scene.path(&spec.file) else { continue };
                let wanted = files.entry(path).or_default();
                wanted.kept = true;
                wanted.needed |= !spec.missing;
            }
        }
        Act::Run(_) | Act::Person(_) | Act::Generate(_) | Act::Verify | Act::Wait(_) => {}
    }
    for probe in &action.verify {
        if let Probe::File(spec) = &probe.probe
            && let Ok(path) = scene.path(&spec.path)
        {
            files.entry(path).or_default().probes.push(spec);
        }
    }
}

fn folder_of(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn write(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        folder_of(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

/// Makes up what stands in a file.
fn content(path: &Path, wanted: &Wanted<'_>, original: &Plan, scene: &Scene, seed: u64) -> String {
    let letters = &mut Letters::of(seed, &format!("file {}", path.display()));
    let mut text = tree(wanted, letters);
    let line = |text: &mut String, line: &str| {
        let remark = match wanted.edits.iter().find_map(|spec| match &spec.place {
            EditPlace::Value(format, _) => Some(*format),
            EditPlace::Dotenv(_) | EditPlace::Match(_) | EditPlace::Append { .. } => None,
        }) {
            Some(Format::Json) => "// ",
            Some(Format::Yaml | Format::Toml) => "# ",
            None => "",
        };
        *text = format!("{remark}{line}\n{text}");
    };
    for (key, value) in from_sources(path, original, scene, seed) {
        if !text.contains(&format!("{key}=")) {
            text += &pair(&key, &value);
        }
    }
    // First what is looked for, so that an edit that finds it there needs no place of its own.
    for probe in &wanted.probes {
        let given = probe.contains.as_ref().and_then(|given| scene.given(given).ok());
        if let Some(given) = given.filter(|given| !text.contains(given.expose())) {
            line(&mut text, given.expose());
        }
        for (key, given) in &probe.dotenv {
            if let (Ok(value), false) = (scene.given(given), text.contains(&format!("{key}="))) {
                text += &pair(key, value.expose());
            }
        }
    }
    for spec in &wanted.edits {
        if edit::fits(&text, spec) {
            continue;
        }
        match &spec.place {
            EditPlace::Dotenv(key) => {
                let value = match spec.put {
                    Put::UrlPassword(_) => address(key, letters),
                    Put::Value(_) => letters.plain(16),
                };
                text += &pair(key, &value);
            }
            EditPlace::Match(pattern) => {
                for _ in 0..spec.count {
                    let found = letters.matching(pattern).unwrap_or_default();
                    let more = match spec.put {
                        Put::UrlPassword(_) if found.ends_with('@') => "practice.example:5432/practice",
                        Put::UrlPassword(_) | Put::Value(_) => "",
                    };
                    line(&mut text, &format!("{found}{more}"));
                }
            }
            EditPlace::Value(..) | EditPlace::Append { .. } => {}
        }
    }
    if text.is_empty() { format!("a file to practise with, in place of {}\n", path.display()) } else { text }
}

/// Writes a line of a dotenv file.
fn pair(key: &str, value: &str) -> String {
    format!("{key}={value}\n")
}

/// Makes the tree of a file in which values are changed by their pointers.
fn tree(wanted: &Wanted<'_>, letters: &mut Letters) -> String {
    let (mut root, mut of) = (Value::Null, None);
    for spec in &wanted.edits {
        if let EditPlace::Value(format, pointer) = &spec.place {
            of = Some(*format);
            let value = match spec.put {
                Put::UrlPassword(_) => address(pointer, letters),
                Put::Value(_) => format!("practice-{}", letters.plain(8)),
            };
            put(&mut root, pointer, Value::String(value));
        }
    }
    match of {
        None => String::new(),
        Some(Format::Json) => serde_json::to_string_pretty(&root).map(|text| format!("{text}\n")).unwrap_or_default(),
        Some(Format::Yaml) => serde_yaml::to_string(&root).unwrap_or_default(),
        Some(Format::Toml) => {
            let mut text = String::new();
            toml(&root, "", &mut text);
            text
        }
    }
}

fn toml(value: &Value, path: &str, text: &mut String) {
    let Value::Object(map) = value else { return };
    if !path.is_empty() {
        *text += &["[", path, "]\n"].concat();
    }
    for (key, value) in map.iter().filter(|(_, value)| !value.is_object()) {
        *text += &[format!("{key:?}").as_str(), " = ", &value.to_string(), "\n"].concat();
    }
    for (key, value) in map.iter().filter(|(_, value)| value.is_object()) {
        let inner = if path.is_empty() { format!("{key:?}") } else { format!("{path}.{key:?}") };
        toml(value, &inner, text);
    }
}

/// Makes up an address with a password, of the sort that its name speaks of.
fn address(name: &str, letters: &mut Letters) -> String {
    let name = name.to_ascii_lowercase();
    let password = letters.plain(16);
    if name.contains("redis") || name.contains("valkey") {
        format!("rediss://default:{password}@practice.example:25061")
    } else if name.contains("mysql") || name.contains("maria") {
        format!("mysql://app:{password}@practice.example:3306/app")
    } else {
        format!("postgres://doadmin:{password}@practice.example:25060/defaultdb")
    }
}

/// Lists the keys of a dotenv file that the playbook's inputs would be taken from, with the values to practise with.
fn from_sources(path: &Path, original: &Plan, scene: &Scene, seed: u64) -> Vec<(String, String)> {
    let encoded = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let of = |spec: &InputSpec| {
        let Some(Source::Dotenv { file, key, part }) = &spec.from else { return None };
        let scene = scene.clone().within(spec.name.as_str());
        if scene.path(file).ok()? != path {
            return None;
        }
        let kept = scene.secret(&spec.name).map(|secret| secret.expose().to_owned());
        let value = kept.unwrap_or_else(|_| offered(seed, "", spec));
        let value = match part {
            None => value,
            Some(UrlPart::Password) => {
                let scheme =
                    if key.to_ascii_lowercase().contains("redis") || key.to_ascii_lowercase().contains("valkey") {
                        "rediss://default"
                    } else {
                        "postgres://doadmin"
                    };
                format!("{scheme}:{}@practice.example:25060/defaultdb", encoded(&value))
            }
            Some(UrlPart::User | UrlPart::Host | UrlPart::Port | UrlPart::Database) => return None,
        };
        Some((key.clone(), value))
    };
    original.inputs.iter().filter_map(of).collect()
}
