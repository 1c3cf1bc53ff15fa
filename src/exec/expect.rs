//! Judges an answer of a command or a probe by what the playbook expects.
//!
//! It asks nothing and keeps nothing: an [`Answer`] comes in raw, a sentence for people goes out. The sentence quotes the
//! answer only through the given `mask`, and is shortened after that, so a secret is never cut in two before it is masked.
//!
//! What it does not decide: whether a refused credential fails a probe that does not expect `denied` (a probe may well
//! expect the status 401). Whoever asked the question says so.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use crate::playbook::plan::{Amount, Expect, JsonValue, Name, Template};

/// The most characters of an answer that a sentence quotes.
const QUOTED: usize = 160;

/// What a command or a probe answered. Raw: it may hold secrets.
#[derive(Clone, Default)]
pub(crate) struct Answer {
    /// Its text: standard output, a body, the first column of the first row.
    pub text: String,
    /// The exit status of a command.
    pub exit: Option<i32>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// How many rows a query gave.
    pub rows: Option<u64>,
    /// A pattern is held against each line of the text, rather than against the whole.
    pub by_line: bool,
    /// The system refused the credential.
    pub denied: bool,
    /// The last line of a command's standard error: one line, masked.
    pub said: String,
}

/// Judges an answer: all that is expected must hold, and a command must exit with 0 unless `exit` says otherwise.
///
/// # Errors
/// A sentence about everything that is wrong, masked and shortened.
pub(crate) fn judge(
    answer: &Answer,
    expects: &[Expect],
    values: &BTreeMap<Name, String>,
    mask: &dyn Fn(&str) -> String,
) -> Result<(), String> {
    let judge = Judge { answer, values, mask };
    let mut wrong = Vec::new();
    if let Some(exit) = answer.exit
        && exit != 0
        && !expects.iter().any(|expect| matches!(expect, Expect::Exit(_)))
    {
        wrong.push(format!("exit status {exit}"));
    }
    wrong.extend(expects.iter().filter_map(|expect| judge.one(expect).err()));
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// Cuts a text off after some characters, with a sign that it was cut.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Puts the run's values into a template.
pub(crate) fn fill(template: &Template, values: &BTreeMap<Name, String>) -> String {
    template.fill(|name| values.get(name).map(String::as_str))
}

struct Judge<'a> {
    answer: &'a Answer,
    values: &'a BTreeMap<Name, String>,
    mask: &'a dyn Fn(&str) -> String,
}

impl Judge<'_> {
    fn one(&self, expect: &Expect) -> Result<(), String> {
        let text = self.answer.text.as_str();
        match expect {
            Expect::Exit(wanted) => match self.answer.exit {
                Some(exit) if exit == *wanted => Ok(()),
                Some(exit) => Err(format!("exit status {exit}, expected {wanted}")),
                None => Err(format!("there is no exit status, expected {wanted}")),
            },
            Expect::Contains(template) => {
                let wanted = fill(template, self.values);
                hold(text.contains(&wanted), || format!("{} does not contain {}", self.it(), self.quote(&wanted)))
            }
            Expect::NotContains(template) => {
                let unwanted = fill(template, self.values);
                hold(!text.contains(&unwanted), || format!("the answer contains {}", self.quote(&unwanted)))
            }
            Expect::Matches(pattern) => hold(self.matches(pattern, text), || {
                format!("{} does not match {}", self.it(), self.quote(pattern.as_str()))
            }),
            Expect::Equals(template) => {
                let wanted = fill(template, self.values);
                hold(text.trim() == wanted.trim(), || format!("{} is not {}", self.it(), self.quote(&wanted)))
            }
            Expect::Json(pointer, wanted) => self.json(pointer, wanted),
            Expect::Status(wanted) => match self.answer.status {
                Some(status) if status == *wanted => Ok(()),
                Some(status) => Err(format!("status {status}, expected {wanted}")),
                None => Err(format!("there is no status, expected {wanted}")),
            },
            Expect::Rows(wanted) => match self.answer.rows {
                Some(rows) if rows == *wanted => Ok(()),
                Some(rows) => Err(format!("{rows} rows, expected {wanted}")),
                None => Err(format!("there are no rows, expected {wanted}")),
            },
            Expect::Between(from, to) => {
                let (number, from, to) = (self.number()?, self.amount(from)?, self.amount(to)?);
                hold(from <= number && number <= to, || format!("{number} is not between {from} and {to}"))
            }
            Expect::CloseTo { number: wanted, tolerance } => {
                let (number, wanted) = (self.number()?, self.amount(wanted)?);
                hold((number - wanted).abs() <= *tolerance, || {
                    format!("{number} is not within {tolerance} of {wanted}")
                })
            }
            Expect::Denied => hold(self.answer.denied, || "the credential was accepted, expected denied".to_owned()),
        }
    }

    fn matches(&self, pattern: &Regex, text: &str) -> bool {
        if self.answer.by_line { text.lines().any(|line| pattern.is_match(line)) } else { pattern.is_match(text) }
    }

    fn json(&self, pointer: &str, wanted: &JsonValue) -> Result<(), String> {
        let Ok(json) = serde_json::from_str::<Value>(&self.answer.text) else {
            return Err(format!("{} is not JSON", self.it()));
        };
        let place = if pointer.is_empty() { "the whole" } else { pointer };
        let Some(found) = json.pointer(pointer) else {
            return Err(format!("there is nothing at {place} in {}", self.it()));
        };
        let (same, wanted) = match wanted {
            JsonValue::Text(template) => {
                let wanted = fill(template, self.values);
                // A value of the run is text; it may well stand for a number there.
                (scalar(found).is_some_and(|found| found == wanted), Value::String(wanted).to_string())
            }
            JsonValue::Literal(wanted) => (alike(found, wanted), wanted.to_string()),
        };
        hold(same, || {
            let found = shorten(&(self.mask)(&found.to_string()), QUOTED);
            format!("{place} is {found}, expected {}", shorten(&(self.mask)(&wanted), QUOTED))
        })
    }

    fn number(&self) -> Result<f64, String> {
        match self.answer.text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) | Err(_) => Err(format!("{} is not a number", self.it())),
        }
    }

    /// A number to compare with, which may have been measured before.
    fn amount(&self, amount: &Amount) -> Result<f64, String> {
        let name = match amount {
            Amount::Number(number) => return Ok(*number),
            Amount::Value(name) => name,
        };
        let Some(value) = self.values.get(name) else {
            return Err(format!("{name}, which it is compared with, has no value yet"));
        };
        match value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) | Err(_) => Err(format!("{name}, which it is compared with, is {}: no number", self.quote(value))),
        }
    }

    fn it(&self) -> String {
        match self.answer.text.trim() {
            "" => "the empty answer".to_owned(),
            text => format!("the answer {}", self.quote(text)),
        }
    }

    fn quote(&self, text: &str) -> String {
        format!("\"{}\"", shorten(&(self.mask)(text), QUOTED))
    }
}

fn hold(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(wrong()) }
}

/// A text, number or boolean as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Equal, and `1` equals `1.0`.
fn alike(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Number(found), Value::Number(wanted)) => found == wanted || found.as_f64() == wanted.as_f64(),
        (found, wanted) => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::Part;
    use regex::Regex;

    fn judged(answer: &Answer, expects: &[Expect]) -> Result<(), String> {
        let values = BTreeMap::from(
            [("port", "25060"), ("word", "many")].map(|(name, value)| (Name::new(name), value.to_owned())),
        );
        judge(answer, expects, &values, &|text| text.replace("CANARY-1", "***"))
    }

    fn said(text: &str) -> Answer {
        Answer { text: text.to_owned(), exit: Some(0), ..Answer::default() }
    }

    #[test]
    fn what_holds_and_what_does_not() {
        let text = |text| Template::literal(text);
        let (number, value) = (Amount::Number, |name| Amount::Value(Name::new(name)));
        let literal = |json: &str| JsonValue::Literal(serde_json::from_str(json).unwrap());
        let port = || JsonValue::Text(Template::new(vec![Part::Value(Name::new("port"))]));
        let json = r#"{"ok":true,"port":25060,"none":null}"#;
        let cases: Vec<(&str, Expect, Option<&str>)> = vec![
            ("a active b", Expect::Contains(text("active")), None),
            ("down", Expect::Contains(text("active")), Some(r#"the answer "down" does not contain "active""#)),
            ("", Expect::Contains(text("active")), Some(r#"the empty answer does not contain "active""#)),
            ("down", Expect::NotContains(text("active")), None),
            ("active", Expect::NotContains(text("active")), Some(r#"the answer contains "active""#)),
            ("v12", Expect::Matches(Regex::new("^v[0-9]+$").unwrap()), None),
            (" PONG\n", Expect::Equals(text("PONG")), None),
            ("PANG", Expect::Equals(text("PONG")), Some(r#"the answer "PANG" is not "PONG""#)),
            (json, Expect::Json("/ok".into(), literal("true")), None),
            (json, Expect::Json("/port".into(), literal("25060.0")), None),
            (json, Expect::Json("/port".into(), port()), None),
            (json, Expect::Json("/none".into(), literal("null")), None),
            (json, Expect::Json("/ok".into(), literal("false")), Some("/ok is true, expected false")),
            ("x", Expect::Json("/ok".into(), literal("1")), Some(r#"the answer "x" is not JSON"#)),
            ("{}", Expect::Json("/ok".into(), literal("1")), Some(r#"there is nothing at /ok in the answer "{}""#)),
            ("12", Expect::Between(number(12.0), number(13.0)), None),
            ("11.9", Expect::Between(number(12.0), number(13.0)), Some("11.9 is not between 12 and 13")),
            ("10.5", Expect::CloseTo { number: number(10.0), tolerance: 0.5 }, None),
            ("25061", Expect::CloseTo { number: value("port"), tolerance: 1.0 }, None),
            (
                "25062",
                Expect::CloseTo { number: value("port"), tolerance: 1.0 },
                Some("25062 is not within 1 of 25060"),
            ),
            ("1", Expect::Between(value("port"), number(9.0)), Some("1 is not between 25060 and 9")),
            (
                "1",
                Expect::Between(number(0.0), value("none")),
                Some("none, which it is compared with, has no value yet"),
            ),
            (
                "1",
                Expect::CloseTo { number: value("word"), tolerance: 1.0 },
                Some("word, which it is compared with, is \"many\": no number"),
            ),
            ("NaN", Expect::Between(number(0.0), number(1.0)), Some(r#"the answer "NaN" is not a number"#)),
            ("is CANARY-1", Expect::Equals(text("y")), Some(r#"the answer "is ***" is not "y""#)),
            ("", Expect::Denied, Some("the credential was accepted, expected denied")),
            ("", Expect::Exit(3), Some("exit status 0, expected 3")),
            ("", Expect::Status(200), Some("there is no status, expected 200")),
        ];
        for (answer, expect, wrong) in cases {
            let got = judged(&said(answer), std::slice::from_ref(&expect));
            assert_eq!(got.as_ref().err().map(String::as_str), wrong, "{answer:?} {expect:?}");
        }
    }

    #[test]
    fn a_command_exits_with_0_unless_said_otherwise() {
        let answer = Answer { exit: Some(3), ..Answer::default() };
        assert_eq!(judged(&answer, &[]), Err("exit status 3".to_owned()));
        assert_eq!(judged(&answer, &[Expect::Exit(3)]), Ok(()));
        assert_eq!(judged(&Answer::default(), &[]), Ok(()));
    }

    #[test]
    fn a_secret_is_masked_before_the_text_is_cut() {
        let answer = said(&format!("{}CANARY-1", "x".repeat(QUOTED - 3)));
        let wrong = judged(&answer, &[Expect::Equals(Template::literal("y"))]).unwrap_err();
        assert!(!wrong.contains("CAN"), "{wrong}");
    }

    #[test]
    fn every_fault_is_named() {
        let answer = Answer { status: Some(503), rows: Some(2), ..Answer::default() };
        let wrong = judged(&answer, &[Expect::Status(200), Expect::Rows(1)]).unwrap_err();
        assert_eq!(wrong, "status 503, expected 200; 2 rows, expected 1");
    }
}
