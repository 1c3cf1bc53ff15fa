//! Where this user's things are, and who this is.

use std::fs::File;
use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, Xdg};

use crate::ending::{Code, Ending};
use crate::journal::Place;

/// Names the state folder.
///
/// # Errors
/// When there is no home folder.
pub(super) fn state() -> Result<Place, Ending> {
    let base = Xdg::new().map_err(|_| homeless())?;
    let state = base.state_dir().ok_or_else(homeless)?;
    Ok(Place::new(state.join("runsheet")))
}

/// Names the configuration folder; none without a home.
pub(super) fn config() -> Option<PathBuf> {
    Xdg::new().ok().map(|base| base.config_dir().join("runsheet"))
}

/// Names the file of the operator's key.
///
/// # Errors
/// When there is no home folder.
pub(super) fn identity() -> Result<PathBuf, Ending> {
    config().map(|config| config.join("identity")).ok_or_else(homeless)
}

fn homeless() -> Ending {
    Ending {
        code: Code::Usage,
        what: "there is no place for runs and keys".to_owned(),
        because: Some("neither HOME nor the XDG folders are set".to_owned()),
        next: Some("set HOME, or XDG_STATE_HOME and XDG_CONFIG_HOME".to_owned()),
    }
}

/// How many descriptors a session may need beside those that are open: the runtime's, a command's, the journal's, a probe's.
const DESCRIPTORS: usize = 32;

/// Holds that enough files can be opened for a session, before anything has begun: later on there is no good moment to find
/// out, and the runtime gives up without a word that anybody understands.
///
/// # Errors
/// There are too few.
pub(super) fn descriptors() -> Result<(), Ending> {
    let opened: std::io::Result<Vec<File>> = (0..DESCRIPTORS).map(|_| File::open("/dev/null")).collect();
    opened.map(drop).map_err(|error| Ending {
        code: Code::Failed,
        what: "too few files may be open at a time".to_owned(),
        because: Some(error.to_string()),
        next: Some("`ulimit -n 256` in the shell that starts runsheet; nothing has been started".to_owned()),
    })
}

/// Who runs this, and where.
#[derive(Clone, Debug)]
pub(super) struct Who {
    /// The operator, as given or as the account is called.
    pub(super) operator: String,
    /// The account of the operating system.
    pub(super) account: String,
    /// The machine.
    pub(super) host: String,
}

/// Finds out who runs this.
pub(super) fn who(operator: Option<String>) -> Who {
    let account = account();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Who { operator: operator.unwrap_or_else(|| account.clone()), account, host }
}

/// Finds the account's name by its id, as the environment can say anything.
fn account() -> String {
    let id = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    });
    name.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| id.to_string())
}
