//! How a command comes to its end, where it is not by itself: `tty` and `until`.
//!
//! What must stay true: nothing that is judged at a command's own end is promised for one that is stopped, whatever goes
//! on for ever has something that ends it, and nothing is taken from a terminal, where it could be anything that was drawn.

use super::super::lower::{Lower, flag};
use super::super::plan::{Manner, Until};
use super::super::yaml::{Entry, Node, Value};

/// Lowers how a step's command, or an undo action's, comes to its end.
pub(super) fn of<'a>(lower: &mut Lower<'a>, map: &'a Node) -> Manner {
    if flag(map, "tty") {
        terminal(lower, map);
        return Manner::Terminal;
    }
    match map.entry("until") {
        Some(entry) => until(lower, map, entry).map_or(Manner::Alone, Manner::Until),
        None => Manner::Alone,
    }
}

/// Refuses what has a meaning only for the command of a step.
pub(in super::super) fn refuse(lower: &mut Lower<'_>, map: &Node, what: &str) {
    if let Some(entry) = map.entry("until") {
        lower.fault(
            entry.place,
            format!("{what} comes to its end by itself"),
            "take `until` out, and let the command end: `--no-follow`, `--tail`, `head`",
        );
    }
    if let Some(entry) = map.entry("tty") {
        lower.fault(
            entry.place,
            format!("{what} asks nobody"),
            "take `tty` out, and give the command what it needs by `stdin` or `env`",
        );
    }
}

/// Refuses what cannot be had of a program at a terminal.
fn terminal(lower: &mut Lower<'_>, map: &Node) {
    let cannot = [
        (
            "stdin",
            "what a program at a terminal reads is what is typed there",
            "take `stdin` out; or take `tty` out, if nobody need type",
        ),
        (
            "capture",
            "nothing is captured from a terminal: what a program draws there is for eyes",
            "take the value in a step of its own, with `ask` or another `run`",
        ),
        (
            "until",
            "a program at a terminal ends from its own keys",
            "take `until` out; or take `tty` out, if nobody need type",
        ),
        (
            "host",
            "a program on another machine gets no terminal of this one",
            "take `host` out, and write: `run: [ssh, -t, HOST, …]`",
        ),
        (
            "retry",
            "what a person attends is not started again by itself",
            "take `retry` out: the operator can start it again",
        ),
    ];
    for (key, message, advice) in cannot {
        if let Some(entry) = map.entry(key) {
            lower.fault(entry.place, message, advice);
        }
    }
    let Some(expect) = map.get("expect") else { return };
    for entry in expect.items().iter().flat_map(Node::entries).filter(|entry| entry.key != "exit") {
        lower.fault(
            entry.place,
            format!("`{}` cannot be judged at a terminal: what a program draws there is for eyes", entry.key),
            "keep `exit` alone, and check what came of it with `verify`",
        );
    }
}

fn until<'a>(lower: &mut Lower<'a>, map: &'a Node, entry: &'a Entry) -> Option<Until> {
    let until = match &entry.value.value {
        Value::Scalar(scalar) if scalar.text == "enough" => Until { matches: None, enough: true },
        Value::Map(_) => {
            let matches = entry.value.get("matches").and_then(|node| lower.pattern(node));
            Until { matches, enough: entry.value.get("enough").is_some() }
        }
        // Anything else has its fault by its shape.
        Value::Scalar(_) | Value::List(_) | Value::Broken => return None,
    };
    if entry.value.entries().is_empty() && matches!(entry.value.value, Value::Map(_)) {
        lower.fault(
            entry.place,
            "this says nothing that would end the command",
            "write: `until: { matches: 'a line' }`, or `until: enough` for the operator's word",
        );
        return None;
    }
    let matches = entry.value.get("matches").is_some();
    if matches && !until.enough && map.get("timeout").is_none() {
        lower.fault(
            entry.place,
            "if that line never comes, nothing ends this command",
            "write: `timeout: 5m` beside it; over it the step has failed",
        );
    }
    judged_at_its_end(lower, map);
    Some(until)
}

/// A command that is stopped has no exit status of its own.
fn judged_at_its_end(lower: &mut Lower<'_>, map: &Node) {
    let Some(expect) = map.get("expect") else { return };
    for entry in expect.items().iter().flat_map(Node::entries).filter(|entry| entry.key == "exit") {
        lower.fault(
            entry.place,
            "a command that is stopped has no exit status of its own",
            "take `exit` out: that `until` came true is what is judged",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::plan::{Act, Manner};
    use super::super::super::testing::{act, faults};

    #[test]
    fn what_ends_a_command_is_a_line_or_a_word_of_the_operator() {
        let until = |lines: &str| match act(&format!("run: flyctl logs\nread_only: true\n{lines}")) {
            Act::Run(run) => match run.manner {
                Manner::Until(until) => (until.matches.map(|regex| regex.to_string()), until.enough),
                Manner::Alone | Manner::Terminal => panic!("{lines}"),
            },
            other => panic!("{other:?}"),
        };
        assert_eq!(until("until: enough"), (None, true));
        assert_eq!(until("until: { enough: true }"), (None, true));
        assert_eq!(until("until: { matches: 'ready (\\d+)' }\ntimeout: 1m"), (Some("ready (\\d+)".into()), false));
        assert_eq!(until("until: { matches: ready, enough: true }"), (Some("ready".into()), true));
    }

    #[test]
    fn a_program_at_a_terminal_gives_nothing_but_its_status() {
        let terminal = |lines: &str| act(&format!("run: mysql -p\nread_only: true\n{lines}")).has_terminal();
        assert!(terminal("tty: true") && terminal("tty: true\nexpect: { exit: 1 }\ntimeout: 5m"));
        assert!(!terminal("tty: false\nstdin: text"));
        for (lines, count) in [
            ("stdin: x", 1),
            ("capture: { rows: whole }", 1),
            ("until: enough", 1),
            ("retry: { attempts: 2 }", 1),
            ("expect: [{ contains: a, exit: 0 }, { equals: b }]", 2),
        ] {
            assert_eq!(faults(&format!("run: mysql -p\nread_only: true\ntty: true\n{lines}")).len(), count, "{lines}");
        }
    }

    #[test]
    fn what_could_go_on_for_ever_or_be_judged_by_nothing_is_a_fault() {
        for (lines, wrong) in [
            ("until: { matches: ready }", "if that line never comes, nothing ends this command"),
            ("until: enough\nexpect: { exit: 0 }", "a command that is stopped has no exit status of its own"),
        ] {
            assert_eq!(faults(&format!("run: flyctl logs\nread_only: true\n{lines}")), [wrong]);
        }
    }
}
