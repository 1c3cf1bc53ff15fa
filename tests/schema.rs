//! The JSON Schema against every playbook of the test data: it refuses what is wrong by its structure, and takes the rest.

#![expect(clippy::expect_used, reason = "in tests a failure is said by failing")]

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use runsheet::playbook::{self, yaml};

use crate::bad_playbooks::{good, playbooks};

fn validator() -> Validator {
    jsonschema::options().build(&playbook::schema()).expect("the schema is a schema")
}

fn value(path: &Path) -> Result<serde_json::Value, String> {
    yaml::read(&fs::read_to_string(path).expect("the playbook can be read"))
}

#[test]
fn takes_every_good_playbook() {
    let validator = validator();
    for path in good() {
        let value = value(&path).expect("a good playbook is YAML");
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
}

/// Names begin with what a case is about: `yaml-` is refused before there is a tree, `form-` by structure, and
/// `sense-` only by meaning, so the schema takes it.
#[test]
fn refuses_what_is_wrong_by_structure_and_takes_the_rest() {
    let validator = validator();
    for path in playbooks("bad") {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8");
        match value(&path) {
            Err(_) => assert!(name.starts_with("yaml-"), "{name} is no YAML: call it yaml-…"),
            Ok(value) => {
                let taken = validator.is_valid(&value);
                let kind = if taken { "sense-" } else { "form-" };
                assert!(name.starts_with(kind), "{name}: the schema says {kind}…");
            }
        }
    }
}
