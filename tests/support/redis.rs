//! A Redis server with TLS and a password, for one test: it stands in for the managed Valkey.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use super::authority::Authority;
use super::process::{Server, free_port, run, write_private};
use super::rig::Answer;

/// A running server.
#[derive(Debug)]
pub(crate) struct Redis {
    _server: Server,
    /// Its TLS port on 127.0.0.1.
    pub(crate) port: u16,
    socket: PathBuf,
    ca: PathBuf,
}

impl Redis {
    /// Starts a server in a folder, with this password.
    pub(crate) fn start(folder: &Path, authority: &Authority, password: &str) -> Self {
        fs::create_dir_all(folder).expect("make the folder of the server");
        let (port, socket, log) = (free_port(), folder.join("socket"), folder.join("log"));
        let settings = format!(
            "port 0\ntls-port {port}\nbind 127.0.0.1\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n\
             tls-auth-clients no\nrequirepass {}\nunixsocket {}\nunixsocketperm 600\nsave \"\"\nappendonly no\n\
             daemonize no\ndir {}\n",
            authority.cert.display(),
            authority.key.display(),
            authority.ca.display(),
            quoted(password),
            socket.display(),
            folder.display(),
        );
        let file = folder.join("redis.conf");
        write_private(&file, &settings);
        let output = File::create(&log).expect("make the log");
        let mut command = Command::new("redis-server");
        command.arg(&file).stdout(output.try_clone().expect("share the log")).stderr(output);
        let mut server = Server::start("redis-server", &mut command, Signal::TERM);
        server.wait_until("ready", &log, || ask(port, &authority.ca, password) == Answer::Accepted);
        Self { _server: server, port, socket, ca: authority.ca.clone() }
    }

    /// Changes the password as the control panel does: it holds at once, and everybody else is thrown out.
    pub(crate) fn reset(&self, old: &str, new: &str) {
        let mut cli = Command::new("redis-cli");
        cli.arg("-s").arg(&self.socket).arg("--no-auth-warning").env("REDISCLI_AUTH", old);
        let output =
            run(&mut cli, &format!("CONFIG SET requirepass {}\nCLIENT KILL TYPE normal SKIPME yes\n", quoted(new)));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.starts_with("OK\n"), "the control panel could not set the password: {said}");
    }

    /// Asks over a new connection, with a checked certificate, whether a password is taken.
    pub(crate) fn answer(&self, password: &str) -> Answer {
        ask(self.port, &self.ca, password)
    }
}

/// Writes a word as the server's configuration and its client's prompt read it.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

fn ask(port: u16, ca: &Path, password: &str) -> Answer {
    let mut cli = Command::new("redis-cli");
    cli.args(["--tls", "-h", "127.0.0.1", "-p", &port.to_string(), "--no-auth-warning", "--cacert"]);
    let output = run(cli.arg(ca).arg("PING").env("REDISCLI_AUTH", password), "");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if said == "PONG\n" {
        Answer::Accepted
    } else if said.contains("WRONGPASS") {
        Answer::Refused
    } else {
        Answer::Unclear(said)
    }
}
