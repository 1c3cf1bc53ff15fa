//! Starting and ending other programs, and the small things that every server here needs.

use std::fs::{OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
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

/// Runs a program to its end with a text on standard input.
pub(crate) fn run(command: &mut Command, stdin: &str) -> Output {
    let name = command.get_program().to_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("start {}: {error}", name.display()));
    let mut input = child.stdin.take().expect("standard input is piped");
    // A program that does not read its input may be gone by now.
    let _ = input.write_all(stdin.as_bytes());
    drop(input);
    let (mut out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = err.read_to_end(&mut bytes);
        bytes
    });
    let mut stdout = Vec::new();
    let _ = out.read_to_end(&mut stdout);
    let status = child.wait().expect("wait for the program");
    Output { status, stdout, stderr: reader.join().unwrap_or_default() }
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
