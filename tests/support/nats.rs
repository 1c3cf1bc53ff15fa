//! NATS servers for one test: with users of a configuration, and with accounts and users that are keys, as Synadia has them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use super::authority::Authority;
use super::process::{Server, free_port, run_well, write_private};

/// Where Debian puts the server, which is not on everybody's `PATH`.
const PROGRAM: &str = "/usr/sbin/nats-server";

/// The folder of the stand-ins for the programs of the platform.
pub(crate) fn standins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standins/platform")
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Nats {
    _server: Server,
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
}

impl Nats {
    /// Starts a server over TLS with `JetStream`, and these lines in its `authorization`.
    pub(crate) fn with_logins(folder: &Path, authority: &Authority, logins: &str) -> Self {
        let tls = format!(
            "tls {{ cert_file: \"{}\", key_file: \"{}\", timeout: 30 }}\nauthorization {{ timeout: 30\n{logins}\n}}\n",
            authority.cert.display(),
            authority.key.display()
        );
        Self::start(folder, free_port(), &tls)
    }

    /// Starts a server whose account `account` was made by the stand-in for `nsc`, which keeps what it knows in `state`.
    pub(crate) fn with_accounts(folder: &Path, state: &Path, account: &str) -> Self {
        fs::create_dir_all(state).expect("make the stand-in's folder");
        let (port, resolver) = (free_port(), folder.join("resolver"));
        fs::create_dir_all(&resolver).expect("make the resolver's folder");
        nsc(state, &["init", "--account", account, "--url", &format!("nats://127.0.0.1:{port}")]);
        let dir = resolver.display().to_string();
        let keys = nsc(state, &["generate", "config", "--nats-resolver", "--dir", &dir]);
        Self::start(folder, port, &keys)
    }

    fn start(folder: &Path, port: u16, logins: &str) -> Self {
        fs::create_dir_all(folder).expect("make the folder of the server");
        let (log, store) = (folder.join("log"), folder.join("jetstream"));
        let settings = format!(
            "listen: \"127.0.0.1:{port}\"\nserver_name: test\njetstream {{ store_dir: \"{}\", max_mem: 16M, max_file: 16M }}\n{logins}",
            store.display()
        );
        let file = folder.join("nats.conf");
        write_private(&file, &settings);
        let output = File::create(&log).expect("make the log");
        let mut command = Command::new(PROGRAM);
        command.arg("-c").arg(&file).stdout(output.try_clone().expect("share the log")).stderr(output);
        let mut server = Server::start("nats-server", &mut command, Signal::TERM);
        let said = || fs::read_to_string(&log).unwrap_or_default();
        server.wait_until("ready", &log, || said().contains("Server is ready"));
        Self { _server: server, port }
    }
}

impl Nats {
    /// Returns the server's address.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Asks, over a new connection, whether a user's credentials are taken; panics when the server says neither.
    pub(crate) fn accepts(&self, folder: &Path, creds: &str) -> bool {
        let file = folder.join("asked.creds");
        write_private(&file, creds);
        let script = "const [lib, url, file] = process.argv.slice(1);
            require(lib).ask(url, require('fs').readFileSync(file, 'utf8'))
              .then(() => console.log('accepted'), (error) => console.log(error.message));";
        let lib = standins().join("lib/client.js");
        let said = run_well(Command::new("node").args(["-e", script]).arg(lib).arg(self.url()).arg(file), "");
        match said.trim() {
            "accepted" => true,
            "Authorization Violation" => false,
            other => panic!("the server neither takes nor refuses the credentials: {other}"),
        }
    }
}

/// Calls the stand-in for `nsc` and returns what it printed on standard output.
pub(crate) fn nsc(state: &Path, words: &[&str]) -> String {
    run_well(Command::new(standins().join("nsc")).args(words).env("PLATFORM_STANDIN_STATE", state), "")
}

/// Makes a user and returns the text of its `.creds` file.
pub(crate) fn new_user(state: &Path, account: &str, name: &str, subject: &str) -> String {
    let allow = ["--allow-pub", subject, "--allow-sub", subject, "--allow-sub", "_INBOX.>"];
    nsc(state, &[&["add", "user", "-a", account, "-n", name], &allow[..]].concat());
    nsc(state, &["generate", "creds", "-a", account, "-n", name])
}
