//! The operator's key: opened once a run, with its passphrase where it has one; and `identity`, which shows and protects it.

use std::io::Write as _;

use super::config;
use super::place;
use super::run::Mode;
use crate::cli::IdentityArgs;
use crate::ending::{Code, Ending};
use crate::front::line::passphrase;
use crate::secret::{Identity, KeyFile, Secret};

/// Opens the key, asking for its passphrase where it has one; makes it where there is none. `given` is what the answers
/// file has for it.
///
/// # Errors
/// The key cannot be used, nobody is there to be asked, or the operator leaves.
pub(super) fn open(mode: Mode, given: Option<&Secret>) -> Result<Identity, Ending> {
    let path = place::identity()?;
    let file = KeyFile::read(&path).map_err(unusable)?;
    let Some(file) = file.filter(KeyFile::is_protected) else {
        return Identity::load_or_create(&path).map(|(key, _)| key).map_err(unusable);
    };
    if let Some(given) = given {
        return Identity::unlock(&file, given).map_err(unusable)?.ok_or_else(|| Ending {
            code: Code::Usage,
            what: format!("the answers do not have the passphrase of the key {}", path.display()),
            because: None,
            next: Some("mend `identity:` in the answers file; nothing has been started".to_owned()),
        });
    }
    match mode {
        Mode::Full | Mode::Plain => ask(&file).map(|(key, _)| key),
        Mode::Unattended => Err(Ending {
            code: Code::PersonNeeded,
            what: format!("the key {} is protected by a passphrase, and nobody is there to be asked", path.display()),
            because: None,
            next: Some(
                "put `identity: env:NAME`, `file:PATH` or `fd:N` into the answers file; nothing has been started"
                    .to_owned(),
            ),
        }),
    }
}

/// Says whether the key has a passphrase that a person must be asked for, so that a screen makes room for the question.
pub(super) fn asks(mode: Mode) -> bool {
    let file = || KeyFile::read(&place::identity().ok()?).ok().flatten();
    mode != Mode::Unattended && file().is_some_and(|file| file.is_protected())
}

/// Asks for the passphrase until it is the right one.
fn ask(file: &KeyFile) -> Result<(Identity, Secret), Ending> {
    let question = format!("Passphrase of the key {} (Enter leaves):", file.path().display());
    while let Some(given) = passphrase(&question) {
        if let Some(key) = Identity::unlock(file, &given).map_err(unusable)? {
            return Ok((key, given));
        }
        say("That is not its passphrase.");
    }
    Err(left())
}

/// `runsheet identity`.
pub(super) fn identity(args: &IdentityArgs) -> Result<Code, Ending> {
    let path = place::identity()?;
    if KeyFile::read(&path).map_err(unusable)?.is_none() {
        Identity::load_or_create(&path).map_err(unusable)?;
        say("There was no key yet: one was made.");
    }
    let gone = || unusable(format!("the key {} is gone again", path.display()));
    let file = KeyFile::read(&path).map_err(unusable)?.ok_or_else(gone)?;
    let usage = |what: &str, next: &str| Ending {
        code: Code::Usage,
        what: format!("the key {} {what}", path.display()),
        because: None,
        next: Some(next.to_owned()),
    };
    match (file.is_protected(), args.protect, args.unprotect || args.change) {
        (true, true, _) => {
            return Err(usage("has a passphrase already", "`runsheet identity --change` gives it another"));
        }
        (false, _, true) => return Err(usage("has no passphrase", "`runsheet identity --protect` gives it one")),
        _ => {} // what is asked for can be done
    }
    let (key, old) = if file.is_protected() {
        ask(&file).map(|(key, passphrase)| (key, Some(passphrase)))?
    } else {
        (Identity::load_or_create(&path).map_err(unusable)?.0, None)
    };
    if args.protect || args.change {
        let new = choose()?;
        file.protect(old.as_ref(), Some(&new)).map_err(unusable)?;
        say("The key is protected. Without the passphrase, what is encrypted to it is lost: there is no way round it.");
    } else if args.unprotect {
        file.protect(old.as_ref(), None).map_err(unusable)?;
        say("The key is no longer protected: whoever reads the file has it.");
    }
    shown(&key, &file, (file.is_protected() || args.protect) && !args.unprotect)
}

/// Has a passphrase chosen, typed twice.
fn choose() -> Result<Secret, Ending> {
    loop {
        let first = passphrase("New passphrase (Enter leaves it as it is):").ok_or_else(left)?;
        if first.chars() < KeyFile::SHORTEST {
            say(&format!("A passphrase has at least {} characters; a few words are good.", KeyFile::SHORTEST));
            continue;
        }
        let second = passphrase("The same once more:").ok_or_else(left)?;
        if first.same(&second) {
            return Ok(first);
        }
        say("They differ.");
    }
}

fn shown(key: &Identity, file: &KeyFile, protected: bool) -> Result<Code, Ending> {
    let protected = if protected {
        "by a passphrase, asked for once a run"
    } else {
        "no; `runsheet identity --protect` asks for a passphrase"
    };
    let (public, path) = (key.public(), file.path().display());
    let signatures = config::signatures(&config::read()?.sign_off).unwrap_or_else(|(told, _)| told);
    let text = format!(
        "public key  {public}\nfile        {path}\nprotected   {protected}\nsignatures  {}\n",
        crate::output::visible_plain(&signatures)
    );
    super::look::print(&text)
}

/// Tells a person something beside what the command prints.
fn say(line: &str) {
    // Where it cannot be printed there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn left() -> Ending {
    Ending {
        code: Code::Interrupted,
        what: "no passphrase was given".to_owned(),
        because: None,
        next: Some("nothing has been started or changed".to_owned()),
    }
}

fn unusable(why: String) -> Ending {
    Ending {
        code: Code::Failed,
        what: why,
        because: Some("vaults and snapshots of runs open with the operator's key alone".to_owned()),
        next: Some("nothing has been started".to_owned()),
    }
}
