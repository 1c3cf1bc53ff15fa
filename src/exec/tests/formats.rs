//! Edits of JSON, YAML and TOML by the executor: shown masked, done, undone, tried again.

use std::fs;

use crate::engine::{Effect, How, Input, Run};
use crate::exec::testing::{Stage, action, target};
use crate::exec::{Executor, Report};
use crate::playbook::plan::{Act, EditPlace, EditSpec, Format, Given, Name, Put, Template};

const JSON: &str = "{ // the database\n  \"url\": \"postgres:\\/\\/app:CANARY-o%40d@db\\/d\",\n  \"password\": \"CANARY-old\",\n  \"port\": 5432\n}\n";
const YAML: &str =
    "db:\r\n  password: CANARY-old # said\r\n  url: 'rediss://:CANARY-o%40d@h'\r\n  kept: CANARY-kept\r\n";
const TOML: &str = "[db]\npassword = \"\"\"\nCANARY-one\nCANARY-two\"\"\"\nurl = 'amqp://app:CANARY-o%40d@h'\n";

fn spec(file: &str, format: Format, pointer: &str, put: Put) -> EditSpec {
    EditSpec { file: Template::literal(file), place: EditPlace::Value(format, pointer.to_owned()), put, count: 1 }
}

fn rotation() -> Vec<EditSpec> {
    let files = [("a.json", Format::Json, ""), ("a.yaml", Format::Yaml, "/db"), ("a.toml", Format::Toml, "/db")];
    let specs = files.iter().flat_map(|(file, format, at)| {
        let new = || Name::new("new");
        [
            spec(file, *format, &format!("{at}/password"), Put::Value(Given::Secret(new()))),
            spec(file, *format, &format!("{at}/url"), Put::UrlPassword(new())),
        ]
    });
    specs.collect()
}

fn stage(specs: Vec<EditSpec>) -> Stage {
    let stage = Stage::of(action(Act::Edit(specs))).secret("new", "CANARY-\"n'w\\: #");
    for (name, text) in [("a.json", JSON), ("a.yaml", YAML), ("a.toml", TOML)] {
        fs::write(stage.path(name), text).unwrap();
    }
    stage
}

#[tokio::test]
async fn a_rotation_in_three_formats_is_shown_done_and_undone() {
    let stage = stage(rotation());
    let (mut world, mut received) = stage.world();
    world.preview(target(), &Run::new(&stage.plan));
    let Some(Report::Preview { diff: Ok(diff), .. }) = received.recv().await else { panic!("a diff") };
    assert!(!diff.contains("CANARY"), "{diff}");
    for line in ["+  \"password\": ", "+  password: ", "+password = ", "+url = 'amqp://app:[secret]@h'"] {
        assert!(diff.contains(line), "{line} in\n{diff}");
    }

    let files = match stage.carry(Effect::Save { target: target(), attempt: 1 }).await.inputs.remove(0) {
        Input::Saved { files, .. } => files,
        other => panic!("{other:?}"),
    };
    for _ in 0..2 {
        let edit = Effect::Edit { target: target(), attempt: 1, saved: files.clone() };
        let outcome = stage.carry(edit).await.outcome().clone();
        assert_eq!(outcome.how, How::Ok, "{outcome:?}");
        let [json, yaml, toml] =
            ["a.json", "a.yaml", "a.toml"].map(|name| fs::read_to_string(stage.path(name)).unwrap());
        let url = "CANARY-%22n%27w%5C%3A%20%23";
        let text = "\"CANARY-\\\"n'w\\\\: #\"";
        assert_eq!(
            json,
            JSON.replace("\"CANARY-old\"", text)
                .replace("postgres:\\/\\/app:CANARY-o%40d@db\\/d", &format!("postgres://app:{url}@db/d"))
        );
        assert_eq!(yaml, YAML.replace("CANARY-old", "'CANARY-\"n''w\\: #'").replace("CANARY-o%40d", url));
        assert_eq!(toml, TOML.replace("\"\"\"\nCANARY-one\nCANARY-two\"\"\"", text).replace("CANARY-o%40d", url));
    }
    // The passwords of the URLs are out of sight from now on.
    assert_eq!(stage.scene().mask("CANARY-o@d CANARY-o%40d"), "[secret] [secret]");

    let given = stage.carry(Effect::Restore { target: target(), attempt: 1, files }).await;
    assert_eq!(given.outcome().how, How::Ok, "{given:?}");
    for (name, text) in [("a.json", JSON), ("a.yaml", YAML), ("a.toml", TOML)] {
        assert_eq!(fs::read_to_string(stage.path(name)).unwrap(), text);
    }
}

#[tokio::test]
async fn nothing_is_written_when_a_value_is_not_as_expected() {
    let put = |text: &str| Put::Value(Given::Text(Template::literal(text)));
    for (spec, wrong) in [
        (spec("a.json", Format::Json, "/prot", put("1")), "a.json: there is no /prot; /port is there"),
        (spec("a.json", Format::Json, "/port", put("CANARY-x")), "a.json: line 4: a number stands there"),
        (spec("a.yaml", Format::Yaml, "/db", put("1")), "a.yaml: line 2: a group of keys stands there"),
        (
            spec("a.yaml", Format::Yaml, "/db/kept", Put::UrlPassword(Name::new("new"))),
            "a.yaml: line 4: expected a URL with a password, there is none",
        ),
        (spec("a.json", Format::Toml, "/port", put("1")), "a.json: line 1: this is not TOML"),
    ] {
        let stage = stage(rotation().into_iter().chain([spec]).collect());
        let edit = Effect::Edit { target: target(), attempt: 1, saved: Vec::new() };
        let outcome = stage.carry(edit).await.outcome().clone();
        assert_eq!(outcome.how, How::Failed);
        assert!(outcome.saw.contains(wrong) && !outcome.saw.contains("CANARY"), "{}", outcome.saw);
        assert_eq!(fs::read_to_string(stage.path("a.json")).unwrap(), JSON);
        assert_eq!(fs::read_to_string(stage.path("a.toml")).unwrap(), TOML);
    }
}
