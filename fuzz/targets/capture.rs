//! Captures: whatever a program puts out, what is taken stands there, and a refusal does not repeat the output.
//!
//! An input is how to capture and the output.

use regex::Regex;
use runsheet::exec::fuzzing::captured;
use runsheet::playbook::plan::{Capture, CaptureHow, Name};
use serde_json::Value;

use super::{Target, as_is, join, kind_of, none, parts};
use crate::dice::{Dice, hash};

pub(super) const TARGET: Target = Target {
    name: "capture",
    longest: 1500,
    round: 190_000,
    words: &[
        "\u{1e}",
        "/0",
        "/0/password",
        "/a",
        "/a~1b",
        "/a~0b",
        "/-",
        "/00",
        "~",
        "whole",
        "(a)",
        "a(b)?",
        ".*",
        "(?s).+",
        "^x",
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\"password\":\"CANARY-x\"",
        "null",
        "true",
        "1.50",
        "1e999",
        "-0",
        "18446744073709551616",
        "\\u0000",
        "\\ud800",
        "\\",
        "\u{feff}",
        "\0",
        "\n",
        "é",
        "[[[[[[[[",
        "]]]]]]]]",
    ],
    seeds: none,
    make,
    steady: false,
    mend: as_is,
    run,
};

fn run(input: &[u8]) -> u64 {
    let parts = parts(input);
    let (asked, output) = (parts[0].as_str(), parts.get(1).map_or("", String::as_str));
    let how = if asked.is_empty() || asked.starts_with('/') {
        CaptureHow::Json(asked.to_owned())
    } else if asked == "whole" {
        CaptureHow::Whole
    } else {
        match Regex::new(asked) {
            Ok(pattern) if pattern.captures_len() <= 2 => CaptureHow::Regex(pattern),
            Ok(_) | Err(_) => return 0,
        }
    };
    let capture = Capture { name: Name::new("it"), how, secret: true };
    let taken = captured(&capture, output);
    match &taken {
        Ok(secret) => {
            let value = secret.expose();
            assert!(!value.is_empty() && !value.contains('\0'), "{value:?} is taken");
            match &capture.how {
                CaptureHow::Whole => assert!(value == output.trim(), "{value:?} is not the trimmed whole"),
                CaptureHow::Regex(pattern) => {
                    let found = pattern.captures(output).expect("it matches");
                    assert!(
                        found.iter().flatten().any(|part| part.as_str() == value),
                        "{value:?} is no part of a match"
                    );
                }
                CaptureHow::Json(pointer) => {
                    let json: Value = serde_json::from_str(output.trim_start_matches('\u{feff}')).expect("it is JSON");
                    let there = json.pointer(pointer).expect("there is something");
                    let same = there
                        .as_str()
                        .map_or_else(|| serde_json::from_str(value).ok().as_ref() == Some(there), |text| text == value);
                    assert!(same, "{value:?} is not what stands at {pointer}");
                }
            }
        }
        Err(why) => assert!(!why.contains("CANARY-") || asked.contains("CANARY-"), "the output is repeated: {why}"),
    }
    hash((
        std::mem::discriminant(&capture.how),
        taken
            .map(|secret| secret.chars().min(8))
            .map_err(|why| kind_of(&why).chars().skip(21).take(25).collect::<String>()),
    ))
}

fn make(dice: &mut Dice) -> Vec<u8> {
    let asked = dice.one(&["", "/0/password", "/a", "/a/1", "whole", "password: (.+)", "[A-Z]+-[a-z]+"]);
    let output = dice.one(&[
        "[{\"name\":\"doadmin\",\"password\":\"CANARY-x\"}]",
        "{\"a\":[1,{\"b\":null}]}",
        "{\"a\":1.50}",
        "password: CANARY-y\n",
        " CANARY-z \r\n",
        "[[1]]",
        "\"a\"",
    ]);
    join(&[asked, output])
}
