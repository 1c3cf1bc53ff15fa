//! Why the program stops: what happened, because of what, what to do now, and one exit status from one list.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::output::visible_plain;

/// The exit statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The run was completed, or the command did what it should.
    Done = 0,
    /// The run ended, or stopped, with steps failed, skipped or given up; or the command failed.
    Failed = 1,
    /// The program was called wrongly.
    Usage = 2,
    /// A playbook is not sound.
    Invalid = 3,
    /// Everything was rolled back.
    RolledBack = 4,
    /// The rollback is incomplete.
    RollbackIncomplete = 5,
    /// The sign-off is refused or missing.
    SignOff = 6,
    /// A person is needed, and there is none.
    PersonNeeded = 7,
    /// Interrupted; the run can be resumed.
    Interrupted = 130,
}

impl Code {
    /// All of them, in order, with what they mean: for the help and the README.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Done, "completed"),
        (Self::Failed, "ended with steps failed, skipped or abandoned"),
        (Self::Usage, "called wrongly"),
        (Self::Invalid, "the playbook is not sound"),
        (Self::RolledBack, "rolled back completely"),
        (Self::RollbackIncomplete, "the rollback is incomplete"),
        (Self::SignOff, "the sign-off is refused or missing"),
        (Self::PersonNeeded, "a person is needed (unattended)"),
        (Self::Interrupted, "interrupted; the run can be resumed"),
    ];
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why the program stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The exit status.
    pub code: Code,
    /// What happened.
    pub what: String,
    /// Because of what.
    pub because: Option<String>,
    /// What to do now.
    pub next: Option<String>,
}

impl Ending {
    /// Puts the ending into lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("runsheet: {}\n", self.what);
        for line in self.because.iter().flat_map(|because| because.lines()) {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "  {line}");
        }
        if let Some(next) = &self.next {
            let _ = writeln!(text, "  now: {next}");
        }
        text
    }

    /// Prints the ending on standard error, and gives its status.
    #[must_use]
    pub fn print(&self) -> ExitCode {
        let error = std::io::stderr();
        // Who was told to end does not wait for a terminal that is held.
        if self.code == Code::Interrupted && error.is_terminal() {
            let within = Timespec { tv_sec: 1, tv_nsec: 0 };
            if !matches!(poll(&mut [PollFd::new(&error, PollFlags::OUT)], Some(&within)), Ok(1..)) {
                return self.code.into();
            }
        }
        // Where even that cannot be written there is nobody to tell.
        let _ = error.lock().write_all(visible_plain(&self.text()).as_bytes());
        self.code.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_because_and_next() {
        let ending = Ending {
            code: Code::Usage,
            what: "there is no open run".to_owned(),
            because: Some("all are closed".to_owned()),
            next: Some("`runsheet runs` lists them".to_owned()),
        };
        assert_eq!(
            ending.text(),
            "runsheet: there is no open run\n  all are closed\n  now: `runsheet runs` lists them\n"
        );
    }

    #[test]
    fn the_list_is_in_order_and_whole() {
        let codes = Code::ALL.map(|(code, _)| code as u8);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 130]);
    }
}
