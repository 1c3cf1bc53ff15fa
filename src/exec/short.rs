//! A word for the operator on secrets that are kept though they are short.
//!
//! Shorter than [`Secret::SHORTEST`] none is taken at all. What must stay true: the words tell a name and a number, nothing
//! of the value.

use crate::engine::Record;
use crate::playbook::plan::Name;
use crate::secret::Secret;

/// The fewest characters that need no word: parts of a secret are hidden too from this length on, and one that is broken
/// over lines is found.
const ENOUGH: usize = 8;

/// Says what a short secret means; none for one that is long enough.
pub(super) fn words(name: &Name, secret: &Secret) -> Option<String> {
    let length = secret.expose().trim().chars().count();
    let told = || {
        format!(
            "the secret {name} has only {length} characters: all that reads like it is hidden too, and a part of it, or one \
             broken over lines, may still be seen; take a longer one where you can"
        )
    };
    (length < ENOUGH).then(told)
}

/// Lists the secrets that a record tells of.
pub(super) fn told_of(record: &Record) -> Vec<&Name> {
    match record {
        Record::Begun(begun) => begun.secrets.iter().collect(),
        Record::Answered { secrets, .. } => secrets.iter().collect(),
        Record::Performed { outcome, .. } | Record::Recaptured { outcome, .. } | Record::Recovered { outcome, .. } => {
            outcome.secrets.iter().collect()
        }
        Record::Probed { verdicts, .. } => verdicts.iter().flat_map(|verdict| &verdict.secrets).collect(),
        _ => Vec::new(), // whatever else is on record, no secret came with it
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_one_has_a_word_and_that_has_nothing_of_it() {
        let told = |text: &str| words(&Name::new("pin"), &Secret::new(text.to_owned()));
        assert!(told("12345678").is_none());
        for short in ["Qz7%", "Qz7%xK9", " Qz7%xK9\n"] {
            let told = told(short).unwrap();
            assert!(told.starts_with("the secret pin has only") && !told.contains("Qz7"), "{told}");
        }
    }
}
