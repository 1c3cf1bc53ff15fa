//! How names, ids, variables and JSON pointers are spelled, and what to write in place of a wrong one.

use super::fault::Fault;
use super::yaml::Place;

/// Says what is wrong with a JSON pointer (RFC 6901).
pub(super) fn pointer(text: &str) -> Option<(&'static str, String)> {
    if !text.is_empty() && !text.starts_with('/') {
        let path = text.trim_start_matches(['$', '.']).replace(['.', '['], "/").replace(']', "");
        return Some(("is no JSON pointer: it must begin with `/`", format!("write: `/{}`", path.trim_matches('/'))));
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('~') {
        if !after.starts_with(['0', '1']) {
            return Some((
                "is no JSON pointer: a `~` stands alone",
                "write: `~0` for `~` and `~1` for `/` inside a key".to_owned(),
            ));
        }
        rest = after;
    }
    None
}

/// Says whether a text can be the name of a value.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Says whether a text is one value of the run and nothing else: `${name}`.
pub(super) fn is_one_value(text: &str) -> bool {
    text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(is_reference)
}

/// Says whether a text can refer to a value: by its name, or by the name that it has in an included playbook behind the id
/// of the step that includes it.
pub(super) fn is_reference(text: &str) -> bool {
    let (steps, name) = text.rsplit_once('/').map_or((None, text), |(steps, name)| (Some(steps), name));
    is_name(name) && steps.is_none_or(|steps| steps.split('/').all(|step| id(step).is_none()))
}

/// Gives advice when a text cannot refer to a value.
pub(super) fn reference(text: &str) -> Option<String> {
    (!is_reference(text)).then(|| suggest(text, '_'))
}

/// Gives advice when a text is no name of a value.
pub(super) fn name(text: &str) -> Option<String> {
    (!is_name(text)).then(|| suggest(text, '_'))
}

/// Makes the fault of a wrong name.
pub(super) fn bad_name(place: Place, text: &str, advice: String) -> Fault {
    let message = format!("`{text}` is no name: small letters, digits and `_`, a letter first");
    Fault::new(place, message).advise(advice)
}

/// Gives advice when a text is no id of a step.
pub(super) fn id(text: &str) -> Option<String> {
    let good = text
        .split('-')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    (!good).then(|| suggest(text, '-'))
}

/// Makes a name or an id of a text, as advice.
fn suggest(text: &str, joint: char) -> String {
    let mut made = String::new();
    for c in text.chars().take(60) {
        if c.is_ascii_alphanumeric() {
            made.push(c.to_ascii_lowercase());
        } else if !made.is_empty() && !made.ends_with(joint) {
            made.push(joint);
        }
    }
    let made = made.trim_matches(joint);
    if made.starts_with(|c: char| c.is_ascii_lowercase()) || (joint == '-' && !made.is_empty()) {
        format!("write: `{made}`")
    } else {
        format!("write: a word such as `new{joint}password`")
    }
}

/// Says whether a text can be the name of an environment variable.
pub(super) fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Makes the fault of a wrong variable.
pub(super) fn bad_variable(place: Place, text: &str) -> Fault {
    Fault::new(place, format!("`{text}` is no name of an environment variable"))
        .advise("write: letters, digits and `_`, such as `PG_HOST`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_was_probably_meant() {
        assert_eq!(name("pg-host").as_deref(), Some("write: `pg_host`"));
        assert_eq!(name("pg_host1"), None);
        assert_eq!(id("Reset Pg!").as_deref(), Some("write: `reset-pg`"));
        assert_eq!(id("2fa-on"), None);
        assert_eq!(id("a--b").as_deref(), Some("write: `a-b`"));
    }

    #[test]
    fn knows_json_pointers() {
        for good in ["", "/", "/0/name", "/a~1b/~0"] {
            assert!(pointer(good).is_none(), "{good}");
        }
        for bad in ["a", "$.a", "/~", "/a~2"] {
            assert!(pointer(bad).is_some(), "{bad}");
        }
    }
}
