//! Probes of Postgres and Redis against real servers with TLS and passwords.

#![expect(clippy::unwrap_used, reason = "a test says what it needs by failing")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use runsheet::engine::{Finding, Verdict};
use runsheet::exec::world::{Ctx, verify};
use runsheet::exec::{Gaps, Launcher, Scene, Stop};
use runsheet::playbook::plan::{DatabaseSpec, Expect, Name, Plan, Probe, ProbeSpec, Template};
use runsheet::secret::{Identity, Secret, Secrets};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::support::authority::Authority;
use crate::support::postgres::Postgres;
use crate::support::redis::Redis;

/// Both characters that a URL and those that a shell would trip over.
const PASSWORD: &str = "CANARY-p@ss/w#rd:$(x)%41";

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::with_prefix("probes-").unwrap();
    let place = folder.path().canonicalize().unwrap();
    // The user that PostgreSQL runs as has to reach its own folder.
    std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    (folder, place)
}

fn spec(probe: Probe) -> ProbeSpec {
    ProbeSpec {
        title: None,
        probe,
        expect: Vec::new(),
        within: None,
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(10),
        capture: Vec::new(),
        warn: false,
    }
}

fn database(url: &str, password: Option<&str>, ca: Option<&Path>, query: Option<&str>) -> DatabaseSpec {
    DatabaseSpec {
        url: Template::literal(url),
        password: password.map(Name::new),
        ca: ca.map(|ca| Template::literal(&ca.display().to_string())),
        query: query.map(Template::literal),
    }
}

fn ask(probes: &[ProbeSpec]) -> Vec<Verdict> {
    let secrets = Secrets::open(None, &Identity::passing()).unwrap();
    let kept = |name: &str, value: &str| vec![(name.to_owned(), Secret::new(value.to_owned()))];
    secrets.keep(kept("right", PASSWORD)).unwrap();
    secrets.keep(kept("wrong", "CANARY-wrong")).unwrap();
    let scene = Scene {
        plan: Arc::new(Plan::default()),
        base: PathBuf::from("/"),
        secrets: Arc::new(secrets),
        values: BTreeMap::new(),
        launcher: Launcher::ourselves(),
        gaps: Gaps::Refused,
        logs: Vec::new(),
    };
    let (_never, stop) = watch::channel(Stop::No);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let verdicts = runtime.block_on(verify(probes, Ctx { scene: &scene, stop, told: &|_| {} }));
    assert!(!format!("{verdicts:?}").contains("CANARY"), "{verdicts:?}");
    verdicts
}

/// Asks all and holds what was found and seen. A pattern begins at the beginning and ends at the end.
#[track_caller]
fn holds(cases: Vec<(ProbeSpec, Finding, bool, &str)>) {
    let (probes, wanted): (Vec<_>, Vec<_>) =
        cases.into_iter().map(|(probe, finding, pass, saw)| (probe, (finding, pass, saw))).unzip();
    for (verdict, (finding, pass, saw)) in ask(&probes).into_iter().zip(wanted) {
        let pattern = Regex::new(&format!("^{saw}$")).unwrap();
        assert!(
            (verdict.finding, verdict.pass) == (finding, pass) && pattern.is_match(&verdict.saw),
            "{verdict:?} is not {finding:?}, {pass}: {saw}"
        );
    }
}

#[test]
fn postgres() {
    let (_folder, place) = folder();
    let authority = Authority::make(&place.join("certs"));
    let other = Authority::make(&place.join("other")).ca;
    let server = Postgres::start(&place.join("pg"), &authority, PASSWORD);
    let url = format!("postgres://doadmin@127.0.0.1:{}/defaultdb", server.port);
    let ca = Some(authority.ca.as_path());
    let postgres = |spec: DatabaseSpec| Probe::Postgres(spec);
    let right = |query| spec(postgres(database(&url, Some("right"), ca, query)));
    let wrong = || spec(postgres(database(&url, Some("wrong"), ca, None)));
    let expecting = |probe: ProbeSpec, expect| ProbeSpec { expect: vec![expect], ..probe };
    let facts = r"PostgreSQL [0-9]+\.[0-9]+, TLS 1\.3, (under 1|[0-9]+) ms";
    let denied = r#"denied: password authentication failed for user "doadmin""#;
    let many = "select * from generate_series(5, 7)";
    holds(vec![
        (right(None), Finding::Holds, true, facts),
        (wrong(), Finding::Denied, false, denied),
        (expecting(wrong(), Expect::Denied), Finding::Holds, true, denied),
        (
            expecting(right(None), Expect::Denied),
            Finding::Differs,
            false,
            &format!("{facts}; the credential was accepted, expected denied"),
        ),
        (expecting(right(Some(many)), Expect::Rows(3)), Finding::Holds, true, &format!("{facts}, answer 5")),
        (
            expecting(right(Some(many)), Expect::Equals(Template::literal("5"))),
            Finding::Holds,
            true,
            &format!("{facts}, answer 5"),
        ),
        (right(Some("select nonsense")), Finding::Differs, false, "it answered with error 42703: .*nonsense.*"),
        (
            spec(postgres(database(&url, None, ca, None))),
            Finding::Differs,
            false,
            "it asks for a password, and the probe has none; give its name as `password`",
        ),
        (
            spec(postgres(database(&url.replace("defaultdb", "nothing"), Some("right"), ca, None))),
            Finding::Differs,
            false,
            r#"it answered with error 3D000: database "nothing" does not exist"#,
        ),
        (
            spec(postgres(database(&url, Some("right"), Some(&other), None))),
            Finding::NotUnderstood,
            false,
            "the certificate is not trusted by ca.crt",
        ),
        (
            spec(postgres(database(&format!("{url}?sslmode=disable"), Some("right"), None, None))),
            Finding::Denied,
            false,
            "denied: no pg_hba.conf entry .*",
        ),
    ]);

    // On this machine and without `ca`, the server's offer of TLS is still taken, and its certificate checked.
    let verdict = ask(&[spec(postgres(database(&url, Some("right"), None, None)))]).remove(0);
    let words = ["is not trusted by the certificates of this machine", "has no certificates to trust"];
    assert!(!verdict.pass && words.iter().any(|word| verdict.saw.contains(word)), "{verdict:?}");
}

#[test]
fn redis() {
    let (_folder, place) = folder();
    let authority = Authority::make(&place.join("certs"));
    let other = Authority::make(&place.join("other")).ca;
    let server = Redis::start(&place.join("redis"), &authority, PASSWORD);
    let url = format!("rediss://default@localhost:{}", server.port);
    let ca = Some(authority.ca.as_path());
    let redis = |password, ca, query| spec(Probe::Redis(database(&url, password, ca, query)));
    let expecting = |probe: ProbeSpec, expect| ProbeSpec { expect: vec![expect], ..probe };
    let facts = r"(Redis|Valkey) [0-9.]+, TLS 1\.3, (under 1|[0-9]+) ms";
    let denied = "denied: WRONGPASS .*";
    holds(vec![
        (redis(Some("right"), ca, None), Finding::Holds, true, facts),
        (redis(Some("wrong"), ca, None), Finding::Denied, false, denied),
        (expecting(redis(Some("wrong"), ca, None), Expect::Denied), Finding::Holds, true, denied),
        (expecting(redis(None, ca, None), Expect::Denied), Finding::Holds, true, "denied: NOAUTH .*"),
        (
            expecting(redis(Some("right"), ca, None), Expect::Denied),
            Finding::Differs,
            false,
            &format!("{facts}; the credential was accepted, expected denied"),
        ),
        (redis(Some("right"), ca, Some("DBSIZE")), Finding::Holds, true, &format!("{facts}, answer 0")),
        (
            expecting(redis(Some("right"), ca, Some("CONFIG GET requirepass")), Expect::Rows(2)),
            Finding::Holds,
            true,
            &format!(r"{facts}, answer requirepass \[secret\]"),
        ),
        (redis(Some("right"), ca, Some("NOSUCH")), Finding::Differs, false, "it answered with ERR unknown command .*"),
        (
            redis(Some("right"), Some(&other), None),
            Finding::NotUnderstood,
            false,
            "the certificate is not trusted by ca.crt",
        ),
        (
            spec(Probe::Redis(database(&url.replace("rediss", "redis"), Some("right"), None, None))),
            Finding::NotUnderstood,
            false,
            "it (closed the connection instead of answering|does not answer) as Redis does",
        ),
    ]);
}
