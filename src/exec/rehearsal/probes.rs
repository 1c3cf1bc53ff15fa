//! What the probes of a drill answer: a fault, what the author simulated, or what follows from the state of the drill.
//!
//! Nothing is asked but the drill's own copies of files and the run's own values. What an author did not simulate is labelled as
//! made up. What must stay true: a credential that is not good any more is refused, whoever asks.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::made;
use super::sample::Letters;
use super::speed::Speed;
use super::state::{Credential, credential, must_be_denied};
use crate::engine::{Finding, Verdict};
use crate::exec::capture;
use crate::exec::expect::{Answer, judge};
use crate::exec::scene::Scene;
use crate::exec::stop::Stop;
use crate::exec::world::{Attempt, Ctx, named, verify};
use crate::playbook::plan::{DrillFault, Expect, Name, Probe, ProbeShows, ProbeSpec, Shows, Simulated};
use crate::secret::Secret;

/// What is added to what was not simulated by the author.
pub(super) const MADE_UP: &str = " (made up)";

/// How long an answer takes where nothing else is said.
const USUAL: Duration = Duration::from_millis(150);

/// The most attempts that are played of one that never becomes right.
const MOST: usize = 20;

/// The most attempts that are played of a fault.
const FEW: usize = 3;

/// A probe with the answers that it gets, one after the other.
pub(super) struct Question {
    pub(super) spec: ProbeSpec,
    pub(super) answers: Vec<Given>,
    /// It is asked for real: of the drill's own copies, or of the run's values.
    pub(super) real: bool,
    /// A real answer that is not as expected is taken for one that is: what would have brought it about was simulated.
    pub(super) lenient: bool,
    /// What is captured is made of these letters.
    pub(super) purpose: String,
    pub(super) seed: u64,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) pass: bool,
    pub(super) finding: Finding,
    pub(super) saw: String,
    pub(super) takes: Duration,
    /// The text that is captured from, where the author gave one.
    pub(super) stdout: String,
    /// It is judged by the author's text once what the probes before it capture is known.
    pub(super) by_text: Option<Simulated>,
}

impl Given {
    fn holds(saw: String) -> Self {
        Self { pass: true, finding: Finding::Holds, saw, takes: USUAL, stdout: String::new(), by_text: None }
    }

    fn fails(finding: Finding, saw: String) -> Self {
        Self { pass: false, finding, saw, takes: USUAL, stdout: String::new(), by_text: None }
    }
}

/// How often a probe is asked at most.
pub(super) fn rounds(spec: &ProbeSpec, fault: bool) -> usize {
    let every = spec.every.max(Duration::from_millis(50)).as_millis();
    let times = spec.within.map_or(1, |within| usize::try_from(within.as_millis() / every).unwrap_or(MOST).max(1));
    times.min(if fault { FEW } else { MOST })
}

/// Answers by a fault.
pub(super) fn by_fault(spec: &ProbeSpec, fault: &DrillFault, scene: &Scene) -> Given {
    let said = |usual: String| fault.say.as_deref().map_or(usual, |say| scene.line(say));
    match &fault.shows {
        Shows::Probe(shows) => Given::fails(finding(*shows), said(usual(*shows, spec))),
        Shows::TimesOut => Given::fails(Finding::Unreachable, said(usual(ProbeShows::Unreachable, spec))),
        Shows::Output(output) => {
            let judged = judged(spec, output, scene);
            let given = Given { stdout: output.stdout.clone(), takes: output.takes.unwrap_or(USUAL), ..judged };
            Given { saw: said(given.saw.clone()), ..given }
        }
        Shows::Fails
        | Shows::Hangs
        | Shows::WrongPaste
        | Shows::TerminalLost
        | Shows::WindowOut
        | Shows::SignOffRefused
        | Shows::DoneButLost => Given::fails(Finding::Differs, said(usual(ProbeShows::Differs, spec))),
    }
}

/// Answers as the author simulated it, on top of what the state says.
pub(super) fn by_author(spec: &ProbeSpec, simulated: &Simulated, state: Given, scene: &Scene) -> Given {
    let text = !simulated.stdout.is_empty() || simulated.exit.is_some();
    let base = match simulated.pass {
        Some(true) => Given::holds(usual_pass(spec)),
        Some(false) => {
            let shows = simulated.finding.unwrap_or(ProbeShows::Differs);
            Given::fails(finding(shows), usual(shows, spec))
        }
        None if text => Given { by_text: Some(simulated.clone()), ..judged(spec, simulated, scene) },
        None => state,
    };
    let saw = simulated.saw.as_ref().map_or(base.saw, |saw| scene.line(saw));
    Given { saw, takes: simulated.takes.unwrap_or(USUAL), stdout: simulated.stdout.clone(), ..base }
}

/// Answers by the state of the drill. `acted`: what should have brought the answer about has taken effect.
pub(super) fn by_state(
    spec: &ProbeSpec,
    acted: bool,
    says: impl Fn(&Name, &Secret) -> Credential,
    captured: impl Fn(&Name) -> bool,
    scene: &Scene,
) -> Given {
    if !acted {
        return Given::fails(Finding::Differs, "as before: the step has not taken effect".to_owned());
    }
    let Some(name) = credential(spec) else { return Given::holds(usual_pass(spec)) };
    let said = match scene.secrets.get(name.as_str()) {
        Some(value) => says(name, &value),
        None if captured(name) => Credential::Unheard,
        None => {
            let why = format!("not asked: the secret {name} has no value: the step that gives it was not done");
            return Given::fails(Finding::Unreachable, why);
        }
    };
    let refused = match said {
        Credential::Good => false,
        Credential::Bad => true,
        Credential::Unheard => must_be_denied(spec),
    };
    match (refused, must_be_denied(spec)) {
        (true, true) => Given::holds(usual(ProbeShows::Denied, spec)),
        (true, false) => Given::fails(Finding::Denied, usual(ProbeShows::Denied, spec)),
        (false, true) => Given::fails(Finding::Differs, "the credential was accepted, expected denied".to_owned()),
        (false, false) => Given::holds(usual_pass(spec)),
    }
}

/// Judges a simulated text as a real one is.
fn judged(spec: &ProbeSpec, simulated: &Simulated, scene: &Scene) -> Given {
    let exit = match &spec.probe {
        Probe::Command(_) => Some(simulated.exit.unwrap_or(0)),
        _ => None, // only a command has a status of this kind
    };
    let status = spec.expect.iter().find_map(|expect| match expect {
        Expect::Status(status) => Some(*status),
        _ => None, // a text says nothing else of this kind
    });
    let answer = Answer { text: simulated.stdout.clone(), exit, status, ..Answer::default() };
    let told = scene.line(simulated.stdout.trim().lines().last().unwrap_or_default());
    match judge(&answer, &spec.expect, &scene.values, &|text| scene.mask(text)) {
        Ok(()) => Given::holds(told),
        Err(wrong) => Given::fails(Finding::Differs, scene.line(&wrong)),
    }
}

fn finding(shows: ProbeShows) -> Finding {
    match shows {
        ProbeShows::Denied => Finding::Denied,
        ProbeShows::Refused => Finding::Refused,
        ProbeShows::Unreachable => Finding::Unreachable,
        ProbeShows::Differs => Finding::Differs,
    }
}

/// Says what such a system says when it fails so.
fn usual(shows: ProbeShows, spec: &ProbeSpec) -> String {
    let denied = match &spec.probe {
        Probe::Postgres(_) => "denied: password authentication failed",
        Probe::Mysql(_) => "denied: access denied (using password: YES)",
        Probe::Redis(_) => "denied: WRONGPASS invalid username-password pair or user is disabled.",
        Probe::Nats(_) => "denied: Authorization Violation",
        Probe::Http(_) => "denied: status 401",
        Probe::Command(_) | Probe::Tcp(_) | Probe::Tls(_) | Probe::File(_) | Probe::Log(_) | Probe::Value(_) => {
            "denied"
        }
    };
    match shows {
        ProbeShows::Denied => denied.to_owned(),
        ProbeShows::Refused => "connection refused".to_owned(),
        ProbeShows::Unreachable => format!("no answer in {} s", spec.timeout.as_secs()),
        ProbeShows::Differs => match spec.expect.iter().find_map(|expect| match expect {
            Expect::Status(status) => Some(*status),
            _ => None, // whatever else is expected has no usual opposite
        }) {
            Some(status) => format!("status 503, expected {status}"),
            None => "another answer than expected".to_owned(),
        },
    }
}

/// Says what is seen of such a system when all is well.
fn usual_pass(spec: &ProbeSpec) -> String {
    let text = match &spec.probe {
        Probe::Command(_) => "exit status 0",
        Probe::Http(_) => "status 200",
        Probe::Tcp(_) => "connected",
        Probe::Tls(_) => "the certificate is good",
        Probe::Postgres(_) | Probe::Mysql(_) | Probe::Redis(_) | Probe::Nats(_) => "logged in",
        Probe::File(_) => "the file is as it should be",
        Probe::Log(_) => "a line came since the step began",
        Probe::Value(_) => "the value is as it should be",
    };
    text.to_owned()
}

/// Asks all questions, and returns a verdict for each in their order.
pub(super) async fn ask(
    questions: Vec<Question>,
    mut scene: Scene,
    speed: Speed,
    stop: watch::Receiver<Stop>,
    told: impl Fn(Attempt) + Send + Sync,
) -> Vec<Verdict> {
    let mut verdicts = Vec::with_capacity(questions.len());
    for (probe, question) in questions.into_iter().enumerate() {
        let tell = |attempt: Attempt| told(Attempt { probe, ..attempt });
        let verdict = if question.real {
            let spec = ProbeSpec { within: None, ..question.spec.clone() };
            let ctx = Ctx { scene: &scene, stop: stop.clone(), told: &tell };
            let verdict = verify(&[spec], ctx).await.into_iter().next();
            verdict.map(|verdict| if question.lenient { taken_as_right(verdict) } else { verdict })
        } else {
            Some(play(&question, &scene, speed, stop.clone(), &tell).await)
        };
        let Some(verdict) = verdict else { continue };
        scene.values.extend(verdict.values.clone());
        verdicts.push(verdict);
    }
    verdicts
}

fn taken_as_right(verdict: Verdict) -> Verdict {
    if verdict.pass {
        return verdict;
    }
    Verdict { pass: true, finding: Finding::Holds, saw: format!("as it should be{MADE_UP}"), ..verdict }
}

async fn play(
    question: &Question,
    scene: &Scene,
    speed: Speed,
    mut stop: watch::Receiver<Stop>,
    told: &(dyn Fn(Attempt) + Send + Sync),
) -> Verdict {
    let begun = Instant::now();
    let spec = &question.spec;
    let mut last: Option<Given> = None;
    let mut attempts = 0;
    for given in &question.answers {
        let given = match &given.by_text {
            Some(simulated) => by_author(spec, simulated, given.clone(), scene),
            None => given.clone(),
        };
        let before = if attempts == 0 { Duration::ZERO } else { spec.every };
        if !pause(speed.of(before + given.takes), &mut stop).await {
            break;
        }
        attempts += 1;
        told(Attempt { probe: 0, attempt: attempts, finding: given.finding, pass: given.pass, saw: given.saw.clone() });
        let pass = given.pass;
        last = Some(given);
        if pass {
            break;
        }
    }
    let given = last.unwrap_or_else(|| Given::fails(Finding::Unreachable, "stopped before it answered".to_owned()));
    let mut verdict = Verdict {
        title: named(spec, scene),
        finding: given.finding,
        pass: given.pass,
        warn: spec.warn,
        saw: given.saw.clone(),
        attempts,
        took_ms: 0,
        values: BTreeMap::new(),
        secrets: Vec::new(),
        fingerprints: BTreeMap::new(),
    };
    if given.pass
        && let Err(wrong) = take(question, &given, scene, &mut verdict)
    {
        verdict.pass = false;
        verdict.finding = Finding::Differs;
        verdict.saw = scene.line(&wrong);
    }
    verdict.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    verdict
}

/// Takes what the probe captures.
fn take(question: &Question, given: &Given, scene: &Scene, verdict: &mut Verdict) -> Result<(), String> {
    let captures = &question.spec.capture;
    if captures.is_empty() {
        return Ok(());
    }
    let mut letters = Letters::of(question.seed, &question.purpose);
    let (mut values, mut secrets) = made::taken(captures, &mut letters);
    if !given.stdout.is_empty() {
        (values, secrets) = (BTreeMap::new(), Vec::new());
        for wanted in captures {
            let value = capture::take(wanted, &given.stdout)?;
            if wanted.secret {
                secrets.push((wanted.name.as_str().to_owned(), value));
            } else {
                values.insert(wanted.name.clone(), value.expose().to_owned());
            }
        }
    }
    let names: Vec<Name> = secrets.iter().map(|(name, _)| Name::new(name)).collect();
    if !secrets.is_empty() {
        scene.secrets.keep(secrets)?;
    }
    verdict.fingerprints = scene.fingerprints(&names);
    (verdict.values, verdict.secrets) = (values, names);
    Ok(())
}

/// Lets time pass; says whether nobody stopped it.
async fn pause(time: Duration, stop: &mut watch::Receiver<Stop>) -> bool {
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop != Stop::No) => false,
        () = tokio::time::sleep(time) => true,
    }
}
