//! A playbook as a checklist in plain text, for `runsheet plan`: to read, to print, to walk by hand.

use std::fmt::Write as _;

use super::one_line;
use crate::engine::Run;
use crate::output::visible_plain;
use crate::playbook::plan::{InputKind, InputSpec, Plan, Section, Step, Template};
use crate::words::describe::{self, Fact};
use crate::words::{self, count, duration};

/// The column that what there is to say begins in.
const MARGIN: usize = 20;

/// Sets a playbook as a checklist. What is known only in a run stays as `${name}`.
#[must_use]
pub fn checklist(plan: &Plan) -> String {
    let mut list = Checklist { run: Run::default(), text: String::new() };
    list.head(plan);
    let mut number = 0;
    for phase in &plan.phases {
        list.heading(&phase.title.fill(|_| None));
        for step in &plan.steps[phase.steps.clone()] {
            number += 1;
            list.step(step, number);
        }
    }
    for section in [Section::Success, Section::Cleanup, Section::AfterRollback] {
        let steps = plan.section(section);
        if !steps.is_empty() {
            list.heading(words::section(section));
        }
        for step in &plan.steps[steps] {
            number += 1;
            list.step(step, number);
        }
    }
    list.foot(plan);
    list.text
}

/// A checklist as far as it is written.
struct Checklist {
    run: Run,
    text: String,
}

impl Checklist {
    fn line(&mut self, line: &str) {
        self.text.push_str(visible_plain(line).trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, title: &str) {
        let title = one_line(title);
        self.line("");
        self.line(&title);
        self.line(&"-".repeat(title.chars().count()));
    }

    fn fact(&mut self, label: &str, text: &str) {
        for (at, line) in text.lines().enumerate() {
            let label = if at == 0 { label } else { "" };
            self.line(&format!("      {label:<14}{}", line.replace('\t', "    ")));
        }
    }

    fn head(&mut self, plan: &Plan) {
        let title = one_line(&plan.title);
        self.line(&title);
        self.line(&"=".repeat(title.chars().count()));
        for text in plan.summary.iter().chain(&plan.description) {
            self.line(text.trim());
            self.line("");
        }
        let mut fact = |label: &str, text: String| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(self.text, "{label:<MARGIN$}{}", one_line(&text));
        };
        if let Some(version) = &plan.version {
            fact("version", version.clone());
        }
        if !plan.owners.is_empty() {
            fact("owners", plan.owners.join(", "));
        }
        for (role, how) in &plan.contacts {
            fact("contact", format!("{role}: {how}"));
        }
        if let Some(window) = plan.window {
            fact("window", duration(window));
        }
        if let Some(every) = plan.every {
            fact("to be done every", duration(every));
        }
        if !plan.requires.is_empty() {
            fact("needs on PATH", plan.requires.join(", "));
        }
        for (name, values) in &plan.protected {
            fact("protected when", format!("{name} is {}", values.join(" or ")));
        }
        if !plan.inputs.is_empty() {
            self.heading("Inputs");
        }
        for spec in &plan.inputs {
            self.line(&format!("[ ] {}: {}", spec.name, input(spec)));
        }
    }

    fn step(&mut self, step: &Step, number: usize) {
        let title = one_line(&step.title.fill(|_| None));
        self.line("");
        self.line(&format!("[ ] {number}. {title} ({})", step.id));
        if !step.when.is_empty() {
            let when: Vec<String> =
                step.when.iter().map(|(name, values)| format!("{name} is {}", values.join(" or "))).collect();
            self.fact("only when", &when.join(", and "));
        }
        if step.optional {
            self.fact("optional", "may be skipped without a reason");
        }
        if let Some(confirm) = &step.confirm {
            self.fact("confirm", &template(confirm));
        }
        for Fact { label, text, .. } in describe::step(step, &self.run) {
            self.fact(label, &text);
        }
    }

    fn foot(&mut self, plan: &Plan) {
        if !plan.temporary.is_empty() {
            self.heading("Removed at the end");
            for file in &plan.temporary {
                self.line(&format!("[ ] {}", one_line(&template(file))));
            }
        }
        if let Some(sign_off) = &plan.sign_off {
            self.heading("Sign-off");
            for role in &sign_off.by {
                self.line(&format!("[ ] {}: ____________________", one_line(role)));
            }
            if sign_off.distinct {
                self.line("Each by a different person.");
            }
        }
        if !plan.follow_up.is_empty() {
            self.heading("Follow-up");
            for follow in &plan.follow_up {
                self.line(&format!("[ ] {}", one_line(&words::follow_up(follow, &self.run))));
            }
        }
        let known: Vec<_> = plan.steps.iter().filter_map(|step| step.estimate).collect();
        let steps = count(plan.steps.len(), "step", "steps");
        self.line("");
        if known.is_empty() {
            self.line(&format!("{steps}."));
        } else {
            let sum = duration(known.iter().sum());
            self.line(&format!("{steps}; {} with an estimate, {sum} in all.", known.len()));
        }
    }
}

fn template(text: &Template) -> String {
    text.fill(|_| None)
}

/// Says what an input is.
fn input(spec: &InputSpec) -> String {
    let kind = match &spec.kind {
        InputKind::Text => "a text".to_owned(),
        InputKind::Choice(choices) => choices.join(" or "),
        InputKind::Path => "a path".to_owned(),
        InputKind::Integer => "a whole number".to_owned(),
        InputKind::Boolean => "true or false".to_owned(),
        InputKind::Url => "a URL".to_owned(),
        InputKind::Duration => "a duration".to_owned(),
        InputKind::Secret => "a secret".to_owned(),
    };
    let prompt = spec.prompt.as_ref().map(|prompt| format!("{} ", one_line(&template(prompt)))).unwrap_or_default();
    let default = spec.default.as_ref().map(|text| format!(", by default {}", one_line(&template(text))));
    format!("{prompt}({kind}{})", default.unwrap_or_default())
}
