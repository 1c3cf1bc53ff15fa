//! A Postgres server with TLS and SCRAM, for one test.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::authority::Authority;
use super::process::{Server, free_port, run, run_well, write_with_mode};
use super::rig::Answer;

const DATABASE: &str = "defaultdb";

/// A running server with the role `doadmin`.
#[derive(Debug)]
pub(crate) struct Postgres {
    _server: Server,
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    /// The folder of its local socket, which lets the superuser `postgres` in without a password.
    pub(crate) socket: PathBuf,
    ca: PathBuf,
}

impl Postgres {
    /// Starts a server below a folder that others may enter, with this password for `doadmin`.
    pub(crate) fn start(folder: &Path, authority: &Authority, password: &str) -> Self {
        Self::start_with(folder, authority, password, &[])
    }

    /// Starts such a server with more settings, each as `name=value`.
    pub(crate) fn start_with(folder: &Path, authority: &Authority, password: &str, settings: &[&str]) -> Self {
        let (data, socket, log) = (folder.join("data"), folder.join("socket"), folder.join("log"));
        fs::create_dir_all(&socket).expect("make the folder of the socket");
        fs::create_dir_all(&data).expect("make the data folder");
        for private in [&data, &socket] {
            fs::set_permissions(private, Permissions::from_mode(0o700)).expect("close the folder");
        }
        let output = File::create(&log).expect("make the log");
        give_to_postgres(&[folder, &data, &socket, &log]);
        let mut init = server_program("initdb");
        init.args([
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
            "--no-instructions",
            "--encoding=UTF8",
            "--locale=C",
        ]);
        run_well(init.arg(&data), "");

        for (from, name) in [(&authority.cert, "server.crt"), (&authority.key, "server.key")] {
            let to = data.join(name);
            write_with_mode(&to, 0o600, &fs::read_to_string(from).expect("read the certificate"));
            give_to_postgres(&[&to]);
        }
        // The socket's folder is closed to others; everybody else comes by TLS, with a password.
        let hba = "local all postgres trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), hba).expect("write pg_hba.conf");

        let port = free_port();
        let mut command = server_program("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(&socket).args(["-p", &port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "ssl=on",
            "password_encryption=scram-sha-256",
            "fsync=off",
            "log_statement=none",
        ]
        .iter()
        .chain(settings)
        {
            command.args(["-c", setting]);
        }
        command.stdout(output.try_clone().expect("share the log")).stderr(output);
        // SIGINT is what PostgreSQL calls a fast shutdown.
        let mut server = Server::start("postgres", &mut command, Signal::INT);
        server.wait_until("ready", &log, || superuser(&socket, port, "select 1").is_ok());
        let postgres = Self { _server: server, port, socket, ca: authority.ca.clone() };
        let literal = password.replace('\'', "''");
        postgres.sql(&format!(
            "create role doadmin superuser login password '{literal}'; create database {DATABASE} owner doadmin"
        ));
        postgres
    }

    /// Runs SQL as the superuser, by the local socket.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let statements = sql.split("; ").fold(String::new(), |text, statement| text + statement + ";\n");
        superuser(&self.socket, self.port, &statements)
            .unwrap_or_else(|error| panic!("the superuser's SQL failed: {error}"))
    }

    /// Asks over a new connection, with a checked certificate, whether `doadmin` may log in with a password.
    pub(crate) fn answer(&self, password: &str) -> Answer {
        let mut psql = Command::new("psql");
        let target = format!(
            "host=127.0.0.1 port={} user=doadmin dbname={DATABASE} sslmode=verify-full sslrootcert={} connect_timeout=10",
            self.port,
            self.ca.display()
        );
        psql.args(["-X", "-At", "-w", "-c", "select 1", &target]).env("PGPASSWORD", password);
        let output = run(&mut psql, "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() && output.stdout == b"1\n" {
            Answer::Accepted
        } else if said.contains("password authentication failed for user \"doadmin\"") {
            Answer::Refused
        } else {
            Answer::Unclear(said)
        }
    }
}

fn superuser(socket: &Path, port: u16, sql: &str) -> Result<String, String> {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-At", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres"]);
    psql.arg("-h").arg(socket).args(["-p", &port.to_string()]);
    let output = run(&mut psql, sql);
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Makes files belong to the user `postgres`, when we are root: the server refuses to run as root.
fn give_to_postgres(paths: &[&Path]) {
    if is_root() {
        run_well(Command::new("chown").arg("postgres:postgres").args(paths), "");
    }
}

/// A program of the newest Postgres of Debian, as a user that it runs as, in the place of the process that is started.
fn server_program(name: &str) -> Command {
    let program = newest_bin().join(name);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// Returns the folder with the programs of the newest Postgres of Debian.
pub(crate) fn newest_bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL of Debian is installed: scripts/setup-tests");
    let newest = versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| Path::new(&format!("/usr/lib/postgresql/{version}/bin/postgres")).exists())
        .max()
        .expect("a version of PostgreSQL is installed: scripts/setup-tests");
    PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin"))
}
