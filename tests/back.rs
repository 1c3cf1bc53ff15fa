//! The real rotation rolled back from every step: what is true on the servers and, byte for byte, in the files.
//!
//! The way there is walked at the full screen, where each step waits for a key, so each stop is exact; the way back is
//! unattended. One rig serves all: after a rollback everything works, with the passwords that are in force.

use runsheet::playbook::plan::Plan;

use crate::support::desk::{Called, Desk};
use crate::support::operator::{Asked, Operator};
use crate::support::rig::Rig;
use crate::support::rotation::{InForce, Kept, go_on, keep, plan, run_words, with};
use crate::support::terminal::Terminal;

/// Walks through a step and leaves. Where the operator's turn comes, the panel's button is pressed and pasted from.
fn walk_through(rig: &Rig, desk: &Desk, plan: &Plan, rotate: &str, step: &str, now: &mut InForce) {
    let terminal = Terminal::start(desk, &run_words(rig, rotate), 120, 40);
    let operator = Operator::at(&terminal, plan);
    terminal.see("inputs: all there");
    terminal.press("\x1b[21~");
    let mut asked = operator.walks(step);
    if let Asked::Turn(number) = asked {
        now.valkey = rig.press_reset_in_panel(&now.valkey);
        terminal.paste(&now.valkey);
        terminal.see(&format!("{} characters", now.valkey.len()));
        terminal.press("\r");
        asked = operator.asked(Some(&Asked::Turn(number)));
        if operator.step(number).id.as_str() != step {
            asked = operator.walks(step);
        }
    }
    assert!(matches!(asked, Asked::Next(_, _)), "{asked:?}\n{}", terminal.picture());
    operator.leaves();
    assert_eq!(terminal.ends().code, Some(130), "the run is open");
}

/// Rolls back, and holds what must be true then.
fn back(rig: &Rig, desk: &Desk, before: &[Kept], first: &InForce, now: &mut InForce, step: &str) -> Called {
    desk.keep_secret("valkey", &now.valkey);
    let answers = "reset-valkey: { undo: { new_valkey_password: 'file:valkey' } }\n";
    let called = go_on(desk, "rollback", answers).ends_with(4);
    now.pg = rig.doctl().password();
    now.holds(rig);
    let wanted = with(&with(before, &first.pg, &now.pg), &first.valkey, &now.valkey);
    assert_eq!(keep(rig), wanted, "after {step}");
    called
}

fn from_each(rotate: &str, steps: &[&str]) {
    let rig = Rig::start();
    let plan = plan();
    let mut now = InForce::first(&rig);
    for (number, step) in steps.iter().enumerate() {
        let desk = Desk::make(&rig.folder().join(format!("back-{number}"))).with_env(rig.env());
        let (before, first) = (keep(&rig), now.clone());
        walk_through(&rig, &desk, &plan, rotate, step, &mut now);
        back(&rig, &desk, &before, &first, &mut now, step);
    }
}

#[test]
fn from_each_step_that_can_be_undone() {
    from_each("postgres", &["keep-copies", "check-certificates", "restart-with-checks"]);
}

#[test]
fn from_each_step_of_postgres() {
    from_each("postgres", &["reset-doadmin", "write-pg-password", "restart-after-postgres"]);
}

#[test]
fn from_each_step_of_valkey() {
    from_each("both", &["reset-valkey", "write-valkey-password-env", "restart-after-valkey"]);
}
