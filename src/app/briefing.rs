//! The briefing: what is known goes in, what the operator says comes out, and sources are asked again where an answer
//! that they depend on was changed.

use std::collections::BTreeMap;

use super::config;
use super::drill::{self, Practice};
use super::earlier;
use super::inputs::{self, Given, Known};
use super::library::{self, Loaded};
use super::place::{self, Who};
use super::run::Mode;
use crate::ending::{Code, Ending};
use crate::engine::Expected;
use crate::front::line;
use crate::front::tui::{Choice, LibraryEntry, Screen, Unanswered};
use crate::front::{Answer, BriefingAnswers, BriefingFacts};
use crate::output;
use crate::playbook::plan::{Name, Plan, StepId};

/// What a run begins with, as far as a person was asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The values.
    pub(super) known: Known,
    /// What was typed to confirm a protected run.
    pub(super) typed: Option<String>,
    /// The screen that the briefing stood on, for the run to go on with.
    pub(super) screen: Option<Screen>,
}

/// Shows the library. Gives the screen back with the choice; none when the operator left.
///
/// # Errors
/// When the terminal cannot be used.
pub(super) fn choose() -> Result<Option<(Choice, Screen)>, Ending> {
    let open = place::state().map(|state| state.runs()).unwrap_or_default();
    let runs = open.into_iter().filter(|run| run.end.is_none()).map(|run| LibraryEntry {
        title: run.begun.title.clone(),
        summary: format!("begun by {} on {}", run.begun.operator, run.began_at.strftime("%Y-%m-%d %H:%M UTC")),
        state: format!("open run {}", run.id),
        choice: Choice::Run(run.id),
        drills: Vec::new(),
    });
    let playbooks = library::entries().into_iter().map(|entry| match entry.plan {
        Ok(plan) => LibraryEntry {
            drills: drills(&plan, &entry.name),
            title: plan.title,
            summary: plan.summary.unwrap_or_default(),
            state: entry.name.clone(),
            choice: Choice::Playbook(entry.name),
        },
        Err(why) => LibraryEntry {
            title: entry.name.clone(),
            summary: format!("{why}; `runsheet check {}` says more", entry.name),
            state: "cannot be run".to_owned(),
            choice: Choice::Playbook(entry.name),
            drills: Vec::new(),
        },
    });
    let mut screen = screen()?;
    let choice = screen.library(runs.chain(playbooks).collect()).map_err(unanswered)?;
    Ok(choice.map(|choice| (choice, screen)))
}

/// Lists what can be practised of a playbook: each of its drills, and a walk through it in which nothing goes wrong.
fn drills(plan: &Plan, playbook: &str) -> Vec<LibraryEntry> {
    let entry = |title: &str, summary: String, state: String, id: Option<String>| LibraryEntry {
        title: title.to_owned(),
        summary: format!("Nothing real is touched. {summary}"),
        state,
        choice: Choice::Drill { playbook: playbook.to_owned(), id },
        drills: Vec::new(),
    };
    let through = entry("Walk through it", "Nothing goes wrong on purpose.".to_owned(), String::new(), None);
    let drills = plan.drills.iter().map(|drill| {
        let brief = drill.brief.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        entry(&drill.title, brief, drill.id.clone(), Some(drill.id.clone()))
    });
    std::iter::once(through).chain(drills).collect()
}

/// Takes the terminal as a full screen.
///
/// # Errors
/// When it cannot be used.
pub(super) fn screen() -> Result<Screen, Ending> {
    // A configuration that cannot be read is told by what needs it.
    let attention = config::read().map(|config| config.attention).unwrap_or_default();
    Screen::open().map(|screen| screen.calling(attention)).map_err(no_screen)
}

/// Asks a person for the inputs. None when the operator left.
///
/// # Errors
/// When the terminal cannot be used.
pub(super) fn ask(
    mode: Mode,
    loaded: &Loaded,
    mut known: Known,
    about: About<'_>,
    screen: Option<Screen>,
    practice: Option<&Practice>,
) -> Result<Option<Asked>, Ending> {
    let mut screen = match (mode, screen) {
        (Mode::Full, None) => Some(self::screen()?.marked(practice.map(|_| drill::MARK))),
        (_, screen) => screen,
    };
    let expected = expected(loaded);
    loop {
        let prefilled = prefilled(&known);
        let mode = practice.map(|practice| format!("{}: {}", drill::MARK, practice.begun.title));
        let mark = practice.map(|_| drill::MARK);
        let facts = BriefingFacts {
            expected: expected.clone(),
            mark,
            mode,
            first: practice.map(Practice::brief),
            ..facts(loaded, &known, about)
        };
        let answered = match &mut screen {
            Some(screen) => screen.briefing(&loaded.plan, &prefilled, facts).map_err(unanswered)?,
            None => line::briefing(&loaded.plan, &prefilled, &facts).map_err(unanswered_in_lines)?,
        };
        let Some(BriefingAnswers { answers, typed }) = answered else { return Ok(None) };
        let (settled, again) = again(loaded, &known, answers);
        known = settled;
        if !again {
            return Ok(Some(Asked { known, typed, screen }));
        }
    }
}

/// Asks the sources again with what the operator said. Says whether that gave anything that the operator has not seen.
fn again(loaded: &Loaded, shown: &Known, answers: Vec<(Name, Answer)>) -> (Known, bool) {
    let mut known = Known::default();
    for (name, answer) in answers {
        let untouched =
            shown.values.get(&name).is_some_and(|given| given.from.is_some() && same(&given.answer, &answer));
        if !untouched {
            known.values.insert(name, Given { answer, from: None });
        }
    }
    inputs::from_sources(&loaded.plan, &loaded.base, &mut known);
    let news = known.values.iter().any(|(name, given)| {
        given.from.is_some() && !shown.values.get(name).is_some_and(|before| same(&before.answer, &given.answer))
    });
    let open = !known.open(&loaded.plan).is_empty();
    (known, news || open)
}

fn same(one: &Answer, other: &Answer) -> bool {
    match (one, other) {
        (Answer::Text(one), Answer::Text(other)) => one == other,
        (Answer::Secret(one), Answer::Secret(other)) => one.same(other),
        (Answer::Text(_), Answer::Secret(_)) | (Answer::Secret(_), Answer::Text(_)) => false,
    }
}

/// What a briefing tells beside what the playbook says.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    /// The programs that are not there.
    pub(super) missing: &'a [String],
    /// Who runs it.
    pub(super) who: &'a Who,
    /// The change ticket.
    pub(super) ticket: Option<&'a str>,
}

/// Prints the briefing, for a dry run: nobody is asked anything.
pub(super) fn tell(loaded: &Loaded, known: &Known, about: About<'_>) -> Result<Code, Ending> {
    let mode = Some("dry run: nothing is changed".to_owned());
    let facts = BriefingFacts { mode, expected: expected(loaded), ..facts(loaded, known, about) };
    let lines = line::told(&loaded.plan, &prefilled(known), &facts);
    super::look::print(&lines.into_iter().map(|line| line + "\n").collect::<String>())
}

fn prefilled(known: &Known) -> BTreeMap<Name, Answer> {
    known.values.iter().map(|(name, given)| (name.clone(), given.answer.clone())).collect()
}

fn facts(loaded: &Loaded, known: &Known, about: About<'_>) -> BriefingFacts {
    let About { missing, who, ticket } = about;
    let requires = loaded.plan.requires.iter();
    BriefingFacts {
        first: None,
        playbook: loaded.path.display().to_string(),
        operator: who.operator.clone(),
        ticket: ticket.map(str::to_owned),
        expected: BTreeMap::new(),
        requires: requires.map(|program| (program.clone(), !missing.contains(program))).collect(),
        sources: known.values.iter().filter_map(|(name, given)| Some((name.clone(), given.from.clone()?))).collect(),
        problems: known.missing.iter().map(|(name, why)| (name.clone(), output::visible_plain(why))).collect(),
        warnings: loaded.warnings.clone(),
        mark: None,
        mode: None,
    }
}

/// Reads how long the steps took in earlier runs; where no state folder can be had there were none.
fn expected(loaded: &Loaded) -> BTreeMap<StepId, Expected> {
    place::state().map(|state| earlier::medians(&state, &loaded.path, &loaded.plan.title)).unwrap_or_default()
}

fn unanswered_in_lines(why: Unanswered) -> Ending {
    match why {
        Unanswered::Screen(why) => Ending {
            code: Code::PersonNeeded,
            what: "nobody can be asked".to_owned(),
            because: Some(why),
            next: Some("nothing has been started".to_owned()),
        },
        signal @ Unanswered::Signal(_) => unanswered(signal),
    }
}

fn unanswered(why: Unanswered) -> Ending {
    match why {
        Unanswered::Screen(why) => no_screen(why),
        Unanswered::Signal(name) => Ending {
            code: Code::Interrupted,
            what: format!("interrupted by {name}"),
            because: None,
            next: Some("nothing has been started".to_owned()),
        },
    }
}

pub(super) fn no_screen(why: String) -> Ending {
    Ending {
        code: Code::Failed,
        what: "the screen cannot be used".to_owned(),
        because: Some(why),
        next: Some("`--plain` walks in plain lines".to_owned()),
    }
}
