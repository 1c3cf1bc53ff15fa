//! `runsheet audit`: holds a run's record against itself, here or in an exported file.

use std::thread;
use std::time::Duration;

use super::look::{print, print_json};
use super::{config, record};
use crate::audit::{Asked, Audit, Check, Part, audit as look_at, json, text};
use crate::cli::AuditArgs;
use crate::ending::{Code, Ending};
use crate::signature::Allowed;
use crate::words;

/// How often a journal is read again whose last line is just being written.
const AGAIN: u32 = 40;

/// `runsheet audit`.
pub(super) fn audit(args: &AuditArgs) -> Result<Code, Ending> {
    let head = args.head.as_deref().map(head).transpose()?;
    let opened = record::open(args.run.as_deref())?;
    let live = opened.export.is_none() && opened.folder.held_by().is_some();
    let allowed = match &args.allowed_signers {
        Some(signers) => Allowed { signers: Some(signers.clone()), ..Allowed::default() },
        None => config::read()?.sign_off.allowed(),
    };
    let asked = Asked { head: head.as_deref(), live, copy: opened.export.is_some(), allowed };
    let mut found = look_at(&opened.folder, &asked);
    // What is written at this moment is no damage.
    for _ in 0..AGAIN {
        if found.sound() || !live {
            break;
        }
        thread::sleep(Duration::from_millis(25));
        found = look_at(&opened.folder, &asked);
    }
    if let Some(export) = &opened.export {
        let said = format!("{}, each as its manifest says", words::count(export.files, "file", "files"));
        let said = if export.wrong.is_empty() { said } else { "not as its manifest says".to_owned() };
        found.checks.insert(0, Check { said, wrong: export.wrong.clone(), ..Check::new(Part::Export) });
    }
    let code = if found.sound() { Code::Done } else { Code::Failed };
    show(args, &found)?;
    Ok(code)
}

fn show(args: &AuditArgs, found: &Audit) -> Result<Code, Ending> {
    if args.json { print_json(&json(found)) } else { print(&text(found)) }
}

/// Checks a head as it was typed.
fn head(typed: &str) -> Result<String, Ending> {
    let head = typed.trim().to_lowercase();
    if head.len() == 64 && head.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(head);
    }
    Err(Ending {
        code: Code::Usage,
        what: "that is no head".to_owned(),
        because: Some("a head is a SHA-256: 64 hex digits".to_owned()),
        next: Some("take it from a report's last line, a signature, or what `runsheet export` printed".to_owned()),
    })
}
