//! What the unattended front says to what is awaited: what the answers file says, or that a person is needed.

use super::answers::{Given, Unknown, asked};
use super::{Headless, Why};
use crate::engine::undo::{self, UndoAction};
use crate::engine::{Input, Run, Stage, StepState, Target};
use crate::front::Say;
use crate::front::clock::now;
use crate::playbook::plan::{Act, Name, OnFailure, Plan, StepId};
use crate::words;

impl Headless {
    fn needs_person(&mut self, id: &StepId, what: &str, answer: &str) -> Say {
        self.needs_one_of(id, what, answer, "")
    }

    /// Leaves for want of an answer that can be one of several: the first, and in brackets the others.
    fn needs_one_of(&mut self, id: &StepId, what: &str, answer: &str, others: &str) -> Say {
        let line = format!("`{id}: {answer}`{others}");
        let next = format!("put {line} into the answers file, or resume with somebody at the terminal");
        self.leave(Why::PersonNeeded, format!("{id} needs a person: {what}"), &next)
    }

    /// Says so where a rollback would no longer fit into the window after a step.
    pub(super) fn warn(&mut self, plan: &Plan, run: &Run, id: &StepId) {
        let warning = plan.step(id).and_then(|step| run.no_way_back(plan, step, now()));
        if let Some(warning) = warning.filter(|_| !self.dry_run) {
            self.print(&format!("WARN   {id}  {}", words::clocks::no_way_back(&warning)));
        }
    }

    pub(super) fn go(&mut self, plan: &Plan, id: &StepId) -> Option<Say> {
        let step = plan.step(id)?;
        let person = matches!(step.action.act, Act::Person(_));
        if self.dry_run && person {
            return Some(rehearsed(Target::step(id)));
        }
        let answered = self.dry_run || self.answers.step(id).is_some_and(|answer| answer.done);
        if !answered && step.confirm.is_some() {
            return Some(self.needs_person(id, "it must be confirmed", "done"));
        }
        if !answered && person {
            return Some(self.person_needed(plan, id));
        }
        if let Some(what) = attended(&step.action.act).filter(|_| !self.dry_run) {
            let next = "resume with somebody at the terminal";
            return Some(self.leave(Why::PersonNeeded, format!("{id} needs a person: {what}"), next));
        }
        Some(Say::Input(Input::Go { step: id.clone(), confirmed: answered }))
    }

    /// Answers the question of a drill as the answers file says.
    pub(super) fn quiz(&mut self, id: StepId) -> Say {
        match self.answers.step(&id).and_then(|answer| answer.quiz.clone()) {
            Some(choice) => Say::Input(Input::Quiz { step: id, choice }),
            None => self.needs_person(&id, "the drill asks a question about it", "{ quiz: CHOICE }"),
        }
    }

    fn person_needed(&mut self, plan: &Plan, id: &StepId) -> Say {
        match plan.step(id).and_then(|step| asked(&step.action.act).first()) {
            Some(spec) => {
                let answer = format!("{{ {}: … }}", spec.name);
                self.needs_person(id, "it asks for something", &answer)
            }
            None => self.needs_person(id, "it is done or confirmed by hand", "done"),
        }
    }

    /// Gives the evidence that is asked for, or passes over what is optional.
    pub(super) fn evidence(&mut self, plan: &Plan, run: &Run, step: StepId, item: u32) -> Say {
        if self.dry_run {
            let reason = Some("dry run: nobody was asked".to_owned());
            return Say::Input(Input::EvidenceMissing { step, item, reason });
        }
        let Some((_, _, spec)) = run.owed(plan) else { return Say::Quit };
        let items = plan.step(&step).map(|step| step.evidence.as_slice()).unwrap_or_default();
        let before = items.iter().take(item.saturating_sub(1) as usize).filter(|spec| spec.asks()).count();
        match self.answers.step(&step).and_then(|answer| answer.evidence.get(before)).cloned() {
            Some(Given::Offer(offer)) => Say::Evidence { step, item, offer },
            Some(Given::Skip(reason)) => Say::Input(Input::EvidenceMissing { step, item, reason: Some(reason) }),
            None if spec.optional => Say::Input(Input::EvidenceMissing { step, item, reason: None }),
            None => {
                let what = format!("evidence is asked for: {}", words::fill(&spec.title, run));
                self.needs_person(&step, &what, "{ evidence: [ … ] }")
            }
        }
    }

    /// Ticks the next line of what was done, by the word that says so; none where all are ticked.
    fn tick(plan: &Plan, run: &Run, target: &Target) -> Option<Say> {
        let item = run.unticked(plan, target).into_iter().next()?;
        Some(Say::Input(Input::Tick { target: target.clone(), item, ticked: true }))
    }

    pub(super) fn person(&mut self, plan: &Plan, run: &Run, target: Target) -> Say {
        if self.dry_run {
            return rehearsed(target);
        }
        let answer = self.answers.step(&target.step);
        match target.undo {
            Some(_) => self.undo_by_hand(plan, run, target),
            None => match answer {
                Some(answer) if answer.done => {
                    let answers = answer.values.clone();
                    Self::tick(plan, run, &target).unwrap_or(Say::Answer { target, answers })
                }
                Some(_) | None => self.person_needed(plan, &target.step),
            },
        }
    }

    /// Answers an action of an undo that a person does: with what it asks for, and nothing else that was answered.
    fn undo_by_hand(&mut self, plan: &Plan, run: &Run, target: Target) -> Say {
        let asked = match undo::action(plan, &target) {
            Some(UndoAction::Author(action)) => asked(&action.act),
            Some(UndoAction::Restore) | None => &[],
        };
        let said = self.answers.step(&target.step).and_then(|answer| answer.undo.as_ref());
        let answers = said.map(|said| {
            let fits = |name: &Name| asked.iter().any(|spec| spec.name == *name);
            said.iter().filter(|(name, _)| fits(name)).cloned().collect::<Vec<_>>()
        });
        match answers {
            Some(answers) if answers.len() == asked.len() => {
                Self::tick(plan, run, &target).unwrap_or(Say::Answer { target, answers })
            }
            Some(_) | None => {
                let answer = match asked.first() {
                    Some(spec) => format!("{{ undo: {{ {}: … }} }}", spec.name),
                    None => "{ undo: done }".to_owned(),
                };
                self.needs_person(&target.step, "a part of its rollback is done by hand", &answer)
            }
        }
    }

    pub(super) fn decide(&mut self, plan: &Plan, run: &Run, id: StepId) -> Option<Say> {
        let step = run.step(plan, &id)?;
        let (state, refused_ahead) = (step.state, !step.ahead.is_empty());
        if refused_ahead && self.answers.step(&id).is_some_and(|answer| answer.go_on_anyway) {
            let reason = "the answers file says to go on".to_owned();
            return Some(Say::Input(Input::GoAnyway { step: id, reason }));
        }
        if state == StepState::Unknown && !refused_ahead {
            return Some(match self.answers.step(&id).and_then(|answer| answer.unknown) {
                Some(Unknown::Done) => by_hand(Target::step(&id)),
                Some(Unknown::Retry) => Say::Input(Input::Go { step: id, confirmed: true }),
                Some(Unknown::Undo) => Say::Input(Input::Rollback { to: Some(id), by_policy: true }),
                None => {
                    let what = "it was interrupted and its outcome is unknown";
                    self.needs_one_of(&id, what, "{ unknown: done }", " (or retry, or undo)")
                }
            });
        }
        if self.dry_run {
            let reason = Some("a dry run goes on".to_owned());
            return Some(Say::Input(Input::Skip { target: Target::step(&id), reason }));
        }
        // Whoever resumes a run that stands at a failed step says that it is to be tried again, where that is harmless; a
        // step that changes something may have done so before it failed, and needs a word of its own.
        let harmless = refused_ahead || plan.step(&id).is_some_and(|step| !step.changes());
        let told = self.answers.step(&id).is_some_and(|answer| answer.unknown == Some(Unknown::Retry));
        if self.failed_before.take_if(|failed| *failed == id).is_some() && (harmless || told) {
            self.print(&format!("again  {id}  it failed before this process"));
            return self.go(plan, &id);
        }
        if run.stage == Stage::AfterRollback {
            let what = format!("{id} failed after the rollback");
            return Some(self.leave(Why::RollbackIncomplete, what, "see to it by hand, then `runsheet resume`"));
        }
        Some(match self.on_failure {
            Some(OnFailure::Rollback) => Say::Input(Input::Rollback { to: None, by_policy: true }),
            Some(OnFailure::Stop) => {
                let what = format!("{id} failed, and --on-failure says stop");
                self.leave(Why::Failed, what, "the run is open: `runsheet resume`, or `runsheet rollback RUN`")
            }
            Some(OnFailure::Ask | OnFailure::Continue) | None => {
                let what = format!("{id} failed, and somebody must decide");
                self.leave(Why::PersonNeeded, what, "`runsheet resume`, or say --on-failure stop or rollback")
            }
        })
    }

    /// Carries out the next action of a rollback, if somebody or something confirmed all of them.
    pub(super) fn undo(&mut self, plan: &Plan, run: &Run, target: Target) -> Say {
        let by_policy = run.rollback.as_ref().is_some_and(|rollback| rollback.by_policy);
        if !(by_policy || self.only_rollback || self.dry_run || self.on_failure == Some(OnFailure::Rollback)) {
            let what = format!("the rollback stands at {}, and each of its actions is confirmed", target.step);
            return self.leave(Why::PersonNeeded, what, "`runsheet rollback RUN --unattended` confirms all of them");
        }
        let needs = match undo::action(plan, &target) {
            Some(UndoAction::Author(action)) => attended(&action.act).filter(|_| !self.dry_run),
            Some(UndoAction::Restore) | None => None,
        };
        if let Some(what) = needs {
            let what = format!("the rollback of {} needs a person: {what}", target.step);
            return self.leave(Why::PersonNeeded, what, "`runsheet rollback RUN` with somebody at the terminal");
        }
        let by_hand = match undo::action(plan, &target) {
            Some(UndoAction::Author(action)) => matches!(action.act, Act::Person(_)),
            Some(UndoAction::Restore) | None => false,
        };
        if by_hand && !self.dry_run && self.answers.step(&target.step).is_none_or(|answer| answer.undo.is_none()) {
            return self.needs_person(&target.step, "a part of its rollback is done by hand", "{ undo: done }");
        }
        Say::Input(Input::Undo { target })
    }

    pub(super) fn decide_undo(&mut self, plan: &Plan, run: &Run, target: Target) -> Option<Say> {
        let unknown = run.undo(plan, &target)?.state == StepState::Unknown;
        if !unknown {
            let reason = Some("it failed, and nobody was there to decide".to_owned());
            return Some(Say::Input(Input::Skip { target, reason }));
        }
        // Putting files back twice gives the same files.
        if matches!(undo::action(plan, &target), Some(UndoAction::Restore)) {
            return Some(Say::Input(Input::Undo { target }));
        }
        Some(match self.answers.step(&target.step).and_then(|answer| answer.unknown) {
            Some(Unknown::Done) => by_hand(target),
            Some(Unknown::Retry | Unknown::Undo) => Say::Input(Input::Undo { target }),
            None => {
                let what = "an action of its rollback was interrupted and its outcome is unknown";
                self.needs_one_of(&target.step, what, "{ unknown: done }", " (or retry)")
            }
        })
    }
}

fn by_hand(target: Target) -> Say {
    Say::Input(Input::ByHand { target, note: "the answers file says that it was done".to_owned() })
}

fn rehearsed(target: Target) -> Say {
    Say::Input(Input::ByHand { target, note: "dry run: nobody was asked".to_owned() })
}

/// Says what only a person can do while a command runs, if there is anything.
fn attended(act: &Act) -> Option<&'static str> {
    let enough = act.until().is_some_and(|until| until.matches.is_none());
    if act.has_terminal() {
        Some("its program is attended at a terminal")
    } else {
        enough.then_some("it goes on until somebody has seen enough; a line that its `until` `matches` would do")
    }
}
