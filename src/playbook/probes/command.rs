//! `command`: a command's exit status and output.

use super::super::fields::{COMMAND, CWD, ENV, SHELL, STDIN, TTY};
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
        TTY,
    ],
    expects: run::EXPECTS,
    captures: true,
    lower,
};

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Probe> {
    run::command(lower, node, "command").map(Probe::Command)
}
