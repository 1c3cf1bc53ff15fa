//! `runsheet sign`: signs a run, or a step of it, from the signer's own terminal, or refuses to.
//!
//! It shows what is signed, asks, has `ssh-keygen` sign the statement, and hands that in: to the run's host where one lives,
//! else into the journal under the run's lock. What must stay true: nothing is signed that was not shown; a signature that is
//! handed in is checked again by who takes it; and a run that is stopped is not walked on by being signed.

mod page;

use std::fs;
use std::io::{self, BufRead as _, Write as _, stderr, stdin};
use std::path::Path;
use std::sync::Arc;

use super::config::{self, SignOff, Typed};
use super::notary::{self, Keys};
use super::place::{self, Who};
use super::resume::{self, Seen};
use super::{attach, look, walk};
use crate::cli::SignArgs;
use crate::ending::{Code, Ending};
use crate::engine::{Awaiting, Engine, Input, Refusal, Signing};
use crate::front::{Handed, Proof};
use crate::journal::{self, Log as _, RunFolder};
use crate::output::visible_plain;
use crate::playbook::plan::StepId;
use crate::secret::{Identity, Secrets};
use crate::session::client::Unreached;
use crate::session::{Notary as _, clock};
use crate::signature::{self, Decision, KeyFile, Statement};
use crate::words;

/// What is signed, and in which role.
struct Wanted {
    step: Option<StepId>,
    role: String,
}

/// `runsheet sign`.
///
/// # Errors
/// Nothing waits for this signature, it cannot be made, or it is not taken.
pub(super) fn sign(args: &SignArgs) -> Result<Code, Ending> {
    let sign_off = config::read()?.sign_off;
    let state = place::state()?;
    let run = resume::find(&state, args.run.as_deref(), args.run.is_none())?;
    let seen = resume::look(Some(&run))?;
    if let Some(path) = &args.signature {
        return elsewhere(&seen, path);
    }
    let wanted = wanted(&seen, args)?;
    if args.typed && sign_off.typed == Typed::Refused && !args.refuse {
        return Err(not_taken(&Refusal::NeedsKey { role: wanted.role }));
    }
    let key = if args.typed || args.statement { None } else { Some(key(args, &sign_off)?) };
    if !args.statement {
        look::print(&(page::page(&seen, wanted.step.as_ref()).join("\n") + "\n"))?;
    }
    let name = name(args, key.as_ref(), &sign_off)?;
    let refused = decide(args, &wanted, &name, key.as_ref())?;
    let who = place::who(None);
    let (account, host) = (who.account.clone(), who.host.clone());
    let mut handed = Handed { step: wanted.step, role: wanted.role, name, refused, account, host, proof: None };
    let statement = notary::statement(&seen.run, &handed, &seen.journal.head);
    if args.statement {
        return look::print(&statement.text());
    }
    if let Some(key) = key {
        let armored = signature::sign(&statement, &key).map_err(|why| unsigned(&why))?;
        handed.proof = Some(Proof { head: statement.head, armored });
    }
    hand_in(&seen.folder, &run, handed, &who)
}

/// Finds out what waits for a signature, and in which role.
fn wanted(seen: &Seen, args: &SignArgs) -> Result<Wanted, Ending> {
    let usage = |what: String, next: String| Ending { code: Code::Usage, what, because: None, next: Some(next) };
    let awaiting = seen.run.awaiting(&seen.plan);
    let (step, missing): (Option<StepId>, Vec<&str>) = match &awaiting {
        Awaiting::SignOff(_) => (None, seen.run.roles_to_sign(&seen.plan, None)),
        Awaiting::Approval(step, _) => (Some(step.clone()), seen.run.roles_to_sign(&seen.plan, Some(step))),
        // All else waits for something else.
        other => {
            let what = format!("nothing is to be signed now: {}", words::awaiting(other));
            return Err(usage(what, "sign when it is asked for; `runsheet show` says where a run stands".to_owned()));
        }
    };
    if let Some(asked) = &args.step
        && step.as_ref().is_none_or(|step| step.as_str() != asked)
    {
        let next = match &step {
            None => "leave the step out: the whole run is what waits for a signature".to_owned(),
            Some(step) => format!("what waits for a signature is {step}"),
        };
        return Err(usage(format!("{asked} does not wait for a signature"), next));
    }
    match (&args.role, missing.as_slice()) {
        (Some(role), missing) if missing.contains(&role.as_str()) => Ok(Wanted { step, role: role.clone() }),
        (None, [role]) => Ok(Wanted { step, role: (*role).to_owned() }),
        (Some(role), missing) => {
            let what = words::refusal(&Refusal::NoSuchRole { role: role.clone() });
            Err(usage(what, format!("--role takes {}", missing.join(" or "))))
        }
        (None, missing) => Err(usage(
            "several roles have not signed yet".to_owned(),
            format!("--role {}", missing.join(" or --role ")),
        )),
    }
}

/// Finds the key to sign with: as given, as configured, or where `ssh` keeps it.
fn key(args: &SignArgs, sign_off: &SignOff) -> Result<KeyFile, Ending> {
    let named = args.key.as_ref().or(sign_off.key.as_ref()).map(KeyFile::at);
    let usual = || KeyFile::usual(Path::new(&std::env::var_os("HOME")?));
    named.or_else(usual).ok_or_else(|| Ending {
        code: Code::Usage,
        what: "there is no key to sign with".to_owned(),
        because: Some("none was given, none is configured, and there is none in ~/.ssh".to_owned()),
        next: Some(
            "--key FILE names one (a public one, where the agent has the rest); --typed signs with a name only"
                .to_owned(),
        ),
    })
}

/// Finds the name that is signed with: as given, as the key stands among the allowed signers, or as typed now.
fn name(args: &SignArgs, key: Option<&KeyFile>, sign_off: &SignOff) -> Result<String, Ending> {
    let listed = || signature::listed(key?, sign_off.allowed_signers.as_deref()?);
    let name = args.name.clone().or_else(listed);
    let name = match name {
        Some(name) => name,
        None => asked("Your name: ").unwrap_or_default(),
    };
    if name.trim().is_empty() { Err(unsigned("no name was given")) } else { Ok(name.trim().to_owned()) }
}

/// Asks whether it is signed. Gives the reason where it is refused.
fn decide(args: &SignArgs, wanted: &Wanted, name: &str, key: Option<&KeyFile>) -> Result<Option<String>, Ending> {
    let reason = || match &args.reason {
        Some(reason) => Some(reason.clone()),
        None => asked("Why is it refused? "),
    };
    let given = |reason: Option<String>| {
        let reason = reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        reason.map(Some).ok_or_else(|| unsigned("a refusal needs a reason, for whoever reads the record"))
    };
    if args.statement {
        return if args.refuse { given(args.reason.clone()) } else { Ok(None) };
    }
    if args.refuse {
        return given(reason());
    }
    let name = visible_plain(name);
    let with = match key {
        Some(key) => format!("with the key {}", visible_plain(&key.path().display().to_string())),
        None => "by the typed name only, which proves nothing".to_owned(),
    };
    // On two lines: a path may be long, and the keys must be read.
    let question = format!(
        "Sign this as {}, as {name}, {with}?\ny signs, r refuses, anything else leaves it: ",
        visible_plain(&wanted.role)
    );
    match asked(&question).unwrap_or_default().trim() {
        "y" | "yes" => Ok(None),
        "r" | "refuse" => given(reason()),
        _ => Err(unsigned("left as it was")),
    }
}

/// Asks a question, and reads a line. None at the end of what is typed.
fn asked(question: &str) -> Option<String> {
    // Where it cannot be asked there is nobody to answer.
    let _ = write!(stderr(), "{question}").and_then(|()| stderr().flush());
    let mut line = String::new();
    match stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end_matches(['\n', '\r']).to_owned()),
    }
}

/// Hands in what was signed elsewhere: a signature beside the statement that it signs.
fn elsewhere(seen: &Seen, path: &Path) -> Result<Code, Ending> {
    let unusable = |what: &Path, because: String| Ending {
        code: Code::Usage,
        what: format!("{} cannot be used", what.display()),
        because: Some(because),
        next: Some(
            "`runsheet sign RUN --statement > FILE`, `ssh-keygen -Y sign -n runsheet -f KEY FILE`, then \
             `runsheet sign RUN --signature FILE.sig`"
                .to_owned(),
        ),
    };
    let read = |path: &Path| fs::read_to_string(path).map_err(|error: io::Error| unusable(path, error.to_string()));
    let armored = read(path)?;
    let beside = path.with_extension("");
    if path.extension().is_none_or(|extension| extension != "sig") {
        return Err(unusable(
            path,
            "its name does not end in .sig, and the statement is looked for under the rest".to_owned(),
        ));
    }
    let Some(statement) = Statement::read(&read(&beside)?) else {
        return Err(unusable(&beside, "it is no statement of runsheet, or was changed".to_owned()));
    };
    let Statement { run, step, role, name, decision, reason, head, .. } = statement;
    if seen.run.begun.as_ref().is_none_or(|begun| begun.run != run) {
        return Err(unusable(&beside, format!("it is about the run {}", visible_plain(&run))));
    }
    let refused = (decision == Decision::Refused).then(|| reason.unwrap_or_default());
    let who = place::who(None);
    let (account, host, step) = (who.account.clone(), who.host.clone(), step.as_deref().map(StepId::new));
    let handed = Handed { step, role, name, refused, account, host, proof: Some(Proof { head, armored }) };
    hand_in(&seen.folder, &run, handed, &who)
}

/// Hands it in, and says what came of it.
fn hand_in(folder: &RunFolder, run: &str, handed: Handed, who: &Who) -> Result<Code, Ending> {
    let (role, name, refuses) = (handed.role.clone(), handed.name.clone(), handed.refused.is_some());
    let stopped = match attach::sign(folder, run, who, handed.clone()) {
        Ok(taken) => {
            taken.map_err(|refusal| not_taken(&refusal))?;
            false
        }
        Err(Unreached::Nobody) => {
            append(folder, run, handed, who)?;
            true
        }
        Err(Unreached::Sorry(why) | Unreached::Failed(why)) => {
            return Err(Ending {
                code: Code::Failed,
                what: "it is not known whether the signature was taken".to_owned(),
                because: Some(why),
                next: Some(format!("`runsheet show {run}` says where the run stands")),
            });
        }
    };
    let goes_on =
        if stopped { format!(" The run is stopped; `runsheet resume {run}` goes on with it.") } else { String::new() };
    let told = if refuses { "refused to sign" } else { "signed" };
    look::print(&visible_plain(&format!("{name} {told} as {role}; it is on record.{goes_on}")))?;
    look::print("\n")?;
    Ok(if refuses { Code::SignOff } else { Code::Done })
}

/// Writes it into the journal of a run that nobody walks.
fn append(folder: &RunFolder, id: &str, handed: Handed, who: &Who) -> Result<(), Ending> {
    let _lock = folder.lock(&walk::holder(id, who)).map_err(|error| walk::held(error, &format!("run {id}")))?;
    let (plan, _) = resume::playbook(folder)?;
    let mut engine = Engine::new(Arc::new(plan));
    let read = journal::read(&folder.journal(), true, |stamped| engine.replay(&stamped));
    let writer = read.map_err(|error| resume::damaged(&error))?.writer;
    let keys = Keys { folder: folder.clone(), sign_off: config::read()?.sign_off };
    let refused = |refusal: Refusal| not_taken(&refusal);
    engine.would_take(Input::Sign(Box::new(handed.signing()))).map_err(refused)?;
    if handed.proof.is_none() && handed.refused.is_none() && !keys.takes_typed() {
        return Err(not_taken(&Refusal::NeedsKey { role: handed.role }));
    }
    // The vault is the operator's alone; what is a secret by its shape is found without it.
    let masker = Secrets::open(None, &Identity::passing()).map_err(|why| unsigned(&why))?.masker();
    if handed.refused.iter().chain([&handed.name]).any(|text| masker.mask(text) != *text) {
        return Err(unsigned("there is what reads like a secret in the name or the reason"));
    }
    let signature = keys.check(engine.plan(), engine.run(), &handed).map_err(refused)?;
    let input = Input::Sign(Box::new(Signing { signature, ..handed.signing() }));
    let turn = engine.handle(input, clock::now()).map_err(refused)?;
    // What follows from it is for who goes on with the run.
    let (Some(mut writer), Some(record)) = (writer, turn.records.first()) else {
        return Err(unsigned("the journal cannot be appended to"));
    };
    writer.append(record).and_then(|()| writer.sync()).map_err(|why| Ending {
        code: Code::Failed,
        what: why,
        because: None,
        next: Some("nothing was signed; make room, then sign again".to_owned()),
    })
}

/// Says why a signature was not taken.
fn not_taken(refusal: &Refusal) -> Ending {
    Ending {
        code: Code::SignOff,
        what: words::refusal(refusal),
        because: None,
        next: Some("nothing was written down; the signature is still missing".to_owned()),
    }
}

/// Says why nothing was signed.
fn unsigned(why: &str) -> Ending {
    Ending {
        code: Code::SignOff,
        what: "nothing was signed".to_owned(),
        because: Some(why.to_owned()),
        next: Some("the signature is still missing; `runsheet sign` again when it can be given".to_owned()),
    }
}
