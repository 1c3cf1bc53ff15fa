//! Shows what an edit changes: a unified diff without a secret in it.
//!
//! Known secrets are masked by the run's masker. Others are hidden here though nobody knows them: passwords inside URLs,
//! and whatever a secret takes the place of. No line around a change is shown, and of a line with several values none but the
//! one that changes: it would be somebody else's key.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};
use zeroize::Zeroizing;

use super::Change;
use super::neighbours::Neighbours;
use super::place::passwords;
use crate::exec::scene::Scene;
use crate::secret::MASK;

/// Shows the changes of one file.
pub(super) fn show(change: &Change, scene: &Scene) -> String {
    let (old, new) = (change.old.as_str(), change.new.as_str());
    let mut hidden: Vec<Zeroizing<String>> = change.hidden.clone();
    for text in [old, new] {
        hidden.extend(passwords(text).map(|range| Zeroizing::new(text[range].to_owned())));
    }
    hidden.retain(|secret| !secret.is_empty());
    // The longest first, so that none is left behind as the rest of a longer one.
    hidden.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    hidden.dedup();

    let mut shown = format!("--- {0}\n+++ {0}\n", change.named);
    let diff = TextDiff::from_lines(old, new);
    let (olds, news) = (starts(diff.iter_old_slices()), starts(diff.iter_new_slices()));
    let neighbours = [old, new].map(|text| Neighbours::of(text, &change.pointers));
    if !change.exists {
        shown.push_str("(a new file, readable by its owner alone)\n");
    }
    match (change.written, old == new) {
        (true, _) => shown.push_str("(as it should be already: written by an earlier attempt)\n"),
        (false, true) => shown.push_str("(no change)\n"),
        (false, false) => {}
    }
    for group in diff.grouped_ops(0) {
        if let (Some(first), Some(last)) = (group.first(), group.last()) {
            let (from, to) =
                (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
            let _ = writeln!(shown, "@@ -{},{} +{},{} @@", from.start + 1, from.len(), to.start + 1, to.len());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let line = change.value().trim_end_matches(['\n', '\r']);
            let (neighbours, start) = match change.tag() {
                ChangeTag::Delete => (&neighbours[0], change.old_index().and_then(|at| olds.get(at))),
                ChangeTag::Insert | ChangeTag::Equal => {
                    (&neighbours[1], change.new_index().and_then(|at| news.get(at)))
                }
            };
            let line = neighbours.shown(line, start.copied().unwrap_or_default());
            shown.push(sign);
            shown.push_str(&scene.mask(&hide(&line, &hidden)));
            shown.push('\n');
        }
    }
    shown
}

/// Lists where lines begin.
fn starts<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<usize> {
    let ends = lines.scan(0, |end, line| {
        *end += line.len();
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

fn hide(line: &str, hidden: &[Zeroizing<String>]) -> String {
    // By place first: a password of one letter is hidden where it stands, not in every word.
    let mut text = String::with_capacity(line.len());
    let mut at = 0;
    for range in passwords(line) {
        text.push_str(&line[at..range.start]);
        text.push_str(MASK);
        at = range.end;
    }
    text.push_str(&line[at..]);
    for secret in hidden.iter().filter(|secret| secret.chars().count() >= 4) {
        text = text.replace(secret.as_str(), MASK);
    }
    text
}
