//! `test`: walks every drill of playbooks without anybody, and says which cannot be completed.
//!
//! Each drill is walked with the moves that its author calls right, and once with each that he calls wrong; each playbook
//! without faults, and back again from each of its steps. What must stay true: nothing is kept and nothing real is touched.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::alone::{self, Walked};
use super::library::{self, Loaded};
use super::look::{print, print_json};
use super::place::{self, Who};
use crate::cli::TestArgs;
use crate::drill::{Grade, PASSED_FROM, Rating, Way};
use crate::ending::{Code, Ending};
use crate::engine::End;
use crate::output::visible_plain;
use crate::playbook::plan::{Drill, Move, Section};
use crate::words;

/// One walk, and what was found wrong with it.
struct Case {
    name: String,
    found: Found,
    seconds: f64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    /// All is well.
    Sound,
    /// It cannot be tried.
    Passed(String),
    /// Something is wrong: sentences.
    Wrong(Vec<String>),
}

/// `runsheet test`.
pub(super) fn test(args: &TestArgs) -> Result<Code, Ending> {
    let who = place::who(None);
    let mut suites = Vec::new();
    for name in &args.playbooks {
        let loaded = library::load(name)?;
        suites.push((name.clone(), cases(&loaded, &who)));
    }
    if let Some(path) = &args.junit {
        std::fs::write(path, junit(&suites)).map_err(|error| unwritten(path, &error))?;
    }
    let wrong = suites.iter().flat_map(|(_, cases)| cases).any(|case| matches!(case.found, Found::Wrong(_)));
    if args.json {
        print_json(&suites.iter().map(suite_json).collect())?;
    } else {
        print(&suites.iter().map(suite_text).collect::<String>())?;
    }
    Ok(if wrong { Code::Failed } else { Code::Done })
}

fn unwritten(path: &Path, error: &std::io::Error) -> Ending {
    Ending {
        code: Code::Failed,
        what: format!("{} cannot be written", path.display()),
        because: Some(error.to_string()),
        next: None,
    }
}

/// Walks everything of a playbook.
fn cases(loaded: &Loaded, who: &Who) -> Vec<Case> {
    let mut cases = vec![case("a walk without faults".to_owned(), || {
        alone::walk(loaded, None, Way::default(), who).map(|walked| completed(&walked, None))
    })];
    let steps = loaded.plan.steps.iter().filter(|step| step.section != Section::AfterRollback);
    for step in steps {
        let way = Way { back_after: Some(step.id.clone()), ..Way::default() };
        cases.push(case(format!("back again after {}", step.id), || {
            alone::walk(loaded, None, way, who).map(|walked| came_back(&walked))
        }));
    }
    for drill in &loaded.plan.drills {
        cases.push(case(format!("{}, done right", drill.id), || {
            alone::walk(loaded, Some(drill), Way::default(), who).map(|walked| completed(&walked, Some(drill)))
        }));
        for (fault, wrong) in wrongs(drill) {
            let at =
                drill.faults.get(fault as usize - 1).map(crate::playbook::plan::DrillFault::at).unwrap_or_default();
            let way = Way { wrong: Some((fault, wrong)), ..Way::default() };
            cases.push(case(format!("{}, wrong at {at}: {}", drill.id, wrong.word()), || {
                alone::walk(loaded, Some(drill), way, who).map(|walked| told_wrong(&walked, fault, wrong))
            }));
        }
    }
    cases
}

fn case(name: String, walk: impl FnOnce() -> Result<Found, String>) -> Case {
    let begun = Instant::now();
    let found = walk().unwrap_or_else(|why| Found::Wrong(vec![why]));
    Case { name, found, seconds: begun.elapsed().as_secs_f64() }
}

/// Lists the moves that a drill calls wrong, with their faults from 1.
fn wrongs(drill: &Drill) -> Vec<(u32, Move)> {
    let all = drill.respond.iter().flat_map(|response| {
        let fault = u32::try_from(response.fault + 1).unwrap_or(u32::MAX);
        response.wrong.iter().map(move |(wrong, _)| (fault, *wrong))
    });
    all.collect()
}

fn found(wrong: Vec<String>) -> Found {
    if wrong.is_empty() { Found::Sound } else { Found::Wrong(wrong) }
}

/// Looks at a walk in which everything was done right.
fn completed(walked: &Walked, drill: Option<&Drill>) -> Found {
    let mut wrong = stood(walked);
    if walked.over && walked.card.rating != Rating::Passed {
        let off: Vec<String> =
            walked.card.deductions.iter().map(|off| format!("{} for {}", off.points, off.why)).collect();
        wrong.push(format!(
            "who does what is right has {} points of the {PASSED_FROM} that pass: {}",
            walked.card.points,
            off.join("; ")
        ));
    }
    for (number, fault) in (1..).zip(drill.map(|drill| drill.faults.as_slice()).unwrap_or_default()) {
        if !walked.shown.contains(&number) {
            wrong.push(format!("its fault {number}, at {}, is never met by who does what is right", fault.at()));
        }
    }
    found(wrong)
}

/// Looks at a walk in which everything was rolled back.
fn came_back(walked: &Walked) -> Found {
    if walked.card.rollback.is_none() && walked.over {
        return Found::Passed(
            "nothing is to be undone there: the step is not walked, or the run is over with it".to_owned(),
        );
    }
    let mut wrong = stood(walked);
    if walked.over && walked.card.ended.as_deref() != Some(words::end(End::RolledBack)) {
        wrong.push(format!("it ended {}, not rolled back", walked.card.ended.as_deref().unwrap_or("nowhere")));
    }
    // What cannot be undone has a way forward, which leaves files that hold the newest values.
    wrong.extend(walked.changed.iter().filter(|_| !walked.forward).cloned());
    found(wrong)
}

/// Looks at a walk in which something wrong was done.
fn told_wrong(walked: &Walked, fault: u32, wrong: Move) -> Found {
    let shown = walked.shown.iter().position(|shown| *shown == fault);
    let decision = walked.card.decisions.iter().find(|decision| decision.fault == fault);
    match (shown, decision) {
        (None, _) | (_, None) => Found::Passed("its fault is not met on this way".to_owned()),
        (Some(_), Some(decision)) if decision.decided.as_deref() != Some(wrong.word()) => {
            Found::Passed(format!("`{}` is not possible there", wrong.word()))
        }
        (Some(_), Some(decision)) if decision.grade != Grade::Wrong => {
            Found::Wrong(vec![format!("`{}` is called wrong and was not judged so", wrong.word())])
        }
        (Some(_), Some(_)) if walked.card.rating == Rating::Passed => {
            Found::Wrong(vec!["it was passed with a wrong decision".to_owned()])
        }
        (Some(_), Some(_)) => found(stood(walked)),
    }
}

/// Says where a walk came to a stand before its end.
fn stood(walked: &Walked) -> Vec<String> {
    if walked.over {
        return Vec::new();
    }
    let refused = walked.refused.last().map(|refused| format!(" (refused: {refused})")).unwrap_or_default();
    vec![format!("it came to a stand: {}{refused}", walked.stands)]
}

fn suite_text((name, cases): &(String, Vec<Case>)) -> String {
    let mut text = format!("{}\n", visible_plain(name));
    let mut passed = 0;
    for case in cases {
        match &case.found {
            Found::Sound => {}
            Found::Passed(_) => passed += 1,
            Found::Wrong(why) => {
                for why in why {
                    text.push_str(&visible_plain(&format!("  FAILED  {}: {why}", case.name)));
                    text.push('\n');
                }
            }
        }
    }
    let wrong = cases.iter().filter(|case| matches!(case.found, Found::Wrong(_))).count();
    let not = if passed > 0 { format!(", {passed} not possible") } else { String::new() };
    let all = words::count(cases.len(), "walk", "walks");
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "  {all}, {wrong} failed{not}");
    text
}

fn suite_json((name, cases): &(String, Vec<Case>)) -> Value {
    let case = |case: &Case| {
        let (state, why) = match &case.found {
            Found::Sound => ("passed", Vec::new()),
            Found::Passed(why) => ("skipped", vec![why.clone()]),
            Found::Wrong(why) => ("failed", why.clone()),
        };
        json!({ "walk": case.name, "state": state, "why": why, "seconds": case.seconds })
    };
    json!({ "playbook": name, "walks": cases.iter().map(case).collect::<Vec<_>>() })
}

/// Writes the report that build servers read: the schema of Maven's Surefire, as Jenkins takes it.
fn junit(suites: &[(String, Vec<Case>)]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (name, cases) in suites {
        let count = |is: fn(&Found) -> bool| cases.iter().filter(|case| is(&case.found)).count();
        let (failed, skipped) = (count(|it| matches!(it, Found::Wrong(_))), count(|it| matches!(it, Found::Passed(_))));
        let time: f64 = cases.iter().map(|case| case.seconds).sum();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{time:.3}\">",
            escaped(name),
            cases.len(),
        );
        for case in cases {
            let head = format!(
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
                escaped(name),
                escaped(&case.name),
                case.seconds
            );
            let told = match &case.found {
                Found::Sound => format!("{head}/>\n"),
                Found::Passed(why) => {
                    format!("{head}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", escaped(why))
                }
                Found::Wrong(why) => format!(
                    "{head}>\n      <failure message=\"{}\" type=\"drill\">{}</failure>\n    </testcase>\n",
                    escaped(why.first().map_or("", String::as_str)),
                    escaped(&why.join("\n"))
                ),
            };
            xml.push_str(&told);
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// Writes a text for between quotes or tags; what no XML 1.0 may hold is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' | '\r' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_left_out() {
        assert_eq!(escaped("a<b>&\"c\"\u{1b}[1m\n"), "a&lt;b&gt;&amp;&quot;c&quot;[1m&#10;");
    }
}
