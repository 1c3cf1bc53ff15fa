//! A MariaDB server with TLS, for one test.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use super::authority::Authority;
use super::process::{Server, free_port, run, run_well};
use super::rig::Answer;

/// A running server. Its superuser `root@localhost` comes in without a password, by a socket in a closed folder.
#[derive(Debug)]
pub(crate) struct Mariadb {
    _server: Server,
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    /// Its local socket.
    pub(crate) socket: PathBuf,
    /// Every statement, with who said it.
    log: PathBuf,
}

impl Mariadb {
    /// Starts a server in a folder. Its general log keeps every statement.
    pub(crate) fn start(folder: &Path, authority: &Authority) -> Self {
        let data = folder.join("data");
        let passing = folder.join("tmp");
        for private in [folder, &data, &passing] {
            fs::create_dir_all(private).expect("make a folder of the server");
            fs::set_permissions(private, Permissions::from_mode(0o700)).expect("close the folder");
        }
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        run_well(settings(&mut install, &data, &passing), "");

        let (port, socket, output) = (free_port(), folder.join("socket"), folder.join("output"));
        let log = folder.join("general.log");
        let mut command = Command::new("/usr/sbin/mariadbd");
        command.arg("--no-defaults");
        settings(&mut command, &data, &passing);
        command.args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--general-log"]);
        command.arg(format!("--port={port}"));
        for (option, path) in [
            ("socket", &socket),
            ("general-log-file", &log),
            ("pid-file", &folder.join("pid")),
            ("ssl-ca", &authority.ca),
            ("ssl-cert", &authority.cert),
            ("ssl-key", &authority.key),
        ] {
            command.arg(format!("--{option}={}", path.display()));
        }
        let shared = File::create(&output).expect("make the log");
        command.stdout(shared.try_clone().expect("share the log")).stderr(shared);
        let mut server = Server::start("mariadbd", &mut command, Signal::TERM);
        server.wait_until("ready", &output, || root(&socket, "select 1").is_ok());
        Self { _server: server, port, socket, log }
    }

    /// Runs SQL as the superuser, and returns the rows, their columns apart by tabs.
    #[track_caller]
    pub(crate) fn sql(&self, sql: &str) -> String {
        root(&self.socket, sql).unwrap_or_else(|error| panic!("the superuser's SQL failed: {error}"))
    }

    /// Asks over a new connection whether a user may log in with a password.
    pub(crate) fn answer(&self, user: &str, password: &str) -> Answer {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "--host=127.0.0.1", "--skip-column-names", "--batch"]);
        client.args([format!("--port={}", self.port), format!("--user={user}")]);
        let output = run(client.args(["--execute", "select 1"]).env("MYSQL_PWD", password), "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() && output.stdout == b"1\n" {
            Answer::Accepted
        } else if said.starts_with("ERROR 1045 (28000): Access denied for user") {
            Answer::Refused
        } else {
            Answer::Unclear(said)
        }
    }

    /// Returns every statement so far, as the server logs them.
    pub(crate) fn statements(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("read the general log")).into_owned()
    }
}

/// Small, quick, and safe against nothing: what a test needs. Synchronising is off. Two servers in one folder for what
/// passes would remove each other's files.
fn settings<'a>(command: &'a mut Command, data: &Path, passing: &Path) -> &'a mut Command {
    if rustix::process::geteuid().is_root() {
        command.arg("--user=root");
    }
    command.arg(format!("--datadir={}", data.display())).arg(format!("--tmpdir={}", passing.display()));
    command.args(["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M", "--key-buffer-size=1M"]);
    command.args(["--debug-no-sync", "--innodb-flush-method=nosync"])
}

fn root(socket: &Path, sql: &str) -> Result<String, String> {
    let mut client = Command::new("mariadb");
    client.args(["--no-defaults", "--skip-column-names", "--batch", "--user=root"]);
    client.arg(format!("--socket={}", socket.display()));
    let output = run(&mut client, sql);
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
