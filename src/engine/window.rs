//! The clocks of a run: what is left of the window, what is left to do, when a rollback still fits, how long the service has been
//! exposed.
//!
//! Pure arithmetic over a run, a plan and a time that comes in. What must stay true: no clock does anything. That the window is
//! over refuses the next start until somebody says why (`judge`), once; it never stops, skips or undoes anything, and a
//! rollback is never held up by it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::record::{Record, Stamped, Target};
use super::refusal::Refusal;
use super::run::{Run, Stage, StepRun, StepState, UndoRun};
use super::undo;
use crate::playbook::plan::{Act, Plan, Section, Step, StepId};

/// The window was made longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// When that was said.
    pub at: Timestamp,
    /// By how much.
    pub by: Duration,
    /// Why.
    pub reason: String,
}

/// The run went on although the window was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overrun {
    /// When that was said.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Nobody was there to be asked.
    pub by_policy: bool,
}

/// The service was exposed: a step that cannot be undone had started, and nothing had shown yet that all is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The step.
    pub step: StepId,
    /// When it started, or its way forward did.
    pub from: Timestamp,
    /// When that was over; none while it goes on.
    pub until: Option<Timestamp>,
    /// It ended because what the step verifies held, and not only because the run was closed.
    pub verified: bool,
}

/// The window of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowClock {
    /// Its length as the playbook has it.
    pub planned: Duration,
    /// By how much it was made longer.
    pub extended: Duration,
    /// When it ends; none before the first step that changes something has started.
    pub ends: Option<Timestamp>,
    /// What is left of it; less than nothing once it is over. All of it before it has begun.
    pub left: SignedDuration,
}

/// All clocks at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The window; none where the playbook plans none.
    pub window: Option<WindowClock>,
    /// How long the steps that are still to be walked should take, without the waiting for people.
    pub work_left: Duration,
    /// How long people should take for theirs.
    pub people_left: Duration,
    /// How many steps are still to come of which nobody knows how long they take.
    pub unknown: usize,
    /// How long a rollback from here should take.
    pub rollback_needs: Duration,
    /// The last moment at which it still fits into the window; none where no window has begun.
    pub last_safe_rollback: Option<Timestamp>,
    /// The step that has exposed the service for longest, and since when.
    pub exposed_since: Option<(StepId, Timestamp)>,
    /// The exposures that are over, in the order in which they began.
    pub exposures: Vec<Exposure>,
}

/// A rollback would no longer fit into the window after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoWayBack {
    /// How long it would take then.
    pub needs: Duration,
    /// What would be left of the window then; may be less than nothing.
    pub left: SignedDuration,
}

/// How long a step should take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    /// The program, the world and the probes.
    pub work: Duration,
    /// People.
    pub people: Duration,
    /// Somebody knows: an estimate, or earlier runs.
    pub known: bool,
}

impl Takes {
    /// Adds the two up.
    #[must_use]
    pub fn all(&self) -> Duration {
        self.work.saturating_add(self.people)
    }
}

impl Run {
    /// Reads all clocks.
    #[must_use]
    pub fn clocks(&self, plan: &Plan, now: Timestamp) -> Clocks {
        // Once it has ended, nothing counts on.
        let now = self.ended.map_or(now, |(_, at)| at.min(now));
        let window = window(plan, self, now);
        let left = left(plan, self, now);
        let rollback_needs = rollback_needs(plan, self, None);
        let open = self.ended.is_none() || self.stage != Stage::Over;
        Clocks {
            window,
            work_left: left.work,
            people_left: left.people,
            unknown: left.unknown,
            rollback_needs,
            last_safe_rollback: window
                .and_then(|window| window.ends)
                .filter(|_| open)
                .map(|ends| before(ends, rollback_needs)),
            exposed_since: self
                .exposures
                .iter()
                .find(|exposure| exposure.until.is_none())
                .map(|exposure| (exposure.step.clone(), exposure.from)),
            exposures: self.exposures.iter().filter(|exposure| exposure.until.is_some()).cloned().collect(),
        }
    }

    /// Says how long a step should take: what earlier runs took, in the middle; else what the playbook says.
    #[must_use]
    pub fn takes(&self, step: &Step) -> Takes {
        let earlier = self.begun.as_ref().and_then(|begun| begun.expected.get(&step.id)).filter(|known| known.runs > 0);
        if let Some(earlier) = earlier {
            return Takes {
                work: Duration::from_millis(earlier.work_ms),
                people: Duration::from_millis(earlier.people_ms),
                known: true,
            };
        }
        let estimate = step.estimate.unwrap_or_default();
        match (&step.action.act, step.estimate) {
            (Act::Person(_), estimate) => {
                Takes { work: Duration::ZERO, people: estimate.unwrap_or_default(), known: estimate.is_some() }
            }
            (Act::Wait(time), None) => Takes { work: *time, people: Duration::ZERO, known: true },
            // What nobody needs to estimate: it asks, or writes a few files.
            (Act::Generate(_) | Act::Edit(_) | Act::Snapshot(_) | Act::Verify, None) => {
                Takes { known: true, ..Takes::default() }
            }
            (Act::Run(_), None) => Takes::default(),
            (_, Some(_)) => Takes { work: estimate, people: Duration::ZERO, known: true },
        }
    }

    /// Says how long it should take to undo a step, where it has something to undo and somebody knows.
    ///
    /// The playbook has no estimate for a single action, so a step takes as long back as forth: the longer of its estimate and
    /// of what it took in earlier runs.
    #[must_use]
    pub fn takes_back(&self, step: &Step) -> Option<Duration> {
        if undo::actions(step).is_empty() {
            return None;
        }
        let took = self.takes(step);
        let took = if matches!(step.action.act, Act::Person(_)) { took.all() } else { took.work };
        step.estimate.max(Some(took)).filter(|time| !time.is_zero())
    }

    /// Says whether a rollback would no longer fit into the window once a step has been carried out. Nothing is said of it once
    /// the window is over: that somebody has to decide about by itself.
    #[must_use]
    pub fn no_way_back(&self, plan: &Plan, step: &Step, now: Timestamp) -> Option<NoWayBack> {
        let window = window(plan, self, now).filter(|_| self.stage == Stage::Walking)?;
        // Where the window is over already, that is asked about.
        let ended = window.ends.is_some_and(|ends| now >= ends);
        if !step.changes() || ended {
            return None;
        }
        let needs = rollback_needs(plan, self, Some(step));
        let left = window.left.saturating_sub(signed(self.takes(step).all()));
        (!needs.is_zero() && left < signed(needs)).then_some(NoWayBack { needs, left })
    }

    /// Takes in what a record means for the clocks, once it was applied.
    pub(super) fn tick(&mut self, plan: &Plan, stamped: &Stamped) {
        let at = stamped.at;
        match &stamped.record {
            Record::WindowExtended { by_ms, reason } => {
                self.extensions.push(Extension { at, by: Duration::from_millis(*by_ms), reason: reason.clone() });
            }
            Record::Overrun { reason, by_policy } => {
                self.overruns.push(Overrun { at, reason: reason.clone(), by_policy: *by_policy });
            }
            Record::Started { target, .. } => self.expose(plan, target, at),
            Record::Performed { target, .. }
            | Record::Probed { target, .. }
            | Record::Saved { target, .. }
            | Record::Answered { target, .. }
            | Record::ByHand { target, .. } => self.cover(plan, target, at),
            Record::SignedOff { step: Some(step), .. } | Record::Recaptured { step, .. } => {
                self.cover(plan, &Target::step(step), at);
            }
            // With the run everything ends, verified or not.
            Record::Ended { .. } => self.uncovered(at),
            // Nothing else shows that all is well.
            _ => {}
        }
    }

    fn expose(&mut self, plan: &Plan, target: &Target, at: Timestamp) {
        let exposes = plan.step(&target.step).is_some_and(|step| step.irreversible.is_some());
        let goes_on = self.exposures.iter().any(|exposure| exposure.step == target.step && exposure.until.is_none());
        if exposes && !goes_on {
            self.exposures.push(Exposure { step: target.step.clone(), from: at, until: None, verified: false });
        }
    }

    /// Ends the exposure by a step, where what was just recorded of it or of its undo shows that all is well.
    fn cover(&mut self, plan: &Plan, target: &Target, at: Timestamp) {
        let Some((step, state)) = plan.step(&target.step).zip(self.step(plan, &target.step)) else { return };
        if verified(step, state, target) {
            let open = self.exposures.iter_mut().filter(|one| one.step == target.step && one.until.is_none());
            open.for_each(|exposure| (exposure.until, exposure.verified) = (Some(at), true));
        }
    }

    fn uncovered(&mut self, at: Timestamp) {
        let open = self.exposures.iter_mut().filter(|exposure| exposure.until.is_none());
        open.for_each(|exposure| exposure.until = Some(at));
    }
}

/// Says whether what a step verifies held, or what its undo does. What a person did in place of the program proves nothing where
/// there are probes that could have been asked.
fn verified(step: &Step, state: &StepRun, target: &Target) -> bool {
    match (target.undo, state.state) {
        (None, StepState::Done | StepState::Warned) => !state.by_hand || step.action.verify.is_empty(),
        (Some(_), StepState::RolledBack) => {
            let proved = |(action, run): (undo::UndoAction<'_>, &UndoRun)| match action {
                undo::UndoAction::Restore => true,
                undo::UndoAction::Author(action) => run.note.is_none() || action.verify.is_empty(),
            };
            undo::actions(step).into_iter().zip(&state.undo).all(proved)
        }
        // In every other state something is still to come, or went wrong.
        (_, _) => false,
    }
}

/// Judges a record that is about to be made by the time: what starts once the window is over needs a word.
///
/// # Errors
/// [`Refusal::WindowOver`] for the first start; [`Refusal::NotNow`] for a word that nothing needs yet.
pub(super) fn judge(plan: &Plan, run: &Run, record: &Record, at: Timestamp) -> Result<(), Refusal> {
    match record {
        Record::LookAhead { step } | Record::Started { target: Target { step, undo: None }, retry: false, .. } => {
            match over(plan, run, at).filter(|_| run.stage == Stage::Walking) {
                Some(by) => Err(Refusal::WindowOver { step: step.clone(), by_ms: millis(by) }),
                None => Ok(()),
            }
        }
        Record::Overrun { .. } if over(plan, run, at).is_none() => {
            Err(Refusal::NotNow { what: "go on beyond a window that is not over".into() })
        }
        // Nothing else is held up by a clock.
        _ => Ok(()),
    }
}

/// Makes the record of a window that is made longer.
///
/// # Errors
/// There is no window, it would not be longer, or nobody says why.
pub(super) fn extend(plan: &Plan, by: Duration, reason: String) -> Result<Record, Refusal> {
    if plan.window.is_none() {
        return Err(Refusal::NoWindow);
    }
    let by_ms = millis(by);
    if by_ms == 0 || reason.trim().is_empty() {
        return Err(Refusal::NeedsReason);
    }
    Ok(Record::WindowExtended { by_ms, reason })
}

/// Says for how long the window has been over, where nobody has said yet why the run goes on.
fn over(plan: &Plan, run: &Run, now: Timestamp) -> Option<Duration> {
    let ends = window(plan, run, now)?.ends.filter(|ends| now >= *ends)?;
    overrun(plan, run).is_none().then(|| now.duration_since(ends).unsigned_abs())
}

/// Returns what was said when the window, as it is now, was over.
fn overrun<'r>(plan: &Plan, run: &'r Run) -> Option<&'r Overrun> {
    let ends = ends(plan, run)?;
    run.overruns.iter().rev().find(|overrun| overrun.at >= ends)
}

fn ends(plan: &Plan, run: &Run) -> Option<Timestamp> {
    Some(after(run.window_from?, plan.window?.saturating_add(extended(run))))
}

fn extended(run: &Run) -> Duration {
    run.extensions.iter().fold(Duration::ZERO, |all, extension| all.saturating_add(extension.by))
}

fn window(plan: &Plan, run: &Run, now: Timestamp) -> Option<WindowClock> {
    let planned = plan.window?;
    let extended = extended(run);
    let ends = ends(plan, run);
    let left = ends.map_or_else(|| signed(planned.saturating_add(extended)), |ends| ends.duration_since(now));
    Some(WindowClock { planned, extended, ends, left })
}

/// What is left to be walked.
#[derive(Default)]
struct Left {
    work: Duration,
    people: Duration,
    unknown: usize,
}

impl Left {
    fn add(&mut self, takes: Takes) {
        self.work = self.work.saturating_add(takes.work);
        self.people = self.people.saturating_add(takes.people);
        self.unknown += usize::from(!takes.known);
    }
}

fn left(plan: &Plan, run: &Run, now: Timestamp) -> Left {
    let mut left = Left::default();
    let range = match run.stage {
        Stage::Briefing | Stage::Walking => 0..run.walk,
        Stage::AfterRollback => run.after.clone(),
        Stage::RollingBack => {
            left.work = rollback_needs(plan, run, None);
            return left;
        }
        Stage::Closing | Stage::Over => return left,
    };
    let steps = plan.steps.iter().zip(&run.steps).take(range.end).skip(range.start);
    for (step, state) in steps.filter(|(step, state)| !state.finished() && may_take_part(run, step)) {
        let takes = run.takes(step);
        let gone = match state.state {
            StepState::Running | StepState::Verifying | StepState::Waiting => {
                state.attempt_at.map_or(Duration::ZERO, |from| since(from, now))
            }
            StepState::Pending
            | StepState::Done
            | StepState::Warned
            | StepState::Failed
            | StepState::Unknown
            | StepState::Skipped
            | StepState::LeftOut
            | StepState::RolledBack
            | StepState::RollbackFailed => Duration::ZERO,
        };
        // A person who is at work is followed by the program's part; a program that runs has people behind it already.
        let waiting = state.state == StepState::Waiting;
        let people = if waiting || gone.is_zero() { takes.people.saturating_sub(gone) } else { Duration::ZERO };
        let work = if waiting { takes.work } else { takes.work.saturating_sub(gone) };
        left.add(Takes { work, people, known: takes.known });
    }
    left
}

/// Says whether a step takes part, for all that is known yet: a value that is still to come leaves it open.
fn may_take_part(run: &Run, step: &Step) -> bool {
    step.when.iter().all(|(name, values)| run.values.get(name).is_none_or(|value| values.contains(value)))
}

/// Adds up what a rollback of everything would take from here, or what is left of the one that goes on; with one more step, as if
/// that had been carried out.
fn rollback_needs(plan: &Plan, run: &Run, more: Option<&Step>) -> Duration {
    let after = || {
        let steps = plan.steps.iter().zip(&run.steps).filter(|(step, _)| step.section == Section::AfterRollback);
        let steps = steps.filter(|(step, state)| {
            may_take_part(run, step) && (run.stage != Stage::AfterRollback || !state.finished())
        });
        steps.map(|(step, _)| run.takes(step).all()).fold(Duration::ZERO, Duration::saturating_add)
    };
    let back = |steps: &mut dyn Iterator<Item = &StepId>| {
        let steps = steps.filter_map(|id| plan.step(id));
        steps.filter_map(|step| run.takes_back(step)).fold(Duration::ZERO, Duration::saturating_add)
    };
    match run.stage {
        Stage::Briefing => Duration::ZERO,
        Stage::AfterRollback => after(),
        Stage::RollingBack => {
            let Some(rollback) = &run.rollback else { return Duration::ZERO };
            // A step counts until its last action is settled.
            let open: BTreeSet<&StepId> =
                rollback.actions.iter().skip(rollback.at).map(|target| &target.step).collect();
            let then = if rollback.to.is_none() { after() } else { Duration::ZERO };
            back(&mut open.into_iter()).saturating_add(then)
        }
        Stage::Walking | Stage::Closing | Stage::Over => {
            let touched = plan.steps.iter().zip(&run.steps).filter(|(_, state)| state.touched());
            let mut steps: BTreeSet<&StepId> = touched.map(|(step, _)| &step.id).collect();
            steps.extend(more.map(|step| &step.id));
            let undone = |id: &&StepId| plan.step(id).is_some_and(|step| !undo::actions(step).is_empty());
            if !steps.iter().any(undone) {
                return Duration::ZERO;
            }
            back(&mut steps.into_iter()).saturating_add(after())
        }
    }
}

fn since(from: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(from)).unwrap_or_default()
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn after(from: Timestamp, time: Duration) -> Timestamp {
    from.saturating_add(signed(time)).unwrap_or(Timestamp::MAX)
}

fn before(from: Timestamp, time: Duration) -> Timestamp {
    from.saturating_sub(signed(time)).unwrap_or(Timestamp::MIN)
}
