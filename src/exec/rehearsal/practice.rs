//! A plan as it is practised: no value is taken from anywhere, and each question offers a value to practise with.
//!
//! What must stay true: nothing of it is read from the environment, a file or a program; and whoever makes it again of the same
//! plan and the same seed, in whichever process, offers the same values.

use super::sample::Letters;
use crate::engine::{BegunDrill, Target};
use crate::playbook::plan::{Act, Drill, InputKind, InputSpec, Name, Part, PersonSpec, Plan, Source, Template};
use crate::secret::Secret;

/// The variable that a field says it takes its value from, where it is left empty. It is no variable of anybody's.
const OFFERED: &str = "PRACTICE_VALUE";

/// Makes a plan one to practise with.
#[must_use]
pub fn practised(plan: &Plan, begun: &BegunDrill) -> Plan {
    let mut plan = plan.clone().for_drill();
    let drill = drill(&plan, begun).cloned();
    for spec in &mut plan.inputs {
        let given = drill.as_ref().and_then(|drill| drill.inputs.get(&spec.name)).cloned();
        // Nothing is asked of the environment, a file or a program.
        spec.from = None;
        match given {
            Some(given) => spec.default = Some(Template::literal(&given)),
            None if spec.kind != InputKind::Secret && spec.default.is_none() => {
                spec.default = Some(Template::literal(&offered(begun.seed, "", spec)));
            }
            None if spec.kind == InputKind::Secret => tell(spec, &offered(begun.seed, "", spec)),
            None => {}
        }
    }
    for step in &mut plan.steps {
        let restores = matches!(step.action.act, Act::Edit(_) | Act::Snapshot(_));
        let own = Target::step(&step.id);
        if let Act::Person(person) = &mut step.action.act {
            person_of(person, &own, begun.seed);
        }
        for (number, action) in (1 + u32::from(restores)..).zip(&mut step.rollback) {
            if let Act::Person(person) = &mut action.act {
                person_of(person, &Target::undo(&step.id, number), begun.seed);
            }
        }
    }
    plan
}

/// Finds the drill of a plan; none for a walk-through.
#[must_use]
pub fn drill<'p>(plan: &'p Plan, begun: &BegunDrill) -> Option<&'p Drill> {
    let id = begun.id.as_ref()?;
    plan.drills.iter().find(|drill| drill.id == *id)
}

/// Lists the secrets that the briefing would ask for, with what a drill takes for them.
#[must_use]
pub fn secrets(plan: &Plan, seed: u64) -> Vec<(Name, Secret)> {
    let asked = plan.inputs.iter().filter(|spec| spec.kind == InputKind::Secret);
    asked.map(|spec| (spec.name.clone(), Secret::new(offered(seed, "", spec)))).collect()
}

fn person_of(person: &mut PersonSpec, target: &Target, seed: u64) {
    for spec in &mut person.ask {
        let value = offered(seed, &target.stem(), spec);
        if spec.kind == InputKind::Secret {
            tell(spec, &value);
            spec.from = Some(Source::Env(OFFERED.to_owned()));
        } else {
            spec.from = None;
            spec.default.get_or_insert_with(|| Template::literal(&value));
        }
    }
}

/// Has a question say the value that can be pasted.
fn tell(spec: &mut InputSpec, value: &str) {
    let own = spec.prompt.take().unwrap_or_else(|| Template::literal(spec.name.as_str()));
    let more = Part::Text(format!(" (to practise with: {value})"));
    spec.prompt = Some(Template::new(own.parts().iter().cloned().chain([more]).collect()));
}

/// Makes the value that a drill offers for a question. `at` is what asks: nothing for the briefing.
pub(super) fn offered(seed: u64, at: &str, spec: &InputSpec) -> String {
    let mut letters = Letters::of(seed, &format!("{at} asks {}", spec.name));
    let made = plausible(&mut letters, spec);
    let long = spec.min_length.unwrap_or(0).saturating_sub(made.chars().count());
    let made = format!("{made}{}", letters.plain(long));
    let matching = |letters: &mut Letters| spec.pattern.as_ref().and_then(|pattern| letters.matching(pattern));
    match spec.accepts(&made) {
        Ok(made) => made,
        // What an expression asks for goes before what the name says.
        Err(_) => matching(&mut letters).unwrap_or(made),
    }
}

fn plausible(letters: &mut Letters, spec: &InputSpec) -> String {
    let name = spec.name.as_str().rsplit('/').next().unwrap_or_default();
    let has = |word: &str| name.contains(word);
    // What must differ from another value is no second copy of it.
    let new = if spec.differs_from.is_some() { "-new" } else { "" };
    if let Some(made) = spec.pattern.as_ref().and_then(|pattern| letters.matching(pattern)) {
        return made;
    }
    match &spec.kind {
        InputKind::Choice(choices) => choices.first().cloned().unwrap_or_default(),
        InputKind::Secret => format!("practice-{}", letters.plain(16)),
        InputKind::Integer if has("port") => "5432".to_owned(),
        InputKind::Integer => "3".to_owned(),
        InputKind::Boolean => "false".to_owned(),
        InputKind::Duration => "1m".to_owned(),
        InputKind::Url => format!("https://practice.example/{name}{new}"),
        InputKind::Path => format!("/srv/practice/{name}{new}"),
        InputKind::Text if has("host") => format!("practice{new}.example"),
        InputKind::Text if has("mail") => format!("practice{new}@practice.example"),
        InputKind::Text if has("port") => "5432".to_owned(),
        InputKind::Text => format!("practice-{}{new}", name.replace('_', "-")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::check;
    use crate::playbook::plan::StepId;

    fn plan() -> Plan {
        let text = "runsheet: 1
title: T
inputs:
  environment: { type: choice, choices: [staging, production] }
  id: { type: text, pattern: '^[0-9a-f]{8}-[0-9a-f]{4}$' }
  app_root: { type: path, default: /srv/app }
  old_key: { type: secret, from: { dotenv: '${app_root}/.env', key: KEY } }
  who: { type: text, from: { run: id -un } }
phases:
  - title: A
    steps:
      - id: paste
        title: Paste
        ask: { new_key: { type: secret, prompt: The new key, min_length: 40, differs_from: old_key } }
drills:
  - { id: there, title: There, inputs: { environment: production }, faults: [{ at: paste, shows: wrong_paste }], respond: answer }
";
        check(text).unwrap_or_else(|faults| panic!("{faults:#?}")).plan
    }

    fn begun(id: Option<&str>) -> BegunDrill {
        BegunDrill { id: id.map(str::to_owned), seed: 11, ..BegunDrill::default() }
    }

    #[test]
    fn nothing_is_taken_from_anywhere_and_everything_is_offered() {
        let plan = practised(&plan(), &begun(Some("there")));
        assert!(plan.inputs.iter().all(|spec| spec.from.is_none()));
        let default = |name: &str| {
            let spec = plan.inputs.iter().find(|spec| spec.name.as_str() == name).unwrap();
            spec.default.as_ref().map(|text| text.fill(|_| None))
        };
        assert_eq!(default("environment").as_deref(), Some("production"));
        assert_eq!(default("app_root").as_deref(), Some("/srv/app"));
        assert_eq!(default("who").as_deref(), Some("practice-who"));
        let id = default("id").unwrap();
        assert!(plan.inputs.iter().any(|spec| spec.name.as_str() == "id" && spec.accepts(&id).is_ok()), "{id}");
        let secrets = secrets(&plan, 11);
        assert_eq!(secrets.len(), 1);
        let Act::Person(person) = &plan.step(&StepId::new("paste")).unwrap().action.act else { panic!("a question") };
        let spec = &person.ask[0];
        let value = offered(11, "paste", spec);
        assert!(value.chars().count() >= 40 && value != secrets[0].1.expose());
        let prompt = spec.prompt.as_ref().unwrap().fill(|_| None);
        assert_eq!(prompt, format!("The new key (to practise with: {value})"));
    }

    #[test]
    fn without_a_drill_the_first_choice_is_offered() {
        let plan = practised(&plan(), &begun(None));
        let spec = &plan.inputs.iter().find(|spec| spec.name.as_str() == "environment").unwrap();
        assert_eq!(spec.default.as_ref().unwrap().fill(|_| None), "staging");
    }
}
