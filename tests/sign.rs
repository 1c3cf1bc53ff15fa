//! Signatures: from the signer's own terminal, with real keys, on runs that go on and on runs that were stopped; and the
//! forged, replayed, wrong and own ones that are refused.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::reports;
use crate::support::desk::{self, Called, Desk, PROGRAM};
use crate::support::keys::Keys;
use crate::support::terminal::Terminal;

const PLAYBOOK: &str = "runsheet: 1
title: Signed all the way
phases:
  - title: All
    steps:
      - id: before
        title: Before
        run: echo before >> log
        irreversible: A line is a line
        sign_off: { by: [checker], distinct: true }
      - { id: allow, title: Somebody allows it, approval: { by: [dba], distinct: true } }
      - { id: after, title: After, run: echo after >> log, irreversible: A line is a line }
sign_off: { by: [operator, reviewer], distinct: true }
";

struct Place {
    /// Gone with the place.
    _folder: TempDir,
    desk: Desk,
}

impl Place {
    fn make() -> Self {
        let folder = TempDir::with_prefix("sign-").expect("make a folder");
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("signed.yaml"), PLAYBOOK).expect("write the playbook");
        Self { _folder: folder, desk }
    }

    /// Walks until somebody must sign.
    #[track_caller]
    fn begin(&self) {
        let answers = self.desk.answers("answers.yaml", "before: done\nafter: done\n");
        let words = ["run", "signed.yaml", "--unattended", "--answers", &answers, "--operator", "ann"];
        let called = self.desk.call(words).ends_with(7);
        assert!(called.err.contains("before needs a person: checker signs"), "{}", called.err);
    }

    /// Goes on until somebody must sign, or to the end.
    #[track_caller]
    fn goes_on(&self, code: i32) -> Called {
        let answers = self.desk.answers("answers.yaml", "before: done\nafter: done\n");
        let words = ["resume", "--unattended", "--answers", &answers, "--operator", "ann"];
        self.desk.call(words).ends_with(code)
    }

    /// Calls `sign` with what is typed there.
    fn sign(&self, words: &[&str], typed: &str) -> Called {
        let mut program = self.desk.program(["sign"].iter().chain(words));
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start the program");
        child.stdin.take().expect("its standard input").write_all(typed.as_bytes()).expect("type");
        let output = child.wait_with_output().expect("wait for it");
        Called {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What was signed and refused, as recorded: the record's name with its fields.
    fn signed(&self) -> Vec<(String, Value)> {
        let records = self.desk.journal().into_iter().map(|entry| entry["record"].clone());
        let of = |record: &Value| {
            let (word, body) = record.as_object()?.iter().next()?;
            word.starts_with("sign").then(|| (word.clone(), body.clone()))
        };
        records.filter_map(|record| of(&record)).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.desk.run_folder().join("journal.jsonl")).expect("read the journal")
    }

    /// Demands that a signature is refused in these words, and that nothing is written down of it.
    #[track_caller]
    fn refuses(&self, words: &[&str], typed: &str, told: &str) {
        let before = self.bytes();
        let called = self.sign(words, typed).ends_with(6);
        assert!(called.err.contains(told), "{words:?}\n{}", called.err);
        assert_eq!(self.bytes(), before, "{words:?}");
    }

    /// Returns the statement that would be signed now.
    #[track_caller]
    fn statement(&self, role: &str, name: &str) -> String {
        self.sign(&["--statement", "--role", role, "--name", name], "").ends_with(0).out
    }
}

/// A run that is stopped is signed, step by step, and goes on each time: by a key, by a typed name, by an agent's key and by
/// a signature that was made elsewhere.
#[test]
fn a_stopped_run_is_signed_in_every_way() {
    let place = Place::make();
    let keys = Keys::make(&place.desk, &["bo", "cy", "dee"]);
    keys.believed(&["bo", "cy", "dee"], "");
    place.begin();
    // By a key, with the name that it stands under.
    let called = place.sign(&["--key", &keys.word("bo")], "y\n").ends_with(0);
    for told in ["Signed all the way", "To be signed: the step before", "runs", "walked by ann", "exit status 0"] {
        assert!(called.out.contains(told), "{told}\n{}", called.out);
    }
    assert!(called.err.contains("as checker, as bo@example.org, with the key"), "{}", called.err);
    assert!(called.out.contains("bo@example.org signed as checker; it is on record."), "{}", called.out);
    let [(word, record)] = &place.signed()[..] else { panic!("{:?}", place.signed()) };
    assert_eq!((word.as_str(), &record["step"]), ("signed_off", &Value::from("before")));
    let signature = &record["signature"];
    assert_eq!(signature["principal"], "bo@example.org");
    assert!(signature["key"].as_str().is_some_and(|key| key.starts_with("SHA256:")), "{signature}");
    assert!(record["account"].is_string() && record["host"].is_string(), "{record}");

    // By a typed name.
    place.goes_on(7);
    let called = place.sign(&["--typed", "--name", "Bo"], "y\n").ends_with(0);
    assert!(called.err.contains("by the typed name only, which proves nothing"), "{}", called.err);

    // The end: with an agent's key, and elsewhere.
    place.goes_on(6);
    assert_eq!(fs::read_to_string(place.desk.home().join("log")).expect("read"), "before\nafter\n");
    let several = place.sign(&["--key", &keys.word("cy")], "y\n").ends_with(2);
    assert!(several.err.contains("--role operator or --role reviewer"), "{}", several.err);
    let agent = Agent::with(&keys, "cy");
    let words = ["sign", "--role", "reviewer", "--key", &format!("{}.pub", keys.word("cy"))];
    let mut program = place.desk.program(words);
    program.env("SSH_AUTH_SOCK", agent.socket()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = program.spawn().expect("start the program");
    child.stdin.take().expect("its standard input").write_all(b"y\n").expect("type");
    assert!(child.wait().expect("wait for it").success());
    let statement = place.statement("operator", "dee@example.org");
    let signature = keys.sign("dee", &statement);
    place.sign(&["--signature", &signature], "").ends_with(0);
    place.goes_on(0);
    let report = place.desk.call(["report"]).ends_with(0).out;
    assert!(report.contains("of dee@example.org") && report.contains("of cy@example.org"), "{report}");
    assert!(report.contains("the name as typed, not proved"), "{report}");

    // A report checks them anew, against the keys that are believed when it is made.
    let checked = || {
        let report = reports::fits(&place.desk.call(["report", "--format", "json"]).ends_with(0).out);
        let signed = report["sign_offs"].as_array().expect("a list").iter();
        let checked = signed.filter_map(|one| one.pointer("/signature/checked")?.as_str().map(str::to_owned));
        (checked.collect::<Vec<_>>(), report["assessment"]["level"].clone())
    };
    assert_eq!(checked().0, ["good", "good", "good"]);
    keys.believed(&["bo", "cy"], "");
    let (found, level) = checked();
    assert_eq!(found.iter().filter(|checked| *checked == "not_believed").count(), 1, "{found:?}");
    assert_eq!(level, "look");
}

/// An agent that has one key, which is taken from the disk.
struct Agent {
    child: std::process::Child,
    socket: std::path::PathBuf,
}

impl Agent {
    fn with(keys: &Keys<'_>, name: &str) -> Self {
        let socket = keys.path("agent.sock");
        let mut agent = std::process::Command::new("ssh-agent");
        let child = agent.args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn().expect("start the agent");
        let agent = Self { child, socket };
        let begin = std::time::Instant::now();
        while !agent.socket.exists() {
            assert!(begin.elapsed().as_secs() < 60, "the agent does not listen");
            std::thread::yield_now();
        }
        // Its socket is there a moment before it listens.
        let added = || {
            let mut add = std::process::Command::new("ssh-add");
            let added = add.arg("-q").arg(keys.path(name)).env("SSH_AUTH_SOCK", agent.socket());
            added.stdin(Stdio::null()).stderr(Stdio::null()).status().expect("call ssh-add").success()
        };
        while !added() {
            assert!(begin.elapsed().as_secs() < 60, "the agent does not answer");
            std::thread::yield_now();
        }
        fs::remove_file(keys.path(name)).expect("take the key away");
        agent
    }

    fn socket(&self) -> &std::path::Path {
        &self.socket
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What proves nothing is refused in words, and nothing is written down: at a stopped run, by who writes its journal.
#[test]
fn forged_replayed_wrong_and_own_signatures_are_refused() {
    let place = Place::make();
    let keys = Keys::make(&place.desk, &["ann", "bo", "cy", "eve"]);
    keys.believed(&["ann", "bo", "cy"], &format!("  revoked_keys: {}.pub\n", keys.word("cy")));
    place.begin();
    let (bo, statement) = (keys.word("bo"), place.statement("checker", "bo@example.org"));
    let forge = |from: &str, to: &str| {
        assert!(statement.contains(from), "{statement}");
        keys.sign("bo", &statement.replace(from, to))
    };
    // Of another run, for another role, with the words of somebody else.
    let other = forge("run: ", "run: 0");
    assert!(place.sign(&["--signature", &other], "").ends_with(2).err.contains("it is about the run 0"));
    place.refuses(&["--signature", &forge("role: checker", "role: dba")], "", "it is not dba who signs now");
    place.refuses(&["--signature", &forge("step: before", "step: allow")], "", "cannot sign now");
    place.refuses(&["--signature", &forge("step: before\n", "")], "", "cannot sign now");
    place.refuses(&["--signature", &forge("head: ", "head: 0")], "", "given before this was to be signed");
    place.refuses(&["--signature", &forge("playbook: ", "playbook: 0")], "", "was not made for what is to be signed");
    // A head of this journal, from before it was to be signed: it must be one that was seen.
    let first = place.desk.journal()[1]["prev"].as_str().expect("a hash").to_owned();
    let head = statement.lines().find_map(|line| line.strip_prefix("head: ")).expect("a head").to_owned();
    place.refuses(&["--signature", &forge(&head, &first)], "", "given before this was to be signed");
    // Changed after it was signed.
    let signature = keys.sign("bo", &statement);
    fs::write(keys.path("statement"), statement.replace("decision: signed", "decision: refused\nreason: no"))
        .expect("write");
    place.refuses(&["--signature", &signature], "", "was not made for what is to be signed");
    // Another namespace, another's key, one that nobody knows, one that was revoked.
    place.refuses(
        &["--signature", &keys.sign_in("git", "bo", &statement)],
        "",
        "was not made for what is to be signed",
    );
    place.refuses(
        &["--key", &bo, "--name", "cy@example.org"],
        "y\n",
        "is that of bo@example.org, not of cy@example.org",
    );
    place.refuses(&["--key", &keys.word("eve"), "--name", "eve"], "y\n", "is not among the allowed signers");
    place.refuses(&["--key", &keys.word("cy")], "y\n", "was revoked");
    // One's own.
    place.refuses(&["--key", &keys.word("ann")], "y\n", "ann@example.org walks this run or has signed already");
    place.refuses(&["--typed", "--name", " ANN "], "y\n", "walks this run or has signed already");
    // Who says no, or nothing, has not signed.
    place.refuses(&["--key", &bo], "n\n", "nothing was signed");
    place.refuses(&["--key", &bo], "", "nothing was signed");
    place.refuses(&["--key", &bo, "--refuse"], "\n", "a refusal needs a reason");

    // A signature is good once.
    let signature = keys.sign("bo", &statement);
    place.sign(&["--signature", &signature], "").ends_with(0);
    place.refuses(&["--signature", &signature], "", "cannot sign now");
    place.goes_on(7);
    place.refuses(&["--signature", &signature], "", "cannot sign now");
    // Nor is the same step's good for its next time: it was refused, and is asked for anew.
    place.sign(&["--typed", "--name", "Cy", "--refuse", "--reason", "not on a Friday"], "").ends_with(6);
    let refused = place.signed().pop().expect("a record");
    assert_eq!((refused.0.as_str(), &refused.1["reason"]), ("sign_off_refused", &Value::from("not on a Friday")));
    // With one key nobody signs twice under two names.
    let both = fs::read_to_string(keys.path("bo.pub")).expect("read");
    let list = keys.path("allowed_signers");
    let text = fs::read_to_string(&list).expect("read") + &format!("zoe@example.org {both}");
    fs::write(list, text).expect("write");
    assert_eq!(place.signed().len(), 2);
}

/// With one key nobody signs twice, whatever the names.
#[test]
fn one_key_is_one_person() {
    let place = Place::make();
    let keys = Keys::make(&place.desk, &["bo"]);
    let playbook = "runsheet: 1\ntitle: Two sign\nphases: [{ title: A, steps: [{ id: a, title: A, wait: 1s }] }]\n\
                    sign_off: { by: [one, two], distinct: true }\n";
    fs::write(place.desk.home().join("two.yaml"), playbook).expect("write the playbook");
    place.desk.call(["run", "two.yaml", "--unattended"]).ends_with(6);
    // Without a list of keys it is said that nobody knows whose it is.
    let bo = keys.word("bo");
    place.sign(&["--key", &bo, "--role", "two", "--name", "Bo"], "y\n").ends_with(0);
    assert_eq!(place.signed()[0].1["signature"]["principal"], Value::Null);
    place.refuses(&["--key", &bo, "--role", "one", "--name", "Zoe"], "y\n", "Bo has signed already with the same key");
    let again = place.sign(&["--key", &bo, "--role", "two", "--name", "Zoe"], "y\n").ends_with(2);
    assert!(again.err.contains("it is not two who signs now"), "{}", again.err);
    let report = place.desk.call(["report"]).ends_with(0).out;
    assert!(report.contains("whose that is was not checked"), "{report}");
}

/// The configuration is read as strictly as a playbook, and is followed.
#[test]
fn where_keys_are_demanded_a_typed_name_is_not_taken() {
    let place = Place::make();
    let keys = Keys::make(&place.desk, &["bo"]);
    keys.configure("sign_off:\n  alowed_signers: x\n");
    let called = place.desk.call(["run", "signed.yaml", "--unattended"]).ends_with(2);
    assert!(
        called.err.contains("line 2: there is no key `alowed_signers` (did you mean `allowed_signers`?)"),
        "{}",
        called.err
    );
    assert!(place.desk.runs().is_empty());

    keys.believed(&["bo"], "  typed: refused\n");
    place.begin();
    place.refuses(&["--typed", "--name", "bo@example.org"], "y\n", "a typed name is not enough here");
    // Nor at the operator's own screen.
    let words = ["resume", "--plain", "--operator", "ann"].map(str::to_owned);
    let terminal = Terminal::start(&place.desk, &words, 100, 30);
    terminal.see("Type your name to sign as checker");
    terminal.press("Bo\r");
    terminal.see("a typed name is not enough here");
    // A key is, and the screen goes on by itself.
    place.sign(&["--key", &keys.word("bo")], "y\n").ends_with(0);
    terminal.see("bo@example.org signed as checker");
    terminal.see("Type your name to sign as dba");
}

/// Two people at two terminals: one walks, the other signs with a key that has a passphrase, and what is forged is refused
/// while the run goes on.
#[test]
fn two_people_at_two_terminals() {
    let place = Place::make();
    let keys = Keys::make(&place.desk, &["ann", "eve"]);
    keys.key("bo", "CANARY-open-sesame");
    keys.believed(&["ann", "bo"], "");
    let words = ["run", "signed.yaml", "--operator", "ann"].map(str::to_owned);
    let ann = Terminal::start(&place.desk, &words, 100, 30);
    ann.see("Nothing has happened yet");
    ann.press("\x1b[21~");
    ann.until("the first step", |now| now.contains("Next: 1/") && now.contains("Enter start"));
    ann.press("\r");
    ann.see("y starts it");
    ann.press("y");
    ann.until("whose turn it is", |now| now.contains("Your name, as checker") && now.contains("runsheet sign"));

    // Nobody signs for themselves, or with what nobody knows; and the screen of who walks is not troubled by it.
    place.refuses(&["--key", &keys.word("ann")], "y\n", "walks this run or has signed already");
    place.refuses(&["--key", &keys.word("eve"), "--name", "bo@example.org"], "y\n", "is not among the allowed signers");
    let forged = place.statement("checker", "bo@example.org").replace("signed", "refused\nreason: no");
    let signature = keys.sign("ann", &forged);
    place.refuses(&["--signature", &signature], "", "is that of ann@example.org, not of bo@example.org");

    let sign = |told: &str| {
        let words = ["sign".to_owned(), "--key".to_owned(), keys.word("bo")];
        let bo = Terminal::start(&place.desk, &words, 100, 30);
        bo.see("y signs, r refuses");
        bo.press("y\r");
        bo.see("Enter passphrase");
        bo.press("CANARY-open-sesame\r");
        bo.see(told);
        assert_eq!(bo.ends().code, Some(0));
    };
    sign("bo@example.org signed as checker");
    ann.until("the next role", |now| now.contains("Your name, as dba"));
    sign("bo@example.org signed as dba");
    ann.until("the last step", |now| now.contains("Next: 3/") && now.contains("Enter start"));
    ann.press("\r");
    ann.see("y starts it");
    ann.press("y");
    ann.until("the end", |now| now.contains("Your name, as operator") && now.contains("F4 refuse to sign"));
    // Roles sign in any order: the reviewer first, from their own terminal.
    let words = ["sign", "--role", "reviewer", "--key"].map(str::to_owned).into_iter().chain([keys.word("bo")]);
    let bo = Terminal::start(&place.desk, &words.collect::<Vec<_>>(), 80, 24);
    bo.see("y signs, r refuses");
    bo.press("y\r");
    bo.see("Enter passphrase");
    bo.press("CANARY-open-sesame\r");
    bo.see("signed as reviewer");
    bo.ends();
    ann.press("ann");
    ann.until("the name", |now| {
        now.lines().any(|line| line.contains("Your name, as operator") && line.contains("ann"))
    });
    ann.press("\r");
    ann.see("The run is over.");
    ann.press("q");
    assert_eq!(ann.ends().code, Some(0));
    let signed: Vec<String> = place.signed().iter().map(|(_, record)| record["role"].to_string()).collect();
    assert_eq!(signed, ["\"checker\"", "\"dba\"", "\"reviewer\"", "\"operator\""]);
    let journal = String::from_utf8(place.bytes()).expect("text");
    assert!(!journal.contains("CANARY"), "a passphrase is nobody's but ssh-keygen's");
}

/// A refusal at the end leaves the run open, and the status says that a signature is missing.
#[test]
fn a_refusal_at_the_end_is_told_by_the_status() {
    let place = Place::make();
    let keys = Keys::make(&place.desk, &["bo"]);
    keys.believed(&["bo"], "");
    let playbook = "runsheet: 1\ntitle: One signs\nphases: [{ title: A, steps: [{ id: a, title: A, wait: 1s }] }]\n\
                    sign_off: { by: [reviewer] }\n";
    fs::write(place.desk.home().join("one.yaml"), playbook).expect("write the playbook");
    place.desk.call(["run", "one.yaml", "--unattended"]).ends_with(6);
    let called = place.sign(&["--key", &keys.word("bo")], "r\nthe backup is too old\n").ends_with(6);
    assert!(called.out.contains("refused to sign as reviewer; it is on record"), "{}", called.out);
    let again = place.desk.call(["resume", "--unattended"]).ends_with(6);
    assert!(again.err.contains("refused to sign as reviewer: the backup is too old"), "{}", again.err);
    // Where it cannot be written down, nobody has signed.
    let before = place.bytes();
    let mut full = std::process::Command::new("bash");
    full.args(["-c", "ulimit -f 1; printf 'y\\n' | \"$@\"", "sign", PROGRAM, "sign", "--key", &keys.word("bo")]);
    let called = desk::called(full.envs(place.desk.env()).current_dir(place.desk.home())).ends_with(1);
    assert!(called.err.contains("the journal cannot be written"), "{}", called.err);
    assert_eq!(place.bytes(), before);
    place.sign(&["--key", &keys.word("bo")], "y\n").ends_with(0);
    place.desk.call(["resume", "--unattended"]).ends_with(0);
}

/// Who takes a run over in the middle reads what is in force and what a rollback would do, at both screens; `show` prints it.
#[test]
fn who_takes_over_reads_what_they_take_over() {
    let place = Place::make();
    place.begin();
    let shown = place.desk.call(["show"]).ends_with(0).out;
    for told in ["in force now\n  Before; cannot be undone: A line is a line", "a rollback now\n  cannot be undone"] {
        assert!(shown.contains(told), "{told}\n{shown}");
    }
    let json: Value = serde_json::from_str(&place.desk.call(["show", "--json"]).ends_with(0).out).expect("JSON");
    assert_eq!(json["handover"]["in_force_now"][0], "Before; cannot be undone: A line is a line");

    let words = ["resume", "--operator", "ann"].map(str::to_owned);
    let ann = Terminal::start(&place.desk, &words, 100, 30);
    ann.see("Your name, as checker");
    let words = ["attach", "--plain", "--operator", "bo"].map(str::to_owned);
    let bo = Terminal::start(&place.desk, &words, 100, 40);
    bo.see("WATCHING");
    bo.press("T\r");
    bo.see("Take over?");
    for told in ["In force now:", "A rollback now:", "cannot be undone: it stays as it is: Before"] {
        bo.see(told);
    }
    bo.press("y\r");
    bo.see("You act from here on.");
    ann.see("bo took over");
    // And back again, at the full screen.
    ann.until("what a watcher may do", |now| now.contains("T take over"));
    ann.press("T");
    ann.until("the summary", |now| now.contains("A rollback now") && now.contains("In force now"));
    ann.press("y");
    bo.see("ann took over from bo");
    let records = place.desk.journal();
    let taken: Vec<&str> =
        records.iter().filter_map(|entry| entry["record"]["presence"]["taken_over"]["operator"].as_str()).collect();
    assert_eq!(taken, ["bo", "ann"]);
}
