//! The session's loop: what is written down before what, and what happens when something goes wrong around it.
//!
//! Executor, journal and front are scripted; all three write what they see into one list, whose order is the point.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests a failure is said by failing")]

use std::collections::{BTreeMap, VecDeque};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runsheet::engine::{Begun, Effect, How, Input, Record, Refusal, Run, Stamped, StepState, Target};
use runsheet::exec::{Executor, Report};
use runsheet::front::{Answer, Front, Say, Update, Words};
use runsheet::journal::Log;
use runsheet::playbook::plan::{Name, Plan, Source, StepId};
use runsheet::secret::Secret;
use runsheet::session::{Because, NoKeys, Over, Session};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::story::{self, input, marks, record, target};

/// What happened, in its order.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn see(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A journal in memory, which fails at a record or at its sync.
struct Paper {
    seen: Seen,
    fails_at: Option<&'static str>,
    dirty: bool,
}

impl Log for Paper {
    fn append(&mut self, stamped: &Stamped) -> Result<(), String> {
        let text = record(&stamped.record);
        if self.fails_at == Some(text.as_str()) {
            return Err("the journal cannot be written: no space".to_owned());
        }
        if let Record::Note { text, .. } = &stamped.record {
            self.seen.see(format!("note {text}"));
        }
        self.seen.see(format!("write {text}"));
        self.dirty = true;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), String> {
        if self.fails_at == Some("sync") {
            return Err("the journal cannot be written: no space".to_owned());
        }
        if std::mem::take(&mut self.dirty) {
            self.seen.see("sync");
        }
        Ok(())
    }

    fn reserve(&mut self) -> Result<(), String> {
        if self.fails_at == Some("reserve") {
            return Err("the journal has no room: no space".to_owned());
        }
        self.seen.see("reserve");
        Ok(())
    }
}

/// A world that answers each effect as it is told to; what it is told nothing of takes for ever, until it is stopped.
struct World {
    seen: Seen,
    reports: UnboundedSender<Report>,
    /// What it says to each effect, in words: `ok a`.
    says: BTreeMap<String, VecDeque<&'static str>>,
    plan: Arc<Plan>,
    /// What runs, to be stopped.
    runs: Option<(Target, u32)>,
    /// How the running command takes a polite stop: it ends all the same, or it was done just then.
    stop: How,
}

impl Executor for World {
    fn start(&mut self, effect: Effect, _values: &BTreeMap<Name, String>) {
        let turn = runsheet::engine::Turn { records: Vec::new(), effects: vec![effect.clone()] };
        let text = story::told(&turn)[2..].to_owned();
        self.seen.see(format!("do {text}"));
        match &effect {
            Effect::Perform { target, attempt, .. } | Effect::Edit { target, attempt, .. } => {
                self.runs = Some((target.clone(), *attempt));
            }
            Effect::Probe { target, .. } => self.runs = Some((target.clone(), 0)),
            Effect::Stop { .. } | Effect::Enough { .. } => {
                if let Some((target, attempt)) = self.runs.take() {
                    let input = match attempt {
                        0 => Input::Probed { target, verdicts: vec![story::verdict(false, false)] },
                        _ => Input::Performed { target, attempt, outcome: story::outcome(self.stop, &[]) },
                    };
                    self.reports.send(Report::Input(input)).unwrap();
                }
                return;
            }
            Effect::LookAhead { .. }
            | Effect::Save { .. }
            | Effect::Restore { .. }
            | Effect::Recapture { .. }
            | Effect::KeepOutput { .. }
            | Effect::RemoveTemporary
            | Effect::Close
            | Effect::Leave => {}
        }
        if let Some(said) = self.says.get_mut(&text).and_then(VecDeque::pop_front) {
            self.runs = None;
            let mut result = input(said, &self.plan, &Run::new(&self.plan));
            if let (
                Effect::Perform { attempt: of, .. } | Effect::Edit { attempt: of, .. },
                Input::Performed { attempt, .. },
            ) = (&effect, &mut result)
            {
                *attempt = *of;
            }
            self.reports.send(Report::Input(result)).unwrap();
        }
    }

    fn fingerprints(&self, _names: &[Name]) -> BTreeMap<Name, String> {
        BTreeMap::new()
    }

    fn preview(&mut self, target: Target, _run: &Run) {
        self.seen.see(format!("preview {}", story::name(&target)));
        self.reports.send(Report::Preview { target, diff: Ok("-old\n+new".to_owned()) }).unwrap();
    }

    fn keep(&mut self, secrets: Vec<(Name, Secret)>) -> Result<(), String> {
        let names: Vec<String> = secrets.iter().map(|(name, _)| name.to_string()).collect();
        self.seen.see(format!("keep {}", names.join(" ")));
        Ok(())
    }

    fn same(&self, _name: &Name, _secret: &Secret) -> bool {
        false
    }

    fn source(&self, _of: &Name, _source: &Source, _values: &BTreeMap<Name, String>) -> Result<Secret, String> {
        Err("there is no source in this world".to_owned())
    }

    fn mask(&self, text: &str) -> String {
        text.replace("CANARY-7", "[masked]")
    }
}

/// A front that says what it was told to, in words: at once, or as a person through a channel.
struct Scripted {
    seen: Seen,
    answers: VecDeque<Say>,
    /// The last answer is given again and again.
    stubborn: bool,
    words: Option<UnboundedReceiver<Say>>,
    asked: usize,
}

impl Front for Scripted {
    fn take(&mut self, update: Update) {
        self.seen.see(match update {
            Update::Record(stamped) => format!("show {}", record(&stamped.record)),
            Update::Live => "live".to_owned(),
            Update::Output { text, .. } => format!("output {text}"),
            Update::Attempt { .. } => "attempt".to_owned(),
            Update::Picture { .. } => "picture".to_owned(),
            Update::Preview { .. } => "show preview".to_owned(),
            Update::Refused(refusal) => format!("refused {refusal:?}"),
            Update::Notice(text) => format!("notice {text}"),
            Update::Page { title, .. } => format!("page {title}"),
            Update::Secret { name, .. } => format!("secret {name}"),
            Update::Seat(_) => "seat".to_owned(),
            Update::Signed { .. } => "signature".to_owned(),
            Update::Over => "over".to_owned(),
        });
    }

    fn answer(&mut self, _plan: &Plan, run: &Run) -> Option<Say> {
        self.asked += 1;
        assert!(self.asked < 1000, "asked for ever");
        if run.busy.is_some() {
            return None;
        }
        if self.stubborn && self.answers.len() == 1 {
            return self.answers.front().cloned();
        }
        self.answers.pop_front()
    }

    fn words(&mut self) -> Option<Words> {
        self.words.take().map(Words::Own)
    }
}

/// A session to be put together.
struct Bench {
    plan: Arc<Plan>,
    seen: Seen,
    /// Effects with what the world says to them.
    world: Vec<(&'static str, &'static str)>,
    stop: How,
    answers: Vec<Say>,
    stubborn: bool,
    words: Option<UnboundedReceiver<Say>>,
    fails_at: Option<&'static str>,
    before: &'static str,
}

impl Bench {
    fn of(plan: &str) -> Self {
        Self {
            plan: Arc::new(story::plan::plan(plan)),
            seen: Seen::default(),
            world: Vec::new(),
            stop: How::Stopped,
            answers: Vec::new(),
            stubborn: false,
            words: None,
            fails_at: None,
            before: "",
        }
    }

    /// What the front answers, in words.
    fn answers(mut self, words: &str) -> Self {
        let run = Run::new(&self.plan);
        let words = words.split(';').map(str::trim).filter(|word| !word.is_empty());
        self.answers = words.map(|word| said(word, &self.plan, &run)).collect();
        self
    }

    /// Runs the session; it must end by itself, soon.
    async fn run(self, first: Vec<Input>) -> (Over<Scripted>, Vec<String>) {
        let (sender, reports) = unbounded_channel();
        let seen = self.seen.clone();
        let mut says: BTreeMap<String, VecDeque<&'static str>> = BTreeMap::new();
        for (effect, said) in self.world {
            says.entry(effect.to_owned()).or_default().push_back(said);
        }
        let world = World {
            seen: self.seen.clone(),
            reports: sender,
            says,
            plan: Arc::clone(&self.plan),
            runs: None,
            stop: self.stop,
        };
        let front = Scripted {
            seen: self.seen.clone(),
            answers: self.answers.into(),
            stubborn: self.stubborn,
            words: self.words,
            asked: 0,
        };
        let engine = story::Story::with(self.plan).told(self.before).engine;
        let log = Paper { seen: self.seen.clone(), fails_at: self.fails_at, dirty: false };
        let session =
            Session { engine, log: Box::new(log), executor: Box::new(world), reports, front, notary: Box::new(NoKeys) };
        let over = tokio::time::timeout(Duration::from_secs(20), session.run(first)).await;
        let over = over.unwrap_or_else(|_| panic!("it does not end by itself: {:?}", seen.all()));
        (over, seen.all())
    }
}

fn said(word: &str, plan: &Plan, run: &Run) -> Say {
    match word {
        "quit" => Say::Quit,
        word => Say::Input(input(word, plan, run)),
    }
}

fn begin() -> Vec<Input> {
    vec![Input::Begin { begun: Box::new(Begun::default()), typed: None }]
}

fn resume() -> Input {
    let plan = story::plan::plan("a: run");
    input("resume", &plan, &Run::new(&plan))
}

#[tokio::test]
async fn it_is_written_and_synced_then_done_then_shown() {
    let mut bench = Bench::of("a: run verify; b: run").answers("go a; go b");
    bench.world = vec![("perform a#1", "ok a"), ("probe a", "pass a"), ("perform b#1", "ok b")];
    let (over, seen) = bench.run(begin()).await;
    assert_eq!(over.because, Because::Run);
    assert_eq!(
        seen,
        [
            "live",
            // The answer comes before the sync, so that the end of one step and the start of the next go to disk together.
            "write begun",
            "write started a#1",
            "sync",
            "do perform a#1",
            "show begun",
            "show started a#1",
            "write performed a#1 ok",
            "sync",
            "do probe a",
            "show performed a#1 ok",
            "write probed a pass",
            "write started b#1",
            "sync",
            "do perform b#1",
            "show probed a pass",
            "show started b#1",
            "write performed b#1 ok",
            "write closing completed",
            "write ended completed",
            "sync",
            "do close",
            "show performed b#1 ok",
            "show closing completed",
            "show ended completed",
            "over",
        ]
    );
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_starts_nothing() {
    for fails_at in ["started a#1", "begun", "sync"] {
        let mut bench = Bench::of("a: run").answers("go a");
        bench.fails_at = Some(fails_at);
        let (over, seen) = bench.run(begin()).await;
        assert_eq!(over.because, Because::Journal("the journal cannot be written: no space".to_owned()));
        assert!(!seen.iter().any(|what| what.starts_with("do ") || what.starts_with("show ")), "{fails_at}: {seen:?}");
    }
}

#[tokio::test]
async fn who_leaves_while_something_runs_has_it_stopped_first() {
    let (say, words) = unbounded_channel();
    let mut bench = Bench::of("a: run; b: run");
    bench.words = Some(words);
    say.send(Say::Input(Input::Go { step: StepId::new("a"), confirmed: false })).unwrap();
    say.send(Say::Quit).unwrap();
    let (over, seen) = bench.run(begin()).await;
    assert_eq!(over.because, Because::Left);
    let wanted = ["write stop a", "sync", "do stop a", "show stop a", "write performed a#1 stopped", "write paused"];
    let from = seen.iter().position(|what| what == wanted[0]).unwrap();
    assert_eq!(seen[from..from + 4], wanted[..4]);
    let mut rest = seen[from..].iter();
    assert!(wanted[4..].iter().all(|wanted| rest.any(|what| what == wanted)), "{seen:?}");
    assert_eq!(marks(over.engine.plan(), over.engine.run()), "a:failed b:pending | decide a");
    assert!(over.engine.run().paused.is_some());
}

/// A front that is gone has left, once: it must not be heard to leave again and again before any result.
#[tokio::test]
async fn a_front_that_hangs_up_is_heard_once() {
    let (say, words) = unbounded_channel();
    let mut bench = Bench::of("a: run");
    bench.words = Some(words);
    say.send(Say::Input(Input::Go { step: StepId::new("a"), confirmed: false })).unwrap();
    drop(say);
    let (over, seen) = bench.run(begin()).await;
    assert_eq!(over.because, Because::Left);
    assert_eq!(seen.iter().filter(|what| what.starts_with("write stop")).count(), 1, "{seen:?}");
}

/// A command that ended just as it was to be stopped is not verified for minutes by somebody who wants to leave.
#[tokio::test]
async fn what_follows_of_a_stopped_command_is_stopped_too() {
    let (say, words) = unbounded_channel();
    let mut bench = Bench::of("a: run verify undo rollback");
    (bench.words, bench.stop) = (Some(words), How::Ok);
    say.send(Say::Input(Input::Go { step: StepId::new("a"), confirmed: false })).unwrap();
    say.send(Say::Quit).unwrap();
    let (over, seen) = bench.run(begin()).await;
    assert_eq!(over.because, Because::Left);
    assert_eq!(seen.iter().filter(|what| *what == "do stop a").count(), 2, "{seen:?}");
    assert_eq!(over.engine.run().steps[0].state, StepState::Failed);
    assert!(over.engine.run().rollback.is_none(), "who stopped it decides");
}

#[tokio::test]
async fn a_run_that_stops_itself_asks_nobody_any_more() {
    let mut bench = Bench::of("a: run undo stop; b: run").answers("go a; rollback; quit");
    bench.world = vec![("perform a#1", "fail a")];
    let (over, seen) = bench.run(begin()).await;
    assert_eq!(over.because, Because::Run, "the playbook stopped it, not the front");
    assert_eq!(marks(over.engine.plan(), over.engine.run()), "a:failed b:pending | decide a");
    assert!(!seen.iter().any(|what| what.contains("rollback")), "{seen:?}");
}

#[tokio::test]
async fn what_cannot_be_undone_begins_with_room_for_what_comes_of_it() {
    let mut bench = Bench::of("a: run undo; b: run irreversible").answers("go a; go b");
    bench.world = vec![("perform a#1", "ok a"), ("perform b#1", "ok b")];
    let (_, seen) = bench.run(begin()).await;
    let places: Vec<usize> = seen.iter().enumerate().filter(|(_, what)| *what == "reserve").map(|(at, _)| at).collect();
    let at = |text: &str| seen.iter().position(|what| what == text).unwrap();
    assert_eq!(places.len(), 1, "not for what can be undone: {seen:?}");
    assert!(at("do perform a#1") < places[0] && places[0] < at("write started b#1"), "{seen:?}");

    let mut bench = Bench::of("a: run undo; b: run irreversible").answers("go a; go b");
    bench.stubborn = true;
    bench.world = vec![("perform a#1", "ok a")];
    bench.fails_at = Some("reserve");
    let (over, seen) = bench.run(begin()).await;
    let why = "the journal has no room: no space".to_owned();
    assert_eq!(over.because, Because::Refused(Refusal::NoRoom { step: StepId::new("b"), why }));
    assert!(!seen.iter().any(|what| what.contains("b#1")), "it never started: {seen:?}");
    assert!(over.engine.run().paused.is_some(), "the run is open");
}

#[tokio::test]
async fn who_is_refused_twice_is_not_asked_for_ever() {
    let mut bench = Bench::of("a: run confirm").answers("go a");
    bench.stubborn = true;
    let (over, seen) = bench.run(begin()).await;
    let refusal = Refusal::NeedsConfirm { step: StepId::new("a") };
    assert_eq!(over.because, Because::Refused(refusal));
    assert_eq!(seen.iter().filter(|what| what.starts_with("refused")).count(), 2, "{seen:?}");
    assert!(over.engine.run().paused.is_some(), "the run is open");
}

#[tokio::test]
async fn who_is_refused_once_may_say_something_better() {
    let mut bench = Bench::of("a: run confirm").answers("go a; go! a");
    bench.world = vec![("perform a#1", "ok a")];
    let (over, _) = bench.run(begin()).await;
    assert_eq!(over.because, Because::Run);
}

#[tokio::test]
async fn where_nobody_will_ever_speak_it_leaves() {
    let (over, seen) = Bench::of("a: run").run(begin()).await;
    assert_eq!(over.because, Because::Left);
    assert!(seen.contains(&"write paused".to_owned()));
}

#[tokio::test]
async fn an_edit_is_seen_before_it_is_agreed_to() {
    let (say, words) = unbounded_channel();
    let mut bench = Bench::of("a: edit");
    bench.words = Some(words);
    let seen = bench.seen.clone();
    let session = bench.run(begin());
    let person = async {
        while !seen.all().contains(&"show preview".to_owned()) {
            tokio::task::yield_now().await;
        }
        say.send(Say::Quit).unwrap();
    };
    let ((over, seen), ()) = tokio::join!(session, person);
    assert_eq!(over.because, Because::Left);
    assert_eq!(seen.iter().filter(|what| *what == "preview a").count(), 1, "worked out once: {seen:?}");
}

#[tokio::test]
async fn a_first_input_that_is_refused_begins_nothing() {
    let bench = Bench::of("@input env; a: run").answers("go a");
    let (over, seen) = bench.run(begin()).await;
    assert_eq!(over.because, Because::Refused(Refusal::Missing { name: Name::new("env") }));
    assert_eq!(seen, ["live", "over"]);
}

/// A run that died while it verified is rolled back by command: once the probes have answered.
#[tokio::test]
async fn first_inputs_wait_until_nothing_runs() {
    let mut bench = Bench::of("a: run verify undo; b: run").answers("undo a.1");
    bench.before = "begin; go a; ok a";
    bench.world = vec![("probe a", "pass a"), ("perform a.1#1", "ok a.1")];
    let run = Run::new(&bench.plan);
    let rollback = input("rollback", &bench.plan, &run);
    let (over, seen) = bench.run(vec![resume(), rollback]).await;
    let wanted = ["write resumed", "do probe a", "write probed a pass", "write rollback all", "write started a.1#1"];
    let mut rest = seen.iter();
    assert!(wanted.iter().all(|wanted| rest.any(|what| what == wanted)), "{seen:?}");
    assert_eq!(marks(over.engine.plan(), over.engine.run()), "a:undone b:pending | over");
}

#[tokio::test]
async fn what_a_person_says_is_masked_and_secrets_go_into_the_vault_first() {
    let mut bench = Bench::of("a: ask=*token ask=who; b: run");
    let (plan, run) = (Arc::clone(&bench.plan), Run::new(&bench.plan));
    let note = said("note CANARY-7", &plan, &run);
    let answers = vec![
        (Name::new("token"), Answer::Secret(Secret::new("CANARY-77-long-enough".to_owned()))),
        (Name::new("who"), Answer::Text("me".to_owned())),
    ];
    let wrong = vec![(Name::new("token"), Answer::Text("CANARY-77-long-enough".to_owned()))];
    let target = target("a");
    bench.answers = vec![
        note,
        Say::Answer { target: target.clone(), answers: wrong },
        Say::Answer { target, answers },
        said("skip b CANARY-7", &plan, &run),
    ];
    let (over, seen) = bench.run(begin()).await;
    assert_eq!(over.because, Because::Run);
    assert!(seen.contains(&"note [masked]".to_owned()), "{seen:?}");
    assert!(!format!("{seen:?} {:?}", over.engine.run()).contains("CANARY"), "{seen:?}");
    let place = |what: &str| seen.iter().position(|seen| seen == what).unwrap();
    assert!(place("keep token") < place("write answered a"));
    assert_eq!(over.engine.run().steps[1].note.as_deref(), Some("[masked]"));
}

/// Somebody who answers twice must not put a second secret in the place of the first, which is in use by now.
#[tokio::test]
async fn an_answer_that_comes_too_late_is_not_kept() {
    let mut bench = Bench::of("a: ask=*token; b: run");
    let answer = |secret: &str| Say::Answer {
        target: target("a"),
        answers: vec![(Name::new("token"), Answer::Secret(Secret::new(secret.to_owned())))],
    };
    bench.answers = vec![answer("CANARY-first-of-two"), answer("CANARY-second-of-two")];
    let (over, seen) = bench.run(begin()).await;
    assert_eq!(over.because, Because::Left);
    assert_eq!(seen.iter().filter(|what| *what == "keep token").count(), 1, "{seen:?}");
    assert_eq!(seen.iter().filter(|what| what.starts_with("refused NotCurrent")).count(), 1, "{seen:?}");
}

/// A signal is for a whole process, so the session that gets one has its own: this test binary, started again.
#[test]
fn a_signal_stops_what_runs_and_leaves_the_run_open() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "session::waits_for_a_signal_in_a_process_of_its_own"])
        .env("RUNSHEET_TEST_SIGNAL", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap())).map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("it runs")), "the command was started");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let rest: Vec<String> = lines.collect();
    assert!(rest.contains(&"SIGTERM: a:failed b:pending | decide a".to_owned()), "{rest:?}");
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
#[ignore = "started by the test of the signal"]
async fn waits_for_a_signal_in_a_process_of_its_own() {
    if std::env::var_os("RUNSHEET_TEST_SIGNAL").is_none() {
        return;
    }
    let bench = Bench::of("a: run; b: run").answers("go a");
    let seen = bench.seen.clone();
    let told = async {
        while !seen.all().contains(&"show started a#1".to_owned()) {
            tokio::task::yield_now().await;
        }
        println!("it runs");
    };
    let ((over, _), ()) = tokio::join!(bench.run(begin()), told);
    let Because::Signal(name) = over.because else { panic!("{:?}", over.because) };
    println!("{name}: {}", marks(over.engine.plan(), over.engine.run()));
}

/// Somebody who speaks without end does not keep the world from being heard.
#[tokio::test]
async fn words_without_end_do_not_hold_up_the_world() {
    let (sends, words) = unbounded_channel();
    sends.send(said("go a", &story::plan::plan("a: run"), &Run::new(&story::plan::plan("a: run")))).unwrap();
    for number in 0..200 {
        sends.send(Say::Input(Input::Note { step: None, text: number.to_string() })).unwrap();
    }
    sends.send(Say::Quit).unwrap();
    let mut bench = Bench::of("a: run; b: run");
    bench.world = vec![("perform a#1", "ok a")];
    bench.words = Some(words);
    let (over, seen) = bench.run(begin()).await;
    assert_eq!(over.because, Because::Left);
    let at = |what: &str| seen.iter().position(|line| line == what).unwrap_or_else(|| panic!("{what}: {seen:?}"));
    assert!(at("write performed a#1 ok") < at("note 20"), "{seen:?}");
    assert!(seen.contains(&"note 199".to_owned()), "and every word is heard");
}
