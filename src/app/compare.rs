//! `runsheet diff`: what differed between two runs, each here or in an exported file.

use serde_json::json;

use super::look::{print, print_json};
use super::record;
use super::resume::Seen;
use crate::cli::DiffArgs;
use crate::ending::{Code, Ending};
use crate::report::{Side, differences, told_apart};

/// `runsheet diff`.
pub(super) fn diff(args: &DiffArgs) -> Result<Code, Ending> {
    let (first, second) = (record::open(Some(&args.first))?, record::open(Some(&args.second))?);
    let (one, two) = (first.look()?, second.look()?);
    let side = |seen: &'_ Seen| -> (String, String) {
        let begun = seen.run.begun.as_ref();
        let id = begun.map(|begun| begun.run.clone()).unwrap_or_default();
        let title = begun.map(|begun| begun.title.clone()).unwrap_or_default();
        let when = seen.run.began_at.map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default();
        (id.clone(), format!("{id}  {when}  {title}"))
    };
    let ((one_id, one_line), (two_id, two_line)) = (side(&one), side(&two));
    let sides = (Side { plan: &one.plan, run: &one.run }, Side { plan: &two.plan, run: &two.run });
    let Some(found) = differences(sides.0, sides.1) else {
        return Err(Ending {
            code: Code::Usage,
            what: "these runs cannot be compared".to_owned(),
            because: Some("they are of two playbooks that have no step in common".to_owned()),
            next: Some("`runsheet runs --playbook NAME` lists the runs of one".to_owned()),
        });
    };
    if args.json {
        return print_json(&json!({ "first": one_id, "second": two_id, "differences": found }));
    }
    print(&told_apart(&one_line, &two_line, &found))
}
