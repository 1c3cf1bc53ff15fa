//! `runsheet report`: reads a run, writes its report in a format, and looks for secrets in it before it is let out.
//!
//! What must stay true: nothing is printed or written that the second search has not been through, both as it will be read
//! and as it was before the format wrote it its own way.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde_json::Value;

use super::look::print;
use super::practised;
use super::record;
use super::resume::Seen;
use super::run::Mode;
use super::{config, identity};
use crate::cli::{ReportArgs, ReportFormat};
use crate::ending::{Code, Ending};
use crate::engine::Target;
use crate::journal::{self, RunFolder};
use crate::report::data::{Checked, Output, SignOff, SignatureFacts};
use crate::report::{self, Given, Report, Story};
use crate::secret::{Identity, Secrets};
use crate::session::clock;
use crate::signature::{self, Allowed, Decision, Statement, Unproven};

/// The most bytes of a transcript's end that a report has, and the most lines.
const BYTES: u64 = 6000;
const LINES: usize = 60;

/// `runsheet report`.
pub(super) fn report(args: &ReportArgs) -> Result<Code, Ending> {
    let mut story = Story::default();
    // The certificate of a drill is a report of it.
    let drill = args.run.as_deref().and_then(practised::named);
    let opened = match &drill {
        Some(folder) => record::Opened { folder: folder.clone(), export: None },
        None => record::open(args.run.as_deref())?,
    };
    let seen = opened.look_on(|plan, run, stamped| story.take(plan, run, stamped))?;
    let allowed = config::read()?.sign_off.allowed();
    let given = Given {
        now: clock::now(),
        program: env!("CARGO_PKG_VERSION"),
        records: seen.journal.records,
        head: &seen.journal.head,
        output: &|target, attempt| output(&seen.folder, target, attempt),
        check: &|signed, signature| check(&seen, &allowed, signed, signature),
    };
    let mut report = report::report(&seen.plan, &seen.run, story, &given);
    report.drill = drill.as_ref().and_then(practised::certificate);
    let text = match args.format {
        ReportFormat::Md => report::markdown(&report),
        ReportFormat::Html => report::html(&report),
        ReportFormat::Json => report::json(&report).map_err(|why| refused(why, "look at it as Markdown"))?,
    };
    search(&seen, &report, &text)?;
    match &args.output {
        None => print(&text),
        Some(path) => write(path, &text),
    }
}

/// Checks a signature: that it was made for what its record says, over a line of this journal, by a key that is believed.
fn check(seen: &Seen, allowed: &Allowed, signed: &SignOff, signature: &SignatureFacts) -> (Checked, Option<String>) {
    let begun = seen.run.begun.as_ref();
    let statement = Statement {
        run: begun.map(|begun| begun.run.clone()).unwrap_or_default(),
        step: signed.step.clone(),
        role: signed.role.clone(),
        name: signed.name.clone().unwrap_or_default(),
        decision: if signed.reason.is_some() { Decision::Refused } else { Decision::Signed },
        reason: signed.reason.clone(),
        head: signature.head.clone(),
        playbook_sha256: begun.map(|begun| begun.sha256.clone()).unwrap_or_default(),
    };
    // The key must have been good then; it may have run out since.
    let allowed = Allowed { at: signed.at, ..allowed.clone() };
    match signature::verify(&statement, &signature.armored, &allowed) {
        Ok(by) if by.key != signature.key => (Checked::Bad, Some(format!("it was made with {}", by.key))),
        Ok(_) => match has_line(&seen.folder, &signature.head) {
            Ok(true) => (Checked::Good, None),
            Ok(false) => (Checked::Bad, Some("what it was given for is no line of this journal".to_owned())),
            Err(why) => (Checked::NotChecked, Some(why)),
        },
        Err(why @ (Unproven::Forged(_) | Unproven::OtherName { .. })) => (Checked::Bad, Some(why.to_string())),
        Err(why @ (Unproven::UnknownKey { .. } | Unproven::Revoked { .. } | Unproven::NotNow { .. })) => {
            (Checked::NotBelieved, Some(why.to_string()))
        }
        Err(why @ Unproven::Unchecked(_)) => (Checked::NotChecked, Some(why.to_string())),
    }
}

/// Says whether a hash is that of a line of the journal.
fn has_line(folder: &RunFolder, head: &str) -> Result<bool, String> {
    let mut found = false;
    journal::read_heads(&folder.journal(), |_, line| found |= line == head).map_err(|error| error.to_string())?;
    Ok(found)
}

/// Reads the end of a transcript. It was masked and made visible when it was written; only colours are taken off.
fn output(folder: &RunFolder, target: &Target, attempt: u32) -> Option<Output> {
    let transcript = target.transcript(attempt);
    let mut file = File::open(folder.transcript().join(&transcript)).ok()?;
    let length = file.metadata().ok()?.len();
    let from = length.saturating_sub(BYTES);
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes).ok()?;
    let whole = String::from_utf8_lossy(&bytes);
    // It does not begin in the middle of a line, unless there is no other.
    let text = match whole.split_once('\n') {
        Some((_, rest)) if from > 0 && !rest.is_empty() => rest,
        Some(_) | None => &whole,
    };
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
    let left_out_bytes = length.saturating_sub(last.len() as u64 + u64::from(text.ends_with('\n')));
    let text = colourless(&last);
    (!text.trim().is_empty()).then_some(Output { transcript, text, left_out_bytes })
}

/// Takes off what a transcript has of colours: SGR sequences, the only ones that are in it.
fn colourless(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_digit() && !matches!(c, ';' | ':')).unwrap_or(after.len());
        rest = after[end..].strip_prefix('m').unwrap_or(&after[end..]);
    }
    plain.push_str(rest);
    plain
}

/// Looks for the run's secrets in a report before it is let out, by a search that is not the masker's.
///
/// An open run has a vault, so its secrets are known. That of a closed run is gone: then only what looks like a secret by
/// itself is found.
fn search(seen: &Seen, report: &Report, text: &str) -> Result<(), Ending> {
    let cannot = |why: String| {
        refused(
            format!("the run's secrets cannot be looked for in it: {why}"),
            "call it as the user who began the run, with the same configuration folder",
        )
    };
    let secrets = if seen.folder.vault().exists() {
        Secrets::open(Some(seen.folder.vault()), &identity::open(Mode::Plain, None)?)
    } else {
        Secrets::open(None, &Identity::passing())
    };
    let secrets = secrets.map_err(cannot)?;
    // The page's own style is the same in each, and its line has nothing of the run.
    let page = text.replacen(report::STYLE, "", 1);
    let mut found = secrets.search(&page).map_err(cannot)?.map(|place| place.to_string());
    if found.is_none() {
        let value = serde_json::to_value(report).map_err(|error| cannot(error.to_string()))?;
        let mut bare = String::new();
        texts(&value, &mut bare);
        found = secrets.search(&bare).map_err(cannot)?.map(|_| "a text".to_owned());
    }
    match found {
        None => Ok(()),
        Some(place) => Err(refused(
            format!("it holds a secret, or what looks like one, in {place} of the report"),
            "that should not be; look at the record on this machine with `runsheet show`, and do not send it on",
        )),
    }
}

/// Lists all texts of a report as they are, before any format has written them its own way.
fn texts(value: &Value, all: &mut String) {
    match value {
        Value::String(text) => {
            all.push_str(text);
            all.push('\n');
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, all)),
        Value::Object(fields) => {
            for (name, value) in fields {
                // Of a map with names of the run, a name is a text too.
                all.push_str(name);
                all.push('\n');
                texts(value, all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn refused(because: String, next: &str) -> Ending {
    Ending {
        code: Code::Failed,
        what: "the report was not written".to_owned(),
        because: Some(because),
        next: Some(next.to_owned()),
    }
}

/// Writes a report to a file that only its owner can read: whole, or not at all.
fn write(path: &Path, text: &str) -> Result<Code, Ending> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|error| {
        refused(
            format!("{} cannot be written: {error}", path.display()),
            "name a file in a folder that you can write to",
        )
    })?;
    Ok(Code::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_off_and_nothing_else() {
        assert_eq!(colourless("a \u{1b}[1;31mred\u{1b}[0m b [x] \u{1b}[38:5:1mc"), "a red b [x] c");
        assert_eq!(colourless("plain\nlines"), "plain\nlines");
    }

    #[test]
    fn every_text_of_a_report_is_looked_through() {
        let mut all = String::new();
        texts(&serde_json::json!({ "a": ["x & y", { "b": "z" }], "n": 1 }), &mut all);
        assert_eq!(all, "a\nx & y\nb\nz\nn\n");
    }
}
