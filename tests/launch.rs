//! The hidden first word of the binary: it becomes the child, in a session of its own, with three descriptors.

use std::process::{Command, Stdio};

fn launch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runsheet"));
    command.arg("__child");
    command
}

#[test]
fn the_child_leads_a_session_and_has_no_other_descriptor() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "CANARY-secret").unwrap();
    // Handed down on purpose, as a shell's `3<file` is.
    let script =
        "exec \"$0\" __child bash -c 'ls /proc/self/fd; ps -o sid=,pgid=,tty= -p $$; echo $$' 7</dev/null 9<secret";
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(env!("CARGO_BIN_EXE_runsheet"))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    // 3 is the folder that `ls` itself reads.
    assert_eq!(words[..4], ["0", "1", "2", "3"], "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((words[4], words[5], words[6]), (words[7], words[7], "?"), "{text}");
}

#[test]
fn words_status_and_signals_are_the_childs_own() {
    let output = launch().args(["printf", "%s|", "a b", "", "$x"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "a b||$x|");
    assert_eq!(launch().args(["bash", "-c", "exit 7"]).status().unwrap().code(), Some(7));
    // A reader that went away ends a writer, as in any shell.
    let output = launch().args(["bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "y\n141\n");
}

#[test]
fn what_cannot_be_started_ends_as_in_a_shell() {
    let output = launch().arg("/nowhere/program").output().unwrap();
    assert_eq!(output.status.code(), Some(127));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("runsheet: cannot start /nowhere/program: "));
    assert_eq!(launch().arg("/").output().unwrap().status.code(), Some(126));
}
