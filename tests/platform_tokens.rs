//! The tokens of Cloudflare, Restate and `SigNoz` replaced: forward, back when something goes wrong, and what a wrong paste comes to.
//! And the smoke tests, which find every one of them.
//!
//! The three playbooks go the same way, so one table serves them. What the dashboards do is done by the test, in the state of what
//! answers in their place.

use serde_json::{Value, json};

use crate::support::desk::{Called, Desk};
use crate::support::nats::{Nats, new_user, nsc};
use crate::support::platform::{Cloud, Platform, Sealed, begin};
use crate::support::rotation::go_on;
use crate::support::terminal::Terminal;
use crate::terminals::ready;

/// One playbook.
struct Case {
    playbook: &'static str,
    /// The service as the stand-ins know it.
    service: &'static str,
    sealed: &'static [Sealed],
    /// The step that asks for the new value, and the name of the value.
    make: (&'static str, &'static str),
    /// The step that ends the old value, and the name of the old value.
    revoke: (&'static str, &'static str),
    /// The statement that a person confirms at the end, if there is one.
    statement: &'static str,
    inputs: fn(&str) -> Vec<String>,
}

const CLOUDFLARE: Case = Case {
    playbook: "cloudflare-token",
    service: "cloudflare",
    sealed: &[
        Sealed {
            file: "k8s/layers/cloud-infra/overlays/dev/ingress/cloudflare-token-ingress.yaml",
            namespace: "ingress",
            name: "cloudflare-token-ingress",
            key: "api-token",
            workload: Some("deployment/external-dns"),
            check: "cloudflare",
        },
        Sealed {
            file: "k8s/layers/cloud-infra/overlays/dev/cert-manager/cloudflare-token.yaml",
            namespace: "cert-manager",
            name: "cloudflare-token",
            key: "api-token",
            workload: None,
            check: "cloudflare",
        },
    ],
    make: ("make-token", "new_token"),
    revoke: ("revoke", "old_token"),
    statement: "certificates: done\n",
    inputs: |url| vec![format!("api={url}"), "zone=example.com".to_owned()],
};

const SIGNOZ: Case = Case {
    playbook: "signoz-key",
    service: "signoz",
    sealed: &[Sealed {
        file: "k8s/layers/cloud-infra/overlays/dev/observability/signoz-api-key.yaml",
        namespace: "observability",
        name: "signoz-api-key",
        key: "signoz-ingestion-key",
        workload: Some("deployment/otel-collector"),
        check: "signoz",
    }],
    make: ("make-value", "new_value"),
    revoke: ("revoke", "old_value"),
    statement: "telemetry: done\n",
    inputs: |url| vec![format!("ingest={url}")],
};

const RESTATE: Case = Case {
    playbook: "restate-token",
    service: "restate",
    sealed: &[Sealed {
        file: "k8s/layers/platform-infra/overlays/dev/restate-operator/api-token.yaml",
        namespace: "platform",
        name: "restate-api-token",
        key: "token",
        workload: Some("statefulset/restate"),
        check: "restate",
    }],
    make: ("make-value", "new_value"),
    revoke: ("revoke-token", "old_value"),
    statement: "",
    inputs: |url| vec![format!("admin={url}"), format!("tunnel_health={url}/env/tunnel/health")],
};

const OLD: &str = "CANARY-old-5w0rd-of-the-service";
const NEW: &str = "CANARY-new-5w0rd-of-the-service";
const OTHER: &str = "CANARY-other-5w0rd-of-the-service";

struct Rig {
    case: &'static Case,
    platform: Platform,
    cloud: Cloud,
}

impl Rig {
    fn start(case: &'static Case) -> Self {
        let platform = Platform::make();
        let cloud = Cloud::start(&platform);
        for sealed in case.sealed {
            platform.keeps(*sealed, OLD);
        }
        let rig = Self { case, platform, cloud };
        rig.takes(&[OLD]);
        rig
    }

    /// Has the service take these values and no others, as its dashboard does.
    fn takes(&self, values: &[&str]) {
        // Which zones a token may see is no more than whether it is a good one here.
        self.platform.write("cloud.json", &json!({ (self.case.service): values, "zones": values }));
    }

    fn begin(&self, desk: &Desk, answers: &str, more: &[&str]) -> Called {
        let mut inputs = vec!["environment=dev".to_owned(), "provider=ovh".to_owned()];
        inputs.push(format!("repo={}", self.platform.repo.display()));
        inputs.extend((self.case.inputs)(&self.cloud.url()));
        begin(desk, self.case.playbook, &inputs, answers, more)
    }

    /// Answers to all but the end of the old value.
    fn answers(&self) -> String {
        let (step, name) = self.case.make;
        format!("{step}: {{ {name}: 'file:pasted' }}\npromote: done\n{}", self.case.statement)
    }

    fn back(&self) -> String {
        let ((make, _), (revoke, old)) = (self.case.make, self.case.revoke);
        format!("{make}: {{ undo: done }}\n{revoke}: {{ undo: {{ {old}: 'file:other' }} }}\n")
    }

    fn files(&self) -> Vec<Vec<u8>> {
        self.case.sealed.iter().map(|sealed| self.platform.file(*sealed)).collect()
    }

    #[track_caller]
    fn all_have(&self, value: &str) {
        for sealed in self.case.sealed {
            self.platform.all_have(*sealed, value);
        }
    }
}

/// Walks forward; both values are good until the old one is ended, last of all.
fn forward(case: &'static Case) {
    let rig = Rig::start(case);
    let desk = rig.platform.desk("forward");
    desk.keep_secret("pasted", NEW);
    rig.takes(&[OLD, NEW]);
    let called = rig.begin(&desk, &rig.answers(), &[]).ends_with(7);
    let (revoke, _) = rig.case.revoke;
    assert!(called.err.contains(revoke), "{}", called.err);
    rig.all_have(NEW);
    rig.takes(&[NEW]);
    go_on(&desk, "resume", &format!("{}{revoke}: done\n", rig.answers())).ends_with(0);
    rig.all_have(NEW);
    rig.platform.leaks_nothing(&desk, &[OLD, NEW]);
}

/// Lets each step that changes something go wrong, and goes back: the files byte for byte, the cluster and the pods on what is good.
fn back(case: &'static Case) {
    let rig = Rig::start(case);
    let before = rig.files();
    for (number, (command, fault, step)) in [
        ("sops-set", "act-then-fail", "seal"),
        ("mise-deploy:promote", "fail", "promote"),
        ("kubectl-rollout-restart", "act-then-fail", "restart"),
    ]
    .into_iter()
    .enumerate()
    {
        let desk = rig.platform.desk(&format!("trial-{number}"));
        desk.keep_secret("pasted", NEW);
        rig.takes(&[OLD, NEW]);
        rig.platform.mend();
        rig.platform.fault(command, fault);
        let called = rig.begin(&desk, &rig.answers(), &["--on-failure", "stop"]).ends_with(1);
        assert!(called.out.contains(&format!("FAILED {step}")), "{command} {fault}\n{}", called.out);
        rig.platform.mend();
        let (make, _) = rig.case.make;
        go_on(&desk, "rollback", &format!("{make}: {{ undo: done }}\n")).ends_with(4);
        assert!(rig.files() == before, "the sealed files after {command} {fault}");
        rig.all_have(OLD);
        rig.platform.leaks_nothing(&desk, &[OLD, NEW]);
    }
}

/// Goes back once the old value is gone for good: to a third one.
fn back_from_the_end(case: &'static Case) {
    let rig = Rig::start(case);
    let desk = rig.platform.desk("end");
    desk.keep_secret("pasted", NEW);
    desk.keep_secret("other", OTHER);
    rig.takes(&[OLD, NEW]);
    rig.begin(&desk, &rig.answers(), &[]).ends_with(7);
    // The old value is ended, and so is the new one: what was done is told as failed.
    rig.takes(&[]);
    let (revoke, _) = rig.case.revoke;
    let answers = desk.answers("answers.yaml", &format!("{}{revoke}: done\n", rig.answers()));
    let words = ["resume", &desk.run_id(), "--unattended", "--answers", &answers, "--on-failure", "stop"];
    let called = desk.call(words).ends_with(1);
    assert!(called.out.contains(&format!("FAILED {revoke}")), "{}", called.out);
    rig.takes(&[OTHER]);
    go_on(&desk, "rollback", &rig.back()).ends_with(4);
    rig.all_have(OTHER);
    rig.platform.leaks_nothing(&desk, &[OLD, NEW, OTHER]);
}

/// Pastes what the service does not take, and what is the old value; and walks dry. Nothing is changed by either.
fn wrong_and_dry(case: &'static Case) {
    let rig = Rig::start(case);
    let before: (Vec<Vec<u8>>, Value) = (rig.files(), rig.platform.read("cluster.json"));
    let desk = rig.platform.desk("dry");
    desk.keep_secret("pasted", NEW);
    rig.begin(&desk, &rig.answers(), &["--dry-run"]).ends_with(0);
    assert!((rig.files(), rig.platform.read("cluster.json")) == before, "dry");
    let desk = rig.platform.desk("wrong");
    desk.keep_secret("pasted", OTHER);
    let called = rig.begin(&desk, &rig.answers(), &["--on-failure", "stop"]).ends_with(1);
    assert!(called.out.contains("denied: HTTP 401"), "{}", called.out);
    let (make, _) = rig.case.make;
    go_on(&desk, "rollback", &format!("{make}: {{ undo: done }}\n")).ends_with(4);
    assert!((rig.files(), rig.platform.read("cluster.json")) == before, "wrong");
    rig.platform.leaks_nothing(&desk, &[OLD, OTHER]);
    let desk = rig.platform.desk("same");
    desk.keep_secret("pasted", OLD);
    let called = rig.begin(&desk, &rig.answers(), &["--on-failure", "stop"]);
    assert!(called.code != Some(0), "the old value is no new one\n{}", called.out);
    assert!((rig.files(), rig.platform.read("cluster.json")) == before, "same");
}

/// Returns the last line that a program has drawn above the last row.
fn last(picture: &str) -> &str {
    picture.lines().rev().skip(1).map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Goes on from where nobody can go on unattended: a person edits both files in sops. Then all the way back.
fn in_an_editor(case: &'static Case) {
    let rig = Rig::start(case);
    let before = rig.files();
    let desk = rig.platform.desk("editor");
    desk.keep_secret("pasted", NEW);
    rig.takes(&[OLD, NEW]);
    let called = rig.begin(&desk, &rig.answers(), &["--input", "sealing=editor"]).ends_with(7);
    assert!(called.err.contains("seal-in-editor needs a person"), "{}", called.err);
    let terminal = Terminal::start(&desk, &["resume".to_owned()], 80, 24);
    terminal.until("the step", |picture| picture.contains("Next: ") && picture.contains("Enter start"));
    terminal.press_until("\r", "all other keys go to the program");
    for sealed in rig.case.sealed {
        let file = sealed.file.rsplit('/').next().expect("a file has a name");
        ready(&terminal, &format!("lines in {file}"));
        terminal.press(&format!("type {}\r", sealed.key));
        terminal.until("its question", |picture| last(picture) == format!("{}:", sealed.key));
        terminal.paste(NEW);
        terminal.until("its answer", |picture| last(picture) == format!("{}: [secret]", sealed.key));
        terminal.press("\r");
        ready(&terminal, &format!("{} was typed", sealed.key));
        terminal.press("write\r");
    }
    terminal.until("the next step", |picture| picture.contains("Next: ") && picture.contains("Enter start"));
    terminal.press("q");
    terminal.see("y leave");
    terminal.press("y");
    let left = terminal.ends();
    assert_eq!(left.code, Some(130));
    Platform::shows_nothing(&left.raw, &[OLD, NEW]);
    rig.platform.left_no_copy(rig.case.sealed.len());
    // What is left is the end of the old token.
    go_on(&desk, "resume", &rig.answers()).ends_with(7);
    rig.all_have(NEW);
    let (make, _) = rig.case.make;
    go_on(&desk, "rollback", &format!("{make}: {{ undo: done }}\n")).ends_with(4);
    assert!(rig.files() == before, "the sealed files");
    rig.all_have(OLD);
    rig.platform.leaks_nothing(&desk, &[OLD, NEW]);
}

#[test]
fn cloudflare_in_an_editor() {
    in_an_editor(&CLOUDFLARE);
}

#[test]
fn cloudflare() {
    forward(&CLOUDFLARE);
    back(&CLOUDFLARE);
    back_from_the_end(&CLOUDFLARE);
    wrong_and_dry(&CLOUDFLARE);
}

#[test]
fn signoz() {
    forward(&SIGNOZ);
    back(&SIGNOZ);
    back_from_the_end(&SIGNOZ);
    wrong_and_dry(&SIGNOZ);
}

#[test]
fn restate() {
    forward(&RESTATE);
    back(&RESTATE);
    back_from_the_end(&RESTATE);
    wrong_and_dry(&RESTATE);
}

/// Where the value of a smoke test is sealed.
const fn sealed(file: &'static str, name: &'static str, key: &'static str) -> Sealed {
    Sealed { file, namespace: "platform", name, key, workload: None, check: "" }
}

const WASMCLOUD: Sealed =
    sealed("k8s/layers/platform-infra/overlays/dev/platform/nats-wasmcloud-creds.yaml", "w", "user.creds");
const TUNNEL: Sealed =
    sealed("k8s/layers/platform-infra/overlays/dev/platform/nats-restate-creds.yaml", "r", "user.creds");

/// What `|| echo` hid is told: each credential that is refused is one criterion that does not hold, and no other.
#[test]
fn smoke_tests() {
    let platform = Platform::make();
    let cloud = Cloud::start(&platform);
    let server = Nats::with_accounts(&platform.folder().join("nats"), &platform.state, "platform");
    for (sealed, name) in [(WASMCLOUD, "wasmcloud"), (TUNNEL, "restate")] {
        platform.keeps(sealed, &new_user(&platform.state, "platform", name, "test.>"));
    }
    for sealed in CLOUDFLARE.sealed.iter().chain(SIGNOZ.sealed) {
        platform.keeps(*sealed, OLD);
    }
    let good = json!({ "cloudflare": [OLD], "signoz": [OLD], "zones": [OLD] });
    let mut inputs = vec!["environment=dev".to_owned(), format!("repo={}", platform.repo.display())];
    inputs.extend([format!("nats_url={}", server.url()), format!("tunnel_health={}/e/t/health", cloud.url())]);
    inputs.extend([format!("cloudflare_api={}", cloud.url()), format!("signoz_ingest={}", cloud.url())]);
    let state = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut state = good.clone();
        change(&mut state);
        platform.write("cloud.json", &state);
        let desk = platform.desk(name);
        let called = begin(&desk, "smoke-tests", &inputs, "", &["--on-failure", "stop"]);
        platform.leaks_nothing(&desk, &[OLD]);
        called
    };
    state("good", &|_| {}).ends_with(0);
    let called = state("unhealthy", &|state| state["unhealthy"] = true.into()).ends_with(1);
    assert!(called.out.contains("FAILED restate-tunnel"), "{}", called.out);
    let called = state("cloudflare", &|state| state["cloudflare"] = json!([])).ends_with(1);
    assert!(called.out.contains("FAILED cloudflare-ingress") && called.out.contains("401"), "{}", called.out);
    let called = state("signoz", &|state| state["signoz"] = json!([])).ends_with(1);
    assert!(called.out.contains("FAILED signoz-ingestion"), "{}", called.out);
    nsc(&platform.state, &["revocations", "add-user", "-a", "platform", "-n", "restate"]);
    nsc(&platform.state, &["push", "-a", "platform"]);
    let called = state("nats", &|_| {}).ends_with(1);
    assert!(
        called.out.contains("FAILED nats-restate") && called.out.contains("Authorization Violation"),
        "{}",
        called.out
    );
    drop(server);
    let called = state("gone", &|_| {}).ends_with(1);
    assert!(called.out.contains("FAILED nats-wasmcloud") && called.out.contains("nothing listens"), "{}", called.out);
}
