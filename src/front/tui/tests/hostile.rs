//! Foreign text on the screen: the corpus of `tests/data/hostile` through every place where the screen shows a text.
//!
//! What must hold for each: no cell has a character that is not seen or more than 32 bytes; what goes to the terminal
//! is text, colours and moves of the cursor; a terminal that knows nothing of joined letters shows what was meant, in
//! its place and nowhere else; and when another comes nothing of it is left.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use crossterm::event::KeyCode;
use ratatui::backend::{CrosstermBackend, TestBackend};
use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use regex::Regex;

use super::story::{Story, plan};
use crate::engine::{Finding, How, Refusal, Target};
use crate::front::tui::briefing::Briefing;
use crate::front::tui::library::{Choice, Library, LibraryEntry};
use crate::front::tui::page::{Page, paint};
use crate::front::tui::theme::Theme;
use crate::front::{Answer, BriefingFacts, Update};
use crate::output::{Visible, visible_plain};
use crate::playbook::plan::{Act, InputKind, Plan, Template};

/// What is not seen, as Unicode has it: no table of ours.
static UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}&&[^\x{fe0e}\x{fe0f}]]",
    )
    .unwrap()
});

/// What a terminal may be sent: colours, the cursor's place, and the cursor hidden or shown.
static ORDERS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\x1b\[([0-9;:]*[mHJ]|\?25[hl])").unwrap());

/// Reads the corpus: names and bytes.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "bin"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() >= 80, "{} files are too few", files.len());
    files
}

/// Anything that can be drawn.
struct Scene(Box<dyn Fn(&mut Frame<'_>)>);

impl Scene {
    fn of(story: Story) -> Self {
        Self(Box::new(move |frame| story.draw(frame)))
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        paint(frame, |frame| (self.0)(frame));
    }
}

/// A place where a text is shown.
type Way = (&'static str, fn(&str) -> Scene);

const WAYS: &[Way] = &[
    ("output", output),
    ("attempts", attempts),
    ("verdicts", verdicts),
    ("what a command said", said),
    ("diff", |text| preview(Ok(text.into()))),
    ("why no diff", |text| preview(Err(text.into()))),
    ("notice", notice),
    ("message", |text| after(|story| story.update(Update::Refused(Refusal::NoSuchStep { step: text.into() })))),
    ("note", note),
    ("typed", typed),
    ("pasted", pasted),
    ("playbook: a step", |text| of_plan(text, |_| ())),
    ("playbook: why and hint", |text| {
        of_plan(text, |story| [KeyCode::Char('w'), KeyCode::Char('t')].into_iter().for_each(|key| story.press(key)))
    }),
    ("playbook: confirm", |text| {
        of_plan(text, |story| {
            story.up_to("reset-doadmin");
            story.press(KeyCode::Enter);
        })
    }),
    ("playbook: a person", |text| {
        of_plan(text, |story| {
            story.up_to("reset-valkey");
            story.press(KeyCode::Enter);
            story.press(KeyCode::Char('y'));
        })
    }),
    ("playbook: rollback", |text| {
        of_plan(text, |story| {
            story.up_to("restart");
            story.press(KeyCode::Char('b'));
        })
    }),
    ("playbook: the end", |text| of_plan(text, the_end)),
    ("briefing", briefing),
    ("library", library),
];

fn after(change: impl FnOnce(&mut Story)) -> Scene {
    let mut story = Story::begin();
    change(&mut story);
    Scene::of(story)
}

/// Returns a text as the session hands it on: visible, colours kept.
fn handed_on(text: &str) -> String {
    let mut shown = String::new();
    let mut stream = Visible::new();
    stream.push(text.as_bytes(), &mut shown);
    stream.finish(&mut shown);
    shown
}

fn output(text: &str) -> Scene {
    after(|story| {
        story.up_to("reset-doadmin");
        story.press(KeyCode::Enter);
        story.press(KeyCode::Char('y'));
        let target = Target::step(&"reset-doadmin".into());
        story.update(Update::Output { target, text: handed_on(text).into() });
    })
}

fn attempts(text: &str) -> Scene {
    after(|story| {
        story.up_to("reset-doadmin");
        story.press(KeyCode::Enter);
        story.press(KeyCode::Char('y'));
        story.performed("reset-doadmin", How::Ok, "exit status 0");
        for probe in 0..2 {
            let target = Target::step(&"reset-doadmin".into());
            let (finding, pass) = (Finding::Differs, false);
            story.update(Update::Attempt { target, probe, attempt: 2, finding, pass, saw: text.into() });
        }
    })
}

fn verdicts(text: &str) -> Scene {
    after(|story| {
        story.up_to("reset-doadmin");
        story.press(KeyCode::Enter);
        story.press(KeyCode::Char('y'));
        story.performed("reset-doadmin", How::Ok, text);
        story.probed("reset-doadmin", &[(text, Finding::Holds, text), (text, Finding::Denied, text)]);
    })
}

fn said(text: &str) -> Scene {
    after(|story| {
        story.press(KeyCode::Enter);
        story.performed("signed-in", How::Failed, text);
    })
}

fn preview(diff: Result<String, String>) -> Scene {
    after(|story| {
        story.up_to("write-files");
        story.update(Update::Preview { target: Target::step(&"write-files".into()), diff });
    })
}

fn notice(text: &str) -> Scene {
    after(|story| {
        story.update(Update::Notice(text.replace('\n', " ")));
        story.update(Update::Notice(format!("one\n{text}\n+{text}")));
    })
}

fn note(text: &str) -> Scene {
    after(|story| {
        story.press(KeyCode::Char('n'));
        story.walk.paste(text, story.clock);
        story.press(KeyCode::Enter);
        story.press(KeyCode::Esc);
        story.press(KeyCode::Char('n'));
        story.walk.paste(text, story.clock);
    })
}

fn typed(text: &str) -> Scene {
    after(|story| {
        story.press(KeyCode::Char('h'));
        story.type_in(&text.chars().take(60).collect::<String>());
    })
}

fn pasted(text: &str) -> Scene {
    after(|story| {
        story.up_to("reset-valkey");
        story.press(KeyCode::Enter);
        story.press(KeyCode::Char('y'));
        story.walk.paste(text, story.clock);
        story.press(KeyCode::Enter);
    })
}

/// Puts a text wherever a playbook has one.
fn everywhere(text: &str) -> Plan {
    let mut plan = plan();
    let template = || Template::literal(text);
    plan.title = text.into();
    plan.summary = Some(text.into());
    plan.description = Some(text.into());
    plan.contacts = vec![(text.into(), text.into())];
    plan.version = Some(text.into());
    for phase in &mut plan.phases {
        phase.title = template();
    }
    for spec in &mut plan.inputs {
        spec.prompt = Some(template());
        if spec.kind == InputKind::Text {
            spec.default = Some(template());
        }
    }
    plan.inputs[1].kind = InputKind::Choice(vec![text.into(), "pg.example.com".into()]);
    for step in &mut plan.steps {
        step.title = template();
        step.why = Some(template());
        step.hint = Some(template());
        step.confirm = step.confirm.as_ref().map(|_| template());
        step.irreversible = step.irreversible.as_ref().map(|_| template());
        step.action.title = Some(template());
        for probe in &mut step.action.verify {
            probe.title = Some(template());
        }
        if let Act::Person(person) = &mut step.action.act
            && let Some(shown) = &mut person.text
        {
            *shown = Template::literal(&format!("{text}\n- [ ] {text}\n- [ ] {text}"));
            person.open = Some(template());
            person.ask[0].prompt = Some(template());
        }
        if let Act::Run(run) = &mut step.action.act
            && let crate::playbook::plan::Program::Script { text: script, .. } = &mut run.program
        {
            *script = text.into();
        }
    }
    if let Some(sign_off) = &mut plan.sign_off {
        sign_off.by = vec![text.into()];
    }
    plan.follow_up[0].title = template();
    plan
}

fn of_plan(text: &str, change: impl FnOnce(&mut Story)) -> Scene {
    let mut story = Story::of(everywhere(text));
    change(&mut story);
    Scene::of(story)
}

fn the_end(story: &mut Story) {
    story.up_to("restart");
    story.press(KeyCode::Char('h'));
    story.type_in("by hand");
    story.press(KeyCode::Enter);
    story.press(KeyCode::Char('y'));
    story.type_in("Ada");
    story.press(KeyCode::Enter);
    story.update(Update::Over);
}

fn briefing(text: &str) -> Scene {
    let facts = BriefingFacts {
        playbook: text.into(),
        operator: text.into(),
        ticket: Some(text.into()),
        expected: std::collections::BTreeMap::new(),
        requires: vec![(text.into(), true), (text.into(), false)],
        sources: [("pg_host".into(), text.to_owned())].into(),
        problems: [("old_valkey_password".into(), text.to_owned())].into(),
        mark: None,
        mode: Some(text.into()),
        first: Some(text.into()),
        warnings: vec![text.into()],
    };
    let prefilled = [("app_root".into(), Answer::Text(text.into()))].into();
    let (plan, text) = (everywhere(text), text.to_owned());
    Scene(Box::new(move |frame| {
        let mut briefing = Briefing::new(&plan, &prefilled, facts.clone(), Theme::rich());
        briefing.paste(&text);
        briefing.draw(frame);
    }))
}

fn library(text: &str) -> Scene {
    let entry = LibraryEntry {
        title: text.into(),
        summary: text.into(),
        choice: Choice::Playbook(text.into()),
        state: text.into(),
        drills: Vec::new(),
    };
    let library = Library::new(vec![entry], Theme::rich());
    Scene(Box::new(move |frame| library.draw(frame)))
}

fn drawn(scene: &Scene, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| scene.draw(frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// A terminal that takes what is drawn as bytes.
struct Glass {
    terminal: Terminal<CrosstermBackend<Tape>>,
    tape: Tape,
    screen: vt100::Parser,
}

#[derive(Clone, Default)]
struct Tape(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl std::io::Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Glass {
    fn new(width: u16, height: u16) -> Self {
        let tape = Tape::default();
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, width, height)) };
        let terminal = Terminal::with_options(CrosstermBackend::new(tape.clone()), options).unwrap();
        let size = |number| std::num::NonZeroU16::new(number).unwrap();
        Self { terminal, tape, screen: vt100::Parser::new(size(height), size(width), 0) }
    }

    /// Draws, and returns what was meant and what was sent.
    fn draw(&mut self, scene: &Scene) -> (Buffer, Vec<u8>) {
        let meant = self.terminal.draw(|frame| scene.draw(frame)).unwrap().buffer.clone();
        let sent = std::mem::take(&mut *self.tape.0.borrow_mut());
        // This terminal leaves out the sign for what is no text, which others show.
        self.screen.process(String::from_utf8_lossy(&sent).replace(char::REPLACEMENT_CHARACTER, "?").as_bytes());
        (meant, sent)
    }

    /// Finds a place where the terminal shows something else than was meant.
    fn differs(&self, meant: &Buffer) -> Option<String> {
        let screen = self.screen.screen();
        for y in 0..meant.area.height {
            let mut x = 0;
            while x < meant.area.width {
                let symbol = meant[(x, y)].symbol().replace(char::REPLACEMENT_CHARACTER, "?");
                let wide = symbol.cell_width().max(1);
                let seen = |x| screen.cell(y, x).filter(|cell| !cell.is_wide_continuation());
                let seen: String = (x..x + wide).filter_map(seen).map(vt100::Cell::contents).collect();
                // This terminal keeps a few marks only.
                let same = if symbol.len() > 8 {
                    symbol.starts_with(seen.trim_end())
                } else {
                    symbol.trim_end() == seen.trim_end()
                };
                if !same {
                    return Some(format!("row {y}, column {x}: {symbol:?} was meant, {seen:?} is seen"));
                }
                x += wide;
            }
        }
        None
    }
}

/// Lists what is wrong with a way of a text to the screen.
fn faults(scene: &Scene, glass: &mut Glass) -> Vec<String> {
    let mut faults = Vec::new();
    let (meant, sent) = glass.draw(scene);
    for cell in meant.content() {
        if UNSEEN.is_match(cell.symbol()) || cell.symbol().len() > 32 {
            faults.push(format!("a cell has {:?}", cell.symbol().escape_unicode().to_string()));
        }
    }
    let sent = String::from_utf8(sent).unwrap();
    let rest = ORDERS.replace_all(&sent, "");
    if let Some(found) = UNSEEN.find(&rest) {
        faults.push(format!("sent to the terminal: {:?}", found.as_str()));
    }
    faults.extend(glass.differs(&meant));
    faults
}

#[test]
fn what_comes_while_a_run_goes_on_stays_in_its_place() {
    stay_in_place(&WAYS[..6]);
}

#[test]
fn what_is_said_and_typed_stays_in_its_place() {
    stay_in_place(&WAYS[6..12]);
}

#[test]
fn what_playbooks_say_stays_in_its_place() {
    stay_in_place(&WAYS[12..]);
}

#[track_caller]
fn stay_in_place(ways: &[Way]) {
    let mut wrong = Vec::new();
    let files = corpus();
    for (way, scene) in ways {
        // One after the other: what one leaves behind is seen under the next.
        let mut glass = Glass::new(80, 24);
        for (name, bytes) in &files {
            let found = faults(&scene(&String::from_utf8_lossy(bytes)), &mut glass);
            if !found.is_empty() {
                glass = Glass::new(80, 24);
            }
            wrong.extend(found.into_iter().take(2).map(|fault| format!("{way}, {name}: {fault}")));
        }
        let calm = faults(&scene("calm"), &mut glass);
        wrong.extend(calm.into_iter().map(|fault| format!("{way}, calm: {fault}")));
    }
    assert!(wrong.is_empty(), "{} faults\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn output_that_scrolls_leaves_nothing_behind() {
    let mut story = Story::begin();
    story.press(KeyCode::Enter);
    let target = Target::step(&"signed-in".into());
    let story = std::rc::Rc::new(std::cell::RefCell::new(story));
    let shown = std::rc::Rc::clone(&story);
    let scene = Scene(Box::new(move |frame| shown.borrow().draw(frame)));
    let mut glass = Glass::new(120, 40);
    for (name, bytes) in corpus() {
        let text = handed_on(&format!("{}\n", String::from_utf8_lossy(&bytes)));
        story.borrow_mut().update(Update::Output { target: target.clone(), text: text.into() });
        assert_eq!(faults(&scene, &mut glass), Vec::<String>::new(), "{name}");
    }
    story.borrow_mut().performed("signed-in", How::Ok, "exit status 0");
    assert_eq!(faults(&scene, &mut glass), Vec::<String>::new(), "the next step");
}

#[test]
fn output_changes_nothing_outside_its_panel() {
    let calm = drawn(&output("calm"), 120, 40);
    let changed = |text: &str| -> Vec<(u16, u16)> {
        let buffer = drawn(&output(text), 120, 40);
        let places = (0..40).flat_map(|y| (0..120).map(move |x| (x, y)));
        places.filter(|place| buffer[*place] != calm[*place]).collect()
    };
    // The panel: what a page full of letters changes.
    let panel = changed(&format!("{}\n", "w".repeat(200)).repeat(100));
    let (left, right) = (panel.iter().map(|at| at.0).min().unwrap(), panel.iter().map(|at| at.0).max().unwrap());
    let (top, bottom) = (panel.iter().map(|at| at.1).min().unwrap(), panel.iter().map(|at| at.1).max().unwrap());
    assert!(left > 40 && top > 8 && bottom < 36, "{left} {right} {top} {bottom}");
    for (name, bytes) in corpus() {
        let outside: Vec<_> = changed(&String::from_utf8_lossy(&bytes).repeat(30))
            .into_iter()
            .filter(|(x, y)| *x < left || *x > right || *y < top || *y > bottom)
            .collect();
        assert!(outside.is_empty(), "{name}: {outside:?}");
    }
}

#[test]
fn what_unicode_calls_unseen_has_a_sign() {
    let without = ('\u{80}'..=char::MAX).filter(|&c| UNSEEN.is_match(c.encode_utf8(&mut [0; 4])));
    let through: Vec<String> = without
        .filter(|c| UNSEEN.is_match(&visible_plain(&format!("a{c}b"))))
        .map(|c| format!("{:04X}", c as u32))
        .collect();
    assert!(through.is_empty(), "{through:?}");
}
