//! The program: what each command does, and the one place where front, executor and journal are chosen.

mod attach;
mod audit;
mod briefing;
mod clocks;
mod compare;
mod config;
mod doctor;
mod due;
mod earlier;
mod export;
mod host;
mod identity;
mod inputs;
mod left;
mod library;
mod log;
mod look;
mod notary;
mod place;
mod record;
mod report;
mod resume;
mod run;
mod runs;
mod sign;
mod tell;
mod walk;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::ending::{Code, Ending};
use crate::engine::Refusal;
use crate::exec;
use crate::session::wire::Role;
use crate::words;

/// Runs the program with the words it was called with.
#[must_use]
pub fn main() -> ExitCode {
    exec::shut_off();
    crate::session::keep_size_limit_an_error();
    if std::env::args_os().nth(1).is_some_and(|word| word == host::WORD) {
        return host::main();
    }
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match dispatch(cli) {
        Ok(code) => code.into(),
        Err(ending) => ending.print(),
    }
}

fn dispatch(cli: Cli) -> Result<Code, Ending> {
    match cli.command {
        None => run::library(),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Resume(args)) => run::resume(&args),
        Some(Command::Attach(args)) => attach::attach(&args, Role::Act),
        Some(Command::Watch(args)) => attach::attach(&args, Role::Watch),
        Some(Command::Rollback(args)) => run::rollback(&args),
        Some(Command::Runs(args)) => runs::runs(&args),
        Some(Command::Sign(args)) => sign::sign(&args),
        Some(Command::Show(args)) => look::show(args.run.as_deref(), args.json),
        Some(Command::Report(args)) => report::report(&args),
        Some(Command::Audit(args)) => audit::audit(&args),
        Some(Command::Export(args)) => export::export(&args),
        Some(Command::Diff(args)) => compare::diff(&args),
        Some(Command::Due(args)) => due::due(&args),
        Some(Command::List(args)) => look::list(args.json),
        Some(Command::Check(args)) => look::check(&args.files),
        Some(Command::Plan(args)) => look::plan(&args.playbook),
        Some(Command::Identity(args)) => identity::identity(&args),
        Some(Command::Doctor(args)) => doctor::doctor(&args),
        Some(Command::Schema) => look::schema(),
        Some(Command::Completions(args)) => Ok(args.print()),
        Some(Command::Man) => Ok(crate::cli::print_man()),
    }
}

/// Puts a refusal of the first input into an ending: nothing was started.
fn refused(refusal: &Refusal) -> Ending {
    let code = match refusal {
        Refusal::Missing { .. } | Refusal::NeedsTyping { .. } => Code::PersonNeeded,
        Refusal::NoRoom { .. } => Code::Failed,
        _ => Code::Usage,
    };
    let next = match refusal {
        Refusal::NoRoom { .. } => "it has not been started; make room, then `runsheet resume`",
        _ => "nothing has been started",
    };
    Ending { code, what: words::refusal(refusal), because: None, next: Some(next.to_owned()) }
}
