//! What others of the same user can see of the program, and what its children have of the operator's limits.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use crate::support::desk::{Called, Desk, PROGRAM, called};

/// An account that may nothing.
const NOBODY: u32 = 65534;

/// Looks at the program that started it, as any process of the same user could.
const PLAYBOOK: &str = r#"
runsheet: 1
title: Look around
phases:
  - title: All
    steps:
      - id: look
        title: Look at who started this
        read_only: true
        run: |
          grep '^Max core file size' "/proc/$PPID/limits" | awk '{print "ours", $5, $6}'
          for what in environ mem maps; do
            if head -c 1 "/proc/$PPID/$what" >/dev/null 2>&1; then echo "$what read"; else echo "$what refused"; fi
          done
          ls "/proc/$PPID/fd" >/dev/null 2>&1 && echo "fd read" || echo "fd refused"
          awk '/^Max core file size/ {print "child", $5, $6}' /proc/self/limits
          head -c 1 /proc/$$/environ >/dev/null && echo "child read"
"#;

/// Walks the playbook as a user that is not root, with a limit on core dumps of its own.
fn walked(folder: &Path, cwd: &str) -> (Desk, Called) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.join("program");
    fs::copy(PROGRAM, &program).unwrap();
    let desk = Desk::make(folder);
    let text = PLAYBOOK.replace("        run: |", &format!("        cwd: {cwd}\n        run: |"));
    fs::write(desk.home().join("look.yaml"), text).unwrap();
    let root = rustix::process::getuid().is_root();
    let mut command = Command::new("prlimit");
    command.args(["--core=1048576:2097152", "--"]);
    if root {
        for path in [desk.home().to_owned(), desk.home().join("runtime")] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command.args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    }
    command.arg(program).args(["run", "look.yaml", "--unattended"]).envs(desk.env()).current_dir(desk.home());
    let called = called(&mut command).ends_with(0);
    (desk, called)
}

#[test]
fn nobody_reads_our_memory_and_children_are_as_ever() {
    // In its own folder it is started directly, in another one by way of ourselves.
    for cwd in [".", "/"] {
        let folder = tempfile::tempdir().unwrap();
        let (desk, _) = walked(folder.path(), cwd);
        let transcript = fs::read_to_string(desk.run_folder().join("transcript/look.1.log")).unwrap();
        let lines: Vec<&str> = transcript.lines().collect();
        assert_eq!(
            lines,
            [
                "ours 0 2097152",
                "environ refused",
                "mem refused",
                "maps refused",
                "fd refused",
                "child 1048576 2097152",
                "child read",
            ],
            "in {cwd}"
        );
    }
}
