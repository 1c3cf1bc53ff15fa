//! What a typed line means for the question that stands.

use std::sync::Arc;
use std::time::Instant;

use zeroize::Zeroizing;

use super::desk::Desk;
use super::keys::Line;
use super::question::{Free, Key, Last, Purpose, Question, Work};
use super::show;
use crate::engine::{Awaiting, Input, StepRun, Target};
use crate::front::extending;
use crate::front::keys::{self, Deed};
use crate::front::paste::{Into, repair};
use crate::front::{Answer, Offer, Say};
use crate::output::visible_plain;
use crate::playbook::plan::{EvidenceSpec, InputKind, InputSpec, Step, StepId};
use crate::secret::Secret;
use crate::words::fill;

/// What follows from a line.
pub(super) enum Next {
    /// The question stands, or another one does.
    Ask(Question),
    /// Something was said.
    Said(Say),
}

/// Words the question for a line of words.
pub(super) fn wording(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Skip(_, Free::No) => "Why is it skipped?",
        Purpose::Skip(_, Free::Yes) => "Why is it skipped? (Enter leaves it unsaid)",
        Purpose::NoEvidence(.., Free::No) => "Why is this evidence not given?",
        Purpose::NoEvidence(.., Free::Yes) => "Why is it not given? (Enter leaves it unsaid)",
        Purpose::Anyway(_) => "Why does it start all the same? What is refused later is yours to see to.",
        Purpose::ByHand(_) => "What did you do?",
        Purpose::Overrun => {
            "The window is over. Why does the run go on? (:p goes back, where `extend` makes it longer)"
        }
        Purpose::Extend => extending::WORDING,
        Purpose::Note(_) => "Your note:",
        Purpose::Abandon => "The run is given up for good and what it changed stays. Why?",
        Purpose::Refuser(..) => "Who refuses? Type your name.",
        Purpose::Refuse(..) => "Why do you refuse to sign?",
    }
}

impl Desk {
    /// Lists what can be typed in answer to a question.
    pub(super) fn offers(&self, question: &Question) -> Vec<Key> {
        let probes = |target: &Target| show::action(&self.plan, target).is_some_and(|action| !action.verify.is_empty());
        let touched = self.run.steps.iter().any(StepRun::touched);
        let mut keys = match question {
            Question::Go(_) => vec![Key::Start, Key::Skip, Key::ByHand],
            Question::Confirm(_) | Question::Rollback(_) | Question::CopySecret(_) => {
                return vec![Key::Yes, Key::Back, Key::Help];
            }
            Question::Quiz(_) => Vec::new(),
            Question::HowFar | Question::Copy(_) | Question::Call => return vec![Key::Back, Key::Help],
            Question::Words(_) => return vec![Key::Back],
            Question::Work(Work { ticks, .. }) if !ticks.is_empty() => vec![Key::Tick, Key::Skip, Key::ByHand],
            Question::Work(Work { asks, .. }) if !asks.is_empty() => vec![Key::Skip, Key::ByHand],
            Question::Work(Work { last: Last::Holds, .. }) => vec![Key::Yes, Key::Skip],
            Question::Work(_) => vec![Key::Done, Key::Skip, Key::ByHand],
            Question::Decision(id) => {
                // What a command was to capture when its end was not seen is fetched before anything is run again.
                let lost = self.run.step(&self.plan, id).is_some_and(StepRun::lost);
                let fetch = self.plan.step(id).and_then(|step| step.recapture.as_ref()).map(|_| Key::Fetch);
                let mut keys: Vec<Key> = fetch.filter(|_| lost).into_iter().collect();
                keys.push(Key::Again);
                keys.extend(probes(&Target::step(id)).then_some(Key::Verify));
                keys.extend(fetch.filter(|_| !lost));
                let refused = self.run.step(&self.plan, id).is_some_and(|step| !step.ahead.is_empty());
                keys.extend(refused.then_some(Key::Anyway));
                keys.extend([Key::ByHand, Key::Skip]);
                keys
            }
            Question::Undo(_) => vec![Key::Yes, Key::Skip, Key::ByHand],
            Question::UndoDecision(target) => {
                let mut keys = vec![Key::Again];
                keys.extend(probes(target).then_some(Key::Verify));
                keys.extend([Key::ByHand, Key::Skip]);
                keys
            }
            Question::Incomplete => vec![Key::RollBack, Key::Abandon],
            Question::Evidence(..) => vec![Key::Skip],
            Question::Sign(None, _) => vec![Key::Refuse],
            Question::Sign(Some(_), _) => vec![Key::Refuse, Key::Skip],
        };
        let undoing = matches!(question, Question::Undo(_) | Question::UndoDecision(_) | Question::Incomplete);
        let in_undo = matches!(question, Question::Work(Work { target: Target { undo: Some(_), .. }, .. }));
        if touched && !undoing && !in_undo {
            keys.push(Key::RollBack);
        }
        let step = step_of(question).and_then(|id| self.plan.step(&id));
        let (why, hint) = (step.is_some_and(|step| step.why.is_some()), step.is_some_and(|step| step.hint.is_some()));
        keys.push(Key::Note);
        keys.extend(self.may_copy(target_of(question).as_ref()).then_some(Key::Copy));
        keys.extend(why.then_some(Key::Why));
        keys.extend(hint.then_some(Key::Hint));
        keys.extend(self.may_call().then_some(Key::Call));
        keys.push(Key::Steps);
        keys.extend((self.run.window_from.is_some() && self.plan.window.is_some()).then_some(Key::Extend));
        if !matches!(question, Question::Incomplete) && !question.free() {
            keys.push(Key::Abandon);
        }
        keys.push(Key::Quit);
        keys.extend(self.hosted().then_some(Key::Detach));
        keys.push(Key::Help);
        keys
    }

    /// Takes a line that was read at a time.
    pub(super) fn hear(&mut self, line: &Line, at: Instant) {
        let text = match line {
            Line::Text(text) => text.as_str(),
            Line::Unreadable => {
                self.print("That was no text in UTF-8, or too long a line, so it was not taken.");
                if let Some(question) = self.question.take() {
                    self.go_on(question);
                }
                return;
            }
            Line::End => return self.ended(),
        };
        if self.watching() {
            return self.watcher_says(text.trim());
        }
        if !self.in_time(at) {
            self.print("That came before the question was asked, so it was not taken.");
            return;
        }
        let Some(question) = self.question.take() else { return self.meanwhile(text) };
        let free = question.free();
        let offers = self.offers(&question);
        let next = match Key::typed(text, &offers, free) {
            Some(key) => self.act(question, key),
            None if free => self.free_text(question, text),
            None => {
                self.print(if text.trim().is_empty() { "Enter says nothing here." } else { "That is none of these:" });
                Next::Ask(question)
            }
        };
        match next {
            Next::Ask(question) => self.go_on(question),
            Next::Said(say) => {
                self.handed_in = matches!(say, Say::Answer { .. });
                self.say(say);
            }
        }
    }

    /// Takes a line that was typed while something ran.
    fn meanwhile(&mut self, text: &str) {
        let Some(busy) = self.run.busy.clone() else {
            self.print("Nothing is asked at this moment, so that was not taken.");
            return;
        };
        let is = |text: &str, deed: Deed| {
            text.eq_ignore_ascii_case(deed.letter.encode_utf8(&mut [0; 4])) || text.eq_ignore_ascii_case(deed.label)
        };
        match text.trim() {
            enough if is(enough, keys::ENOUGH) && self.ends_with_enough(&busy.target) => {
                self.say(Say::Input(Input::Enough { target: busy.target }));
            }
            stop if is(stop, keys::STOP) => self.say(Say::Input(Input::Stop { hard: busy.stopping })),
            leave if is(leave, keys::LEAVE) => self.say(Say::Quit),
            detach if is(detach, keys::DETACH) && self.hosted() => self.detach(),
            _ => {
                let detach = if self.hosted() { ", d leaves it running" } else { "" };
                let enough =
                    if self.ends_with_enough(&busy.target) { " e ends it, once you have seen enough." } else { "" };
                let line = format!(
                    "{} is at work, so that was not taken.{enough} x stops it (again: at once), q stops it and leaves{detach}.",
                    show::name(&busy.target)
                );
                self.print(&line);
            }
        }
    }

    fn has_terminal(&self, target: &Target) -> bool {
        show::action(&self.plan, target).is_some_and(|action| action.act.has_terminal())
    }

    /// Says whether the operator's word is the success of what runs.
    pub(super) fn ends_with_enough(&self, target: &Target) -> bool {
        let until = show::action(&self.plan, target).and_then(|action| action.act.until());
        until.is_some_and(|until| until.enough)
    }

    fn act(&mut self, question: Question, key: Key) -> Next {
        let target = target_of(&question);
        let starts = matches!(key, Key::Start | Key::Again | Key::Yes);
        if starts && target.as_ref().is_some_and(|target| self.has_terminal(target)) {
            let attach = if self.hosted() {
                "d leaves the run to its host, and `runsheet attach` shows it there"
            } else {
                "q leaves, and `runsheet resume` shows it there"
            };
            self.print(&format!(
                "Its program has a terminal of its own and needs the full screen: {attach}. Or do it by hand (h)."
            ));
            return Next::Ask(question);
        }
        match (key, question) {
            (Key::Start, Question::Go(id)) | (Key::Again, Question::Decision(id)) => {
                let step = self.plan.step(&id);
                let lines = show::no_way_back(&self.plan, &self.run, &id, (self.clock)());
                if step.is_some_and(Step::deliberate) || !lines.is_empty() {
                    let lines = [self.warning(&id), lines].concat();
                    self.lines(&lines);
                    return Next::Ask(Question::Confirm(id));
                }
                Next::Said(Say::Input(Input::Go { step: id, confirmed: false }))
            }
            (Key::Yes, Question::Confirm(id)) => Next::Said(Say::Input(Input::Go { step: id, confirmed: true })),
            (Key::Yes, Question::Rollback(to)) => Next::Said(Say::Input(Input::Rollback { to, by_policy: false })),
            (Key::Yes, Question::Undo(target)) | (Key::Again, Question::UndoDecision(target)) => {
                Next::Said(Say::Input(Input::Undo { target }))
            }
            (Key::Tick, Question::Work(work)) => self.ticked(work),
            (Key::Done | Key::Yes, Question::Work(work)) => answered(work),
            (Key::Verify, question) => match target {
                Some(target) => Next::Said(Say::Input(Input::VerifyAgain { target })),
                None => Next::Ask(question),
            },
            (Key::Fetch, Question::Decision(step)) => Next::Said(Say::Input(Input::Recapture { step })),
            (Key::Anyway, Question::Decision(step)) => {
                let purpose = Purpose::Anyway(step.clone());
                self.words(Question::Decision(step), Some(purpose))
            }
            (Key::ByHand, question) => self.words(question, target.map(Purpose::ByHand)),
            (Key::Skip, Question::Evidence(step, item)) => self.pass_over(step, item),
            (Key::Skip, question) => {
                let purpose = target.map(|target| {
                    let free = self.may_skip_freely(&target);
                    Purpose::Skip(target, free)
                });
                self.words(question, purpose)
            }
            (Key::Note, question) => {
                let step = step_of(&question);
                self.words(question, Some(Purpose::Note(step)))
            }
            (Key::Extend, question) => self.words(question, Some(Purpose::Extend)),
            (Key::Abandon, question) => {
                let lines = show::rollback(&self.plan, &self.run, None);
                self.print("What stays as it is, and what a rollback would do about it instead:");
                self.lines(&lines);
                self.words(question, Some(Purpose::Abandon))
            }
            (Key::Refuse, Question::Sign(step, role)) => {
                let purpose = Purpose::Refuser(step.clone(), role.clone());
                self.words(Question::Sign(step, role), Some(purpose))
            }
            (Key::RollBack, question) => {
                let lines = show::rollback(&self.plan, &self.run, None);
                self.lines(&lines);
                self.aside = Some(question);
                Next::Ask(Question::HowFar)
            }
            (Key::Back, question) => match self.aside.take() {
                Some(before) => Next::Ask(before),
                None => self.back(question),
            },
            (Key::Copy, question) => self.open_copying(question, target.as_ref()),
            (Key::Yes, Question::CopySecret(name)) => self.ask_for_secret(name),
            (key @ (Key::Why | Key::Hint), question) => self.explain(question, key == Key::Hint),
            (Key::Call, question) => self.open_calling(question),
            (Key::Steps, question) => {
                let lines = show::steps(&self.plan, &self.run);
                self.lines(&lines);
                Next::Ask(question)
            }
            (Key::Quit, _) => Next::Said(Say::Quit),
            (Key::Detach, _) => Next::Said(super::seat::left()),
            (Key::Help, question) => {
                let lines = Key::help(&self.offers(&question), question.free());
                self.lines(&lines);
                Next::Ask(question)
            }
            // A key is offered only with the questions above.
            (_, question) => Next::Ask(question),
        }
    }

    /// Puts a question aside for a line of words.
    fn words(&mut self, question: Question, purpose: Option<Purpose>) -> Next {
        let Some(purpose) = purpose else { return Next::Ask(question) };
        self.aside = Some(question);
        Next::Ask(Question::Words(purpose))
    }

    /// Goes back from a question that had none put aside.
    fn back(&mut self, question: Question) -> Next {
        match question {
            Question::Confirm(id) => match self.asked {
                Some(Awaiting::Decision(_)) => Next::Ask(Question::Decision(id)),
                _ => Next::Ask(Question::Go(id)),
            },
            // The operator came for this rollback: what is there without it?
            Question::Rollback(to) => match self.reopened() {
                Some(question) => Next::Ask(question),
                None if self.run.awaiting(&self.plan) == Awaiting::Nothing => Next::Said(Say::Quit),
                None => Next::Ask(Question::Rollback(to)),
            },
            other => Next::Ask(other),
        }
    }

    /// Sets the warnings of a step.
    fn warning(&self, id: &StepId) -> Vec<String> {
        let Some(step) = self.plan.step(id) else { return Vec::new() };
        let confirm = step.confirm.iter().flat_map(|text| show::said("CAREFUL", &fill(text, &self.run)));
        let irreversible = step
            .irreversible
            .iter()
            .flat_map(|text| show::said("CAREFUL", &format!("this cannot be undone: {}", fill(text, &self.run))));
        confirm.chain(irreversible).collect()
    }

    fn may_skip_freely(&self, target: &Target) -> Free {
        let step = self.plan.step(&target.step).filter(|_| target.undo.is_none());
        let free = step.is_some_and(Step::free_to_skip);
        if free { Free::Yes } else { Free::No }
    }

    /// Takes an answer in one's own text.
    fn free_text(&mut self, question: Question, text: &str) -> Next {
        match question {
            Question::Work(work) => self.value(work, text),
            Question::Sign(step, role) => match text.trim() {
                "" => {
                    self.print("A name is needed to sign.");
                    Next::Ask(Question::Sign(step, role))
                }
                name => Next::Said(Say::Input(Input::SignOff { step, role, name: name.to_owned() })),
            },
            Question::Evidence(step, item) => self.proof(step, item, text.trim()),
            Question::HowFar => self.how_far(text.trim()),
            Question::Copy(found) => self.copy_one(found, text.trim()),
            Question::Call => self.call(text.trim()),
            Question::Quiz(step) => self.quiz(step, text.trim()),
            Question::Words(purpose) => self.said(purpose, text.trim()),
            // The others are answered by keys.
            other => Next::Ask(other),
        }
    }

    /// Ticks the line that was asked for.
    fn ticked(&mut self, mut work: Work) -> Next {
        if let Some((item, _)) = work.ticks.pop() {
            self.say(Say::Input(Input::Tick { target: work.target.clone(), item, ticked: true }));
        }
        finished(work)
    }

    /// Asks why an item of evidence is not given.
    fn pass_over(&mut self, step: StepId, item: u32) -> Next {
        let free = if self.may_lack(&step, item) { Free::Yes } else { Free::No };
        let purpose = Purpose::NoEvidence(step.clone(), item, free);
        self.words(Question::Evidence(step, item), Some(purpose))
    }

    /// Takes what was typed as evidence.
    fn proof(&mut self, step: StepId, item: u32, text: &str) -> Next {
        let spec = self.proof_wanted(&step, item).cloned();
        match spec {
            Some(spec) if !text.is_empty() => Next::Said(Say::Evidence { step, item, offer: Offer::of(&spec, text) }),
            Some(spec) if spec.optional => Next::Said(Say::Input(Input::EvidenceMissing { step, item, reason: None })),
            Some(_) | None => {
                self.print("Nothing was typed. :s passes over it, with a reason.");
                Next::Ask(Question::Evidence(step, item))
            }
        }
    }

    /// Finds what is wanted as an item of evidence.
    pub(super) fn proof_wanted(&self, step: &StepId, item: u32) -> Option<&EvidenceSpec> {
        self.plan.step(step)?.evidence.get(usize::try_from(item).ok()?.checked_sub(1)?)
    }

    fn may_lack(&self, step: &StepId, item: u32) -> bool {
        self.proof_wanted(step, item).is_some_and(|spec| spec.optional)
    }

    fn how_far(&mut self, text: &str) -> Next {
        let to = if text.is_empty() { None } else { Some(StepId::new(text)) };
        if let Some(id) = &to
            && !self.run.step(&self.plan, id).is_some_and(StepRun::touched)
        {
            let line = visible_plain(&format!("{text} is no step that has started. Those that have:"));
            self.print(&line);
            let plan = Arc::clone(&self.plan);
            let started = plan.steps.iter().zip(&self.run.steps).filter(|(_, state)| state.touched());
            let started: Vec<String> = started.map(|(step, _)| format!("  {}", step.id)).collect();
            self.lines(&started);
            return Next::Ask(Question::HowFar);
        }
        if to.is_some() {
            let lines = show::rollback(&self.plan, &self.run, to.as_ref());
            self.lines(&lines);
        }
        Next::Ask(Question::Rollback(to))
    }

    fn said(&mut self, purpose: Purpose, text: &str) -> Next {
        let said = text.to_owned();
        if said.is_empty() && !matches!(purpose, Purpose::Skip(_, Free::Yes) | Purpose::NoEvidence(.., Free::Yes)) {
            self.print("A few words are needed, for whoever reads the record.");
            return Next::Ask(Question::Words(purpose));
        }
        if !matches!(purpose, Purpose::Note(_) | Purpose::Refuser(..) | Purpose::Extend | Purpose::Overrun) {
            self.aside = None;
        }
        Next::Said(Say::Input(match purpose {
            Purpose::Skip(target, _) => Input::Skip { target, reason: Some(said).filter(|said| !said.is_empty()) },
            Purpose::NoEvidence(step, item, _) => {
                Input::EvidenceMissing { step, item, reason: Some(said).filter(|said| !said.is_empty()) }
            }
            Purpose::Anyway(step) => Input::GoAnyway { step, reason: said },
            Purpose::ByHand(target) => Input::ByHand { target, note: said },
            Purpose::Overrun => Input::Overrun { reason: said, by_policy: false },
            Purpose::Extend => match extending::extension(&said) {
                Ok((by, reason)) => Input::ExtendWindow { by, reason },
                Err(why) => {
                    self.print(&visible_plain(&format!("Not done: {why}.")));
                    return Next::Ask(Question::Words(Purpose::Extend));
                }
            },
            Purpose::Note(step) => Input::Note { step, text: said },
            Purpose::Abandon => Input::Abandon { reason: said },
            Purpose::Refuser(step, role) => return Next::Ask(Question::Words(Purpose::Refuse(step, role, said))),
            Purpose::Refuse(step, role, name) => Input::RefuseSignOff { step, role, name, reason: said },
        }))
    }

    /// Takes a value that was asked for.
    fn value(&mut self, mut work: Work, text: &str) -> Next {
        let Some(spec) = work.asks.last() else { return answered(work) };
        // Left to the place that the playbook names for it.
        if text.is_empty() && spec.default.is_none() && spec.from.is_some() {
            work.asks.pop();
            return finished(work);
        }
        // What a script sends through a pipe is meant as it is.
        let (text, said) = if self.keys.terminal() { repaired(spec, text) } else { (text.to_owned().into(), None) };
        match take(spec, &text, &|template| fill(template, &self.run)) {
            Ok(answer) => {
                if let Some(line) = taken(&answer, said) {
                    self.print(&line);
                }
                work.given.push((spec.name.clone(), answer));
                work.asks.pop();
                finished(work)
            }
            Err(why) => {
                let line = format!("{} {why}.", spec.name);
                self.print(&line);
                Next::Ask(Question::Work(work))
            }
        }
    }
}

/// Takes off a line what a paste brought along, and says what.
pub(super) fn repaired(spec: &InputSpec, text: &str) -> (Zeroizing<String>, Option<String>) {
    let into = if spec.kind == InputKind::Secret { Into::Secret } else { Into::Line };
    match repair(text, into) {
        Ok(repaired) => (repaired.text, repaired.said),
        // No line is as long as that; if it were, the input judges it as it is.
        Err(_) => (text.to_owned().into(), None),
    }
}

/// Says what was taken, where it cannot be seen, and what was changed.
pub(super) fn taken(answer: &Answer, said: Option<String>) -> Option<String> {
    match (answer, said) {
        (Answer::Secret(secret), None) => Some(format!("Taken: {} characters.", secret.chars())),
        (Answer::Secret(secret), Some(said)) => Some(format!("Taken: {} characters; {said}.", secret.chars())),
        (Answer::Text(_), said) => said.map(|said| format!("Taken; {said}.")),
    }
}

/// Takes a text as the answer to an input. Nothing typed is its default, where it has one.
pub(super) fn take(
    spec: &InputSpec,
    text: &str,
    filled: &dyn Fn(&crate::playbook::plan::Template) -> String,
) -> Result<Answer, String> {
    let default = spec.default.as_ref().filter(|_| text.is_empty()).map(filled);
    let value = spec.accepts(default.as_deref().unwrap_or(text))?;
    Ok(match spec.kind {
        InputKind::Secret => Answer::Secret(Secret::new(value)),
        InputKind::Text
        | InputKind::Choice(_)
        | InputKind::Path
        | InputKind::Integer
        | InputKind::Boolean
        | InputKind::Url
        | InputKind::Duration => Answer::Text(value),
    })
}

/// Goes on with what a person does, or says that it is done where nothing is left.
fn finished(work: Work) -> Next {
    let left = !work.ticks.is_empty() || !work.asks.is_empty() || work.last != Last::Said;
    if left { Next::Ask(Question::Work(work)) } else { answered(work) }
}

fn answered(work: Work) -> Next {
    Next::Said(Say::Answer { target: work.target, answers: work.given })
}

/// Returns what a question is about.
fn target_of(question: &Question) -> Option<Target> {
    match question {
        Question::Go(id) | Question::Confirm(id) | Question::Decision(id) | Question::Quiz(id) => {
            Some(Target::step(id))
        }
        Question::Work(work) => Some(work.target.clone()),
        Question::Undo(target) | Question::UndoDecision(target) => Some(target.clone()),
        Question::Incomplete
        | Question::HowFar
        | Question::Rollback(_)
        | Question::Copy(_)
        | Question::Call
        | Question::CopySecret(_)
        | Question::Sign(None, _)
        | Question::Words(_) => None,
        Question::Sign(Some(step), _) | Question::Evidence(step, _) => Some(Target::step(step)),
    }
}

pub(super) fn step_of(question: &Question) -> Option<StepId> {
    target_of(question).map(|target| target.step)
}
