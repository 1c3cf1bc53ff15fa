//! Probes over the network: each way in which a server can be there or not.

use super::servers::{Authority, Server, closed_port, response};
use super::*;
use crate::playbook::plan::{Given, HttpBody, JsonValue};

use Finding::{Denied, Differs, Holds, NotUnderstood, Refused, Unreachable};

/// The probes that begin with a connection, on one address.
fn all(address: &str) -> Vec<Probe> {
    vec![
        get(&format!("http://{address}/")),
        get(&format!("https://{address}/")),
        Probe::Tls(TlsSpec { address: text(address), name: None, days_left: None, ca: None }),
        Probe::Postgres(database(&format!("postgres://u@{address}/d"), None)),
        Probe::Mysql(database(&format!("mysql://u@{address}/d"), None)),
        Probe::Redis(database(&format!("redis://{address}"), None)),
        Probe::Redis(database(&format!("rediss://{address}"), None)),
        nats(&format!("nats://{address}")),
        nats(&format!("tls://{address}")),
    ]
}

#[tokio::test]
async fn nothing_listens() {
    let address = format!("127.0.0.1:{}", closed_port().await);
    let stage = stage();
    for probe in all(&address).into_iter().chain([tcp(&address)]) {
        // A refused connection is no denial.
        for probe in [spec(probe.clone()), expecting(probe, Expect::Denied)] {
            holds(&one(&stage, probe).await, Refused, false, &format!("nothing listens on {address}"));
        }
    }
}

#[tokio::test]
async fn a_server_that_never_answers() {
    let server = Server::silent().await;
    let stage = stage();
    for probe in all(&server.address()) {
        let verdict = one(&stage, hasty(probe.clone())).await;
        assert_eq!((verdict.finding, verdict.pass), (Unreachable, false), "{probe:?}: {}", verdict.saw);
        assert!(verdict.saw.ends_with("no answer in 200 ms"), "{}", verdict.saw);
    }
}

#[tokio::test]
async fn a_server_that_speaks_something_else() {
    let stage = stage();
    for said in [b"\x15\x03\x01\x00\x02\x02\x28 rubbish\r\n" as &[u8], b"", b"SSH-2.0-OpenSSH_9.2\r\n"] {
        let server = Server::saying(said).await;
        // Where the server speaks first, one that says nothing may only be slow.
        let speaks = |probe: &Probe| !said.is_empty() || !matches!(probe, Probe::Mysql(_) | Probe::Nats(_));
        for probe in all(&server.address()).into_iter().filter(speaks) {
            let verdict = one(&stage, spec(probe.clone())).await;
            assert_eq!((verdict.finding, verdict.pass), (NotUnderstood, false), "{probe:?}: {}", verdict.saw);
        }
    }
}

#[tokio::test]
async fn a_name_that_is_not_known() {
    let stage = stage();
    for probe in all("nobody.invalid:5000").into_iter().chain([tcp("nobody.invalid:5000")]) {
        let verdict = one(&stage, spec(probe)).await;
        holds(&verdict, Unreachable, false, "the name nobody.invalid is not known");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_asked_twice() {
    let stage = stage();
    let patient = |probe| ProbeSpec { within: Some(Duration::from_mins(1)), ..spec(probe) };
    let missing = Probe::Postgres(database("postgres://u@127.0.0.1/d", Some("new_password")));
    let verdict = one(&stage, patient(missing)).await;
    let saw = "not asked: the secret new_password has no value: the step that gives it was not done";
    holds(&verdict, Unreachable, false, saw);
    assert_eq!(verdict.attempts, 1);
    let verdict = one(&stage, patient(Probe::Tls(tls("127.0.0.1:1", Path::new("/nothing/ca.crt"))))).await;
    assert!(
        verdict.saw.starts_with("not asked: the certificates in /nothing/ca.crt cannot be read"),
        "{}",
        verdict.saw
    );
    let verdict = one(&stage, patient(tcp("127.0.0.1"))).await;
    holds(&verdict, Unreachable, false, "not asked: 127.0.0.1 is no address; write HOST:PORT");
}

#[tokio::test]
async fn a_port_that_is_open() {
    let server = Server::silent().await;
    let verdict = one(&stage(), spec(tcp(&server.address()))).await;
    holds(&verdict, Holds, true, &format!("{} listens, ~", server.address()));
    assert_eq!(verdict.title, format!("tcp {}", server.address()));
}

#[tokio::test]
async fn certificates() {
    let stage = stage();
    let (authority, other) = (Authority::new(), Authority::new());
    let ca = authority.file(stage.folder.path());
    let other_folder = stage.path("other");
    std::fs::create_dir(&other_folder).unwrap();
    let other_ca = other.file(&other_folder);
    let days = regex::Regex::new("[0-9]+ days").unwrap();
    for (name, year, ca, finding, saw) in [
        ("127.0.0.1", 2999, &ca, Holds, "TLS 1.3, certificate for 127.0.0.1 by Test CA, D days left, ~"),
        ("127.0.0.1", 2999, &other_ca, NotUnderstood, "the certificate is not trusted by ca.crt"),
        ("127.0.0.1", 2002, &ca, NotUnderstood, "the certificate expired on 2002-12-31"),
        ("db.example", 2999, &ca, NotUnderstood, "the certificate is not for 127.0.0.1, but for db.example"),
    ] {
        let server = Server::https(authority.server(name, year), response("200 OK", "", "fine")).await;
        let mut verdict = one(&stage, spec(Probe::Tls(tls(&server.address(), ca)))).await;
        verdict.saw = days.replace(&verdict.saw, "D days").into_owned();
        holds(&verdict, finding, finding == Holds, saw);

        let https =
            HttpSpec { ca: Some(text(&ca.display().to_string())), ..http(&format!("https://{}/", server.address())) };
        let verdict = one(&stage, spec(Probe::Http(Box::new(https)))).await;
        let saw = if finding == Holds { "HTTP 200 in ~, body fine" } else { saw };
        holds(&verdict, finding, finding == Holds, saw);
    }

    // A name of its own, and days.
    let server = Server::https(authority.server("db.example", 2999), String::new()).await;
    let named = |days| TlsSpec { name: Some(text("db.example")), days_left: Some(days), ..tls(&server.address(), &ca) };
    assert!(one(&stage, spec(Probe::Tls(named(30)))).await.pass);
    let verdict = one(&stage, spec(Probe::Tls(named(9_999_999)))).await;
    assert_eq!(verdict.finding, Differs);
    assert!(verdict.saw.ends_with("expected 9999999 days left or more"), "{}", verdict.saw);
}

#[tokio::test]
async fn an_empty_ca_means_the_certificates_of_this_machine() {
    let mut stage = stage().value("ca", "");
    stage.name("ca", false);
    let server = Server::https(Authority::new().server("127.0.0.1", 2999), String::new()).await;
    let ca = Template::new(vec![crate::playbook::plan::Part::Value(Name::new("ca"))]);
    let probe = TlsSpec { ca: Some(ca), ..tls(&server.address(), Path::new("")) };
    let verdict = one(&stage, spec(Probe::Tls(probe))).await;
    assert!(!verdict.pass);
    let words = ["not trusted by the certificates of this machine", "has no certificates to trust"];
    assert!(words.iter().any(|word| verdict.saw.contains(word)), "{}", verdict.saw);
}

#[tokio::test]
async fn status_and_body() {
    let stage = stage();
    let ok = |value: bool| Expect::Json("/ok".to_owned(), JsonValue::Literal(value.into()));
    let cases = [
        ("200 OK", "", r#"{"ok":true}"#, None, Holds, true, r#"HTTP 200 in ~, body {"ok":true}"#),
        (
            "503 Service Unavailable",
            "",
            r#"{"ok":false}"#,
            None,
            Differs,
            false,
            r#"HTTP 503 in ~, body {"ok":false}; expected a status from 200 to 299"#,
        ),
        ("503 X", "", "", Some(Expect::Status(503)), Holds, true, "HTTP 503 in ~"),
        ("200 OK", "", "", Some(Expect::Status(201)), Differs, false, "HTTP 200 in ~; expected 201"),
        (
            "200 OK",
            "",
            r#"{"ok":false}"#,
            Some(ok(true)),
            Differs,
            false,
            r#"HTTP 200 in ~, body {"ok":false}; /ok is false, expected true"#,
        ),
        ("401 No", "", "", Some(Expect::Denied), Holds, true, "denied: HTTP 401 in ~"),
        ("403 No", "", "", Some(Expect::Denied), Holds, true, "denied: HTTP 403 in ~"),
        ("401 No", "", "", None, Denied, false, "denied: HTTP 401 in ~; expected a status from 200 to 299"),
        ("401 No", "", "", Some(Expect::Status(401)), Holds, true, "denied: HTTP 401 in ~"),
        (
            "200 OK",
            "",
            "",
            Some(Expect::Denied),
            Differs,
            false,
            "HTTP 200 in ~; the credential was accepted, expected denied",
        ),
        (
            "302 Found",
            "Location: http://127.0.0.1:1/?code=CANARY\r\n",
            "",
            None,
            Differs,
            false,
            "HTTP 302 in ~, redirects to http://127.0.0.1:1/; expected a status from 200 to 299",
        ),
    ];
    for (status, more, body, expect, finding, pass, saw) in cases {
        let server = Server::http(vec![response(status, more, body)]).await;
        let probe = ProbeSpec { expect: expect.into_iter().collect(), ..spec(get(&server.url("/health"))) };
        holds(&one(&stage, probe).await, finding, pass, saw);
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_not_judged_by_half() {
    let stage = stage();
    let server = Server::http(vec![response("200 OK", "", &"x".repeat((1 << 20) + 1))]).await;
    let verdict = one(&stage, expecting(get(&server.url("/")), Expect::NotContains(text("y")))).await;
    holds(&verdict, Differs, false, "HTTP 200 in ~; its body is longer than 1 MiB, too long to be judged");
    assert!(one(&stage, expecting(get(&server.url("/")), Expect::Status(200))).await.pass);
}

#[tokio::test]
async fn what_a_request_carries() {
    let stage = stage().secret("token", "CANARY-token").value("who", "a b");
    let server = Server::http(vec![response("200 OK", "", "CANARY-token \u{1b}[2J")]).await;
    let secret = || Given::Secret(Name::new("token"));
    let who = || Given::Text(crate::exec::testing::template("", "who", "&"));
    let form = HttpSpec {
        body: Some(HttpBody::Form(vec![("p".to_owned(), secret()), ("u".to_owned(), who())])),
        bearer: Some(Name::new("token")),
        ..http(&server.url("/login"))
    };
    let json = HttpSpec {
        method: Some("put".to_owned()),
        body: Some(HttpBody::Json(vec![("p".to_owned(), secret())])),
        basic: Some((text("me"), Name::new("token"))),
        headers: vec![("X-Key".to_owned(), secret())],
        ..http(&server.url("/login"))
    };
    for probe in [form, json] {
        let verdict = one(&stage, spec(Probe::Http(Box::new(probe)))).await;
        assert!(verdict.pass && !verdict.saw.contains("CANARY") && !verdict.saw.contains('\u{1b}'), "{verdict:?}");
        assert!(verdict.saw.contains("body [secret]"), "{}", verdict.saw);
    }
    let heard = server.heard.lock().unwrap().to_lowercase();
    for sent in [
        "post /login http/1.1",
        "p=canary-token&u=a+b%26",
        "authorization: bearer canary-token",
        "put /login http/1.1",
        "content-type: application/json",
        r#"{"p":"canary-token"}"#,
        "authorization: basic bwu6q0foqvjzlxrva2vu",
        "x-key: canary-token",
    ] {
        assert!(heard.contains(sent), "{sent} is not in {heard}");
    }
}

#[tokio::test]
async fn a_password_in_an_address_is_not_shown() {
    let stage = stage();
    for url in
        ["http://u:CANARY-1@127.0.0.1:1/", "postgres://u:CANARY-1@127.0.0.1:1/d", "redis://u:CANARY-1@127.0.0.1:1"]
    {
        let database = || database(url, None);
        let probe = match url.split(':').next() {
            Some("http") => get(url),
            Some("redis") => Probe::Redis(database()),
            _ => Probe::Postgres(database()), // the one that is left
        };
        let verdict = one(&stage, spec(probe)).await;
        assert!(verdict.saw.contains("the address has a password in it"), "{}", verdict.saw);
        assert!(!format!("{verdict:?}").contains("CANARY"), "{verdict:?}");
    }
}

#[tokio::test]
async fn a_denial_is_judged_by_what_else_is_expected() {
    let stage = stage().secret("password", "CANARY-password");
    let server = Server::saying(b"-WRONGPASS invalid pair\r\n").await;
    for (word, finding) in [("invalid", Holds), ("disabled", Denied)] {
        let probe = Probe::Redis(database(&format!("redis://{}", server.address()), Some("password")));
        let expect = vec![Expect::Denied, Expect::Contains(text(word))];
        let verdict = one(&stage, ProbeSpec { expect, ..spec(probe) }).await;
        assert_eq!((verdict.finding, verdict.pass), (finding, finding == Holds), "{}", verdict.saw);
    }
}

#[tokio::test]
async fn a_server_without_tls_is_not_given_a_password() {
    let stage = stage().secret("password", "CANARY-password");
    let ca = Authority::new().file(stage.folder.path());
    let server = Server::saying(b"N").await;
    let url = format!("postgres://u@{}/d", server.address());
    let probe = DatabaseSpec { ca: Some(text(&ca.display().to_string())), ..database(&url, Some("password")) };
    holds(&one(&stage, spec(Probe::Postgres(probe))).await, NotUnderstood, false, "the server does not offer TLS");
}

#[tokio::test]
async fn what_a_redis_refuses() {
    let stage = stage().secret("password", "CANARY-password");
    for (said, finding, saw) in [
        (
            b"-WRONGPASS invalid username-password pair or user is disabled.\r\n" as &[u8],
            Denied,
            "denied: WRONGPASS invalid username-password pair or user is disabled.",
        ),
        (b"-NOAUTH Authentication required.\r\n", Denied, "denied: NOAUTH Authentication required."),
        (b"-LOADING Redis is loading\r\n", Differs, "it answered with LOADING Redis is loading"),
        (b"-ERR max number of clients reached\r\n", Differs, "it answered with ERR max number of clients reached"),
    ] {
        let server = Server::saying(said).await;
        let probe = || Probe::Redis(database(&format!("redis://default@{}", server.address()), Some("password")));
        holds(&one(&stage, spec(probe())).await, finding, false, saw);
        let denied = one(&stage, expecting(probe(), Expect::Denied)).await;
        assert_eq!(denied.pass, finding == Denied, "{}", denied.saw);
        assert!(denied.title.ends_with(" with password: must be denied"), "{}", denied.title);
    }
}

#[tokio::test]
async fn what_a_nats_server_says_first() {
    let stage = stage();
    for (said, finding, saw) in [
        (b"INFO {}\r\n" as &[u8], NotUnderstood, "it closed the connection instead of answering as NATS does"),
        (b"INFO no json\r\n", NotUnderstood, "it does not answer as NATS does"),
        (b"INFO {\"tls_required\":\"x\"}\r\n", NotUnderstood, "it does not answer as NATS does"),
        (b"-ERR 'maximum connections exceeded'\r\n", Differs, "it answered with maximum connections exceeded"),
        (b"INFO {}\r\n-ERR 'Authorization Violation'\r\n", Denied, "denied: Authorization Violation"),
        (b"INFO {}\r\n-ERR 'Authentication Timeout'\r\n", Differs, "it answered with Authentication Timeout"),
        (b"INFO {\"tls_required\":true}\r\nPONG\r\n", NotUnderstood, "it does not speak TLS"),
        (b"INFO {\"version\":\"2.0\"}\r\nPONG\r\n", Holds, "NATS 2.0, no TLS, ~"),
    ] {
        let server = Server::saying(said).await;
        let verdict = one(&stage, spec(nats(&format!("nats://{}", server.address())))).await;
        holds(&verdict, finding, finding == Holds, saw);
    }
    let server = Server::saying(b"INFO {}\r\n").await;
    let verdict = one(&stage, spec(nats(&format!("tls://{}", server.address())))).await;
    holds(&verdict, NotUnderstood, false, "the server does not offer TLS");
}
