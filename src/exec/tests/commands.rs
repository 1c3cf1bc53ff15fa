//! What a command gets, says and gives.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;

use crate::engine::How;
use crate::exec::testing::{Stage, action, perform, run, script, template, until_input};
use crate::exec::{Executor, World};
use crate::playbook::plan::{
    Act, Capture, CaptureHow, Expect, Given, InputKind, InputSpec, Manner, Name, Program, RunSpec, Source, Template,
    Variable,
};

fn capture(name: &str, how: CaptureHow, secret: bool) -> Capture {
    Capture { name: Name::new(name), how, secret }
}

#[tokio::test]
async fn output_goes_to_the_transcript_and_to_the_front_visible_and_masked() {
    let stage = Stage::of(run("printf 'a\\e[31mred\\e[0m\\a %s\\n' \"CANARY-secret-1\"; echo problem >&2"))
        .secret("old", "CANARY-secret-1");
    let given = stage.carry(perform()).await;
    assert_eq!((given.outcome().how, given.outcome().exit), (How::Ok, Some(0)), "{given:?}");
    let transcript = stage.transcript("it.1.log");
    assert!(transcript.contains("\u{1b}[31mred") && transcript.contains("[secret]"), "{transcript:?}");
    assert!(!transcript.contains("CANARY") && !transcript.contains('\u{7}'), "{transcript:?}");
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&transcript), sorted(&given.output));
    let mode = std::fs::metadata(stage.path("transcript/it.1.log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn values_come_by_environment_secrets_only_where_named() {
    let mut spec = script("echo \"$PG_ID $TOKEN ${PASSWORD-none} ${STALE-none}\"; pwd; cat");
    spec.env = vec![
        ("TOKEN".to_owned(), Variable::Given(Given::Secret(Name::new("token")))),
        ("PLAIN".to_owned(), Variable::Given(Given::Text(template("<", "pg_id", ">")))),
    ];
    spec.stdin = Some(Given::Secret(Name::new("password")));
    let mut stage = Stage::of(action(Act::Run(spec)))
        .value("pg_id", "it's $(false) \"x\"")
        .secret("token", "CANARY-token")
        .secret("password", "CANARY-'pass'$(reboot)");
    stage.plan.steps[0].action.capture = vec![capture("all", CaptureHow::Whole, true)];
    let given = stage.carry(perform()).await;
    assert_eq!(given.outcome().how, How::Ok, "{given:?}");
    let folder = stage.folder.path().canonicalize().unwrap();
    assert_eq!(
        stage.secrets.get("all").unwrap().expose(),
        format!("it's $(false) \"x\" CANARY-token none none\n{}\nCANARY-'pass'$(reboot)", folder.display())
    );
}

#[tokio::test]
async fn what_we_inherit_does_not_stand_in_for_values_or_carry_secrets() {
    // HOME and USER are there in every environment of ours; PATH must stay.
    let home = std::env::var("HOME").unwrap();
    let mut stage = Stage::of(run("echo \"${HOME-none} ${CARGO_PKG_NAME-none}\"; command -v sh >/dev/null"));
    stage.plan.inputs = vec![InputSpec {
        name: Name::new("it"),
        kind: InputKind::Secret,
        prompt: None,
        default: None,
        pattern: None,
        min_length: None,
        differs_from: None,
        env: "IT".to_owned(),
        from: Some(Source::Env("CARGO_PKG_NAME".to_owned())),
    }];
    assert!(std::env::var("CARGO_PKG_NAME").is_ok());
    let stage = stage.secret("home_is_secret", &home);
    let given = stage.carry(perform()).await;
    assert_eq!(given.output, "none none\n");
}

#[tokio::test]
async fn a_child_has_a_session_of_its_own_no_terminal_and_three_descriptors() {
    let stage =
        Stage::of(run("ls /proc/self/fd | sort -n | head -3 | tr '\\n' ' '; ps -o sid=,pgid=,tty= -p $$; echo $$; \
                               (exec 3<>/dev/tty) 2>/dev/null && echo tty || echo no tty; readlink /proc/self/fd/0"));
    let given = stage.carry(perform()).await;
    let words: Vec<&str> = given.output.split_whitespace().collect();
    assert_eq!(words[..3], ["0", "1", "2"], "{given:?}");
    assert_eq!((words[3], words[4], words[5]), (words[6], words[6], "?"), "{given:?}");
    assert_eq!(words[7..], ["no", "tty", "/dev/null"], "{given:?}");
}

#[tokio::test]
async fn captures_and_expectations_judge_standard_output_alone() {
    let mut stage = Stage::of(run("echo '{\"status\":\"active\",\"n\":3}'; echo inactive >&2"));
    let action = &mut stage.plan.steps[0].action;
    action.expect =
        vec![Expect::NotContains(Template::literal("inactive")), Expect::Contains(Template::literal("active"))];
    action.capture = vec![
        capture("n", CaptureHow::Json("/n".to_owned()), false),
        capture("status", CaptureHow::Regex(regex::Regex::new("\"status\":\"([a-z]+)\"").unwrap()), false),
    ];
    let given = stage.carry(perform()).await;
    let values: Vec<(&str, &str)> =
        given.outcome().values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(values, [("n", "3"), ("status", "active")]);
}

#[tokio::test]
async fn a_captured_secret_is_in_the_vault_and_the_output_is_let_out_masked() {
    let mut stage = Stage::of(run("echo '[{\"name\":\"doadmin\",\"password\":\"CANARY-new/pass\"}]'; echo done >&2"));
    stage.plan.steps[0].action.capture = vec![capture("new", CaptureHow::Json("/0/password".to_owned()), true)];
    let given = stage.carry(perform()).await;
    assert_eq!(given.outcome().secrets, [Name::new("new")]);
    assert_eq!(stage.secrets.get("new").unwrap().expose(), "CANARY-new/pass");
    assert!(stage.path("vault.age").exists());
    let transcript = stage.transcript("it.1.log");
    assert!(transcript.contains("doadmin") && transcript.contains("[secret]") && transcript.contains("done"));
    assert!(!transcript.contains("CANARY") && !given.output.contains("CANARY"), "{given:?}");
}

#[tokio::test]
async fn output_stays_withheld_when_the_secret_is_not_found() {
    let mut stage = Stage::of(run("echo 'password: CANARY-unknown'"));
    let action = &mut stage.plan.steps[0].action;
    action.capture = vec![capture("new", CaptureHow::Json("/0/password".to_owned()), true)];
    action.expect = vec![Expect::Equals(Template::literal("x"))];
    let given = stage.carry(perform()).await;
    assert_eq!(given.outcome().how, How::Failed);
    assert!(!format!("{given:?}").contains("CANARY"), "{given:?}");
    assert_eq!(stage.transcript("it.1.log"), "output withheld: it may hold the secret\n");
}

#[tokio::test]
async fn a_secret_of_a_command_that_failed_is_kept() {
    let mut stage = Stage::of(run("echo CANARY-changed-already; exit 1"));
    stage.plan.steps[0].action.capture = vec![capture("new", CaptureHow::Whole, true)];
    let given = stage.carry(perform()).await;
    assert_eq!((given.outcome().how, given.outcome().saw.as_str()), (How::Failed, "exit status 1: [secret]"));
    assert_eq!(stage.secrets.get("new").unwrap().expose(), "CANARY-changed-already");
}

#[tokio::test]
async fn a_value_with_a_secret_in_it_is_no_value() {
    let mut stage = Stage::of(run("echo postgres://u:CANARY-known@h")).secret("old", "CANARY-known");
    stage.plan.steps[0].action.capture = vec![capture("url", CaptureHow::Whole, false)];
    let given = stage.carry(perform()).await;
    assert_eq!((given.outcome().how, given.outcome().values.len()), (How::Failed, 0));
    assert!(given.outcome().saw.contains("it has a secret in it"), "{given:?}");
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let words = |word: &str| RunSpec {
        program: Program::Words(vec![Template::literal(word)]),
        env: Vec::new(),
        stdin: None,
        cwd: None,
        manner: Manner::Alone,
        host: None,
    };
    let saw = async |spec: RunSpec| Stage::of(action(Act::Run(spec))).carry(perform()).await.outcome().saw.clone();
    assert_eq!(
        saw(words("no-such-program")).await,
        "there is no program no-such-program; install it, or put its folder on PATH"
    );
    let elsewhere = RunSpec { cwd: Some(Template::literal("nowhere")), ..words("true") };
    assert!(saw(elsewhere).await.ends_with("/nowhere is not a folder, so nothing can run there"));
    let unset = RunSpec { cwd: Some(template("", "folder", "")), ..words("true") };
    assert_eq!(saw(unset).await, "folder has no value yet: the step that gives it was not done");
    let secret = RunSpec { stdin: Some(Given::Secret(Name::new("key"))), ..words("cat") };
    assert_eq!(saw(secret).await, "the secret key has no value: the step that gives it was not done");
}

#[tokio::test]
async fn bytes_of_every_kind_arrive_and_a_secret_may_lie_across_reads() {
    let secret = "CANARY-0123456789-abcdefghij";
    let mut text = String::new();
    for number in 0..20_000 {
        let _ = writeln!(text, "{number} {secret}");
    }
    let stage = Stage::of(run("cat data; head -c 3000 binary")).secret("s", secret);
    std::fs::write(stage.path("data"), &text).unwrap();
    std::fs::write(stage.path("binary"), (0..=255).cycle().take(4096).collect::<Vec<u8>>()).unwrap();
    let given = stage.carry(perform()).await;
    assert_eq!(given.outcome().how, How::Ok, "{}", given.outcome().saw);
    let transcript = stage.transcript("it.1.log");
    assert!(!transcript.contains("CANARY"));
    assert_eq!(transcript.matches("[secret]").count(), 20_000);
    assert!(!transcript.chars().any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r'));
}

#[tokio::test]
async fn started_without_a_detour_a_child_has_no_more_than_it_should() {
    // A descriptor that is handed down unless somebody closes it.
    let handed_down = rustix::io::dup(std::io::stderr()).unwrap();
    let stage =
        Stage::of(run("ls /proc/self/fd | tr '\\n' ' '; ps -o sid=,pgid=,tty= -p $$; echo $$; pwd; echo $PWD; \
                               grep SigIgn /proc/self/status; yes | head -1; echo ${PIPESTATUS[0]}"));
    let ours = std::env::current_dir().unwrap();
    let (mut setting, mut received) = stage.setting();
    setting.base.clone_from(&ours);
    setting.launcher = crate::exec::Launcher::at("/nowhere", &[]);
    // `yes` is ended by a reader that went away, which fails a pipe with `pipefail`.
    World::new(setting).start(perform(), &stage.values);
    let given = until_input(&mut received).await;
    let words: Vec<&str> = given.output.split_whitespace().collect();
    assert_eq!(words[..4], ["0", "1", "2", "3"], "{given:?}");
    assert_eq!((words[4], words[5], words[6]), (words[7], words[7], "?"), "{given:?}");
    assert_eq!((words[8], words[9]), (ours.to_str().unwrap(), ours.to_str().unwrap()));
    // 32 and 33 belong to the C library, which lets nobody touch them.
    let ignored = u64::from_str_radix(words[11], 16).unwrap() & 0x7fff_ffff;
    assert_eq!((words[10], ignored, words[12]), ("SigIgn:", 0, "y"), "{given:?}");
    assert_eq!(given.outcome().exit, Some(141));
    drop(handed_down);
}
