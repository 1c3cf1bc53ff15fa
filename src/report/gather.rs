//! Puts a report together: from the plan, the run as it stands, and the story of how it came to.
//!
//! Pure: the time and what is in the run's folder come in with [`Given`]. What must stay true: what failed is never called
//! done, and what a person said stays what a person said.

use jiff::{SignedDuration, Timestamp};

use super::assess;
use super::data::{
    Baseline, Check, Checked, Counts, Deviation, Event, EventKind, EvidenceFacts, Exposed, FORMAT, FollowUp, Journal,
    Left, Made, Moment, Note, Output, Report, Rollback, RunFacts, SecretFacts, Section, Shown, SignOff, SignatureFacts,
    StepFacts, Timeline, Tool, Totals, UndoFacts, Value, Window,
};
use super::story::{RollbackStory, Story, UndoStory, between, told};
use crate::engine::window::{Extension, Overrun};
use crate::engine::{Evidence, Run, Stage, StepRun, StepState, Target, Verdict, undo};
use crate::playbook::describe::expectation;
use crate::playbook::plan::{self, Act, Amount, Expect, JsonValue, Plan, Probe, ProbeSpec, Step, StepId, Template};
use crate::words::{self, clocks, describe};

/// How many deviations are told from the beginning, and how many from the end.
const DEVIATIONS: usize = 200;

/// Checks a signature: what came of it, and why it is not believed.
pub(crate) type Checker<'a> = dyn Fn(&SignOff, &SignatureFacts) -> (Checked, Option<String>) + 'a;

/// What a report is given beside the run.
pub struct Given<'a> {
    /// The time.
    pub now: Timestamp,
    /// The version of the program.
    pub program: &'a str,
    /// How many records the journal has.
    pub records: u64,
    /// The hash of its last line.
    pub head: &'a str,
    /// Reads the end of the transcript of an attempt, masked as it was written.
    pub output: &'a dyn Fn(&Target, u32) -> Option<Output>,
    /// Checks the signature of a sign-off against what it says, the journal and the keys that are believed.
    pub check: &'a Checker<'a>,
}

impl std::fmt::Debug for Given<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given").field("now", &self.now).field("head", &self.head).finish_non_exhaustive()
    }
}

/// Puts the report of a run together.
#[must_use]
pub fn report(plan: &Plan, run: &Run, mut story: Story, given: &Given<'_>) -> Report {
    story.finish();
    let gather = Gather { plan, run, story: &story, given };
    let mut report = Report {
        format: FORMAT,
        drill: None,
        made: Made { at: given.now, program: given.program.to_owned() },
        run: gather.facts(),
        assessment: assess::open(),
        counts: counts(run),
        window: gather.window(),
        exposures: run
            .exposures
            .iter()
            .map(|one| Exposed { step: one.step.to_string(), from: one.from, until: one.until, verified: one.verified })
            .collect(),
        totals: Totals { exposure_ms: gather.exposed(), ..story.totals },
        inputs: gather.inputs(),
        sections: gather.sections(),
        rollbacks: gather.rollbacks(),
        timeline: gather.timeline(),
        baselines: gather.baselines(),
        secrets: gather.secrets(),
        copied: run
            .copied
            .iter()
            .map(|(at, name)| Moment { at: *at, text: format!("{name} was handed to the operator's screen") })
            .collect(),
        deviations: gather.deviations(),
        deviations_left_out: (run.deviations.len() as u64).saturating_sub(2 * DEVIATIONS as u64),
        notes: gather.notes(),
        presence: gather.presence(),
        sign_offs: gather.sign_offs(),
        follow_ups: gather.follow_ups(),
        left_behind: run.left_behind.iter().map(|(file, why)| Left { file: file.clone(), why: why.clone() }).collect(),
        tools: gather.tools(),
        journal: Journal { records: given.records, head: given.head.to_owned() },
        proof: assess::nothing_proved(),
    };
    report.assessment = assess::assess(&report);
    report.proof = assess::proof(&report);
    report
}

/// What a report is put together from.
struct Gather<'a> {
    plan: &'a Plan,
    run: &'a Run,
    story: &'a Story,
    given: &'a Given<'a>,
}

impl Gather<'_> {
    fn fill(&self, text: &Template) -> String {
        words::fill(text, self.run)
    }

    fn facts(&self) -> RunFacts {
        let begun = self.run.begun.clone().unwrap_or_default();
        let over = self.run.stage == Stage::Over;
        let end = self.run.ended.filter(|_| over);
        RunFacts {
            id: begun.run,
            title: self.plan.title.clone(),
            summary: self.plan.summary.clone(),
            playbook: begun.playbook,
            version: begun.version,
            sha256: begun.sha256,
            included: begun.included,
            operator: begun.operator,
            account: begun.account,
            host: begun.host,
            ticket: begun.ticket,
            program: begun.program,
            protected: begun.protected,
            began_at: self.run.began_at,
            first_change_at: self.run.window_from,
            ended_at: end.map(|(_, at)| at),
            state: end.map_or("open", |(end, _)| words::end(end)),
            awaiting: (!over).then(|| words::awaiting(&self.run.awaiting(self.plan))),
            stopped: self.run.paused.clone().filter(|_| !over),
            outcome: assess::outcome(self.plan, self.run),
        }
    }

    fn window(&self) -> Option<Window> {
        let planned = self.plan.window?;
        let from = self.run.window_from;
        let work_ended = self.story.work_ended.filter(|_| from.is_some());
        let last = work_ended.or(self.story.last_at);
        let clock = self.run.clocks(self.plan, self.given.now).window;
        let until = clock.and_then(|clock| clock.ends);
        let longer = |one: &Extension| Moment { at: one.at, text: clocks::extended(one.by, &one.reason) };
        let over = |one: &Overrun| Moment { at: one.at, text: clocks::went_on(&one.reason, one.by_policy) };
        let (extensions, overruns) = (&self.run.extensions, &self.run.overruns);
        let mut said: Vec<Moment> = extensions.iter().map(longer).chain(overruns.iter().map(over)).collect();
        said.sort_by_key(|moment| moment.at);
        Some(Window {
            planned_ms: ms(planned),
            extended_ms: clock.map(|clock| ms(clock.extended)).unwrap_or_default(),
            from,
            until,
            work_ended,
            used_ms: from.zip(last).map(|(from, last)| between(from, last)),
            over_ms: until.zip(last).map(|(until, last)| between(until, last)),
            said,
        })
    }

    /// For how long the service was exposed, by whichever step.
    fn exposed(&self) -> u64 {
        let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
        for exposure in &self.run.exposures {
            let until = exposure.until.or(self.story.last_at).unwrap_or(exposure.from);
            match spans.last_mut().filter(|(_, last)| exposure.from <= *last) {
                Some((_, last)) => *last = until.max(*last),
                None => spans.push((exposure.from, until)),
            }
        }
        spans.into_iter().map(|(from, until)| between(from, until)).sum()
    }

    fn inputs(&self) -> Vec<Value> {
        let Some(begun) = &self.run.begun else { return Vec::new() };
        let values = begun.values.iter().map(|(name, value)| (name, Some(value.clone())));
        let secrets = begun.secrets.iter().map(|name| (name, None));
        values.chain(secrets).map(|(name, value)| Value { name: name.to_string(), value }).collect()
    }

    fn sections(&self) -> Vec<Section> {
        let phases = self.plan.phases.iter().map(|phase| (self.fill(&phase.title), phase.steps.clone()));
        let others = [plan::Section::Success, plan::Section::Cleanup, plan::Section::AfterRollback]
            .map(|section| (words::section(section).to_owned(), self.plan.section(section)));
        phases
            .chain(others)
            .filter(|(_, steps)| !steps.is_empty())
            .map(|(title, steps)| Section { title, steps: steps.filter_map(|at| self.step(at)).collect() })
            .collect()
    }

    fn step(&self, at: usize) -> Option<StepFacts> {
        let (step, state) = (self.plan.steps.get(at)?, self.run.steps.get(at)?);
        let target = Target::step(&step.id);
        let shown = describe::step(step, self.run).into_iter();
        let brought = self.story.values.get(&step.id).into_iter().flatten();
        Some(StepFacts {
            number: u32::try_from(at + 1).unwrap_or(u32::MAX),
            id: step.id.to_string(),
            title: self.fill(&step.title),
            kind: kind(step),
            changes: step.changes(),
            irreversible: step.irreversible.as_ref().map(|reason| self.fill(reason)),
            why: step.why.as_ref().map(|why| self.fill(why)),
            state: words::state(state.state),
            by_hand: state.by_hand,
            shown: shown.map(|fact| Shown { label: fact.label, text: fact.text, code: fact.code }).collect(),
            estimate_ms: step.estimate.map(ms),
            started_at: state.started,
            ended_at: state.ended,
            took_ms: state.started.zip(state.ended).map(|(from, to)| between(from, to)),
            starts: state.attempts,
            attempts: self.story.attempts.get(&target).map(|all| all.iter().cloned().collect()).unwrap_or_default(),
            checks: state.verdicts.iter().map(check).collect(),
            values: brought.map(|(name, value)| Value { name: name.to_string(), value: value.clone() }).collect(),
            files: state.saved.iter().map(|file| file.path.clone()).collect(),
            note: state.note.clone(),
            despite: state.despite.clone(),
            evidence: self.evidence(step, state),
            output: (state.attempts > 0).then(|| (self.given.output)(&target, state.attempts)).flatten(),
        })
    }

    fn rollbacks(&self) -> Vec<Rollback> {
        let last = self.story.rollbacks.len().saturating_sub(1);
        self.story.rollbacks.iter().enumerate().map(|(at, rollback)| self.rollback(rollback, at == last)).collect()
    }

    /// Of the last rollback the run knows what is still to come.
    fn rollback(&self, story: &RollbackStory, last: bool) -> Rollback {
        let now = self.run.rollback.as_ref().filter(|_| last);
        let mut actions: Vec<UndoFacts> = story.actions.iter().map(|action| self.undo(action)).collect();
        let pending = now.into_iter().flat_map(|rollback| &rollback.actions);
        let pending = pending.filter(|target| !story.actions.iter().any(|action| action.target == **target));
        actions.extend(pending.map(|target| {
            let stands = self.run.undo(self.plan, target).cloned().unwrap_or_default();
            self.undo(&UndoStory { target: target.clone(), started_at: None, ended_at: None, stands })
        }));
        Rollback {
            began_at: story.began_at,
            ended_at: story.ended_at,
            to: story.to.as_ref().map(StepId::to_string),
            by_policy: story.by_policy,
            failed: story.failed,
            stuck: now.map(|rollback| rollback.stuck.iter().map(StepId::to_string).collect()).unwrap_or_default(),
            actions,
        }
    }

    fn undo(&self, story: &UndoStory) -> UndoFacts {
        let what = undo::action(self.plan, &story.target);
        UndoFacts {
            step: story.target.step.to_string(),
            number: story.target.undo.unwrap_or_default(),
            what: what.map_or_else(String::new, |action| describe::undo_action(action, self.run)),
            state: words::state(story.stands.state),
            started_at: story.started_at,
            ended_at: story.ended_at,
            starts: story.stands.attempts,
            outcome: story.stands.outcome.as_ref().map(told),
            checks: story.stands.verdicts.iter().map(check).collect(),
            note: story.stands.note.clone(),
        }
    }

    fn timeline(&self) -> Timeline {
        let exposures = self.run.exposures.iter().map(|exposure| Event {
            from: exposure.from,
            to: exposure.until,
            kind: EventKind::Exposure,
            step: Some(exposure.step.to_string()),
            undo: None,
            what: match (exposure.until, exposure.verified) {
                (_, true) => "exposed, until its verification had passed".to_owned(),
                (Some(_), false) => "exposed, and not verified when the run was closed".to_owned(),
                (None, false) => "exposed, and not verified yet".to_owned(),
            },
        });
        let mut events: Vec<_> = self.story.events.iter().cloned().chain(exposures).collect();
        // One that lies over others is told before them.
        let over = |kind| !matches!(kind, EventKind::Rollback | EventKind::Exposure);
        events.sort_by_key(|event| (event.from, over(event.kind)));
        Timeline { from: self.story.first_at, to: self.story.last_at, events, left_out: self.story.events.left_out() }
    }

    /// What was compared with a value of the run, by probes that have answered.
    fn baselines(&self) -> Vec<Baseline> {
        let asked = self.plan.steps.iter().zip(&self.run.steps);
        let pairs = asked.flat_map(|(step, state)| {
            step.action.verify.iter().zip(&state.verdicts).map(move |(spec, verdict)| (step, spec, verdict))
        });
        let compared = pairs.filter_map(|(step, spec, verdict)| {
            let with: Vec<String> = spec
                .expect
                .iter()
                .filter(|expect| compares(expect))
                .map(|expect| expectation(expect, &|text| self.fill(text)))
                .collect();
            (!with.is_empty()).then(|| Baseline {
                step: step.id.to_string(),
                what: verdict.title.clone(),
                before: with.join(", "),
                after: verdict.saw.clone(),
                result: result(verdict),
            })
        });
        compared.collect()
    }

    fn secrets(&self) -> Vec<SecretFacts> {
        let all = &self.run.fingerprints;
        let facts = all.iter().filter_map(|(name, known)| {
            let (now, before) = known.split_last()?;
            let same = all.iter().filter(|(other, known)| *other != name && known.last() == Some(now));
            Some(SecretFacts {
                name: name.to_string(),
                fingerprint: now.clone(),
                was: before.iter().rev().cloned().collect(),
                same_as: same.map(|(other, _)| other.to_string()).collect(),
            })
        });
        facts.collect()
    }

    fn deviations(&self) -> Vec<Deviation> {
        let all = &self.run.deviations;
        let last = all.len().saturating_sub(DEVIATIONS).max(DEVIATIONS.min(all.len()));
        let kept = all.iter().take(DEVIATIONS).chain(&all[last..]);
        let told = kept.map(|one| Deviation {
            at: one.at,
            step: one.step.as_ref().map(StepId::to_string),
            undo: one.undo,
            kind: one.kind,
            reason: one.reason.clone(),
            text: words::deviation(one),
        });
        told.collect()
    }

    fn evidence(&self, step: &Step, state: &StepRun) -> Vec<EvidenceFacts> {
        let items = step.evidence.iter().zip(1..).map(|(spec, item)| {
            let proof = state.evidence.iter().find(|proof| proof.item == item);
            let given = proof.and_then(|proof| proof.evidence.as_ref());
            let (file, sha256) = match given {
                Some(Evidence::File { kept, sha256, .. }) => (Some(kept.clone()), Some(sha256.clone())),
                Some(Evidence::Output { transcript, sha256, .. }) => (Some(transcript.clone()), Some(sha256.clone())),
                Some(Evidence::Text { .. } | Evidence::Fingerprint { .. }) | None => (None, None),
            };
            EvidenceFacts {
                item,
                what: self.fill(&spec.title),
                optional: spec.optional,
                state: match (proof, given) {
                    (Some(_), Some(_)) => "given",
                    (Some(_), None) => "passed over",
                    (None, _) => "open",
                },
                at: proof.map(|proof| proof.at),
                text: given.map(words::evidence),
                file,
                sha256,
                reason: proof.and_then(|proof| proof.reason.clone()),
            }
        });
        items.collect()
    }

    fn notes(&self) -> Vec<Note> {
        let note = |note: &crate::engine::Note| Note {
            at: note.at,
            step: note.step.as_ref().map(StepId::to_string),
            text: note.text.clone(),
        };
        self.run.notes.iter().map(note).collect()
    }

    fn presence(&self) -> Vec<Moment> {
        let at_screen =
            self.run.presence.iter().map(|(at, presence)| Moment { at: *at, text: words::presence(presence) });
        let mut all: Vec<Moment> = at_screen.chain(self.story.went_on.iter().cloned()).collect();
        all.sort_by_key(|moment| moment.at);
        all
    }

    fn sign_offs(&self) -> Vec<SignOff> {
        let mut all = self.story.signed.clone();
        for one in &mut all {
            let found = one.signature.as_ref().map(|signature| (self.given.check)(one, signature));
            if let (Some(signature), Some((checked, why))) = (&mut one.signature, found) {
                (signature.checked, signature.why) = (checked, why);
            }
        }
        let roles = self.plan.sign_off.iter().flat_map(|sign_off| &sign_off.by);
        let missing = roles.filter(|role| !self.run.signed.iter().any(|by| by.role == **role));
        all.extend(missing.map(|role| SignOff {
            step: None,
            role: role.clone(),
            decision: "missing",
            name: None,
            at: None,
            reason: None,
            account: None,
            host: None,
            proof: None,
            signature: None,
        }));
        all
    }

    fn follow_ups(&self) -> Vec<FollowUp> {
        let over = self.run.ended.filter(|_| self.run.leaves_follow_ups()).map(|(_, at)| at);
        let facts = self.plan.follow_up.iter().zip(1..).map(|(follow, number)| {
            let within = follow.within.and_then(|within| SignedDuration::try_from(within).ok());
            FollowUp {
                number,
                title: self.fill(&follow.title),
                within_ms: follow.within.map(ms),
                due: over.zip(within).and_then(|(over, within)| over.checked_add(within).ok()),
                done: self.run.followed.get(&number).map(|done| {
                    let note = done.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
                    Moment { at: done.at, text: format!("done, says {}{note}", done.operator) }
                }),
            }
        });
        facts.collect()
    }

    /// The program itself, and the servers as their probes saw them.
    fn tools(&self) -> Vec<Tool> {
        let mut all = self.story.tools.clone();
        for (step, state) in self.plan.steps.iter().zip(&self.run.steps) {
            for (spec, verdict) in step.action.verify.iter().zip(&state.verdicts) {
                if let Some(what) = server(spec, verdict).filter(|what| !all.iter().any(|tool| tool.what == *what)) {
                    all.push(Tool { what, seen: format!("seen by {}", step.id) });
                }
            }
        }
        all
    }
}

/// Returns a server's name and version, with which its probe's answer begins.
fn server(spec: &ProbeSpec, verdict: &Verdict) -> Option<String> {
    let speaks = match spec.probe {
        Probe::Postgres(_) | Probe::Mysql(_) | Probe::Redis(_) | Probe::Nats(_) => verdict.pass && !spec.denied(),
        Probe::Command(_)
        | Probe::Http(_)
        | Probe::Tcp(_)
        | Probe::Tls(_)
        | Probe::File(_)
        | Probe::Log(_)
        | Probe::Value(_) => false,
    };
    let first = verdict.saw.split([',', ';']).next().unwrap_or_default();
    let name = first.split(" as ").next().unwrap_or_default().trim();
    (speaks && !name.is_empty()).then(|| name.to_owned())
}

/// Says whether an expectation compares with a value of the run.
fn compares(expect: &Expect) -> bool {
    let value = |amount: &Amount| matches!(amount, Amount::Value(_));
    match expect {
        Expect::Equals(text) | Expect::Json(_, JsonValue::Text(text)) => text.names().next().is_some(),
        Expect::Between(least, most) => value(least) || value(most),
        Expect::CloseTo { number, .. } => value(number),
        Expect::Exit(_)
        | Expect::Contains(_)
        | Expect::NotContains(_)
        | Expect::Matches(_)
        | Expect::Json(_, JsonValue::Literal(_))
        | Expect::Status(_)
        | Expect::Rows(_)
        | Expect::Denied => false,
    }
}

/// Says what sort of work a step is.
fn kind(step: &Step) -> &'static str {
    match &step.action.act {
        Act::Run(_) => "run",
        Act::Person(person) if person.approval.is_some() => "approval",
        Act::Person(_) => "person",
        Act::Generate(_) => "generate",
        Act::Edit(_) => "edit",
        Act::Snapshot(_) => "snapshot",
        Act::Verify => "verify",
        Act::Wait(_) => "wait",
    }
}

fn result(verdict: &Verdict) -> &'static str {
    match (verdict.pass, verdict.warn) {
        (true, _) => "verified",
        (false, true) => "warning",
        (false, false) => "not verified",
    }
}

fn check(verdict: &Verdict) -> Check {
    Check {
        title: verdict.title.clone(),
        result: result(verdict),
        finding: words::finding(verdict.finding),
        saw: verdict.saw.clone(),
        attempts: verdict.attempts,
        took_ms: verdict.took_ms,
    }
}

fn counts(run: &Run) -> Counts {
    let mut counts = Counts::default();
    for StepRun { state, .. } in &run.steps {
        let count = match state {
            StepState::Done => &mut counts.done,
            StepState::Warned => &mut counts.warned,
            StepState::Failed => &mut counts.failed,
            StepState::Unknown => &mut counts.unknown,
            StepState::Skipped => &mut counts.skipped,
            StepState::LeftOut => &mut counts.left_out,
            StepState::RolledBack => &mut counts.rolled_back,
            StepState::RollbackFailed => &mut counts.rollback_failed,
            StepState::Pending | StepState::Waiting | StepState::Running | StepState::Verifying => &mut counts.pending,
        };
        *count += 1;
        if *state != StepState::LeftOut {
            counts.steps += 1;
        }
    }
    counts
}

fn ms(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
