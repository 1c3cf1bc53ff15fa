//! A scorecard: what a trainee did in a drill, in numbers, and what each point was taken off for.
//!
//! It is a fold of the drill's records, so it can be made again from its journal at any time. What must stay true: a drill
//! that is not over has no result; a wrong decision is never made good by anything else.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::judge::{Decisions, Grade};
use super::moves;
use crate::engine::{Begun, End, Engine, Record, Run, Stage, Stamped, StepRun, StepState, Target};
use crate::playbook::plan::{Drill, Move, Plan, Section, Step, StepId};
use crate::words;

/// The points that a drill begins with.
pub const ALL: u32 = 100;

/// How many points must be left for a drill to be passed: less than a wrong decision leaves.
pub const PASSED_FROM: u32 = 75;

/// What is taken off for each.
mod price {
    pub(super) const WRONG: u32 = 30;
    pub(super) const UNDECIDED: u32 = 15;
    pub(super) const LATE: u32 = 15;
    pub(super) const UNVERIFIED: u32 = 10;
    pub(super) const ACCEPTABLE: u32 = 5;
    pub(super) const QUIZ: u32 = 5;
    pub(super) const HINT: u32 = 2;
}

/// What became of a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    /// It was passed.
    Passed,
    /// It was walked to its end and not passed.
    NotPassed,
    /// It was not walked to its end.
    Unfinished,
}

/// What a trainee did, and how good it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scorecard {
    /// The run's id.
    pub run: String,
    /// The drill's id; none for a walk without faults.
    pub drill: Option<String>,
    /// What the drill is called.
    pub title: String,
    /// What the playbook is called.
    pub playbook: String,
    /// Who practised.
    pub operator: String,
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// How it ended, in words.
    pub ended: Option<String>,
    /// What became of it.
    pub rating: Rating,
    /// The points that are left.
    pub points: u32,
    /// What was taken off, and what for.
    pub deductions: Vec<Deduction>,
    /// What was decided at each fault that was shown.
    pub decisions: Vec<Grading>,
    /// How long the steps took.
    pub steps: Vec<StepTime>,
    /// How the answers to the questions were.
    pub quiz: Vec<Answered>,
    /// The steps whose hint was opened.
    pub hints: Vec<StepId>,
    /// The steps of which it was opened why they are done.
    pub whys: Vec<StepId>,
    /// How often probes were asked, each time for all of a step or of an action of its rollback.
    pub verified: u32,
    /// The steps whose probes were never asked, because they were passed over or done by hand.
    pub unverified: Vec<StepId>,
    /// The steps whose output or probes were looked at.
    pub looked_at: Vec<StepId>,
    /// How many notes were left.
    pub notes: u32,
    /// Who was called.
    pub called: Vec<String>,
    /// The rollback, where there was one.
    pub rollback: Option<Back>,
}

/// Points that were taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deduction {
    /// How many.
    pub points: u32,
    /// What for.
    pub why: String,
}

/// What was decided at a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grading {
    /// The fault of the drill, from 1; beyond its last where somebody put it in live.
    pub fault: u32,
    /// The step, or the action of its rollback, as a playbook writes it.
    pub at: String,
    /// The word of the move; none where nothing was decided.
    pub decided: Option<String>,
    /// How good it was.
    pub grade: Grade,
    /// Why, as the playbook says.
    pub because: Option<String>,
    /// How long the trainee thought, in milliseconds.
    pub after_ms: Option<u64>,
}

/// How long a step took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTime {
    /// The step.
    pub step: StepId,
    /// From its first start until it came to rest, in milliseconds.
    pub took_ms: u64,
    /// How long it should take, in milliseconds.
    pub estimate_ms: Option<u64>,
    /// How often it was started.
    pub attempts: u32,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The step that it was about.
    pub step: StepId,
    /// What was chosen.
    pub choice: String,
    /// Whether that was right.
    pub right: bool,
}

/// When a rollback was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// When.
    pub began_at: Timestamp,
    /// The last moment at which it still fitted the window; none where the playbook has no window.
    pub last_safe: Option<Timestamp>,
}

/// The fold: takes records in, gives a scorecard at any time.
#[derive(Debug)]
pub struct Fold<'a> {
    drill: Option<&'a Drill>,
    engine: Engine,
    decisions: Decisions,
    verified: u32,
    asked: HashSet<Target>,
    rollback: Option<Back>,
}

impl<'a> Fold<'a> {
    /// Begins with nothing.
    #[must_use]
    pub fn new(plan: &'a std::sync::Arc<Plan>, drill: Option<&'a Drill>) -> Self {
        let engine = Engine::new(std::sync::Arc::clone(plan));
        Self { drill, engine, decisions: Decisions::default(), verified: 0, asked: HashSet::new(), rollback: None }
    }

    /// Takes a record in.
    pub fn take(&mut self, stamped: &Stamped) {
        self.decisions.take(self.drill, stamped);
        match &stamped.record {
            Record::Probed { target, .. } => {
                self.verified = self.verified.saturating_add(1);
                self.asked.insert(target.clone());
            }
            Record::RollbackBegun { .. } if self.rollback.is_none() => {
                let clocks = self.engine.run().clocks(self.engine.plan(), stamped.at);
                self.rollback = Some(Back { began_at: stamped.at, last_safe: clocks.last_safe_rollback });
            }
            // The rest is read off the run.
            _ => {}
        }
        self.engine.replay(stamped);
    }

    /// Returns the decisions so far.
    #[must_use]
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// Returns the run so far.
    #[must_use]
    pub fn run(&self) -> &Run {
        self.engine.run()
    }

    /// Makes the scorecard of what was taken in so far.
    #[must_use]
    pub fn card(&self) -> Scorecard {
        let (plan, run) = (self.engine.plan(), self.engine.run());
        let none = Begun::default();
        let begun = run.begun.as_ref().unwrap_or(&none);
        let over = run.stage == Stage::Over;
        let ended = run.ended.filter(|_| over);
        let mut card = Scorecard {
            run: begun.run.clone(),
            drill: self.drill.map(|drill| drill.id.clone()),
            title: self.drill.map_or_else(|| "A walk without faults".to_owned(), |drill| drill.title.clone()),
            playbook: plan.title.clone(),
            operator: begun.operator.clone(),
            began_at: run.began_at,
            ended_at: ended.map(|(_, at)| at),
            ended: ended.map(|(end, _)| words::end(end).to_owned()),
            rating: Rating::Unfinished,
            points: ALL,
            deductions: Vec::new(),
            decisions: self.gradings(),
            steps: times(plan, run),
            quiz: self.quiz(),
            hints: run.asides.hints.iter().cloned().collect(),
            whys: run.asides.whys.iter().cloned().collect(),
            verified: self.verified,
            unverified: self.unverified(),
            looked_at: run.asides.looked.keys().cloned().collect(),
            notes: u32::try_from(run.notes.len()).unwrap_or(u32::MAX),
            called: run.asides.called.iter().map(|(_, who)| who.clone()).collect(),
            rollback: self.rollback.clone(),
        };
        card.deductions = deductions(&card, over);
        card.points = ALL.saturating_sub(card.deductions.iter().map(|off| off.points).sum());
        card.rating = match ended {
            None => Rating::Unfinished,
            // Who gives up has not walked it to its end, unless that is what was to be learned.
            Some((End::Abandoned, _)) if !self.abandoning_was_right() => Rating::NotPassed,
            Some(_) if card.points >= PASSED_FROM => Rating::Passed,
            Some(_) => Rating::NotPassed,
        };
        card
    }

    fn abandoning_was_right(&self) -> bool {
        let well = |grade| matches!(grade, Grade::Right | Grade::Acceptable);
        let made = |made: Option<(Move, Timestamp)>| made.is_some_and(|(made, _)| made == Move::Abandon);
        self.decisions.all().iter().any(|decision| made(decision.made) && well(decision.grade))
    }

    fn gradings(&self) -> Vec<Grading> {
        let grading = |decision: &super::Decision| Grading {
            fault: decision.fault,
            at: at(&decision.target),
            decided: decision.made.map(|(made, _)| made.word().to_owned()),
            grade: decision.grade,
            because: decision.because.clone(),
            after_ms: decision.made.map(|(_, when)| between(decision.shown_at, when)),
        };
        self.decisions.all().iter().map(grading).collect()
    }

    fn quiz(&self) -> Vec<Answered> {
        let run = self.engine.run();
        let answered = |(step, answer): (&StepId, &crate::engine::QuizAnswer)| Answered {
            step: step.clone(),
            choice: answer.choice.clone(),
            right: answer.right,
        };
        run.asides.quizzed.iter().map(answered).collect()
    }

    /// Lists the steps with probes that somebody settled without ever having them asked, where that was no right move.
    fn unverified(&self) -> Vec<StepId> {
        let (plan, run) = (self.engine.plan(), self.engine.run());
        let well = |step: &StepId| {
            self.decisions.all().iter().any(|decision| {
                let settled = matches!(decision.made, Some((Move::ByHand | Move::Skip, _)));
                decision.target.step == *step && settled && matches!(decision.grade, Grade::Right | Grade::Acceptable)
            })
        };
        let settled = |step: &Step, state: &StepRun| {
            let passed_over = state.by_hand || state.state == StepState::Skipped;
            passed_over && !step.action.verify.is_empty() && !step.free_to_skip()
        };
        let steps = plan.steps.iter().zip(&run.steps);
        steps
            .filter(|(step, state)| {
                settled(step, state) && !self.asked.contains(&Target::step(&step.id)) && !well(&step.id)
            })
            .map(|(step, _)| step.id.clone())
            .collect()
    }
}

/// Lists what is taken off, the worst first.
fn deductions(card: &Scorecard, over: bool) -> Vec<Deduction> {
    let mut off: Vec<Deduction> = Vec::new();
    let mut take = |points: u32, why: String| off.push(Deduction { points, why });
    for decision in &card.decisions {
        let word = decision.decided.as_deref().and_then(Move::of).map_or("", moves::said);
        match decision.grade {
            Grade::Wrong => take(price::WRONG, format!("{}: you {word}", decision.at)),
            Grade::Acceptable => take(price::ACCEPTABLE, format!("{}: you {word}, and there was better", decision.at)),
            Grade::Open if over => take(price::UNDECIDED, format!("{}: nothing was decided", decision.at)),
            Grade::Open | Grade::Right | Grade::Unjudged => {}
        }
    }
    if let Some(Back { began_at, last_safe: Some(last) }) = &card.rollback
        && began_at > last
    {
        take(price::LATE, "the rollback was begun when it did not fit the window any more".to_owned());
    }
    for step in &card.unverified {
        take(price::UNVERIFIED, format!("{step}: never verified"));
    }
    for answered in card.quiz.iter().filter(|answered| !answered.right) {
        take(price::QUIZ, format!("{}: a wrong answer to its question", answered.step));
    }
    for step in &card.hints {
        take(price::HINT, format!("{step}: its hint was opened"));
    }
    off.sort_by_key(|off| std::cmp::Reverse(off.points));
    off
}

/// Lists how long the steps took that were started.
fn times(plan: &Plan, run: &Run) -> Vec<StepTime> {
    let walked = plan.steps.iter().zip(&run.steps).filter(|(step, _)| step.section != Section::Success);
    walked
        .filter_map(|(step, state)| {
            let (from, to) = (state.started?, state.ended?);
            let estimate_ms = step.estimate.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
            Some(StepTime { step: step.id.clone(), took_ms: between(from, to), estimate_ms, attempts: state.attempts })
        })
        .collect()
}

/// Writes the place of a target as a playbook does.
fn at(target: &Target) -> String {
    match target.undo {
        None => target.step.to_string(),
        Some(number) => format!("{}/undo:{number}", target.step),
    }
}

fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}
