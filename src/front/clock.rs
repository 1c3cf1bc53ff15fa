//! The time that a front shows: clocks that go on, what a warning is judged by. No record gets it, and nothing is done by it.

use jiff::Timestamp;

/// Returns the time.
#[expect(clippy::disallowed_methods, reason = "a front shows the time that passes; no record gets this")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}
