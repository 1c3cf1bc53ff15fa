//! The texts of included playbooks, and the paths that they are known by.
//!
//! Nothing is read here: whoever has the files gives their texts. A path is known as it is seen from the folder of the
//! playbook that is run, with `.` and `..` taken out, so that one file has one name from wherever it is included.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::include::path_of;
use super::yaml::{self, Node, Value};

/// The texts of the playbooks that one playbook includes, and of those that they include.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// The texts, by path.
    pub texts: BTreeMap<String, String>,
    /// Those that could not be read, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unread: BTreeMap<String, String>,
}

/// The most playbooks that are read for one.
const MOST: usize = 200;

impl Texts {
    /// Collects the texts of all playbooks that a text includes. `own` is the file name of the playbook that is run; `read`
    /// gives the text of a path, or why there is none.
    pub fn gather(own: &str, text: &str, mut read: impl FnMut(&str) -> Result<String, String>) -> Self {
        let mut all = Self::default();
        let mut open = included(own, text);
        while let Some(path) = open.pop() {
            if all.knows(&path) || all.texts.len() >= MOST {
                continue;
            }
            match read(&path) {
                Ok(text) => {
                    open.extend(included(&path, &text));
                    all.texts.insert(path, text);
                }
                Err(why) => {
                    all.unread.insert(path, why);
                }
            }
        }
        all
    }

    /// Shows a fault of a playbook, or of one that it includes. `name` is how the playbook is called, and `text` its text.
    #[must_use]
    pub fn render(&self, fault: &Fault, name: &str, text: &str) -> String {
        match &fault.file {
            None => fault.render(name, text),
            Some(path) => {
                let source = self.texts.get(path).map_or("", String::as_str);
                fault.render(&beside(name, path), source)
            }
        }
    }

    fn knows(&self, path: &str) -> bool {
        self.texts.contains_key(path) || self.unread.contains_key(path)
    }
}

/// Lists the playbooks that a text includes, as seen from the folder of the one that is run.
fn included(own: &str, text: &str) -> Vec<String> {
    // Most include none, and a playbook of thousands of steps is read once, not twice.
    if !text.contains("include") {
        return Vec::new();
    }
    let (root, _) = yaml::parse(text);
    let mut paths = Vec::new();
    let mut open: Vec<&Node> = root.iter().collect();
    while let Some(node) = open.pop() {
        match &node.value {
            Value::Map(entries) => {
                paths.extend(path_of(node).map(|path| resolve(own, path)));
                open.extend(entries.iter().map(|entry| &entry.value));
            }
            Value::List(items) => open.extend(items),
            Value::Scalar(_) | Value::Broken => {}
        }
    }
    paths
}

/// Finds the path of an included playbook from the one that includes it.
pub(super) fn resolve(from: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", folder(from)) };
    let absolute = path.starts_with('/') || from.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            // There is nothing above the root.
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}

/// Names an included playbook as one that stands beside the one that is run.
fn beside(name: &str, path: &str) -> String {
    match folder(name) {
        "" => path.to_owned(),
        _ if path.starts_with('/') => path.to_owned(),
        folder => format!("{folder}/{path}"),
    }
}

/// Returns the folder of a path; nothing for one without.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_name() {
        for (from, path, resolved) in [
            ("a.yaml", "b.yaml", "b.yaml"),
            ("", "./x/../b.yaml", "b.yaml"),
            ("x/a.yaml", "b.yaml", "x/b.yaml"),
            ("x/a.yaml", "../../b.yaml", "../b.yaml"),
            ("../x/a.yaml", "../b.yaml", "../b.yaml"),
            ("a.yaml", "/etc/b.yaml", "/etc/b.yaml"),
            ("/etc/x/a.yaml", "../../../b.yaml", "/b.yaml"),
        ] {
            assert_eq!(resolve(from, path), resolved, "{path} from {from}");
        }
    }

    #[test]
    fn each_is_read_once_however_often_it_is_included() {
        let mut read = Vec::new();
        let texts =
            Texts::gather("a.yaml", "phases: [{ steps: [{ include: x/b.yaml }, { include: c.yaml }] }]", |path| {
                read.push(path.to_owned());
                match path {
                    "x/b.yaml" => Ok("phases: [{ steps: [{ include: { playbook: ../c.yaml } }] }]".to_owned()),
                    "c.yaml" => Ok("phases: [{ steps: [{ include: a.yaml }, { include: no.yaml }] }]".to_owned()),
                    "a.yaml" => Ok("title: include".to_owned()),
                    other => Err(format!("no {other}")),
                }
            });
        read.sort();
        assert_eq!(read, ["a.yaml", "c.yaml", "no.yaml", "x/b.yaml"]);
        assert_eq!(texts.texts.len(), 3);
        assert_eq!(texts.unread["no.yaml"], "no no.yaml");
    }
}
