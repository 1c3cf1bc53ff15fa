//! What the system is told of this process: no core dump, and no look into its memory for others, be they the same user.
//!
//! Our children are not affected: a program makes its own memory readable when it starts, and gets back the limit on core
//! dumps that the operator has. What must stay true: this is asked for before any secret is in memory.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// The operator's limit on core dumps, once ours is another. A limit is the process's own and there is only one, so there
/// is one place that remembers it.
static THEIRS: OnceLock<Rlimit> = OnceLock::new();

/// Held while our limit is the operator's.
static STARTING: Mutex<()> = Mutex::new(());

/// Shuts this process off: no core dump, and nobody but `root` can read its memory, environment and descriptors.
///
/// Best effort: a system that refuses has told so by no secret of ours, and there is nothing to do about it.
pub fn shut_off() {
    let theirs = *THEIRS.get_or_init(|| getrlimit(Resource::Core));
    // The first is enough on Linux; the second is for whoever dumps by the limit alone.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // The hard limit stays: what is lowered there cannot be raised for a child.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..theirs });
}

/// Starts something with the limits that the operator has.
pub(super) fn with_their_limits<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let Some(theirs) = THEIRS.get() else { return start() };
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = setrlimit(Resource::Core, *theirs);
    let started = start();
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..*theirs });
    started
}
