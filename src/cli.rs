//! The command line: its words, its help, its completions. What they do is for `app`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::ending::Code;
use crate::output::visible_plain;

mod drills;

pub use drills::{DrillsArgs, DrillsCommand, RecordArgs, ShowDrillArgs, TestArgs};

/// Walks you through an operations playbook, step by step: every command shown before it runs, every change verified
/// against the real system, every step reversible, everything on record.
///
/// Without a command it opens the library, to choose a playbook or an open run.
#[derive(Debug, Parser)]
#[command(name = "runsheet", version, max_term_width = 100, after_help = EXIT)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT: &str = "Exit status: 0 completed, 1 ended with steps failed, skipped or abandoned, 2 called wrongly, \
3 playbook not sound, 4 rolled back, 5 rollback incomplete, 6 sign-off missing or refused, 7 a person is needed, \
130 interrupted (can be resumed)";

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Walk a playbook
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Go on with a run that was interrupted
    Resume(ResumeArgs),
    /// Come back to a run that goes on in the background
    Attach(AttachArgs),
    /// Look on at a run, live, without being able to change anything
    Watch(AttachArgs),
    /// Undo a run, whole or back to a step
    Rollback(RollbackArgs),
    /// Sign off a run or one of its steps, from your own terminal
    #[command(after_help = SIGN_EXAMPLES)]
    Sign(SignArgs),
    /// List the runs, newest first
    #[command(after_help = RUNS_EXAMPLES)]
    Runs(RunsArgs),
    /// Say where a run stands
    Show(ShowArgs),
    /// Print the record of a run
    Report(ReportArgs),
    /// List what is overdue, and what stays to be done after runs
    Due(DueArgs),
    /// Hold the record of a run against itself: what of it is proved, and what is not
    Audit(AuditArgs),
    /// Write a run that is over as one file, to be read on any machine
    Export(ExportArgs),
    /// Say what differed between two runs
    Diff(DiffArgs),
    /// List who practised what, when, and with what result
    Drills(DrillsArgs),
    /// Walk every drill of playbooks without anybody, and say which cannot be completed
    Test(TestArgs),
    /// Print what a drill can show in place of the real thing, as a run has seen it
    Record(RecordArgs),
    /// List the playbooks of the library
    List(Listing),
    /// Find the faults in playbooks without running anything
    Check(CheckArgs),
    /// Print a playbook as a checklist
    Plan(PlanArgs),
    /// Show your key, and protect it by a passphrase
    Identity(IdentityArgs),
    /// Say what this machine lacks for a run
    Doctor(DoctorArgs),
    /// Print the JSON Schema of the playbook format
    Schema,
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

const RUN_EXAMPLES: &str = "Examples:
  runsheet run playbooks/first-steps.yaml
  runsheet run rotate.yaml --dry-run --input environment=staging
  runsheet run rotate.yaml --drill --speed 4x
  runsheet run rotate.yaml --unattended --answers answers.yaml --on-failure rollback";

const RUNS_EXAMPLES: &str = "Examples:
  runsheet runs --since 7d --state open
  runsheet runs --since 2026-03-01 --playbook first-steps --json";
const SIGN_EXAMPLES: &str = "Examples:
  runsheet sign
  runsheet sign 01J8 --role reviewer --key ~/.ssh/id_ed25519.pub
  runsheet sign 01J8 --refuse --reason 'the restore was not tried'
  runsheet sign 01J8 --statement > s.txt; ssh-keygen -Y sign -n runsheet -f KEY s.txt; runsheet sign 01J8 --signature s.txt.sig";

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The playbook: a file, or a name in the library
    pub playbook: String,
    /// Answer an input of the briefing (never a secret); may be repeated
    #[arg(long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Change nothing: run only what is read-only, show the rest
    #[arg(long)]
    pub dry_run: bool,
    /// Practise: one of the playbook's drills, or a walk-through without an id; nothing real is touched
    #[arg(long, value_name = "ID", num_args = 0..=1, conflicts_with = "dry_run")]
    pub drill: Option<Option<String>>,
    /// How fast a drill plays what it simulates: 4x, 0.5x, instant
    #[arg(long, value_name = "SPEED", requires = "drill")]
    pub speed: Option<String>,
    /// The change ticket, for the record
    #[arg(long, value_name = "REF")]
    pub ticket: Option<String>,
    /// How it is walked.
    #[command(flatten)]
    pub front: FrontArgs,
}

/// How a run is walked: `run`, `resume` and `rollback` take these.
#[derive(Clone, Debug, Default, Args)]
pub struct FrontArgs {
    /// Plain lines in place of the full screen: for screen readers, simple terminals and scripts that answer
    #[arg(long, conflicts_with = "unattended")]
    pub plain: bool,
    /// Nobody is there: answers come from a file, and the run stops (7) at the first thing that needs a person
    #[arg(long)]
    pub unattended: bool,
    /// The answers of an unattended run (YAML)
    #[arg(long, value_name = "FILE", requires = "unattended")]
    pub answers: Option<PathBuf>,
    /// Keep everything in this process: the run ends with its terminal (unattended runs do that anyway)
    #[arg(long)]
    pub foreground: bool,
    /// What follows when a step fails and the playbook leaves it open
    #[arg(long, value_name = "WHAT", requires = "unattended")]
    pub on_failure: Option<OnFailureArg>,
    /// Who runs this, for the record; your account when left out
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
}

/// What `--on-failure` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnFailureArg {
    /// Stop; the run stays open
    Stop,
    /// Roll everything back
    Rollback,
}

/// `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run, by the beginning of its id; the latest open one when left out
    pub run: Option<String>,
    /// How it is walked.
    #[command(flatten)]
    pub front: FrontArgs,
}

/// `attach` and `watch`.
#[derive(Clone, Debug, Default, Args)]
pub struct AttachArgs {
    /// The run, by the beginning of its id; the latest that goes on in the background when left out
    pub run: Option<String>,
    /// Plain lines in place of the full screen
    #[arg(long)]
    pub plain: bool,
    /// Who sits here, for the record; your account when left out
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
}

/// `rollback`.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The run, by the beginning of its id
    pub run: String,
    /// The last step to be undone; everything when left out
    #[arg(long, value_name = "STEP")]
    pub to: Option<String>,
    /// How it is walked.
    #[command(flatten)]
    pub front: FrontArgs,
}

/// `sign`.
#[derive(Clone, Debug, Default, Args)]
pub struct SignArgs {
    /// The run, by the beginning of its id; the latest open one when left out
    pub run: Option<String>,
    /// The step that waits for a signature; found by itself when left out
    pub step: Option<String>,
    /// The role that you sign in, where several are missing
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// Your name, as it stands among the allowed signers; found by your key where it stands there
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The SSH key to sign with; a public one where the agent has the private one
    #[arg(long, value_name = "FILE", conflicts_with = "typed")]
    pub key: Option<PathBuf>,
    /// Sign by your typed name only; it is recorded as typed, not as proven
    #[arg(long)]
    pub typed: bool,
    /// Refuse to sign
    #[arg(long)]
    pub refuse: bool,
    /// Why you refuse; asked for when left out
    #[arg(long, value_name = "TEXT", requires = "refuse")]
    pub reason: Option<String>,
    /// Print what would be signed, to be signed elsewhere
    #[arg(long, conflicts_with_all = ["typed", "key", "signature"])]
    pub statement: bool,
    /// Hand in a signature made elsewhere: FILE.sig, with the statement beside it as FILE
    #[arg(long, value_name = "FILE.sig", conflicts_with_all = ["typed", "key", "refuse", "role", "name", "step"])]
    pub signature: Option<PathBuf>,
}

/// A listing.
#[derive(Debug, Args)]
pub struct Listing {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `due`.
#[derive(Clone, Debug, Default, Args)]
pub struct DueArgs {
    /// Print JSON
    #[arg(long, conflicts_with = "done")]
    pub json: bool,
    /// Count playbooks that say `every` and were never completed as overdue
    #[arg(long, conflicts_with = "done")]
    pub strict: bool,
    /// Mark what stayed to be done after a run as done: the run, and the number of the item
    #[arg(long, value_name = "RUN:N")]
    pub done: Option<String>,
    /// What there is to say of it, for the record (never a secret)
    #[arg(long, value_name = "TEXT", requires = "done")]
    pub note: Option<String>,
    /// Who says so, for the record; your account when left out
    #[arg(long, value_name = "NAME", requires = "done")]
    pub operator: Option<String>,
}

/// `runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Only those that began since then: how long ago (7d, 36h), a day or a moment
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Only those of this playbook: its name, its file or its title
    #[arg(long, value_name = "NAME")]
    pub playbook: Option<String>,
    /// Only those in this state
    #[arg(long, value_enum)]
    pub state: Option<RunState>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What `runs --state` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RunState {
    /// Not over yet, whether somebody is at it or not
    Open,
    /// Not over yet, and carried on at this moment
    Running,
    /// Came to its end
    Completed,
    /// Undone as a whole
    RolledBack,
    /// Given up
    Abandoned,
}

/// `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The run, by the beginning of its id, or an exported file; the latest when left out
    #[arg(value_name = "RUN|FILE")]
    pub run: Option<String>,
    /// The head as a report, a signature or a colleague noted it: the journal must have it
    #[arg(long, value_name = "SHA256")]
    pub head: Option<String>,
    /// Whose keys are believed, in place of the configuration's file: an `allowed_signers` file (see ssh-keygen)
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The run, by the beginning of its id; the latest when left out
    pub run: Option<String>,
    /// The file to write; `runsheet-RUN.tar` here when left out
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// A run, by the beginning of its id, or an exported file
    #[arg(value_name = "RUN|FILE")]
    pub first: String,
    /// The other one
    #[arg(value_name = "RUN|FILE")]
    pub second: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The run, by the beginning of its id, or an exported file; the latest when left out
    #[arg(value_name = "RUN|FILE")]
    pub run: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run, by the beginning of its id, or an exported file; the latest when left out
    #[arg(value_name = "RUN|FILE")]
    pub run: Option<String>,
    /// The format
    #[arg(long, value_enum, default_value_t = ReportFormat::Md)]
    pub format: ReportFormat,
    /// Write it to a file, which only you can read, in place of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What `report --format` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Markdown
    Md,
    /// One page, for any browser and for printing
    Html,
    /// JSON, for machines
    Json,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The playbooks
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
}

/// `identity`.
#[derive(Debug, Args)]
pub struct IdentityArgs {
    /// Ask for a passphrase and encrypt the key with it, as `age -p` does
    #[arg(long, conflicts_with_all = ["unprotect", "change"])]
    pub protect: bool,
    /// Take the passphrase off
    #[arg(long, conflicts_with = "change")]
    pub unprotect: bool,
    /// Ask for another passphrase
    #[arg(long)]
    pub change: bool,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The playbook: a file, or a name in the library
    pub playbook: String,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Playbooks whose needs are looked at too: files, or names in the library
    #[arg(value_name = "PLAYBOOK")]
    pub playbooks: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

impl CompletionsArgs {
    /// Prints the completions.
    #[must_use]
    pub fn print(&self) -> Code {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "runsheet", &mut text);
        write_out(&text)
    }
}

/// Prints the manual page.
#[must_use]
pub fn print_man() -> Code {
    let mut text = Vec::new();
    match clap_mangen::Man::new(Cli::command()).render(&mut text) {
        Ok(()) => write_out(&text),
        Err(_) => Code::Failed,
    }
}

fn write_out(text: &[u8]) -> Code {
    match std::io::stdout().write_all(text) {
        Ok(()) => Code::Done,
        // Whoever read it has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Code::Done,
        Err(_) => Code::Failed,
    }
}

impl Cli {
    /// Reads the command line. Help, the version and mistakes are printed here.
    ///
    /// # Errors
    /// The exit status to end with at once.
    pub fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| {
            let code = if error.use_stderr() { Code::Usage } else { Code::Done };
            // Where it cannot be printed there is nobody to tell.
            let _ = if error.use_stderr() {
                // It quotes what was typed, or pasted.
                std::io::stderr().write_all(visible_plain(&error.render().to_string()).as_bytes())
            } else {
                error.print()
            };
            code.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_words_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn answers_need_unattended() {
        assert!(Cli::try_parse_from(["runsheet", "run", "x.yaml", "--answers", "a.yaml"]).is_err());
        assert!(Cli::try_parse_from(["runsheet", "run", "x.yaml", "--unattended", "--answers", "a.yaml"]).is_ok());
    }
}
