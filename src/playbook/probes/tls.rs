//! `tls`: a handshake, with the certificate's chain, name and days left.

use super::super::fields::CA;
use super::super::lower::Lower;
use super::super::plan::{Probe, TlsSpec};
use super::super::shape::{Field, Shape};
use super::super::yaml::Node;
use super::{ProbeKind, host_and_port};

pub(super) static PROBE: ProbeKind = ProbeKind {
    name: "tls",
    doc: "a TLS handshake with HOST:PORT: the certificate's chain, name and days left",
    example: "{ tls: \"db.example.org:25060\", ca: ca.crt, days_left: 14 }",
    fields: &[
        Field::new("tls", "HOST:PORT.", Shape::Text),
        Field::new("name", "The name that the certificate must be good for; the host when left out.", Shape::Text),
        Field::new("days_left", "How many days it must still be good for.", Shape::Integer(0, 36_500)),
        CA,
    ],
    expects: &[],
    captures: false,
    lower,
};

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Probe> {
    let address = host_and_port(lower, node.get("tls")?);
    let name = lower.template_of(node, "name");
    let days_left = node.get("days_left").and_then(Node::integer).and_then(|days| u32::try_from(days).ok());
    let ca = lower.template_of(node, "ca");
    Some(Probe::Tls(TlsSpec { address: address?, name, days_left, ca }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::testing::{faults, probe};

    #[test]
    fn takes_name_days_and_authority() {
        let Probe::Tls(tls) = probe("tls: h:443\nname: other.example\ndays_left: 14\nca: ca.crt") else {
            panic!("tls")
        };
        assert_eq!(tls.days_left, Some(14));
        assert!(tls.name.is_some() && tls.ca.is_some());
        assert_eq!(faults("tls: h:443\ndays_left: -1").len(), 1);
    }
}
