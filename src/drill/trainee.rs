//! Somebody who walks a drill alone: at each fault they make a move that the playbook calls right, and elsewhere go on.
//!
//! For tests of playbooks. They may be asked to make one wrong move, or to roll everything back once a step is done. What
//! must stay true: they say only what a person could say, and never say the same in vain for ever.

use std::sync::Arc;
use std::time::Duration;

use super::judge::{self, Decision};
use super::scorecard::Fold;
use crate::engine::{Aside, Awaiting, Evidence, Input, Record, Stage, Stamped, StepState, Target};
use crate::playbook::plan::{Drill, Move, Plan, StepId, Want};

/// How often something that fails is tried again before it is done by hand.
const TRIES: u32 = 4;

/// How somebody walks a drill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The wrong move to make, at this fault, from 1.
    pub wrong: Option<(u32, Move)>,
    /// The step after which everything is rolled back.
    pub back_after: Option<StepId>,
}

/// Something that a trainee says.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// This.
    Input(Box<Input>),
    /// The answers that a person brings, which whoever asks for this knows.
    Answer(Target),
    /// They come back with another terminal.
    Attach,
}

/// Somebody who walks a drill alone.
#[derive(Debug)]
pub struct Trainee<'a> {
    plan: Arc<Plan>,
    drill: Option<&'a Drill>,
    way: Way,
    fold: Fold<'a>,
    /// The fault that moves were last made for, and how many of them.
    tried: (Option<u32>, usize),
    rolled_back: bool,
    /// What was to start needs a reason, as the window is over.
    window_over: bool,
    /// How often a decision was met by trying again.
    again: u32,
}

impl<'a> Trainee<'a> {
    /// Makes somebody who has seen nothing yet.
    #[must_use]
    pub fn new(plan: &'a Arc<Plan>, drill: Option<&'a Drill>, way: Way) -> Self {
        Self {
            plan: Arc::clone(plan),
            drill,
            way,
            fold: Fold::new(plan, drill),
            tried: (None, 0),
            rolled_back: false,
            window_over: false,
            again: 0,
        }
    }

    /// Takes a record in.
    pub fn take(&mut self, stamped: &Stamped) {
        if matches!(stamped.record, Record::Performed { .. } | Record::Probed { .. } | Record::RollbackBegun { .. }) {
            self.tried.1 = 0;
        }
        self.fold.take(stamped);
    }

    /// Returns what was seen so far.
    #[must_use]
    pub fn fold(&self) -> &Fold<'a> {
        &self.fold
    }

    /// Learns that the last thing said was refused because the window is over.
    pub fn window_over(&mut self) {
        self.window_over = true;
    }

    /// Says what to do next; none where there is nothing but to wait, or it is all over.
    pub fn say(&mut self) -> Option<Deed> {
        let awaiting = self.fold.run().awaiting(&self.plan);
        if std::mem::take(&mut self.window_over) {
            let overrun = Input::Overrun { reason: NOTE.to_owned(), by_policy: false };
            return Some(Deed::Input(Box::new(overrun)));
        }
        if let Some(open) = self.fold.decisions().open().cloned() {
            if self.tried.0 != Some(open.fault) {
                self.tried = (Some(open.fault), 0);
            }
            let moves = self.moves(&open);
            while let Some(r#move) = moves.get(self.tried.1).copied() {
                self.tried.1 += 1;
                if r#move == Move::Wait && matches!(awaiting, Awaiting::World(_)) {
                    return None;
                }
                if let Some(deed) = self.made(r#move, &awaiting, &open) {
                    return Some(deed);
                }
            }
        }
        self.ordinary(awaiting)
    }

    /// Says whether nobody need say anything: the world is at work, or it is all over.
    #[must_use]
    pub fn waits(&self) -> bool {
        let awaiting = self.fold.run().awaiting(&self.plan);
        matches!(awaiting, Awaiting::World(_) | Awaiting::Closing | Awaiting::Nothing)
    }

    /// Lists what to try at a fault, the best first.
    fn moves(&self, open: &Decision) -> Vec<Move> {
        if let Some((fault, wrong)) = self.way.wrong
            && fault == open.fault
        {
            return vec![wrong];
        }
        let response = judge::response(self.drill, open.fault);
        response.map_or_else(Vec::new, |response| response.right.iter().chain(&response.acceptable).copied().collect())
    }

    /// Makes a move, where it can be made now.
    fn made(&self, r#move: Move, awaiting: &Awaiting, open: &Decision) -> Option<Deed> {
        let input = |input: Input| Some(Deed::Input(Box::new(input)));
        let run = self.fold.run();
        let settles = || match awaiting {
            Awaiting::Go(step) | Awaiting::Decision(step) => Some(Target::step(step)),
            Awaiting::Person(target) | Awaiting::Undo(target) | Awaiting::UndoDecision(target) => Some(target.clone()),
            // There is nothing that a word would settle.
            _ => None,
        };
        let here = || settles().filter(|target| *target == open.target);
        match r#move {
            Move::Retry => match awaiting {
                Awaiting::Decision(_) | Awaiting::UndoDecision(_) | Awaiting::SignOff(_) | Awaiting::Approval(..) => {
                    self.again(awaiting)
                }
                Awaiting::Person(target) if *target == open.target => Some(self.done(target.clone())),
                _ => None, // it is not its turn
            },
            Move::Verify => {
                here().and_then(|target| input(Input::VerifyAgain { target })).filter(|_| decides(awaiting))
            }
            Move::Recapture => match awaiting {
                Awaiting::Decision(step) => {
                    self.plan.step(step)?.recapture.as_ref()?;
                    input(Input::Recapture { step: step.clone() })
                }
                _ => None, // it is not unknown
            },
            Move::ByHand => here().and_then(|target| input(Input::ByHand { target, note: NOTE.to_owned() })),
            Move::Skip => here().and_then(|target| input(Input::Skip { target, reason: Some(NOTE.to_owned()) })),
            Move::Rollback | Move::RollbackTo => {
                let free = run.busy.is_none() && matches!(run.stage, Stage::Walking | Stage::AfterRollback);
                let to = (r#move == Move::RollbackTo).then(|| open.target.step.clone());
                input(Input::Rollback { to, by_policy: false }).filter(|_| free)
            }
            Move::Stop => input(Input::Stop { hard: false }).filter(|_| run.busy.is_some()),
            Move::Enough => run.busy.as_ref().and_then(|busy| input(Input::Enough { target: busy.target.clone() })),
            Move::Call => {
                let (contact, _) = self.plan.contacts.first()?;
                input(Input::Aside(Aside::Call(contact.clone())))
            }
            Move::Attach => Some(Deed::Attach),
            Move::Answer => match awaiting {
                Awaiting::Person(target) => Some(self.done(target.clone())),
                _ => None, // nothing is asked
            },
            Move::Extend => input(Input::ExtendWindow { by: Duration::from_mins(30), reason: NOTE.to_owned() }),
            Move::Abandon => input(Input::Abandon { reason: NOTE.to_owned() }).filter(|_| run.busy.is_none()),
            Move::Note => input(Input::Note { step: Some(open.target.step.clone()), text: NOTE.to_owned() }),
            // Where something waits for the world nothing else can be made of waiting.
            Move::Wait => None,
            Move::GoOn => match awaiting {
                Awaiting::Go(_) | Awaiting::Undo(_) => self.again(awaiting),
                _ => None, // there is nothing to go on with
            },
        }
    }

    /// Does what is to be done where nothing is wrong.
    fn ordinary(&mut self, awaiting: Awaiting) -> Option<Deed> {
        let input = |input: Input| Some(Deed::Input(Box::new(input)));
        let run = self.fold.run();
        if let Some(step) = &self.way.back_after
            && !self.rolled_back
            && run.busy.is_none()
            && run.step(&self.plan, step).is_some_and(|state| state.touched() && state.finished())
        {
            self.rolled_back = true;
            return input(Input::Rollback { to: None, by_policy: false });
        }
        match awaiting {
            Awaiting::Decision(step) => {
                let state = run.step(&self.plan, &step)?;
                self.again += 1;
                if state.attempts > TRIES || state.state == StepState::Unknown || self.again > 4 * TRIES {
                    return input(Input::ByHand { target: Target::step(&step), note: NOTE.to_owned() });
                }
                self.again(&Awaiting::Decision(step))
            }
            Awaiting::UndoDecision(target) => {
                if run.undo(&self.plan, &target).is_none_or(|undo| undo.attempts > TRIES) {
                    return input(Input::ByHand { target, note: NOTE.to_owned() });
                }
                self.again(&Awaiting::UndoDecision(target))
            }
            Awaiting::Person(target) => Some(self.done(target)),
            Awaiting::Incomplete => input(Input::Abandon { reason: "the rollback is incomplete".to_owned() }),
            other => self.again(&other),
        }
    }

    /// Ticks the next line of what a person is to do, or hands it in where all are ticked.
    fn done(&self, target: Target) -> Deed {
        let open = self.fold.run().unticked(&self.plan, &target).first().copied();
        match open {
            Some(item) => Deed::Input(Box::new(Input::Tick { target, item, ticked: true })),
            None => Deed::Answer(target),
        }
    }

    /// Says yes to what is awaited.
    fn again(&self, awaiting: &Awaiting) -> Option<Deed> {
        let run = self.fold.run();
        let input = match awaiting {
            Awaiting::Go(step) | Awaiting::Decision(step) => {
                if run.step(&self.plan, step).is_some_and(|state| !state.ahead.is_empty()) {
                    Input::GoAnyway { step: step.clone(), reason: NOTE.to_owned() }
                } else {
                    Input::Go { step: step.clone(), confirmed: true }
                }
            }
            Awaiting::Undo(target) | Awaiting::UndoDecision(target) => Input::Undo { target: target.clone() },
            Awaiting::SignOff(role) => Input::SignOff { step: None, role: role.clone(), name: format!("the {role}") },
            Awaiting::Approval(step, role) => {
                Input::SignOff { step: Some(step.clone()), role: role.clone(), name: format!("the {role}") }
            }
            Awaiting::Quiz(step) => {
                let quiz = self.plan.quiz(step)?;
                Input::Quiz { step: step.clone(), choice: quiz.choices.get(quiz.answer)?.clone() }
            }
            Awaiting::Evidence(step, item) => {
                let (step, item) = (step.clone(), *item);
                let place = usize::try_from(item.checked_sub(1)?).ok()?;
                match &self.plan.step(&step)?.evidence.get(place)?.want {
                    Want::Text => Input::Evidence { step, item, evidence: Evidence::Text { text: NOTE.to_owned() } },
                    // Nobody is there who could bring a file.
                    Want::File | Want::Fingerprint(_) | Want::Output => {
                        Input::EvidenceMissing { step, item, reason: Some(NOTE.to_owned()) }
                    }
                }
            }
            Awaiting::Begin
            | Awaiting::Person(_)
            | Awaiting::World(_)
            | Awaiting::Incomplete
            | Awaiting::Closing
            | Awaiting::Nothing => return None,
        };
        Some(Deed::Input(Box::new(input)))
    }
}

/// Says whether a decision is awaited.
fn decides(awaiting: &Awaiting) -> bool {
    matches!(awaiting, Awaiting::Decision(_) | Awaiting::UndoDecision(_))
}

/// What somebody who walks a drill alone says where words are wanted.
const NOTE: &str = "as the drill has it";
