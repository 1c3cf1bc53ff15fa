//! Whether a given value is one that an input takes.
//!
//! Pure: whether a path is there or a value differs from another secret is not asked here.

use super::duration;
use super::plan::{InputKind, InputSpec};

/// The fewest characters of a secret: anything shorter cannot be masked without masking half the screen.
const SHORTEST_SECRET: usize = 4;

impl InputSpec {
    /// Says whether the input takes a value, and returns it as it is to be kept: numbers, durations, choices and URLs
    /// without blanks around them, everything else as it was given.
    ///
    /// # Errors
    /// A part of a sentence, such as "must be one of staging, production". It never holds the value.
    pub fn accepts(&self, text: &str) -> Result<String, String> {
        if text.contains('\0') {
            return Err("must not hold the character NUL".to_owned());
        }
        let value = self.of_kind(text)?;
        if value.is_empty() && self.min_length != Some(0) && self.default.is_none() {
            return Err("must not be empty".to_owned());
        }
        if let Some(least) = self.min_length
            && value.chars().count() < least
        {
            return Err(at_least(least));
        }
        match &self.pattern {
            Some(pattern) if !pattern.is_match(&value) => Err(format!("must match {pattern}")),
            Some(_) | None => Ok(value),
        }
    }

    fn of_kind(&self, text: &str) -> Result<String, String> {
        let trimmed = text.trim();
        match &self.kind {
            InputKind::Secret if text.chars().count() < SHORTEST_SECRET => Err(at_least(SHORTEST_SECRET)),
            InputKind::Text | InputKind::Path | InputKind::Secret => Ok(text.to_owned()),
            InputKind::Choice(choices) if choices.iter().any(|choice| choice == trimmed) => Ok(trimmed.to_owned()),
            InputKind::Choice(choices) => Err(format!("must be one of {}", choices.join(", "))),
            InputKind::Integer => trimmed
                .parse::<i64>()
                .map(|number| number.to_string())
                .map_err(|_| "must be a whole number such as 3".to_owned()),
            InputKind::Boolean => match trimmed.to_ascii_lowercase().as_str() {
                word @ ("true" | "false") => Ok(word.to_owned()),
                _ => Err("must be true or false".to_owned()),
            },
            InputKind::Url => match url::Url::parse(trimmed) {
                Ok(url) if url.has_host() && !trimmed.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                    Ok(trimmed.to_owned())
                }
                Ok(_) | Err(_) => Err("must be a whole URL such as https://example.org/path".to_owned()),
            },
            InputKind::Duration => duration::parse(trimmed).map(duration::show),
        }
    }
}

fn at_least(count: usize) -> String {
    format!("must have at least {count} {}", if count == 1 { "character" } else { "characters" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::{Name, Template};

    fn spec(kind: InputKind) -> InputSpec {
        InputSpec {
            name: Name::new("x"),
            kind,
            prompt: None,
            default: None,
            pattern: None,
            min_length: None,
            differs_from: None,
            env: "X".to_owned(),
            from: None,
        }
    }

    #[test]
    fn every_type_takes_its_own_and_refuses_the_rest() {
        let choice = InputKind::Choice(vec!["staging".to_owned(), "production".to_owned()]);
        for (kind, given, kept) in [
            (InputKind::Text, " a b ", Some(" a b ")),
            (InputKind::Text, "", None),
            (InputKind::Text, "a\0", None),
            (InputKind::Path, "/a b", Some("/a b")),
            (choice.clone(), " staging ", Some("staging")),
            (choice, "prod", None),
            (InputKind::Integer, " +07 ", Some("7")),
            (InputKind::Integer, "1.5", None),
            (InputKind::Boolean, "TRUE", Some("true")),
            (InputKind::Boolean, "yes", None),
            (InputKind::Url, "https://a.example/x", Some("https://a.example/x")),
            (InputKind::Url, "a.example", None),
            (InputKind::Url, "mailto:a@b.example", None),
            (InputKind::Duration, " 90s", Some("1m30s")),
            (InputKind::Duration, "90", None),
            (InputKind::Secret, "CANARY-1 ", Some("CANARY-1 ")),
            (InputKind::Secret, "abc", None),
        ] {
            let spec = spec(kind);
            assert_eq!(spec.accepts(given).ok().as_deref(), kept, "{:?} {given:?}", spec.kind);
        }
    }

    #[test]
    fn says_what_it_must_be() {
        let choice = spec(InputKind::Choice(vec!["staging".to_owned(), "production".to_owned()]));
        assert_eq!(choice.accepts("x"), Err("must be one of staging, production".to_owned()));
        let long = InputSpec { min_length: Some(16), ..spec(InputKind::Secret) };
        assert_eq!(long.accepts("CANARY-1"), Err("must have at least 16 characters".to_owned()));
        let pattern = InputSpec { pattern: regex::Regex::new("^[0-9]+$").ok(), ..spec(InputKind::Text) };
        assert_eq!(pattern.accepts("x"), Err("must match ^[0-9]+$".to_owned()));
    }

    #[test]
    fn nothing_is_enough_where_the_playbook_says_so() {
        let with_default = InputSpec { default: Some(Template::literal("")), ..spec(InputKind::Path) };
        assert_eq!(with_default.accepts(""), Ok(String::new()));
    }
}
