//! What a host keeps for those who come late: the end of what was printed, the answers of probes, the diffs.
//!
//! Records are not kept here: whoever comes late reads them from the journal. Memory is bounded, whatever a step prints
//! and however often a probe is asked.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::wire::Down;
use super::outbox::{LEFT_OUT, drop_front};
use crate::engine::{Finding, Record, Target};
use crate::output::Picture;

/// The most bytes of output that are kept, over all steps.
const OUTPUT: usize = 2 << 20;

/// The most answers of probes that are kept.
const ATTEMPTS: usize = 500;

/// The most diffs that are kept.
const PREVIEWS: usize = 4;

/// What a late comer is told.
#[derive(Debug, Default)]
pub(super) struct Memory {
    outputs: VecDeque<Printed>,
    bytes: usize,
    attempts: VecDeque<Asked>,
    previews: VecDeque<(Target, Result<String, String>)>,
    picture: Option<(Target, Arc<Picture>)>,
}

#[derive(Debug)]
struct Printed {
    target: Target,
    text: String,
    cut: bool,
}

/// A probe's answer, as a front is told it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) target: Target,
    pub(super) probe: usize,
    pub(super) attempt: u32,
    pub(super) finding: Finding,
    pub(super) pass: bool,
    pub(super) saw: String,
}

impl Asked {
    pub(super) fn down(self) -> Down {
        let Self { target, probe, attempt, finding, pass, saw } = self;
        Down::Attempt { target, probe, attempt, finding, pass, saw }
    }
}

impl Memory {
    /// Forgets what a record makes old.
    pub(super) fn record(&mut self, record: &Record) {
        if let Record::Started { target, .. } | Record::VerifyAgain { target } = record {
            self.attempts.retain(|asked| asked.target != *target);
        }
        if let Record::Started { target, .. } = record {
            self.picture = None;
            self.outputs.retain(|printed| printed.target != *target);
            self.bytes = self.outputs.iter().map(|printed| printed.text.len()).sum();
        }
    }

    /// Keeps output.
    pub(super) fn output(&mut self, target: &Target, piece: &str) {
        self.bytes += piece.len();
        match self.outputs.back_mut() {
            Some(last) if last.target == *target => last.text.push_str(piece),
            Some(_) | None => {
                self.outputs.push_back(Printed { target: target.clone(), text: piece.to_owned(), cut: false });
            }
        }
        while self.bytes > OUTPUT
            && let Some(first) = self.outputs.front_mut()
        {
            let before = first.text.len();
            // A quarter at once, or every small piece would move all of it.
            drop_front(&mut first.text, (OUTPUT / 4).min(before));
            first.cut = true;
            self.bytes -= before - first.text.len();
            if first.text.is_empty() && self.outputs.len() > 1 {
                self.outputs.pop_front();
            }
        }
    }

    /// Keeps the newest picture of a program's terminal; of an earlier program's there is its output.
    pub(super) fn picture(&mut self, target: &Target, picture: &Arc<Picture>) {
        self.picture = Some((target.clone(), Arc::clone(picture)));
    }

    /// Returns the newest picture of a program's terminal.
    pub(super) fn last_picture(&self) -> Option<&(Target, Arc<Picture>)> {
        self.picture.as_ref()
    }

    /// Keeps an answer of a probe.
    pub(super) fn attempt(&mut self, asked: Asked) {
        self.attempts.push_back(asked);
        if self.attempts.len() > ATTEMPTS {
            self.attempts.pop_front();
        }
    }

    /// Keeps a diff.
    pub(super) fn preview(&mut self, target: &Target, diff: &Result<String, String>) {
        self.previews.retain(|(known, _)| known != target);
        self.previews.push_back((target.clone(), diff.clone()));
        if self.previews.len() > PREVIEWS {
            self.previews.pop_front();
        }
    }

    /// Tells all of it, in the order in which it is told to a front.
    pub(super) fn tell(&self) -> impl Iterator<Item = Down> {
        let outputs = self.outputs.iter().map(|printed| {
            let text = if printed.cut { [LEFT_OUT, &printed.text].concat() } else { printed.text.clone() };
            Down::Output { target: printed.target.clone(), text }
        });
        let attempts = self.attempts.iter().map(|asked| asked.clone().down());
        let previews = self.previews.iter();
        let previews = previews.map(|(target, diff)| Down::Preview { target: target.clone(), diff: diff.clone() });
        outputs.chain(attempts).chain(previews)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::StepId;

    fn target(name: &str) -> Target {
        Target::step(&StepId::new(name))
    }

    fn texts(memory: &Memory) -> Vec<String> {
        let text = |down| match down {
            Down::Output { text, .. } => text,
            other => format!("{other:?}"),
        };
        memory.tell().map(text).collect()
    }

    #[test]
    fn the_end_of_a_flood_is_kept_and_its_beginning_is_not() {
        let mut memory = Memory::default();
        memory.output(&target("before"), "of another step\n");
        for number in 0..400_000 {
            memory.output(&target("flood"), &format!("line {number:010}\n"));
            assert!(memory.bytes <= OUTPUT);
        }
        let told = texts(&memory);
        assert_eq!(told.len(), 1, "the oldest gives way first");
        assert!(told[0].starts_with(LEFT_OUT) && told[0].ends_with("line 0000399999\n"));
        assert!(told[0].len() > OUTPUT / 2);
    }

    #[test]
    fn what_is_started_again_begins_anew() {
        let mut memory = Memory::default();
        memory.output(&target("a"), "old\n");
        memory.output(&target("b"), "other\n");
        memory.record(&Record::Started { target: target("a"), attempt: 2, retry: false, despite: None });
        memory.output(&target("a"), "new\n");
        assert_eq!(texts(&memory), ["other\n", "new\n"]);
    }
}
