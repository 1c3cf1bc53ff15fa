//! `http`: an HTTP request and its answer.

use std::sync::LazyLock;

use super::super::fields::{CA, GIVEN};
use super::super::lower::{Lower, text_of};
use super::super::plan::{HttpBody, HttpSpec, Name, Probe, Template};
use super::super::shape::{Field, Key, Shape, Table};
use super::super::yaml::Node;
use super::{ProbeKind, address};

pub(super) static PROBE: ProbeKind = ProbeKind {
    name: "http",
    doc: "an HTTP request: status, body and JSON; `bearer` and `basic` take secrets by name",
    example: "{ http: \"http://localhost:8080/health\", expect: { status: 200, json: { /ok: true } } }",
    fields: &[
        Field::new("http", "The address.", Shape::Text),
        Field::new(
            "method",
            "The method; `GET`, or `POST` where there is a body, when left out.",
            Shape::Choice(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        ),
        Field::new("headers", "Header fields: texts, or secrets by name.", Shape::Open(Key::Any, &GIVEN)),
        Field::new("form", "The fields of a form to send.", Shape::Open(Key::Any, &GIVEN)),
        Field::new("json", "The fields of a flat JSON object to send.", Shape::Open(Key::Any, &GIVEN)),
        Field::new("bearer", "A secret sent as a bearer token.", Shape::Name),
        Field::new("basic", "A user, and a secret as the password.", Shape::Map(basic)),
        CA,
    ],
    expects: &["status", "contains", "not_contains", "matches", "equals", "json", "between", "close_to", "denied"],
    captures: true,
    lower,
};

fn basic() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::new(
            "`basic`",
            &[const {
                &[
                    Field::required("user", "The user.", Shape::Template),
                    Field::required("password", "The name of the secret.", Shape::Name),
                ]
            }],
        )
    });
    &TABLE
}

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Probe> {
    let url = node.get("http").and_then(|url| address(lower, url, &["http://", "https://"]));
    let headers = lower.givens(node, "headers");
    for entry in node.get("headers").map(Node::entries).unwrap_or_default() {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if entry.key.is_empty() || !entry.key.bytes().all(token) {
            lower.fault(entry.place, format!("`{}` is no name of a header", entry.key), "write: such as `X-Api-Key`");
        }
    }
    let form = node.get("form").map(|_| lower.givens(node, "form"));
    let json = node.get("json").map(|_| lower.givens(node, "json"));
    excludes(lower, node, "form", "json");
    excludes(lower, node, "bearer", "basic");
    let bearer = lower.secret_of(node, "bearer");
    let basic = node.get("basic").and_then(|basic| user(lower, basic));
    let ca = lower.template_of(node, "ca");
    Some(Probe::Http(Box::new(HttpSpec {
        url: url?,
        method: text_of(node, "method"),
        headers,
        body: form.map(HttpBody::Form).or(json.map(HttpBody::Json)),
        bearer,
        basic,
        ca,
    })))
}

fn user<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<(Template, Name)> {
    let user = lower.template_of(node, "user");
    let password = lower.secret_of(node, "password");
    Some((user?, password?))
}

fn excludes(lower: &mut Lower<'_>, node: &Node, one: &str, other: &str) {
    if let (Some(_), Some(entry)) = (node.entry(one), node.entry(other)) {
        lower.fault(entry.place, format!("a request cannot have both `{one}` and `{other}`"), "keep one of them");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::{Expect, JsonValue};
    use crate::playbook::testing::{faults, probe, step};

    fn http(rest: &str) -> HttpSpec {
        match probe(&format!("http: https://h.example/x\n{rest}")) {
            Probe::Http(http) => *http,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn takes_secrets_by_name() {
        assert_eq!(http("bearer: new_password").bearer, Some("new_password".into()));
        let basic = http("basic: { user: me, password: new_password }").basic;
        assert_eq!(basic.map(|(_, name)| name), Some("new_password".into()));
        assert_eq!(http("headers: { X-Key: { secret: new_password } }").headers.len(), 1);
    }

    #[test]
    fn has_one_body_or_none() {
        assert!(matches!(http("form: { a: 1 }").body, Some(HttpBody::Form(fields)) if fields.len() == 1));
        assert!(matches!(http("json: { a: 1 }").body, Some(HttpBody::Json(fields)) if fields.len() == 1));
        assert!(http("method: HEAD").body.is_none());
        assert_eq!(faults("http: http://h/\nform: { a: 1 }\njson: { a: 1 }").len(), 1);
    }

    #[test]
    fn json_is_expected_as_it_is_written() {
        let expect =
            step("http: http://h/\nexpect: { json: { /ok: true, /n: '1', /l: [1] } }").action.verify.remove(0).expect;
        let wanted: Vec<&JsonValue> = expect
            .iter()
            .filter_map(|expect| if let Expect::Json(_, value) = expect { Some(value) } else { None })
            .collect();
        assert_eq!(*wanted[0], JsonValue::Literal(true.into()));
        assert_eq!(*wanted[1], JsonValue::Text(Template::literal("1")));
        assert_eq!(*wanted[2], JsonValue::Literal(serde_json::json!([1])));
    }
}
