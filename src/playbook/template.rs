//! Text with `${name}` in it.
//!
//! There is no expression language: a template is literal text and names, nothing else. `$${` stands for a literal
//! `${`. Whether a name is known, defined by then, and no secret is for `check` to say.

use super::name::Name;
use super::spelling::is_reference;

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

/// What [`Template::parse`] found.
#[derive(Debug, Default)]
pub(super) struct Parsed<'a> {
    pub(super) template: Template,
    /// The names in order, as often as they occur.
    pub(super) names: Vec<&'a str>,
    /// Pieces that look like a name in braces and are none, with where in the text they begin, in bytes.
    pub(super) bad: Vec<(usize, &'a str)>,
}

impl Template {
    /// Reads a text. A piece that is no name in braces stays as text and is reported.
    pub(super) fn parse(text: &str) -> Parsed<'_> {
        let mut parsed = Parsed::default();
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                literal.push_str(before);
                literal.push_str("${");
                rest = &from[2..];
                continue;
            }
            literal.push_str(before);
            // A name ends on its own line; looking further would cost the square of a long text.
            let line = from.find('\n').unwrap_or(from.len());
            let end = from[..line].find('}');
            let name = end.map_or("", |end| &from[2..end]);
            if is_reference(name) {
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Value(Name::new(name)));
                parsed.names.push(name);
                rest = &from[name.len() + 3..];
            } else {
                let stop = end.map_or(line, |end| end + 1);
                parsed.bad.push((text.len() - from.len(), &from[..stop]));
                literal.push_str(&from[..stop]);
                rest = &from[stop..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        parsed.template = Self { parts };
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        Template::parse(text).template.fill(|name| (name.as_str() == "a").then_some("1"))
    }

    #[test]
    fn fills_names_and_keeps_the_rest() {
        assert_eq!(filled("x ${a} y"), "x 1 y");
        assert_eq!(filled("${a}${a}"), "11");
        assert_eq!(filled("${b}"), "${b}");
        assert_eq!(filled("$a {a} $"), "$a {a} $");
        assert_eq!(filled("$${a} costs $5"), "${a} costs $5");
    }

    #[test]
    fn reports_what_is_no_name_in_braces() {
        assert_eq!(Template::parse("a ${Bad} b ${").bad, [(2, "${Bad}"), (11, "${")]);
        assert_eq!(Template::parse("${HOME:-x}/${a}").names, ["a"]);
    }
}
