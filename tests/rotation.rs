//! The real playbook against real servers, whole: what is true on the servers and in the files afterwards.

use crate::support::desk::{Called, Desk};
use crate::support::rig::Rig;

/// The playbook.
const PLAYBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/do-rotate-pg-valkey.yaml");
/// The answers that every unattended rotation needs.
const CONFIRMED: &str = "reset-doadmin: done\n";

/// Says what a run is called with: the rig's inputs, and which passwords are rotated.
fn run_words(rig: &Rig, rotate: &str) -> Vec<String> {
    let mut words = vec!["run".to_owned(), PLAYBOOK.to_owned(), "--input".to_owned(), format!("rotate={rotate}")];
    words.extend(rig.inputs().into_iter().flat_map(|input| ["--input".to_owned(), input]));
    words
}

/// Begins an unattended run.
fn begin(desk: &Desk, rig: &Rig, rotate: &str, answers: &str) -> Called {
    let answers = desk.answers("answers.yaml", answers);
    let words = run_words(rig, rotate);
    let more = ["--unattended", "--answers", &answers];
    desk.call(words.iter().map(String::as_str).chain(more))
}

#[test]
fn forward_postgres() {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    begin(&desk, &rig, "postgres", CONFIRMED).ends_with(0);
}

#[test]
fn forward_both() {
    let rig = Rig::start();
    let desk = Desk::beside(&rig);
    let first = begin(&desk, &rig, "both", CONFIRMED).ends_with(7);
    eprintln!("{}\n{}", first.out, first.err);
    let new = rig.press_reset_in_panel(rig.first_redis_password());
    desk.keep_secret("valkey", &new);
    let answers = desk.answers("more.yaml", "reset-valkey: { new_valkey_password: 'file:valkey' }\n");
    desk.call(["resume", "--unattended", "--answers", &answers]).ends_with(0);
}
