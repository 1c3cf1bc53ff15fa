//! Who is told what, and that nobody who is told can hold a run up.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::engine::{Begun, Engine, How, Input, Outcome, Target};
use crate::playbook::check;
use crate::playbook::plan::{Plan, StepId};
use crate::playbook::yaml::read;

const PLAYBOOK: &str = "runsheet: 1
title: Story
phases:
  - title: Only
    steps:
      - { id: look, title: Look, run: echo, read_only: true, retry: { attempts: 2 } }
      - { id: say, title: Say so, manual: Do it., rollback: [{ run: 'true' }] }
sign_off: { by: [dba] }
";

/// What a run of the playbook tells, as `event: text`.
struct Told {
    engine: Engine,
    watcher: Watcher,
    all: Vec<String>,
}

impl Told {
    fn of(attended: bool) -> Self {
        let plan: Arc<Plan> = Arc::new(check(PLAYBOOK).unwrap().plan);
        let engine = Engine::new(plan);
        Self { watcher: Watcher::of(&engine, attended), engine, all: Vec::new() }
    }

    fn put(mut self, input: Input) -> Self {
        let turn = self.engine.handle(input, Timestamp::UNIX_EPOCH).unwrap();
        for record in &turn.records {
            for message in self.watcher.hear(record) {
                self.all.push(format!("{}: {}", message.event.word(), message.text));
            }
        }
        self
    }

    fn begun(self) -> Self {
        let begun = Begun { run: "01J".to_owned(), title: "Story".to_owned(), ..Begun::default() };
        self.put(Input::Begin { begun: Box::new(begun), typed: None })
    }

    fn go(self) -> Self {
        self.put(Input::Go { step: StepId::new("look"), confirmed: true })
    }

    fn performed(self, attempt: u32, how: How) -> Self {
        let outcome = Outcome { how, saw: "no such host".to_owned(), ..Outcome::default() };
        self.put(Input::Performed { target: Target::step(&StepId::new("look")), attempt, outcome })
    }
}

#[test]
fn a_person_is_told_of_what_they_are_needed_for_and_of_nothing_that_passes() {
    let told = Told::of(true).begun().go().performed(1, How::Failed);
    assert_eq!(told.all, ["start: began: Story"], "the playbook tries it again");
    let told = told.performed(2, How::Failed);
    assert_eq!(told.all[1..], ["failure: look failed: no such host", "waiting: waits for a decision: look"]);
    let told = told.go().performed(3, How::Ok);
    assert_eq!(told.all.len(), 3, "whoever sits there goes on by themselves");
    let say = StepId::new("say");
    let told = told.put(Input::Go { step: say.clone(), confirmed: true });
    assert_eq!(told.all[3..], ["waiting: waits for a person: say"]);
    let told = told.put(Input::Note { step: None, text: "hm".to_owned() });
    let answer = Input::Answer {
        target: Target::step(&say),
        values: BTreeMap::new(),
        secrets: Vec::new(),
        fingerprints: BTreeMap::new(),
    };
    let told = told.put(answer);
    assert_eq!(told.all[4..], ["waiting: waits for the sign-off: dba"], "and once");
    let told = told.put(Input::Rollback { to: None, by_policy: false });
    assert_eq!(told.all[5..], ["rollback: a rollback began: everything"]);
}

#[test]
fn an_unattended_run_tells_what_it_stopped_at() {
    let told = Told::of(false).begun().go().performed(1, How::Failed).performed(2, How::Failed);
    assert_eq!(told.all, ["start: began: Story"], "its answers may say what follows");
    let told = told.put(Input::Pause { why: "a person is needed".to_owned() });
    assert_eq!(told.all[1..], ["failure: look failed: no such host", "waiting: waits for a decision: look"]);
}

#[test]
fn what_was_before_is_not_told_again() {
    let mut told = Told::of(true).begun().go().performed(1, How::Failed).performed(2, How::Failed);
    told.all.clear();
    told.watcher = Watcher::of(&told.engine, true);
    let told = told.put(Input::Note { step: None, text: "hm".to_owned() });
    assert!(told.all.is_empty(), "{:?}", told.all);
    let told = told.go().performed(3, How::Failed).performed(4, How::Failed);
    assert_eq!(told.all.len(), 2, "but the next time: {:?}", told.all);
}

fn message(text: &str) -> Message {
    Message {
        runsheet: 1,
        event: Event::Waiting,
        text: text.to_owned(),
        run: "01J".to_owned(),
        title: "Story".to_owned(),
        operator: "ada".to_owned(),
        host: "bastion".to_owned(),
        ticket: None,
        protected: false,
        at: Timestamp::UNIX_EPOCH,
        step: None,
        step_title: None,
        state: "open".to_owned(),
    }
}

fn rule(text: &str) -> Rule {
    let rule: Rule = read(text).unwrap();
    rule.check().unwrap();
    rule
}

/// A teller whose troubles are kept, and whose texts go out as they are.
fn teller(rules: &[&str], patience: Duration) -> (Teller, Guard, Arc<Mutex<Vec<String>>>) {
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = Arc::clone(&said);
    let say = Arc::new(move |text: String| keep.lock().unwrap().push(text));
    let censor = Arc::new(|text: &str| Ok(text.to_owned()));
    let rules = rules.iter().map(|text| rule(text)).collect();
    let (teller, guard) = Teller::start(rules, patience, censor, say).unwrap();
    (teller, guard, said)
}

/// Longer than any machine takes; what is waited for ends it.
const LONG: Duration = Duration::from_mins(1);

/// A server that takes requests and answers each with this.
fn server(answer: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let (send, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let request = heard(&mut stream.as_ref().unwrap());
            let _ = stream.unwrap().write_all(answer.as_bytes());
            if send.send(request).is_err() {
                return;
            }
        }
    });
    (address, requests)
}

fn heard(stream: &mut &TcpStream) -> String {
    let (mut text, mut block) = (String::new(), [0; 4096]);
    while !text.ends_with('}') {
        match stream.read(&mut block) {
            Ok(count @ 1..) => text.push_str(&String::from_utf8_lossy(&block[..count])),
            Ok(0) | Err(_) => break,
        }
    }
    text
}

const FINE: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

#[test]
fn a_program_and_a_server_get_the_message() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    std::fs::write(folder.path().join("token"), "Bearer CANARY-token\n").unwrap();
    let (address, requests) = server(FINE);
    let run = format!("{{ on: [waiting], run: [sh, -c, 'cat >\"$0\"', {}] }}", file.display());
    let post =
        format!("{{ post: '{address}', headers: {{ authorization: {{ file: {}/token }} }} }}", folder.path().display());
    let never = format!("{{ on: [end], run: [touch, {}/never] }}", folder.path().display());
    let (teller, guard, said) = teller(&[&run, &post, &never], LONG);
    teller.tell(message("waits for a person: say"));
    drop(teller);
    drop(guard);
    let wanted = serde_json::to_string(&message("waits for a person: say")).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), wanted);
    let request = requests.recv().unwrap();
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n") && request.ends_with(&wanted), "{request}");
    assert!(request.contains("authorization: Bearer CANARY-token\r\n"), "{request}");
    assert!(!folder.path().join("never").exists());
    assert_eq!(*said.lock().unwrap(), Vec::<String>::new());
}

/// Each is told of once, in words that hold no address, and the others are told all the same.
#[test]
fn who_is_gone_refuses_or_fails_is_said_once() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/CANARY-path", listener.local_addr().unwrap())
    };
    let (refuses, _requests) = server("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let folder = tempfile::tempdir().unwrap();
    let counted = format!("{{ run: [sh, -c, 'echo >>\"$0\"', {}/count] }}", folder.path().display());
    let rules = [
        format!("{{ post: '{gone}' }}"),
        format!("{{ post: '{refuses}' }}"),
        "{ run: [/no/such/program] }".to_owned(),
        "{ run: [sh, -c, 'exit 3'] }".to_owned(),
        "{ post: { env: RUNSHEET_TEST_NO_SUCH } }".to_owned(),
        counted,
    ];
    let (teller, guard, said) = teller(&rules.each_ref().map(String::as_str), LONG);
    for _ in 0..3 {
        teller.tell(message("hm"));
    }
    drop(teller);
    drop(guard);
    let mut said = said.lock().unwrap().clone();
    said.sort();
    let words = ["127.0.0.1", "127.0.0.1", "/no/such/program", "sh", "the address in $RUNSHEET_TEST_NO_SUCH"];
    let whys = ["HTTP 403", "no connection", "cannot be started", "exit status: 3", "is not set"];
    assert_eq!(said.len(), 5, "{said:#?}");
    for text in words.iter().chain(&whys) {
        assert!(said.iter().any(|line| line.contains(text)), "{text:?} is not in {said:#?}");
    }
    assert!(said.iter().all(|line| !line.contains("CANARY") && line.contains("the run goes on")), "{said:#?}");
    assert_eq!(std::fs::read_to_string(folder.path().join("count")).unwrap(), "\n\n\n");
}

/// Whoever hangs takes a place in a queue and no more: telling goes on at once, and the end does not wait for them.
#[test]
fn who_hangs_holds_nobody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let post = format!("{{ post: 'http://{}/' }}", silent.local_addr().unwrap());
    let rules = [post.as_str(), "{ run: [sleep, '600'] }", "{ run: [sh, -c, 'sleep 600 & exec 0<&-; wait'] }"];
    let (teller, guard, said) = teller(&rules, Duration::from_millis(1));
    for _ in 0..20_000 {
        teller.tell(message("a flood"));
    }
    drop(teller);
    drop(guard);
    let said = said.lock().unwrap();
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said.iter().all(|line| line.contains("does not take messages as fast as they come")), "{said:#?}");
}

#[test]
fn what_the_censor_stops_goes_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = Arc::clone(&said);
    let say = Arc::new(move |text: String| keep.lock().unwrap().push(text));
    let censor = Arc::new(|_: &str| Err("it holds a secret".to_owned()));
    let rules = vec![rule(&format!("{{ run: [touch, {}/told] }}", folder.path().display()))];
    let (teller, guard) = Teller::start(rules, LONG, censor, say).unwrap();
    teller.tell(message("CANARY-secret"));
    drop(teller);
    drop(guard);
    assert!(!folder.path().join("told").exists());
    assert!(said.lock().unwrap()[0].contains("failed: it holds a secret"));
}

#[test]
fn a_rule_that_says_nothing_is_refused() {
    for (text, why) in [
        ("{}", "needs `run"),
        ("{ run: [] }", "needs a program"),
        ("{ run: [x], post: 'https://x/' }", "two rules"),
        ("{ run: [x], headers: { a: b } }", "go with `post`"),
        ("{ post: 'ftp://x/' }", "https://HOST"),
        ("{ post: 'CANARY' }", "https://HOST"),
    ] {
        let rule: Rule = read(text).unwrap();
        let told = rule.check().unwrap_err();
        assert!(told.contains(why) && !told.contains("CANARY"), "{text}: {told}");
    }
    for text in ["{ on: [never], run: [x] }", "{ runs: [x] }", "{ post: { env: A, file: b } }"] {
        assert!(read::<Rule>(text).is_err(), "{text}");
    }
}
