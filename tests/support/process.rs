//! Starting and ending other programs, and the small things that every server here needs.

use std::fs::{OpenOptions, Permissions};
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A server that ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    name: &'static str,
    polite: Signal,
}

impl Server {
    /// Starts a server. `polite` is the signal on which it ends quickly and in good order.
    pub(crate) fn start(name: &'static str, command: &mut Command, polite: Signal) -> Self {
        let child = command.stdin(Stdio::null()).spawn().unwrap_or_else(|error| panic!("start {name}: {error}"));
        Self { child, name, polite }
    }

    /// Returns its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the server is ready; panics when it ends before, or does not get there.
    pub(crate) fn wait_until(&mut self, what: &str, log: &Path, mut ready: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !ready() {
            let ended = self.child.try_wait().expect("ask for the server's status");
            let late = begin.elapsed() > Duration::from_secs(30);
            if ended.is_some() || late {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                panic!("{}: not {what} (ended: {ended:?}); its log:\n{log}", self.name);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(self.child.id(), self.polite, || matches!(self.child.try_wait(), Ok(Some(_))));
        let _ = self.child.wait();
    }
}

/// Ends a process by its id: politely, and hard when that takes longer than five seconds.
pub(crate) fn end(pid: u32, polite: Signal, mut gone: impl FnMut() -> bool) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    if gone() {
        return;
    }
    let _ = kill_process(pid, polite);
    let begin = Instant::now();
    while !gone() {
        if begin.elapsed() > Duration::from_secs(5) {
            let _ = kill_process(pid, Signal::KILL);
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Says whether a process of another parent is gone.
pub(crate) fn is_gone(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    // What nobody has waited for yet is gone as well.
    stat.map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

/// Finds a port on the loopback interface that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind a port");
    listener.local_addr().expect("the port that was bound").port()
}

/// Writes a file that only its owner may read.
pub(crate) fn write_private(path: &Path, text: &str) {
    write_with_mode(path, 0o600, text);
}

/// Writes a file with a mode, whatever the umask.
pub(crate) fn write_with_mode(path: &Path, mode: u32, text: &str) {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap_or_else(|error| panic!("open {}: {error}", path.display()));
    file.write_all(text.as_bytes()).expect("write the file");
    file.set_permissions(Permissions::from_mode(mode)).expect("set the file's mode");
}

/// How long a program may run that a test waits for.
const DEADLINE: Duration = Duration::from_mins(2);

/// Runs a program to its end with a text on standard input. One that takes too long is ended, and the test fails with what
/// it had printed.
#[track_caller]
pub(crate) fn run(command: &mut Command, stdin: &str) -> Output {
    run_within(DEADLINE, command, stdin)
}

#[track_caller]
fn run_within(deadline: Duration, command: &mut Command, stdin: &str) -> Output {
    let begin = Instant::now();
    let name = command.get_program().to_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("start {}: {error}", name.display()));
    let mut input = child.stdin.take().expect("standard input is piped");
    let text = stdin.to_owned();
    // A program that does not read its input may be gone by now, or never read it.
    thread::spawn(move || input.write_all(text.as_bytes()));
    let out = Printed::of(child.stdout.take().expect("piped"));
    let err = Printed::of(child.stderr.take().expect("piped"));
    loop {
        let status = child.try_wait().expect("ask for the program's status");
        if let Some(status) = status.filter(|_| out.is_whole() && err.is_whole()) {
            return Output { status, stdout: out.bytes(), stderr: err.bytes() };
        }
        if begin.elapsed() > deadline {
            // What has ended already has left its number to others.
            if status.is_none() {
                kill_with_children(child.id());
                let _ = child.wait();
            }
            panic!(
                "{} has not come to its end after {deadline:?} (ended: {status:?})\n--- out\n{}\n--- err\n{}",
                name.display(),
                String::from_utf8_lossy(&out.bytes()),
                String::from_utf8_lossy(&err.bytes())
            );
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// What a program prints, as far as it has come.
struct Printed {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Printed {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let reader = thread::spawn({
            let bytes = Arc::clone(&bytes);
            move || {
                let mut part = [0; 8 * 1024];
                while let Ok(length @ 1..) = pipe.read(&mut part) {
                    bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&part[..length]);
                }
            }
        });
        Self { bytes, reader }
    }

    fn is_whole(&self) -> bool {
        self.reader.is_finished()
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Kills a child of ours and what it started, each by its id, the child first.
fn kill_with_children(pid: u32) {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
    for child in children.split_whitespace().filter_map(|word| word.parse().ok()) {
        kill_with_children(child);
    }
}

#[test]
#[should_panic(expected = "has not come to its end after 300ms (ended: None)\n--- out\nso far\n")]
fn what_takes_too_long_is_ended_and_told() {
    run_within(Duration::from_millis(300), Command::new("sh").args(["-c", "echo so far; sleep 60"]), "");
}

/// Runs a program that must end well.
pub(crate) fn run_well(command: &mut Command, stdin: &str) -> String {
    let output = run(command, stdin);
    assert!(
        output.status.success(),
        "{} ended with {}: {}{}",
        command.get_program().display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
