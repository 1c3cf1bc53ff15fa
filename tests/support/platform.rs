//! The platform of the second procedure in small: its repository with sealed Secrets, a stand-in cluster, and the programs that act on it.
//!
//! NATS is real, and so is what seals the files (age); sops, mise, kubectl and nsc are stand-ins that act on them. What is
//! true is asked of the server, read from the files and from the stand-in cluster, never from the program under test.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runsheet::playbook::check;
use runsheet::playbook::plan::Plan;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::desk::{Called, Desk};
use super::nats::standins;
use super::process::{Server, run, run_well, write_private};
use crate::reports;

/// A Secret of the platform: where it is sealed, and who uses it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    /// The file, below the repository.
    pub(crate) file: &'static str,
    /// The namespace that it is in.
    pub(crate) namespace: &'static str,
    /// Its name there.
    pub(crate) name: &'static str,
    /// Its key.
    pub(crate) key: &'static str,
    /// The workload that is started on it, if there is one.
    pub(crate) workload: Option<&'static str>,
    /// The service that the workload needs.
    pub(crate) check: &'static str,
}

/// Everything that the playbooks of the platform work on, but the services themselves.
#[derive(Debug)]
pub(crate) struct Platform {
    folder: PathBuf,
    /// The folder of the stand-ins.
    pub(crate) state: PathBuf,
    /// The repository.
    pub(crate) repo: PathBuf,
    _own: TempDir,
}

impl Platform {
    /// Makes an empty platform.
    pub(crate) fn make() -> Self {
        let own = TempDir::with_prefix("platform-").expect("make the platform's folder");
        let folder = own.path().canonicalize().expect("find the platform's folder");
        let (state, repo) = (folder.join("state"), folder.join("repo"));
        for place in [&state, &repo.join("k8s/layers")] {
            fs::create_dir_all(place).expect("make a folder");
        }
        let key = run_well(&mut Command::new("age-keygen"), "");
        let recipient = key.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("age-keygen names it");
        write_private(&state.join("age.key"), &key);
        let rules = format!("creation_rules:\n  - path_regex: \\.yaml$\n    age: {recipient}\n");
        write_private(&repo.join(".sops.yaml"), &rules);
        let platform = Self { folder, state, repo, _own: own };
        platform.write("cluster.json", &json!({ "context": "test", "secrets": {}, "workloads": {} }));
        platform.write("cloud.json", &json!({}));
        write_private(&platform.state.join("calls"), "");
        symlink(standins().join("line-editor"), platform.state.join("vim")).expect("name the editor");
        platform
    }

    /// Returns the platform's own folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Seals a value in the repository, has the cluster hold it, and starts two pods on it.
    pub(crate) fn keeps(&self, sealed: Sealed, value: &str) {
        let file = self.repo.join(sealed.file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("make a folder");
        let clear = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n    name: {}\n    namespace: {}\n    labels:\n        env: dev\n\
             type: Opaque\nstringData:\n    {}: {}\n",
            sealed.name,
            sealed.namespace,
            sealed.key,
            Value::from(value)
        );
        fs::write(&file, clear).expect("write a Secret");
        self.call("sops", &["encrypt", "-i", &file.display().to_string()]);
        let mut cluster = self.read("cluster.json");
        let data = STANDARD.encode(value);
        let at = format!("{}/{}", sealed.namespace, sealed.name);
        cluster["secrets"][&at]["data"][sealed.key] = Value::from(data);
        let pod = |at: usize| json!({ "name": format!("pod-{at}"), "value": value, "ready": true, "startedAt": "2026-01-01T00:00:00Z" });
        if let Some(workload) = sealed.workload {
            cluster["workloads"][format!("{}/{workload}", sealed.namespace)] = json!({
                "secret": at, "key": sealed.key, "check": sealed.check, "pods": [pod(0), pod(1)],
            });
        }
        self.write("cluster.json", &cluster);
    }

    /// Reads a file of the stand-ins' state.
    pub(crate) fn read(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.state.join(name)).expect("read the state")).expect("JSON")
    }

    /// Writes a file of the stand-ins' state.
    pub(crate) fn write(&self, name: &str, value: &Value) {
        write_private(&self.state.join(name), &value.to_string());
    }

    /// Lists the variables that a program needs to find the stand-ins.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let path = format!("{}:{}", standins().display(), env::var("PATH").unwrap_or_default());
        let state = self.state.display().to_string();
        let key = self.state.join("age.key").display().to_string();
        let editor = self.state.join("vim").display().to_string();
        let env = [("PATH", path), ("PLATFORM_STANDIN_STATE", state), ("SOPS_AGE_KEY_FILE", key), ("EDITOR", editor)];
        env.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// Makes a desk beside it, with a home of this name.
    pub(crate) fn desk(&self, name: &str) -> Desk {
        Desk::make(&self.folder.join(name)).with_env(self.env())
    }

    /// Calls a program of the platform; it must end well.
    pub(crate) fn call(&self, program: &str, words: &[&str]) -> String {
        run_well(Command::new(standins().join(program)).args(words).envs(self.env()), "")
    }

    /// Returns the clear text of a sealed value; nothing when the file cannot be opened.
    pub(crate) fn unsealed(&self, sealed: Sealed) -> Option<String> {
        let file = self.repo.join(sealed.file).display().to_string();
        let mut sops = Command::new(standins().join("sops"));
        sops.args(["decrypt", "--extract", &format!("[\"stringData\"][\"{}\"]", sealed.key), &file]).envs(self.env());
        let output = run(&mut sops, "");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Returns the sealed file, byte for byte.
    pub(crate) fn file(&self, sealed: Sealed) -> Vec<u8> {
        fs::read(self.repo.join(sealed.file)).expect("read a sealed file")
    }

    /// Returns what the cluster holds, and what each pod was started on with whether it is ready.
    pub(crate) fn cluster(&self, sealed: Sealed) -> (String, Vec<(String, bool)>) {
        let cluster = self.read("cluster.json");
        let data = &cluster["secrets"][format!("{}/{}", sealed.namespace, sealed.name)]["data"][sealed.key];
        let value = STANDARD.decode(data.as_str().unwrap_or_default()).expect("base 64");
        let workload = format!("{}/{}", sealed.namespace, sealed.workload.unwrap_or_default());
        let pods = cluster["workloads"][workload]["pods"].as_array().cloned();
        let text = |value: &Value| value.as_str().unwrap_or_default().trim_end().to_owned();
        let pods = pods.unwrap_or_default().iter().map(|pod| (text(&pod["value"]), pod["ready"] == true)).collect();
        (String::from_utf8_lossy(&value).trim_end().to_owned(), pods)
    }

    /// Holds that the file, the cluster and the pods have one value, and that the pods are ready on it.
    #[track_caller]
    pub(crate) fn all_have(&self, sealed: Sealed, value: &str) {
        let value = value.trim_end();
        assert!(self.unsealed(sealed).as_deref() == Some(value), "the sealed file has another value");
        let (held, pods) = self.cluster(sealed);
        assert!(held == value, "the cluster has another value");
        assert!(
            pods.is_empty() == sealed.workload.is_none() && pods.iter().all(|(on, ready)| on == value && *ready),
            "the pods: {pods:?}"
        );
    }

    /// Makes a command of a stand-in go wrong, as in `nsc-push` and `act-then-fail`; `nsc-push@2` from its second call on.
    pub(crate) fn fault(&self, command: &str, fault: &str) {
        let path = self.state.join("fault");
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("open the faults");
        writeln!(file, "{command} {fault}").expect("write the fault");
    }

    /// Makes everything go well again.
    pub(crate) fn mend(&self) {
        for entry in fs::read_dir(&self.state).expect("list the state").flatten() {
            let name = entry.file_name();
            if name == "fault" || name.to_string_lossy().starts_with("counts-") {
                fs::remove_file(entry.path()).expect("remove a fault");
            }
        }
    }

    /// Returns every call so far, a line each.
    pub(crate) fn calls(&self) -> String {
        fs::read_to_string(self.state.join("calls")).expect("read the calls")
    }

    /// Holds that sops gave its editor a copy in clear text so many times, each in a folder of a step in memory that is gone.
    #[track_caller]
    pub(crate) fn left_no_copy(&self, times: usize) {
        let calls = self.calls();
        let copies: Vec<Vec<String>> = calls
            .lines()
            .filter_map(|call| call.strip_prefix("line-editor "))
            .map(|words| serde_json::from_str(words).expect("JSON"))
            .collect();
        assert_eq!(copies.len(), times, "{copies:?}");
        for copy in copies {
            let (copy, options) = copy.split_last().expect("an editor gets a file");
            assert_eq!(options, ["-n", "-i", "NONE"], "vim keeps nothing of what it was shown");
            let folder = Path::new(copy).ancestors().find(|place| {
                place.file_name().is_some_and(|name| name.to_string_lossy().starts_with("runsheet-env-"))
            });
            assert!(folder.is_some_and(|folder| !folder.exists()), "{copy}");
        }
    }

    /// Holds that none of these secrets is on a screen, and in nothing that it was sent.
    #[track_caller]
    pub(crate) fn shows_nothing(raw: &[u8], secrets: &[&str]) {
        let text = String::from_utf8_lossy(raw);
        for line in secrets.iter().flat_map(|secret| secret.lines()).filter(|line| is_secret(line)) {
            // A long line stands on several rows.
            for part in line.as_bytes().chunks(32).filter(|part| part.len() >= 16) {
                assert!(!text.contains(&*String::from_utf8_lossy(part)), "a secret is shown");
            }
        }
    }

    /// Holds that none of these secrets stands in a call, nor in what a desk's program left but the sealed parts.
    #[track_caller]
    pub(crate) fn leaks_nothing(&self, desk: &Desk, secrets: &[&str]) {
        let parts: Vec<&str> =
            secrets.iter().flat_map(|secret| secret.lines()).filter(|line| is_secret(line)).collect();
        assert!(!parts.is_empty(), "there is something to look for");
        let mut places = vec![(self.state.join("calls"), self.calls().into_bytes())];
        look(&desk.home().join("state"), &mut places);
        places.extend(reports::printed(desk).into_iter().map(|(what, text)| (what.into(), text.into_bytes())));
        for (place, bytes) in places {
            let text = String::from_utf8_lossy(&bytes);
            let found = parts.iter().any(|part| text.contains(part) || text.contains(&STANDARD.encode(part)));
            assert!(!found, "a secret stands in {}", place.display());
        }
    }
}

/// Says whether a line of a credential is secret: not its frame, nor the words around it.
fn is_secret(line: &str) -> bool {
    line.len() >= 16 && !line.contains(' ') && !line.starts_with("---") && !line.starts_with("***")
}

fn look(folder: &Path, places: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            look(&path, places);
        } else if let Ok(bytes) = fs::read(&path) {
            places.push((path, bytes));
        }
    }
}

/// What answers as Cloudflare, Restate Cloud and `SigNoz` do.
#[derive(Debug)]
pub(crate) struct Cloud {
    _server: Server,
    port: u16,
}

impl Cloud {
    /// Starts it beside a platform.
    pub(crate) fn start(platform: &Platform) -> Self {
        let log = platform.folder().join("cloud.log");
        let output = File::create(&log).expect("make the log");
        let mut command = Command::new(standins().join("cloud.js"));
        command.envs(platform.env()).stdout(output.try_clone().expect("share the log")).stderr(output);
        let mut server = Server::start("cloud.js", &mut command, Signal::TERM);
        let port = || fs::read_to_string(&log).ok()?.trim().parse::<u16>().ok();
        server.wait_until("ready", &log, || port().is_some());
        Self { _server: server, port: port().expect("its port") }
    }

    /// Returns its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Calls a playbook of this name, unattended, with inputs and the text of an answers file, and more words.
pub(crate) fn begin(desk: &Desk, playbook: &str, inputs: &[String], answers: &str, more: &[&str]) -> Called {
    let answers = desk.answers("answers.yaml", answers);
    let mut words = vec!["run".to_owned(), self::playbook(playbook)];
    words.extend(inputs.iter().flat_map(|input| ["--input".to_owned(), input.clone()]));
    words.extend(["--unattended", "--answers", &answers].iter().chain(more).map(|word| (*word).to_owned()));
    desk.call(words)
}

/// Returns the path of a playbook.
pub(crate) fn playbook(name: &str) -> String {
    format!("{}/playbooks/{name}.yaml", env!("CARGO_MANIFEST_DIR"))
}

/// Reads a playbook as the program does.
pub(crate) fn plan(name: &str) -> Plan {
    check(&fs::read_to_string(playbook(name)).expect("read the playbook")).expect("the playbook holds").plan
}
