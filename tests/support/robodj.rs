//! An application with a two-slot key in small, for the playbook that rotates it: a folder with `.env` and sealed
//! fields, a docker that really starts what opens them, and the application's own tool.
//!
//! Whether a key is right is found out by having the application open what was sealed, never by asking the program.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use runsheet::playbook::check;
use runsheet::playbook::plan::Plan;
use serde_json::Value;
use tempfile::TempDir;

use super::desk::{Called, Desk};
use super::process::{run, write_private, write_with_mode};

/// The playbook.
pub(crate) const PLAYBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/app-key-rotation.yaml");

/// The answers to everything, forward and back. `ROOT` stands for the rig's own folder.
pub(crate) const ANSWERS: &str = "
inputs: { environment: staging, runtime: docker, app_root: ROOT, resaved: 'yes' }
announce: done
stop-docker: { confirm: done }
shift-keys: { confirm: done }
old-fields: done
first-save: { confirm: done, manual: done }
save-all: { all_saved: 'yes' }
works: done
look-at-config: { restore_config: 'no' }
check-fields: done
what-happened: { what_happened: \"a drill; it's $(odd)\" }
";

/// What is sealed, in the clear.
pub(crate) const FIELDS: &str = r#"{"stream_password": "CANARY-stream", "dj_token": "CANARY-dj"}"#;

/// The rig; what runs is stopped with it.
#[derive(Debug)]
pub(crate) struct Robodj {
    folder: TempDir,
    /// A session from before the rotation.
    session: String,
}

impl Robodj {
    /// Starts it: the application runs, and its fields are sealed with the primary key.
    pub(crate) fn start() -> Self {
        let folder = TempDir::with_prefix("robodj-").expect("make the rig's folder");
        let mut robodj = Self { folder, session: String::new() };
        for name in ["bin", "state", "robodj/config/scripts", "robodj/config/logs"] {
            fs::create_dir_all(robodj.folder().join(name)).expect("make a folder");
        }
        symlink(standins().join("docker"), robodj.folder().join("bin/docker")).expect("link docker");
        symlink(standins().join("startup_safety.py"), robodj.root("config/scripts/startup_safety.py"))
            .expect("link it");
        let key = |slot: &str| format!("CANARY-{slot}-{}", ulid::Ulid::new());
        let (primary, secondary) = (key("primary"), key("secondary"));
        let env = format!(
            "# RoboDJ\nROBODJ_ENV=production\nROBODJ_SECRET_KEY={primary}  # V1\n\nexport ROBODJ_SECRET_V2_KEY='{secondary}'\nROBODJ_HTTP_PORT=8080\n"
        );
        write_with_mode(&robodj.root(".env"), 0o640, &env);
        write_with_mode(&robodj.root("docker-compose.yaml"), 0o644, "services: { robodj: { env_file: .env } }\n");
        write_private(&robodj.root("config/secret.key"), "CANARY-key-file-0123456789");
        write_private(&robodj.root("config/schedules.json"), FIELDS);
        robodj.compose("up");
        assert_eq!(robodj.ask("save"), "saved");
        robodj.session = robodj.ask("sign-in");
        robodj
    }

    /// Returns the rig's own folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a path below the application's root.
    pub(crate) fn root(&self, name: &str) -> PathBuf {
        self.folder().join("robodj").join(name)
    }

    fn env(&self) -> Vec<(String, String)> {
        let path = format!("{}:{}", self.folder().join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let env = [("PATH", path), ("ROBODJ_STANDIN_STATE", self.state("").display().to_string())];
        env.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// Returns a file of the stand-ins.
    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.folder().join("state").join(name)
    }

    /// Returns a desk of its own.
    pub(crate) fn desk(&self, name: &str) -> Desk {
        Desk::make(&self.folder().join(name)).with_env(self.env())
    }

    /// Starts or stops the application as somebody else would; the call is not counted.
    pub(crate) fn compose(&self, what: &str) {
        let calls = fs::read(self.state("calls")).unwrap_or_default();
        let mut docker = Command::new(standins().join("docker"));
        docker.args(["compose", "-f", "docker-compose.yaml", what]).args((what == "up").then_some("-d"));
        let output = run(docker.envs(self.env()).current_dir(self.root("")), "");
        assert!(output.status.success(), "{output:?}");
        fs::write(self.state("calls"), calls).expect("write the calls");
    }

    /// Makes something go wrong from now on, in the stand-ins' own words; none: all goes well again.
    pub(crate) fn fault(&self, fault: &str) {
        write_private(&self.state("faults"), fault);
    }

    /// Lists the calls so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        fs::read_to_string(self.state("calls")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Asks the application something; it may be starting.
    #[track_caller]
    pub(crate) fn ask(&self, line: &str) -> String {
        let until = Instant::now() + Duration::from_mins(1);
        loop {
            let answer = UnixStream::connect(self.root("robodj.sock")).and_then(|mut socket| {
                writeln!(socket, "{line}")?;
                let mut answer = String::new();
                socket.read_to_string(&mut answer).map(|_| answer)
            });
            match answer {
                Ok(answer) if !answer.is_empty() => return answer,
                other => assert!(Instant::now() < until, "the application does not answer: {other:?}"),
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Says whether a session from before the rotation is accepted.
    pub(crate) fn knows_the_session(&self) -> bool {
        self.ask(&format!("session {}", self.session)) == "yes"
    }

    /// Says whether the application runs and opens every sealed field.
    #[track_caller]
    pub(crate) fn opens_all(&self) -> bool {
        let opened: Value = serde_json::from_str(&self.ask("open")).expect("the fields");
        opened == serde_json::from_str::<Value>(FIELDS).expect("the fields")
    }

    /// Returns the two keys in `.env`, primary first.
    pub(crate) fn keys(&self) -> [String; 2] {
        let env = fs::read_to_string(self.root(".env")).expect("read .env");
        let after = |name: &str| {
            let line = env.lines().find_map(|line| line.strip_prefix(name)).expect("the key").trim_matches('\'');
            line.split(' ').next().expect("a value").to_owned()
        };
        [after("ROBODJ_SECRET_KEY="), after("export ROBODJ_SECRET_V2_KEY=")]
    }

    /// Writes the answers for this rig, with changes, and returns the file's path.
    pub(crate) fn answers(&self, desk: &Desk, changes: &[(&str, &str)]) -> String {
        let mut text = ANSWERS.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from} is in the answers");
            text = text.replace(from, to);
        }
        desk.answers("answers.yaml", &text.replace("ROOT", &self.folder().join("robodj").display().to_string()))
    }

    /// Walks a playbook file, unattended, and stops where something fails.
    pub(crate) fn walk(&self, desk: &Desk, file: &str, changes: &[(&str, &str)]) -> Called {
        let answers = self.answers(desk, changes);
        desk.call(["run", file, "--unattended", "--answers", &answers, "--on-failure", "stop"])
    }

    /// Rolls the latest run back, unattended.
    pub(crate) fn rolls_back(&self, desk: &Desk, changes: &[(&str, &str)]) -> Called {
        let answers = self.answers(desk, changes);
        desk.call(["rollback", &desk.run_id(), "--unattended", "--answers", &answers])
    }

    /// Says all that a rollback must bring back, but for what the application says.
    pub(crate) fn truth(&self) -> Truth {
        let file = |name: &str| fs::read(self.root(name)).ok();
        let mode = fs::metadata(self.root(".env")).expect("look at .env").mode();
        Truth {
            env: (mode, fs::read(self.root(".env")).expect("read .env")),
            record: file("config/logs/key_rotations.jsonl"),
            fields: file("config/schedules.json"),
        }
    }
}

/// What is in the files.
#[derive(Debug, PartialEq)]
pub(crate) struct Truth {
    env: (u32, Vec<u8>),
    record: Option<Vec<u8>>,
    fields: Option<Vec<u8>>,
}

impl Truth {
    /// Returns the bytes of the sealed fields.
    pub(crate) fn fields(&self) -> &[u8] {
        self.fields.as_deref().unwrap_or_default()
    }
}

impl Drop for Robodj {
    /// No test leaves the application behind, however it ends.
    fn drop(&mut self) {
        self.fault("");
        let mut docker = Command::new(standins().join("docker"));
        docker.args(["compose", "-f", "docker-compose.yaml", "down"]);
        // Nothing more can be done about a failure here.
        let _ = run(docker.envs(self.env()).current_dir(self.root("")), "");
    }
}

/// Reads the playbook as the program does.
pub(crate) fn plan() -> Plan {
    check(&fs::read_to_string(PLAYBOOK).expect("read the playbook")).expect("the playbook holds").plan
}

fn standins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standins/robodj")
}
