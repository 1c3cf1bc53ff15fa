//! YAML 1.2, one document. Anchors, tags and merge keys may stand in it, but not where they would make the change mean more
//! than one value.
//!
//! The text is not taken for a tree: its events are followed as far as the pointer leads.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use zeroize::Zeroizing;

use super::quotes::is_doubtful;
use super::{LIST, MAPPING, NOTHING, Search, Sort, Value, Written, number};
use crate::playbook::yaml::{ScalarKind, plain_kind};

/// The quotes of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exec::edit) enum Style {
    /// None.
    Plain,
    /// `'`.
    Single,
    /// `"`.
    Double,
}

/// Says whether the core schema takes a plain scalar for a text.
pub(super) fn is_text(plain: &str) -> bool {
    plain_kind(plain) == ScalarKind::Text
}

/// A collection that is not closed yet.
struct Open {
    /// How many steps of the pointer lead to it; none where it is not on the way.
    depth: Option<usize>,
    flow: bool,
    inside: Inside,
}

enum Inside {
    /// The number of the next entry.
    List(usize),
    /// The key whose value comes next; none where a key does.
    Map(Option<Key>),
}

enum Key {
    /// The one that the pointer names.
    Wanted,
    Other,
}

/// What is found on the way.
#[derive(Default)]
struct Walk {
    open: Vec<Open>,
    /// The scalar that the pointer leads to.
    found: Option<Value>,
    /// What stands there instead.
    wrong: Option<String>,
    /// For each depth, where the key of the pointer was seen.
    seen: Vec<(usize, usize)>,
    /// The anchors along the way, with their numbers.
    anchors: Vec<usize>,
    /// The keys that would have led on, at the depth where the way ends.
    names: Vec<(usize, String)>,
    /// Where keys are taken over from elsewhere, on the way.
    merges: bool,
    documents: usize,
}

fn events(text: &str) -> impl Iterator<Item = Result<(Event<'_>, Span), granit_parser::ScanError>> {
    Parser::new_from_str_with_options(text, granit_parser::options! { emit_comments: false })
}

/// Finds a value.
///
/// # Errors
/// As [`super::find`].
pub(super) fn find(search: &Search<'_>) -> Result<Value, String> {
    let mut walk = Walk::default();
    for event in events(search.text) {
        let (event, span) = event
            .map_err(|wrong| format!("line {}: this is not YAML: {}", wrong.marker().line().max(1), wrong.info()))?;
        walk.take(&event, span, search)?;
    }
    if let Some(wrong) = walk.wrong {
        return Err(wrong);
    }
    walk.found.ok_or_else(|| {
        let depth = walk.names.iter().map(|(depth, _)| *depth).max().unwrap_or_default();
        let names = walk.names.iter().filter(|(at, _)| *at == depth).map(|(_, name)| name.as_str());
        let merged = if walk.merges { "; keys that are taken over by `<<` are not changed here" } else { "" };
        format!("{}{merged}", search.nowhere(depth, names))
    })
}

impl Walk {
    fn take(&mut self, event: &Event<'_>, span: Span, search: &Search<'_>) -> Result<(), String> {
        let place = span.start.byte_offset().unwrap_or_default();
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(search.at(
                        place,
                        "a second document begins here, and which one is meant cannot be said; change it by `match`",
                    ));
                }
            }
            Event::Alias(id) => {
                if self.anchors.contains(id) {
                    return Err(search.at(
                        place,
                        "an alias (`*`) takes over what would be changed, so more than one value would change; change it by hand",
                    ));
                }
                if self.node(search, None, place)? == Some(search.steps.len()) {
                    self.wrong =
                        Some(search.at(place, "an alias (`*`) stands there; change the value that it stands for"));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let depth = self.node(search, Some(text), place)?;
                self.anchored(depth, *anchor);
                if depth == Some(search.steps.len()) {
                    match self.scalar(text, *style, tag.is_some(), span, search) {
                        Ok(value) => self.found = Some(value),
                        Err(wrong) => self.wrong = Some(search.at(place, &wrong)),
                    }
                }
            }
            Event::SequenceStart(style, anchor, _) => {
                let depth = self.node(search, None, place)?;
                self.collection(depth, *anchor, *style, Inside::List(0), search, place);
            }
            Event::MappingStart(style, anchor, _) => {
                let depth = self.node(search, None, place)?;
                self.collection(depth, *anchor, *style, Inside::Map(None), search, place);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            // The marks of stream and document carry nothing; the parser's enum is open.
            _ => {}
        }
        Ok(())
    }

    fn collection(
        &mut self,
        depth: Option<usize>,
        anchor: usize,
        style: StructureStyle,
        inside: Inside,
        search: &Search<'_>,
        place: usize,
    ) {
        self.anchored(depth, anchor);
        if depth == Some(search.steps.len()) {
            let what = if matches!(inside, Inside::List(_)) { LIST } else { MAPPING };
            self.wrong = Some(search.at(place, what));
        }
        self.open.push(Open { depth, flow: style == StructureStyle::Flow, inside });
    }

    fn anchored(&mut self, depth: Option<usize>, anchor: usize) {
        if depth.is_some() && anchor != 0 {
            self.anchors.push(anchor);
        }
    }

    /// Counts a node in where it stands, and says how many steps of the pointer lead to it: none where it is not on the
    /// way, or is a key.
    fn node(&mut self, search: &Search<'_>, scalar: Option<&str>, place: usize) -> Result<Option<usize>, String> {
        let Some(open) = self.open.last_mut() else { return Ok(Some(0)) };
        let step = open.depth.and_then(|depth| Some((depth, search.steps.get(depth)?)));
        let leads = match &mut open.inside {
            Inside::List(at) => {
                let here = step.is_some_and(|(_, step)| number(step) == Some(*at));
                *at += 1;
                here
            }
            Inside::Map(key @ None) => {
                let named = step.zip(scalar).filter(|((_, step), key)| step.as_str() == *key);
                *key = Some(if named.is_some() { Key::Wanted } else { Key::Other });
                if let Some(((depth, _), _)) = named {
                    if let Some((_, first)) = self.seen.iter().find(|(at, _)| *at == depth) {
                        return Err(search.twice(depth, *first, place));
                    }
                    self.seen.push((depth, place));
                }
                if let Some(((depth, _), key)) = step.zip(scalar) {
                    self.merges |= key == "<<";
                    self.names.push((depth, key.to_owned()));
                }
                return Ok(None);
            }
            Inside::Map(key) => matches!(key.take(), Some(Key::Wanted)),
        };
        Ok(open.depth.filter(|_| leads).map(|depth| depth + 1))
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tagged: bool,
        span: Span,
        search: &Search<'_>,
    ) -> Result<Value, String> {
        if tagged {
            return Err("a tag (`!`) says what stands there; change it by `match`".to_owned());
        }
        let range = span.byte_range().ok_or("where it stands is not known")?;
        let raw = search.text.get(range.clone()).ok_or("where it stands is not known")?;
        let over_lines = "a text over several lines stands there; change it by `match`".to_owned();
        let (style, sort) = match style {
            ScalarStyle::Plain if raw.is_empty() => return Err(NOTHING.to_owned()),
            ScalarStyle::Plain if raw != text => return Err(over_lines),
            ScalarStyle::Plain => (Style::Plain, plain_sort(text)?),
            ScalarStyle::SingleQuoted => (Style::Single, Sort::Text),
            ScalarStyle::DoubleQuoted => (Style::Double, Sort::Text),
            ScalarStyle::Literal | ScalarStyle::Folded => return Err(over_lines),
        };
        let flow = self.open.last().is_some_and(|open| open.flow);
        let says = Zeroizing::new(text.to_owned());
        Ok(Value { range, sort, written: Written::Yaml { style, flow }, says })
    }
}

const DOUBTFUL: &str = "what stands there is a text to some readers, and true, false, a number or a date to others; \
                        put it in quotes first, or change it by `match`";

/// Says whether every reader takes a plain scalar for a number: YAML 1.1 and 1.2 differ about zeros in front, other bases
/// and exponents.
pub(super) fn is_number(text: &str) -> bool {
    super::is_number(text) && !text.contains(['e', 'E'])
}

/// Says what sort of value a plain scalar is.
fn plain_sort(text: &str) -> Result<Sort, String> {
    match plain_kind(text) {
        ScalarKind::Null => Err(NOTHING.to_owned()),
        ScalarKind::Boolean => Ok(Sort::Truth),
        ScalarKind::Integer | ScalarKind::Float if is_number(text) => Ok(Sort::Number),
        ScalarKind::Integer | ScalarKind::Float => Err(DOUBTFUL.to_owned()),
        ScalarKind::Text if is_doubtful(text) => Err(DOUBTFUL.to_owned()),
        ScalarKind::Text => Ok(Sort::Text),
    }
}

/// Lists where all single values stand; none of what is not YAML.
pub(super) fn all(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // For each collection that is open, whether a key comes next; in a list none does.
    let mut open: Vec<Option<bool>> = Vec::new();
    for event in events(text) {
        let Ok((event, span)) = event else { return Vec::new() };
        let starts = match event {
            Event::SequenceStart(..) => Some(None),
            Event::MappingStart(..) => Some(Some(true)),
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                continue;
            }
            Event::Scalar(..) | Event::Alias(_) => None,
            // The marks of stream and document carry nothing; the parser's enum is open.
            _ => continue,
        };
        let mut is_key = false;
        if let Some(Some(key)) = open.last_mut() {
            is_key = *key;
            *key = !*key;
        }
        match starts {
            Some(collection) => open.push(collection),
            None if !is_key => found.extend(span.byte_range()),
            None => {}
        }
    }
    found
}

/// Says whether a text in which a value was replaced has the same events as before but for that value, which begins at
/// this byte of both.
pub(super) fn same_but_for_one(old: &str, new: &str, at: usize) -> bool {
    let mut new = events(new);
    let same = events(old).all(|old| match (old, new.next()) {
        (Ok((old, old_span)), Some(Ok((new, new_span)))) => {
            let here = |span: Span| span.start.byte_offset() == Some(at);
            match (&old, &new) {
                (Event::Scalar(_, _, anchor, tag), Event::Scalar(_, _, new_anchor, new_tag))
                    if here(old_span) && here(new_span) =>
                {
                    anchor == new_anchor && tag == new_tag
                }
                // All that is neither the value nor written like it must be what it was.
                _ => old == new,
            }
        }
        (Ok(_) | Err(_), _) => false,
    });
    same && new.next().is_none()
}
