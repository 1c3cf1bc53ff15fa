//! A session for tests of fronts: the real engine, no disk, no world, a clock that stands still unless it is told to go on.
//!
//! It takes what a front says in the order of the real session: ask the front, then hand it the records of the turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Answer, Front, Offer, Say, Update};
use crate::engine::{
    Begun, Effect, Engine, Evidence, Finding, Foreseen, How, Input, Outcome, Record, Refusal, Stamped, Target, Turn,
    Verdict,
};
use crate::playbook::check;
use crate::playbook::plan::{Name, Plan};

/// Takes an item of evidence as the session would, without a file being there.
pub(super) fn taken(offer: Offer) -> Evidence {
    match offer {
        Offer::Text(text) => Evidence::Text { text },
        Offer::File(path) => Evidence::File {
            name: path.display().to_string(),
            kept: "kept".to_owned(),
            sha256: "00".to_owned(),
            size: 1,
        },
    }
}

/// What the world does: by step, how its command ends, attempt by attempt. Everything else goes well.
pub(super) type World = BTreeMap<&'static str, Vec<How>>;

/// A session.
pub(super) struct Bench<F> {
    pub(super) engine: Engine,
    pub(super) front: F,
    pub(super) world: World,
    pub(super) records: Vec<Record>,
    pub(super) over: bool,
    pub(super) refused: Vec<Refusal>,
    pub(super) preview: Result<String, String>,
    /// What the next look ahead finds.
    pub(super) foreseen: Vec<Foreseen>,
    /// The time, and how long every input takes.
    pub(super) now: Timestamp,
    pub(super) tick: SignedDuration,
    pending: Turn,
    previewed: bool,
}

/// Reads a playbook.
pub(super) fn plan(yaml: &str) -> Arc<Plan> {
    match check(yaml) {
        Ok(checked) => Arc::new(checked.plan),
        Err(faults) => panic!("{:?}", faults.iter().map(|fault| fault.render("test", yaml)).collect::<Vec<_>>()),
    }
}

impl<F: Front> Bench<F> {
    pub(super) fn new(plan: &Arc<Plan>, front: F) -> Self {
        Self {
            engine: Engine::new(Arc::clone(plan)),
            front,
            world: World::new(),
            records: Vec::new(),
            over: false,
            refused: Vec::new(),
            preview: Ok("-OLD=1\n+OLD=2\n".to_owned()),
            foreseen: Vec::new(),
            now: Timestamp::UNIX_EPOCH,
            tick: SignedDuration::ZERO,
            pending: Turn::default(),
            previewed: false,
        }
    }

    /// Begins the run with some values and lets it go on until somebody must say something.
    pub(super) fn begin(&mut self, values: &[(&str, &str)]) {
        let (secrets, texts): (Vec<_>, Vec<_>) =
            values.iter().partition(|(name, _)| self.engine.plan().is_secret(&Name::new(name)));
        let begun = Begun {
            run: "01TEST".into(),
            title: "T".into(),
            included: BTreeMap::new(),
            operator: "ann".into(),
            values: texts.iter().map(|(name, value)| (Name::new(name), (*value).to_owned())).collect(),
            secrets: secrets.iter().map(|(name, _)| Name::new(name)).collect(),
            ..Begun::default()
        };
        self.front.take(Update::Live);
        self.input(Input::Begin { begun: Box::new(begun), typed: None });
        self.settle();
    }

    /// Takes over records of an earlier process, then resumes.
    pub(super) fn resume(&mut self, records: &[Record], then: Vec<Input>) {
        for record in records {
            let stamped = Stamped { at: Timestamp::UNIX_EPOCH, record: record.clone() };
            self.engine.replay(&stamped);
            self.front.take(Update::Record(Arc::new(stamped)));
        }
        self.front.take(Update::Live);
        for input in then {
            self.input(input);
        }
        self.settle();
    }

    /// Says something for a front that speaks by a channel.
    pub(super) fn say(&mut self, say: Say) {
        self.hear(say);
        self.settle();
    }

    fn input(&mut self, input: Input) {
        self.now += self.tick;
        match self.engine.handle(input, self.now) {
            Ok(turn) => {
                self.pending.records.extend(turn.records);
                self.pending.effects.extend(turn.effects);
            }
            Err(refusal) => {
                self.refused.push(refusal.clone());
                self.hand_out();
                self.front.take(Update::Refused(refusal));
            }
        }
    }

    fn hear(&mut self, say: Say) {
        match say {
            Say::Input(input) => self.input(input),
            Say::Answer { target, answers } => {
                let (mut values, mut secrets) = (BTreeMap::new(), Vec::new());
                for (name, answer) in answers {
                    match answer {
                        Answer::Text(text) => drop(values.insert(name, text)),
                        Answer::Secret(_) => secrets.push(name),
                    }
                }
                self.input(Input::Answer { target, values, secrets, fingerprints: BTreeMap::new() });
            }
            Say::Quit | Say::Detach(_) => self.over = true,
            Say::Evidence { step, item, offer } => {
                self.input(Input::Evidence { step, item, evidence: taken(offer) });
            }
            Say::Sign { .. }
            | Say::Preview(_)
            | Say::TakeOver
            | Say::Presence(_)
            | Say::Type { .. }
            | Say::Size { .. } => {}
        }
    }

    fn hand_out(&mut self) -> Vec<Effect> {
        let turn = std::mem::take(&mut self.pending);
        for stamped in turn.records {
            self.records.push(stamped.record.clone());
            self.front.take(Update::Record(Arc::new(stamped)));
        }
        turn.effects
    }

    /// Goes round until nothing moves.
    fn settle(&mut self) {
        for _ in 0..100_000 {
            while !self.over {
                let Some(say) = self.front.answer(self.engine.plan(), self.engine.run()) else { break };
                self.hear(say);
                if self.engine.run().busy.is_some() {
                    break;
                }
            }
            let effects = self.hand_out();
            if self.over {
                self.front.take(Update::Over);
                return;
            }
            self.show_diff();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.carry_out(effect);
            }
        }
        panic!("the run never comes to rest");
    }

    /// Hands a diff over when it is the turn of an edit.
    fn show_diff(&mut self) {
        use crate::engine::Awaiting;
        use crate::playbook::plan::Act;
        let Awaiting::Go(id) = self.engine.run().awaiting(self.engine.plan()) else { return };
        let edit = self.engine.plan().step(&id).is_some_and(|step| matches!(step.action.act, Act::Edit(_)));
        if edit && !self.previewed {
            self.previewed = true;
            self.front.take(Update::Preview { target: Target::step(&id), diff: self.preview.clone() });
        }
    }

    fn outcome(&mut self, target: &Target) -> Outcome {
        let key = match target.undo {
            None => target.step.to_string(),
            Some(number) => format!("{}.undo-{number}", target.step),
        };
        let how = match self.world.get_mut(key.as_str()) {
            Some(hows) if !hows.is_empty() => hows.remove(0),
            Some(_) | None => How::Ok,
        };
        Outcome { how, saw: "exit status 0".into(), took_ms: 1200, ..Outcome::default() }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Perform { target, attempt, .. }
            | Effect::Edit { target, attempt, .. }
            | Effect::Restore { target, attempt, .. } => {
                let text = format!("output of {}\n", target.step);
                self.front.take(Update::Output { target: target.clone(), text: text.into() });
                let outcome = self.outcome(&target);
                self.input(Input::Performed { target, attempt, outcome });
            }
            Effect::Save { target, .. } => self.input(Input::Saved { target, files: Vec::new(), logs: Vec::new() }),
            Effect::Probe { target, .. } => {
                let pass = self.outcome(&target).how == How::Ok;
                let finding = if pass { Finding::Holds } else { Finding::Refused };
                let verdict = Verdict {
                    title: "health".into(),
                    finding,
                    pass,
                    warn: false,
                    saw: "status 200".into(),
                    attempts: 1,
                    took_ms: 5,
                    values: BTreeMap::new(),
                    secrets: Vec::new(),
                    fingerprints: BTreeMap::new(),
                };
                self.input(Input::Probed { target, verdicts: vec![verdict] });
            }
            Effect::Recapture { step } => {
                let outcome = self.outcome(&Target::step(&step));
                self.input(Input::Recaptured { step, outcome });
            }
            Effect::LookAhead { step, .. } => {
                let refused = std::mem::take(&mut self.foreseen);
                self.input(Input::LookedAhead { step, refused });
            }
            Effect::KeepOutput { step, attempt, item } => {
                let transcript = Target::step(&step).transcript(attempt.unwrap_or(1));
                let evidence = Evidence::Output { transcript, sha256: "00".to_owned(), size: 10 };
                self.input(Input::Evidence { step, item, evidence });
            }
            Effect::RemoveTemporary => self.input(Input::TemporaryRemoved { removed: Vec::new(), left: Vec::new() }),
            Effect::Leave => {
                self.over = true;
            }
            Effect::Stop { .. } | Effect::Enough { .. } | Effect::Close => {}
        }
    }
}

/// Output that a test can read.
#[derive(Clone, Debug, Default)]
pub(super) struct Paper(Arc<std::sync::Mutex<Vec<u8>>>);

impl Paper {
    /// Takes what was written since it was last taken.
    pub(super) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl std::io::Write for Paper {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
