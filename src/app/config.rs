//! The configuration of a user: `config.yaml` in the configuration folder. Without the file everything is as usual.
//!
//! What must stay true: a key that is not known is refused with its place, as in a playbook, and nothing begins with a
//! configuration that cannot be read: who wanted signatures must not get typed names by a slip of the pen.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{place, run};
use crate::ending::{Code, Ending};
use crate::front::tui::Attention;
use crate::notify::Rule;
use crate::output::visible_plain;
use crate::playbook::{nearest, yaml};
use crate::signature::Allowed;

/// The configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    /// How a person is called who does not look at the full screen.
    pub(super) attention: Attention,
    /// Who is told of runs.
    pub(super) notify: Vec<Rule>,
    /// Who may sign, and with what.
    pub(super) sign_off: SignOff,
}

/// Who may sign, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SignOff {
    /// Whose keys are believed: an `allowed_signers` file.
    pub(super) allowed_signers: Option<PathBuf>,
    /// Keys that are not believed any more.
    pub(super) revoked_keys: Option<PathBuf>,
    /// The key that this user signs with.
    pub(super) key: Option<PathBuf>,
    /// Whether a typed name is enough.
    pub(super) typed: Typed,
}

/// Whether a typed name is enough to sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Typed {
    /// It is recorded as typed, not as proven.
    #[default]
    Allowed,
    /// Only keys sign.
    Refused,
}

/// The keys of the file and of its parts, to name the one that was meant.
const KEYS: [(&str, &[&str]); 3] = [
    ("", &["attention", "notify", "sign_off"]),
    ("notify", &["headers", "on", "post", "run"]),
    ("sign_off", &["allowed_signers", "key", "revoked_keys", "typed"]),
];

impl SignOff {
    /// Says whose signatures are believed now.
    pub(super) fn allowed(&self) -> Allowed {
        Allowed { signers: self.allowed_signers.clone(), revoked: self.revoked_keys.clone(), at: None }
    }
}

/// Says in a few words what signatures prove here, and whether they can be checked at all.
///
/// # Errors
/// What is wrong, and what to do.
pub(super) fn signatures(sign_off: &SignOff) -> Result<String, (String, String)> {
    if !run::on_path("ssh-keygen") {
        let told = "ssh-keygen is not on PATH: nobody can sign with a key, and no signature can be checked";
        return Err((told.to_owned(), "install OpenSSH's client".to_owned()));
    }
    let gone = [&sign_off.allowed_signers, &sign_off.revoked_keys].into_iter().flatten().find(|path| !path.is_file());
    if let Some(gone) = gone {
        let told = format!("there is no file {}, which config.yaml names: no signature is taken", gone.display());
        return Err((told, "put it there, or mend config.yaml".to_owned()));
    }
    let typed = match sign_off.typed {
        Typed::Allowed => "typed names are taken, as typed",
        Typed::Refused => "typed names are not taken",
    };
    Ok(match &sign_off.allowed_signers {
        Some(signers) => format!("checked against {}; {typed}", signers.display()),
        None => format!("no allowed_signers in config.yaml: they prove which key, not whose; {typed}"),
    })
}

/// Names the file; none without a home.
pub(super) fn path() -> Option<PathBuf> {
    place::config().map(|folder| folder.join("config.yaml"))
}

/// Reads the configuration.
///
/// # Errors
/// Code 2: it is there and cannot be read or understood.
pub(super) fn read() -> Result<Config, Ending> {
    let Some(path) = path() else { return Ok(Config::default()) };
    let refused = |because: String| Ending {
        code: Code::Usage,
        what: format!("the configuration {} cannot be used", path.display()),
        because: Some(because),
        next: Some("mend it, or take it away; nothing has been started".to_owned()),
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Config::default()),
        Err(error) => return Err(refused(error.to_string())),
    };
    understand(&text, path.parent().unwrap_or(Path::new("/"))).map_err(refused)
}

/// Understands the text of the file. Relative paths in it start from `folder`, those with `~/` from the home folder.
fn understand(text: &str, folder: &Path) -> Result<Config, String> {
    let empty = text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'));
    let mut config: Config =
        if empty { Config::default() } else { yaml::read(text).map_err(|why| told(text, &why))? };
    let sign_off = &mut config.sign_off;
    for path in [&mut sign_off.allowed_signers, &mut sign_off.revoked_keys, &mut sign_off.key].into_iter().flatten() {
        *path = match (path.strip_prefix("~"), std::env::var_os("HOME")) {
            (Ok(rest), Some(home)) => Path::new(&home).join(rest),
            _ => folder.join(&*path),
        };
    }
    if sign_off.revoked_keys.is_some() && sign_off.allowed_signers.is_none() {
        return Err("sign_off: `revoked_keys` says nothing without `allowed_signers`".to_owned());
    }
    if sign_off.typed == Typed::Refused && sign_off.allowed_signers.is_none() {
        return Err("sign_off: `typed: refused` needs `allowed_signers`: else nobody's key would be known".to_owned());
    }
    for (at, rule) in config.notify.iter().enumerate() {
        rule.check().map_err(|why| visible_plain(&format!("notify: rule {} {why}", at + 1)))?;
    }
    Ok(config)
}

/// Adds to what is wrong where it stands, and what may have been meant.
fn told(text: &str, why: &str) -> String {
    let Some((_, rest)) = why.split_once("unknown field `") else { return visible_plain(why) };
    let Some((key, _)) = rest.split_once('`') else { return visible_plain(why) };
    let at = text.lines().position(|line| {
        let words = line.trim_start_matches([' ', '{', '-']);
        words.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
            || line.contains(&format!(" {key}:"))
    });
    let line = at.map(|at| format!("line {}: ", at + 1)).unwrap_or_default();
    let near = nearest(key, KEYS.iter().flat_map(|(_, keys)| keys.iter().copied()));
    let near = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
    visible_plain(&format!("{line}there is no key `{key}`{near}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        understand(text, Path::new("/etc/runsheet"))
    }

    #[test]
    fn nothing_is_as_usual() {
        for text in ["", "# only a word\n\n", "sign_off: {}\n"] {
            assert_eq!(read(text), Ok(Config::default()), "{text:?}");
        }
    }

    #[test]
    fn paths_start_from_the_file() {
        let text = "sign_off: { allowed_signers: signers, revoked_keys: /etc/gone, typed: refused }\n";
        let sign_off = read(text).unwrap().sign_off;
        assert_eq!(sign_off.allowed_signers.as_deref(), Some(Path::new("/etc/runsheet/signers")));
        assert_eq!(sign_off.revoked_keys.as_deref(), Some(Path::new("/etc/gone")));
        assert_eq!(sign_off.typed, Typed::Refused);
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        let wrong = [
            ("sign_of: {}\n", "line 1: there is no key `sign_of` (did you mean `sign_off`?)"),
            (
                "sign_off:\n  alowed_signers: x\n",
                "line 2: there is no key `alowed_signers` (did you mean `allowed_signers`?)",
            ),
            (
                "sign_off: { typed: refused }\n",
                "sign_off: `typed: refused` needs `allowed_signers`: else nobody's key would be known",
            ),
            ("sign_off: { revoked_keys: x }\n", "sign_off: `revoked_keys` says nothing without `allowed_signers`"),
        ];
        for (text, told) in wrong {
            assert_eq!(read(text), Err(told.to_owned()), "{text}");
        }
        for text in ["sign_off: { typed: perhaps }", "sign_off: 3", "[]", "a: 1\na: 2"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
