//! The text that is signed: one line a fact, in one order, with one spelling.
//!
//! What must stay true: [`Statement::text`] and [`Statement::read`] are each other's inverse, and two statements that differ
//! in anything have different texts. A line end or another control character in a name or a reason is spelled out, so no
//! value can look like a line of its own.

use std::fmt::Write as _;

/// The first line of every statement; another version of the format has another one.
const FIRST: &str = "runsheet sign-off, version 1";

/// Whether somebody signs or refuses to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They sign.
    Signed,
    /// They refuse.
    Refused,
}

/// What somebody says by a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The run's id.
    pub run: String,
    /// The step whose approval it is; none for the sign-off at the end.
    pub step: Option<String>,
    /// The role.
    pub role: String,
    /// Who: a name that stands in `allowed_signers`, where there is such a file.
    pub name: String,
    /// Signed or refused.
    pub decision: Decision,
    /// Why it is refused.
    pub reason: Option<String>,
    /// The SHA-256 of the journal's last line that the signer has seen, in small hex.
    pub head: String,
    /// The SHA-256 of the playbook's text, in small hex.
    pub playbook_sha256: String,
}

impl Statement {
    /// Puts it into its one text.
    #[must_use]
    pub fn text(&self) -> String {
        let decision = match self.decision {
            Decision::Signed => "signed",
            Decision::Refused => "refused",
        };
        let mut text = format!("{FIRST}\n");
        let facts = [
            ("run", Some(self.run.as_str())),
            ("step", self.step.as_deref()),
            ("role", Some(&self.role)),
            ("name", Some(&self.name)),
            ("decision", Some(decision)),
            ("reason", self.reason.as_deref()),
            ("head", Some(&self.head)),
            ("playbook", Some(&self.playbook_sha256)),
        ];
        for (word, value) in facts.into_iter().filter_map(|(word, value)| Some((word, value?))) {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{word}: {}", spelled(value));
        }
        text
    }

    /// Reads a text back; none where it is not exactly the text of a statement.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST) {
            return None;
        }
        let mut facts = lines.map(|line| line.split_once(": ").map(|(word, value)| (word, value.to_owned())));
        let mut next = facts.next();
        let mut take = |wanted: &str| {
            let (word, value) = next.clone()??;
            if word != wanted {
                return None;
            }
            next = facts.next();
            unspelled(&value)
        };
        let (run, step, role, name) = (take("run")?, take("step"), take("role")?, take("name")?);
        let decision = match take("decision")?.as_str() {
            "signed" => Decision::Signed,
            "refused" => Decision::Refused,
            _ => return None, // any other word is no decision
        };
        let (reason, head, playbook_sha256) = (take("reason"), take("head")?, take("playbook")?);
        let read = Self { run, step, role, name, decision, reason, head, playbook_sha256 };
        (read.text() == text).then_some(read)
    }
}

/// Spells a value so that it stays on its line.
fn spelled(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            // Line separators too: some programs break lines at them.
            letter if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') => {
                let _ = write!(text, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => text.push(letter),
        }
    }
    text
}

fn unspelled(text: &str) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            value.push(letter);
            continue;
        }
        match letters.next()? {
            '\\' => value.push('\\'),
            'n' => value.push('\n'),
            'u' => {
                let rest = letters.as_str().strip_prefix('{')?;
                let (hex, rest) = rest.split_once('}')?;
                value.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
                letters = rest.chars();
            }
            _ => return None, // nothing else is spelled out
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn statement() -> Statement {
        Statement {
            run: "01J".into(),
            step: Some("allow".into()),
            role: "dba".into(),
            name: "bo@example.org".into(),
            decision: Decision::Refused,
            reason: Some("the table\nis locked \\ still".into()),
            head: "a".repeat(64),
            playbook_sha256: "b".repeat(64),
        }
    }

    #[test]
    fn the_text_is_what_it_was() {
        let text = statement().text();
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        assert_eq!(
            text,
            format!(
                "runsheet sign-off, version 1\nrun: 01J\nstep: allow\nrole: dba\nname: bo@example.org\n\
                 decision: refused\nreason: the table\\nis locked \\\\ still\nhead: {a}\nplaybook: {b}\n"
            )
        );
    }

    #[test]
    fn nothing_else_is_a_statement() {
        let text = statement().text();
        assert_eq!(Statement::read(&text), Some(statement()));
        for wrong in [
            text.replace("version 1", "version 2"),
            text.replace("step: allow\n", "step: allow\nstep: allow\n"),
            text.replace("role: dba\n", ""),
            text.replace("refused", "perhaps"),
            text.replace('\n', "\r\n"),
            format!("{text}more: than that\n"),
            text.trim_end().to_owned(),
            text.replace("bo@", "\\u{62}o@"),
        ] {
            assert_eq!(Statement::read(&wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_text_says_what_was_meant(
            values in proptest::array::uniform6("\\PC*|[\\n\\r\\\\u{}: a]*|.*"),
            step in any::<bool>(),
            refused in any::<bool>(),
        ) {
            let [run, of, role, name, why, head] = values;
            let said = Statement {
                run, role, name, head,
                step: step.then_some(of),
                decision: if refused { Decision::Refused } else { Decision::Signed },
                reason: refused.then_some(why),
                playbook_sha256: String::new(),
            };
            prop_assert_eq!(Statement::read(&said.text()), Some(said));
        }
    }
}
