//! Changes files as a playbook's `edit` says.
//!
//! Everything is worked out before anything is written: [`compute`] reads the files and applies all edits in order, several of
//! one file on top of each other; [`apply`] then puts the new files in place one by one. Nothing is written when one edit
//! does not find what it expects, or when a file changed in between.
//!
//! What an earlier attempt wrote is known by the copies that were sealed before it ([`Earlier`]): a file that is, byte for
//! byte, what the edits make of its copy is as it should be, and is left alone.

mod diff;
mod draft;
mod earlier;
mod line;
mod neighbours;
mod place;
mod seen;
mod value;

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use zeroize::{Zeroize, Zeroizing};

pub(super) use self::draft::Draft;
pub(super) use self::earlier::Earlier;
pub(super) use self::line::{only_lines, take_back};
pub(super) use self::seen::Seen;
use super::files::{self, Found};
use super::links::resolve;
use super::replaceable;
use super::scene::Scene;
use crate::playbook::plan::{EditPlace, EditSpec, Format, Given, Put};
use crate::secret::Secret;

/// What becomes of one file.
pub(super) struct Change {
    /// The file as the playbook names it.
    named: String,
    /// Its path, links followed.
    path: PathBuf,
    old: Zeroizing<String>,
    new: Zeroizing<String>,
    /// The values that are changed by their pointers.
    pointers: Vec<(Format, String)>,
    /// Texts that a secret takes the place of.
    hidden: Vec<Zeroizing<String>>,
    /// An earlier attempt has written it.
    written: bool,
    /// It is there; one that is not is made.
    exists: bool,
    /// What it was before the first attempt, where that is known and it is something else now.
    before: Option<Zeroizing<String>>,
    /// The lines that are appended so far, those that an earlier attempt had appended too.
    appended: Vec<Zeroizing<String>>,
}

/// What an edit puts in, and whether that is a secret.
struct Filling {
    text: Zeroizing<String>,
    secret: bool,
}

/// Says whether an edit finds in a text what it looks for, and could put something there.
pub(super) fn fits(text: &str, spec: &EditSpec) -> bool {
    let Ok(places) = place::find(text, &spec.place, spec.count) else { return false };
    match &spec.put {
        Put::UrlPassword(_) => places.iter().all(|found| place::password(text, found).is_ok()),
        Put::Value(_) => true,
    }
}

/// Works out what the edits change, without changing anything.
///
/// # Errors
/// What is not as expected, with the file's name: masked.
pub(super) fn compute(specs: &[EditSpec], scene: &Scene, earlier: &Earlier) -> Result<Vec<Change>, String> {
    let mut files: Vec<(PathBuf, Found, Vec<&EditSpec>)> = Vec::new();
    for spec in specs {
        let named = scene.path(&spec.file)?;
        let path = resolve(&named)?.path;
        if let Some((_, _, specs)) = files.iter_mut().find(|(_, known, _)| known.path == path) {
            specs.push(spec);
            continue;
        }
        let found = match spec.place {
            EditPlace::Append { missing: true } => files::read_or_new(&named),
            EditPlace::Append { missing: false }
            | EditPlace::Dotenv(_)
            | EditPlace::Value(..)
            | EditPlace::Match(_) => files::read(&named),
        };
        files.push((named, found?, vec![spec]));
    }
    files
        .into_iter()
        .map(|(named, found, specs)| change(&named.display().to_string(), found, &specs, scene, earlier))
        .collect()
}

/// Works out what becomes of one file.
fn change(named: &str, found: Found, specs: &[&EditSpec], scene: &Scene, earlier: &Earlier) -> Result<Change, String> {
    let copy = earlier.copy_of(&found, scene).map(|copy| copy.filter(|copy| **copy != *found.bytes));
    let mut change = Change::none(named, found)?;
    if let Ok(Some(copy)) = &copy
        && let Ok(made) = change.of_copy(copy).and_then(|change| change.edited(specs, scene))
        && made.new == change.old
    {
        return Ok(Change { old: made.new.clone(), written: true, ..made });
    }
    if let Ok(Some(copy)) = &copy {
        change.before = text(named, copy).ok();
    }
    let (path, exists) = (change.path.clone(), change.exists);
    let may = || if exists { replaceable::check(&path) } else { replaceable::creatable(&path) };
    let fits = |change: Change| if change.old == change.new { Ok(change) } else { may().map(|()| change) };
    change.edited(specs, scene).map_err(|wrong| format!("{named}: {wrong}")).and_then(fits).map_err(|wrong| {
        let more = match copy {
            Ok(None) => String::new(),
            Ok(Some(_)) => "; it is neither as it was before the first attempt nor as this step leaves it".to_owned(),
            Err(why) => format!("; whether an earlier attempt wrote it is not known: {why}"),
        };
        scene.mask(&format!("{wrong}{more}"))
    })
}

/// Shows what would change: a unified diff, masked.
pub(super) fn preview(changes: &[Change], scene: &Scene) -> String {
    changes.iter().map(|change| diff::show(change, scene)).collect()
}

/// Puts the new files in place and says what was changed.
///
/// # Errors
/// What went wrong, and which files had been changed by then.
pub(super) fn apply(changes: &[Change]) -> Result<String, String> {
    let mut ready = Vec::new();
    for change in changes {
        let found = change.unchanged()?;
        if change.old != change.new {
            let bytes = change.new.as_bytes();
            let file = if change.exists {
                files::prepare(&change.path, bytes, found.standing, &found.attributes)
            } else {
                files::prepare_new(&change.path, bytes)
            };
            ready.push((change, file?));
        }
    }
    // Preparing takes its time: the last look is right before the first file is put in place.
    for change in changes {
        change.unchanged()?;
    }
    let mut done: Vec<&str> = Vec::new();
    for (change, file) in ready {
        if let Err(wrong) = file.put() {
            return Err(if done.is_empty() {
                format!("{wrong}; nothing was written")
            } else {
                format!("{wrong}; already changed: {}", done.join(", "))
            });
        }
        done.push(&change.named);
    }
    let names = |of: &dyn Fn(&Change) -> bool| {
        changes.iter().filter(|change| of(change)).map(|change| change.named.as_str()).collect::<Vec<_>>().join(", ")
    };
    let written = names(&|change| change.written);
    let same = names(&|change| change.old == change.new && !change.written);
    let told = [
        (done.join(", "), "changed {}"),
        (written, "{} was written by an earlier attempt and is as it should be"),
        (same, "{} had what is wanted already"),
    ];
    let told = told.iter().filter(|(names, _)| !names.is_empty()).map(|(names, text)| text.replace("{}", names));
    Ok(told.collect::<Vec<_>>().join("; "))
}

impl Change {
    fn none(named: &str, found: Found) -> Result<Self, String> {
        let text = text(named, &found.bytes)?;
        let path = found.path;
        Ok(Self {
            named: named.to_owned(),
            path,
            old: text.clone(),
            new: text,
            pointers: Vec::new(),
            hidden: Vec::new(),
            written: false,
            exists: found.exists,
            before: None,
            appended: Vec::new(),
        })
    }

    /// The same file as it was when its copy was sealed.
    fn of_copy(&self, copy: &[u8]) -> Result<Self, String> {
        let text = text(&self.named, copy)?;
        let (named, path) = (self.named.clone(), self.path.clone());
        Ok(Self {
            named,
            path,
            old: text.clone(),
            new: text,
            pointers: Vec::new(),
            hidden: Vec::new(),
            written: false,
            exists: self.exists,
            before: None,
            appended: Vec::new(),
        })
    }

    /// Reads the file once more; it must be what the change was worked out for.
    fn unchanged(&self) -> Result<Found, String> {
        let found = if self.exists { files::read(&self.path) } else { files::read_or_new(&self.path) }?;
        if found.bytes.as_slice() == self.old.as_bytes() && found.exists == self.exists {
            return Ok(found);
        }
        Err(format!("{} was changed by somebody else meanwhile; nothing was written", self.named))
    }

    fn edited(mut self, specs: &[&EditSpec], scene: &Scene) -> Result<Self, String> {
        specs.iter().try_for_each(|spec| self.edit(spec, scene))?;
        Ok(self)
    }

    fn edit(&mut self, spec: &EditSpec, scene: &Scene) -> Result<(), String> {
        if let EditPlace::Append { .. } = spec.place {
            return self.append(spec, scene);
        }
        let mut places = place::find(&self.new, &spec.place, spec.count)?;
        if let Put::UrlPassword(_) = &spec.put {
            for place in &mut places {
                *place = place::password(&self.new, place)?;
            }
            for place in &places {
                // The old one too must not be seen from now on, wherever it turns up.
                let old = place.old(&self.new);
                scene.secrets.register(Secret::new(old.to_owned()));
                if let Ok(decoded) = percent_decode_str(old).decode_utf8() {
                    scene.secrets.register(Secret::new(decoded.into_owned()));
                }
            }
        }
        let Filling { text: put, secret } = filling(&spec.put, scene)?;
        let gap = scene.has_gaps(&spec.put);
        let mut text = Zeroizing::new(String::with_capacity(self.new.len() + places.len() * put.len()));
        let mut hidden = Vec::new();
        let mut at = 0;
        for place in &places {
            let written = place.written(&self.new, &put, gap)?;
            if secret {
                // The diff is shown by lines, so what goes over several is hidden by lines.
                let old = [&self.new[place.range.clone()], place.old(&self.new)];
                let lines = old.into_iter().flat_map(str::lines).map(str::trim);
                hidden.extend(lines.map(|line| Zeroizing::new(line.to_owned())));
            }
            text.push_str(&self.new[at..place.range.start]);
            text.push_str(&written);
            at = place.range.end;
        }
        text.push_str(&self.new[at..]);
        if !gap {
            places.iter().try_for_each(|place| place.check(&spec.place, &self.new, &text, &put))?;
        }
        self.hidden.extend(hidden);
        if let EditPlace::Value(format, pointer) = &spec.place {
            self.pointers.push((*format, pointer.clone()));
        }
        self.new.zeroize();
        self.new = text;
        Ok(())
    }
}

impl Change {
    /// Puts a line at the end, unless an earlier attempt has done so.
    fn append(&mut self, spec: &EditSpec, scene: &Scene) -> Result<(), String> {
        let line = filling(&spec.put, scene)?.text;
        line::check(&line, scene)?;
        let again = self.appended.iter().filter(|known| **known == line).count();
        let before = self.before.as_ref().map(|before| line::count(before, &line));
        let there = before.is_some_and(|before| line::count(&self.new, &line) > before + again);
        if !there {
            let ending = line::ending(&self.new, &line);
            self.new.push_str(&ending);
        }
        self.appended.push(line);
        Ok(())
    }
}

/// Takes what an edit puts in from the scene.
fn filling(put: &Put, scene: &Scene) -> Result<Filling, String> {
    match put {
        Put::Value(given) => {
            let text = Zeroizing::new(scene.given(given)?.expose().to_owned());
            Ok(Filling { text, secret: matches!(given, Given::Secret(_)) })
        }
        Put::UrlPassword(name) => {
            let new = scene.secret(name)?;
            let text = if scene.is_gap(name) { new.expose().to_owned() } else { place::encode(new.expose()) };
            Ok(Filling { text: Zeroizing::new(text), secret: true })
        }
    }
}

/// Finds a value as an edit does; for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(super) fn value_at(text: &str, format: Format, pointer: &str) -> Result<(std::ops::Range<usize>, String), String> {
    value::find(text, format, pointer).map(|found| (found.range, found.says.to_string()))
}

/// Takes the bytes of a file for text.
fn text(named: &str, bytes: &[u8]) -> Result<Zeroizing<String>, String> {
    std::str::from_utf8(bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        format!("{named}: line {line} is not UTF-8 text")
    })
}
