//! The one place that asks what time it is, for the records. A front has a clock of its own, to show.

use jiff::Timestamp;

/// Returns the time, to the millisecond: a record need not say more.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the owner")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
