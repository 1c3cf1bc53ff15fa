//! The whole rotation from the full screen, in a real terminal: by keys and paste, every verification seen.

#![expect(clippy::panic, reason = "a test says what it needs by failing")]

use crate::support::desk::Desk;
use crate::support::operator::{Asked, Operator};
use crate::support::rig::{Fault, Rig};
use crate::support::rotation::{InForce, plan, run_words};
use crate::support::terminal::{Left, Terminal};

/// Walks the whole rotation in a terminal of a size, and returns what was left.
fn walk(rig: &Rig, desk: &Desk, (columns, rows): (u16, u16), resized: (u16, u16)) -> Left {
    let first = InForce::first(rig);
    let plan = plan();
    let terminal = Terminal::start(desk, &run_words(rig, "both"), columns, rows);
    let operator = Operator::at(&terminal, &plan);
    terminal.see("inputs: all there");
    terminal.see("begin");
    terminal.press("\x1b[21~");
    let Asked::Turn(number) = operator.walks("") else { panic!("not what was expected\n{}", terminal.picture()) };
    assert_eq!(operator.step(number).id.as_str(), "reset-valkey");

    let new = rig.press_reset_in_panel(&first.valkey);
    // The paste comes together with a new size: neither may be lost.
    terminal.resize(resized.0, resized.1);
    terminal.paste(&format!("{new}\n"));
    terminal.see(&format!("{} characters", new.len()));
    terminal.see("removed 1 line end at the end");
    terminal.press("\r");
    let before = Asked::Turn(number);
    let next = operator.asked(Some(&before));
    assert!(matches!(next, Asked::Next(next, _) if next > number), "{next:?}\n{}", terminal.picture());
    assert_eq!(operator.walks(""), Asked::Over);
    terminal.see("Completed.");
    terminal.press("q");
    let left = terminal.ends();

    let now = InForce { pg: rig.doctl().password(), valkey: new };
    assert!(!rig.pg_accepts(&first.pg) && !rig.redis_accepts(&first.valkey));
    now.holds(rig);
    left
}

#[test]
fn the_whole_rotation_at_120x40() {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    let left = walk(&rig, &desk, (120, 40), (100, 30));
    assert_eq!(left.code, Some(0), "{}", left.text);
}

#[test]
fn the_whole_rotation_at_80x24() {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    let left = walk(&rig, &desk, (80, 24), (120, 40));
    assert_eq!(left.code, Some(0), "{}", left.text);
}

#[test]
fn what_doctl_did_but_did_not_tell_is_fetched() {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    let plan = plan();
    rig.doctl().fault("databases user reset", Fault::ActThenFail);
    let terminal = Terminal::start(&desk, &run_words(&rig, "postgres"), 120, 40);
    let operator = Operator::at(&terminal, &plan);
    terminal.see("inputs: all there");
    terminal.press("\x1b[21~");
    let asked = operator.walks("");
    assert!(matches!(&asked, Asked::Decision(what) if what.contains("failed")), "{asked:?}");
    rig.doctl().mend();
    terminal.see("f fetch the values again");
    terminal.press("f");
    assert!(matches!(operator.asked(Some(&asked)), Asked::Next(_, _)), "{}", terminal.picture());
    assert_eq!(operator.walks(""), Asked::Over);
    terminal.press("q");
    assert_eq!(terminal.ends().code, Some(0));
    let resets = rig.doctl().calls().iter().filter(|call| call.contains("user reset")).count();
    assert_eq!(resets, 1, "the password is read, not made again");
    InForce { pg: rig.doctl().password(), ..InForce::first(&rig) }.holds(&rig);
}
