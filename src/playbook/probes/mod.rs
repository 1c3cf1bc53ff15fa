//! The probes: one file each, one line each in [`PROBES`].
//!
//! A probe stands in `verify`, in `success`, or is a step of its own. Checker, schema, help and the README's table come
//! from this table.

mod command;
mod database;
mod file;
mod http;
mod log;
mod nats;
mod tcp;
mod tls;
mod value;

use std::sync::LazyLock;
use std::time::Duration;

use super::capture;
use super::drill::{self, SIMULATE};
use super::expect;
use super::fields::{CAPTURE, EXPECT, TIMEOUT, TITLE};
use super::lower::{Lower, duration_of, flag};
use super::plan::{Probe, ProbeSpec, Template};
use super::shape::{Field, Shape, Table};
use super::yaml::{Node, Place};

/// A way to ask the world something.
#[derive(Debug)]
pub(super) struct ProbeKind {
    pub(super) name: &'static str,
    /// One line on what it asks.
    pub(super) doc: &'static str,
    /// An entry of `verify`.
    pub(super) example: &'static str,
    /// Its key, and the keys that have a meaning only beside it.
    pub(super) fields: &'static [Field],
    /// What its `expect` may ask for.
    pub(super) expects: &'static [&'static str],
    /// Whether its answer has a text to capture from.
    pub(super) captures: bool,
    /// Makes a probe of the mapping that has the key.
    pub(super) lower: for<'a> fn(&mut Lower<'a>, &'a Node) -> Option<Probe>,
}

/// The probes, in the order in which they are documented.
pub(super) static PROBES: [&ProbeKind; 11] = [
    &command::PROBE,
    &http::PROBE,
    &tcp::PROBE,
    &tls::PROBE,
    &database::POSTGRES,
    &database::MYSQL,
    &database::REDIS,
    &nats::PROBE,
    &file::PROBE,
    &log::PROBE,
    &value::PROBE,
];

/// What an answer with a text can be held against.
const TEXT_EXPECTS: &[&str] = &["contains", "not_contains", "matches", "equals", "json", "between", "close_to"];

const EVERY: Field = Field::new("every", "The time between two attempts; 1s when left out.", Shape::Duration);

/// Keys that any probe may have beside it.
pub(super) const COMMON: &[Field] = &[
    EXPECT,
    Field::new(
        "within",
        "For how long it is asked again until the answer is right; once when left out.",
        Shape::Duration,
    ),
    EVERY,
    TIMEOUT,
    CAPTURE,
    Field::new("warn", "A failure is only a warning.", Shape::Boolean),
];

/// The keys of a probe in `verify`.
pub(super) fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let table = Table::new("a probe", &[&[TITLE], COMMON, &[SIMULATE]]);
        with_probes(table).exactly_one(keys().collect(), None)
    });
    &TABLE
}

/// Adds the keys of every probe to a table.
pub(super) fn with_probes(table: Table) -> Table {
    PROBES.iter().fold(table, |table, probe| table.with_kind(probe.fields))
}

/// Lists the keys of the probes, each as a kind of its own.
pub(super) fn keys() -> impl Iterator<Item = &'static [&'static str]> {
    PROBES.iter().map(|probe| std::slice::from_ref(&probe.name))
}

/// Finds the probe that a mapping has.
pub(super) fn of(node: &Node) -> Option<&'static ProbeKind> {
    node.entries().iter().find_map(|entry| PROBES.iter().find(|probe| probe.name == entry.key).copied())
}

/// Lowers `verify`: a list of probes, or one.
pub(super) fn verify<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Vec<ProbeSpec> {
    let mut specs = Vec::new();
    for item in node.items() {
        let title = lower.template_of(item, "title");
        specs.extend(of(item).and_then(|kind| spec(lower, kind, item, title)));
    }
    specs
}

/// Lowers a probe with how its answer is judged.
pub(super) fn spec<'a>(
    lower: &mut Lower<'a>,
    kind: &ProbeKind,
    node: &'a Node,
    title: Option<Template>,
) -> Option<ProbeSpec> {
    let probe = (kind.lower)(lower, node);
    let expect = match node.get("expect") {
        Some(expect) => expect::lower(lower, expect, kind.expects, kind.name),
        None => Vec::new(),
    };
    if let (Some(entry), false) = (node.entry("capture"), kind.captures) {
        lower.fault(
            entry.place,
            format!("`capture` has no meaning for `{}`", kind.name),
            "its answer has no text: take `capture` out",
        );
    }
    if let (Some(entry), None) = (node.entry("every"), node.get("within")) {
        lower.fault(entry.place, "`every` has no meaning without `within`", "write: `within: 30s` beside it");
    }
    let capture = node.get("capture").map(|node| capture::lower(lower, node)).unwrap_or_default();
    Some(ProbeSpec {
        title,
        probe: probe?,
        expect,
        within: duration_of(node, "within"),
        every: duration_of(node, "every").unwrap_or(Duration::from_secs(1)),
        timeout: duration_of(node, "timeout").unwrap_or(Duration::from_secs(10)),
        capture,
        warn: flag(node, "warn"),
        simulate: drill::simulations(lower, node, drill::For::Probe),
    })
}

/// Lowers an address that must begin with one of these schemes and have no password in it.
fn address<'a>(lower: &mut Lower<'a>, node: &'a Node, schemes: &[&str]) -> Option<Template> {
    let text = node.scalar()?;
    if !text.starts_with("${") && !schemes.iter().any(|scheme| text.starts_with(scheme)) {
        let written: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}…")).collect();
        lower.fault(
            node.place,
            "this is no address for this probe",
            format!("write: {}", super::wanted::one_of(&written.iter().map(String::as_str).collect::<Vec<_>>())),
        );
    }
    let authority = text.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
    if password.is_some_and(|(_, password)| !password.is_empty()) {
        lower.fault(
            node.place,
            "an address cannot have a password in it",
            "take it out of the address, and name a secret beside it: `password: NAME`, or `basic` for `http`",
        );
    }
    lower.template(node)
}

/// Lowers `HOST:PORT`.
fn host_and_port<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Template> {
    let text = node.scalar()?;
    let written = text.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains("//"));
    let port = written.is_some_and(|(_, port)| port.contains('$') || port.parse::<u16>().is_ok_and(|port| port > 0));
    let made_of_names = text.contains("${") && !text.contains("//");
    if !port && !made_of_names {
        wrong_host(lower, node.place);
    }
    lower.template(node)
}

fn wrong_host(lower: &mut Lower<'_>, place: Place) {
    lower.fault(place, "this is no HOST:PORT", "write: `localhost:5432`");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::PROBES;
    use crate::playbook::plan::Act;
    use crate::playbook::testing::{faults, step};

    #[test]
    fn every_example_is_a_probe_in_which_nothing_is_wrong() {
        for probe in PROBES {
            assert_eq!(faults(&format!("verify: {}", probe_of(probe.example))), [""; 0], "{}", probe.name);
        }
    }

    /// An example is a mapping in flow style, or a key with its value.
    fn probe_of(example: &str) -> String {
        if example.starts_with('{') { example.to_owned() } else { format!("{{ {example} }}") }
    }

    #[test]
    fn a_probe_is_a_step_of_its_own_and_may_have_more_beside_it() {
        let step = step("tcp: localhost:80\nwithin: 5s\nevery: 100ms\nwarn: true\nverify: { tcp: 'localhost:81' }");
        assert!(matches!(step.action.act, Act::Verify));
        let [own, more] = &step.action.verify[..] else { panic!("two probes") };
        assert_eq!((own.within, own.every), (Some(Duration::from_secs(5)), Duration::from_millis(100)));
        assert!(own.warn && !more.warn);
        assert_eq!((more.within, more.every, more.timeout), (None, Duration::from_secs(1), Duration::from_secs(10)));
    }

    #[test]
    fn an_address_has_no_password() {
        let with = "verify: { redis: 'redis://default:CANARY-pw@h' }";
        assert_eq!(faults(with), ["an address cannot have a password in it"]);
        assert_eq!(faults("verify: { redis: 'redis://default@h' }"), [""; 0]);
        assert_eq!(faults("verify: { redis: 'redis://default:@h' }"), [""; 0]);
    }

    #[test]
    fn host_and_port_may_be_made_of_names() {
        for good in ["localhost:80", "[::1]:80", "h:${row_count}", "${app_root}"] {
            assert_eq!(faults(&format!("tcp: '{good}'")), [""; 0], "{good}");
        }
        for bad in ["localhost", ":80", "h:0", "h:70000", "http://${app_root}:80"] {
            assert_eq!(faults(&format!("tcp: '{bad}'")), ["this is no HOST:PORT"], "{bad}");
        }
    }
}
