//! A scorecard in words: one Markdown page, which every front and the report show alike.

use std::fmt::Write as _;

use super::judge::Grade;
use super::moves;
use super::scorecard::{Grading, PASSED_FROM, Rating, Scorecard};
use crate::playbook::plan::{Drill, Move};
use crate::words;

/// How many of the slowest steps are listed.
const SLOWEST: usize = 8;

/// Says what became of a drill.
#[must_use]
pub fn rating(rating: Rating) -> &'static str {
    match rating {
        Rating::Passed => "passed",
        Rating::NotPassed => "not passed",
        Rating::Unfinished => "not finished",
    }
}

/// Says how good a decision was.
#[must_use]
pub fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Right => "right",
        Grade::Acceptable => "acceptable",
        Grade::Wrong => "wrong",
        Grade::Unjudged => "not judged",
        Grade::Open => "not decided",
    }
}

/// Writes the page. The debrief of the drill stands at its end, once it is over.
#[must_use]
pub fn page(card: &Scorecard, drill: Option<&Drill>) -> String {
    let mut page = String::new();
    let mut line = |text: &str| {
        page.push_str(text);
        page.push('\n');
    };
    line(&format!("**DRILL: {}**: {}", plain(&card.title), plain(&card.playbook)));
    line("");
    line(&format!("**{}, {} of 100 points** (passed from {PASSED_FROM})", rating(card.rating), card.points));
    line("");
    let ended = card.ended.as_ref().map(|ended| format!(", {ended}")).unwrap_or_default();
    line(&format!("{}{ended}{}", plain(&card.operator), took(card)));
    section(&mut page, "What went wrong, and what you did", card.decisions.iter().map(decision));
    section(&mut page, "Points off", card.deductions.iter().map(|off| format!("{}: {}", off.points, plain(&off.why))));
    section(&mut page, "Time", times(card).into_iter());
    section(&mut page, "Besides", besides(card).into_iter());
    if let Some(debrief) = drill.and_then(|drill| drill.debrief.as_ref()).filter(|_| card.ended_at.is_some()) {
        // Writing to a `String` cannot fail.
        let _ = write!(page, "\n## Debrief\n\n{}\n", debrief.trim_end());
    }
    page
}

fn section(page: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    // Writing to a `String` cannot fail.
    let _ = write!(page, "\n## {title}\n\n");
    for line in lines {
        let _ = writeln!(page, "- {line}");
    }
}

fn took(card: &Scorecard) -> String {
    match (card.began_at, card.ended_at) {
        (Some(from), Some(to)) => {
            let ms = u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0);
            format!(", in {}", words::took(ms))
        }
        (Some(_), None) | (None, _) => String::new(),
    }
}

fn decision(made: &Grading) -> String {
    let did = match made.decided.as_deref().and_then(Move::of) {
        Some(r#move) => format!("you {}", moves::said(r#move)),
        None => "you decided nothing".to_owned(),
    };
    let after = made.after_ms.map(|ms| format!(" after {}", words::took(ms))).unwrap_or_default();
    let because = made.because.as_ref().map(|why| format!(". {}", plain(why.trim_end()))).unwrap_or_default();
    format!("**{}**, {}: {did}{after}{because}", grade(made.grade), plain(&made.at))
}

/// Sets the time of the steps that took longest, against the estimates.
fn times(card: &Scorecard) -> Vec<String> {
    let mut steps: Vec<_> = card.steps.iter().collect();
    steps.sort_by_key(|step| std::cmp::Reverse(step.took_ms));
    let more = steps.len().saturating_sub(SLOWEST);
    let mut lines: Vec<String> = steps
        .into_iter()
        .take(SLOWEST)
        .map(|step| {
            let estimate = match step.estimate_ms {
                Some(ms) if step.took_ms > ms => format!(", longer than the estimate of {}", words::took(ms)),
                Some(ms) => format!(", within the estimate of {}", words::took(ms)),
                None => String::new(),
            };
            format!("{}: {}{estimate}", step.step, words::took(step.took_ms))
        })
        .collect();
    lines.extend((more > 0).then(|| format!("and {}, each shorter", words::count(more, "step", "steps"))));
    lines
}

fn besides(card: &Scorecard) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(back) = &card.rollback {
        lines.push(
            match back.last_safe {
                Some(last) if back.began_at > last => {
                    "the rollback was begun too late: it did not fit the window any more"
                }
                Some(_) => "the rollback was begun in time: it still fitted the window",
                None => "there was a rollback; the playbook has no window that it must fit",
            }
            .to_owned(),
        );
    }
    let asked = words::count(card.verified as usize, "time", "times");
    lines.push(match card.unverified.len() {
        0 => format!("verified {asked}, nothing that has probes was left unverified"),
        many => format!("verified {asked}, {} left unverified", words::count(many, "step was", "steps were")),
    });
    if !card.quiz.is_empty() {
        let right = card.quiz.iter().filter(|answered| answered.right).count();
        lines.push(format!("questions: {right} of {} right", card.quiz.len()));
    }
    if !card.hints.is_empty() {
        lines.push(words::count(card.hints.len(), "hint", "hints"));
    }
    if card.notes > 0 {
        lines.push(format!("{} left for whoever comes after", words::count(card.notes as usize, "note", "notes")));
    }
    if !card.called.is_empty() {
        lines.push(format!("called: {}", plain(&card.called.join(", "))));
    }
    lines
}

/// Keeps a text from being read as Markdown.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '*' | '_' | '`' | '[' | ']' | '<' | '\\' | '#') {
            plain.push('\\');
        }
        plain.push(if letter == '\n' { ' ' } else { letter });
    }
    plain
}
