//! The playbooks of gate A on real MariaDB servers: forward, back from every step that changes something, each program
//! failing at each call, wrong passwords, a dry run, a person at plain lines.
//!
//! An unattended run stops where an answer is left out, so each stop is exact. One rig serves a whole playbook: after a
//! rollback everything is as it was, and that is what is compared.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::leaks::{none_told, traced};
use crate::support::desk::Called;
use crate::support::gate::{APP, Gate, NEW, OLD, STAGING};
use crate::support::keys::Keys;
use crate::support::rig::Answer;
use crate::support::terminal::Terminal;

const PASSWORD: &str = "
inputs: { old_password: 'file:old' }
new-password: { new_password: 'file:new' }
set-password: done
manager-has-it: { kept_password: 'file:new' }
end-old-sessions: done
people-know: done
";
const PRIVILEGE: &str = "
inputs: { admin_password: 'file:old' }
app-password: { app_password: 'file:app' }
make-account: done
apply-grants: done
grants-read: done
";
const BACKUP: &str = "
inputs: { admin_password: 'file:old' }
store: done
stored: done
";
const RESTORE: &str = "
inputs: { admin_password: 'file:old', staging_password: 'file:staging' }
consistent: done
drop-schema: done
queries-clean: done
";

/// Leaves the answer of a step out.
fn without(answers: &str, step: &str) -> String {
    let kept: Vec<&str> = answers.lines().filter(|line| !line.starts_with(&format!("{step}:"))).collect();
    assert!(kept.len() < answers.lines().count(), "{step} has an answer");
    kept.join("\n")
}

/// A playbook that is run on a rig again and again.
struct Bench<'g> {
    gate: &'g Gate,
    playbook: &'static str,
    answers: &'static str,
    inputs: Vec<String>,
}

impl Bench<'_> {
    fn inputs(&self) -> Vec<&str> {
        self.inputs.iter().map(String::as_str).collect()
    }

    /// Walks to the end, and holds that nothing leaked.
    #[track_caller]
    fn forward(&self) -> Called {
        let desk = self.gate.desk();
        let called = self.gate.run(&desk, self.playbook, self.answers, &self.inputs(), &[]).ends_with(0);
        self.gate.nothing_leaked(&desk, &called);
        assert!(!desk.run_folder().join("vault.age").exists(), "the vault is gone with the end of the run");
        called
    }

    /// Walks up to a step whose answer is left out, and rolls back: everything is as it was.
    fn back_from_before(&self, steps: &[&str]) {
        for step in steps {
            let (desk, before) = (self.gate.desk(), self.gate.state());
            let answers = without(self.answers, step);
            let called = self.gate.run(&desk, self.playbook, &answers, &self.inputs(), &[]).ends_with(7);
            assert!(called.err.contains(step), "{step}: {}", called.err);
            let back = desk.call(["rollback", &desk.run_id(), "--unattended"]).ends_with(4);
            self.gate.nothing_leaked(&desk, &back);
            assert_eq!(self.gate.state(), before, "back from before {step}");
        }
    }

    /// Lets a program go wrong at each of its calls: it is rolled back, and everything is as it was.
    fn goes_wrong(&self, program: &str, how: &str) -> usize {
        for number in 1.. {
            let (desk, before) = (self.gate.desk(), self.gate.state());
            self.gate.fault(program, number, how);
            // The last answer is left out: where nothing goes wrong, the run is rolled back from there all the same.
            let last = self.answers.lines().last().and_then(|line| line.split(':').next()).expect("an answer");
            let answers = without(self.answers, last);
            let flags = ["--on-failure", "rollback"];
            let called = self.gate.run(&desk, self.playbook, &answers, &self.inputs(), &flags);
            let hit = self.gate.mend();
            let told = format!("{program} {number} {how}:\n{}\n{}", called.out, called.err);
            assert!(!called.err.contains("panicked"), "{told}");
            if !hit {
                assert_eq!(called.code, Some(7), "{told}");
                desk.call(["rollback", &desk.run_id(), "--unattended"]).ends_with(4);
                assert_eq!(self.gate.state(), before, "{told}");
                return number - 1;
            }
            let nothing_yet = called.err.contains("there is nothing to roll back");
            assert_eq!(called.code, Some(if nothing_yet { 7 } else { 4 }), "{told}");
            assert!(called.out.contains("FAILED"), "{told}");
            assert_eq!(self.gate.state(), before, "{told}");
            self.gate.nothing_leaked(&desk, &called);
        }
        unreachable!("it returns")
    }

    /// Walks a dry run, and holds that nothing is different, and that no program was called that could change anything.
    fn dry(&self) {
        let (desk, before, calls) = (self.gate.desk(), self.gate.state(), self.gate.calls().len());
        let called = self.gate.run(&desk, self.playbook, self.answers, &self.inputs(), &["--dry-run"]);
        assert_eq!(called.code, Some(0), "{}\n{}", called.out, called.err);
        assert_eq!(self.gate.state(), before, "after a dry run");
        let calls = &self.gate.calls()[calls..];
        assert!(!calls.contains("mariadb-dump "), "{calls}");
        assert!(desk.runs().is_empty(), "a dry run keeps no run");
        self.gate.nothing_leaked(&desk, &called);
    }
}

#[test]
fn a_password_is_rotated_and_comes_back() {
    let gate = Gate::start(false);
    let bench = Bench { gate: &gate, playbook: "mysql-password", answers: PASSWORD, inputs: Vec::new() };
    bench.dry();
    bench.back_from_before(&["manager-has-it", "end-old-sessions", "people-know"]);
    assert!(bench.goes_wrong("mariadb", "fail") >= 2);
    assert!(bench.goes_wrong("mariadb", "act-then-fail") >= 2);
    assert!(bench.goes_wrong("openssl", "fail") >= 4);
    assert!(bench.goes_wrong("sha256sum", "fail") >= 2);

    // Whoever is in with the old password is put out.
    let mut intruder = Command::new("mariadb");
    intruder.args(["--no-defaults", "--host=127.0.0.1", "--user=root", "--execute=select 'in'; select sleep(600)"]);
    intruder.arg("--unbuffered").arg(format!("--port={}", gate.source.port)).env("MYSQL_PWD", OLD);
    let mut intruder = intruder.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start the intruder");
    let inside = "select count(*) from information_schema.processlist where info like '%sleep(600)%' and user = 'root' and host like '127%'";
    while gate.source.sql(inside).trim() == "0" {
        assert!(intruder.try_wait().expect("ask for its status").is_none(), "the intruder is in");
        std::thread::yield_now();
    }
    let before = gate.checklist();
    bench.forward();
    assert!(!intruder.wait().expect("wait for the intruder").success(), "its session was ended");
    assert_eq!((gate.source.answer("root", OLD), gate.source.answer("root", NEW)), (Answer::Refused, Answer::Accepted));
    let checklist = gate.checklist();
    let line = checklist.strip_prefix(&before).expect("a line was appended");
    assert_eq!(line.lines().count(), 1, "{line}");
    let fingerprints = regex::Regex::new("old ([0-9a-f]{12}), new ([0-9a-f]{12})").expect("a pattern");
    let found = fingerprints.captures(line).expect("both fingerprints");
    assert_ne!(found[1], found[2]);
    let app = std::fs::read_to_string(gate.path("app.env")).expect("read the file");
    assert!(app.contains(&format!("//root:{}@", crate::support::rig::in_url(NEW))), "{app}");
    // Rotated again, the password of before is the wrong one: nothing happens.
    let (desk, state) = (gate.desk(), gate.state());
    let again = gate.run(&desk, bench.playbook, PASSWORD, &[], &["--on-failure", "stop"]).ends_with(1);
    assert!(again.out.contains("FAILED account-answers") && again.out.contains("denied"), "{}", again.out);
    assert_eq!(gate.state(), state);
}

#[test]
fn a_wrong_password_is_told_before_or_right_after_it_matters() {
    let gate = Gate::start(false);
    let bench = Bench { gate: &gate, playbook: "mysql-password", answers: PASSWORD, inputs: Vec::new() };
    let before = gate.state();

    // Too short, or the old one: not taken.
    for (wrong, said) in [("CANARY-short", "32"), (OLD, "32")] {
        let desk = gate.desk();
        desk.keep_secret("new", wrong);
        let called = gate.run(&desk, bench.playbook, PASSWORD, &[], &[]).ends_with(2);
        assert!(called.err.contains(said), "{}", called.err);
        assert_eq!(gate.state(), before);
    }

    // What the password manager holds is not what was set.
    let desk = gate.desk();
    desk.keep_secret("other", APP);
    let answers = PASSWORD.replace("kept_password: 'file:new'", "kept_password: 'file:other'");
    let called = gate.run(&desk, bench.playbook, &answers, &[], &["--on-failure", "stop"]).ends_with(1);
    assert!(called.out.contains("FAILED manager-has-it"), "{}", called.out);
    assert_eq!(gate.source.answer("root", NEW), Answer::Accepted);
    desk.call(["rollback", &desk.run_id(), "--unattended"]).ends_with(4);
    assert_eq!(gate.state(), before);

    // Another account than the one that the server chooses is not touched.
    gate.source.sql("create user 'root'@'127.0.0.1'");
    let hash = gate.source.sql(
        "select json_value(priv, '$.authentication_string') from mysql.global_priv where user = 'root' and host = '%'",
    );
    gate.source.sql(&format!("set password for 'root'@'127.0.0.1' = '{}'", hash.trim()));
    let desk = gate.desk();
    let called = gate.run(&desk, bench.playbook, PASSWORD, &[], &["--on-failure", "stop"]).ends_with(1);
    assert!(called.out.contains("root@127.0.0.1"), "{}", called.out);
    gate.source.sql("drop user 'root'@'127.0.0.1'");
    assert_eq!(gate.state(), before);

    // A program that never answers is ended in its time.
    let desk = gate.desk();
    gate.fault("sha256sum", 1, "hang");
    let called = gate.run(&desk, bench.playbook, PASSWORD, &[], &["--on-failure", "rollback"]).ends_with(4);
    assert!(gate.mend() && called.out.contains("FAILED fingerprints"), "{}", called.out);
    assert_eq!(gate.state(), before);

    // A person, at plain lines.
    let desk = gate.desk();
    let mut words = gate.words(bench.playbook, &[]);
    words.push("--plain".to_owned());
    let mut program = desk.program(&words);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().expect("start the program");
    let mut keys = child.stdin.take().expect("its standard input");
    keys.write_all(typed().as_bytes()).expect("type");
    drop(keys);
    let output = child.wait_with_output().expect("wait for it");
    let called = Called {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    let called = called.ends_with(0);
    gate.nothing_leaked(&desk, &called);
    assert_eq!(gate.source.answer("root", NEW), Answer::Accepted);
}

/// What a person types, question by question: the inputs, the pre-checks, and so on to the last statement.
fn typed() -> String {
    let (inputs, checks) = (format!("\n\n\n\n\n\n{OLD}\n\n\n\n\n"), "\n\n\n\n\n\n");
    let rotate = format!("{NEW}\n\n\ny\n{NEW}\n\n\ny\n");
    format!("{inputs}{checks}{rotate}\n\n\n\ny\n")
}

#[test]
fn an_account_gets_its_rights_and_loses_them() {
    let gate = Gate::start(false);
    let bench = |inputs: &[&str]| Bench {
        gate: &gate,
        playbook: "mysql-least-privilege",
        answers: PRIVILEGE,
        inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
    };
    let dynamic = bench(&[]);
    dynamic.dry();
    dynamic.back_from_before(&["apply-grants", "grants-read"]);
    assert!(dynamic.goes_wrong("mariadb", "act-then-fail") >= 4);
    assert!(dynamic.goes_wrong("openssl", "fail") >= 2);
    assert!(dynamic.goes_wrong("base64", "fail") >= 1);

    // With an account that is there already, with rights of its own, a password and more.
    gate.source.sql(
        "create user 'keystone_app'@'%' identified by 'CANARY-before-pw'; \
         grant select on heaven.* to 'keystone_app'@'%'; grant process on *.* to 'keystone_app'@'%'; \
         grant all on heaven.ks_user to 'keystone_app'@'%' with grant option",
    );
    let legacy = bench(&["revoke_legacy=yes", "variant=static", "static_tables=ks_user,ks_heavenletter"]);
    legacy.back_from_before(&["apply-grants", "grants-read"]);
    assert!(legacy.goes_wrong("mariadb", "fail") >= 5);

    // Broad rights that stay are found, and so the check fails that must.
    let (desk, before) = (gate.desk(), gate.state());
    let called = gate.run(&desk, dynamic.playbook, PRIVILEGE, &[], &["--on-failure", "rollback"]).ends_with(4);
    assert!(called.out.contains("FAILED apply-grants"), "{}", called.out);
    assert_eq!(gate.state(), before);
    // A table that is not there is told before anything changes.
    let wrong = ["variant=static", "static_tables=ks_user,ks_nothing"];
    let called = gate.run(&gate.desk(), dynamic.playbook, PRIVILEGE, &wrong, &["--on-failure", "stop"]).ends_with(1);
    assert!(called.out.contains("no such table of the prefix: ks_nothing"), "{}", called.out);
    assert_eq!(gate.state(), before);

    legacy.forward();
    assert_eq!(gate.source.answer("keystone_app", APP), Answer::Accepted);
    let granted = "select table_name, table_priv from mysql.tables_priv where user = 'keystone_app' order by 1";
    let rights = "Select,Insert,Update,Create,Index";
    assert_eq!(gate.source.sql(granted), format!("ks_heavenletter\t{rights}\nks_user\t{rights}\n"));
    assert_eq!(gate.source.sql("select count(*) from mysql.db where user = 'keystone_app'"), "0\n");
    assert!(gate.checklist().contains("Gate A 2"));
}

#[test]
fn a_backup_is_taken_and_restored() {
    let gate = Gate::start(true);
    let backup = Bench { gate: &gate, playbook: "mysql-backup", answers: BACKUP, inputs: Vec::new() };
    backup.dry();
    backup.back_from_before(&["store", "stored"]);
    assert!(backup.goes_wrong("mariadb-dump", "fail") >= 1);
    // A dump that stops in the middle, and says nothing.
    let before = gate.state();
    gate.fault("mariadb-dump", 1, "cut");
    let cut = gate.run(&gate.desk(), backup.playbook, BACKUP, &[], &["--on-failure", "rollback"]).ends_with(4);
    assert!(gate.mend() && cut.out.contains("FAILED dump") && cut.out.contains("the dump is not whole"), "{}", cut.out);
    assert_eq!(gate.state(), before);
    assert!(backup.goes_wrong("gzip", "fail") >= 2);
    assert!(backup.goes_wrong("sha256sum", "fail") >= 2);
    gate.source.sql("create table heaven.old_drupal (id int) engine=MyISAM");
    let stopped = gate.run(&gate.desk(), backup.playbook, BACKUP, &[], &["--on-failure", "stop"]).ends_with(1);
    assert!(stopped.out.contains("FAILED engines-fit"), "{}", stopped.out);
    assert_eq!(gate.backups(), Vec::<String>::new());
    let lock = Bench { inputs: vec!["if_not_innodb=lock".to_owned()], ..backup };
    lock.forward();
    let [dump, sum, tag] = &gate.backups()[..] else { panic!("{:?}", gate.backups()) };
    assert!(sum == &format!("{dump}.sha256") && tag == &format!("{dump}.tag"), "{sum} {tag}");
    assert!(gate.checklist().contains(dump));

    let name = format!("backup_name={dump}");
    let restore = Bench { gate: &gate, playbook: "mysql-restore-check", answers: RESTORE, inputs: vec![name.clone()] };
    restore.dry();
    restore.back_from_before(&["drop-schema", "queries-clean"]);
    assert!(restore.goes_wrong("mariadb", "act-then-fail") >= 4);
    assert!(restore.goes_wrong("gzip", "fail") >= 3);
    // A schema of that name that somebody else made is neither written to nor dropped.
    let staging = gate.staging.as_ref().expect("a staging server");
    staging.sql("create database heaven_staging; create table heaven_staging.precious (id int)");
    let before = gate.state();
    let called = gate.run(&gate.desk(), restore.playbook, RESTORE, &[&name], &["--on-failure", "stop"]).ends_with(1);
    assert!(called.out.contains("FAILED name-free"), "{}", called.out);
    assert_eq!(gate.state(), before);
    staging.sql("drop database heaven_staging");
    // A dump that was changed is not restored.
    let path = gate.path("backups").join(dump);
    let whole = std::fs::read(&path).expect("read the dump");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("damage the dump");
    let called = gate.run(&gate.desk(), restore.playbook, RESTORE, &[&name], &["--on-failure", "stop"]).ends_with(1);
    assert!(called.out.contains("FAILED backup-whole"), "{}", called.out);
    std::fs::write(&path, &whole).expect("mend the dump");
    // Restored next to the source, on the same server, it would prove little.
    let port = format!("staging_port={}", gate.source.port);
    let same = gate.desk();
    same.keep_secret("staging", OLD);
    let called = gate.run(&same, restore.playbook, RESTORE, &[&name, &port], &["--on-failure", "stop"]).ends_with(1);
    assert!(called.out.contains("FAILED servers-answer"), "{}", called.out);

    restore.forward();
    assert_eq!(
        staging.sql("select count(*) from information_schema.schemata where schema_name = 'heaven_staging'"),
        "0\n"
    );
    assert!(gate.checklist().contains("64510 rows in `node` (source 64510)"), "{}", gate.checklist());
}

/// Not sampled but told by the system: no start of any program is missed, forward and back.
#[test]
fn no_program_is_started_with_a_password_among_its_words() {
    let gate = Gate::start(true);
    let desk = gate.desk();
    let words = gate.words("mysql-gate-a", &[]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut started = traced(&desk, &words, &without(GATE, "checklist-read"), 7);
    started.extend(traced(&desk, &["rollback", &desk.run_id()], "", 4));
    // By their environment, programs get only what the steps call `NEW`.
    none_told(&started, &[OLD, NEW, APP, STAGING].map(str::to_owned), Some("NEW"));
    assert!(started.len() > 100, "{} programs", started.len());
}

const GATE: &str = "
inputs: { admin_password: 'file:old', staging_password: 'file:staging' }
backup/store: done
restore-check/consistent: done
restore-check/drop-schema: done
password/new-password: { password/new_password: 'file:new' }
password/set-password: done
password/manager-has-it: { password/kept_password: 'file:new' }
password/end-old-sessions: done
least-privilege/app-password: { least-privilege/app_password: 'file:app' }
least-privilege/make-account: done
least-privilege/apply-grants: done
checklist-read: done
";

#[test]
fn the_whole_gate_is_walked_and_comes_back() {
    let gate = Gate::start(true);
    let bench = Bench { gate: &gate, playbook: "mysql-gate-a", answers: GATE, inputs: Vec::new() };
    bench.dry();
    bench.back_from_before(&["password/set-password", "least-privilege/make-account", "checklist-read"]);
    let before = gate.checklist();
    walked_and_signed(&gate);
    let (checklist, backups) = (gate.checklist(), gate.backups());
    let proofs: Vec<&str> = checklist.strip_prefix(&before).expect("lines were appended").lines().collect();
    let of = |line: &&str| line.split("Gate A ").nth(1).and_then(|rest| rest.chars().next());
    assert_eq!(proofs.iter().map(of).collect::<Option<String>>().as_deref(), Some("3412"), "{checklist}");
    assert!(backups.len() == 3 && proofs[1].contains(&backups[0]), "{backups:?}");
    let answers = [("root", OLD), ("root", NEW), ("keystone_app", APP)]
        .map(|(user, password)| gate.source.answer(user, password));
    assert_eq!(answers, [Answer::Refused, Answer::Accepted, Answer::Accepted]);
}

/// The gate with a sign-off by two people: one at the screen that walks it, the other at a terminal of their own.
fn walked_and_signed(gate: &Gate) {
    let folder = gate.path("signed");
    std::fs::create_dir(&folder).expect("make the folder");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks")).expect("list the playbooks") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            std::fs::copy(&path, folder.join(path.file_name().expect("a name"))).expect("copy a playbook");
        }
    }
    let playbook = folder.join("mysql-gate-a.yaml");
    let text = std::fs::read_to_string(&playbook).expect("read the gate");
    let signed = format!("{text}\nsign_off: {{ by: [operator, reviewer], distinct: true }}\n");
    std::fs::write(&playbook, signed).expect("write the gate");

    let desk = gate.desk();
    let keys = Keys::make(&desk, &["ann", "bo"]);
    keys.believed(&["ann", "bo"], "");
    let playbook = playbook.display().to_string();
    let called = gate.run(&desk, &playbook, GATE, &[], &["--operator", "ann"]).ends_with(6);
    assert!(called.err.contains("the sign-off of operator is missing"), "{}", called.err);

    let words = ["resume", "--operator", "ann"].map(str::to_owned);
    let ann = Terminal::start(&desk, &words, 100, 30);
    ann.until("the sign-off", |now| now.contains("Your name, as operator") && now.contains("F4 refuse to sign"));
    let signs = |key: &str, told: &str, code: i32| {
        let words = ["sign", "--role", "reviewer", "--key", &keys.word(key)].map(str::to_owned);
        let terminal = Terminal::start(&desk, &words, 100, 30);
        terminal.see("y signs, r refuses");
        terminal.press("y\r");
        terminal.see(told);
        assert_eq!(terminal.ends().code, Some(code));
    };
    // Ann may not review what she walked.
    signs("ann", "walks this run or has signed already", 6);
    signs("bo", "bo@example.org signed as reviewer", 0);
    ann.press("ann");
    ann.until("the name", |now| {
        now.lines().any(|line| line.contains("Your name, as operator") && line.contains("ann"))
    });
    ann.press("\r");
    ann.see("The run is over.");
    ann.press("q");
    assert_eq!(ann.ends().code, Some(0));
    gate.nothing_leaked(&desk, &called);
    assert!(!desk.run_folder().join("vault.age").exists(), "the vault is gone with the end of the run");
}
