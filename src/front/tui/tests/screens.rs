//! Each screen at 80x24 and 120x40. Times do not vary: the clock stands still.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::story::{Story, plan, run, shown};
use crate::engine::{Awaiting, Expected, Finding, How, StepState, Target};
use crate::front::tui::briefing::Briefing;
use crate::front::tui::library::{Choice, Library, LibraryEntry};
use crate::front::tui::page::Page;
use crate::front::tui::theme::Theme;
use crate::front::{Answer, BriefingFacts, Seat, Update};
use crate::playbook::plan::{EvidenceSpec, Name, StepId, Template, Want};

fn both(name: &str, story: &Story) {
    insta::assert_snapshot!(format!("{name}_80x24"), story.frame(80, 24));
    insta::assert_snapshot!(format!("{name}_120x40"), story.frame(120, 40));
}

fn draw_page(page: &impl Page, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| page.draw(frame)).unwrap();
    shown(&terminal)
}

pub(super) fn facts() -> BriefingFacts {
    BriefingFacts {
        playbook: "rotate.yaml".into(),
        operator: "ada".into(),
        ticket: Some("OPS-7".into()),
        expected: BTreeMap::from([("reset-doadmin".into(), Expected { work_ms: 12_000, people_ms: 4_000, runs: 3 })]),
        requires: vec![("doctl".into(), true), ("pm2".into(), false)],
        sources: BTreeMap::from([("pg_host".into(), "$PG_HOST".into())]),
        problems: BTreeMap::from([("old_valkey_password".into(), ".env has no key REDIS_URL".into())]),
        mark: None,
        mode: None,
        first: None,
        warnings: vec!["rotate.yaml:7:3: warning: no step has an estimate\n".into()],
    }
}

#[test]
fn the_briefing() {
    let plan = plan();
    let prefilled: BTreeMap<Name, Answer> = BTreeMap::from([("pg_host".into(), Answer::Text("pg.example.com".into()))]);
    let mut briefing = Briefing::new(&plan, &prefilled, facts(), Theme::rich());
    insta::assert_snapshot!("briefing_80x24", draw_page(&briefing, 80, 24));
    let key = |code| crossterm::event::KeyEvent::new(code, crossterm::event::KeyModifiers::NONE);
    briefing.key(key(KeyCode::Char('p')));
    briefing.key(key(KeyCode::Enter));
    briefing.paste("CANARY-old-password\r\n");
    insta::assert_snapshot!("briefing_protected_120x40", draw_page(&briefing, 120, 40));
    assert!(briefing.key(key(KeyCode::F(10))).is_none());
    for letter in "production".chars() {
        briefing.key(key(KeyCode::Char(letter)));
    }
    insta::assert_snapshot!("briefing_ready_80x24", draw_page(&briefing, 80, 24));
    let answers = briefing.key(key(KeyCode::F(10))).unwrap().unwrap();
    assert_eq!(answers.typed.as_deref(), Some("production"));
    assert_eq!(answers.answers.len(), 4);
}

#[test]
fn a_question_that_is_cut_stands_beneath() {
    let mut plan = plan();
    let prompt = "How many good answers in a row are enough to say that all is well";
    plan.inputs[0].prompt = Some(crate::playbook::plan::Template::literal(prompt));
    let briefing = Briefing::new(&plan, &BTreeMap::new(), facts(), Theme::rich());
    let page = draw_page(&briefing, 80, 24);
    assert_eq!(page.matches(prompt).count(), 1, "{page}");
}

#[test]
fn the_library() {
    let entry = |title: &str, choice| LibraryEntry {
        title: title.into(),
        summary: "What it is for, in a sentence or two.".into(),
        choice,
        state: "open since 02:41, at reset-doadmin".into(),
        drills: Vec::new(),
    };
    let drill = |title: &str, id: Option<&str>| {
        entry(title, Choice::Drill { playbook: "first-steps.yaml".into(), id: id.map(str::to_owned) })
    };
    let drills = vec![drill("Walk through it", None), drill("The key lacks a letter", Some("missing-letter"))];
    let mut library = Library::new(
        vec![
            LibraryEntry { drills, ..entry("First steps", Choice::Playbook("first-steps.yaml".into())) },
            entry("Rotate passwords", Choice::Run("01J".into())),
        ],
        Theme::rich(),
    );
    insta::assert_snapshot!("library_80x24", draw_page(&library, 80, 24));

    let mut press = |code| library.key(KeyEvent::new(code, KeyModifiers::NONE));
    assert_eq!(press(KeyCode::Char('p')), None, "a run has no drills");
    assert_eq!(press(KeyCode::Down), None);
    assert_eq!(press(KeyCode::Char('p')), None);
    assert_eq!(press(KeyCode::Down), None);
    let chosen = press(KeyCode::Enter);
    let wanted = Choice::Drill { playbook: "first-steps.yaml".into(), id: Some("missing-letter".into()) };
    assert_eq!(chosen, Some(Some(wanted)));
    insta::assert_snapshot!("library_drills_80x24", draw_page(&library, 80, 24));
    // Back in the library, the playbook is still the one that is marked.
    let mut press = |code| library.key(KeyEvent::new(code, KeyModifiers::NONE));
    assert_eq!(press(KeyCode::Esc), None);
    assert_eq!(press(KeyCode::Enter), Some(Some(Choice::Playbook("first-steps.yaml".into()))));
    assert_eq!(press(KeyCode::Esc), Some(None));
}

#[test]
fn a_step_that_is_next() {
    let story = Story::begin();
    both("next", &story);
    let mut story = Story::begin();
    story.up_to("reset-doadmin");
    both("irreversible", &story);
    story.press(KeyCode::Enter);
    insta::assert_snapshot!("confirm_80x24", story.frame(80, 24));
}

#[test]
fn a_step_after_which_another_would_be_refused() {
    let mut story = Story::begin();
    story.up_to("reset-doadmin");
    story.foreseen = vec![crate::engine::Foreseen {
        step: "write-files".into(),
        why: "/srv/milo/.env: expected 1 place that doadmin:([^@]+)@ matches, there is none".into(),
    }];
    story.press(KeyCode::Enter);
    story.press(KeyCode::Char('y'));
    both("refused_ahead", &story);
    story.press(KeyCode::Char('g'));
    insta::assert_snapshot!("go_on_anyway_80x24", story.frame(80, 24));
    "I edit it by hand".chars().for_each(|letter| story.press(KeyCode::Char(letter)));
    story.press(KeyCode::Enter);
    let step = story.walk.run.step(&story.walk.plan, &"reset-doadmin".into()).unwrap();
    assert_eq!((step.state, step.despite.as_deref()), (StepState::Running, Some("I edit it by hand")));
}

#[test]
fn a_long_command_leaves_room_for_what_must_be_agreed_to() {
    let mut plan = plan();
    let step = plan.steps.iter_mut().find(|step| step.id.as_str() == "reset-doadmin").unwrap();
    step.action.act = run(&(1..=30).map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat()).act;
    let mut story = Story::of(plan);
    story.up_to("reset-doadmin");
    story.press(KeyCode::Enter);
    let seen = story.frame(80, 24);
    for text in ["line 1 ", "more lines: Esc, then Tab and PgDn show them", "This cannot be undone", "y starts it"] {
        assert!(seen.contains(text), "{text}\n{seen}");
    }
}

#[test]
fn running_with_output_and_probes() {
    let mut story = Story::begin();
    story.up_to("reset-doadmin");
    story.press(KeyCode::Enter);
    story.press(KeyCode::Char('y'));
    let target = Target::step(&"reset-doadmin".into());
    let lines = (1..60).map(|number| format!("\u{1b}[32mline\u{1b}[0m {number}\n")).collect::<Vec<_>>().concat();
    story.update(Update::Output { target: target.clone(), text: lines.into() });
    story.wait(12);
    both("running", &story);
    story.performed("reset-doadmin", How::Ok, "exit status 0");
    for (probe, finding, pass, saw) in [
        (0, Finding::Differs, false, "password authentication failed"),
        (0, Finding::Holds, true, "PostgreSQL 16.2, TLS 1.3, 41ms"),
        (1, Finding::Unreachable, false, "no answer in 10s"),
    ] {
        story.update(Update::Attempt { target: target.clone(), probe, attempt: 2, finding, pass, saw: saw.into() });
    }
    both("probes", &story);
    story.probed(
        "reset-doadmin",
        &[
            ("the new password is accepted", Finding::Holds, "PostgreSQL 16.2, TLS 1.3, 41ms"),
            ("the old password is refused", Finding::Unreachable, "no answer in 10s"),
        ],
    );
    both("failed", &story);
}

#[test]
fn an_edit_with_its_diff() {
    let mut story = Story::begin();
    story.up_to("write-files");
    let diff = "--- /srv/milo/.env\n+++ /srv/milo/.env\n@@ -3 +3 @@\n-DATABASE_URL=postgres://doadmin:[masked]@pg.example.com/defaultdb\n+DATABASE_URL=postgres://doadmin:[masked: new_pg_password]@pg.example.com/defaultdb\n";
    story.update(Update::Preview { target: Target::step(&"write-files".into()), diff: Ok(diff.into()) });
    both("edit", &story);
}

#[test]
fn a_person_with_a_secret_field() {
    let mut story = Story::begin();
    story.up_to("reset-valkey");
    story.press(KeyCode::Enter);
    story.press(KeyCode::Char('y'));
    both("person", &story);
    story.walk.paste("CANARY-new-valkey\n", story.clock);
    assert!(!story.frame(120, 40).contains("CANARY"));
    insta::assert_snapshot!("person_pasted_80x24", story.frame(80, 24));
    story.press(KeyCode::Enter);
    insta::assert_snapshot!("person_unticked_80x24", story.frame(80, 24));
}

#[test]
fn evidence_is_asked_for() {
    let mut plan = plan();
    let at = plan.index[&StepId::new("reset-doadmin")];
    let spec = |title: &str, want, optional| EvidenceSpec { title: Template::literal(title), want, optional };
    plan.steps[at].evidence = vec![
        spec("Who was told that the password changes", Want::Text, false),
        spec("A picture of the control panel", Want::File, true),
    ];
    let mut story = Story::of(plan);
    story.up_to("reset-doadmin");
    story.well();
    both("evidence", &story);
    story.press(KeyCode::Enter);
    insta::assert_snapshot!("evidence_missing_80x24", story.frame(80, 24));
    story.press(KeyCode::Esc);
    story.press(KeyCode::Char('s'));
    insta::assert_snapshot!("evidence_passed_80x24", story.frame(80, 24));
    story.press(KeyCode::Esc);
    story.press(KeyCode::Char('i'));
    story.type_in("the whole team");
    story.press(KeyCode::Enter);
    insta::assert_snapshot!("evidence_file_80x24", story.frame(80, 24));
    story.press(KeyCode::Enter);
    assert_eq!(story.walk.awaiting, Awaiting::Go("write-files".into()));
}

#[test]
fn the_rollback() {
    let mut story = Story::begin();
    story.up_to("restart");
    story.press(KeyCode::Char('b'));
    both("rollback", &story);
    story.press(KeyCode::Down);
    story.press(KeyCode::Down);
    story.press(KeyCode::Char('y'));
    both("undo", &story);
    story.press(KeyCode::Char('b'));
    insta::assert_snapshot!("rollback_on_80x24", story.frame(80, 24));
}

#[test]
fn panels() {
    let mut story = Story::begin();
    story.press(KeyCode::Char('?'));
    both("help", &story);
    story.press(KeyCode::Esc);
    story.press(KeyCode::Char(':'));
    story.type_in("roll");
    insta::assert_snapshot!("palette_80x24", story.frame(80, 24));
    story.press(KeyCode::Esc);
    story.press(KeyCode::Char('n'));
    story.type_in("the panel was slow");
    story.press(KeyCode::Enter);
    story.press(KeyCode::Char('n'));
    insta::assert_snapshot!("notes_80x24", story.frame(80, 24));
    story.press(KeyCode::Esc);
    story.press(KeyCode::Char('q'));
    insta::assert_snapshot!("leave_80x24", story.frame(80, 24));
}

#[test]
fn who_watches_and_takes_over() {
    let mut story = Story::begin();
    story.up_to("reset-doadmin");
    story.update(Update::Seat(Seat::Watches { actor: Some("grace".into()), may_take_over: true }));
    both("watching", &story);
    story.press(KeyCode::Char('T'));
    both("take_over", &story);
}

#[test]
fn lines_to_tick_are_markdown_too() {
    let mut story = Story::begin();
    story.up_to("reset-valkey");
    let frame = story.frame(120, 40);
    assert!(frame.contains("] nobody else is on it") && !frame.contains("**"), "{frame}");
}

#[test]
fn a_secret_before_it_is_copied() {
    let mut story = Story::begin();
    for key in [KeyCode::Char('c'), KeyCode::Down, KeyCode::Enter] {
        story.press(key);
    }
    let frame = story.frame(80, 24);
    // The rest of the words depends on where the test runs: a display, tmux, neither.
    for text in ["copy a secret?", "Copy the secret old_valkey_password?", "y copy it", "Esc copies nothing"] {
        assert!(frame.contains(text), "{text}\n{frame}");
    }
}

#[test]
fn the_end() {
    let mut story = Story::begin();
    story.up_to("restart");
    story.press(KeyCode::Char('h'));
    story.type_in("restarted from the panel");
    story.press(KeyCode::Enter);
    insta::assert_snapshot!("statement_80x24", story.frame(80, 24));
    story.press(KeyCode::Char('y'));
    both("sign_off", &story);
    story.type_in("Ada L.");
    story.press(KeyCode::Enter);
    story.update(Update::Over);
    insta::assert_snapshot!("finish_80x24", story.frame(80, 24));
}

#[test]
fn too_small() {
    let story = Story::begin();
    insta::assert_snapshot!("too_small_60x10", story.frame(60, 10));
}
