//! `runsheet due`: what is overdue, what monitoring reads of it, and what is marked as done behind the end of a run.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::Desk;

struct Place {
    /// Gone with the place.
    _folder: TempDir,
    desk: Desk,
}

impl Place {
    /// Makes a desk with a library of its own, of one playbook.
    fn make(every: &str, within: &str) -> Self {
        let folder = TempDir::with_prefix("due-").unwrap();
        let desk = Desk::make(folder.path());
        fs::create_dir(desk.home().join("playbooks")).unwrap();
        let text = format!(
            "runsheet: 1\ntitle: Rotate a key\nevery: {every}\ninputs: {{ key: {{ type: text, default: k1 }} }}\nphases:\n  \
             - {{ title: All, steps: [{{ id: one, title: One, run: echo one >> ../log, rollback: [{{ run: echo undone >> ../log }}] }}] }}\n\
             follow_up: [{{ title: 'Revoke ${{key}}', within: {within} }}, Tell them]\n"
        );
        fs::write(desk.home().join("playbooks/rotate.yaml"), text).unwrap();
        Self { _folder: folder, desk }
    }

    fn run(&self) -> String {
        self.desk.call(["run", "rotate", "--unattended"]).ends_with(0);
        self.desk.run_id()
    }

    fn due(&self, code: i32) -> Vec<Value> {
        let called = self.desk.call(["due", "--json"]).ends_with(code);
        let told: Value = serde_json::from_str(&called.out).unwrap();
        let items = told["items"].as_array().unwrap().clone();
        let overdue = items.iter().filter(|item| item["overdue"] == true).count();
        assert_eq!(told["overdue"], overdue as u64);
        assert!(told["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        items
    }

    fn kinds(&self, code: i32) -> Vec<String> {
        let of = |item: &Value| format!("{} {} {}", item["kind"], item["title"], item["overdue"]).replace('"', "");
        self.due(code).iter().map(of).collect()
    }
}

#[test]
fn a_playbook_that_never_ran_is_listed_and_overdue_only_when_asked() {
    let place = Place::make("90d", "1d");
    assert_eq!(place.kinds(0), ["playbook Rotate a key false"]);
    let item = place.due(0).remove(0);
    assert_eq!(
        (&item["last_run"], &item["due_at"], &item["every_s"]),
        (&Value::Null, &Value::Null, &Value::from(7_776_000))
    );
    let said = place.desk.call(["due"]).ends_with(0).out;
    assert!(said.contains("every 90d, never completed"), "{said}");
    let said = place.desk.call(["due", "--strict"]).ends_with(1).out;
    assert!(said.starts_with("OVERDUE"), "{said}");
}

#[test]
fn what_stays_to_be_done_is_open_until_somebody_says_that_it_was_done() {
    let place = Place::make("90d", "1d");
    let run = place.run();
    assert_eq!(
        place.kinds(0),
        ["follow_up Revoke k1 false", "playbook Rotate a key false", "follow_up Tell them false"]
    );
    let items = place.due(0);
    assert_eq!((&items[0]["run"], &items[0]["item"]), (&Value::from(run.clone()), &Value::from(1)));
    assert_eq!((&items[1]["last_run"], &items[2]["due_at"]), (&Value::from(run.clone()), &Value::Null));
    let done = format!("{}:1", &run[..20]);
    let said = place.desk.call(["due", "--done", &done, "--note", "revoked by hand", "--operator", "bo"]).ends_with(0);
    assert!(said.out.contains("done, on record: Revoke k1"), "{}", said.out);
    assert_eq!(place.kinds(0), ["playbook Rotate a key false", "follow_up Tell them false"]);
    let last = place.desk.journal().pop().unwrap();
    let record = &last["record"]["followed_up"];
    assert_eq!(
        (&record["item"], &record["operator"], &record["note"]),
        (&1.into(), &"bo".into(), &"revoked by hand".into())
    );
    for (which, why) in [(done.as_str(), "it is done already"), ("9:1", "no run begins with"), ("x", "is no item")] {
        let called = place.desk.call(["due", "--done", which]).ends_with(2);
        assert!(called.err.contains(why), "{}", called.err);
    }
    // A note that looks like a secret is masked: it is known to nobody any more.
    let done = format!("{run}:2");
    place.desk.call(["due", "--done", &done, "--note", "used do_v1_ https://a:CANARY-hunter2@b/"]).ends_with(0);
    let journal = fs::read_to_string(place.desk.run_folder().join("journal.jsonl")).unwrap();
    assert!(!journal.contains("CANARY-hunter2"), "{journal}");
}

#[test]
fn a_run_with_records_behind_its_end_is_the_run_it_was() {
    let place = Place::make("90d", "1d");
    let run = place.run();
    place.desk.call(["due", "--done", &format!("{run}:2")]).ends_with(0);
    let listed: Value = serde_json::from_str(&place.desk.call(["runs", "--json"]).ends_with(0).out).unwrap();
    assert_eq!(listed[0]["state"], "completed");
    let shown: Value = serde_json::from_str(&place.desk.call(["show", "--json"]).ends_with(0).out).unwrap();
    assert_eq!((&shown["state"], &shown["stands"]), (&"completed".into(), &"over".into()));
    place.desk.call(["report"]).ends_with(0);
    let called = place.desk.call(["resume", &run]).ends_with(2);
    assert!(called.err.contains("that run is over"), "{}", called.err);
    place.desk.call(["rollback", &run, "--unattended"]).ends_with(4);
    assert_eq!(fs::read_to_string(place.desk.home().join("log")).unwrap(), "one\nundone\n");
    // What was undone leaves nothing to be done, and is no completed run.
    assert_eq!(place.kinds(0), ["playbook Rotate a key false"]);
    let called = place.desk.call(["due", "--done", &format!("{run}:1")]).ends_with(2);
    assert!(called.err.contains("the run is not completed"), "{}", called.err);
}

#[test]
fn what_is_overdue_ends_in_1() {
    let place = Place::make("1ms", "1ms");
    place.run();
    assert_eq!(place.kinds(1), ["playbook Rotate a key true", "follow_up Revoke k1 true", "follow_up Tell them false"]);
    let said = place.desk.call(["due"]).ends_with(1).out;
    assert_eq!(said.matches("OVERDUE").count(), 2, "{said}");
}

#[test]
fn a_run_that_cannot_be_read_is_named() {
    let place = Place::make("90d", "1d");
    let run = place.run();
    let journal = place.desk.run_folder().join("journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap().replacen("\"attempt\":1", "\"attempt\":2", 1);
    fs::write(&journal, text).unwrap();
    let items = place.due(1);
    let unreadable: Vec<&Value> = items.iter().filter(|item| item["kind"] == "unreadable").collect();
    assert_eq!((unreadable.len(), &unreadable[0]["run"]), (1, &Value::from(run)));
}
