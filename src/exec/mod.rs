//! Effects to the world: children, files, probes, secrets.
//!
//! The session hands an [`Effect`] to an [`Executor`] and goes on; what comes of it arrives as a [`Report`] on a channel.
//! Which executor that is (the real one, a dry run, later a drill) is chosen once, in `app`.

mod act;
mod ahead;
mod attended;
mod attributes;
mod capture;
mod carry;
mod child;
mod command;
mod dotenv;
mod dry;
mod edit;
mod evidence;
mod expect;
mod files;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod handed;
mod holders;
mod host;
mod kept;
mod launch;
mod links;
mod memory;
mod reach;
mod remote;
mod replaceable;
mod said;
mod scene;
mod short;
mod shown;
mod snapshot;
mod source;
mod spawn;
mod spool;
mod spooler;
mod stop;
mod terminal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod transcript;
mod until;
pub mod world;

use std::collections::BTreeMap;
use std::path::Path;

pub use carry::{RunPaths, Setting, World};
pub use dry::DryRun;
pub use guard::shut_off;
pub use handed::remove_leftovers;
pub use host::HostProcess;
pub use launch::{Launcher, child_main};
pub use memory::memory_place;
pub use scene::{Gaps, Scene};
pub use shown::Piece;
pub use source::resolve;
pub use spool::Found;
pub use stop::Stop;
pub use terminal::Latest;
pub use world::web_client;

use crate::engine::{Effect, Evidence, Finding, Input, Record, Run, Target};
use crate::playbook::plan::{Name, Source, StepId};
use crate::secret::Secret;

/// What comes back from the world.
#[derive(Clone, Debug)]
pub enum Report {
    /// A result, for the engine.
    Input(Input),
    /// Text from a running command: masked, every control but SGR and line ends made visible.
    Output {
        /// Whose output.
        target: Target,
        /// The text, a piece of any length.
        text: Piece,
    },
    /// There is a newer picture of a program's terminal.
    Picture {
        /// Whose terminal.
        target: Target,
        /// The picture, unless somebody has taken it already. Masked.
        picture: Latest,
    },
    /// A probe was asked once more.
    Attempt {
        /// Whose probe.
        target: Target,
        /// Its place in `verify`, from 0.
        probe: usize,
        /// The attempt, from 1.
        attempt: u32,
        /// What was found.
        finding: Finding,
        /// Whether that is as expected.
        pass: bool,
        /// What was seen. Masked.
        saw: String,
    },
    /// Something that the operator should know and the engine need not: a sentence, masked.
    Notice(String),
    /// What an `edit` would change: a unified diff, masked. Or why it cannot be done.
    Preview {
        /// Whose edit.
        target: Target,
        /// The diff, or the reason.
        diff: Result<String, String>,
    },
}

/// Carries effects out.
pub trait Executor: Send {
    /// Starts an effect and returns at once. `values` are the run's values that are no secrets.
    fn start(&mut self, effect: Effect, values: &BTreeMap<Name, String>);

    /// Works out what an `edit` would change, without changing anything. Comes back as [`Report::Preview`].
    fn preview(&mut self, target: Target, run: &Run);

    /// Keeps secrets that a person gave: in the vault, on disk, before it returns.
    ///
    /// # Errors
    /// When the vault cannot be written: a sentence for the operator.
    fn keep(&mut self, secrets: Vec<(Name, Secret)>) -> Result<(), String>;

    /// Keeps a copy of a file as evidence of a step: in the run's folder, on disk, before it returns.
    ///
    /// # Errors
    /// Why it is not kept: a sentence for the operator, masked.
    fn keep_file(&mut self, step: &StepId, path: &Path) -> Result<Evidence, String> {
        let _ = (step, path);
        Err("this run keeps no files".to_owned())
    }

    /// Returns a secret that is kept, to be copied by who acts; none where there is none of that name.
    fn secret(&self, name: &Name) -> Option<Secret> {
        let _ = name;
        None
    }

    /// Returns the fingerprints of secrets that are kept.
    fn fingerprints(&self, names: &[Name]) -> BTreeMap<Name, String>;

    /// Sets room on the disk aside for the secrets of a step that cannot be undone, before it begins.
    ///
    /// # Errors
    /// Why there is no room: a sentence for the operator.
    fn reserve(&self) -> Result<(), String> {
        Ok(())
    }

    /// Passes on what was typed at the terminal of a program that has one.
    fn type_in(&mut self, target: &Target, keys: Secret) {
        let _ = (target, keys);
    }

    /// Learns how large the terminals of programs are from now on.
    fn resize(&mut self, columns: u16, rows: u16) {
        let _ = (columns, rows);
    }

    /// Is told of each record that is on disk by now: what was kept for the case that it would not get there can go.
    fn recorded(&mut self, record: &Record) {
        let _ = record;
    }

    /// Takes up what was kept of a command that was out when an earlier process died: secrets are in the vault when it
    /// returns. None where nothing was kept.
    fn recover(&mut self, target: &Target, attempt: u32, values: &BTreeMap<Name, String>) -> Option<Found> {
        let _ = (target, attempt, values);
        None
    }

    /// Takes the value of a name from where the playbook says it can be taken.
    ///
    /// # Errors
    /// Why it cannot be had: a sentence, masked.
    fn source(&self, of: &Name, source: &Source, values: &BTreeMap<Name, String>) -> Result<Secret, String>;

    /// Says whether a secret equals one that is kept.
    fn same(&self, name: &Name, secret: &Secret) -> bool;

    /// Masks a text that came from outside or from a person.
    fn mask(&self, text: &str) -> String;
}
