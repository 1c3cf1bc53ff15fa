//! The report of a run: through the built program in every format, and for whatever run there may be.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use jsonschema::Validator;
use runsheet::engine::{Run, Stamped};
use runsheet::playbook::plan::Plan;
use runsheet::report::{
    self, Given, Story,
    data::{Checked, EventKind},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::support::desk::Desk;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(report::SCHEMA).expect("the schema is JSON");
    jsonschema::options().build(&schema).expect("the schema is a schema")
});

/// Holds that a report in JSON is what its schema says.
#[track_caller]
pub(crate) fn fits(text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let errors: Vec<String> =
        SCHEMA.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    value
}

/// Holds that a page is well formed, runs nothing, loads nothing, and that its one style is the one that it allows.
#[track_caller]
pub(crate) fn page(text: &str) {
    let style = text.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style").0;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    assert!(text.contains(&policy), "the policy is not {policy}");
    let body = text.replacen(style, "", 1);
    let mut open: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut links = BTreeSet::new();
    let mut rest = body.strip_prefix("<!doctype html>").expect("it says what it is");
    while let Some((before, from)) = rest.split_once('<') {
        assert!(!before.contains('>'), "a bare > in {before}");
        let (tag, after) = from.split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "in {tag}");
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("a name");
        let bare: Vec<&str> = tag.split('"').collect();
        assert!(bare.len() % 2 == 1, "quotes in {tag}");
        for pair in bare.chunks(2).filter(|pair| pair.len() == 2) {
            let attribute = pair[0].trim_end_matches('=').rsplit(' ').next().expect("a name");
            assert!(attribute != "style" && attribute != "src" && !attribute.starts_with("on"), "{tag}");
            match attribute {
                "id" => assert!(ids.insert(pair[1].to_owned()), "{} twice", pair[1]),
                "href" => {
                    links.insert(pair[1].strip_prefix('#').expect("it links within only").to_owned());
                }
                _ => {}
            }
        }
        assert!(!["script", "iframe", "object", "embed", "img", "link", "base", "form"].contains(&name), "{tag}");
        if !["meta", "br"].contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    let lost: Vec<_> = links.difference(&ids).collect();
    assert!(lost.is_empty(), "links to nothing: {lost:?}");
}

/// Holds that a run can be reported as it stands, and that no time is told twice.
pub(crate) fn told(plan: &Arc<Plan>, records: &[Stamped]) {
    let (mut run, mut story) = (Run::new(plan), Story::default());
    for stamped in records {
        run.apply(plan, stamped);
        story.take(plan, &run, stamped);
    }
    let now = records.last().map_or(jiff::Timestamp::UNIX_EPOCH, |last| last.at);
    let given = Given {
        now,
        program: "0",
        records: records.len() as u64,
        head: "0",
        output: &|_, _| None,
        check: &|_, _| (Checked::NotChecked, None),
    };
    let report = report::report(plan, &run, story, &given);
    let mut last = None;
    for event in report.timeline.events.iter().filter(|event| !over(event.kind)) {
        let to = event.to.unwrap_or(now);
        assert!(last.is_none_or(|last| event.from >= last) && event.from <= to, "{:?}", report.timeline.events);
        last = Some(to);
    }
    let totals = report.totals;
    let told = totals.step_ms + totals.verification_ms + totals.waiting_ms + totals.paused_ms;
    assert!(told <= totals.whole_ms && totals.exposure_ms <= totals.whole_ms * plan.steps.len() as u64, "{totals:?}");
    page(&report::html(&report));
    fits(&report::json(&report).expect("it is JSON"));
    assert!(report::markdown(&report).starts_with("# "));
}

/// Has the latest run of a desk reported in the formats that have all of it, holds that they are sound, and returns them; none
/// where nothing was run.
#[track_caller]
pub(crate) fn printed(desk: &Desk) -> Vec<(String, String)> {
    if desk.runs().is_empty() {
        return Vec::new();
    }
    let [html, json] = ["html", "json"].map(|format| desk.call(["report", "--format", format]).ends_with(0).out);
    page(&html);
    fits(&json);
    vec![("the report as a page".to_owned(), html), ("the report as JSON".to_owned(), json)]
}

fn over(kind: EventKind) -> bool {
    matches!(kind, EventKind::Rollback | EventKind::Exposure)
}

const PLAYBOOK: &str = "runsheet: 1
title: Rotate <the> key
version: 1.2.0
window: 5m
inputs:
  app: { type: text }
  key: { type: secret }
phases:
  - title: Change & check
    steps:
      - { id: look, title: Look, run: 'printf \"\\033[31mred\\033[0m %s\\n\" \"$KEY\"; echo \"a < b & c\"', env: { KEY: { secret: key } }, read_only: true }
      - { id: change, title: 'Change ${app}', run: 'echo changed', rollback: [{ run: 'echo back' }] }
      - { id: stop, title: Stop here, run: 'exit 3', read_only: true }
";

const SECRET: &str = "CANARY-\"a&b<c>\\d";

/// A run of a playbook that stops at its last step, so that its vault is still there.
fn open_run() -> (TempDir, Desk) {
    let folder = TempDir::new().expect("a folder");
    let desk = Desk::make(folder.path());
    fs::write(desk.home().join("rotate.yaml"), PLAYBOOK).expect("write the playbook");
    desk.keep_secret("key", SECRET);
    let answers = desk.answers("answers.yaml", "inputs: { app: 'a <b> & \"c\"', key: 'file:key' }\n");
    desk.call(["run", "rotate.yaml", "--unattended", "--answers", &answers, "--ticket", "OPS-7"]).ends_with(7);
    (folder, desk)
}

#[test]
fn each_format_tells_the_run_and_no_secret() {
    let (_folder, desk) = open_run();
    let called = |format: &str| desk.call(["report", "--format", format]).ends_with(0).out;
    let (markdown, html, json) = (called("md"), called("html"), called("json"));
    page(&html);
    let value = fits(&json);
    assert_eq!(value["run"]["state"], "open", "{json}");
    assert_eq!(value["run"]["ticket"], "OPS-7");
    assert_eq!(value["inputs"][0]["value"], "a <b> & \"c\"");
    assert_eq!(value["counts"]["done"], 2);
    assert_eq!(value["counts"]["failed"], 1);
    let look = &value["sections"][0]["steps"][0];
    assert_eq!(look["output"]["text"], "red [secret]\na < b & c", "{look}");
    assert_eq!(look["attempts"][0]["outcome"]["exit"], 0, "{look}");
    assert!(html.contains("red [secret]\na &lt; b &amp; c</pre>"), "{html}");
    assert!(html.contains("<title>Rotate &lt;the&gt; key · open · "), "{html}");
    assert!(markdown.contains("Change a \\<b\\> \\& \"c\""), "{markdown}");
    let head = value["journal"]["head"].as_str().expect("a hash");
    for text in [markdown, html, json.clone()] {
        assert!(text.contains(head) && !text.contains("CANARY"), "{text}");
    }
}

#[test]
fn a_report_is_written_to_a_file_that_only_its_owner_can_read() {
    let (_folder, desk) = open_run();
    let path = desk.home().join("report.json");
    fs::write(&path, "what was there before").expect("write it");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("let all read it");
    let words = ["report", "--format", "json", "--output", "report.json"];
    assert_eq!(desk.call(words).ends_with(0).out, "");
    fits(&fs::read_to_string(&path).expect("it is there"));
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    let called = desk.call(["report", "--output", "nowhere/report.md"]).ends_with(1);
    assert!(called.err.contains("the report was not written"), "{}", called.err);
}

#[test]
fn a_report_that_would_hold_a_secret_is_not_written_in_any_format() {
    let (_folder, desk) = open_run();
    let transcript = desk.run_folder().join("transcript/look.1.log");
    fs::write(&transcript, format!("it came through: {SECRET}\n")).expect("plant it");
    for format in ["md", "html", "json"] {
        for more in [[].as_slice(), &["--output", "out"]] {
            let words = [["report", "--format", format].as_slice(), more].concat();
            let called = desk.call(words).ends_with(1);
            assert!(called.err.contains("the report was not written"), "{}", called.err);
            assert!(!called.out.contains("CANARY") && !called.err.contains("CANARY"), "{}", called.out);
            assert!(!desk.home().join("out").exists());
        }
    }
}
