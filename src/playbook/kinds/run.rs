//! `run`: a shell script, or a program with its arguments.
//!
//! Values reach a script only by its environment: its text is no template, and `${known_name}` in it is a fault.

use super::super::fields::{CAPTURE, COMMAND, CWD, ENV, EXPECT, SHELL, STDIN, TIMEOUT, TTY};
use super::super::lower::{Lower, text_of};
use super::super::plan::{Act, Program, RunSpec};
use super::super::shape::Field;
use super::super::yaml::{Node, Value};
use super::Kind;

pub(in super::super) static KIND: Kind = Kind {
    name: "run",
    doc: "runs a shell script (text; `bash -euo pipefail`, or `shell:`) or a program (a list; no shell)",
    example: "run: pm2 restart \"$APP_ROOT/ecosystem.config.js\"",
    fields: &[
        Field::new("run", "A shell script, or a program with its arguments.", COMMAND),
        SHELL,
        ENV,
        STDIN,
        CWD,
        TTY,
        EXPECT,
        CAPTURE,
        TIMEOUT,
    ],
    changes: true,
    lower,
};

/// What a command's `expect` may ask for.
pub(in super::super) const EXPECTS: &[&str] =
    &["exit", "contains", "not_contains", "matches", "equals", "json", "between", "close_to"];

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Act> {
    command(lower, node, "run").map(Act::Run)
}

/// Lowers a command under a key, with what stands beside it.
pub(in super::super) fn command<'a>(lower: &mut Lower<'a>, map: &'a Node, key: &str) -> Option<RunSpec> {
    let node = map.get(key)?;
    let env = lower.givens(map, "env");
    let stdin = map.get("stdin").and_then(|node| lower.given(node));
    let cwd = lower.template_of(map, "cwd");
    let program = match &node.value {
        Value::List(items) => {
            if let Some(shell) = map.entry("shell") {
                lower.fault(
                    shell.place,
                    format!("`shell` has no meaning beside a list: `{key}` starts its first word itself"),
                    "take `shell` out, or write the script as a text",
                );
            }
            Program::Words(items.iter().filter_map(|item| lower.template(item)).collect())
        }
        Value::Scalar(scalar) => {
            lower.names.script(&scalar.text, node.place);
            Program::Script { text: scalar.text.clone(), shell: shell(map) }
        }
        Value::Map(_) | Value::Broken => return None,
    };
    Some(RunSpec { program, env, stdin, cwd })
}

fn shell(map: &Node) -> Vec<String> {
    let Some(node) = map.get("shell") else {
        return ["bash", "-euo", "pipefail", "-c"].map(str::to_owned).to_vec();
    };
    match &node.value {
        Value::List(items) => items.iter().filter_map(Node::scalar).map(str::to_owned).collect(),
        Value::Scalar(_) | Value::Map(_) | Value::Broken => {
            text_of(map, "shell").into_iter().chain(["-c".to_owned()]).collect()
        }
    }
}
