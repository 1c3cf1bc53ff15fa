//! What all lowering shares: from a tree of the right shape to the parts of a plan.
//!
//! Structure was checked before, so what is not of its shape is passed over in silence here: it has its fault already.
//! What is found here is about meaning, and every name that is defined or used is written down in [`Names`].

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use regex::Regex;

use super::duration;
use super::fault::{self, Fault};
use super::include::Included;
use super::names::{At, Names, Wants};
use super::naming::Naming;
use super::plan::{Given, Name, Section, Template};
use super::yaml::{Node, Place};

/// The text of the playbook, by lines.
#[derive(Debug)]
pub(super) struct Source<'a> {
    lines: Vec<&'a str>,
    /// How many more pieces are looked for: each may cost a pass over its value.
    searches: Cell<usize>,
}

/// The most pieces that are looked for; a playbook with more faults than that has its places less exactly.
const SEARCHES: usize = 500;

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { lines: fault::lines(text).collect(), searches: Cell::new(SEARCHES) }
    }

    /// Finds where a piece of a value stands: the `nth` time that it occurs, from 0. The value's own place when the
    /// piece is written in another way there (with escapes, or across lines).
    pub(super) fn locate(&self, within: Place, piece: &str, mut nth: usize) -> Place {
        let Some(left) = self.searches.get().checked_sub(1) else { return within };
        self.searches.set(left);
        for number in within.line..=within.end_line.max(within.line) {
            let Some(line) = self.lines.get(number - 1) else { break };
            let skip = if number == within.line { within.column - 1 } else { 0 };
            let start = line.char_indices().nth(skip).map_or(line.len(), |(at, _)| at);
            for (at, _) in line[start..].match_indices(piece) {
                if nth == 0 {
                    let column = line[..start + at].chars().count() + 1;
                    return Place { line: number, column, length: piece.chars().count(), end_line: number };
                }
                nth -= 1;
            }
        }
        within
    }
}

/// The lowering of one playbook.
#[derive(Debug)]
pub(super) struct Lower<'a> {
    pub(super) source: Source<'a>,
    pub(super) faults: Vec<Fault>,
    pub(super) names: Names<'a>,
    /// Where in the walk the lowering is.
    pub(super) at: At<'a>,
    /// What names are called in the plan.
    pub(super) naming: Naming,
    /// The playbooks that are included, by the place of what names them.
    pub(super) included: &'a Included,
    patterns: HashMap<&'a str, Regex>,
}

impl<'a> Lower<'a> {
    pub(super) fn new(text: &'a str, naming: Naming, included: &'a Included) -> Self {
        Self {
            source: Source::new(text),
            faults: Vec::new(),
            names: Names::default(),
            at: At { step: 0, section: Section::Main, undo: false, when: Rc::from([]) },
            naming,
            included,
            patterns: HashMap::new(),
        }
    }

    pub(super) fn fault(&mut self, place: Place, message: impl Into<String>, advice: impl Into<String>) {
        self.faults.push(Fault::new(place, message).advise(advice));
    }

    /// Lowers a text with `${name}`, none of them a secret.
    pub(super) fn template(&mut self, node: &'a Node) -> Option<Template> {
        self.template_with(node, Wants::Text)
    }

    /// Lowers a text with `${name}`.
    pub(super) fn template_with(&mut self, node: &'a Node, wants: Wants) -> Option<Template> {
        let text = node.scalar()?;
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let parsed = Template::parse(text);
        let (mut nth, mut counted) = (0, 0);
        for (at, bad) in parsed.bad {
            nth += text[counted..at].matches("${").count();
            counted = at;
            let place = Place { length: bad.chars().count(), ..self.source.locate(node.place, "${", nth) };
            self.fault(
                place,
                format!("`{bad}` is no name in braces"),
                format!("write: `${{name}}` in small letters, or `${bad}` for the text itself"),
            );
        }
        for name in parsed.names {
            let nth = seen.entry(name).or_default();
            self.names.uses(name, node.place, Some(*nth), wants, self.at.clone());
            *nth += 1;
        }
        Some(self.naming.template(parsed.template))
    }

    /// Lowers the text of a key.
    pub(super) fn template_of(&mut self, map: &'a Node, key: &str) -> Option<Template> {
        map.get(key).and_then(|node| self.template(node))
    }

    /// Lowers a text, or a secret by name.
    pub(super) fn given(&mut self, node: &'a Node) -> Option<Given> {
        match node.get("secret") {
            Some(name) => self.name(name, Wants::Secret).map(Given::Secret),
            None => self.template(node).map(Given::Text),
        }
    }

    /// Lowers a mapping of texts or secrets.
    pub(super) fn givens(&mut self, map: &'a Node, key: &str) -> Vec<(String, Given)> {
        let entries = map.get(key).map(Node::entries).unwrap_or_default();
        entries.iter().filter_map(|entry| Some((entry.key.clone(), self.given(&entry.value)?))).collect()
    }

    /// Lowers a name that stands alone.
    pub(super) fn name(&mut self, node: &'a Node, wants: Wants) -> Option<Name> {
        let name = node.scalar()?;
        if !super::spelling::is_reference(name) {
            return None;
        }
        self.names.uses(name, node.place, None, wants, self.at.clone());
        Some(self.naming.name(name))
    }

    /// Lowers the name of a secret under a key.
    pub(super) fn secret_of(&mut self, map: &'a Node, key: &str) -> Option<Name> {
        map.get(key).and_then(|node| self.name(node, Wants::Secret))
    }

    /// Lowers a regular expression.
    pub(super) fn pattern(&mut self, node: &'a Node) -> Option<Regex> {
        let text = node.scalar()?;
        if let Some(known) = self.patterns.get(text) {
            return Some(known.clone());
        }
        match Regex::new(text) {
            Ok(regex) => {
                self.patterns.insert(text, regex.clone());
                Some(regex)
            }
            Err(error) => {
                let (place, why) = self.pattern_fault(node, text, &error);
                self.fault(place, format!("this is no regular expression: {why}"), PATTERN_ADVICE);
                None
            }
        }
    }

    /// Lowers a regular expression of which only the match, or its one group, is of interest.
    pub(super) fn pattern_with_one_group(&mut self, node: &'a Node) -> Option<Regex> {
        let regex = self.pattern(node)?;
        if regex.captures_len() > 2 {
            let count = regex.captures_len() - 1;
            self.fault(
                node.place,
                format!("this has {count} groups; which one is meant?"),
                "keep one group, and write: `(?:…)` for the others",
            );
        }
        Some(regex)
    }

    /// Finds the place inside an expression, and one line of words.
    fn pattern_fault(&self, node: &Node, text: &str, error: &regex::Error) -> (Place, String) {
        let said = error.to_string();
        let why = said.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
        // The crate points with carets below the expression, which it shows on a line of its own.
        let mut lines = said.lines();
        let at = lines
            .by_ref()
            .find(|line| line.trim_start() == text && !text.is_empty())
            .and_then(|shown| Some((shown.len() - shown.trim_start().len(), lines.next()?.find('^')?)))
            .and_then(|(indent, caret)| caret.checked_sub(indent));
        let whole = self.source.locate(node.place, text, 0);
        let place = match at {
            Some(at) if whole.length == text.chars().count() && whole.line == node.place.line => {
                Place { column: whole.column + at, length: 1, ..whole }
            }
            Some(_) | None => node.place,
        };
        (place, why)
    }
}

const PATTERN_ADVICE: &str = "write: the syntax of Rust's regex crate; put `\\` before a sign that is meant itself";

/// Reads a duration.
pub(super) fn duration_of(map: &Node, key: &str) -> Option<Duration> {
    map.get(key).and_then(Node::scalar).and_then(|text| duration::parse(text).ok())
}

/// Reads `true` or `false`; `false` when left out.
pub(super) fn flag(map: &Node, key: &str) -> bool {
    map.get(key).and_then(Node::boolean).unwrap_or_default()
}

/// Reads a text that is no template.
pub(super) fn text_of(map: &Node, key: &str) -> Option<String> {
    map.get(key).and_then(Node::scalar).map(str::to_owned)
}

/// Reads a list of texts, or one text.
pub(super) fn texts_of(map: &Node, key: &str) -> Vec<String> {
    let items = map.get(key).map(Node::items).unwrap_or_default();
    items.iter().filter_map(Node::scalar).map(str::to_owned).collect()
}
