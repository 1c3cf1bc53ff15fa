//! What an operator types to make the window longer: how long, and why, in one line.

use std::time::Duration;

use crate::playbook::duration;

/// How it is asked for.
pub(super) const WORDING: &str = "By how much, and why? For example: 10m the reset took longer";

/// Reads how long and why.
///
/// # Errors
/// A sentence: what to type instead.
pub(super) fn extension(text: &str) -> Result<(Duration, String), String> {
    let text = text.trim();
    let (time, reason) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let by = duration::parse(time)
        .map_err(|why| format!("begin with a duration, then say why: 10m the reset took longer ({time:?} {why})"))?;
    match reason.trim() {
        "" => Err(format!("say why behind it: {time} the reset took longer")),
        reason => Ok((by, reason.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_and_a_reason_are_one_line() {
        assert_eq!(extension(" 10m  the reset hangs "), Ok((Duration::from_mins(10), "the reset hangs".to_owned())));
        for wrong in ["", "10m", "ten minutes", "10 minutes", "0m nothing"] {
            assert!(extension(wrong).is_err(), "{wrong}");
        }
    }
}
