//! The one place that asks what time it is.

use jiff::Timestamp;

/// Returns the time, to the millisecond: a record need not say more.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
