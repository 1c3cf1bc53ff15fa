//! The password of the step-ca provisioner replaced: in the CA, in the cluster, and in a certificate that is issued with it.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::desk::{Called, Desk};
use crate::support::platform::{Platform, Sealed, begin};
use crate::support::process::write_private;
use crate::support::rotation::go_on;

const SEALED: Sealed = Sealed {
    file: "k8s/layers/cloud-infra/overlays/dev/cert-manager/step-provisioner-password.yaml",
    namespace: "cert-manager",
    name: "step-provisioner-password",
    key: "password",
    workload: Some("deployment/step-issuer"),
    check: "step",
};

const OLD: &str = "CANARY-old-password-of-cert-manager";
const ADMIN: &str = "CANARY-password-of-the-administrator";
const KID: &str = "4UELJx8e0aS9m0CH3fZ0EB7D5aUPICb759zALHFejvc";
const ANSWERS: &str = "inputs: { admin_password: 'file:admin' }\nchange-provisioner: done\npromote: done\n";

struct Rig {
    platform: Platform,
}

impl Rig {
    fn start() -> Self {
        let platform = Platform::make();
        let provisioners = json!({ "cert-manager": { "kid": KID, "password": OLD } });
        platform.write("step.json", &json!({ "admin": ADMIN, "provisioners": provisioners }));
        platform.keeps(SEALED, OLD);
        let mut cluster = platform.read("cluster.json");
        cluster["certificates"] = json!({ "cert-manager/rotation-proof": { "ready": true, "revision": 3 } });
        platform.write("cluster.json", &cluster);
        let rig = Self { platform };
        fs::write(rig.issuer_file(), issuer(KID)).expect("write the manifest");
        rig
    }

    fn issuer_file(&self) -> PathBuf {
        self.platform.repo.join("k8s/layers/cloud-infra/overlays/dev/cert-manager/step-issuer.yaml")
    }

    fn desk(&self, name: &str) -> Desk {
        let desk = self.platform.desk(name);
        desk.keep_secret("admin", ADMIN);
        desk
    }

    fn begin(&self, desk: &Desk, more: &[&str]) -> Called {
        let root = self.platform.folder().join("root.crt");
        write_private(&root, "");
        let inputs = vec![
            "environment=dev".to_owned(),
            "provider=ovh".to_owned(),
            format!("repo={}", self.platform.repo.display()),
            "ca_url=https://ca.internal".to_owned(),
            format!("ca_root={}", root.display()),
        ];
        begin(desk, "step-ca-provisioner", &inputs, ANSWERS, more)
    }

    /// Returns the password that the CA knows, and the id of its key.
    fn provisioner(&self) -> (String, String) {
        let known = &self.platform.read("step.json")["provisioners"]["cert-manager"];
        let text = |key: &str| known[key].as_str().expect("a text").to_owned();
        (text("password"), text("kid"))
    }

    /// Holds that the CA, the repository and the cluster agree, and that certificates can be issued.
    #[track_caller]
    fn all_agree(&self, promoted: bool) {
        let (password, kid) = self.provisioner();
        self.platform.all_have(SEALED, &password);
        assert_eq!(fs::read_to_string(self.issuer_file()).expect("read the manifest"), issuer(&kid));
        let cluster = self.platform.read("cluster.json");
        assert_eq!(cluster["certificates"]["cert-manager/rotation-proof"]["ready"], true);
        if promoted {
            assert_eq!(cluster["objects"]["StepClusterIssuer"]["spec"]["provisioner"]["kid"], kid.as_str());
        }
    }
}

fn issuer(kid: &str) -> String {
    format!(
        "apiVersion: certmanager.step.sm/v1beta1\nkind: StepClusterIssuer\nmetadata:\n    name: step-issuer\n    \
         labels:\n        env: dev\nspec:\n    url: https://ca.internal\n    provisioner:\n        name: cert-manager\n        \
         kid: {kid}\n        passwordRef:\n            name: step-provisioner-password\n            key: password\n"
    )
}

#[test]
fn forward() {
    let rig = Rig::start();
    let desk = rig.desk("forward");
    rig.begin(&desk, &[]).ends_with(0);
    let (password, kid) = rig.provisioner();
    assert!(password != OLD && kid != KID && password.len() == 40);
    rig.all_agree(true);
    assert_eq!(rig.platform.read("cluster.json")["certificates"]["cert-manager/rotation-proof"]["revision"], 4);
    rig.platform.leaks_nothing(&desk, &[OLD, ADMIN, &password]);
}

#[test]
fn back_when_something_goes_wrong() {
    let rig = Rig::start();
    let before = rig.platform.file(SEALED);
    for (number, (command, fault, step)) in [
        ("sops-set", "act-then-fail", "seal"),
        ("step-ca-provisioner-update", "fail", "change-provisioner"),
        ("step-ca-provisioner-update", "act-then-fail", "change-provisioner"),
        ("mise-deploy:promote", "act-then-fail", "promote"),
        ("kubectl-rollout-restart", "fail", "restart"),
        ("cmctl-renew", "fail", "issue"),
    ]
    .into_iter()
    .enumerate()
    {
        let desk = rig.desk(&format!("trial-{number}"));
        rig.platform.mend();
        rig.platform.fault(command, fault);
        let called = rig.begin(&desk, &["--on-failure", "stop"]).ends_with(1);
        assert!(called.out.contains(&format!("FAILED {step}")), "{command} {fault}\n{}", called.out);
        rig.platform.mend();
        let called = go_on(&desk, "rollback", "");
        assert_eq!(called.code, Some(4), "{command} {fault}\n{}\n{}", called.out, called.err);
        assert_eq!(rig.provisioner().0, OLD, "the CA has the old password after {command} {fault}");
        assert!(rig.platform.file(SEALED) == before, "the sealed file after {command} {fault}");
        rig.all_agree(step != "seal");
        rig.platform.leaks_nothing(&desk, &[OLD, ADMIN]);
    }
}

/// A wrong password of the administrator is found before anything is changed; and a dry run changes nothing.
#[test]
fn wrong_and_dry() {
    let rig = Rig::start();
    let (before, ca, cluster) =
        (rig.platform.file(SEALED), rig.platform.read("step.json"), rig.platform.read("cluster.json"));
    rig.begin(&rig.desk("dry"), &["--dry-run"]).ends_with(0);
    let desk = rig.desk("wrong");
    desk.keep_secret("admin", "CANARY-another-password");
    let called = rig.begin(&desk, &["--on-failure", "stop"]).ends_with(1);
    assert!(called.out.contains("FAILED admin-may") && called.out.contains("invalid password"), "{}", called.out);
    assert!(rig.platform.file(SEALED) == before);
    assert_eq!((rig.platform.read("step.json"), rig.platform.read("cluster.json")), (ca, cluster));
    rig.platform.leaks_nothing(&desk, &[OLD, "CANARY-another-password"]);
}
