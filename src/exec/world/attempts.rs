//! How often a probe is asked: once, or until the answer is right, the time is over, or somebody says stop.
//!
//! Each attempt has a time limit of its own. What must stay true: no attempt starts after `within` is over, and the last one
//! starts just then; an attempt that a stop cuts short does not replace what was found before it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::judge::{Judged, judge};
use super::{Asking, Attempt, Heard, Miss, put, title, took};
use crate::engine::{Finding, Verdict};
use crate::exec::scene::Scene;
use crate::exec::stop::Stop;
use crate::playbook::plan::{Probe, ProbeSpec};

/// Asks one probe to the end. `told` gets every attempt; the place in the list is filled in there.
pub(super) async fn ask(
    spec: &ProbeSpec,
    scene: &Scene,
    mut stop: watch::Receiver<Stop>,
    told: impl Fn(Attempt),
) -> Verdict {
    let begin = Instant::now();
    let until = spec.within.map(|within| begin + within);
    let mut attempts: u32 = 0;
    let mut last: Option<Judged> = None;
    while *stop.borrow() == Stop::No {
        attempts = attempts.saturating_add(1);
        let Some(heard) = once(spec, scene, &mut stop).await else { break };
        let again = heard.as_ref().err().is_none_or(|miss| miss.again);
        let judged = judge(spec, scene, heard).await;
        told(Attempt {
            probe: 0,
            attempt: attempts,
            finding: judged.finding,
            pass: judged.pass,
            saw: judged.saw.clone(),
        });
        let pass = judged.pass;
        last = Some(judged);
        let now = Instant::now();
        match until {
            Some(until) if !pass && again && now < until => {
                let next = (now + spec.every.max(SHORTEST)).min(until);
                tokio::select! {
                    () = sleep_until(next) => {}
                    () = stopped(&mut stop) => {}
                }
            }
            Some(_) | None => break,
        }
    }
    let judged = last.unwrap_or_else(|| Judged {
        finding: Finding::Unreachable,
        pass: false,
        saw: "stopped before it answered".to_owned(),
        ..Judged::default()
    });
    Verdict {
        title: title::title(spec, scene),
        finding: judged.finding,
        pass: judged.pass,
        warn: spec.warn,
        saw: judged.saw,
        attempts,
        took_ms: u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
        values: judged.values,
        fingerprints: scene.fingerprints(&judged.secrets),
        secrets: judged.secrets,
    }
}

/// The least time between two attempts, so that a mistake in a playbook is no attack.
const SHORTEST: Duration = Duration::from_millis(50);

/// Asks once. Returns nothing when a stop came first.
async fn once(spec: &ProbeSpec, scene: &Scene, stop: &mut watch::Receiver<Stop>) -> Option<Result<Heard, Miss>> {
    let connected = AtomicBool::new(false);
    let asked = put(Asking { spec, scene, stop: stop.clone(), connected: &connected });
    if matches!(spec.probe, Probe::Command(_)) {
        // It keeps the time itself and hears the stop itself: a child must be ended, not forgotten.
        let heard = asked.await;
        return (*stop.borrow() == Stop::No || heard.is_ok()).then_some(heard);
    }
    tokio::select! {
        biased;
        () = stopped(stop) => None,
        heard = timeout(spec.timeout, asked) => Some(heard.unwrap_or_else(|_| {
            let connected = if connected.load(Ordering::Relaxed) { "connected, but " } else { "" };
            Err(Miss::unreachable(format!("{connected}no answer in {}", took(spec.timeout))))
        })),
    }
}

/// Waits until somebody says stop; for ever when nobody is left to say it.
async fn stopped(stop: &mut watch::Receiver<Stop>) {
    if stop.wait_for(|stop| *stop != Stop::No).await.is_err() {
        std::future::pending::<()>().await;
    }
}
