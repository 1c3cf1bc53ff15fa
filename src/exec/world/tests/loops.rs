//! How often a probe is asked, what it captures, and how it is stopped.

use std::time::Instant;

use super::servers::{Server, response};
use super::*;
use crate::exec::testing::{script, template};

use Finding::{Differs, Holds, Unreachable};

fn patient(probe: ProbeSpec) -> ProbeSpec {
    ProbeSpec { within: Some(Duration::from_secs(20)), ..probe }
}

#[tokio::test]
async fn asked_until_it_is_right() {
    let server =
        Server::http(vec![response("503 X", "", "starting"), response("401 X", "", ""), response("200 OK", "", "ok")])
            .await;
    let (verdicts, attempts) = asked(&stage(), &[patient(spec(get(&server.url("/"))))]).await;
    let seen: Vec<_> = attempts.iter().map(|told| (told.attempt, told.finding, told.pass)).collect();
    assert_eq!(seen, [(1, Differs, false), (2, Finding::Denied, false), (3, Holds, true)]);
    assert_eq!((verdicts[0].attempts, verdicts[0].pass), (3, true));
    assert_eq!(verdicts[0].saw, attempts[2].saw);
}

#[tokio::test]
async fn asked_once_without_a_time() {
    let server = Server::http(vec![response("503 X", "", ""), response("200 OK", "", "")]).await;
    let probe = ProbeSpec { warn: true, ..spec(get(&server.url("/"))) };
    let verdict = one(&stage(), probe).await;
    assert_eq!((verdict.attempts, verdict.pass, verdict.warn), (1, false, true));
}

#[tokio::test]
async fn the_last_attempt_is_at_the_end_of_the_time() {
    let probe = ProbeSpec {
        within: Some(Duration::from_millis(300)),
        every: Duration::from_millis(200),
        ..spec(Probe::Command(script("exit 1")))
    };
    let verdict = one(&stage(), probe).await;
    assert_eq!(verdict.attempts, 3);
    assert!(verdict.took_ms >= 300, "{}", verdict.took_ms);
}

#[tokio::test]
async fn all_at_the_same_time_and_in_order() {
    let slow = |say: &str| spec(Probe::Command(script(&format!("sleep 0.7; echo {say}"))));
    let begin = Instant::now();
    let (verdicts, attempts) = asked(&stage(), &[slow("one"), slow("two"), slow("three"), slow("four")]).await;
    assert!(begin.elapsed() < Duration::from_millis(2500), "{:?}", begin.elapsed());
    let said: Vec<&str> = verdicts.iter().map(|verdict| verdict.saw.rsplit(' ').next().unwrap()).collect();
    assert_eq!(said, ["one", "two", "three", "four"]);
    let mut places: Vec<usize> = attempts.iter().map(|attempt| attempt.probe).collect();
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_stop_leaves_what_was_found_last() {
    let scene = stage().scene();
    let (say, stop) = watch::channel(Stop::No);
    let told = |_: Attempt| say.send_replace(Stop::Polite);
    let told = |attempt| {
        told(attempt);
    };
    let server = Server::http(vec![response("503 X", "", "starting")]).await;
    let probes = [patient(spec(get(&server.url("/"))))];
    let verdicts = verify(&probes, Ctx { scene: &scene, stop, told: &told }).await;
    assert_eq!((verdicts[0].finding, verdicts[0].attempts), (Differs, 1));
    assert!(verdicts[0].saw.contains("HTTP 503"), "{}", verdicts[0].saw);
}

#[tokio::test]
async fn a_stop_ends_what_hangs() {
    let scene = stage().scene();
    let server = Server::silent().await;
    let probes = [spec(get(&server.url("/"))), spec(Probe::Command(script("sleep 100")))];
    let (say, stop) = watch::channel(Stop::No);
    let told = |_: Attempt| {};
    let begin = Instant::now();
    let (verdicts, ()) = tokio::join!(verify(&probes, Ctx { scene: &scene, stop, told: &told }), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        say.send_replace(Stop::Polite);
    });
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    for verdict in verdicts {
        holds(&verdict, Unreachable, false, "stopped before it answered");
    }
}

#[tokio::test]
async fn captures() {
    let stage = stage();
    let body = r#"{"password":"CANARY-captured","rows":7}"#;
    let server = Server::http(vec![response("200 OK", "", body)]).await;
    let json = |pointer: &str| CaptureHow::Json(pointer.to_owned());
    let first = ProbeSpec {
        capture: vec![capture("password", json("/password"), true), capture("rows", json("/rows"), false)],
        ..spec(get(&server.url("/")))
    };
    // It uses what the first one captures, so it waits for it.
    let second = expecting(Probe::Value(Name::new("rows")), Expect::Equals(text("7")));
    let third = spec(Probe::Command(script("echo CANARY-captured")));
    let fourth = expecting(Probe::Value(Name::new("rows")), Expect::Equals(template("", "rows", "")));
    let (verdicts, attempts) = asked(&stage, &[first, second, third, fourth]).await;
    assert!(verdicts.iter().all(|verdict| verdict.pass), "{verdicts:?}");
    assert_eq!(stage.secrets.get("password").unwrap().expose(), "CANARY-captured");
    assert_eq!(verdicts[0].secrets, [Name::new("password")]);
    assert_eq!(verdicts[0].values.get("rows").map(String::as_str), Some("7"));
    holds(&verdicts[0], Holds, true, "HTTP 200 in ~");
    assert!(!format!("{verdicts:?}{attempts:?}").contains("CANARY"), "{verdicts:?}");
}

#[tokio::test]
async fn what_may_hold_a_secret_is_not_shown_when_it_is_wrong() {
    let stage = stage();
    let server = Server::http(vec![response("200 OK", "", "CANARY-unknown")]).await;
    let probe = |expect: Expect, how: CaptureHow| ProbeSpec {
        capture: vec![capture("password", how, true)],
        ..expecting(get(&server.url("/")), expect)
    };
    let wrong = one(&stage, probe(Expect::Equals(text("x")), CaptureHow::Whole)).await;
    let missing = one(&stage, probe(Expect::Status(200), CaptureHow::Json("/a".to_owned()))).await;
    for verdict in [wrong, missing] {
        assert_eq!((verdict.finding, verdict.pass), (Differs, false));
        assert!(!verdict.saw.contains("CANARY"), "{}", verdict.saw);
    }
    assert!(stage.secrets.get("password").is_none());
}

#[tokio::test]
async fn a_secret_is_no_plain_capture() {
    let stage = stage().secret("password", "CANARY-known");
    let server = Server::http(vec![response("200 OK", "", "key CANARY-known")]).await;
    let probe = ProbeSpec { capture: vec![capture("key", CaptureHow::Whole, false)], ..spec(get(&server.url("/"))) };
    let verdict = one(&stage, probe).await;
    assert!(!verdict.pass && verdict.values.is_empty(), "{verdict:?}");
    assert!(verdict.saw.contains("write `secret: true`"), "{}", verdict.saw);
}
