//! Edits of files: exactly the places that were meant change, and undone they are byte for byte what they were.
//!
//! An input is the file's text, what is edited (a key, a format with a pointer, or a pattern), the new value, and how it is
//! put in. The edit goes the
//! way that a run goes: files in memory, a saved copy, the change, the undo.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::{Arc, LazyLock};

use regex::Regex;
use runsheet::engine::How;
use runsheet::exec::{Gaps, Launcher, Scene, fuzzing};
use runsheet::playbook::plan::{EditPlace, EditSpec, Format, Given, Name, Part, Plan, Put, Template};
use runsheet::secret::{Identity, Secret, Secrets};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::journal::memory;
use super::{Target, as_is, join, kind_of, none, parts};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "edits",
    longest: 600,
    round: 25_000,
    words: &[
        "\u{1e}",
        "A",
        "A=",
        "A=1\n",
        "export ",
        "'",
        "\"",
        "#",
        "$",
        "\\",
        "\n",
        "\r\n",
        "postgres://u:p@h:1/d",
        "rediss://:p@h",
        "://",
        ":",
        "@",
        "u:p@",
        "%40",
        "%",
        "(",
        ")",
        "([^@]+)",
        ".+",
        "a|b",
        "^",
        "$1",
        "x*",
        "(?s).*",
        "é",
        "\u{feff}",
        "secret",
        "CANARY-new",
        "json:/a",
        "yaml:/a/0",
        "toml:/a/b",
        "{\"a\": ",
        "// said\n",
        "a: ",
        "- ",
        "&x ",
        "*x",
        "!t ",
        "<<: ",
        "|\n  ",
        "[a]\n",
        "a = ",
        "\"\"\"",
        "yes",
        "1:30",
        "null",
        "\\u0041",
    ],
    seeds: none,
    make,
    steady: false,
    mend: as_is,
    run,
};

static IDENTITY: LazyLock<Identity> = LazyLock::new(Identity::passing);

thread_local! {
    static STAGE: RefCell<(TempDir, Runtime)> = RefCell::new((
        memory(),
        tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().expect("a runtime"),
    ));
}

fn run(input: &[u8]) -> u64 {
    let parts: Vec<String> = parts(input);
    let part = |at: usize| parts.get(at).map_or("", String::as_str);
    let (text, place, new, how) = (part(0), part(1), part(2), part(3).len());
    let Some((spec, secret)) = spec(place, new, how) else { return 0 };
    STAGE.with_borrow(|(folder, runtime)| {
        let secrets = Secrets::open(None, &IDENTITY).expect("nothing on disk to open");
        if secrets.keep(vec![("new".to_owned(), Secret::new(new.to_owned()))]).is_err() && secret {
            return 1;
        }
        let values = BTreeMap::from([(Name::new("v"), new.to_owned())]);
        let scene = Scene {
            scope: None,
            plan: Arc::new(Plan::default()),
            base: folder.path().to_owned(),
            secrets: Arc::new(secrets),
            values,
            launcher: Launcher::at("/usr/bin/env", &["-C"]),
            gaps: Gaps::Refused,
            logs: Vec::new(),
            root: None,
        };
        let path = folder.path().join("file");
        fs::write(&path, text).expect("the file is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("its mode is set");
        let undo = Dice::of(input).once_in(8);
        let saved = undo.then(|| {
            let saved = runtime.block_on(fuzzing::save(vec![spec.clone()], folder.path().to_owned(), &scene));
            saved.expect("a copy is kept")
        });
        let outcome = runtime.block_on(fuzzing::edit(vec![spec.clone()], &scene));
        let after = fs::read(&path).expect("the file is there");
        assert!(fs::metadata(&path).is_ok_and(|found| found.mode() & 0o7777 == 0o640), "its mode has changed");
        let after = String::from_utf8(after).expect("text stays text");
        let done = outcome.how == How::Ok;
        if secret && new.chars().count() >= 6 && !text.contains(new) && !place.contains(new) {
            assert!(!outcome.saw.contains(new), "the new secret is told: {}", outcome.saw);
        }
        if done {
            judge(text, &after, &spec, new);
        } else {
            assert!(after == text, "it failed and the file is not what it was: {}", outcome.saw);
        }
        if let Some(saved) = saved {
            for file in saved.iter().filter_map(|file| file.copy.as_ref()) {
                let sealed = fs::read(folder.path().join(file)).expect("the copy is there");
                assert!(
                    !sealed.windows(12).any(|piece| text.as_bytes().windows(12).any(|plain| plain == piece)),
                    "a copy in plain text"
                );
            }
            let copies: Vec<String> = saved.iter().filter_map(|file| file.copy.clone()).collect();
            let back = runtime.block_on(fuzzing::restore(saved, folder.path().to_owned(), &scene));
            assert!(back.how == How::Ok, "it was not undone: {}", back.saw);
            assert!(fs::read(&path).is_ok_and(|bytes| bytes == text.as_bytes()), "undone it is not what it was");
            assert!(
                fs::metadata(&path).is_ok_and(|found| found.mode() & 0o7777 == 0o640),
                "undone it has another mode"
            );
            for copy in copies {
                fs::remove_file(folder.path().join(copy)).expect("a file of ours");
            }
        }
        hash((done, kind_of(&outcome.saw), after == text, how % 6))
    })
}

/// How the place of an input says that it leads into a file of a format.
const FORMATS: [(&str, Format); 3] = [("json:", Format::Json), ("yaml:", Format::Yaml), ("toml:", Format::Toml)];

/// Makes the edit, and says whether it puts in a secret.
fn spec(place: &str, new: &str, how: usize) -> Option<(EditSpec, bool)> {
    let pointer = FORMATS.iter().find_map(|(named, format)| Some((*format, place.strip_prefix(named)?)));
    let place = if how.is_multiple_of(2) {
        match pointer {
            Some((format, pointer)) => EditPlace::Value(format, pointer.to_owned()),
            None => EditPlace::Dotenv(place.to_owned()),
        }
    } else {
        let pattern = Regex::new(place).ok().filter(|pattern| pattern.captures_len() <= 2)?;
        EditPlace::Match(pattern)
    };
    let name = Name::new("new");
    let (put, secret) = match how / 2 % 3 {
        0 => (Put::UrlPassword(name), true),
        1 => (Put::Value(Given::Secret(name)), true),
        _ => (Put::Value(Given::Text(Template::new(vec![Part::Value(Name::new("v"))]))), false),
    };
    // what a playbook's own text and values may not hold
    (!new.contains('\0'))
        .then_some((EditSpec { file: Template::literal("file"), place, put, count: how / 6 % 3 + 1 }, secret))
}

/// Holds a changed text against the old one: between the places nothing changed, and at each stands what was put in.
fn judge(old: &str, after: &str, spec: &EditSpec, new: &str) {
    let put = match &spec.put {
        Put::Value(_) => new.to_owned(),
        Put::UrlPassword(_) => new
            .bytes()
            .map(|byte| {
                let stays = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                if stays { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            })
            .collect(),
    };
    match &spec.place {
        EditPlace::Dotenv(key) => {
            let read = fuzzing::dotenv_value(after, key);
            let value = read.unwrap_or_else(|why| panic!("after the edit it cannot be read: {why}"));
            match spec.put {
                Put::Value(_) => assert!(value == new, "{new:?} was put in and {value:?} is read"),
                Put::UrlPassword(_) => {
                    assert!(value.contains(&format!(":{put}@")), "{put:?} is not the password of {value:?}");
                }
            }
            let place = |text: &str| {
                let mut all = fuzzing::dotenv_assignments(text).into_iter();
                all.find(|(known, ..)| known == key).map(|(.., place)| place).expect("it was found for the edit")
            };
            let (was, is) = (place(old), place(after));
            assert!(
                old[..was.start] == after[..is.start] && old[was.end..] == after[is.end..],
                "something else changed"
            );
        }
        EditPlace::Value(format, pointer) => {
            let at = |text: &str| fuzzing::value_at(text, *format, pointer).expect("the value is there");
            let ((was, _), (is, says)) = (at(old), at(after));
            assert!(
                old[..was.start] == after[..is.start] && old[was.end..] == after[is.end..],
                "something else changed"
            );
            match spec.put {
                Put::Value(_) => assert!(says == new, "{new:?} was put in and {says:?} is read"),
                Put::UrlPassword(_) => assert!(says.contains(&format!(":{put}@")), "{put:?} is not in {says:?}"),
            }
            compare(old, after, *format, pointer, &says);
        }
        EditPlace::Append { .. } => unreachable!("no input makes one"),
        EditPlace::Match(pattern) => {
            let places: Vec<_> = pattern
                .captures_iter(old)
                .map(|found| found.get(usize::from(found.len() > 1)).expect("its group takes part").range())
                .collect();
            assert!(places.len() == spec.count, "{} places instead of {}", places.len(), spec.count);
            let (mut at, mut rest) = (0, after);
            for place in places {
                let (before, there) = (&old[at..place.start], &old[place.clone()]);
                rest = rest.strip_prefix(before).unwrap_or_else(|| panic!("{before:?} has changed"));
                at = place.end;
                rest = match spec.put {
                    Put::Value(_) => rest.strip_prefix(&put).expect("what was put in stands there"),
                    Put::UrlPassword(_) => {
                        let lengths = (0..=there.len() + put.len()).rev();
                        let mut held = lengths
                            .filter(|length| rest.get(..*length).is_some_and(|now| is_url_with(now, there, &put)));
                        &rest[held.next().expect("the URL has another password now, and nothing else has changed")..]
                    }
                };
            }
            if matches!(spec.put, Put::Value(_)) || spec.count == 1 {
                assert!(rest.ends_with(&old[at..]), "what comes after it has changed");
            }
        }
    }
}

/// Has another parser read both texts, where it can: they say the same but for the one value.
fn compare(old: &str, after: &str, format: Format, pointer: &str, says: &str) {
    let read = |text: &str| -> Option<serde_json::Value> {
        match format {
            Format::Json => serde_json::from_str(text).ok(),
            Format::Yaml => serde_yaml::from_str(text).ok(),
            // There is no second parser of it here.
            Format::Toml => None,
        }
    };
    let Some(mut meant) = read(old) else { return };
    let Some(there) = meant.pointer_mut(pointer).filter(|there| !there.is_object() && !there.is_array()) else {
        return;
    };
    if there.is_string() {
        *there = says.into();
    } else if let Ok(value) = serde_json::from_str(says) {
        *there = value;
    }
    let is = read(after).expect("what could be read still can");
    assert!(is == meant, "another parser reads {is} instead of {meant}");
}

/// Says whether a text is another one in which only a piece in the middle gave way to the new password.
fn is_url_with(now: &str, was: &str, put: &str) -> bool {
    now.match_indices(put).any(|(at, _)| {
        let (before, after) = (&now[..at], &now[at + put.len()..]);
        was.len() >= before.len() + after.len() && was.starts_with(before) && was.ends_with(after)
    })
}

/// Makes a text of a format, with the place of a value in it.
fn document(dice: &mut Dice) -> (String, String) {
    let format = dice.below(3);
    let leaf = |dice: &mut Dice| match dice.below(9) {
        0 => dice.below(9000).to_string(),
        1 => dice.one(&["true", "false", "null", "1.5"]).to_string(),
        2 => "\"postgres://u:CANARY-old@h:1/d\"".to_owned(),
        3 if format != 0 => format!("'{}'", dice.letters("ab \"#\\", 6)),
        4 if format == 1 => dice.letters("ab:# -&*!1é", 6),
        5 if format == 1 => {
            dice.one(&["&x one", "*x", "!t one", "yes", "1:30", "|\n  one", "postgres://u:old@h"]).to_string()
        }
        6 => format!("[ {}, \"b\" ]", dice.below(9)),
        _ => format!("\"{}\"", dice.letters("ab '#é", 6)),
    };
    let keys = ["a", "b", "c d"];
    let mut text = if format == 0 { "{\n".to_owned() } else { String::new() };
    for (at, key) in keys.iter().enumerate() {
        let value = leaf(dice);
        let line = match format {
            0 => format!("  \"{key}\": {value}{}", if at + 1 < keys.len() { ", // said\n" } else { "\n" }),
            1 => format!("{key}: {value}\n"),
            _ => format!("\"{key}\" = {value} # said\n"),
        };
        text.push_str(&line);
    }
    text.push_str(if format == 0 { "}\n" } else { "" });
    let (named, _) = FORMATS[format];
    (text, format!("{named}/{}", dice.one(&["a", "b", "c d", "a/0", "b/1"])))
}

fn make(dice: &mut Dice) -> Vec<u8> {
    if dice.once_in(2) {
        let (text, place) = document(dice);
        let new = match dice.below(3) {
            0 => "CANARY-new-2".to_owned(),
            1 => dice.one(&["7", "-1.5", "true", "yes", "", "1:30", "a: b", "2026-01-01"]).to_string(),
            _ => dice.letters("abc'\"$&@:/% é#\\\n-", 9),
        };
        return join(&[text, place, new, "x".repeat(2 * dice.below(9))]);
    }
    let url = |dice: &mut Dice| {
        let scheme = dice.one(&["postgres", "rediss", "https"]);
        let (user, password) =
            (dice.one(&["u", "", "doadmin"]), dice.one(&["old", "o%40d", "CANARY-old-1", "a:b", ""]));
        format!("{scheme}://{user}:{password}@h:1/d")
    };
    let mut text = String::new();
    for _ in 0..=dice.below(4) {
        let line = match dice.below(4) {
            0 => format!("A={}\n", url(dice)),
            1 => format!("A=\"{}\" # said\n", url(dice)),
            2 => format!("  b: '{}',\n", url(dice)),
            _ => format!("{}={}\n", dice.one(&["B", "export A", "C"]), dice.letters("ab1'\" #", 5)),
        };
        text.push_str(&line);
    }
    let dotenv = dice.once_in(2);
    let place = if dotenv {
        "A"
    } else {
        dice.one(&["postgres://[^:]*:([^@]+)@", "postgres://\\S+", "old", "'([^']+)'", "a", "b: (.*)"])
    };
    let new = match dice.below(3) {
        0 => "CANARY-new-2".to_owned(),
        1 => dice.letters("abc'\"$&@:/% é#\\", 9),
        _ => dice.letters("abcdef0123456789", 12),
    };
    let how = "x".repeat(2 * dice.below(9) + usize::from(!dotenv));
    join(&[text, place.to_owned(), new, how])
}
