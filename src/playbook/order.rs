//! In which order inputs can be filled in: one that is made from others comes after them.

use std::collections::HashMap;

use super::inputs::refers_to;
use super::lower::Lower;
use super::yaml::Entry;

/// Returns the places of the inputs in an order in which each comes after those it refers to; otherwise as in the
/// file. Inputs that refer to one another in a circle are a fault.
pub(super) fn of_inputs(lower: &mut Lower<'_>, entries: &[&Entry]) -> Vec<usize> {
    let index: HashMap<&str, usize> = entries.iter().enumerate().map(|(at, entry)| (entry.key.as_str(), at)).collect();
    let needs: Vec<Vec<usize>> = entries
        .iter()
        .map(|entry| refers_to(&entry.value).into_iter().filter_map(|name| index.get(name).copied()).collect())
        .collect();
    let mut state = vec![State::New; entries.len()];
    let mut order = Vec::with_capacity(entries.len());
    // A walk into the depth with a stack of our own: inputs in a long chain cost no stack.
    for start in 0..entries.len() {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((at, next)) = path.pop() {
            if next == 0 {
                if state[at] != State::New {
                    continue;
                }
                state[at] = State::Open;
            }
            match needs[at].get(next) {
                None => {
                    state[at] = State::Done;
                    order.push(at);
                }
                Some(&needed) => {
                    path.push((at, next + 1));
                    match state[needed] {
                        State::New => path.push((needed, 0)),
                        State::Open => circle(lower, entries, &path, needed),
                        State::Done => {}
                    }
                }
            }
        }
    }
    order
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

fn circle(lower: &mut Lower<'_>, entries: &[&Entry], path: &[(usize, usize)], back_to: usize) {
    let from = path.iter().position(|&(at, _)| at == back_to).unwrap_or_default();
    let names: Vec<String> =
        path[from..].iter().map(|&(at, _)| at).chain([back_to]).map(|at| format!("`{}`", entries[at].key)).collect();
    lower.fault(
        entries[back_to].place,
        format!("these inputs wait for one another: {}", names.join(" → ")),
        "give one of them a default or a source of its own",
    );
}
