//! What a drill can show, taken from a run: `simulate:` for each step, action and probe that the run carried out.
//!
//! Transcripts and verdicts are masked when they are written, so no secret comes into it; a mask becomes a practice secret. What
//! must stay true: what is written is accepted by the checker where it is pasted, and is bounded, however long a run's
//! outputs are.

use std::fmt::Write as _;

use crate::engine::undo::{self, UndoAction};
use crate::engine::{Finding, How, Record, Run, Stamped, Target, Verdict};
use crate::playbook::plan::{Act, Plan, Step};

/// The most characters of an output that are taken.
const LONGEST: usize = 4000;

/// What stands in a transcript where a secret was.
const MASK: &str = "[secret]";

/// What stands for it in a drill.
const PRACTICE: &str = "<PRACTICE>";

/// One attempt of something.
#[derive(Clone, Debug)]
struct Attempt {
    target: Target,
    number: u32,
    exit: Option<i32>,
    took_ms: u64,
    how: How,
}

/// What a run leaves behind for its drills.
#[derive(Debug, Default)]
pub struct Recorded {
    attempts: Vec<Attempt>,
    answers: Vec<(Target, Vec<Verdict>)>,
}

impl Recorded {
    /// Takes a record in.
    pub fn take(&mut self, stamped: &Stamped) {
        match &stamped.record {
            Record::Performed { target, attempt, outcome } => self.attempts.push(Attempt {
                target: target.clone(),
                number: *attempt,
                exit: outcome.exit,
                took_ms: outcome.took_ms,
                how: outcome.how,
            }),
            Record::Probed { target, verdicts } => self.answers.push((target.clone(), verdicts.clone())),
            // Nothing else was seen of the world.
            _ => {}
        }
    }

    /// Writes it down, step by step. `transcript` reads what an attempt printed; `indent` says how far the keys of a step stand
    /// in.
    #[must_use]
    pub fn yaml(
        &self,
        plan: &Plan,
        run: &Run,
        transcript: impl Fn(&Target, u32) -> Option<String>,
        indent: impl Fn(&Step) -> usize,
    ) -> String {
        let mut page = String::new();
        if let Some(begun) = &run.begun {
            let _ = writeln!(page, "# Taken from run {}. Paste each part where its first line says.", begun.run);
            page.push_str("# Both outputs of a command stand in `stdout`, as they came. Where a secret was there is a practice one.\n");
        }
        for step in &plan.steps {
            let own = Target::step(&step.id);
            let margin = " ".repeat(indent(step));
            self.part(
                &mut page,
                &own,
                &format!("{margin}# under the step {}", step.id),
                &margin,
                runs(&step.action.act),
                &transcript,
            );
            for (number, action) in (1..).zip(undo::actions(step)) {
                let runs = matches!(action, UndoAction::Author(action) if runs(&action.act));
                let target = Target::undo(&step.id, number);
                let number =
                    if matches!(undo::actions(step).first(), Some(UndoAction::Restore)) { number - 1 } else { number };
                let title = format!("{margin}# under action {number} of the rollback of {}", step.id);
                self.part(&mut page, &target, &title, &margin, runs, &transcript);
            }
        }
        page
    }

    fn part(
        &self,
        page: &mut String,
        target: &Target,
        title: &str,
        margin: &str,
        runs: bool,
        transcript: &impl Fn(&Target, u32) -> Option<String>,
    ) {
        let attempts: Vec<String> = self
            .attempts
            .iter()
            .filter(|attempt| attempt.target == *target && runs && matches!(attempt.how, How::Ok | How::Failed))
            .map(|attempt| simulated(attempt, &transcript(target, attempt.number).unwrap_or_default()))
            .collect();
        // Writing to a `String` cannot fail.
        if !attempts.is_empty() {
            let _ = writeln!(page, "\n{title}");
            match attempts.as_slice() {
                [one] => _ = writeln!(page, "{margin}simulate: {one}"),
                several => {
                    let _ = writeln!(page, "{margin}simulate:");
                    for one in several {
                        let _ = writeln!(page, "{margin}  - {one}");
                    }
                }
            }
        }
        let rounds: Vec<&Vec<Verdict>> =
            self.answers.iter().filter(|(of, _)| of == target).map(|(_, verdicts)| verdicts).collect();
        let probes = rounds.iter().map(|verdicts| verdicts.len()).max().unwrap_or(0);
        for probe in 0..probes {
            let answers: Vec<String> = rounds.iter().filter_map(|verdicts| verdicts.get(probe)).map(answered).collect();
            let _ = writeln!(page, "\n{title}, in its probe {}", probe + 1);
            let _ = match answers.as_slice() {
                [one] => writeln!(page, "{margin}simulate: {one}"),
                several => writeln!(page, "{margin}simulate: [{}]", several.join(", ")),
            };
        }
    }
}

fn runs(act: &Act) -> bool {
    matches!(act, Act::Run(_))
}

/// Writes one attempt as a mapping in one line.
fn simulated(attempt: &Attempt, output: &str) -> String {
    let mut fields = vec![format!("stdout: {}", quoted(&bounded(&output.replace(MASK, PRACTICE))))];
    fields.extend(attempt.exit.filter(|exit| (1..=255).contains(exit)).map(|exit| format!("exit: {exit}")));
    fields.push(format!("takes: {}", takes(attempt.took_ms)));
    format!("{{ {} }}", fields.join(", "))
}

/// Writes one answer of a probe as a mapping in one line.
fn answered(verdict: &Verdict) -> String {
    let finding = match verdict.finding {
        // That is what `pass` says.
        Finding::Holds => None,
        Finding::Denied => Some("denied"),
        Finding::Refused => Some("refused"),
        Finding::Unreachable => Some("unreachable"),
        Finding::Differs | Finding::NotUnderstood => Some("differs"),
    };
    let mut fields = vec![format!("pass: {}", verdict.pass)];
    fields.extend(finding.filter(|_| !verdict.pass).map(|finding| format!("finding: {finding}")));
    fields.push(format!("saw: {}", quoted(&bounded(&verdict.saw))));
    fields.push(format!("takes: {}", takes(verdict.took_ms)));
    format!("{{ {} }}", fields.join(", "))
}

fn takes(ms: u64) -> String {
    if ms < 1000 { format!("{ms}ms") } else { format!("{}s", ms / 1000) }
}

/// Writes a text as YAML reads it between double quotes, whatever is in it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() || matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Keeps the beginning and the end of what is too long.
fn bounded(text: &str) -> String {
    let letters = text.chars().count();
    if letters <= LONGEST {
        return text.to_owned();
    }
    let half = LONGEST / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(letters - half).collect();
    format!("{head}\n… {} characters left out …\n{tail}", letters - 2 * half)
}
