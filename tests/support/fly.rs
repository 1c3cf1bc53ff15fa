//! The Fly.io procedures in small: an app on two machines behind one address, its database on a real Postgres, and flyctl.
//!
//! What is true is asked of the stand-in's world and of the database, and read from the files, never of the program.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use runsheet::playbook::check;
use runsheet::playbook::plan::Plan;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::authority::Authority;
use super::desk::{Called, Desk};
use super::postgres::{Postgres, newest_bin};
use super::process::{Server, free_port, write_private, write_with_mode};

/// The app's name.
pub(crate) const APP: &str = "duespark-backend";
/// The password of the user that signs in.
pub(crate) const LOGIN: &str = "CANARY-login/+=%$&?' \"";
/// The passphrase of backups.
pub(crate) const PASSPHRASE: &str = "CANARY-passphrase $(x) '\"";
/// What the app's tokens begin with.
pub(crate) const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

const DB_APP: &str = "duespark-db";
const MACHINES: [&str; 2] = ["3d8d7a1b20e089", "4d89e2f1a60d87"];
const SEED: &str = r"create database duespark;
\c duespark
create table users (id serial primary key, email text, password text);
create table clients (id serial primary key, name text);
create table invoices (id serial primary key, client int, cents int, memo text);
create table reminders (id serial primary key, invoice int);
create table alembic_version (version_num text);
insert into alembic_version values ('5f2c8a90b7d1');
insert into users (email, password) select 'user' || n, 'CANARY-other' from generate_series(1, 16) n;
insert into clients (name) select 'client ' || n from generate_series(1, 40) n;
insert into invoices (client, cents, memo) select n % 40, n, E'one\n\\.\ntwo' from generate_series(1, 300) n;
insert into reminders (invoice) select n from generate_series(1, 120) n;
create extension pg_stat_statements;
";

/// A playbook of the family, with the answers to everything in it. `URL` and `WORK` stand for the rig's own.
pub(crate) struct Case {
    /// Its name, without `.yaml`.
    pub(crate) playbook: &'static str,
    /// The answers file.
    pub(crate) answers: &'static str,
}

pub(crate) const SECRET_KEY: Case = Case {
    playbook: "fly-secret-key",
    answers: "
inputs: { environment: staging, base_url: URL, login_password: 'file:login', rotation_log: WORK/rotation.log }
set-key: { confirm: done }
tell-team: done
",
};
pub(crate) const BACKUP: Case = Case {
    playbook: "fly-db-backup",
    answers: "
inputs: { base_url: URL, backup_dir: WORK/backups, passphrase: 'file:passphrase' }
carry-away: done
remove-old: { confirm: done }
",
};
pub(crate) const RESTORE: Case = Case {
    playbook: "fly-db-restore",
    answers: "
inputs: { base_url: URL, backup_file: WORK/backup.dump.gpg, backup_dir: WORK/restore, passphrase: 'file:passphrase', afterwards: drop }
drop-separate: { confirm: done }
",
};
pub(crate) const REPLACE: Case = Case {
    playbook: "fly-db-restore",
    answers: "
inputs: { into: replace, base_url: URL, backup_file: WORK/backup.dump.gpg, backup_dir: WORK/restore, passphrase: 'file:passphrase' }
protected: replace
stop-app: { confirm: done }
",
};
pub(crate) const DEPLOY: Case = Case {
    playbook: "fly-deploy",
    answers: "
inputs: { environment: staging, base_url: URL, source: WORK/source, login_password: 'file:login' }
deploy: { confirm: done }
",
};
pub(crate) const INCIDENT: Case = Case {
    playbook: "fly-incident",
    answers: "
inputs: { severity: P1, symptom: \"sign-ins fail; it's $(odd)\", base_url: URL, incident_dir: WORK/incidents, stable_for: 1 }
tell: done
choose: { mitigation: more-machines }
more-machines: { confirm: done }
cause: { cause_kind: database, root_cause: a lock }
fix: { manual: done, undo: done }
lessons: { resolution: the session was ended, action_items: 'find who locks; an alert' }
tell-end: done
",
};
pub(crate) const PERFORMANCE: Case = Case {
    playbook: "fly-performance",
    answers: "
inputs: { base_url: URL, slow_ms: 0, new_memory: 1024 }
choose: { optimise: memory }
more-memory: { confirm: done }
more-machines: { confirm: done }
vacuum: { confirm: done }
",
};

impl Case {
    /// Returns the path of the playbook.
    pub(crate) fn path(&self) -> String {
        format!("{}/playbooks/{}.yaml", env!("CARGO_MANIFEST_DIR"), self.playbook)
    }

    /// Reads the playbook as the program does.
    pub(crate) fn plan(&self) -> Plan {
        check(&fs::read_to_string(self.path()).expect("read the playbook")).expect("the playbook holds").plan
    }
}

/// The rig. The fields are dropped in this order: the app first, the folder last.
#[derive(Debug)]
pub(crate) struct Fly {
    _app: Server,
    postgres: Postgres,
    port: u16,
    first: Value,
    folder: TempDir,
}

impl Fly {
    /// Starts it: two machines that serve, a database with rows in it.
    pub(crate) fn start() -> Self {
        let folder = TempDir::with_prefix("fly-").expect("make the rig's folder");
        let place = folder.path();
        // The user that PostgreSQL runs as has to reach its own folder.
        fs::set_permissions(place, Permissions::from_mode(0o711)).expect("open the rig's folder");
        let authority = Authority::make(&place.join("certs"));
        let settings = ["shared_preload_libraries=pg_stat_statements"];
        let postgres = Postgres::start_with(&place.join("pg"), &authority, "CANARY-doadmin", &settings);
        let user = LOGIN.replace('\'', "''");
        postgres.sql(&format!("{SEED}insert into users (email, password) values ('test@example.com', '{user}')"));
        let world = world(&postgres);
        let state = place.join("fly");
        fs::create_dir_all(&state).expect("make the stand-in's folder");
        write_private(&state.join("world.json"), &world.to_string());
        write_private(&state.join("calls"), "");
        let bin = place.join("bin");
        fs::create_dir_all(&bin).expect("make the folder of the programs");
        symlink(standins().join("flyctl"), bin.join("flyctl")).expect("link flyctl");
        fs::create_dir_all(place.join("work/source")).expect("make the folder to work in");
        write_with_mode(&place.join("work/source/fly.toml"), 0o644, "app = \"duespark-backend\"\n");

        let (port, log) = (free_port(), place.join("app.log"));
        let output = fs::File::create(&log).expect("make the log");
        let mut app = Command::new(standins().join("app"));
        app.arg(port.to_string()).env("FLYCTL_STANDIN_STATE", &state);
        app.stdout(output.try_clone().expect("share the log")).stderr(output);
        let mut app = Server::start("the app", &mut app, Signal::TERM);
        app.wait_until("ready", &log, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { _app: app, postgres, port, first: world, folder }
    }

    /// Returns the rig's own folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a path in the folder that the playbooks work in.
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        self.folder().join("work").join(name)
    }

    /// Returns a desk of its own, from which the rig is worked on, with the secrets that the answers name.
    pub(crate) fn desk(&self, name: &str) -> Desk {
        let path = format!("{}:{}", self.folder().join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let env = [("PATH", path), ("FLYCTL_STANDIN_STATE", self.state("").display().to_string())];
        let desk = Desk::make(&self.folder().join(name));
        let desk = desk.with_env(env.map(|(name, value)| (name.to_owned(), value)).to_vec());
        desk.keep_secret("login", LOGIN);
        desk.keep_secret("passphrase", PASSPHRASE);
        desk
    }

    /// Writes the answers of a case for this rig, with more after them, and returns the file's path.
    pub(crate) fn answers(&self, desk: &Desk, case: &Case, more: &str) -> String {
        let text = format!("{}{more}", case.answers);
        let text = text.replace("URL", &format!("http://127.0.0.1:{}", self.port));
        desk.answers("answers.yaml", &text.replace("WORK", &self.folder().join("work").display().to_string()))
    }

    /// Says what an unattended run is called with.
    pub(crate) fn words(&self, desk: &Desk, case: &Case) -> Vec<String> {
        let answers = self.answers(desk, case, "");
        ["run", &case.path(), "--unattended", "--answers", &answers].map(str::to_owned).to_vec()
    }

    /// Says what a run with somebody at the screen is called with.
    pub(crate) fn words_for_a_person(&self, case: &Case, inputs: &[&str]) -> Vec<String> {
        let url = format!("base_url=http://127.0.0.1:{}", self.port);
        let inputs = inputs.iter().map(|input| input.replace("WORK", &self.work("").display().to_string()));
        let mut words = vec!["run".to_owned(), case.path()];
        words.extend(inputs.chain([url]).flat_map(|input| ["--input".to_owned(), input]));
        words
    }

    /// Walks a playbook, unattended, with more words.
    pub(crate) fn run(&self, desk: &Desk, case: &Case, more: &[&str]) -> Called {
        let words = self.words(desk, case);
        desk.call(words.iter().map(String::as_str).chain(more.iter().copied()))
    }

    /// Rolls the latest run back, unattended.
    pub(crate) fn rolls_back(&self, desk: &Desk, case: &Case) -> Called {
        let answers = self.answers(desk, case, "");
        desk.call(["rollback", &desk.run_id(), "--unattended", "--answers", &answers])
    }

    /// Makes something go wrong from now on; the stand-in's own words, such as `secrets-set partial`.
    pub(crate) fn fault(&self, fault: &str) {
        write_private(&self.state("faults"), &format!("{fault}\n"));
    }

    /// Makes everything go well again.
    pub(crate) fn mend(&self) {
        write_private(&self.state("faults"), "");
    }

    /// Lists the calls so far, each as its words.
    pub(crate) fn calls(&self) -> Vec<String> {
        fs::read_to_string(self.state("calls")).expect("read the calls").lines().map(str::to_owned).collect()
    }

    /// Returns a file of the stand-in.
    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.folder().join("fly").join(name)
    }

    /// Reads the stand-in's world.
    pub(crate) fn world(&self) -> Value {
        serde_json::from_slice(&fs::read(self.state("world.json")).expect("read the world")).expect("the world is JSON")
    }

    /// Returns what is known of the app.
    pub(crate) fn app(&self) -> Value {
        self.world()["apps"][APP].clone()
    }

    /// Returns the key that the platform holds.
    pub(crate) fn key(&self) -> String {
        self.app()["secrets"]["SECRET_KEY"].as_str().expect("a key").to_owned()
    }

    /// Changes the stand-in's world.
    pub(crate) fn change(&self, how: impl FnOnce(&mut Value)) {
        let mut world = self.world();
        how(&mut world);
        let new = self.state("world.new");
        write_private(&new, &world.to_string());
        fs::rename(new, self.state("world.json")).expect("put the world in its place");
    }

    /// Puts the machines back as they were at first. Databases and files stay as they are.
    pub(crate) fn begin_anew(&self) {
        self.change(|world| *world = self.first.clone());
    }

    /// Runs SQL on the app's database.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.sql_on("duespark", sql)
    }

    fn sql_on(&self, database: &str, sql: &str) -> String {
        self.postgres.sql(&format!("\\c {database}\n{sql}"))
    }

    /// Says all that a rollback must bring back.
    pub(crate) fn truth(&self) -> Truth {
        let apps = self.world()["apps"].clone();
        let part = |app: &str| json!({ "machines": apps[app]["machines"], "secrets": apps[app]["secrets"] });
        let list = "select datname from pg_database where datname like 'duespark%' order by 1";
        let count = |database: &str| {
            let tables =
                ["users", "clients", "invoices", "reminders"].map(|table| format!("(select count(*) from {table})"));
            let counted = self.sql_on(database, &format!("select concat_ws(' ', {})", tables.join(", ")));
            format!("{database}: {}", counted.trim())
        };
        let mut files = BTreeMap::new();
        below(&self.folder().join("work"), &mut files);
        Truth {
            platform: json!([part(APP), part(DB_APP)]),
            databases: self.postgres.sql(list).lines().map(count).collect(),
            files,
        }
    }
}

/// What is true of machines, secrets, databases and files.
#[derive(Debug, PartialEq)]
pub(crate) struct Truth {
    pub(crate) platform: Value,
    /// Each with the numbers of its rows.
    pub(crate) databases: Vec<String>,
    /// Each with its mode and its bytes.
    pub(crate) files: BTreeMap<PathBuf, (u32, Vec<u8>)>,
}

fn below(folder: &Path, found: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("list a folder") {
        let path = entry.expect("an entry").path();
        let mode = fs::metadata(&path).expect("look at a file").mode();
        if path.is_dir() {
            below(&path, found);
            found.insert(path, (mode, Vec::new()));
        } else {
            let bytes = fs::read(&path).expect("read a file");
            found.insert(path, (mode, bytes));
        }
    }
}

fn standins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standins/flyctl")
}

fn world(postgres: &Postgres) -> Value {
    let key = format!("CANARY-first-key/+=%$&?'{}", ulid::Ulid::new());
    let image = |number: u32| format!("registry.fly.io/{APP}:deployment-{number:04}");
    let secrets = json!({ "DATABASE_URL": "CANARY-database-url", "SECRET_KEY": key });
    let machine = |id: &str, image: &str, env: &Value| json!({ "id": id, "name": id, "state": "started", "region": "iad", "memory": 512, "image": image, "env": env });
    let release = |version: u32, image: &str| {
        let made = format!("2026-07-{version:02}T09:00:00Z");
        json!({ "ID": "r", "Version": version, "Status": "complete", "Description": "Release", "ImageRef": image, "CreatedAt": made })
    };
    json!({
        "account": "on-call@example.com",
        "app": APP,
        "made": 0,
        "broken": [],
        "pg": {
            "socket": postgres.socket, "port": postgres.port.to_string(), "bin": newest_bin(), "database": "duespark",
        },
        "apps": {
            APP: {
                "secrets": secrets,
                "machines": MACHINES.map(|id| machine(id, &image(7), &secrets)),
                "releases": [release(7, &image(7)), release(6, &image(6))],
            },
            DB_APP: {
                "secrets": {},
                "machines": [machine("e2865013b1e068", "flyio/postgres-flex:15", &json!({}))],
                "releases": [release(1, "flyio/postgres-flex:15")],
            },
        },
    })
}
