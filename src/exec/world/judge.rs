//! From what a probe heard to a finding, a yes or no, and the line that people read.
//!
//! Everything from outside is masked, made visible and shortened here. Where the probe captures a secret, the answer's text
//! is never shown, whatever becomes of the capture; what it captures is in the vault before the line is made.

use std::collections::BTreeMap;

use super::{Heard, Miss};
use crate::engine::Finding;
use crate::exec::capture;
use crate::exec::expect::{self, Answer};
use crate::exec::scene::Scene;
use crate::playbook::plan::{Amount, Expect, Name, ProbeSpec};
use crate::secret::Secret;

/// An attempt, judged.
pub(super) struct Judged {
    pub finding: Finding,
    pub pass: bool,
    pub saw: String,
    /// Captures that are no secrets.
    pub values: BTreeMap<Name, String>,
    /// The names of captured secrets, which are in the vault.
    pub secrets: Vec<Name>,
}

impl Default for Judged {
    fn default() -> Self {
        Self { finding: Finding::Holds, pass: true, saw: String::new(), values: BTreeMap::new(), secrets: Vec::new() }
    }
}

/// Judges an attempt, and takes the captures when it is as expected.
pub(super) async fn judge(spec: &ProbeSpec, scene: &Scene, heard: Result<Heard, Miss>) -> Judged {
    match heard {
        Ok(heard) => answered(spec, scene, heard).await,
        Err(miss) => {
            let mut saw = scene.line(&miss.saw);
            let wanted = spec.expect.iter().any(|expect| matches!(expect, Expect::Denied));
            if !wanted || miss.finding != Finding::Denied {
                return Judged { finding: miss.finding, pass: false, saw, ..Judged::default() };
            }
            // A denial was wanted; whatever else is expected must hold for what was said with it.
            let answer = Answer { text: miss.saw, denied: true, ..Answer::default() };
            let wrong = expect::judge(&answer, &spec.expect, &scene.values, &|text| scene.line(text)).err();
            if let Some(wrong) = &wrong {
                saw = expect::shorten(&format!("{saw}; {wrong}"), LONGEST);
            }
            let finding = if wrong.is_some() { Finding::Denied } else { Finding::Holds };
            Judged { finding, pass: wrong.is_none(), saw, ..Judged::default() }
        }
    }
}

async fn answered(spec: &ProbeSpec, scene: &Scene, heard: Heard) -> Judged {
    let withheld = heard.shown.is_none() || spec.capture.iter().any(|capture| capture.secret);
    let mask = |text: &str| if withheld { "(not shown)".to_owned() } else { scene.line(text) };
    let mut wrong: Vec<String> = heard.wrong.iter().map(|wrong| scene.line(wrong)).collect();
    let judged = expect::judge(&heard.answer, &spec.expect, &scene.values, &mask);
    wrong.extend(judged.err().map(|told| once(told, &heard.answer)));

    let mut judged = Judged::default();
    if wrong.is_empty()
        && let Err(why) = take(spec, scene, &heard.answer.text, &mut judged).await
    {
        wrong.push(scene.line(&why));
    }
    judged.pass = wrong.is_empty();
    judged.finding = match (judged.pass, heard.answer.denied) {
        (true, _) => Finding::Holds,
        (false, true) => Finding::Denied,
        (false, false) => Finding::Differs,
    };

    let wrong = wrong.join("; ");
    let baselines = if judged.pass { compared_with(spec, scene) } else { String::new() };
    let mut saw = scene.line(&heard.saw);
    if heard.answer.denied {
        saw = format!("denied: {saw}");
    }
    let text = scene.line(&heard.answer.text);
    if let Some(word) = heard.shown.filter(|_| !withheld && !text.is_empty() && !wrong.contains(&text)) {
        saw = format!("{saw}{word}{text}");
    }
    saw.push_str(&baselines);
    if !judged.pass {
        saw = format!("{saw}; {wrong}");
        if let Some(more) = heard.more.filter(|_| !withheld) {
            saw = format!("{saw}; {}", scene.line(&more));
        }
    }
    judged.saw = expect::shorten(&saw, LONGEST);
    judged
}

/// Names the values of the run that an answer was held against and found right: what was measured before and what was
/// measured now are then in one line of the record. Where they differ, the sentence about that has both.
fn compared_with(spec: &ProbeSpec, scene: &Scene) -> String {
    let mut names: Vec<&Name> = Vec::new();
    for expect in &spec.expect {
        match expect {
            Expect::Equals(text) => names.extend(text.names()),
            Expect::CloseTo { number: Amount::Value(name), .. } => names.push(name),
            Expect::Between(least, most) => {
                names.extend([least, most].into_iter().filter_map(|amount| match amount {
                    Amount::Value(name) => Some(name),
                    Amount::Number(_) => None,
                }));
            }
            Expect::CloseTo { number: Amount::Number(_), .. }
            | Expect::Exit(_)
            | Expect::Contains(_)
            | Expect::NotContains(_)
            | Expect::Matches(_)
            | Expect::Json(..)
            | Expect::Status(_)
            | Expect::Rows(_)
            | Expect::Denied => {}
        }
    }
    let values = names.into_iter().filter_map(|name| Some(format!("{name}: {}", scene.line(scene.values.get(name)?))));
    let values: Vec<String> = values.collect();
    if values.is_empty() { String::new() } else { format!("; compared with {}", values.join(", ")) }
}

/// Takes out of a sentence what the facts before it say already: the status.
fn once(told: String, answer: &Answer) -> String {
    let told = match answer.exit.map(|exit| format!("exit status {exit}")) {
        Some(exit) if told == exit => "expected 0".to_owned(),
        Some(exit) => told.replacen(&format!("{exit}, expected"), "expected", 1),
        None => told,
    };
    match answer.status {
        Some(status) => told.replacen(&format!("status {status}, expected"), "expected", 1),
        None => told,
    }
}

/// The most characters of a line.
const LONGEST: usize = 400;

/// Takes the captures; secrets are on disk when it returns.
async fn take(spec: &ProbeSpec, scene: &Scene, text: &str, judged: &mut Judged) -> Result<(), String> {
    let mut values = BTreeMap::new();
    let mut secrets: Vec<(String, Secret)> = Vec::new();
    for wanted in &spec.capture {
        let name = &wanted.name;
        let taken = capture::take(wanted, text)?;
        if wanted.secret {
            secrets.push((name.as_str().to_owned(), taken));
        } else if scene.mask(taken.expose()) == crate::output::visible_plain(taken.expose()) {
            values.insert(name.clone(), taken.expose().to_owned());
        } else {
            return Err(format!("{name} was not captured: a secret of this run is in it; write `secret: true`"));
        }
    }
    if !secrets.is_empty() {
        let names = secrets.iter().map(|(name, _)| Name::new(name)).collect();
        let kept = std::sync::Arc::clone(&scene.secrets);
        // It waits for the disk.
        tokio::task::spawn_blocking(move || kept.keep(secrets))
            .await
            .map_err(|_| "the vault could not be written".to_owned())??;
        judged.secrets = names;
    }
    judged.values = values;
    Ok(())
}
