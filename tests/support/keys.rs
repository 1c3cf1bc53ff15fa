//! SSH keys of made-up people, and the list of those who may sign.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::desk::Desk;
use super::process::run_well;

/// The keys of one desk.
#[derive(Debug)]
pub(crate) struct Keys<'d> {
    desk: &'d Desk,
}

impl<'d> Keys<'d> {
    /// Makes a folder for the keys of a desk, and a key for each name. The first sign of a name's key file is the name.
    pub(crate) fn make(desk: &'d Desk, names: &[&str]) -> Self {
        fs::create_dir_all(desk.home().join("keys")).expect("make the folder");
        let keys = Self { desk };
        for name in names {
            keys.key(name, "");
        }
        keys
    }

    /// Makes one more key.
    pub(crate) fn key(&self, name: &str, passphrase: &str) {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-C", name, "-N", passphrase, "-f"]).arg(self.path(name));
        run_well(&mut keygen, "");
    }

    /// Names the private key of somebody.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.desk.home().join("keys").join(name)
    }

    pub(crate) fn word(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes a configuration in which these keys are believed, each under its own name and one at example.org.
    pub(crate) fn believed(&self, names: &[&str], more: &str) {
        let line = |name: &&str| {
            let public = fs::read_to_string(self.path(name).with_extension("pub")).expect("read the public key");
            format!("{name}@example.org {public}")
        };
        fs::write(self.path("allowed_signers"), names.iter().map(line).collect::<String>()).expect("write the list");
        let list = self.word("allowed_signers");
        self.configure(&format!("sign_off:\n  allowed_signers: {list}\n{more}"));
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, text: &str) {
        let folder = self.desk.home().join("config/runsheet");
        fs::create_dir_all(&folder).expect("make the folder");
        fs::write(folder.join("config.yaml"), text).expect("write the configuration");
    }

    /// Signs a text as anybody can; gives the path of the signature, the text beside it.
    pub(crate) fn sign(&self, name: &str, text: &str) -> String {
        self.sign_in("runsheet", name, text)
    }

    /// Signs a text in another namespace.
    pub(crate) fn sign_in(&self, namespace: &str, name: &str, text: &str) -> String {
        let path = self.path("statement");
        fs::write(&path, text).expect("write the statement");
        let signature = self.path("statement.sig");
        let _ = fs::remove_file(&signature);
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(self.path(name)).arg(&path);
        run_well(&mut keygen, "");
        signature.display().to_string()
    }
}
