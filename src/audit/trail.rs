//! Follows a journal from its first line to its last: the chain, the clock, the order, who signed.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::named::Named;
use super::signed::{self, Proved, Signed};
use super::{Asked, Check, Part};
use crate::engine::{Begun, End, Misfit, Record, Stamped, Witness};
use crate::journal::{self, ReadError, RunFolder};
use crate::playbook::plan::Plan;
use crate::words;

/// What was found on the way.
#[derive(Debug)]
pub(super) struct Trail {
    /// What the run began with.
    pub(super) begun: Option<Begun>,
    /// How many records are sound.
    pub(super) records: u64,
    /// The hash of the last of them.
    pub(super) head: String,
    /// How the run ended.
    pub(super) end: Option<End>,
    /// The chain.
    pub(super) journal: Check,
    /// What became of a head that was noted elsewhere.
    pub(super) head_asked: Option<Check>,
    /// Who signed.
    pub(super) signed: Check,
    /// The signatures that are good.
    pub(super) proved: Vec<Proved>,
    /// The files that are named.
    pub(super) named: Named,
    /// What could not stand where it does.
    misfits: Misfits,
}

/// Records that could not stand where they do.
#[derive(Debug, Default)]
struct Misfits {
    /// The first, told.
    first: Option<String>,
    /// How many there are behind it.
    more: u64,
    /// How many records were judged.
    judged: u64,
}

/// What is kept while the lines go by.
struct Walk<'a> {
    asked: &'a Asked<'a>,
    plan: Option<Arc<Plan>>,
    witness: Option<Witness>,
    seq: u64,
    last_at: Option<Timestamp>,
    clock_back: Vec<u64>,
    begun: Option<Begun>,
    head: String,
    end: Option<End>,
    named: Named,
    misfits: Misfits,
    signed: Vec<Signed>,
    /// The hash of each line so far, in order.
    heads: Vec<String>,
    asked_at: Option<u64>,
}

/// Follows a run's journal. Without the plan nothing is said of the order.
pub(super) fn follow(folder: &RunFolder, plan: Option<Arc<Plan>>, asked: &Asked<'_>) -> Trail {
    let mut walk = Walk {
        asked,
        witness: plan.clone().map(Witness::new),
        plan,
        seq: 0,
        last_at: None,
        clock_back: Vec::new(),
        begun: None,
        head: "0".repeat(64),
        end: None,
        named: Named::default(),
        misfits: Misfits::default(),
        signed: Vec::new(),
        heads: Vec::new(),
        asked_at: None,
    };
    let read = journal::read_heads(&folder.journal(), |stamped, head| walk.hear(&stamped, head));
    let tail = read.as_ref().map_or(0, |journal| journal.tail);
    let mut check = Check::new(Part::Journal);
    match read {
        Ok(_) => {}
        Err(ReadError::File(_, error)) => check.wrong.push(format!("it cannot be read: {error}")),
        Err(ReadError::Damaged { line, byte, why, .. }) => {
            check.wrong.push(format!("line {line}: {why} (the line begins at byte {byte})"));
        }
    }
    walk.judge_lines(folder, tail, &mut check);
    let head_asked = asked.head.map(|head| walk.judge_head(head));
    let (signed, proved) = signed::judge(&walk.signed, walk.begun.as_ref(), &walk.heads, &asked.allowed);
    Trail {
        begun: walk.begun,
        records: walk.seq,
        head: walk.head,
        end: walk.end,
        journal: check,
        head_asked,
        signed,
        proved,
        named: walk.named,
        misfits: walk.misfits,
    }
}

impl Walk<'_> {
    fn hear(&mut self, stamped: &Stamped, head: &str) {
        self.seq += 1;
        if self.last_at.is_some_and(|last| stamped.at < last) {
            self.clock_back.push(self.seq);
        }
        self.last_at = Some(stamped.at);
        head.clone_into(&mut self.head);
        if self.asked.head.is_some_and(|asked| asked.eq_ignore_ascii_case(head)) {
            self.asked_at = Some(self.seq);
        }
        self.named.hear(self.seq, &stamped.record, self.plan.as_deref());
        if let Some(witness) = &mut self.witness {
            self.misfits.judged += 1;
            if let Err(misfit) = witness.hear(stamped) {
                if self.misfits.first.is_none() {
                    self.misfits.first = Some(told(self.seq, &stamped.record, &misfit));
                } else {
                    self.misfits.more += 1;
                }
            }
        }
        match &stamped.record {
            Record::Begun(begun) if self.begun.is_none() => self.begun = Some((**begun).clone()),
            Record::Ended { end } => self.end = Some(*end),
            Record::RollbackBegun { .. } => self.end = None,
            _ => {} // it neither begins nor ends the run
        }
        self.signed.extend(Signed::of(self.seq, stamped.at, &stamped.record));
        self.heads.push(head.to_owned());
    }

    fn judge_lines(&self, folder: &RunFolder, tail: usize, check: &mut Check) {
        let records = words::count(usize::try_from(self.seq).unwrap_or(usize::MAX), "record", "records");
        check.said = if check.wrong.is_empty() {
            format!("{records}, each with the hash of the one before it")
        } else {
            format!("{records} up to the damage")
        };
        if tail > 0 {
            let bytes = words::count(tail, "byte", "bytes");
            check.wrong.push(format!(
                "line {}: no whole record ({bytes}): its writing was cut off, or it was changed; `runsheet resume` cuts it off \
                 and keeps a copy",
                self.seq + 1
            ));
        }
        if self.seq == 0 && check.wrong.is_empty() {
            check.wrong.push("it holds no record".to_owned());
        }
        let own = folder.path().file_name().map(|name| name.to_string_lossy().into_owned());
        match (&self.begun, own) {
            (Some(begun), Some(own)) if !self.asked.copy && begun.run != own => {
                check.wrong.push(format!("it is that of run {}, in the folder of another, {own}", begun.run));
            }
            (Some(_) | None, _) => {}
        }
        if let Some(first) = self.clock_back.first() {
            let more = match self.clock_back.len() - 1 {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            check.noted.push(format!(
                "record {first} has an earlier time than the one before it{more}: the machine's clock was put back"
            ));
        }
        for torn in folder.torn() {
            let name = torn.file_name().unwrap_or_default().to_string_lossy().into_owned();
            check.noted.push(format!("a last record that had not been written to its end was cut off: {name}"));
        }
        if self.asked.live {
            check.noted.push("the run goes on while this is read: this is how it stood".to_owned());
        }
    }

    /// Looks for a head that was noted elsewhere.
    fn judge_head(&self, head: &str) -> Check {
        let mut check = Check::new(Part::Head);
        match self.asked_at {
            Some(at) if at == self.seq => "it is that of the last record".clone_into(&mut check.said),
            Some(at) => {
                let more = usize::try_from(self.seq - at).unwrap_or(usize::MAX);
                check.said =
                    format!("it is that of record {at}; {} came behind it", words::count(more, "record", "records"));
            }
            None => {
                "it is that of no record".clone_into(&mut check.said);
                let short: String = head.chars().take(64).collect();
                check.wrong.push(format!(
                    "{short} is the hash of no record here: the journal was cut off before it, or written anew"
                ));
            }
        }
        check
    }
}

impl Trail {
    /// Says what is to be said of the order. It was judged by the playbook that is there, which may be another one.
    pub(super) fn order(&self, same_playbook: bool) -> Check {
        let mut check = Check::new(Part::Order);
        if self.misfits.judged == 0 || !same_playbook {
            "not judged: that takes the playbook as it was".clone_into(&mut check.said);
            return check;
        }
        let Some(first) = &self.misfits.first else {
            "every record is one that the run allowed there".clone_into(&mut check.said);
            return check;
        };
        "records that the run would not have written there".clone_into(&mut check.said);
        let more = match self.misfits.more {
            0 => String::new(),
            more => format!(" ({more} more behind it do not fit either)"),
        };
        check.wrong.push(format!("{first}{more}"));
        let ours = env!("CARGO_PKG_VERSION");
        if let Some(begun) = self.begun.as_ref().filter(|begun| begun.program != ours) {
            check.noted.push(format!(
                "the run was begun with runsheet {}; this is {ours}, whose order may differ",
                begun.program
            ));
        }
        check
    }
}

/// Tells a record that could not stand where it does.
fn told(seq: u64, record: &Record, misfit: &Misfit) -> String {
    let name = named(record);
    let why = match misfit {
        Misfit::Refused(refusal) => format!("the run would have refused it: {}", words::refusal(refusal)),
        Misfit::Another(decided) => format!("there it would have been: {}", named(decided)),
        Misfit::Unprompted => "nothing before it leads to it".to_owned(),
        Misfit::Skipped(due) => format!("before it there should be: {}", named(due)),
    };
    format!("record {seq} ({name}): {why}")
}

/// Names a record by its word in the journal and its step.
fn named(record: &Record) -> String {
    let value = serde_json::to_value(record).unwrap_or_default();
    let Some((word, fields)) = value.as_object().and_then(|object| object.iter().next()) else {
        return "a record".to_owned();
    };
    let step = fields.pointer("/target/step").or_else(|| fields.get("step")).and_then(Value::as_str);
    let undo = fields.pointer("/target/undo").map(|number| format!(", undo {number}")).unwrap_or_default();
    let step = step.map(|step| format!(" {step}")).unwrap_or_default();
    format!("{}{step}{undo}", word.replace('_', " "))
}
