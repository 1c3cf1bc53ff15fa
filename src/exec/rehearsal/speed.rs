//! How fast a drill plays what it simulates.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How fast what is simulated is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many times as fast as the real thing.
    Times(f64),
    /// In no time: for tests, and for whoever knows what it prints.
    Instant,
}

impl Default for Speed {
    fn default() -> Self {
        Self::Times(1.0)
    }
}

impl Speed {
    /// Says how long something takes at this speed.
    #[must_use]
    pub fn of(self, real: Duration) -> Duration {
        match self {
            // A speed is never zero, nor anything that is no number.
            Self::Times(times) => real.div_f64(times),
            Self::Instant => Duration::ZERO,
        }
    }
}

impl FromStr for Speed {
    type Err = String;

    /// Reads `4x`, `0.5x`, `2` or `instant`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "instant" {
            return Ok(Self::Instant);
        }
        let number = text.strip_suffix('x').unwrap_or(text).parse::<f64>().ok();
        match number.filter(|times| (0.01..=1000.0).contains(times)) {
            Some(times) => Ok(Self::Times(times)),
            None => Err("must be from 0.01x to 1000x, or `instant`".to_owned()),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(times) => write!(f, "{times}x"),
            Self::Instant => f.write_str("instant"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_read_as_it_is_written() {
        for (text, speed) in [("4x", Speed::Times(4.0)), ("0.5x", Speed::Times(0.5)), ("instant", Speed::Instant)] {
            assert_eq!(text.parse(), Ok(speed));
            assert_eq!(speed.to_string(), text);
        }
        assert_eq!("2".parse(), Ok(Speed::Times(2.0)));
        for wrong in ["", "x", "0x", "-1x", "infx", "NaN", "fast"] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
        assert_eq!(Speed::Times(4.0).of(Duration::from_secs(2)), Duration::from_millis(500));
        assert_eq!(Speed::Instant.of(Duration::from_secs(2)), Duration::ZERO);
    }
}
