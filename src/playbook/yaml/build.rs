//! Builds the tree from the parser's events, and finds what the format does not allow in YAML.
//!
//! Not recursive: the depth of a text costs no stack.

use std::collections::HashSet;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use super::super::fault::Fault;
use super::{Entry, Node, Place, Scalar, ScalarKind, Value, scalar};

/// The most bytes a playbook may have.
const LARGEST: usize = 1 << 20;
/// The most collections that may stand in one another.
const DEEPEST: usize = 64;

/// Reads a text into a tree, with all faults that YAML itself can have. None where nothing can be made of the text.
pub(in super::super) fn parse(text: &str) -> (Option<Node>, Vec<Fault>) {
    let start = Place { line: 1, column: 1, length: 1, end_line: 1 };
    if text.len() > LARGEST {
        let fault = Fault::new(start, "the file is larger than 1 MB").advise("split it into several playbooks");
        return (None, vec![fault]);
    }
    // The byte order mark is allowed and says nothing.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder::default();
    let options =
        granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true, emit_anchor_events: true };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                if builder.take(event, span).is_break() {
                    break;
                }
            }
            Err(error) => {
                builder.faults.push(syntax(&error, text));
                return (None, builder.faults);
            }
        }
    }
    if builder.root.is_none() && builder.faults.is_empty() {
        builder
            .faults
            .push(Fault::new(start, "the file is empty").advise("write: `runsheet: 1`, `title: …` and `phases: […]`"));
    }
    (builder.root, builder.faults)
}

fn syntax(error: &ScanError, text: &str) -> Fault {
    let marker = error.marker();
    let place = Place { line: marker.line().max(1), column: marker.col() + 1, length: 1, end_line: marker.line() };
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabAtBlockScalarStart => {
            let line = super::super::fault::lines(text).nth(place.line - 1).unwrap_or_default();
            let column = line.chars().position(|c| c == '\t').map_or(place.column, |at| at + 1);
            Fault::new(Place { column, ..place }, "a tab cannot indent YAML").advise("write: blanks instead of the tab")
        }
        ErrorKind::MappingValueNotAllowed => Fault::new(place, "a `: ` cannot stand here")
            .advise("put the text in quotes when it has `: ` in it; else look at the indentation"),
        // Every other kind is a plain syntax error, and the parser's own words say which.
        _ => Fault::new(place, format!("this is not YAML: {}", error.info())).advise(
            "look at this line and the ones before it: is every `[`, `{` and quote closed, is the indentation right?",
        ),
    }
}

/// A collection that is not closed yet.
enum Open {
    List { place: Place, items: Vec<Node> },
    Map { place: Place, entries: Vec<Entry>, seen: HashSet<String>, key: Option<(String, Place, bool)> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    faults: Vec<Fault>,
    documents: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> std::ops::ControlFlow<()> {
        use std::ops::ControlFlow::{Break, Continue};
        let place = place_of(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.faults.push(
                        Fault::new(Place { length: 3, ..place }, "a second document begins here")
                            .advise("a playbook is one document: keep the first, move the rest to another file"),
                    );
                    return Break(());
                }
            }
            Event::Anchor(..) => {
                self.faults.push(
                    Fault::new(place, "an anchor (`&…`) is not allowed")
                        .advise("write: the value in full wherever it is needed"),
                );
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.faults.push(
                    Fault::new(place, "an alias (`*…`) is not allowed").advise("write: the value itself, once more"),
                );
                self.add(Node { place, value: Value::Broken });
            }
            Event::Scalar(text, style, _, tag) => {
                self.properties(tag.is_some(), span, place);
                let kind = if style == ScalarStyle::Plain { scalar::resolve(&text) } else { ScalarKind::Text };
                if text.contains('\0') {
                    self.faults
                        .push(Fault::new(place, "a text cannot hold the character NUL").advise("take `\\0` out"));
                    self.add(Node { place, value: Value::Broken });
                } else {
                    self.add(Node { place, value: Value::Scalar(Scalar { text: text.into_owned(), kind }) });
                }
            }
            Event::SequenceStart(style, _, tag) => {
                self.properties(tag.is_some(), span, place);
                self.open.push(Open::List { place: collection(place, style), items: Vec::new() });
                return self.depth(place);
            }
            Event::MappingStart(style, _, tag) => {
                self.properties(tag.is_some(), span, place);
                let place = collection(place, style);
                self.open.push(Open::Map { place, entries: Vec::new(), seen: HashSet::new(), key: None });
                return self.depth(place);
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { place, items }) => self.add(Node { place, value: Value::List(items) }),
                Some(Open::Map { mut place, entries, .. }) => {
                    if let (0, Some(first)) = (place.length, entries.first()) {
                        place = first.place;
                    }
                    self.add(Node { place, value: Value::Map(entries) });
                }
                None => {}
            },
            // Stream marks, document ends and comments carry nothing; the parser's enum is open.
            _ => {}
        }
        Continue(())
    }

    fn depth(&mut self, place: Place) -> std::ops::ControlFlow<()> {
        if self.open.len() <= DEEPEST {
            return std::ops::ControlFlow::Continue(());
        }
        self.faults.push(
            Fault::new(place, format!("this is nested more than {DEEPEST} levels deep"))
                .advise("no playbook needs that: look for a bracket that is not closed"),
        );
        self.root = None;
        std::ops::ControlFlow::Break(())
    }

    fn properties(&mut self, tagged: bool, span: Span, place: Place) {
        if tagged {
            let place = span.tag_span().map_or(place, place_of);
            self.faults.push(
                Fault::new(place, "a tag (`!…`) is not allowed")
                    .advise("write: the value without it, in quotes if it is a text"),
            );
        }
    }

    /// Puts a finished value where it belongs: as a key, as the value of a key, into a list, or as the whole.
    fn add(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = self.root.take().or(Some(node)),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, seen, key, .. }) => match key.take() {
                Some((key, place, keep)) => {
                    if keep {
                        entries.push(Entry { key, place, value: node });
                    }
                }
                None => *key = Some(as_key(node, entries, seen, &mut self.faults)),
            },
        }
    }
}

/// Takes a value as a key. The last part says whether the entry is kept.
fn as_key(node: Node, entries: &[Entry], seen: &mut HashSet<String>, faults: &mut Vec<Fault>) -> (String, Place, bool) {
    let place = node.place;
    match node.value {
        Value::Scalar(Scalar { text, kind }) => {
            if text == "<<" && kind == ScalarKind::Text {
                faults.push(
                    Fault::new(place, "a merge key (`<<`) is not allowed")
                        .advise("write: the keys themselves, in full"),
                );
                return (text, place, false);
            }
            if let Some(line) = line_of(&text, entries, seen) {
                faults.push(
                    Fault::new(place, format!("`{text}` stands here twice"))
                        .advise(format!("line {line} has it already: keep one of the two")),
                );
                return (text, place, false);
            }
            (text, place, true)
        }
        Value::Broken => (String::new(), place, false),
        Value::List(_) | Value::Map(_) => {
            faults.push(
                Fault::new(place, "a list or a mapping cannot be a key")
                    .advise("write: a text before the colon; put `${name}` and texts with brackets in quotes"),
            );
            (String::new(), place, false)
        }
    }
}

/// Finds the line of an earlier entry with the same key. Few keys are compared one by one; a set is for many.
fn line_of(key: &str, entries: &[Entry], seen: &mut HashSet<String>) -> Option<usize> {
    const FEW: usize = 16;
    if entries.len() >= FEW {
        if seen.is_empty() {
            seen.extend(entries.iter().map(|entry| entry.key.clone()));
        }
        if seen.insert(key.to_owned()) {
            return None;
        }
    }
    entries.iter().find(|entry| entry.key == key).map(|entry| entry.place.line)
}

fn place_of(span: Span) -> Place {
    let (start, end) = (span.start, span.end);
    let length = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Place { line: start.line().max(1), column: start.col() + 1, length, end_line: end.line() }
}

/// A collection is pointed at by its bracket, or by its first key.
fn collection(place: Place, style: StructureStyle) -> Place {
    Place { length: usize::from(style == StructureStyle::Flow), ..place }
}
