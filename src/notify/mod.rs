//! Tells others what a run comes to: a command that gets a message, or a POST of it.
//!
//! The messages are read off the records ([`Watcher`]), so they say nothing that is not on record; and they are delivered
//! ([`Teller`]) on a thread of their own, each rule by itself, through a short queue and within a time. What must stay true: nothing
//! here can hold up, fail or change a run; a message holds no secret, or is not sent; what went wrong is said once and logged.

mod deliver;
mod teller;
mod watcher;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use teller::{Censor, Guard, Say, Teller};
pub use watcher::{Message, Watcher};

/// What others are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A run began.
    Start,
    /// A person is needed: to do something, to decide, to sign.
    Waiting,
    /// A step failed, or its end was not seen.
    Failure,
    /// A rollback began, or came to its end.
    Rollback,
    /// The run is over.
    End,
}

impl Event {
    /// Its word, as the configuration has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Waiting => "waiting",
            Self::Failure => "failure",
            Self::Rollback => "rollback",
            Self::End => "end",
        }
    }
}

/// A rule of the configuration: when, and whom.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// When; all of it where nothing is said.
    #[serde(default)]
    pub on: Vec<Event>,
    /// A program and its words; it gets the message on standard input. A relative path is looked for on `PATH` only.
    #[serde(default)]
    pub run: Option<Vec<String>>,
    /// An address that the message is posted to.
    #[serde(default)]
    pub post: Option<Given>,
    /// Headers of the request.
    #[serde(default)]
    pub headers: BTreeMap<String, Given>,
}

/// A text, or where one is that is nobody's business: an address may be as good as a password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Given {
    /// As it stands.
    Text(String),
    /// From a variable of the environment.
    Env {
        /// Its name.
        env: String,
    },
    /// From a file, whose last line end is cut off.
    File {
        /// Its path.
        file: PathBuf,
    },
}

impl Rule {
    /// Says what is wrong with it, in a few words.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        match (&self.run, &self.post) {
            (Some(_), Some(_)) => Err("has `run` and `post`: make two rules of it".to_owned()),
            (None, None) => Err("needs `run: [PROGRAM, …]` or `post: ADDRESS`".to_owned()),
            (Some(words), None) if words.first().is_none_or(String::is_empty) => {
                Err("`run` needs a program".to_owned())
            }
            (Some(_), None) if !self.headers.is_empty() => Err("`headers` go with `post`".to_owned()),
            (None, Some(Given::Text(address))) => deliver::address(address).map(|_| ()),
            (Some(_), None) | (None, Some(Given::Env { .. } | Given::File { .. })) => Ok(()),
        }
    }

    /// Says whether it is about an event.
    fn wants(&self, event: Event) -> bool {
        self.on.is_empty() || self.on.contains(&event)
    }

    /// Names it without telling a secret: its program, or the machine that it posts to.
    #[must_use]
    pub fn name(&self) -> String {
        match (&self.run, &self.post) {
            (Some(words), _) => words.first().cloned().unwrap_or_default(),
            (None, Some(Given::Text(address))) => match deliver::address(address) {
                Ok(url) => url.host_str().unwrap_or("an address").to_owned(),
                Err(_) => "an address".to_owned(),
            },
            (None, Some(Given::Env { env })) => format!("the address in ${env}"),
            (None, Some(Given::File { file })) => format!("the address in {}", file.display()),
            (None, None) => "nobody".to_owned(),
        }
    }
}
