//! What every probe must keep: the findings told apart, nothing secret in what it saw, attempts as the playbook says.
//!
//! Real databases are asked in `tests/probes.rs`.

mod log;
mod loops;
mod network;
mod plain;
mod servers;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;

use super::{Attempt, Ctx, verify};
use crate::engine::{Finding, Verdict};
use crate::exec::stop::Stop;
use crate::exec::testing::{Stage, action};
use crate::playbook::plan::{
    Act, Capture, CaptureHow, DatabaseSpec, Expect, HttpSpec, Name, NatsSpec, Probe, ProbeSpec, Template, TlsSpec,
};

fn stage() -> Stage {
    Stage::of(action(Act::Verify))
}

fn text(text: &str) -> Template {
    Template::literal(text)
}

fn spec(probe: Probe) -> ProbeSpec {
    ProbeSpec {
        title: None,
        probe,
        expect: Vec::new(),
        within: None,
        every: Duration::from_millis(60),
        timeout: Duration::from_secs(5),
        capture: Vec::new(),
        warn: false,
        simulate: Vec::new(),
    }
}

fn expecting(probe: Probe, expect: Expect) -> ProbeSpec {
    ProbeSpec { expect: vec![expect], ..spec(probe) }
}

fn hasty(probe: Probe) -> ProbeSpec {
    ProbeSpec { timeout: Duration::from_millis(200), ..spec(probe) }
}

fn capture(name: &str, how: CaptureHow, secret: bool) -> Capture {
    Capture { name: Name::new(name), how, secret }
}

fn tcp(address: &str) -> Probe {
    Probe::Tcp(text(address))
}

fn tls(address: &str, ca: &Path) -> TlsSpec {
    TlsSpec { address: text(address), name: None, days_left: None, ca: Some(text(&ca.display().to_string())) }
}

fn http(url: &str) -> HttpSpec {
    HttpSpec { url: text(url), method: None, headers: Vec::new(), body: None, bearer: None, basic: None, ca: None }
}

fn get(url: &str) -> Probe {
    Probe::Http(Box::new(http(url)))
}

fn database(url: &str, password: Option<&str>) -> DatabaseSpec {
    DatabaseSpec { url: text(url), password: password.map(Name::new), ca: None, query: None }
}

fn nats(url: &str) -> Probe {
    Probe::Nats(Box::new(NatsSpec { url: text(url), login: None, ca: None, subject: None, jetstream: false }))
}

/// Asks, and returns the verdicts with all attempts.
async fn asked(stage: &Stage, probes: &[ProbeSpec]) -> (Vec<Verdict>, Vec<Attempt>) {
    let attempts = Mutex::new(Vec::new());
    let scene = stage.scene();
    let (_never, stop) = watch::channel(Stop::No);
    let told = |attempt| attempts.lock().unwrap().push(attempt);
    let verdicts = verify(probes, Ctx { scene: &scene, stop, told: &told }).await;
    (verdicts, attempts.into_inner().unwrap())
}

/// Asks one probe.
async fn one(stage: &Stage, probe: ProbeSpec) -> Verdict {
    asked(stage, &[probe]).await.0.remove(0)
}

/// Asks one probe and holds what it found and saw; `~` stands for a number.
#[track_caller]
fn holds(verdict: &Verdict, finding: Finding, pass: bool, saw: &str) {
    let numbers = regex::Regex::new("under 1 ms|[0-9]+ (ms|s\\b)").unwrap();
    assert_eq!((verdict.finding, verdict.pass), (finding, pass), "{}", verdict.saw);
    assert_eq!(numbers.replace_all(&verdict.saw, "~"), saw);
}
