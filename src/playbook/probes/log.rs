//! `log`: what came into a log since the step began.

use super::super::lower::Lower;
use super::super::plan::Probe;
use super::super::shape::{Field, Shape};
use super::super::yaml::Node;
use super::ProbeKind;

pub(super) static PROBE: ProbeKind = ProbeKind {
    name: "log",
    doc: "the lines that came into a log file since the step began; `matches` is held against each line",
    example: "{ log: /var/log/app.log, expect: { matches: 'ready on port [0-9]+' }, within: 30s }",
    fields: &[Field::new("log", "The path of the log.", Shape::Text)],
    expects: &["contains", "not_contains", "matches"],
    captures: true,
    lower,
};

fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Option<Probe> {
    let entry = node.entry("log")?;
    if node.get("expect").is_none() {
        lower.fault(entry.place, "`log` looks for nothing", "write: `expect: { matches: … }` beside it");
    }
    lower.template(&entry.value).map(Probe::Log)
}

#[cfg(test)]
mod tests {
    use crate::playbook::plan::Probe;
    use crate::playbook::testing::{faults, probe};

    #[test]
    fn looks_for_something_that_a_line_may_be() {
        assert!(matches!(probe("log: app.log\nexpect: { contains: ready }"), Probe::Log(_)));
        assert_eq!(faults("verify: { log: app.log }"), ["`log` looks for nothing"]);
        assert_eq!(faults("verify: { log: app.log, expect: { status: 200 } }").len(), 1);
        assert_eq!(faults("verify: { log: app.log, expect: denied }").len(), 1);
    }
}
