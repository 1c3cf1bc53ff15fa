//! What an audit proves, and what it does not.

use super::signed::Proved;
use super::{Asked, Audit, Part};

/// Weighs what was found.
pub(super) fn weigh(audit: &mut Audit, asked: &Asked<'_>, signed: &[Proved]) {
    let holds = |part: Part| audit.checks.iter().any(|check| check.part == part && check.wrong.is_empty());
    let said = |part: Part, word: &str| audit.checks.iter().any(|check| check.part == part && check.said != word);
    let (mut proved, mut open) = (Vec::new(), Vec::new());
    if audit.records > 0 {
        let of = if holds(Part::Journal) { "the journal" } else { "the journal up to the damage" };
        proved.push(format!(
            "no record of {of} was changed, taken out, put in or moved by itself: each line has the hash of the one before it, and a \
             sum of its own"
        ));
    }
    if holds(Part::Playbook) && audit.begun.is_some() {
        proved.push("the playbook is the text that the run began with".to_owned());
    }
    if holds(Part::Order) && audit.records > 0 && holds(Part::Playbook) {
        proved.push(
            "the records can have come about in this order: the same engine allows each where it stands".to_owned(),
        );
    }
    let beside = [(Part::Transcripts, "none"), (Part::Copies, "none"), (Part::Evidence, "no file was given")];
    if beside.iter().any(|(part, none)| holds(*part) && said(*part, none)) {
        proved.push(
            "the files beside it are those that the records speak of, as far as a hash of them is on record".to_owned(),
        );
    }
    if asked.head.is_some() && holds(Part::Head) {
        proved.push("up to the head that you gave, it is the journal that the head was taken from".to_owned());
    }
    let account = audit.begun.as_ref().map_or_else(
        || "whoever owned it".to_owned(),
        |begun| format!("the account {} on {}", begun.account, begun.host),
    );
    // Whoever rewrites the journal cannot make the signature of somebody else's key.
    let upto = signed.iter().max_by_key(|proved| proved.upto);
    if let Some(Proved { upto, by }) = upto {
        proved.push(format!("records 1 to {upto} stood so when they were signed, by {by}"));
    }
    if asked.head.is_none() {
        let behind = upto.map_or_else(String::new, |proved| format!(" behind record {}", proved.upto));
        open.push(format!(
            "that the journal{behind} is the first one: {account} could have written all of it anew, every hash with it. A signature \
             over its head, the head noted elsewhere (`--head`) or a copy kept elsewhere shows that"
        ));
    }
    open.push(match audit.end {
        Some(_) => "that nothing came behind the last record, such as a later rollback that was cut off".to_owned(),
        None => "that nothing was cut off at the end: the run is open, so more may have come".to_owned(),
    });
    open.push("who was behind a typed name, and who sat at the account".to_owned());
    open.push(
        "that the world was as the records say: they hold what the program saw, at the time that its machine's clock said"
            .to_owned(),
    );
    audit.proved = proved;
    audit.open = open;
}
