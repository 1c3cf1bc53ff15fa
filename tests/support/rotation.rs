//! The real rotation as its tests speak of it: what it is called with, what is true before and after, who walks it.
//!
//! What is true is asked of the servers and read from the files, never of the program.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use runsheet::playbook::check;
use runsheet::playbook::plan::Plan;

use super::desk::{Called, Desk};
use super::rig::{Rig, in_url};

/// The playbook.
pub(crate) const PLAYBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/do-rotate-pg-valkey.yaml");

/// Reads the playbook as the program does.
pub(crate) fn plan() -> Plan {
    check(&fs::read_to_string(PLAYBOOK).expect("read the playbook")).expect("the playbook holds").plan
}

/// Says what a run is called with: the rig's inputs, and which passwords are rotated.
pub(crate) fn run_words(rig: &Rig, rotate: &str) -> Vec<String> {
    let mut words = vec!["run".to_owned(), PLAYBOOK.to_owned(), "--input".to_owned(), format!("rotate={rotate}")];
    words.extend(rig.inputs().into_iter().flat_map(|input| ["--input".to_owned(), input]));
    words
}

/// Begins an unattended run with the text of an answers file, and more words.
pub(crate) fn begin(desk: &Desk, rig: &Rig, rotate: &str, answers: &str, more: &[&str]) -> Called {
    let answers = desk.answers("answers.yaml", answers);
    let words = run_words(rig, rotate);
    let unattended = ["--unattended", "--answers", &answers];
    desk.call(words.iter().map(String::as_str).chain(unattended).chain(more.iter().copied()))
}

/// Goes on with the latest run: `resume` or `rollback`, unattended, with the text of an answers file.
pub(crate) fn go_on(desk: &Desk, what: &str, answers: &str) -> Called {
    let answers = desk.answers("answers.yaml", answers);
    desk.call([what, &desk.run_id(), "--unattended", "--answers", &answers])
}

/// Answers to everything but the password of Valkey, which is asked for with `VALKEY`.
pub(crate) const ANSWERS: &str = "
keep-copies: { unknown: retry }
check-certificates: { unknown: retry }
restart-with-checks: { unknown: retry }
reset-doadmin: { confirm: done, unknown: retry }
write-pg-password: { unknown: retry }
restart-after-postgres: { unknown: retry }
write-valkey-password: { unknown: retry }
write-valkey-password-env: { unknown: retry }
write-valkey-password-app-env: { unknown: retry }
restart-after-valkey: { unknown: retry }
keep-pg-password: { unknown: retry }
keep-valkey-password: { unknown: retry }
keep-valkey-password-env: { unknown: retry }
keep-valkey-password-app-env: { unknown: retry }
restart-after-rollback: { unknown: retry }
";
/// What answers for the password of Valkey, forward and back; it is kept at the desk.
pub(crate) const VALKEY: &str =
    "reset-valkey: { new_valkey_password: 'file:valkey', undo: { new_valkey_password: 'file:valkey' } }\n";

/// A file to the last bit that we promise to bring back.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    path: PathBuf,
    text: String,
    mode: u32,
    owner: (u32, u32),
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:o} {:?}\n{}", self.path.display(), self.mode, self.owner, self.text)
    }
}

/// Remembers the three files.
pub(crate) fn keep(rig: &Rig) -> Vec<Kept> {
    let kept = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("read a file");
        let about = fs::metadata(&path).expect("look at a file");
        Kept { text, mode: about.mode(), owner: (about.uid(), about.gid()), path }
    };
    rig.files().into_iter().map(kept).collect()
}

/// Says what files would be with another text in place of one.
pub(crate) fn with(files: &[Kept], old: &str, new: &str) -> Vec<Kept> {
    // Passwords stand in URLs there, and nothing else does that is replaced.
    let written = |text: &str| if text.starts_with("AVNS_") { in_url(text) } else { text.to_owned() };
    let (old, new) = (written(old), written(new));
    files.iter().cloned().map(|file| Kept { text: file.text.replace(&old, &new), ..file }).collect()
}

/// The passwords that are in force.
#[derive(Clone, Debug)]
pub(crate) struct InForce {
    /// Of `doadmin`.
    pub(crate) pg: String,
    /// Of Valkey.
    pub(crate) valkey: String,
}

impl InForce {
    /// Returns those of the beginning.
    pub(crate) fn first(rig: &Rig) -> Self {
        Self { pg: rig.first_pg_password().to_owned(), valkey: rig.first_redis_password().to_owned() }
    }

    /// Holds that the servers take these, that the files have them and no others, and that the service is healthy.
    #[track_caller]
    pub(crate) fn holds(&self, rig: &Rig) {
        assert!(rig.pg_accepts(&self.pg), "Postgres takes the password that is said to be in force");
        assert!(rig.redis_accepts(&self.valkey), "Valkey takes the password that is said to be in force");
        for file in rig.files() {
            let text = fs::read_to_string(&file).expect("read a file");
            for (user, password) in [("doadmin", &self.pg), ("default", &self.valkey)] {
                for found in text.split(&format!("//{user}:")).skip(1) {
                    let found = found.split('@').next().expect("a part before the at sign");
                    assert_eq!(found, in_url(password), "{user} in {}", file.display());
                }
            }
        }
        let health = rig.health();
        assert_eq!(health.status, 200, "{}", health.body);
    }
}
