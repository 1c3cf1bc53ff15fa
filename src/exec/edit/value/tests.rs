//! Values found and replaced in texts of all three formats: by example, and by property over made-up documents.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value as Json, json};

use super::{Sort, find};
use crate::playbook::plan::Format;

/// Replaces a value as an edit does.
fn put(text: &str, format: Format, pointer: &str, new: &str) -> Result<String, String> {
    let found = find(text, format, pointer)?;
    let written = found.write(new).map_err(str::to_owned)?;
    let changed = [&text[..found.range.start], written.as_str(), &text[found.range.end..]].concat();
    found.check((text, &changed), new, format, pointer)?;
    Ok(changed)
}

const JSON: &str = "\u{feff}{\r\n  // the database\r\n  \"db\": { \"url\": \"postgres:\\/\\/u:p@h\", \"port\": 5432, \"tls\": true },\r\n\
                    \t\"list\" : [ 1.50, {\"a/b\": \"x\", \"m~n\": \"y\",}, null ], /* end */ \"é\": \"z\"\r\n}\r\n";

const YAML: &str = "%YAML 1.2\n---\n# the service\nbase: &base\n  level: info # said\n\nservice:\n  <<: *base\n  name: milo\n  \
                    port:   8080\n  tls: true\n  pass: 'it''s'\n  url: \"redis://:p%40w@h\\u0021\"\n  hosts: [a, \"b\" , {name: c, on: yes}]\n  \
                    empty:\n  tagged: !vault x\n  block: |\n    two\n    lines\n  long: one\n    two\n  other: *base\n? kept\n: last\n";

const TOML: &str = "# top\ntitle = 'lit'  # said\na.b.\"c d\" = \"x\\ty\"\n[server]\nport = 1_000\nratio = 0.5\non = true\nday = 2026-01-01\n\
                    url = \"postgres://u:p@h\"\nhosts = [ \"a\", 'b', # two\n  \"c\" ]\npoint = { x = 1, y = \"2\" }\n\n[[user]]\nname = \"one\"\n\
                    [[user]]\nname = '''two'''\n";

#[test]
fn only_the_bytes_of_the_value_change() {
    use Format::{Json, Toml, Yaml};
    for (format, pointer, new, from, to) in [
        (Json, "/db/url", "redis://x", "postgres:\\/\\/u:p@h", "redis://x"),
        (Json, "/db/port", "6543", "5432", "6543"),
        (Json, "/db/tls", "false", "true", "false"),
        (Json, "/list/0", "-1e3", "1.50", "-1e3"),
        (Json, "/list/1/a~1b", "q\"\n", "\"x\"", "\"q\\\"\\n\""),
        (Json, "/list/1/m~0n", "'", "\"y\"", "\"'\""),
        (Json, "/é", "12", "\"z\"", "\"12\""),
        (Yaml, "/service/name", "other one", "milo", "other one"),
        (Yaml, "/service/name", "12", "milo", "'12'"),
        (Yaml, "/service/port", "81", "8080", "81"),
        (Yaml, "/service/tls", "false", "true", "false"),
        (Yaml, "/service/pass", "o'k", "it''s", "o''k"),
        (Yaml, "/service/url", "redis://x", "redis://:p%40w@h\\u0021", "redis://x"),
        (Yaml, "/service/hosts/0", "a,b", "[a,", "['a,b',"),
        (Yaml, "/service/hosts/1", "", "\"b\"", "\"\""),
        (Yaml, "/service/hosts/2/name", "d", "name: c", "name: d"),
        (Yaml, "/kept", "x: y", ": last", ": 'x: y'"),
        (Toml, "/title", "lit eral", "'lit'", "'lit eral'"),
        (Toml, "/title", "it's", "'lit'", "\"it's\""),
        (Toml, "/a/b/c d", "\u{1}", "\"x\\ty\"", "\"\\u0001\""),
        (Toml, "/server/port", "-2", "1_000", "-2"),
        (Toml, "/server/ratio", "2.0", "0.5", "2.0"),
        (Toml, "/server/on", "false", "true", "false"),
        (Toml, "/server/day", "2027-12-31", "2026-01-01", "2027-12-31"),
        (Toml, "/server/hosts/2", "d", "\"c\"", "\"d\""),
        (Toml, "/server/point/y", "3", "\"2\"", "\"3\""),
        (Toml, "/user/0/name", "uno", "\"one\"", "\"uno\""),
        (Toml, "/user/1/name", "due", "'''two'''", "'due'"),
    ] {
        let text = match format {
            Json => JSON,
            Yaml => YAML,
            Toml => TOML,
        };
        assert_eq!(text.matches(from).count(), 1, "{from}");
        assert_eq!(put(text, format, pointer, new).as_deref(), Ok(text.replace(from, to).as_str()), "{pointer}");
    }
}

#[test]
fn what_cannot_be_changed_safely_is_refused_in_words() {
    use Format::{Json, Toml, Yaml};
    for (format, text, pointer, new, wrong) in [
        (Json, JSON, "/db/prot", "1", "there is no /db/prot; /db/port is there"),
        (Json, JSON, "/list/03", "1", "there is no /list/03"),
        (Json, JSON, "/list/-", "1", "there is no /list/-"),
        (Json, JSON, "/db/port/x", "1", "there is no /db/port/x"),
        (Json, JSON, "/db", "1", "line 3: a group of keys stands there"),
        (Json, JSON, "/list", "1", "line 4: a list stands there"),
        (Json, JSON, "/list/2", "1", "line 4: nothing (null) stands there"),
        (Json, JSON, "/db/port", "many", "a number stands there, and the new value is none"),
        (Json, JSON, "/db/port", " 1", "a number stands there"),
        (Json, JSON, "/db/tls", "yes", "true or false stands there"),
        (Json, "{\"a\": 1,\n\"a\": 2}", "/a", "3", "/a stands twice, in lines 1 and 2"),
        (Json, "{'a': 1}", "/a", "3", "this is not JSON: "),
        (Json, "// nothing", "/a", "3", "this is not JSON: there is no value in it"),
        (Yaml, YAML, "/service/level", "x", "there is no /service/level; keys that are taken over by `<<`"),
        (Yaml, YAML, "/service/nam", "x", "there is no /service/nam; /service/name is there"),
        (Yaml, YAML, "/service/other", "x", "line 22: an alias (`*`) stands there"),
        (Yaml, YAML, "/base/level", "x", "line 8: an alias (`*`) takes over what would be changed"),
        (Yaml, YAML, "/service/empty", "x", "nothing (null) stands there"),
        (Yaml, YAML, "/service/tagged", "x", "line 16: a tag (`!`) says what stands there"),
        (Yaml, YAML, "/service/block", "x", "a text over several lines stands there"),
        (Yaml, YAML, "/service/long", "x", "line 20: a text over several lines stands there"),
        (Yaml, YAML, "/service/hosts/2/on", "no", "line 14: what stands there is a text to some readers"),
        (Yaml, YAML, "/service/port", "0o17", "a number stands there"),
        (Yaml, YAML, "/service/port", "1e3", "a number stands there"),
        (Yaml, "mode: 0640\n", "/mode", "1", "line 1: what stands there is a text to some readers"),
        (Yaml, "a: 1\n---\na: 2\n", "/a", "3", "line 2: a second document begins here"),
        (Yaml, "a: 1\nb: 2\n\"a\": 3\n", "/a", "3", "/a stands twice, in lines 1 and 3"),
        (Yaml, "a: &x one\nb: *x\n", "/a", "3", "line 2: an alias (`*`) takes over what would be changed"),
        (Yaml, "a: &x {c: one}\nb: {<<: *x}\n", "/a/c", "3", "line 2: an alias (`*`) takes over what would be changed"),
        (Yaml, "a: [1\n", "/a", "3", "this is not YAML: "),
        (Toml, TOML, "/server/prot", "1", "there is no /server/prot; /server/port is there"),
        (Toml, TOML, "/user/2/name", "1", "there is no /user/2/name"),
        (Toml, TOML, "/server", "1", "/server: a group of keys stands there"),
        (Toml, TOML, "/user", "1", "/user: a list stands there"),
        (Toml, TOML, "/server/hosts", "1", "line 10: a list stands there"),
        (Toml, TOML, "/server/point", "1", "line 12: a group of keys stands there"),
        (Toml, TOML, "/server/port", "1.5", "a whole number stands there"),
        (Toml, TOML, "/server/ratio", "2", "a number with a fraction stands there"),
        (Toml, TOML, "/server/day", "today", "a date or time stands there"),
        (Toml, "a = 1\na = 2\n", "/a", "3", "line 2: this is not TOML: "),
    ] {
        let refused = put(text, format, pointer, new).unwrap_err();
        assert!(refused.contains(wrong), "{pointer}: {refused}");
    }
}

#[test]
fn an_anchor_that_nobody_uses_is_in_nobodys_way() {
    assert_eq!(put("a: &x one\n", Format::Yaml, "/a", "two").as_deref(), Ok("a: &x two\n"));
    assert_eq!(
        put("a: &x {b: 1}\nc: &y 2\nd: *y\n", Format::Yaml, "/a/b", "2").as_deref(),
        Ok("a: &x {b: 2}\nc: &y 2\nd: *y\n")
    );
}

#[test]
fn the_whole_document_may_be_one_value() {
    assert_eq!(put("\"a\" // said\n", Format::Json, "", "b").as_deref(), Ok("\"b\" // said\n"));
    assert_eq!(put("a # said\n", Format::Yaml, "", "b").as_deref(), Ok("b # said\n"));
    assert_eq!(put("", Format::Yaml, "/a", "b").unwrap_err(), "there is no /a");
}

/// A document with a way to one of its single values.
fn documents() -> impl Strategy<Value = (Json, usize)> {
    let word = proptest::string::string_regex("[a-zA-Z0-9 ~/_.:#,'\"\\\\\n\té{}\\[\\]*&!%@-]{0,12}").unwrap();
    let leaf = prop_oneof![
        word.prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        (-1000i32..1000).prop_map(|n| json!(f64::from(n) / 8.0 + 0.0625)),
    ];
    let key = "[a-zA-Z~/ .é-]{1,6}";
    let tree = leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..5).prop_map(Json::from),
            prop::collection::btree_map(key, inner, 1..5).prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    });
    (prop::collection::btree_map(key, tree, 1..5), any::<usize>())
        .prop_map(|(map, which)| (Json::Object(map.into_iter().collect::<Map<_, _>>()), which))
}

/// Lists the pointers to all single values.
fn leaves(tree: &Json, at: &str, found: &mut Vec<String>) {
    let step = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    match tree {
        Json::Object(map) => map.iter().for_each(|(key, tree)| leaves(tree, &step(key), found)),
        Json::Array(list) => list.iter().enumerate().for_each(|(n, tree)| leaves(tree, &step(&n.to_string()), found)),
        _ => found.push(at.to_owned()),
    }
}

/// Replaces one value and holds what another parser reads against what is meant.
fn hold(
    text: &str,
    tree: &Json,
    pointer: &str,
    new: &str,
    format: Format,
    read: impl Fn(&str) -> Json,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(&read(text), tree, "{}", text);
    let found = match find(text, format, pointer) {
        Ok(found) => found,
        // What a printer wrote over several lines, or plain though readers differ about it, is refused.
        Err(wrong) => {
            let known = ["several lines", "to some readers"].iter().any(|known| wrong.contains(known));
            prop_assert!(known && format == Format::Yaml, "{}: {}\n{}", pointer, wrong, text);
            return Ok(());
        }
    };
    let wanted = match found.sort {
        Sort::Text => Json::from(new),
        Sort::Number | Sort::Whole => json!(7),
        Sort::Fraction => json!(7.5),
        Sort::Truth => json!(true),
        Sort::Date => unreachable!("no document has one"),
    };
    let new = if found.sort == Sort::Text { new.to_owned() } else { wanted.to_string() };
    let changed = put(text, format, pointer, &new);
    let changed = match changed {
        Ok(changed) => changed,
        Err(wrong) => return Err(TestCaseError::fail(format!("{pointer}: {wrong}\n{text}"))),
    };
    let length = changed.len() + found.range.len() - text.len();
    prop_assert_eq!(&changed[..found.range.start], &text[..found.range.start]);
    prop_assert_eq!(&changed[found.range.start + length..], &text[found.range.end..]);
    let mut meant = tree.clone();
    *meant.pointer_mut(pointer).unwrap() = wanted;
    prop_assert_eq!(read(&changed), meant, "{}", changed);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(3), ..ProptestConfig::default() })]

    /// What is read of the new text is the old document with one value changed, and every other byte is the same.
    #[test]
    fn one_value_of_any_document_changes_and_nothing_else(
        (tree, which) in documents(),
        new in "[a-z0-9 :#,'\"\\\\\n\t\u{1}\u{85}é{}\\[\\]*&!%@<=-]{0,10}",
        pretty in any::<bool>(),
    ) {
        let mut found = Vec::new();
        leaves(&tree, "", &mut found);
        let pointer = &found[which % found.len()];

        let text = if pretty { serde_json::to_string_pretty(&tree).unwrap() } else { tree.to_string() };
        hold(&text, &tree, pointer, &new, Format::Json, |text| serde_json::from_str(text).unwrap())?;
        // JSON is YAML as well.
        hold(&text, &tree, pointer, &new, Format::Yaml, |text| serde_yaml::from_str(text).unwrap())?;
        let text = serde_yaml::to_string(&tree).unwrap();
        hold(&text, &tree, pointer, &new, Format::Yaml, |text| serde_yaml::from_str(text).unwrap())?;
        let text = toml_of(&tree);
        hold(&text, &tree, pointer, &new, Format::Toml, read_toml)?;
    }
}

/// Writes a document as TOML: tables in a line below the first level.
fn toml_of(tree: &Json) -> String {
    fn value(tree: &Json) -> String {
        match tree {
            Json::Object(map) => {
                let entries: Vec<String> =
                    map.iter().map(|(key, tree)| format!("{} = {}", word(key), value(tree))).collect();
                format!("{{ {} }}", entries.join(", "))
            }
            Json::Array(list) => format!("[ {} ]", list.iter().map(value).collect::<Vec<_>>().join(" , ")),
            Json::String(text) if !text.contains(['\'', '\n']) => format!("'{text}'"),
            Json::String(text) => word(text),
            _ => tree.to_string(),
        }
    }
    fn word(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }
    let Json::Object(map) = tree else { unreachable!("a document is a mapping") };
    let lines: Vec<String> =
        map.iter().map(|(key, tree)| format!("{}  =  {} # said\n", word(key), value(tree))).collect();
    lines.concat()
}

fn read_toml(text: &str) -> Json {
    fn value(tree: &toml_edit::Value) -> Json {
        match tree {
            toml_edit::Value::String(text) => Json::from(text.value().as_str()),
            toml_edit::Value::Integer(number) => json!(number.value()),
            toml_edit::Value::Float(number) => json!(number.value()),
            toml_edit::Value::Boolean(truth) => json!(truth.value()),
            toml_edit::Value::Datetime(_) => unreachable!("no document has one"),
            toml_edit::Value::Array(list) => list.iter().map(value).collect(),
            toml_edit::Value::InlineTable(table) => {
                Json::Object(table.iter().map(|(key, tree)| (key.to_owned(), value(tree))).collect())
            }
        }
    }
    let document = toml_edit::Document::parse(text).unwrap();
    let entries = document.as_table().iter();
    Json::Object(entries.map(|(key, item)| (key.to_owned(), value(item.as_value().unwrap()))).collect())
}
