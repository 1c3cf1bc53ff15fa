//! `capture`: what is taken from an output, and the names it gets.

use super::lower::{Lower, flag};
use super::plan::{Capture, CaptureHow};
use super::spelling;
use super::yaml::{Node, Place};

/// Lowers the captures of a step, an action or a probe, and gives their names a value.
pub(super) fn lower<'a>(lower: &mut Lower<'a>, node: &'a Node) -> Vec<Capture> {
    let mut captures = Vec::new();
    for entry in node.entries() {
        if !spelling::is_name(&entry.key) {
            continue;
        }
        let secret = flag(&entry.value, "secret");
        sets(lower, &entry.key, entry.place, secret);
        let how = match (entry.value.get("json"), entry.value.entry("regex")) {
            (Some(_), Some(regex)) => {
                lower.fault(regex.place, "a capture has `json` or `regex`, not both", "keep one of them");
                None
            }
            (Some(pointer), None) => pointer.scalar().map(|pointer| CaptureHow::Json(pointer.to_owned())),
            (None, Some(regex)) => lower.pattern_with_one_group(&regex.value).map(CaptureHow::Regex),
            (None, None) => Some(CaptureHow::Whole),
        };
        captures.extend(how.map(|how| Capture { name: lower.naming.name(&entry.key), how, secret }));
    }
    captures
}

/// Gives a name a value; in a rollback, perhaps once more.
pub(super) fn sets<'a>(lower: &mut Lower<'a>, name: &'a str, place: Place, secret: bool) {
    if lower.at.undo && lower.names.is_defined(name) {
        lower.names.set_again(name, place, secret);
    } else {
        let fault = lower.names.define(name, place, secret, None, None, lower.at.clone());
        lower.faults.extend(fault);
    }
}
