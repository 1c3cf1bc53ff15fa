//! Starts a process: in a session of its own, without a terminal or with one that is its own, with descriptors 0 to 2 and every signal as the system has it.
//!
//! By `posix_spawn`, whose cost does not grow with our memory; a closure before exec would make the standard library fork. It
//! makes the session, closes what was handed down to us, and resets signals. What it cannot do portably is change the
//! folder: where the child's is not ours, the [`Launcher`] does that, for about a millisecond more.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::Mode;
use rustix::fs::Access;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, waitid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe::{Receiver, Sender};

use super::guard;
use super::launch::Launcher;
use super::{holders, spooler};

/// `POSIX_SPAWN_SETSID`, which `nix` has no name for; the same in glibc and musl.
const SETSID: i32 = 0x80;

/// What to start.
pub(super) struct Request<'a> {
    /// The program's file, absolute.
    pub program: &'a Path,
    /// What the program is told that it is called, and its arguments.
    pub words: &'a [String],
    /// Its whole environment.
    pub environment: &'a [(OsString, OsString)],
    /// Its folder.
    pub cwd: &'a Path,
    /// Whether it gets standard input from us; otherwise there is none.
    pub stdin: bool,
    /// Descriptors that it gets too, under the numbers that they have here, which are above 2.
    pub handed: &'a [OwnedFd],
    /// Where what it prints is kept should we die, as the stem of files' names.
    pub spool: Option<&'a Path>,
    /// The terminal that it gets as its own, in place of all three pipes.
    pub terminal: Option<&'a Path>,
}

/// A process that was started.
pub(super) struct Process {
    pub id: Pid,
    pub stdin: Option<Sender>,
    pub out: Option<Receiver>,
    pub err: Option<Receiver>,
    /// The inodes of the pipes that it writes to.
    pub inodes: Vec<u64>,
    /// Who keeps what it prints, on the way to us.
    pub spooler: Option<Pid>,
    end: End,
}

/// What tells the end of a process.
enum End {
    /// A descriptor for it.
    Descriptor(AsyncFd<OwnedFd>),
    /// An old system has none: a thread that waits.
    Thread(tokio::task::JoinHandle<io::Result<WaitIdStatus>>),
}

impl Process {
    /// Starts a process.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn start(request: &Request<'_>, launcher: &Launcher) -> io::Result<Self> {
        if let Some(terminal) = request.terminal {
            return Self::start_at(terminal, request, launcher);
        }
        let (out, out_theirs) = io::pipe()?;
        let (err, err_theirs) = io::pipe()?;
        let inodes = holders::inodes([out.as_fd(), err.as_fd()]);
        let (spooler, out, err) = match request.spool.filter(|_| launcher.spools) {
            Some(stem) => {
                // Our own ends close at the end of this: nobody reads but it.
                let spooler = Spooler::start(stem, &out, &err, launcher)?;
                (Some(spooler.id), spooler.out, spooler.err)
            }
            None => (None, out, err),
        };
        let stdin = if request.stdin { Some(io::pipe()?) } else { None };

        let mut actions = PosixSpawnFileActions::init()?;
        let nothing = File::open("/dev/null")?;
        actions.add_dup2(stdin.as_ref().map_or(nothing.as_raw_fd(), |(theirs, _)| theirs.as_raw_fd()), 0)?;
        actions.add_dup2(out_theirs.as_raw_fd(), 1)?;
        actions.add_dup2(err_theirs.as_raw_fd(), 2)?;
        let id = spawn(&mut actions, request, launcher)?;
        Ok(Self {
            id,
            stdin: stdin.map(|(_, ours)| Sender::from_owned_fd(ours.into())).transpose()?,
            out: Some(Receiver::from_owned_fd(out.into())?),
            err: Some(Receiver::from_owned_fd(err.into())?),
            inodes,
            spooler,
            end: End::of(id)?,
        })
    }

    /// Starts a process at a terminal. It leads a session that has none, so the first that it opens becomes its own.
    fn start_at(terminal: &Path, request: &Request<'_>, launcher: &Launcher) -> io::Result<Self> {
        let mut actions = PosixSpawnFileActions::init()?;
        actions.add_open(0, terminal, OFlag::O_RDWR, Mode::empty())?;
        actions.add_dup2(0, 1)?;
        actions.add_dup2(0, 2)?;
        let id = spawn(&mut actions, request, launcher)?;
        let (stdin, out, err, inodes, spooler) = (None, None, None, Vec::new(), None);
        Ok(Self { id, stdin, out, err, inodes, spooler, end: End::of(id)? })
    }

    /// Waits for the end. May be dropped and asked again until it has told.
    pub(super) async fn wait(&mut self) -> io::Result<WaitIdStatus> {
        self.end.wait().await
    }

    /// Says by which signal the process has stopped, if it has since this was last asked. It may go on again.
    pub(super) fn stopped(&self) -> Option<i32> {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        waitid(WaitId::Pid(self.id), options).ok().flatten()?.stopping_signal()
    }
}

/// Starts it with these as its first three descriptors, and no others than those that are handed down.
fn spawn(actions: &mut PosixSpawnFileActions, request: &Request<'_>, launcher: &Launcher) -> io::Result<Pid> {
    let handed: Vec<i32> = request.handed.iter().map(AsRawFd::as_raw_fd).collect();
    for descriptor in open().into_iter().filter(|descriptor| *descriptor > 2 && !handed.contains(descriptor)) {
        actions.add_close(descriptor)?;
    }
    for descriptor in handed {
        // Onto itself: that takes its mark away by which it would be closed.
        actions.add_dup2(descriptor, descriptor)?;
    }
    let attributes = attributes()?;
    let environment: Vec<CString> = request.environment.iter().map(assignment).collect::<io::Result<_>>()?;
    let (program, words) = words(request, launcher)?;
    let id = guard::with_their_limits(|| {
        posix_spawn(program.as_path(), actions, &attributes, &words, &environment).map_err(io::Error::from)
    })?;
    Pid::from_raw(id.as_raw()).ok_or_else(|| io::Error::other("the system gave no process id"))
}

impl End {
    async fn wait(&mut self) -> io::Result<WaitIdStatus> {
        match self {
            End::Descriptor(descriptor) => {
                // It stays readable once the process has ended. A thread must never wait in here.
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
                loop {
                    let mut ready = descriptor.readable().await?;
                    if let Some(status) = waitid(WaitId::PidFd(ready.get_inner().as_fd()), options)? {
                        return Ok(status);
                    }
                    ready.clear_ready();
                }
            }
            End::Thread(thread) => thread.await.map_err(io::Error::other)?,
        }
    }

    #[expect(deprecated, reason = "unsound only for a type that may change its descriptor, which this one cannot")]
    fn of(id: Pid) -> io::Result<Self> {
        match pidfd_open(id, PidfdFlags::empty()) {
            Ok(descriptor) => AsyncFd::with_interest(descriptor, Interest::READABLE).map(Self::Descriptor),
            Err(_) => Ok(Self::Thread(tokio::task::spawn_blocking(move || {
                ended(waitid(WaitId::Pid(id), WaitIdOptions::EXITED)?)
            }))),
        }
    }
}

fn ended(status: Option<WaitIdStatus>) -> io::Result<WaitIdStatus> {
    status.ok_or_else(|| io::Error::other("the system gave no status"))
}

/// A session of its own, and every signal as the system has it.
fn attributes() -> io::Result<PosixSpawnAttr> {
    let mut attributes = PosixSpawnAttr::init()?;
    // Handlers end with the exec by themselves; what is ignored would stay so, and Rust's runtime ignores SIGPIPE.
    attributes.set_sigdefault(&SigSet::from_iter([
        Signal::SIGPIPE,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGHUP,
        Signal::SIGTERM,
        Signal::SIGCHLD,
        Signal::SIGTSTP,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
        Signal::SIGXFSZ,
    ]))?;
    attributes.set_sigmask(&SigSet::empty())?;
    let flags = PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK;
    attributes.set_flags(flags | PosixSpawnFlags::from_bits_retain(SETSID))?;
    Ok(attributes)
}

/// Ourselves between a child and us: see [`spooler`].
struct Spooler {
    id: Pid,
    out: io::PipeReader,
    err: io::PipeReader,
}

impl Spooler {
    /// Starts it on the pipes of a child that is about to start.
    fn start(stem: &Path, out: &io::PipeReader, err: &io::PipeReader, launcher: &Launcher) -> io::Result<Self> {
        let (ours, out_theirs) = io::pipe()?;
        let (ours_too, err_theirs) = io::pipe()?;
        let mut actions = PosixSpawnFileActions::init()?;
        for (from, to) in [
            (out.as_raw_fd(), 0),
            (out_theirs.as_raw_fd(), 1),
            (err_theirs.as_raw_fd(), 2),
            (err.as_raw_fd(), spooler::ERRORS),
        ] {
            actions.add_dup2(from, to)?;
        }
        for descriptor in open().into_iter().filter(|&descriptor| descriptor > spooler::ERRORS) {
            actions.add_close(descriptor)?;
        }
        let words = [launcher.program.as_os_str(), OsStr::new(spooler::SPOOL), stem.as_os_str()];
        let words = words.into_iter().map(text).collect::<io::Result<Vec<CString>>>()?;
        let nothing: [CString; 0] = [];
        let id = posix_spawn(launcher.program.as_path(), &actions, &attributes()?, &words, &nothing)?;
        let id = Pid::from_raw(id.as_raw()).ok_or_else(|| io::Error::other("the system gave no process id"))?;
        // It ends when nobody can write any more, which may be long after the child; its status tells nothing.
        let mut end = End::of(id)?;
        tokio::spawn(async move { end.wait().await });
        Ok(Self { id, out: ours, err: ours_too })
    }
}

/// The file and the words to start: the program's own, or the launcher's before them.
fn words(request: &Request<'_>, launcher: &Launcher) -> io::Result<(PathBuf, Vec<CString>)> {
    let own = request.words.iter().map(|word| text(OsStr::new(word)));
    if is_ours(request.cwd) {
        return Ok((request.program.to_owned(), own.collect::<io::Result<_>>()?));
    }
    let before = [launcher.program.as_os_str()].into_iter().chain(launcher.words.iter().map(OsString::as_os_str));
    let before = before.chain([request.cwd.as_os_str(), request.program.as_os_str()]).map(text);
    Ok((launcher.program.clone(), before.chain(own.skip(1)).collect::<io::Result<_>>()?))
}

/// Says whether a folder is the one that we are in.
fn is_ours(folder: &Path) -> bool {
    match (std::fs::metadata("."), std::fs::metadata(folder)) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        _ => false, // then the launcher says what is wrong
    }
}

/// Lists our open descriptors: whoever started us may have handed down some, a file with a secret among them.
fn open() -> Vec<i32> {
    let Ok(folder) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn assignment((key, value): &(OsString, OsString)) -> io::Result<CString> {
    let mut both = key.clone();
    both.push("=");
    both.push(value);
    CString::new(both.into_vec()).map_err(|_| nul())
}

fn text(word: &OsStr) -> io::Result<CString> {
    CString::new(word.as_bytes()).map_err(|_| nul())
}

fn nul() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a word or a variable has a NUL character in it")
}

/// Finds a program's file, as a shell would from this folder.
pub(super) fn find_program(program: &str, cwd: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let can_run = |file: &PathBuf| file.is_file() && rustix::fs::access(file, Access::EXEC_OK).is_ok();
    if program.contains('/') {
        return Some(cwd.join(program)).filter(can_run);
    }
    let path = path.unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
    std::env::split_paths(path).map(|folder| cwd.join(folder).join(program)).find(can_run)
}
