//! What the playbooks of gate A work on: a source, a staging server, an application's file, a checklist, backups.
//!
//! What is true is asked of the servers and read from the files, never of the program.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::authority::Authority;
use super::desk::{Called, Desk};
use super::mariadb::Mariadb;
use super::process::write_with_mode;
use crate::reports;

/// How many rows the table `node` has.
pub(crate) const ROWS: u32 = 64_510;
/// The password of `root@%` on the source at the beginning. Its signs stand otherwise in option files, SQL and URLs.
pub(crate) const OLD: &str = "CANARY-old-Xq7'\"\\#%$(x)";
/// The password that is set.
pub(crate) const NEW: &str = "CANARY-new-0123456789abcdef-'\"\\#%$(x)";
/// The password of the application's account.
pub(crate) const APP: &str = "CANARY-app-0123456789abcdef-'\"\\#%$(x)";
/// The password of `root@%` on staging.
pub(crate) const STAGING: &str = "CANARY-staging-'\"\\#%$(x)";

/// The programs that the stand-in stands before.
const PROGRAMS: [&str; 6] = ["mariadb", "mariadb-dump", "openssl", "sha256sum", "gzip", "base64"];

/// All of it.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The server of the schema `heaven`.
    pub(crate) source: Mariadb,
    /// Where a backup is restored.
    pub(crate) staging: Option<Mariadb>,
    trials: std::cell::Cell<usize>,
    place: PathBuf,
    _folder: TempDir,
}

impl Gate {
    /// Starts the source, and the staging server where it is needed.
    pub(crate) fn start(with_staging: bool) -> Self {
        let folder = TempDir::with_prefix("gate-").expect("make the folder");
        let place = folder.path().canonicalize().expect("find the folder");
        let authority = Authority::make(&place.join("certs"));
        let source = Mariadb::start(&place.join("source"), &authority);
        source.sql(&format!(
            "create database heaven; use heaven;
             create table node (nid int primary key, title varchar(99) not null) as
               select seq nid, concat('Heavenletter #', seq) title from seq_1_to_{ROWS};
             create table ks_heavenletter (id varchar(36) primary key, nid int);
             insert into ks_heavenletter values ('a', 1), ('b', 2);
             create table ks_user (id varchar(36) primary key, name text);
             create table ksessions_old (id int primary key);
             create view ks_view as select * from ks_user;
             create trigger touch before insert on ks_user for each row set new.name = trim(new.name);
             create procedure count_nodes() select count(*) from node;
             create event tidy on schedule every 1 day do delete from ks_user where false;"
        ));
        administrator(&source, OLD);
        let staging = with_staging.then(|| Mariadb::start(&place.join("staging"), &authority));
        if let Some(staging) = &staging {
            administrator(staging, STAGING);
        }

        for name in ["bin", "state", "backups"] {
            fs::create_dir(place.join(name)).expect("make a folder");
        }
        let standin = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standins/clients");
        for program in PROGRAMS {
            symlink(&standin, place.join("bin").join(program)).expect("link the stand-in");
        }
        write_with_mode(&place.join("CHECKLIST.md"), 0o644, "# Data safety\n\n- 2025-10-01 begun\n");
        let url = format!("mysql://root:{}@127.0.0.1:{}/heaven", super::rig::in_url(OLD), source.port);
        write_with_mode(&place.join("app.env"), 0o640, &format!("# Keystone\nDATABASE_URL=\"{url}\"\nPORT=3000\n"));
        Self { source, staging, trials: std::cell::Cell::new(0), place, _folder: folder }
    }

    /// Returns a path in the folder of it all.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// Makes a new desk, with the passwords beside its answers.
    pub(crate) fn desk(&self) -> Desk {
        self.trials.set(self.trials.get() + 1);
        let folder = self.path(&format!("trial-{}", self.trials.get()));
        let path = std::env::var("PATH").unwrap_or_default();
        let env = [
            ("PATH", format!("{}:{path}", self.path("bin").display())),
            ("CLIENTS_STATE", self.path("state").display().to_string()),
            // A client must not take its settings from here.
            ("MYSQL_HOST", "nobody.invalid".to_owned()),
        ];
        let desk = Desk::make(&folder).with_env(env.map(|(name, value)| (name.to_owned(), value)).to_vec());
        for (name, secret) in [("old", OLD), ("new", NEW), ("app", APP), ("staging", STAGING)] {
            desk.keep_secret(name, secret);
        }
        // Nor from here.
        let home = desk.home().join("home");
        fs::create_dir_all(&home).expect("make a home");
        write_with_mode(&home.join(".my.cnf"), 0o600, "[client]\nuser=nobody\npassword=nothing\nhost=nobody.invalid\n");
        desk
    }

    /// Says what a playbook is called with: one of ours by its name, or another by its path.
    pub(crate) fn words(&self, playbook: &str, more: &[&str]) -> Vec<String> {
        let path = if playbook.contains('/') {
            playbook.to_owned()
        } else {
            format!("{}/playbooks/{playbook}.yaml", env!("CARGO_MANIFEST_DIR"))
        };
        let playbook = playbook.rsplit('/').next().map_or(playbook, |name| name.trim_end_matches(".yaml"));
        let file = |name: &str| self.path(name).display().to_string();
        let mut inputs = vec![
            "db_host=127.0.0.1".to_owned(),
            format!("db_port={}", self.source.port),
            format!("checklist={}", file("CHECKLIST.md")),
        ];
        match playbook {
            "mysql-password" => inputs.extend(["update_app=yes".to_owned(), format!("app_env={}", file("app.env"))]),
            "mysql-backup" | "mysql-restore-check" | "mysql-gate-a" => {
                inputs.push(format!("backup_dir={}", file("backups")));
            }
            _ => {} // the others have nothing of their own
        }
        if let Some(staging) =
            self.staging.as_ref().filter(|_| matches!(playbook, "mysql-restore-check" | "mysql-gate-a"))
        {
            inputs.extend(["staging_host=127.0.0.1".to_owned(), format!("staging_port={}", staging.port)]);
        }
        let mut words = vec!["run".to_owned(), path];
        let more = more.iter().map(|word| (*word).to_owned());
        for input in inputs.into_iter().chain(more) {
            words.extend(["--input".to_owned(), input]);
        }
        words
    }

    /// Runs a playbook unattended.
    pub(crate) fn run(&self, desk: &Desk, playbook: &str, answers: &str, inputs: &[&str], flags: &[&str]) -> Called {
        let answers = desk.answers("answers.yaml", answers);
        let mut words = self.words(playbook, inputs);
        words.extend(["--unattended", "--answers", &answers].iter().chain(flags).map(|word| (*word).to_owned()));
        desk.call(&words)
    }

    /// Tells the stand-in what goes wrong.
    pub(crate) fn fault(&self, program: &str, number: usize, how: &str) {
        self.mend();
        fs::write(self.path("state/fault"), format!("{program} {number} {how}\n")).expect("tell the fault");
    }

    /// Makes everything go well again, and says whether something went wrong.
    pub(crate) fn mend(&self) -> bool {
        let hit = self.path("state/hit").exists();
        for name in ["fault", "hit", "count"] {
            let _ = fs::remove_file(self.path("state").join(name));
        }
        hit
    }

    /// Returns every call of the programs so far.
    pub(crate) fn calls(&self) -> String {
        fs::read_to_string(self.path("state/calls")).unwrap_or_default()
    }

    /// Tells everything that a rollback must bring back: accounts and rights, schemas, files with their modes.
    pub(crate) fn state(&self) -> String {
        let accounts = "select user, host, json_value(priv, '$.plugin'), json_value(priv, '$.authentication_string'),
              json_value(priv, '$.access') from mysql.global_priv order by 1, 2;
            select user, host, db, table_name, table_priv from mysql.tables_priv order by 1, 2, 3, 4;
            select * from mysql.db order by user, host, db;
            select schema_name from information_schema.schemata order by 1;";
        let mut state = String::new();
        for server in [Some(&self.source), self.staging.as_ref()].into_iter().flatten() {
            state += &server.sql(accounts);
        }
        let backups = fs::read_dir(self.path("backups")).expect("list the backups");
        let backups = backups.map(|entry| entry.expect("an entry").path());
        let mut files: Vec<PathBuf> = backups.chain(["CHECKLIST.md", "app.env"].map(|name| self.path(name))).collect();
        files.sort();
        for file in files {
            let (mode, bytes) =
                (fs::metadata(&file).expect("look at a file").mode(), fs::read(&file).expect("read a file"));
            let text = String::from_utf8(bytes).unwrap_or_else(|error| format!("{} bytes", error.as_bytes().len()));
            writeln!(state, "{} {mode:o}\n{text}", file.display()).expect("write to a string");
        }
        state
    }

    /// Returns the text of the checklist.
    pub(crate) fn checklist(&self) -> String {
        fs::read_to_string(self.path("CHECKLIST.md")).expect("read the checklist")
    }

    /// Lists the files of the backups folder.
    pub(crate) fn backups(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("backups")).expect("list the backups");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Holds that no password stands where none belongs: the words of the programs, what was printed, what the desk keeps,
    /// the checklist, the statements that the servers log.
    #[track_caller]
    pub(crate) fn nothing_leaked(&self, desk: &Desk, called: &Called) {
        let secrets = [OLD, NEW, APP, STAGING].map(|secret| &secret[..14]);
        let mut texts = vec![
            ("calls".to_owned(), self.calls()),
            ("printed".to_owned(), format!("{}{}", called.out, called.err)),
            ("checklist".to_owned(), self.checklist()),
            ("statements".to_owned(), self.source.statements()),
        ];
        texts.extend(self.staging.as_ref().map(|staging| ("statements on staging".to_owned(), staging.statements())));
        for folder in ["state", "config"] {
            read_all(&desk.home().join(folder), &mut texts);
        }
        texts.extend(reports::printed(desk));
        for (place, text) in texts {
            for secret in secrets {
                assert!(!text.contains(secret), "{secret} in {place}");
            }
            // The hash of a password is as good as a part of it. The servers log it; nobody else may.
            let logged = place.starts_with("statements");
            assert!(logged || !hash().is_match(&text), "a hash in {place}");
        }
    }
}

/// What the hash of a password looks like.
fn hash() -> regex::Regex {
    regex::Regex::new(r"\*[0-9A-F]{40}").expect("a pattern")
}

fn read_all(folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(&path, texts);
        } else if let Ok(bytes) = fs::read(&path) {
            texts.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

/// Makes `root@%`, who comes over the network, the only `root` there.
fn administrator(server: &Mariadb, password: &str) {
    let literal = password.replace('\\', "\\\\").replace('\'', "''");
    let names = server.sql("select concat(quote(user), '@', quote(host)) from mysql.user where user in ('root', '') and host <> 'localhost' union select concat(quote(user), '@', quote(host)) from mysql.user where user = ''");
    for name in names.lines() {
        server.sql(&format!("drop user {name}"));
    }
    // The log of statements is of what the playbooks say, not of this.
    server.sql(&format!(
        "set global general_log = 0; create user 'root'@'%' identified by '{literal}';
         grant all on *.* to 'root'@'%' with grant option; set global general_log = 1"
    ));
}
