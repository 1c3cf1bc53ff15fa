//! An audit in words, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Audit, Check};
use crate::output::visible_plain;
use crate::words;

/// Tells an audit in lines.
#[must_use]
pub fn text(audit: &Audit) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    if let Some(begun) = &audit.begun {
        let state = audit.end.map_or("open", words::end);
        let _ = writeln!(text, "{}  {}  {state}", begun.run, visible_plain(&begun.title));
        let _ = writeln!(text, "by {} on {}\n", visible_plain(&begun.operator), visible_plain(&begun.host));
    }
    for check in &audit.checks {
        let word = if check.wrong.is_empty() { "ok" } else { "WRONG" };
        let _ = writeln!(text, "{word:<6} {:<14} {}", check.part.word(), visible_plain(&check.said));
        for line in &check.wrong {
            let _ = writeln!(text, "       {:<14} ! {}", "", visible_plain(line));
        }
        for line in &check.noted {
            let _ = writeln!(text, "       {:<14} - {}", "", visible_plain(line));
        }
    }
    for (title, lines) in [("This proves", &audit.proved), ("It does not prove", &audit.open)] {
        if !lines.is_empty() {
            let _ = writeln!(text, "\n{title}");
            for line in lines {
                let _ = writeln!(text, "- {}", visible_plain(line));
            }
        }
    }
    let _ = writeln!(text, "\nhead of record {}: {}", audit.records, audit.head);
    text
}

/// Tells an audit to a machine.
#[must_use]
pub fn json(audit: &Audit) -> Value {
    let check = |check: &Check| {
        json!({
            "part": check.part.word(),
            "sound": check.wrong.is_empty(),
            "said": check.said,
            "wrong": check.wrong,
            "noted": check.noted,
        })
    };
    json!({
        "run": audit.begun.as_ref().map(|begun| &begun.run),
        "title": audit.begun.as_ref().map(|begun| &begun.title),
        "state": audit.end.map_or("open", words::end),
        "sound": audit.sound(),
        "records": audit.records,
        "head": audit.head,
        "checks": audit.checks.iter().map(check).collect::<Vec<_>>(),
        "proves": audit.proved,
        "does_not_prove": audit.open,
    })
}
