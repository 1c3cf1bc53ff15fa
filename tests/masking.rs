//! What must be masked, what must stay, and what should be masked: each as foreign output goes, visible first and masked next.
//!
//! Every vector is tried whole, in every cut into two pieces, and byte by byte; the result must be the same each time. How
//! each writer writes is said here again, apart from the masker's own tables.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use runsheet::output::Visible;
use runsheet::secret::{MASK, Masker, Secret, search};

const SECRETS: [&str; 4] = [
    "CANARY-abcDEF0123456789xyz",
    "CANARY p@ss'w\"rd/\\%&<>$`+;:=}]9",
    "CANARY-für-日本-🎉-Z9",
    "AVNS_CANARY0f3K9xQ2vT7b",
];

fn masker(secret: &str) -> Arc<Masker> {
    Arc::new(Masker::new([&Secret::new(secret.to_owned())]))
}

/// Sends pieces the way of all foreign output.
fn shown<'a>(masker: &Arc<Masker>, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let (mut visible, mut mask) = (Visible::new(), masker.stream());
    let (mut text, mut out) = (String::new(), String::new());
    for piece in pieces {
        text.clear();
        visible.push(piece, &mut text);
        mask.push_str(&text, &mut out);
    }
    text.clear();
    visible.finish(&mut text);
    mask.push_str(&text, &mut out);
    mask.finish_str(&mut out);
    out
}

/// Shows a text in every cut into two and byte by byte, and returns what is always seen.
fn always(masker: &Arc<Masker>, text: &[u8]) -> String {
    let whole = shown(masker, [text]);
    for at in 1..text.len() {
        let (one, two) = text.split_at(at);
        assert_eq!(shown(masker, [one, two]), whole, "{:?} cut at {at}", String::from_utf8_lossy(text));
    }
    assert_eq!(shown(masker, text.chunks(1)), whole, "{:?} byte by byte", String::from_utf8_lossy(text));
    whole
}

fn bytes(text: &str, between: &str, write: fn(u8) -> String) -> String {
    text.bytes().map(write).collect::<Vec<_>>().join(between)
}

fn units(text: &str, write: fn(u16) -> String) -> String {
    text.encode_utf16().map(write).collect()
}

/// Writes some characters in another way.
fn each(text: &str, write: impl Fn(char) -> Option<String>) -> String {
    text.chars().map(|c| write(c).unwrap_or_else(|| c.to_string())).collect()
}

fn before(text: &str, some: &str, sign: char) -> String {
    each(text, |c| some.contains(c).then(|| format!("{sign}{c}")))
}

fn percent(text: &str, stays: &str) -> String {
    each(text, |c| {
        let stays = c.is_ascii_alphanumeric() || stays.contains(c);
        (!stays).then(|| bytes(&c.to_string(), "", |byte| format!("%{byte:02X}")))
    })
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn wrapped(text: &str, width: usize, end: &str) -> String {
    text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join(end)
}

/// All that writers make of a secret and that is masked whole.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let lower =
        |text: String| text.replace("%2F", "%2f").replace("%3A", "%3a").replace("%3D", "%3d").replace("%5C", "%5c");
    let mut forms = vec![
        ("raw", secret.to_owned()),
        ("%, RFC 3986", percent(secret, "-._~")),
        ("%, small digits", lower(percent(secret, "-._~"))),
        ("%, forms", percent(secret, "-._* ").replace(' ', "+")),
        ("%, encodeURI", percent(secret, "-._~!'()*;/?:@&=+$,#")),
        ("%, all bytes", bytes(secret, "", |byte| format!("%{byte:02X}"))),
        ("%, all bytes small", bytes(secret, "", |byte| format!("%{byte:02x}"))),
        ("% of %", percent(&percent(secret, "-._~"), "-._~")),
        ("%% of printf", secret.replace('%', "%%")),
        ("JSON", json(secret)),
        ("JSON, \\/", json(secret).replace('/', "\\/")),
        ("JSON, all", units(secret, |unit| format!("\\u{unit:04x}"))),
        ("JSON, all capital", units(secret, |unit| format!("\\u{unit:04X}"))),
        ("JSON of Go", each(&json(secret), |c| "<>&".contains(c).then(|| format!("\\u{:04x}", u32::from(c))))),
        ("JSON in JSON", json(&json(secret))),
        ("JSON in JSON in JSON", json(&json(&json(secret)))),
        ("JSON of %", json(&percent(secret, "-._~"))),
        ("\\x", bytes(secret, "", |byte| format!("\\x{byte:02x}"))),
        ("\\x capital", bytes(secret, "", |byte| format!("\\x{byte:02X}"))),
        ("octal", bytes(secret, "", |byte| format!("\\{byte:03o}"))),
        ("\\u{}", each(secret, |c| Some(format!("\\u{{{:x}}}", u32::from(c))))),
        ("\\U", each(secret, |c| Some(format!("\\U{:08x}", u32::from(c))))),
        ("shell ''", secret.replace('\'', r"'\''")),
        ("shell '' other", secret.replace('\'', r#"'"'"'"#)),
        ("shell \"\"", before(secret, "\"\\$`", '\\')),
        ("shell $''", before(secret, "'\\", '\\')),
        ("shell %q", before(secret, " !\"#$&'()*,;<>?[\\]^`{|}~", '\\')),
        ("shell, each", each(secret, |c| c.is_ascii_punctuation().then(|| format!("\\{c}")))),
        ("SQL", secret.replace('\'', "''")),
        ("SQL \"\"", secret.replace('"', "\"\"")),
        ("MySQL", before(secret, "'\"\\", '\\')),
        ("XML", each(secret, |c| named(c, "&quot;", "&apos;"))),
        ("HTML", each(secret, |c| named(c, "&quot;", "&#39;"))),
        ("HTML hex", each(secret, |c| named(c, "&#x22;", "&#x27;"))),
        ("HTML decimal, all", each(secret, |c| Some(format!("&#{};", u32::from(c))))),
        ("HTML hex, all", each(secret, |c| Some(format!("&#x{:X};", u32::from(c))))),
        ("HTML zeros", each(secret, |c| Some(format!("&#{:05};", u32::from(c))))),
        ("HTML in HTML", each(secret, |c| named(c, "&quot;", "&apos;")).replace('&', "&amp;")),
        ("hex", bytes(secret, "", |byte| format!("{byte:02x}"))),
        ("hex capital", bytes(secret, "", |byte| format!("{byte:02X}"))),
        ("hex :", bytes(secret, ":", |byte| format!("{byte:02x}"))),
        ("hex : capital", bytes(secret, ":", |byte| format!("{byte:02X}"))),
        ("hex blank", bytes(secret, " ", |byte| format!("{byte:02x}"))),
        ("hex -", bytes(secret, "-", |byte| format!("{byte:02X}"))),
        ("hex 0x", bytes(secret, ", 0x", |byte| format!("{byte:02x}"))),
        ("bytes of Go", bytes(secret, " ", |byte| byte.to_string())),
        ("bytes of JSON", bytes(secret, ",", |byte| byte.to_string())),
        ("bytes of Python", bytes(secret, ", ", |byte| byte.to_string())),
        ("libpq", before(secret, "'\\", '\\')),
        ("pgpass", before(secret, ":\\", '\\')),
        ("my.cnf", secret.replace('\\', "\\\\").replace(' ', "\\s")),
        ("ODBC", secret.replace('}', "}}")),
        ("compose", secret.replace('$', "$$")),
        ("PowerShell", before(secret, "\"$`", '`')),
        ("mixed", mixed(secret)),
    ];
    let nfd: String = secret.replace('ü', "u\u{308}");
    if nfd != secret {
        forms.push(("NFD", nfd));
    }
    forms
}

fn named(c: char, double: &str, single: &str) -> Option<String> {
    let name = match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => double,
        '\'' => single,
        _ => return None,
    };
    Some(name.to_owned())
}

/// Each character in the next of many ways.
fn mixed(secret: &str) -> String {
    let mut text = String::new();
    for (number, c) in secret.chars().enumerate() {
        let _ = match number % 6 {
            0 => write!(text, "{c}"),
            1 => write!(text, "\\u{{{:x}}}", u32::from(c)),
            2 => write!(text, "&#{};", u32::from(c)),
            3 => write!(text, "{}", bytes(&c.to_string(), "", |byte| format!("%{byte:02x}"))),
            4 => write!(text, "{}", bytes(&c.to_string(), "", |byte| format!("\\{byte:03o}"))),
            _ => write!(text, "{}", bytes(&c.to_string(), "", |byte| format!("\\\\x{byte:02X}"))),
        };
    }
    text
}

#[test]
fn every_form_is_masked_whole_however_it_is_cut() {
    let mut vectors = 0;
    for secret in SECRETS {
        let masker = masker(secret);
        for (name, form) in forms(secret) {
            vectors += 1;
            let text = format!("key = {form} .\n");
            assert_eq!(always(&masker, text.as_bytes()), "key = [secret] .\n", "{name}: {form}");
        }
    }
    assert!(vectors >= 179, "{vectors}");
}

#[test]
fn base64_is_masked_at_every_offset_in_both_alphabets_padded_and_wrapped() {
    let mut vectors = 0;
    for secret in SECRETS {
        let masker = masker(secret);
        for skipped in 0..3 {
            let plain = format!("{}{secret}{}", &"u: "[..skipped], &"\n xyz"[..skipped]);
            for engine in [STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let code = engine.encode(&plain);
                for code in [
                    code.clone(),
                    percent(&code, "-_"),
                    json(&code).replace('/', "\\/"),
                    wrapped(&code, 20, "\n"),
                    wrapped(&code, 16, "\r\n  "),
                    wrapped(&code, 24, "\\n"),
                ] {
                    vectors += 1;
                    let seen = always(&masker, format!("<{code}>\n").as_bytes());
                    let Some((head, tail)) = seen.split_once(MASK) else { panic!("{code} is not masked") };
                    assert!(head.len() <= 1 + (skipped * 8).div_ceil(6), "{code}: {seen}");
                    // what stands after the secret may begin a line, and padding may be encoded
                    let tail = tail.lines().next().unwrap_or_default().replace("%3D", "");
                    assert!(!tail.contains(|c: char| c.is_ascii_alphanumeric()), "{code}: {seen}");
                }
            }
        }
    }
    assert_eq!(vectors, 288);
}

#[test]
fn a_key_is_masked_by_line_and_as_a_whole() {
    let body = ["MIIEvCANARY0aQxZ3bTq9LrN5sEk8", "kqCANARY1vYw2Kd7HcM4jUf6Pg", "zzCANARY2="];
    let key = format!("-----BEGIN CANARY KEY-----\n{}\n-----END CANARY KEY-----\n", body.join("\n"));
    let masker = masker(&key);
    for text in [
        key.clone(),
        key.replace('\n', "\r\n"),
        key.replace('\n', "\r\r\n"),
        key.replace('\n', "\n    "),
        key.replace('\n', "\\n"),
        key.replace('\n', "\\r\\n"),
        key.replace('\n', "\\\\n"),
        key.replace('\n', "%0A"),
        key.replace('\n', "%0D%0A"),
        key.replace('\n', "&#10;"),
        body.join(" "),
        body.join("\n-"),
    ] {
        let seen = always(&masker, text.as_bytes());
        assert!(!seen.contains("CANARY0") && !seen.contains("CANARY1") && !seen.contains("CANARY2"), "{text}: {seen}");
    }
}

#[test]
fn a_secret_broken_up_by_what_is_not_seen_is_masked() {
    let secret = "CANARY-pa55w0rd-Xy";
    let masker = masker(secret);
    let joined = |between: &str| secret.chars().map(String::from).collect::<Vec<_>>().join(between);
    let halves = |between: &str| format!("CANARY-pa{between}55w0rd-Xy");
    let cases = [
        halves("\x1b[31m"),
        joined("\x1b[1;32m"),
        joined("\x1b[0m\x1b[4m"),
        halves("\x1b[38;2;1;2;3m"),
        halves("\x1b[8m"),
        halves("\x1b[1C"),
        halves("\x1b[2K\x1b[10G"),
        halves("\x1b[?25l"),
        halves("\x1b]0;title\x07"),
        halves("\x1b(B"),
        halves("\x1b7"),
        joined("\0"),
        halves("\x07"),
        joined("\u{200b}"),
        joined("\u{200d}"),
        joined("\u{ad}"),
        halves("\u{fe0f}"),
        halves("\u{202e}"),
        halves("\u{2066}"),
        halves("\u{e0041}"),
        halves("\u{feff}"),
        halves("\u{9b}1m"),
        joined("\u{301}"),
        halves("\r"),
        each(secret, |c| Some(format!("{c}\u{8}{c}"))),
        each(secret, |c| Some(format!("_\u{8}{c}"))),
        each(secret, |c| Some(format!("{c}\u{8}{c}\u{8}{c}"))),
    ];
    assert!(cases.len() >= 22);
    for case in cases {
        let seen = always(&masker, format!("is {case}.\n").as_bytes());
        assert!(seen.contains(MASK), "{case:?}: {seen:?}");
        let found = search(&seen, &[Secret::new(secret.to_owned())]).unwrap();
        assert_eq!(found, None, "{case:?}: {seen:?}");
        let letters: String = seen.chars().filter(char::is_ascii_alphanumeric).collect();
        assert!(!letters.contains("pa55") && !letters.contains("w0rd"), "{case:?}: {seen:?}");
    }
}

#[test]
fn what_looks_like_a_secret_is_masked_though_nobody_registered_it() {
    let masker = Arc::new(Masker::new([]));
    let long = "CANARY0123456789abcdefghijKLMNOPqrstuvWX";
    for (text, seen) in [
        ("postgres://doadmin:CANARYpw@db.test:25060/x".to_owned(), "postgres://doadmin:[secret]@db.test:25060/x"),
        ("rediss://:CANARYpw@db.test".to_owned(), "rediss://:[secret]@db.test"),
        ("https://u:p@ss:w@h.test/".to_owned(), "https://u:[secret]@h.test/"),
        ("\"url\":\"amqp:\\/\\/u:CANARYpw@h\"".to_owned(), "\"url\":\"amqp:\\/\\/u:[secret]@h\""),
        (format!("token ghp_{long} x"), "token [secret] x"),
        (format!("token=github_pat_{long} x"), "token=[secret] x"),
        (format!("glpat-{long}\n"), "[secret]\n"),
        (format!("xoxb-{long}\n"), "[secret]\n"),
        ("id AKIACANARY0123456789 x".to_owned(), "id [secret] x"),
        (format!("sk_live_{long}\n"), "[secret]\n"),
        (format!("dop_v1_{long}\n"), "[secret]\n"),
        (format!("FLY fm2_{long}+/==\n"), "FLY [secret]\n"),
        (format!("npm_{long}\n"), "[secret]\n"),
        (format!("hvs.{long}\n"), "[secret]\n"),
        (format!("SG.{long}.x\n"), "[secret]\n"),
        (format!("ya29.{long}\n"), "[secret]\n"),
        ("AVNS_CANARY012345678\n".to_owned(), "[secret]\n"),
        (format!("AGE-SECRET-KEY-1{}\n", "CANARY0123".repeat(5)), "[secret]\n"),
        ("Bearer eyJhbGciOiJIUzI1NiIs.eyJzdWIiOiJDQU5BUlki.abc_-X y".to_owned(), "Bearer [secret] y"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIICANARY\nabc+/=\n-----END PRIVATE KEY-----\n".to_owned(),
            "-----BEGIN PRIVATE KEY-----\n[secret]-----END PRIVATE KEY-----\n",
        ),
    ] {
        assert_eq!(always(&masker, text.as_bytes()), seen, "{text}");
    }
}

#[test]
fn what_is_no_secret_stays() {
    let secrets = ["AVNS_CANARY0f3K9xQ2vT7b", "password1", "postgres://doadmin:CANARY-9@db.test:25060/x", "1234"]
        .map(|text| Secret::new(text.to_owned()));
    let masker = Arc::new(Masker::new(&secrets));
    for text in [
        "postgres://doadmin@db.test:25060/x?sslmode=require",
        "postgres://doadmin:${PG_PASSWORD}@db.test",
        "postgres://doadmin:$PW@db.test",
        "postgres://doadmin:([^@]+)@",
        "postgres://doadmin:****@db.test",
        "https://db.test:8080/health?at=12:30@noon",
        "http://localhost:8080",
        "password: ",
        "Enter the password for doadmin:",
        "the password was reset",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "commit 919f493c0e8d4f7a90b6ab5b1d2a8a3b1e7f0c55",
        "3f2a9c1e-7d64-4f6e-9c2b-0a1b2c3d4e5f",
        "2026-11-21T14:08:14Z INFO 200 in 12 ms",
        "12 34 and 12:34 and 1-2-3-4",
        "ghp_ is how they begin, AKIA too, and sk_live_",
        "eyJust a word.",
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----",
        "AVNS_ and AVNS",
        "déjà vu 日本 🎉 100% \\o/ & \"so\" 'on' <b>",
        "user@example.com wrote to admin@example.com: see a://b",
        "aGVsbG8gd29ybGQgdGhpcyBpcyBmaW5l",
    ] {
        assert_eq!(always(&masker, text.as_bytes()), text);
    }
}

#[test]
fn parts_and_codes_of_codes_are_masked_too() {
    let secret = "CANARYq7Zp2mX/Lw8+dK4 vB";
    let single = "CANARYq7Zp2mXLw8dK4vB";
    for (secret, text) in [
        (single, format!("key {}...", &single[..10])),
        (single, format!("key ...{}", &single[single.len() - 9..])),
        (single, format!("key {}***{}", &single[..8], &single[single.len() - 8..])),
        (single, format!("key {}", &single[6..16])),
        (secret, STANDARD.encode(percent(secret, "-._~"))),
        (secret, STANDARD.encode(STANDARD.encode(secret))),
        (secret, STANDARD.encode(json(&format!("{secret}\"")))),
        (secret, percent(&STANDARD.encode(secret), "")),
        (secret, percent(&percent(&STANDARD.encode(secret), ""), "")),
        (secret, json(&json(&format!("\"{secret}\"")))),
        (secret, percent(&json(secret), "")),
        (secret, json(&percent(secret, ""))),
        (secret, each(secret, |c| Some(format!("&#{};", u32::from(c)))).replace('&', "&amp;amp;")),
        (secret, format!("https://other:{}@h.test/", "CANARYunknown")),
        ("postgres://u:CANARY-0q9W8@h.test/db", "PGPASSWORD=CANARY-0q9W8".to_owned()),
    ] {
        let masker = masker(secret);
        let seen = always(&masker, format!("{text} \n").as_bytes());
        assert!(seen.contains(MASK), "{text}: {seen}");
        assert!(
            !seen.contains("q7Zp") && !seen.contains("dK4") && !seen.contains("unknown") && !seen.contains("0q9"),
            "{text}: {seen}"
        );
        assert_eq!(search(&seen, &[Secret::new(secret.to_owned())]).unwrap(), None, "{text}: {seen}");
    }
}
