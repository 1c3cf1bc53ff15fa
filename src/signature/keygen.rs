//! `ssh-keygen`, which signs and checks.
//!
//! The statement goes to it on standard input; only a signature and the names of files are among its words and files. A key
//! is signed with by `ssh-keygen` itself, which asks for a passphrase on the terminal or goes to the agent.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::NamedTempFile;

use super::{Allowed, NAMESPACE, Signer, Statement, Unproven};

/// The program.
const PROGRAM: &str = "ssh-keygen";

/// A key to sign with: a private key, or a public one whose private half is in the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// Names the key.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Finds the key that `ssh` would use in a home folder: the first of the usual names that is there.
    #[must_use]
    pub fn usual(home: &Path) -> Option<Self> {
        let names = ["id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk"];
        let mut found = names.iter().map(|name| home.join(".ssh").join(name));
        found.find(|path| path.is_file()).map(Self)
    }

    /// Returns the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Signs a statement. The passphrase of a key is asked for on the terminal, by `ssh-keygen`.
///
/// # Errors
/// Why there is no signature: a sentence.
pub fn sign(statement: &Statement, key: &KeyFile) -> Result<String, String> {
    let words = ["-Y", "sign", "-n", NAMESPACE, "-f"].map(OsString::from);
    let words: Vec<OsString> = words.into_iter().chain([key.0.clone().into_os_string()]).collect();
    let output = call(&words, &statement.text()).map_err(|error| cannot(&error))?;
    let armored = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && armored.starts_with("-----BEGIN SSH SIGNATURE-----") {
        return Ok(armored);
    }
    Err(format!("{PROGRAM} did not sign: {}", said(&output)))
}

/// Checks a signature of a statement: made for exactly this, by a key that is allowed for this name.
///
/// # Errors
/// [`Unproven`]: why it proves nothing.
pub fn verify(statement: &Statement, armored: &str, allowed: &Allowed) -> Result<Signer, Unproven> {
    let unchecked = |error: &io::Error| Unproven::Unchecked(cannot(error));
    let mut file = NamedTempFile::new().map_err(|error| unchecked(&error))?;
    file.write_all(armored.as_bytes()).map_err(|error| unchecked(&error))?;
    let signature = file.path().as_os_str();
    let text = statement.text();
    let ask = |words: &[&OsStr]| {
        let words: Vec<OsString> = words.iter().map(|&word| word.to_owned()).collect();
        call(&words, &text).map_err(|error| unchecked(&error))
    };
    let [yes, namespace, of, list, name] = ["-Y", "-n", "-s", "-f", "-I"].map(OsStr::new);
    let [novalidate, find, check] = ["check-novalidate", "find-principals", "verify"].map(OsStr::new);

    let made = ask(&[yes, novalidate, namespace, OsStr::new(NAMESPACE), of, signature])?;
    let key = made.status.success().then(|| fingerprint(&made)).flatten();
    let Some(key) = key else { return Err(Unproven::Forged(said(&made))) };
    let Some(signers) = &allowed.signers else {
        return match &allowed.revoked {
            None => Ok(Signer { key, principal: None }),
            Some(_) => Err(Unproven::Unchecked("revoked keys are named, and allowed signers are not".to_owned())),
        };
    };
    if !signers.is_file() {
        return Err(Unproven::Unchecked(format!("there is no file {}", signers.display())));
    }
    let at = allowed.at.map(|at| OsString::from(at.strftime("-Overify-time=%Y%m%d%H%M%SZ").to_string()));
    let person = OsStr::new(&statement.name);
    let verify = |revoked: Option<&Path>| {
        let mut words = vec![yes, check, list, signers.as_os_str(), name, person, namespace, OsStr::new(NAMESPACE)];
        words.extend([of, signature]);
        words.extend(revoked.into_iter().flat_map(|revoked| [OsStr::new("-r"), revoked.as_os_str()]));
        words.extend(at.as_deref());
        ask(&words)
    };
    let verified = verify(allowed.revoked.as_deref())?;
    if verified.status.success() {
        return Ok(Signer { key, principal: Some(statement.name.clone()) });
    }
    // It is refused. What follows only finds out why, for whoever must do something about it.
    if let Some(revoked) = &allowed.revoked {
        if !revoked.is_file() {
            return Err(Unproven::Unchecked(format!("there is no file {}", revoked.display())));
        }
        if verify(None)?.status.success() {
            return Err(Unproven::Revoked { key });
        }
    }
    let mut words = vec![yes, find, of, signature, list, signers.as_os_str()];
    words.extend(at.as_deref());
    let found = ask(&words)?;
    let principals: Vec<String> = String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect();
    Err(match found.status.success() && !principals.is_empty() {
        true if principals.contains(&statement.name) => Unproven::NotNow { key, why: said(&verified) },
        true => Unproven::OtherName { key, principals, name: statement.name.clone() },
        // It may stand there with a limit that it does not keep.
        false if said(&verified).contains("key ") => Unproven::NotNow { key, why: said(&verified) },
        false => Unproven::UnknownKey { key },
    })
}

/// Finds the name under which a key stands in a list of allowed signers, for a person who has not said theirs. It is only
/// a proposal: [`verify`] judges.
#[must_use]
pub fn listed(key: &KeyFile, signers: &Path) -> Option<String> {
    let mut public = key.0.clone();
    if public.extension().is_none_or(|extension| extension != "pub") {
        public.as_mut_os_string().push(".pub");
    }
    let public = fs::read_to_string(public).ok()?;
    let blob = public.split_whitespace().nth(1)?;
    let list = fs::read_to_string(signers).ok()?;
    let line = list.lines().find(|line| line.split_whitespace().any(|word| word == blob))?;
    let names = line.split_whitespace().next()?;
    names.split(',').find(|name| !name.contains(['*', '?', '!', '"', '#'])).map(str::to_owned)
}

#[expect(clippy::disallowed_methods, reason = "signatures are made and checked beside a run, by no step of it")]
fn call(words: &[OsString], input: &str) -> io::Result<Output> {
    let mut command = Command::new(PROGRAM);
    // Its words are read.
    command.args(words).env("LC_ALL", "C");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Where it ended before it had read all, it says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}

/// Takes the fingerprint out of `Good "runsheet" signature with ED25519 key SHA256:…`.
fn fingerprint(output: &Output) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().find(|word| word.starts_with("SHA256:")).map(str::to_owned)
}

/// Returns what it complained of, on one line.
fn said(output: &Output) -> String {
    let text = [&output.stderr[..], &output.stdout].map(String::from_utf8_lossy).concat();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { output.status.to_string() } else { lines.join("; ") }
}

fn cannot(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("{PROGRAM} is not on PATH; it comes with OpenSSH"),
        _ => format!("{PROGRAM} cannot be called: {error}"),
    }
}
