//! Probes of Postgres, MariaDB and Redis against real servers with TLS and passwords.

#![expect(clippy::unwrap_used, reason = "a test says what it needs by failing")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use runsheet::engine::{Finding, Verdict};
use runsheet::exec::world::{Ctx, verify};
use runsheet::exec::{Gaps, Launcher, Scene, Stop};
use runsheet::playbook::plan::{Amount, DatabaseSpec, Expect, Name, Plan, Probe, ProbeSpec, Template};
use runsheet::secret::{Identity, Secret, Secrets};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::support::authority::Authority;
use crate::support::mariadb::Mariadb;
use crate::support::postgres::Postgres;
use crate::support::redis::Redis;
use crate::support::rig::Answer;

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
        simulate: Vec::new(),
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
        scope: None,
        plan: Arc::new(Plan::default()),
        base: PathBuf::from("/"),
        secrets: Arc::new(secrets),
        values: BTreeMap::new(),
        launcher: Launcher::ourselves(),
        gaps: Gaps::Refused,
        logs: Vec::new(),
        root: None,
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

/// A server with two tables that `k` may read, one of them in part, and others that it may not.
fn mariadb(place: &Path, authority: &Authority) -> Mariadb {
    let server = Mariadb::start(&place.join("db"), authority);
    server.sql(&format!(
        "create database heaven; use heaven; create table ks_page (id int, title text) as select seq id, 'a' title from \
         seq_1_to_3; create table heaven.node (nid int); create table heaven.part (id int, more int); create user 'k'@'%' \
         identified by '{PASSWORD}'; create user 'open'@'%'; grant select on heaven.ks_page to 'k'@'%'; grant select (id) \
         on heaven.part to 'k'@'%'; install soname 'auth_ed25519'; create user 'edward'@'%' identified via ed25519 using \
         password('{PASSWORD}'); create database other; create user 'rooted'@'%' identified by '{PASSWORD}'; grant all on *.* \
         to 'rooted'@'%'"
    ));
    server
}

/// Asks MariaDB as `user` over TLS; `more` is what stands behind the address.
fn mysql(
    server: &Mariadb,
    user: &str,
    more: &str,
    password: Option<&str>,
    ca: Option<&Path>,
    query: Option<&str>,
) -> ProbeSpec {
    let url = format!("mysql://{user}@127.0.0.1:{}/{more}", server.port);
    spec(Probe::Mysql(database(&url, password, ca, query)))
}

fn expecting(probe: ProbeSpec, expect: Expect) -> ProbeSpec {
    ProbeSpec { expect: vec![expect], ..probe }
}

const MARIADB: &str = r"MariaDB [0-9]+\.[0-9]+\.[0-9]+ as k@%, TLS 1\.3, (under 1|[0-9]+) ms";

/// Questions over one login: what a user may ask, may not ask, and what is none.
#[test]
fn mysql_questions() {
    let (_folder, place) = folder();
    let authority = Authority::make(&place.join("certs"));
    let server = mariadb(&place, &authority);
    let ca = Some(authority.ca.as_path());
    let facts = MARIADB;
    let right = |query| mysql(&server, "k", "heaven", Some("right"), ca, query);
    let no_right = "denied: SELECT command denied to user 'k'@'127.0.0.1' for table `heaven`.`node`";
    let all = Some("select id, title from ks_page order by id");
    // The server quotes what it does not understand.
    let nonsense = format!("selec '{PASSWORD}'");
    holds(vec![
        (expecting(right(all), Expect::Rows(3)), Finding::Holds, true, &format!("{facts}, answer 1")),
        (
            expecting(right(all), Expect::Rows(2)),
            Finding::Differs,
            false,
            &format!("{facts}, answer 1; 3 rows, expected 2"),
        ),
        (
            expecting(
                right(Some("select count(*) from ks_page")),
                Expect::CloseTo { number: Amount::Number(4.0), tolerance: 1.0 },
            ),
            Finding::Holds,
            true,
            &format!("{facts}, answer 3"),
        ),
        (right(Some("select null from ks_page limit 1")), Finding::Holds, true, facts),
        (right(Some("do 1")), Finding::Holds, true, facts),
        (right(Some("select repeat('x', 20000)")), Finding::Holds, true, &format!("{facts}, answer x+…")),
        (
            right(Some("select repeat('x', 2000000)")),
            Finding::NotUnderstood,
            false,
            "it does not answer as MySQL does, or not in so few words",
        ),
        // What the user has no right to is denied; what is not there is not.
        (right(Some("select * from node")), Finding::Denied, false, no_right),
        (expecting(right(Some("select * from node")), Expect::Denied), Finding::Holds, true, no_right),
        (
            expecting(right(Some("select more from part")), Expect::Denied),
            Finding::Holds,
            true,
            "denied: SELECT command denied to user 'k'@'127.0.0.1' for column 'more' in table 'part'",
        ),
        (
            expecting(right(Some("flush privileges")), Expect::Denied),
            Finding::Holds,
            true,
            "denied: Access denied; you need .*RELOAD.*",
        ),
        (
            expecting(right(Some("use other")), Expect::Denied),
            Finding::Holds,
            true,
            "denied: Access denied for user 'k'@'%' to database 'other'",
        ),
        (
            expecting(right(Some("select nonsense")), Expect::Denied),
            Finding::Differs,
            false,
            "it answered with error 1054: .*nonsense.*",
        ),
        (right(Some(&nonsense)), Finding::Differs, false, r"it answered with error 1064: .*\[secret\].*"),
        (
            right(Some("load data local infile '/etc/passwd' into table ks_page")),
            Finding::Differs,
            false,
            "it answered with error [0-9]+: The used command is not allowed .*",
        ),
    ]);
}

#[test]
fn mysql_logins() {
    let (_folder, place) = folder();
    let authority = Authority::make(&place.join("certs"));
    let server = mariadb(&place, &authority);
    let ca = Some(authority.ca.as_path());
    let facts = MARIADB;
    let other = Authority::make(&place.join("other")).ca;
    let right = |query| mysql(&server, "k", "heaven", Some("right"), ca, query);
    let wrong = || mysql(&server, "k", "heaven", Some("wrong"), ca, None);
    let bare = facts.replace(r"TLS 1\.3", "no TLS");
    let denied = r"denied: Access denied for user 'k'@'127.0.0.1' \(using password: YES\)";
    let socket = |more: &str| format!("heaven?socket={}{more}", server.socket.display());
    let by_socket = |password| mysql(&server, "k", &socket(""), Some(password), None, None);
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
        (
            expecting(mysql(&server, "k", "other", Some("right"), ca, None), Expect::Denied),
            Finding::Holds,
            true,
            "denied: Access denied for user 'k'@'%' to database 'other'",
        ),
        (
            expecting(mysql(&server, "k", "nowhere", Some("right"), ca, None), Expect::Denied),
            Finding::Holds,
            true,
            "denied: Access denied for user 'k'@'%' to database 'nowhere'",
        ),
        (
            expecting(mysql(&server, "rooted", "nowhere", Some("right"), ca, None), Expect::Denied),
            Finding::Differs,
            false,
            "it answered with error 1049: Unknown database 'nowhere'",
        ),
        (mysql(&server, "open", "", None, ca, None), Finding::Holds, true, &facts.replace("k@", "open@")),
        (mysql(&server, "k", "heaven", None, ca, None), Finding::Denied, false, r"denied: .*\(using password: NO\)"),
        (
            mysql(&server, "edward", "", Some("right"), ca, None),
            Finding::Differs,
            false,
            "it asks to log in by client_ed25519, which this probe does not know; ask with `command`",
        ),
        (
            mysql(&server, "k", "", Some("right"), Some(&other), None),
            Finding::NotUnderstood,
            false,
            "the certificate is not trusted by ca.crt",
        ),
        (mysql(&server, "k", "?ssl-mode=disabled", Some("right"), None, None), Finding::Holds, true, &bare),
        (by_socket("right"), Finding::Holds, true, &facts.replace(r"TLS 1\.3", "a socket")),
        (by_socket("wrong"), Finding::Denied, false, "denied: .*'k'@'localhost'.*"),
        (
            mysql(&server, "k", &socket("1"), Some("right"), None, None),
            Finding::Refused,
            false,
            "there is no socket .*",
        ),
    ]);

    // The server's own client finds the same, and what was said holds no password.
    assert_eq!(server.answer("k", PASSWORD), Answer::Accepted);
    assert_eq!(server.answer("k", "CANARY-wrong"), Answer::Refused);
    let statements = server.statements();
    assert!(statements.contains("select current_user()") && !statements.contains("CANARY-wrong"));

    // On this machine and without `ca`, the server's offer of TLS is still taken, and its certificate checked.
    let verdict = ask(&[mysql(&server, "k", "", Some("right"), None, None)]).remove(0);
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
