//! A key under a passphrase: asked for once a run, in every front, and the same file as the `age` program has it.

use std::fs;
use std::path::PathBuf;

use runsheet::secret::{Identity, KeyFile, Secret, Secrets};
use rustix::process::Signal;

use crate::host::next;
use crate::support::desk::Desk;
use crate::support::process;
use crate::support::terminal::{Left, Terminal};

const PASSPHRASE: &str = "CANARY three plain words";

const PLAYBOOK: &str = "
runsheet: 1
title: A story with a secret
phases:
  - title: Only
    steps:
      - id: make
        title: Make a secret
        generate: { made: { bytes: 16 } }
      - id: used
        title: Use it
        read_only: true
        run: test ${#MADE} -eq 24
        env: { MADE: { secret: made } }
      - id: asked
        title: Ask
        manual: Go on.
        read_only: true
";

/// A desk with a playbook, and a key that is protected if so said.
struct Bench {
    desk: Desk,
    key: PathBuf,
    public: String,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn make(passphrase: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::make(folder.path());
        fs::write(desk.home().join("story.yaml"), PLAYBOOK).unwrap();
        let key = desk.home().join("config/runsheet/identity");
        let (identity, _) = Identity::load_or_create(&key).unwrap();
        if let Some(passphrase) = passphrase {
            let passphrase = Secret::new(passphrase.to_owned());
            KeyFile::read(&key).unwrap().unwrap().protect(None, Some(&passphrase)).unwrap();
        }
        Self { desk, key, public: identity.public(), _folder: folder }
    }

    fn terminal(&self, words: &[&str]) -> Terminal {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Terminal::start(&self.desk, &words, 100, 30)
    }

    fn protected(&self) -> bool {
        KeyFile::read(&self.key).unwrap().unwrap().is_protected()
    }
}

/// Types a line where a question stands.
fn answer(terminal: &Terminal, question: &str, line: &str) {
    terminal.see(question);
    terminal.press(&format!("{line}\r"));
}

fn never_shown(left: &Left) {
    assert!(!String::from_utf8_lossy(&left.raw).contains("CANARY"), "{}", left.text);
}

#[test]
fn a_key_is_protected_changed_and_unprotected_at_the_terminal() {
    let bench = Bench::make(None);
    let terminal = bench.terminal(&["identity", "--protect"]);
    answer(&terminal, "New passphrase", "short");
    terminal.see("at least 8 characters");
    answer(&terminal, "characters; a few words are good.\nNew passphrase", PASSPHRASE);
    answer(&terminal, "The same once more:", "CANARY something else");
    terminal.see("They differ.");
    answer(&terminal, "They differ.\nNew passphrase", PASSPHRASE);
    terminal.until("the second question again", |picture| picture.matches("The same once more:").count() == 2);
    terminal.press(&format!("{PASSPHRASE}\r"));
    let left = terminal.ends();
    assert_eq!(left.code, Some(0), "{}", left.text);
    assert!(left.text.contains(&bench.public) && left.text.contains("by a passphrase"), "{}", left.text);
    never_shown(&left);
    assert!(bench.protected());
    bench.desk.call(["identity", "--protect"]).ends_with(2);

    let terminal = bench.terminal(&["identity", "--change"]);
    answer(&terminal, "Passphrase of the key", "CANARY wrong");
    answer(&terminal, "That is not its passphrase.\nPassphrase of the key", PASSPHRASE);
    answer(&terminal, "New passphrase", "CANARY another one");
    answer(&terminal, "The same once more:", "CANARY another one");
    assert_eq!(terminal.ends().code, Some(0));

    // Ctrl-C leaves, and the terminal has its echo.
    let terminal = bench.terminal(&["identity", "--unprotect"]);
    terminal.see("Passphrase of the key");
    terminal.press("CANARY an\x03");
    let left = terminal.ends();
    assert_eq!(left.code, Some(130), "{}", left.text);
    never_shown(&left);
    assert!(bench.protected());

    let terminal = bench.terminal(&["identity", "--unprotect"]);
    answer(&terminal, "Passphrase of the key", "CANARY another one");
    assert_eq!(terminal.ends().code, Some(0));
    assert!(!bench.protected());
    let shown = bench.desk.call(["identity"]).ends_with(0);
    assert!(shown.out.contains(&bench.public) && shown.out.contains("protected   no"), "{}", shown.out);
    bench.desk.call(["identity", "--unprotect"]).ends_with(2);
}

#[test]
fn an_unattended_run_has_the_passphrase_in_its_answers() {
    let bench = Bench::make(Some(PASSPHRASE));
    let desk = &bench.desk;
    let run = |answers: &str| {
        let answers = desk.answers("answers.yaml", answers);
        desk.call(["run", "story.yaml", "--unattended", "--answers", &answers])
    };
    let called = run("asked: done\n").ends_with(7);
    assert!(called.err.contains("put `identity: env:NAME`"), "{}", called.err);
    desk.keep_secret("wrong", "CANARY wrong");
    run("identity: file:wrong\nasked: done\n").ends_with(2);
    assert!(desk.runs().is_empty(), "nothing was begun");
    desk.keep_secret("right", PASSPHRASE);
    run("identity: file:right\n").ends_with(7);
    let answers = desk.answers("answers.yaml", "identity: file:right\nasked: done\n");
    desk.call(["resume", "--unattended", "--answers", &answers]).ends_with(0);
    // What only looks needs no key, and neither does what leaves nothing behind.
    desk.call(["show"]).ends_with(0);
    desk.call(["run", "story.yaml", "--dry-run"]).ends_with(0);
}

#[test]
fn the_full_screen_waits_for_the_passphrase() {
    let bench = Bench::make(Some(PASSPHRASE));
    let terminal = bench.terminal(&["run", "story.yaml", "--foreground"]);
    answer(&terminal, "Passphrase of the key", "CANARY wrong");
    answer(&terminal, "That is not its passphrase.\nPassphrase of the key", PASSPHRASE);
    terminal.see("A story with a secret");
    terminal.press("q");
    never_shown(&terminal.ends());
}

#[test]
fn the_age_program_opens_a_vault_with_a_protected_key() {
    let bench = Bench::make(None);
    let vault = bench.desk.home().join("vault.age");
    let (identity, _) = Identity::load_or_create(&bench.key).unwrap();
    let secrets = Secrets::open(Some(vault.clone()), &identity).unwrap();
    secrets.keep(vec![("password".to_owned(), Secret::new("CANARY-kept".to_owned()))]).unwrap();
    let passphrase = Secret::new(PASSPHRASE.to_owned());
    KeyFile::read(&bench.key).unwrap().unwrap().protect(None, Some(&passphrase)).unwrap();

    let opened = bench.desk.home().join("opened");
    let words = ["--decrypt", "--identity"].map(str::to_owned).into_iter();
    let paths = [bench.key.clone(), "--output".into(), opened.clone(), vault];
    let words: Vec<String> = words.chain(paths.iter().map(|path| path.display().to_string())).collect();
    let terminal = Terminal::start_other("age", &bench.desk, &words, 100, 30);
    answer(&terminal, "passphrase", PASSPHRASE);
    let left = terminal.ends();
    assert_eq!(left.code, Some(0), "{}", left.text);
    assert!(fs::read_to_string(opened).unwrap().contains(r#""value":"CANARY-kept""#));
}

/// What `age -p` made is taken as well.
#[test]
fn a_key_that_age_protected_is_taken() {
    let bench = Bench::make(None);
    let plain = bench.desk.home().join("plain");
    fs::rename(&bench.key, &plain).unwrap();
    let words = ["-p", "-o"].map(str::to_owned).into_iter();
    let words: Vec<String> = words.chain([&bench.key, &plain].map(|path| path.display().to_string())).collect();
    let terminal = Terminal::start_other("age", &bench.desk, &words, 100, 30);
    answer(&terminal, "Enter passphrase", PASSPHRASE);
    answer(&terminal, "Confirm passphrase", PASSPHRASE);
    assert_eq!(terminal.ends().code, Some(0));
    fs::set_permissions(&bench.key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(bench.protected());
    let file = KeyFile::read(&bench.key).unwrap().unwrap();
    let opened = Identity::unlock(&file, &Secret::new(PASSPHRASE.to_owned())).unwrap().unwrap();
    assert_eq!(opened.public(), bench.public);
}

/// The host has the key from the screen that started it: it asks nobody, and neither does a screen that comes to it. A new
/// host is a new process, and must be given the key once more.
#[test]
fn a_host_is_given_the_key_and_who_comes_to_it_is_not_asked() {
    let bench = Bench::make(Some(PASSPHRASE));
    let mut told = Vec::new();
    let terminal = bench.terminal(&["run", "story.yaml", "--operator", "Ada"]);
    answer(&terminal, "Passphrase of the key", PASSPHRASE);
    terminal.see("Nothing has happened yet");
    terminal.press("\x1b[21~");
    next(&terminal, 1);
    start(&terminal, "Next: 2/");
    // The secret was made and kept, and is used by what runs now: the host has opened the vault.
    start(&terminal, "Your turn: 3/");
    terminal.signal(Signal::HUP);
    told.push(terminal.ends());
    let hosts = bench.desk.hosts();
    assert_eq!(hosts.len(), 1, "{hosts:?}");
    for words in [&["attach", "--operator", "Ada"][..], &["resume", "--operator", "Ada"], &["watch"]] {
        let terminal = bench.terminal(words);
        let picture = terminal.until("the step, or a question", |picture| {
            picture.contains("Your turn: 3/") || picture.contains("Passphrase")
        });
        assert!(!picture.contains("Passphrase"), "{words:?}\n{picture}");
        terminal.signal(Signal::HUP);
        told.push(terminal.ends());
    }
    assert_eq!(bench.desk.hosts(), hosts, "it is the same one");
    for file in ["cmdline", "environ"] {
        let bytes = fs::read(format!("/proc/{}/{file}", hosts[0])).unwrap_or_default();
        assert!(!bytes.windows(6).any(|part| part == b"CANARY"), "{file}");
    }

    process::end(hosts[0], Signal::TERM, || process::is_gone(hosts[0]));
    let terminal = bench.terminal(&["resume", "--operator", "Ada"]);
    answer(&terminal, "Passphrase of the key", PASSPHRASE);
    terminal.see("Your turn: 3/");
    terminal.signal(Signal::HUP);
    told.push(terminal.ends());
    for left in &told {
        never_shown(left);
        assert!(left.text.matches("Passphrase").count() <= 1, "asked once\n{}", left.text);
    }
    for file in ["journal.jsonl", "playbook.yaml"] {
        let text = fs::read_to_string(bench.desk.run_folder().join(file)).unwrap();
        assert!(!text.contains("CANARY"), "{file}");
    }
}

/// Starts the step that can be started, and waits for what comes then.
#[track_caller]
fn start(terminal: &Terminal, then: &str) {
    terminal.press_until("\r", then);
}
