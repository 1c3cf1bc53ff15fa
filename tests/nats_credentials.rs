//! The NATS credentials replaced on a real server: forward, back from each step, and whatever goes wrong on the way.

use crate::support::desk::{Called, Desk};
use crate::support::nats::{Nats, new_user, nsc};
use crate::support::operator::{Asked, Operator};
use crate::support::platform::{Platform, Sealed, begin, plan, playbook};
use crate::support::process::write_private;
use crate::support::rotation::go_on;
use crate::support::terminal::Terminal;
use crate::terminals::{away, ready};

const PLAYBOOK: &str = "nats-credentials";

const SEALED: Sealed = Sealed {
    file: "k8s/layers/platform-infra/overlays/dev/platform/nats-wasmcloud-creds.yaml",
    namespace: "platform",
    name: "nats-wasmcloud-creds",
    key: "user.creds",
    workload: Some("daemonset/wasmcloud-host"),
    check: "nats",
};

/// All that a run asks a person when the new user is made by nsc.
const ANSWERS: &str = "promote: done\nrevoke: done\n";

struct Rig {
    server: Nats,
    platform: Platform,
    old: String,
}

impl Rig {
    fn start() -> Self {
        let platform = Platform::make();
        let server = Nats::with_accounts(&platform.folder().join("nats"), &platform.state, "platform");
        let old = new_user(&platform.state, "platform", "wasmcloud", "test.>");
        let mut cluster = platform.read("cluster.json");
        cluster["nats"] = server.url().into();
        platform.write("cluster.json", &cluster);
        platform.keeps(SEALED, &old);
        Self { server, platform, old }
    }

    fn inputs(&self, source: &str) -> Vec<String> {
        vec![
            "environment=dev".to_owned(),
            "provider=vultr".to_owned(),
            format!("source={source}"),
            format!("repo={}", self.platform.repo.display()),
            format!("nats_url={}", self.server.url()),
            format!("creds_file={}", self.platform.folder().join("new.creds").display()),
            "new_user=wasmcloud-new".to_owned(),
            "workload=daemonset/wasmcloud-host".to_owned(),
        ]
    }

    fn begin(&self, desk: &Desk, source: &str, answers: &str, more: &[&str]) -> Called {
        begin(desk, PLAYBOOK, &self.inputs(source), answers, more)
    }

    fn creds(&self, name: &str) -> String {
        nsc(&self.platform.state, &["generate", "creds", "-a", "platform", "-n", name])
    }

    fn accepts(&self, creds: &str) -> bool {
        self.server.accepts(&self.platform.state, creds)
    }
}

#[test]
fn forward() {
    let rig = Rig::start();
    let desk = rig.platform.desk("forward");
    // Slow is not wrong.
    rig.platform.fault("mise-deploy:promote", "slow 1");
    rig.begin(&desk, "nsc", ANSWERS, &[]).ends_with(0);
    let new = rig.creds("wasmcloud-new");
    rig.platform.all_have(SEALED, &new);
    assert!(rig.accepts(&new) && !rig.accepts(&rig.old));
    rig.platform.leaks_nothing(&desk, &[&rig.old, &new]);
}

/// How many of the troubles show before anything was changed.
const LOOKS: usize = 5;

/// What goes wrong, and in which step that shows.
const TROUBLES: [(&str, &str, &str); 18] = [
    ("sops-filestatus", "fail", "sealed-file"),
    ("kubectl-get", "fail", "cluster-agrees"),
    ("kubectl-auth-can-i", "fail", "rights"),
    ("mise-deploy:preview", "fail", "preview-before"),
    ("nsc-describe-user", "fail", "nsc-knows"),
    ("nsc-add-user", "fail", "make-user"),
    ("nsc-add-user", "act-then-fail", "make-user"),
    ("nsc-add-user", "act-then-hang", "make-user"),
    ("nsc-generate-creds", "fail", "take-credentials"),
    ("sops-set", "fail", "seal"),
    ("sops-set", "act-then-fail", "seal"),
    ("mise-deploy:preview@2", "fail", "preview"),
    ("mise-deploy:promote", "fail", "promote"),
    ("mise-deploy:promote", "act-then-fail", "promote"),
    ("kubectl-rollout-restart", "act-then-fail", "restart"),
    ("kubectl-rollout-status@2", "fail", "restart"),
    ("nsc-revocations-add-user", "fail", "revoke"),
    ("nsc-push", "act-then-fail", "revoke"),
];

/// Lets something go wrong, holds that it is told, and goes all the way back: as it was before, to the last byte of the file.
fn back_from(troubles: std::ops::Range<usize>) {
    let rig = Rig::start();
    let before = rig.platform.file(SEALED);
    for number in troubles {
        let (command, fault, step) = TROUBLES[number];
        let desk = rig.platform.desk(&format!("trial-{number}"));
        let user = format!("wasmcloud-{number}");
        let mut inputs = rig.inputs("nsc");
        inputs.push(format!("new_user={user}"));
        // Calls are counted from here on.
        rig.platform.mend();
        rig.platform.fault(command, fault);
        let called = begin(&desk, PLAYBOOK, &inputs, ANSWERS, &["--on-failure", "stop"]).ends_with(1);
        assert!(called.out.contains(&format!("FAILED {step}")), "{command} {fault}\n{}", called.out);
        rig.platform.mend();
        let made = rig.platform.read("nsc.json")["accounts"]["platform"]["users"][&user].is_object();
        let new = made.then(|| rig.creds(&user));

        let called = go_on(&desk, "rollback", "");
        // Steps that only look have nothing to be undone.
        let wanted = if number < LOOKS { 2 } else { 4 };
        assert_eq!(called.code, Some(wanted), "{command} {fault}\n{}\n{}", called.out, called.err);
        assert!(rig.platform.file(SEALED) == before, "the sealed file after {command} {fault}");
        rig.platform.all_have(SEALED, &rig.old);
        assert!(rig.accepts(&rig.old), "the old user after {command} {fault}");
        if let Some(new) = new {
            assert!(!rig.accepts(&new), "the new user after {command} {fault}");
            rig.platform.leaks_nothing(&desk, &[&rig.old, &new]);
        }
        let users = rig.platform.read("nsc.json");
        assert!(users["accounts"]["platform"]["users"][&user].is_null(), "{user} is forgotten");
    }
}

#[test]
fn back_when_it_goes_wrong_before_the_roll_out() {
    back_from(0..11);
}

#[test]
fn back_when_it_goes_wrong_from_the_roll_out_on() {
    back_from(11..TROUBLES.len());
}

/// Answers for the portal: what a person does there is done by the test beforehand.
const PORTAL: &str = "make-user-in-portal: done\npromote: done\nrevoke-in-portal: done\n";

impl Rig {
    /// Makes a user as the portal does, and puts its credentials where they are looked for.
    fn makes_in_portal(&self, name: &str, subject: &str) -> String {
        let creds = new_user(&self.platform.state, "platform", name, subject);
        self.puts(&creds);
        creds
    }

    fn puts(&self, creds: &str) {
        write_private(&self.platform.folder().join("new.creds"), creds);
    }

    /// Deletes a user as the portal does: for good, and at once.
    fn deletes_in_portal(&self, name: &str) {
        for words in [&["revocations", "add-user"][..], &["push"]] {
            let mut words = words.to_vec();
            words.extend(["-a", "platform"]);
            if words[0] != "push" {
                words.extend(["-n", name]);
            }
            nsc(&self.platform.state, &words);
        }
    }
}

#[test]
fn what_is_brought_from_the_portal_is_proven_before_it_is_sealed() {
    let rig = Rig::start();
    let before = rig.platform.file(SEALED);
    let forbidden = new_user(&rig.platform.state, "platform", "narrow", "other.>");
    let revoked = new_user(&rig.platform.state, "platform", "revoked", "test.>");
    rig.deletes_in_portal("revoked");
    for (number, (creds, told)) in [
        (rig.old.as_str(), "these are the old credentials"),
        ("BEGIN NATS USER JWT\nCANARY-nothing-more", "failed"),
        (forbidden.as_str(), "denied: Permissions Violation for Publish to \"test.subject\""),
        (revoked.as_str(), "denied: Authorization Violation"),
    ]
    .into_iter()
    .enumerate()
    {
        let desk = rig.platform.desk(&format!("wrong-{number}"));
        rig.puts(creds);
        let called = rig.begin(&desk, "portal", PORTAL, &["--on-failure", "stop"]).ends_with(1);
        assert!(called.out.contains("FAILED prove") && called.out.contains(told), "{told}\n{}", called.out);
        go_on(&desk, "rollback", "make-user-in-portal: { undo: done }\n").ends_with(4);
        assert!(rig.platform.file(SEALED) == before);
        assert!(!rig.platform.folder().join("new.creds").exists(), "the file from the portal is removed");
        rig.platform.all_have(SEALED, &rig.old);
        rig.platform.leaks_nothing(&desk, &[creds]);
    }
    assert!(rig.accepts(&rig.old));
}

#[test]
fn a_dry_run_changes_nothing() {
    let rig = Rig::start();
    let (before, cluster, keys) =
        (rig.platform.file(SEALED), rig.platform.read("cluster.json"), rig.platform.read("nsc.json"));
    let desk = rig.platform.desk("dry");
    let calls = rig.platform.calls().lines().count();
    rig.begin(&desk, "nsc", ANSWERS, &["--dry-run"]).ends_with(0);
    assert!(rig.platform.file(SEALED) == before);
    assert_eq!((rig.platform.read("cluster.json"), rig.platform.read("nsc.json")), (cluster, keys));
    let looks = ["filestatus", "decrypt", "get", "auth", "status", "deploy:preview", "describe", "current-context"];
    for call in rig.platform.calls().lines().skip(calls) {
        assert!(looks.iter().any(|word| call.contains(&format!("\"{word}\""))), "{call}");
    }
}

#[test]
fn a_user_that_was_deleted_in_the_portal_is_made_up_for() {
    let rig = Rig::start();
    let desk = rig.platform.desk("portal");
    let new = rig.makes_in_portal("wasmcloud-new", "test.>");
    let called = rig.begin(&desk, "portal", "make-user-in-portal: done\npromote: done\n", &[]).ends_with(7);
    assert!(called.err.contains("revoke-in-portal"), "{}", called.err);
    rig.platform.all_have(SEALED, &new);
    assert!(rig.accepts(&rig.old) && rig.accepts(&new), "both are good until the end");
    rig.deletes_in_portal("wasmcloud");
    // The last criterion does not hold: the run stands at its end, with the old user gone.
    rig.platform.fault("kubectl-rollout-status", "fail");
    let answers = desk.answers("answers.yaml", PORTAL);
    desk.call(["resume", &desk.run_id(), "--unattended", "--answers", &answers, "--on-failure", "stop"]).ends_with(1);
    rig.platform.mend();

    let third = new_user(&rig.platform.state, "platform", "third", "test.>");
    desk.keep_secret("third", &third);
    let back = |creds: &str| {
        format!(
            "make-user-in-portal: {{ undo: done }}\nrevoke-in-portal: {{ undo: {{ old_creds: 'file:{creds}' }} }}\n"
        )
    };
    rig.deletes_in_portal("wasmcloud-new");
    go_on(&desk, "rollback", &back("third")).ends_with(4);
    rig.platform.all_have(SEALED, &third);
    assert!(rig.accepts(&third) && !rig.accepts(&new));
    rig.platform.leaks_nothing(&desk, &[&rig.old, &new, &third]);
}

#[test]
fn a_person_brings_the_credentials_from_the_portal() {
    let rig = Rig::start();
    let desk = rig.platform.desk("person");
    let plan = plan(PLAYBOOK);
    let mut words = vec!["run".to_owned(), playbook(PLAYBOOK)];
    words.extend(rig.inputs("portal").into_iter().flat_map(|input| ["--input".to_owned(), input]));
    let terminal = Terminal::start(&desk, &words, 120, 40);
    let operator = Operator::at(&terminal, &plan);
    terminal.see("inputs: all there");
    terminal.press("\x1b[21~");
    let mut new = None;
    let mut asked = operator.walks("");
    while let Asked::Turn(number) = asked {
        match operator.step(number).id.as_str() {
            "make-user-in-portal" => new = Some(rig.makes_in_portal("wasmcloud-new", "test.>")),
            "revoke-in-portal" => rig.deletes_in_portal("wasmcloud"),
            other => panic!("{other} is asked of a person"),
        }
        terminal.press("\r");
        asked = operator.asked(Some(&asked));
        if asked != Asked::Over {
            asked = operator.walks("");
        }
    }
    assert_eq!(asked, Asked::Over, "{}", terminal.picture());
    terminal.press("q");
    assert_eq!(terminal.ends().code, Some(0));
    let new = new.expect("it was made");
    rig.platform.all_have(SEALED, &new);
    assert!(rig.accepts(&new) && !rig.accepts(&rig.old));
    assert!(!rig.platform.folder().join("new.creds").exists());
    rig.platform.leaks_nothing(&desk, &[&rig.old, &new]);
}

#[test]
fn a_person_seals_them_in_an_editor() {
    const OPEN: &str = "lines in nats-wasmcloud-creds.yaml";
    // What an attempt has drawn stays to be seen when it is over, but not beside this.
    const ATTENDED: &str = "all other keys go to the program";
    let rig = Rig::start();
    let before = rig.platform.file(SEALED);
    let desk = rig.platform.desk("editor");
    let plan = plan(PLAYBOOK);
    let mut words = vec!["run".to_owned(), playbook(PLAYBOOK)];
    let mut inputs = rig.inputs("nsc");
    inputs.push("sealing=editor".to_owned());
    words.extend(inputs.into_iter().flat_map(|input| ["--input".to_owned(), input]));
    let terminal = Terminal::start(&desk, &words, 120, 40);
    let operator = Operator::at(&terminal, &plan);
    terminal.see("inputs: all there");
    terminal.press("\x1b[21~");
    operator.walks("keep-file");
    terminal.press_until("\r", ATTENDED);
    ready(&terminal, OPEN);
    // sops leaves its clear text behind when it is stopped; it goes with the step.
    away(&terminal, "x");
    terminal.see("r run again");
    rig.platform.left_no_copy(1);
    assert!(rig.platform.file(SEALED) == before, "stopped");

    // Whoever leaves without a change is told what the file does not hold.
    terminal.press_until("r", ATTENDED);
    ready(&terminal, OPEN);
    terminal.press("leave\r");
    let picture = terminal.see("r run again");
    assert!(picture.contains("The file holds the new credentials: "), "{picture}");
    assert!(rig.platform.file(SEALED) == before, "left as it was");

    terminal.press_until("r", ATTENDED);
    ready(&terminal, OPEN);
    terminal.press("put user.creds NEW_CREDS\r");
    ready(&terminal, "user.creds has");
    terminal.press("write\r");
    terminal.see("Next: ");
    let new = rig.creds("wasmcloud-new");
    assert!(rig.platform.unsealed(SEALED).as_deref() == Some(new.trim_end()), "the sealed file has another value");
    rig.platform.left_no_copy(3);
    operator.leaves();
    let left = terminal.ends();
    assert_eq!(left.code, Some(130));
    Platform::shows_nothing(&left.raw, &[&rig.old, &new]);
    let transcript = desk.run_folder().join("transcript/seal-in-editor.3.log");
    assert!(std::fs::read_to_string(transcript).expect("the transcript").contains("user.creds has"));

    go_on(&desk, "rollback", "").ends_with(4);
    assert!(rig.platform.file(SEALED) == before);
    rig.platform.all_have(SEALED, &rig.old);
    assert!(rig.accepts(&rig.old) && !rig.accepts(&new));
    rig.platform.leaks_nothing(&desk, &[&rig.old, &new]);
}
