//! The state of the stand-in for doctl: what it knows, what it was asked, what goes wrong with it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::postgres::Postgres;
use super::process::write_private;

/// The id of the Postgres cluster.
pub(crate) const PG_ID: &str = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30";
/// The id of the Valkey cluster.
pub(crate) const VALKEY_ID: &str = "4b5c7d1e-2f60-4f7a-8c39-6a1d0e9b7f52";

/// What goes wrong with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A server error; nothing was done.
    Fail,
    /// No end; nothing was done.
    Hang,
    /// Done, after so many seconds.
    Slow(u32),
    /// Done, but it says that it failed.
    ActThenFail,
    /// Done, but it never ends.
    ActThenHang,
}

/// The folder by which the stand-in is told things.
#[derive(Debug)]
pub(crate) struct Doctl {
    /// The folder, for `DOCTL_STANDIN_STATE`.
    pub(crate) state: PathBuf,
}

impl Doctl {
    /// Writes down what the stand-in knows at first.
    pub(crate) fn make(state: PathBuf, postgres: &Postgres, password: &str) -> Self {
        fs::create_dir_all(&state).expect("make the stand-in's folder");
        let doctl = Self { state };
        let socket = postgres.socket.display().to_string();
        let port = postgres.port.to_string();
        for (name, text) in [
            ("pg_id", PG_ID),
            ("valkey_id", VALKEY_ID),
            ("pg_host", "127.0.0.1"),
            ("pg_port", &port),
            ("pg_socket", &socket),
            ("password", password),
            ("calls", ""),
        ] {
            write_private(&doctl.file(name), text);
        }
        doctl
    }

    /// Returns the password of `doadmin` that is in force.
    pub(crate) fn password(&self) -> String {
        fs::read_to_string(self.file("password")).expect("read the password in force")
    }

    /// Lists the calls so far, each as its words.
    pub(crate) fn calls(&self) -> Vec<String> {
        fs::read_to_string(self.file("calls")).expect("read the calls").lines().map(str::to_owned).collect()
    }

    /// Makes a command go wrong from now on, such as `databases user reset`.
    pub(crate) fn fault(&self, command: &str, fault: Fault) {
        let word = match fault {
            Fault::Fail => "fail".to_owned(),
            Fault::Hang => "hang".to_owned(),
            Fault::Slow(seconds) => format!("slow {seconds}"),
            Fault::ActThenFail => "act-then-fail".to_owned(),
            Fault::ActThenHang => "act-then-hang".to_owned(),
        };
        let mut file = OpenOptions::new().create(true).append(true).open(self.file("fault")).expect("open the faults");
        writeln!(file, "{} {word}", command.replace(' ', "-")).expect("write the fault");
    }

    /// Makes everything go well again.
    pub(crate) fn mend(&self) {
        for name in ["fault", "signed-out", "no-credentials"] {
            let _ = fs::remove_file(self.file(name));
        }
    }

    /// Takes the token away.
    pub(crate) fn sign_out(&self) {
        write_private(&self.file("signed-out"), "");
    }

    /// Takes the right to read passwords away.
    pub(crate) fn hide_credentials(&self) {
        write_private(&self.file("no-credentials"), "");
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(&self.state).join(name)
    }
}
