//! A playbook once checked: what the engine walks, exec carries out and the fronts show.
//!
//! A [`Plan`] can only be had from [`check`](super::check()), so whoever holds one need not ask again whether a name is known,
//! a pattern compiles or a step can be undone. It is plain data: nothing here reads a file, a clock or the terminal.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use regex::Regex;

pub use super::drill::{Drill, DrillFault, Move, ProbeShows, Quiz, Response, Shows, Simulated};
pub use super::evidence::{EvidenceSpec, Want};
pub use super::name::{Name, StepId};
pub use super::template::{Part, Template};

/// A checked playbook.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What the playbook is called.
    pub title: String,
    /// One or two sentences for lists.
    pub summary: Option<String>,
    /// Markdown for the briefing.
    pub description: Option<String>,
    /// The playbook's own version.
    pub version: Option<String>,
    /// Who keeps it.
    pub owners: Vec<String>,
    /// Whom to call: a role and how to reach it, in the order of the file.
    pub contacts: Vec<(String, String)>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The planned length of the change.
    pub window: Option<Duration>,
    /// How often it should be carried out.
    pub every: Option<Duration>,
    /// Inputs with the values that make a run protected.
    pub protected: Vec<(Name, Vec<String>)>,
    /// Programs that must be on `PATH`.
    pub requires: Vec<String>,
    /// What is asked in the briefing.
    pub inputs: Vec<InputSpec>,
    /// The phases, each with its range of [`Plan::steps`].
    pub phases: Vec<Phase>,
    /// All steps in the order they are walked: phases, success criteria, cleanup, after a rollback.
    pub steps: Vec<Step>,
    /// Files with secrets that steps create: removed at the end.
    pub temporary: Vec<Template>,
    /// The roles that sign when all is done.
    pub sign_off: Option<SignOff>,
    /// What stays to be done after the run.
    pub follow_up: Vec<FollowUp>,
    /// Exercises.
    pub drills: Vec<Drill>,
    /// It is walked as a drill, so the questions of its steps are asked.
    pub asks: bool,
    /// Every name that takes a value, with where it comes from.
    pub names: HashMap<Name, NameSpec>,
    /// Inputs of included playbooks that the including one gives as a text.
    pub fixed: Vec<(Name, String)>,
    /// The included playbooks, by the ids of the steps that include them, from the outside: `step` or `step/inner`.
    pub scopes: HashMap<String, Scope>,
    /// The place of each step in [`Plan::steps`].
    pub index: HashMap<StepId, usize>,
}

impl Plan {
    /// Finds a step by its id.
    #[must_use]
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.index.get(id).and_then(|&at| self.steps.get(at))
    }

    /// Makes it one that is walked as a drill.
    #[must_use]
    pub fn for_drill(self) -> Self {
        Self { asks: true, ..self }
    }

    /// Returns the question that is asked before a step: never in a real run.
    #[must_use]
    pub fn quiz(&self, id: &StepId) -> Option<&Quiz> {
        self.step(id).filter(|_| self.asks)?.quiz.as_ref()
    }

    /// Says whether a value of this name is a secret.
    #[must_use]
    pub fn is_secret(&self, name: &Name) -> bool {
        self.names.get(name).is_some_and(|spec| spec.secret)
    }

    /// Finds the included playbook that a step or a name belongs to; none for the playbook that is run.
    #[must_use]
    pub fn scope(&self, of: &str) -> Option<&Scope> {
        of.rsplit_once('/').and_then(|(scope, _)| self.scopes.get(scope))
    }

    /// Returns the range of steps of one section.
    #[must_use]
    pub fn section(&self, section: Section) -> Range<usize> {
        let start = self.steps.iter().position(|step| step.section == section);
        match start {
            Some(start) => {
                let len = self.steps[start..].iter().take_while(|step| step.section == section).count();
                start..start + len
            }
            None => 0..0,
        }
    }
}

/// An included playbook, as far as its steps differ from those of the playbook that is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The folder that its relative paths start from, as seen from that of the playbook that is run.
    pub folder: String,
    /// The variables that its scripts get, with the values that they stand for.
    pub variables: Vec<(String, Name)>,
}

/// What is known of a name that takes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameSpec {
    /// Whether its value is a secret.
    pub secret: bool,
    /// The environment variable that scripts get it under.
    pub env: String,
}

/// A group of steps with a title.
#[derive(Clone, Debug)]
pub struct Phase {
    /// What the phase is called.
    pub title: Template,
    /// Its steps, as a range of [`Plan::steps`].
    pub steps: Range<usize>,
}

/// The part of the playbook that a step stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// A phase.
    Main,
    /// A success criterion, lowered to a step that only checks or asks.
    Success,
    /// Offered at the end.
    Cleanup,
    /// Once a rollback has undone its last step.
    AfterRollback,
}

/// A step of the walk.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its id, used by the journal and the command line.
    pub id: StepId,
    /// What it is called.
    pub title: Template,
    /// Where in the playbook it stands.
    pub section: Section,
    /// The line of the file that it begins on, from 1.
    pub line: usize,
    /// What it does.
    pub action: Action,
    /// Why it is done; Markdown.
    pub why: Option<Template>,
    /// A hint for somebody who is stuck.
    pub hint: Option<Template>,
    /// Whether it takes part in this run.
    pub when: Vec<(Name, Vec<String>)>,
    /// What undoes it, in order; for an irreversible step, the way forward.
    pub rollback: Vec<Action>,
    /// Why it cannot be undone.
    pub irreversible: Option<Template>,
    /// It changes nothing.
    pub read_only: bool,
    /// It may be skipped without a reason.
    pub optional: bool,
    /// What the operator must have read and agreed to before it starts.
    pub confirm: Option<Template>,
    /// How long it should take.
    pub estimate: Option<Duration>,
    /// How often its command may be tried.
    pub retry: Retry,
    /// What follows when it fails.
    pub on_failure: OnFailure,
    /// Fetches the same captures again, without changing anything.
    pub recapture: Option<Action>,
    /// Who signs it once it is done.
    pub sign_off: Option<SignOff>,
    /// What is kept as proof of it, in order.
    pub evidence: Vec<EvidenceSpec>,
    /// A question that a drill asks about it.
    pub quiz: Option<Quiz>,
}

/// What a step, or one action of a rollback, does and how that is judged.
#[derive(Clone, Debug)]
pub struct Action {
    /// What it is called; an action of a rollback may have none.
    pub title: Option<Template>,
    /// What is done.
    pub act: Act,
    /// What a command's standard output and status must be.
    pub expect: Vec<Expect>,
    /// What is taken from a command's standard output.
    pub capture: Vec<Capture>,
    /// How the world is asked whether it worked.
    pub verify: Vec<ProbeSpec>,
    /// How long the command may take.
    pub timeout: Option<Duration>,
    /// What a drill shows in its place, by attempt: the last one holds for all that follow.
    pub simulate: Vec<Simulated>,
}

impl Action {
    /// Says whether a probe of it reads what came into a log since it began.
    #[must_use]
    pub fn reads_logs(&self) -> bool {
        self.verify.iter().any(|probe| matches!(probe.probe, Probe::Log(_)))
    }
}

/// What a step comes down to.
#[derive(Clone, Debug)]
pub enum Act {
    /// A program or a shell script.
    Run(RunSpec),
    /// Something that a person does, confirms or answers.
    Person(PersonSpec),
    /// Secrets are made.
    Generate(Vec<GenerateSpec>),
    /// Files are changed.
    Edit(Vec<EditSpec>),
    /// Copies of files are kept.
    Snapshot(Vec<SnapshotSpec>),
    /// Nothing is done; the probes are the step.
    Verify,
    /// Time passes.
    Wait(Duration),
}

impl Act {
    /// Says whether a person attends its program at a terminal.
    #[must_use]
    pub fn has_terminal(&self) -> bool {
        matches!(self, Self::Run(RunSpec { manner: Manner::Terminal, .. }))
    }

    /// Returns what ends its program, where that does not end by itself.
    #[must_use]
    pub fn until(&self) -> Option<&Until> {
        match self {
            Self::Run(RunSpec { manner: Manner::Until(until), .. }) => Some(until),
            Self::Run(RunSpec { manner: Manner::Alone | Manner::Terminal, .. })
            | Self::Person(_)
            | Self::Generate(_)
            | Self::Edit(_)
            | Self::Snapshot(_)
            | Self::Verify
            | Self::Wait(_) => None,
        }
    }
}

/// A program to start.
#[derive(Clone, Debug)]
pub struct RunSpec {
    /// What is started.
    pub program: Program,
    /// Variables of its own, beside those that every script gets.
    pub env: Vec<(String, Variable)>,
    /// What it reads on standard input; nothing when left out.
    pub stdin: Option<Given>,
    /// Where it runs; when left out, the playbook's folder, and on another machine the home folder there.
    pub cwd: Option<Template>,
    /// The machine that it runs on, as OpenSSH knows it; this one when left out.
    pub host: Option<Template>,
    /// How it comes to its end.
    pub manner: Manner,
}

/// How a program comes to its end.
#[derive(Clone, Debug, Default)]
pub enum Manner {
    /// By itself.
    #[default]
    Alone,
    /// From the keys of a person, who attends it at a terminal.
    Terminal,
    /// It goes on until something is seen, and is stopped then: that is its success.
    Until(Until),
}

/// What ends a program that does not end by itself. One of the two at least is there.
#[derive(Clone, Debug)]
pub struct Until {
    /// A line of its output that this matches.
    pub matches: Option<Regex>,
    /// The operator's word that enough was seen.
    pub enough: bool,
}

/// What a [`RunSpec`] starts.
#[derive(Clone, Debug)]
pub enum Program {
    /// A shell script, passed as the last word.
    Script {
        /// The text as written; no template.
        text: String,
        /// The words before it: `bash -euo pipefail -c` unless `shell:` says otherwise.
        shell: Vec<String>,
    },
    /// A program with its arguments; no shell.
    Words(Vec<Template>),
}

/// A text, or a secret by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A text with `${name}`.
    Text(Template),
    /// A secret.
    Secret(Name),
}

/// What a variable of a program holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// A value.
    Given(Given),
    /// The path of a file with this in it, in memory and readable by its owner alone, that is gone with the program.
    File(Content),
    /// `/dev/fd/N`: a descriptor, handed down to the program, from which this can be read.
    Descriptor(Content),
}

impl Variable {
    /// Lists the names that it uses, in order, as often as they occur.
    #[must_use]
    pub fn names(&self) -> Box<dyn Iterator<Item = &Name> + '_> {
        match self {
            Self::Given(Given::Text(text)) => Box::new(text.names()),
            Self::Given(Given::Secret(name)) => Box::new(std::iter::once(name)),
            Self::File(content) | Self::Descriptor(content) => Box::new(content.text.names()),
        }
    }
}

/// A text for a program alone, in which secrets may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The text. Unlike any other, it may have secrets among its `${name}`.
    pub text: Template,
    /// How values are written in it.
    pub escape: Escape,
}

/// How a value is written in a text that a program will read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    #[default]
    None,
    /// For between double quotes, as `MySQL` option files, curl's configuration and JSON read it.
    Quoted,
    /// For a field of `PostgreSQL`'s password file: a backslash before `:` and `\`.
    Pgpass,
    /// Percent-encoded, all but RFC 3986's unreserved characters.
    Percent,
}

/// What a person is asked to do, to confirm or to bring back.
#[derive(Clone, Debug, Default)]
pub struct PersonSpec {
    /// Instructions; Markdown. None for a plain question and for a statement to confirm.
    pub text: Option<Template>,
    /// A link to open or copy.
    pub open: Option<Template>,
    /// What is asked for.
    pub ask: Vec<InputSpec>,
    /// Who approves; then nothing else is asked for.
    pub approval: Option<SignOff>,
}

/// A value that is asked for.
#[derive(Clone, Debug)]
pub struct InputSpec {
    /// Its name.
    pub name: Name,
    /// What it may be.
    pub kind: InputKind,
    /// The question.
    pub prompt: Option<Template>,
    /// What is taken when nothing is given.
    pub default: Option<Template>,
    /// What it must match.
    pub pattern: Option<Regex>,
    /// How many characters it must have at least.
    pub min_length: Option<usize>,
    /// The value that it must differ from.
    pub differs_from: Option<Name>,
    /// The environment variable that scripts get it under.
    pub env: String,
    /// Where it can be taken from.
    pub from: Option<Source>,
}

/// The type of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Any text.
    Text,
    /// One of these.
    Choice(Vec<String>),
    /// The path of a file or folder.
    Path,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// An absolute URL.
    Url,
    /// A duration such as `1h30m`.
    Duration,
    /// Something that is never shown.
    Secret,
}

/// Where an input is taken from when nobody gives it.
#[derive(Clone, Debug)]
pub enum Source {
    /// An environment variable of ours.
    Env(String),
    /// The text of a file, one line end at the end cut off.
    File(Template),
    /// A key of a dotenv file.
    Dotenv {
        /// The file.
        file: Template,
        /// The key.
        key: String,
        /// The part of its value, taken as a URL; the whole when left out.
        part: Option<UrlPart>,
    },
    /// The trimmed standard output of a command.
    Run(RunSpec),
}

/// A part of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlPart {
    /// The user name, decoded.
    User,
    /// The password, decoded.
    Password,
    /// The host.
    Host,
    /// The port.
    Port,
    /// The path without its first slash: the name of a database.
    Database,
}

/// A secret to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerateSpec {
    /// Its name.
    pub name: Name,
    /// How it is made.
    pub how: Generate,
}

/// How a secret is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generate {
    /// Random bytes, written as text.
    Bytes {
        /// How many bytes.
        bytes: usize,
        /// How they are written.
        encoding: Encoding,
    },
    /// Random characters.
    Characters {
        /// How many characters.
        length: usize,
        /// Which ones.
        alphabet: Alphabet,
    },
}

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 4648, section 4, with padding.
    Base64,
    /// Small hexadecimal digits.
    Hex,
    /// RFC 4648, section 5, without padding.
    Base64Url,
}

/// The characters of a generated secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// `A-Z a-z 0-9`.
    Alphanumeric,
    /// The printable characters of ASCII without the blank.
    Symbols,
}

/// One change to a file.
#[derive(Clone, Debug)]
pub struct EditSpec {
    /// The file.
    pub file: Template,
    /// Where in it.
    pub place: EditPlace,
    /// What is put there.
    pub put: Put,
    /// How many places there must be, exactly.
    pub count: usize,
}

/// Where in a file an edit works.
#[derive(Clone, Debug)]
pub enum EditPlace {
    /// The value of a key of a dotenv file.
    Dotenv(String),
    /// The value that a JSON pointer (RFC 6901) leads to in a file of this format.
    Value(Format, String),
    /// What a regular expression matches, or its one group.
    Match(Regex),
    /// A line of its own, after the last one.
    Append {
        /// The file need not be there; then it is made, and a rollback removes it.
        missing: bool,
    },
}

/// A format of files in which single values can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON (RFC 8259); comments may stand in it.
    Json,
    /// YAML 1.2, one document.
    Yaml,
    /// TOML 1.0.
    Toml,
}

impl Format {
    /// Returns its name, as people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
        }
    }
}

/// What an edit puts in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// A value, literally.
    Value(Given),
    /// Only the password inside the URL that stands there, percent-encoded.
    UrlPassword(Name),
}

/// One file to keep a copy of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotSpec {
    /// The file.
    pub file: Template,
    /// It need not be there; then a rollback removes what came.
    pub missing: bool,
}

/// What is taken from an output.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The name it gets.
    pub name: Name,
    /// How it is found.
    pub how: CaptureHow,
    /// Whether it is a secret.
    pub secret: bool,
}

/// How a capture is found in an output.
#[derive(Clone, Debug)]
pub enum CaptureHow {
    /// By a JSON pointer (RFC 6901).
    Json(String),
    /// By the first match of a regular expression, or its one group.
    Regex(Regex),
    /// The trimmed whole.
    Whole,
}

/// A probe with how its answer is judged.
#[derive(Clone, Debug)]
pub struct ProbeSpec {
    /// What it is called; made up from the probe when left out.
    pub title: Option<Template>,
    /// The question.
    pub probe: Probe,
    /// What the answer must be.
    pub expect: Vec<Expect>,
    /// For how long it is asked again until the answer is right; asked once when left out.
    pub within: Option<Duration>,
    /// The time between two attempts.
    pub every: Duration,
    /// The most that one attempt may take.
    pub timeout: Duration,
    /// What is taken from the answer.
    pub capture: Vec<Capture>,
    /// A failure is only a warning.
    pub warn: bool,
    /// What a drill shows in its place, by attempt: the last one holds for all that follow.
    pub simulate: Vec<Simulated>,
}

/// A question to the world.
#[derive(Clone, Debug)]
pub enum Probe {
    /// A command's status and output.
    Command(RunSpec),
    /// An HTTP request.
    Http(Box<HttpSpec>),
    /// A TCP connection to `HOST:PORT`.
    Tcp(Template),
    /// A TLS handshake.
    Tls(TlsSpec),
    /// A login, and a query, on `PostgreSQL`.
    Postgres(DatabaseSpec),
    /// A login, and a query, on MySQL or MariaDB.
    Mysql(DatabaseSpec),
    /// A login, and a command, on Redis or Valkey.
    Redis(DatabaseSpec),
    /// A login, and a subject, on NATS.
    Nats(Box<NatsSpec>),
    /// What a file is.
    File(FileSpec),
    /// What came into a log since the step began: the log's path.
    Log(Template),
    /// A value that the run has.
    Value(Name),
}

/// An HTTP request.
#[derive(Clone, Debug)]
pub struct HttpSpec {
    /// The address.
    pub url: Template,
    /// The method; `GET`, or `POST` where there is a body, when left out.
    pub method: Option<String>,
    /// Header fields.
    pub headers: Vec<(String, Given)>,
    /// The body.
    pub body: Option<HttpBody>,
    /// A secret sent as a bearer token.
    pub bearer: Option<Name>,
    /// A user and a secret for basic authentication.
    pub basic: Option<(Template, Name)>,
    /// A file with the certificates to trust, in place of the system's.
    pub ca: Option<Template>,
}

/// The body of an HTTP request.
#[derive(Clone, Debug)]
pub enum HttpBody {
    /// Fields of a form.
    Form(Vec<(String, Given)>),
    /// Fields of a flat JSON object.
    Json(Vec<(String, Given)>),
}

/// A TLS handshake and what the certificate must be.
#[derive(Clone, Debug)]
pub struct TlsSpec {
    /// `HOST:PORT`.
    pub address: Template,
    /// The name that the certificate must be good for; the host when left out.
    pub name: Option<Template>,
    /// How many days it must still be good for.
    pub days_left: Option<u32>,
    /// A file with the certificates to trust, in place of the system's.
    pub ca: Option<Template>,
}

/// A login on a database server.
#[derive(Clone, Debug)]
pub struct DatabaseSpec {
    /// The address, without a password.
    pub url: Template,
    /// The password.
    pub password: Option<Name>,
    /// A file with the certificates to trust, in place of the system's.
    pub ca: Option<Template>,
    /// What is asked once logged in: SQL, or the words of a Redis command.
    pub query: Option<Template>,
}

/// A login on a NATS server, and what it must be good for.
#[derive(Clone, Debug)]
pub struct NatsSpec {
    /// The address, without a password.
    pub url: Template,
    /// How to log in; without a word when left out.
    pub login: Option<NatsLogin>,
    /// A file with the certificates to trust, in place of the system's.
    pub ca: Option<Template>,
    /// A subject, and what is done with it.
    pub subject: Option<(NatsUse, Template)>,
    /// Whether `JetStream` must answer.
    pub jetstream: bool,
}

/// How to log in on NATS: a secret, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NatsLogin {
    /// The password of the user in the address.
    Password(Name),
    /// A token.
    Token(Name),
    /// The text of a `.creds` file.
    Creds(Name),
}

impl NatsLogin {
    /// Returns the name of the secret.
    #[must_use]
    pub fn name(&self) -> &Name {
        match self {
            Self::Password(name) | Self::Token(name) | Self::Creds(name) => name,
        }
    }
}

/// What is done with a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatsUse {
    /// An empty message is published to it.
    Publish,
    /// It is subscribed to.
    Subscribe,
    /// An empty request is sent to it, and answered.
    Request,
}

/// What a file must be. Each that is given must hold.
#[derive(Clone, Debug)]
pub struct FileSpec {
    /// The file.
    pub path: Template,
    /// Whether it is there; `true` when left out.
    pub exists: bool,
    /// Its mode, such as 0o640.
    pub mode: Option<u32>,
    /// A text that stands in it.
    pub contains: Option<Given>,
    /// Keys of a dotenv file with their values.
    pub dotenv: Vec<(String, Given)>,
    /// The SHA-256 of its bytes, in small hex.
    pub sha256: Option<Template>,
}

/// What an answer must be.
#[derive(Clone, Debug)]
pub enum Expect {
    /// The exit status.
    Exit(i32),
    /// A text stands in it.
    Contains(Template),
    /// A text does not stand in it.
    NotContains(Template),
    /// A regular expression matches.
    Matches(Regex),
    /// It is this, trimmed.
    Equals(Template),
    /// A JSON pointer leads to this.
    Json(String, JsonValue),
    /// The HTTP status.
    Status(u16),
    /// How many rows a query gives.
    Rows(u64),
    /// A number from the first to the second, both included.
    Between(Amount, Amount),
    /// A number near another.
    CloseTo {
        /// The other number.
        number: Amount,
        /// How far away it may be.
        tolerance: f64,
    },
    /// The system refuses this credential.
    Denied,
}

/// A number to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Amount {
    /// One that stands in the playbook.
    Number(f64),
    /// A value of the run: what was measured before.
    Value(Name),
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Value(name) => write!(f, "${{{name}}}"),
        }
    }
}

/// A value expected in JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonValue {
    /// A text, in which names may stand.
    Text(Template),
    /// Anything else, literally.
    Literal(serde_json::Value),
}

/// How often a command may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all.
    pub attempts: u32,
    /// The time between two of them.
    pub every: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 1, every: Duration::from_secs(1) }
    }
}

/// What follows when a step fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The operator decides.
    #[default]
    Ask,
    /// The run stops and stays open.
    Stop,
    /// The walk goes on.
    Continue,
    /// Everything is rolled back.
    Rollback,
}

/// Who signs, at the end or in the middle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOff {
    /// The roles.
    pub by: Vec<String>,
    /// Whether they must be different people.
    pub distinct: bool,
}

/// Something that stays to be done after the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// What.
    pub title: Template,
    /// By when, from the end of the run.
    pub within: Option<Duration>,
}
