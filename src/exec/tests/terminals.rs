//! Commands at a terminal of their own: keys, size, colours, answers, masking, ends.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::engine::{Effect, How, Input, Outcome};
use crate::exec::testing::{Stage, action, perform, run, target};
use crate::exec::{Executor, Report, World};
use crate::output::Picture;
use crate::playbook::plan::{Act, Action, Manner, RunSpec};
use crate::secret::Secret;

/// How long something may take to be seen.
const PATIENCE: Duration = Duration::from_mins(1);

/// A step's program at its terminal, and a person who looks before typing.
struct Sitting {
    stage: Stage,
    world: World,
    reports: UnboundedReceiver<Report>,
    picture: Picture,
    /// Everything that was to be seen at any time.
    seen: String,
    lines: String,
    ended: Option<Outcome>,
}

fn at_terminal(script: &str) -> Action {
    match run(script).act {
        Act::Run(spec) => action(Act::Run(RunSpec { manner: Manner::Terminal, ..spec })),
        other => panic!("{other:?}"),
    }
}

impl Sitting {
    fn of(script: &str) -> Self {
        Self::at(Stage::of(at_terminal(script)))
    }

    fn at(stage: Stage) -> Self {
        let (mut world, reports) = stage.world();
        world.resize(60, 10);
        world.start(perform(), &stage.values);
        let (picture, seen, lines) = (Picture::default(), String::new(), String::new());
        Self { stage, world, reports, picture, seen, lines, ended: None }
    }

    /// Waits for the next that is told.
    async fn next(&mut self) {
        match timeout(PATIENCE, self.reports.recv()).await.expect("nothing more comes").unwrap() {
            Report::Picture { picture, .. } => {
                if let Some(picture) = picture.take() {
                    self.seen.push_str(&picture.rows.join("\n"));
                    self.picture = picture;
                }
            }
            Report::Output { text, .. } => self.lines.push_str(&text),
            Report::Input(Input::Performed { outcome, .. }) => self.ended = Some(outcome),
            Report::Input(_)
            | Report::Attempt { .. }
            | Report::Preview { .. }
            | Report::TerminalLost
            | Report::Notice(_) => {}
        }
    }

    /// Waits until a text is to be seen.
    async fn see(&mut self, text: &str) -> String {
        while !self.picture.rows.join("\n").contains(text) {
            assert!(self.ended.is_none(), "{text:?} was not seen: {:?}\n{}", self.ended, self.picture.rows.join("\n"));
            self.next().await;
        }
        self.picture.rows.join("\n")
    }

    fn keys(&mut self, keys: &str) {
        self.world.type_in(&target(), Secret::new(keys.to_owned()));
    }

    /// Waits for the end.
    async fn end(&mut self) -> Outcome {
        while self.ended.is_none() {
            self.next().await;
        }
        self.ended.clone().unwrap()
    }

    fn transcript(&self) -> String {
        self.stage.transcript("it.1.log")
    }
}

#[tokio::test]
async fn it_has_a_terminal_of_its_own_with_the_size_of_the_pane() {
    let mut sitting = Sitting::of(
        "exec 3<>/dev/tty && echo has one; ps -o sid=,pgid=,tpgid= -p $$ | tr -s ' '; echo me $$; stty size; echo $TERM $(printenv COLUMNS LINES || echo none); \
         ls /proc/self/fd | sort -n | tr '\\n' ' '; trap 'stty size; exit 7' WINCH; echo; echo ready; while :; do sleep 0.05; done",
    );
    let picture = sitting.see("ready").await;
    assert!(
        picture.contains("has one") && picture.contains("10 60") && picture.contains("xterm-256color none"),
        "{picture}"
    );
    let me = picture.lines().find_map(|line| line.strip_prefix("me ")).unwrap();
    assert!(picture.contains(&format!("{me} {me} {me}")), "it leads its session and the foreground: {picture}");
    sitting.world.resize(90, 20);
    let outcome = sitting.end().await;
    assert_eq!(
        (outcome.how, outcome.exit, outcome.saw.as_str()),
        (How::Failed, Some(7), "exit status 7, at its terminal")
    );
    assert!(sitting.transcript().contains("20 90"), "{}", sitting.transcript());
}

#[tokio::test]
async fn a_password_is_typed_unseen_and_is_nowhere() {
    let mut sitting = Sitting::of(
        "read -rsp 'Password: ' word; echo; read -rp 'Name: ' name; [ \"$word\" = CANARY-typed ] && echo \"hello $name\"",
    );
    sitting.see("Password:").await;
    sitting.keys("CANARY-typed\r");
    sitting.see("Name:").await;
    sitting.keys("ada\r");
    let outcome = sitting.end().await;
    assert_eq!((outcome.how, outcome.saw.as_str()), (How::Ok, "ended at its terminal, exit status 0"));
    let transcript = sitting.transcript();
    assert_eq!(transcript, "Password:\nName: ada\nhello ada\n\u{1b}[0m");
    assert!(!sitting.seen.contains("CANARY") && !sitting.lines.contains("CANARY"));
}

#[tokio::test]
async fn a_secret_is_masked_in_every_picture_and_in_the_transcript() {
    let script = "s=$KEY; printf '%s\\n' \"$s\"; printf 'x\\e[31m%s\\e[0m%s\\n' \"${s:0:7}\" \"${s:7}\"; \
                  printf '%s\\e[2;30H|\\e[8;1H%s\\n' \"${s:0:9}\" later; \
                  printf '\\e[9;20H%s\\e[9;11H%s' \"${s:9}\" \"${s:0:9}\"; read -r; clear; echo \"$s\" | cut -c1-13; \
                  for n in $(seq 12); do echo \"line $n $s\"; done; read -r";
    let mut action = at_terminal(script);
    if let Act::Run(spec) = &mut action.act {
        let key = crate::playbook::plan::Given::Secret(crate::playbook::plan::Name::new("key"));
        spec.env = vec![("KEY".to_owned(), crate::playbook::plan::Variable::Given(key))];
    }
    let mut sitting = Sitting::at(Stage::of(action).secret("key", "CANARY-it-is-a-key"));
    let picture = sitting.see("later").await;
    assert!(picture.contains("[secret]"), "{picture}");
    sitting.keys("\r");
    sitting.see("line 12").await;
    sitting.keys("\r");
    assert_eq!(sitting.end().await.how, How::Ok);
    for text in [&sitting.seen, &sitting.transcript(), &sitting.lines] {
        for part in ["CANARY-it", "it-is-a-key", "is-a-key"] {
            assert!(!text.contains(part), "{part} is in {text}");
        }
    }
    assert!(sitting.transcript().contains("line 12 [secret]"));
}

#[tokio::test]
async fn what_a_program_asks_of_its_terminal_is_answered_harmlessly() {
    let script = "stty raw -echo; printf '\\e]0;evil\\a\\e]52;c;ZXZpbA==\\a\\e[21t\\e[c\\e[6n'; \
                  head -c 15 | od -An -c | tr -s ' \\n' ' '; stty sane; echo; echo over; read -r";
    let mut sitting = Sitting::of(script);
    let picture = sitting.see("over").await;
    assert!(picture.contains("033 [ ? 6 2 ; 2 2 c 033 [ 1 ; 1 R"), "{picture}");
    sitting.keys("\r");
    sitting.end().await;
    assert!(!sitting.seen.contains("evil"));
}

#[tokio::test]
async fn stopping_ends_a_shell_and_what_runs_in_it() {
    for hard in [false, true] {
        // An interactive shell hears no TERM, and gives each command a group of its own.
        let mut sitting = Sitting::of("PS1='prompt: ' exec bash --norc -i");
        sitting.see("prompt:").await;
        sitting.keys("sleep 600\r");
        sitting.see("sleep 600").await;
        sitting.world.start(Effect::Stop { target: target(), hard }, &sitting.stage.values);
        let outcome = sitting.end().await;
        assert_eq!(outcome.how, How::Stopped, "{outcome:?}");
        assert!(!outcome.saw.contains("still running"), "{outcome:?}");
    }
}

#[tokio::test]
async fn what_takes_too_long_is_stopped_and_what_stays_behind_is_named() {
    let mut action = at_terminal("echo on; exec sleep 600");
    action.timeout = Some(Duration::from_millis(300));
    let outcome = Sitting::at(Stage::of(action)).end().await;
    assert_eq!(
        (outcome.how, outcome.saw.as_str()),
        (How::TimedOut, "took longer than 300ms and was stopped, ended by signal 15 (TERM)")
    );
    let mut sitting =
        Sitting::of("(trap '' HUP; echo $BASHPID > pid; exec sleep 600) & while [ ! -s pid ]; do :; done; echo bye");
    let outcome = sitting.end().await;
    let pid = std::fs::read_to_string(sitting.stage.path("pid")).unwrap();
    assert_eq!(
        outcome.saw,
        format!("ended at its terminal, exit status 0; still running: process {} (sleep)", pid.trim())
    );
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// A flood is drawn, not stored: few pictures, bounded lines under way, its end to be seen.
#[tokio::test]
async fn a_flood_stays_bounded() {
    let mut sitting = Sitting::of("seq 200000; echo the end; read -r");
    sitting.see("the end").await;
    assert!(sitting.lines.len() < 3_000_000, "{}", sitting.lines.len());
    sitting.keys("\r");
    assert_eq!(sitting.end().await.how, How::Ok);
    let transcript = sitting.transcript();
    assert_eq!(transcript.lines().filter(|line| line.ends_with("99999")).count(), 2, "all of it is in the transcript");
}

/// What nobody reads does not hold up anything: keys wait in a bounded place.
#[tokio::test]
async fn keys_that_nobody_reads_hold_up_nothing() {
    let mut sitting = Sitting::of("stty raw -echo; echo ready; exec sleep 600");
    sitting.see("ready").await;
    for _ in 0..200 {
        sitting.keys(&"x".repeat(4096));
    }
    sitting.world.start(Effect::Stop { target: target(), hard: false }, &sitting.stage.values);
    assert_eq!(sitting.end().await.how, How::Stopped);
}

/// The corpus of hostile texts, written to a terminal: whatever it is, pictures and transcript are text and colours.
#[tokio::test]
async fn hostile_text_is_only_drawn() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile");
    let colour = regex::Regex::new(r"\x1b\[[0-9;:]{0,61}m").unwrap();
    let unseen = regex::Regex::new(
        r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}&&[^\n\x{fe0e}\x{fe0f}]]",
    )
    .unwrap();
    // One after the other, each on a screen as the one before left it.
    let script = format!(
        "for file in {}/*.bin; do cat \"$file\"; printf '\\e\\\\\\e[0m\\nnext\\n'; done; printf '\\ec'; echo over; read -r",
        folder.display()
    );
    let mut sitting = Sitting::of(&script);
    let mut pictures = Vec::new();
    while !sitting.picture.rows.join("\n").contains("over") || sitting.picture.rows.len() < 5 {
        sitting.next().await;
        pictures.push(sitting.picture.clone());
    }
    sitting.keys("\r");
    sitting.end().await;
    let transcript = sitting.transcript();
    assert!(
        transcript.contains("next") && transcript.ends_with("over\n\n\u{1b}[0m") || transcript.contains("over\n"),
        "{transcript}"
    );
    let shown = pictures.iter().flat_map(|picture| picture.rows.iter());
    for text in shown.chain([&transcript, &sitting.lines]) {
        let plain = colour.replace_all(text, "");
        assert!(unseen.find(&plain).is_none(), "{:?} in {text:?}", unseen.find(&plain));
    }
}
