//! `run`: a shell script, or a program with its arguments.
//!
//! Values reach a script only by its environment: its text is no template, and `${known_name}` in it is a fault.

use super::super::fields::{CAPTURE, COMMAND, CWD, ENV, EXPECT, HOST, SHELL, STDIN, TIMEOUT, TTY, UNTIL};
use super::super::lower::{Lower, text_of};
use super::super::names::{Script, Wants};
use super::super::plan::{Act, Content, Escape, Manner, Part, Program, RunSpec, Template, Variable};
use super::super::shape::Field;
use super::super::yaml::{Node, Value};
use super::Kind;
use super::manner;

pub(in super::super) static KIND: Kind = Kind {
    name: "run",
    doc: "runs a shell script (text; `bash -euo pipefail`, or `shell:`) or a program (a list; no shell); one that goes on for ever until a line comes or you have seen enough (`until`), an interactive one in a terminal inside the screen (`tty`)",
    example: "run: pm2 restart \"$APP_ROOT/ecosystem.config.js\"",
    fields: &[
        Field::new("run", "A shell script, or a program with its arguments.", COMMAND),
        SHELL,
        ENV,
        STDIN,
        CWD,
        HOST,
        TTY,
        UNTIL,
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
    let run = command(lower, node, "run")?;
    let manner = manner::of(lower, node);
    Some(Act::Run(RunSpec { manner, ..run }))
}

/// Lowers a command under a key, with what stands beside it.
pub(in super::super) fn command<'a>(lower: &mut Lower<'a>, map: &'a Node, key: &str) -> Option<RunSpec> {
    let node = map.get(key)?;
    let env = variables(lower, map);
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
            let given = map.get("env").map(Node::entries).unwrap_or_default().iter();
            let secret = |node: &'a Node| node.get("secret").and_then(Node::scalar);
            lower.names.script(Script {
                text: &scalar.text,
                place: node.place,
                given: given.map(|entry| (entry.key.as_str(), secret(&entry.value))).collect(),
                stdin: map.get("stdin").and_then(secret),
                shell: map.get("shell").map_or("bash", first_word),
            });
            Program::Script { text: scalar.text.clone(), shell: shell(map) }
        }
        Value::Map(_) | Value::Broken => return None,
    };
    let host = host(lower, map, &env);
    Some(RunSpec { program, env, stdin, cwd, host, manner: Manner::Alone })
}

/// Lowers the machine that a command runs on.
fn host<'a>(lower: &mut Lower<'a>, map: &'a Node, env: &[(String, Variable)]) -> Option<Template> {
    let host = lower.template_of(map, "host")?;
    lower.names.calls_ssh = true;
    for (name, _) in env.iter().filter(|(_, what)| !matches!(what, Variable::Given(_))) {
        if let Some(entry) = map.get("env").and_then(|env| env.entry(name)) {
            lower.fault(
                entry.place,
                format!("`{name}` would be a file or a descriptor of this machine, and `host` is another"),
                "give it as a secret by name, or by `stdin`, and let the script make a file of it there",
            );
        }
    }
    Some(host)
}

fn variables<'a>(lower: &mut Lower<'a>, map: &'a Node) -> Vec<(String, Variable)> {
    let entries = map.get("env").map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.key.clone(), variable(lower, &entry.value)?))).collect()
}

fn variable<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Variable> {
    match (node.get("file"), node.get("fd")) {
        (Some(file), _) => content(lower, file).map(Variable::File),
        (None, Some(fd)) => content(lower, fd).map(Variable::Descriptor),
        (None, None) => lower.given(node).map(Variable::Given),
    }
}

/// Lowers what a program reads from a file or a descriptor of its own: the one text in which secrets may stand.
fn content<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Content> {
    if let Some(name) = node.get("secret") {
        let text = Template::new(vec![Part::Value(lower.name(name, Wants::Secret)?)]);
        return Some(Content { text, escape: Escape::None });
    }
    let text = lower.template_with(node.get("text").unwrap_or(node), Wants::Either)?;
    let escape = match node.get("escape").and_then(Node::scalar) {
        Some("quoted") => Escape::Quoted,
        Some("pgpass") => Escape::Pgpass,
        Some("percent") => Escape::Percent,
        // Anything else has its fault by its shape.
        Some(_) | None => Escape::None,
    };
    Some(Content { text, escape })
}

fn first_word(shell: &Node) -> &str {
    let word = shell.items().first().and_then(Node::scalar).unwrap_or_default();
    word.rsplit('/').next().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::{Given, Name};
    use crate::playbook::testing::{act, faults};

    fn run(lines: &str) -> RunSpec {
        match act(&format!("{lines}\nread_only: true")) {
            Act::Run(run) => run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_text_is_a_script_for_a_shell() {
        for (lines, shell) in [
            ("run: ls", "bash -euo pipefail -c"),
            ("run: ls\nshell: zsh", "zsh -c"),
            ("run: ls\nshell: [python3, -c]", "python3 -c"),
        ] {
            let Program::Script { text, shell: words } = run(lines).program else { panic!("a script") };
            assert_eq!((text.as_str(), words.join(" ").as_str()), ("ls", shell));
        }
    }

    #[test]
    fn a_list_is_a_program_with_its_arguments() {
        let Program::Words(words) = run("run: [kill, -9, '${row_count}']").program else { panic!("words") };
        let filled: Vec<String> = words.iter().map(|word| word.fill(|_| Some("7"))).collect();
        assert_eq!(filled, ["kill", "-9", "7"]);
    }

    #[test]
    fn secrets_are_given_by_name() {
        let run =
            run("run: ls\nenv: { A: x, B: { secret: new_password } }\nstdin: { secret: new_password }\ncwd: /tmp");
        assert_eq!(run.env[0], ("A".to_owned(), Variable::Given(Given::Text(Template::literal("x")))));
        assert_eq!(run.env[1].1, Variable::Given(Given::Secret("new_password".into())));
        assert_eq!(run.stdin, Some(Given::Secret("new_password".into())));
    }

    #[test]
    fn files_and_descriptors_may_hold_texts_with_secrets() {
        let one = |variable: &str| {
            let run = run(&format!("run: ls\nenv: {{ A: {{ {variable} }} }}"));
            run.env.into_iter().next().map(|(_, variable)| variable).unwrap()
        };
        let name = Part::Value(Name::new("new_password"));
        let alone = |escape| Content { text: Template::new(vec![name.clone()]), escape };
        assert_eq!(one("file: { secret: new_password }"), Variable::File(alone(Escape::None)));
        assert_eq!(one("fd: '${new_password}'"), Variable::Descriptor(alone(Escape::None)));
        assert_eq!(one("fd: { secret: new_password }"), Variable::Descriptor(alone(Escape::None)));
        for (word, escape) in [("quoted", Escape::Quoted), ("pgpass", Escape::Pgpass), ("percent", Escape::Percent)] {
            let lines = format!("file: {{ text: '${{new_password}}', escape: {word} }}");
            assert_eq!(one(&lines), Variable::File(alone(escape)));
        }
        let Variable::File(both) = one("file: '${app_root}:${new_password}'") else { panic!("a file") };
        assert_eq!(both.text.names().map(Name::as_str).collect::<Vec<_>>(), ["app_root", "new_password"]);
        assert_eq!(faults("run: ls\nread_only: true\nenv: { A: { file: { secret: app_root } } }").len(), 1);
        assert_eq!(faults("run: ls\nread_only: true\nstdin: { file: x }").len(), 2);
    }

    #[test]
    fn a_known_name_in_a_script_is_a_fault_and_a_variable_is_none() {
        assert_eq!(faults("run: echo ${APP_ROOT} ${other} $${app_root_x}\nread_only: true"), [""; 0]);
        assert_eq!(faults("run: echo ${app_root}\nread_only: true").len(), 1);
    }
}
