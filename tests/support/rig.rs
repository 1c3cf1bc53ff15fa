//! The whole of the first procedure in small: two databases, the service on them, PM2, doctl and a control panel.
//!
//! What it is told about passwords it finds out by logging in; a refused connection never counts as a refused password.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::aggregator::{APP, Aggregator, Reply};
use super::authority::Authority;
use super::doctl::{Doctl, PG_ID, VALKEY_ID};
use super::postgres::Postgres;
use super::process::{free_port, run_well, write_with_mode};
use super::redis::Redis;

pub(crate) use super::doctl::Fault;

/// What a database says to a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It lets us in.
    Accepted,
    /// It knows that the password is wrong.
    Refused,
    /// It says neither, with what was seen instead.
    Unclear(String),
}

impl Answer {
    fn yes(self) -> bool {
        match self {
            Self::Accepted => true,
            Self::Refused => false,
            Self::Unclear(said) => panic!("the database neither takes nor refuses the password: {said}"),
        }
    }
}

/// What is different from the usual in a rig.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// The service trusts another authority: it works only as long as nobody checks certificates.
    pub(crate) wrong_ca: bool,
    /// Certificates are checked from the beginning.
    pub(crate) tls_checked: bool,
    /// The application's own `.env` has a `REDIS_URL` too.
    pub(crate) redis_in_app_env: bool,
}

/// Everything that the playbook for Postgres and Valkey works on.
///
/// The fields are dropped in this order: the service first, the folder last.
#[derive(Debug)]
pub(crate) struct Rig {
    aggregator: Aggregator,
    doctl: Doctl,
    redis: Redis,
    postgres: Postgres,
    bin: PathBuf,
    ca: PathBuf,
    app_root: PathBuf,
    first_pg_password: String,
    first_redis_password: String,
    folder: TempDir,
}

impl Rig {
    /// Starts it as the procedure finds it: everything well, certificates not checked.
    pub(crate) fn start() -> Self {
        Self::start_with(Options::default())
    }

    /// Starts it with something different.
    pub(crate) fn start_with(options: Options) -> Self {
        let folder = TempDir::with_prefix("rig-").expect("make the rig's folder");
        let place = folder.path().canonicalize().expect("find the rig's folder");
        // The user that PostgreSQL runs as has to reach its own folder.
        fs::set_permissions(&place, Permissions::from_mode(0o711)).expect("open the rig's folder");
        let authority = Authority::make(&place.join("certs"));
        let (pg_password, redis_password) = (new_password(), new_password());
        let postgres = Postgres::start(&place.join("pg"), &authority, &pg_password);
        let redis = Redis::start(&place.join("redis"), &authority, &redis_password);
        let doctl = Doctl::make(place.join("doctl"), &postgres, &pg_password);
        let bin = place.join("bin");
        link_programs(&bin);

        let app_root = place.join("milo-token");
        let port = free_port();
        let trusted = if options.wrong_ca { Authority::make(&place.join("other")).ca } else { authority.ca.clone() };
        let urls = (
            format!("postgres://doadmin:{}@127.0.0.1:{}/defaultdb", in_url(&pg_password), postgres.port),
            format!("rediss://default:{}@127.0.0.1:{}", in_url(&redis_password), redis.port),
        );
        write_files(&app_root, &urls, port, &trusted, options);
        let config = app_root.join("ecosystem.config.js");
        let aggregator = Aggregator::start(&config, place.join("pm2"), &path_with(&bin), port);
        Self {
            aggregator,
            doctl,
            redis,
            postgres,
            bin,
            ca: authority.ca,
            app_root,
            first_pg_password: pg_password,
            first_redis_password: redis_password,
            folder,
        }
    }

    /// Returns the rig's own folder, where a test may put its state folder and more.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the rig's variables with a PATH on which `sleep` takes no time: for tests that walk past the look at PM2 five
    /// seconds later, which is not what they try.
    pub(crate) fn quick_env(&self) -> Vec<(String, String)> {
        let quick = self.folder().join("quick");
        fs::create_dir_all(&quick).expect("make a folder");
        write_with_mode(&quick.join("sleep"), 0o755, "#!/bin/sh\nexit 0\n");
        let path = |path: &str| format!("{}:{path}", quick.display());
        let quickly =
            |(name, value): (String, String)| if name == "PATH" { (name, path(&value)) } else { (name, value) };
        self.env().into_iter().map(quickly).collect()
    }

    /// Returns the folder with the three files.
    pub(crate) fn app_root(&self) -> &Path {
        &self.app_root
    }

    /// Returns the three files that the procedure changes.
    pub(crate) fn files(&self) -> [PathBuf; 3] {
        [".env", "apps/twzrd-aggregator/.env", "ecosystem.config.js"].map(|name| self.app_root.join(name))
    }

    /// Returns the text of a file below [`Rig::app_root`].
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.app_root.join(name)).unwrap_or_else(|error| panic!("read {name}: {error}"))
    }

    /// Returns the password of `doadmin` at the beginning.
    pub(crate) fn first_pg_password(&self) -> &str {
        &self.first_pg_password
    }

    /// Returns the password of Valkey at the beginning.
    pub(crate) fn first_redis_password(&self) -> &str {
        &self.first_redis_password
    }

    /// Returns the stand-in for doctl.
    pub(crate) fn doctl(&self) -> &Doctl {
        &self.doctl
    }

    /// Returns the service.
    pub(crate) fn aggregator(&self) -> &Aggregator {
        &self.aggregator
    }

    /// Returns the variables that a program needs to find the stand-ins.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        [
            ("PATH", path_with(&self.bin)),
            ("PM2_HOME", self.aggregator.pm2_home.display().to_string()),
            ("DOCTL_STANDIN_STATE", self.doctl.state.display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Returns the playbook's inputs, each as `name=value`, for `--input`.
    pub(crate) fn inputs(&self) -> Vec<String> {
        vec![
            "environment=staging".to_owned(),
            format!("pg_id={PG_ID}"),
            "pg_host=127.0.0.1".to_owned(),
            format!("pg_port={}", self.postgres.port),
            "pg_db=defaultdb".to_owned(),
            format!("valkey_id={VALKEY_ID}"),
            "valkey_host=127.0.0.1".to_owned(),
            format!("valkey_port={}", self.redis.port),
            format!("app_root={}", self.app_root.display()),
            format!("ca_cert={}", self.ca.display()),
            format!("valkey_ca={}", self.ca.display()),
            format!("health_url=http://127.0.0.1:{}/health", self.aggregator.port),
            format!("metrics_url=http://127.0.0.1:{}/metrics", self.aggregator.port),
            format!("pm2_app={APP}"),
        ]
    }

    /// Asks Postgres, over a new connection.
    pub(crate) fn pg_accepts(&self, password: &str) -> bool {
        self.postgres.answer(password).yes()
    }

    /// Asks Redis, over a new connection.
    pub(crate) fn redis_accepts(&self, password: &str) -> bool {
        self.redis.answer(password).yes()
    }

    /// Asks the service for its health; panics when nobody answers.
    pub(crate) fn health(&self) -> Reply {
        self.aggregator.get("/health").expect("the aggregator answers")
    }

    /// Does what the button in the control panel does, and returns the new password of Valkey.
    pub(crate) fn press_reset_in_panel(&self, password_in_force: &str) -> String {
        let new = new_password();
        self.redis.reset(password_in_force, &new);
        new
    }

    /// Calls a program with the rig's variables; it must end well.
    pub(crate) fn call(&self, program: &str, words: &[&str]) -> String {
        run_well(self.command(program).args(words), "")
    }

    /// Makes a command that has the rig's variables.
    pub(crate) fn command(&self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.envs(self.env());
        command
    }
}

/// Makes a password as the cloud does, which a test can recognise wherever it turns up.
fn new_password() -> String {
    let random = ulid::Ulid::new().to_string();
    let tail = &random[random.len() - 13..];
    format!("AVNS_CANARY{tail}{SIGNS}")
}

/// Signs that stand otherwise in a URL, in SQL, in JSON, in shell text and in the servers' own configuration.
const SIGNS: &str = "/+@:%$&=?' \"";

/// Writes a password as it stands in a URL.
pub(crate) fn in_url(password: &str) -> String {
    percent_encoding::utf8_percent_encode(password, &UNRESERVED).to_string()
}

/// All but the characters that RFC 3986, section 2.3, calls unreserved.
const UNRESERVED: percent_encoding::AsciiSet =
    percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn path_with(bin: &Path) -> String {
    format!("{}:{}", bin.display(), env::var("PATH").unwrap_or_default())
}

fn standins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standins")
}

fn link_programs(bin: &Path) {
    fs::create_dir_all(bin).expect("make the folder of the programs");
    let pm2 = standins().join("aggregator/node_modules/pm2/bin/pm2");
    assert!(pm2.exists(), "PM2 is not there: scripts/setup-tests installs it");
    symlink(pm2, bin.join("pm2")).expect("link pm2");
    symlink(standins().join("doctl"), bin.join("doctl")).expect("link doctl");
}

fn write_files(app_root: &Path, (pg, redis): &(String, String), port: u16, ca: &Path, options: Options) {
    let app = app_root.join("apps/twzrd-aggregator");
    fs::create_dir_all(&app).expect("make the application's folder");
    let env = format!(
        "# shared settings\nNODE_ENV=production\nDATABASE_URL={pg}\nREDIS_URL={redis}  # BullMQ\nLOG_LEVEL='info'\n"
    );
    write_with_mode(&app_root.join(".env"), 0o600, &env);
    // This one need not have a REDIS_URL: the procedure says "any lines that contain it".
    let more = if options.redis_in_app_env { format!("REDIS_URL='{redis}'\n") } else { String::new() };
    write_with_mode(&app.join(".env"), 0o640, &format!("export DATABASE_URL=\"{pg}\"\nPORT={port}\n{more}"));
    let (script, ca) = (standins().join("aggregator/server.js"), ca.display());
    let tls = if options.tls_checked { "1" } else { "0" };
    let config = format!(
        r#"// Started with: pm2 start ecosystem.config.js
module.exports = {{
  apps: [
    {{
      name: "{APP}",
      script: "{}",
      cwd: __dirname,
      env: {{
        NODE_ENV: "production",
        PORT: "{port}",
        DATABASE_URL: "{pg}",
        REDIS_URL: "{redis}",
        DATABASE_CA: "{ca}",
        NODE_EXTRA_CA_CERTS: "{ca}",
        NODE_TLS_REJECT_UNAUTHORIZED: "{tls}",
      }},
    }},
  ],
}};
"#,
        script.display()
    );
    write_with_mode(&app_root.join("ecosystem.config.js"), 0o640, &config);
}
