//! An OpenSSH server on the loopback interface for one test, and an operator's configuration that knows it.
//!
//! The server has a host key, a port and a configuration of its own, and lets in whoever runs the tests, with one key. The
//! client is the system's, called by way of a small script on PATH that gives it the test's configuration and writes down
//! the words of every call: a home folder of one's own does not change where `ssh` looks.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use super::process::{Server, free_port, is_gone, run_well, write_private, write_with_mode};

/// A running server with its clients' configuration.
#[derive(Debug)]
pub(crate) struct Ssh {
    server: Server,
    folder: PathBuf,
}

impl Ssh {
    /// Starts a server in a folder. It is called `other`; `stranger` has a host key that nobody knows, `keyless` is called
    /// with a key that is not let in, and nothing listens where `nobody` is.
    pub(crate) fn start(folder: &Path) -> Self {
        let folder = folder.join("ssh");
        fs::create_dir_all(folder.join("bin")).expect("make the server's folder");
        for key in ["host", "operator", "wrong"] {
            run_well(
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(key)),
                "",
            );
        }
        // Run by root, the server wants this folder, which is made at boot elsewhere.
        let _ = fs::create_dir_all("/run/sshd");
        let at = |name: &str| folder.join(name).display().to_string();
        fs::copy(at("operator.pub"), at("authorized")).expect("let the operator in");
        let (port, silent) = (free_port(), free_port());
        let settings = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nPidFile none\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 100\n",
            at("host"),
            at("authorized"),
        );
        write_private(Path::new(&at("sshd_config")), &settings);
        let public = fs::read_to_string(at("host.pub")).expect("read the host key");
        write_private(Path::new(&at("known")), &format!("[127.0.0.1]:{port} {public}"));
        let client = format!(
            "Host stranger\n  UserKnownHostsFile /dev/null\nHost keyless\n  IdentityFile {}\nHost nobody\n  Port {silent}\n\
             Host * !keyless\n  IdentityFile {}\nHost *\n  HostName 127.0.0.1\n  Port {port}\n  IdentitiesOnly yes\n  \
             IdentityAgent none\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking ask\n",
            at("wrong"),
            at("operator"),
            at("known"),
        );
        write_private(Path::new(&at("config")), &client);
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{}'\nexec /usr/bin/ssh -F '{}' \"$@\"\n",
            at("calls"),
            at("config")
        );
        write_with_mode(Path::new(&at("bin/ssh")), 0o755, &script);
        let log = folder.join("log");
        let output = File::create(&log).expect("make the log");
        let mut command = Command::new("/usr/sbin/sshd");
        command
            .args(["-D", "-e", "-f", &at("sshd_config")])
            .stdout(output.try_clone().expect("share it"))
            .stderr(output);
        let mut server = Server::start("sshd", &mut command, Signal::TERM);
        server.wait_until("ready", &log, || fs::read_to_string(&log).is_ok_and(|log| log.contains("Server listening")));
        Self { server, folder }
    }

    /// Returns PATH with the client of the test in front.
    pub(crate) fn path(&self) -> String {
        format!("{}:{}", self.folder.join("bin").display(), std::env::var("PATH").expect("PATH is set"))
    }

    /// Lists the words of every call of the client.
    pub(crate) fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Lists the processes of the server that hold a connection: its children, and theirs that are sshd still.
    pub(crate) fn sessions(&self) -> Vec<u32> {
        let mut found = Vec::new();
        let mut open = vec![self.server.id()];
        while let Some(parent) = open.pop() {
            let of = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
            for child in of.split_whitespace().filter_map(|id| id.parse::<u32>().ok()) {
                let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
                if name.starts_with("sshd") && !is_gone(child) {
                    found.push(child);
                    open.push(child);
                }
            }
        }
        found
    }
}
