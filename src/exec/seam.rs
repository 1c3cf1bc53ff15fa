//! Where the native probes come in: `world::verify` takes the place of this file.
//!
//! Until they are there, every probe is answered as not understood, which no step takes for success.

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::Report;
use super::child::Stop;
use super::scene::Scene;
use crate::engine::{Finding, Target, Verdict};
use crate::playbook::plan::ProbeSpec;

/// Asks all probes of a target at the same time, and gives their verdicts in order.
#[expect(clippy::unused_async, reason = "what takes its place waits")]
pub(super) async fn verify(
    _target: &Target,
    probes: &[ProbeSpec],
    scene: &Scene,
    _stop: &watch::Receiver<Stop>,
    _reports: &UnboundedSender<Report>,
) -> Vec<Verdict> {
    let title = |probe: &ProbeSpec| probe.title.as_ref().map_or_else(|| "probe".to_owned(), |title| scene.text(title));
    probes
        .iter()
        .map(|probe| Verdict {
            title: title(probe),
            finding: Finding::NotUnderstood,
            pass: false,
            warn: probe.warn,
            saw: "this program has no such probe".to_owned(),
            attempts: 0,
            took_ms: 0,
            values: std::collections::BTreeMap::new(),
            secrets: Vec::new(),
        })
        .collect()
}
