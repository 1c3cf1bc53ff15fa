//! The configuration of a user: `config.yaml` in the configuration folder. Without the file everything is as usual.
//!
//! What must stay true: a key that is not known is refused with its place, as in a playbook, and nothing begins with a
//! configuration that cannot be read.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::Deserialize;

use super::place;
use crate::ending::{Code, Ending};
use crate::notify::Rule;
use crate::output::visible_plain;
use crate::playbook::yaml;

/// The configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    /// Who is told of runs.
    pub(super) notify: Vec<Rule>,
}

/// Names the file; none without a home.
fn path() -> Option<PathBuf> {
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
    understand(&text).map_err(refused)
}

/// Understands the text of the file.
fn understand(text: &str) -> Result<Config, String> {
    let empty = text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'));
    let config: Config =
        if empty { Config::default() } else { yaml::read(text).map_err(|why| visible_plain(&why.to_string()))? };
    check(&config.notify)?;
    Ok(config)
}

/// Holds that each rule of `notify` says whom to tell.
fn check(rules: &[Rule]) -> Result<(), String> {
    rules
        .iter()
        .enumerate()
        .try_for_each(|(at, rule)| rule.check().map_err(|why| visible_plain(&format!("notify: rule {} {why}", at + 1))))
}
