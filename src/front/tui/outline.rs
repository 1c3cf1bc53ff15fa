//! What the briefing tells: how large the run is, what it needs, where there is no way back, and whom to call.

use std::time::Duration;

use ratatui::style::Style;
use ratatui::text::Line;

use super::briefing::Briefing;
use super::text::{count, duration, markdown, wrap};
use crate::engine::StepState;
use crate::playbook::plan::{Act, Section, Step};

impl Briefing<'_> {
    /// Sets what the operator should know before the run begins.
    pub(super) fn text(&self, width: usize) -> Vec<Line<'static>> {
        let theme = self.theme;
        let mut lines: Vec<Line<'static>> = Vec::new();
        let mut say = |text: &str, style: Style| {
            lines.extend(wrap(text, width).into_iter().map(|line| Line::styled(line, style)));
        };
        if let Some(mode) = &self.facts.mode {
            say(mode, theme.care());
        }
        if let Some(summary) = &self.plan.summary {
            say(summary, Style::new());
        }
        for line in self.outline() {
            say(&line, Style::new());
        }
        for (program, found) in &self.facts.requires {
            let (glyph, word, style) = if *found {
                (theme.state(StepState::Done).glyph, "found", theme.good())
            } else {
                (theme.state(StepState::Failed).glyph, "missing: install it, or steps will fail", theme.bad())
            };
            say(&format!("{glyph} {program} {word}"), style);
        }
        let stuck: Vec<&Step> = self.plan.steps.iter().filter(|step| step.irreversible.is_some()).collect();
        if !stuck.is_empty() {
            say("", Style::new());
            say("Points of no return", theme.care());
            for step in stuck {
                let reason = step.irreversible.as_ref().map(|reason| self.fill(reason)).unwrap_or_default();
                say(&format!("! {}: {reason}", self.fill(&step.title)), Style::new());
            }
        }
        if !self.facts.warnings.is_empty() {
            say("", Style::new());
            say("The checker warns", theme.care());
            // Its first line says it; place and source line are for `runsheet check`.
            for warning in &self.facts.warnings {
                say(&format!("! {}", warning.lines().next().unwrap_or_default()), Style::new());
            }
        }
        if !self.plan.contacts.is_empty() {
            say("", Style::new());
            say("Whom to call", theme.heading());
            for (role, how) in &self.plan.contacts {
                say(&format!("{role}: {how}"), Style::new());
            }
        }
        if let Some(description) = &self.plan.description {
            lines.push(Line::default());
            lines.extend(markdown(description, width, theme));
        }
        lines
    }

    /// Says how large the run is.
    fn outline(&self) -> Vec<String> {
        let steps: Vec<_> = self.plan.steps.iter().filter(|step| step.section == Section::Main).collect();
        let people = self.plan.steps.iter().filter(|step| matches!(step.action.act, Act::Person(_))).count();
        let time: Duration = self.plan.steps.iter().filter_map(|step| step.estimate).sum();
        let mut outline = vec![format!(
            "{} in {}; a person is needed at {people}.",
            count(steps.len(), "step"),
            count(self.plan.phases.len(), "phase")
        )];
        let mut times = Vec::new();
        if time > Duration::ZERO {
            times.push(format!("About {} by the estimates", duration(time)));
        }
        if let Some(window) = self.plan.window {
            times.push(format!("window {}", duration(window)));
        }
        if !times.is_empty() {
            outline.push(format!("{}.", times.join(", ")));
        }
        outline
    }
}
