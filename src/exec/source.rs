//! Takes an input from where the playbook says it can be taken: a variable of ours, a file, a dotenv file, a command.
//!
//! Whether it is a secret is for the caller to know, so it comes back as one. What goes wrong is said without the value.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio::sync::watch;
use url::Url;
use zeroize::Zeroizing;

use super::scene::Scene;
use super::stop::Stop;
use super::{command, dotenv, files};
use crate::playbook::plan::{Source, UrlPart};
use crate::secret::Secret;

/// The most time that a command may take to give a value.
const PATIENCE: Duration = Duration::from_mins(1);

/// Takes a value from its source.
///
/// # Errors
/// Why it cannot be had: a sentence, masked.
pub async fn resolve(source: &Source, scene: &Scene) -> Result<Secret, String> {
    let text = match source {
        Source::Env(variable) => match std::env::var(variable) {
            Ok(text) => Zeroizing::new(text),
            Err(std::env::VarError::NotPresent) => return Err(format!("the variable {variable} is not set")),
            Err(std::env::VarError::NotUnicode(_)) => return Err(format!("the variable {variable} is not UTF-8 text")),
        },
        Source::File(file) => {
            let (_, text) = read(file, scene)?;
            let end = text.strip_suffix('\n').map_or(text.as_str(), |rest| rest.strip_suffix('\r').unwrap_or(rest));
            Zeroizing::new(end.to_owned())
        }
        Source::Dotenv { file, key, part } => {
            let (named, text) = read(file, scene)?;
            let value = dotenv::value(&text, key).map_err(|wrong| scene.line(&format!("{named}: {wrong}")))?;
            let value = Zeroizing::new(value);
            match part {
                None => value,
                Some(part) => {
                    part_of(&value, *part).map_err(|wrong| scene.line(&format!("{named}: {key}: {wrong}")))?
                }
            }
        }
        Source::Run(spec) => {
            // Nobody stops it but its own time limit; the sender lives as long as it runs.
            let (_stop, mut stopped) = watch::channel(Stop::No);
            let answer = command::ask(spec, scene, Some(PATIENCE), &mut stopped).await?;
            match answer.exit {
                Some(0) => Zeroizing::new(answer.text.trim().to_owned()),
                Some(exit) if answer.said.is_empty() => return Err(format!("exit status {exit}")),
                Some(exit) => return Err(format!("exit status {exit}: {}", answer.said)),
                None => return Err("it did not end by itself".to_owned()),
            }
        }
    };
    if text.is_empty() {
        return Err("it is empty there".to_owned());
    }
    Ok(Secret::new(text.to_string()))
}

fn read(file: &crate::playbook::plan::Template, scene: &Scene) -> Result<(String, Zeroizing<String>), String> {
    let path = scene.path(file)?;
    let named = path.display().to_string();
    let found = files::read(&path)?;
    match std::str::from_utf8(&found.bytes) {
        Ok(text) => Ok((named, Zeroizing::new(text.to_owned()))),
        Err(_) => Err(format!("{named} is not UTF-8 text")),
    }
}

fn part_of(value: &str, part: UrlPart) -> Result<Zeroizing<String>, String> {
    let url = Url::parse(value).map_err(|error| format!("the value is not a URL: {error}"))?;
    let decoded = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(|text| Zeroizing::new(text.into_owned()))
            .map_err(|_| "a part of the URL is not UTF-8 text".to_owned())
    };
    let (what, found) = match part {
        UrlPart::User => ("user name", Some(url.username())),
        UrlPart::Password => ("password", url.password()),
        UrlPart::Host => ("host", url.host_str()),
        UrlPart::Port => {
            let number = url.port_or_known_default().ok_or_else(|| "the URL there has no port".to_owned())?;
            return Ok(Zeroizing::new(number.to_string()));
        }
        UrlPart::Database => ("database", Some(url.path().trim_start_matches('/'))),
    };
    match found {
        Some(text) if !text.is_empty() => decoded(text),
        Some(_) | None => Err(format!("the URL there has no {what}")),
    }
}
