//! Tests with keys that `ssh-keygen` makes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::*;

struct Ring {
    folder: TempDir,
}

impl Ring {
    fn make() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "a test makes keys")]
    fn key(&self, name: &str) -> KeyFile {
        let path = self.path(name);
        let mut made = Command::new("ssh-keygen");
        made.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&path);
        assert!(made.status().unwrap().success());
        KeyFile::at(path)
    }

    fn public(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()
    }

    fn list(&self, name: &str, lines: &[String]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, lines.concat()).unwrap();
        path
    }
}

fn statement(name: &str) -> Statement {
    Statement {
        run: "01J".into(),
        step: None,
        role: "reviewer".into(),
        name: name.into(),
        decision: Decision::Signed,
        reason: None,
        head: "0".repeat(64),
        playbook_sha256: "1".repeat(64),
    }
}

#[test]
fn a_signature_is_good_for_one_statement_by_one_person_only() {
    let ring = Ring::make();
    let (bo, _) = (ring.key("bo"), ring.key("cy"));
    let signers = ring.list(
        "allowed",
        &[format!("bo@example.org,bo {}", ring.public("bo")), format!("cy@example.org {}", ring.public("cy"))],
    );
    let allowed = Allowed { signers: Some(signers.clone()), ..Allowed::default() };
    assert_eq!(listed(&bo, &signers).as_deref(), Some("bo@example.org"));
    let said = statement("bo@example.org");
    let good = sign(&said, &bo).unwrap();
    let signer = verify(&said, &good, &allowed).unwrap();
    assert_eq!(signer.principal.as_deref(), Some("bo@example.org"));
    assert!(signer.key.starts_with("SHA256:"));

    // Without a list, it is somebody's.
    let anybody = verify(&said, &good, &Allowed::default()).unwrap();
    assert_eq!(anybody, Signer { key: signer.key.clone(), principal: None });

    // For anything else that is said it is none.
    let lies: [fn(&mut Statement); 7] = [
        |said| said.run = "01K".into(),
        |said| said.step = Some("allow".into()),
        |said| said.role = "operator".into(),
        |said| said.name = "cy@example.org".into(),
        |said| said.decision = Decision::Refused,
        |said| said.head = "2".repeat(64),
        |said| said.playbook_sha256 = "2".repeat(64),
    ];
    for change in lies {
        let mut other = said.clone();
        change(&mut other);
        assert!(matches!(verify(&other, &good, &allowed), Err(Unproven::Forged(_))), "{other:?}");
        assert!(matches!(verify(&other, &good, &Allowed::default()), Err(Unproven::Forged(_))), "{other:?}");
    }
    // Nor is one that was changed, or is something else.
    let changed = good.replacen('A', "B", 3);
    for wrong in [changed.as_str(), "", "-----BEGIN SSH SIGNATURE-----\n", "no signature"] {
        assert!(matches!(verify(&said, wrong, &allowed), Err(Unproven::Forged(_))), "{wrong}");
    }
}

#[test]
fn who_may_not_sign_is_told_why() {
    let ring = Ring::make();
    let (bo, cy) = (ring.key("bo"), ring.key("cy"));
    let line = |limit: &str| format!("bo {limit} {}", ring.public("bo"));
    let said = statement("bo");
    let (by_bo, by_cy) = (sign(&said, &bo).unwrap(), sign(&said, &cy).unwrap());
    let signers = ring.list("allowed", &[line(""), format!("cy {}", ring.public("cy"))]);
    let allowed = Allowed { signers: Some(signers), ..Allowed::default() };

    let told = verify(&said, &by_cy, &allowed).unwrap_err();
    assert!(matches!(&told, Unproven::OtherName { principals, .. } if *principals == ["cy"]), "{told}");
    let only_bo = Allowed { signers: Some(ring.list("only", &[line("")])), ..Allowed::default() };
    assert!(matches!(verify(&said, &by_cy, &only_bo), Err(Unproven::UnknownKey { .. })));
    let revoked = Allowed { revoked: Some(ring.path("bo.pub")), ..allowed.clone() };
    assert!(matches!(verify(&said, &by_bo, &revoked), Err(Unproven::Revoked { .. })));
    for limit in ["valid-before=\"20200101\"", "namespaces=\"git\""] {
        let limited = Allowed { signers: Some(ring.list("limited", &[line(limit)])), ..Allowed::default() };
        let told = verify(&said, &by_bo, &limited).unwrap_err();
        assert!(matches!(told, Unproven::NotNow { .. }), "{limit}: {told}");
    }
    // A key that was good then is judged for then.
    let then = Allowed {
        signers: Some(ring.list("then", &[line("valid-before=\"20200101\"")])),
        at: Some("2019-05-05T12:00:00Z".parse().unwrap()),
        ..Allowed::default()
    };
    assert!(verify(&said, &by_bo, &then).is_ok());
    // What is not there proves nothing.
    for missing in [
        Allowed { signers: Some(ring.path("nowhere")), ..Allowed::default() },
        Allowed { revoked: Some(ring.path("nowhere")), ..allowed },
    ] {
        assert!(matches!(verify(&said, &by_bo, &missing), Err(Unproven::Unchecked(_))), "{missing:?}");
    }
    assert!(sign(&said, &KeyFile::at(ring.path("nobody"))).unwrap_err().contains("did not sign"));
}
