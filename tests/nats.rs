//! The probe `nats` against real servers: passwords, tokens and keys, over TLS and without it, and a user that was revoked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use runsheet::engine::{Finding, Verdict};
use runsheet::exec::world::{Ctx, verify};
use runsheet::exec::{Gaps, Launcher, Scene, Stop};
use runsheet::playbook::plan::{
    Expect, JsonValue, Name, NatsLogin, NatsSpec, NatsUse, Plan, Probe, ProbeSpec, Template,
};
use runsheet::secret::{Identity, Secret, Secrets};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::support::authority::Authority;
use crate::support::nats::{Nats, new_user, nsc};

/// Signs that JSON, a URL and a shell would trip over.
const PASSWORD: &str = r#"CANARY-p@ss"w\rd:$(x)%41"#;

const FACTS: &str = r"NATS [0-9]+\.[0-9.]+";
const TIME: &str = r"(under 1|[0-9]+) ms";

/// Probes of one server, with what they may log in with.
struct Desk {
    url: String,
    ca: Option<PathBuf>,
    secrets: Vec<(String, Secret)>,
}

impl Desk {
    fn nats(&self, login: impl Into<Option<NatsLogin>>) -> NatsSpec {
        let ca = self.ca.as_ref().map(|ca| Template::literal(&ca.display().to_string()));
        NatsSpec { url: Template::literal(&self.url), login: login.into(), ca, subject: None, jetstream: false }
    }

    fn ask(&self, spec: NatsSpec, expect: Option<Expect>) -> Verdict {
        let secrets = Secrets::open(None, &Identity::passing()).unwrap();
        let kept = self.secrets.iter().map(|(name, secret)| (name.clone(), Secret::new(secret.expose().to_owned())));
        secrets.keep(kept.collect()).unwrap();
        let scene = Scene {
            plan: Arc::new(Plan::default()),
            base: PathBuf::from("/"),
            secrets: Arc::new(secrets),
            values: BTreeMap::new(),
            launcher: Launcher::ourselves(),
            gaps: Gaps::Refused,
            scope: None,
            logs: Vec::new(),
            root: None,
        };
        let probe = ProbeSpec {
            title: None,
            probe: Probe::Nats(Box::new(spec)),
            expect: expect.into_iter().collect(),
            within: None,
            every: Duration::from_secs(1),
            timeout: Duration::from_mins(1),
            capture: Vec::new(),
            warn: false,
            simulate: Vec::new(),
        };
        let (_never, stop) = watch::channel(Stop::No);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let verdict = runtime.block_on(verify(&[probe], Ctx { scene: &scene, stop, told: &|_| {} })).remove(0);
        let told = format!("{verdict:?}");
        for (_, secret) in &self.secrets {
            for line in secret.expose().lines().filter(|line| line.len() > 40 || line.contains("CANARY")) {
                assert!(!told.contains(line), "{told}");
            }
        }
        verdict
    }

    #[track_caller]
    fn holds(&self, spec: NatsSpec, expect: Option<Expect>, wanted: (Finding, bool), saw: &str) {
        let verdict = self.ask(spec, expect);
        let pattern = Regex::new(&format!("^{saw}$")).unwrap();
        assert!(
            (verdict.finding, verdict.pass) == wanted && pattern.is_match(&verdict.saw),
            "{verdict:?} is not {wanted:?}: {saw}"
        );
    }
}

const HOLDS: (Finding, bool) = (Finding::Holds, true);
const DENIED: (Finding, bool) = (Finding::Denied, false);
const DIFFERS: (Finding, bool) = (Finding::Differs, false);
const NOT_UNDERSTOOD: (Finding, bool) = (Finding::NotUnderstood, false);

fn secret(name: &str, value: &str) -> (String, Secret) {
    (name.to_owned(), Secret::new(value.to_owned()))
}

fn password(name: &str) -> NatsLogin {
    NatsLogin::Password(Name::new(name))
}

fn token(name: &str) -> NatsLogin {
    NatsLogin::Token(Name::new(name))
}

fn creds(name: &str) -> NatsLogin {
    NatsLogin::Creds(Name::new(name))
}

fn using(spec: NatsSpec, usage: NatsUse, subject: &str) -> NatsSpec {
    NatsSpec { subject: Some((usage, Template::literal(subject))), ..spec }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::with_prefix("nats-").unwrap();
    let place = folder.path().canonicalize().unwrap();
    (folder, place)
}

fn users(place: &Path) -> (Nats, Authority) {
    let authority = Authority::make(&place.join("certs"));
    let quoted = PASSWORD.replace('\\', "\\\\").replace('"', "\\\"");
    let rights = "{ publish: [\"smoke.>\", \"$JS.API.INFO\"], subscribe: [\"_INBOX.>\", \"smoke.>\"] }";
    let logins = format!(
        "users: [ {{ user: app, password: \"{quoted}\", permissions: {rights} }},
                  {{ user: mute, password: \"{quoted}\", permissions: {{ publish: \"smoke.>\", subscribe: \"smoke.>\" }} }} ]"
    );
    let server = Nats::with_logins(&place.join("server"), &authority, &logins);
    (server, authority)
}

#[test]
fn passwords_over_tls_and_what_a_user_may_do() {
    let (_folder, place) = folder();
    let (server, authority) = users(&place);
    let other = Authority::make(&place.join("other")).ca;
    let desk = |user: &str, ca: &Path| Desk {
        url: format!("nats://{user}localhost:{}", server.port),
        ca: Some(ca.to_owned()),
        secrets: vec![secret("right", PASSWORD), secret("wrong", "CANARY-wrong")],
    };
    let app = desk("app@", &authority.ca);
    let right = || app.nats(password("right"));
    let facts = format!("{FACTS}, TLS 1\\.3");
    let denied = "denied: Authorization Violation";
    app.holds(right(), None, HOLDS, &format!("{facts}, {TIME}"));
    app.holds(app.nats(password("wrong")), None, DENIED, denied);
    app.holds(app.nats(password("wrong")), Some(Expect::Denied), HOLDS, denied);
    let accepted = format!("{facts}, {TIME}; the credential was accepted, expected denied");
    app.holds(right(), Some(Expect::Denied), DIFFERS, &accepted);
    let nobody = desk("", &authority.ca);
    nobody.holds(nobody.nats(None), Some(Expect::Denied), HOLDS, denied);
    nobody.holds(nobody.nats(token("right")), None, DENIED, denied);

    let published = using(right(), NatsUse::Publish, "smoke.test");
    app.holds(published, None, HOLDS, &format!("{facts}, published to smoke.test, {TIME}"));
    let subscribed = using(right(), NatsUse::Subscribe, "smoke.>");
    app.holds(subscribed, None, HOLDS, &format!("{facts}, subscribed to smoke.>, {TIME}"));
    let forbidden = || using(right(), NatsUse::Publish, "other.test");
    let violation = "denied: Permissions Violation for Publish to \"other.test\"";
    app.holds(forbidden(), None, DENIED, violation);
    app.holds(forbidden(), Some(Expect::Denied), HOLDS, violation);
    let deaf = using(right(), NatsUse::Subscribe, "other.>");
    app.holds(deaf, Some(Expect::Denied), HOLDS, "denied: Permissions Violation for Subscription to \"other.>\"");
    let unheard = using(right(), NatsUse::Request, "smoke.nobody");
    app.holds(unheard, None, DIFFERS, "nobody answers requests to smoke.nobody");

    let stream = || NatsSpec { jetstream: true, ..right() };
    let none = Expect::Json("/jetstream/streams".to_owned(), JsonValue::Literal(0.into()));
    app.holds(stream(), Some(none), HOLDS, &format!("{facts}, JetStream with 0 streams, {TIME}"));
    let asked = Expect::Json(
        "/type".to_owned(),
        JsonValue::Text(Template::literal("io.nats.jetstream.api.v1.account_info_response")),
    );
    let asking = using(right(), NatsUse::Request, "$JS.API.INFO");
    app.holds(asking, Some(asked), HOLDS, &format!("{facts}, \\$JS.API.INFO answered, {TIME}, answer .*"));
    let mute = desk("mute@", &authority.ca);
    let stream = NatsSpec { jetstream: true, ..mute.nats(password("right")) };
    mute.holds(stream, Some(Expect::Denied), DIFFERS, "JetStream cannot be asked: Permissions Violation .*");

    let stranger = desk("app@", &other);
    stranger.holds(stranger.nats(password("right")), None, NOT_UNDERSTOOD, "the certificate is not trusted by ca.crt");
}

#[test]
fn a_token_and_a_server_that_asks_nobody() {
    let (_folder, place) = folder();
    let authority = Authority::make(&place.join("certs"));
    let server = Nats::with_logins(&place.join("server"), &authority, "token: \"CANARY-right-token\"");
    let desk = Desk {
        url: format!("tls://127.0.0.1:{}", server.port),
        ca: Some(authority.ca.clone()),
        secrets: vec![secret("right", "CANARY-right-token"), secret("wrong", "CANARY-wrong-token")],
    };
    desk.holds(desk.nats(token("right")), None, HOLDS, &format!("{FACTS}, TLS 1\\.3, {TIME}"));
    desk.holds(desk.nats(token("wrong")), Some(Expect::Denied), HOLDS, "denied: Authorization Violation");
    desk.holds(
        desk.nats(creds("right")),
        None,
        (Finding::Unreachable, false),
        "not asked: right is no .creds file: .*",
    );

    let open = Nats::with_logins(&place.join("open"), &authority, "");
    let desk = Desk { url: format!("nats://localhost:{}", open.port), ..desk };
    let untested =
        format!("{FACTS}, TLS 1\\.3, {TIME}; this server asks nobody for a login, so this one was not tested");
    desk.holds(desk.nats(token("wrong")), None, DIFFERS, &untested);
    desk.holds(desk.nats(None), None, HOLDS, &format!("{FACTS}, TLS 1\\.3, {TIME}"));
}

#[test]
fn keys_and_a_revoked_one_beside_a_good_one() {
    let (_folder, place) = folder();
    let state = place.join("nsc");
    let server = Nats::with_accounts(&place.join("server"), &state, "platform");
    let (old, new) = (new_user(&state, "platform", "old", "smoke.>"), new_user(&state, "platform", "new", "smoke.>"));
    let desk = Desk {
        url: format!("nats://127.0.0.1:{}", server.port),
        ca: None,
        secrets: vec![secret("old", &old), secret("new", &new)],
    };
    let with = |name: &str| using(desk.nats(creds(name)), NatsUse::Publish, "smoke.test");
    let saw = format!("{FACTS}, no TLS, published to smoke.test, {TIME}");
    let denied = "denied: Authorization Violation";
    desk.holds(with("old"), None, HOLDS, &saw);
    desk.holds(with("new"), None, HOLDS, &saw);

    // A revocation is nothing before it is pushed.
    nsc(&state, &["revocations", "add-user", "-a", "platform", "-n", "old"]);
    desk.holds(with("old"), None, HOLDS, &saw);
    nsc(&state, &["push", "-a", "platform"]);
    desk.holds(with("old"), None, DENIED, denied);
    desk.holds(with("old"), Some(Expect::Denied), HOLDS, denied);
    desk.holds(with("new"), None, HOLDS, &saw);
    nsc(&state, &["revocations", "delete-user", "-a", "platform", "-n", "old"]);
    nsc(&state, &["push", "-a", "platform"]);
    desk.holds(with("old"), None, HOLDS, &saw);

    let demanding = Desk { url: desk.url.replace("nats:", "tls:"), ca: None, secrets: Vec::new() };
    demanding.holds(demanding.nats(None), None, NOT_UNDERSTOOD, "the server does not offer TLS");
    drop(server);
    desk.holds(with("old"), Some(Expect::Denied), (Finding::Refused, false), "nothing listens on 127.0.0.1:[0-9]+");
}
