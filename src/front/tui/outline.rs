//! What the briefing tells: how large the run is, what it needs, where there is no way back, and whom to call.

use ratatui::style::Style;
use ratatui::text::Line;

use super::briefing::Briefing;
use super::text::{markdown, wrap};
use crate::engine::StepState;
use crate::words::briefing;

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
        if let Some(first) = &self.facts.first {
            lines.extend(markdown(first, width, theme));
            lines.push(Line::default());
        }
        let mut say = |text: &str, style: Style| {
            lines.extend(wrap(text, width).into_iter().map(|line| Line::styled(line, style)));
        };
        if let Some(summary) = &self.plan.summary {
            say(summary, Style::new());
        }
        let run = self.run();
        say(&briefing::size(self.plan, &run), Style::new());
        for time in briefing::times(self.plan, &run) {
            say(&time.text, if time.care { theme.bad() } else { Style::new() });
        }
        if let Some(ticket) = &self.facts.ticket {
            say(&format!("Ticket {ticket}."), Style::new());
        }
        for (program, found) in &self.facts.requires {
            let (glyph, word, style) = if *found {
                (theme.state(StepState::Done).glyph, "found", theme.good())
            } else {
                (theme.state(StepState::Failed).glyph, "missing: install it, or steps will fail", theme.bad())
            };
            say(&format!("{glyph} {program} {word}"), style);
        }
        let mut part = |title: &str, style: Style, sign: &str, told: &[String]| {
            if !told.is_empty() {
                say("", Style::new());
                say(title, style);
                for line in told {
                    say(&format!("{sign}{line}"), Style::new());
                }
            }
        };
        part("Points of no return", theme.care(), "! ", &briefing::no_return(self.plan, &run));
        part("What will happen", theme.heading(), "", &briefing::course(self.plan, &run));
        part("How it is undone", theme.heading(), "", &briefing::way_back(self.plan, &run));
        part("Afterwards", theme.heading(), "", &briefing::afterwards(self.plan, &run));
        // Its first line says it; place and source line are for `runsheet check`.
        let warnings = self.facts.warnings.iter().map(|warning| warning.lines().next().unwrap_or_default().to_owned());
        part("The checker warns", theme.care(), "! ", &warnings.collect::<Vec<_>>());
        let contacts = self.plan.contacts.iter().map(|(role, how)| format!("{role}: {how}"));
        part("Whom to call", theme.heading(), "", &contacts.collect::<Vec<_>>());
        if let Some(description) = &self.plan.description {
            lines.push(Line::default());
            lines.extend(markdown(description, width, theme));
        }
        lines
    }
}
