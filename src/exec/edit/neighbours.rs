//! What stands beside a changed value on its line: in a file of one long line that is everybody else's secrets.
//!
//! Where a value was changed by its pointer, the other values of its line are left out of what is shown. Keys, comments and
//! all other lines stay: what an author matched by an expression is theirs to see.

use std::ops::Range;

use super::value;
use crate::playbook::plan::Format;

/// What stands for a value that is left out.
const ELSE: &str = "…";

/// The values of a text that are not to be shown.
pub(super) struct Neighbours {
    left_out: Vec<Range<usize>>,
}

impl Neighbours {
    /// Finds those of a text in which the values at these pointers are changed.
    pub(super) fn of(text: &str, changed: &[(Format, String)]) -> Self {
        let mut left_out = Vec::new();
        let found = changed.iter().filter_map(|(format, pointer)| value::find(text, *format, pointer).ok());
        let targets: Vec<Range<usize>> = found.map(|found| found.range).collect();
        let lines: Vec<Range<usize>> = targets.iter().map(|target| line_of(text, target)).collect();
        if let Some((format, _)) = changed.first() {
            left_out = value::all(text, *format);
            left_out.retain(|range| !targets.contains(range) && lines.iter().any(|line| overlap(line, range)));
        }
        Self { left_out }
    }

    /// Shows a line that begins at this byte of the text, without them.
    pub(super) fn shown(&self, line: &str, start: usize) -> String {
        let here = start..start + line.len();
        let mut shown = String::with_capacity(line.len());
        let mut at = 0;
        for range in self.left_out.iter().filter(|range| overlap(&here, range)) {
            let from = range.start.max(start) - start;
            shown.push_str(&line[at.min(from)..from]);
            shown.push_str(ELSE);
            at = range.end.min(here.end) - start;
        }
        shown.push_str(&line[at..]);
        shown
    }
}

/// Returns the lines that a value stands on.
fn line_of(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at);
    start..end
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_values_of_a_line_are_left_out() {
        for (format, text, shown) in [
            (
                Format::Json,
                "{\"k\":\"CANARY-1\",\"a\":\"new\",\"l\":[1,{\"x\":\"CANARY-2\"}]} // said",
                "{\"k\":…,\"a\":\"new\",\"l\":[…,{\"x\":…}]} // said",
            ),
            (Format::Yaml, "{k: CANARY-1, a: new, l: [x, *y]}", "{k: CANARY-1, a: new, l: [x, *y]}"),
            (Format::Yaml, "{k: CANARY-1, a: new, ? [x] : 'CANARY-2', l: [x]}", "{k: …, a: new, ? […] : …, l: […]}"),
            (Format::Toml, "a = \"new\" # said", "a = \"new\" # said"),
        ] {
            let neighbours = Neighbours::of(text, &[(format, "/a".to_owned())]);
            assert_eq!(neighbours.shown(text, 0), shown);
        }
        let text = "x = 1\nt = { k = 'CANARY-1', a = 'new', l = [\n 1, 2 ] }\n";
        let neighbours = Neighbours::of(text, &[(Format::Toml, "/t/a".to_owned())]);
        let lines: Vec<String> = ["x = 1", "t = { k = 'CANARY-1', a = 'new', l = [", " 1, 2 ] }"]
            .iter()
            .map(|line| neighbours.shown(line, text.find(line).unwrap()))
            .collect();
        assert_eq!(lines, ["x = 1", "t = { k = …, a = 'new', l = [", " 1, 2 ] }"]);
    }
}
