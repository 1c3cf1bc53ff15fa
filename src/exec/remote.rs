//! A command on another machine, through the system's OpenSSH with the operator's own configuration.
//!
//! The command line of `ssh` says `bash -s` and nothing of the step: the script, its variables and what it reads go over
//! standard input, as a group of commands that does nothing before all of it has come. What follows on standard input are
//! orders: `t` asks the script's process group to end, `k` makes it. `ssh` itself speaks into a file in memory, so that what
//! it has to say is told apart from what the command prints. What must stay true: no question of `ssh` is answered for the
//! operator; what may have begun and whose end was not seen is never called failed or done.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::handed::Files;
use super::scene::Scene;
use crate::playbook::plan::{Program, RunSpec, Template, Variable};
use crate::secret::Secret;

/// The order that asks the remote process group to end.
pub(super) const ASK: u8 = b't';
/// The order that makes it end.
pub(super) const MAKE: u8 = b'k';

/// The status with which `ssh` tells of its own failures; a command may end with it too.
const OWN: i32 = 255;

/// A machine that a command runs on.
pub(super) struct Remote {
    /// As the playbook and the operator's configuration call it.
    pub(super) host: String,
    log: PathBuf,
    /// The log's file, there for as long as the command.
    _files: Files,
}

/// What `ssh` said of the end of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The status is the command's own.
    Own,
    /// A signal ended the command there.
    Signal,
    /// It was never started.
    Unreached(String),
    /// It may have been started, and its end was not seen.
    Lost(String),
}

impl Remote {
    /// Prepares a call of a machine.
    ///
    /// # Errors
    /// A value is missing, or is no name of a machine: a sentence.
    pub(super) fn new(host: &Template, scene: &Scene) -> Result<Self, String> {
        let host = scene.complete(host)?;
        if host.is_empty() || host.contains(|letter: char| letter.is_control() || letter.is_whitespace()) {
            return Err("the name of the machine is empty, or has blanks in it".to_owned());
        }
        let files = Files::new()?;
        let log = files.add("ssh.log", &Secret::new(String::new()))?;
        Ok(Self { host, log, _files: files })
    }

    /// Returns the words that call it.
    pub(super) fn words(&self) -> Vec<String> {
        let log = self.log.display().to_string();
        let before = ["ssh", "-T", "-o", "BatchMode=yes", "-o", "LogLevel=DEBUG1", "-E", &log, "--", &self.host];
        before.into_iter().chain(["bash -s"]).map(str::to_owned).collect()
    }

    /// Says how it ended, once `ssh` has.
    pub(super) fn end(&self, exit: Option<i32>) -> End {
        match exit {
            Some(OWN) | None => judge(&read(&self.log)),
            Some(_) => End::Own,
        }
    }
}

fn read(log: &Path) -> String {
    std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Judges the log of an `ssh` that ended with its own status, or that was killed.
///
/// The lines looked for are those of OpenSSH's `client_input_channel_req` and `ssh_session2_setup`, which have been the same
/// since they are there.
fn judge(log: &str) -> End {
    let lines = || log.lines().map(str::trim_end);
    if lines().any(|line| line.contains("rtype exit-status")) {
        return End::Own;
    }
    if lines().any(|line| line.contains("rtype exit-signal")) {
        return End::Signal;
    }
    let said = lines().rfind(|line| !line.starts_with("debug") && !line.is_empty() && !noise(line));
    let said = said.unwrap_or("ssh does not say why").to_owned();
    // Over a connection that is shared, only the master knows what became of it.
    let sent = lines().any(|line| line.contains("Sending command") || line.contains("master session id"));
    let refused = lines().any(|line| line.contains("request failed on channel"));
    if sent && !refused { End::Lost(said) } else { End::Unreached(said) }
}

/// Lines that are always there, whatever happens.
fn noise(line: &str) -> bool {
    ["Transferred: ", "Bytes per second: ", "Authenticated to ", "OpenSSH_"].iter().any(|start| line.starts_with(start))
}

/// Writes what goes over standard input: everything that the command needs.
///
/// # Errors
/// A value is missing, or cannot be had on another machine: a sentence.
pub(super) fn script(spec: &RunSpec, scene: &Scene) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut secrets = Vec::new();
    for (variable, what) in &spec.env {
        match what {
            Variable::Given(given) => secrets.push((variable.as_str(), scene.given(given)?)),
            Variable::File(_) | Variable::Descriptor(_) => {
                return Err(format!(
                    "{variable} is a file or a descriptor of this machine, and the command runs on another"
                ));
            }
        }
    }
    let stdin = spec.stdin.as_ref().map(|given| scene.given(given)).transpose()?;
    let words = match &spec.program {
        Program::Script { text, shell } => shell.iter().cloned().chain([text.clone()]).collect(),
        Program::Words(words) => words.iter().map(|word| scene.complete(word)).collect::<Result<Vec<_>, _>>()?,
    };
    let cwd = spec.cwd.as_ref().map(|cwd| scene.complete(cwd)).transpose()?;

    let mut pieces: Vec<Zeroizing<String>> = vec![Zeroizing::new("{\n".to_owned())];
    let values = scene.variables().into_iter().filter_map(|(variable, name)| Some((variable, scene.values.get(name)?)));
    for (variable, value) in values {
        pieces.push(export(variable, value));
    }
    for (variable, secret) in &secrets {
        pieces.push(export(variable, secret.expose()));
    }
    if let Some(cwd) = cwd {
        pieces.push(Zeroizing::new(format!("cd -- {} || exit 1\n", *quoted(&cwd))));
    }
    pieces.push(Zeroizing::new(BEFORE.to_owned()));
    for word in &words {
        pieces.push(Zeroizing::new(format!(" {}", *quoted(word))));
    }
    match &stdin {
        Some(stdin) => {
            pieces.push(Zeroizing::new(" < <(printf %s ".to_owned()));
            pieces.push(quoted(stdin.expose()));
            pieces.push(Zeroizing::new(")".to_owned()));
        }
        None => pieces.push(Zeroizing::new(" </dev/null".to_owned())),
    }
    pieces.push(Zeroizing::new(WATCH.to_owned()));
    let mut whole = Zeroizing::new(Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum()));
    for piece in &pieces {
        whole.extend_from_slice(piece.as_bytes());
    }
    Ok(whole)
}

/// The messages of a shell that watches over jobs are nobody's, and a shell that a server starts reads its settings for a
/// person unless it stands deep enough.
const BEFORE: &str = "export SHLVL=9\nexec 3<&0 4>&2 2>/dev/null\nset -m\nexec";

/// Waits for the command, and passes on what it is ordered. Without a connection nobody orders anything any more.
const WATCH: &str = r#" 2>&4 3<&- 4>&- &
child=$!
while IFS= read -r -u 3 -n 1 order; do
  case $order in
    t) kill -TERM -- "-$child"; kill -CONT -- "-$child" ;;
    k) kill -KILL -- "-$child" ;;
  esac
done >/dev/null 4>&- &
watch=$!
wait "$child"
status=$?
kill -KILL -- "-$watch"
exit "$status"
}
"#;

fn export(variable: &str, value: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("export {variable}={}\n", *quoted(value)))
}

/// Writes a word as bash reads it, whatever is in it.
fn quoted(word: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(4 * word.len() + 2));
    text.push('\'');
    for letter in word.chars() {
        if letter == '\'' {
            text.push_str(r"'\''");
        } else {
            text.push(letter);
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACHED: &str = "debug1: Connecting to h [::1] port 22.\nAuthenticated to h ([::1]:22) using \"publickey\".\n\
                           debug1: Sending command: bash -s\n";

    #[test]
    fn what_ssh_says_tells_an_end_from_no_end() {
        for (log, end) in [
            (
                "ssh: connect to host h port 22: Connection refused\n",
                "Unreached(ssh: connect to host h port 22: Connection refused)",
            ),
            ("debug1: x\nHost key verification failed.\r\n", "Unreached(Host key verification failed.)"),
            ("", "Unreached(ssh does not say why)"),
            (&format!("{REACHED}exec request failed on channel 0\n"), "Unreached(exec request failed on channel 0)"),
            (&format!("{REACHED}debug1: client_input_channel_req: channel 0 rtype exit-status reply 0\n"), "Own"),
            (&format!("{REACHED}debug1: client_input_channel_req: channel 0 rtype exit-signal reply 0\n"), "Signal"),
            (
                &format!("{REACHED}Connection to h closed by remote host.\nTransferred: sent 1, received 2 bytes\n"),
                "Lost(Connection to h closed by remote host.)",
            ),
            ("debug1: mux_client_request_session: master session id: 2\n", "Lost(ssh does not say why)"),
        ] {
            let told = match judge(log) {
                End::Own => "Own".to_owned(),
                End::Signal => "Signal".to_owned(),
                End::Unreached(why) => format!("Unreached({why})"),
                End::Lost(why) => format!("Lost({why})"),
            };
            assert_eq!(told, end, "{log}");
        }
    }

    #[test]
    fn any_word_is_one_word() {
        assert_eq!(*quoted("a'b\n$(x)"), "'a'\\''b\n$(x)'");
    }
}
