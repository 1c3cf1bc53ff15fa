//! Who signed: names as they were typed, and signatures, each held against its statement, its key and its head.

use jiff::Timestamp;

use super::{Check, Part};
use crate::engine::{Begun, Record, Signature};
use crate::playbook::plan::StepId;
use crate::signature::{Allowed, Decision, Statement, Unproven, verify};
use crate::words;

/// What a record says of somebody who signed or refused to.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    seq: u64,
    at: Timestamp,
    step: Option<StepId>,
    role: String,
    name: String,
    refused: Option<String>,
    signature: Option<Signature>,
}

/// A signature that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proved {
    /// Up to which record.
    pub(super) upto: u64,
    /// Who, and by which key.
    pub(super) by: String,
}

impl Signed {
    /// Reads one off a record.
    pub(super) fn of(seq: u64, at: Timestamp, record: &Record) -> Option<Self> {
        let (step, role, name, refused, signature) = match record {
            Record::SignedOff { step, role, name, signature, .. } => (step, role, name, None, signature),
            Record::SignOffRefused { step, role, name, reason, signature, .. } => {
                (step, role, name, Some(reason.clone()), signature)
            }
            _ => return None, // nobody signs by it
        };
        let signature = signature.as_deref().cloned();
        Some(Self { seq, at, step: step.clone(), role: role.clone(), name: name.clone(), refused, signature })
    }

    /// Says who, as what.
    fn who(&self) -> String {
        let of = self.step.as_ref().map(|step| format!(" of {step}")).unwrap_or_default();
        format!("record {}: {}{of}", self.seq, self.role)
    }

    fn did(&self) -> String {
        self.refused.as_ref().map_or_else(|| "signed".to_owned(), |reason| format!("refused ({reason})"))
    }
}

/// Judges who signed. `heads` are the hashes of the lines, in order.
pub(super) fn judge(
    all: &[Signed],
    begun: Option<&Begun>,
    heads: &[String],
    allowed: &Allowed,
) -> (Check, Vec<Proved>) {
    let mut check = Check::new(Part::SignOff);
    let (mut typed, mut proved) = (0, Vec::new());
    for signed in all {
        let Some(signature) = &signed.signature else {
            typed += 1;
            check.noted.push(format!("{}: {} under the name {}, as typed", signed.who(), signed.did(), signed.name));
            continue;
        };
        match good(signed, signature, begun, heads, allowed) {
            Ok(good) => {
                let (who, did) = (signed.who(), signed.did());
                check.noted.push(format!("{who}: {did} by {}, over records 1 to {}", good.by, good.upto));
                proved.push(good);
            }
            Err(Bad::Unchecked(why)) => {
                check.noted.push(format!("{}, {}: not checked: {why}", signed.who(), signed.name));
            }
            Err(Bad::Wrong(why)) => check.wrong.push(format!("{}, {}: {why}", signed.who(), signed.name)),
        }
    }
    let names = (typed > 0)
        .then(|| format!("{}, proved by nothing but the record", words::count(typed, "typed name", "typed names")));
    let good = (!proved.is_empty()).then(|| words::count(proved.len(), "good signature", "good signatures"));
    let bad = (!check.wrong.is_empty()).then(|| words::count(check.wrong.len(), "bad signature", "bad signatures"));
    let said: Vec<String> = [good, bad, names].into_iter().flatten().collect();
    check.said = if all.is_empty() { "nobody signed".to_owned() } else { said.join("; ") };
    if check.said.is_empty() {
        "signatures that could not be checked".clone_into(&mut check.said);
    }
    (check, proved)
}

/// Why a signature is not good.
enum Bad {
    /// It cannot be checked here.
    Unchecked(String),
    /// It proves nothing, or the opposite.
    Wrong(String),
}

fn good(
    signed: &Signed,
    signature: &Signature,
    begun: Option<&Begun>,
    heads: &[String],
    allowed: &Allowed,
) -> Result<Proved, Bad> {
    let begun = begun.ok_or_else(|| Bad::Unchecked("the run's beginning cannot be read".to_owned()))?;
    let before = usize::try_from(signed.seq - 1).unwrap_or(usize::MAX).min(heads.len());
    let upto = heads[..before].iter().rposition(|head| *head == signature.head).ok_or_else(|| {
        Bad::Wrong(
            "it was made over a head that no record before it has: of another journal, or of one that was cut"
                .to_owned(),
        )
    })?;
    let statement = Statement {
        run: begun.run.clone(),
        step: signed.step.as_ref().map(ToString::to_string),
        role: signed.role.clone(),
        name: signed.name.clone(),
        decision: if signed.refused.is_some() { Decision::Refused } else { Decision::Signed },
        reason: signed.refused.clone(),
        head: signature.head.clone(),
        playbook_sha256: begun.sha256.clone(),
    };
    // A key that was limited in time must have been good then.
    let allowed = Allowed { at: Some(signed.at), ..allowed.clone() };
    let maker = verify(&statement, &signature.armored, &allowed).map_err(|why| match why {
        Unproven::Unchecked(_) => Bad::Unchecked(why.to_string()),
        Unproven::Forged(_)
        | Unproven::UnknownKey { .. }
        | Unproven::OtherName { .. }
        | Unproven::Revoked { .. }
        | Unproven::NotNow { .. } => Bad::Wrong(why.to_string()),
    })?;
    if maker.key != signature.key {
        return Err(Bad::Wrong(format!("the record says the key {}, and {} made it", signature.key, maker.key)));
    }
    let by = match &maker.principal {
        Some(principal) => format!("{principal} with the key {}", maker.key),
        None => format!("the key {} (whose that is nobody here says: no allowed signers)", maker.key),
    };
    Ok(Proved { upto: upto as u64 + 1, by })
}
