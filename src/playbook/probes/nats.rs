//! `nats`: a login on a NATS server, what it may do with a subject, and whether `JetStream` answers.
//!
//! One way to log in a probe: a password for the user in the address, a token, or the text of a `.creds` file.

use super::super::fields::CA;
use super::super::lower::{Lower, flag, text_of};
use super::super::plan::{NatsLogin, NatsSpec, NatsUse, Probe};
use super::super::shape::{Field, Shape};
use super::super::yaml::Node;
use super::{ProbeKind, address};

/// The keys that say how to log in.
const LOGINS: [&str; 3] = ["password", "token", "creds"];

pub(super) static PROBE: ProbeKind = ProbeKind {
    name: "nats",
    doc: "a login on NATS (`tls://` for TLS always) by `password`, `token` or `creds`; `subject` is tried, `jetstream` asked",
    example: "{ nats: \"tls://app@nats.example.org:4222\", password: new_password, subject: smoke.test, jetstream: true }",
    fields: &[
        Field::new("nats", "The address, without a password.", Shape::Text),
        Field::new("password", "The secret to log in with, by name.", Shape::Name),
        Field::new("token", "A secret sent as a token.", Shape::Name),
        Field::new("creds", "A secret with the text of a `.creds` file: a user's JWT and its seed.", Shape::Name),
        CA,
        Field::new("subject", "A subject that the user must be allowed to use.", Shape::Template),
        Field::new(
            "how",
            "What is done with the subject: an empty message is published, it is subscribed to, or a request is sent \
             to it and answered; `publish` when left out.",
            Shape::Choice(&["publish", "subscribe", "request"]),
        ),
        Field::new("jetstream", "`JetStream` must answer, too.", Shape::Boolean),
    ],
    expects: &["contains", "not_contains", "matches", "equals", "json", "between", "close_to", "denied"],
    captures: true,
    lower,
};

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Probe> {
    let url = node.get("nats").and_then(|url| address(lower, url, &["nats://", "tls://"]));
    let mut logins = LOGINS.into_iter().filter_map(|key| node.entry(key));
    if let (Some(first), Some(second)) = (logins.next(), logins.next()) {
        lower.fault(
            second.place,
            format!("a login cannot have both `{}` and `{}`", first.key, second.key),
            "keep one of them",
        );
    }
    let password = lower.secret_of(node, "password").map(NatsLogin::Password);
    let token = lower.secret_of(node, "token").map(NatsLogin::Token);
    let creds = lower.secret_of(node, "creds").map(NatsLogin::Creds);
    let subject = lower.template_of(node, "subject");
    if let (Some(entry), None) = (node.entry("how"), node.get("subject")) {
        lower.fault(entry.place, "`how` has no meaning without `subject`", "write: `subject: …` beside it");
    }
    let usage = match text_of(node, "how").as_deref() {
        Some("subscribe") => NatsUse::Subscribe,
        Some("request") => NatsUse::Request,
        // What is no such word has its fault already.
        Some(_) | None => NatsUse::Publish,
    };
    let ca = lower.template_of(node, "ca");
    Some(Probe::Nats(Box::new(NatsSpec {
        url: url?,
        login: password.or(token).or(creds),
        ca,
        subject: subject.map(|subject| (usage, subject)),
        jetstream: flag(node, "jetstream"),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::testing::{faults, probe};

    fn nats(rest: &str) -> NatsSpec {
        match probe(&format!("nats: nats://h.example\n{rest}")) {
            Probe::Nats(nats) => *nats,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn logs_in_in_one_way() {
        assert!(nats("").login.is_none());
        assert_eq!(nats("password: new_password").login, Some(NatsLogin::Password("new_password".into())));
        assert_eq!(nats("token: new_password").login, Some(NatsLogin::Token("new_password".into())));
        assert_eq!(nats("creds: new_password").login, Some(NatsLogin::Creds("new_password".into())));
        let two = "nats: nats://h\ncreds: new_password\ntoken: new_password";
        assert_eq!(faults(two), ["a login cannot have both `token` and `creds`"]);
    }

    #[test]
    fn a_subject_is_published_to_unless_it_says_otherwise() {
        let usage = |rest: &str| nats(rest).subject.map(|(usage, _)| usage);
        assert_eq!(usage("jetstream: true"), None);
        assert_eq!(usage("subject: a.b"), Some(NatsUse::Publish));
        assert_eq!(usage("subject: a.b\nhow: subscribe"), Some(NatsUse::Subscribe));
        assert_eq!(usage("subject: a.b\nhow: request"), Some(NatsUse::Request));
        assert_eq!(faults("nats: nats://h\nhow: publish"), ["`how` has no meaning without `subject`"]);
    }

    #[test]
    fn the_address_is_one_of_nats() {
        assert_eq!(faults("nats: tls://me@h:4222"), [""; 0]);
        assert_eq!(faults("nats: https://h"), ["this is no address for this probe"]);
        assert_eq!(faults("nats: nats://me:CANARY-pw@h"), ["an address cannot have a password in it"]);
    }
}
