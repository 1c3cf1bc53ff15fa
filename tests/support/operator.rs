//! A person at the full screen: reads what is asked, answers it, and looks back at what was verified.

use runsheet::playbook::plan::{Plan, Step};

use super::terminal::Terminal;

const ENTER: &str = "\r";
const ESCAPE: &str = "\x1b";

/// What the screen asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The step of this number is next; it asks once more where this is set.
    Next(usize, bool),
    /// It is the operator's turn at the step of this number.
    Turn(usize),
    /// An action of a rollback is to be agreed to; the headline.
    Undo(String),
    /// Something failed or is unknown; the headline.
    Decision(String),
    /// The run is over.
    Over,
}

/// A person at a terminal.
pub(crate) struct Operator<'t> {
    terminal: &'t Terminal,
    plan: &'t Plan,
}

impl<'t> Operator<'t> {
    /// Sits down.
    pub(crate) fn at(terminal: &'t Terminal, plan: &'t Plan) -> Self {
        Self { terminal, plan }
    }

    /// Waits until something is asked that was not asked before, and can be answered.
    #[track_caller]
    pub(crate) fn asked(&self, before: Option<&Asked>) -> Asked {
        let mut asked = None;
        self.terminal.until(&format!("a question other than {before:?}"), |picture| {
            asked = question(picture).filter(|asked| Some(asked) != before);
            asked.is_some()
        });
        asked.expect("that is what was waited for")
    }

    /// Returns the step of a number.
    pub(crate) fn step(&self, number: usize) -> &'t Step {
        &self.plan.steps[number - 1]
    }

    /// Starts the step that is next, and answers the one more question.
    #[track_caller]
    pub(crate) fn start(&self, one_more: bool) {
        self.terminal.press(ENTER);
        if one_more {
            self.terminal.see("before it starts");
            self.terminal.see("y starts it");
            self.terminal.press("y");
        }
    }

    /// Looks back from the step whose turn it is at one that is done, and holds that each of its probes is seen with its answer.
    #[track_caller]
    pub(crate) fn looks_back_at(&self, number: usize, current: usize) {
        let step = self.step(number);
        if step.action.verify.is_empty() {
            return;
        }
        // The foot of the screen is drawn last: when it is as it should be, so is what stands above.
        let away = |picture: &str| foot(picture).contains("Esc to current");
        let header = |at: usize| format!(" {at}/{} {} ", self.plan.steps.len(), self.step(at).id);
        let wanted = step.action.verify.len();
        for at in (number..current).rev() {
            let header = header(at);
            self.terminal.press("k");
            self.terminal.until(&header, |picture| away(picture) && picture.contains(&header));
        }
        let header = header(number);
        self.terminal.until(&format!("{wanted} answers of {}", step.id), |picture| {
            let held = picture.lines().filter(|line| line.contains('✓') && line.contains("  holds")).count();
            picture.contains(&header) && held >= wanted
        });
        self.terminal.press(ESCAPE);
        self.terminal.until("the step whose turn it is", |picture| !away(picture));
    }

    /// Walks forward until it is the operator's own turn, the step with an id is done, or the run is over.
    #[track_caller]
    pub(crate) fn walks(&self, through: &str) -> Asked {
        let mut before = None;
        let mut last: Option<usize> = None;
        loop {
            let asked = self.asked(before.as_ref());
            let Asked::Next(number, one_more) = asked else { return asked };
            if let Some(last) = last.take() {
                self.looks_back_at(last, number);
                if self.step(last).id.as_str() == through {
                    return asked;
                }
                self.terminal.until("the question again", |picture| question(picture).as_ref() == Some(&asked));
            }
            self.start(one_more);
            last = Some(number);
            before = Some(asked);
        }
    }

    /// Leaves; the run stays open.
    #[track_caller]
    pub(crate) fn leaves(&self) {
        self.terminal.press("q");
        self.terminal.see("y leave");
        self.terminal.press("y");
    }
}

/// Returns the last line of the screen, which lists the keys.
fn foot(picture: &str) -> &str {
    picture.lines().last().unwrap_or_default().trim()
}

/// Reads the question at the foot of the screen, once its keys are offered.
pub(crate) fn question(picture: &str) -> Option<Asked> {
    let lines: Vec<&str> = picture.lines().map(str::trim).collect();
    let at = lines.iter().rposition(|line| line.starts_with("now ──"))?;
    let (headline, keys) = (*lines.get(at + 1)?, lines.get(at + 2).copied().unwrap_or_default());
    let number = |rest: &str| rest.split('/').next().and_then(|number| number.trim().parse().ok());
    let foot = foot(picture);
    if let Some(rest) = headline.strip_prefix("Next: ") {
        let offered = keys.starts_with("Enter ") && foot.starts_with("Enter start");
        return offered.then_some(Asked::Next(number(rest)?, keys.contains("after one more question")));
    }
    if let Some(rest) = headline.strip_prefix("Your turn: ") {
        let offered = foot.starts_with("Enter hand in") || foot.starts_with("Enter done");
        return offered.then_some(Asked::Turn(number(rest)?));
    }
    if headline.starts_with("Rollback ") {
        let agreed = lines[at + 2..].iter().take(4).any(|line| line.starts_with("y "));
        return agreed.then(|| Asked::Undo(headline.to_owned()));
    }
    let rests = headline.contains("failed: ") || headline.contains("unknown: ");
    if rests && foot.contains("r run again") {
        return Some(Asked::Decision(headline.to_owned()));
    }
    headline.starts_with("The run is over.").then_some(Asked::Over)
}
