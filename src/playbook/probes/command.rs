//! `command`: a command's exit status and output.

use super::super::fields::{COMMAND, CWD, ENV, HOST, SHELL, STDIN};
use super::super::kinds::run;
use super::super::lower::Lower;
use super::super::plan::Probe;
use super::super::shape::Field;
use super::super::yaml::Node;
use super::ProbeKind;

pub(super) static PROBE: ProbeKind = ProbeKind {
    name: "command",
    doc: "a command's exit status and output, written as `run`",
    example: "command: pm2 jlist",
    fields: &[
        Field::new("command", "A shell script, or a program with its arguments.", COMMAND),
        SHELL,
        ENV,
        STDIN,
        CWD,
        HOST,
    ],
    expects: run::EXPECTS,
    captures: true,
    lower,
};

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Probe> {
    run::command(lower, node, "command").map(Probe::Command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::{Expect, Program};
    use crate::playbook::testing::{probe, step};

    #[test]
    fn is_written_as_run_is() {
        let Probe::Command(run) = probe("command: [pm2, jlist]\nexpect: { exit: 1 }") else { panic!("a command") };
        assert!(matches!(run.program, Program::Words(words) if words.len() == 2));
        let expect = step("command: ls\nexpect: [{ contains: [a, b] }, { exit: 2 }]").action.verify.remove(0).expect;
        assert!(matches!(expect[..], [Expect::Contains(_), Expect::Contains(_), Expect::Exit(2)]));
    }
}
