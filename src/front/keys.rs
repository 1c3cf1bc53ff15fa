//! What an operator can do in every front by a letter: the letter, the label and the sentence of the help, once.
//!
//! The screen's table of keys and that of the plain lines are both made with these, so a letter learned in one means the
//! same in the other. Keys that only one of them has stand in its own table.

/// Something that an operator does by a letter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed {
    /// The letter.
    pub(super) letter: char,
    /// A word or two.
    pub(super) label: &'static str,
    /// A sentence.
    pub(super) help: &'static str,
}

const fn deed(letter: char, label: &'static str, help: &'static str) -> Deed {
    Deed { letter, label, help }
}

pub(super) const AGREE: Deed =
    deed('y', "yes", "Agree to what is asked: an irreversible step, a statement, a rollback.");
pub(super) const STOP: Deed = deed('x', "stop", "Stop what runs: the first time politely, the second time at once.");
pub(super) const ENOUGH: Deed =
    deed('e', "enough", "Say that enough was seen of what runs: it is stopped, and that is its success.");
pub(super) const AGAIN: Deed = deed('r', "run again", "Run the failed step or action again.");
pub(super) const VERIFY: Deed = deed('v', "verify again", "Ask the probes again, without running anything.");
pub(super) const FETCH: Deed = deed('f', "fetch again", "Fetch the captured values again, changing nothing.");
pub(super) const ANYWAY: Deed =
    deed('g', "go on anyway", "Start it although a later step would be refused, with a reason.");
pub(super) const BY_HAND: Deed = deed('h', "by hand", "Say that it was done by hand, with a note.");
pub(super) const SKIP: Deed = deed('s', "skip", "Pass over it, with a reason unless it is optional.");
pub(super) const ROLL_BACK: Deed =
    deed('b', "roll back", "Show what a rollback would do; nothing is undone before you agree.");
pub(super) const NOTES: Deed = deed('n', "notes", "Read the notes and leave one.");
pub(super) const COPY: Deed = deed(
    'c',
    "copy",
    "Copy the step's link or command, or a secret of the run: that is asked once more, and goes on record.",
);
pub(super) const ABANDON: Deed = deed('A', "abandon", "Give the run up for good; what stays is listed first.");
pub(super) const EXTEND: Deed =
    deed('E', "extend the window", "Make the window longer, with a reason; it goes on record.");
pub(super) const LEAVE: Deed = deed('q', "leave", "Leave the program; the run stays open and can be resumed.");
pub(super) const DETACH: Deed =
    deed('d', "leave it running", "Leave the screen alone; the run goes on, and `runsheet attach` comes back to it.");
pub(super) const TAKE_OVER: Deed =
    deed('T', "take over", "Act in place of whoever does; that is asked once more, and goes on record.");
pub(super) const WHY: Deed = deed('w', "why", "Show or hide why the step is done.");
pub(super) const HINT: Deed = deed('t', "hint", "Show or hide the hint; that it was shown goes on record.");
pub(super) const CALL: Deed = deed('m', "call somebody", "Show whom to call; whom you call goes on record.");
pub(super) const HELP: Deed = deed('?', "help", "Show all keys.");
