//! What the screen knows: the run as folded from the records, and what the operator looks at.
//!
//! Nothing here draws, reads a key or a clock. What must stay true: the run changes by records only; and an answer is
//! taken only for a question that has been on the screen for a moment ([`Gate`]), so that a key pressed while something
//! ran is never an answer to what comes next.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::act::OF_WHAT_RUNS;
use super::attend::{self, Keyboard};
use super::attention::Voice;
use super::field::Field;
use super::form::Form;
use super::panel::{Ask, Panel, Purpose};
use super::steps::{Row, rows};
use super::theme::Theme;
use crate::engine::{Awaiting, Finding, Record, Refusal, Run, StepState, Target, undo};
use crate::front::{HowFar, Say, Seat, Update};
use crate::output::{Copied, Picture, Tail};
use crate::playbook::plan::{Act, Action, Name, PersonSpec, Plan, Step, StepId, Template};
use crate::playbook::tick_line;
use crate::words;

/// How long a question must have been on the screen before a key answers it.
const GATE: Duration = Duration::from_millis(300);

/// How long something must have gone on for the bell to ring when a person is needed again.
const LONG: Duration = Duration::from_secs(10);

/// How much of an output can be scrolled back to, in bytes.
const OUTPUT: usize = 2 * 1024 * 1024;

/// How much memory the outputs of earlier commands may take before only their ends are kept, in bytes.
const OUTPUTS: usize = 16 * 1024 * 1024;

/// The part of the screen that the scrolling keys work on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pane {
    #[default]
    Steps,
    Step,
    Output,
}

/// One answer of a probe while it is asked.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) finding: Finding,
    pub(super) pass: bool,
    pub(super) saw: String,
}

/// Whether the question that is awaited may be answered yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gate {
    shown: Option<Instant>,
    /// The moment has passed, as of the last frame.
    pub(super) open: bool,
}

impl Gate {
    /// Notes that the question is on the screen.
    pub(super) fn painted(&mut self, now: Instant) {
        self.shown.get_or_insert(now);
    }

    /// Says when it opens, if that is still to come.
    pub(super) fn opens(&self) -> Option<Instant> {
        self.shown.filter(|_| !self.open).map(|shown| shown + GATE)
    }

    /// Opens it if it is time. Says whether it did.
    pub(super) fn pass(&mut self, now: Instant) -> bool {
        let passes = self.opens().is_some_and(|at| now >= at);
        self.open |= passes;
        passes
    }
}

/// Everything that a frame is drawn from.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, not a state")]
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) plan: Arc<Plan>,
    pub(super) run: Run,
    pub(super) theme: Theme,
    /// Where the record of the run is.
    pub(super) record: String,
    pub(super) awaiting: Awaiting,
    pub(super) gate: Gate,
    pub(super) rows: Vec<Row>,
    /// The step that is looked at; none follows the run.
    pub(super) selected: Option<usize>,
    pub(super) pane: Pane,
    pub(super) zoom: bool,
    pub(super) why: bool,
    /// The steps whose hint is open.
    pub(super) hints: HashSet<StepId>,
    /// Lines scrolled back from the end of the output.
    pub(super) back: usize,
    /// Lines scrolled down in the step's text.
    pub(super) down: usize,
    pub(super) outputs: HashMap<Target, Tail>,
    /// Output came faster than it could be looked at, so what is here is not all.
    pub(super) cut: bool,
    pub(super) attempts: HashMap<Target, Vec<Vec<Attempt>>>,
    pub(super) previews: HashMap<Target, Result<String, String>>,
    asked: HashSet<Target>,
    pub(super) form: Option<Form>,
    /// The rollback that the operator came for, until its plan is shown.
    pub(super) wanted: Option<HowFar>,
    pub(super) panel: Option<Panel>,
    /// The last thing that the operator should know, and whether it is a refusal.
    pub(super) message: Option<(String, bool)>,
    /// What is to be said to the session.
    pub(super) says: Vec<Say>,
    /// Something was said and its echo has not come.
    pub(super) sent: bool,
    /// The old records have come; what is next happens now.
    pub(super) live: bool,
    /// What this screen may do, where the run lives in a process of its own.
    pub(super) seat: Option<Seat>,
    /// The time, as last looked at: what is warned of is judged by it.
    pub(super) now: Timestamp,
    /// The session is over.
    pub(super) over: bool,
    /// The operator leaves.
    pub(super) leaving: bool,
    /// The bell is to be rung.
    pub(super) ring: Option<String>,
    /// Whether the terminal is looked at; none where it does not tell.
    pub(super) focus: Option<bool>,
    /// How a person is called who does not look.
    pub(super) voice: Voice,
    /// What a program's terminal shows.
    pub(super) picture: Option<(Target, Picture)>,
    /// Where keys go while a program has the screen.
    pub(super) keyboard: Keyboard,
    /// The playbook has steps with such programs.
    pub(super) has_programs: bool,
    /// The screen is large enough for that.
    pub(super) shows_programs: bool,
    /// The size of programs' terminals, as last told.
    pub(super) told_size: Option<(u16, u16)>,
    /// A link that is to be opened, or copied where nothing can open it.
    pub(super) link: Option<String>,
    /// Why a link could not be opened, until it is said with what was done instead.
    pub(super) unopened: Option<String>,
    /// What is to be copied.
    pub(super) copies: Vec<Copied>,
    /// What the terminal is to be asked, so that it copies.
    pub(super) asks: Vec<Zeroizing<Vec<u8>>>,
    /// The secret that was asked for, to be copied; one that was not asked for is not.
    pub(super) copying: Option<Name>,
}

impl Walk {
    /// Makes the screen of a run of which nothing is known yet.
    pub(super) fn new(plan: Arc<Plan>, record: String, rollback: Option<HowFar>, theme: Theme) -> Self {
        let run = Run::new(&plan);
        let rows = rows(&plan);
        Self {
            run,
            theme,
            record,
            awaiting: Awaiting::Begin,
            gate: Gate::default(),
            rows,
            selected: None,
            pane: Pane::Steps,
            zoom: false,
            // Where it is not the real thing, one is here to learn.
            why: theme.mark().is_some(),
            hints: HashSet::new(),
            back: 0,
            down: 0,
            outputs: HashMap::new(),
            cut: false,
            attempts: HashMap::new(),
            previews: HashMap::new(),
            asked: HashSet::new(),
            form: None,
            panel: None,
            wanted: rollback,
            message: None,
            says: Vec::new(),
            sent: false,
            live: false,
            seat: None,
            now: Timestamp::UNIX_EPOCH,
            over: false,
            leaving: false,
            ring: None,
            focus: None,
            voice: Voice::Bell,
            picture: None,
            keyboard: Keyboard::Program,
            has_programs: plan.steps.iter().any(attend::has_terminal),
            shows_programs: true,
            told_size: None,
            link: None,
            unopened: None,
            copies: Vec::new(),
            asks: Vec::new(),
            copying: None,
            plan,
        }
    }

    /// Takes in what the session tells. [`Walk::settle`] must follow before the next frame.
    pub(super) fn take(&mut self, update: Update) {
        match update {
            Update::Record(stamped) => {
                if let Record::Started { target, .. } | Record::VerifyAgain { target } = &stamped.record {
                    self.attempts.remove(target);
                }
                if let Record::Started { target, .. } = &stamped.record {
                    self.outputs.remove(target);
                    self.cut = false;
                    self.picture = None;
                    self.keyboard = Keyboard::Program;
                }
                if let Record::Presence(presence) = &stamped.record
                    && self.live
                {
                    self.message = Some((words::presence(presence), false));
                }
                if let Record::WindowExtended { by_ms, reason } = &stamped.record
                    && self.live
                {
                    let text = words::clocks::extended(Duration::from_millis(*by_ms), reason);
                    self.message = Some((text, false));
                }
                if let Record::Overrun { reason, by_policy } = &stamped.record
                    && self.live
                {
                    self.message = Some((words::clocks::went_on(reason, *by_policy), false));
                }
                self.run.apply(&self.plan, &stamped);
                if let Record::Ticked { target, .. } = &stamped.record {
                    self.show_ticks(target);
                } else {
                    self.sent = false;
                }
                if let Record::QuizAnswered { step, right, .. } = &stamped.record {
                    self.quiz_answered(step, *right);
                }
            }
            Update::Live => self.live = true,
            Update::Output { target, text } => self.output(target, &text),
            Update::Attempt { target, probe, attempt, finding, pass, saw } => {
                let probes = self.attempts.entry(target).or_default();
                if probes.len() <= probe {
                    probes.resize_with(probe + 1, Vec::new);
                }
                // What is shown is the last ones; a probe asked for an hour does not fill memory.
                if probes[probe].len() >= 50 {
                    probes[probe].remove(0);
                }
                probes[probe].push(Attempt { number: attempt, finding, pass, saw });
            }
            Update::Picture { target, picture } => {
                // What is typed to a program is typed to one that was seen.
                if self.picture.as_ref().is_none_or(|(of, _)| *of != target) {
                    self.gate = Gate::default();
                }
                self.picture = Some((target, picture));
            }
            Update::Preview { target, diff } => {
                self.previews.insert(target, diff);
            }
            Update::Refused(why) => {
                self.sent = false;
                self.copying = None;
                self.message = Some((words::refusal(&why), true));
                if let Refusal::WindowOver { step, .. } = why {
                    self.panel = Some(Panel::Ask(Box::new(Ask::new(Purpose::Overrun(step), false))));
                }
            }
            Update::Notice(text) if text.contains('\n') => self.panel = Some(Panel::Notice { text, down: 0 }),
            Update::TerminalLost => self.message = Some((words::TERMINAL_LOST.to_owned(), false)),
            Update::Notice(text) => self.message = Some((text, false)),
            Update::Page { title, text } => self.panel = Some(Panel::Page { title, text, down: 0 }),
            Update::Secret { name, secret } => self.take_secret(&name, &secret),
            Update::Seat(seat) => self.take_seat(seat),
            // Handed in from elsewhere, and told there; what came of it is a record.
            Update::Signed { .. } => {}
            Update::Over => self.over = true,
        }
    }

    /// Takes in output.
    pub(super) fn output(&mut self, target: Target, text: &str) {
        if !self.outputs.contains_key(&target) {
            // A new command: of the others no more than some are kept for scrolling far back.
            let kept: usize = self.outputs.values().map(Tail::memory).sum();
            if kept > OUTPUTS {
                self.outputs.values_mut().for_each(Tail::put_aside);
            }
        }
        let tail = self.outputs.entry(target).or_insert_with(|| Tail::new(OUTPUT));
        let all = |tail: &Tail| usize::try_from(tail.dropped()).unwrap_or(usize::MAX).saturating_add(tail.len());
        let before = all(tail);
        tail.push(text);
        if self.back > 0 {
            // Who has scrolled back keeps looking at the same lines.
            self.back = (self.back + all(tail).saturating_sub(before)).min(tail.len());
        }
    }

    /// Brings the question up to date after updates were taken in.
    pub(super) fn settle(&mut self) {
        self.turn();
        if self.live
            && !self.watching()
            && self.run.busy.is_none()
            && self.panel.is_none()
            && let Some(HowFar(wanted)) = self.wanted.take()
        {
            let choice = self.rollback_choices().iter().position(|to| *to == wanted).unwrap_or(0);
            self.panel = Some(Panel::Rollback { choice, down: 0 });
        }
    }

    /// Turns to what the run waits for now.
    fn turn(&mut self) {
        let next = self.run.awaiting(&self.plan);
        if next == self.awaiting || !self.live {
            return;
        }
        let waited = matches!(self.awaiting, Awaiting::World(_));
        let quick = self.last_took().is_none_or(|took| took < LONG);
        self.awaiting = next;
        self.gate = Gate::default();
        self.form = None;
        self.message.take_if(|(text, _)| OF_WHAT_RUNS.contains(&text.as_str()));
        self.down = 0;
        self.back = 0;
        if self.panel.as_ref().is_some_and(Panel::answers) {
            self.panel = None;
            self.message = Some(("the run went on, so the question was closed".into(), false));
        }
        match self.awaiting.clone() {
            Awaiting::Person(target) => {
                self.form = self.person_form(&target);
                self.show_ticks(&target);
                self.form.iter_mut().for_each(Form::focus_first_unticked);
            }
            Awaiting::Evidence(step, item) => self.form = self.evidence_form(&step, item),
            Awaiting::Quiz(_) => self.open_quiz(),
            Awaiting::SignOff(role) | Awaiting::Approval(_, role) => {
                self.form = Some(Form::new(vec![Field::line("name", &format!("Your name, as {role}"))], Vec::new()));
            }
            Awaiting::Go(step) | Awaiting::Decision(step) => {
                let edits = self.plan.step(&step).is_some_and(|step| matches!(step.action.act, Act::Edit(_)));
                if edits && !self.watching() && self.asked.insert(Target::step(&step)) {
                    self.says.push(Say::Preview(Target::step(&step)));
                }
            }
            Awaiting::Begin
            | Awaiting::World(_)
            | Awaiting::Undo(_)
            | Awaiting::UndoDecision(_)
            | Awaiting::Incomplete
            | Awaiting::Closing
            | Awaiting::Nothing => {}
        }
        if matches!(self.awaiting, Awaiting::World(_)) {
            self.asked.clear();
            self.message = None;
        } else if waited {
            self.call_back(!quick);
        }
    }

    fn last_took(&self) -> Option<Duration> {
        let Awaiting::World(target) = &self.awaiting else { return None };
        let outcome = match target.undo {
            None => self.run.step(&self.plan, &target.step)?.outcome.as_ref(),
            Some(_) => self.run.undo(&self.plan, target)?.outcome.as_ref(),
        };
        outcome.map(|outcome| Duration::from_millis(outcome.took_ms))
    }

    fn person_form(&self, target: &Target) -> Option<Form> {
        let person = self.person(target)?;
        let fields = person.ask.iter().map(|spec| {
            let prompt = spec.prompt.as_ref().map_or_else(|| spec.name.to_string(), |prompt| self.fill(prompt));
            Field::new(spec.clone(), prompt, spec.default.as_ref().map(|default| self.fill(default)))
        });
        let text = person.text.as_ref().map(|text| self.fill(text)).unwrap_or_default();
        let ticks = text.lines().filter_map(tick_line).map(str::to_owned).collect();
        Some(Form::new(fields.collect(), ticks))
    }

    /// Fills in the run's values.
    pub(super) fn fill(&self, template: &Template) -> String {
        template.fill(|name| self.run.values.get(name).map(String::as_str))
    }

    /// Finds the action of a target; none for files put back, which is no action of the playbook.
    pub(super) fn action(&self, target: &Target) -> Option<&Action> {
        match target.undo {
            None => self.plan.step(&target.step).map(|step| &step.action),
            Some(_) => match undo::action(&self.plan, target)? {
                undo::UndoAction::Author(action) => Some(action),
                undo::UndoAction::Restore => None,
            },
        }
    }

    /// Finds what a person is asked for a target.
    pub(super) fn person(&self, target: &Target) -> Option<&PersonSpec> {
        match &self.action(target)?.act {
            Act::Person(person) => Some(person),
            Act::Run(_) | Act::Generate(_) | Act::Edit(_) | Act::Snapshot(_) | Act::Verify | Act::Wait(_) => None,
        }
    }

    /// Returns what the question is about.
    pub(super) fn target(&self) -> Option<Target> {
        match &self.awaiting {
            Awaiting::Go(step)
            | Awaiting::Quiz(step)
            | Awaiting::Decision(step)
            | Awaiting::Evidence(step, _)
            | Awaiting::Approval(step, _) => Some(Target::step(step)),
            Awaiting::Person(target)
            | Awaiting::World(target)
            | Awaiting::Undo(target)
            | Awaiting::UndoDecision(target) => Some(target.clone()),
            Awaiting::Begin | Awaiting::Incomplete | Awaiting::SignOff(_) | Awaiting::Closing | Awaiting::Nothing => {
                None
            }
        }
    }

    /// Returns the place of the step that the question is about.
    pub(super) fn at(&self) -> Option<usize> {
        self.target().and_then(|target| self.plan.index.get(&target.step).copied())
    }

    /// Returns the step that is shown.
    pub(super) fn shown(&self) -> Option<(usize, &Step)> {
        let at = self.selected.or_else(|| self.at())?;
        self.plan.steps.get(at).map(|step| (at, step))
    }

    /// Returns the target whose output and probes are shown: the one that the question is about, else the step itself.
    pub(super) fn shown_target(&self) -> Option<Target> {
        let (_, step) = self.shown()?;
        Some(self.target().filter(|target| target.step == step.id).unwrap_or_else(|| Target::step(&step.id)))
    }

    /// Says whether what is shown is what the question is about.
    pub(super) fn here(&self) -> bool {
        self.selected.is_none() || self.selected == self.at()
    }

    /// Says whether the screen is about the end of the run rather than a step.
    pub(super) fn finishing(&self) -> bool {
        let end = matches!(self.awaiting, Awaiting::SignOff(_) | Awaiting::Closing | Awaiting::Nothing);
        end && self.selected.is_none() && self.live
    }

    /// Says whether any step may have changed something.
    pub(super) fn touched(&self) -> bool {
        self.run.steps.iter().any(crate::engine::StepRun::touched)
    }

    /// Returns the state of a step as a list shows it.
    pub(super) fn state(&self, at: usize) -> StepState {
        self.run.steps.get(at).map_or(StepState::Pending, |step| step.state)
    }

    /// Says something to the session.
    pub(super) fn say(&mut self, say: Say) {
        self.sent = true;
        self.message = None;
        self.says.push(say);
    }

    /// Names a step in a line.
    pub(super) fn name(&self, step: &StepId) -> String {
        self.plan.step(step).map_or_else(|| step.to_string(), |step| self.fill(&step.title))
    }
}
