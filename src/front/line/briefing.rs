//! The briefing in lines: what the run will be, then one question an input, before anything exists or happens.

use std::collections::BTreeMap;
use std::io::{self, PipeReader, Write, stdout};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::desk::input_wording;
use super::hear;
use super::keys::{self, Keys};
use super::printer::Printer;
use super::show::said;
use crate::engine::{Run, protected_word};
use crate::front::signals::Heard;
use crate::front::tui::Unanswered;
use crate::front::watch::Watch;
use crate::front::{Answer, BriefingAnswers, BriefingFacts};
use crate::output::visible_plain;
use crate::playbook::plan::{InputKind, InputSpec, Name, Plan};
use crate::words::briefing;

/// Shows the briefing and takes the inputs. None when the operator leaves, or nothing more can be read.
///
/// # Errors
/// When a signal came, or there is no thread to write on.
pub fn briefing(
    plan: &Plan,
    prefilled: &BTreeMap<Name, Answer>,
    facts: &BriefingFacts,
) -> Result<Option<BriefingAnswers>, Unanswered> {
    let failed = |error: io::Error| Unanswered::Screen(format!("standard output cannot be written: {error}"));
    let keys = Arc::new(Keys::of_stdin());
    let printer = Printer::on(Box::new(stdout()));
    let standing: Arc<Mutex<Standing>> = Arc::default();
    let (stop, stops) = io::pipe().map_err(failed)?;
    let watch = {
        // It must not own the keys: it ends some time after it is let go, and would show what is typed by then.
        let (keys, printer, standing, stops) =
            (Arc::downgrade(&keys), printer.clone(), Arc::clone(&standing), Mutex::new(Some(stops)));
        let hide = move |hidden| keys.upgrade().into_iter().for_each(|keys| keys.hide(hidden));
        Watch::start(move |heard| {
            let mut standing = lock(&standing);
            match heard {
                Heard::End(name) => {
                    standing.ended = standing.ended.or(Some(name));
                    hide(false);
                    printer.hurry();
                    drop(lock(&stops).take());
                }
                Heard::StandStill => hide(false),
                Heard::GoOn => {
                    hide(standing.hidden);
                    printer.say(format!("\n{}", standing.asked));
                }
            }
        })
    };
    let _watch = watch.map_err(failed)?;
    let mut talk = Talk {
        plan,
        out: printer.clone(),
        ear: Stdin { keys: Arc::clone(&keys), standing: Arc::clone(&standing), stop },
        prompt_end: if keys.terminal() { " > " } else { "\n" },
        run: Run::default(),
    };
    let answers = talk.walk(prefilled, facts);
    printer.finish();
    let ended = lock(&standing).ended;
    match ended {
        Some(name) => Err(Unanswered::Signal(name)),
        None => answers.map_err(failed),
    }
}

/// Sets what there is to know before a run begins.
#[must_use]
pub fn told(plan: &Plan, prefilled: &BTreeMap<Name, Answer>, facts: &BriefingFacts) -> Vec<String> {
    let text = |(name, answer): (&Name, &Answer)| match answer {
        Answer::Text(text) => Some((name.clone(), text.clone())),
        Answer::Secret(_) => None,
    };
    let run = facts.run(prefilled.iter().filter_map(text).collect());
    let mut lines = vec![visible_plain(&plan.title)];
    let texts = facts.first.iter().chain(&plan.summary).chain(&plan.description);
    lines.extend(texts.map(|text| visible_plain(text.trim_end())));
    let mut fact = |label: &str, text: &str| lines.extend(said(label, text));
    fact("playbook", &facts.playbook);
    let some = [("version", &plan.version), ("ticket", &facts.ticket), ("mode", &facts.mode)];
    fact("operator", &facts.operator);
    for (label, text) in some.into_iter().filter_map(|(label, text)| Some((label, text.as_ref()?))) {
        fact(label, text);
    }
    for (role, how) in &plan.contacts {
        fact("call", &format!("{role}: {how}"));
    }
    fact("steps", &briefing::size(plan, &run));
    for time in briefing::times(plan, &run) {
        fact(if time.care { "CAREFUL" } else { "takes" }, &time.text);
    }
    for (program, found) in &facts.requires {
        let found = if *found { "found" } else { "NOT FOUND on PATH: steps that need it will fail" };
        fact("needs", &format!("{program}: {found}"));
    }
    for (at, line) in briefing::course(plan, &run).iter().enumerate() {
        fact(if at == 0 { "course" } else { "" }, line);
    }
    for line in briefing::no_return(plan, &run) {
        fact("no way back", &line);
    }
    for line in briefing::way_back(plan, &run) {
        fact("undone", &line);
    }
    for line in briefing::afterwards(plan, &run) {
        fact("afterwards", &line);
    }
    lines
}

/// What the reader and the listener for signals share.
#[derive(Default)]
struct Standing {
    /// What is asked, to be asked again after somebody else had the terminal.
    asked: String,
    /// The answer is hidden while it is typed.
    hidden: bool,
    /// The signal that ends the program.
    ended: Option<&'static str>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is whole before anything can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the answers come from.
pub(super) trait Ear {
    /// Says whether a person types, or pastes.
    fn person(&self) -> bool;

    /// Makes ready for the answer to what will be asked: hidden while it is typed, if so said.
    fn ready(&mut self, asked: &str, hidden: bool);

    /// Reads a line.
    fn line(&mut self) -> keys::Line;
}

/// A person, or a pipe.
struct Stdin {
    keys: Arc<Keys>,
    standing: Arc<Mutex<Standing>>,
    /// Closed by a signal.
    stop: PipeReader,
}

impl Ear for Stdin {
    fn person(&self) -> bool {
        self.keys.terminal()
    }

    fn ready(&mut self, asked: &str, hidden: bool) {
        let mut standing = lock(&self.standing);
        (standing.asked, standing.hidden) = (asked.to_owned(), hidden);
        // After a signal the echo stays as it was found.
        self.keys.hide(hidden && standing.ended.is_none());
    }

    fn line(&mut self) -> keys::Line {
        let line = keys::next(self.keys.terminal(), Some(&self.stop));
        lock(&self.standing).hidden = false;
        self.keys.hide(false);
        line
    }
}

/// The briefing as it goes.
pub(super) struct Talk<'p, W: Write, E: Ear> {
    pub(super) plan: &'p Plan,
    pub(super) out: W,
    pub(super) ear: E,
    pub(super) prompt_end: &'static str,
    /// Holds the values given so far, so that prompts and defaults can name them.
    pub(super) run: Run,
}

impl<W: Write, E: Ear> Talk<'_, W, E> {
    pub(super) fn walk(
        &mut self,
        prefilled: &BTreeMap<Name, Answer>,
        facts: &BriefingFacts,
    ) -> std::io::Result<Option<BriefingAnswers>> {
        for line in told(self.plan, prefilled, facts) {
            writeln!(self.out, "{line}")?;
        }
        let mark = facts.mark.map(|mark| format!("[{mark}] ")).unwrap_or_default();
        let mut answers = Vec::new();
        for spec in &self.plan.inputs {
            let Some(answer) = self.input(spec, prefilled.get(&spec.name), facts)? else { return Ok(None) };
            if let Answer::Text(text) = &answer {
                self.run.values.insert(spec.name.clone(), text.clone());
            }
            answers.push((spec.name.clone(), answer));
        }
        let values = self.run.values.clone();
        let Some(word) = protected_word(self.plan, |name| values.get(name).map(String::as_str)) else {
            let asked = format!("{mark}Begin the run? Nothing starts by itself.  [Enter] begin · q quit");
            loop {
                match self.ask(&asked, false)? {
                    keys::Line::Text(text) if text.trim().is_empty() => {
                        return Ok(Some(BriefingAnswers { answers, typed: None }));
                    }
                    keys::Line::Text(text) if text.trim() != "q" => self.line("Enter begins, q leaves.")?,
                    keys::Line::Unreadable => self.line("Enter begins, q leaves.")?,
                    keys::Line::Text(_) | keys::Line::End => return Ok(None),
                }
            }
        };
        let asked = format!("{mark}THIS IS A PROTECTED RUN. Type {word} to begin it.  :q quit");
        loop {
            match self.ask(&asked, false)? {
                keys::Line::Text(text) if text.trim() == word => {
                    return Ok(Some(BriefingAnswers { answers, typed: Some(word.to_owned()) }));
                }
                keys::Line::Text(text) if text.trim() == ":q" => return Ok(None),
                keys::Line::Text(_) | keys::Line::Unreadable => self.line(&format!("That was not {word}."))?,
                keys::Line::End => return Ok(None),
            }
        }
    }

    /// Asks for one input until it fits. None when the operator leaves.
    fn input(
        &mut self,
        spec: &InputSpec,
        known: Option<&Answer>,
        facts: &BriefingFacts,
    ) -> std::io::Result<Option<Answer>> {
        if let Some(problem) = facts.problems.get(&spec.name) {
            self.facts("note", &format!("{}: {problem}", spec.name))?;
        }
        let source = facts.sources.get(&spec.name).map(|source| format!(", {source}")).unwrap_or_default();
        let known_text = match known {
            Some(Answer::Text(text)) => format!(" Enter takes {text}{source}."),
            Some(Answer::Secret(secret)) => format!(" Enter takes the one of {} characters{source}.", secret.chars()),
            None => String::new(),
        };
        let mark = facts.mark.map(|mark| format!("[{mark}] ")).unwrap_or_default();
        let asked = visible_plain(&format!("{mark}{}{known_text}  :q quit", input_wording(spec, &self.run)));
        loop {
            let text = match self.ask(&asked, spec.kind == InputKind::Secret)? {
                keys::Line::Text(text) => text,
                keys::Line::Unreadable => {
                    self.line("That was no text in UTF-8, or too long a line.")?;
                    continue;
                }
                keys::Line::End => return Ok(None),
            };
            if text.trim() == ":q" {
                return Ok(None);
            }
            if let Some(known) = known.filter(|_| text.is_empty()) {
                return Ok(Some(known.clone()));
            }
            let (text, said) =
                if self.ear.person() { hear::repaired(spec, &text) } else { (text.to_string().into(), None) };
            let taken = hear::take(spec, &text, &|template| {
                template.fill(|name| self.run.values.get(name).map(String::as_str))
            });
            match taken {
                Ok(answer) => {
                    if let Some(line) = hear::taken(&answer, said) {
                        self.line(&line)?;
                    }
                    return Ok(Some(answer));
                }
                Err(why) => self.line(&format!("{} {why}.", spec.name))?,
            }
        }
    }

    fn ask(&mut self, asked: &str, hidden: bool) -> std::io::Result<keys::Line> {
        let asked = format!("{asked}{}", self.prompt_end);
        // Before it is printed, or what a quick hand types is shown.
        self.ear.ready(&asked, hidden);
        self.out.write_all(asked.as_bytes())?;
        self.out.flush()?;
        Ok(self.ear.line())
    }

    fn facts(&mut self, label: &str, text: &str) -> std::io::Result<()> {
        for line in said(label, text) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    fn line(&mut self, text: &str) -> std::io::Result<()> {
        writeln!(self.out, "{}", visible_plain(text))
    }
}
