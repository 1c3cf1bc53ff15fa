//! Probes: questions to the world, asked natively, each with an answer that a tired operator understands at once.
//!
//! A probe is one file here and one line in `put`. It asks once and says what it `Heard`, or why it is a `Miss`; how
//! often it is asked is up to `attempts`, whether the answer is right up to `judge`. What must stay true: a new connection
//! for each attempt; a refused connection, a refused credential, a server that cannot be reached and an answer that is not
//! understood are never taken for each other; no foreign text comes out of here unmasked.

mod attempts;
mod command;
mod connect;
mod file;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod http;
mod judge;
mod log;
mod mysql;
mod nats;
mod postgres;
mod redis;
mod resp;
mod tcp;
#[cfg(test)]
mod tests;
mod title;
mod tls;
mod trust;
mod value;

pub use trust::web_client;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

pub(super) use self::log::marks;
use super::expect::Answer;
use super::scene::Scene;
use super::stop::Stop;
use crate::engine::{Finding, Verdict};
use crate::playbook::plan::{Name, Probe, ProbeSpec, Program};

/// One attempt of a probe, told as soon as it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The place of the probe in the list, from 0.
    pub probe: usize,
    /// The attempt, from 1.
    pub attempt: u32,
    /// What was found.
    pub finding: Finding,
    /// Whether that is as expected.
    pub pass: bool,
    /// What was seen. Masked.
    pub saw: String,
}

/// What probes can draw on.
#[derive(Clone)]
pub struct Ctx<'a> {
    /// The run's values, secrets and folder, and how a child is started.
    pub scene: &'a Scene,
    /// Ends the asking; what was found last is then the answer.
    pub stop: watch::Receiver<Stop>,
    /// Is told of every attempt.
    pub told: &'a (dyn Fn(Attempt) + Send + Sync),
}

impl fmt::Debug for Ctx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx").field("scene", self.scene).finish_non_exhaustive()
    }
}

/// Asks all probes at the same time and returns a verdict for each, in their order.
///
/// Only a probe that uses what an earlier one of the list captures waits for it. Captured secrets are in the vault when this
/// returns.
pub async fn verify(probes: &[ProbeSpec], ctx: Ctx<'_>) -> Vec<Verdict> {
    let mut scene = Cow::Borrowed(ctx.scene);
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(probes.len());
    while verdicts.len() < probes.len() {
        let first = verdicts.len();
        let group = &probes[first..first + together(&probes[first..])];
        let asked: Vec<Verdict> = {
            let (scene, ctx) = (&*scene, &ctx);
            join_all(group.iter().enumerate().map(|(at, spec)| {
                attempts::ask(spec, scene, ctx.stop.clone(), move |attempt| {
                    (ctx.told)(Attempt { probe: first + at, ..attempt });
                })
            }))
            .await
        };
        if asked.iter().any(|verdict| !verdict.values.is_empty()) {
            let values = asked.iter().flat_map(|verdict| verdict.values.clone());
            scene.to_mut().values.extend(values);
        }
        verdicts.extend(asked);
    }
    verdicts
}

/// Says how many probes, from the first, can be asked at the same time: none uses what another of them captures.
fn together(probes: &[ProbeSpec]) -> usize {
    let mut captured: HashSet<&Name> = HashSet::new();
    for (at, spec) in probes.iter().enumerate() {
        if !captured.is_empty() && uses_any(spec, &captured) {
            return at;
        }
        captured.extend(spec.capture.iter().map(|capture| &capture.name));
    }
    probes.len()
}

/// Says whether a probe uses one of these names. A script gets every value and does not say which it uses.
fn uses_any(spec: &ProbeSpec, names: &HashSet<&Name>) -> bool {
    let script = matches!(&spec.probe, Probe::Command(run) if matches!(run.program, Program::Script { .. }));
    script || title::names(spec).iter().any(|name| names.contains(*name))
}

/// One question on its way.
struct Asking<'a> {
    spec: &'a ProbeSpec,
    scene: &'a Scene,
    stop: watch::Receiver<Stop>,
    /// Whether a connection was made: what the answer to a timeout depends on.
    connected: &'a AtomicBool,
}

/// An answer, before it is judged. Raw: it may hold secrets.
#[derive(Default)]
struct Heard {
    /// What is judged and captured from.
    answer: Answer,
    /// The facts: version, latency.
    saw: String,
    /// What stands before the answer's text, after the facts; the text is not shown when there is nothing.
    shown: Option<&'static str>,
    /// What is wrong by the probe's own rules.
    wrong: Vec<String>,
    /// More about a failure: the last line of standard error.
    more: Option<String>,
}

/// Why there is no answer that could be judged.
#[derive(Debug)]
struct Miss {
    finding: Finding,
    saw: String,
    /// Whether asking again may bring another answer.
    again: bool,
}

impl Miss {
    fn new(finding: Finding, saw: impl Into<String>) -> Self {
        Self { finding, saw: saw.into(), again: true }
    }

    /// The credential was refused.
    fn denied(said: &str) -> Self {
        Self::new(Finding::Denied, format!("denied: {said}"))
    }

    /// It answered, and not with what was wanted.
    fn differs(saw: impl Into<String>) -> Self {
        Self::new(Finding::Differs, saw)
    }

    /// No way to it, or no answer in time.
    fn unreachable(saw: impl Into<String>) -> Self {
        Self::new(Finding::Unreachable, saw)
    }

    /// It speaks something else.
    fn not_understood(saw: impl Into<String>) -> Self {
        Self::new(Finding::NotUnderstood, saw)
    }

    /// The question could not be put: the reason is on our side and stays.
    fn not_asked(why: impl fmt::Display) -> Self {
        Self { finding: Finding::Unreachable, saw: format!("not asked: {why}"), again: false }
    }
}

/// Puts a question, once.
async fn put(asking: Asking<'_>) -> Result<Heard, Miss> {
    match &asking.spec.probe {
        Probe::Command(run) => command::ask(run, asking).await,
        Probe::Http(http) => http::ask(http, &asking).await,
        Probe::Tcp(address) => tcp::ask(address, &asking).await,
        Probe::Tls(tls) => tls::ask(tls, &asking).await,
        Probe::Postgres(database) => postgres::ask(database, &asking).await,
        Probe::Mysql(database) => mysql::ask(database, &asking).await,
        Probe::Redis(database) => redis::ask(database, &asking).await,
        Probe::Nats(spec) => nats::ask(spec, &asking).await,
        Probe::File(file) => file::ask(file, &asking).await,
        Probe::Log(path) => log::ask(path, &asking).await,
        Probe::Value(name) => value::ask(name, asking.scene),
    }
}

/// Tells a short time.
fn took(time: Duration) -> String {
    match time.as_millis() {
        0 => "under 1 ms".to_owned(),
        ms @ 1..10_000 => format!("{ms} ms"),
        ms => format!("{} s", ms / 1000),
    }
}
