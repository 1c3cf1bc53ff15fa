//! One execution of a target: the input is noted down first, a panic is caught, and what it said is kept.
//!
//! What cannot be caught (the stack or the memory runs out, the time does) ends the whole process: whoever started it finds
//! the input in the note.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::targets::Target;

/// The status of a process whose execution took too long.
pub(crate) const TOO_LONG: i32 = 70;

/// How long one execution may take. A busy machine may stand still for a while.
const LONGEST: Duration = Duration::from_secs(20);

/// How many executions there were, for whoever looks after the time.
static COUNT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static SAID: RefCell<Option<Wrong>> = const { RefCell::new(None) };
}

/// How an execution failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Where, as `file:line`.
    pub(crate) place: String,
    /// In which words.
    pub(crate) said: String,
}

/// Where the input stands that is being executed.
pub(crate) struct Note {
    file: File,
    bytes: Vec<u8>,
}

impl Note {
    pub(crate) fn create(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: File::create(path)?, bytes: Vec::new() })
    }

    /// Reads the input of a process that is gone.
    pub(crate) fn read(path: &Path) -> Option<Vec<u8>> {
        let bytes = std::fs::read(path).ok()?;
        let (length, rest) = bytes.split_first_chunk()?;
        rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?).map(<[u8]>::to_vec)
    }

    fn write(&mut self, input: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&(input.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(input);
        // without the note only the input of a hard end would be lost
        let _ = self.file.write_all_at(&self.bytes, 0);
    }
}

/// Keeps panics quiet, and ends the process when an execution takes too long.
pub(crate) fn prepare() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        let said = info.payload_as_str().unwrap_or("a panic without words").to_owned();
        SAID.with(|slot| *slot.borrow_mut() = Some(Wrong { place, said }));
    }));
    std::thread::spawn(|| {
        let mut last = COUNT.load(Ordering::Relaxed);
        loop {
            std::thread::sleep(LONGEST);
            let now = COUNT.load(Ordering::Relaxed);
            if now == last {
                std::process::exit(TOO_LONG);
            }
            last = now;
        }
    });
}

/// Executes a target with an input and returns what kind of thing happened, as a number.
///
/// # Errors
/// How it failed.
pub(crate) fn attempt(target: &Target, input: &[u8], note: &mut Note) -> Result<u64, Wrong> {
    note.write(input);
    COUNT.fetch_add(1, Ordering::Relaxed);
    let done = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    done.map_err(|_| {
        let said = SAID.with(|slot| slot.borrow_mut().take());
        said.unwrap_or(Wrong { place: String::new(), said: "a panic on another thread".to_owned() })
    })
}

/// Makes an input that fails in the same place as short and plain as a bounded search can.
pub(crate) fn minimise(target: &Target, input: &[u8], wrong: &Wrong, note: &mut Note) -> Vec<u8> {
    let mut best = input.to_vec();
    let mut left = 20_000;
    let mut fails = |bytes: &[u8]| {
        left -= 1;
        left > 0 && attempt(target, bytes, note).is_err_and(|other| other.place == wrong.place)
    };
    let mut size = best.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < best.len() {
            let mut shorter = best.clone();
            shorter.drain(at..(at + size).min(best.len()));
            if fails(&shorter) {
                best = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    for at in 0..best.len() {
        let mut plainer = best.clone();
        plainer[at] = b'a';
        if best[at] != b'a' && fails(&plainer) {
            best = plainer;
        }
    }
    best
}
