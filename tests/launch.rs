//! The hidden first word of the binary: it changes the folder and becomes another program.

use std::process::Command;

fn launch(folder: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runsheet"));
    command.args(["__child", folder]);
    command
}

#[test]
fn the_child_is_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let output = launch(folder.to_str().unwrap()).args(["/bin/pwd", "-P"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), folder.to_str().unwrap());
}

#[test]
fn words_status_and_signals_are_the_childs_own() {
    let output = launch("/").args(["printf", "%s|", "a b", "", "$x"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "a b||$x|");
    assert_eq!(launch("/").args(["bash", "-c", "exit 7"]).status().unwrap().code(), Some(7));
    // A reader that went away ends a writer, as in any shell.
    let output = launch("/").args(["bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "y\n141\n");
}

#[test]
fn what_cannot_be_started_ends_as_in_a_shell() {
    let output = launch("/").arg("/nowhere/program").output().unwrap();
    assert_eq!(output.status.code(), Some(127));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("runsheet: cannot start /nowhere/program: "));
    assert_eq!(launch("/").arg("/").output().unwrap().status.code(), Some(126));
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let output = launch("/nowhere").arg("/bin/true").output().unwrap();
    assert_eq!(output.status.code(), Some(127));
}
