//! The engine in words: a plan in a line, what is said to it in a line, what comes of it in a line.
//!
//! `go a; ok a; fail b; rollback; undo a.1` are inputs; `a:done b:failed | decide b` is a run. `x.2` is the second action
//! of the undo of step `x`. Time goes on by a second with each input.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests a failure is said by failing")]

pub(crate) mod plan;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use runsheet::engine::{
    Aside, Awaiting, Begun, Effect, Engine, Evidence, Finding, Foreseen, How, Input, Outcome, Part, Presence, Record,
    Refusal, Run, SavedFile, Signature, Signing, StepState, Target, Turn, Verdict,
};
use runsheet::playbook::plan::{Name, Plan, StepId};

/// A run that is told in words.
pub(crate) struct Story {
    pub(crate) engine: Engine,
    pub(crate) turns: Vec<Turn>,
    clock: i64,
}

impl Story {
    /// Opens the story of a plan; nothing has been said.
    pub(crate) fn of(text: &str) -> Self {
        Self::with(Arc::new(plan::plan(text)))
    }

    pub(crate) fn with(plan: Arc<Plan>) -> Self {
        Self { engine: Engine::new(plan), turns: Vec::new(), clock: 0 }
    }

    /// Says inputs, each of which must be accepted.
    pub(crate) fn told(mut self, words: &str) -> Self {
        for word in words.split(';').map(str::trim).filter(|word| !word.is_empty()) {
            if let Err(refusal) = self.say(word) {
                panic!("`{word}` of `{words}` was refused: {refusal:?}; {}", self.marks());
            }
        }
        self
    }

    /// Says one input.
    pub(crate) fn say(&mut self, word: &str) -> Result<Turn, Refusal> {
        self.put(input(word, self.engine.plan(), self.engine.run()))
    }

    pub(crate) fn put(&mut self, input: Input) -> Result<Turn, Refusal> {
        self.clock += 1;
        let turn = self.engine.handle(input, Timestamp::from_second(self.clock).unwrap())?;
        self.turns.push(turn.clone());
        Ok(turn)
    }

    /// Says where every step stands, and what is awaited.
    pub(crate) fn marks(&self) -> String {
        marks(self.engine.plan(), self.engine.run())
    }
}

pub(crate) fn marks(plan: &Plan, run: &Run) -> String {
    let mut text = String::new();
    for (step, state) in plan.steps.iter().zip(&run.steps) {
        let _ = write!(text, "{}:{} ", step.id, state_word(state.state));
    }
    text + "| " + &awaited(&run.awaiting(plan))
}

pub(crate) fn state_word(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "pending",
        StepState::Waiting => "waiting",
        StepState::Running => "running",
        StepState::Verifying => "verifying",
        StepState::Done => "done",
        StepState::Warned => "warned",
        StepState::Failed => "failed",
        StepState::Unknown => "unknown",
        StepState::Skipped => "skipped",
        StepState::LeftOut => "out",
        StepState::RolledBack => "undone",
        StepState::RollbackFailed => "stuck",
    }
}

fn awaited(awaiting: &Awaiting) -> String {
    match awaiting {
        Awaiting::Begin => "begin".to_owned(),
        Awaiting::Go(step) => format!("go {step}"),
        Awaiting::Quiz(step) => format!("quiz {step}"),
        Awaiting::Person(target) => format!("person {}", name(target)),
        Awaiting::World(target) => format!("world {}", name(target)),
        Awaiting::Decision(step) => format!("decide {step}"),
        Awaiting::Undo(target) => format!("undo {}", name(target)),
        Awaiting::UndoDecision(target) => format!("decide {}", name(target)),
        Awaiting::Incomplete => "incomplete".to_owned(),
        Awaiting::Evidence(step, item) => format!("proof {step} {item}"),
        Awaiting::SignOff(role) => format!("sign {role}"),
        Awaiting::Approval(step, role) => format!("approve {step} {role}"),
        Awaiting::Closing => "closing".to_owned(),
        Awaiting::Nothing => "over".to_owned(),
    }
}

pub(crate) fn name(target: &Target) -> String {
    match target.undo {
        Some(number) => format!("{}.{number}", target.step),
        None => target.step.to_string(),
    }
}

/// Says the records and the effects of a turn, in their order.
pub(crate) fn told(turn: &Turn) -> String {
    let records: Vec<String> = turn.records.iter().map(|stamped| record(&stamped.record)).collect();
    let effects: Vec<String> = turn.effects.iter().map(effect).collect();
    format!("{} > {}", records.join(", "), effects.join(", ")).trim().to_owned()
}

/// Says a record.
pub(crate) fn record(record: &Record) -> String {
    match record {
        Record::Begun(_) => "begun".to_owned(),
        Record::LeftOut { step } => format!("left out {step}"),
        Record::Started { target, attempt, retry, despite } => {
            let despite = if despite.is_some() { " despite" } else { "" };
            format!("{} {}#{attempt}{despite}", if *retry { "retried" } else { "started" }, name(target))
        }
        Record::LookAhead { step } => format!("look ahead from {step}"),
        Record::LookedAhead { step, refused } => {
            format!("looked ahead from {step} {}", if refused.is_empty() { "clear" } else { "refused" })
        }
        Record::Saved { target, .. } => format!("saved {}", name(target)),
        Record::Performed { target, attempt, outcome } => {
            format!("performed {}#{attempt} {:?}", name(target), outcome.how).to_lowercase()
        }
        Record::Recovered { target, attempt, outcome } => {
            format!("recovered {}#{attempt} {:?}", name(target), outcome.how).to_lowercase()
        }
        Record::Recaptured { step, outcome } => format!("recaptured {step} {:?}", outcome.how).to_lowercase(),
        Record::Answered { target, .. } => format!("answered {}", name(target)),
        Record::Probed { target, verdicts } => {
            let pass = verdicts.iter().all(|verdict| verdict.pass);
            format!("probed {} {}", name(target), if pass { "pass" } else { "bad" })
        }
        Record::VerifyAgain { target } => format!("verify again {}", name(target)),
        Record::RecaptureStarted { step } => format!("recapture {step}"),
        Record::ByHand { target, .. } => format!("by hand {}", name(target)),
        Record::Skipped { target, by_playbook, .. } => {
            format!("{} {}", if *by_playbook { "passed over" } else { "skipped" }, name(target))
        }
        Record::StopAsked { target, hard } => format!("stop{} {}", if *hard { "!" } else { "" }, name(target)),
        Record::EnoughSeen { target } => format!("enough {}", name(target)),
        Record::WindowExtended { by_ms, .. } => format!("extended {by_ms}"),
        Record::Overrun { by_policy, .. } => format!("overrun{}", if *by_policy { " by policy" } else { "" }),
        Record::Note { .. } => "note".to_owned(),
        Record::HintShown { step } => format!("hint {step}"),
        Record::WhyShown { step } => format!("why {step}"),
        Record::Looked { step, .. } => format!("looked at {step}"),
        Record::QuizAnswered { step, right, .. } => format!("quizzed {step} {right}"),
        Record::Called { contact } => format!("called {contact}"),
        Record::SecretCopied { name } => format!("secret copied {name}"),
        Record::Presence(_) => "presence".to_owned(),
        Record::RollbackBegun { to, by_policy } => {
            let to = to.as_ref().map_or("all", StepId::as_str);
            format!("rollback {to}{}", if *by_policy { " by policy" } else { "" })
        }
        Record::RollbackEnded { failed } => format!("rollback ended {failed}"),
        Record::Resumed { .. } => "resumed".to_owned(),
        Record::Paused { .. } => "paused".to_owned(),
        Record::SignedOff { step: Some(step), role, .. } => format!("approved {step} {role}"),
        Record::SignedOff { step: None, role, .. } => format!("signed {role}"),
        Record::SignOffRefused { step: Some(step), role, .. } => format!("declined {step} {role}"),
        Record::SignOffRefused { step: None, role, .. } => format!("refused {role}"),
        Record::Closing { end, .. } => format!("closing {end:?}").to_lowercase(),
        Record::TemporaryRemoved { .. } => "removed".to_owned(),
        Record::EvidenceGiven { step, item, .. } => format!("proof {item} of {step}"),
        Record::EvidenceMissing { step, item, .. } => format!("no proof {item} of {step}"),
        Record::Ticked { target, item, ticked } => {
            format!("{} {item} of {}", if *ticked { "ticked" } else { "unticked" }, name(target))
        }
        Record::FollowedUp { item, .. } => format!("followed up {item}"),
        Record::Ended { end } => format!("ended {end:?}").to_lowercase(),
    }
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Perform { target, attempt, after } if after.is_zero() => format!("perform {}#{attempt}", name(target)),
        Effect::Perform { target, attempt, after } => {
            format!("perform {}#{attempt} after {}s", name(target), after.as_secs())
        }
        Effect::LookAhead { step, later } => {
            let later: Vec<&str> = later.iter().map(StepId::as_str).collect();
            format!("look ahead from {step} at {}", later.join(" "))
        }
        Effect::Edit { target, attempt, .. } => format!("edit {}#{attempt}", name(target)),
        Effect::Save { target, attempt } => format!("save {}#{attempt}", name(target)),
        Effect::Restore { target, attempt, files } => {
            format!("restore {}#{attempt} of {}", name(target), files.len())
        }
        Effect::Probe { target, .. } => format!("probe {}", name(target)),
        Effect::Recapture { step } => format!("fetch {step}"),
        Effect::Enough { target } => format!("enough {}", name(target)),
        Effect::KeepOutput { step, attempt, item } => {
            let attempt = attempt.map_or_else(|| "-".to_owned(), |attempt| attempt.to_string());
            format!("keep output {step}#{attempt} as {item}")
        }
        Effect::Stop { target, hard } => format!("stop{} {}", if *hard { "!" } else { "" }, name(target)),
        Effect::RemoveTemporary => "remove temporary".to_owned(),
        Effect::Close => "close".to_owned(),
        Effect::Leave => "leave".to_owned(),
    }
}

/// Understands an input. Results from the world take the attempt that the run is at.
#[expect(clippy::too_many_lines, reason = "one flat table: an arm a word")]
pub(crate) fn input(text: &str, plan: &Plan, run: &Run) -> Input {
    let mut words = text.split_whitespace();
    let (verb, first) = (words.next().unwrap(), words.next());
    let rest: Vec<&str> = words.collect();
    let target = || target(first.unwrap_or_else(|| panic!("`{text}` lacks a target")));
    let step = || target().step;
    let reason = || rest.join(" ");
    let attempt = |target: &Target| match target.undo {
        None => run.step(plan, &target.step).map_or(0, |step| step.attempts),
        Some(_) => run.undo(plan, target).map_or(0, |undo| undo.attempts),
    };
    let performed = |how| {
        let target = target();
        Input::Performed { attempt: attempt(&target), target, outcome: outcome(how, &rest) }
    };
    let recovered = |how| {
        let target = target();
        Input::Recovered { attempt: attempt(&target), target, outcome: outcome(how, &rest) }
    };
    // Evidence is of the item that is asked for.
    let item = || run.owed(plan).map_or(1, |(_, item, _)| item);
    let number = || rest[0].parse().unwrap();
    let given_as = |evidence| Input::Evidence { step: step(), item: item(), evidence };
    let (sha256, size) = ("00".to_owned(), 1);
    match verb {
        "proof" => given_as(Evidence::Text { text: reason() }),
        "file" => given_as(Evidence::File { name: "/a".to_owned(), kept: "a".to_owned(), sha256, size }),
        "output" => given_as(Evidence::Output { transcript: "a.1.log".to_owned(), sha256, size }),
        "lacks" => Input::EvidenceMissing { step: step(), item: item(), reason: (!rest.is_empty()).then(reason) },
        "tick" => Input::Tick { target: target(), item: number(), ticked: true },
        "untick" => Input::Tick { target: target(), item: number(), ticked: false },
        "followed" => {
            let item = first.and_then(|item| item.parse().ok()).unwrap();
            Input::FollowUp { item, operator: "eve".to_owned(), note: None }
        }
        "begin" => {
            let words: Vec<&str> = first.into_iter().chain(rest.iter().copied()).collect();
            let (values, secrets) = given(&words);
            let typed = words.iter().find_map(|word| word.strip_prefix('!')).map(str::to_owned);
            Input::Begin {
                begun: Box::new(Begun { format: 1, operator: "eve".to_owned(), values, secrets, ..Begun::default() }),
                typed,
            }
        }
        "go" => Input::Go { step: step(), confirmed: false },
        "go!" => Input::Go { step: step(), confirmed: true },
        "anyway" => Input::GoAnyway { step: step(), reason: reason() },
        "clear" => Input::LookedAhead { step: step(), refused: Vec::new() },
        "refused" => {
            let rest = if rest.is_empty() { vec!["later"] } else { rest };
            let foreseen = |id: &&str| Foreseen { step: StepId::new(id), why: "no such text".to_owned() };
            Input::LookedAhead { step: step(), refused: rest.iter().map(foreseen).collect() }
        }
        "answer" => {
            let (values, secrets) = given(&rest);
            Input::Answer { target: target(), values, secrets, fingerprints: BTreeMap::new() }
        }
        "saved" => Input::Saved { target: target(), files: vec![file()], logs: Vec::new() },
        "ok" => performed(How::Ok),
        "fail" => performed(How::Failed),
        "late" => performed(How::TimedOut),
        "stopped" => performed(How::Stopped),
        "lost" => performed(How::Lost),
        "old" => Input::Performed { target: target(), attempt: 77, outcome: outcome(How::Ok, &[]) },
        "pass" => Input::Probed { target: target(), verdicts: vec![verdict(true, false)] },
        "bad" => Input::Probed { target: target(), verdicts: vec![verdict(false, false)] },
        "warn" => Input::Probed { target: target(), verdicts: vec![verdict(true, false), verdict(false, true)] },
        "fetched" => Input::Recaptured { step: step(), outcome: outcome(How::Ok, &rest) },
        "unfetched" => Input::Recaptured { step: step(), outcome: outcome(How::Failed, &[]) },
        "kept" => recovered(How::Ok),
        "unkept" => recovered(How::Failed),
        "verify" => Input::VerifyAgain { target: target() },
        "recapture" => Input::Recapture { step: step() },
        "hand" => Input::ByHand { target: target(), note: reason() },
        "skip" => Input::Skip { target: target(), reason: (!rest.is_empty()).then(reason) },
        "stop" => Input::Stop { hard: false },
        "enough" => Input::Enough { target: target() },
        "extend" => Input::ExtendWindow { by: Duration::from_secs(first.unwrap().parse().unwrap()), reason: reason() },
        "overrun" => Input::Overrun { reason: first.unwrap_or_default().to_owned(), by_policy: false },
        "stop!" => Input::Stop { hard: true },
        "quiz" => Input::Quiz { step: step(), choice: rest.join(" ") },
        "hint" => Input::Aside(Aside::Hint(step())),
        "why" => Input::Aside(Aside::Why(step())),
        "look" => Input::Aside(Aside::Look(step(), Part::Output)),
        "call" => Input::Aside(Aside::Call(first.unwrap_or_default().to_owned())),
        "note" => Input::Note { step: None, text: first.unwrap_or_default().to_owned() },
        "copy" => Input::CopySecret { name: Name::new(first.unwrap_or_default()) },
        "attached" => Input::Presence(Presence::Attached {
            operator: first.unwrap_or_default().to_owned(),
            account: "ada".to_owned(),
            host: "bastion".to_owned(),
        }),
        "note-on" => Input::Note { step: Some(step()), text: reason() },
        "rollback" => Input::Rollback { to: first.map(StepId::new), by_policy: false },
        "undo" => Input::Undo { target: target() },
        "sign" => Input::SignOff { step: None, role: first.unwrap().to_owned(), name: reason() },
        "key" => {
            let [name, key] = rest[..] else { panic!("a name and a key: {rest:?}") };
            let armored = "-----BEGIN SSH SIGNATURE-----\n".to_owned();
            let signature = Signature { key: key.to_owned(), principal: None, head: "0".repeat(64), armored };
            Input::Sign(Box::new(Signing {
                step: None,
                role: first.unwrap().to_owned(),
                name: name.to_owned(),
                refused: None,
                account: "shared".to_owned(),
                host: "bastion".to_owned(),
                signature: Some(Box::new(signature)),
            }))
        }
        "refuse" => {
            let (name, reason) = rest.split_first().unwrap();
            Input::RefuseSignOff {
                step: None,
                role: first.unwrap().to_owned(),
                name: (*name).to_owned(),
                reason: reason.join(" "),
            }
        }
        "approve" => Input::SignOff { step: Some(step()), role: rest[0].to_owned(), name: rest[1..].join(" ") },
        "decline" => Input::RefuseSignOff {
            step: Some(step()),
            role: rest[0].to_owned(),
            name: rest[1].to_owned(),
            reason: rest[2..].join(" "),
        },
        "removed" => Input::TemporaryRemoved { removed: vec!["/tmp/secret.json".to_owned()], left: Vec::new() },
        "resume" => Input::Resume {
            operator: "ada".to_owned(),
            account: "ada".to_owned(),
            host: "bastion".to_owned(),
            program: "0.1.0".to_owned(),
        },
        "pause" => Input::Pause { why: "left".to_owned() },
        "abandon" => Input::Abandon { reason: first.unwrap_or_default().to_owned() },
        _ => panic!("no such word: {verb}"),
    }
}

pub(crate) fn target(text: &str) -> Target {
    match text.split_once('.') {
        Some((step, number)) => Target::undo(&StepId::new(step), number.parse().unwrap()),
        None => Target::step(&StepId::new(text)),
    }
}

/// Sorts `name=value` and `*secret`.
fn given(words: &[&str]) -> (BTreeMap<Name, String>, Vec<Name>) {
    let values = words.iter().filter_map(|word| word.split_once('='));
    let values = values.map(|(name, value)| (Name::new(name), value.to_owned())).collect();
    let secrets = words.iter().filter_map(|word| word.strip_prefix('*')).map(Name::new).collect();
    (values, secrets)
}

pub(crate) fn outcome(how: How, words: &[&str]) -> Outcome {
    let (values, secrets) = given(words);
    Outcome { how, saw: "seen".to_owned(), exit: None, took_ms: 7, values, secrets, ..Outcome::default() }
}

pub(crate) fn verdict(pass: bool, warn: bool) -> Verdict {
    Verdict {
        title: "it answers".to_owned(),
        finding: if pass { Finding::Holds } else { Finding::Differs },
        pass,
        warn,
        saw: "seen".to_owned(),
        attempts: 1,
        took_ms: 3,
        values: BTreeMap::new(),
        secrets: Vec::new(),
        fingerprints: BTreeMap::new(),
    }
}

pub(crate) fn file() -> SavedFile {
    SavedFile {
        path: "/srv/app/.env".to_owned(),
        copy: Some("1.age".to_owned()),
        mode: 0o640,
        uid: 1000,
        gid: 1000,
        size: 12,
        attributes: None,
        links: Vec::new(),
        sealed_sha256: None,
        attributes_sha256: None,
    }
}
