//! Text with `${name}` in it.
//!
//! There is no expression language: a template is literal text and names, nothing else. `$${` stands for a literal
//! `${`. Whether a name is known, defined by then, and no secret is for `check` to say.

use super::name::Name;

/// A text in which `${name}` stands for a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that stands as it is.
    Text(String),
    /// A value, by name.
    Value(Name),
}

impl Template {
    /// Makes a template from its parts.
    #[must_use]
    pub fn new(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// Makes a template without any name in it.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())] }
    }

    /// Returns the parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Lists the names that the template uses, in order, as often as they occur.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(name) => Some(name),
            Part::Text(_) => None,
        })
    }

    /// Puts the values in. A value that is not there yet stays visible as `${name}`.
    #[must_use]
    pub fn fill<'a>(&self, value: impl Fn(&Name) -> Option<&'a str>) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Value(name) => {
                    if let Some(value) = value(name) {
                        text.push_str(value);
                    } else {
                        text.push_str("${");
                        text.push_str(name.as_str());
                        text.push('}');
                    }
                }
            }
        }
        text
    }
}
