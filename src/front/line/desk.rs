//! The desk: the run as folded from the records, what was shown, and the question that stands.
//!
//! Two sides reach it, one at a time: the session with updates, and the reader of standard input with lines. What must
//! stay true: a question is asked only when a turn is over and nothing runs, after everything that it is about was
//! shown; and a line that was typed before the question is no answer to it.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::keys::Keys;
use super::printer::{Mark, Printer};
use super::question::{Key, Last, Purpose, Question, Work};
use super::show;
use super::thresholds::Told;
use crate::engine::{Awaiting, Record, Refusal, Run, Stamped, Target};
use crate::front::clock::now;
use crate::front::plain::without_colours;
use crate::front::{HowFar, Say, Seat, Update};
use crate::output::{Clipboard, visible_plain};
use crate::playbook::plan::{Act, InputKind, Name, Plan, StepId, Want};
use crate::words::{self, fill};

/// The longest piece of output without a line end that is held back.
const HELD: usize = 16 * 1024;

/// Everything that the lines are made from.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, not a state")]
pub(super) struct Desk {
    pub(super) plan: Arc<Plan>,
    pub(super) run: Run,
    /// Where the record of the run is.
    record: String,
    /// The rollback that the operator came for, until it was offered.
    pub(super) came_for: Option<HowFar>,
    out: Printer,
    pub(super) keys: Keys,
    says: UnboundedSender<Say>,
    live: bool,
    over: bool,
    /// What may be said here, where the run lives in a process of its own.
    pub(super) seat: Option<Seat>,
    /// Who watches has asked to take over, and is asked once more.
    pub(super) taking_over: bool,
    /// What the turn comes to whose records are being taken.
    expected: Option<Awaiting>,
    /// What was awaited when a question was last asked.
    pub(super) asked: Option<Awaiting>,
    pub(super) question: Option<Question>,
    /// What a person did was handed in, and its echo has not come: nothing is asked meanwhile.
    pub(super) handed_in: bool,
    /// A question that was put aside for a note.
    pub(super) aside: Option<Question>,
    /// Since when the question stands, and its place in what is printed.
    since: Instant,
    place: Option<Mark>,
    /// The edit whose diff was shown last, with the attempts that it had by then.
    previewed: Option<(Target, u32)>,
    /// Output that waits for the end of its line.
    held: String,
    /// What time it is; a test has another clock.
    pub(super) clock: fn() -> Timestamp,
    /// The thresholds of the window that were told.
    pub(super) told: Told,
    /// The step before which the window was found to be over, until it was asked why it starts.
    window_over: Option<StepId>,
    /// Where copies go.
    pub(super) clipboard: Clipboard,
    /// The secret that was asked for, to be copied; one that was not asked for is not.
    pub(super) copying: Option<Name>,
    /// What stands before every question, where this is not the real thing.
    pub(super) mark: Option<&'static str>,
}

/// How one can sign.
const SIGN: &str =
    "A typed name is recorded as typed, not as proven; `runsheet sign` in the signer's own terminal signs with a key.";

impl Desk {
    pub(super) fn new(
        plan: Arc<Plan>,
        record: String,
        came_for: Option<HowFar>,
        out: Printer,
        keys: Keys,
        says: UnboundedSender<Say>,
    ) -> Self {
        Self {
            run: Run::new(&plan),
            plan,
            record,
            came_for,
            clipboard: super::copy::clipboard(&out),
            copying: None,
            clock: now,
            told: Told::default(),
            window_over: None,
            mark: None,
            out,
            keys,
            says,
            live: false,
            over: false,
            seat: None,
            taking_over: false,
            expected: None,
            asked: None,
            question: None,
            handed_in: false,
            aside: None,
            since: Instant::now(),
            place: None,
            previewed: None,
            held: String::new(),
        }
    }

    /// Says whether a question stands.
    pub(super) fn asking(&self) -> bool {
        self.question.is_some()
    }

    /// Says whether the session is over.
    pub(super) fn over(&self) -> bool {
        self.over
    }

    /// Says whether what is told happens now.
    pub(super) fn live(&self) -> bool {
        self.live
    }

    /// Asks again what stands, below what was told meanwhile.
    pub(super) fn ask_on(&mut self) {
        if let Some(question) = self.question.clone() {
            self.prompt(&question);
        }
    }

    /// Learns what the turn comes to whose records come next.
    pub(super) fn expect(&mut self, awaiting: Awaiting) {
        self.expected = Some(awaiting);
        // A run that is over has no record to come that would ask.
        if self.came_for.is_some() {
            self.pose();
        }
    }

    /// Takes what happened.
    pub(super) fn take(&mut self, update: Update) {
        match update {
            Update::Record(stamped) => {
                self.record(&stamped);
                // What was looked at asks nothing anew: what was said since has its own echo.
                let looked = matches!(
                    stamped.record,
                    Record::HintShown { .. } | Record::WhyShown { .. } | Record::Looked { .. }
                );
                if looked {
                    return;
                }
            }
            Update::Live => self.live = true,
            Update::Output { text, .. } => self.output(&text),
            Update::Attempt { attempt, pass, saw, finding, .. } => {
                let found = if pass { "" } else { "not yet, " };
                let line = format!("  asked, attempt {attempt}: {found}{}: {saw}", words::finding(finding));
                self.print(&visible_plain(&line));
            }
            Update::Preview { target, diff } => self.preview(target, diff),
            Update::Refused(refusal) => {
                if let Refusal::WindowOver { step, .. } = &refusal {
                    self.window_over = Some(step.clone());
                }
                self.print(&visible_plain(&format!("Refused: {}.", words::refusal(&refusal))));
                self.question = None;
                self.handed_in = false;
                self.aside = None;
                self.copying = None;
            }
            Update::Secret { name, secret } => self.take_secret(&name, &secret),
            Update::Notice(text) => self.print(&visible_plain(&text)),
            Update::Page { title, text } => self.page(&title, &text),
            Update::TerminalLost => self.print(words::TERMINAL_LOST),
            // Lines that leave a program's screen come as its output; and what was handed in from elsewhere is told there, and
            // on record.
            Update::Picture { .. } | Update::Signed { .. } => {}
            Update::Seat(seat) => self.take_seat(seat),
            Update::Over => {
                self.over = true;
                self.question = None;
                self.keys.hide(false);
            }
        }
        self.pose();
    }

    fn record(&mut self, stamped: &Stamped) {
        self.run.apply(&self.plan, stamped);
        if !self.live {
            return;
        }
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.output_line(&held);
        }
        self.lines(&show::record(&self.plan, &self.run, &stamped.record));
        if matches!(stamped.record, Record::Ended { .. }) {
            self.last_words();
        }
        if self.asked.as_ref() != Some(&self.run.awaiting(&self.plan)) {
            self.question = None;
            self.handed_in = false;
            self.aside = None;
            self.keys.hide(false);
        }
    }

    fn last_words(&mut self) {
        let deviations = self.run.deviations.clone();
        if !deviations.is_empty() {
            self.print("Where it went another way than the playbook:");
        }
        for deviation in deviations {
            self.print(&visible_plain(&format!("  {}", words::deviation(&deviation))));
        }
        for follow in &Arc::clone(&self.plan).follow_up {
            let line = format!("Still to do: {}", words::follow_up(follow, &self.run));
            self.print(&visible_plain(&line));
        }
        let line = visible_plain(&format!("Its record: {}", self.record));
        self.print(&line);
    }

    fn preview(&mut self, target: Target, diff: Result<String, String>) {
        match diff {
            Ok(diff) => {
                self.print(&format!("What {} will change:", target.step));
                for line in diff.lines() {
                    self.print(&format!("  {}", visible_plain(line)));
                }
            }
            Err(why) => self.print(&visible_plain(&format!("{} cannot be made as it stands: {why}", target.step))),
        }
        let attempts = self.run.step(&self.plan, &target.step).map_or(0, |step| step.attempts);
        self.previewed = Some((target, attempts));
        self.ask_on();
    }

    /// Shows output line by line, without colours.
    fn output(&mut self, text: &str) {
        self.held.push_str(text);
        let Some(end) = self.held.rfind('\n') else {
            if self.held.len() > HELD {
                let held = std::mem::take(&mut self.held);
                self.output_line(&held);
            }
            return;
        };
        let rest = self.held.split_off(end + 1);
        let lines = std::mem::replace(&mut self.held, rest);
        for line in lines.lines() {
            self.output_line(line);
        }
    }

    fn output_line(&mut self, line: &str) {
        self.out.output(format!("  | {}\n", without_colours(line)));
    }

    /// Asks, if it is time: the turn is over and what is awaited is a person.
    pub(super) fn pose(&mut self) {
        let awaiting = self.run.awaiting(&self.plan);
        let early = !self.live || self.over || self.expected.as_ref() != Some(&awaiting) || self.run.paused.is_some();
        if early || self.handed_in || self.question.is_some() {
            return;
        }
        if self.watching() {
            return self.tell_watcher(awaiting);
        }
        if !matches!(awaiting, Awaiting::World(_) | Awaiting::Begin)
            && let Some(HowFar(to)) = self.came_for.take()
        {
            self.asked = Some(awaiting);
            self.lines(&show::rollback(&self.plan, &self.run, to.as_ref()));
            return self.ask(Question::Rollback(to));
        }
        let again = self.asked.as_ref() == Some(&awaiting);
        if let Some(question) = self.aside.take().filter(|_| again) {
            return self.ask(question);
        }
        let Some(question) = self.question_for(&awaiting, again) else { return };
        self.asked = Some(awaiting);
        if self.window_over.take().is_some() {
            self.aside = Some(question);
            return self.ask(Question::Words(Purpose::Overrun));
        }
        self.ask(question);
    }

    /// Makes the question for what is awaited anew, with all that it is about: a rollback that was offered first is declined.
    pub(super) fn reopened(&mut self) -> Option<Question> {
        let awaiting = self.run.awaiting(&self.plan);
        let question = self.question_for(&awaiting, false)?;
        self.asked = Some(awaiting);
        Some(question)
    }

    /// Makes the question for what is awaited, and shows what it is about, unless that stands above already.
    fn question_for(&mut self, awaiting: &Awaiting, again: bool) -> Option<Question> {
        let plan = Arc::clone(&self.plan);
        let mut shown = Vec::new();
        let question = match awaiting {
            Awaiting::Go(id) => {
                shown = show::step(&plan, &self.run, id);
                if self.mark.is_some() {
                    shown.extend(show::why(&plan, &self.run, id));
                }
                if self.waits_for_diff(id) {
                    return None;
                }
                shown.extend(self.clocks());
                shown.extend(show::no_way_back(&plan, &self.run, id, (self.clock)()));
                Question::Go(id.clone())
            }
            Awaiting::Quiz(step) => {
                shown = show::quiz(&plan, step);
                Question::Quiz(step.clone())
            }
            Awaiting::Person(target) => {
                let (work, lines) = self.work(target);
                // Where its start was asked for a moment ago, what is to be done stands right above.
                let above = self.asked.as_ref() == Some(&Awaiting::Go(target.step.clone())) && target.undo.is_none();
                shown = if above { Vec::new() } else { lines };
                Question::Work(work)
            }
            Awaiting::Decision(id) => {
                shown.push(show::undecided(&plan, &self.run, id));
                shown.extend(self.clocks());
                Question::Decision(id.clone())
            }
            Awaiting::Undo(target) => {
                shown = show::undo_action(&plan, &self.run, target);
                shown.extend(self.clocks());
                Question::Undo(target.clone())
            }
            Awaiting::UndoDecision(target) => {
                shown.push(format!("{} did not come to a good end.", show::name(target)));
                Question::UndoDecision(target.clone())
            }
            Awaiting::Incomplete => {
                shown.push(
                    "The rollback is incomplete; what failed or was skipped can be rolled back again.".to_owned(),
                );
                Question::Incomplete
            }
            Awaiting::Evidence(step, item) => {
                let spec = self.proof_wanted(step, *item);
                let title = spec.map(|spec| fill(&spec.title, &self.run)).unwrap_or_default();
                shown.push(visible_plain(&format!("Evidence {item} of {step}: {title}")));
                Question::Evidence(step.clone(), *item)
            }
            Awaiting::SignOff(role) => {
                shown.push(visible_plain(&format!("Everything is done. {role} signs. {SIGN}")));
                Question::Sign(None, role.clone())
            }
            Awaiting::Approval(step, role) => {
                // Where somebody has signed already, the step stands above.
                let first = self.run.step(&plan, step).is_none_or(|state| state.signed.is_empty());
                shown = if first { show::step(&plan, &self.run, step) } else { Vec::new() };
                let does = words::signs(&plan, step);
                shown.push(visible_plain(&format!("{role} {does}. {SIGN}")));
                Question::Sign(Some(step.clone()), role.clone())
            }
            Awaiting::Begin | Awaiting::World(_) | Awaiting::Closing | Awaiting::Nothing => return None,
        };
        if !again {
            self.lines(&shown);
        }
        Some(question)
    }

    /// Says whether the diff of an edit is still to come: it is seen before the edit is agreed to.
    fn waits_for_diff(&self, id: &StepId) -> bool {
        let Some(step) = self.plan.step(id).filter(|step| matches!(step.action.act, Act::Edit(_))) else {
            return false;
        };
        let attempts = self.run.step(&self.plan, id).map_or(0, |step| step.attempts);
        self.previewed.as_ref() != Some(&(Target::step(&step.id), attempts))
    }

    /// Makes what a person is to do, with the lines that tell it.
    fn work(&self, target: &Target) -> (Work, Vec<String>) {
        let mut work =
            Work { target: target.clone(), ticks: Vec::new(), asks: Vec::new(), given: Vec::new(), last: Last::Done };
        let mut lines = Vec::new();
        let Some(Act::Person(person)) = show::action(&self.plan, target).map(|action| &action.act) else {
            return (work, lines);
        };
        let title = self.plan.step(&target.step).map(|step| fill(&step.title, &self.run)).unwrap_or_default();
        lines.push(String::new());
        lines.push(visible_plain(&format!("{}: {title}", show::name(target))));
        if let Some(text) = &person.text {
            let text = fill(text, &self.run);
            lines.extend(show::said("to do", &text));
            let left = self.run.unticked(&self.plan, target);
            work.ticks = (1..).zip(show::ticks(&text)).filter(|(item, _)| left.contains(item)).collect();
        }
        if let Some(open) = &person.open {
            lines.extend(show::said("open", &fill(open, &self.run)));
        }
        work.ticks.reverse();
        work.asks = person.ask.iter().rev().cloned().collect();
        work.last = match (person.text.is_some(), work.ticks.is_empty() && work.asks.is_empty()) {
            (false, true) => Last::Holds,
            (true, true) => Last::Done,
            (_, false) => Last::Said,
        };
        (work, lines)
    }

    /// Asks a question.
    pub(super) fn ask(&mut self, question: Question) {
        self.keys.fresh();
        self.since = Instant::now();
        self.prompt(&question);
        self.question = Some(question);
        self.place = Some(self.out.mark());
    }

    /// Asks the next part of what was asked, without throwing away what was typed since.
    pub(super) fn go_on(&mut self, question: Question) {
        self.prompt(&question);
        self.question = Some(question);
    }

    fn prompt(&mut self, question: &Question) {
        let (text, secret) = self.wording(question);
        let keys = Key::prompt(&self.offers(question), question.free());
        let mark = self.mark.map(|mark| format!("[{mark}] ")).unwrap_or_default();
        let prompt = if text.is_empty() { format!("{mark}{keys}") } else { format!("{mark}{text}\n{keys}") };
        self.keys.hide(secret);
        // A pipe does not echo the line end.
        let end = if self.keys.terminal() { " > " } else { "\n" };
        self.out.say(format!("{prompt}{end}"));
    }

    /// Says what is asked, and whether the answer is a secret.
    fn wording(&self, question: &Question) -> (String, bool) {
        let text = match question {
            Question::Work(Work { ticks, .. }) if !ticks.is_empty() => {
                ticks.last().map(|(_, tick)| format!("[ ] {tick}")).unwrap_or_default()
            }
            Question::Work(Work { asks, .. }) if !asks.is_empty() => {
                let spec = asks.last();
                let text = spec.map(|spec| input_wording(spec, &self.run)).unwrap_or_default();
                return (text, spec.is_some_and(|spec| spec.kind == InputKind::Secret));
            }
            Question::Work(Work { last: Last::Holds, .. }) => "Does this hold?".to_owned(),
            Question::Confirm(_) => "Start it?".to_owned(),
            Question::Rollback(_) => "Roll back as shown? Each action is asked for again.".to_owned(),
            Question::Copy(_) | Question::Call | Question::Quiz(_) => "Which? Type its number.".to_owned(),
            Question::CopySecret(_) => "Copy it?".to_owned(),
            Question::HowFar => {
                "How far? Type the id of the last step to be undone, or press Enter for everything.".to_owned()
            }
            Question::Evidence(step, item) => {
                let file = self.proof_wanted(step, *item).is_some_and(|spec| spec.want == Want::File);
                if file {
                    "Type the path of the file; a copy is kept.".to_owned()
                } else {
                    "Type it in a line.".to_owned()
                }
            }
            Question::Sign(_, role) => format!("Type your name to sign as {role}."),
            Question::Words(purpose) => super::hear::wording(purpose).to_owned(),
            Question::Undo(_) => "Carry this out?".to_owned(),
            Question::Go(_)
            | Question::Work(_)
            | Question::Decision(_)
            | Question::UndoDecision(_)
            | Question::Incomplete => String::new(),
        };
        (visible_plain(&text), false)
    }

    /// Says something to the session.
    pub(super) fn say(&mut self, say: Say) {
        self.keys.hide(false);
        // Where nobody listens any more the session is over.
        let _ = self.says.send(say);
    }

    /// Says whether a line that was read at a time came after the question was to be read. A pipe waits for nothing printed.
    pub(super) fn in_time(&self, at: Instant) -> bool {
        let printed = |place| self.out.reached(place).is_some_and(|asked| at >= asked);
        self.question.is_none() || (at >= self.since && (!self.keys.terminal() || self.place.is_none_or(printed)))
    }

    /// Prints a line.
    pub(super) fn print(&mut self, line: &str) {
        self.out.say(format!("{line}\n"));
    }

    pub(super) fn lines(&mut self, lines: &[String]) {
        for line in lines {
            self.print(line);
        }
    }

    /// Gives the terminal's echo back for as long as the program stands still, or for good when it is ended.
    pub(super) fn let_go(&self) {
        self.keys.hide(false);
    }

    /// Asks again what stands, after somebody else had the terminal.
    pub(super) fn come_back(&mut self) {
        if let Some(question) = self.question.clone() {
            self.out.say("\n".to_owned());
            self.ask(question);
        }
    }
}

/// Words the question for a value.
pub(super) fn input_wording(spec: &crate::playbook::plan::InputSpec, run: &Run) -> String {
    let prompt = spec.prompt.as_ref().map_or_else(|| spec.name.to_string(), |prompt| fill(prompt, run));
    let kind = match &spec.kind {
        InputKind::Choice(choices) => format!(" ({})", choices.join(", ")),
        InputKind::Secret => " (a secret: it is not shown while you type or paste it)".to_owned(),
        InputKind::Boolean => " (true or false)".to_owned(),
        InputKind::Integer => " (a whole number)".to_owned(),
        InputKind::Duration => " (a duration such as 1h30m)".to_owned(),
        InputKind::Text | InputKind::Path | InputKind::Url => String::new(),
    };
    let default = spec.default.as_ref().map(|default| format!(" [{}]", fill(default, run))).unwrap_or_default();
    let from = match &spec.from {
        Some(source) if spec.default.is_none() => format!(" [Enter takes {}]", words::source(source)),
        Some(_) | None => String::new(),
    };
    visible_plain(&format!("{prompt}{kind}{default}{from}"))
}
