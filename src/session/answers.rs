//! What a person says, before the engine hears it: secrets go into the vault, everything else is masked.

use std::collections::BTreeMap;

use crate::engine::undo::{self, UndoAction};
use crate::engine::{Awaiting, Engine, Evidence, Input, Refusal, Target};
use crate::exec::Executor;
use crate::front::{Answer, Offer};
use crate::playbook::plan::{Act, InputKind, InputSpec, Name, StepId, Want};
use crate::secret::Secret;

/// Checks the answers to a target, keeps the secrets among them, and makes the engine's input.
///
/// # Errors
/// A [`Refusal`] for the first answer that does not fit; nothing is kept then.
pub(super) fn sort(
    engine: &Engine,
    executor: &mut dyn Executor,
    target: Target,
    answers: Vec<(Name, Answer)>,
) -> Result<Input, Refusal> {
    let (plan, run) = (engine.plan(), engine.run());
    if run.awaiting(plan) != Awaiting::Person(target.clone()) || !run.unticked(plan, &target).is_empty() {
        // The engine says why. Nothing is kept: it would take the place of what was answered in time.
        return Ok(Input::Answer {
            target,
            values: BTreeMap::new(),
            secrets: Vec::new(),
            fingerprints: BTreeMap::new(),
        });
    }
    let asked = asked(engine, &target);
    let answers = complete(&asked, engine, executor, answers);
    let (values, secrets) = check(&asked, engine, executor, answers)?;
    let names: Vec<Name> = secrets.iter().map(|(name, _)| name.clone()).collect();
    if let Some((name, _)) = secrets.first().cloned() {
        executor.keep(secrets).map_err(|why| Refusal::Unfit { name, why })?;
    }
    let fingerprints = executor.fingerprints(&names);
    Ok(Input::Answer { target, values, secrets: names, fingerprints })
}

/// Keeps what a person gives as evidence, and makes the engine's input.
///
/// # Errors
/// A [`Refusal`] where it is not kept; nothing of it is on disk then.
pub(super) fn evidence(
    engine: &Engine,
    executor: &mut dyn Executor,
    step: StepId,
    item: u32,
    offer: Offer,
) -> Result<Input, Refusal> {
    let owed = engine.run().owed(engine.plan());
    let wanted = owed.is_some_and(|(of, next, spec)| of.id == step && next == item && spec.want == Want::File);
    let evidence = match offer {
        Offer::Text(text) => Evidence::Text { text: executor.mask(&text) },
        // A file that nobody asked for is not kept; the engine says why.
        Offer::File(_) if !wanted => Evidence::Text { text: String::new() },
        Offer::File(path) => {
            executor.keep_file(&step, &path).map_err(|why| Refusal::NoEvidence { step: step.clone(), item, why })?
        }
    };
    Ok(Input::Evidence { step, item, evidence })
}

/// Fills in what was left open and has a source or a default.
fn complete(
    asked: &[InputSpec],
    engine: &Engine,
    executor: &dyn Executor,
    mut answers: Vec<(Name, Answer)>,
) -> Vec<(Name, Answer)> {
    let values = &engine.run().values;
    for spec in asked {
        if answers.iter().any(|(name, _)| *name == spec.name) {
            continue;
        }
        let found = spec.from.as_ref().and_then(|source| executor.source(&spec.name, source, values).ok());
        let found = match (found, &spec.default) {
            (Some(secret), _) if spec.kind == InputKind::Secret => Some(Answer::Secret(secret)),
            (Some(text), _) => Some(Answer::Text(text.expose().to_owned())),
            (None, Some(default)) => Some(Answer::Text(default.fill(|name| values.get(name).map(String::as_str)))),
            (None, None) => None,
        };
        answers.extend(found.map(|answer| (spec.name.clone(), answer)));
    }
    answers
}

/// Lists what a target asks for.
fn asked(engine: &Engine, target: &Target) -> Vec<InputSpec> {
    let plan = engine.plan();
    let action = match target.undo {
        None => plan.step(&target.step).map(|step| &step.action),
        Some(_) => match undo::action(plan, target) {
            Some(UndoAction::Author(action)) => Some(action),
            Some(UndoAction::Restore) | None => None,
        },
    };
    match action.map(|action| &action.act) {
        Some(Act::Person(person)) => person.ask.clone(),
        Some(_) | None => Vec::new(),
    }
}

type Sorted = (BTreeMap<Name, String>, Vec<(Name, Secret)>);

fn check(
    asked: &[InputSpec],
    engine: &Engine,
    executor: &dyn Executor,
    answers: Vec<(Name, Answer)>,
) -> Result<Sorted, Refusal> {
    let (mut values, mut secrets) = (BTreeMap::new(), Vec::new());
    for (name, answer) in answers {
        let Some(spec) = asked.iter().find(|spec| spec.name == name) else {
            return Err(Refusal::Unfit { name, why: "is not asked for here".to_owned() });
        };
        let unfit = |why: String| Refusal::Unfit { name: name.clone(), why };
        match (answer, &spec.kind) {
            (Answer::Secret(secret), InputKind::Secret) => {
                spec.accepts(secret.expose()).map_err(unfit)?;
                if let Some(other) = spec.differs_from.as_ref().filter(|other| executor.same(other, &secret)) {
                    return Err(unfit(format!("is the same as {other}; it must be a new one")));
                }
                secrets.push((name, secret));
            }
            (Answer::Text(text), kind) if *kind != InputKind::Secret => {
                let text = spec.accepts(&text).map_err(unfit)?;
                if let Some(other) = spec.differs_from.as_ref()
                    && engine.run().values.get(other) == Some(&text)
                {
                    return Err(unfit(format!("is the same as {other}; it must be a new one")));
                }
                values.insert(name, text);
            }
            (Answer::Secret(_) | Answer::Text(_), _) => {
                return Err(unfit("was given in the wrong way: secrets as secrets, the rest as text".to_owned()));
            }
        }
    }
    Ok((values, secrets))
}

/// Masks every text in what a person said.
pub(super) fn masked(input: Input, mask: impl Fn(&str) -> String) -> Input {
    match input {
        Input::ByHand { target, note } => Input::ByHand { target, note: mask(&note) },
        Input::Skip { target, reason } => Input::Skip { target, reason: reason.map(|reason| mask(&reason)) },
        Input::Note { step, text } => Input::Note { step, text: mask(&text) },
        Input::SignOff { step, role, name } => Input::SignOff { step, role, name: mask(&name) },
        Input::RefuseSignOff { step, role, name, reason } => {
            Input::RefuseSignOff { step, role, name: mask(&name), reason: mask(&reason) }
        }
        Input::EvidenceMissing { step, item, reason } => {
            Input::EvidenceMissing { step, item, reason: reason.map(|reason| mask(&reason)) }
        }
        Input::FollowUp { item, operator, note } => {
            Input::FollowUp { item, operator, note: note.map(|note| mask(&note)) }
        }
        Input::GoAnyway { step, reason } => Input::GoAnyway { step, reason: mask(&reason) },
        Input::ExtendWindow { by, reason } => Input::ExtendWindow { by, reason: mask(&reason) },
        Input::Overrun { reason, by_policy } => Input::Overrun { reason: mask(&reason), by_policy },
        Input::Pause { why } => Input::Pause { why: mask(&why) },
        Input::Abandon { reason } => Input::Abandon { reason: mask(&reason) },
        // No text of a person's own.
        other @ (Input::Begin { .. }
        | Input::Go { .. }
        | Input::LookedAhead { .. }
        | Input::Answer { .. }
        | Input::Saved { .. }
        | Input::Performed { .. }
        | Input::Probed { .. }
        | Input::Recaptured { .. }
        | Input::Recovered { .. }
        | Input::VerifyAgain { .. }
        | Input::Recapture { .. }
        | Input::Stop { .. }
        | Input::Enough { .. }
        | Input::Rollback { .. }
        | Input::Undo { .. }
        // What was signed is what is written down: the session refuses what would have to be masked.
        | Input::Sign(_)
        | Input::TemporaryRemoved { .. }
        | Input::Presence(_)
        | Input::Quiz { .. }
        | Input::Aside(_)
        | Input::CopySecret { .. }
        | Input::Evidence { .. }
        | Input::Tick { .. }
        | Input::Resume { .. }) => other,
    }
}
